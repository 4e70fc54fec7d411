//! Claims about a loan's life on the ledger.

use prequal_core::{
    calendar::Date,
    credit::{Rules, Terms, schedule},
    currency::Currency,
    money::Amount,
};
use prequal_ledger::{Account, Contract, Entry, Event, Head, LedgerError, Loan, Status, TrialBalance, chain};
use proptest::prelude::*;

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn amount(minor: i64) -> Amount {
    Amount::new(minor).unwrap()
}

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

/// The example of the contract of `prequal schedule`: 100.00 at 7 % over six months; total interest 2.05.
fn terms() -> Terms {
    serde_json::from_str(
        r#"{"currency":"USD","principal":10000,"start":"2024-01-01",
            "rate":{"annual_percent":"7","day_count":"30/360"},
            "repayment":{"method":"equal_installment","count":6,"every":"P1M","first_due":"2024-02-01","month_end":"clamp"},
            "rounding":"half_even","adjust_installment":true}"#,
    )
    .unwrap()
}

fn contract() -> Contract {
    Contract::new(terms(), Rules::default(), amount(300)).unwrap()
}

fn received(minor: i64, value_date: &str) -> Event {
    Event::Received { amount: amount(minor), payment: "p".to_owned(), value_date: date(value_date) }
}

/// A loan with everything that was posted for it.
struct Books {
    loan: Loan,
    entries: Vec<Entry>,
    trial: TrialBalance,
}

impl Books {
    fn new() -> Self {
        Self { loan: Loan::new(contract()), entries: Vec::new(), trial: TrialBalance::default() }
    }

    fn paid_out() -> Self {
        let mut books = Self::new();
        books.record(Event::Booked, "2024-01-01");
        books.record(Event::PayoutSettled { value_date: date("2024-01-01") }, "2024-01-01");
        books
    }

    fn record(&mut self, event: Event, booked: &str) {
        self.record_on(event, date(booked));
    }

    fn record_on(&mut self, event: Event, booked: Date) {
        if let Some(entry) = self.loan.record(event, booked).unwrap() {
            self.trial.add(&entry).unwrap();
            self.entries.push(entry);
        }
        self.check();
    }

    /// Debits less credits of an account.
    fn net(&self, account: Account) -> i64 {
        self.trial.of(usd(), account).net()
    }

    /// What must hold after every event, whatever came before.
    fn check(&self) {
        let (debits, credits) = self
            .trial
            .iter()
            .fold((0, 0), |sums, (_, _, sides)| (sums.0 + sides.debit.minor(), sums.1 + sides.credit.minor()));
        assert_eq!(debits, credits, "debits equal credits");

        let account = self.loan.account(self.loan.posted_through()).unwrap();
        if self.loan.status() != Status::Cancelled {
            assert_eq!(self.net(Account::PrincipalReceivable), account.balance.principal.minor(), "principal");
            assert_eq!(self.net(Account::InterestReceivable), account.balance.interest.minor(), "interest");
            assert_eq!(-self.net(Account::CustomerCredit), account.unapplied.minor(), "owed back");
        }
        let money: i64 = self
            .loan
            .records()
            .iter()
            .map(|record| match &record.event {
                Event::Received { amount, .. } => amount.minor(),
                Event::PayoutSettled { .. } => -self.loan.contract().payout().minor(),
                _ => 0,
            })
            .sum();
        assert_eq!(self.net(Account::Cash), money, "cash is what came less what went");

        // Nothing is remembered that could not be folded again.
        let mut again = Loan::new(self.loan.contract().clone());
        let mut entries = Vec::new();
        for record in self.loan.records() {
            entries.extend(again.record(record.event.clone(), record.booked).unwrap());
        }
        assert_eq!(entries, self.entries, "the same events make the same entries");
        assert_eq!(again.status(), self.loan.status());
        let restored = Loan::restore(self.loan.contract().clone(), self.loan.records().to_vec()).unwrap();
        assert_eq!((restored.position(), restored.posted_through()), (again.position(), again.posted_through()));

        let mut head = Head::default();
        let chain: Vec<_> = self
            .entries
            .iter()
            .map(|entry| {
                let sealed = chain::seal("loan", &head, entry.clone()).unwrap();
                head = Head { number: sealed.number, hash: sealed.hash.clone() };
                sealed
            })
            .collect();
        assert_eq!(chain::verify("loan", &chain), Ok(head));
    }
}

