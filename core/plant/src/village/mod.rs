//! A village: gensets, storage, sun, wind, feeders and what hangs on them on one bus, in simulated time.
//!
//! The village has no clock. The caller sets inputs, lets time pass with [`Village::advance`], and reads outputs; both
//! are found by name in [`Village::inputs`] and [`Village::outputs`]. Inputs take effect from the next `advance` on. The
//! same specification, seed and calls give the same bits.
//!
//! Time passes in steps of 1 ms while the frequency or a source is moving, and of up to 1 s otherwise (`step.rs`).
//! Outputs are what meters show, with their resolution and noise; [`Village::frequency_hz`], [`Village::flows`] and
//! [`Village::record`] are the truth, which no rule may see.

mod consumer;
mod demo;
mod devices;
mod forty;
mod lines;
mod points;
mod record;
mod script;
mod sight;
mod spec;
mod step;
mod truth;

pub use devices::{FeederPoint, FeederSpec, FridgesSpec, OutdoorSpec, PanelHeatSpec};
pub use points::{GRID_MODES, InputId, Named, OutputId, Quantity};
pub use record::{Consumed, Flows, Record};
pub use script::{Disturbance, What, When};
pub use sight::{ConsumerNow, SetNow, StorageNow};
pub use spec::{Draw, GridSpec, MetersSpec, SolarFieldSpec, TankSpec, VillageSpec};

use crate::clouds::Sky;
use crate::contact::Contact;
use crate::error::PlantError;
use crate::genset::Genset;
use crate::loads::LoadClass;
use crate::rng::Stream;
use crate::storage::Storage;
use crate::sun;
use crate::swing::{Swing, SwingSpec};
use crate::wind::Wind;
use consumer::Consumer;
use lines::Line;
use points::{InputRoute, Points};
use script::Script;

/// Power that counts as 1 per unit of a village, VA. Only the tolerance of the integrator depends on it.
const BASE_VA: f64 = 100_000.0;

/// Voltage regulation: how far the voltage sinks from no load to a full load of all sources on line.
const VOLTAGE_DROOP: f64 = 0.03;

/// Streams of random numbers; a new use gets a new number, so that the others keep their draws.
const SKY_STREAM: u64 = 1;
const LOADS_STREAM: u64 = 2;
const METERS_STREAM: u64 = 3;
const SCRIPT_STREAM: u64 = 4;
const GRID_STREAM: u64 = 5;
const WIND_STREAM: u64 = 6;
const TANKS_STREAM: u64 = 7;
const FRIDGES_STREAM: u64 = 8;
const VEHICLES_STREAM: u64 = 9;

/// An inverter that follows the bus: whether it is connected, and when it will be.
#[derive(Clone, Copy, Debug)]
struct Tie {
    on_line: bool,
    reconnects_at_ms: Option<u64>,
}

impl Tie {
    const AT_START: Self = Self { on_line: false, reconnects_at_ms: Some(0) };
    const DROPPED: Self = Self { on_line: false, reconnects_at_ms: None };

    /// Leaves an unhealthy bus at once, and comes back `wait_ms` after it became healthy.
    fn attend(&mut self, is_healthy: bool, now_ms: u64, wait_ms: u64) {
        if !is_healthy {
            self.reconnects_at_ms = None;
        } else if !self.on_line && self.reconnects_at_ms.is_none() {
            self.reconnects_at_ms = Some(now_ms.saturating_add(wait_ms));
        }
        self.on_line = self.reconnects_at_ms.is_some_and(|at_ms| now_ms >= at_ms);
    }
}

#[derive(Clone, Debug)]
struct SolarField {
    limit_w: f64,
    /// What the sun would give without a limit.
    available_w: f64,
    irradiance_w_m2: f64,
    tie: Tie,
}

#[derive(Clone, Debug)]
struct Turbine {
    wind: Wind,
    limit_w: f64,
    speed_m_s: f64,
    tie: Tie,
}

/// A village at an instant.
#[derive(Clone, Debug)]
pub struct Village {
    spec: VillageSpec,
    start_local_s: f64,
    now_ms: u64,
    observed_ms: Option<u64>,
    swing: Swing,
    gensets: Vec<Genset>,
    storage: Option<Storage>,
    storage_contact: Contact,
    storage_on_line: bool,
    solar: Option<SolarField>,
    turbine: Option<Turbine>,
    grid_contact: Contact,
    grid_tied: bool,
    consumers: Vec<Consumer>,
    lines: Vec<Line>,
    lost_w: f64,
    /// Outside and in the rooms, C.
    air_c: (f64, f64),
    script: Script,
    sky: Sky,
    meters: Stream,
    grid_noise: Stream,
    points: Points,
    live: bool,
    transient: bool,
    calm_ms: u32,
    flows: Flows,
    record: Record,
    diverged: Option<PlantError>,
}

