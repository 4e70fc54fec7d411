//! From a program to a tree.

use std::cell::Cell;

use prequal_core::score::trees::{DEPTH_MAX, LEAVES_MAX};

use super::{
    Step,
    known::{Ask, Known},
};
use crate::{
    ensemble::{Leaf, Missing, Node, Split, Test, Tree},
    error::ImportError,
};

/// The most questions that making one tree takes: predicates over many features at once have answers without number.
pub(crate) const QUESTIONS_OF_A_TREE_MAX: usize = 200_000;
/// The most questions that making all trees of a model takes.
pub(crate) const QUESTIONS_MAX: usize = 8_000_000;

/// Something that leads every row to a leaf, state by state.
pub(crate) trait Program {
    /// Where rows go from a state; or what must be known of them first.
    fn step(&self, state: usize, known: &Known<'_>) -> Result<Step, Ask>;
}

/// Why there is no tree.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Rows in which these features are missing get no prediction.
    Nothing(Vec<usize>),
    /// The tree is too large.
    Error(ImportError),
}

impl From<ImportError> for Stop {
    fn from(error: ImportError) -> Self {
        Self::Error(error)
    }
}

/// The ways on from one state.
#[derive(Clone, Debug, PartialEq)]
enum Choice {
    To(Step),
    Split { feature: usize, test: Test, missing_left: bool, left: Box<Choice>, right: Box<Choice> },
}

/// The tree of a program that begins in state 0.
///
/// `asked` counts the questions of all trees of a model.
pub(crate) fn compile(program: &dyn Program, known: &Known<'_>, asked: &Cell<usize>) -> Result<Tree, Stop> {
    let mut builder = Builder { program, nodes: Vec::new(), asked, asked_before: asked.get() };
    builder.state(0, known, 0)?;
    Ok(Tree { nodes: builder.nodes, unused: 0 })
}

struct Builder<'p> {
    program: &'p dyn Program,
    nodes: Vec<Node>,
    asked: &'p Cell<usize>,
    asked_before: usize,
}

impl Builder<'_> {
    /// Writes the tree below a state and gives the number of its root.
    fn state(&mut self, state: usize, known: &Known<'_>, depth: usize) -> Result<usize, Stop> {
        let choice = self.choice(state, known, depth)?;
        self.write(&choice, known, depth)
    }

    fn choice(&self, state: usize, known: &Known<'_>, depth: usize) -> Result<Choice, Stop> {
        ImportError::limit("depth of a tree", depth, DEPTH_MAX)?;
        let asked = self.asked.get() + 1;
        self.asked.set(asked);
        ImportError::limit("questions of a tree", asked - self.asked_before, QUESTIONS_OF_A_TREE_MAX)?;
        ImportError::limit("questions of all trees", asked, QUESTIONS_MAX)?;
        let ask = match self.program.step(state, known) {
            Ok(Step::Nothing) => return Err(Stop::Nothing(known.missing())),
            Ok(step) => return Ok(Choice::To(step)),
            Err(ask) => ask,
        };
        let (yes, no, missing) = known.parts(&ask);
        let part = |known: Option<Known<'_>>| known.map(|known| self.choice(state, &known, depth + 1)).transpose();
        let (yes, no, missing) = (part(yes)?, part(no)?, part(missing)?);
        let (feature, test) = match ask {
            Ask::Below(feature, threshold) => (feature, Test::Below(threshold)),
            Ask::In(feature, codes) => (feature, Test::Categories { codes, listed_go_left: true }),
            // Those that answer yes are the missing ones.
            Ask::Missing(feature) => return join(feature, no, yes),
        };
        let present = match (yes, no) {
            (Some(yes), Some(no)) if yes == no => Some(yes),
            (Some(yes), Some(no)) => {
                Some(Choice::Split { feature, test, missing_left: false, left: Box::new(yes), right: Box::new(no) })
            }
            (one, other) => one.or(other),
        };
        join(feature, present, missing)
    }

    fn write(&mut self, choice: &Choice, known: &Known<'_>, depth: usize) -> Result<usize, Stop> {
        ImportError::limit("depth of a tree", depth, DEPTH_MAX)?;
        ImportError::limit("nodes of a tree", self.nodes.len(), 2 * LEAVES_MAX)?;
        let (feature, test, missing_left, left, right) = match choice {
            Choice::To(Step::Go(state)) => return self.state(*state, known, depth + 1),
            Choice::To(Step::Leaf(id, value)) => {
                self.nodes.push(Node::Leaf(Leaf { id: *id, value: *value, linear: None }));
                return Ok(self.nodes.len() - 1);
            }
            Choice::To(Step::Nothing) => return Err(Stop::Nothing(known.missing())),
            Choice::Split { feature, test, missing_left, left, right } => (*feature, test, *missing_left, left, right),
        };
        let ask = match test {
            Test::Below(threshold) => Ask::Below(feature, *threshold),
            Test::Categories { codes, .. } => Ask::In(feature, codes.clone()),
            Test::Any => Ask::Missing(feature),
        };
        let (mut yes, mut no, _) = known.parts(&ask);
        if matches!(test, Test::Any) {
            std::mem::swap(&mut yes, &mut no);
        } else if missing_left {
            yes = yes.map(|yes| yes.or_missing(feature, known));
        } else {
            no = no.map(|no| no.or_missing(feature, known));
        }
        let (Some(yes), Some(no)) = (yes, no) else {
            return Err(ImportError::refuse("a split of the tree leaves no row on one side").into());
        };
        let at = self.nodes.len();
        self.nodes.push(Node::Leaf(Leaf { id: 0, value: 0.0, linear: None }));
        let left = self.write(left, &yes, depth + 1)?;
        let right = self.write(right, &no, depth + 1)?;
        let missing = if missing_left { Missing::Left } else { Missing::Right };
        if let Some(node) = self.nodes.get_mut(at) {
            *node = Node::Split(Split { feature, test: test.clone(), missing, left, right });
        }
        Ok(at)
    }
}

