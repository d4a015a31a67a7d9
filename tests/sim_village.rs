//! `examples/village` on its plant, in simulated time: engine, guard and rules decide, the frequency answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failing test is its own message"
)]
#![allow(clippy::print_stdout, reason = "seeds and what they gave are told")]

use ballast::replay::Machines;
use ballast::simulation::{Setup, Simulation};
use ballast_model::Span;
use ballast_plant::faults::storm;
use ballast_plant::village::{Disturbance, What, When};
use ballast_plant::{OutputId, Village, VillageSpec};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const HOUR_S: u64 = 3_600;
/// 19:20: ten minutes before the main set breaks at the evening peak.
const EVENING_S: u64 = 19 * HOUR_S + 20 * 60;
/// When it breaks, after the start.
const TRIP_S: u64 = 600;
const COMFORT: [&str; 3] = ["comfort_market", "comfort_school", "comfort_workshop"];
const HOMES: [&str; 4] = ["homes_north", "homes_south", "homes_east", "homes_west"];
const NEVER: [&str; 2] = ["clinic", "water_pump"];

fn seconds(count: u64) -> Span {
    Span::from_secs(count)
}

/// The evening, with one disturbance: the main set breaks exactly after ten minutes. No second set runs along, so that the
/// village misses it.
fn evening(seed: u64) -> Setup {
    let mut setup = Setup::village(seed, EVENING_S);
    setup.texts.files.remove("rules/sources.rhai");
    let what = What::GensetTrip { genset: "genset".into(), repair_s: 7_200.0 };
    let when = When::Once { after_start_s: TRIP_S as f64 };
    setup.spec.disturbances = vec![Disturbance { when, jitter_s: 0.0, what }];
    setup
}

fn begin(setup: Setup) -> Simulation {
    Simulation::begin(setup).unwrap_or_else(|error| panic!("{error}"))
}

fn read(village: &Village, name: &str) -> f64 {
    let output = village.find_output(name).unwrap_or_else(|| panic!("no output {name}"));
    village.read(output).unwrap_or(f64::NAN)
}

/// When each contact moved, ms after the start, and where to: as the plant's contacts stood.
#[derive(Clone, Debug, Default)]
struct Contacts {
    moved: BTreeMap<String, Vec<(u64, bool)>>,
}

impl Contacts {
    fn watch(names: &'static [&'static str], setup: &mut Setup) -> Arc<Mutex<Self>> {
        let contacts: Arc<Mutex<Self>> = Arc::default();
        let seen = Arc::clone(&contacts);
        setup.onlooker = Some(Arc::new(move |village| {
            let mut seen = seen.lock().unwrap();
            for name in names {
                let is_closed = read(village, &format!("{name}.contact")) > 0.5;
                let moves = seen.moved.entry((*name).to_owned()).or_default();
                if moves.last().is_none_or(|(_, last)| *last != is_closed) {
                    moves.push((village.now_ms(), is_closed));
                }
            }
        }));
        contacts
    }

    /// When it opened for the first time at or after `from_ms`.
    fn opened(&self, name: &str, from_ms: u64) -> Option<u64> {
        self.moved.get(name)?.iter().find(|(at, is_closed)| *at >= from_ms && !is_closed).map(|(at, _)| *at)
    }

    fn closings(&self, from_ms: u64) -> Vec<u64> {
        let all = self.moved.values().flatten().filter(|(at, is_closed)| *at >= from_ms && *is_closed);
        let mut closings: Vec<u64> = all.map(|(at, _)| *at).collect();
        closings.sort_unstable();
        closings
    }

    fn is_closed(&self, name: &str) -> bool {
        self.moved.get(name).and_then(|moves| moves.last()).is_some_and(|(_, is_closed)| *is_closed)
    }
}

static SHEDDABLE: [&str; 8] = [
    "cold_chain",
    "homes_north",
    "homes_south",
    "homes_east",
    "homes_west",
    "comfort_market",
    "comfort_school",
    "comfort_workshop",
];
static EVERYTHING: [&str; 10] = [
    "clinic",
    "water_pump",
    "cold_chain",
    "homes_north",
    "homes_south",
    "homes_east",
    "homes_west",
    "comfort_market",
    "comfort_school",
    "comfort_workshop",
];

