//! The envelope of one output, rule by rule: at the limit, just inside, just outside.

mod kit;
use ballast_guard::GuardEvent;
use ballast_guard::plan::{OnSilence, SwitchBudget};
use ballast_model::intent::Cause;
use ballast_model::time::Gap;
use ballast_model::{Authority, Outcome, Span};
use kit::*;

#[test]
fn a_request_moves_the_output_and_silence_makes_it_safe() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    assert_eq!(bench.is(pump), OPEN);
    bench.ask(pump, CLOSED);
    assert_eq!(bench.is(pump), CLOSED);
    assert_eq!(bench.verdict(pump).outcome, Outcome::Granted);
    bench.pass(secs(60));
    assert_eq!(bench.is(pump), CLOSED, "renewed");
    let silent_at = bench.now;
    bench.pass_in_silence(ms(2999));
    assert_eq!(bench.is(pump), CLOSED, "just inside the lease");
    bench.pass_in_silence(ms(1001));
    assert_eq!(bench.is(pump), OPEN);
    let (at, _, wanted) = *bench.permits.last().unwrap();
    assert_eq!(wanted, OPEN);
    assert!(at.since(silent_at) <= secs(3));
    assert_eq!(bench.verdict(pump).cause, Cause::Silence);
    assert!(bench.has(|event| *event == GuardEvent::LeaseExpired { output: pump }));
}

#[test]
fn minimum_times_hold_asked_moves_in_both_directions() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.envelope(pump).min_closed = secs(60);
    site.envelope(pump).min_open = secs(30);
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, CLOSED);
    assert_eq!(bench.verdict(pump).cause, Cause::MinOpen, "a start is a switching like any other");
    bench.pass(ms(29_999));
    assert_eq!(bench.is(pump), OPEN);
    bench.pass(ms(1));
    assert_eq!(bench.is(pump), CLOSED);
    let closed_at = bench.now;
    bench.ask(pump, OPEN);
    assert_eq!((bench.is(pump), bench.verdict(pump).outcome), (CLOSED, Outcome::Held));
    assert_eq!(bench.verdict(pump).next_change, Some(closed_at.after(secs(60))));
    bench.pass(ms(59_999));
    assert_eq!(bench.is(pump), CLOSED);
    bench.pass(ms(1));
    assert_eq!(bench.is(pump), OPEN);
}

#[test]
fn silence_may_hold_for_a_while() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.envelope(pump).on_silence = OnSilence::Hold(secs(600));
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    bench.pass_in_silence(secs(602));
    assert_eq!(bench.is(pump), CLOSED);
    assert_eq!(bench.verdict(pump).cause, Cause::Silence);
    bench.pass_in_silence(secs(1));
    assert_eq!(bench.is(pump), OPEN);
}

#[test]
fn where_nobody_speaks_the_start_is_over_after_a_lease_and_silence_begins() {
    // How it is left in silence, and when it opens.
    for (on_silence, opens) in [(OnSilence::Safe, 3000), (OnSilence::Hold(secs(10)), 13_000)] {
        let mut site = Site::new();
        let pump = site.contact("pump");
        (site.envelope(pump).at_start, site.envelope(pump).on_silence) = (CLOSED, on_silence);
        let mut bench = site.bench();
        bench.step(&[]);
        bench.settle();
        bench.pass_in_silence(ms(2999));
        assert_eq!((bench.is(pump), bench.verdict(pump).cause), (CLOSED, Cause::AtStart), "{on_silence:?}");
        bench.pass_in_silence(ms(1));
        assert_eq!(bench.verdict(pump).cause, Cause::Silence, "{on_silence:?}");
        bench.pass_in_silence(ms(opens - 3000));
        assert_eq!((bench.is(pump), bench.permits.last().unwrap().0), (OPEN, bench.now), "{on_silence:?}");
        assert_eq!(bench.now.since(ballast_model::Mono::from_millis(1_000_000)), ms(opens));
    }
}

