//! Equipment that reads as a test says, and takes every permit of what is there.

use super::file::Test;
use super::series::{Reading, Series};
use super::table::Table;
use crate::runtime::field::{Doors, Field};
use crate::runtime::opening::OpenField;
use crate::simulation;
use crate::simulation::plant::SharedPlant;
use crate::site::{Built, Running};
use ballast_drivers::{Batch, Report, WriteResult};
use ballast_guard::Permit;
use ballast_host::Clock;
use ballast_model::{DeviceId, Mono, OutputId, PointId, Quality, Reason, Sample, Span, Value, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the equipment of a test does, shared by the fields of all its sets.
#[derive(Clone, Debug)]
pub struct Script {
    world: Arc<Mutex<World>>,
    plant: Option<SharedPlant>,
}

#[derive(Debug)]
struct World {
    /// A moment of the clock, and how much of the test had passed by then: the clock begins anew with a boot.
    origin: (Mono, Span),
    every: Span,
    feeds: Vec<Feed>,
    /// How many readings of each point with a series came.
    next: usize,
    /// The readings of the last feeds, one for each column.
    table: Option<Table>,
    /// How many rows of it came.
    next_row: usize,
    /// When the first of the values that are said again is.
    again: Span,
    /// Rises with every sample.
    sequence: u64,
    /// Points of the plant that were heard, and what they said last.
    heard: BTreeMap<PointId, Value>,
    /// Those of them that say it again and again.
    stuck: BTreeSet<PointId>,
    /// Whose points they are.
    devices: BTreeMap<PointId, DeviceId>,
    /// What points read since somebody looked.
    seen: BTreeMap<PointId, Seen>,
    /// Devices that do not answer.
    away: BTreeSet<DeviceId>,
    /// Whose outputs they are, and what they were told last.
    outputs: BTreeMap<OutputId, (DeviceId, Option<Wanted>)>,
    /// Nothing happens after this moment: somebody looks.
    stop: Mono,
}

/// What a point read in a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The least value; none where there was not any.
    pub low: Option<Value>,
    /// The greatest one.
    pub high: Option<Value>,
    /// Whether news came that there is no value.
    pub was_bad: bool,
}

/// What comes of one point.
#[derive(Debug)]
struct Feed {
    point: PointId,
    device: Option<DeviceId>,
    /// Nothing for a column of the table.
    series: Option<Series>,
    /// A value is said again after so long, where it would grow old before the next reading.
    pause: Option<Span>,
    /// What it says, and when it says it again.
    says: Option<(Value, Span)>,
    is_stuck: bool,
}

