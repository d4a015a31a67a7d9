//! States that never exist together.

mod kit;
use ballast_guard::plan::{Interlock, OutsideChange};
use ballast_guard::{GuardEvent, Input, OperatorCommand};
use ballast_model::intent::Cause;
use ballast_model::time::Gap;
use ballast_model::{Authority, Contact, Mono, OutputId, Wanted};
use kit::*;

fn pair(site: &mut Site) -> (OutputId, OutputId) {
    let (mains, genset) = (site.contact("mains"), site.contact("genset"));
    site.interlock(&[mains, genset], secs(2));
    (mains, genset)
}

#[test]
fn fault_30_of_two_that_are_asked_for_the_second_waits_for_the_first_and_the_dead_time() {
    let mut site = Site::new();
    let (mains, genset) = pair(&mut site);
    let mut bench = site.bench();
    bench.ask(mains, CLOSED);
    assert_eq!(bench.is(mains), OPEN, "what a partner is after a start is not known before its first write");
    bench.pass(secs(2));
    assert_eq!(bench.is(mains), CLOSED);
    bench.ask(genset, CLOSED);
    assert_eq!((bench.is(genset), bench.verdict(genset).cause), (OPEN, Cause::Interlock(0)));
    assert_eq!(
        bench.verdict(genset).next_change,
        None,
        "nobody knows when the other one is not wanted any more"
    );
    bench.ask(mains, OPEN);
    let left = bench.now;
    assert_eq!(bench.verdict(genset).cause, Cause::DeadTime(0));
    assert_eq!(bench.verdict(genset).next_change, Some(left.after(secs(2))));
    bench.pass(ms(1999));
    assert_eq!(bench.is(genset), OPEN);
    bench.pass(ms(1));
    assert_eq!(bench.is(genset), CLOSED);
    assert!(!bench.has(|event| matches!(event, GuardEvent::InterlockActed { .. })), "nobody had to leave");
}

#[test]
fn a_partner_that_did_not_confirm_is_taken_to_be_there() {
    let mut site = Site::new();
    let (mains, genset) = pair(&mut site);
    let mut bench = site.bench();
    bench.ask(mains, CLOSED);
    bench.pass(secs(3));
    bench.broken[mains.index()] = true;
    bench.ask(mains, OPEN);
    bench.ask(genset, CLOSED);
    bench.pass(secs(600));
    assert_eq!((bench.is(mains), bench.is(genset)), (CLOSED, OPEN));
    bench.broken[mains.index()] = false;
    bench.pass(secs(70));
    assert_eq!((bench.is(mains), bench.is(genset)), (OPEN, CLOSED));
}

#[test]
fn a_limit_sends_the_partner_to_safe_first_and_acts_in_any_case() {
    for welded in [false, true] {
        let mut site = Site::new();
        let (mains, genset) = pair(&mut site);
        let hot = site.point("battery.temperature", "°C", Some(secs(3600)));
        site.limit("hot", &above("battery.temperature", "50 °C"), &[(mains, CLOSED)]);
        let mut bench = site.bench();
        bench.set(hot, 20.0);
        bench.pass(secs(3));
        bench.ask(genset, CLOSED);
        assert_eq!(bench.is(genset), CLOSED);
        bench.broken[genset.index()] = welded;
        bench.set(hot, 51.0);
        assert_eq!(bench.is(mains), OPEN);
        assert_eq!(bench.permits.last().unwrap().1, genset, "the partner first");
        assert!(bench.has(|event| *event == GuardEvent::InterlockActed { interlock: 0, output: genset }));
        bench.pass(ms(1999));
        assert_eq!(bench.is(mains), OPEN, "dead times always hold");
        bench.pass(ms(2));
        assert_eq!(bench.is(mains), CLOSED, "welded: {welded}");
        if !welded {
            assert_eq!(bench.is(genset), OPEN);
            bench.ask(genset, CLOSED);
            assert_eq!(bench.verdict(genset).cause, Cause::Interlock(0));
        }
    }
}

