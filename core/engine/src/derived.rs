//! Points that are computed from other points: derived ones, and devices that are asleep on purpose.
//!
//! Both are brought up to date before any rule looks, derived points in the order of the plan, which puts each after
//! those it reads. A derived point is unknown while its inputs do not allow to say it; no value is invented.

use crate::agenda::Task;
use crate::limits::MOVING_PERIOD;
use crate::machine::Core;
use crate::plan::{Derivation, Plan};
use alloc::vec::Vec;
use ballast_model::expr::Fault;
use ballast_model::{Finite, Mono, PointId, Reason, Sample, Value};

impl Core {
    /// Brings devices that leave the bus on purpose up to date: while asleep and silent, the point has its known value.
    pub(crate) fn review_asleep(&mut self, plan: &Plan) {
        while let Some(index) = self.world.dirty.asleep.pop_first() {
            let place = index as usize;
            let (Some(asleep), Some(when)) = (plan.asleep.get(place), self.programs.asleep.get(place)) else {
                continue;
            };
            let mut next = Mono::MAX;
            let is_time = when.truth(&self.world.seen(None), &mut next) == Some(true);
            let (point, arrival) = (asleep.point, self.world.now);
            if is_time && self.world.snapshot.known(point, arrival).is_none() {
                self.world.put(&Sample::good(point, asleep.value, arrival, 0));
                self.filled.insert(point);
            } else if !is_time && self.filled.remove(&point) {
                self.world.put(&Sample::bad(point, Reason::Offline, arrival, 0));
            }
            // Putting the value marked this very entry; it has been looked at.
            self.world.dirty.asleep.remove(index);
            self.agenda.set(Task::Asleep(index), next.min(self.world.next_expiry(asleep.point)));
        }
    }

    /// Computes the derived points whose inputs changed, each after those it reads.
    pub(crate) fn review_derived(&mut self, plan: &Plan) {
        let mut from = 0;
        while let Some(index) = self.world.dirty.derived.first_from(from) {
            self.world.dirty.derived.remove(index);
            from = index + 1;
            let Some(derived) = plan.derived.get(index as usize) else { continue };
            let mut next = Mono::MAX;
            let value = match &derived.program {
                Derivation::Expression(_) => {
                    let program = self.programs.derived.get(index as usize).and_then(Option::as_ref);
                    program.and_then(|program| program.value(&self.world.seen(None), &mut next))
                }
                Derivation::Median(members) => self.median(members, &mut next),
                Derivation::FirstGood(members) => self.first_good(members, &mut next),
                Derivation::Sum(members) => self.sum(members, &mut next),
            };
            if self.is_moving(index) {
                next = next.min(self.world.now.after(MOVING_PERIOD));
            }
            let why_not = || self.fault_of_derived(index).map_or(Reason::Inputs, Reason::Fault);
            self.world.compute_or(derived.point, value.ok_or_else(why_not));
            self.agenda.set(Task::Derived(index), next);
        }
    }

    /// Whether the number of a derived point changes now while nothing arrives.
    fn is_moving(&self, index: u32) -> bool {
        let program = self.programs.derived.get(index as usize).and_then(Option::as_ref);
        self.programs.moving.get(index as usize) == Some(&true)
            && program.is_some_and(|program| program.is_moving(&self.world.trackers, self.world.now))
    }

    /// Arithmetic without a result in the expression of a derived point.
    fn fault_of_derived(&self, index: u32) -> Option<Fault> {
        let program = self.programs.derived.get(index as usize)?.as_ref()?;
        program.fault(&self.world.seen(None))
    }

    /// A member that is known, with the moment at which it no longer is.
    fn member(&self, point: PointId, next: &mut Mono) -> Option<Value> {
        let value = self.world.snapshot.known(point, self.world.now)?;
        *next = (*next).min(self.world.next_expiry(point));
        Some(value)
    }

    fn median(&self, members: &[PointId], next: &mut Mono) -> Option<Value> {
        let known = members.iter().filter_map(|point| self.member(*point, next));
        let mut known: Vec<Finite> = known.filter_map(Value::number).collect();
        if known.is_empty() || known.len() * 2 < members.len() {
            return None;
        }
        known.sort_unstable();
        let upper = known.get(known.len() / 2).copied()?;
        if known.len() % 2 == 1 {
            return Some(Value::Number(upper));
        }
        let lower = known.get(known.len() / 2 - 1).copied()?;
        // Halved first: the sum of two large numbers might not be finite.
        Some(Value::Number(Finite::saturating(lower.get() / 2.0 + upper.get() / 2.0)))
    }

    fn first_good(&self, members: &[PointId], next: &mut Mono) -> Option<Value> {
        members.iter().find_map(|point| self.member(*point, next))
    }

    fn sum(&self, members: &[PointId], next: &mut Mono) -> Option<Value> {
        let mut sum = 0.0;
        for point in members {
            sum += self.member(*point, next)?.number()?.get();
        }
        Finite::new(sum).map(Value::Number)
    }
}
