//! Voltages along a feeder against a reference, computed elsewhere, and against hand calculation.

mod traces;

use ballast_plant::PlantError;
use ballast_plant::feeder::{Segment, Taken, voltages};

const LINE: [Segment; 3] = [
    Segment { resistance_ohm: 0.1, reactance_ohm: 0.035 },
    Segment { resistance_ohm: 0.15, reactance_ohm: 0.05 },
    Segment { resistance_ohm: 0.2, reactance_ohm: 0.06 },
];

fn line(taken: [(f64, f64); 3]) -> Vec<(Segment, Taken)> {
    let taken = taken.map(|(active_w, reactive_var)| Taken { active_w, reactive_var });
    LINE.into_iter().zip(taken).collect()
}

#[test]
fn loads_lower_and_the_sun_raises_the_voltage_as_the_reference_says() {
    let Some(rows) = traces::rows("r9_feeder_voltage.csv") else { return };
    let mut volts_off = 0.0_f64;
    for row in &rows {
        let scale = row[0];
        let taken = if scale < 0.0 {
            // The row of the sun: two small loads, and 4 kW fed in at the end.
            [(200.0, 0.0), (200.0, 0.0), (-4_000.0, 0.0)]
        } else {
            [(1_500.0, 300.0), (2_000.0, 500.0), (1_000.0, 0.0)].map(|(p, q)| (p * scale, q * scale))
        };
        let found = voltages(230.0, &line(taken)).unwrap();
        for (found_v, expected_v) in found.at_v.iter().zip(&row[1..4]) {
            volts_off = volts_off.max((found_v - expected_v).abs());
        }
        assert!((found.loss_w - row[4]).abs() < 1e-3, "{} W are lost, not {} W", found.loss_w, row[4]);
    }
    println!("{:.4} mV", volts_off * 1e3);
    assert!(rows.len() > 5 && volts_off < 1e-3, "off by {volts_off} V");
}

/// One load of 1 kW behind 1 ohm: V^2 - 230 V + 1000 = 0.
#[test]
fn one_resistance_is_solved_by_hand() {
    let found = voltages(
        230.0,
        &[(
            Segment { resistance_ohm: 1.0, reactance_ohm: 0.0 },
            Taken { active_w: 1_000.0, reactive_var: 0.0 },
        )],
    );
    let by_hand_v = 115.0 + (115.0_f64 * 115.0 - 1_000.0).sqrt();
    let found = found.unwrap();
    assert!((found.at_v[0] - by_hand_v).abs() < 1e-6, "{} V", found.at_v[0]);
    assert!((found.loss_w - (1_000.0 / by_hand_v) * (1_000.0 / by_hand_v)).abs() < 1e-6);
}

#[test]
fn more_than_the_line_can_carry_is_said_and_not_computed() {
    // 230 V behind 1 ohm give 13,225 W at most.
    let segment = Segment { resistance_ohm: 1.0, reactance_ohm: 0.0 };
    let taken = |active_w| [(segment, Taken { active_w, reactive_var: 0.0 })];
    assert!(voltages(230.0, &taken(13_000.0)).is_ok());
    let refused = voltages(230.0, &taken(14_000.0));
    assert!(matches!(refused, Err(PlantError::FeederCollapsed { .. })), "{refused:?}");
}
