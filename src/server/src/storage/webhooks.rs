//! Endpoints that are told of events, what they are told, and what became of it.

use sqlx::FromRow;

use super::{Connection, many};

/// An endpoint.
#[derive(Debug, Clone, FromRow)]
pub struct Endpoint {
    pub id: String,
    pub owner: String,
    pub url: String,
    /// Types with a space between them, or `*`.
    pub events: String,
    pub status: String,
    pub version: i64,
    pub created: String,
}

/// A delivery, with what it is about.
#[derive(Debug, Clone, FromRow)]
pub struct Delivery {
    pub id: String,
    pub message: String,
    pub r#type: String,
    pub body: String,
    pub status: String,
    pub attempts: i64,
    pub next_attempt_ms: i64,
    pub last_error: Option<String>,
    pub created: String,
}

/// A message to be written, and the delivery of it to one endpoint.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub r#type: &'static str,
    pub body: String,
    /// For each endpoint: the delivery's id, the endpoint's, and its status.
    pub deliveries: Vec<(String, String, &'static str)>,
}

const ENDPOINT: &str =
    "SELECT id, owner, url, events, status, version, created FROM webhook_endpoints WHERE deleted IS NULL AND";
const DELIVERY: &str = "SELECT d.id, d.message, m.type, m.body, d.status, d.attempts, d.next_attempt_ms, d.last_error,
    d.created FROM webhook_deliveries d JOIN webhook_messages m ON m.id = d.message WHERE";

/// Writes a new endpoint.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, row: &Endpoint) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO webhook_endpoints (id, owner, url, events, status, version, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&row.id)
    .bind(&row.owner)
    .bind(&row.url)
    .bind(&row.events)
    .bind(&row.status)
    .bind(row.version)
    .bind(&row.created)
    .execute(db)
    .await?;
    Ok(())
}

/// The endpoint of an id, unless it was deleted.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, id: &str) -> sqlx::Result<Option<Endpoint>> {
    let sql = sqlx::AssertSqlSafe(format!("{ENDPOINT} id = $1"));
    sqlx::query_as(sql).bind(id).fetch_optional(db).await
}

/// How many endpoints an owner has.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &mut Connection, owner: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM webhook_endpoints WHERE deleted IS NULL AND owner = $1")
        .bind(owner)
        .fetch_one(db)
        .await
}

/// An owner's endpoints after a cursor.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut Connection, owner: &str, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<Endpoint>> {
    let sql = sqlx::AssertSqlSafe(format!("{ENDPOINT} owner = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3"));
    sqlx::query_as(sql).bind(owner).bind(after).bind(limit).fetch_all(db).await
}

/// The endpoints of several owners.
///
/// # Errors
/// When the database fails.
pub async fn of_owners(db: &mut Connection, owners: &[&str]) -> sqlx::Result<Vec<Endpoint>> {
    many::select(db, &format!("{ENDPOINT} owner IN"), "", owners).await
}

/// Writes what of an endpoint can be changed, as a new version.
///
/// # Errors
/// When the database fails.
pub async fn update(db: &mut Connection, row: &Endpoint) -> sqlx::Result<()> {
    sqlx::query("UPDATE webhook_endpoints SET url = $2, events = $3, status = $4, version = $5 WHERE id = $1")
        .bind(&row.id)
        .bind(&row.url)
        .bind(&row.events)
        .bind(&row.status)
        .bind(row.version)
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes an endpoint; what it was told stays for whoever looks into it.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &mut Connection, id: &str, now: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE webhook_endpoints SET deleted = $2 WHERE id = $1").bind(id).bind(now).execute(&mut *db).await?;
    end_waiting(db, id, "the endpoint was deleted").await
}

/// Makes an endpoint's waiting deliveries dead.
///
/// # Errors
/// When the database fails.
pub async fn end_waiting(db: &mut Connection, endpoint: &str, why: &str) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE webhook_deliveries SET status = 'dead', last_error = $2 WHERE endpoint = $1 AND status = 'waiting'",
    )
    .bind(endpoint)
    .bind(why)
    .execute(db)
    .await?;
    Ok(())
}

