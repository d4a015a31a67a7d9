//! What the guard makes of a power cut: the state on the disk is given the stamp of another boot, with an outage whose
//! length is known (the wall clock was believed at both ends) or not.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use ballast_history::{Progress, Reader, Store};
use ballast_model::time::{BootId, Stamp};
use ballast_model::{Span, Utc};
use common::bench::Bench;
use common::program::Program;
use common::wait_for;
use std::time::{Duration, Instant, SystemTime};

const PATIENCE: Duration = Duration::from_secs(20);

/// The state that the last run left was left by another boot: so long ago, or nobody knows when.
fn power_cut(bench: &Bench, outage: Option<Span>) {
    let path = bench.site.0.join(".ballast/ballast.db");
    let saved = Reader::open(&path).unwrap().state().unwrap().unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
    let ago = outage.map_or(0, |outage| outage.millis() as i64);
    let stamp = Stamp {
        boot: BootId(saved.stamp.boot.0 ^ 1),
        mono: saved.stamp.mono,
        utc: Utc::from_millis(now - ago),
        trusted: outage.is_some(),
    };
    let (store, _) = Store::open(&path, stamp).unwrap();
    assert_eq!(store.save_state(saved.parts, stamp).unwrap().wait(PATIENCE), Progress::Durable);
}

/// What the program says of the outage when it begins.
fn words(outage: Option<Span>) -> String {
    outage.map_or("after an outage of unknown length".into(), |_| "after a power cut of".into())
}

fn why(program: &Program, output: &str, words: &str) {
    wait_for(&format!("{output}: {words}"), PATIENCE, || {
        program.tell(&["why", output]).contains(words).then_some(())
    });
}

/// What the relay was told, one word a move: the same word again is one that was not confirmed.
fn moves(bench: &Bench, relay: &str) -> Vec<String> {
    let mut told = bench.told(relay);
    told.dedup();
    told
}

const HOURS: Span = Span::from_secs(2 * 3600);

#[test]
fn outputs_begin_at_start_and_a_latch_waits_on() {
    let Some(bench) = Bench::new("the start after a power cut", "") else { return };
    bench.site.edit(
        "safety.yaml",
        "  e: { safe: open, at_start: open,",
        "  e: { safe: open, at_start: closed,",
    );
    bench.site.edit("safety.yaml", "force: [ { e: open } ]", "force: [ { e: open }, { f: open } ]");
    let mut program = bench.run();
    bench.tell("meter/power", "100");
    bench.wait("e", "OFF");
    bench.tell("meter/level", "95");
    why(&program, "d", "smoke");
    bench.tell("meter/level", "10");
    why(&program, "d", "it waits for a person");
    let told = program.refused(&["guard", "reset", "d"]);
    assert!(told.contains("d waits for its limit; say `ballast guard reset \"smoke\"`"), "{told}");
    for outage in [Some(HOURS), None] {
        program.tell(&["request", "f", "closed", "--for", "8h"]);
        program.tell(&["request", "d", "closed", "--for", "8h"]);
        bench.wait("f", "ON");
        program.kill();
        power_cut(&bench, outage);
        bench.relays.clear();
        program = bench.run();
        program.wait_line(&words(outage), PATIENCE);
        // Their limit knows nothing yet: what was read before the cut is of another day.
        bench.wait("e", "ON");
        bench.wait("f", "OFF");
        why(&program, "f", "inputs of its limits are not good yet");
        bench.tell("meter/power", "100");
        bench.wait("e", "OFF");
        if outage.is_none() {
            // Nobody knows whether the eight hours are over: they are taken to be.
            assert_eq!(moves(&bench, "f"), ["OFF"]);
            program.tell(&["request", "f", "closed", "--for", "8h"]);
        }
        bench.wait("f", "ON");
        assert_eq!(moves(&bench, "e"), ["ON", "OFF"], "{outage:?}");
        assert_eq!(moves(&bench, "f"), ["OFF", "ON"], "{outage:?}");
        bench.tell("meter/level", "10");
        why(&program, "d", "it waits for a person");
        assert_eq!(bench.relays.last("relay/d").as_deref(), Some("OFF"), "{outage:?}");
    }
    program.tell(&["request", "d", "closed", "--for", "8h"]);
    program.tell(&["guard", "reset", "smoke"]);
    bench.wait("d", "ON");
}

#[test]
fn a_minimum_time_starts_anew() {
    let Some(bench) = Bench::new("a minimum time over a power cut", "") else { return };
    bench.site.edit("safety.yaml", "  a: { safe: open,", "  a: { min_open: 5 s, safe: open,");
    for outage in [Some(HOURS), None] {
        let mut program = bench.run();
        // What is acknowledged is saved, and everything else with it.
        program.tell(&["setting", "wish", if outage.is_some() { "2 kW" } else { "3 kW" }]);
        program.kill();
        power_cut(&bench, outage);
        bench.relays.clear();
        let began = Instant::now();
        let mut program = bench.run();
        program.wait_line(&words(outage), PATIENCE);
        // It was open for two hours, or nobody knows how long: it counts from the start, in both cases.
        program.tell(&["request", "a", "closed", "--for", "8h"]);
        let rest = bench.wait("a", "ON").at.duration_since(began);
        assert!(rest >= Duration::from_secs(5), "{outage:?}: it rested for {rest:?} only");
        program.tell(&["release", "a"]);
        bench.wait("a", "OFF");
        program.kill();
    }
}

#[test]
fn switchings_count_over_an_outage_of_known_and_of_unknown_length() {
    for (outage, is_held) in [(Some(Span::from_secs(600)), true), (None, true), (Some(HOURS), false)] {
        let Some(bench) = Bench::new("switchings over a power cut", "") else { return };
        bench.site.edit("safety.yaml", "  c: { safe: open,", "  c: { max_switches: 2 per hour, safe: open,");
        let mut program = bench.run();
        program.tell(&["request", "c", "closed", "--for", "8h"]);
        bench.wait("c", "ON");
        program.tell(&["release", "c"]);
        bench.wait("c", "OFF");
        program.tell(&["request", "c", "closed", "--for", "8h"]);
        why(&program, "c", HELD);
        program.kill();
        power_cut(&bench, outage);
        bench.relays.clear();
        let program = bench.run();
        program.wait_line(&words(outage), PATIENCE);
        program.tell(&["request", "c", "closed", "--for", "8h"]);
        if is_held {
            why(&program, "c", HELD);
            assert!(bench.told("c").iter().all(|word| word == "OFF"), "{outage:?}: {:?}", bench.told("c"));
        } else {
            bench.wait("c", "ON");
        }
    }
}

/// What `why` says of an output without switchings.
const HELD: &str = "its number of switchings is spent";
