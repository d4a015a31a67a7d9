//! Derived points, sleeping devices and schedules.

use super::*;
use crate::explain::WaitsFor;
use crate::plan::{AsleepPlan, Derivation, DerivedPlan, NextInstant, SchedulePlan, Timing};
use ballast_model::almanac::{Place, TimeOfDay, Zone};
use ballast_model::expr::{Statistic, TrackerKey};
use ballast_model::time::{Utc, Wall};

fn derived(program: impl FnOnce(&Site) -> Derivation) -> Run {
    let mut catalog = catalog();
    for name in ["p.one", "p.two"] {
        catalog.add_point(spec(name, "W", Some(10))).unwrap();
    }
    let point = catalog.add_point(PointSpec { origin: Origin::Derived, ..spec("d", "W", None) }).unwrap();
    let mut site = Site::of(catalog);
    let program = program(&site);
    site.plan.derived.push(DerivedPlan { point, program });
    site.rule("high", &above("d", "100 W"), None, ask(A, Wanted::CLOSED), |_| {});
    site.start()
}

fn value(run: &Run) -> Option<f64> {
    let point = run.engine.plan().derived[0].point;
    let value = run.engine.snapshot().known(point, run.engine.now());
    value.and_then(Value::number).map(Finite::get)
}

fn members(run: &Run) -> [PointId; 3] {
    let first = run.engine.plan().derived[0].point.0 - 2;
    [LOAD, PointId(first), PointId(first + 1)]
}

fn of_three(kind: fn(Vec<PointId>) -> Derivation) -> Run {
    derived(|site| {
        let first = site.plan.catalog.points.len() as u32 - 3;
        kind(alloc::vec![LOAD, PointId(first), PointId(first + 1)])
    })
}

#[test]
fn a_median_needs_half_of_its_members() {
    let mut run = of_three(Derivation::Median);
    let [one, two, three] = members(&run);
    run.set(ms(0), one, 10.0);
    assert_eq!(value(&run), None, "one of three is fewer than half");
    run.set(ms(1000), two, 30.0);
    assert_eq!(value(&run), Some(20.0));
    run.set(ms(2000), three, 1000.0);
    assert_eq!(value(&run), Some(30.0));
    run.run_to(ms(11_001));
    assert_eq!(value(&run), Some(505.0), "the second one has grown too old");
}

#[test]
fn the_first_good_one_and_a_sum_do_what_they_say() {
    let mut run = of_three(Derivation::FirstGood);
    let [one, two, _] = members(&run);
    run.set(ms(0), two, 30.0);
    assert_eq!(value(&run), Some(30.0));
    run.set(ms(1000), one, 10.0);
    assert_eq!(value(&run), Some(10.0));
    let gone = run.bad(one, ms(2000));
    run.step(ms(2000), &[gone]);
    assert_eq!(value(&run), Some(30.0));

    let mut run = of_three(Derivation::Sum);
    let [one, two, three] = members(&run);
    run.set(ms(0), one, 10.0);
    run.set(ms(0), two, 30.0);
    assert_eq!(value(&run), None);
    run.set(ms(0), three, 61.0);
    assert_eq!(value(&run), Some(101.0));
    assert!(run.is_active(0), "a rule sees it in the same step");
    run.run_to(ms(10_001));
    assert_eq!(value(&run), None);
}

