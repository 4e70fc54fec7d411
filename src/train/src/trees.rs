//! Boosted trees beside the scorecard: what is lost by keeping to points, measured on the same folds.
//!
//! Fitted by `hessboost` (XGBoost's algorithm, in Rust), written as our own model file through XGBoost's, so that the
//! evaluator's proof against XGBoost covers them too. Only the rows given are looked at, the codes of categories
//! included.

use hessboost::{
    config::{Monotone as Direction, TrainingParams, TreeMethod},
    data::{DMatrix, FeatureType},
    model::{BoostedModel, ModelFormat},
    objective::{Objective, RegLoss},
};
use prequal_core::{
    canonical,
    score::trees::{CompiledTrees, Float, Source, TreeModel},
};
use prequal_models::{Kind, model_file::Body};

use crate::{
    binning::{Binning, optimal::Trend},
    error::TrainError,
    options::{Monotone, Options, TreeOptions},
    table::{Column, MISSING, Table, Values},
};

/// Fitted trees and how to feed them.
#[derive(Clone, Debug)]
pub struct Trees {
    /// The model file's document.
    pub model: TreeModel,
    /// The same, ready to score.
    pub compiled: CompiledTrees,
    /// For each column the constraint that was kept: 1 where risk may only rise with the value, −1 where it may only
    /// fall, 0 for none.
    pub directions: Vec<i8>,
    inputs: Vec<Input>,
}

/// From the values of a column to what trees read.
#[derive(Clone, Debug)]
enum Input {
    Number,
    /// For each name of the column its code, NaN for one that the fitted rows did not have; and the names by code.
    Codes(Vec<f64>, Vec<String>),
}

impl Trees {
    /// Fits trees to the rows at the positions `rows`, each weighing what `weights` says (1 where there are none).
    ///
    /// # Errors
    /// [`TrainError::Fit`] in the library's words, which would be a defect of the trainer.
    pub fn fit(table: &Table, rows: &[usize], options: &Options, trees: &TreeOptions) -> Result<Self, TrainError> {
        let inputs: Vec<Input> = table.columns.iter().map(|column| Input::new(column, rows)).collect();
        let directions = directions(table, rows, options, trees);
        let boosted = boost(table, rows, &inputs, &directions, options, trees)?;
        let json = boosted.encode(ModelFormat::XgboostJson).map_err(|error| failed(&error))?;
        let file = prequal_models::read(&json, Kind::Xgboost).map_err(|error| failed(&error))?.model;
        let Body::Trees(mut model) = file.body else { return Err(failed(&"the library wrote no trees")) };
        for ((feature, column), input) in model.features.iter_mut().zip(&table.columns).zip(&inputs) {
            feature.name.clone_from(&column.name);
            if let Input::Codes(_, names) = input {
                feature.categories.clone_from(names);
            }
        }
        model.baseline = Some(
            table.columns.iter().zip(&inputs).map(|(column, input)| input.usual(column, &table.bad, rows)).collect(),
        );
        model.label.clone_from(&options.label);
        model.source = Source {
            library: "prequal".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            objective: model.source.objective,
            sha256: table.sha256.clone(),
        };
        model.hash = model.content_hash().map_err(|error| failed(&error))?;
        let compiled = model.check().map_err(|error| failed(&error))?;
        Ok(Self { model, compiled, directions, inputs })
    }

    /// For every row of the table the margin: log-odds of bad.
    ///
    /// # Errors
    /// [`TrainError::Fit`] where the evaluator refuses a row, which would be a defect of the trainer.
    pub fn margins(&self, table: &Table) -> Result<Vec<f64>, TrainError> {
        let columns: Vec<Vec<f64>> =
            table.columns.iter().zip(&self.inputs).map(|(column, input)| input.values(column)).collect();
        let mut scratch = self.compiled.scratch();
        let mut row = vec![0.0; columns.len()];
        let mut margins = Vec::with_capacity(table.rows());
        for index in 0..table.rows() {
            row.iter_mut().zip(&columns).for_each(|(to, column)| *to = column[index]);
            margins.push(self.compiled.margin(&row, &mut scratch).map_err(|error| failed(&error))?.to_f64());
        }
        Ok(margins)
    }

