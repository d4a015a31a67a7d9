//! `ballast-guard`: see the library beside it.

use ballast_guardd::arguments::Arguments;
use ballast_guardd::log::{self, Weight};
use ballast_words::process;
use clap::{CommandFactory, Parser};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match &arguments.write_manual {
        Some(directory) => write_manual(directory),
        None => ballast_guardd::start::main(&arguments),
    }
}

/// In section 8, of what a system runs: `ballast-guard(1)` is the command `ballast guard`.
fn write_manual(directory: &Path) -> ExitCode {
    let mut page = Vec::new();
    let written = clap_mangen::Man::new(Arguments::command())
        .section("8")
        .render(&mut page)
        .and_then(|()| std::fs::create_dir_all(directory))
        .and_then(|()| std::fs::write(directory.join("ballast-guard.8"), &page));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let (shown, error) = (directory.display().to_string(), error.to_string());
            log::tell(Weight::Alarm, |language| process::no_manual(&shown, &error, language));
            ExitCode::FAILURE
        }
    }
}
