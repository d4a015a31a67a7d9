//! Limits: at the limit, just inside, just outside, missing, stale.

mod kit;
use ballast_guard::plan::{Asleep, Limit, LimitAction, OnUnknown};
use ballast_guard::{GuardEvent, OperatorCommand, ResetWhat};
use ballast_model::expr::BinaryOp;
use ballast_model::intent::Cause;
use ballast_model::sample::Value;
use ballast_model::{Outcome, OutputId, PointId, Span};
use kit::*;

/// A charger that opens above 50 °C and may close again below 45 °C for 300 s.
fn charger() -> (Site, OutputId, PointId) {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let hot = site.point("battery.temperature", "°C", Some(secs(30)));
    let limit = site.limit("battery too hot", &above("battery.temperature", "50 °C"), &[(charger, OPEN)]);
    site.until(limit, &below("battery.temperature", "45 °C"), secs(300));
    (site, charger, hot)
}

fn hold_at(bench: &mut Bench, point: PointId, value: f64, seconds: u64) {
    for _ in 0..seconds {
        bench.set(point, value);
        bench.pass(secs(1));
    }
}

#[test]
fn acts_above_the_limit_and_not_at_it() {
    let (site, charger, hot) = charger();
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(charger, CLOSED);
    bench.set(hot, 49.9);
    assert_eq!(bench.is(charger), CLOSED);
    bench.set(hot, 50.0);
    assert_eq!(bench.is(charger), CLOSED);
    bench.set(hot, 50.1);
    assert_eq!(bench.is(charger), OPEN);
    let verdict = bench.verdict(charger);
    assert_eq!((verdict.cause, verdict.outcome), (Cause::Limit(0), Outcome::Changed));
    let witness = verdict.witness.unwrap();
    assert_eq!((witness.point, witness.value), (hot, Some(Value::Number(num(50.1)))));
}

#[test]
fn lets_go_below_its_until_held_long_enough() {
    let (site, charger, hot) = charger();
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(charger, CLOSED);
    bench.set(hot, 60.0);
    hold_at(&mut bench, hot, 45.0, 400);
    assert_eq!(bench.is(charger), OPEN, "at `until` is not below it");
    hold_at(&mut bench, hot, 44.9, 299);
    assert_eq!(bench.is(charger), OPEN);
    hold_at(&mut bench, hot, 44.9, 2);
    assert_eq!(bench.is(charger), CLOSED);
}

#[test]
fn fault_05_unknown_counts_as_violated_when_missing_and_when_stale() {
    let (site, charger, hot) = charger();
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(charger, CLOSED);
    bench.pass(secs(30));
    assert_eq!(bench.is(charger), CLOSED, "just fresh enough");
    bench.pass(ms(1));
    assert_eq!((bench.is(charger), bench.verdict(charger).cause), (OPEN, Cause::Limit(0)));
    hold_at(&mut bench, hot, 20.0, 301);
    assert_eq!(bench.is(charger), CLOSED);
    bench.lose(hot);
    assert_eq!(bench.is(charger), OPEN);
    assert!(bench.has(|event| matches!(event, GuardEvent::LimitActed { is_unknown: true, .. })));
}

#[test]
fn at_start_holds_until_the_inputs_are_good_and_unknown_counts_after_the_grace() {
    let (mut site, charger, hot) = charger();
    site.envelope(charger).at_start = CLOSED;
    let mut bench = site.bench();
    bench.ask(charger, OPEN);
    assert_eq!((bench.is(charger), bench.verdict(charger).cause), (CLOSED, Cause::AtStart));
    bench.pass(ms(9_999));
    assert_eq!(bench.is(charger), CLOSED);
    bench.pass(ms(1));
    assert_eq!((bench.is(charger), bench.verdict(charger).cause), (OPEN, Cause::Limit(0)));
    bench.ask(charger, CLOSED);
    bench.set(hot, 20.0);
    assert_eq!(bench.is(charger), CLOSED, "the first good reading ends what only ignorance began");
}

