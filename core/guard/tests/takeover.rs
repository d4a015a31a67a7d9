//! A limit that takes over from two, when a person confirms what stood beside the old one: where either acted it acts on,
//! and it lets go no sooner than either would have.

#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod kit;
use ballast_guard::plan::{LimitAction, OnUnknown};
use ballast_guard::{GuardEvent, OperatorCommand, ResetWhat, Taken};
use ballast_model::intent::Cause;
use ballast_model::{OutputId, PointId, Wanted};
use kit::*;
use std::sync::Arc;

const HEATER: OutputId = OutputId(0);
const FAN: OutputId = OutputId(1);
const CHARGE: OutputId = OutputId(2);
const ONE: PointId = PointId(0);
const OTHER: PointId = PointId(1);

/// A site on which "hot" looks at one of two sensors: above 50 °C, until it was below 45 °C for ten seconds.
fn site(sensor: &str, fingerprint: u64, force: &[(OutputId, Wanted)], edit: fn(&mut Site)) -> Site {
    let mut site = Site::new();
    for name in ["one.temperature", "other.temperature"] {
        site.point(name, "°C", Some(secs(100_000)));
    }
    for name in ["heater", "fan"] {
        site.contact(name);
    }
    site.setpoint("charge", &[(0.0, 2000.0)]);
    let limit = site.limit("hot", &above(sensor, "50 °C"), force);
    site.until(limit, &below(sensor, "45 °C"), secs(10));
    edit(&mut site);
    site.set.fingerprint = fingerprint;
    site
}

/// The old set is in force and an edit waits: "hot" looks at one sensor, "hot (2)" at the other.
struct Waiting {
    bench: Bench,
    new: Site,
}

impl Waiting {
    fn new(force: &[(OutputId, Wanted)], edit: fn(&mut Site)) -> Self {
        let old = site("one.temperature", 1, force, edit);
        Self { bench: old.bench(), new: site("other.temperature", 2, force, edit) }
    }

    /// The file is saved.
    fn save(&mut self) {
        let (catalog, set) = (Arc::new(self.new.catalog.clone()), self.new.set.clone());
        let replaced = self.bench.guard.replace(catalog, set, false, self.bench.now);
        assert_eq!((replaced.taken, self.bench.guard.limits().count()), (Taken::Tightenings, 2));
        self.go_on();
    }

    fn confirm(&mut self) {
        self.bench.operator(OperatorCommand::Confirm(2));
        assert!(self.bench.guard.adopt_confirmed(self.bench.now).is_some());
        assert_eq!(self.bench.guard.limits().count(), 1);
        self.go_on();
    }

    fn go_on(&mut self) {
        self.bench.out.reserve(self.bench.guard.output_capacity());
        self.bench.step(&[]);
        self.bench.settle();
    }

    fn is(&self, output: OutputId) -> (Wanted, Cause) {
        (self.bench.is(output), self.bench.verdict(output).cause)
    }
}

#[test]
fn what_was_violated_for_a_while_does_not_begin_anew() {
    // Whichever of the two it was: it must hold for eight seconds, six of which are over.
    for violated in [ONE, OTHER] {
        let mut site = Waiting::new(&[(HEATER, OPEN)], |site| site.held(0, secs(8)));
        for sensor in [ONE, OTHER] {
            site.bench.set(sensor, 20.0);
        }
        site.bench.ask(HEATER, CLOSED);
        site.save();
        site.bench.set(violated, 60.0);
        site.bench.pass(secs(6));
        site.bench.set(OTHER, 60.0);
        site.confirm();
        site.bench.pass(ms(1_999));
        assert_eq!(site.is(HEATER), (CLOSED, Cause::Asked), "{violated:?}");
        site.bench.pass(ms(1));
        assert_eq!(site.is(HEATER), (OPEN, Cause::Limit(0)), "{violated:?}");
    }
}

