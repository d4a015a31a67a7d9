//! A shell that is all ears: a runtime on a thread of its own, a clock, and a sink that keeps everything.

use ballast_drivers::{Batch, BusHandle, Clock, OpenBus, Report, Sink, WriteResult, spawn};
use ballast_model::catalog::{DeviceSpec, Kind, Noun, Origin, OutputKind, PointSpec};
use ballast_model::device::{BusDefinition, OutputDefinition, PointDefinition, Settings, Unsaid};
use ballast_model::diagnostic::{Diagnostic, FileId, Span as Place};
use ballast_model::{
    Catalog, DeviceId, Mono, OutputId, PointId, Quality, Reason, Sample, Span, Unit, Value, Wanted,
};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Longest wait for anything. Only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A bus with its points and outputs, built as the configuration would.
pub(crate) struct Site {
    pub(crate) catalog: Catalog,
    pub(crate) definition: BusDefinition,
}

pub(crate) fn settings(pairs: &[(&str, &str)]) -> Settings {
    Settings::at(pairs.iter().copied(), FileId(0), Place::new(0, 1))
}

impl Site {
    pub(crate) fn new(driver: &str, bus: &[(&str, &str)]) -> Self {
        let mut catalog = Catalog::default();
        catalog.devices.push(DeviceSpec { name: "it".into(), label: "".into(), outputs: Vec::new() });
        let definition = BusDefinition {
            name: "bus".into(),
            driver: driver.into(),
            driver_at: (FileId(0), Place::new(0, 1)),
            settings: settings(bus),
            points: Vec::new(),
            outputs: Vec::new(),
        };
        Self { catalog, definition }
    }

    pub(crate) fn kind(&mut self, name: &str, kind: Kind, keys: &[(&str, &str)]) -> PointId {
        let spec = PointSpec {
            device: Some(DeviceId(0)),
            period: Some(Span::from_millis(20)),
            is_instantaneous: true,
            ..PointSpec::new(name, kind, Origin::Measured)
        };
        let point = self.catalog.add_point(spec).unwrap();
        self.definition.points.push(PointDefinition {
            point,
            device: DeviceId(0),
            unsaid: Unsaid::Nothing,
            settings: settings(keys),
        });
        point
    }

    pub(crate) fn number(&mut self, name: &str, unit: &str, keys: &[(&str, &str)]) -> PointId {
        self.kind(name, Kind::Number(Unit::parse(unit).unwrap()), keys)
    }

    pub(crate) fn words(&mut self, name: &str, words: &[&str], keys: &[(&str, &str)]) -> PointId {
        self.kind(name, Kind::Words(words.iter().map(|word| Box::from(*word)).collect()), keys)
    }

    pub(crate) fn output(&mut self, name: &str, kind: OutputKind, keys: &[(&str, &str)]) -> OutputId {
        let output = self.catalog.add_output(name, "", DeviceId(0), kind, Wanted::OPEN).unwrap();
        self.definition.outputs.push(OutputDefinition {
            output,
            device: DeviceId(0),
            reverts_after: None,
            settings: settings(keys),
        });
        output
    }

    /// The file says that the device of an output goes back by itself.
    pub(crate) fn reverts_after(&mut self, name: &str, timer: Option<Span>) {
        let Some(Noun::Output(output)) = self.catalog.resolve(name) else { panic!("{name} is no output") };
        let mut own = self.definition.outputs.iter_mut().filter(|own| own.output == output);
        own.next().unwrap().reverts_after = timer;
    }

    /// A point of the device `it`.
    pub(crate) fn point(&self, name: &str) -> PointId {
        let name = format!("it.{name}");
        match self.catalog.resolve(&name) {
            Some(Noun::Point(point)) => point,
            other => panic!("{name}: {other:?}"),
        }
    }

    pub(crate) fn try_open(&self) -> Result<OpenBus, Vec<Diagnostic>> {
        ballast_drivers::open(&self.definition, &self.catalog)
    }

    pub(crate) fn open(&self) -> OpenBus {
        match self.try_open() {
            Ok(bus) => bus,
            Err(mistakes) => panic!("{mistakes:#?}"),
        }
    }

    /// The messages of everything that is wrong.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        self.try_open().err().unwrap_or_default().into_iter().map(|mistake| mistake.message).collect()
    }
}

/// Counts from an hour after its origin, so that earlier moments can be written down too.
pub(crate) struct TestClock(Instant);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Mono {
        Mono::from_nanos(3_600_000_000_000 + self.0.elapsed().as_nanos() as u64)
    }
}

/// Everything that came in.
#[derive(Default)]
pub(crate) struct Ear {
    heard: Mutex<Batch>,
    news: Condvar,
    is_full: AtomicBool,
    deliveries: AtomicUsize,
    /// How long a sample was on its way from its arrival to here, at most; nanoseconds.
    longest: AtomicU64,
    clock: OnceLock<Arc<TestClock>>,
}