#[test]
fn what_was_asked_at_the_start_is_done_as_soon_as_the_inputs_are_good() {
    let (site, charger, hot) = charger();
    let mut bench = site.bench();
    bench.ask(charger, CLOSED);
    assert_eq!((bench.is(charger), bench.verdict(charger).cause), (OPEN, Cause::AtStart));
    bench.set(hot, 20.0);
    assert_eq!((bench.is(charger), bench.verdict(charger).cause), (CLOSED, Cause::Asked));
}

#[test]
fn what_acts_because_it_is_unknown_ends_as_if_it_had_been_violated() {
    let (mut site, charger, hot) = charger();
    site.until(0, &below("battery.temperature", "45 °C"), secs(5));
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(charger, CLOSED);
    bench.lose(hot);
    assert_eq!(bench.is(charger), OPEN);
    bench.set(hot, 20.0);
    bench.pass(ms(4_999));
    assert_eq!((bench.is(charger), bench.verdict(charger).cause), (OPEN, Cause::Limit(0)));
    bench.pass(ms(1));
    assert_eq!(bench.is(charger), CLOSED);
    let state = *bench.guard.limits().next().unwrap().state;
    assert_eq!((state.acted, state.truth), (None, Some(false)), "who looks sees that it is not violated");
}

#[test]
fn holds_for_its_time_before_it_acts() {
    let (mut site, charger, hot) = charger();
    site.held(0, secs(2));
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(charger, CLOSED);
    bench.set(hot, 51.0);
    bench.pass(ms(1999));
    assert_eq!(bench.is(charger), CLOSED);
    bench.set(hot, 20.0);
    bench.set(hot, 51.0);
    bench.pass(ms(1999));
    assert_eq!(bench.is(charger), CLOSED, "interrupted");
    bench.pass(ms(1));
    assert_eq!(bench.is(charger), OPEN);
}

#[test]
fn fault_07_an_unknown_member_of_max_leaves_it_unknown_until_a_good_one_violates() {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let one = site.point("battery.a", "°C", Some(secs(60)));
    let other = site.point("battery.b", "°C", Some(secs(60)));
    let both = call("max", &["battery.a", "battery.b"]);
    site.limit("hot", &compare(both, BinaryOp::Greater, "50 °C"), &[(charger, OPEN)]);
    site.set.limits[0].unknown = OnUnknown::Derate(num(10.0));
    let mut bench = site.bench();
    bench.set(one, 20.0);
    bench.set(other, 20.0);
    bench.ask(charger, CLOSED);
    assert_eq!(bench.is(charger), CLOSED);
    bench.lose(other);
    assert_eq!(bench.is(charger), OPEN, "a contact cannot be derated: it is forced");
    let knows = |bench: &Bench| bench.guard.limits().next().unwrap().state.truth;
    assert_eq!(knows(&bench), None);
    bench.set(one, 51.0);
    assert_eq!(knows(&bench), Some(true));
    bench.set(other, 20.0);
    bench.set(one, 20.0);
    assert_eq!(bench.is(charger), CLOSED);
}

#[test]
fn forces_in_order_with_delays_and_keeps_the_consumers() {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let mains = site.contact("mains");
    let hot = site.point("battery.temperature", "°C", None);
    let limit =
        site.limit("hot", &above("battery.temperature", "50 °C"), &[(mains, CLOSED), (charger, OPEN)]);
    site.after(limit, 1, secs(1));
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(charger, CLOSED);
    bench.permits.clear();
    bench.set(hot, 60.0);
    assert_eq!((bench.is(mains), bench.is(charger)), (CLOSED, CLOSED));
    bench.pass(ms(999));
    assert_eq!(bench.is(charger), CLOSED);
    bench.pass(ms(1));
    assert_eq!(bench.is(charger), OPEN);
    // Without delays the order of the file is the order of the permits, whatever the order of the outputs.
    site.after(limit, 1, secs(0));
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(charger, CLOSED);
    bench.permits.clear();
    bench.set(hot, 60.0);
    let order: Vec<OutputId> = bench.permits.iter().map(|(_, output, _)| *output).collect();
    assert_eq!(order, [mains, charger]);
}

