//! What a site and a device file say: the wire, the points, the outputs.

use super::control::{CONTROLS, Control};
use super::poller::Device;
use super::round::{Lever, Round, Wish};
use super::source::{Source, factor};
use super::walk::Walk;
use super::who::Who;
use crate::modbus::settings::{BAUD, NOBODY, PARITY, PORT, STOP_BITS, UNIT_ID, URL};
use crate::point::PointReader;
use crate::shape::{Read, Roster, Told, Unit};
use crate::spec::{Key, Mistakes, key};
use ballast_model::catalog::{Catalog, Kind, OutputKind};
use ballast_model::device::{BusDefinition, OutputDefinition, PointDefinition, Settings};
use ballast_model::{PointId, Span};

/// Keys of a bus, as those of Modbus.
pub(crate) const BUS_KEYS: &[Key] =
    &[URL, PORT, BAUD, PARITY, STOP_BITS, key("timeout", "how long an answer may take (1 s)")];

/// Keys of a point.
pub(crate) const POINT_KEYS: &[Key] = &[
    key(
        "field",
        "models and the point's name in them, the first that the device has: `701.W 101-103.W 160.2.DCW`",
    ),
    key("instance", "of several such models of one device that many-th (1)"),
    UNIT_ID,
];

/// Keys of an output.
pub(crate) const OUTPUT_KEYS: &[Key] = &[
    key("control", "what is told: power_limit, power, charge_limit, discharge_limit or connection"),
    key("revert", "the device's own timer: not renewed for this long, it goes back to its own mode"),
    UNIT_ID,
];

/// How often a point is read whose period nobody says, and the state of an output.
pub(crate) const PERIOD: Span = Span::from_secs(10);
/// Longest time that fits into every timer of a device.
const REVERT_MAX: Span = Span::from_secs(65_534);

/// Everything on one bus.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) roster: Roster,
    pub(crate) devices: Vec<Device>,
    pub(crate) rounds: Vec<Round>,
    pub(crate) levers: Vec<Lever>,
    pub(crate) readers: Vec<(PointId, PointReader)>,
}

impl Plan {
    /// Reads points and outputs; mistakes go to `mistakes`.
    pub(crate) fn read(definition: &BusDefinition, catalog: &Catalog, mistakes: &mut Mistakes) -> Self {
        let mut plan = Self::default();
        let Some(timeout) = mistakes.span(&definition.settings, "timeout", Span::from_secs(1)) else {
            return plan;
        };
        for point in &definition.points {
            plan.point(point, timeout, catalog, mistakes);
        }
        for output in &definition.outputs {
            plan.output(output, timeout, catalog, mistakes);
        }
        plan
    }

    fn point(
        &mut self,
        point: &PointDefinition,
        timeout: Span,
        catalog: &Catalog,
        mistakes: &mut Mistakes,
    ) -> Option<()> {
        let settings = &point.settings;
        let spec = catalog.point(point.point)?;
        let address =
            number(settings, "unit_id", 1..=255, mistakes).and_then(|address| u8::try_from(address).ok());
        let instance = number(settings, "instance", 1..=64, mistakes);
        let source = source(settings, mistakes);
        let dimension = match &spec.kind {
            Kind::Number(unit) => Some(unit.dimension()),
            Kind::Words(_) | Kind::Flag => None,
        };
        if let (Some(source), Some(dimension)) = (&source, dimension)
            && let Some(field) = source.fields().iter().find(|field| factor(field, dimension).is_none())
        {
            let text =
                format!("`{}` counts `{}`, and the point is {}", field.name, field.unit, dimension.name());
            mistakes.add(settings.wrong("field", text));
        }
        let reader = PointReader::new(point, catalog, mistakes)?;
        let reader = match dimension {
            Some(dimension) => reader.in_unit(dimension.base()),
            None => reader,
        };
        let device = self.device(address?);
        let slot = self.readers.len();
        self.readers.push((point.point, reader));
        let place = self.round(device, spec.period.unwrap_or(PERIOD), timeout);
        let wish = Wish { slot, source: source?, instance: instance?, dimension };
        self.rounds.get_mut(place)?.wishes.push(wish);
        self.roster.reads.get_mut(place)?.slots.push(slot);
        Some(())
    }

