//! A simulated village: frequency, loads, storage, sun; deterministic and seeded.

pub mod limits;
pub mod swing;