#[test]
fn a_latch_waits_for_a_person() {
    let (mut site, charger, hot) = charger();
    site.latched(0);
    site.until(0, &below("battery.temperature", "45 °C"), secs(0));
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(charger, CLOSED);
    bench.set(hot, 60.0);
    bench.operator(OperatorCommand::Reset(ResetWhat::Limit(0)));
    assert!(bench.has(|event| matches!(event, GuardEvent::ResetRefused { .. })), "still violated");
    let told = |bench: &Bench| bench.count(|event| matches!(event, GuardEvent::LimitLatched { limit: 0 }));
    assert_eq!(told(&bench), 0);
    bench.set(hot, 20.0);
    assert_eq!((bench.is(charger), bench.verdict(charger).cause), (OPEN, Cause::Latched));
    assert_eq!(told(&bench), 1, "it waits for a person");
    bench.set(hot, 60.0);
    assert_eq!((bench.verdict(charger).cause, told(&bench)), (Cause::Limit(0), 1));
    bench.set(hot, 20.0);
    assert_eq!(told(&bench), 2);
    bench.operator(OperatorCommand::Reset(ResetWhat::Limit(0)));
    assert_eq!(bench.is(charger), CLOSED);
}

#[test]
fn a_reset_is_told_once_however_much_it_lets_go() {
    let (mut site, charger, hot) = charger();
    site.latched(0);
    site.until(0, &below("battery.temperature", "45 °C"), secs(0));
    let other = site.limit("hot too", &above("battery.temperature", "40 °C"), &[(charger, OPEN)]);
    site.latched(other);
    let mut bench = site.bench();
    for what in [ResetWhat::All, ResetWhat::Limit(0)] {
        bench.set(hot, 60.0);
        bench.set(hot, 20.0);
        bench.operator(OperatorCommand::Now(Some(charger)));
        bench.events.clear();
        bench.operator(OperatorCommand::Reset(what));
        let told = bench.count(|event| matches!(event, GuardEvent::WasReset { .. }));
        assert_eq!(told, 1, "{:?}", bench.events);
        let released = bench.count(|event| matches!(event, GuardEvent::LimitReleased { .. }));
        assert_eq!(released, if what == ResetWhat::All { 2 } else { 1 }, "{:?}", bench.events);
    }
}

#[test]
fn a_reset_of_everything_is_refused_only_where_nothing_waits_at_all() {
    type Wait = fn(&mut Bench);
    // The limits stand last: what waits before them counts too, and the other way round.
    let waits: [(&str, Wait, bool); 4] = [
        ("nothing", |_| {}, false),
        ("an output", |bench| bench.operator(OperatorCommand::Now(Some(OutputId(0)))), true),
        ("every output", |bench| bench.operator(OperatorCommand::Now(None)), true),
        (
            "a limit",
            |bench| {
                let hot = bench.resolve("battery.temperature");
                bench.set(hot, 60.0);
                bench.set(hot, 20.0);
            },
            true,
        ),
    ];
    for (what, wait, found) in waits {
        let (mut site, charger, hot) = charger();
        site.latched(0);
        site.until(0, &below("battery.temperature", "45 °C"), secs(0));
        site.contact("other");
        let mut bench = site.bench();
        bench.set(hot, 20.0);
        bench.ask(charger, CLOSED);
        wait(&mut bench);
        bench.operator(OperatorCommand::Reset(ResetWhat::All));
        assert_eq!(bench.is(charger), CLOSED, "{what}");
        let (reset, refused) = (
            bench.count(|event| matches!(event, GuardEvent::WasReset { .. })),
            bench.count(|event| matches!(event, GuardEvent::ResetRefused { .. })),
        );
        assert_eq!((reset, refused), if found { (1, 0) } else { (0, 1) }, "{what}");
    }
}

