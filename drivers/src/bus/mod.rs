//! The buses: the only async code of the house. One task per bus, one conversation and one fault domain each.
//!
//! A task reads what comes, lets the driver's pure part make samples of it, hands them over in batches, and writes what a
//! permit allows. Retries, time-outs and pauses belong to it. It must never block the runtime, never keep a permit for
//! later, and never write without one.

mod backoff;
mod chip;
mod context;
mod debts;
mod flood;
mod gather;
mod listening;
mod memory;
mod mqtt;
mod pinned;
mod pins;
mod poll;
mod post;
mod queue;
mod reach;
mod rounds;
mod serial;
mod session;
mod stepped;
mod tls;
mod wire;

pub use chip::{Bias, Chip, Drive, Edge, InputLine, LineName, MemoryChip, OutputLine, Pinboard, Trouble};
pub use listening::Listening;
pub use memory::{Meaning, World};
pub use post::{Ears, Ended, Letter, Office, Post};
pub use reach::Reach;
pub(crate) use stepped::Moved;
pub use stepped::SteppedBus;
pub use tls::Tls;
pub use wire::{Parity, Wire};

pub(crate) use chip::{KernelChip, RaspberryChip};

use crate::counters::{BusCounters, CounterSnapshot};
use crate::gpio::Pins;
use crate::limits::PERMITS_MAX;
use crate::mqtt::Writer;
use crate::mqtt_settings::Connection;
use crate::mqtt_topics::Topics;
use crate::readings::{Batch, Readings};
use crate::shape::{Listener, Poller};
use crate::sim::SimBus;
use crate::spec::DriverSpec;
use ballast_guard::{Door, Permit};
use ballast_model::diagnostic::Diagnostic;
use ballast_model::{Mono, OutputId};
use bytes::Bytes;
use context::Context;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// The time, as the shell has it.
pub trait Clock: Send + Sync {
    /// Now, on the clock that the engine and the guard are given.
    fn now(&self) -> Mono;
}

/// Where the buses' news go.
pub trait Sink: Send + Sync {
    /// Offers what came in. `true`: taken; the contents may be moved out, what is left is thrown away. `false`: there is no
    /// room; the same batch is offered again in [`crate::limits::FULL_RETRY`], and nothing is read until then. Must not
    /// block.
    fn deliver(&self, batch: &mut Batch) -> bool;
}

/// A bus that is checked and ready to run; nothing is open yet.
pub struct OpenBus {
    name: Box<str>,
    spec: &'static DriverSpec,
    pub(crate) readings: Readings,
    pub(crate) body: Body,
    warnings: Vec<Diagnostic>,
}

/// What differs between the buses.
pub(crate) enum Body {
    Mqtt(Box<MqttBus>),
    Pins(PinBus),
    Poll(PollBus),
    Serial(SerialBus),
    Sim(SimBus),
}

/// A broker and everything that is read from and written to it.
pub(crate) struct MqttBus {
    pub(crate) connection: Connection,
    pub(crate) topics: Topics,
    pub(crate) filters: Vec<Bytes>,
    pub(crate) writers: BTreeMap<OutputId, Writer>,
    pub(crate) outputs_with_state: Vec<OutputId>,
}

/// A line on which a device speaks by itself.
pub(crate) struct SerialBus {
    pub(crate) port: PathBuf,
    /// Speeds that are tried in turn until something is understood, bits per second.
    pub(crate) speeds: Vec<u32>,
    /// How long nothing may be understood before the line is said to be silent, and the next speed is tried.
    pub(crate) patience: ballast_model::Span,
    pub(crate) listener: Box<dyn Listener>,
}

/// Devices that answer when they are asked.
pub(crate) struct PollBus {
    pub(crate) poller: Box<dyn Poller>,
    pub(crate) wires: Vec<Wire>,
}

/// A chip with its lines.
pub(crate) struct PinBus {
    pub(crate) pins: Pins,
    pub(crate) chip: Box<dyn Chip>,
}

impl OpenBus {
    /// A bus on which a poller asks over these wires; what it reads goes into `readings`.
    pub fn polled(
        name: &str,
        spec: &'static DriverSpec,
        readings: Readings,
        wires: Vec<Wire>,
        poller: Box<dyn Poller>,
    ) -> Self {
        Self::new(name, spec, readings, Body::Poll(PollBus { poller, wires }))
    }

    pub(crate) fn new(name: &str, spec: &'static DriverSpec, readings: Readings, body: Body) -> Self {
        Self { name: name.into(), spec, readings, body, warnings: Vec::new() }
    }

    /// With what a person should look at in its definition.
    pub(crate) fn with_warnings(self, warnings: Vec<Diagnostic>) -> Self {
        Self { warnings, ..self }
    }

