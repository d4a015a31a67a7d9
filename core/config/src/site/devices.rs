//! Buses and devices: who hangs where, with the points and outputs of the device file and of the site.

use ballast_model::Finite;
use ballast_model::catalog::{DeviceId, DeviceSpec, Noun, OutputId};
use ballast_model::device::{BusDefinition, OutputDefinition, PointDefinition, Setting, Settings};

use super::library::{DeviceFile, Library};
use super::outputs::Owner;
use super::parameters::Given;
use super::{DriverFacts, SiteDraft, add_name, generators, outputs, points, shapes};
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::quantity::positive;
use crate::decode::scalar::{check_name, choice, name, text};
use crate::diagnostics::{Diagnostics, Place, quote, suggest};
use crate::fingerprint::Fingerprint;
use crate::tree::{Entry, Key, Kind, Map, Node};

/// Devices that are shown beside the first one that names a bus that does not exist; the number tells of the others.
const UNKNOWN_BUS_PLACES_MAX: usize = 3;

/// `buses:` and `devices:`.
pub(super) fn read(
    fields: &Fields<'_>,
    library: &Library<'_>,
    drivers: &[DriverFacts],
    draft: &mut SiteDraft,
    out: &mut Diagnostics,
) {
    let buses = fields.get("buses").and_then(|node| crate::decode::map(node, "a map of buses", out));
    for entry in buses.iter().flat_map(|buses| &buses.entries) {
        let is_named = check_name(&entry.key.text, entry.key.place(), out);
        if !is_named || read_bus(entry, drivers, draft, out).is_none() {
            draft.lost_buses.insert(entry.key.text.as_str().into());
        }
    }
    draft.has_all_buses &= buses.map_or(fields.get("buses").is_none(), |buses| buses.is_complete);
    let Some(devices) =
        fields.get("devices").and_then(|node| crate::decode::map(node, "a map of devices", out))
    else {
        return;
    };
    draft.is_complete &= devices.is_complete;
    draft.catalog.reserve(devices.entries.len());
    for entry in &devices.entries {
        // A device that cannot be read takes its names with it: nothing is said about those.
        let is_named = check_name(&entry.key.text, entry.key.place(), out);
        if !is_named || Device::read(entry, library, drivers, draft, out).is_none() {
            draft.catalog.lose(&entry.key.text);
        }
    }
    tell_unknown_buses(draft, out);
}

/// One mistake for each bus that is named and does not exist, with the places of those who name it: a slip in the name of
/// a bus is one slip, however many devices hang on it.
fn tell_unknown_buses(draft: &mut SiteDraft, out: &mut Diagnostics) {
    for (name, places) in core::mem::take(&mut draft.unknown_buses) {
        let Some((first, others)) = places.split_first() else { continue };
        let mut message = format!("there is no bus `{name}`");
        if !others.is_empty() {
            message.push_str(&format!("; {} devices name it", places.len()));
        }
        let mut diagnostic = first.mistake(codes::DEVICE_BUS, message);
        for place in others.iter().take(UNKNOWN_BUS_PLACES_MAX) {
            diagnostic = diagnostic.also(place.file, place.span, "and here");
        }
        diagnostic.help = suggest(&name, draft.buses.iter().map(|bus| &*bus.name), "the buses are");
        out.push(diagnostic);
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
        draft.lost_buses.insert(entry.key.text.as_str().into());
    }
    let (settings, is_whole) = settings(&fields, out);
    if !is_whole {
        draft.lost_buses.insert(entry.key.text.as_str().into());
    }
    draft.buses.push(BusDefinition {
        name: entry.key.text.as_str().into(),
        driver: driver.value.into(),
        driver_at: (driver.place.file, driver.place.span),
        settings,
        points: Vec::new(),
        outputs: Vec::new(),
    });
    Some(())
}

