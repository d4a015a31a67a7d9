//! Somebody else moves an output, over a real broker: a hand on the button, an app, a house that has rules of its own. The
//! program follows, corrects or raises an alarm, as its file says, and says why.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::broker::Broker;
use common::program::Program;
use common::relay::{Manners, Relay, What};
use common::{Scratch, wait_for};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
/// As long as the site follows a hand.
const FOLLOWS: Duration = Duration::from_secs(6);

const SITE: &str = r#"site: hands
label: Relays that others move too
uuid: 7c4f9b1e-5a39-5d0c-9a51-20f1d7a5c311
time_zone: Europe/Paris
location: { latitude: 48.117 deg, longitude: -1.678 deg }
buses:
  broker: { driver: mqtt, url: "mqtt://127.0.0.1:1883", client: hands }
devices:
  lamp:   { file: mqtt-relay, bus: broker, with: { topic: lamp/set, state: lamp/state } }
  heater: { file: mqtt-relay, bus: broker, with: { topic: heater/set, state: heater/state } }
  pump:   { file: mqtt-relay, bus: broker, with: { topic: pump/set, state: pump/state } }
"#;

const SAFETY: &str = "outputs:
  lamp:   { safe: open, outside_change: follow 6 s }
  heater: { safe: open, outside_change: correct 3 times }
  pump:   { safe: open, outside_change: alarm }
";

fn relay(broker: &Broker, name: &str) -> Relay {
    let manners = Manners {
        topic: format!("{name}/set"),
        state_topic: format!("{name}/state"),
        understands: |payload| match payload {
            "ON" => Some((true, None)),
            "OFF" => Some((false, None)),
            _ => None,
        },
        says: |closed| if closed { "ON".into() } else { "OFF".into() },
        auto_off: None,
    };
    Relay::start(broker, manners)
}

/// The site with its program, once every relay was told its first word and the hands are free.
fn start(what: &str) -> Option<([Relay; 3], Program, Broker, Scratch)> {
    let broker = Broker::start(what)?;
    let site = Scratch::new("hands");
    std::fs::write(site.0.join("site.yaml"), SITE).unwrap();
    std::fs::write(site.0.join("safety.yaml"), SAFETY).unwrap();
    let relays = ["lamp", "heater", "pump"].map(|name| relay(&broker, name));
    let url = format!("broker.url=mqtt://127.0.0.1:{}", broker.port);
    let program = Program::run(&site.0, &["--set", &url, "--trust-clock"]);
    for relay in &relays {
        relay.wait(What::ToldOpen, 1, PATIENCE);
    }
    Some((relays, program, broker, site))
}

/// A field of what `why` answers about an output.
fn why(program: &Program, output: &str, field: &str) -> String {
    let why = program.json(&["why", output]);
    why.get(field).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}

fn is_told(program: &Program, text: &str, times: usize) {
    wait_for(&format!("{text}, {times} times"), PATIENCE, || {
        let count = program.lines().iter().filter(|line| line.contains(text)).count();
        (count >= times).then_some(())
    });
}

#[test]
fn a_hand_is_followed_corrected_or_reported() {
    let Some(([lamp, heater, pump], program, broker, _site)) = start("hands on relays") else { return };
    // A hand on a button, an app that uses the relay's own topic, a house with a mind of its own.
    lamp.press(true);
    broker.publish("pump/set", "ON", &["-q", "1"]);
    let rounds = 3;
    for round in 1..=rounds {
        broker.publish("heater/set", "ON", &["-q", "1"]);
        heater.wait(What::ToldClosed, round, PATIENCE);
        heater.wait(What::ToldOpen, 1 + round, PATIENCE);
    }

    // Followed for its time, and not an instant longer.
    let moved = lamp.log().iter().find(|(_, what)| *what == What::Hand(true)).unwrap().0;
    let back = lamp.wait(What::ToldOpen, 2, PATIENCE);
    assert!(back - moved >= FOLLOWS, "followed for {:?}", back - moved);
    program.wait_line("lamp was moved by someone else: told open, is closed", PATIENCE);
    program.wait_line("lamp closed: someone else moved it", PATIENCE);

    // Corrected so often, then never again.
    is_told(&program, "heater was moved by someone else: told open, is closed", rounds);
    assert!(!program.lines().iter().any(|line| line.contains("heater does not stay")));
    broker.publish("heater/set", "ON", &["-q", "1"]);
    program.wait_line("heater does not stay where it is told to be", PATIENCE);
    assert_eq!(heater.count(What::ToldOpen), 1 + rounds);
    assert!(heater.is_closed());

    // Only reported: once, and nothing was told.
    is_told(&program, "pump does not stay where it is told to be", 1);
    assert_eq!((pump.count(What::ToldOpen), pump.is_closed()), (1, true));
    for output in ["heater", "pump"] {
        assert_eq!(why(&program, output, "cause"), "outside_change");
        assert_eq!(
            (why(&program, output, "state"), why(&program, output, "confirmed")),
            ("open".into(), "closed".into())
        );
        let text = program.tell(&["why", output]);
        assert!(text.contains("should have been open") && text.contains("someone else moved it"), "{text}");
        assert!(
            text.lines().any(|line| line.contains("the device says") && line.contains("closed")),
            "{text}"
        );
    }
    let status = program.tell(&["status"]);
    let pump_is = status.lines().find(|line| line.trim_start().starts_with("pump ")).unwrap();
    assert!(pump_is.contains("closed"), "{status}");

    // A reset moves nothing: the alarm is there again, and the answer says so and what ends it.
    let answer = program.tell(&["guard", "reset", "pump"]);
    let hint = "pump: its device still says closed where it was told open, so the alarm is there again";
    assert!(answer.contains(hint), "{answer}");
    let answer = program.json(&["guard", "reset", "all"]);
    let moved = serde_json::json!({ "output": "pump", "told": "open", "says": "closed" });
    assert_eq!(answer["moved"], serde_json::json!([moved]), "{answer}");
    // The heater is corrected anew instead.
    heater.wait(What::ToldOpen, 2 + rounds, PATIENCE);

    // Who asks for it anew is heard, and a hand that takes it back ends the alarm.
    pump.press(false);
    wait_for("the pump to be as it was told", PATIENCE, || {
        (why(&program, "pump", "cause") == "asked").then_some(())
    });
    program.tell(&["request", "heater", "closed", "--for", "1h"]);
    wait_for("the heater to be asked for", PATIENCE, || {
        (why(&program, "heater", "cause") == "asked").then_some(())
    });
    let told = heater.count(What::ToldOpen);
    program.tell(&["release", "heater"]);
    heater.wait(What::ToldOpen, told + 1, PATIENCE);
    let count = |text: &str| program.lines().iter().filter(|line| line.contains(text)).count();
    assert_eq!(
        count("pump was moved by someone else"),
        3,
        "once, and for each reset: {:#?}",
        program.lines()
    );
    assert_eq!(count("pump does not stay where it is told to be"), 3);
    assert_eq!(count("pump should be open and is closed: someone else moved it"), 1);
    assert_eq!(count("pump stays"), 0, "it was not open: {:#?}", program.lines());
}