impl Script {
    /// The script of a test that begins at a moment. What no series and no table says comes of the plant, where there is one.
    pub fn new(begin: Mono, test: &Test, plant: Option<SharedPlant>, running: &Running) -> Self {
        let (catalog, every) = (running.catalog(), test.every);
        let feed = |(point, series): (PointId, Option<Series>)| {
            let spec = catalog.point(point);
            let age = spec.and_then(|spec| spec.max_age);
            // What lives for two readings needs no word between them; nobody knows how far the rows of a table lie apart.
            let lives = |age: &Span| series.is_none() || age.nanos() < every.nanos().saturating_mul(2);
            let pause = age.filter(lives);
            let pause = pause.map(|age| Span::from_nanos((age.nanos() / 2).max(1_000_000)));
            let device = spec.and_then(|spec| spec.device);
            Feed { point, device, series, pause, says: None, is_stuck: false }
        };
        let series = test.points.iter().map(|(point, series)| (*point, Some(series.clone())));
        let columns = test.table.iter().flat_map(Table::points).map(|point| (point, None));
        let outputs = (0..).map(OutputId).zip(&catalog.outputs);
        let devices = (0..).map(PointId).zip(&catalog.points);
        let devices = devices.filter_map(|(point, spec)| Some((point, spec.device?)));
        let world = World {
            origin: (begin, Span::ZERO),
            every,
            feeds: series.chain(columns).map(feed).collect(),
            next: 0,
            table: test.table.clone(),
            next_row: 0,
            again: Span::MAX,
            sequence: 0,
            heard: BTreeMap::new(),
            stuck: BTreeSet::new(),
            devices: devices.collect(),
            seen: BTreeMap::new(),
            away: BTreeSet::new(),
            outputs: outputs.map(|(id, spec)| (id, (spec.device, None))).collect(),
            stop: begin,
        };
        Self { world: Arc::new(Mutex::new(world)), plant }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // A holder that panicked leaves a world that is as good as any.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time go on until then, and no further.
    pub fn go_on_until(&self, stop: Mono) {
        self.world().stop = stop;
    }

    /// A program begins anew when so much of the test has passed, and the clock of its boot shows `now`: whatever has a value
    /// says it at once.
    pub fn begin_anew(&self, passed: Span, now: Mono) {
        let mut world = self.world();
        world.origin = (now, passed);
        world.stop = now;
        // Nobody heard what was read meanwhile: only the last of it counts.
        while world.next_reading().plus(world.every) <= passed {
            world.read(passed, now, &mut Batch::default());
            world.next += 1;
        }
        while world.next_row_at().is_some_and(|at| at <= passed) {
            world.read_row(passed, now, &mut Batch::default());
            world.next_row += 1;
        }
        for feed in &mut world.feeds {
            feed.says = feed.says.map(|(value, _)| (value, passed));
        }
        world.again = passed;
    }

    /// Whoever switched by a relay lost what it was told: the power is gone.
    pub fn power_goes(&self) {
        for output in self.world().outputs.values_mut() {
            output.1 = None;
        }
    }

    /// Devices answer no more, or again; what they tell by that.
    pub fn set_away(&self, devices: &[DeviceId], is_away: bool, now: Mono) -> Batch {
        let mut batch = Batch::default();
        let mut world = self.world();
        let world = &mut *world;
        for device in devices {
            if is_away {
                world.away.insert(*device)
            } else {
                world.away.remove(device)
            };
        }
        for feed in
            world.feeds.iter().filter(|feed| feed.device.is_some_and(|device| devices.contains(&device)))
        {
            world.sequence += 1;
            match feed.says.filter(|_| !is_away) {
                Some((value, _)) => batch.samples.push(Sample::good(feed.point, value, now, world.sequence)),
                None if is_away => {
                    batch.samples.push(Sample::bad(feed.point, Reason::Offline, now, world.sequence));
                }
                None => {}
            }
        }
        for (output, (device, told)) in &world.outputs {
            if !devices.contains(device) {
                continue;
            }
            batch.reports.push(Report::Reach { output: *output, is_there: !is_away, at: now });
            let (actual, quality) = if is_away {
                (None, Quality::Bad(Reason::Offline))
            } else if told.is_some() {
                (*told, Quality::Good)
            } else {
                continue;
            };
            batch.reports.push(Report::Actual { output: *output, actual, quality, at: now });
        }
        batch
    }

    /// A point says from now on what it says now, or follows its readings again.
    pub fn set_stuck(&self, point: PointId, is_stuck: bool) {
        let mut world = self.world();
        for feed in world.feeds.iter_mut().filter(|feed| feed.point == point) {
            feed.is_stuck = is_stuck;
        }
        if is_stuck {
            world.stuck.insert(point)
        } else {
            world.stuck.remove(&point)
        };
    }

    /// What a point read since the last call of [`Self::look_anew`].
    pub fn seen(&self, point: PointId) -> Option<Seen> {
        self.world().seen.get(&point).copied()
    }

    /// From now on other readings count.
    pub fn look_anew(&self) {
        self.world().seen.clear();
    }

    /// Opens the equipment of a set.
    pub fn opener(&self, clock: Arc<Clock>) -> Box<OpenField> {
        let script = self.clone();
        let plant = |plant| simulation::field::opener(plant, clock, None, None);
        let mut plant = self.plant.clone().map(plant);
        Box::new(move |built: &mut Built, epoch| {
            Box::new(ScriptedField {
                script: script.clone(),
                doors: Doors::default(),
                definitions: built.running.definitions,
                plant: plant.as_mut().map(|open| open(built, epoch)),
            })
        })
    }
}

impl World {
    fn passed(&self, now: Mono) -> Span {
        self.origin.1.plus(now.since(self.origin.0))
    }

