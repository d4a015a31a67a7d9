//! Where the kernel has no watches left, changed files are found by looking, and people are told.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::program::Program;
use common::{Scratch, wait_for};
use std::process::Command;
use std::time::Duration;

/// More than the ten seconds after which files are looked at.
const PATIENCE: Duration = Duration::from_secs(40);
/// A namespace of its own for users is the only place where one may take all watches away.
const APART: [&str; 3] = ["unshare", "--user", "--map-root-user"];
const NO_WATCHES: &str = "echo 0 > /proc/sys/user/max_inotify_instances";

fn site() -> Scratch {
    let site = Scratch::new("watch");
    let made = common::program::ballast().arg("init").arg(site.0.join("house")).output().unwrap();
    assert!(made.status.success());
    site
}

#[test]
fn a_kernel_without_watches_is_told_and_files_are_found_all_the_same() {
    let can = Command::new(APART[0]).args(&APART[1..]).args(["sh", "-c", NO_WATCHES]).output();
    if !can.as_ref().is_ok_and(|output| output.status.success()) {
        println!("skipped: a kernel without watches: no namespace can be made here: {can:?}");
        return;
    }
    let scratch = site();
    let site = scratch.0.join("house");
    let script = format!("{NO_WATCHES}; exec \"$@\"");
    let outer = [&APART[..], &["sh", "-c", &script, "sh"]].concat();
    let program = Program::run_under(&outer, &site, &[]);
    program.wait_line("the kernel does not tell of changed files", PATIENCE);
    let shown = |line: &str| program.get("/metrics").lines().any(|found| found == line);
    assert!(shown("ballast_files_watched 0"));
    scratch.edit("house/rules/heating.rhai", "keep warm", "keep hot");
    program.wait_line("added \"keep hot\"", PATIENCE);
}

#[test]
fn a_kernel_with_watches_is_not_mentioned() {
    let scratch = site();
    let site = scratch.0.join("house");
    let program = Program::run(&site, &[]);
    wait_for("the metric", PATIENCE, || {
        program.get("/metrics").contains("\nballast_files_watched 1\n").then_some(())
    });
    assert!(!program.lines().iter().any(|line| line.contains("the kernel does not tell")));
    drop(program);
    let program = Program::run(&site, &["--no-watch"]);
    let page = program.get("/metrics");
    assert!(page.contains("ballast_build_info"), "{page}");
    assert!(!page.contains("ballast_files_watched"));
}
