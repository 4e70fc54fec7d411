//! The two engines: what a database URL means, and how its connections are made. Beside the schemas this is the
//! one place that knows which engine it is; every other statement is the same text on both.

use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    AnyConnection, AnyPool, Connection, Executor,
    any::{AnyConnectOptions, AnyPoolOptions},
};

/// How many connections read beside the one that writes.
pub const READERS_MAX: u32 = 8;
/// How long a statement waits for another process's lock.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may lie idle and be taken for alive.
const UNASKED_MAX: Duration = Duration::from_secs(1);
/// How long a request waits for a connection.
const ACQUIRE_TIME_MAX: Duration = Duration::from_secs(30);

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One file, and one process or a few on the same machine.
    Sqlite,
    /// PostgreSQL, or an engine that speaks its protocol.
    Postgres,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Writing, which also makes the file where it is absent.
    Write,
    /// Reading only.
    Read,
}

/// FULL: an acknowledged commit must survive the loss of power, which WAL alone does not promise. What is erased
/// must not linger in free pages. The log grows to 32 MiB before it is moved into the file, and 32 MiB of the file are
/// kept at hand: with SQLite's 4 and 2 a load of repayments moves and reads the same pages again and again.
const SQLITE_WRITER: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 8192;
    PRAGMA cache_size = -32768";
const SQLITE_READER: &str = "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON";
/// As for SQLite: whatever the cluster's default is, an acknowledged commit is on disk. The limits keep a process
/// that hangs from holding its locks for ever.
const POSTGRES_SESSION: &str = "SET synchronous_commit = on; SET statement_timeout = '30s';
    SET idle_in_transaction_session_timeout = '60s'; SET application_name = 'prequal'";
/// Whoever writes looks rows up by their keys. A statement planned while its table was small would read the whole of it
/// for as long as the plan is kept, and a serializable transaction that reads a whole table conflicts with every other
/// that writes to it.
const POSTGRES_WRITER: &str = "SET enable_seqscan = off";

impl Engine {
    /// The engine of a URL.
    ///
    /// # Errors
    /// One readable line, without the URL's password.
    pub fn of(url: &str) -> Result<Self, String> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            AnyConnectOptions::from_str(url).map_err(|error| format!("database `{}`: {error}", shown(url)))?;
            return Ok(Self::Postgres);
        }
        file_of(url).map(|_| Self::Sqlite)
    }

    /// The statement that begins a transaction that writes.
    #[must_use]
    pub const fn begin_to_write(self) -> &'static str {
        match self {
            // IMMEDIATE: whoever reads first and writes afterwards would meet a writer in between.
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        }
    }

    /// The statement that begins a transaction that reads one state of the database.
    #[must_use]
    pub const fn begin_to_read(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Connections for a purpose.
    ///
    /// # Errors
    /// One readable line.
    pub async fn connect(self, url: &str, purpose: Purpose) -> Result<AnyPool, String> {
        install_drivers();
        let named = |error: &dyn std::fmt::Display| format!("database `{}`: {error}", shown(url));
        let options = match self {
            Self::Sqlite => AnyConnectOptions::from_str(&sqlite_url(file_of(url)?, purpose)),
            Self::Postgres => AnyConnectOptions::from_str(url),
        };
        let session = match (self, purpose) {
            (Self::Sqlite, Purpose::Write) => SQLITE_WRITER,
            (Self::Sqlite, Purpose::Read) => SQLITE_READER,
            (Self::Postgres, _) => POSTGRES_SESSION,
        };
        let beside = (self == Self::Postgres && purpose == Purpose::Write).then_some(POSTGRES_WRITER);
        AnyPoolOptions::new()
            .max_connections(if purpose == Purpose::Write { 1 } else { READERS_MAX })
            .acquire_timeout(ACQUIRE_TIME_MAX)
            // A pool of SQLite costs no network: nothing is tested before it is used. A PostgreSQL connection may
            // have died while it lay idle; one that was used a moment ago is not asked, which would be a way to the
            // server and back for each transaction.
            .test_before_acquire(false)
            .before_acquire(move |connection: &mut AnyConnection, idle| {
                Box::pin(async move {
                    let ask = self == Self::Postgres && idle.idle_for >= UNASKED_MAX;
                    Ok(!ask || connection.ping().await.is_ok())
                })
            })
            .after_connect(move |connection: &mut AnyConnection, _| {
                Box::pin(async move {
                    for statements in std::iter::once(session).chain(beside) {
                        connection.execute(statements).await?;
                    }
                    Ok(())
                })
            })
            .connect_with(options.map_err(|error| named(&error))?)
            .await
            .map_err(|error| named(&error))
    }
}