    /// SHA-256 of everything that was fitted: unchanged whatever rows that were held out hold.
    ///
    /// # Errors
    /// [`TrainError::Fit`] where the document has no canonical form, which would be a defect of the trainer.
    pub fn fingerprint(&self) -> Result<String, TrainError> {
        let fitted =
            ((&self.model.base, &self.model.baseline), &self.model.features, &self.model.columns, &self.model.trees);
        Ok(canonical::sha256_hex(canonical::to_string(&fitted).map_err(|error| failed(&error))?.as_bytes()))
    }

    /// How many splits ask for each column: what the model rests on.
    #[must_use]
    pub fn splits(&self) -> Vec<usize> {
        let mut splits = vec![0; self.inputs.len()];
        for column in self.model.trees.iter().flat_map(|tree| &tree.columns) {
            let feature = self.model.columns.get(*column as usize).map(|column| column.feature as usize);
            if let Some(count) = feature.and_then(|feature| splits.get_mut(feature)) {
                *count += 1;
            }
        }
        splits
    }
}

impl Input {
    fn new(column: &Column, rows: &[usize]) -> Self {
        let Values::Category { names, codes } = &column.values else { return Self::Number };
        let mut seen = vec![false; names.len()];
        rows.iter().map(|row| codes[*row]).filter(|code| *code != MISSING).for_each(|code| seen[code as usize] = true);
        let mut next = 0.0;
        let mut code_of = |seen: &bool| {
            if !seen {
                return f64::NAN;
            }
            next += 1.0;
            next - 1.0
        };
        let code_of = seen.iter().map(&mut code_of).collect();
        let kept = names.iter().zip(&seen).filter(|(_, seen)| **seen).map(|(name, _)| name.clone()).collect();
        Self::Codes(code_of, kept)
    }

    /// What is usual among the goods, which reasons are told against: the median of a number, the commonest category (of
    /// equals the first), nothing where most have none.
    fn usual(&self, column: &Column, bad: &[bool], rows: &[usize]) -> Option<String> {
        let all = self.values(column);
        let goods = rows.iter().filter(|row| !bad[**row]).map(|row| all[*row]);
        let (missing, mut known): (Vec<f64>, Vec<f64>) = goods.partition(|value| value.is_nan());
        if missing.len() > known.len() {
            return None;
        }
        known.sort_unstable_by(f64::total_cmp);
        let value = match self {
            Self::Number => known.get(known.len() / 2).copied(),
            Self::Codes(_, names) => {
                let count = |code: &usize| known.iter().filter(|value| **value == *code as f64).count();
                (0..names.len()).max_by_key(|code| (count(code), std::cmp::Reverse(*code))).map(|code| code as f64)
            }
        };
        // Negative zero has no decimal of its own.
        value.map(|value| Float::F64(value + 0.0).to_string())
    }

    /// The values of all rows as the trees read them, NaN where missing.
    fn values(&self, column: &Column) -> Vec<f64> {
        match (self, &column.values) {
            (Self::Codes(code_of, _), Values::Category { codes, .. }) => {
                codes.iter().map(|code| code_of.get(*code as usize).copied().unwrap_or(f64::NAN)).collect()
            }
            (_, Values::Number(numbers)) => numbers.clone(),
            (Self::Number, Values::Category { codes, .. }) => vec![f64::NAN; codes.len()],
        }
    }
}

/// What each column's constraint is: what the caller says, else, if asked for, how the bad rate runs over the bins of
/// the same rows.
fn directions(table: &Table, rows: &[usize], options: &Options, trees: &TreeOptions) -> Vec<i8> {
    let direction = |column: &Column| {
        if trees.rising.contains(&column.name) {
            return 1;
        }
        if trees.falling.contains(&column.name) {
            return -1;
        }
        if trees.monotone == Monotone::None || matches!(column.values, Values::Category { .. }) {
            return 0;
        }
        let binning = Binning::fit(column, &table.bad, rows, &options.binning);
        match binning.filter(|binning| binning.groups.len() > 1).map(|binning| binning.trend) {
            Some(Trend::Ascending) => 1,
            Some(Trend::Descending) => -1,
            _ => 0,
        }
    };
    table.columns.iter().map(direction).collect()
}

