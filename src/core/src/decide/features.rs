//! From form, order and evidence to the values of the feature schema.

use std::vec::Vec;

use crate::{
    bundle::{
        Bundle, Compiled, CompiledFeature, CompiledSource,
        features::{Engine, FeatureKind},
    },
    calendar::Date,
    evidence::{Item, MissingKind},
    policy::{Feature, FeatureValue},
    wire::{Application, Map, Scalar},
};

const PERMILLE: i64 = 1000;

/// How evidence stands: counts for the trace.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Coverage {
    pub present: usize,
    pub not_asked: usize,
    pub timed_out: usize,
    pub no_record: usize,
    pub invalid: usize,
    pub weak: usize,
}

impl Coverage {
    /// Evidence that is present, in permille; all of none is all.
    fn permille(&self) -> i64 {
        let all = self.present + self.not_asked + self.timed_out + self.no_record + self.invalid;
        (self.present * 1000).checked_div(all).and_then(|share| i64::try_from(share).ok()).unwrap_or(PERMILLE)
    }

    fn count(&mut self, feature: Feature) {
        self.weak += usize::from(feature.weak);
        match feature.value {
            FeatureValue::Missing(MissingKind::NotAsked) => self.not_asked += 1,
            FeatureValue::Missing(MissingKind::TimedOut) => self.timed_out += 1,
            FeatureValue::Missing(MissingKind::NoRecord) => self.no_record += 1,
            FeatureValue::Missing(MissingKind::Invalid) => self.invalid += 1,
            _ => self.present += 1,
        }
    }

    /// The trace line of this step.
    pub(super) fn line(&self) -> String {
        format!(
            "features present={} not_asked={} timed_out={} no_record={} invalid={} weak={} coverage_permille={}",
            self.present,
            self.not_asked,
            self.timed_out,
            self.no_record,
            self.invalid,
            self.weak,
            self.permille()
        )
    }
}

/// Every feature of the schema, in its order. What is known only later is *not asked* until [`set`].
pub(super) fn extract(
    bundle: &Bundle,
    application: &Application,
    evidence: Option<&Map<Item>>,
    today: Date,
) -> (Vec<Feature>, Coverage) {
    let compiled = &bundle.compiled;
    let mut coverage = Coverage::default();
    let mut features: Vec<Feature> = Vec::with_capacity(compiled.features.len());
    for definition in &compiled.features {
        let feature = match &definition.source {
            CompiledSource::Evidence(_) if !definition.lawful => Feature::NOT_ASKED,
            CompiledSource::Evidence(key) => {
                let feature = from_evidence(definition, evidence.and_then(|evidence| evidence.get(key)));
                coverage.count(feature);
                feature
            }
            CompiledSource::Field(field) => {
                declared(field_value(bundle, application, *field).map(|value| read(definition, value)))
            }
            CompiledSource::AgeYears(field) => {
                let birth = match field_value(bundle, application, *field) {
                    Some(Scalar::Text(text)) => birth_date(text),
                    _ => None,
                };
                declared(birth.map(|birth| ranged(definition, completed_years(birth, today))))
            }
            CompiledSource::InstalmentToIncomePermille(income) => {
                let income = features.get(*income).copied().unwrap_or(Feature::NOT_ASKED);
                instalment_to_income(compiled, bundle, definition, application, income)
            }
            CompiledSource::Engine(engine) => {
                let value = match engine {
                    Engine::OrderAmount => ranged(definition, application.order.amount.minor()),
                    Engine::OrderAmountUnits => ranged(definition, whole_units(application)),
                    Engine::LongestPlanMonths => ranged(definition, longest_plan_months(compiled, bundle, application)),
                    _ => Feature::NOT_ASKED.value,
                };
                Feature { value, weak: false }
            }
        };
        features.push(feature);
    }
    set(compiled, &mut features, Engine::CoveragePermille, FeatureValue::Integer(coverage.permille()));
    (features, coverage)
}

/// Sets what the engine has come to know.
pub(super) fn set(compiled: &Compiled, features: &mut [Feature], engine: Engine, value: FeatureValue) {
    for (feature, definition) in features.iter_mut().zip(&compiled.features) {
        if matches!(definition.source, CompiledSource::Engine(found) if found == engine) {
            *feature = Feature { value, weak: false };
        }
    }
}

fn from_evidence(definition: &CompiledFeature, item: Option<&Item>) -> Feature {
    match item {
        None => Feature::NOT_ASKED,
        Some(Item::Missing { missing, .. }) => Feature { value: FeatureValue::Missing(*missing), weak: false },
        Some(Item::Present { value, assurance, .. }) => {
            Feature { value: read(definition, value), weak: *assurance < definition.assurance }
        }
    }
}

