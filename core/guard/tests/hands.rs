//! Somebody else moves an output: followed, corrected or left alone with an alarm, also where its device has a timer of its own.

mod kit;
use ballast_guard::plan::OutsideChange;
use ballast_guard::{GuardEvent, OperatorCommand, ResetWhat};
use ballast_model::intent::Cause;
use ballast_model::{OutputId, PointId, Span};
use kit::*;

fn moved_by_hand(policy: OutsideChange) -> (Bench, OutputId) {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.envelope(pump).outside_change = policy;
    let mut bench = site.bench();
    bench.ask(pump, OPEN);
    bench.pass(secs(5));
    bench.physical[0] = Some(CLOSED);
    bench.actual(pump, CLOSED);
    (bench, pump)
}

#[test]
fn an_outside_change_is_followed_for_a_while() {
    let (mut bench, pump) = moved_by_hand(OutsideChange::Follow(secs(100)));
    assert_eq!((bench.verdict(pump).state, bench.verdict(pump).cause), (CLOSED, Cause::OutsideChange));
    bench.pass(ms(99_999));
    assert_eq!(bench.is(pump), CLOSED);
    bench.pass(ms(1));
    assert_eq!(bench.is(pump), OPEN);
}

#[test]
fn an_outside_change_is_not_followed_into_silence() {
    let (mut bench, pump) = moved_by_hand(OutsideChange::Follow(secs(100)));
    bench.pass_in_silence(secs(4));
    assert_eq!(bench.is(pump), OPEN);
    bench.physical[0] = Some(CLOSED);
    bench.pass_in_silence(secs(3));
    bench.actual(pump, CLOSED);
    assert_eq!(bench.is(pump), OPEN, "what acts at once is told again");
}

#[test]
fn an_outside_change_is_corrected_a_few_times() {
    let (mut bench, pump) = moved_by_hand(OutsideChange::Correct(3));
    for _ in 0..5 {
        bench.pass(secs(3));
        bench.physical[0] = Some(CLOSED);
        bench.actual(pump, CLOSED);
    }
    assert_eq!(bench.count(|event| matches!(event, GuardEvent::OutsideChange { .. })), 3);
    assert_eq!(bench.count(|event| matches!(event, GuardEvent::NotCorrected { .. })), 1);
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (CLOSED, Cause::OutsideChange));
    bench.operator(OperatorCommand::Reset(ResetWhat::Output(pump)));
    bench.actual(pump, CLOSED);
    assert_eq!(bench.is(pump), OPEN, "a person starts the count anew");
}

#[test]
fn whoever_moves_it_again_after_each_correction_is_not_fought_without_end() {
    let (mut bench, pump) = moved_by_hand(OutsideChange::Correct(3));
    let duel = |bench: &mut Bench, rounds: u32| {
        for _ in 0..rounds {
            bench.pass(secs(3));
            bench.actual(pump, OPEN);
            bench.pass(secs(3));
            bench.physical[0] = Some(CLOSED);
            bench.actual(pump, CLOSED);
        }
    };
    let told_again = |bench: &Bench| bench.count(|event| matches!(event, GuardEvent::OutsideChange { .. }));
    let alarms = |bench: &Bench| bench.count(|event| matches!(event, GuardEvent::NotCorrected { .. }));
    duel(&mut bench, 3);
    assert_eq!((told_again(&bench), alarms(&bench)), (3, 1));
    assert_eq!(bench.verdict(pump).cause, Cause::OutsideChange);
    // A hand a day is corrected every day.
    let (mut bench, pump) = moved_by_hand(OutsideChange::Correct(3));
    for _ in 0..9 {
        bench.pass(secs(600));
        bench.actual(pump, OPEN);
        bench.pass(secs(3));
        bench.physical[0] = Some(CLOSED);
        bench.actual(pump, CLOSED);
    }
    assert_eq!((told_again(&bench), alarms(&bench)), (10, 0));
}

#[test]
fn an_outside_change_only_alarms() {
    let (mut bench, pump) = moved_by_hand(OutsideChange::Alarm);
    bench.pass(secs(100));
    bench.actual(pump, CLOSED);
    assert_eq!(bench.count(|event| matches!(event, GuardEvent::NotCorrected { .. })), 1);
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (CLOSED, Cause::OutsideChange));
    assert_eq!(bench.count(|event| matches!(event, GuardEvent::OutsideChange { .. })), 1);
    bench.actual(pump, OPEN);
    assert_eq!(bench.verdict(pump).cause, Cause::Asked);
}

#[test]
fn a_reading_that_lags_behind_a_write_is_no_outside_change() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    bench.actual(pump, OPEN);
    bench.pass(ms(1900));
    bench.actual(pump, CLOSED);
    bench.pass(secs(10));
    assert!(!bench.has(|event| matches!(event, GuardEvent::OutsideChange { .. })));
}

