//! An order as pure state: authorized, captured in one or more parts, voided, or over with its window.
//!
//! What was signed is a maximum. Nothing is lent before a capture, and all captures together are at most what was
//! authorized. The window ends with its last day by itself, without anybody having to run at midnight.

use core::fmt;

use prequal_core::{calendar::Date, money::Amount};
use serde::{Deserialize, Serialize};

/// Captures of one order, at most.
pub const CAPTURES_MAX: u32 = 100;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Held, and nothing captured.
    Authorized,
    /// A part is captured, and the rest may be.
    PartlyCaptured,
    /// All of it is captured, or the merchant said that no more will be.
    Captured,
    /// The merchant released what was not captured.
    Voided,
    /// The window ended before all of it was captured.
    Expired,
}

impl OrderState {
    /// The name under which it is stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorized => "authorized",
            Self::PartlyCaptured => "partly_captured",
            Self::Captured => "captured",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }

    /// Whether something may still be captured or voided.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Authorized | Self::PartlyCaptured)
    }
}

/// How an order was ended before its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By its last capture.
    Captured,
    /// By the merchant.
    Voided,
}

/// Why a capture or a void is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderRefusal {
    /// A capture of nothing.
    Nothing,
    /// More than what is left of what was authorized.
    AboveAuthorized {
        /// What is left.
        left: Amount,
    },
    /// The last day of the window is over.
    WindowOver {
        /// That day.
        until: Date,
    },
    /// It has ended.
    Ended(OrderState),
    /// It has had [`CAPTURES_MAX`] captures.
    TooManyCaptures,
}

impl fmt::Display for OrderRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => out.write_str("a capture is more than nothing"),
            Self::AboveAuthorized { left } => write!(out, "of what was authorized, `{left}` is left"),
            Self::WindowOver { until } => write!(out, "it could be captured until {until}"),
            Self::Ended(state) => write!(out, "the order is {}", state.name()),
            Self::TooManyCaptures => write!(out, "an order has at most {CAPTURES_MAX} captures"),
        }
    }
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What was signed, in minor units.
    pub authorized: Amount,
    /// What is captured of it.
    pub captured: Amount,
    /// What its merchant gave up of it, by a last capture or by voiding the rest.
    pub released: Amount,
    /// In how many captures.
    pub captures: u32,
    /// The last day on which it may be captured.
    pub until: Date,
    /// How it was ended, where it was.
    pub end: Option<End>,
}

impl Order {
    /// Where it stands on a day.
    #[must_use]
    pub fn state(&self, today: Date) -> OrderState {
        match self.end {
            Some(End::Captured) => OrderState::Captured,
            Some(End::Voided) => OrderState::Voided,
            None if self.left().is_zero() => OrderState::Captured,
            None if today > self.until => OrderState::Expired,
            None if self.captured.is_zero() => OrderState::Authorized,
            None => OrderState::PartlyCaptured,
        }
    }

    /// What is held on a day: what may still be captured.
    #[must_use]
    pub fn held(&self, today: Date) -> Amount {
        if self.state(today).is_open() { self.left() } else { Amount::ZERO }
    }

    /// What is neither captured nor given up.
    fn left(&self) -> Amount {
        self.authorized.saturating_sub(self.captured).saturating_sub(self.released)
    }

    fn finish(&mut self, end: End) {
        self.released = self.authorized.saturating_sub(self.captured);
        self.end = Some(end);
    }

    fn open(&self, today: Date) -> Result<(), OrderRefusal> {
        match self.state(today) {
            OrderState::Expired => Err(OrderRefusal::WindowOver { until: self.until }),
            state if state.is_open() => Ok(()),
            state => Err(OrderRefusal::Ended(state)),
        }
    }

    /// Captures a part; with `last`, the rest is released.
    ///
    /// # Errors
    /// [`OrderRefusal`]; the order is unchanged then.
    pub fn capture(&mut self, amount: Amount, last: bool, today: Date) -> Result<(), OrderRefusal> {
        self.open(today)?;
        if amount.is_zero() {
            return Err(OrderRefusal::Nothing);
        }
        let left = self.held(today);
        if amount > left {
            return Err(OrderRefusal::AboveAuthorized { left });
        }
        if self.captures >= CAPTURES_MAX {
            return Err(OrderRefusal::TooManyCaptures);
        }
        let rest = left.saturating_sub(amount);
        self.captured = self.authorized.saturating_sub(self.released).saturating_sub(rest);
        self.captures += 1;
        if last || rest.is_zero() {
            self.finish(End::Captured);
        }
        Ok(())
    }

    /// A capture came to nothing, because its payout failed. While the window lasts, so much may be captured again, also
    /// of an order that had ended: its merchant gave up the rest of it, not what it had captured. Gives whether it may.
    pub fn capture_failed(&mut self, amount: Amount, today: Date) -> bool {
        self.captured = self.captured.saturating_sub(amount);
        if !self.left().is_zero() {
            self.end = None;
        }
        self.state(today).is_open()
    }

