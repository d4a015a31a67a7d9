//! A simulated village: frequency, loads, storage, sun; deterministic and seeded.