fn boost(
    table: &Table,
    rows: &[usize],
    inputs: &[Input],
    directions: &[i8],
    options: &Options,
    trees: &TreeOptions,
) -> Result<BoostedModel, TrainError> {
    let width = table.columns.len();
    let mut values = vec![0_f32; rows.len() * width];
    for (at, (column, input)) in table.columns.iter().zip(inputs).enumerate() {
        let all = input.values(column);
        for (to, row) in values.iter_mut().skip(at).step_by(width).zip(rows) {
            *to = all[*row] as f32;
        }
    }
    let bad: Vec<f32> = rows.iter().map(|row| f32::from(u8::from(table.bad[*row]))).collect();
    let types: Vec<FeatureType> = inputs
        .iter()
        .map(|input| if matches!(input, Input::Number) { FeatureType::Numerical } else { FeatureType::Categorical })
        .collect();
    let constraints = directions.iter().map(|direction| match direction {
        1 => Direction::Increasing,
        -1 => Direction::Decreasing,
        _ => Direction::None,
    });
    let data = DMatrix::from_dense_vec(values, rows.len(), width)
        .and_then(|data| data.with_labels(&bad))
        .and_then(|data| data.with_feature_types(&types))
        .map_err(|error| failed(&error))?;
    let parameters = TrainingParams::builder()
        .objective(Objective::BinaryLogistic(RegLoss::default()))
        .tree_method(TreeMethod::Hist)
        .max_depth(trees.depth)
        .eta(trees.learning_rate)
        .min_child_weight(trees.leaf_weight_min)
        .subsample(trees.row_share)
        .colsample_bytree(trees.column_share)
        .lambda(trees.ridge)
        .monotone_constraints(constraints.collect())
        .seed(options.seed)
        .build()
        .map_err(|error| failed(&error))?;
    hessboost::training::train(&parameters, &data, trees.rounds).map_err(|error| failed(&error))
}

