//! What a village is made of, and the checks that every specification passes before it runs.

use crate::error::PlantError;
use crate::genset::GensetSpec;
use crate::heater::HeaterSpec;
use crate::limits::{DISTURBANCES_MAX, LOADS_MAX, MACHINES_MAX, MEMBERS_MAX};
use crate::loads::LoadSpec;
use crate::meter::MeterSpec;
use crate::storage::StorageSpec;
use crate::sun::Place;
use crate::swing::SolarSpec;
use crate::vehicle::VehicleSpec;
use crate::village::devices::{self, FeederSpec, FridgesSpec, OutdoorSpec, PanelHeatSpec};
use crate::village::script::Disturbance;
use crate::wind::TurbineSpec;
use std::collections::BTreeSet;

/// A village: one electrical node with its sources, storage, loads, weather and scripted disturbances.
#[derive(Clone, Debug, PartialEq)]
pub struct VillageSpec {
    /// Instant of simulated time 0, seconds UTC since 1970.
    pub start_unix_s: i64,
    /// Local time less UTC, s; people and scripts live by local time.
    pub utc_offset_s: i64,
    /// Where the sun is seen from.
    pub place: Place,
    /// Chance, 0..=1, that a cloud begins in a given ten minutes.
    pub cloudiness: f64,
    /// Temperature of the air.
    pub outdoor: OutdoorSpec,
    /// Nominal frequency, Hz.
    pub nominal_hz: f64,
    /// Nominal voltage, V.
    pub nominal_v: f64,
    /// Relative change of the loads' power per relative change of frequency.
    pub load_damping: f64,
    /// Below the first and above the second frequency every source leaves the bus, Hz.
    pub collapse_hz: (f64, f64),
    /// Time from the command of a contact to its movement, ms.
    pub contact_delay_ms: u64,
    /// Generating sets, at most [`MACHINES_MAX`].
    pub gensets: Vec<GensetSpec>,
    /// Battery storage.
    pub storage: Option<StorageSpec>,
    /// Solar field.
    pub solar: Option<SolarFieldSpec>,
    /// Wind turbine.
    pub wind: Option<TurbineSpec>,
    /// Connection to a grid.
    pub grid: Option<GridSpec>,
    /// Load groups.
    pub loads: Vec<LoadSpec>,
    /// Water heaters.
    pub tanks: Vec<TankSpec>,
    /// Refrigerators.
    pub fridges: Vec<FridgesSpec>,
    /// Electric vehicles.
    pub vehicles: Vec<VehicleSpec>,
    /// Lines to what is named on them; what is named on none hangs at the bus.
    pub feeders: Vec<FeederSpec>,
    /// What the meters make of the truth.
    pub meters: MetersSpec,
    /// What happens when.
    pub disturbances: Vec<Disturbance>,
}

/// A solar field with its inverter.
#[derive(Clone, Debug, PartialEq)]
pub struct SolarFieldSpec {
    /// Name of the device, the first part of its points.
    pub name: String,
    /// Power at 1,000 W/m2 before losses, W.
    pub peak_w: f64,
    /// Share of that power which reaches the bus (temperature, dirt, inverter), 0..=1.
    pub performance: f64,
    /// How heat lowers its power; `None`: `performance` holds at any temperature.
    pub heat: Option<PanelHeatSpec>,
    /// The inverter as the frequency sees it.
    pub inverter: SolarSpec,
    /// It leaves the bus below the first and above the second frequency, Hz.
    pub trip_hz: (f64, f64),
    /// The bus must be live and inside `trip_hz` this long before it connects, ms.
    pub reconnect_ms: u64,
}

/// A connection to a grid that alone decides the frequency.
#[derive(Clone, Debug, PartialEq)]
pub struct GridSpec {
    /// Name of the device, the first part of its points.
    pub name: String,
    /// The contactor is closed at the start.
    pub connected_at_start: bool,
    /// Standard deviation of the grid's slow frequency wander, Hz.
    pub wander_hz: f64,
}

/// Water heaters behind a contact: a load that can wait.
#[derive(Clone, Debug, PartialEq)]
pub struct TankSpec {
    /// Name of the device, the first part of its points.
    pub name: String,
    /// How many there are, >= 1.
    pub members: u32,
    /// Each tank.
    pub heater: HeaterSpec,
    /// Water temperature at the start, C.
    pub start_c: f64,
    /// Tanks are up to this much cooler at the start, K.
    pub start_spread_c: f64,
    /// Hot water drawn each day from each tank.
    pub draws: Vec<Draw>,
    /// People draw up to this much earlier or later, each day anew, s.
    pub draw_jitter_s: f64,
    /// The contact is closed at the start.
    pub closed_at_start: bool,
}

/// Hot water drawn once a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// Seconds after local midnight.
    pub from_local_s: f64,
    /// How long, s.
    pub duration_s: f64,
    /// How much, l/min.
    pub l_per_min: f64,
}

