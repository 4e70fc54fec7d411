//! From payload to compiled bundle, refusing what contradicts itself.

mod models;
mod schema;
mod tables;

use core::fmt;

use super::{
    BundleError, Compiled, PLANS_MAX, Part, Payload, REASONS_MAX, SEMANTICS, TABLES_MAX,
    payload::{AGREEMENT_TEXT, FORMAT, NOTICE_TEXT_PREFIX, Texts},
};
use crate::{
    calendar::Period,
    credit::{
        CHARGE_CAPS_MAX, Repayment,
        caps::{CAPS_MAX, Measure, PlanCap},
    },
    depth::Depth,
    sorted::Names,
    wire::ID_BYTES_MAX,
};

/// What is said of an unsound policy without the full checks.
const UNSOUND: &str = "it refers to what it does not have; `prequal bundle inspect` says where";

pub(super) fn refuse<C: Depth, T>(what: impl FnOnce() -> String) -> Result<T, BundleError> {
    Err(BundleError::Policy(if C::FULL { what() } else { UNSOUND.to_owned() }))
}

/// Compiles a payload, checking it as deep as `C` says.
pub(super) fn compile<C: Depth>(payload: &Payload) -> Result<Compiled, BundleError> {
    if payload.format != FORMAT {
        return Err(BundleError::Format(payload.format.chars().take(64).collect()));
    }
    if payload.semantics != SEMANTICS {
        return Err(BundleError::Semantics(payload.semantics));
    }
    head::<C>(payload)?;
    reasons::<C>(payload)?;
    product::<C>(payload)?;
    let mut compiled = Compiled { fields: schema::fields::<C>(payload)?, ..Compiled::default() };
    compiled.bands = tables::bands::<C>(payload)?;
    compiled.features = schema::features::<C>(payload, &compiled.fields, &compiled.bands)?;
    tables::all::<C>(payload, &mut compiled)?;
    if let Some(model) = &payload.model {
        compiled.model = Some(models::scoring::<C>(payload, &compiled.features, model)?);
    }
    if let Some(model) = &payload.public_model {
        compiled.public_model = Some(models::public::<C>(payload, &compiled.features, &model.id, &model.scorecard)?);
    }
    parts::<C>(payload)?;
    compiled.plan_months = payload.product.plans.iter().map(|plan| months(&plan.repayment)).collect();
    if let Some(code) = &payload.rules.over_limit {
        compiled.over_limit = Some(reason::<C>(payload, code, format_args!("rules"))?);
    }
    compiled.no_plan = reason::<C>(payload, &payload.rules.no_plan, format_args!("rules"))?;
    Ok(compiled)
}

fn head<C: Depth>(payload: &Payload) -> Result<(), BundleError> {
    if !C::FULL {
        return Ok(());
    }
    if payload.valid_from > payload.valid_until {
        return refuse::<C, _>(|| "`valid_until` lies before `valid_from`".to_owned());
    }
    if payload.time_zone.is_empty() || payload.lender.name.is_empty() || payload.locale.is_empty() {
        return refuse::<C, _>(|| "`time_zone`, `lender` and `locale` must not be empty".to_owned());
    }
    for texts in payload.texts.values() {
        let of_server = |code: &str| code == AGREEMENT_TEXT || code.starts_with(NOTICE_TEXT_PREFIX);
        let known = |code: &str| of_server(code) || crate::application::texts::CODES.contains(&code);
        if let Some(code) = texts.keys().find(|code| !known(code)) {
            return refuse::<C, _>(|| format!("`texts` has a message `{code}`, and there is no such code"));
        }
    }
    id_is_sound::<C>("bundle", &payload.id)?;
    within::<C>(format_args!("eligibility tables"), payload.eligibility.len(), TABLES_MAX)
}

fn reasons<C: Depth>(payload: &Payload) -> Result<(), BundleError> {
    if !C::FULL {
        return Ok(());
    }
    within::<C>(format_args!("reasons"), payload.reasons.len(), REASONS_MAX)?;
    let mut seen = Names::default();
    for reason in &payload.reasons {
        id_is_sound::<C>("reason", &reason.code)?;
        has_text::<C>(payload, &reason.text, format_args!("reason `{}`", reason.code))?;
        if !seen.insert(reason.code.as_str()) {
            return refuse::<C, _>(|| format!("reason `{}` stands twice in the catalogue", reason.code));
        }
    }
    Ok(())
}

fn product<C: Depth>(payload: &Payload) -> Result<(), BundleError> {
    if !C::FULL {
        return Ok(());
    }
    let product = &payload.product;
    within::<C>(format_args!("plans"), product.plans.len(), PLANS_MAX)?;
    id_is_sound::<C>("product", &product.id)?;
    if product.plans.is_empty() {
        return refuse::<C, _>(|| format!("product `{}` has no plan", product.id));
    }
    if product.amount_min > product.amount_max || product.amount_min.is_zero() {
        return refuse::<C, _>(|| format!("product `{}` has no sensible span of amounts", product.id));
    }
    if !product.rate.daily && product.rate.day_count.is_none() {
        return refuse::<C, _>(|| format!("product `{}` has an annual rate without `day_count`", product.id));
    }
    let mut seen = Names::default();
    for plan in &product.plans {
        id_is_sound::<C>("plan", &plan.id)?;
        has_text::<C>(payload, &plan.label, format_args!("plan `{}`", plan.id))?;
        if !seen.insert(plan.id.as_str()) {
            return refuse::<C, _>(|| format!("plan `{}` stands twice", plan.id));
        }
        let repayment = &plan.repayment;
        let has_rhythm = repayment.every.is_some() != repayment.billing.is_some();
        if !has_rhythm || repayment.first_due.is_some() || repayment.due_dates.is_some() {
            return refuse::<C, _>(|| {
                format!("plan `{}` must have `every` or `billing`, and no dates of its own", plan.id)
            });
        }
    }
    if let Err(error) = product.late().check() {
        return refuse::<C, _>(|| format!("what being late costs in product `{}`: {error}", product.id));
    }
    caps::<C>(payload)
}

