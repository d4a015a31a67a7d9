//! What a village can have besides sources, loads and single tanks: its weather, refrigerators, feeders; and their checks.

use crate::error::PlantError;
use crate::feeder::Segment;
use crate::fridge::FridgeSpec;
use crate::limits::{FEEDER_POINTS_MAX, MEMBERS_MAX};
use crate::loads::LoadClass;
use crate::storage::CellsSpec;
use crate::vehicle::VehicleSpec;
use crate::village::spec::{VillageSpec, at_most, not_negative, ordered, positive, share};
use crate::wind::TurbineSpec;
use std::collections::BTreeSet;

/// The temperature of the air over a day: a cosine around its mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutdoorSpec {
    /// Mean of the day, C.
    pub mean_c: f64,
    /// From the mean to the hottest hour, K, >= 0.
    pub swing_c: f64,
    /// The hottest moment, seconds after local midnight.
    pub hottest_local_s: f64,
    /// Share of the swing that is felt in rooms, where batteries and refrigerators stand, 0..=1.
    pub indoors: f64,
}

/// How heat lowers the power of solar panels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PanelHeatSpec {
    /// Change of the power per kelvin above 25 C, 1/K: about -0.004 for silicon.
    pub per_k: f64,
    /// How much warmer than the air the sun makes them, K per W/m2: about 0.03 where air reaches their backs.
    pub k_per_w_m2: f64,
}

/// Refrigerators behind one contact.
#[derive(Clone, Debug, PartialEq)]
pub struct FridgesSpec {
    /// Name of the device, the first part of its points.
    pub name: String,
    /// What they are for.
    pub class: LoadClass,
    /// How many there are, >= 1.
    pub members: u32,
    /// The usual one.
    pub fridge: FridgeSpec,
    /// Walls, masses and powers differ from the usual one's by this share at most, 0..=0.9.
    pub spread: f64,
    /// The contact is closed at the start.
    pub closed_at_start: bool,
}

/// A line from the bus to what hangs on it.
#[derive(Clone, Debug, PartialEq)]
pub struct FeederSpec {
    /// Name of the device, the first part of its points.
    pub name: String,
    /// Wires that share the load equally: 1 or 3.
    pub phases: u32,
    /// Active power per apparent power of what hangs on it, above 0, at most 1; the current lags.
    pub power_factor: f64,
    /// A breaker that opened because the voltage collapsed closes again after this, ms.
    pub reclose_ms: u64,
    /// From the bus to its end.
    pub points: Vec<FeederPoint>,
}

/// A point of a feeder.
#[derive(Clone, Debug, PartialEq)]
pub struct FeederPoint {
    /// From the point before, there and back.
    pub segment: Segment,
    /// Names of the loads, tanks, refrigerators, vehicles, of the solar field or the turbine that hang there.
    pub devices: Vec<String>,
}

impl OutdoorSpec {
    /// Temperature outside at a second of the local day, C.
    pub fn air_c(&self, local_s: f64) -> f64 {
        self.at_c(local_s, 1.0)
    }

    /// Temperature in rooms, C.
    pub fn room_c(&self, local_s: f64) -> f64 {
        self.at_c(local_s, self.indoors)
    }

    fn at_c(&self, local_s: f64, felt: f64) -> f64 {
        let turn = (local_s - self.hottest_local_s) / 86_400.0;
        self.mean_c + felt * self.swing_c * libm::cos(2.0 * core::f64::consts::PI * turn)
    }
}

