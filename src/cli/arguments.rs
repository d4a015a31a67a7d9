//! Every command, option and example of the command line. Help, completions and man pages come from here.

mod backtest;
mod bench_policy;
mod detect;
mod device;
mod shadow;
mod sim;
mod test;

pub use backtest::Backtest;
pub use bench_policy::BenchPolicy;
pub use detect::{Access, Detect, ParityWord};
pub use device::{Device, DeviceAction, DeviceCheck, DeviceRead};
pub use shadow::{Shadow, ShadowAction};
pub use sim::Sim;
pub use test::Test;

use crate::report::language::Language;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Controls a small power grid: rules decide, a guard that nobody can override protects, every output explains itself.
#[derive(Debug, Parser)]
#[command(name = "ballast", version, max_term_width = 110)]
#[command(after_help = "Examples:
  ballast demo                                   a simulated village
  ballast init my-site && ballast check my-site  start a site of your own
  ballast run my-site                            run it
  ballast why water_heater                       why is it as it is?

Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 the site has mistakes, 4 a replay diverged, \
5 no program runs on the site, 6 it waits for a person's word.")]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How answers are printed
    #[arg(long, global = true, value_enum, default_value_t = FormatWord::Text)]
    pub format: FormatWord,
    /// Language of answers for people; absent: as the environment says (LC_ALL, LC_MESSAGES, LANG)
    #[arg(long, global = true, value_enum)]
    pub language: Option<Language>,
}

/// How answers are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatWord {
    /// For people
    Text,
    /// For programs: one JSON document, or one a line where answers keep coming
    Json,
    /// Of `ballast test` alone: JUnit's XML, for what runs tests by itself
    Junit,
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl FormatWord {
    /// Text or JSON; JUnit's XML is written by its command.
    pub const fn format(self) -> Format {
        match self {
            Self::Text | Self::Junit => Format::Text,
            Self::Json => Format::Json,
        }
    }
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the simulated village: no configuration, no root, no network
    Demo(Demo),
    /// Write a small commented site to start from
    Init(Init),
    /// Find devices and print text for a site; tells no device anything
    Detect(Box<Detect>),
    /// Try a device file that you write: check it, play a transcript, read the device
    Device(Device),
    /// Run a site
    Run(Run),
    /// Check a site: all mistakes at once, each with its place
    Check(Check),
    /// Run the tests of a site: its rules on a made-up clock, with the guard in force
    Test(Test),
    /// Take what happened through the rules of a site and through others: where would they not have done the same?
    Backtest(Backtest),
    /// Let other rules run beside those of a running site, with their outputs disconnected: what would they do?
    Shadow(Shadow),
    /// Say why an output is as it is, now or at a past instant
    Why(Why),
    /// Say why a rule is not active, now or at a past instant
    #[command(name = "why-not")]
    WhyNot(WhyNot),
    /// Print what was written down: decisions, alarms, records
    History(History),
    /// Show points, outputs and rules of a running site
    #[command(after_help = "Example: ballast status --site my-site --format json")]
    Status(Site),
    /// Load the site's files anew, as a whole or not at all
    Reload(Reload),
    /// Ask for a state of an output for some time, as a person
    Request(Request),
    /// End a person's request
    Release(Release),
    /// Arm a device that was found: what is asked from now on moves it
    Arm(Arm),
    /// Disarm a device that was found: nothing moves it any more
    Disarm(Disarm),
    /// Show the site's mode, or change it
    Mode(Mode),
    /// Show the site's settings, or change one
    Setting(Setting),
    /// Take a suspended rule into service again
    Rule(Rule),
    /// Write the journal of the last minutes to a file
    Journal(Journal),
    /// Answer for the wall clock of this machine
    Clock(Clock),
    /// Speak to the guard as a person: confirm, now, reset
    Guard(Guard),
    /// Run a journal again and compare every output, bit for bit
    Replay(Replay),
    /// Run a site on the simulated village in made-up time, or blow storms over engine and guard
    Sim(Sim),
    /// Put a policy through scenarios, beside no control, fixed thresholds and an optimum: points
    BenchPolicy(BenchPolicy),
    /// Print the JSON Schema of a site file, from which editors complete
    #[command(after_help = "Example: ballast schema site > site.schema.json")]
    Schema {
        /// Which file
        #[arg(value_enum)]
        file: SchemaFile,
    },
    /// Print completions for a shell
    #[command(after_help = "Example: ballast completions bash > /etc/bash_completion.d/ballast")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a directory
    #[command(after_help = "Example: ballast manual ~/.local/share/man/man1")]
    Manual {
        /// Where
        directory: PathBuf,
    },
}

