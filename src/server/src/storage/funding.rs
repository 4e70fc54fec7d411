//! Who finances loans: what was tried, what is reserved, what each funder has in each loan.

use sqlx::FromRow;

use super::{Connection, many};

/// A search for funders.
#[derive(Debug, Clone, FromRow)]
pub struct RouteRow {
    pub id: String,
    pub application: String,
    pub offer: String,
    pub programme: Option<String>,
    pub elapsed_ms: i64,
    pub decided: String,
}

/// One attempt of it.
#[derive(Debug, Clone, FromRow)]
pub struct TryRow {
    pub number: i64,
    pub programme: String,
    pub funder: Option<String>,
    pub ended: String,
    pub reason: String,
    pub elapsed_ms: i64,
}

/// A funder's part of a loan that is signed and not lent yet.
#[derive(Debug, Clone)]
pub struct Reservation {
    pub funder: String,
    pub kind: &'static str,
    pub joint: bool,
    pub currency: String,
    pub amount: i64,
    pub own_amount: i64,
    pub whole_amount: i64,
}

/// A funder of a loan, with projections of its books.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub loan: String,
    pub place: i64,
    pub funder: String,
    pub name: String,
    pub kind: String,
    pub programme: String,
    pub joint: i64,
    pub currency: String,
    pub share_percent: String,
    pub servicing_fee_percent: String,
    pub stray_cent: i64,
    pub funded: i64,
    pub remitted: i64,
    pub principal_outstanding: i64,
    pub own_outstanding: i64,
    pub whole_outstanding: i64,
    pub to_remit: i64,
    pub pending: Option<String>,
    /// Of a guarantor: 1 where its fee stands in books of its own.
    pub fee_books: i64,
}

/// Keeps a search and its attempts.
///
/// # Errors
/// When the database fails.
pub async fn insert_route(db: &mut Connection, row: &RouteRow, tries: &[TryRow]) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO funding_routes (id, application, offer, programme, elapsed_ms, decided)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&row.id)
    .bind(&row.application)
    .bind(&row.offer)
    .bind(&row.programme)
    .bind(row.elapsed_ms)
    .bind(&row.decided)
    .execute(&mut *db)
    .await?;
    let before = "INSERT INTO funding_tries (route, number, programme, funder, ended, reason, elapsed_ms) VALUES";
    many::execute(db, (before, ""), 7, tries, |query, one| {
        query
            .bind(row.id.clone())
            .bind(one.number)
            .bind(one.programme.clone())
            .bind(one.funder.clone())
            .bind(one.ended.clone())
            .bind(one.reason.clone())
            .bind(one.elapsed_ms)
    })
    .await
}

/// The searches of an application, in order.
///
/// # Errors
/// When the database fails.
pub async fn routes(db: &mut Connection, application: &str) -> sqlx::Result<Vec<RouteRow>> {
    sqlx::query_as("SELECT * FROM funding_routes WHERE application = $1 ORDER BY id")
        .bind(application)
        .fetch_all(db)
        .await
}

/// The attempts of a search, in order.
///
/// # Errors
/// When the database fails.
pub async fn tries(db: &mut Connection, route: &str) -> sqlx::Result<Vec<TryRow>> {
    sqlx::query_as(
        "SELECT number, programme, funder, ended, reason, elapsed_ms FROM funding_tries WHERE route = $1 ORDER BY number",
    )
    .bind(route)
    .fetch_all(db)
    .await
}

/// Reserves, or reserves anew.
///
/// # Errors
/// When the database fails.
pub async fn reserve(db: &mut Connection, application: &str, rows: &[Reservation]) -> sqlx::Result<()> {
    release(db, application).await?;
    let before = "INSERT INTO funding_reservations
        (application, funder, kind, joint, currency, amount, own_amount, whole_amount) VALUES";
    many::execute(db, (before, ""), 8, rows, |query, row| {
        query
            .bind(application.to_owned())
            .bind(row.funder.clone())
            .bind(row.kind.to_owned())
            .bind(i64::from(row.joint))
            .bind(row.currency.clone())
            .bind(row.amount)
            .bind(row.own_amount)
            .bind(row.whole_amount)
    })
    .await
}

/// What is reserved of a whole loan.
///
/// # Errors
/// When the database fails.
pub async fn reserved(db: &mut Connection, application: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT CAST(coalesce(max(whole_amount), 0) AS BIGINT) FROM funding_reservations WHERE application = $1",
    )
    .bind(application)
    .fetch_one(db)
    .await
}

