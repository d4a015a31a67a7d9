//! What another plan, or a program that begins again, goes on with: requests, what is followed over time, the door, what
//! still waits.
//!
//! Each test is something that a person would see after a reload, a restart or a power cut.

use super::restoring::RELOAD;
use super::*;
use crate::events::Source;
use crate::input::Command;
use ballast_model::intent::Witness;
use ballast_model::time::{Gap, Wall};
use ballast_model::{Authority, Quality, Utc};

pub(super) const RESTART: Gap = Gap::SameBoot(Span::from_secs(5));
pub(super) const CUT: Gap = Gap::OtherBoot(Span::from_secs(100));

/// The nouns of [`catalog`], the points and the contacts each in another order and with one more in front.
fn reordered() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_point(spec("more.power", "W", None)).unwrap();
    catalog.add_point(spec("site.load", "W", None)).unwrap();
    for device in ["more", "c", "b", "a"] {
        add_output(&mut catalog, device, OutputKind::Contact, Wanted::OPEN);
    }
    catalog.add_point(spec("battery.soc", "%", Some(10))).unwrap();
    catalog.add_point(spec("grid.frequency", "Hz", Some(5))).unwrap();
    let watts = Unit::parse("W").unwrap();
    add_output(&mut catalog, "level", OutputKind::Setpoint(watts), Wanted::Level(Finite::ZERO));
    catalog
}

fn point(run: &Run, name: &str) -> PointId {
    let points = &run.engine.plan().catalog.points;
    PointId(points.iter().position(|spec| &*spec.name == name).expect("it is there") as u32)
}

fn output(run: &Run, name: &str) -> OutputId {
    let outputs = &run.engine.plan().catalog.outputs;
    OutputId(outputs.iter().position(|spec| &*spec.name == name).expect("it is there") as u32)
}

/// A rule that closes an output of that name while the load is high.
fn high_load(site: &mut Site, name: &str, output: &str, change: impl FnOnce(&mut RulePlan)) -> u32 {
    let output = site.plan.catalog.outputs.iter().position(|spec| &*spec.name == output).unwrap() as u32;
    let outputs = site.plan.catalog.outputs.len() as u32;
    site.rule(name, &above("site.load", "100 W"), None, ask(OutputId(output), Wanted::CLOSED), |rule| {
        rule.writes = (0..outputs).map(OutputId).collect();
        change(rule);
    })
}

// What rules asked.

/// A body that asks for `a` and then never gets the value that it needs.
fn asks_once(output: OutputId) -> Act {
    Arc::new(move |context, asked| match context.snapshot.known(SOC, context.now) {
        Some(_) => ask(output, Wanted::CLOSED)(context, asked),
        None => BodyOutcome::Unknown(SOC),
    })
}

#[test]
fn what_a_rule_asked_goes_with_it_also_where_its_body_cannot_run_any_more() {
    let site = |catalog: Catalog, before: bool| {
        let mut site = Site::of(catalog);
        if before {
            high_load(&mut site, "new", "b", |rule| rule.text_hash = 7);
        }
        let a = site.plan.catalog.outputs.iter().position(|spec| &*spec.name == "a").unwrap() as u32;
        let act: Act = match before {
            false => asks_once(OutputId(a)),
            true => Arc::new(|_, _| BodyOutcome::Unknown(PointId(0))),
        };
        site.rule("warm", &above("site.load", "100 W"), None, act, |rule| {
            rule.writes = alloc::vec![OutputId(a)];
            rule.unknown = secs(100_000);
        });
        site
    };
    for gap in [RELOAD, RESTART] {
        let mut run = site(catalog(), false).start();
        run.set(ms(1000), SOC, 50.0);
        run.set(ms(1000), LOAD, 500.0);
        assert_eq!(run.wanted(A), Wanted::CLOSED);
        let mut run = run.take_over(site(reordered(), true), gap, ms(2000).after(gap.length()));
        let (a, load) = (output(&run, "a"), point(&run, "site.load"));
        assert_eq!(run.wanted(a), Wanted::CLOSED, "the requests of its last good run: {gap:?}");
        run.set(ms(20_000), load, 0.0);
        assert!(!run.is_active(1));
        assert_eq!(run.wanted(a), Wanted::OPEN, "it ended, and its requests with it: {gap:?}");
    }
}

