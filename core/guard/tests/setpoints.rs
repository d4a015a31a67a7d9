//! Setpoints: values, step, shortest interval, ramp.

mod kit;
use ballast_guard::plan::{Limit, LimitAction, OnUnknown, OutsideChange};
use ballast_model::intent::Cause;
use ballast_model::{Outcome, OutputId, PointId, Wanted};
use kit::*;

#[test]
fn takes_the_nearest_allowed_value() {
    let mut site = Site::new();
    let charge = site.setpoint("charge", &[(0.0, 0.0), (200.0, 2000.0)]);
    site.level(charge).step = Some(num(10.0));
    let mut bench = site.bench();
    for (asked, given) in [
        (200.0, 200.0),
        (199.0, 200.0),
        (100.0, 0.0),
        (101.0, 200.0),
        (1504.0, 1500.0),
        (1506.0, 1510.0),
        (2000.0, 2000.0),
        (2001.0, 2000.0),
        (-5.0, 0.0),
        (1e300, 2000.0),
    ] {
        bench.ask(charge, level(asked));
        assert_eq!(bench.is(charge), level(given), "asked {asked}");
        let expected = if num(asked) == num(given) { Cause::Asked } else { Cause::Value };
        assert_eq!(bench.verdict(charge).cause, expected, "asked {asked}");
    }
}

#[test]
fn a_state_of_the_wrong_kind_is_not_followed() {
    let mut site = Site::new();
    let charge = site.setpoint("charge", &[(0.0, 2000.0)]);
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.ask(charge, level(500.0));
    bench.ask(charge, CLOSED);
    assert_eq!((bench.is(charge), bench.verdict(charge).cause), (level(500.0), Cause::NotAllowed));
    bench.ask(pump, level(1.0));
    assert_eq!((bench.is(pump), bench.verdict(pump).outcome), (OPEN, Outcome::Held));
}

#[test]
fn asked_changes_keep_their_interval_and_silence_does_not_wait() {
    let mut site = Site::new();
    let charge = site.setpoint("charge", &[(0.0, 2000.0)]);
    site.level(charge).min_interval = secs(15);
    let mut bench = site.bench();
    bench.ask(charge, level(500.0));
    bench.pass(secs(30));
    assert_eq!(bench.is(charge), level(500.0), "after the interval since the start");
    bench.ask(charge, level(600.0));
    assert_eq!(bench.is(charge), level(600.0));
    bench.ask(charge, level(600.0));
    assert_eq!(bench.verdict(charge).outcome, Outcome::Granted, "what it is told already waits for nothing");
    bench.ask(charge, level(700.0));
    assert_eq!((bench.is(charge), bench.verdict(charge).cause), (level(600.0), Cause::MinInterval));
    bench.pass(ms(14_999));
    assert_eq!(bench.is(charge), level(600.0));
    bench.pass(ms(1));
    assert_eq!(bench.is(charge), level(700.0));
    bench.pass_in_silence(secs(4));
    assert_eq!(bench.is(charge), level(0.0));
}

#[test]
fn ramps_away_from_safe_and_returns_at_once() {
    let mut site = Site::new();
    let power = site.setpoint("power", &[(-2000.0, 2000.0)]);
    site.level(power).ramp_away = Some(num(200.0));
    site.level(power).step = Some(num(10.0));
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    bench.pass(secs(3600));
    bench.ask(power, level(1000.0));
    let began = bench.now;
    assert_eq!(bench.is(power), level(0.0), "waiting earns no head start");
    bench.pass(secs(10));
    let mut last = began;
    for (at, output, wanted) in &bench.permits {
        let Wanted::Level(value) = wanted else { continue };
        if *output == power && *at >= began {
            assert!(value.get() <= 200.0 * at.since(began).secs_f64() + 1e-6, "{value} at {at:?}");
            last = *at;
        }
    }
    assert_eq!(bench.is(power), level(1000.0));
    assert!(last.since(began) >= secs(5) && last.since(began) <= secs(6));
    bench.ask(power, level(300.0));
    assert_eq!(bench.is(power), level(300.0), "towards safe at once");
    bench.ask(power, level(-500.0));
    assert_eq!(bench.is(power), level(0.0), "through safe");
    bench.pass(secs(1));
    assert_eq!(bench.is(power), level(-200.0), "and on from there");
    bench.pass(secs(5));
    assert_eq!(bench.is(power), level(-500.0));
}

