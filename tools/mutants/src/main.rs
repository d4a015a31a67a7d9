//! Tries every change that cargo-mutants lists with one build in place of one build each.
//!
//! cargo-mutants builds the crate and its tests anew for every change: for two thousand changes that takes hours, of which
//! the tests are minutes. Here every function gets the bodies of all its changes beside its own (*weaving*), the crate and
//! its tests are built once, and an environment variable says which change is in force:
//!
//! ```text
//! fn may_close(&self) -> bool {
//!     match crate::ballast_mutant() {
//!         17 => { self.is_free || self.is_armed }     // the change 17 of the list
//!         _ => { self.is_free && self.is_armed }
//!     }
//! }
//! ```
//!
//! What a change is, and its name, comes from cargo-mutants alone; a change that this way cannot show (a `const fn`, a
//! function that returns `impl Trait`) is handed back for it to try. `scripts/mutants.sh` is how it is called.
//!
//! | module | holds |
//! |---|---|
//! | [`list`] | what cargo-mutants lists |
//! | [`weave`] | the source with all changes in it |
//! | [`compile`] | building it, and which changes the compiler refuses |
//! | [`trial`] | the tests, once for each change |

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a tool for the terminal")]

mod compile;
mod list;
mod trial;
mod weave;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

const USAGE: &str = "\
Usage: ballast-mutants --list LIST.json --tree TREE --package NAME --out FOLDER [OPTIONS]

  --list FILE       what `cargo mutants --list --json` printed
  --tree FOLDER     a copy of the workspace, whose source is woven
  --package NAME    the package that is changed
  --out FOLDER      gets caught.txt, missed.txt, timeout.txt, unviable.txt, left.txt
  --only FILE       only the changes that stand in this file, by their names
  --build ARGUMENT  for cargo, each (--lib, --test=NAME, --profile=NAME)
  --skip TEST       a test that is not run, each
  --jobs NUMBER     trials at the same time [default: 2]

Exit codes: 0 every change was noticed, 2 some were missed, 1 it could not be tried.";

/// What is asked for.
#[derive(Default)]
struct Wishes {
    list: PathBuf,
    tree: PathBuf,
    package: String,
    out: PathBuf,
    only: Option<PathBuf>,
    build: Vec<String>,
    skip: Vec<String>,
    jobs: usize,
}

fn wishes() -> Result<Wishes, String> {
    let mut wishes = Wishes { jobs: 2, ..Wishes::default() };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name}: what?\n\n{USAGE}"))?;
        match name.as_str() {
            "--list" => wishes.list = value.into(),
            "--tree" => wishes.tree = value.into(),
            "--package" => wishes.package = value,
            "--out" => wishes.out = value.into(),
            "--only" => wishes.only = Some(value.into()),
            "--build" => wishes.build.push(value),
            "--skip" => wishes.skip.push(value),
            "--jobs" => wishes.jobs = value.parse().map_err(|_| format!("--jobs {value}: not a number"))?,
            _ => return Err(format!("{name} is not an option\n\n{USAGE}")),
        }
    }
    Ok(wishes)
}

fn main() {
    match wishes().map_err(Into::into).and_then(|wishes| run(&wishes)) {
        Ok(0) => {}
        Ok(_) => std::process::exit(2),
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(1);
        }
    }
}

/// Weaves, builds and tries; gives how many changes were missed.
fn run(wishes: &Wishes) -> Result<usize, Box<dyn Error>> {
    let mut mutants = list::read(&wishes.list)?;
    if let Some(only) = &wishes.only {
        let text = fs::read_to_string(only)?;
        let names: BTreeSet<&str> = text.lines().collect();
        mutants.retain(|mutant| names.contains(mutant.name.as_str()));
    }
    let begin = Instant::now();
    let woven = compile::weave_and_build(&wishes.tree, &wishes.package, &wishes.build, &mutants)?;
    eprintln!("{} changes woven and built in {} s", woven.tried.len(), begin.elapsed().as_secs());
    let begin = Instant::now();
    let trials = trial::Trials { programs: &woven.programs, skip: &wishes.skip, jobs: wishes.jobs };
    let found = trials.run(&woven.tried, &mutants)?;
    eprintln!("tried in {} s", begin.elapsed().as_secs());

    fs::create_dir_all(&wishes.out)?;
    let missed = write(&wishes.out, "missed", &mutants, &found.missed)?;
    let caught = write(&wishes.out, "caught", &mutants, &found.caught)?;
    let timeout = write(&wishes.out, "timeout", &mutants, &found.timeout)?;
    let unviable = write(&wishes.out, "unviable", &mutants, &woven.unviable)?;
    let left = write(&wishes.out, "left", &mutants, &woven.left)?;
    println!(
        "{} changes: {caught} noticed, {timeout} did not end, {unviable} do not build, {missed} missed, {left} left to cargo-mutants",
        mutants.len()
    );
    Ok(missed)
}

/// Writes the names of some changes, a line each, in the order of the list.
fn write(out: &Path, what: &str, mutants: &[list::Mutant], ids: &BTreeSet<usize>) -> std::io::Result<usize> {
    let names = ids.iter().filter_map(|id| mutants.get(*id)).map(|mutant| format!("{}\n", mutant.name));
    fs::write(out.join(format!("{what}.txt")), names.collect::<String>())?;
    Ok(ids.len())
}
