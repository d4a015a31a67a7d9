//! A simulated village: frequency, loads, storage, sun; deterministic and seeded.
//!
//! [`village::Village`] joins the parts to one bus in simulated time; each part is a module of its own and can be used
//! alone. [`swing`] is the electrical heart. [`faults`] spoils readings on their way to whoever decides.
//!
//! This crate reads no clock, no file and no socket, and draws no random number that a seed does not decide: a
//! specification, a seed and a list of calls give the same bits on every machine.

pub mod battery;
pub mod clouds;
pub mod commands;
pub mod contact;
mod curve;
pub mod error;
pub mod faults;
pub mod feeder;
pub mod former;
pub mod fridge;
pub mod genset;
pub mod heater;
pub mod limits;
pub mod loads;
pub mod meter;
pub mod rng;
mod runge_kutta;
pub mod storage;
pub mod sun;
pub mod swing;
mod trips;
pub mod vehicle;
pub mod village;
pub mod wind;

pub use error::PlantError;
pub use village::{InputId, Named, OutputId, Quantity, Village, VillageSpec};
