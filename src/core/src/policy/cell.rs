//! One cell of a decision table.
//!
//! | text | matches |
//! |---|---|
//! | `-` | anything, missing values too |
//! | `18`, `<18`, `<=18`, `>18`, `>=18` | whole numbers |
//! | `[18..25)`, `[18..25]`, `(18..25]`, `(18..25)` | an interval; a round bracket leaves its end out |
//! | `own`, `own\|rent` | categories, or several of anything above |
//! | `missing`, `not_asked`, `timed_out`, `no_record`, `invalid` | values that are not there, of any or of one kind |
//! | `present` | any value that is there |
//!
//! A number or a category never matches a missing value.

use super::value::FeatureValue;
use crate::score::MissingKind;

/// What values a column can hold.
#[derive(Clone, Copy, Debug)]
pub enum Domain<'a> {
    /// Whole numbers.
    Integer,
    /// Names from a list of at most 64.
    Category(&'a [String]),
}

/// The most categories that a feature in a table may have: one bit each.
pub const CATEGORIES_MAX: usize = 64;

/// What a cell asks of a value that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Nothing: every value passes.
    Any,
    /// To lie in one of these closed intervals.
    Ranges(Vec<(i64, i64)>),
    /// To be one of the categories whose bit is set.
    Categories(u64),
}

/// A compiled cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// One bit for each kind of missing that passes, in the order of [`MissingKind::ALL`].
    pub missing: u8,
    /// What is asked of a value that is there.
    pub test: Test,
}

const MISSING_ALL: u8 = 0b1111;

impl Cell {
    /// The cell `-`.
    pub const ANY: Self = Self { missing: MISSING_ALL, test: Test::Any };

    /// Whether `value` passes.
    #[must_use]
    pub fn matches(&self, value: FeatureValue) -> bool {
        match value {
            FeatureValue::Missing(kind) => self.missing & missing_bit(kind) != 0,
            FeatureValue::Integer(value) => match &self.test {
                Test::Any => true,
                Test::Ranges(ranges) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&value)),
                Test::Categories(_) => false,
            },
            FeatureValue::Category(index) => match &self.test {
                Test::Any => true,
                Test::Categories(bits) => category_bit(index) & bits != 0,
                Test::Ranges(_) => false,
            },
        }
    }

    /// Reads a cell's text.
    ///
    /// # Errors
    /// A sentence that quotes the text and says what was expected.
    pub fn parse(text: &str, domain: Domain<'_>) -> Result<Self, String> {
        let text = text.trim();
        if text == "-" {
            return Ok(Self::ANY);
        }
        if text.is_empty() {
            return Err("a cell is empty; write `-` for any value".to_owned());
        }
        let mut cell = Self { missing: 0, test: Test::Ranges(Vec::new()) };
        let mut ranges = Vec::new();
        let mut bits = 0;
        let mut present = false;
        for part in text.split('|').map(str::trim) {
            if let Some(missing) = missing_word(part) {
                cell.missing |= missing;
            } else if part == "present" {
                present = true;
            } else {
                match domain {
                    Domain::Integer => ranges.push(range(part).map_err(|wrong| wrong.about(part))?),
                    Domain::Category(names) => bits |= category(part, names)?,
                }
            }
        }
        cell.test = match domain {
            _ if present => Test::Any,
            Domain::Integer => Test::Ranges(ranges),
            Domain::Category(_) => Test::Categories(bits),
        };
        Ok(cell)
    }
}

/// The bit of a kind of missing.
pub(crate) fn missing_bit(kind: MissingKind) -> u8 {
    match kind {
        MissingKind::NotAsked => 1,
        MissingKind::TimedOut => 2,
        MissingKind::NoRecord => 4,
        MissingKind::Invalid => 8,
    }
}

fn missing_word(word: &str) -> Option<u8> {
    if word == "missing" {
        return Some(MISSING_ALL);
    }
    MissingKind::ALL.iter().find(|kind| kind.name() == word).map(|kind| missing_bit(*kind))
}

/// Whether a word means something in every cell and so cannot name a category.
pub(crate) fn is_reserved_word(word: &str) -> bool {
    word == "-" || word == "present" || missing_word(word).is_some()
}

fn category_bit(index: u16) -> u64 {
    1_u64.checked_shl(index.into()).unwrap_or(0)
}

fn category(name: &str, names: &[String]) -> Result<u64, String> {
    match (0_u16..).zip(names).find(|(_, known)| *known == name) {
        Some((index, _)) => Ok(category_bit(index)),
        None => Err(format!("`{name}` is not one of the categories {}", quoted(names))),
    }
}

fn quoted(names: &[String]) -> String {
    let mut quoted = String::new();
    for name in names {
        quoted.push_str(if quoted.is_empty() { "`" } else { ", `" });
        quoted.push_str(name);
        quoted.push('`');
    }
    quoted
}

