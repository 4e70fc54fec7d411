//! SQLite behind a driver of one's own: each statement is done before anything else happens, so that a run is the same
//! each time, and takes as long, and fails, as the seed says.
//!
//! Only the connection works. What a driver has beside it is never asked for through `sqlx::any`.

use std::{
    borrow::Cow,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use futures_util::{StreamExt, stream, stream::BoxStream};
use prequal_server::storage::engine;
use sqlx::{Either, SqlStr, SqliteConnection, sqlite::SqliteConnectOptions};
use sqlx_core::{
    any::{
        AnyArguments, AnyConnectOptions, AnyConnectionBackend, AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo,
        driver::{AnyDriver, install_drivers},
    },
    connection::ConnectOptions,
    database::Database,
    error::{DatabaseError, ErrorKind},
    migrate::{AppliedMigration, Migrate, MigrateError, Migration},
};

use crate::{
    faults::{self, Fate, Kind},
    never::{Never, NoArguments, NoResult},
};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Puts this driver in SQLite's place, for the whole process.
pub fn install() {
    engine::with_drivers_of_ones_own(|| {
        let drivers: &'static [AnyDriver] = Box::leak(Box::new([AnyDriver::without_migrate::<Simulated>()]));
        install_drivers(drivers).unwrap();
    });
}

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for SQLite's thread, and lets nothing else happen meanwhile.
fn now<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Parked(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// What the seed lets go wrong.
#[derive(Debug)]
struct Injected(&'static str);

impl std::fmt::Display for Injected {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "injected, code {}", self.0)
    }
}

impl std::error::Error for Injected {}

impl DatabaseError for Injected {
    fn message(&self) -> &str {
        "injected"
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.into())
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// SQLITE_IOERR, which no server tries again by itself, and SQLITE_BUSY, which it does.
fn error(fate: Fate) -> sqlx::Error {
    sqlx::Error::Database(Box::new(Injected(if fate == Fate::Busy { "5" } else { "10" })))
}

/// Waits as long as the statement takes; gives what becomes of it.
async fn fate(kind: Kind) -> Fate {
    let (fate, latency) = faults::fate_of(kind);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    fate
}

/// A connection to SQLite.
#[derive(Debug)]
pub struct SimulatedConnection(SqliteConnection);

impl AnyConnectionBackend for SimulatedConnection {
    fn name(&self) -> &str {
        Simulated::NAME
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, sqlx::Result<()>> {
        Box::pin(async move { now(AnyConnectionBackend::close(Box::new(self.0))) })
    }

    fn close_hard(self: Box<Self>) -> BoxFuture<'static, sqlx::Result<()>> {
        self.close()
    }

    fn ping(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(async move { now(AnyConnectionBackend::ping(&mut self.0)) })
    }

    fn begin(&mut self, statement: Option<SqlStr>) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(async move {
            match fate(Kind::Begin).await {
                Fate::Well => now(AnyConnectionBackend::begin(&mut self.0, statement)),
                bad => Err(error(bad)),
            }
        })
    }

    fn commit(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(async move {
            match fate(Kind::Commit).await {
                Fate::Well => now(AnyConnectionBackend::commit(&mut self.0)),
                Fate::Unknown => {
                    now(AnyConnectionBackend::commit(&mut self.0))?;
                    Err(error(Fate::Unknown))
                }
                bad => Err(error(bad)),
            }
        })
    }

    fn rollback(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(async move { now(AnyConnectionBackend::rollback(&mut self.0)) })
    }

    fn start_rollback(&mut self) {
        AnyConnectionBackend::start_rollback(&mut self.0);
    }

    fn get_transaction_depth(&self) -> usize {
        AnyConnectionBackend::get_transaction_depth(&self.0)
    }

    fn shrink_buffers(&mut self) {}

    fn flush(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(async move { now(AnyConnectionBackend::flush(&mut self.0)) })
    }

    fn should_flush(&self) -> bool {
        AnyConnectionBackend::should_flush(&self.0)
    }

    fn as_migrate(&mut self) -> sqlx::Result<&mut (dyn Migrate + Send + 'static)> {
        Ok(self)
    }

    fn fetch_many(
        &mut self,
        query: SqlStr,
        persistent: bool,
        arguments: Option<AnyArguments>,
    ) -> BoxStream<'_, sqlx::Result<Either<AnyQueryResult, AnyRow>>> {
        let all = async move {
            let query = match settings(&query) {
                Some(changed) => changed,
                None => match fate(Kind::Statement).await {
                    Fate::Well => query,
                    bad => return vec![Err(error(bad))],
                },
            };
            now(AnyConnectionBackend::fetch_many(&mut self.0, query, persistent, arguments).collect::<Vec<_>>())
        };
        stream::once(all).flat_map(stream::iter).boxed()
    }

    fn fetch_optional(
        &mut self,
        query: SqlStr,
        persistent: bool,
        arguments: Option<AnyArguments>,
    ) -> BoxFuture<'_, sqlx::Result<Option<AnyRow>>> {
        Box::pin(async move {
            match fate(Kind::Statement).await {
                Fate::Well => now(AnyConnectionBackend::fetch_optional(&mut self.0, query, persistent, arguments)),
                bad => Err(error(bad)),
            }
        })
    }

    fn prepare_with<'c, 'q: 'c>(
        &'c mut self,
        sql: SqlStr,
        parameters: &[AnyTypeInfo],
    ) -> BoxFuture<'c, sqlx::Result<AnyStatement>> {
        let parameters = parameters.to_vec();
        Box::pin(async move { now(AnyConnectionBackend::prepare_with(&mut self.0, sql, &parameters)) })
    }
}

