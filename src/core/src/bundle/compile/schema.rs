//! The form's fields and the feature schema.

use super::{has_text, id_is_sound, refuse, within};
use crate::{
    bundle::{
        BundleError, CompiledFeature, CompiledSource, Part, Payload, SCHEMA_FEATURES_MAX, change,
        features::{Engine, FeatureDefinition, FeatureKind, Source},
        form::{FieldDefinition, FieldKind},
    },
    depth::Depth,
    evidence::Assurance,
    policy::{CATEGORIES_MAX, is_reserved_word},
    sorted::Names,
    wire::FIELDS_MAX,
};

/// Checks the form and lists where each field stands.
pub(super) fn fields<C: Depth>(payload: &Payload) -> Result<Vec<(usize, usize)>, BundleError> {
    let mut flat = Vec::new();
    let (mut fields, mut steps) = (Names::default(), Names::default());
    for (step_index, step) in payload.form.steps.iter().enumerate() {
        id_is_sound::<C>("step", &step.id)?;
        has_text::<C>(payload, &step.title, format_args!("step `{}`", step.id))?;
        if C::FULL && !steps.insert(step.id.as_str()) {
            return refuse::<C, _>(|| format!("step `{}` stands twice", step.id));
        }
        for (index, field) in step.fields.iter().enumerate() {
            id_is_sound::<C>("field", &field.id)?;
            if C::FULL && !fields.insert(field.id.as_str()) {
                return refuse::<C, _>(|| format!("field `{}` stands twice", field.id));
            }
            field_is_sound::<C>(payload, field)?;
            flat.push((step_index, index));
        }
    }
    within::<C>(format_args!("form fields"), flat.len(), FIELDS_MAX)?;
    Ok(flat)
}

fn field_is_sound<C: Depth>(payload: &Payload, field: &FieldDefinition) -> Result<(), BundleError> {
    if !C::FULL {
        return Ok(());
    }
    has_text::<C>(payload, &field.label, format_args!("field `{}`", field.id))?;
    let is = |kind: FieldKind| field.kind == kind;
    let misplaced = [
        (!field.choices.is_empty() && !is(FieldKind::Choice), "choices"),
        (field.choices.is_empty() && is(FieldKind::Choice), "choices"),
        ((field.money_min.is_some() || field.money_max.is_some()) && !is(FieldKind::Money), "money_min and money_max"),
        ((field.date_min.is_some() || field.date_max.is_some()) && !is(FieldKind::Date), "date_min and date_max"),
        (field.text_chars_max.is_some() && !is(FieldKind::Text), "text_chars_max"),
        (field.purpose.is_some() != is(FieldKind::Consent), "purpose"),
    ];
    if let Some((_, entry)) = misplaced.iter().find(|(wrong, _)| *wrong) {
        return refuse::<C, _>(|| format!("field `{}` and its `{entry}` do not go together", field.id));
    }
    let mut values = Names::default();
    for choice in &field.choices {
        has_text::<C>(payload, &choice.label, format_args!("choice `{}` of field `{}`", choice.value, field.id))?;
        if choice.value.is_empty() || !values.insert(choice.value.as_str()) {
            return refuse::<C, _>(|| format!("field `{}` has the choice `{}` twice or empty", field.id, choice.value));
        }
    }
    Ok(())
}

/// Checks the schema and resolves where each feature comes from.
pub(super) fn features<C: Depth>(
    payload: &Payload,
    fields: &[(usize, usize)],
    bands: &[String],
) -> Result<Vec<CompiledFeature>, BundleError> {
    within::<C>(format_args!("features"), payload.features.len(), SCHEMA_FEATURES_MAX)?;
    let mut seen = Names::default();
    let mut keys = Names::default();
    let mut compiled: Vec<CompiledFeature> = Vec::with_capacity(payload.features.len());
    for definition in &payload.features {
        id_is_sound::<C>("feature", &definition.id)?;
        if C::FULL && !seen.insert(definition.id.as_str()) {
            return refuse::<C, _>(|| format!("feature `{}` stands twice", definition.id));
        }
        let source = source::<C>(payload, fields, &compiled, definition)?;
        if let Source::Evidence(key) = &definition.from {
            id_is_sound::<C>("evidence key", key)?;
            if C::FULL && !keys.insert(key) {
                return refuse::<C, _>(|| format!("two features take the evidence `{key}`"));
            }
        } else if C::FULL && definition.needed {
            return refuse::<C, _>(|| format!("feature `{}` is `needed`, and only evidence can be", definition.id));
        }
        let categories = categories::<C>(payload, bands, definition, &source)?;
        compiled.push(CompiledFeature {
            source,
            kind: definition.kind,
            categories,
            min: definition.min.unwrap_or(i64::MIN),
            max: definition.max.unwrap_or(i64::MAX),
            needed: definition.needed,
            lawful: !definition.uses.is_empty(),
            assurance: definition.assurance.max(Assurance::TRUSTED),
        });
    }
    if C::FULL
        && let Err(why) = change::check(payload)
    {
        return refuse::<C, _>(|| why);
    }
    Ok(compiled)
}