/// A device while it is read.
struct Device<'a> {
    id: DeviceId,
    name: &'a str,
    /// The bus on which it hangs; nothing where that cannot be told, which was said.
    bus: Option<usize>,
    driver: Option<&'a DriverFacts>,
    /// Its outputs are told nothing until a person armed it.
    by_hand: bool,
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
        let file = file.ok()?;
        let driver_called = |name: &str| drivers.iter().find(|driver| driver.name == name);
        let of_bus = bus.and_then(|bus| driver_called(&draft.buses.get(bus)?.driver));
        let of_file = file.and_then(|file| file.driver).and_then(|driver| driver_called(driver.value));
        // Keys that are meant for one driver are not shown to another.
        let bus = bus.filter(|_| of_bus.is_some_and(|driver| check_driver(&fields, file, driver.name, out)));
        let driver = if bus.is_some() { of_bus } else { of_file };
        let armed = fields.get("armed").and_then(|node| choice(node, &["always", "by hand"], out));
        let by_hand = armed.is_some_and(|armed| armed.value == "by hand");
        let device = Self { id, name: &entry.key.text, bus, driver, by_hand, place: entry.key.place() };
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
        let reads_every = self.reads_every(draft);
        let spec = if is_named { points::read(&full, self.id, &entry.value, reads_every, out) } else { None };
        let Some((spec, unsaid)) = spec else {
            draft.catalog.lose(&full);
            return None;
        };
        let point = points::add_point(draft, spec, self.place_of(&entry.key), out)?;
        let definition = self.definition(&entry.value, draft);
        draft.define(point, &definition);
        let is_experimental = self.driver.is_some_and(|driver| driver.is_experimental);
        draft.experimental.resize(point.index(), false);
        draft.experimental.push(is_experimental);
        let fields = Fields::read(&entry.value, &shapes::POINT, &mut Diagnostics::new())?;
        if let (settings, true) = settings(&fields, out) {
            let definition = PointDefinition { point, device: self.id, unsaid, settings };
            draft.buses.get_mut(self.bus?)?.points.push(definition);
        }
        Some(())
    }

    /// How often its points are read that do not say it.
    fn reads_every(&self, draft: &SiteDraft) -> Option<ballast_model::Span> {
        let reads = self.driver?.reads_every?;
        match self.bus.and_then(|bus| draft.buses.get(bus)) {
            Some(bus) => reads.on(&bus.settings),
            None => Some(reads.usual),
        }
    }

    /// Whether nobody else can command what is on its bus: the driver is of that kind, or a person vouches for it.
    fn is_ours_alone(&self, draft: &SiteDraft) -> bool {
        let key = self.driver.and_then(|driver| driver.exclusive_key);
        let bus = self.bus.and_then(|bus| draft.buses.get(bus));
        key.is_none() || bus.is_some_and(|bus| bus.settings.says_yes(key))
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
        let owner = Owner { id: self.id, driver: self.driver, is_ours_alone: self.is_ours_alone(draft) };
        let output = outputs::read(&full, owner, &entry.value, place, draft, out)?;
        if let Some(facts) = draft.outputs.last_mut() {
            facts.by_hand = self.by_hand;
        }
        if is_only {
            self.add_long_names(&entry.key, output, draft, out);
        }
        draft.output_definitions.resize(output.index(), 0);
        draft.output_definitions.push(self.definition(&entry.value, draft).value());
        let fields = Fields::read(&entry.value, &shapes::OUTPUT, &mut Diagnostics::new())?;
        if let (settings, true) = settings(&fields, out) {
            let reverts_after = draft.outputs.get(output.index()).and_then(|facts| facts.reverts_after);
            let definition = OutputDefinition { output, device: self.id, reverts_after, settings };
            draft.buses.get_mut(self.bus?)?.outputs.push(definition);
        }
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
    fn definition(&self, node: &Node, draft: &SiteDraft) -> Fingerprint {
        let mut print = Fingerprint::new();
        if let Some(bus) = self.bus.and_then(|bus| draft.buses.get(bus)) {
            print.text(&bus.driver);
            for setting in bus.settings.iter() {
                print.text(setting.key);
                print.text(setting.value);
            }
        }
        print.node(node);
        print
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

fn find_bus(fields: &Fields<'_>, draft: &mut SiteDraft, out: &mut Diagnostics) -> Option<usize> {
    let found = fields.get("bus").and_then(|node| name(node, out))?;
    let bus = draft.buses.iter().position(|bus| *bus.name == *found.value);
    if bus.is_none() && draft.has_all_buses && !draft.lost_buses.contains(found.value) {
        draft.unknown_buses.entry(found.value.into()).or_default().push(found.place);
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
    let known = library.names().next().and_then(|_| suggest(found.value, library.names(), "there are"));
    let help = known.unwrap_or_else(|| "`ballast check --explain` lists the device files".to_owned());
    out.push(found.place.mistake(codes::DEVICE_FILE, message).help(help));
    Err(())
}

/// Whether a device's file and its bus name the same driver.
fn check_driver(
    fields: &Fields<'_>,
    file: Option<&DeviceFile<'_>>,
    driver: &str,
    out: &mut Diagnostics,
) -> bool {
    let Some(wanted) = file.and_then(|file| file.driver) else { return true };
    if wanted.value != driver {
        let message =
            format!("this device speaks through `{}`, and its bus through `{driver}`", wanted.value);
        let place = fields.place("bus");
        out.push(place.mistake(codes::DEVICE_BUS, message).help("hang it on a bus of its own driver"));
    }
    wanted.value == driver
}

/// What only the driver understands, as text; false when a part of it could not be read, which was or is said: the driver
/// would call it missing.
fn settings(fields: &Fields<'_>, out: &mut Diagnostics) -> (Settings, bool) {
    let mut entries = Vec::new();
    let mut is_whole = fields.is_complete();
    for entry in fields.rest() {
        match &entry.value.kind {
            Kind::Scalar(scalar) => entries.push(Setting {
                key: &entry.key.text,
                value: &scalar.text,
                file: entry.value.file,
                key_span: entry.key.span,
                value_span: entry.value.span,
            }),
            Kind::Unreadable => is_whole = false,
            Kind::Map(_) | Kind::List(_) => {
                is_whole = false;
                crate::decode::refuse_kind(&entry.value, "a single value", out);
            }
        }
    }
    let head = fields.head();
    (Settings::new(entries, head.file, head.span), is_whole)
}

/// The rated power of a device, W.
pub(super) fn rated(draft: &SiteDraft, device: DeviceId) -> Option<Finite> {
    draft.rated.get(device.index()).copied().flatten()
}
