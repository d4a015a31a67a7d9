//! Where two things meet at the same moment or value: which one counts.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod kit;
use ballast_guard::plan::{OnUnknown, Stage};
use ballast_guard::{OperatorCommand, Output};
use ballast_model::expr::BinaryOp;
use ballast_model::intent::Cause;
use ballast_model::{OutputId, PointId};
use kit::*;
use std::sync::Arc;

/// Two limits on one fan, each on its own point.
fn two_limits(wanted: [ballast_model::Wanted; 2]) -> (Bench, OutputId, [PointId; 2]) {
    let mut site = Site::new();
    let fan = site.contact("fan");
    let points = ["a.level", "b.level"].map(|name| site.point(name, "%", None));
    site.limit("a", &above("a.level", "50 %"), &[(fan, wanted[0])]);
    site.limit("b", &above("b.level", "50 %"), &[(fan, wanted[1])]);
    let mut bench = site.bench();
    points.iter().for_each(|point| bench.set(*point, 0.0));
    bench.ask(fan, OPEN);
    (bench, fan, points)
}

#[test]
fn of_two_limits_that_want_the_same_the_first_of_the_file_is_named() {
    for wanted in [OPEN, CLOSED] {
        let (mut bench, fan, points) = two_limits([wanted; 2]);
        bench.set(points[1], 60.0);
        assert_eq!((bench.is(fan), bench.verdict(fan).cause), (wanted, Cause::Limit(1)));
        bench.set(points[0], 60.0);
        assert_eq!((bench.is(fan), bench.verdict(fan).cause), (wanted, Cause::Limit(0)));
    }
}

#[test]
fn of_two_limits_safe_wins_wherever_it_stands_in_the_file() {
    for (wanted, safe) in [([OPEN, CLOSED], 0), ([CLOSED, OPEN], 1)] {
        let (mut bench, fan, points) = two_limits(wanted);
        bench.set(points[0], 60.0);
        bench.set(points[1], 60.0);
        assert_eq!((bench.is(fan), bench.verdict(fan).cause), (OPEN, Cause::Limit(safe)));
    }
}

#[test]
fn a_limit_that_derates_on_unknown_forces_its_setpoint_where_it_is_known_to_be_violated() {
    let mut site = Site::new();
    let charge = site.setpoint("charge", &[(0.0, 2000.0)]);
    let hot = site.point("battery.temperature", "°C", Some(secs(60)));
    let limit = site.limit("hot", &above("battery.temperature", "50 °C"), &[(charge, level(0.0))]);
    site.set.limits[usize::from(limit)].unknown = OnUnknown::Derate(num(10.0));
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(charge, level(2000.0));
    assert_eq!(bench.is(charge), level(2000.0));
    bench.set(hot, 60.0);
    assert_eq!(bench.is(charge), level(0.0), "violated, and nothing was unknown before");
    bench.set(hot, 20.0);
    assert_eq!(bench.is(charge), level(2000.0));
    bench.lose(hot);
    assert_eq!(bench.is(charge), level(200.0), "unknown: a share");
    bench.set(hot, 60.0);
    assert_eq!(bench.is(charge), level(0.0), "violated: what the limit sets");
    bench.lose(hot);
    assert_eq!(bench.is(charge), level(0.0), "what it was is not forgotten by not knowing");
    bench.set(hot, 20.0);
    assert_eq!(bench.is(charge), level(2000.0));
}

#[test]
fn of_two_that_a_new_set_forbids_beside_each_other_the_later_one_leaves() {
    let mut site = Site::new();
    let [pump, mains, genset] = ["pump", "mains", "genset"].map(|name| site.contact(name));
    for members in [[mains, genset], [genset, mains]] {
        let mut bench = site.bench();
        [pump, mains, genset].iter().for_each(|output| bench.ask(*output, CLOSED));
        assert_eq!([pump, mains, genset].map(|output| bench.is(output)), [CLOSED; 3]);
        let mut strict = site.clone();
        strict.interlock(&members, secs(2));
        strict.set.fingerprint = 2;
        bench.guard.replace(Arc::new(strict.catalog.clone()), strict.set, false, bench.now);
        bench.step(&[]);
        bench.settle();
        bench.pass(secs(10));
        assert_eq!(members.map(|output| bench.is(output)), [CLOSED, OPEN], "{members:?}");
        assert_eq!(bench.is(pump), CLOSED);
    }
}

#[test]
fn a_limit_goes_before_what_is_safe_and_that_before_what_is_asked() {
    let mut site = Site::new();
    let [mains, genset] = ["mains", "genset"].map(|name| site.contact(name));
    site.interlock(&[mains, genset], secs(2));
    let envelope = site.envelope(mains);
    (envelope.safe, envelope.default, envelope.at_start) = (CLOSED, CLOSED, CLOSED);
    let frost = site.point("tank.temperature", "°C", None);
    let smoke = site.point("smoke.level", "%", None);
    // A limit that is not the first one of the file.
    site.limit("smoke", &above("smoke.level", "50 %"), &[(mains, OPEN)]);
    site.limit("frost", &below("tank.temperature", "5 °C"), &[(genset, CLOSED)]);
    let mut bench = site.bench();
    bench.set(frost, 20.0);
    bench.set(smoke, 0.0);
    bench.ask(genset, OPEN);
    bench.ask(mains, OPEN);
    bench.pass(secs(5));
    bench.ask(genset, CLOSED);
    bench.pass(secs(5));
    assert_eq!((bench.is(mains), bench.is(genset)), (OPEN, CLOSED));
    bench.operator(OperatorCommand::Now(Some(mains)));
    bench.pass(secs(5));
    assert_eq!((bench.is(mains), bench.is(genset)), (CLOSED, OPEN), "safe goes before what is asked");
    bench.set(frost, 0.0);
    bench.pass(secs(5));
    assert_eq!((bench.is(mains), bench.is(genset)), (OPEN, CLOSED), "a limit goes before it");
}

