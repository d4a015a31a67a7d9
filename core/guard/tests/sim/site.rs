//! The site of the simulation: one of everything.
#![allow(unreachable_pub, reason = "part of a test")]

use crate::kit::*;
use ballast_guard::plan::{
    Asleep, Bulk, Effect, Limit, LimitAction, OnSilence, OnUnknown, OutsideChange, Stage, SwitchBudget,
};
use ballast_model::sample::Value;
use ballast_model::{OutputId, PointId, Span};

pub const MAINS: usize = 0; // forced closed when hot; interlocked with GENSET
pub const CHARGER: usize = 1; // forced open a while after it became hot
pub const GENSET: usize = 2;
pub const PUMP: usize = 3; // closed at start, minimum times, budget, longest time
pub const CLINIC: usize = 4; // never shed; safe closed; opened by smoke alone, which latches
pub const FAN: usize = 5; // corrected twice when someone moves it; stays as it is for a while in silence
pub const HOMES: std::ops::Range<usize> = 6..12;
pub const BATTERY: usize = 12; // a setpoint with a ramp and a shortest interval, derated when warm, forced to 0 when hot; followed
pub const HEATER: usize = 13; // its effect shows in a current, unless it is warm
pub const VALVE: usize = 14; // followed for a while when someone moves it; interlocked with LAMP
pub const LAMP: usize = 15; // an alarm when someone moves it
pub const PANEL: usize = 16; // forced open by too much power of a device that sleeps at night
pub const OUTPUTS: usize = 17;
/// What someone may move by hand.
pub const BY_HAND: [usize; 5] = [FAN, GENSET, BATTERY, VALVE, LAMP];
/// What has a timer of its own, and half of that timer: those whose change is followed, corrected and reported.
pub const RENEWED: [(usize, Span); 3] =
    [(FAN, Span::from_secs(3)), (BATTERY, Span::from_millis(1_500)), (LAMP, Span::from_secs(1))];
/// With minimum times, budgets and a longest time.
pub const TIMED: [usize; 4] = [CHARGER, GENSET, PUMP, VALVE];

pub const HOT: u32 = 0;
pub const SMOKE: u32 = 1;
/// Two sources of the frequency.
pub const HERTZ: [u32; 2] = [2, 3];
pub const CURRENT: u32 = 4;
pub const SUN: u32 = 5;
pub const POWER: u32 = 6;
pub const POINTS: usize = 7;
pub const LEASE: Span = Span::from_secs(3);
pub const DEAD_TIME: Span = Span::from_secs(2);
pub const GRACE: Span = Span::from_secs(10);
pub const ONE_PER: Span = Span::from_secs(10);
pub const MAX_AGE: Span = Span::from_secs(20);
pub const LONGEST: Span = Span::from_secs(12);
pub const RATE: f64 = 200.0;
/// Shortest time between two asked changes of the setpoint.
pub const INTERVAL: Span = Span::from_millis(700);
/// The fan stays as it is for so long when nobody speaks.
pub const SILENCE: Span = Span::from_secs(4);
/// The charger is forced so long after the limit acted.
pub const AFTER: Span = Span::from_secs(1);
/// Smoke acts when it lasts.
pub const LASTS: Span = Span::from_millis(500);
/// Sources further apart than this disagree, Hz.
pub const TOLERANCE: f64 = 0.1;
/// A source that does not move for this long while the other one does is stuck.
pub const STUCK_AFTER: Span = Span::from_secs(5);
/// Below this, for so long, so many per cent are cut. The first ones act first.
pub const STAGES: [(f64, Span, f64); 2] =
    [(49.5, Span::from_millis(60), 30.0), (49.3, Span::from_millis(200), 20.0)];
/// Below this and falling by so many hertz a second, so many per cent are cut.
pub const BULK: (f64, f64, f64) = (49.7, 3.0, 40.0);
/// Shedding that did not help so often stops.
pub const FUTILE_AFTER: u32 = 2;
/// How long someone else is right about the valve or the setpoint.
pub const FOLLOW: Span = Span::from_secs(5);
/// How often the fan is corrected.
pub const CORRECTIONS: u32 = 2;
/// Corrections count together until none was needed for so long.
pub const FORGOTTEN: Span = Span::from_secs(600);
/// What a device says counts so long after it confirmed a write.
pub const SETTLES: Span = Span::from_secs(2);
/// How long the heater's current may take.
pub const WITHIN: Span = Span::from_secs(3);
/// At most so many ordinary shed requests ...
pub const CAP: usize = 1;
/// ... in this time.
pub const CAP_PER: Span = Span::from_secs(30);
/// What is left of the setpoint at a temperature, per cent: straight lines between these.
pub const CURVE: [(f64, f64); 3] = [(45.0, 100.0), (50.0, 50.0), (55.0, 0.0)];