#[test]
fn of_two_limits_the_first_in_the_file_gets_its_way() {
    let mut site = Site::new();
    let (mains, genset) = pair(&mut site);
    let a = site.point("a.level", "%", None);
    let b = site.point("b.level", "%", None);
    site.limit("first", &above("a.level", "50 %"), &[(genset, CLOSED)]);
    site.limit("second", &above("b.level", "50 %"), &[(mains, CLOSED)]);
    let mut bench = site.bench();
    bench.set(a, 10.0);
    bench.set(b, 60.0);
    bench.pass(secs(5));
    assert_eq!((bench.is(mains), bench.is(genset)), (CLOSED, OPEN));
    bench.set(a, 60.0);
    assert_eq!(bench.is(mains), OPEN);
    bench.pass(secs(5));
    assert_eq!((bench.is(mains), bench.is(genset)), (OPEN, CLOSED));
    bench.set(a, 10.0);
    bench.pass(secs(5));
    assert_eq!((bench.is(mains), bench.is(genset)), (CLOSED, OPEN));
}

#[test]
fn a_hand_on_the_partner_makes_the_output_leave() {
    let mut site = Site::new();
    let (mains, genset) = pair(&mut site);
    let mut bench = site.bench();
    bench.step(&[]);
    bench.pass(secs(3));
    bench.ask(genset, OPEN);
    bench.ask(mains, CLOSED);
    assert_eq!(bench.is(mains), CLOSED);
    bench.pass(secs(5));
    bench.physical[genset.index()] = Some(CLOSED);
    bench.actual(genset, CLOSED);
    assert_eq!((bench.is(mains), bench.verdict(mains).cause), (OPEN, Cause::Interlock(0)));
}

#[test]
fn a_move_to_safe_sends_the_partner_away_too() {
    let mut site = Site::new();
    let (mains, genset) = pair(&mut site);
    let envelope = site.envelope(mains);
    (envelope.safe, envelope.default, envelope.at_start) = (CLOSED, CLOSED, CLOSED);
    let mut bench = site.bench();
    bench.step(&[]);
    bench.pass(secs(5));
    assert_eq!(bench.is(mains), CLOSED);
    bench.ask_as(mains, OPEN, Authority::Operator, 1);
    bench.pass(secs(5));
    bench.ask_as(genset, CLOSED, Authority::Operator, 2);
    assert_eq!((bench.is(mains), bench.is(genset)), (OPEN, CLOSED));
    bench.operator(OperatorCommand::Now(Some(mains)));
    assert_eq!((bench.is(mains), bench.is(genset)), (OPEN, OPEN));
    bench.pass(secs(2));
    assert_eq!((bench.is(mains), bench.is(genset)), (CLOSED, OPEN));
}

#[test]
fn a_partner_that_is_told_to_be_there_keeps_others_out_wherever_a_hand_put_it() {
    let mut site = Site::new();
    let mains = site.contact("mains");
    let genset = site.contact("genset");
    site.interlock(&[mains, genset], ms(100));
    site.envelope(mains).outside_change = OutsideChange::Correct(3);
    let mut bench = site.bench();
    bench.ask(mains, CLOSED);
    bench.pass(secs(5));
    // Someone opens the mains; they are told to close again two seconds later, or when they can be reached.
    bench.physical[mains.index()] = Some(OPEN);
    bench.broken[mains.index()] = true;
    bench.actual(mains, OPEN);
    bench.pass(ms(200));
    bench.ask(genset, CLOSED);
    assert_eq!((bench.is(genset), bench.verdict(genset).cause), (OPEN, Cause::Interlock(0)));
    bench.step(&[Input::Reach { output: mains, is_there: false }]);
    bench.pass(secs(20));
    assert_eq!((bench.is(genset), bench.verdict(genset).cause), (OPEN, Cause::Interlock(0)));
    bench.broken[mains.index()] = false;
    bench.step(&[Input::Reach { output: mains, is_there: true }]);
    bench.pass(secs(10));
    assert_eq!((bench.is(mains), bench.is(genset)), (CLOSED, OPEN));
    bench.ask(mains, OPEN);
    bench.pass(secs(2));
    assert_eq!((bench.is(mains), bench.is(genset)), (OPEN, CLOSED));
}