fn source<C: Depth>(
    payload: &Payload,
    fields: &[(usize, usize)],
    earlier: &[CompiledFeature],
    definition: &FeatureDefinition,
) -> Result<CompiledSource, BundleError> {
    let id = &definition.id;
    let field = |name: &str, kinds: &[FieldKind]| {
        let found = fields.iter().enumerate().find_map(|(flat, (step, index))| {
            let field = payload.form.steps.get(*step)?.fields.get(*index)?;
            (field.id == name).then_some((flat, field.kind))
        });
        match found {
            Some((flat, kind)) if kinds.contains(&kind) => Ok(flat),
            Some(_) => refuse::<C, _>(|| format!("feature `{id}` cannot come from a field of the type of `{name}`")),
            None => refuse::<C, _>(|| format!("feature `{id}` comes from field `{name}`, and the form has none")),
        }
    };
    let numeric = matches!(definition.kind, FeatureKind::Integer | FeatureKind::Money);
    match &definition.from {
        Source::Evidence(key) => Ok(CompiledSource::Evidence(key.clone())),
        Source::Field(name) => {
            let kind = match definition.kind {
                FeatureKind::Money => FieldKind::Money,
                FeatureKind::Category => FieldKind::Choice,
                FeatureKind::Boolean => FieldKind::Consent,
                FeatureKind::Integer => {
                    return refuse::<C, _>(|| format!("feature `{id}` cannot be an integer from a field"));
                }
            };
            field(name, &[kind]).map(CompiledSource::Field)
        }
        Source::AgeYears(name) if numeric => {
            field(name, &[FieldKind::Date, FieldKind::ResidentId]).map(CompiledSource::AgeYears)
        }
        Source::InstalmentToIncomePermille(name) if numeric => {
            let found = payload.features.iter().take(earlier.len()).position(|feature| feature.id == *name);
            match found.and_then(|at| earlier.get(at).map(|feature| (at, feature.kind))) {
                Some((at, FeatureKind::Money)) => Ok(CompiledSource::InstalmentToIncomePermille(at)),
                _ => refuse::<C, _>(|| format!("feature `{id}` needs an earlier feature `{name}` of type `money`")),
            }
        }
        Source::Engine(engine) => {
            let category = matches!(engine, Engine::ScoreBand | Engine::Plan);
            let fits = if category { definition.kind == FeatureKind::Category } else { numeric };
            if !fits {
                return refuse::<C, _>(|| format!("feature `{id}` has a type that does not fit its source"));
            }
            Ok(CompiledSource::Engine(*engine))
        }
        _ => refuse::<C, _>(|| format!("feature `{id}` has a type that does not fit its source")),
    }
}

/// The values of a choice field.
fn form_choices(payload: &Payload, flat: usize) -> Option<Vec<String>> {
    let field = payload.form.steps.iter().flat_map(|step| &step.fields).nth(flat)?;
    (field.kind == FieldKind::Choice).then(|| field.choices.iter().map(|choice| choice.value.clone()).collect())
}

fn categories<C: Depth>(
    payload: &Payload,
    bands: &[String],
    definition: &FeatureDefinition,
    source: &CompiledSource,
) -> Result<Vec<String>, BundleError> {
    let id = &definition.id;
    let engine = match source {
        CompiledSource::Engine(Engine::ScoreBand) => Some(bands.to_vec()),
        CompiledSource::Engine(Engine::Plan) => {
            Some(payload.product.plans.iter().map(|plan| plan.id.clone()).collect())
        }
        // A choice of the form is a category of its own.
        CompiledSource::Field(flat) => form_choices(payload, *flat),
        _ => None,
    };
    let listed = !definition.categories.is_empty();
    let bounded = definition.min.is_some() || definition.max.is_some();
    let categories = match definition.kind {
        FeatureKind::Integer | FeatureKind::Money if listed => {
            return refuse::<C, _>(|| format!("feature `{id}` is a number and has categories"));
        }
        FeatureKind::Integer | FeatureKind::Money => return Ok(Vec::new()),
        _ if bounded => return refuse::<C, _>(|| format!("feature `{id}` is no number and has `min` or `max`")),
        FeatureKind::Boolean if !listed => vec!["no".to_owned(), "yes".to_owned()],
        FeatureKind::Category => match engine {
            Some(names) if !listed => names,
            None if listed => definition.categories.clone(),
            // The public part knows no bands.
            _ if payload.part == Part::Public => Vec::new(),
            _ => {
                return refuse::<C, _>(|| {
                    format!("feature `{id}` must list its categories, unless the engine knows them")
                });
            }
        },
        FeatureKind::Boolean => return refuse::<C, _>(|| format!("feature `{id}` is yes or no and has categories")),
    };
    within::<C>(format_args!("categories of feature `{id}`"), categories.len(), CATEGORIES_MAX)?;
    if !C::FULL {
        return Ok(categories);
    }
    let mut seen = Names::default();
    for name in &categories {
        if name.is_empty() || name.contains('|') || is_reserved_word(name) || name.trim() != name {
            return refuse::<C, _>(|| format!("feature `{id}` has a category `{name}`, which no table could name"));
        }
        if !seen.insert(name) {
            return refuse::<C, _>(|| format!("feature `{id}` lists category `{name}` twice"));
        }
    }
    Ok(categories)
}
