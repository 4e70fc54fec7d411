//! The books of a loan's funders: a chain `LOAN/FUNDER` each, moved by every event of the loan in the same transaction.

use std::collections::BTreeMap;

use prequal_core::{calendar::Date, currency::Currency, decimal::Decimal, money::Amount};
use prequal_ledger::{
    Account, Entry, Funder as Share, FunderPosition, Funding, GuarantorFee, LedgerError, Loan, Moved, Position,
    TrialBalance,
};

use super::{Chosen, config::Kind, reserve};
use crate::{
    app::new_id,
    booking,
    problem::{Kind as Wrong, Problem},
    storage::{
        Connection,
        funding::{self, Exposure, Row},
    },
};

/// The chain of a funder's books of a loan.
#[must_use]
pub fn chain(loan: &str, funder: &str) -> String {
    format!("{loan}/{funder}")
}

/// The loan and the funder of a chain of a funder's books; none for any other chain.
#[must_use]
pub fn of_chain(chain: &str) -> Option<(&str, &str)> {
    chain.split_once('/')
}

/// The funders of one loan, with their books' projections.
#[derive(Debug, Clone)]
pub struct Books {
    rows: Vec<Row>,
    funding: Funding,
    /// What the rows said of what is lent when they were read.
    read: Vec<[i64; 3]>,
}

impl Books {
    /// The books of rows of one loan; none where it has no funders.
    ///
    /// # Errors
    /// 500 where the rows are no shares.
    pub fn of(rows: Vec<Row>) -> Result<Option<Self>, Problem> {
        if rows.is_empty() {
            return Ok(None);
        }
        let percent = |text: &str| Decimal::parse(text).map_err(Problem::internal);
        let mut shares = Vec::new();
        for row in rows.iter().filter(|row| has_share(row)) {
            shares.push(Share {
                id: row.funder.clone(),
                share_percent: percent(&row.share_percent)?,
                servicing_fee_percent: percent(&row.servicing_fee_percent)?,
            });
        }
        let stray = rows.iter().find(|row| row.stray_cent == 1).map(|row| row.funder.clone()).unwrap_or_default();
        let guarantor = rows.iter().find(|row| !has_share(row) && in_books(row));
        let guarantor = guarantor.map(|row| GuarantorFee { id: row.funder.clone(), payee: row.name.clone() });
        let funding = Funding::new(shares, stray).and_then(|funding| funding.guaranteed_by(guarantor));
        let funding = funding.map_err(Problem::internal)?;
        let read = rows.iter().map(lent).collect();
        Ok(Some(Self { rows, funding, read }))
    }

    /// The rows, with their projections as they now stand.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How what is lent has changed since the rows were read, each under a new id.
    fn moves(&self) -> Vec<(String, Exposure)> {
        let changed = self.rows.iter().zip(&self.read).map(|(row, read)| (row, lent(row), read));
        let changed = changed.filter(|(_, is, was)| is != *was);
        let of = |(row, [amount, own, whole], was): (&Row, [i64; 3], &[i64; 3])| Exposure {
            funder: row.funder.clone(),
            currency: row.currency.clone(),
            kind: row.kind.clone(),
            joint: row.joint,
            amount: amount - was[0],
            own_amount: own - was[1],
            whole_amount: whole - was[2],
        };
        changed.map(|one| (new_id(), of(one))).collect()
    }

    /// Writes the projections and the changes of what is lent, once.
    ///
    /// # Errors
    /// 500 when the database fails.
    pub async fn write(&self, db: &mut Connection) -> Result<(), Problem> {
        funding::project(db, &self.rows).await?;
        Ok(funding::insert_moves(db, &self.moves()).await?)
    }

    /// The shares.
    #[must_use]
    pub const fn funding(&self) -> &Funding {
        &self.funding
    }

    fn moved(&self) -> Result<Vec<Moved>, Problem> {
        let moved = |row: &Row| Ok(Moved { funded: Amount::new(row.funded)?, remitted: Amount::new(row.remitted)? });
        let moved: Result<Vec<Moved>, prequal_core::money::MoneyError> =
            self.rows.iter().filter(|row| in_books(row)).map(moved).collect();
        moved.map_err(Problem::internal)
    }

    /// What everybody with books of a loan has come to at a position of it, in their order.
    ///
    /// # Errors
    /// 409 for a loan that is sold.
    pub fn positions(&self, loan: &Loan, position: &Position) -> Result<Vec<FunderPosition>, Problem> {
        self.funding.positions(loan.contract().terms(), position, &self.moved()?).map_err(|error| match error {
            LedgerError::Funding(why) => Problem::new(Wrong::WrongState, why),
            other => Problem::internal(other),
        })
    }

