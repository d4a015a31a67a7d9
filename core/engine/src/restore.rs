//! Taking up a saved state: reload, restart and power cut are this one thing.
//!
//! | | same plan, reload | reload | restart, same boot | power cut |
//! |---|---|---|---|---|
//! | continues bit for bit | yes | where nothing changed | no | no |
//! | moments | as they are | as they are | as they are | moved by the length of the cut |
//! | measured values | kept | kept | kept with their age | unknown |
//! | settings, mode | kept | kept where they still fit, else as their file says | the same | the same |
//! | active rules, timed requests | kept | kept by name | kept | kept, less the time of the cut |
//! | `when ... for` | kept | anew if the condition changed | goes on if under 1 h and true once known | the same |
//! | `until ... for` | kept | anew if the condition changed | goes on once known | anew |
//! | what was said to the guard | kept | kept | said again | said again |
//!
//! No gap at all, on the same boot, is a reload: the drivers' streams went on, and the guard remembers what it was told. A
//! program that begins says at least a millisecond, however quickly it came back. The first value of a point after a
//! restart or a power cut is not a change.

mod settings;

use crate::arbitrate::{Claim, OutputLife};
use crate::events::{Event, Phase, Source, Winner};
use crate::generators::GeneratorLife;
use crate::lives::{Held, LastRun, Life};
use crate::machine::Core;
use crate::restoration::Return;
use crate::running::takes;
use crate::shedding::Choice;
use crate::state::{STATE_VERSION, SavedPoint, SavedRule, State};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use ballast_model::catalog::{Facet, Origin, PointSpec};
use ballast_model::expr::OUTAGE_BRIDGED;
use ballast_model::snapshot::Snapshot;
use ballast_model::time::Gap;
use ballast_model::{Authority, GroupId, Mono, OutputId, PointId, Sample, Span, Verdict};

/// Where the ids of a state are in the plan that takes it up.
struct Maps {
    points: Vec<Option<PointId>>,
    outputs: Vec<Option<OutputId>>,
    groups: Vec<Option<GroupId>>,
    rules: Vec<Option<u32>>,
    schedules: Vec<Option<u32>>,
    generators: Vec<Option<u32>>,
    /// Whether every output has the id it had.
    same_outputs: bool,
}

fn find<'a>(
    old: impl Iterator<Item = &'a Cow<'a, str>>,
    new: impl Iterator<Item = &'a Box<str>>,
) -> Vec<Option<u32>> {
    let places: BTreeMap<&str, u32> = new.enumerate().map(|(index, name)| (&**name, index as u32)).collect();
    old.map(|name| places.get(&**name).copied()).collect()
}

fn is_same<'a>(old: impl Iterator<Item = &'a Cow<'a, str>>, new: impl Iterator<Item = &'a Box<str>>) -> bool {
    new.map(|name| &**name).eq(old.map(|name| &**name))
}

fn at<T: Copy>(list: &[Option<T>], index: usize) -> Option<T> {
    list.get(index).copied().flatten()
}

impl Maps {
    fn new(core: &Core, state: &State) -> Self {
        let plan = &core.plan;
        let catalog = &plan.catalog;
        let mut points =
            find(state.points.iter().map(|point| &point.name), catalog.points.iter().map(|spec| &spec.name));
        for (found, old) in points.iter_mut().zip(&state.points) {
            let spec = found.and_then(|index| catalog.points.get(index as usize));
            if spec.is_none_or(|spec| !old.is_kind_of(spec)) {
                *found = None;
            }
        }
        let outputs = find(state.output_names.iter(), catalog.outputs.iter().map(|spec| &spec.name));
        let groups = find(state.groups.iter(), catalog.groups.iter().map(|spec| &spec.name));
        let same_outputs = outputs.len() == catalog.outputs.len()
            && outputs.iter().enumerate().all(|(index, found)| *found == Some(index as u32));
        Self {
            points: points.into_iter().map(|found| found.map(PointId)).collect(),
            outputs: outputs.into_iter().map(|found| found.map(OutputId)).collect(),
            groups: groups.into_iter().map(|found| found.map(GroupId)).collect(),
            rules: find(state.rules.iter().map(|rule| &rule.name), plan.rules.iter().map(|rule| &rule.name)),
            schedules: find(
                state.schedules.iter().map(|(name, _)| name),
                plan.schedules.iter().map(|schedule| &schedule.identity),
            ),
            generators: find(
                state.generators.iter().map(|(name, _)| name),
                plan.generators.iter().map(|generator| &generator.name),
            ),
            same_outputs,
        }
    }

