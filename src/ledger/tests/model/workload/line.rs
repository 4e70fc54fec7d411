//! A line beside the loan, told again in plain numbers.

use std::collections::BTreeMap;

use prequal_core::calendar::Date;
use prequal_ledger::LineEvent;

use super::{Life, amount};

impl Life {
    /// A line beside the loan, told again in plain numbers.
    pub fn use_line(&mut self) {
        let today = self.today;
        let live = |holds: &BTreeMap<String, (i64, Date)>| -> i64 {
            holds.values().filter(|(_, expires)| *expires >= today).map(|(minor, _)| *minor).sum()
        };
        let (event, allowed) = match self.random.below(7) {
            0 => {
                let limit = self.random.between(0, 100_000);
                self.line_limit = limit;
                (LineEvent::LimitSet { limit: amount(limit) }, true)
            }
            1 | 2 => {
                let available = (self.line_limit - self.line_drawn - live(&self.line_holds)).max(0);
                let minor = self.random.between(1, available.max(1) + 1);
                let expires = today.add_days(i32::try_from(self.random.between(0, 15)).unwrap()).unwrap();
                let hold = self.id();
                let allowed = minor <= available;
                if allowed {
                    self.line_holds.insert(hold.clone(), (minor, expires));
                }
                (LineEvent::Held { hold, amount: amount(minor), expires }, allowed)
            }
            3 | 4 => {
                let Some((hold, (held, expires))) =
                    self.line_holds.first_key_value().map(|(id, hold)| (id.clone(), *hold))
                else {
                    return;
                };
                let (minor, last) = (self.random.between(1, held.max(1)), self.random.one_in(2));
                let allowed = expires >= today;
                if allowed {
                    self.line_drawn += minor;
                    if last || minor == held {
                        self.line_holds.remove(&hold);
                    } else {
                        self.line_holds.insert(hold.clone(), (held - minor, expires));
                    }
                } else {
                    self.line_holds.remove(&hold);
                    self.line.record(&LineEvent::Released { hold: hold.clone() }, today).unwrap();
                }
                (LineEvent::Captured { hold, amount: amount(minor), last }, allowed)
            }
            5 => {
                // A capture that was never paid out: what was drawn is held again, in a hold that stands or anew.
                let minor = self.random.between(1, 10_000).min(self.line_drawn);
                let last = self.line_holds.last_key_value().map(|(id, hold)| (id.clone(), *hold));
                let (hold, (held, expires)) = match last {
                    Some(found) if self.random.one_in(2) => found,
                    _ => (self.id(), (0, today.add_days(i32::try_from(self.random.between(0, 5)).unwrap()).unwrap())),
                };
                let allowed = minor > 0 && expires >= today;
                if allowed {
                    self.line.record(&LineEvent::Restored { amount: amount(minor) }, today).unwrap();
                    self.line_drawn -= minor;
                    self.line_holds.insert(hold.clone(), (held + minor, expires));
                }
                (LineEvent::HeldAgain { hold, amount: amount(minor), expires }, allowed)
            }
            _ => {
                let minor = self.random.between(1, 30_000);
                if self.random.one_in(4) {
                    self.line_drawn += minor;
                    (LineEvent::Returned { amount: amount(minor) }, true)
                } else {
                    let allowed = minor <= self.line_drawn;
                    self.line_drawn -= if allowed { minor } else { 0 };
                    (LineEvent::Restored { amount: amount(minor) }, allowed)
                }
            }
        };
        let before = self.line.clone();
        let done = self.line.record(&event, today);
        assert_eq!(done.is_ok(), allowed, "{event:?}: {done:?}");
        if allowed {
            self.line_events += 1;
        } else {
            assert_eq!(self.line, before);
        }
        let available = (self.line_limit - self.line_drawn - live(&self.line_holds)).max(0);
        assert_eq!(self.line.available(today).unwrap().minor(), available);
        assert_eq!(self.line.drawn().minor(), self.line_drawn);
    }
}
