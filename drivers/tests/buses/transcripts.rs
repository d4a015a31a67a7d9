//! Every device file against what its device says and hears: `ballast_drivers::transcript` says how a transcript is written.

use crate::device_file::{self, Node};
use ballast_drivers::transcript::{self, Subject};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

#[test]
fn every_device_file_names_a_driver_and_its_source_and_has_a_transcript() {
    let files = device_file::all();
    assert!(files.len() >= 4);
    for (name, path) in &files {
        let file = device_file::read(path);
        let text = |key: &str| file.get(key).and_then(Node::text).unwrap_or_default();
        assert_eq!(text("device"), name);
        assert!(text("source").len() > 8, "{name} says where its numbers come from");
        assert!(ballast_drivers::find(text("driver")).is_some(), "{name}: no driver `{}`", text("driver"));
        let transcript = std::fs::read_to_string(folder().join(format!("{name}.txt"))).unwrap_or_default();
        let wants = transcript.lines().filter(|line| line.starts_with("= ") || line.starts_with("> "));
        assert!(wants.count() > 0, "{name} has no transcript that wants something");
    }
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(files.contains_key(&name), "a transcript without a device file: {name}");
    }
}

#[test]
fn a_power_has_its_sign_and_a_device_that_is_gone_has_no_value_left() {
    for (name, path) in device_file::all() {
        let file = device_file::read(&path);
        let points = file.entries("points");
        let is_signed = points.iter().any(|(point, _)| point.ends_with("power") || point.contains("power_"));
        let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
        let says_it = ["sign", "positive"].iter().any(|word| text.contains(word));
        assert!(!is_signed || says_it, "{name}: which way is positive?");
        let announced =
            |key: &str| file.entries(key).iter().filter(|(_, one)| one.get("availability").is_some()).count();
        let silent = points.len() - announced("points");
        let is_announced = announced("points") + announced("outputs") > 0;
        assert!(
            !is_announced || silent == 0,
            "{name}: {silent} points stay when the device says that it is gone"
        );
    }
}

/// The device file of a transcript as a bus, and the transcript.
fn with_site<T>(path: &Path, then: impl FnOnce(&str, &crate::support::Site, &str) -> T) -> T {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).unwrap();
    with_text(&name, &text, then)
}

/// A device file as a bus, and a transcript of it.
fn with_text<T>(name: &str, text: &str, then: impl FnOnce(&str, &crate::support::Site, &str) -> T) -> T {
    let file = device_file::read(&device_file::all()[name]);
    let driver = ballast_drivers::find(file.get("driver").and_then(Node::text).unwrap()).unwrap();
    let with = transcript::parameters(text).into_iter().map(|(name, (_, value))| (name, value)).collect();
    let points: Vec<(String, String)> =
        transcript::points(text).into_iter().map(|(_, name, keys)| (name, keys)).collect();
    then(name, &device_file::site_with(&file, driver, &with, &points), text)
}

#[test]
fn transcripts() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        with_site(&entry.unwrap().path(), |name, site, text| {
            let subject = Subject { catalog: &site.catalog, device: "it", only_output: None };
            let played = transcript::play(site.open(), subject, text);
            assert!(played.troubles.is_empty(), "{name}: {:#?}", played.troubles);
            let failed: Vec<_> = played.checks.iter().filter(|check| !check.is_met()).collect();
            assert!(failed.is_empty(), "{name}: {failed:#?}");
            // What is filled in is what was wanted.
            let lines = |text: &str| {
                text.lines().filter(|line| !line.contains("crc")).map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(lines(&played.filled), lines(text), "{name}");
        });
    }
}

