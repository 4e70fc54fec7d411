//! The job `merchant-settlement`, and how a settlement's payout ends.

use prequal_core::{calendar::Date, currency::Currency, money::Amount};
use prequal_ledger::{
    Event,
    merchant::{self, Falling, MerchantPosition, Standing},
};

use super::{chain, config::Settling};
use crate::{
    app::{App, new_id},
    booking::{self, Instruction},
    jobs::{Done, Running},
    merchant_webhooks::{self, EventType},
    outbox,
    problem::{Kind, Problem},
    repayments,
    storage::{
        Connection,
        group::Part,
        loans, outbox as calls,
        settlements::{self as store, PayoutRow, Row},
    },
};

/// How many loans one transaction pays out.
pub const LOANS_OF_STEP: i64 = 50;
/// How many payouts of one settlement are tried, one a business day.
pub const PAYOUTS_MAX: i64 = 10;
/// What the payment provider is asked to do.
const PAYOUTS: &str = "/v1/payouts";

/// The job.
pub fn run(app: &App, date: Date) -> Running<'_> {
    Box::pin(work(app, date))
}

/// What was done, and what could not be: one merchant or loan that fails stops no other.
#[derive(Debug, Default)]
struct Work {
    changed: u64,
    failed: u64,
    first: Option<Problem>,
}

impl Work {
    /// Counts what became of one thing. Another server in the way is no failure of the thing: the job is tried again.
    fn count(&mut self, of: &str, done: Result<u64, Problem>) -> Result<(), Problem> {
        match done {
            Ok(changed) => self.changed += changed,
            Err(problem) if problem.kind() == Kind::Contention => return Err(problem),
            Err(problem) => {
                tracing::error!(of, ?problem, "a part of the merchants' settlement could not be done");
                self.failed += 1;
                self.first.get_or_insert(problem);
            }
        }
        Ok(())
    }

    /// The job is done where nothing failed, and otherwise says how much did and why the first.
    fn end(self) -> Result<Done, Problem> {
        let Some(first) = self.first else { return Ok(Done { changed: self.changed }) };
        let Self { changed, failed, .. } = self;
        let detail = format!("{changed} changed, {failed} failed, the first with `{}`", first.kind().slug());
        Err(Problem::new(Kind::Internal, detail))
    }
}

async fn work(app: &App, date: Date) -> Result<Done, Problem> {
    let mut work = Work::default();
    let done = work_on(app, date, &mut work).await;
    // What was instructed goes out, whatever came after it.
    app.outbox.notify_one();
    done?;
    work.end()
}

async fn work_on(app: &App, date: Date, work: &mut Work) -> Result<(), Problem> {
    let accounts = store::accounts(&mut *app.db.read().await?).await?;
    for (merchant, currency) in &accounts {
        let settle = |mut tx: Part| async move { settle(app, &mut tx, merchant, currency, date).await };
        work.count(merchant, app.db.write(settle).await.map(u64::from))?;
    }
    try_again(app, date, work).await?;
    pay_loans_out(app, work).await
}

/// Takes what a merchant is owed and owes up to the cut-off into a settlement; `false` where there is nothing, or it is
/// done.
async fn settle(app: &App, db: &mut Connection, merchant: &str, currency: &str, date: Date) -> Result<bool, Problem> {
    let configured = app.settings.merchant(merchant);
    // Whoever is no longer configured is settled by the day, and nothing is held of its money.
    let left = Settling::of(&super::config::SettlementConfig::default()).map_err(Problem::internal)?;
    let settling = configured.as_ref().map_or(&left, |merchant| &merchant.settlement);
    let until = settling.until(date).map_err(Problem::internal)?.to_string();
    let last = store::last(db, merchant, currency).await?;
    if last.as_ref().is_some_and(|last| last.until >= until) {
        return Ok(false);
    }
    let falling = store::falling(db, merchant, currency, &until).await?;
    let before = last.as_ref().map(standing).transpose()?.unwrap_or_default();
    if falling.count == 0 && before.carried.is_zero() {
        return Ok(false);
    }
    let amount = |minor: i64| Amount::new(minor).map_err(Problem::internal);
    let falls = Falling {
        captures: amount(falling.captures)?,
        fees: amount(falling.fees)?,
        refunds: amount(falling.refunds)?,
        undone: amount(falling.undone)?,
    };
    let made = merchant::settle(&settling.rules, &before, &falls).map_err(Problem::internal)?;
    let now = app.now()?.to_string();
    let row = Row {
        id: new_id(),
        merchant: merchant.to_owned(),
        currency: currency.to_owned(),
        number: last.map_or(1, |last| last.number + 1),
        until: until.clone(),
        date: date.to_string(),
        captures: falling.captures,
        fees: falling.fees,
        refunds: falling.refunds,
        carried_in: before.carried.minor(),
        reserve_used: made.position.reserve_used.minor(),
        reserve_held: made.position.reserve_held.minor(),
        reserve_released: made.position.reserve_released.minor(),
        claim_recovered: made.position.claim_recovered.minor(),
        claimed: made.position.claimed.minor(),
        payout: made.payout.minor(),
        carried_out: made.standing.carried.minor(),
        reserve: made.standing.reserve.minor(),
        claim: made.standing.claim.minor(),
        negative_cycles: i64::from(made.standing.negative_cycles),
        undone: falling.undone,
        status: "requested".to_owned(),
        value_date: None,
        created: now.clone(),
    };
    store::insert(db, &row).await?;
    store::take(db, &row).await?;
    if row.claimed > 0 {
        let told = serde_json::json!({ "settlement_id": row.id, "merchant": row.merchant, "currency": row.currency,
            "claimed": row.claimed, "claim": row.claim, "date": row.date });
        merchant_webhooks::emit(db, row.merchant.as_str(), EventType::MerchantClaimed, &told, &row.created).await?;
    }
    if made.payout.is_zero() {
        end(db, &row, date, date, &now).await?;
    } else {
        request(db, &row, 1, date, &now).await?;
    }
    Ok(true)
}

