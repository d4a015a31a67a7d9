//! What goes into a step and what comes out of it.

use crate::bounds::WHO_BYTES;
use crate::permit::Permit;
use ballast_model::frame::Frame;
use ballast_model::intent::Cause;
use ballast_model::sample::Sample;
use ballast_model::time::Wall;
use ballast_model::{Finite, Mono, OutputId, PointId, Verdict, Wanted};

/// One thing that happened outside. In a journal, ids belong to the safety set that was in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Input {
    /// A reading. Every one is looked at, also of several of one point.
    Sample(Sample),
    /// A frame of the engine.
    Frame(Frame),
    /// The engine's link broke: its session ends and the leases run out.
    LinkClosed,
    /// The wall clock. The guard decides nothing by it; it is kept for those who explain.
    Wall(Wall),
    /// What became of a write.
    Written {
        /// Which output.
        output: OutputId,
        /// The counter of its permit.
        counter: u64,
        /// Whether the device took it. A permit that was refused as stale counts as not taken.
        ok: bool,
    },
    /// What a device says that its output is.
    Actual {
        /// Which output.
        output: OutputId,
        /// What it is.
        actual: Wanted,
    },
    /// A person at the guard's own socket.
    Operator {
        /// Who.
        who: Who,
        /// What they ask.
        command: OperatorCommand,
    },
    /// A bus says that the device of an output can be reached again, or cannot. Without it a failed write is tried again
    /// after a pause, and a device that went away is found out at the next write.
    Reach {
        /// Which output.
        output: OutputId,
        /// Whether it can be reached.
        is_there: bool,
    },
    /// The guard's own process is told to end: every output follows its `on_silence` now. Permits that this step and the
    /// next ones make must be carried out before the process ends.
    Stop,
}

/// What a person may ask of the guard itself. There is no way to switch it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum OperatorCommand {
    /// To safe, now; `None`: every output. Stays so until it is reset.
    Now(Option<OutputId>),
    /// Lets go of what waits for a person.
    Reset(ResetWhat),
    /// Accepts the loosenings of the safety set with this fingerprint.
    Confirm(u64),
    /// Lets an output be told something from the next request on; nothing is told to it now.
    Arm(OutputId),
    /// Nothing is told to an output any more, from now on. It must be at safe, or be left as it is by a person's word.
    Disarm {
        /// Which output.
        output: OutputId,
        /// Also where it is not at safe.
        as_it_is: bool,
    },
}

/// What waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum ResetWhat {
    /// A latched limit, by its index.
    Limit(u16),
    /// An output after "now", no effect or an outside change.
    Output(OutputId),
    /// Shedding that stopped because it did not help.
    Shedding,
    /// All of these.
    All,
}

/// A name of at most [`WHO_BYTES`] bytes; a longer one is cut at a letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Who {
    bytes: [u8; WHO_BYTES],
    length: u8,
}

impl Who {
    /// From a text.
    pub fn new(name: &str) -> Self {
        let mut end = name.len().min(WHO_BYTES);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        let mut who = Self { bytes: [0; WHO_BYTES], length: end as u8 };
        for (place, byte) in who.bytes.iter_mut().zip(name.bytes().take(end)) {
            *place = byte;
        }
        who
    }

    /// As a text.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or(&[]);
        core::str::from_utf8(bytes).unwrap_or("")
    }
}

/// One thing that a step wants done or known.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Move an output. Must reach its driver at once and in this order.
    Permit(Permit),
    /// The answer for an output changed.
    Verdict(Verdict),
    /// Something worth writing down.
    Event(GuardEvent),
    /// Call `step` again at this moment at the latest. Always the last one of a step.
    WakeAt(Mono),
}

/// Why a session ended or a frame was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionFault {
    /// The sender said good-bye.
    Bye,
    /// The link broke.
    Link,
    /// The sender renewed nothing for longer than its word holds.
    Silence,
    /// A newer session took its place.
    Replaced,
    /// A frame is missing or came twice.
    Counter,
    /// The sender knows another table of outputs.
    Table,
    /// A frame names an output that does not exist.
    UnknownOutput,
    /// A frame speaks for the guard.
    Authority,
    /// A frame tells of a point that is not the program's to tell, or a value that the point cannot have.
    Reading,
    /// A frame of a session that has ended or never began.
    OldSession,
    /// The safety set was replaced and the table of outputs is another one.
    Reload,
}

