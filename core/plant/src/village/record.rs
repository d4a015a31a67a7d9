//! What a village went through: true energies and extremes, for tests and scores, not for rules.

use crate::limits::MACHINES_MAX;
use crate::loads::LoadClass;

/// Powers on the bus at one instant, W. They add up: sources + storage + grid = load, losses included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flows {
    /// Generating sets, in the order of the specification, into the bus positive.
    pub gensets_w: [f64; MACHINES_MAX],
    /// Storage, into the bus positive.
    pub storage_w: f64,
    /// Solar field, into the bus positive.
    pub solar_w: f64,
    /// Wind turbine, into the bus positive.
    pub wind_w: f64,
    /// Grid, into the bus positive.
    pub grid_w: f64,
    /// All loads together with what the feeders lose, >= 0.
    pub load_w: f64,
    /// What the feeders lose, >= 0: a part of `load_w`.
    pub lost_w: f64,
}

impl Flows {
    /// What is missing from a perfect balance, W.
    pub fn imbalance_w(&self) -> f64 {
        self.gensets_w.iter().sum::<f64>() + self.storage_w + self.solar_w + self.wind_w + self.grid_w
            - self.load_w
    }

    pub(super) fn mean(&self, other: &Self) -> Self {
        let mut mean = *self;
        for (into, from) in mean.gensets_w.iter_mut().zip(&other.gensets_w) {
            *into = 0.5 * (*into + from);
        }
        mean.storage_w = 0.5 * (mean.storage_w + other.storage_w);
        mean.solar_w = 0.5 * (mean.solar_w + other.solar_w);
        mean.wind_w = 0.5 * (mean.wind_w + other.wind_w);
        mean.grid_w = 0.5 * (mean.grid_w + other.grid_w);
        mean.load_w = 0.5 * (mean.load_w + other.load_w);
        mean.lost_w = 0.5 * (mean.lost_w + other.lost_w);
        mean
    }
}

/// Energies since the start, and the extremes since [`crate::village::Village::reset_extremes`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record {
    /// Energy of each generating set, Wh.
    pub gensets_wh: [f64; MACHINES_MAX],
    /// Energy of the solar field, Wh.
    pub solar_wh: f64,
    /// Energy of the wind turbine, Wh.
    pub wind_wh: f64,
    /// Energy that storage took from the bus, Wh.
    pub charged_wh: f64,
    /// Energy that storage gave to the bus, Wh.
    pub discharged_wh: f64,
    /// Energy taken from the grid, Wh.
    pub imported_wh: f64,
    /// Energy given to the grid, Wh.
    pub exported_wh: f64,
    /// Energy that loads and feeders took, Wh.
    pub served_wh: f64,
    /// Energy that the feeders lost of it, Wh.
    pub lost_wh: f64,
    /// Lowest frequency of the live bus, Hz.
    pub lowest_hz: f64,
    /// Highest frequency of the live bus, Hz.
    pub highest_hz: f64,
    /// How often the voltage of a feeder collapsed, so that its breaker opened.
    pub feeder_trips: u32,
    /// How often the bus went dead.
    pub blackouts: u32,
    /// Time with a dead bus, s.
    pub dark_s: f64,
    /// Time at 1 ms steps, s: how much of the past was a transient.
    pub transient_s: f64,
}

impl Record {
    pub(super) fn new(frequency_hz: f64) -> Self {
        Self {
            gensets_wh: [0.0; MACHINES_MAX],
            solar_wh: 0.0,
            wind_wh: 0.0,
            charged_wh: 0.0,
            discharged_wh: 0.0,
            imported_wh: 0.0,
            exported_wh: 0.0,
            served_wh: 0.0,
            lost_wh: 0.0,
            lowest_hz: frequency_hz,
            highest_hz: frequency_hz,
            feeder_trips: 0,
            blackouts: 0,
            dark_s: 0.0,
            transient_s: 0.0,
        }
    }

    pub(super) fn see(&mut self, frequency_hz: f64) {
        self.lowest_hz = self.lowest_hz.min(frequency_hz);
        self.highest_hz = self.highest_hz.max(frequency_hz);
    }

    pub(super) fn add(&mut self, flows: &Flows, duration_s: f64) {
        let hours = duration_s / 3_600.0;
        for (into, from) in self.gensets_wh.iter_mut().zip(&flows.gensets_w) {
            *into += from * hours;
        }
        self.solar_wh += flows.solar_w * hours;
        self.wind_wh += flows.wind_w * hours;
        self.discharged_wh += flows.storage_w.max(0.0) * hours;
        self.charged_wh += (-flows.storage_w).max(0.0) * hours;
        self.imported_wh += flows.grid_w.max(0.0) * hours;
        self.exported_wh += (-flows.grid_w).max(0.0) * hours;
        self.served_wh += flows.load_w * hours;
        self.lost_wh += flows.lost_w * hours;
    }
}

/// True energies of one thing behind a contact since the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Consumed<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is for; `None` for tanks and vehicles, which only wait.
    pub class: Option<LoadClass>,
    /// Energy that it took, Wh.
    pub served_wh: f64,
    /// Energy that it would have taken and was not given, Wh.
    pub missed_wh: f64,
}
