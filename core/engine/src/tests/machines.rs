//! Shedding, giving back, and machines that warm up.

use super::*;
use crate::bodies::{ShedAmount, ShedRequest};
use crate::events::Phase;
use crate::plan::{GeneratorPlan, RestorationLoad, RestorationPlan};
use ballast_model::catalog::GroupSpec;
use ballast_model::{GroupId, PointId};

pub(super) const HOMES: GroupId = GroupId(0);

/// Three homes of 100, 200 and 300 W, closed by default; frequency above 49.9 Hz for 2 s gives one back per 10 s.
pub(super) fn village() -> Site {
    let mut catalog = Catalog::default();
    catalog.add_point(spec("grid.frequency", "Hz", Some(5))).unwrap();
    catalog.add_point(spec("battery.soc", "%", None)).unwrap();
    catalog.add_point(spec("site.capacity", "W", None)).unwrap();
    for device in ["a", "b", "c"] {
        add_output(&mut catalog, device, OutputKind::Contact, Wanted::CLOSED);
    }
    let rated: Vec<Finite> = [100, 200, 300].map(Finite::from).to_vec();
    catalog.groups.push(GroupSpec {
        name: "homes".into(),
        label: "".into(),
        members: Vec::new(),
        loads: alloc::vec![A, B, C],
        rated: rated.clone(),
        power: alloc::vec![None; 3],
    });
    let mut site = Site::of(catalog);
    let loads = [A, B, C].iter().zip(&rated);
    site.plan.restoration = Some(RestorationPlan {
        loads: loads
            .map(|(output, rated)| RestorationLoad { output: *output, rated: *rated, power: None })
            .collect(),
        frequency: (PointId(0), Finite::new(49.9).unwrap()),
        settle: secs(2),
        keep_free: Some((Finite::from(10), PointId(2))),
        site_load: None,
        one_per: secs(10),
    });
    site
}

fn shed(amount: ShedAmount) -> Act {
    Arc::new(move |_, asked| {
        asked.sheds.push(ShedRequest { group: HOMES, amount });
        BodyOutcome::Done
    })
}

/// Steps and lets the guard do what was asked, without restoration of its own.
pub(super) fn obey(run: &mut Run, at: Mono) {
    run.step(at, &[]);
    run.grant_all(at);
    run.grant_all(at);
}

pub(super) fn open_loads(run: &Run) -> Vec<OutputId> {
    [A, B, C].into_iter().filter(|output| run.wanted(*output) == Wanted::OPEN).collect()
}

#[test]
fn whole_loads_are_shed_least_shed_first_until_enough() {
    let mut site = village();
    site.rule("low", &below("battery.soc", "20 %"), None, shed(ShedAmount::Power(Finite::from(150))), |_| {});
    let mut run = site.start();
    obey(&mut run, ms(0));
    run.set(ms(1000), SOC, 10.0);
    assert_eq!(open_loads(&run), [A, B], "100 W are not enough, 300 W are");
    let shed = run.events.iter().find_map(|event| match event {
        Event::Shed { asked_w, chosen_w, .. } => Some((*asked_w, *chosen_w)),
        _ => None,
    });
    assert_eq!(shed, Some((Finite::from(150), Finite::from(300))));
    obey(&mut run, ms(1000));
    // It stays chosen while it lasts, then waits for restoration.
    run.set(ms(60_000), SOC, 11.0);
    assert_eq!(open_loads(&run), [A, B]);
    run.set(ms(61_000), SOC, 30.0);
    assert_eq!(open_loads(&run), [A, B], "what was shed stays shed until it is given back");
    // The next time the one that was never shed goes first.
    run.set(ms(62_000), SOC, 10.0);
    assert_eq!(open_loads(&run), [A, B, C]);
}

