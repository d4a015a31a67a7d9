//! The guard's own end: every output follows its `on_silence` from that moment, and nothing that was said brings it back.

mod kit;
use ballast_guard::plan::OnSilence;
use ballast_guard::{GuardEvent, Input, OperatorCommand, Who};
use ballast_model::frame::Message;
use ballast_model::intent::Cause;
use kit::*;

#[test]
fn at_its_end_every_output_follows_its_silence_and_no_renewal_brings_it_back() {
    let mut site = Site::new();
    let (pump, fan, lamp) = (site.contact("pump"), site.contact("fan"), site.contact("lamp"));
    site.envelope(pump).min_closed = secs(600);
    site.envelope(fan).on_silence = OnSilence::Hold(secs(60));
    site.envelope(lamp).safe = CLOSED;
    let mut bench = site.bench();
    for (output, wanted) in [(pump, CLOSED), (fan, CLOSED), (lamp, OPEN)] {
        bench.ask(output, wanted);
        assert_eq!(bench.is(output), wanted);
    }
    bench.pass(secs(1));
    bench.step(&[Input::Stop]);
    bench.step(&[]);
    assert_eq!((bench.is(pump), bench.is(fan), bench.is(lamp)), (OPEN, CLOSED, CLOSED));
    assert_eq!(bench.verdict(pump).cause, Cause::Silence);
    let renewal = bench.frame(Message::Renew);
    bench.step(&[renewal]);
    let intent = bench.intent(pump, CLOSED, ballast_model::Authority::Rule(1), 9);
    bench.step(&[intent]);
    bench.pass_in_silence(ms(59_999));
    assert_eq!((bench.is(pump), bench.is(fan), bench.is(lamp)), (OPEN, CLOSED, CLOSED));
    bench.pass_in_silence(ms(1));
    assert_eq!(bench.is(fan), OPEN, "held from the end on, not from the last renewal");
}

#[test]
fn a_word_that_had_run_out_before_the_end_does_not_come_back() {
    let mut site = Site::new();
    let fan = site.contact("fan");
    site.envelope(fan).on_silence = OnSilence::Hold(secs(60));
    let mut bench = site.bench();
    bench.ask(fan, CLOSED);
    bench.pass_in_silence(secs(23));
    assert_eq!(bench.is(fan), CLOSED, "silent for twenty seconds");
    bench.step(&[Input::Stop]);
    let renewal = bench.frame(Message::Renew);
    bench.step(&[renewal]);
    bench.pass_in_silence(secs(41));
    assert_eq!(bench.is(fan), OPEN, "it was silent for longer than since the end");
}

#[test]
fn an_output_that_still_stands_at_its_start_follows_its_silence_too() {
    let mut site = Site::new();
    let (pump, fan) = (site.contact("pump"), site.contact("fan"));
    site.point("battery.temperature", "°C", Some(secs(30)));
    // Its input was never seen: it would stay at its start.
    site.limit("hot", &above("battery.temperature", "50 °C"), &[(pump, OPEN), (fan, OPEN)]);
    site.envelope(pump).at_start = CLOSED;
    site.envelope(fan).at_start = CLOSED;
    site.envelope(fan).on_silence = OnSilence::Hold(secs(4));
    let mut bench = site.bench();
    bench.step(&[]);
    bench.pass_in_silence(secs(1));
    assert_eq!((bench.is(pump), bench.is(fan)), (CLOSED, CLOSED));
    bench.step(&[Input::Stop]);
    bench.step(&[]);
    assert_eq!((bench.is(pump), bench.is(fan)), (OPEN, CLOSED));
    bench.pass_in_silence(ms(3_900));
    assert_eq!(bench.is(fan), CLOSED);
    bench.pass_in_silence(ms(200));
    assert_eq!(bench.is(fan), OPEN);
}

/// A pump that a limit keeps running while a battery is hot, and one of which the file says that it stays as it is.
fn cooled() -> (Bench, ballast_model::OutputId, ballast_model::OutputId) {
    let mut site = Site::new();
    let (pump, fan) = (site.contact("pump"), site.contact("fan"));
    let warmth = site.point("battery.temperature", "°C", Some(secs(100_000)));
    site.limit("hot", &above("battery.temperature", "50 °C"), &[(pump, CLOSED), (fan, CLOSED)]);
    site.envelope(fan).on_silence = OnSilence::Hold(secs(60));
    let mut bench = site.bench();
    bench.set(warmth, 20.0);
    bench.ask(pump, OPEN);
    bench.ask(fan, OPEN);
    bench.set(warmth, 60.0);
    assert_eq!((bench.is(pump), bench.is(fan)), (CLOSED, CLOSED));
    (bench, pump, fan)
}

