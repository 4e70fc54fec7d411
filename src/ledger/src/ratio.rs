//! Portfolio ratios: how much of a lender's book may be financed together with others.
//!
//! A ratio is an exact comparison of whole amounts; at equality it holds, one minor unit beyond it is broken. It is
//! judged with the loan that is to be signed already in both sums.

use prequal_core::{decimal::Decimal, money::Amount};
use serde::{Deserialize, Serialize};

use crate::{Funding, LedgerError};

/// Ratios of a lender's portfolio, as data; what is absent is not limited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratios {
    /// The least share of every loan that each partner in it finances, in per cent.
    #[serde(default)]
    pub partner_share_min_percent: Option<Decimal>,
    /// The most that one partner's loans may come to, in per cent of the lender's net tier-1 capital.
    #[serde(default)]
    pub one_partner_max_percent: Option<Decimal>,
    /// The lender's net tier-1 capital, in minor units; required by the ratio above.
    #[serde(default)]
    pub net_tier1_capital: Option<Amount>,
    /// The most that all joint loans may come to, in per cent of all loans.
    #[serde(default)]
    pub joint_max_percent: Option<Decimal>,
    /// What of a joint loan counts.
    #[serde(default)]
    pub counts: Counts,
}

/// What of a joint loan counts against a ratio.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// The lender's own part of it, and the lender's own part of all loans.
    #[default]
    Lender,
    /// The whole loan, and all loans whole.
    Whole,
}

/// A ratio that would be passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// [`Ratios::partner_share_min_percent`].
    PartnerShare,
    /// [`Ratios::one_partner_max_percent`].
    OnePartner,
    /// [`Ratios::joint_max_percent`].
    Joint,
}

impl Passed {
    /// The name under which it is recorded.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PartnerShare => "partner_share_min",
            Self::OnePartner => "one_partner_max",
            Self::Joint => "joint_max",
        }
    }
}

/// What is owed or reserved, with the loan that is to be signed, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// In loans with one partner.
    pub with_partner: Amount,
    /// In all joint loans.
    pub joint: Amount,
    /// In all loans.
    pub all: Amount,
}

impl Ratios {
    /// Whether any is set that needs sums over the portfolio.
    #[must_use]
    pub const fn needs_totals(&self) -> bool {
        self.one_partner_max_percent.is_some() || self.joint_max_percent.is_some()
    }

    /// Refuses what contradicts itself.
    ///
    /// # Errors
    /// [`LedgerError::Funding`].
    pub fn check(&self) -> Result<(), LedgerError> {
        let percents = [self.partner_share_min_percent, self.one_partner_max_percent, self.joint_max_percent];
        if percents.iter().flatten().any(|percent| percent.is_negative() || *percent > Decimal::from(100)) {
            return Err(LedgerError::Funding("a ratio is 0 to 100 per cent"));
        }
        if self.one_partner_max_percent.is_some() && self.net_tier1_capital.is_none() {
            return Err(LedgerError::Funding("one partner's maximum needs net_tier1_capital"));
        }
        Ok(())
    }

    /// Whether the shares of a loan are enough for its partners.
    ///
    /// # Errors
    /// The ratio that is passed.
    pub fn judge_shares(&self, funding: &Funding, is_partner: impl Fn(&str) -> bool) -> Result<(), Passed> {
        let Some(least) = self.partner_share_min_percent else { return Ok(()) };
        let mut partners = funding.funders().iter().filter(|funder| is_partner(&funder.id));
        if partners.any(|funder| funder.share_percent < least) { Err(Passed::PartnerShare) } else { Ok(()) }
    }

    /// Whether a joint loan may be signed, by the sums for one of its partners.
    ///
    /// # Errors
    /// The first ratio that is passed.
    pub fn judge(&self, totals: &Totals) -> Result<(), Passed> {
        let over = |part: Amount, whole: Amount, percent: Decimal| {
            let left = u128::from(part.unsigned()) * 100 * u128::from(percent.denominator());
            left > u128::from(whole.unsigned()) * u128::from(percent.mantissa().unsigned_abs())
        };
        if let (Some(percent), Some(capital)) = (self.one_partner_max_percent, self.net_tier1_capital)
            && over(totals.with_partner, capital, percent)
        {
            return Err(Passed::OnePartner);
        }
        match self.joint_max_percent {
            Some(percent) if over(totals.joint, totals.all, percent) => Err(Passed::Joint),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Funder;

    fn percent(text: &str) -> Option<Decimal> {
        Some(Decimal::parse(text).unwrap())
    }

    fn totals(with_partner: i64, joint: i64, all: i64) -> Totals {
        let amount = |minor| Amount::new(minor).unwrap();
        Totals { with_partner: amount(with_partner), joint: amount(joint), all: amount(all) }
    }

    /// 25 % of 1,000.00 is 250.00, 50 % of 900.01 is 450.005: 450.00 is within, 450.01 is not.
    #[test]
    fn a_ratio_holds_at_equality_and_is_broken_one_cent_beyond() {
        let ratios = Ratios {
            one_partner_max_percent: percent("25"),
            net_tier1_capital: Some(Amount::new(100_000).unwrap()),
            joint_max_percent: percent("50"),
            ..Ratios::default()
        };
        assert_eq!(ratios.judge(&totals(25_000, 45_000, 90_001)), Ok(()));
        assert_eq!(ratios.judge(&totals(25_001, 45_000, 90_001)), Err(Passed::OnePartner));
        assert_eq!(ratios.judge(&totals(25_000, 45_001, 90_001)), Err(Passed::Joint));
        assert_eq!(ratios.judge(&totals(0, 0, 0)), Ok(()));
        let largest = i64::try_from(Amount::MAX.unsigned()).unwrap();
        assert_eq!(ratios.judge(&totals(0, largest, largest)), Err(Passed::Joint), "no product leaves its range");
    }

    #[test]
    fn a_partner_s_share_has_a_minimum() {
        let funder = |id: &str, share: &str| Funder {
            id: id.to_owned(),
            share_percent: Decimal::parse(share).unwrap(),
            servicing_fee_percent: Decimal::ZERO,
        };
        let judge = |share: &str, own: &str| {
            let ratios = Ratios { partner_share_min_percent: percent("30"), ..Ratios::default() };
            let funding = Funding::new(vec![funder("bank", share), funder("own", own)], "own".to_owned()).unwrap();
            ratios.judge_shares(&funding, |id| id == "bank")
        };
        assert_eq!(judge("30", "70"), Ok(()));
        assert_eq!(judge("29.99", "70.01"), Err(Passed::PartnerShare));
    }

    #[test]
    fn ratios_that_contradict_themselves_are_refused() {
        let no_capital = Ratios { one_partner_max_percent: percent("25"), ..Ratios::default() };
        assert!(no_capital.check().is_err());
        assert!(Ratios { joint_max_percent: percent("100.01"), ..Ratios::default() }.check().is_err());
        assert!(Ratios { joint_max_percent: percent("-1"), ..Ratios::default() }.check().is_err());
        assert_eq!(Ratios::default().check(), Ok(()));
    }
}
