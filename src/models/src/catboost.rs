//! CatBoost's model file, JSON, with symmetric trees on numbers.
//!
//! Arithmetic: a value is rounded to `f32`; above the border is one, else zero. Missing is zero or one by the
//! feature's treatment. All splits of one level of a tree ask the same, so a leaf's number is its answers as bits, the
//! first split being the lowest. The margin is the `f64` sum of leaves in the order of the trees × scale + bias.

use prequal_core::score::trees::{FEATURES_MAX, Float, LEAVES_MAX, LinkKind, TREES_MAX, Width};

use crate::{
    document::{self, Value},
    ensemble::{Ensemble, Leaf, Missing, Node, Split, Test, Tree},
    error::{ImportError, shown},
};

/// CatBoost's own limit on the depth of a symmetric tree.
const LEVELS_MAX: usize = 16;

/// A feature, and where its missing values go.
struct Feature {
    name: String,
    missing: Missing,
    /// Its place among all columns of the training data.
    place: i64,
}

/// Reads a file.
pub(crate) fn read(bytes: &[u8]) -> Result<(Ensemble, Vec<String>), ImportError> {
    let mut file = document::parse_json(bytes)?.into_object("the file")?;
    if file.optional("trees").is_some() {
        return Err(ImportError::refuse("its trees are not symmetric, which is not understood"));
    }
    if file.optional("ctr_data").is_some() {
        return Err(ImportError::refuse("it has statistics of categories (`ctr_data`), which are not understood"));
    }
    let (objective, link) = objective(file.required("model_info")?)?;
    let features = features(file.required("features_info")?)?;
    let scale_and_bias = scale_and_bias(file.required("scale_and_bias")?)?;
    let trees = file.required("oblivious_trees")?.into_array("oblivious_trees")?;
    file.finish()?;
    ImportError::limit("trees", trees.len(), TREES_MAX)?;
    let mut leaves = 0;
    let mut read = Vec::with_capacity(trees.len());
    for (number, value) in trees.into_iter().enumerate() {
        let tree = tree(value, &features, &mut leaves).map_err(|error| error.in_tree(number))?;
        read.push(tree);
    }
    let ensemble = Ensemble {
        library: "catboost",
        version: String::new(),
        objective,
        inputs: Width::F32,
        sums: Width::F64,
        tiny_is_zero: false,
        minus_fraction_is_zero: false,
        base: Float::F64(0.0),
        scale_and_bias,
        average: false,
        link: (link, 1.0),
        features: features.into_iter().map(|feature| feature.name).collect(),
        trees: read,
    };
    Ok((ensemble, Vec::new()))
}

/// The loss stands deep in the training's parameters, the rest of which no prediction reads.
fn objective(value: Value<'_>) -> Result<(String, LinkKind), ImportError> {
    let mut parameters = value.into_object("model_info")?.required("params")?.into_object("params")?;
    let mut loss = parameters.required("loss_function")?.into_object("loss_function")?;
    let name = loss.required("type")?.as_str("type")?.to_owned();
    match name.as_str() {
        "Logloss" | "CrossEntropy" => Ok((name, LinkKind::Logistic)),
        "RMSE" | "MAE" | "Quantile" | "MAPE" | "Huber" => Ok((name, LinkKind::None)),
        other => Err(ImportError::refuse(format!("the loss function `{}` is not understood", shown(other)))),
    }
}

fn features(value: Value<'_>) -> Result<Vec<Feature>, ImportError> {
    let mut info = value.into_object("features_info")?;
    let list = info.required("float_features")?.into_array("float_features")?;
    // Categorical, text and embedding features.
    info.finish()?;
    ImportError::limit("features", list.len(), FEATURES_MAX)?;
    let mut features = Vec::with_capacity(list.len());
    for value in list {
        let mut fields = value.into_object("a feature")?;
        let place = fields.required("flat_feature_index")?.to_integer("flat_feature_index")?;
        let given = match fields.optional("feature_id") {
            Some(value) => value.as_str("feature_id")?.to_owned(),
            None => String::new(),
        };
        let treatment = fields.required("nan_value_treatment")?;
        // A value that is not above any border answers every split with zero, which is left.
        let missing = match treatment.as_str("nan_value_treatment")? {
            "AsFalse" | "AsIs" => Missing::Left,
            "AsTrue" => Missing::Right,
            other => {
                return Err(ImportError::refuse(format!("the treatment `{}` of NaN is not understood", shown(other))));
            }
        };
        let index = fields.required("feature_index")?.to_integer("feature_index")?;
        if usize::try_from(index).ok() != Some(features.len()) {
            return Err(ImportError::refuse(format!("feature {index} stands in the place of {}", features.len())));
        }
        fields.ignore(&["borders", "has_nans"]);
        fields.finish()?;
        let name = if given.is_empty() { format!("f{place}") } else { given };
        features.push(Feature { name, missing, place });
    }
    if !features.is_sorted_by(|a, b| a.place < b.place) {
        return Err(ImportError::refuse("its features are not in the order of the training data"));
    }
    Ok(features)
}

