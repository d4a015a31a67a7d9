//! Every example site and every device file of the program is read without a mistake or a warning.

use std::path::Path;

use ballast_config::diagnostics::Diagnostics;
use ballast_config::load::{File, Files, Site, load};
use ballast_config::render::{Style, render};
use ballast_config::site::DriverFacts;
use ballast_config::sources::Sources;
use ballast_guard::plan::Strength;
use ballast_model::catalog::Noun;
use ballast_model::{Span, Wanted};

/// The drivers that the examples use.
const DRIVERS: &[DriverFacts] = &[
    driver("http", true, false),
    driver("modbus", true, false),
    driver("mqtt", true, true),
    driver("sim", false, false),
    driver("sunspec", true, false),
    driver("tic", false, false),
];

const fn driver(name: &'static str, is_network: bool, carries_messages: bool) -> DriverFacts {
    DriverFacts {
        name,
        is_network,
        strength: Strength::Soft,
        exclusive_key: None,
        is_experimental: false,
        carries_messages,
        reads_every: None,
    }
}

/// A text of the project, by its path.
fn text(path: &str) -> String {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&full).unwrap_or_default()
}

/// The names in a folder of the project, sorted.
fn names(path: &str) -> Vec<String> {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let entries = std::fs::read_dir(full).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn read(site: &str, safety: &str) -> Option<Site> {
    read_with(site, safety, None)
}

/// Reads a site with the device files of the program and those of an example, which has some of its own.
fn read_with(site: &str, safety: &str, own: Option<&str>) -> Option<Site> {
    let mut out = Diagnostics::new();
    let mut sources = Sources::new();
    let folders = ["config/devices"].into_iter().chain(own);
    let all = folders.flat_map(|folder| names(folder).into_iter().map(move |name| (folder, name)));
    let devices: Vec<(String, String)> =
        all.map(|(folder, name)| (name.clone(), text(&format!("{folder}/{name}")))).collect();
    let files = Files {
        site: File::Bytes(site.as_bytes()),
        safety: File::Bytes(safety.as_bytes()),
        devices: devices.iter().map(|(name, text)| (name.as_str(), File::Bytes(text.as_bytes()))).collect(),
    };
    let site = load(&files, DRIVERS, &mut sources, &mut out);
    out.sort();
    assert!(out.is_empty(), "{}", render(&out, &sources, Style::Plain));
    assert!(site.is_some(), "a site without mistakes comes out");
    site
}

#[test]
fn every_example_is_read() {
    let examples = names("examples");
    assert!(examples.len() >= 4, "the examples are not where they were");
    for example in examples {
        let site = text(&format!("examples/{example}/site.yaml"));
        let safety = text(&format!("examples/{example}/safety.yaml"));
        let own = format!("examples/{example}/devices");
        assert!(read_with(&site, &safety, Some(&own)).is_some(), "{example}");
    }
}

#[test]
fn linky_home_is_read() {
    let site = read(
        include_str!("../../../examples/linky-home/site.yaml"),
        include_str!("../../../examples/linky-home/safety.yaml"),
    )
    .unwrap();
    assert_eq!(&*site.catalog.site, "linky_home");
    let Some(Noun::Output(heater)) = site.catalog.resolve("water_heater") else { panic!("no water heater") };
    let envelope = &site.safety.envelopes[heater.index()];
    assert_eq!(envelope.output, heater);
    assert_eq!(envelope.lease, Span::from_secs(90));
    assert_eq!(site.catalog.output(heater).unwrap().default, Wanted::OPEN);
    let bus = site.buses.iter().find(|bus| &*bus.name == "broker").unwrap();
    let output = &bus.outputs[0];
    assert_eq!(output.settings.get("topic"), Some("relay/water_heater/set"));
    assert_eq!(output.settings.get("closed"), Some("ON"), "the default of the device file");
    assert_eq!(output.settings.get("state_topic"), Some("relay/water_heater/state"));
    assert_eq!(site.catalog.groups[0].rated[0], ballast_model::Finite::from(2000));
}

#[test]
fn the_village_is_read() {
    let site = read(
        include_str!("../../../examples/village/site.yaml"),
        include_str!("../../../examples/village/safety.yaml"),
    )
    .unwrap();
    let Some(Noun::Output(limit)) = site.catalog.resolve("pv.limit") else { panic!("no pv.limit") };
    assert_eq!(site.catalog.resolve("pv"), Some(Noun::Output(limit)), "one output lends its device's name");
    assert_eq!(site.generators.len(), 2);
    let generator = &site.generators[0];
    assert!(generator.running.is_some());
    assert_eq!(generator.attempt, Span::from_secs(20));
    let shedding = site.safety.shedding.as_ref().unwrap();
    assert_eq!(shedding.stages.len(), 4);
    // Never: clinic and water pump. The loads are those of the groups cold, homes, comfort and heaters.
    assert_eq!(shedding.loads.len(), 1 + 4 + 3 + 4);
    assert!(shedding.loads.iter().all(|load| load.power.is_some()));
    assert_eq!(site.safety.envelopes.len(), site.catalog.outputs.len());
    for (index, envelope) in site.safety.envelopes.iter().enumerate() {
        assert_eq!(envelope.output.index(), index, "an envelope stands at the index of its output");
    }
}

#[test]
fn the_fingerprint_sees_another_topic_but_no_comment() {
    let site_text = include_str!("../../../examples/linky-home/site.yaml");
    let safety_text = include_str!("../../../examples/linky-home/safety.yaml");
    let before = read(site_text, safety_text).unwrap().safety;
    let commented =
        read(&format!("# seen\n{site_text}"), &format!("{safety_text}\n# seen\n")).unwrap().safety;
    assert_eq!((before.fingerprint, before.definitions), (commented.fingerprint, commented.definitions));
    let moved =
        read(&site_text.replace("topic: relay/water_heater/set", "topic: relay/other/set"), safety_text)
            .unwrap()
            .safety;
    assert_ne!(before.definitions, moved.definitions);
    assert_ne!(before.fingerprint, moved.fingerprint);
    let looser =
        read(site_text, &safety_text.replace("max_closed: 10 h", "max_closed: 12 h")).unwrap().safety;
    assert_eq!(before.definitions, looser.definitions);
    assert_ne!(before.fingerprint, looser.fingerprint);
}