/// What each funder with a share has promised for what an order holds.
///
/// # Errors
/// When the database fails.
pub async fn reserved_for(db: &mut Connection, order: &str) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query_as(
        "SELECT r.funder, r.amount FROM funding_reservations r JOIN orders o ON o.application = r.application
         WHERE o.checkout = $1 AND r.kind <> 'guarantor' ORDER BY r.funder",
    )
    .bind(order)
    .fetch_all(db)
    .await
}

/// Gives back what was reserved.
///
/// # Errors
/// When the database fails.
pub async fn release(db: &mut Connection, application: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM funding_reservations WHERE application = $1").bind(application).execute(db).await?;
    Ok(())
}

/// What a funder finances, or answers for, lent and promised; and of the same loans the lender's own part, and the whole.
///
/// # Errors
/// When the database fails.
pub async fn exposure_of(db: &mut Connection, funder: &str, currency: &str) -> sqlx::Result<(i64, i64, i64)> {
    sqlx::query_as(
        "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT), CAST(coalesce(sum(own_amount), 0) AS BIGINT),
            CAST(coalesce(sum(whole_amount), 0) AS BIGINT) FROM (
            SELECT amount, own_amount, whole_amount FROM funding_totals WHERE funder = $1 AND currency = $2
            UNION ALL
            SELECT amount, own_amount, whole_amount FROM funding_moves WHERE funder = $1 AND currency = $2
            UNION ALL
            SELECT amount, own_amount, whole_amount FROM funding_reservations WHERE funder = $1 AND currency = $2
         ) AS parts",
    )
    .bind(funder)
    .bind(currency)
    .fetch_one(db)
    .await
}

/// Of all joint loans, lent and promised: the lender's own parts, and the partners'.
///
/// # Errors
/// When the database fails.
pub async fn joint(db: &mut Connection, currency: &str) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "SELECT CAST(coalesce(sum(CASE WHEN kind = 'own' THEN amount END), 0) AS BIGINT),
            CAST(coalesce(sum(CASE WHEN kind = 'partner' THEN amount END), 0) AS BIGINT) FROM (
            SELECT kind, amount FROM funding_totals WHERE joint = 1 AND currency = $1
            UNION ALL
            SELECT kind, amount FROM funding_moves WHERE joint = 1 AND currency = $1
            UNION ALL
            SELECT kind, amount FROM funding_reservations WHERE joint = 1 AND currency = $1
         ) AS parts",
    )
    .bind(currency)
    .fetch_one(db)
    .await
}

/// A change of what is lent with a funder, or a sum of such changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, FromRow)]
pub struct Exposure {
    pub funder: String,
    pub currency: String,
    pub kind: String,
    pub joint: i64,
    pub amount: i64,
    pub own_amount: i64,
    pub whole_amount: i64,
}

/// Notes changes, each under a new id.
///
/// # Errors
/// When the database fails.
pub async fn insert_moves(db: &mut Connection, moves: &[(String, Exposure)]) -> sqlx::Result<()> {
    let before = "INSERT INTO funding_moves
        (id, funder, currency, kind, joint, amount, own_amount, whole_amount) VALUES";
    many::execute(db, (before, ""), 8, moves, |query, (id, one)| {
        query
            .bind(id.clone())
            .bind(one.funder.clone())
            .bind(one.currency.clone())
            .bind(one.kind.clone())
            .bind(one.joint)
            .bind(one.amount)
            .bind(one.own_amount)
            .bind(one.whole_amount)
    })
    .await
}

/// The id up to which so many changes lie, oldest first; none where there are no changes.
///
/// # Errors
/// When the database fails.
pub async fn moves_until(db: &mut Connection, limit: i64) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT max(id) FROM (SELECT id FROM funding_moves ORDER BY id LIMIT $1) AS oldest")
        .bind(limit)
        .fetch_one(db)
        .await
}

/// Adds the changes up to an id to the sums, and removes them; how many there were.
///
/// # Errors
/// When the database fails.
pub async fn add_up(db: &mut Connection, until: &str) -> sqlx::Result<u64> {
    let sums: Vec<Exposure> = sqlx::query_as(
        "SELECT funder, currency, kind, joint, CAST(sum(amount) AS BIGINT) AS amount,
            CAST(sum(own_amount) AS BIGINT) AS own_amount, CAST(sum(whole_amount) AS BIGINT) AS whole_amount
         FROM funding_moves WHERE id <= $1 GROUP BY funder, currency, kind, joint ORDER BY funder, currency, kind, joint",
    )
    .bind(until)
    .fetch_all(&mut *db)
    .await?;
    for sum in &sums {
        sqlx::query(
            "INSERT INTO funding_totals (funder, currency, kind, joint, amount, own_amount, whole_amount)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (funder, currency, kind, joint) DO UPDATE SET amount = funding_totals.amount + excluded.amount,
                own_amount = funding_totals.own_amount + excluded.own_amount,
                whole_amount = funding_totals.whole_amount + excluded.whole_amount",
        )
        .bind(&sum.funder)
        .bind(&sum.currency)
        .bind(&sum.kind)
        .bind(sum.joint)
        .bind(sum.amount)
        .bind(sum.own_amount)
        .bind(sum.whole_amount)
        .execute(&mut *db)
        .await?;
    }
    let done = sqlx::query("DELETE FROM funding_moves WHERE id <= $1").bind(until).execute(db).await?;
    Ok(done.rows_affected())
}

