//! The frequency of one electrical node: the swing equation of an island with its sources and loads.
//!
//! With `s = (f - f0) / f0` and powers per unit of `base_va`:
//!
//! ```text
//! 2 H s' = sum(machines) + sum(inverters) + sum(solars) - load (1 + D s)
//! machine:  T_g g' = reference - s / droop - g,  0 <= g <= g_max (held at a limit while pushed outward)
//!           T_t p' = g - p
//! inverter: T p'  = clip(setpoint - beyond_dead_band(s) / droop) - p
//! solar:    T p'  = min(available, limit) * clip((f_stop - f) / (f_stop - f_start), 0, 1) - p
//! ```
//!
//! Two integrators work on the same equations: [`Swing::advance`], Runge-Kutta 4 with every kink located inside
//! the step, for transients; and [`Swing::glide`], one implicit Euler step of any length, for quiet times.
//! The machine and inverter model is the usual textbook one (P. Kundur, Power System Stability and Control, 1994,
//! sections 3.9 and 11.1); parameters of small sets are in the specification of each village.
//!
//! This module must never read a clock or draw a random number: the same calls give the same bits.

mod equations;
mod integrate;
mod state;

pub use equations::{InverterSpec, MachineSpec, SolarSpec};

use crate::limits::{INVERTERS_MAX, MACHINES_MAX, SOLARS_MAX, WATCHES_MAX};
use equations::{Equations, Inverter, Machine, Regime, Solar};
use state::{MachineState, State};

/// What belongs to the node as a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SwingSpec {
    /// Power that counts as 1 per unit, VA.
    pub base_va: f64,
    /// Nominal frequency, Hz.
    pub nominal_hz: f64,
    /// Relative change of the load's power per relative change of frequency (D).
    pub load_damping: f64,
}

/// How far [`Swing::advance`] came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Time that passed, s; the whole duration unless a watched frequency was crossed.
    pub elapsed_s: f64,
    /// A watched frequency was crossed at the end of this time; ask [`Swing::frequency_hz`] for the side.
    pub crossed: bool,
}

/// The state of one node. Sources are numbered in the order they were added; a call with a number that does not
/// exist does nothing and reads as 0.
#[derive(Clone, Debug)]
pub struct Swing {
    equations: Equations,
    state: State,
    regime: Regime,
}

impl Swing {
    /// A node at nominal frequency without sources or load.
    pub fn new(spec: SwingSpec) -> Self {
        Self { equations: Equations::new(spec), state: State::default(), regime: Regime::default() }
    }

    /// Adds a machine, off line. `None` past [`MACHINES_MAX`].
    pub fn add_machine(&mut self, spec: MachineSpec) -> Option<usize> {
        let number = self.equations.machines.len();
        (number < MACHINES_MAX).then(|| {
            self.equations.machines.push(Machine { spec, on_line: false, unloading: false });
            number
        })
    }

    /// Adds a storage inverter, off line, setpoint 0 W, limits at its rating. `None` past [`INVERTERS_MAX`].
    pub fn add_inverter(&mut self, spec: InverterSpec) -> Option<usize> {
        let number = self.equations.inverters.len();
        (number < INVERTERS_MAX).then(|| {
            self.equations.inverters.push(Inverter::new(spec));
            number
        })
    }

    /// Adds a solar inverter, off line. `None` past [`SOLARS_MAX`].
    pub fn add_solar(&mut self, spec: SolarSpec) -> Option<usize> {
        let number = self.equations.solars.len();
        (number < SOLARS_MAX).then(|| {
            self.equations.solars.push(Solar { spec, on_line: false, available_w: 0.0 });
            number
        })
    }

    /// Closes a machine onto the node, running steadily at `power_pu` of its rating.
    pub fn connect_machine(&mut self, number: usize, power_pu: f64) {
        let Some(unit) = self.equations.machines.get_mut(number) else { return };
        (unit.on_line, unit.unloading) = (true, false);
        if let Some(state) = self.state.machines.get_mut(number) {
            *state = MachineState { governor: power_pu, turbine: power_pu, reference: power_pu };
        }
        self.refresh();
    }

    /// Opens a machine's breaker: its power and its inertia are gone at once.
    pub fn disconnect_machine(&mut self, number: usize) {
        let Some(unit) = self.equations.machines.get_mut(number) else { return };
        unit.on_line = false;
        if let Some(state) = self.state.machines.get_mut(number) {
            *state = MachineState::default();
        }
        self.refresh();
    }

    /// Asks an on-line machine to give its power to the others, before it is disconnected; or to take load again.
    pub fn unload_machine(&mut self, number: usize, unloading: bool) {
        if let Some(unit) = self.equations.machines.get_mut(number) {
            unit.unloading = unloading;
        }
    }

    /// Connects or disconnects a storage inverter. `forming` gives it its virtual inertia and its return to
    /// nominal frequency: the inverter that keeps an island without machines.
    pub fn connect_inverter(&mut self, number: usize, on_line: bool, forming: bool) {
        let Some(unit) = self.equations.inverters.get_mut(number) else { return };
        (unit.on_line, unit.forming) = (on_line, forming && on_line);
        if !on_line && let Some(state) = self.state.inverters.get_mut(number) {
            *state = state::InverterState::default();
        }
        self.refresh();
    }

    /// Sets what a storage inverter delivers at nominal frequency, W (into the bus positive), and the limits of
    /// what it can deliver at all, `lowest_w <= highest_w`.
    pub fn set_inverter(&mut self, number: usize, setpoint_w: f64, lowest_w: f64, highest_w: f64) {
        if let Some(unit) = self.equations.inverters.get_mut(number) {
            let rated_va = unit.spec.rated_va;
            (unit.setpoint_pu, unit.lowest_pu, unit.highest_pu) =
                (setpoint_w / rated_va, lowest_w / rated_va, highest_w / rated_va);
            self.refresh();
        }
    }