    fn point(&self, old: PointId) -> Option<PointId> {
        at(&self.points, old.index())
    }

    fn output(&self, old: OutputId) -> Option<OutputId> {
        at(&self.outputs, old.index())
    }

    fn source(&self, old: Source) -> Option<Source> {
        Some(match old {
            Source::Generator(index) => Source::Generator(at(&self.generators, index as usize)?),
            Source::Rule(index) => Source::Rule(at(&self.rules, index as usize)?),
            Source::Schedule(index) => Source::Schedule(at(&self.schedules, index as usize)?),
            Source::Shed(index) => at(&self.rules, index as usize).map_or(Source::Returning, Source::Shed),
            same => same,
        })
    }
}

/// How moments of the saved clock are found on the present one.
#[derive(Clone, Copy)]
struct Clock {
    gap: Gap,
    saved_at: Mono,
    now: Mono,
}

impl Clock {
    fn is_reload(self) -> bool {
        self.gap == Gap::SameBoot(Span::ZERO)
    }

    /// On the same boot the clock ran on. Else a moment keeps its distance from the save, and the save lies as far back
    /// as the gap is long; after a gap of unknown length everything lies in the past.
    fn moved(self, moment: Mono) -> Mono {
        if !self.gap.is_power_cut() {
            return moment;
        }
        let ahead = moment.since(self.saved_at);
        let gap = self.gap.length();
        if moment == Mono::MAX {
            moment
        } else if ahead > gap {
            self.now.after(ahead.minus(gap))
        } else {
            self.now.before(gap.minus(ahead)).before(self.saved_at.since(moment))
        }
    }
}

impl Core {
    /// Takes up a state. Forgets everything that was known before.
    pub(crate) fn restore(&mut self, state: State, gap: Gap, saved_at: Mono, now: Mono) {
        if !self.is_fresh {
            let fresh = Self::new(Arc::clone(&self.plan), now);
            #[cfg(test)]
            let fresh = Self { looks_at_everything: self.looks_at_everything, ..fresh };
            *self = fresh;
        }
        self.is_fresh = false;
        self.world.now = now;
        if state.version != STATE_VERSION {
            // Bytes of another version may read as a state, and mean something else.
            return;
        }
        self.outputs.requests = state.requests;
        let clock = Clock { gap, saved_at, now };
        if clock.is_reload() && self.is_same_plan(&state) {
            self.take_up_whole(state);
        } else {
            let maps = Maps::new(self, &state);
            self.take_up(state, &maps, clock);
        }
    }

    /// Whether the state was written by the very plan that runs now.
    fn is_same_plan(&self, state: &State) -> bool {
        let plan = &self.plan;
        plan.fingerprint == state.fingerprint
            && is_same_points(&plan.catalog.points, &state.points)
            && is_same(state.output_names.iter(), plan.catalog.outputs.iter().map(|spec| &spec.name))
            && is_same(state.groups.iter(), plan.catalog.groups.iter().map(|spec| &spec.name))
            && is_same(state.rules.iter().map(|rule| &rule.name), plan.rules.iter().map(|rule| &rule.name))
            && state.rules.iter().zip(&plan.rules).all(|(saved, rule)| saved.text_hash == rule.whole_hash())
            && is_same(
                state.schedules.iter().map(|(name, _)| name),
                plan.schedules.iter().map(|s| &s.identity),
            )
            && is_same(state.generators.iter().map(|(name, _)| name), plan.generators.iter().map(|g| &g.name))
    }