/// What is lent by the sums and the changes since, by funder; what comes to nothing is left out.
///
/// # Errors
/// When the database fails.
pub async fn lent_by_sums(db: &mut Connection) -> sqlx::Result<Vec<Exposure>> {
    sqlx::query_as(
        "SELECT funder, currency, kind, joint, CAST(sum(amount) AS BIGINT) AS amount,
            CAST(sum(own_amount) AS BIGINT) AS own_amount, CAST(sum(whole_amount) AS BIGINT) AS whole_amount
         FROM (SELECT funder, currency, kind, joint, amount, own_amount, whole_amount FROM funding_totals
            UNION ALL
            SELECT funder, currency, kind, joint, amount, own_amount, whole_amount FROM funding_moves) AS parts
         GROUP BY funder, currency, kind, joint
         HAVING sum(amount) <> 0 OR sum(own_amount) <> 0 OR sum(whole_amount) <> 0
         ORDER BY funder, currency, kind, joint",
    )
    .fetch_all(db)
    .await
}

/// The same by the loans themselves.
///
/// # Errors
/// When the database fails.
pub async fn lent_by_loans(db: &mut Connection) -> sqlx::Result<Vec<Exposure>> {
    sqlx::query_as(
        "SELECT funder, currency, kind, joint, CAST(sum(principal_outstanding) AS BIGINT) AS amount,
            CAST(sum(own_outstanding) AS BIGINT) AS own_amount, CAST(sum(whole_outstanding) AS BIGINT) AS whole_amount
         FROM loan_funders GROUP BY funder, currency, kind, joint
         HAVING sum(principal_outstanding) <> 0 OR sum(own_outstanding) <> 0 OR sum(whole_outstanding) <> 0
         ORDER BY funder, currency, kind, joint",
    )
    .fetch_all(db)
    .await
}

/// All loans whole, lent and promised.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &mut Connection, currency: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT CAST(coalesce((SELECT sum(principal_outstanding) FROM loan_standings
                WHERE currency = $1 AND principal_outstanding > 0), 0)
            + coalesce((SELECT sum(amount) FROM funding_reservations
                WHERE currency = $1 AND kind <> 'guarantor'), 0) AS BIGINT)",
    )
    .bind(currency)
    .fetch_one(db)
    .await
}

/// Writes the funders of a new loan.
///
/// # Errors
/// When the loan has funders or the database fails.
pub async fn insert(db: &mut Connection, rows: &[Row]) -> sqlx::Result<()> {
    let before = "INSERT INTO loan_funders (loan, place, funder, name, kind, programme, joint, currency, share_percent,
        servicing_fee_percent, stray_cent, fee_books) VALUES";
    many::execute(db, (before, ""), 12, rows, |query, row| {
        query
            .bind(row.loan.clone())
            .bind(row.place)
            .bind(row.funder.clone())
            .bind(row.name.clone())
            .bind(row.kind.clone())
            .bind(row.programme.clone())
            .bind(row.joint)
            .bind(row.currency.clone())
            .bind(row.share_percent.clone())
            .bind(row.servicing_fee_percent.clone())
            .bind(row.stray_cent)
            .bind(row.fee_books)
    })
    .await
}

/// The funders of loans, in their order.
///
/// # Errors
/// When the database fails.
pub async fn of_loans(db: &mut Connection, loans: &[&str]) -> sqlx::Result<Vec<Row>> {
    let mut rows: Vec<Row> = many::select(db, "SELECT * FROM loan_funders WHERE loan IN", "", loans).await?;
    rows.sort_by(|a, b| (&a.loan, a.place).cmp(&(&b.loan, b.place)));
    Ok(rows)
}

