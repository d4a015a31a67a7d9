//! What a bus must reach outside of its process, so that a process can give up everything else.

use super::{Body, OpenBus, Wire};
use ballast_model::device::{BusDefinition, Settings};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where the kernel keeps its devices. A chip may be named by its label alone, and a line that was unplugged comes back as
/// another file: so it is all of the folder or nothing.
const DEVICES: &str = "/dev";

/// What one or several buses must reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Folders with device files.
    pub devices: BTreeSet<PathBuf>,
    /// Files that are read: certificates, keys, passwords.
    pub files: BTreeSet<PathBuf>,
    /// TCP ports to which they connect.
    pub tcp: BTreeSet<u16>,
}

impl Reach {
    /// What this bus must reach, which was opened from this definition.
    pub fn of(definition: &BusDefinition, bus: &OpenBus) -> Self {
        let mut reach = Self { files: files(definition, bus), ..Self::default() };
        match &bus.body {
            Body::Mqtt(mqtt) => _ = reach.tcp.insert(mqtt.connection.port),
            Body::Pins(_) => _ = reach.devices.insert(DEVICES.into()),
            Body::Poll(poll) => poll.wires.iter().for_each(|wire| reach.add(wire)),
            Body::Serial(serial) => reach.add_line(&serial.port),
            Body::Sim(_) => {}
        }
        reach
    }

    fn add(&mut self, wire: &Wire) {
        match wire {
            Wire::Tcp { port, .. } | Wire::Tls { port, .. } => _ = self.tcp.insert(*port),
            Wire::Serial { port, .. } => self.add_line(port),
        }
    }

    fn add_line(&mut self, port: &Path) {
        self.devices.insert(DEVICES.into());
        // A name elsewhere leads to a device, or is one.
        let real = std::fs::canonicalize(port).unwrap_or_else(|_| port.to_owned());
        self.devices.extend(real.parent().filter(|folder| !folder.starts_with(DEVICES)).map(Path::to_owned));
    }

    /// What either must reach.
    pub fn merge(&mut self, other: Self) {
        self.devices.extend(other.devices);
        self.files.extend(other.files);
        self.tcp.extend(other.tcp);
    }
}

fn files(definition: &BusDefinition, bus: &OpenBus) -> BTreeSet<PathBuf> {
    let names = |settings: &Settings| -> Vec<PathBuf> {
        let of = bus.spec().keys().filter(|key| key.is_file).filter_map(|key| settings.get(key.name));
        of.map(PathBuf::from).collect()
    };
    let points = definition.points.iter().map(|point| &point.settings);
    let outputs = definition.outputs.iter().map(|output| &output.settings);
    std::iter::once(&definition.settings).chain(points).chain(outputs).flat_map(names).collect()
}