/// How many other connections of this program PostgreSQL has to the same database.
///
/// # Errors
/// When the database fails.
pub async fn sessions_of_others(pool: &AnyPool) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'prequal' AND pid <> pg_backend_pid()",
    )
    .fetch_one(pool)
    .await
}

static DRIVERS: std::sync::Once = std::sync::Once::new();

fn install_drivers() {
    DRIVERS.call_once(sqlx::any::install_default_drivers);
}

/// Lets a simulation install a driver of its own, before any database is opened.
pub fn with_drivers_of_ones_own(install: impl FnOnce()) {
    DRIVERS.call_once(install);
}

/// `?mode=` says whether the file may be made. A `#` would begin a fragment.
fn sqlite_url(file: &str, purpose: Purpose) -> String {
    let mode = if purpose == Purpose::Write { "rwc" } else { "ro" };
    format!("sqlite:{}?mode={mode}", file.replace('#', "%23"))
}

/// The file of a SQLite URL.
///
/// # Errors
/// One readable line.
pub fn file_of(url: &str) -> Result<&str, String> {
    let refused = |reason: &str| Err(format!("database `{}`: {reason}", shown(url)));
    match url.strip_prefix("sqlite://") {
        None => refused("the database must be given as `sqlite://FILE` or `postgres://USER@HOST/NAME`"),
        Some(path) if path.is_empty() || path.starts_with(":memory:") || url.contains('?') => {
            refused("a file is required, without parameters")
        }
        Some(path) => Ok(path),
    }
}

/// Whether a URL's file is there.
///
/// # Errors
/// As [`file_of`].
pub fn file_exists(url: &str) -> Result<bool, String> {
    Ok(Path::new(file_of(url)?).exists())
}

/// A URL as it may be shown: a password in it is not.
#[must_use]
pub fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    // Parameters may hold a password as well.
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    match rest.rsplit_once('@') {
        Some((who, place)) => format!("{scheme}://{}@{place}", who.split(':').next().unwrap_or(who)),
        None => format!("{scheme}://{rest}"),
    }
}

/// Whether a failure is another transaction's doing, so that the same work may succeed when it is done again:
/// SQLite's busy and locked; PostgreSQL's serialization failure, deadlock, and the unique violation that two
/// transactions run into which both looked first and found nothing.
#[must_use]
pub fn is_contention(error: &sqlx::Error) -> bool {
    /// SQLITE_BUSY, SQLITE_LOCKED, and their extended forms RECOVERY, SNAPSHOT, TIMEOUT and SHAREDCACHE.
    const SQLITE: [&str; 6] = ["5", "6", "261", "517", "773", "262"];
    const POSTGRES: [&str; 3] = ["40001", "40P01", "23505"];
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| SQLITE.contains(&&*code) || POSTGRES.contains(&&*code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_its_engine_or_is_refused_without_its_password() {
        assert_eq!(Engine::of("sqlite://prequal.db"), Ok(Engine::Sqlite));
        assert_eq!(Engine::of("postgres://lender@db.example/lending"), Ok(Engine::Postgres));
        assert_eq!(Engine::of("postgresql:///lending?host=/run/postgresql"), Ok(Engine::Postgres));
        for wrong in ["mysql://a/b", "prequal.db", "sqlite://", "sqlite://:memory:", "sqlite://a.db?mode=ro", ""] {
            assert!(Engine::of(wrong).is_err(), "{wrong}");
        }
        let error = Engine::of("postgres://lender:secret@[bad/lending").unwrap_err();
        assert!(!error.contains("secret"), "{error}");
        assert_eq!(shown("postgres://lender:secret@db/lending?password=x"), "postgres://lender@db/lending");
        assert_eq!(shown("sqlite://folder/prequal.db"), "sqlite://folder/prequal.db");
    }
}
