//! Every sequence of what can happen, none left out because it looks like another, each judged by the oracle.
//!
//! `BALLAST_PROOF_LENGTH=6 cargo test -p ballast-guard --test exhaustive -- --show-output` makes longer ones.
#![allow(clippy::print_stdout, clippy::panic, reason = "a proof says what it looked at")]

mod kit;
mod proof;
use proof::charge::{self, Charge};
use proof::loads::{self, Hertz, Loads};
use proof::oracle::{HEATER, Heat, PUMP};
use proof::world::{self, Act, Sets, World};
use proof::{Life, number};

/// How long they are where nothing else is said.
const LENGTH: usize = 4;

#[derive(Default)]
struct Count {
    sequences: u64,
    steps: u64,
}

fn try_all<L: Life>(life: &L, acts: &[L::Act], left: usize, path: &mut Vec<L::Act>, count: &mut Count) {
    if left == 0 {
        count.sequences += 1;
        return;
    }
    for act in acts.iter().copied().filter(|act| life.can(*act)) {
        let mut next = life.clone();
        next.act(act);
        count.steps += 1;
        path.push(act);
        if let Some(fault) = next.fault() {
            panic!("{fault}: after {path:?}");
        }
        try_all(&next, acts, left - 1, path, count);
        path.pop();
    }
}

/// All sequences that follow on these acts.
fn after<L: Life>(name: &str, mut life: L, begin: &[L::Act], acts: &[L::Act]) {
    let length = number("BALLAST_PROOF_LENGTH", LENGTH);
    let mut path = Vec::new();
    for act in begin {
        assert!(life.can(*act), "{act:?} of {begin:?}");
        life.act(*act);
        path.push(*act);
        assert_eq!(life.fault(), None, "after {path:?}");
    }
    let mut count = Count::default();
    try_all(&life, acts, length, &mut path, &mut count);
    println!("{name}: {} sequences of {length}, {} steps", count.sequences, count.steps);
}

const ASK: [Act; 2] = [Act::Ask { output: HEATER, closed: true }, Act::Ask { output: PUMP, closed: true }];
const DONE: [Act; 2] = [Act::Written { output: HEATER, ok: true }, Act::Written { output: PUMP, ok: true }];
/// One output is closed, and its partner is asked for as well.
const CLOSED: [Act; 9] = [
    Act::Measure(Heat::Cool),
    Act::Hello,
    DONE[0],
    DONE[1],
    Act::Pass,
    Act::Measure(Heat::Cool),
    ASK[0],
    ASK[1],
    DONE[0],
];

fn contacts(name: &str, begin: &[Act]) {
    after(name, World::new(&Sets::new()), begin, &world::everything());
}

#[test]
fn contacts_from_the_start() {
    contacts("contacts from the start", &[]);
}

#[test]
fn contacts_with_one_closed() {
    contacts("contacts, one closed", &CLOSED);
}

#[test]
fn contacts_while_a_limit_acts() {
    contacts("contacts, a limit acts", &[&CLOSED[..], &[Act::Measure(Heat::Hot)]].concat());
}

#[test]
fn contacts_while_a_set_waits() {
    contacts("contacts, a set waits", &[&CLOSED[..], &[Act::Tighten, Act::Loosen]].concat());
}

#[test]
fn a_setpoint_that_climbs() {
    use proof::charge::Act;
    let begin = [Act::Measure(Some(20)), Act::Hello, Act::Ask(2000), Act::Pass, Act::Measure(Some(20))];
    after("a setpoint that climbs", Charge::new(&charge::site()), &begin, &charge::everything());
}

#[test]
fn loads_that_are_given_back() {
    use proof::loads::Act;
    let good = Act::Measure(Hertz::Good);
    let begin = [good, Act::Hello, Act::GiveBack(0), Act::GiveBack(1), Act::Pass, good];
    after("loads that are given back", Loads::new(&loads::site()), &begin, &loads::everything());
}
