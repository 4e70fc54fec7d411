//! The day's jobs, and how they went.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::OnlyLender;
use crate::{app::App, jobs::scheduler, problem::Problem, reply::Reply, storage::jobs::Row};

/// How many runs of each job are shown.
pub const RUNS_MAX: i64 = 7;

/// Every job.
#[derive(Debug, Serialize, ToSchema)]
pub struct Jobs {
    /// In the order in which a day's are run.
    jobs: Vec<JobView>,
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobView {
    /// Its name.
    name: &'static str,
    /// What it does.
    about: &'static str,
    /// Its newest runs, newest first, at most seven.
    runs: Vec<RunView>,
}

/// A job's run for a business date.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunView {
    /// The business date.
    date: String,
    /// `running`, `done` or `failed`.
    status: String,
    /// How often it was begun.
    attempts: i64,
    /// How many things were changed, over all attempts.
    changed: i64,
    /// When the last attempt began, RFC 3339.
    started: String,
    /// When it ended.
    finished: Option<String>,
    /// What went wrong.
    error: Option<String>,
}

impl From<Row> for RunView {
    fn from(row: Row) -> Self {
        Self {
            date: row.date,
            status: row.status,
            attempts: row.attempts,
            changed: row.changed,
            started: row.started,
            finished: row.finished,
            error: row.error,
        }
    }
}

/// The day's jobs with their newest runs.
#[utoipa::path(get, path = "/v1/jobs", tag = "server", security(("bearer" = [])),
    responses((status = 200, body = Jobs), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list(State(app): State<Arc<App>>, _: OnlyLender) -> Result<Reply, Problem> {
    let view = |one: scheduler::Overview| JobView {
        name: one.job.name,
        about: one.job.about,
        runs: one.runs.into_iter().map(RunView::from).collect(),
    };
    Reply::ok(&Jobs { jobs: scheduler::overview(&app, RUNS_MAX).await?.into_iter().map(view).collect() })
}