/// Ceilings that become ceilings on the charges of a loan's life.
fn bears_on_life(cap: &&PlanCap) -> bool {
    matches!(cap.measure, Measure::LateFees | Measure::TotalCost)
}

/// Ceilings are sound, and bind or spare this lender without a doubt on every day of the bundle.
fn caps<C: Depth>(payload: &Payload) -> Result<(), BundleError> {
    within::<C>(format_args!("caps"), payload.caps.len(), CAPS_MAX)?;
    let on_life = payload.caps.iter().filter(bears_on_life).count();
    within::<C>(format_args!("caps on late fees and total cost"), on_life, CHARGE_CAPS_MAX)?;
    for cap in &payload.caps {
        id_is_sound::<C>("cap", &cap.id)?;
        if let Err(error) = cap.check() {
            return refuse::<C, _>(|| format!("cap `{}`: {error}", cap.id));
        }
        if !cap.lenders.is_empty() && payload.lender.kind.is_empty() {
            return refuse::<C, _>(|| {
                format!("cap `{}` names types of lender, and the bundle does not say of which it is", cap.id)
            });
        }
        let first_day = cap.from.max(payload.valid_from);
        if cap.multiple.is_some() && cap.reference.first().is_none_or(|rate| first_day < rate.from) {
            return refuse::<C, _>(|| format!("cap `{}` has no reference rate for {first_day}", cap.id));
        }
    }
    Ok(())
}

/// Both parts hold what they need and nothing they must not hold.
fn parts<C: Depth>(payload: &Payload) -> Result<(), BundleError> {
    if !C::FULL {
        return Ok(());
    }
    let private = [
        ("outcome", payload.outcome.is_some()),
        ("limit", payload.limit.is_some()),
        ("price", payload.price.is_some()),
        ("model", payload.model.is_some()),
    ];
    match payload.part {
        Part::Public => {
            if let Some((name, _)) = private.iter().find(|(_, there)| *there) {
                return refuse::<C, _>(|| format!("a public part must not hold `{name}`"));
            }
            if payload.eligibility.iter().any(|table| !table.public) || payload.reasons.iter().any(|r| !r.public) {
                return refuse::<C, _>(|| {
                    "a public part must not hold a table or a reason that is not public".to_owned()
                });
            }
            Ok(())
        }
        Part::Full => {
            if let Some((name, _)) = private.iter().find(|(name, there)| !*there && *name != "model") {
                return refuse::<C, _>(|| format!("a full part must hold `{name}`"));
            }
            if payload.rules.over_limit.is_none() {
                return refuse::<C, _>(|| "a full part must say in `rules` which reason is `over_limit`".to_owned());
            }
            let dearest =
                payload.price.iter().flat_map(|table| &table.rows).filter_map(|row| row.then.rate_percent).max();
            if dearest != Some(payload.representative.rate_percent) {
                return refuse::<C, _>(|| "the representative rate must be the dearest of the price table".to_owned());
            }
            Ok(())
        }
    }
}

/// The months that a plan lasts; 30 days are a month where the step is in days.
fn months(repayment: &Repayment) -> u32 {
    let count = u32::from(repayment.count);
    match repayment.every {
        Some(Period::Months(months)) => count * u32::from(months),
        Some(Period::Days(days)) => (count * u32::from(days)).div_ceil(30),
        Some(Period::Semimonthly) => count.div_ceil(2),
        // A statement comes within a month, and falls due within another.
        None => count + 1,
    }
}

/// The index of a reason code.
pub(super) fn reason<C: Depth>(payload: &Payload, code: &str, at: fmt::Arguments<'_>) -> Result<u16, BundleError> {
    match (0_u16..).zip(&payload.reasons).find(|(_, reason)| reason.code == code) {
        Some((index, _)) => Ok(index),
        None => refuse::<C, _>(|| format!("{at} names reason `{code}`, and the catalogue has none")),
    }
}

pub(super) fn within<C: Depth>(what: fmt::Arguments<'_>, count: usize, max: usize) -> Result<(), BundleError> {
    if C::FULL && count > max {
        return refuse::<C, _>(|| format!("there are {count} {what}; the limit is {max}"));
    }
    Ok(())
}

/// Names are short and plain, so that they stand in traces and messages without quoting.
pub(super) fn id_is_sound<C: Depth>(what: &str, id: &str) -> Result<(), BundleError> {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if !C::FULL {
        return Ok(());
    }
    if id.is_empty() || id.len() > ID_BYTES_MAX || !id.bytes().all(sound) {
        return refuse::<C, _>(|| {
            format!("a {what} is named `{id}`; a name has 1 to {ID_BYTES_MAX} ASCII letters, digits, `_`, `-` and `.`")
        });
    }
    Ok(())
}

pub(super) fn has_text<C: Depth>(
    payload: &Payload,
    texts: &Texts,
    what: fmt::Arguments<'_>,
) -> Result<(), BundleError> {
    if C::FULL && texts.get(&payload.locale).is_none_or(String::is_empty) {
        return refuse::<C, _>(|| format!("{what} has no text in `{}`", payload.locale));
    }
    Ok(())
}
