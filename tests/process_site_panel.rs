//! `examples/site-panel` on meters that pymodbus serves: power, power factor and frequency are read, a poor power factor
//! raises the alarm and lights the lamp, means are kept, and a dead line is no reason for an alarm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod common;

use common::modbus::Units;
use common::program::{Program, ballast};
use common::{Scratch, wait_for};
use serde_json::Value;
use std::fmt::Write as _;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
const ALARM: &str = "Poor power factor";
// Input registers that the SDM120 and the SDM630 give their totals in.
const APPARENT_630: u16 = 0x38;
const FACTOR_630: u16 = 0x3E;

/// The registers of an SDM630 that draws from a grid of 49.98 Hz; a third of it on each phase.
fn three_phases(unit: u8, power: f32, factor: f32) -> String {
    let apparent = power / factor;
    let reactive = (apparent * apparent - power * power).sqrt();
    let thirds = [230.0, apparent / 690.0, power / 3.0, apparent / 3.0, reactive / 3.0, factor];
    let mut registers: Vec<f32> = thirds.iter().flat_map(|value| [*value; 3]).collect();
    registers.resize(40, 0.0);
    for (address, value) in
        [(0x34, power), (0x38, apparent), (0x3C, reactive), (0x3E, factor), (0x46, 49.98), (0x48, 1234.5)]
    {
        registers[address / 2] = value;
    }
    block(unit, &registers)
}

/// The registers of an SDM120.
fn one_phase(unit: u8, power: f32, factor: f32) -> String {
    let apparent = power / factor;
    let mut registers = vec![0.0; 40];
    for (address, value) in [
        (0x00, 230.0),
        (0x06, apparent / 230.0),
        (0x0C, power),
        (0x12, apparent),
        (0x1E, factor),
        (0x46, 49.98),
    ] {
        registers[address / 2] = value;
    }
    block(unit, &registers)
}

fn block(unit: u8, registers: &[f32]) -> String {
    let mut lines = format!("unit {unit} input 0 FLOAT32");
    for value in registers {
        write!(lines, " {value:?}").unwrap();
    }
    write!(lines, "\nunit {unit} input 0x156 FLOAT32 {}", "100.0 ".repeat(8)).unwrap();
    lines
}

/// The example as it is, but for its waiting times and the length of its means.
fn site(port: u16) -> Scratch {
    let site = Scratch::with_example("site-panel", "site-panel");
    let line = "port: /dev/ttyUSB0, baud: 9600, parity: none";
    site.edit("site.yaml", line, &format!("url: \"tcp://127.0.0.1:{port}\""));
    site.edit("site.yaml", "period: 3 s", "period: 200 ms, max_age: 2 s");
    site.edit("site.yaml", ", 1 min)", ", 2 s)");
    site.edit("rules/watch.rhai", "\"1min\"", "\"1s\"");
    site.edit("rules/watch.rhai", "\"30s\"", "\"1s\"");
    site.edit("rules/means.rhai", "\"1min\"", "\"1s\"");
    site
}

