//! Models: their features found in the schema, their use lawful, their reasons in the catalogue.

use super::{reason, refuse, tables::is_public};
use crate::{
    bundle::{
        BundleError, CompiledFeature, CompiledModel, CompiledSource, Payload,
        features::{Engine, FeatureKind, Use},
        payload::Model,
    },
    depth::Depth,
    score::{Feature as CardFeature, FeatureKind as CardKind, PointsModel, Scorecard},
};

/// The model of the full part.
pub(super) fn scoring<C: Depth>(
    payload: &Payload,
    features: &[CompiledFeature],
    model: &Model,
) -> Result<CompiledModel, BundleError> {
    let id = &model.id;
    let compiled = match (&model.scorecard, &model.trees) {
        (Some(card), None) => card.compile::<C>().map(PointsModel::Card),
        (None, Some(trees)) => {
            trees.points_as_deep_as::<C>().map(|trees| PointsModel::Trees(trees.into())).map_err(Into::into)
        }
        _ => return refuse::<C, _>(|| format!("model `{id}` has not one of `scorecard` and `trees`")),
    };
    let compiled = match compiled {
        Ok(compiled) => compiled,
        Err(error) => return refuse::<C, _>(|| format!("model `{id}`: {error}")),
    };
    if C::FULL {
        let own = model.scorecard.iter().flat_map(|card| card.features.iter().flat_map(CardFeature::own_reasons));
        for code in compiled.features().map(|feature| feature.reason).chain(own) {
            reason::<C>(payload, code, format_args!("model `{id}`"))?;
        }
    }
    resolve::<C>(payload, features, model, compiled)
}

/// The coarse model of the public part.
pub(super) fn public<C: Depth>(
    payload: &Payload,
    features: &[CompiledFeature],
    id: &str,
    scorecard: &Scorecard,
) -> Result<CompiledModel, BundleError> {
    let card = match scorecard.compile::<C>() {
        Ok(card) => card,
        Err(error) => return refuse::<C, _>(|| format!("model `{id}`: {error}")),
    };
    let bare = Model { id: id.to_owned(), missing_is_zero: Vec::new(), scorecard: None, trees: None };
    let model = resolve::<C>(payload, features, &bare, PointsModel::Card(card))?;
    for (slot, feature) in model.slots.iter().zip(model.model.features()) {
        if C::FULL && !features.get(*slot).is_some_and(|found| is_public(features, found)) {
            return refuse::<C, _>(|| {
                format!(
                    "public model `{id}` uses feature `{}`, which comes from neither the form nor the order",
                    feature.name
                )
            });
        }
    }
    Ok(model)
}

fn resolve<C: Depth>(
    payload: &Payload,
    features: &[CompiledFeature],
    Model { id, missing_is_zero, .. }: &Model,
    model: PointsModel,
) -> Result<CompiledModel, BundleError> {
    super::id_is_sound::<C>("model", id)?;
    let mut slots = Vec::with_capacity(model.width());
    for (at, feature) in model.features().enumerate() {
        let name = feature.name;
        let found = payload.features.iter().zip(features).enumerate().find(|(_, (schema, _))| schema.id == name);
        let Some((slot, (definition, compiled))) = found else {
            return refuse::<C, _>(|| format!("model `{id}` uses feature `{name}`, and the schema has none"));
        };
        if C::FULL && !definition.uses.contains(&Use::Score) {
            return refuse::<C, _>(|| {
                format!("model `{id}` uses feature `{name}` for {}, which its `uses` do not allow", Use::Score.name())
            });
        }
        let fits = match (compiled.kind, feature.kind) {
            (FeatureKind::Integer | FeatureKind::Money, kind) => kind != Some(CardKind::Category),
            (FeatureKind::Category, kind) => kind == Some(CardKind::Category),
            (FeatureKind::Boolean, kind) => kind != Some(CardKind::Number),
        };
        if !fits {
            return refuse::<C, _>(|| {
                format!("model `{id}` takes feature `{name}` for another type than the schema's")
            });
        }
        if let CompiledSource::Engine(Engine::ScorePoints | Engine::ScoreBand | Engine::Plan) = compiled.source {
            return refuse::<C, _>(|| {
                format!("model `{id}` uses feature `{name}`, which is known only after the score")
            });
        }
        let refused = |category: &&String| !model.takes_category(at, category);
        if C::FULL
            && feature.kind == Some(CardKind::Category)
            && let Some(unknown) = compiled.categories.iter().find(refused)
        {
            return refuse::<C, _>(|| {
                format!("model `{id}` gives no score where feature `{name}` is `{unknown}`, as the schema lets it be")
            });
        }
        let waived = C::FULL && missing_is_zero.iter().any(|waived| waived == name);
        let blind = feature.missing_is_zero && !matches!(compiled.source, CompiledSource::Engine(_));
        if C::FULL && blind && !waived {
            return refuse::<C, _>(|| {
                format!(
                    "model `{id}` reads feature `{name}` as zero where it is missing, and it may be missing; \
                     name it in `missing_is_zero` if that is meant"
                )
            });
        }
        slots.push(slot);
    }
    for name in missing_is_zero {
        if C::FULL && !model.features().any(|feature| feature.name == name && feature.missing_is_zero) {
            return refuse::<C, _>(|| {
                format!("`missing_is_zero` names feature `{name}`, which model `{id}` does not read in that way")
            });
        }
    }
    Ok(CompiledModel { id: id.to_owned(), model, slots })
}