fn standing(row: &Row) -> Result<Standing, Problem> {
    let amount = |minor: i64| Amount::new(minor).map_err(Problem::internal);
    Ok(Standing {
        carried: amount(row.carried_out)?,
        reserve: amount(row.reserve)?,
        claim: amount(row.claim)?,
        negative_cycles: u16::try_from(row.negative_cycles).map_err(Problem::internal)?,
    })
}

/// What a settlement posts in its merchant's chain.
///
/// # Errors
/// 500 where its row holds what no settlement can.
pub fn position(row: &Row) -> Result<MerchantPosition, Problem> {
    let amount = |minor: i64| Amount::new(minor).map_err(Problem::internal);
    let kept = (row.captures - row.fees).min(row.carried_in + row.refunds);
    Ok(MerchantPosition {
        kept: amount(kept)?,
        reserve_held: amount(row.reserve_held)?,
        reserve_released: amount(row.reserve_released)?,
        reserve_used: amount(row.reserve_used)?,
        claimed: amount(row.claimed)?,
        claim_recovered: amount(row.claim_recovered)?,
        undone: amount(row.undone)?,
    })
}

async fn request(db: &mut Connection, row: &Row, number: i64, date: Date, now: &str) -> Result<(), Problem> {
    let payout = PayoutRow {
        id: new_id(),
        settlement: row.id.clone(),
        number,
        amount: row.payout,
        currency: row.currency.clone(),
        date: date.to_string(),
        status: "requested".to_owned(),
        value_date: None,
        transfer: None,
        created: now.to_owned(),
    };
    store::insert_payout(db, &payout).await?;
    let instruction = Instruction {
        reference: &payout.id,
        amount: payout.amount,
        currency: &payout.currency,
        value_date: date.to_string(),
    };
    outbox::add(db, PAYOUTS, &payout.id, &instruction, now).await
}

/// The merchant has what it was owed: its own chain says so, and the job tells the loans.
async fn end(db: &mut Connection, row: &Row, value_date: Date, today: Date, now: &str) -> Result<(), Problem> {
    store::settle(db, &row.id, &value_date.to_string()).await?;
    let currency = Currency::parse(&row.currency).map_err(Problem::internal)?;
    match position(row)?.entry(today, currency).map_err(Problem::internal)? {
        Some(entry) => booking::post(db, &chain(&row.merchant), entry, now).await.map(|_| ()),
        None => Ok(()),
    }
}

/// Asks again for what failed, once a business day; a call that was given up has failed.
async fn try_again(app: &App, date: Date, work: &mut Work) -> Result<(), Problem> {
    let open = store::open(&mut *app.db.read().await?).await?;
    for row in &open {
        let again = |mut tx: Part| async move {
            let Some(last) = store::last_payout(&mut tx, &row.id).await? else { return Ok(false) };
            if last.status == "requested" && calls::given_up(&mut tx, &last.id).await? {
                store::end_payout(&mut tx, &last.id, ("failed", None, None)).await?;
                store::set_status(&mut tx, &row.id, "failed").await?;
            } else if last.status != "failed" {
                return Ok(false);
            }
            if last.number >= PAYOUTS_MAX || last.date >= date.to_string() {
                return Ok(false);
            }
            store::set_status(&mut tx, &row.id, "requested").await?;
            request(&mut tx, row, last.number + 1, date, &app.now()?.to_string()).await?;
            Ok(true)
        };
        work.count(&row.id, app.db.write(again).await.map(u64::from))?;
    }
    Ok(())
}

/// Tells the loans of settled settlements that their merchant has the money: some at once, and each by itself where one
/// of them cannot be told.
async fn pay_loans_out(app: &App, work: &mut Work) -> Result<(), Problem> {
    let settlements = store::with_unpaid_loans(&mut *app.db.read().await?).await?;
    for row in &settlements {
        let mut after = String::new();
        loop {
            let entries = store::unpaid(&mut *app.db.read().await?, &row.id, &after, LOANS_OF_STEP).await?;
            let Some((last, _)) = entries.last() else { break };
            after.clone_from(last);
            let some = entries.as_slice();
            let together = app.db.write(|mut tx: Part| async move { pay_out(app, &mut tx, row, some).await }).await;
            if together.as_ref().is_err_and(|problem| problem.kind() != Kind::Contention) {
                for one in some.chunks(1) {
                    let told = app.db.write(|mut tx: Part| async move { pay_out(app, &mut tx, row, one).await }).await;
                    work.count(one.first().map_or(&row.id, |(_, loan)| loan), told)?;
                }
            } else {
                work.count(&row.id, together)?;
            }
        }
    }
    Ok(())
}

