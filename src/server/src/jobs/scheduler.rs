//! Who runs the jobs: every server, each job once for each business date, oldest date first.
//!
//! What is done stands in the database, so a server that was stopped goes on where it was, and several servers share
//! the work: a lease keeps two of them from the same job and date. The lease only saves work; it runs out with a
//! server that died, and a job that is done twice at once has one effect by its own means.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use prequal_core::calendar::{Date, Instant};
use tokio::sync::watch;

use super::{Done, JOBS, Job};
use crate::{
    app::App,
    outbox::now_ms,
    problem::{Kind, Problem},
    storage::{
        checkouts, days,
        group::Part,
        jobs::{self, End, Lease, Row},
    },
};

/// For how many days that were missed a job is made up for, the newest of them.
pub const CATCH_UP_DAYS_MAX: i32 = 366;
/// How many dates of a job are looked at in one turn.
const DATES_MAX: usize = 32;
/// How often it is looked whether a date or another attempt has come.
const POLL: Duration = Duration::from_secs(1);
/// For how long a run is left to whoever began it, from its last sign of life.
pub const LEASE: Duration = Duration::from_secs(60);
/// How often whoever works gives a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// How long a job may go on after the server was told to stop. What it did stays done.
pub const STOP_TIME_MAX: Duration = Duration::from_secs(5);
/// The first wait after a failure; doubled each time.
const BACKOFF_FIRST_MS: i64 = 1_000;
/// The longest wait between attempts.
const BACKOFF_MAX_MS: i64 = 600_000;
/// How much is kept of what went wrong, in bytes.
const ERROR_BYTES_MAX: usize = 500;

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// It is done; how many things were changed now.
    Done(u64),
    /// It went wrong, and is tried again later.
    Failed(String),
    /// It is done, waits after a failure, or somebody else works on it.
    NotNow,
    /// The server was told to stop.
    Stopped,
}

/// How long to wait after so many attempts that failed.
fn backoff_ms(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.clamp(1, 20) - 1).unwrap_or(19);
    BACKOFF_FIRST_MS.saturating_mul(1_i64 << doublings).min(BACKOFF_MAX_MS)
}

fn lease(app: &App) -> Lease<'_> {
    let now_ms = now_ms();
    let length = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
    Lease { holder: &app.instance, now_ms, until_ms: now_ms.saturating_add(length) }
}

/// Runs what is due for as long as the server is not told to stop.
pub async fn run(app: Arc<App>) {
    let mut stop = app.stopping.subscribe();
    let mut done_for = None;
    while !*stop.borrow() {
        match app.today() {
            Ok(today) if done_for != Some(today) => match run_due(&app, JOBS, today).await {
                Ok(true) => done_for = Some(today),
                Ok(false) => {}
                Err(problem) => tracing::error!(?problem, "the jobs' table could not be read"),
            },
            Ok(_) => {}
            Err(problem) => tracing::error!(?problem, "no date to run jobs for"),
        }
        tokio::select! {
            _ = stop.changed() => {}
            () = app.jobs.notified() => done_for = None,
            () = tokio::time::sleep(POLL) => {}
        }
    }
    let holder = &*app.instance;
    let released = app.db.write(|mut tx: Part| async move { Ok(jobs::release(&mut tx, holder).await?) }).await;
    if let Err(problem) = released {
        tracing::warn!(?problem, "what was being worked on is let go of when its time is over");
    }
}

/// Runs every job for every date up to `today` for which it is not done, a day's jobs in their order before the next
/// day's; whether nothing is left.
///
/// # Errors
/// 500 when the database fails. What a job fails with is noted, not given.
pub async fn run_due(app: &Arc<App>, all: &[Job], today: Date) -> Result<bool, Problem> {
    let mut due = Vec::new();
    let mut horizon = today;
    for (place, job) in all.iter().enumerate() {
        let dates = due_dates(app, job, today).await?;
        if let Some(last) = dates.last().filter(|_| dates.len() >= DATES_MAX) {
            horizon = horizon.min(*last);
        }
        due.extend(dates.into_iter().map(|date| (date, place)));
    }
    due.sort_unstable();
    // What comes after a page's end comes after the next page, too.
    let mut over = horizon == today;
    for (date, place) in due.into_iter().filter(|(date, _)| *date <= horizon) {
        let Some(job) = all.get(place) else { continue };
        if *app.stopping.borrow() {
            return Ok(false);
        }
        match attempt(app, job, date, false).await? {
            Attempt::Done(_) => {}
            Attempt::Stopped => return Ok(false),
            Attempt::Failed(_) | Attempt::NotNow => over = false,
        }
    }
    Ok(over)
}

