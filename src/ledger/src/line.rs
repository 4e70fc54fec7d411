//! Lines of credit and exposure, as pure state: limit, holds, draws, what is available, and what a person owes in all.
//!
//! A hold is taken when an order is authorized and drawn when it is captured. What is available counts holds. A hold
//! past its day holds nothing, without anybody having to run at midnight. Principal repaid comes back when the money is
//! final; when it goes back after all, the line may stand above its limit: then nothing is available until it is repaid.

use std::collections::BTreeMap;

use prequal_core::{calendar::Date, money::Amount};
use serde::{Deserialize, Serialize};

use crate::{LedgerError, event::ID_BYTES_MAX};

/// Holds of one line at a time, at most.
pub const HOLDS_MAX: usize = 256;
/// Ceilings, and claims of one person, at most.
pub const CLAIMS_MAX: usize = 4_096;

/// What happens to a line. Amounts are minor units of its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum LineEvent {
    /// The limit is granted, raised or lowered; lowering takes back nothing that is drawn or held.
    LimitSet {
        /// The new limit.
        limit: Amount,
    },
    /// An order was authorized.
    Held {
        /// The random id of the hold.
        hold: String,
        /// How much.
        amount: Amount,
        /// The last day on which it holds.
        expires: Date,
    },
    /// An order was captured, whole or in part: so much of the hold is lent.
    Captured {
        /// The hold.
        hold: String,
        /// How much.
        amount: Amount,
        /// Whether it is the last capture, which releases the rest of the hold.
        last: bool,
    },
    /// What was captured of an order was never paid out: so much is held again, as it was before. Nothing new is promised
    /// by it, so neither a freeze nor a lower limit stands in its way.
    HeldAgain {
        /// The hold.
        hold: String,
        /// How much.
        amount: Amount,
        /// The last day on which it holds.
        expires: Date,
    },
    /// An order was voided: its hold is over.
    Released {
        /// The hold.
        hold: String,
    },
    /// Principal was repaid with money that is final, or refunded.
    Restored {
        /// How much.
        amount: Amount,
    },
    /// Money that had restored the line went back.
    Returned {
        /// How much.
        amount: Amount,
    },
    /// Nothing new may be held.
    Frozen,
    /// New holds may be taken again.
    Unfrozen,
}

/// What one order holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// What of it is not drawn.
    pub amount: Amount,
    /// The last day on which it holds.
    pub expires: Date,
}

/// A line of credit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Line {
    limit: Amount,
    drawn: Amount,
    frozen: bool,
    holds: BTreeMap<String, Hold>,
}

