//! What a site tells Home Assistant, as an independent client at a real broker sees it: nothing unless its file says so,
//! exactly what it says, nothing old, and nothing that stays behind.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::Bench;
use common::broker::{Broker, Observer};
use common::{tool, wait_for};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
const POWER: &str = "homeassistant/sensor/ballast_bench_home/meter-power/config";
const PERIOD: &str = "homeassistant/sensor/ballast_bench_home/meter-period/config";
const WISH: &str = "homeassistant/sensor/ballast_bench_home/setting-wish/config";
const RELAY: &str = "homeassistant/binary_sensor/ballast_bench_home/a/config";
const SHARE: &str = "share: [meter.power, meter.period, setting.wish, a]";

fn section() -> String {
    let told = "kind: home_assistant, bus: broker, every: 1 s, steps: [10 W]";
    format!("receivers:\n  home: {{ {told}, {SHARE} }}\n")
}

/// Topics of what the broker keeps under the prefix.
fn kept(broker: &Broker) -> BTreeSet<String> {
    let port = broker.port.to_string();
    let output = Command::new(tool("mosquitto_sub").unwrap())
        .args(["-p", &port, "-t", "homeassistant/#", "--retained-only", "-W", "1", "-F", "%t"])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn document(observer: &Observer, topic: &str) -> Option<Value> {
    serde_json::from_str(&observer.last(topic)?).ok()
}

/// Waits until the last document on a topic has this at a pointer.
fn wait_document(observer: &Observer, topic: &str, pointer: &str, is: &Value) -> Value {
    wait_for(&format!("{pointer} {is} on {topic}; seen {:?}", observer.last(topic)), PATIENCE, || {
        document(observer, topic).filter(|document| document.pointer(pointer) == Some(is))
    })
}

fn set(topics: &[&str]) -> BTreeSet<String> {
    topics.iter().map(ToString::to_string).collect()
}

#[test]
fn home_assistant_is_told_what_the_file_says_and_nothing_else() {
    let Some(mut bench) = Bench::new("announcements", "") else { return };
    bench.site.edit("site.yaml", "unit: W, max_age: 5 min", "unit: W, max_age: 4 s");
    let ours = bench.broker.observe("ballast/#");
    let mut program = bench.run();
    bench.tell("meter/power", "1500");
    program.wait_point("meter.power", "1500");
    // Without the section nothing leaves but the word of the bus.
    let topics: BTreeSet<String> = ours.seen().into_iter().map(|message| message.topic).collect();
    assert_eq!(topics, set(&["ballast/bench/broker/status"]));
    assert!(kept(&bench.broker).is_empty() && !bench.site.0.join(".ballast/announced.json").exists());

    let found = bench.broker.observe("homeassistant/#");
    let text = std::fs::read_to_string(bench.site.0.join("site.yaml")).unwrap();
    std::fs::write(bench.site.0.join("site.yaml"), format!("{text}{}", section())).unwrap();
    program.tell(&["reload"]);
    program.wait_line("home is told of 3 points and 1 output over bus broker", PATIENCE);
    announced(&found);
    assert_eq!(kept(&bench.broker), set(&[POWER, PERIOD, WISH, RELAY]));
    values(&bench, &ours, &program);
    no_commands(&bench, &ours, &program);

    // Home Assistant begins anew, and is told everything at once.
    found.clear();
    ours.clear();
    let began = std::time::Instant::now();
    let mut births = bench.broker.stream("homeassistant/status");
    (0..300).for_each(|_| births.send("online"));
    wait_for("the announcements after a birth", PATIENCE, || document(&found, RELAY));
    wait_document(&ours, "ballast/bench/home/outputs/a", "/state", &"closed".into());
    drop(births);
    // However often it says so: once in five seconds.
    let times = found.seen().iter().filter(|message| message.topic == RELAY).count();
    assert!(times as u64 <= 2 + began.elapsed().as_secs() / 5, "{times} announcements");

    // The broker was away and kept nothing: it is announced again over the next connection.
    bench.broker.restart();
    wait_for("the announcements over the next connection", PATIENCE, || {
        (kept(&bench.broker) == set(&[POWER, PERIOD, WISH, RELAY])).then_some(())
    });

    // A point is shared no longer: what is kept of it is taken back, and nothing else.
    bench.site.edit("site.yaml", "meter.period, setting.wish", "setting.wish");
    program.tell(&["reload"]);
    wait_for("the taking back", PATIENCE, || {
        (kept(&bench.broker) == set(&[POWER, WISH, RELAY])).then_some(())
    });

    // The section goes while nothing runs.
    assert!(program.stop().success());
    assert_eq!(kept(&bench.broker).len(), 3, "what is gone is shown as unavailable, not forgotten");
    std::fs::write(bench.site.0.join("site.yaml"), text).unwrap();
    let program = bench.run();
    wait_for("everything to be taken back", PATIENCE, || kept(&bench.broker).is_empty().then_some(()));
    assert!(!bench.site.0.join(".ballast/announced.json").exists());
    drop(program);
}

/// A link that never comes up is waited for by nobody: control, history and what people ask go on at their pace.
#[test]
fn fault_40_a_receiver_that_is_out_of_reach_takes_nothing_from_the_site() {
    let rules = common::bench::rule("heat", "a", "meter.power > \"1 kW\"", "meter.power < \"1 kW\"");
    let Some(bench) = Bench::new("a receiver out of reach", &rules) else { return };
    let far = "  far: { driver: mqtt, url: \"mqtt://127.0.0.1:1\", client: far }\n";
    bench.site.edit("site.yaml", "devices:\n", &format!("{far}devices:\n"));
    let text = std::fs::read_to_string(bench.site.0.join("site.yaml")).unwrap();
    let section = section().replace("bus: broker", "bus: far");
    std::fs::write(bench.site.0.join("site.yaml"), format!("{text}{section}")).unwrap();
    let mut program = bench.run();
    for number in 0..20 {
        let (power, word) = if number % 2 == 0 { ("2000", "ON") } else { ("500", "OFF") };
        bench.relays.clear();
        let begin = std::time::Instant::now();
        bench.tell("meter/power", power);
        let took = bench.wait("a", word).at.duration_since(begin);
        assert!(took <= Duration::from_secs(2), "{took:?}");
        let asked = std::time::Instant::now();
        program.tell(&["status"]);
        assert!(asked.elapsed() <= Duration::from_secs(5), "{:?}", asked.elapsed());
    }
    assert!(!bench.site.0.join(".ballast/announced.json").exists(), "nothing was told");
    assert!(program.stop().success());
}

/// The announcements: plain, of a kind that cannot command, and unavailable with their bus or their value.
fn announced(found: &Observer) {
    let power = wait_for("the announcement of the power", PATIENCE, || document(found, POWER));
    let at = |pointer: &str| power.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/unique_id"), "ballast_bench_meter-power");
    assert_eq!(at("/state_topic"), "ballast/bench/home/points/meter.power");
    assert_eq!((at("/unit_of_measurement"), at("/device_class")), ("W".into(), "power".into()));
    assert_eq!((at("/state_class"), at("/name")), ("measurement".into(), "power".into()));
    assert_eq!(at("/expire_after"), 9, "4 s and what a letter may take");
    assert_eq!(at("/device/identifiers/0"), "ballast_bench_meter");
    assert_eq!(at("/availability/1/topic"), "ballast/bench/broker/status");
    let relay = wait_for("the announcement of the relay", PATIENCE, || document(found, RELAY));
    assert_eq!(relay.pointer("/json_attributes_topic"), Some(&"ballast/bench/home/outputs/a".into()));
    for message in found.seen() {
        assert!(!message.payload.contains("command_topic"), "{message:?}");
    }
}

fn values(bench: &Bench, ours: &Observer, program: &common::program::Program) {
    let power = "ballast/bench/home/points/meter.power";
    bench.tell("meter/power", "1504");
    let told = wait_document(ours, power, "/value", &1500.0.into());
    assert!(told.pointer("/age").is_some_and(Value::is_number), "{told}");
    wait_document(ours, "ballast/bench/home/points/setting.wish", "/value", &1.0.into());
    // It grows old, and is not shown as it was.
    wait_document(ours, power, "/value", &Value::Null);
    program.tell(&["request", "a", "closed", "--for", "1h"]);
    let relay = wait_document(ours, "ballast/bench/home/outputs/a", "/state", &"closed".into());
    assert_eq!(relay.pointer("/authority"), Some(&"operator".into()), "{relay}");
    assert_eq!(relay.pointer("/strength"), Some(&"soft".into()), "{relay}");
    let is_ours = |topic: &str| {
        ["points/meter.power", "points/meter.period", "points/setting.wish", "outputs/a"]
            .iter()
            .any(|own| topic == format!("ballast/bench/home/{own}"))
            || topic == "ballast/bench/broker/status"
    };
    assert!(ours.seen().iter().all(|message| is_ours(&message.topic)), "{:?}", ours.seen());
    let kept = |message: &common::broker::Message| message.topic == "ballast/bench/home/points/meter.period";
    assert!(ours.seen().iter().any(kept), "what is unknown is told to be unknown");
}

/// What looks like a command changes nothing and is counted.
fn no_commands(bench: &Bench, ours: &Observer, program: &common::program::Program) {
    bench.wait("a", "ON");
    bench.relays.clear();
    for word in ["set", "command"] {
        bench.broker.publish(&format!("ballast/bench/home/outputs/a/{word}"), "OFF", &["-q", "1"]);
    }
    program.wait_metric("ballast_bus_commands_ignored_total{bus=\"broker\"}", "2");
    assert!(bench.told("a").iter().all(|word| word == "ON"), "{:?}", bench.told("a"));
    wait_document(ours, "ballast/bench/home/outputs/a", "/state", &"closed".into());
}

/// What is told under terms: to whom, what for, and for so long from now on.
fn limited(seconds: i64) -> String {
    let zone = jiff::tz::TimeZone::get("Europe/Paris").unwrap();
    let end = jiff::Timestamp::now().as_second() + seconds;
    let end = jiff::Timestamp::from_second(end).unwrap().to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S");
    let told = format!("kind: home_assistant, bus: broker, every: 1 s, {SHARE}");
    format!("receivers:\n  home: {{ {told}, purpose: advice on saving energy, until: {end} }}\n")
}

/// Writes the site with this section behind it.
fn with_section(bench: &Bench, plain: &str, section: &str) {
    std::fs::write(bench.site.0.join("site.yaml"), format!("{plain}{section}")).unwrap();
}

fn explain(bench: &Bench) -> String {
    let output = common::program::ballast().args(["check", "--explain"]).arg(&bench.site.0).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_receiver_is_told_until_its_time_is_over_and_then_nothing_stays_behind() {
    let Some(bench) = Bench::new("an end of telling", "") else { return };
    let plain = std::fs::read_to_string(bench.site.0.join("site.yaml")).unwrap();
    let ours = bench.broker.observe("ballast/bench/home/#");
    let found = bench.broker.observe("homeassistant/#");
    with_section(&bench, &plain, &limited(-1));
    let explained = explain(&bench);
    assert!(explained.contains("(its time is over by the clock of this machine"), "{explained}");
    let began = std::time::Instant::now();
    with_section(&bench, &plain, &limited(10));
    let explained = explain(&bench);
    let line = explained.lines().find(|line| line.contains("home over bus broker until ")).unwrap();
    assert!(line.ends_with("for: advice on saving energy; each at most every 1 s:"), "{line}");
    assert!(!explained.contains("its time is over"), "{explained}");
    let program = bench.run();
    bench.tell("meter/power", "1500");
    let line = program.wait_line("home is told of 3 points and 1 output over bus broker until ", PATIENCE);
    assert!(line.contains("(Europe/Paris), for: advice on saving energy"), "{line}");
    let relay = wait_for("the announcement", PATIENCE, || document(&found, RELAY));
    assert_eq!(relay["purpose"], "advice on saving energy");
    assert!(relay["until"].as_str().is_some_and(|until| until.ends_with('Z')), "{relay}");
    wait_document(&ours, "ballast/bench/home/points/meter.power", "/value", &1500.0.into());

    program.wait_line("home is told nothing any more: its time ended at ", PATIENCE);
    assert!(began.elapsed() >= Duration::from_secs(9), "after {:?}", began.elapsed());
    wait_for("everything to be taken back", PATIENCE, || kept(&bench.broker).is_empty().then_some(()));
    wait_for("the file to go", PATIENCE, || {
        (!bench.site.0.join(".ballast/announced.json").exists()).then_some(())
    });
    // From the end on nothing is told, whatever happens and whoever calls.
    ours.clear();
    found.clear();
    bench.tell("meter/power", "1700");
    bench.broker.publish("homeassistant/status", "online", &["-q", "1"]);
    program.tell(&["request", "a", "closed", "--for", "1h"]);
    bench.wait("a", "ON");
    program.wait_point("meter.power", "1700");
    assert!(ours.seen().is_empty(), "{:?}", ours.seen());

    // A person moves the end, and it is told again.
    with_section(&bench, &plain, &limited(3600));
    program.tell(&["reload"]);
    wait_document(&ours, "ballast/bench/home/points/meter.power", "/value", &1700.0.into());
    let lines = program.lines();
    let begun = lines.iter().filter(|line| line.contains("home is told of 3 points")).count();
    assert_eq!(begun, 2, "{lines:#?}");
    assert_eq!(kept(&bench.broker).len(), 4);
    // It ends while nothing runs.
    let mut program = program;
    assert!(program.stop().success());
    assert_eq!(kept(&bench.broker).len(), 4);
    with_section(&bench, &plain, &limited(-1));
    ours.clear();
    let program = bench.run();
    program.wait_line("home is told nothing any more: its time ended at ", PATIENCE);
    wait_for("everything to be taken back", PATIENCE, || kept(&bench.broker).is_empty().then_some(()));
    assert!(ours.seen().is_empty(), "{:?}", ours.seen());
}

#[test]
fn a_clock_that_nobody_answers_for_tells_nothing_to_whose_time_ends() {
    let Some(bench) = Bench::new("an end by a clock that nobody trusts", "") else { return };
    let plain = std::fs::read_to_string(bench.site.0.join("site.yaml")).unwrap();
    let ours = bench.broker.observe("ballast/bench/home/#");
    with_section(&bench, &plain, &limited(3600));
    let url = bench.url();
    let program = common::program::Program::run(&bench.site.0, &["--set", &url]);
    let first = program.wait_line("home is told ", PATIENCE);
    if program.get("/metrics").lines().any(|line| line == "ballast_clock_trusted 1") {
        eprintln!("skipped: a clock that nobody trusts: the kernel answers for the clock of this machine");
        return;
    }
    assert!(
        first.contains("home is told nothing until the wall clock is trusted: its time ends at"),
        "{first}"
    );
    wait_for("the program to hear the broker", PATIENCE, || {
        bench.tell("meter/power", "1500");
        program.tell(&["status"]).contains("1500").then_some(())
    });
    assert!(kept(&bench.broker).is_empty() && ours.seen().is_empty(), "{:?}", ours.seen());
    // A person answers for it.
    program.tell(&["clock", "trust"]);
    wait_document(&ours, "ballast/bench/home/points/meter.power", "/value", &1500.0.into());
    program.wait_line("home is told of 3 points and 1 output over bus broker until ", PATIENCE);
    assert_eq!(kept(&bench.broker).len(), 4);
    // He takes his word back: what was announced stays, and nothing is told, seen over two looks at the clock, one a second.
    program.tell(&["clock", "distrust"]);
    wait_for("the second time that the clock is not sure", PATIENCE, || {
        let unsure = |line: &&String| line.contains("home is told nothing until the wall clock is trusted");
        (program.lines().iter().filter(unsure).count() == 2).then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    bench.tell("meter/power", "1600");
    program.wait_point("meter.power", "1600");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(kept(&bench.broker).len(), 4);
    bench.tell("meter/power", "1700");
    program.wait_point("meter.power", "1700");
    program.tell(&["clock", "trust"]);
    wait_document(&ours, "ballast/bench/home/points/meter.power", "/value", &1700.0.into());
    assert!(!ours.seen().iter().any(|message| message.payload.contains("1600")), "{:?}", ours.seen());
}