#[test]
fn a_load_that_nobody_armed_is_not_counted_on_and_its_state_is_not_known() {
    let mut site = village();
    site.rule("low", &below("battery.soc", "20 %"), None, shed(ShedAmount::Power(Finite::from(100))), |_| {});
    let mut run = site.start();
    obey(&mut run, ms(0));
    let state = run.engine.plan().catalog.output(A).unwrap().facet(ballast_model::catalog::Facet::State);
    let known = |run: &Run, at| run.engine.snapshot().known(state, at).is_some();
    assert!(known(&run, ms(500)));
    let unarmed = Verdict { cause: Cause::NotArmed, ..verdict(A, Wanted::CLOSED, ms(600)) };
    run.step(ms(600), &[Input::Verdict(unarmed)]);
    assert!(!known(&run, ms(600)), "nobody told it so");
    run.set(ms(1000), SOC, 10.0);
    assert_eq!(open_loads(&run), [B], "A would be enough, and cannot be told");
}

#[test]
fn what_was_shed_longest_is_shed_last() {
    let mut site = village();
    site.plan.restoration = None;
    site.rule("low", &below("battery.soc", "20 %"), None, shed(ShedAmount::Power(Finite::from(150))), |_| {});
    let mut run = site.start();
    obey(&mut run, ms(0));
    run.set(ms(1000), SOC, 10.0);
    obey(&mut run, ms(1000));
    run.set(ms(61_000), SOC, 30.0);
    obey(&mut run, ms(61_000));
    assert_eq!(open_loads(&run), [], "without a plan for restoration they come back at once");
    run.set(ms(70_000), SOC, 10.0);
    assert_eq!(open_loads(&run), [C], "the one that was never shed, and it is enough");
}

#[test]
fn as_much_as_asked_is_enough() {
    let mut site = village();
    site.rule("low", &below("battery.soc", "20 %"), None, shed(ShedAmount::Power(Finite::from(100))), |_| {});
    let mut run = site.start();
    obey(&mut run, ms(0));
    run.set(ms(1000), SOC, 10.0);
    assert_eq!(open_loads(&run), [A]);
}

#[test]
fn a_share_is_of_the_present_load() {
    let mut site = village();
    site.rule("low", &below("battery.soc", "20 %"), None, shed(ShedAmount::Share(Finite::from(40))), |_| {});
    let mut run = site.start();
    obey(&mut run, ms(0));
    run.set(ms(1000), SOC, 10.0);
    assert_eq!(open_loads(&run), [A, B], "40 % of 600 W are 240 W");
}

#[test]
fn loads_come_back_one_by_one_while_frequency_and_capacity_allow() {
    let mut site = village();
    site.rule("low", &below("battery.soc", "20 %"), None, shed(ShedAmount::All), |_| {});
    let mut run = site.start();
    obey(&mut run, ms(0));
    run.set(ms(1000), SOC, 10.0);
    obey(&mut run, ms(1000));
    assert_eq!(open_loads(&run), [A, B, C]);
    run.set(ms(2000), SOC, 50.0);
    run.run_to(ms(60_000));
    assert_eq!(open_loads(&run), [A, B, C], "nothing comes back while frequency and capacity are unknown");
    let turn = |run: &Run, output, at| run.engine.explain(output, ms(at)).unwrap().next_change;
    assert_eq!(turn(&run, A, 60_000), None, "nobody can foresee a frequency");
    // 90 % of 450 W hold 100 and 300 W, or 100 and 200 W, but not all.
    run.set(ms(60_000), PointId(2), 450.0);
    run.set(ms(60_000), PointId(0), 50.0);
    assert_eq!(turn(&run, A, 60_000), Some(ms(62_000)), "once the frequency has settled");
    run.run_to(ms(61_999));
    assert_eq!(open_loads(&run), [A, B, C]);
    run.run_to(ms(62_000));
    assert_eq!(open_loads(&run), [B, C]);
    assert!(run.engine.intent(A).unwrap().is_restoration);
    obey(&mut run, ms(62_000));
    for second in 62..72 {
        run.set(ms(second * 1000), PointId(0), 50.0);
    }
    assert_eq!(open_loads(&run), [B, C], "one per ten seconds");
    assert_eq!(turn(&run, B, 71_000), Some(ms(72_000)));
    run.set(ms(72_000), PointId(0), 50.0);
    assert_eq!(open_loads(&run), [C]);
    obey(&mut run, ms(72_000));
    for second in 73..200 {
        run.set(ms(second * 1000), PointId(0), 50.0);
    }
    assert_eq!(open_loads(&run), [C], "it would not leave enough free");
    run.set(ms(200_000), PointId(2), 700.0);
    assert_eq!(open_loads(&run), []);
}

