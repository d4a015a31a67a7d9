//! What is counted for the metrics; never decided with, not kept over a restart.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use ballast_model::{PointId, Reason};

/// Counts of one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounters {
    /// How often its conditions were evaluated.
    pub evaluations: u64,
    /// How often its body ran.
    pub runs: u64,
    /// How often its body failed.
    pub failures: u64,
}

/// Counts of an engine since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Steps.
    pub steps: u64,
    /// Samples that came.
    pub samples: u64,
    /// Samples dropped as repetitions or out of order.
    pub duplicates: u64,
    /// Samples of points that are not taken from outside, or do not exist.
    pub refused: u64,
    /// Samples and verdicts dropped because too many waited.
    pub coalesced: u64,
    /// Samples that came as good and were held back at the door, by point and reason; only what there was.
    pub held_back: BTreeMap<(PointId, Reason), u64>,
    /// By rule index.
    pub rules: Vec<RuleCounters>,
}

impl Counters {
    pub(crate) fn new(rules: usize) -> Self {
        Self { rules: alloc::vec![RuleCounters::default(); rules], ..Self::default() }
    }

    pub(crate) fn evaluated(&mut self, rule: u32) {
        if let Some(counters) = self.rules.get_mut(rule as usize) {
            counters.evaluations += 1;
        }
    }

    pub(crate) fn ran(&mut self, rule: u32) {
        if let Some(counters) = self.rules.get_mut(rule as usize) {
            counters.runs += 1;
        }
    }

    pub(crate) fn failed(&mut self, rule: u32) {
        if let Some(counters) = self.rules.get_mut(rule as usize) {
            counters.failures += 1;
        }
    }
}
