//! The steps of a decision on the full part.

use std::vec::Vec;

use super::{
    DecideError, admit, admit_evidence, evidence_need, features, input_hash, offers, reasons,
    tables::{self, Answer},
    validate,
};
use crate::{
    application::texts,
    bundle::{
        Bundle, CompiledTable, Part, SEMANTICS,
        features::{Engine, FeatureKind},
        tables::Verdict,
    },
    decimal::Decimal,
    evidence::MissingKind,
    money::Amount,
    policy::{Feature, FeatureValue},
    score::{ScoredRow, Value},
    wire::{Decision, Input, Need, Offer, Outcome},
};

/// Decides one application on the full part of a bundle.
///
/// # Errors
/// [`DecideError`]: a public part, a bundle outside its time, another currency, unknown fields or evidence, a table
/// with two answers where one may be or none where one must be.
pub fn decide(bundle: &Bundle, input: &Input) -> Result<Decision, DecideError> {
    make(bundle, input).map(|(decision, _)| decision)
}

/// A decision, and the canonical text of each offer without its hash.
pub(super) fn make(bundle: &Bundle, input: &Input) -> Result<(Decision, Vec<Vec<u8>>), DecideError> {
    if bundle.part() != Part::Full {
        return Err(DecideError::PublicBundle);
    }
    admit(bundle, input)?;
    admit_evidence(bundle, input)?;
    let mut run = Run::new(bundle, input);
    let outcome = run.steps()?;
    run.trace.push(format!("outcome {}", outcome.name()));
    let validity = bundle.payload().validity_seconds;
    let decision = Decision {
        bundle_hash: bundle.hash().to_owned(),
        expires: input.as_of.plus_seconds(validity).map_err(|_| DecideError::DateOutOfRange)?,
        input_hash: input_hash(input)?,
        needs: run.needs,
        offers: run.offers,
        outcome,
        reasons: reasons(bundle, &run.reasons),
        semantics: SEMANTICS,
        trace: run.trace,
    };
    Ok((decision, run.texts))
}

/// What the steps go through, and what they find on the way.
pub(super) struct Run<'a> {
    pub bundle: &'a Bundle,
    pub input: &'a Input,
    pub trace: Vec<String>,
    pub needs: Vec<Need>,
    /// Reasons as indexes into the catalogue.
    pub reasons: Vec<u16>,
    pub offers: Vec<Offer>,
    /// The canonical text of each offer without its hash.
    pub texts: Vec<Vec<u8>>,
}

impl<'a> Run<'a> {
    pub(super) fn new(bundle: &'a Bundle, input: &'a Input) -> Self {
        let trace = Vec::with_capacity(16);
        Self { bundle, input, trace, needs: Vec::new(), reasons: Vec::new(), offers: Vec::new(), texts: Vec::new() }
    }

    fn steps(&mut self) -> Result<Outcome, DecideError> {
        let (bundle, input) = (self.bundle, self.input);
        self.needs = validate(bundle, input, &mut self.trace);
        if !self.needs.is_empty() {
            return Ok(Outcome::Needs);
        }
        let (mut features, coverage) =
            features::extract(bundle, &input.application, Some(&input.evidence), input.today);
        let eligible = tables::eligibility(bundle, false, &features, &mut self.trace)?;
        if eligible.verdict == Verdict::Decline {
            self.reasons = eligible.reasons;
            return Ok(Outcome::Declined);
        }
        self.trace.push(coverage.line());
        self.needed(&features);
        if !self.needs.is_empty() {
            return Ok(Outcome::Needs);
        }
        let scored = self.score(&mut features)?;
        let (verdict, reason) = self.outcome_table(&mut features)?;
        if verdict > Verdict::Pass || eligible.verdict > Verdict::Pass {
            // Only what led there: a decline by score has no reason from a rule that merely referred.
            if verdict != Verdict::Decline {
                self.reasons = eligible.reasons;
            }
            self.reasons.extend(reason);
            if verdict > Verdict::Pass {
                self.reasons_of_score(scored.as_ref())?;
            }
            return Ok(if verdict == Verdict::Decline { Outcome::Declined } else { Outcome::Referred });
        }
        if !self.within_limit(&features)? {
            self.reasons.extend(bundle.compiled.over_limit);
            return Ok(Outcome::Declined);
        }
        self.quote(&mut features)?;
        if self.offers.is_empty() {
            self.reasons.push(bundle.compiled.no_plan);
            return Ok(Outcome::Declined);
        }
        Ok(Outcome::Eligible)
    }

