//! InterpretML: an explainable boosting machine as `to_json` writes it.
//!
//! The score is the intercept plus, term by term, a number from a table of one or more features. Of a feature's places
//! the first is missing and the last a value that was never seen; a number lies at or above as many cuts as its place
//! says. The sum is of width f64, in the order of the terms, so it has the library's bits.

use prequal_core::score::trees::{Float, LEAVES_MAX, LinkKind, Width};

use crate::{
    Imported, ReadOptions,
    additive::Inputs,
    document::{self, Fields, Value},
    ensemble::{Ensemble, Leaf, Missing, Node, Split, Test, Tree},
    error::{ImportError, shown},
    model_file::{Body, Categories, ModelFile, NAMES_MAX, ResultKind, UnseenName},
};

/// The most features of one term.
const TERM_FEATURES_MAX: usize = 4;

/// One way of dividing a feature: by cuts, or by groups of category codes.
#[derive(Clone, Debug)]
enum Level {
    Cuts(Vec<f64>),
    Groups(Vec<Vec<u32>>),
}

struct Feature {
    name: String,
    /// The first divides a term of one feature, the second one of two, and the last all beyond.
    levels: Vec<Level>,
}

pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Imported, ImportError> {
    let mut file = document::parse_json(bytes)?.into_object("the file")?;
    let version = file.required("version")?.as_str("version")?.to_owned();
    if version != "1.0" {
        return Err(ImportError::refuse(format!("its version is `{}`, and `1.0` is understood", shown(&version))));
    }
    let mut ebm = file.required("ebm")?.into_object("ebm")?;
    file.finish()?;
    let (objective, link) = output(&mut ebm, options)?;
    let intercept = ebm.required("intercept")?.to_f64s("intercept")?;
    let [intercept] = intercept.as_slice() else {
        return Err(ImportError::refuse(format!(
            "it has {} intercepts: several outputs are not understood",
            intercept.len()
        )));
    };
    let mut inputs = Inputs::default();
    let mut features = Vec::new();
    for feature in ebm.required("features")?.into_array("features")? {
        features.push(read_feature(feature, &mut inputs)?);
    }
    let mut trees = Vec::new();
    let mut leaves = 0_usize;
    for (number, term) in ebm.required("terms")?.into_array("terms")?.into_iter().enumerate() {
        let tree = read_term(term, &features).map_err(|error| error.in_tree(number))?;
        leaves += tree.nodes.len();
        ImportError::limit("nodes of all trees", leaves, 2 * LEAVES_MAX)?;
        trees.push(tree);
    }
    // What the fitting was like.
    ebm.ignore(&[
        "bagged_intercept",
        "noise_scale_binning",
        "noise_scale_boosting",
        "bag_weights",
        "best_iteration",
        "implementation",
        "implementation_params",
    ]);
    ebm.finish()?;
    if !intercept.is_finite() {
        return Err(ImportError::refuse("its intercept is no finite number"));
    }
    let ensemble = Ensemble {
        library: "interpret",
        version,
        objective,
        inputs: Width::F64,
        sums: Width::F64,
        tiny_is_zero: false,
        minus_fraction_is_zero: false,
        base: Float::F64(*intercept),
        scale_and_bias: None,
        average: false,
        link: (link, 1.0),
        features: inputs.names(),
        trees,
    };
    let model =
        ModelFile { result: ResultKind::Margin, ..ModelFile::bare(Body::Trees(inputs.compact(&ensemble, bytes)?)) };
    Ok(Imported { model, notes: Vec::new() })
}

