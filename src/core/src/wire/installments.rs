//! Instalments in key order with dates written by hand: a decision writes dozens of them, twice.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{calendar::Date, credit::Installment};

/// As `Vec<Installment>` would be written, in the order of the keys.
pub(super) fn sorted<S: Serializer>(installments: &[Installment], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(installments.iter().map(Sorted))
}

struct Sorted<'a>(&'a Installment);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Installment { number, due, principal, interest, fee, total, balance } = self.0;
        let mut fields = serializer.serialize_struct("Installment", 7)?;
        fields.serialize_field("balance", balance)?;
        fields.serialize_field("due", &Day(*due))?;
        fields.serialize_field("fee", fee)?;
        fields.serialize_field("interest", interest)?;
        fields.serialize_field("number", number)?;
        fields.serialize_field("principal", principal)?;
        fields.serialize_field("total", total)?;
        fields.end()
    }
}

/// A date's text without the formatting machinery. INVARIANT: years of [`Date`] have four digits.
struct Day(Date);

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (year, month, day) = self.0.civil();
        let digit = |number: i32| b'0' + u8::try_from(number % 10).unwrap_or(0);
        let (month, day) = (i32::from(month), i32::from(day));
        let text = [
            digit(year / 1000),
            digit(year / 100),
            digit(year / 10),
            digit(year),
            b'-',
            digit(month / 10),
            digit(month),
            b'-',
            digit(day / 10),
            digit(day),
        ];
        serializer.serialize_str(core::str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{canonical, money::Amount};

    #[test]
    fn an_installment_is_written_as_it_is_read() {
        let amount = |minor| Amount::new(minor).unwrap();
        for due in ["1900-01-01", "2026-02-28", "2999-12-31"] {
            let one = Installment {
                number: 1,
                due: Date::parse(due).unwrap(),
                principal: amount(1643),
                interest: amount(58),
                fee: amount(0),
                total: amount(1701),
                balance: amount(8357),
            };
            assert_eq!(canonical::to_string(&Sorted(&one)).unwrap(), canonical::to_string(&one).unwrap());
        }
    }
}