#[test]
fn fault_31_switchings_are_counted_and_a_spent_output_may_only_go_to_safe() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.envelope(pump).max_switches = vec![SwitchBudget { count: 4, per: secs(3600) }];
    let mut bench = site.bench();
    bench.step(&[]);
    let first = bench.now;
    for wanted in [CLOSED, OPEN, CLOSED] {
        bench.ask(pump, wanted);
        assert_eq!(bench.is(pump), wanted);
        bench.pass(secs(10));
    }
    bench.ask(pump, OPEN);
    assert_eq!(bench.is(pump), OPEN, "the fourth, to safe");
    bench.ask(pump, CLOSED);
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::MaxSwitches));
    assert_eq!(bench.count(|event| *event == GuardEvent::SwitchesSpent { output: pump }), 1);
    assert_eq!(bench.verdict(pump).next_change, Some(first.after(secs(3600))));
    bench.pass(Span::from_nanos(first.after(secs(3600)).since(bench.now).nanos() - 1));
    assert_eq!(bench.is(pump), OPEN);
    bench.pass(Span::from_nanos(1));
    assert_eq!(bench.is(pump), CLOSED);
    // Spent again by now? Three in the last hour are left; closed may always go to safe.
    bench.ask(pump, OPEN);
    assert_eq!(bench.is(pump), OPEN);
}

#[test]
fn the_longest_time_closed_ends_until_its_request_does() {
    let mut site = Site::new();
    let heater = site.contact("heater");
    site.envelope(heater).max_closed = Some(secs(100));
    let mut bench = site.bench();
    bench.ask_as(heater, CLOSED, Authority::Rule(50), 7);
    bench.pass(ms(99_999));
    assert_eq!(bench.is(heater), CLOSED);
    bench.pass(ms(1));
    assert_eq!((bench.is(heater), bench.verdict(heater).cause), (OPEN, Cause::MaxClosed));
    let said = |bench: &Bench| bench.count(|event| *event == GuardEvent::MaxClosed { output: heater });
    assert_eq!(said(&bench), 1);
    bench.pass(secs(1000));
    bench.ask_as(heater, CLOSED, Authority::Rule(50), 7);
    assert_eq!(bench.is(heater), OPEN, "the same request has not ended");
    bench.ask_as(heater, CLOSED, Authority::Rule(50), 8);
    assert_eq!(bench.is(heater), CLOSED, "another one may");
    bench.ask_as(heater, CLOSED, Authority::Rule(50), 7);
    bench.ask_as(heater, OPEN, Authority::Rule(50), 9);
    let before = said(&bench);
    bench.ask_as(heater, CLOSED, Authority::Rule(50), 7);
    assert_eq!(bench.is(heater), OPEN, "outvoted is not ended");
    assert_eq!(bench.verdict(heater).cause, Cause::MaxClosed);
    assert_eq!(said(&bench), before, "it was not closed");
}

#[test]
fn a_default_that_held_for_the_longest_time_returns_after_the_minimum_time() {
    let mut site = Site::new();
    let heater = site.contact("heater");
    let envelope = site.envelope(heater);
    (envelope.default, envelope.max_closed, envelope.min_open) = (CLOSED, Some(secs(100)), secs(20));
    let mut bench = site.bench();
    bench.ask_as(heater, OPEN, Authority::Default, 0);
    bench.pass(secs(20));
    assert_eq!(bench.is(heater), CLOSED, "the default of the envelope counts, whatever the frame says");
    bench.pass(secs(100));
    assert_eq!((bench.is(heater), bench.verdict(heater).cause), (OPEN, Cause::MaxClosed));
    bench.pass(ms(19_999));
    assert_eq!(bench.is(heater), OPEN);
    bench.pass(ms(1));
    assert_eq!(bench.is(heater), CLOSED);
    bench.pass(secs(100));
    assert_eq!(bench.is(heater), OPEN, "and again");
}

/// A heater with a longest time of 6 s, and the requests of two rules and a person.
fn heater() -> (Site, ballast_model::OutputId) {
    let mut site = Site::new();
    let heater = site.contact("heater");
    site.envelope(heater).max_closed = Some(secs(6));
    (site, heater)
}

const WEAK: Authority = Authority::Rule(50);
const STRONG: Authority = Authority::Rule(60);

