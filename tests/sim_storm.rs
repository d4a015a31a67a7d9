//! Storms over engine, rules, guard and link: every promise holds, every fault is met, and the same seed is the same storm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]
#![allow(clippy::print_stdout, reason = "seeds and what they gave are told")]

use ballast::simulation::storm::{Fault, Sets, Wish, run, several};
use ballast_model::Span;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::Instant;

const DAY: Span = Span::from_secs(86_400);
/// Storms of 10 to 60 minutes, and of a day.
const SHORT: u64 = 220;
const LONG: u64 = 5;

/// The commit of the sources, for whoever reads of a failure later.
fn commit() -> String {
    let git = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let text = git.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    text.map_or("unknown".to_owned(), |text| String::from_utf8_lossy(&text).trim().to_owned())
}

fn again(wish: Wish) -> String {
    let hours =
        wish.length.map_or_else(String::new, |length| format!(" --hours {}", length.millis() / 3_600_000));
    format!("ballast sim --storm --seed {}{hours}", wish.seed)
}

#[test]
fn every_promise_holds_in_every_storm() {
    let begun = Instant::now();
    // The long ones first: no core waits for the last of them.
    let long = (1..=LONG).map(|seed| Wish { seed, length: Some(DAY) });
    let wishes: Vec<Wish> = long.chain((1..=SHORT).map(|seed| Wish { seed, length: None })).collect();
    let threads = available_parallelism().map_or(2, Into::into);
    let findings = several(&wishes, threads, &|_, _| {}).unwrap();
    if let Some(broken) = &findings.violation {
        let (seed, step, what) = (broken.wish.seed, broken.step, &broken.what);
        panic!("seed {seed} at step {step} (commit {}): {what}\n  {}", commit(), again(broken.wish));
    }
    let tally = &findings.tally;
    println!(
        "{} storms in {:.0} s: {} steps of the engine, {} of the guard, {} of their mirrors, {} permits, {} looks",
        findings.storms,
        begun.elapsed().as_secs_f64(),
        tally.engine_steps,
        tally.guard_steps,
        tally.twin_steps,
        tally.permits,
        tally.checks
    );
    for fault in Fault::ALL {
        println!("  {:<20} {:>9}", fault.word(), tally.hits(fault));
    }
    assert_eq!(findings.storms, wishes.len());
    assert!(tally.engine_steps >= 10_000_000, "{} steps of the engine", tally.engine_steps);
    assert!(tally.twin_steps > 100_000, "{} steps of mirrors", tally.twin_steps);
    for fault in Fault::ALL {
        assert!(tally.hits(fault) >= 20, "{fault:?} was met {} times", tally.hits(fault));
    }
}

#[test]
fn the_same_seed_is_the_same_storm() {
    let storm = |seed, sets: &mut Sets| run(Wish { seed, length: Some(Span::from_secs(900)) }, sets);
    let (mut one, mut other) = (Sets::read().unwrap(), Sets::read().unwrap());
    // What was built for another storm before makes no difference.
    let first = storm(1_000, &mut one);
    let before = storm(1_001, &mut other);
    let again = storm(1_000, &mut other);
    assert_eq!(first, again);
    assert_ne!(first.hash, before.hash);
}
