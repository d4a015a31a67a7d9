//! An electric vehicle: it comes home with what the day took out of its battery, charges, and leaves in the morning.
//!
//! Charging is constant power up to a state of charge, and above it the power falls with the room that is left, as a
//! charger at its final voltage lets it: both are solved in closed form, so arrival, departure, the beginning of the taper
//! and the end of charging lie where they lie, whatever the step.

use crate::rng::Stream;

const DAY_S: f64 = 86_400.0;

/// A charger ends when its power has fallen to this share of its full power.
const END: f64 = 0.05;

/// A vehicle comes home with this much at least: its driver saw to it.
const SOC_LEAST: f64 = 0.05;

/// What a vehicle, its charger and its days are.
#[derive(Clone, Debug, PartialEq)]
pub struct VehicleSpec {
    /// Name of the device, the first part of its points.
    pub name: String,
    /// Energy between 0 and 100 % state of charge, Wh, > 0.
    pub capacity_wh: f64,
    /// Full power of the charger at the bus, W, > 0.
    pub power_w: f64,
    /// Energy stored per energy taken, above 0, at most 1.
    pub efficiency: f64,
    /// State of charge from which the power falls, 0..1.
    pub taper_from: f64,
    /// Least and most that a day takes out of the battery, Wh.
    pub used_wh: (f64, f64),
    /// Usual arrival, seconds after local midnight.
    pub arrives_local_s: f64,
    /// It comes up to this much earlier or later, s.
    pub arrival_spread_s: f64,
    /// Departure, seconds after local midnight; before the arrival.
    pub leaves_local_s: f64,
    /// State of charge at the start, 0..=1.
    pub soc_at_start: f64,
    /// The contact is closed at the start.
    pub closed_at_start: bool,
}

/// A vehicle at an instant.
#[derive(Clone, Debug)]
pub struct Vehicle {
    spec: VehicleSpec,
    stream: Stream,
    soc: f64,
    is_here: bool,
    is_done: bool,
    /// When it comes or goes next, seconds after the midnight before the start.
    turns_s: f64,
    day: u64,
}

impl Vehicle {
    /// A vehicle at `local_s` seconds after the local midnight before the start.
    pub fn new(spec: VehicleSpec, stream: Stream, local_s: f64) -> Self {
        let soc = spec.soc_at_start;
        let mut vehicle = Self { spec, stream, soc, is_here: true, is_done: false, turns_s: 0.0, day: 0 };
        vehicle.turns_s = vehicle.spec.leaves_local_s;
        while vehicle.turns_s <= local_s {
            vehicle.turn();
        }
        // What it did before the start is not known: its charge is what the specification says.
        (vehicle.soc, vehicle.is_done) = (soc, false);
        vehicle
    }

    /// State of charge, 0..=1.
    pub fn soc(&self) -> f64 {
        self.soc
    }

    /// It is at home, plugged in.
    pub fn is_here(&self) -> bool {
        self.is_here
    }

    /// Power that it takes while it is supplied, W.
    pub fn power_w(&self) -> f64 {
        if !self.is_here || self.is_done {
            return 0.0;
        }
        self.spec.power_w * ((1.0 - self.soc) / (1.0 - self.spec.taper_from)).clamp(0.0, 1.0)
    }

    /// Lets `duration_s` pass from `local_s` seconds after the midnight before the start on, and returns the energy taken, J.
    pub fn advance(&mut self, local_s: f64, duration_s: f64, energised: bool) -> f64 {
        let (mut now_s, end_s, mut energy_j) = (local_s, local_s + duration_s, 0.0);
        while now_s < end_s {
            let until_s = self.turns_s.clamp(now_s, end_s);
            if energised {
                energy_j += self.charge(until_s - now_s);
            }
            now_s = until_s;
            if now_s >= self.turns_s {
                self.turn();
            }
        }
        energy_j
    }

    /// It comes or goes.
    fn turn(&mut self) {
        let spec = &self.spec;
        if self.is_here {
            let shift_s = spec.arrival_spread_s * (2.0 * self.stream.fork(0).unit(self.day) - 1.0);
            // It comes on the day it left, and after it left.
            let arrival_s = (spec.arrives_local_s + shift_s).clamp(spec.leaves_local_s, DAY_S);
            self.turns_s = self.day as f64 * DAY_S + arrival_s;
        } else {
            let used_wh = self.stream.fork(1).between(self.day, spec.used_wh.0, spec.used_wh.1);
            self.soc = (self.soc - used_wh / spec.capacity_wh).max(SOC_LEAST.min(self.soc));
            self.day += 1;
            self.turns_s = self.day as f64 * DAY_S + spec.leaves_local_s;
        }
        (self.is_here, self.is_done) = (!self.is_here, false);
    }

