//! Reload, restart and power cut.

use super::*;
use crate::input::Command;
use crate::plan::{SchedulePlan, Timing};
use ballast_model::Authority;
use ballast_model::time::Gap;

pub(super) const RELOAD: Gap = Gap::SameBoot(Span::ZERO);

impl Run {
    /// Goes on with another plan.
    pub(super) fn take_over(self, site: Site, gap: Gap, now: Mono) -> Self {
        let state = self.engine.save();
        let saved_at = state.saved_at();
        let bytes = postcard::to_allocvec(&state).unwrap();
        let mut engine = Engine::new(Arc::new(site.plan), site.acts, now);
        engine.restore(postcard::from_bytes(&bytes).unwrap(), gap, saved_at, now);
        // Another stream of samples after a restart begins at 1; going on is allowed too.
        let mut run = Self { engine, ..self };
        run.step(now, &[]);
        run
    }
}

/// Low battery closes `a` after ten minutes, until it is full for one minute.
fn low(change: impl FnOnce(&mut RulePlan)) -> Site {
    let mut site = Site::new();
    let (when, until) = (below("battery.soc", "25 %"), above("battery.soc", "60 %"));
    site.rule("low", &when, Some(&until), ask(A, Wanted::CLOSED), |rule| {
        rule.when_hold = secs(600);
        rule.until_hold = secs(60);
        change(rule);
    });
    site
}

fn keep_low(run: &mut Run, from_s: u64, to_s: u64) {
    for second in (from_s..to_s).step_by(5) {
        run.set(ms(second * 1000), SOC, 20.0);
    }
}

#[test]
fn a_reload_without_a_change_says_nothing() {
    let mut run = low(|_| {}).start();
    keep_low(&mut run, 0, 700);
    assert!(run.is_active(0));
    let run = run.take_over(low(|_| {}), RELOAD, ms(700_000));
    assert!(run.intents.is_empty() && run.events.is_empty(), "{:?} {:?}", run.intents, run.events);
    assert!(run.is_active(0));
}

#[test]
fn a_changed_condition_starts_its_time_anew_and_an_active_rule_stays_active() {
    let changed = |rule: &mut RulePlan| (rule.condition_hash, rule.text_hash) = (2, 2);
    let mut run = low(|_| {}).start();
    keep_low(&mut run, 0, 300);
    let mut run = run.take_over(low(changed), RELOAD, ms(300_000));
    keep_low(&mut run, 301, 890);
    assert!(!run.is_active(0));
    keep_low(&mut run, 890, 906);
    assert!(run.is_active(0));
    let run = run.take_over(low(|_| {}), RELOAD, ms(906_000));
    assert!(run.is_active(0));
    assert_eq!(run.wanted(A), Wanted::CLOSED);
}

#[test]
fn a_removed_rule_takes_its_requests_with_it() {
    let mut run = low(|_| {}).start();
    keep_low(&mut run, 0, 605);
    assert_eq!(run.wanted(A), Wanted::CLOSED);
    let mut site = Site::new();
    site.rule("other", &below("battery.soc", "1 %"), None, ask(B, Wanted::CLOSED), |_| {});
    let run = run.take_over(site, RELOAD, ms(605_000));
    assert_eq!(run.wanted(A), Wanted::OPEN);
    assert!(run.has_event(|event| matches!(event, Event::RuleRemoved { was_active: true, .. })));
}

#[test]
fn a_restart_resumes_the_time_of_when_once_it_is_known_to_hold() {
    let gap = Gap::SameBoot(secs(30));
    let mut run = low(|_| {}).start();
    keep_low(&mut run, 0, 400);
    let mut run = run.take_over(low(|_| {}), gap, ms(430_000));
    run.run_to(ms(440_000));
    keep_low(&mut run, 440, 600);
    assert!(!run.is_active(0));
    run.set(ms(600_000), SOC, 20.0);
    assert!(run.is_active(0), "ten minutes since it first held");

    let mut run = low(|_| {}).start();
    keep_low(&mut run, 0, 400);
    let mut run = run.take_over(low(|_| {}), gap, ms(430_000));
    run.set(ms(440_000), SOC, 30.0);
    keep_low(&mut run, 441, 1036);
    assert!(!run.is_active(0), "it did not hold when it was known again");
    keep_low(&mut run, 1036, 1047);
    assert!(run.is_active(0));
}

