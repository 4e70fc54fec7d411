//! Decision tables: columns resolved, cells read, what follows checked against what the table is for.

use core::fmt;

use super::{id_is_sound, reason, refuse, within};
use crate::{
    bundle::{
        BundleError, Compiled, CompiledFeature, CompiledSource, CompiledTable, CompiledThen, Payload,
        features::{Engine, FeatureKind, Use},
        tables::{RowDefinition, TableDefinition, Verdict},
    },
    decimal::Decimal,
    depth::Depth,
    money::Amount,
    policy::{CELLS_PER_TABLE_MAX, Cell, Domain, HitPolicy, Table},
    sorted::Names,
};

/// What a table is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Eligibility,
    Outcome,
    Limit,
    Price,
}

impl Role {
    fn lawful_use(self) -> Use {
        match self {
            Self::Eligibility => Use::Eligibility,
            Self::Outcome => Use::Score,
            Self::Limit => Use::Limit,
            Self::Price => Use::Price,
        }
    }

    /// Whether what the engine knows is known by the time the table is asked.
    fn knows(self, engine: Engine) -> bool {
        match engine {
            Engine::ScorePoints => self != Self::Eligibility,
            Engine::ScoreBand => matches!(self, Self::Limit | Self::Price),
            Engine::Plan => self == Self::Price,
            _ => true,
        }
    }
}

/// The names of the outcome table's bands, each once, in the order of its rows.
pub(super) fn bands<C: Depth>(payload: &Payload) -> Result<Vec<String>, BundleError> {
    let mut bands: Vec<String> = Vec::new();
    for row in payload.outcome.iter().flat_map(|table| &table.rows) {
        let Some(band) = &row.then.band else {
            return refuse::<C, _>(|| "a row of the outcome table has no `band`".to_owned());
        };
        id_is_sound::<C>("band", band)?;
        if !bands.contains(band) {
            bands.push(band.clone());
        }
    }
    Ok(bands)
}

/// Every table of a payload.
pub(super) fn all<C: Depth>(payload: &Payload, compiled: &mut Compiled) -> Result<(), BundleError> {
    let mut names = Names::default();
    let roles = [(&payload.outcome, Role::Outcome), (&payload.limit, Role::Limit), (&payload.price, Role::Price)];
    let others = roles.iter().filter_map(|(table, role)| Some((table.as_ref()?, *role)));
    for (table, role) in payload.eligibility.iter().map(|table| (table, Role::Eligibility)).chain(others) {
        if C::FULL && !names.insert(&table.id) {
            return refuse::<C, _>(|| format!("table `{}` stands twice", table.id));
        }
        let table = compile::<C>(payload, &compiled.features, &compiled.bands, table, role)?;
        match role {
            Role::Eligibility => compiled.eligibility.push(table),
            Role::Outcome => compiled.outcome = Some(table),
            Role::Limit => compiled.limit = Some(table),
            Role::Price => compiled.price = Some(table),
        }
    }
    Ok(())
}

fn compile<C: Depth>(
    payload: &Payload,
    features: &[CompiledFeature],
    bands: &[String],
    definition: &TableDefinition,
    role: Role,
) -> Result<CompiledTable, BundleError> {
    let id = &definition.id;
    id_is_sound::<C>("table", id)?;
    within::<C>(
        format_args!("cells in table `{id}`"),
        definition.columns.len().saturating_mul(definition.rows.len()),
        CELLS_PER_TABLE_MAX,
    )?;
    if C::FULL && role != Role::Eligibility && definition.hit == HitPolicy::Collect {
        return refuse::<C, _>(|| format!("table `{id}` must have one answer; its hit policy cannot be `collect`"));
    }
    if C::FULL && definition.public && role != Role::Eligibility {
        return refuse::<C, _>(|| format!("table `{id}` is public, and only an eligibility table can be"));
    }
    let mut columns = Vec::with_capacity(definition.columns.len());
    for name in &definition.columns {
        columns.push(column::<C>(payload, features, definition, name, role)?);
    }
    let mut rows = Vec::with_capacity(definition.rows.len());
    let mut then = Vec::with_capacity(definition.rows.len());
    for (number, row) in (1_usize..).zip(&definition.rows) {
        let at = format_args!("table `{id}` row {number}");
        rows.push(cells::<C>(at, features, &columns, row)?);
        then.push(follows::<C>(payload, bands, at, row, definition.public, role)?);
    }
    match Table::new(definition.hit, columns, rows) {
        Some(table) => Ok(CompiledTable { id: id.clone(), public: definition.public, table, then }),
        None => refuse::<C, _>(|| format!("table `{id}` has a row whose cells are not as many as its columns")),
    }
}

