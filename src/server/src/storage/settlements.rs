//! Merchants' accounts: entries, settlements, and the payouts of settlements.

use sqlx::FromRow;

use super::Connection;

/// An entry of a merchant's account.
#[derive(Debug, Clone, FromRow)]
pub struct Entry {
    pub id: String,
    pub merchant: String,
    pub currency: String,
    pub kind: String,
    pub loan: String,
    /// More than nothing: owed to the merchant; less: owed by it.
    pub amount: i64,
    pub date: String,
    pub settlement: Option<String>,
    pub paid_out: i64,
    /// Of a capture: 1 where nothing was captured, and a refund that was undone is given back.
    pub undone: i64,
    pub created: String,
}

/// A settlement.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub merchant: String,
    pub currency: String,
    pub number: i64,
    pub until: String,
    pub date: String,
    pub captures: i64,
    pub fees: i64,
    pub refunds: i64,
    pub carried_in: i64,
    pub reserve_used: i64,
    pub reserve_held: i64,
    pub reserve_released: i64,
    pub claim_recovered: i64,
    pub claimed: i64,
    pub payout: i64,
    pub carried_out: i64,
    pub reserve: i64,
    pub claim: i64,
    pub negative_cycles: i64,
    /// Of the captures, what is given back for refunds that were undone.
    pub undone: i64,
    pub status: String,
    pub value_date: Option<String>,
    pub created: String,
}

/// A payout of a settlement.
#[derive(Debug, Clone, FromRow)]
pub struct PayoutRow {
    pub id: String,
    pub settlement: String,
    pub number: i64,
    pub amount: i64,
    pub currency: String,
    pub date: String,
    pub status: String,
    pub value_date: Option<String>,
    pub transfer: Option<String>,
    pub created: String,
}

/// What falls into a settlement.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct Falling {
    pub count: i64,
    pub captures: i64,
    pub fees: i64,
    pub refunds: i64,
    /// Given back for refunds that were undone, and posted by no settlement before.
    pub undone: i64,
}

/// Writes an entry.
///
/// # Errors
/// When the database fails.
pub async fn insert_entry(db: &mut Connection, entry: &Entry) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO merchant_entries (id, merchant, currency, kind, loan, amount, date, paid_out, undone, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&entry.id)
    .bind(&entry.merchant)
    .bind(&entry.currency)
    .bind(&entry.kind)
    .bind(&entry.loan)
    .bind(entry.amount)
    .bind(&entry.date)
    .bind(entry.paid_out)
    .bind(entry.undone)
    .bind(&entry.created)
    .execute(db)
    .await?;
    Ok(())
}

/// Merchants with entries that are not settled, or that owe something from before; each with the currency.
///
/// # Errors
/// When the database fails.
pub async fn accounts(db: &mut Connection) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as(
        "SELECT merchant, currency FROM merchant_entries WHERE settlement IS NULL
         UNION
         SELECT merchant, currency FROM settlements s WHERE carried_out > 0 AND number =
            (SELECT max(number) FROM settlements WHERE merchant = s.merchant AND currency = s.currency)
         ORDER BY 1, 2",
    )
    .fetch_all(db)
    .await
}

/// A merchant's last settlement.
///
/// # Errors
/// When the database fails.
pub async fn last(db: &mut Connection, merchant: &str, currency: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM settlements WHERE merchant = $1 AND currency = $2 ORDER BY number DESC LIMIT 1")
        .bind(merchant)
        .bind(currency)
        .fetch_optional(db)
        .await
}