#[test]
fn what_the_guard_cut_is_given_back_in_the_order_of_the_list() {
    let mut run = village().start();
    obey(&mut run, ms(0));
    run.set(ms(500), PointId(2), 10_000.0);
    let cut = |output| {
        Input::Verdict(Verdict { awaits_restoration: true, ..verdict(output, Wanted::OPEN, ms(1000)) })
    };
    run.step(ms(1000), &[cut(C), cut(B)]);
    assert!(!run.engine.intent(B).unwrap().is_restoration);
    run.set(ms(2000), PointId(0), 50.0);
    run.run_to(ms(4000));
    assert!(run.engine.intent(B).unwrap().is_restoration);
    assert!(!run.engine.intent(C).unwrap().is_restoration);
    // Frequency falls before the guard did it: the call is taken back.
    run.set(ms(5000), PointId(0), 49.5);
    assert!(!run.engine.intent(B).unwrap().is_restoration);
    for second in 6..20 {
        run.set(ms(second * 1000), PointId(0), 50.0);
    }
    assert!(run.engine.intent(B).unwrap().is_restoration);
    run.step(ms(20_000), &[Input::Verdict(verdict(B, Wanted::CLOSED, ms(20_000)))]);
    for second in 20..31 {
        run.set(ms(second * 1000), PointId(0), 50.0);
    }
    assert!(run.engine.intent(C).unwrap().is_restoration);
}

#[test]
fn a_load_that_nobody_wants_closed_waits_and_is_called_when_somebody_does() {
    let mut run = village().start();
    obey(&mut run, ms(0));
    run.set(ms(500), PointId(2), 10_000.0);
    let keep_open = crate::Command::Request {
        output: A,
        wanted: Wanted::OPEN,
        until: ms(20_000),
        who: "eva".into(),
        authority: ballast_model::Authority::Operator,
    };
    let cut = Verdict { awaits_restoration: true, ..verdict(A, Wanted::OPEN, ms(1000)) };
    run.step(ms(1000), &[Input::Command(keep_open), Input::Verdict(cut)]);
    for second in (1..20).step_by(3) {
        run.set(ms(second * 1000), PointId(0), 50.0);
    }
    assert_eq!(run.wanted(A), Wanted::OPEN);
    run.run_to(ms(20_000));
    let intent = run.engine.intent(A).unwrap();
    assert!(intent.wanted == Wanted::CLOSED && intent.is_restoration);
}

pub(super) fn genset() -> (Site, u32, u32) {
    let mut catalog = catalog();
    let run = add_output(&mut catalog, "genset.run", OutputKind::Contact, Wanted::OPEN);
    let flag = |name: &str| PointSpec { origin: Origin::Computed, kind: Kind::Flag, ..spec(name, "", None) };
    let [ready, wanted, failed] =
        ["genset.ready", "genset.wanted", "genset.failed"].map(|name| catalog.add_point(flag(name)).unwrap());
    let mut site = Site::of(catalog);
    let running = Some(site.program(&above("site.load", "40 W"), 0));
    site.plan.generators.push(GeneratorPlan {
        name: "genset".into(),
        run,
        ready,
        wanted,
        failed,
        running,
        warm_up: secs(30),
        min_run: secs(300),
        cool_down: secs(60),
        attempts: 2,
        attempt: secs(20),
        rest: secs(10),
    });
    let (when, until) = (below("battery.soc", "25 %"), above("battery.soc", "60 %"));
    let need = site.rule("need genset", &when, Some(&until), ask(run, Wanted::CLOSED), |rule| {
        rule.writes = alloc::vec![run];
        rule.unknown = secs(100_000);
    });
    let not_wanted = expr(ExprKind::Not(Box::new(name("genset.wanted"))));
    let take =
        site.rule("take load", &name("genset.ready"), Some(&not_wanted), ask(A, Wanted::CLOSED), |_| {});
    (site, need, take)
}

