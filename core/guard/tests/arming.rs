//! A device that was found is told nothing until a person armed it; arming and disarming tell it nothing either.

#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod kit;
use ballast_guard::plan::OutsideChange;
use ballast_guard::{GuardEvent, Input, Left, OperatorCommand, ResetWhat};
use ballast_model::intent::Cause;
use ballast_model::time::Gap;
use ballast_model::{Authority, Outcome, OutputId};
use kit::*;
use std::sync::Arc;

/// A site with a pump that was found.
fn found() -> (Site, OutputId) {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.envelope(pump).by_hand = true;
    (site, pump)
}

fn arm(bench: &mut Bench, output: OutputId) {
    bench.operator(OperatorCommand::Arm(output));
}

fn disarm(bench: &mut Bench, output: OutputId, as_it_is: bool) {
    bench.operator(OperatorCommand::Disarm { output, as_it_is });
}

/// What was known of the output that was disarmed last.
fn disarmed(bench: &Bench) -> Option<Left> {
    bench.events.iter().rev().find_map(|event| match event {
        GuardEvent::Disarmed { left, .. } => Some(*left),
        _ => None,
    })
}

/// What stood against it when arming or disarming was last refused.
fn refused(bench: &Bench) -> Option<Cause> {
    bench.events.iter().rev().find_map(|event| match event {
        GuardEvent::ArmRefused { cause, .. } | GuardEvent::DisarmRefused { cause, .. } => Some(*cause),
        _ => None,
    })
}

fn restart(bench: &mut Bench, gap: Gap) {
    bench.restart_at(gap, bench.now.after(secs(5)));
}

#[test]
fn nothing_at_all_is_told_to_a_device_that_nobody_armed() {
    let (mut site, pump) = found();
    let heat = site.point("room.temperature", "degC", Some(secs(10)));
    site.limit("too hot", &above("room.temperature", "30 °C"), &[(pump, CLOSED)]);
    site.envelope(pump).refresh = Some(secs(30));
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    bench.set(heat, 20.0);
    bench.ask(pump, CLOSED);
    let verdict = bench.verdict(pump);
    assert_eq!((verdict.outcome, verdict.cause, verdict.asked), (Outcome::Held, Cause::NotArmed, CLOSED));
    bench.actual(pump, CLOSED);
    bench.operator(OperatorCommand::Now(None));
    bench.set(heat, 40.0);
    bench.pass(secs(60));
    bench.step(&[Input::Reach { output: pump, is_there: false }]);
    bench.step(&[Input::Reach { output: pump, is_there: true }]);
    bench.guard.tell_again();
    bench.pass_in_silence(secs(200));
    bench.step(&[Input::Stop]);
    bench.settle();
    assert_eq!(bench.permits, [], "a request, now, a limit, a lease, a stop");
    assert_eq!(bench.verdict(pump).cause, Cause::NotArmed);
}

#[test]
fn arming_moves_nothing_and_the_next_request_does() {
    let (site, pump) = found();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, CLOSED);
    arm(&mut bench, pump);
    bench.pass(secs(120));
    assert_eq!(bench.permits, [], "what stood when it was armed is not carried out");
    assert_eq!(bench.verdict(pump).cause, Cause::JustArmed);
    assert!(bench.has(|event| matches!(event, GuardEvent::Armed { output, .. } if *output == pump)));
    bench.ask(pump, CLOSED);
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (CLOSED, Cause::Asked));
    arm(&mut bench, pump);
    assert_eq!(refused(&bench), Some(Cause::Asked), "it is armed already");
    assert_eq!(bench.is(pump), CLOSED);
}

#[test]
fn the_end_of_what_stood_is_carried_out_too() {
    let (site, pump) = found();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, CLOSED);
    arm(&mut bench, pump);
    bench.ask_as(pump, OPEN, Authority::Default, 0);
    assert_eq!(bench.is(pump), OPEN);
}

