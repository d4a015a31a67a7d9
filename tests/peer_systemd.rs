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

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
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