/// Tells these loans, each once.
async fn pay_out(app: &App, db: &mut Connection, row: &Row, entries: &[(String, String)]) -> Result<u64, Problem> {
    let (today, now) = (app.today()?, app.now()?.to_string());
    let settled = Date::parse(row.value_date.as_deref().unwrap_or_default()).map_err(Problem::internal)?;
    let mut told = 0;
    for (entry, id) in entries {
        if !store::paid_out(db, entry).await? {
            continue;
        }
        let found = loans::find(db, id).await?.ok_or_else(|| Problem::internal("a settlement of no loan"))?;
        let mut loan = booking::load(db, &found).await?;
        // It heard of it by another entry, as entries of refunds undone once told it.
        if !loan.position().paid_out.is_zero() {
            continue;
        }
        let value_date = repayments::paid_out_from(&row.id, settled, &loan, today)?;
        booking::record(db, id, &mut loan, Event::PayoutSettled { value_date }, today, &now).await?;
        told += 1;
    }
    Ok(told)
}

/// Tells the first loans of a settlement that was paid just now. One whose books refuse it must not keep the payout from
/// being noted: the job tells it, or says why it cannot.
async fn pay_first_out(app: &App, db: &mut Connection, row: &Row) -> Result<(), Problem> {
    let entries = store::unpaid(db, &row.id, "", LOANS_OF_STEP).await?;
    let today = app.today()?;
    let mut ready = Vec::with_capacity(entries.len());
    for (entry, id) in entries {
        let found = loans::find(db, &id).await?.ok_or_else(|| Problem::internal("a settlement of no loan"))?;
        let mut tried = booking::load(db, &found).await?;
        let heard = !tried.position().paid_out.is_zero();
        match tried.record(Event::PayoutSettled { value_date: today }, today) {
            Err(error) if !heard => {
                tracing::error!(loan = id, %error, "a loan cannot be told that its merchant has the money")
            }
            _ => ready.push((entry, id)),
        }
    }
    pay_out(app, db, row, &ready).await.map(drop)
}

/// Takes the end of a settlement's payout; none where it is not about one.
///
/// # Errors
/// 422 where it contradicts what was asked for or told before.
pub async fn ended(
    app: &App,
    db: &mut Connection,
    told: crate::funding::remittance::Told<'_>,
    settled: bool,
) -> Result<Option<bool>, Problem> {
    let Some(payout) = store::find_payout(db, told.reference).await? else { return Ok(None) };
    let wrong = |pointer: &str, detail: &str| Err(Problem::new(Kind::InvalidValue, detail).with("pointer", pointer));
    if payout.amount != told.amount.minor() || payout.currency != told.currency {
        return wrong("/data/amount", "not the amount of the payout");
    }
    let status = if settled { "settled" } else { "failed" };
    if payout.status != "requested" {
        return if payout.status == status {
            Ok(Some(false))
        } else {
            wrong("/type", "the payout has ended otherwise")
        };
    }
    let row =
        store::find(db, &payout.settlement).await?.ok_or_else(|| Problem::internal("a payout of no settlement"))?;
    let (today, now) = (app.today()?, app.now()?.to_string());
    let earliest = today.add_days(-repayments::VALUE_DATE_DAYS_BACK_MAX).map_err(Problem::internal)?;
    let value_date = told.value_date.min(today).max(earliest);
    let text = value_date.to_string();
    store::end_payout(db, &payout.id, (status, Some(&text), Some(told.transfer))).await?;
    if !settled {
        store::set_status(db, &row.id, "failed").await?;
        return Ok(Some(true));
    }
    end(db, &row, value_date, today, &now).await?;
    // The job tells the loans that are more than one step.
    pay_first_out(app, db, &Row { value_date: Some(text), ..row }).await?;
    Ok(Some(true))
}

/// What a merchant's chain must hold: the sum of its settled settlements.
///
/// # Errors
/// 500 when the database fails.
pub async fn posted(db: &mut Connection, merchant: &str) -> Result<Vec<(Currency, MerchantPosition)>, Problem> {
    let mut sums: Vec<(Currency, MerchantPosition)> = Vec::new();
    for row in store::settled(db, merchant).await? {
        let currency = Currency::parse(&row.currency).map_err(Problem::internal)?;
        let one = position(&row)?;
        match sums.iter_mut().find(|(of, _)| *of == currency) {
            Some((_, sum)) => *sum = sum.plus(&one).map_err(Problem::internal)?,
            None => sums.push((currency, one)),
        }
    }
    Ok(sums)
}