/// Checks what this file holds.
pub(super) fn check(spec: &VillageSpec) -> Result<(), PlantError> {
    finite("outdoor.mean_c", spec.outdoor.mean_c)?;
    finite("outdoor.hottest_local_s", spec.outdoor.hottest_local_s)?;
    not_negative("outdoor.swing_c", spec.outdoor.swing_c)?;
    share("outdoor.indoors", spec.outdoor.indoors)?;
    if let Some((solar, heat)) = spec.solar.as_ref().and_then(|solar| Some((solar, solar.heat?))) {
        finite(&format!("{}.per_k", solar.name), heat.per_k)?;
        not_negative(&format!("{}.k_per_w_m2", solar.name), heat.k_per_w_m2)?;
    }
    if let Some((name, cells)) =
        spec.storage.as_ref().and_then(|storage| Some((&storage.name, storage.cells.as_ref()?)))
    {
        check_cells(name, cells)?;
    }
    if let Some(turbine) = &spec.wind {
        check_turbine(turbine)?;
    }
    for fridges in &spec.fridges {
        check_fridges(fridges)?;
    }
    for vehicle in &spec.vehicles {
        check_vehicle(vehicle)?;
    }
    check_feeders(spec)
}

fn check_cells(name: &str, cells: &CellsSpec) -> Result<(), PlantError> {
    let cell = &cells.cell;
    let what = |field: &str| format!("{name}.cells.{field}");
    positive(&what("in_series"), f64::from(cells.in_series))?;
    positive(&what("in_parallel"), f64::from(cells.in_parallel))?;
    ordered(&what("volts"), cells.volts.0, cells.volts.1)?;
    finite(&what("start_c"), cells.start_c)?;
    positive(&what("capacity_ah"), cell.capacity_ah)?;
    positive(&what("rated_a"), cell.rated_a)?;
    positive(&what("peukert"), cell.peukert)?;
    share(&what("charge_efficiency"), cell.charge_efficiency)?;
    positive(&what("series_ohm"), cell.series_ohm)?;
    positive(&what("heat_capacity_j_per_k"), cell.heat_capacity_j_per_k)?;
    positive(&what("heat_resistance_k_per_w"), cell.heat_resistance_k_per_w)?;
    for branch in cell.branches {
        positive(&what("resistance_ohm"), branch.resistance_ohm)?;
        positive(&what("capacitance_f"), branch.capacitance_f)?;
    }
    check_curve(&what("open_circuit"), &cell.open_circuit)?;
    check_curve(&what("charge_by_c"), &cells.charge_by_c)?;
    check_curve(&what("discharge_by_c"), &cells.discharge_by_c)
}

fn check_curve(what: &str, points: &[(f64, f64)]) -> Result<(), PlantError> {
    let is_finite = points.iter().all(|(at, value)| at.is_finite() && value.is_finite() && *value >= 0.0);
    let rises = points.iter().zip(points.iter().skip(1)).all(|(before, after)| before.0 < after.0);
    let is_right = !points.is_empty() && is_finite && rises;
    if is_right { Ok(()) } else { Err(PlantError::NotACurve { what: what.into() }) }
}

fn check_turbine(turbine: &TurbineSpec) -> Result<(), PlantError> {
    let what = |field: &str| format!("{}.{field}", turbine.name);
    positive(&what("rated_w"), turbine.rated_w)?;
    not_negative(&what("cut_in_m_s"), turbine.cut_in_m_s)?;
    ordered(&what("rated_m_s"), turbine.cut_in_m_s, turbine.rated_m_s)?;
    ordered(&what("cut_out_m_s"), turbine.rated_m_s, turbine.cut_out_m_s)?;
    positive(&what("mean_m_s"), turbine.mean_m_s)?;
    share(&what("turbulence"), turbine.turbulence)?;
    positive(&what("lag_s"), turbine.inverter.lag_s)?;
    ordered(&what("reduce_from_hz"), turbine.inverter.reduce_from_hz, turbine.inverter.zero_at_hz)?;
    ordered(&what("trip_hz"), turbine.trip_hz.0, turbine.trip_hz.1)
}

