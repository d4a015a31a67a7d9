//! `ballast-guard`: see the library beside it.

use ballast_guardd::arguments::Arguments;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    ballast_guardd::start::main(&Arguments::parse())
}
