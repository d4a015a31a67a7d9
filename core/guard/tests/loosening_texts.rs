//! What a person reads before confirming: for every key, what is in force and what would be.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod kit;
mod whole;
use ballast_guard::plan::{ForceStep, LimitAction, OnSilence, OnUnknown, OutsideChange, Shedding};
use ballast_model::{Finite, OutputId};
use kit::*;
use std::sync::Arc;
use whole::*;

type Change = fn(&mut Site);

fn shedding(site: &mut Site) -> &mut Shedding {
    site.set.shedding.as_mut().unwrap()
}

fn force(site: &mut Site, limit: usize) -> &mut Vec<ForceStep> {
    match &mut site.set.limits[limit].action {
        LimitAction::Force { force, .. } => force,
        LimitAction::Derate { .. } => panic!("limit {limit} derates"),
    }
}

/// The only row of the limit that derates.
fn row(site: &mut Site) -> &mut (OutputId, Vec<(Finite, Finite)>) {
    match &mut site.set.limits[2].action {
        LimitAction::Derate { rows, .. } => &mut rows[0],
        LimitAction::Force { .. } => panic!("it forces"),
    }
}

/// What changes, and the line about it.
const LINES: [(Change, &str); 25] = [
    (
        |site| site.envelope(HEATER).on_silence = OnSilence::Hold(secs(11)),
        "heater, on_silence: hold 10 s -> hold 11 s",
    ),
    (|site| site.envelope(PUMP).on_silence = OnSilence::Hold(ms(1)), "pump, on_silence: safe -> hold 1 ms"),
    (
        |site| site.envelope(PUMP).outside_change = OutsideChange::Correct(9),
        "pump, outside_change: follow 30 s -> correct 9 times",
    ),
    (
        |site| site.envelope(FAN).outside_change = OutsideChange::Alarm,
        "fan, outside_change: correct 2 times -> alarm",
    ),
    (
        |site| site.envelope(CHARGER).effect.as_mut().unwrap().within = secs(21),
        "charger, effect: checked within 20 s -> checked within 21 s",
    ),
    (|site| site.envelope(CHARGER).effect = None, "charger, effect: checked within 20 s -> none"),
    (
        |site| site.envelope(CHARGER).max_switches.clear(),
        "charger, max_switches: 6 per 1 h, 30 per 1 d -> none",
    ),
    (
        |site| site.envelope(CHARGER).max_switches[1].count = 31,
        "charger, max_switches: 6 per 1 h, 30 per 1 d -> 6 per 1 h, 31 per 1 d",
    ),
    (|site| site.envelope(HEATER).max_closed = None, "heater, max_closed: 1 min -> none"),
    (
        |site| site.level(CHARGE).ranges[1].1 = num(2010.0),
        "charge, values: 0..0, 200..2000 -> 0..0, 200..2010",
    ),
    (|site| site.level(CHARGE).step = Some(num(5.0)), "charge, step: 10 -> 5"),
    (|site| site.level(CHARGE).ramp_away = None, "charge, ramp: 200 -> none"),
    (
        |site| site.set.limits[0].unknown = OnUnknown::Derate(num(1.0)),
        "battery too hot, unknown: force -> derate 1 %",
    ),
    (
        |site| site.after(0, 1, ms(1_500)),
        "battery too hot, force: charger: open after 1 s -> charger: open after 1.5 s",
    ),
    (|site| force(site, 0).truncate(1), "battery too hot, force: charger: open after 1 s -> removed"),
    (
        |site| site.until(0, &below("battery.temperature_1", "45 °C"), secs(5)),
        "battery too hot, until: max(battery.temperature_1, battery.temperature_2) < 45 °C \
         -> battery.temperature_1 < 45 °C",
    ),
    (|site| drop(site.set.limits.remove(3)), "too much sun, limits: in force -> removed"),
    (
        |site| row(site).1[1].1 = num(51.0),
        "battery warm, derate: charge: 45 °C: 100 %, 50 °C: 50 %, 55 °C: 0 % \
         -> 45 °C: 100 %, 50 °C: 51 %, 55 °C: 0 %",
    ),
    (
        |site| drop(shedding(site).stages.pop()),
        "shedding, stages: below 49.3 Hz for 60 ms: 10 % from comfort, homes -> removed",
    ),
    (
        |site| shedding(site).stages[1].share = num(9.0),
        "shedding, stages: below 49.3 Hz for 60 ms: 10 % from comfort, homes \
         -> below 49.3 Hz for 60 ms: 9 % from comfort, homes",
    ),
    (
        |site| shedding(site).bulk.as_mut().unwrap().falling = num(3.1),
        "shedding, bulk: below 49.7 Hz, falling 3 Hz/s: 40 % from comfort, homes \
         -> below 49.7 Hz, falling 3.1 Hz/s: 40 % from comfort, homes",
    ),
    (
        |site| shedding(site).bulk = None,
        "shedding, bulk: below 49.7 Hz, falling 3 Hz/s: 40 % from comfort, homes -> removed",
    ),
    (|site| shedding(site).cap = None, "shedding, cap: 3 per 10 s -> none"),
    (|site| shedding(site).never.clear(), "shedding, never: clinic -> not on the list"),
    (
        |site| site.set.interlocks[0].dead_time = ms(1_900),
        "mains: closed, genset: closed, dead_time: 2 s -> 1.9 s",
    ),
];

#[test]
fn who_confirms_reads_what_is_in_force_and_what_would_be() {
    for (change, line) in LINES {
        let mut bench = whole().bench();
        let mut site = whole();
        change(&mut site);
        let replaced = bench.guard.replace(Arc::new(site.catalog.clone()), site.set, false, bench.now);
        let rows: Vec<String> = replaced
            .loosenings
            .iter()
            .map(|row| format!("{}, {}: {} -> {}", row.subject, row.key, row.old, row.new))
            .collect();
        assert_eq!(rows, [line]);
    }
}
