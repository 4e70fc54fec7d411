//! Paying back: what was received above a debt, and what unknown payers sent, goes back to whoever paid.
//!
//! A pay-back is booked when the provider is instructed, so that the same money is owed to nobody twice whatever
//! comes meanwhile; one that fails is undone, and tried again by the next run of the job.

use prequal_core::{calendar::Date, currency::Currency, money::Amount};
use prequal_ledger::{Account, Entry, Event, Loan, Status, Transfer};

use crate::{
    app::{App, new_id},
    booking::{self, Instruction},
    jobs::{Done, Running},
    outbox, people,
    problem::{Kind, Problem},
    storage::{Connection, group::Part, journal, loans, pay_backs, payments, suspense},
};

/// Where the provider takes instructions to pay somebody back.
pub const PAY_BACKS: &str = "/v1/pay-backs";
/// After how many failures a loan's credit balance is left to a person.
pub const FAILURES_MAX: i64 = 3;
/// How many loans are looked for at once.
const PAGE: i64 = 100;

/// What of a loan's credit balance nothing owed needs on a day: nothing while the payout is under way, and never
/// what a debit that is not final has brought.
///
/// # Errors
/// 500 where the ledger cannot tell.
pub fn free_credit(loan: &Loan, today: Date) -> Result<Amount, Problem> {
    if loan.status() == Status::Disbursing {
        return Ok(Amount::ZERO);
    }
    let owed = loan.owed(today).and_then(|owed| Ok(owed.total()?)).map_err(Problem::internal)?;
    let needed = owed.checked_add(loan.uncleared()).map_err(Problem::internal)?;
    Ok(loan.credit_balance().saturating_sub(needed))
}

/// Job `credit-balances`: pays back every credit balance that is free.
pub fn run(app: &App, date: Date) -> Running<'_> {
    Box::pin(async move {
        let mut done = Done::default();
        let mut after = String::new();
        loop {
            let page = pay_backs::loans_with_credit(&mut *app.db.read().await?, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(last);
            for id in &page {
                let id = id.as_str();
                let work = |mut tx: Part| async move { pay_back(app, &mut tx, id, date).await };
                done.changed += u64::from(app.db.write(work).await?);
            }
        }
        app.outbox.notify_one();
        Ok(done)
    })
}

async fn pay_back(app: &App, db: &mut Connection, id: &str, date: Date) -> Result<bool, Problem> {
    let row = loans::find(db, id).await?.ok_or_else(|| Problem::internal("a loan that is gone"))?;
    let mut loan = booking::load(db, &row).await?;
    let now = app.now()?;
    let (today, now) = (app.date_of(now)?, now.to_string());
    let amount = free_credit(&loan, date.min(today))?;
    if amount.is_zero() || pay_backs::failed_of_loan(db, id).await? >= FAILURES_MAX {
        return Ok(false);
    }
    let payment = new_id();
    booking::record(db, id, &mut loan, Event::PaidBack { amount, payment: payment.clone() }, today, &now).await?;
    let pay_back = pay_backs::Row {
        id: payment,
        loan: Some(id.to_owned()),
        receipt: None,
        amount: amount.minor(),
        currency: row.currency,
        event: i64::try_from(loan.records().len()).ok(),
        status: REQUESTED.to_owned(),
        transfer: None,
        created: now.clone(),
    };
    instruct(db, &pay_back, (today, &now)).await?;
    Ok(true)
}

const REQUESTED: &str = "requested";
const SETTLED: &str = "settled";
const FAILED: &str = "failed";

async fn instruct(db: &mut Connection, row: &pay_backs::Row, (today, now): (Date, &str)) -> Result<(), Problem> {
    pay_backs::insert(db, row).await?;
    let instruction =
        Instruction { reference: &row.id, amount: row.amount, currency: &row.currency, value_date: today.to_string() };
    outbox::add(db, PAY_BACKS, &row.id, &instruction, now).await
}

