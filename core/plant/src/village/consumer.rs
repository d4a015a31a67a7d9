//! One contact with what it supplies: a load group, water heaters, refrigerators or a vehicle.

use crate::contact::Contact;
use crate::fridge::{Fridge, FridgeSpec};
use crate::heater::Heater;
use crate::limits::MEMBERS_MAX;
use crate::loads::{Load, LoadClass, LoadSpec};
use crate::rng::Stream;
use crate::vehicle::{Vehicle, VehicleSpec};
use crate::village::devices::FridgesSpec;
use crate::village::spec::{Draw, TankSpec};

/// Refrigerators have been in use for up to this long when the village begins, s: each somewhere else in its cycle.
const FRIDGES_USED_S: f64 = 14_400.0;

const DAY_S: f64 = 86_400.0;

#[derive(Clone, Debug)]
enum Demand {
    Group(Box<Load>),
    Tanks { heaters: Vec<Heater>, draws: Vec<Draw>, jitter_s: f64, stream: Stream },
    Fridges { class: LoadClass, fridges: Vec<Fridge>, usual: FridgeSpec, room_c: f64 },
    Vehicle(Box<Vehicle>),
}

/// A consumer at an instant.
#[derive(Clone, Debug)]
pub(super) struct Consumer {
    pub(super) contact: Contact,
    demand: Demand,
    /// Its feeder brings voltage, if the bus has any.
    pub(super) is_fed: bool,
    /// Feeder and point on it, each by number.
    pub(super) place: Option<(usize, usize)>,
    pub(super) served_wh: f64,
    pub(super) unserved_wh: f64,
}

/// What the time is, and what passed since the last look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Since the start, s.
    pub(super) now_s: f64,
    /// Since the local midnight before the start, s.
    pub(super) since_midnight_s: f64,
    /// Since the last look, s.
    pub(super) elapsed_s: f64,
    /// In the rooms, C.
    pub(super) room_c: f64,
    /// The bus has voltage.
    pub(super) live: bool,
}

impl Moment {
    fn local_s(&self) -> f64 {
        self.since_midnight_s % DAY_S
    }
}

impl Consumer {
    fn new(demand: Demand, closed: bool, contact_delay_ms: u64) -> Self {
        let contact = Contact::new(closed, contact_delay_ms);
        Self { contact, demand, is_fed: true, place: None, served_wh: 0.0, unserved_wh: 0.0 }
    }

    pub(super) fn group(spec: LoadSpec, stream: Stream, contact_delay_ms: u64) -> Self {
        let closed = spec.closed_at_start;
        Self::new(Demand::Group(Box::new(Load::new(spec, stream))), closed, contact_delay_ms)
    }

    pub(super) fn tank(spec: &TankSpec, stream: Stream, contact_delay_ms: u64) -> Self {
        let members = u64::from(spec.members.clamp(1, MEMBERS_MAX));
        let heaters = (0..members).map(|number| {
            let cooler_c = stream.fork(number).between(0, 0.0, spec.start_spread_c);
            Heater::new(spec.heater, spec.start_c - cooler_c)
        });
        let demand = Demand::Tanks {
            heaters: heaters.collect(),
            draws: spec.draws.clone(),
            jitter_s: spec.draw_jitter_s,
            stream,
        };
        Self::new(demand, spec.closed_at_start, contact_delay_ms)
    }

    pub(super) fn fridges(spec: &FridgesSpec, stream: Stream, room_c: f64, contact_delay_ms: u64) -> Self {
        let members = u64::from(spec.members.clamp(1, MEMBERS_MAX));
        let fridges = (0..members).map(|number| {
            let stream = stream.fork(number);
            let vary =
                |index: u64, usual: f64| usual * stream.between(index, 1.0 - spec.spread, 1.0 + spec.spread);
            let usual = spec.fridge;
            let one = FridgeSpec {
                mass_j_per_k: vary(0, usual.mass_j_per_k),
                wall_w_per_k: vary(1, usual.wall_w_per_k),
                power_w: vary(2, usual.power_w),
                ..usual
            };
            let start_c = stream.between(3, usual.low_c, usual.high_c);
            let mut fridge = Fridge::new(one, start_c, start_c);
            fridge.advance(stream.between(4, 0.0, FRIDGES_USED_S), true, room_c);
            fridge
        });
        let demand =
            Demand::Fridges { class: spec.class, fridges: fridges.collect(), usual: spec.fridge, room_c };
        Self::new(demand, spec.closed_at_start, contact_delay_ms)
    }

    pub(super) fn vehicle(spec: VehicleSpec, stream: Stream, local_s: f64, contact_delay_ms: u64) -> Self {
        let closed = spec.closed_at_start;
        let vehicle = Demand::Vehicle(Box::new(Vehicle::new(spec, stream, local_s)));
        Self::new(vehicle, closed, contact_delay_ms)
    }

