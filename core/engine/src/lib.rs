//! The decision step: absorb, rules, arbitration, restoration, explanations.
//!
//! ```text
//! Engine::new(plan: Arc<Plan>, bodies: impl Bodies, now) -> Engine
//! engine.step(now, &[Input], &mut Vec<Output>)      infallible; never blocks; reads nothing but its arguments
//! engine.save() -> State                            serde; named; STATE_VERSION
//! engine.restore(State, Gap, saved_at, now)         reload, restart and power cut: one call on a fresh engine
//! engine.explain(output, now) -> Option<Explanation>            who asks what, which values, what the guard said
//! engine.explain_rule(rule, now) -> Option<RuleExplanation>     why it is active, or why not
//! engine.snapshot() rule(i) intents() winner(o) verdict(o) generator(i) doubt(p) counters() waiting() plan() bodies_mut()
//! ```
//!
//! The shell calls `step` when inputs wait or the moment of the last [`Output::WakeAt`] has come; a `WakeAt` that is not
//! later than `now` means: again at once, without waiting for more. Inputs that came in one call and could not be taken
//! in it (a second sample of the same point) are kept inside and taken one step after another, so the shell never sorts
//! or holds them back.
//!
//! One step, in this order:
//!
//! | file | does |
//! |---|---|
//! | `absorb` | wall clock, trackers, samples through the door, verdicts, commands |
//! | `derived` | sleeping devices, derived points |
//! | `schedules` | `every` and `at` whose moment has come |
//! | `lives`, `running`, `shedding` | rules whose inputs changed or whose deadline has come, their bodies, what they shed |
//! | `generators`, `restoration` | machines that warm up; loads that come back |
//! | `arbitrate` | one choice per output, intents where it changed, `WakeAt` |
//!
//! What the engine itself changes at the end of a step (`.wanted`, a generator's `ready`) is seen by rules in the next
//! one. Nothing here reads a clock, a file or a socket, nothing is random, and no result depends on how often or in which
//! portions inputs are handed over, except that a point takes one sample per step.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod absorb;
mod agenda;
mod arbitrate;
pub mod bodies;
mod commands;
pub mod counters;
mod derived;
pub mod doubts;
mod engine;
pub mod events;
pub mod explain;
mod generators;
mod indices;
pub mod input;
pub mod limits;
mod lives;
mod machine;
mod names;
mod patience;
pub mod plan;
mod restoration;
mod restore;
mod running;
mod schedules;
mod shedding;
mod state;
mod wiring;
pub mod words;
mod world;

#[cfg(test)]
mod tests;

pub use ballast_model::Severity;
pub use bodies::{Asked, Bodies, BodyContext, BodyOutcome};
pub use counters::{Counters, RuleCounters};
pub use doubts::Doubt;
pub use engine::{Engine, RuleState};
pub use events::{EndReason, Event, Output, Phase, Runner, Source, Winner};
pub use explain::{Explanation, RuleExplanation};
pub use input::{Command, Input, Refusal};
pub use plan::Plan;
pub use state::{STATE_VERSION, State};