fn check_fridges(fridges: &FridgesSpec) -> Result<(), PlantError> {
    let what = |field: &str| format!("{}.{field}", fridges.name);
    let fridge = &fridges.fridge;
    let (members, most) = (usize::try_from(fridges.members), usize::try_from(MEMBERS_MAX));
    at_most("refrigerators behind one contact", members.unwrap_or(usize::MAX), most.unwrap_or(usize::MAX))?;
    positive(&what("members"), f64::from(fridges.members))?;
    positive(&what("air_j_per_k"), fridge.air_j_per_k)?;
    positive(&what("mass_j_per_k"), fridge.mass_j_per_k)?;
    positive(&what("wall_w_per_k"), fridge.wall_w_per_k)?;
    positive(&what("mass_w_per_k"), fridge.mass_w_per_k)?;
    not_negative(&what("power_w"), fridge.power_w)?;
    positive(&what("performance"), fridge.performance)?;
    ordered(&what("low_c"), fridge.low_c, fridge.high_c)?;
    not_negative(&what("rest_s"), fridge.rest_s)?;
    let is_right = (0.0..=0.9).contains(&fridges.spread);
    if is_right { Ok(()) } else { Err(PlantError::NotAShare { what: what("spread"), value: fridges.spread }) }
}

fn check_vehicle(vehicle: &VehicleSpec) -> Result<(), PlantError> {
    let what = |field: &str| format!("{}.{field}", vehicle.name);
    positive(&what("capacity_wh"), vehicle.capacity_wh)?;
    positive(&what("power_w"), vehicle.power_w)?;
    share(&what("efficiency"), vehicle.efficiency)?;
    positive(&what("efficiency"), vehicle.efficiency)?;
    not_negative(&what("taper_from"), vehicle.taper_from)?;
    ordered(&what("taper_from"), vehicle.taper_from, 1.0)?;
    not_negative(&what("used_wh"), vehicle.used_wh.0)?;
    ordered(&what("used_wh"), vehicle.used_wh.0, vehicle.used_wh.1)?;
    not_negative(&what("leaves_local_s"), vehicle.leaves_local_s)?;
    ordered(&what("arrives_local_s"), vehicle.leaves_local_s, vehicle.arrives_local_s)?;
    ordered(&what("arrives_local_s"), vehicle.arrives_local_s, 86_400.0)?;
    not_negative(&what("arrival_spread_s"), vehicle.arrival_spread_s)?;
    share(&what("soc_at_start"), vehicle.soc_at_start)
}

fn check_feeders(spec: &VillageSpec) -> Result<(), PlantError> {
    let known: BTreeSet<&str> = spec
        .consumer_names()
        .chain(spec.solar.iter().map(|solar| solar.name.as_str()))
        .chain(spec.wind.iter().map(|turbine| turbine.name.as_str()))
        .collect();
    let mut seen = BTreeSet::new();
    for feeder in &spec.feeders {
        let what = |field: &str| format!("{}.{field}", feeder.name);
        at_most("points of a feeder", feeder.points.len(), FEEDER_POINTS_MAX)?;
        positive(&what("phases"), f64::from(feeder.phases))?;
        positive(&what("power_factor"), feeder.power_factor)?;
        share(&what("power_factor"), feeder.power_factor)?;
        for point in &feeder.points {
            positive(&what("resistance_ohm"), point.segment.resistance_ohm)?;
            not_negative(&what("reactance_ohm"), point.segment.reactance_ohm)?;
        }
        for name in feeder.points.iter().flat_map(|point| &point.devices) {
            let problem = match (known.contains(name.as_str()), seen.insert(name)) {
                (false, _) => "no load, tank, refrigerator, vehicle, solar field or turbine is called so",
                (true, false) => "it hangs at another point already",
                (true, true) => continue,
            };
            return Err(PlantError::NotOnFeeder { feeder: feeder.name.clone(), name: name.clone(), problem });
        }
    }
    Ok(())
}

fn finite(what: &str, value: f64) -> Result<(), PlantError> {
    if value.is_finite() { Ok(()) } else { Err(PlantError::NotFinite { name: what.into() }) }
}
