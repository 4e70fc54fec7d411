//! Reminders of instalments, before and after the due day, by rules that are data: each at most once for an
//! instalment and a rule, none where nothing is to be paid or may be asked for, and none that tomorrow has overtaken.
//!
//! What falls due with the bill of a revolving line is reminded of by that bill, once for all purchases of it (see
//! [`bill`]).

pub mod bill;

use std::collections::{BTreeMap, BTreeSet};

use prequal_core::{
    calendar::{Date, days_between},
    credit::{AccountInstallment, AccountState, Line as Conventions},
    currency::Currency,
    money::Amount,
};
use prequal_ledger::{Loan, bill as bills};

use crate::{
    agreement::format_money,
    app::App,
    booking,
    conduct::{Conduct, Reminder},
    jobs::{Done, Running},
    lines,
    notice::{self, About, Moment, Wording},
    outbox::now_ms,
    problem::Problem,
    storage::{Connection, dues, group::Part, lines as stored, loans, mandates},
};

/// How many instalments are looked at in one transaction.
pub const BATCH_MAX: i64 = 64;
/// How far before a due day the billing day of its bill may lie, in days: a billing day and a due day are days of months,
/// of which no two that follow each other are longer.
const BILLED_WITHIN_DAYS: i32 = 62;
const DAY_SECONDS: u32 = 24 * 3_600;

/// How one pays, where the lender says nothing.
const HOW_TO_PAY: &str = "Pay where you see the loan, or as your agreement says.";
/// Whom to speak with, where the lender says nothing.
const HARDSHIP: &str = "where you applied.";
/// What follows, where the lender says nothing.
const CONSEQUENCES: &str = "What it costs to be late, and what else may follow, stands in your agreement.";
/// What is said of an instalment that pays itself.
const AUTOPAY: &str = "It is debited on that day, as you agreed: there is nothing that you have to do.";

/// The job.
pub fn run(app: &App, date: Date) -> Running<'_> {
    Box::pin(async move {
        let mut done = Done::default();
        let Some(day) = Day::of(app, date)? else { return Ok(done) };
        for rule in &app.settings.conduct.reminders {
            let due = date.add_days(-rule.days).map_err(Problem::internal)?;
            if day.is_overtaken(&app.settings.conduct.reminders, rule, due) {
                continue;
            }
            let mut after = Some((String::new(), 0));
            while let Some(place) = after {
                let place = &place;
                let work = |mut tx: Part| async move { batch(app, &mut tx, rule, place, (due, day)).await };
                let (count, last) = app.db.write(work).await?;
                done.changed += count;
                after = last;
            }
            done.changed += bill::remind_all(app, rule, (due, day)).await?;
        }
        Ok(done)
    })
}

/// When reminders go out that are made now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Day {
    /// The business date on which they do: today, or tomorrow where it is quiet until then; for a job that is run for a later
    /// day, that one.
    pub date: Date,
    /// Not before this, in milliseconds of the machine's clock.
    not_before_ms: i64,
}

impl Day {
    /// Nothing where no reminders are configured.
    fn of(app: &App, date: Date) -> Result<Option<Self>, Problem> {
        let conduct = &app.settings.conduct;
        if conduct.reminders.is_empty() {
            return Ok(None);
        }
        let second = app.settings.policies.active().second_of_day(app.now()?).map_err(Problem::internal)?;
        let quiet = conduct.quiet_seconds(second);
        let not_before_ms = if quiet == 0 { 0 } else { now_ms().saturating_add(i64::from(quiet) * 1_000) };
        let passes_midnight = i32::from(quiet > 0 && second.saturating_add(quiet) >= DAY_SECONDS);
        let today = app.today()?.add_days(passes_midnight).map_err(Problem::internal)?;
        Ok(Some(Self { date: today.max(date), not_before_ms }))
    }