    /// The very same plan without a gap: goes on as if nothing had been.
    fn take_up_whole(&mut self, state: State) {
        let keep_point = |point| Some(point);
        let keep_rule = |rule| Some(rule);
        let world = &mut self.world;
        world.now = state.now;
        world.wall = state.wall;
        world.snapshot = state.snapshot.into_owned();
        world.last_good = state.last_good.into_owned();
        world.edges = state.edges.into_owned();
        let gap = Gap::SameBoot(Span::ZERO);
        world.trackers.take_over(&state.trackers, &keep_point, &keep_rule, &|moment| moment, gap);
        world.trackers.tick(world.now, &world.wall, &world.catalog, true);
        // Clocks say what they said before: nobody must look again because of that.
        world.trackers.take_changed(&mut Vec::new());
        let mut ignored = Vec::new();
        world.dirty.rules.take(&mut ignored);
        state.pending.rules.iter().for_each(|rule| world.dirty.rules.mark(*rule));
        world.dirty.derived.set(&state.pending.derived);
        world.dirty.asleep.set(&state.pending.asleep);
        world.dirty.generators.set(&state.pending.generators);
        world.dirty.restoration = state.pending.restoration;
        world.dirty.bodies = state.rules.iter().map(|rule| rule.is_body_due).collect();
        self.intake = state.intake.into_owned();
        self.doubts = state.doubts.into_owned();
        self.sequences = state.sequences.into_owned();
        self.filled = state.filled.into_owned();
        for sample in state.waiting {
            self.inbox.samples.entry(sample.point).or_default().push_back(sample);
        }
        for verdict in state.waiting_verdicts {
            self.inbox.verdicts.entry(verdict.output).or_default().push_back(verdict);
        }
        self.lives = state.rules.into_iter().map(|rule| rule.life.into_owned()).collect();
        self.schedules = state.schedules.into_iter().map(|(_, life)| life).collect();
        self.generators = state.generators.into_iter().map(|(_, life)| life).collect();
        self.outputs.lives = state.outputs.into_owned();
        self.outputs.dirty.take(&mut ignored);
        state.pending.outputs.iter().for_each(|output| self.outputs.dirty.mark(*output));
        self.choices = state.choices.into_owned();
        (self.planner.frequency, self.planner.last_call) = state.restoration;
        self.agenda = crate::agenda::Agenda::default();
        for (moment, task) in state.pending.deadlines {
            self.agenda.set(task, moment);
        }
        self.queue_returns();
    }

    /// Another plan, or a gap: what still has a name is kept by LANGUAGE's rules, and everything is looked at again.
    fn take_up(&mut self, mut state: State, maps: &Maps, clock: Clock) {
        let rebase = |moment| clock.moved(moment);
        if !clock.gap.is_power_cut() {
            self.world.wall = state.wall;
        }
        self.take_up_values(&state, maps, clock);
        let point_to = |point| maps.point(point);
        let rule_to = |rule: u32| at(&maps.rules, rule as usize);
        let trackers = &mut self.world.trackers;
        trackers.take_over(&state.trackers, &point_to, &rule_to, &rebase, clock.gap);
        self.world.tick(true);
        let outputs = core::mem::take(&mut state.outputs);
        for (old, life) in outputs.into_owned().into_iter().enumerate() {
            if let Some(new) = at(&maps.outputs, old) {
                self.take_up_output(new, life, maps, clock);
            }
        }
        let choices = core::mem::take(&mut state.choices);
        for ((rule, group), choice) in choices.into_owned() {
            let (Some(rule), Some(group)) = (at(&maps.rules, rule as usize), at(&maps.groups, group.index()))
            else {
                continue;
            };
            let loads = choice.loads.into_iter().filter_map(|(load, w)| Some((maps.output(load)?, w)));
            self.choices.insert((rule, group), Choice { amount: choice.amount, loads: loads.collect() });
        }
        let rules = core::mem::take(&mut state.rules);
        for (old, rule) in rules.into_iter().enumerate() {
            match at(&maps.rules, old) {
                Some(new) => self.take_up_rule(new, rule, maps, clock),
                None => {
                    let was_active = rule.life.active.is_some();
                    self.news.push(Event::RuleRemoved { name: rule.name.into(), was_active });
                }
            }
        }
        self.settle_sheds(clock.now);
        self.take_up_others(&state, maps, clock);
        let plan = Arc::clone(&self.plan);
        self.plan_schedules(&plan);
        self.queue_returns();
        self.look_at_everything();
        self.outputs.dirty.mark_all();
        if !clock.is_reload() {
            let active = self.lives.iter().filter(|life| life.active.is_some()).count() as u32;
            self.news.push(Event::Restored { gap: clock.gap, active });
        }
    }

