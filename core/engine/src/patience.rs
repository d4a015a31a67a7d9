//! What need not be brought up to date for its own sake, in a run at which nobody looks between two steps.
//!
//! A window over a time moves sixty times in its length. Where only bodies of rules read it that are idle, or conditions
//! that may end one, nobody sees those moves: every step brings all windows up to its moment before anyone looks, so the
//! next step that comes for another reason finds it as if it had moved every time. The deadlines of such a window are then
//! left out, and its moves do not make those rules be looked at.
//!
//! Nor does anybody see the moves of a window whose mean, highest or lowest value is only compared with numbers, while all that
//! lies in it, and the value that holds, are on the same side of each of them: wherever it moves to before the next sample, no
//! comparison comes out otherwise.
//!
//! Nothing else is left out: what an engine says, and when, is the same.

use crate::lives::Life;
use crate::machine::Core;
use crate::plan::Plan;
use crate::wiring::{Programs, Reader};
use crate::world::World;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use ballast_model::expr::{TrackerId, TrackerKey};
use ballast_model::{Finite, Mono, PointId};

/// Who looks at a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    /// Somebody always may.
    Always,
    /// The body of a rule, while it is active.
    Body(u32),
    /// The condition that ends a rule: while it is active, and while its end may keep it from starting.
    Ending(u32),
}

impl Who {
    fn looks(self, lives: &[Life]) -> bool {
        let (Self::Body(rule) | Self::Ending(rule)) = self else { return true };
        let Some(life) = lives.get(rule as usize) else { return true };
        let may_start =
            life.when_hold.since().is_some() || life.is_end_standing || life.resume_until.is_some();
        life.active.is_some() || (may_start && matches!(self, Self::Ending(_)))
    }
}

/// What somebody needs of a window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    who: Who,
    /// Only on which side of these numbers it is; `None`: its number itself.
    bounds: Option<Vec<Finite>>,
}

/// How far beyond its samples the mean of a window may come out, in parts of them: sixty sums of numbers of which each is
/// rounded to 53 bits.
const ROUNDING: f64 = 1e-12;

impl Need {
    /// Whether it makes a difference to somebody that a window moves within a range.
    fn sees_moves(&self, low: Finite, high: Finite) -> bool {
        let Some(bounds) = &self.bounds else { return true };
        let slack = low.get().abs().max(high.get().abs()) * ROUNDING;
        let (low, high) = (low.get() - slack, high.get() + slack);
        bounds.iter().any(|bound| low <= bound.get() && bound.get() <= high)
    }
}

/// What is needed of one tracker.
#[derive(Clone, Debug)]
struct Watch {
    /// Who needs it; `None`: somebody always may.
    needs: Option<Vec<Need>>,
    /// Between which numbers it moves, and until when, as last looked at.
    range: Option<(Finite, Finite, Mono)>,
}

/// What is needed of each tracker.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    watches: Vec<Watch>,
}

impl Patience {
    fn new(plan: &Plan, programs: &Programs, world: &World, others: &[PointId]) -> Self {
        let finder = Finder { plan, programs, world, others };
        let readers =
            |id: TrackerId| world.readers.by_tracker.get(id.0 as usize).map_or(&[][..], Vec::as_slice);
        let watches = world.trackers.keys().map(|(id, key)| {
            let mut needs = BTreeSet::new();
            let is_bounded = matches!(key, TrackerKey::Window { .. })
                && readers(id).iter().all(|reader| finder.of_tracker(id, *reader, &mut needs));
            Watch { needs: is_bounded.then(|| needs.into_iter().collect()), range: None }
        });
        Self { watches: watches.collect() }
    }

    /// Looks which trackers nobody needs now, and which may move unseen.
    fn look(&mut self, lives: &[Life], world: &mut World) {
        world.unwatched.clear();
        world.settled.clear();
        world.is_ranged.resize(self.watches.len(), false);
        let World { trackers, unwatched, settled, is_ranged, .. } = world;
        for ((id, is_ranged), watch) in (0..).map(TrackerId).zip(is_ranged).zip(&mut self.watches) {
            let Some(needs) = &watch.needs else {
                unwatched.push(false);
                settled.push(Mono::ZERO);
                continue;
            };
            let looking = || needs.iter().filter(|need| need.who.looks(lives));
            unwatched.push(looking().next().is_none());
            // A range that was looked at before it moved holds it still.
            if looking().all(|need| need.bounds.is_some()) && !core::mem::replace(is_ranged, true) {
                watch.range = trackers.range(id);
            }
            let unseen =
                watch.range.filter(|(low, high, _)| !looking().any(|need| need.sees_moves(*low, *high)));
            settled.push(unseen.map_or(Mono::ZERO, |(_, _, until)| until));
        }
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
        match reader {
            Reader::Rule(rule) => {
                let bounds = self.bounds(rule, id);
                let is_told = bounds.is_some() || !starts(rule);
                let who = if starts(rule) { Who::Always } else { Who::Ending(rule) };
                needs.insert(Need { who, bounds });
                is_told
            }
            other => self.of(other, starts, needs),
        }
    }

    /// The numbers with which the conditions of a rule compare a tracker; `None` where they do something else with it.
    fn bounds(&self, rule: u32, id: TrackerId) -> Option<Vec<Finite>> {
        let programs = self.programs.rules.get(rule as usize)?;
        let mut bounds = programs.when.bounds_of(id)?;
        if let Some(until) = &programs.until {
            bounds.extend(until.bounds_of(id)?);
        }
        Some(bounds)
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
                needs.insert(Need { who: Who::Body(rule), bounds: None });
                true
            }
            Reader::Rule(rule) if !starts(rule) => {
                needs.insert(Need { who: Who::Ending(rule), bounds: None });
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
        if let Some(patience) = &mut self.patience {
            patience.look(&self.lives, &mut self.world);
        }
    }

    /// The next moment at which something that is followed over time changes by itself and somebody may look at it.
    pub(crate) fn next_of_trackers(&self) -> Mono {
        if self.patience.is_none() {
            return self.world.trackers.next();
        }
        self.world.trackers.next_after(|id| self.world.rests_until(id))
    }
}
