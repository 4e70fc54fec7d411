//! Checks of what was filled in: all errors at once, in the form's order.

use super::{
    email,
    person_name::{self, NAME_CHARS_MAX, NameProblem},
    phone,
    resident_id::{self, ResidentIdProblem},
    texts::{self, Message},
};
use crate::{
    bundle::{
        Bundle,
        form::{FieldDefinition, FieldKind},
    },
    calendar::Date,
    currency::Currency,
    decide::DecideError,
    money::Amount,
    wire::{FIELDS_MAX, FieldError, Map, Order, Scalar, ValidateInput, Validation},
};

/// The longest free text where the form names no limit, in characters.
const TEXT_CHARS_MAX_DEFAULT: u16 = 200;

/// Validates the whole form, or one step of it; every error at once. The messages say what to do and never repeat what
/// was entered.
///
/// # Errors
/// [`DecideError::UnknownStep`], [`DecideError::TooManyFields`]. An unknown field is one of the errors in the answer.
pub fn validate(bundle: &Bundle, input: &ValidateInput) -> Result<Validation, DecideError> {
    let errors = errors(
        bundle,
        &input.fields,
        &Asked { locale: input.locale.as_deref(), order: input.order, step: input.step.as_deref(), today: input.today },
    )?;
    Ok(Validation { ok: errors.is_empty(), errors })
}

/// What is asked of a form beside its fields.
pub(super) struct Asked<'a> {
    pub locale: Option<&'a str>,
    pub order: Option<Order>,
    pub step: Option<&'a str>,
    pub today: Date,
}

/// One entry a field that is wrong, in the form's order.
#[inline(never)]
pub(super) fn errors(bundle: &Bundle, fields: &Map<Scalar>, asked: &Asked<'_>) -> Result<Vec<FieldError>, DecideError> {
    if fields.len() > FIELDS_MAX {
        return Err(DecideError::TooManyFields(fields.len()));
    }
    let steps = &bundle.payload().form.steps;
    if let Some(step) = asked.step
        && !steps.iter().any(|known| known.id == step)
    {
        return Err(DecideError::UnknownStep(step.to_owned()));
    }
    let locale = asked.locale;
    let mut errors = Vec::new();
    if let Some(order) = asked.order
        && order.currency != bundle.currency()
    {
        let bound = bundle.currency().code().to_owned();
        errors.push(error(bundle, locale, "order", &Problem::bounded(&texts::CURRENCY_MISMATCH, bound)));
    }
    for step in steps {
        if asked.step.is_some_and(|only| only != step.id) {
            continue;
        }
        for field in &step.fields {
            let found = check(field, fields.get(&field.id), asked.today, bundle.currency(), Demand::Form);
            if let Err(problem) = found {
                errors.push(error(bundle, locale, &field.id, &problem));
            }
        }
    }
    for (name, _) in fields.iter() {
        if !is_field(bundle, name) {
            errors.push(error(bundle, locale, name, &Problem::new(&texts::UNKNOWN_FIELD)));
        }
    }
    Ok(errors)
}

/// The first key that is no field of the form.
pub(crate) fn unknown_field<'f>(bundle: &Bundle, fields: &'f Map<Scalar>) -> Option<&'f str> {
    fields.iter().map(|(name, _)| name).find(|name| !is_field(bundle, name))
}

fn is_field(bundle: &Bundle, name: &str) -> bool {
    bundle.payload().form.steps.iter().flat_map(|step| &step.fields).any(|field| field.id == name)
}

fn error(bundle: &Bundle, locale: Option<&str>, field: &str, problem: &Problem) -> FieldError {
    FieldError {
        code: problem.message.code.to_owned(),
        field: field.to_owned(),
        message: problem.text(bundle, locale, ""),
    }
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// The form: everything required must be there.
    Form,
    /// A decision: consents are recorded apart from the answers and may be absent from them.
    Decision,
}

/// What is wrong with a field, and the limit it broke.
#[derive(Debug)]
pub(crate) struct Problem {
    pub message: &'static Message,
    bound: String,
}

impl Problem {
    pub(crate) fn new(message: &'static Message) -> Self {
        Self { message, bound: String::new() }
    }

    fn bounded(message: &'static Message, bound: String) -> Self {
        Self { message, bound }
    }

