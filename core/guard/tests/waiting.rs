//! While a loosening waits for a person, what the same set tightens is in force at once, key by key; and what a reload
//! must not forget.

#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod kit;
use ballast_guard::plan::{Bulk, Envelope, OnSilence, SafetySet, Stage, Strength, SwitchBudget};
use ballast_guard::{GuardEvent, Taken};
use ballast_model::intent::Cause;
use ballast_model::{OutputId, PointId};
use kit::*;
use std::sync::Arc;

const PUMP: OutputId = OutputId(0);
const CHARGE: OutputId = OutputId(1);
const OTHER: OutputId = OutputId(2);
const HERTZ: PointId = PointId(0);

/// Everything has room to be tightened; `OTHER` is where something is loosened.
fn site() -> Site {
    let mut site = Site::new();
    site.point("feeder.frequency", "Hz", Some(secs(100)));
    site.contact("pump");
    site.setpoint("charge", &[(0.0, 2000.0)]);
    site.contact("other");
    for id in [PUMP, CHARGE, OTHER] {
        let envelope = site.envelope(id);
        envelope.min_closed = secs(60);
        envelope.min_open = secs(60);
        envelope.max_closed = Some(secs(3600));
        envelope.max_switches = vec![SwitchBudget { count: 10, per: secs(3600) }];
        envelope.on_silence = OnSilence::Hold(secs(60));
        envelope.strength = Strength::Timed;
        envelope.refresh = Some(secs(60));
    }
    site.envelope(PUMP).at_start = CLOSED;
    let level = site.level(CHARGE);
    (level.min_interval, level.ramp_away) = (secs(10), Some(num(100.0)));
    let shedding = site.shedding(&[HERTZ], &[(PUMP, "homes", 1000.0)]);
    shedding.stages =
        vec![Stage { below: num(49.5), hold: ms(60), share: num(100.0), from: vec!["homes".into()] }];
    site
}

/// The same with a change, and something else that is loosened.
fn changed(change: impl Fn(&mut SafetySet)) -> Site {
    let mut site = site();
    change(&mut site.set);
    site.set.fingerprint = 2;
    site.envelope(OTHER).lease = secs(30);
    site
}

fn replace(bench: &mut Bench, site: &Site) -> Taken {
    let catalog = Arc::new(site.catalog.clone());
    let taken = bench.guard.replace(catalog, site.set.clone(), false, bench.now).taken;
    bench.out.reserve(bench.guard.output_capacity());
    bench.step(&[]);
    bench.settle();
    taken
}