#[test]
fn the_nadir_is_worse_when_the_outputs_are_disconnected() {
    for seed in [1, 2, 3] {
        let run = |cut_outputs| {
            let mut simulation = begin(Setup { cut_outputs, ..evening(seed) });
            simulation.run_until(seconds(TRIP_S - 1));
            simulation.plant().touch(Village::reset_extremes);
            simulation.run_until(seconds(TRIP_S + 300));
            simulation.look(|village| *village.record())
        };
        let (with, without) = (run(false), run(true));
        println!(
            "seed {seed}: nadir {:.3} Hz and {} blackouts connected, {:.3} Hz and {} disconnected",
            with.lowest_hz, with.blackouts, without.lowest_hz, without.blackouts
        );
        assert_eq!(with.blackouts, 0, "seed {seed}: rules and guard keep the village alive");
        assert!(with.lowest_hz > without.lowest_hz + 0.3, "seed {seed}: they must matter");
        assert!(without.blackouts > 0, "seed {seed}: the battery alone cannot carry the evening");
    }
}

#[test]
fn the_same_seed_gives_the_same_run_bit_for_bit() {
    let run = |seed| {
        let mut setup = evening(seed);
        setup.faults = faults(&setup.spec, seed, 900, 20);
        let mut simulation = begin(setup);
        simulation.run_until(seconds(TRIP_S + 300));
        (simulation.log(), simulation.state(), simulation.journal())
    };
    let (first, again, other) = (run(7), run(7), run(8));
    assert!(first.0.len() > 50, "an evening with things to tell: {:#?}", first.0);
    assert_eq!(first.0, again.0);
    assert!(first.1 == again.1, "the states of engine and guard differ");
    assert!(!first.2.is_empty() && first.2 == again.2, "the journals differ");
    assert_ne!(first.0, other.0);
}

#[test]
fn classes_are_shed_in_their_order_and_given_back_by_budget() {
    for seed in [1, 2, 3] {
        let mut setup = evening(seed);
        let contacts = Contacts::watch(&EVERYTHING, &mut setup);
        let mut simulation = begin(setup);
        simulation.run_until(seconds(TRIP_S - 1));
        let trip_ms = TRIP_S * 1_000;
        for name in SHEDDABLE {
            assert!(
                contacts.lock().unwrap().is_closed(name),
                "seed {seed}: {name} is supplied before the trip"
            );
        }
        simulation.run_until(seconds(TRIP_S + 10));
        {
            let contacts = contacts.lock().unwrap();
            let opened = |names: &[&str]| -> Vec<u64> {
                names.iter().filter_map(|name| contacts.opened(name, trip_ms)).collect()
            };
            let (comfort, homes, cold) = (opened(&COMFORT), opened(&HOMES), opened(&["cold_chain"]));
            println!(
                "seed {seed}: cut after the trip: comfort {comfort:?}, homes {homes:?}, cold {cold:?} ms"
            );
            assert!(!comfort.is_empty() && !homes.is_empty(), "seed {seed}: comfort and homes are cut");
            assert!(
                comfort.iter().chain(&homes).all(|at| *at < trip_ms + 1_000),
                "seed {seed}: within a second"
            );
            let last_of_others = comfort.iter().chain(&homes).max().copied();
            assert!(
                cold.iter().all(|at| Some(*at) >= last_of_others),
                "seed {seed}: the cold chain goes last"
            );
        }
        // Room comes with the second set; fifteen minutes are enough for everything.
        let capacity_kw = |village: &Village| {
            let set = |name: &str, rated: f64| if read(village, name) > 1_000.0 { rated } else { 0.0 };
            30.0 + set("genset.power", 50.0) + set("standby.power", 30.0)
        };
        while simulation.elapsed() < seconds(TRIP_S + 900) {
            let before = contacts.lock().unwrap().closings(trip_ms).len();
            let (load_kw, capacity_kw) =
                simulation.look(|village| (read(village, "feeder_meter.power") / 1e3, capacity_kw(village)));
            simulation.step();
            if contacts.lock().unwrap().closings(trip_ms).len() > before {
                let free_kw = capacity_kw - load_kw;
                assert!(
                    free_kw > 0.15 * capacity_kw,
                    "seed {seed}: given back with {free_kw} of {capacity_kw} kW free"
                );
            }
        }
        let contacts = contacts.lock().unwrap();
        for name in SHEDDABLE {
            let log = simulation.log().join("\n");
            assert!(contacts.is_closed(name), "seed {seed}: {name} is given back: {contacts:?}\n{log}");
        }
        let closings = contacts.closings(trip_ms);
        println!("seed {seed}: given back at {closings:?} ms");
        assert!(closings.len() >= 4, "seed {seed}");
        assert!(
            closings.windows(2).all(|pair| pair[1] - pair[0] >= 10_000),
            "seed {seed}: one per 10 s: {closings:?}"
        );
        for name in NEVER {
            assert_eq!(contacts.opened(name, 0), None, "seed {seed}: {name} is never cut");
        }
    }
}

