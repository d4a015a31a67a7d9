//! Buses and devices: who hangs where, with the points and outputs of the device file and of the site.

use ballast_model::Finite;
use ballast_model::catalog::{DeviceId, DeviceSpec, Noun, OutputId};
use ballast_model::device::{BusDefinition, OutputDefinition, PointDefinition, Setting, Settings};

use super::library::{DeviceFile, Library};
use super::parameters::Given;
use super::{DriverFacts, SiteDraft, add_name, generators, outputs, points, shapes};
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::quantity::positive;
use crate::decode::scalar::{check_name, name, text};
use crate::diagnostics::{Diagnostics, Place, quote, suggest};
use crate::fingerprint::Fingerprint;
use crate::tree::{Entry, Key, Kind, Map, Node};

/// `buses:` and `devices:`.
pub(super) fn read(
    fields: &Fields<'_>,
    library: &Library<'_>,
    drivers: &[DriverFacts],
    draft: &mut SiteDraft,
    out: &mut Diagnostics,
) {
    if let Some(buses) = fields.get("buses").and_then(|node| crate::decode::map(node, "a map of buses", out))
    {
        for entry in &buses.entries {
            if check_name(&entry.key.text, entry.key.place(), out) {
                read_bus(entry, drivers, draft, out);
            }
        }
    }
    let Some(devices) =
        fields.get("devices").and_then(|node| crate::decode::map(node, "a map of devices", out))
    else {
        return;
    };
    draft.is_complete &= devices.is_complete;
    for entry in &devices.entries {
        // A device that cannot be read takes its names with it: nothing is said about those.
        if !check_name(&entry.key.text, entry.key.place(), out) {
            draft.is_complete = false;
        } else if Device::read(entry, library, drivers, draft, out).is_none() {
            draft.catalog.lose(&entry.key.text);
        }
    }
}

fn read_bus(
    entry: &Entry,
    drivers: &[DriverFacts],
    draft: &mut SiteDraft,
    out: &mut Diagnostics,
) -> Option<()> {
    let fields = Fields::read(&entry.value, &shapes::BUS, out)?;
    let driver = fields.get("driver").and_then(|node| name(node, out))?;
    if !drivers.iter().any(|known| known.name == driver.value) {
        let message = format!("there is no driver {}", quote(driver.value));
        let mut diagnostic = driver.place.mistake(codes::BUS_DRIVER, message);
        diagnostic.help = suggest(driver.value, drivers.iter().map(|known| known.name), "the drivers are");
        out.push(diagnostic);
    }
    draft.buses.push(BusDefinition {
        name: entry.key.text.as_str().into(),
        driver: driver.value.into(),
        driver_at: (driver.place.file, driver.place.span),
        settings: settings(&fields, out),
        points: Vec::new(),
        outputs: Vec::new(),
    });
    Some(())
}

/// A device while it is read.
struct Device<'a> {
    id: DeviceId,
    name: &'a str,
    bus: usize,
    driver: Option<&'a DriverFacts>,
    place: Place,
}

impl<'a> Device<'a> {
    fn read(
        entry: &'a Entry,
        library: &Library<'a>,
        drivers: &'a [DriverFacts],
        draft: &mut SiteDraft,
        out: &mut Diagnostics,
    ) -> Option<()> {
        let fields = Fields::read(&entry.value, &shapes::DEVICE, out)?;
        let bus = find_bus(&fields, draft, out);
        let file = find_file(&fields, library, out);
        let label = fields.get("label").and_then(|node| text(node, out)).map_or("", |found| found.value);
        let rated = fields.get("rated").and_then(|node| positive(node, ballast_model::Dimension::Power, out));
        let id = DeviceId(crate::sources::saturate(draft.catalog.devices.len()));
        draft.catalog.devices.push(DeviceSpec {
            name: entry.key.text.as_str().into(),
            label: label.into(),
            outputs: Vec::new(),
        });
        draft.rated.push(rated.map(|found| found.value.base));
        let (bus, file) = (bus?, file.ok()?);
        let driver_name = draft.buses.get(bus).map(|bus| bus.driver.clone()).unwrap_or_default();
        check_driver(&fields, file, &driver_name, out);
        let driver = drivers.iter().find(|driver| *driver.name == *driver_name);
        let device = Self { id, name: &entry.key.text, bus, driver, place: entry.key.place() };
        device.read_contents(&fields, file, draft, out);
        generators::declare(&fields, id, device.place, draft, out);
        Some(())
    }