#[test]
fn an_armed_output_that_was_told_nothing_yet_is_guarded() {
    let (mut site, pump) = found();
    let heat = site.point("room.temperature", "degC", Some(secs(1000)));
    site.limit("too hot", &above("room.temperature", "30 °C"), &[(pump, OPEN)]);
    let mut bench = site.bench();
    bench.step(&[]);
    bench.set(heat, 20.0);
    bench.ask(pump, CLOSED);
    bench.actual(pump, CLOSED);
    arm(&mut bench, pump);
    assert_eq!(bench.permits, []);
    bench.set(heat, 40.0);
    let told: Vec<_> = bench.permits.iter().map(|(_, _, wanted)| *wanted).collect();
    assert_eq!(told, [OPEN], "the limit acts");
    bench.actual(pump, OPEN);
    bench.set(heat, 20.0);
    bench.pass(secs(120));
    assert_eq!(
        bench.is(pump),
        OPEN,
        "what stood when it was armed is not carried out after the limit either"
    );
    assert_eq!(bench.verdict(pump).cause, Cause::JustArmed);
    bench.ask(pump, CLOSED);
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (CLOSED, Cause::Asked));
    let mut silent = site.bench();
    silent.step(&[]);
    silent.set(heat, 20.0);
    silent.ask(pump, CLOSED);
    arm(&mut silent, pump);
    silent.pass_in_silence(secs(5));
    assert_eq!(silent.is(pump), OPEN, "silence leads to safe");
}

#[test]
fn what_the_guard_would_move_at_once_is_not_armed() {
    let (mut site, pump) = found();
    let heat = site.point("room.temperature", "degC", Some(secs(1000)));
    let limit = site.limit("too hot", &above("room.temperature", "30 °C"), &[(pump, OPEN)]);
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    assert_eq!(bench.guard.against_arming(pump), Some(Cause::AtStart), "the program has not spoken");
    bench.ask(pump, CLOSED);
    assert!(bench.guard.against_arming(pump).is_some(), "nobody knows the room");
    bench.set(heat, 20.0);
    bench.set(heat, 40.0);
    arm(&mut bench, pump);
    assert_eq!(refused(&bench), Some(Cause::Limit(limit)));
    bench.set(heat, 20.0);
    bench.operator(OperatorCommand::Now(Some(pump)));
    arm(&mut bench, pump);
    assert_eq!(refused(&bench), Some(Cause::OperatorNow));
    bench.operator(OperatorCommand::Reset(ResetWhat::Output(pump)));
    assert_eq!(bench.guard.against_arming(pump), None);
    arm(&mut bench, pump);
    assert_eq!((bench.permits.len(), bench.verdict(pump).cause), (0, Cause::JustArmed));
}

#[test]
fn disarming_moves_nothing_and_wants_the_output_safe() {
    let (mut site, pump) = found();
    site.envelope(pump).refresh = Some(secs(10));
    let mut bench = site.bench();
    bench.step(&[]);
    disarm(&mut bench, pump, false);
    assert_eq!(refused(&bench), Some(Cause::NotArmed));
    bench.ask(pump, OPEN);
    arm(&mut bench, pump);
    bench.ask(pump, CLOSED);
    let before = bench.permits.len();
    disarm(&mut bench, pump, false);
    assert_eq!(refused(&bench), Some(Cause::Asked), "nobody would open it any more");
    disarm(&mut bench, pump, true);
    let left = Left { told: Some(CLOSED), says: None, is_safe: false };
    assert_eq!(disarmed(&bench), Some(left));
    bench.ask(pump, OPEN);
    bench.pass(secs(60));
    bench.pass_in_silence(secs(60));
    assert_eq!((bench.permits.len(), bench.is(pump)), (before, CLOSED), "left as it is");
    // Armed again: again nothing is told before something is asked.
    bench.hello();
    bench.ask(pump, OPEN);
    arm(&mut bench, pump);
    assert_eq!(bench.permits.len(), before);
    bench.ask(pump, OPEN);
    assert_eq!(bench.is(pump), OPEN);
    disarm(&mut bench, pump, false);
    assert_eq!(disarmed(&bench), Some(Left { told: Some(OPEN), says: None, is_safe: true }));
    arm(&mut bench, pump);
    disarm(&mut bench, pump, false);
    assert_eq!(disarmed(&bench), Some(Left { told: None, says: None, is_safe: false }), "it was only armed");
}

