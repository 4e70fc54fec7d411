//! The running totals of what is lent with each funder: every event of a loan adds a row of what it changed, and a job adds
//! those rows to the sums. A signing reads the sums and what has changed since, however many loans there are.

use prequal_core::calendar::Date;

use crate::{
    app::App,
    jobs::{Done, Running},
    problem::Problem,
    storage::{Connection, funding, group::Part},
};

/// How many changes one transaction adds up.
pub const MOVES_OF_STEP: i64 = 500;

/// The job `funding-totals`. What is to be added up does not depend on the day.
pub fn run(app: &App, _date: Date) -> Running<'_> {
    Box::pin(work(app))
}

async fn work(app: &App) -> Result<Done, Problem> {
    let mut changed = 0;
    loop {
        let step = |mut tx: Part| async move {
            match funding::moves_until(&mut tx, MOVES_OF_STEP).await? {
                Some(until) => Ok(funding::add_up(&mut tx, &until).await?),
                None => Ok(0),
            }
        };
        let done = app.db.write(step).await?;
        changed += done;
        if done == 0 {
            return Ok(Done { changed });
        }
    }
}

/// The sums and what has changed since must be what the loans come to.
///
/// # Errors
/// 500 where they are not, or when the database fails.
pub async fn check(db: &mut Connection) -> Result<(), Problem> {
    let (sums, loans) = (funding::lent_by_sums(db).await?, funding::lent_by_loans(db).await?);
    if sums == loans {
        return Ok(());
    }
    Err(Problem::internal(format!("funders' totals are {sums:?}, their loans come to {loans:?}")))
}