/// What a merchant is owed and owes up to a day, and is not settled.
///
/// # Errors
/// When the database fails.
pub async fn falling(db: &mut Connection, merchant: &str, currency: &str, until: &str) -> sqlx::Result<Falling> {
    sqlx::query_as(
        "SELECT count(*) AS count,
            CAST(coalesce(sum(CASE WHEN kind = 'capture' THEN amount END), 0) AS BIGINT) AS captures,
            CAST(coalesce(-sum(CASE WHEN kind IN ('merchant_fee', 'installment_fee') THEN amount END), 0) AS BIGINT) AS fees,
            CAST(coalesce(-sum(CASE WHEN kind = 'refund' THEN amount END), 0) AS BIGINT) AS refunds,
            (SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM merchant_entries
                WHERE merchant = $1 AND currency = $2 AND date <= $3 AND undone = 1)
            - (SELECT CAST(coalesce(sum(undone), 0) AS BIGINT) FROM settlements
                WHERE merchant = $1 AND currency = $2) AS undone
         FROM merchant_entries WHERE merchant = $1 AND currency = $2 AND date <= $3 AND settlement IS NULL",
    )
    .bind(merchant)
    .bind(currency)
    .bind(until)
    .fetch_one(db)
    .await
}

/// What a merchant is owed less what it owes, and is not settled.
///
/// # Errors
/// When the database fails.
pub async fn unsettled(db: &mut Connection, merchant: &str) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query_as(
        "SELECT currency, CAST(coalesce(sum(amount), 0) AS BIGINT) FROM merchant_entries
         WHERE merchant = $1 AND settlement IS NULL GROUP BY currency ORDER BY currency",
    )
    .bind(merchant)
    .fetch_all(db)
    .await
}

/// Writes a settlement.
///
/// # Errors
/// When its number is taken or the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    let query = sqlx::query(
        "INSERT INTO settlements (id, merchant, currency, number, until, date, captures, fees, refunds, carried_in,
            reserve_used, reserve_held, reserve_released, claim_recovered, claimed, payout, carried_out, reserve, claim,
            negative_cycles, undone, status, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
            $23)",
    );
    query
        .bind(&row.id)
        .bind(&row.merchant)
        .bind(&row.currency)
        .bind(row.number)
        .bind(&row.until)
        .bind(&row.date)
        .bind(row.captures)
        .bind(row.fees)
        .bind(row.refunds)
        .bind(row.carried_in)
        .bind(row.reserve_used)
        .bind(row.reserve_held)
        .bind(row.reserve_released)
        .bind(row.claim_recovered)
        .bind(row.claimed)
        .bind(row.payout)
        .bind(row.carried_out)
        .bind(row.reserve)
        .bind(row.claim)
        .bind(row.negative_cycles)
        .bind(row.undone)
        .bind(&row.status)
        .bind(&row.created)
        .execute(db)
        .await?;
    Ok(())
}

/// Takes the entries of a settlement.
///
/// # Errors
/// When the database fails.
pub async fn take(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE merchant_entries SET settlement = $1
         WHERE merchant = $2 AND currency = $3 AND date <= $4 AND settlement IS NULL",
    )
    .bind(&row.id)
    .bind(&row.merchant)
    .bind(&row.currency)
    .bind(&row.until)
    .execute(db)
    .await?;
    Ok(())
}

/// The settlement of an id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, id: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM settlements WHERE id = $1").bind(id).fetch_optional(db).await
}

/// A settlement's payout has ended well.
///
/// # Errors
/// When the database fails.
pub async fn settle(db: &mut Connection, id: &str, value_date: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE settlements SET status = 'settled', value_date = $2 WHERE id = $1")
        .bind(id)
        .bind(value_date)
        .execute(db)
        .await?;
    Ok(())
}

/// Says where a settlement stands.
///
/// # Errors
/// When the database fails.
pub async fn set_status(db: &mut Connection, id: &str, status: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE settlements SET status = $2 WHERE id = $1").bind(id).bind(status).execute(db).await?;
    Ok(())
}

/// Settlements that are not paid.
///
/// # Errors
/// When the database fails.
pub async fn open(db: &mut Connection) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM settlements WHERE status <> 'settled' ORDER BY id").fetch_all(db).await
}

/// A merchant's paid settlements.
///
/// # Errors
/// When the database fails.
pub async fn settled(db: &mut Connection, merchant: &str) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM settlements WHERE merchant = $1 AND status = 'settled' ORDER BY number")
        .bind(merchant)
        .fetch_all(db)
        .await
}

