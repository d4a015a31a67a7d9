//! `examples/linky-home` on a meter's bytes at line speed, a real broker, and an independent client that watches the
//! relay.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::broker::{Broker, Observer};
use common::program::Program;
use common::terminal::Meter;
use common::tic::{Group, frame, frames};
use common::{Scratch, recorded};
use std::time::Duration;
use tic_decoder::Mode;

const RELAY: &str = "relay/water_heater/set";
const HISTORICAL: &str = "tic/continuous_linky_3P_historical_TIC_sample.bin";
const STANDARD: &str = "tic/continuous_linky_1P_standard_TIC_sample.bin";

struct House {
    program: Program,
    meter: Meter,
    relay: Observer,
    _broker: Broker,
    _site: Scratch,
    mode: Mode,
    groups: Vec<Group>,
    recording: Vec<u8>,
}

impl House {
    /// The example as it is, but for its minimum times, which would make the test wait for minutes.
    fn new(recording: &str) -> Option<Self> {
        let bytes = recorded(recording)?;
        let broker = Broker::start("linky-home on a real broker")?;
        let site = Scratch::with_example("linky-home", "linky-home");
        site.edit("safety.yaml", "min_closed: 60 s", "min_closed: 1 s");
        site.edit("safety.yaml", "min_open: 60 s", "min_open: 1 s");
        site.edit("safety.yaml", "for 60 s", "for 2 s");
        site.edit("rules/heating.rhai", "for \"2min\"", "for \"2s\"");
        let meter = Meter::new();
        let relay = broker.observe("relay/#");
        let port = format!("tic.port={}", meter.path.display());
        let url = format!("broker.url=mqtt://127.0.0.1:{}", broker.port);
        let program = Program::run(&site.0, &["--set", &port, "--set", &url, "--trust-clock"]);
        let (mode, mut all) = frames(&bytes);
        let groups = all.pop().unwrap();
        Some(Self { program, meter, relay, _broker: broker, _site: site, mode, groups, recording: bytes })
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
fn a_meter_that_falls_silent_opens_the_relay() {
    let Some(mut house) = House::new(HISTORICAL) else { return };
    house.send(3, &[("PTEC", "HC.."), ("PAPP", "00740")]);
    house.relay.wait_last(RELAY, "ON", Duration::from_secs(10));
    // Older than its max_age of 15 s the apparent power is unknown, and the limit treats unknown as violated.
    house.relay.wait_last(RELAY, "OFF", Duration::from_secs(25));
    let why = house.program.tell(&["why", "water_heater"]);
    assert!(why.contains("too old") || why.contains("unknown"), "{why}");
}
