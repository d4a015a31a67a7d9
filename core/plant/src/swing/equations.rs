//! The right-hand side of the swing equation, piece by smooth piece.
//!
//! Limits, dead bands and clips make the equations kinked. A [`Regime`] says on which side of every kink the state
//! is; for one regime the equations are smooth, so Runge-Kutta keeps its order, and a change of regime is an event
//! that the integrator locates.

use super::SwingSpec;
use super::state::{InverterState, MachineState, State};
use crate::limits::{INVERTERS_MAX, MACHINES_MAX, SOLARS_MAX};

/// Time in which an unloading machine gives its power away, s: the reference decays with it.
const UNLOADING_S: f64 = 1.5;

/// A synchronous machine with its governor and turbine (or diesel).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MachineSpec {
    /// Rating, VA: what 1 per unit of its power means.
    pub rated_va: f64,
    /// Inertia constant H, s: kinetic energy at nominal speed / rating.
    pub inertia_s: f64,
    /// Relative frequency drop from no load to full load, > 0.
    pub droop: f64,
    /// Lag of the governor, s, > 0.
    pub governor_lag_s: f64,
    /// Lag from governor to shaft power, s, > 0.
    pub turbine_lag_s: f64,
    /// Largest power, per unit of the rating.
    pub power_max_pu: f64,
    /// Time of the slow return to nominal frequency and to an equal share of the load, s; `None`: droop only.
    pub trim_s: Option<f64>,
}

/// A storage inverter that supports the frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InverterSpec {
    /// Rating, VA: what 1 per unit of its power means.
    pub rated_va: f64,
    /// Relative frequency change that moves its power by its rating, > 0.
    pub droop: f64,
    /// Lag of its power, s, > 0.
    pub lag_s: f64,
    /// Frequency deviation that it ignores, Hz.
    pub dead_band_hz: f64,
    /// Virtual inertia constant while it forms an island, s; 0: it cannot form one.
    pub forming_inertia_s: f64,
    /// Time of the return to nominal frequency while it forms an island, s; `None`: droop only.
    pub trim_s: Option<f64>,
}

/// A solar inverter that gives way to high frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SolarSpec {
    /// Frequency above which it reduces, Hz.
    pub reduce_from_hz: f64,
    /// Frequency at which it delivers nothing, Hz; above `reduce_from_hz`.
    pub zero_at_hz: f64,
    /// Lag of its power, s, > 0.
    pub lag_s: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) spec: MachineSpec,
    pub(super) on_line: bool,
    pub(super) unloading: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Inverter {
    pub(super) spec: InverterSpec,
    pub(super) on_line: bool,
    pub(super) forming: bool,
    pub(super) setpoint_pu: f64,
    pub(super) lowest_pu: f64,
    pub(super) highest_pu: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Solar {
    pub(super) spec: SolarSpec,
    pub(super) on_line: bool,
    pub(super) available_w: f64,
}

/// Where a governor stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Governor {
    #[default]
    Free,
    HeldHigh,
    HeldLow,
}

/// On which line of its characteristic an inverter works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Band {
    #[default]
    Dead,
    Under,
    Over,
    ClippedHigh,
    ClippedLow,
}

/// On which line of its characteristic a solar inverter works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Curve {
    #[default]
    Full,
    Reduced,
    Zero,
}

/// The smooth piece of the equations that the state is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Regime {
    governors: [Governor; MACHINES_MAX],
    bands: [Band; INVERTERS_MAX],
    curves: [Curve; SOLARS_MAX],
    /// One bit per watched frequency, set while the frequency is below it.
    pub(super) below: u32,
}

/// Parameters and inputs of the node.
#[derive(Clone, Debug)]
pub(super) struct Equations {
    pub(super) spec: SwingSpec,
    pub(super) machines: Vec<Machine>,
    pub(super) inverters: Vec<Inverter>,
    pub(super) solars: Vec<Solar>,
    pub(super) load_w: f64,
    pub(super) stiff: bool,
}

impl Machine {
    /// Rate of the slow reference, 1/s. The mean loading makes machines share; a reference at its limit is not
    /// wound further.
    pub(super) fn reference_rate(&self, speed: f64, mean_pu: f64, state: &MachineState) -> f64 {
        if self.unloading {
            return -state.reference / UNLOADING_S;
        }
        let Some(trim_s) = self.spec.trim_s else { return 0.0 };
        let rate = (mean_pu - state.governor - speed / self.spec.droop) / trim_s;
        let is_wound = (state.reference >= self.spec.power_max_pu && rate > 0.0)
            || (state.reference <= 0.0 && rate < 0.0);
        if is_wound { 0.0 } else { rate }
    }

    fn push(&self, speed: f64, state: &MachineState) -> f64 {
        state.reference - speed / self.spec.droop - state.governor
    }

