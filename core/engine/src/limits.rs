//! Every maximum of the decision step, and what happens there.

use ballast_model::Span;

/// Samples of one point that may wait for their step. The next one makes the newest stand for all of them: the others
/// are dropped, counted and told.
pub const WAITING_MAX: usize = 64;
/// Verdicts of one output that may wait for their step; beyond, the newest stands for all of them.
pub const VERDICTS_WAITING_MAX: usize = 64;
/// Failures of a body in a row; then its rule is suspended until a person resumes it or its text changes.
pub const FAILURES_IN_A_ROW_MAX: u32 = 10;
/// How long the requests of the last good run outlive a failing body.
pub const FAILED_REQUESTS_KEPT: Span = Span::from_secs(10);
/// Starts of one rule are at least this far apart on average, so that two conditions that feed each other cannot spin the
/// step; [`START_BURST`] of them may come at once. Fast, since a measured value that crosses its threshold a hundred
/// times a second must be answered each time: slowing outputs down is the envelope's task.
pub const START_INTERVAL: Span = Span::from_millis(10);
/// Starts of one rule that may come at once.
pub const START_BURST: u64 = 100;
/// A rule that ended by its `until` in the very moment it started, or because something was unknown, starts again after
/// this rest at the earliest.
pub const START_REST: Span = Span::from_secs(1);
/// Values that an event carries as its reasons; further ones are left out.
pub const WITNESSES_MAX: usize = 8;
/// A derived point whose expression moves without samples (`age`, `.since`) is computed again this often.
pub const MOVING_PERIOD: Span = Span::from_secs(1);
/// A schedule missed by a jump of the clock or an outage runs late by this much at most; beyond, it is skipped and told.
pub const SCHEDULE_CATCH_UP: Span = Span::from_secs(3600);
/// Days over which the minutes of shedding are compared.
pub const SHED_DAYS: usize = 7;
/// A load that was given its turn and does not come back in this time lets the next one try (a guess: several leases).
pub const RESTORE_PATIENCE: Span = Span::from_secs(60);