/// Rewrites the projections of funders' books, and what moved.
///
/// # Errors
/// When the database fails.
pub async fn project(db: &mut Connection, rows: &[Row]) -> sqlx::Result<()> {
    let before = "WITH v (loan, place, funded, remitted, principal, own, whole, to_remit) AS (VALUES";
    let after =
        ") UPDATE loan_funders SET funded = v.funded, remitted = v.remitted, principal_outstanding = v.principal,
            own_outstanding = v.own, whole_outstanding = v.whole, to_remit = v.to_remit
        FROM v WHERE loan_funders.loan = v.loan AND loan_funders.place = v.place";
    many::execute(db, (before, after), 8, rows, |query, row| {
        query
            .bind(row.loan.clone())
            .bind(row.place)
            .bind(row.funded)
            .bind(row.remitted)
            .bind(row.principal_outstanding)
            .bind(row.own_outstanding)
            .bind(row.whole_outstanding)
            .bind(row.to_remit)
    })
    .await
}

/// The ends of chains: name, number, hash of the last entry of each that has one.
///
/// # Errors
/// When the database fails.
pub async fn heads(db: &mut Connection, chains: &[&str]) -> sqlx::Result<Vec<(String, i64, String)>> {
    let before = "SELECT chain, number, hash FROM journal_entries e WHERE number =
        (SELECT max(number) FROM journal_entries WHERE chain = e.chain) AND chain IN";
    many::select(db, before, "", chains).await
}

/// A page of a funder's loans after an id.
///
/// # Errors
/// When the database fails.
pub async fn of_funder(db: &mut Connection, funder: &str, after: &str, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM loan_funders WHERE funder = $1 AND loan > $2 ORDER BY loan LIMIT $3")
        .bind(funder)
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// What one account of a funder's books of a loan was debited and credited.
#[derive(Debug, Clone, FromRow)]
pub struct BalanceRow {
    pub loan: String,
    pub currency: String,
    pub account: String,
    pub debit: i64,
    pub credit: i64,
}

/// The balances of a funder's books of the loans after one and up to another, by what was booked up to a day.
///
/// # Errors
/// When the database fails.
pub async fn balances_until(
    db: &mut Connection,
    funder: &str,
    (after, until): (&str, &str),
    date: &str,
) -> sqlx::Result<Vec<BalanceRow>> {
    // Not by the view of postings, which an engine may build whole before it joins.
    sqlx::query_as(
        "SELECT loan, currency, account, CAST(sum(debit) AS BIGINT) AS debit, CAST(sum(credit) AS BIGINT) AS credit FROM (
            SELECT f.loan, f.currency, t.debit AS account, t.amount AS debit, 0 AS credit
            FROM loan_funders f JOIN journal_entries e ON e.chain = f.loan || '/' || f.funder
                JOIN journal_transfers t ON t.entry = e.id
            WHERE f.funder = $1 AND f.loan > $2 AND f.loan <= $3 AND e.date <= $4
            UNION ALL
            SELECT f.loan, f.currency, t.credit AS account, 0 AS debit, t.amount AS credit
            FROM loan_funders f JOIN journal_entries e ON e.chain = f.loan || '/' || f.funder
                JOIN journal_transfers t ON t.entry = e.id
            WHERE f.funder = $1 AND f.loan > $2 AND f.loan <= $3 AND e.date <= $4
         ) AS postings GROUP BY loan, currency, account ORDER BY loan, account",
    )
    .bind(funder)
    .bind(after)
    .bind(until)
    .bind(date)
    .fetch_all(db)
    .await
}

/// All that a funder's books come to, by account.
///
/// # Errors
/// When the database fails.
pub async fn balances(db: &mut Connection, funder: &str) -> sqlx::Result<Vec<super::journal::BalanceRow>> {
    sqlx::query_as(
        "SELECT currency, account, CAST(sum(debit) AS BIGINT) AS debit, CAST(sum(credit) AS BIGINT) AS credit FROM (
            SELECT f.currency, t.debit AS account, t.amount AS debit, 0 AS credit
            FROM loan_funders f JOIN journal_entries e ON e.chain = f.loan || '/' || f.funder
                JOIN journal_transfers t ON t.entry = e.id
            WHERE f.funder = $1
            UNION ALL
            SELECT f.currency, t.credit AS account, 0 AS debit, t.amount AS credit
            FROM loan_funders f JOIN journal_entries e ON e.chain = f.loan || '/' || f.funder
                JOIN journal_transfers t ON t.entry = e.id
            WHERE f.funder = $1
         ) AS postings GROUP BY currency, account ORDER BY currency, account",
    )
    .bind(funder)
    .fetch_all(db)
    .await
}

/// How many loans a funder has ever had a part of, and of how many principal is owed.
///
/// # Errors
/// When the database fails.
pub async fn counts(db: &mut Connection, funder: &str) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "SELECT count(*), count(CASE WHEN principal_outstanding > 0 THEN 1 END) FROM loan_funders WHERE funder = $1",
    )
    .bind(funder)
    .fetch_one(db)
    .await
}
