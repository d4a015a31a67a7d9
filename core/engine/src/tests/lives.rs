//! The life of a rule.

use super::*;
use crate::events::EndReason;
use crate::limits::{FAILED_REQUESTS_KEPT, FAILURES_IN_A_ROW_MAX};
use ballast_model::expr::Fault;

fn end_reason(run: &Run) -> Option<EndReason> {
    run.events.iter().find_map(|event| match event {
        Event::RuleEnded { reason, .. } => Some(*reason),
        _ => None,
    })
}

#[test]
fn a_rule_starts_after_its_time_and_ends_by_until() {
    let mut site = Site::new();
    let (when, until) = (below("battery.soc", "25 %"), above("battery.soc", "60 %"));
    let rule = site.rule("low", &when, Some(&until), ask(A, Wanted::CLOSED), |rule| {
        rule.when_hold = secs(2);
        rule.until_hold = secs(3);
    });
    let mut run = site.start();
    run.step(ms(0), &[]);
    assert_eq!(run.wanted(A), Wanted::OPEN, "the default when nobody asks");
    run.set(ms(1000), SOC, 20.0);
    assert_eq!(run.wake, ms(3000));
    run.run_to(ms(2999));
    assert!(!run.is_active(rule));
    run.run_to(ms(3000));
    assert!(run.is_active(rule));
    assert_eq!(run.wanted(A), Wanted::CLOSED);
    // Idle only `when` counts, active only `until`.
    run.set(ms(4000), SOC, 30.0);
    assert!(run.is_active(rule));
    run.set(ms(5000), SOC, 61.0);
    run.run_to(ms(8000));
    assert!(!run.is_active(rule));
    assert_eq!(end_reason(&run), Some(EndReason::Until));
    assert_eq!(run.wanted(A), Wanted::OPEN, "a silent output goes to its default");
}

#[test]
fn a_break_starts_the_time_anew() {
    let mut site = Site::new();
    let rule = site.rule("low", &below("battery.soc", "25 %"), None, ask(A, Wanted::CLOSED), |rule| {
        rule.when_hold = secs(2);
    });
    let mut run = site.start();
    run.set(ms(0), SOC, 20.0);
    run.set(ms(1500), SOC, 26.0);
    run.set(ms(1600), SOC, 20.0);
    run.run_to(ms(3500));
    assert!(!run.is_active(rule));
    run.run_to(ms(3600));
    assert!(run.is_active(rule));
    run.set(ms(4000), SOC, 26.0);
    assert_eq!(end_reason(&run), Some(EndReason::WhenOver));
}

/// The names in the values of the event that told the end of a rule.
fn missed(run: &Run) -> Vec<PointId> {
    let because = |event: &Event| match event {
        Event::RuleEnded { because, .. } => Some(because.iter().map(|witness| witness.point).collect()),
        _ => None,
    };
    run.events.iter().find_map(because).unwrap_or_default()
}

#[test]
fn the_end_of_a_rule_names_what_was_unknown_and_not_what_it_would_have_ended_by() {
    let body: Act = Arc::new(|context, asked| {
        let Some(Value::Number(load)) = context.known(LOAD) else { return BodyOutcome::Unknown(LOAD) };
        asked.requests.push(Request { output: LEVEL, wanted: Wanted::Level(load), lasting: None });
        BodyOutcome::Done
    });
    // Its end reads the charge, its body the load.
    let start = |unknown: u64| {
        let mut site = Site::new();
        let (when, until) = (below("battery.soc", "25 %"), above("battery.soc", "60 %"));
        site.rule("follow", &when, Some(&until), body.clone(), |rule| {
            rule.body_reads = alloc::vec![LOAD];
            rule.unknown = secs(unknown);
        });
        let mut run = site.start();
        run.set(ms(0), LOAD, 700.0);
        run.set(ms(1000), SOC, 20.0);
        run
    };
    let mut run = start(4);
    let gone = run.bad(LOAD, ms(2000));
    run.step(ms(2000), &[gone]);
    run.set(ms(3000), SOC, 20.0);
    run.run_to(ms(6000));
    assert_eq!((end_reason(&run), missed(&run)), (Some(EndReason::Unknown), alloc::vec![LOAD]));
    let mut run = start(4);
    run.run_to(ms(16_000));
    assert_eq!((end_reason(&run), missed(&run)), (Some(EndReason::Unknown), alloc::vec![SOC]));
}

