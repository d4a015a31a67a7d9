//! What another plan, or a program that begins again, goes on with: loads that were shed, generating sets, schedules.
//!
//! Each test is something that a person would see after a reload, a restart or a power cut.

use super::machines::{HOMES, RUN, genset, obey, open_loads, village};
use super::restoring::RELOAD;
use super::taking_over::{CUT, RESTART};
use super::*;
use crate::bodies::ShedAmount;
use crate::events::{Phase, Source};
use crate::plan::{SchedulePlan, Timing};
use ballast_model::GroupId;
use ballast_model::catalog::GroupSpec;
use ballast_model::time::Gap;

/// The village with two groups, `few` (c) in front of `homes` (a, b, c) where `is_more`.
fn grouped(is_more: bool) -> Site {
    let mut site = village();
    if is_more {
        let mut catalog = (*site.plan.catalog).clone();
        let group = GroupSpec {
            name: "few".into(),
            label: "".into(),
            members: Vec::new(),
            loads: alloc::vec![C],
            rated: alloc::vec![Finite::from(300)],
            power: alloc::vec![None],
        };
        catalog.groups.insert(0, group);
        site.plan.catalog = Arc::new(catalog);
    }
    site
}

fn low(site: &mut Site, group: GroupId, amount: ShedAmount) {
    let act: Act = Arc::new(move |_, asked| {
        asked.sheds.push(crate::bodies::ShedRequest { group, amount });
        BodyOutcome::Done
    });
    site.rule("low", &below("battery.soc", "20 %"), None, act, |_| {});
}

/// The village whose battery is low: 150 W are shed, which takes `a` and `b`.
fn shedding(watts: i32) -> Run {
    let mut site = grouped(false);
    low(&mut site, HOMES, ShedAmount::Power(Finite::from(watts)));
    let mut run = site.start();
    obey(&mut run, ms(0));
    run.set(ms(1000), SOC, 10.0);
    obey(&mut run, ms(1000));
    run
}

fn sources(run: &Run, output: OutputId) -> Vec<Source> {
    let explanation = run.engine.explain(output, ms(2000)).unwrap();
    explanation.requests.iter().map(|asker| asker.source).collect()
}

#[test]
fn the_same_loads_stay_shed_by_their_rule_over_a_reload_and_a_restart() {
    for gap in [RELOAD, RESTART] {
        for (watts, shed) in [(50, alloc::vec![A]), (150, alloc::vec![A, B])] {
            let run = shedding(watts);
            assert_eq!(open_loads(&run), shed);
            let mut site = grouped(true);
            site.rule("new", &below("battery.soc", "1 %"), None, ask(C, Wanted::OPEN), |_| {});
            low(&mut site, GroupId(1), ShedAmount::Power(Finite::from(watts)));
            let mut run = run.take_over(site, gap, ms(2000).after(gap.length()));
            assert_eq!(open_loads(&run), shed, "{gap:?}");
            for load in &shed {
                assert_eq!(sources(&run, *load), [Source::Shed(1)], "{gap:?}: the rule sheds it still");
                assert_eq!(run.engine.explain(*load, ms(2000)).unwrap().waits_for_return_since, None);
            }
            assert!(!run.has_event(|event| matches!(event, Event::Shed { .. })), "nothing was chosen anew");
            run.grant_all(ms(9000));
            // When the rule ends, what it shed is what waits to come back.
            run.set(ms(20_000), SOC, 50.0);
            for load in &shed {
                assert_eq!(sources(&run, *load), [Source::Returning], "{gap:?}");
            }
            assert_eq!(sources(&run, C), []);
        }
    }
}

