//! `ballast bench-policy`: a policy in a scenario beside no control, fixed thresholds and an optimum that is data.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::Scratch;
use common::program::ballast;
use serde_json::Value;
use std::path::Path;
use std::process::Output;

/// The one set that carries the evening breaks, and the battery cannot carry all of it.
const TRIP: &str = "title: A set trips\ntitle_fr: Un groupe s'arrête\nlasts: 40 s\nkey:\n  blackouts: { at_most: 0 }\n  \
                    lowest_frequency: { at_least: 60 Hz }\nvillage: forty homes\nstart: 2026-03-20 19:30\non_line: \
                    [genset]\ndisturbances:\n  - { at: 5 s, more: homes_north, power: 40 kW, for: 1 h }\n  - { at: 20 s, \
                    jitter: 3 s, trip: genset, for: 1 h }\n";

/// The site of the village with this scenario alone.
fn village(name: &str) -> Scratch {
    let site = Scratch::with_example(name, "village");
    let scenarios = site.0.join("scenarios");
    for entry in std::fs::read_dir(&scenarios).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::remove_file(path).unwrap();
        }
    }
    std::fs::write(scenarios.join("07-trip.yaml"), TRIP).unwrap();
    site
}

fn bench(site: &Path, arguments: &[&str]) -> Output {
    ballast().args(["bench-policy", "."]).args(arguments).current_dir(site).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

fn answer(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", text(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_policy_gets_points_beside_no_control_and_an_optimum() {
    let site = village("bench-points");
    std::fs::write(site.0.join("scenarios/optimum.csv"), "scenario,seed,J,missed_kwh\n7,3,0.5,0.1\n")
        .unwrap();
    let arguments = ["--seeds", "3-4", "--format", "json", "--truth", "truth", "--report", "all.html"];
    let first = bench(&site.0, &arguments);
    let answered = answer(&first);
    let seeds = answered["scenarios"][0]["seeds"].as_array().unwrap();
    let (known, unknown) = (&seeds[0], &seeds[1]);
    assert_eq!((&known["seed"], &unknown["seed"]), (&3.into(), &4.into()));
    let number = |run: &Value, what: &str| run[what].as_f64().unwrap();
    let (without, policy) = (&known["no_control"], &known["policy"]);
    assert_eq!(without["switchings"], 0, "nobody acts where the outputs are cut");
    assert!(policy["switchings"].as_u64().unwrap() > 0, "the policy sheds: {policy}");
    assert!(number(without, "lowest_hz") < number(policy, "lowest_hz") - 1.0, "{without}\n{policy}");
    let expected = 100.0 * (number(without, "J") - number(policy, "J")) / (number(without, "J") - 0.5);
    assert!((number(policy, "S") - expected.clamp(0.0, 100.0)).abs() < 1e-9, "{policy}");
    assert!(number(policy, "S") > 10.0, "to shed is better than to do nothing: {policy}");
    assert!(unknown["policy"]["S"].is_null(), "without an optimum there are no points");
    assert_eq!(answered["goals"]["unknown"], 1);
    let keys = policy["keys"].as_array().unwrap();
    let held = |measure: &str| keys.iter().find(|key| key["measure"] == measure).unwrap()["holds"].clone();
    assert_eq!((held("blackouts"), held("lowest_frequency")), (true.into(), false.into()));
    // The same again, whatever runs beside it; another seed is another run.
    let again = answer(&bench(&site.0, &["--seeds", "3-4", "--format", "json", "--jobs", "1"]));
    assert_eq!(answered, again);
    assert_ne!(policy["hash"], unknown["policy"]["hash"]);
    the_truth_is_written(&site.0, number(without, "J"));
    the_page_stands_alone(&site.0, policy["hash"].as_str().unwrap());
    let strict = bench(&site.0, &["--seeds", "3-4", "--strict"]);
    assert_eq!(strict.status.code(), Some(1), "{}", text(&strict));
    assert!(text(&strict).contains("(goal 80)"), "{}", text(&strict));
}

fn the_truth_is_written(site: &Path, penalty: f64) {
    let table = std::fs::read_to_string(site.join("truth/07-3.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 41, "a head, and a row for each second");
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    let column = |name: &str| {
        let place = rows[0].iter().position(|column| *column == name).unwrap();
        rows[1..].iter().map(move |row| row[place].parse::<f64>().unwrap()).collect::<Vec<f64>>()
    };
    assert_eq!(column("t_s").last(), Some(&40.0));
    let wished = column("wished_homes_north_w");
    assert!(wished[20] - wished[1] > 39_000.0, "what is missed without control is wished: {wished:?}");
    let able = column("able_genset_w");
    assert_eq!((able[1], able[39]), (50_000.0, 0.0), "a set that is broken gives nothing");
    let about: Value =
        serde_json::from_str(&std::fs::read_to_string(site.join("truth/07-3.json")).unwrap()).unwrap();
    assert_eq!(about["J_no_control"], penalty);
    assert_eq!(about["battery"]["capacity_wh"], 60_000.0);
    let consumers = about["consumers"].as_array().unwrap();
    let clinic = consumers.iter().find(|one| one["name"] == "clinic").unwrap();
    assert_eq!((&clinic["class"], &clinic["priority"]), (&"clinic".into(), &10.0.into()));
}

fn the_page_stands_alone(site: &Path, hash: &str) {
    let page = std::fs::read_to_string(site.join("all.html")).unwrap();
    for reference in ["http://", "https://", "src=", "<link", "@import", "url("] {
        let found = page.replace("http://www.w3.org/2000/svg", "").contains(reference);
        assert!(!found, "the page asks for something from elsewhere: {reference}");
    }
    assert!(page.contains("A set trips") && page.contains(hash) && page.contains("missed_kwh"), "{page}");
}

/// Rules that charge the battery as the set breaks: three that go wrong, or one that does not.
const WRONG: &str = "rule \"endless\" priority 90 when between(\"19:30\", \"19:40\") until false {\n    \
                     set(battery.charge_power, 20000.0);\n    let w = feeder_meter.frequency;\n    loop { w = w * 0.5; }\n}\n\
                     rule \"beyond\" priority 91 when between(\"19:30\", \"19:40\") until false {\n    let steps = [1.0, \
                     2.0];\n    set(battery.charge_power, steps[2] + feeder_meter.frequency);\n}\nrule \"no number\" priority 92 \
                     when between(\"19:30\", \"19:40\") until false {\n    let nothing = 0.0 * feeder_meter.frequency;\n    \
                     set(battery.charge_power, nothing / nothing);\n}\n";
const RIGHT: &str = "rule \"works\" priority 90 when between(\"19:30\", \"19:40\") until false {\n    \
                     set(battery.charge_power, 20000.0);\n}\n";

/// Whether a run came to the same as another one, but for what tells of the rules themselves. A clause with a time makes the
/// plant take another step then, so the last digits may differ, and those of a small share first.
fn is_as_good(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => one
            .iter()
            .filter(|(what, _)| !["hash", "suspended", "alarms", "keys"].contains(&what.as_str()))
            .all(|(what, value)| other.get(what).is_some_and(|other| is_as_good(value, other))),
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            (one - other).abs() <= 1e-4 * one.abs().max(1.0)
        }
        _ => one == other,
    }
}

#[test]
fn rules_that_go_wrong_end_and_nothing_else_changes() {
    let site = village("bench-wrong-rules");
    let faults = "faults:\n  - { of: feeder_meter.frequency, at: 2 s, for: 12 s, reads: always 50.0 }\n";
    let keys = "key:\n  stuck_found: { at_most: 5 s }\n  suspended: { at_least: 3 }\n";
    let scenario = TRIP.replace("key:\n", keys) + faults;
    let run = |more: &str, rules: &str| {
        std::fs::write(site.0.join("scenarios/07-trip.yaml"), format!("{scenario}{more}")).unwrap();
        std::fs::write(site.0.join("scenarios/07-wrong.rhai"), rules).unwrap();
        let seeds = answer(&bench(&site.0, &["--seeds", "0", "--format", "json"]));
        let mut of = seeds["scenarios"][0]["seeds"][0].clone();
        [of["policy"].take(), of["fixed_thresholds"].take(), of["no_control"].take()]
    };
    // The file alone, which no scenario names, is nobody's rule.
    let without = run("", WRONG);
    let wrong = run("mistaken_rules: 07-wrong.rhai\n", WRONG);
    let right = run("mistaken_rules: 07-wrong.rhai\n", RIGHT);
    assert_eq!(without[2], wrong[2], "where nobody acts, nobody makes mistakes");
    for (who, (without, wrong)) in ["policy", "fixed"].into_iter().zip(without.iter().zip(&wrong)) {
        assert_eq!((&without["suspended"], &wrong["suspended"]), (&0.into(), &3.into()), "{who}");
        assert_eq!(wrong["alarms"].as_u64(), without["alarms"].as_u64().map(|alarms| alarms + 3), "{who}");
        assert!(is_as_good(without, wrong), "{who}: something came of what went wrong: {without}\n{wrong}");
    }
    assert!(!is_as_good(&without[0], &right[0]), "it would have hurt had it worked: {}", right[0]);
    let found_s = wrong[0]["stuck_found_s"].as_f64().unwrap();
    assert!((4.0..=5.0).contains(&found_s), "what stands still is found after 4 s: {found_s}");
    let held: Vec<bool> = wrong[0]["keys"].as_array().unwrap()[..]
        .iter()
        .filter(|key| ["stuck_found", "suspended"].contains(&key["measure"].as_str().unwrap()))
        .map(|key| key["holds"].as_bool().unwrap())
        .collect();
    assert_eq!(held, [true, true]);
}

#[test]
fn rules_that_cannot_be_read_are_told_with_where_they_lie() {
    let site = village("bench-unreadable-rules");
    let name = |rules: &str| {
        std::fs::write(site.0.join("scenarios/07-trip.yaml"), format!("{TRIP}mistaken_rules: {rules}\n"))
            .unwrap();
    };
    name("../rules/sun.rhai");
    let output = bench(&site.0, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    for part in ["07-trip.yaml:", "lies beside this file", "^^^"] {
        assert!(text(&output).contains(part), "{part}: {}", text(&output));
    }
    name("07-wrong.rhai");
    let rules = "rule \"x\" when nothing.power > \"1 kW\" { }\nrule \"y\" when true { open(clinc); }\n";
    std::fs::write(site.0.join("scenarios/07-wrong.rhai"), rules).unwrap();
    let output = bench(&site.0, &["--language", "fr"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    for part in ["rules/07-wrong.rhai:1", "clinc", "`scenarios/07-wrong.rhai`, qu'un scénario"] {
        assert!(text(&output).contains(part), "{part}: {}", text(&output));
    }
}

#[test]
fn what_cannot_be_run_is_told_with_its_place() {
    let site = village("bench-mistakes");
    let wrong = TRIP.replace("trip: genset", "trip: genst").replace("blackouts:", "blackout:");
    std::fs::write(site.0.join("scenarios/08-wrong.yaml"), wrong).unwrap();
    let output = bench(&site.0, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    for part in ["08-wrong.yaml:", "did you mean `genset`", "did you mean `blackouts`"] {
        assert!(text(&output).contains(part), "{part}: {}", text(&output));
    }
    std::fs::remove_file(site.0.join("scenarios/08-wrong.yaml")).unwrap();
    let output = bench(&site.0, &["--scenario", "7,9"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("there is no scenario 9"), "{}", text(&output));
    std::fs::write(site.0.join("scenarios/optimum.csv"), "scenario,seed,J\n7,0,x\n").unwrap();
    assert!(text(&bench(&site.0, &[])).contains("optimum.csv, line 2"));
    std::fs::remove_file(site.0.join("scenarios/optimum.csv")).unwrap();
    std::fs::remove_file(site.0.join("scenarios/fixed-thresholds/safety.yaml")).unwrap();
    let output = bench(&site.0, &["--language", "fr"]);
    assert!(text(&output).contains("rien à quoi comparer"), "{}", text(&output));
}

#[test]
fn what_is_unsafe_gets_no_points() {
    let site = village("bench-unsafe");
    let table = "scenario,seed,J\n7,0,0.5\n";
    std::fs::write(site.0.join("scenarios/optimum.csv"), table).unwrap();
    site.edit("safety.yaml", "never: [clinic, water_pump]", "never: [water_pump]");
    // Whoever cuts the clinic to keep the frequency gets nothing for it.
    let rule =
        "rule \"cut the clinic\" when feeder_meter.frequency > \"0 Hz\" until false { open(clinic); }\n";
    std::fs::write(site.0.join("rules/clinic.rhai"), rule).unwrap();
    let answered = answer(&bench(&site.0, &["--seeds", "0", "--format", "json"]));
    let policy = &answered["scenarios"][0]["seeds"][0]["policy"];
    assert_eq!(policy["S"], 0.0, "{policy}");
    assert_eq!(policy["first_violations"][0]["danger"], "vital_cut", "{policy}");
}
