//! The database: the only folder that holds SQL. One file a noun.
//!
//! SQLite is the one engine so far. The statements use `$n` parameters and no function that another
//! engine lacks, so that PostgreSQL can follow here without touching the rest of the server.

pub mod applications;
pub mod checkouts;
pub mod clock;
pub mod journal;
pub mod loans;
pub mod outbox;
pub mod payments;
pub mod persons;
pub mod replies;
pub(crate) mod schema;
pub mod suspense;

use std::{str::FromStr, time::Duration};

use sqlx::{
    Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// A connection, inside a transaction or not.
pub type Connection = sqlx::SqliteConnection;
/// A transaction of the one writer.
pub type Tx = Transaction<'static, Sqlite>;

/// How many connections read beside the one that writes.
pub const READERS_MAX: u32 = 8;
/// How long a statement waits for another process's lock.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// One writer and several readers of one database file.
#[derive(Debug, Clone)]
pub struct Database {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Database {
    /// Opens the lending database of a URL, creates it where it is absent, and brings its schema up to date.
    ///
    /// # Errors
    /// One readable line: another scheme than `sqlite://`, a file that cannot be opened, or a schema
    /// newer than this program.
    pub async fn open(url: &str) -> Result<Self, String> {
        let db = Self::open_with(url, &schema::LENDING).await?;
        schema::write_chart(&db.writer).await.map_err(|error| format!("database `{url}`: {error}"))?;
        Ok(db)
    }

    /// Whether the file of a URL is there. Nothing is opened.
    ///
    /// # Errors
    /// As [`Database::open`], of the URL only.
    pub fn exists(url: &str) -> Result<bool, String> {
        Ok(std::path::Path::new(file_of(url)?).exists())
    }

    /// Opens a database with a schema of one's own.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open_with(url: &str, migrations: &[schema::Step]) -> Result<Self, String> {
        let named = |error: &dyn std::fmt::Display| format!("database `{url}`: {error}");
        file_of(url)?;
        // FULL: an acknowledged commit must survive the loss of power, which WAL alone does not promise.
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|error| named(&error))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // What is erased must not linger in free pages.
            .pragma("secure_delete", "ON")
            .busy_timeout(BUSY_TIMEOUT);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(options.clone())
            .await
            .map_err(|error| named(&error))?;
        schema::migrate(&writer, migrations).await.map_err(|error| named(&error))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(|error| named(&error))?;
        Ok(Self { writer, readers })
    }

    /// Begins the one transaction that may write; waits for the one before it.
    ///
    /// # Errors
    /// When the database fails or the wait is too long.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// A read that sees one state of the database from its first statement on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self) -> sqlx::Result<Tx> {
        self.readers.begin().await
    }

    /// Moves what was committed into the file and empties the log beside it, so that what was erased is
    /// gone from both. `false` where a reader held on to the log for longer than [`BUSY_TIMEOUT`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint(&self) -> sqlx::Result<bool> {
        let (busy, _, _): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.writer).await?;
        Ok(busy == 0)
    }

    /// Closes every connection; what was committed stays.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn file_of(url: &str) -> Result<&str, String> {
    let refused = |reason: &str| Err(format!("database `{url}`: {reason}"));
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Err("PostgreSQL is not supported yet; use `sqlite://FILE`".to_owned());
    }
    match url.strip_prefix("sqlite://") {
        None => refused("the database must be given as `sqlite://FILE`"),
        Some(path) if path.is_empty() || path.starts_with(":memory:") || url.contains('?') => {
            refused("a file is required, without parameters")
        }
        Some(path) => Ok(path),
    }
}