#[test]
fn times_and_switchings_count_away_from_safe() {
    let mut site = Site::new();
    let charge = site.setpoint("charge", &[(0.0, 2000.0)]);
    let envelope = site.envelope(charge);
    (envelope.min_closed, envelope.min_open) = (secs(60), secs(30));
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    bench.pass(secs(30));
    bench.ask(charge, level(500.0));
    bench.ask(charge, level(700.0));
    assert_eq!(bench.is(charge), level(700.0), "between two levels no time counts");
    bench.ask(charge, level(0.0));
    assert_eq!((bench.is(charge), bench.verdict(charge).cause), (level(700.0), Cause::MinClosed));
    bench.pass(secs(60));
    assert_eq!(bench.is(charge), level(0.0));
}

#[test]
fn a_setpoint_that_someone_moved_is_followed_only_to_what_it_may_be() {
    let mut site = Site::new();
    let charge = site.setpoint("charge", &[(0.0, 0.0), (200.0, 2000.0)]);
    let warm = site.point("battery.temperature", "°C", Some(secs(600)));
    site.envelope(charge).outside_change = OutsideChange::Follow(secs(100));
    let rows = vec![(charge, vec![(num(45.0), num(100.0)), (num(55.0), num(50.0))])];
    let action = LimitAction::Derate { of: site.program(&name("battery.temperature")), rows };
    site.set.limits.push(Limit { name: "warm".into(), unknown: OnUnknown::Force, action });
    // What it finds, how warm it is, what it is then.
    for (found, degrees, expected) in
        [(1500.0, 20.0, 1500.0), (100.0, 20.0, 500.0), (3000.0, 20.0, 500.0), (900.0, 50.0, 500.0)]
    {
        let mut bench = site.bench();
        bench.set(warm, degrees);
        bench.ask(charge, level(500.0));
        bench.pass(secs(5));
        bench.physical[0] = Some(level(found));
        bench.actual(charge, level(found));
        bench.pass(secs(5));
        let told = bench.guard.output(charge).unwrap().told;
        assert_eq!((told, bench.is(charge)), (level(expected), level(expected)), "{found} at {degrees}");
        bench.set(warm, degrees);
        bench.pass(secs(100));
        assert_eq!(bench.is(charge), level(500.0), "{found} at {degrees}");
    }
}

#[test]
fn a_step_that_comes_late_makes_the_next_one_no_steeper() {
    let mut site = Site::new();
    let power = site.setpoint("power", &[(-2000.0, 2000.0)]);
    site.level(power).ramp_away = Some(num(200.0));
    site.level(power).step = Some(num(10.0));
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    bench.ask(power, level(1000.0));
    // The step that was due after a second is made 0.9 s late.
    bench.now = bench.now.after(ms(1_900));
    bench.step(&[]);
    assert_eq!(bench.is(power), level(200.0));
    bench.pass(ms(990));
    assert_eq!(bench.is(power), level(200.0), "a second has not passed");
    bench.pass(ms(20));
    assert_eq!(bench.is(power), level(400.0));
}

/// A setpoint that is safe at 500 W, in the middle of its range.
fn about_500(ranges: &[(f64, f64)]) -> (Site, OutputId) {
    let mut site = Site::new();
    let power = site.setpoint("power", ranges);
    let envelope = site.envelope(power);
    (envelope.safe, envelope.default, envelope.at_start) = (level(500.0), level(500.0), level(500.0));
    (site, power)
}

#[test]
fn of_two_equally_near_values_the_one_nearer_to_a_safe_state_that_is_not_zero_is_taken() {
    let (site, power) = about_500(&[(0.0, 0.0), (200.0, 200.0), (400.0, 600.0), (800.0, 800.0)]);
    let mut bench = site.bench();
    for (asked, given) in [(100.0, 200.0), (300.0, 400.0), (700.0, 600.0), (99.0, 0.0), (701.0, 800.0)] {
        bench.ask(power, level(asked));
        assert_eq!(bench.is(power), level(given), "asked {asked}");
    }
}

