//! Scorecards: their features found in the schema, their use lawful, their reasons in the catalogue.

use super::{reason, refuse, tables::is_public};
use crate::{
    bundle::{
        BundleError, CompiledFeature, CompiledModel, CompiledSource, Payload,
        features::{Engine, FeatureKind, Use},
    },
    depth::Depth,
    score::{CompiledScorecard, FeatureKind as CardKind, Scorecard},
};

/// The scorecard of the full part.
pub(super) fn scoring<C: Depth>(
    payload: &Payload,
    features: &[CompiledFeature],
    id: &str,
    scorecard: &Scorecard,
) -> Result<CompiledModel, BundleError> {
    let mut model = resolve::<C>(payload, features, id, scorecard)?;
    for feature in model.card.features() {
        model.reasons.push(Some(reason::<C>(payload, feature.reason(), format_args!("model `{id}`"))?));
    }
    Ok(model)
}

/// The coarse model of the public part.
pub(super) fn public<C: Depth>(
    payload: &Payload,
    features: &[CompiledFeature],
    id: &str,
    scorecard: &Scorecard,
) -> Result<CompiledModel, BundleError> {
    let mut model = resolve::<C>(payload, features, id, scorecard)?;
    for (slot, feature) in model.slots.iter().zip(model.card.features()) {
        if C::FULL && !features.get(*slot).is_some_and(|found| is_public(features, found)) {
            return refuse::<C, _>(|| {
                format!(
                    "public model `{id}` uses feature `{}`, which comes from neither the form nor the order",
                    feature.name()
                )
            });
        }
    }
    model.reasons = vec![None; model.slots.len()];
    Ok(model)
}

fn resolve<C: Depth>(
    payload: &Payload,
    features: &[CompiledFeature],
    id: &str,
    scorecard: &Scorecard,
) -> Result<CompiledModel, BundleError> {
    super::id_is_sound::<C>("model", id)?;
    let card: CompiledScorecard = match scorecard.compile::<C>() {
        Ok(card) => card,
        Err(error) => return refuse::<C, _>(|| format!("model `{id}`: {error}")),
    };
    let mut slots = Vec::with_capacity(card.features().len());
    for feature in card.features() {
        let name = feature.name();
        let found = payload.features.iter().zip(features).enumerate().find(|(_, (schema, _))| schema.id == name);
        let Some((slot, (definition, compiled))) = found else {
            return refuse::<C, _>(|| format!("model `{id}` uses feature `{name}`, and the schema has none"));
        };
        if C::FULL && !definition.uses.contains(&Use::Score) {
            return refuse::<C, _>(|| {
                format!("model `{id}` uses feature `{name}` for {}, which its `uses` do not allow", Use::Score.name())
            });
        }
        let number = matches!(compiled.kind, FeatureKind::Integer | FeatureKind::Money);
        if number != (feature.kind() == CardKind::Number) {
            return refuse::<C, _>(|| {
                format!("model `{id}` takes feature `{name}` for another type than the schema's")
            });
        }
        if let CompiledSource::Engine(Engine::ScorePoints | Engine::ScoreBand | Engine::Plan) = compiled.source {
            return refuse::<C, _>(|| {
                format!("model `{id}` uses feature `{name}`, which is known only after the score")
            });
        }
        slots.push(slot);
    }
    Ok(CompiledModel { id: id.to_owned(), card, slots, reasons: Vec::new() })
}
