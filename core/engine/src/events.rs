//! What the step says: intents, events and the next deadline.
//!
//! Events carry data. [`words`](crate::words) makes sentences of them, with the plan they belong to.

use crate::bodies::{Notice, Record};
use crate::input::Refusal;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use ballast_model::expr::Fault;
use ballast_model::intent::Witness;
use ballast_model::time::Gap;
use ballast_model::{Authority, GroupId, Intent, Mono, OutputId, PointId, Reason, Span, Value, Wanted};

/// One thing the step says.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Output {
    /// What an output shall be from now on; said only when it changed.
    Intent(Intent),
    /// Something happened.
    Event(Event),
    /// The step must be called again at this moment at the latest; the last output of every step. [`Mono::MAX`]: only
    /// when there is news.
    WakeAt(Mono),
}

/// Whose body ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Runner {
    /// The rule of that index.
    Rule(u32),
    /// The schedule of that index.
    Schedule(u32),
}

/// Who asks something of an output. Among equal authorities the first in this order wins, then the lower index; of two
/// schedules the one that came later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Source {
    /// Nobody: the output's default.
    Default,
    /// The life-cycle of the generator of that index.
    Generator(u32),
    /// The rule of that index.
    Rule(u32),
    /// A timed request of the schedule of that index.
    Schedule(u32),
    /// A campaign.
    Campaign,
    /// Another site.
    Remote,
    /// A person.
    Operator,
    /// A shed asked by the rule of that index.
    Shed(u32),
    /// Shed by a rule that has ended; waits for restoration.
    Returning,
}

/// Who won an output.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Winner {
    /// With which authority.
    pub authority: Authority,
    /// Who asks.
    pub source: Source,
    /// The person, site or campaign, where there is one.
    pub who: Option<Box<str>>,
}

impl Winner {
    /// Nobody asks.
    pub const DEFAULT: Self = Self { authority: Authority::Default, source: Source::Default, who: None };
}

/// Why a rule ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum EndReason {
    /// Its `until` came true, for as long as it must.
    Until,
    /// It has no `until` and its `when` is no longer true.
    WhenOver,
    /// Something it needs was unknown for too long.
    Unknown,
    /// What it needs is known, and what is computed from it was no number for too long.
    Fault(Fault),
    /// Its body failed too often in a row.
    Suspended,
    /// A reload removed it.
    Removed,
    /// A limit had to act against it, and the rules from before it do not come back.
    Harm,
}

impl EndReason {
    /// Whether its conditions could not be told, so that it starts again only when they can.
    pub const fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown | Self::Fault(_))
    }

    /// The reason in a few plain words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Until => "its end condition is true",
            Self::WhenOver => "its condition is no longer true",
            Self::Unknown => "unknown",
            Self::Fault(fault) => fault.words(),
            Self::Suspended => "its body failed too often",
            Self::Removed => "it was removed from the rules",
            Self::Harm => "it did harm",
        }
    }
}

