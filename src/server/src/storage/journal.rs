//! The journal: chains of entries, read and appended, never changed.

use std::collections::BTreeMap;

use prequal_core::{calendar::Date, currency::Currency, money::Amount};
use prequal_ledger::{Account, Entry, Head, Sealed, Transfer};
use sqlx::FromRow;

use super::{Connection, many};
use crate::problem::Problem;

/// The chain of money from unknown payers.
pub const SUSPENSE_CHAIN: &str = "suspense";

/// Where a chain ends.
///
/// # Errors
/// When the database fails.
pub async fn head(db: &mut Connection, chain: &str) -> sqlx::Result<Head> {
    let row: Option<(i64, String)> =
        sqlx::query_as("SELECT number, hash FROM journal_entries WHERE chain = $1 ORDER BY number DESC LIMIT 1")
            .bind(chain)
            .fetch_optional(db)
            .await?;
    Ok(row.map_or_else(Head::default, |(number, hash)| Head { number: number.unsigned_abs(), hash }))
}

/// Appends an entry to its chain.
///
/// # Errors
/// When it does not follow the chain or the database fails.
pub async fn append(db: &mut Connection, id: &str, chain: &str, sealed: &Sealed, now: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO journal_entries (id, chain, number, date, currency, event, previous, hash, recorded, lines)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(id)
    .bind(chain)
    .bind(i64::try_from(sealed.number).unwrap_or(i64::MAX))
    .bind(sealed.entry.date().to_string())
    .bind(sealed.entry.currency().code().to_owned())
    .bind(sealed.entry.event().to_owned())
    .bind(&sealed.previous)
    .bind(&sealed.hash)
    .bind(now)
    .bind(lines_of(&sealed.entry))
    .execute(&mut *db)
    .await?;
    for (line, transfer) in (1_i64..).zip(sealed.entry.transfers()) {
        sqlx::query("INSERT INTO journal_transfers (entry, line, debit, credit, amount) VALUES ($1, $2, $3, $4, $5)")
            .bind(id)
            .bind(line)
            .bind(transfer.debit().code())
            .bind(transfer.credit().code())
            .bind(transfer.amount().minor())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

fn lines_of(entry: &Entry) -> i64 {
    i64::try_from(entry.transfers().len()).unwrap_or(i64::MAX)
}

/// An entry to be appended.
#[derive(Debug, Clone)]
pub struct New {
    /// Its id.
    pub id: String,
    /// Its chain.
    pub chain: String,
    /// The entry in its place.
    pub sealed: Sealed,
}

/// Appends entries, those of one chain in order.
///
/// # Errors
/// When one does not follow its chain or the database fails.
pub async fn append_all(db: &mut Connection, entries: &[New], now: &str) -> sqlx::Result<()> {
    let before = "INSERT INTO journal_entries
        (id, chain, number, date, currency, event, previous, hash, recorded, lines) VALUES";
    many::execute(db, (before, ""), 10, entries, |query, New { id, chain, sealed }| {
        query
            .bind(id.clone())
            .bind(chain.clone())
            .bind(i64::try_from(sealed.number).unwrap_or(i64::MAX))
            .bind(sealed.entry.date().to_string())
            .bind(sealed.entry.currency().code().to_owned())
            .bind(sealed.entry.event().to_owned())
            .bind(sealed.previous.clone())
            .bind(sealed.hash.clone())
            .bind(now.to_owned())
            .bind(lines_of(&sealed.entry))
    })
    .await?;
    let lines: Vec<(&str, i64, Transfer)> = entries
        .iter()
        .flat_map(|new| (1_i64..).zip(new.sealed.entry.transfers()).map(|(line, moved)| (&*new.id, line, *moved)))
        .collect();
    let before = "INSERT INTO journal_transfers (entry, line, debit, credit, amount) VALUES";
    many::execute(db, (before, ""), 5, &lines, |query, (entry, line, moved)| {
        query
            .bind((*entry).to_owned())
            .bind(*line)
            .bind(moved.debit().code())
            .bind(moved.credit().code())
            .bind(moved.amount().minor())
    })
    .await
}

#[derive(FromRow)]
struct EntryRow {
    id: String,
    chain: String,
    number: i64,
    date: String,
    currency: String,
    event: String,
    previous: String,
    hash: String,
}

/// An entry with where it stands.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its id, which is also the cursor after it.
    pub id: String,
    /// Its chain.
    pub chain: String,
    /// The entry in its place.
    pub sealed: Sealed,
}

/// Entries in the order in which they were made, after a cursor, of one chain or all.
///
/// # Errors
/// 500 when the database fails or holds what no entry can be.
pub async fn page(
    db: &mut Connection,
    chain: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Stored>, Problem> {
    let rows: Vec<EntryRow> = sqlx::query_as(
        "SELECT id, chain, number, date, currency, event, previous, hash FROM journal_entries
         WHERE ($1 IS NULL OR chain = $1) AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3",
    )
    .bind(chain)
    .bind(after)
    .bind(limit)
    .fetch_all(&mut *db)
    .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        entries.push(stored(db, row).await?);
    }
    Ok(entries)
}

/// Entries of one chain in their order, after a number. Ids would do as long as no machine's clock goes back.
///
/// # Errors
/// As [`page`].
pub async fn page_of_chain(db: &mut Connection, chain: &str, after: u64, limit: i64) -> Result<Vec<Stored>, Problem> {
    let rows: Vec<EntryRow> = sqlx::query_as(
        "SELECT id, chain, number, date, currency, event, previous, hash FROM journal_entries
         WHERE chain = $1 AND number > $2 ORDER BY number LIMIT $3",
    )
    .bind(chain)
    .bind(i64::try_from(after).map_err(Problem::internal)?)
    .bind(limit)
    .fetch_all(&mut *db)
    .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        entries.push(stored(db, row).await?);
    }
    Ok(entries)
}