/// How the provider says that a pay-back ended. `true` where that is news.
///
/// # Errors
/// 422 where it ended otherwise before.
pub async fn ended(
    db: &mut Connection,
    row: &pay_backs::Row,
    transfer: &str,
    settled: bool,
    (today, now): (Date, &str),
) -> Result<bool, Problem> {
    let status = if settled { SETTLED } else { FAILED };
    if row.status == status {
        return Ok(false);
    }
    if row.status == FAILED {
        return Err(Problem::new(Kind::InvalidValue, "the pay-back has ended otherwise").with("pointer", "/type"));
    }
    pay_backs::end(db, &row.id, status, transfer).await?;
    if settled {
        // The money is back where it came from, so nobody needs the payer's words any more.
        if let Some(receipt) = &row.receipt {
            suspense::empty_reference(db, receipt, None).await?;
        }
        return Ok(true);
    }
    match (&row.loan, row.event, &row.receipt) {
        (Some(id), Some(number), _) => {
            let loan_row = loans::find(db, id).await?.ok_or_else(|| Problem::internal("a pay-back without a loan"))?;
            let mut loan = booking::load(db, &loan_row).await?;
            let number = u32::try_from(number).map_err(Problem::internal)?;
            booking::record(db, id, &mut loan, Event::Reversed { number }, today, now).await?;
        }
        (_, _, Some(receipt)) => {
            move_suspense(db, row.amount, &row.currency, Direction::In, "return_failed", (today, now)).await?;
            suspense::unmatch(db, receipt).await?;
        }
        _ => return Err(Problem::internal("a pay-back of nothing")),
    }
    Ok(true)
}

/// Which way money of unknown payers goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It waits in suspense again.
    In,
    /// It leaves suspense.
    Out,
}

/// Moves money of unknown payers, in the chain of suspense.
///
/// # Errors
/// 500 when the database fails.
pub async fn move_suspense(
    db: &mut Connection,
    amount: i64,
    currency: &str,
    direction: Direction,
    event: &str,
    (today, now): (Date, &str),
) -> Result<(), Problem> {
    let (debit, credit) = match direction {
        Direction::In => (Account::Cash, Account::Suspense),
        Direction::Out => (Account::Suspense, Account::Cash),
    };
    let amount = Amount::new(amount).map_err(Problem::internal)?;
    let transfer = Transfer::new(debit, credit, amount).map_err(Problem::internal)?;
    let currency = Currency::parse(currency).map_err(Problem::internal)?;
    let entry = Entry::new(today, currency, event, vec![transfer]).map_err(Problem::internal)?;
    booking::post(db, journal::SUSPENSE_CHAIN, entry, now).await.map(drop)
}

/// What becomes of money of an unknown payer.
#[derive(Debug, Clone, Copy)]
pub enum Decided<'a> {
    /// It is a payment of a loan.
    Loan(&'a str),
    /// It goes back.
    Return,
}

/// Matches money of an unknown payer to a loan, or sends it back; once. Gives the payment, or the pay-back.
///
/// # Errors
/// 404 where there is no such receipt or loan, 409 where it was matched before, 422 for another currency.
pub async fn resolve(
    app: &App,
    db: &mut Connection,
    entry: &str,
    decided: Decided<'_>,
    who: &str,
) -> Result<String, Problem> {
    let receipt = suspense::find(db, entry).await?.ok_or_else(Problem::not_found)?;
    if let Some(outcome) = &receipt.outcome {
        return Err(Problem::new(Kind::SuspenseMatched, format!("this money was {outcome}")));
    }
    let now = app.now()?;
    let (today, now) = (app.date_of(now)?, now.to_string());
    let (event, outcome, loan, id) = match decided {
        Decided::Loan(loan) => ("matched", "matched", Some(loan), to_loan(db, &receipt, loan, (today, &now)).await?),
        Decided::Return => ("returned_to_payer", "returned", None, new_id()),
    };
    move_suspense(db, receipt.amount, &receipt.currency, Direction::Out, event, (today, &now)).await?;
    let matched = suspense::Match { entry, outcome, loan, payment: Some(&id), decided_by: who, decided: &now };
    suspense::insert_match(db, &matched).await?;
    if let Some(loan) = loan {
        move_reference(app, db, &receipt, loan, &now).await?;
    }
    if loan.is_none() {
        let pay_back = pay_backs::Row {
            id: id.clone(),
            loan: None,
            receipt: Some(entry.to_owned()),
            amount: receipt.amount,
            currency: receipt.currency.clone(),
            event: None,
            status: REQUESTED.to_owned(),
            transfer: None,
            created: now.clone(),
        };
        instruct(db, &pay_back, (today, &now)).await?;
    }
    Ok(id)
}