pub(super) const RUN: OutputId = OutputId(4);

#[test]
fn a_generator_warms_up_carries_load_and_cools_down() {
    let (site, need, take) = genset();
    let mut run = site.start();
    run.set(ms(0), LOAD, 0.0);
    run.set(ms(1000), SOC, 20.0);
    assert!(run.is_active(need) && !run.is_active(take));
    assert_eq!(run.wanted(RUN), Wanted::CLOSED);
    assert_eq!(run.engine.generator(0), Some(Phase::Starting));
    run.set(ms(6000), LOAD, 50.0);
    assert_eq!(run.engine.generator(0), Some(Phase::Warming));
    run.run_to(ms(35_999));
    assert!(!run.is_active(take));
    run.run_to(ms(36_000));
    assert!(run.is_active(take));
    assert_eq!(run.wanted(A), Wanted::CLOSED);
    // Not wanted any more: the load goes at once, the machine runs its shortest run and cools.
    run.set(ms(100_000), SOC, 61.0);
    assert!(!run.is_active(need) && !run.is_active(take));
    assert_eq!((run.wanted(A), run.wanted(RUN)), (Wanted::OPEN, Wanted::CLOSED));
    run.run_to(ms(305_999));
    assert_eq!(run.wanted(RUN), Wanted::CLOSED, "its shortest run is not over");
    run.run_to(ms(306_000));
    assert_eq!((run.wanted(RUN), run.engine.generator(0)), (Wanted::OPEN, Some(Phase::Stopped)));
}

#[test]
fn a_generator_that_does_not_start_is_tried_again_and_then_given_up() {
    let (site, ..) = genset();
    let mut run = site.start();
    run.set(ms(0), LOAD, 0.0);
    run.set(ms(1000), SOC, 20.0);
    run.run_to(ms(21_000));
    assert_eq!(run.engine.generator(0), Some(Phase::Resting));
    assert_eq!(run.wanted(RUN), Wanted::OPEN, "it rests although the rule asks");
    run.run_to(ms(31_000));
    assert_eq!(run.wanted(RUN), Wanted::CLOSED);
    run.run_to(ms(51_000));
    assert_eq!(run.engine.generator(0), Some(Phase::Failed));
    assert!(run.has_event(|event| matches!(event, Event::GeneratorFailed { attempts: 2, .. })));
    run.run_to(ms(500_000));
    assert_eq!(run.wanted(RUN), Wanted::OPEN);
    run.step(
        ms(500_000),
        &[Input::Command(crate::Command::ResetGenerator { generator: 0, who: "eva".into() })],
    );
    assert_eq!(run.wanted(RUN), Wanted::CLOSED);
}

#[test]
fn a_person_stops_a_generator_at_once() {
    let (site, ..) = genset();
    let mut run = site.start();
    run.set(ms(0), LOAD, 50.0);
    run.set(ms(1000), SOC, 20.0);
    run.run_to(ms(100_000));
    let stop = crate::Command::Request {
        output: RUN,
        wanted: Wanted::OPEN,
        until: ms(900_000),
        who: "eva".into(),
        authority: ballast_model::Authority::Operator,
    };
    run.step(ms(100_000), &[Input::Command(stop)]);
    assert_eq!(run.wanted(RUN), Wanted::OPEN);
    assert_eq!(run.wanted(A), Wanted::OPEN, "nobody wants it, so its load is let go");
}
