//! What is measured: contracts of each method and length, with their schedules.

use prequal_core::{
    calendar::{Date, DayCount, Period},
    credit::{AprAnswer, Convention, CreditError, Method, Rate, Repayment, Schedule, Terms, apr_of_plan, schedule},
    currency::Currency,
    decimal::Decimal,
    money::Amount,
    rounding::Rounding,
};

/// Instalments of the contracts.
pub const COUNTS: [u16; 4] = [4, 12, 36, 360];
/// The methods, by their names in JSON.
pub const METHODS: [(&str, Method); 5] = [
    ("equal_installment", Method::EqualInstallment),
    ("equal_principal", Method::EqualPrincipal),
    ("interest_only", Method::InterestOnly),
    ("fee_installment", Method::FeeInstallment),
    ("free", Method::Free),
];
/// The conventions of the rate, by their names in JSON.
pub const CONVENTIONS: [(&str, Convention); 5] = [
    ("us_reg_z", Convention::UsRegZ),
    ("eu_aprc", Convention::EuAprc),
    ("uk", Convention::Uk),
    ("cn_irr", Convention::CnIrr),
    ("ifrs_eir", Convention::IfrsEir),
];

/// A contract and its schedule.
#[derive(Debug)]
pub struct Case {
    pub method: &'static str,
    pub count: u16,
    pub terms: Terms,
    pub made: Schedule,
}

impl Case {
    /// 1,299.00 from 15 January 2026, monthly, at 12.9 % or for a fee of 4.5 %.
    ///
    /// # Errors
    /// None: the contract is a plain one.
    pub fn new(method: &'static str, kind: Method, count: u16) -> Result<Self, CreditError> {
        let mut repayment = Repayment::regular(kind, count, Period::Months(1));
        if kind == Method::FeeInstallment {
            repayment.fee_percent = Decimal::new(45, 1).ok();
        }
        let rate = Decimal::new(129, 1).ok().map(|percent| Rate::annual(percent, DayCount::Thirty360));
        let terms = Terms {
            currency: Currency::parse("USD").unwrap_or_else(|_| unreachable!("a currency")),
            principal: Amount::new(129_900)?,
            start: Date::from_ymd(2026, 1, 15)?,
            rate: rate.filter(|_| !matches!(kind, Method::Free | Method::FeeInstallment)),
            repayment,
            rounding: Rounding::HalfEven,
            level_rounding: None,
            remainder: None,
            adjust_installment: false,
            fees: Vec::new(),
            after_maturity: None,
        };
        let made = schedule(&terms)?;
        Ok(Self { method, count, terms, made })
    }

    /// The rate of the schedule.
    ///
    /// # Errors
    /// None: the flows are those of a loan.
    pub fn rate(&self, convention: Convention) -> Result<AprAnswer, CreditError> {
        let Terms { start, principal, .. } = self.terms;
        apr_of_plan(convention, None, start, principal, Amount::ZERO, &self.made.installments)
    }
}

/// Every method in every length.
///
/// # Errors
/// None: the contracts are plain ones.
pub fn cases() -> Result<Vec<Case>, CreditError> {
    METHODS.iter().flat_map(|(name, method)| COUNTS.map(|count| Case::new(name, *method, count))).collect()
}
