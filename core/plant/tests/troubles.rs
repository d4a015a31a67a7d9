//! What a file of a plant may let happen to a village: blackouts, sets that are not there, cells without a fan, and sources
//! that give up after repeated collapses.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use ballast_plant::village::{Disturbance, What, When};
use ballast_plant::{Village, VillageSpec};

const MINUTE_MS: u64 = 60_000;

fn read(village: &Village, name: &str) -> Option<f64> {
    village.read(village.find_output(name).unwrap_or_else(|| panic!("no output {name}")))
}

fn is_set(village: &Village, name: &str) -> bool {
    read(village, name).is_some_and(|value| value > 0.5)
}

fn set(village: &mut Village, name: &str, value: f64) {
    let id = village.find_input(name).unwrap_or_else(|| panic!("no input {name}"));
    village.set_input(id, value).unwrap();
}

fn forty(change: impl FnOnce(&mut VillageSpec)) -> Village {
    let mut spec = VillageSpec::forty_homes();
    change(&mut spec);
    Village::new(spec, 5).unwrap()
}

fn once(after_start_s: f64, what: What) -> Disturbance {
    Disturbance { when: When::Once { after_start_s }, jitter_s: 0.0, what }
}

/// Every source is lost at once and none comes back before the end, whatever it is told; then a set starts as it is told.
#[test]
fn a_blackout_lasts_until_its_end() {
    let mut village = forty(|spec| {
        spec.storage.as_mut().unwrap().is_absent = true;
        spec.disturbances.push(once(600.0, What::Blackout { lasts_s: 3_600.0 }));
    });
    village.advance(599_000);
    assert!(village.frequency_hz().is_some() && read(&village, "genset.frequency").is_some());
    set(&mut village, "standby.run", 1.0);
    set(&mut village, "standby.contactor", 1.0);
    for minute in 11..=70 {
        village.advance(minute * MINUTE_MS - 1_000);
        assert_eq!(village.frequency_hz(), None, "minute {minute}");
        assert_eq!(read(&village, "genset.frequency"), None);
        assert!(!is_set(&village, "genset.running") && !is_set(&village, "standby.running"));
    }
    set(&mut village, "standby.run", 0.0);
    // 8 s of cranking, 30 s of warming up.
    village.advance(4_200_000 + 37_000);
    assert_eq!(village.frequency_hz(), None);
    village.advance(4_200_000 + 45_000);
    assert!(village.frequency_hz().is_some() && is_set(&village, "genset.contact"));
    assert!(!is_set(&village, "standby.running"), "nobody tells it to run any more");
    assert_eq!(village.record().blackouts, 1);
}

/// A battery that is not there gives nothing, and neither does a set; both keep their names.
#[test]
fn sources_that_are_absent_give_nothing() {
    let mut village = forty(|spec| {
        spec.storage.as_mut().unwrap().is_absent = true;
        spec.gensets[1].is_absent = true;
        spec.gensets[0].machine.power_max_pu = 0.8;
        spec.disturbances.push(once(60.0, What::GensetTrip { genset: "standby".into(), repair_s: 10.0 }));
    });
    for input in ["standby.run", "standby.contactor", "battery.contactor"] {
        set(&mut village, input, 1.0);
    }
    set(&mut village, "battery.discharge_power", 20_000.0);
    village.advance(10 * MINUTE_MS);
    assert!(is_set(&village, "standby.failed") && !is_set(&village, "standby.contact"));
    assert!(!is_set(&village, "battery.contact"));
    let flows = village.flows();
    assert!(flows.storage_w.abs() + flows.gensets_w[1].abs() < 1e-9, "{flows:?}");
    assert!(flows.gensets_w[0] > 5_000.0);
}