#[test]
fn what_the_device_said_is_known_after_disarming_too() {
    let (site, pump) = found();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, OPEN);
    arm(&mut bench, pump);
    bench.ask(pump, CLOSED);
    bench.actual(pump, CLOSED);
    disarm(&mut bench, pump, true);
    assert_eq!(disarmed(&bench), Some(Left { told: Some(CLOSED), says: Some(CLOSED), is_safe: false }));
    let state = bench.guard.output(pump).unwrap();
    assert_eq!((state.confirmed, state.outside.actual), (Some(CLOSED), Some(CLOSED)));
    assert_eq!((bench.verdict(pump).state, bench.verdict(pump).cause), (CLOSED, Cause::NotArmed));
    // A hand moves it, later on: that is known as well.
    bench.actual(pump, OPEN);
    assert_eq!(bench.guard.output(pump).unwrap().confirmed, Some(OPEN));
    // Where the device said something else than it was told, what it says is what it is.
    arm(&mut bench, pump);
    bench.ask(pump, CLOSED);
    bench.actual(pump, OPEN);
    disarm(&mut bench, pump, true);
    assert_eq!(disarmed(&bench), Some(Left { told: Some(CLOSED), says: Some(OPEN), is_safe: false }));
    assert_eq!((bench.verdict(pump).state, bench.guard.output(pump).unwrap().confirmed), (OPEN, Some(OPEN)));
}

#[test]
fn what_only_the_bus_confirmed_is_not_known_after_disarming() {
    let (site, pump) = found();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, CLOSED);
    arm(&mut bench, pump);
    bench.ask(pump, OPEN);
    assert_eq!(bench.guard.output(pump).unwrap().confirmed, Some(OPEN));
    disarm(&mut bench, pump, false);
    assert_eq!(bench.guard.output(pump).unwrap().confirmed, None);
}

#[test]
fn a_first_word_of_the_device_is_answered_also_where_nothing_changes() {
    let (site, pump) = found();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, CLOSED);
    assert_eq!((bench.verdict(pump).state, bench.guard.output(pump).unwrap().confirmed), (OPEN, None));
    let before = bench.answers.len();
    bench.actual(pump, OPEN);
    assert_eq!((bench.verdict(pump).state, bench.answers.len()), (OPEN, before + 1));
    bench.actual(pump, OPEN);
    assert_eq!(bench.answers.len(), before + 1, "said again it is no news");
}

#[test]
fn a_device_of_the_site_is_armed_and_stays_so() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, CLOSED);
    assert_eq!(bench.is(pump), CLOSED);
    disarm(&mut bench, pump, true);
    assert_eq!(refused(&bench), Some(Cause::NotAllowed));
    arm(&mut bench, pump);
    assert_eq!(refused(&bench), Some(Cause::Asked));
    assert_eq!(bench.is(pump), CLOSED);
}

#[test]
fn the_word_of_a_person_survives_every_kind_of_restart() {
    for gap in [Gap::SameBoot(secs(5)), Gap::OtherBoot(secs(500)), Gap::Unknown] {
        let (site, pump) = found();
        let mut bench = site.bench();
        bench.step(&[]);
        restart(&mut bench, gap);
        bench.ask(pump, CLOSED);
        assert_eq!((bench.permits.len(), bench.verdict(pump).cause), (0, Cause::NotArmed), "{gap:?}");
        arm(&mut bench, pump);
        bench.ask(pump, OPEN);
        restart(&mut bench, gap);
        bench.ask(pump, CLOSED);
        assert_eq!(bench.is(pump), CLOSED, "{gap:?}");
        disarm(&mut bench, pump, true);
        let before = bench.permits.len();
        restart(&mut bench, gap);
        bench.ask(pump, OPEN);
        assert_eq!((bench.permits.len(), bench.verdict(pump).cause), (before, Cause::NotArmed), "{gap:?}");
    }
}

