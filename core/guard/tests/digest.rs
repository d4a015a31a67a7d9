//! The number that stands for what a step said: two guards that were given the same are compared by it.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod kit;
use ballast_guard::{Guard, GuardEvent, Input, OperatorCommand, Output, Who, digest};
use ballast_model::{Mono, Wanted};
use kit::*;
use std::collections::BTreeSet;

/// What a guard says that starts with two contacts which begin in these states, in a session of that number.
fn said(at_start: [Wanted; 2], milliseconds: u64) -> Vec<Output> {
    let mut site = Site::new();
    for (name, state) in ["mains", "pump"].into_iter().zip(at_start) {
        let output = site.contact(name);
        site.envelope(output).at_start = state;
    }
    let bench = site.bench();
    let (earlier, now) = (Mono::from_millis(milliseconds), Mono::from_millis(2_000_000));
    let mut guard = Guard::new(bench.catalog, bench.set, earlier);
    let mut out = Vec::with_capacity(64);
    let who = Who::new("bench");
    let confirm = OperatorCommand::Confirm(7);
    guard.step(now, &[Input::Operator { who, command: confirm }], &mut out);
    let kinds: fn(&Output) -> u8 = |output| match output {
        Output::Permit(_) => 1,
        Output::Verdict(_) => 2,
        Output::Event(_) => 3,
        Output::WakeAt(_) => 4,
    };
    assert_eq!(out.iter().map(kinds).collect::<BTreeSet<_>>().len(), 4, "{out:?}");
    out
}

#[test]
fn whatever_differs_is_seen() {
    let events = |limits: std::ops::Range<u16>| -> Vec<Output> {
        limits.map(|limit| Output::Event(GuardEvent::LimitReleased { limit })).collect()
    };
    let each: BTreeSet<u64> = (0..256).map(|limit| digest(&events(limit..limit + 1))).collect();
    assert_eq!(each.len(), 256, "one event each");
    assert!(!each.contains(&digest(&[])), "something is not nothing");
    assert_ne!(digest(&events(0..2)), digest(&events(0..1)), "one was left out");
    let twice: Vec<Output> = events(0..1).into_iter().chain(events(0..1)).collect();
    assert_ne!(digest(&twice), digest(&events(0..1)), "said twice");
    let states = [[OPEN, OPEN], [OPEN, CLOSED], [CLOSED, OPEN], [CLOSED, CLOSED]];
    let told: BTreeSet<u64> = states
        .iter()
        .map(|states| {
            let permits = said(*states, 1_999_999).into_iter();
            digest(&permits.filter(|output| matches!(output, Output::Permit(_))).collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(told.len(), 4, "what is told, and to whom");
}

#[test]
fn the_order_the_session_and_the_wake_up_do_not_count() {
    let whole = digest(&said([OPEN, CLOSED], 1_999_999));
    let mut turned = said([OPEN, CLOSED], 1_999_999);
    turned.reverse();
    assert_eq!(digest(&turned), whole);
    turned.retain(|output| !matches!(output, Output::WakeAt(_)));
    assert_eq!(digest(&turned), whole);
    let permits = |begin| -> Vec<Output> {
        said([OPEN, CLOSED], begin).into_iter().filter(|output| matches!(output, Output::Permit(_))).collect()
    };
    let (one, other) = (permits(1_999_999), permits(1_999_998));
    assert_ne!(one, other, "of another session");
    assert_eq!(digest(&one), digest(&other));
    assert_eq!(digest(&[Output::WakeAt(Mono::ZERO)]), digest(&[]));
}
