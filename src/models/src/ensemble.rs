//! Trees of whichever library, before they are made compact: what every reader produces.

use prequal_core::score::trees::{Float, LinkKind, Width};

/// A whole model as its library means it.
#[derive(Clone, Debug)]
pub struct Ensemble {
    /// The library's name.
    pub library: &'static str,
    /// The version that its file states.
    pub version: String,
    /// The objective as its file writes it.
    pub objective: String,
    /// Width that values are rounded to before they are compared.
    pub inputs: Width,
    /// Width of leaves and of their sum.
    pub sums: Width,
    /// Whether a value of magnitude at most 1.0000000180025095e-35 is zero (LightGBM).
    pub tiny_is_zero: bool,
    /// Whether a categorical value between −1 and 0 is the code 0 (LightGBM).
    pub minus_fraction_is_zero: bool,
    /// What the sum starts from.
    pub base: Float,
    /// What is done to the sum: × the first + the second (CatBoost).
    pub scale_and_bias: Option<[f64; 2]>,
    /// Whether the link divides the margin by the number of trees.
    pub average: bool,
    /// The link, and the logistic function's factor.
    pub link: (LinkKind, f64),
    /// Names of the features, in the order of their numbers.
    pub features: Vec<String>,
    /// The trees, in the order of the sum.
    pub trees: Vec<Tree>,
}

/// A tree whose root is node 0. Children may be numbered in any order; whether this is a tree is found out when it is
/// made compact.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Splits and leaves.
    pub nodes: Vec<Node>,
    /// How many nodes the file says are left over from pruning and hang on nothing.
    pub unused: usize,
}

/// A split or a leaf.
#[derive(Clone, Debug)]
pub enum Node {
    /// A question with two ways on.
    Split(Split),
    /// An end.
    Leaf(Leaf),
}

/// A question about one feature.
#[derive(Clone, Debug)]
pub struct Split {
    /// The feature's number.
    pub feature: usize,
    /// What is asked.
    pub test: Test,
    /// What happens to a missing value.
    pub missing: Missing,
    /// The node for those that pass the test.
    pub left: usize,
    /// The node for all others.
    pub right: usize,
}

/// What goes left.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// A value below this threshold.
    Below(f64),
    /// Any number (LightGBM writes the threshold `inf` to part missing values from all others).
    Any,
    /// The categories listed, or all but those.
    Categories {
        /// Category codes.
        codes: Vec<u32>,
        /// Whether the listed ones go left; else they go right and everything else goes left.
        listed_go_left: bool,
    },
}

/// What happens to a missing value at a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It goes left.
    Left,
    /// It goes right.
    Right,
    /// It and zero go left.
    LeftWithZero,
    /// It and zero go right.
    RightWithZero,
    /// It is zero.
    Zero,
}

/// A leaf's value.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The library's number of the leaf.
    pub id: u32,
    /// What it adds to the margin, exact in the width of the sum.
    pub value: f64,
    /// Its formula, in a linear tree.
    pub linear: Option<Linear>,
}

/// constant + Σ coefficient × value.
#[derive(Clone, Debug)]
pub struct Linear {
    /// The constant.
    pub constant: f64,
    /// Features and coefficients, in the order of the sum.
    pub terms: Vec<(usize, f64)>,
}