#[test]
fn a_sleeping_device_has_its_known_value_and_none_when_it_should_be_awake() {
    let mut catalog = catalog();
    let pv = catalog.add_point(spec("pv.power", "W", Some(10))).unwrap();
    catalog.add_point(spec("sun.elevation", "deg", None)).unwrap();
    let mut site = Site::of(catalog);
    let sun = PointId(pv.0 + 1);
    let when = site.program(&below("sun.elevation", "-2 deg"), 0);
    site.plan.asleep.push(AsleepPlan { point: pv, value: number(0.0), when });
    let mut run = site.start();
    let known = |run: &Run| run.engine.snapshot().known(pv, run.engine.now());
    run.set(ms(0), sun, 10.0);
    run.set(ms(1000), pv, 700.0);
    run.run_to(ms(11_001));
    assert_eq!(known(&run), None, "by day silence is silence");
    run.set(ms(20_000), sun, -3.0);
    assert_eq!(known(&run), Some(number(0.0)));
    run.run_to(ms(500_000));
    assert_eq!(known(&run), Some(number(0.0)), "it does not grow old");
    let offline = run.bad(pv, ms(500_000));
    run.step(ms(500_000), &[offline]);
    assert_eq!(known(&run), Some(number(0.0)));
    run.set(ms(501_000), pv, 3.0);
    assert_eq!(known(&run), Some(number(3.0)), "a live value counts, asleep or not");
    run.run_to(ms(520_000));
    assert_eq!(known(&run), Some(number(0.0)));
    run.set(ms(600_000), sun, -1.0);
    assert_eq!(known(&run), None);
}

/// Fires every full hour.
#[derive(Debug)]
struct Hourly;
impl NextInstant for Hourly {
    fn next_after(&self, utc: Utc) -> Option<Utc> {
        Some(Utc::from_millis((utc.millis().div_euclid(3_600_000) + 1) * 3_600_000))
    }
}

fn scheduled(timing: Timing) -> Run {
    let mut site = Site::new();
    let body = site.body(Arc::new(|_, asked| {
        asked.requests.push(Request { output: A, wanted: Wanted::CLOSED, lasting: Some(secs(60)) });
        BodyOutcome::Done
    }));
    let body_follows = Vec::new();
    site.plan.schedules.push(SchedulePlan {
        name: "at".into(),
        identity: "at".into(),
        place: "x:1".into(),
        text_hash: 1,
        timing,
        body,
        body_follows,
    });
    site.start()
}

const HOUR_MS: u64 = 3_600_000;

fn clock(run: &mut Run, at: Mono, utc_ms: u64, trusted: bool) {
    run.run_to(at);
    run.step(at, &[Input::Wall(Wall { at, utc: Utc::from_millis(utc_ms as i64), trusted })]);
}
fn ran(run: &Run) -> usize {
    run.events.iter().filter(|event| matches!(event, Event::ScheduleRan { .. })).count()
}

#[test]
fn at_waits_for_a_trusted_clock_and_asks_for_a_time() {
    for timing in [Timing::At(Arc::new(Hourly)), Timing::Daily(TimeOfDay::Clock(3600))] {
        let mut run = scheduled(timing);
        clock(&mut run, ms(1000), HOUR_MS - 1000, false);
        run.run_to(ms(5000));
        assert_eq!(ran(&run), 0);
        clock(&mut run, ms(5000), HOUR_MS - 10_000, true);
        run.run_to(ms(14_999));
        assert_eq!(ran(&run), 0);
        run.run_to(ms(15_000));
        assert_eq!(ran(&run), 1);
        assert_eq!(run.wanted(A), Wanted::CLOSED);
        run.run_to(ms(75_000));
        assert_eq!(run.wanted(A), Wanted::OPEN);
    }
}

#[test]
fn fault_08_a_jump_of_the_clock_neither_doubles_nor_loses_a_moment() {
    let mut run = scheduled(Timing::At(Arc::new(Hourly)));
    clock(&mut run, ms(0), HOUR_MS - 5000, true);
    run.run_to(ms(6000));
    assert_eq!(ran(&run), 1);
    // Back by a minute: the moment comes again and does not count again.
    clock(&mut run, ms(6000), HOUR_MS - 59_000, true);
    run.run_to(ms(200_000));
    assert_eq!(ran(&run), 0);
    // Ahead over the next moment, by little: made up for. By much: skipped and told.
    clock(&mut run, ms(200_000), 2 * HOUR_MS + 60_000, true);
    assert_eq!(ran(&run), 1);
    clock(&mut run, ms(300_000), 9 * HOUR_MS + 60_000, true);
    assert_eq!(ran(&run), 0);
    assert!(run.has_event(|event| matches!(event, Event::ScheduleMissed { .. })));
    // Far back: the clock had been wrong, and what ran by it counts no more.
    clock(&mut run, ms(400_000), 3 * HOUR_MS - 10_000, true);
    run.run_to(ms(410_000));
    assert_eq!(ran(&run), 1);
}

