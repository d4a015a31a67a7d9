//! Processes that end and begin again, and the disks that keep what they remember.
//!
//! What is kept is kept as the stores do it: the newest state, or the one before it where the last write never reached the
//! disk, or nothing. Beside each state lies what the observer remembered at that moment.

use super::Storm;
use super::site::SetName;
use super::tally::Fault;
use super::watch::program::ProgramWatch;
use super::watch::{GuardWatch, Terms};
use ballast_engine::State as EngineState;
use ballast_guard::{Guard, Input, OperatorCommand, State, Who};
use ballast_model::time::{Gap, Wall};
use ballast_model::{Mono, Span};
use std::sync::Arc;

/// How often both are kept, if nothing hurries.
const PACE: Span = Span::from_secs(4);

/// What is kept of the program.
#[derive(Clone, Debug)]
struct ProgramKept {
    state: EngineState<'static>,
    at: Mono,
    name: SetName,
    watch: ProgramWatch,
}

/// What is kept of the guard.
#[derive(Clone, Debug)]
struct GuardKept {
    state: State,
    at: Mono,
    stack: Vec<usize>,
    watch: GuardWatch,
}

/// Both disks.
#[derive(Debug, Default)]
pub(super) struct Disks {
    /// The newest state first.
    program: Vec<ProgramKept>,
    guard: Vec<GuardKept>,
    refuses_until: Mono,
    pub(super) next: Mono,
}

impl Disks {
    /// With nothing on them, and the first state to be kept at a moment.
    pub(super) fn empty(next: Mono) -> Self {
        Self { next, ..Self::default() }
    }

    /// The disks refuse everything for a while.
    pub(super) fn refuse(&mut self, until: Mono) {
        self.refuses_until = self.refuses_until.max(until);
    }

    /// They take everything again.
    pub(super) fn heal(&mut self) {
        self.refuses_until = Mono::ZERO;
    }

    /// The last write never reached the disk.
    pub(super) fn lose_last(&mut self) -> bool {
        let has_both = self.program.len() > 1 && self.guard.len() > 1;
        if has_both {
            self.program.remove(0);
            self.guard.remove(0);
        }
        has_both
    }

    /// Nothing of what was kept can be read.
    pub(super) fn lose_all(&mut self) {
        self.program.clear();
        self.guard.clear();
    }
}

