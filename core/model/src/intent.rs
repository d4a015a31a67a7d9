//! What the engine asks for and what the guard answers.

use crate::catalog::{OutputId, PointId, PointSpec};
use crate::finite::Finite;
use crate::sample::{Quality, Value};
use crate::snapshot::Reading;
use crate::time::{Mono, Span};

/// The two states of a contact. `Closed` means that the load's circuit is connected, whatever the coil does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Contact {
    /// Cut.
    Open,
    /// Connected.
    Closed,
}

impl Contact {
    /// The word of this state in every text.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// The other state.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Open => Self::Closed,
            Self::Closed => Self::Open,
        }
    }
}

/// What an output can be told to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Wanted {
    /// A contact.
    Contact(Contact),
    /// A setpoint, in the base unit of its dimension.
    Level(Finite),
}

impl Wanted {
    /// An open contact.
    pub const OPEN: Self = Self::Contact(Contact::Open);
    /// A closed contact.
    pub const CLOSED: Self = Self::Contact(Contact::Closed);

    /// The value of the `.state`, `.actual` and `.wanted` points.
    pub const fn value(self) -> Value {
        match self {
            Self::Contact(Contact::Open) => Value::Word(0),
            Self::Contact(Contact::Closed) => Value::Word(1),
            Self::Level(level) => Value::Number(level),
        }
    }
}

/// Who asks, from weakest to strongest: the order is the order of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Authority {
    /// Nobody asks.
    Default,
    /// A rule of this priority, 0 to 99.
    Rule(u8),
    /// A campaign.
    Campaign,
    /// A command from another site.
    Remote,
    /// A person.
    Operator,
    /// Ordinary shedding asked by a rule.
    Shed,
    /// The guard itself.
    Guard,
}

impl Authority {
    /// The everyday word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Rule(_) => "rule",
            Self::Campaign => "campaign",
            Self::Remote => "remote",
            Self::Operator => "operator",
            Self::Shed => "shed",
            Self::Guard => "guard",
        }
    }
}

/// The engine's choice among the requests of one output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Intent {
    /// Which output.
    pub output: OutputId,
    /// What it shall be.
    pub wanted: Wanted,
    /// Who won.
    pub authority: Authority,
    /// The request that won: a new number for every activation, so that the guard can tell "still the same request" from
    /// "asked again". Zero is the default.
    pub request: u64,
    /// Whether this gives back a load that was shed; such moves are bounded by the guard's budget.
    pub is_restoration: bool,
}

/// Why an output is not as it was asked to be, or why it moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Cause {
    /// It was asked for and nothing stood against it.
    Asked,
    /// The limit of that index forces or derates it.
    Limit(u16),
    /// It has not been closed (or at its level) long enough.
    MinClosed,
    /// It has not been open long enough.
    MinOpen,
    /// It has been closed for its longest time; stays safe until the requests that were served have ended.
    MaxClosed,
    /// Its number of switchings is spent.
    MaxSwitches,
    /// The interlock of that index forbids it beside its partner.
    Interlock(u16),
    /// The interlock of that index still counts its dead time.
    DeadTime(u16),
    /// The shedding stage of that index opened it.
    Stage(u16),
    /// Bulk shedding opened it.
    Bulk,
    /// It is on the never-shed list.
    Never,
    /// Too many loads were shed in the last seconds.
    ShedCap,
    /// Shedding did not help and has stopped.
    Futile,
    /// A load that was cut comes back only through restoration, and its turn has not come.
    AwaitsRestoration,
    /// The program fell silent: its lease ran out.
    Silence,
    /// The program has just started: the inputs of the output's own limits are not good yet.
    AtStart,
    /// A latch waits for a person's reset.
    Latched,
    /// The value is not one the output may take; the nearest allowed one was used.
    Value,
    /// It moves in steps of its ramp.
    Ramp,
    /// It was set too short a time ago.
    MinInterval,
    /// Someone else moved it.
    OutsideChange,
    /// It was told to move and its effect did not follow.
    NoEffect,
    /// A person asked "now": everything safe.
    OperatorNow,
    /// The request did not name a valid state for this output.
    NotAllowed,
    /// The write did not reach the device.
    Unreachable,
    /// Its device was found and nobody armed it: it is read and never told anything.
    NotArmed,
    /// Its device was armed while this was asked already; what is asked next moves it.
    JustArmed,
    /// The guard itself switched it as often as it may in a short time; what leads to safe still acts at once.
    Restless,
}

impl Cause {
    /// The word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Limit(_) => "limit",
            Self::MinClosed => "min_closed",
            Self::MinOpen => "min_open",
            Self::MaxClosed => "max_closed",
            Self::MaxSwitches => "max_switches",
            Self::Interlock(_) => "interlock",
            Self::DeadTime(_) => "dead_time",
            Self::Stage(_) => "stage",
            Self::Bulk => "bulk",
            Self::Never => "never",
            Self::ShedCap => "shed_cap",
            Self::Futile => "futile",
            Self::AwaitsRestoration => "awaits_restoration",
            Self::Silence => "silence",
            Self::AtStart => "at_start",
            Self::Latched => "latched",
            Self::Value => "value",
            Self::Ramp => "ramp",
            Self::MinInterval => "min_interval",
            Self::OutsideChange => "outside_change",
            Self::NoEffect => "no_effect",
            Self::OperatorNow => "operator_now",
            Self::NotAllowed => "not_allowed",
            Self::Unreachable => "unreachable",
            Self::NotArmed => "not_armed",
            Self::JustArmed => "just_armed",
            Self::Restless => "restless",
        }
    }
}

/// What became of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Outcome {
    /// The output is, or is being made, what was asked.
    Granted,
    /// The output stays as it is for now.
    Held,
    /// The output is given another state than was asked.
    Changed,
}

/// A value that mattered for a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Witness {
    /// Which point.
    pub point: PointId,
    /// Its value, if known.
    pub value: Option<Value>,
    /// Its quality.
    pub quality: Quality,
    /// Its age; [`Span::MAX`] when never seen, and of a time that runs.
    pub age: Span,
}

impl Witness {
    /// A point as it is at a moment.
    pub fn of(
        spec: Option<&PointSpec>,
        point: PointId,
        reading: &Reading,
        quality: Quality,
        now: Mono,
    ) -> Self {
        let is_running = spec.is_some_and(PointSpec::is_since);
        let is_aged = reading.count > 0 && !is_running;
        let age = if is_aged { now.since(reading.arrival) } else { Span::MAX };
        let value = reading.value.map(|kept| spec.map_or(kept, |spec| spec.read(kept, now)));
        Self { point, value, quality, age }
    }
}

/// The guard's answer for one output; sent whenever it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Verdict {
    /// Which output.
    pub output: OutputId,
    /// What was asked.
    pub asked: Wanted,
    /// What the output has been told to be.
    pub state: Wanted,
    /// Since when it has been told so.
    pub since: Mono,
    /// What became of the intent.
    pub outcome: Outcome,
    /// Why.
    pub cause: Cause,
    /// The value that decided, where one did.
    pub witness: Option<Witness>,
    /// The earliest moment at which the answer may change by itself.
    pub next_change: Option<Mono>,
    /// Whether the load was cut and waits to be given back.
    pub awaits_restoration: bool,
}
