//! On the due day, the debit of what is due, for loans whose shopper said so.
//!
//! Which loans are due is asked of an index over the next due day, so that a day costs what falls due on it and not
//! what is lent in all. Each due day of a loan is debited once, by a key of the table; a debit that fails is not tried
//! again before the next due day, which asks for what is overdue as well.

use std::collections::{BTreeMap, BTreeSet};

use prequal_core::calendar::Date;
use prequal_ledger::{Loan, Status};

use super::{Done, Job, Running};
use crate::{
    app::{App, new_id},
    booking::{self, Instruction},
    outbox,
    problem::Problem,
    storage::{
        Connection,
        group::Part,
        loans,
        mandates::{self, Debit},
        outbox::New,
        payments,
    },
};

/// How many loans one transaction takes.
pub const BATCH_MAX: i64 = 128;

/// Orders the debits of a due day.
pub const DUE_DEBITS: Job = Job {
    name: "due-debits",
    about: "debit what is due from shoppers who agreed to it",
    run: |app, date| -> Running<'_> { Box::pin(debit_due(app, date)) },
};

/// What is to be debited on a day, and when the next due day is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Overdue and due on the day, less what is disputed, in minor units; 0 where nothing is.
    pub amount: i64,
    /// The first later day on which something will be due.
    pub next: Option<Date>,
}

/// What is due of a loan on a date.
///
/// # Errors
/// 500 where the account cannot be computed.
pub fn due_on(loan: &Loan, date: Date) -> Result<Due, Problem> {
    if !matches!(loan.status(), Status::Active | Status::Disbursing) {
        return Ok(Due { amount: 0, next: None });
    }
    let account = loan.account(date).map_err(Problem::internal)?;
    let total = |parts: &prequal_core::credit::Parts| parts.total().map_err(Problem::internal);
    let overdue = total(&account.overdue)?.minor();
    let today = account.next_due.filter(|(due, _)| *due <= account.date).map_or(0, |(_, amount)| amount.minor());
    let mut next = None;
    for row in account.installments.iter().filter(|row| row.due > account.date) {
        if total(&row.owed)? > total(&row.paid)? {
            next = Some(row.due);
            break;
        }
    }
    let owed = total(&account.balance)?.minor();
    // As with days past due, what is disputed is taken off what fell due first. It is collected when the dispute is over:
    // that is an event, and dates the next debit anew.
    let disputed = loan.disputed(account.date).map_err(Problem::internal)?.minor();
    let collectable = overdue.saturating_add(today).min(owed).saturating_sub(disputed).max(0);
    Ok(Due { amount: if loan.status() == Status::Active { collectable } else { 0 }, next })
}

/// The first day from `date` on, it included, on which a debit is due.
///
/// # Errors
/// 500 where the account cannot be computed.
pub fn next_from(loan: &Loan, date: Date) -> Result<Option<Date>, Problem> {
    let due = due_on(loan, date)?;
    Ok(if due.amount > 0 { Some(date) } else { due.next })
}

async fn debit_due(app: &App, date: Date) -> Result<Done, Problem> {
    let day = &*date.to_string();
    let mut done = Done::default();
    loop {
        let ids = mandates::due(&mut *app.db.read().await?, day, BATCH_MAX).await?;
        if ids.is_empty() {
            return Ok(done);
        }
        let ids: &Vec<&str> = &ids.iter().map(String::as_str).collect();
        let debited = app.db.write(|mut tx: Part| async move { batch(app, &mut tx, ids, date).await }).await?;
        if debited > 0 {
            app.outbox.notify_one();
        }
        done.changed += debited;
    }
}

/// Debits what is due of these loans and moves each to its next due day, so that it is found no more for this one.
async fn batch(app: &App, tx: &mut Connection, ids: &[&str], date: Date) -> Result<u64, Problem> {
    let now = app.now()?.to_string();
    let day = date.to_string();
    // Asked again inside the transaction: another server may have been here, or the shopper withdrawn.
    let due: BTreeMap<String, String> = mandates::of(tx, ids).await?.into_iter().collect();
    let ids: Vec<&str> = due.iter().filter(|(_, next)| **next <= day).map(|(loan, _)| loan.as_str()).collect();
    let debited: BTreeSet<(String, String)> = mandates::debited(tx, &ids).await?.into_iter().collect();
    let under_way: BTreeMap<String, i64> = payments::under_way_of(tx, &ids).await?.into_iter().collect();
    let (mut moved, mut ordered, mut debits, mut calls) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in loans::books_of(tx, &ids).await? {
        let events = row.events.as_deref().unwrap_or_default().lines().filter_map(|line| line.split_once(' '));
        let loan = booking::restore(&row.signed(), events)?;
        let due = due_on(&loan, date)?;
        moved.push((row.id.clone(), due.next.map(|next| next.to_string())));
        let amount = due.amount.saturating_sub(under_way.get(&row.id).copied().unwrap_or(0));
        if amount <= 0 || debited.contains(&(row.id.clone(), day.clone())) {
            continue;
        }
        let payment = payments::Row {
            id: new_id(),
            loan: row.id.clone(),
            amount,
            currency: row.currency,
            status: "initiated".to_owned(),
            value_date: None,
            transfer: None,
            created: now.clone(),
            booked: None,
        };
        let instruction =
            Instruction { reference: &payment.id, amount, currency: &payment.currency, value_date: day.clone() };
        let body = serde_json::to_string(&instruction).map_err(Problem::internal)?;
        calls.push(New { id: new_id(), path: outbox::DEBITS, subject: payment.id.clone(), body });
        debits.push(Debit { loan: row.id, due: day.clone(), payment: payment.id.clone() });
        ordered.push(payment);
    }
    payments::insert_all(tx, &ordered).await?;
    crate::storage::outbox::insert_all(tx, &calls, &now).await?;
    mandates::add_debits(tx, &debits).await?;
    mandates::set_next_due(tx, &moved).await?;
    Ok(ordered.len() as u64)
}

/// Brings the mandate's next due day up to date with a loan to which something happened.
///
/// # Errors
/// 500 when the database fails.
pub async fn follow(tx: &mut Connection, id: &str, loan: &Loan, today: Date) -> Result<(), Problem> {
    if !mandates::in_force(tx, id).await? {
        return Ok(());
    }
    let next = next_from(loan, today)?.map(|day| day.to_string());
    Ok(mandates::set_next_due(tx, &[(id.to_owned(), next)]).await?)
}
