//! What need not be brought up to date for its own sake, in a run at which nobody looks between two steps.
//!
//! A window over a time moves sixty times in its length. Where only bodies of rules read it that are idle, or conditions
//! that may end one, nobody sees those moves: every step brings all windows up to its moment before anyone looks, so the
//! next step that comes for another reason finds it as if it had moved every time. The deadlines of such a window are then
//! left out, and its moves do not make those rules be looked at. Nothing else is left out: what an engine says, and when, is
//! the same.

use crate::lives::Life;
use crate::machine::Core;
use crate::plan::Plan;
use crate::wiring::{Programs, Reader};
use crate::world::World;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use ballast_model::expr::{TrackerId, TrackerKey};
use ballast_model::{Mono, PointId};

/// Who needs a window now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    /// The body of a rule, while it is active.
    Body(u32),
    /// The condition that ends a rule: while it is active, and while its end may keep it from starting.
    Ending(u32),
}

impl Need {
    fn is_now(self, lives: &[Life]) -> bool {
        let (Self::Body(rule) | Self::Ending(rule)) = self;
        let Some(life) = lives.get(rule as usize) else { return true };
        let may_start =
            life.when_hold.since().is_some() || life.is_end_standing || life.resume_until.is_some();
        life.active.is_some() || (may_start && matches!(self, Self::Ending(_)))
    }
}

/// For each tracker, who needs it; `None`: somebody always may.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    needs: Vec<Option<Vec<Need>>>,
}

impl Patience {
    fn new(plan: &Plan, programs: &Programs, world: &World, others: &[PointId]) -> Self {
        let finder = Finder { plan, programs, world, others };
        let readers =
            |id: TrackerId| world.readers.by_tracker.get(id.0 as usize).map_or(&[][..], Vec::as_slice);
        let needs = world.trackers.keys().map(|(id, key)| {
            let mut needs = BTreeSet::new();
            let is_bounded = matches!(key, TrackerKey::Window { .. })
                && readers(id).iter().all(|reader| finder.of_tracker(id, *reader, &mut needs));
            is_bounded.then(|| needs.into_iter().collect())
        });
        Self { needs: needs.collect() }
    }

    /// Whether nobody needs each of them now.
    fn look(&self, lives: &[Life], unwatched: &mut Vec<bool>) {
        let is_unwatched = |needs: &Option<Vec<Need>>| {
            needs.as_ref().is_some_and(|needs| !needs.iter().any(|need| need.is_now(lives)))
        };
        unwatched.clear();
        unwatched.extend(self.needs.iter().map(is_unwatched));
    }
}

/// Finds who needs what; each of its answers is whether that can be told.
struct Finder<'a> {
    plan: &'a Plan,
    programs: &'a Programs,
    world: &'a World,
    /// Points at which others look between two steps.
    others: &'a [PointId],
}

impl Finder<'_> {
    fn of_tracker(&self, id: TrackerId, reader: Reader, needs: &mut BTreeSet<Need>) -> bool {
        let starts = |rule: u32| {
            let programs = self.programs.rules.get(rule as usize);
            programs.is_none_or(|programs| programs.until.is_none() || programs.when.trackers().contains(&id))
        };
        self.of(reader, starts, needs)
    }

    fn of_point(&self, point: PointId, needs: &mut BTreeSet<Need>) -> bool {
        let readers = &self.world.readers;
        let is_watched = self.others.contains(&point)
            || self.world.trackers.follows(point)
            || readers.by_age.contains_key(&point)
            || readers.by_change.contains_key(&point);
        let starts = |rule: u32| {
            let programs = self.programs.rules.get(rule as usize);
            programs.is_none_or(|programs| programs.until.is_none() || programs.when.reads.contains(&point))
        };
        let mut all = readers.by_point.get(point.index()).into_iter().flatten();
        !is_watched && all.all(|reader| self.of(*reader, starts, needs))
    }

    fn of(&self, reader: Reader, starts: impl Fn(u32) -> bool, needs: &mut BTreeSet<Need>) -> bool {
        match reader {
            Reader::Body(rule) => {
                needs.insert(Need::Body(rule));
                true
            }
            Reader::Rule(rule) if !starts(rule) => {
                needs.insert(Need::Ending(rule));
                true
            }
            // A derived point reads only those before it, so this ends.
            Reader::Derived(index) => {
                let derived = self.plan.derived.get(index as usize);
                derived.is_some_and(|derived| self.of_point(derived.point, needs))
            }
            Reader::Rule(_) | Reader::Asleep(_) | Reader::Generator(_) | Reader::Restoration => false,
        }
    }
}

impl Core {
    /// See [`Engine::let_wait`](crate::Engine::let_wait).
    pub(crate) fn let_wait(&mut self, others: &[PointId]) {
        self.patience = Some(Patience::new(&self.plan, &self.programs, &self.world, others));
    }

    /// Looks who looks at what from here on, after the lives of rules may have changed.
    pub(crate) fn look_who_looks(&mut self) {
        if let Some(patience) = &self.patience {
            patience.look(&self.lives, &mut self.world.unwatched);
        }
    }

    /// The next moment at which something that is followed over time changes by itself and somebody may look at it.
    pub(crate) fn next_of_trackers(&self) -> Mono {
        if self.patience.is_none() {
            return self.world.trackers.next();
        }
        self.world.trackers.next_of(|id| !self.world.is_unwatched(id))
    }
}