    /// Whether a rule has nothing true to say any more: the due day is over of which it speaks as of one to come, or a later
    /// rule's day has come, which says how things stand now.
    fn is_overtaken(self, rules: &[Reminder], rule: &Reminder, due: Date) -> bool {
        let passed = days_between(due, self.date);
        (rule.days <= 0 && passed > 0) || rules.iter().any(|other| other.days > rule.days && other.days <= passed)
    }

    /// Where it lies, seen from a due day.
    pub(crate) fn moment(self, due: Date) -> Moment {
        match due.cmp(&self.date) {
            std::cmp::Ordering::Greater => Moment::Before,
            std::cmp::Ordering::Equal => Moment::On,
            std::cmp::Ordering::Less => Moment::After,
        }
    }

    /// A reminder about something, to go out when it may.
    pub(crate) fn about(self, application: &str) -> About<'_> {
        About { not_before_ms: self.not_before_ms, ..About::application(application) }
    }
}

/// A sentence of the lender's, or what is said where there is none.
pub(crate) fn or<'a>(own: &'a str, otherwise: &'a str) -> String {
    if own.trim().is_empty() { otherwise } else { own }.to_owned()
}

/// What every reminder may name, by the lender's configuration and the day.
pub(crate) fn sentences(conduct: &Conduct, due: Date, day: Day) -> [(&'static str, String); 6] {
    [
        ("due", due.to_string()),
        ("when", if due < day.date { "fell due on" } else { "falls due on" }.to_owned()),
        ("days_past_due", days_between(due, day.date).max(0).to_string()),
        ("how_to_pay", or(&conduct.how_to_pay, HOW_TO_PAY)),
        ("hardship", or(&conduct.hardship_contact, HARDSHIP)),
        ("consequences", or(&conduct.late_consequences, CONSEQUENCES)),
    ]
}

/// What a batch knows of its loans beside their books.
struct Known {
    /// The conventions of the revolving line on which a loan is drawn.
    lines: BTreeMap<String, Conventions>,
    /// The next day on which a loan is debited by itself.
    mandates: BTreeMap<String, String>,
    /// Days on which one was, or is being.
    debited: BTreeSet<(String, String)>,
}

impl Known {
    async fn of(db: &mut Connection, ids: &[&str]) -> Result<Self, Problem> {
        let mut revolving = BTreeMap::new();
        for drawn in stored::drawn_all(db, ids).await? {
            let line = stored::find(db, &drawn.line).await?;
            let conventions = line.as_ref().map(lines::conventions).transpose()?.flatten();
            revolving.extend(conventions.map(|conventions| (drawn.loan, conventions)));
        }
        let mandates = mandates::of(db, ids).await?.into_iter().collect();
        let debited = mandates::debited(db, ids).await?.into_iter().collect();
        Ok(Self { lines: revolving, mandates, debited })
    }

    /// Whether an instalment stands in a bill.
    fn is_billed(&self, loan: &str, due: Date) -> Result<bool, Problem> {
        let Some(conventions) = self.lines.get(loan) else { return Ok(false) };
        let mut from = due.add_days(-BILLED_WITHIN_DAYS).map_err(Problem::internal)?;
        loop {
            let statement = bills::statement_after(&conventions.billing, from).map_err(Problem::internal)?;
            if statement > due {
                return Ok(false);
            }
            if bills::due_of(&conventions.billing, statement).map_err(Problem::internal)? == due {
                return Ok(true);
            }
            from = statement;
        }
    }

    /// Whether an instalment pays itself: it will be debited on its due day, or is being.
    fn pays_itself(&self, loan: &str, due: Date, day: Day) -> bool {
        let due_text = due.to_string();
        let will_be = due >= day.date && self.mandates.get(loan).is_some_and(|next| *next <= due_text);
        will_be || (due == day.date && self.debited.contains(&(loan.to_owned(), due_text)))
    }
}

/// Reminds of the next instalments after a place; gives of how many, and where to go on.
async fn batch(
    app: &App,
    db: &mut Connection,
    rule: &Reminder,
    after: &(String, i64),
    (due, day): (Date, Day),
) -> Result<(u64, Option<(String, i64)>), Problem> {
    let found = dues::unreminded(db, &due.to_string(), &rule.id, (&after.0, after.1), BATCH_MAX).await?;
    let mut ids: Vec<&str> = found.iter().map(|row| row.loan.as_str()).collect();
    ids.dedup();
    let books = loans::books_of(db, &ids).await?;
    let known = Known::of(db, &ids).await?;
    let mut count = 0;
    for row in &found {
        let Some(books) = books.iter().find(|books| books.id == row.loan) else { continue };
        if !known.is_billed(&row.loan, due)? {
            count += u64::from(remind(app, db, rule, (row, books, &known), (due, day)).await?);
        }
    }
    Ok((count, found.last().map(|last| (last.loan.clone(), last.number))))
}

/// Queues one reminder, unless there is no call for it.
async fn remind(
    app: &App,
    db: &mut Connection,
    rule: &Reminder,
    (row, books, known): (&dues::Row, &loans::Books, &Known),
    (due, day): (Date, Day),
) -> Result<bool, Problem> {
    let events = books.events.as_deref().unwrap_or_default().lines().filter_map(|line| line.split_once(' '));
    let loan = booking::restore(&books.signed(), events)?;
    let account = loan.account(day.date).map_err(Problem::internal)?;
    // The schedule as it now stands decides: an instalment that was moved is reminded of on its new day.
    let installment = account.installments.iter().find(|line| i64::from(line.number) == row.number && line.due == due);
    let unpaid = installment.map(left).transpose()?.unwrap_or(Amount::ZERO);
    let unpaid = unpaid.min(collectable(&loan, due, day.date)?);
    if unpaid.is_zero() {
        return Ok(false);
    }
    let policies = &app.settings.policies;
    let policy = policies.known(&row.bundle_hash).unwrap_or(policies.active());
    let currency = Currency::parse(&books.currency).map_err(Problem::internal)?;
    let conduct = &app.settings.conduct;
    let mut values = vec![
        ("loan", row.loan.clone()),
        ("number", row.number.to_string()),
        ("amount", format_money(unpaid, currency)),
        // Late fees are kept with the penalty: both are what it costs to be late.
        ("penalty", format_money(account.balance.penalty, currency)),
        ("total", format_money(now_due(&loan, &account, day.date)?.max(unpaid), currency)),
    ];
    if known.pays_itself(&row.loan, due, day) {
        values.extend([("autopay", AUTOPAY.to_owned()), ("how_to_pay", String::new())]);
    } else {
        values.push(("autopay", String::new()));
    }
    // The first of a name is the one that is filled in.
    values.extend(sentences(conduct, due, day));
    let wording = Wording { kind: notice::Kind::Reminder, rule: Some(&rule.id), moment: day.moment(due) };
    let about = About { loan: Some(&row.loan), ..day.about(&row.application) };
    notice::add(app, db, policy, wording, &about, &dues::once(row, &rule.id), &values).await
}

fn left(line: &AccountInstallment) -> Result<Amount, Problem> {
    let (owed, paid) = (line.owed.total().map_err(Problem::internal)?, line.paid.total().map_err(Problem::internal)?);
    Ok(owed.saturating_sub(paid))
}

/// What may be asked for of all that is, or would be on the day after the due day, past due: less what is disputed.
pub(crate) fn collectable(loan: &Loan, due: Date, date: Date) -> Result<Amount, Problem> {
    let day = due.add_days(1).map_err(Problem::internal)?.max(date);
    Ok(loan.delinquency(day).map_err(Problem::internal)?.collectable)
}

/// What is to be paid now: all that is past due, penalty with it, less what is disputed.
pub(crate) fn now_due(loan: &Loan, account: &AccountState, date: Date) -> Result<Amount, Problem> {
    let late = loan.delinquency(date).map_err(Problem::internal)?;
    let disputed = late.overdue.saturating_sub(late.collectable);
    Ok(account.overdue.total().map_err(Problem::internal)?.saturating_sub(disputed))
}