    fn take_up_values(&mut self, state: &State, maps: &Maps, clock: Clock) {
        let catalog = Arc::clone(&self.world.catalog);
        if !clock.gap.is_power_cut() {
            let mut old_of_new = alloc::vec![None; catalog.points.len()];
            for (old, new) in maps.points.iter().enumerate() {
                let Some(new) = new else { continue };
                let is_kept = catalog.point(*new).is_some_and(|spec| {
                    clock.is_reload()
                        || !matches!(spec.origin, Origin::Output(_, facet) if facet != Facet::Wanted)
                });
                if let Some(place) = old_of_new.get_mut(new.index()).filter(|_| is_kept) {
                    *place = Some(PointId(old as u32));
                }
            }
            let first_values = self.world.snapshot.clone();
            let fresh = Snapshot::new(&catalog);
            self.world.snapshot = state.snapshot.moved(fresh, |new| at(&old_of_new, new.index()));
            for (index, spec) in catalog.points.iter().enumerate() {
                let point = PointId(index as u32);
                let value = first_values.known(point, clock.now).filter(|_| is_kept_for_ever(spec));
                if at(&old_of_new, index).is_none() && value.is_some() {
                    self.world.compute(point, value);
                }
            }
        }
        if clock.is_reload() {
            for (old, new) in maps.points.iter().enumerate() {
                let place = new.and_then(|new| self.world.last_good.get_mut(new.index()));
                if let (Some(place), Some(value)) = (place, at(&state.last_good, old)) {
                    *place = Some(value);
                }
            }
            self.world.edges = state.edges.iter().filter_map(|point| maps.point(*point)).collect();
            self.world.edges.sort_unstable();
            self.filled = state.filled.iter().filter_map(|point| maps.point(*point)).collect();
            self.take_up_door(state, maps);
            self.doubts = state.doubts.moved(|old| {
                let new = maps.point(old)?;
                let is_same = catalog
                    .point(new)
                    .zip(state.points.get(old.index()))
                    .is_some_and(|(spec, old)| old.is(spec));
                is_same.then_some(new)
            });
            self.take_up_waiting(state, maps);
        }
        self.take_up_settings(state, clock);
    }

    /// The door goes on where its checks are the same; else it learns the last value of every point anew.
    fn take_up_door(&mut self, state: &State, maps: &Maps) {
        for (old, sequence) in state.sequences.iter().enumerate() {
            let place = at(&maps.points, old).and_then(|new| self.sequences.get_mut(new.index()));
            if let Some(place) = place {
                *place = *sequence;
            }
        }
        let catalog = Arc::clone(&self.world.catalog);
        if is_same_points(&catalog.points, &state.points) && self.intake.is_like(&state.intake) {
            self.intake = state.intake.clone().into_owned();
            return;
        }
        for (index, sequence) in self.sequences.iter().enumerate().filter(|(_, sequence)| **sequence > 0) {
            let point = PointId(index as u32);
            let reading = self.world.snapshot.reading(point);
            let arrival = if reading.changed > Mono::ZERO { reading.changed } else { reading.arrival };
            let sample = Sample {
                point,
                value: reading.value,
                quality: reading.quality,
                source: reading.source,
                arrival,
                sequence: sequence.saturating_sub(1),
            };
            // Twice: since when it stands still, and when it was last heard.
            self.intake.admit(&sample);
            self.intake.admit(&Sample { arrival: reading.arrival, sequence: *sequence, ..sample });
        }
    }

    fn take_up_waiting(&mut self, state: &State, maps: &Maps) {
        for sample in &state.waiting {
            if let Some(point) = maps.point(sample.point) {
                self.inbox.samples.entry(point).or_default().push_back(Sample { point, ..*sample });
            }
        }
        for verdict in &state.waiting_verdicts {
            if let Some(output) = maps.output(verdict.output) {
                let verdict = Verdict { output, ..*verdict };
                self.inbox.verdicts.entry(output).or_default().push_back(verdict);
            }
        }
    }

