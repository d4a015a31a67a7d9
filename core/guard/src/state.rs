//! Everything the guard remembers, in plain data: `Clone`, `Eq`, `Hash`, and written down as it is.
//!
//! Nothing here is computed from something else here, except what makes a step cheap and is named so.

use crate::bounds::{AT_ONCE_MOST, FAIR_DAYS, SLOPE_READINGS, SWITCHES_REMEMBERED};
use crate::plan::Envelope;
use crate::reported::ReportsState;
use crate::requests::Requests;
use crate::ring::Ring;
use alloc::boxed::Box;
use alloc::vec::Vec;
use ballast_model::expr::Hold;
use ballast_model::intake::Intake;
use ballast_model::snapshot::Snapshot;
use ballast_model::time::Wall;
use ballast_model::{Authority, Contact, Finite, Mono, OutputId, PointId, Span, Value, Verdict, Wanted};

/// The layout of [`State`]; another one is not read.
pub const STATE_VERSION: u16 = 8;

/// What the program last asked of an output, while its word holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Word {
    /// The guard's session in which it was said; only that session renews it.
    pub session: u64,
    /// Until when it holds without being renewed.
    pub until: Mono,
    /// Whether it gives back a load.
    pub is_restoration: bool,
}

/// What a contact may physically be: both, while a write is under way or nothing was ever confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Physical {
    /// It may be open.
    pub open: bool,
    /// It may be closed.
    pub closed: bool,
    /// When it surely stopped being open.
    pub left_open: Mono,
    /// When it surely stopped being closed.
    pub left_closed: Mono,
}

impl Physical {
    /// Nothing is known.
    pub const UNKNOWN: Self =
        Self { open: true, closed: true, left_open: Mono::ZERO, left_closed: Mono::ZERO };

    /// Whether it may be in this state.
    pub const fn may_be(&self, contact: Contact) -> bool {
        match contact {
            Contact::Open => self.open,
            Contact::Closed => self.closed,
        }
    }

    /// When it surely left this state.
    pub const fn left(&self, contact: Contact) -> Mono {
        match contact {
            Contact::Open => self.left_open,
            Contact::Closed => self.left_closed,
        }
    }

    /// A write of this state is under way.
    pub fn may_become(&mut self, contact: Contact) {
        match contact {
            Contact::Open => self.open = true,
            Contact::Closed => self.closed = true,
        }
    }

    /// It is this and nothing else.
    pub fn is_now(&mut self, contact: Contact, now: Mono) {
        let open = contact == Contact::Open;
        if self.open && !open {
            self.left_open = now;
        }
        if self.closed && open {
            self.left_closed = now;
        }
        (self.open, self.closed) = (open, !open);
    }
}

/// Who opened a load that waits to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum ShedBy {
    /// A stage, by its index.
    Stage(u16),
    /// Bulk shedding.
    Bulk,
    /// A lease, a start or a power cut; or a stage whose event is over.
    Outage,
}

/// An output that acts at once wants a state which an interlock forbids beside its partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Claim {
    /// Which interlock.
    pub interlock: u16,
    /// Since when.
    pub since: Mono,
    /// Who goes first: limits in the order of the file, then everything else the guard does.
    pub rank: u32,
}

/// What is known of moves by others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Outside {
    /// What the device last said it is.
    pub actual: Option<Wanted>,
    /// The other one is right until then.
    pub follow_until: Option<Mono>,
    /// How often it was told again, the last time not long before.
    pub corrections: u32,
    /// When it was told again last.
    pub corrected_at: Mono,
    /// An alarm was raised for the present difference.
    pub alarmed: bool,
}

/// Whether the effect of an output shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct EffectState {
    /// Since when it does not show.
    pub bad_since: Option<Mono>,
    /// It was told again because of that.
    pub retried: bool,
    /// An alarm was raised.
    pub alarmed: bool,
}

/// Whether anything may be told to an output. Arming and disarming tell it nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Arming {
    /// No: a person has to arm it first.
    Not,
    /// Yes, from the first thing on that is not what stood when it was armed.
    Fresh {
        /// What was asked then.
        asked: Wanted,
        /// The number of that request.
        request: u64,
    },
    /// Yes.
    Armed,
}

