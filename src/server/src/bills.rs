//! Statements of revolving lines: what is asked at each billing day, and what becomes of the rest after the due day.
//!
//! A statement is made once for a line and a billing day. After its due day it is judged once: all paid, carried over
//! because the minimum was paid, or late. Carried over, the rest falls due with the next bill and bears interest at the
//! line's rate from the day after; late, it costs what the purchase's own terms say.

use prequal_core::{
    calendar::{Date, Instant},
    credit::Line as Conventions,
    money::Amount,
};
use prequal_ledger::{Loan, bill};

use crate::{
    app::App,
    booking,
    jobs::{Done, Running},
    lines,
    problem::Problem,
    storage::{Connection, group::Part, lines as stored, loans},
};

/// How many lines are looked up at once.
const LINES_AT_ONCE: i64 = 64;
/// The most statements made up for one line in one run, should the job not have run for years.
const STATEMENTS_AT_ONCE: u32 = 120;

/// The loans of a line, folded, each with whether it revolves.
type Drawn = Vec<(stored::Drawn, Loan)>;

/// The loans drawn on a line.
///
/// # Errors
/// 500 when the database fails.
pub async fn drawn(db: &mut Connection, line: &str) -> Result<Drawn, Problem> {
    let mut drawn = Vec::new();
    for row in stored::loans(db, line).await? {
        let loan = loans::find(db, &row.loan).await?.ok_or_else(|| Problem::internal("a draw without its loan"))?;
        let loan = booking::load(db, &loan).await?;
        drawn.push((row, loan));
    }
    Ok(drawn)
}

/// The day's job: makes the statements of revolving lines, and judges those whose due day is over.
#[must_use]
pub fn run(app: &App, date: Date) -> Running<'_> {
    Box::pin(run_all(app, date))
}

async fn run_all(app: &App, date: Date) -> Result<Done, Problem> {
    // What has not come is neither billed nor judged, for whichever day the job is run.
    let date = date.min(app.today()?);
    let mut done = Done::default();
    let mut after: Option<String> = None;
    loop {
        let mut read = app.db.read().await?;
        let ids = stored::revolving(&mut read, after.as_deref(), LINES_AT_ONCE).await?;
        drop(read);
        let Some(last) = ids.last() else { return Ok(done) };
        after = Some(last.clone());
        for id in &ids {
            let id = id.as_str();
            done.changed += app.db.write(|mut tx: Part| async move { one(app, &mut tx, id, date).await }).await?;
        }
    }
}

/// Brings one line up to a date.
async fn one(app: &App, db: &mut Connection, id: &str, date: Date) -> Result<u64, Problem> {
    let row = stored::find(db, id).await?.ok_or_else(Problem::not_found)?;
    let Some(conventions) = lines::conventions(&row)? else { return Ok(0) };
    let now = app.now()?.to_string();
    let mut last = stored::statements(db, id, None, 1).await?.pop();
    let mut changed = 0;
    for _ in 0..STATEMENTS_AT_ONCE {
        if let Some(statement) = &last {
            changed += u64::from(judge(db, &conventions, statement, date, &now).await?);
        }
        let from = match &last {
            Some(statement) => Date::parse(&statement.date).map_err(Problem::internal)?,
            None => {
                let granted = Instant::parse(&row.created).map_err(Problem::internal)?;
                app.date_of(granted)?.add_days(-1).map_err(Problem::internal)?
            }
        };
        let day = bill::statement_after(&conventions.billing, from).map_err(Problem::internal)?;
        if day > date {
            break;
        }
        last = Some(make(db, &conventions, id, day, &now).await?);
        changed += 1;
    }
    Ok(changed)
}

async fn make(
    db: &mut Connection,
    conventions: &Conventions,
    id: &str,
    day: Date,
    now: &str,
) -> Result<stored::StatementRow, Problem> {
    let due = bill::due_of(&conventions.billing, day).map_err(Problem::internal)?;
    let drawn = drawn(db, id).await?;
    let loans = drawn.iter().map(|(row, loan)| (loan, row.revolves == 1));
    let bill = bill::bill(conventions, loans, day, due).map_err(Problem::internal)?;
    let row = stored::StatementRow {
        line: id.to_owned(),
        date: day.to_string(),
        due: due.to_string(),
        principal: bill.lines.principal.minor(),
        installments: bill.lines.installments.minor(),
        interest: bill.lines.interest.minor(),
        fee: bill.lines.fee.minor(),
        minimum: bill.minimum.minor(),
        paid: None,
        outcome: None,
    };
    stored::insert_statement(db, &row, now).await?;
    Ok(row)
}

/// Judges a statement whose due day lies before a date, unless it was judged.
async fn judge(
    db: &mut Connection,
    conventions: &Conventions,
    row: &stored::StatementRow,
    date: Date,
    now: &str,
) -> Result<bool, Problem> {
    let (day, due) = (Date::parse(&row.date), Date::parse(&row.due));
    let (day, due) = (day.map_err(Problem::internal)?, due.map_err(Problem::internal)?);
    if row.outcome.is_some() || due >= date {
        return Ok(false);
    }
    let drawn = drawn(db, &row.line).await?;
    let loans = drawn.iter().map(|(row, loan)| (loan, row.revolves == 1));
    let left = bill::bill(conventions, loans, due, due).map_err(Problem::internal)?.total;
    let asked = [row.principal, row.installments, row.interest, row.fee].map(Amount::new);
    let asked = asked.into_iter().collect::<Result<Vec<_>, _>>().map_err(Problem::internal)?;
    let paid = Amount::sum(asked).map_err(Problem::internal)?.saturating_sub(left);
    let outcome = if left.is_zero() {
        "paid"
    } else if paid.minor() >= row.minimum {
        let next = bill::statement_after(&conventions.billing, day).map_err(Problem::internal)?;
        let next_due = bill::due_of(&conventions.billing, next).map_err(Problem::internal)?;
        for (drawn, loan) in drawn.into_iter().filter(|(drawn, _)| drawn.revolves == 1) {
            carry(db, conventions, (&drawn.loan, loan), (due, next_due), (date, now)).await?;
        }
        "carried"
    } else {
        "late"
    };
    stored::conclude_statement(db, (&row.line, &row.date), paid.minor(), outcome).await?;
    Ok(true)
}

async fn carry(
    db: &mut Connection,
    conventions: &Conventions,
    (id, mut loan): (&str, Loan),
    (due, next_due): (Date, Date),
    (date, now): (Date, &str),
) -> Result<(), Problem> {
    for event in bill::carry_over(conventions, &loan, due, next_due).map_err(Problem::internal)? {
        booking::record(db, id, &mut loan, event, date, now).await?;
    }
    Ok(())
}
