//! `examples/village` over real MQTT and in real time: a broker, relays that an independent client watches, and the plant
//! behind them. The main set breaks; loads are cut by stages, the other sources come, and what was cut is given back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod common;

use ballast_plant::village::{Disturbance, What, When};
use ballast_plant::{Quantity, Village, VillageSpec};
use common::broker::{Broker, Message, Observer, Publisher};
use common::program::Program;
use common::{Scratch, wait_for};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const COMFORT: [&str; 3] = ["comfort_market", "comfort_school", "comfort_workshop"];
const HOMES: [&str; 4] = ["homes_north", "homes_south", "homes_east", "homes_west"];
const HEATERS: [&str; 4] = ["heaters_north", "heaters_south", "heaters_east", "heaters_west"];
const OTHERS: [(&str, &str); 4] =
    [("clinic", "2 kW"), ("water_pump", "2.5 kW"), ("cold_chain", "2.5 kW"), ("water_heater", "6 kW")];
/// Points of the plant, with what the site file says of each.
const POINTS: [(&str, &str, &str); 16] = [
    (
        "feeder_meter",
        "frequency",
        "unit: Hz, period: 20 ms, max_age: 2 s, resolution: 0.001 Hz, valid: 40..60 Hz",
    ),
    ("feeder_meter", "power", "unit: W, period: 200 ms, max_age: 10 s, resolution: 1 W"),
    ("inverter", "frequency", "unit: Hz, period: 20 ms, max_age: 2 s, resolution: 0.01 Hz, valid: 40..60 Hz"),
    ("genset", "frequency", "unit: Hz, period: 20 ms, max_age: 2 s, resolution: 0.01 Hz, valid: 40..60 Hz"),
    ("pv", "irradiance", "unit: W/m², period: 200 ms, max_age: 10 s, resolution: 1 W/m²"),
    ("battery", "power", "unit: W, period: 200 ms, max_age: 10 s, resolution: 1 W"),
    ("battery", "temperature", "unit: °C, period: 200 ms, max_age: 10 s, resolution: 0.1 °C"),
    ("pv", "power", "unit: W, period: 200 ms, max_age: 10 s, resolution: 1 W"),
    ("battery", "soc", "unit: \"%\", period: 200 ms, max_age: 30 s, resolution: 0.1 %, mean: true"),
    ("battery", "charge", "unit: W, period: 200 ms, max_age: 10 s, resolution: 1 W"),
    ("battery", "discharge", "unit: W, period: 200 ms, max_age: 10 s, resolution: 1 W"),
    ("genset", "running", "flag: true, period: 200 ms, max_age: 10 s"),
    ("genset", "power", "unit: W, period: 200 ms, max_age: 10 s, resolution: 1 W"),
    ("standby", "running", "flag: true, period: 200 ms, max_age: 10 s"),
    ("standby", "power", "unit: W, period: 200 ms, max_age: 10 s, resolution: 1 W"),
    ("grid", "mode", "words: [unknown, island, connected], period: 200 ms, max_age: 10 s"),
];
/// Outputs that are not loads.
const OUTPUTS: [(&str, &str); 7] = [
    ("genset", "run"),
    ("genset", "contactor"),
    ("standby", "run"),
    ("standby", "contactor"),
    ("battery", "charge_power"),
    ("battery", "discharge_power"),
    ("pv", "limit"),
];
/// How often slow points are published.
const SLOW: Duration = Duration::from_millis(200);
const FAST: Duration = Duration::from_millis(20);

