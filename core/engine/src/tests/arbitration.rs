//! Who wins an output, and what is said when.

use super::*;
use crate::events::Source;
use crate::input::{Command, Refusal};
use ballast_model::Authority;

fn request(output: OutputId, wanted: Wanted, until: Mono, authority: Authority) -> Input {
    Input::Command(Command::Request { output, wanted, until, who: "eva".into(), authority })
}

#[test]
fn fault_29_the_strongest_request_wins_and_the_next_one_follows_it() {
    let mut site = Site::new();
    let low = below("battery.soc", "25 %");
    site.rule("weak", &low, None, ask(LEVEL, Wanted::Level(Finite::from(10))), |rule| rule.priority = 40);
    site.rule(
        "strong",
        &below("battery.soc", "15 %"),
        None,
        ask(LEVEL, Wanted::Level(Finite::from(20))),
        |rule| {
            rule.priority = 60;
        },
    );
    let mut run = site.start();
    run.set(ms(0), SOC, 10.0);
    assert_eq!(run.wanted(LEVEL), Wanted::Level(Finite::from(20)));
    let order = [(Authority::Campaign, 30), (Authority::Remote, 40), (Authority::Operator, 50)];
    for (authority, level) in order {
        run.step(ms(100), &[request(LEVEL, Wanted::Level(Finite::from(level)), ms(60_000), authority)]);
        assert_eq!(run.wanted(LEVEL), Wanted::Level(Finite::from(level)));
        assert_eq!(run.engine.winner(LEVEL).unwrap().0.authority, authority);
    }
    for (authority, level) in [(Authority::Operator, 40), (Authority::Remote, 30), (Authority::Campaign, 20)]
    {
        run.step(
            ms(200),
            &[Input::Command(Command::Release { output: LEVEL, who: "eva".into(), authority })],
        );
        assert_eq!(run.wanted(LEVEL), Wanted::Level(Finite::from(level)));
    }
    run.set(ms(1000), SOC, 20.0);
    assert_eq!(run.engine.winner(LEVEL).unwrap().0.source, Source::Rule(0));
    run.set(ms(2000), SOC, 30.0);
    assert_eq!(run.wanted(LEVEL), Wanted::Level(Finite::ZERO));
}

#[test]
fn an_intent_is_said_when_it_changes_and_only_then() {
    let mut site = Site::new();
    site.rule("low", &below("battery.soc", "25 %"), None, ask(A, Wanted::CLOSED), |_| {});
    let mut run = site.start();
    run.step(ms(0), &[]);
    assert_eq!(run.intents.len(), 4, "every output once at the start");
    run.set(ms(1000), SOC, 20.0);
    assert_eq!(run.intents.len(), 1);
    run.set(ms(2000), SOC, 19.0);
    run.grant_all(ms(2100));
    assert!(run.intents.is_empty());
    // Another activation is another request, though it asks the same.
    let first = run.engine.intent(A).unwrap().request;
    run.set(ms(3000), SOC, 30.0);
    run.set(ms(4000), SOC, 20.0);
    assert!(run.engine.intent(A).unwrap().request > first);
}

#[test]
fn fault_44_a_command_ends_by_itself_and_wrong_ones_are_refused() {
    let mut run = Site::new().start();
    run.step(ms(0), &[request(A, Wanted::CLOSED, ms(5000), Authority::Operator)]);
    assert_eq!(run.wanted(A), Wanted::CLOSED);
    assert_eq!(run.wake, ms(5000));
    run.run_to(ms(5000));
    assert_eq!(run.wanted(A), Wanted::OPEN);
    assert!(run.has_event(|event| matches!(event, Event::RequestOver { output: A, .. })));
    let later = ms(60_000);
    for (input, refusal) in [
        (request(OutputId(99), Wanted::CLOSED, later, Authority::Operator), Refusal::Unknown),
        (request(A, Wanted::Level(Finite::ONE), later, Authority::Operator), Refusal::WrongKind),
        (request(A, Wanted::CLOSED, ms(1), Authority::Operator), Refusal::Over),
        (request(A, Wanted::CLOSED, later, Authority::Rule(99)), Refusal::Authority),
        (request(A, Wanted::CLOSED, later, Authority::Guard), Refusal::Authority),
        (request(A, Wanted::CLOSED, later, Authority::Shed), Refusal::Authority),
    ] {
        run.step(ms(6000), &[input]);
        assert!(
            run.has_event(|event| matches!(event, Event::CommandRefused { refusal: r, .. } if *r == refusal))
        );
        assert!(run.intents.is_empty());
    }
}