    fn rate(&self, speed: f64, mean_pu: f64, held: Governor, state: &MachineState) -> MachineState {
        let governor = match held {
            Governor::Free => self.push(speed, state) / self.spec.governor_lag_s,
            Governor::HeldHigh | Governor::HeldLow => 0.0,
        };
        MachineState {
            governor,
            turbine: (state.governor - state.turbine) / self.spec.turbine_lag_s,
            reference: self.reference_rate(speed, mean_pu, state),
        }
    }

    fn classify(&self, speed: f64, state: &MachineState) -> Governor {
        let push = self.push(speed, state);
        if state.governor >= self.spec.power_max_pu && push > 0.0 {
            Governor::HeldHigh
        } else if state.governor <= 0.0 && push < 0.0 {
            Governor::HeldLow
        } else {
            Governor::Free
        }
    }
}

impl Inverter {
    pub(super) fn new(spec: InverterSpec) -> Self {
        Self { spec, on_line: false, forming: false, setpoint_pu: 0.0, lowest_pu: -1.0, highest_pu: 1.0 }
    }

    pub(super) fn inertia_s(&self) -> f64 {
        if self.forming { self.spec.forming_inertia_s } else { 0.0 }
    }

    fn on_band(&self, band: Band, speed: f64, dead_band: f64, trim: f64) -> f64 {
        let centre = self.setpoint_pu + trim;
        match band {
            Band::Dead => centre,
            Band::Under => centre - (speed + dead_band) / self.spec.droop,
            Band::Over => centre - (speed - dead_band) / self.spec.droop,
            Band::ClippedHigh => self.highest_pu,
            Band::ClippedLow => self.lowest_pu,
        }
    }

    fn classify(&self, speed: f64, dead_band: f64, trim: f64) -> Band {
        let open = if speed > dead_band {
            Band::Over
        } else if speed < -dead_band {
            Band::Under
        } else {
            Band::Dead
        };
        let wanted = self.on_band(open, speed, dead_band, trim);
        if wanted > self.highest_pu {
            Band::ClippedHigh
        } else if wanted < self.lowest_pu {
            Band::ClippedLow
        } else {
            open
        }
    }

    /// The power that the inverter moves to, per unit of its rating.
    pub(super) fn target(&self, speed: f64, nominal_hz: f64, trim: f64) -> f64 {
        let dead_band = self.spec.dead_band_hz / nominal_hz;
        self.on_band(self.classify(speed, dead_band, trim), speed, dead_band, trim)
    }

    /// Rate of the slow return to nominal frequency, 1/s; it fades while another source keeps the frequency, and
    /// is not wound beyond the inverter's limits.
    pub(super) fn trim_rate(&self, speed: f64, state: &InverterState) -> f64 {
        let Some(trim_s) = self.spec.trim_s else { return 0.0 };
        if !self.forming {
            return -state.trim / trim_s;
        }
        let rate = -speed / self.spec.droop / trim_s;
        let centre = self.setpoint_pu + state.trim;
        let is_wound = (centre >= self.highest_pu && rate > 0.0) || (centre <= self.lowest_pu && rate < 0.0);
        if is_wound { 0.0 } else { rate }
    }
}

impl Solar {
    fn classify(&self, frequency_hz: f64) -> Curve {
        if frequency_hz <= self.spec.reduce_from_hz {
            Curve::Full
        } else if frequency_hz < self.spec.zero_at_hz {
            Curve::Reduced
        } else {
            Curve::Zero
        }
    }

    fn on_curve(&self, curve: Curve, frequency_hz: f64) -> f64 {
        self.available_w
            * match curve {
                Curve::Full => 1.0,
                Curve::Reduced => {
                    (self.spec.zero_at_hz - frequency_hz) / (self.spec.zero_at_hz - self.spec.reduce_from_hz)
                }
                Curve::Zero => 0.0,
            }
    }

    /// The power that the inverter moves to, W.
    pub(super) fn target_w(&self, frequency_hz: f64) -> f64 {
        self.on_curve(self.classify(frequency_hz), frequency_hz)
    }
}

impl Equations {
    pub(super) fn new(spec: SwingSpec) -> Self {
        Self {
            spec,
            machines: Vec::new(),
            inverters: Vec::new(),
            solars: Vec::new(),
            load_w: 0.0,
            stiff: false,
        }
    }

    /// 2 H of everything on line that holds the frequency, s, on the node's base.
    pub(super) fn inertia(&self) -> f64 {
        let machines: f64 = self
            .machines
            .iter()
            .filter(|unit| unit.on_line)
            .map(|unit| unit.spec.inertia_s * unit.spec.rated_va)
            .sum();
        let inverters: f64 = self.inverters.iter().map(|unit| unit.inertia_s() * unit.spec.rated_va).sum();
        2.0 * (machines + inverters) / self.spec.base_va
    }

    pub(super) fn load_factor(&self, state: &State) -> f64 {
        1.0 + self.spec.load_damping * state.speed
    }