fn failed(error: &dyn std::fmt::Display) -> TrainError {
    TrainError::Fit(format!("the trees cannot be fitted: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three hundred rows with a number, a number with holes and a category of six names.
    fn table() -> Table {
        let mut text = String::from("x,holes,colour,y\n");
        for index in 0_i32..300 {
            let hole = if index % 7 == 0 { String::new() } else { (index * 31 % 50).to_string() };
            let colour = ["red", "blue", "green", "black", "white", "grey"][(index * 5 % 6) as usize];
            let bad = (index * 37 % 100) + 15 * (index * 5 % 6) > 90;
            text.push_str(&format!("{}.5,{hole},{colour},{}\n", index * 37 % 100, if bad { "bad" } else { "good" }));
        }
        Table::read(text.as_bytes(), &Options::new("y", "bad")).unwrap()
    }

    fn few(monotone: Monotone) -> TreeOptions {
        TreeOptions { rounds: 12, leaf_weight_min: 1.0, monotone, ..TreeOptions::default() }
    }

    /// What is written is what was fitted: our evaluator's margins have the bits of the library's own prediction.
    #[test]
    fn the_model_file_has_the_margins_of_the_fitted_trees() {
        let (table, options, trees) = (table(), Options::new("y", "bad"), few(Monotone::ByTrend));
        let rows: Vec<usize> = (0..table.rows()).collect();
        let fitted = Trees::fit(&table, &rows, &options, &trees).unwrap();
        let boosted = boost(&table, &rows, &fitted.inputs, &fitted.directions, &options, &trees).unwrap();
        let columns: Vec<Vec<f64>> =
            table.columns.iter().zip(&fitted.inputs).map(|(column, input)| input.values(column)).collect();
        let ours = fitted.margins(&table).unwrap();
        for row in &rows {
            let values: Vec<f32> = columns.iter().map(|column| column[*row] as f32).collect();
            let theirs = boosted.predict_margin_row(&values, hessboost::model::Iterations::Best).unwrap();
            assert_eq!((ours[*row] as f32).to_bits(), theirs.to_bits(), "row {row}");
        }
        let read = TreeModel::parse(&fitted.model.to_file().unwrap()).unwrap();
        assert_eq!(read, fitted.model);
        assert_eq!(read.features[2].categories, ["black", "blue", "green", "grey", "red", "white"]);
    }

    /// Shares of the features sum to the margin less the baseline's: the only difference is the width of the model's own
    /// sum, which is single precision. The baseline is what is usual among the goods.
    #[test]
    fn trained_trees_explain_themselves_against_what_is_usual() {
        let (table, options, trees) = (table(), Options::new("y", "bad"), few(Monotone::ByTrend));
        let rows: Vec<usize> = (0..table.rows()).collect();
        let fitted = Trees::fit(&table, &rows, &options, &trees).unwrap();
        let explainer = fitted.model.explainer().unwrap();
        let mut goods: Vec<i32> =
            (0_i32..300).filter(|i| (i * 37 % 100) + 15 * (i * 5 % 6) <= 90).map(|i| i * 37 % 100).collect();
        goods.sort_unstable();
        assert_eq!(explainer.baseline()[0], f64::from(goods[goods.len() / 2]) + 0.5);
        let mut scratch = fitted.compiled.scratch();
        let usual = fitted.compiled.margin(explainer.baseline(), &mut scratch).unwrap();
        for row in [[3.5, f64::NAN, 1.0], [99.5, 12.0, 5.0], [50.5, 49.0, f64::NAN]] {
            let margin = fitted.compiled.margin(&row, &mut scratch).unwrap();
            let sum: f64 = explainer.shares(&row).unwrap().iter().sum();
            assert!((sum - (margin.to_f64() - usual.to_f64())).abs() < 1e-5, "{row:?}");
            let told = explainer.explain(&row, (margin, usual), 20.0 / std::f64::consts::LN_2).unwrap();
            assert_eq!(told.families.iter().map(|family| family.points).sum::<i32>(), told.points);
        }
    }

    #[test]
    fn risk_never_falls_with_a_value_that_must_raise_it() {
        let (mut table, options) = (table(), Options::new("y", "bad"));
        let rows: Vec<usize> = (0..table.rows()).collect();
        let mut wanted = few(Monotone::None);
        let free = Trees::fit(&table, &rows, &options, &wanted).unwrap();
        assert_eq!(free.directions, [0, 0, 0]);
        // `holes` says nothing, so that unconstrained trees go up and down with it.
        wanted.rising = vec!["holes".to_owned()];
        let risen = Trees::fit(&table, &rows, &options, &wanted).unwrap();
        assert_eq!(risen.directions, [0, 1, 0]);
        let mut falls = |trees: &Trees| {
            let mut last = vec![f64::NEG_INFINITY; 300];
            let mut falls = 0;
            for value in 0..50 {
                table.columns[1].values = Values::Number(vec![f64::from(value); 300]);
                let now = trees.margins(&table).unwrap();
                falls += now.iter().zip(&last).filter(|(now, last)| now < last).count();
                last = now;
            }
            falls
        };
        assert!(falls(&free) > 100);
        assert_eq!(falls(&risen), 0);
    }

    /// A name that only other rows have is not known to the model, and its rows are scored as missing.
    #[test]
    fn a_category_outside_the_fitted_rows_is_missing() {
        let (table, options) = (table(), Options::new("y", "bad"));
        let Values::Category { names, codes } = &table.columns[2].values else { panic!("colours are names") };
        let red = names.iter().position(|name| name == "red").unwrap() as u32;
        let rows: Vec<usize> = (0..table.rows()).filter(|row| codes[*row] != red).collect();
        let fitted = Trees::fit(&table, &rows, &options, &few(Monotone::None)).unwrap();
        assert_eq!(fitted.model.features[2].categories, ["black", "blue", "green", "grey", "white"]);
        let mut blank = table.clone();
        let unknown = codes.iter().map(|code| if *code == red { MISSING } else { *code }).collect();
        blank.columns[2].values = Values::Category { names: names.clone(), codes: unknown };
        assert_eq!(fitted.margins(&table).unwrap(), fitted.margins(&blank).unwrap());
    }
}
