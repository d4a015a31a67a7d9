//! A battery as an equivalent circuit with its heat: open-circuit voltage over the state of charge, a resistance in series,
//! two RC branches, Peukert's loss, one lump of heat.
//!
//! With I > 0 on discharge:
//!
//! ```text
//! V = OCV(s) - I R(s) - V1 - V2       R = R0, on charge of lead-acid R0 + Rc + Kc / (ac - s)
//! Vk' = I / Ck - Vk / (Rk Ck)
//! s' = -I (I / I20)^(n-1) / Q         on discharge above I20; -I eta / Q on charge
//! C T' = I^2 R + V1^2 / R1 + V2^2 / R2 - (T - T_air) / R_th
//! ```
//!
//! The two-branch circuit is the usual one (M. Chen, G. A. Rincon-Mora, "Accurate electrical battery model capable of
//! predicting runtime and I-V performance", IEEE Transactions on Energy Conversion 21, 2006). Runge-Kutta 4 with steps of
//! a second and less; where a limit is reached inside a step, its instant is located.

use crate::{curve, runge_kutta};

/// Longest step, s: a twentieth of the fastest branch of a usual battery.
const STEP_S: f64 = 1.0;

/// A resistance and a capacitance side by side: voltage that builds up and dies away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Branch {
    /// Ohm, > 0.
    pub resistance_ohm: f64,
    /// Farad, > 0.
    pub capacitance_f: f64,
}

/// What lead-acid shows on charge on top of its series resistance: `base + rise / (end - s)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChargeResistance {
    /// Ohm.
    pub base_ohm: f64,
    /// Ohm.
    pub rise_ohm: f64,
    /// State of charge at which it would be infinite; above 1.
    pub end: f64,
}

/// What a battery is.
#[derive(Clone, Debug, PartialEq)]
pub struct BatterySpec {
    /// Charge between a state of 0 and 1, Ah, > 0.
    pub capacity_ah: f64,
    /// Current up to which all of it can be taken, A, > 0 (the twenty-hour current of lead-acid).
    pub rated_a: f64,
    /// Peukert's exponent above that current, >= 1; 1 without such a loss.
    pub peukert: f64,
    /// Charge stored per charge put in, 0..1.
    pub charge_efficiency: f64,
    /// Open-circuit voltage, V, over the state of charge; ascending, linear between the points.
    pub open_circuit: Vec<(f64, f64)>,
    /// Resistance in series, ohm, > 0.
    pub series_ohm: f64,
    /// What charging adds to it.
    pub charging: Option<ChargeResistance>,
    /// Fast and slow branch.
    pub branches: [Branch; 2],
    /// Heat that warms it by one kelvin, J/K, > 0.
    pub heat_capacity_j_per_k: f64,
    /// From its middle to the air, K/W, > 0.
    pub heat_resistance_k_per_w: f64,
}

/// What is done to a battery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Drive {
    /// This current, A, > 0 out of the battery.
    Current(f64),
    /// This voltage at its terminals, V.
    Voltage(f64),
}

/// Where [`Battery::advance`] stops before its time is over.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Until {
    /// The voltage is at this or below, V.
    pub voltage_below_v: Option<f64>,
    /// The voltage is at this or above, V.
    pub voltage_above_v: Option<f64>,
    /// The state of charge is at this or below.
    pub soc_below: Option<f64>,
    /// No more current flows into it than this, A.
    pub charging_below_a: Option<f64>,
}

/// A battery at an instant.
#[derive(Clone, Debug)]
pub struct Battery {
    spec: BatterySpec,
    state: State,
    drive: Drive,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    soc: f64,
    branches_v: [f64; 2],
    temperature_c: f64,
}

impl runge_kutta::State for State {
    fn plus(&self, factor: f64, rate: &Self) -> Self {
        let [fast_v, slow_v] = self.branches_v;
        let [fast, slow] = rate.branches_v;
        Self {
            soc: self.soc + factor * rate.soc,
            branches_v: [fast_v + factor * fast, slow_v + factor * slow],
            temperature_c: self.temperature_c + factor * rate.temperature_c,
        }
    }
}

impl Battery {
    /// A rested battery.
    pub fn new(spec: BatterySpec, soc: f64, temperature_c: f64) -> Self {
        let state = State { soc, branches_v: [0.0; 2], temperature_c };
        Self { spec, state, drive: Drive::Current(0.0) }
    }

    /// What is done to it from now on.
    pub fn drive(&mut self, drive: Drive) {
        self.drive = drive;
    }

    /// State of charge, 0..1.
    pub fn soc(&self) -> f64 {
        self.state.soc
    }

    /// Temperature, C.
    pub fn temperature_c(&self) -> f64 {
        self.state.temperature_c
    }

    /// Current, A, > 0 out of the battery.
    pub fn current_a(&self) -> f64 {
        self.current_of(&self.state)
    }

    /// Voltage at the terminals, V.
    pub fn voltage_v(&self) -> f64 {
        self.voltage_of(&self.state)
    }

    /// Power at the terminals, W, > 0 out of the battery.
    pub fn power_w(&self) -> f64 {
        self.voltage_v() * self.current_a()
    }

