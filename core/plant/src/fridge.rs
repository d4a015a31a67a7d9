//! A refrigerator as two lumps of heat, its air and what stands in it, with a thermostat.
//!
//! ```text
//! Ca Ta' = UA (T_room - Ta) + Um (Tm - Ta) - P COP while it runs
//! Cm Tm' = Um (Ta - Tm)
//! ```
//!
//! The two-lump form is the usual equivalent thermal parameter model of a conditioned space (R. C. Sonderegger, "Dynamic
//! models of house heating based on equivalent thermal parameters", Princeton, 1978). Runge-Kutta 4 with steps of
//! ten seconds and less; the thermostat's instants are located inside a step.

use crate::runge_kutta;

/// Longest step, s: the faster of the two time constants is about ten minutes.
const STEP_S: f64 = 10.0;

/// What a refrigerator is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FridgeSpec {
    /// Heat that warms its air by one kelvin, J/K, > 0.
    pub air_j_per_k: f64,
    /// Heat that warms what stands in it by one kelvin, J/K, > 0.
    pub mass_j_per_k: f64,
    /// From the room into its air, W/K, > 0.
    pub wall_w_per_k: f64,
    /// From what stands in it into its air, W/K, > 0.
    pub mass_w_per_k: f64,
    /// Electrical power while it runs, W.
    pub power_w: f64,
    /// Heat taken out per electrical energy.
    pub performance: f64,
    /// The thermostat switches off below this, C.
    pub low_c: f64,
    /// The thermostat switches on above this, C; above `low_c`.
    pub high_c: f64,
    /// A compressor that stopped does not start again sooner, s: its pressure must fall first.
    pub rest_s: f64,
}

/// A refrigerator at an instant.
#[derive(Clone, Debug)]
pub struct Fridge {
    spec: FridgeSpec,
    temperatures: Temperatures,
    /// The thermostat wishes it to run.
    calls: bool,
    /// Its compressor runs.
    runs: bool,
    /// How long it has stood still, s.
    still_s: f64,
}

#[derive(Clone, Copy, Debug)]
struct Temperatures {
    air_c: f64,
    mass_c: f64,
}

impl runge_kutta::State for Temperatures {
    fn plus(&self, factor: f64, rate: &Self) -> Self {
        Self { air_c: self.air_c + factor * rate.air_c, mass_c: self.mass_c + factor * rate.mass_c }
    }
}

impl Fridge {
    /// One that stands still, as long as it must.
    pub fn new(spec: FridgeSpec, air_c: f64, mass_c: f64) -> Self {
        let temperatures = Temperatures { air_c, mass_c };
        Self { spec, temperatures, calls: air_c > spec.high_c, runs: false, still_s: spec.rest_s }
    }

    /// Temperature of its air, C.
    pub fn air_c(&self) -> f64 {
        self.temperatures.air_c
    }

    /// Temperature of what stands in it, C.
    pub fn mass_c(&self) -> f64 {
        self.temperatures.mass_c
    }

    /// Power that it takes now, W.
    pub fn power_w(&self) -> f64 {
        if self.runs { self.spec.power_w } else { 0.0 }
    }

    /// Lets `duration_s` pass in a room of `room_c`, and returns the energy taken, J. Without supply (`energised` false) its
    /// compressor stands still.
    pub fn advance(&mut self, duration_s: f64, energised: bool, room_c: f64) -> f64 {
        let (mut left_s, mut energy_j) = (duration_s, 0.0);
        while left_s > 0.0 {
            self.turn(energised);
            let wait_s = self.spec.rest_s - self.still_s;
            let is_waiting = energised && self.calls && !self.runs && wait_s > 0.0;
            let longest_s = if is_waiting { left_s.min(wait_s) } else { left_s };
            let step_s = self.step(longest_s.min(STEP_S), room_c);
            energy_j += self.power_w() * step_s;
            self.still_s = if self.runs { 0.0 } else { self.still_s + step_s };
            left_s -= step_s;
        }
        self.turn(energised);
        energy_j
    }

    /// Thermostat and compressor, as the temperature says.
    fn turn(&mut self, energised: bool) {
        if self.is_turning(&self.temperatures) {
            self.calls = !self.calls;
        }
        // A rest that is over but for the last bits of a sum of steps is over.
        self.runs = energised && self.calls && (self.runs || self.still_s >= self.spec.rest_s - 1e-9);
    }

    fn is_turning(&self, at: &Temperatures) -> bool {
        if self.calls { at.air_c <= self.spec.low_c } else { at.air_c >= self.spec.high_c }
    }

    /// One step, cut where the thermostat turns; gives its length, s.
    fn step(&mut self, step_s: f64, room_c: f64) -> f64 {
        let next = self.stepped(step_s, room_c);
        if !self.is_turning(&next) {
            self.temperatures = next;
            return step_s;
        }
        let after_s = runge_kutta::locate(step_s, |at_s| self.is_turning(&self.stepped(at_s, room_c)));
        self.temperatures = self.stepped(after_s, room_c);
        after_s
    }

    fn stepped(&self, step_s: f64, room_c: f64) -> Temperatures {
        runge_kutta::step(&self.temperatures, step_s, |at| self.rate(at, room_c))
    }

    fn rate(&self, at: &Temperatures, room_c: f64) -> Temperatures {
        let spec = &self.spec;
        let from_mass_w = spec.mass_w_per_k * (at.mass_c - at.air_c);
        let taken_w = self.power_w() * spec.performance;
        Temperatures {
            air_c: (spec.wall_w_per_k * (room_c - at.air_c) + from_mass_w - taken_w) / spec.air_j_per_k,
            mass_c: -from_mass_w / spec.mass_j_per_k,
        }
    }
}