#[test]
fn a_changed_priority_counts_from_the_reload_on() {
    let site = |low: u8, high: u8| {
        let mut site = Site::new();
        for (name, priority, wanted) in [("low", low, Wanted::OPEN), ("high", high, Wanted::CLOSED)] {
            let act: Act = Arc::new(move |context, asked| {
                let is_known = context.snapshot.known(SOC, context.now).is_some();
                if is_known { ask(A, wanted)(context, asked) } else { BodyOutcome::Unknown(SOC) }
            });
            site.rule(name, &above("site.load", "100 W"), None, act, |rule| {
                (rule.priority, rule.text_hash) = (priority, u64::from(priority));
                rule.unknown = secs(100_000);
            });
        }
        site
    };
    let mut run = site(10, 20).start();
    run.set(ms(1000), SOC, 50.0);
    run.set(ms(1000), LOAD, 500.0);
    assert_eq!(run.wanted(A), Wanted::CLOSED);
    // Its bodies know nothing when the others take over: what they asked stands, in the new order.
    run.run_to(ms(12_000));
    let run = run.take_over(site(20, 10), RELOAD, ms(12_000));
    assert_eq!(run.wanted(A), Wanted::OPEN);
    assert_eq!(run.engine.intent(A).unwrap().authority, Authority::Rule(20));
}

#[test]
fn who_wins_and_since_when_is_told_by_name() {
    let mut site = Site::new();
    high_load(&mut site, "warm", "a", |_| {});
    let mut run = site.start();
    run.set(ms(1000), LOAD, 500.0);
    run.grant_all(ms(1000));
    let mut site = Site::new();
    high_load(&mut site, "new", "b", |rule| rule.text_hash = 7);
    high_load(&mut site, "warm", "a", |_| {});
    let run = run.take_over(site, RELOAD, ms(2000));
    let (winner, since) = run.engine.winner(A).unwrap();
    assert_eq!((winner.source, since), (Source::Rule(1), ms(1000)), "as it was, under its new number");
    assert!(run.intents.iter().all(|intent| intent.output != A), "the guard knows it already");
}

#[test]
fn since_when_something_is_asked_moves_with_the_clock() {
    for (gap, now, since) in [(RESTART, ms(25_000), ms(10_000)), (CUT, ms(900_000), ms(790_000))] {
        let mut run = Site::new().start();
        let request = Command::Request {
            output: A,
            wanted: Wanted::CLOSED,
            until: ms(5_000_000),
            who: "eva".into(),
            authority: Authority::Operator,
        };
        run.step(ms(10_000), &[Input::Command(request)]);
        run.set(ms(20_000), LOAD, 1.0);
        let run = run.take_over(Site::new(), gap, now);
        let asker = &run.engine.explain(A, now).unwrap().requests[0];
        assert_eq!(
            (&*asker.name, asker.since, asker.authority),
            ("operator eva", since, Authority::Operator)
        );
    }
}

#[test]
fn a_suspended_rule_waits_for_a_person_or_for_another_text() {
    let site = |text_hash: u64, before: bool| {
        let mut site = Site::new();
        if before {
            high_load(&mut site, "new", "b", |rule| rule.text_hash = 7);
        }
        let act: Act = Arc::new(|_, _| BodyOutcome::Failed { message: "no".into(), place: "x:1".into() });
        site.rule("stumbles", &above("site.load", "100 W"), None, act, |rule| {
            rule.text_hash = text_hash;
            rule.body_reads = alloc::vec![SOC];
        });
        site
    };
    for (text_hash, is_free) in [(1, false), (2, true)] {
        let mut run = site(1, false).start();
        run.set(ms(1000), LOAD, 500.0);
        for second in 2..30 {
            run.set(ms(second * 1000), SOC, 20.0 + second as f64);
        }
        assert_eq!(run.engine.rule(0), Some(crate::RuleState::Suspended));
        let run = run.take_over(site(text_hash, true), RELOAD, ms(30_000));
        assert_eq!(run.engine.rule(1) != Some(crate::RuleState::Suspended), is_free, "text {text_hash}");
    }
}