#[test]
fn a_request_that_had_the_longest_time_does_not_stay_closed_in_the_wake_of_another() {
    for strong in [STRONG, Authority::Operator] {
        let (site, heater) = heater();
        let mut bench = site.bench();
        bench.ask_as(heater, CLOSED, WEAK, 7);
        bench.pass(secs(6));
        assert_eq!(bench.verdict(heater).cause, Cause::MaxClosed);
        bench.ask_as(heater, CLOSED, strong, 8);
        bench.pass(secs(1));
        assert_eq!(bench.is(heater), CLOSED, "a request of its own");
        bench.ask_as(heater, CLOSED, WEAK, 7);
        assert_eq!((bench.is(heater), bench.verdict(heater).cause), (OPEN, Cause::MaxClosed), "{strong:?}");
        bench.pass(secs(60));
        assert_eq!(bench.is(heater), OPEN);
    }
}

#[test]
fn all_requests_that_were_served_must_end_before_it_closes_again() {
    for strong in [STRONG, Authority::Operator] {
        let (site, heater) = heater();
        let mut bench = site.bench();
        // The second one closes it anew, and has its longest time too.
        bench.ask_as(heater, CLOSED, WEAK, 7);
        bench.pass(secs(6));
        bench.ask_as(heater, CLOSED, strong, 8);
        bench.pass(secs(6));
        bench.ask_as(heater, CLOSED, WEAK, 7);
        bench.pass(secs(60));
        assert_eq!(bench.is(heater), OPEN, "{strong:?}: the first one gets a second turn");
        // They share one time: the stronger one takes over from the other while it is closed.
        let mut bench = site.bench();
        bench.ask_as(heater, CLOSED, WEAK, 7);
        bench.pass(secs(3));
        bench.ask_as(heater, CLOSED, strong, 8);
        bench.pass(secs(3));
        assert_eq!(bench.verdict(heater).cause, Cause::MaxClosed);
        bench.ask_as(heater, CLOSED, WEAK, 7);
        bench.pass(secs(60));
        assert_eq!(bench.is(heater), OPEN, "{strong:?}: served for three seconds already");
        // A weaker request wins only when both have ended.
        bench.ask_as(heater, CLOSED, Authority::Rule(1), 6);
        assert_eq!(bench.is(heater), CLOSED);
        bench.ask_as(heater, CLOSED, WEAK, 9);
        bench.pass(secs(5));
        assert_eq!(bench.is(heater), CLOSED);
        bench.pass(secs(1));
        bench.ask_as(heater, OPEN, Authority::Default, 0);
        bench.ask_as(heater, CLOSED, Authority::Rule(1), 10);
        assert_eq!(bench.is(heater), CLOSED, "nobody asked any more: who asks then is new");
    }
}

#[test]
fn more_requests_than_are_remembered_are_all_held_back() {
    let (site, heater) = heater();
    let mut bench = site.bench();
    for request in 1..=20 {
        bench.ask_as(heater, CLOSED, WEAK, 100 + request);
        bench.pass(ms(300));
    }
    assert_eq!(bench.verdict(heater).cause, Cause::MaxClosed);
    for request in 1..=20 {
        bench.ask_as(heater, CLOSED, WEAK, 100 + request);
        assert_eq!(bench.is(heater), OPEN, "the one of {request}");
    }
    bench.ask_as(heater, CLOSED, WEAK, 121);
    assert_eq!(bench.is(heater), CLOSED);
}

#[test]
fn a_default_that_had_its_longest_time_rests_also_behind_others() {
    let (mut site, heater) = heater();
    let envelope = site.envelope(heater);
    (envelope.default, envelope.min_open) = (CLOSED, secs(20));
    let tank = site.point("tank.temperature", "°C", Some(secs(100_000)));
    site.limit("frost", &below("tank.temperature", "5 °C"), &[(heater, CLOSED)]);
    let mut bench = site.bench();
    bench.set(tank, 50.0);
    bench.ask_as(heater, CLOSED, Authority::Default, 0);
    bench.pass(secs(26));
    assert_eq!(bench.verdict(heater).cause, Cause::MaxClosed);
    // A limit closes it while it rests; when it lets go, the rest is not over.
    bench.pass(secs(5));
    bench.set(tank, 2.0);
    assert_eq!(bench.is(heater), CLOSED);
    bench.set(tank, 50.0);
    assert_eq!(bench.is(heater), OPEN);
    bench.pass(ms(19_900));
    assert_eq!(bench.is(heater), OPEN);
    bench.pass(ms(200));
    assert_eq!(bench.is(heater), CLOSED);
}

