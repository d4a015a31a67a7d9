//! The sets that are in force, in parts in force, or wait.

use crate::limits::SETS;
use crate::memory::KeptSets;
use crate::set::Prepared;
use ballast_guard::plan::Process;
use ballast_guard::{Guard, Loosening, Replaced, Taken};
use ballast_host::link::mirror::NounSet;
use ballast_host::{Texts, users};
use ballast_model::Mono;
use ballast_model::catalog::Catalog;
use std::sync::Arc;

/// A set and its buses' number.
#[derive(Clone)]
pub struct Entry {
    /// The set.
    pub set: Arc<NounSet>,
    /// See [`Prepared::definitions`].
    pub definitions: u64,
}

impl From<&Prepared> for Entry {
    fn from(prepared: &Prepared) -> Self {
        Self { set: Arc::clone(&prepared.set), definitions: prepared.definitions }
    }
}

/// The sets of a guard.
pub struct Sets {
    /// The one that a person confirmed.
    base: Entry,
    /// Those after it of which only what tightens is in force.
    later: Vec<Entry>,
    /// One that cannot be in force beside them.
    waiting: Option<Entry>,
    /// What the last one would loosen.
    loosenings: Vec<Loosening>,
    /// Given to the thread that decides and not taken yet, with their numbers.
    submitted: Vec<(u32, Entry)>,
    numbers: u32,
}

impl Sets {
    /// One set.
    pub fn new(base: Entry) -> Self {
        Self {
            base,
            later: Vec::new(),
            waiting: None,
            loosenings: Vec::new(),
            submitted: Vec::new(),
            numbers: 0,
        }
    }

    /// Those that were in force before, the confirmed one first; `None` where they cannot be in force together.
    pub fn together(beneath: Vec<Entry>, current: Entry) -> Option<Self> {
        let mut entries = beneath.into_iter().chain([current]);
        let mut sets = Self::new(entries.next()?);
        let mut guard = sets.guard(Mono::ZERO);
        for entry in entries {
            let replaced = entry.set.replace_in(&mut guard, false, Mono::ZERO);
            if replaced.taken == Taken::Nothing {
                return None;
            }
            sets.took(entry, &replaced);
        }
        Some(sets)
    }

    /// The last set with files that say the same in other words.
    pub fn rewrite(&mut self, prepared: &Prepared) {
        *self.later.last_mut().unwrap_or(&mut self.base) = prepared.into();
    }

    /// Gives a set its number.
    ///
    /// # Errors
    /// Too many sets wait.
    pub fn submit(&mut self, prepared: &Prepared) -> Result<u32, usize> {
        if self.later.len() >= SETS {
            return Err(SETS);
        }
        self.numbers += 1;
        self.submitted.push((self.numbers, prepared.into()));
        Ok(self.numbers)
    }

    /// The set of a number.
    pub fn submitted(&mut self, number: u32) -> Option<Entry> {
        let place = self.submitted.iter().position(|(own, _)| *own == number)?;
        Some(self.submitted.swap_remove(place).1)
    }

    /// What became of a set.
    pub fn took(&mut self, entry: Entry, replaced: &Replaced) {
        self.waiting = None;
        self.loosenings = if replaced.waits_for.is_some() { replaced.loosenings.clone() } else { Vec::new() };
        match replaced.taken {
            Taken::Whole => (self.base, self.later) = (entry, Vec::new()),
            Taken::Tightenings => self.later.push(entry),
            Taken::Nothing => self.waiting = Some(entry),
        }
    }

    /// The one that waited was confirmed.
    pub fn confirmed(&mut self) {
        self.base = self.waiting.take().or_else(|| self.later.pop()).unwrap_or_else(|| self.base.clone());
        self.later.clear();
        self.loosenings.clear();
    }

    /// Whether these files are those that are in force or wait last.
    pub fn is_known(&self, set: &NounSet) -> bool {
        let last = self.waiting.as_ref().unwrap_or_else(|| self.current());
        last.set.texts.files == set.texts.files && self.submitted.is_empty()
    }

    /// What the set that waits would loosen.
    pub fn loosenings(&self) -> &[Loosening] {
        &self.loosenings
    }

    fn current(&self) -> &Entry {
        self.later.last().unwrap_or(&self.base)
    }

    /// A guard that holds to these sets, as the one that decides does.
    pub fn guard(&self, now: Mono) -> Guard {
        let mut guard = self.base.set.guard(now);
        for entry in self.later.iter().chain(&self.waiting) {
            entry.set.replace_in(&mut guard, false, now);
        }
        guard
    }

    /// The files of what is in force, the confirmed set first.
    pub fn in_force(&self) -> Vec<Texts> {
        std::iter::once(&self.base).chain(&self.later).map(|entry| entry.set.texts.clone()).collect()
    }

    /// The files of what waits as a whole.
    pub fn waiting(&self) -> Option<Texts> {
        self.waiting.as_ref().map(|entry| entry.set.texts.clone())
    }

    /// What the ids mean.
    pub fn definitions(&self) -> u64 {
        self.current().definitions
    }

    /// The nouns.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.current().set.catalog)
    }

    /// The section `guard:` in force: that of the last set which has one, since taking it away waits for a person's word.
    pub fn process(&self) -> Option<&Process> {
        let entries = self.later.iter().rev().chain([&self.base]);
        entries.into_iter().find_map(|entry| entry.set.site.safety.process.as_ref())
    }

    /// The number of the user whose program may connect, where one is named. Of a name that this machine does not know,
    /// nobody may.
    pub fn program(&self) -> Option<u32> {
        let process = self.process()?;
        process.program.as_ref().map(|name| users::number_of(name).unwrap_or(u32::MAX))
    }

    /// What the guard begins with next time.
    pub fn kept(&self) -> KeptSets {
        let later = self.later.iter().map(|entry| entry.set.texts.clone()).collect();
        KeptSets { confirmed: self.base.set.texts.clone(), later }
    }
}