    fn take_up_rule(&mut self, new: u32, saved: SavedRule, maps: &Maps, clock: Clock) {
        let Some(rule) = self.plan.rules.get(new as usize) else { return };
        let mut life = moved_life(saved.life.into_owned(), maps, clock);
        if saved.condition_hash != rule.condition_hash {
            life.when_hold.reset();
            life.until_hold.reset();
            life.is_end_standing = false;
        }
        if saved.text_hash != rule.whole_hash() {
            life.is_suspended = false;
            life.failures = 0;
        }
        if !clock.is_reload() {
            if clock.gap.length() > OUTAGE_BRIDGED {
                life.when_hold.reset();
            }
            if clock.gap.is_power_cut() {
                life.until_hold.reset();
            }
            let mut ignored = Mono::MAX;
            // Nothing is known at first: that is no news, but it counts from now on.
            life.unknown.reset();
            life.unknown.update(life.active.is_some(), Span::MAX, clock.now, &mut ignored);
            let has_progress = life.when_hold.since().is_some() || life.until_hold.since().is_some();
            let patience = OUTAGE_BRIDGED.minus(clock.gap.length());
            life.resume_until = has_progress.then(|| clock.now.after(patience));
        }
        let catalog = &self.world.catalog;
        life.requests.retain(|held| {
            let spec = catalog.output(held.request.output);
            spec.is_some_and(|spec| takes(&spec.kind, held.request.wanted))
        });
        life.sheds.retain(|shed| self.choices.contains_key(&(new, shed.group)));
        if let Some(must_run) = self.world.dirty.bodies.get_mut(new as usize) {
            *must_run = life.active.is_some();
        }
        if let Some(place) = self.lives.get_mut(new as usize) {
            *place = life;
        }
    }

    fn take_up_output(&mut self, new: OutputId, old: OutputLife, maps: &Maps, clock: Clock) {
        let plan = Arc::clone(&self.plan);
        let Some(spec) = plan.catalog.output(new) else { return };
        let is_reload = clock.is_reload();
        let claims = old.claims.into_iter().filter(|claim| takes(&spec.kind, claim.wanted));
        let claims: Vec<Claim> = claims
            .filter_map(|claim| {
                let source = maps.source(claim.source)?;
                let authority = match source {
                    Source::Rule(index) => Authority::Rule(plan.rules.get(index as usize)?.priority),
                    _ => claim.authority,
                };
                let (since, until) = (clock.moved(claim.since), claim.until.map(|until| clock.moved(until)));
                Some(Claim { source, authority, since, until, ..claim })
            })
            .collect();
        let verdict = old.verdict.filter(|_| is_reload).map(|verdict| Verdict {
            output: new,
            witness: verdict.witness.and_then(|witness| {
                Some(ballast_model::intent::Witness { point: maps.point(witness.point)?, ..witness })
            }),
            ..verdict
        });
        let Some(life) = self.outputs.lives.get_mut(new.index()) else { return };
        *life = OutputLife {
            claims: Vec::new(),
            sent: old.sent.filter(|_| is_reload && maps.same_outputs),
            winner: old.winner.map(|winner| Winner {
                source: maps.source(winner.source).unwrap_or(Source::Default),
                ..winner
            }),
            winner_since: clock.moved(old.winner_since),
            verdict,
            is_reported: old.is_reported && is_reload,
            back: if is_reload { old.back } else { Return::Here },
            shed: old.shed.moved(&|moment| clock.moved(moment)),
        };
        for claim in claims {
            self.outputs.claim(new, claim);
        }
    }

