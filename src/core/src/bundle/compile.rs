//! From payload to compiled bundle, refusing what contradicts itself.

mod models;
mod schema;
mod tables;

use super::{
    BundleError, Compiled, PLANS_MAX, Part, Payload, REASONS_MAX, SEMANTICS, TABLES_MAX,
    payload::{AGREEMENT_TEXT, FORMAT, Texts},
};
use crate::{calendar::Period, credit::Repayment, sorted::Names, wire::ID_BYTES_MAX};

pub(super) fn refuse<T>(what: impl Into<String>) -> Result<T, BundleError> {
    Err(BundleError::Policy(what.into()))
}

/// Checks and compiles a payload.
pub(super) fn compile(payload: &Payload) -> Result<Compiled, BundleError> {
    if payload.format != FORMAT {
        return Err(BundleError::Format(payload.format.chars().take(64).collect()));
    }
    if payload.semantics != SEMANTICS {
        return Err(BundleError::Semantics(payload.semantics));
    }
    head(payload)?;
    reasons(payload)?;
    product(payload)?;
    let fields = schema::fields(payload)?;
    let bands = tables::bands(payload)?;
    let features = schema::features(payload, &fields, &bands)?;
    let (eligibility, outcome, limit, price) = tables::all(payload, &features, &bands)?;
    let model = match &payload.model {
        Some(model) => Some(models::scoring(payload, &features, &model.id, &model.scorecard)?),
        None => None,
    };
    let public_model = match &payload.public_model {
        Some(model) => Some(models::public(payload, &features, &model.id, &model.scorecard)?),
        None => None,
    };
    parts(payload)?;
    Ok(Compiled {
        features,
        fields,
        eligibility,
        outcome,
        limit,
        price,
        model,
        public_model,
        bands,
        plan_months: payload.product.plans.iter().map(|plan| months(&plan.repayment)).collect(),
        over_limit: match &payload.rules.over_limit {
            Some(code) => Some(reason(payload, code, "rules")?),
            None => None,
        },
        no_plan: reason(payload, &payload.rules.no_plan, "rules")?,
    })
}

fn head(payload: &Payload) -> Result<(), BundleError> {
    if payload.valid_from > payload.valid_until {
        return refuse("`valid_until` lies before `valid_from`");
    }
    if payload.time_zone.is_empty() || payload.lender.name.is_empty() || payload.locale.is_empty() {
        return refuse("`time_zone`, `lender` and `locale` must not be empty");
    }
    for texts in payload.texts.values() {
        let known = |code: &str| code == AGREEMENT_TEXT || crate::application::texts::CODES.contains(&code);
        if let Some(code) = texts.keys().find(|code| !known(code)) {
            return refuse(format!("`texts` has a message `{code}`, and there is no such code"));
        }
    }
    id_is_sound("bundle", &payload.id)?;
    within("eligibility tables", payload.eligibility.len(), TABLES_MAX)
}

fn reasons(payload: &Payload) -> Result<(), BundleError> {
    within("reasons", payload.reasons.len(), REASONS_MAX)?;
    let mut seen = Names::default();
    for reason in &payload.reasons {
        id_is_sound("reason", &reason.code)?;
        has_text(payload, &reason.text, &format!("reason `{}`", reason.code))?;
        if !seen.insert(reason.code.as_str()) {
            return refuse(format!("reason `{}` stands twice in the catalogue", reason.code));
        }
    }
    Ok(())
}

fn product(payload: &Payload) -> Result<(), BundleError> {
    let product = &payload.product;
    within("plans", product.plans.len(), PLANS_MAX)?;
    id_is_sound("product", &product.id)?;
    if product.plans.is_empty() {
        return refuse(format!("product `{}` has no plan", product.id));
    }
    if product.amount_min > product.amount_max || product.amount_min.is_zero() {
        return refuse(format!("product `{}` has no sensible span of amounts", product.id));
    }
    if !product.rate.daily && product.rate.day_count.is_none() {
        return refuse(format!("product `{}` has an annual rate without `day_count`", product.id));
    }
    let mut seen = Names::default();
    for plan in &product.plans {
        id_is_sound("plan", &plan.id)?;
        has_text(payload, &plan.label, &format!("plan `{}`", plan.id))?;
        if !seen.insert(plan.id.as_str()) {
            return refuse(format!("plan `{}` stands twice", plan.id));
        }
        let repayment = &plan.repayment;
        if repayment.every.is_none() || repayment.first_due.is_some() || repayment.due_dates.is_some() {
            return refuse(format!("plan `{}` must have `every` and no dates of its own", plan.id));
        }
    }
    for cap in &payload.caps {
        if cap.convention != product.convention {
            return refuse(format!("cap `{}` is expressed in another convention than the product discloses", cap.id));
        }
        if cap.until.is_some_and(|until| until < cap.from) {
            return refuse(format!("cap `{}` ends before it begins", cap.id));
        }
    }
    Ok(())
}

/// Both parts hold what they need and nothing they must not hold.
fn parts(payload: &Payload) -> Result<(), BundleError> {
    let private = [
        ("outcome", payload.outcome.is_some()),
        ("limit", payload.limit.is_some()),
        ("price", payload.price.is_some()),
        ("model", payload.model.is_some()),
    ];
    match payload.part {
        Part::Public => {
            if let Some((name, _)) = private.iter().find(|(_, there)| *there) {
                return refuse(format!("a public part must not hold `{name}`"));
            }
            if payload.eligibility.iter().any(|table| !table.public) || payload.reasons.iter().any(|r| !r.public) {
                return refuse("a public part must not hold a table or a reason that is not public");
            }
            Ok(())
        }
        Part::Full => {
            if let Some((name, _)) = private.iter().find(|(name, there)| !*there && *name != "model") {
                return refuse(format!("a full part must hold `{name}`"));
            }
            if payload.rules.over_limit.is_none() {
                return refuse("a full part must say in `rules` which reason is `over_limit`");
            }
            let dearest =
                payload.price.iter().flat_map(|table| &table.rows).filter_map(|row| row.then.rate_percent).max();
            if dearest != Some(payload.representative.rate_percent) {
                return refuse("the representative rate must be the dearest of the price table");
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
        None => 0,
    }
}

/// The index of a reason code.
pub(super) fn reason(payload: &Payload, code: &str, at: &str) -> Result<u16, BundleError> {
    match (0_u16..).zip(&payload.reasons).find(|(_, reason)| reason.code == code) {
        Some((index, _)) => Ok(index),
        None => refuse(format!("{at} names reason `{code}`, and the catalogue has none")),
    }
}

pub(super) fn within(what: &str, count: usize, max: usize) -> Result<(), BundleError> {
    if count > max {
        return refuse(format!("there are {count} {what}; the limit is {max}"));
    }
    Ok(())
}

/// Names are short and plain, so that they stand in traces and messages without quoting.
pub(super) fn id_is_sound(what: &str, id: &str) -> Result<(), BundleError> {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if id.is_empty() || id.len() > ID_BYTES_MAX || !id.bytes().all(sound) {
        return refuse(format!(
            "a {what} is named `{id}`; a name has 1 to {ID_BYTES_MAX} ASCII letters, digits, `_`, `-` and `.`"
        ));
    }
    Ok(())
}

pub(super) fn has_text(payload: &Payload, texts: &Texts, what: &str) -> Result<(), BundleError> {
    if texts.get(&payload.locale).is_none_or(String::is_empty) {
        return refuse(format!("{what} has no text in `{}`", payload.locale));
    }
    Ok(())
}