/// The machine's clock shows a second twice, or leaves one out: a moment in it or at its edge comes once.
#[test]
fn fault_09_a_leap_second_neither_doubles_nor_loses_a_moment() {
    // The hour strikes after ten seconds; the clock is set at the first of these, and shows the second from then on.
    for (set_at, shows) in [(10_500, 9_500), (9_700, 8_700), (9_700, 10_700), (10_000, 9_000)] {
        let mut run = scheduled(Timing::At(Arc::new(Hourly)));
        clock(&mut run, ms(0), HOUR_MS - 10_000, true);
        run.run_to(ms(set_at));
        let mut count = ran(&run);
        clock(&mut run, ms(set_at), HOUR_MS - 10_000 + shows, true);
        count += ran(&run);
        run.run_to(ms(60_000));
        count += ran(&run);
        assert_eq!(count, 1, "set to {shows} ms at {set_at} ms");
    }
}

#[test]
fn an_event_that_reads_something_unknown_does_nothing_and_says_what_was_missing() {
    let mean = TrackerKey::Window { point: SOC, span: secs(60) };
    let mut site = Site::new();
    let body = site.body(Arc::new(move |context, asked| {
        match context.followed(&mean, Statistic::Average) {
            Some(_) => {
                asked.requests.push(Request { output: A, wanted: Wanted::CLOSED, lasting: Some(secs(5)) })
            }
            None => return BodyOutcome::Unknown(SOC),
        }
        BodyOutcome::Done
    }));
    site.plan.schedules.push(SchedulePlan {
        name: "every 30s".into(),
        identity: "every 30s".into(),
        place: "x:1".into(),
        text_hash: 1,
        timing: Timing::Every(secs(30)),
        body,
        body_follows: alloc::vec![mean],
    });
    let mut run = site.start();
    let said = |run: &Run| -> Vec<alloc::string::String> {
        let is_unknown = |event: &&Event| matches!(event, Event::ScheduleUnknown { .. });
        run.events.iter().filter(is_unknown).map(|event| event.sentence(run.engine.plan())).collect()
    };
    run.run_to(ms(30_000));
    assert_eq!(said(&run), ["`every 30s` did nothing: battery.soc is unknown"]);
    // Ten seconds are known of a mean over sixty.
    for second in [50, 55] {
        run.set(ms(second * 1000), SOC, 40.0);
    }
    run.run_to(ms(60_000));
    assert_eq!(said(&run), ["`every 30s` did nothing: battery.soc has not been known for long enough"]);
    assert!(!run.has_event(|event| matches!(event, Event::BodyFailed { .. })));
    for second in (60..=90).step_by(5) {
        run.set(ms(second * 1000), SOC, 40.0);
    }
    assert_eq!(run.wanted(A), Wanted::CLOSED, "a window of an event fills from the start of the program");
}

#[test]
fn at_sunset_waits_through_the_polar_day() {
    let mut catalog = catalog();
    catalog.zone = Zone::get("Europe/Oslo").unwrap();
    catalog.place = Some(Place { latitude_deg: 71.17, longitude_deg: 25.78 });
    let mut site = Site::of(catalog);
    let body = site.body(Arc::new(|_, _| BodyOutcome::Done));
    site.plan.schedules.push(SchedulePlan {
        name: "at sunset".into(),
        identity: "at sunset".into(),
        place: "x:1".into(),
        text_hash: 1,
        timing: Timing::Daily(TimeOfDay::Sunset),
        body,
        body_follows: Vec::new(),
    });
    let mut run = site.start();
    // The tenth of June: the sun has been up for a month and sets again at the end of July.
    clock(&mut run, ms(0), 1_781_049_600_000, true);
    run.run_to(ms(45 * 24 * HOUR_MS));
    assert_eq!(ran(&run), 0);
    run.run_to(ms(60 * 24 * HOUR_MS));
    assert!((5..=12).contains(&ran(&run)), "{} sunsets by the ninth of August", ran(&run));
}

