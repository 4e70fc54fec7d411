//! A loan with everything that was posted for it, and what must hold after every event.
#![allow(dead_code, reason = "each test file uses its part")]

use prequal_core::{
    calendar::{Date, DayCount},
    credit::{Rate, Rules},
    decimal::Decimal,
    money::Amount,
};
use prequal_ledger::{Account, Contract, Entry, Event, LedgerError, Loan, Servicing, TrialBalance};

pub fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

pub fn amount(minor: i64) -> Amount {
    Amount::new(minor).unwrap()
}

pub fn rate(percent: &str) -> Rate {
    Rate::annual(Decimal::parse(percent).unwrap(), DayCount::Actual365)
}

pub fn pay(minor: i64, payment: &str, value_date: &str) -> Event {
    Event::Received { amount: amount(minor), payment: payment.to_owned(), value_date: date(value_date) }
}

pub fn received(minor: i64, value_date: &str) -> Event {
    pay(minor, "p", value_date)
}

pub fn collected(minor: i64, payment: &str, value_date: &str) -> Event {
    Event::Collected { amount: amount(minor), payment: payment.to_owned(), value_date: date(value_date) }
}

pub fn refunded(minor: i64, refund: &str, value_date: &str) -> Event {
    Event::Refunded { amount: amount(minor), refund: refund.to_owned(), value_date: date(value_date), order: None }
}

pub struct Books {
    pub loan: Loan,
    pub entries: Vec<Entry>,
    pub trial: TrialBalance,
}

impl Books {
    /// A loan of terms and rules as JSON, booked and paid out on its first day.
    pub fn of(terms: &str, rules: &str) -> Self {
        Self::served(terms, rules, Servicing::default())
    }

    pub fn served(terms: &str, rules: &str, servicing: Servicing) -> Self {
        let rules: Rules = serde_json::from_str(rules).unwrap();
        let contract = Contract::new(serde_json::from_str(terms).unwrap(), rules, Amount::ZERO).unwrap();
        let start = contract.terms().start;
        let loan = Loan::new(contract.served_by(servicing).unwrap());
        let mut books = Self { loan, entries: Vec::new(), trial: TrialBalance::default() };
        books.record_on(Event::Booked, start).unwrap();
        books.record_on(Event::PayoutSettled { value_date: start }, start).unwrap();
        books
    }

    pub fn record(&mut self, event: Event, booked: &str) {
        self.try_record(event, booked).unwrap();
    }

    pub fn try_record(&mut self, event: Event, booked: &str) -> Result<(), LedgerError> {
        let before = (self.loan.records().len(), *self.loan.position());
        let done = self.record_on(event, date(booked));
        if done.is_err() {
            assert_eq!((self.loan.records().len(), *self.loan.position()), before, "a refused event changes nothing");
        }
        self.check();
        done
    }

    /// Without the checks that fold the whole loan again.
    pub fn record_quickly(&mut self, event: Event, booked: &str) {
        self.record_on(event, date(booked)).unwrap();
    }

    fn record_on(&mut self, event: Event, booked: Date) -> Result<(), LedgerError> {
        if let Some(entry) = self.loan.record(event, booked)? {
            self.trial.add(&entry).unwrap();
            self.entries.push(entry);
        }
        Ok(())
    }

    /// Debits less credits of an account.
    pub fn net(&self, account: Account) -> i64 {
        self.trial.of(self.loan.contract().currency(), account).net()
    }

    /// What must hold after every event, whatever came before.
    pub fn check(&self) {
        let sides = self
            .trial
            .iter()
            .fold((0, 0), |sums, (_, _, sides)| (sums.0 + sides.debit.minor(), sums.1 + sides.credit.minor()));
        assert_eq!(sides.0, sides.1, "debits equal credits");
        for (account, held) in self.loan.position().balances() {
            assert_eq!(self.net(account), held, "what was posted is what the events come to: {}", account.name());
        }
        let restored = Loan::restore(self.loan.contract().clone(), self.loan.records().to_vec()).unwrap();
        assert_eq!(restored.position(), self.loan.position(), "a projection can be rebuilt");
        assert_eq!(restored.status(), self.loan.status());
    }
}
