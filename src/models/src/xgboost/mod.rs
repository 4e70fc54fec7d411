//! XGBoost's model file, JSON or UBJSON.
//!
//! Arithmetic: a value is rounded to `f32`; below the threshold it goes left; missing goes to the split's default
//! side; a member of a split's set of categories goes right and every other category left. The margin is the `f32`
//! sum of leaves in the order of the trees, from the base margin; DART multiplies each leaf by its tree's weight.

mod base;
mod tree;

use prequal_core::score::trees::{Float, LinkKind, TREES_MAX, Width};

use crate::{
    document::{self, Fields, Value},
    ensemble::{Ensemble, Leaf, Node, Tree},
    error::{ImportError, shown},
};

/// Whether these bytes begin as XGBoost's UBJSON does: an object whose first key has a typed length.
pub(crate) fn is_ubjson(bytes: &[u8]) -> bool {
    matches!(bytes, [b'{', b'i' | b'U' | b'I' | b'l' | b'L', ..])
}

/// Reads a file.
pub(crate) fn read(bytes: &[u8]) -> Result<(Ensemble, Vec<String>), ImportError> {
    if bytes.starts_with(b"binf") {
        return Err(ImportError::refuse(
            "it is in XGBoost's old binary format, which XGBoost itself dropped: save it again as JSON or UBJSON",
        ));
    }
    let document = if is_ubjson(bytes) { document::parse_ubjson(bytes)? } else { document::parse_json(bytes)? };
    let mut file = document.into_object("the file")?;
    let version = version(&file.required("version")?)?;
    let mut learner = file.required("learner")?.into_object("learner")?;
    file.finish()?;

    let mut notes = Vec::new();
    let mut parameters = learner.required("learner_model_param")?.into_object("learner_model_param")?;
    let objective = objective(learner.required("objective")?)?;
    let base = base::margin(&objective, &parameters.required("base_score")?)?;
    let features = features(&mut learner, &mut parameters)?;
    refuse_vectors(&mut parameters)?;
    parameters.ignore(&["boost_from_average"]);
    parameters.finish()?;

    let trees = booster(learner.required("gradient_booster")?, features.len(), &mut notes)?;
    note_best_iteration(learner.optional("attributes"), &mut notes)?;
    // Types of features: each split says for itself whether it asks for a category.
    learner.ignore(&["feature_types"]);
    learner.finish()?;

    let link = if objective.logistic { (LinkKind::Logistic, 1.0) } else { (LinkKind::None, 1.0) };
    let ensemble = Ensemble {
        library: "xgboost",
        version,
        objective: objective.name,
        inputs: Width::F32,
        sums: Width::F32,
        tiny_is_zero: false,
        minus_fraction_is_zero: false,
        base: Float::F32(base),
        scale_and_bias: None,
        average: false,
        link,
        features,
        trees,
    };
    Ok((ensemble, notes))
}

/// An objective that is understood.
struct Objective {
    name: String,
    /// Whether `base_score` is a probability, which the base margin is the log-odds of.
    base_is_probability: bool,
    /// Whether the prediction is the logistic function of the margin.
    logistic: bool,
}

fn objective(value: Value<'_>) -> Result<Objective, ImportError> {
    let mut fields = value.into_object("objective")?;
    let name = fields.required("name")?.as_str("name")?.to_owned();
    // The members beside the name steer the training.
    let (base_is_probability, logistic) = match name.as_str() {
        "binary:logistic" | "reg:logistic" => (true, true),
        // Its margin is a log-odds, and still its `base_score` is taken as it stands (seen in 1.7.6 to 3.2.0).
        "binary:logitraw" | "reg:squarederror" | "reg:linear" => (false, false),
        other => {
            return Err(ImportError::refuse(format!(
                "the objective `{}` is not one of `binary:logistic`, `reg:logistic`, `binary:logitraw`, `reg:squarederror`",
                shown(other)
            )));
        }
    };
    Ok(Objective { name, base_is_probability, logistic })
}

fn version(value: &Value<'_>) -> Result<String, ImportError> {
    let parts = value.to_integers("version")?;
    if parts.len() != 3 {
        return Err(ImportError::refuse("`version` has not three numbers"));
    }
    Ok(parts.iter().map(i64::to_string).collect::<Vec<_>>().join("."))
}

fn features(learner: &mut Fields<'_>, parameters: &mut Fields<'_>) -> Result<Vec<String>, ImportError> {
    let count = parameters.required("num_feature")?.to_integer("num_feature")?;
    let names = match learner.optional("feature_names") {
        Some(names) => names.to_strings("feature_names")?,
        None => Vec::new(),
    };
    let count = usize::try_from(count).ok().filter(|count| *count <= prequal_core::score::trees::FEATURES_MAX);
    let Some(count) = count.filter(|count| *count > 0) else {
        return Err(ImportError::refuse("`num_feature` is out of range"));
    };
    if names.is_empty() {
        return Ok((0..count).map(|number| format!("f{number}")).collect());
    }
    if names.len() != count {
        return Err(ImportError::refuse(format!("{} feature names are given for {count} features", names.len())));
    }
    Ok(names)
}