#[test]
fn a_restart_drives_what_is_armed_to_its_start() {
    let (site, pump) = found();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, CLOSED);
    arm(&mut bench, pump);
    restart(&mut bench, Gap::SameBoot(secs(5)));
    assert_eq!(bench.is(pump), OPEN, "it is armed, and a start is a start");
}

#[test]
fn what_stood_when_it_was_armed_is_not_carried_out_after_a_stop_and_a_restart_either() {
    for is_stopped in [true, false] {
        let (site, pump) = found();
        let mut bench = site.bench();
        bench.step(&[]);
        bench.ask(pump, CLOSED);
        let asked = bench.guard.output(pump).unwrap().request;
        arm(&mut bench, pump);
        if is_stopped {
            bench.step(&[Input::Stop]);
            bench.settle();
            assert_eq!(bench.is(pump), OPEN, "the end of the program leads to safe");
        }
        restart(&mut bench, Gap::SameBoot(secs(5)));
        bench.ask_as(pump, CLOSED, Authority::Rule(50), asked);
        bench.pass(secs(120));
        assert_eq!(bench.is(pump), OPEN, "stopped {is_stopped}");
        assert_eq!(bench.verdict(pump).cause, Cause::JustArmed);
        bench.ask_as(pump, CLOSED, Authority::Rule(50), asked + 1);
        assert_eq!(bench.is(pump), CLOSED);
    }
}

/// Puts another set in force; gives what it would loosen.
fn replace(bench: &mut Bench, site: &Site, confirmed: bool) -> Vec<&'static str> {
    let mut set = site.set.clone();
    set.fingerprint += 1;
    bench.set = set.clone();
    let replaced = bench.guard.replace(Arc::clone(&bench.catalog), set, confirmed, bench.now);
    bench.out = Vec::with_capacity(bench.guard.output_capacity());
    bench.step(&[]);
    bench.settle();
    replaced.loosenings.iter().map(|loosening| loosening.key).collect()
}

#[test]
fn writing_that_it_is_always_armed_waits_for_a_person() {
    let (mut site, pump) = found();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, CLOSED);
    site.envelope(pump).by_hand = false;
    assert_eq!(replace(&mut bench, &site, false), ["armed"]);
    bench.pass(secs(5));
    assert_eq!((bench.permits.len(), bench.verdict(pump).cause), (0, Cause::NotArmed));
    replace(&mut bench, &site, true);
    assert_eq!(bench.is(pump), CLOSED, "a person confirmed it");
    // The other way round changes nothing: what is in service stays so until it is disarmed.
    site.envelope(pump).by_hand = true;
    assert_eq!(replace(&mut bench, &site, false), [""; 0]);
    bench.ask(pump, OPEN);
    assert_eq!(bench.is(pump), OPEN);
    disarm(&mut bench, pump, false);
    bench.ask(pump, CLOSED);
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::NotArmed));
}

#[test]
fn a_reload_keeps_who_is_armed_and_what_stood_then() {
    let (mut site, pump) = found();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, CLOSED);
    arm(&mut bench, pump);
    site.envelope(pump).min_open = secs(1);
    replace(&mut bench, &site, false);
    bench.pass(secs(10));
    assert_eq!((bench.permits.len(), bench.verdict(pump).cause), (0, Cause::JustArmed));
    bench.ask(pump, CLOSED);
    assert_eq!(bench.is(pump), CLOSED);
}

#[test]
fn what_the_device_says_is_what_it_is_until_it_is_told_something() {
    let (mut site, pump) = found();
    site.envelope(pump).outside_change = OutsideChange::Correct(3);
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, OPEN);
    bench.actual(pump, CLOSED);
    assert_eq!(bench.verdict(pump).state, CLOSED);
    arm(&mut bench, pump);
    bench.actual(pump, OPEN);
    bench.pass(secs(10));
    assert_eq!((bench.verdict(pump).state, bench.permits.len()), (OPEN, 0));
    assert!(!bench.has(|event| matches!(event, GuardEvent::OutsideChange { .. })), "nobody is corrected");
    let when = |bench: &Bench| bench.guard.output(pump).unwrap().switched_at;
    assert_eq!(when(&bench), bench.now.before(secs(10)), "minimum times count from what was seen");
}