#[test]
fn a_rule_that_did_harm_is_taken_out_until_a_person_resumes_it_or_its_text_changes() {
    let site = || {
        let mut site = Site::new();
        let when = below("battery.soc", "25 %");
        site.rule("low", &when, None, ask(A, Wanted::CLOSED), |_| {});
        site
    };
    let mut run = site().start();
    run.set(ms(0), SOC, 20.0);
    assert_eq!(run.wanted(A), Wanted::CLOSED);
    let suspend = || Input::Command(crate::Command::Suspend { rule: 0, who: "the trial".into() });
    run.step(ms(1000), &[suspend()]);
    assert_eq!((run.wanted(A), end_reason(&run)), (Wanted::OPEN, Some(EndReason::Harm)));
    let plan = run.engine.plan();
    let said = run.events.iter().find(|event| matches!(event, Event::RuleSuspended { .. })).unwrap();
    assert_eq!(&*said.sentence(plan), "rule \"low\" is suspended: it did harm");
    assert_eq!(said.severity(), crate::Severity::Alarm);
    // Once is enough, and its condition changes nothing.
    run.step(ms(1500), &[suspend()]);
    assert!(!run.has_event(|event| matches!(event, Event::RuleSuspended { .. })));
    run.set(ms(2000), SOC, 30.0);
    run.set(ms(3000), SOC, 20.0);
    assert_eq!(run.engine.rule(0), Some(crate::RuleState::Suspended));
    let resume = Input::Command(crate::Command::Resume { rule: 0, who: "eva".into() });
    run.step(ms(4000), &[resume]);
    assert_eq!(run.wanted(A), Wanted::CLOSED);
}

#[test]
fn unknown_never_starts_a_rule_and_ends_it_after_its_patience() {
    let mut site = Site::new();
    let (when, until) = (below("battery.soc", "25 %"), above("battery.soc", "60 %"));
    let rule = site.rule("low", &when, Some(&until), ask(A, Wanted::CLOSED), |rule| rule.unknown = secs(4));
    let mut run = site.start();
    run.run_to(ms(60_000));
    assert!(!run.is_active(rule));
    run.set(ms(60_000), SOC, 20.0);
    assert!(run.is_active(rule));
    // 10 s later the value is too old.
    run.run_to(ms(70_001));
    assert!(run.has_event(|event| matches!(event, Event::RuleUnknown { point: Some(SOC), .. })));
    run.run_to(ms(74_000));
    assert!(run.is_active(rule));
    run.run_to(ms(74_001));
    assert_eq!(end_reason(&run), Some(EndReason::Unknown));
    // It starts again only by `when`.
    run.set(ms(80_000), SOC, 40.0);
    assert!(!run.is_active(rule));
    run.set(ms(81_000), SOC, 24.0);
    assert!(run.is_active(rule));
    // What is known again in time goes on.
    run.run_to(ms(92_000));
    run.set(ms(94_000), SOC, 50.0);
    assert!(run.has_event(|event| matches!(event, Event::RuleKnown { .. })));
    run.run_to(ms(103_000));
    assert!(run.is_active(rule));
}

#[test]
fn the_first_value_after_a_start_is_no_change() {
    let mut site = Site::new();
    let changed = call("changed", alloc::vec![name("battery.soc")]);
    let rule = site.rule("moved", &changed, None, ask(A, Wanted::CLOSED), |_| {});
    let mut run = site.start();
    run.set(ms(0), SOC, 20.0);
    assert!(run.events.iter().all(|event| !matches!(event, Event::RuleStarted { .. })));
    run.set(ms(1000), SOC, 20.0);
    assert!(!run.is_active(rule));
    run.set(ms(2000), SOC, 21.0);
    assert!(run.has_event(|event| matches!(event, Event::RuleStarted { .. })));
    assert_eq!(
        end_reason(&run),
        Some(EndReason::WhenOver),
        "a change lasts until the next step, which comes at once"
    );
}

#[test]
fn a_sample_that_changes_nothing_but_the_age_counts_for_the_age() {
    let mut site = Site::new();
    let old = binary(BinaryOp::Greater, call("age", alloc::vec![name("site.load")]), text("3 s"));
    let rule = site.rule("silent", &old, None, ask(A, Wanted::CLOSED), |_| {});
    let mut run = site.start();
    run.set(ms(0), LOAD, 10.0);
    run.run_to(ms(2999));
    assert!(!run.is_active(rule));
    run.run_to(ms(3001));
    assert!(run.is_active(rule));
    run.set(ms(4000), LOAD, 10.0);
    assert!(!run.is_active(rule), "the same value, but a new one");
}

#[test]
fn a_rule_whose_end_is_true_does_not_start() {
    let mut site = Site::new();
    let (when, until) = (below("battery.soc", "25 %"), above("site.load", "100 W"));
    let rule = site.rule("fill", &when, Some(&until), ask(A, Wanted::CLOSED), |_| {});
    let mut run = site.start();
    run.set(ms(0), LOAD, 200.0);
    run.set(ms(1000), SOC, 20.0);
    run.run_to(ms(9000));
    assert!(!run.is_active(rule));
    run.set(ms(9000), LOAD, 50.0);
    assert!(run.is_active(rule));
    run.set(ms(12_000), SOC, 20.0);
    run.set(ms(13_000), LOAD, 150.0);
    run.set(ms(20_000), SOC, 20.0);
    assert!(!run.is_active(rule), "`when` holds, but so does what ended it");
}