impl Line {
    /// A line as its events left it; each with the business date on which it happened.
    ///
    /// # Errors
    /// As [`Line::record`].
    pub fn restore<'a>(events: impl IntoIterator<Item = (&'a LineEvent, Date)>) -> Result<Self, LedgerError> {
        let mut line = Self::default();
        for (event, date) in events {
            line.record(event, date)?;
        }
        Ok(line)
    }

    /// Folds an event in.
    ///
    /// # Errors
    /// [`LedgerError::Line`] where the line does not allow it; the line is unchanged then.
    pub fn record(&mut self, event: &LineEvent, date: Date) -> Result<(), LedgerError> {
        let refused = |why| Err(LedgerError::Line(why));
        match event {
            LineEvent::LimitSet { limit } => self.limit = *limit,
            LineEvent::Frozen => self.frozen = true,
            LineEvent::Unfrozen => self.frozen = false,
            LineEvent::Held { hold, amount, expires } => {
                if hold.is_empty() || hold.len() > ID_BYTES_MAX {
                    return Err(LedgerError::BadId);
                }
                if self.holds.contains_key(hold) {
                    return refused("a hold of this id was taken before");
                }
                if amount.is_zero() || *expires < date {
                    return refused("a hold is of something, for today at least");
                }
                if *amount > self.available(date)? {
                    return refused("less is available");
                }
                // Those that are over are forgotten only now, so that the state depends on the events alone.
                if self.holds.len() >= HOLDS_MAX {
                    self.holds.retain(|_, hold| hold.expires >= date);
                }
                if self.holds.len() >= HOLDS_MAX {
                    return refused("too many holds");
                }
                self.holds.insert(hold.clone(), Hold { amount: *amount, expires: *expires });
            }
            LineEvent::Captured { hold, amount, last } => {
                let Some(held) = self.holds.get_mut(hold).filter(|held| held.expires >= date) else {
                    return refused("no such hold stands");
                };
                let Ok(rest) = held.amount.checked_sub(*amount) else {
                    return refused("a capture is at most what is held");
                };
                self.drawn = self.drawn.checked_add(*amount)?;
                held.amount = rest;
                if *last || rest.is_zero() {
                    self.holds.remove(hold);
                }
            }
            LineEvent::HeldAgain { hold, amount, expires } => {
                if hold.is_empty() || hold.len() > ID_BYTES_MAX {
                    return Err(LedgerError::BadId);
                }
                if amount.is_zero() || *expires < date {
                    return refused("a hold is of something, for today at least");
                }
                // Orders have at most one hold each, so this passes the most holds only by those that had made room.
                let held = self.holds.get(hold).map_or(Amount::ZERO, |held| held.amount);
                let amount = held.checked_add(*amount)?;
                self.holds.insert(hold.clone(), Hold { amount, expires: *expires });
            }
            LineEvent::Released { hold } => {
                if self.holds.remove(hold).is_none() {
                    return refused("no such hold stands");
                }
            }
            LineEvent::Restored { amount } => {
                let Ok(drawn) = self.drawn.checked_sub(*amount) else {
                    return refused("more would come back than was drawn");
                };
                self.drawn = drawn;
            }
            LineEvent::Returned { amount } => self.drawn = self.drawn.checked_add(*amount)?,
        }
        Ok(())
    }

    /// What an order holds, also after its last day.
    #[must_use]
    pub fn hold(&self, hold: &str) -> Option<&Hold> {
        self.holds.get(hold)
    }

    /// What every order holds, by its id, also after its last day.
    pub fn holds(&self) -> impl Iterator<Item = (&str, &Hold)> {
        self.holds.iter().map(|(id, hold)| (id.as_str(), hold))
    }

    /// The limit.
    #[must_use]
    pub const fn limit(&self) -> Amount {
        self.limit
    }

    /// Principal drawn and not come back.
    #[must_use]
    pub const fn drawn(&self) -> Amount {
        self.drawn
    }

    /// Whether it is frozen.
    #[must_use]
    pub const fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// What orders hold on a day.
    ///
    /// # Errors
    /// [`LedgerError::Money`] beyond the range of amounts.
    pub fn held(&self, date: Date) -> Result<Amount, LedgerError> {
        Ok(Amount::sum(self.holds.values().filter(|hold| hold.expires >= date).map(|hold| hold.amount))?)
    }

    /// What may be held anew on a day: nothing of a frozen line.
    ///
    /// # Errors
    /// As [`Line::held`].
    pub fn available(&self, date: Date) -> Result<Amount, LedgerError> {
        let used = self.drawn.checked_add(self.held(date)?)?;
        Ok(if self.frozen { Amount::ZERO } else { self.limit.saturating_sub(used) })
    }

    /// By how much draws and holds exceed the limit.
    ///
    /// # Errors
    /// As [`Line::held`].
    pub fn above_limit(&self, date: Date) -> Result<Amount, LedgerError> {
        Ok(self.drawn.checked_add(self.held(date)?)?.saturating_sub(self.limit))
    }
}

/// What a claim on a person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// Principal outstanding.
    Principal,
    /// A hold.
    Hold,
    /// Signed and not yet paid out.
    Signed,
}

/// What one verified person owes, or could come to owe, by one contract, in minor units of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// What it is.
    pub kind: ClaimKind,
    /// The product.
    pub product: String,
    /// The merchant.
    pub merchant: String,
    /// The funder.
    pub funder: String,
    /// How much.
    pub amount: Amount,
}

/// A ceiling on what one person may owe in all, or of one product, merchant or funder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    /// Its name, as a refusal says it.
    pub id: String,
    /// At most this, in minor units.
    pub amount: Amount,
    /// Only claims of this product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Only claims of this merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<String>,
    /// Only claims of this funder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funder: Option<String>,
}

impl Ceiling {
    /// Whether a claim counts.
    #[must_use]
    pub fn counts(&self, claim: &Claim) -> bool {
        let fits = |only: &Option<String>, of: &String| only.as_ref().is_none_or(|only| only == of);
        fits(&self.product, &claim.product)
            && fits(&self.merchant, &claim.merchant)
            && fits(&self.funder, &claim.funder)
    }
}

