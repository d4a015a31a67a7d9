//! Equipment that reads as a test says, and takes every permit of what is there.

use super::series::{Reading, Series};
use crate::runtime::field::{Doors, Field};
use crate::runtime::opening::OpenField;
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
}

#[derive(Debug)]
struct World {
    /// A moment of the clock, and how much of the test had passed by then: the clock begins anew with a boot.
    origin: (Mono, Span),
    every: Span,
    feeds: Vec<Feed>,
    /// How many readings of each point came.
    next: usize,
    /// When the first of the values that are said again is.
    again: Span,
    /// Rises with every sample.
    sequence: u64,
    /// Devices that do not answer.
    away: BTreeSet<DeviceId>,
    /// Whose outputs they are, and what they were told last.
    outputs: BTreeMap<OutputId, (DeviceId, Option<Wanted>)>,
    /// Nothing happens after this moment: somebody looks.
    stop: Mono,
}

/// What comes of one point.
#[derive(Debug)]
struct Feed {
    point: PointId,
    device: Option<DeviceId>,
    series: Series,
    /// A value is said again after so long, where it would grow old before the next reading.
    pause: Option<Span>,
    /// What it says, and when it says it again.
    says: Option<(Value, Span)>,
    is_stuck: bool,
}

impl Script {
    /// A script that begins at a moment, with a reading of each point after every span.
    pub fn new(begin: Mono, every: Span, points: Vec<(PointId, Series)>, running: &Running) -> Self {
        let catalog = running.catalog();
        let feed = |(point, series): (PointId, Series)| {
            let spec = catalog.point(point);
            let age = spec.and_then(|spec| spec.max_age);
            // What lives for two readings needs no word between them.
            let pause = age.filter(|age| age.nanos() < every.nanos().saturating_mul(2));
            let pause = pause.map(|age| Span::from_nanos((age.nanos() / 2).max(1_000_000)));
            let device = spec.and_then(|spec| spec.device);
            Feed { point, device, series, pause, says: None, is_stuck: false }
        };
        let outputs = (0..).map(OutputId).zip(&catalog.outputs);
        let world = World {
            origin: (begin, Span::ZERO),
            every,
            feeds: points.into_iter().map(feed).collect(),
            next: 0,
            again: Span::MAX,
            sequence: 0,
            away: BTreeSet::new(),
            outputs: outputs.map(|(id, spec)| (id, (spec.device, None))).collect(),
            stop: begin,
        };
        Self { world: Arc::new(Mutex::new(world)) }
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
        for feed in self.world().feeds.iter_mut().filter(|feed| feed.point == point) {
            feed.is_stuck = is_stuck;
        }
    }

    /// Opens the equipment of a set.
    pub fn opener(&self) -> Box<OpenField> {
        let script = self.clone();
        Box::new(move |built: &mut Built, _epoch| {
            Box::new(ScriptedField {
                script: script.clone(),
                doors: Doors::default(),
                definitions: built.running.definitions,
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

    /// When somebody says something.
    fn due(&self) -> Mono {
        self.moment(self.next_reading().min(self.again))
    }

    /// What is said by now.
    fn speak(&mut self, now: Mono, batch: &mut Batch) {
        let passed = self.passed(now);
        while self.next_reading() <= passed {
            self.read(passed, now, batch);
            self.next += 1;
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
        for feed in &mut self.feeds {
            let mut reading = feed.series.at(next).unwrap_or(Reading::Nothing);
            if let (true, Reading::Value(_), Some((value, _))) = (feed.is_stuck, reading, feed.says) {
                reading = Reading::Value(value);
            }
            feed.says = match reading {
                Reading::Value(value) => Some((value, passed.plus(feed.pause.unwrap_or(Span::MAX)))),
                Reading::Nothing | Reading::Bad(_) => None,
            };
            if feed.device.is_some_and(|device| self.away.contains(&device)) {
                continue;
            }
            self.sequence += 1;
            match reading {
                Reading::Value(value) => {
                    batch.samples.push(Sample::good(feed.point, value, now, self.sequence))
                }
                Reading::Bad(reason) => {
                    batch.samples.push(Sample::bad(feed.point, reason, now, self.sequence))
                }
                Reading::Nothing => {}
            }
        }
    }
}

struct ScriptedField {
    script: Script,
    doors: Doors,
    definitions: u64,
}

impl Field for ScriptedField {
    fn apply(&mut self, permit: Permit, now: Mono, batch: &mut Batch) {
        let output = permit.output();
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
        let mut world = self.script.world();
        clock.advance(world.due().min(wake).min(world.stop));
        world.speak(clock.now(), batch);
    }
}
