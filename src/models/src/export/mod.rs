//! Models out, so that none is locked in: PMML, ONNX, SQL and plain Python.
//!
//! Every form gives the margin that the model gives, to the bit where the form can say it, and what it cannot say is
//! refused by name or noted. The passport goes with the model into each.

mod card;
mod onnx;
mod plain;
mod pmml;
mod python;
mod sql;

pub use card::as_trees;

use crate::{ModelFile, model_file::Body, passport::Passport};
use plain::Plain;

/// A form that a model is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// PMML 4.4: a `Scorecard` for points, else trees.
    Pmml,
    /// ONNX: one `TreeEnsembleRegressor`.
    Onnx,
    /// One SQL query over a table.
    Sql,
    /// A Python module without dependencies.
    Python,
}

/// A model written out.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The file.
    pub bytes: Vec<u8>,
    /// What differs from the model, or may surprise.
    pub notes: Vec<String>,
}

/// Why a model was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportError {
    /// The form has no way to say something that the model says; the text names it.
    Refused(String),
    /// The model itself is wrong.
    Model(String),
}

impl std::fmt::Display for ExportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "the model cannot be written in this form: {why}"),
            Self::Model(why) => write!(f, "the model is refused: {why}"),
        }
    }
}

impl std::error::Error for ExportError {}

/// Writes a model in a form.
///
/// # Errors
/// [`ExportError`], which names what the form cannot say.
pub fn export(file: &ModelFile, form: Form) -> Result<Exported, ExportError> {
    let mut notes = Vec::new();
    let plain = match &file.body {
        Body::Trees(_) => Plain::new(file)?,
        Body::Scorecard(card) => Plain::new(&as_trees(card, &mut notes)?)?,
    };
    let passport = file.passport.as_ref();
    let bytes = match form {
        Form::Pmml => pmml::write(&plain, passport, &mut notes)?.into_bytes(),
        Form::Onnx => onnx::write(&plain, passport, &mut notes)?,
        Form::Sql => sql::write(&plain, passport, &mut notes)?.into_bytes(),
        Form::Python => python::write(&plain, passport)?.into_bytes(),
    };
    if passport.is_none() {
        notes.push("the model has no passport: nobody is named who made, validated or approved it".to_owned());
    }
    Ok(Exported { bytes, notes })
}

/// Lines that head a text: what the model is and its passport.
fn headline(plain: &Plain, passport: Option<&Passport>) -> Vec<String> {
    let mut lines = vec![format!("model: {}", if plain.label.is_empty() { "(no label)" } else { &plain.label })];
    lines.push(format!("source: {}, document {}", plain.library, plain.hash));
    if let Some(passport) = passport {
        lines.extend(passport.entries().iter().map(|(name, text)| format!("{name}: {text}")));
    }
    // A label may hold anything; a line is one line.
    lines.iter().map(|line| line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()).collect()
}

/// A number as the shortest text that gives the same double, with a point or an exponent in it.
fn decimal(value: f64) -> String {
    format!("{value:?}")
}