#[test]
fn a_long_outage_starts_the_time_of_when_anew() {
    for gap in [Gap::SameBoot(secs(3601)), Gap::OtherBoot(secs(3601)), Gap::Unknown] {
        let mut run = low(|_| {}).start();
        keep_low(&mut run, 0, 400);
        let mut run = run.take_over(low(|_| {}), gap, ms(5_000_000));
        keep_low(&mut run, 5_000, 5_596);
        assert!(!run.is_active(0), "{gap:?}");
        keep_low(&mut run, 5_596, 5_606);
        assert!(run.is_active(0), "{gap:?}");
    }
}

#[test]
fn a_power_cut_keeps_an_active_rule_and_starts_the_time_of_until_anew() {
    for (gap, ends_at) in [(Gap::SameBoot(secs(20)), 660), (Gap::OtherBoot(secs(20)), 5_060)] {
        let mut run = low(|_| {}).start();
        keep_low(&mut run, 0, 600);
        run.set(ms(600_000), SOC, 20.0);
        run.step(ms(600_000), &[]);
        assert!(run.is_active(0));
        run.set(ms(601_000), SOC, 70.0);
        run.set(ms(605_000), SOC, 70.0);
        // After a power cut the clock of the new boot has its own origin.
        let back = if gap.is_power_cut() { 5_000 } else { 625 };
        let mut run = run.take_over(low(|_| {}), gap, ms(back * 1000));
        assert!(run.is_active(0), "{gap:?}");
        assert_eq!(run.intents.len(), 4, "everything is said again");
        for second in (back..ends_at).step_by(5) {
            run.set(ms(second * 1000), SOC, 70.0);
            assert!(run.is_active(0), "{gap:?} at {second}");
        }
        run.set(ms((ends_at + 1) * 1000), SOC, 70.0);
        assert!(!run.is_active(0), "{gap:?}");
    }
}

#[test]
fn timed_requests_lose_the_time_of_the_outage() {
    let request = Command::Request {
        output: A,
        wanted: Wanted::CLOSED,
        until: ms(100_000),
        who: "eva".into(),
        authority: Authority::Operator,
    };
    for (gap, left_s) in
        [(Gap::SameBoot(secs(30)), Some(60)), (Gap::OtherBoot(secs(30)), Some(60)), (Gap::Unknown, None)]
    {
        let mut run = Site::new().start();
        run.step(ms(10_000), &[Input::Command(request.clone())]);
        let now = if gap.is_power_cut() { 900_000 } else { 40_000 };
        let mut run = run.take_over(Site::new(), gap, ms(now));
        match left_s {
            Some(left) => {
                assert_eq!(run.wanted(A), Wanted::CLOSED);
                run.run_to(ms(now + left * 1000 - 1));
                assert_eq!(run.wanted(A), Wanted::CLOSED);
                run.run_to(ms(now + left * 1000));
                assert_eq!(run.wanted(A), Wanted::OPEN);
            }
            None => assert_eq!(run.wanted(A), Wanted::OPEN),
        }
    }
}

#[test]
fn what_was_measured_is_known_after_a_reload_aged_after_a_restart_and_unknown_after_a_cut() {
    for (gap, known) in [
        (RELOAD, true),
        (Gap::SameBoot(secs(4)), true),
        (Gap::SameBoot(secs(11)), false),
        (Gap::OtherBoot(secs(1)), false),
    ] {
        let mut run = Site::new().start();
        run.set(ms(1000), SOC, 50.0);
        let now = ms(1000).after(gap.length());
        let run = run.take_over(Site::new(), gap, now);
        assert_eq!(run.engine.snapshot().known(SOC, now).is_some(), known, "{gap:?}");
    }
}

