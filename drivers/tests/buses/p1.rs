//! Recorded telegrams of smart meters, through a real pseudo-terminal.

use crate::device_file;
use crate::support::{Running, base};
use crate::tic::Line;
use ballast_drivers::Report;
use ballast_drivers::shape::Heard;
use ballast_model::catalog::OutputKind;
use ballast_model::{Mono, Quality, Reason, Unit, Utc, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The recorded telegrams lie beside the repository.
fn recorded(file: &str) -> Option<Vec<u8>> {
    let path: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/telegrams/dsmr").join(file);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("skipped: {} is not there", path.display());
    }
    bytes
}

fn with_parity(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte | if byte.count_ones() % 2 == 1 { 0x80 } else { 0 }).collect()
}

/// Plays a telegram to a device file; every expected value must come, as a number of its unit.
fn play(device: &str, file: &str, is_old: bool, expected: &[(&str, f64, &str)]) -> Option<Running> {
    let recorded = recorded(file)?;
    let line = Line::new(file);
    let definition = device_file::read(&device_file::all()[device]);
    let mut site = device_file::site(&definition, &ballast_drivers::p1::SPEC, &BTreeMap::new());
    site.definition.settings.set("port", line.path());
    let running = Running::start(site.open());
    running.wait_link(true, 0);
    // The end of a telegram first, as the line is met at any moment.
    let stream = [&recorded[recorded.len() / 2..], &recorded[..]].concat();
    let (stream, baud) = if is_old { (with_parity(&stream), 9600) } else { (stream, 115_200) };
    line.send(&stream, baud);
    for (name, value, unit) in expected {
        let point = site.point(name);
        let value = Unit::parse(unit).unwrap().to_base(*value);
        running.wait_last(point, value.map(Value::Number), Quality::Good);
    }
    assert_eq!((running.handle.counters().good, running.handle.counters().bad), (1, 0), "{file}");
    Some(running)
}

#[test]
fn a_meter_of_dsmr_2_2_at_seven_bits_and_even_parity() {
    play(
        "dsmr-netherlands",
        "TELEGRAM_V2_2.txt",
        true,
        &[
            ("energy_import", 2.002, "kWh"),
            ("energy_export_peak", 1.001, "kWh"),
            ("power_import", 1010.0, "W"),
            ("power", 1010.0, "W"),
            ("gas", 1.001, "m³"),
        ],
    );
}

#[test]
fn a_meter_of_dsmr_3() {
    play(
        "dsmr-netherlands",
        "TELEGRAM_V3.txt",
        true,
        &[("energy_import_off_peak", 12_345.678, "kWh"), ("power", 1190.0, "W"), ("gas", 1.001, "m³")],
    );
}

#[test]
fn a_meter_of_dsmr_4_2() {
    let running = play(
        "dsmr-netherlands",
        "TELEGRAM_V4_2.txt",
        false,
        &[
            ("energy_import_off_peak", 1581.123, "kWh"),
            ("energy_import_peak", 1435.706, "kWh"),
            ("power", 2.027, "kW"),
            ("power_1", 0.17, "kW"),
            ("power_2", 1.247, "kW"),
            ("current_2", 6.0, "A"),
            ("gas", 981.443, "m³"),
        ],
    );
    let Some(running) = running else { return };
    let heard = running.wait("everything", |_| true);
    let clock = Report::WallClock { utc: Utc::from_millis(1_479_067_077_000), at: heard.samples[0].arrival };
    assert!(heard.reports.contains(&clock), "2016-11-13T19:57:57Z: {:?}", heard.reports);
    let gas = heard.samples.iter().find(|sample| sample.source.is_some()).unwrap();
    assert_eq!(gas.source, Some(Utc::from_millis(1_480_457_400_000 - 11_400_000)), "2016-11-29T19:00:00Z");
}

#[test]
fn a_meter_of_dsmr_5() {
    let running = play(
        "dsmr-netherlands",
        "TELEGRAM_V5.txt",
        false,
        &[
            ("energy_import", 6.825, "kWh"),
            ("energy_export", 2.444, "kWh"),
            ("power", 244.0, "W"),
            ("power_3", 142.0, "W"),
            ("voltage_1", 230.0, "V"),
            ("voltage_3", 229.0, "V"),
            ("current_1", 0.48, "A"),
            ("gas", 0.107, "m³"),
        ],
    );
    drop(running);
}