#[test]
fn of_two_limits_on_one_output_safe_wins_and_then_the_first() {
    let mut site = Site::new();
    let fan = site.contact("fan");
    let one = site.point("a.level", "%", None);
    let two = site.point("b.level", "%", None);
    site.limit("run", &above("a.level", "50 %"), &[(fan, CLOSED)]);
    site.limit("stop", &above("b.level", "50 %"), &[(fan, OPEN)]);
    let mut bench = site.bench();
    bench.set(one, 60.0);
    bench.set(two, 10.0);
    bench.ask(fan, OPEN);
    assert_eq!(bench.is(fan), CLOSED);
    bench.set(two, 60.0);
    assert_eq!((bench.is(fan), bench.verdict(fan).cause), (OPEN, Cause::Limit(1)));
}

#[test]
fn a_limit_that_sets_what_is_asked_for_takes_nothing_from_who_asks() {
    for (asked, outcome, interventions) in [(OPEN, Outcome::Granted, 0), (CLOSED, Outcome::Changed, 1)] {
        let (site, charger, hot) = charger();
        let mut bench = site.bench();
        bench.set(hot, 20.0);
        bench.ask(charger, asked);
        let before = bench.guard.counters().interventions;
        bench.set(hot, 60.0);
        let verdict = bench.verdict(charger);
        assert_eq!((bench.is(charger), verdict.outcome, verdict.cause), (OPEN, outcome, Cause::Limit(0)));
        assert_eq!(bench.guard.counters().interventions - before, interventions, "{asked:?}");
    }
}

#[test]
fn limits_do_not_wait_for_minimum_times() {
    let (mut site, charger, hot) = charger();
    site.envelope(charger).min_closed = secs(600);
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(charger, CLOSED);
    bench.set(hot, 51.0);
    assert_eq!(bench.is(charger), OPEN);
}

/// 45 °C: 100 %, 50 °C: 50 %, 55 °C: 0 % of 0..2000 W.
fn derated(unknown: OnUnknown) -> (Site, OutputId, PointId) {
    let mut site = Site::new();
    let charge = site.setpoint("charge", &[(0.0, 0.0), (200.0, 2000.0)]);
    site.level(charge).step = Some(num(10.0));
    let warm = site.point("battery.temperature", "°C", Some(secs(60)));
    let of = site.program(&name("battery.temperature"));
    let curve = [(45.0, 100.0), (50.0, 50.0), (55.0, 0.0)];
    let rows = vec![(charge, curve.map(|(at, share)| (num(at), num(share))).to_vec())];
    let action = LimitAction::Derate { of, rows };
    site.set.limits.push(Limit { name: "battery warm".into(), unknown, action });
    (site, charge, warm)
}

#[test]
fn derating_follows_its_curve() {
    let (site, charge, warm) = derated(OnUnknown::Force);
    let mut bench = site.bench();
    bench.set(warm, 20.0);
    bench.ask(charge, level(2000.0));
    for (temperature, expected) in [
        (45.0, 2000.0),
        (47.5, 1500.0),
        (50.0, 1000.0),
        (52.5, 500.0),
        (54.5, 0.0),
        (55.0, 0.0),
        (70.0, 0.0),
        (20.0, 2000.0),
    ] {
        bench.set(warm, temperature);
        assert_eq!(bench.is(charge), level(expected), "{temperature} °C");
    }
    bench.set(warm, 47.5);
    assert_eq!(bench.verdict(charge).cause, Cause::Limit(0));
    bench.lose(warm);
    assert_eq!(bench.is(charge), level(0.0), "unknown is the worst of the curve");
}

#[test]
fn derating_on_unknown_keeps_a_share() {
    let (site, charge, warm) = derated(OnUnknown::Derate(num(10.0)));
    let mut bench = site.bench();
    bench.set(warm, 20.0);
    bench.ask(charge, level(2000.0));
    bench.pass(secs(61));
    assert_eq!(bench.is(charge), level(200.0));
    bench.set(warm, 20.0);
    assert_eq!(bench.is(charge), level(2000.0));
}