#[test]
fn a_now_leaves_what_a_limit_holds_away_from_safe_and_says_so() {
    let (mut bench, pump, fan) = cooled();
    bench.operator(OperatorCommand::Now(Some(pump)));
    let named = |output| GuardEvent::NowUnderLimit { output, limit: 0, wanted: CLOSED };
    let told = |bench: &Bench| bench.count(|event| matches!(event, GuardEvent::NowUnderLimit { .. }));
    assert!(bench.has(|event| *event == named(pump)) && told(&bench) == 1);
    bench.operator(OperatorCommand::Now(None));
    assert!(bench.has(|event| *event == named(fan)) && told(&bench) == 3);
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (CLOSED, Cause::Limit(0)));
    let held: Vec<_> = bench.guard.held_away_from_safe().collect();
    assert_eq!(held, [(pump, 0, CLOSED), (fan, 0, CLOSED)]);
    // Once the limit lets go, the person's word holds.
    let warmth = bench.resolve("battery.temperature");
    bench.set(warmth, 20.0);
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::OperatorNow));
    assert_eq!(bench.guard.held_away_from_safe().count(), 0);
}

#[test]
fn what_a_limit_holds_at_its_safe_state_or_is_not_armed_is_not_held_away_from_safe() {
    let mut site = Site::new();
    let (heater, pump) = (site.contact("heater"), site.contact("pump"));
    site.envelope(pump).by_hand = true;
    let warmth = site.point("battery.temperature", "°C", Some(secs(100_000)));
    site.limit("hot", &above("battery.temperature", "50 °C"), &[(heater, OPEN), (pump, CLOSED)]);
    let mut bench = site.bench();
    bench.set(warmth, 20.0);
    bench.ask(heater, CLOSED);
    bench.ask(pump, OPEN);
    bench.set(warmth, 60.0);
    assert_eq!((bench.is(heater), bench.verdict(heater).cause), (OPEN, Cause::Limit(0)));
    assert_eq!(bench.guard.held_away_from_safe().next(), None);
    bench.operator(OperatorCommand::Now(None));
    bench.step(&[Input::Stop]);
    bench.settle();
    let says_so =
        |event: &GuardEvent| matches!(event, GuardEvent::NowUnderLimit { .. } | GuardEvent::LimitLeft { .. });
    assert!(!bench.has(says_so), "{:?}", bench.events);
}

#[test]
fn at_its_end_nobody_watches_what_a_limit_holds_away_from_safe() {
    let (mut bench, pump, fan) = cooled();
    bench.step(&[Input::Stop]);
    bench.step(&[]);
    let left = |output, stays| GuardEvent::LimitLeft { output, limit: 0, wanted: CLOSED, stays };
    assert!(bench.has(|event| *event == left(pump, false)) && bench.has(|event| *event == left(fan, true)));
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::Silence));
    assert_eq!((bench.is(fan), bench.verdict(fan).cause), (CLOSED, Cause::Limit(0)), "its file says hold");
    bench.pass_in_silence(ms(59_999));
    assert_eq!(bench.is(fan), CLOSED);
    bench.pass_in_silence(ms(1));
    assert_eq!(bench.is(fan), OPEN, "and no longer than that");
}

#[test]
fn a_now_at_the_end_makes_everything_safe() {
    let (mut bench, pump, fan) = cooled();
    let command = OperatorCommand::Now(None);
    bench.step(&[Input::Operator { who: Who::new("make-safe"), command }, Input::Stop]);
    bench.step(&[]);
    assert_eq!((bench.is(pump), bench.is(fan)), (OPEN, OPEN));
}

#[test]
fn a_limit_that_leads_to_safe_goes_on_at_the_end_and_is_named() {
    for (on_silence, stays) in [(OnSilence::Hold(secs(60)), CLOSED), (OnSilence::Safe, OPEN)] {
        let mut site = Site::new();
        let fan = site.contact("fan");
        let warmth = site.point("battery.temperature", "°C", Some(secs(100_000)));
        site.limit("hot", &above("battery.temperature", "50 °C"), &[(fan, OPEN)]);
        site.envelope(fan).on_silence = on_silence;
        let mut bench = site.bench();
        bench.set(warmth, 20.0);
        bench.ask(fan, CLOSED);
        bench.step(&[Input::Stop]);
        bench.settle();
        assert_eq!(bench.is(fan), stays);
        bench.set(warmth, 60.0);
        assert_eq!((bench.is(fan), bench.verdict(fan).cause), (OPEN, Cause::Limit(0)));
    }
}
