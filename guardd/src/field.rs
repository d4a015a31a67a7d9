//! The buses under the thread that decides: tasks of a runtime that runs elsewhere.

use crate::news::News;
use crate::set::Buses;
use ballast_drivers::{Batch, BusHandle, Report, Sink, WriteResult};
use ballast_guard::{Guard, Input, Permit};
use ballast_host::Clock;
use ballast_model::PointId;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

/// Where everything that buses tell goes besides: to the program. Must not wait.
pub trait Forward: Send + Sync {
    /// Buses were opened; `definitions` stands for what their ids mean.
    fn opened(&self, definitions: u64);

    /// A bus tells something.
    fn tell(&self, definitions: u64, bus: &str, batch: Batch);
}

/// What it takes to open buses.
#[derive(Clone)]
pub struct Means {
    /// The way to the thread that decides.
    pub inbox: SyncSender<News>,
    /// The time.
    pub clock: Arc<Clock>,
    /// On which the buses run.
    pub runtime: tokio::runtime::Handle,
    /// To the program.
    pub forward: Arc<dyn Forward>,
}

/// Open buses. Dropping them ends their tasks.
pub struct Field {
    handles: Vec<BusHandle>,
    /// The bus of every output.
    routes: Vec<Option<usize>>,
    definitions: u64,
}

impl Field {
    /// Opens the buses of a set, for the guard that holds to it.
    pub fn open(buses: Buses, definitions: u64, guard: &Guard, means: &Means) -> Self {
        let catalog = guard.catalog();
        let reads: Arc<[bool]> =
            (0..catalog.points.len() as u32).map(|id| guard.reads(PointId(id))).collect();
        let mut routes = vec![None; catalog.outputs.len()];
        let mut handles = Vec::new();
        means.forward.opened(definitions);
        for (bus, outputs) in buses {
            for output in outputs {
                if let Some(route) = routes.get_mut(output.index()) {
                    *route = Some(handles.len());
                }
            }
            let sink = ToDecision {
                bus: bus.name().into(),
                reads: Arc::clone(&reads),
                means: means.clone(),
                definitions,
            };
            let clock: Arc<dyn ballast_drivers::Clock> = Arc::clone(&means.clock) as _;
            handles.push(ballast_drivers::spawn(bus, &means.runtime, clock, Arc::new(sink)));
        }
        Self { handles, routes, definitions }
    }

    /// Hands a permit to its bus, without waiting and without allocating; what must be told to the guard at once is given
    /// back.
    pub fn apply(&self, permit: Permit) -> Option<Input> {
        let (output, counter) = (permit.output(), permit.counter());
        let handle = self.routes.get(output.index()).copied().flatten().and_then(|bus| self.handles.get(bus));
        let is_taken = handle.is_some_and(|bus| bus.apply(permit).is_ok());
        (!is_taken).then_some(Input::Written { output, counter, ok: false })
    }

    /// Whether these buses are those of a set with such definitions.
    pub fn fits(&self, definitions: u64) -> bool {
        self.definitions == definitions
    }
}

/// The way from a bus to the thread that decides, and to the program.
struct ToDecision {
    bus: Box<str>,
    reads: Arc<[bool]>,
    means: Means,
    definitions: u64,
}

impl Sink for ToDecision {
    fn deliver(&self, batch: &mut Batch) -> bool {
        let inputs = self.inputs(batch);
        if !inputs.is_empty() {
            match self.means.inbox.try_send(News::Field(inputs)) {
                Ok(()) => {}
                // More may stand in the batch when it is offered again.
                Err(TrySendError::Full(_)) => return false,
                // The process ends; nobody listens any more.
                Err(TrySendError::Disconnected(_)) => return true,
            }
        }
        self.means.forward.tell(self.definitions, &self.bus, std::mem::take(batch));
        true
    }
}

impl ToDecision {
    /// What the guard must know of what a bus tells.
    fn inputs(&self, batch: &Batch) -> Vec<Input> {
        let is_read = |point: PointId| self.reads.get(point.index()).copied().unwrap_or(false);
        let samples =
            batch.samples.iter().filter(|sample| is_read(sample.point)).map(|sample| Input::Sample(*sample));
        samples.chain(batch.reports.iter().filter_map(input)).collect()
    }
}

fn input(report: &Report) -> Option<Input> {
    Some(match report {
        Report::Written { output, counter, result, .. } => {
            Input::Written { output: *output, counter: *counter, ok: *result == WriteResult::Done }
        }
        Report::Actual { output, actual: Some(actual), quality, .. } if quality.is_good() => {
            Input::Actual { output: *output, actual: *actual }
        }
        Report::Reach { output, is_there, .. } => Input::Reach { output: *output, is_there: *is_there },
        Report::Actual { .. }
        | Report::Link { .. }
        | Report::Misheard { .. }
        | Report::Unclear { .. }
        | Report::WallClock { .. } => {
            return None;
        }
    })
}