impl Village {
    /// A village at simulated time 0. The seed decides clouds, people, noise and jitter.
    ///
    /// # Errors
    /// What [`VillageSpec::check`] refuses, and a disturbance that names a device which does not exist.
    pub fn new(spec: VillageSpec, seed: u64) -> Result<Self, PlantError> {
        spec.check()?;
        let root = Stream::new(seed);
        let midnight_s = sun::local_midnight_s(spec.start_unix_s, spec.utc_offset_s);
        let start_local_s = (spec.start_unix_s - midnight_s) as f64;
        let script = Script::new(&spec, start_local_s, root.fork(SCRIPT_STREAM))?;
        let delay_ms = spec.contact_delay_ms;
        let mut consumers = consumers(&spec, root, start_local_s);
        let lines = lines::hang(&spec, &mut consumers);
        let connected = spec.grid.as_ref().is_some_and(|grid| grid.connected_at_start);
        let mut village = Self {
            start_local_s,
            now_ms: 0,
            observed_ms: None,
            swing: swing(&spec),
            gensets: spec.gensets.iter().cloned().map(Genset::new).collect(),
            storage: spec.storage.clone().map(Storage::new),
            storage_contact: Contact::new(spec.storage.is_some(), delay_ms),
            storage_on_line: false,
            solar: spec.solar.as_ref().map(|solar| SolarField {
                limit_w: solar.peak_w,
                available_w: 0.0,
                irradiance_w_m2: 0.0,
                tie: Tie::AT_START,
            }),
            turbine: spec.wind.as_ref().map(|turbine| Turbine {
                wind: Wind::new(root.fork(WIND_STREAM), turbine.mean_m_s, turbine.turbulence),
                limit_w: turbine.rated_w,
                speed_m_s: 0.0,
                tie: Tie::AT_START,
            }),
            grid_contact: Contact::new(connected, delay_ms),
            grid_tied: false,
            consumers,
            lines,
            lost_w: 0.0,
            air_c: (spec.outdoor.air_c(start_local_s), spec.outdoor.room_c(start_local_s)),
            script,
            sky: Sky::new(root.fork(SKY_STREAM), spec.cloudiness),
            meters: root.fork(METERS_STREAM),
            grid_noise: root.fork(GRID_STREAM),
            points: Points::new(&spec),
            live: false,
            transient: false,
            calm_ms: 0,
            flows: Flows::default(),
            record: Record::new(spec.nominal_hz),
            diverged: None,
            spec,
        };
        village.begin();
        Ok(village)
    }

    /// What can be commanded; [`Village::find_input`] gives the number of a name.
    pub fn inputs(&self) -> &[Named] {
        &self.points.inputs
    }

    /// What can be read; [`Village::find_output`] gives the number of a name.
    pub fn outputs(&self) -> &[Named] {
        &self.points.outputs
    }

    /// The input of this name.
    pub fn find_input(&self, name: &str) -> Option<InputId> {
        self.points.inputs.iter().position(|named| named.name == name).map(InputId)
    }

    /// The output of this name.
    pub fn find_output(&self, name: &str) -> Option<OutputId> {
        self.points.outputs.iter().position(|named| named.name == name).map(OutputId)
    }

    /// What a number of an output means.
    pub fn output_named(&self, output: OutputId) -> Option<&Named> {
        self.points.outputs.get(output.0)
    }

    /// Commands an input from the next [`Village::advance`] on. A value outside the input's range is cut to it; a contact
    /// is closed from 0.5 up.
    ///
    /// # Errors
    /// An input of another village, or a value that is not finite.
    pub fn set_input(&mut self, input: InputId, value: f64) -> Result<(), PlantError> {
        let unknown = PlantError::UnknownInput { number: input.0 };
        let (Some(named), Some(route)) =
            (self.points.inputs.get(input.0), self.points.input_routes.get(input.0))
        else {
            return Err(unknown);
        };
        if !value.is_finite() {
            return Err(PlantError::NotFinite { name: named.name.clone() });
        }
        let value = value.clamp(named.range.0, named.range.1);
        let closed = value >= 0.5;
        match *route {
            InputRoute::Consumer(number) => {
                if let Some(consumer) = self.consumers.get_mut(number) {
                    consumer.contact.command(closed, self.now_ms);
                }
            }
            InputRoute::GensetRun(number) => {
                if let Some(genset) = self.gensets.get_mut(number) {
                    genset.command_run(closed);
                }
            }
            InputRoute::GensetContactor(number) => {
                if let Some(genset) = self.gensets.get_mut(number) {
                    genset.command_contactor(closed);
                }
            }
            InputRoute::StorageContactor => self.storage_contact.command(closed, self.now_ms),
            InputRoute::Charge => {
                if let Some(storage) = &mut self.storage {
                    storage.command_charge(value);
                }
            }
            InputRoute::Discharge => {
                if let Some(storage) = &mut self.storage {
                    storage.command_discharge(value);
                }
            }
            InputRoute::SolarLimit => {
                if let Some(solar) = &mut self.solar {
                    solar.limit_w = value;
                }
            }
            InputRoute::WindLimit => {
                if let Some(turbine) = &mut self.turbine {
                    turbine.limit_w = value;
                }
            }
            InputRoute::GridContactor => self.grid_contact.command(closed, self.now_ms),
        }
        Ok(())
    }

