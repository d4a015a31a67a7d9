//! The buses of a running site: opened together, closed together.

use super::field::Field;
use super::message::Message;
use crate::egress::correspondent::{self, Correspondence, Means};
use crate::site::Running;
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
    means: Means,
    runtime: tokio::runtime::Handle,
    /// What is told to others, and by which set.
    correspondence: Option<(Arc<Running>, Correspondence)>,
}

impl Buses {
    /// Starts every bus. What they tell carries `epoch`.
    pub fn start(
        buses: Vec<(OpenBus, Vec<OutputId>)>,
        definitions: u64,
        epoch: u32,
        means: &Means,
        runtime: &tokio::runtime::Handle,
    ) -> Self {
        let Means { sender, clock, .. } = means;
        let mut routes = BTreeMap::new();
        let mut handles = Vec::new();
        for (bus, outputs) in buses {
            routes.extend(outputs.into_iter().map(|output| (output, handles.len())));
            let sink = Arc::new(ToDecision { epoch, bus: bus.name().into(), sender: sender.clone() });
            let clock: Arc<dyn ballast_drivers::Clock> = Arc::clone(clock) as _;
            handles.push(ballast_drivers::spawn(bus, runtime, clock, sink));
        }
        let (means, runtime) = (means.clone(), runtime.clone());
        Self { handles, routes, definitions, means, runtime, correspondence: None }
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

    fn share(&mut self, running: &Arc<Running>) -> bool {
        let is_same = |(before, _): &(Arc<Running>, Correspondence)| {
            Arc::ptr_eq(&before.plan.catalog, &running.plan.catalog)
                && Arc::ptr_eq(&before.site, &running.site)
        };
        if self.correspondence.as_ref().is_some_and(is_same) {
            return true;
        }
        // The old tasks end first, so that nothing of theirs comes after the first letter of the new ones.
        self.correspondence = None;
        if running.site.receivers.is_empty() && !self.means.announced.is_any() {
            return true;
        }
        let posts = self.handles.iter().filter_map(|bus| Some((bus.name().into(), bus.post()?.clone())));
        let begun = correspondent::begin(running, posts.collect(), self.means.clone(), &self.runtime);
        self.correspondence = Some((Arc::clone(running), begun));
        true
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