/// The kind of a record of what a person wrote when they paid.
pub const PAYER_REFERENCE: &str = "payer_reference";

/// What the payer wrote belongs to the borrower from now on: it is kept, shown and erased with what else is theirs.
async fn move_reference(
    app: &App,
    db: &mut Connection,
    receipt: &suspense::Row,
    loan: &str,
    now: &str,
) -> Result<(), Problem> {
    if receipt.reference_sealed.is_empty() {
        return Ok(());
    }
    let row = loans::find(db, loan).await?.ok_or_else(|| Problem::internal("a match without its loan"))?;
    let record = match people::key(db, &app.vault, &row.person).await? {
        Some(key) => {
            let opened = app.vault.open_reference(&receipt.entry, &receipt.reference_sealed);
            let reference = String::from_utf8(opened.map_err(Problem::internal)?).map_err(Problem::internal)?;
            let content = serde_json::json!({ "entry_id": receipt.entry, "reference": reference }).to_string();
            Some(people::keep(db, &row.person, &key, PAYER_REFERENCE, content.as_bytes(), now).await?)
        }
        // Of whoever was erased nothing is kept.
        None => None,
    };
    suspense::empty_reference(db, &receipt.entry, record.as_deref()).await?;
    Ok(())
}

/// What the payer of a receipt wrote; empty once it was erased.
///
/// # Errors
/// 500 when the database or a key fails.
pub async fn reference(app: &App, db: &mut Connection, receipt: &suspense::Row) -> Result<String, Problem> {
    if !receipt.reference_sealed.is_empty() {
        let opened = app.vault.open_reference(&receipt.entry, &receipt.reference_sealed);
        return String::from_utf8(opened.map_err(Problem::internal)?).map_err(Problem::internal);
    }
    let Some(record) = &receipt.reference_record else { return Ok(String::new()) };
    let Some(plain) = people::open(db, &app.vault, record).await? else { return Ok(String::new()) };
    let content: serde_json::Value = serde_json::from_slice(&plain).map_err(Problem::internal)?;
    Ok(content["reference"].as_str().unwrap_or_default().to_owned())
}

/// Books the receipt as a payment of a loan, from its own value date.
async fn to_loan(
    db: &mut Connection,
    receipt: &suspense::Row,
    id: &str,
    (today, now): (Date, &str),
) -> Result<String, Problem> {
    let row = loans::find(db, id).await?;
    let row = row.ok_or_else(|| Problem::new(Kind::InvalidValue, "no such loan").with("pointer", "/loan"))?;
    if row.currency != receipt.currency {
        let detail = format!("the money is `{}`, the loan `{}`", receipt.currency, row.currency);
        return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/loan"));
    }
    let mut loan = booking::load(db, &row).await?;
    let given = Date::parse(&receipt.value_date).map_err(Problem::internal)?;
    let value_date = crate::repayments::counted_from(&receipt.transfer, given, &loan, today)?;
    let payment = new_id();
    let amount = Amount::new(receipt.amount).map_err(Problem::internal)?;
    let event = Event::Received { amount, payment: payment.clone(), value_date };
    booking::record(db, id, &mut loan, event, today, now).await?;
    let stored = payments::Row {
        id: payment.clone(),
        loan: id.to_owned(),
        amount: receipt.amount,
        currency: receipt.currency.clone(),
        status: payments::CLEARED.to_owned(),
        value_date: Some(value_date.to_string()),
        transfer: Some(receipt.transfer.clone()),
        created: now.to_owned(),
        booked: Some(today.to_string()),
    };
    payments::insert(db, &stored).await?;
    Ok(payment)
}
