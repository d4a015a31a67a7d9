//! The safety set as data: what `safety.yaml` says, checked.
//!
//! The guard reads nothing else. Numbers are in base units. Every [`OutputId`] of the catalog has exactly one envelope,
//! at its own index.

use alloc::boxed::Box;
use alloc::vec::Vec;
use ballast_model::catalog::{OutputId, PointId};
use ballast_model::expr::Program;
use ballast_model::{Contact, Finite, Span, Value, Wanted};

/// Everything the guard holds to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SafetySet {
    /// One per output, by its id.
    pub envelopes: Vec<Envelope>,
    /// In the order of the file.
    pub limits: Vec<Limit>,
    /// In the order of the file.
    pub interlocks: Vec<Interlock>,
    /// Automatic shedding, if the site has it.
    pub shedding: Option<Shedding>,
    /// Devices that leave the bus on purpose and then have a known value.
    pub asleep: Vec<Asleep>,
    /// Where the guard is a process of its own: who may speak to it.
    pub process: Option<Process>,
    /// Hash of the file and of the definitions of every output and point it names (pin, contact, level, scale, sign,
    /// topic). Another fingerprint is a change that is compared envelope by envelope.
    pub fingerprint: u64,
    /// Hash of those definitions alone. Where it differs, the output or the sensor behind a name may be another one:
    /// a loosening, whatever the keys say.
    pub definitions: u64,
}

/// A guard that is a process of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// The directory of its sockets, absolute; `None`: where such things lie on this machine.
    pub sockets: Option<Box<str>>,
    /// The user whose program may ask it for anything; `None`: the one who runs the guard.
    pub program: Option<Box<str>>,
    /// The users who may confirm, say "now", reset and arm, beside root.
    pub operators: Vec<Box<str>>,
}

/// The safety data of one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Which output.
    pub output: OutputId,
    /// When nobody asks.
    pub default: Wanted,
    /// What the unpowered wiring does; where every alarm leads.
    pub safe: Wanted,
    /// Until the inputs of its own limits are good.
    pub at_start: Wanted,
    /// When the program falls silent.
    pub on_silence: OnSilence,
    /// How long the program's word holds.
    pub lease: Span,
    /// Shortest time closed (for a setpoint: away from safe).
    pub min_closed: Span,
    /// Shortest time open (for a setpoint: at safe).
    pub min_open: Span,
    /// Longest time closed (for a setpoint: away from safe).
    pub max_closed: Option<Span>,
    /// Most switchings, each row on its own.
    pub max_switches: Vec<SwitchBudget>,
    /// When someone else moved it.
    pub outside_change: OutsideChange,
    /// How its effect shows, if it can be seen.
    pub effect: Option<Box<Effect>>,
    /// What a setpoint may be; `None` for contacts.
    pub level: Option<Box<Level>>,
    /// What happens to it when everything else is gone.
    pub strength: Strength,
    /// Told again this often while away from safe, so that the device's own timer (`timed`) does not run out: half of
    /// that timer. Not while the device says that someone else moved it. `None`: only when it changes.
    pub refresh: Option<Span>,
    /// Nothing is told to it until a person armed its device.
    pub by_hand: bool,
}

/// What happens when the program is gone and the guard is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnSilence {
    /// To safe at once.
    Safe,
    /// Stays as it is for this long, then to safe.
    Hold(Span),
}

/// At most `count` switchings in any time of length `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchBudget {
    /// How many.
    pub count: u32,
    /// In how long.
    pub per: Span,
}

/// What to do when an output is found moved by someone else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutsideChange {
    /// The other one is right for this long.
    Follow(Span),
    /// Told again, this often; then an alarm.
    Correct(u32),
    /// Left as it is, with an alarm.
    Alarm,
}

/// How the effect of an output can be seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The point that shows it.
    pub point: PointId,
    /// What must be true of it while closed.
    pub closed: Option<Program>,
    /// What must be true of it while open.
    pub open: Option<Program>,
    /// How long it may take.
    pub within: Span,
    /// When nothing can be said (a full battery draws no current).
    pub unless: Option<Program>,
}

/// What a setpoint may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Allowed values; a point is a range of length zero. Sorted, not overlapping, not empty.
    pub ranges: Vec<(Finite, Finite)>,
    /// Only multiples of this, counted from the start of the range.
    pub step: Option<Finite>,
    /// Shortest time between two writes.
    pub min_interval: Span,
    /// Fastest change away from safe, per second. Towards safe is always at once.
    pub ramp_away: Option<Finite>,
}

/// What happens to an output when program and guard are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Strength {
    /// Nothing: it stays as it was.
    Soft,
    /// The device goes back by itself after its own timer.
    Timed,
    /// It drops with the power: the guard owns the pin.
    Wired,
}

impl Strength {
    /// The word in every text.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Timed => "timed",
            Self::Wired => "wired",
        }
    }
}

/// One limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// For people; unique.
    pub name: Box<str>,
    /// What unknown inputs mean.
    pub unknown: OnUnknown,
    /// What it does.
    pub action: LimitAction,
}

