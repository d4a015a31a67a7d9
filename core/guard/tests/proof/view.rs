//! When two moments are the same: everything of guard and oracle by which the next permits can differ, with every moment
//! counted from now.
//!
//! What is left out, and why two states may differ in it: moments that lie further back than anything counts, counters of
//! permits and frames and the numbers of sessions (only whether a number is the present one matters), answers for people,
//! and the timers, which follow from the state. What was told when is left out for contacts, as is whether a device could
//! be reached: no rule of these sites looks at it.

use super::oracle::{OUTPUTS, Oracle};
use super::ticks;
use super::world::World;
use ballast_guard::Guard;
use ballast_guard::plan::SwitchBudget;
use ballast_guard::state::OutputState;
use ballast_model::{Mono, OutputId, Span};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Nothing counts for longer.
const HORIZON: Span = ticks(4);

/// A moment from now: long ago, some time ago, ahead, never.
pub fn from_now(now: Mono, moment: Mono) -> i64 {
    if moment == Mono::MAX {
        return i64::MAX;
    }
    let ago = now.since(moment).min(HORIZON).nanos() as i64;
    if moment > now { moment.since(now).nanos() as i64 } else { -ago }
}

/// The number of switchings by the guard itself that still count.
fn at_once(state: &OutputState, now: Mono) -> u32 {
    let counts = |count| state.at_once.free_at(&SwitchBudget { count, per: ticks(1) }, now).is_some();
    (1..=10).take_while(|count| counts(*count)).count() as u32
}

/// What of an output's state can matter.
fn output(to: &mut DefaultHasher, guard: &Guard, state: &OutputState, now: Mono) {
    let at = |moment| from_now(now, moment);
    (state.told, state.sent, state.settled, state.is_switching, state.must_tell).hash(to);
    (at(state.switched_at), at(state.moved_at), state.tries.min(6)).hash(to);
    state.retry_at.filter(|_| !state.settled && state.sent).map(at).hash(to);
    let physical = &state.physical;
    (physical.open, physical.closed, at(physical.left_open), at(physical.left_closed)).hash(to);
    at_once(state, now).hash(to);
    let word = state.word.map(|word| (word.session == guard.session(), at(word.until), word.is_restoration));
    (word, state.asked, state.authority, state.request).hash(to);
    state.word.is_none().then(|| at(state.silent_since)).hash(to);
    (state.is_starting, &state.holders, &state.spent, state.awaits, state.shed_by).hash(to);
    (state.is_stopped, state.arming, state.undone, state.acts_at_once).hash(to);
    state.claim.map(|claim| (claim.interlock, at(claim.since), claim.rank)).hash(to);
    state.ramp.map(|(since, value)| (at(since), value)).hash(to);
    (state.outside.actual, state.outside.follow_until.map(at), state.outside.alarmed).hash(to);
}

/// What of a guard can matter.
pub fn guard(to: &mut DefaultHasher, guard: &Guard, outputs: usize, now: Mono) {
    let at = |moment| from_now(now, moment);
    for index in 0..outputs {
        if let Some(state) = guard.output(OutputId(index as u32)) {
            output(to, guard, state, now);
        }
    }
    for limit in guard.limits() {
        let state = limit.state;
        (state.is_armed, state.truth, state.violated.since().map(at), state.clear.since().map(at)).hash(to);
        (state.acted.is_some(), state.is_soft, state.is_derating, state.is_latched, state.number).hash(to);
    }
    (guard.hears_engine(), guard.fingerprint(), guard.waits_for()).hash(to);
    let interlocks = guard.safety_set().interlocks.iter();
    interlocks.for_each(|interlock| interlock.dead_time.hash(to));
}

/// What of the oracle can matter.
fn oracle(to: &mut DefaultHasher, oracle: &Oracle) {
    let at = |moment| from_now(oracle.now, moment);
    (at(oracle.started_at), oracle.reading.map(|(heat, moment)| (heat, at(moment)))).hash(to);
    (oracle.is_open, oracle.acts, oracle.is_soft, oracle.is_latched, oracle.is_armed, oracle.dead_time)
        .hash(to);
    for known in &oracle.outputs {
        (known.told, known.may_be_closed, known.may_be_open, known.is_surely_open).hash(to);
        known.is_surely_open.then(|| at(known.left_closed)).hash(to);
        (at(known.switched_at), at(known.confirmed_at), known.is_switching).hash(to);
        known.heard.map(|heard| (heard.closed, at(heard.until), heard.in_session)).hash(to);
        known.heard.is_none().then(|| at(known.silent_since)).hash(to);
        (known.is_stopped, known.is_served, known.is_spent, known.has_started).hash(to);
    }
}

/// A number for everything that can matter.
pub fn key(world: &World) -> u64 {
    let mut to = DefaultHasher::new();
    guard(&mut to, &world.rig.guard, OUTPUTS, world.rig.now);
    oracle(&mut to, &world.oracle);
    (world.waits.map(|waits| waits.is_some()), world.fault).hash(&mut to);
    to.finish()
}