#[test]
fn the_first_value_after_a_restart_is_no_change_but_after_a_reload_it_is() {
    let site = || {
        let mut site = Site::new();
        site.rule(
            "moved",
            &call("changed", alloc::vec![name("battery.soc")]),
            None,
            ask(A, Wanted::CLOSED),
            |_| {},
        );
        site
    };
    for (gap, is_change) in
        [(RELOAD, true), (Gap::SameBoot(Span::from_millis(1)), false), (Gap::OtherBoot(secs(1)), false)]
    {
        let mut run = site().start();
        run.set(ms(1000), SOC, 50.0);
        let mut run = run.take_over(site(), gap, ms(2000));
        let is_told = |event: &Event| matches!(event, Event::Restored { gap: told, .. } if *told == gap);
        assert_eq!(run.has_event(is_told), !is_change, "as long as it was: {gap:?}");
        run.set(ms(2000), SOC, 51.0);
        assert_eq!(run.has_event(|event| matches!(event, Event::RuleStarted { .. })), is_change, "{gap:?}");
    }
}

#[test]
fn names_and_not_places_decide_what_is_kept() {
    let mut run = low(|_| {}).start();
    keep_low(&mut run, 0, 605);
    run.grant_all(ms(600_500));
    // The same nouns in another order, and one rule before.
    let mut catalog = Catalog::default();
    for device in ["c", "b", "a"] {
        add_output(&mut catalog, device, OutputKind::Contact, Wanted::OPEN);
    }
    catalog.add_point(spec("battery.soc", "%", Some(10))).unwrap();
    let mut site = Site::of(catalog);
    site.rule("new", &below("battery.soc", "1 %"), None, ask(OutputId(1), Wanted::CLOSED), |_| {});
    let (when, until) = (below("battery.soc", "25 %"), above("battery.soc", "60 %"));
    site.rule("low", &when, Some(&until), ask(OutputId(2), Wanted::CLOSED), |_| {});
    let run = run.take_over(site, RELOAD, ms(605_000));
    assert!(run.is_active(1));
    assert_eq!(run.wanted(OutputId(2)), Wanted::CLOSED);
    assert_eq!(run.engine.verdict(OutputId(2)).unwrap().output, OutputId(2));
    assert_eq!(run.engine.explain(OutputId(2), ms(605_000)).unwrap().requests[0].name, "rule \"low\"");
    assert_eq!(run.intents.len(), 3, "another table of outputs: everything is said again");
}

#[test]
fn repetitions_are_dropped_over_a_reload_with_other_points() {
    let mut run = Site::new().start();
    run.set(ms(1000), LOAD, 500.0);
    let repeated = Sample::good(LOAD, number(999.0), ms(900), run.sequence);
    let run = run.take_over(Site::new(), RELOAD, ms(1500));
    let mut catalog = catalog();
    catalog.add_point(spec("more.power", "W", None)).unwrap();
    let mut run = run.take_over(Site::of(catalog), RELOAD, ms(2000));
    run.step(ms(2000), &[Input::Sample(repeated)]);
    assert_eq!(run.engine.counters().duplicates, 1);
    assert_eq!(run.engine.snapshot().known(LOAD, ms(2000)), Some(number(500.0)));
}

#[test]
fn settings_and_the_mode_survive_everything_by_their_meaning() {
    let site = |words: [&str; 3], first: f64| {
        let mut catalog = catalog();
        let setting = PointSpec {
            origin: Origin::Setting,
            valid: Finite::new(0.0).zip(Finite::new(10.0)),
            ..spec("setting.cap", "W", None)
        };
        let cap = catalog.add_point(setting).unwrap();
        let kind = Kind::Words(words.map(Box::from).into());
        let mode = catalog
            .add_point(PointSpec { origin: Origin::Mode, kind, ..spec("site.mode", "", None) })
            .unwrap();
        let mut site = Site::of(catalog);
        site.plan.settings = alloc::vec![(cap, number(first)), (mode, Value::Word(0))];
        (site, cap, mode)
    };
    for gap in [RELOAD, Gap::SameBoot(secs(5)), Gap::OtherBoot(secs(5)), Gap::Unknown] {
        let (first, cap, mode) = site(["home", "away", "storm"], 3.0);
        let mut run = first.start();
        let who = || Box::from("eva");
        let commands = [
            Input::Command(Command::Setting { point: cap, value: number(7.0), who: who() }),
            Input::Command(Command::Setting { point: cap, value: number(70.0), who: who() }),
            Input::Command(Command::Mode { word: 2, who: who() }),
            Input::Command(Command::Mode { word: 3, who: who() }),
        ];
        run.step(ms(1000), &commands);
        let refused = run.events.iter().filter(|event| matches!(event, Event::CommandRefused { .. })).count();
        assert_eq!(refused, 2);
        let run = run.take_over(site(["home", "storm", "holiday"], 4.0).0, gap, ms(9000));
        let known = |point| run.engine.snapshot().known(point, ms(9000));
        assert_eq!(known(cap), Some(number(7.0)), "{gap:?}");
        assert_eq!(known(mode), Some(Value::Word(1)), "{gap:?}: storm is the second word now");
    }
}

