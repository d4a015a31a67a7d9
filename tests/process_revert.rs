//! The program dies at one stroke, and what it held goes back to its own mode by the timers of the devices themselves: inverters
//! that follow SunSpec, and Shelly relays of both kinds. As long as it lives, it renews them in time.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::Scratch;
use common::broker::Broker;
use common::inverter::Inverters;
use common::program::Program;
use common::relay::{Manners, Relay, What};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
/// The timer of every device here.
const TIMER: Duration = Duration::from_secs(4);

const SITE: &str = r#"site: timers
label: Devices that go back by themselves
uuid: 3a3f7a50-3f4e-5c63-8a0b-4f5e9b1f2f77
time_zone: Europe/Paris
location: { latitude: 48.117 deg, longitude: -1.678 deg }
buses:
  broker: { driver: mqtt, url: "mqtt://127.0.0.1:1883", client: timers }
  modbus: { driver: sunspec, url: "tcp://127.0.0.1:502" }
devices:
  older:   { file: sunspec-inverter-limit, bus: modbus, with: { unit_id: "1", revert: 4 s } }
  newer:   { file: sunspec-inverter-limit, bus: modbus, with: { unit_id: "2", revert: 4 s } }
  storage: { file: sunspec-storage-limits, bus: modbus, with: { unit_id: "1", revert: 4 s } }
  first:   { file: shelly-gen1-relay-mqtt, bus: broker, with: { id: shelly1-AABBCC, auto_off: 4 s } }
  second:  { file: shelly-gen2-plug-mqtt, bus: broker, with: { prefix: shellyplus1pm-aabbcc, auto_off: "4" } }
"#;

const SAFETY: &str = r#"outputs:
  older.power_limit: { values: [0..100 %], safe: 100 % }
  newer.power_limit: { values: [0..100 %], safe: 100 % }
  storage.charge_limit: { values: [0..100 %], safe: 100 % }
  storage.discharge_limit: { values: [0..100 %], safe: 100 % }
  first:  { safe: open }
  second: { safe: open }
"#;

/// The first generation: the timer is set in the device.
fn first_generation(broker: &Broker) -> Relay {
    let manners = Manners {
        topic: "shellies/shelly1-AABBCC/relay/0/command".into(),
        state_topic: "shellies/shelly1-AABBCC/relay/0".into(),
        understands: |payload| match payload {
            "on" => Some((true, None)),
            "off" => Some((false, None)),
            _ => None,
        },
        says: |closed| if closed { "on".into() } else { "off".into() },
        auto_off: Some(TIMER),
    };
    Relay::start(broker, manners)
}

/// The second generation: the timer comes with the command.
fn second_generation(broker: &Broker) -> Relay {
    let manners = Manners {
        topic: "shellyplus1pm-aabbcc/rpc".into(),
        state_topic: "shellyplus1pm-aabbcc/status/switch:0".into(),
        understands: |payload| {
            let call: serde_json::Value = serde_json::from_str(payload).ok()?;
            let parameters = call.get("params").filter(|_| call["method"] == "Switch.Set")?;
            let timer = parameters.get("toggle_after").and_then(serde_json::Value::as_f64);
            Some((parameters["on"].as_bool()?, timer.map(Duration::from_secs_f64)))
        },
        says: |closed| format!(r#"{{"id":0,"source":"MQTT","output":{closed},"apower":0.0}}"#),
        auto_off: None,
    };
    Relay::start(broker, manners)
}

#[test]
fn what_a_dead_program_held_goes_back_by_itself() {
    let Some(inverters) = Inverters::start("timers of devices") else { return };
    let Some(broker) = Broker::start("timers of devices") else { return };
    let site = Scratch::new("timers");
    std::fs::write(site.0.join("site.yaml"), SITE).unwrap();
    std::fs::write(site.0.join("safety.yaml"), SAFETY).unwrap();
    let relays = [first_generation(&broker), second_generation(&broker)];
    let urls = [
        format!("broker.url=mqtt://127.0.0.1:{}", broker.port),
        format!("modbus.url=tcp://127.0.0.1:{}", inverters.port),
    ];
    let began = Instant::now();
    let mut program = Program::run(&site.0, &["--set", &urls[0], "--set", &urls[1], "--trust-clock"]);
    for (output, wanted) in [
        ("older.power_limit", "40 %"),
        ("newer.power_limit", "30 %"),
        ("storage.charge_limit", "20 %"),
        ("storage.discharge_limit", "50 %"),
        ("first", "closed"),
        ("second", "closed"),
    ] {
        program.tell(&["request", output, wanted, "--for", "1h"]);
    }
    let names = ["power", "charge", "discharge", "newer"];
    let enabled = |name: &str| format!("enabled {name} {}", TIMER.as_secs());
    let reverted = |name: &str| format!("reverted {name}");

    // Told and renewed: in that time each timer would have run out twice.
    for name in names {
        inverters.wait(&enabled(name), 7, PATIENCE);
    }
    for relay in &relays {
        relay.wait(What::ToldClosed, 6, PATIENCE);
    }
    for name in names {
        assert!(inverters.moments(&reverted(name)).is_empty(), "{name} went back while it was held");
    }
    for relay in &relays {
        assert_eq!((relay.count(What::TimedOut), relay.is_closed()), (0, true));
    }
    // Not before half of the timer: the default, the request, and one for each half since.
    let most = 2 + began.elapsed().as_millis() / (TIMER.as_millis() / 2);
    for name in ["power", "newer"] {
        let times = inverters.moments(&enabled(name)).len();
        assert!(times as u128 <= most, "{name} was told {times} times");
    }
    for relay in &relays {
        assert!(relay.count(What::ToldClosed) as u128 <= most, "{:?}", relay.log());
    }

    program.kill();
    let died = Instant::now();
    for name in names {
        let after = inverters.wait(&reverted(name), 1, PATIENCE).saturating_duration_since(died);
        assert!(after < 2 * TIMER, "{name} went back after {after:?}");
    }
    for relay in &relays {
        let after = relay.wait(What::TimedOut, 1, PATIENCE).saturating_duration_since(died);
        assert!(after < 2 * TIMER && !relay.is_closed(), "it went back after {after:?}");
    }
}