    /// What an event of the loan does to the funders' books, which it moved from `before`: entries by chain. The
    /// projections are brought up to date.
    ///
    /// # Errors
    /// 409 as [`Books::positions`], 500 where the ledger refuses it.
    pub fn advance(&mut self, before: &Position, loan: &Loan, event: &str) -> Result<Vec<(String, Entry)>, Problem> {
        let was = self.positions(loan, before)?;
        let is = self.positions(loan, loan.position())?;
        let (date, currency) = (loan.posted_through(), loan.contract().currency());
        let mut entries = Vec::new();
        let members = self.rows.iter().filter(|row| in_books(row));
        for (row, (was, is)) in members.zip(was.iter().zip(&is)) {
            if let Some(entry) = is.entry_from(was, date, currency, event).map_err(Problem::internal)? {
                entries.push((chain(&row.loan, &row.funder), entry));
            }
        }
        self.project(&is, loan.principal_outstanding());
        Ok(entries)
    }

    fn project(&mut self, positions: &[FunderPosition], whole: Amount) {
        let owed = |position: &FunderPosition| position.net(Account::PrincipalReceivable);
        let own: i64 = self
            .rows
            .iter()
            .filter(|row| has_share(row))
            .zip(positions)
            .filter(|(row, _)| row.kind == Kind::Own.name())
            .map(|(_, position)| owed(position))
            .sum();
        let mut positions = positions.iter();
        for row in &mut self.rows {
            (row.own_outstanding, row.whole_outstanding) = (own, whole.minor());
            let position = if in_books(row) { positions.next() } else { None };
            row.principal_outstanding = whole.minor();
            if let Some(position) = position {
                // The lender's own part never leaves it.
                row.to_remit = if row.kind == Kind::Own.name() { 0 } else { position.to_remit() };
                if has_share(row) {
                    row.principal_outstanding = owed(position);
                }
            }
        }
    }

    /// Money went between a funder and the servicer: more than nothing to the funder, less than nothing from it. Gives
    /// the entry in the funder's books.
    ///
    /// # Errors
    /// 500 where the funder has no books of the loan, or the ledger refuses it.
    pub fn pay(
        &mut self,
        funder: &str,
        amount: i64,
        loan: &Loan,
        date: Date,
    ) -> Result<Option<(String, Entry)>, Problem> {
        let was = self.positions(loan, loan.position())?;
        let row = self.rows.iter_mut().find(|row| row.funder == funder && in_books(row));
        let row = row.ok_or_else(|| Problem::internal("money for a funder without books"))?;
        let event = if amount > 0 { "remitted" } else { "funded" };
        if amount > 0 {
            row.remitted = row.remitted.saturating_add(amount);
        } else {
            row.funded = row.funded.saturating_sub(amount);
        }
        let is = self.positions(loan, loan.position())?;
        self.project(&is, loan.principal_outstanding());
        let place = self.funding.members().position(|member| member == funder);
        let pair = place.and_then(|place| Some((was.get(place)?, is.get(place)?)));
        let (was, is) = pair.ok_or_else(|| Problem::internal("money for a funder without books"))?;
        let loan_id = self.rows.first().map(|row| row.loan.clone()).unwrap_or_default();
        let date = date.max(loan.posted_through());
        let entry = is.entry_from(was, date, loan.contract().currency(), event).map_err(Problem::internal)?;
        Ok(entry.map(|entry| (chain(&loan_id, funder), entry)))
    }
}

const fn lent(row: &Row) -> [i64; 3] {
    [row.principal_outstanding, row.own_outstanding, row.whole_outstanding]
}

fn has_share(row: &Row) -> bool {
    row.kind != Kind::Guarantor.name()
}

/// Whether it has books of the loan: a share, or a fee.
#[must_use]
pub fn in_books(row: &Row) -> bool {
    has_share(row) || row.fee_books == 1
}

/// The books of those loans that have funders.
///
/// # Errors
/// 500 when the database fails.
pub async fn of_loans(db: &mut Connection, loans: &[&str]) -> Result<BTreeMap<String, Books>, Problem> {
    let mut rows: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in funding::of_loans(db, loans).await? {
        rows.entry(row.loan.clone()).or_default().push(row);
    }
    let mut books = BTreeMap::new();
    for (loan, rows) in rows {
        if let Some(one) = Books::of(rows)? {
            books.insert(loan, one);
        }
    }
    Ok(books)
}