#[test]
fn a_quotient_without_a_value_says_why() {
    let quotient = binary(BinaryOp::Divide, name("p.one"), name("p.two"));
    let mut run = derived(|site| Derivation::Expression(site.program(&quotient, 0)));
    let [_, one, two] = members(&run);
    let point = run.engine.plan().derived[0].point;
    let quality =
        |run: &Run| run.engine.snapshot().quality(point, run.engine.now()).reason().unwrap().words();
    run.set(ms(0), one, 10.0);
    assert_eq!(quality(&run), "an input is unknown");
    run.set(ms(1000), two, 0.0);
    assert_eq!(quality(&run), "a division by zero");
    run.run_to(ms(10_001));
    assert_eq!(quality(&run), "an input is unknown", "one has grown too old");
}

/// `used` is unknown until its first time of day has come, and the rule says which one it waits for.
#[test]
fn a_condition_over_a_time_of_day_says_what_it_waits_for() {
    let mut catalog = catalog();
    let counter = PointSpec { is_counter: true, ..spec("meter.energy", "kWh", None) };
    let energy = catalog.add_point(counter).unwrap();
    let mut site = Site::of(catalog);
    let used = call("used", alloc::vec![name("meter.energy"), text("16:00")]);
    let when = binary(BinaryOp::Less, used, text("3 kWh"));
    let rule = site.rule("finish", &when, None, ask(A, Wanted::CLOSED), |_| {});
    let mut run = site.start();
    let waits = |run: &Run| {
        let when = run.engine.explain_rule(rule, run.engine.now()).unwrap().when;
        (when.is_true, when.waits_for)
    };
    run.set(ms(0), energy, 10.0);
    assert_eq!(waits(&run), (None, Some(WaitsFor::Clock)), "the clock was never trusted");
    clock(&mut run, ms(1000), 16 * HOUR_MS - 60_000, true);
    let four = TimeOfDay::parse("16:00").unwrap();
    assert_eq!(waits(&run), (None, Some(WaitsFor::Next(four))), "nobody counted from the last one on");
    run.run_to(ms(62_000));
    assert_eq!(waits(&run), (Some(true), None), "it has come");
}

#[test]
fn the_time_that_an_output_is_closed_counts_up_to_the_moment() {
    let mut site = Site::new();
    let on_time = || call("on_time", alloc::vec![name("a"), text("24h")]);
    let long = binary(BinaryOp::Greater, on_time(), text("10 min"));
    site.rule("long", &long, None, ask(B, Wanted::OPEN), |_| {});
    let longest = call("max", alloc::vec![on_time(), call("on_time", alloc::vec![name("c"), text("24h")])]);
    let longest = binary(BinaryOp::GreaterOrEqual, longest, text("10 min"));
    site.rule("longest", &longest, None, ask(B, Wanted::OPEN), |_| {});
    let mut run = site.start();
    run.step(
        ms(0),
        &[Input::Verdict(verdict(A, Wanted::OPEN, ms(0))), Input::Verdict(verdict(C, Wanted::OPEN, ms(0)))],
    );
    // A part of a day's window takes 24 min: everything here lies within one, and nothing arrives meanwhile.
    run.run_to(ms(10_000));
    run.step(ms(10_000), &[Input::Verdict(verdict(A, Wanted::CLOSED, ms(10_000)))]);
    run.run_to(ms(10_001));
    assert!(run.wake > ms(600_000), "nothing happens before the ten minutes are over: {:?}", run.wake);
    run.run_to(ms(609_999));
    assert!(!run.is_active(0) && !run.is_active(1));
    run.run_to(ms(610_001));
    assert!(run.is_active(0) && run.is_active(1));
    // What stands still wakes nobody before the next part.
    run.step(ms(611_000), &[Input::Verdict(verdict(A, Wanted::OPEN, ms(611_000)))]);
    run.run_to(ms(612_000));
    assert!(run.is_active(0) && run.wake >= ms(1_440_000), "{:?}", run.wake);
}
