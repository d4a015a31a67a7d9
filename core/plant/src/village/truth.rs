//! From an output's route to the true value and the meter that shows it.

use crate::meter::MeterSpec;
use crate::village::points::OutputRoute;
use crate::village::{VOLTAGE_DROOP, Village};

/// Index of each word in [`crate::village::GRID_MODES`].
const UNKNOWN: f64 = 0.0;
const ISLAND: f64 = 1.0;
const CONNECTED: f64 = 2.0;

fn bit(fact: bool) -> f64 {
    f64::from(u8::from(fact))
}

impl Village {
    /// The true value and its meter; no meter means that the value is shown as it is.
    pub(super) fn truth(&self, route: OutputRoute) -> Option<(f64, Option<&MeterSpec>)> {
        if self.is_of_absent_storage(route) {
            return None;
        }
        let meters = &self.spec.meters;
        let power = |watts: f64| (watts, Some(&meters.power));
        Some(match route {
            OutputRoute::FeederFrequency => (self.frequency_hz()?, Some(&meters.feeder_frequency)),
            // Controllers of sets show hundredths of a hertz, as inverters do.
            OutputRoute::InverterFrequency | OutputRoute::GensetFrequency => {
                (self.frequency_hz()?, Some(&meters.inverter_frequency))
            }
            OutputRoute::FeederVoltage => (self.voltage_v(), Some(&meters.voltage)),
            OutputRoute::FeederPower => power(self.flows.load_w),
            OutputRoute::GensetRunning(number) => (bit(self.gensets.get(number)?.is_running()), None),
            OutputRoute::GensetReady(number) => (bit(self.gensets.get(number)?.is_ready()), None),
            OutputRoute::GensetFailed(number) => (bit(self.gensets.get(number)?.is_failed()), None),
            OutputRoute::GensetContact(number) => (bit(self.gensets.get(number)?.is_on_line()), None),
            OutputRoute::GensetPower(number) => power(*self.flows.gensets_w.get(number)?),
            OutputRoute::GensetEnergy(number) => {
                (self.record.gensets_wh.get(number)? / 1e3, Some(&meters.energy))
            }
            OutputRoute::StorageSoc => (self.storage.as_ref()?.soc() * 100.0, Some(&meters.soc)),
            OutputRoute::StorageContact => (bit(self.storage_on_line), None),
            OutputRoute::StoragePower => power(self.flows.storage_w),
            OutputRoute::StorageCharge => power((-self.flows.storage_w).max(0.0)),
            OutputRoute::StorageDischarge => power(self.flows.storage_w.max(0.0)),
            OutputRoute::SolarPower => power(self.flows.solar_w),
            OutputRoute::SolarEnergy => (self.record.solar_wh / 1e3, Some(&meters.energy)),
            OutputRoute::Irradiance => (self.solar.as_ref()?.irradiance_w_m2, Some(&meters.irradiance)),
            OutputRoute::WindPower => power(self.flows.wind_w),
            OutputRoute::WindEnergy => (self.record.wind_wh / 1e3, Some(&meters.energy)),
            OutputRoute::WindSpeed => (self.turbine.as_ref()?.speed_m_s, Some(&meters.wind_speed)),
            OutputRoute::GridMode => (self.grid_mode(), None),
            OutputRoute::GridVoltage => (self.grid_voltage_v(), Some(&meters.voltage)),
            OutputRoute::GridContact => (bit(self.grid_contact.is_closed()), None),
            OutputRoute::GridPower => power(self.flows.grid_w),
            OutputRoute::GridImport => power(self.flows.grid_w.max(0.0)),
            OutputRoute::GridExport => power((-self.flows.grid_w).max(0.0)),
            OutputRoute::ConsumerContact(number) => {
                (bit(self.consumers.get(number)?.contact.is_closed()), None)
            }
            OutputRoute::ConsumerPower(number) => {
                power(self.consumers.get(number)?.demand_w() * self.swing.load_factor())
            }
            OutputRoute::ConsumerEnergy(number) => {
                (self.consumers.get(number)?.served_wh / 1e3, Some(&meters.energy))
            }
            OutputRoute::ConsumerTemperature(number) => {
                (self.consumers.get(number)?.temperature_c()?, Some(&meters.temperature))
            }
            OutputRoute::ConsumerVoltage(number) => {
                let (line, point) = self.consumers.get(number)?.place?;
                (self.lines.get(line)?.voltage_v(point)?, Some(&meters.voltage))
            }
            OutputRoute::StorageVoltage => (self.storage.as_ref()?.voltage_v()?, Some(&meters.voltage)),
            OutputRoute::StorageTemperature => {
                (self.storage.as_ref()?.temperature_c()?, Some(&meters.temperature))
            }
            OutputRoute::VehicleCharge(number) => {
                (self.consumers.get(number)?.charge()? * 100.0, Some(&meters.soc))
            }
            OutputRoute::VehicleHere(number) => (bit(self.consumers.get(number)?.is_here()?), None),
            OutputRoute::LineVoltage(number) => (self.lines.get(number)?.lowest_v(), Some(&meters.voltage)),
            OutputRoute::LinePower(number) => power(self.lines.get(number)?.power_w()),
        })
    }

    fn grid_mode(&self) -> f64 {
        match (self.live, self.grid_tied) {
            (false, _) => UNKNOWN,
            (true, false) => ISLAND,
            (true, true) => CONNECTED,
        }
    }

    fn grid_voltage_v(&self) -> f64 {
        if self.script.is_grid_lost(self.now_ms) { 0.0 } else { self.spec.nominal_v }
    }

    /// Voltage of the bus: the sources' regulators let it sink a little with their load.
    pub(super) fn voltage_v(&self) -> f64 {
        if !self.live {
            return 0.0;
        }
        if self.grid_tied {
            return self.spec.nominal_v;
        }
        let gensets = self.gensets.iter().filter(|genset| genset.is_on_line());
        let storage = self.storage.iter().filter(|_| self.storage_on_line);
        let rated_va = gensets.map(|genset| genset.spec().machine.rated_va).sum::<f64>()
            + storage.map(|storage| storage.spec().inverter.rated_va).sum::<f64>();
        let loading = if rated_va > 0.0 { self.flows.load_w / rated_va } else { 0.0 };
        self.spec.nominal_v * (1.0 + VOLTAGE_DROOP * (0.5 - loading))
    }
}

impl Village {
    /// Nothing answers for what is not there.
    fn is_of_absent_storage(&self, route: OutputRoute) -> bool {
        let is_of_storage = matches!(
            route,
            OutputRoute::StorageSoc
                | OutputRoute::StorageContact
                | OutputRoute::StoragePower
                | OutputRoute::StorageCharge
                | OutputRoute::StorageDischarge
                | OutputRoute::StorageVoltage
                | OutputRoute::StorageTemperature
        );
        is_of_storage && self.storage.as_ref().is_none_or(|storage| storage.spec().is_absent)
    }
}
