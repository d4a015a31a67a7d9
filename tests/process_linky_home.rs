//! `examples/linky-home` on a meter's bytes at line speed, an Envoy's documents from Python's web server, a real broker, and
//! an independent client that watches the relay and the charging point.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::broker::{Broker, Message, Observer};
use common::files::Files;
use common::program::Program;
use common::terminal::Meter;
use common::tic::{Group, frame, frames};
use common::{Scratch, recorded, wait_for};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tic_decoder::Mode;

const RELAY: &str = "relay/water_heater/set";
const HISTORICAL: &str = "tic/continuous_linky_3P_historical_TIC_sample.bin";
const STANDARD: &str = "tic/continuous_linky_1P_standard_TIC_sample.bin";

struct House {
    program: Program,
    meter: Meter,
    relay: Observer,
    broker: Broker,
    _site: Scratch,
    mode: Mode,
    groups: Vec<Group>,
    recording: Vec<u8>,
}

impl House {
    /// The example as it is, but for its minimum times, which would make the test wait for minutes. No Envoy, no car.
    fn new(recording: &str) -> Option<Self> {
        Self::with(recording, "http://127.0.0.1:9", |_| ())
    }

    /// The same with an Envoy at this address, and with other changes to the example.
    fn with(recording: &str, envoy: &str, edit: impl Fn(&Scratch)) -> Option<Self> {
        let bytes = recorded(recording)?;
        let broker = Broker::start("linky-home on a real broker")?;
        let site = Scratch::with_example("linky-home", "linky-home");
        site.edit("safety.yaml", "min_closed: 60 s", "min_closed: 1 s");
        site.edit("safety.yaml", "min_open: 60 s", "min_open: 1 s");
        site.edit("safety.yaml", "for 60 s", "for 2 s");
        site.edit("rules/heating.rhai", "for \"2min\"", "for \"2s\"");
        edit(&site);
        let meter = Meter::new();
        let relay = broker.observe("relay/#");
        let port = format!("tic.port={}", meter.path.display());
        let url = format!("broker.url=mqtt://127.0.0.1:{}", broker.port);
        let envoy = format!("envoy.url={envoy}");
        let arguments = ["--set", &port, "--set", &url, "--set", &envoy, "--trust-clock"];
        let program = Program::run(&site.0, &arguments);
        let (mode, mut all) = frames(&bytes);
        let groups = all.pop().unwrap();
        Some(Self { program, meter, relay, broker, _site: site, mode, groups, recording: bytes })
    }

    /// Sends frames with replaced groups until the relay was told this, or for so many frames.
    fn send(&mut self, count: usize, replaced: &[(&str, &str)]) {
        let bytes = frame(self.mode, &self.groups, replaced);
        for _ in 0..count {
            self.meter.send(&bytes, self.mode.baud());
        }
    }

    fn told(&self) -> Vec<String> {
        self.relay.seen().into_iter().filter(|m| m.topic == RELAY).map(|m| m.payload).collect()
    }
}

/// The recorded home has a base tariff: its water heater is never switched on by the tariff.
fn recorded_bytes_alone_switch_nothing_on(house: &mut House) {
    let recording = house.recording.clone();
    house.meter.send(&recording, house.mode.baud());
    assert!(house.told().iter().all(|word| word == "OFF"), "told {:?}", house.told());
    let status = house.program.tell(&["status"]);
    assert!(status.contains("linky.apparent_power"), "{status}");
}

#[test]
fn historical_mode_off_peak_heats_and_a_full_house_sheds() {
    let Some(mut house) = House::new(HISTORICAL) else { return };
    recorded_bytes_alone_switch_nothing_on(&mut house);
    house.send(3, &[("PTEC", "HC.."), ("PAPP", "00740")]);
    house.relay.wait_last(RELAY, "ON", Duration::from_secs(10));
    let why = house.program.tell(&["why", "water_heater"]);
    assert!(why.contains("off-peak") && why.contains("closed"), "{why}");
    // ISOUSC 20 A on three phases of 200 V is 12 kVA: the limit of the safety set acts at 98 % of it.
    house.send(4, &[("PTEC", "HC.."), ("PAPP", "11900")]);
    house.relay.wait_last(RELAY, "OFF", Duration::from_secs(10));
    let why = house.program.tell(&["why", "water_heater"]);
    assert!(why.contains("open") && why.contains("subscribed power"), "{why}");
    house.send(4, &[("PTEC", "HC.."), ("PAPP", "00740")]);
    house.relay.wait_last(RELAY, "ON", Duration::from_secs(10));
    // The tariff ends.
    house.send(2, &[("PTEC", "HP.."), ("PAPP", "00740")]);
    house.relay.wait_last(RELAY, "OFF", Duration::from_secs(10));
}

