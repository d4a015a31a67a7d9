//! The safety layer as a sans-IO machine; the only maker of a permit.
//!
//! The engine asks, the guard answers. It holds for every output what it may be and when (its *envelope*), measures its
//! own limits, and lets nothing past: a rule, a person at the page and a remote command are the same to it.
//!
//! ```text
//!   Guard::step(now, &[Input], &mut Vec<Output>)
//!     Input   Sample, Frame (of the engine), LinkClosed, Wall, Written, Actual, Operator, Reach, Stop
//!     Output  Permit (to the driver, in this order), Verdict (to the engine), Event (to the journal), WakeAt (always last)
//! ```
//!
//! | for whom | what |
//! |---|---|
//! | the shell | [`Guard::new`], [`Guard::step`], [`Guard::output_capacity`], [`Guard::save`], [`Guard::restore`], [`Guard::replace`], [`Guard::adopt_confirmed`] |
//! | drivers | [`Permit`] -> [`Door`]`::redeem` ([`Redeem`]) -> [`Write`]; then [`Input::Written`] with the counter, also when the permit was stale |
//! | the engine's side | [`Guard::table_hash`] for the hello; session numbers must rise from one hello to the next within a boot |
//! | explanations | [`Guard::verdict`], [`Guard::limits`], [`Guard::output`], [`Guard::shedding`], [`Guard::counters`] ... |
//!
//! What the shell owes: every permit reaches its driver at once and in order; every permit is answered by
//! [`Input::Written`] (an unanswered one counts as lost and is made again); the next step comes not later than
//! [`Output::WakeAt`].
//!
//! What the engine owes: a load that was cut comes back only by an intent with `is_restoration` that was sent *after* it
//! was cut; [`Verdict::awaits_restoration`](ballast_model::Verdict) says which ones wait.
//!
//! Where to start reading: [`plan`] (the data), `rules/mod.rs` (the order of power), `machine.rs` (the step).
//!
//! What it must never do: read a clock, a file or a socket; allocate, block or fail in a step; make a permit that leaves
//! an envelope.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod arming;
mod beside;
pub mod bounds;
mod digest;
mod effect;
mod events;
mod limits;
mod loosening;
mod machine;
mod operator;
mod outside;
mod permit;
pub mod plan;
mod reach;
mod reload;
mod reported;
mod requests;
mod review;
mod ring;
mod rules;
mod save;
mod session;
mod shedding;
pub mod state;
mod tables;
mod timers;
mod view;
mod written;

pub use digest::digest;
pub use events::{GuardEvent, Input, Left, OperatorCommand, Output, ResetWhat, SessionFault, Who};
pub use loosening::Loosening;
pub use machine::Guard;
pub use permit::{Door, Permit, Redeem, Stale, Write};
pub use reload::{Replaced, Taken};
pub use reported::ReportsState;
pub use requests::Requests;
pub use ring::Ring;
pub use state::{STATE_VERSION, State};
pub use written::Written;