/// `[scale, [bias]]`; nothing where they change nothing.
fn scale_and_bias(value: Value<'_>) -> Result<Option<[f64; 2]>, ImportError> {
    let parts = value.into_array("scale_and_bias")?;
    let [scale, biases] = parts.as_slice() else {
        return Err(ImportError::refuse("`scale_and_bias` has not two parts"));
    };
    let (scale, biases) = (scale.to_f64("scale_and_bias")?, biases.to_f64s("scale_and_bias")?);
    match biases.as_slice() {
        [bias] if scale == 1.0 && *bias == 0.0 => Ok(None),
        [bias] => Ok(Some([scale, *bias])),
        [] if scale == 1.0 => Ok(None),
        _ => Err(ImportError::refuse("`scale_and_bias` has several biases: several outputs are not understood")),
    }
}

fn tree(value: Value<'_>, features: &[Feature], leaves: &mut usize) -> Result<Tree, ImportError> {
    let mut fields = value.into_object("a tree")?;
    let levels = fields.required("splits")?.into_array("splits")?;
    let values = fields.required("leaf_values")?.to_f64s("leaf_values")?;
    fields.ignore(&["leaf_weights"]);
    fields.finish()?;
    ImportError::limit("levels of a tree", levels.len(), LEVELS_MAX)?;
    let count = 1_usize << levels.len();
    if values.len() != count {
        let got = values.len();
        return Err(ImportError::refuse(format!("it has {got} leaf values, and {count} leaves: several outputs?")));
    }
    *leaves += count;
    ImportError::limit("leaves of all trees", *leaves, LEAVES_MAX)?;
    let levels = levels.into_iter().map(|level| split(level, features)).collect::<Result<Vec<_>, _>>()?;
    // Nodes as in a heap: the children of node k are 2k + 1 and 2k + 2, and a leaf's path from the root is its answers,
    // the lowest bit first.
    let mut nodes = Vec::with_capacity(2 * count - 1);
    for (depth, level) in levels.iter().enumerate() {
        for at in (1_usize << depth) - 1..(2_usize << depth) - 1 {
            nodes.push(Node::Split(Split { left: 2 * at + 1, right: 2 * at + 2, ..level.clone() }));
        }
    }
    for path in 0..count {
        let answers = (0..levels.len()).fold(0, |sum, level| sum | (path >> (levels.len() - 1 - level) & 1) << level);
        let value = values.get(answers).copied().unwrap_or(f64::NAN);
        let id = u32::try_from(answers).unwrap_or(u32::MAX);
        nodes.push(Node::Leaf(Leaf { id, value, linear: None }));
    }
    Ok(Tree { nodes, unused: 0 })
}

/// One level's question; its children are set for each node.
fn split(value: Value<'_>, features: &[Feature]) -> Result<Split, ImportError> {
    let mut fields = value.into_object("a split")?;
    let kind = fields.required("split_type")?;
    if kind.as_str("split_type")? != "FloatFeature" {
        let kind = shown(kind.as_str("split_type")?);
        return Err(ImportError::refuse(format!("a split of type `{kind}` is not understood")));
    }
    let feature = fields.required("float_feature_index")?.to_integer("float_feature_index")?;
    let border = fields.required("border")?.to_f32("border")?;
    fields.ignore(&["split_index"]);
    fields.finish()?;
    let known = usize::try_from(feature).ok().and_then(|at| Some((at, features.get(at)?)));
    let Some((feature, Feature { missing, .. })) = known else {
        return Err(ImportError::refuse(format!("it asks for feature {feature}, and there are {}", features.len())));
    };
    if border.is_nan() || border == f32::INFINITY {
        return Err(ImportError::refuse(format!("its border is `{border}`")));
    }
    // Not above the border is below the next number.
    let test = Test::Below(f64::from(border.next_up()));
    Ok(Split { feature, test, missing: *missing, left: 0, right: 0 })
}