/// Everything the guard remembers of one output.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct OutputState {
    /// What it was last told to be.
    pub told: Wanted,
    /// Whether it was told anything since the start, or since it was last disarmed.
    pub sent: bool,
    /// When it was last told something new, or told anew after a start: the shortest interval of a setpoint counts from
    /// here.
    pub told_at: Mono,
    /// Since when it is what it is told, as far as this guard and the ones before it know: telling it anew changes nothing.
    pub since: Mono,
    /// When it was last told to switch; longest times count from here.
    pub switched_at: Mono,
    /// When the device confirmed that; shortest times count from here.
    pub moved_at: Mono,
    /// The device has not confirmed the last switching yet.
    pub is_switching: bool,
    /// When the last permit was made.
    pub permitted_at: Mono,
    /// Counter of the last permit.
    pub counter: u64,
    /// The device confirmed the last permit.
    pub settled: bool,
    /// When it did.
    pub settled_at: Mono,
    /// Tries of the present write that came to nothing.
    pub tries: u8,
    /// When an unconfirmed write is tried again.
    pub retry_at: Option<Mono>,
    /// The last write did not reach the device.
    pub is_unreachable: bool,
    /// Since when; `None` where it can be reached or nobody knows any more: after a restart it is found out anew.
    pub unreachable_since: Option<Mono>,
    /// The last state that its device or bus confirmed since the start.
    pub confirmed: Option<Wanted>,
    /// It must be told again although nothing changed.
    pub must_tell: bool,
    /// What a contact may physically be.
    pub physical: Physical,
    /// The last switchings.
    pub switches: Ring,
    /// Those of them that the guard itself made, at once.
    pub at_once: Ring,
    /// The program's word, while it holds.
    pub word: Option<Word>,
    /// What the program last asked.
    pub asked: Wanted,
    /// Who asked that.
    pub authority: Authority,
    /// The number of that request.
    pub request: u64,
    /// Since when there is no word.
    pub silent_since: Mono,
    /// The inputs of its own limits are not good yet.
    pub is_starting: bool,
    /// The requests that have been served since it was closed last. Kept where it has a longest time.
    pub holders: Requests,
    /// The requests that were served until its longest time was over, and have not ended.
    pub spent: Requests,
    /// It was cut and waits to be given back.
    pub awaits: bool,
    /// What cut it.
    pub shed_by: Option<ShedBy>,
    /// A person asked "now".
    pub is_stopped: bool,
    /// Whether anything may be told to it.
    pub arming: Arming,
    /// What was asked when a person armed it, and the number of that request, where the guard itself told it something
    /// first (a start, a limit, silence, the end of the program): that request is not carried out later either.
    pub undone: Option<(Wanted, u64)>,
    /// It waits for a partner to leave.
    pub claim: Option<Claim>,
    /// The last step of its present ramp: when, and how far the line is, which may lie between two values that may be told.
    pub ramp: Option<(Mono, Finite)>,
    /// The last decision was not about an asked move.
    pub acts_at_once: bool,
    /// Moves by others.
    pub outside: Outside,
    /// Its effect.
    pub effect: EffectState,
    /// The last answer that was given out.
    pub verdict: Option<Verdict>,
}

/// Everything the guard remembers of one limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct LimitState {
    /// Its inputs were good at least once since the start.
    pub is_armed: bool,
    /// What its condition last said.
    pub truth: Option<bool>,
    /// How long it is violated.
    pub violated: Hold,
    /// How long it is clear.
    pub clear: Hold,
    /// Since when it acts.
    pub acted: Option<Mono>,
    /// It acts only because nothing was ever known; the first good "not violated" ends that.
    pub is_soft: bool,
    /// It derates its outputs instead of forcing them, because it is unknown and its file says so.
    pub is_derating: bool,
    /// It is clear and waits for a person.
    pub is_latched: bool,
    /// The number of a derating limit as far as it is known.
    pub number: Number,
}

/// A number as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Number {
    /// Not at all, and nothing was known since the start.
    #[default]
    Never,
    /// Not at all.
    Unknown,
    /// One side of it.
    Bound(Finite),
    /// Exactly.
    Exact(Finite),
}

