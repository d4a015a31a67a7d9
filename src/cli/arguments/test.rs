//! Options and examples of `ballast test`.

use clap::Args;
use std::path::PathBuf;

/// `ballast test`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast test my-site                   all tests of the site
  ballast test my-site --only school     those whose name has this in it
  ballast test my-site --coverage        and what of the site they never reached
  ballast test my-site --format junit    JUnit's XML; json for others
  ballast test my-site --record 14:00..14:20   what was, as a test

A test lies in the site's folder tests/, in a file NAME.yaml:

  tests:
    - name: the school is cut when the frequency falls
      start: 2026-03-30 19:00
      every: 1 s
      points: { feeder_meter.frequency: 50x10 50..49.2x5 49.2x* }
      expect:
        - { at: 5 s, outputs: { school: closed } }
        - { at: 20 s, outputs: { school: open }, because: { school: frequency }, idle: [evening] }
        - { at: 25 s, do: restart }
        - { at: 30 s, outputs: { school: open }, alarms: [] }

Readings, one word for each `every`: 50, off_peak, true, 50x10 (ten), 50..49x11 (a ramp), 50x* (to the end), _ (nothing comes), \
stale, nan, offline. Behind do: reload, restart, power cut for 20 min, clock jumps +1 h, DEVICE offline, BUS gone, POINT \
stuck, NAME back.

With `plant: village` (and `seed: 7`) the simulated village gives the readings and answers to the outputs; behind do also: SET \
breaks for 1 h, SET refuses for 10 min, LOAD +5 kW for 10 min, clouds for 20 min. Expected of readings: readings: { \
feeder_meter.frequency: 49.8..50.2 Hz } at that moment, throughout: { feeder_meter.frequency: '>= 48.5 Hz' } of all since the \
moment before.

Readings may stand in a table (CSV) in tests/: series_from: evening.csv. Its first column is `t_s` (seconds since the beginning) or `time` (`5 min`, or instants), each other one a point; an empty cell goes on as before.

--record turns a piece of the journal of the running program, or of a file, into a test: the readings of that time and of the ten minutes before it, and what outputs, rules and alarms were. What a test cannot bring about again is not expected; the file says so. No file is written over.

Rules, guard and explanations are those of a running site, on a made-up clock; nothing of this machine is read or switched.

Exit codes: 0 all tests passed, 1 one did not or there is none, 3 the site or a test has mistakes.")]
pub struct Test {
    /// The site's directory
    #[arg(default_value = ".")]
    pub site: PathBuf,
    /// Only tests whose name has this in it
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Tell what of the site no test reached: rules, schedules, limits, stages of shedding
    #[arg(long, conflicts_with = "record")]
    pub coverage: bool,
    /// Make a test of what was between two instants, `14:00..14:20`
    #[arg(long, value_name = "FROM..TO", conflicts_with = "only")]
    pub record: Option<String>,
    /// Record from this journal instead of that of the running program
    #[arg(long, value_name = "FILE", requires = "record")]
    pub journal: Option<PathBuf>,
    /// Record what was read for so long before it, too
    #[arg(long, value_name = "TIME", requires = "record", default_value = "10min")]
    pub lead_in: String,
    /// Where to write the recorded test; absent: tests/recorded-DATE-TIME.yaml of the site
    #[arg(long, value_name = "FILE", requires = "record")]
    pub output: Option<PathBuf>,
    /// Where the running program keeps its state, if not in `.ballast` of the site's directory
    #[arg(long, value_name = "DIR", requires = "record")]
    pub state: Option<PathBuf>,
}
