//! A site that uses every key of the safety set, for tests that must miss none.
#![allow(dead_code, unreachable_pub, reason = "every test file uses another part of it")]
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

use super::kit::*;
use ballast_guard::plan::{
    Asleep, Bulk, Effect, Limit, LimitAction, OnSilence, OnUnknown, OutsideChange, Process, Stage, Strength,
    SwitchBudget,
};
use ballast_model::expr::BinaryOp;
use ballast_model::{OutputId, PointId, Value};

/// Closed when safe and forced closed when the battery is hot; excludes [`GENSET`].
pub const MAINS: OutputId = OutputId(0);
/// Minimum times, two budgets of switchings, an effect; forced open one second after the mains.
pub const CHARGER: OutputId = OutputId(1);
/// Excludes [`MAINS`].
pub const GENSET: OutputId = OutputId(2);
/// A longest time, and it holds for a while in silence.
pub const HEATER: OutputId = OutputId(3);
/// Never shed; safe closed; opened by smoke alone, with a latch.
pub const CLINIC: OutputId = OutputId(4);
/// Follows a hand.
pub const PUMP: OutputId = OutputId(5);
/// Corrects a hand twice.
pub const FAN: OutputId = OutputId(6);
/// Alarms when a hand moves it; opened by too much sun.
pub const LAMP: OutputId = OutputId(7);
/// A setpoint with every key of one.
pub const CHARGE: OutputId = OutputId(8);
/// The first of [`HOMES`] loads of 1 kW; the first half in `comfort`, the others in `homes`.
pub const HOME: u32 = 9;
pub const HOMES: u32 = 10;

pub const HERTZ: [PointId; 3] = [PointId(0), PointId(1), PointId(2)];
pub const WARMTH: [PointId; 2] = [PointId(3), PointId(4)];
pub const SMOKE: PointId = PointId(5);
pub const CURRENT: PointId = PointId(6);
pub const VOLTAGE: PointId = PointId(7);
pub const ELEVATION: PointId = PointId(8);
pub const SUN: PointId = PointId(9);
pub const CAPACITY: PointId = PointId(10);
pub const LOAD: PointId = PointId(11);
pub const METER: PointId = PointId(12);

pub fn home(index: u32) -> OutputId {
    OutputId(HOME + index)
}

/// The site.
pub fn whole() -> Site {
    let mut site = Site::new();
    let quick = Some(secs(2));
    let slow = Some(secs(100_000));
    for (name, unit, max_age) in [
        ("feeder.frequency", "Hz", quick),
        ("inverter.frequency", "Hz", quick),
        ("meter.frequency", "Hz", quick),
        ("battery.temperature_1", "°C", slow),
        ("battery.temperature_2", "°C", slow),
        ("smoke.level", "%", slow),
        ("charger.current", "A", slow),
        ("battery.voltage", "V", slow),
        ("sun.elevation", "deg", slow),
        ("pv.power", "W", Some(secs(10))),
        ("site.capacity", "W", slow),
        ("site.load", "W", slow),
        ("home0.power", "W", slow),
    ] {
        site.point(name, unit, max_age);
    }
    for name in ["mains", "charger", "genset", "heater", "clinic", "pump", "fan", "lamp"] {
        site.contact(name);
    }
    site.setpoint("charge", &[(0.0, 0.0), (200.0, 2000.0)]);
    for index in 0..HOMES {
        site.contact(&format!("home{index}"));
    }
    envelopes(&mut site);
    limits(&mut site);
    site.interlock(&[MAINS, GENSET], secs(2));
    shedding(&mut site);
    let when = site.program(&below("sun.elevation", "-2 deg"));
    site.set.asleep.push(Asleep { point: SUN, value: Value::Number(num(0.0)), when });
    let process = Process { operators: vec!["marie".into()], program: Some("ballast".into()), sockets: None };
    site.set.process = Some(process);
    site
}