    /// When a part of the test has passed.
    fn moment(&self, passed: Span) -> Mono {
        self.origin.0.after(Span::from_nanos(passed.nanos().saturating_sub(self.origin.1.nanos())))
    }

    /// How much of the test has passed when the next readings come.
    fn next_reading(&self) -> Span {
        let number = u64::try_from(self.next).unwrap_or(u64::MAX);
        Span::from_nanos(self.every.nanos().saturating_mul(number))
    }

    fn is_away(&self, output: OutputId) -> bool {
        self.outputs.get(&output).is_some_and(|(device, _)| self.away.contains(device))
    }

    /// What the plant told, where no series tells it, and whoever tells it is there.
    fn hear(&mut self, mut told: Batch, now: Mono, batch: &mut Batch) {
        for mut sample in told.samples.drain(..) {
            let device = self.devices.get(&sample.point);
            let is_away = device.is_some_and(|device| self.away.contains(device));
            if is_away || self.feeds.iter().any(|feed| feed.point == sample.point) {
                continue;
            }
            self.sequence += 1;
            sample.sequence = self.sequence;
            match (self.heard.get(&sample.point), sample.value) {
                (Some(value), _) if self.stuck.contains(&sample.point) => {
                    sample = Sample::good(sample.point, *value, now, self.sequence);
                }
                (_, Some(value)) => drop(self.heard.insert(sample.point, value)),
                (_, None) => {}
            }
            batch.samples.push(sample);
        }
        for report in told.reports.drain(..) {
            if let Report::Actual { output, actual: Some(wanted), .. } = &report {
                if self.is_away(*output) {
                    continue;
                }
                if let Some((_, told)) = self.outputs.get_mut(output) {
                    *told = Some(*wanted);
                }
            }
            batch.reports.push(report);
        }
    }

    /// Keeps what a point read for who asks what it was all the time.
    fn see(&mut self, sample: &Sample) {
        let nothing = Seen { low: None, high: None, was_bad: false };
        let seen = self.seen.entry(sample.point).or_insert(nothing);
        let Some(value) = sample.value.filter(|_| sample.quality.is_good()) else {
            seen.was_bad = true;
            return;
        };
        let number = |value: Value| if let Value::Number(number) = value { number.get() } else { 0.0 };
        if seen.low.is_none_or(|low| number(value) < number(low)) {
            seen.low = Some(value);
        }
        if seen.high.is_none_or(|high| number(value) >= number(high)) {
            seen.high = Some(value);
        }
    }

    /// How much of the test has passed at the next row of the table.
    fn next_row_at(&self) -> Option<Span> {
        self.table.as_ref()?.at(self.next_row)
    }

    /// When somebody says something.
    fn due(&self) -> Mono {
        let row = self.next_row_at().unwrap_or(Span::MAX);
        self.moment(self.next_reading().min(self.again).min(row))
    }

    /// What is said by now.
    fn speak(&mut self, now: Mono, batch: &mut Batch) {
        let passed = self.passed(now);
        while self.next_reading() <= passed {
            self.read(passed, now, batch);
            self.next += 1;
            self.again = self.first_again();
        }
        while self.next_row_at().is_some_and(|at| at <= passed) {
            self.read_row(passed, now, batch);
            self.next_row += 1;
            self.again = self.first_again();
        }
        if self.again > passed {
            return;
        }
        let (away, sequence) = (&self.away, &mut self.sequence);
        for feed in &mut self.feeds {
            let Some((value, again)) = &mut feed.says else { continue };
            if *again <= passed {
                *again = feed.pause.map_or(Span::MAX, |pause| passed.plus(pause));
                if !feed.device.is_some_and(|device| away.contains(&device)) {
                    *sequence += 1;
                    batch.samples.push(Sample::good(feed.point, *value, now, *sequence));
                }
            }
        }
        self.again = self.first_again();
    }