#[test]
fn a_later_step_counts_from_the_one_that_acted_first() {
    for sensors in [[ONE, OTHER], [OTHER, ONE]] {
        let mut site = Waiting::new(&[(HEATER, OPEN), (FAN, OPEN)], |site| site.after(0, 1, secs(60)));
        for sensor in sensors {
            site.bench.set(sensor, 20.0);
        }
        site.bench.ask(HEATER, CLOSED);
        site.bench.ask(FAN, CLOSED);
        site.save();
        for sensor in sensors {
            site.bench.set(sensor, 60.0);
            site.bench.pass(secs(20));
        }
        site.confirm();
        site.bench.pass(ms(19_999));
        assert_eq!(site.is(FAN), (CLOSED, Cause::Asked), "{sensors:?}");
        site.bench.pass(ms(1));
        assert_eq!(site.is(FAN), (OPEN, Cause::Limit(0)), "{sensors:?}");
    }
}

#[test]
fn what_was_known_to_either_is_not_waited_for() {
    // The old one knows its sensor; that of the new one never spoke.
    let mut site = Waiting::new(&[(HEATER, OPEN)], |_| {});
    site.bench.set(ONE, 20.0);
    site.bench.ask(HEATER, CLOSED);
    site.save();
    assert_eq!(site.is(HEATER), (CLOSED, Cause::Asked));
    site.confirm();
    assert_eq!(site.is(HEATER), (OPEN, Cause::Limit(0)), "unknown counts, there is no start any more");
    // The other way round: that of the new one spoke, and does not any more.
    let mut site = Waiting::new(&[(HEATER, OPEN)], |site| site.held(0, secs(3)));
    site.bench.step(&[]);
    site.bench.settle();
    site.save();
    site.bench.set(OTHER, 20.0);
    site.bench.lose(OTHER);
    site.confirm();
    site.bench.pass(ms(2_999));
    assert!(!site.bench.has(|event| matches!(event, GuardEvent::LimitActed { .. })));
    site.bench.pass(ms(1));
    assert!(site.bench.has(|event| matches!(event, GuardEvent::LimitActed { limit: 0, .. })));
}

#[test]
fn what_one_did_because_nothing_was_known_does_not_end_what_the_other_did_because_it_was_hot() {
    let mut site = Waiting::new(&[(HEATER, OPEN), (FAN, OPEN)], |site| site.after(0, 1, secs(60)));
    site.bench.ask(HEATER, CLOSED);
    site.bench.ask(FAN, CLOSED);
    site.bench.pass(secs(10));
    assert_eq!(site.is(HEATER), (OPEN, Cause::Limit(0)), "the old one never knew anything");
    assert_eq!(site.is(FAN), (OPEN, Cause::AtStart));
    site.save();
    site.bench.set(OTHER, 60.0);
    site.bench.lose(OTHER);
    site.confirm();
    assert_eq!(site.is(HEATER), (OPEN, Cause::Limit(0)));
    assert_eq!(site.is(FAN), (CLOSED, Cause::Asked), "its sensor was known: the start is over");
    site.bench.set(OTHER, 20.0);
    site.bench.pass(ms(9_999));
    assert_eq!(site.is(HEATER), (OPEN, Cause::Limit(0)), "not before its `until` held");
    site.bench.pass(ms(1));
    assert_eq!(site.is(HEATER), (CLOSED, Cause::Asked));
}

#[test]
fn what_one_only_lowered_the_other_keeps_at_what_it_sets() {
    let mut site = Waiting::new(&[(CHARGE, level(0.0))], |site| {
        site.set.limits[0].unknown = OnUnknown::Derate(num(10.0));
    });
    for sensor in [ONE, OTHER] {
        site.bench.set(sensor, 20.0);
    }
    site.bench.ask(CHARGE, level(2000.0));
    site.save();
    site.bench.lose(ONE);
    assert_eq!(site.bench.is(CHARGE), level(200.0), "unknown: a share");
    site.bench.set(OTHER, 60.0);
    site.bench.lose(OTHER);
    assert_eq!(site.bench.is(CHARGE), level(0.0), "it was hot when it was last known");
    site.confirm();
    assert_eq!(site.bench.is(CHARGE), level(0.0));
}

