//! The command line: what can be said, and what answers.
//!
//! Commands that look at files ([`check`], [`device`], [`history`], [`init`], [`replay`]) work alone; commands that look at
//! a running program ([`remote`]) speak to it through its control socket; a question about the past ([`past`]) is answered
//! from its journal.

pub mod arguments;
pub mod backtest;
pub mod bar;
pub mod bench_policy;
pub mod check;
pub mod confinement;
pub mod demo;
pub mod detect;
pub mod device;
pub mod guard;
pub mod history;
pub mod init;
pub mod past;
pub mod remote;
pub mod replay;
pub mod run;
pub mod shadow;
pub mod shells;
pub mod sim;
pub mod terminal;
pub mod test;
pub mod times;

use arguments::{Arguments, Command, FormatWord};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use std::process::ExitCode;

/// What a command says to the shell that called it; listed in the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// What was asked for was refused or failed.
    Failed,
    /// The site has mistakes.
    Mistakes,
    /// A replay gave other outputs than the journal.
    Diverged,
    /// No program runs on this site, or it does not answer.
    NotRunning,
    /// Who read the output has gone away.
    Unread,
    /// A new set, or what is looser in it, waits for a person's word.
    Waits,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        // 2 is clap's own code for a wrong command line.
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Mistakes => 3,
            Exit::Diverged => 4,
            Exit::NotRunning => 5,
            Exit::Waits => 6,
            // As a shell gives a program that SIGPIPE ended.
            Exit::Unread => 128 + 13,
        })
    }
}

/// Reads the command line and runs the command.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let is_junit = arguments.format == FormatWord::Junit;
    if is_junit && !matches!(arguments.command, Command::Test(_)) {
        Arguments::command()
            .error(ErrorKind::InvalidValue, "only `ballast test` has the format junit")
            .exit();
    }
    let output = terminal::Output::new(arguments.format.format(), arguments.language);
    match arguments.command {
        Command::Demo(options) => demo::run(&options, output),
        Command::Init(options) => init::run(&options, &output),
        Command::Detect(options) => detect::run(&options, &output),
        Command::Device(options) => device::run(&options, &output),
        Command::Run(options) => run::run(&options, output),
        Command::Check(options) => check::run(&options, &output),
        Command::Test(options) => test::run(&options, is_junit, &output),
        Command::Backtest(options) => backtest::run(&options, &output),
        Command::Shadow(options) => shadow::run(&options, &output),
        Command::Replay(options) => replay::run(&options, &output),
        Command::BenchPolicy(options) => bench_policy::run(&options, &output),
        Command::Sim(options) => sim::run(&options, &output),
        Command::Schema { file } => check::schema(file, &output),
        Command::Completions { shell } => shells::completions(shell, &output),
        Command::Manual { directory } => shells::manual(&directory, &output),
        Command::Why(options) => remote::why(&options, &output),
        Command::WhyNot(options) => remote::why_not(&options, &output),
        Command::History(options) => history::run(&options, &output),
        Command::Status(site) => remote::status(&site, &output),
        Command::Reload(options) => remote::reload(&options, &output),
        Command::Request(options) => remote::request(&options, &output),
        Command::Release(options) => remote::release(&options, &output),
        Command::Arm(options) => guard::arm(&options, &output),
        Command::Disarm(options) => guard::disarm(&options, &output),
        Command::Mode(options) => remote::mode(&options, &output),
        Command::Setting(options) => remote::setting(&options, &output),
        Command::Rule(options) => remote::rule(&options, &output),
        Command::Journal(options) => remote::journal(&options, &output),
        Command::Clock(options) => remote::clock(&options, &output),
        Command::Guard(options) => guard::guard(&options, &output),
    }
    .into()
}