/// The task, and the link from the score to the probability of the second class.
fn output(ebm: &mut Fields<'_>, options: &ReadOptions) -> Result<(String, LinkKind), ImportError> {
    let outputs = ebm.required("outputs")?.into_array("outputs")?;
    let count = outputs.len();
    let Ok([output]) = <[Value<'_>; 1]>::try_from(outputs) else {
        return Err(ImportError::refuse(format!("it has {count} outputs, and one is understood")));
    };
    let mut output = output.into_object("outputs")?;
    let task = output.required("task")?.as_str("task")?.to_owned();
    let link = output.required("link")?.as_str("link")?.to_owned();
    output.ignore(&["link_param", "min_target", "max_target"]);
    let kind = match (task.as_str(), link.as_str()) {
        ("classification", "logit") => {
            let classes = output.required("classes")?.into_array("classes")?;
            if classes.len() != 2 {
                return Err(ImportError::refuse(format!("it has {} classes, and two are understood", classes.len())));
            }
            if let (Some(event), Some(second)) = (&options.event, classes.last()) {
                let second = match second {
                    Value::String(text) => text.to_string(),
                    Value::Text(text) => (*text).to_owned(),
                    Value::Bool(value) => value.to_string(),
                    _ => String::new(),
                };
                if second != *event {
                    return Err(ImportError::refuse(format!(
                        "its score is of the class `{}`, and not of `{}`",
                        shown(&second),
                        shown(event)
                    )));
                }
            }
            LinkKind::Logistic
        }
        ("regression", "identity") => LinkKind::None,
        _ => {
            return Err(ImportError::refuse(format!(
                "the link `{}` of a {} is not understood",
                shown(&link),
                shown(&task)
            )));
        }
    };
    output.finish()?;
    Ok((format!("{task}:{link}"), kind))
}

fn read_feature(feature: Value<'_>, inputs: &mut Inputs) -> Result<Feature, ImportError> {
    let mut feature = feature.into_object("a feature")?;
    let name = feature.required("name")?.as_str("name")?.to_owned();
    let kind = feature.required("type")?.as_str("type")?.to_owned();
    feature.ignore(&["num_unique_vals", "min", "max", "histogram_weights"]);
    let mut levels = Vec::new();
    let mut names: Vec<String> = Vec::new();
    match kind.as_str() {
        "continuous" => {
            for cuts in feature.required("cuts")?.into_array("cuts")? {
                let cuts = cuts.to_f64s("cuts")?;
                if cuts.iter().any(|cut| !cut.is_finite()) || !cuts.is_sorted_by(|a, b| a < b) {
                    return Err(ImportError::refuse(format!("the cuts of `{}` do not ascend", shown(&name))));
                }
                levels.push(Level::Cuts(cuts));
            }
        }
        "nominal" | "ordinal" => {
            for level in feature.required("categories")?.into_array("categories")? {
                let mut groups = Vec::new();
                for group in level.into_array("categories")? {
                    let members = match group {
                        Value::Array(members) => members,
                        one => vec![one],
                    };
                    let code = |member: &Value<'_>| -> Result<u32, ImportError> {
                        let member = member.as_str("a category")?;
                        let at = names.iter().position(|one| one == member).unwrap_or_else(|| {
                            names.push(member.to_owned());
                            names.len() - 1
                        });
                        u32::try_from(at).map_err(|_| ImportError::refuse("it has too many categories"))
                    };
                    let mut codes = members.iter().map(code).collect::<Result<Vec<u32>, _>>()?;
                    codes.sort_unstable();
                    groups.push(codes);
                }
                ImportError::limit("categories of a feature", names.len(), NAMES_MAX)?;
                levels.push(Level::Groups(groups));
            }
        }
        other => return Err(ImportError::refuse(format!("the feature type `{}` is not understood", shown(other)))),
    }
    feature.finish()?;
    if levels.is_empty() {
        return Err(ImportError::refuse(format!("the feature `{}` is not divided", shown(&name))));
    }
    let numeric = !names.is_empty() && names.iter().all(|name| name.parse::<f64>().is_ok());
    let categories = (kind != "continuous").then_some(Categories { names, numeric, unseen: UnseenName::Other });
    inputs.push(&name, categories)?;
    Ok(Feature { name, levels })
}

fn read_term(term: Value<'_>, features: &[Feature]) -> Result<Tree, ImportError> {
    let mut term = term.into_object("a term")?;
    let names = term.required("term_features")?.to_strings("term_features")?;
    ImportError::limit("features of a term", names.len(), TERM_FEATURES_MAX)?;
    let mut dimensions = Vec::with_capacity(names.len());
    for name in &names {
        let at = features.iter().position(|feature| feature.name == *name);
        let found = at.and_then(|at| Some((at, features.get(at)?)));
        let Some((at, feature)) = found else {
            return Err(ImportError::refuse(format!("it reads the feature `{}`, which is not there", shown(name))));
        };
        let level = feature.levels.get(names.len().min(feature.levels.len()).saturating_sub(1));
        dimensions.extend(level.map(|level| (at, level)));
    }
    let scores = term.required("scores")?;
    term.ignore(&["standard_deviations", "bagged_scores", "bin_weights"]);
    term.finish()?;
    let mut grid = Grid { nodes: Vec::new() };
    let mut id = 0;
    grid.table(&dimensions, scores, &mut id)?;
    Ok(Tree { nodes: grid.nodes, unused: 0 })
}

