//! Files of plants, and what is wrong with them.

use super::*;
use ballast_config::render;

fn of(text: &str) -> (Option<PlantFile>, Vec<String>) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let plant = read("plant.yaml", text.as_bytes(), &mut sources, &mut out);
    let told = render::flatten(&out, &sources);
    let told = told.iter().map(|one| format!("{}: {}: {}", one.place.line, one.code, one.message)).collect();
    (plant, told)
}

#[test]
fn a_file_changes_what_it_names_and_nothing_else() {
    let (plant, told) = of("village: forty homes\nstart: 2026-06-01 18:30\ncloudiness: 30 %\n\
        air: { mean: 35 °C, swing: 4 K }\nbattery: { soc: 25 %, cells: 40 °C }\non_line: [standby]\n\
        disturbances:\n  - { at: 10 min, trip: standby, for: 90 min }\n  \
        - { every: day 14:15, jitter: 5 min, cloud: 80 %, edge: 20 s, for: 6 min }\n  \
        - { at: 1 s, more: homes_north, power: 2 kW, for: 1 min }\n\
        faults:\n  - { of: feeder_meter.frequency, at: 5 s, for: 10 s, reads: always 49.2 }\n  \
        - { of: battery.soc, for: 10 s, reads: late 2 s }\n");
    assert_eq!(told, Vec::<String>::new());
    let plant = plant.expect("it has no mistake");
    let mut expected = VillageSpec::forty_homes();
    // 2026-06-01 17:30 UTC.
    expected.start_unix_s = 1_780_335_000;
    expected.cloudiness = 0.3;
    (expected.outdoor.mean_c, expected.outdoor.swing_c) = (35.0, 4.0);
    let storage = expected.storage.as_mut().expect("it has a battery");
    storage.soc_at_start = 0.25;
    storage.cells.as_mut().expect("it has cells").start_c = 40.0;
    (expected.gensets[0].on_line_at_start, expected.gensets[1].on_line_at_start) = (false, true);
    let once = |after_start_s, what| Disturbance { when: When::Once { after_start_s }, jitter_s: 0.0, what };
    expected.disturbances = vec![
        once(600.0, What::GensetTrip { genset: "standby".into(), repair_s: 5_400.0 }),
        Disturbance {
            when: When::Daily { local_s: 51_300.0 },
            jitter_s: 300.0,
            what: What::CloudFront { depth: 0.8, edge_s: 20.0, lasts_s: 360.0 },
        },
        once(1.0, What::LoadStep { load: "homes_north".into(), power_w: 2_000.0, lasts_s: 60.0 }),
    ];
    assert_eq!(plant.spec, expected);
    let windows: Vec<_> = plant.faults.iter().map(|one| (one.from_ms, one.until_ms, one.fault)).collect();
    let late = Fault::Late { by_ms: 2_000 };
    assert_eq!(windows, [(5_000, 15_000, Fault::OutOfRange { value: 49.2 }), (0, 10_000, late)]);
}

#[test]
fn a_village_without_more_is_the_one_of_the_demonstration() {
    let (plant, _) = of("village: demonstration\n");
    assert_eq!(plant.expect("it has no mistake").spec, VillageSpec::demo());
}

#[test]
fn every_mistake_is_told_at_its_line() {
    let (plant, told) = of(
        "village: sixty homes\nstart: tomorrow\nbattery: { cells: 40 °C }\non_line: [gensett]\n\
        disturbances:\n  - { at: 1 s, trip: genset }\n  - { trip: genset, for: 1 s }\n  - { at: 1 s, for: 1 s }\n  \
        - { at: 1 s, more: homes_nord, power: 2 kW, for: 1 s }\n  - { every: noon, cloud: 80 %, for: 1 s }\n\
        faults:\n  - { of: feeder.frequency, for: 1 s, reads: stuck }\n  - { of: battery.soc, for: 1 s, reads: funny }\n",
    );
    assert!(plant.is_none());
    let lines: Vec<&str> = told.iter().filter_map(|one| one.split(':').next()).collect();
    assert!(told.iter().any(|one| one.contains("plant::file")), "{told:?}");
    assert_eq!(lines, ["1", "2", "3", "4", "6", "7", "8", "9", "10", "12", "13"], "{told:#?}");
}

#[test]
fn an_empty_file_says_what_to_write() {
    let (plant, told) = of("");
    assert!(plant.is_none());
    assert!(told.iter().any(|one| one.contains("describes no plant")), "{told:?}");
}
