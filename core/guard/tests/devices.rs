//! Devices that do not do what they were told: lost writes, welded relays, timers of their own.

mod kit;
use ballast_guard::plan::{Effect, OutsideChange};
use ballast_guard::{GuardEvent, Input, OperatorCommand, Output, ResetWhat};
use ballast_model::intent::Cause;
use ballast_model::{Authority, Outcome, OutputId, PointId, Wanted};
use kit::*;

#[test]
fn a_write_that_fails_is_tried_again_and_said() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    bench.broken[0] = true;
    bench.ask(pump, CLOSED);
    assert_eq!(bench.verdict(pump).cause, Cause::Unreachable);
    bench.pass(secs(20));
    assert!(bench.permits.len() >= 5, "{:?}", bench.permits);
    bench.broken[0] = false;
    let back = bench.now;
    bench.pass(secs(20));
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (CLOSED, Cause::Asked));
    assert!(bench.verdict(pump).since >= back, "nobody heard it before: {:?}", bench.verdict(pump));
    let told = [GuardEvent::Unreachable { output: pump }, GuardEvent::Reachable { output: pump }];
    assert!(told.iter().all(|event| bench.count(|seen| seen == event) == 1));
}

#[test]
fn a_failed_write_is_tried_again_at_once_when_the_device_is_back() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.broken[0] = true;
    bench.step(&[]);
    bench.step(&[]);
    assert_eq!((bench.permits.len(), bench.next > bench.now), (1, true), "the next try is a second away");
    bench.broken[0] = false;
    bench.step(&[Input::Reach { output: pump, is_there: true }]);
    assert_eq!(bench.permits.len(), 2, "not after the pause");
    bench.settle();
    assert!(bench.guard.output(pump).unwrap().settled);
    assert!(bench.has(|event| *event == GuardEvent::Reachable { output: pump }));
    // A broker that flaps: what was confirmed is not told again.
    for _ in 0..5 {
        bench.step(&[Input::Reach { output: pump, is_there: true }]);
    }
    assert_eq!(bench.permits.len(), 2);
}

#[test]
fn a_device_that_went_away_is_told_again_when_it_is_back() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, CLOSED);
    let before = bench.permits.len();
    let switched_at = bench.guard.output(pump).unwrap().switched_at;
    bench.pass(secs(1));
    bench.broken[0] = true;
    bench.step(&[Input::Reach { output: pump, is_there: false }]);
    assert_eq!(bench.permits.len(), before, "nothing is written to a device that is gone");
    assert_eq!(bench.verdict(pump).cause, Cause::Unreachable);
    assert_eq!(bench.count(|event| *event == GuardEvent::Unreachable { output: pump }), 1);
    bench.settle();
    // It comes back as it boots: open.
    (bench.broken[0], bench.physical[0]) = (false, Some(OPEN));
    bench.step(&[Input::Reach { output: pump, is_there: true }]);
    bench.settle();
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (CLOSED, Cause::Asked));
    let state = bench.guard.output(pump).unwrap();
    assert_eq!((state.switched_at, state.since), (switched_at, switched_at), "told again, not switched");
}

#[test]
fn that_a_device_is_there_says_nothing_about_a_write_that_is_under_way() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.ask(pump, OPEN);
    let ask = bench.intent(pump, CLOSED, ballast_model::Authority::Rule(1), 9);
    let (mut out, there) = (Vec::with_capacity(64), Input::Reach { output: pump, is_there: true });
    bench.guard.step(bench.now, &[ask], &mut out);
    bench.guard.step(bench.now, &[there], &mut out);
    let permits = |out: &[Output]| out.iter().filter(|output| matches!(output, Output::Permit(_))).count();
    assert_eq!(permits(&out), 1, "not written twice");
    // Nor does it hurry the next try, when the time for that has not come.
    bench.guard.step(bench.now.after(ms(500)), &[there], &mut out);
    assert_eq!(permits(&out), 1);
}

