//! How many times faster than life the village of forty homes runs on one core, calm and in transients.
//!
//! Time is that of the wall, in one thread: on a busy machine it says too little, never too much. Minutes of the village in
//! which nothing took a step of a millisecond count as calm. What it does is decided by its seeds alone; `hash` is the same
//! on every machine.

use ballast_plant::{Village, VillageSpec};
use std::time::{Duration, Instant};

const SEEDS: u64 = 5;
const DAYS: u64 = 4;
const MINUTE_MS: u64 = 60_000;

/// Goal of the project: outside transients, on one core.
const GOAL: f64 = 20_000.0;

#[derive(Default)]
struct Share {
    simulated_s: f64,
    took: Duration,
}

impl Share {
    fn rate(&self) -> f64 {
        self.simulated_s / self.took.as_secs_f64().max(1e-9)
    }
}

fn main() {
    let (mut calm, mut moving) = (Share::default(), Share::default());
    let (mut transient_s, mut hash, mut blackouts) = (0.0, 0xCBF2_9CE4_8422_2325_u64, 0);
    for seed in 1..=SEEDS {
        let mut village = match Village::new(VillageSpec::forty_homes(), seed) {
            Ok(village) => village,
            Err(error) => return eprintln!("the village cannot be: {error}"),
        };
        for minute in 1..=DAYS * 1_440 {
            let before_s = village.record().transient_s;
            let begun = Instant::now();
            village.advance(minute * MINUTE_MS);
            let took = begun.elapsed();
            let share = if village.record().transient_s > before_s { &mut moving } else { &mut calm };
            share.simulated_s += 60.0;
            share.took += took;
        }
        if let Some(error) = village.diverged() {
            return eprintln!("seed {seed}: {error}");
        }
        transient_s += village.record().transient_s;
        blackouts += village.record().blackouts;
        for output in village.outputs() {
            let reading = village.find_output(&output.name).and_then(|id| village.read(id));
            for byte in reading.map_or(0, f64::to_bits).to_le_bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
            }
        }
    }
    let all = Share { simulated_s: calm.simulated_s + moving.simulated_s, took: calm.took + moving.took };
    println!("40 homes, {SEEDS} seeds, {DAYS} days each, one thread; {blackouts} blackouts, hash {hash:016x}");
    println!("  calm          {:>8.0} x real time (goal {GOAL:.0})", calm.rate());
    println!("  with moving   {:>8.0} x real time, {transient_s:.0} s of it at 1 ms", moving.rate());
    println!("  all           {:>8.0} x real time", all.rate());
}