/// The books of a loan; none where it has no funders.
///
/// # Errors
/// 500 when the database fails.
pub async fn of_loan(db: &mut Connection, loan: &str) -> Result<Option<Books>, Problem> {
    Books::of(funding::of_loans(db, &[loan]).await?)
}

/// Posts what an event of a loan, which moved it from `before`, does to its funders' books.
///
/// # Errors
/// As [`Books::advance`].
pub async fn follow(
    db: &mut Connection,
    id: &str,
    before: &Position,
    loan: &Loan,
    event: &str,
    now: &str,
) -> Result<(), Problem> {
    let Some(mut books) = of_loan(db, id).await? else { return Ok(()) };
    for (chain, entry) in books.advance(before, loan, event)? {
        booking::post(db, &chain, entry, now).await?;
    }
    books.write(db).await
}

/// Writes who finances a loan that is being booked, and counts what it lends as lent and no longer as reserved.
///
/// # Errors
/// 500 when the database fails.
pub async fn book(
    db: &mut Connection,
    (loan, application): (&str, &str),
    chosen: &Chosen,
    lent: Amount,
    currency: Currency,
) -> Result<(), Problem> {
    funding::insert(db, &rows_of(loan, chosen, currency)?).await?;
    reserve::lend(db, application, chosen, lent, currency).await
}

fn rows_of(loan: &str, chosen: &Chosen, currency: Currency) -> Result<Vec<Row>, Problem> {
    let row = |place: i64, funder: &str, name: &str, kind: Kind| Row {
        loan: loan.to_owned(),
        place,
        funder: funder.to_owned(),
        name: name.to_owned(),
        kind: kind.name().to_owned(),
        programme: chosen.programme.clone(),
        joint: i64::from(chosen.joint),
        currency: currency.code().to_owned(),
        share_percent: "0".to_owned(),
        servicing_fee_percent: "0".to_owned(),
        stray_cent: i64::from(funder == chosen.stray_cent),
        funded: 0,
        remitted: 0,
        principal_outstanding: 0,
        own_outstanding: 0,
        whole_outstanding: 0,
        to_remit: 0,
        pending: None,
        fee_books: 0,
    };
    let mut rows: Vec<Row> = (1_i64..)
        .zip(&chosen.funders)
        .map(|(place, member)| Row {
            share_percent: member.share_percent.to_string(),
            servicing_fee_percent: member.servicing_fee_percent.to_string(),
            ..row(place, &member.id, &member.name, member.kind)
        })
        .collect();
    let last = i64::try_from(rows.len()).map_err(Problem::internal)?;
    let guarantor = |one: &super::Guarantor| Row {
        fee_books: i64::from(!one.fee.is_zero()),
        ..row(last + 1, &one.id, &one.name, Kind::Guarantor)
    };
    rows.extend(chosen.guarantor.iter().map(guarantor));
    Ok(rows)
}