#[test]
fn what_was_true_before_a_long_outage_does_not_count_although_it_is_known_at_once() {
    // A point without an age is known as soon as the program is back.
    let site = || {
        let mut site = Site::new();
        high_load(&mut site, "warm", "a", |rule| rule.when_hold = secs(600));
        site
    };
    for (outage, starts_at) in [(3500, 600), (3601, 4001 + 600)] {
        let mut run = site().start();
        run.set(ms(0), LOAD, 500.0);
        run.run_to(ms(400_000));
        let back = 400 + outage;
        let mut run = run.take_over(site(), Gap::SameBoot(secs(outage)), ms(back * 1000));
        assert_eq!(run.is_active(0), outage == 3500, "{outage} s");
        if starts_at > back {
            run.run_to(ms(starts_at * 1000 - 1));
            assert!(!run.is_active(0), "{outage} s");
        }
        run.run_to(ms(starts_at.max(back) * 1000));
        assert!(run.is_active(0), "{outage} s");
    }
}

// What was looked at over time.

#[test]
fn what_is_followed_over_time_goes_on_under_another_plan() {
    let site = |catalog: Catalog, before: bool| {
        let mut site = Site::of(catalog);
        if before {
            high_load(&mut site, "new", "b", |rule| rule.text_hash = 7);
        }
        let lowest = call("lowest", alloc::vec![name("battery.soc"), text("5min")]);
        let was_deep = binary(BinaryOp::Less, lowest, text("10 %"));
        site.rule("rest", &was_deep, None, Arc::new(|_, _| BodyOutcome::Done), |_| {});
        site
    };
    for gap in [RELOAD, RESTART] {
        let mut run = site(catalog(), false).start();
        for second in (0..320).step_by(5) {
            run.set(ms(second * 1000), SOC, if second == 200 { 5.0 } else { 50.0 });
        }
        assert!(run.is_active(0));
        let mut run = run.take_over(site(reordered(), true), gap, ms(320_000).after(gap.length()));
        let soc = point(&run, "battery.soc");
        for second in (325..490).step_by(5) {
            run.set(ms(second * 1000), soc, 50.0);
        }
        assert!(run.is_active(1), "it was low less than five minutes ago: {gap:?}");
        for second in (490..530).step_by(5) {
            run.set(ms(second * 1000), soc, 50.0);
        }
        assert!(!run.is_active(1), "{gap:?}");
    }
}

#[test]
fn the_clock_is_trusted_over_a_restart_and_asked_for_after_a_power_cut() {
    let wall = Wall { at: ms(0), utc: Utc::from_millis(1_700_000_000_000), trusted: true };
    for (gap, is_known) in [(RELOAD, true), (RESTART, true), (CUT, false), (Gap::Unknown, false)] {
        let mut run = Site::new().start();
        run.step(ms(1000), &[Input::Wall(wall)]);
        let mut catalog = catalog();
        catalog.add_point(spec("more.power", "W", None)).unwrap();
        let run = run.take_over(Site::of(catalog), gap, ms(9000));
        assert_eq!(run.engine.wall() == wall, is_known, "{gap:?}");
        assert_eq!(run.engine.wall().trusted, is_known, "{gap:?}");
    }
}

#[test]
fn a_new_point_was_never_received() {
    for gap in [RELOAD, RESTART] {
        let mut run = Site::new().start();
        run.set(ms(1000), LOAD, 500.0);
        let run = run.take_over(Site::of(reordered()), gap, ms(2000).after(gap.length()));
        let (more, load) = (point(&run, "more.power"), point(&run, "site.load"));
        let snapshot = run.engine.snapshot();
        assert_eq!(snapshot.quality(more, ms(9000)), Quality::Bad(Reason::NeverSeen), "{gap:?}");
        assert_eq!((snapshot.reading(more).count, snapshot.reading(load).count), (0, 1), "{gap:?}");
    }
}