/// Forms of a device that its transcript, which has one set of parameters, does not show.
const OTHER_FORMS: [(&str, &str); 2] = [
    (
        "zigbee2mqtt-plug",
        "with name = kitchen\nwith closed_message = {\"state\":\"ON\",\"on_time\":180}\nwith reverts_after = 180 s\n\
         ! contact closed\n> zigbee2mqtt/kitchen/set {\"state\":\"ON\",\"on_time\":180}\n",
    ),
    (
        "tasmota-plug",
        "with name = plug\nwith place = /1\nwith total = /1\n\
         < tele/plug/SENSOR {\"ENERGY\":{\"Total\":[1.5,6.294],\"Power\":[10,263]}}\n= power 263 W\n= energy 6.294 kWh\n",
    ),
];

#[test]
fn other_forms_of_a_device() {
    for (name, text) in OTHER_FORMS {
        with_text(name, text, |_, site, text| {
            let subject = Subject { catalog: &site.catalog, device: "it", only_output: None };
            let played = transcript::play(site.open(), subject, text);
            assert!(played.troubles.is_empty(), "{name}: {:#?}", played.troubles);
            let failed: Vec<_> = played.checks.iter().filter(|check| !check.is_met()).collect();
            assert!(failed.is_empty() && !played.checks.is_empty(), "{name}: {failed:#?}");
        });
    }
}

#[test]
fn every_difference_of_a_transcript_is_told_with_its_line() {
    with_site(&folder().join("eastron-sdm120.txt"), |_, site, _| {
        let play = |text: &str| {
            let subject = Subject { catalog: &site.catalog, device: "it", only_output: None };
            transcript::play(site.open(), subject, text)
        };
        let answer = "ask 1\n> 01 04 00 46 00 02 crc\n< 01 04 04 42 47 E0 00 crc\n";
        let checks = |text: &str| {
            let of = |check: &transcript::Check| {
                (
                    check.line,
                    check.wanted.clone().unwrap_or_default(),
                    check.found.clone().unwrap_or_default(),
                )
            };
            play(text).checks.iter().filter(|check| !check.is_met()).map(of).collect::<Vec<_>>()
        };
        let frequency = || "= frequency 49.96875 Hz".to_owned();
        assert_eq!(checks(&format!("{answer}= frequency 49.96875 Hz\n")), []);
        assert_eq!(checks(answer), [(3, String::new(), frequency())]);
        let wanted = || "= frequency 50 Hz".to_owned();
        assert_eq!(checks(&format!("{answer}= frequency 50 Hz\n")), [(4, wanted(), frequency())]);
        let more = format!("{answer}= voltage 1 V\n= frequency 49.96875 Hz\n");
        assert_eq!(checks(&more), [(4, "= voltage 1 V".to_owned(), String::new())]);
        assert!(
            play(&format!("{answer}= frequency 0 Hz")).filled.ends_with("crc\n= frequency 49.96875 Hz\n")
        );
        let odd = "< 01\nask 9\nask 0\n< 0x01\n! relay on\nat 3\nreset\nwhat\n";
        let lines: Vec<usize> = play(odd).troubles.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 4, 5, 6, 8], "{:?}", play(odd).troubles);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_transcript_makes_the_player_panic(
        file in prop::sample::select(vec!["gpio-pulse-meter", "gpio-relay-board", "modbus-relay-board", "mqtt-relay", "shelly-gen1-plug-http", "linky", "sim-load"]),
        lines in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(vec![
            "", "at 1e300", "at -1", "at nan", "reset", "ask 0", "ask 99999999999999999999", "< ", "< 200 x", "< \\x", "<kept a", "! x", "! contact closed",
            "< line high 1e19", "< 01 83 02 crc", "= ", "> ", "! contact 5 W", "! contact closed", "< it.power", "< it.power 5 Hz", "< it.power 1e300 W", "< it.closed yes",
        ])), 0..12),
    ) {
        with_site(&folder().join(format!("{file}.txt")), |_, site, text| {
            let mut played: Vec<&str> = text.lines().collect();
            for (place, line) in &lines {
                played.insert(place.index(played.len()), line);
            }
            let subject = Subject { catalog: &site.catalog, device: "it", only_output: None };
            transcript::play(site.open(), subject, &played.join("\n"));
        });
    }
}
