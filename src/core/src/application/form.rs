//! The form as a page shows it, in one language.

use crate::{
    bundle::{
        Bundle,
        form::{FieldDefinition, FieldKind},
        payload::Texts,
    },
    canonical,
    wire::{Form, FormChoice, FormField, FormLender, FormStep},
};

/// The form in the language asked for, or where it has no text in that language, in the bundle's own.
#[must_use]
pub fn form(bundle: &Bundle, locale: Option<&str>) -> Form {
    let payload = bundle.payload();
    let text = |texts: &Texts| bundle.text(texts, locale).to_owned();
    let field = |field: &FieldDefinition| {
        let label = text(&field.label);
        FormField {
            choices: field
                .choices
                .iter()
                .map(|choice| FormChoice { label: text(&choice.label), value: choice.value.clone() })
                .collect(),
            date_max: field.date_max,
            date_min: field.date_min,
            help: text(&field.help),
            id: field.id.clone(),
            money_max: field.money_max,
            money_min: field.money_min,
            purpose: field.purpose.clone(),
            required: field.required,
            text_chars_max: field.text_chars_max,
            text_hash: (field.kind == FieldKind::Consent).then(|| canonical::sha256_hex(label.as_bytes())),
            kind: field.kind,
            label,
        }
    };
    Form {
        currency: payload.currency,
        label: payload.label.clone(),
        lender: FormLender { name: payload.lender.name.clone() },
        locale: locale.unwrap_or(&payload.locale).to_owned(),
        steps: payload
            .form
            .steps
            .iter()
            .map(|step| FormStep {
                fields: step.fields.iter().map(field).collect(),
                id: step.id.clone(),
                reaches: step.reaches,
                title: text(&step.title),
            })
            .collect(),
    }
}
