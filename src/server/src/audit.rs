//! The ledger checked against itself: every chain, every fold, every sum.

use std::collections::BTreeMap;

use prequal_ledger::{Account, Loan, TrialBalance, chain};

use crate::{
    app::App,
    booking,
    funding::{books as funders, totals},
    lines, orders,
    problem::Problem,
    settlement,
    storage::{Connection, funding, journal, loans},
};

/// How many entries are read at once.
const PAGE: i64 = 500;

/// What was found in order.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Chains whose every hash holds.
    pub chains: usize,
    /// Entries in them.
    pub entries: usize,
    /// Loans whose events fold to what was posted.
    pub loans: usize,
    /// Funders' books of a loan that are their share of it.
    pub funders: usize,
}

impl std::fmt::Display for Report {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} entries in {} chains and {} loans verify", self.entries, self.chains, self.loans)
    }
}

/// Checks everything.
///
/// # Errors
/// 500 with the first thing that does not hold.
pub async fn run(app: &App) -> Result<Report, Problem> {
    run_on(&mut *app.db.read().await?).await
}

/// Checks everything that a connection sees.
///
/// # Errors
/// As [`run`].
pub async fn run_on(db: &mut Connection) -> Result<Report, Problem> {
    let mut report = Report::default();
    let mut whole = TrialBalance::default();
    for name in journal::chains(db).await? {
        let entries = read_chain(db, &name).await?;
        chain::verify(&name, entries.iter().map(|stored| &stored.sealed))
            .map_err(|error| Problem::internal(format!("chain {name}: {error}")))?;
        report.chains += 1;
        report.entries += entries.len();
        let own = sum(&entries)?;
        if let Some((loan, funder)) = funders::of_chain(&name) {
            let known = funding::of_loans(db, &[loan]).await?.iter().any(|row| row.funder == funder);
            if !known {
                return Err(Problem::internal(format!("chain {name}: no such funder has a share of such a loan")));
            }
            continue;
        }
        for stored in &entries {
            whole.add(&stored.sealed.entry).map_err(Problem::internal)?;
        }
        if let Some(merchant) = settlement::of_chain(&name) {
            check_merchant(db, merchant, &own).await?;
            continue;
        }
        if let Some(row) = loans::find(db, &name).await? {
            let loan = booking::load(db, &row).await?;
            check_loan(&row, &loan, &own)?;
            report.loans += 1;
            report.funders += check_funders(db, &row.id, &loan).await?;
        }
    }
    totals::check(db).await?;
    for row in journal::balances(db).await? {
        let posted =
            whole.iter().find(|(currency, account, _)| *currency == row.currency && account.code() == row.account);
        let sides = posted.map(|(_, _, sides)| (sides.debit.minor(), sides.credit.minor()));
        if sides != Some((row.debit, row.credit)) {
            return Err(Problem::internal(format!("account {} is not the sum of its entries", row.account)));
        }
    }
    orders::verify(db).await?;
    lines::verify(db).await?;
    Ok(report)
}

fn sum(entries: &[journal::Stored]) -> Result<TrialBalance, Problem> {
    let mut sum = TrialBalance::default();
    for stored in entries {
        sum.add(&stored.sealed.entry).map_err(Problem::internal)?;
    }
    Ok(sum)
}

/// The funders' books of a loan must be their share of it; gives how many there are.
async fn check_funders(db: &mut Connection, id: &str, loan: &Loan) -> Result<usize, Problem> {
    let Some(books) = funders::of_loan(db, id).await? else { return Ok(0) };
    let mut posted = BTreeMap::new();
    for member in books.funding().members() {
        let chain = funders::chain(id, member);
        let entries = read_chain(db, &chain).await?;
        posted.insert(chain, sum(&entries)?);
    }
    funders::check(&books, loan, &posted).map_err(|error| Problem::internal(format!("loan {id}: {error}")))?;
    Ok(posted.len())
}

/// A merchant's chain must be the sum of its settlements.
async fn check_merchant(db: &mut Connection, merchant: &str, posted: &TrialBalance) -> Result<(), Problem> {
    for (currency, position) in settlement::job::posted(db, merchant).await? {
        for account in Account::CHART {
            let (held, must) = (posted.of(currency, *account).net(), position.net(*account));
            if held != must {
                let code = account.code();
                return Err(Problem::internal(format!(
                    "merchant {merchant}: account {code} holds {held}, the settlements come to {must}"
                )));
            }
        }
    }
    Ok(())
}

async fn read_chain(db: &mut Connection, name: &str) -> Result<Vec<journal::Stored>, Problem> {
    let mut entries: Vec<journal::Stored> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |stored| stored.sealed.number);
        let page = journal::page_of_chain(db, name, after, PAGE).await?;
        if page.is_empty() {
            return Ok(entries);
        }
        entries.extend(page);
    }
}

/// What was posted must be what the events come to, and the projections likewise.
fn check_loan(row: &loans::Row, loan: &Loan, posted: &TrialBalance) -> Result<(), Problem> {
    let position = loan.position();
    let currency = loan.contract().currency();
    let wrong = |what: &str| Err(Problem::internal(format!("loan {}: {what}", row.id)));
    for (account, amount) in position.balances() {
        let held = posted.of(currency, account).net();
        if held != amount {
            return wrong(&format!("account {} holds {held}, the events come to {amount}", account.code()));
        }
    }
    let stored = (row.status.as_str(), row.principal_outstanding, row.credit_balance);
    let folded = (loan.status().name(), loan.principal_outstanding().minor(), loan.credit_balance().minor());
    if stored != folded || row.exposed.is_some_and(|exposed| exposed != loan.exposure().minor()) {
        return wrong("the stored projection is not the fold");
    }
    Ok(())
}
