//! Storms: engine, rules, guard and link in one thread and in made-up time, while everything around them goes wrong.
//!
//! A seed gives a site, a day and a weather of faults. What engine and guard say is held against what the manual promises,
//! step by step, by an observer that knows nothing of them; then comes the calm, in which everything must find back to what
//! a pair that was just started says. The same seed gives the same storm, bit for bit.
//!
//! ```text
//!   weather ── faults ──> sensors, devices, wire, disks, clock, processes, files, people
//!                              |          ^                        |
//!                          samples     writes                  frames, answers
//!                              v          |                        v
//!                            program ── frames ──> guard ── permits ──> doors of the devices
//!                              \______________ observer ______________/
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `site` | the site of the storms, and the sets that are made of it |
//! | `weather`, `happen` | which fault comes when, and what it does |
//! | `field`, `devices` | what is so, sensors that tell of it, devices that obey |
//! | `program`, `shield` | both processes, and the wire between them |
//! | `lives`, `reloads` | ends and beginnings, what disks kept of it, other files |
//! | `watch` | the observer |
//! | `calm` | what must be so after the storm |
//! | `several` | many storms, on several threads |
//!
//! What it must never do: read a clock, a file or a random number that does not come from the seed.

mod calm;
mod devices;
mod dice;
mod field;
mod happen;
mod lives;
mod post;
mod program;
mod reloads;
mod several;
mod shield;
mod site;
mod tally;
mod watch;
mod weather;

pub use several::{Findings, several};
pub use site::Sets;
pub use tally::{Fault, Tally};

use ballast_engine::Input as EngineInput;
use ballast_guard::Input as GuardInput;
use ballast_model::catalog::Facet;
use ballast_model::frame::Frame;
use ballast_model::time::BOOT_ORIGIN;
use ballast_model::{Mono, Sample, Span, Utc, Wanted};
use devices::Devices;
use dice::Dice;
use field::{Effects, Sensors, Truth};
use lives::{Disks, WallClock};
use post::{Parcel, Post, To};
use program::{Program, Wire};
use shield::Shield;
use site::{GENSET_RUN, HEATER, NORTH, PUMP, Places, SCHOOL, SOUTH, SetName};
use std::panic::{AssertUnwindSafe, catch_unwind};
use watch::{GuardWatch, Terms};
use weather::Weather;

/// Shortest and longest storm that a seed draws by itself.
const LENGTHS_MS: (u64, u64) = (600_000, 3_600_000);
/// A mirror of each machine is made about this often, ms.
const MIRROR_MS: u64 = 240_000;

/// Which storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Everything is drawn from this number.
    pub seed: u64,
    /// How long it storms; `None`: 10 to 60 minutes, as the seed says.
    pub length: Option<Span>,
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Of which storm.
    pub wish: Wish,
    /// After how many steps of engine and guard.
    pub step: u64,
    /// How long after the storm began.
    pub after: Span,
    /// What the wall clock showed.
    pub utc: Utc,
    /// What is wrong.
    pub what: String,
}

/// What became of one storm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was counted.
    pub tally: Tally,
    /// A hash over everything that engine and guard said.
    pub hash: u64,
    /// The first promise that was broken.
    pub violation: Option<Violation>,
}

/// One storm from its beginning to the end of its calm.
pub fn run(wish: Wish, sets: &mut Sets) -> Outcome {
    let drawn = Dice::new(wish.seed, 0).millis(LENGTHS_MS.0, LENGTHS_MS.1);
    let length = wish.length.unwrap_or(drawn);
    let mut tally = Tally::default();
    let mut storm = match Storm::new(wish, length, sets) {
        Ok(storm) => storm,
        Err(what) => return refused(wish, what),
    };
    let ended = catch_unwind(AssertUnwindSafe(|| storm.blow(length)));
    if ended.is_err() {
        storm.broken("something panicked; the place stands above".to_owned());
    }
    tally.add(&storm.tally);
    tally.checks += storm.guard.watch.checks + storm.program.watch.checks;
    Outcome { tally, hash: storm.hash, violation: storm.violation }
}

fn refused(wish: Wish, what: String) -> Outcome {
    let violation = Violation { wish, step: 0, after: Span::ZERO, utc: Utc::from_millis(0), what };
    Outcome { tally: Tally::default(), hash: 0, violation: Some(violation) }
}

/// A storm.
struct Storm<'a> {
    wish: Wish,
    sets: &'a mut Sets,
    places: Places,
    now: Mono,
    started: Mono,
    dice: Dice,
    weather: Weather,
    truth: Truth,
    truth_at: Mono,
    sensors: Sensors,
    devices: Devices,
    post: Post,
    wire: Wire,
    clock: WallClock,
    disks: Disks,
    program: Program,
    guard: Shield,
    /// What lies on the disk as files of the site, and when both take it up.
    files: SetName,
    load_at: Mono,
    reloaded_at: Mono,
    /// When the power was cut last.
    cut_at: Option<Mono>,
    mirrors_at: Mono,
    tally: Tally,
    hash: u64,
    violation: Option<Violation>,
}