/// What a generator is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Phase {
    /// Stands still; nobody wants it.
    Stopped,
    /// Told to run; not seen running yet.
    Starting,
    /// Runs and warms up.
    Warming,
    /// Runs and may carry load.
    Ready,
    /// Runs without load until it is cool and has run long enough.
    Cooling,
    /// A start failed; rests before the next attempt.
    Resting,
    /// Did not start in all its attempts.
    Failed,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Event {
    /// A rule became active.
    RuleStarted {
        /// Which rule.
        rule: u32,
        /// The number under which it asks.
        request: u64,
        /// The values its condition read.
        because: Vec<Witness>,
    },
    /// A rule is no longer active; its requests are gone.
    RuleEnded {
        /// Which rule.
        rule: u32,
        /// Why.
        reason: EndReason,
        /// The values its ending condition read.
        because: Vec<Witness>,
    },
    /// Something an active rule needs became unknown; it ends unless that comes back in time.
    RuleUnknown {
        /// Which rule.
        rule: u32,
        /// The first point that is unknown, or one that the site does not have where a body misses the time of day;
        /// `None` where something over time or the clock of a condition is.
        point: Option<PointId>,
        /// Nothing is missing, and what is computed is no number.
        fault: Option<Fault>,
        /// How long it may stay so.
        patience: Span,
    },
    /// What an active rule needs is known again.
    RuleKnown {
        /// Which rule.
        rule: u32,
    },
    /// A body failed.
    BodyFailed {
        /// Whose body.
        runner: Runner,
        /// What went wrong.
        message: String,
        /// Where.
        place: Box<str>,
        /// How often in a row by now.
        in_a_row: u32,
    },
    /// A rule failed too often or did harm, and does not run until a person resumes it or its text changes: an alarm.
    RuleSuspended {
        /// Which rule.
        rule: u32,
        /// Why: [`EndReason::Suspended`] or [`EndReason::Harm`].
        reason: EndReason,
    },
    /// A suspended rule may run again.
    RuleResumed {
        /// Which rule.
        rule: u32,
        /// Who said so.
        who: Box<str>,
    },
    /// A rule disappeared in a reload or restart, with its requests.
    RuleRemoved {
        /// Its name.
        name: Box<str>,
        /// Whether it was active.
        was_active: bool,
    },
    /// A notice began; those of schedules are said once and never end.
    NoticeRaised {
        /// Whose.
        runner: Runner,
        /// What it says.
        notice: Notice,
    },
    /// A notice ended.
    NoticeCleared {
        /// Whose.
        runner: Runner,
        /// What it said.
        notice: Notice,
    },
    /// Another request wins an output, or the winner asks something else.
    Decision {
        /// Which output.
        output: OutputId,
        /// What it shall be now.
        wanted: Wanted,
        /// Who won before; `None` at the start.
        old: Option<Winner>,
        /// Who wins now.
        new: Winner,
        /// The number of the request.
        request: u64,
    },
    /// A person, a site or a campaign asks something.
    Requested {
        /// Of which output.
        output: OutputId,
        /// What.
        wanted: Wanted,
        /// Until when.
        until: Mono,
        /// Who.
        who: Box<str>,
        /// With which authority.
        authority: Authority,
    },
    /// A request of a person, a site or a campaign ended before its time.
    Released {
        /// Of which output.
        output: OutputId,
        /// Who ended it.
        who: Box<str>,
        /// Whose authority it had.
        authority: Authority,
    },
    /// A timed request is over.
    RequestOver {
        /// Of which output.
        output: OutputId,
        /// Whose it was.
        winner: Winner,
    },
    /// A setting changed.
    SettingChanged {
        /// Which.
        point: PointId,
        /// What it was.
        old: Option<Value>,
        /// What it is.
        new: Value,
        /// Who said so; `None`: the schedule of `runner`.
        who: Option<Box<str>>,
        /// Which schedule did it, if one did.
        runner: Option<Runner>,
    },
    /// What a setting or the mode was before a reload or a restart is nothing that it can be any more: it is what its file says.
    SettingDropped {
        /// Which.
        point: PointId,
        /// What it was, as people read it.
        old: Box<str>,
        /// What it is.
        new: Value,
    },
    /// The site's mode changed.
    ModeChanged {
        /// The point that holds it.
        point: PointId,
        /// What it was.
        old: Option<Value>,
        /// What it is.
        new: Value,
        /// Who said so; `None`: the schedule of `runner`.
        who: Option<Box<str>>,
        /// Which schedule did it, if one did.
        runner: Option<Runner>,
    },
    /// A command was not carried out.
    CommandRefused {
        /// Who gave it.
        who: Box<str>,
        /// Why not.
        refusal: Refusal,
    },
    /// A campaign shall start or stop.
    CampaignAsked {
        /// Who asks.
        runner: Runner,
        /// Which campaign.
        campaign: Box<str>,
        /// Start (`true`) or stop.
        start: bool,
    },
    /// A record shall be written.
    Record {
        /// Who asks.
        runner: Runner,
        /// Its name, and values of this moment.
        record: Record,
    },
    /// A schedule's moment came and its body ran.
    ScheduleRan {
        /// Which schedule.
        schedule: u32,
    },
    /// A schedule's moment passed too long ago (outage, jump of the clock): it did not run.
    ScheduleMissed {
        /// Which schedule.
        schedule: u32,
    },
    /// A schedule's moment came and its body read something unknown: it did nothing, and that is no failure.
    ScheduleUnknown {
        /// Which schedule.
        schedule: u32,
        /// What it read; `None`: the time of day.
        point: Option<PointId>,
        /// The point itself is known, only not for as long as the body looks back.
        is_too_short: bool,
    },
    /// A reading was held back at the door, for the first time or for another reason than before: a point that is not
    /// believed is told when that begins, and not for every reading.
    HeldBack {
        /// Which point.
        point: PointId,
        /// What it said.
        value: Value,
        /// What speaks against it.
        reason: Reason,
        /// The last good value before, where there was one.
        before: Option<Value>,
    },
    /// Nothing was held back of the point for a while.
    Believed {
        /// Which point.
        point: PointId,
        /// What it says now.
        value: Value,
        /// How many readings were held back.
        held_back: u64,
    },
    /// Samples of one point came faster than they could be taken; only the newest was kept.
    Coalesced {
        /// Which point.
        point: PointId,
        /// How many were dropped.
        dropped: u32,
    },
    /// A generator went to another phase.
    GeneratorPhase {
        /// Which generator.
        generator: u32,
        /// Its phase now.
        phase: Phase,
        /// The number of the start attempt.
        attempt: u32,
    },
    /// A generator did not start in all its attempts: an alarm.
    GeneratorFailed {
        /// Which generator.
        generator: u32,
        /// How often it was tried.
        attempts: u32,
    },
    /// A person lets a generator that failed try again.
    GeneratorReset {
        /// Which generator.
        generator: u32,
        /// Who said so.
        who: Box<str>,
    },
    /// Loads were chosen to be shed.
    Shed {
        /// Which rule asked.
        rule: u32,
        /// From which group.
        group: GroupId,
        /// Which loads, least shed first.
        loads: Vec<OutputId>,
        /// How much was to be shed, W; zero for a whole group.
        asked_w: ballast_model::Finite,
        /// How much the chosen loads draw, W.
        chosen_w: ballast_model::Finite,
    },
    /// A load gets its turn to come back.
    Restoring {
        /// Which load.
        output: OutputId,
        /// How long it has waited.
        waited: Span,
    },
    /// The engine goes on from a saved state.
    Restored {
        /// How long nothing ran.
        gap: Gap,
        /// Rules that are active still.
        active: u32,
    },
}