/// Adds a secret; those before it end at `expires_ms`.
///
/// # Errors
/// When the database fails.
pub async fn add_secret(
    db: &mut Connection,
    (id, endpoint): (&str, &str),
    sealed: &[u8],
    now: &str,
    expires_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE webhook_secrets SET expires_ms = $2 WHERE endpoint = $1 AND expires_ms IS NULL")
        .bind(endpoint)
        .bind(expires_ms)
        .execute(&mut *db)
        .await?;
    sqlx::query("INSERT INTO webhook_secrets (id, endpoint, sealed, created) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(endpoint)
        .bind(sealed.to_vec())
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// The secrets that sign now, the newest first: their ids and sealed bytes.
///
/// # Errors
/// When the database fails.
pub async fn secrets(db: &mut Connection, endpoint: &str, now_ms: i64) -> sqlx::Result<Vec<(String, Vec<u8>)>> {
    sqlx::query_as(
        "SELECT id, sealed FROM webhook_secrets WHERE endpoint = $1 AND (expires_ms IS NULL OR expires_ms > $2)
         ORDER BY id DESC",
    )
    .bind(endpoint)
    .bind(now_ms)
    .fetch_all(db)
    .await
}

/// Writes messages with their deliveries, in the transaction of what they tell of.
///
/// # Errors
/// When the database fails.
pub async fn add_messages(db: &mut Connection, messages: &[Message], now: &str) -> sqlx::Result<()> {
    let into = "INSERT INTO webhook_messages (id, type, body, created) VALUES";
    many::execute(db, (into, ""), 4, messages, |query, message| {
        query.bind(message.id.clone()).bind(message.r#type).bind(message.body.clone()).bind(now.to_owned())
    })
    .await?;
    let deliveries: Vec<(&Message, &(String, String, &'static str))> = messages
        .iter()
        .flat_map(|message| message.deliveries.iter().map(move |delivery| (message, delivery)))
        .collect();
    let into =
        "INSERT INTO webhook_deliveries (id, endpoint, message, status, created, attempts, next_attempt_ms) VALUES";
    many::execute(db, (into, ""), 7, &deliveries, |query, (message, (id, endpoint, status))| {
        let query = query.bind(id.clone()).bind(endpoint.clone()).bind(message.id.clone()).bind(*status);
        query.bind(now.to_owned()).bind(0_i64).bind(0_i64)
    })
    .await
}

/// Endpoints for which something is due.
///
/// # Errors
/// When the database fails.
pub async fn due_endpoints(db: &mut Connection, now_ms: i64, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT endpoint FROM webhook_deliveries WHERE status = 'waiting' AND next_attempt_ms <= $1
         GROUP BY endpoint ORDER BY min(next_attempt_ms) LIMIT $2",
    )
    .bind(now_ms)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// What is due for an endpoint, the longest waiting first.
///
/// # Errors
/// When the database fails.
pub async fn due(db: &mut Connection, endpoint: &str, now_ms: i64, limit: i64) -> sqlx::Result<Vec<Delivery>> {
    let sql = format!(
        "{DELIVERY} d.endpoint = $1 AND d.status = 'waiting' AND d.next_attempt_ms <= $2
         ORDER BY d.next_attempt_ms, d.id LIMIT $3"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(endpoint).bind(now_ms).bind(limit).fetch_all(db).await
}

/// Takes a delivery for as long as an attempt may last; `false` where another server took it.
///
/// # Errors
/// When the database fails.
pub async fn claim(db: &mut Connection, row: &Delivery, until_ms: i64) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE webhook_deliveries SET next_attempt_ms = $3
         WHERE id = $1 AND status = 'waiting' AND next_attempt_ms = $2",
    )
    .bind(&row.id)
    .bind(row.next_attempt_ms)
    .bind(until_ms)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes how an attempt ended.
///
/// # Errors
/// When the database fails.
pub async fn note(
    db: &mut Connection,
    id: &str,
    status: &str,
    next_attempt_ms: i64,
    error: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE webhook_deliveries SET status = $2, attempts = attempts + 1, next_attempt_ms = $3, last_error = $4
         WHERE id = $1 AND status = 'waiting'",
    )
    .bind(id)
    .bind(status)
    .bind(next_attempt_ms)
    .bind(error)
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that an endpoint fails; gives since when.
///
/// # Errors
/// When the database fails.
pub async fn failing_since(db: &mut Connection, endpoint: &str, now_ms: i64) -> sqlx::Result<i64> {
    sqlx::query("INSERT INTO webhook_failures (endpoint, since_ms) VALUES ($1, $2) ON CONFLICT (endpoint) DO NOTHING")
        .bind(endpoint)
        .bind(now_ms)
        .execute(&mut *db)
        .await?;
    sqlx::query_scalar("SELECT since_ms FROM webhook_failures WHERE endpoint = $1").bind(endpoint).fetch_one(db).await
}

/// Notes that an endpoint does not fail.
///
/// # Errors
/// When the database fails.
pub async fn recovered(db: &mut Connection, endpoint: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM webhook_failures WHERE endpoint = $1").bind(endpoint).execute(db).await?;
    Ok(())
}

/// An endpoint's deliveries of a status, or of all, after a cursor.
///
/// # Errors
/// When the database fails.
pub async fn deliveries(
    db: &mut Connection,
    endpoint: &str,
    status: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Delivery>> {
    let sql = format!(
        "{DELIVERY} d.endpoint = $1 AND ($2 IS NULL OR d.status = $2) AND ($3 IS NULL OR d.id > $3)
         ORDER BY d.id LIMIT $4"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(endpoint).bind(status).bind(after).bind(limit).fetch_all(db).await
}

/// What of an endpoint's deliveries is sent again.
#[derive(Debug, Clone, Copy)]
pub enum Again<'a> {
    /// One.
    One(&'a str),
    /// Those of events from one moment to before another, RFC 3339 in UTC.
    Range(&'a str, &'a str),
}

/// Lets deliveries begin anew; gives how many.
///
/// # Errors
/// When the database fails.
pub async fn again(db: &mut Connection, endpoint: &str, again: Again<'_>) -> sqlx::Result<u64> {
    const SET: &str =
        "UPDATE webhook_deliveries SET status = 'waiting', attempts = 0, next_attempt_ms = 0 WHERE endpoint = $1 AND";
    let sql = match again {
        Again::One(_) => format!("{SET} id = $2"),
        Again::Range(..) => format!("{SET} status <> 'waiting' AND created >= $2 AND created < $3"),
    };
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(endpoint);
    let query = match again {
        Again::One(id) => query.bind(id),
        Again::Range(from, to) => query.bind(from).bind(to),
    };
    Ok(query.execute(db).await?.rows_affected())
}