#[test]
fn minimum_times_count_from_the_confirmation() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.envelope(pump).min_closed = secs(60);
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    bench.hello();
    bench.broken[0] = true;
    bench.ask(pump, CLOSED);
    bench.pass(secs(30));
    bench.broken[0] = false;
    for _ in 0..600 {
        if bench.is(pump) == CLOSED {
            break;
        }
        bench.pass(ms(100));
    }
    let closed_at = bench.now;
    bench.ask(pump, OPEN);
    bench.pass(ms(59_800));
    assert_eq!(bench.is(pump), CLOSED);
    bench.pass(ms(300));
    assert_eq!(bench.is(pump), OPEN);
    assert!(bench.now.since(closed_at) < secs(61));
}

#[test]
fn a_permit_that_nobody_answers_is_made_again() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut guard = site.bench().guard;
    let mut out = Vec::with_capacity(64);
    let start = guard.live().clone();
    let now = ballast_model::Mono::from_millis(1_000_000);
    guard.step(now, &[], &mut out);
    out.clear();
    guard.step(now.after(ms(2999)), &[], &mut out);
    assert!(!out.iter().any(|output| matches!(output, ballast_guard::Output::Permit(_))));
    guard.step(now.after(ms(3000)), &[], &mut out);
    assert!(out.iter().any(|output| matches!(output, ballast_guard::Output::Permit(_))));
    assert_ne!(*guard.live(), start);
    assert_eq!(guard.output(pump).unwrap().counter, 2);
    // An answer to the lost one is too late: it says nothing about the second.
    guard.step(now.after(ms(3001)), &[Input::Written { output: pump, counter: 1, ok: true }], &mut out);
    assert!(!guard.output(pump).unwrap().settled);
}

#[test]
fn the_pause_between_tries_doubles_up_to_five_seconds_whatever_is_asked_meanwhile() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    bench.hello();
    bench.broken[0] = true;
    bench.permits.clear();
    for _ in 0..60 {
        bench.ask(pump, CLOSED);
        bench.pass(ms(400));
    }
    let tries: Vec<_> = bench.permits.iter().map(|(at, ..)| *at).collect();
    let pauses: Vec<_> = tries.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    assert_eq!(pauses, [1, 2, 4, 5, 5, 5].map(secs));
}

/// A pump whose words hold for long, and whose answers get lost from now on.
fn unheard(change: impl Fn(&mut Site, OutputId)) -> (Bench, OutputId) {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.envelope(pump).lease = secs(3600);
    change(&mut site, pump);
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    bench.hello();
    bench.lost[0] = true;
    (bench, pump)
}

#[test]
fn a_lost_answer_is_waited_for_for_a_minute_and_where_the_guard_itself_acts_for_five_seconds() {
    type Move = fn(&mut Bench, OutputId);
    let moves: [(Move, Wanted, u64); 2] = [
        (|bench, pump| bench.ask(pump, CLOSED), OPEN, 60_000),
        (|bench, pump| bench.operator(OperatorCommand::Now(Some(pump))), CLOSED, 5000),
    ];
    for (make, before, millis) in moves {
        let (mut bench, pump) = unheard(|_, _| ());
        bench.lost[0] = false;
        bench.ask(pump, before);
        bench.lost[0] = true;
        make(&mut bench, pump);
        bench.permits.clear();
        bench.pass_in_silence(ms(millis - 1));
        assert_eq!(bench.permits, [], "{millis} ms");
        bench.pass_in_silence(ms(1));
        assert_eq!(bench.permits.len(), 1, "{millis} ms");
    }
}

#[test]
fn the_longest_time_ends_also_where_nobody_said_that_it_began() {
    let (mut bench, pump) = unheard(|site, pump| site.envelope(pump).max_closed = Some(secs(30)));
    bench.ask(pump, CLOSED);
    bench.pass_in_silence(ms(29_999));
    assert_eq!(bench.is(pump), CLOSED);
    bench.pass_in_silence(ms(1));
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::MaxClosed));
}

#[test]
fn when_it_may_close_again_is_said_with_the_move_and_not_only_with_its_answer() {
    let (mut bench, pump) = unheard(|site, pump| {
        let envelope = site.envelope(pump);
        (envelope.max_closed, envelope.min_open, envelope.default) = (Some(secs(30)), secs(20), CLOSED);
    });
    bench.pass(secs(20));
    bench.ask_as(pump, CLOSED, Authority::Default, 0);
    bench.pass(secs(30));
    let verdict = bench.verdict(pump);
    assert_eq!((bench.is(pump), verdict.outcome, verdict.cause), (OPEN, Outcome::Held, Cause::MaxClosed));
    assert_eq!(verdict.next_change, Some(bench.now.after(secs(20))));
}

