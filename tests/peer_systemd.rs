//! The units of systemd, as systemd itself reads them: nothing in them is unknown to it, and little of the machine is open
//! to the two processes.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::panic,
    reason = "a failing test is its own message"
)]

mod common;

use common::Scratch;
use common::guard::said;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Most that `systemd-analyze security` may say of each: 0 is open to nothing, 10 to everything.
const EXPOSED_MOST: [(&str, Profile, f64); 3] = [
    ("ballast-guard.service", Profile::Local, 1.5),
    ("ballast-guard.service", Profile::Networked, 2.5),
    ("ballast.service", Profile::Local, 3.0),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Profile {
    Local,
    Networked,
}

/// The units as `make install` writes them, with the programs where they are now.
struct Units {
    folder: Scratch,
}

impl Units {
    fn new(name: &str, profile: Profile) -> Option<Self> {
        let program = Path::new(env!("CARGO_BIN_EXE_ballast"));
        if !program.with_file_name("ballast-guard").exists() {
            eprintln!(
                "skipped: units of systemd: ballast-guard is not built beside ballast (cargo build --workspace)"
            );
            return None;
        }
        let folder = Scratch::new(name);
        let bin = folder.0.join("bin");
        std::os::unix::fs::symlink(program.parent()?, &bin).unwrap();
        for unit in ["ballast.service", "ballast-guard.service"] {
            let text = std::fs::read_to_string(sources().join(unit)).unwrap();
            let text = text.replace("@PREFIX@", &folder.0.display().to_string());
            std::fs::write(folder.0.join(unit), text).unwrap();
        }
        if profile == Profile::Networked {
            let drop_in = folder.0.join("ballast-guard.service.d");
            std::fs::create_dir(&drop_in).unwrap();
            std::fs::copy(sources().join("network.conf"), drop_in.join("network.conf")).unwrap();
        }
        Some(Self { folder })
    }

    fn analyze(&self, arguments: &[&str], unit: &str) -> Option<Output> {
        let mut command = Command::new("systemd-analyze");
        command.args(arguments).arg(self.folder.0.join(unit)).env("LC_ALL", "C.UTF-8");
        match command.output() {
            Ok(output) => Some(output),
            Err(error) => {
                eprintln!("skipped: units of systemd: systemd-analyze does not run: {error}");
                None
            }
        }
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd")
}

#[test]
fn systemd_knows_every_key_of_the_units() {
    let Some(units) = Units::new("units-keys", Profile::Networked) else { return };
    for unit in ["ballast.service", "ballast-guard.service"] {
        let Some(output) = units.analyze(&["verify", "--man=no"], unit) else { return };
        let said = said(&output);
        // Units of the machine itself are read along and may be wanting on a machine without systemd.
        let own: Vec<&str> = said.lines().filter(|line| line.contains("ballast")).collect();
        assert!(own.is_empty(), "{unit}: {said}");
    }
}

#[test]
fn little_of_the_machine_is_open_to_them() {
    for (unit, profile, most) in EXPOSED_MOST {
        let Some(units) = Units::new("units-exposed", profile) else { return };
        let arguments = ["security", "--offline=true", "--no-pager"];
        let Some(output) = units.analyze(&arguments, unit) else { return };
        let said = said(&output);
        let line = said.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_default();
        let level = line.split_whitespace().find_map(|word| word.parse::<f64>().ok());
        let level = level.unwrap_or_else(|| panic!("no level: {said}"));
        println!("{unit} {profile:?}: exposed {level} of at most {most}");
        assert!(level <= most, "{unit} {profile:?} is exposed {level}, more than {most}:\n{said}");
    }
}

/// The value of a key in a unit as it lies in the project; the last one counts, as for systemd.
fn setting(unit: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(sources().join(unit)).unwrap();
    let mut values = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    values.next_back().map(str::to_owned)
}

const PROGRAM: &str = "ballast.service";
const GUARD: &str = "ballast-guard.service";

/// The group of the program has an end to its memory and the guard's has none; where the whole machine is short, the kernel
/// takes the guard last.
#[test]
fn fault_22_a_program_that_eats_memory_ends_before_the_guard() {
    let megabytes =
        |key: &str| setting(PROGRAM, key).and_then(|most| most.strip_suffix('M')?.parse::<u32>().ok());
    assert!(megabytes("MemoryMax").is_some_and(|most| most <= 512), "{:?}", setting(PROGRAM, "MemoryMax"));
    assert_eq!(setting(PROGRAM, "MemorySwapMax").as_deref(), Some("0"));
    for key in ["MemoryMax", "MemoryHigh"] {
        assert_eq!(setting(GUARD, key), None, "{key} stands against the guard");
    }
    let score = |unit| setting(unit, "OOMScoreAdjust").map_or(0, |score| score.parse::<i32>().unwrap());
    assert!(score(GUARD) <= -900 && score(GUARD) < score(PROGRAM), "{} {}", score(GUARD), score(PROGRAM));
}

/// A guard that does not say in time that its deciding thread turns is killed, and what it held is made safe by a process
/// that lives no longer than that.
#[test]
fn fault_35_a_guard_that_hangs_is_ended_and_made_safe() {
    let seconds =
        setting(GUARD, "WatchdogSec").and_then(|patience| patience.strip_suffix('s')?.parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| (1..=5).contains(&seconds)), "{seconds:?}");
    assert!(setting(GUARD, "ExecStopPost").is_some_and(|command| command.ends_with("--make-safe")));
    assert_eq!(setting(GUARD, "Restart").as_deref(), Some("always"));
}

/// A program that dies five times in ten minutes is not started any more: its outputs are safe, and stay so. The guard is
/// started again whatever happens.
#[test]
fn fault_36_a_program_that_dies_again_and_again_is_left_and_the_guard_is_not() {
    assert_eq!(setting(PROGRAM, "StartLimitIntervalSec").as_deref(), Some("10min"));
    assert_eq!(setting(PROGRAM, "StartLimitBurst").as_deref(), Some("5"));
    // Without an interval systemd counts nothing.
    assert_eq!(setting(GUARD, "StartLimitIntervalSec").as_deref(), Some("0"));
    // The end of one does not take the other with it.
    for unit in [PROGRAM, GUARD] {
        for key in ["Requires", "BindsTo", "PartOf", "Requisite"] {
            assert_eq!(setting(unit, key), None, "{unit} hangs on another one by {key}");
        }
    }
}
