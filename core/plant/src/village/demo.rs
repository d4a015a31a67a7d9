//! The village of the demonstration: a day with a solar surplus at noon, a cloud front, and a genset that breaks at the
//! evening peak.
//!
//! Two generating sets of 50 kVA, 40 kWp of sun, a 60 kWh LFP battery behind a 30 kVA inverter, 40 homes in four
//! groups, each home with a water heater that stays off until somebody has energy for it. Inertia, droop and lags are usual
//! for small sets: H 0.5-1.5 s, droop 3-5 %, governor 0.05-0.2 s, engine 0.2-0.5 s; battery inverter 0.02-0.1 s, droop
//! 1-2 %, virtual inertia 1-5 s. The loads are guesses for an electrified Sahelian village, tuned so that the evening peak
//! is about 40 kW without the water heaters.

use crate::battery::{BatterySpec, Branch};
use crate::genset::GensetSpec;
use crate::heater::HeaterSpec;
use crate::loads::{Appliances, Cycle, LoadClass, LoadSpec};
use crate::meter::MeterSpec;
use crate::storage::{CellsSpec, StorageSpec};
use crate::sun::Place;
use crate::swing::{InverterSpec, MachineSpec, SolarSpec};
use crate::village::devices::OutdoorSpec;
use crate::village::forty::{QUARTERS, water_heaters};
use crate::village::script::{Disturbance, What, When};
use crate::village::spec::{Draw, MetersSpec, SolarFieldSpec, TankSpec, VillageSpec};

/// 2026-03-20, 06:00 in Niamey.
const START_UNIX_S: i64 = 1_773_982_800;

const HOUR_S: f64 = 3_600.0;

impl VillageSpec {
    /// The village that `ballast demo` runs.
    pub fn demo() -> Self {
        Self {
            start_unix_s: START_UNIX_S,
            utc_offset_s: 3_600,
            place: Place { latitude_deg: 13.5, longitude_deg: 2.1 },
            cloudiness: 0.12,
            outdoor: OutdoorSpec { mean_c: 32.0, swing_c: 7.0, hottest_local_s: 15.5 * HOUR_S, indoors: 0.5 },
            nominal_hz: 50.0,
            nominal_v: 230.0,
            load_damping: 1.0,
            collapse_hz: (45.0, 55.0),
            contact_delay_ms: 10,
            gensets: vec![genset("genset", 50_000.0, true), genset("standby", 50_000.0, false)],
            storage: Some(battery()),
            solar: Some(solar_field()),
            wind: None,
            grid: None,
            loads: loads(),
            tanks: std::iter::once(water_heater()).chain(QUARTERS.map(water_heaters)).collect(),
            fridges: Vec::new(),
            vehicles: Vec::new(),
            feeders: Vec::new(),
            meters: meters(),
            disturbances: disturbances(),
        }
    }
}

fn genset(name: &str, rated_va: f64, on_line_at_start: bool) -> GensetSpec {
    GensetSpec {
        name: name.into(),
        machine: MachineSpec {
            rated_va,
            inertia_s: 1.2,
            droop: 0.05,
            governor_lag_s: 0.05,
            turbine_lag_s: 0.2,
            power_max_pu: 1.0,
            trim_s: Some(10.0),
        },
        start_ms: 8_000,
        warm_up_ms: 30_000,
        cool_down_ms: 120_000,
        synchronise_ms: 3_000,
        unload_ms: 6_000,
        retry_ms: 20_000,
        on_line_at_start,
        is_absent: false,
    }
}

fn battery() -> StorageSpec {
    StorageSpec {
        name: "battery".into(),
        inverter: InverterSpec {
            rated_va: 30_000.0,
            droop: 0.02,
            lag_s: 0.05,
            dead_band_hz: 0.02,
            forming_inertia_s: 2.0,
            trim_s: Some(8.0),
        },
        capacity_wh: 60_000.0,
        charge_max_w: 20_000.0,
        discharge_max_w: 30_000.0,
        // Those of the inverter alone: the cells lose in their resistances.
        charge_efficiency: 0.97,
        discharge_efficiency: 0.97,
        soc_min: 0.1,
        soc_at_start: 0.55,
        retry_ms: 30_000,
        cells: Some(cells()),
        is_absent: false,
    }
}