fn column<C: Depth>(
    payload: &Payload,
    features: &[CompiledFeature],
    table: &TableDefinition,
    name: &str,
    role: Role,
) -> Result<u16, BundleError> {
    let id = &table.id;
    let found = (0_u16..).zip(&payload.features).zip(features).find(|((_, definition), _)| definition.id == name);
    let Some(((index, definition), feature)) = found else {
        return refuse::<C, _>(|| format!("table `{id}` asks for feature `{name}`, and the schema has none"));
    };
    if !C::FULL {
        return Ok(index);
    }
    let lawful = role.lawful_use();
    if !definition.uses.contains(&lawful) {
        return refuse::<C, _>(|| {
            format!("table `{id}` uses feature `{name}` for {}, which its `uses` do not allow", lawful.name())
        });
    }
    if let CompiledSource::Engine(engine) = feature.source
        && !role.knows(engine)
    {
        return refuse::<C, _>(|| {
            format!("table `{id}` asks for feature `{name}`, which is not known yet at that point")
        });
    }
    if table.public && !is_public(features, feature) {
        return refuse::<C, _>(|| {
            format!("table `{id}` is public, and feature `{name}` comes from neither the form nor the order")
        });
    }
    Ok(index)
}

/// Whether a browser can know the feature: it follows from the form and the order alone.
pub(super) fn is_public(features: &[CompiledFeature], feature: &CompiledFeature) -> bool {
    match &feature.source {
        CompiledSource::Field(_) | CompiledSource::AgeYears(_) => true,
        CompiledSource::Engine(engine) => {
            matches!(engine, Engine::OrderAmount | Engine::OrderAmountUnits | Engine::LongestPlanMonths)
        }
        CompiledSource::InstalmentToIncomePermille(of) => {
            // A feature refers to an earlier one only, so this ends.
            features.get(*of).is_some_and(|income| is_public(features, income))
        }
        CompiledSource::Evidence(_) => false,
    }
}

fn cells<C: Depth>(
    at: fmt::Arguments<'_>,
    features: &[CompiledFeature],
    columns: &[u16],
    row: &RowDefinition,
) -> Result<Vec<Cell>, BundleError> {
    if row.when.len() != columns.len() {
        return refuse::<C, _>(|| format!("{at} has {} cells for {} columns", row.when.len(), columns.len()));
    }
    let mut cells = Vec::with_capacity(columns.len());
    for (text, column) in row.when.iter().zip(columns) {
        let Some(feature) = features.get(usize::from(*column)) else { continue };
        let domain = match feature.kind {
            FeatureKind::Integer | FeatureKind::Money => Domain::Integer,
            FeatureKind::Category | FeatureKind::Boolean => Domain::Category(&feature.categories),
        };
        match Cell::parse(text, domain) {
            Ok(cell) => cells.push(cell),
            Err(why) => return refuse::<C, _>(|| format!("{at}: {why}")),
        }
    }
    Ok(cells)
}

fn follows<C: Depth>(
    payload: &Payload,
    bands: &[String],
    at: fmt::Arguments<'_>,
    row: &RowDefinition,
    public: bool,
    role: Role,
) -> Result<CompiledThen, BundleError> {
    let then = &row.then;
    let allowed = [
        ("band", then.band.is_some(), role == Role::Outcome),
        ("limit", then.limit.is_some(), role == Role::Limit),
        ("rate_percent", then.rate_percent.is_some(), role == Role::Price),
        ("outcome", then.outcome.is_some(), matches!(role, Role::Eligibility | Role::Outcome)),
    ];
    if C::FULL
        && let Some((name, there, _)) = allowed.iter().find(|(_, there, due)| there != due)
    {
        return refuse::<C, _>(|| format!("{at} {} `{name}`", if *there { "must not have" } else { "has no" }));
    }
    let verdict = then.outcome.unwrap_or(Verdict::Pass);
    let reason_due = role == Role::Eligibility && verdict != Verdict::Pass;
    let reason = match &then.reason {
        None if C::FULL && reason_due => return refuse::<C, _>(|| format!("{at} has no `reason`")),
        None => None,
        Some(_) if C::FULL && verdict == Verdict::Pass => {
            return refuse::<C, _>(|| format!("{at} passes and has a reason"));
        }
        Some(code) => {
            let index = reason::<C>(payload, code, at)?;
            if C::FULL && public && payload.reasons.get(usize::from(index)).is_some_and(|reason| !reason.public) {
                return refuse::<C, _>(|| format!("{at} is public and its reason `{code}` is not"));
            }
            Some(index)
        }
    };
    if C::FULL && public && verdict == Verdict::Refer {
        return refuse::<C, _>(|| format!("{at} is public and refers; a public table can only pass or decline"));
    }
    if C::FULL && then.rate_percent.is_some_and(Decimal::is_negative) {
        return refuse::<C, _>(|| format!("{at} has a rate below zero"));
    }
    let band = then.band.as_ref().and_then(|band| (0_u16..).zip(bands).find(|(_, name)| *name == band));
    Ok(CompiledThen {
        verdict,
        reason,
        band: band.map_or(0, |(index, _)| index),
        limit: then.limit.unwrap_or(Amount::ZERO),
        rate_percent: then.rate_percent.unwrap_or(Decimal::ZERO),
    })
}
