//! Every number of the guard that no file sets, with its reason.
//!
//! A bound is never a way out: what reaches one is refused or treated in the stricter way, and said in an event.

use ballast_model::Span;

/// How long a limit whose inputs were never seen since the start leaves its outputs at `at_start`; then unknown means
/// what the file says. Slow buses answer within a few seconds of a start (a guess; long enough for a Modbus round).
pub const START_GRACE: Span = Span::from_secs(10);

/// First wait before a write that failed or was never confirmed is tried again; doubles from there.
pub const RETRY_FIRST: Span = Span::from_secs(1);
/// Longest wait between tries of a move that somebody asked for.
pub const RETRY_MOST: Span = Span::from_secs(60);
/// Longest wait between tries of a move that the guard itself makes.
pub const RETRY_MOST_OWN: Span = Span::from_secs(5);

/// A device that is polled shows a write one poll later; until then a different reading is not an outside change.
pub const ACTUAL_SETTLES: Span = Span::from_secs(2);
/// Corrections count together until none was needed for this long: a device that obeys and is moved again by somebody with
/// rules of its own would otherwise be fought without end.
pub const CORRECTIONS_FORGOTTEN: Span = Span::from_secs(600);
/// A setpoint read back differs from what was told when it is further away than this share of its full range (and than
/// its step).
pub const ACTUAL_TOLERANCE: f64 = 0.005;

/// A ramp moves this often where `min_interval` says nothing longer.
pub const RAMP_TICK: Span = Span::from_secs(1);

/// Switchings that are remembered of one output; a budget with a higher count is held to this one.
pub const SWITCHES_REMEMBERED: usize = 256;

/// Requests of one output that are remembered because they held it closed (a guess: a rule, a person, and what stands
/// behind them). Where there are more, every earlier one counts as remembered.
pub const REQUESTS_REMEMBERED: usize = 8;

/// Frequency sources of one site; further ones are not looked at.
pub const SOURCES_MAX: usize = 8;
/// Readings of one source that are kept for its slope.
pub const SLOPE_READINGS: usize = 32;
/// A slope is taken over this time ...
pub const SLOPE_SPAN: Span = Span::from_millis(100);
/// ... and over no more than this where readings come less often.
pub const SLOPE_SPAN_MOST: Span = Span::from_millis(250);
/// A source moves when it differs by this, Hz, where its point declares no resolution.
pub const SOURCE_RESOLUTION: f64 = 0.001;

/// Shedding is judged this long after it acted.
pub const FUTILITY_AFTER: Span = Span::from_secs(1);
/// It had an effect when the frequency rose by more than this, Hz.
pub const FUTILITY_RISE: f64 = 0.02;
/// An under-frequency event is over when the frequency was above every stage for this long; then stages may act again, and
/// no load comes back before: what is given back within an event would not be cut a second time.
pub const EVENT_CLEAR: Span = Span::from_secs(10);
/// Sources that differ for this long do not agree, and people are told. Meters that report once a second show a step of the
/// frequency up to a second apart; nothing is given back meanwhile all the same.
pub const DISAGREEMENT_TOLD: Span = Span::from_secs(2);
/// A load that is known to draw less than this, W, relieves nobody and is not chosen.
pub const LOAD_DRAWS: f64 = 1.0;

/// Switchings of one output by the guard itself (limits, stages, silence ...) ...
pub const AT_ONCE_MOST: usize = 10;
/// ... in this time, after which what is asked of it, and what would act at once away from its safe state, waits for room
/// (a guess: a limit that acts and lets go once a second is a mistake in the file, and a relay bears that for hours).
pub const AT_ONCE_PER: Span = Span::from_secs(10);

/// A session may be numbered by a moment that is this much later than the step in which it begins: whoever numbers it looks at
/// the clock after the step has.
pub const SESSION_AHEAD: Span = Span::from_secs(1);

/// Times that one output is looked at in one step; the rest waits for the next step, which is due at once.
pub const REVIEWS_PER_STEP: u8 = 8;
/// Room that one review of an output may need in the caller's buffer: a permit, a verdict and its events.
pub const ROOM_PER_REVIEW: usize = 8;

/// Bytes of an operator's name that are kept.
pub const WHO_BYTES: usize = 32;
/// Loosenings that are listed one by one; above this the list ends with a count.
pub const LOOSENINGS_LISTED: usize = 500;
/// Versions of one limit that stand beside it while changes wait for a person (a guess: that many edits in a row, each
/// neither stricter nor weaker than those before, are a mistake). Further ones are not in force before they are confirmed.
pub const LIMITS_BESIDE: usize = 8;
/// Days over which shed minutes are counted.
pub const FAIR_DAYS: usize = 7;
