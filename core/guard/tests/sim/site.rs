//! The site of the simulation: one of everything.
#![allow(unreachable_pub, reason = "part of a test")]

use crate::kit::*;
use ballast_guard::plan::{Limit, LimitAction, OnSilence, OnUnknown, OutsideChange, Stage, SwitchBudget};
use ballast_model::{OutputId, PointId, Span};

pub const MAINS: usize = 0; // forced closed when hot; interlocked with GENSET
pub const CHARGER: usize = 1; // forced open a while after it became hot
pub const GENSET: usize = 2;
pub const PUMP: usize = 3; // closed at start, minimum times, budget, longest time
pub const CLINIC: usize = 4; // never shed; safe closed; opened by smoke alone, which latches
pub const FAN: usize = 5; // moved by hand now and then; stays as it is for a while in silence
pub const HOMES: std::ops::Range<usize> = 6..12;
pub const BATTERY: usize = 12; // a setpoint with a ramp and a shortest interval, derated when warm, forced to 0 when hot
pub const OUTPUTS: usize = 13;

pub const HOT: u32 = 0;
pub const SMOKE: u32 = 1;
pub const HERTZ: u32 = 2;
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
/// At most so many ordinary shed requests ...
pub const CAP: usize = 1;
/// ... in this time.
pub const CAP_PER: Span = Span::from_secs(30);
/// What is left of the setpoint at a temperature, per cent: straight lines between these.
pub const CURVE: [(f64, f64); 3] = [(45.0, 100.0), (50.0, 50.0), (55.0, 0.0)];

pub fn site() -> Site {
    let mut site = Site::new();
    for (name, unit) in [("battery.temperature", "°C"), ("smoke.level", "%"), ("feeder.frequency", "Hz")] {
        site.point(name, unit, Some(MAX_AGE));
    }
    let ids: Vec<OutputId> = (0..BATTERY).map(|index| site.contact(&format!("o{index}"))).collect();
    let battery = site.setpoint("battery.charge", &[(-1000.0, -200.0), (0.0, 0.0), (200.0, 2000.0)]);
    site.level(battery).step = Some(num(10.0));
    site.level(battery).ramp_away = Some(num(RATE));
    site.level(battery).min_interval = INTERVAL;
    for index in [CHARGER, GENSET, PUMP] {
        let envelope = site.envelope(ids[index]);
        (envelope.min_closed, envelope.min_open) = (secs(5), secs(4));
        envelope.max_switches =
            vec![SwitchBudget { count: 4, per: secs(60) }, SwitchBudget { count: 12, per: secs(600) }];
        envelope.max_closed = Some(LONGEST);
    }
    site.envelope(ids[PUMP]).at_start = CLOSED;
    let clinic = site.envelope(ids[CLINIC]);
    (clinic.safe, clinic.default, clinic.at_start) = (CLOSED, CLOSED, CLOSED);
    site.envelope(ids[FAN]).outside_change = OutsideChange::Correct(2);
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
    site.interlock(&[ids[MAINS], ids[GENSET]], DEAD_TIME);
    let rows: Vec<(OutputId, &str, f64)> = HOMES.map(|index| (ids[index], "homes", 1000.0)).collect();
    let shedding = site.shedding(&[PointId(HERTZ)], &rows);
    shedding.never = vec![ids[CLINIC]];
    shedding.cap = Some(SwitchBudget { count: CAP as u32, per: CAP_PER });
    shedding.restore.jitter = secs(2);
    shedding.stages =
        vec![Stage { below: num(49.5), hold: ms(60), share: num(30.0), from: vec!["homes".into()] }];
    site
}