#[test]
fn a_second_answer_to_the_same_permit_says_nothing() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    let before = bench.guard.output(pump).unwrap().clone();
    bench.pass(secs(1));
    for ok in [false, true] {
        bench.step(&[Input::Written { output: pump, counter: before.counter, ok }]);
        bench.settle();
        assert_eq!(bench.guard.output(pump).unwrap().settled_at, before.settled_at, "{ok}");
    }
    assert_eq!(bench.verdict(pump).cause, Cause::Asked);
    assert!(!bench.has(|event| *event == GuardEvent::Unreachable { output: pump }));
}

#[test]
fn what_a_limit_and_a_request_both_want_and_no_device_hears_is_no_success() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let hot = site.point("motor.temperature", "°C", None);
    site.limit("hot", &above("motor.temperature", "80 °C"), &[(pump, OPEN)]);
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(pump, CLOSED);
    bench.broken[0] = true;
    bench.set(hot, 90.0);
    assert_eq!((bench.verdict(pump).outcome, bench.verdict(pump).cause), (Outcome::Changed, Cause::Limit(0)));
    bench.ask(pump, OPEN);
    assert_eq!(
        (bench.verdict(pump).outcome, bench.verdict(pump).cause),
        (Outcome::Held, Cause::Unreachable),
        "it is still closed"
    );
}

fn watched() -> (Site, OutputId, PointId, PointId) {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let current = site.point("charger.current", "A", Some(secs(600)));
    let voltage = site.point("battery.voltage", "V", Some(secs(600)));
    let closed = Some(site.program(&above("charger.current", "50 mA")));
    let open = Some(site.program(&below("charger.current", "20 mA")));
    let unless = Some(site.program(&above("battery.voltage", "13.6 V")));
    site.envelope(charger).effect =
        Some(Box::new(Effect { point: current, closed, open, within: secs(20), unless }));
    (site, charger, current, voltage)
}

#[test]
fn fault_17_a_missing_effect_is_told_once_more_and_then_alarms() {
    let (site, charger, current, voltage) = watched();
    let mut bench = site.bench();
    bench.set(current, 0.0);
    bench.set(voltage, 12.0);
    bench.ask(charger, CLOSED);
    let told = bench.permits.len();
    bench.pass(ms(19_999));
    assert_eq!(bench.permits.len(), told);
    bench.pass(ms(1));
    assert_eq!(bench.permits.len(), told + 1);
    assert!(bench.has(|event| *event == GuardEvent::EffectRetried { output: charger }));
    bench.pass(secs(19));
    assert!(!bench.has(|event| *event == GuardEvent::NoEffect { output: charger }));
    bench.pass(secs(2));
    assert!(bench.has(|event| *event == GuardEvent::NoEffect { output: charger }));
    assert_eq!(bench.verdict(charger).cause, Cause::NoEffect);
    assert_eq!(bench.verdict(charger).witness.map(|witness| witness.point), Some(current));
    bench.pass(secs(100));
    assert_eq!(bench.permits.len(), told + 1, "once");
    bench.set(current, 3.0);
    assert!(bench.has(|event| *event == GuardEvent::EffectBack { output: charger }));
    assert_eq!(bench.verdict(charger).cause, Cause::Asked);
}

#[test]
fn an_effect_may_be_excused_or_unknown() {
    let (site, charger, current, voltage) = watched();
    let mut bench = site.bench();
    bench.set(current, 0.0);
    bench.set(voltage, 13.7);
    bench.ask(charger, CLOSED);
    bench.pass(secs(100));
    assert!(!bench.has(|event| *event == GuardEvent::EffectRetried { output: charger }), "a full battery");
    bench.lose(current);
    bench.set(voltage, 12.0);
    bench.pass(secs(100));
    assert!(!bench.has(|event| *event == GuardEvent::EffectRetried { output: charger }), "nothing is known");
}

