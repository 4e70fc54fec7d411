//! The ledger checked against itself: every chain, every fold, every sum.

use prequal_ledger::{Loan, TrialBalance, chain};

use crate::{
    app::App,
    booking,
    problem::Problem,
    storage::{Connection, journal, loans},
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
        let mut own = TrialBalance::default();
        for stored in &entries {
            own.add(&stored.sealed.entry).map_err(Problem::internal)?;
            whole.add(&stored.sealed.entry).map_err(Problem::internal)?;
        }
        if let Some(row) = loans::find(db, &name).await? {
            check_loan(&row, &booking::load(db, &row).await?, &own)?;
            report.loans += 1;
        }
    }
    for row in journal::balances(db).await? {
        let posted =
            whole.iter().find(|(currency, account, _)| *currency == row.currency && account.code() == row.account);
        let sides = posted.map(|(_, _, sides)| (sides.debit.minor(), sides.credit.minor()));
        if sides != Some((row.debit, row.credit)) {
            return Err(Problem::internal(format!("account {} is not the sum of its entries", row.account)));
        }
    }
    Ok(report)
}

async fn read_chain(db: &mut Connection, name: &str) -> Result<Vec<journal::Stored>, Problem> {
    let mut entries: Vec<journal::Stored> = Vec::new();
    loop {
        let after = entries.last().map(|stored| stored.id.clone());
        let page = journal::page(db, Some(name), after.as_deref(), PAGE).await?;
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
    if stored != folded {
        return wrong("the stored projection is not the fold");
    }
    Ok(())
}
