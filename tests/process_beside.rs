//! What lies beside a site: the files that it names.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::Scratch;
use common::guard::ballast_guard;
use common::program::ballast;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
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
