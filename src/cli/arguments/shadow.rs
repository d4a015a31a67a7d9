//! Options and examples of `ballast shadow`.

use super::Site;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `ballast shadow`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast shadow start new     a folder of rules, beside those that run
  ballast shadow start a.rhai  one file of them
  ballast shadow               where would they not do the same, and why?
  ballast shadow promote       the candidate takes over
  ballast shadow drop          or it does not

A candidate gets the readings of the running site, what people ask for, and a guard of its own, and moves nothing. It goes on from what \
the running rules know. Where it does not keep up, readings are dropped and counted. It ends when the site is loaded anew and when the \
program ends, which the next run tells.

`promote` writes the candidate's files into the site's rules, keeps the old ones beside them (`a.rhai~`), and loads the site on \
trial, as a reload does; what is refused is taken back.")]
pub struct Shadow {
    /// What to do; nothing: say how the candidate goes.
    #[command(subcommand)]
    pub action: Option<ShadowAction>,
    /// Which site.
    #[command(flatten)]
    pub site: Site,
}

/// What can be done with a candidate.
#[derive(Debug, Subcommand)]
pub enum ShadowAction {
    /// Let other rules run beside the running ones, with their outputs disconnected
    #[command(after_help = "Example: ballast shadow start new-rules --site my-site")]
    Start {
        /// Other rules: a folder of them, a site, or one file
        rules: PathBuf,
    },
    /// Put the candidate's rules into the site and load them, on trial
    #[command(after_help = "Example: ballast shadow promote --site my-site")]
    Promote {
        /// Although the site's files changed since the candidate began, or the set was refused before
        #[arg(long)]
        accept: bool,
    },
    /// End the candidate; the site stays as it is
    #[command(after_help = "Example: ballast shadow drop --site my-site")]
    Drop,
}
