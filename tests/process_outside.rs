//! The world outside misbehaves: brokers, serial ports, payloads.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::{Bench, rule};
use common::broker::Broker;
use common::program::Program;
use common::terminal::Meter;
use common::tic::{frame, frames};
use common::{Scratch, recorded, wait_for};
use rustix::process::Signal;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn heat() -> String {
    rule("heat", "a", "meter.power > \"1 kW\"", "meter.power < \"1 kW\"")
}

#[test]
fn a_broker_that_is_absent_at_start_is_awaited() {
    let Some(mut bench) = Bench::new("a broker that comes late", &heat()) else { return };
    bench.broker.kill();
    let program = bench.run_with(&[]);
    program.wait_line("cannot reach the broker", PATIENCE);
    let why = program.tell(&["why", "a"]);
    assert!(why.contains("open"), "{why}");
    bench.broker.restart();
    bench.relays = bench.broker.observe("relay/#");
    wait_for("the rule to act", Duration::from_secs(60), || {
        bench.tell("meter/power", "2000");
        bench.told("a").contains(&"ON".to_owned()).then_some(())
    });
}

#[test]
fn after_a_broken_connection_only_what_holds_now_is_written() {
    let Some(mut bench) = Bench::new("a broker that is killed", &heat()) else { return };
    let program = bench.run();
    bench.tell("meter/power", "2000");
    bench.wait("a", "ON");
    program.tell(&["request", "b", "closed", "--for", "1h"]);
    bench.wait("b", "ON");
    bench.broker.kill();
    program.wait_line("bus broker: the broker closed the connection", PATIENCE);
    // One request ends while nobody listens, another begins and ends, a third holds.
    program.tell(&["release", "b"]);
    program.tell(&["request", "c", "closed", "--for", "1s"]);
    program.tell(&["request", "f", "closed", "--for", "1h"]);
    // `if nobody asks` always stands there.
    let ended = || (!program.tell(&["why", "c"]).contains("operator")).then_some(());
    wait_for("the short request to end", PATIENCE, ended);
    // What is written as soon as the broker is back is written once: somebody must listen before that.
    program.signal(Signal::STOP);
    bench.broker.restart();
    bench.relays = bench.broker.observe("relay/#");
    program.signal(Signal::CONT);
    let last = |relay: &str, word: &str| {
        bench.relays.wait_last(&format!("relay/{relay}"), word, Duration::from_secs(60));
    };
    last("f", "ON");
    last("b", "OFF");
    assert!(
        !bench.told("c").contains(&"ON".to_owned()),
        "an ended request was written: {:?}",
        bench.told("c")
    );
    assert!(
        !bench.told("b").contains(&"ON".to_owned()),
        "an ended request was written: {:?}",
        bench.told("b")
    );
}

#[test]
fn fault_14_a_broker_that_flaps_is_endured() {
    let Some(mut bench) = Bench::new("a broker that flaps", &heat()) else { return };
    let program = bench.run_with(&[]);
    for _ in 0..6 {
        bench.broker.restart();
        std::thread::sleep(Duration::from_millis(150));
    }
    bench.relays = bench.broker.observe("relay/#");
    wait_for("the rule to act", Duration::from_secs(60), || {
        bench.tell("meter/power", "2000");
        bench.told("a").contains(&"ON".to_owned()).then_some(())
    });
    let (code, _) = program.get_with_code("/healthz");
    assert_eq!(code, 200);
}

#[test]
fn fault_15_a_retained_message_is_uncertain_until_a_live_one() {
    let Some(bench) = Bench::new("a retained message", &heat()) else { return };
    bench.broker.publish("meter/power", "2000", &["-r", "-q", "1"]);
    let program = bench.run();
    wait_for("the retained value to be seen", PATIENCE, || {
        program
            .tell(&["status"])
            .lines()
            .any(|line| line.contains("meter.power") && line.contains("retained"))
            .then_some(())
    });
    assert!(!bench.told("a").contains(&"ON".to_owned()), "a retained value started a rule");
    let why = program.tell(&["why-not", "heat"]);
    assert!(why.contains("retained"), "{why}");
    bench.tell("meter/power", "2000");
    bench.wait("a", "ON");
}

