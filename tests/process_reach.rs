//! What is said and done when nothing can be told to an output, and when the guard's memory is lost: the real program at a
//! real broker.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::{Bench, rule};
use common::wait_for;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn heat() -> String {
    rule("heat", "a", "meter.power > \"1 kW\"", "meter.power < \"500 W\"")
}

const STATE: &str = "ballast_output_state{output=\"a\"}";
const REACHABLE: &str = "ballast_output_reachable{output=\"a\"}";

#[test]
fn fault_13_a_lost_broker_is_said_at_once_and_nothing_is_carried_out() {
    let Some(mut bench) = Bench::new("a lost broker under a closed relay", &heat()) else { return };
    let program = bench.run();
    bench.tell("meter/power", "2000");
    bench.wait("a", "ON");
    program.wait_metric(STATE, "1");
    assert_eq!(program.metric(REACHABLE).as_deref(), Some("1"));
    bench.broker.kill();
    // Nobody writes anything to it: the loss of the bus alone says it.
    program.wait_line("a cannot be reached", PATIENCE);
    let why = program.tell(&["why", "a"]);
    assert!(why.contains("a has been closed for"), "{why}");
    assert!(why.contains("cannot be reached (for") && why.contains("(last confirmed: closed)"), "{why}");
    assert_eq!(program.metric(REACHABLE).as_deref(), Some("0"));
    let now = program.tell(&["guard", "now"]);
    assert!(now.contains("every output that can be reached"), "{now}");
    assert!(now.contains("a, b, c, d, e, f cannot be reached now: they are told as soon as"), "{now}");
    assert!(bench.audit().iter().any(|row| row.contains("cannot be reached now")), "{:?}", bench.audit());
    // The event says it too: nobody carried it out.
    program.wait_line("a should be open and cannot be reached: a person asked for safety, now", PATIENCE);
    let why = program.tell(&["why", "a"]);
    assert!(why.contains("a should have been open for") && why.contains("safety, now"), "{why}");
    assert!(why.contains("(last confirmed: closed)"), "{why}");
    let status = program.tell(&["status"]);
    let line = status.lines().find(|line| line.starts_with("  a ")).unwrap();
    assert!(line.contains("closed") && line.contains("cannot be reached"), "{line}");
    let data = program.json(&["status"]);
    assert_eq!(data["outputs"]["a"]["reachable"], false, "{data}");
    assert_eq!(data["outputs"]["a"]["confirmed"], "closed", "{data}");
    assert_eq!(program.metric(STATE).as_deref(), Some("1"), "it was never told to open");
    // Back: told at once, and said.
    bench.broker.restart();
    bench.relays = bench.broker.observe("relay/#");
    program.wait_metric(STATE, "0");
    program.wait_metric(REACHABLE, "1");
    program.wait_line("a can be reached again", PATIENCE);
    let why = program.tell(&["why", "a"]);
    assert!(why.contains("a has been open for") && !why.contains("cannot be reached"), "{why}");
    // Whoever is there is told without a word of the others.
    let now = program.tell(&["guard", "now"]);
    assert!(now.contains("every output goes to its safe state") && !now.contains("reached"), "{now}");
}

#[test]
fn a_site_that_reaches_nobody_is_not_ready() {
    let Some(mut bench) = Bench::new("readiness without a broker", &heat()) else { return };
    bench.site.edit(
        "safety.yaml",
        "a: { safe: open, at_start: open, on_silence: safe, lease: 90 s }",
        "a: { safe: open, at_start: open, on_silence: safe, lease: 2 s }",
    );
    bench.broker.kill();
    let program = bench.run_with(&[]);
    let (code, body) = program.get_with_code("/readyz");
    assert!(code == 503 && body.contains("bus broker does not reach a, b, c, d, e, f"), "{code} {body}");
    assert_eq!(program.metric(STATE), None, "nothing was ever confirmed");
    assert_eq!(program.get_with_code("/healthz").0, 200);
    bench.broker.restart();
    wait_for("readiness", PATIENCE, || (program.get_with_code("/readyz").0 == 200).then_some(()));
    bench.broker.kill();
    program.wait_line("a cannot be reached", PATIENCE);
    // One lease later; the others have longer ones.
    wait_for("its end", PATIENCE, || {
        let (code, body) = program.get_with_code("/readyz");
        (code == 503 && body.trim_end() == "bus broker does not reach a").then_some(())
    });
}