/// The village's meters. Each reading of one kind has this meter's imperfections with a noise of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetersSpec {
    /// `feeder_meter.frequency`, Hz.
    pub feeder_frequency: MeterSpec,
    /// `inverter.frequency`, Hz.
    pub inverter_frequency: MeterSpec,
    /// Voltages, V.
    pub voltage: MeterSpec,
    /// Powers, W.
    pub power: MeterSpec,
    /// State of charge, %.
    pub soc: MeterSpec,
    /// Irradiance, W/m2.
    pub irradiance: MeterSpec,
    /// Speed of the wind, m/s.
    pub wind_speed: MeterSpec,
    /// Temperatures, C.
    pub temperature: MeterSpec,
    /// Energies, kWh.
    pub energy: MeterSpec,
}

impl VillageSpec {
    /// Refuses what cannot run.
    ///
    /// # Errors
    /// The first number, name or count that makes no sense.
    pub fn check(&self) -> Result<(), PlantError> {
        at_most("generating sets", self.gensets.len(), MACHINES_MAX)?;
        at_most("loads, tanks, refrigerators and vehicles", self.consumer_names().count(), LOADS_MAX)?;
        at_most("disturbances", self.disturbances.len(), DISTURBANCES_MAX)?;
        self.check_names()?;
        positive("nominal_hz", self.nominal_hz)?;
        positive("nominal_v", self.nominal_v)?;
        share("cloudiness", self.cloudiness)?;
        not_negative("load_damping", self.load_damping)?;
        ordered("collapse_hz", self.collapse_hz.0, self.nominal_hz)?;
        ordered("collapse_hz", self.nominal_hz, self.collapse_hz.1)?;
        for genset in &self.gensets {
            check_genset(genset)?;
        }
        if let Some(storage) = &self.storage {
            check_storage(storage)?;
        }
        if let Some(solar) = &self.solar {
            check_solar(solar)?;
        }
        for load in &self.loads {
            check_load(load)?;
        }
        for tank in &self.tanks {
            check_tank(tank)?;
        }
        devices::check(self)
    }

    /// Names of all that hang behind a contact, in the order of their numbers.
    pub fn consumer_names(&self) -> impl Iterator<Item = &str> {
        (self.loads.iter().map(|load| load.name.as_str()))
            .chain(self.tanks.iter().map(|tank| tank.name.as_str()))
            .chain(self.fridges.iter().map(|fridges| fridges.name.as_str()))
            .chain(self.vehicles.iter().map(|vehicle| vehicle.name.as_str()))
    }

    /// Says where the contact of a consumer is at the start; false where nothing is called so.
    pub fn set_contact_at_start(&mut self, name: &str, closed: bool) -> bool {
        let loads = self.loads.iter_mut().map(|load| (&load.name, &mut load.closed_at_start));
        let tanks = self.tanks.iter_mut().map(|tank| (&tank.name, &mut tank.closed_at_start));
        let fridges = self.fridges.iter_mut().map(|fridges| (&fridges.name, &mut fridges.closed_at_start));
        let vehicles = self.vehicles.iter_mut().map(|vehicle| (&vehicle.name, &mut vehicle.closed_at_start));
        let found = loads.chain(tanks).chain(fridges).chain(vehicles).find(|(known, _)| *known == name);
        found.map(|(_, at_start)| *at_start = closed).is_some()
    }

    fn check_names(&self) -> Result<(), PlantError> {
        let mut seen = BTreeSet::from(["feeder_meter", "inverter"]);
        let names = (self.gensets.iter().map(|spec| spec.name.as_str()))
            .chain(self.storage.iter().map(|spec| spec.name.as_str()))
            .chain(self.solar.iter().map(|spec| spec.name.as_str()))
            .chain(self.wind.iter().map(|spec| spec.name.as_str()))
            .chain(self.grid.iter().map(|spec| spec.name.as_str()))
            .chain(self.feeders.iter().map(|spec| spec.name.as_str()))
            .chain(self.consumer_names());
        for name in names {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if name.is_empty() || !name.bytes().all(is_plain) {
                return Err(PlantError::BadName { name: name.to_owned() });
            }
            if !seen.insert(name) {
                return Err(PlantError::DuplicateName { name: name.to_owned() });
            }
        }
        Ok(())
    }
}

fn check_genset(genset: &GensetSpec) -> Result<(), PlantError> {
    let name = &genset.name;
    let machine = &genset.machine;
    positive(&format!("{name}.rated_va"), machine.rated_va)?;
    positive(&format!("{name}.inertia_s"), machine.inertia_s)?;
    positive(&format!("{name}.droop"), machine.droop)?;
    positive(&format!("{name}.governor_lag_s"), machine.governor_lag_s)?;
    positive(&format!("{name}.turbine_lag_s"), machine.turbine_lag_s)?;
    positive(&format!("{name}.power_max_pu"), machine.power_max_pu)?;
    machine.trim_s.map_or(Ok(()), |trim_s| positive(&format!("{name}.trim_s"), trim_s))
}