impl<'a> Storm<'a> {
    fn new(wish: Wish, length: Span, sets: &'a mut Sets) -> Result<Self, String> {
        let now = Mono::from_nanos(BOOT_ORIGIN.nanos()).after(Span::from_secs(100));
        let mut dice = Dice::new(wish.seed, 2);
        let base_ms = begins(&mut dice, length);
        let truth = Truth::new(&mut dice);
        let mut storm = Self::still(wish, dice, base_ms, truth, now, sets)?;
        storm.weather = Weather::new(wish.seed, length, now);
        Ok(storm)
    }

    /// A site at which nothing goes wrong.
    fn still(
        wish: Wish,
        mut dice: Dice,
        base_ms: i64,
        truth: Truth,
        now: Mono,
        sets: &'a mut Sets,
    ) -> Result<Self, String> {
        let files = SetName { rules: 0, safety: 0 };
        let set = sets.get(files)?;
        let places = sets.places.clone();
        let mut program = Program::new(set.clone(), files, now);
        let clock = WallClock {
            base_ms,
            began: now,
            is_trusted: true,
            set_at: Mono::ZERO,
            untrusted_until: Mono::ZERO,
        };
        program.inputs.push(EngineInput::Wall(clock.wall(now)));
        let watch = GuardWatch::new(now, Terms::of(files.safety));
        Ok(Self {
            wish,
            now,
            started: now,
            weather: Weather::calm(),
            truth,
            truth_at: now,
            sensors: Sensors::new(now, &mut dice),
            devices: Devices::new(now, &places, &mut dice),
            post: Post::default(),
            wire: Wire::default(),
            clock,
            disks: Disks::empty(now.after(Span::from_secs(1))),
            program,
            guard: Shield::new(set.guard(now), files.safety, watch, now),
            files,
            load_at: Mono::MAX,
            reloaded_at: Mono::ZERO,
            cut_at: None,
            mirrors_at: now.after(Span::from_secs(20)),
            tally: Tally::default(),
            hash: wish.seed,
            violation: None,
            places,
            dice,
            sets,
        })
    }

    /// Storm and calm.
    fn blow(&mut self, length: Span) {
        self.go_on_until(self.started.after(length));
        if self.violation.is_none() {
            self.calm_down();
        }
    }

    fn go_on_until(&mut self, end: Mono) {
        while self.now < end && self.violation.is_none() {
            let next = self.next().max(self.now).min(end);
            let before = std::mem::replace(&mut self.now, next);
            if let Err(what) = self.turn(before) {
                self.broken(what);
            }
        }
    }

    /// The next moment at which something happens.
    fn next(&self) -> Mono {
        self.post
            .next()
            .min(self.sensors.next())
            .min(self.devices.next())
            .min(self.weather.next)
            .min(self.program.next())
            .min(self.guard.next())
            .min(self.load_at)
            .min(self.disks.next)
            .min(self.mirrors_at)
    }

    /// Everything that happens at one moment.
    fn turn(&mut self, before: Mono) -> Result<(), String> {
        let now = self.now;
        self.look_at_the_clock(before);
        if let Some(fault) = self.weather.draw(now) {
            self.happen(fault)?;
        }
        if self.sensors.next() <= now {
            self.measure();
        }
        if self.devices.next() <= now {
            self.look_at_devices();
        }
        self.start_what_is_due()?;
        while let Some((to, parcel)) = self.post.take(now) {
            self.deliver(to, parcel);
        }
        if self.load_at <= now {
            self.load()?;
        }
        self.run_program();
        self.run_guard();
        if self.guard.dies_at <= now {
            self.die();
        }
        if self.guard.ends_at <= now {
            self.end_the_guard();
        }
        if self.disks.next <= now {
            self.keep();
        }
        if self.mirrors_at <= now {
            self.mirrors_at = now.after(self.dice.millis(MIRROR_MS / 2, 2 * MIRROR_MS));
            self.look_into_the_mirror();
            self.look_into_the_guards_mirror();
        }
        Ok(())
    }

    fn deliver(&mut self, to: To, parcel: Parcel) {
        let now = self.now;
        let (life, frozen_until) = match to {
            To::Program(life) => (life == self.program.life, self.program.frozen_until),
            To::Guard(life) => (life == self.guard.life, self.guard.frozen_until),
        };
        if !life {
            return;
        }
        if now < frozen_until {
            // It waits in a buffer of the system, and is stamped when the process reads it.
            return self.post.send(frozen_until, to, stamped(parcel, frozen_until));
        }
        match parcel {
            Parcel::Engine(input) => self.program.inputs.push(input),
            Parcel::Guard(input) => self.guard.inputs.push(input),
            Parcel::Closed(session) => self.closed(session),
            Parcel::Write(permit) => self.write(permit),
            Parcel::Frame(_) if !self.guard.listens => {}
            Parcel::Frame(bytes) => match Frame::decode(&bytes) {
                Ok(frame) => self.guard.inputs.push(GuardInput::Frame(frame)),
                Err(_) => self.cut_link(now),
            },
        }
    }