/// What an applicant says is weak, always.
fn declared(value: Option<FeatureValue>) -> Feature {
    value.map_or(Feature::NOT_ASKED, |value| Feature { value, weak: true })
}

fn field_value<'a>(bundle: &Bundle, application: &'a Application, index: usize) -> Option<&'a Scalar> {
    application.fields.get(&bundle.compiled.field(bundle.payload(), index)?.id)
}

/// A value of another type than the schema's, outside its range or none of its categories is invalid.
fn read(definition: &CompiledFeature, value: &Scalar) -> FeatureValue {
    let invalid = FeatureValue::Missing(MissingKind::Invalid);
    match (definition.kind, value) {
        (FeatureKind::Integer | FeatureKind::Money, Scalar::Integer(integer)) => ranged(definition, *integer),
        (FeatureKind::Category, Scalar::Text(text)) => (0_u16..)
            .zip(&definition.categories)
            .find(|(_, name)| *name == text)
            .map_or(invalid, |(index, _)| FeatureValue::Category(index)),
        (FeatureKind::Boolean, Scalar::Flag(flag)) => FeatureValue::Category(u16::from(*flag)),
        _ => invalid,
    }
}

fn ranged(definition: &CompiledFeature, integer: i64) -> FeatureValue {
    let negative_money = definition.kind == FeatureKind::Money && integer < 0;
    if negative_money || !(definition.min..=definition.max).contains(&integer) {
        return FeatureValue::Missing(MissingKind::Invalid);
    }
    FeatureValue::Integer(integer)
}

/// A date, or the date inside a resident identity number; both were checked with the form.
fn birth_date(text: &str) -> Option<Date> {
    match text.get(6..14) {
        Some(digits) if text.len() == 18 => {
            let number: u32 = digits.parse().ok()?;
            let part = |part: u32| u8::try_from(part).ok();
            Date::from_ymd(i32::try_from(number / 10_000).ok()?, part(number / 100 % 100)?, part(number % 100)?).ok()
        }
        _ => Date::parse(text).ok(),
    }
}

/// Completed years; a person born on 29 February completes one on 1 March of a common year.
fn completed_years(birth: Date, today: Date) -> i64 {
    let (birth_year, birth_month, birth_day) = birth.civil();
    let (year, month, day) = today.civil();
    i64::from(year - birth_year) - i64::from((month, day) < (birth_month, birth_day))
}

fn whole_units(application: &Application) -> i64 {
    let order = &application.order;
    10_i64.checked_pow(order.currency.exponent().into()).map_or(0, |unit| order.amount.minor() / unit)
}

pub(super) fn longest_plan_months(compiled: &Compiled, bundle: &Bundle, application: &Application) -> i64 {
    let product = &bundle.payload().product;
    let price = application.order.amount;
    let months = product.plans.iter().zip(&compiled.plan_months).filter(|(plan, _)| plan.takes(product, price));
    months.map(|(_, months)| i64::from(*months)).max().unwrap_or(0)
}

fn instalment_to_income(
    compiled: &Compiled,
    bundle: &Bundle,
    definition: &CompiledFeature,
    application: &Application,
    income: Feature,
) -> Feature {
    let months = longest_plan_months(compiled, bundle, application);
    let value = match income.value {
        FeatureValue::Integer(minor) if minor > 0 && months > 0 => {
            let price = i128::from(application.order.amount.minor());
            let permille = price * i128::from(PERMILLE) / (i128::from(months) * i128::from(minor));
            ranged(definition, i64::try_from(permille).unwrap_or(i64::MAX))
        }
        // No income bears no instalment, however small.
        FeatureValue::Integer(0) if months > 0 => ranged(definition, i64::MAX),
        FeatureValue::Integer(_) | FeatureValue::Category(_) => FeatureValue::Missing(MissingKind::Invalid),
        missing @ FeatureValue::Missing(_) => missing,
    };
    Feature { value, weak: income.weak }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn years(birth: &str, today: &str) -> i64 {
        completed_years(Date::parse(birth).unwrap(), Date::parse(today).unwrap())
    }

    #[test]
    fn a_year_is_completed_on_the_birthday() {
        assert_eq!(years("2008-11-23", "2026-11-22"), 17);
        assert_eq!(years("2008-11-23", "2026-11-23"), 18);
        assert_eq!(years("2008-02-29", "2026-02-28"), 17);
        assert_eq!(years("2008-02-29", "2026-03-01"), 18);
        assert_eq!(years("2008-02-29", "2028-02-29"), 20);
    }
}
