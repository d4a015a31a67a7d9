//! Every sequence of what can happen, none left out because it looks like another, each judged by the oracle.
//!
//! `BALLAST_PROOF_LENGTH=6 cargo test -p ballast-guard --test exhaustive -- --show-output` makes longer ones.
#![allow(clippy::print_stdout, clippy::panic, reason = "a proof says what it looked at")]

mod kit;
mod proof;
use proof::{Life, charge, loads, number, world};

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

/// All sequences from each of these beginnings.
fn from<L: Life>(name: &str, beginnings: &[L], acts: &[L::Act], length: usize) {
    let length = number("BALLAST_PROOF_LENGTH", length);
    for (place, begin) in beginnings.iter().enumerate() {
        let mut count = Count::default();
        try_all(begin, acts, length, &mut Vec::new(), &mut count);
        println!(
            "{name} {}: {} sequences of {length} acts, {} steps",
            place + 1,
            count.sequences,
            count.steps
        );
    }
}

#[test]
fn two_contacts() {
    from("two contacts, beginning", &world::beginnings(), &world::everything(), 4);
}

#[test]
fn a_setpoint() {
    from("a setpoint, beginning", &charge::beginnings(), &charge::everything(), 4);
}

#[test]
fn two_loads() {
    from("two loads, beginning", &loads::beginnings(), &loads::everything(), 5);
}