    /// Charges for `duration_s` and gives the energy taken, J.
    fn charge(&mut self, duration_s: f64) -> f64 {
        if self.power_w() <= 0.0 {
            return 0.0;
        }
        let spec = &self.spec;
        let before = self.soc;
        let per_s = spec.power_w * spec.efficiency / (spec.capacity_wh * 3_600.0);
        let full_power_s = ((spec.taper_from - self.soc) / per_s).clamp(0.0, duration_s);
        self.soc += per_s * full_power_s;
        let tapering_s = duration_s - full_power_s;
        if tapering_s > 0.0 {
            let room = 1.0 - spec.taper_from;
            let left = (1.0 - self.soc) * libm::exp(-tapering_s * per_s / room);
            self.is_done = left <= END * room;
            self.soc = 1.0 - left.max(END * room).min(1.0 - self.soc);
        }
        (self.soc - before) * spec.capacity_wh * 3_600.0 / spec.efficiency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_S: f64 = 3_600.0;

    /// An electric tricycle of 5 kWh at a socket of 1 kW.
    fn tricycle() -> VehicleSpec {
        VehicleSpec {
            name: "tricycle".into(),
            capacity_wh: 5_000.0,
            power_w: 1_000.0,
            efficiency: 0.9,
            taper_from: 0.8,
            used_wh: (1_500.0, 3_500.0),
            arrives_local_s: 18.0 * HOUR_S,
            arrival_spread_s: 1.5 * HOUR_S,
            leaves_local_s: 6.5 * HOUR_S,
            soc_at_start: 0.2,
            closed_at_start: true,
        }
    }

    /// From 20 % to 80 % at 1 kW: 0.6 * 5 kWh / 0.9 kW = 3 h 20 min. From there the room falls by a factor of e each
    /// 0.2 * 5 / 0.9 h; at a twentieth of the power, 99 %, it is done, 3.329 h later.
    #[test]
    fn it_charges_as_its_curve_says() {
        let mut vehicle = Vehicle::new(tricycle(), Stream::new(1), 20.0 * HOUR_S);
        assert!(vehicle.is_here());
        let mut now_s = 20.0 * HOUR_S;
        let mut taken_j = 0.0;
        for (hours, soc, power_w) in
            [(2.0, 0.56, 1_000.0), (4.0 / 3.0, 0.8, 1_000.0), (1.0, 0.918_686, 406.570)]
        {
            taken_j += vehicle.advance(now_s, hours * HOUR_S, true);
            now_s += hours * HOUR_S;
            assert!((vehicle.soc() - soc).abs() < 1e-6, "{} at {now_s} s", vehicle.soc());
            assert!((vehicle.power_w() - power_w).abs() < 0.01, "{} W at {now_s} s", vehicle.power_w());
        }
        taken_j += vehicle.advance(now_s, 2.328 * HOUR_S, true);
        assert!(vehicle.power_w() > 50.0, "{} W", vehicle.power_w());
        taken_j += vehicle.advance(now_s + 2.328 * HOUR_S, 0.002 * HOUR_S, true);
        assert!(vehicle.power_w() <= 0.0 && (vehicle.soc() - 0.99).abs() < 1e-9, "{}", vehicle.soc());
        assert!((taken_j / 3.6e6 - 0.79 * 5.0 / 0.9).abs() < 1e-9, "{} kWh", taken_j / 3.6e6);
    }

    #[test]
    fn long_and_short_steps_come_to_the_same() {
        let start_s = 12.0 * HOUR_S;
        let (mut long, mut short) = (
            Vehicle::new(tricycle(), Stream::new(3), start_s),
            Vehicle::new(tricycle(), Stream::new(3), start_s),
        );
        let long_j = long.advance(start_s, 10.0 * DAY_S, true);
        let steps = (0..10 * 14_400_u32).map(|step| start_s + f64::from(step) * 6.0);
        let short_j: f64 = steps.map(|now_s| short.advance(now_s, 6.0, true)).sum();
        assert!((long_j - short_j).abs() < 1.0 && (long.soc() - short.soc()).abs() < 1e-9);
        // Ten days of 1.5 to 3.5 kWh, a ninth of it more from the socket.
        assert!((15.0 / 0.9..35.0 / 0.9).contains(&(long_j / 3.6e6)), "{} kWh", long_j / 3.6e6);
    }

    #[test]
    fn it_comes_in_the_evening_and_leaves_in_the_morning() {
        let mut vehicle = Vehicle::new(tricycle(), Stream::new(5), 0.0);
        let mut arrivals_s = Vec::new();
        let mut was_here = vehicle.is_here();
        for minute in 0..20 * 1_440_u32 {
            let now_s = f64::from(minute) * 60.0;
            vehicle.advance(now_s, 60.0, true);
            let of_day_s = (now_s + 60.0) % DAY_S;
            match (was_here, vehicle.is_here()) {
                (false, true) => arrivals_s.push(of_day_s),
                (true, false) => assert!((of_day_s - 6.5 * HOUR_S).abs() < 61.0, "left at {of_day_s} s"),
                _ => {}
            }
            was_here = vehicle.is_here();
        }
        assert_eq!(arrivals_s.len(), 20);
        assert!(arrivals_s.iter().all(|at_s| (at_s - 18.0 * HOUR_S).abs() <= 1.5 * HOUR_S + 61.0));
        let earliest_s = arrivals_s.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(arrivals_s.iter().any(|at_s| at_s - earliest_s > HOUR_S), "every day at the same time");
    }

    #[test]
    fn without_supply_it_does_not_charge() {
        let mut vehicle = Vehicle::new(tricycle(), Stream::new(1), 20.0 * HOUR_S);
        assert!(vehicle.advance(20.0 * HOUR_S, HOUR_S, false) <= 0.0);
        assert!((vehicle.soc() - 0.2).abs() < 1e-12 && vehicle.power_w() > 0.0);
    }
}
