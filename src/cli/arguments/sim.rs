//! Options and examples of `ballast sim`.

use clap::{ArgGroup, Args};
use std::path::PathBuf;

/// `ballast sim`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast sim examples/village --days 30 --report month.html
  ballast sim my-site --days 2 --seed 7 --format json
  ballast sim my-site --start 2026-03-20T06:00   one day, begun there
  ballast sim --storm --seed 7                   one storm
  ballast sim --storm --seed 7 --hours 24        the same over a day
  ballast sim --storm --seeds 1..200             many, on every core

With a SITE: its rules, its guard and its safety file run as they are against the simulated village that its bus names, or \
that of a plant's file, in made-up time and as fast as this machine can. The answer tells what came of it: frequency, energy, \
switchings, what the guard did. The same site, plant, seed and start give the same run, bit for bit.

The file of a plant, each line as needed:
  village: forty homes                  or demonstration
  start: 2026-03-20 18:30
  cloudiness: 12 %
  air: { mean: 32 °C, swing: 7 K }
  battery: { soc: 25 %, cells: 40 °C }
  on_line: [genset]
  sources: { genset: 40 kW, standby: absent, battery: absent }
  droop_only: true                      nothing brings the frequency back
  closed: [heaters_north]
  open: [homes_east]
  tanks: { start: 45 °C, spread: 3 K }
  disturbances:
    - { at: 10 min, trip: genset, for: 90 min }
    - { at: 12 min, refuses: standby, for: 5 min }
    - { every: day 14:15, jitter: 5 min, cloud: 80 %, for: 6 min }
    - { at: 1 h, more: homes_north, power: 2 kW, for: 10 min }
    - { at: 2 h, fan: battery, for: 30 min }
    - { at: 3 h, blackout: true, for: 2 h }
  faults:
    - { of: battery.soc, at: 5 min, for: 10 min, reads: stuck }
    - { of: feeder_meter.frequency, for: 1 h, reads: late 0.2..5 s }
    - { of: inverter.frequency, for: 1 h, reads: lost 30 % }
  commands:
    - { of: all, for: 1 h, lost: 30 %, late: 0.2..5 s, twice: 10 % }
    - { of: homes_north, at: 2 h, for: 5 min, lost: 100 % }

With --storm: engine, rules, guard and link of this program run on a small site of their own, in one thread and in made-up \
time, while sensors, devices, clocks, wire, disks, processes, files and people fail them. Everything that is said is held \
against what the manual promises; after each storm comes a calm, in which all must find back. The same seed gives the same \
storm.

Nothing of this machine is switched, and nothing is written but the report.

Exit codes: 0 done, and every promise was kept; 1 a promise was broken (seed, step and what is wrong are told, and the same \
command shows it again), the plant diverged, or the site has no simulated bus; 3 the site has mistakes.")]
#[command(group = ArgGroup::new("what").required(true).args(["site", "storm"]))]
pub struct Sim {
    /// The directory of a site whose bus is simulated
    pub site: Option<PathBuf>,
    /// Simulated days, 0.01 to 366
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = days, conflicts_with = "storm")]
    pub days: f64,
    /// The file of a plant: which village, when, what happens to it
    #[arg(long, value_name = "FILE", conflicts_with = "storm")]
    pub plant: Option<PathBuf>,
    /// Local time of the site at which the run begins; absent: as the plant says
    #[arg(long, value_name = "DATE-TIME", conflicts_with = "storm")]
    pub start: Option<String>,
    /// Write a page that shows the run, for a browser
    #[arg(long, value_name = "FILE.html", conflicts_with = "storm")]
    pub report: Option<PathBuf>,
    /// Blow storms instead of running a site
    #[arg(long)]
    pub storm: bool,
    /// The number from which everything is drawn
    #[arg(long, value_name = "NUMBER", default_value_t = 1, conflicts_with = "seeds")]
    pub seed: u64,
    /// Many storms: from the first to the last number, both included
    #[arg(long, value_name = "FIRST..LAST", value_parser = seeds, conflicts_with = "site")]
    pub seeds: Option<(u64, u64)>,
    /// How long each storm lasts; absent: 10 to 60 minutes, as its seed says
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..=8_760),
        conflicts_with = "site"
    )]
    pub hours: Option<u32>,
    /// Storms at the same time; absent: one on each core
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u16).range(1..=1_024),
        conflicts_with = "site"
    )]
    pub threads: Option<u16>,
}

/// So many days, and parts of them, are one run.
const DAYS: std::ops::RangeInclusive<f64> = 0.01..=366.0;

fn days(text: &str) -> Result<f64, String> {
    let days = text.parse().ok().filter(|days| DAYS.contains(days));
    days.ok_or_else(|| "write a number of days from 0.01 to 366, as 30 or 0.5".to_owned())
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
    fn days_are_a_number_within_a_year() {
        assert_eq!(days("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "367", "NaN", "inf", "many", ""] {
            assert!(days(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn seeds_are_a_first_and_a_last_number() {
        assert_eq!(seeds("1..200"), Ok((1, 200)));
        assert_eq!(seeds("7..7"), Ok((7, 7)));
        for wrong in ["7", "2..1", "a..b", "..", "0..1000000"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }
}
