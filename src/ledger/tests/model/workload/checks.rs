//! What must hold after every event.

use prequal_ledger::{Account as A, Event, Loan, Position, Status};

use super::Life;

impl Life {
    pub fn check(&mut self, before: &Loan, name: &str) {
        let position = *self.loan.position();
        let mut sides = (0, 0);
        for (_, account, own) in self.trial.iter() {
            sides = (sides.0 + own.debit.minor(), sides.1 + own.credit.minor());
            assert_eq!(own.net(), position.net(account), "{name}: {}", account.name());
        }
        assert_eq!(sides.0, sides.1, "debits equal credits");
        for account in
            [A::PrincipalReceivable, A::InterestReceivable, A::FeeReceivable, A::PenaltyReceivable, A::CashInTransit]
        {
            assert!(position.net(account) >= 0, "{name}: {} is {}", account.name(), position.net(account));
        }
        self.check_the_model(&position, name);
        self.check_the_funders(&position);
        self.check_the_line(&position);
        if self.random.one_in(3) {
            self.check_the_undoing(before);
        }
        if self.random.one_in(6) {
            let again = Loan::restore(self.loan.contract().clone(), self.loan.records().to_vec()).unwrap();
            assert_eq!((again.position(), again.status()), (&position, self.loan.status()), "a projection is rebuilt");
        }
    }

    fn check_the_model(&self, position: &Position, name: &str) {
        let Some(model) = &self.model else { return };
        let expected = model.expected(self.loan.posted_through().days());
        let (owed, none) = ((expected.interest, expected.interest_income), (0, 0));
        let (interest, penalty) = if model.late { (none, owed) } else { (owed, none) };
        for (account, held) in [
            (A::Cash, expected.cash),
            (A::CashInTransit, expected.in_transit),
            (A::PrincipalReceivable, expected.principal),
            (A::InterestReceivable, interest.0),
            (A::MerchantPayable, expected.merchant),
            (A::CustomerCredit, expected.credit_balance),
            (A::OwnerPayable, expected.owner),
            (A::RecoveryIncome, expected.recovery),
            (A::LoanLoss, expected.loss),
            (A::SaleResult, expected.sale),
            (A::Goodwill, expected.goodwill),
            (A::InterestIncome, interest.1),
            (A::FeeReceivable, 0),
            (A::PenaltyReceivable, penalty.0),
            (A::PenaltyIncome, penalty.1),
        ] {
            let got = i128::from(position.net(account));
            assert_eq!(got, held, "after {name}: {}\n{:?}\n{model:?}", account.name(), self.loan.records());
        }
    }

    /// The parts of the funders are the whole, and each funder's books hold them.
    pub fn check_the_funders(&mut self, position: &Position) {
        let Ok(positions) = self.funding.positions(self.loan.contract().terms(), position, &self.moved) else {
            assert_eq!(self.loan.status(), Status::Transferred, "only a loan that was sold has no funders");
            return;
        };
        self.check_the_shares(position, &positions);
        let before = core::mem::replace(&mut self.funder_positions, positions);
        let currency = self.loan.contract().currency();
        for ((was, is), books) in before.iter().zip(&self.funder_positions).zip(&mut self.funder_books) {
            if let Some(entry) = is.entry_from(was, self.today, currency, "share").unwrap() {
                books.add(&entry).unwrap();
            }
            for account in A::CHART {
                assert_eq!(books.of(currency, *account).net(), is.net(*account));
            }
        }
        let sum = |account| self.funder_positions.iter().map(|one| one.net(account)).sum::<i64>();
        let receivables = [A::PrincipalReceivable, A::InterestReceivable, A::FeeReceivable, A::PenaltyReceivable];
        for account in receivables {
            assert_eq!(sum(account), position.net(account), "the parts are the whole: {}", account.name());
            assert!(self.funder_positions.iter().all(|one| one.net(account) >= 0), "{}", account.name());
        }
        assert_eq!(sum(A::LoanLoss), position.net(A::LoanLoss) + suspended_loss(position));
        assert_eq!(sum(A::RecoveryIncome), position.net(A::RecoveryIncome));
    }

    /// What is lent of a line is what its loan was lent less what came back for good; and by the model: the principal that
    /// stands, with what may still go back, as long as the loan is the lender's own.
    fn check_the_line(&self, position: &Position) {
        let lent = position.lent.minor() + position.drawn.minor();
        let drawn = self.own_line.drawn().minor();
        assert_eq!(drawn, lent - self.loan.principal_restored().minor());
        let own = !matches!(self.loan.status(), Status::ChargedOff | Status::Transferred);
        if let Some(model) = self.model.as_ref().filter(|_| own) {
            let expected = model.expected(self.loan.posted_through().days());
            assert_eq!(i128::from(drawn), i128::from(lent).min(expected.principal + expected.in_transit));
        }
    }

    /// Undone, the event leaves what there was without it, seen on the same day.
    fn check_the_undoing(&mut self, before: &Loan) {
        let mut undone = self.loan.clone();
        let number = u32::try_from(undone.records().len()).unwrap();
        if number < 2 {
            return;
        }
        let done = undone.record(Event::Reversed { number }, self.today);
        assert!(done.is_ok(), "what nothing rests on can be undone: {done:?}\n{:?}", undone.records());
        let mut without = before.clone();
        without.record(Event::Recognized, undone.posted_through()).unwrap();
        assert_eq!(undone.position(), without.position(), "undoing restores");
        assert_eq!(undone.status(), without.status());
        let day = undone.posted_through();
        assert_eq!(undone.owed(day).unwrap(), without.owed(day).unwrap());
        self.undone += 1;
    }
}

/// What of a charge-off is no loss of the whole because it was never income: the funders' books know no suspense.
fn suspended_loss(position: &Position) -> i64 {
    position.suspense_charged_off.minor()
}