/// Each funder's chain must hold what its share comes to, and the projections likewise. `posted` gives what a chain holds.
///
/// # Errors
/// What is wrong, in words.
pub fn check(books: &Books, loan: &Loan, posted: &BTreeMap<String, TrialBalance>) -> Result<(), String> {
    let currency = loan.contract().currency();
    let positions = books.positions(loan, loan.position()).map_err(|problem| format!("{problem:?}"))?;
    let mut folded = books.clone();
    folded.project(&positions, loan.principal_outstanding());
    let nothing = TrialBalance::default();
    for (row, position) in books.rows.iter().filter(|row| in_books(row)).zip(&positions) {
        let name = chain(&row.loan, &row.funder);
        let held = posted.get(&name).unwrap_or(&nothing);
        for account in Account::CHART {
            let (is, must) = (held.of(currency, *account).net(), position.net(*account));
            if is != must {
                return Err(format!("chain {name}: account {} holds {is}, the share is {must}", account.code()));
            }
        }
    }
    let projection = |row: &Row| (row.principal_outstanding, row.own_outstanding, row.whole_outstanding, row.to_remit);
    if books.rows.iter().zip(&folded.rows).any(|(is, must)| projection(is) != projection(must)) {
        return Err("the stored projection of a funder is not the fold".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use prequal_core::{calendar::Date, credit::Rules};
    use prequal_ledger::{Contract, Event};

    use super::*;
    use crate::funding::Member;

    fn amount(minor: i64) -> Amount {
        Amount::new(minor).unwrap()
    }

    fn day() -> Date {
        Date::parse("2026-01-31").unwrap()
    }

    fn loan(principal: i64) -> Loan {
        let terms = format!(
            r#"{{"currency":"USD","principal":{principal},"start":"2026-01-31",
            "repayment":{{"method":"free","count":2,"every":"P1M"}}}}"#
        );
        let terms = serde_json::from_str(&terms).unwrap();
        Loan::new(Contract::new(terms, Rules::default(), Amount::ZERO).unwrap())
    }

    /// The partner has so many per cent, the lender the rest and the stray cent.
    fn books(share: &str, rest: &str) -> Books {
        let member = |id: &str, kind: Kind, share: &str| Member {
            id: id.to_owned(),
            name: id.to_owned(),
            kind,
            share_percent: Decimal::parse(share).unwrap(),
            servicing_fee_percent: Decimal::ZERO,
        };
        let chosen = Chosen {
            programme: "joint".to_owned(),
            joint: true,
            funders: vec![member("bank", Kind::Partner, share), member("own", Kind::Own, rest)],
            stray_cent: "own".to_owned(),
            guarantor: None,
        };
        Books::of(rows_of("l", &chosen, Currency::parse("USD").unwrap()).unwrap()).unwrap().unwrap()
    }

    fn record(books: &mut Books, loan: &mut Loan, event: Event) -> Result<Vec<(String, Entry)>, Problem> {
        let (before, name) = (*loan.position(), event.name());
        loan.record(event, day()).unwrap();
        books.advance(&before, loan, name)
    }

    fn nets(books: &Books, loan: &Loan, account: Account) -> Vec<i64> {
        books.positions(loan, loan.position()).unwrap().iter().map(|position| position.net(account)).collect()
    }

    /// 80/20 of 500.01 lent: 100.00 and 400.01. Of 100.01 repaid the bank gets 20 %, 20.002 rounded down; what is lost
    /// is what each has left.
    #[test]
    fn a_loss_costs_each_funder_what_it_has_left() {
        let (mut books, mut loan) = (books("20", "80"), loan(50_001));
        record(&mut books, &mut loan, Event::Booked).unwrap();
        assert_eq!(nets(&books, &loan, Account::PrincipalReceivable), [10_000, 40_001]);
        record(&mut books, &mut loan, Event::PayoutSettled { value_date: day() }).unwrap();
        let paid = Event::Received { amount: amount(10_001), payment: "p".to_owned(), value_date: day() };
        record(&mut books, &mut loan, paid).unwrap();
        assert_eq!(nets(&books, &loan, Account::PrincipalReceivable), [8_000, 32_000]);
        assert_eq!(
            (books.rows()[0].to_remit, books.rows()[1].to_remit),
            (2_000 - 10_000, 0),
            "its own part never leaves"
        );
        let entries = record(&mut books, &mut loan, Event::ChargedOff { value_date: day() }).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(nets(&books, &loan, Account::LoanLoss), [8_000, 32_000]);
        assert_eq!((books.rows()[0].principal_outstanding, books.rows()[0].whole_outstanding), (0, 0));
        let came = Event::Received { amount: amount(101), payment: "q".to_owned(), value_date: day() };
        record(&mut books, &mut loan, came).unwrap();
        assert_eq!(nets(&books, &loan, Account::RecoveryIncome), [-20, -81]);
    }

    #[test]
    fn a_payout_that_fails_leaves_nobody_with_anything() {
        let (mut books, mut loan) = (books("30", "70"), loan(1));
        record(&mut books, &mut loan, Event::Booked).unwrap();
        assert_eq!(nets(&books, &loan, Account::PrincipalReceivable), [0, 1]);
        record(&mut books, &mut loan, Event::PayoutFailed { value_date: day() }).unwrap();
        for account in Account::CHART {
            assert_eq!(nets(&books, &loan, *account), [0, 0], "{}", account.name());
        }
        assert!(books.rows().iter().all(|row| row.principal_outstanding == 0 && row.to_remit == 0));
    }

    #[test]
    fn a_loan_of_others_money_is_not_sold_over_their_heads() {
        let (mut books, mut loan) = (books("30", "70"), loan(1_000));
        record(&mut books, &mut loan, Event::Booked).unwrap();
        record(&mut books, &mut loan, Event::PayoutSettled { value_date: day() }).unwrap();
        let sold = r#"{"type":"transferred","value_date":"2026-01-31","owner":"o","price":900}"#;
        let refused = record(&mut books, &mut loan, serde_json::from_str(sold).unwrap()).unwrap_err();
        assert_eq!(refused.kind(), Wrong::WrongState);
    }
}
