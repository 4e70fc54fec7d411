//! From the full part to the public one.

use std::collections::BTreeSet;

use super::{
    features::{FeatureDefinition, Source},
    payload::{Part, Payload},
};

/// The public part of a full payload: what a browser may hold.
///
/// It keeps the form, the public eligibility tables, the features that these and the public model use, the product
/// with the dearest rate, the caps, public reasons and texts. It drops limit, price and outcome tables, the scorecard
/// and every other table, feature and reason.
#[must_use]
pub fn split(full: &Payload) -> Payload {
    let eligibility: Vec<_> = full.eligibility.iter().filter(|table| table.public).cloned().collect();
    let mut wanted: BTreeSet<&str> = eligibility.iter().flat_map(|table| &table.columns).map(String::as_str).collect();
    if let Some(model) = &full.public_model {
        wanted.extend(model.scorecard.features.iter().map(|feature| feature.name.as_str()));
    }
    // A derived feature refers to an earlier one, so one pass from the back finds all.
    for feature in full.features.iter().rev() {
        if let Source::InstalmentToIncomePermille(of) = &feature.from
            && wanted.contains(feature.id.as_str())
        {
            wanted.insert(of);
        }
    }
    let mut features: Vec<FeatureDefinition> =
        full.features.iter().filter(|feature| wanted.contains(feature.id.as_str())).cloned().collect();
    for feature in &mut features {
        // Only what decides has a counterfactual.
        feature.change.clear();
    }
    let mut rules = full.rules.clone();
    rules.over_limit = None;
    Payload {
        part: Part::Public,
        eligibility,
        features,
        limit: None,
        model: None,
        outcome: None,
        price: None,
        reasons: full.reasons.iter().filter(|reason| reason.public).cloned().collect(),
        rules,
        ..full.clone()
    }
}
