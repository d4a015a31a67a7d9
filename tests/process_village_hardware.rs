//! `examples/village-hardware` on devices that pymodbus serves (meter, controllers of two sets, SunSpec inverters) and relays on
//! a real broker. The main set fails step by step: the classes are shed by stages, storage and the second set take over, all
//! is given back, and the sun of the next day charges the battery.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod common;

use common::broker::{Broker, Observer, Publisher};
use common::modbus::Units;
use common::program::Program;
use common::{Scratch, wait_for};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Branches, what each draws in W, and whether it is connected before anybody says anything.
const COMFORT: [&str; 3] = ["comfort_market", "comfort_school", "comfort_workshop"];
const HOMES: [&str; 4] = ["homes_north", "homes_south", "homes_east", "homes_west"];
const VITAL: [&str; 2] = ["clinic", "water_pump"];
const COLD: &str = "cold_chain";
const HEATER: &str = "water_heater";

// Units of the site, and registers of their devices.
const METER: u8 = 1;
const SUN: u8 = 2;
const BATTERY: u8 = 3;
const GENSET: u8 = 11;
const STANDBY: u8 = 12;
const METER_POWER: u16 = 0x34;
const METER_FREQUENCY: u16 = 0x46;
// SunSpec: the first model stands at 40002, 103 is 52 registers long with its head, 124 is 26.
const MODEL_103: u16 = 40_002;
const MODEL_124: u16 = MODEL_103 + 52;
const MODEL_802: u16 = MODEL_124 + 26;
const W_103: u16 = MODEL_103 + 14;
const HZ_103: u16 = MODEL_103 + 16;
const STORAGE_CONTROL: u16 = MODEL_124 + 5;
const OUT_RATE: u16 = MODEL_124 + 12;
const IN_RATE: u16 = MODEL_124 + 13;
const RATE_TIMER: u16 = MODEL_124 + 15;
const SOC_802: u16 = MODEL_802 + 11;
const W_802: u16 = MODEL_802 + 47;
/// Pattern of a value that a model does not have.
const NOTHING: u16 = 0x8000;
/// 10 to the power of -1 and -2 in a scale register.
const TENTHS: u16 = 0xFFFF;
const HUNDREDTHS: u16 = 0xFFFE;

fn power_of(branch: &str) -> f64 {
    match branch {
        "clinic" | COLD => 2_000.0,
        "water_pump" => 2_500.0,
        HEATER => 4_000.0,
        comfort if COMFORT.contains(&comfort) => 2_000.0,
        _ => 3_000.0,
    }
}

fn branches() -> impl Iterator<Item = &'static str> {
    VITAL.into_iter().chain([COLD, HEATER]).chain(HOMES).chain(COMFORT)
}

/// A model of so many registers behind its head; offsets count from its number.
fn model(id: u16, length: u16, set: &[(u16, u16)]) -> Vec<u16> {
    let mut registers = vec![NOTHING; usize::from(length) + 2];
    (registers[0], registers[1]) = (id, length);
    for (offset, value) in set {
        registers[usize::from(*offset)] = *value;
    }
    registers
}

fn sunspec(unit: u8, models: &[Vec<u16>]) -> String {
    let all = [0x5375, 0x6E53].into_iter().chain(models.concat()).chain([0xFFFF, 0]);
    let words: Vec<String> = all.map(|register| register.to_string()).collect();
    format!("unit {unit} holding 40000 UINT16 {}", words.join(" "))
}

/// Everything that is served over Modbus, at rest.
fn holds() -> String {
    let inverter = || model(103, 50, &[(14, 0), (15, 1), (16, 5_000), (17, HUNDREDTHS), (38, 4)]);
    let limit = model(123, 24, &[(5, 100), (6, 0), (7, 0), (8, 0), (9, 0), (23, 0)]);
    let storage =
        model(124, 24, &[(5, 0), (12, 1_000), (13, 1_000), (14, 0), (15, 0), (16, 0), (25, TENTHS)]);
    let battery = model(802, 62, &[(11, 600), (56, TENTHS), (47, 0), (63, 0)]);
    let mut lines = vec![
        format!("unit {METER} input 0 FLOAT32 {}", "0.0 ".repeat(40)),
        format!("unit {METER} input 0x156 FLOAT32 {}", "0.0 ".repeat(8)),
        sunspec(SUN, &[inverter(), limit]),
        sunspec(BATTERY, &[inverter(), storage, battery]),
    ];
    // The main set is on the line already.
    for (unit, running) in [(GENSET, 1), (STANDBY, 0)] {
        lines.push(format!("unit {unit} coil 0 BITS {running} {running}"));
        lines.push(format!("unit {unit} discrete 0 BITS {running}"));
        lines.push(format!("unit {unit} input 0 UINT16 0"));
    }
    lines.join("\n")
}

/// What the test decides, in W and per cent.
#[derive(Clone, Copy)]
struct Sources {
    /// The main set can give this much.
    main: f64,
    sun: f64,
    soc: f64,
}