#[test]
fn two_rules_that_feed_each_other_do_not_spin() {
    let mut site = Site::new();
    let wanted_open = binary(BinaryOp::Equal, name("a.wanted"), text("open"));
    let rule = site.rule("flip", &wanted_open, None, ask(A, Wanted::CLOSED), |_| {});
    let mut run = site.start();
    let mut out = Vec::new();
    let mut wake = ms(0);
    while wake < ms(10_000) {
        run.engine.step(wake, &[], &mut out);
        let Some(Output::WakeAt(next)) = out.pop() else { panic!("the last output is no deadline") };
        wake = next;
    }
    let evaluations = run.engine.counters().rules[rule as usize].evaluations;
    // A burst of 100 starts, then 100 in a second; each is looked at when it starts and when it ends.
    assert!(evaluations < 4000, "{evaluations} evaluations in ten seconds");
}

#[test]
fn a_body_runs_again_when_what_it_reads_changes() {
    let mut site = Site::new();
    let act: Act = Arc::new(|context, asked| {
        let Some(Value::Number(load)) = context.known(LOAD) else { return BodyOutcome::Unknown(LOAD) };
        asked.requests.push(Request { output: LEVEL, wanted: Wanted::Level(load), lasting: None });
        BodyOutcome::Done
    });
    let rule = site.rule("follow", &below("battery.soc", "25 %"), None, act, |rule| {
        rule.body_reads = alloc::vec![LOAD];
        rule.unknown = secs(3600);
    });
    let mut run = site.start();
    run.set(ms(0), LOAD, 700.0);
    run.set(ms(1000), SOC, 20.0);
    assert_eq!(run.wanted(LEVEL), Wanted::Level(Finite::from(700)));
    let request = run.intents[0].request;
    run.set(ms(2000), LOAD, 800.0);
    assert_eq!(run.wanted(LEVEL), Wanted::Level(Finite::from(800)));
    assert_eq!(run.intents[0].request, request, "the same activation asks under the same number");
    run.set(ms(3000), LOAD, 800.0);
    assert_eq!(run.engine.counters().rules[rule as usize].runs, 2, "nothing changed, nothing ran");
    let gone = run.bad(LOAD, ms(4000));
    run.step(ms(4000), &[gone]);
    assert_eq!(run.wanted(LEVEL), Wanted::Level(Finite::from(800)), "an unknown run changes nothing");
    assert!(run.has_event(|event| matches!(event, Event::RuleUnknown { point: Some(LOAD), .. })));
}

#[test]
fn a_body_that_reads_a_value_too_old_runs_again_when_it_becomes_so() {
    let mut site = Site::new();
    let act: Act = Arc::new(|context, asked| {
        let wanted = if context.known(SOC).is_some() { Wanted::CLOSED } else { Wanted::OPEN };
        asked.requests.push(Request { output: A, wanted, lasting: None });
        BodyOutcome::Done
    });
    site.rule("watch", &above("site.load", "1 W"), None, act, |rule| rule.body_reads = alloc::vec![SOC]);
    let mut run = site.start();
    run.set(ms(0), SOC, 50.0);
    run.set(ms(100), LOAD, 10.0);
    run.set(ms(6000), SOC, 50.0);
    run.run_to(ms(15_000));
    assert_eq!(run.wanted(A), Wanted::CLOSED);
    run.run_to(ms(16_001));
    assert_eq!(run.wanted(A), Wanted::OPEN);
}