#[test]
fn a_device_that_sleeps_is_a_good_zero() {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let sun = site.point("sun.elevation", "deg", Some(secs(600)));
    let power = site.point("pv.power", "W", Some(secs(10)));
    site.limit("too much sun", &above("pv.power", "5 kW"), &[(charger, OPEN)]);
    let when = site.program(&below("sun.elevation", "-2 deg"));
    site.set.asleep.push(Asleep { point: power, value: Value::Number(num(0.0)), when });
    let mut bench = site.bench();
    bench.set(sun, 10.0);
    bench.set(power, 100.0);
    bench.ask(charger, CLOSED);
    assert_eq!(bench.is(charger), CLOSED);
    bench.set(sun, -3.0);
    bench.pass(secs(300));
    assert_eq!(bench.is(charger), CLOSED, "asleep is not broken");
    bench.set(sun, 5.0);
    bench.pass(secs(11));
    assert_eq!(bench.is(charger), OPEN, "by day a silent inverter is unknown");
}

#[test]
fn of_several_readings_in_one_step_none_is_missed() {
    let (site, charger, hot) = charger();
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(charger, CLOSED);
    let readings = [bench.sample(hot, 20.0), bench.sample(hot, 51.0), bench.sample(hot, 20.0)];
    bench.step(&readings);
    bench.settle();
    assert_eq!((bench.is(charger), bench.verdict(charger).cause), (OPEN, Cause::Limit(0)));
}

/// A charger that too much power of a device opens; the device sleeps at night.
fn sleeper() -> (Site, OutputId, PointId, PointId) {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let sun = site.point("sun.elevation", "deg", Some(secs(6_000)));
    let power = site.point("pv.power", "W", Some(secs(10)));
    site.limit("too much sun", &above("pv.power", "5 kW"), &[(charger, OPEN)]);
    let when = site.program(&below("sun.elevation", "-2 deg"));
    site.set.asleep.push(Asleep { point: power, value: Value::Number(num(0.0)), when });
    (site, charger, sun, power)
}

#[test]
fn what_a_device_says_in_its_sleep_counts() {
    let (site, charger, sun, power) = sleeper();
    let mut bench = site.bench();
    bench.set(sun, -10.0);
    bench.ask(charger, CLOSED);
    bench.pass(secs(60));
    assert_eq!(bench.is(charger), CLOSED, "asleep");
    bench.set(power, 6_000.0);
    assert_eq!((bench.is(charger), bench.verdict(charger).cause), (OPEN, Cause::Limit(0)));
    bench.pass(secs(10));
    assert_eq!(bench.is(charger), OPEN);
    bench.pass(secs(1));
    assert_eq!(bench.is(charger), CLOSED, "asleep again");
    // It wakes before the sun is up: that it is day by now takes nothing from what it said.
    bench.set(power, 100.0);
    bench.set(sun, 1.0);
    assert_eq!(bench.is(charger), CLOSED);
}

#[test]
fn falling_asleep_is_no_moment_of_ignorance() {
    let (site, charger, sun, power) = sleeper();
    let mut bench = site.bench();
    bench.set(sun, -10.0);
    bench.set(power, 100.0);
    bench.ask(charger, CLOSED);
    bench.pass(secs(60));
    let acted = bench.count(|event| matches!(event, GuardEvent::LimitActed { .. }));
    assert_eq!((bench.is(charger), acted), (CLOSED, 0));
}

#[test]
fn a_curve_whose_number_was_never_seen_waits_for_the_grace_of_the_start_and_then_leaves_what_unknown_says() {
    let mut site = Site::new();
    let charge = site.setpoint("charge", &[(0.0, 2000.0)]);
    let warm = site.point("battery.temperature", "°C", Some(secs(60)));
    site.envelope(charge).at_start = level(1000.0);
    let rows = vec![(charge, vec![(num(45.0), num(100.0)), (num(55.0), num(0.0))])];
    let action = LimitAction::Derate { of: site.program(&name("battery.temperature")), rows };
    let unknown = OnUnknown::Derate(num(10.0));
    site.set.limits.push(Limit { name: "warm".into(), unknown, action });
    let mut bench = site.bench();
    bench.ask(charge, level(2000.0));
    bench.pass(ms(9_999));
    assert_eq!((bench.is(charge), bench.verdict(charge).cause), (level(1000.0), Cause::AtStart));
    bench.pass(ms(1));
    assert_eq!((bench.is(charge), bench.verdict(charge).cause), (level(200.0), Cause::Limit(0)));
    bench.set(warm, 20.0);
    assert_eq!(bench.is(charge), level(2000.0), "the first reading ends it");
}

