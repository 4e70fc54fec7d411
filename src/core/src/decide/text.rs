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
const EMPTY: &[u8] = b"\"offers\":[]";
/// The key that follows `terms_hash` in an offer.
const AFTER_HASH: &[u8] = b",\"total\":";

/// Writes an answer canonically. Each of `texts` is the canonical text of the offer beside it without `terms_hash`; the
/// hash is put into its place instead of writing the offer, its terms and its instalments a second time.
pub(super) fn with_offers<T: Answer>(mut answer: T, texts: &[Vec<u8>]) -> Result<String, DecideError> {
    let offers = core::mem::take(answer.offers());
    let bare = canonical::bytes_of(&answer)?;
    if offers.is_empty() {
        return Ok(canonical::text(bare)?);
    }
    let joined = join(&bare, &offers, texts);
    *answer.offers() = offers;
    // Should the texts ever not fit, the plain way gives the same bytes.
    Ok(joined.map_or_else(|| canonical::text_of(&answer), canonical::text)?)
}

fn join(bare: &[u8], offers: &[Offer], texts: &[Vec<u8>]) -> Option<Vec<u8>> {
    // The standard library's search for a text is code for every browser to download; this runs over a few kilobytes.
    let place = bare.windows(EMPTY.len()).position(|window| window == EMPTY)?;
    let (before, after) = (bare.get(..place)?, bare.get(place + EMPTY.len()..)?);
    let length: usize = texts.iter().map(|text| text.len() + 100).sum();
    let mut text = Vec::with_capacity(bare.len() + length);
    text.extend_from_slice(before);
    text.extend_from_slice(b"\"offers\":[");
    for (index, (offer, written)) in offers.iter().zip(texts).enumerate() {
        if index > 0 {
            text.push(b',');
        }
        // The last one: instalments have a `total` too, and stand before it.
        let place = written.windows(AFTER_HASH.len()).rposition(|window| window == AFTER_HASH)?;
        text.extend_from_slice(written.get(..place)?);
        text.extend_from_slice(b",\"terms_hash\":\"");
        text.extend_from_slice(offer.terms_hash.as_bytes());
        text.push(b'"');
        text.extend_from_slice(written.get(place..)?);
    }
    text.push(b']');
    text.extend_from_slice(after);
    Some(text)
}
