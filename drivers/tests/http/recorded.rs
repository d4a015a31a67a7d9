//! Device files against what real devices answered. Where the recordings are absent this is skipped, and says so.

use crate::device_file;
use crate::support::Site;
use ballast_drivers::shape::{Answer, Job};
use ballast_drivers::{OpenBus, Report};
use ballast_model::{Mono, Wanted};
use std::collections::BTreeMap;
use std::path::Path;

fn recording(name: &str) -> Option<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    let found = std::fs::read(&path).ok();
    if found.is_none() {
        eprintln!("skipped: {} is not there", path.display());
    }
    found
}

fn device(file: &str) -> (Site, OpenBus) {
    let file = device_file::read(&device_file::all()[file]);
    let driver = ballast_drivers::find("http").unwrap();
    let site = device_file::site(&file, driver, &BTreeMap::new());
    let bus = site.open();
    (site, bus)
}

/// What the device file makes of a document: every sample and report, in words.
fn played(device: &mut (Site, OpenBus), read: usize, document: &[u8]) -> (Answer, Vec<String>) {
    let (poller, readings) = device.1.poller().unwrap();
    let job = Job::Read(read);
    assert!(poller.ask(job, &mut Vec::new()));
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", document.len());
    let answer = poller.answer(job, &[head.as_bytes(), document].concat(), false, Mono::ZERO, readings);
    let batch = std::mem::take(readings.batch());
    let catalog = &device.0.catalog;
    let samples = batch.samples.iter().map(|sample| {
        let spec = catalog.point(sample.point).unwrap();
        let value = sample.value.map_or("none".to_owned(), |value| spec.show(value));
        format!("{} {value}", spec.name.strip_prefix("it.").unwrap())
    });
    // What is said of the page, each of its points knows.
    let said = batch.reports.iter().filter(|report| !matches!(report, Report::Unclear { .. }));
    let reports = said.map(|report| match report {
        Report::Actual { actual, .. } => format!("contact {}", *actual == Some(Wanted::CLOSED)),
        Report::Link { text, .. } => text.to_string(),
        other => format!("{other:?}"),
    });
    let news = samples.chain(reports).collect();
    (answer, news)
}

/// One part of a document, as the device sends it alone.
fn part(document: &[u8], pointer: &str) -> Vec<u8> {
    let value: serde_json::Value = serde_json::from_slice(document).unwrap();
    value.pointer(pointer).unwrap().to_string().into_bytes()
}

#[test]
fn envoys_of_three_firmwares() {
    let folders = [
        ("3.9.36", ["power 1271 W", "energy_today 1460 Wh", "energy_export 6012540 Wh"]),
        ("5.0.62", ["power 7907 W", "energy_today 20161 Wh", "energy_export 133798553 Wh"]),
        ("7.6.175_with_cts_3phase", ["power 689 W", "energy_today 4374 Wh", "energy_export 3183742 Wh"]),
    ];
    for (folder, expected) in folders {
        let Some(document) = recording(&format!("envoy/{folder}/api_v1_production")) else { return };
        assert_eq!(played(&mut device("enphase-envoy"), 0, &document).1, expected, "{folder}");
    }
    let Some(page) = recording("envoy/3.9.36/production.json") else { return };
    let (answer, news) = played(&mut device("enphase-envoy-metered"), 0, &page);
    assert!(matches!(answer, Answer::Refused { .. }));
    let (said, values) = news.split_last().unwrap();
    assert!(said.contains("answered a page, not data"), "{said}");
    assert!(values.len() > 10 && values.iter().all(|value| value.ends_with(" none")), "{values:?}");
    // No clamps: what stands there is not what the file speaks of.
    let Some(document) = recording("envoy/5.0.62/production.json") else { return };
    let (_, news) = played(&mut device("enphase-envoy-metered"), 0, &document);
    assert!(news.iter().all(|value| value.ends_with(" none")), "{news:?}");
}

#[test]
fn an_envoy_with_clamps_on_three_phases() {
    let Some(document) = recording("envoy/7.6.175_with_cts_3phase/production.json") else { return };
    let mut envoy = device("enphase-envoy-metered");
    let (_, news) = played(&mut envoy, 0, &document);
    for expected in [
        "production_power -6.481 W",
        "production_power_1 -2.864 W",
        "consumption_power 209.084 W",
        "consumption_power_2 123.364 W",
        "grid_power 215.565 W",
        "production_energy 4351113.2",
        "consumption_energy 4074795.",
        "voltage_1 236.766 V",
    ] {
        let is_there = news.iter().any(|line| line.starts_with(expected));
        assert!(is_there, "{expected} is not in {news:#?}");
    }
    let Some(readings) = recording("envoy/7.6.175_with_cts_3phase/ivp_meters_readings") else { return };
    assert_eq!(played(&mut envoy, 1, &readings).1, ["frequency 50 Hz"]);
}

#[test]
fn shellys_of_both_generations() {
    let gen1 = "mqtt/gen1_Shelly_Plug_S_SHPLG-S_20230913-113421-v1.14.0-gcb84623.json";
    let Some(document) = recording(gen1) else { return };
    let (_, news) = played(&mut device("shelly-gen1-plug-http"), 0, &part(&document, "/status"));
    assert_eq!(news[0], "power 0 W");
    // 2632 watt-minutes.
    assert!(news[1].starts_with("energy 43.8666"), "{news:?}");
    assert_eq!(news[2], "contact false");
    let plug = "mqtt/gen2_Shelly_Plus_Plug_S_SNPL-00112EU_20231219-134003-1.1.0-g34b5d4f.json";
    let Some(document) = recording(plug) else { return };
    let (_, news) = played(&mut device("shelly-gen2-plug-http"), 0, &part(&document, "/status/switch:0"));
    let expected = [
        "power 2.7 W",
        "voltage 227.9 V",
        "current 0.121 A",
        "frequency none",
        "energy 7258.589 Wh",
        "temperature 32.1 °C",
        "contact true",
    ];
    assert_eq!(news, expected);
    let meter = "mqtt/gen2_Shelly_Pro_3EM_SPEM-003CEBEU_20231219-134001-1.1.0-g34b5d4f.json";
    let Some(document) = recording(meter) else { return };
    let mut device = device("shelly-pro-3em-http");
    let (_, news) = played(&mut device, 0, &part(&document, "/status/em:0"));
    for expected in [
        "power 558.965 W",
        "power_1 375.5 W",
        "apparent_power_1 547.4 VA",
        "power_factor_1 0.76",
        "voltage_1 229 V",
        "current_1 2.392 A",
        "current_neutral none",
        "frequency_1 50 Hz",
    ] {
        assert!(news.iter().any(|line| line == expected), "{expected} is not in {news:#?}");
    }
    let (_, news) = played(&mut device, 1, &part(&document, "/status/emdata:0"));
    assert_eq!(news[..2], ["energy 2589773.39 Wh", "energy_returned 1026.61 Wh"]);
}

#[test]
fn tasmota_as_its_documentation_shows_it() {
    let Some(messages) = recording("mqtt/tasmota_docs_messages.txt") else { return };
    let text = String::from_utf8(messages).unwrap();
    let documents: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("/STATUS8 = "))
        .filter_map(|line| line.split_once(" = "))
        .map(|(_, document)| document)
        .collect();
    assert!(!documents.is_empty());
    let (_, news) = played(&mut device("tasmota-plug-http"), 0, documents[0].as_bytes());
    assert_eq!(news[..2], ["power 2629 W", "apparent_power 2645 VA"]);
    assert_eq!(news.last().unwrap(), "energy 6.404 kWh");
}
