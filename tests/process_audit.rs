//! Whatever a person tells the program leaves exactly one line in the audit trail, with the person's name, and that line
//! is on the disk when the answer comes: the program is killed at once and the trail is read from the file.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::{Bench, rule};
use common::program::Program;
use common::wait_for;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// A generator of two relays that does not start: its feedback is a power that never comes.
const GENERATOR: &str = r"
  genset:
    bus: broker
    kind: generator
    running: meter.power > 4 kW
    attempts: 1
    attempt: 1 s
    outputs:
      run: { kind: contact, topic: relay/genset_run }
      contactor: { kind: contact, topic: relay/genset_contactor }
";

/// Who these tests are.
fn user() -> String {
    let output = std::process::Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The rows of the audit trail, oldest first: who, kind, about what, and the payload.
fn trail(bench: &Bench) -> Vec<(Option<String>, String, String, String)> {
    let reader = ballast_history::Reader::open(&bench.site.0.join(".ballast/ballast.db")).unwrap();
    let query = ballast_history::Query { audit_only: true, limit: 1000, ..Default::default() };
    let mut rows: Vec<_> = reader.events(&query).unwrap();
    rows.reverse();
    let row = |event: ballast_history::Event| (event.who, event.kind, event.subject, event.payload);
    rows.into_iter().map(|stored| row(stored.event)).collect()
}

/// Says something to the program, kills it at the answer, and looks for the one new line on the disk. Runs it again.
fn leaves_one_line(bench: &Bench, mut program: Program, said: &[&str], about: &str, words: &str) -> Program {
    let before = trail(bench);
    let answer = program.tell(said);
    program.kill();
    let after = trail(bench);
    assert_eq!(
        after.get(..before.len()),
        Some(before.as_slice()),
        "{said:?} changed what was written before"
    );
    let new = after.get(before.len()..).unwrap();
    assert_eq!(new.len(), 1, "{said:?} ({answer}) left {new:?}");
    let (who, kind, subject, payload) = &new[0];
    assert_eq!(
        (who.as_deref(), subject.as_str()),
        (Some(user().as_str()), about),
        "{said:?}: {kind} {payload}"
    );
    assert!(payload.contains(words), "{said:?}: no {words:?} in {payload}");
    bench.run()
}

fn rules() -> String {
    rule("follow", "b", "meter.level > \"50 %\"", "meter.level < \"50 %\"")
        + "rule \"stumbles\" when meter.level == 77 until meter.level != 77 { let list = []; list[3]; close(c); }\n"
}

#[test]
fn requests_modes_and_settings_are_written_down() {
    let Some(bench) = Bench::new("an audit of requests", &rules()) else { return };
    let mut program = bench.run();
    for (said, about, words) in [
        (&["request", "a", "closed", "--for", "1h"][..], "a", "closed"),
        (&["release", "a"], "a", ""),
        (&["mode", "away"], "site.mode", "away"),
        (&["setting", "wish", "3 kW"], "setting.wish", "3 kW"),
    ] {
        program = leaves_one_line(&bench, program, said, about, words);
    }
    // What was refused before anything was done, and what only looks, leaves nothing.
    let before = trail(&bench).len();
    program.refused(&["setting", "wish", "30 kW"]);
    program.refused(&["mode", "abroad"]);
    program.tell(&["setting"]);
    program.tell(&["mode"]);
    program.kill();
    assert_eq!(trail(&bench).len(), before);
}

#[test]
fn what_is_told_to_the_guard_is_written_down() {
    let Some(bench) = Bench::new("an audit of the guard", &rules()) else { return };
    let mut program = bench.run();
    bench.tell("meter/power", "100");
    program.wait_point("meter.power", "100");
    program = leaves_one_line(&bench, program, &["guard", "now"], "", "everything safe");
    program = leaves_one_line(&bench, program, &["guard", "reset", "a"], "a", "reset");
    let smoke = |program: &Program| {
        bench.tell("meter/level", "95");
        wait_for("the limit to act", PATIENCE, || {
            program.tell(&["why", "d"]).contains("smoke").then_some(())
        });
        let before = trail(&bench).len();
        let told = program.refused(&["guard", "reset", "smoke"]);
        assert!(told.contains("the limit \"smoke\" still acts"), "{told}");
        // What was refused is answered before it is on the disk.
        wait_for("the refusal on the disk", PATIENCE, || (trail(&bench).len() > before).then_some(()));
        bench.tell("meter/level", "10");
        wait_for("the latch", PATIENCE, || {
            program.tell(&["why", "d"]).contains("waits for a person").then_some(())
        });
    };
    smoke(&program);
    program = leaves_one_line(&bench, program, &["guard", "reset", "smoke"], "smoke", "reset");
    smoke(&program);
    program = leaves_one_line(&bench, program, &["guard", "reset", "all"], "", "reset");
    // A reset that finds nothing is refused, and that somebody tried is written down too.
    let before = trail(&bench).len();
    let told = program.refused(&["guard", "reset", "smoke"]);
    assert!(told.contains("refused: the limit \"smoke\" does not wait for a person"), "{told}");
    program.kill();
    let after = trail(&bench);
    assert_eq!(after.len(), before + 1, "{after:?}");
    assert_eq!(after.last().unwrap().0, Some(user()));
}

#[test]
fn a_confirmed_loosening_is_written_down() {
    let Some(bench) = Bench::new("an audit of a loosening", &rules()) else { return };
    let program = bench.run();
    bench.site.edit("safety.yaml", "when: meter.power > 5 kW", "when: meter.power > 6 kW");
    let line = program.wait_line("waits for `ballast guard confirm", PATIENCE);
    let fingerprint = line.split("ballast guard confirm ").nth(1).unwrap();
    let fingerprint = fingerprint.split('`').next().unwrap().to_owned();
    let mut program = leaves_one_line(&bench, program, &["guard", "confirm", &fingerprint], "", &fingerprint);
    program.kill();
}

#[test]
fn a_resumed_rule_is_written_down() {
    let Some(bench) = Bench::new("an audit of a rule", &rules()) else { return };
    let program = bench.run();
    wait_for("the rule to be suspended", PATIENCE, || {
        bench.tell("meter/level", "77");
        bench.tell("meter/level", "10");
        program.tell(&["why-not", "stumbles"]).contains("suspended").then_some(())
    });
    let program = leaves_one_line(&bench, program, &["rule", "resume", "stumbles"], "stumbles", "run again");
    let told = program.tell(&["rule", "resume", "stumbles"]);
    assert!(told.contains("is not suspended") && told.contains("ballast why-not \"stumbles\""), "{told}");
}

#[test]
fn a_generator_that_failed_waits_for_a_person_who_is_written_down() {
    let rules = rule("need genset", "genset.run", "meter.level > \"60 %\"", "meter.level < \"40 %\"")
        + "rule \"take load\" when genset.ready until !genset.wanted { close(genset.contactor); }\n";
    let Some(bench) = Bench::new("an audit of a generator", &rules) else { return };
    bench.site.edit("site.yaml", "settings:\n", &format!("{}settings:\n", &GENERATOR[1..]));
    let outputs =
        "  genset.run: { safe: open, lease: 90 s }\n  genset.contactor: { safe: open, lease: 90 s }\n";
    bench.site.edit("safety.yaml", "limits:\n", &format!("{outputs}limits:\n"));
    let program = bench.run();
    let failed = |program: &Program, wanted: &str| {
        wait_for(&format!("genset.failed {wanted}"), PATIENCE, || {
            let status = program.json(&["status"]);
            (status.pointer("/points/genset.failed")?.as_str()? == wanted).then_some(())
        });
    };
    // An attempt is short: it may be over when this looks.
    let tries = || {
        let was_told = || bench.told("genset_run").contains(&"ON".to_owned());
        wait_for("an attempt", PATIENCE, || was_told().then_some(()));
    };
    // One that did not fail has nothing to reset.
    let text = program.refused(&["guard", "reset", "genset"]);
    assert!(text.contains("refused: the generator genset does not wait for a person"), "{text}");
    bench.tell("meter/power", "100");
    bench.tell("meter/level", "70");
    tries();
    failed(&program, "yes");
    bench.wait("genset_run", "OFF");
    bench.relays.clear();
    let program = leaves_one_line(&bench, program, &["guard", "reset", "genset"], "genset", "try again");
    // It tries again, also over the kill that came right after the answer.
    bench.tell("meter/power", "100");
    bench.tell("meter/level", "70");
    tries();
    failed(&program, "yes");
    program.wait_line("generator genset did not start", PATIENCE);
}
