//! The embedded migrations, applied in order when a database is opened.

use std::borrow::Cow;

use prequal_ledger::{Account, Kind};
use sqlx::{
    SqlStr, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
};

/// Version, name and statements of one migration.
pub type Step = (i64, &'static str, &'static str);

/// The lending server's schema.
pub const LENDING: [Step; 1] = [(1, "lending", include_str!("../../migrations/sqlite/0001_lending.sql"))];

/// Brings a schema up to date.
///
/// # Errors
/// When a migration fails, was changed after it was applied, or the schema is newer than this program.
pub async fn migrate(pool: &SqlitePool, steps: &[Step]) -> Result<(), String> {
    let migrations = steps
        .iter()
        .map(|&(version, name, sql)| {
            Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, SqlStr::from_static(sql), false)
        })
        .collect();
    Migrator::with_migrations(migrations).run(pool).await.map_err(|error| error.to_string())
}

/// Brings the chart of accounts into its table.
///
/// # Errors
/// When the database fails.
pub async fn write_chart(pool: &SqlitePool) -> Result<(), String> {
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
