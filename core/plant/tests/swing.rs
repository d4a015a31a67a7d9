//! The swing equation alone: both integrators, energy, limits.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use ballast_plant::swing::{InverterSpec, MachineSpec, SolarSpec, Swing, SwingSpec};

const MACHINE: MachineSpec = MachineSpec {
    rated_va: 50_000.0,
    inertia_s: 1.2,
    droop: 0.05,
    governor_lag_s: 0.05,
    turbine_lag_s: 0.2,
    power_max_pu: 1.0,
    trim_s: Some(10.0),
};

const INVERTER: InverterSpec = InverterSpec {
    rated_va: 30_000.0,
    droop: 0.02,
    lag_s: 0.05,
    dead_band_hz: 0.02,
    forming_inertia_s: 2.0,
    trim_s: Some(8.0),
};

fn empty() -> Swing {
    Swing::new(SwingSpec { base_va: 100_000.0, nominal_hz: 50.0, load_damping: 1.0 })
}

/// One machine, one supporting inverter, one solar inverter, 20 kW in balance.
fn mixed() -> Swing {
    let mut swing = empty();
    let machine = swing.add_machine(MACHINE).unwrap();
    let inverter = swing.add_inverter(INVERTER).unwrap();
    let solar = swing.add_solar(SolarSpec { reduce_from_hz: 51.0, zero_at_hz: 52.0, lag_s: 0.3 }).unwrap();
    swing.connect_machine(machine, 0.4);
    swing.connect_inverter(inverter, true, false);
    swing.connect_solar(solar, true);
    swing.set_load(20_000.0);
    swing
}

/// The largest distance between implicit steps of this length and the exact solution, in the two seconds after 3 kW of
/// load and 1 kW of sun came.
fn glide_error_hz(step_s: f64) -> f64 {
    let (mut exact, mut implicit) = (mixed(), mixed());
    for swing in [&mut exact, &mut implicit] {
        swing.set_load(23_000.0);
        swing.set_solar(0, 1_000.0);
    }
    let steps = (2.0 / step_s).round() as usize;
    let mut error_hz = 0.0_f64;
    for _ in 0..steps {
        exact.advance(step_s, 0.001, &[]);
        implicit.glide(step_s);
        error_hz = error_hz.max((exact.frequency_hz() - implicit.frequency_hz()).abs());
    }
    error_hz
}

#[test]
fn implicit_steps_converge_to_the_exact_solution() {
    let (coarse, fine) = (glide_error_hz(0.004), glide_error_hz(0.001));
    assert!(fine < 2e-3, "{fine} Hz at 1 ms");
    assert!((3.0..5.0).contains(&(coarse / fine)), "first order: {coarse} Hz at 4 ms, {fine} Hz at 1 ms");
}

#[test]
fn one_long_implicit_step_lands_where_the_fast_motion_ends() {
    let (mut exact, mut implicit) = (mixed(), mixed());
    for swing in [&mut exact, &mut implicit] {
        swing.set_load(24_000.0);
    }
    exact.advance(5.0, 0.001, &[]);
    for _ in 0..5 {
        implicit.glide(1.0);
    }
    let (exact_hz, implicit_hz) = (exact.frequency_hz(), implicit.frequency_hz());
    assert!((exact_hz - implicit_hz).abs() < 0.02, "{exact_hz} Hz exact, {implicit_hz} Hz implicit");
    assert!(exact_hz < 49.95, "something happened");
}

/// What the sources give and the load does not take is in the rotors, to a millijoule per kilojoule.
#[test]
fn surplus_energy_is_in_the_rotors() {
    let mut swing = mixed();
    swing.set_load(30_000.0);
    let surplus_w = |swing: &Swing| swing.shaft_power_w(0) + swing.inverter_power_w(0) - swing.load_w();
    let (mut energy_j, mut before_w) = (0.0, surplus_w(&swing));
    for _ in 0..300 {
        swing.advance(0.001, 0.001, &[]);
        let now_w = surplus_w(&swing);
        energy_j += 0.5 * (before_w + now_w) * 0.001;
        before_w = now_w;
    }
    let rotor_j = 2.0 * MACHINE.inertia_s * MACHINE.rated_va * (swing.frequency_hz() / 50.0 - 1.0);
    assert!(rotor_j < -100.0, "the rotor gave {rotor_j} J");
    assert!((energy_j / rotor_j - 1.0).abs() < 1e-3, "{energy_j} J missing, {rotor_j} J from the rotor");
}

#[test]
fn an_inverter_alone_forms_the_island_and_returns_to_nominal() {
    let mut swing = empty();
    let inverter = swing.add_inverter(INVERTER).unwrap();
    swing.connect_inverter(inverter, true, true);
    assert!(swing.is_live());
    swing.set_load(15_000.0);
    swing.advance(1.0, 0.001, &[]);
    assert!((49.3..49.7).contains(&swing.frequency_hz()), "droop: {} Hz", swing.frequency_hz());
    swing.advance(60.0, 0.001, &[]);
    assert!((swing.frequency_hz() - 50.0).abs() < 0.01, "trimmed: {} Hz", swing.frequency_hz());
    swing.set_inverter(inverter, 0.0, -30_000.0, 10_000.0);
    let progress = swing.advance(10.0, 0.001, &[45.0]);
    assert!(progress.crossed && progress.elapsed_s > 0.5, "limited to less than the load, it cannot hold");
}

#[test]
fn the_sun_gives_way_between_its_two_frequencies() {
    let mut swing = empty();
    let inverter = swing.add_inverter(INVERTER).unwrap();
    let solar = swing.add_solar(SolarSpec { reduce_from_hz: 51.0, zero_at_hz: 52.0, lag_s: 0.3 }).unwrap();
    swing.connect_inverter(inverter, true, true);
    swing.connect_solar(solar, true);
    swing.set_inverter(inverter, 0.0, 0.0, 30_000.0);
    swing.set_load(10_000.0);
    swing.set_solar(solar, 20_000.0);
    swing.advance(120.0, 0.001, &[]);
    // Balance: 20 kW (52 - f) = 10 kW (1 + (f - 50) / 50), so f = 51.4851 Hz.
    assert!((swing.frequency_hz() - 51.485_1).abs() < 1e-3, "{} Hz", swing.frequency_hz());
}

#[test]
fn without_a_source_nothing_moves() {
    let mut swing = empty();
    swing.set_load(10_000.0);
    assert!(!swing.is_live() && swing.load_w().abs() < 1e-9);
    swing.advance(1.0, 0.001, &[]);
    swing.glide(1.0);
    assert!((swing.frequency_hz() - 50.0).abs() < 1e-12);
}