/// Two contacts that never close together; the first one was found.
fn pair() -> (Site, OutputId, OutputId) {
    let (mut site, mains) = found();
    let genset = site.contact("genset");
    site.interlock(&[mains, genset], ms(100));
    (site, mains, genset)
}

#[test]
fn nobody_stands_beside_a_contact_that_may_be_anywhere() {
    let (site, mains, genset) = pair();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(genset, CLOSED);
    bench.pass(secs(1));
    assert_eq!((bench.is(genset), bench.verdict(genset).cause), (OPEN, Cause::Interlock(0)));
    bench.actual(mains, OPEN);
    bench.pass(secs(1));
    assert_eq!(bench.is(genset), CLOSED, "its device says that it is open");
    // A hand closes it: who can be told leaves.
    bench.actual(mains, CLOSED);
    bench.pass(secs(1));
    assert_eq!((bench.is(genset), bench.verdict(genset).cause), (OPEN, Cause::Interlock(0)));
    assert!(bench.permits.iter().all(|(_, output, _)| *output == genset));
}

#[test]
fn a_contact_that_was_disarmed_may_be_anywhere() {
    let (site, mains, genset) = pair();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(mains, OPEN);
    arm(&mut bench, mains);
    bench.ask(mains, OPEN);
    disarm(&mut bench, mains, false);
    bench.ask(genset, CLOSED);
    bench.pass(secs(1));
    assert_eq!(bench.verdict(genset).cause, Cause::Interlock(0));
}

#[test]
fn a_contact_that_was_disarmed_is_where_its_device_says() {
    // Nothing is under way to it: what its device said still holds, and a partner may take its place.
    let (site, mains, genset) = pair();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(mains, OPEN);
    arm(&mut bench, mains);
    bench.ask(mains, CLOSED);
    bench.ask(mains, OPEN);
    bench.actual(mains, OPEN);
    disarm(&mut bench, mains, false);
    bench.ask(genset, CLOSED);
    assert_eq!(bench.is(genset), OPEN, "the dead time is kept");
    bench.pass(secs(1));
    assert_eq!(bench.is(genset), CLOSED);
    bench.ask(genset, OPEN);
    bench.pass(secs(1));
    // A command that may still arrive: the device said open before it.
    arm(&mut bench, mains);
    bench.ask(mains, OPEN);
    bench.broken[mains.index()] = true;
    bench.ask(mains, CLOSED);
    bench.actual(mains, OPEN);
    disarm(&mut bench, mains, true);
    bench.ask(genset, CLOSED);
    bench.pass(secs(1));
    assert_eq!((bench.is(genset), bench.verdict(genset).cause), (OPEN, Cause::Interlock(0)));
}

#[test]
fn a_load_that_nobody_armed_is_neither_cut_nor_given_back() {
    let (mut site, load) = found();
    let frequency = site.point("grid.frequency", "Hz", Some(secs(1000)));
    let other = site.contact("other");
    for output in [load, other] {
        site.envelope(output).default = CLOSED;
    }
    site.shedding(&[frequency], &[(load, "homes", 1000.0), (other, "homes", 1000.0)]).stages.push(
        ballast_guard::plan::Stage {
            below: num(49.5),
            hold: ms(60),
            share: num(50.0),
            from: vec!["homes".into()],
        },
    );
    let mut bench = site.bench();
    bench.step(&[]);
    bench.set(frequency, 50.0);
    bench.ask(load, CLOSED);
    assert!(!bench.verdict(load).awaits_restoration, "nobody cut it");
    bench.actual(load, CLOSED);
    bench.give_back(other);
    bench.pass(secs(20));
    assert_eq!(bench.is(other), CLOSED);
    bench.set(frequency, 49.0);
    bench.pass(secs(1));
    assert_eq!(bench.is(other), OPEN, "the stage takes one that can be told");
    assert!(!bench.verdict(load).awaits_restoration);
    assert!(bench.permits.iter().all(|(_, output, _)| *output == other));
    assert_eq!(bench.guard.against_arming(load), None);
    restart(&mut bench, Gap::Unknown);
    assert!(!bench.verdict(load).awaits_restoration && bench.verdict(other).awaits_restoration);
}

