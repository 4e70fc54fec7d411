//! Trees by lookup: each state of a column rules out leaves, in all trees at once.
//!
//! Every leaf of a tree is a bit, from left to right. A split whose test fails rules out the leaves on its left; a
//! split whose test holds rules out nothing. What is left after all splits, the lowest bit is the leaf reached: any
//! leaf further left lies left of a failed split, and the leaf reached lies left of none. (Lucchese et al.,
//! *QuickScorer*, SIGIR 2015.) Because a column's state decides all of the column's splits, their masks are put
//! together once per state when the model is loaded, and a row costs one AND for each column and tree, without a
//! branch.

use std::{vec, vec::Vec};

use super::{
    check::{CheckedTree, Test},
    column::{CompiledColumn, MISSING},
    limits::MASK_TABLE_BYTES_MAX,
};

/// For each state of each column, the leaves that it leaves open.
#[derive(Clone, Debug)]
pub(super) struct MaskTable {
    /// Bits for one tree: 16, 32 or 64.
    lane: u32,
    /// Words for all trees.
    words: usize,
    /// Where each column's rows begin, in words.
    starts: Vec<usize>,
    rows: Vec<u64>,
}

impl MaskTable {
    /// Builds the table; `None` where a tree has more than 64 leaves or the table would exceed
    /// [`MASK_TABLE_BYTES_MAX`].
    pub(super) fn build(columns: &[CompiledColumn], trees: &[CheckedTree]) -> Option<Self> {
        let leaves_max = trees.iter().map(|tree| tree.shape.leaves).max()?;
        let lane = [16, 32, 64].into_iter().find(|lane| leaves_max <= *lane)?;
        let words = trees.len().div_ceil((64 / lane) as usize);
        let states: usize = columns.iter().map(CompiledColumn::states).sum();
        if states.checked_mul(words)?.checked_mul(8)? > MASK_TABLE_BYTES_MAX {
            return None;
        }
        let starts = columns.iter().scan(0, |next, column| {
            let start = *next;
            *next += column.states() * words;
            Some(start)
        });
        let mut table = Self { lane, words, starts: starts.collect(), rows: vec![u64::MAX; states * words] };
        for (number, tree) in trees.iter().enumerate() {
            table.add(columns, number, tree)?;
        }
        Some(table)
    }

    /// Words that [`Self::open`] writes.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    fn add(&mut self, columns: &[CompiledColumn], number: usize, tree: &CheckedTree) -> Option<()> {
        let per_word = (64 / self.lane) as usize;
        let shift = (number % per_word) as u32 * self.lane;
        for (split, test) in tree.shape.splits.iter().zip(&tree.tests) {
            // The right part has a leaf too, so the left has fewer than the lane has bits.
            let left = ((1_u64 << (split.middle - split.first)) - 1) << split.first;
            let column = columns.get(test.column as usize)?;
            let start = self.starts.get(test.column as usize)? + number / per_word;
            for state in 0..column.states() {
                if !goes_left(test, state as u16) {
                    *self.rows.get_mut(start + state * self.words)? &= !(left << shift);
                }
            }
        }
        Some(())
    }

    /// The leaves still open after all columns, into `open`.
    #[inline]
    pub(super) fn open(&self, states: &[u16], open: &mut [u64]) {
        open.fill(u64::MAX);
        for (start, state) in self.starts.iter().zip(states) {
            let from = start + usize::from(*state) * self.words;
            let row = self.rows.get(from..from + self.words).unwrap_or_default();
            for (open, mask) in open.iter_mut().zip(row) {
                *open &= mask;
            }
        }
    }

    /// Gives the leaf of each tree, in order; after the last tree, up to three calls more that mean nothing.
    #[inline]
    pub(super) fn each(&self, open: &[u64], mut take: impl FnMut(u32)) {
        match self.lane {
            16 => open.iter().for_each(|word| (0..4).for_each(|lane| take((word >> (16 * lane)).trailing_zeros()))),
            32 => open.iter().for_each(|word| (0..2).for_each(|lane| take((word >> (32 * lane)).trailing_zeros()))),
            _ => open.iter().for_each(|word| take(word.trailing_zeros())),
        }
    }
}

/// Whether a state goes left.
fn goes_left(test: &Test, state: u16) -> bool {
    if state == MISSING {
        return test.missing_left;
    }
    match &test.set {
        Some((_, set)) => set.get(usize::from(state - 1)).copied().unwrap_or(false),
        None => state <= test.cut() + 1,
    }
}
