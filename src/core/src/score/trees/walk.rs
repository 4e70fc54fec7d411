//! Trees node by node, for models too large for a table of masks.

use std::vec::Vec;

use super::{
    check::{CheckedTree, Test},
    column::MISSING,
    shape::Child,
};

/// Marks a child that is a leaf; larger than any node's number.
const LEAF: u32 = 1 << 31;
/// A node that tests a cut.
const NO_SET: u32 = u32::MAX;

/// One split: 20 bytes, integers only.
///
/// Missing is state 0. Where missing goes left, a state goes left up to `cut` + 1. Where it goes right, 1 is taken off
/// first, so that missing wraps to the largest state and goes right without a question of its own.
#[derive(Clone, Copy, Debug)]
struct Node {
    column: u16,
    take_off: u16,
    bound: u16,
    /// Where the set's bits begin, or [`NO_SET`].
    set: u32,
    left: u32,
    right: u32,
}

/// The nodes of all trees, one after the other; a child always stands after its parent.
#[derive(Clone, Debug, Default)]
pub(super) struct Forest {
    roots: Vec<u32>,
    nodes: Vec<Node>,
    /// Bits of the sets, by state.
    sets: Vec<u64>,
}

impl Forest {
    pub(super) fn build(trees: &[CheckedTree]) -> Self {
        let mut forest = Self::default();
        let mut known = Vec::new();
        for tree in trees {
            let first = forest.nodes.len() as u32;
            let child = |child: Child| match child {
                Child::Split(at) => first + at,
                Child::Leaf(leaf) => LEAF | leaf,
            };
            forest.roots.push(if tree.shape.splits.is_empty() { LEAF } else { first });
            for (split, test) in tree.shape.splits.iter().zip(&tree.tests) {
                let set = forest.set(test, &mut known);
                forest.nodes.push(Node {
                    // Limits keep columns below 2¹⁶ and cuts below 2¹⁶ − 2.
                    column: test.column as u16,
                    take_off: u16::from(!test.missing_left),
                    bound: if test.set.is_some() { 0 } else { test.cut() + u16::from(test.missing_left) },
                    set,
                    left: child(split.left),
                    right: child(split.right),
                });
            }
        }
        forest
    }

    /// Where a test's set begins; each is stored once for either side of missing.
    fn set(&mut self, test: &Test, known: &mut Vec<[u32; 2]>) -> u32 {
        let Some((number, set)) = &test.set else { return NO_SET };
        if known.len() <= *number {
            known.resize(number + 1, [NO_SET; 2]);
        }
        let start = self.sets.len() as u32;
        match known.get_mut(*number).and_then(|sides| sides.get_mut(usize::from(test.missing_left))) {
            Some(place) if *place == NO_SET => *place = start,
            Some(place) => return *place,
            None => {}
        }
        let states = [test.missing_left].into_iter().chain(set.iter().copied()).collect::<Vec<bool>>();
        for chunk in states.chunks(64) {
            let word = chunk.iter().enumerate().fold(0, |word, (at, left)| word | (u64::from(*left) << at));
            self.sets.push(word);
        }
        start
    }

    /// Gives the leaf of each tree, in order.
    #[inline]
    pub(super) fn each(&self, states: &[u16], mut take: impl FnMut(u32)) {
        for root in &self.roots {
            let mut at = *root;
            // A leaf is beyond the last node, so the look-up ends the walk as well.
            while let Some(node) = self.nodes.get(at as usize) {
                let state = states.get(usize::from(node.column)).copied().unwrap_or(MISSING);
                let left = if node.set == NO_SET {
                    state.wrapping_sub(node.take_off) <= node.bound
                } else {
                    let word = self.sets.get(node.set as usize + usize::from(state / 64)).copied().unwrap_or(0);
                    (word >> (state % 64)) & 1 == 1
                };
                at = if left { node.left } else { node.right };
            }
            take(at & !LEAF);
        }
    }
}