/// Writes a table as a tree: by the first feature, then within each of its places by the next.
struct Grid {
    nodes: Vec<Node>,
}

/// The tables within the places of one feature.
type Places<'a> = Vec<Option<Value<'a>>>;

impl Grid {
    fn table(&mut self, dimensions: &[(usize, &Level)], scores: Value<'_>, id: &mut u32) -> Result<usize, ImportError> {
        let Some(((feature, level), rest)) = dimensions.split_first() else {
            let value = scores.to_f64("scores")?;
            self.nodes.push(Node::Leaf(Leaf { id: *id, value, linear: None }));
            *id += 1;
            return Ok(self.nodes.len() - 1);
        };
        let mut places: Places<'_> = scores.into_array("scores")?.into_iter().map(Some).collect();
        let values = match level {
            Level::Cuts(cuts) => cuts.len() + 1,
            Level::Groups(groups) => groups.len(),
        };
        if places.len() != values + 2 {
            return Err(ImportError::refuse(format!(
                "a table has {} places for a feature, and {} are wanted",
                places.len(),
                values + 2
            )));
        }
        let at = self.split();
        let left = match level {
            Level::Cuts(cuts) => self.numbers(*feature, cuts, 1, rest, &mut places, id)?,
            Level::Groups(groups) => {
                let all: Vec<u32> = groups.iter().flatten().copied().collect();
                let known = self.split();
                let left = self.groups(*feature, groups, 1, rest, &mut places, id)?;
                let right = self.place(values + 1, rest, &mut places, id)?;
                self.close(known, *feature, categories(all), left, right);
                known
            }
        };
        let right = self.place(0, rest, &mut places, id)?;
        self.close(at, *feature, Test::Any, left, right);
        Ok(at)
    }

    /// Takes the table of one place.
    fn place(
        &mut self,
        place: usize,
        rest: &[(usize, &Level)],
        places: &mut Places<'_>,
        id: &mut u32,
    ) -> Result<usize, ImportError> {
        let table = places.get_mut(place).and_then(Option::take);
        self.table(rest, table.ok_or_else(|| ImportError::refuse("a table lacks a place"))?, id)
    }

    /// Halves the cuts, so that the tree is as flat as it can be. `first` is the place below the first cut.
    fn numbers(
        &mut self,
        feature: usize,
        cuts: &[f64],
        first: usize,
        rest: &[(usize, &Level)],
        places: &mut Places<'_>,
        id: &mut u32,
    ) -> Result<usize, ImportError> {
        let middle = cuts.len() / 2;
        let (Some(cut), Some(below), Some(above)) = (cuts.get(middle), cuts.get(..middle), cuts.get(middle + 1..))
        else {
            return self.place(first, rest, places, id);
        };
        let at = self.split();
        let left = self.numbers(feature, below, first, rest, places, id)?;
        let right = self.numbers(feature, above, first + middle + 1, rest, places, id)?;
        self.close(at, feature, Test::Below(*cut), left, right);
        Ok(at)
    }

    fn groups(
        &mut self,
        feature: usize,
        groups: &[Vec<u32>],
        first: usize,
        rest: &[(usize, &Level)],
        places: &mut Places<'_>,
        id: &mut u32,
    ) -> Result<usize, ImportError> {
        if groups.len() < 2 {
            return self.place(first, rest, places, id);
        }
        let (before, after) = groups.split_at(groups.len() / 2);
        let at = self.split();
        let left = self.groups(feature, before, first, rest, places, id)?;
        let right = self.groups(feature, after, first + before.len(), rest, places, id)?;
        self.close(at, feature, categories(before.iter().flatten().copied().collect()), left, right);
        Ok(at)
    }

    fn split(&mut self) -> usize {
        self.nodes.push(Node::Leaf(Leaf { id: 0, value: 0.0, linear: None }));
        self.nodes.len() - 1
    }

    fn close(&mut self, at: usize, feature: usize, test: Test, left: usize, right: usize) {
        if let Some(node) = self.nodes.get_mut(at) {
            *node = Node::Split(Split { feature, test, missing: Missing::Right, left, right });
        }
    }
}

fn categories(mut codes: Vec<u32>) -> Test {
    codes.sort_unstable();
    Test::Categories { codes, listed_go_left: true }
}