#[test]
fn paid_on_every_due_date_the_income_is_the_quote_s_interest() {
    let mut books = Books::new();
    books.record(Event::Booked, "2024-01-01");
    assert_eq!(books.loan.status(), Status::Disbursing);
    assert_eq!(books.net(Account::PrincipalReceivable), 10_000, "the receivable rises to the principal");
    assert_eq!(books.net(Account::MerchantPayable), -9_700);
    assert_eq!(books.net(Account::MerchantFeeIncome), -300);
    books.record(Event::PayoutSettled { value_date: date("2024-01-01") }, "2024-01-01");
    assert_eq!(books.loan.status(), Status::Active);
    assert_eq!((books.net(Account::MerchantPayable), books.net(Account::Cash)), (0, -9_700));

    for installment in schedule(&terms()).unwrap().installments {
        books.record_on(
            Event::Received { amount: installment.total, payment: "p".to_owned(), value_date: installment.due },
            installment.due,
        );
        assert_eq!(books.net(Account::PrincipalReceivable), installment.balance.minor());
        assert_eq!(books.net(Account::InterestReceivable), 0);
    }
    // 2.05: design of `prequal schedule`, the example's total_interest.
    assert_eq!(books.net(Account::InterestIncome), -205);
    assert_eq!(books.net(Account::PrincipalReceivable), 0, "and falls to zero");
    assert_eq!(books.loan.status(), Status::Settled);
    assert_eq!(books.net(Account::Cash), 300 + 205, "what is left is the merchant's fee and the interest");
}

/// Apache Fineract's published result: after the first instalment on time, 83.81 settles on 15 February.
#[test]
fn the_payoff_settles_and_more_is_owed_back() {
    let mut books = Books::paid_out();
    books.record(received(1_701, "2024-02-01"), "2024-02-01");
    assert_eq!(books.loan.owed(date("2024-02-15")).unwrap().total().unwrap(), amount(8_381));
    books.record(received(8_381 + 1_000, "2024-02-15"), "2024-02-15");
    assert_eq!(books.loan.status(), Status::Settled);
    assert_eq!(books.loan.credit_balance(), amount(1_000));
    assert_eq!(books.net(Account::CustomerCredit), -1_000);
    // 0.58 of January and 0.24 of half February.
    assert_eq!(books.net(Account::InterestIncome), -82);
    // Nothing accrues on what is paid.
    books.record(Event::Recognized, "2024-07-01");
    assert_eq!(books.net(Account::InterestIncome), -82);
}

#[test]
fn a_payment_that_is_told_of_late_takes_back_the_interest_recognized_meanwhile() {
    let mut late = Books::paid_out();
    late.record(Event::Recognized, "2024-02-15");
    let recognized = -late.net(Account::InterestIncome);
    late.record(received(5_000, "2024-01-15"), "2024-02-15");

    let mut in_time = Books::paid_out();
    in_time.record(received(5_000, "2024-01-15"), "2024-01-15");
    in_time.record(Event::Recognized, "2024-02-15");

    assert!(-late.net(Account::InterestIncome) < recognized);
    for &account in Account::CHART {
        assert_eq!(late.net(account), in_time.net(account), "{}", account.name());
    }
    // By new entries, not by changes: the first recognition still stands in the journal.
    assert!(late.entries.iter().any(|entry| entry.event() == "recognized"));
}

#[test]
fn a_failed_payout_lends_nothing_and_owes_back_what_came() {
    let mut books = Books::new();
    books.record(Event::Booked, "2024-01-01");
    books.record(received(100, "2024-01-20"), "2024-01-20");
    books.record(Event::PayoutFailed { value_date: date("2024-01-25") }, "2024-01-25");
    assert_eq!(books.loan.status(), Status::Cancelled);
    assert_eq!(books.loan.owed(date("2024-03-01")).unwrap().total().unwrap(), Amount::ZERO);
    for &account in Account::CHART {
        let expected = match account {
            Account::Cash => 100,
            Account::CustomerCredit => -100,
            _ => 0,
        };
        assert_eq!(books.net(account), expected, "{}", account.name());
    }
}