    /// The points and outputs of the device file with what the site changes, and those of the site alone.
    fn read_contents(
        &self,
        fields: &Fields<'a>,
        file: Option<&DeviceFile<'a>>,
        draft: &mut SiteDraft,
        out: &mut Diagnostics,
    ) {
        let with = fields.get("with").and_then(|node| crate::decode::map(node, "a map of parameters", out));
        let given = match file {
            Some(file) => Given::new(&file.parameters, with, self.name, self.place, out),
            None => Given::default(),
        };
        if let (None, Some(_)) = (file, with) {
            let message = "`with` fills in the parameters of a device file, and there is none";
            out.push(fields.place("with").mistake(codes::DEVICE_PARAMETER, message).help("name the `file`"));
        }
        let mut contents = |key: &str, of_file: Option<&Map>| {
            let of_site = fields.get(key).and_then(|node| crate::decode::map(node, "a map", out));
            let filled: Vec<Entry> = of_file
                .iter()
                .flat_map(|map| &map.entries)
                .map(|entry| Entry { key: entry.key.clone(), value: given.fill(&entry.value, out) })
                .collect();
            merge(filled, of_site)
        };
        let points = contents("points", file.and_then(|file| file.points));
        let outputs = contents("outputs", file.and_then(|file| file.outputs));
        if points.is_empty() && outputs.is_empty() && fields.is_complete() {
            let help = "name the `file` that describes its type, or list its `points` and `outputs`";
            let message = format!("the device `{}` has neither points nor outputs", self.name);
            out.push(self.place.mistake(codes::DEVICE_EMPTY, message).help(help));
        }
        // A device with exactly one output lends it its name.
        let is_only = outputs.len() == 1;
        if !is_only {
            add_name(draft, self.name, Noun::Device(self.id), self.place, out);
        }
        for entry in &outputs {
            self.read_output(entry, is_only, draft, out);
        }
        for entry in &points {
            self.read_point(entry, draft, out);
        }
    }

    fn read_point(&self, entry: &Entry, draft: &mut SiteDraft, out: &mut Diagnostics) -> Option<()> {
        let full = format!("{}.{}", self.name, entry.key.text);
        let is_named = points::check_part(&entry.key.text, entry.key.place(), out);
        let spec = if is_named { points::read(&full, self.id, &entry.value, out) } else { None };
        let Some(spec) = spec else {
            draft.catalog.lose(&full);
            return None;
        };
        let point = points::add_point(draft, spec, self.place_of(&entry.key), out)?;
        self.note_definition(&entry.value, point.index(), false, draft);
        let is_experimental = self.driver.is_some_and(|driver| driver.is_experimental);
        draft.experimental.resize(point.index(), false);
        draft.experimental.push(is_experimental);
        let fields = Fields::read(&entry.value, &shapes::POINT, &mut Diagnostics::new())?;
        let settings = settings(&fields, out);
        draft.buses.get_mut(self.bus)?.points.push(PointDefinition { point, device: self.id, settings });
        Some(())
    }

    fn read_output(
        &self,
        entry: &Entry,
        is_only: bool,
        draft: &mut SiteDraft,
        out: &mut Diagnostics,
    ) -> Option<()> {
        let full = if is_only { self.name.to_owned() } else { format!("{}.{}", self.name, entry.key.text) };
        if !check_name(&entry.key.text, entry.key.place(), out) {
            draft.catalog.lose(&full);
            return None;
        }
        let place = self.place_of(&entry.key);
        let output = outputs::read(&full, self.id, &entry.value, place, self.driver, draft, out)?;
        if is_only {
            self.add_long_names(&entry.key, output, draft, out);
        }
        self.note_definition(&entry.value, output.index(), true, draft);
        let fields = Fields::read(&entry.value, &shapes::OUTPUT, &mut Diagnostics::new())?;
        let settings = settings(&fields, out);
        draft.buses.get_mut(self.bus)?.outputs.push(OutputDefinition { output, device: self.id, settings });
        Some(())
    }

    /// An output that has its device's name is also found under its own: `pv` and `pv.limit`, `pv.state` and
    /// `pv.limit.state`.
    fn add_long_names(&self, key: &Key, output: OutputId, draft: &mut SiteDraft, out: &mut Diagnostics) {
        let long = format!("{}.{}", self.name, key.text);
        let Some(facets) = draft.catalog.output(output).map(|spec| spec.facets) else { return };
        add_name(draft, &long, Noun::Output(output), self.place_of(key), out);
        for (facet, word) in facets.into_iter().zip(["state", "actual", "wanted", "since"]) {
            add_name(draft, &format!("{long}.{word}"), Noun::Point(facet), self.place_of(key), out);
        }
    }

