//! Serving a portfolio by the day: income recognized, losses provided for and given up, as each loan's rules say.
//!
//! No balance needs it: a loan's state is computed for the day it is asked. What needs it are the books, which hold
//! what was posted. Each loan knows the next day on which its rules can change anything, and every event sets that
//! back; so a day's run touches the loans to which something happened or is due, and no others.

use std::collections::BTreeMap;

use prequal_core::{calendar::Date, credit::Parts};
use prequal_ledger::{Event, Head, LedgerError, Loan, Servicing, Status, chain};

use crate::{
    app::{App, new_id},
    booking::{self, Signed},
    jobs::{Done, Running},
    problem::Problem,
    serving::{Recognition, Serving},
    storage::{Connection, group::Part, journal, loans},
};

/// How many loans are served in one transaction.
const BATCH: i64 = 32;
/// The day on which a loan is looked at that nothing but an event can change.
const NEVER: &str = "9999-12-31";

/// What the days past due make of a loan's books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stage {
    /// How many lines of the allowance are reached.
    allowance: usize,
    non_accrual: bool,
}

impl Stage {
    fn of(rules: &Servicing, days: u32) -> Self {
        Self {
            allowance: rules.allowance.iter().filter(|stage| days >= u32::from(stage.from_days)).count(),
            non_accrual: rules.is_non_accrual(days),
        }
    }
}

/// The event that a loan's rules want on a day, if any.
///
/// # Errors
/// [`LedgerError`] where the fold has none.
pub fn due_event(loan: &Loan, serving: &Serving, today: Date) -> Result<Option<Event>, LedgerError> {
    if loan.status() != Status::Active {
        return Ok(None);
    }
    let rules = &serving.rules;
    let days = loan.delinquency(today)?.days_past_due;
    if rules.is_charge_off_due(days) {
        return Ok(Some(Event::ChargedOff { value_date: today }));
    }
    let posted = loan.posted_through();
    let before = Stage::of(rules, loan.delinquency(posted)?.days_past_due);
    let month_ended = serving.recognition == Recognition::MonthEnd && month_end(posted, false) <= today;
    let due = posted < today && (month_ended || before != Stage::of(rules, days));
    Ok(due.then_some(Event::Recognized))
}

/// The last day of the month of a date; without `or_itself` the next one where the date is such a day.
fn month_end(date: Date, or_itself: bool) -> Date {
    let (year, month, _) = date.civil();
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let Ok(first) = Date::from_ymd(next.0, next.1, 1) else { return date };
    let last = first.add_days(-1).unwrap_or(date);
    if last > date || or_itself {
        return last;
    }
    month_end(first, true)
}

/// The next day after `today` on which the rules can want something, if nothing happens until then.
///
/// # Errors
/// [`LedgerError`] where the fold has none.
pub fn next_due(loan: &Loan, serving: &Serving, today: Date) -> Result<Option<Date>, LedgerError> {
    if loan.status() != Status::Active {
        return Ok(None);
    }
    let rules = &serving.rules;
    let mut days: Vec<Date> = Vec::new();
    if serving.recognition == Recognition::MonthEnd {
        days.push(month_end(today, false));
    }
    let staged =
        !rules.allowance.is_empty() || rules.non_accrual_from_days.is_some() || rules.charge_off_from_days.is_some();
    if staged {
        let thresholds = rules.allowance.iter().map(|stage| stage.from_days);
        let thresholds: Vec<u16> =
            thresholds.chain(rules.non_accrual_from_days).chain(rules.charge_off_from_days).collect();
        // Days within the technical grace do not count, so nothing can be reached before it is over.
        let least = rules.technical_grace_days.saturating_add(1);
        let unpaid = |owed: &Parts, paid: &Parts| {
            Parts { penalty: Default::default(), ..*owed } != Parts { penalty: Default::default(), ..*paid }
        };
        for row in loan.account(today)?.installments.iter().filter(|row| unpaid(&row.owed, &row.paid)) {
            // One that falls due later may make the arrears material.
            let of_row = thresholds.iter().map(|days| (*days).max(least)).chain([least]);
            days.extend(of_row.filter_map(|count| row.due.add_days(i32::from(count)).ok()));
        }
    }
    Ok(days.into_iter().filter(|day| *day > today).min())
}

