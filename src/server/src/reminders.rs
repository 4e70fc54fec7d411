//! Reminders of instalments, before and after the due day, by rules that are data: each at most once for an
//! instalment and a rule, none where nothing is to be paid or may be asked for.

use prequal_core::{calendar::Date, credit::AccountInstallment, money::Amount};
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
    storage::{Connection, dues, group::Part, loans, notices, persons},
};

/// How many instalments are looked at in one transaction.
pub const BATCH_MAX: i64 = 50;

/// The job.
pub fn run(app: &App, date: Date) -> Running<'_> {
    Box::pin(async move {
        let mut done = Done::default();
        for rule in &app.settings.conduct.reminders {
            let due = date.add_days(-rule.days).map_err(Problem::internal)?.to_string();
            let mut after = (String::new(), 0);
            loop {
                let mut db = app.db.read().await?;
                let found = dues::on(&mut db, &due, (&after.0, after.1), BATCH_MAX).await?;
                drop(db);
                let Some(last) = found.last() else { break };
                after = (last.loan.clone(), last.number);
                let found = found.as_slice();
                let work = |mut tx: Part| async move {
                    let mut count = 0;
                    for row in found {
                        count += u64::from(remind(app, &mut tx, rule, row, date).await?);
                    }
                    Ok(count)
                };
                done.changed += app.db.write(work).await?;
            }
        }
        Ok(done)
    })
}

/// Queues one reminder, unless it was queued before or there is no call for it.
async fn remind(app: &App, db: &mut Connection, rule: &Reminder, row: &dues::Row, date: Date) -> Result<bool, Problem> {
    let once = format!("reminder:{}:{}:{}", row.loan, row.number, rule.id);
    if notices::of_once(db, &once).await?.is_some() {
        return Ok(false);
    }
    let Some(loan_row) = loans::find(db, &row.loan).await? else { return Ok(false) };
    let erased = persons::find(db, &loan_row.person).await?.is_none_or(|(_, erased)| erased.is_some());
    if erased {
        return Ok(false);
    }
    let loan = booking::load(db, &loan_row).await?;
    let due = Date::parse(&row.due).map_err(Problem::internal)?;
    let account = loan.account(date).map_err(Problem::internal)?;
    // The schedule as it now stands decides: an instalment that was moved is reminded of on its new day.
    let installment = account.installments.iter().find(|line| i64::from(line.number) == row.number && line.due == due);
    let unpaid = installment.map(left).transpose()?.unwrap_or(Amount::ZERO);
    let unpaid = unpaid.min(collectable(&loan, due, date)?);
    if unpaid.is_zero() {
        return Ok(false);
    }
    let application = crate::storage::applications::find(db, &loan_row.application).await?;
    let hash = application.map(|application| application.bundle_hash).unwrap_or_default();
    let policies = &app.settings.policies;
    let policy = policies.known(&hash).unwrap_or(policies.active());
    let offer = booking::offer(&loan_row)?;
    let values = [
        ("loan", row.loan.clone()),
        ("number", row.number.to_string()),
        ("due", row.due.clone()),
        ("when", if due < date { "fell due on" } else { "falls due on" }.to_owned()),
        ("amount", format_money(unpaid, offer.currency)),
    ];
    let second = policies.active().second_of_day(app.now()?).map_err(Problem::internal)?;
    let quiet_ms = i64::from(app.settings.conduct.quiet_seconds(second)) * 1_000;
    let not_before_ms = if quiet_ms == 0 { 0 } else { now_ms().saturating_add(quiet_ms) };
    let about = About { loan: Some(&row.loan), not_before_ms, ..About::application(&loan_row.application) };
    notice::add(app, db, policy, notice::Kind::Reminder, &about, &once, &values).await
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