/// The example, its devices on a broker, and its waiting times shortened so that nobody waits for minutes.
fn site(port: u16) -> Scratch {
    let site = Scratch::with_example("village-mqtt", "village");
    let text = std::fs::read_to_string(site.0.join("site.yaml")).unwrap();
    let (head, rest) = text.split_once("buses:").unwrap();
    let (_, tail) = rest.split_once("\ngroups:").unwrap();
    let mut devices = String::new();
    for device in ["feeder_meter", "inverter", "grid", "pv", "battery", "genset", "standby"] {
        writeln!(devices, "  {device}:\n    bus: broker").unwrap();
        if ["genset", "standby"].contains(&device) {
            writeln!(devices, "    kind: generator\n    running: {device}.running").unwrap();
            devices
                .push_str("    warm_up: 3 s\n    min_run: 1 min\n    cool_down: 10 s\n    attempt: 20 s\n");
        }
        devices.push_str("    points:\n");
        for (_, point, what) in POINTS.iter().filter(|(known, ..)| *known == device) {
            writeln!(devices, "      {point}: {{ topic: plant/{device}.{point}, {what} }}").unwrap();
        }
        let mut outputs = OUTPUTS.iter().filter(|(known, _)| *known == device).peekable();
        if outputs.peek().is_some() {
            devices.push_str("    outputs:\n");
        }
        for (_, output) in outputs {
            let is_level = output.ends_with("power") || *output == "limit";
            let kind = if is_level { "kind: setpoint, unit: W" } else { "kind: contact" };
            writeln!(devices, "      {output}: {{ {kind}, topic: relay/{device}.{output}/set }}").unwrap();
        }
    }
    let loads = HOMES.iter().map(|name| (*name, "6 kW")).chain(COMFORT.iter().map(|name| (*name, "4 kW")));
    let heaters = HEATERS.iter().map(|name| (*name, "20 kW"));
    for (load, rated) in loads.chain(heaters).chain(OTHERS) {
        let topics = format!("topic: relay/{load}.closed/set, state: plant/{load}.contact");
        let power =
            format!("topic: plant/{load}.power, unit: W, period: 200 ms, max_age: 10 s, resolution: 1 W");
        writeln!(
            devices,
            "  {load}: {{ file: mqtt-relay, bus: broker, rated: {rated}, with: {{ {topics} }}, points: {{ power: {{ {power} }} }} }}"
        )
        .unwrap();
    }
    let bus = format!("  broker: {{ driver: mqtt, url: \"mqtt://127.0.0.1:{port}\", client: village }}");
    std::fs::write(
        site.0.join("site.yaml"),
        format!("{head}buses:\n{bus}\n\ndevices:\n{devices}\ngroups:{tail}"),
    )
    .unwrap();
    site.edit("safety.yaml", "one_per: 10 s, jitter: 3 s", "one_per: 2 s, jitter: 0 s, settle: 2 s");
    // The main set runs alone, so that it is missed.
    std::fs::remove_file(site.0.join("rules/sources.rhai")).unwrap();
    site.edit("safety.yaml", "min_open: 30 s", "min_open: 1 s");
    site.edit("rules/balance.rhai", "for \"30s\"\n    until genset", "for \"2s\"\n    until genset");
    site.edit("rules/storage.rhai", "\"1min\"", "\"3s\"");
    site.edit("rules/storage.rhai", "\"20s\"", "\"2s\"");
    site.edit("site.yaml", "kW) - 8 kW", "kW) - 18 kW");
    site
}

