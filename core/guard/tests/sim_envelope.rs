//! Random requests, faults, reloads and restarts against an observer that was written from the text of the design and
//! knows nothing of the guard's inside: no permit ever leaves an envelope, and what acts at once has acted. Beside it a
//! mirror, made now and then from what the guard wrote down, says the same word by word.
//!
//! `BALLAST_SIM_STEPS=1000000 cargo test --release -p ballast-guard --test sim_envelope` runs the million steps; without
//! it 60 000 are made. A failure prints the seed; `BALLAST_SIM_SEED=n` runs that seed alone.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a test says what it did")]

mod kit;
mod sim;
use sim::world::World;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn no_permit_leaves_an_envelope() {
    const STEPS_PER_SEED: u64 = 2_000;
    let steps = number("BALLAST_SIM_STEPS").unwrap_or(1_000_000);
    let seeds = match number("BALLAST_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..1 + steps.div_ceil(STEPS_PER_SEED),
    };
    let (mut permits, mut mirrored) = (0, 0);
    for seed in seeds.clone() {
        let mut world = World::new(seed);
        for _ in 0..STEPS_PER_SEED {
            world.turn();
        }
        permits += world.permits;
        mirrored += world.mirrored;
    }
    let turns = seeds.count() as u64 * STEPS_PER_SEED;
    assert!(permits > turns / 20, "{permits} permits in {turns} turns: the observer saw too little");
    assert!(mirrored > turns / 2, "{mirrored} steps in the mirror");
    println!("{turns} turns, {permits} permits, {mirrored} steps that a mirror took as well");
}