macro_rules! migrate {
    ($($name:ident($($argument:ident: $type:ty),*) -> $given:ty;)*) => {
        /// Each step is done before anything else happens, and none fails.
        impl Migrate for SimulatedConnection {
            $(fn $name<'e>(&'e mut self, $($argument: $type),*) -> BoxFuture<'e, Result<$given, MigrateError>> {
                Box::pin(async move { now(Migrate::$name(&mut self.0, $($argument),*)) })
            })*
        }
    };
}

migrate! {
    create_schema_if_not_exists(schema: &'e str) -> ();
    ensure_migrations_table(table: &'e str) -> ();
    dirty_version(table: &'e str) -> Option<i64>;
    list_applied_migrations(table: &'e str) -> Vec<AppliedMigration>;
    lock() -> ();
    unlock() -> ();
    apply(table: &'e str, migration: &'e Migration) -> Duration;
    revert(table: &'e str, migration: &'e Migration) -> Duration;
}

/// A connection's settings, with what a simulated machine needs in the place of a real one's: nobody waits for a lock
/// by blocking the one thread there is, and the power does not fail.
fn settings(query: &SqlStr) -> Option<SqlStr> {
    let text = query.as_str();
    text.starts_with("PRAGMA busy_timeout").then(|| {
        let text =
            text.replace("busy_timeout = 10000", "busy_timeout = 0").replace("synchronous = FULL", "synchronous = OFF");
        sqlx::SqlSafeStr::into_sql_str(sqlx::AssertSqlSafe(text))
    })
}

/// The driver.
#[derive(Debug)]
pub struct Simulated;

impl Database for Simulated {
    type Connection = SimulatedConnection;
    type TransactionManager = Never;
    type Row = Never;
    type QueryResult = NoResult;
    type Column = Never;
    type TypeInfo = Never;
    type Value = Never;
    type ValueRef<'r> = Never;
    type Arguments = NoArguments;
    type ArgumentBuffer = ();
    type Statement = Never;
    const NAME: &'static str = "SQLite";
    const URL_SCHEMES: &'static [&'static str] = &["sqlite"];
}

/// Where a connection leads.
#[derive(Debug, Clone)]
pub struct Place(SqliteConnectOptions);

impl<'a> TryFrom<&'a AnyConnectOptions> for Place {
    type Error = sqlx::Error;

    fn try_from(options: &'a AnyConnectOptions) -> sqlx::Result<Self> {
        SqliteConnectOptions::try_from(options).map(Self)
    }
}

impl std::str::FromStr for Place {
    type Err = sqlx::Error;

    fn from_str(text: &str) -> sqlx::Result<Self> {
        text.parse().map(Self)
    }
}

impl ConnectOptions for Place {
    type Connection = SimulatedConnection;

    fn from_url(url: &sqlx_core::Url) -> sqlx::Result<Self> {
        SqliteConnectOptions::from_url(url).map(Self)
    }

    async fn connect(&self) -> sqlx::Result<SimulatedConnection> {
        now(self.0.connect()).map(SimulatedConnection)
    }

    fn log_statements(self, _: log::LevelFilter) -> Self {
        self
    }

    fn log_slow_statements(self, _: log::LevelFilter, _: Duration) -> Self {
        self
    }
}
