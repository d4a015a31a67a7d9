//! Devices that speak Modbus, over TCP or a serial line: register maps from device files.
//!
//! Source: Modbus Application Protocol V1.1b3. This file makes a bus of its definition; `modbus/settings.rs` reads the keys,
//! `plan.rs` decides what is asked together, `poller.rs` asks and reads, `frame.rs` and `pdu.rs` are the bytes, `value.rs`
//! is what registers mean, `doubt.rs` whether they come in another order, `output.rs` how an output is told,
//! `sounding.rs` what a line is asked after an answer that did not come, `refusals.rs` what is said of who refuses, `hints.rs`
//! what an address may mean that is not one of the wire, `identity.rs` whether a unit is the device of its file. The asking
//! itself is in `bus/poll.rs`.

mod doubt;
pub(crate) mod frame;
pub(crate) mod hints;
mod identity;
mod output;
pub(crate) mod pdu;
mod plan;
mod poller;
mod refusals;
pub(crate) mod settings;
pub(crate) mod sounding;
mod value;

use crate::bus::OpenBus;
use crate::limits::STEPS_MAX;
use crate::point::PointReader;
use crate::readings::Readings;
use crate::shape::{Read, Roster, Told, Unit};
use crate::spec::{DriverSpec, Mistakes};
use ballast_guard::plan::Strength;
use ballast_model::catalog::{Catalog, DeviceId, Kind, OutputKind};
use ballast_model::device::{BusDefinition, OutputDefinition, PointDefinition, ReadsEvery, Settings};
use ballast_model::diagnostic::Diagnostic;
use plan::{Item, Manners, Place, To, Wish};
use settings::Where;
use value::Form;

/// See the file's header.
pub static SPEC: DriverSpec = DriverSpec {
    name: "modbus",
    about: "devices that speak Modbus, over TCP or a serial line",
    is_experimental: false,
    is_network: true,
    is_shareable: false,
    exclusive_key: None,
    strength: Strength::Soft,
    reads_every: Some(ReadsEvery { usual: settings::PERIOD, bus_key: Some("period") }),
    bus_keys: settings::BUS_KEYS,
    point_keys: settings::POINT_KEYS,
    output_keys: settings::OUTPUT_KEYS,
    open,
};

/// A unit while the definition is read.
struct Found {
    address: u8,
    device: DeviceId,
    manners: Manners,
    /// The slots that show what it is.
    identity: Vec<usize>,
}

/// A bus while its definition is read.
struct Reading<'a> {
    catalog: &'a Catalog,
    bus: settings::Bus,
    units: Vec<Found>,
    wishes: Vec<Wish>,
    mistakes: Mistakes,
    /// What may be meant otherwise, once for each device.
    warnings: Vec<(DeviceId, &'static str, Diagnostic)>,
}

fn open(definition: &BusDefinition, catalog: &Catalog) -> Result<OpenBus, Vec<Diagnostic>> {
    let mut mistakes = Mistakes::unknown_keys(definition, &SPEC);
    let wire = settings::wire(&definition.settings, &mut mistakes);
    let bus = settings::bus(&definition.settings, wire.as_ref().map(|(_, framing)| *framing), &mut mistakes);
    let (units, wishes, warnings) = (Vec::new(), Vec::new(), Vec::new());
    let mut reading = Reading { catalog, bus, units, wishes, mistakes, warnings };
    let mut readers = Vec::new();
    for point in &definition.points {
        if let Some(reader) = reading.point(point, readers.len()) {
            readers.push((point.point, reader));
        }
    }
    let mut outputs = Vec::new();
    for output in &definition.outputs {
        if let Some(read) = reading.output(output, outputs.len()) {
            outputs.push(read);
        }
    }
    let poller = wire.map(|(wire, framing)| (wire, reading.poller(framing, outputs)));
    let warnings = std::mem::take(&mut reading.warnings).into_iter().map(|(.., warning)| warning).collect();
    let bus = poller.map(|(wire, poller)| {
        let readings = Readings::new(readers);
        OpenBus::polled(&definition.name, &SPEC, readings, vec![wire], Box::new(poller))
            .with_warnings(warnings)
    });
    reading.mistakes.finish(bus)
}