    /// Releases what is not captured.
    ///
    /// # Errors
    /// [`OrderRefusal`]; the order is unchanged then.
    pub fn void(&mut self, today: Date) -> Result<(), OrderRefusal> {
        self.open(today)?;
        self.finish(End::Voided);
        Ok(())
    }
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

    fn order(until: &str) -> Order {
        let (captured, released) = (Amount::ZERO, Amount::ZERO);
        Order { authorized: amount(10_000), captured, released, captures: 0, until: day(until), end: None }
    }

    #[test]
    fn sixty_per_cent_and_forty_later_are_the_whole_and_not_a_cent_more() {
        let mut order = order("2026-01-31");
        assert_eq!(order.state(day("2026-01-04")), OrderState::Authorized);
        order.capture(amount(6_000), false, day("2026-01-04")).unwrap();
        assert_eq!(order.state(day("2026-01-04")), OrderState::PartlyCaptured);
        let before = order.clone();
        let refused = order.capture(amount(4_001), false, day("2026-01-09"));
        assert_eq!(refused, Err(OrderRefusal::AboveAuthorized { left: amount(4_000) }));
        assert_eq!(order, before);
        order.capture(amount(4_000), false, day("2026-01-09")).unwrap();
        assert_eq!(order.state(day("2027-01-01")), OrderState::Captured);
        assert_eq!(order.void(day("2026-01-09")), Err(OrderRefusal::Ended(OrderState::Captured)));
    }

    #[test]
    fn the_window_ends_with_its_last_day() {
        let mut last_day = order("2028-02-29");
        last_day.capture(amount(1), false, day("2028-02-29")).unwrap();
        assert_eq!(last_day.held(day("2028-02-29")), amount(9_999));
        assert_eq!(
            (last_day.state(day("2028-03-01")), last_day.held(day("2028-03-01"))),
            (OrderState::Expired, amount(0))
        );
        let over = OrderRefusal::WindowOver { until: day("2028-02-29") };
        assert_eq!(last_day.capture(amount(1), false, day("2028-03-01")), Err(over));
        assert_eq!(last_day.void(day("2028-03-01")), Err(over));
    }

    #[test]
    fn what_was_voided_or_captured_for_the_last_time_is_over() {
        let today = day("2026-01-04");
        let mut voided = order("2026-01-31");
        voided.capture(amount(6_000), false, today).unwrap();
        voided.void(today).unwrap();
        assert_eq!((voided.captured, voided.held(today)), (amount(6_000), amount(0)));
        assert_eq!(voided.capture(amount(1), false, today), Err(OrderRefusal::Ended(OrderState::Voided)));
        let mut last = order("2026-01-31");
        assert_eq!(last.capture(Amount::ZERO, true, today), Err(OrderRefusal::Nothing));
        last.capture(amount(6_000), true, today).unwrap();
        assert_eq!((last.state(today), last.held(today)), (OrderState::Captured, amount(0)));
        assert_eq!(last.capture(amount(1), true, today), Err(OrderRefusal::Ended(OrderState::Captured)));
    }

    #[test]
    fn what_was_captured_and_not_paid_out_may_be_captured_again_and_what_was_given_up_may_not() {
        let today = day("2026-01-04");
        // 60 % and 40 %: all of it; the first fails, and later the second too.
        let mut whole = order("2026-01-31");
        whole.capture(amount(6_000), false, today).unwrap();
        whole.capture(amount(4_000), false, today).unwrap();
        assert!(whole.capture_failed(amount(6_000), today));
        assert_eq!((whole.state(today), whole.held(today)), (OrderState::PartlyCaptured, amount(6_000)));
        assert!(whole.capture_failed(amount(4_000), today));
        assert_eq!((whole.state(today), whole.held(today)), (OrderState::Authorized, amount(10_000)));
        whole.capture(amount(10_000), false, today).unwrap();
        // After its window it is only less.
        assert!(!whole.capture_failed(amount(10_000), day("2026-02-01")));
        assert_eq!((whole.state(day("2026-02-01")), whole.captured), (OrderState::Expired, amount(0)));

        // 40 % were given up, by a last capture or by voiding: what failed is open again, and no cent of those.
        for last in [true, false] {
            let mut ended = order("2026-01-31");
            ended.capture(amount(6_000), last, today).unwrap();
            if !last {
                ended.void(today).unwrap();
            }
            assert!(!ended.clone().capture_failed(amount(6_000), day("2026-02-01")));
            assert!(ended.capture_failed(amount(6_000), today));
            assert_eq!((ended.state(today), ended.held(today)), (OrderState::Authorized, amount(6_000)));
            let above = OrderRefusal::AboveAuthorized { left: amount(6_000) };
            assert_eq!(ended.capture(amount(6_001), false, today), Err(above));
            ended.capture(amount(6_000), false, today).unwrap();
            assert_eq!((ended.state(today), ended.captured), (OrderState::Captured, amount(6_000)));
        }
    }

    #[test]
    fn captures_are_limited() {
        let mut order = order("2026-01-31");
        for _ in 0..CAPTURES_MAX {
            order.capture(amount(1), false, day("2026-01-04")).unwrap();
        }
        assert_eq!(order.capture(amount(1), false, day("2026-01-04")), Err(OrderRefusal::TooManyCaptures));
    }
}