#[test]
fn of_three_any_one_that_may_be_there_keeps_the_others_out() {
    let mut site = Site::new();
    let three = ["mains", "genset", "neighbour"].map(|name| site.contact(name));
    site.interlock(&three, secs(2));
    let [mains, genset, neighbour] = three;
    let mut bench = site.bench();
    bench.step(&[]);
    bench.pass(secs(5));
    for (there, asked) in [(mains, genset), (genset, neighbour), (neighbour, mains), (mains, neighbour)] {
        bench.ask(there, CLOSED);
        bench.ask(asked, CLOSED);
        bench.pass(secs(5));
        assert_eq!((bench.is(there), bench.is(asked)), (CLOSED, OPEN));
        bench.ask(asked, OPEN);
        bench.ask(there, OPEN);
        bench.pass(secs(5));
    }
    // Someone closes one beside another: of both that are told, the later one leaves.
    bench.ask(mains, CLOSED);
    bench.physical[neighbour.index()] = Some(CLOSED);
    bench.actual(neighbour, CLOSED);
    assert_eq!(bench.is(mains), OPEN, "the last of three counts too");
}

#[test]
fn one_that_is_safe_in_the_forbidden_state_leaves_it_for_a_limit() {
    let mut site = Site::new();
    let (vent, heater) = pair(&mut site);
    let envelope = site.envelope(vent);
    (envelope.safe, envelope.default, envelope.at_start) = (CLOSED, CLOSED, CLOSED);
    let hot = site.point("battery.temperature", "°C", Some(secs(3600)));
    site.limit("frost", &below("battery.temperature", "0 °C"), &[(heater, CLOSED)]);
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.pass(secs(5));
    assert_eq!((bench.is(vent), bench.is(heater)), (CLOSED, OPEN));
    bench.set(hot, -1.0);
    assert_eq!((bench.is(vent), bench.is(heater)), (OPEN, OPEN), "away, though that is not its safe state");
    bench.pass(secs(2));
    assert_eq!((bench.is(vent), bench.is(heater)), (OPEN, CLOSED));
}

#[test]
fn after_a_start_neither_is_told_to_be_there_before_the_other_is_known_to_be_away() {
    let mut site = Site::new();
    let (mains, genset) = pair(&mut site);
    site.envelope(mains).at_start = CLOSED;
    let mut bench = site.bench();
    bench.broken[genset.index()] = true;
    bench.ask(mains, CLOSED);
    bench.pass(secs(60));
    assert!(bench.permits.iter().all(|(_, _, wanted)| *wanted == OPEN), "{:?}", bench.permits);
    bench.broken[genset.index()] = false;
    bench.pass(secs(70));
    assert_eq!((bench.is(mains), bench.is(genset)), (CLOSED, OPEN));
}

#[test]
fn a_limit_that_wants_both_gets_the_first_and_does_not_go_to_and_fro() {
    let mut site = Site::new();
    let (mains, genset) = pair(&mut site);
    let hot = site.point("battery.temperature", "°C", None);
    site.limit("hot", &above("battery.temperature", "50 °C"), &[(mains, CLOSED), (genset, CLOSED)]);
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.pass(secs(5));
    bench.permits.clear();
    bench.set(hot, 60.0);
    bench.pass(secs(30));
    assert_eq!((bench.is(mains), bench.is(genset)), (CLOSED, OPEN));
    let moves = bench.permits.iter().filter(|(_, output, _)| *output == mains).count();
    assert_eq!(moves, 1, "{:?}", bench.permits);
}

#[test]
fn one_that_has_not_confirmed_yet_makes_way_for_a_hand_on_its_partner_too() {
    let mut site = Site::new();
    let (mains, genset) = pair(&mut site);
    let mut bench = site.bench();
    bench.step(&[]);
    bench.pass(secs(3));
    bench.ask(genset, OPEN);
    bench.broken[mains.index()] = true;
    bench.ask(mains, CLOSED);
    let told = |bench: &Bench| bench.guard.output(mains).map(|state| state.told);
    assert_eq!(told(&bench), Some(CLOSED));
    bench.physical[genset.index()] = Some(CLOSED);
    bench.actual(genset, CLOSED);
    assert_eq!((told(&bench), bench.verdict(mains).cause), (Some(OPEN), Cause::Interlock(0)));
}