#[test]
fn a_ramp_counts_from_a_safe_state_that_is_not_zero_in_both_directions() {
    let (mut site, power) = about_500(&[(-2000.0, 2000.0)]);
    site.level(power).ramp_away = Some(num(100.0));
    site.level(power).min_interval = secs(4);
    for (goal, step) in [(-1500.0, -400.0), (1700.0, 400.0)] {
        let mut bench = site.bench();
        bench.step(&[]);
        bench.settle();
        bench.pass(secs(60));
        bench.permits.clear();
        bench.answers.clear();
        bench.ask(power, level(goal));
        let began = bench.now;
        bench.pass(secs(60));
        let told: Vec<_> = bench.permits.iter().map(|(at, _, wanted)| (at.since(began), *wanted)).collect();
        let steps = ((goal - 500.0) / step) as u64;
        let expected: Vec<_> =
            (1..=steps).map(|count| (secs(4 * count), level(500.0 + step * count as f64))).collect();
        assert_eq!(told, expected, "100 W in a second, every four seconds");
        let arrived = bench.answers.iter().filter(|verdict| verdict.state == level(goal));
        for verdict in arrived {
            let is_there = (verdict.outcome, verdict.cause, verdict.next_change);
            assert_eq!(
                is_there,
                (Outcome::Granted, Cause::Asked, None),
                "there is nothing to climb to any more"
            );
        }
    }
}

/// A limit that leaves all of an output at 0 % and nothing of it at 100 %.
fn cap(site: &mut Site, limit: &str, output: OutputId) -> PointId {
    let point = site.point(&format!("{limit}.level"), "%", None);
    let rows = vec![(output, vec![(num(0.0), num(100.0)), (num(100.0), num(0.0))])];
    let action = LimitAction::Derate { of: site.program(&name(&format!("{limit}.level"))), rows };
    site.set.limits.push(Limit { name: limit.into(), unknown: OnUnknown::Force, action });
    point
}

#[test]
fn a_cap_counts_from_a_safe_state_that_is_not_zero_and_keeps_to_the_step() {
    let (mut site, power) = about_500(&[(-1000.0, 2000.0)]);
    site.level(power).step = Some(num(100.0));
    let warm = cap(&mut site, "warm", power);
    let mut bench = site.bench();
    // 52 % are left: from -280 W to 1280 W.
    bench.set(warm, 48.0);
    let (held, granted) = ((Outcome::Held, Cause::Limit(0)), (Outcome::Granted, Cause::Asked));
    for (asked, given, answer) in [
        (1800.0, 1200.0, held),
        (1300.0, 1200.0, held),
        (1200.0, 1200.0, granted),
        (700.0, 700.0, granted),
        (-200.0, -200.0, granted),
        (-300.0, -200.0, held),
        (-900.0, -200.0, held),
    ] {
        bench.ask(power, level(asked));
        let verdict = bench.verdict(power);
        assert_eq!(
            (bench.is(power), (verdict.outcome, verdict.cause)),
            (level(given), answer),
            "asked {asked}"
        );
    }
}

#[test]
fn of_several_caps_the_lowest_counts_and_of_equal_ones_the_first_of_the_file_is_named() {
    let mut site = Site::new();
    let power = site.setpoint("power", &[(0.0, 2000.0)]);
    let [a, b] = ["a", "b"].map(|limit| cap(&mut site, limit, power));
    let mut bench = site.bench();
    bench.ask(power, level(2000.0));
    for (first, second, left, named) in
        [(50.0, 75.0, 500.0, 1), (75.0, 50.0, 500.0, 0), (75.0, 75.0, 500.0, 0)]
    {
        let both = [bench.sample(a, first), bench.sample(b, second)];
        bench.step(&both);
        bench.settle();
        assert_eq!((bench.is(power), bench.verdict(power).cause), (level(left), Cause::Limit(named)));
    }
}

#[test]
fn a_coarse_step_makes_a_ramp_no_slower() {
    let mut site = Site::new();
    let power = site.setpoint("power", &[(-2000.0, 2000.0)]);
    site.level(power).ramp_away = Some(num(70.0));
    site.level(power).step = Some(num(100.0));
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    bench.ask(power, level(1500.0));
    for (seconds, watts) in [(1, 0.0), (1, 100.0), (1, 200.0), (1, 200.0), (6, 700.0), (10, 1400.0)] {
        bench.pass(secs(seconds));
        assert_eq!(bench.is(power), level(watts), "after {seconds} s more");
    }
}