#[test]
fn what_was_shed_goes_with_its_rule_also_where_its_body_cannot_run_any_more() {
    for gap in [RELOAD, RESTART] {
        let run = shedding(150);
        let mut site = grouped(true);
        site.rule(
            "low",
            &below("battery.soc", "20 %"),
            None,
            Arc::new(|_, _| BodyOutcome::Unknown(PointId(0))),
            |_| {},
        );
        let mut run = run.take_over(site, gap, ms(2000).after(gap.length()));
        run.grant_all(ms(8000));
        assert_eq!(
            (sources(&run, A), sources(&run, C)),
            (alloc::vec![Source::Shed(0)], Vec::new()),
            "{gap:?}"
        );
        run.set(ms(9000), SOC, 50.0);
        assert!(!run.is_active(0));
        assert_eq!(sources(&run, A), [Source::Returning], "{gap:?}: it waits for its return and for no rule");
    }
}

#[test]
fn what_a_removed_rule_shed_comes_back_by_restoration_and_nothing_else_waits() {
    let run = shedding(150);
    let mut run = run.take_over(grouped(false), RELOAD, ms(2000));
    assert_eq!(open_loads(&run), [A, B], "they stay cut until they are given back");
    let waits =
        |run: &Run| [A, B, C].map(|load| run.engine.explain(load, ms(2000)).unwrap().waits_for_return_since);
    assert_eq!(waits(&run), [Some(ms(2000)), Some(ms(2000)), None]);
    run.set(ms(3000), PointId(2), 10_000.0);
    for second in 3..6 {
        run.set(ms(second * 1000), PointId(0), 50.0);
    }
    assert_eq!(open_loads(&run), [B], "the first one is called");
    assert!(run.engine.intent(A).unwrap().is_restoration && !run.engine.intent(C).unwrap().is_restoration);
}

#[test]
fn what_a_removed_rule_shed_is_free_where_nothing_is_given_back() {
    let run = shedding(150);
    let mut site = grouped(false);
    site.plan.restoration = None;
    let run = run.take_over(site, RELOAD, ms(2000));
    assert_eq!(open_loads(&run), []);
}

#[test]
fn what_waits_for_its_return_waits_on_over_a_reload() {
    let mut run = shedding(150);
    run.set(ms(1500), SOC, 50.0);
    let run = run.take_over(grouped(true), RELOAD, ms(2000));
    assert_eq!(open_loads(&run), [A, B]);
    let since = run.engine.explain(A, ms(2000)).unwrap().waits_for_return_since;
    assert_eq!(since, Some(ms(1500)), "its time is not begun anew");
}

#[test]
fn a_load_is_called_no_sooner_over_a_reload() {
    let mut run = shedding(150);
    run.set(ms(1500), SOC, 50.0);
    run.set(ms(2000), PointId(2), 10_000.0);
    for second in 2..5 {
        run.set(ms(second * 1000), PointId(0), 50.0);
    }
    obey(&mut run, ms(4000));
    assert_eq!(open_loads(&run), [B], "one was given back at 4 s");
    let mut run = run.take_over(grouped(true), RELOAD, ms(5000));
    for second in 5..14 {
        run.set(ms(second * 1000), PointId(0), 50.0);
        assert_eq!(open_loads(&run), [B], "one per ten seconds, over the reload too: {second}");
    }
    run.set(ms(14_000), PointId(0), 50.0);
    assert_eq!(open_loads(&run), []);
}

/// The generating set with another rule behind, so that it is another plan.
fn other_genset() -> (Site, u32, u32) {
    let (mut site, need, take) = genset();
    site.rule("new", &above("site.load", "1 MW"), None, ask(B, Wanted::CLOSED), |rule| rule.text_hash = 7);
    (site, need, take)
}

