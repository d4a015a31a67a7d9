//! A set of dense indices that is emptied in ascending order while it is being filled.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

const BITS: u32 = u64::BITS;

/// Indices below a number that is set when it is made; others are never in it. Filling and emptying it takes no memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Indices {
    words: Vec<u64>,
    /// What is in it lies below this.
    bound: u32,
    /// How many are in it.
    count: u32,
}

impl Indices {
    pub(crate) fn new(bound: usize) -> Self {
        let bound = u32::try_from(bound).unwrap_or(u32::MAX);
        Self { words: alloc::vec![0; bound.div_ceil(BITS) as usize], bound, count: 0 }
    }

    pub(crate) fn insert(&mut self, index: u32) {
        let bit = 1 << (index % BITS);
        if index < self.bound
            && let Some(word) = self.words.get_mut((index / BITS) as usize).filter(|word| **word & bit == 0)
        {
            *word |= bit;
            self.count += 1;
        }
    }

    pub(crate) fn insert_all(&mut self) {
        (0..self.bound).for_each(|index| self.insert(index));
    }

    pub(crate) fn remove(&mut self, index: u32) {
        let bit = 1 << (index % BITS);
        if let Some(word) = self.words.get_mut((index / BITS) as usize).filter(|word| **word & bit != 0) {
            *word &= !bit;
            self.count -= 1;
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The least one that is not below `from`.
    pub(crate) fn first_from(&self, from: u32) -> Option<u32> {
        if self.is_empty() {
            return None;
        }
        let begin = (from / BITS) as usize;
        let mut mask = u64::MAX << (from % BITS);
        for (place, word) in (0_u32..).zip(&self.words).skip(begin) {
            let left = word & core::mem::replace(&mut mask, u64::MAX);
            if left != 0 {
                return Some(place * BITS + left.trailing_zeros());
            }
        }
        None
    }

    pub(crate) fn pop_first(&mut self) -> Option<u32> {
        let first = self.first_from(0)?;
        self.remove(first);
        Some(first)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        core::iter::successors(self.first_from(0), |last| self.first_from(last + 1))
    }

    /// Takes what is in a set in place of what is in this one.
    pub(crate) fn set(&mut self, other: &BTreeSet<u32>) {
        self.words.fill(0);
        self.count = 0;
        other.iter().for_each(|index| self.insert(*index));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_set_of_what_is_below_its_number() {
        let mut indices = Indices::new(200);
        let mut model = BTreeSet::new();
        let mut seed = 7_u64;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let index = (seed >> 33) as u32 % 230;
            match seed >> 61 {
                0..=3 if index < 200 => {
                    indices.insert(index);
                    model.insert(index);
                }
                0..=3 => indices.insert(index),
                4 | 5 => {
                    indices.remove(index);
                    model.remove(&index);
                }
                6 => assert_eq!(indices.pop_first(), model.pop_first()),
                _ => assert_eq!(indices.first_from(index), model.range(index..).next().copied()),
            }
            assert_eq!(indices.is_empty(), model.is_empty());
        }
        assert_eq!(indices.iter().collect::<BTreeSet<_>>(), model);
        let mut taken = Indices::new(200);
        taken.set(&model);
        assert!(taken.iter().eq(indices.iter()));
    }
}