/// Half of the timer of an output's device.
pub fn half(index: usize) -> Option<Span> {
    RENEWED.iter().find(|(renewed, _)| *renewed == index).map(|(_, half)| *half)
}

pub fn site() -> Site {
    let mut site = Site::new();
    for (name, unit) in [
        ("battery.temperature", "°C"),
        ("smoke.level", "%"),
        ("feeder.frequency", "Hz"),
        ("inverter.frequency", "Hz"),
        ("heater.current", "A"),
        ("sun.elevation", "deg"),
        ("panel.power", "W"),
    ] {
        site.point(name, unit, Some(MAX_AGE));
    }
    let mut ids: Vec<OutputId> = (0..BATTERY).map(|index| site.contact(&format!("o{index}"))).collect();
    let battery = site.setpoint("battery.charge", &[(-1000.0, -200.0), (0.0, 0.0), (200.0, 2000.0)]);
    site.level(battery).step = Some(num(10.0));
    site.level(battery).ramp_away = Some(num(RATE));
    site.level(battery).min_interval = INTERVAL;
    ids.push(battery);
    ids.extend((HEATER..OUTPUTS).map(|index| site.contact(&format!("o{index}"))));
    for index in TIMED {
        let envelope = site.envelope(ids[index]);
        (envelope.min_closed, envelope.min_open) = (secs(5), secs(4));
        envelope.max_switches =
            vec![SwitchBudget { count: 4, per: secs(60) }, SwitchBudget { count: 12, per: secs(600) }];
        envelope.max_closed = Some(LONGEST);
    }
    site.envelope(ids[PUMP]).at_start = CLOSED;
    let clinic = site.envelope(ids[CLINIC]);
    (clinic.safe, clinic.default, clinic.at_start) = (CLOSED, CLOSED, CLOSED);
    site.envelope(ids[FAN]).outside_change = OutsideChange::Correct(CORRECTIONS);
    site.envelope(ids[FAN]).on_silence = OnSilence::Hold(SILENCE);
    let hot = above("battery.temperature", "50 °C");
    site.limit("hot", &hot, &[(ids[MAINS], CLOSED), (ids[CHARGER], OPEN), (battery, level(0.0))]);
    site.until(0, &below("battery.temperature", "45 °C"), Span::ZERO);
    site.after(0, 1, AFTER);
    site.limit("smoke", &above("smoke.level", "50 %"), &[(ids[CLINIC], OPEN)]);
    site.held(1, LASTS);
    site.latched(1);
    let rows = vec![(battery, CURVE.map(|(at, share)| (num(at), num(share))).to_vec())];
    let action = LimitAction::Derate { of: site.program(&name("battery.temperature")), rows };
    site.set.limits.push(Limit { name: "warm".into(), unknown: OnUnknown::Force, action });
    site.limit("panel too strong", &above("panel.power", "5 kW"), &[(ids[PANEL], OPEN)]);
    let when = site.program(&below("sun.elevation", "-2 deg"));
    site.set.asleep.push(Asleep { point: PointId(POWER), value: Value::Number(num(0.0)), when });
    site.interlock(&[ids[MAINS], ids[GENSET]], DEAD_TIME);
    site.interlock(&[ids[VALVE], ids[LAMP]], DEAD_TIME);
    for index in [VALVE, BATTERY] {
        site.envelope(ids[index]).outside_change = OutsideChange::Follow(FOLLOW);
    }
    for (index, half) in RENEWED {
        site.envelope(ids[index]).refresh = Some(half);
    }
    let closed = Some(site.program(&above("heater.current", "50 mA")));
    let open = Some(site.program(&below("heater.current", "20 mA")));
    let unless = Some(site.program(&above("battery.temperature", "46 °C")));
    let point = PointId(CURRENT);
    site.envelope(ids[HEATER]).effect =
        Some(Box::new(Effect { point, closed, open, within: WITHIN, unless }));
    shedding(&mut site, &ids);
    site
}

fn shedding(site: &mut Site, ids: &[OutputId]) {
    let rows: Vec<(OutputId, &str, f64)> = HOMES.map(|index| (ids[index], "homes", 1000.0)).collect();
    let shedding = site.shedding(&HERTZ.map(PointId), &rows);
    shedding.never = vec![ids[CLINIC]];
    shedding.cap = Some(SwitchBudget { count: CAP as u32, per: CAP_PER });
    shedding.restore.jitter = secs(2);
    shedding.futile_after = Some(FUTILE_AFTER);
    shedding.source_tolerance = num(TOLERANCE);
    shedding.source_stuck_after = STUCK_AFTER;
    let from = || vec!["homes".into()];
    let stage = |(below, hold, share)| Stage { below: num(below), hold, share: num(share), from: from() };
    shedding.stages = STAGES.map(stage).to_vec();
    let (below, falling, share) = BULK;
    shedding.bulk = Some(Bulk { below: num(below), falling: num(falling), share: num(share), from: from() });
}