impl Ear {
    /// How often something was delivered.
    pub(crate) fn deliveries(&self) -> usize {
        self.deliveries.load(Ordering::SeqCst)
    }

    /// How long a sample was on its way, at most.
    pub(crate) fn longest(&self) -> Span {
        Span::from_nanos(self.longest.load(Ordering::SeqCst))
    }
}

impl Sink for Ear {
    fn deliver(&self, batch: &mut Batch) -> bool {
        if self.is_full.load(Ordering::SeqCst) {
            return false;
        }
        self.deliveries.fetch_add(1, Ordering::SeqCst);
        if let (Some(clock), Some(first)) = (self.clock.get(), batch.samples.first()) {
            self.longest.fetch_max(clock.now().since(first.arrival).nanos(), Ordering::SeqCst);
        }
        let mut heard = self.heard.lock().unwrap();
        heard.samples.append(&mut batch.samples);
        heard.reports.append(&mut batch.reports);
        self.news.notify_all();
        true
    }
}

/// A running bus.
pub(crate) struct Running {
    pub(crate) ear: Arc<Ear>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) handle: BusHandle,
    rest: Rest,
}

/// Ends the runtime.
pub(crate) struct Rest {
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(bus: OpenBus) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (ear, clock) = (Arc::new(Ear::default()), TestClock::new());
        ear.clock.set(clock.clone()).ok();
        let handle = spawn(bus, runtime.handle(), clock.clone(), ear.clone());
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || drop(runtime.block_on(stopped)));
        Self { ear, clock, handle, rest: Rest { stop: Some(stop), thread: Some(thread) } }
    }

    /// Waits until what was heard satisfies `is_enough`; panics with what was heard when it does not in time.
    pub(crate) fn wait(&self, what: &str, mut is_enough: impl FnMut(&Batch) -> bool) -> Batch {
        let deadline = Instant::now() + PATIENCE;
        let mut heard = self.ear.heard.lock().unwrap();
        while !is_enough(&heard) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let last = &heard.samples[heard.samples.len().saturating_sub(5)..];
                panic!("waited in vain for {what}; reports {:#?}, last samples {last:#?}", heard.reports);
            }
            heard = self.ear.news.wait_timeout(heard, left).unwrap().0;
        }
        heard.clone()
    }

    /// Waits for the link to come or go, counting from the `from`th report.
    pub(crate) fn wait_link(&self, up: bool, from: usize) -> usize {
        let at = |heard: &Batch| {
            let place = heard
                .reports
                .iter()
                .skip(from)
                .position(|report| matches!(report, Report::Link { is_up, .. } if *is_up == up));
            place.map(|place| place + from + 1)
        };
        let heard =
            self.wait(if up { "the link" } else { "the loss of the link" }, |heard| at(heard).is_some());
        at(&heard).unwrap()
    }

    /// Waits for what became of a permit.
    pub(crate) fn wait_written(&self, counter: u64) -> WriteResult {
        let of = |heard: &Batch| {
            heard.reports.iter().find_map(|report| match report {
                Report::Written { counter: of, result, .. } if *of == counter => Some(*result),
                _ => None,
            })
        };
        let heard = self.wait("what became of a permit", |heard| of(heard).is_some());
        of(&heard).unwrap()
    }

    /// Waits for the last sample of a point to be like this.
    pub(crate) fn wait_last(&self, point: PointId, value: Option<Value>, quality: Quality) -> Sample {
        let of = |heard: &Batch| heard.samples.iter().rev().find(|sample| sample.point == point).copied();
        let is_it = |sample: &Sample| sample.value == value && sample.quality == quality;
        let what = format!("{value:?} {quality:?}");
        of(&self.wait(&what, |heard| of(heard).is_some_and(|sample| is_it(&sample)))).unwrap()
    }

    pub(crate) fn wait_offline(&self, point: PointId) {
        self.wait_last(point, None, Quality::Bad(Reason::Offline));
    }

    /// Ends the bus; the runtime goes on until the second value is dropped.
    pub(crate) fn stop(self) -> (tokio::task::JoinHandle<()>, Rest) {
        (self.handle.stop(), self.rest)
    }

    pub(crate) fn set_full(&self, is_full: bool) {
        self.ear.is_full.store(is_full, Ordering::SeqCst);
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        let is_told = self.stop.take().is_some_and(|stop| stop.send(()).is_ok());
        if let Some(thread) = self.thread.take().filter(|_| is_told) {
            thread.join().ok();
        }
    }
}

/// A number, in the base unit.
pub(crate) fn base(value: f64) -> Option<Value> {
    ballast_model::Finite::new(value).map(Value::Number)
}