/// Whether a claim may be added to those that a person has. A claim that counts towards no ceiling may.
///
/// # Errors
/// [`LedgerError::Ceiling`] with the first ceiling that would be passed; [`LedgerError::Line`] for too many claims.
pub fn admit(claims: &[Claim], new: &Claim, ceilings: &[Ceiling]) -> Result<(), LedgerError> {
    if claims.len() > CLAIMS_MAX || ceilings.len() > CLAIMS_MAX {
        return Err(LedgerError::Line("too many claims or ceilings"));
    }
    for ceiling in ceilings.iter().filter(|ceiling| ceiling.counts(new)) {
        let counted = claims.iter().filter(|claim| ceiling.counts(claim)).map(|claim| claim.amount);
        if Amount::sum(counted.chain([new.amount]))? > ceiling.amount {
            return Err(LedgerError::Ceiling(ceiling.id.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(minor: i64) -> Amount {
        Amount::new(minor).unwrap()
    }

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    fn held(hold: &str, minor: i64, expires: &str) -> LineEvent {
        LineEvent::Held { hold: hold.into(), amount: amount(minor), expires: day(expires) }
    }

    fn captured(hold: &str, minor: i64, last: bool) -> LineEvent {
        LineEvent::Captured { hold: hold.into(), amount: amount(minor), last }
    }

    /// blnk #181: holds ignored in balance checks.
    #[test]
    fn what_is_available_counts_holds() {
        let today = day("2026-01-01");
        let mut line = Line::default();
        line.record(&LineEvent::LimitSet { limit: amount(10_000) }, today).unwrap();
        line.record(&held("a", 7_000, "2026-01-08"), today).unwrap();
        assert_eq!(line.available(today).unwrap(), amount(3_000));
        let before = line.clone();
        assert_eq!(line.record(&held("b", 3_001, "2026-01-08"), today), Err(LedgerError::Line("less is available")));
        assert_eq!(line, before);
        // Captured 60 % after three days and 40 % later: together what was held, not a cent more.
        line.record(&captured("a", 4_200, false), day("2026-01-04")).unwrap();
        assert_eq!((line.drawn(), line.available(today).unwrap()), (amount(4_200), amount(3_000)));
        assert!(line.record(&captured("a", 2_801, true), day("2026-01-07")).is_err());
        line.record(&captured("a", 2_800, false), day("2026-01-07")).unwrap();
        assert!(line.record(&captured("a", 1, false), day("2026-01-07")).is_err(), "nothing of it is left");
        assert_eq!((line.drawn(), line.held(today).unwrap()), (amount(7_000), amount(0)));
    }

    #[test]
    fn a_hold_ends_with_its_day_by_itself() {
        let mut line = Line::default();
        line.record(&LineEvent::LimitSet { limit: amount(10_000) }, day("2026-01-01")).unwrap();
        line.record(&held("a", 7_000, "2026-01-08"), day("2026-01-01")).unwrap();
        assert_eq!(line.available(day("2026-01-08")).unwrap(), amount(3_000));
        assert_eq!(line.available(day("2026-01-09")).unwrap(), amount(10_000));
        assert!(line.record(&captured("a", 1, true), day("2026-01-09")).is_err());
        assert!(line.record(&held("b", 1, "2026-01-08"), day("2026-01-09")).is_err(), "over before it begins");
        assert!(line.record(&held("b", 0, "2026-01-10"), day("2026-01-09")).is_err());
        line.record(&LineEvent::Released { hold: "a".into() }, day("2026-01-09")).unwrap();
        assert!(line.record(&LineEvent::Released { hold: "a".into() }, day("2026-01-09")).is_err());
    }

    /// A debit returned after the line was used again: the line stands above its limit and lends nothing.
    #[test]
    fn money_that_goes_back_after_the_line_was_used_again_leaves_it_above_its_limit() {
        let today = day("2026-01-01");
        let mut line = Line::default();
        for event in [
            LineEvent::LimitSet { limit: amount(10_000) },
            held("a", 10_000, "2026-01-08"),
            captured("a", 10_000, true),
            LineEvent::Restored { amount: amount(6_000) },
            held("b", 6_000, "2026-01-08"),
            LineEvent::Returned { amount: amount(6_000) },
        ] {
            line.record(&event, today).unwrap();
        }
        assert_eq!((line.available(today).unwrap(), line.above_limit(today).unwrap()), (amount(0), amount(6_000)));
        // What was authorized is captured all the same: the merchant was promised it.
        line.record(&captured("b", 6_000, true), today).unwrap();
        assert_eq!(line.drawn(), amount(16_000));
        let more = LineEvent::Restored { amount: amount(16_001) };
        assert_eq!(line.record(&more, today), Err(LedgerError::Line("more would come back than was drawn")));
    }

    /// 60.00 of 100.00 were captured and never paid out: what was drawn comes back and is held again, also where the line
    /// was frozen or lowered in the meantime.
    #[test]
    fn what_was_captured_and_never_paid_out_is_held_again() {
        let today = day("2026-01-04");
        let again = |minor: i64, expires: &str| LineEvent::HeldAgain {
            hold: "a".into(),
            amount: amount(minor),
            expires: day(expires),
        };
        let mut line = Line::default();
        for event in [
            LineEvent::LimitSet { limit: amount(10_000) },
            held("a", 10_000, "2026-01-08"),
            captured("a", 6_000, false),
            LineEvent::Frozen,
            LineEvent::LimitSet { limit: amount(1) },
            LineEvent::Restored { amount: amount(6_000) },
            again(6_000, "2026-01-08"),
        ] {
            line.record(&event, today).unwrap();
        }
        assert_eq!((line.drawn(), line.held(today).unwrap()), (amount(0), amount(10_000)));
        let before = line.clone();
        for wrong in [again(0, "2026-01-08"), again(1, "2026-01-03")] {
            assert_eq!(
                line.record(&wrong, today),
                Err(LedgerError::Line("a hold is of something, for today at least"))
            );
        }
        assert_eq!(line, before);
        // Where the whole was captured, no hold was left to add to.
        line.record(&captured("a", 10_000, false), today).unwrap();
        assert_eq!(line.hold("a"), None);
        line.record(&LineEvent::Restored { amount: amount(10_000) }, today).unwrap();
        line.record(&again(10_000, "2026-01-08"), today).unwrap();
        assert_eq!((line.drawn(), line.held(today).unwrap()), (amount(0), amount(10_000)));
        assert_eq!(line.held(day("2026-01-09")).unwrap(), amount(0), "no longer than its day");
    }

    #[test]
    fn a_frozen_or_lowered_line_holds_nothing_new_and_takes_nothing_back() {
        let today = day("2026-01-01");
        let mut line = Line::default();
        for event in [LineEvent::LimitSet { limit: amount(100) }, held("a", 60, "2026-01-08"), LineEvent::Frozen] {
            line.record(&event, today).unwrap();
        }
        assert_eq!(line.available(today).unwrap(), amount(0));
        line.record(&captured("a", 60, true), today).unwrap();
        line.record(&LineEvent::Unfrozen, today).unwrap();
        line.record(&LineEvent::LimitSet { limit: amount(50) }, today).unwrap();
        assert_eq!((line.drawn(), line.available(today).unwrap()), (amount(60), amount(0)));
        assert_eq!(line.above_limit(today).unwrap(), amount(10));
    }

    #[test]
    fn holds_are_limited_and_those_that_are_over_make_room() {
        let mut line = Line::default();
        line.record(&LineEvent::LimitSet { limit: amount(1_000) }, day("2026-01-01")).unwrap();
        for place in 0..HOLDS_MAX {
            line.record(&held(&place.to_string(), 1, "2026-01-08"), day("2026-01-01")).unwrap();
        }
        let more = held("more", 1, "2026-01-20");
        assert_eq!(line.record(&more, day("2026-01-08")), Err(LedgerError::Line("too many holds")));
        line.record(&more, day("2026-01-09")).unwrap();
        assert_eq!(line.record(&held("", 1, "2026-01-20"), day("2026-01-09")), Err(LedgerError::BadId));
        assert!(line.record(&more, day("2026-01-09")).is_err(), "the same twice");
    }

    #[test]
    fn exposure_counts_principal_holds_and_what_is_signed_over_everything() {
        let claim = |kind, product: &str, merchant: &str, minor| Claim {
            kind,
            product: product.into(),
            merchant: merchant.into(),
            funder: "f".into(),
            amount: amount(minor),
        };
        let claims = [
            claim(ClaimKind::Principal, "four", "shoes", 100),
            claim(ClaimKind::Hold, "line", "shoes", 200),
            claim(ClaimKind::Signed, "four", "books", 300),
        ];
        let all = Ceiling { id: "person".into(), amount: amount(700), product: None, merchant: None, funder: None };
        let four = Ceiling { id: "four".into(), amount: amount(450), product: Some("four".into()), ..all.clone() };
        let ceilings = [all, four];
        let new = |product: &str, minor| claim(ClaimKind::Signed, product, "toys", minor);
        assert_eq!(admit(&claims, &new("line", 100), &ceilings), Ok(()));
        assert_eq!(admit(&claims, &new("line", 101), &ceilings), Err(LedgerError::Ceiling("person".into())));
        assert_eq!(admit(&claims, &new("four", 50), &ceilings), Ok(()));
        assert_eq!(admit(&claims, &new("four", 51), &ceilings), Err(LedgerError::Ceiling("four".into())));
        let many = vec![claims[0].clone(); CLAIMS_MAX + 1];
        assert!(matches!(admit(&many, &new("four", 1), &[]), Err(LedgerError::Line(_))));
    }
}
