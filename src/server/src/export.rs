//! The ledger written out, line by line, so that `prequal replay` verifies it alone: see `prequal_ledger::export`.
//! What is written is one state of the database, whatever is posted meanwhile.

use prequal_core::{calendar::Date, canonical};
use prequal_ledger::{
    Head, Loan,
    export::{Line, Signature, VERSION},
};

use crate::{
    booking,
    funding::books as funders,
    problem::Problem,
    storage::{Connection, days, journal, loans},
};

/// How many loans, or days, are read at once.
const PAGE: i64 = 64;
/// How many entries of one chain are read at once.
const ENTRIES_PAGE: i64 = 500;

/// Where lines go.
pub trait Sink: Send {
    /// Takes some lines, each with its end.
    fn take(&mut self, lines: String) -> impl Future<Output = Result<(), Problem>> + Send;
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Loans.
    pub loans: u64,
    /// Their events.
    pub events: u64,
    /// Loans that are financed by several.
    pub fundings: u64,
    /// Entries of all chains.
    pub entries: u64,
    /// Signed days.
    pub days: u64,
}

fn add(lines: &mut String, line: &Line) -> Result<(), Problem> {
    lines.push_str(&canonical::to_string(line).map_err(Problem::internal)?);
    lines.push('\n');
    Ok(())
}

/// Writes the whole ledger that a connection sees.
///
/// # Errors
/// 500 where the database fails or holds what no ledger can be, and what the sink says.
pub async fn write(db: &mut Connection, sink: &mut impl Sink) -> Result<Written, Problem> {
    let mut written = Written::default();
    let mut first = String::new();
    add(&mut first, &Line::Ledger { version: VERSION })?;
    sink.take(first).await?;
    let mut after = String::new();
    loop {
        let ids = loans::ids(db, &after, PAGE).await?;
        let Some(last) = ids.last() else { break };
        after.clone_from(last);
        let names: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut funded = funders::of_loans(db, &names).await?;
        for row in loans::books_of(db, &names).await? {
            let funders = funded.remove(&row.id);
            write_loan(db, sink, (&row, funders.as_ref()), &mut written).await?;
        }
    }
    let mut after = String::new();
    while let Some(chain) = journal::next_chain_of_no_loan(db, &after).await? {
        write_chain(db, sink, &chain, &mut written).await?;
        after = chain;
    }
    write_days(db, sink, &mut written).await?;
    let Written { loans, events, fundings, entries, days } = written;
    let mut last = String::new();
    add(&mut last, &Line::End { loans, events, fundings, entries, days })?;
    sink.take(last).await?;
    Ok(written)
}

async fn write_loan(
    db: &mut Connection,
    sink: &mut impl Sink,
    (row, funders): (&loans::Books, Option<&funders::Books>),
    written: &mut Written,
) -> Result<(), Problem> {
    let events = row.events.as_deref().unwrap_or_default().lines().filter_map(|line| line.split_once(' '));
    let loan: Loan = booking::restore(&row.signed(), events)?;
    let contract = loan.contract();
    let mut lines = String::new();
    let line = Line::Loan {
        chain: row.id.clone(),
        terms: Box::new(contract.terms().clone()),
        rules: Box::new(contract.rules().clone()),
        merchant_fee: contract.merchant_fee(),
        servicing: Box::new(contract.servicing().clone()),
    };
    add(&mut lines, &line)?;
    for (number, record) in (1_u64..).zip(loan.records()) {
        let (booked, event) = (record.booked, record.event.clone());
        add(&mut lines, &Line::Event { chain: row.id.clone(), number, booked, event })?;
        written.events += 1;
    }
    written.loans += 1;
    if let Some(funders) = funders {
        add(&mut lines, &Line::Funding { chain: row.id.clone(), funding: funders.funding().clone() })?;
        written.fundings += 1;
    }
    sink.take(lines).await?;
    write_chain(db, sink, &row.id, written).await
}

async fn write_chain(
    db: &mut Connection,
    sink: &mut impl Sink,
    chain: &str,
    written: &mut Written,
) -> Result<(), Problem> {
    let mut head = Head::default();
    loop {
        let page = journal::chain_page(db, chain, head.number, ENTRIES_PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        head = Head { number: last.sealed.number, hash: last.sealed.hash.clone() };
        let mut lines = String::new();
        for stored in page {
            let (chain, sealed) = (stored.chain, stored.sealed);
            let line = Line::Entry {
                chain,
                number: sealed.number,
                previous: sealed.previous,
                hash: sealed.hash,
                entry: sealed.entry,
            };
            add(&mut lines, &line)?;
            written.entries += 1;
        }
        sink.take(lines).await?;
    }
}

async fn write_days(db: &mut Connection, sink: &mut impl Sink, written: &mut Written) -> Result<(), Problem> {
    let mut after: Option<String> = None;
    loop {
        let page = days::page(db, after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.date.clone());
        let mut lines = String::new();
        for row in page {
            let head = row.head()?;
            add(&mut lines, &Line::Day { head, signature: Some(Signature { kid: row.kid, value: row.signature }) })?;
            written.days += 1;
        }
        sink.take(lines).await?;
    }
}

/// A projection that is not the fold of its loan's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The loan.
    pub loan: String,
    /// As it is stored: status, principal outstanding, credit balance, exposure.
    pub stored: (String, i64, i64, Option<i64>),
    /// As the events come to.
    pub folded: (String, i64, i64, Option<i64>),
}

/// Compares every projection with the fold of its loan's events, and with `rebuild` writes what differs anew. Gives
/// how many loans there are, and what differed.
///
/// # Errors
/// 500 where the database fails or events are no fold.
pub async fn projections(db: &crate::storage::Database, rebuild: bool) -> Result<(u64, Vec<Difference>), Problem> {
    let (mut count, mut differences, mut after) = (0, Vec::new(), String::new());
    loop {
        let start = after.as_str();
        let work = |mut tx: crate::storage::group::Part| async move { page(&mut tx, start, rebuild).await };
        let (ids, found) =
            if rebuild { db.write(work).await? } else { page(&mut *db.read().await?, start, false).await? };
        differences.extend(found);
        count += ids.len() as u64;
        match ids.last() {
            Some(last) => after = last.clone(),
            None => return Ok((count, differences)),
        }
    }
}

async fn page(db: &mut Connection, after: &str, rebuild: bool) -> Result<(Vec<String>, Vec<Difference>), Problem> {
    let ids = loans::ids(db, after, PAGE).await?;
    let (mut found, mut fresh) = (Vec::new(), Vec::new());
    for id in &ids {
        let row = loans::find(db, id).await?.ok_or_else(|| Problem::internal("a loan that is gone"))?;
        let folded = booking::projection(id, &booking::load(db, &row).await?);
        let stored = (row.status, row.principal_outstanding, row.credit_balance, row.exposed);
        let came = (folded.status.clone(), folded.principal_outstanding, folded.credit_balance, Some(folded.exposed));
        if stored != came {
            found.push(Difference { loan: id.clone(), stored, folded: came });
            fresh.push(folded);
        }
    }
    if rebuild {
        loans::project(db, &fresh).await?;
    }
    Ok((ids, found))
}

/// The name of an export's file.
#[must_use]
pub fn file_name(today: Date) -> String {
    format!("ledger-{today}.jsonl")
}
