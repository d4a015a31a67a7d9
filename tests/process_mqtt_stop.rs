//! How a run ends, as an independent client at a real broker sees it: told to stop, killed, with a broker that does not
//! answer; and what is no end.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::{Bench, rule};
use common::program::Program;
use common::wait_for;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// Two relays closed by a person: `a` goes safe in silence, `b` holds.
fn two_closed(what: &str) -> Option<(Bench, Program)> {
    let bench = Bench::new(what, &rule("heat", "c", "meter.power > \"2 kW\"", "meter.power < \"1 kW\""))?;
    let of_b = |word: &str| format!("  b: {{ safe: open, at_start: open, on_silence: {word}, lease");
    bench.site.edit("safety.yaml", &of_b("safe"), &of_b("hold 10 min"));
    let program = bench.run();
    for relay in ["a", "b"] {
        program.tell(&["request", relay, "closed", "--for", "1h"]);
        bench.wait(relay, "ON");
    }
    Some((bench, program))
}

/// What the run wrote down.
fn events(bench: &Bench) -> Vec<String> {
    let reader = ballast_history::Reader::open(&bench.site.0.join(".ballast/ballast.db")).unwrap();
    let query = ballast_history::Query { limit: 1000, ..Default::default() };
    reader.events(&query).unwrap().into_iter().map(|stored| stored.event.payload).collect()
}

#[test]
fn told_to_stop_it_cuts_what_shall_not_stay_and_leaves_what_holds() {
    let Some((bench, mut program)) = two_closed("SIGTERM and relays") else { return };
    bench.relays.clear();
    let status = program.stop();
    assert!(status.success(), "{status}");
    // The program has ended: what comes now was on its way before.
    bench.wait("a", "OFF");
    assert_eq!(bench.told("a"), ["OFF"]);
    assert!(bench.told("b").is_empty(), "it holds: {:?}", bench.told("b"));
    let written = events(&bench);
    assert!(written.iter().any(|event| event.contains("a open: the program fell silent\"")), "{written:#?}");
    assert!(!written.iter().any(|event| event.contains("may not be")), "{written:#?}");
    // The next run begins with what it finds in its files, and the request goes on.
    let program = bench.run_with(&[]);
    let why = program.tell(&["why", "a"]);
    assert!(why.contains("operator"), "{why}");
}

#[test]
fn a_limit_is_above_a_now_and_ends_with_the_guard() {
    let Some(bench) = Bench::new("a limit that closes relays", "") else { return };
    let of_b = |word: &str| format!("  b: {{ safe: open, at_start: open, on_silence: {word}, lease");
    bench.site.edit("safety.yaml", &of_b("safe"), &of_b("hold 10 min"));
    let force = |more: &str| format!("force: [ {{ e: open }}{more} ]");
    bench.site.edit("safety.yaml", &force(""), &force(", { a: closed }, { b: closed }"));
    let mut program = bench.run();
    bench.tell("meter/power", "6000");
    for relay in ["a", "b"] {
        bench.wait(relay, "ON");
    }
    let told = program.tell(&["guard", "now"]);
    let words = "every output that no limit holds goes to its safe state\n  a stays closed: the limit \"house full\" \
                 forces it\n  b stays closed";
    assert!(told.contains(words), "{told}");
    let held = program.json(&["guard", "now"])["held"][0].clone();
    let expected = serde_json::json!({ "output": "a", "limit": "house full", "state": "closed" });
    assert_eq!(held, expected);
    program.tell(&["guard", "reset", "all"]);
    bench.relays.clear();
    assert!(program.stop().success());
    bench.wait("a", "OFF");
    assert!(bench.told("b").is_empty(), "it holds: {:?}", bench.told("b"));
    let written = events(&bench);
    let said = |words: &str| written.iter().any(|event| event.contains(words));
    assert!(
        said("the guard ends: a goes to its safe state") && said("the guard ends: b stays closed"),
        "{written:#?}"
    );
}