/// Job `servicing`: posts what each loan's rules want, up to a date.
pub fn run(app: &App, date: Date) -> Running<'_> {
    Box::pin(async move {
        let mut done = Done::default();
        loop {
            let due = loans::due_for_service(&mut *app.db.read().await?, &date.to_string(), BATCH).await?;
            if due.is_empty() {
                return Ok(done);
            }
            let due = &due;
            done.changed += app.db.write(|mut tx: Part| async move { serve(app, &mut tx, due).await }).await?;
        }
    })
}

#[derive(Default)]
struct Written {
    events: Vec<(String, loans::EventRow)>,
    entries: Vec<journal::New>,
    projections: Vec<loans::Projection>,
    dues: BTreeMap<String, String>,
}

/// Serves some loans; gives how many changed. One that cannot be served stops no other: it is told of, and looked at
/// again the next day.
async fn serve(app: &App, db: &mut Connection, ids: &[String]) -> Result<u64, Problem> {
    let now = app.now()?;
    let (today, now) = (app.date_of(now)?, now.to_string());
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut written = Written::default();
    for row in loans::books_of(db, &ids).await? {
        let id = row.id.clone();
        if let Err(problem) = serve_one(&row, today, &mut written) {
            tracing::error!(loan = id, ?problem, "a loan could not be served");
            let tomorrow = today.add_days(1).map_err(Problem::internal)?;
            written.dues.insert(id, tomorrow.to_string());
        }
    }
    let changed = written.projections.len();
    loans::add_events(db, &written.events).await?;
    journal::append_all(db, &written.entries, &now).await?;
    loans::project(db, &written.projections).await?;
    let dues: Vec<(String, String)> = written.dues.into_iter().collect();
    loans::set_service_due(db, &dues).await?;
    u64::try_from(changed).map_err(Problem::internal)
}

fn serve_one(row: &loans::Books, today: Date, written: &mut Written) -> Result<(), Problem> {
    let events = row.events.as_deref().unwrap_or_default().lines().filter_map(|line| line.split_once(' '));
    let signed = Signed { offer: &row.offer, merchant_fee: row.merchant_fee, serving: row.serving.as_deref() };
    let mut loan = booking::restore(&signed, events)?;
    let serving = Serving::read(row.serving.as_deref())?;
    let event = due_event(&loan, &serving, today).map_err(Problem::internal)?;
    if let Some(event) = event {
        let (stored, entry) = booking::advance(&mut loan, event, today)?;
        let head = match (row.head_number, &row.head_hash) {
            (Some(number), Some(hash)) => Head { number: number.unsigned_abs(), hash: hash.clone() },
            _ => Head::default(),
        };
        let sealed = entry.map(|entry| chain::seal(&row.id, &head, entry)).transpose().map_err(Problem::internal)?;
        written.entries.extend(sealed.map(|sealed| journal::New { id: new_id(), chain: row.id.clone(), sealed }));
        written.events.push((row.id.clone(), stored));
        written.projections.push(booking::projection(&row.id, &loan));
    }
    let next = next_due(&loan, &serving, today).map_err(Problem::internal)?;
    written.dues.insert(row.id.clone(), next.map_or_else(|| NEVER.to_owned(), |day| day.to_string()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_end_on_their_last_days() {
        let date = |text| Date::parse(text).unwrap();
        for (day, next) in [
            ("2026-01-15", "2026-01-31"),
            ("2026-01-31", "2026-02-28"),
            ("2028-02-28", "2028-02-29"),
            ("2028-02-29", "2028-03-31"),
            ("2026-12-31", "2027-01-31"),
        ] {
            assert_eq!(month_end(date(day), false), date(next), "{day}");
        }
    }
}
