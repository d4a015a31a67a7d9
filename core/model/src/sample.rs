//! A reading on its way from a device into the step.

use crate::catalog::PointId;
use crate::expr::Fault;
use crate::finite::Finite;
use crate::time::{Mono, Utc};

/// The value of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Value {
    /// A number in the base unit of the point's dimension (W, Wh, V, A, Hz, °C, %, s ...).
    Number(Finite),
    /// The index of a word in the point's list of words.
    Word(u16),
    /// Yes or no.
    Flag(bool),
}

impl Value {
    /// The number, if it is one.
    pub const fn number(self) -> Option<Finite> {
        if let Self::Number(value) = self { Some(value) } else { None }
    }
}

/// Why a reading is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Reason {
    /// Nothing was ever received since the start.
    NeverSeen,
    /// The device, its bus or its broker is gone.
    Offline,
    /// The value is older than the point's `max_age`.
    Stale,
    /// What came was not a number, or not one of the point's words.
    NotAValue,
    /// Outside the point's valid range, or a sentinel of the device.
    OutOfRange,
    /// A jump faster than the point can move; held back until it is confirmed.
    Jump,
    /// Has not moved for longer than a living sensor can stand still.
    Stuck,
    /// A retained message: true once, perhaps long ago.
    Retained,
    /// The device says itself that the value is not to be trusted.
    Device,
    /// Damaged on the wire (checksum, parity, frame).
    Damaged,
    /// An input of a derived point is unknown.
    Inputs,
    /// Another device answers in the place of this one: its counters begin anew.
    Replaced,
    /// Its inputs are known, and what is computed from them is no number.
    Fault(Fault),
}

impl Reason {
    /// A stable word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NeverSeen => "never_seen",
            Self::Offline => "offline",
            Self::Stale => "stale",
            Self::NotAValue => "not_a_value",
            Self::OutOfRange => "out_of_range",
            Self::Jump => "jump",
            Self::Stuck => "stuck",
            Self::Retained => "retained",
            Self::Device => "device",
            Self::Damaged => "damaged",
            Self::Inputs => "inputs",
            Self::Replaced => "replaced",
            Self::Fault(_) => "fault",
        }
    }

    /// The reason in a few plain words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NeverSeen => "never received",
            Self::Offline => "device is offline",
            Self::Stale => "too old",
            Self::NotAValue => "not a value",
            Self::OutOfRange => "outside the valid range",
            Self::Jump => "jumped faster than possible",
            Self::Stuck => "stuck",
            Self::Retained => "retained, not live",
            Self::Device => "the device marks it as invalid",
            Self::Damaged => "damaged on the wire",
            Self::Inputs => "an input is unknown",
            Self::Replaced => "another device is there",
            Self::Fault(fault) => fault.words(),
        }
    }
}

/// How far a reading can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Quality {
    /// Believed.
    Good,
    /// Shown to people, never used to decide.
    Uncertain(Reason),
    /// Not a value at all.
    Bad(Reason),
}

impl Quality {
    /// Whether rules and limits may use it.
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Good)
    }

    /// What is wrong, if anything.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Good => None,
            Self::Uncertain(reason) | Self::Bad(reason) => Some(reason),
        }
    }
}

/// One reading of one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Sample {
    /// Which point.
    pub point: PointId,
    /// The value; `None` where there is none (a device gone, a text that is no number).
    pub value: Option<Value>,
    /// How far it can be believed; never `Good` without a value.
    pub quality: Quality,
    /// When the device says it was true, if it says so. A mean is stamped at the start of its period.
    pub source: Option<Utc>,
    /// When it arrived.
    pub arrival: Mono,
    /// Rises with every sample of this point; one that does not rise is a repetition and is dropped.
    pub sequence: u64,
}

impl Sample {
    /// A good reading that just arrived.
    pub const fn good(point: PointId, value: Value, arrival: Mono, sequence: u64) -> Self {
        Self { point, value: Some(value), quality: Quality::Good, source: None, arrival, sequence }
    }

    /// News that there is no value.
    pub const fn bad(point: PointId, reason: Reason, arrival: Mono, sequence: u64) -> Self {
        Self { point, value: None, quality: Quality::Bad(reason), source: None, arrival, sequence }
    }
}
