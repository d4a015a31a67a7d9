//! The swing equation against reference traces, computed elsewhere with an eighth-order solver at a relative
//! tolerance of 1e-10. Where the traces are not beside the repository, each test says that it was skipped.
//!
//! Demanded at 1 ms steps: 0.1 mHz where nothing switches, 1 mHz with relay events.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod traces;

use ballast_plant::swing::{InverterSpec, MachineSpec, Swing, SwingSpec};

const STEP_S: f64 = 0.001;
const COLLAPSE_HZ: f64 = 45.0;

/// One stage: below `threshold_hz` for `delay_s`, this share of the load before the fault is cut, once.
struct Stage {
    threshold_hz: f64,
    share: f64,
    delay_s: f64,
    expires_s: Option<f64>,
    fired: bool,
}

enum Fault {
    LoadStep(f64),
    Trip(usize),
}

struct Case {
    file: &'static str,
    machines: usize,
    inertia_s: f64,
    power_pu: f64,
    load_w: f64,
    battery: bool,
    fault: Fault,
    stages: Vec<Stage>,
    error_max_hz: f64,
}

fn stages(thresholds_hz: &[f64], share: f64, delay_s: f64) -> Vec<Stage> {
    thresholds_hz
        .iter()
        .map(|&threshold_hz| Stage { threshold_hz, share, delay_s, expires_s: None, fired: false })
        .collect()
}

fn node(case: &Case) -> Swing {
    let base_va = 50_000.0 * case.machines as f64;
    let mut swing = Swing::new(SwingSpec { base_va, nominal_hz: 50.0, load_damping: 1.0 });
    for _ in 0..case.machines {
        let machine = swing.add_machine(MachineSpec {
            rated_va: 50_000.0,
            inertia_s: case.inertia_s,
            droop: 0.04,
            governor_lag_s: 0.1,
            turbine_lag_s: 0.3,
            power_max_pu: 1.0,
            trim_s: None,
        });
        swing.connect_machine(machine.unwrap(), case.power_pu);
    }
    if case.battery {
        let inverter = swing.add_inverter(InverterSpec {
            rated_va: 20_000.0,
            droop: 0.02,
            lag_s: 0.05,
            dead_band_hz: 0.02,
            forming_inertia_s: 0.0,
            trim_s: None,
        });
        swing.connect_inverter(inverter.unwrap(), true, false);
    }
    swing.set_load(case.load_w);
    swing
}

/// Advances from `from_s` to `to_s`, running the stage logic at the exact instants of its events.
fn advance(swing: &mut Swing, case: &mut Case, load_w: &mut f64, from_s: f64, to_s: f64) {
    let watch: Vec<f64> = case.stages.iter().map(|stage| stage.threshold_hz).collect();
    let mut now_s = from_s;
    while now_s < to_s {
        for stage in case.stages.iter_mut().filter(|stage| !stage.fired) {
            let is_below = swing.frequency_hz() < stage.threshold_hz;
            stage.expires_s = is_below.then(|| stage.expires_s.unwrap_or(now_s + stage.delay_s));
            if stage.expires_s.is_some_and(|expires_s| expires_s <= now_s) {
                stage.fired = true;
                *load_w -= stage.share * case.load_w;
                swing.set_load(*load_w);
            }
        }
        let expiries = case.stages.iter().filter(|stage| !stage.fired).filter_map(|stage| stage.expires_s);
        let next_s = expiries.fold(to_s, f64::min);
        let progress = swing.advance(next_s - now_s, STEP_S, &watch);
        now_s = if progress.crossed { now_s + progress.elapsed_s } else { next_s };
    }
}

