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