/// Told to close, with a timer of its own that is renewed so often, and opened by a hand ten and a half seconds later.
fn renewed_and_moved(policy: OutsideChange, half: Span) -> (Bench, OutputId) {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.envelope(pump).refresh = Some(half);
    site.envelope(pump).outside_change = policy;
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    bench.pass(ms(10_500));
    bench.physical[0] = Some(OPEN);
    bench.permits.clear();
    bench.actual(pump, OPEN);
    (bench, pump)
}

#[test]
fn a_renewal_does_not_undo_what_a_hand_did() {
    let alarms = |bench: &Bench| bench.count(|event| matches!(event, GuardEvent::NotCorrected { .. }));
    for half in [secs(30), secs(4), secs(1), ms(300)] {
        let (mut bench, pump) = renewed_and_moved(OutsideChange::Alarm, half);
        bench.pass(secs(300));
        assert!(bench.permits.is_empty(), "renewed each {half:?}: {:?}", bench.permits);
        assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::OutsideChange), "{half:?}");
        assert_eq!(alarms(&bench), 1, "{half:?}");
        // The hand gives it back: its timer began with the hand, and is renewed again from now on.
        bench.physical[0] = Some(CLOSED);
        bench.actual(pump, CLOSED);
        assert_eq!((bench.permits.len(), bench.verdict(pump).cause), (1, Cause::Asked), "{half:?}");
        bench.pass(half.times(10));
        assert!((10..=12).contains(&bench.permits.len()), "{half:?}: {}", bench.permits.len());
    }
}

#[test]
fn a_renewal_waits_for_the_judgement_and_for_the_last_correction() {
    let (mut bench, pump) = renewed_and_moved(OutsideChange::Correct(1), secs(30));
    assert_eq!((bench.is(pump), bench.permits.len()), (CLOSED, 1), "corrected once");
    bench.pass(secs(3));
    bench.physical[0] = Some(OPEN);
    bench.actual(pump, OPEN);
    bench.pass(secs(300));
    assert_eq!((bench.is(pump), bench.permits.len()), (OPEN, 1), "and then left alone");
    // A timer so short that its renewal comes before anybody can say whether a reading only lags.
    let (mut bench, pump) = renewed_and_moved(OutsideChange::Correct(3), ms(500));
    assert!(bench.permits.is_empty(), "not judged yet");
    bench.pass(secs(2));
    assert_eq!(bench.count(|event| matches!(event, GuardEvent::OutsideChange { .. })), 1, "and then counted");
    assert_eq!(bench.is(pump), CLOSED);
}

#[test]
fn a_setpoint_that_a_hand_moved_is_not_renewed_either() {
    let mut site = Site::new();
    let charge = site.setpoint("charge", &[(0.0, 2000.0)]);
    site.envelope(charge).refresh = Some(secs(30));
    let mut bench = site.bench();
    bench.ask(charge, level(500.0));
    bench.pass(secs(10));
    bench.permits.clear();
    bench.physical[0] = Some(level(800.0));
    bench.actual(charge, level(800.0));
    bench.pass(secs(60));
    // Nobody renews it: its own timer ends, and it says so.
    bench.physical[0] = Some(level(0.0));
    bench.actual(charge, level(0.0));
    bench.pass(secs(300));
    assert!(bench.permits.is_empty(), "{:?}", bench.permits);
    assert_eq!((bench.is(charge), bench.verdict(charge).cause), (level(0.0), Cause::OutsideChange));
    bench.ask(charge, level(600.0));
    assert_eq!((bench.is(charge), bench.verdict(charge).cause), (level(600.0), Cause::Asked), "asked anew");
}

/// A fan that a limit closes when it is hot, renewed so often. It is not hot, and somebody asks for it.
fn cooled(half: Span) -> (Bench, OutputId, PointId) {
    let mut site = Site::new();
    let fan = site.contact("fan");
    let heat = site.point("room.temperature", "°C", Some(secs(1000)));
    let hot = site.limit("hot", &above("room.temperature", "50 °C"), &[(fan, CLOSED)]);
    site.until(hot, &below("room.temperature", "45 °C"), secs(0));
    site.envelope(fan).refresh = Some(half);
    let mut bench = site.bench();
    bench.set(heat, 20.0);
    bench.ask(fan, CLOSED);
    (bench, fan, heat)
}

