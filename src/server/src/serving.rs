//! How loans are served, as data of the configuration. A loan keeps what stood there when it was booked: what is
//! changed later counts for loans booked later, so that a loan's books are always the fold of its own rules.

use prequal_core::{
    canonical,
    credit::{PrepaymentRule, RefundRule},
    money::Amount,
    wire::Offer,
};
use prequal_ledger::{Contract, LedgerError, Servicing};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// When income is posted of a loan to which nothing happens. A balance is right without it on any day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recognition {
    /// On the last day of each month.
    #[default]
    MonthEnd,
    /// With the next event only.
    Never,
}

/// The rules by which a lender serves loans. The default gives no right to withdraw, sets nothing aside and gives
/// nothing up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serving {
    /// Days from the start within which a shopper may withdraw; none where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawal_days: Option<u16>,
    /// When income is posted.
    pub recognition: Recognition,
    /// What a merchant's refund reduces and gives back.
    pub refund: RefundRule,
    /// What paying early costs and does.
    pub prepayment: PrepaymentRule,
    /// Days past due, buckets, non-accrual, allowance, charge-off, re-ageing.
    pub rules: Servicing,
}

impl Serving {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// One readable line.
    pub fn check(&self) -> Result<(), String> {
        self.rules.check().map_err(|error| format!("servicing.rules: {error}"))
    }

    /// As a loan keeps it; nothing where it says nothing.
    ///
    /// # Errors
    /// 500 where it cannot be written.
    pub fn text(&self) -> Result<Option<String>, Problem> {
        if *self == Self::default() {
            return Ok(None);
        }
        canonical::to_string(self).map(Some).map_err(Problem::internal)
    }

    /// What a loan kept.
    ///
    /// # Errors
    /// 500 where it cannot be read.
    pub fn read(text: Option<&str>) -> Result<Self, Problem> {
        text.map_or_else(|| Ok(Self::default()), |text| serde_json::from_str(text).map_err(Problem::internal))
    }

    /// The contract of an offer that is served by these rules.
    ///
    /// # Errors
    /// [`LedgerError`] where terms and rules make none.
    pub fn contract(&self, offer: &Offer, merchant_fee: Amount) -> Result<Contract, LedgerError> {
        let mut rules = offer.rules();
        rules.withdrawal_days = self.withdrawal_days;
        rules.refund = self.refund;
        rules.prepayment = self.prepayment.clone();
        Contract::new(offer.terms.clone(), rules, merchant_fee)?.served_by(self.rules.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_loan_keeps_reads_back_and_a_loan_that_kept_nothing_is_served_by_the_default() {
        let text = r#"
            withdrawal_days = 14
            recognition = "never"
            [refund]
            order = "first_first"
            interest_refunded = true
            [rules]
            technical_grace_days = 3
            non_accrual_from_days = 90
            charge_off_from_days = 180
            re_ageings_max = 1
            materiality = { amount = 100, percent = "1" }
            buckets = [{ code = "1-29", from_days = 1 }, { code = "30+", from_days = 30 }]
            allowance = [{ from_days = 0, percent = "1.5" }, { from_days = 90, percent = "60" }]
        "#;
        let serving: Serving = toml::from_str(text).unwrap();
        assert_eq!(serving.check(), Ok(()));
        let kept = serving.text().unwrap().unwrap();
        assert_eq!(Serving::read(Some(&kept)).unwrap(), serving);
        assert_eq!((Serving::default().text().unwrap(), Serving::read(None).unwrap()), (None, Serving::default()));
        assert!(toml::from_str::<Serving>("withdrawal = 14").is_err());
        let falling: Serving = toml::from_str(
            "[rules]\nallowance = [{ from_days = 90, percent = \"1\" }, { from_days = 30, percent = \"2\" }]",
        )
        .unwrap();
        assert!(falling.check().unwrap_err().contains("days must rise"));
    }
}
