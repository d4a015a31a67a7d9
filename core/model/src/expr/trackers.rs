//! Everything that conditions follow over time, shared by all programs of one machine.
//!
//! A tracker exists once per key, however many rules ask for it. It changes when a sample of its point arrives or its own
//! deadline comes, and then says so, so that exactly the programs that read it are evaluated again.

use super::program::Statistic;
use super::used::Used;
use super::window::Window;
use crate::almanac::{self, TimeOfDay};
use crate::catalog::{CalendarId, Catalog, PointId};
use crate::finite::Finite;
use crate::sample::Value;
use crate::time::{Gap, Mono, Span, Wall};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

/// Starts of a rule that are remembered; above this `starts()` counts no further.
pub const STARTS_MAX: usize = 1000;
/// An outage up to this long is bridged by counters and `for` (LANGUAGE, "the life of a rule").
pub const OUTAGE_BRIDGED: Span = Span::from_secs(3600);
/// A clock is looked at again after this long at the latest, in case a zone's edge is further away than looked for.
pub(super) const CLOCK_RECHECK: Span = Span::from_secs(86_400);

/// Index of a tracker in its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct TrackerId(pub u32);

/// What is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum TrackerKey {
    /// A point over the last `span`.
    Window {
        /// Which point; the state of a contact counts 1 while closed.
        point: PointId,
        /// How far back.
        span: Span,
    },
    /// A point since a rule started.
    SinceActive {
        /// Which point.
        point: PointId,
        /// Index of the rule.
        rule: u32,
    },
    /// What a counter gained since the last time of day.
    Used {
        /// The counter.
        point: PointId,
        /// Since when, every day.
        time: TimeOfDay,
    },
    /// A point at the start of a rule.
    AtStart {
        /// Which point.
        point: PointId,
        /// Index of the rule.
        rule: u32,
    },
    /// How often a rule started in the last `span`.
    Starts {
        /// Index of the rule.
        rule: u32,
        /// How far back.
        span: Span,
    },
    /// A part of the day.
    Between {
        /// Start.
        from: TimeOfDay,
        /// End, perhaps on the next day.
        to: TimeOfDay,
    },
    /// Days of the week, bit 0 is Monday.
    Weekday(u8),
    /// Days of a calendar.
    Calendar(CalendarId),
}

impl TrackerKey {
    /// The point it follows.
    pub const fn point(&self) -> Option<PointId> {
        match self {
            Self::Window { point, .. }
            | Self::SinceActive { point, .. }
            | Self::Used { point, .. }
            | Self::AtStart { point, .. } => Some(*point),
            _ => None,
        }
    }

    /// The rule it belongs to.
    pub const fn rule(&self) -> Option<u32> {
        match self {
            Self::SinceActive { rule, .. } | Self::AtStart { rule, .. } | Self::Starts { rule, .. } => {
                Some(*rule)
            }
            _ => None,
        }
    }