/// The plant in real time between the broker's topics.
struct Plant {
    village: Arc<Mutex<Village>>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Plant {
    fn start(spec: VillageSpec, port: u16, relays: Arc<Observer>) -> Self {
        let village = Arc::new(Mutex::new(Village::new(spec, 1).unwrap()));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, ended) = (Arc::clone(&village), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut publisher = Publisher::connect(port);
            let start = Instant::now();
            let (mut done, mut slow_due) = (0, start);
            while !ended.load(Ordering::Relaxed) {
                let mut village = shared.lock().unwrap();
                village.advance(start.elapsed().as_millis() as u64);
                let commands = relays.seen();
                for command in commands.iter().skip(done) {
                    obey(&mut village, command);
                }
                done = commands.len();
                let is_slow_due = Instant::now() >= slow_due;
                if is_slow_due {
                    slow_due += SLOW;
                }
                publish(&village, &mut publisher, is_slow_due);
                drop(village);
                std::thread::sleep(FAST);
            }
        });
        Self { village, stop, thread: Some(thread) }
    }

    fn read(&self, name: &str) -> f64 {
        let village = self.village.lock().unwrap();
        village.read(village.find_output(name).unwrap()).unwrap_or(0.0)
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

/// A relay or a setpoint was told something.
fn obey(village: &mut Village, command: &Message) {
    let name = command.topic.trim_start_matches("relay/").trim_end_matches("/set");
    let input = village.find_input(name).unwrap_or_else(|| panic!("no input {name}"));
    let value = match command.payload.as_str() {
        "ON" => 1.0,
        "OFF" => 0.0,
        number => number.parse().unwrap_or_else(|_| panic!("{command:?}")),
    };
    village.set_input(input, value).unwrap();
}

/// Frequencies each time, everything else from time to time.
fn publish(village: &Village, publisher: &mut Publisher, everything: bool) {
    for named in village.outputs() {
        let is_frequency = named.quantity == Quantity::Frequency;
        if !is_frequency && !everything {
            continue;
        }
        let Some(value) = village.find_output(&named.name).and_then(|output| village.read(output)) else {
            continue;
        };
        let payload = match named.quantity {
            Quantity::Contact => (if value > 0.5 { "ON" } else { "OFF" }).to_owned(),
            Quantity::Truth => (value > 0.5).to_string(),
            Quantity::Word(words) => words[value as usize].to_owned(),
            _ => value.to_string(),
        };
        publisher.publish(&format!("plant/{}", named.name), &payload);
    }
}

/// The evening peak on a smaller and heavier inverter than the example's: it cannot carry the village, and the frequency falls
/// slowly enough that a busy computer does not decide the test. The second set starts in seconds.
fn spec(trip_s: f64) -> VillageSpec {
    let mut spec = VillageSpec::demo();
    spec.start_unix_s += 13 * 3_600 + 1_800;
    let what = What::GensetTrip { genset: "genset".into(), repair_s: 3_600.0 };
    spec.disturbances = vec![Disturbance { when: When::Once { after_start_s: trip_s }, jitter_s: 0.0, what }];
    let storage = spec.storage.as_mut().unwrap();
    (storage.inverter.forming_inertia_s, storage.inverter.rated_va) = (12.0, 20_000.0);
    storage.discharge_max_w = 20_000.0;
    (spec.gensets[1].start_ms, spec.gensets[1].warm_up_ms) = (1_000, 2_000);
    spec.gensets[1].machine.trim_s = Some(3.0);
    spec
}

#[test]
fn loads_are_cut_by_stages_other_sources_come_and_everything_is_given_back() {
    let Some(broker) = Broker::start("the village on a real broker") else { return };
    let site = site(broker.port);
    let relays = Arc::new(broker.observe("relay/#"));
    let trip = Duration::from_secs(18);
    let start = Instant::now();
    let plant = Plant::start(spec(trip.as_secs_f64()), broker.port, Arc::clone(&relays));
    let program = Program::run(&site.0, &["--trust-clock"]);
    let told = |load: &str| format!("relay/{load}.closed/set");
    // Loads whose wiring opens without power come back one after the other, before anything happens.
    for load in COMFORT {
        relays.wait_last(&told(load), "ON", Duration::from_secs(15));
    }
    assert!(start.elapsed() < trip, "this machine is too slow for this test");

    let cut = |names: &[&str]| -> Vec<Instant> {
        let seen = relays.seen();
        let first = |name: &&str| {
            seen.iter()
                .find(|m| m.topic == told(name) && m.payload == "OFF" && m.at > start + trip)
                .map(|m| m.at)
        };
        names.iter().filter_map(first).collect()
    };
    wait_for("comfort and homes to be cut", Duration::from_secs(15), || {
        (!cut(&COMFORT).is_empty() && !cut(&HOMES).is_empty()).then_some(())
    });
    let lines = || program.lines().join("\n");
    assert!(cut(&COMFORT).iter().min() <= cut(&HOMES).iter().min(), "comfort goes first:\n{}", lines());

    // The other sources: the battery is asked to give, the second set starts and takes load.
    wait_for("the battery to be asked", Duration::from_secs(15), || {
        let seen = relays.seen();
        let asked = seen.iter().filter(|m| m.topic == "relay/battery.discharge_power/set");
        asked.filter_map(|m| m.payload.parse::<f64>().ok()).find(|power| *power >= 1_000.0)
    });
    relays.wait_last("relay/standby.run/set", "ON", Duration::from_secs(15));
    relays.wait_last("relay/standby.contactor/set", "ON", Duration::from_secs(20));
    wait_for("the second set to carry load", Duration::from_secs(15), || {
        (plant.read("standby.power") > 3_000.0).then_some(())
    });

    // Everything is given back.
    for load in HOMES.iter().chain(&COMFORT) {
        relays.wait_last(&told(load), "ON", Duration::from_secs(60));
    }
    for load in ["clinic", "water_pump"] {
        let cut = relays.seen().into_iter().find(|m| m.topic == told(load) && m.payload == "OFF");
        assert_eq!(cut, None, "{load} is never cut");
    }
    assert_eq!(plant.village.lock().unwrap().record().blackouts, 0, "{}", lines());
    assert!(lines().contains("shedding stage 1 acted"), "{}", lines());
}