#[test]
fn a_lost_write_is_not_repeated_after_disarming() {
    let (site, pump) = found();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, OPEN);
    arm(&mut bench, pump);
    bench.broken[0] = true;
    bench.ask(pump, CLOSED);
    disarm(&mut bench, pump, true);
    let before = bench.permits.len();
    bench.pass(secs(60));
    assert_eq!(bench.permits.len(), before);
    assert_eq!(bench.verdict(pump).cause, Cause::NotArmed, "and not unreachable");
}

#[test]
fn a_permit_is_never_made_for_an_output_that_is_not_armed() {
    // Whatever is thrown at it, in any order: steps of a small generator, always the same ones.
    let (mut site, pump) = found();
    let heat = site.point("room.temperature", "degC", Some(secs(4)));
    site.limit("too hot", &above("room.temperature", "30 °C"), &[(pump, CLOSED)]);
    site.envelope(pump).refresh = Some(secs(1));
    let partner = site.contact("partner");
    site.interlock(&[pump, partner], ms(50));
    let mut bench = site.bench();
    let mut draw = 7_u64;
    let mut armed = 0;
    for _ in 0..4000 {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wanted = if draw & 1 << 40 == 0 { OPEN } else { CLOSED };
        let is_armed = bench.guard.output(pump).unwrap().arming != ballast_guard::state::Arming::Not;
        let before = bench.permits.iter().filter(|(_, output, _)| *output == pump).count();
        let (now, disarms) = (bench.now, (draw >> 33) % 12 == 9);
        match (draw >> 33) % 12 {
            0 | 1 => bench.ask(pump, wanted),
            2 => bench.ask(partner, wanted),
            3 => bench.set(heat, if wanted == OPEN { 20.0 } else { 40.0 }),
            4 => bench.actual(pump, wanted),
            5 => bench.operator(OperatorCommand::Now(None)),
            6 => bench.operator(OperatorCommand::Reset(ResetWhat::All)),
            7 => bench.pass(secs(1 + (draw >> 50) % 3)),
            8 => arm(&mut bench, pump),
            9 => disarm(&mut bench, pump, wanted == OPEN),
            10 => bench.pass_in_silence(secs(4)),
            _ => restart(&mut bench, Gap::SameBoot(secs(5))),
        }
        let after = bench.permits.iter().filter(|(_, output, _)| *output == pump).count();
        let arms = (draw >> 33) % 12 == 8;
        assert!(after == before || is_armed && !disarms && !arms, "{now:?}: {draw}");
        armed += usize::from(is_armed && after > before);
    }
    assert!(armed > 20, "the generator arms it and moves it: {armed}");
}

#[test]
fn an_answer_that_comes_after_it_was_disarmed_says_nothing() {
    let (mut site, pump) = found();
    let partner = site.contact("partner");
    site.interlock(&[pump, partner], secs(1));
    let mut bench = site.bench();
    bench.step(&[]);
    bench.ask(pump, CLOSED);
    arm(&mut bench, pump);
    bench.lost[pump.index()] = true;
    bench.ask(pump, OPEN);
    disarm(&mut bench, pump, true);
    let counter = bench.guard.output(pump).unwrap().counter;
    bench.step(&[Input::Written { output: pump, counter, ok: true }]);
    bench.ask(partner, CLOSED);
    bench.pass(secs(5));
    assert_eq!(bench.guard.output(pump).unwrap().confirmed, None, "whoever it belongs to may have moved it");
    assert_eq!((bench.is(partner), bench.verdict(partner).cause), (OPEN, Cause::Interlock(0)));
}
