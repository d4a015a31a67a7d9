//! Other files while everything runs: other rules, safety sets that tighten or loosen, and the word of a person.

use super::Storm;
use super::site::{RULE_SETS, SAFETY_SETS, SetName};
use super::tally::Fault;
use super::watch::Terms;
use ballast_guard::{Input, OperatorCommand, Taken, Who};
use ballast_model::time::Gap;
use ballast_model::{Mono, Span};
use std::sync::Arc;

/// Sets that may wait below one another for a person; a further one is refused.
const BENEATH_MAX: usize = 8;

impl Storm<'_> {
    /// Somebody saves other rules.
    pub(super) fn change_rules(&mut self) {
        let rules = (self.files.rules + 1 + self.dice.roll(RULE_SETS as u64 - 1) as usize) % RULE_SETS;
        self.files.rules = rules;
        self.load_at = self.now.after(self.dice.millis(100, 1_500));
        self.tally.hit(Fault::RulesChanged);
    }

    /// Somebody saves another safety set.
    pub(super) fn change_safety(&mut self) {
        if self.guard.stack.len() >= BENEATH_MAX {
            return;
        }
        let before = Terms::of(self.files.safety);
        self.files.safety =
            (self.files.safety + 1 + self.dice.roll(SAFETY_SETS as u64 - 1) as usize) % SAFETY_SETS;
        let after = Terms::of(self.files.safety);
        let is_tighter = before.and(after) == after;
        self.tally.hit(if is_tighter { Fault::SafetyTightened } else { Fault::SafetyLoosened });
        self.load_at = self.now.after(self.dice.millis(100, 1_500));
    }

    /// The files that were saved are taken up, by both, or by who runs.
    pub(super) fn load(&mut self) -> Result<(), String> {
        let now = self.now;
        let is_frozen = now < self.program.frozen_until.max(self.guard.frozen_until);
        if self.guard.guard.is_none() || self.program.engine.is_none() || is_frozen {
            // Whoever starts or wakes up finds them.
            self.load_at = now.after(Span::from_millis(500));
            return Ok(());
        }
        self.load_at = Mono::MAX;
        let set = self.sets.get(self.files)?;
        let (catalog, safety) = (Arc::clone(&set.running.plan.catalog), Arc::clone(&set.safety));
        if self.guard.stack.last() != Some(&self.files.safety)
            && let Some(guard) = &mut self.guard.guard
        {
            let replaced = guard.replace(catalog, safety, false, now);
            if replaced.taken == Taken::Nothing {
                return Err("sets with the same outputs cannot be in force together".to_owned());
            }
            if replaced.waits_for.is_none() {
                self.guard.stack.clear();
            }
            self.guard.stack.push(self.files.safety);
            self.guard.watch.reload(Terms::of(self.files.safety), false);
            self.guard.replaced(now);
            self.reloaded_at = now;
        }
        if self.program.name != self.files {
            let gap = Gap::SameBoot(Span::ZERO);
            let taken = self
                .program
                .engine
                .as_ref()
                .and_then(|engine| set.engine_from(&engine.save(), gap, engine.now(), now));
            let engine = taken.ok_or("a state cannot be taken up")?;
            (self.program.name, self.program.set) = (self.files, set.clone());
            self.program.watch.runs(&set, self.files.rules, now);
            self.program.takes(engine, now);
        }
        self.disks.next = now;
        Ok(())
    }

    /// A person confirms what waits.
    pub(super) fn confirm(&mut self) {
        let Some(fingerprint) = self.guard.guard.as_ref().and_then(ballast_guard::Guard::waits_for) else {
            return;
        };
        let command = OperatorCommand::Confirm(fingerprint);
        self.guard.inputs.push(Input::Operator { who: Who::new("eva"), command });
        self.tally.hit(Fault::SafetyConfirmed);
    }

    /// What a person confirmed is put in force.
    pub(super) fn adopt_confirmed(&mut self) {
        let now = self.now;
        let Some(last) = self.guard.stack.last().copied() else { return };
        let Some(guard) = &mut self.guard.guard else { return };
        if guard.adopt_confirmed(now).is_some() {
            self.guard.stack = vec![last];
            self.guard.watch.reload(Terms::of(last), true);
            self.guard.replaced(now);
            self.reloaded_at = now;
            self.disks.next = now;
        }
    }

    /// Somebody saves rules with a mistake: nothing changes.
    pub(super) fn refuse_rules(&mut self) -> Result<(), String> {
        self.tally.hit(Fault::RulesRefused);
        self.sets.refuse(SetName { rules: self.files.rules, safety: self.files.safety })
    }
}