/// Several classes or targets have several margins, and a decision has one.
fn refuse_vectors(parameters: &mut Fields<'_>) -> Result<(), ImportError> {
    for (name, most) in [("num_class", 1), ("num_target", 1)] {
        if let Some(value) = parameters.optional(name) {
            let got = value.to_integer(name)?;
            if !(0..=most).contains(&got) {
                return Err(ImportError::refuse(format!(
                    "`{name}` is {got}: a model of several outputs is not understood"
                )));
            }
        }
    }
    Ok(())
}

fn booster(value: Value<'_>, features: usize, notes: &mut Vec<String>) -> Result<Vec<Tree>, ImportError> {
    let mut fields = value.into_object("gradient_booster")?;
    let name = fields.required("name")?.as_str("name")?.to_owned();
    match name.as_str() {
        "gbtree" => {
            let trees = model(fields.required("model")?, features, notes)?;
            fields.finish()?;
            Ok(trees)
        }
        "dart" => {
            let mut inner = fields.required("gbtree")?.into_object("gbtree")?;
            let mut trees = model(inner.required("model")?, features, notes)?;
            inner.ignore(&["name"]);
            inner.finish()?;
            let weights = fields.required("weight_drop")?.to_f32s("weight_drop")?;
            fields.finish()?;
            if weights.len() != trees.len() {
                return Err(ImportError::refuse(format!(
                    "`weight_drop` has {} weights for {} trees",
                    weights.len(),
                    trees.len()
                )));
            }
            trees.iter_mut().zip(weights).for_each(|(tree, weight)| weigh(tree, weight));
            Ok(trees)
        }
        other => Err(ImportError::refuse(format!("the booster `{}` is not `gbtree` or `dart`", shown(other)))),
    }
}

/// Multiplies a tree's leaves by its weight, in `f32` as XGBoost does at every prediction.
fn weigh(tree: &mut Tree, weight: f32) {
    for node in &mut tree.nodes {
        if let Node::Leaf(Leaf { value, .. }) = node {
            // Leaves are f32 that were widened, so narrowing is exact.
            *value = f64::from(*value as f32 * weight);
        }
    }
}

fn model(value: Value<'_>, features: usize, notes: &mut Vec<String>) -> Result<Vec<Tree>, ImportError> {
    let mut fields = value.into_object("model")?;
    let mut parameters = fields.required("gbtree_model_param")?.into_object("gbtree_model_param")?;
    let stated = parameters.required("num_trees")?.to_integer("num_trees")?;
    if let Some(size) = parameters.optional("size_leaf_vector")
        && size.to_integer("size_leaf_vector")? > 1
    {
        return Err(ImportError::refuse("its leaves are vectors"));
    }
    parameters.ignore(&["num_parallel_tree", "num_roots", "num_feature", "num_pbuffer", "num_output_group"]);
    parameters.finish()?;
    if fields.required("tree_info")?.to_integers("tree_info")?.iter().any(|group| *group != 0) {
        return Err(ImportError::refuse("`tree_info` names several outputs, which are not understood"));
    }
    if let Some(categories) = fields.optional("cats")
        && has_encoding(categories)?
    {
        notes.push(
            "the file carries an encoding of named categories, which is not used: cells hold the integer code"
                .to_owned(),
        );
    }
    fields.ignore(&["iteration_indptr"]);
    let trees = fields.required("trees")?.into_array("trees")?;
    fields.finish()?;
    ImportError::limit("trees", trees.len(), TREES_MAX)?;
    if usize::try_from(stated).ok() != Some(trees.len()) {
        return Err(ImportError::refuse(format!("`num_trees` is {stated}, and there are {}", trees.len())));
    }
    let read = |(number, tree)| tree::read(tree, features).map_err(|error: ImportError| error.in_tree(number));
    trees.into_iter().enumerate().map(read).collect()
}

/// Whether `cats` holds anything: it is written empty where the training data had codes.
fn has_encoding(value: Value<'_>) -> Result<bool, ImportError> {
    let mut fields = value.into_object("cats")?;
    let encodings = fields.optional("enc").map(|value| value.into_array("enc")).transpose()?;
    Ok(encodings.is_some_and(|list| !list.is_empty()))
}

/// A model that was stopped early states its best iteration, and XGBoost's two interfaces differ on what they do then.
fn note_best_iteration(attributes: Option<Value<'_>>, notes: &mut Vec<String>) -> Result<(), ImportError> {
    let Some(attributes) = attributes else { return Ok(()) };
    if let Some(best) = attributes.into_object("attributes")?.optional("best_iteration") {
        notes.push(format!(
            "the file states a best iteration of `{}`; all trees are used, as `Booster.predict` does",
            shown(best.as_str("best_iteration")?)
        ));
    }
    Ok(())
}