const TIMED_SITE: &str = r#"site: hands
label: Relays with a timer of their own
uuid: 7c4f9b1e-5a39-5d0c-9a51-20f1d7a5c311
time_zone: Europe/Paris
location: { latitude: 48.117 deg, longitude: -1.678 deg }
buses:
  broker: { driver: mqtt, url: "mqtt://127.0.0.1:1883", client: hands }
devices:
  valve: { file: shelly-gen1-relay-mqtt, bus: broker, with: { id: shelly1-AABBCC, auto_off: 4 s } }
  other: { file: shelly-gen1-relay-mqtt, bus: broker, with: { id: shelly1-DDEEFF, auto_off: 4 s } }
"#;

const TIMED_SAFETY: &str = "outputs:
  valve: { safe: open, outside_change: alarm }
  other: { safe: open, outside_change: alarm }
";

fn shelly(broker: &Broker, id: &str) -> Relay {
    let manners = Manners {
        topic: format!("shellies/{id}/relay/0/command"),
        state_topic: format!("shellies/{id}/relay/0"),
        understands: |payload| match payload {
            "on" => Some((true, None)),
            "off" => Some((false, None)),
            _ => None,
        },
        says: |closed| if closed { "on".into() } else { "off".into() },
        auto_off: Some(Duration::from_secs(4)),
    };
    Relay::start(broker, manners)
}

#[test]
fn a_renewal_leaves_a_hand_alone() {
    let Some(broker) = Broker::start("hands on relays with a timer") else { return };
    let site = Scratch::new("timed-hands");
    std::fs::write(site.0.join("site.yaml"), TIMED_SITE).unwrap();
    std::fs::write(site.0.join("safety.yaml"), TIMED_SAFETY).unwrap();
    let [valve, other] = ["shelly1-AABBCC", "shelly1-DDEEFF"].map(|id| shelly(&broker, id));
    let url = format!("broker.url=mqtt://127.0.0.1:{}", broker.port);
    let program = Program::run(&site.0, &["--set", &url, "--trust-clock"]);
    for output in ["valve", "other"] {
        program.tell(&["request", output, "closed", "--for", "1h"]);
    }
    // Told, and renewed once: the next renewal is half a timer away when a hand opens it.
    valve.wait(What::ToldClosed, 2, PATIENCE);
    valve.press(false);
    let told = valve.count(What::ToldClosed);
    program.wait_line("valve was moved by someone else: told closed, is open", PATIENCE);
    is_told(&program, "valve does not stay where it is told to be", 1);

    // While its neighbour is renewed eight times, which is four of its timers, nobody tells it anything.
    let renewed = other.count(What::ToldClosed);
    other.wait(What::ToldClosed, renewed + 8, PATIENCE);
    assert_eq!((valve.count(What::ToldClosed), valve.is_closed()), (told, false), "{:?}", valve.log());
    assert_eq!((other.count(What::TimedOut), other.is_closed()), (0, true));
    assert_eq!(why(&program, "valve", "cause"), "outside_change");
    assert_eq!(why(&program, "valve", "confirmed"), "open");
    let alarms = program.lines().iter().filter(|line| line.contains("valve does not stay")).count();
    assert_eq!(alarms, 1, "{:#?}", program.lines());

    // The hand gives it back: from then on it is renewed before its timer runs out.
    valve.press(true);
    valve.wait(What::ToldClosed, told + 4, PATIENCE);
    assert_eq!((valve.count(What::TimedOut), valve.is_closed()), (0, true), "{:?}", valve.log());
    assert_eq!(why(&program, "valve", "cause"), "asked");
}
