//! `ballast sim SITE`: hours of a site on the simulated village, as a table, as JSON and as a page of its own.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::Scratch;
use common::program::ballast;
use serde_json::Value;
use std::path::Path;
use std::process::Output;

/// The evening of the village, in which the main set breaks.
const EVENING: &str =
    "start: 2026-03-20 19:20\ndisturbances:\n  - { at: 10 min, trip: genset, for: 90 min }\n";

fn village(name: &str) -> Scratch {
    let site = Scratch::with_example(name, "village");
    std::fs::write(site.0.join("evening.yaml"), EVENING).unwrap();
    // No second set runs along, so that the main set is missed.
    std::fs::remove_file(site.0.join("rules/sources.rhai")).unwrap();
    site
}

fn sim(site: &Path, arguments: &[&str]) -> Output {
    ballast().args(["sim", "."]).args(arguments).current_dir(site).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

fn evening(site: &Path, seed: &str) -> Output {
    let output =
        sim(site, &["--days", "0.02", "--plant", "evening.yaml", "--seed", seed, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    output
}

#[test]
fn an_evening_without_the_main_set_is_the_same_again_from_the_same_seed() {
    let site = village("sim-evening");
    let first = evening(&site.0, "1");
    assert_eq!(first.stdout, evening(&site.0, "1").stdout);
    assert_ne!(first.stdout, evening(&site.0, "2").stdout);
    let answer: Value = serde_json::from_slice(&first.stdout).unwrap();
    let lowest = answer["lowest_hz"].as_f64().unwrap();
    assert!(
        (48.0..49.6).contains(&lowest),
        "the set is missed, and shedding keeps the village alive: {answer}"
    );
    let outputs = answer["outputs"].as_array().unwrap();
    let of = |name: &str| outputs.iter().find(|one| one["output"] == name).unwrap();
    assert_eq!(of("clinic")["switchings"], 0, "nobody cuts the clinic");
    let told = of("standby.contactor")["told"].as_array().unwrap();
    assert_eq!(told.len(), 2, "the second set takes load once: {told:?}");
    assert!(told[1]["why"].as_str().unwrap().contains("second set takes load"), "{told:?}");
    let shed = of("homes_north")["told"].as_array().unwrap();
    assert!(shed[1]["why"].as_str().unwrap().contains("shedding"), "{shed:?}");
}

#[test]
fn the_page_stands_alone_and_names_every_output() {
    let site = village("sim-page");
    let output = sim(&site.0, &["--days", "0.02", "--plant", "evening.yaml", "--report", "evening.html"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let page = std::fs::read_to_string(site.0.join("evening.html")).unwrap();
    for reference in ["http://", "https://", "src=", "<link", "@import", "url("] {
        let found = page.replace("http://www.w3.org/2000/svg", "").contains(reference);
        assert!(!found, "the page asks for something from elsewhere: {reference}");
    }
    for output in ["clinic", "homes_north", "standby.contactor", "battery.discharge_power", "water_heater"] {
        assert!(page.contains(&format!("<h3>{output}</h3>")), "{output} is not on the page");
    }
    assert!(page.contains("second set takes load"), "a switching has its reason");
    assert!(!page.contains(">-0 "), "nothing is less than nothing");
    let output = sim(&site.0, &["--days", "0.02", "--language", "fr", "--report", "soir.html"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(std::fs::read_to_string(site.0.join("soir.html")).unwrap().contains("lang=\"fr\""));
}

#[test]
fn what_cannot_be_run_is_told_with_its_place() {
    let site = village("sim-mistakes");
    std::fs::write(
        site.0.join("wrong.yaml"),
        "village: sixty homes\ndisturbances:\n  - { at: 1 s, trip: genst, for: 1 s }\n",
    )
    .unwrap();
    let output = sim(&site.0, &["--plant", "wrong.yaml"]);
    let told = text(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("wrong.yaml:1:") && told.contains("did you mean `genset`"), "{told}");
    let output = sim(&site.0, &["--plant", "nowhere.yaml"]);
    assert!(text(&output).contains("nowhere.yaml"), "{}", text(&output));
    let house = Scratch::with_example("sim-house", "linky-home");
    let output = sim(&house.0, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("no simulated bus"), "{}", text(&output));
}
