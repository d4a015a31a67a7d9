//! An island with a full battery against a reference trace, computed elsewhere with an eighth-order solver.

mod traces;

use ballast_plant::former::{Former, FormerSpec};

const CABIN: FormerSpec = FormerSpec {
    nominal_hz: 50.0,
    droop_hz_per_w: 0.0001,
    lag_s: 0.05,
    charge_max_w: 200.0,
    shift_hz_per_w_s: 0.0004,
    shift_max_hz: 3.0,
    reduce_from_hz: 51.0,
    zero_at_hz: 52.0,
    sun_lag_s: 0.3,
};

/// Load 4,500 W, and 800 W from the first second on; 5,000 W of sun.
#[test]
fn a_load_that_goes_raises_the_frequency_until_the_sun_gives_way() {
    let Some(rows) = traces::rows("r8_fspc_load_drop.csv") else { return };
    let mut cabin = Former::new(CABIN, -200.0, 4_700.0, 1.04);
    let (mut now_s, mut hertz_off, mut watts_off) = (0.0, 0.0_f64, 0.0_f64);
    for row in &rows {
        for (until_s, load_w) in [(row[0].min(1.0), 4_500.0), (row[0], 800.0)] {
            if until_s > now_s {
                cabin.advance(until_s - now_s, load_w, 5_000.0);
                now_s = until_s;
            }
        }
        hertz_off = hertz_off.max((cabin.frequency_hz() - row[1]).abs());
        let load_w = if row[0] < 1.0 { 4_500.0 } else { 800.0 };
        watts_off =
            watts_off.max((cabin.sun_w() - row[2]).abs()).max((cabin.battery_w(load_w) - row[3]).abs());
    }
    println!("{:.5} mHz, {watts_off:.5} W", hertz_off * 1e3);
    assert!(rows.len() > 1_000 && hertz_off <= 0.1e-3, "off by {hertz_off} Hz");
    assert!(watts_off <= 1.0, "off by {watts_off} W");
}

#[test]
fn without_sun_it_is_a_droop_and_never_a_shift() {
    let mut cabin = Former::new(CABIN, 0.0, 0.0, 0.5);
    cabin.advance(60.0, 2_000.0, 0.0);
    assert!((cabin.frequency_hz() - 49.8).abs() < 1e-6, "{} Hz", cabin.frequency_hz());
    assert!(cabin.shift_hz() <= 0.0);
    // More sun than anything takes: the shift stays at its maximum.
    let stubborn = FormerSpec { reduce_from_hz: 60.0, zero_at_hz: 61.0, ..CABIN };
    let mut cabin = Former::new(stubborn, 0.0, 3_000.0, 0.0);
    cabin.advance(60.0, 100.0, 3_000.0);
    assert!((cabin.shift_hz() - 3.0).abs() < 1e-9, "{} Hz", cabin.shift_hz());
}