/// A page of a merchant's settlements, the latest first, before an id.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut Connection, merchant: &str, before: Option<&str>, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT * FROM settlements WHERE merchant = $1 AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
    )
    .bind(merchant)
    .bind(before)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// A page of a settlement's entries after an id.
///
/// # Errors
/// When the database fails.
pub async fn entries(
    db: &mut Connection,
    settlement: &str,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as(
        "SELECT * FROM merchant_entries WHERE settlement = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3",
    )
    .bind(settlement)
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Writes a payout.
///
/// # Errors
/// When its number is taken or the database fails.
pub async fn insert_payout(db: &mut Connection, row: &PayoutRow) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO settlement_payouts (id, settlement, number, amount, currency, date, status, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&row.id)
    .bind(&row.settlement)
    .bind(row.number)
    .bind(row.amount)
    .bind(&row.currency)
    .bind(&row.date)
    .bind(&row.status)
    .bind(&row.created)
    .execute(db)
    .await?;
    Ok(())
}

/// The payout of an id.
///
/// # Errors
/// When the database fails.
pub async fn find_payout(db: &mut Connection, id: &str) -> sqlx::Result<Option<PayoutRow>> {
    sqlx::query_as("SELECT * FROM settlement_payouts WHERE id = $1").bind(id).fetch_optional(db).await
}

/// A settlement's payouts in order.
///
/// # Errors
/// When the database fails.
pub async fn payouts(db: &mut Connection, settlement: &str) -> sqlx::Result<Vec<PayoutRow>> {
    sqlx::query_as("SELECT * FROM settlement_payouts WHERE settlement = $1 ORDER BY number")
        .bind(settlement)
        .fetch_all(db)
        .await
}

/// A settlement's last payout.
///
/// # Errors
/// When the database fails.
pub async fn last_payout(db: &mut Connection, settlement: &str) -> sqlx::Result<Option<PayoutRow>> {
    Ok(payouts(db, settlement).await?.pop())
}

/// Ends a requested payout: status, value date, the provider's id of the transfer.
///
/// # Errors
/// When the database fails.
pub async fn end_payout(
    db: &mut Connection,
    id: &str,
    (status, value_date, transfer): (&str, Option<&str>, Option<&str>),
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE settlement_payouts SET status = $2, value_date = $3, transfer = $4
         WHERE id = $1 AND status = 'requested'",
    )
    .bind(id)
    .bind(status)
    .bind(value_date)
    .bind(transfer)
    .execute(db)
    .await?;
    Ok(())
}

/// Paid settlements of which a loan has not heard of it.
///
/// # Errors
/// When the database fails.
pub async fn with_unpaid_loans(db: &mut Connection) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT * FROM settlements WHERE status = 'settled' AND id IN
            (SELECT settlement FROM merchant_entries WHERE kind = 'capture' AND paid_out = 0 AND settlement IS NOT NULL)
         ORDER BY id",
    )
    .fetch_all(db)
    .await
}

/// Captures of a settlement of which the loan has not heard, after an entry: entry and loan.
///
/// # Errors
/// When the database fails.
pub async fn unpaid(
    db: &mut Connection,
    settlement: &str,
    after: &str,
    limit: i64,
) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as(
        "SELECT id, loan FROM merchant_entries WHERE settlement = $1 AND id > $2 AND kind = 'capture' AND paid_out = 0
         ORDER BY id LIMIT $3",
    )
    .bind(settlement)
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// A loan has heard that its merchant has the money; `false` where it had before.
///
/// # Errors
/// When the database fails.
pub async fn paid_out(db: &mut Connection, entry: &str) -> sqlx::Result<bool> {
    let sql = "UPDATE merchant_entries SET paid_out = 1 WHERE id = $1 AND paid_out = 0";
    Ok(sqlx::query(sql).bind(entry).execute(db).await?.rows_affected() == 1)
}