/// Puts the ways of values and of missing ones together, with as few splits as they allow.
fn join(feature: usize, present: Option<Choice>, missing: Option<Choice>) -> Result<Choice, Stop> {
    match (present, missing) {
        (None, None) => Err(ImportError::refuse("a question of the tree has no answer").into()),
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (Some(present), Some(missing)) if present == missing => Ok(present),
        (Some(Choice::Split { feature: asked, test, left, right, .. }), Some(missing))
            if asked == feature && !matches!(test, Test::Any) && (*left == missing || *right == missing) =>
        {
            let missing_left = *left == missing;
            Ok(Choice::Split { feature, test, missing_left, left, right })
        }
        (Some(present), Some(missing)) => {
            let (left, right) = (Box::new(present), Box::new(missing));
            Ok(Choice::Split { feature, test: Test::Any, missing_left: false, left, right })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Field, Predicate},
        *,
    };

    /// The first predicate that is true gives its position; none, the count of predicates.
    struct First(Vec<Predicate>);

    impl Program for First {
        fn step(&self, _: usize, known: &Known<'_>) -> Result<Step, Ask> {
            for (at, predicate) in (0_u32..).zip(&self.0) {
                if predicate.evaluate(known)? == Some(true) {
                    return Ok(Step::Leaf(at, f64::from(at)));
                }
            }
            Ok(Step::Nothing)
        }
    }

    fn walk(tree: &Tree, row: &[f64]) -> u32 {
        let mut at = 0;
        loop {
            match &tree.nodes[at] {
                Node::Leaf(leaf) => return leaf.id,
                Node::Split(split) => {
                    let x = row[split.feature];
                    let left = match &split.test {
                        _ if x.is_nan() => split.missing == Missing::Left,
                        Test::Below(threshold) => x < *threshold,
                        Test::Any => true,
                        Test::Categories { codes, .. } => codes.contains(&(x as u32)),
                    };
                    at = if left { split.left } else { split.right };
                }
            }
        }
    }

    fn tree(fields: &[Field], predicates: Vec<Predicate>) -> Tree {
        compile(&First(predicates), &Known::nothing(fields, &[]), &Cell::new(0)).unwrap()
    }

    #[test]
    fn intervals_in_any_order_become_one_split_a_cut() {
        let fields = [Field::Number];
        let bin = |from, below| Predicate::interval(0, from, below);
        let bins = vec![bin(Some(5.0), None), bin(None, Some(1.0)), Predicate::Missing(0), bin(Some(1.0), Some(5.0))];
        let tree = tree(&fields, bins);
        let ids = [7.0, 5.0, 0.0, f64::NAN, 1.0, f64::INFINITY, f64::NEG_INFINITY].map(|x| walk(&tree, &[x]));
        assert_eq!(ids, [0, 0, 1, 2, 3, 0, 1]);
        // Two cuts and one for missing: three splits and four leaves.
        assert_eq!(tree.nodes.len(), 7);
    }

    #[test]
    fn an_unknown_part_leaves_and_unknown_unless_another_is_false() {
        let fields = [Field::Number, Field::Number];
        let both = Predicate::And(vec![Predicate::Below(0, 1.0), Predicate::Below(1, 1.0)]);
        let tree = tree(&fields, vec![both.clone(), both.negate(), Predicate::Always(true)]);
        let id = |a, b| walk(&tree, &[a, b]);
        assert_eq!([id(0.0, 0.0), id(2.0, 0.0), id(f64::NAN, 2.0), id(f64::NAN, 0.0)], [0, 1, 1, 2]);
    }

    #[test]
    fn categories_named_in_several_sets_and_the_others_each_find_the_first() {
        let fields = [Field::Category { names: 3, other: true }];
        let (one, two) = (Predicate::In(0, vec![0, 1]), Predicate::In(0, vec![1, 2]));
        let tree = tree(&fields, vec![one.clone(), two, Predicate::Missing(0), one.negate()]);
        assert_eq!([0.0, 1.0, 2.0, 3.0, f64::NAN].map(|x| walk(&tree, &[x])), [0, 0, 1, 3, 2]);
    }

    #[test]
    fn xor_and_surrogate_follow_their_tables() {
        let fields = [Field::Number, Field::Number];
        let (a, b) = (Predicate::Below(0, 1.0), Predicate::Below(1, 1.0));
        let odd = Predicate::Xor(vec![a.clone(), b.clone()]);
        let else_b = Predicate::Surrogate(vec![a, b]);
        let either = tree(&fields, vec![odd, Predicate::Always(true)]);
        let id = |tree: &Tree, a, b| walk(tree, &[a, b]);
        assert_eq!([id(&either, 0.0, 0.0), id(&either, 0.0, 2.0), id(&either, f64::NAN, 0.0)], [1, 0, 1]);
        let surrogate = tree(&fields, vec![else_b, Predicate::Always(true)]);
        assert_eq!([id(&surrogate, 0.0, 2.0), id(&surrogate, f64::NAN, 0.0), id(&surrogate, f64::NAN, 2.0)], [0, 0, 1]);
    }

    #[test]
    fn rows_without_a_leaf_are_named_by_what_they_lack() {
        let fields = [Field::Number];
        let all = vec![Predicate::Below(0, 1.0), Predicate::Below(0, 1.0).negate()];
        let missing = compile(&First(all.clone()), &Known::nothing(&fields, &[]), &Cell::new(0));
        assert!(matches!(missing, Err(Stop::Nothing(features)) if features == [0]));
        assert!(compile(&First(all), &Known::nothing(&fields, &[true]), &Cell::new(0)).is_ok());
    }

    #[test]
    fn a_question_about_many_features_at_once_is_refused() {
        let fields = vec![Field::Number; 40];
        let all = (0..40).map(|feature| Predicate::Below(feature, 0.0)).collect();
        let rules = vec![Predicate::Xor(all), Predicate::Always(true)];
        let refused = compile(&First(rules.clone()), &Known::nothing(&fields, &[]), &Cell::new(0)).unwrap_err();
        let Stop::Error(error) = refused else { panic!("{refused:?}") };
        assert_eq!(error.to_string(), "questions of a tree: 200001, and the limit is 200000");
        let refused = compile(&First(rules), &Known::nothing(&fields, &[]), &Cell::new(QUESTIONS_MAX)).unwrap_err();
        let Stop::Error(error) = refused else { panic!("{refused:?}") };
        assert_eq!(error.to_string(), "questions of all trees: 8000001, and the limit is 8000000");
    }
}