#[test]
fn it_is_said_once_when_a_limit_acts_and_once_when_it_lets_go() {
    let (site, charger, hot) = charger();
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(charger, CLOSED);
    let said = |bench: &Bench| {
        let acted = bench.count(|event| matches!(event, GuardEvent::LimitActed { .. }));
        (acted, bench.count(|event| *event == GuardEvent::LimitReleased { limit: 0 }))
    };
    for (round, degrees) in [(1, 60.0), (2, 70.0)] {
        bench.set(hot, degrees);
        bench.set(hot, degrees + 1.0);
        bench.pass(secs(1));
        assert_eq!(said(&bench), (round, round - 1));
        for _ in 0..60 {
            bench.set(hot, 20.0);
            bench.pass(secs(10));
        }
        assert_eq!((said(&bench), bench.is(charger)), ((round, round), CLOSED));
    }
}

#[test]
fn of_a_contact_a_curve_leaves_all_or_nothing() {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let warm = site.point("battery.temperature", "°C", Some(secs(60)));
    let rows = vec![(charger, vec![(num(45.0), num(100.0)), (num(55.0), num(0.0))])];
    let action = LimitAction::Derate { of: site.program(&name("battery.temperature")), rows };
    site.set.limits.push(Limit { name: "warm".into(), unknown: OnUnknown::Force, action });
    let mut bench = site.bench();
    bench.set(warm, 20.0);
    bench.ask(charger, CLOSED);
    for (degrees, expected) in [(20.0, CLOSED), (54.9, CLOSED), (55.0, OPEN), (60.0, OPEN), (50.0, CLOSED)] {
        bench.set(warm, degrees);
        assert_eq!(bench.is(charger), expected, "{degrees}");
    }
}

/// What may be the fault that the limit is there for is not smoothed away: without `for` it counts at once, like all that is
/// unknown. A limit with `for` lets one outlier pass, and acts on what stays.
#[test]
fn fault_04_a_spike_counts_as_unknown_for_one_reading() {
    for (hold, spared) in [(Span::ZERO, false), (secs(2), true)] {
        let (mut site, charger, hot) = charger();
        site.catalog.points[hot.index()].max_slew = Some(num(1.0));
        site.held(0, hold);
        let mut bench = site.bench();
        bench.set(hot, 20.0);
        bench.ask(charger, CLOSED);
        hold_at(&mut bench, hot, 20.0, 10);
        bench.set(hot, 80.0);
        bench.pass(secs(1));
        assert_eq!(bench.is(charger) == CLOSED, spared, "one outlier");
        bench.set(hot, 20.0);
        if spared {
            hold_at(&mut bench, hot, 20.0, 10);
            assert_eq!(bench.is(charger), CLOSED);
            hold_at(&mut bench, hot, 80.0, 4);
            assert_eq!(bench.is(charger), OPEN, "it stays");
        }
    }
}

/// Each device that sleeps has its own moment at which what stands in for it is renewed.
#[test]
fn several_devices_sleep_through_the_night() {
    let mut site = Site::new();
    let sun = site.point("sun.elevation", "deg", Some(secs(36_000)));
    let when = site.program(&below("sun.elevation", "-2 deg"));
    let charger = site.contact("charger");
    for device in ["east", "south", "west"] {
        let point = site.point(&format!("{device}.power"), "W", Some(secs(10)));
        let name = format!("{device} gives too much");
        site.limit(&name, &above(&format!("{device}.power"), "5 kW"), &[(charger, OPEN)]);
        site.set.asleep.push(Asleep { point, value: Value::Number(num(0.0)), when: when.clone() });
    }
    let mut bench = site.bench();
    bench.set(sun, -10.0);
    bench.ask(charger, CLOSED);
    bench.pass(secs(600));
    assert_eq!(bench.is(charger), CLOSED, "{:?}", bench.verdict(charger).cause);
    assert_eq!(bench.count(|event| matches!(event, GuardEvent::LimitActed { .. })), 0);
}
