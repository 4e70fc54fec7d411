//! How a merchant is settled, as data.

use prequal_core::{
    calendar::{Date, Weekday},
    decimal::Decimal,
    money::Amount,
};
use prequal_ledger::merchant::SettlementRules;
use serde::Deserialize;

/// After how many settlements that leave a merchant owing it is claimed, where the configuration does not say.
const CLAIM_AFTER: u16 = 3;
/// The most that may be said.
const CLAIM_AFTER_MAX: u16 = 100;
/// The dearest fee that is not surely a slip of the pen, in per cent.
const FEE_PERCENT_MAX: u32 = 50;
const MINUTES_OF_DAY: u16 = 24 * 60;

/// When a merchant is paid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cycle {
    /// A payout for every loan, when it is booked.
    #[default]
    Immediate,
    /// One payout a business day, for what came up to the end of the day before.
    Daily,
    /// One payout a week, for what came up to the end of the cut-off's day.
    Weekly,
}

/// What `[[merchants]]` says of settlements.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementConfig {
    /// When it is paid.
    #[serde(default)]
    pub cycle: Cycle,
    /// `HH:MM` in the bundle's time zone: what comes then or later belongs to the next business day.
    #[serde(default)]
    pub cut_off: Option<String>,
    /// The last day of a week, for a weekly cycle: `monday` … `sunday`.
    #[serde(default)]
    pub last_day: Option<Weekday>,
    /// What is held back of captures until the reserve is full, in per cent.
    #[serde(default)]
    pub reserve_percent: Decimal,
    /// When the reserve is full, in minor units.
    #[serde(default)]
    pub reserve_amount: Amount,
    /// After how many settlements in a row that leave it owing the merchant is claimed.
    #[serde(default)]
    pub claim_after: Option<u16>,
    /// Plans of which the seller bears the instalment fee, where they cost the buyer nothing.
    #[serde(default)]
    pub plan_fees: Vec<PlanFee>,
}

/// A seller's fee for a plan.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFee {
    /// The plan.
    pub plan: String,
    /// In per cent of the principal.
    pub percent: Decimal,
}

/// The same, checked.
#[derive(Debug, Clone)]
pub struct Settling {
    /// When it is paid.
    pub cycle: Cycle,
    /// The minute of the day from which on the next one begins.
    pub cut_off_minute: Option<u16>,
    last_day: Weekday,
    /// Reserve and claims.
    pub rules: SettlementRules,
    plan_fees: Vec<PlanFee>,
}

impl Settling {
    /// Checks a configuration.
    ///
    /// # Errors
    /// One readable clause.
    pub fn of(config: &SettlementConfig) -> Result<Self, String> {
        let claim_after = config.claim_after.unwrap_or(CLAIM_AFTER);
        if claim_after == 0 || claim_after > CLAIM_AFTER_MAX {
            return Err(format!("settlement.claim_after is 1 to {CLAIM_AFTER_MAX}"));
        }
        if config.reserve_percent.is_negative() || config.reserve_percent > Decimal::from(100) {
            return Err("settlement.reserve_percent is 0 to 100".to_owned());
        }
        if config.reserve_percent.is_zero() != config.reserve_amount.is_zero() {
            return Err("settlement.reserve_percent and reserve_amount go together".to_owned());
        }
        if config.cycle == Cycle::Immediate && !config.reserve_percent.is_zero() {
            return Err("a merchant that is paid at once leaves no reserve".to_owned());
        }
        if (config.cycle == Cycle::Weekly) != config.last_day.is_some() {
            return Err("settlement.last_day goes with the cycle `weekly`".to_owned());
        }
        for (place, fee) in config.plan_fees.iter().enumerate() {
            if fee.percent.is_negative() || fee.percent > Decimal::from(FEE_PERCENT_MAX) {
                return Err(format!("settlement.plan_fees: percent is 0 to {FEE_PERCENT_MAX}"));
            }
            if config.plan_fees.iter().take(place).any(|other| other.plan == fee.plan) {
                return Err(format!("settlement.plan_fees: plan `{}` stands twice", fee.plan));
            }
        }
        Ok(Self {
            cycle: config.cycle,
            cut_off_minute: config.cut_off.as_deref().map(minute).transpose()?,
            last_day: config.last_day.unwrap_or(Weekday::Sunday),
            rules: SettlementRules {
                reserve_percent: config.reserve_percent,
                reserve_amount: config.reserve_amount,
                claim_after,
            },
            plan_fees: config.plan_fees.clone(),
        })
    }