    /// The text in a language, with the limit and the label filled in.
    pub(crate) fn text(&self, bundle: &Bundle, locale: Option<&str>, label: &str) -> String {
        let mut rest = bundle.message(self.message, locale);
        let mut text = String::with_capacity(rest.len());
        while let Some((before, place)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, after)) = place.split_once('}') else { break };
            match name {
                "min" | "max" => text.push_str(&self.bound),
                "label" => text.push_str(label),
                other => {
                    text.push('{');
                    text.push_str(other);
                    text.push('}');
                }
            }
            rest = after;
        }
        text + rest
    }
}

/// Checks one field.
pub(crate) fn check(
    field: &FieldDefinition,
    value: Option<&Scalar>,
    today: Date,
    currency: Currency,
    demand: Demand,
) -> Result<(), Problem> {
    let fail = |message| Err(Problem::new(message));
    let empty = match value {
        None => true,
        Some(Scalar::Text(text)) => text.trim().is_empty(),
        Some(_) => false,
    };
    if empty {
        let due = field.required && (demand == Demand::Form || field.kind != FieldKind::Consent);
        return match field.kind {
            _ if !due => Ok(()),
            FieldKind::Choice => fail(&texts::CHOICE_REQUIRED),
            FieldKind::Consent => fail(&texts::CONSENT_REQUIRED),
            _ => fail(&texts::REQUIRED),
        };
    }
    match (field.kind, value) {
        (FieldKind::Money, Some(Scalar::Integer(minor))) => money(field, *minor, currency),
        (FieldKind::Money, _) => fail(&texts::INVALID_AMOUNT),
        (FieldKind::Consent, Some(Scalar::Flag(true))) => Ok(()),
        (FieldKind::Consent, Some(Scalar::Flag(false))) if !field.required => Ok(()),
        (FieldKind::Consent, Some(Scalar::Flag(false))) => fail(&texts::CONSENT_REQUIRED),
        (_, Some(Scalar::Text(text))) => written(field, text, today),
        _ => fail(&texts::WRONG_TYPE),
    }
}

fn money(field: &FieldDefinition, minor: i64, currency: Currency) -> Result<(), Problem> {
    let Ok(amount) = Amount::new(minor) else { return Err(Problem::new(&texts::INVALID_AMOUNT)) };
    match (field.money_min, field.money_max) {
        (Some(min), _) if amount < min => Err(Problem::bounded(&texts::AMOUNT_TOO_SMALL, amount_text(min, currency))),
        (_, Some(max)) if amount > max => Err(Problem::bounded(&texts::AMOUNT_TOO_LARGE, amount_text(max, currency))),
        _ => Ok(()),
    }
}