    /// Connects or disconnects a solar inverter.
    pub fn connect_solar(&mut self, number: usize, on_line: bool) {
        let Some(unit) = self.equations.solars.get_mut(number) else { return };
        unit.on_line = on_line;
        if !on_line && let Some(power_pu) = self.state.solars.get_mut(number) {
            *power_pu = 0.0;
        }
        self.refresh();
    }

    /// Sets what a solar inverter could deliver now, W.
    pub fn set_solar(&mut self, number: usize, available_w: f64) {
        if let Some(unit) = self.equations.solars.get_mut(number) {
            unit.available_w = available_w;
            self.refresh();
        }
    }

    /// Sets the load's power at nominal frequency, W, >= 0.
    pub fn set_load(&mut self, load_w: f64) {
        self.equations.load_w = load_w;
        self.refresh();
    }

    /// Ties the node to a grid so large that only the grid decides the frequency, Hz; `None` for an island.
    pub fn set_stiff(&mut self, frequency_hz: Option<f64>) {
        self.equations.stiff = frequency_hz.is_some();
        if let Some(frequency_hz) = frequency_hz {
            self.state.speed = frequency_hz / self.equations.spec.nominal_hz - 1.0;
        }
        self.refresh();
    }

    /// Back to nominal frequency with every source off line: a dead bus.
    pub fn black_out(&mut self) {
        self.state = State::default();
        for unit in &mut self.equations.machines {
            unit.on_line = false;
        }
        for unit in &mut self.equations.inverters {
            (unit.on_line, unit.forming) = (false, false);
        }
        for unit in &mut self.equations.solars {
            unit.on_line = false;
        }
        self.refresh();
    }

    /// Integrates by `duration_s` in steps of at most `step_s`, and stops where the frequency crosses one of
    /// `watch_hz` (at most [`WATCHES_MAX`] are watched), located to 10 ns inside the step.
    pub fn advance(&mut self, duration_s: f64, step_s: f64, watch_hz: &[f64]) -> Progress {
        let watched = watch_hz.get(..WATCHES_MAX).unwrap_or(watch_hz);
        integrate::advance(&self.equations, &mut self.state, &mut self.regime, duration_s, step_s, watched)
    }

    /// One implicit Euler step of `duration_s`: first order, stable at any length. It passes over what is faster
    /// than its length, so it suits only quiet times.
    pub fn glide(&mut self, duration_s: f64) {
        self.state = integrate::glide(&self.equations, &self.state, duration_s);
        self.refresh();
    }

    /// Frequency now, Hz.
    pub fn frequency_hz(&self) -> f64 {
        self.equations.spec.nominal_hz * (1.0 + self.state.speed)
    }

    /// Slope of the frequency now, Hz/s.
    pub fn slope_hz_per_s(&self) -> f64 {
        self.acceleration() * self.equations.spec.nominal_hz
    }

    /// The largest distance of any source from the power it is moving to, per unit of the node's base.
    pub fn mismatch_pu(&self) -> f64 {
        self.equations.mismatch_pu(&self.state)
    }

    /// A source that holds the frequency is on line, or the node is tied to a grid.
    pub fn is_live(&self) -> bool {
        self.equations.stiff || self.equations.inertia() > 0.0
    }

    /// Mechanical power of a machine's turbine, W.
    pub fn shaft_power_w(&self, number: usize) -> f64 {
        let rated_va = self.equations.machines.get(number).map_or(0.0, |unit| unit.spec.rated_va);
        self.state.machines.get(number).map_or(0.0, |state| state.turbine) * rated_va
    }

    /// Electrical power of a machine, W: its turbine's, and what its rotor gives while it slows down.
    pub fn machine_power_w(&self, number: usize) -> f64 {
        let rotor_w = self
            .equations
            .machines
            .get(number)
            .filter(|unit| unit.on_line)
            .map_or(0.0, |unit| 2.0 * unit.spec.inertia_s * unit.spec.rated_va * self.acceleration());
        self.shaft_power_w(number) - rotor_w
    }

    /// Electrical power of a storage inverter, W, into the bus positive, virtual inertia included.
    pub fn inverter_power_w(&self, number: usize) -> f64 {
        let Some(unit) = self.equations.inverters.get(number) else { return 0.0 };
        let power_pu = self.state.inverters.get(number).map_or(0.0, |state| state.power);
        (power_pu - 2.0 * unit.inertia_s() * self.acceleration()) * unit.spec.rated_va
    }

    /// Electrical power of a solar inverter, W.
    pub fn solar_power_w(&self, number: usize) -> f64 {
        self.state.solars.get(number).copied().unwrap_or(0.0) * self.equations.spec.base_va
    }

    /// What each watt of load at nominal frequency takes at the present frequency, W/W; 0 on a dead bus.
    pub fn load_factor(&self) -> f64 {
        if self.is_live() { self.equations.load_factor(&self.state) } else { 0.0 }
    }

    /// Power of the load at the present frequency, W; 0 on a dead bus.
    pub fn load_w(&self) -> f64 {
        self.equations.load_w * self.load_factor()
    }

    /// Every number of the state is finite.
    pub fn is_finite(&self) -> bool {
        self.state.is_finite() && self.equations.load_w.is_finite()
    }

    fn acceleration(&self) -> f64 {
        self.equations.rate(&self.state, &self.regime).speed
    }

    fn refresh(&mut self) {
        self.regime = self.equations.classify(&self.state, &[]);
    }
}
