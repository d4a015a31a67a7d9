//! How long the bodies of rules take: the engine reads no clock, so it is measured around each run.

use ballast_engine::bodies::{Asked, Bodies, BodyContext, BodyOutcome};
use ballast_engine::plan::BodyId;
use ballast_rules::RhaiBodies;
use std::time::{Duration, Instant};

/// Bodies with a stopwatch.
#[derive(Debug)]
pub struct Timed {
    bodies: RhaiBodies,
    /// Time that the bodies of each rule have taken, by its index.
    taken: Vec<Duration>,
}

impl Timed {
    /// All zero.
    pub fn new(bodies: RhaiBodies, rules: usize) -> Self {
        Self { bodies, taken: vec![Duration::ZERO; rules] }
    }

    /// The bodies.
    pub fn bodies(&self) -> &RhaiBodies {
        &self.bodies
    }

    /// Time that the bodies of each rule have taken, by its index.
    pub fn taken(&self) -> &[Duration] {
        &self.taken
    }
}

impl Bodies for Timed {
    fn run(&mut self, body: BodyId, context: &BodyContext<'_>, asked: &mut Asked) -> BodyOutcome {
        let started = Instant::now();
        let outcome = self.bodies.run(body, context, asked);
        if let Some(taken) = context.rule.and_then(|rule| self.taken.get_mut(rule as usize)) {
            *taken += started.elapsed();
        }
        outcome
    }
}