/// Which running site is meant.
#[derive(Args, Clone, Debug)]
pub struct Site {
    /// The site's directory
    #[arg(long, default_value = ".", value_name = "DIR", global = true)]
    pub site: PathBuf,
    /// Where the running program keeps its state, if not in `.ballast` of the site's directory
    #[arg(long, value_name = "DIR", global = true)]
    pub state: Option<PathBuf>,
}

/// `ballast demo`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast demo                       one minute of village in one second
  ballast demo --start 19:25         just before the main set breaks
  ballast demo --speed 1             as fast as life
  ballast demo --seed 7 --for 2min   another day, and an end")]
pub struct Demo {
    /// How much faster than life
    #[arg(long, default_value_t = 60.0)]
    pub speed: f64,
    /// Number from which the village's chance is drawn
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Local time of the village's day at which it begins
    #[arg(long, value_name = "HH:MM", default_value = "14:00")]
    pub start: String,
    /// Stop after this much time on the wall
    #[arg(long = "for", value_name = "TIME")]
    pub lasting: Option<String>,
    /// Where metrics are served; `off` for nowhere
    #[arg(long, default_value = "127.0.0.1:9464", value_name = "ADDRESS", value_parser = metrics_address)]
    pub metrics: String,
    /// Keep the demonstration's files here instead of a directory that is removed at the end
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

/// `ballast init`
#[derive(Args, Debug)]
#[command(after_help = "Example: ballast init my-site && ballast check my-site")]
pub struct Init {
    /// The directory to make; must not hold a site already
    pub directory: PathBuf,
    /// The site's readable id; absent: from the directory's name
    #[arg(long)]
    pub name: Option<String>,
}

/// An address for the metrics: a host and a port, or `off`.
fn metrics_address(text: &str) -> Result<String, String> {
    let is_address = |(host, port): (&str, &str)| !host.is_empty() && port.parse::<u16>().is_ok();
    if text == "off" || text.rsplit_once(':').is_some_and(is_address) {
        return Ok(text.to_owned());
    }
    Err("write a host and a port from 0 to 65535, as in 127.0.0.1:9464, or `off`".to_owned())
}

/// `ballast run`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast run examples/linky-home
  ballast run my-site --metrics 0.0.0.0:9464 --set tic.port=/dev/ttyAMA0")]
pub struct Run {
    /// The site's directory
    #[arg(default_value = ".")]
    pub site: PathBuf,
    /// Where metrics are served; `off` for nowhere
    #[arg(long, default_value = "127.0.0.1:9464", value_name = "ADDRESS", value_parser = metrics_address)]
    pub metrics: String,
    /// Where state, events and the control socket are kept; absent: `.ballast` in the site's directory
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Believe the wall clock although no time service vouches for it
    #[arg(long)]
    pub trust_clock: bool,
    /// Directory of the guard's sockets, where safety.yaml says that it is a process of its own; absent: as it says there
    #[arg(long, value_name = "DIR")]
    pub guard: Option<PathBuf>,
    /// Give a key of a bus another value: `tic.port=/dev/ttyAMA0`
    #[arg(long = "set", value_name = "BUS.KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Do not load changed files by themselves; only `ballast reload` does
    #[arg(long)]
    pub no_watch: bool,
    /// Print alarms and mistakes only
    #[arg(long, short)]
    pub quiet: bool,
}

/// `ballast check`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast check my-site
  ballast check my-site --explain
  ballast check --code safety::no_safe_state")]
pub struct Check {
    /// The site's directory
    #[arg(default_value = ".")]
    pub site: PathBuf,
    /// Also say what was understood: units of bare numbers, defaults, strengths
    #[arg(long)]
    pub explain: bool,
    /// Explain one code instead of checking a site
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
}

/// Which moment is asked about; none: now.
#[derive(Args, Clone, Debug)]
pub struct Instant {
    /// A past instant: local time of today, a local date and time, or one with its offset (`...Z`, `...+01:00`)
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Answer from this journal, without a running program; without `--at`: for its last moment
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
}

impl Instant {
    /// Whether the present is asked about.
    pub const fn is_now(&self) -> bool {
        self.at.is_none() && self.journal.is_none()
    }
}

/// `ballast why`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast why water_heater
  ballast why water_heater --at 06:30
  ballast why water_heater --at 2026-11-20T06:30 --format json
  ballast why water_heater --journal alarm-20261120T053100Z.journal")]
pub struct Why {
    /// The output
    pub output: String,
    /// Which moment.
    #[command(flatten)]
    pub past: Instant,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// `ballast why-not`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast why-not \"daily minimum\"
  ballast why-not \"night cap [homes_north]\" --at 23:10")]
