//! Reminders of instalments, before and after the due day, by rules that are data: each at most once for an
//! instalment and a rule, none where nothing is to be paid or may be asked for.

use prequal_core::{calendar::Date, credit::AccountInstallment, currency::Currency, money::Amount};
use prequal_ledger::Loan;

use crate::{
    agreement::format_money,
    app::App,
    booking,
    conduct::Reminder,
    jobs::{Done, Running},
    notice::{self, About},
    outbox::now_ms,
    problem::Problem,
    storage::{Connection, dues, group::Part, loans},
};

/// How many instalments are looked at in one transaction.
pub const BATCH_MAX: i64 = 64;

/// The job.
pub fn run(app: &App, date: Date) -> Running<'_> {
    Box::pin(async move {
        let mut done = Done::default();
        for rule in &app.settings.conduct.reminders {
            let mut after = Some((String::new(), 0));
            while let Some(place) = after {
                let place = &place;
                let work = |mut tx: Part| async move { batch(app, &mut tx, rule, place, date).await };
                let (count, last) = app.db.write(work).await?;
                done.changed += count;
                after = last;
            }
        }
        Ok(done)
    })
}

/// Reminds of the next instalments after a place; gives of how many, and where to go on.
async fn batch(
    app: &App,
    db: &mut Connection,
    rule: &Reminder,
    after: &(String, i64),
    date: Date,
) -> Result<(u64, Option<(String, i64)>), Problem> {
    let due = date.add_days(-rule.days).map_err(Problem::internal)?;
    let found = dues::unreminded(db, &due.to_string(), &rule.id, (&after.0, after.1), BATCH_MAX).await?;
    let mut ids: Vec<&str> = found.iter().map(|row| row.loan.as_str()).collect();
    ids.dedup();
    let books = loans::books_of(db, &ids).await?;
    let mut count = 0;
    for row in &found {
        let Some(books) = books.iter().find(|books| books.id == row.loan) else { continue };
        count += u64::from(remind(app, db, rule, (row, books), (due, date)).await?);
    }
    Ok((count, found.last().map(|last| (last.loan.clone(), last.number))))
}

/// Queues one reminder, unless there is no call for it.
async fn remind(
    app: &App,
    db: &mut Connection,
    rule: &Reminder,
    (row, books): (&dues::Row, &loans::Books),
    (due, date): (Date, Date),
) -> Result<bool, Problem> {
    let events = books.events.as_deref().unwrap_or_default().lines().filter_map(|line| line.split_once(' '));
    let loan = booking::restore(&books.signed(), events)?;
    let account = loan.account(date).map_err(Problem::internal)?;
    // The schedule as it now stands decides: an instalment that was moved is reminded of on its new day.
    let installment = account.installments.iter().find(|line| i64::from(line.number) == row.number && line.due == due);
    let unpaid = installment.map(left).transpose()?.unwrap_or(Amount::ZERO);
    let unpaid = unpaid.min(collectable(&loan, due, date)?);
    if unpaid.is_zero() {
        return Ok(false);
    }
    let policies = &app.settings.policies;
    let policy = policies.known(&row.bundle_hash).unwrap_or(policies.active());
    let currency = Currency::parse(&books.currency).map_err(Problem::internal)?;
    let values = [
        ("loan", row.loan.clone()),
        ("number", row.number.to_string()),
        ("due", row.due.clone()),
        ("when", if due < date { "fell due on" } else { "falls due on" }.to_owned()),
        ("amount", format_money(unpaid, currency)),
    ];
    let second = policies.active().second_of_day(app.now()?).map_err(Problem::internal)?;
    let quiet_ms = i64::from(app.settings.conduct.quiet_seconds(second)) * 1_000;
    let not_before_ms = if quiet_ms == 0 { 0 } else { now_ms().saturating_add(quiet_ms) };
    let about = About { loan: Some(&row.loan), not_before_ms, ..About::application(&row.application) };
    notice::add(app, db, policy, notice::Kind::Reminder, &about, &dues::once(row, &rule.id), &values).await
}

fn left(line: &AccountInstallment) -> Result<Amount, Problem> {
    let (owed, paid) = (line.owed.total().map_err(Problem::internal)?, line.paid.total().map_err(Problem::internal)?);
    Ok(owed.saturating_sub(paid))
}

/// What may be asked for of all that is, or would be on the day after the due day, past due: less what is disputed.
fn collectable(loan: &Loan, due: Date, date: Date) -> Result<Amount, Problem> {
    let day = due.add_days(1).map_err(Problem::internal)?.max(date);
    Ok(loan.delinquency(day).map_err(Problem::internal)?.collectable)
}
