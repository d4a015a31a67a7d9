//! `ballast backtest` through its public door: two sets of rules through a table and through a journal, and every mistake of a
//! table with its place.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::Scratch;
use common::bench::{Bench, rule};
use common::program::ballast;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;

/// `examples/linky-home` with an evening as a table: the house draws 2 kVA, off-peak hours begin at 22:30 local time, and for
/// ten minutes from 23:00 on the house is near its subscribed power.
fn site(name: &str) -> Scratch {
    let site = Scratch::with_example(name, "linky-home");
    let mut table = String::from("time,linky.apparent_power,linky.period,linky.subscribed_power\n");
    for row in 0..720_i32 {
        let seconds = row * 10;
        let period = if seconds < 1800 { "peak" } else { "off_peak" };
        let power = if (3600..4200).contains(&seconds) { 5500 } else { 2000 };
        let (hour, minute, second) = (22 + seconds / 3600, seconds / 60 % 60, seconds % 60);
        let _ = writeln!(table, "2026-03-30 {hour}:{minute:02}:{second:02},{power},{period},6000");
    }
    std::fs::write(site.0.join("evening.csv"), table).unwrap();
    site
}

fn backtest(site: &Path, arguments: &[&str]) -> Output {
    ballast().arg("backtest").arg(".").args(arguments).current_dir(site).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

fn answer(site: &Path, arguments: &[&str]) -> Value {
    let output = backtest(site, &[arguments, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The times of an output in which both sets were not the same, in UTC.
fn differences<'a>(answer: &'a Value, output: &str) -> Vec<(&'a str, &'a str)> {
    let all = answer["differences"].as_array().unwrap().iter().filter(|one| one["output"] == output);
    all.map(|one| (one["from"].as_str().unwrap(), one["to"].as_str().unwrap())).collect()
}

#[test]
fn other_rules_are_told_where_they_would_not_have_done_the_same_and_why() {
    let site = site("backtest-differs");
    let rules = std::fs::read_to_string(site.0.join("rules/heating.rhai")).unwrap();
    let later = rules.replace(
        "when linky.period == \"off_peak\" &&",
        "when linky.period == \"off_peak\" && between(\"23:30\", \"06:00\") &&",
    );
    assert_ne!(rules, later);
    let folder = site.0.join("new");
    std::fs::create_dir(&folder).unwrap();
    for rule in std::fs::read_dir(site.0.join("rules")).unwrap().flatten() {
        std::fs::copy(rule.path(), folder.join(rule.file_name())).unwrap();
    }
    std::fs::write(folder.join("heating.rhai"), later).unwrap();
    for with in ["new", "new/heating.rhai"] {
        let told = answer(&site.0, &["--with", with, "--history", "evening.csv"]);
        assert_eq!(told["moments"], 720);
        let found = differences(&told, "water_heater");
        // From 22:30 on the rules of now heat, and are held near the subscribed power from 23:00:05 until that is over for
        // two minutes; the others begin at 23:30.
        let near = |text: &str, utc: &str| {
            let of = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
            (of(text) - of(utc)).get_seconds().abs() <= 15
        };
        let expected = [
            ("2026-03-30T20:30:00Z", "2026-03-30T21:00:05Z"),
            ("2026-03-30T21:12:00Z", "2026-03-30T21:30:00Z"),
        ];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((from, to), (begin, end)) in found.iter().zip(expected) {
            assert!(near(from, begin) && near(to, end), "{found:?}");
        }
        let sums =
            &told["outputs"].as_array().unwrap().iter().find(|one| one["output"] == "water_heater").unwrap()
                ["sums"];
        let (now, then) = (sums[0]["closed_s"].as_f64().unwrap(), sums[1]["closed_s"].as_f64().unwrap());
        assert!((now - then - (30.0 + 18.0) * 60.0).abs() < 40.0, "{sums}");
        // A heater of 2 kW.
        assert!((sums[0]["energy_wh"].as_f64().unwrap() - now * 2000.0 / 3600.0).abs() < 1e-6, "{sums}");
        assert_eq!(sums[0]["cycles"], 2, "{sums}");
        let shown = text(&backtest(&site.0, &["--with", with, "--history", "evening.csv"]));
        assert!(shown.contains("now: closed, rule \"off-peak\""), "{shown}");
        assert!(shown.contains(&format!("{with}: open, ")), "{shown}");
    }
}

#[test]
fn the_same_rules_do_the_same_and_what_runs_twice_says_the_same() {
    let site = site("backtest-same");
    let told = answer(&site.0, &["--with", "rules", "--history", "evening.csv"]);
    assert_eq!(told["differences"].as_array().unwrap().len(), 0, "{told}");
    assert_eq!(told, answer(&site.0, &["--with", "rules", "--history", "evening.csv"]));
    let shown =
        text(&backtest(&site.0, &["--with", "rules", "--history", "evening.csv", "--language", "fr"]));
    assert!(shown.contains("les deux ont fait pareil à chaque moment"), "{shown}");
}

#[test]
fn a_gap_of_the_past_is_one_in_which_nothing_is_known() {
    let site = site("backtest-gap");
    let table = std::fs::read_to_string(site.0.join("evening.csv")).unwrap();
    // Ten minutes are missing, from 22:40 on.
    let gap = |line: &&str| !line.starts_with("2026-03-30 22:4");
    let table: Vec<&str> = table.lines().filter(gap).collect();
    std::fs::write(site.0.join("gap.csv"), table.join("\n")).unwrap();
    let told = answer(&site.0, &["--history", "gap.csv"]);
    let outputs = told["outputs"].as_array().unwrap();
    let heater = outputs.iter().find(|one| one["output"] == "water_heater").unwrap();
    let switchings = heater["switchings"][0].as_array().unwrap();
    let opened =
        switchings.iter().find(|one| one["state"] == "open" && one["at"].as_str().unwrap().contains("T20:4"));
    assert!(opened.is_some(), "it heats although nobody knows what the house draws: {heater}");
}

/// A month at ten seconds is longer than any file of a site may be.
#[test]
fn a_table_may_be_longer_than_a_file_of_a_site() {
    let site = site("backtest-long");
    let mut table = String::from("time,linky.apparent_power,linky.period,linky.subscribed_power\n");
    // Two days in which a row has room for many blanks.
    for row in 0..(2 * 144) {
        let _ = writeln!(table, "{},{:>8000},peak,6000", 1_774_000_000 + row * 600, 2000);
    }
    assert!(table.len() > 2 << 20);
    std::fs::write(site.0.join("long.csv"), table).unwrap();
    assert_eq!(answer(&site.0, &["--history", "long.csv"])["moments"], 2 * 144);
}

#[test]
fn every_mistake_of_a_table_is_told_with_its_place_and_nothing_runs() {
    let site = site("backtest-mistakes");
    let table = "time,linky.aparent_power,linky.period\n2026-03-30T20:25:00Z,2000,peak\n2026-03-30T20:25:10Z,abc\n\
                 2026-03-30T20:24:05Z,20,peak\n2026-03-30T20:25:20Z,20,peek\nnow,30,peak\n";
    std::fs::write(site.0.join("bad.csv"), table).unwrap();
    let output = backtest(&site.0, &["--history", "bad.csv"]);
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(3), "{shown}");
    for part in [
        "error[backtest::table]: this row has 2 cells",
        "--> bad.csv:1:6",
        "did you mean `linky.apparent_power`?",
        "--> bad.csv:3:22",
        "this row has 2 cells, and there are 3 columns",
        "--> bad.csv:4:1",
        "this row lies before the one above it",
        "--> bad.csv:5:25",
        "did you mean `peak`?",
        "--> bad.csv:6:1",
        "5 mistakes",
    ] {
        assert!(shown.contains(part), "{part}:\n{shown}");
    }
    for (file, code) in [("nothing.csv", 1), ("site.yaml", 3)] {
        assert_eq!(backtest(&site.0, &["--history", file]).status.code(), Some(code), "{file}");
    }
    std::fs::create_dir(site.0.join("empty")).unwrap();
    let output = backtest(&site.0, &["--with", "empty", "--history", "evening.csv"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).contains("no rule file (*.rhai) lies in there"), "{}", text(&output));
}

/// What a running site heard is told to other rules from its journal.
#[test]
fn a_journal_is_a_past_as_well() {
    let now = rule("busy", "a", "meter.power > \"500 W\"", "meter.power < \"100 W\"");
    let Some(bench) = Bench::new("a journal as a past", &now) else { return };
    let program = bench.run();
    for (power, word) in [("2000", "ON"), ("50", "OFF"), ("3000", "ON"), ("60", "OFF")] {
        bench.tell("meter/power", power);
        bench.wait("a", word);
    }
    let file = bench.site.0.join("past.journal");
    program.tell(&["journal", "--output", file.to_str().unwrap()]);
    drop(program);
    let other = rule("busier", "a", "meter.power > \"2500 W\"", "meter.power < \"100 W\"");
    std::fs::create_dir(bench.site.0.join("new")).unwrap();
    std::fs::write(bench.site.0.join("new/main.rhai"), other).unwrap();
    let told = answer(&bench.site.0, &["--journal", "past.journal", "--with", "new"]);
    let states = |set: usize| -> Vec<String> {
        let outputs = told["outputs"].as_array().unwrap();
        let output = outputs.iter().find(|one| one["output"].as_str().unwrap().starts_with('a')).unwrap();
        let all = output["switchings"][set].as_array().unwrap();
        all.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(states(0), ["open", "closed", "open", "closed", "open"], "{told}");
    assert_eq!(states(1), ["open", "closed", "open"], "{told}");
    assert_eq!(told["differences"].as_array().unwrap().len(), 1, "{told}");
}