/// 375 cells of 50 Ah, 48 V and 60 kWh, with the charging table of a usual management system: nothing below 0 C, a tenth of
/// the capacity up to 5 C, a fifth up to 10 C, and nothing above 60 C.
fn cells() -> CellsSpec {
    let open_circuit = [
        (0.0, 2.6),
        (0.03, 2.98),
        (0.06, 3.12),
        (0.1, 3.2),
        (0.2, 3.245),
        (0.3, 3.275),
        (0.4, 3.29),
        (0.5, 3.297),
        (0.6, 3.305),
        (0.7, 3.325),
        (0.8, 3.333),
        (0.9, 3.336),
        (0.95, 3.345),
        (0.98, 3.37),
        (1.0, 3.55),
    ];
    CellsSpec {
        cell: BatterySpec {
            capacity_ah: 50.0,
            rated_a: 2.5,
            peukert: 1.0,
            charge_efficiency: 1.0,
            open_circuit: open_circuit.to_vec(),
            series_ohm: 0.0012,
            charging: None,
            branches: [
                Branch { resistance_ohm: 0.000_8, capacitance_f: 25_000.0 },
                Branch { resistance_ohm: 0.001, capacitance_f: 300_000.0 },
            ],
            heat_capacity_j_per_k: 1_000.0,
            heat_resistance_k_per_w: 3.0,
        },
        in_series: 15,
        in_parallel: 25,
        volts: (2.8, 3.55),
        charge_by_c: vec![
            (0.0, 0.0),
            (0.1, 0.1),
            (5.0, 0.1),
            (10.0, 0.2),
            (25.0, 1.0),
            (45.0, 0.75),
            (60.0, 0.0),
        ],
        discharge_by_c: vec![(-20.0, 0.2), (0.0, 0.5), (10.0, 1.0), (50.0, 1.0), (60.0, 0.0)],
        start_c: 30.0,
    }
}

fn solar_field() -> SolarFieldSpec {
    SolarFieldSpec {
        name: "pv".into(),
        peak_w: 40_000.0,
        performance: 0.82,
        heat: None,
        inverter: SolarSpec { reduce_from_hz: 51.0, zero_at_hz: 52.0, lag_s: 0.3 },
        trip_hz: (47.0, 53.0),
        reconnect_ms: 60_000,
    }
}

/// An hourly curve from four plain numbers: night, morning, day, evening peak.
fn curve(night_w: f64, morning_w: f64, day_w: f64, evening_w: f64) -> [f64; 24] {
    let mut by_hour_w = [night_w; 24];
    for (hour, value_w) in by_hour_w.iter_mut().enumerate() {
        *value_w = match hour {
            6..=8 => morning_w,
            9..=16 => day_w,
            17 | 22 => 0.5 * (day_w + evening_w),
            18 => 0.2 * day_w + 0.8 * evening_w,
            19..=21 => evening_w,
            _ => night_w,
        };
    }
    by_hour_w
}

fn homes(name: &str) -> LoadSpec {
    LoadSpec {
        name: name.into(),
        class: LoadClass::Homes,
        members: 10,
        by_hour_w: curve(90.0, 170.0, 120.0, 400.0),
        cycle: Some(Cycle { power_w: 90.0, period_s: 1_900.0, duty: 0.3 }),
        appliances: Some(Appliances {
            per_day: 7.0,
            power_w: (200.0, 1_200.0),
            duration_s: (120.0, 1_800.0),
        }),
        pick_up: 1.1,
        closed_at_start: true,
    }
}

fn comfort(name: &str, members: u32) -> LoadSpec {
    LoadSpec {
        name: name.into(),
        class: LoadClass::Comfort,
        members,
        by_hour_w: curve(150.0, 250.0, 650.0, 900.0),
        cycle: Some(Cycle { power_w: 600.0, period_s: 1_500.0, duty: 0.4 }),
        appliances: None,
        pick_up: 0.8,
        closed_at_start: true,
    }
}