#[test]
fn the_dead_time_holds_however_long_a_limit_waited_for_a_stronger_one_to_let_go() {
    for broken in [false, true] {
        let mut site = Site::new();
        let (mains, genset) = pair(&mut site);
        let a = site.point("a.level", "%", None);
        let b = site.point("b.level", "%", None);
        site.limit("first", &above("a.level", "50 %"), &[(genset, CLOSED)]);
        site.limit("second", &above("b.level", "50 %"), &[(mains, CLOSED)]);
        let mut bench = site.bench();
        bench.set(b, 10.0);
        bench.set(a, 60.0);
        bench.pass(secs(5));
        bench.set(b, 60.0);
        bench.pass(secs(100));
        assert_eq!((bench.is(mains), bench.is(genset)), (OPEN, CLOSED));
        bench.broken[genset.index()] = broken;
        bench.set(a, 10.0);
        bench.pass(ms(1_999));
        assert_eq!(bench.is(mains), OPEN, "broken: {broken}");
        bench.pass(ms(2));
        assert_eq!(bench.is(mains), CLOSED, "broken: {broken}");
    }
}

#[test]
fn when_a_limit_gets_its_way_is_said_once_its_partner_was_told_to_leave() {
    let mut site = Site::new();
    let (mains, genset) = pair(&mut site);
    let hot = site.point("battery.temperature", "°C", Some(secs(3600)));
    site.limit("hot", &above("battery.temperature", "50 °C"), &[(mains, CLOSED)]);
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.pass(secs(3));
    bench.ask(genset, CLOSED);
    bench.broken[genset.index()] = true;
    bench.set(hot, 51.0);
    let verdict = bench.verdict(mains);
    assert_eq!((verdict.cause, verdict.next_change), (Cause::Interlock(0), Some(bench.now.after(secs(2)))));
    let reviews = bench.guard.counters().reviews;
    bench.pass_in_silence(ms(1_990));
    assert!(bench.guard.counters().reviews < reviews + 20, "it waits, and does not look all the time");
}

#[test]
fn one_that_is_safe_in_the_forbidden_state_is_kept_out_of_it_before_its_partner_is_known_to_be_away() {
    let mut site = Site::new();
    let (vent, heater) = pair(&mut site);
    let envelope = site.envelope(vent);
    (envelope.safe, envelope.default, envelope.at_start) = (CLOSED, CLOSED, CLOSED);
    let mut bench = site.bench();
    bench.broken[heater.index()] = true;
    bench.ask(heater, OPEN);
    bench.pass(secs(60));
    assert!(bench.permits.iter().all(|(_, _, wanted)| *wanted == OPEN), "{:?}", bench.permits);
    bench.broken[heater.index()] = false;
    bench.pass(secs(70));
    assert_eq!((bench.is(vent), bench.is(heater)), (CLOSED, OPEN));
}

#[test]
fn what_is_known_to_be_there_before_and_after_a_restart_does_not_leave_for_its_partner() {
    let mut site = Site::new();
    let (mains, genset) = pair(&mut site);
    site.envelope(mains).at_start = CLOSED;
    let mut bench = site.bench();
    bench.ask(mains, CLOSED);
    bench.pass(secs(5));
    assert_eq!((bench.is(mains), bench.is(genset)), (CLOSED, OPEN));
    bench.permits.clear();
    bench.restart_at(Gap::SameBoot(secs(1)), bench.now.after(secs(1)));
    bench.pass(secs(2));
    let told = |output: OutputId| bench.permits.iter().filter(move |(_, id, _)| *id == output);
    assert!(
        told(mains).count() > 0 && told(mains).all(|(_, _, wanted)| *wanted == CLOSED),
        "{:?}",
        bench.permits
    );
}

#[test]
fn of_two_that_are_both_safe_in_the_forbidden_state_the_first_gets_there() {
    let mut site = Site::new();
    let (mains, genset) = pair(&mut site);
    for output in [mains, genset] {
        let envelope = site.envelope(output);
        (envelope.safe, envelope.default, envelope.at_start) = (CLOSED, CLOSED, CLOSED);
    }
    let mut bench = site.bench();
    bench.step(&[]);
    bench.pass(secs(5));
    assert_eq!((bench.is(mains), bench.is(genset)), (CLOSED, OPEN));
    bench.operator(OperatorCommand::Now(None));
    bench.pass(secs(60));
    assert_eq!((bench.is(mains), bench.is(genset)), (CLOSED, OPEN));
}

