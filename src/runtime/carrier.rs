//! Everything that goes on over a reload: the channels, the guard, the buses, the records.
//!
//! A new set is built on a thread of its own, since scripts cannot move between threads; between two steps the old thread
//! hands over its carrier and ends.

use super::field::Field;
use super::guard_process::GuardProcess;
use super::heartbeat::{Heartbeat, Outage};
use super::link::Link;
use super::message::{Message, Occasion};
use super::opening::OpenField;
use super::recorder::Recorder;
use crate::control::protocol::Answer;
use crate::egress::term::Standing;
use crate::journal::Ring;
use crate::report::moment::{HEARD_WITHIN, Protection};
use crate::shadow::handle::Shadows;
use crate::site::{Running, SetId, Texts};
use ballast_guard::Guard;
use ballast_host::Clock;
use ballast_host::nouns::Given;
use ballast_model::time::Wall;
use ballast_model::{Mono, Span, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use tokio::sync::oneshot;

/// How long a new set is watched before it counts as good, where nobody asks for longer.
pub const PROBATION: Span = Span::from_secs(600);
/// The longest trial a person may ask for: a week has seen every kind of day, and after it the last good set is old.
pub const PROBATION_MAX: Span = Span::from_secs(7 * 86_400);

/// What goes on over a reload.
pub struct Carrier {
    /// News and questions.
    pub inbox: Receiver<Message>,
    /// For those who have news.
    pub sender: SyncSender<Message>,
    /// Time.
    pub clock: Arc<Clock>,
    /// The guard; where it is a process of its own, its mirror.
    pub guard: Guard,
    /// The way to the guard, where it is a process of its own.
    pub process: Option<GuardProcess>,
    /// The engine's end of the link to it.
    pub link: Link,
    /// Buses, or a plant.
    pub field: Box<dyn Field>,
    /// Writes down what happens.
    pub recorder: Recorder,
    /// The last minutes, for replay.
    pub ring: Ring,
    /// The wall clock as the machines know it.
    pub wall: Wall,
    /// Where the site and its state lie, and how it was started.
    pub place: Place,
    /// What the old thread leaves to the new one, during a hand-over.
    pub handed: Option<Handed>,
    /// The texts that run.
    pub texts: Texts,
    /// The last texts that proved good, and until when the running ones are watched.
    pub probation: Option<Probation>,
    /// A rule on trial did harm, and the last good rules are being built.
    pub is_returning: bool,
    /// A set whose outputs or points are others than the running ones: it waits for a person's word as a whole.
    pub awaiting: Option<Awaiting>,
    /// The nouns below `texts`, while a person has not confirmed what those loosen. First the set that is wholly in force,
    /// then those of which only what tightens is, in the order in which they came: the stricter of them all holds.
    pub beneath: Vec<Texts>,
    /// Why the site's files are not what runs; `None` where they are.
    pub files_refused: Option<FilesRefused>,
    /// Sets that did harm; not loaded by themselves.
    pub refused: BTreeSet<SetId>,
    /// Counts the catalogs of this run.
    pub epoch: u32,
    /// Outcomes of reloads, for the metrics.
    pub reloads: BTreeMap<&'static str, u64>,
    /// What points said last that was no value, by their names; bounded by the points of the sites that ran.
    pub misheard: BTreeMap<Box<str>, Box<str>>,
    /// Says until when this run was seen.
    pub heartbeat: Heartbeat,
    /// How long nothing ran before this run; `None` where nothing ever did.
    pub outage: Option<Outage>,
    /// When the journal was last written because of an alarm.
    pub dumped: Option<Mono>,
    /// When the running set was loaded.
    pub loaded: Mono,
    /// Why the guard's memory was lost at the start; until a person resets all.
    pub memory_lost: Option<String>,
    /// Whether each receiver is told anything, as it was last written down, with the end by which it was judged.
    pub standings: BTreeMap<String, (Option<Utc>, Standing)>,
    /// The rules that run beside, disconnected.
    pub shadows: Shadows,
    /// Opens the buses of a new set.
    pub open_field: Box<OpenField>,
    /// Told when the last decision thread has ended.
    pub ended: Option<oneshot::Sender<()>>,
}

impl Carrier {
    /// Where the guard is; one whose last step is long ago has not answered since, though its link is there.
    pub fn protection(&self) -> Protection {
        let protection = self.process.as_ref().map_or(Protection::Program, GuardProcess::protection);
        let heard = self.guard.now();
        let is_late = self.clock.now().since(heard) > HEARD_WITHIN;
        if matches!(protection, Protection::Process(_)) && is_late {
            return Protection::Gone(Some(heard));
        }
        protection
    }
}

/// Sets of nouns that may lie below the running one; a further one is refused until a person confirms or takes back.
pub const BENEATH_MAX: usize = 16;

/// Why the site's files are not what runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilesRefused {
    /// They have mistakes or cannot be read; the set before them goes on.
    Mistakes,
    /// They have mistakes, and no set ran before them: no rules run.
    NoRules,
    /// They did harm, and the last good rules came back.
    Harm,
    /// Rules are gone from them in a way that nobody does on purpose: a person must say that it is meant.
    Emptied,
    /// What they loosen waits for a person, or they do as a whole.
    Waits,
}

/// What the old decision thread leaves to the new one.
pub struct Handed {
    /// The engine's state.
    pub state: ballast_engine::State<'static>,
    /// When it was taken.
    pub at: Mono,
    /// What ran.
    pub running: Arc<Running>,
    /// The texts of the new set.
    pub texts: Texts,
    /// Why there is a new set.
    pub occasion: Occasion,
    /// Who waits for the outcome.
    pub reply: Option<oneshot::Sender<Answer>>,
}

/// A whole set that waits for a person's word.
#[derive(Clone, Debug)]
pub struct Awaiting {
    /// Of its safety set; what the person confirms.
    pub fingerprint: u64,
    /// Its texts.
    pub texts: Texts,
    /// How long the person who loaded it wanted it on trial.
    pub trial: Option<Span>,
}

/// A new set on trial.
#[derive(Clone, Debug)]
pub struct Probation {
    /// Where to return to.
    pub last_good: Texts,
    /// End of the trial.
    pub until: Mono,
    /// Names of rules that are new or changed.
    pub changed: BTreeSet<String>,
}

/// Where things lie and how the program was started.
#[derive(Clone, Debug)]
pub struct Place {
    /// The site's directory.
    pub site: PathBuf,
    /// State, events, socket, journals.
    pub state: PathBuf,
    /// Keys of buses with another value: `tic.port=/dev/ttyAMA0`.
    pub overrides: Vec<String>,
}

impl Place {
    /// What a set of the site is built with.
    pub fn given(&self) -> Given<'_> {
        Given::at(&self.site, &self.overrides)
    }
}
