//! Battery storage behind an inverter: state of charge, limits that taper, losses.
//!
//! Without [`CellsSpec`] it is an amount of energy with a constant efficiency in each direction. With it the energy lies in
//! cells ([`crate::battery`]), all alike: their voltage and their temperature limit what the inverter gives and takes, as a
//! battery management system does, and the efficiencies are those of the inverter alone.

use crate::battery::{Battery, BatterySpec, Drive, Until};
use crate::curve;
use crate::swing::InverterSpec;
use crate::trips::Trips;

/// State of charge over which the charge limit tapers to 0 before full, and the discharge limit before empty.
const TAPER: f64 = 0.02;

/// A battery that restarts a dead bus keeps at least this above its lowest state of charge.
const BLACK_START_RESERVE: f64 = 0.05;

/// Inverters close again after a collapse three times in ten minutes; after one more they rest this long, ms.
const LONG_REST_MS: u64 = 1_800_000;

/// Heat resistance of cells whose fan stands still, as a multiple of the usual one.
const WITHOUT_FAN: f64 = 3.0;

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
    /// Its inverter stays away from the bus, whatever it is told.
    pub is_absent: bool,
    /// The cells in which the energy lies; `None` for an amount of energy without voltage or temperature.
    pub cells: Option<CellsSpec>,
}

/// Cells in series and in parallel, and what their management system allows.
#[derive(Clone, Debug, PartialEq)]
pub struct CellsSpec {
    /// One cell.
    pub cell: BatterySpec,
    /// Cells whose voltages add up, >= 1.
    pub in_series: u32,
    /// Strings of them side by side, >= 1.
    pub in_parallel: u32,
    /// Voltages of a cell below which it is not discharged and above which it is not charged, V.
    pub volts: (f64, f64),
    /// Largest charging current over the cells' temperature, C: shares of the capacity per hour; linear between the points.
    pub charge_by_c: Vec<(f64, f64)>,
    /// Largest discharging current over it.
    pub discharge_by_c: Vec<(f64, f64)>,
    /// Their temperature at the start, C.
    pub start_c: f64,
}

/// A battery at an instant.
#[derive(Clone, Debug)]
pub struct Storage {
    spec: StorageSpec,
    energy_wh: f64,
    /// The one cell that stands for all.
    cell: Option<Battery>,
    charge_w: f64,
    discharge_w: f64,
    retry_at_ms: u64,
    trips: Trips<4>,
}

impl Storage {
    /// A battery at its starting charge, without a command.
    pub fn new(spec: StorageSpec) -> Self {
        let energy_wh = spec.soc_at_start * spec.capacity_wh;
        let cell = spec.cells.as_ref();
        let cell = cell.map(|cells| Battery::new(cells.cell.clone(), spec.soc_at_start, cells.start_c));
        Self {
            spec,
            energy_wh,
            cell,
            charge_w: 0.0,
            discharge_w: 0.0,
            retry_at_ms: 0,
            trips: Trips::default(),
        }
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
        let (mut charge_w, mut discharge_w) =
            (self.spec.charge_max_w * room, self.spec.discharge_max_w * stock);
        if let (Some(cell), Some(cells)) = (&self.cell, &self.spec.cells) {
            let (into_w, out_of_w) = cells.limits_w(cell);
            charge_w = charge_w.min(into_w / self.spec.charge_efficiency);
            discharge_w = discharge_w.min(out_of_w * self.spec.discharge_efficiency);
        }
        (-charge_w, discharge_w)
    }

    /// Moves energy: `power_w` at the bus, into the bus positive, for `duration_s` in air of `air_c`.
    pub fn settle(&mut self, power_w: f64, duration_s: f64, air_c: f64) {
        let inner_w = if power_w > 0.0 {
            power_w / self.spec.discharge_efficiency
        } else {
            power_w * self.spec.charge_efficiency
        };
        if let (Some(cell), Some(cells)) = (&mut self.cell, &self.spec.cells) {
            cell.drive(Drive::Current(cell.current_for_power_a(inner_w / cells.count())));
            cell.advance(duration_s, air_c, &Until::default());
            self.energy_wh = cell.soc() * self.spec.capacity_wh;
        } else {
            let left_wh = self.energy_wh - inner_w * duration_s / 3_600.0;
            self.energy_wh = left_wh.clamp(0.0, self.spec.capacity_wh);
        }
    }

    /// Stored energy, Wh.
    pub fn energy_wh(&self) -> f64 {
        self.energy_wh
    }

    /// State of charge, 0..=1.
    pub fn soc(&self) -> f64 {
        self.energy_wh / self.spec.capacity_wh
    }