/// What is known of an output that a person disarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Left {
    /// What it was last told to be; `None` where nothing was told to it since it was armed.
    pub told: Option<Wanted>,
    /// What its device itself said since; `None` where it said nothing.
    pub says: Option<Wanted>,
    /// Whether it was told to be safe, and its device or bus confirmed that.
    pub is_safe: bool,
}

/// Something worth writing down. Small and fixed, so that a step never allocates; texts are made by whoever shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named after what they hold; powers in W, frequencies in Hz")]
pub enum GuardEvent {
    /// The engine spoke its hello.
    SessionOpened { session: u64 },
    /// The engine's session ended; its leases run out now.
    SessionClosed { session: u64, fault: SessionFault },
    /// A frame was thrown away.
    FrameRefused { session: u64, fault: SessionFault },
    /// The program's word for an output has run out.
    LeaseExpired { output: OutputId },
    /// A limit acts.
    LimitActed { limit: u16, witness: Option<PointId>, is_unknown: bool },
    /// A limit let go.
    LimitReleased { limit: u16 },
    /// A limit is clear but waits for a person.
    LimitLatched { limit: u16 },
    /// A person asked everything (or one output) to be safe.
    OperatorNow { who: Who, output: Option<OutputId> },
    /// A person reset what waited.
    WasReset { who: Who, what: ResetWhat },
    /// There was nothing to reset, or the limit is still violated.
    ResetRefused { who: Who, what: ResetWhat },
    /// The loosenings of this safety set were accepted; call [`Guard::adopt_confirmed`](crate::Guard::adopt_confirmed).
    Confirmed { who: Who, fingerprint: u64 },
    /// No safety set with this fingerprint waits.
    ConfirmRefused { who: Who, fingerprint: u64 },
    /// An output may be told something from the next request on.
    Armed { who: Who, output: OutputId },
    /// It was not armed: it is already, or this would have moved it at once.
    ArmRefused { who: Who, output: OutputId, cause: Cause },
    /// Nothing is told to an output any more; what is known of it.
    Disarmed { who: Who, output: OutputId, left: Left },
    /// It was not disarmed: it is not armed, is never disarmed, or is not at safe.
    DisarmRefused { who: Who, output: OutputId, cause: Cause },
    /// An output was closed for its longest time.
    MaxClosed { output: OutputId },
    /// An output has no switchings left.
    SwitchesSpent { output: OutputId },
    /// An output had to leave a state because of its partner.
    InterlockActed { interlock: u16, output: OutputId },
    /// A write did not reach its device.
    Unreachable { output: OutputId },
    /// The writes reach the device again.
    Reachable { output: OutputId },
    /// Someone else moved the output.
    OutsideChange { output: OutputId, told: Wanted, actual: Wanted },
    /// Correcting did not help.
    NotCorrected { output: OutputId },
    /// Its own timer brought it back to safe, since it was not renewed in time; it is told again.
    TimerRanOut { output: OutputId },
    /// The output was told again because its effect did not show.
    EffectRetried { output: OutputId },
    /// It was told twice and its effect does not show: a welded or broken relay.
    NoEffect { output: OutputId },
    /// Its effect shows again.
    EffectBack { output: OutputId },
    /// A stage of shedding acted.
    StageActed { stage: u16, frequency: Option<Finite>, before: Finite, shed: Finite, loads: u32 },
    /// Bulk shedding acted.
    BulkActed { frequency: Option<Finite>, before: Finite, shed: Finite, loads: u32 },
    /// There were not enough loads for what a stage or the bulk wanted.
    ShedShort { missing: Finite },
    /// The frequency is not known any more.
    FrequencyUnknown,
    /// The frequency is known again.
    FrequencyBack { frequency: Finite },
    /// The sources do not agree.
    SourcesDisagree,
    /// A source stands still while another one moves.
    SourceStuck { point: PointId },
    /// The under-frequency event is over.
    EventOver,
    /// Shedding did not help and has stopped: an alarm.
    Futile,
    /// A load was given back.
    Restored { output: OutputId },
    /// There was no room for this many events.
    Dropped { events: u32 },
}