#[test]
fn fault_01_garbage_never_moves_a_relay_and_is_counted() {
    let Some(bench) = Bench::new("garbage payloads", &heat()) else { return };
    let program = bench.run();
    bench.tell("meter/power", "500");
    program.wait_point("meter.power", "500");
    let long = "9".repeat(100_000);
    let garbage = [
        "",
        "NaN",
        "inf",
        "-inf",
        "1e999",
        "2000 W?",
        "{\"power\": 2000}",
        "two",
        "0x7d0",
        &long,
        "2\u{1}000",
        "-5",
        "99999",
    ];
    for payload in garbage {
        bench.tell("meter/power", payload);
    }
    bench.tell("meter/period", "off_peak");
    program.wait_point("meter.period", "off_peak");
    assert!(!bench.told("a").contains(&"ON".to_owned()), "garbage moved a relay");
    let bad = program.metric("ballast_bus_bad_total{bus=\"broker\"}");
    let bad: u64 = bad.and_then(|count| count.parse().ok()).unwrap_or(0);
    let metrics = program.get("/metrics");
    assert!(bad >= 9, "{bad} payloads were counted as bad:\n{metrics}");
    assert!(!metrics.contains("NaN"), "{metrics}");
    bench.tell("meter/power", "2000");
    bench.wait("a", "ON");
}

#[test]
fn a_serial_port_that_appears_late_disappears_and_comes_back() {
    let Some(bytes) = recorded("tic/continuous_linky_3P_historical_TIC_sample.bin") else { return };
    let Some(broker) = Broker::start("a serial port that disappears") else { return };
    let site = Scratch::with_example("serial", "linky-home");
    site.edit("safety.yaml", "for 60 s", "for 1 s");
    let (mode, mut all) = frames(&bytes);
    let groups = all.pop().unwrap();
    let telegram = frame(mode, &groups, &[("PAPP", "00740")]);
    let path = site.0.join("port");
    let port = format!("tic.port={}", path.display());
    let url = format!("broker.url=mqtt://127.0.0.1:{}", broker.port);
    let program = Program::run(&site.0, &["--set", &port, "--set", &url, "--trust-clock"]);
    program.wait_line("tic", PATIENCE);
    let fresh = |program: &Program| {
        let status = program.json(&["status"]);
        status.pointer("/points/linky.apparent_power").is_some_and(|value| value.is_string())
    };
    assert!(!fresh(&program));
    for round in 0..2 {
        let mut meter = Meter::new();
        std::os::unix::fs::symlink(&meter.path, &path).unwrap();
        wait_for(&format!("the meter to be read, round {round}"), Duration::from_secs(40), || {
            meter.send(&telegram, 9600);
            fresh(&program).then_some(())
        });
        // The adapter is pulled out.
        std::fs::remove_file(&path).unwrap();
        let before = program.lines().len();
        drop(meter);
        wait_for("the loss to be said", PATIENCE, || {
            program.lines().iter().skip(before).any(|line| line.contains("tic")).then_some(())
        });
        wait_for("the reading to grow old", Duration::from_secs(30), || (!fresh(&program)).then_some(()));
    }
}

#[test]
fn a_program_that_is_told_to_stop_ends_well_and_soon() {
    let Some(bench) = Bench::new("SIGTERM", &heat()) else { return };
    let mut program = bench.run();
    bench.tell("meter/power", "2000");
    bench.wait("a", "ON");
    let status = program.stop();
    assert!(status.success(), "{status}");
    assert!(!bench.site.0.join(".ballast/control.sock").exists(), "the socket stays behind");
    let answer = program.ask(&["status"]);
    assert_eq!(answer.status.code(), Some(5), "nobody runs there any more");
}