#[test]
fn each_key_that_is_tightened_beside_a_loosening_is_in_force_at_once() {
    type Key = (&'static str, fn(&mut Envelope), fn(&Envelope) -> bool);
    let keys: [Key; 13] = [
        ("at_start", |new| new.at_start = new.safe, |now| now.at_start == now.safe),
        ("on_silence", |new| new.on_silence = OnSilence::Safe, |now| now.on_silence == OnSilence::Safe),
        ("lease", |new| new.lease = secs(1), |now| now.lease == secs(1)),
        ("min_closed", |new| new.min_closed = secs(90), |now| now.min_closed == secs(90)),
        ("min_open", |new| new.min_open = secs(90), |now| now.min_open == secs(90)),
        ("max_closed", |new| new.max_closed = Some(secs(600)), |now| now.max_closed == Some(secs(600))),
        (
            "max_switches",
            |new| new.max_switches = vec![SwitchBudget { count: 2, per: secs(3600) }],
            |now| now.max_switches.iter().any(|budget| budget.count == 2),
        ),
        ("refresh", |new| new.refresh = Some(secs(20)), |now| now.refresh == Some(secs(20))),
        (
            "values",
            |new| new.level.iter_mut().for_each(|level| level.ranges = vec![(num(0.0), num(500.0))]),
            |now| now.level.as_ref().is_none_or(|level| level.ranges == [(num(0.0), num(500.0))]),
        ),
        (
            "step",
            |new| new.level.iter_mut().for_each(|level| level.step = Some(num(50.0))),
            |now| now.level.as_ref().is_none_or(|level| level.step == Some(num(50.0))),
        ),
        (
            "min_interval",
            |new| new.level.iter_mut().for_each(|level| level.min_interval = secs(20)),
            |now| now.level.as_ref().is_none_or(|level| level.min_interval == secs(20)),
        ),
        (
            "ramp",
            |new| new.level.iter_mut().for_each(|level| level.ramp_away = Some(num(10.0))),
            |now| now.level.as_ref().is_none_or(|level| level.ramp_away == Some(num(10.0))),
        ),
        ("safe is kept", |_| (), |now| now.safe == OPEN || now.safe == level(0.0)),
    ];
    for (key, tighten, holds) in keys {
        let mut bench = site().bench();
        let new = changed(|set| set.envelopes[..2].iter_mut().for_each(tighten));
        assert_eq!(replace(&mut bench, &new), Taken::Tightenings, "{key}");
        for id in [PUMP, CHARGE] {
            assert!(holds(bench.guard.envelope(id).unwrap()), "{key}: {:?}", bench.guard.envelope(id));
        }
        assert_eq!(bench.guard.envelope(OTHER).unwrap().lease, secs(3), "{key}: what is loosened waits");
    }
}

#[test]
fn each_key_that_is_loosened_waits_beside_a_tightening() {
    type Loosen = (&'static str, fn(&mut Envelope));
    let keys: [Loosen; 12] = [
        ("on_silence", |new| new.on_silence = OnSilence::Hold(secs(600))),
        ("lease", |new| new.lease = secs(10)),
        ("min_closed", |new| new.min_closed = secs(1)),
        ("min_open", |new| new.min_open = secs(1)),
        ("max_closed", |new| new.max_closed = None),
        ("max_switches", |new| new.max_switches = Vec::new()),
        ("refresh", |new| new.refresh = None),
        ("strength", |new| new.strength = Strength::Soft),
        ("values", |new| new.level.iter_mut().for_each(|level| level.ranges = vec![(num(0.0), num(9e3))])),
        ("min_interval", |new| new.level.iter_mut().for_each(|level| level.min_interval = secs(0))),
        ("ramp", |new| new.level.iter_mut().for_each(|level| level.ramp_away = Some(num(500.0)))),
        ("no ramp", |new| new.level.iter_mut().for_each(|level| level.ramp_away = None)),
    ];
    for (key, loosen) in keys {
        let mut bench = site().bench();
        let before = [PUMP, CHARGE].map(|id| bench.guard.envelope(id).unwrap().clone());
        let new = changed(|set| set.envelopes[..2].iter_mut().for_each(loosen));
        assert_eq!(replace(&mut bench, &new), Taken::Tightenings, "{key}");
        for before in before {
            let mut now = bench.guard.envelope(before.output).unwrap().clone();
            // Nobody is harmed by a device that lets go by itself less surely than was said: it is said as it is.
            now.strength = if key == "strength" { before.strength } else { now.strength };
            assert_eq!(now, before, "{key}");
        }
    }
}

#[test]
fn who_is_added_to_those_never_shed_is_not_shed_while_the_rest_waits() {
    let mut bench = site().bench();
    let new = changed(|set| {
        let shedding = set.shedding.as_mut().unwrap();
        shedding.never = vec![PUMP];
        shedding.restore.one_per = secs(1);
    });
    assert_eq!(replace(&mut bench, &new), Taken::Tightenings);
    let shedding = bench.guard.safety_set().shedding.clone().unwrap();
    assert_eq!((shedding.never, shedding.restore.one_per), (vec![PUMP], secs(10)));
}

#[test]
fn a_lease_runs_out_at_its_moment_over_a_reload() {
    let mut bench = site().bench();
    bench.set(HERTZ, 50.0);
    bench.ask(OTHER, CLOSED);
    bench.pass(secs(60));
    assert_eq!(bench.is(OTHER), CLOSED);
    let mut new = site();
    new.set.fingerprint = 3;
    new.envelope(OTHER).on_silence = OnSilence::Safe;
    assert_eq!(replace(&mut bench, &new), Taken::Whole);
    bench.pass_in_silence(secs(3));
    bench.step(&[]);
    assert_eq!((bench.is(OTHER), bench.verdict(OTHER).cause), (OPEN, Cause::Silence));
}

/// Ten homes of 1 kW that are connected.
fn village() -> (Site, Bench) {
    let mut site = Site::new();
    site.point("feeder.frequency", "Hz", Some(secs(100)));
    let homes: Vec<OutputId> = (0..10).map(|index| site.contact(&format!("home{index}"))).collect();
    let rows: Vec<(OutputId, &str, f64)> = homes.iter().map(|home| (*home, "homes", 1000.0)).collect();
    let shedding = site.shedding(&[HERTZ], &rows);
    let from = || vec!["homes".into()];
    shedding.stages = vec![
        Stage { below: num(49.5), hold: ms(60), share: num(10.0), from: from() },
        Stage { below: num(49.3), hold: secs(2), share: num(20.0), from: from() },
    ];
    shedding.bulk = Some(Bulk { below: num(49.7), falling: num(3.0), share: num(10.0), from: from() });
    shedding.restore.one_per = ms(100);
    let mut bench = site.bench();
    bench.set(HERTZ, 50.0);
    bench.hello();
    for home in homes {
        bench.give_back(home);
        bench.pass(secs(1));
    }
    bench.events.clear();
    (site, bench)
}

fn acted(bench: &Bench) -> Vec<(u16, f64, u32)> {
    let stage = |event: &GuardEvent| match event {
        GuardEvent::StageActed { stage, before, loads, .. } => Some((*stage, before.get(), *loads)),
        GuardEvent::BulkActed { before, loads, .. } => Some((99, before.get(), *loads)),
        _ => None,
    };
    bench.events.iter().filter_map(stage).collect()
}

#[test]
fn an_event_of_shedding_goes_on_over_a_reload() {
    let (mut site, mut bench) = village();
    // A fast fall: the bulk, and then the first stage.
    for hertz in [49.9, 49.6, 49.25, 49.25, 49.25] {
        bench.set(HERTZ, hertz);
        bench.pass(ms(100));
    }
    assert_eq!(acted(&bench), [(99, 10_000.0, 1), (0, 10_000.0, 1)]);
    // In the middle of the second stage's two seconds.
    bench.pass(ms(700));
    site.set.fingerprint = 7;
    replace(&mut bench, &site);
    bench.pass(ms(900));
    bench.set(HERTZ, 49.25);
    bench.pass(ms(100));
    bench.set(HERTZ, 48.8);
    assert_eq!(acted(&bench), [(99, 10_000.0, 1), (0, 10_000.0, 1), (1, 10_000.0, 2)], "nothing acts twice");
    bench.set(HERTZ, 50.0);
    bench.pass(secs(11));
    assert!(bench.has(|event| *event == GuardEvent::EventOver));
}

#[test]
fn a_device_that_may_be_another_one_is_told_again_and_its_partner_waits() {
    let mut site = Site::new();
    let (mains, genset) = (site.contact("mains"), site.contact("genset"));
    site.interlock(&[mains, genset], secs(2));
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    bench.pass(secs(5));
    // The relay behind this name is another one now, and it is closed.
    bench.physical[genset.index()] = Some(CLOSED);
    bench.broken[genset.index()] = true;
    bench.permits.clear();
    bench.guard.tell_again();
    bench.step(&[]);
    assert_eq!(bench.permits.iter().map(|permit| permit.1).collect::<Vec<_>>(), [mains, genset]);
    bench.ask(mains, CLOSED);
    bench.pass(secs(10));
    assert_eq!((bench.is(mains), bench.verdict(mains).cause), (OPEN, Cause::Interlock(0)));
    bench.broken[genset.index()] = false;
    bench.pass(secs(70));
    assert_eq!((bench.is(mains), bench.is(genset)), (CLOSED, OPEN));
}

/// The set in force while another one waits is neither of the two, although it bears the name of the old one: what it asks
/// for anew must find its place in what is remembered.
#[test]
fn what_is_new_beside_a_loosening_works_from_the_first_moment() {
    let plain = || {
        let mut site = Site::new();
        site.point("feeder.frequency", "Hz", Some(secs(100)));
        for name in ["pump", "heater", "other", "home"] {
            site.contact(name);
        }
        site.limit("too fast", &above("feeder.frequency", "55 Hz"), &[(OTHER, OPEN)]);
        site
    };
    let (heater, home) = (OutputId(1), OutputId(3));
    let mut bench = plain().bench();
    bench.set(HERTZ, 50.0);
    for output in [PUMP, heater, home] {
        bench.ask(output, CLOSED);
    }
    let mut new = plain();
    new.set.fingerprint = 2;
    new.envelope(OTHER).lease = secs(30);
    new.envelope(PUMP).max_switches = vec![SwitchBudget { count: 2, per: secs(3600) }];
    new.envelope(heater).max_closed = Some(secs(60));
    new.shedding(&[HERTZ], &[(home, "homes", 1000.0)]).stages =
        vec![Stage { below: num(49.5), hold: ms(60), share: num(100.0), from: vec!["homes".into()] }];
    assert_eq!(replace(&mut bench, &new), Taken::Tightenings);
    assert_eq!([PUMP, heater, home].map(|output| bench.is(output)), [CLOSED; 3]);
    // A budget that nobody used yet is not spent.
    bench.ask(PUMP, OPEN);
    bench.ask(PUMP, CLOSED);
    assert_eq!(bench.is(PUMP), CLOSED, "{:?}", bench.verdict(PUMP).cause);
    bench.ask(PUMP, OPEN);
    bench.ask(PUMP, CLOSED);
    assert_eq!((bench.is(PUMP), bench.verdict(PUMP).cause), (OPEN, Cause::MaxSwitches));
    // Who had the longest time does not get it again.
    bench.pass(secs(61));
    assert_eq!((bench.is(heater), bench.verdict(heater).cause), (OPEN, Cause::MaxClosed));
    bench.pass(secs(61));
    assert_eq!((bench.is(heater), bench.verdict(heater).cause), (OPEN, Cause::MaxClosed));
    // The stage acts.
    assert_eq!(bench.is(home), CLOSED);
    bench.set(HERTZ, 49.4);
    bench.pass(ms(100));
    bench.set(HERTZ, 49.4);
    assert_eq!((bench.is(home), bench.verdict(home).cause), (OPEN, Cause::Stage(0)));
}

/// The engine must say hello anew, and everything again: until then its word holds as long as it was lent, as at any other
/// end of its session.
#[test]
fn a_reload_that_ends_the_session_takes_nothing_of_what_was_lent() {
    let mut bench = site().bench();
    bench.set(HERTZ, 50.0);
    bench.ask(OTHER, CLOSED);
    bench.pass(secs(60));
    let mut new = site();
    let another = new.contact("another");
    new.envelope(another).by_hand = true;
    new.set.fingerprint = 3;
    new.envelope(OTHER).on_silence = OnSilence::Safe;
    assert_eq!(replace(&mut bench, &new), Taken::Whole);
    assert!(!bench.guard.hears_engine());
    bench.pass_in_silence(ms(2_900));
    assert_eq!(bench.is(OTHER), CLOSED, "{:?}", bench.verdict(OTHER).cause);
    bench.pass_in_silence(ms(100));
    assert_eq!((bench.is(OTHER), bench.verdict(OTHER).cause), (OPEN, Cause::Silence));
}
