//! From the text of a tree's shape to splits with children and the leaves under them.

use std::vec::Vec;

use super::{TreeError, limits::DEPTH_MAX};

/// What a split leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Child {
    /// A split of the same tree, always with a larger number than its parent.
    Split(u32),
    /// A leaf, numbered from left to right.
    Leaf(u32),
}

/// A split and the leaves under it: `first..middle` on the left, `middle..end` on the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) left: Child,
    pub(super) right: Child,
    pub(super) first: u32,
    pub(super) middle: u32,
}

/// A tree's splits in the order of its shape, and how many leaves it has.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) splits: Vec<Split>,
    pub(super) leaves: u32,
}

/// A split whose parts are still being read.
struct Open {
    at: usize,
    left_is_read: bool,
}

/// Reads a shape: `1` a split, `0` a leaf, each split before its left part and that before its right part.
pub(super) fn parse(text: &str) -> Result<Shape, TreeError> {
    let refuse = |why: &str| Err(TreeError::Model(std::format!("a tree's `shape` {why}")));
    let mut shape = Shape { splits: Vec::new(), leaves: 0 };
    let mut open: Vec<Open> = Vec::new();
    let mut whole = false;
    for byte in text.bytes() {
        if whole {
            return refuse("goes on after its last leaf");
        }
        match byte {
            b'1' => {
                // Children are set when they have been read whole.
                let unread = Child::Leaf(u32::MAX);
                open.push(Open { at: shape.splits.len(), left_is_read: false });
                shape.splits.push(Split { left: unread, right: unread, first: shape.leaves, middle: 0 });
                TreeError::limit("depth of a tree", open.len(), DEPTH_MAX)?;
            }
            b'0' => {
                let leaf = Child::Leaf(shape.leaves);
                shape.leaves += 1;
                whole = close(&mut shape, &mut open, leaf);
            }
            _ => return refuse("holds something other than `0` and `1`"),
        }
    }
    if whole { Ok(shape) } else { refuse("ends before its last leaf") }
}

/// Hands a part that has been read whole to its parent, and that one on if it is whole too; true at the root.
fn close(shape: &mut Shape, open: &mut Vec<Open>, mut part: Child) -> bool {
    while let Some(parent) = open.last_mut() {
        let Some(split) = shape.splits.get_mut(parent.at) else { return true };
        if !parent.left_is_read {
            parent.left_is_read = true;
            split.left = part;
            split.middle = shape.leaves;
            return false;
        }
        split.right = part;
        part = Child::Split(parent.at as u32);
        open.pop();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_read_from_the_root_left_before_right() {
        let shape = parse("1100100").unwrap();
        assert_eq!(shape.leaves, 4);
        assert_eq!(
            shape.splits,
            [
                Split { left: Child::Split(1), right: Child::Split(2), first: 0, middle: 2 },
                Split { left: Child::Leaf(0), right: Child::Leaf(1), first: 0, middle: 1 },
                Split { left: Child::Leaf(2), right: Child::Leaf(3), first: 2, middle: 3 },
            ]
        );
        assert_eq!(parse("0").unwrap().leaves, 1);
    }

    #[test]
    fn what_is_no_shape_is_refused() {
        let why = |text: &str| parse(text).unwrap_err().to_string();
        assert!(why("").contains("ends before its last leaf"));
        assert!(why("110").contains("ends before its last leaf"));
        assert!(why("1000").contains("goes on after its last leaf"));
        assert!(why("1x0").contains("something other"));
        assert!(why(&"1".repeat(DEPTH_MAX + 1)).contains("the limit is 512"));
    }
}
