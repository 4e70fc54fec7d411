//! `TreeModel`: nodes with predicates, and what happens where a predicate is unknown or no child is true.

use super::{
    predicate,
    schema::Schema,
    xml::{Element, NESTING_MAX},
};
use crate::{
    error::{ImportError, shown},
    rules::{Ask, Known, Predicate, Program, Step},
};

/// What a node's prediction is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Prediction<'a> {
    /// Its score, a number; in single precision where the flag says so.
    Score { single: bool },
    /// The probability of this class.
    Probability(&'a str),
}

/// What follows where a predicate is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unknown {
    /// The next child is asked.
    Skip,
    /// The node's own prediction.
    Last,
    /// No prediction.
    Nothing,
    /// The default child.
    Default,
}

struct Node {
    predicate: Predicate,
    value: Option<f64>,
    children: Vec<usize>,
    default: Option<usize>,
}

/// A tree of PMML as a program.
pub(super) struct TreeProgram {
    nodes: Vec<Node>,
    unknown: Unknown,
    /// Whether a node none of whose children is true gives its own prediction.
    last_without_true: bool,
}

impl TreeProgram {
    pub(super) fn read(
        model: Element<'_>,
        schema: &mut Schema,
        prediction: Prediction<'_>,
    ) -> Result<Self, ImportError> {
        model.only(&[
            "modelName",
            "functionName",
            "algorithmName",
            "missingValueStrategy",
            "missingValuePenalty",
            "noTrueChildStrategy",
            "splitCharacteristic",
            "isScorable",
            "mathContext",
            "x-mathContext",
        ])?;
        model.only_children(&[
            "MiningSchema",
            "Node",
            "Output",
            "Targets",
            "ModelStats",
            "ModelVerification",
            "LocalTransformations",
        ])?;
        model.one_of("isScorable", &["true"])?;
        let unknown = match model
            .one_of("missingValueStrategy", &["none", "lastPrediction", "nullPrediction", "defaultChild"])?
        {
            "lastPrediction" => Unknown::Last,
            "nullPrediction" => Unknown::Nothing,
            "defaultChild" => Unknown::Default,
            _ => Unknown::Skip,
        };
        let strategy = model.one_of("noTrueChildStrategy", &["returnNullPrediction", "returnLastPrediction"])?;
        let last_without_true = strategy == "returnLastPrediction";
        let root = model.child("Node")?.ok_or_else(|| model.refuse("it has no Node"))?;
        let mut tree = Self { nodes: Vec::new(), unknown, last_without_true };
        tree.node(root, schema, prediction, 0)?;
        Ok(tree)
    }

    fn node(
        &mut self,
        element: Element<'_>,
        schema: &mut Schema,
        prediction: Prediction<'_>,
        depth: usize,
    ) -> Result<usize, ImportError> {
        ImportError::limit("depth of a tree", depth, NESTING_MAX)?;
        element.only(&["id", "score", "recordCount", "defaultChild"])?;
        element.only_children(&[
            "Node",
            "ScoreDistribution",
            "SimplePredicate",
            "CompoundPredicate",
            "SimpleSetPredicate",
            "True",
            "False",
        ])?;
        let value = match prediction {
            Prediction::Score { single } => score(element, single)?,
            Prediction::Probability(class) => probability(element, class)?,
        };
        let at = self.nodes.len();
        let predicate = predicate::of(element, schema)?;
        self.nodes.push(Node { predicate, value, children: Vec::new(), default: None });
        let (mut children, mut default) = (Vec::new(), None);
        for child in element.children().filter(|child| child.name() == "Node") {
            let number = self.node(child, schema, prediction, depth + 1)?;
            children.push(number);
            if let Some(wanted) = element.attribute("defaultChild")
                && child.attribute("id") == Some(wanted)
                && default.replace(number).is_some()
            {
                return Err(element.refuse("two children have the id of the default child"));
            }
        }
        if self.unknown == Unknown::Default && element.attribute("defaultChild").is_some() && default.is_none() {
            let wanted = shown(element.attribute("defaultChild").unwrap_or_default());
            return Err(element.refuse(&format!("the default child `{wanted}` is none of its children")));
        }
        if let Some(node) = self.nodes.get_mut(at) {
            (node.children, node.default) = (children, default);
        }
        Ok(at)
    }

    fn end(&self, at: usize) -> Step {
        let value = self.nodes.get(at).and_then(|node| node.value);
        value.map_or(Step::Nothing, |value| Step::Leaf(u32::try_from(at).unwrap_or(u32::MAX), value))
    }
}

/// State 0 is before the root's own predicate; state n + 1 is within node n.
impl Program for TreeProgram {
    fn step(&self, state: usize, known: &Known<'_>) -> Result<Step, Ask> {
        let Some(at) = state.checked_sub(1) else {
            let root = self.nodes.first().map(|root| root.predicate.evaluate(known)).transpose()?.flatten();
            return Ok(if root == Some(true) { Step::Go(1) } else { Step::Nothing });
        };
        let Some(node) = self.nodes.get(at) else { return Ok(Step::Nothing) };
        if node.children.is_empty() {
            return Ok(self.end(at));
        }
        for child in &node.children {
            let value = self.nodes.get(*child).map(|child| child.predicate.evaluate(known)).transpose()?.flatten();
            match (value, self.unknown) {
                (Some(true), _) => return Ok(Step::Go(child + 1)),
                (Some(false), _) | (None, Unknown::Skip) => {}
                (None, Unknown::Last) => return Ok(self.end(at)),
                (None, Unknown::Nothing) => return Ok(Step::Nothing),
                (None, Unknown::Default) => {
                    return Ok(node.default.map_or(Step::Nothing, |child| Step::Go(child + 1)));
                }
            }
        }
        Ok(if self.last_without_true { self.end(at) } else { Step::Nothing })
    }
}

fn score(element: Element<'_>, single: bool) -> Result<Option<f64>, ImportError> {
    match (element.attribute("score"), single) {
        (Some(text), true) => {
            let value = text.trim().parse::<f32>().ok().filter(|value| value.is_finite());
            let wrong = || element.refuse(&format!("the score `{}` is no finite number", shown(text)));
            value.map(|value| Some(f64::from(value))).ok_or_else(wrong)
        }
        _ => element.number("score"),
    }
}

/// The share of a class: its stated probability, or its records among all.
fn probability(element: Element<'_>, class: &str) -> Result<Option<f64>, ImportError> {
    let (mut all, mut own, mut stated) = (0.0, None, None);
    for one in element.children().filter(|child| child.name() == "ScoreDistribution") {
        one.only(&["value", "recordCount", "confidence", "probability"])?;
        let count = one.number("recordCount")?.ok_or_else(|| one.refuse("it lacks the attribute `recordCount`"))?;
        if count < 0.0 {
            return Err(one.refuse("its `recordCount` is below zero"));
        }
        all += count;
        if one.required("value")? == class {
            own = Some(count);
            stated = one.number("probability")?;
        }
    }
    Ok(match (stated, own) {
        (Some(stated), _) => Some(stated),
        (None, Some(own)) if all > 0.0 => Some(own / all),
        // A class that is not listed has no records here.
        (None, None) if all > 0.0 => Some(0.0),
        _ => None,
    })
}
