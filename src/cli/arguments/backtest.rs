//! Options and examples of `ballast backtest`.

use clap::{ArgGroup, Args};
use std::path::PathBuf;

/// `ballast backtest`
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("past").required(true).args(["history", "journal"]))]
#[command(after_help = "Examples:
  ballast backtest my-site --with new --history may.csv      other rules
  ballast backtest my-site --with a.rhai --history may.csv   one file of them
  ballast backtest my-site --with new --journal may.journal  on a journal
  ballast backtest my-site --history may.csv                 the site alone

What `--with` names is a folder of rules or a site, whose rules stand in for those of the site, or one file, which stands in for \
that of its name or beside the others.

A table has a column `time` and one for each point; a cell holds a value in the unit of the point, stale, nan or offline, and is \
empty where nothing came:

  time,linky.apparent_power,linky.period
  2026-03-30T20:25:00Z,2000,peak
  2026-03-30T20:25:10Z,2150,

Times are local ones of the site, or have an offset, or are seconds since 1970.

The readings are those of the past: what other rules would have changed in them is not in there. Both sets begin with nothing \
remembered, with the safety file of the site in force; nothing of this machine is read or switched.

Exit codes: 0 done, 1 the past cannot be read, 3 the site, the rules or the table have mistakes.")]
pub struct Backtest {
    /// The site's directory
    #[arg(default_value = ".")]
    pub site: PathBuf,
    /// Other rules: a folder of them, a site, or one file
    #[arg(long, value_name = "RULES")]
    pub with: Option<PathBuf>,
    /// What was read then, as a table (CSV)
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// What was read then, as a journal
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Show so many of the times in which both were not the same
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    pub differences: usize,
}
