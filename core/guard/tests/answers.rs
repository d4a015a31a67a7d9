//! What the guard answers for an output: who decided, when it may change, and nothing twice.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod kit;
use ballast_guard::plan::{Limit, LimitAction, OnUnknown, Stage, SwitchBudget};
use ballast_model::intent::Cause;
use ballast_model::{Mono, OutputId, PointId};
use kit::*;

fn witness(bench: &Bench, output: OutputId) -> Option<PointId> {
    bench.verdict(output).witness.map(|witness| witness.point)
}

#[test]
fn who_keeps_an_output_at_its_start_is_named_until_all_are_known() {
    let mut site = Site::new();
    let charge = site.setpoint("charge", &[(0.0, 2000.0)]);
    let [cell, case, room] =
        ["cell", "case", "room"].map(|name| site.point(&format!("{name}.temperature"), "°C", None));
    for part in ["cell", "case"] {
        site.limit(part, &above(&format!("{part}.temperature"), "50 °C"), &[(charge, level(0.0))]);
    }
    let rows = vec![(charge, vec![(num(45.0), num(100.0)), (num(55.0), num(50.0))])];
    let action = LimitAction::Derate { of: site.program(&name("room.temperature")), rows };
    site.set.limits.push(Limit { name: "room".into(), unknown: OnUnknown::Force, action });
    let mut bench = site.bench();
    bench.ask(charge, level(500.0));
    for missing in [cell, case, room] {
        assert_eq!((bench.verdict(charge).cause, witness(&bench, charge)), (Cause::AtStart, Some(missing)));
        bench.set(missing, 20.0);
    }
    assert_eq!((bench.verdict(charge).cause, witness(&bench, charge)), (Cause::Asked, None));
    assert_eq!(bench.is(charge), level(500.0));
}

#[test]
fn a_load_that_was_cut_names_the_frequency() {
    let mut site = Site::new();
    let home = site.contact("home");
    let frequency = site.point("feeder.frequency", "Hz", None);
    let shedding = site.shedding(&[frequency], &[(home, "homes", 1000.0)]);
    shedding.stages =
        vec![Stage { below: num(49.5), hold: ms(0), share: num(100.0), from: vec!["homes".into()] }];
    let mut bench = site.bench();
    bench.set(frequency, 50.0);
    bench.ask(home, CLOSED);
    let why = |bench: &Bench| (bench.verdict(home).cause, witness(bench, home));
    assert_eq!(why(&bench), (Cause::AwaitsRestoration, Some(frequency)));
    bench.give_back(home);
    assert_eq!(why(&bench), (Cause::Asked, None));
    bench.set(frequency, 49.4);
    assert_eq!((bench.is(home), why(&bench)), (OPEN, (Cause::Stage(0), Some(frequency))));
}

#[test]
fn a_moment_that_never_comes_is_not_promised() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.envelope(pump).max_switches = vec![SwitchBudget { count: 0, per: secs(60) }];
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::MaxSwitches));
    assert_eq!(bench.verdict(pump).next_change, None);
}

#[test]
fn another_value_of_the_point_that_decides_is_no_news() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let hot = site.point("motor.temperature", "°C", None);
    site.limit("hot", &above("motor.temperature", "80 °C"), &[(pump, OPEN)]);
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(pump, CLOSED);
    bench.set(hot, 90.0);
    let told = bench.answers.len();
    for degrees in [91.0, 92.0, 93.0] {
        bench.pass(secs(1));
        bench.set(hot, degrees);
        bench.ask(pump, CLOSED);
        bench.guard.review_all();
        bench.step(&[]);
    }
    assert_eq!(bench.answers.len(), told, "{:?}", bench.answers.last());
    assert_eq!(witness(&bench, pump), Some(hot));
}

#[test]
fn a_limit_looks_at_how_long_an_output_has_been_so() {
    let mut site = Site::new();
    let [pump, lamp] = ["pump", "lamp"].map(|name| site.contact(name));
    site.limit("long", &above("pump.since", "10 s"), &[(lamp, CLOSED)]);
    let mut bench = site.bench();
    bench.ask(lamp, OPEN);
    bench.ask(pump, OPEN);
    for wanted in [CLOSED, OPEN] {
        bench.ask(pump, wanted);
        assert_eq!(bench.is(lamp), OPEN, "it has just become {wanted:?}");
        bench.pass(secs(10));
        assert_eq!(bench.is(lamp), OPEN, "ten seconds are not more than ten");
        bench.pass(ms(1100));
        assert_eq!((bench.is(lamp), bench.verdict(lamp).cause), (CLOSED, Cause::Limit(0)), "{wanted:?}");
    }
}

#[test]
fn what_a_limit_holds_closed_beyond_its_longest_time_gives_no_reason_to_look_again() {
    let mut site = Site::new();
    let heater = site.contact("heater");
    site.envelope(heater).max_closed = Some(secs(30));
    let tank = site.point("tank.temperature", "°C", None);
    site.limit("frost", &below("tank.temperature", "5 °C"), &[(heater, CLOSED)]);
    let mut bench = site.bench();
    bench.set(tank, 20.0);
    bench.pass_in_silence(secs(10));
    bench.set(tank, 2.0);
    bench.pass_in_silence(secs(30));
    assert_eq!((bench.is(heater), bench.verdict(heater).cause), (CLOSED, Cause::Limit(0)));
    assert_eq!(bench.next, Mono::MAX);
}