    /// The world goes on, and the sensors tell of it.
    fn measure(&mut self) {
        let now = self.now;
        let is_closed = |output| self.devices.is(output) == Wanted::CLOSED;
        let loads = [NORTH, SOUTH, SCHOOL].into_iter().filter(|load| is_closed(*load)).count();
        let effects = Effects {
            heater: is_closed(HEATER),
            pump: is_closed(PUMP),
            genset: is_closed(GENSET_RUN),
            load_w: 1_500.0 * loads as f64,
        };
        let by = now.since(std::mem::replace(&mut self.truth_at, now));
        self.truth.go_on(now, by, effects, &mut self.dice);
        for given in self.sensors.read(now, &self.truth, &mut self.dice, &mut self.tally) {
            let id = self.places.points.get(given.point).copied().unwrap_or(self.places.genset_running);
            let guard_reads = self.guard.guard.as_ref().is_some_and(|guard| guard.reads(id));
            let at = now.after(given.late).after(Span::from_nanos(100_000 + self.dice.roll(700_000)));
            for to_guard in [true, false] {
                // What the guard reads comes to the program over the link.
                let is_cut = guard_reads && now < self.wire.cut_until;
                if (to_guard && !guard_reads) || (!to_guard && is_cut) {
                    continue;
                }
                let at = if to_guard { at } else { at.after(Span::from_nanos(300_000)) };
                // Drivers number readings by their clock.
                let sample = given.sample(id, at, at.nanos());
                for _ in 0..given.copies {
                    if to_guard {
                        let parcel = Parcel::Guard(GuardInput::Sample(sample));
                        self.post.send(at, To::Guard(self.guard.life), parcel);
                    } else {
                        let parcel = Parcel::Engine(EngineInput::Sample(sample));
                        self.post.send(at, To::Program(self.program.life), parcel);
                    }
                }
            }
        }
    }

    /// Devices say what they are.
    fn look_at_devices(&mut self) {
        let now = self.now;
        if let Some(told_at) = self.devices.revert(now) {
            self.reverted(told_at);
        }
        for (output, actual) in self.devices.polled(now) {
            let Some(id) = self.places.outputs.get(output).copied() else { continue };
            let at = now.after(Span::from_millis(2));
            let said = GuardInput::Actual { output: id, actual };
            self.post.send(at, To::Guard(self.guard.life), Parcel::Guard(said));
            let facet = self.program.set.running.catalog().output(id).map(|spec| spec.facet(Facet::Actual));
            let Some(point) = facet.filter(|_| now >= self.wire.cut_until) else { continue };
            let sample = Sample::good(point, actual.value(), at, at.nanos());
            self.post.send(at, To::Program(self.program.life), Parcel::Engine(EngineInput::Sample(sample)));
        }
    }

    /// A promise was held, or not.
    fn hold(&mut self, promise: Result<(), String>) {
        if let Err(what) = promise {
            self.broken(what);
        }
    }

    /// A promise is broken: the first one ends the storm.
    fn broken(&mut self, what: String) {
        let violation = Violation {
            wish: self.wish,
            step: self.tally.engine_steps + self.tally.guard_steps,
            after: self.now.since(self.started),
            utc: self.utc(),
            what,
        };
        self.violation.get_or_insert(violation);
    }
}

/// When a storm begins: every second one in a night in which the clocks change, every fourth one in another night.
fn begins(dice: &mut Dice, length: Span) -> i64 {
    let nights = watch::nights::CHANGES;
    let length_ms = length.millis();
    let change = match dice.roll(4) {
        0 => nights[1].0,
        1 => nights[2].0,
        // From April to September; at any time of the day, or around the daily events of a night.
        choice => {
            let utc = 1_775_000_000_000 + dice.roll(15_000_000_000) as i64;
            let events = utc - utc.rem_euclid(86_400_000) + watch::nights::EVENTS_UTC_MS;
            return if choice == 2 { utc } else { events - dice.roll(length_ms.max(2) / 2) as i64 };
        }
    };
    change - dice.roll(length_ms.max(1)) as i64
}

/// How many inputs fit into one step: up to the second reading of a point, as each is a moment of its own.
fn one_step<I, P: PartialEq>(inputs: &[I], reading_of: impl Fn(&I) -> Option<P>) -> usize {
    let mut seen: Vec<P> = Vec::with_capacity(inputs.len());
    for (index, input) in inputs.iter().enumerate() {
        let Some(point) = reading_of(input) else { continue };
        if seen.contains(&point) {
            return index;
        }
        seen.push(point);
    }
    inputs.len()
}

/// A reading that a process took late.
fn stamped(parcel: Parcel, at: Mono) -> Parcel {
    match parcel {
        Parcel::Engine(EngineInput::Sample(sample)) => {
            Parcel::Engine(EngineInput::Sample(Sample { arrival: at, ..sample }))
        }
        Parcel::Guard(GuardInput::Sample(sample)) => {
            Parcel::Guard(GuardInput::Sample(Sample { arrival: at, ..sample }))
        }
        other => other,
    }
}