    /// What a person should look at in its definition, though it can run.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Its name in the site.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its driver.
    pub fn spec(&self) -> &'static DriverSpec {
        self.spec
    }

    /// The name of the simulated world that it reads, if it does; [`OpenBus::join`] must be called then.
    pub fn world(&self) -> Option<&str> {
        match &self.body {
            Body::Sim(sim) => sim.world(),
            _ => None,
        }
    }

    /// Joins a simulated world.
    ///
    /// # Errors
    /// Every point and output whose name the world does not know, or that means something else there.
    pub fn join(&mut self, world: Box<dyn World>) -> Result<(), Vec<Diagnostic>> {
        match &mut self.body {
            Body::Sim(sim) => sim.join(world),
            _ => Ok(()),
        }
    }

    /// A simulated bus without a task, for a simulation that moves its time by hand; `None` for any other bus.
    pub fn stepped(self, now: Mono) -> Option<SteppedBus> {
        match self.body {
            Body::Sim(sim) => Some(SteppedBus::new(sim, self.readings, now)),
            _ => None,
        }
    }

    /// Takes a simulated bus off its wire, for transcripts; `None` for any other one.
    pub(crate) fn take_sim(&mut self) -> Option<SimBus> {
        let Body::Sim(sim) = &mut self.body else { return None };
        Some(std::mem::replace(sim, SimBus::empty()))
    }

    /// The pure part of a driver to which things come, with the points it fills: for tests and for replaying records.
    pub fn listener(&mut self) -> Option<(&mut dyn Listener, &mut Readings)> {
        match &mut self.body {
            Body::Mqtt(mqtt) => Some((&mut mqtt.topics, &mut self.readings)),
            Body::Serial(serial) => Some((&mut *serial.listener, &mut self.readings)),
            Body::Sim(_) | Body::Poll(_) | Body::Pins(_) => None,
        }
    }

    /// The pure part of a driver that asks, with the points it fills: for tests of device files.
    pub fn poller(&mut self) -> Option<(&mut dyn Poller, &mut Readings)> {
        match &mut self.body {
            Body::Poll(poll) => Some((&mut *poll.poller, &mut self.readings)),
            _ => None,
        }
    }

    /// What the pins of a bus mean, with the points they fill: for tests of device files.
    pub fn pins(&mut self) -> Option<(&mut Pins, &mut Readings)> {
        match &mut self.body {
            Body::Pins(bus) => Some((&mut bus.pins, &mut self.readings)),
            _ => None,
        }
    }

    /// Puts a bus of pins onto a chip in memory; for tests. Any other bus stays as it is.
    pub fn solder(&mut self, board: &Pinboard) {
        if let Body::Pins(bus) = &mut self.body {
            let (inputs, outputs) = (bus.pins.input_lines(), bus.pins.output_lines());
            bus.chip = Box::new(MemoryChip::new(board, inputs, outputs));
        }
    }

    /// What would be sent for an output; for tests of device files. `None` where the output cannot be told that.
    pub fn command(&self, output: OutputId, wanted: ballast_model::Wanted) -> Option<crate::mqtt::Command> {
        match &self.body {
            Body::Mqtt(mqtt) => mqtt.writers.get(&output)?.command(wanted),
            _ => None,
        }
    }
}

/// The way to a running bus. Dropping it ends the bus.
pub struct BusHandle {
    name: Box<str>,
    permits: queue::Sender<Permit>,
    counters: Arc<BusCounters>,
    task: JoinHandle<()>,
    post: Option<Post>,
}

/// Why a bus did not take a permit. Nothing was written and no report follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Too many permits wait already.
    #[error("too many commands wait for this bus")]
    Full,
    /// The bus has ended.
    #[error("the bus has ended")]
    Ended,
}

impl BusHandle {
    /// Its name in the site.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hands over a permit; does not wait and does not allocate. What became of it comes as [`crate::Report::Written`].
    ///
    /// # Errors
    /// The bus did not take it; the permit is gone, and the guard makes another one.
    pub fn apply(&self, permit: Permit) -> Result<(), NotTaken> {
        self.permits.send(permit).map_err(|error| match error {
            queue::NotSent::Full => {
                self.counters.permits_overflow.add(1);
                NotTaken::Full
            }
            queue::NotSent::Left => NotTaken::Ended,
        })
    }

    /// The way for messages to others, where the bus carries any.
    pub fn post(&self) -> Option<&Post> {
        self.post.as_ref()
    }

    /// What has gone well and badly.
    pub fn counters(&self) -> CounterSnapshot {
        self.counters.snapshot()
    }

    /// Ends the bus in good order; the task can be waited for.
    pub fn stop(self) -> JoinHandle<()> {
        self.task
    }
}

/// Runs a bus as a task of `runtime`, which must have its time and its input and output enabled.
pub fn spawn(
    bus: OpenBus,
    runtime: &tokio::runtime::Handle,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn Sink>,
) -> BusHandle {
    let (sender, permits) = queue::queue(PERMITS_MAX);
    let counters = Arc::new(BusCounters::default());
    let OpenBus { name, readings, body, .. } = bus;
    let context = Context::new(&name, readings, permits, clock, sink, Arc::clone(&counters));
    let (post, task) = match body {
        Body::Mqtt(mqtt) => {
            let (post, desk) = post::post(mqtt.connection.status.as_deref());
            (Some(post), runtime.spawn(mqtt::run(*mqtt, context, desk)))
        }
        Body::Pins(pins) => (None, runtime.spawn(pins::run(pins, context))),
        Body::Poll(poll) => (None, runtime.spawn(poll::run(poll, context))),
        Body::Serial(serial) => (None, runtime.spawn(serial::run(serial, context))),
        Body::Sim(sim) => (None, runtime.spawn(memory::run(sim, context))),
    };
    BusHandle { name, permits: sender, counters, task, post }
}

/// The doors of these outputs, through which every permit goes.
pub(crate) fn doors(outputs: impl Iterator<Item = OutputId>) -> BTreeMap<OutputId, Door> {
    outputs.map(|output| (output, Door::new(output))).collect()
}