/// The engine's session, and the guard's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct SessionState {
    /// The guard's session: rises with every start and every hello.
    pub current: u64,
    /// The engine's number of the last session it opened.
    pub engine: u64,
    /// The last frame's counter.
    pub counter: u64,
    /// Whether it is open.
    pub is_open: bool,
    /// When everything said in it was last renewed.
    pub renewed_at: Mono,
    /// For how long.
    pub renewed_for: Span,
}

/// One frequency source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct SourceState {
    /// Its last readings, a ring.
    pub readings: [(Mono, Finite); SLOPE_READINGS],
    /// Where the next one goes.
    pub next: u8,
    /// The value from which it has to move to count as moving.
    pub anchor: Finite,
    /// When it last moved.
    pub moved_at: Mono,
    /// Lowest and highest of the others since then.
    pub others: Option<(Finite, Finite)>,
    /// It stands still while another one moves.
    pub is_stuck: bool,
}

/// How long one load was cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Fairness {
    /// Time cut per day, today first.
    pub days: [Span; FAIR_DAYS],
    /// When today began.
    pub day: Mono,
    /// Since when it is cut.
    pub cut_since: Option<Mono>,
}

/// Everything remembered of shedding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct SheddingState {
    /// One per source.
    pub sources: Vec<SourceState>,
    /// The frequency on which the sources agree.
    pub frequency: Option<Finite>,
    /// Whether its loss was told.
    pub is_lost: bool,
    /// How long the sources differ.
    pub differ: Hold,
    /// Whether a disagreement was told.
    pub disagrees: bool,
    /// How long the frequency is high enough for giving back.
    pub good: Hold,
    /// How long each stage's condition holds.
    pub holds: Vec<Hold>,
    /// Which stages acted in this event.
    pub acted: Vec<bool>,
    /// Whether the bulk acted in this event.
    pub bulk_acted: bool,
    /// An event is under way.
    pub in_event: bool,
    /// How long the frequency is above every stage.
    pub clear: Hold,
    /// The site's load when it was last above every stage, W.
    pub load_before: Option<Finite>,
    /// Ordinary shed requests that were granted.
    pub cap: Ring,
    /// The effect of shedding is judged at this moment, against this frequency.
    pub judge: Option<(Mono, Finite)>,
    /// Times in a row that it had none.
    pub futile: u32,
    /// It stopped because it did not help.
    pub is_futile: bool,
    /// The next load may come back from here on.
    pub restore_at: Mono,
    /// Loads given back, for the jitter.
    pub restored: u64,
    /// One per load.
    pub fairness: Vec<Fairness>,
}

impl OutputState {
    /// An output at the start: safe as far as anybody knows, with nothing confirmed.
    pub(crate) fn starting(envelope: &Envelope, awaits: bool, now: Mono) -> Self {
        // What nobody operates yet was not cut.
        let awaits = awaits && !envelope.by_hand;
        let places = envelope.max_switches.iter().map(|budget| budget.count as usize).max().unwrap_or(0);
        Self {
            told: envelope.safe,
            sent: false,
            told_at: now,
            since: now,
            switched_at: now,
            moved_at: now,
            is_switching: false,
            permitted_at: Mono::ZERO,
            counter: 0,
            settled: false,
            settled_at: Mono::ZERO,
            tries: 0,
            retry_at: None,
            is_unreachable: false,
            unreachable_since: None,
            confirmed: None,
            must_tell: false,
            physical: Physical::UNKNOWN,
            switches: Ring::new(places.min(SWITCHES_REMEMBERED)),
            at_once: Ring::new(AT_ONCE_MOST),
            word: None,
            asked: envelope.default,
            authority: Authority::Default,
            request: 0,
            silent_since: now,
            is_starting: true,
            holders: Requests::new(envelope.max_closed.is_some()),
            spent: Requests::new(envelope.max_closed.is_some()),
            awaits,
            shed_by: awaits.then_some(ShedBy::Outage),
            is_stopped: false,
            arming: if envelope.by_hand { Arming::Not } else { Arming::Armed },
            undone: None,
            claim: None,
            ramp: None,
            acts_at_once: true,
            outside: Outside::default(),
            effect: EffectState::default(),
            verdict: None,
        }
    }
}

