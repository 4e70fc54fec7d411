//! Statements of revolving lines: what is asked at each billing day, and what becomes of the rest after the due day.
//!
//! A statement is made once for a line and a billing day. After its due day it is judged once: all paid, carried over
//! because the minimum was paid, or late. Carried over, the rest falls due with the next bill and bears interest at the
//! line's rate; late, it costs what the purchase's own terms say. Where the line counts interest from the statement or the
//! purchase, either takes back the grace of what was not paid.

use prequal_core::{
    calendar::{Date, Instant},
    credit::Line as Conventions,
    money::Amount,
};
use prequal_ledger::{
    Event, Loan, Status,
    bill::{self, Bill, Statement},
};

use crate::{
    app::App,
    booking,
    jobs::{Done, Running},
    lines,
    problem::{Kind, Problem},
    reminders,
    storage::{Connection, group::Part, lines as stored, loans},
};

/// How many lines are looked up at once.
const LINES_AT_ONCE: i64 = 64;
/// The most statements made up for one line in one run, should the job not have run for years.
const STATEMENTS_AT_ONCE: u32 = 120;

/// The loans of a line, folded, each with whether it revolves.
pub type Drawn = Vec<(stored::Drawn, Loan)>;

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
    // A line that cannot be folded is a defect of its own: the lines after it get their statements all the same.
    let (mut failed, mut first) = (0_u64, None);
    loop {
        let mut read = app.db.read().await?;
        let ids = stored::revolving(&mut read, after.as_deref(), LINES_AT_ONCE).await?;
        drop(read);
        let Some(last) = ids.last() else { break };
        after = Some(last.clone());
        for id in &ids {
            let id = id.as_str();
            match app.db.write(|mut tx: Part| async move { one(app, &mut tx, id, date).await }).await {
                Ok(changed) => done.changed += changed,
                Err(problem) => {
                    tracing::error!(line = id, ?problem, "the line has no statement");
                    failed += 1;
                    first.get_or_insert(id.to_owned());
                }
            }
        }
    }
    match first {
        None => Ok(done),
        Some(first) => Err(Problem::internal(format!("{failed} lines have no statement, the first of them {first}"))),
    }
}

/// Brings one line up to a date.
async fn one(app: &App, db: &mut Connection, id: &str, date: Date) -> Result<u64, Problem> {
    let row = stored::find(db, id).await?.ok_or_else(Problem::not_found)?;
    let Some(conventions) = lines::conventions(&row)? else { return Ok(0) };
    let now = app.now()?.to_string();
    let mut last = stored::statements(db, id, None, 1).await?.pop();
    let mut changed = 0;
    let mut made = false;
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
        made = true;
        changed += 1;
    }
    // Of several that are made up for, the newest says how things stand.
    if let Some(statement) = last.filter(|_| made) {
        reminders::bill::tell_statement(app, db, &statement).await?;
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
    let bill = as_it_stands(conventions, &drawn, day, due)?;
    let row = stored::StatementRow {
        line: id.to_owned(),
        date: day.to_string(),
        due: due.to_string(),
        principal: bill.lines.principal.minor(),
        installments: bill.lines.installments.minor(),
        interest: bill.lines.interest.minor(),
        fee: bill.lines.fee.minor(),
        penalty: bill.penalty.minor(),
        minimum: bill.minimum.minor(),
        paid: None,
        outcome: None,
    };
    stored::insert_statement(db, &row, now).await?;
    Ok(row)
}

pub(crate) fn as_it_stands(conventions: &Conventions, drawn: &Drawn, as_of: Date, due: Date) -> Result<Bill, Problem> {
    let loans = drawn.iter().map(|(row, loan)| (loan, row.revolves == 1));
    bill::bill(conventions, loans, as_of, due).map_err(Problem::internal)
}

/// All that a statement asks for.
pub(crate) fn asked(row: &stored::StatementRow) -> Result<Amount, Problem> {
    let parts = [row.principal, row.installments, row.interest, row.fee, row.penalty].map(Amount::new);
    let parts = parts.into_iter().collect::<Result<Vec<_>, _>>().map_err(Problem::internal)?;
    Amount::sum(parts).map_err(Problem::internal)
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
    let statement = Statement { date: day, due };
    let drawn = drawn(db, &row.line).await?;
    let bill = as_it_stands(conventions, &drawn, due, due)?;
    // What became a penalty after the statement is asked for by the next one.
    let since = bill.penalty.saturating_sub(Amount::new(row.penalty).map_err(Problem::internal)?);
    let left = bill.total.saturating_sub(since);
    let paid = asked(row)?.saturating_sub(left);
    let outcome = if left.is_zero() {
        "paid"
    } else if paid.minor() >= row.minimum {
        let next = bill::statement_after(&conventions.billing, day).map_err(Problem::internal)?;
        let next_due = bill::due_of(&conventions.billing, next).map_err(Problem::internal)?;
        for (drawn, loan) in drawn.into_iter().filter(|(drawn, _)| drawn.revolves == 1) {
            let events = bill::carry_over(conventions, &loan, statement, next_due).map_err(Problem::internal)?;
            tell(db, (&drawn.loan, loan), events, (date, now)).await?;
        }
        "carried"
    } else {
        for (drawn, loan) in drawn.into_iter().filter(|(drawn, _)| drawn.revolves == 1) {
            let event = bill::lose_grace(conventions, &loan, statement).map_err(Problem::internal)?;
            tell(db, (&drawn.loan, loan), event, (date, now)).await?;
        }
        "late"
    };
    stored::conclude_statement(db, (&row.line, &row.date), paid.minor(), outcome).await?;
    Ok(true)
}