pub struct WhyNot {
    /// The rule's name
    pub rule: String,
    /// Which moment.
    #[command(flatten)]
    pub past: Instant,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// `ballast history`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast history --last 50
  ballast history water_heater --since 06:30
  ballast history --kind record --last 60 --format json
                                     the means of the last hour")]
pub struct History {
    /// Only about this output, rule, limit or event; absent: about everything
    pub name: Option<String>,
    /// Only of this kind: `output`, `rule_started`, `notice_raised`, `record`, `reload` ...
    #[arg(long)]
    pub kind: Option<String>,
    /// Not before this instant: local time of today, a local date and time, or one with its offset (`...Z`, `...+01:00`)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// The newest so many, at most 10000
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 20,
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=10_000)
    )]
    pub last: usize,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// `ballast reload`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast reload --site my-site
  ballast reload --trial tomorrow    on trial for a day and a night
  ballast reload --accept            load a set that was refused before

What is accepted is written to the audit trail.

Exit codes: 0 the new set runs, 1 refused and nothing changed, 6 it waits for `ballast guard confirm`, as a whole or \
with what would make the safety set looser.")]
pub struct Reload {
    /// Apply although the set was returned from before, or its tests fail
    #[arg(long)]
    pub accept: bool,
    /// How long new and changed rules are on trial, 10min to 7d, or `tomorrow`: until this time tomorrow. Absent: 10min
    #[arg(long, value_name = "TIME")]
    pub trial: Option<String>,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// `ballast request`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast request water_heater closed --for 30min
  ballast request battery.charge_power \"1500 W\" --for 2h
  ballast request battery.power \"-500 W\"")]