#[test]
fn what_one_left_to_a_person_waits_until_the_other_is_clear_for_long_enough_too() {
    let mut site = Waiting::new(&[(HEATER, OPEN)], |site| site.latched(0));
    for sensor in [ONE, OTHER] {
        site.bench.set(sensor, 20.0);
    }
    site.bench.ask(HEATER, CLOSED);
    site.save();
    for sensor in [ONE, OTHER] {
        site.bench.set(sensor, 60.0);
    }
    site.bench.set(ONE, 20.0);
    site.bench.pass(secs(10));
    assert!(site.bench.has(|event| *event == GuardEvent::LimitLatched { limit: 0 }));
    site.bench.set(OTHER, 20.0);
    site.bench.pass(secs(5));
    site.confirm();
    let reset = OperatorCommand::Reset(ResetWhat::Limit(0));
    site.bench.operator(reset);
    assert_eq!(site.is(HEATER), (OPEN, Cause::Limit(0)), "cool for five seconds only");
    site.bench.pass(secs(10));
    assert_eq!(site.is(HEATER), (OPEN, Cause::Latched));
    site.bench.operator(reset);
    assert_eq!(site.is(HEATER), (CLOSED, Cause::Asked));
}

#[test]
fn a_name_in_brackets_that_is_no_number_stands_beside_nothing() {
    for name in ["hot (summer)", "hot ()", "hot (2"] {
        let mut old = site("one.temperature", 1, &[(HEATER, OPEN)], |_| {});
        let limit = old.limit(name, &above("other.temperature", "50 °C"), &[(HEATER, OPEN)]);
        old.until(limit, &below("other.temperature", "45 °C"), secs(10));
        let mut bench = old.bench();
        for sensor in [ONE, OTHER] {
            bench.set(sensor, 20.0);
        }
        bench.ask(HEATER, CLOSED);
        bench.set(OTHER, 60.0);
        assert_eq!(bench.is(HEATER), OPEN, "{name}");
        // A person takes it out: "hot" has nothing to do with it, and never acted.
        let new = site("one.temperature", 2, &[(HEATER, OPEN)], |_| {});
        bench.guard.replace(Arc::new(new.catalog), new.set, true, bench.now);
        bench.step(&[]);
        bench.settle();
        assert_eq!((bench.is(HEATER), bench.verdict(HEATER).cause), (CLOSED, Cause::Asked), "{name}");
    }
}

/// "hot" forces the setpoint to nothing, and a person confirms an edit that makes a curve of it.
fn made_a_curve(edit: fn(&mut Site), before: fn(&mut Bench)) -> Bench {
    let old = site("one.temperature", 1, &[(CHARGE, level(0.0))], edit);
    let mut bench = old.bench();
    bench.set(ONE, 20.0);
    bench.ask(CHARGE, level(2000.0));
    bench.set(ONE, 60.0);
    before(&mut bench);
    assert_eq!(bench.is(CHARGE), level(0.0));
    let mut new = old.clone();
    let rows = vec![(CHARGE, vec![(num(45.0), num(100.0)), (num(55.0), num(0.0))])];
    new.set.limits[0].action = LimitAction::Derate { of: new.program(&name("one.temperature")), rows };
    new.set.fingerprint = 2;
    bench.guard.replace(Arc::new(new.catalog), new.set, true, bench.now);
    bench.step(&[]);
    bench.settle();
    bench
}

#[test]
fn a_curve_that_takes_over_from_a_limit_does_not_act_for_ever() {
    let cool: fn(&mut Bench) = |bench| {
        bench.set(ONE, 20.0);
        bench.pass(secs(5));
    };
    let latched: fn(&mut Bench) = |bench| {
        bench.set(ONE, 20.0);
        bench.pass(secs(10));
    };
    for (edit, before) in [((|_| {}) as fn(&mut Site), cool), (|site| site.latched(0), latched)] {
        let bench = made_a_curve(edit, before);
        assert_eq!((bench.is(CHARGE), bench.verdict(CHARGE).cause), (level(2000.0), Cause::Asked));
        let state = *bench.guard.limits().next().unwrap().state;
        assert_eq!((state.acted, state.is_latched), (None, false));
    }
}

#[test]
fn a_curve_that_takes_over_from_a_limit_knows_that_its_sensor_spoke_once() {
    let bench = made_a_curve(|_| {}, |bench| bench.lose(ONE));
    assert!(bench.guard.is_starting(), "a sensor that never spoke would be waited for");
    assert_eq!((bench.is(CHARGE), bench.verdict(CHARGE).cause), (level(0.0), Cause::Limit(0)));
}