#[test]
fn standard_mode_tempo_and_subscribed_power() {
    let Some(mut house) = House::new(STANDARD) else { return };
    recorded_bytes_alone_switch_nothing_on(&mut house);
    house.send(3, &[("LTARF", "    HC  BLEU    "), ("SINSTS", "00240")]);
    house.relay.wait_last(RELAY, "ON", Duration::from_secs(10));
    // PREF is 4 kVA.
    house.send(8, &[("LTARF", "    HC  BLEU    "), ("SINSTS", "03990")]);
    house.relay.wait_last(RELAY, "OFF", Duration::from_secs(10));
    house.send(6, &[("LTARF", "    HC  BLEU    "), ("SINSTS", "00240")]);
    house.relay.wait_last(RELAY, "ON", Duration::from_secs(10));
    house.send(3, &[("LTARF", "    HP  ROUGE   "), ("SINSTS", "00240")]);
    house.relay.wait_last(RELAY, "OFF", Duration::from_secs(10));
}

#[test]
fn fault_10_a_meter_that_falls_silent_opens_the_relay() {
    let Some(mut house) = House::new(HISTORICAL) else { return };
    house.send(3, &[("PTEC", "HC.."), ("PAPP", "00740")]);
    house.relay.wait_last(RELAY, "ON", Duration::from_secs(10));
    // Older than its max_age of 15 s the apparent power is unknown, and the limit treats unknown as violated.
    house.relay.wait_last(RELAY, "OFF", Duration::from_secs(25));
    let why = house.program.tell(&["why", "water_heater"]);
    assert!(why.contains("too old") || why.contains("unknown"), "{why}");
}

const ENVOY: &str = "envoy/7.6.175_with_cts_3phase/production.json";
const MODE: &str = "evcc/loadpoints/1/mode/set";
const CURRENT: &str = "evcc/loadpoints/1/maxCurrent/set";
/// What the current may still be on its way from has passed after this.
const RAMP: Duration = Duration::from_secs(3);

/// The waiting times of the car's rule and outputs, in seconds instead of minutes.
fn hurry_the_car(site: &Scratch) {
    site.edit("site.yaml", "label: Solar panels", "with: { period: 200 ms, max_age: 2 s }");
    site.edit("site.yaml", "period: 10 s, max_age: 35 s", "period: 500 ms, max_age: 3 s");
    site.edit("safety.yaml", ": 5 min", ": 2 s");
    site.edit("safety.yaml", "min_interval: 30 s", "min_interval: 1 s");
    site.edit("safety.yaml", "away_from_safe: 1 A/s", "away_from_safe: 5 A/s");
    site.edit("rules/car.rhai", "\"2min\"", "\"2s\"");
    site.edit("rules/car.rhai", "\"5min\"", "\"4s\"");
    site.edit("rules/car.rhai", "for \"1min\"", "for \"1s\"");
    site.edit("rules/car.rhai", "|| !ev.connected\n", "|| !ev.connected\n    unknown \"1s\"\n");
}

/// The Envoy's recorded document with another power at the grid connection, positive when it is imported.
fn document(recorded: &[u8], grid: f64) -> Vec<u8> {
    let mut value: serde_json::Value = serde_json::from_slice(recorded).unwrap();
    let net = value.pointer_mut("/consumption/1/wNow").unwrap();
    *net = serde_json::json!(grid);
    value.to_string().into_bytes()
}