    /// Needed evidence that nobody asked for, or that too weak a source vouches for.
    fn needed(&mut self, features: &[Feature]) {
        for (index, (feature, definition)) in features.iter().zip(&self.bundle.compiled.features).enumerate() {
            let message = match feature.value {
                _ if !definition.needed => continue,
                FeatureValue::Missing(MissingKind::NotAsked) => &texts::NEED_NOT_ASKED,
                _ if feature.weak => &texts::NEED_ASSURANCE,
                _ => continue,
            };
            self.needs.extend(evidence_need(self.bundle, index, message));
        }
        if !self.needs.is_empty() {
            self.trace.push(format!("needs evidence={}", self.needs.len()));
        }
    }

    /// Scores.
    fn score(&mut self, features: &mut [Feature]) -> Result<Option<ScoredRow>, DecideError> {
        let compiled = &self.bundle.compiled;
        let Some(model) = &compiled.model else {
            self.trace.push("score none".to_owned());
            return Ok(None);
        };
        let used = |slot: &usize| features.get(*slot).copied().unwrap_or(Feature::NOT_ASKED);
        let values: Vec<Value<'_>> =
            model.slots.iter().map(|slot| score_value(self.bundle, *slot, used(slot).value)).collect();
        let weak: Vec<bool> = model.slots.iter().map(|slot| used(slot).weak).collect();
        let scored = model.model.score(&values, &weak)?;
        let points = scored.points();
        self.trace.push(format!("score model={} points={points} lowered={}", model.id, scored.lowered()));
        features::set(compiled, features, Engine::ScorePoints, FeatureValue::Integer(points.into()));
        Ok(Some(scored))
    }

    /// The reasons for what is missing from the best score, or from the baseline's, largest first.
    fn reasons_of_score(&mut self, scored: Option<&ScoredRow>) -> Result<(), DecideError> {
        if let (Some(model), Some(scored)) = (&self.bundle.compiled.model, scored) {
            let catalogue = || (0_u16..).zip(&self.bundle.payload().reasons);
            let listed = |code: &str| catalogue().find(|(_, reason)| reason.code == code).map(|(index, _)| index);
            self.reasons.extend(model.model.reasons(scored)?.into_iter().filter_map(listed));
        }
        Ok(())
    }

    /// The outcome table: the worse verdict, the band without weak values, the reason of the worse row.
    fn outcome_table(&mut self, features: &mut [Feature]) -> Result<(Verdict, Option<u16>), DecideError> {
        let compiled = &self.bundle.compiled;
        let Some(table) = &compiled.outcome else { return Ok((Verdict::Decline, None)) };
        let (with, without) = tables::both(table, features)?;
        let worse = if with.then.verdict > without.then.verdict { with } else { without };
        let band = compiled.bands.get(usize::from(without.then.band)).map_or("", String::as_str);
        let verdict = worse.then.verdict;
        self.trace.push(format!("{} band={band} {}", answered("outcome", table, with, without), verdict.name()));
        features::set(compiled, features, Engine::ScoreBand, FeatureValue::Category(without.then.band));
        Ok((verdict, worse.then.reason))
    }

    /// Whether the order is within the person's and the product's limit.
    fn within_limit(&mut self, features: &[Feature]) -> Result<bool, DecideError> {
        let compiled = &self.bundle.compiled;
        let product_max = self.bundle.payload().product.amount_max;
        let Some(table) = &compiled.limit else { return Ok(false) };
        let (with, without) = tables::both(table, features)?;
        let limit = with.then.limit.min(without.then.limit).min(product_max);
        let within = limit > Amount::ZERO && self.input.application.order.amount <= limit;
        let word = if within { "within" } else { "above" };
        self.trace.push(format!("{} order={word}", answered("limit", table, with, without)));
        Ok(within)
    }

