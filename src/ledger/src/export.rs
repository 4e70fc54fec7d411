//! A ledger as lines of JSON, and its verification from them alone.
//!
//! The first line names the format, the last counts what was written, so that a piece cut off is missed. Between them
//! stand, in any order but each chain and each loan in its own: loans with their contracts, their events, the funders
//! of a loan, the entries of all chains, and the heads of days.
//!
//! ```json
//! {"type":"ledger","version":1}
//! {"type":"loan","chain":"l1","terms":{},"rules":{},"merchant_fee":300}
//! {"type":"event","chain":"l1","number":1,"booked":"2026-01-01","event":{"type":"booked"}}
//! {"type":"entry","chain":"l1","number":1,"previous":"00…","hash":"5f…","entry":{}}
//! {"type":"funding","chain":"l1","funding":{"funders":[],"stray_cent":"f1"}}
//! {"type":"day","head":{"chains":1,"date":"2026-01-01","previous":"00…","root":"9a…"},"signature":{"kid":"…","value":"…"}}
//! {"type":"end","loans":1,"events":1,"fundings":1,"entries":1,"days":1}
//! ```
//!
//! A loan's chain has the name of the loan; a funder's books of it are the chain `LOAN/FUNDER`.
//!
//! What is proved: every entry balances and follows the one before it; each loan's events make exactly the entries of its chain; each funder's books are its share; the root of each day is that of the chains' heads on it, and
//! each day follows the one before. Signatures are bytes here; whoever holds the key checks them ([`Verified::days`]).

use std::collections::BTreeMap;

use prequal_core::{
    calendar::Date,
    credit::{Rules, Terms},
    money::Amount,
};
use serde::{Deserialize, Serialize};

use crate::{
    Account, Contract, DayHead, Entry, Event, Funding, Head, LedgerError, Loan, Moved, Record, Sealed, Servicing,
    Status, TrialBalance, chain,
};

/// The version of the format.
pub const VERSION: u32 = 1;
/// The longest line, in bytes.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;
/// The longest name of a chain, in bytes.
pub const CHAIN_BYTES_MAX: usize = 160;

/// A signature of a day, as whoever signed it wrote it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The key's thumbprint.
    pub kid: String,
    /// Ed25519 over [`DayHead::bytes`], base64url without padding.
    pub value: String,
}

/// One line of an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// The first.
    Ledger {
        /// [`VERSION`].
        version: u32,
    },
    /// A loan.
    Loan {
        /// Its chain.
        chain: String,
        /// What was signed.
        terms: Box<Terms>,
        /// The rules of its life.
        rules: Box<Rules>,
        /// The fee kept from the payout, in minor units.
        merchant_fee: Amount,
        /// How it is served.
        #[serde(default)]
        servicing: Box<Servicing>,
    },
    /// An event of a loan.
    Event {
        /// The loan's chain.
        chain: String,
        /// 1 for the first of the loan.
        number: u64,
        /// The booking date.
        booked: Date,
        /// What happened.
        event: Event,
    },
    /// Who finances a loan.
    Funding {
        /// The loan's chain.
        chain: String,
        /// The funders.
        funding: Funding,
    },
    /// An entry.
    Entry {
        /// Its chain.
        chain: String,
        /// 1 for the first of the chain.
        number: u64,
        /// The hash of the entry before.
        previous: String,
        /// Its hash.
        hash: String,
        /// What was posted.
        entry: Entry,
    },
    /// The head of a day.
    Day {
        /// The head.
        head: DayHead,
        /// Its signature; none where nobody signed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<Signature>,
    },
    /// The last.
    End {
        /// Loans written.
        loans: u64,
        /// Events written.
        events: u64,
        /// Fundings written.
        fundings: u64,
        /// Entries written.
        entries: u64,
        /// Days written.
        days: u64,
    },
}

