//! Rules that contradict each other or know no bounds are refused.

use super::{
    CreditError,
    accrual::checked_percent,
    caps::ChargeCap,
    rules::{
        ALLOCATION_STAGES_MAX, Bucket, CHARGE_CAPS_MAX, GRACE_DAYS_MAX, Grace, LATE_FEE_TIERS_MAX, LateFee, LateRules,
        MULTIPLE_MAX, PARTS, Penalty, PenaltyMode, Rules, TIMINGS, Timing, default_order,
    },
};
use crate::decimal::Decimal;

impl Rules {
    /// Checks what the types cannot.
    pub(crate) fn check(&self) -> Result<(), CreditError> {
        let too_many = |what, max| Err(CreditError::TooMany { what, max });
        check_order(&self.allocation.order)?;
        if self.allocation.stages.len() > ALLOCATION_STAGES_MAX {
            return too_many("stages", ALLOCATION_STAGES_MAX);
        }
        if !self.allocation.stages.is_sorted_by(|one, next| one.days < next.days) {
            return refuse("stages", "their days must rise");
        }
        for stage in &self.allocation.stages {
            check_order(&stage.order)?;
        }
        self.late().check()?;
        if let Some(percent) = self.prepayment.fee_percent {
            check_share("fee_percent", percent)?;
        }
        if let Some(ceiling) = &self.prepayment.ceiling {
            check_share("percent", ceiling.percent)?;
            check_share("percent_within_year", ceiling.percent_within_year)?;
        }
        if self.caps.len() > CHARGE_CAPS_MAX {
            return too_many("caps", CHARGE_CAPS_MAX);
        }
        self.caps.iter().try_for_each(ChargeCap::check)
    }
}

impl LateRules<'_> {
    /// Checks what the types cannot.
    pub(crate) fn check(&self) -> Result<(), CreditError> {
        self.penalty.map_or(Ok(()), check_penalty)?;
        self.late_fee.map_or(Ok(()), check_late_fee)
    }
}

fn refuse<T>(field: &'static str, why: &'static str) -> Result<T, CreditError> {
    Err(CreditError::NotApplicable { field, why })
}

/// A share of what is prepaid: at most the whole.
fn check_share(field: &'static str, percent: Decimal) -> Result<(), CreditError> {
    if checked_percent(field, percent)? > Decimal::from(100) {
        return refuse(field, "it is a share, at most 100 per cent");
    }
    Ok(())
}

fn check_order(order: &[Bucket]) -> Result<(), CreditError> {
    let each_once =
        order.len() == TIMINGS.len() * PARTS.len() && default_order().iter().all(|bucket| order.contains(bucket));
    if !each_once {
        return refuse("order", "it must name each of the twelve buckets once");
    }
    let last_due = order.iter().rposition(|bucket| bucket.timing != Timing::InAdvance);
    let first_advance = order.iter().position(|bucket| bucket.timing == Timing::InAdvance);
    if last_due > first_advance {
        return refuse("order", "what is in advance must come after what is due");
    }
    Ok(())
}

fn check_penalty(penalty: &Penalty) -> Result<(), CreditError> {
    match (&penalty.rate, penalty.multiple) {
        (Some(_), Some(_)) => return Err(CreditError::Conflict("rate", "multiple")),
        (None, None) => return Err(CreditError::MissingField("multiple")),
        (None, Some(multiple)) => {
            checked_percent("multiple", multiple)?;
            if multiple > Decimal::from(MULTIPLE_MAX) || multiple.mantissa() >= 1_000_000 || multiple.places() > 6 {
                return refuse("multiple", "it is at most 1000 and has at most six digits");
            }
        }
        (Some(_), None) => {}
    }
    if penalty.compounding && !penalty.law_allows_compounding {
        return refuse("compounding", "no charge compounds unless contract and law both allow it");
    }
    if penalty.grace_days > GRACE_DAYS_MAX {
        return refuse("grace_days", "at most 366 days");
    }
    if penalty.grace == Grace::Retroactive && penalty.mode == PenaltyMode::InPlace {
        return refuse("grace", "a penalty in place of interest cannot take back the interest of days of grace");
    }
    for percent in [penalty.ceiling_annual_percent, penalty.ceiling_percent_of_principal].into_iter().flatten() {
        checked_percent("ceiling", percent)?;
    }
    Ok(())
}

fn check_late_fee(late_fee: &LateFee) -> Result<(), CreditError> {
    if late_fee.tiers.is_empty() {
        return Err(CreditError::MissingField("tiers"));
    }
    if late_fee.tiers.len() > LATE_FEE_TIERS_MAX {
        return Err(CreditError::TooMany { what: "tiers", max: LATE_FEE_TIERS_MAX });
    }
    if !late_fee.tiers.is_sorted_by(|one, next| one.after_days < next.after_days) {
        return refuse("tiers", "their days must rise");
    }
    for tier in &late_fee.tiers {
        match (tier.amount, tier.percent) {
            (Some(_), Some(_)) => return Err(CreditError::Conflict("amount", "percent")),
            (None, None) => return Err(CreditError::MissingField("amount")),
            (None, Some(percent)) => {
                checked_percent("percent", percent)?;
            }
            (Some(_), None) => {}
        }
    }
    late_fee.cap_percent.map_or(Ok(()), |percent| checked_percent("cap_percent", percent).map(drop))
}