#[test]
fn a_welded_relay_is_found_by_what_still_flows() {
    let (site, charger, current, voltage) = watched();
    let mut bench = site.bench();
    bench.set(current, 0.0);
    bench.set(voltage, 12.0);
    bench.ask(charger, CLOSED);
    bench.set(current, 3.0);
    bench.pass(secs(30));
    bench.ask(charger, OPEN);
    bench.pass(secs(50));
    assert!(bench.has(|event| *event == GuardEvent::NoEffect { output: charger }));
}

#[test]
fn a_device_with_a_timer_of_its_own_is_told_again() {
    let mut site = Site::new();
    let charge = site.setpoint("charge", &[(0.0, 2000.0)]);
    site.envelope(charge).refresh = Some(secs(30));
    let mut bench = site.bench();
    bench.ask(charge, level(500.0));
    bench.permits.clear();
    bench.pass(secs(300));
    assert!((9..=11).contains(&bench.permits.len()), "{}", bench.permits.len());
    assert!(bench.permits.iter().all(|(_, _, wanted)| *wanted == level(500.0)));
    bench.ask(charge, level(0.0));
    bench.permits.clear();
    bench.pass(secs(300));
    assert!(bench.permits.is_empty(), "safe needs no renewal");
}

#[test]
fn a_missing_effect_is_explained_by_the_hand_that_moved_it() {
    let (mut site, charger, current, voltage) = watched();
    site.envelope(charger).outside_change = OutsideChange::Alarm;
    let mut bench = site.bench();
    bench.set(voltage, 12.0);
    bench.ask(charger, CLOSED);
    bench.set(current, 3.0);
    bench.pass(secs(30));
    bench.physical[0] = Some(OPEN);
    bench.actual(charger, OPEN);
    bench.set(current, 0.0);
    bench.pass(secs(100));
    assert_eq!((bench.is(charger), bench.verdict(charger).cause), (OPEN, Cause::OutsideChange));
    assert!(!bench.has(|event| *event == GuardEvent::EffectRetried { output: charger }));
}

#[test]
fn now_is_safe_until_it_is_reset() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let fan = site.contact("fan");
    site.envelope(pump).min_closed = secs(600);
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    bench.ask(fan, CLOSED);
    bench.operator(OperatorCommand::Now(Some(pump)));
    assert_eq!((bench.is(pump), bench.is(fan)), (OPEN, CLOSED));
    assert_eq!(bench.verdict(pump).cause, Cause::OperatorNow);
    bench.operator(OperatorCommand::Now(None));
    assert_eq!(bench.is(fan), OPEN);
    bench.ask(pump, CLOSED);
    assert_eq!(bench.is(pump), OPEN);
    bench.operator(OperatorCommand::Reset(ResetWhat::All));
    assert_eq!((bench.is(pump), bench.is(fan)), (CLOSED, CLOSED));
    bench.operator(OperatorCommand::Reset(ResetWhat::All));
    assert!(bench.has(|event| matches!(event, GuardEvent::ResetRefused { .. })));
}

#[test]
fn a_person_starts_the_check_of_an_effect_anew() {
    let (site, charger, current, voltage) = watched();
    let mut bench = site.bench();
    bench.set(current, 0.0);
    bench.set(voltage, 12.0);
    bench.ask(charger, CLOSED);
    bench.pass(secs(60));
    let counts = |bench: &Bench| {
        let retried = bench.count(|event| *event == GuardEvent::EffectRetried { output: charger });
        (retried, bench.count(|event| *event == GuardEvent::NoEffect { output: charger }))
    };
    assert_eq!((counts(&bench), bench.verdict(charger).cause), ((1, 1), Cause::NoEffect));
    bench.operator(OperatorCommand::Reset(ResetWhat::Output(charger)));
    assert_eq!(bench.verdict(charger).cause, Cause::Asked);
    bench.pass(secs(60));
    assert_eq!((counts(&bench), bench.verdict(charger).cause), ((2, 2), Cause::NoEffect));
}

