//! The canonical text of an answer whose offers were already written once, for their hashes.

use std::vec::Vec;

use super::DecideError;
use crate::{
    canonical::{self, Canonical},
    wire::Offer,
};

/// An answer that holds offers.
pub(super) trait Answer: Canonical {
    /// Its offers, to be taken out and put back.
    fn offers(&mut self) -> &mut Vec<Offer>;
}

impl Answer for crate::wire::Decision {
    fn offers(&mut self) -> &mut Vec<Offer> {
        &mut self.offers
    }
}

impl Answer for crate::wire::Prequalification {
    fn offers(&mut self) -> &mut Vec<Offer> {
        &mut self.offers
    }
}

/// Where an answer's offers stand while it is written without them. No text can hold it: its quotes would be escaped.
const EMPTY: &str = "\"offers\":[]";
/// The key that follows `terms_hash` in an offer.
const AFTER_HASH: &str = ",\"total\":";

/// Writes an answer canonically. Each of `texts` is the canonical text of the offer beside it without `terms_hash`; the
/// hash is put into its place instead of writing the offer, its terms and its instalments a second time.
pub(super) fn with_offers<T: Answer>(mut answer: T, texts: &[String]) -> Result<String, DecideError> {
    let offers = core::mem::take(answer.offers());
    let bare = canonical::text_of(&answer)?;
    if offers.is_empty() {
        return Ok(bare);
    }
    let joined = join(&bare, &offers, texts);
    *answer.offers() = offers;
    // Should the texts ever not fit, the plain way gives the same bytes.
    joined.map_or_else(|| Ok(canonical::text_of(&answer)?), Ok)
}

fn join(bare: &str, offers: &[Offer], texts: &[String]) -> Option<String> {
    // The standard library's search for a text is code for every browser to download; this runs over a few kilobytes.
    let place = bare.as_bytes().windows(EMPTY.len()).position(|window| window == EMPTY.as_bytes())?;
    let (before, after) = (bare.get(..place)?, bare.get(place + EMPTY.len()..)?);
    let length: usize = texts.iter().map(|text| text.len() + 100).sum();
    let mut text = String::with_capacity(bare.len() + length);
    text.push_str(before);
    text.push_str("\"offers\":[");
    for (index, (offer, written)) in offers.iter().zip(texts).enumerate() {
        if index > 0 {
            text.push(',');
        }
        // The last one: instalments have a `total` too, and stand before it.
        let place = written.as_bytes().windows(AFTER_HASH.len()).rposition(|window| window == AFTER_HASH.as_bytes())?;
        text.push_str(written.get(..place)?);
        text.push_str(",\"terms_hash\":\"");
        text.push_str(&offer.terms_hash);
        text.push('"');
        text.push_str(written.get(place..)?);
    }
    text.push(']');
    text.push_str(after);
    Some(text)
}
