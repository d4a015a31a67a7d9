//! The step itself: room for what it says, when it wants to be called again, and that it comes to rest.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod kit;
use ballast_guard::plan::Asleep;
use ballast_guard::{Guard, Input, OperatorCommand, Output, Who};
use ballast_model::sample::Value;
use ballast_model::{Mono, OutputId, Wanted};
use kit::*;

/// Contacts that somebody closed.
fn closed(count: usize) -> (Bench, Vec<OutputId>) {
    let mut site = Site::new();
    let outputs: Vec<OutputId> = (0..count).map(|index| site.contact(&format!("o{index}"))).collect();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    for output in &outputs {
        bench.ask(*output, CLOSED);
    }
    (bench, outputs)
}

fn now_all() -> Input {
    Input::Operator { who: Who::new("bench"), command: OperatorCommand::Now(None) }
}

/// Calls the guard as often as it asks for at this moment and answers nothing; what it told, in that order.
fn told(guard: &mut Guard, now: Mono, first: &[Input], room: usize) -> Vec<(OutputId, Wanted)> {
    let mut told = Vec::new();
    let mut inputs = first;
    loop {
        let mut out = Vec::with_capacity(room);
        guard.step(now, inputs, &mut out);
        assert_eq!(out.capacity(), room);
        inputs = &[];
        let mut wake = Mono::MAX;
        for output in out {
            match output {
                Output::Permit(permit) => told.push((permit.output(), permit.wanted())),
                Output::WakeAt(moment) => wake = moment,
                Output::Verdict(_) | Output::Event(_) => {}
            }
        }
        if wake > now {
            return told;
        }
    }
}

#[test]
fn whoever_has_little_room_is_asked_to_call_at_once_until_all_is_told() {
    // At the start everything is looked at in its order; after a "now" in the order in which it was named.
    let site = closed(40).0;
    let mut fresh = Guard::new(site.catalog, site.set, site.now);
    assert_eq!(told(&mut fresh, site.now, &[], 16).len(), 40);
    let (mut bench, outputs) = closed(40);
    let told = told(&mut bench.guard, bench.now, &[now_all()], 16);
    assert_eq!(told, outputs.iter().map(|output| (*output, OPEN)).collect::<Vec<_>>());
}

#[test]
fn the_room_that_the_guard_names_is_enough_for_everything_at_once() {
    let (mut bench, _) = closed(100);
    let mut out = Vec::with_capacity(bench.guard.output_capacity());
    bench.guard.step(bench.now, &[now_all()], &mut out);
    let permits = out.iter().filter(|output| matches!(output, Output::Permit(_))).count();
    assert_eq!(permits, 100);
    assert!(
        matches!(out.last(), Some(Output::WakeAt(moment)) if *moment > bench.now),
        "nothing is left to do"
    );
}

#[test]
fn a_buffer_that_is_full_does_not_grow_and_nothing_is_lost() {
    let (mut bench, outputs) = closed(2);
    let mut out = Vec::with_capacity(16);
    out.resize_with(out.capacity(), || Output::WakeAt(Mono::ZERO));
    let room = out.capacity();
    bench.guard.step(bench.now, &[now_all()], &mut out);
    assert_eq!((out.len(), out.capacity()), (room, room));
    bench.step(&[]);
    bench.settle();
    assert!(outputs.iter().all(|output| bench.is(*output) == OPEN));
}

#[test]
fn where_nothing_is_due_no_moment_is_named() {
    let (mut bench, _) = closed(1);
    bench.pass_in_silence(secs(10));
    let mut out = Vec::with_capacity(64);
    bench.guard.step(bench.now, &[], &mut out);
    assert_eq!(out, [], "safe and confirmed");
}

#[test]
fn looking_at_everything_again_is_counted_and_says_nothing_new() {
    let (mut bench, outputs) = closed(5);
    let before = bench.guard.counters().reviews;
    bench.guard.review_all();
    let mut out = Vec::with_capacity(64);
    bench.guard.step(bench.now, &[], &mut out);
    assert_eq!(bench.guard.counters().reviews - before, outputs.len() as u64);
    assert!(matches!(out[..], [Output::WakeAt(_)]), "{out:?}");
}

#[test]
fn a_device_that_sleeps_and_whose_readings_hold_for_no_time_gives_the_guard_rest() {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let sun = site.point("sun.elevation", "deg", Some(secs(6_000)));
    let power = site.point("pv.power", "W", Some(secs(0)));
    site.limit("too much sun", &above("pv.power", "5 kW"), &[(charger, OPEN)]);
    let when = site.program(&below("sun.elevation", "-2 deg"));
    site.set.asleep.push(Asleep { point: power, value: Value::Number(num(0.0)), when });
    let mut bench = site.bench();
    bench.set(sun, -10.0);
    let mut out = Vec::with_capacity(64);
    bench.guard.step(bench.now, &[], &mut out);
    assert!(bench.guard.next_wake() > bench.now);
}