/// Why a condition on a number was not read.
enum Wrong {
    Number,
    Interval,
    Empty,
}

impl Wrong {
    fn about(&self, text: &str) -> String {
        match self {
            Self::Number => {
                format!("`{text}` is not a condition on a whole number, such as `>=18` or `[18..25)`")
            }
            Self::Interval => format!("`{text}` is not an interval, such as `[18..25)`"),
            Self::Empty => format!("`{text}` matches no number"),
        }
    }
}

fn integer(text: &str) -> Result<i64, Wrong> {
    text.trim().parse().map_err(|_| Wrong::Number)
}

/// One condition on a number as a closed interval.
fn range(text: &str) -> Result<(i64, i64), Wrong> {
    let bytes = text.as_bytes();
    let after = |skipped: usize| integer(text.get(skipped..).unwrap_or_default());
    let range = match bytes {
        [b'<', b'=', ..] => (i64::MIN, after(2)?),
        [b'>', b'=', ..] => (after(2)?, i64::MAX),
        [b'<', ..] => (i64::MIN, after(1)?.saturating_sub(1)),
        [b'>', ..] => (after(1)?.saturating_add(1), i64::MAX),
        [b'[' | b'(', ..] => interval(text)?,
        _ => {
            let value = after(usize::from(bytes.first() == Some(&b'=')))?;
            (value, value)
        }
    };
    if range.0 > range.1 { Err(Wrong::Empty) } else { Ok(range) }
}

fn interval(text: &str) -> Result<(i64, i64), Wrong> {
    let [open @ (b'[' | b'('), inner @ .., close @ (b']' | b')')] = text.as_bytes() else {
        return Err(Wrong::Interval);
    };
    let middle = inner.windows(2).position(|pair| pair == b"..").ok_or(Wrong::Interval)?;
    // One byte before the inner part, two dots in it.
    let part = |from: usize, to: usize| integer(text.get(from..to).unwrap_or_default());
    let (from, to) = (part(1, 1 + middle)?, part(3 + middle, text.len() - 1)?);
    Ok((from.saturating_add(i64::from(*open == b'(')), to.saturating_sub(i64::from(*close == b')'))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Cell {
        Cell::parse(text, Domain::Integer).unwrap()
    }

    fn passing(cell: &Cell, values: impl IntoIterator<Item = i64>) -> Vec<i64> {
        values.into_iter().filter(|value| cell.matches(FeatureValue::Integer(*value))).collect()
    }

    #[test]
    fn intervals_leave_out_the_end_at_a_round_bracket() {
        assert_eq!(passing(&number("[18..21)"), 16..24), [18, 19, 20]);
        assert_eq!(passing(&number("[18..21]"), 16..24), [18, 19, 20, 21]);
        assert_eq!(passing(&number("(18..21]"), 16..24), [19, 20, 21]);
        assert_eq!(passing(&number("(18..21)"), 16..24), [19, 20]);
        assert_eq!(passing(&number("<18|>=21"), 16..24), [16, 17, 21, 22, 23]);
        assert_eq!(passing(&number("17|=19"), 16..24), [17, 19]);
    }

    #[test]
    fn a_condition_never_matches_a_missing_value_unless_it_says_so() {
        let timed_out = FeatureValue::Missing(MissingKind::TimedOut);
        let not_asked = FeatureValue::Missing(MissingKind::NotAsked);
        assert!(!number("<18").matches(timed_out));
        assert!(!number("present").matches(timed_out));
        assert!(number("timed_out|<18").matches(timed_out));
        assert!(!number("timed_out|<18").matches(not_asked));
        assert!(number("missing").matches(not_asked));
        assert!(number("-").matches(not_asked));
        assert!(!number("missing").matches(FeatureValue::Integer(1)));
    }

    #[test]
    fn categories_may_hold_any_character_but_the_bar() {
        let names = ["... < 0 DM".to_owned(), "own".to_owned()];
        let cell = Cell::parse("... < 0 DM", Domain::Category(&names)).unwrap();
        assert!(cell.matches(FeatureValue::Category(0)));
        assert!(!cell.matches(FeatureValue::Category(1)));
        assert_eq!(
            Cell::parse("rent", Domain::Category(&names)),
            Err("`rent` is not one of the categories `... < 0 DM`, `own`".to_owned())
        );
    }

    #[test]
    fn what_cannot_match_or_be_read_is_refused() {
        for text in ["", "[5..5)", "(3..4)", "[1..2", "18..25", "<", "1.5", "9223372036854775808", "a"] {
            assert!(Cell::parse(text, Domain::Integer).is_err(), "`{text}`");
        }
    }
}