    /// The same key in another catalog and rule set; `None` where its point or rule is gone.
    fn moved(
        self,
        point_to: &dyn Fn(PointId) -> Option<PointId>,
        rule_to: &dyn Fn(u32) -> Option<u32>,
    ) -> Option<Self> {
        Some(match self {
            Self::Window { point, span } => Self::Window { point: point_to(point)?, span },
            Self::SinceActive { point, rule } => {
                Self::SinceActive { point: point_to(point)?, rule: rule_to(rule)? }
            }
            Self::Used { point, time } => Self::Used { point: point_to(point)?, time },
            Self::AtStart { point, rule } => Self::AtStart { point: point_to(point)?, rule: rule_to(rule)? },
            Self::Starts { rule, span } => Self::Starts { rule: rule_to(rule)?, span },
            Self::Between { .. } | Self::Weekday(_) => self,
            // Clock trackers are computed anew anyway.
            Self::Calendar(_) => return None,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
enum Follow {
    Window(Window),
    SinceActive(Option<Extremes>),
    Used(Used),
    AtStart(Option<Finite>),
    Starts(VecDeque<Mono>),
    Clock(Option<bool>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
struct Extremes {
    low: Option<Finite>,
    high: Option<Finite>,
    area: Finite,
    known: Span,
    held: Option<(Finite, Mono, Mono)>,
    /// The first and the last value, and when they came.
    first: Option<(Finite, Mono)>,
    last: Option<(Finite, Mono)>,
    /// A value was lower than the one before.
    fell: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
struct Entry {
    key: TrackerKey,
    follow: Follow,
    due: Option<Mono>,
}

/// All trackers of one machine.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Trackers {
    entries: Vec<Entry>,
    index: BTreeMap<TrackerKey, TrackerId>,
    by_point: BTreeMap<PointId, Vec<TrackerId>>,
    by_rule: BTreeMap<u32, Vec<TrackerId>>,
    due: BTreeSet<(Mono, TrackerId)>,
    changed: Vec<TrackerId>,
    clocks: Vec<TrackerId>,
}

impl Trackers {
    /// The tracker of a key; made when there is none yet.
    pub fn intern(&mut self, key: TrackerKey) -> TrackerId {
        if let Some(id) = self.index.get(&key) {
            return *id;
        }
        let id = TrackerId(self.entries.len() as u32);
        let follow = match key {
            TrackerKey::Window { span, .. } => Follow::Window(Window::new(span)),
            TrackerKey::SinceActive { .. } => Follow::SinceActive(None),
            TrackerKey::Used { .. } => Follow::Used(Used::default()),
            TrackerKey::AtStart { .. } => Follow::AtStart(None),
            TrackerKey::Starts { .. } => Follow::Starts(VecDeque::new()),
            TrackerKey::Between { .. } | TrackerKey::Weekday(_) | TrackerKey::Calendar(_) => {
                Follow::Clock(None)
            }
        };
        self.insert(key, id, follow);
        id
    }

    fn insert(&mut self, key: TrackerKey, id: TrackerId, follow: Follow) {
        if let Some(point) = key.point() {
            self.by_point.entry(point).or_default().push(id);
        }
        if let Some(rule) = key.rule() {
            self.by_rule.entry(rule).or_default().push(id);
        }
        if matches!(follow, Follow::Clock(_) | Follow::Used(_)) {
            self.clocks.push(id);
        }
        self.index.insert(key, id);
        self.entries.push(Entry { key, follow, due: None });
    }

    /// The tracker of a key, if someone asked for it at load.
    pub fn find(&self, key: &TrackerKey) -> Option<TrackerId> {
        self.index.get(key).copied()
    }

    /// Whether anything follows this point.
    pub fn follows(&self, point: PointId) -> bool {
        self.by_point.contains_key(&point)
    }

    /// Takes a new reading of a point: its value while good (`None` otherwise) and the last moment it may be used.
    pub fn sample(&mut self, now: Mono, point: PointId, value: Option<Value>, until: Mono) {
        let Some(ids) = self.by_point.get_mut(&point).map(core::mem::take) else { return };
        let value = value.map(|value| match value {
            Value::Number(number) => number,
            Value::Word(word) => Finite::from(i32::from(word)),
            Value::Flag(flag) => Finite::from(i32::from(flag)),
        });
        for id in ids.iter().copied() {
            let Some(entry) = self.entries.get_mut(id.0 as usize) else { continue };
            match &mut entry.follow {
                Follow::Window(window) => window.sample(now, value, until),
                Follow::SinceActive(Some(extremes)) => extremes.sample(now, value, until),
                Follow::Used(used) => used.sample(value),
                _ => continue,
            }
            self.changed.push(id);
            self.requeue(id);
        }
        self.by_point.insert(point, ids);
    }

    /// Another device tells a point from now on: what its counter shows is no gain over the one before.
    pub fn replaced(&mut self, point: PointId) {
        for id in self.by_point.get(&point).into_iter().flatten() {
            if let Some(Follow::Used(used)) =
                self.entries.get_mut(id.0 as usize).map(|entry| &mut entry.follow)
            {
                used.replaced();
            }
        }
    }

    /// A rule started: what counts from there begins now. `current` gives the present good value of a point.
    pub fn started(&mut self, rule: u32, now: Mono, current: impl Fn(PointId) -> (Option<Finite>, Mono)) {
        for id in self.by_rule.get(&rule).cloned().unwrap_or_default() {
            let Some(entry) = self.entries.get_mut(id.0 as usize) else { continue };
            match (&mut entry.follow, entry.key) {
                (Follow::SinceActive(extremes), TrackerKey::SinceActive { point, .. }) => {
                    let (value, until) = current(point);
                    let mut fresh = Extremes::default();
                    fresh.sample(now, value, until);
                    *extremes = Some(fresh);
                }
                (Follow::AtStart(value), TrackerKey::AtStart { point, .. }) => *value = current(point).0,
                (Follow::Starts(moments), _) => {
                    if moments.len() == STARTS_MAX {
                        moments.pop_front();
                    }
                    moments.push_back(now);
                }
                _ => continue,
            }
            self.changed.push(id);
            self.requeue(id);
        }
    }

    /// Brings everything whose deadline has come up to `now`. Call it in every step before programs are evaluated, and
    /// with `wall_changed` when the wall clock was set.
    pub fn tick(&mut self, now: Mono, wall: &Wall, catalog: &Catalog, wall_changed: bool) {
        if wall_changed {
            for id in self.clocks.clone() {
                self.wake(id, now, wall, catalog);
            }
        }
        while let Some((moment, id)) = self.due.first().copied().filter(|(moment, _)| *moment <= now) {
            self.due.remove(&(moment, id));
            if let Some(entry) = self.entries.get_mut(id.0 as usize) {
                entry.due = None;
            }
            self.wake(id, now, wall, catalog);
        }
    }

    fn wake(&mut self, id: TrackerId, now: Mono, wall: &Wall, catalog: &Catalog) {
        let Some(entry) = self.entries.get_mut(id.0 as usize) else { return };
        let is_by_clock = matches!(entry.follow, Follow::Clock(_) | Follow::Used(_));
        let mut clock_next = None;
        let changed = match &mut entry.follow {
            Follow::Window(window) => window.advance(now),
            Follow::Starts(moments) => {
                let before = moments.len();
                if let TrackerKey::Starts { span, .. } = entry.key {
                    while moments.front().is_some_and(|moment| moment.after(span) <= now) {
                        moments.pop_front();
                    }
                }
                moments.len() != before
            }
            Follow::Clock(truth) => {
                let (new, next) = clock_truth(entry.key, now, wall, catalog);
                clock_next = next;
                core::mem::replace(truth, new) != new
            }
            Follow::Used(used) => {
                let TrackerKey::Used { time, .. } = entry.key else { return };
                let (changed, next) = used.tick(now, wall, catalog, time);
                clock_next = next;
                changed
            }
            Follow::SinceActive(_) | Follow::AtStart(_) => false,
        };
        if changed {
            self.changed.push(id);
        }
        match clock_next {
            Some(next) => self.queue(id, next),
            // Nobody knows the time any more: what was to come at an hour of the day has no moment.
            None if is_by_clock => self.unqueue(id),
            None => self.requeue(id),
        }
    }

    /// Queues a tracker for the deadline it knows itself.
    fn requeue(&mut self, id: TrackerId) {
        let Some(entry) = self.entries.get(id.0 as usize) else { return };
        let next = match (&entry.follow, entry.key) {
            (Follow::Window(window), _) => window.next(),
            (Follow::Starts(moments), TrackerKey::Starts { span, .. }) => {
                moments.front().map(|first| first.after(span))
            }
            _ => return,
        };
        if let Some(next) = next {
            self.queue(id, next);
        }
    }

    fn queue(&mut self, id: TrackerId, next: Mono) {
        let Some(entry) = self.entries.get_mut(id.0 as usize) else { return };
        if entry.due == Some(next) {
            return;
        }
        if let Some(old) = entry.due.replace(next) {
            self.due.remove(&(old, id));
        }
        self.due.insert((next, id));
    }

    fn unqueue(&mut self, id: TrackerId) {
        if let Some(old) = self.entries.get_mut(id.0 as usize).and_then(|entry| entry.due.take()) {
            self.due.remove(&(old, id));
        }
    }

    /// The next deadline.
    pub fn next(&self) -> Mono {
        self.due.first().map_or(Mono::MAX, |(moment, _)| *moment)
    }

    /// The next deadline, where some trackers may be late: of each, the moment up to which its own does not matter.
    pub fn next_after(&self, rests_until: impl Fn(TrackerId) -> Mono) -> Mono {
        let mut next = Mono::MAX;
        for (moment, id) in &self.due {
            if *moment >= next {
                break;
            }
            next = next.min(rests_until(*id).max(*moment));
        }
        next
    }

    /// All trackers with what they follow.
    pub fn keys(&self) -> impl Iterator<Item = (TrackerId, TrackerKey)> + '_ {
        (0..).map(TrackerId).zip(&self.entries).map(|(id, entry)| (id, entry.key))
    }

    /// The trackers that changed since this was last asked; may name one more than once.
    pub fn take_changed(&mut self, into: &mut Vec<TrackerId>) {
        into.clear();
        core::mem::swap(&mut self.changed, into);
    }

    /// What a clock tracker says.
    pub fn clock(&self, id: TrackerId) -> Option<bool> {
        match self.entries.get(id.0 as usize)?.follow {
            Follow::Clock(truth) => truth,
            _ => None,
        }
    }

    /// By how much per second the number of a tracker grows from `now` on while nothing arrives, and until when; `None` where
    /// it stands still until its tracker says that it changed.
    pub fn growth(&self, id: TrackerId, statistic: Statistic, now: Mono) -> Option<(f64, Mono)> {
        match (&self.entries.get(id.0 as usize)?.follow, statistic) {
            (Follow::Window(window), Statistic::OnTime) => window.closing(now),
            _ => None,
        }
    }

    /// Between which numbers the mean, the highest and the lowest value of a window stay while nothing arrives, and until when;
    /// `None` where that cannot be told.
    pub fn range(&self, id: TrackerId) -> Option<(Finite, Finite, Mono)> {
        match &self.entries.get(id.0 as usize)?.follow {
            Follow::Window(window) => window.range(),
            _ => None,
        }
    }

    /// A number of a tracker at `now`; `None` while unknown or where the tracker does not follow that.
    pub fn read(&self, id: TrackerId, statistic: Statistic, now: Mono) -> Option<Finite> {
        match (&self.entries.get(id.0 as usize)?.follow, statistic) {
            (Follow::Window(window), Statistic::Average) => window.average(),
            (Follow::Window(window), Statistic::Highest) => window.highest(),
            (Follow::Window(window), Statistic::Lowest) => window.lowest(),
            (Follow::Window(window), Statistic::Rate(factor)) => window.rate()?.times(factor),
            (Follow::Window(window), Statistic::CounterRate(factor)) => {
                window.rate().filter(|_| !window.fell())?.times(factor)
            }
            (Follow::Window(window), Statistic::OnTime) => Some(window.closed(now)),
            (Follow::SinceActive(Some(extremes)), Statistic::Highest) => extremes.high,
            (Follow::SinceActive(Some(extremes)), Statistic::Lowest) => extremes.low,
            (Follow::SinceActive(Some(extremes)), Statistic::Average) => extremes.average(),
            (Follow::SinceActive(Some(extremes)), Statistic::Rate(factor)) => extremes.rate()?.times(factor),
            (Follow::SinceActive(Some(extremes)), Statistic::CounterRate(factor)) => {
                extremes.rate().filter(|_| !extremes.fell)?.times(factor)
            }
            (Follow::Used(used), Statistic::Used) => used.read(),
            (Follow::AtStart(value), Statistic::AtStart) => *value,
            (Follow::Starts(moments), Statistic::Starts) => Some(Finite::from(moments.len() as i32)),
            _ => None,
        }
    }

    /// Takes over what another set followed, where this set follows the same. `point_to` and `rule_to` map the other's
    /// ids to ours; `rebase` moves its moments to our clock.
    pub fn take_over(
        &mut self,
        other: &Self,
        point_to: &dyn Fn(PointId) -> Option<PointId>,
        rule_to: &dyn Fn(u32) -> Option<u32>,
        rebase: &dyn Fn(Mono) -> Mono,
        gap: Gap,
    ) {
        for entry in &other.entries {
            let Some(id) = entry.key.moved(point_to, rule_to).and_then(|key| self.find(&key)) else {
                continue;
            };
            let mut follow = entry.follow.clone();
            match &mut follow {
                Follow::Clock(_) => continue,
                Follow::Window(window) if gap.is_power_cut() => window.moved(rebase),
                Follow::Window(_) | Follow::AtStart(_) => {}
                Follow::Starts(moments) => moments.iter_mut().for_each(|moment| *moment = rebase(*moment)),
                Follow::SinceActive(Some(extremes)) if gap.is_power_cut() => extremes.moved(rebase),
                Follow::SinceActive(_) => {}
                Follow::Used(used) => used.bridge(gap),
            }
            if let Some(place) = self.entries.get_mut(id.0 as usize) {
                place.follow = follow;
            }
            self.requeue(id);
        }
    }
}

impl Extremes {
    fn sample(&mut self, now: Mono, value: Option<Finite>, until: Mono) {
        if let Some((held, usable, from)) = self.held {
            let span = now.min(usable).since(from);
            self.area = Finite::saturating(self.area.get() + held.get() * span.secs_f64());
            self.known = self.known.plus(span);
        }
        self.held = value.map(|value| (value, until, now));
        if let Some(value) = value {
            self.fell |= self.last.is_some_and(|(last, _)| value < last);
            self.low = Some(self.low.map_or(value, |low| low.min(value)));
            self.high = Some(self.high.map_or(value, |high| high.max(value)));
            self.first.get_or_insert((value, now));
            self.last = Some((value, now));
        }
    }

    /// Change per second from the first value to the last; unknown before there is a second one.
    fn rate(&self) -> Option<Finite> {
        let ((first, from), (last, to)) = self.first.zip(self.last)?;
        let seconds = to.since(from).secs_f64();
        Finite::new((last.get() - first.get()) / seconds).filter(|_| seconds > 0.0)
    }

    /// The same on a clock that was moved; the time between is unknown.
    fn moved(&mut self, rebase: &dyn Fn(Mono) -> Mono) {
        self.held = None;
        self.first = self.first.map(|(value, at)| (value, rebase(at)));
        self.last = self.last.map(|(value, at)| (value, rebase(at)));
    }

    /// Mean up to the last sample; the value itself before there is a second one.
    fn average(&self) -> Option<Finite> {
        if self.known == Span::ZERO {
            return self.held.map(|(value, ..)| value);
        }
        Finite::new(self.area.get() / self.known.secs_f64())
    }
}

fn clock_truth(key: TrackerKey, now: Mono, wall: &Wall, catalog: &Catalog) -> (Option<bool>, Option<Mono>) {
    let Some(utc) = wall.utc(now) else { return (None, None) };
    let zone = &catalog.zone;
    let local = zone.local(utc);
    let midnight = || Some(wall.mono(almanac::next_midnight(zone, utc)));
    match key {
        TrackerKey::Between { from, to } => match almanac::between(zone, catalog.place, utc, from, to) {
            Some((inside, next)) => {
                (Some(inside), Some(next.map_or(now.after(CLOCK_RECHECK), |edge| wall.mono(edge))))
            }
            None => (None, Some(now.after(CLOCK_RECHECK))),
        },
        TrackerKey::Weekday(mask) => (Some(mask >> local.weekday & 1 == 1), midnight()),
        TrackerKey::Calendar(id) => {
            let calendar = catalog.calendars.get(id.index());
            (calendar.map(|calendar| calendar.days.binary_search(&local.day).is_ok()), midnight())
        }
        _ => (None, None),
    }
}
