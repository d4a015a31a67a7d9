//! The battery's equivalent circuit against reference traces, computed elsewhere with an eighth-order solver at a relative
//! tolerance of 1e-10. Where the traces are not beside the repository, each test says that it was skipped.
//!
//! Demanded: 1 mV, 0.01 K, and every change of what is done to it within one step of a second.

#![expect(clippy::print_stdout, reason = "helpers of tests")]

mod traces;

use ballast_plant::battery::{Battery, BatterySpec, Branch, ChargeResistance, Drive, Until};

/// One part of what is done to the battery: how long at most, what, and where it ends.
type Segment = (f64, Drive, Until);

fn lead_acid_7ah() -> BatterySpec {
    let volts = [11.6, 11.74, 11.88, 12.0, 12.12, 12.24, 12.36, 12.48, 12.6, 12.73, 12.88];
    BatterySpec {
        capacity_ah: 7.0,
        rated_a: 0.35,
        peukert: 1.15,
        charge_efficiency: 0.95,
        open_circuit: volts.iter().enumerate().map(|(tenth, v)| (tenth as f64 / 10.0, *v)).collect(),
        series_ohm: 0.025,
        charging: Some(ChargeResistance { base_ohm: 0.25, rise_ohm: 0.12, end: 1.02 }),
        branches: [
            Branch { resistance_ohm: 0.02, capacitance_f: 1_500.0 },
            Branch { resistance_ohm: 0.035, capacitance_f: 20_000.0 },
        ],
        heat_capacity_j_per_k: 2_300.0,
        heat_resistance_k_per_w: 4.0,
    }
}

fn lithium_iron_50ah() -> BatterySpec {
    let socs = [0.0, 0.03, 0.06, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0];
    let volts =
        [2.6, 2.98, 3.12, 3.2, 3.245, 3.275, 3.29, 3.297, 3.305, 3.325, 3.333, 3.336, 3.345, 3.37, 3.55];
    BatterySpec {
        capacity_ah: 50.0,
        rated_a: 2.5,
        peukert: 1.0,
        charge_efficiency: 1.0,
        open_circuit: socs.into_iter().zip(volts).collect(),
        series_ohm: 0.0012,
        charging: None,
        branches: [
            Branch { resistance_ohm: 0.0008, capacitance_f: 25_000.0 },
            Branch { resistance_ohm: 0.001, capacitance_f: 300_000.0 },
        ],
        heat_capacity_j_per_k: 1_000.0,
        heat_resistance_k_per_w: 3.0,
    }
}

/// Does to a battery what was done in the trace, and compares voltage, temperature and the moments of change.
fn check(file: &str, mut battery: Battery, air_c: f64, segments: &[Segment], changes_s: &[f64]) {
    let Some(rows) = traces::rows(file) else { return };
    let mut rows = rows.iter().peekable();
    let (mut now_s, mut volts_off, mut kelvins_off) = (0.0, 0.0_f64, 0.0_f64);
    for ((longest_s, drive, until), change_s) in segments.iter().zip(changes_s) {
        battery.drive(*drive);
        let end_s = now_s + longest_s;
        loop {
            while let Some(row) = rows.next_if(|row| row[0] < now_s + 1e-6) {
                // A row at the very moment of a change shows what was before or what is after it.
                if changes_s.iter().any(|change_s| (row[0] - change_s).abs() < 1e-3) {
                    continue;
                }
                volts_off = volts_off.max((battery.voltage_v() - row[2]).abs());
                kelvins_off = kelvins_off.max((battery.temperature_c() - row[6]).abs());
                assert!(
                    (battery.soc() - row[3]).abs() < 1e-6,
                    "{file} at {now_s} s: {} of charge",
                    battery.soc()
                );
                assert!(
                    (battery.current_a() - row[1]).abs() < 1e-3,
                    "{file} at {now_s} s: {} A",
                    battery.current_a()
                );
            }
            let ahead_s = rows.clone().map(|row| row[0]).find(|at_s| *at_s > now_s + 1e-6);
            let next_s = ahead_s.unwrap_or(end_s).min(end_s);
            let passed_s = battery.advance(next_s - now_s, air_c, until);
            let is_over = now_s + passed_s < next_s - 1e-9 || next_s >= end_s;
            now_s += passed_s;
            if is_over {
                break;
            }
        }
        assert!(
            (now_s - change_s).abs() < 1.0,
            "{file}: a change at {now_s} s, and at {change_s} s in the trace"
        );
    }
    println!("{file}: {:.4} mV, {:.5} K", volts_off * 1e3, kelvins_off);
    assert!(volts_off <= 1e-3, "{file}: off by {volts_off} V");
    assert!(kelvins_off <= 0.01, "{file}: off by {kelvins_off} K");
}

fn resting(seconds: f64) -> Segment {
    (seconds, Drive::Current(0.0), Until::default())
}

const LONG_S: f64 = 1e5;

#[test]
fn a_lead_acid_battery_is_emptied_and_filled() {
    let battery = Battery::new(lead_acid_7ah(), 0.95, 25.0);
    let empty = Until { voltage_below_v: Some(11.0), soc_below: Some(0.1), ..Until::default() };
    let full = Until { voltage_above_v: Some(14.4), ..Until::default() };
    let done = Until { charging_below_a: Some(0.35), ..Until::default() };
    let segments = [
        resting(600.0),
        (LONG_S, Drive::Current(1.4), empty),
        resting(3_600.0),
        (LONG_S, Drive::Current(-1.75), full),
        (LONG_S, Drive::Voltage(14.4), done),
        resting(3_600.0),
    ];
    let changes_s = [600.0, 13_027.461_664, 16_627.461_664, 27_851.753_913, 32_223.996_192, 35_823.996_192];
    check("r3_lead_acid_7ah.csv", battery, 25.0, &segments, &changes_s);
}

#[test]
fn a_lithium_iron_cell_is_emptied_and_filled() {
    let battery = Battery::new(lithium_iron_50ah(), 0.9, 20.0);
    let empty = Until { voltage_below_v: Some(2.8), soc_below: Some(0.05), ..Until::default() };
    let full = Until { voltage_above_v: Some(3.5), ..Until::default() };
    let done = Until { charging_below_a: Some(2.5), ..Until::default() };
    let segments = [
        resting(300.0),
        (LONG_S, Drive::Current(50.0), empty),
        resting(1_800.0),
        (LONG_S, Drive::Current(-25.0), full),
        (LONG_S, Drive::Voltage(3.5), done),
        resting(1_800.0),
    ];
    let changes_s = [300.0, 3_360.0, 5_160.0, 11_900.0, 12_027.543_754, 13_827.543_754];
    check("r4_lfp_50ah.csv", battery, 20.0, &segments, &changes_s);
}

#[test]
fn a_power_is_held_by_the_current_that_gives_it() {
    let mut battery = Battery::new(lithium_iron_50ah(), 0.5, 20.0);
    for power_w in [100.0, -80.0, 0.0] {
        battery.drive(Drive::Current(battery.current_for_power_a(power_w)));
        assert!((battery.power_w() - power_w).abs() < 1e-9, "{} W for {power_w}", battery.power_w());
    }
    // 3.297 V behind 1.2 mOhm: no more than 2,265 W at any current.
    battery.drive(Drive::Current(battery.current_for_power_a(5_000.0)));
    assert!((battery.power_w() - 2_264.6).abs() < 0.1, "{} W", battery.power_w());
}