impl Storm<'_> {
    /// Keeps what both remember.
    pub(super) fn keep(&mut self) {
        let now = self.now;
        self.disks.next = now.after(PACE);
        if now < self.disks.refuses_until {
            return self.tally.hit(Fault::DiskRefuses);
        }
        if let Some(engine) = self.program.engine.as_ref().filter(|_| now >= self.program.frozen_until) {
            let kept = ProgramKept {
                state: engine.save().into_owned(),
                at: engine.now(),
                name: self.program.name,
                watch: self.program.watch.clone(),
            };
            self.disks.program.insert(0, kept);
            self.disks.program.truncate(2);
        }
        if let Some(guard) = self.guard.guard.as_ref().filter(|_| now >= self.guard.frozen_until) {
            let kept = GuardKept {
                state: guard.save(),
                at: now,
                stack: self.guard.stack.clone(),
                watch: self.guard.watch.clone(),
            };
            self.disks.guard.insert(0, kept);
            self.disks.guard.truncate(2);
        }
    }

    /// The program is gone.
    pub(super) fn kill_program(&mut self, starts_at: Mono) {
        self.program.engine = None;
        self.program.starts_at = starts_at;
        self.program.frozen_until = Mono::ZERO;
        self.program.life += 1;
        let closed = super::post::Parcel::Guard(Input::LinkClosed);
        let at = self.now.after(self.dice.millis(1, 20));
        self.post.send(at, super::post::To::Guard(self.guard.life), closed);
        if self.load_at < Mono::MAX {
            self.tally.hit(Fault::ReloadCut);
        }
    }

    /// The guard is gone, with its drivers.
    pub(super) fn kill_guard(&mut self, starts_at: Mono) {
        self.guard.guard = None;
        self.guard.starts_at = starts_at;
        self.guard.frozen_until = Mono::ZERO;
        (self.guard.ends_at, self.guard.dies_at) = (Mono::MAX, Mono::MAX);
        self.guard.life += 1;
        let greets_at = starts_at.after(self.dice.millis(1, 400));
        self.program.hang_up(greets_at);
        if self.load_at < Mono::MAX {
            self.tally.hit(Fault::ReloadCut);
        }
    }

    /// Those that do not run begin, where it is time.
    pub(super) fn start_what_is_due(&mut self) -> Result<(), String> {
        if self.guard.guard.is_none() && self.guard.starts_at <= self.now {
            self.start_guard()?;
        }
        if self.program.engine.is_none() && self.program.starts_at <= self.now {
            self.start_program()?;
        }
        Ok(())
    }

    /// How long nothing ran: a process that was not told that the power was gone knows its own boot.
    fn gap(&self, at: Mono) -> Gap {
        let length = self.now.since(at).max(Span::from_millis(1));
        match self.cut_at {
            // Somebody set the clock since, or nobody answers for it: nobody knows.
            Some(cut) if at <= cut => {
                let is_known = self.clock.is_trusted && self.clock.set_at < at;
                if is_known { Gap::OtherBoot(length) } else { Gap::Unknown }
            }
            _ => Gap::SameBoot(length),
        }
    }

    fn start_program(&mut self) -> Result<(), String> {
        let now = self.now;
        let kept = self.disks.program.first().cloned();
        let name = kept.as_ref().map_or(self.files, |kept| kept.name);
        let set = self.sets.get(name)?;
        let (engine, watch) = match kept {
            Some(kept) => {
                let gap = self.gap(kept.at);
                let engine = set.engine_from(&kept.state, gap, kept.at, now);
                (engine.ok_or("the state of the engine cannot be read")?, kept.watch.restart(gap, now))
            }
            None => (set.engine(now), ProgramWatch::new(now)),
        };
        self.program.reborn(now);
        self.program.starts_at = Mono::MAX;
        self.program.watch = watch;
        self.program.watch.runs(&set, name.rules, now);
        (self.program.name, self.program.set) = (name, set);
        self.program.takes(engine, now);
        let wall = self.clock.wall(now);
        self.program.inputs.push(ballast_engine::Input::Wall(wall));
        if name != self.files {
            self.load_at = self.load_at.min(now.after(self.dice.millis(50, 900)));
        }
        Ok(())
    }

    fn start_guard(&mut self) -> Result<(), String> {
        let now = self.now;
        let kept = self.disks.guard.first().cloned();
        let stack = kept.as_ref().map_or_else(|| vec![self.files.safety], |kept| kept.stack.clone());
        let mut guard = self.guard_of(&stack)?;
        let watch = match kept {
            Some(kept) => {
                let gap = self.gap(kept.at);
                guard.restore(kept.state, gap, kept.at, now);
                kept.watch.restart(now, gap.is_power_cut())
            }
            None => GuardWatch::new(now, Terms::of(self.files.safety)),
        };
        let is_lost = self.disks.guard.is_empty();
        let last = stack.last().copied();
        self.guard.stack = stack;
        self.guard.reborn(guard, watch, now);
        if is_lost {
            // Nobody knows what held it: everything is held until a person says otherwise.
            let command = OperatorCommand::Now(None);
            self.guard.inputs.push(Input::Operator { who: Who::new("memory lost"), command });
        }
        if last != Some(self.files.safety) {
            self.load_at = self.load_at.min(now.after(self.dice.millis(50, 900)));
        }
        Ok(())
    }

    /// The guard that holds to these sets: the first as a whole, and of the others what they tighten.
    fn guard_of(&mut self, stack: &[usize]) -> Result<Guard, String> {
        let now = self.now;
        let rules = self.files.rules;
        let mut guard: Option<Guard> = None;
        for safety in stack {
            let set = self.sets.get(SetName { rules, safety: *safety })?;
            match &mut guard {
                None => guard = Some(set.guard(now)),
                Some(guard) => {
                    let catalog = Arc::clone(&set.running.plan.catalog);
                    guard.replace(catalog, Arc::clone(&set.safety), false, now);
                }
            }
        }
        guard.ok_or_else(|| "a guard without a safety set".to_owned())
    }
}

/// The wall clock of the machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallClock {
    /// What it shows at the beginning of the storm, ms since 1970, with everything by which it was set since.
    pub(super) base_ms: i64,
    pub(super) began: Mono,
    pub(super) is_trusted: bool,
    /// When it was set last.
    pub(super) set_at: Mono,
    /// When it is trusted and right again.
    pub(super) untrusted_until: Mono,
}

impl WallClock {
    /// What it shows.
    pub(super) fn millis(&self, now: Mono) -> i64 {
        self.base_ms + now.since(self.began).millis() as i64
    }

    /// As the machines are told.
    pub(super) fn wall(&self, now: Mono) -> Wall {
        Wall { at: now, utc: ballast_model::Utc::from_millis(self.millis(now)), trusted: self.is_trusted }
    }
}