/// A device that says again and again where it is has not left again: its partner waits for the dead time and no longer.
#[test]
fn the_dead_time_counts_from_the_moment_at_which_a_partner_left_either_state() {
    for never in [Contact::Closed, Contact::Open] {
        let mut site = Site::new();
        let (burner, vent) = (site.contact("burner"), site.contact("vent"));
        let (there, away) = (Wanted::Contact(never), Wanted::Contact(never.other()));
        let envelope = site.envelope(vent);
        (envelope.safe, envelope.at_start, envelope.default) = (away, away, away);
        let members = vec![(burner, Contact::Closed), (vent, never)];
        site.set.interlocks.push(Interlock { members, dead_time: secs(2) });
        let mut bench = site.bench();
        bench.step(&[]);
        bench.settle();
        bench.pass(secs(10));
        bench.ask(vent, there);
        bench.pass(secs(10));
        assert_eq!(bench.is(vent), there);
        bench.ask(burner, CLOSED);
        bench.ask(vent, away);
        for _ in 0..3 {
            bench.pass(ms(500));
            bench.actual(vent, away);
            assert_eq!(
                (bench.is(burner), bench.verdict(burner).cause),
                (OPEN, Cause::DeadTime(0)),
                "{never:?}"
            );
        }
        bench.pass(ms(499));
        assert_eq!(bench.is(burner), OPEN, "{never:?}");
        bench.pass(ms(1));
        assert_eq!(bench.is(burner), CLOSED, "{never:?}");
    }
}

/// Its envelope leaves what a hand did to a person; a limit that claims the state does not.
#[test]
fn a_limit_sends_a_partner_away_that_a_hand_put_there() {
    for welded in [false, true] {
        let mut site = Site::new();
        let (mains, genset) = pair(&mut site);
        site.envelope(genset).outside_change = OutsideChange::Alarm;
        let hot = site.point("battery.temperature", "°C", Some(secs(3600)));
        site.limit("hot", &above("battery.temperature", "50 °C"), &[(mains, CLOSED)]);
        let mut bench = site.bench();
        bench.set(hot, 20.0);
        bench.ask(genset, OPEN);
        bench.ask(mains, OPEN);
        bench.pass(secs(10));
        bench.physical[genset.index()] = Some(CLOSED);
        bench.actual(genset, CLOSED);
        bench.pass(secs(10));
        assert_eq!(bench.is(genset), CLOSED, "it is left to a person");
        bench.welded[genset.index()] = welded;
        bench.set(hot, 51.0);
        let begun = bench.now;
        assert_eq!(bench.is(mains), OPEN, "welded: {welded}");
        let is_sent_away = |(at, output, wanted): &(Mono, OutputId, Wanted)| {
            *output == genset && *wanted == OPEN && *at >= begun
        };
        assert!(bench.permits.iter().any(is_sent_away), "welded: {welded}");
        if !welded {
            bench.actual(genset, OPEN);
            assert_eq!(bench.is(genset), OPEN);
        }
        bench.pass(ms(1_990));
        assert_eq!(bench.is(mains), OPEN, "the dead time, welded: {welded}");
        bench.pass(secs(1));
        assert_eq!(bench.is(mains), CLOSED, "a limit acts in any case, welded: {welded}");
        if !welded {
            bench.pass(secs(20));
            assert_eq!((bench.is(mains), bench.is(genset)), (CLOSED, OPEN));
        }
    }
}

/// Only what leads to safe, or what a limit forces, sends a partner away. How an output shall be at the start is neither.
#[test]
fn an_output_that_starts_in_the_forbidden_state_waits_its_turn() {
    let mut site = Site::new();
    let (mains, genset) = pair(&mut site);
    site.envelope(mains).at_start = CLOSED;
    let hot = site.point("battery.temperature", "°C", Some(secs(3600)));
    site.limit("hot", &above("battery.temperature", "50 °C"), &[(mains, OPEN)]);
    let mut bench = site.bench();
    bench.broken[genset.index()] = true;
    bench.step(&[]);
    bench.settle();
    assert_eq!((bench.is(mains), bench.verdict(mains).cause), (OPEN, Cause::Interlock(0)));
    bench.ask(genset, CLOSED);
    bench.pass(ms(2_500));
    let told = bench.guard.output(genset).expect("it is there").told;
    assert_eq!((bench.is(mains), told), (OPEN, CLOSED), "it was asked, and its partner is away");
    bench.set(hot, 20.0);
    bench.broken[genset.index()] = false;
    bench.pass(secs(70));
    assert_eq!((bench.is(mains), bench.is(genset)), (OPEN, CLOSED));
}