#[test]
fn of_two_values_that_are_equally_near_the_one_nearer_to_safe_is_taken() {
    let mut site = Site::new();
    let up = site.setpoint("up", &[(100.0, 100.0), (300.0, 300.0)]);
    let down = site.setpoint("down", &[(-300.0, -300.0), (-100.0, -100.0)]);
    let mut bench = site.bench();
    for (asked, given) in [(200.0, 100.0), (201.0, 300.0), (199.0, 100.0), (50.0, 0.0), (51.0, 100.0)] {
        bench.ask(up, level(asked));
        bench.ask(down, level(-asked));
        assert_eq!((bench.is(up), bench.is(down)), (level(given), level(-given)), "asked {asked}");
    }
}

#[test]
fn a_step_of_nothing_is_no_step() {
    let mut site = Site::new();
    let charge = site.setpoint("charge", &[(0.0, 2000.0)]);
    site.level(charge).step = Some(num(0.0));
    let mut bench = site.bench();
    bench.ask(charge, level(555.5));
    assert_eq!((bench.is(charge), bench.verdict(charge).cause), (level(555.5), Cause::Asked));
}

#[test]
fn who_is_named_is_the_highest_the_lowest_or_the_unknown_one() {
    for (function, op, calm, beyond, further) in
        [("max", BinaryOp::Greater, 20.0, 60.0, 70.0), ("min", BinaryOp::Less, 80.0, 30.0, 20.0)]
    {
        let mut site = Site::new();
        let charger = site.contact("charger");
        let [one, other] = ["battery.a", "battery.b"].map(|name| site.point(name, "°C", Some(secs(600))));
        let condition = compare(call(function, &["battery.a", "battery.b"]), op, "50 °C");
        site.limit("beyond", &condition, &[(charger, OPEN)]);
        let witness = |bench: &Bench| bench.guard.limits().next().unwrap().witness;
        let mut bench = site.bench();
        bench.set(one, calm);
        bench.set(other, calm);
        bench.ask(charger, CLOSED);
        for point in [one, other] {
            bench.set(point, beyond);
            assert_eq!(
                (witness(&bench), bench.verdict(charger).witness.unwrap().point),
                (Some(point), point)
            );
            bench.set(point, calm);
        }
        bench.set(one, beyond);
        bench.set(other, further);
        assert_eq!(witness(&bench), Some(other), "{function}");
        bench.lose(one);
        assert_eq!(witness(&bench), Some(other), "it acts whatever the lost one is");
    }
}

#[test]
fn a_hand_on_a_setpoint_is_followed_where_its_curve_leaves_everything_and_not_where_it_caps() {
    use ballast_guard::plan::{Limit, LimitAction, OutsideChange};
    for (degrees, followed) in [(20.0, true), (45.0, true), (46.0, false)] {
        let mut site = Site::new();
        let charge = site.setpoint("charge", &[(0.0, 2000.0)]);
        let warm = site.point("battery.temperature", "°C", Some(secs(600)));
        site.envelope(charge).outside_change = OutsideChange::Follow(secs(60));
        let rows = vec![(charge, vec![(num(45.0), num(100.0)), (num(55.0), num(0.0))])];
        let action = LimitAction::Derate { of: site.program(&name("battery.temperature")), rows };
        site.set.limits.push(Limit { name: "warm".into(), unknown: OnUnknown::Force, action });
        let mut bench = site.bench();
        bench.set(warm, degrees);
        bench.ask(charge, level(500.0));
        bench.pass(secs(5));
        bench.physical[charge.index()] = Some(level(800.0));
        bench.actual(charge, level(800.0));
        bench.pass(secs(5));
        let expected = if followed { 800.0 } else { 500.0 };
        assert_eq!(bench.is(charge), level(expected), "{degrees} °C");
    }
}

#[test]
fn a_copy_of_a_guard_cuts_what_the_guard_cuts() {
    let mut site = Site::new();
    let homes = ["north", "south"].map(|name| site.contact(name));
    let frequency = site.point("feeder.frequency", "Hz", Some(secs(600)));
    let shedding = site.shedding(&[frequency], &homes.map(|home| (home, "homes", 1000.0)));
    let from = vec!["homes".into()];
    shedding.stages = vec![Stage { below: num(49.5), hold: secs(0), share: num(100.0), from }];
    let mut bench = site.bench();
    bench.set(frequency, 50.0);
    bench.hello();
    for home in homes {
        bench.give_back(home);
        bench.pass(secs(10));
    }
    assert_eq!(homes.map(|home| bench.is(home)), [CLOSED; 2]);
    let mut copy = bench.guard.clone();
    let low = bench.sample(frequency, 49.0);
    let (mut said, mut copied) = (Vec::with_capacity(200), Vec::with_capacity(200));
    bench.guard.step(bench.now, &[low], &mut said);
    copy.step(bench.now, &[low], &mut copied);
    assert_eq!(copied, said);
    let cut =
        said.iter().filter(|output| matches!(output, Output::Permit(permit) if permit.wanted() == OPEN));
    assert_eq!(cut.count(), 2);
}