#[test]
fn who_was_served_the_last_time_it_was_closed_does_not_pay_for_this_time() {
    let (site, heater) = heater();
    let mut bench = site.bench();
    bench.ask_as(heater, CLOSED, WEAK, 7);
    bench.pass(secs(2));
    bench.ask_as(heater, OPEN, STRONG, 8);
    bench.ask_as(heater, CLOSED, STRONG, 9);
    bench.pass(secs(6));
    assert_eq!(bench.verdict(heater).cause, Cause::MaxClosed);
    bench.ask_as(heater, CLOSED, WEAK, 7);
    assert_eq!((bench.is(heater), bench.verdict(heater).cause), (CLOSED, Cause::Asked));
}

#[test]
fn whoever_asks_again_and_again_takes_the_place_of_one() {
    let (site, heater) = heater();
    let mut bench = site.bench();
    for _ in 0..20 {
        bench.ask_as(heater, CLOSED, WEAK, 7);
    }
    bench.pass(secs(6));
    assert_eq!(bench.verdict(heater).cause, Cause::MaxClosed);
    bench.ask_as(heater, CLOSED, WEAK, 5);
    assert_eq!(bench.is(heater), CLOSED, "an earlier request, which was never served");
}

#[test]
fn requests_that_have_ended_take_no_room() {
    let (site, heater) = heater();
    let mut bench = site.bench();
    for request in 3..20 {
        bench.ask_as(heater, CLOSED, STRONG, request);
        bench.pass(secs(6));
        assert_eq!(bench.verdict(heater).cause, Cause::MaxClosed, "{request}");
        // A weaker one wins, and is content with that.
        bench.ask_as(heater, OPEN, WEAK, 2);
    }
    // The weakest has waited behind all of them.
    bench.ask_as(heater, CLOSED, Authority::Rule(1), 1);
    assert_eq!((bench.is(heater), bench.verdict(heater).cause), (CLOSED, Cause::Asked));
}

#[test]
fn a_request_that_had_the_longest_time_does_not_get_it_again_from_a_guard_that_starts_anew() {
    for gap in [Gap::SameBoot(secs(5)), Gap::OtherBoot(secs(500)), Gap::Unknown] {
        let (site, heater) = heater();
        let mut bench = site.bench();
        bench.ask_as(heater, CLOSED, WEAK, 7);
        bench.pass(secs(6));
        assert_eq!(bench.verdict(heater).cause, Cause::MaxClosed);
        bench.restart_at(gap, bench.now.after(secs(5)));
        bench.ask_as(heater, CLOSED, WEAK, 7);
        assert_eq!((bench.is(heater), bench.verdict(heater).cause), (OPEN, Cause::MaxClosed), "{gap:?}");
        bench.ask_as(heater, CLOSED, WEAK, 8);
        assert_eq!(bench.is(heater), CLOSED, "{gap:?}");
    }
}

#[test]
fn a_request_that_had_the_longest_time_may_still_ask_for_open() {
    let (site, heater) = heater();
    let mut bench = site.bench();
    bench.ask_as(heater, CLOSED, WEAK, 7);
    bench.pass(secs(6));
    assert_eq!(bench.verdict(heater).cause, Cause::MaxClosed);
    bench.ask_as(heater, OPEN, WEAK, 7);
    let verdict = bench.verdict(heater);
    assert_eq!((verdict.outcome, verdict.cause), (Outcome::Granted, Cause::Asked), "nothing is kept from it");
}

#[test]
fn a_request_for_open_has_not_had_the_longest_time_that_a_limit_kept_it_closed() {
    let (mut site, heater) = heater();
    let tank = site.point("tank.temperature", "°C", Some(secs(100_000)));
    site.limit("frost", &below("tank.temperature", "5 °C"), &[(heater, CLOSED)]);
    let mut bench = site.bench();
    bench.set(tank, 2.0);
    bench.ask_as(heater, OPEN, WEAK, 7);
    assert_eq!(bench.is(heater), CLOSED);
    bench.pass(secs(7));
    bench.set(tank, 50.0);
    assert_eq!(bench.is(heater), OPEN);
    bench.ask_as(heater, CLOSED, WEAK, 7);
    assert_eq!((bench.is(heater), bench.verdict(heater).cause), (CLOSED, Cause::Asked));
}