/// What a limit does.
#[derive(Clone, Debug, PartialEq)]
pub enum LimitAction {
    /// Sets outputs while it is violated, and keeps them until it is clear again.
    Force {
        /// When it is violated.
        when: Program,
        /// For how long before it acts.
        hold: Span,
        /// What it sets, in this order.
        force: Vec<ForceStep>,
        /// When it is clear again; absent: when it is no longer violated.
        until: Option<Program>,
        /// For how long before it lets go.
        until_hold: Span,
        /// Whether a person must reset it.
        latch: bool,
    },
    /// Caps setpoints by a measured number.
    Derate {
        /// The number.
        of: Program,
        /// For each output: rows of the number and the share of its full range that is left, per cent; straight lines
        /// between them, flat outside. Sorted by the number, at least two rows.
        rows: Vec<(OutputId, Vec<(Finite, Finite)>)>,
    },
}

/// One step of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForceStep {
    /// Which output.
    pub output: OutputId,
    /// What it is set to.
    pub wanted: Wanted,
    /// How long after the limit acted.
    pub after: Span,
}

/// What a limit does when its inputs are unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnknown {
    /// As if it were violated.
    Force,
    /// Setpoints of its rows keep this share of their full range, per cent.
    Derate(Finite),
}

/// States that never exist together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interlock {
    /// At most one of these is so at a time.
    pub members: Vec<(OutputId, Contact)>,
    /// Between one leaving its state and another entering.
    pub dead_time: Span,
}

/// Automatic shedding.
#[derive(Clone, Debug, PartialEq)]
pub struct Shedding {
    /// Every load that shedding and restoration know.
    pub loads: Vec<Load>,
    /// Outputs that nobody but a limit opens.
    pub never: Vec<OutputId>,
    /// Points that measure the frequency; agreeing sources.
    pub source: Vec<PointId>,
    /// Sources further apart than this disagree, Hz.
    pub source_tolerance: Finite,
    /// A source that does not move by its resolution for this long while another one does is stuck.
    pub source_stuck_after: Span,
    /// Stages, highest frequency first.
    pub stages: Vec<Stage>,
    /// Bulk shedding on a fast fall.
    pub bulk: Option<Bulk>,
    /// At most this many ordinary shed requests in this time.
    pub cap: Option<SwitchBudget>,
    /// Shed events in a row without effect, after which shedding stops with an alarm.
    pub futile_after: Option<u32>,
    /// Bounds of giving back.
    pub restore: Restore,
    /// The point that measures the site's load; absent: the sum over the loads.
    pub site_load: Option<PointId>,
}

/// A load that can be shed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Its output.
    pub output: OutputId,
    /// Names of its groups.
    pub groups: Vec<Box<str>>,
    /// Rated power, W.
    pub rated: Finite,
    /// The point that measures it, if there is one.
    pub power: Option<PointId>,
}

/// One stage of under-frequency shedding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Acts below this frequency, Hz.
    pub below: Finite,
    /// For how long.
    pub hold: Span,
    /// Share of the site's load just before the event, per cent.
    pub share: Finite,
    /// Groups it takes from, first one first.
    pub from: Vec<Box<str>>,
}

/// Bulk shedding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// Acts below this frequency, Hz,
    pub below: Finite,
    /// while it falls faster than this, Hz/s, measured over 100 ms.
    pub falling: Finite,
    /// Share of the site's load just before the event, per cent.
    pub share: Finite,
    /// Groups it takes from, first one first.
    pub from: Vec<Box<str>>,
}

/// Bounds of giving back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    /// Share of the capacity that must stay free after a load came back, per cent.
    pub keep_free: Finite,
    /// The point that tells the capacity, W; absent: no such bound.
    pub capacity: Option<PointId>,
    /// At most one load in this time.
    pub one_per: Span,
    /// Up to this long is added, by a sequence that is the same on every replay and another one on every site.
    pub jitter: Span,
    /// Frequency that must be exceeded before anything comes back, Hz,
    pub above: Finite,
    /// for this long.
    pub settle: Span,
}

/// A device that leaves the bus on purpose.
#[derive(Clone, Debug, PartialEq)]
pub struct Asleep {
    /// Which point.
    pub point: PointId,
    /// What it then is.
    pub value: Value,
    /// When it is asleep.
    pub when: Program,
}

impl Envelope {
    /// The envelope of an output about which the file says only what is safe: nothing may be assumed, so the defaults
    /// are those of a local relay (3 s lease, no minimum times).
    pub fn new(output: OutputId, safe: Wanted) -> Self {
        Self {
            output,
            default: safe,
            safe,
            at_start: safe,
            on_silence: OnSilence::Safe,
            lease: Span::from_secs(3),
            min_closed: Span::ZERO,
            min_open: Span::ZERO,
            max_closed: None,
            max_switches: Vec::new(),
            outside_change: OutsideChange::Alarm,
            effect: None,
            level: None,
            strength: Strength::Soft,
            refresh: None,
            by_hand: false,
        }
    }
}