#[test]
fn a_flag_and_a_word_that_people_set_keep_their_meaning() {
    let site = |words: [&str; 3]| {
        let mut catalog = catalog();
        let setting = |name: &str, kind| PointSpec { origin: Origin::Setting, kind, ..spec(name, "", None) };
        let flag = catalog.add_point(setting("setting.holiday", Kind::Flag)).unwrap();
        let kind = Kind::Words(words.map(Box::from).into());
        let word = catalog.add_point(setting("setting.strategy", kind)).unwrap();
        let mut site = Site::of(catalog);
        site.plan.settings = alloc::vec![(flag, Value::Flag(false)), (word, Value::Word(0))];
        (site, flag, word)
    };
    for gap in [RELOAD, RESTART, CUT, Gap::Unknown] {
        let (first, flag, word) = site(["cheap", "green", "safe"]);
        let mut run = first.start();
        let set = |point, value| Input::Command(Command::Setting { point, value, who: "eva".into() });
        run.step(ms(1000), &[set(flag, Value::Flag(true)), set(word, Value::Word(1))]);
        let run = run.take_over(site(["cheap", "safe", "green"]).0, gap, ms(9000));
        let known = |point| run.engine.snapshot().known(point, ms(9000));
        assert_eq!(known(flag), Some(Value::Flag(true)), "{gap:?}");
        assert_eq!(known(word), Some(Value::Word(2)), "green is the third word now: {gap:?}");
        // A word that is gone cannot be meant.
        let run = run.take_over(site(["safe", "cheap", "slow"]).0, gap, ms(9000));
        assert_eq!(run.engine.snapshot().known(word, ms(9000)), Some(Value::Word(0)), "{gap:?}");
    }
}

// The door.

/// The nouns of [`catalog`] with other bounds of the load, and a point more where `is_more`.
fn bounded(change: impl Fn(&mut PointSpec), is_more: bool) -> Site {
    let mut catalog = catalog();
    change(&mut catalog.points[LOAD.index()]);
    if is_more {
        catalog.add_point(spec("more.power", "W", None)).unwrap();
    }
    Site::of(catalog)
}

fn quality(run: &Run, at: Mono) -> Quality {
    run.engine.snapshot().quality(LOAD, at)
}

#[test]
fn a_narrower_range_holds_from_the_reload_on() {
    let run = |to: f64| {
        let mut run = bounded(|spec| spec.valid = Finite::new(0.0).zip(Finite::new(900.0)), false).start();
        run.set(ms(1000), LOAD, 500.0);
        let narrower = bounded(|spec| spec.valid = Finite::new(0.0).zip(Finite::new(600.0)), false);
        let mut run = run.take_over(narrower, RELOAD, ms(2000));
        run.set(ms(3000), LOAD, to);
        quality(&run, ms(3000))
    };
    assert_eq!(run(700.0), Quality::Bad(Reason::OutOfRange));
    assert_eq!(run(600.0), Quality::Good);
}

#[test]
fn a_value_that_stands_still_is_found_out_also_over_a_reload() {
    let stuck = |spec: &mut PointSpec| spec.stuck_after = Some(secs(5));
    let mut run = bounded(stuck, false).start();
    run.set(ms(1000), LOAD, 400.0);
    for second in 2..6 {
        run.set(ms(second * 1000), LOAD, 500.0);
    }
    let mut run = run.take_over(bounded(stuck, true), RELOAD, ms(5500));
    run.set(ms(6000), LOAD, 500.0);
    assert_eq!(quality(&run, ms(6000)), Quality::Good);
    run.set(ms(7000), LOAD, 500.0);
    assert_eq!(quality(&run, ms(7000)), Quality::Bad(Reason::Stuck), "since 2 s, and not since the reload");
}

#[test]
fn a_jump_is_measured_from_when_the_point_was_last_heard() {
    let slow = |spec: &mut PointSpec| spec.max_slew = Finite::new(5.0);
    let mut run = bounded(slow, false).start();
    run.set(ms(500), LOAD, 499.0);
    for second in 1..11 {
        run.set(ms(second * 1000), LOAD, 500.0);
    }
    let mut run = run.take_over(bounded(slow, true), RELOAD, ms(10_050));
    run.set(ms(10_100), LOAD, 520.0);
    assert_eq!(quality(&run, ms(10_100)), Quality::Uncertain(Reason::Jump), "20 W in a tenth of a second");
}

// What still waits.

