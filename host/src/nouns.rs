//! The nouns of a site from its texts: devices, points, outputs, safety set.

use crate::texts::Texts;
use ballast_config::diagnostics::Diagnostics;
use ballast_config::load::{File, Files, Loaded};
use ballast_config::site::DriverFacts;
use ballast_config::sources::Sources;
use ballast_drivers::DRIVERS;
use ballast_model::catalog::Catalog;
use ballast_model::device::BusDefinition;
use include_dir::{Dir, include_dir};
use std::path::Path;

/// The device files that travel inside the program.
static DEVICES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../config/devices");

/// What the configuration must know of each driver.
pub fn driver_facts() -> Vec<DriverFacts> {
    let facts = |spec: &&ballast_drivers::DriverSpec| DriverFacts {
        name: spec.name,
        is_network: spec.is_network,
        strength: spec.strength,
        exclusive_key: spec.exclusive_key,
        is_experimental: spec.is_experimental,
        carries_messages: spec.carries_messages(),
        reads_every: spec.reads_every,
    };
    DRIVERS.iter().map(facts).collect()
}

/// The device file of that name that comes with the program, without `.yaml`.
pub fn device_file(name: &str) -> Option<&'static [u8]> {
    DEVICES.get_file(format!("{name}.yaml")).map(include_dir::File::contents)
}

/// Reads and checks the nouns of a site: everything but its rules. The texts stay in `sources`, mistakes go to `found`.
pub fn load(texts: &Texts, sources: &mut Sources, found: &mut Diagnostics) -> Loaded {
    let file = |name: &str| match (texts.files.get(name), texts.too_large.get(name)) {
        (Some(bytes), _) => File::Bytes(bytes),
        (None, Some(length)) => File::TooLong(*length),
        (None, None) => File::Absent,
    };
    let own =
        DEVICES.files().filter_map(|file| Some((file.path().to_str()?, File::Offered(file.contents()))));
    let of_site = texts.files.iter().filter(|(name, _)| name.starts_with("devices/"));
    let of_site = of_site.map(|(name, bytes)| (name.as_str(), File::Bytes(bytes)));
    let files =
        Files { site: file("site.yaml"), safety: file("safety.yaml"), devices: own.chain(of_site).collect() };
    ballast_config::load::load_with_nouns(&files, &driver_facts(), sources, found)
}

/// Where a site lies, and what was said at the start in place of what stands in its files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// Its folder, beside which every relative path lies that it names; `None` for one that lies nowhere: of the demonstration,
    /// or in a journal.
    pub folder: Option<&'a Path>,
    /// Keys of buses with another value: `tic.port=/dev/ttyAMA0`.
    pub overrides: &'a [String],
}

impl<'a> Given<'a> {
    /// A site in a folder.
    pub fn at(folder: &'a Path, overrides: &'a [String]) -> Self {
        Self { folder: Some(folder), overrides }
    }
}

impl<'a> From<&'a [String]> for Given<'a> {
    fn from(overrides: &'a [String]) -> Self {
        Self { folder: None, overrides }
    }
}

impl<'a, const N: usize> From<&'a [String; N]> for Given<'a> {
    fn from(overrides: &'a [String; N]) -> Self {
        Self { folder: None, overrides }
    }
}

/// Gives keys of buses another value, and makes every path in them one that does not depend on where the process was started;
/// returns a sentence for each override that fits nowhere. Whoever opens buses has been here.
pub fn settle(buses: &mut [BusDefinition], given: Given<'_>) -> Vec<String> {
    let unknown = apply_overrides(buses, given.overrides);
    // Where the present folder cannot be told, there is none either from which a path could be read.
    if let Some(folder) = given.folder.and_then(|folder| std::path::absolute(folder).ok()) {
        buses.iter_mut().for_each(|bus| ballast_drivers::lie_beside(&folder, bus));
    }
    unknown
}

/// Gives keys of buses another value; returns a sentence for each that fits nowhere.
fn apply_overrides(buses: &mut [BusDefinition], overrides: &[String]) -> Vec<String> {
    let mut unknown = Vec::new();
    for text in overrides {
        let parsed = text.split_once('=').and_then(|(path, value)| Some((path.split_once('.')?, value)));
        let Some(((bus, key), value)) = parsed else {
            unknown.push(format!("`--set {text}`: write BUS.KEY=VALUE, as in tic.port=/dev/ttyAMA0\n"));
            continue;
        };
        let Some(bus) = buses.iter_mut().find(|known| &*known.name == bus) else {
            unknown.push(format!("`--set {text}`: the site has no bus `{bus}`\n"));
            continue;
        };
        bus.settings.set(key, value);
    }
    unknown
}

/// Points that do not say how often they are read follow their bus, also where a key of it was given another value.
pub fn follow_buses(buses: &[BusDefinition], catalog: &mut Catalog) {
    for bus in buses {
        if let Some(reads) = ballast_drivers::find(&bus.driver).and_then(|driver| driver.reads_every) {
            ballast_config::site::follow_bus(bus, reads, catalog);
        }
    }
}