    pub(super) fn frequency_hz(&self, speed: f64) -> f64 {
        self.spec.nominal_hz * (1.0 + speed)
    }

    /// Mean governor output of the machines that share the load, per unit of their ratings.
    pub(super) fn mean_loading(&self, state: &State) -> f64 {
        let (mut power_w, mut rated_va) = (0.0, 0.0);
        for (unit, machine) in self.machines.iter().zip(&state.machines) {
            if unit.on_line && !unit.unloading && unit.spec.trim_s.is_some() {
                power_w += machine.governor * unit.spec.rated_va;
                rated_va += unit.spec.rated_va;
            }
        }
        if rated_va > 0.0 { power_w / rated_va } else { 0.0 }
    }

    /// Power of all sources less the load, per unit of the base.
    pub(super) fn surplus(&self, state: &State) -> f64 {
        let machines_w: f64 =
            self.machines.iter().zip(&state.machines).map(|(u, s)| u.spec.rated_va * s.turbine).sum();
        let inverters_w: f64 =
            self.inverters.iter().zip(&state.inverters).map(|(u, s)| u.spec.rated_va * s.power).sum();
        let solars: f64 = state.solars.iter().sum();
        (machines_w + inverters_w - self.load_w * self.load_factor(state)) / self.spec.base_va + solars
    }

    /// Rates of change of the whole state, taking every source on the line that `regime` names.
    pub(super) fn rate(&self, state: &State, regime: &Regime) -> State {
        let mut rate = State::default();
        let inertia = self.inertia();
        if !self.stiff && inertia > 0.0 {
            rate.speed = self.surplus(state) / inertia;
        }
        let mean_pu = self.mean_loading(state);
        for (((into, unit), from), held) in
            rate.machines.iter_mut().zip(&self.machines).zip(&state.machines).zip(&regime.governors)
        {
            if unit.on_line {
                *into = unit.rate(state.speed, mean_pu, *held, from);
            }
        }
        for (((into, unit), from), band) in
            rate.inverters.iter_mut().zip(&self.inverters).zip(&state.inverters).zip(&regime.bands)
        {
            if unit.on_line {
                let dead_band = unit.spec.dead_band_hz / self.spec.nominal_hz;
                let target = unit.on_band(*band, state.speed, dead_band, from.trim);
                into.power = (target - from.power) / unit.spec.lag_s;
                into.trim = unit.trim_rate(state.speed, from);
            }
        }
        for (((into, unit), from), curve) in
            rate.solars.iter_mut().zip(&self.solars).zip(&state.solars).zip(&regime.curves)
        {
            if unit.on_line {
                let target_w = unit.on_curve(*curve, self.frequency_hz(state.speed));
                *into = (target_w / self.spec.base_va - from) / unit.spec.lag_s;
            }
        }
        rate
    }

    /// The regime that `state` belongs to.
    pub(super) fn classify(&self, state: &State, watch_hz: &[f64]) -> Regime {
        let mut regime = Regime::default();
        for ((into, unit), from) in regime.governors.iter_mut().zip(&self.machines).zip(&state.machines) {
            if unit.on_line {
                *into = unit.classify(state.speed, from);
            }
        }
        for ((into, unit), from) in regime.bands.iter_mut().zip(&self.inverters).zip(&state.inverters) {
            if unit.on_line {
                *into = unit.classify(state.speed, unit.spec.dead_band_hz / self.spec.nominal_hz, from.trim);
            }
        }
        let frequency_hz = self.frequency_hz(state.speed);
        for (into, unit) in regime.curves.iter_mut().zip(&self.solars) {
            *into = unit.classify(frequency_hz);
        }
        for (bit, watched_hz) in watch_hz.iter().enumerate() {
            regime.below |= u32::from(frequency_hz < *watched_hz) << bit;
        }
        regime
    }

    /// Puts what overshot a limit within the tolerance of its location back onto it.
    pub(super) fn clamp(&self, state: &mut State) {
        for (into, unit) in state.machines.iter_mut().zip(&self.machines) {
            into.governor = into.governor.clamp(0.0, unit.spec.power_max_pu);
            into.reference = into.reference.clamp(0.0, unit.spec.power_max_pu);
        }
    }

    /// The largest distance of any source from the power it is moving to, per unit of the base.
    pub(super) fn mismatch_pu(&self, state: &State) -> f64 {
        let mut largest_va = 0.0_f64;
        for (unit, from) in self.machines.iter().zip(&state.machines).filter(|(unit, _)| unit.on_line) {
            largest_va = largest_va.max((from.governor - from.turbine).abs() * unit.spec.rated_va);
        }
        for (unit, from) in self.inverters.iter().zip(&state.inverters).filter(|(unit, _)| unit.on_line) {
            let target = unit.target(state.speed, self.spec.nominal_hz, from.trim);
            largest_va = largest_va.max((target - from.power).abs() * unit.spec.rated_va);
        }
        largest_va / self.spec.base_va
    }
}
