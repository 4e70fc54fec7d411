//! Instalments in key order: a decision writes dozens of them, and what comes in order need not be sorted.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::credit::Installment;

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
