//! An inverter that forms an island alone and raises its frequency while its battery is full, so that the sun gives way.
//!
//! ```text
//! battery = load - sun              what is out of balance, W; negative while it is charged
//! Tf P' = battery - P               as the inverter measures it
//! f = f0 - m P + shift
//! shift' = Ki (-P - limit)          held at 0 and at its maximum
//! Tpv sun' = available clip((f_stop - f) / (f_stop - f_start), 0, 1) - sun
//! ```
//!
//! So off-grid inverters steer what they cannot command ("frequency shift power control"; SMA, Sunny Island manual). In
//! the village the same is part of [`crate::swing`], with the numbers of [`FormerSpec::in_swing`]; here it stands alone, as
//! a cabin has it. Runge-Kutta 4 with steps of two milliseconds and less.

use crate::runge_kutta;
use crate::swing::{InverterSpec, SolarSpec};

/// Longest step, s: a tenth of the fastest lag.
const STEP_S: f64 = 0.002;

/// What such an island is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FormerSpec {
    /// Frequency without load and without shift, Hz.
    pub nominal_hz: f64,
    /// Fall of the frequency per power that the battery gives, Hz/W, >= 0.
    pub droop_hz_per_w: f64,
    /// Lag of the inverter, s, > 0.
    pub lag_s: f64,
    /// Most that the battery takes, W, >= 0.
    pub charge_max_w: f64,
    /// Rise of the shift per power charged above that, Hz/(W s).
    pub shift_hz_per_w_s: f64,
    /// Largest shift, Hz.
    pub shift_max_hz: f64,
    /// The sun begins to give way here, Hz.
    pub reduce_from_hz: f64,
    /// The sun gives nothing from here on, Hz; above `reduce_from_hz`.
    pub zero_at_hz: f64,
    /// Lag of the solar inverter, s, > 0.
    pub sun_lag_s: f64,
}

/// An island at an instant.
#[derive(Clone, Copy, Debug)]
pub struct Former {
    spec: FormerSpec,
    state: State,
}

#[derive(Clone, Copy, Debug)]
struct State {
    measured_w: f64,
    sun_w: f64,
    shift_hz: f64,
}

impl runge_kutta::State for State {
    fn plus(&self, factor: f64, rate: &Self) -> Self {
        Self {
            measured_w: self.measured_w + factor * rate.measured_w,
            sun_w: self.sun_w + factor * rate.sun_w,
            shift_hz: self.shift_hz + factor * rate.shift_hz,
        }
    }
}

impl FormerSpec {
    /// The same island as parts of the swing equation, for a battery inverter of `rated_va`.
    ///
    /// There the inverter may not take more than its limit, so that what is too much accelerates its virtual inertia: the
    /// frequency rises by `f0 / (2 H S)` per watt and second, which is `Ki`. It comes to the same frequency at which the sun
    /// gives just what load and battery take; on the way it differs by the droop, which there is no part of the rise.
    pub fn in_swing(&self, rated_va: f64) -> (InverterSpec, SolarSpec) {
        let inverter = InverterSpec {
            rated_va,
            droop: self.droop_hz_per_w * rated_va / self.nominal_hz,
            lag_s: self.lag_s,
            dead_band_hz: 0.0,
            forming_inertia_s: self.nominal_hz / (2.0 * self.shift_hz_per_w_s * rated_va),
            trim_s: None,
        };
        let (reduce_from_hz, zero_at_hz) = (self.reduce_from_hz, self.zero_at_hz);
        (inverter, SolarSpec { reduce_from_hz, zero_at_hz, lag_s: self.sun_lag_s })
    }
}

impl Former {
    /// An island whose inverter measures that the battery gives `measured_w` (W, negative: takes), with `sun_w` of sun, at a
    /// shift of `shift_hz`.
    pub fn new(spec: FormerSpec, measured_w: f64, sun_w: f64, shift_hz: f64) -> Self {
        Self { spec, state: State { measured_w, sun_w, shift_hz } }
    }

    /// Frequency, Hz.
    pub fn frequency_hz(&self) -> f64 {
        self.frequency_of(&self.state)
    }

    /// What the battery gives while `load_w` is taken, W; negative: it is charged.
    pub fn battery_w(&self, load_w: f64) -> f64 {
        load_w - self.state.sun_w
    }

    /// What the sun gives, W.
    pub fn sun_w(&self) -> f64 {
        self.state.sun_w
    }

    /// By how much the frequency is raised, Hz.
    pub fn shift_hz(&self) -> f64 {
        self.state.shift_hz
    }

    /// Lets `duration_s` pass with `load_w` taken and `available_w` of sun.
    pub fn advance(&mut self, duration_s: f64, load_w: f64, available_w: f64) {
        let mut left_s = duration_s;
        while left_s > 0.0 {
            let step_s = left_s.min(STEP_S);
            self.state =
                runge_kutta::step(&self.state, step_s, |state| self.rate(state, load_w, available_w));
            self.state.shift_hz = self.state.shift_hz.clamp(0.0, self.spec.shift_max_hz);
            left_s -= step_s;
        }
    }

    fn frequency_of(&self, state: &State) -> f64 {
        self.spec.nominal_hz - self.spec.droop_hz_per_w * state.measured_w + state.shift_hz
    }

    fn rate(&self, state: &State, load_w: f64, available_w: f64) -> State {
        let spec = &self.spec;
        let above_w = -state.measured_w - spec.charge_max_w;
        let is_held = (state.shift_hz <= 0.0 && above_w < 0.0)
            || (state.shift_hz >= spec.shift_max_hz && above_w > 0.0);
        let span_hz = spec.zero_at_hz - spec.reduce_from_hz;
        let share = ((spec.zero_at_hz - self.frequency_of(state)) / span_hz).clamp(0.0, 1.0);
        State {
            measured_w: (load_w - state.sun_w - state.measured_w) / spec.lag_s,
            sun_w: (available_w * share - state.sun_w) / spec.sun_lag_s,
            shift_hz: if is_held { 0.0 } else { spec.shift_hz_per_w_s * above_w },
        }
    }
}
