//! The decision step: absorb, rules, arbitration, restoration, explanations.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod bodies;
pub mod plan;

pub use bodies::{Asked, Bodies, BodyContext, BodyOutcome};
pub use plan::Plan;