/// A house of 400 W with panels and a car on one phase of 230 V: the car does what it is told, the Envoy shows what is left
/// over, until `is_over`.
fn physics(
    envoy: &Files,
    recorded: &[u8],
    broker: &Broker,
    told: &Observer,
    sun: &Mutex<f64>,
    is_over: &AtomicBool,
) {
    let mut power = broker.stream("evcc/loadpoints/1/chargePower");
    let mut connected = broker.stream("evcc/loadpoints/1/connected");
    while !is_over.load(Ordering::Relaxed) {
        let amperes = told.last(CURRENT).map_or(16.0, |text| text.parse().unwrap());
        let car = if told.last(MODE).as_deref() == Some("now") { amperes * 230.0 } else { 0.0 };
        let grid = 400.0 + car - *sun.lock().unwrap();
        envoy.put("production.json", &document(recorded, grid));
        power.send(&car.to_string());
        connected.send("true");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn the_car_follows_the_surplus_and_stops_where_it_is_unknown() {
    let Some(recorded) = recorded(ENVOY) else { return };
    let Some(envoy) = Files::start("the car of linky-home") else { return };
    envoy.put("production.json", &recorded);
    let Some(mut house) = House::with(HISTORICAL, &envoy.url(), hurry_the_car) else { return };
    // As it was recorded: a night with 6 W for the inverters themselves, and no car.
    house.program.wait_point("solar.production_power", "-6.481 W");
    house.program.wait_point("solar.grid_power", "215.565 W");
    house.broker.publish("evcc/status", "online", &["-r"]);

    let telegram = frame(house.mode, &house.groups, &[("PTEC", "HP.."), ("PAPP", "00740")]);
    let car = house.broker.observe("evcc/loadpoints/1/+/set");
    let (sun, is_over) = (Mutex::new(500.0), AtomicBool::new(false));
    let (program, broker, baud, meter) = (&house.program, &house.broker, house.mode.baud(), &mut house.meter);
    let patience = Duration::from_secs(20);
    let told = |topic: &str| -> Vec<Message> {
        car.seen().into_iter().filter(|message| message.topic == topic).collect()
    };
    let modes = |word: &str| told(MODE).iter().filter(|message| message.payload == word).count();
    std::thread::scope(|scope| {
        // A failed check ends the threads too.
        let _end = End(&is_over);
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                meter.send(&telegram, baud);
            }
        });
        scope.spawn(|| physics(&envoy, &recorded, broker, &car, &sun, &is_over));
        // A surplus of 100 W is no reason to charge.
        program.wait_point("site.surplus", "100 W");
        assert_eq!(modes("now"), 0, "{:?}", car.seen());
        // 2600 W are 11 A.
        *sun.lock().unwrap() = 3_000.0;
        car.wait_last(MODE, "now", patience);
        wait_for("11 A that stay", patience, || {
            told(CURRENT).pop().filter(|last| last.payload == "11" && last.at.elapsed() > RAMP)
        });
        let why = program.tell(&["why", "ev.contact"]);
        assert!(why.contains("sun to car") && why.contains("closed"), "{why}");
        // Clouds between 800 W and 3800 W of surplus: the current follows, the contact stays.
        let (before, offs) = (told(CURRENT).len(), modes("off"));
        for step in 0..8 {
            *sun.lock().unwrap() = if step % 2 == 0 { 1_200.0 } else { 4_200.0 };
            std::thread::sleep(Duration::from_millis(500));
        }
        assert_eq!((modes("now"), modes("off")), (1, offs), "{:?}", car.seen());
        assert!(told(CURRENT).len() <= before + 6, "one in a second: {:?}", car.seen());
        // The sun goes: 300 W are left.
        *sun.lock().unwrap() = 700.0;
        car.wait_last(MODE, "off", patience);
        // More than the cable may carry.
        *sun.lock().unwrap() = 9_000.0;
        car.wait_last(MODE, "now", patience);
        car.wait_last(CURRENT, "16", patience);
        // The Envoy is gone: nobody knows of a surplus.
        envoy.kill();
        car.wait_last(MODE, "off", patience);
        let why = program.tell(&["why", "ev.contact"]);
        assert!(!why.contains("limit"), "the Linky meter still speaks: {why}");
    });
    for message in told(CURRENT) {
        let amperes: u32 = message.payload.parse().unwrap();
        assert!((6..=16).contains(&amperes), "{message:?}");
    }
    assert_eq!(modes("now"), 2, "{:?}", car.seen());
}

/// Sets a flag when it is dropped, however that comes about.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
