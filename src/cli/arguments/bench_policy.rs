//! Options and examples of `ballast bench-policy`.

use clap::Args;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// `ballast bench-policy`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast bench-policy                           the village inside the program
  ballast bench-policy my-site --report all.html
  ballast bench-policy --scenario 2,5 --seeds 3  one seed of two scenarios
  ballast bench-policy --truth truth             what an optimum is made from

A scenario is a file in `scenarios/` of the site, `02-trip.yaml`: \
that of a plant, whose lines the help of `sim` shows, and

  title: A set trips at the evening peak
  title_fr: Un groupe s'arrête à la pointe du soir
  lasts: 60 s
  key:
    lowest_frequency: { at_least: 48.75 Hz }
    missed: { at_most: 1 kWh }

Each scenario runs with each seed against the simulated village, in made-up time, three times: with no control (the outputs are \
cut), with fixed thresholds (the site with `scenarios/fixed-thresholds/safety.yaml` and its rules), and with the site's own rules \
and safety file, the policy. The optimum with perfect foresight is a table, `scenarios/optimum.csv`.

A run costs J = priority x kWh missed, by class (clinic 10, water pump 6, cold chain 4, homes 2, comfort 1) + 5 for each second \
outside of 49 to 51 Hz + 20 for each outside of 47.5 to 52 Hz (without voltage counts as both) + 0.02 for each switching of a load \
+ 50 (1 - Jain's index of what homes got of what they wished). The weights are ours. Points are \
S = 100 (J without control - J) / (J without control - J of the optimum), 0 to 100; 0 where something unsafe happened; the share \
of the key measures that hold where the optimum gains less than 5 %.

`--truth DIR` writes for each scenario and seed a table NN-SEED.csv (a row a second, or a minute where the scenario is longer \
than 2 h: what each consumer wished, what could wait and took power, what sun and wind offered, what each set could give, in W) \
and NN-SEED.json (battery, sets, classes, priorities, what the run without control came to).

The same site, scenario and seed give the same run, bit for bit: `hash` in JSON tells. Nothing of this machine is switched, and \
nothing is written but the report and the truth.

Exit codes: 0 done, 1 a run came to no end or, with --strict, a goal was missed, 3 the site or a scenario has mistakes.")]
pub struct BenchPolicy {
    /// The directory of a site with `scenarios/`; absent: the village inside the program
    pub site: Option<PathBuf>,
    /// Seeds from which the village's chance is drawn, `0-9` or `3`
    #[arg(long, value_name = "FIRST-LAST", default_value = "0-9", value_parser = seeds)]
    pub seeds: (u64, u64),
    /// Only these scenarios, by number, `2,5`
    #[arg(long, value_name = "NUMBERS", value_parser = numbers)]
    pub scenario: Option<BTreeSet<u32>>,
    /// Write a page that shows all runs, for a browser
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Write what an optimum is computed from into this folder
    #[arg(long, value_name = "DIR")]
    pub truth: Option<PathBuf>,
    /// Runs at the same time; absent: one on each core
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub jobs: Option<u16>,
    /// End with 1 where a goal is missed
    #[arg(long)]
    pub strict: bool,
}

/// Seeds of one command at most.
const SEEDS_MAX: u64 = 1_000;

fn seeds(text: &str) -> Result<(u64, u64), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = first.trim().parse().ok().zip(last.trim().parse().ok());
    match range {
        Some((first, last)) if first <= last && last - first < SEEDS_MAX => Ok((first, last)),
        Some((first, last)) if first <= last => Err(format!("at most {SEEDS_MAX} seeds at once")),
        _ => Err("write the first and the last seed, as in 0-9, or one seed".to_owned()),
    }
}

fn numbers(text: &str) -> Result<BTreeSet<u32>, String> {
    let numbers = text.split(',').map(|number| number.trim().parse().ok()).collect();
    let numbers: Option<BTreeSet<u32>> = numbers;
    numbers.ok_or_else(|| "write numbers of scenarios, as in 2,5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_one_number_or_a_first_and_a_last() {
        assert_eq!((seeds("0-9"), seeds("3")), (Ok((0, 9)), Ok((3, 3))));
        for wrong in ["", "9-0", "a-b", "-", "0-1000", "1..2"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn scenarios_are_numbers() {
        assert_eq!(numbers("5,2"), Ok([2, 5].into()));
        for wrong in ["", "2,", "two"] {
            assert!(numbers(wrong).is_err(), "{wrong}");
        }
    }
}
