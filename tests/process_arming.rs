//! A device that was found is told nothing before a person arms it; arming and disarming tell it nothing either, are
//! written down, and survive a kill and a reload: the real program at a real broker.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::{Bench, rule};
use common::program::Program;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn rules() -> String {
    rule("heat", "a", "meter.power > \"1 kW\"", "meter.power < \"500 W\"")
        + &rule("mark", "b", "meter.level > \"50 %\"", "meter.level < \"40 %\"")
}

/// What was told to `a` by now: whatever was on its way arrives before an answer of its neighbour on the same bus.
fn told(bench: &Bench, program: &Program) -> Vec<String> {
    bench.relays.clear();
    for (word, state) in [("ON", "closed"), ("OFF", "open")] {
        program.tell(&["request", "f", state, "--for", "1h"]);
        bench.wait("f", word);
    }
    bench.told("a")
}

#[test]
fn a_found_device_is_read_until_a_person_arms_it() {
    let Some(bench) = Bench::new("arming by hand", &rules()) else { return };
    let line = "  a: { file: mqtt-relay, bus: broker, with: { topic: relay/a } }";
    let found = "  a: { file: mqtt-relay, bus: broker, armed: by hand, with: { topic: relay/a } }";
    bench.site.edit("site.yaml", line, found);
    let mut program = bench.run();
    // Read, asked, and told nothing.
    bench.tell("meter/power", "2000");
    let line = "a is not armed and is told nothing: its state is unknown; rule \"heat\" asks for closed";
    program.wait_line(line, PATIENCE);
    let answer = program.tell(&["request", "a", "closed", "--for", "1h"]);
    assert!(answer.contains("a is not armed: it is read and told nothing"), "{answer}");
    let now = program.tell(&["guard", "now"]);
    assert!(now.contains("not armed, told nothing and left as it is: a"), "{now}");
    program.tell(&["guard", "reset", "all"]);
    assert_eq!(bench.told("a"), [""; 0], "asked by a rule, by a person, and made safe");
    let why = program.tell(&["why", "a"]);
    assert!(why.contains("`ballast arm a`") && why.contains("operator"), "{why}");
    assert_eq!(program.json(&["why", "a"])["cause"], "not_armed");
    let status = program.json(&["status"]);
    assert_eq!(
        (&status["outputs"]["a"]["armed"], &status["outputs"]["b"]["armed"]),
        (&false.into(), &true.into())
    );
    assert_eq!(program.get_with_code("/readyz").0, 200, "it is as its owner wants it");
    let metrics = program.get("/metrics");
    assert!(metrics.contains("ballast_output_armed{output=\"a\"} 0"), "{metrics}");
    assert!(metrics.contains("ballast_guard_interventions_total{cause=\"not_armed\"}"), "{metrics}");
    // Who may not be armed, and what there is not.
    assert!(program.refused(&["arm", "b"]).contains("b is always armed"));
    assert!(program.refused(&["arm", "meter"]).contains("only read"));
    assert!(program.refused(&["arm", "aa"]).contains("there is no device `aa`"));
    assert!(program.refused(&["disarm", "a"]).contains("a is not armed"));
    // Armed: nothing is told, the person's word is on the disk, and a kill does not take it away.
    let answer = program.tell(&["arm", "a"]);
    assert!(answer.contains("a is armed. Nothing was told to it"), "{answer}");
    assert_eq!(told(&bench, &program), [""; 0]);
    assert!(program.refused(&["arm", "a"]).contains("armed already"));
    program.tell(&["reload"]);
    assert_eq!(told(&bench, &program), [""; 0]);
    program.tell(&["release", "a"]);
    program.tell(&["request", "a", "closed", "--for", "1h"]);
    bench.wait("a", "ON");
    assert!(program.refused(&["disarm", "a"]).contains("--as-it-is"), "it is closed");
    assert_eq!(bench.audit().iter().filter(|row| row.contains("armed a")).count(), 1, "{:?}", bench.audit());
    program.kill();
    bench.relays.clear();
    let mut program = bench.run();
    // The request lasts, and the device is still armed.
    bench.wait("a", "ON");
    // Disarmed: left as it is, over a kill too.
    let answer = program.tell(&["disarm", "a", "--as-it-is"]);
    assert!(
        answer.contains("a is not armed any more") && answer.contains("last told to be closed"),
        "{answer}"
    );
    assert_eq!(told(&bench, &program), [""; 0]);
    program.kill();
    let mut program = bench.run();
    program.tell(&["request", "a", "open", "--for", "1h"]);
    assert_eq!(told(&bench, &program), [""; 0]);
    assert_eq!(
        bench.audit().iter().filter(|row| row.contains("disarmed a")).count(),
        1,
        "{:?}",
        bench.audit()
    );
    assert!(program.stop().success());
    let told = program.lines();
    assert!(!told.iter().any(|line| line.contains("a may not be open")), "{told:?}");
    assert_eq!(bench.told("a"), [""; 0], "not even at the end");
}