async fn stored(db: &mut Connection, row: EntryRow) -> Result<Stored, Problem> {
    let lines: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT debit, credit, amount FROM journal_transfers WHERE entry = $1 ORDER BY line")
            .bind(&row.id)
            .fetch_all(db)
            .await?;
    built(row, &lines)
}

fn built(row: EntryRow, lines: &[(String, String, i64)]) -> Result<Stored, Problem> {
    let account = |code: &str| {
        Account::from_code(code).ok_or_else(|| Problem::internal(format!("unknown account `{code}` in the journal")))
    };
    let transfers: Result<Vec<Transfer>, Problem> = lines
        .iter()
        .map(|(debit, credit, amount)| {
            let amount = Amount::new(*amount).map_err(Problem::internal)?;
            Transfer::new(account(debit)?, account(credit)?, amount).map_err(Problem::internal)
        })
        .collect();
    let date = Date::parse(&row.date).map_err(Problem::internal)?;
    let currency = Currency::parse(&row.currency).map_err(Problem::internal)?;
    let entry = Entry::new(date, currency, &row.event, transfers?).map_err(Problem::internal)?;
    let sealed = Sealed { number: row.number.unsigned_abs(), previous: row.previous, hash: row.hash, entry };
    Ok(Stored { id: row.id, chain: row.chain, sealed })
}

/// Entries of a chain after a number, with all their transfers in one statement.
///
/// # Errors
/// As [`page`].
pub async fn chain_page(db: &mut Connection, chain: &str, after: u64, limit: i64) -> Result<Vec<Stored>, Problem> {
    let rows: Vec<EntryRow> = sqlx::query_as(
        "SELECT id, chain, number, date, currency, event, previous, hash FROM journal_entries
         WHERE chain = $1 AND number > $2 ORDER BY number LIMIT $3",
    )
    .bind(chain)
    .bind(i64::try_from(after).unwrap_or(i64::MAX))
    .bind(limit)
    .fetch_all(&mut *db)
    .await?;
    let ids: Vec<&str> = rows.iter().map(|row| &*row.id).collect();
    let before = "SELECT entry, debit, credit, amount FROM journal_transfers WHERE entry IN";
    let mut lines: BTreeMap<String, Vec<(String, String, i64)>> = BTreeMap::new();
    for piece in ids.chunks(ENTRIES_AT_ONCE) {
        let found: Vec<(String, String, String, i64)> =
            many::select(db, before, " ORDER BY entry, line", piece).await?;
        for (entry, debit, credit, amount) in found {
            lines.entry(entry).or_default().push((debit, credit, amount));
        }
    }
    let of = |row: EntryRow| {
        let own = lines.remove(&row.id).unwrap_or_default();
        built(row, &own)
    };
    rows.into_iter().map(of).collect()
}

/// How many entries' transfers are asked for in one statement, so that their order is that of the statement.
const ENTRIES_AT_ONCE: usize = 64;

/// The first chain after a name that is no loan's own.
///
/// # Errors
/// When the database fails.
pub async fn next_chain_of_no_loan(db: &mut Connection, after: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(
        "SELECT min(chain) FROM journal_entries e WHERE chain > $1 AND number = 1
         AND NOT EXISTS (SELECT 1 FROM loans WHERE id = e.chain)",
    )
    .bind(after)
    .fetch_one(db)
    .await
}

/// A line of an account.
#[derive(Debug, Clone, FromRow)]
pub struct AccountLine {
    pub entry: String,
    pub chain: String,
    pub date: String,
    pub event: String,
    pub line: i64,
    /// The account on the other side.
    pub other: String,
    /// Debited; negative where credited.
    pub amount: i64,
}

/// Which lines of an account.
#[derive(Debug, Clone, Copy)]
pub struct Lines<'a> {
    pub account: &'a str,
    pub currency: &'a str,
    /// From which day.
    pub from: Option<&'a str>,
    /// Up to and with which day.
    pub to: Option<&'a str>,
}

