//! The refrigerator against a reference trace, computed elsewhere with an eighth-order solver, and its compressor's rest.

mod traces;

use ballast_plant::fridge::{Fridge, FridgeSpec};

const KITCHEN: FridgeSpec = FridgeSpec {
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
const ROOM_C: f64 = 26.0;

/// The first and the last switchings of the trace, s; it makes 52 in twelve hours.
const FIRST_S: [f64; 4] = [1_381.888_638, 1_671.080_964, 3_200.602_057, 3_493.251_212];
const LAST_S: [f64; 2] = [42_101.919_196, 42_399.583_005];

#[test]
fn half_a_day_of_cycles() {
    let Some(rows) = traces::rows("r6_fridge_etp.csv") else { return };
    let mut fridge = Fridge::new(KITCHEN, 5.0, 5.0);
    let (mut energy_j, mut kelvins_off, mut runs) = (0.0, 0.0_f64, false);
    let mut switchings_s = Vec::new();
    for (row, second) in rows.iter().zip((0..).step_by(10)) {
        // Where the thermostat turns the slope changes: what is a microsecond early there is a microkelvin.
        kelvins_off = kelvins_off.max((fridge.air_c() - row[1]).abs()).max((fridge.mass_c() - row[2]).abs());
        for tenth in 0..100 {
            energy_j += fridge.advance(0.1, true, ROOM_C);
            if (fridge.power_w() > 0.0) != runs {
                runs = !runs;
                switchings_s.push(f64::from(second) + f64::from(tenth + 1) / 10.0);
            }
        }
    }
    println!("{kelvins_off:.7} K, {} switchings, {:.6} kWh", switchings_s.len(), energy_j / 3.6e6);
    assert!(kelvins_off <= 0.01, "off by {kelvins_off} K");
    assert_eq!(switchings_s.len(), 52);
    let ends = FIRST_S.iter().zip(&switchings_s).chain(LAST_S.iter().zip(switchings_s.iter().skip(50)));
    for (expected_s, found_s) in ends {
        assert!(
            (0.0..=0.11).contains(&(found_s - expected_s)),
            "a switching at {found_s} s, not {expected_s} s"
        );
    }
    assert!((energy_j / 3.6e6 / 0.192_939_877 - 1.0).abs() < 1e-3, "{} kWh", energy_j / 3.6e6);
}

#[test]
fn long_steps_come_to_the_same() {
    let (mut fine, mut coarse) = (Fridge::new(KITCHEN, 5.0, 5.0), Fridge::new(KITCHEN, 5.0, 5.0));
    let fine_j: f64 = (0..43_200).map(|_| fine.advance(1.0, true, ROOM_C)).sum();
    let coarse_j: f64 = (0..12).map(|_| coarse.advance(3_600.0, true, ROOM_C)).sum();
    assert!((fine_j - coarse_j).abs() < 1.0, "{fine_j} J and {coarse_j} J");
    assert!((fine.air_c() - coarse.air_c()).abs() < 1e-3, "{} C and {} C", fine.air_c(), coarse.air_c());
}

#[test]
fn a_compressor_rests_after_a_short_cut_and_runs_when_it_may() {
    let mut fridge = Fridge::new(KITCHEN, 7.5, 5.0);
    assert!(fridge.advance(60.0, true, ROOM_C) > 0.0);
    assert!(fridge.advance(1.0, false, ROOM_C) <= 0.0);
    // The supply is back after a second: it rests for the five minutes all the same.
    assert!(fridge.advance(298.0, true, ROOM_C) <= 0.0 && fridge.power_w() <= 0.0);
    assert!(fridge.advance(2.0, true, ROOM_C) > 0.0, "it still stands after 301 s");
}

#[test]
fn without_supply_it_only_warms() {
    let mut fridge = Fridge::new(KITCHEN, 4.0, 4.0);
    assert!(fridge.advance(86_400.0, false, ROOM_C) <= 0.0);
    assert!((21.0..22.5).contains(&fridge.air_c()), "{} C after a day", fridge.air_c());
}
