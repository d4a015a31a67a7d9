//! Buses and one file per protocol.