/// Dates for which a job is to be run, oldest first: every day since the first that a server began by itself for which
/// it is not done. One that a person ran for a later day leaves the days before it as they were.
async fn due_dates(app: &App, job: &Job, today: Date) -> Result<Vec<Date>, Problem> {
    let mut db = app.db.read().await?;
    let limit = i64::try_from(DATES_MAX).unwrap_or(i64::MAX);
    let parse = |text: &str| Date::parse(text).map_err(Problem::internal);
    let first = jobs::first(&mut db, job.name).await?.as_deref().map(parse).transpose()?;
    let first = first.unwrap_or(today);
    let earliest = today.add_days(1 - CATCH_UP_DAYS_MAX).map_err(Problem::internal)?;
    let from = first.max(earliest);
    let (owned, window) = (first.to_string(), from.to_string());
    let mut dates = Vec::new();
    for date in jobs::unfinished(&mut db, job.name, (&owned, &window), limit).await? {
        dates.push(parse(&date)?);
    }
    // A sandbox's clock may have been set back.
    dates.retain(|date| *date <= today);
    let done: BTreeSet<String> = jobs::done_from(&mut db, job.name, &window).await?.into_iter().collect();
    let newest = jobs::newest(&mut db, job.name).await?;
    if newest.is_some_and(|newest| newest < window && first < from) {
        tracing::warn!(job = job.name, %from, "days that lie too far back are not made up for");
    }
    let mut next = from;
    while next <= today && dates.len() < DATES_MAX {
        if !done.contains(&next.to_string()) {
            dates.push(next);
        }
        next = next.add_days(1).map_err(Problem::internal)?;
    }
    Ok(dates)
}

/// Runs one job for one date, unless it is done; by hand also where it is done or waits after a failure.
///
/// # Errors
/// 500 when the database fails.
pub async fn attempt(app: &Arc<App>, job: &Job, date: Date, by_hand: bool) -> Result<Attempt, Problem> {
    let day = date.to_string();
    let (place, started) = ((job.name, day.as_str()), app.now()?.to_string());
    let (server, begun) = (&**app, started.as_str());
    let mine = app
        .db
        .write(|mut tx: Part| async move { Ok(jobs::begin(&mut tx, place, lease(server), begun, by_hand).await?) });
    if !mine.await? {
        return Ok(Attempt::NotNow);
    }
    let ended = work(app, job, date, place).await;
    // Anybody who reads the jobs reads what is noted; a defect's cause is for whoever ran it.
    let mut noted = String::new();
    let (attempt, changed) = match ended {
        // What was begun is let go of when the scheduler ends.
        None => return Ok(Attempt::Stopped),
        Some(Ok(done)) => (Attempt::Done(done.changed), done.changed),
        Some(Err(problem)) => {
            let cause = format!("{}: {}", problem.kind().slug(), problem.detail());
            let kept = cause.floor_char_boundary(ERROR_BYTES_MAX);
            tracing::error!(job = job.name, date = day, cause, "a job failed");
            noted = cause.get(..kept).unwrap_or_default().to_owned();
            (Attempt::Failed(format!("{}: {}", problem.kind().slug(), problem.cause())), 0)
        }
    };
    let attempts = jobs::find(&mut *app.db.read().await?, job.name, &day).await?.map_or(1, |row| row.attempts);
    let finished = app.now()?.to_string();
    let (status, error, next_attempt_ms) = match &attempt {
        Attempt::Failed(_) => ("failed", Some(noted.as_str()), now_ms().saturating_add(backoff_ms(attempts))),
        _ => ("done", None, 0),
    };
    let changed = i64::try_from(changed).unwrap_or(i64::MAX);
    let end = End { status, changed, finished: &finished, error, next_attempt_ms };
    let holder = &*app.instance;
    app.db.write(|mut tx: Part| async move { Ok(jobs::end(&mut tx, place, holder, end).await?) }).await?;
    app.metrics.job(job.name, status);
    if changed > 0 {
        tracing::info!(job = job.name, date = day, changed, "a job is done");
    }
    Ok(attempt)
}