/// The newest event of an output in the history, as people read it.
fn newest(program: &Program, output: &str) -> String {
    let text = program.tell(&["history", output, "--last", "1"]);
    text.trim().splitn(3, ' ').nth(2).unwrap_or_default().to_owned()
}

#[test]
fn what_a_device_says_is_known_before_it_is_armed_and_after_it_was_disarmed() {
    let Some(bench) = Bench::new("what a found device says", &rules()) else { return };
    let line = "  a: { file: mqtt-relay, bus: broker, with: { topic: relay/a } }";
    let found =
        "  a: { file: mqtt-relay, bus: broker, armed: by hand, with: { topic: relay/a, state: state/a } }";
    bench.site.edit("site.yaml", line, found);
    let program = bench.run();
    bench.tell("meter/power", "2000");
    program.wait_line("its state is unknown; rule \"heat\" asks for closed", PATIENCE);
    let wait = |state: &str| {
        common::wait_for(&format!("the device to be known as {state}"), PATIENCE, || {
            bench.tell("state/a", if state == "closed" { "ON" } else { "OFF" });
            (program.json(&["status"])["outputs"]["a"]["confirmed"] == state).then_some(())
        });
    };
    assert_eq!(program.json(&["status"])["outputs"]["a"]["state"], serde_json::Value::Null);
    // It says what it was taken for until then: that is told too.
    wait("open");
    program.wait_line("its device says that it is open; rule \"heat\" asks for closed", PATIENCE);
    program.tell(&["arm", "a"]);
    program.tell(&["request", "a", "closed", "--for", "1h"]);
    bench.wait("a", "ON");
    wait("closed");
    let answer = program.tell(&["disarm", "a", "--as-it-is"]);
    let rest = "nothing was told to it; its device says that it is closed, and neither a limit nor a person \
                moves it from here on";
    assert!(answer.contains(&format!("  a: {rest}")), "{answer}");
    program.wait_line(&format!("disarmed a: {rest}"), PATIENCE);
    // It is known to stay so, to everyone who asks.
    let status = program.tell(&["status"]);
    let line = status.lines().find(|line| line.starts_with("  a ")).expect("its line");
    assert!(line.split_whitespace().nth(1) == Some("closed"), "{line}");
    let why = program.tell(&["why", "a"]);
    assert!(
        why.starts_with("a is not armed: it is read and told nothing, and its device says that it is closed"),
        "{why}"
    );
    let why = program.json(&["why", "a"]);
    assert_eq!((&why["state"], &why["confirmed"]), (&"closed".into(), &"closed".into()), "{why}");
    assert!(
        newest(&program, "a").contains("its device says that it is closed; operator"),
        "{}",
        newest(&program, "a")
    );
    assert!(program.get("/metrics").contains("ballast_output_state{output=\"a\"} 1"));
}