    /// What the meter of an output shows now; `None` where there is nothing to show, as the frequency of a dead bus, and
    /// for an output of another village. Reading twice at one instant reads the same.
    pub fn read(&self, output: OutputId) -> Option<f64> {
        let route = *self.points.output_routes.get(output.0)?;
        let (truth, meter) = self.truth(route)?;
        let reading =
            meter.map_or(truth, |meter| meter.read(truth, self.meters.fork(output.0 as u64), self.now_ms));
        let (low, high) = self.points.outputs.get(output.0)?.range;
        reading.is_finite().then(|| reading.clamp(low, high))
    }

    /// Simulated time since the start, ms.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// When the next scripted disturbance begins, ms since the start: whoever reads seldom in calm times reads often before it.
    pub fn next_disturbance_ms(&self) -> Option<u64> {
        self.script.next_ms()
    }

    /// What the village is made of.
    pub fn spec(&self) -> &VillageSpec {
        &self.spec
    }

    /// True frequency, Hz; `None` on a dead bus.
    pub fn frequency_hz(&self) -> Option<f64> {
        self.live.then(|| self.swing.frequency_hz())
    }

    /// True powers on the bus.
    pub fn flows(&self) -> Flows {
        self.flows
    }

    /// True energies and extremes.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The equation that gave no finite number any more, and when. The bus is dead from that moment on, and nothing that is
    /// read afterwards means anything.
    pub fn diverged(&self) -> Option<&PlantError> {
        self.diverged.as_ref()
    }

    /// Forgets the lowest and highest frequency.
    pub fn reset_extremes(&mut self) {
        let frequency_hz = self.swing.frequency_hz();
        (self.record.lowest_hz, self.record.highest_hz) = (frequency_hz, frequency_hz);
    }

    /// True stored energy, Wh.
    pub fn stored_wh(&self) -> f64 {
        self.storage.as_ref().map_or(0.0, Storage::energy_wh)
    }

    /// Energy that the load groups of a class took and missed since the start, Wh.
    pub fn served_and_missed_wh(&self, class: LoadClass) -> (f64, f64) {
        let of_class = self.consumers.iter().filter(|consumer| consumer.class() == Some(class));
        of_class.fold((0.0, 0.0), |sum, one| (sum.0 + one.served_wh, sum.1 + one.unserved_wh))
    }

    /// What everything behind a contact took and missed since the start, in the order of the specification.
    pub fn consumed(&self) -> impl Iterator<Item = Consumed<'_>> {
        self.spec.consumer_names().zip(&self.consumers).map(|(name, consumer)| Consumed {
            name,
            class: consumer.class(),
            served_wh: consumer.served_wh,
            missed_wh: consumer.unserved_wh,
        })
    }
}

/// All that hang behind a contact, in the order of [`VillageSpec::consumer_names`].
fn consumers(spec: &VillageSpec, root: Stream, start_local_s: f64) -> Vec<Consumer> {
    let delay_ms = spec.contact_delay_ms;
    let room_c = spec.outdoor.room_c(start_local_s);
    let stream = |kind: u64, number: usize| root.fork(kind).fork(number as u64);
    let groups = spec.loads.iter().enumerate();
    let groups =
        groups.map(|(number, load)| Consumer::group(load.clone(), stream(LOADS_STREAM, number), delay_ms));
    let tanks = spec.tanks.iter().enumerate();
    let tanks = tanks.map(|(number, tank)| Consumer::tank(tank, stream(TANKS_STREAM, number), delay_ms));
    let fridges = spec.fridges.iter().enumerate();
    let fridges = fridges.map(|(number, fridges)| {
        Consumer::fridges(fridges, stream(FRIDGES_STREAM, number), room_c, delay_ms)
    });
    let vehicles = spec.vehicles.iter().enumerate().map(|(number, vehicle)| {
        Consumer::vehicle(vehicle.clone(), stream(VEHICLES_STREAM, number), start_local_s, delay_ms)
    });
    groups.chain(tanks).chain(fridges).chain(vehicles).collect()
}

/// The swing equation with every source of the specification, off line.
fn swing(spec: &VillageSpec) -> Swing {
    let (nominal_hz, load_damping) = (spec.nominal_hz, spec.load_damping);
    let mut swing = Swing::new(SwingSpec { base_va: BASE_VA, nominal_hz, load_damping });
    for genset in &spec.gensets {
        swing.add_machine(genset.machine);
    }
    if let Some(storage) = &spec.storage {
        swing.add_inverter(storage.inverter);
    }
    if let Some(solar) = &spec.solar {
        swing.add_solar(solar.inverter);
    }
    if let Some(turbine) = &spec.wind {
        swing.add_solar(turbine.inverter);
    }
    swing
}
