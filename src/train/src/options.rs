//! What a caller may choose, with the defaults in one place.

use serde::Serialize;

use crate::error::TrainError;

/// Choices of a training run.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// The column to predict.
    pub target: String,
    /// The value of the target that counts as bad.
    pub bad: String,
    /// Columns that are never looked at.
    pub exclude: Vec<String>,
    /// Columns that hold names of categories although they look like numbers.
    pub categories: Vec<String>,
    /// Cells that mean "missing", besides the empty one.
    pub missing: Vec<String>,
    /// Parts for cross-validation: row i is held out in part i mod `folds`.
    pub folds: usize,
    /// Written into the model. Fitting draws nothing at random, so another seed gives the same points.
    pub seed: u64,
    /// What a person is told the model is.
    pub label: String,
    /// What the model may be used for.
    pub purpose: String,
    /// Points by which the odds of good to bad double.
    pub points_to_double_odds: f64,
    /// The score at `base_odds`.
    pub base_score: i32,
    /// Odds of good to bad at `base_score`.
    pub base_odds: f64,
    /// How bins are made.
    pub binning: BinningOptions,
    /// How features are chosen and weighted.
    pub selection: SelectionOptions,
    /// Boosted trees beside the scorecard; `None` fits none.
    pub trees: Option<TreeOptions>,
    /// The kind of card, with its windows; `None` where it is not said.
    pub card: Option<Card>,
    /// Which rows are fitted to and which are kept for later, by time.
    pub time: Option<TimeOptions>,
    /// Columns that are never inputs and only tell how groups of people fare.
    pub protected: Vec<String>,
    /// What is made of applicants whom the data never saw repay; `None` leaves them out.
    pub reject_inference: Option<RejectInference>,
}

/// Boosted trees. The defaults are few shallow steps over half the columns at a time: they need no tuning on data of
/// 1,000 to 30,000 rows.
#[derive(Clone, Debug, Serialize)]
pub struct TreeOptions {
    /// How many trees.
    pub rounds: usize,
    /// The most splits between the root and a leaf.
    pub depth: usize,
    /// What share of each tree's answer is taken.
    pub learning_rate: f64,
    /// The least sum of `p × (1 − p)` over the rows of a leaf.
    pub leaf_weight_min: f64,
    /// Share of the rows that each tree sees.
    pub row_share: f64,
    /// Share of the columns that each tree sees.
    pub column_share: f64,
    /// Ridge penalty on leaf values.
    pub ridge: f64,
    /// Where constraints come from.
    pub monotone: Monotone,
    /// Columns with whose values risk may only rise, whatever the data say.
    pub rising: Vec<String>,
    /// Columns with whose values risk may only fall.
    pub falling: Vec<String>,
}

/// Where monotone constraints come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Monotone {
    /// From the bins of the same rows: a rising or falling bad rate is kept to, one that turns is left free.
    ByTrend,
    /// Only what is named.
    None,
}

/// Time.
#[derive(Clone, Debug, Serialize)]
pub struct TimeOptions {
    /// The column that says when: numbers, or text that sorts by time, such as dates in ISO 8601. Never an input.
    pub column: String,
    /// Share of the rows, the latest ones, that are kept out of the fit; rows of one moment stay together.
    pub share: f64,
    /// The last day that the data know of (ISO 8601); rows whose performance window by [`Options::card`] ends later are
    /// left out. `None` takes all rows as matured.
    pub as_of: Option<String>,
}

/// What a card is for, with its usual windows (Siddiqi 2006, ch. 4; Thomas, Crook, Edelman 2017, ch. 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Card {
    /// A: at the application, by what is known then; twelve months to show.
    Application,
    /// B: an account held, by its last six months; twelve months to show.
    Behaviour,
    /// C: an account in arrears, by its last three months; three months to show.
    Collection,
}

impl Card {
    /// Months looked back on.
    #[must_use]
    pub fn observation_months(self) -> u32 {
        match self {
            Self::Application => 0,
            Self::Behaviour => 6,
            Self::Collection => 3,
        }
    }