#[test]
fn shortage_starts_the_second_set_and_the_battery_supports_the_grid() {
    let mut simulation = begin(evening(1));
    simulation.run_until(seconds(TRIP_S - 1));
    assert!(simulation.look(|village| read(village, "standby.running")) < 0.5);
    let mut asked_w: f64 = 0.0;
    while simulation.elapsed() < seconds(TRIP_S + 300) {
        simulation.step();
        asked_w = asked_w.max(told_w(&simulation, "battery.discharge_power"));
    }
    assert!(asked_w >= 1_000.0, "the battery was asked for {asked_w} W");
    let log = simulation.log().join("\n");
    assert!(log.contains("rule \"support the grid\" started"), "{log}");
    assert!(log.contains("standby.run closed"), "{log}");
    let (power_w, discharge_w) =
        simulation.look(|village| (read(village, "standby.power"), read(village, "battery.discharge")));
    assert!(power_w > 5_000.0, "the second set carries {power_w} W, the battery {discharge_w} W");
}

#[test]
fn surplus_heats_water_and_charges_the_battery() {
    let mut setup = Setup::village(1, 11 * HOUR_S);
    setup.spec.disturbances.clear();
    let mut simulation = begin(setup);
    let (mut has_heated, mut most_w) = (false, 0.0f64);
    while simulation.elapsed() < seconds(HOUR_S) {
        simulation.step();
        has_heated |= simulation.look(|village| read(village, "water_heater.contact")) > 0.5;
        most_w = most_w.max(told_w(&simulation, "battery.charge_power"));
    }
    assert!(has_heated, "{}", simulation.log().join("\n"));
    assert!(most_w >= 2_000.0, "charged with {most_w} W at most");
    assert!(simulation.look(|village| read(village, "battery.soc")) > 56.0);
}

/// Faults of every kind on every meter, over the hour in which the main set breaks as well: what must never be cut is
/// not, and nothing panics.
#[test]
fn a_storm_of_faulty_sensors_never_cuts_the_vital_loads() {
    for seed in [1, 2] {
        let mut setup = Setup::village(seed, 18 * HOUR_S + 2_700);
        setup.faults = faults(&setup.spec, seed, HOUR_S, 200);
        let contacts = Contacts::watch(&EVERYTHING, &mut setup);
        let mut simulation = begin(setup);
        simulation.run_until(seconds(HOUR_S));
        let contacts = contacts.lock().unwrap();
        for name in NEVER {
            let opened = contacts.opened(name, 0);
            assert_eq!(opened, None, "seed {seed}: {name}:\n{}", simulation.log().join("\n"));
        }
        let log = simulation.log();
        println!(
            "seed {seed}: {} lines, {} of bad frequency",
            log.len(),
            log.iter().filter(|l| l.contains("frequency is")).count()
        );
    }
}

/// What the guard last told a setpoint, W.
fn told_w(simulation: &Simulation, output: &str) -> f64 {
    let catalog = simulation.decision.running.catalog();
    let place = catalog.outputs.iter().position(|known| &*known.name == output).expect("the output exists");
    let output = ballast_model::OutputId(place as u32);
    let verdict = simulation.decision.engine.verdict(output);
    verdict.map_or(0.0, |verdict| match verdict.state {
        ballast_model::Wanted::Level(level) => level.get(),
        ballast_model::Wanted::Contact(_) => f64::NAN,
    })
}

/// Faults on everything that is measured.
fn faults(
    spec: &VillageSpec,
    seed: u64,
    length_s: u64,
    count: usize,
) -> Vec<ballast_plant::faults::FaultWindow> {
    let village = Village::new(spec.clone(), seed).expect("the village can be");
    let measured: Vec<OutputId> = village
        .outputs()
        .iter()
        .filter(|named| !named.name.ends_with(".contact"))
        .filter_map(|named| village.find_output(&named.name))
        .collect();
    storm(seed, &measured, length_s * 1_000, count, 99.0)
}

/// Half an hour with the trip of the main set: every segment from its checkpoint, so that each restored guard, which looks
/// at everything once more, has to say what the one that never stopped said.
#[test]
fn every_segment_of_an_evening_replays_from_its_checkpoint() {
    for (seed, local_s) in [(1, EVENING_S), (2, 14 * HOUR_S)] {
        let mut simulation = begin(Setup::village(seed, local_s));
        simulation.run_until(seconds(1_800));
        let tape = simulation.decision.carrier.ring.freeze();
        assert!(tape.segments().len() >= 20, "{} segments", tape.segments().len());
        for (segment, number) in tape.segments().iter().zip(0..) {
            let mut machines = Machines::restore(segment).unwrap();
            for (record, place) in segment.records().zip(0..) {
                let difference = machines.take(&record).unwrap();
                assert_eq!(difference, None, "seed {seed}, record {place} of segment {number}");
            }
        }
    }
}