    /// A point of a device file is shown at the device that has it: the file serves many.
    fn place_of(&self, key: &Key) -> Place {
        if key.file == self.place.file { key.place() } else { self.place }
    }

    /// What makes another point or output of it: its own keys, and the bus behind which it is.
    fn note_definition(&self, node: &Node, index: usize, is_output: bool, draft: &mut SiteDraft) {
        let mut print = Fingerprint::new();
        if let Some(bus) = draft.buses.get(self.bus) {
            print.text(&bus.driver);
            for setting in &bus.settings.entries {
                print.text(&setting.key);
                print.text(&setting.value);
            }
        }
        print.node(node);
        let list = if is_output { &mut draft.output_definitions } else { &mut draft.point_definitions };
        list.resize(index, 0);
        list.push(print.value());
    }
}

/// The entries of a device file with those of the site laid over them, key by key.
fn merge(of_file: Vec<Entry>, of_site: Option<&Map>) -> Vec<Entry> {
    let mut merged = of_file;
    for entry in of_site.iter().flat_map(|map| &map.entries) {
        match merged.iter_mut().find(|known| known.key.text == entry.key.text) {
            Some(known) => match (&mut known.value.kind, &entry.value.kind) {
                (Kind::Map(below), Kind::Map(above)) => {
                    for change in &above.entries {
                        match below.entries.iter_mut().find(|below| below.key.text == change.key.text) {
                            Some(below) => *below = change.clone(),
                            None => below.entries.push(change.clone()),
                        }
                    }
                    known.key = entry.key.clone();
                }
                _ => known.value = entry.value.clone(),
            },
            None => merged.push(entry.clone()),
        }
    }
    merged
}

fn find_bus(fields: &Fields<'_>, draft: &SiteDraft, out: &mut Diagnostics) -> Option<usize> {
    let found = fields.get("bus").and_then(|node| name(node, out))?;
    let bus = draft.buses.iter().position(|bus| *bus.name == *found.value);
    if bus.is_none() && draft.is_complete {
        let message = format!("there is no bus `{}`", found.value);
        let mut diagnostic = found.place.mistake(codes::DEVICE_BUS, message);
        diagnostic.help = suggest(found.value, draft.buses.iter().map(|bus| &*bus.name), "the buses are");
        out.push(diagnostic);
    }
    bus
}

/// The device file that is named: `Ok(None)` where none is, `Err` where it is unknown.
fn find_file<'l, 'a>(
    fields: &Fields<'_>,
    library: &'l Library<'a>,
    out: &mut Diagnostics,
) -> Result<Option<&'l DeviceFile<'a>>, ()> {
    let Some(node) = fields.get("file") else { return Ok(None) };
    let Some(found) = text(node, out) else { return Err(()) };
    if let Some(file) = library.get(found.value) {
        return Ok(Some(file));
    }
    let message = format!("there is no device file {}", quote(found.value));
    let help = suggest(found.value, library.names(), "there are")
        .unwrap_or_else(|| "`ballast check --explain` lists the device files".to_owned());
    out.push(found.place.mistake(codes::DEVICE_FILE, message).help(help));
    Err(())
}

fn check_driver(fields: &Fields<'_>, file: Option<&DeviceFile<'_>>, driver: &str, out: &mut Diagnostics) {
    let Some(wanted) = file.and_then(|file| file.driver) else { return };
    if wanted.value != driver {
        let message =
            format!("this device speaks through `{}`, and its bus through `{driver}`", wanted.value);
        let place = fields.place("bus");
        out.push(place.mistake(codes::DEVICE_BUS, message).help("hang it on a bus of its own driver"));
    }
}

/// What only the driver understands, as text.
fn settings(fields: &Fields<'_>, out: &mut Diagnostics) -> Settings {
    let mut entries = Vec::new();
    for entry in fields.rest() {
        match &entry.value.kind {
            Kind::Scalar(scalar) => entries.push(Setting {
                key: entry.key.text.as_str().into(),
                value: scalar.text.as_str().into(),
                file: entry.value.file,
                key_span: entry.key.span,
                value_span: entry.value.span,
            }),
            Kind::Unreadable => {}
            Kind::Map(_) | Kind::List(_) => crate::decode::refuse_kind(&entry.value, "a single value", out),
        }
    }
    let head = fields.head();
    entries.shrink_to_fit();
    Settings { entries, file: head.file, span: head.span }
}

/// The rated power of a device, W.
pub(super) fn rated(draft: &SiteDraft, device: DeviceId) -> Option<Finite> {
    draft.rated.get(device.index()).copied().flatten()
}