/// Where a loan stands at the end of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoanState {
    /// Its chain.
    pub loan: String,
    /// `disbursing`, `active`, `settled` …
    pub status: &'static str,
    /// ISO 4217.
    pub currency: String,
    /// In minor units, as posted.
    pub principal: i64,
    /// Interest, fees and penalties receivable, in minor units, as posted.
    pub charges: i64,
    /// Owed back to the borrower, in minor units.
    pub credit_balance: i64,
    /// Up to which day it was posted.
    pub posted_through: Date,
}

/// A ledger that verifies.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Every loan.
    pub loans: Vec<LoanState>,
    /// Events folded.
    pub events: u64,
    /// Entries checked.
    pub entries: u64,
    /// Chains they stand in.
    pub chains: u64,
    /// What every account holds.
    pub trial: TrialBalance,
    /// The days' heads with their signatures, which are still to be checked.
    pub days: Vec<(DayHead, Option<Signature>)>,
}

/// A chain while it is read.
#[derive(Debug, Default)]
struct Chain {
    head: Head,
    trial: TrialBalance,
    /// The head at the end of each day that has entries, by rising days.
    by_day: Vec<(Date, Head)>,
}

#[derive(Debug)]
struct ReadLoan {
    contract: Contract,
    records: Vec<Record>,
    funding: Option<Funding>,
}

/// An export while it is read, line by line.
#[derive(Debug, Default)]
pub struct Replay {
    lines: usize,
    ended: bool,
    events: u64,
    fundings: u64,
    entries: u64,
    chains: BTreeMap<String, Chain>,
    loans: BTreeMap<String, ReadLoan>,
    trial: TrialBalance,
    days: Vec<(DayHead, Option<Signature>)>,
}

impl Replay {
    /// Takes the next line.
    ///
    /// # Errors
    /// [`LedgerError::Export`] with the line's number and what is wrong.
    pub fn take(&mut self, text: &str) -> Result<(), LedgerError> {
        self.lines += 1;
        let number = self.lines;
        self.read(text).map_err(|error| match error {
            LedgerError::Export(_, why) => LedgerError::Export(number, why),
            other => LedgerError::Export(number, other.to_string()),
        })
    }

    fn read(&mut self, text: &str) -> Result<(), LedgerError> {
        if text.len() > LINE_BYTES_MAX {
            return wrong(&format!("longer than {LINE_BYTES_MAX} bytes"));
        }
        let line: Line = serde_json::from_str(text).map_err(|error| LedgerError::Export(0, error.to_string()))?;
        if self.ended {
            return wrong("nothing may follow the end");
        }
        if (self.lines == 1) != matches!(line, Line::Ledger { .. }) {
            return wrong("an export begins with one line of type `ledger`");
        }
        match line {
            Line::Ledger { version: VERSION } => Ok(()),
            Line::Ledger { version } => wrong(&format!("version {version} is not known; this is {VERSION}")),
            Line::Loan { chain, terms, rules, merchant_fee, servicing } => {
                let contract = Contract::new(*terms, *rules, merchant_fee)?.served_by(*servicing)?;
                let loan = ReadLoan { contract, records: Vec::new(), funding: None };
                if checked(&chain)? && self.loans.insert(chain.clone(), loan).is_some() {
                    return wrong(&format!("loan `{chain}` is there twice"));
                }
                Ok(())
            }
            Line::Event { chain, number, booked, event } => {
                let loan = self.loan(&chain)?;
                if number != loan.records.len() as u64 + 1 {
                    return wrong(&format!("loan `{chain}`: event {number} is out of place"));
                }
                if loan.records.len() >= crate::loan::EVENTS_MAX_IN_ALL {
                    return Err(LedgerError::TooManyEvents);
                }
                loan.records.push(Record { booked, event });
                self.events += 1;
                Ok(())
            }
            Line::Funding { chain, funding } => {
                let loan = self.loan(&chain)?;
                if loan.funding.replace(funding).is_some() {
                    return wrong(&format!("loan `{chain}` is funded twice"));
                }
                self.fundings += 1;
                Ok(())
            }
            Line::Entry { chain, number, previous, hash, entry } => {
                checked(&chain)?;
                self.entry(&chain, Sealed { number, previous, hash, entry })
            }
            Line::Day { head, signature } => {
                self.days.push((head, signature));
                Ok(())
            }
            Line::End { loans, events, fundings, entries, days } => {
                let (read_loans, read_days) = (self.loans.len() as u64, self.days.len() as u64);
                if [read_loans, self.events, self.fundings, self.entries, read_days]
                    != [loans, events, fundings, entries, days]
                {
                    return wrong("not as many loans, events, fundings, entries or days as were written");
                }
                self.ended = true;
                Ok(())
            }
        }
    }