pub struct Request {
    /// The output
    pub output: String,
    /// `closed`, `open`, or a quantity for a setpoint
    #[arg(value_name = "STATE", allow_hyphen_values = true)]
    pub wanted: String,
    /// For how long, 7 days at most
    #[arg(long = "for", value_name = "TIME", default_value = "30min")]
    pub lasting: String,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// `ballast release`
#[derive(Args, Debug)]
#[command(after_help = "Example: ballast release water_heater")]
pub struct Release {
    /// The output
    pub output: String,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// `ballast arm`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast arm plug                     the next request moves it
  ballast arm plug && ballast request plug closed --for 1min

A device with `armed: by hand` in site.yaml is read and told nothing: no request, no limit and no safe state, until a \
person says this. What is asked of it already is not carried out. Written to the audit trail; survives restarts.")]
pub struct Arm {
    /// The device, or one of its outputs: all of its outputs are armed together
    pub device: String,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// `ballast disarm`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast disarm plug                  it is at its safe state and stays there
  ballast disarm plug --as-it-is       nothing here opens it any more

Written to the audit trail; survives restarts.")]
pub struct Disarm {
    /// The device, or one of its outputs: all of its outputs are disarmed together
    pub device: String,
    /// Also where an output is not at its safe state: it is left as it is, and no limit protects it
    #[arg(long)]
    pub as_it_is: bool,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// `ballast mode`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast mode            show the mode and the others
  ballast mode away")]
pub struct Mode {
    /// The mode to go to
    pub mode: Option<String>,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// `ballast setting`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast setting                          show all
  ballast setting daily_minimum \"4 kWh\"")]
pub struct Setting {
    /// The setting
    pub name: Option<String>,
    /// Its new value, with its unit
    #[arg(requires = "name", allow_hyphen_values = true)]
    pub value: Option<String>,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// `ballast rule`
#[derive(Args, Debug)]
#[command(after_help = "Example: ballast rule resume \"night cap [homes_north]\"")]
pub struct Rule {
    /// What to do with it.
    #[command(subcommand)]
    pub action: RuleAction,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// What can be done with a rule.
#[derive(Debug, Subcommand)]
pub enum RuleAction {
    /// Take a suspended rule into service again
    Resume {
        /// The rule's name
        name: String,
    },
}

/// `ballast journal`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast journal --output today.journal
  ballast replay today.journal           the same outputs again?")]
pub struct Journal {
    /// Where to write it; absent: into the site's state directory, under the present time
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// `ballast clock`
#[derive(Args, Debug)]
#[command(after_help = "Example: ballast clock trust

The clock of this machine is right then: for 30 days in this boot, until somebody sets it.")]
pub struct Clock {
    /// What to say about it
    #[arg(value_enum)]
    pub trust: Trust,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// What a person says about the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Trust {
    /// It is right; holds for 30 days in this boot, until somebody sets the clock
    Trust,
    /// Only a time service is to be believed
    Distrust,
}

/// `ballast guard`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast guard now                        everything to its safe state, at once
  ballast guard reset \"battery too hot\"    a latched limit is looked at again
  ballast guard confirm 5f0c1b2a99d0e3c7   accept an announced loosening
  ballast guard status                     its process, its set, every output
  ballast guard acl                        an access list for mosquitto

Where safety.yaml has a section `guard:`, these speak to the guard itself, also when no program runs; root and the operators named there may.")]
pub struct Guard {
    /// What to tell it.
    #[command(subcommand)]
    pub action: GuardAction,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
    /// Directory of the guard's sockets, where it is a process of its own; absent: as safety.yaml says
    #[arg(long, value_name = "DIR", global = true)]
    pub sockets: Option<PathBuf>,
}

/// What a person can tell the guard.
#[derive(Debug, Subcommand)]
pub enum GuardAction {
    /// Everything to its safe state, at once
    Now,
    /// Reset a latch
    Reset {
        /// The limit or output that is latched, or the generator that failed
        name: String,
    },
    /// Accept the loosening of the safety set with this fingerprint
    Confirm {
        /// As the reload printed it
        fingerprint: String,
    },
    /// How the guard is: its process, its safety set and every output
    Status,
    /// Print the access list under which nobody but the guard can command MQTT outputs
    #[command(after_help = "Examples:
  ballast guard acl --site my-site > site.acl   for `acl_file` of mosquitto

With the list in force and `exclusive: yes` on the bus in site.yaml, an output with a timer of its own (`reverts_after`) counts as timed.")]
    Acl,
}

/// `ballast replay`
#[derive(Args, Debug)]
#[command(after_help = "Example: ballast replay .ballast/journal-20261122T101500Z.journal")]
pub struct Replay {
    /// The journal
    pub journal: PathBuf,
}

/// Which site file a schema is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaFile {
    /// site.yaml
    Site,
    /// safety.yaml
    Safety,
    /// A device file
    Device,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