impl Reading<'_> {
    /// The place of the unit that is named, which knows the smallest number of registers that any of its points names.
    fn unit(&mut self, settings: &Settings, device: DeviceId) -> Option<usize> {
        let address = self.bus.address(settings, &mut self.mistakes)?;
        self.warn(device, "unit_id", hints::unit(settings));
        let most = settings::number(
            settings,
            "most",
            plan::REGISTERS_MAX,
            1..=plan::REGISTERS_MAX,
            &mut self.mistakes,
        );
        let gap =
            settings::number(settings, "gap", self.bus.gap, 0..=plan::REGISTERS_MAX, &mut self.mistakes);
        let manners = Manners { most: most?, gap: gap? };
        let known = self.units.iter().position(|unit| unit.address == address);
        let Some(place) = known else {
            self.units.push(Found { address, device, manners, identity: Vec::new() });
            return Some(self.units.len() - 1);
        };
        if let Some(unit) = self.units.get_mut(place) {
            let (most, gap) = (unit.manners.most.min(manners.most), unit.manners.gap.min(manners.gap));
            unit.manners = Manners { most, gap };
        }
        Some(place)
    }

    /// A person who counts otherwise does so in all of a device, and a file may be that of several: one warning shows it.
    fn warn(&mut self, device: DeviceId, key: &'static str, warning: Option<Diagnostic>) {
        let Some(warning) = warning else { return };
        let is_told = |(of, about, known): &(DeviceId, &'static str, Diagnostic)| {
            (*of, *about) == (device, key) || known.primary == warning.primary
        };
        if !self.warnings.iter().any(is_told) {
            self.warnings.push((device, key, warning));
        }
    }

    fn point(&mut self, point: &PointDefinition, slot: usize) -> Option<PointReader> {
        let settings = &point.settings;
        let unit = self.unit(settings, point.device);
        let found = settings::place(settings, &settings::POINT, "a point over Modbus", &mut self.mistakes);
        let table = settings.get("table").and(found.as_ref().map(|found| found.table));
        self.warn(point.device, "register", hints::register(settings, "register", table));
        let reader = PointReader::new(point, self.catalog, &mut self.mistakes);
        let spec = self.catalog.point(point.point)?;
        self.check_words(&spec.kind, settings, found.as_ref());
        let period = spec.period.unwrap_or(self.bus.period);
        let flags = [("no", false), ("yes", true), ("false", false), ("true", true)];
        let is_identity = self.mistakes.choice(settings, "identity", &flags)?;
        let (unit, Where { table, mut place }, reader) = (unit?, found?, reader?);
        if let (true, Some(unit)) = (is_identity, self.units.get_mut(unit)) {
            unit.identity.push(slot);
        }
        if let (Place::Field(field), Kind::Number(_)) = (&mut place, &spec.kind)
            && let Some(pattern) = settings::usual_no_value(settings, field.form)
        {
            field.no_value = pattern;
        }
        let item = Item { place, to: To::Point(slot), is_measured: matches!(spec.kind, Kind::Number(_)) };
        self.wish(Wish { unit, table, period, item }, settings);
        Some(reader)
    }

    fn output(&mut self, definition: &OutputDefinition, place: usize) -> Option<output::Output> {
        let settings = &definition.settings;
        let unit = self.unit(settings, definition.device);
        let kind = &self.catalog.output(definition.output)?.kind;
        let target = settings::target(settings, kind, &mut self.mistakes);
        let is_register = matches!(target, Some(output::Target::Field(_)));
        let holding = is_register.then_some(pdu::Table::Holding);
        let hint = holding.and_then(|table| hints::register(settings, "register", Some(table)));
        self.warn(definition.device, "register", hint);
        let meaning = settings::meaning(settings, kind, &mut self.mistakes);
        let is_multiple = self.mistakes.choice(settings, "write", &[("single", false), ("multiple", true)]);
        let before = settings::pairs(settings, "before", &mut self.mistakes);
        let after = settings::pairs(settings, "after", &mut self.mistakes);
        let period = self.mistakes.span(settings, "state_period", self.bus.period);
        let state = settings::state(settings, target.as_ref(), &mut self.mistakes);
        if before.len() + after.len() + 1 > STEPS_MAX {
            let text = format!("an output can take at most {STEPS_MAX} writes");
            self.mistakes.add(settings.wrong("before", text));
        }
        let unit = unit?;
        if let (Some(Some(Where { table, place: at })), Some(period)) = (state, period) {
            let is_measured = matches!(kind, OutputKind::Setpoint(_));
            let item = Item { place: at, to: To::Output(place), is_measured };
            self.wish(Wish { unit, table, period, item }, settings);
        }
        Some(output::Output {
            output: definition.output,
            unit,
            target: target?,
            is_multiple: is_multiple?,
            meaning: meaning?,
            before,
            after,
            told: None,
        })
    }

    /// Numbers that shall be words need the words they stand for.
    fn check_words(&mut self, kind: &Kind, settings: &Settings, found: Option<&Where>) {
        let is_text = matches!(found, Some(Where { place: Place::Field(field), .. }) if matches!(field.form, Form::Text(_)));
        let is_number = matches!(kind, Kind::Number(_));
        if is_number && is_text {
            let wrong = settings.wrong("type", "a number does not stand in a text");
            self.mistakes.add(wrong.help("give the point its `words`"));
        }
        if matches!(kind, Kind::Words(_)) && !is_text && found.is_some() && settings.get("map").is_none() {
            let missing = settings.missing("map", "a word that a device tells as a number");
            self.mistakes.add(missing.help("name them: `map: \"0 = off, 1 = on\"`"));
        }
    }

    fn wish(&mut self, wish: Wish, settings: &Settings) {
        let (start, end) = wish.item.range();
        if end - start > u32::from(plan::REGISTERS_MAX) || end > u32::from(u16::MAX) + 1 {
            let text = "this value and its scale do not fit into one request";
            let help = format!(
                "at most {} registers from the first to the last, none above 65535",
                plan::REGISTERS_MAX
            );
            self.mistakes.add(settings.wrong("register", text).help(help));
        } else {
            self.wishes.push(wish);
        }
    }

    /// Everything that is to be asked.
    fn poller(&mut self, framing: frame::Framing, outputs: Vec<output::Output>) -> poller::Units {
        let manners: Vec<Manners> = self.units.iter().map(|unit| unit.manners).collect();
        let blocks = plan::blocks(std::mem::take(&mut self.wishes), &manners);
        let timeout = self.bus.timeout;
        let name = |unit: &Found| {
            let device = self.catalog.devices.get(unit.device.index()).map_or("", |device| &device.name);
            Unit { name: format!("{device} (unit {})", unit.address).into(), wire: 0 }
        };
        let slots = |items: &[Item]| {
            let of = |item: &Item| if let To::Point(slot) = item.to { Some(slot) } else { None };
            items.iter().filter_map(of).collect()
        };
        let reads = blocks
            .iter()
            .map(|block| Read {
                unit: block.unit,
                period: block.period,
                timeout,
                slots: slots(block.items()),
            })
            .collect();
        let shows = |place: usize| {
            blocks.iter().position(|block| block.items().iter().any(|item| item.to == To::Output(place)))
        };
        let told = outputs
            .iter()
            .enumerate()
            .map(|(place, output)| Told {
                output: output.output,
                unit: output.unit,
                timeout,
                read_back: shows(place),
            })
            .collect();
        let roster = Roster { units: self.units.iter().map(name).collect(), reads, outputs: told };
        let addresses = self.units.iter().map(|unit| unit.address).collect();
        let (refusals, now) = (refusals::Refusals::new(self.units.len()), poller::Conversation::default());
        let identities =
            identity::Identities::new(self.units.iter().map(|unit| unit.identity.clone()).collect());
        poller::Units { roster, framing, addresses, blocks, outputs, refusals, identities, now }
    }
}
