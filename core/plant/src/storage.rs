//! Battery storage as an amount of energy behind an inverter: state of charge, limits that taper, losses.
//!
//! The first model: a constant efficiency in each direction. Voltage, temperature and ageing belong to a model of the
//! battery's chemistry, which replaces [`Storage::settle`] and keeps the rest.

use crate::swing::InverterSpec;

/// State of charge over which the charge limit tapers to 0 before full, and the discharge limit before empty.
const TAPER: f64 = 0.02;

/// A battery that restarts a dead bus keeps at least this above its lowest state of charge.
const BLACK_START_RESERVE: f64 = 0.05;

/// What a battery with its inverter is.
#[derive(Clone, Debug, PartialEq)]
pub struct StorageSpec {
    /// Name of the device, the first part of its points.
    pub name: String,
    /// The inverter as the frequency sees it.
    pub inverter: InverterSpec,
    /// Energy between 0 and 100 % state of charge, Wh.
    pub capacity_wh: f64,
    /// Largest charging power at the bus, W, > 0.
    pub charge_max_w: f64,
    /// Largest discharging power at the bus, W, > 0.
    pub discharge_max_w: f64,
    /// Energy stored per energy taken from the bus, 0..1.
    pub charge_efficiency: f64,
    /// Energy given to the bus per energy taken from the store, 0..1.
    pub discharge_efficiency: f64,
    /// It does not discharge below this state of charge, 0..1.
    pub soc_min: f64,
    /// State of charge at the start, 0..1.
    pub soc_at_start: f64,
    /// After the bus collapsed it closes again no sooner than this, ms.
    pub retry_ms: u64,
}

/// A battery at an instant.
#[derive(Clone, Debug)]
pub struct Storage {
    spec: StorageSpec,
    energy_wh: f64,
    charge_w: f64,
    discharge_w: f64,
    retry_at_ms: u64,
}

impl Storage {
    /// A battery at its starting charge, without a command.
    pub fn new(spec: StorageSpec) -> Self {
        let energy_wh = spec.soc_at_start * spec.capacity_wh;
        Self { spec, energy_wh, charge_w: 0.0, discharge_w: 0.0, retry_at_ms: 0 }
    }

    /// What it is.
    pub fn spec(&self) -> &StorageSpec {
        &self.spec
    }

    /// Commands a charging power, W, >= 0.
    pub fn command_charge(&mut self, power_w: f64) {
        self.charge_w = power_w;
    }

    /// Commands a discharging power, W, >= 0. What is discharged beyond what is charged goes into the bus.
    pub fn command_discharge(&mut self, power_w: f64) {
        self.discharge_w = power_w;
    }

    /// What both commands ask of the inverter, W, into the bus positive.
    pub fn setpoint_w(&self) -> f64 {
        self.discharge_w - self.charge_w
    }

    /// The least and the most that it can deliver now, W, into the bus positive.
    pub fn limits_w(&self) -> (f64, f64) {
        let soc = self.soc();
        let room = ((1.0 - soc) / TAPER).clamp(0.0, 1.0);
        let stock = ((soc - self.spec.soc_min) / TAPER).clamp(0.0, 1.0);
        (-self.spec.charge_max_w * room, self.spec.discharge_max_w * stock)
    }

    /// Moves energy: `power_w` at the bus, into the bus positive, for `duration_s`.
    pub fn settle(&mut self, power_w: f64, duration_s: f64) {
        let stored_w = if power_w > 0.0 {
            -power_w / self.spec.discharge_efficiency
        } else {
            -power_w * self.spec.charge_efficiency
        };
        self.energy_wh = (self.energy_wh + stored_w * duration_s / 3_600.0).clamp(0.0, self.spec.capacity_wh);
    }

    /// Stored energy, Wh.
    pub fn energy_wh(&self) -> f64 {
        self.energy_wh
    }

    /// State of charge, 0..=1.
    pub fn soc(&self) -> f64 {
        self.energy_wh / self.spec.capacity_wh
    }

    /// The bus collapsed: the inverter stays off for a while.
    pub fn bus_collapsed(&mut self, now_ms: u64) {
        self.retry_at_ms = now_ms.saturating_add(self.spec.retry_ms);
    }

    /// It may connect at `now_ms`; onto a dead bus only with a reserve of energy.
    pub fn may_connect(&self, now_ms: u64, bus_live: bool) -> bool {
        let can_form = self.spec.inverter.forming_inertia_s > 0.0
            && self.soc() > self.spec.soc_min + BLACK_START_RESERVE;
        now_ms >= self.retry_at_ms && (bus_live || can_form)
    }

    /// When it may connect again after a collapse.
    pub fn retry_at_ms(&self) -> u64 {
        self.retry_at_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn battery(soc_at_start: f64) -> Storage {
        Storage::new(StorageSpec {
            name: "battery".into(),
            inverter: InverterSpec {
                rated_va: 30_000.0,
                droop: 0.02,
                lag_s: 0.05,
                dead_band_hz: 0.02,
                forming_inertia_s: 2.0,
                trim_s: None,
            },
            capacity_wh: 60_000.0,
            charge_max_w: 30_000.0,
            discharge_max_w: 30_000.0,
            charge_efficiency: 0.95,
            discharge_efficiency: 0.9,
            soc_min: 0.1,
            soc_at_start,
            retry_ms: 5_000,
        })
    }

    #[test]
    fn both_directions_lose() {
        let mut battery = battery(0.5);
        battery.settle(-10_000.0, 3_600.0);
        assert!((battery.energy_wh() - 39_500.0).abs() < 1e-6);
        battery.settle(9_000.0, 3_600.0);
        assert!((battery.energy_wh() - 29_500.0).abs() < 1e-6);
    }

    #[test]
    fn limits_taper_to_nothing() {
        assert_eq!(battery(0.5).limits_w(), (-30_000.0, 30_000.0));
        assert!((battery(0.99).limits_w().0 + 15_000.0).abs() < 1e-6);
        assert!(battery(1.0).limits_w().0.abs() < 1e-9);
        assert!((battery(0.11).limits_w().1 - 15_000.0).abs() < 1e-6);
        assert!(battery(0.05).limits_w().1.abs() < 1e-9);
    }

    #[test]
    fn an_empty_battery_does_not_restart_a_dead_bus() {
        assert!(battery(0.5).may_connect(0, false));
        assert!(!battery(0.12).may_connect(0, false));
        assert!(battery(0.12).may_connect(0, true));
        let mut collapsed = battery(0.5);
        collapsed.bus_collapsed(1_000);
        assert!(!collapsed.may_connect(5_999, true) && collapsed.may_connect(6_000, true));
    }
}