/// An amount as `USD 1,234.50`, the same in every language.
pub(crate) fn amount_text(amount: Amount, currency: Currency) -> String {
    let exponent = usize::from(currency.exponent());
    let digits = format!("{:0>width$}", amount.minor(), width = exponent + 1);
    let whole = digits.len().saturating_sub(exponent);
    let (whole, fraction) = (digits.get(..whole).unwrap_or_default(), digits.get(whole..).unwrap_or_default());
    let mut text = format!("{} ", currency.code());
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if exponent > 0 {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

fn written(field: &FieldDefinition, text: &str, today: Date) -> Result<(), Problem> {
    let fail = |message| Err(Problem::new(message));
    match field.kind {
        FieldKind::PersonName => match person_name::check(text) {
            Ok(()) => Ok(()),
            Err(NameProblem::TooLong) => Err(Problem::bounded(&texts::NAME_TOO_LONG, NAME_CHARS_MAX.to_string())),
            Err(NameProblem::Characters) => fail(&texts::INVALID_NAME),
        },
        FieldKind::Date => date(field, text, today),
        FieldKind::Email if email::is_email(text) => Ok(()),
        FieldKind::Email => fail(&texts::INVALID_EMAIL),
        FieldKind::Phone if phone::is_e164(text) => Ok(()),
        FieldKind::Phone => fail(&texts::INVALID_PHONE),
        FieldKind::Choice if field.choices.iter().any(|choice| choice.value == text) => Ok(()),
        FieldKind::Choice => fail(&texts::INVALID_CHOICE),
        FieldKind::ResidentId => match resident_id::check(text, today) {
            Ok(()) => Ok(()),
            Err(ResidentIdProblem::Form) => fail(&texts::INVALID_RESIDENT_ID),
            Err(ResidentIdProblem::Place) => fail(&texts::RESIDENT_ID_PLACE),
            Err(ResidentIdProblem::BirthDate) => fail(&texts::RESIDENT_ID_DATE),
            Err(ResidentIdProblem::CheckCharacter) => fail(&texts::RESIDENT_ID_CHECK),
        },
        FieldKind::Text => {
            let max = field.text_chars_max.unwrap_or(TEXT_CHARS_MAX_DEFAULT);
            if text.chars().count() > usize::from(max) {
                return Err(Problem::bounded(&texts::TEXT_TOO_LONG, max.to_string()));
            }
            if text.chars().any(char::is_control) { fail(&texts::INVALID_TEXT) } else { Ok(()) }
        }
        FieldKind::Money | FieldKind::Consent => fail(&texts::WRONG_TYPE),
    }
}

fn date(field: &FieldDefinition, text: &str, today: Date) -> Result<(), Problem> {
    let Ok(date) = Date::parse(text) else { return Err(Problem::new(&texts::INVALID_DATE)) };
    if date > today {
        return Err(Problem::new(&texts::DATE_IN_FUTURE));
    }
    match (field.date_min, field.date_max) {
        (Some(min), _) if date < min => Err(Problem::bounded(&texts::DATE_TOO_EARLY, min.to_string())),
        (_, Some(max)) if date > max => Err(Problem::bounded(&texts::DATE_TOO_LATE, max.to_string())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(minor: i64, currency: &str) -> String {
        amount_text(Amount::new(minor).unwrap(), Currency::parse(currency).unwrap())
    }

    #[test]
    fn an_amount_is_written_with_the_currencys_own_decimals() {
        assert_eq!(amount(5, "USD"), "USD 0.05");
        assert_eq!(amount(2_000_000, "USD"), "USD 20,000.00");
        assert_eq!(amount(123_456_789, "JPY"), "JPY 123,456,789");
        assert_eq!(amount(1_234_567, "KWD"), "KWD 1,234.567");
    }

    fn field(kind: FieldKind) -> FieldDefinition {
        FieldDefinition {
            choices: Vec::new(),
            date_max: None,
            date_min: Some(Date::parse("1900-01-01").unwrap()),
            help: Default::default(),
            id: "x".to_owned(),
            label: Default::default(),
            money_max: Amount::new(10_000_000).ok(),
            money_min: Amount::new(100).ok(),
            purpose: None,
            required: true,
            text_chars_max: Some(3),
            kind,
        }
    }

    fn code(kind: FieldKind, value: Option<Scalar>) -> &'static str {
        let today = Date::parse("2026-11-23").unwrap();
        match check(&field(kind), value.as_ref(), today, Currency::parse("USD").unwrap(), Demand::Form) {
            Ok(()) => "ok",
            Err(problem) => problem.message.code,
        }
    }

    fn text(text: &str) -> Option<Scalar> {
        Some(Scalar::Text(text.to_owned()))
    }

    #[test]
    fn each_kind_of_field_names_what_is_wrong() {
        assert_eq!(code(FieldKind::Date, text("1990-02-28")), "ok");
        assert_eq!(code(FieldKind::Date, text("28.02.1990")), "invalid_date");
        assert_eq!(code(FieldKind::Date, text("1990-02-30")), "invalid_date");
        assert_eq!(code(FieldKind::Date, text("2026-11-23")), "ok");
        assert_eq!(code(FieldKind::Date, text("2026-11-24")), "date_in_future");
        assert_eq!(code(FieldKind::Date, None), "required");
        assert_eq!(code(FieldKind::Money, Some(Scalar::Integer(99))), "amount_too_small");
        assert_eq!(code(FieldKind::Money, Some(Scalar::Integer(100))), "ok");
        assert_eq!(code(FieldKind::Money, Some(Scalar::Integer(10_000_001))), "amount_too_large");
        assert_eq!(code(FieldKind::Money, Some(Scalar::Integer(-1))), "invalid_amount");
        assert_eq!(code(FieldKind::Money, text("100")), "invalid_amount");
        assert_eq!(code(FieldKind::Consent, Some(Scalar::Flag(true))), "ok");
        assert_eq!(code(FieldKind::Consent, Some(Scalar::Flag(false))), "consent_required");
        assert_eq!(code(FieldKind::Consent, text("true")), "wrong_type");
        assert_eq!(code(FieldKind::Email, Some(Scalar::Integer(1))), "wrong_type");
        assert_eq!(code(FieldKind::Email, text("   ")), "required");
        assert_eq!(code(FieldKind::Text, text("abcd")), "text_too_long");
        assert_eq!(code(FieldKind::Text, text("a\u{7}")), "invalid_text");
        assert_eq!(code(FieldKind::Choice, text("own")), "invalid_choice");
        assert_eq!(code(FieldKind::Choice, None), "choice_required");
    }
}