    /// Voltage of the cells in series, V; `None` without cells.
    pub fn voltage_v(&self) -> Option<f64> {
        let (cell, cells) = self.cell.as_ref().zip(self.spec.cells.as_ref())?;
        Some(cell.voltage_v() * f64::from(cells.in_series))
    }

    /// Temperature of the cells, C; `None` without cells.
    pub fn temperature_c(&self) -> Option<f64> {
        self.cell.as_ref().map(Battery::temperature_c)
    }

    /// Charge, voltage and temperature are finite.
    pub fn is_finite(&self) -> bool {
        let of_cell = self.cell.as_ref().map_or(0.0, |cell| cell.voltage_v() + cell.temperature_c());
        (self.energy_wh + of_cell).is_finite()
    }

    /// The bus collapsed: the inverter stays off for a while, and for long after it collapsed again and again.
    pub fn bus_collapsed(&mut self, now_ms: u64) {
        let wait_ms = if self.trips.book(now_ms) { LONG_REST_MS } else { self.spec.retry_ms };
        self.retry_at_ms = now_ms.saturating_add(wait_ms);
    }

    /// The inverter stays off until then; what happened before is forgotten.
    pub fn black_out(&mut self, until_ms: u64) {
        self.trips = Trips::default();
        self.retry_at_ms = until_ms;
    }

    /// The fan of its cells stands still, or turns again.
    pub fn set_fan(&mut self, is_turning: bool) {
        if let (Some(cell), Some(cells)) = (&mut self.cell, &self.spec.cells) {
            let usual_k_per_w = cells.cell.heat_resistance_k_per_w;
            cell.set_heat_resistance(if is_turning { usual_k_per_w } else { WITHOUT_FAN * usual_k_per_w });
        }
    }

    /// It may connect at `now_ms`; onto a dead bus only with a reserve of energy.
    pub fn may_connect(&self, now_ms: u64, bus_live: bool) -> bool {
        let can_form = self.spec.inverter.forming_inertia_s > 0.0
            && self.soc() > self.spec.soc_min + BLACK_START_RESERVE;
        !self.spec.is_absent && now_ms >= self.retry_at_ms && (bus_live || can_form)
    }

    /// When it may connect again after a collapse.
    pub fn retry_at_ms(&self) -> u64 {
        self.retry_at_ms
    }
}

impl CellsSpec {
    fn count(&self) -> f64 {
        f64::from(self.in_series) * f64::from(self.in_parallel)
    }

    /// What all cells may take and give now, W at their terminals, both >= 0.
    fn limits_w(&self, cell: &Battery) -> (f64, f64) {
        let capacity_ah = cell.spec().capacity_ah;
        let (lowest_v, highest_v) = self.volts;
        let at_c = cell.temperature_c();
        // Currents are positive out of a cell; a cell that is beyond a voltage moves no current in that direction.
        let charge_a =
            (-cell.current_for_voltage_a(highest_v)).min(curve::along(&self.charge_by_c, at_c) * capacity_ah);
        let discharge_a =
            cell.current_for_voltage_a(lowest_v).min(curve::along(&self.discharge_by_c, at_c) * capacity_ah);
        let (charge_a, discharge_a) = (charge_a.max(0.0), discharge_a.max(0.0));
        let charge_w = charge_a * cell.voltage_at_v(-charge_a) * self.count();
        let discharge_w = discharge_a * cell.voltage_at_v(discharge_a) * self.count();
        (charge_w.max(0.0), discharge_w.max(0.0))
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
            is_absent: false,
            cells: None,
        })
    }

    #[test]
    fn both_directions_lose() {
        let mut battery = battery(0.5);
        battery.settle(-10_000.0, 3_600.0, 20.0);
        assert!((battery.energy_wh() - 39_500.0).abs() < 1e-6);
        battery.settle(9_000.0, 3_600.0, 20.0);
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

    #[test]
    fn it_tries_three_times_and_then_rests() {
        let mut collapsed = battery(0.5);
        for now_ms in [1_000, 7_000, 13_000] {
            collapsed.bus_collapsed(now_ms);
            assert_eq!(collapsed.retry_at_ms(), now_ms + 5_000);
        }
        collapsed.bus_collapsed(19_000);
        assert_eq!(collapsed.retry_at_ms(), 19_000 + LONG_REST_MS);
        collapsed.bus_collapsed(19_001 + LONG_REST_MS);
        assert_eq!(collapsed.retry_at_ms(), 24_001 + LONG_REST_MS, "then it counts anew");
    }
}