/// Runs the case beside its trace and returns the largest frequency and power error.
fn check(mut case: Case) {
    let Some(rows) = traces::rows(case.file) else { return };
    let mut swing = node(&case);
    let mut load_w = case.load_w;
    let (mut now_s, mut frequency_error_hz, mut power_error_w) = (0.0, 0.0_f64, 0.0_f64);
    for row in &rows {
        advance(&mut swing, &mut case, &mut load_w, now_s, row[0]);
        now_s = row[0];
        if (now_s - 1.0).abs() < 1e-9 {
            match case.fault {
                Fault::LoadStep(more_w) => load_w += more_w,
                Fault::Trip(number) => swing.disconnect_machine(number),
            }
            swing.set_load(load_w);
        }
        frequency_error_hz = frequency_error_hz.max((swing.frequency_hz() - row[1]).abs());
        assert!(
            (load_w - row[2]).abs() < 1e-6,
            "{} at {now_s} s: load {load_w} W, reference {}",
            case.file,
            row[2]
        );
        for number in 0..case.machines {
            power_error_w = power_error_w.max((swing.shaft_power_w(number) - row[3 + number]).abs());
        }
        power_error_w = power_error_w.max((swing.inverter_power_w(0) - row[3 + case.machines]).abs());
    }
    println!("{}: {:.4} mHz, {:.3} W", case.file, frequency_error_hz * 1e3, power_error_w);
    assert!(frequency_error_hz <= case.error_max_hz, "{}: off by {frequency_error_hz} Hz", case.file);
    assert!(power_error_w <= 5.0, "{}: a source is off by {power_error_w} W", case.file);
    assert!(rows.len() > 100, "{}: a trace of {} rows proves nothing", case.file, rows.len());
}

fn load_step(file: &'static str, battery: bool) -> Case {
    Case {
        file,
        machines: 1,
        inertia_s: 1.0,
        power_pu: 0.5,
        load_w: 25_000.0,
        battery,
        fault: Fault::LoadStep(10_000.0),
        stages: Vec::new(),
        error_max_hz: 0.1e-3,
    }
}

fn two_sets(file: &'static str, battery: bool, stages: Vec<Stage>) -> Case {
    let error_max_hz = if stages.is_empty() { 0.1e-3 } else { 1e-3 };
    let fault = Fault::Trip(1);
    Case {
        file,
        machines: 2,
        inertia_s: 1.0,
        power_pu: 0.7,
        load_w: 70_000.0,
        battery,
        fault,
        stages,
        error_max_hz,
    }
}

fn three_sets(file: &'static str, stages: Vec<Stage>) -> Case {
    let error_max_hz = if stages.is_empty() { 0.1e-3 } else { 1e-3 };
    let fault = Fault::Trip(2);
    let (load_w, battery) = (90_000.0, false);
    Case { file, machines: 3, inertia_s: 1.5, power_pu: 0.6, load_w, battery, fault, stages, error_max_hz }
}

const UTILITY_HZ: [f64; 5] = [49.0, 48.8, 48.6, 48.4, 48.2];
const EARLY_HZ: [f64; 4] = [49.5, 49.3, 49.1, 48.9];

#[test]
fn a_load_step_on_one_set() {
    check(load_step("r1_load_step.csv", false));
}

#[test]
fn a_load_step_with_battery_droop() {
    check(load_step("r1b_load_step_battery_droop.csv", true));
}

#[test]
fn losing_one_of_two_sets_without_shedding() {
    check(two_sets("r2_trip_no_shed.csv", false, Vec::new()));
}

#[test]
fn losing_one_of_two_sets_with_utility_stages() {
    check(two_sets("r2_trip_ufls5.csv", false, stages(&UTILITY_HZ, 0.08, 0.15)));
}

#[test]
fn losing_one_of_two_sets_with_early_stages() {
    check(two_sets("r2_trip_early4.csv", false, stages(&EARLY_HZ, 0.1, 0.06)));
}

#[test]
fn losing_one_of_two_sets_with_one_bulk_action() {
    check(two_sets("r2_trip_fast_bulk.csv", false, stages(&[49.7], 0.4, 0.03)));
}

#[test]
fn losing_one_of_two_sets_with_utility_stages_and_battery() {
    check(two_sets("r2_trip_ufls5_battery.csv", true, stages(&UTILITY_HZ, 0.08, 0.15)));
}

#[test]
fn losing_one_of_three_sets() {
    check(three_sets("r2c_3gens_trip_no_shed.csv", Vec::new()));
    check(three_sets("r2c_3gens_trip_early4.csv", stages(&EARLY_HZ, 0.1, 0.06)));
    check(three_sets("r2c_3gens_trip_ufls5.csv", stages(&UTILITY_HZ, 0.08, 0.15)));
}

/// Without shedding the frequency passes 45 Hz 0.381 s after the trip, located inside the 1 ms step.
#[test]
fn the_collapse_is_located_inside_the_step() {
    let case = two_sets("", false, Vec::new());
    let mut swing = node(&case);
    swing.disconnect_machine(1);
    let progress = swing.advance(2.0, STEP_S, &[COLLAPSE_HZ]);
    assert!(progress.crossed);
    assert!((progress.elapsed_s - 0.380_698_155).abs() < 1e-6, "collapsed after {} s", progress.elapsed_s);
}
