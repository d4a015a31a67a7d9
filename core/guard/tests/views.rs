//! What others may read of the guard is what it holds: for explanations, pages and metrics.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod kit;
use ballast_guard::plan::Strength;
use ballast_guard::{GuardEvent, Input, Left, OperatorCommand, Stale, Who};
use ballast_model::catalog::{Kind, Origin, PointSpec};
use ballast_model::frame::Message;
use ballast_model::intent::Cause;
use ballast_model::{Mono, OutputId, PointId, Unit};
use kit::*;
use std::sync::Arc;

#[test]
fn strength_catalog_and_set_are_those_in_force() {
    let mut site = Site::new();
    let [mains, charger] = ["mains", "charger"].map(|name| site.contact(name));
    site.envelope(mains).strength = Strength::Wired;
    site.envelope(charger).strength = Strength::Timed;
    let bench = site.bench();
    assert_eq!(bench.guard.strength(mains), Some(Strength::Wired));
    assert_eq!(bench.guard.strength(charger), Some(Strength::Timed));
    assert_eq!(bench.guard.strength(OutputId(9)), None);
    assert_eq!(bench.guard.catalog().outputs, bench.catalog.outputs);
    assert_eq!(bench.guard.safety_set(), &bench.set);
    let words = [Strength::Soft, Strength::Timed, Strength::Wired].map(Strength::word);
    assert_eq!(words, ["soft", "timed", "wired"]);
}

#[test]
fn the_points_that_matter_are_named_and_those_that_only_the_program_can_tell_apart() {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let hot = site.point("battery.temperature", "°C", Some(secs(30)));
    let idle = site.point("shed.temperature", "°C", Some(secs(30)));
    let kind = Kind::Number(Unit::parse("W").unwrap());
    let surplus = site.catalog.add_point(PointSpec::new("surplus", kind, Origin::Derived)).unwrap();
    site.limit("hot", &above("battery.temperature", "50 °C"), &[(charger, OPEN)]);
    site.limit("too little", &below("surplus", "10 W"), &[(charger, OPEN)]);
    let bench = site.bench();
    let reads = [hot, idle, surplus, PointId(99)].map(|point| bench.guard.reads(point));
    assert_eq!(reads, [true, false, true, false]);
    assert_eq!(bench.guard.reported(), [surplus]);
}

#[test]
fn loads_that_wait_are_listed_until_they_were_given_back() {
    let mut site = Site::new();
    let homes = ["north", "south", "east"].map(|name| site.contact(name));
    let frequency = site.point("feeder.frequency", "Hz", Some(secs(600)));
    site.shedding(&[frequency], &homes.map(|home| (home, "homes", 1000.0)));
    let mut bench = site.bench();
    bench.set(frequency, 50.0);
    bench.hello();
    let waiting = |bench: &Bench| bench.guard.awaiting_restoration().collect::<Vec<_>>();
    assert_eq!(waiting(&bench), homes);
    bench.give_back(homes[1]);
    assert_eq!(waiting(&bench), [homes[0], homes[2]]);
}

#[test]
fn the_next_wake_up_is_the_one_that_a_step_asked_for() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    assert_eq!(bench.guard.next_wake(), bench.next);
    assert_eq!(bench.next, bench.now.after(secs(3)), "when its word ends");
    bench.pass_in_silence(secs(10));
    assert_eq!(bench.guard.next_wake(), Mono::MAX, "safe and confirmed: nothing is due");
}

#[test]
fn totals_count_what_happened() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let hot = site.point("battery.temperature", "°C", Some(secs(600)));
    site.limit("hot", &above("battery.temperature", "50 °C"), &[(pump, OPEN)]);
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    let begin = *bench.guard.counters();
    bench.ask(pump, CLOSED);
    let asked = *bench.guard.counters();
    assert_eq!((asked.frames - begin.frames, asked.permits - begin.permits), (2, 1), "hello and a request");
    assert_eq!((asked.interventions, asked.refused_frames), (begin.interventions, 0));
    bench.set(hot, 60.0);
    bench.set(hot, 61.0);
    let forced = *bench.guard.counters();
    assert_eq!((forced.interventions - asked.interventions, forced.permits - asked.permits), (1, 1));
    bench.counter += 1;
    let skipped = bench.frame(Message::Renew);
    bench.step(&[skipped]);
    let refused = *bench.guard.counters();
    assert_eq!((refused.refused_frames, refused.frames), (1, forced.frames));
    assert_eq!(refused.dropped_events, 0);
}

#[test]
fn what_is_lost_for_want_of_room_is_counted_and_said_once_there_is_room() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    let command = OperatorCommand::Now(Some(pump));
    let many = vec![Input::Operator { who: Who::new("someone"), command }; 40];
    let mut out = Vec::with_capacity(16);
    bench.guard.step(bench.now, &many, &mut out);
    let dropped = bench.guard.counters().dropped_events;
    assert!(out.len() <= 16 && dropped >= 25, "{dropped} of 40");
    bench.events.clear();
    bench.step(&[]);
    assert!(
        bench.has(|event| *event == GuardEvent::Dropped { events: dropped as u32 }),
        "{:?}",
        bench.events
    );
    bench.step(&[]);
    assert_eq!(bench.count(|event| matches!(event, GuardEvent::Dropped { .. })), 1);
}