/// The records of the history, the oldest first, each with its values by point.
fn means(site: &Scratch) -> Vec<Value> {
    let mut command = ballast();
    command.args(["history", "--kind", "record", "--last", "1000", "--format", "json", "--site"]);
    let output = command.arg(&site.0).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn mean(record: &Value, point: &str) -> Option<f64> {
    let values = record.pointer("/data/values").and_then(Value::as_array).unwrap();
    let found = values.iter().find(|value| value["point"] == point).unwrap_or_else(|| panic!("{record}"));
    found["value"].as_f64()
}

fn wait_mean(site: &Scratch, point: &str, expected: Option<f64>) -> Value {
    wait_for(&format!("{point} to be kept as {expected:?}"), PATIENCE, || {
        let last = means(site).pop()?;
        let is_so = match (mean(&last, point), expected) {
            (Some(kept), Some(expected)) => (kept - expected).abs() < 0.01 * expected.abs(),
            (kept, expected) => kept.is_none() && expected.is_none(),
        };
        is_so.then_some(last)
    })
}

#[test]
fn a_poor_power_factor_is_told_means_are_kept_and_a_dead_line_is_unknown() {
    let holds = [
        three_phases(1, 6000.0, 0.95),
        three_phases(2, 3000.0, 0.95),
        // The office feeds back: its power factor is negative, and not poor.
        one_phase(3, -800.0, -0.99),
        one_phase(4, 1200.0, 0.99),
        "unit 10 coil 0 BITS 0".to_owned(),
    ];
    let Some(mut units) = Units::start("the panel on Modbus meters", &holds.join("\n")) else { return };
    let site = site(units.port);
    let mut program = Program::run(&site.0, &["--trust-clock"]);
    for (point, begins) in [
        ("main.power", "6000 W"),
        ("main.power_factor", "0.9"),
        ("main.frequency", "49.9"),
        ("main.power_2", "2000 W"),
        ("machines.power", "3000 W"),
        ("office.power", "-800 W"),
        ("kitchen.power", "1200 W"),
    ] {
        program.wait_point(point, begins);
    }
    let kept = wait_mean(&site, "site.main_mean", Some(6000.0));
    for (point, expected) in [
        ("site.main_va_mean", 6000.0 / 0.95),
        ("site.main_factor_mean", 0.95),
        ("site.frequency_mean", 49.98),
        ("site.machines_mean", 3000.0),
        ("site.office_mean", -800.0),
        ("site.kitchen_mean", 1200.0),
        ("site.rest_mean", 2600.0),
    ] {
        let found = mean(&kept, point).unwrap_or_else(|| panic!("{point}: {kept}"));
        assert!((found - expected).abs() < 0.01 * expected.abs(), "{point} {found}: {kept}");
    }
    assert!(!program.lines().iter().any(|line| line.contains("ower factor")), "{:?}", program.lines());

    // The motors run idle: half of what is drawn does no work.
    units.set_float(1, APPARENT_630, 12_000.0);
    units.set_float(1, FACTOR_630, 0.5);
    let line = program.wait_line(ALARM, PATIENCE);
    assert!(line.contains("0.5") && line.contains("12000 VA"), "{line}");
    wait_for("the lamp", PATIENCE, || (units.holds(10, 1, 0, 1) == [1]).then_some(()));
    let why = program.tell(&["why", "lamp"]);
    assert!(why.contains("poor power factor") && why.contains("closed"), "{why}");
    // Between the two thresholds nothing changes; above both, the alarm is over.
    units.set_float(1, FACTOR_630, 0.86);
    program.wait_point("main.power_factor", "0.86");
    // The mean factor is that of the energy, 6 kW of 8 kVA, whatever the meter called its factor from moment to moment.
    units.set_float(1, APPARENT_630, 8_000.0);
    let kept = wait_mean(&site, "site.main_va_mean", Some(8_000.0));
    let factor = mean(&kept, "site.main_factor_mean").unwrap();
    assert!((factor - 0.75).abs() < 0.01, "{kept}");
    assert_eq!(units.holds(10, 1, 0, 1), [1]);
    units.set_float(1, FACTOR_630, 0.95);
    wait_for("the lamp to go out", PATIENCE, || (units.holds(10, 1, 0, 1) == [0]).then_some(()));

    // One circuit's meter dies: the others go on, and its mean is kept as unknown.
    units.refuse(2, 4);
    let kept = wait_mean(&site, "site.machines_mean", None);
    assert_eq!(mean(&kept, "site.rest_mean"), None, "{kept}");
    assert!(mean(&kept, "site.main_mean").is_some(), "{kept}");

    // Then the whole line, at the worst moment: what was measured last was poor.
    units.set_float(1, FACTOR_630, 0.5);
    program.wait_point("main.power_factor", "0.5");
    let alarms = || program.lines().iter().filter(|line| line.contains(ALARM)).count();
    units.kill();
    wait_for("all of it to be unknown", PATIENCE, || {
        let status = program.json(&["status"]);
        let points = ["main.power", "main.power_factor", "main.frequency", "site.main_mean", "office.power"];
        points
            .iter()
            .all(|point| {
                status.pointer(&format!("/points/{point}")).and_then(Value::as_str).is_none_or(|text| {
                    !text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
                })
            })
            .then_some(())
    });
    program.wait_line("The meter at the entrance does not answer", PATIENCE);
    assert!(alarms() <= 2, "{:?}", program.lines());
    let before = alarms();
    wait_mean(&site, "site.frequency_mean", None);
    assert_eq!(alarms(), before, "nothing is alarmed about what is unknown");

    // What was kept outlives the program, whatever ended it.
    let count = means(&site).len();
    program.kill();
    let kept = means(&site);
    assert!(kept.len() >= count, "{} of {count}", kept.len());
    assert!(kept.iter().all(|record| record["intact"] == true));
    assert!(kept.iter().any(|record| mean(record, "site.main_mean").is_some_and(|mean| mean > 5_900.0)));
    let newest = program.tell(&["history", "--kind", "record", "--last", "1"]);
    assert_eq!(newest.lines().count(), 1, "{newest}");
    assert!(
        newest.contains("\"one-minute means\"") && newest.contains("site.frequency_mean unknown"),
        "{newest}"
    );
    let later = program.ask(&["history", "--since", "2100-01-01T00:00"]);
    assert!(later.status.success() && later.stdout.is_empty(), "{later:?}");
    assert_eq!(String::from_utf8_lossy(&later.stderr), "nothing like that was written down\n");
    let refused = program.refused(&["history", "--since", "yesterday"]);
    assert!(refused.contains("`yesterday` is not an instant"), "{refused}");
    std::fs::remove_dir_all(site.0.join(".ballast")).unwrap();
    assert!(program.refused(&["history"]).contains("there is no history yet"));
}
