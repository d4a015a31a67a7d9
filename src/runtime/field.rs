//! Where permits go: the buses of a running site, or the plant of a simulation.

use ballast_drivers::Batch;
use ballast_guard::Permit;
use ballast_model::Mono;

/// What carries permits out into the field.
pub trait Field: Send {
    /// Hands a permit to the output's driver, without waiting. What is known at once (a plant answers at once, a bus later
    /// through the channel) is added to `batch`.
    fn apply(&mut self, permit: Permit, now: Mono, batch: &mut Batch);

    /// Whether the buses of another set of definitions must be opened instead of these.
    fn fits(&self, definitions: u64) -> bool;

    /// Counters of every bus for the metrics: bus, counter, value.
    fn counters(&self) -> Vec<(String, &'static str, u64)>;
}
