//! The village of forty homes: every kind of machine that the plant knows, for long simulations and scores.
//!
//! Two generating sets of 50 kVA, 40 kWp of sun, a 5 kW turbine, 60 kWh of lithium iron cells behind a 30 kVA inverter, 40
//! homes, 60 refrigerators, 40 water heaters of 2 kW, four electric tricycles, three feeders. Its devices have the names of
//! the demonstration's, so that the site of `examples/village` runs on it as well; the rest is named after them.

use crate::feeder::Segment;
use crate::fridge::FridgeSpec;
use crate::heater::HeaterSpec;
use crate::loads::LoadClass;
use crate::swing::SolarSpec;
use crate::vehicle::VehicleSpec;
use crate::village::devices::{FeederPoint, FeederSpec, FridgesSpec, PanelHeatSpec};
use crate::village::spec::{Draw, TankSpec, VillageSpec};
use crate::wind::TurbineSpec;

const HOUR_S: f64 = 3_600.0;

/// Quarters of ten homes each.
pub(super) const QUARTERS: [&str; 4] = ["north", "south", "east", "west"];

impl VillageSpec {
    /// The village of forty homes.
    pub fn forty_homes() -> Self {
        let mut spec = Self::demo();
        if let Some(solar) = &mut spec.solar {
            // Heat is counted apart from dirt, wires and inverter.
            solar.performance = 0.9;
            solar.heat = Some(PanelHeatSpec { per_k: -0.004, k_per_w_m2: 0.03 });
        }
        // The refrigerators of homes and shops are machines of their own here.
        spec.loads.retain(|load| load.class != LoadClass::ColdChain);
        for load in spec.loads.iter_mut().filter(|load| load.class == LoadClass::Homes) {
            load.cycle = None;
        }
        spec.fridges = fridges();
        spec.vehicles = (1..=4).map(tricycle).collect();
        spec.wind = Some(turbine());
        spec.feeders = feeders();
        spec.disturbances.clear();
        spec
    }
}

/// The kitchen refrigerator, and chests for vaccines and fish; sixty together.
fn fridges() -> Vec<FridgesSpec> {
    let kitchen = FridgeSpec {
        air_j_per_k: 8_000.0,
        mass_j_per_k: 60_000.0,
        wall_w_per_k: 1.3,
        mass_w_per_k: 12.0,
        power_w: 90.0,
        performance: 1.6,
        low_c: 3.0,
        high_c: 7.0,
        rest_s: 300.0,
    };
    let chest = FridgeSpec {
        air_j_per_k: 12_000.0,
        mass_j_per_k: 120_000.0,
        wall_w_per_k: 1.0,
        low_c: 2.5,
        high_c: 6.5,
        power_w: 120.0,
        ..kitchen
    };
    let group = |name: String, class: LoadClass, members: u32, fridge: FridgeSpec| FridgesSpec {
        name,
        class,
        members,
        fridge,
        spread: 0.2,
        closed_at_start: true,
    };
    let quarters = QUARTERS.map(|quarter| group(format!("fridges_{quarter}"), LoadClass::Homes, 10, kitchen));
    let mut groups = quarters.to_vec();
    groups.push(group("cold_chain".into(), LoadClass::ColdChain, 20, chest));
    groups
}

/// Ten tanks of a quarter: a load that waits until somebody has energy for it.
pub(super) fn water_heaters(quarter: &str) -> TankSpec {
    let draw = |from_h: f64, minutes: f64, l_per_min: f64| Draw {
        from_local_s: from_h * HOUR_S,
        duration_s: minutes * 60.0,
        l_per_min,
    };
    TankSpec {
        name: format!("heaters_{quarter}"),
        members: 10,
        heater: HeaterSpec {
            volume_l: 80.0,
            loss_w_per_k: 1.2,
            power_w: 2_000.0,
            air_c: 28.0,
            inlet_c: 24.0,
            low_c: 50.0,
            high_c: 56.0,
        },
        start_c: 55.9,
        start_spread_c: 5.8,
        draws: vec![draw(6.5, 6.0, 5.0), draw(18.5, 8.0, 5.0)],
        draw_jitter_s: 2_700.0,
        closed_at_start: false,
    }
}

fn tricycle(number: u32) -> VehicleSpec {
    VehicleSpec {
        name: format!("tricycle_{number}"),
        capacity_wh: 5_000.0,
        power_w: 1_000.0,
        efficiency: 0.9,
        taper_from: 0.8,
        used_wh: (1_500.0, 3_500.0),
        arrives_local_s: 18.0 * HOUR_S,
        arrival_spread_s: 1.5 * HOUR_S,
        leaves_local_s: 6.5 * HOUR_S,
        soc_at_start: 0.8,
        closed_at_start: true,
    }
}

fn turbine() -> TurbineSpec {
    TurbineSpec {
        name: "turbine".into(),
        rated_w: 5_000.0,
        cut_in_m_s: 3.0,
        rated_m_s: 11.0,
        cut_out_m_s: 25.0,
        mean_m_s: 4.5,
        turbulence: 0.18,
        inverter: SolarSpec { reduce_from_hz: 51.0, zero_at_hz: 52.0, lag_s: 2.0 },
        trip_hz: (47.0, 53.0),
        reconnect_ms: 60_000,
    }
}

/// Three lines of twisted aluminium, 4 x 50 mm2 (0.64 ohm and 0.09 ohm per kilometre and wire), with a point every 150 m.
fn feeders() -> Vec<FeederSpec> {
    let point = |devices: &[&str]| FeederPoint {
        segment: Segment { resistance_ohm: 0.096, reactance_ohm: 0.014 },
        devices: devices.iter().map(|name| (*name).to_owned()).collect(),
    };
    let feeder = |name: &str, points: Vec<FeederPoint>| FeederSpec {
        name: name.into(),
        phases: 3,
        power_factor: 0.95,
        reclose_ms: 10_000,
        points,
    };
    vec![
        feeder(
            "feeder_north",
            vec![
                point(&["clinic", "water_heater"]),
                point(&["homes_north", "fridges_north", "heaters_north"]),
                point(&["homes_east", "fridges_east", "heaters_east", "tricycle_1", "tricycle_2"]),
            ],
        ),
        feeder(
            "feeder_south",
            vec![
                point(&["cold_chain"]),
                point(&["homes_south", "fridges_south", "heaters_south"]),
                point(&["homes_west", "fridges_west", "heaters_west", "tricycle_3", "tricycle_4"]),
                point(&["turbine"]),
            ],
        ),
        feeder(
            "feeder_market",
            vec![
                point(&["comfort_market", "water_pump"]),
                point(&["comfort_school"]),
                point(&["comfort_workshop"]),
            ],
        ),
    ]
}