#[test]
fn what_was_asked_is_told_at_the_end_as_it_was_asked() {
    let Some((bench, mut program)) = two_closed("SIGTERM and what was asked") else { return };
    program.tell(&["request", "e", "closed", "--for", "1h"]);
    bench.tell("meter/power", "100");
    bench.wait("e", "ON");
    bench.tell("meter/power", "6000");
    bench.wait("e", "OFF");
    assert!(program.stop().success());
    let written = events(&bench);
    let of_e: Vec<_> = written.iter().filter(|event| event.contains("\"sentence\":\"e ")).collect();
    assert!(of_e.iter().any(|event| event.contains("asks for closed")), "{of_e:#?}");
    assert!(!of_e.iter().any(|event| event.contains("asks for open")), "nobody asked for that: {of_e:#?}");
}

#[test]
fn a_reload_is_no_end() {
    let Some((bench, program)) = two_closed("a reload and relays") else { return };
    bench.relays.clear();
    bench.write_rules(&rule("cool", "f", "meter.power > \"2 kW\"", "meter.power < \"1 kW\""));
    program.tell(&["reload"]);
    bench.tell("meter/power", "2500");
    bench.wait("f", "ON");
    assert!(bench.told("a").iter().all(|word| word == "ON"), "{:?}", bench.told("a"));
    assert!(bench.told("b").iter().all(|word| word == "ON"), "{:?}", bench.told("b"));
}

#[test]
fn a_broker_that_is_gone_does_not_keep_the_program() {
    let Some((mut bench, mut program)) = two_closed("SIGTERM without a broker") else { return };
    bench.broker.kill();
    program.wait_line("bus broker: the broker closed the connection", PATIENCE);
    assert!(program.stop().success());
    let written = events(&bench);
    assert!(written.iter().any(|event| event.contains("a may not be open")), "{written:#?}");
    assert!(!written.iter().any(|event| event.contains("b may not be")), "{written:#?}");
}

#[test]
fn a_broker_that_does_not_answer_does_not_keep_the_program() {
    let Some((bench, mut program)) = two_closed("SIGTERM and a frozen broker") else { return };
    bench.broker.freeze();
    // It is still frozen when the program has ended.
    assert!(program.stop().success());
    let written = events(&bench);
    assert!(written.iter().any(|event| event.contains("a may not be open")), "{written:#?}");
}

#[test]
fn killed_it_cannot_cut_but_the_broker_says_that_it_is_gone() {
    let Some((bench, mut program)) = two_closed("kill -9 and the last will") else { return };
    let status = bench.broker.observe("ballast/#");
    bench.relays.clear();
    program.kill();
    status.wait_last("ballast/bench/broker/status", "offline", PATIENCE);
    assert!(bench.told("a").is_empty(), "soft: nobody was there to cut it: {:?}", bench.told("a"));
}

#[test]
fn a_relay_that_says_it_is_gone_is_out_of_reach_at_once_and_told_again_when_it_is_back() {
    let Some(bench) = Bench::new("a relay that is pulled out", "") else { return };
    let of_a =
        |keys: &str| format!("a: {{ file: mqtt-relay, bus: broker, with: {{ topic: relay/a{keys} }} }}");
    bench.site.edit("site.yaml", &of_a(""), &of_a(", availability: lwt/a"));
    let program = bench.run();
    program.tell(&["request", "a", "closed", "--for", "1h"]);
    bench.wait("a", "ON");
    bench.broker.publish("lwt/a", "offline", &["-r", "-q", "1"]);
    wait_for("the relay to be missed", PATIENCE, || {
        program.tell(&["why", "a"]).contains("does not answer").then_some(())
    });
    bench.relays.clear();
    program.tell(&["request", "b", "closed", "--for", "1h"]);
    bench.wait("b", "ON");
    assert!(bench.told("a").is_empty(), "nothing is written to a relay that is gone");
    bench.broker.publish("lwt/a", "online", &["-r", "-q", "1"]);
    bench.wait("a", "ON");
    wait_for("the relay to answer", PATIENCE, || {
        (!program.tell(&["why", "a"]).contains("does not answer")).then_some(())
    });
}
