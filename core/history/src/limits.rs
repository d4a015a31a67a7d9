//! Every maximum of the store, and what happens there.
//!
//! None of these is a measured optimum; each is large against what a site produces and small against the 25 MB that the
//! whole program may take when idle.

use std::time::Duration;

/// Events that may wait for the disk. One more is refused with [`Error::QueueFull`](crate::Error::QueueFull), counted,
/// and its loss recorded as an event of kind [`EVENTS_LOST`](crate::events::EVENTS_LOST) in its place in the order.
pub const EVENTS_WAITING_MAX: usize = 4096;

/// Events for which an empty queue keeps room.
pub(crate) const EVENTS_ROOM_KEPT: usize = 64;

/// Bytes of text in the events that wait for the disk; past it events are refused as above.
pub const EVENTS_WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of text in one event; a longer one is refused with [`Error::InvalidEvent`](crate::Error::InvalidEvent).
pub const EVENT_BYTES_MAX: usize = 64 * 1024;

/// Bytes of an event's kind, and of a state part's name.
pub const NAME_BYTES_MAX: usize = 64;

/// Events written in one transaction; the rest follow in the next. Half of [`EVENTS_WAITING_MAX`]: while one half is
/// written, the other fills. Larger ones write less, since the pages of an index are shared by more rows.
pub const BATCH_EVENTS_MAX: usize = 2048;

/// How long an event may wait for others to share its transaction: a commit costs the disk the same for one and for many.
/// What somebody waits for, what belongs to the audit trail, an alarm and a state are written at once, with all that waits.
pub const GATHER: Duration = Duration::from_millis(250);

/// Parts in one saved state; more are refused with [`Error::InvalidState`](crate::Error::InvalidState).
pub const STATE_PARTS_MAX: usize = 64;

/// Bytes of all parts of one saved state; more are refused as above. One state waits at most: a newer one replaces it.
pub const STATE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Rows that one query returns; a larger limit is lowered to this.
pub const QUERY_ROWS_MAX: usize = 10_000;

/// Pause after the first failed write; it doubles at each further failure.
pub const RETRY_FIRST: Duration = Duration::from_millis(250);

/// Longest pause between two tries.
pub const RETRY_MAX: Duration = Duration::from_secs(30);

/// How long a dropped [`Store`](crate::Store) waits for its last writes.
pub const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection waits for another one's lock before it reports that the database is busy.
pub const BUSY_PATIENCE: Duration = Duration::from_secs(2);

/// Events looked at in one pruning step, so that pruning never holds an event back for long.
pub const PRUNE_STEP: usize = 128;

/// Events written between two pruning steps. Half of [`PRUNE_STEP`], so that pruning catches up.
pub const PRUNE_EVERY: u64 = 64;

/// Damaged files kept beside the database; the oldest goes when another one comes.
pub const QUARANTINED_MAX: usize = 3;

/// Newest events read at opening to see that the file can be read.
pub(crate) const TAIL_CHECKED: usize = 16;
