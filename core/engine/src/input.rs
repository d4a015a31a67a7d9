//! What the step is told.

use alloc::boxed::Box;
use ballast_model::time::Wall;
use ballast_model::{Authority, Mono, OutputId, PointId, Sample, Value, Verdict, Wanted};

/// One thing the shell tells the engine. In a journal, ids belong to the plan that was running.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Input {
    /// A reading. At most one per point is taken in a step; the rest wait.
    Sample(Sample),
    /// The wall clock was read, set, or gained or lost its trust.
    Wall(Wall),
    /// The guard's answer. At most one per output is taken in a step; the rest wait.
    Verdict(Verdict),
    /// What a person, another site or a campaign wants. Every one is carried out in the step that brings it.
    Command(Command),
}

/// What a person, another site or a campaign wants.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Command {
    /// An output shall be so until a moment. Replaces the request of the same authority for this output.
    Request {
        /// Which output.
        output: OutputId,
        /// What it shall be.
        wanted: Wanted,
        /// Until when; a moment that has passed is refused.
        until: Mono,
        /// Who asks, for people.
        who: Box<str>,
        /// [`Authority::Operator`], [`Authority::Remote`] or [`Authority::Campaign`]; others are refused.
        authority: Authority,
    },
    /// The request of this authority for this output ends.
    Release {
        /// Which output.
        output: OutputId,
        /// Who releases it.
        who: Box<str>,
        /// Whose request ends.
        authority: Authority,
    },
    /// The site goes to another mode.
    Mode {
        /// Index of the word.
        word: u16,
        /// Who says so.
        who: Box<str>,
    },
    /// A setting changes.
    Setting {
        /// Which setting.
        point: PointId,
        /// Its new value, base unit.
        value: Value,
        /// Who says so.
        who: Box<str>,
    },
    /// A suspended rule may run again.
    Resume {
        /// Index of the rule.
        rule: u32,
        /// Who says so.
        who: Box<str>,
    },
    /// A rule did harm: it runs no more until a person resumes it or its text changes.
    Suspend {
        /// Index of the rule.
        rule: u32,
        /// Who says so.
        who: Box<str>,
    },
    /// A generator that failed may try again.
    ResetGenerator {
        /// Index of the generator.
        generator: u32,
        /// Who says so.
        who: Box<str>,
    },
}

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Refusal {
    /// There is no such output, setting, mode, rule or generator.
    Unknown,
    /// The value is of another kind than the output or the setting takes.
    WrongKind,
    /// The value lies outside what the setting may be.
    OutOfRange,
    /// The moment until which it should hold has passed.
    Over,
    /// This authority does not ask through commands.
    Authority,
    /// What should be reset has not failed.
    NothingWaits,
}

impl Refusal {
    /// The reason in a few plain words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unknown => "there is no such thing here",
            Self::WrongKind => "the value is of another kind",
            Self::OutOfRange => "the value is outside what is allowed",
            Self::Over => "its time has already passed",
            Self::Authority => "nobody may ask in that name",
            Self::NothingWaits => "nothing waits there for a person",
        }
    }
}
