//! What an operator does beside the running server, by its configuration.

use std::path::PathBuf;

use prequal_core::calendar::Date;

use crate::{
    app::App,
    config::Config,
    jobs::{
        OUTWARD,
        scheduler::{self, Overview},
    },
    settings::Settings,
    storage::{Database, Engine, engine},
};

async fn open(config: &Config, sandbox: bool) -> Result<std::sync::Arc<App>, String> {
    // Nothing is made here: neither a data key nor a database, nor a schema that the running server does not know.
    let (settings, vault) = Settings::load(config, false)?;
    if !Database::exists(&config.database).await? {
        return Err(format!("database `{}` does not exist", engine::shown(&config.database)));
    }
    App::new(Database::open_as_it_is(&config.database).await?, settings, vault, sandbox).await
}

/// Runs a job for a date; gives how many things were changed. A dry run works on a copy.
///
/// # Errors
/// One readable line.
pub async fn run_job(config: &mut Config, sandbox: bool, name: &str, date: Date, dry_run: bool) -> Result<u64, String> {
    if dry_run && OUTWARD.contains(&name) {
        return Err(format!("{name} would really send: it has no dry run"));
    }
    let _copy = if dry_run { Some(Copy::of(config).await?) } else { None };
    let app = open(config, sandbox).await?;
    let ran = scheduler::run_by_name(&app, name, date).await;
    app.db.close().await;
    ran.map_err(|problem| problem.detail().to_owned())
}

/// Every job with its newest runs.
///
/// # Errors
/// One readable line.
pub async fn job_status(config: &Config, sandbox: bool, runs_max: i64) -> Result<Vec<Overview>, String> {
    let app = open(config, sandbox).await?;
    let overview = scheduler::overview(&app, runs_max).await;
    app.db.close().await;
    overview.map_err(|problem| problem.detail().to_owned())
}

/// A copy of a database, removed when this is dropped.
struct Copy(PathBuf);

impl Copy {
    /// Copies the database that a configuration names, beside it, and makes the configuration name the copy.
    async fn of(config: &mut Config) -> Result<Self, String> {
        if Engine::of(&config.database)? == Engine::Postgres {
            return Err(
                "a dry run works on a copy, which is made of SQLite only; restore a backup into a database of its \
                own and run the job there"
                    .to_owned(),
            );
        }
        let file = format!("{}.dry-run-{}", engine::file_of(&config.database)?, std::process::id());
        let copy = Self(file.clone().into());
        crate::backup::backup(&config.database, &copy.0).await?;
        config.database = format!("sqlite://{file}");
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{ending}", self.0.display()));
        }
    }
}
