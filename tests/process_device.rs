//! A device file that somebody writes, tried against a device that others wrote: read, recorded, played again.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::Scratch;
use common::broker::Broker;
use common::modbus::Units;
use common::program::ballast;
use std::time::Duration;

const METER: &str = r#"
device: meter
label: A meter
driver: modbus
source: the test beside it
parameters:
  unit_id: { about: its address }
points:
  power: { unit_id: "${unit_id}", register: 0x28, type: i32, order: CDAB, scale: 0.1, unit: W, period: 1 s, max_age: 5 s }
  frequency: { unit_id: "${unit_id}", register: 0x40, scale: 0.1, unit: Hz, period: 1 s, max_age: 5 s }
"#;

const PLUG: &str = r#"
device: plug
label: A plug
driver: mqtt
source: the test beside it
points:
  power: { topic: plug/power, unit: W, period: 1 s, max_age: 5 s }
outputs:
  contact: { kind: contact, topic: plug/set }
"#;

/// Its answer and its exit code.
fn device(site: &Scratch, arguments: &[&str]) -> (String, Option<i32>) {
    let output = ballast().arg("device").args(arguments).current_dir(&site.0).output().unwrap();
    (String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(), output.status.code())
}

#[test]
fn what_is_read_of_a_meter_is_recorded_and_is_the_same_when_it_is_played() {
    let holds = "unit 7 holding 0x28 REGISTERS 53286 65535\nunit 7 holding 0x40 REGISTERS 499";
    let Some(units) = Units::start("device", holds) else { return };
    let site = Scratch::new("device");
    std::fs::write(site.0.join("meter.yaml"), METER).unwrap();
    let bus = format!("url=tcp://127.0.0.1:{}", units.port);
    let read = ["read", "meter.yaml", "--bus", &bus, "--with", "unit_id=7", "--record", "meter.txt"];
    let (text, code) = device(&site, &read);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("power      -1225 W") && text.contains("frequency  49.9 Hz"), "{text}");
    assert!(units.functions().iter().all(|function| *function == 3), "{:?}", units.functions());
    let recorded = std::fs::read_to_string(site.0.join("meter.txt")).unwrap();
    let (text, code) = device(&site, &read);
    assert!(code == Some(1) && text.contains("meter.txt is there already"), "{text}");
    let nobody =
        ["read", "meter.yaml", "--bus", &bus, "--with", "unit_id=9", "--for", "1s", "--record", "none.txt"];
    let (text, code) = device(&site, &nobody);
    assert!(code == Some(1) && text.contains("no value came, so none.txt was not written"), "{text}");
    assert!(!site.0.join("none.txt").exists());
    assert_eq!(std::fs::read_to_string(site.0.join("meter.txt")).unwrap(), recorded);
    let check = ["check", "meter.yaml", "--transcript", "meter.txt"];
    let (text, code) = device(&site, &check);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("meter.txt: 4 of 4 as wanted"), "{text}");
    site.edit("meter.yaml", "CDAB", "ABCD");
    let (text, code) = device(&site, &check);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("wanted = power -1225 W"), "{text}");
    site.edit("meter.yaml", "ABCD", "ABDC");
    let (text, code) = device(&site, &check);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("meter.yaml:9:"), "{text}");
    site.edit("meter.yaml", "ABDC", "CDAB");
    site.edit("meter.yaml", "unit: Hz,", "unit: Hz, valid: 55..65 Hz,");
    let (text, code) = device(&site, &["read", "meter.yaml", "--bus", &bus, "--with", "unit_id=7"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("power      -1225 W") && text.contains("frequency  outside the valid range: 49.9 Hz"),
        "{text}"
    );
    // Played, it is what a site that runs would make of it, and what was said is named.
    let (text, code) = device(&site, &check);
    assert_eq!(code, Some(1), "{text}");
    let found = "found  = frequency bad: outside the valid range";
    assert!(text.contains("wanted = frequency 49.9 Hz") && text.contains(found), "{text}");
    assert!(
        text.contains("frequency 49.9 Hz is outside the valid range: a site takes it for no value"),
        "{text}"
    );
    let (text, code) = device(&site, &[&check[..], &["--fill"]].concat());
    assert_eq!(code, Some(0), "{text}");
    let filled = std::fs::read_to_string(site.0.join("meter.txt")).unwrap();
    assert!(filled.contains("= frequency bad: outside the valid range"), "{filled}");
    let (text, code) = device(&site, &[&check[..], &["--language", "fr"]].concat());
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("frequency 49.9 Hz est hors de la plage valide"), "{text}");
    let (text, _) = device(&site, &[&check[..], &["--format", "json"]].concat());
    let data: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(data["transcript"]["impossible"][0]["value"], "49.9 Hz", "{text}");
    let (text, code) = device(&site, &["check", "meter.yaml"]);
    assert!(code == Some(1) && text.contains("--with unit_id=...   its address"), "{text}");
}

#[test]
fn reading_a_plug_tells_the_broker_nothing() {
    let Some(broker) = Broker::start("device") else { return };
    let site = Scratch::new("device-plug");
    std::fs::write(site.0.join("plug.yaml"), PLUG).unwrap();
    broker.publish("plug/power", "420", &["-r"]);
    let observer = broker.observe("#");
    broker.publish("begin", "1", &[]);
    observer.wait_last("begin", "1", Duration::from_secs(10));
    let bus = format!("url=mqtt://127.0.0.1:{}", broker.port);
    let (text, code) = device(&site, &["read", "plug.yaml", "--bus", &bus]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("power  420 W"), "{text}");
    broker.publish("end", "1", &[]);
    observer.wait_last("end", "1", Duration::from_secs(10));
    let topics: Vec<String> = observer.seen().into_iter().map(|message| message.topic).collect();
    assert_eq!(topics, ["begin", "end"]);
}