fn check_storage(storage: &StorageSpec) -> Result<(), PlantError> {
    let name = &storage.name;
    let inverter = &storage.inverter;
    positive(&format!("{name}.rated_va"), inverter.rated_va)?;
    positive(&format!("{name}.droop"), inverter.droop)?;
    positive(&format!("{name}.lag_s"), inverter.lag_s)?;
    not_negative(&format!("{name}.dead_band_hz"), inverter.dead_band_hz)?;
    not_negative(&format!("{name}.forming_inertia_s"), inverter.forming_inertia_s)?;
    inverter.trim_s.map_or(Ok(()), |trim_s| positive(&format!("{name}.trim_s"), trim_s))?;
    positive(&format!("{name}.capacity_wh"), storage.capacity_wh)?;
    positive(&format!("{name}.charge_max_w"), storage.charge_max_w)?;
    positive(&format!("{name}.discharge_max_w"), storage.discharge_max_w)?;
    share(&format!("{name}.charge_efficiency"), storage.charge_efficiency)?;
    share(&format!("{name}.discharge_efficiency"), storage.discharge_efficiency)?;
    positive(&format!("{name}.discharge_efficiency"), storage.discharge_efficiency)?;
    share(&format!("{name}.soc_min"), storage.soc_min)?;
    share(&format!("{name}.soc_at_start"), storage.soc_at_start)
}

fn check_solar(solar: &SolarFieldSpec) -> Result<(), PlantError> {
    let name = &solar.name;
    positive(&format!("{name}.peak_w"), solar.peak_w)?;
    share(&format!("{name}.performance"), solar.performance)?;
    positive(&format!("{name}.lag_s"), solar.inverter.lag_s)?;
    ordered(&format!("{name}.reduce_from_hz"), solar.inverter.reduce_from_hz, solar.inverter.zero_at_hz)?;
    ordered(&format!("{name}.trip_hz"), solar.trip_hz.0, solar.trip_hz.1)
}

fn check_load(load: &LoadSpec) -> Result<(), PlantError> {
    let name = &load.name;
    let members = usize::try_from(load.members).unwrap_or(usize::MAX);
    at_most("members of a load group", members, usize::try_from(MEMBERS_MAX).unwrap_or(usize::MAX))?;
    positive(&format!("{name}.members"), f64::from(load.members))?;
    not_negative(&format!("{name}.pick_up"), load.pick_up)?;
    for power_w in load.by_hour_w {
        not_negative(&format!("{name}.by_hour_w"), power_w)?;
    }
    if let Some(cycle) = load.cycle {
        positive(&format!("{name}.period_s"), cycle.period_s)?;
        not_negative(&format!("{name}.cycle.power_w"), cycle.power_w)?;
        share(&format!("{name}.duty"), cycle.duty)?;
    }
    if let Some(appliances) = load.appliances {
        not_negative(&format!("{name}.per_day"), appliances.per_day)?;
        not_negative(&format!("{name}.appliances.power_w"), appliances.power_w.0)?;
        ordered(&format!("{name}.appliances.power_w"), appliances.power_w.0, appliances.power_w.1)?;
        ordered(&format!("{name}.duration_s"), appliances.duration_s.0, appliances.duration_s.1)?;
    }
    Ok(())
}

fn check_tank(tank: &TankSpec) -> Result<(), PlantError> {
    let name = &tank.name;
    positive(&format!("{name}.volume_l"), tank.heater.volume_l)?;
    positive(&format!("{name}.loss_w_per_k"), tank.heater.loss_w_per_k)?;
    not_negative(&format!("{name}.power_w"), tank.heater.power_w)?;
    ordered(&format!("{name}.low_c"), tank.heater.low_c, tank.heater.high_c)?;
    let members = usize::try_from(tank.members).unwrap_or(usize::MAX);
    at_most("tanks behind one contact", members, usize::try_from(MEMBERS_MAX).unwrap_or(usize::MAX))?;
    positive(&format!("{name}.members"), f64::from(tank.members))?;
    not_negative(&format!("{name}.start_spread_c"), tank.start_spread_c)?;
    not_negative(&format!("{name}.draw_jitter_s"), tank.draw_jitter_s)?;
    for draw in &tank.draws {
        not_negative(&format!("{name}.l_per_min"), draw.l_per_min)?;
    }
    Ok(())
}

pub(super) fn positive(what: &str, value: f64) -> Result<(), PlantError> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(PlantError::NotPositive { what: what.into(), value })
    }
}

pub(super) fn not_negative(what: &str, value: f64) -> Result<(), PlantError> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(PlantError::Negative { what: what.into(), value })
    }
}

pub(super) fn share(what: &str, value: f64) -> Result<(), PlantError> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(PlantError::NotAShare { what: what.into(), value })
    }
}

pub(super) fn ordered(what: &str, low: f64, high: f64) -> Result<(), PlantError> {
    let is_right = low.is_finite() && high.is_finite() && low < high;
    if is_right { Ok(()) } else { Err(PlantError::WrongOrder { what: what.into(), low, high }) }
}

pub(super) fn at_most(what: &'static str, count: usize, max: usize) -> Result<(), PlantError> {
    if count <= max { Ok(()) } else { Err(PlantError::TooMany { what, count, max }) }
}