fn envelopes(site: &mut Site) {
    for output in [MAINS, CLINIC] {
        let envelope = site.envelope(output);
        (envelope.safe, envelope.default, envelope.at_start) = (CLOSED, CLOSED, CLOSED);
    }
    let closed = Some(site.program(&above("charger.current", "50 mA")));
    let open = Some(site.program(&below("charger.current", "20 mA")));
    let unless = Some(site.program(&above("battery.voltage", "13.6 V")));
    let effect = Effect { point: CURRENT, closed, open, within: secs(20), unless };
    let charger = site.envelope(CHARGER);
    (charger.min_closed, charger.min_open) = (secs(5), secs(4));
    charger.max_switches =
        vec![SwitchBudget { count: 6, per: secs(3600) }, SwitchBudget { count: 30, per: secs(86_400) }];
    charger.effect = Some(Box::new(effect));
    charger.strength = Strength::Wired;
    let heater = site.envelope(HEATER);
    (heater.max_closed, heater.min_open) = (Some(secs(60)), secs(3));
    (heater.on_silence, heater.lease) = (OnSilence::Hold(secs(10)), secs(5));
    site.envelope(PUMP).outside_change = OutsideChange::Follow(secs(30));
    site.envelope(FAN).outside_change = OutsideChange::Correct(2);
    site.envelope(LAMP).outside_change = OutsideChange::Alarm;
    site.envelope(LAMP).at_start = CLOSED;
    let level = site.level(CHARGE);
    (level.step, level.min_interval) = (Some(num(10.0)), secs(1));
    level.ramp_away = Some(num(200.0));
    (site.envelope(CHARGE).strength, site.envelope(CHARGE).refresh) = (Strength::Timed, Some(secs(15)));
}

fn limits(site: &mut Site) {
    let warmest = || call("max", &["battery.temperature_1", "battery.temperature_2"]);
    let hot = compare(warmest(), BinaryOp::Greater, "50 °C");
    let hot = site.limit("battery too hot", &hot, &[(MAINS, CLOSED), (CHARGER, OPEN)]);
    site.held(hot, secs(2));
    site.after(hot, 1, secs(1));
    site.until(hot, &compare(warmest(), BinaryOp::Less, "45 °C"), secs(5));
    let smoke = site.limit("smoke", &above("smoke.level", "50 %"), &[(CLINIC, OPEN)]);
    site.latched(smoke);
    let of = site.program(&warmest());
    let curve = [(45.0, 100.0), (50.0, 50.0), (55.0, 0.0)].map(|(at, share)| (num(at), num(share)));
    let action = LimitAction::Derate { of, rows: vec![(CHARGE, curve.to_vec())] };
    let unknown = OnUnknown::Derate(num(10.0));
    site.set.limits.push(Limit { name: "battery warm".into(), unknown, action });
    let sun = above("pv.power", "5 kW");
    let sun = site.limit("too much sun", &sun, &[(LAMP, OPEN), (CHARGE, level(0.0))]);
    site.set.limits[usize::from(sun)].unknown = OnUnknown::Derate(num(20.0));
}

fn shedding(site: &mut Site) {
    let groups = |index: u32| if index < HOMES / 2 { "comfort" } else { "homes" };
    let rows: Vec<_> = (0..HOMES).map(|index| (home(index), groups(index), 1000.0)).collect();
    let both = || ["comfort", "homes"].map(Box::from).to_vec();
    let shedding = site.shedding(&HERTZ, &rows);
    shedding.never = vec![CLINIC];
    let stage =
        |below: f64, share: f64, from| Stage { below: num(below), hold: ms(60), share: num(share), from };
    shedding.stages = vec![stage(49.5, 10.0, vec!["comfort".into()]), stage(49.3, 10.0, both())];
    shedding.bulk = Some(Bulk { below: num(49.7), falling: num(3.0), share: num(40.0), from: both() });
    shedding.cap = Some(SwitchBudget { count: 3, per: secs(10) });
    shedding.futile_after = Some(2);
    shedding.restore.capacity = Some(CAPACITY);
    (shedding.restore.one_per, shedding.restore.jitter) = (secs(2), secs(1));
    shedding.restore.settle = secs(1);
    shedding.site_load = Some(LOAD);
    shedding.loads[0].power = Some(METER);
}