/// The village between its registers and topics: what is connected draws its power, the sets give what they can, the battery
/// gives the rest, and the frequency sags by 0.14 Hz with each kilowatt of it.
struct World {
    units: Arc<Mutex<Units>>,
    sources: Arc<Mutex<Sources>>,
    is_over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl World {
    fn start(units: Units, port: u16, told: Arc<Observer>) -> Self {
        let units = Arc::new(Mutex::new(units));
        let sources = Arc::new(Mutex::new(Sources { main: 50_000.0, sun: 0.0, soc: 60.0 }));
        let is_over = Arc::new(AtomicBool::new(false));
        let (held, given, ended) = (Arc::clone(&units), Arc::clone(&sources), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let mut publisher = Publisher::connect(port);
            while !ended.load(Ordering::Relaxed) {
                let sources = *given.lock().unwrap();
                let load = branches_obey(&mut publisher, &told);
                devices_follow(&mut held.lock().unwrap(), sources, load);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self { units, sources, is_over, thread: Some(thread) }
    }

    /// The main set can give this much from now on.
    fn main_gives(&self, watts: f64) {
        self.sources.lock().unwrap().main = watts;
    }

    fn holds(&self, unit: u8, function: u8, address: u16, count: u16) -> Vec<u16> {
        self.units.lock().unwrap().holds(unit, function, address, count)
    }

    fn wait_register(&self, what: &str, unit: u8, function: u8, address: u16, is_so: impl Fn(u16) -> bool) {
        wait_for(what, Duration::from_secs(20), || {
            is_so(self.holds(unit, function, address, 1)[0]).then_some(())
        });
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

/// Each branch is as it was told, and says so. Gives the power of all.
fn branches_obey(publisher: &mut Publisher, told: &Observer) -> f64 {
    let mut load = 0.0;
    for branch in branches() {
        let starts_open = branch == HEATER || COMFORT.contains(&branch);
        let word = told.last(&format!("branch/{branch}/set"));
        let is_closed = word.map_or(!starts_open, |word| word == "ON");
        let power = if is_closed { power_of(branch) } else { 0.0 };
        publisher.publish(&format!("branch/{branch}/status"), "online");
        publisher.publish(&format!("branch/{branch}/state"), if is_closed { "ON" } else { "OFF" });
        publisher.publish(&format!("branch/{branch}/power"), &power.to_string());
        load += power;
    }
    load
}

fn devices_follow(units: &mut Units, sources: Sources, load: f64) {
    // Each set gives only while it is told to run and to be on the line.
    let mut most = |set: u8, watts: f64| if units.holds(set, 1, 0, 2) == [1, 1] { watts } else { 0.0 };
    let (main, standby) = (most(GENSET, sources.main), most(STANDBY, 28_000.0));
    let wanted = load - sources.sun;
    let main = wanted.clamp(0.0, main);
    let standby = (wanted - main).clamp(0.0, standby);
    let battery = wanted - main - standby;
    let frequency = 50.0 - 0.14 * (battery / 1_000.0).max(0.0);
    units.set_float(METER, METER_POWER, load as f32);
    units.set_float(METER, METER_FREQUENCY, frequency as f32);
    units.set(BATTERY, 3, HZ_103, &[(frequency * 100.0).round() as u16]);
    units.set(BATTERY, 3, W_802, &[battery as i16 as u16]);
    units.set(BATTERY, 3, SOC_802, &[(sources.soc * 10.0) as u16]);
    units.set(SUN, 3, W_103, &[(sources.sun / 10.0) as u16]);
    units.set(GENSET, 4, 0, &[(main / 100.0) as u16]);
    units.set(STANDBY, 4, 0, &[(standby / 100.0) as u16]);
    let runs = units.holds(STANDBY, 1, 0, 1);
    units.set(STANDBY, 2, 0, &runs);
}

/// The example as it is, but for its waiting times.
fn site() -> Scratch {
    let site = Scratch::with_example("village-hardware", "village-hardware");
    site.edit("safety.yaml", "one_per: 10 s, jitter: 3 s", "one_per: 500 ms, jitter: 0 s, settle: 2 s");
    site.edit("safety.yaml", "min_open: 30 s", "min_open: 1 s");
    site.edit("safety.yaml", "min_open: 3 min, min_closed: 3 min", "min_open: 1 s, min_closed: 1 s");
    site.edit("safety.yaml", "min_closed: 60 s, min_open: 60 s", "min_closed: 1 s, min_open: 1 s");
    site.edit("rules/balance.rhai", "\"30s\"", "\"3s\"");
    site.edit("rules/storage.rhai", "\"2min\"", "\"2s\"");
    site.edit("rules/storage.rhai", "\"1min\"", "\"3s\"");
    site.edit("site.yaml", "warm_up: 30 s", "warm_up: 1 s");
    site.edit("site.yaml", "avg(site.discharge, 1 min)", "avg(site.discharge, 3 s)");
    site
}

/// The main set gives less and less; each time the next stage sheds, and the classes go in their order.
fn shed_by_stages(world: &World, told: &Observer, program: &Program) {
    let cut = |branch: &str| told.last(&format!("branch/{branch}/set")).as_deref() == Some("OFF");
    let count = |names: &[&str]| names.iter().filter(|name| cut(name)).count();
    // What the main set still gives, and how many of comfort, homes and cold are cut then. 24.5 kW were drawn; the stages
    // shed 15, 15, 20 and 30 per cent of that, by whole branches.
    let steps = [(18_900.0, 2, 0, 0), (13_700.0, 3, 1, 0), (7_300.0, 3, 3, 0), (500.0, 3, 4, 1)];
    for (stage, (main, comfort, homes, cold)) in steps.into_iter().enumerate() {
        world.main_gives(main);
        program.wait_line(&format!("shedding stage {} acted", stage + 1), Duration::from_secs(20));
        let now = || (count(&COMFORT), count(&HOMES), count(&[COLD]));
        wait_for(&format!("stage {} to be told", stage + 1), Duration::from_secs(10), || {
            (now() == (comfort, homes, cold)).then_some(())
        });
    }
    assert_eq!(count(&VITAL), 0);
}

#[test]
fn classes_are_shed_by_stages_other_sources_come_and_the_sun_charges_the_battery() {
    let Some(broker) = Broker::start("the village on Modbus and MQTT") else { return };
    let Some(units) = Units::start("the village on Modbus and MQTT", &holds()) else { return };
    let site = site();
    let told = Arc::new(broker.observe("branch/+/set"));
    let port = units.port;
    let world = World::start(units, broker.port, Arc::clone(&told));
    let mut arguments = vec!["--trust-clock".to_owned()];
    for bus in ["meters", "sets", "inverters"] {
        arguments.extend(["--set".to_owned(), format!("{bus}.url=tcp://127.0.0.1:{port}")]);
    }
    arguments.extend(["--set".to_owned(), format!("broker.url=mqtt://127.0.0.1:{}", broker.port)]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let program = Program::run(&site.0, &arguments);
    let patience = Duration::from_secs(30);
    let topic = |branch: &str| format!("branch/{branch}/set");
    for branch in COMFORT {
        told.wait_last(&topic(branch), "ON", patience);
    }
    program.wait_point("feeder_meter.power", "24500 W");
    program.wait_point("inverter.frequency", "50 Hz");
    // Nobody asks: the battery may take nothing and give a part, and the inverter's own timer runs.
    world.wait_register("the limit of taking", BATTERY, 3, IN_RATE, |rate| rate == 0);
    world.wait_register("the limit of giving", BATTERY, 3, OUT_RATE, |rate| rate == 600);
    assert_eq!(world.holds(BATTERY, 3, RATE_TIMER, 1), [60]);
    assert_eq!(world.holds(BATTERY, 3, STORAGE_CONTROL, 1), [3]);

    let trip = Instant::now();
    shed_by_stages(&world, &told, &program);
    let first_cut = |names: &[&str]| {
        let seen = told.seen();
        let is_cut = |name: &&str| {
            seen.iter().find(|m| m.topic == topic(name) && m.payload == "OFF" && m.at > trip).map(|m| m.at)
        };
        names.iter().filter_map(is_cut).min().unwrap()
    };
    assert!(first_cut(&COMFORT) < first_cut(&HOMES) && first_cut(&HOMES) < first_cut(&[COLD]));

    // The shortage lasts: the battery may give all, and the second set is started and takes load.
    world.wait_register("the battery to be asked", BATTERY, 3, OUT_RATE, |rate| rate == 1_000);
    world.sources.lock().unwrap().soc = 25.0;
    world.wait_register("the second set to be started", STANDBY, 1, 0, |coil| coil == 1);
    world.sources.lock().unwrap().soc = 60.0;
    world.wait_register("the second set to take load", STANDBY, 1, 1, |coil| coil == 1);

    // Everything is given back, and what is never cut never was.
    for branch in COMFORT.iter().chain(&HOMES).chain([&COLD]) {
        told.wait_last(&topic(branch), "ON", Duration::from_secs(60));
    }
    for branch in VITAL {
        let cut = told.seen().into_iter().find(|m| m.topic == topic(branch) && m.payload == "OFF");
        assert_eq!(cut, None, "{branch} is never cut");
    }
    let why = program.tell(&["why", "storage.discharge_limit"]);
    assert!(why.contains("timed"), "{why}");

    // The next day: 40 kW of sun on 24.5 kW of load. The water heater takes 4 kW, the battery may take the rest.
    world.main_gives(50_000.0);
    world.sources.lock().unwrap().sun = 40_000.0;
    told.wait_last(&topic(HEATER), "ON", patience);
    world.wait_register("the battery to be charged", BATTERY, 3, IN_RATE, |rate| rate == 600);
    let off_line = program.lines().into_iter().find(|line| line.contains("genset.contactor open"));
    assert_eq!(off_line, None, "nobody takes the main set off the line");
}
