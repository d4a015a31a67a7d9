//! `ballast test` through its public door: the tests of every example, what is told where one fails, and every mistake of a
//! test file with its place.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::Scratch;
use common::program::ballast;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let mut sites: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    sites.sort();
    sites
}

/// `examples/linky-home` with this as its only test file.
fn site(name: &str, tests: &str) -> Scratch {
    let site = Scratch::with_example(name, "linky-home");
    let folder = site.0.join("tests");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a.yaml"), tests).unwrap();
    site
}

fn test(site: &Path, arguments: &[&str]) -> Output {
    ballast().arg("test").arg(site).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

/// What a test of `linky-home` needs, with this timeline.
fn off_peak(expect: &str) -> String {
    format!(
        "tests:
  - name: off-peak
    start: 2026-03-30 23:00
    points:
      linky.period: off_peakx*
      linky.apparent_power: 2000x*
      linky.subscribed_power: 6000x*
    expect:
{expect}"
    )
}

#[test]
fn every_example_has_tests_and_they_pass() {
    let examples = examples();
    assert!(examples.len() >= 4, "{examples:?}");
    for example in examples {
        let output = test(&example, &["--format", "json", "--coverage"]);
        let text = text(&output);
        assert_eq!(output.status.code(), Some(0), "{}:\n{text}", example.display());
        let told: Value = serde_json::from_str(&text).unwrap();
        assert!(told["passed"].as_u64().unwrap() >= 4, "{}: {text}", example.display());
        assert_eq!(told["failed"], 0, "{text}");
        let items = told["coverage"]["items"].as_u64().unwrap();
        assert!(items > 0 && told["coverage"]["missed"] == 0, "{}: {text}", example.display());
        assert_eq!(told["branches"]["missed"], 0, "{}: {text}", example.display());
        // Written in English, read in French.
        let french = test(&example, &["--language", "fr"]);
        assert_eq!(french.status.code(), Some(0), "{}", String::from_utf8_lossy(&french.stdout));
    }
}

#[test]
fn what_is_not_as_expected_is_drawn_at_its_place_with_the_reason() {
    let expect = "      - { at: 5 min, outputs: { water_heater: open }, idle: [off-peak], alarms: [fire] }\n";
    let site = site("testing-fails", &off_peak(expect));
    let output = test(&site.0, &[]);
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    let expected = "\
FAILED off-peak
 --> tests/a.yaml:9:47, after 5 min, 2026-03-30 23:05:00
9 |       - { at: 5 min, outputs: { water_heater: open }, idle: [off-peak], alarms: [fire] }
  |                                               ^^^^ expected open, got closed
  = water_heater has been closed for 4 min: rule \"off-peak\".
";
    assert!(shown.starts_with(expected), "{shown}");
    assert!(shown.contains("^^^^^^^^ expected not active, got active"), "{shown}");
    assert!(shown.contains("rule \"off-peak\" (heating.rhai:2) has been active for 5 min."), "{shown}");
    assert!(shown.contains("^^^^ expected `fire`, got no alarm"), "{shown}");
    assert!(shown.ends_with("0 passed, 1 failed\n"), "{shown}");
    // Only the last line and its reasons are in the language of the reader; the file is what it is.
    let french = text(&test(&site.0, &["--language", "fr"]));
    assert!(french.contains("attendu : coupé, obtenu : connecté"), "{french}");
    assert!(french.contains("water_heater est connecté depuis 4 min : règle « off-peak »"), "{french}");

    let told: Value = serde_json::from_str(&text(&test(&site.0, &["--format", "json"]))).unwrap();
    assert_eq!(told["ok"], false);
    let difference = &told["tests"][0]["differences"][0];
    assert_eq!(difference["line"], 9);
    assert_eq!(difference["column"], 47);
    assert_eq!(difference["after_s"], 300.0);
    assert_eq!(difference["utc"], "2026-03-30T21:05:00Z");
    assert_eq!(
        (difference["expected"].as_str(), difference["found"].as_str()),
        (Some("open"), Some("closed"))
    );

    let output = test(&site.0, &["--format", "junit"]);
    let xml = text(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        xml.starts_with(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"1\" failures=\"1\">"
        ),
        "{xml}"
    );
    assert!(
        xml.contains(
            "<testcase classname=\"linky_home\" name=\"off-peak\" file=\"tests/a.yaml\" line=\"2\">"
        ),
        "{xml}"
    );
    assert!(
        xml.contains("<failure message=\"after 5 min: expected open, got closed\">tests/a.yaml:9:47\n"),
        "{xml}"
    );
    assert!(xml.contains("rule &quot;off-peak&quot;"), "{xml}");
}

#[test]
fn the_same_test_says_the_same_every_time() {
    let expect = "      - { at: 5 min, outputs: { water_heater: open }, told: [nothing] }
      - { at: 6 min, do: [broker gone, restart], because: { water_heater: nothing } }
      - { at: 7 min, do: [broker back, power cut for 1 h] }
      - { at: 2 h, do: clock jumps -90 min, told: [nothing] }
      - { at: 3 h, outputs: { water_heater: open }, told: [nothing] }\n";
    let site = site("testing-same", &off_peak(expect));
    let first = test(&site.0, &["--format", "json"]);
    assert_eq!(first.status.code(), Some(1));
    assert!(text(&first).contains("the wall clock was moved by 1 h 30 min"), "{}", text(&first));
    assert_eq!(text(&first), text(&test(&site.0, &["--format", "json"])));
}

#[test]
fn reload_restart_and_power_cut_are_those_of_a_running_site() {
    let expect = r#"      - { at: 5 min, outputs: { water_heater: closed }, told: ["linky_home is running for the first time"] }
      - { at: 6 min, do: reload, outputs: { water_heater: closed }, told: ["nothing changed: the site runs with these files already"] }
      - { at: 7 min, do: restart, told: ["linky_home is running"] }
      - { at: 9 min, outputs: { water_heater: closed }, because: { water_heater: off-peak } }
      - { at: 10 min, do: power cut for 1 h }
      - { at: 70 min, outputs: { water_heater: open } }
      - { at: 73 min, outputs: { water_heater: closed }, active: [off-peak] }
"#;
    let site = site("testing-restarts", &off_peak(expect));
    let output = test(&site.0, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn all_mistakes_of_a_test_file_are_told_at_once_each_with_its_place() {
    let tests = "tests:
  - name: mistakes
    start: 2026-03-29 02:30
    points:
      linky.perod: peakx30
      linky.apparent_power: 2000x3
      linky.period: off_peakx* peak
      site.surplus: 5x*
    expect:
      - { at: 5 min, outputs: { water_heater: shut, heater: open }, idle: [off-pek] }
      - { at: 4 min, do: [restrt, tic back] }
      - { at: 6 min }
      - { at: 7 min, do: power cut for 10 min }
      - { at: 8 min, told: [x] }
";
    let site = site("testing-mistakes", tests);
    let output = test(&site.0, &["--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let told: Value = serde_json::from_str(&text(&output)).unwrap();
    let rows = told["found"]["diagnostics"].as_array().unwrap();
    let mut found: Vec<String> = rows
        .iter()
        .map(|row| {
            let place = &row["place"];
            let (line, column) = (place["line"].as_u64().unwrap(), place["column"].as_u64().unwrap());
            assert!(row["help"].as_str().is_some_and(|help| !help.is_empty()), "{row}");
            format!("{line}:{column} {} {}", row["code"].as_str().unwrap(), row["message"].as_str().unwrap())
        })
        .collect();
    found.sort_by_key(|row| {
        row.split([':', ' ']).take(2).map(|part| part.parse().unwrap()).collect::<Vec<u32>>()
    });
    let expected = [
        "3:12 test::time `2026-03-29 02:30` is no local time",
        "5:7 test::name there is no point `linky.perod`",
        "7:32 test::series what goes on to the end, `x*`, is the last word of a series",
        "8:7 test::name `site.surplus` is not measured: the site makes it itself",
        "10:47 test::name `shut` is no state of `water_heater`",
        "10:53 test::name there is no output `heater`",
        "10:76 test::name there is no rule `off-pek`",
        "11:15 test::time this moment lies before the one above it",
        "11:27 test::act `restrt` is nothing that can happen",
        "11:35 test::act `tic` is not gone, so it cannot come back",
        "12:11 test::time nothing happens at this moment, and nothing is expected",
        "14:15 test::time the power is cut until 17 min",
    ];
    assert_eq!(found, expected, "{}", text(&test(&site.0, &[])));
    let drawn = text(&test(&site.0, &[]));
    assert!(drawn.contains(" --> tests/a.yaml:5:7\n"), "{drawn}");
    assert!(drawn.contains("5 |       linky.perod: peakx30\n  |       ^^^^^^^^^^^"), "{drawn}");
    assert!(drawn.ends_with("12 mistakes\n"), "{drawn}");
}

#[test]
fn a_series_that_is_too_short_is_told_with_what_is_missing() {
    let expect = "      - { at: 5 min, outputs: { water_heater: closed } }\n";
    let site = site("testing-short", &off_peak(expect).replace("2000x*", "2000x30"));
    let output = test(&site.0, &[]);
    let drawn = text(&output);
    assert_eq!(output.status.code(), Some(3), "{drawn}");
    assert!(drawn.contains("these 30 readings end before 5 min, where one looks last"), "{drawn}");
    assert!(drawn.contains(" --> tests/a.yaml:6:29\n"), "{drawn}");
    assert!(drawn.contains("write 31 readings, one every 10 s"), "{drawn}");
}

#[test]
fn without_a_test_a_name_or_a_site_there_is_a_word_for_it() {
    let expect = "      - { at: 5 min, outputs: { water_heater: closed } }\n";
    let site = site("testing-none", &off_peak(expect));
    let none = test(&site.0, &["--only", "school"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none).contains("no test has `school` in its name; there are 1"), "{}", text(&none));
    std::fs::remove_dir_all(site.0.join("tests")).unwrap();
    let none = test(&site.0, &[]);
    assert_eq!(none.status.code(), Some(1));
    assert!(
        text(&none).contains("there is no test: write one into the site's folder tests/"),
        "{}",
        text(&none)
    );
    let gone = test(&site.0.join("nowhere"), &[]);
    assert_eq!(gone.status.code(), Some(3));
    site.edit("site.yaml", "time_zone: Europe/Paris", "time_zone: Europe/Pari");
    let mistakes = test(&site.0, &[]);
    assert_eq!(mistakes.status.code(), Some(3));
    assert!(text(&mistakes).contains("site::zone"), "{}", text(&mistakes));
    let wrong = ballast().args(["check", "--format", "junit"]).arg(&site.0).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn on_a_village_a_reading_out_of_its_bounds_is_told() {
    let site = Scratch::with_example("testing-village", "village");
    let lost = "tests:
  - name: a set is lost
    plant: village
    start: 2026-03-20 19:20
    expect:
      - { at: 10 min, do: genset breaks for 2 h }
      - { at: 20 min, readings: { feeder_meter.frequency: '>= 60 Hz' }, throughout: { feeder_meter.frequency: '>= 40 Hz' } }
";
    std::fs::write(site.0.join("tests/closed-loop.yaml"), lost).unwrap();
    let shown = text(&test(&site.0, &["--only", "a set is lost"]));
    assert!(shown.contains("expected >= 60 Hz, got 49."), "{shown}");
    assert_eq!(shown.matches("^ expected").count(), 1, "{shown}");
}

#[test]
fn what_cannot_happen_on_a_village_is_told_with_its_place() {
    let site = Scratch::with_example("testing-village-mistakes", "village");
    let wrong = "tests:
  - name: no such village
    plant: town
    expect: [{ at: 1 min, outputs: { clinic: closed } }]
  - name: no such thing
    plant: village
    expect:
      - { at: 1 min, do: gensets breaks for 1 h }
      - { at: 2 min, do: power cut for 20 min }
      - { at: 3 min, readings: { feeder_meter.frequency: '>= 48 kW', feeder_meter.fre: 50 Hz } }
  - name: no village at all
    expect:
      - { at: 1 min, do: clouds for 20 min }
      - { at: 2 min, outputs: { clinic: closed } }
";
    std::fs::write(site.0.join("tests/wrong.yaml"), wrong).unwrap();
    let output = test(&site.0, &[]);
    assert_eq!(output.status.code(), Some(3));
    let shown = text(&output);
    for (place, what) in [
        ("3:12", "`town` is not known here"),
        ("8:26", "did you mean `genset`?"),
        ("9:26", "a test on a plant cannot do that"),
        ("10:58", "`>= 48 kW` is nothing that `feeder_meter.frequency` can be"),
        ("10:70", "there is no point `feeder_meter.fre`"),
        ("13:26", "add `plant: village` to the test"),
    ] {
        assert!(shown.contains(what), "{what}: {shown}");
        assert!(shown.contains(&format!("tests/wrong.yaml:{place}")), "{place}: {shown}");
    }
    assert!(shown.contains("6 mistakes"), "{shown}");
}

#[test]
fn the_clinic_has_power_whatever_else_goes_wrong_on_a_village() {
    let site = Scratch::with_example("testing-village-troubles", "village");
    let troubles = "tests:
  - name: one trouble after the other
    plant: village
    start: 2026-03-20 19:20
    expect:
      - { at: 1 min, do: feeder_meter.frequency stuck }
      - { at: 2 min, do: battery offline }
      - { at: 3 min, do: reload }
      - { at: 4 min, do: battery back }
      - { at: 5 min, do: feeder_meter.frequency back }
      - { at: 6 min, do: restart }
      - { at: 7 min, do: plant gone }
      - { at: 8 min, do: plant back }
      - { at: 9 min, do: clock jumps +1 h }
      - { at: 10 min, do: homes_north +5 kW for 3 min }
      - { at: 11 min, do: standby refuses for 5 min }
      - { at: 12 min, do: clouds for 5 min }
      - { at: 20 min, outputs: { clinic: closed }, throughout: { feeder_meter.frequency: '45..55 Hz' } }
";
    std::fs::write(site.0.join("tests/troubles.yaml"), troubles).unwrap();
    let shown = text(&test(&site.0, &["--only", "one trouble"]));
    assert!(shown.contains("1 passed, 0 failed"), "{shown}");
}

#[test]
fn a_new_site_has_tests_that_pass_in_the_language_of_its_owner_and_in_any_other() {
    for language in ["en", "fr"] {
        let folder = Scratch::new(&format!("testing-init-{language}"));
        let site = folder.0.join("new");
        let written = ballast().args(["init", "--language", language]).arg(&site).output().unwrap();
        assert!(text(&written).contains("ballast test"), "{}", text(&written));
        for reader in ["en", "fr"] {
            let output = test(&site, &["--language", reader]);
            assert_eq!(output.status.code(), Some(0), "{language} read in {reader}: {}", text(&output));
        }
    }
}

/// Off-peak hours with the readings in a table beside the test.
fn from_table(name: &str, table: &str, more: &str) -> Scratch {
    let tests = format!(
        "tests:
  - name: off-peak
{more}    series_from: evening.csv
    points:
      linky.subscribed_power: 6000x*
    expect:
      - {{ at: 2 min, outputs: {{ water_heater: open }} }}
      - {{ at: 5 min, outputs: {{ water_heater: closed }}, active: [off-peak] }}
      - {{ at: 7 min, outputs: {{ water_heater: open }} }}
"
    );
    let site = site(name, &tests);
    std::fs::write(site.0.join("tests/evening.csv"), table).unwrap();
    site
}

#[test]
fn readings_may_stand_in_a_table_with_seconds_spans_or_instants() {
    let seconds = "t_s,linky.period,linky.apparent_power
0,peak,2000
150.5,off_peak,
360,,_
420,,\n";
    let spans = "time,linky.period,linky.apparent_power
0 s,peak,2000
2.5 min,off_peak,
6 min,,stale
7 min,,\n";
    let local = "time,linky.period,linky.apparent_power
2026-03-30 22:30,peak,2000
2026-03-30 22:32:30,off_peak,
2026-03-30 22:36,,offline
2026-03-30 22:37,,\n";
    let start = "    start: 2026-03-30 22:30\n";
    for (number, (table, more)) in
        [(seconds, start), (spans, start), (local, start), (local, "")].into_iter().enumerate()
    {
        let site = from_table(&format!("testing-table-{number}"), table, more);
        let output = test(&site.0, &[]);
        assert_eq!(output.status.code(), Some(0), "{number}: {}", text(&output));
    }
}

#[test]
fn all_mistakes_of_a_table_are_told_with_their_places_and_it_lies_beside_its_test() {
    let table = "time,linky.perod,linky.apparent_power,linky.subscribed_power
2026-03-30 22:29,peak,2000,6000
2026-03-30 22:31,peak,much,6000
2026-03-30 22:30,peak,2000
5 min,peak,2000,6000\n";
    let site = from_table("testing-table-wrong", table, "    start: 2026-03-30 22:30\n");
    let output = test(&site.0, &[]);
    let drawn = text(&output);
    assert_eq!(output.status.code(), Some(3), "{drawn}");
    for (place, what) in [
        ("tests/evening.csv:1:6\n", "there is no point `linky.perod`"),
        ("tests/evening.csv:2:1\n", "this row lies before the test begins"),
        ("tests/evening.csv:3:23\n", "`much` is no reading in VA"),
        ("tests/evening.csv:4:23\n", "this row has 3 cells, and there are 4 columns"),
        ("tests/evening.csv:5:1\n", "`5 min` counts from the beginning, the rows above do not"),
    ] {
        assert!(drawn.contains(place) && drawn.contains(what), "{place} {what}:\n{drawn}");
    }
    assert!(drawn.ends_with("5 mistakes\n"), "{drawn}");

    let short = "t_s,linky.period,linky.subscribed_power\n0,peak,6000\n60,off_peak,\n";
    let drawn = text(&test(&from_table("testing-table-short", short, "").0, &[]));
    assert!(drawn.contains("this table ends at 1 min, and one looks until 7 min"), "{drawn}");
    assert!(
        drawn.contains("`linky.subscribed_power` has readings in this table and behind `points`"),
        "{drawn}"
    );
    assert!(drawn.contains(" --> tests/a.yaml:3:18\n"), "{drawn}");

    // What lies elsewhere is not read, nor what only looks as if it lay there, nor what is no file.
    let site = from_table("testing-table-elsewhere", short, "");
    let tests = std::fs::read_to_string(site.0.join("tests/a.yaml")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", site.0.join("tests/link.csv")).unwrap();
    std::fs::create_dir(site.0.join("tests/folder.csv")).unwrap();
    for (name, why) in [
        ("../site.yaml", "does not lie in the folder of the tests"),
        ("/etc/passwd", "does not lie in the folder of the tests"),
        ("link.csv", "does not lie in the folder of the tests"),
        ("folder.csv", "it is no file"),
        ("none.csv", "cannot be read"),
    ] {
        std::fs::write(site.0.join("tests/a.yaml"), tests.replace("evening.csv", name)).unwrap();
        let output = test(&site.0, &[]);
        let drawn = text(&output);
        assert_eq!(output.status.code(), Some(3), "{drawn}");
        assert!(drawn.contains(why) && drawn.contains(" --> tests/a.yaml:3:18\n"), "{name}:\n{drawn}");
    }
}

#[test]
fn branches_that_no_test_took_are_told_with_their_lines() {
    let expect = "      - { at: 5 min, outputs: { water_heater: closed }, told: [Ordinary] }
      - { at: 6 min, do: [reload, restart] }
      - { at: 8 min, active: [tells] }\n";
    let site = site("testing-branches", &off_peak(expect));
    let rule = "rule \"tells\" when linky.period == \"off_peak\" until linky.period == \"peak\" {
    let power = linky.apparent_power;
    if power > 5000 {
        notify(\"Much\");
    } else if power > 1000 {
        notify(\"Ordinary\");
    } else {
        notify(\"Little\");
    }
    for i in 0..2 {
        if i > 5 { notify(\"Never\"); }
    }
}\n";
    std::fs::write(site.0.join("rules/tells.rhai"), rule).unwrap();
    let output = test(&site.0, &["--coverage"]);
    let told = text(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let expected = "3 of 6 branches of bodies and functions were taken
  rules/tells.rhai:3: the branch `if` was never taken
  rules/tells.rhai:7: the branch `else` was never taken
  rules/tells.rhai:11: the branch `if` was never taken\n";
    assert!(told.ends_with(expected), "{told}");
    let data: Value =
        serde_json::from_str(&text(&test(&site.0, &["--coverage", "--format", "json"]))).unwrap();
    assert_eq!(data["branches"]["missed"], 3, "{data}");
    assert_eq!(data["branches"]["all"][2]["branch"], "else", "{data}");
    assert!(data["branches"]["all"][2]["function"].is_null(), "{data}");
}

/// Two rules call them: what one of both takes is taken. `spare` is called by nobody, so no test could reach it.
#[test]
fn branches_of_functions_that_no_test_took_are_told_with_their_lines() {
    let expect = "      - { at: 5 min, outputs: { water_heater: closed }, told: [2 kVA is ordinary] }
      - { at: 6 min, do: [reload, restart] }
      - { at: 8 min, active: [tells, tells more] }\n";
    let site = site("testing-functions", &off_peak(expect));
    let rules = "fn sort(power) {
    if power > 5000 { return \"much\"; }
    switch rounded(power) {
        0 => \"little\",
        2 => { \"ordinary\" }
        _ => \"odd\"
    }
}
fn rounded(power) {
    let kilo = 0;
    while power >= 1000 { power -= 1000; kilo += 1; }
    for i in 0..0 { kilo += i; }
    if kilo > 9 {
        9
    } else {
        kilo
    }
}
fn spare(x) { if x > 1 { 1 } else { 2 } }
rule \"tells\" when linky.period == \"off_peak\" until linky.period == \"peak\" {
    notify(`${rounded(linky.apparent_power)} kVA is ${sort(linky.apparent_power)}`);
}
rule \"tells more\" when linky.period == \"off_peak\" until linky.period == \"peak\" {
    warn(`${sort(linky.apparent_power - 2000)}`);
}\n";
    std::fs::write(site.0.join("rules/tells.rhai"), rules).unwrap();
    // What passes and fails, and with which words, is the same with and without.
    let plain = text(&test(&site.0, &[]));
    assert!(plain.ends_with("1 passed, 0 failed\n"), "{plain}");
    let told = text(&test(&site.0, &["--coverage"]));
    assert!(told.starts_with(&plain), "{told}");
    let expected = "5 of 9 branches of bodies and functions were taken
  rules/tells.rhai:2: in `sort`, the branch `if` was never taken
  rules/tells.rhai:6: in `sort`, this arm of `switch` was never taken
  rules/tells.rhai:12: in `rounded`, this loop was never entered
  rules/tells.rhai:13: in `rounded`, the branch `if` was never taken\n";
    assert!(told.ends_with(expected), "{told}");
    let french = text(&test(&site.0, &["--coverage", "--language", "fr"]));
    let expected = "5 sur 9 branches des corps et des fonctions ont été prises
  rules/tells.rhai:2 : dans `sort`, la branche `if` n'a jamais été prise
  rules/tells.rhai:6 : dans `sort`, cette branche de `switch` n'a jamais été prise
  rules/tells.rhai:12 : dans `rounded`, cette boucle n'a jamais été suivie
  rules/tells.rhai:13 : dans `rounded`, la branche `if` n'a jamais été prise\n";
    assert!(french.ends_with(expected), "{french}");
    let data: Value =
        serde_json::from_str(&text(&test(&site.0, &["--coverage", "--format", "json"]))).unwrap();
    let rows = data["branches"]["all"].as_array().unwrap();
    let missed = rows.iter().filter(|row| row["taken"] == false);
    let missed: Vec<String> = missed
        .map(|row| format!("{}:{} {} {}", row["file"], row["line"], row["function"], row["branch"]))
        .collect();
    let expected = [
        "\"rules/tells.rhai\":2 \"sort\" \"if\"",
        "\"rules/tells.rhai\":6 \"sort\" \"arm\"",
        "\"rules/tells.rhai\":12 \"rounded\" \"loop\"",
        "\"rules/tells.rhai\":13 \"rounded\" \"if\"",
    ];
    assert_eq!(missed, expected, "{data}");
    assert_eq!(
        (&data["branches"]["branches"], &data["branches"]["missed"]),
        (&9.into(), &4.into()),
        "{data}"
    );
}