    /// Months in which a row becomes good or bad.
    #[must_use]
    pub fn performance_months(self) -> u32 {
        match self {
            Self::Application | Self::Behaviour => 12,
            Self::Collection => 3,
        }
    }

    /// The name in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Application => "application (A)",
            Self::Behaviour => "behaviour (B)",
            Self::Collection => "collection (C)",
        }
    }
}

/// What is made of rows without an outcome, which are applicants who were turned away. Whatever is chosen rests on an
/// assumption that the data cannot prove, so the model, its measures and its report say which.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectInference {
    /// Accepted rows weigh more in the regression where many of their score were turned away (augmentation). Assumes
    /// that at one score the rejected are as bad as the accepted. Bins are made of the accepted rows alone.
    Reweighting,
    /// Rejected rows become good or bad in the share of the accepted ones of their score, with odds of bad this many
    /// times as high. Bins and regression see them; measures never do.
    Parcelling {
        /// The factor, 1 or more as a rule.
        factor: f64,
    },
}

/// How bins are made.
#[derive(Clone, Debug, Serialize)]
pub struct BinningOptions {
    /// The smallest share of all rows in a bin of values, 0 to 0.5.
    pub share_min: f64,
    /// A bin of values has at least so many rows that this many bads, and as many goods, are expected in it at the
    /// average risk. How many it really has is its own business: a bin without a bad is the best there is.
    pub bads_min: u32,
    /// The most bins of values in the scorecard. Few: what a card of many bins adds on the rows that it was made of, it
    /// loses on others.
    pub bins_max: usize,
    /// Price of one more bin, in units of the information value that a split of pure noise is expected
    /// to gain (rows / (goods × bads)). 2 is Akaike's price, 0 takes every bin that the smallest share allows.
    pub bin_price: f64,
    /// What a turn of the bad rate (peak, valley, then free) must add in the same units to be believed. 10 is
    /// a chance of about one in 600 by noise alone (chi-square with one degree of freedom).
    pub turn_price: f64,
    /// Rows of average risk added to a bin before its weight of evidence is taken, so that a bin of few
    /// rows says little.
    pub prior_rows: f64,
}

/// How features are chosen and weighted.
#[derive(Clone, Debug, Serialize)]
pub struct SelectionOptions {
    /// Features with less information value are left out.
    pub iv_min: f64,
    /// Of two features whose weights of evidence correlate more, the one with less information value is
    /// left out.
    pub correlation_max: f64,
    /// A feature with more information value is reported as a possible leak: knowledge that was not there when the
    /// decision was made. Siddiqi (2006, ch. 6) suspects everything above 0.5; behaviour of an account already held can
    /// honestly reach 0.9.
    pub leak_iv: f64,
    /// Ridge penalty: for each row `ridge / 2 × Σ coefficient²` is added to the negative log-likelihood; 0 for none.
    /// Weights of evidence are made of the rows that are fitted to, so that without one all coefficients come out too
    /// large; it also shares the weight among columns that tell the same.
    pub ridge: f64,
}

const POINTS_MAX: f64 = prequal_core::score::POINTS_ABS_MAX as f64;

/// The most parts for cross-validation.
pub const FOLDS_MAX: usize = 100;

impl Options {
    /// The defaults for a target.
    #[must_use]
    pub fn new(target: impl Into<String>, bad: impl Into<String>) -> Self {
        Self {
            target: target.into(),
            bad: bad.into(),
            exclude: Vec::new(),
            categories: Vec::new(),
            missing: Vec::new(),
            folds: 5,
            seed: 0,
            label: String::new(),
            purpose: String::new(),
            points_to_double_odds: 20.0,
            base_score: 600,
            base_odds: 50.0,
            binning: BinningOptions::default(),
            selection: SelectionOptions::default(),
            trees: None,
            card: None,
            time: None,
            protected: Vec::new(),
            reject_inference: None,
        }
    }