#[test]
fn what_the_guard_says_can_be_read() {
    let mut site = Site::new();
    let closed = binary(BinaryOp::Equal, name("a.state"), text("closed"));
    let long = binary(BinaryOp::Greater, name("a.since"), text("30 s"));
    let both = binary(BinaryOp::And, closed, long);
    let rule = site.rule("long", &both, None, ask(B, Wanted::CLOSED), |_| {});
    let mut run = site.start();
    run.step(ms(0), &[]);
    run.step(ms(10_000), &[Input::Verdict(verdict(A, Wanted::CLOSED, ms(9_000)))]);
    run.run_to(ms(38_990));
    assert!(!run.is_active(rule));
    run.run_to(ms(39_010));
    assert!(run.is_active(rule));
    assert_eq!(run.engine.verdict(A).unwrap().state, Wanted::CLOSED);
}

#[test]
fn at_most_one_sample_of_a_point_in_a_step() {
    let mut site = Site::new();
    let rule = site.rule("spike", &above("site.load", "1 kW"), None, ask(A, Wanted::CLOSED), |_| {});
    let mut run = site.start();
    run.step(ms(0), &[]);
    let inputs: Vec<Input> =
        [500.0, 2000.0, 300.0].iter().map(|value| run.sample(LOAD, number(*value), ms(100))).collect();
    run.step(ms(100), &inputs);
    let started = run.events.iter().filter(|event| matches!(event, Event::RuleStarted { .. })).count();
    assert_eq!(started, 1, "the spike in the middle was seen");
    assert!(!run.is_active(rule));
    assert_eq!(run.intents.iter().filter(|intent| intent.output == A).count(), 2);
}

#[test]
fn a_flood_is_coalesced_counted_and_told_and_delays_nobody_else() {
    let mut run = Site::new().start();
    run.step(ms(0), &[]);
    let mut inputs: Vec<Input> =
        (0..100).map(|value| run.sample(LOAD, number(f64::from(value)), ms(100))).collect();
    let other = run.sample(SOC, number(50.0), ms(100));
    inputs.push(other);
    let mut out = Vec::new();
    run.engine.step(ms(100), &inputs, &mut out);
    assert_eq!(run.engine.snapshot().known(SOC, ms(100)), Some(number(50.0)));
    assert!(out.contains(&Output::Event(Event::Coalesced { point: LOAD, dropped: 64 })));
    assert_eq!(out.last(), Some(&Output::WakeAt(ms(100))));
    assert_eq!(run.engine.counters().coalesced, 64);
    run.step(ms(100), &[]);
    assert_eq!(run.engine.snapshot().known(LOAD, ms(100)), Some(number(99.0)));
}

#[test]
fn what_a_person_asks_must_lie_ahead_and_its_end_is_said_once() {
    let mut run = Site::new().start();
    run.step(ms(1000), &[]);
    let over = |run: &Run| {
        let ends = run.events.iter().filter(|event| matches!(event, Event::RequestOver { .. }));
        ends.count()
    };
    run.step(ms(2000), &[request(A, Wanted::CLOSED, ms(2000), Authority::Operator)]);
    assert_eq!(run.wanted(A), Wanted::OPEN, "over before it began");
    assert!(run.has_event(|event| matches!(event, Event::CommandRefused { refusal: Refusal::Over, .. })));
    run.step(ms(3000), &[request(A, Wanted::CLOSED, ms(3001), Authority::Operator)]);
    assert_eq!((run.wanted(A), over(&run)), (Wanted::CLOSED, 0));
    assert_eq!(run.engine.winner(A).unwrap().1, ms(3000), "since when it has won");
    run.step(ms(3001), &[]);
    assert_eq!((run.wanted(A), over(&run)), (Wanted::OPEN, 1));
    assert_eq!(run.engine.winner(A).unwrap().1, ms(3001));
    run.step(ms(4000), &[]);
    assert_eq!(run.engine.winner(A).unwrap().1, ms(3001), "nothing changed");
}