    fn loan(&mut self, chain: &str) -> Result<&mut ReadLoan, LedgerError> {
        let unknown = || LedgerError::Export(0, format!("no loan `{}` before it", shown(chain)));
        self.loans.get_mut(chain).ok_or_else(unknown)
    }

    fn entry(&mut self, name: &str, sealed: Sealed) -> Result<(), LedgerError> {
        let one = self.chains.entry(name.to_owned()).or_default();
        let expected = chain::seal(name, &one.head, sealed.entry.clone())?;
        if expected != sealed {
            return wrong(&format!("chain `{name}` is broken at entry {}", expected.number));
        }
        let date = sealed.entry.date();
        one.head = Head { number: sealed.number, hash: sealed.hash };
        match one.by_day.last_mut() {
            Some((day, _)) if *day > date => return wrong(&format!("chain `{name}` goes back in time")),
            Some((day, head)) if *day == date => *head = one.head.clone(),
            _ => one.by_day.push((date, one.head.clone())),
        }
        one.trial.add(&sealed.entry)?;
        self.trial.add(&sealed.entry)?;
        self.entries += 1;
        Ok(())
    }

    /// Ends the reading and proves what needs the whole.
    ///
    /// # Errors
    /// [`LedgerError::Export`] with what does not hold; the line is the last.
    pub fn finish(self) -> Result<Verified, LedgerError> {
        let lines = self.lines;
        self.prove().map_err(|error| match error {
            LedgerError::Export(_, why) => LedgerError::Export(lines, why),
            other => LedgerError::Export(lines, other.to_string()),
        })
    }

    fn prove(mut self) -> Result<Verified, LedgerError> {
        if !self.ended {
            return wrong("the export ends before its end");
        }
        let mut states = Vec::with_capacity(self.loans.len());
        for (name, read) in core::mem::take(&mut self.loans) {
            let named = |error: LedgerError| LedgerError::Export(0, format!("loan `{name}`: {}", bare(&error)));
            let (loan, made) = post_anew(&name, read.contract, read.records).map_err(named)?;
            let nothing = Chain::default();
            let posted = self.chains.get(&name).unwrap_or(&nothing);
            holds(loan.contract().currency(), &posted.trial, |account| loan.position().net(account)).map_err(named)?;
            if posted.head != made {
                return Err(named(LedgerError::Export(
                    0,
                    "its events do not make the entries of its chain".to_owned(),
                )));
            }
            if let Some(funding) = read.funding {
                self.prove_funding(&name, &funding, &loan).map_err(named)?;
            }
            states.push(state(name, &loan));
        }
        self.prove_days()?;
        Ok(Verified {
            loans: states,
            events: self.events,
            entries: self.entries,
            chains: self.chains.len() as u64,
            trial: self.trial,
            days: self.days,
        })
    }