#[test]
fn what_acts_at_once_is_told_again_and_renewed_whoever_moves_it() {
    let (mut bench, fan, heat) = cooled(secs(30));
    bench.pass(secs(10));
    bench.physical[0] = Some(OPEN);
    bench.actual(fan, OPEN);
    bench.pass(secs(60));
    assert_eq!(bench.is(fan), OPEN, "only an alarm");
    bench.set(heat, 60.0);
    assert_eq!(bench.is(fan), CLOSED, "the limit wants what was told already");
    // Its device says nothing any more; its timer must not run out all the same.
    bench.permits.clear();
    bench.pass(secs(300));
    assert!((9..=11).contains(&bench.permits.len()), "{}", bench.permits.len());
    // Nor does its renewal wait until somebody could say whether a reading only lags.
    let (mut bench, fan, heat) = cooled(ms(500));
    bench.set(heat, 60.0);
    bench.permits.clear();
    for _ in 0..4 {
        bench.actual(fan, OPEN);
        bench.pass(ms(450));
    }
    assert!(bench.permits.len() >= 3, "{:?}", bench.permits);
}

#[test]
fn a_timer_that_ran_out_because_nobody_renewed_it_is_no_hand() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.envelope(pump).refresh = Some(secs(30));
    site.envelope(pump).lease = secs(90);
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    bench.pass(secs(5));
    // The machine slept for longer than the device's timer and shorter than the lease.
    bench.now = bench.now.after(secs(70));
    bench.physical[0] = Some(OPEN);
    bench.actual(pump, OPEN);
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (CLOSED, Cause::Asked));
    assert_eq!(bench.count(|event| *event == GuardEvent::TimerRanOut { output: pump }), 1);
    bench.pass(secs(300));
    assert!(!bench.has(|event| matches!(event, GuardEvent::OutsideChange { .. })));
    // Whoever opens it while it is renewed in time is somebody.
    bench.physical[0] = Some(OPEN);
    bench.actual(pump, OPEN);
    bench.pass(secs(3));
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::OutsideChange));
    assert_eq!(bench.count(|event| *event == GuardEvent::TimerRanOut { output: pump }), 1);
}

#[test]
fn what_someone_else_moved_is_told_again_as_soon_as_something_acts_at_once() {
    type Trigger = fn(&mut Bench, OutputId);
    let triggers: [(&str, Trigger); 2] = [
        ("now", |bench, lamp| bench.operator(OperatorCommand::Now(Some(lamp)))),
        ("silence", |bench, _| bench.pass_in_silence(secs(5))),
    ];
    for (what, trigger) in triggers {
        let (mut bench, lamp) = moved_by_hand(OutsideChange::Alarm);
        bench.pass(secs(10));
        assert_eq!(bench.is(lamp), CLOSED, "only an alarm");
        // It is told to be safe already; its device says that it is not.
        trigger(&mut bench, lamp);
        assert_eq!(bench.is(lamp), OPEN, "{what}");
    }
}

#[test]
fn an_alarm_of_a_moved_output_is_over_when_a_person_says_so_and_comes_again_while_it_is_moved() {
    let (mut bench, lamp) = moved_by_hand(OutsideChange::Alarm);
    bench.pass(secs(10));
    assert_eq!(bench.verdict(lamp).cause, Cause::OutsideChange);
    bench.operator(OperatorCommand::Reset(ResetWhat::Output(lamp)));
    assert!(bench.has(|event| matches!(event, GuardEvent::WasReset { .. })));
    assert_eq!(bench.count(|event| matches!(event, GuardEvent::OutsideChange { .. })), 2);
    assert_eq!((bench.is(lamp), bench.verdict(lamp).cause), (CLOSED, Cause::OutsideChange));
}

#[test]
fn a_hand_on_what_acts_at_once_is_told_once() {
    let (mut bench, fan, heat) = cooled(secs(30));
    bench.set(heat, 60.0);
    bench.pass(secs(10));
    bench.permits.clear();
    bench.physical[0] = Some(OPEN);
    bench.actual(fan, OPEN);
    assert_eq!((bench.is(fan), bench.permits.len()), (CLOSED, 1), "told again");
    assert_eq!(bench.count(|event| matches!(event, GuardEvent::OutsideChange { .. })), 1);
}

#[test]
fn what_is_told_something_else_at_once_does_not_say_again_that_it_was_moved() {
    let (mut bench, pump) = moved_by_hand(OutsideChange::Alarm);
    bench.ask(pump, CLOSED);
    bench.pass(secs(5));
    bench.events.clear();
    bench.physical[0] = Some(OPEN);
    bench.actual(pump, OPEN);
    bench.pass(secs(5));
    // It was told to close, and its device says that it is open already.
    bench.operator(OperatorCommand::Now(Some(pump)));
    assert_eq!((bench.verdict(pump).state, bench.verdict(pump).cause), (OPEN, Cause::OperatorNow));
    assert_eq!(bench.count(|event| matches!(event, GuardEvent::OutsideChange { .. })), 1, "by the hand");
}