#[test]
fn events_out_of_place_are_refused_and_change_nothing() {
    let mut loan = Loan::new(contract());
    let today = date("2024-01-01");
    assert_eq!(loan.record(received(1, "2024-01-01"), today), Err(LedgerError::Booking));
    loan.record(Event::Booked, today).unwrap();
    assert_eq!(loan.record(Event::Booked, today), Err(LedgerError::Booking));
    loan.record(Event::PayoutSettled { value_date: today }, today).unwrap();
    let before = *loan.position();
    assert_eq!(loan.record(Event::PayoutFailed { value_date: today }, today), Err(LedgerError::PayoutEnded));
    assert_eq!((loan.records().len(), *loan.position()), (2, before));
    assert_eq!(Contract::new(terms(), Rules::default(), amount(10_001)), Err(LedgerError::PayoutNotPrincipal));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// After any sequence of receipts, back-dated or not, recognitions and either end of the payout: debits equal
    /// credits, the receivable is the principal outstanding, and the parts are the whole ([`Books::check`]).
    #[test]
    fn the_books_hold_after_any_sequence(
        events in prop::collection::vec((0_i32..240, 0_i32..40, 1_i64..4_000, 0_u8..10), 1..24)
    ) {
        let mut books = Books::new();
        books.record(Event::Booked, "2024-01-01");
        let start = date("2024-01-01");
        let mut today = start;
        for (at, late, minor, kind) in events {
            // Booking dates go forward; value dates lie up to 40 days behind them.
            today = today.max(start.add_days(at).unwrap());
            let value_date = start.max(today.add_days(-late).unwrap());
            let event = match kind {
                0 => Event::Recognized,
                1 if books.loan.status() == Status::Disbursing => Event::PayoutSettled { value_date },
                2 if books.loan.status() == Status::Disbursing && minor < 400 => Event::PayoutFailed { value_date },
                _ => Event::Received { amount: amount(minor), payment: "p".to_owned(), value_date },
            };
            books.record_on(event, today);
        }
    }
}

/// 1,000.00 at 12 % over 30 days, actual/365: a day costs 100,000 · 0.12 / 365 = 32.877 minor units.
fn one_month() -> Terms {
    serde_json::from_str(
        r#"{"currency":"USD","principal":100000,"start":"2026-11-01",
            "rate":{"annual_percent":"12","day_count":"actual/365"},
            "repayment":{"method":"single","count":1,"first_due":"2026-12-01"}}"#,
    )
    .unwrap()
}

/// design: interest runs from the value date of the payout. 30 days cost 986.30 minor units, rounded 986; 27 days
/// 887.67, rounded 888.
#[test]
fn interest_runs_from_the_value_date_of_the_payout() {
    for (paid_out, interest) in [("2026-11-01", 986), ("2026-11-04", 888), ("2026-10-30", 986)] {
        let mut loan = Loan::new(Contract::new(one_month(), Rules::default(), amount(0)).unwrap());
        loan.record(Event::Booked, date("2026-11-01")).unwrap();
        loan.record(Event::PayoutSettled { value_date: date(paid_out) }, date("2026-11-05")).unwrap();
        assert_eq!(loan.owed(date("2026-12-01")).unwrap().interest, amount(interest), "{paid_out}");
    }
}

/// While the merchant waits nothing accrues; what accrues from the value date is posted when it is known.
#[test]
fn a_payout_on_its_way_costs_nothing() {
    let mut loan = Loan::new(Contract::new(one_month(), Rules::default(), amount(0)).unwrap());
    loan.record(Event::Booked, date("2026-11-01")).unwrap();
    loan.record(Event::Recognized, date("2026-11-11")).unwrap();
    assert_eq!(loan.position().interest_earned, Amount::ZERO);
    assert_eq!(loan.owed(date("2026-11-11")).unwrap().total().unwrap(), amount(100_000));
    loan.record(Event::PayoutSettled { value_date: date("2026-11-09") }, date("2026-11-11")).unwrap();
    // Two days of 32.877.
    assert_eq!(loan.position().interest_earned, amount(66));
}

/// A late fee of 7.00 for each instalment and at most 10.00 in all by the law of the contract: the ledger earns what may
/// be charged and not a cent more, and a payment that was in time after all takes it back.
#[test]
fn what_being_late_costs_is_earned_within_the_law_and_taken_back_when_nobody_was_late() {
    let rules: Rules = serde_json::from_str(
        r#"{"late_fee":{"tiers":[{"amount":700}]},
            "caps":[{"id":"late","from":"2024-01-01","counts":["late_fee"],"amount":1000}]}"#,
    )
    .unwrap();
    let contract = Contract::new(terms(), rules, amount(300)).unwrap();
    let mut books = Books { loan: Loan::new(contract), entries: Vec::new(), trial: TrialBalance::default() };
    books.record(Event::Booked, "2024-01-01");
    books.record(Event::PayoutSettled { value_date: date("2024-01-01") }, "2024-01-01");
    books.record(received(1, "2024-03-02"), "2024-03-02");
    assert_eq!(books.net(Account::PenaltyIncome), -1_000);
    books.record(received(1_701, "2024-02-01"), "2024-03-02");
    assert_eq!(books.net(Account::PenaltyIncome), -700);
}