    /// Refuses choices that have no meaning.
    ///
    /// # Errors
    /// [`TrainError::Option`] that names the choice and its range.
    pub fn check(&self) -> Result<(), TrainError> {
        let within = |name: &str, value: f64, min: f64, max: f64| {
            if value >= min && value <= max {
                return Ok(());
            }
            Err(TrainError::Option(format!("`{name}` is `{value}`, and must be {min} to {max}")))
        };
        within("folds", self.folds as f64, 2.0, FOLDS_MAX as f64)?;
        within("min-share", self.binning.share_min, 0.0, 0.5)?;
        within("min-bads", f64::from(self.binning.bads_min), 1.0, 1e6)?;
        within("max-bins", self.binning.bins_max as f64, 1.0, prequal_core::score::BINS_MAX as f64)?;
        within("bin-price", self.binning.bin_price, 0.0, 1e3)?;
        within("turn-price", self.binning.turn_price, 0.0, 1e6)?;
        within("prior-rows", self.binning.prior_rows, 0.0, 1e6)?;
        within("min-iv", self.selection.iv_min, 0.0, 1e3)?;
        within("leak-iv", self.selection.leak_iv, 0.0, 1e3)?;
        within("max-correlation", self.selection.correlation_max, 0.0, 1.0)?;
        within("ridge", self.selection.ridge, 0.0, 1e6)?;
        // The ranges of `Scaling::check`, under the names that a caller knows.
        within("pdo", self.points_to_double_odds, 1e-3, 1e5)?;
        within("base-odds", self.base_odds, 1e-6, 1e6)?;
        within("base-score", f64::from(self.base_score), -POINTS_MAX, POINTS_MAX)?;
        if let Some(trees) = &self.trees {
            within("trees", trees.rounds as f64, 1.0, prequal_core::score::trees::TREES_MAX as f64)?;
            within("tree-depth", trees.depth as f64, 1.0, 16.0)?;
            if let Some(name) = trees.rising.iter().find(|name| trees.falling.contains(name)) {
                return Err(TrainError::Option(format!("risk cannot both rise and fall with `{name}`")));
            }
        }
        if let Some(time) = &self.time {
            within("out-of-time", time.share, 0.0, 0.9)?;
            if time.as_of.is_some() && self.card.is_none() {
                return Err(TrainError::Option(
                    "the last day of the data says nothing without a card, which has the performance window".to_owned(),
                ));
            }
        }
        if let Some(RejectInference::Parcelling { factor }) = self.reject_inference {
            within("reject-factor", factor, 0.1, 100.0)?;
        }
        if self.exclude.contains(&self.target) {
            return Err(TrainError::Option(format!("the target `{}` is also excluded", self.target)));
        }
        for (what, name) in self.roles() {
            if *name == self.target {
                return Err(TrainError::Option(format!("the target `{name}` is also {what}")));
            }
        }
        Ok(())
    }

    /// Columns that an option names, with what they are there.
    pub(crate) fn roles(&self) -> impl Iterator<Item = (&'static str, &String)> {
        fn all<'a>(what: &'static str, names: &'a [String]) -> Vec<(&'static str, &'a String)> {
            names.iter().map(|name| (what, name)).collect()
        }
        let mut roles = all("the category column", &self.categories);
        roles.extend(all("the protected column", &self.protected));
        roles.extend(self.time.iter().map(|time| ("the time column", &time.column)));
        if let Some(trees) = &self.trees {
            roles.extend(all("the rising column", &trees.rising));
            roles.extend(all("the falling column", &trees.falling));
        }
        roles.into_iter()
    }
}

impl Default for BinningOptions {
    fn default() -> Self {
        Self { share_min: 0.05, bads_min: 5, bins_max: 5, bin_price: 0.0, turn_price: 10.0, prior_rows: 10.0 }
    }
}

impl Default for SelectionOptions {
    fn default() -> Self {
        Self { iv_min: 0.02, leak_iv: 1.0, correlation_max: 0.9, ridge: 0.008 }
    }
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self {
            rounds: 300,
            depth: 4,
            learning_rate: 0.03,
            leaf_weight_min: 10.0,
            row_share: 0.8,
            column_share: 0.5,
            ridge: 5.0,
            monotone: Monotone::ByTrend,
            rising: Vec::new(),
            falling: Vec::new(),
        }
    }
}
