//! A bundle in the form that decides: names are indexes, texts of cells are conditions.

use super::{
    features::{Engine, FeatureKind},
    form::FieldDefinition,
    payload::Payload,
    tables::Verdict,
};
use crate::{decimal::Decimal, evidence::Assurance, money::Amount, policy::Table, score::PointsModel};

/// The largest payload, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The most features in a schema.
pub const SCHEMA_FEATURES_MAX: usize = 512;
/// The most eligibility tables.
pub const TABLES_MAX: usize = 64;
/// The most plans of a product.
pub const PLANS_MAX: usize = 32;
/// The most reasons in a catalogue.
pub const REASONS_MAX: usize = 512;

/// Everything that a decision looks at.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// The schema, in its order; tables and models refer to it by index.
    pub features: Vec<CompiledFeature>,
    /// Where each form field stands: step and position in it.
    pub fields: Vec<(usize, usize)>,
    /// Eligibility tables.
    pub eligibility: Vec<CompiledTable>,
    /// The outcome table.
    pub outcome: Option<CompiledTable>,
    /// The limit table.
    pub limit: Option<CompiledTable>,
    /// The price table.
    pub price: Option<CompiledTable>,
    /// The scorecard or the trees.
    pub model: Option<CompiledModel>,
    /// The coarse public model.
    pub public_model: Option<CompiledModel>,
    /// The names of the outcome table's bands.
    pub bands: Vec<String>,
    /// Months of each plan.
    pub plan_months: Vec<u32>,
    /// Reason for an order above the limit.
    pub over_limit: Option<u16>,
    /// Reason for no plan within the law.
    pub no_plan: u16,
}

impl Compiled {
    /// The definition of a form field by its flat index.
    pub fn field<'p>(&self, payload: &'p Payload, index: usize) -> Option<&'p FieldDefinition> {
        let (step, position) = *self.fields.get(index)?;
        payload.form.steps.get(step)?.fields.get(position)
    }
}

/// A feature with its source resolved.
#[derive(Clone, Debug)]
pub struct CompiledFeature {
    pub source: CompiledSource,
    pub kind: FeatureKind,
    /// The categories; `no` and `yes` for a boolean.
    pub categories: Vec<String>,
    pub min: i64,
    pub max: i64,
    pub needed: bool,
    /// Whether it may be used for anything; what may not is not even taken in.
    pub lawful: bool,
    /// Below this, and never below [`Assurance::TRUSTED`], a value is weak.
    pub assurance: Assurance,
}

/// Where a value comes from, resolved.
#[derive(Clone, Debug)]
pub enum CompiledSource {
    /// An item of evidence by key.
    Evidence(String),
    /// A form field by flat index.
    Field(usize),
    /// Completed years since the date in a form field.
    AgeYears(usize),
    /// Instalment over the income in another, earlier feature.
    InstalmentToIncomePermille(usize),
    /// What the engine itself knows.
    Engine(Engine),
}

/// A table with what follows from its rows.
#[derive(Clone, Debug)]
pub struct CompiledTable {
    pub id: String,
    pub public: bool,
    pub table: Table,
    /// One entry a row.
    pub then: Vec<CompiledThen>,
}

/// What follows from a row, resolved; entries that the kind of table does not need hold a neutral value.
#[derive(Clone, Copy, Debug)]
pub struct CompiledThen {
    pub verdict: Verdict,
    /// Index into the reason catalogue.
    pub reason: Option<u16>,
    /// Index into the bands.
    pub band: u16,
    pub limit: Amount,
    pub rate_percent: Decimal,
}

/// A model with its features resolved.
#[derive(Clone, Debug)]
pub struct CompiledModel {
    pub id: String,
    pub model: PointsModel,
    /// For each feature of the model, its index in the schema.
    pub slots: Vec<usize>,
}