    /// The seller's fee of a plan.
    #[must_use]
    pub fn plan_fee(&self, plan: &str) -> Option<Decimal> {
        self.plan_fees.iter().find(|fee| fee.plan == plan).map(|fee| fee.percent)
    }

    /// The last day of the cycle that ended before a date.
    ///
    /// # Errors
    /// One readable clause, where the calendar ends.
    pub fn until(&self, date: Date) -> Result<Date, String> {
        let mut last = date.add_days(-1).map_err(|error| error.to_string())?;
        while self.cycle == Cycle::Weekly && last.weekday() != self.last_day {
            last = last.add_days(-1).map_err(|error| error.to_string())?;
        }
        Ok(last)
    }
}

fn minute(text: &str) -> Result<u16, String> {
    let wrong = || format!("settlement.cut_off `{text}` is not of the form `HH:MM`");
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| -> Option<u16> {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let (hours, minutes) = (number(hours).ok_or_else(wrong)?, number(minutes).ok_or_else(wrong)?);
    let minute = hours * 60 + minutes;
    if minutes > 59 || minute == 0 || minute >= MINUTES_OF_DAY { Err(wrong()) } else { Ok(minute) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settling(text: &str) -> Result<Settling, String> {
        Settling::of(&toml::from_str(text).map_err(|error| error.to_string())?)
    }

    /// 2026-01-31 is a Saturday.
    #[test]
    fn a_cycle_ends_before_the_day_on_which_it_is_settled() {
        let until =
            |text: &str, date: &str| settling(text).unwrap().until(Date::parse(date).unwrap()).unwrap().to_string();
        assert_eq!(until("cycle = \"daily\"", "2026-02-01"), "2026-01-31");
        assert_eq!(until("cycle = \"daily\"", "2024-03-01"), "2024-02-29");
        let weekly = "cycle = \"weekly\"\nlast_day = \"saturday\"";
        assert_eq!(until(weekly, "2026-01-31"), "2026-01-24", "its last day is not over");
        assert_eq!(until(weekly, "2026-02-01"), "2026-01-31");
        assert_eq!(until(weekly, "2026-02-07"), "2026-01-31");
    }

    #[test]
    fn a_settlement_that_contradicts_itself_is_refused() {
        for (text, why) in [
            ("cycle = \"weekly\"", "last_day"),
            ("cycle = \"daily\"\nlast_day = \"monday\"", "last_day"),
            ("cycle = \"daily\"\nreserve_percent = \"5\"", "go together"),
            ("reserve_percent = \"5\"\nreserve_amount = 1", "at once"),
            ("cycle = \"daily\"\nreserve_percent = \"101\"\nreserve_amount = 1", "0 to 100"),
            ("claim_after = 0", "claim_after"),
            ("claim_after = 101", "claim_after"),
            ("cut_off = \"24:00\"", "HH:MM"),
            ("cut_off = \"00:00\"", "HH:MM"),
            ("cut_off = \"6:00\"", "HH:MM"),
            ("cut_off = \"18:60\"", "HH:MM"),
            ("plan_fees = [{ plan = \"a\", percent = \"51\" }]", "0 to 50"),
            ("plan_fees = [{ plan = \"a\", percent = \"1\" }, { plan = \"a\", percent = \"1\" }]", "twice"),
            ("weekly = true", "unknown field"),
        ] {
            let error = settling(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert_eq!(settling("cycle = \"daily\"\ncut_off = \"18:30\"").unwrap().cut_off_minute, Some(18 * 60 + 30));
    }
}
