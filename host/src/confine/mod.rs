//! What a process gives up once it has begun: files, ports, signals to others, system calls.
//!
//! A program that was taken over by somebody can then do no more than it must be able to do anyway. The kernel
//! enforces it (Landlock, seccomp), for good: nothing given up here comes back before the process ends. What a kernel
//! does not know is left out and said; the units of systemd fence the same things from outside.
//!
//! It must be called before the first thread is started: Landlock binds the thread that calls it and those that it starts.

// The processors for which the filter can be made.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
mod calls;
mod files;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
mod calls {
    pub(super) fn give_up(_: super::Role, _: bool) -> Result<(), String> {
        Err(format!("seccomp: no filter for {}", std::env::consts::ARCH))
    }
}

use ballast_drivers::Reach;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Which of both processes it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has the outputs: no system call that is not on its list.
    Guard,
    /// It has the rules: no device, and no system call by which one process gets at another or at the machine.
    Program,
}

/// What a process goes on needing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Folders and files that it reads.
    pub reads: BTreeSet<PathBuf>,
    /// Folders in which it makes, changes and removes files.
    pub writes: BTreeSet<PathBuf>,
    /// Folders with device files.
    pub devices: BTreeSet<PathBuf>,
    /// TCP ports to which it connects; `None`: any.
    pub connects: Option<BTreeSet<u16>>,
    /// TCP ports on which it listens; 0: one that the machine chooses.
    pub listens: BTreeSet<u16>,
}

/// Names of hosts are asked for here when an answer over UDP was too long.
const DNS: u16 = 53;

impl Needs {
    /// Needs nothing but to connect nowhere.
    pub fn new() -> Self {
        Self { connects: Some(BTreeSet::new()), ..Self::default() }
    }

    /// What its buses reach, besides.
    pub fn reach(&mut self, reach: Reach) {
        // A file is replaced by a new one of the same name: the folder stays.
        self.reads.extend(reach.files.iter().map(|file| folder_of(file)));
        self.devices.extend(reach.devices);
        if let Some(connects) = &mut self.connects {
            connects.extend(reach.tcp);
        }
    }

    /// Whether it goes out to a network at all.
    fn is_networked(&self) -> bool {
        self.connects.as_ref().is_none_or(|ports| !ports.is_empty()) || !self.listens.is_empty()
    }

    /// The ports to which it connects, with those that come along.
    fn ports(&self) -> Option<BTreeSet<u16>> {
        let mut ports = self.connects.clone()?;
        if !ports.is_empty() {
            ports.insert(DNS);
        }
        Some(ports)
    }
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => ".".into(),
    }
}

/// What the kernel made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confined {
    /// Files that are not its business cannot be opened.
    pub files: bool,
    /// TCP ports that are not its business cannot be used.
    pub ports: bool,
    /// No other process can be sent a signal.
    pub signals: bool,
    /// System calls that are not its business fail.
    pub calls: bool,
    /// Why something is missing.
    pub lacks: Vec<String>,
}

impl Confined {
    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.files && self.ports && self.signals && self.calls
    }
}

/// Gives up everything else, for the calling thread and every one that it starts from now on.
pub fn confine(role: Role, needs: &Needs) -> Confined {
    let mut confined =
        Confined { files: false, ports: false, signals: false, calls: false, lacks: Vec::new() };
    files::give_up(needs, &mut confined);
    // Last: it forbids what the others take.
    match calls::give_up(role, needs.is_networked()) {
        Ok(()) => confined.calls = true,
        Err(reason) => confined.lacks.push(reason),
    }
    confined
}