    fn first_again(&self) -> Span {
        let again = self.feeds.iter().filter_map(|feed| feed.says).map(|(_, again)| again);
        again.min().unwrap_or(Span::MAX)
    }

    /// The next readings come.
    fn read(&mut self, passed: Span, now: Mono, batch: &mut Batch) {
        let next = self.next;
        for index in 0..self.feeds.len() {
            let series = self.feeds.get(index).and_then(|feed| feed.series.as_ref());
            if let Some(reading) = series.map(|series| series.at(next).unwrap_or(Reading::Nothing)) {
                self.take(index, reading, passed, now, batch);
            }
        }
    }

    /// The next row of the table comes; where a cell is empty, all goes on as before.
    fn read_row(&mut self, passed: Span, now: Mono, batch: &mut Batch) {
        let (row, columns) = (self.next_row, self.table.iter().flat_map(Table::points).count());
        let first = self.feeds.len().saturating_sub(columns);
        for column in 0..columns {
            if let Some(reading) = self.table.as_ref().and_then(|table| table.cell(row, column)) {
                self.take(first + column, reading, passed, now, batch);
            }
        }
    }

    /// A reading of one feed comes.
    fn take(&mut self, index: usize, mut reading: Reading, passed: Span, now: Mono, batch: &mut Batch) {
        let Some(feed) = self.feeds.get_mut(index) else { return };
        if let (true, Reading::Value(_), Some((value, _))) = (feed.is_stuck, reading, feed.says) {
            reading = Reading::Value(value);
        }
        feed.says = match reading {
            Reading::Value(value) => Some((value, passed.plus(feed.pause.unwrap_or(Span::MAX)))),
            Reading::Nothing | Reading::Bad(_) => None,
        };
        if feed.device.is_some_and(|device| self.away.contains(&device)) {
            return;
        }
        self.sequence += 1;
        match reading {
            Reading::Value(value) => batch.samples.push(Sample::good(feed.point, value, now, self.sequence)),
            Reading::Bad(reason) => batch.samples.push(Sample::bad(feed.point, reason, now, self.sequence)),
            Reading::Nothing => {}
        }
    }
}

struct ScriptedField {
    script: Script,
    doors: Doors,
    definitions: u64,
    /// What goes on by itself, where something does.
    plant: Option<Box<dyn Field>>,
}

impl Field for ScriptedField {
    fn apply(&mut self, permit: Permit, now: Mono, batch: &mut Batch) {
        let output = permit.output();
        if let Some(plant) = self.plant.as_mut().filter(|_| !self.script.world().is_away(output)) {
            let mut told = Batch::default();
            plant.apply(permit, now, &mut told);
            self.script.world().hear(told, now, batch);
            return;
        }
        self.doors.carry_out(permit, now, batch, |wanted| {
            let mut world = self.script.world();
            let world = &mut *world;
            match world.outputs.get_mut(&output) {
                Some((device, _)) if world.away.contains(device) => return WriteResult::Offline,
                Some((_, told)) => *told = Some(wanted),
                None => {}
            }
            WriteResult::Done
        });
    }

    fn fits(&self, definitions: u64) -> bool {
        self.definitions == definitions
    }

    fn patience(&self, _clock: &Clock, _wake: Mono) -> Duration {
        Duration::ZERO
    }

    fn advance(&mut self, clock: &Clock, wake: Mono, batch: &mut Batch) {
        let until = {
            let world = self.script.world();
            world.due().min(wake).min(world.stop)
        };
        let mut told = Batch::default();
        match &mut self.plant {
            // A plant goes on by a millisecond at least, and nobody waits for one here.
            Some(plant) if clock.now() < until => plant.advance(clock, until, &mut told),
            Some(_) => {}
            None => clock.advance(until),
        }
        let mut world = self.script.world();
        let before = batch.samples.len();
        world.hear(told, clock.now(), batch);
        world.speak(clock.now(), batch);
        for sample in batch.samples.iter().skip(before) {
            world.see(sample);
        }
    }
}