const LINES: &str = "SELECT e.id AS entry, e.chain, e.date, e.event, t.line,
        CASE WHEN t.debit = $1 THEN t.credit ELSE t.debit END AS other,
        CASE WHEN t.debit = $1 THEN t.amount ELSE -t.amount END AS amount
    FROM journal_entries e JOIN journal_transfers t ON t.entry = e.id
    WHERE e.currency = $2 AND (t.debit = $1 OR t.credit = $1)
        AND ($3 IS NULL OR e.date >= $3) AND ($4 IS NULL OR e.date <= $4)";

/// Debits less credits of an account: of the lines meant, up to and with an entry where one is named.
///
/// # Errors
/// When the database fails.
pub async fn account_sum(db: &mut Connection, lines: &Lines<'_>, through: Option<&str>) -> sqlx::Result<i64> {
    let sql =
        format!("SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM ({LINES} AND ($5 IS NULL OR e.id <= $5)) lines");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(lines.account)
        .bind(lines.currency)
        .bind(lines.from)
        .bind(lines.to)
        .bind(through)
        .fetch_one(db)
        .await
}

/// Lines of an account in the order in which they were posted, of whole entries after a cursor; at most so many
/// entries, and the last is the cursor after them.
///
/// # Errors
/// When the database fails.
pub async fn account_lines(
    db: &mut Connection,
    lines: &Lines<'_>,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<AccountLine>> {
    let sql = format!(
        "{LINES} AND ($5 IS NULL OR e.id > $5) AND e.id <= (SELECT max(id) FROM (
            SELECT DISTINCT e.id FROM journal_entries e JOIN journal_transfers t ON t.entry = e.id
            WHERE e.currency = $2 AND (t.debit = $1 OR t.credit = $1) AND ($3 IS NULL OR e.date >= $3)
                AND ($4 IS NULL OR e.date <= $4) AND ($5 IS NULL OR e.id > $5) ORDER BY e.id LIMIT $6
        ) page) ORDER BY e.id, t.line"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(lines.account)
        .bind(lines.currency)
        .bind(lines.from)
        .bind(lines.to)
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// Names of all chains.
///
/// # Errors
/// When the database fails.
pub async fn chains(db: &mut Connection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT DISTINCT chain FROM journal_entries ORDER BY chain").fetch_all(db).await
}

/// One line of the trial balance.
#[derive(Debug, Clone, FromRow)]
pub struct BalanceRow {
    pub currency: String,
    pub account: String,
    pub debit: i64,
    pub credit: i64,
}

/// What every account was debited and credited, by currency. The books of funders (`LOAN/FUNDER`) are not in it: they
/// are of others, and mirror what stands here.
///
/// # Errors
/// When the database fails.
pub async fn balances(db: &mut Connection) -> sqlx::Result<Vec<BalanceRow>> {
    sqlx::query_as(
        "SELECT currency, account,
            CAST(coalesce(sum(CASE WHEN side = 'debit' THEN amount END), 0) AS BIGINT) AS debit,
            CAST(coalesce(sum(CASE WHEN side = 'credit' THEN amount END), 0) AS BIGINT) AS credit
         FROM journal_postings WHERE chain NOT LIKE '%/%' GROUP BY currency, account ORDER BY currency, account",
    )
    .fetch_all(db)
    .await
}

/// What every account of the lender's own books was debited and credited, by currency: all that is serviced, less the
/// books of partners and guarantors, whose debits are credits here and the other way round.
///
/// # Errors
/// When the database fails.
pub async fn own_balances(db: &mut Connection) -> sqlx::Result<Vec<BalanceRow>> {
    sqlx::query_as(
        "SELECT currency, account, CAST(sum(debit) AS BIGINT) AS debit, CAST(sum(credit) AS BIGINT) AS credit FROM (
            SELECT currency, account, CASE WHEN side = 'debit' THEN amount ELSE 0 END AS debit,
                CASE WHEN side = 'credit' THEN amount ELSE 0 END AS credit
            FROM journal_postings WHERE chain NOT LIKE '%/%'
            UNION ALL
            SELECT e.currency, t.credit AS account, t.amount AS debit, 0 AS credit
            FROM loan_funders f JOIN journal_entries e ON e.chain = f.loan || '/' || f.funder
                JOIN journal_transfers t ON t.entry = e.id
            WHERE f.kind <> 'own'
            UNION ALL
            SELECT e.currency, t.debit AS account, 0 AS debit, t.amount AS credit
            FROM loan_funders f JOIN journal_entries e ON e.chain = f.loan || '/' || f.funder
                JOIN journal_transfers t ON t.entry = e.id
            WHERE f.kind <> 'own'
         ) AS postings GROUP BY currency, account ORDER BY currency, account",
    )
    .fetch_all(db)
    .await
}