impl OutputState {
    /// It is cut and waits to be given back: by a request that is made from now on, not by one that stands already.
    pub(crate) fn cut(&mut self, by: ShedBy) {
        self.awaits = true;
        self.shed_by = Some(by);
        if let Some(word) = &mut self.word {
            word.is_restoration = false;
        }
    }
}

impl SourceState {
    /// A source that said nothing yet.
    pub(crate) const SILENT: Self = Self {
        readings: [(Mono::ZERO, Finite::ZERO); SLOPE_READINGS],
        next: 0,
        anchor: Finite::ZERO,
        moved_at: Mono::ZERO,
        others: None,
        is_stuck: false,
    };
}

/// What a device that sleeps is taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct AsleepState {
    /// It is asleep and its point has the declared value.
    pub stands_in: bool,
}

/// Totals since the state began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Counters {
    /// Permits made.
    pub permits: u64,
    /// Frames taken.
    pub frames: u64,
    /// Frames refused.
    pub refused_frames: u64,
    /// Times an output was given another state than was asked.
    pub interventions: u64,
    /// Reviews of outputs.
    pub reviews: u64,
    /// Events for which there was no room.
    pub dropped_events: u64,
}

/// The state while running, by ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Live {
    pub(crate) now: Mono,
    pub(crate) started_at: Mono,
    pub(crate) wall: Wall,
    pub(crate) session: SessionState,
    pub(crate) outputs: Vec<OutputState>,
    pub(crate) limits: Vec<LimitState>,
    pub(crate) asleep: Vec<AsleepState>,
    pub(crate) shedding: SheddingState,
    pub(crate) reports: ReportsState,
    /// What the program said of each point that only it can tell; `None`: nothing yet.
    pub(crate) reported: Vec<Option<Option<Value>>>,
    pub(crate) snapshot: Snapshot,
    pub(crate) door: Intake,
    pub(crate) counters: Counters,
    pub(crate) confirmed: Option<u64>,
    /// The guard itself is about to end. Not saved: who takes up the state begins.
    pub(crate) is_ending: bool,
}

impl Live {
    pub(crate) fn output(&self, id: OutputId) -> Option<&OutputState> {
        self.outputs.get(id.index())
    }
}

/// The state as it is written down: by names, so that it can be read with another safety set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct State {
    /// [`STATE_VERSION`].
    pub version: u16,
    /// Fingerprint of the safety set it was made with.
    pub fingerprint: u64,
    /// When it was saved.
    pub saved_at: Mono,
    /// When the guard had started.
    pub started_at: Mono,
    /// The sessions.
    pub session: SessionState,
    /// Every output, by name.
    pub outputs: Vec<(Box<str>, OutputState)>,
    /// Every limit, by name.
    pub limits: Vec<(Box<str>, LimitState)>,
    /// Every device that sleeps, by its point.
    pub asleep: Vec<(Box<str>, AsleepState)>,
    /// Shedding; its loads by name, its sources by point.
    pub shedding: SheddingState,
    /// The outputs of `shedding.fairness`.
    pub loads: Vec<Box<str>>,
    /// The points of `shedding.sources`.
    pub sources: Vec<Box<str>>,
    /// The program's word for points.
    pub reports: ReportsState,
    /// What it was, by point.
    pub reported: Vec<(Box<str>, Option<Option<Value>>)>,
    /// Every point the guard looks at, by name.
    pub points: Vec<Box<str>>,
    /// Their readings, in that order.
    pub snapshot: Snapshot,
    /// What the door remembers of them, in that order.
    pub door: Intake,
    /// The wall clock.
    pub wall: Wall,
    /// Totals.
    pub counters: Counters,
}

/// A limit as it stands, for those who explain.
#[derive(Clone, Copy, Debug)]
pub struct LimitView<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its state.
    pub state: &'a LimitState,
    /// The point that decides, if one can be named.
    pub witness: Option<PointId>,
}
