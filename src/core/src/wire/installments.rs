//! Instalments in key order: a decision writes dozens of them, so the canonical text is put together by hand.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{calendar::Date, canonical::push_integer, credit::Installment};

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
        fields.serialize_field("due", due)?;
        fields.serialize_field("fee", fee)?;
        fields.serialize_field("interest", interest)?;
        fields.serialize_field("number", number)?;
        fields.serialize_field("principal", principal)?;
        fields.serialize_field("total", total)?;
        fields.end()
    }
}

/// The canonical text of a list of instalments, as [`crate::canonical::to_string`] writes it.
pub(crate) fn canonical_text(installments: &[Installment]) -> String {
    // About the length of one instalment with amounts of five digits.
    let mut text = String::with_capacity(2 + installments.len() * 128);
    text.push('[');
    for (index, Installment { number, due, principal, interest, fee, total, balance }) in
        installments.iter().enumerate()
    {
        text.push_str(if index == 0 { "{\"balance\":" } else { ",{\"balance\":" });
        push_integer(&mut text, balance.minor());
        text.push_str(",\"due\":\"");
        push_date(&mut text, *due);
        text.push_str("\",\"fee\":");
        push_integer(&mut text, fee.minor());
        text.push_str(",\"interest\":");
        push_integer(&mut text, interest.minor());
        text.push_str(",\"number\":");
        push_integer(&mut text, i64::from(*number));
        text.push_str(",\"principal\":");
        push_integer(&mut text, principal.minor());
        text.push_str(",\"total\":");
        push_integer(&mut text, total.minor());
        text.push('}');
    }
    text.push(']');
    text
}

/// `YYYY-MM-DD`. INVARIANT: years of [`Date`] have four digits.
fn push_date(text: &mut String, date: Date) {
    let (year, month, day) = date.civil();
    push_integer(text, i64::from(year));
    for part in [month, day] {
        text.push_str(if part < 10 { "-0" } else { "-" });
        push_integer(text, i64::from(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{canonical, money::Amount};

    #[test]
    fn the_text_by_hand_is_the_canonical_text() {
        let amount = |minor| Amount::new(minor).unwrap();
        let dues = ["1900-01-01", "2026-02-28", "2026-12-09", "2999-12-31"];
        let installments: Vec<Installment> = (1..)
            .zip(dues)
            .map(|(number, due)| Installment {
                number,
                due: Date::parse(due).unwrap(),
                principal: amount(1643),
                interest: amount(0),
                fee: amount(9_007_199_254_740_991),
                total: amount(1701),
                balance: amount(8357),
            })
            .collect();
        for count in 0..=installments.len() {
            let some = &installments[..count];
            assert_eq!(canonical_text(some), canonical::to_string(some).unwrap());
        }
    }
}
