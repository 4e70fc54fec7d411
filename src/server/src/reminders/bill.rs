//! What is told of the bills of revolving lines: that a statement was made, and when its bill falls or fell due.

use prequal_core::{calendar::Date, currency::Currency, money::Amount};

use super::{Day, HOW_TO_PAY, collectable, now_due, or, sentences};
use crate::{
    agreement::format_money,
    app::App,
    bills::{self, Drawn},
    conduct::Reminder,
    lines,
    notice::{self, Wording},
    policy::Policy,
    problem::Problem,
    storage::{
        Connection,
        group::Part,
        lines::{self as stored, Reader, StatementRow},
    },
};

/// How many bills are looked at in one transaction: each folds all loans of its line.
pub const BILLS_MAX: i64 = 16;

/// Tells once that a statement was made, of whatever it asks for.
///
/// # Errors
/// 500 when the database fails.
pub async fn tell_statement(app: &App, db: &mut Connection, row: &StatementRow) -> Result<bool, Problem> {
    let total = bills::asked(row)?;
    let Some(reader) = stored::reader(db, &row.line).await?.filter(|_| !total.is_zero()) else { return Ok(false) };
    let currency = Currency::parse(&reader.currency).map_err(Problem::internal)?;
    let money = |minor| Ok::<_, Problem>(format_money(Amount::new(minor).map_err(Problem::internal)?, currency));
    let values = [
        ("line", row.line.clone()),
        ("date", row.date.clone()),
        ("due", row.due.clone()),
        ("total", format_money(total, currency)),
        ("minimum", money(row.minimum)?),
        ("principal", money(row.principal)?),
        ("installments", money(row.installments)?),
        ("interest", money(row.interest)?),
        ("fee", money(row.fee)?),
        ("how_to_pay", or(&app.settings.conduct.how_to_pay, HOW_TO_PAY)),
    ];
    let about = notice::About::application(&reader.application);
    let once = format!("statement:{}:{}", row.line, row.date);
    notice::add(app, db, policy_of(app, &reader), notice::Kind::Statement, &about, &once, &values).await
}

/// The bundle by which the newest purchase was lent, or the one in force where that is not configured any more.
fn policy_of<'a>(app: &'a App, reader: &Reader) -> &'a Policy {
    let policies = &app.settings.policies;
    policies.known(&reader.bundle_hash).unwrap_or(policies.active())
}

/// Reminds by a rule of every bill that fell or falls due on a day.
pub(super) async fn remind_all(app: &App, rule: &Reminder, (due, day): (Date, Day)) -> Result<u64, Problem> {
    let mut count = 0;
    let mut after = Some(String::new());
    while let Some(place) = after {
        let place = place.as_str();
        let work = |mut tx: Part| async move { batch(app, &mut tx, rule, place, (due, day)).await };
        let (changed, last) = app.db.write(work).await?;
        count += changed;
        after = last;
    }
    Ok(count)
}

async fn batch(
    app: &App,
    db: &mut Connection,
    rule: &Reminder,
    after: &str,
    (due, day): (Date, Day),
) -> Result<(u64, Option<String>), Problem> {
    let found = stored::unreminded(db, &due.to_string(), &rule.id, after, BILLS_MAX).await?;
    let mut count = 0;
    for row in &found {
        count += u64::from(remind(app, db, rule, row, (due, day)).await?);
    }
    Ok((count, found.last().map(|last| last.line.clone())))
}

/// What is to be paid of a bill.
struct Left {
    /// All of it; after the due day, all that is past due.
    total: Amount,
    /// The least of it; after the due day, what that was.
    minimum: Amount,
    penalty: Amount,
}

/// Before the end of the due day: what of the bill is not paid, less what is disputed.
fn before(row: &StatementRow, open: Amount, drawn: &Drawn, (due, date): (Date, Date)) -> Result<Left, Problem> {
    let paid = bills::asked(row)?.saturating_sub(open);
    let minimum = Amount::new(row.minimum).map_err(Problem::internal)?.saturating_sub(paid);
    let may_be_asked = drawn.iter().map(|(_, loan)| collectable(loan, due, date)).collect::<Result<Vec<_>, _>>()?;
    let may_be_asked = Amount::sum(may_be_asked).map_err(Problem::internal)?;
    let (total, minimum) = (open.min(may_be_asked), minimum.min(may_be_asked));
    Ok(Left { total, minimum, penalty: Amount::ZERO })
}

/// After it: what is past due of the line's loans.
fn after(row: &StatementRow, drawn: &Drawn, date: Date) -> Result<Left, Problem> {
    let minimum = Amount::new(row.minimum).map_err(Problem::internal)?;
    let mut left = Left { total: Amount::ZERO, minimum, penalty: Amount::ZERO };
    let open = drawn.iter().filter(|(_, loan)| loan.status() == prequal_ledger::Status::Active);
    for (_, loan) in open {
        let account = loan.account(date).map_err(Problem::internal)?;
        let add = |sum: &mut Amount, amount| sum.checked_add(amount).map(|new| *sum = new).map_err(Problem::internal);
        add(&mut left.total, now_due(loan, &account, date)?)?;
        add(&mut left.penalty, account.balance.penalty)?;
    }
    Ok(left)
}

async fn remind(
    app: &App,
    db: &mut Connection,
    rule: &Reminder,
    row: &StatementRow,
    (due, day): (Date, Day),
) -> Result<bool, Problem> {
    let Some(reader) = stored::reader(db, &row.line).await? else { return Ok(false) };
    let line = stored::find(db, &row.line).await?.ok_or_else(Problem::not_found)?;
    let Some(conventions) = lines::conventions(&line)? else { return Ok(false) };
    let drawn = bills::drawn(db, &row.line).await?;
    let left = if day.date > due {
        after(row, &drawn, day.date)?
    } else {
        let open = bills::as_it_stands(&conventions, &drawn, day.date, due)?.total;
        before(row, open, &drawn, (due, day.date))?
    };
    // Whoever paid the least of it need not pay more by that day.
    if left.total.is_zero() || left.minimum.is_zero() {
        return Ok(false);
    }
    let currency = Currency::parse(&reader.currency).map_err(Problem::internal)?;
    let mut values = vec![
        ("line", row.line.clone()),
        ("date", row.date.clone()),
        ("total", format_money(left.total, currency)),
        ("minimum", format_money(left.minimum, currency)),
        ("penalty", format_money(left.penalty, currency)),
    ];
    values.extend(sentences(&app.settings.conduct, due, day));
    let wording = Wording { kind: notice::Kind::BillReminder, rule: Some(&rule.id), moment: day.moment(due) };
    let once = stored::reminded_once(row, &rule.id);
    notice::add(app, db, policy_of(app, &reader), wording, &day.about(&reader.application), &once, &values).await
}