    /// The current at which its terminals give `power_w` at this instant, A: for a [`Drive`] that holds a power. More than
    /// it can give is answered by the current of its largest power.
    pub fn current_for_power_a(&self, power_w: f64) -> f64 {
        let inner_v = self.inner_v(&self.state);
        let resistance = self.resistance_ohm(self.state.soc, power_w < 0.0);
        let root = (inner_v * inner_v - 4.0 * resistance * power_w).max(0.0);
        (inner_v - libm::sqrt(root)) / (2.0 * resistance)
    }

    /// The current that brings its terminals to `voltage_v` at this instant, A.
    pub fn current_for_voltage_a(&self, voltage_v: f64) -> f64 {
        self.current_to_a(&self.state, voltage_v)
    }

    /// The voltage at its terminals at this current, V.
    pub fn voltage_at_v(&self, current_a: f64) -> f64 {
        self.inner_v(&self.state) - current_a * self.resistance_ohm(self.state.soc, current_a < 0.0)
    }

    /// From now on heat leaves it through this resistance, K/W, > 0.
    pub fn set_heat_resistance(&mut self, k_per_w: f64) {
        self.spec.heat_resistance_k_per_w = k_per_w;
    }

    /// What it is.
    pub fn spec(&self) -> &BatterySpec {
        &self.spec
    }

    /// Lets time pass in air of `air_c`, at most `duration_s` and not past a limit; gives the time that passed, s.
    pub fn advance(&mut self, duration_s: f64, air_c: f64, until: &Until) -> f64 {
        let mut passed_s = 0.0;
        while passed_s < duration_s && !self.is_at(&self.state, until) {
            let step_s = STEP_S.min(duration_s - passed_s);
            let next = self.stepped(step_s, air_c);
            if !self.is_at(&next, until) {
                self.state = next;
                passed_s += step_s;
                continue;
            }
            let after_s = runge_kutta::locate(step_s, |at_s| self.is_at(&self.stepped(at_s, air_c), until));
            self.state = self.stepped(after_s, air_c);
            return passed_s + after_s;
        }
        passed_s
    }

    fn is_at(&self, state: &State, until: &Until) -> bool {
        let voltage_v = self.voltage_of(state);
        until.voltage_below_v.is_some_and(|limit| voltage_v <= limit)
            || until.voltage_above_v.is_some_and(|limit| voltage_v >= limit)
            || until.soc_below.is_some_and(|limit| state.soc <= limit)
            || until.charging_below_a.is_some_and(|limit| -self.current_of(state) < limit)
    }

    fn stepped(&self, step_s: f64, air_c: f64) -> State {
        runge_kutta::step(&self.state, step_s, |state| self.rate(state, air_c))
    }

    fn rate(&self, state: &State, air_c: f64) -> State {
        let spec = &self.spec;
        let current_a = self.current_of(state);
        let is_charging = current_a < 0.0;
        let per_second = 1.0 / (spec.capacity_ah * 3_600.0);
        let weight = if is_charging {
            spec.charge_efficiency
        } else {
            libm::pow((current_a / spec.rated_a).max(1.0), spec.peukert - 1.0)
        };
        let resistance = self.resistance_ohm(state.soc, is_charging);
        let mut heat_w = current_a * current_a * resistance;
        let mut branches_v = [0.0; 2];
        for ((rate, branch), voltage_v) in branches_v.iter_mut().zip(&spec.branches).zip(state.branches_v) {
            *rate = (current_a - voltage_v / branch.resistance_ohm) / branch.capacitance_f;
            heat_w += voltage_v * voltage_v / branch.resistance_ohm;
        }
        let lost_w = (state.temperature_c - air_c) / spec.heat_resistance_k_per_w;
        State {
            soc: -current_a * weight * per_second,
            branches_v,
            temperature_c: (heat_w - lost_w) / spec.heat_capacity_j_per_k,
        }
    }

    fn current_of(&self, state: &State) -> f64 {
        match self.drive {
            Drive::Current(current_a) => current_a,
            Drive::Voltage(voltage_v) => self.current_to_a(state, voltage_v),
        }
    }

    fn current_to_a(&self, state: &State, voltage_v: f64) -> f64 {
        let excess_v = self.inner_v(state) - voltage_v;
        excess_v / self.resistance_ohm(state.soc, excess_v < 0.0)
    }

    fn voltage_of(&self, state: &State) -> f64 {
        match self.drive {
            Drive::Voltage(voltage_v) => voltage_v,
            Drive::Current(current_a) => {
                self.inner_v(state) - current_a * self.resistance_ohm(state.soc, current_a < 0.0)
            }
        }
    }

    /// Voltage behind the resistance in series, V.
    fn inner_v(&self, state: &State) -> f64 {
        let [fast_v, slow_v] = state.branches_v;
        self.open_circuit_v(state.soc) - fast_v - slow_v
    }

    fn resistance_ohm(&self, soc: f64, is_charging: bool) -> f64 {
        let spec = &self.spec;
        let added = spec.charging.filter(|_| is_charging);
        spec.series_ohm
            + added.map_or(0.0, |added| added.base_ohm + added.rise_ohm / (added.end - soc).max(1e-3))
    }

    /// Voltage of the rested battery at a state of charge, V; beyond its first and last point that of the point.
    fn open_circuit_v(&self, soc: f64) -> f64 {
        curve::along(&self.spec.open_circuit, soc)
    }
}
