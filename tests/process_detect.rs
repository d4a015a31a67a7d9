//! `ballast detect` against meters, Modbus units, a broker and names that others wrote: what it proposes is accepted, and
//! nothing is told to anybody.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod common;

use common::broker::{Broker, certify, password_file};
use common::modbus::{Units, python};
use common::program::ballast;
use common::terminal::Meter;
use common::{Scratch, recorded, tic, tool, wait_for};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn detect(arguments: &[&str]) -> Output {
    ballast().arg("detect").args(arguments).output().unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = detect(&[arguments, &["--format", "json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn text<'a>(data: &'a Value, key: &str) -> &'a str {
    data[key].as_str().unwrap()
}

/// Pastes what was proposed into a site and checks it.
fn is_accepted(data: &Value) {
    let site = Scratch::new("pasted");
    let head = "site: pasted\ntime_zone: Europe/Paris\n";
    std::fs::write(site.0.join("site.yaml"), format!("{head}{}", text(data, "site"))).unwrap();
    let safety = if text(data, "safety").is_empty() { "outputs: {}\n" } else { text(data, "safety") };
    std::fs::write(site.0.join("safety.yaml"), safety).unwrap();
    let output = ballast().arg("check").arg(&site.0).output().unwrap();
    assert!(output.status.success(), "{data}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// A line on which a recorded meter speaks again and again at once, until this is dropped.
fn speaking(file: &str) -> Option<std::path::PathBuf> {
    let (mode, frames) = tic::frames(&recorded(file)?);
    let bytes: Vec<u8> = frames.iter().take(3).flat_map(|groups| tic::frame(mode, groups, &[])).collect();
    let mut meter = Meter::new();
    let path = meter.path.clone();
    std::thread::spawn(move || {
        for _ in 0..1000 {
            meter.send(&bytes, 9600);
        }
    });
    Some(path)
}

#[test]
fn meters_are_heard_on_their_lines_and_a_held_line_is_left_alone() {
    let files = ["tic/historique_tri_ejp.bin", "tic/standard_mono_producteur.bin"];
    let lines: Vec<_> = files.iter().filter_map(|file| speaking(file)).collect();
    let silent = Meter::new();
    let held = Meter::new();
    let holder = rustix::fs::open(&held.path, rustix::fs::OFlags::RDWR, rustix::fs::Mode::empty()).unwrap();
    rustix::fs::flock(&holder, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let before = rustix::termios::tcgetattr(&holder).unwrap();
    let mut arguments = vec!["--listen", "1500ms"];
    for path in lines.iter().chain([&silent.path, &held.path]) {
        arguments.extend(["--serial", path.to_str().unwrap()]);
    }
    let data = json(&arguments);
    let remarks = data["remarks"].to_string();
    assert!(remarks.contains(&format!("{}: silent", silent.path.display())), "{remarks}");
    assert!(remarks.contains(&format!("{}: another program holds it", held.path.display())), "{remarks}");
    let after = rustix::termios::tcgetattr(&holder).unwrap();
    assert_eq!((after.control_modes, after.output_speed()), (before.control_modes, before.output_speed()));
    if lines.len() == files.len() {
        let site = text(&data, "site");
        assert!(site.contains("mode: \"historical\"") && site.contains("mode: \"standard\""), "{data}");
        is_accepted(&data);
    }
}

/// A line on which the same bytes come again and again, and what is sent back to whoever speaks there.
fn repeating(bytes: Vec<u8>, baud: u32) -> (std::path::PathBuf, std::thread::JoinHandle<Vec<u8>>) {
    let mut meter = Meter::new();
    let path = meter.path.clone();
    let thread = std::thread::spawn(move || {
        meter.repeat(&bytes, baud, Duration::from_secs(10));
        meter.heard()
    });
    (path, thread)
}

#[test]
fn meters_of_other_countries_and_victron_s_devices_are_heard_and_told_nothing() {
    let telegrams = ["TELEGRAM_V2_2", "TELEGRAM_V3", "TELEGRAM_V4_2", "TELEGRAM_V5", "TELEGRAM_FLUVIUS_V171"];
    let with_parity = |byte: &u8| byte | if byte.count_ones() % 2 == 1 { 0x80 } else { 0 };
    let mut lines = Vec::new();
    for name in telegrams {
        let Some(bytes) = recorded(&format!("telegrams/dsmr/{name}.txt")) else { return };
        // Seven bits with even parity on a line that is read with eight.
        let is_old = name.ends_with("V2_2") || name.ends_with("V3");
        let bytes = if is_old { bytes.iter().map(with_parity).collect() } else { bytes };
        lines.push((name, repeating(bytes, 115_200)));
    }
    let Some(blocks) = recorded("telegrams/vedirect_bluesolar_1.23.dump") else { return };
    lines.push(("charger", repeating(blocks, 19_200)));
    let mut arguments = vec!["--listen", "3s"];
    for (_, (path, _)) in &lines {
        arguments.extend(["--serial", path.to_str().unwrap()]);
    }
    let data = json(&arguments);
    let site = text(&data, "site").to_owned();
    for (name, (path, thread)) in lines {
        let (driver, file) = match name {
            "charger" => ("vedirect", "victron-vedirect-charger"),
            "TELEGRAM_FLUVIUS_V171" => ("p1", "dsmr-belgium"),
            _ => ("p1", "dsmr-netherlands"),
        };
        let port = format!("{{ driver: {driver}, port: \"{}\" }}", path.display());
        let bus = site.lines().find_map(|line| line.trim().strip_suffix(&format!(": {port}")));
        let bus = bus.unwrap_or_else(|| panic!("{name}: {data}"));
        assert!(site.contains(&format!("file: {file}\n    bus: {bus}\n")), "{name}: {site}");
        assert_eq!(thread.join().unwrap(), [0u8; 0], "{name} was told something");
    }
    is_accepted(&data);
}

/// A SunSpec inverter at unit 1, a meter with floats at unit 3.
fn units() -> String {
    let mut common = [0u16; 66];
    for (place, text) in [(0, "Maker"), (16, "Inverter 5"), (48, "No. 7")] {
        let bytes = text.as_bytes().chunks(2);
        for (place, pair) in (place..).zip(bytes) {
            common[place] = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]);
        }
    }
    let common: Vec<String> = common.iter().map(u16::to_string).collect();
    let common = common.join(" ");
    format!(
        "unit 1 holding 40000 REGISTERS 0x5375 0x6E53 1 66 {common} 103 50\n\
         unit 1 holding 40122 REGISTERS 123 24\nunit 1 holding 40148 REGISTERS 0xFFFF 0\n\
         unit 3 input 0 FLOAT32 231.5\nunit 3 input 70 FLOAT32 50.02"
    )
}

#[test]
fn modbus_units_are_asked_who_they_are_and_nothing_is_written() {
    let Some(units) = Units::start("detection of Modbus units", &units()) else { return };
    let address = format!("127.0.0.1:{}", units.port);
    let data = json(&["--modbus", &address, "--units", "1-4", "--timeout", "500ms"]);
    let (site, remarks) = (text(&data, "site"), data["remarks"].to_string());
    assert!(site.contains("file: sunspec-inverter") && site.contains("unit_id: \"1\""), "{data}");
    assert!(site.contains("driver: sunspec") && site.contains(&format!("tcp://{address}")), "{site}");
    assert!(remarks.contains("SunSpec models 103, 123"), "{remarks}");
    assert!(remarks.contains("unit 3: reads 231.5 V and 50.02 Hz"), "{remarks}");
    assert!(remarks.contains("Maker Inverter 5 No. 7, 127.0.0.1 unit 1"), "{remarks}");
    assert_eq!(site.matches("unit_id").count(), 1, "{site}");
    is_accepted(&data);
    let functions = units.functions();
    assert!(functions.contains(&3), "{functions:?}");
    assert!(functions.iter().all(|function| [3, 4, 43].contains(function)), "it only reads: {functions:?}");
    // Nobody there is said, and is a failure.
    drop(units);
    let output = detect(&["--modbus", &address]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no connection"), "{output:?}");
}

#[test]
fn a_gateway_that_answers_for_everybody_hides_nobody() {
    let holds = "unit 3 input 0 FLOAT32 231.5\nunit 3 input 70 FLOAT32 50.02\nunit 9 holding 0 UINT16 7\n\
                 unit 10 holding 0 UINT16 7\nunit 11 holding 0 UINT16 7";
    let Some(mut units) = Units::start("detection behind a gateway", holds) else { return };
    let address = format!("127.0.0.1:{}", units.port);
    for (code, words) in [
        (4, "exception 4 (the device failed)"),
        (11, "exception 11 (the gateway gets no answer from it)"),
        (10, "exception 10 (the gateway has no path to it)"),
    ] {
        units.absent(code);
        let data = json(&["--modbus", &address, "--units", "1-12", "--timeout", "2s"]);
        let remarks = data["remarks"].to_string();
        assert!(remarks.contains("unit 3: reads 231.5 V and 50.02 Hz"), "{code}: {remarks}");
        assert!(remarks.contains("of unit 9-11 nothing is known but that it answers"), "{code}: {remarks}");
        assert!(
            remarks.contains(&format!("to unit 1-2, 4-8, 12 the answer is {words}")),
            "{code}: {remarks}"
        );
        assert!(!remarks.contains("say the same"), "{code}: {remarks}");
    }
    // Three that say the same are three, since nobody is elsewhere.
    let data = json(&["--modbus", &address, "--units", "9-11", "--timeout", "2s"]);
    let remarks = data["remarks"].to_string();
    assert!(
        remarks.contains("of unit 9-11 nothing is known") && !remarks.contains("say the same"),
        "{remarks}"
    );
    let printed = String::from_utf8(detect(&["--modbus", &address, "--units", "1-12"]).stdout).unwrap();
    assert!(!printed.contains("nothing was found"), "{printed}");
    assert!(printed.contains("nothing for site.yaml: no device file is known for what answers"), "{printed}");
}

#[test]
fn one_device_that_does_not_look_at_its_number_is_told_once() {
    // pymodbus: unit 0 is everybody.
    let Some(units) = Units::start("detection of one for all", "unit 0 holding 0 UINT16 7") else { return };
    let address = format!("127.0.0.1:{}", units.port);
    let data = json(&["--modbus", &address, "--units", "5-9", "--timeout", "2s"]);
    let remarks = data["remarks"].to_string();
    assert!(remarks.contains("units 5-9 say the same; it seems to be one device"), "{remarks}");
    assert!(remarks.contains("of unit 5 nothing is known"), "{remarks}");
}

#[test]
fn units_on_a_serial_line_are_found_at_the_speed_that_they_have() {
    let what = "detection on a serial line";
    let Some(units) = Units::start_on_line(what, &crate::units()) else { return };
    let line = &units.cable.as_ref().unwrap().near;
    let path = line.to_str().unwrap();
    let holder = rustix::fs::open(line, rustix::fs::OFlags::RDWR, rustix::fs::Mode::empty()).unwrap();
    let before = rustix::termios::tcgetattr(&holder).unwrap();
    let data = json(&["--modbus", path, "--units", "0-3", "--timeout", "300ms"]);
    let (site, remarks) = (text(&data, "site"), data["remarks"].to_string());
    assert!(site.contains("file: sunspec-inverter") && site.contains("unit_id: \"1\""), "{data}");
    let bus = format!("sunspec: {{ driver: sunspec, port: \"{path}\", baud: \"19200\", parity: \"none\" }}");
    assert!(site.contains(&bus), "{site}");
    assert!(remarks.contains(&format!("{path} unit 3: reads 231.5 V and 50.02 Hz")), "{remarks}");
    is_accepted(&data);
    let functions = units.functions();
    assert!(functions.iter().all(|function| [3, 4, 43].contains(function)), "it only reads: {functions:?}");
    let after = rustix::termios::tcgetattr(&holder).unwrap();
    assert_eq!((after.control_modes, after.output_speed()), (before.control_modes, before.output_speed()));
    // At another speed nobody answers, and what was tried is said.
    let data = json(&[
        "--modbus",
        path,
        "--units",
        "1-3",
        "--timeout",
        "50ms",
        "--baud",
        "9600,38400",
        "--parity",
        "odd",
    ]);
    let remarks = data["remarks"].to_string();
    assert!(remarks.contains("no unit answers at 9600 odd, 38400 odd"), "{remarks}");
    assert!(text(&data, "site").is_empty(), "{data}");
    // A line that is held is left alone.
    rustix::fs::flock(&holder, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let remarks = json(&["--modbus", path, "--units", "1"])["remarks"].to_string();
    assert!(remarks.contains("another program holds it"), "{remarks}");
}

#[test]
fn a_line_on_which_somebody_speaks_is_not_asked_anything() {
    let mut meter = Meter::new();
    let path = meter.path.clone();
    let line = path.to_str().unwrap().to_owned();
    let scan = std::thread::spawn(move || json(&["--modbus", &line, "--units", "1-3", "--timeout", "100ms"]));
    while !scan.is_finished() {
        meter.send(b"anything at all", 9600);
    }
    let data = scan.join().unwrap();
    let remarks = data["remarks"].to_string();
    assert!(remarks.contains("bytes came that nobody had asked for"), "{remarks}");
    assert!(remarks.contains(&format!("`--serial {}`", path.display())), "{remarks}");
    assert!(meter.heard().is_empty(), "nothing was sent");
}

#[test]
fn units_behind_a_converter_of_serial_frames_are_found() {
    let what = "detection behind a converter";
    let Some(mut units) = Units::start_behind_converter(what, &crate::units()) else { return };
    units.absent(0);
    let address = format!("rtu://127.0.0.1:{}", units.port);
    let data = json(&["--modbus", &address, "--units", "1-3", "--timeout", "500ms"]);
    let (site, remarks) = (text(&data, "site"), data["remarks"].to_string());
    assert!(site.contains("file: sunspec-inverter") && site.contains(&address), "{data}");
    assert!(remarks.contains("unit 3: reads 231.5 V and 50.02 Hz"), "{remarks}");
    is_accepted(&data);
    // The same device is read with what was proposed.
    units.lie(3, "checksum");
    let remarks = json(&["--modbus", &address, "--units", "3", "--timeout", "100ms"])["remarks"].to_string();
    assert!(remarks.contains("from unit 3 came what is no answer: damaged"), "{remarks}");
}

#[test]
fn what_would_take_too_long_is_not_begun() {
    let output = detect(&["--modbus", "/dev/ttyNONE", "--timeout", "3s"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("this can take 99 minutes, and 30 are the most: name fewer `--units`"), "{said}");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let output = detect(&["--modbus", file]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Cargo.toml: this is no serial line"), "{said}");
}

#[test]
fn devices_that_announce_themselves_are_proposed_unarmed_and_nothing_is_published() {
    let Some(broker) = Broker::start("detection at a broker") else { return };
    let all = broker.observe("#");
    let kept = ["-r", "-q", "1"];
    let tasmota = r#"{"dn":"Kettle","md":"Plug","t":"tk1","ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"],"rl":[1,0]}"#;
    broker.publish("tasmota/discovery/AABB/config", tasmota, &kept);
    // The same device once more, as Home Assistant wants it.
    let switch = r#"{"name":"Kettle","cmd_t":"cmnd/tk1/POWER","stat_t":"tele/tk1/STATE"}"#;
    broker.publish("homeassistant/switch/AABB_RL_1/config", switch, &kept);
    let sensor = r#"{"name":"Level","state_topic":"tank/level","unit_of_measurement":"%","device":{"ids":["t"],"name":"Tank"}}"#;
    broker.publish("homeassistant/sensor/tank/level/config", sensor, &kept);
    broker.publish("shellies/shellyplug-s-AABBCC/online", "true", &kept);
    wait_for("all to be said", Duration::from_secs(10), || (all.seen().len() >= 4).then_some(()));
    let before = all.seen().len();
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let data = json(&["--mqtt", &url, "--listen", "1s"]);
    let site = text(&data, "site");
    assert_eq!(site.matches("    file: ").count(), 3, "{site}");
    for line in
        ["  kettle:\n    file: tasmota-plug", "  tank:\n    file: mqtt-points", "file: shelly-gen1-plug-mqtt"]
    {
        assert!(site.contains(line), "{line}\n{site}");
    }
    assert_eq!(site.matches("armed: by hand").count(), 2, "what can be switched");
    assert_eq!(text(&data, "safety").matches("safe: open").count(), 2, "{data}");
    is_accepted(&data);
    let printed = String::from_utf8(detect(&["--mqtt", &url, "--listen", "1s"]).stdout).unwrap();
    assert!(printed.contains("# site.yaml") && printed.contains("# safety.yaml"), "{printed}");
    assert_eq!(all.seen().len(), before, "nothing was published: {:?}", all.seen());
}

#[test]
fn who_announces_nonsense_hides_nobody() {
    let Some(broker) = Broker::start("hostile announcements") else { return };
    let kept = ["-r", "-q", "1"];
    let folder = Scratch::new("detect-hostile");
    let huge = folder.0.join("huge");
    std::fs::write(&huge, "x".repeat(5 << 20)).unwrap();
    let port = broker.port.to_string();
    let topic = "homeassistant/switch/a_huge/config";
    let huge = huge.to_str().unwrap();
    let sent = Command::new(tool("mosquitto_pub").unwrap())
        .args(["-p", &port, "-t", topic, "-f", huge])
        .args(kept)
        .status();
    assert!(sent.unwrap().success());
    broker.publish("homeassistant/switch/b_broken/config", r#"{"command_topic":"a/b"#, &kept);
    let wordy = format!(r#"{{"command_topic":"w/set","dev":{{"ids":["w"],"name":"{}"}}}}"#, "W".repeat(9000));
    broker.publish("homeassistant/switch/c_wordy/config", &wordy, &kept);
    broker.publish("shellies/shellyplug-s-AABBCC/online", "true", &kept);
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let data = json(&["--mqtt", &url, "--listen", "2s"]);
    let site = text(&data, "site");
    assert!(site.contains("file: shelly-gen1-plug-mqtt") && site.contains("topic: \"w/set\""), "{data}");
    assert!(site.lines().all(|line| line.len() < 200), "{site}");
    let remarks = data["remarks"].to_string();
    for words in [
        "passed over: \\\"homeassistant/switch/a_huge/config",
        "b_broken/config\\\": what is announced there is not JSON",
    ] {
        assert!(remarks.contains(words), "{words}: {remarks}");
    }
    assert_eq!(data["troubles"], serde_json::json!([]));
    is_accepted(&data);
}

#[test]
fn a_broker_with_tls_and_a_password_is_listened_to_with_the_keys_of_its_bus() {
    let what = "detection at a broker with TLS";
    let folder = Scratch::new("detect-tls");
    let file = |name: &str| folder.0.join(name).to_str().unwrap().to_owned();
    let Some(()) = certify(&folder.0, what) else { return };
    password_file(&folder.0.join("users"), "me", "s3cret");
    // mosquitto drops its rights and must still read its key.
    let lines = format!(
        "user root\nallow_anonymous false\npassword_file {}\ncafile {}\ncertfile {}\nkeyfile {}\n",
        file("users"),
        file("ca.pem"),
        file("broker.pem"),
        file("broker.key")
    );
    let Some(broker) = Broker::start_with(what, &lines) else { return };
    let authority = file("ca.pem");
    let kept = ["-r", "-q", "1", "--cafile", &authority, "-u", "me", "-P", "s3cret"];
    broker.publish("shellies/shellyplug-s-AABBCC/online", "true", &kept);
    std::fs::write(file("right"), "s3cret\n").unwrap();
    std::fs::write(file("wrong"), "other\n").unwrap();
    let url = format!("mqtts://127.0.0.1:{}", broker.port);
    let detect = |options: &[&str]| {
        let mut command = ballast();
        command.args(["detect", "--format", "json", "--listen", "1s", "--mqtt", &url]).args(options);
        let output =
            command.env("MQTT_PASSWORD", "s3cret").env("CREDENTIALS_DIRECTORY", &folder.0).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    };
    let right = file("right");
    for (option, value, key) in [
        ("--password-file", right.as_str(), "password_file"),
        ("--password-credential", "right", "password_credential"),
        ("--password-env", "MQTT_PASSWORD", "password_env"),
    ] {
        let data = detect(&["--ca", &authority, "--user", "me", option, value]);
        let bus = format!(
            "broker: {{ driver: mqtt, url: \"{url}\", user: \"me\", {key}: \"{value}\", ca: \"{authority}\" }}"
        );
        assert!(text(&data, "site").contains(&bus), "{data}");
        assert!(text(&data, "site").contains("file: shelly-gen1-plug-mqtt"), "{data}");
        assert!(!data.to_string().contains("s3cret"), "{data}");
        is_accepted(&data);
    }
    let (wrong, other, absent) = (file("wrong"), file("other.pem"), file("absent"));
    for (options, words) in [
        (&["--ca", &authority, "--user", "me", "--password-file", &wrong][..], "the broker refuses us"),
        (&["--ca", &authority], "the broker refuses us"),
        (&["--ca", &other, "--user", "me", "--password-file", &wrong], "nobody whom we believe vouches"),
        (&["--ca", &authority, "--user", "me", "--password-file", &absent], "cannot read the password"),
        (&["--ca", &authority, "--user", "me", "--password-env", "ABSENT"], "there is no variable ABSENT"),
    ] {
        let data = detect(options);
        assert!(data["troubles"].to_string().contains(words), "{words}: {data}");
    }
    let plain = format!("mqtt://127.0.0.1:{}", broker.port);
    let output = self::detect(&["--mqtt", &plain, "--ca", &authority]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("write `mqtts://` in `url`"), "{said}");
    let output =
        self::detect(&["--mqtt", &url, "--user", "me", "--password-file", "a", "--password-env", "B"]);
    assert_eq!(output.status.code(), Some(2), "a password comes from one place");
}

#[test]
fn a_sensor_in_a_unit_that_is_not_known_is_told_with_its_unit() {
    let Some(broker) = Broker::start("detection of sensors") else { return };
    let sensor = |name: &str, unit: &str, template: &str| {
        let topic = name.split('\\').next().unwrap();
        format!(
            r#"{{"name":"{name}","stat_t":"room/{topic}","unit_of_meas":"{unit}","val_tpl":"{template}","dev":{{"ids":["r"],"name":"Room"}}}}"#
        )
    };
    let value = "{{ value_json.a }}";
    for (name, unit, template) in [
        ("Power", "W", value),
        ("Particles", "grains", value),
        ("Pollen", "grains", value),
        ("Light\\u001b[2J", "candles", value),
        ("Twice", "W", "{{ value_json.a * 2 }}"),
    ] {
        let topic = format!("homeassistant/sensor/room/{}/config", &name[..4]);
        broker.publish(&topic, &sensor(name, unit, template), &["-r", "-q", "1"]);
    }
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let data = json(&["--mqtt", &url, "--listen", "1s"]);
    let remarks = data["remarks"].to_string();
    let text_of_site = text(&data, "site");
    assert!(text_of_site.contains("power: { topic: \"room/Power\", unit: \"W\""), "{text_of_site}");
    let expected =
        "left out: \\\"Room Particles\\\", \\\"Room Pollen\\\": the unit `grains` is not known here";
    assert!(remarks.contains(expected), "{remarks}");
    assert!(remarks.contains("\\\"Room Twice\\\": `{{ value_json.a * 2 }}` computes the value"), "{remarks}");
    let printed = String::from_utf8(detect(&["--mqtt", &url, "--listen", "1s"]).stdout).unwrap();
    assert!(printed.contains("# ") && printed.contains("`candles`"), "{printed}");
    assert!(!printed.contains('\u{1b}'), "no device tells a terminal what to do: {printed:?}");
}

#[test]
fn names_in_the_network_are_heard() {
    let what = "detection of names";
    let Some(python) = python("zeroconf", what) else { return };
    let script = "
import socket, sys, threading
from zeroconf import ServiceInfo, Zeroconf
zeroconf = Zeroconf(interfaces=['127.0.0.1'])
def tell(kind, name, port):
    kind = kind + '._tcp.local.'
    zeroconf.register_service(ServiceInfo(kind, name + '.' + kind, port=port, addresses=[socket.inet_aton('127.0.0.1')], server=name + '.local.'))
all = [threading.Thread(target=tell, args=one) for one in [('_shelly', 'shellyplus1pm-aabbccddeeff', 80), ('_mqtt', 'house', 1883), ('_http', 'printer', 8080)]]
for one in all: one.start()
for one in all: one.join()
print('ready', flush=True)
sys.stdin.read()
";
    let mut command = Command::new(python);
    let mut child =
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let data = (line.trim() == "ready").then(|| json(&["--mdns", "--listen", "2s"]));
    child.kill().unwrap();
    child.wait().unwrap();
    let Some(data) = data else { return eprintln!("skipped: {what}: no multicast on this machine") };
    let (site, remarks) = (text(&data, "site"), data["remarks"].to_string());
    assert!(site.contains("file: shelly-gen2-plug-http") && site.contains("http://127.0.0.1"), "{data}");
    assert!(remarks.contains("ballast detect --mqtt mqtt://127.0.0.1:1883"), "{data}");
    assert!(remarks.contains("printer"), "{data}");
    assert!(site.contains("armed: by hand"), "{site}");
    is_accepted(&data);
}