fn with_an_event(span: Span) -> Site {
    let mut site = Site::new();
    let body = site.body(Arc::new(|_, _| BodyOutcome::Done));
    site.plan.schedules.push(SchedulePlan {
        name: "every".into(),
        identity: "every".into(),
        place: "x:1".into(),
        text_hash: 1,
        timing: Timing::Every(span),
        body,
        body_follows: Vec::new(),
    });
    site
}

/// How often the event ran since the last look.
fn runs_of_event(run: &mut Run) -> usize {
    run.events.drain(..).filter(|event| matches!(event, Event::ScheduleRan { .. })).count()
}

#[test]
fn every_keeps_its_pace_over_reload_restart_and_power_cut() {
    let minute = || with_an_event(secs(60));
    let mut run = minute().start().take_over(minute(), RELOAD, ms(50_000));
    run.run_to(ms(59_999));
    assert_eq!(runs_of_event(&mut run), 0);
    run.run_to(ms(60_000));
    assert_eq!(runs_of_event(&mut run), 1);
    // Restarted at once, and again with a moment missed in between.
    let mut run = run.take_over(minute(), Gap::SameBoot(secs(10)), ms(80_000));
    run.run_to(ms(119_999));
    assert_eq!(runs_of_event(&mut run), 0);
    let mut run = run.take_over(minute(), Gap::SameBoot(secs(200)), ms(320_000));
    assert_eq!(runs_of_event(&mut run), 1, "three were missed, one is made up for");
    run.run_to(ms(359_999));
    assert_eq!(runs_of_event(&mut run), 0);
    run.run_to(ms(360_000));
    assert_eq!(runs_of_event(&mut run), 1);
    // The clock of another boot begins anew; 45 s of the minute were left.
    run.run_to(ms(375_000));
    let mut run = run.take_over(minute(), Gap::OtherBoot(secs(40)), ms(7_000));
    run.run_to(ms(11_999));
    assert_eq!(runs_of_event(&mut run), 0);
    run.run_to(ms(12_000));
    assert_eq!(runs_of_event(&mut run), 1);
    let mut run = run.take_over(minute(), Gap::Unknown, ms(1_000));
    run.run_to(ms(60_999));
    assert_eq!(runs_of_event(&mut run), 0, "nobody knows how long it was gone: the minute begins anew");
    run.run_to(ms(61_000));
    assert_eq!(runs_of_event(&mut run), 1);
}

#[test]
fn an_every_that_was_missed_by_more_than_an_hour_is_left_out_and_told() {
    let day = || with_an_event(secs(86_400));
    let mut run = day().start();
    run.run_to(ms(1_000));
    let mut run = run.take_over(day(), Gap::OtherBoot(secs(86_400 + 3_500)), ms(5_000));
    assert_eq!(runs_of_event(&mut run), 1, "late by less than an hour");
    let mut run = day().start();
    run.run_to(ms(1_000));
    let mut run = run.take_over(day(), Gap::OtherBoot(secs(86_400 + 7_200)), ms(5_000));
    assert!(run.has_event(|event| matches!(event, Event::ScheduleMissed { .. })));
    assert_eq!(runs_of_event(&mut run), 0);
    run.run_to(ms((86_400 - 7_200) * 1_000));
    assert_eq!(runs_of_event(&mut run), 0);
    run.run_to(ms((86_400 - 7_200) * 1_000 + 10_000));
    assert_eq!(runs_of_event(&mut run), 1, "the next one comes in the old pace");
}