    /// The price of each plan by the price table for the grade that the outcome table gives, whatever its verdict.
    fn rates(&mut self) -> Result<Vec<Decimal>, DecideError> {
        let (bundle, input) = (self.bundle, self.input);
        let (mut features, _) = features::extract(bundle, &input.application, Some(&input.evidence), input.today);
        self.score(&mut features)?;
        self.outcome_table(&mut features)?;
        let Some(table) = &bundle.compiled.price else { return Ok(Vec::new()) };
        let plans = (0_u16..).zip(&bundle.payload().product.plans);
        plans.map(|(index, _)| Ok(price(bundle, table, &mut features, index)?.0)).collect()
    }

    /// Prices and quotes every plan; drops what breaks a cap.
    fn quote(&mut self, features: &mut [Feature]) -> Result<(), DecideError> {
        let compiled = &self.bundle.compiled;
        let Some(table) = &compiled.price else { return Ok(()) };
        let order = self.input.application.order;
        for (index, plan) in (0_u16..).zip(&self.bundle.payload().product.plans) {
            let (rate, with, without) = price(self.bundle, table, features, index)?;
            let quoted = offers::quote_plan(self.bundle, plan, order.amount, self.input.today, rate)?;
            let line = format!("{} {}", answered("price", table, with, without), quoted.line(&plan.id));
            self.take(line, quoted);
        }
        Ok(())
    }

    /// Every plan at one rate, for an estimate.
    pub(super) fn quote_at(&mut self, rate_percent: Decimal) -> Result<(), DecideError> {
        let order = self.input.application.order;
        for plan in &self.bundle.payload().product.plans {
            let quoted = offers::quote_plan(self.bundle, plan, order.amount, self.input.today, rate_percent)?;
            self.take(quoted.line(&plan.id), quoted);
        }
        Ok(())
    }

    fn take(&mut self, line: String, quoted: offers::Quoted) {
        self.trace.push(line);
        if let offers::Quoted::Offer(offer, text) = quoted {
            self.offers.push(*offer);
            self.texts.push(text);
        }
    }
}

/// What a plan costs by the price table, and its answers with and without weak values: the dearer counts.
fn price(
    bundle: &Bundle,
    table: &CompiledTable,
    features: &mut [Feature],
    plan: u16,
) -> Result<(Decimal, Answer, Answer), DecideError> {
    features::set(&bundle.compiled, features, Engine::Plan, FeatureValue::Category(plan));
    let (with, without) = tables::both(table, features)?;
    Ok((with.then.rate_percent.max(without.then.rate_percent), with, without))
}

/// What each plan of the product costs whoever was decided about, in their order: the price table's answer for the grade
/// that the outcome table gives, whatever its verdict. For whoever approves what a decision referred or declined.
///
/// # Errors
/// As [`decide`].
pub fn rates(bundle: &Bundle, input: &Input) -> Result<Vec<Decimal>, DecideError> {
    if bundle.part() != Part::Full {
        return Err(DecideError::PublicBundle);
    }
    admit(bundle, input)?;
    admit_evidence(bundle, input)?;
    Run::new(bundle, input).rates()
}

/// `limit table=limits row=4`, and where weak values made a difference ` trusted_row=5`.
fn answered(step: &str, table: &CompiledTable, with: Answer, without: Answer) -> String {
    if with.row == without.row {
        return format!("{step} table={} row={}", table.id, with.row);
    }
    format!("{step} table={} row={} trusted_row={}", table.id, with.row, without.row)
}

/// A feature's value as the scorecard takes it.
pub(super) fn score_value(bundle: &Bundle, slot: usize, value: FeatureValue) -> Value<'_> {
    let feature = bundle.compiled.features.get(slot);
    match value {
        FeatureValue::Missing(kind) => Value::Missing(kind),
        // Exact: the schema's integers are within ±(2⁵³ − 1).
        FeatureValue::Integer(integer) => Value::Number(integer as f64),
        FeatureValue::Category(index) => {
            let number = feature.is_some_and(|f| matches!(f.kind, FeatureKind::Integer | FeatureKind::Money));
            let name = feature.and_then(|feature| feature.categories.get(usize::from(index)));
            match name {
                Some(name) if !number => Value::Category(name),
                _ => Value::Missing(MissingKind::Invalid),
            }
        }
    }
}
