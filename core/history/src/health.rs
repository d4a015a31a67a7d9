//! What the writer reports about the disk.

use std::path::PathBuf;

use ballast_model::time::Stamp;

/// A snapshot of how the store is doing, for the page, the metrics and the alarm. Counters start at zero when the store
/// is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Whether the last try to write succeeded (or none was needed yet).
    pub ok: bool,
    /// What the last failure was; stays after recovery.
    pub last_error: Option<String>,
    /// Newest stamp known to the store when the present trouble began; `None` while `ok`.
    pub since: Option<Stamp>,
    /// Events that wait for the disk, records of losses included.
    pub unsaved_events: usize,
    /// Whether a state waits for the disk.
    pub unsaved_state: bool,
    /// Events made durable.
    pub written_events: u64,
    /// States made durable.
    pub written_states: u64,
    /// States that were replaced by a newer one before they were written.
    pub coalesced_states: u64,
    /// Events refused because the queue was full.
    pub lost_events: u64,
    /// Events deleted by retention.
    pub pruned_events: u64,
    /// Tries to write that failed.
    pub failed_writes: u64,
    /// Where the last damaged file was put, when one was set aside while running.
    pub quarantined: Option<PathBuf>,
}
