//! Device files against documents of real devices, where the folder with recorded data stands beside the project.

use crate::device_file;
use ballast_drivers::shape::Heard;
use ballast_model::Mono;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The recorded file whose name begins so; `None`, said aloud, where it is not there.
fn recording(begins: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/mqtt");
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let found = entries
        .map(|entry| entry.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begins)));
    if found.is_none() {
        eprintln!("SKIPPED: {} has no {begins}", folder.display());
    }
    found
}

/// What a device file makes of messages: the last value of each point, as people read it.
fn play(file: &str, with: &[(&str, &str)], messages: &[(String, String)]) -> BTreeMap<String, String> {
    let with = with.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let node = device_file::read(&device_file::all()[file]);
    let site = device_file::site(&node, ballast_drivers::find("mqtt").unwrap(), &with);
    let mut bus = site.open();
    let (listener, readings) = bus.listener().unwrap();
    for (topic, payload) in messages {
        let heard = Heard::Message { topic: topic.as_bytes(), payload: payload.as_bytes(), is_kept: false };
        listener.hear(heard, Mono::from_millis(1), readings);
    }
    let last = |sample: &ballast_model::Sample| {
        let spec = site.catalog.point(sample.point).unwrap();
        let value = sample.value.map_or("none".to_owned(), |value| spec.show(value));
        (spec.name.strip_prefix("it.").unwrap().to_owned(), value)
    };
    readings.batch().samples.iter().map(last).collect()
}

/// The parts of a recorded status, each on the topic on which the device publishes it.
fn status(path: &Path, prefix: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let parts = document["status"].as_object().unwrap();
    parts.iter().map(|(name, part)| (format!("{prefix}/status/{name}"), part.to_string())).collect()
}

fn check(found: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(found.get(*name).map(String::as_str), Some(*value), "{name}: {found:#?}");
    }
}

#[test]
fn shelly_of_the_second_generation() {
    if let Some(path) = recording("gen2_Shelly_Pro_3EM") {
        let found = play("shelly-pro-3em-mqtt", &[("prefix", "em")], &status(&path, "em"));
        check(
            &found,
            &[
                ("voltage_1", "229 V"),
                ("current_1", "2.392 A"),
                ("power_1", "375.5 W"),
                ("apparent_power_1", "547.4 VA"),
                ("power_factor_1", "0.76"),
                ("frequency_1", "50 Hz"),
                ("energy", "2589773.39 Wh"),
                ("energy_returned", "1026.61 Wh"),
            ],
        );
    }
    if let Some(path) = recording("gen2_Shelly_Plus_Plug_S") {
        let found = play("shelly-gen2-plug-mqtt", &[("prefix", "plug")], &status(&path, "plug"));
        check(&found, &[("power", "2.7 W"), ("voltage", "227.9 V"), ("energy", "7258.589 Wh")]);
    }
    if let Some(path) = recording("gen2_Shelly_Pro_4PM") {
        let found = play("shelly-pro-4pm-mqtt", &[("prefix", "four")], &status(&path, "four"));
        check(&found, &[("voltage_1", "121.7 V"), ("frequency_1", "60 Hz"), ("power_4", "0 W")]);
    }
}

#[test]
fn tasmota() {
    let Some(path) = recording("tasmota_docs_messages") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let is_of = |line: &&str| line.contains("tele/pow1/SENSOR = ");
    let line = text.lines().find(is_of).unwrap();
    let payload = line.split_once(" = ").unwrap().1.to_owned();
    let found = play("tasmota-plug", &[("name", "pow1")], &[("tele/pow1/SENSOR".to_owned(), payload)]);
    check(
        &found,
        &[
            ("power", "2635 W"),
            ("apparent_power", "2650 VA"),
            ("reactive_power", "282 var"),
            ("power_factor", "0.99"),
            ("voltage", "227 V"),
            ("current", "11.661 A"),
            ("energy", "6.294 kWh"),
        ],
    );
}