async fn tell(
    db: &mut Connection,
    (id, mut loan): (&str, Loan),
    events: impl IntoIterator<Item = Event>,
    (date, now): (Date, &str),
) -> Result<(), Problem> {
    for event in events {
        booking::record(db, id, &mut loan, event, date, now).await?;
    }
    Ok(())
}

/// The most instalments of a plan for a purchase or a bill.
pub const PLAN_COUNT_MAX: u16 = 24;

/// A purchase as it would be paid in instalments.
#[derive(Debug)]
pub struct Spread {
    /// The loan.
    pub loan: String,
    /// As it would stand.
    pub state: Loan,
    /// What makes it so.
    events: Vec<Event>,
}

/// What an instalment plan would make of one purchase, or of all of the open bill: the first instalment falls due when
/// the purchase would have, and the line's rate runs from tomorrow on.
///
/// # Errors
/// 422 where the count is out of bounds; 409 where there is nothing to be spread.
pub async fn spread(
    db: &mut Connection,
    row: &stored::Row,
    loan: Option<&str>,
    count: u16,
    today: Date,
) -> Result<Vec<Spread>, Problem> {
    if !(2..=PLAN_COUNT_MAX).contains(&count) {
        let detail = format!("a plan has 2 to {PLAN_COUNT_MAX} instalments");
        return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/count"));
    }
    let nothing = |detail: &str| Err(Problem::new(Kind::WrongState, detail));
    let Some(conventions) = lines::conventions(row)? else { return nothing("the line does not revolve") };
    let open = stored::statements(db, &row.id, None, 1).await?.pop().filter(|statement| statement.outcome.is_none());
    let mut found = Vec::new();
    for (drawn, mut state) in drawn(db, &row.id).await? {
        if drawn.revolves != 1 || state.status() != Status::Active {
            continue;
        }
        let Some((due, _)) = state.account(today).map_err(Problem::internal)?.next_due else { continue };
        let is_meant = match (loan, &open) {
            (Some(loan), _) => loan == drawn.loan,
            (None, Some(open)) => open.due == due.to_string(),
            (None, None) => false,
        };
        if !is_meant || due <= today {
            continue;
        }
        let events = bill::spread(&conventions, today, due, count);
        for event in &events {
            state.record(event.clone(), today).map_err(Problem::internal)?;
        }
        found.push(Spread { loan: drawn.loan, state, events });
    }
    if found.is_empty() {
        nothing("there is nothing that can be paid in instalments before its due day")
    } else {
        Ok(found)
    }
}

/// Spreads, and lets the open statement ask for the instalments in the place of the whole.
///
/// # Errors
/// 500 when the database fails.
pub async fn take_plan(
    db: &mut Connection,
    row: &stored::Row,
    plan: Vec<Spread>,
    (today, now): (Date, &str),
) -> Result<(), Problem> {
    let Some(conventions) = lines::conventions(row)? else { return Ok(()) };
    let open = stored::statements(db, &row.id, None, 1).await?.pop().filter(|statement| statement.outcome.is_none());
    let before = drawn(db, &row.id).await?;
    for spread in plan {
        let loan = loans::find(db, &spread.loan).await?.ok_or_else(|| Problem::internal("a draw without its loan"))?;
        let mut state = booking::load(db, &loan).await?;
        for event in spread.events {
            booking::record(db, &spread.loan, &mut state, event, today, now).await?;
        }
        stored::spread(db, &spread.loan).await?;
    }
    let Some(mut statement) = open else { return Ok(()) };
    let due = Date::parse(&statement.due).map_err(Problem::internal)?;
    let left = as_it_stands(&conventions, &before, today, due)?.total;
    let paid = asked(&statement)?.saturating_sub(left);
    let Bill { mut lines, penalty, .. } = as_it_stands(&conventions, &drawn(db, &row.id).await?, today, due)?;
    // What was paid of it so far was asked for and stays so.
    lines.principal = lines.principal.checked_add(paid).map_err(Problem::internal)?;
    (statement.principal, statement.installments) = (lines.principal.minor(), lines.installments.minor());
    (statement.interest, statement.fee) = (lines.interest.minor(), lines.fee.minor());
    statement.penalty = penalty.minor();
    let minimum = conventions.minimum_payment(&lines).map_err(Problem::internal)?;
    statement.minimum = minimum.checked_add(penalty).map_err(Problem::internal)?.minor();
    Ok(stored::ask_anew(db, &statement).await?)
}