#[test]
fn a_belgian_meter() {
    play(
        "dsmr-belgium",
        "TELEGRAM_FLUVIUS_V171.txt",
        false,
        &[
            ("energy_import_peak", 34.0, "Wh"),
            ("energy_import_off_peak", 15.758, "kWh"),
            ("energy_export", 11.0, "Wh"),
            ("average_demand", 2351.0, "W"),
            ("peak_demand", 2589.0, "W"),
            ("voltage_2", 234.7, "V"),
            ("gas", 112.384, "m³"),
            ("water", 872.234, "m³"),
        ],
    );
}

#[test]
fn a_damaged_telegram_is_nothing_and_the_next_one_is_read() {
    let telegram = |power: &str| {
        let text = format!("/TST5\\2METER\r\n\r\n1-0:1.7.0({power}*kW)\r\n!");
        let crc = ballast_drivers::p1::telegram::crc16(text.as_bytes());
        format!("{text}{crc:04X}\r\n").into_bytes()
    };
    let line = Line::new("p1-damage");
    let mut site = crate::support::Site::new("p1", &[("port", line.path()), ("baud", "115200")]);
    let power = site.number("meter.power", "W", &[("obis", "1-0:1.7.0")]);
    let running = Running::start(site.open());
    running.wait_link(true, 0);
    line.send(&telegram("01.000"), 115_200);
    running.wait_last(power, base(1000.0), Quality::Good);
    let mut damaged = telegram("02.000");
    damaged[30] ^= 0x08;
    line.send(&damaged, 115_200);
    line.send(&telegram("03.000"), 115_200);
    running.wait_last(power, base(3000.0), Quality::Good);
    line.send(&telegram("--.---"), 115_200);
    running.wait_last(power, None, Quality::Bad(Reason::NotAValue));
    let heard = running.wait("everything", |_| true);
    assert_eq!(heard.samples.len(), 3);
    assert_eq!((running.handle.counters().good, running.handle.counters().bad), (3, 1));
}

/// Everything that broke a reader, and what the fuzzer begins from.
#[test]
fn the_corpus() {
    for (folder, keys) in [("p1", ("p1", "obis", "1-0:1.7.0")), ("vedirect", ("vedirect", "field", "V"))] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
        let mut good = 0;
        for entry in std::fs::read_dir(path).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let (driver, key, value) = keys;
            let mut site = crate::support::Site::new(driver, &[("port", "/dev/null")]);
            site.number("it.x", if driver == "p1" { "kW" } else { "V" }, &[(key, value)]);
            let mut bus = site.open();
            let (listener, readings) = bus.listener().unwrap();
            good += listener.hear(Heard::Bytes(&bytes), Mono::ZERO, readings).good;
        }
        assert!(good > 2, "{folder}: {good}");
    }
}

#[test]
fn mistakes_of_the_definitions() {
    let check = |site: &crate::support::Site, expected: &[&str]| {
        let found = site.mistakes();
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "`{found}` and not `{expected}`");
        }
    };
    let mut site = crate::support::Site::new("p1", &[("baud", "12")]);
    site.number("meter.a", "kW", &[("obis", "1.7.0")]);
    site.number("meter.b", "kW", &[("obis", "1-0:1.7.0 -")]);
    site.number("meter.c", "m³", &[("mbus", "gas"), ("obis", "1-0:1.7.0")]);
    site.number("meter.d", "m³", &[("mbus", "steam")]);
    site.number("meter.e", "kW", &[]);
    site.output("meter.o", OutputKind::Contact, &[]);
    check(
        &site,
        &[
            "a P1 bus needs `port`",
            "not a speed",
            "`1.7.0` is not the name of an object",
            "one to 8 objects",
            "one of `obis` and `mbus`",
            "`mbus` cannot be `steam`",
            "needs `obis`",
            "no outputs",
        ],
    );
    let mut site = crate::support::Site::new("vedirect", &[]);
    site.number("battery.a", "V", &[("field", "Checksum")]);
    site.number("battery.b", "V", &[]);
    check(&site, &["needs `port`", "`Checksum` is not a label", "needs `field`"]);
}