#[test]
fn what_came_before_a_reload_and_was_not_taken_yet_is_taken_under_its_name() {
    let mut run = Site::new().start();
    run.step(ms(500), &[]);
    let samples = [500.0, 600.0].map(|value| run.sample(LOAD, number(value), ms(1000)));
    let verdicts = [Wanted::CLOSED, Wanted::OPEN].map(|state| Input::Verdict(verdict(A, state, ms(1000))));
    // One step takes the first of each; the second ones wait.
    let mut out = Vec::new();
    run.engine.step(ms(1000), &[&samples[..], &verdicts[..]].concat(), &mut out);
    assert_eq!(run.engine.waiting(), 2);
    assert_eq!(run.engine.verdict(A).unwrap().state, Wanted::CLOSED);
    let run = run.take_over(Site::of(reordered()), RELOAD, ms(1000));
    let (load, a) = (point(&run, "site.load"), output(&run, "a"));
    assert_eq!(run.engine.waiting(), 0);
    assert_eq!(run.engine.snapshot().known(load, ms(1000)), Some(number(600.0)));
    assert_eq!(run.engine.verdict(a).map(|verdict| (verdict.output, verdict.state)), Some((a, Wanted::OPEN)));
    let others = ["battery.soc", "more.power"].map(|name| point(&run, name));
    let untouched = others.map(|point| run.engine.snapshot().reading(point).count);
    assert_eq!(untouched, [0, 0]);
}

#[test]
fn the_value_that_decided_is_named_after_a_reload_too() {
    let mut run = Site::new().start();
    run.set(ms(1000), SOC, 20.0);
    let witness = Witness { point: SOC, value: Some(number(20.0)), quality: Quality::Good, age: secs(1) };
    let held = Verdict {
        outcome: Outcome::Changed,
        cause: Cause::Limit(0),
        witness: Some(witness),
        ..verdict(A, Wanted::OPEN, ms(1000))
    };
    run.step(ms(1500), &[Input::Verdict(held)]);
    let named = |run: &Run| {
        let explanation = run.engine.explain(output(run, "a"), ms(2000)).unwrap();
        explanation.verdict.and_then(|answer| answer.witness).map(|reading| reading.point)
    };
    let run = run.take_over(Site::of(reordered()), RELOAD, ms(2000));
    assert_eq!(named(&run).as_deref(), Some("battery.soc"));
    // A point that is gone decided nothing that can be shown.
    let mut fewer = Catalog::default();
    fewer.add_point(spec("site.load", "W", None)).unwrap();
    for device in ["a", "b"] {
        add_output(&mut fewer, device, OutputKind::Contact, Wanted::OPEN);
    }
    assert_eq!(named(&run.take_over(Site::of(fewer), RELOAD, ms(2000))), None);
}

#[test]
fn whether_a_device_tells_where_it_is_itself_is_found_out_anew_by_a_program_that_begins() {
    let site = |is_more: bool| bounded(|_| {}, is_more);
    for (gap, reports, is_followed) in
        [(RELOAD, true, false), (RELOAD, false, true), (RESTART, true, true), (RESTART, false, true)]
    {
        let mut run = site(false).start();
        let actual =
            run.engine.plan().catalog.output(A).unwrap().facet(ballast_model::catalog::Facet::Actual);
        if reports {
            let says = run.sample(actual, Wanted::OPEN.value(), ms(1000));
            run.step(ms(1000), &[says]);
        }
        let mut run = run.take_over(site(true), gap, ms(2000).after(gap.length()));
        run.step(ms(9000), &[Input::Verdict(verdict(A, Wanted::CLOSED, ms(9000)))]);
        let known = run.engine.snapshot().known(actual, ms(9000));
        assert_eq!(known == Some(Wanted::CLOSED.value()), is_followed, "{gap:?}, reports: {reports}");
    }
}

#[test]
fn an_engine_that_ran_forgets_everything_that_the_state_does_not_say() {
    let site = || {
        let mut site = Site::new();
        high_load(&mut site, "warm", "a", |_| {});
        site
    };
    let mut run = site().start();
    run.set(ms(1000), SOC, 50.0);
    let early = postcard::to_allocvec(&run.engine.save()).unwrap();
    let saved_at = run.engine.save().saved_at();
    run.set(ms(2000), LOAD, 500.0);
    assert_eq!(run.wanted(A), Wanted::CLOSED);
    let restore = |engine: &mut Engine<Acts>| {
        engine.restore(postcard::from_bytes(&early).unwrap(), RESTART, saved_at, ms(9000));
        engine.step(ms(9000), &[], &mut Vec::new());
        postcard::to_allocvec(&engine.save()).unwrap()
    };
    let Site { plan, acts } = site();
    let mut fresh = Engine::new(Arc::new(plan), acts, ms(9000));
    assert_eq!(restore(&mut run.engine), restore(&mut fresh));
    assert_eq!(run.engine.rule(0).map(|state| matches!(state, crate::RuleState::Active { .. })), Some(false));
}