#[test]
fn what_stands_against_disarming_and_what_it_would_leave_is_told_beforehand() {
    let mut site = Site::new();
    let (always, found) = (site.contact("always"), site.contact("found"));
    site.envelope(found).by_hand = true;
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    let against = |bench: &Bench, output| bench.guard.against_disarming(output, false);
    assert_eq!(against(&bench, always), Some(Cause::NotAllowed));
    assert_eq!(against(&bench, found), Some(Cause::NotArmed));
    bench.ask(found, OPEN);
    bench.operator(OperatorCommand::Arm(found));
    bench.ask(found, CLOSED);
    assert_eq!(bench.is(found), CLOSED);
    assert_eq!(against(&bench, found), Some(Cause::Asked), "it would be left closed");
    assert_eq!(bench.guard.against_disarming(found, true), None);
    let left = bench.guard.left_by_disarming(found);
    assert_eq!(left, Some(Left { told: Some(CLOSED), says: None, is_safe: false }));
    bench.actual(found, CLOSED);
    assert_eq!(bench.guard.left_by_disarming(found).unwrap().says, Some(CLOSED));
    bench.ask(found, OPEN);
    assert_eq!(against(&bench, found), None);
    assert!(bench.guard.left_by_disarming(found).unwrap().is_safe);
    assert_eq!(bench.guard.left_by_disarming(OutputId(9)), None);
}

#[test]
fn a_changed_table_of_outputs_ends_the_session_and_the_same_one_does_not() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    let mut same = site.clone();
    same.set.fingerprint = 2;
    let replaced = bench.guard.replace(Arc::new(same.catalog.clone()), same.set.clone(), false, bench.now);
    assert!(!replaced.session_ended && bench.guard.hears_engine());
    let mut more = same.clone();
    more.contact("lamp");
    more.set.fingerprint = 3;
    let replaced = bench.guard.replace(Arc::new(more.catalog.clone()), more.set.clone(), false, bench.now);
    assert!(replaced.session_ended && !bench.guard.hears_engine());
    let replaced = bench.guard.replace(Arc::new(same.catalog.clone()), same.set.clone(), true, bench.now);
    assert!(!replaced.session_ended, "there was none to end");
}

#[test]
fn a_long_name_of_a_person_is_cut_at_a_letter() {
    assert_eq!(Who::new("amina").as_str(), "amina");
    assert_eq!(Who::new(&"a".repeat(32)).as_str(), "a".repeat(32));
    assert_eq!(Who::new(&"a".repeat(33)).as_str(), "a".repeat(32));
    assert_eq!(Who::new(&format!("{}é", "a".repeat(31))).as_str(), "a".repeat(31), "never half a letter");
    assert_eq!(Who::new("").as_str(), "");
}

#[test]
fn a_stale_permit_says_why() {
    let reasons =
        [Stale::OtherOutput, Stale::Session, Stale::Counter, Stale::Expired].map(|why| why.to_string());
    for (one, reason) in reasons.iter().enumerate() {
        assert!(reason.starts_with("a permit") && !reasons[..one].contains(reason), "{reason}");
    }
}

#[test]
fn the_last_answer_the_last_step_and_the_start_are_told() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    let started_at = bench.now;
    assert_eq!(bench.guard.verdict(pump), None);
    assert!(bench.guard.is_starting());
    bench.ask(pump, CLOSED);
    assert_eq!(bench.guard.verdict(pump), Some(&bench.verdict(pump)));
    assert_eq!(bench.guard.now(), started_at);
    for (millis, is_starting) in [(9_999, true), (10_000, false), (10_001, false)] {
        bench.now = started_at.after(ms(millis));
        bench.step(&[]);
        assert_eq!((bench.guard.now(), bench.guard.is_starting()), (bench.now, is_starting));
    }
}

/// Whoever makes a set may leave an output out, or give its envelopes in another order.
#[test]
fn every_output_has_its_own_envelope_and_what_a_set_leaves_out_is_held_to_its_safest() {
    let mut site = Site::new();
    let outputs = ["pump", "fan", "lamp"].map(|name| site.contact(name));
    let charge = site.setpoint("charge", &[(0.0, 2000.0)]);
    let [pump, fan, lamp] = outputs;
    site.envelope(pump).min_closed = secs(1);
    site.envelope(lamp).min_closed = secs(3);
    let [first, _, third, _] = &site.set.envelopes[..] else { return };
    site.set.envelopes = vec![third.clone(), first.clone()];
    let bench = site.bench();
    let envelope = |output| bench.guard.envelope(output).unwrap();
    for output in [pump, fan, lamp, charge] {
        assert_eq!(envelope(output).output, output);
    }
    assert_eq!(outputs.map(|output| envelope(output).min_closed), [secs(1), secs(0), secs(3)]);
    assert_eq!([fan, charge].map(|output| envelope(output).safe), [OPEN, level(0.0)]);
    assert_eq!([fan, charge].map(|output| envelope(output).at_start), [OPEN, level(0.0)]);
}
