//! What a candidate counts for the metrics: its thread writes, whoever scrapes reads, and neither waits for the other.

use ballast_model::{Mono, OutputId};
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the candidate began.
#[derive(Debug)]
pub struct Tally {
    since: Mono,
    turns: AtomicU64,
    failures: AtomicU64,
    /// By output.
    differences: Vec<AtomicU64>,
}

impl Tally {
    /// Nothing yet, of so many outputs.
    pub fn new(since: Mono, outputs: usize) -> Self {
        let differences = std::iter::repeat_with(AtomicU64::default).take(outputs).collect();
        Self { since, turns: AtomicU64::default(), failures: AtomicU64::default(), differences }
    }

    /// The candidate made a turn, and its bodies have failed so often in all.
    pub fn turned(&self, failures: u64) {
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.failures.store(failures, Ordering::Relaxed);
    }

    /// An output was not the same so often in all.
    pub fn differed(&self, output: OutputId, times: u64) {
        if let Some(count) = self.differences.get(output.index()) {
            count.store(times, Ordering::Relaxed);
        }
    }

    /// When the candidate began.
    pub const fn since(&self) -> Mono {
        self.since
    }

    /// Turns that the candidate made.
    pub fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// How often one of its bodies failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// How often each output was not the same.
    pub fn differences(&self) -> impl Iterator<Item = (OutputId, u64)> {
        (0..).map(OutputId).zip(&self.differences).map(|(id, count)| (id, count.load(Ordering::Relaxed)))
    }
}
