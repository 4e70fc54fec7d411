//! The embedded migrations, applied in order when a database is opened.

use std::{borrow::Cow, time::Duration};

use prequal_ledger::{Account, Kind};
use sqlx::{
    AnyPool, SqlStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::Engine;

/// One migration, in the words of each engine. What has no words for PostgreSQL lives in SQLite only.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// 1, 2, 3 …
    pub version: i64,
    /// What it brings.
    pub name: &'static str,
    /// For SQLite.
    pub sqlite: &'static str,
    /// For PostgreSQL.
    pub postgres: Option<&'static str>,
}

macro_rules! steps {
    ($($version:literal $name:literal = $file:literal;)*) => {
        &[$(Step {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $file)),
            postgres: Some(include_str!(concat!("../../migrations/postgres/", $file))),
        }),*]
    };
}

/// The lending server's schema. A step that was released is never changed; a new one comes after it.
pub const LENDING: &[Step] = steps! {
    1 "lending" = "0001_lending.sql";
    2 "people" = "0002_people.sql";
    3 "jobs" = "0003_jobs.sql";
    4 "orders" = "0004_orders.sql";
    5 "servicing" = "0005_servicing.sql";
    6 "funding" = "0006_funding.sql";
    7 "agreements" = "0007_agreements.sql";
    8 "webhooks" = "0008_webhooks.sql";
    9 "standings" = "0009_standings.sql";
    10 "captures and fees" = "0010_captures_and_fees.sql";
    11 "postings and releases" = "0011_postings_and_releases.sql";
    12 "refunds undone" = "0012_refunds_undone.sql";
    13 "exposures" = "0013_exposures.sql";
    14 "notices, duties and breaks" = "0014_notices_duties_and_breaks.sql";
    15 "operation" = "0015_operation.sql";
    16 "confirmed captures" = "0016_confirmed_captures.sql";
};

/// How often a migration is begun that another server is making at the same time.
const ATTEMPTS_MAX: u32 = 20;
const RETRY: Duration = Duration::from_millis(250);

/// Brings a schema up to date. Two servers may do so at once: no lock is held over a migration, because not every
/// engine has one; whoever comes second meets a table that is there already, and looks again.
///
/// # Errors
/// When a migration fails, was changed after it was applied, or the schema is newer than this program.
pub async fn migrate(pool: &AnyPool, engine: Engine, steps: &[Step]) -> Result<(), String> {
    let mut migrations = Vec::with_capacity(steps.len());
    for step in steps {
        let sql = match engine {
            Engine::Sqlite => step.sqlite,
            Engine::Postgres => step.postgres.ok_or("this is kept in `sqlite://FILE` only")?,
        };
        let sql = SqlStr::from_static(sql);
        migrations.push(Migration::new(step.version, Cow::Borrowed(step.name), MigrationType::Simple, sql, false));
    }
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.set_locking(false);
    let mut attempt = 0;
    loop {
        attempt += 1;
        match migrator.run(pool).await {
            Ok(()) => return Ok(()),
            Err(error) if attempt < ATTEMPTS_MAX && is_another_s_doing(&error) => tokio::time::sleep(RETRY).await,
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// PostgreSQL's and SQLite's ways to say that somebody else makes the same table.
fn is_another_s_doing(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else { return false };
    let code = error.as_database_error().and_then(|error| error.code());
    // Duplicate table, duplicate object, and a tuple that was changed meanwhile.
    super::is_contention(error) || code.is_some_and(|code| ["42P07", "42710", "XX000", "40001"].contains(&&*code))
}

/// Whether the tables are there.
///
/// # Errors
/// When the database fails.
pub async fn is_there(pool: &AnyPool) -> sqlx::Result<bool> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM information_schema.tables WHERE table_name = 'journal_entries'")
            .fetch_one(pool)
            .await?;
    Ok(count > 0)
}

/// How many tables PostgreSQL's current schema has.
///
/// # Errors
/// When the database fails.
pub async fn count_tables(pool: &AnyPool) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()")
        .fetch_one(pool)
        .await
}

/// The newest step that was applied.
///
/// # Errors
/// When the database fails or has no schema.
pub async fn newest(db: &mut super::Connection) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations").fetch_one(db).await
}

/// Brings the chart of accounts into its table.
///
/// # Errors
/// When the database fails.
pub async fn write_chart(pool: &AnyPool) -> Result<(), String> {
    for account in Account::CHART {
        let kind = match account.kind() {
            Kind::Asset => "asset",
            Kind::Liability => "liability",
            // The column tells the balance sheet from the income statement; which side an account grows on is the chart's.
            Kind::Income | Kind::Expense => "income",
        };
        sqlx::query("INSERT INTO accounts (code, name, kind) VALUES ($1, $2, $3) ON CONFLICT (code) DO NOTHING")
            .bind(account.code())
            .bind(account.name())
            .bind(kind)
            .execute(pool)
            .await
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As SCALING.md says.
    #[test]
    fn postgresql_has_five_trigger_functions_and_no_other_procedures() {
        let mut functions = std::collections::BTreeSet::new();
        for line in LENDING.iter().flat_map(|step| step.postgres.unwrap_or_default().lines()) {
            let name = |rest: &str| rest.split('(').next().unwrap_or_default().to_owned();
            let made = line.strip_prefix("CREATE FUNCTION ").or(line.strip_prefix("CREATE OR REPLACE FUNCTION "));
            if let Some(rest) = made {
                assert!(rest.to_ascii_lowercase().contains("returns trigger"), "{rest}");
                functions.insert(name(rest));
            }
            if let Some(rest) = line.strip_prefix("DROP FUNCTION ") {
                assert!(functions.remove(&name(rest)), "{rest}");
            }
        }
        assert_eq!(functions.len(), 5, "{functions:?}");
        assert!(include_str!("../../SCALING.md").contains("the functions of five triggers"));
    }
}
