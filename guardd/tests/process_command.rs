//! The guard's command line: help, mistakes in the files, its man page.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder that ends with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ballast-guard-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.join(file), text).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const SITE: &str = "site: farm
uuid: 3a3f7a50-3f4e-5c63-8a0b-4f5e9b1f2f79
time_zone: Europe/Paris
buses: { bench: { driver: sim } }
devices:
  heater: { bus: bench, outputs: { heater: { kind: contact } } }
";
const SAFETY: &str = "guard: { program: root }\noutputs: { heater: { safe: open } }\n";

fn guard(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ballast-guard")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

#[test]
fn help_shows_examples_and_exit_codes() {
    let output = guard(&[Path::new("--help")]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for words in ["Examples:", "--make-safe", "ballast guard confirm FINGERPRINT", "Exit codes:"] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    assert!(!said.contains("--write-manual"), "{said}");
    let output = guard(&[]);
    assert_eq!(output.status.code(), Some(2), "a site is needed");
}

#[test]
fn its_page_is_one_of_section_8() {
    let place = Scratch::new("page");
    let output = guard(&[Path::new("--write-manual"), &place.0]);
    assert!(output.status.success(), "{}", said(&output));
    let page = std::fs::read_to_string(place.0.join("ballast-guard.8")).unwrap();
    assert!(page.contains(".TH ballast-guard 8") && page.contains("make\\-safe"), "{page}");
}

#[test]
fn files_with_mistakes_are_named_with_their_place_and_nothing_starts() {
    let site = Scratch::new("files");
    site.write("site.yaml", SITE);
    site.write("safety.yaml", SAFETY);
    let checked = guard(&[&site.0, Path::new("--check")]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    site.write("safety.yaml", &SAFETY.replace("safe: open", "safe: opn, lease: 0 s"));
    for arguments in [&[site.0.as_path(), Path::new("--check")][..], &[site.0.as_path()]] {
        let output = guard(arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("safety.yaml:2:") && said.contains("opn") && said.contains("lease"), "{said}");
    }
    // A set without the section is not for it.
    site.write("safety.yaml", "outputs: { heater: { safe: open } }\n");
    let output = guard(&[&site.0]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("no section `guard:`"), "{}", said(&output));
}