    fn take_up_others(&mut self, state: &State, maps: &Maps, clock: Clock) {
        for (old, (_, life)) in state.schedules.iter().enumerate() {
            let place = at(&maps.schedules, old).and_then(|new| self.schedules.get_mut(new as usize));
            if let Some(place) = place {
                *place = *life;
            }
        }
        if !clock.is_reload() {
            self.resume_schedules(clock.gap, clock.saved_at);
        }
        for (old, (_, life)) in state.generators.iter().enumerate() {
            let place = at(&maps.generators, old).and_then(|new| self.generators.get_mut(new as usize));
            let Some(place) = place else { continue };
            // After a power cut nobody knows what the machine did; only that it would not start is remembered.
            if !clock.gap.is_power_cut() || life.phase == Phase::Failed {
                *place = GeneratorLife {
                    since: clock.moved(life.since),
                    running_since: life.running_since.map(|moment| clock.moved(moment)),
                    unwanted_since: life.unwanted_since.map(|moment| clock.moved(moment)),
                    ..*life
                };
            }
        }
        let (frequency, last_call) = state.restoration;
        if clock.is_reload() {
            self.planner.frequency = frequency;
        }
        self.planner.last_call =
            last_call.and_then(|(output, moment)| Some((maps.output(output)?, clock.moved(moment))));
    }

    /// What a rule sheds no more (it is gone, or its group is) waits for restoration, or is free where there is none.
    fn settle_sheds(&mut self, now: Mono) {
        for index in 0..self.outputs.lives.len() as u32 {
            let output = OutputId(index);
            let is_restored = self.planner.places.contains_key(&output);
            let choices = &self.choices;
            let is_chosen = |rule: u32| {
                let of_rule = choices.range((rule, GroupId(0))..=(rule, GroupId(u32::MAX)));
                of_rule.into_iter().any(|(_, choice)| choice.loads.iter().any(|(load, _)| *load == output))
            };
            let Some(life) = self.outputs.lives.get_mut(output.index()) else { continue };
            for claim in &mut life.claims {
                if matches!(claim.source, Source::Shed(rule) if !is_chosen(rule)) {
                    claim.source = Source::Returning;
                }
            }
            life.claims.retain(|claim| claim.source != Source::Returning || is_restored);
            let is_held = life.claims.iter().any(|claim| claim.source == Source::Returning);
            if is_held && life.back == Return::Here {
                life.back = Return::Waiting { since: now };
            }
        }
    }

    /// Queues every load that waits to come back.
    fn queue_returns(&mut self) {
        for (output, place) in &self.planner.places {
            let back = self.outputs.get(*output).map(|life| life.back);
            if matches!(back, Some(Return::Waiting { .. } | Return::Called { .. })) {
                self.planner.waiting.insert(*place);
            }
        }
    }
}

fn is_same_points(new: &[PointSpec], old: &[SavedPoint]) -> bool {
    new.len() == old.len() && new.iter().zip(old).all(|(spec, old)| old.is(spec))
}

const fn is_kept_for_ever(spec: &PointSpec) -> bool {
    matches!(spec.origin, Origin::Setting | Origin::Mode)
}

/// A rule's life with the ids and the clock of the plan that takes it up.
fn moved_life(mut life: Life, maps: &Maps, clock: Clock) -> Life {
    let rebase = |moment| clock.moved(moment);
    if let Some(active) = &mut life.active {
        active.since = rebase(active.since);
    }
    life.when_hold = life.when_hold.moved(rebase);
    life.until_hold = life.until_hold.moved(rebase);
    life.unknown = life.unknown.moved(rebase);
    life.last_start = life.last_start.map(rebase);
    life.last_end = life.last_end.map(|(moment, reason)| (rebase(moment), reason));
    (life.pace, life.rest_until) = (rebase(life.pace), rebase(life.rest_until));
    life.body_expiry = life.body_expiry.map(rebase);
    life.body_again = life.body_again.map(rebase);
    life.resume_until = life.resume_until.map(rebase);
    let moved_held = |held: &Held| {
        let mut held = *held;
        held.request.output = maps.output(held.request.output)?;
        held.until = held.until.map(rebase);
        Some(held)
    };
    life.requests = life.requests.iter().filter_map(moved_held).collect();
    life.sheds = life
        .sheds
        .iter()
        .filter_map(|shed| {
            Some(crate::bodies::ShedRequest { group: at(&maps.groups, shed.group.index())?, ..*shed })
        })
        .collect();
    life.run = match life.run {
        LastRun::Unknown(point) => maps.point(point).map_or(LastRun::None, LastRun::Unknown),
        LastRun::Failed { since, message, place } => LastRun::Failed { since: rebase(since), message, place },
        same => same,
    };
    life
}