fn loads() -> Vec<LoadSpec> {
    let clinic = LoadSpec {
        name: "clinic".into(),
        class: LoadClass::Clinic,
        members: 1,
        by_hour_w: curve(500.0, 1_200.0, 1_800.0, 900.0),
        cycle: Some(Cycle { power_w: 300.0, period_s: 2_100.0, duty: 0.35 }),
        appliances: None,
        pick_up: 0.3,
        closed_at_start: true,
    };
    let water_pump = LoadSpec {
        name: "water_pump".into(),
        class: LoadClass::WaterPump,
        members: 1,
        by_hour_w: [40.0; 24],
        cycle: Some(Cycle { power_w: 2_500.0, period_s: 5_400.0, duty: 0.4 }),
        appliances: None,
        pick_up: 0.0,
        closed_at_start: true,
    };
    let cold_chain = LoadSpec {
        name: "cold_chain".into(),
        class: LoadClass::ColdChain,
        members: 12,
        by_hour_w: [15.0; 24],
        cycle: Some(Cycle { power_w: 180.0, period_s: 1_800.0, duty: 0.35 }),
        appliances: None,
        pick_up: 1.6,
        closed_at_start: true,
    };
    let mut loads = vec![clinic, water_pump, cold_chain];
    loads.extend(["homes_north", "homes_south", "homes_east", "homes_west"].map(homes));
    loads.extend(
        [("comfort_market", 4), ("comfort_school", 3), ("comfort_workshop", 3)]
            .map(|(name, n)| comfort(name, n)),
    );
    loads
}

fn water_heater() -> TankSpec {
    let draw = |from_h: f64, minutes: f64, l_per_min: f64| Draw {
        from_local_s: from_h * HOUR_S,
        duration_s: minutes * 60.0,
        l_per_min,
    };
    TankSpec {
        name: "water_heater".into(),
        members: 1,
        heater: HeaterSpec {
            volume_l: 600.0,
            loss_w_per_k: 3.0,
            power_w: 6_000.0,
            air_c: 28.0,
            inlet_c: 24.0,
            low_c: 58.0,
            high_c: 63.0,
        },
        start_c: 45.0,
        start_spread_c: 0.0,
        draw_jitter_s: 0.0,
        draws: vec![draw(6.5, 40.0, 5.0), draw(12.0, 30.0, 4.0), draw(18.5, 60.0, 5.0)],
        closed_at_start: false,
    }
}

/// Class-1 feeder meter with 1 mHz frequency; the inverter shows frequency to 10 mHz.
fn meters() -> MetersSpec {
    let meter = |resolution: f64, noise: f64| MeterSpec { resolution, noise, relative_noise: 0.0 };
    MetersSpec {
        feeder_frequency: meter(0.001, 0.002),
        inverter_frequency: meter(0.01, 0.004),
        voltage: meter(0.1, 0.15),
        power: MeterSpec { resolution: 1.0, noise: 1.0, relative_noise: 0.002 },
        soc: meter(0.1, 0.0),
        irradiance: meter(1.0, 1.0),
        wind_speed: meter(0.1, 0.1),
        temperature: meter(0.1, 0.05),
        energy: meter(0.001, 0.0),
    }
}

fn disturbances() -> Vec<Disturbance> {
    let daily = |hour: f64, jitter_s: f64, what: What| Disturbance {
        when: When::Daily { local_s: hour * HOUR_S },
        jitter_s,
        what,
    };
    let front = |depth: f64, minutes: f64| What::CloudFront { depth, edge_s: 10.0, lasts_s: minutes * 60.0 };
    vec![
        daily(10.5, 300.0, front(0.8, 6.0)),
        daily(14.25, 300.0, front(0.75, 20.0)),
        daily(15.0, 300.0, front(0.8, 8.0)),
        daily(19.5, 120.0, What::GensetTrip { genset: "genset".into(), repair_s: 5_400.0 }),
    ]
}
