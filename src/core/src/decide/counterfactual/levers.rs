//! What may change in one application: features with a mark and a value, and where that value stands.

use std::vec::Vec;

use super::CounterfactualError;
use crate::{
    bundle::{
        Bundle, CompiledSource, CompiledTable, FeatureKind,
        change::{Change, Direction},
        features::Engine,
    },
    canonical::INTEGER_MAX,
    evidence::{Assurance, Item},
    money::Amount,
    policy::{Feature, FeatureValue},
    wire::{Input, Scalar},
};

/// Where the value of a feature stands in the input.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Evidence(String),
    Field(String),
    Order,
}

/// A feature that may change.
#[derive(Clone, Debug)]
pub(super) struct Lever {
    /// Its index in the schema.
    pub feature: usize,
    pub place: Place,
    pub change: Change,
    /// Its value: a number, or the position of a category.
    pub start: i64,
    pub is_number: bool,
    /// Of a number: where it may go.
    pub low: i64,
    pub high: i64,
    /// Its place in a row of the model, where that is all that its value is for.
    pub only_scored: Option<usize>,
    /// Whether a burden is computed from it.
    pub feeds: bool,
    pub assurance: Option<Assurance>,
}

/// The levers of an application in the order of the schema: all for staff, those that are safe and verified for a person.
pub(super) fn of(
    bundle: &Bundle,
    input: &Input,
    features: &[Feature],
    person: bool,
) -> Result<Vec<Lever>, CounterfactualError> {
    let mut levers = Vec::new();
    for (index, (definition, feature)) in bundle.payload().features.iter().zip(features).enumerate() {
        if definition.change.is_empty() {
            continue;
        }
        let change = Change::parse(&definition.change)
            .map_err(|why| CounterfactualError::Mark { feature: definition.id.clone(), why })?;
        let Some(lever) = lever(bundle, input, index, *feature, change) else { continue };
        let verified = match lever.place {
            Place::Evidence(_) => !feature.weak,
            Place::Field(_) => false,
            Place::Order => true,
        };
        if !person || lever.change.safe && verified {
            levers.push(lever);
        }
    }
    Ok(levers)
}

fn lever(bundle: &Bundle, input: &Input, index: usize, feature: Feature, change: Change) -> Option<Lever> {
    let compiled = bundle.compiled.features.get(index)?;
    let (start, is_number) = match feature.value {
        FeatureValue::Integer(number) => (number, true),
        FeatureValue::Category(category) => (i64::from(category), false),
        FeatureValue::Missing(_) => return None,
    };
    let (mut low, mut high) = (compiled.min.max(-INTEGER_MAX), compiled.max.min(INTEGER_MAX));
    let mut assurance = None;
    let place = match &compiled.source {
        CompiledSource::Evidence(key) => {
            let Some(Item::Present { assurance: found, .. }) = input.evidence.get(key) else { return None };
            assurance = Some(*found);
            Place::Evidence(key.clone())
        }
        CompiledSource::Field(field) => {
            let field = bundle.compiled.field(bundle.payload(), *field)?;
            low = low.max(field.money_min.map_or(low, Amount::minor));
            high = high.min(field.money_max.map_or(high, Amount::minor));
            assurance = Some(Assurance::Declared);
            Place::Field(field.id.clone())
        }
        CompiledSource::Engine(Engine::OrderAmount) => Place::Order,
        _ => return None,
    };
    if compiled.kind == FeatureKind::Money || matches!(place, Place::Order) {
        low = low.max(0);
    }
    low = low.max(change.min.unwrap_or(low));
    high = high.min(change.max.unwrap_or(high));
    match change.direction {
        Direction::Up => low = low.max(start),
        Direction::Down => high = high.min(start),
        Direction::Either => {}
    }
    let at = bundle.compiled.model.as_ref().and_then(|model| model.slots.iter().position(|slot| *slot == index));
    let feeds = burdens(bundle).any(|(of, _)| of == index);
    let asked =
        feeds || tables(bundle).any(|table| table.table.columns().iter().any(|column| usize::from(*column) == index));
    let only_scored = if asked || !matches!(place, Place::Evidence(_)) { None } else { at };
    let works = asked || at.is_some() || matches!(place, Place::Order);
    works.then_some(Lever { feature: index, place, change, start, is_number, low, high, only_scored, feeds, assurance })
}

/// Every table of a full part.
pub(super) fn tables(bundle: &Bundle) -> impl Iterator<Item = &CompiledTable> {
    let compiled = &bundle.compiled;
    compiled.eligibility.iter().chain(&compiled.outcome).chain(&compiled.limit).chain(&compiled.price)
}

/// Burdens that a table or the model asks for: the income that each is computed from, and its own index.
pub(super) fn burdens(bundle: &Bundle) -> impl Iterator<Item = (usize, usize)> {
    let asked = move |index: usize| {
        tables(bundle).any(|table| table.table.columns().iter().any(|column| usize::from(*column) == index))
            || bundle.compiled.model.as_ref().is_some_and(|model| model.slots.contains(&index))
    };
    bundle.compiled.features.iter().enumerate().filter_map(move |(index, feature)| match feature.source {
        CompiledSource::InstalmentToIncomePermille(of) if asked(index) => Some((of, index)),
        _ => None,
    })
}

impl Lever {
    /// A value as a feature has it.
    pub(super) fn feature_value(&self, value: i64) -> FeatureValue {
        if self.is_number {
            return FeatureValue::Integer(value);
        }
        FeatureValue::Category(u16::try_from(value).unwrap_or(u16::MAX))
    }

    /// A value as it stands in an input.
    pub(super) fn scalar(&self, bundle: &Bundle, value: i64) -> Scalar {
        let feature = bundle.compiled.features.get(self.feature);
        match feature {
            Some(feature) if !self.is_number && feature.kind == FeatureKind::Boolean => Scalar::Flag(value == 1),
            Some(feature) if !self.is_number => {
                let name = usize::try_from(value).ok().and_then(|at| feature.categories.get(at));
                Scalar::Text(name.cloned().unwrap_or_default())
            }
            _ => Scalar::Integer(value),
        }
    }

    /// Puts a value into an input.
    pub(super) fn put(&self, bundle: &Bundle, value: i64, input: &mut Input) {
        let scalar = self.scalar(bundle, value);
        match &self.place {
            Place::Evidence(key) => {
                if let Some(Item::Present { assurance, source, .. }) = input.evidence.get(key).cloned() {
                    input.evidence.0.insert(key.clone(), Item::Present { value: scalar, assurance, source });
                }
            }
            Place::Field(id) => {
                input.application.fields.0.insert(id.clone(), scalar);
            }
            Place::Order => {
                if let Ok(amount) = Amount::new(value) {
                    input.application.order.amount = amount;
                }
            }
        }
    }
}
