//! The canonical text of an answer whose offers were already written once, for their hashes.

use std::vec::Vec;

use serde::Serialize;

use super::DecideError;
use crate::{canonical, wire::Offer};

/// An answer that holds offers.
pub(super) trait Answer: Serialize {
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
    let bare = canonical::to_string(&answer)?;
    if offers.is_empty() {
        return Ok(bare);
    }
    let joined = join(&bare, &offers, texts);
    *answer.offers() = offers;
    // Should the texts ever not fit, the plain way gives the same bytes.
    joined.map_or_else(|| Ok(canonical::to_string(&answer)?), Ok)
}

fn join(bare: &str, offers: &[Offer], texts: &[String]) -> Option<String> {
    let (before, after) = bare.split_once(EMPTY)?;
    let length: usize = texts.iter().map(|text| text.len() + 100).sum();
    let mut text = String::with_capacity(bare.len() + length);
    text.push_str(before);
    text.push_str("\"offers\":[");
    for (index, (offer, written)) in offers.iter().zip(texts).enumerate() {
        if index > 0 {
            text.push(',');
        }
        // The last one: instalments have a `total` too, and stand before it.
        let place = written.rfind(AFTER_HASH)?;
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
