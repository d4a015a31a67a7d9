//! A device file that somebody writes, tried against a device that others wrote: read, recorded, played again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod common;

use common::Scratch;
use common::broker::Broker;
use common::modbus::Units;
use common::program::ballast;
use serde_json::Value;
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

const KINDS: &str = r#"
device: kinds
label: Values of every kind
driver: modbus
source: the test beside it
points:
  power:   { unit_id: 7, register: 0, scale: 0.1, unit: kW, period: 1 s, max_age: 5 s }
  share:   { unit_id: 7, register: 1, unit: 1, period: 1 s, max_age: 5 s }
  mode:    { unit_id: 7, register: 2, words: [off, run], map: "0 = off, 1 = run", period: 1 s, max_age: 5 s }
  is_low:  { unit_id: 7, register: 3, flag: true, type: bit, bit: 0, period: 1 s, max_age: 5 s }
  hot:     { unit_id: 7, register: 4, unit: "°C", valid: 0..100 °C, period: 1 s, max_age: 5 s }
  none:    { unit_id: 7, register: 5, no_value: 0xFFFF, unit: W, period: 1 s, max_age: 5 s }
  absent:  { unit_id: 7, register: 40001, unit: W, period: 1 s, max_age: 5 s }
"#;

fn json(site: &Scratch, arguments: &[&str]) -> (Value, Option<i32>) {
    let (text, code) = device(site, &[arguments, &["--format", "json"]].concat());
    (serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")), code)
}

#[test]
fn a_program_gets_numbers_words_and_flags_and_the_reason_where_there_is_none() {
    let holds = "unit 7 holding 0 REGISTERS 4993 3 1 1 900 65535";
    let Some(units) = Units::start("device", holds) else { return };
    let site = Scratch::new("device-kinds");
    std::fs::write(site.0.join("kinds.yaml"), KINDS).unwrap();
    let bus = format!("url=tcp://127.0.0.1:{}", units.port);
    let read = ["read", "kinds.yaml", "--bus", &bus, "--for", "2s", "--record", "kinds.txt"];
    let (data, code) = json(&site, &read);
    assert_eq!((code, &data["ok"], &data["device"]), (Some(1), &Value::from(false), &Value::from("kinds")));
    let expected = serde_json::json!([
        { "name": "power", "value": 499.3, "unit": "kW", "reason": null, "said": "499.3 kW" },
        { "name": "share", "value": 3.0, "unit": "1", "reason": null, "said": "3" },
        { "name": "mode", "value": "run", "unit": null, "reason": null, "said": "run" },
        { "name": "is_low", "value": true, "unit": null, "reason": null, "said": "yes" },
        { "name": "hot", "value": null, "unit": "°C", "reason": "outside the valid range", "said": "900 °C" },
        { "name": "none", "value": null, "unit": "W", "reason": "not a value", "said": null },
        { "name": "absent", "value": null, "unit": "W", "reason": "not a value", "said": null },
    ]);
    assert_eq!(data["points"], expected, "{data}");
    assert_eq!((&data["recorded"], &data["error"]), (&Value::from("kinds.txt"), &Value::Null));
    let said = data["said"].to_string();
    assert!(said.contains("kinds (unit 7) answers"), "{said}");
    let hint = "registers count from 0 as on the wire: 40001 is holding register 0 (`register: 0`)";
    assert!(said.contains("kinds (unit 7) has no register 40001 in `holding` (exception 2)"), "{said}");
    assert!(said.contains(hint), "{said}");
    // Nobody there: one document all the same, with what was not done.
    site.edit("kinds.yaml", "unit_id: 7", "unit_id: 9");
    let read = ["read", "kinds.yaml", "--bus", &bus, "--for", "500ms", "--record", "nobody.txt"];
    let (data, code) = json(&site, &read);
    assert_eq!(code, Some(1), "{data}");
    assert_eq!(data["recorded"], Value::Null);
    assert_eq!(data["error"], "no value came, so nobody.txt was not written");
    // The file is warned of before it is read, and no more once it says what it means.
    let warned = |text: &str| text.matches("warning[device::address]").count();
    let (text, code) = device(&site, &["check", "kinds.yaml"]);
    assert!(code == Some(0) && warned(&text) == 1, "{text}");
    assert!(
        text.contains("kinds.yaml:13:36") && text.contains(hint) && text.contains("write 0x9C41"),
        "{text}"
    );
    site.edit("kinds.yaml", "40001", "0x9C41");
    let (text, code) = device(&site, &["check", "kinds.yaml"]);
    assert!(code == Some(0) && warned(&text) == 0, "{text}");
    site.edit("kinds.yaml", "0x9C41", "400001");
    let (text, code) = device(&site, &["check", "kinds.yaml"]);
    assert!(code == Some(3) && text.contains("400001 is holding register 0"), "{text}");
    site.edit("kinds.yaml", "400001", "6");
    site.edit("kinds.yaml", "unit_id: 9", "unit_id: 0");
    let (text, code) = device(&site, &["check", "kinds.yaml"]);
    assert!(code == Some(3) && text.contains("0 is everybody on a line"), "{text}");
    let (text, _) = device(&site, &["read", "kinds.yaml", "--bus", &bus, "--for", "100ms"]);
    assert!(warned(&text) == 1 && text.contains("behind a gateway begin with 1"), "{text}");
}

#[test]
fn who_fails_at_everything_may_be_nobody_behind_a_gateway() {
    let holds = "unit 7 holding 0x28 REGISTERS 53286 65535\nunit 7 holding 0x40 REGISTERS 499";
    let Some(mut units) = Units::start("device", holds) else { return };
    units.absent(4);
    let site = Scratch::new("device-nobody");
    std::fs::write(site.0.join("meter.yaml"), METER).unwrap();
    let bus = format!("url=tcp://127.0.0.1:{}", units.port);
    let read = |unit: &str, time: &str| {
        device(
            &site,
            &["read", "meter.yaml", "--bus", &bus, "--with", &format!("unit_id={unit}"), "--for", time],
        )
    };
    let (text, code) = read("8", "500ms");
    assert_eq!(code, Some(1), "{text}");
    let said = "meter (unit 8) answers that it failed (exception 4): it is out of order, or a gateway has nobody at this address; see `unit_id`";
    assert_eq!(text.matches(said).count(), 1, "{text}");
    let (text, code) = read("7", "5");
    assert!(code == Some(1) && text.contains("`--for 5` has no unit: write `5s` for seconds"), "{text}");
    let (text, code) = device(&site, &["read", "meter.yaml", "--bus", "url=tcp:/x", "--with", "unit_id=7"]);
    assert!(code == Some(3) && text.contains("--> command line:1:11"), "{text}");
    let (text, code) =
        device(&site, &["read", "meter.yaml", "--bus", &bus, "--bus", "driver=x", "--with", "unit_id=7"]);
    assert!(code == Some(1) && text.contains("the device file says which driver it is for"), "{text}");
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

const PARTS: &str = r#"
device: parts
label: A meter that is asked what it is, and has no registers between those that it has
driver: modbus
source: the test beside it
points:
  model:   { register: 0x60, type: text, length: 2, words: [m1, m2], map: "M1 = m1, M2 = m2", identity: yes, period: 60 s, max_age: 3 min }
  voltage: { register: 0, scale: 0.1, unit: V, period: 1 s, max_age: 5 s }
  current: { register: 4, scale: 0.1, unit: A, period: 1 s, max_age: 5 s }
  power:   { register: 10, unit: W, period: 1 s, max_age: 5 s }
"#;

#[test]
fn what_is_asked_in_parts_or_after_who_it_is_stands_whole_in_the_transcript() {
    let holds = "unit 1 holding 0 REGISTERS 2301\nunit 1 holding 4 REGISTERS 52\nunit 1 holding 10 REGISTERS 1197\n\
                 unit 1 holding 0x60 REGISTERS 0x4D31 0";
    let Some(units) = Units::start("device", holds) else { return };
    let site = Scratch::new("device-parts");
    std::fs::write(site.0.join("parts.yaml"), PARTS).unwrap();
    let (text, code) = device(&site, &["check", "parts.yaml"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("ask 0, every 1 s: 01 03 00 00 00 0B"), "what is asked again and again: {text}");
    let bus = format!("url=tcp://127.0.0.1:{}", units.port);
    let (text, code) = device(&site, &["read", "parts.yaml", "--bus", &bus, "--record", "parts.txt"]);
    assert_eq!(code, Some(0), "{text}");
    let recorded = std::fs::read_to_string(site.0.join("parts.txt")).unwrap();
    let wanted = ["= model m1", "= voltage 230.1 V", "= current 5.2 A", "= power 1197 W", "< 01 83 02"];
    for line in wanted {
        assert!(recorded.contains(line), "{line} is missing: {recorded}");
    }
    assert!(!recorded.contains("= strange"), "{recorded}");
    let (text, code) = device(&site, &["check", "parts.yaml", "--transcript", "parts.txt"]);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn what_a_recording_said_is_shown_after_its_end() {
    let Some(telegram) = common::recorded("telegrams/dsmr/TELEGRAM_V4_2.txt") else { return };
    let site = Scratch::new("device-recording");
    let meter = concat!(env!("CARGO_MANIFEST_DIR"), "/config/devices/dsmr-netherlands.yaml");
    std::fs::write(site.0.join("telegram.txt"), telegram).unwrap();
    let (text, code) = device(&site, &["read", meter, "--bus", "port=telegram.txt", "--for", "1s"]);
    assert_eq!(code, Some(1), "voltages come with DSMR 5: {text}");
    assert!(text.contains("energy_import           ") && text.contains(" kWh"), "{text}");
    assert!(text.contains("voltage_1               device is offline"), "{text}");
}
