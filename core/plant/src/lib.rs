//! A simulated village: frequency, loads, storage, sun; deterministic and seeded.

pub mod clouds;
pub mod heater;
pub mod limits;
pub mod rng;
pub mod sun;
pub mod swing;
