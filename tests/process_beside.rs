//! What lies beside a site: the files that it names, and the journals that alarms leave. Without a broker: the values come
//! from a table.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::guard::{ballast_guard, said};
use common::program::{Program, ballast};
use common::{Scratch, wait_for};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

const SITE: &str = "site: beside
uuid: 2b1e0bb2-30c5-5d9f-8f5e-3c9d2f6b7a77
time_zone: Europe/Paris
buses:
  bench: { driver: sim, csv: tables/e.csv }
devices:
  meter:
    bus: bench
    points:
      power: { unit: W, column: power, period: 100 ms, max_age: 5 s }
      frequency: { unit: Hz, column: frequency, period: 100 ms, max_age: 5 s }
  a: { bus: bench, rated: 1 kW, outputs: { contact: { kind: contact } } }
";

const SAFETY: &str = "outputs:
  a: { safe: open, at_start: open, on_silence: safe, lease: 90 s }
limits:
  - name: house full
    when: meter.power > 5 kW
    force: [ { a: open } ]
    until: meter.power < 4 kW
";

/// A site in a folder of its own, with its table.
fn site(table: &str) -> (Scratch, PathBuf) {
    let scratch = Scratch::new("beside");
    let site = scratch.0.join("house");
    for folder in ["rules", "tables"] {
        std::fs::create_dir_all(site.join(folder)).unwrap();
    }
    std::fs::write(site.join("site.yaml"), SITE).unwrap();
    std::fs::write(site.join("safety.yaml"), SAFETY).unwrap();
    std::fs::write(site.join("tables/e.csv"), table).unwrap();
    (scratch, site)
}

fn from(folder: &Path, mut command: Command, arguments: &[&str]) -> Output {
    command.args(arguments).current_dir(folder).output().unwrap()
}

#[test]
fn a_path_in_a_site_is_beside_the_site_wherever_the_process_was_started() {
    let (scratch, site) = site("s,power,frequency\n0,100,50\n");
    let elsewhere = Scratch::new("elsewhere");
    let whole = site.to_str().unwrap();
    for (folder, name) in [(&scratch.0, "house"), (&site, "."), (&elsewhere.0, whole)] {
        let checked = from(folder, ballast(), &["check", name]);
        assert!(checked.status.success(), "{name}: {}", said(&checked));
    }
    // A table that is not there is named in full.
    std::fs::remove_file(site.join("tables/e.csv")).unwrap();
    let refused = said(&from(&scratch.0, ballast(), &["check", "house"]));
    let full = site.join("tables/e.csv");
    assert!(refused.contains(&format!("cannot read {}", full.display())), "{refused}");
}

#[test]
fn the_guard_finds_the_same_file_as_the_program() {
    let (scratch, site) = site("s,power,frequency\n0,100,50\n");
    std::fs::write(site.join("safety.yaml"), format!("{SAFETY}guard: {{}}\n")).unwrap();
    let checked = from(&scratch.0, ballast_guard(), &["house", "--check"]);
    assert!(checked.status.success(), "{}", said(&checked));
    std::fs::remove_file(site.join("tables/e.csv")).unwrap();
    let refused = said(&from(&scratch.0, ballast_guard(), &["house", "--check"]));
    assert!(refused.contains(&format!("cannot read {}", site.join("tables/e.csv").display())), "{refused}");
}

fn journals(site: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(site.join(".ballast")).unwrap().flatten().map(|entry| entry.path());
    files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("alarm-")).collect()
}

#[test]
fn a_start_leaves_no_journal_and_the_first_limit_that_forces_does() {
    // The frequency is not known for three seconds, and the load is too much from the sixth on.
    let (_scratch, site) = site("s,power,frequency\n0,100,\n3,100,50\n6,6000,50\n");
    let loads = "groups:\n  homes: { members: [b] }\n";
    let b = "  b: { bus: bench, rated: 1 kW, outputs: { contact: { kind: contact } } }\n";
    std::fs::write(site.join("site.yaml"), format!("{SITE}{b}{loads}")).unwrap();
    let shedding = "shedding:
  source: [meter.frequency]
  stages:
    - { below: 49 Hz, for: 300 ms, shed: 50 %, from: [homes] }
  restore_at_most: { one_per: 10 s, above: 49.8 Hz }
";
    let b = "  b: { safe: open, at_start: open, on_silence: safe, lease: 90 s }\n";
    let safety = SAFETY.replace("limits:\n", &format!("{b}limits:\n"));
    std::fs::write(site.join("safety.yaml"), format!("{safety}{shedding}")).unwrap();
    let program = Program::run(&site, &["--trust-clock"]);
    program.wait_line("the frequency is unknown", PATIENCE);
    program.wait_line("the frequency is known again", PATIENCE);
    assert_eq!(journals(&site), [] as [PathBuf; 0], "a start is no alarm");
    program.wait_line("limit \"house full\" acts", PATIENCE);
    let journal = wait_for("the journal of the limit", PATIENCE, || journals(&site).pop());
    // Wherever it is run again, without the table that its site names.
    let elsewhere = Scratch::new("elsewhere");
    drop(program);
    std::fs::remove_file(site.join("tables/e.csv")).unwrap();
    let again = from(&elsewhere.0, ballast(), &["replay", journal.to_str().unwrap()]);
    assert!(again.status.success(), "{}", said(&again));
}
