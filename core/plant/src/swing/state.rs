//! The numbers that the swing equation integrates, and their vector arithmetic.

use crate::limits::{INVERTERS_MAX, MACHINES_MAX, SOLARS_MAX};
use crate::runge_kutta;

/// One machine, per unit of its own rating.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MachineState {
    pub(super) governor: f64,
    pub(super) turbine: f64,
    pub(super) reference: f64,
}

/// One storage inverter, per unit of its own rating.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InverterState {
    pub(super) power: f64,
    pub(super) trim: f64,
}

/// The whole state, or its rate of change. Slots without a source stay 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    /// Relative deviation of the frequency from nominal.
    pub(super) speed: f64,
    pub(super) machines: [MachineState; MACHINES_MAX],
    pub(super) inverters: [InverterState; INVERTERS_MAX],
    /// Solar powers, per unit of the node's base.
    pub(super) solars: [f64; SOLARS_MAX],
}

impl State {
    /// Every number is finite: what is not would make the sum so.
    pub(super) fn is_finite(&self) -> bool {
        let machines: f64 = self
            .machines
            .iter()
            .map(|one| one.governor.abs() + one.turbine.abs() + one.reference.abs())
            .sum();
        let inverters: f64 = self.inverters.iter().map(|one| one.power.abs() + one.trim.abs()).sum();
        let solars: f64 = self.solars.iter().map(|power| power.abs()).sum();
        (self.speed.abs() + machines + inverters + solars).is_finite()
    }
}

impl runge_kutta::State for State {
    fn plus(&self, factor: f64, rate: &Self) -> Self {
        let mut sum = *self;
        sum.speed += factor * rate.speed;
        for (into, from) in sum.machines.iter_mut().zip(&rate.machines) {
            into.governor += factor * from.governor;
            into.turbine += factor * from.turbine;
            into.reference += factor * from.reference;
        }
        for (into, from) in sum.inverters.iter_mut().zip(&rate.inverters) {
            into.power += factor * from.power;
            into.trim += factor * from.trim;
        }
        for (into, from) in sum.solars.iter_mut().zip(&rate.solars) {
            *into += factor * from;
        }
        sum
    }
}
