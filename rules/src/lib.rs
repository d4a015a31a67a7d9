//! The rule language: Rhai with a few statements of its own, taken out of the tree at load and never executed there.
//!
//! | part | what becomes of it |
//! |---|---|
//! | conditions | the model's typed, three-valued [`Program`](ballast_model::expr::Program) |
//! | bodies | lists of requests, or scripts under the limits of the sandbox; see [`RhaiBodies`] |
//! | `every`, `at` | [`Timing`](ballast_engine::plan::Timing) in the site's zone |
//! | campaigns | checked and listed |
//!
//! The way in is [`compile`]: texts and the nouns of the site go in; rules, events, bodies and *all* mistakes come out.
//! When [`Compiled::has_mistakes`] says so, nothing of the result may be run. The result is not `Send`: compile on the
//! thread on which the engine will run.
//!
//! Nothing here reads a clock, a file or a socket, and no text can make it panic, hang or take unbounded memory.
#![forbid(unsafe_code)]

mod body;
mod campaign;
mod checks;
mod compile;
mod condition;
mod file;
pub mod limits;
mod literal;
mod live;
mod parse;
mod report;
mod run;
mod sandbox;
mod scan;
mod schedule;
mod syntax;
mod template;

pub use campaign::CampaignOutline;
pub use compile::{Compiled, Note, Source, compile};
pub use run::{CLOCK, RhaiBodies};
pub use sandbox::{FUNCTIONS, REQUESTS};
pub use syntax::RESERVED;