    /// Lets time pass, supplied or not, and finds the demand from then on.
    pub(super) fn observe(&mut self, moment: &Moment, added_w: f64) {
        let supplied = moment.live && self.is_connected();
        let elapsed_s = moment.elapsed_s;
        match &mut self.demand {
            Demand::Group(load) => {
                load.add(added_w);
                let (lit_s, dark_s) = if supplied { (elapsed_s, 0.0) } else { (0.0, elapsed_s) };
                load.observe(moment.now_s, moment.local_s(), lit_s, dark_s);
            }
            Demand::Tanks { heaters, draws, jitter_s, stream } => {
                let day = (moment.since_midnight_s / DAY_S) as u64;
                for (number, heater) in (0..).zip(heaters.iter_mut()) {
                    // Each member has a time of its own each day.
                    let late_s = if *jitter_s > 0.0 {
                        stream.fork(number).fork(1).between(day, -*jitter_s, *jitter_s)
                    } else {
                        0.0
                    };
                    let of_day_s = moment.local_s() - late_s;
                    let is_drawn = |draw: &&Draw| {
                        (draw.from_local_s..draw.from_local_s + draw.duration_s).contains(&of_day_s)
                    };
                    let drawn = draws.iter().find(is_drawn).map_or(0.0, |draw| draw.l_per_min);
                    heater.advance(elapsed_s, supplied, drawn);
                }
            }
            Demand::Fridges { fridges, room_c, .. } => {
                *room_c = moment.room_c;
                for fridge in fridges {
                    fridge.advance(elapsed_s, supplied, moment.room_c);
                }
            }
            Demand::Vehicle(vehicle) => {
                vehicle.advance(moment.since_midnight_s - elapsed_s, elapsed_s, supplied);
            }
        }
    }

    /// Contact and feeder lead from the bus to it.
    pub(super) fn is_connected(&self) -> bool {
        self.is_fed && self.contact.is_closed()
    }

    /// Power at nominal frequency if the bus is live, W.
    pub(super) fn demand_w(&self) -> f64 {
        if !self.is_connected() {
            return 0.0;
        }
        match &self.demand {
            Demand::Group(load) => load.demand_w(),
            Demand::Tanks { heaters, .. } => heaters.iter().map(Heater::power_w).sum(),
            Demand::Fridges { fridges, .. } => fridges.iter().map(Fridge::power_w).sum(),
            Demand::Vehicle(vehicle) => vehicle.power_w(),
        }
    }

    /// Power that people miss while it is not supplied, W. A water heater and a vehicle can wait: they miss nothing.
    pub(super) fn missed_w(&self) -> f64 {
        match &self.demand {
            Demand::Group(load) => load.wished_w(),
            Demand::Tanks { .. } | Demand::Vehicle(_) => 0.0,
            Demand::Fridges { fridges, usual, room_c, .. } => {
                let middle_c = 0.5 * (usual.low_c + usual.high_c);
                let heat_w = usual.wall_w_per_k * (room_c - middle_c).max(0.0);
                (heat_w / usual.performance).min(usual.power_w) * fridges.len() as f64
            }
        }
    }

    /// Books the energy of `duration_s`. `load_factor` is 0 on a dead bus.
    pub(super) fn account(&mut self, load_factor: f64, duration_s: f64) {
        let hours = duration_s / 3_600.0;
        if load_factor > 0.0 && self.is_connected() {
            self.served_wh += self.demand_w() * load_factor * hours;
        } else {
            self.unserved_wh += self.missed_w() * hours;
        }
    }

    pub(super) fn class(&self) -> Option<LoadClass> {
        match &self.demand {
            Demand::Group(load) => Some(load.spec().class),
            Demand::Fridges { class, .. } => Some(*class),
            Demand::Tanks { .. } | Demand::Vehicle(_) => None,
        }
    }

    /// Mean temperature of its water, or of the air in its warmest refrigerator, C.
    pub(super) fn temperature_c(&self) -> Option<f64> {
        match &self.demand {
            Demand::Group(_) | Demand::Vehicle(_) => None,
            Demand::Tanks { heaters, .. } => {
                let sum_c: f64 = heaters.iter().map(Heater::temperature_c).sum();
                Some(sum_c / heaters.len() as f64)
            }
            Demand::Fridges { fridges, .. } => {
                Some(fridges.iter().map(Fridge::air_c).fold(f64::NEG_INFINITY, f64::max))
            }
        }
    }

    /// How many homes, tanks, refrigerators or vehicles hang behind the contact.
    pub(super) fn members(&self) -> u32 {
        let count = match &self.demand {
            Demand::Group(load) => return load.spec().members,
            Demand::Tanks { heaters, .. } => heaters.len(),
            Demand::Fridges { fridges, .. } => fridges.len(),
            Demand::Vehicle(_) => 1,
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Water of its hottest tank, C.
    pub(super) fn hottest_water_c(&self) -> Option<f64> {
        let Demand::Tanks { heaters, .. } = &self.demand else { return None };
        heaters.iter().map(Heater::temperature_c).reduce(f64::max)
    }

    pub(super) fn charge(&self) -> Option<f64> {
        match &self.demand {
            Demand::Vehicle(vehicle) => Some(vehicle.soc()),
            _ => None,
        }
    }

    pub(super) fn is_here(&self) -> Option<bool> {
        match &self.demand {
            Demand::Vehicle(vehicle) => Some(vehicle.is_here()),
            _ => None,
        }
    }

    /// The equation whose numbers are not finite any more.
    pub(super) fn broken_equation(&self) -> Option<&'static str> {
        match &self.demand {
            Demand::Group(load) => (!load.demand_w().is_finite()).then_some("demand"),
            Demand::Tanks { heaters, .. } => {
                let is_finite = heaters.iter().all(|heater| heater.temperature_c().is_finite());
                (!is_finite).then_some("temperature of the water")
            }
            Demand::Fridges { fridges, .. } => {
                let is_finite = fridges.iter().all(|fridge| (fridge.air_c() + fridge.mass_c()).is_finite());
                (!is_finite).then_some("temperature of the refrigerators")
            }
            Demand::Vehicle(vehicle) => (!vehicle.soc().is_finite()).then_some("charge"),
        }
    }
}
