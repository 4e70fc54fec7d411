//! The database: the only folder that holds SQL. One file a noun.
//!
//! SQLite and PostgreSQL are the engines. Every statement is one text for both: `$n` parameters, and no function
//! or type that one of them lacks; what differs stands in [`engine`] and in the two folders of migrations.

pub mod applications;
pub mod breaks;
pub mod capabilities;
pub mod checkouts;
pub mod clock;
pub mod closes;
pub mod codes;
pub mod days;
mod desk;
pub mod disclosures;
pub mod dues;
pub mod duties;
pub mod engine;
pub mod funding;
pub mod group;
pub mod jobs;
pub mod journal;
pub mod lines;
pub mod loans;
pub mod mandates;
mod many;
pub mod merchant_events;
pub mod notices;
pub mod orders;
pub mod outbox;
pub mod pay_backs;
pub mod payments;
pub mod person_file;
pub mod persons;
pub mod proposals;
pub mod refunds;
pub mod remittances;
pub mod replies;
pub mod resume;
pub mod retention;
pub mod reviews;
pub mod schema;
pub mod settlements;
pub mod suspense;
pub mod webhooks;

use std::sync::Arc;

use sqlx::{Any, AnyPool, Transaction};
use tokio::task::JoinHandle;

use desk::Desk;
use engine::Purpose;
pub use engine::{Engine, is_contention};
use group::{Part, Writer};

use crate::problem::Problem;

/// A connection, inside a transaction or not.
pub type Connection = sqlx::AnyConnection;
/// A transaction.
pub type Tx = Transaction<'static, Any>;

/// One writer and several readers of one database.
#[derive(Debug, Clone)]
pub struct Database {
    engine: Engine,
    writing: AnyPool,
    readers: AnyPool,
    writer: Arc<Writer>,
    desk: Desk,
}

impl Database {
    /// Opens the lending database of a URL, makes the file of SQLite where it is absent, and brings the schema up
    /// to date.
    ///
    /// # Errors
    /// One readable line: a URL of neither engine, a database that cannot be opened, or a schema newer than this
    /// program.
    pub async fn open(url: &str) -> Result<Self, String> {
        let db = Self::open_with(url, schema::LENDING).await?;
        schema::write_chart(&db.writing)
            .await
            .map_err(|error| format!("database `{}`: {error}", engine::shown(url)))?;
        Ok(db)
    }

    /// Opens a lending database whose schema is this program's. Nothing is changed: bringing a schema up to date
    /// cannot be undone, and an older program does not start on it any more.
    ///
    /// # Errors
    /// As [`Database::open`], and where the schema is of an earlier program.
    pub async fn open_as_it_is(url: &str) -> Result<Self, String> {
        let (step, newest) = Self::schema(url).await?;
        if step != newest {
            let shown = engine::shown(url);
            let what = if step < newest {
                "`prequal serve` brings it up to date, after which an older program does not start on it"
            } else {
                "a newer program is needed"
            };
            return Err(format!(
                "database `{shown}`: its schema is at step {step}, and this program brings {newest}: {what}"
            ));
        }
        let engine = Engine::of(url)?;
        let desk = Desk::new()?;
        let opening = url.to_owned();
        let writing = desk.spawn(async move { engine.connect(&opening, Purpose::Write).await }).await;
        let writing = writing.map_err(|error| format!("the database was not opened: {error}"))??;
        Self::over(engine, writing, desk, url).await
    }

    /// At which step the schema of an existing lending database is, and the newest that this program knows. Nothing is
    /// changed.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn schema(url: &str) -> Result<(i64, i64), String> {
        let pool = Engine::of(url)?.connect(url, Purpose::Read).await?;
        let read = async { schema::newest(&mut *pool.acquire().await?).await };
        let step = read.await;
        pool.close().await;
        let step = step.map_err(|_| format!("database `{}` holds no lending database", engine::shown(url)))?;
        Ok((step, schema::LENDING.last().map_or(0, |step| step.version)))
    }

    /// Whether a URL has a lending database already. Nothing is made.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn exists(url: &str) -> Result<bool, String> {
        match Engine::of(url)? {
            Engine::Sqlite => engine::file_exists(url),
            Engine::Postgres => {
                let pool = Engine::Postgres.connect(url, Purpose::Read).await?;
                let found = schema::is_there(&pool).await;
                pool.close().await;
                found.map_err(|error| format!("database `{}`: {error}", engine::shown(url)))
            }
        }
    }

    /// Opens a database with a schema of one's own.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open_with(url: &str, migrations: &[schema::Step]) -> Result<Self, String> {
        let engine = Engine::of(url)?;
        let desk = Desk::new()?;
        // A connection is watched by whoever opened it.
        let opening = url.to_owned();
        let writing = desk.spawn(async move { engine.connect(&opening, Purpose::Write).await }).await;
        let writing = writing.map_err(|error| format!("the database was not opened: {error}"))??;
        let named = |error: String| format!("database `{}`: {error}", engine::shown(url));
        schema::migrate(&writing, engine, migrations).await.map_err(named)?;
        Self::over(engine, writing, desk, url).await
    }

    async fn over(engine: Engine, writing: AnyPool, desk: Desk, url: &str) -> Result<Self, String> {
        let readers = engine.connect(url, Purpose::Read).await?;
        let writer = Writer::new(writing.clone(), engine.begin_to_write());
        Ok(Self { engine, writing, readers, writer, desk })
    }

    /// Which engine it is.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// Does work in a transaction that other requests may share, and answers when it is committed. The work may be
    /// done several times, so it must change nothing but the database.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub async fn write<T, F: Future<Output = Result<T, Problem>>>(
        &self,
        work: impl Fn(Part) -> F,
    ) -> Result<T, Problem> {
        self.writer.write(work).await
    }

    /// Begins a work of many steps, such as a batch, which none of the requests' tasks shall hold up.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.desk.spawn(work)
    }

    /// Begins a transaction of one's own that may write; waits for the one before it.
    ///
    /// # Errors
    /// When the database fails or the wait is too long.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        self.writing.begin_with(self.engine.begin_to_write()).await
    }

    /// A read that sees one state of the database from its first statement on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self) -> sqlx::Result<Tx> {
        self.readers.begin_with(self.engine.begin_to_read()).await
    }

    /// Moves what was committed into the file and empties the log beside it, so that what was erased is
    /// gone from both. `false` where a reader held on to the log for longer than [`engine::BUSY_TIMEOUT`].
    /// PostgreSQL keeps its log by rules of its own: nothing is done there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint(&self) -> sqlx::Result<bool> {
        if self.engine == Engine::Postgres {
            return Ok(true);
        }
        let (busy, _, _): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.writing).await?;
        Ok(busy == 0)
    }

    /// What was written since the database was opened.
    #[must_use]
    pub fn writes(&self) -> group::Writes {
        self.writer.writes()
    }

    /// Each pool's name, how many connections it has open, and how many of them are idle.
    #[must_use]
    pub fn connections(&self) -> [(&'static str, u64, u64); 2] {
        let of = |name, pool: &AnyPool| (name, u64::from(pool.size()), pool.num_idle() as u64);
        [of("write", &self.writing), of("read", &self.readers)]
    }

    /// Closes every connection; what was committed stays.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writing.close().await;
    }
}
