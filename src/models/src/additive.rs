//! Cards of points, whichever file they come from: one tree for each characteristic.

use std::{cell::Cell, collections::BTreeSet};

use prequal_core::score::trees::{FEATURES_MAX, Float, LinkKind, TreeModel, Width, leaf_hex};

use crate::{
    Imported,
    compact::compact,
    ensemble::{Ensemble, Node, Tree},
    error::ImportError,
    model_file::{
        Body, Categories, Characteristic, ModelFile, NAMES_MAX, PointsScaling, ReasonAlgorithm, Reasons, ResultKind,
    },
    rules::{Field, Known, Program, Stop, compile},
};

/// A feature as a model reads it.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    /// The categories; `None` for numbers.
    pub(crate) categories: Option<Categories>,
}

/// The features of a model and which of them must be there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inputs {
    pub(crate) list: Vec<Input>,
    pub(crate) required: Vec<bool>,
}

/// A card before it is a model.
pub(crate) struct CardParts {
    pub(crate) library: &'static str,
    pub(crate) version: String,
    pub(crate) objective: String,
    pub(crate) inputs: Inputs,
    /// Points that every row starts with.
    pub(crate) base: f64,
    pub(crate) trees: Vec<Tree>,
    pub(crate) scaling: Option<PointsScaling>,
    pub(crate) reasons: Option<Reasons>,
    pub(crate) notes: Vec<String>,
}

impl Inputs {
    pub(crate) fn push(&mut self, name: &str, categories: Option<Categories>) -> Result<usize, ImportError> {
        ImportError::limit("features", self.list.len() + 1, FEATURES_MAX)?;
        self.list.push(Input { name: name.to_owned(), categories });
        self.required.push(false);
        Ok(self.list.len() - 1)
    }

    pub(crate) fn fields(&self) -> Vec<Field> {
        let field = |input: &Input| match &input.categories {
            None => Field::Number,
            Some(categories) => Field::Category {
                names: categories.names.len(),
                other: categories.unseen == crate::model_file::UnseenName::Other,
            },
        };
        self.list.iter().map(field).collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.list.iter().map(|input| input.name.clone()).collect()
    }

    /// Writes an ensemble over these inputs, with the names of their categories.
    pub(crate) fn compact(&self, ensemble: &Ensemble, file: &[u8]) -> Result<TreeModel, ImportError> {
        let mut model = compact(ensemble, file)?;
        for (feature, input) in model.features.iter_mut().zip(&self.list) {
            if let Some(Categories { names, numeric, unseen }) = &input.categories {
                ImportError::limit("categories of a feature", names.len(), NAMES_MAX)?;
                feature.categories.clone_from(names);
                (feature.numeric, feature.unseen) = (*numeric, *unseen);
            }
        }
        model.hash = model.content_hash()?;
        Ok(model)
    }

    pub(crate) fn required(&self) -> BTreeSet<String> {
        let wanted = self.list.iter().zip(&self.required).filter(|(_, required)| **required);
        wanted.map(|(input, _)| input.name.clone()).collect()
    }

    /// The tree of a program. Where rows without some feature get no prediction, that feature is required from then
    /// on; the second value says whether that happened, which makes trees compiled earlier stale.
    fn compile(&mut self, program: &dyn Program, asked: &Cell<usize>) -> Result<(Tree, bool), ImportError> {
        let fields = self.fields();
        let mut narrowed = false;
        loop {
            let features = match compile(program, &Known::nothing(&fields, &self.required), asked) {
                Ok(tree) => return Ok((tree, narrowed)),
                Err(Stop::Error(error)) => return Err(error),
                Err(Stop::Nothing(features)) => features,
            };
            if features.is_empty() {
                return Err(ImportError::refuse("rows without a missing value can end without a prediction"));
            }
            for feature in features {
                if let Some(required) = self.required.get_mut(feature) {
                    *required = true;
                }
            }
            narrowed = true;
        }
    }

    /// The trees of all programs.
    pub(crate) fn compile_all(&mut self, programs: &[&dyn Program]) -> Result<Vec<Tree>, ImportError> {
        let asked = Cell::new(0);
        // Each time round at least one feature more is required, so this ends.
        loop {
            let mut stale = false;
            let mut trees = Vec::with_capacity(programs.len());
            for (number, program) in programs.iter().enumerate() {
                let (tree, narrowed) = self.compile(*program, &asked).map_err(|error| error.in_tree(number))?;
                stale |= narrowed;
                trees.push(tree);
            }
            if !stale {
                return Ok(trees);
            }
        }
    }

    /// What a reader should know of features that must be there.
    pub(crate) fn note_required(&self, notes: &mut Vec<String>) {
        let required: Vec<String> = self.required().into_iter().collect();
        if !required.is_empty() {
            notes.push(format!(
                "the model can end without a prediction where these are missing, so a row that lacks one is an error: `{}`",
                required.join("`, `")
            ));
        }
    }
}

/// The best points of a tree's leaves.
pub(crate) fn best_leaf(tree: &Tree) -> f64 {
    let leaves = tree.nodes.iter().filter_map(|node| match node {
        Node::Leaf(leaf) => Some(leaf.value),
        Node::Split(_) => None,
    });
    leaves.fold(f64::NEG_INFINITY, f64::max)
}

/// Reasons of a card that names none: each characteristic is its own, below its best points.
pub(crate) fn reasons_below_best(names: &[String], attributes: &[usize], trees: &[Tree]) -> Reasons {
    let one = |((name, count), tree): ((&String, &usize), &Tree)| Characteristic {
        name: name.clone(),
        baseline: bits(best_leaf(tree)),
        codes: vec![name.clone(); *count],
    };
    let characteristics = names.iter().zip(attributes).zip(trees).map(one).collect();
    Reasons { algorithm: ReasonAlgorithm::PointsBelow, zero_is_reason: false, characteristics }
}

pub(crate) fn bits(value: f64) -> String {
    let mut text = String::new();
    leaf_hex(&mut text, Float::F64(value));
    text
}

impl CardParts {
    pub(crate) fn finish(self, file: &[u8]) -> Result<Imported, ImportError> {
        let mut notes = self.notes;
        self.inputs.note_required(&mut notes);
        if !self.base.is_finite() {
            return Err(ImportError::refuse("the points that every row starts with are no finite number"));
        }
        let ensemble = Ensemble {
            library: self.library,
            version: self.version,
            objective: self.objective,
            inputs: Width::F64,
            sums: Width::F64,
            tiny_is_zero: false,
            minus_fraction_is_zero: false,
            base: Float::F64(self.base),
            scale_and_bias: None,
            average: false,
            link: (LinkKind::None, 1.0),
            features: self.inputs.names(),
            trees: self.trees,
        };
        let model = ModelFile {
            passport: None,
            required: self.inputs.required(),
            result: ResultKind::Points { scaling: self.scaling, reasons: self.reasons },
            body: Body::Trees(self.inputs.compact(&ensemble, file)?),
        };
        model.check()?;
        Ok(Imported { model, notes })
    }
}