/// A setting in W with a range, and a mode.
fn settings(range: (f64, f64), initial: f64, modes: &[&str]) -> Site {
    let mut catalog = catalog();
    let finite = |value| Finite::new(value).unwrap();
    let valid = (finite(range.0), finite(range.1));
    let setting = PointSpec { origin: Origin::Setting, valid: Some(valid), ..spec("setting.cap", "W", None) };
    let cap = catalog.add_point(setting).unwrap();
    let words = modes.iter().map(|word| (*word).into()).collect();
    let mode = PointSpec { origin: Origin::Mode, kind: Kind::Words(words), ..spec("site.mode", "W", None) };
    let mode = catalog.add_point(mode).unwrap();
    let mut site = Site::of(catalog);
    site.plan.settings = alloc::vec![(cap, number(initial)), (mode, Value::Word(0))];
    site
}

#[test]
fn a_setting_that_does_not_fit_any_more_is_what_its_file_says_and_that_is_told() {
    let gaps = [RELOAD, Gap::SameBoot(secs(1)), Gap::OtherBoot(secs(60)), Gap::Unknown];
    for gap in gaps {
        let mut run = settings((0.0, 1000.0), 100.0, &["home", "away", "abroad"]).start();
        let catalog = run.engine.plan().catalog.clone();
        let point =
            |name: &str| PointId(catalog.points.iter().position(|spec| &*spec.name == name).unwrap() as u32);
        let (cap, mode) = (point("setting.cap"), point("site.mode"));
        let who: Box<str> = "eva".into();
        let commands = [
            Command::Setting { point: cap, value: number(900.0), who: who.clone() },
            Command::Mode { word: 2, who },
        ];
        run.step(ms(1000), &commands.map(Input::Command));
        // What fits is kept, under whatever number its word has now.
        let run = run.take_over(settings((0.0, 950.0), 100.0, &["abroad", "home"]), gap, ms(2000));
        let known = |run: &Run, point| run.engine.snapshot().known(point, ms(3000));
        assert_eq!((known(&run, cap), known(&run, mode)), (Some(number(900.0)), Some(Value::Word(0))));
        assert!(!run.has_event(|event| matches!(event, Event::SettingDropped { .. })), "{gap:?}");
        // What does not is told.
        let run = run.take_over(settings((0.0, 500.0), 100.0, &["home"]), gap, ms(4000));
        assert_eq!(
            (known(&run, cap), known(&run, mode)),
            (Some(number(100.0)), Some(Value::Word(0))),
            "{gap:?}"
        );
        let plan = run.engine.plan();
        let dropped = run.events.iter().filter(|event| matches!(event, Event::SettingDropped { .. }));
        let said: Vec<_> = dropped.map(|event| event.sentence(plan)).collect();
        let expected = [
            "setting.cap was 900 W, which it cannot be any more: it is 100 W, as its file says",
            "site.mode was abroad, which it cannot be any more: it is home, as its file says",
        ];
        assert_eq!(said, expected, "{gap:?}");
    }
}

/// Bytes of another version may read as a state and mean something else.
#[test]
fn a_state_of_another_version_is_not_taken_up() {
    let mut run = low(|_| {}).start();
    keep_low(&mut run, 0, 700);
    assert!(run.is_active(0));
    let mut bytes = postcard::to_allocvec(&run.engine.save()).unwrap();
    let take_up = |bytes: &[u8]| {
        let site = low(|_| {});
        let mut engine = Engine::new(Arc::new(site.plan), site.acts, ms(700_000));
        engine.restore(postcard::from_bytes(bytes).unwrap(), RELOAD, ms(700_000), ms(700_000));
        engine.rule(0)
    };
    assert!(matches!(take_up(&bytes), Some(crate::RuleState::Active { .. })));
    // A number below 128 is its own byte, and the version is the first one.
    assert_eq!(u32::from(bytes[0]), crate::STATE_VERSION);
    bytes[0] += 1;
    assert!(matches!(take_up(&bytes), Some(crate::RuleState::Idle { ended: None, .. })));
}