const LOST: &str = "ballast_guard_memory_lost";

/// What `why` and the events say of an output then.
const HELD: &str = "the memory of the guard is lost, and everything is held safe until a person lets go";

/// Overwrites the files of the history, as a card does that dies.
fn damage(bench: &Bench) {
    let state = bench.site.0.join(".ballast");
    for name in ["ballast.db", "ballast.db-wal"] {
        if state.join(name).exists() {
            let junk = b"this was a database once, before the card died ".repeat(200);
            std::fs::write(state.join(name), junk).unwrap();
        }
    }
}

#[test]
fn a_start_without_the_guard_s_memory_holds_everything_safe_until_a_person_lets_go() {
    let Some(bench) = Bench::new("the guard's memory is lost", &heat()) else { return };
    bench.site.edit("safety.yaml", "e: { safe: open, at_start: open,", "e: { safe: open, at_start: closed,");
    let mut program = bench.run();
    // A first start is no loss.
    bench.wait("e", "ON");
    program.wait_metric(LOST, "0");
    assert!(!program.lines().iter().any(|line| line.contains("memory")), "{:?}", program.lines());
    // Smoke came and went: a latch that only a person may end.
    bench.tell("meter/level", "95");
    program.wait_line("smoke", PATIENCE);
    bench.tell("meter/level", "10");
    program.wait_line("waits for a person", PATIENCE);
    assert!(program.stop().success());
    damage(&bench);
    bench.relays.clear();
    let mut program = bench.run();
    let line = program.wait_line("the memory of the guard is lost", PATIENCE);
    for word in ["latches", "`guard now`", "minimum times", "confirmed by nobody", "ballast guard reset all"]
    {
        assert!(line.contains(word), "{word}: {line}");
    }
    assert!(!program.lines().iter().any(|line| line.contains("for the first time")), "{:?}", program.lines());
    program.wait_metric(LOST, "1");
    let (code, body) = program.get_with_code("/readyz");
    assert!(code == 503 && body.contains("the memory of the guard is lost"), "{code} {body}");
    bench.tell("meter/power", "2000");
    program.tell(&["request", "d", "closed", "--for", "1h"]);
    wait_for("the rule to be held", PATIENCE, || {
        let why = program.tell(&["why", "a"]);
        (why.contains(HELD) && why.contains("heat")).then_some(())
    });
    let why = program.tell(&["why", "a"]);
    assert!(!why.contains("a person asked") && why.contains("ballast guard reset all"), "{why}");
    let data = program.json(&["why", "a"]);
    assert_eq!(data["cause"], "memory_lost", "{data}");
    // The events say it, and so does the past, from the journal.
    program.wait_line(&format!("a stays open: {HELD}; rule \"heat\" asks for closed"), PATIENCE);
    let at = data["at"].as_str().unwrap();
    let then = program.tell(&["why", "a", "--at", at]);
    assert!(then.contains(HELD) && then.contains("without the program"), "{then}");
    for relay in ["a", "d", "e"] {
        bench.wait(relay, "OFF");
        assert!(bench.told(relay).iter().all(|word| word == "OFF"), "{relay}: {:?}", bench.told(relay));
    }
    // It holds over a restart, which has a memory again; what was lost is not forgotten by it.
    assert!(program.stop().success());
    bench.relays.clear();
    let program = bench.run();
    wait_for("the hold", PATIENCE, || program.tell(&["why", "d"]).contains(HELD).then_some(()));
    assert!(!bench.told("d").contains(&"ON".to_owned()), "{:?}", bench.told("d"));
    program.wait_metric(LOST, "1");
    bench.tell("meter/level", "10");
    program.tell(&["guard", "reset", "all"]);
    bench.wait("d", "ON");
    assert!(program.tell(&["guard", "now"]).contains("safe"));
    let why = program.tell(&["why", "d"]);
    assert!(why.contains("a person asked for safety, now") && !why.contains(HELD), "{why}");
    program.tell(&["guard", "reset", "all"]);
    program.wait_metric(LOST, "0");
    wait_for("readiness", PATIENCE, || (program.get_with_code("/readyz").0 == 200).then_some(()));
}
