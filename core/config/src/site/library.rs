//! Device files: one type of device each, as data over a driver.

use std::collections::{BTreeMap, BTreeSet};

use ballast_model::diagnostic::Diagnostic;

use super::shapes;
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::scalar::{check_name, name, text};
use crate::diagnostics::{Diagnostics, Placed, quote};
use crate::sources::Sources;
use crate::tree::{Entry, Kind, Map, Node, Tree};

/// All device files that a site may use, by name.
#[derive(Clone, Debug, Default)]
pub struct Library<'t> {
    files: BTreeMap<&'t str, DeviceFile<'t>>,
    /// Names of those that the site does not name.
    offered: BTreeSet<&'t str>,
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
            let stem = stem(file_name);
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

    /// With the names of device files that are there and were not read, since the site names none of them.
    pub fn offering(mut self, names: impl IntoIterator<Item = &'t str>) -> Self {
        self.offered.extend(names);
        self
    }

    /// The device file of a name.
    pub fn get(&self, name: &str) -> Option<&DeviceFile<'t>> {
        self.files.get(name)
    }

    /// The names of all device files, in their order.
    pub fn names(&self) -> impl Iterator<Item = &'t str> {
        let all: BTreeSet<&str> = self.files.keys().chain(&self.offered).copied().collect();
        all.into_iter()
    }
}

/// The name of a device by that of its file: `devices/relay.yaml` is `relay`.
pub(crate) fn stem(file_name: &str) -> &str {
    file_name.rsplit('/').next().unwrap_or(file_name).trim_end_matches(".yaml")
}

/// Names of the device files that a site names, as far as its text can be read.
pub(crate) fn named_device_files(site: &Tree) -> BTreeSet<&str> {
    let devices = site.root.as_ref().and_then(|root| root.get("devices"));
    let Some(Node { kind: Kind::Map(devices), .. }) = devices else { return BTreeSet::new() };
    let named = devices.entries.iter().filter_map(|device| match &device.value.get("file")?.kind {
        Kind::Scalar(scalar) => Some(scalar.text.as_str()),
        _ => None,
    });
    named.collect()
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
        for entry in given.iter().flat_map(|map| &map.entries) {
            let inside = format!("${{{}}}", entry.key.text);
            let mut maps = points.iter().chain(&outputs).flat_map(|map| &map.entries);
            if !maps.any(|one| mentions(&one.value, &inside)) {
                out.push(stands_nowhere(entry, &inside));
            }
        }
        Self {
            driver: fields.get("driver").and_then(|node| name(node, out)),
            parameters,
            label: fields.get("label").and_then(|node| text(node, out)).map_or("", |found| found.value),
            points,
            outputs,
        }
    }
}

/// Whether a text stands in a value or in one inside of it.
fn mentions(node: &Node, text: &str) -> bool {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.text.contains(text),
        Kind::Map(map) => map.entries.iter().any(|entry| mentions(&entry.value, text)),
        Kind::List(list) => list.items.iter().any(|item| mentions(item, text)),
        Kind::Unreadable => true,
    }
}

/// What a site gives for it changes nothing, and the site would believe that it does.
fn stands_nowhere(parameter: &Entry, inside: &str) -> Diagnostic {
    let message = format!("nothing takes the parameter {}", quote(&parameter.key.text));
    let help = format!("write `{inside}` where its value belongs, at each point and output, or take it out");
    parameter.key.place().warning(codes::DEVICE_UNUSED_PARAMETER, message).help(help)
}

#[cfg(test)]
mod tests {
    use crate::diagnostics::Diagnostics;
    use crate::load::{File, Files, load};
    use crate::render::{Style, render};
    use crate::sources::Sources;

    const GOOD: &str = "device: relay\nlabel: A\nsource: a sheet\ndriver: mqtt\noutputs: { switch: { kind: contact, command: t } }\n";

    #[test]
    fn a_parameter_that_nothing_takes_is_told() {
        let of = |keys: &str| {
            let file = GOOD.replace(
                "outputs",
                &format!("parameters: {{ url: {{ about: x, default: t }} }}\n{keys}\noutputs"),
            );
            said_with("relay", &file)
        };
        assert!(
            of("").contains("warning[device::unused_parameter]: nothing takes the parameter `url`"),
            "{}",
            of("")
        );
        assert!(of("").contains("relay.yaml:5:"), "{}", of(""));
        assert_eq!(of("points: { p: { flag: true, topic: \"a/${url}/b\" } }"), "");
    }

    /// What is said of a site with a device of this file, beside a good file `relay` and a broken one `broken`.
    fn said(file: &str) -> String {
        said_with(file, GOOD)
    }

    fn said_with(file: &str, relay: &str) -> String {
        let site = format!(
            "site: s\ntime_zone: UTC\nbuses: {{ b: {{ driver: mqtt }} }}\ndevices: {{ d: {{ bus: b, file: {file} }} }}\n"
        );
        let files = Files {
            site: File::Bytes(site.as_bytes()),
            safety: File::Bytes(b"outputs: { d.switch: { safe: open } }\n"),
            devices: vec![
                ("relay.yaml", File::Offered(relay.as_bytes())),
                ("broken.yaml", File::Offered(b"device: [\n")),
            ],
        };
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        load(&files, crate::checks::fixture::DRIVERS, &mut sources, &mut out);
        render(&out, &sources, Style::Plain)
    }

    #[test]
    fn of_the_device_files_of_the_program_those_are_read_that_the_site_names() {
        assert_eq!(said("relay"), "");
        assert!(said("broken").contains("broken.yaml:1"), "{}", said("broken"));
        assert!(said("relya").contains("did you mean `relay`?"), "{}", said("relya"));
    }
}