#[test]
fn a_machine_that_warms_up_goes_on_over_a_reload_and_a_restart_and_begins_anew_after_a_power_cut() {
    for (gap, phase) in [
        (RELOAD, Phase::Warming),
        (RESTART, Phase::Warming),
        (CUT, Phase::Starting),
        (Gap::Unknown, Phase::Starting),
    ] {
        let (site, ..) = genset();
        let mut run = site.start();
        run.set(ms(0), LOAD, 0.0);
        run.set(ms(1000), SOC, 20.0);
        run.set(ms(6000), LOAD, 50.0);
        assert_eq!(run.engine.generator(0), Some(Phase::Warming));
        run.run_to(ms(9000));
        let now = ms(10_000).after(if gap == RESTART { secs(5) } else { Span::ZERO });
        let mut run = run.take_over(other_genset().0, gap, now);
        assert_eq!(run.engine.generator(0), Some(phase), "{gap:?}");
        assert_eq!(run.wanted(RUN), Wanted::CLOSED, "its rule is active: {gap:?}");
        if phase == Phase::Warming {
            run.set(ms(20_000), LOAD, 50.0);
            run.run_to(ms(35_999));
            assert_eq!(run.engine.generator(0), Some(Phase::Warming), "{gap:?}");
            run.run_to(ms(36_000));
            assert_eq!(run.engine.generator(0), Some(Phase::Ready), "30 s since it ran: {gap:?}");
        }
    }
}

/// A set whose two attempts came to nothing at 51 s of a clock that began `from_s` before.
fn failed(from_s: u64) -> Run {
    let (site, ..) = genset();
    let mut run = site.start();
    run.set(ms(from_s * 1000), LOAD, 0.0);
    run.set(ms((from_s + 1) * 1000), SOC, 20.0);
    run.run_to(ms((from_s + 51) * 1000));
    assert_eq!(run.engine.generator(0), Some(Phase::Failed));
    run
}

#[test]
fn a_machine_that_would_not_start_is_not_tried_again_by_a_power_cut() {
    for gap in [RELOAD, RESTART, CUT, Gap::Unknown] {
        let run = failed(0);
        let mut run = run.take_over(other_genset().0, gap, ms(60_000));
        assert_eq!(
            (run.engine.generator(0), run.wanted(RUN)),
            (Some(Phase::Failed), Wanted::OPEN),
            "{gap:?}"
        );
        run.run_to(ms(900_000));
        assert_eq!(run.wanted(RUN), Wanted::OPEN, "a rule asks and nobody reset it: {gap:?}");
    }
}

#[test]
fn how_long_nobody_wanted_a_failed_machine_counts_over_a_power_cut() {
    // The old clock stood far ahead of the one of the new boot.
    let mut run = failed(9_000);
    run.set(ms(9_060_000), SOC, 61.0);
    run.run_to(ms(9_070_000));
    assert_eq!(run.engine.generator(0), Some(Phase::Failed));
    let run = run.take_over(other_genset().0, CUT, ms(500_000));
    assert_eq!(run.engine.generator(0), Some(Phase::Stopped), "longer than its cooling, 100 s of them dark");
}

#[test]
fn a_schedule_keeps_its_beat_under_another_plan() {
    let site = |is_more: bool| {
        let mut site = Site::new();
        let body = site.body(Arc::new(|_, _| BodyOutcome::Done));
        for name in [Some("every 7min").filter(|_| is_more), Some("every 1min")].into_iter().flatten() {
            let minutes = if name == "every 7min" { 7 } else { 1 };
            site.plan.schedules.push(SchedulePlan {
                name: name.into(),
                identity: name.into(),
                place: "x:1".into(),
                text_hash: 1,
                timing: Timing::Every(secs(minutes * 60)),
                body,
                body_follows: Vec::new(),
            });
        }
        site
    };
    let ran = |run: &Run, schedule: u32| {
        run.has_event(|event| matches!(event, Event::ScheduleRan { schedule: ran } if *ran == schedule))
    };
    let run = site(false).start();
    let mut run = run.take_over(site(true), RELOAD, ms(50_000));
    run.run_to(ms(59_999));
    assert!(!ran(&run, 1));
    run.run_to(ms(60_000));
    assert!(ran(&run, 1) && !ran(&run, 0), "a minute since it began, whatever stands before it now");
}
