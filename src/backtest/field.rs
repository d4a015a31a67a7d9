//! Equipment that reads what was read then, and takes every permit.

use super::source::{PastReading, SampleSource};
use crate::runtime::field::{Doors, Field};
use crate::site::Running;
use ballast_config::load::Site;
use ballast_drivers::{Batch, WriteResult};
use ballast_guard::Permit;
use ballast_host::Clock;
use ballast_model::{Mono, OutputId, PointId, Sample, Span, Utc, Value, Wanted};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// After so many steps without a word nothing is known any more: there is a gap in the past.
const GAP_STEPS: u32 = 3;
/// How long an output is held without a word of the program, at least.
const LEASE: Span = Span::from_secs(90);

/// Makes a site out of which a run through the past takes fewer turns, and the same answers.
///
/// - Values that would grow old before the next moment of the past live until there is a gap in it: a site that was asked every
///   second and wrote down every tenth answer knew them all the time. Points at whose age somebody looks are left as they are;
///   [`Past`] says their values again.
/// - Leases last: the program that renews them does not fail in made-up time.
pub fn settle(site: &mut Site, step: Span, looks_at_age: impl Fn(PointId) -> bool) {
    let gap = step.times(u64::from(GAP_STEPS));
    for (id, spec) in (0..).map(PointId).zip(&mut site.catalog.points) {
        spec.max_age =
            spec.max_age.map(|age| if is_short(age, step) && !looks_at_age(id) { gap } else { age });
    }
    for envelope in &mut Arc::make_mut(&mut site.safety).envelopes {
        envelope.lease = envelope.lease.max(LEASE);
    }
}

/// Whether values of this age grow old between two moments of the past: what lives for two steps does not.
fn is_short(age: Span, step: Span) -> bool {
    age.nanos() < step.nanos().saturating_mul(2)
}

/// An output was told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Telling {
    /// When.
    pub at: Mono,
    /// Which.
    pub output: OutputId,
    /// What.
    pub wanted: Wanted,
}

/// The past, shared by those who let it go on and the field of the set that runs.
#[derive(Clone)]
pub struct Past {
    world: Arc<Mutex<World>>,
}

struct World {
    source: Arc<dyn SampleSource>,
    /// The clock of the run at the first moment.
    begin: Mono,
    first: Utc,
    /// The moment that comes next.
    next: usize,
    sequence: u64,
    /// By point: where a value of it is among those that are said again, if it would grow old before the next moment.
    places: Vec<Option<u32>>,
    /// Points that are said again, in their order.
    says: Vec<Said>,
    again: Mono,
    told: BTreeMap<OutputId, Wanted>,
    tellings: Vec<Telling>,
    readings: Vec<PastReading>,
}

/// A point whose value is said again.
struct Said {
    point: PointId,
    /// How often.
    pause: Span,
    /// Its value, when it came, when it is said again; nothing where there is none to be said.
    last: Option<(Value, Mono, Mono)>,
}

impl Past {
    /// The past of a source, which begins now; `None` where it has no moment.
    pub fn new(source: Arc<dyn SampleSource>, begin: Mono, running: &Running) -> Option<Self> {
        let (first, _) = source.range()?;
        let step = source.step();
        let points = (0..).map(PointId).zip(&running.catalog().points);
        let mut says = Vec::new();
        let places = points.map(|(point, spec)| {
            // It is said again at the last moment at which it is not old yet: it never is, and every further word would cost
            // a turn of the machines.
            let age = spec.max_age.filter(|age| is_short(*age, step))?;
            says.push(Said { point, pause: age.max(Span::from_millis(1)), last: None });
            u32::try_from(says.len() - 1).ok()
        });
        let places = places.collect();
        let world = World {
            begin,
            first,
            next: 0,
            sequence: 0,
            places,
            says,
            again: Mono::MAX,
            told: BTreeMap::new(),
            tellings: Vec::new(),
            readings: Vec::new(),
            source,
        };
        Some(Self { world: Arc::new(Mutex::new(world)) })
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // A holder that panicked leaves a world that is as good as any.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many moments have come.
    pub fn done(&self) -> usize {
        self.world().next
    }

    /// What outputs were told since the last time; given into `out`, which is emptied before.
    pub fn take_tellings(&self, out: &mut Vec<Telling>) {
        out.clear();
        out.append(&mut self.world().tellings);
    }

    /// The equipment of a set.
    pub fn field(&self, definitions: u64) -> Box<dyn Field> {
        Box::new(PastField { past: self.clone(), doors: Doors::default(), definitions })
    }
}

impl World {
    /// When the next word comes.
    fn due(&self) -> Mono {
        let next = self.source.at(self.next).map_or(Mono::MAX, |at| self.moment(at));
        next.min(self.again)
    }

    fn moment(&self, at: Utc) -> Mono {
        let since = at.millis().saturating_sub(self.first.millis());
        self.begin.after(Span::from_millis(u64::try_from(since).unwrap_or_default()))
    }

    fn speak(&mut self, now: Mono, batch: &mut Batch) {
        while self.source.at(self.next).is_some_and(|at| self.moment(at) <= now) {
            self.read(now, batch);
            self.next += 1;
        }
        if self.again <= now {
            self.say_again(now, batch);
        }
    }

    fn read(&mut self, now: Mono, batch: &mut Batch) {
        let mut readings = std::mem::take(&mut self.readings);
        readings.clear();
        self.source.read(self.next, &mut readings);
        for PastReading { point, value } in &readings {
            self.sequence += 1;
            let place = self.places.get(point.index()).copied().flatten();
            if let Some(said) = place.and_then(|place| self.says.get_mut(place as usize)) {
                said.last = value.ok().map(|value| (value, now, now.after(said.pause)));
                self.again = self.again.min(said.last.map_or(Mono::MAX, |(_, _, again)| again));
            }
            batch.samples.push(match value {
                Ok(value) => Sample::good(*point, *value, now, self.sequence),
                Err(reason) => Sample::bad(*point, *reason, now, self.sequence),
            });
        }
        self.readings = readings;
    }

    fn say_again(&mut self, now: Mono, batch: &mut Batch) {
        let lasts = self.source.step().times(u64::from(GAP_STEPS));
        self.again = Mono::MAX;
        for Said { point, pause, last } in &mut self.says {
            last.take_if(|(_, came, _)| now >= came.after(lasts));
            let Some((value, _, again)) = last else { continue };
            if *again <= now {
                self.sequence += 1;
                batch.samples.push(Sample::good(*point, *value, now, self.sequence));
                *again = now.after(*pause);
            }
            self.again = self.again.min(*again);
        }
    }
}

struct PastField {
    past: Past,
    doors: Doors,
    definitions: u64,
}

impl Field for PastField {
    fn apply(&mut self, permit: Permit, now: Mono, batch: &mut Batch) {
        let output = permit.output();
        self.doors.carry_out(permit, now, batch, |wanted| {
            let mut world = self.past.world();
            if world.told.insert(output, wanted) != Some(wanted) {
                world.tellings.push(Telling { at: now, output, wanted });
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
        let mut world = self.past.world();
        clock.advance(world.due().min(wake));
        world.speak(clock.now(), batch);
    }
}