#[test]
fn a_device_that_went_away_keeps_its_partner_out_until_it_is_known_again() {
    let mut site = Site::new();
    let (mains, genset) = (site.contact("mains"), site.contact("genset"));
    site.interlock(&[mains, genset], secs(2));
    let mut bench = site.bench();
    bench.step(&[]);
    bench.pass(secs(5));
    bench.ask(mains, CLOSED);
    bench.pass(secs(1));
    bench.actual(mains, CLOSED);
    let before = bench.guard.output(mains).unwrap().unreachable_since;
    bench.broken[mains.index()] = true;
    bench.step(&[Input::Reach { output: mains, is_there: false }]);
    let gone_at = bench.now;
    bench.ask(mains, OPEN);
    bench.ask(genset, CLOSED);
    bench.pass(secs(100));
    assert_eq!(bench.is(genset), OPEN, "nobody knows that it left");
    let state = bench.guard.output(mains).unwrap();
    assert_eq!(
        (before, state.unreachable_since),
        (None, Some(gone_at)),
        "since it went, not since the last try"
    );
    assert_eq!(state.outside.actual, None, "what it said before it went says nothing");
    bench.broken[mains.index()] = false;
    bench.step(&[Input::Reach { output: mains, is_there: true }]);
    bench.pass(secs(3));
    assert_eq!((bench.is(mains), bench.is(genset)), (OPEN, CLOSED));
}

#[test]
fn a_load_that_waits_to_be_given_back_is_not_followed_when_a_hand_closes_it() {
    let mut site = Site::new();
    let home = site.contact("home");
    let frequency = site.point("feeder.frequency", "Hz", Some(secs(600)));
    site.envelope(home).outside_change = OutsideChange::Follow(secs(100));
    site.shedding(&[frequency], &[(home, "homes", 1000.0)]);
    let mut bench = site.bench();
    bench.set(frequency, 50.0);
    bench.ask(home, OPEN);
    bench.pass(secs(5));
    assert!(bench.verdict(home).awaits_restoration);
    bench.physical[0] = Some(CLOSED);
    bench.actual(home, CLOSED);
    bench.pass(secs(5));
    assert_eq!(bench.is(home), OPEN, "only restoration gives it back");
    bench.give_back(home);
    assert_eq!(bench.is(home), CLOSED);
    // Given back, it may be opened and closed by hand.
    bench.pass(secs(5));
    for by_hand in [OPEN, CLOSED] {
        bench.physical[0] = Some(by_hand);
        bench.actual(home, by_hand);
        bench.pass(secs(5));
        assert_eq!((bench.is(home), bench.verdict(home).cause), (by_hand, Cause::OutsideChange));
    }
}

#[test]
fn what_a_device_says_is_kept_as_what_was_confirmed_and_read_by_limits() {
    let mut site = Site::new();
    let (charger, siren) = (site.contact("charger"), site.contact("siren"));
    let is_closed = compare(name("charger.actual"), ballast_model::expr::BinaryOp::Equal, "closed");
    site.limit("closed by someone", &is_closed, &[(siren, CLOSED)]);
    let mut bench = site.bench();
    bench.ask(charger, OPEN);
    bench.pass(secs(5));
    bench.actual(charger, OPEN);
    let confirmed = |bench: &Bench| bench.guard.output(charger).unwrap().confirmed;
    assert_eq!((bench.is(siren), confirmed(&bench)), (OPEN, Some(OPEN)));
    bench.actual(charger, CLOSED);
    assert_eq!((bench.is(siren), confirmed(&bench)), (CLOSED, Some(CLOSED)));
}

#[test]
fn what_a_device_says_before_it_confirmed_a_write_settles_nothing() {
    let mut site = Site::new();
    let (mains, genset) = (site.contact("mains"), site.contact("genset"));
    site.interlock(&[mains, genset], secs(2));
    let mut bench = site.bench();
    bench.step(&[]);
    bench.pass(secs(5));
    bench.ask(mains, CLOSED);
    bench.pass(secs(5));
    bench.broken[mains.index()] = true;
    bench.ask(mains, OPEN);
    bench.ask(genset, CLOSED);
    // An old report, or one of a contact that bounces.
    bench.actual(mains, OPEN);
    bench.pass(secs(10));
    assert_eq!(bench.is(genset), OPEN, "its write was never confirmed");
    assert!(!bench.has(|event| matches!(event, GuardEvent::OutsideChange { .. })));
}
