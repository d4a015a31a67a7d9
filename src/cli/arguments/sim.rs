//! Options and examples of `ballast sim`.

use clap::Args;

/// `ballast sim`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast sim --storm --seed 7              one storm of 10 to 60 minutes
  ballast sim --storm --seed 7 --hours 24   the same chance over a day
  ballast sim --storm --seeds 1..200        two hundred storms, on every core
  ballast sim --storm --seeds 1..200 --format json

Engine, rules, guard and link of this program run on a small site of their own, in one thread and in made-up time, while \
sensors, devices, clocks, wire, disks, processes, files and people fail them. Everything that is said is held against what \
the manual promises; after each storm comes a calm, in which all must find back. The same seed gives the same storm. Nothing \
of this machine is read, written or switched.

Exit codes: 0 every promise was kept, 1 one was broken: seed, step and what is wrong are told, and the same command shows \
it again.")]
pub struct Sim {
    /// Blow storms; there is nothing else to simulate here (`ballast demo` shows a village)
    #[arg(long, required = true)]
    pub storm: bool,
    /// The number from which everything is drawn
    #[arg(long, value_name = "NUMBER", default_value_t = 1, conflicts_with = "seeds")]
    pub seed: u64,
    /// Many storms: from the first to the last number, both included
    #[arg(long, value_name = "FIRST..LAST", value_parser = seeds)]
    pub seeds: Option<(u64, u64)>,
    /// How long each storm lasts; absent: 10 to 60 minutes, as its seed says
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=8_760))]
    pub hours: Option<u32>,
    /// Storms at the same time; absent: one on each core
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub threads: Option<u16>,
}

/// The most storms of one command.
const STORMS_MAX: u64 = 1_000_000;

fn seeds(text: &str) -> Result<(u64, u64), String> {
    let numbers =
        text.split_once("..").and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    let Some((first, last)) = numbers.filter(|(first, last): &(u64, u64)| first <= last) else {
        return Err("write the first and the last seed, as in 1..200".to_owned());
    };
    if last - first >= STORMS_MAX {
        return Err(format!("at most {STORMS_MAX} storms at once"));
    }
    Ok((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_first_and_a_last_number() {
        assert_eq!(seeds("1..200"), Ok((1, 200)));
        assert_eq!(seeds("7..7"), Ok((7, 7)));
        for wrong in ["7", "2..1", "a..b", "..", "0..1000000"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }
}