    fn output(
        &mut self,
        output: &OutputDefinition,
        timeout: Span,
        catalog: &Catalog,
        mistakes: &mut Mistakes,
    ) -> Option<()> {
        let settings = &output.settings;
        let address =
            number(settings, "unit_id", 1..=255, mistakes).and_then(|address| u8::try_from(address).ok());
        mistakes.need(settings, "revert", "an output of a SunSpec device");
        let timer = mistakes.span(settings, "revert", PERIOD)?;
        if timer < Span::from_secs(2) || timer > REVERT_MAX {
            let text = format!("`revert` must lie between 2 s and {REVERT_MAX}");
            mistakes.add(settings.wrong("revert", text));
        }
        mistakes.need(settings, "control", "an output of a SunSpec device")?;
        let words: Vec<(&str, &'static Control)> =
            CONTROLS.iter().map(|control| (control.name, control)).collect();
        let control = mistakes.choice(settings, "control", &words)?;
        let unit = match &catalog.output(output.output)?.kind {
            OutputKind::Contact => None,
            OutputKind::Setpoint(unit) => Some(unit.dimension()),
        };
        let expected = control.unit.and_then(ballast_model::Unit::parse).map(ballast_model::Unit::dimension);
        if unit != expected {
            let what = control.unit.map_or("a contact".to_owned(), |unit| format!("a setpoint in {unit}"));
            mistakes.add(settings.wrong("control", format!("`{}` is {what}", control.name)));
        }
        let device = self.device(address?);
        let place = self.round(device, PERIOD, timeout);
        self.rounds.get_mut(place)?.shows.push(self.levers.len());
        self.levers.push(Lever { output: output.output, device, control, timer });
        let told = Told { output: output.output, unit: device, timeout, read_back: Some(place) };
        self.roster.outputs.push(told);
        Some(())
    }

    /// The place of a device.
    fn device(&mut self, address: u8) -> usize {
        let known = self.devices.iter().position(|device| device.address == address);
        known.unwrap_or_else(|| {
            self.roster.units.push(Unit { name: format!("unit {address}").into(), wire: 0 });
            self.devices.push(Device { address, walk: Walk::new(), who: Who::default() });
            self.devices.len() - 1
        })
    }

    /// The place of what is read of a device so often.
    fn round(&mut self, unit: usize, period: Span, timeout: Span) -> usize {
        let known = self.roster.reads.iter().position(|read| read.unit == unit && read.period == period);
        known.unwrap_or_else(|| {
            self.roster.reads.push(Read { unit, period, timeout, slots: Vec::new() });
            self.rounds.push(Round::default());
            self.rounds.len() - 1
        })
    }
}

fn source(settings: &Settings, mistakes: &mut Mistakes) -> Option<Source> {
    let text = mistakes.need(settings, "field", "a point of a SunSpec device")?;
    match Source::parse(text) {
        Ok(source) => Some(source),
        Err(message) => {
            let wrong = settings.wrong("field", message);
            mistakes.add(wrong.help("write the model and the point's name in it: `103.W`, `101-103.W`"));
            None
        }
    }
}

/// A number; 1 where the key is absent.
fn number(
    settings: &Settings,
    key: &str,
    range: std::ops::RangeInclusive<usize>,
    mistakes: &mut Mistakes,
) -> Option<usize> {
    let Some(text) = settings.get(key) else { return Some(1) };
    let found = text.parse().ok().filter(|number| range.contains(number));
    if found.is_none() {
        let mut message = format!("`{key}` is a number from {} to {}", range.start(), range.end());
        if key == UNIT_ID.name && text.trim() == "0" {
            message.push_str(NOBODY);
        }
        mistakes.add(settings.wrong(key, message));
    }
    found
}
