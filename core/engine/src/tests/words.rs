//! Explanations and sentences.

use super::*;
use crate::RuleState;

fn house() -> Run {
    let mut site = Site::new();
    let (when, until) = (below("battery.soc", "25 %"), above("battery.soc", "60 %"));
    site.rule("need genset", &when, Some(&until), ask(A, Wanted::CLOSED), |rule| {
        rule.when_hold = secs(120);
        rule.when_text = "battery.soc < \"25 %\"".into();
    });
    site.start()
}

#[test]
fn events_read_like_sentences() {
    let mut run = house();
    let mut sentences = Vec::new();
    let mut tell = |run: &Run| {
        let plan = run.engine.plan();
        sentences.extend(run.events.iter().map(|event| event.sentence(plan)));
    };
    run.step(ms(0), &[]);
    for second in (1..120).step_by(5) {
        run.set(ms(second * 1000), SOC, 24.0);
    }
    run.run_to(ms(121_000));
    tell(&run);
    run.run_to(ms(126_001));
    tell(&run);
    run.run_to(ms(136_001));
    tell(&run);
    run.step(ms(140_000), &[Input::Command(crate::Command::Mode { word: 1, who: "eva".into() })]);
    tell(&run);
    assert_eq!(
        sentences,
        [
            "rule \"need genset\" started (battery.soc 24 %)",
            "a shall be closed: rule \"need genset\" (before: nobody asks, the default holds)",
            "rule \"need genset\" misses battery.soc and ends in 10 s unless it comes back",
            "rule \"need genset\" ended: unknown (battery.soc too old)",
            "a shall be open: nobody asks, the default holds (before: rule \"need genset\")",
            "a command of eva was refused: there is no such thing here",
        ]
    );
}

#[test]
fn a_rule_explains_why_it_is_not_active() {
    let mut run = house();
    run.set(ms(1000), SOC, 24.0);
    let now = ms(5000);
    let why = run.engine.explain_rule(0, now).unwrap();
    assert_eq!(why.state, RuleState::Idle { when_since: Some(ms(1000)), ended: None });
    assert_eq!(why.when.is_true, Some(true));
    assert_eq!(why.when.remaining, Some(secs(116)));
    let threshold = &why.when.thresholds[0];
    assert_eq!((&*threshold.subject, threshold.op, &*threshold.limit), ("battery.soc", "<", "25 %"));
    assert_eq!(threshold.values[0].value.as_deref(), Some("24 %"));
    assert_eq!(threshold.values[0].age, Some(secs(4)));
    assert_eq!(why.next_change, Some(ms(121_000)), "and not when the value grows too old");
    // Eleven seconds on, nothing is known.
    let why = run.engine.explain_rule(0, ms(12_000)).unwrap();
    assert_eq!(why.when.is_true, None);
    assert_eq!(why.when.values[0].problem, Some("too old"));
    assert!(run.engine.explain_rule(9, now).is_none());
}

#[test]
fn an_output_explains_who_asks_and_what_the_guard_said() {
    let mut run = house();
    for second in (1..130).step_by(5) {
        run.set(ms(second * 1000), SOC, 24.0);
    }
    let held = Verdict {
        outcome: Outcome::Held,
        cause: Cause::MinOpen,
        next_change: Some(ms(127_000)),
        ..verdict(A, Wanted::OPEN, ms(100_000))
    };
    run.step(ms(126_500), &[Input::Verdict(held)]);
    let why = run.engine.explain(A, ms(126_500)).unwrap();
    assert_eq!(why.wanted.as_deref(), Some("closed"));
    assert_eq!(why.requests[0].name, "rule \"need genset\"");
    assert_eq!(why.requests[0].place.as_deref(), Some("test.rhai:1"));
    assert_eq!(why.values[0].value.as_deref(), Some("24 %"));
    let answer = why.verdict.unwrap();
    assert_eq!((&*answer.state, answer.cause), ("open", Cause::MinOpen));
    assert_eq!(why.next_change, Some(ms(127_000)));
    assert!(run.engine.explain(OutputId(77), ms(0)).is_none());
}
