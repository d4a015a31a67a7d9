//! The buses of a running site: opened together, closed together.

use super::field::Field;
use super::message::Message;
use crate::clock::Clock;
use ballast_drivers::{Batch, BusHandle, OpenBus, Report, Sink, WriteResult};
use ballast_guard::Permit;
use ballast_model::{Mono, OutputId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

/// Buses that run as tasks; dropping them ends the tasks.
pub struct Buses {
    handles: Vec<BusHandle>,
    /// Which bus carries an output.
    routes: BTreeMap<OutputId, usize>,
    definitions: u64,
}

impl Buses {
    /// Starts every bus. What they tell carries `epoch`.
    pub fn start(
        buses: Vec<(OpenBus, Vec<OutputId>)>,
        definitions: u64,
        epoch: u32,
        sender: &SyncSender<Message>,
        clock: &Arc<Clock>,
        runtime: &tokio::runtime::Handle,
    ) -> Self {
        let mut routes = BTreeMap::new();
        let mut handles = Vec::new();
        for (bus, outputs) in buses {
            routes.extend(outputs.into_iter().map(|output| (output, handles.len())));
            let sink = Arc::new(ToDecision { epoch, bus: bus.name().into(), sender: sender.clone() });
            let clock: Arc<dyn ballast_drivers::Clock> = Arc::clone(clock) as _;
            handles.push(ballast_drivers::spawn(bus, runtime, clock, sink));
        }
        Self { handles, routes, definitions }
    }
}

impl Field for Buses {
    fn apply(&mut self, permit: Permit, now: Mono, batch: &mut Batch) {
        let (output, counter) = (permit.output(), permit.counter());
        let taken = match self.routes.get(&output).and_then(|index| self.handles.get(*index)) {
            Some(bus) => bus.apply(permit).is_ok(),
            None => false,
        };
        if !taken {
            // The guard learns at once that nothing was written, and makes another permit when it wants one.
            batch.reports.push(Report::Written { output, counter, result: WriteResult::Offline, at: now });
        }
    }

    fn fits(&self, definitions: u64) -> bool {
        self.definitions == definitions
    }

    fn counters(&self) -> Vec<(String, &'static str, u64)> {
        let rows = |bus: &BusHandle| {
            let name = bus.name().to_owned();
            bus.counters().rows().map(|(counter, value)| (name.clone(), counter, value)).collect::<Vec<_>>()
        };
        self.handles.iter().flat_map(rows).collect()
    }
}

/// The way from a bus to the decision thread.
struct ToDecision {
    epoch: u32,
    bus: Arc<str>,
    sender: SyncSender<Message>,
}

impl Sink for ToDecision {
    fn deliver(&self, batch: &mut Batch) -> bool {
        let message =
            Message::Field { epoch: self.epoch, bus: Arc::clone(&self.bus), batch: std::mem::take(batch) };
        match self.sender.try_send(message) {
            Ok(()) => true,
            Err(TrySendError::Full(Message::Field { batch: back, .. })) => {
                *batch = back;
                false
            }
            // The program ends; nobody listens any more.
            Err(_) => true,
        }
    }
}
