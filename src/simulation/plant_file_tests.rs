//! Files of plants, and what is wrong with them.

use super::*;
use ballast_config::render;
use ballast_plant::faults::Fault;

fn of(text: &str) -> (Option<PlantFile>, Vec<String>) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let plant = read("plant.yaml", text.as_bytes(), &mut sources, &mut out);
    let told = render::flatten(&out, &sources);
    let told = told.iter().map(|one| format!("{}: {}: {}", one.place.line, one.code, one.message)).collect();
    (plant, told)
}

/// At which lines something was told.
fn lines(told: &[String]) -> Vec<u32> {
    let mut lines: Vec<u32> = told.iter().filter_map(|one| one.split(':').next()?.parse().ok()).collect();
    lines.sort_unstable();
    lines
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
        "village: sixty homes\nstart: tomorrow\nbattery: { cells: 40 m }\non_line: [gensett]\n\
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

#[test]
fn sources_contacts_and_water_begin_as_the_file_says() {
    let (plant, told) = of("village: forty homes\ndroop_only: true\non_line: [genset]\n\
        sources: { genset: 40 kW, standby: absent, battery: absent, pv: absent, turbine: absent }\n\
        closed: [heaters_north, heaters_west]\nopen: [homes_east, fridges_north]\ntanks: { start: 45 °C, spread: 2 K }\n\
        disturbances:\n  - { at: 0 s, blackout: true, for: 2 h }\n  - { at: 3 h, fan: battery, for: 1 h }\n");
    assert_eq!(told, Vec::<String>::new());
    let spec = plant.expect("it has no mistake").spec;
    let usual = VillageSpec::forty_homes();
    assert!(spec.gensets.iter().all(|genset| genset.machine.trim_s.is_none()));
    assert!((spec.gensets[0].machine.power_max_pu - 0.8).abs() < 1e-12 && !spec.gensets[0].is_absent);
    assert!(spec.gensets[1].is_absent && !usual.gensets[1].is_absent);
    let storage = spec.storage.as_ref().expect("its name stays");
    assert!(storage.is_absent && storage.inverter.trim_s.is_none());
    let differs: Vec<&str> = (spec.loads.iter().zip(&usual.loads))
        .filter(|(now, then)| now.closed_at_start != then.closed_at_start)
        .map(|(now, _)| now.name.as_str())
        .collect();
    assert_eq!(differs, ["homes_east"]);
    let closed: Vec<&str> =
        spec.tanks.iter().filter(|tank| tank.closed_at_start).map(|tank| tank.name.as_str()).collect();
    assert_eq!(closed, ["heaters_north", "heaters_west"]);
    assert!(!spec.fridges[0].closed_at_start && spec.fridges[1].closed_at_start);
    assert!(spec.tanks.iter().all(|tank| (tank.start_c, tank.start_spread_c) == (45.0, 2.0)));
    let what: Vec<&What> = spec.disturbances.iter().map(|one| &one.what).collect();
    let fan = What::FanFailure { storage: "battery".into(), lasts_s: 3_600.0 };
    assert_eq!(what, [&What::Blackout { lasts_s: 7_200.0 }, &fan]);
    let mut village = Village::new(spec, 1).expect("it can be");
    village.advance(10_000);
    assert!(village.frequency_hz().is_none(), "it is dark");
    let flows = village.flows();
    assert!(flows.solar_w.abs() + flows.wind_w.abs() < 1e-9);
}

#[test]
fn readings_and_commands_are_lost_late_and_twice() {
    let (plant, told) = of("faults:\n  - { of: genset.frequency, for: 10 s, reads: lost 30 % }\n  \
        - { of: feeder_meter.frequency, for: 10 s, reads: late 0.2..5 s }\n\
        commands:\n  - { of: genset, at: 5 s, for: 10 s, lost: 30 %, late: 0.2..5 s, twice: 10 % }\n  \
        - { of: homes_north.closed, for: 1 min, lost: 100 % }\n  - { of: all, for: 1 min, late: 2 s }\n");
    assert_eq!(told, Vec::<String>::new());
    let plant = plant.expect("it has no mistake");
    let faults: Vec<Fault> = plant.faults.iter().map(|one| one.fault).collect();
    assert_eq!(faults, [Fault::Lost { share: 0.3 }, Fault::LateBetween { low_ms: 200, high_ms: 5_000 }]);
    let village = Village::new(plant.spec, 0).expect("it can be");
    let input = |name: &str| village.find_input(name).expect("it has one");
    let [of_genset, of_homes, of_all] = plant.commands.as_slice() else { panic!("{:?}", plant.commands) };
    let genset = CommandWindow {
        inputs: vec![input("genset.run"), input("genset.contactor")],
        from_ms: 5_000,
        until_ms: 15_000,
        lost: 0.3,
        late_ms: Some((200, 5_000)),
        twice: 0.1,
    };
    assert_eq!(*of_genset, genset);
    assert_eq!((of_homes.inputs.clone(), of_homes.late_ms), (vec![input("homes_north.closed")], None));
    assert_eq!((of_all.inputs.len(), of_all.late_ms), (village.inputs().len(), Some((2_000, 2_000))));
}

#[test]
fn every_mistake_of_the_beginning_and_of_commands_is_told_at_its_line() {
    let (plant, told) =
        of("droop_only: maybe\nsources:\n  genset: 90 kW\n  standbye: absent\n  battery: 5 kW\n\
        closed: [heaters_nord]\nopen: [homes_east, homes_east]\ntanks: { start: 45 kW }\n\
        disturbances:\n  - { at: 0 s, blackout: false, for: 1 s }\n  - { at: 0 s, fan: batery, for: 1 s }\n");
    assert!(plant.is_none());
    assert_eq!(lines(&told), [1, 3, 4, 5, 6, 7, 8, 10, 11], "{told:#?}");
    let (plant, told) = of(
        "commands:\n  - { of: homes_nord, for: 1 s, lost: 3 % }\n  - { of: all, for: 1 s }\n  \
        - { of: all, lost: 3 % }\n  - { of: all, for: 1 s, lost: 130 % }\n  - { of: all, for: 1 s, late: 5..2 s }\n\
        faults:\n  - { of: battery.soc, for: 1 s, reads: lost 130 % }\n  \
        - { of: battery.soc, for: 1 s, reads: late 5..2 s }\n",
    );
    assert!(plant.is_none());
    assert_eq!(lines(&told), [2, 3, 4, 5, 6, 8, 9], "{told:#?}");
}
