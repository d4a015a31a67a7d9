//! `ballast test --record` on what a site on a real broker did: the test passes with the rules that ran, fails at its line
//! with others, and nothing is written over.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::{Bench, rule};
use common::program::ballast;
use jiff::Timestamp;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

/// Longer than what a look stays behind a change.
const STEP: Duration = Duration::from_secs(4);

fn test(site: &Path, arguments: &[&str]) -> Output {
    ballast().arg("test").arg(site).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", text(output));
    text(output)
}

fn rules() -> String {
    let dark = rule("dark", "a", "meter.power < \"300 W\" for \"1s\"", "meter.power > \"800 W\"");
    let late = "rule \"much\" when meter.power > \"7 kW\" until meter.power < \"6 kW\" { close(b); alarm(\"Much: {meter.power}\"); }\n";
    dark + late
}

/// Power falls, rises over the limit, and is ordinary again; gives when it began, when it was over, and when it was low.
fn a_day(bench: &Bench) -> [Timestamp; 3] {
    bench.tell("meter/power", "1000");
    std::thread::sleep(STEP);
    let from = Timestamp::now();
    std::thread::sleep(STEP);
    bench.tell("meter/power", "200");
    bench.wait("a", "ON");
    std::thread::sleep(STEP);
    let low = Timestamp::now();
    std::thread::sleep(STEP);
    bench.tell("meter/power", "7500");
    bench.wait("a", "OFF");
    bench.wait("b", "ON");
    std::thread::sleep(STEP);
    bench.tell("meter/power", "1000");
    bench.wait("b", "OFF");
    std::thread::sleep(STEP);
    [from, Timestamp::now(), low]
}

#[test]
fn what_was_becomes_a_test_that_passes_and_fails_where_a_rule_is_broken() {
    let Some(bench) = Bench::new("recording a test", &rules()) else { return };
    let mut program = bench.run();
    let [from, to, low] = a_day(&bench);
    std::thread::sleep(Duration::from_secs(1));
    let site = bench.site.0.clone();

    // From the running program, the whole of it.
    let whole = format!("{from}..{to}");
    let said = done(&test(&site, &["--record", &whole, "--output", "tests/whole.yaml"]));
    assert!(said.contains("tests/whole.yaml: ") && !said.contains("do not come about"), "{said}");
    let written = std::fs::read_to_string(site.join("tests/whole.yaml")).unwrap();
    for part in [
        "a: closed",
        "a: open",
        "b: closed",
        "active: [\"dark\"]",
        "idle: [\"dark\"]",
        "alarms: [\"Much: 7500 W\"",
        "house full",
    ] {
        assert!(written.contains(part), "{part}:\n{written}");
    }
    // And from a journal, from where the power was low: what led to it was before.
    let journal = site.join("day.journal");
    program.tell(&["journal", "--output", journal.to_str().unwrap()]);
    program.stop();
    let piece = format!("{low}..{to}");
    let from_journal = ["--record", &piece, "--journal", journal.to_str().unwrap(), "--lead-in", "10s"];
    done(&test(&site, &[&from_journal[..], &["--output", "piece.yaml"]].concat()));
    let written = std::fs::read_to_string(site.join("tests/piece.yaml")).unwrap();
    assert!(written.contains("in the 10 s before leads to it"), "{written}");

    let passed = done(&test(&site, &["--coverage"]));
    assert!(passed.contains("2 passed, 0 failed"), "{passed}");

    // A rule that closes at another power: the first look behind the fall says so.
    bench.write_rules(&rules().replace("300 W", "100 W"));
    let output = test(&site, &[]);
    let failed = text(&output);
    assert_eq!(output.status.code(), Some(1), "{failed}");
    assert!(failed.contains("expected closed, got open"), "{failed}");
    assert!(failed.contains("expected active, got not active"), "{failed}");
    let line = std::fs::read_to_string(site.join("tests/whole.yaml")).unwrap();
    let line = line.lines().position(|line| line.contains("active: [\"dark\"]")).unwrap() + 1;
    assert!(failed.contains(&format!("--> tests/whole.yaml:{line}:")), "line {line}:\n{failed}");

    // Nothing is written over, neither the test nor its table.
    let before = std::fs::read(site.join("tests/piece.yaml")).unwrap();
    let refused = test(&site, &[&from_journal[..], &["--output", "piece.yaml"]].concat());
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("cannot be written"), "{}", text(&refused));
    assert_eq!(std::fs::read(site.join("tests/piece.yaml")).unwrap(), before);
    // The site is not that of the journal any more.
    let other = done(&test(&site, &[&from_journal[..], &["--output", "other.yaml"]].concat()));
    assert!(other.contains("are not those that ran then"), "{other}");

    for (piece, output, why) in [
        ("06:00", "x.yaml", "is no piece of time"),
        (
            "2020-01-01T00:00..2020-01-01T01:00",
            "x.yaml",
            "the journal does not hold all of that: it tells of ",
        ),
        (piece.as_str(), "/tmp/x.yaml", "is no test of this site"),
        (piece.as_str(), "x.txt", "is no test of this site"),
    ] {
        let journal = journal.to_str().unwrap();
        let refused = test(&site, &["--record", piece, "--journal", journal, "--output", output]);
        assert_eq!(refused.status.code(), Some(1), "{piece} {}", text(&refused));
        assert!(text(&refused).contains(why), "{piece}: {}", text(&refused));
        assert!(!site.join("tests/x.yaml").exists());
    }
    // Nobody runs any more.
    assert_eq!(test(&site, &["--record", &piece]).status.code(), Some(5));
}