/// Does the work, with signs of life; nothing where the server stops before the end.
async fn work(app: &Arc<App>, job: &Job, date: Date, place: (&str, &str)) -> Option<Result<Done, Problem>> {
    let (server, run) = (app.clone(), job.run);
    // A task of its own: a job that panics must not end the scheduler.
    let mut task = tokio::spawn(async move { run(&server, date).await });
    let mut stop = app.stopping.subscribe();
    let mut deadline = None;
    loop {
        let patience = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = &mut task => {
                let panicked = |_| Err(Problem::internal(format!("job {} came to no end", job.name)));
                return Some(ended.unwrap_or_else(panicked));
            }
            () = told(&mut stop), if deadline.is_none() => {
                deadline = Some(tokio::time::Instant::now() + STOP_TIME_MAX);
            }
            () = patience => {
                task.abort();
                let _ = task.await;
                return None;
            }
            () = tokio::time::sleep(HEARTBEAT) => {
                let server = &**app;
                let renewed = app.db.write(|mut tx: Part| async move {
                    Ok(jobs::renew(&mut tx, place, lease(server)).await?)
                });
                if !renewed.await.unwrap_or(true) {
                    tracing::warn!(job = job.name, date = place.1, "another server works on this as well");
                }
            }
        }
    }
}

/// Done when the server was told to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A job with its newest runs, newest first.
#[derive(Debug)]
pub struct Overview {
    /// The job.
    pub job: &'static Job,
    /// At most as many as asked for.
    pub runs: Vec<Row>,
}

/// Every job with its newest runs.
///
/// # Errors
/// 500 when the database fails.
pub async fn overview(app: &App, runs_max: i64) -> Result<Vec<Overview>, Problem> {
    let mut db = app.db.read().await?;
    let mut all = Vec::with_capacity(JOBS.len());
    for job in JOBS {
        all.push(Overview { job, runs: jobs::latest(&mut db, job.name, runs_max).await? });
    }
    Ok(all)
}

/// Runs a job by name, as an operator asks for it.
///
/// # Errors
/// 404 where there is no such job, 422 for a date after the business date or before everything, 409 where another server works on it,
/// and what the job fails with.
pub async fn run_by_name(app: &Arc<App>, name: &str, date: Date) -> Result<u64, Problem> {
    let Some(job) = super::find(name) else {
        let names: Vec<&str> = JOBS.iter().map(|job| job.name).collect();
        return Err(Problem::new(Kind::NotFound, format!("no job `{name}`; there are {}", names.join(", "))));
    };
    let today = app.today()?;
    if date > today {
        let detail = format!("{date} is after the business date {today}: its work is not due yet");
        return Err(Problem::new(Kind::InvalidValue, detail));
    }
    let first = first_day(app, today).await?;
    if date < first {
        let detail = format!("{date} is before {first}, the first business date with anything in the books");
        return Err(Problem::new(Kind::InvalidValue, detail));
    }
    match attempt(app, job, date, true).await? {
        Attempt::Done(changed) => Ok(changed),
        Attempt::Failed(cause) => Err(Problem::new(Kind::Internal, cause)),
        Attempt::NotNow => Err(Problem::new(Kind::WrongState, format!("another server works on {name} for {date}"))),
        Attempt::Stopped => Err(Problem::new(Kind::NotReady, "the server stops")),
    }
}

/// The first business date on which anything was booked or asked for; `today` where nothing was.
async fn first_day(app: &App, today: Date) -> Result<Date, Problem> {
    let mut db = app.db.read().await?;
    let booked = days::next_with_entries(&mut db, None, &today.to_string()).await?;
    let booked = booked.map(|date| Date::parse(&date)).transpose().map_err(Problem::internal)?;
    let asked = checkouts::first_created(&mut db).await?;
    let asked = asked.map(|moment| Instant::parse(&moment)).transpose().map_err(Problem::internal)?;
    let asked = asked.map(|moment| app.date_of(moment)).transpose()?;
    Ok([booked, asked].into_iter().flatten().min().unwrap_or(today))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_second_to_ten_minutes() {
        assert_eq!(
            [1, 2, 3, 10, 11, 12, i64::MAX].map(backoff_ms),
            [1_000, 2_000, 4_000, 512_000, 600_000, 600_000, 600_000]
        );
    }

    #[test]
    fn names_are_one_word_each_and_unique() {
        let mut names: Vec<&str> = JOBS.iter().map(|job| job.name).collect();
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), JOBS.len());
        assert!(JOBS.iter().all(|job| super::super::find(job.name).is_some()));
    }
}