    /// Each funder's books are its share of the loan; what moved between it and the servicer is what they say.
    fn prove_funding(&self, loan_name: &str, funding: &Funding, loan: &Loan) -> Result<(), LedgerError> {
        let currency = loan.contract().currency();
        let nothing = TrialBalance::default();
        let books: Vec<&TrialBalance> = funding
            .members()
            .map(|member| {
                let name = [loan_name, "/", member].concat();
                self.chains.get(&name).map_or(&nothing, |chain| &chain.trial)
            })
            .collect();
        let moved: Vec<Moved> = books
            .iter()
            .map(|books| {
                let cash = books.of(currency, Account::Cash);
                Moved { funded: cash.credit, remitted: cash.debit }
            })
            .collect();
        let positions = funding.positions(loan.contract().terms(), loan.position(), &moved)?;
        for ((member, books), position) in funding.members().zip(books).zip(positions) {
            holds(currency, books, |account| position.net(account))
                .map_err(|error| LedgerError::Export(0, format!("funder `{member}`: {}", bare(&error))))?;
        }
        Ok(())
    }

    fn prove_days(&self) -> Result<(), LedgerError> {
        let mut before: Option<&DayHead> = None;
        for (head, _) in &self.days {
            let heads = self.chains.iter().filter_map(|(name, chain)| {
                let place = chain.by_day.partition_point(|(day, _)| *day <= head.date).checked_sub(1)?;
                chain.by_day.get(place).map(|(_, head)| (name.as_str(), head))
            });
            if DayHead::new(head.date, heads, before)? != *head {
                return wrong(&format!("the head of `{}` is not that of its chains and of the day before", head.date));
            }
            before = Some(head);
        }
        Ok(())
    }
}

/// A loan's events folded one by one, and the head of the chain that their entries make.
fn post_anew(name: &str, contract: Contract, records: Vec<Record>) -> Result<(Loan, Head), LedgerError> {
    let mut loan = Loan::new(contract);
    let mut head = Head::default();
    for Record { booked, event } in records {
        if let Some(entry) = loan.record(event, booked)? {
            let sealed = chain::seal(name, &head, entry)?;
            head = Head { number: sealed.number, hash: sealed.hash };
        }
    }
    Ok((loan, head))
}

fn state(loan_name: String, loan: &Loan) -> LoanState {
    let position = loan.position();
    let charges = [Account::InterestReceivable, Account::FeeReceivable, Account::PenaltyReceivable];
    LoanState {
        loan: loan_name,
        status: Status::name(loan.status()),
        currency: loan.contract().currency().code().to_owned(),
        principal: position.net(Account::PrincipalReceivable),
        charges: charges.iter().map(|account| position.net(*account)).sum(),
        credit_balance: -position.net(Account::CustomerCredit),
        posted_through: loan.posted_through(),
    }
}

/// Whether a chain holds what it should, account by account, and nothing in another currency.
fn holds(
    currency: prequal_core::currency::Currency,
    posted: &TrialBalance,
    should: impl Fn(Account) -> i64,
) -> Result<(), LedgerError> {
    if posted.iter().any(|(code, _, _)| code != currency.code()) {
        return wrong("its chain holds another currency");
    }
    for account in Account::CHART {
        let (held, should) = (posted.of(currency, *account).net(), should(*account));
        if held != should {
            return wrong(&format!("account {} holds {held}, the events come to {should}", account.code()));
        }
    }
    Ok(())
}

fn checked(name: &str) -> Result<bool, LedgerError> {
    if name.is_empty() || name.len() > CHAIN_BYTES_MAX || name.chars().any(char::is_control) {
        return wrong(&format!("a chain's name is 1 to {CHAIN_BYTES_MAX} bytes of text"));
    }
    Ok(true)
}

/// A name that was not checked, cut to what a message can bear.
fn shown(name: &str) -> String {
    name.chars().take(CHAIN_BYTES_MAX).collect()
}

/// What an error says, without a line of its own.
fn bare(error: &LedgerError) -> String {
    match error {
        LedgerError::Export(_, why) => why.clone(),
        other => other.to_string(),
    }
}

fn wrong<T>(why: &str) -> Result<T, LedgerError> {
    Err(LedgerError::Export(0, why.to_owned()))
}