#[test]
fn fault_23_a_failing_body_keeps_its_last_requests_for_a_while_and_is_suspended_in_the_end() {
    let mut site = Site::new();
    let act: Act = Arc::new(|context, asked| {
        if context.known(LOAD) != Some(number(0.0)) {
            return BodyOutcome::Failed { message: "no".into(), place: "x:1:1".into() };
        }
        asked.requests.push(Request { output: A, wanted: Wanted::CLOSED, lasting: None });
        BodyOutcome::Done
    });
    let rule = site.rule("fragile", &below("battery.soc", "25 %"), None, act, |rule| {
        rule.body_reads = alloc::vec![LOAD];
        rule.unknown = secs(100_000);
    });
    let mut run = site.start();
    run.set(ms(0), LOAD, 0.0);
    run.set(ms(100), SOC, 20.0);
    assert_eq!(run.wanted(A), Wanted::CLOSED);
    run.set(ms(1000), LOAD, 1.0);
    assert!(run.has_event(|event| matches!(event, Event::BodyFailed { in_a_row: 1, .. })));
    let over = ms(1000).after(FAILED_REQUESTS_KEPT);
    run.run_to(Mono::from_nanos(over.nanos() - 1));
    assert_eq!(run.wanted(A), Wanted::CLOSED);
    run.run_to(over);
    assert_eq!(run.wanted(A), Wanted::OPEN);
    for count in 2..=FAILURES_IN_A_ROW_MAX {
        run.set(ms(20_000 + u64::from(count)), LOAD, f64::from(count));
    }
    assert!(run.has_event(|event| matches!(event, Event::RuleSuspended { .. })));
    assert_eq!(run.engine.rule(rule), Some(crate::RuleState::Suspended));
    run.set(ms(30_000), LOAD, 0.0);
    run.set(ms(30_001), SOC, 19.0);
    assert_eq!(run.wanted(A), Wanted::OPEN);
    run.step(ms(30_002), &[Input::Command(crate::Command::Resume { rule, who: "eva".into() })]);
    assert_eq!(run.wanted(A), Wanted::CLOSED);
}

#[test]
fn a_body_may_ask_only_what_its_rule_names_and_the_output_takes() {
    for (wanted, writes) in [(Wanted::Level(Finite::ONE), alloc::vec![A]), (Wanted::CLOSED, alloc::vec![B])] {
        let mut site = Site::new();
        site.rule("wrong", &below("battery.soc", "25 %"), None, ask(A, wanted), |rule| rule.writes = writes);
        let mut run = site.start();
        run.set(ms(0), SOC, 20.0);
        assert!(run.has_event(|event| matches!(event, Event::BodyFailed { .. })));
        assert_eq!(run.wanted(A), Wanted::OPEN);
    }
}

#[test]
fn a_timed_request_of_a_rule_ends_before_the_rule() {
    let mut site = Site::new();
    let act: Act = Arc::new(|_, asked| {
        asked.requests.push(Request { output: A, wanted: Wanted::CLOSED, lasting: Some(secs(5)) });
        BodyOutcome::Done
    });
    let rule = site.rule("short", &above("site.load", "1 W"), None, act, |rule| {
        rule.body_reads = alloc::vec![SOC];
    });
    let mut run = site.start();
    run.set(ms(0), LOAD, 10.0);
    run.set(ms(2000), SOC, 1.0);
    run.run_to(ms(4999));
    assert_eq!(run.wanted(A), Wanted::CLOSED);
    run.run_to(ms(5000));
    assert_eq!(run.wanted(A), Wanted::OPEN);
    run.set(ms(6000), SOC, 2.0);
    assert!(run.is_active(rule));
    assert_eq!(run.wanted(A), Wanted::OPEN, "running again does not begin it anew");
}

#[test]
fn an_end_that_is_divided_by_zero_is_said_so() {
    let mut catalog = catalog();
    let point = catalog.add_point(spec("p.divisor", "W", None)).unwrap();
    let mut site = Site::of(catalog);
    let share = binary(BinaryOp::Divide, name("site.load"), name("p.divisor"));
    let until = binary(BinaryOp::Greater, share, expr(ExprKind::Number(2.0)));
    let when = below("battery.soc", "25 %");
    let rule = site.rule("share", &when, Some(&until), ask(A, Wanted::CLOSED), |_| {});
    let mut run = site.start();
    let said = |run: &Run, kind: &str| -> alloc::string::String {
        let event = run.events.iter().find(|event| event.kind() == kind).unwrap();
        event.sentence(run.engine.plan())
    };
    run.set(ms(0), LOAD, 10.0);
    run.set(ms(0), point, 0.0);
    run.set(ms(0), SOC, 20.0);
    assert!(run.is_active(rule));
    assert_eq!(
        said(&run, "rule_unknown"),
        "a division by zero in the condition of rule \"share\", which ends in 10 s if that stays so"
    );
    let explained = run.engine.explain_rule(rule, ms(1000)).unwrap().until.unwrap();
    assert_eq!((explained.is_true, explained.fault), (None, Some(Fault::DivisionByZero)));
    run.set(ms(9000), SOC, 20.0);
    run.run_to(ms(10_000));
    assert_eq!(end_reason(&run), Some(EndReason::Fault(Fault::DivisionByZero)));
    assert!(said(&run, "rule_ended").starts_with("rule \"share\" ended: a division by zero"));
    // As after any unknown, it waits for what ended it.
    run.set(ms(13_000), SOC, 19.0);
    assert!(!run.is_active(rule));
    run.set(ms(14_000), point, 10.0);
    assert!(run.is_active(rule));
}
