//! Device files: one type of device each, as data over a driver.

use std::collections::BTreeMap;

use super::shapes;
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::scalar::{check_name, name, text};
use crate::diagnostics::{Diagnostics, Placed};
use crate::sources::Sources;
use crate::tree::{Map, Node, Tree};

/// All device files that a site may use, by name.
#[derive(Clone, Debug, Default)]
pub struct Library<'t> {
    files: BTreeMap<&'t str, DeviceFile<'t>>,
}

/// One device file.
#[derive(Clone, Debug)]
pub struct DeviceFile<'t> {
    /// The driver that talks to the device.
    pub driver: Option<Placed<&'t str>>,
    /// What the site must or may say.
    pub parameters: BTreeMap<&'t str, Parameter<'t>>,
    /// Maker and model.
    pub label: &'t str,
    /// Points by name.
    pub points: Option<&'t Map>,
    /// Outputs by name.
    pub outputs: Option<&'t Map>,
}

/// One parameter of a device file.
#[derive(Clone, Debug)]
pub struct Parameter<'t> {
    /// What it is, for people.
    pub about: &'t str,
    /// What it is when the site says nothing.
    pub default: Option<&'t Node>,
}

impl<'t> Library<'t> {
    /// Reads all device files.
    pub fn read(trees: &'t [Tree], sources: &Sources, out: &mut Diagnostics) -> Self {
        let mut library = Self::default();
        for tree in trees {
            let Some(root) = &tree.root else { continue };
            let Some(fields) = Fields::read(root, &shapes::DEVICE_FILE, out) else { continue };
            let Some(device) = fields.get("device").and_then(|node| text(node, out)) else { continue };
            let file_name = sources.name(tree.file);
            let stem = file_name.rsplit('/').next().unwrap_or(file_name).trim_end_matches(".yaml");
            if stem != device.value {
                let message = format!("the file is called `{stem}.yaml` and says `device: {}`", device.value);
                out.push(
                    device.place.mistake(codes::DEVICE_FILE_NAME, message).help("give both the same name"),
                );
            }
            library.files.insert(device.value, DeviceFile::read(&fields, out));
        }
        library
    }

    /// The device file of a name.
    pub fn get(&self, name: &str) -> Option<&DeviceFile<'t>> {
        self.files.get(name)
    }

    /// The names of all device files.
    pub fn names(&self) -> impl Iterator<Item = &'t str> {
        self.files.keys().copied()
    }
}

impl<'t> DeviceFile<'t> {
    fn read(fields: &Fields<'t>, out: &mut Diagnostics) -> Self {
        let mut parameters = BTreeMap::new();
        let given =
            fields.get("parameters").and_then(|node| crate::decode::map(node, "a map of parameters", out));
        for entry in given.iter().flat_map(|map| &map.entries) {
            if !check_name(&entry.key.text, entry.key.place(), out) {
                continue;
            }
            let Some(parameter) = Fields::read(&entry.value, &shapes::PARAMETER, out) else { continue };
            let about =
                parameter.get("about").and_then(|node| text(node, out)).map_or("", |found| found.value);
            parameters
                .insert(entry.key.text.as_str(), Parameter { about, default: parameter.get("default") });
        }
        let mut map = |key: &str, expected: &str| {
            fields.get(key).and_then(|node| crate::decode::map(node, expected, out))
        };
        let points = map("points", "a map of points");
        let outputs = map("outputs", "a map of outputs");
        Self {
            driver: fields.get("driver").and_then(|node| name(node, out)),
            parameters,
            label: fields.get("label").and_then(|node| text(node, out)).map_or("", |found| found.value),
            points,
            outputs,
        }
    }
}