/// With droop alone a load changes the frequency for good; with their trim the sources bring it back.
#[test]
fn without_trim_a_load_changes_the_frequency_for_good() {
    let after = |droop_only: bool| {
        let mut village = forty(|spec| {
            spec.start_unix_s -= 4 * 3_600;
            (spec.solar.as_mut().unwrap().performance, spec.wind) = (0.0, None);
            spec.feeders.clear();
            spec.storage.as_mut().unwrap().is_absent = true;
            if droop_only {
                spec.gensets[0].machine.trim_s = None;
            }
            let what = What::LoadStep { load: "homes_north".into(), power_w: 12_000.0, lasts_s: 3_600.0 };
            spec.disturbances.push(once(600.0, what));
        });
        village.advance(599_000);
        let before_hz = village.frequency_hz().unwrap();
        village.advance(630_000);
        before_hz - village.frequency_hz().unwrap()
    };
    // 12 kW of 50 kVA at 5 % of droop: 0.6 Hz, less what the loads take less.
    assert!((0.45..0.65).contains(&after(true)), "{} Hz with droop alone", after(true));
    assert!(after(false).abs() < 0.1, "{} Hz with trim", after(false));
}

/// Cells whose fan stands still become warmer by about three times as much.
#[test]
fn cells_without_their_fan_become_hotter() {
    let warmest_c = |fails: bool| {
        let mut village = forty(|spec| {
            (spec.outdoor.mean_c, spec.outdoor.swing_c) = (35.0, 0.0);
            spec.storage.as_mut().unwrap().soc_at_start = 0.95;
            spec.storage.as_mut().unwrap().cells.as_mut().unwrap().start_c = 35.0;
            (spec.solar, spec.wind) = (None, None);
            spec.feeders.clear();
            let load = What::LoadStep { load: "homes_north".into(), power_w: 12_000.0, lasts_s: 7_200.0 };
            spec.disturbances.push(once(0.0, load));
            if fails {
                let what = What::FanFailure { storage: "battery".into(), lasts_s: 7_200.0 };
                spec.disturbances.push(once(0.0, what));
            }
        });
        set(&mut village, "genset.run", 0.0);
        let mut warmest_c = 0.0_f64;
        for minute in 1..=100 {
            village.advance(minute * MINUTE_MS);
            warmest_c = warmest_c.max(read(&village, "battery.temperature").unwrap());
        }
        warmest_c
    };
    let (cooled_c, hot_c) = (warmest_c(false), warmest_c(true));
    println!("{cooled_c} C with the fan, {hot_c} C without");
    assert!(cooled_c > 36.0 && hot_c - 35.0 > 1.5 * (cooled_c - 35.0), "{cooled_c} C and {hot_c} C");
}

/// Forty cold water heaters without control: the village collapses, its sources try again, and give up; it does not flap for
/// ever. A set comes back once its wish to run is given anew.
#[test]
fn a_village_that_is_too_heavy_does_not_flap_for_ever() {
    let mut village = forty(|spec| {
        spec.start_unix_s += 13 * 3_600;
        for tank in &mut spec.tanks {
            (tank.closed_at_start, tank.start_c, tank.start_spread_c) = (true, 30.0, 0.0);
        }
    });
    village.advance(20 * MINUTE_MS);
    let early = village.record().blackouts;
    assert!((2..=6).contains(&early), "{early} blackouts in twenty minutes");
    assert!(is_set(&village, "genset.failed") && !is_set(&village, "genset.running"));
    village.advance(120 * MINUTE_MS);
    let late = village.record().blackouts;
    assert!(late <= 20, "{late} blackouts in two hours");
    // What comes back after darkness takes more than usual: only the clinic is connected now.
    let names: Vec<String> = village.spec().consumer_names().map(str::to_owned).collect();
    for name in names.iter().filter(|name| *name != "clinic") {
        set(&mut village, &format!("{name}.closed"), 0.0);
    }
    set(&mut village, "genset.run", 0.0);
    village.advance(121 * MINUTE_MS);
    assert!(!is_set(&village, "genset.failed"));
    set(&mut village, "genset.run", 1.0);
    village.advance(124 * MINUTE_MS);
    assert!(is_set(&village, "genset.contact") && village.frequency_hz().is_some());
    println!("{early} blackouts in twenty minutes, {late} in two hours");
}

#[test]
fn a_fan_of_a_battery_without_cells_is_refused() {
    let mut spec = VillageSpec::demo();
    spec.storage.iter_mut().for_each(|storage| storage.cells = None);
    spec.disturbances.push(once(0.0, What::FanFailure { storage: "battery".into(), lasts_s: 60.0 }));
    let error = Village::new(spec, 0).unwrap_err();
    assert!(error.to_string().contains("battery with cells"), "{error}");
}
