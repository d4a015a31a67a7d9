//! Saves and loads what must survive: the engine, the guard, and the texts they run.

use crate::site::{SetId, Texts};
use ballast_history::{SavedState, StatePart};
use ballast_model::{Mono, Span};
use std::collections::BTreeSet;

/// Version of the encodings; another one is not read.
pub const VERSION: u32 = 2;
/// Shortest time between two saves.
const PACE_MIN: Span = Span::from_secs(1);
/// What a run begins with is saved after this time: its first commands are out then, and a run that ended earlier had
/// decided hardly anything.
const FIRST_PAUSE: Span = Span::from_millis(300);
/// Bytes a second that saving may write while something changes all the time; a large state is then saved less often. A
/// small site's state (2 kB) follows every change within a second, and a quiet site writes nothing.
const BYTES_PER_SECOND: u64 = 2048;
/// However large the state is, it is saved this often.
const PACE_MAX: Span = Span::from_secs(60);

/// The texts that run and those that must not: what a restart comes back with, whatever lies on the disk then.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct RunningSet {
    /// The running texts, rules and nouns.
    pub texts: Texts,
    /// The nouns below them, while a person has not confirmed what they loosen: see [`Carrier::beneath`].
    ///
    /// [`Carrier::beneath`]: super::carrier::Carrier::beneath
    pub beneath: Vec<Texts>,
    /// Sets that did harm.
    pub refused: BTreeSet<SetId>,
    /// What the running texts still have to stand.
    pub trial: Option<Trial>,
}

/// A set on trial.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Trial {
    /// Where to return to.
    pub last_good: Texts,
    /// Names of rules that are new or changed.
    pub changed: BTreeSet<String>,
    /// How long it still lasts.
    pub left: Span,
}

/// Encodes one part.
pub fn encode<T: serde::Serialize>(name: &str, value: &T) -> Option<StatePart> {
    let mut bytes = postcard::to_allocvec(value).ok()?;
    // The store keeps the last state as long as the program runs.
    bytes.shrink_to_fit();
    Some(StatePart::new(name, VERSION, bytes))
}

/// Decodes one part; `None` where it is missing, of another version or damaged.
pub fn decode<T: serde::de::DeserializeOwned>(saved: &SavedState, name: &str) -> Option<T> {
    let part = saved.part(name).filter(|part| part.version == VERSION)?;
    postcard::from_bytes(&part.bytes).ok()
}

/// Decides when to save.
#[derive(Clone, Debug)]
pub struct Pace {
    dirty_since: Option<Mono>,
    last: Mono,
    pause: Span,
    last_hash: Option<u64>,
    is_off: bool,
}

impl Pace {
    /// Nothing to save yet.
    pub fn new(now: Mono) -> Self {
        Self { dirty_since: None, last: now, pause: PACE_MIN, last_hash: None, is_off: false }
    }

    /// Nothing is ever saved: nobody comes back to this run.
    pub fn off(now: Mono) -> Self {
        Self { is_off: true, ..Self::new(now) }
    }

    /// Something that must survive changed.
    pub fn touch(&mut self, now: Mono) {
        self.dirty_since.get_or_insert(now);
    }

    /// Something changed that may not wait: a latch, a person's word.
    pub fn hurry(&mut self, now: Mono) {
        self.touch(now);
        self.pause = Span::ZERO;
    }

    /// A run has begun: what it begins with is saved after its first commands.
    pub fn soon(&mut self, now: Mono) {
        self.touch(now);
        self.pause = FIRST_PAUSE;
    }

    /// When to save next. What changes without an event (the beginning of a `for`, a counter's base) is saved with the next
    /// event, and after a minute at the latest.
    pub fn next(&self) -> Mono {
        if self.is_off {
            return Mono::MAX;
        }
        match self.dirty_since {
            Some(_) => self.last.after(self.pause),
            None => self.last.after(PACE_MAX),
        }
    }

    /// A state of this many bytes and this content was taken; says whether it differs from the last saved one.
    pub fn taken(&mut self, now: Mono, bytes: usize, hash: u64) -> bool {
        self.dirty_since = None;
        self.last = now;
        self.pause = Span::from_secs(bytes as u64 / BYTES_PER_SECOND).max(PACE_MIN).min(PACE_MAX);
        self.last_hash.replace(hash) != Some(hash)
    }

    /// The next state is saved although it is as the last one: what counts is when.
    pub fn forget(&mut self) {
        self.last_hash = None;
    }
}
