//! Where permits go: the buses of a running site, or the plant of a simulation.

use crate::site::Running;
use ballast_drivers::{Batch, Report, WriteResult};
use ballast_guard::{Door, Permit, Redeem};
use ballast_host::Clock;
use ballast_model::{Mono, OutputId, Quality, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What carries permits out into the field.
pub trait Field: Send {
    /// Hands a permit to the output's driver, without waiting. What is known at once (a plant answers at once, a bus later
    /// through the channel) is added to `batch`.
    fn apply(&mut self, permit: Permit, now: Mono, batch: &mut Batch);

    /// Whether the buses of another set of definitions must be opened instead of these.
    fn fits(&self, definitions: u64) -> bool;

    /// How long the decision thread may wait for messages when the machines want to be woken at `wake`. Where the field
    /// has no time of its own: until then, an hour at most.
    fn patience(&self, clock: &Clock, wake: Mono) -> Duration {
        Duration::from_nanos(wake.since(clock.now()).nanos()).min(Duration::from_secs(3600))
    }

    /// Lets a world that goes on by steps make its next one, not beyond `wake`, and moves the clock with it. What it tells is
    /// added to `batch`. Real buses tell through the channel and have nothing to do here.
    fn advance(&mut self, _clock: &Clock, _wake: Mono, _batch: &mut Batch) {}

    /// Tells others what this set lets them know, from now on, and nothing else; whether it tells anybody at all. A plant
    /// does not.
    fn share(&mut self, _running: &Arc<Running>) -> bool {
        false
    }

    /// Counters of every bus for the metrics: bus, counter, value. Equipment without a bus has none.
    fn counters(&self) -> Vec<(String, &'static str, u64)> {
        Vec::new()
    }
}

/// The doors of equipment that is made up and answers at once.
#[derive(Default)]
pub struct Doors(BTreeMap<OutputId, Door>);

impl Doors {
    /// Redeems a permit, has what it allows carried out, and reports what became of it.
    pub fn carry_out(
        &mut self,
        permit: Permit,
        now: Mono,
        batch: &mut Batch,
        carry_out: impl FnOnce(Wanted) -> WriteResult,
    ) {
        let (output, counter) = (permit.output(), permit.counter());
        let door = self.0.entry(output).or_insert_with(|| Door::new(output));
        let (result, actual) = match door.redeem(permit, now) {
            Ok(write) => (carry_out(write.wanted()), Some(write.wanted())),
            Err(_) => (WriteResult::Expired, None),
        };
        if result == WriteResult::Done {
            batch.reports.push(Report::Actual { output, actual, quality: Quality::Good, at: now });
        }
        batch.reports.push(Report::Written { output, counter, result, at: now });
    }
}
