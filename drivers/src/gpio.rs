//! Pins of the machine: contacts and pulses that are read, relays that are driven.
//!
//! Source: the kernel's character device, `linux/gpio.h`, second interface. This file reads definitions; `gpio/library.rs`
//! has what a library can do, `gpio/pins.rs` what levels and pulses mean, `bus/pins.rs` the task, `bus/chip.rs` what a chip
//! must be able to do. Why gpiocdev, and no pulse width: docs/decisions/0018; rppal where asked: 0025. No chip was met here:
//! the driver is experimental, tested on a chip in memory.

mod library;
mod pins;
mod pulses;
mod worth;

pub use pins::Pins;
pub(crate) use pins::{Input, Output};

use crate::bus::{Bias, Body, Drive, InputLine, LineName, OpenBus, OutputLine, PinBus};
use crate::limits::TICK_MIN;
use crate::point::PointReader;
use crate::readings::Readings;
use crate::spec::{DriverSpec, Mistakes, key};
use ballast_guard::plan::Strength;
use ballast_model::catalog::{Catalog, OutputKind};
use ballast_model::device::{BusDefinition, OutputDefinition, PointDefinition, ReadsEvery, Settings};
use ballast_model::diagnostic::Diagnostic;
use ballast_model::{Contact, Span};
use library::Library;
use pins::Sense;
use pulses::Pulses;
use worth::{Reads, worth};

/// See the file's header.
pub static SPEC: DriverSpec = DriverSpec {
    name: "gpio",
    about: "pins of the machine: contacts and pulses that are read, relays that are driven",
    is_experimental: true,
    is_network: false,
    is_shareable: false,
    exclusive_key: None,
    // What a line does when the process is gone is the board's business: see the decision.
    strength: Strength::Soft,
    reads_every: Some(ReadsEvery { usual: PERIOD, bus_key: None }),
    bus_keys: &[
        key(
            "chip",
            "the chip: its label (`pinctrl-rp1`, `gpiodetect` shows it), its name (`gpiochip0`) or its path",
        ),
        key("library", "gpiocdev (default), on every board; or rppal, on a Raspberry Pi and without `chip`"),
    ],
    point_keys: &[
        key("line", "number of the line on the chip, or the name that the board gives it (`GPIO17`)"),
        key("active_low", "whether the line is active when it is low: no (default) or yes"),
        key("bias", "as_is (default), disabled, pull_up or pull_down"),
        key("debounce", "how long a level must last before it counts (0 s)"),
        key("reads", "level (default), count (how many pulses since the start) or rate (how fast they come)"),
        key("pulses", "what a pulse is worth: `1000 per kWh`; absent: a count is a number, a rate is in Hz"),
        key(
            "zero_after",
            "without a pulse for so long the rate is zero (10 min); until then it is at most one pulse in that time",
        ),
    ],
    output_keys: &[
        key("line", "number of the line on the chip, or the name that the board gives it (`GPIO17`)"),
        key("active_low", "whether the line is active when it is low: no (default) or yes"),
        key("at_rest", "what the circuit is while the line is inactive: open (default) or closed"),
        key("drive", "push_pull (default), open_drain or open_source"),
        key("bias", "as_is (default), disabled, pull_up or pull_down"),
    ],
    open,
};

/// How often an input is told where nobody says it.
const PERIOD: Span = Span::from_secs(1);

/// Without a pulse for this long nothing flows, where nobody says it: at 1000 pulses per kWh less than 6 W.
const ZERO_AFTER: Span = Span::from_secs(600);

/// The kernel counts the time of a debounce in microseconds, 32 bits of them; nobody's contact bounces for a minute.
const DEBOUNCE_MAX: Span = Span::from_secs(60);

fn open(definition: &BusDefinition, catalog: &Catalog) -> Result<OpenBus, Vec<Diagnostic>> {
    let mut mistakes = Mistakes::unknown_keys(definition, &SPEC);
    let library = Library::of_bus(definition, &mut mistakes);
    let (mut pins, mut readers) = (Pins::default(), Vec::new());
    for point in &definition.points {
        if let Some(reader) = add_point(point, catalog, readers.len(), &library, &mut pins, &mut mistakes) {
            readers.push((point.point, reader));
        }
    }
    for output in &definition.outputs {
        if let Some(read) = read_output(output, catalog, &library, &pins, &mut mistakes) {
            pins.outputs.push(read);
        }
    }
    let chip = library.chip(&pins);
    let body = Body::Pins(PinBus { pins, chip });
    mistakes.finish(Some(OpenBus::new(&definition.name, &SPEC, Readings::new(readers), body)))
}

fn line(settings: &Settings, what: &str, library: &Library, mistakes: &mut Mistakes) -> Option<LineName> {
    let text = mistakes.need(settings, "line", what)?;
    match text.parse() {
        Ok(number) => Some(LineName::Number(number)),
        // The kernel keeps 31 bytes of a name.
        Err(_)
            if text.len() <= 31
                && !text.starts_with(|first: char| first.is_ascii_digit() || first == '-') =>
        {
            library.line(LineName::Name(text.into()), settings, mistakes)
        }
        Err(_) => {
            let wrong = settings.wrong("line", format!("`{text}` is neither a number nor a name of a line"));
            mistakes.add(wrong.help("`gpioinfo` shows numbers and names: `17`, `GPIO17`"));
            None
        }
    }
}

fn is_active_low(settings: &Settings, mistakes: &mut Mistakes) -> Option<bool> {
    mistakes.choice(settings, "active_low", &[("no", false), ("yes", true), ("false", false), ("true", true)])
}

fn bias(settings: &Settings, mistakes: &mut Mistakes) -> Option<Bias> {
    let words = [
        ("as_is", Bias::AsIs),
        ("disabled", Bias::Disabled),
        ("pull_up", Bias::PullUp),
        ("pull_down", Bias::PullDown),
    ];
    mistakes.choice(settings, "bias", &words)
}

fn add_point(
    point: &PointDefinition,
    catalog: &Catalog,
    slot: usize,
    library: &Library,
    pins: &mut Pins,
    mistakes: &mut Mistakes,
) -> Option<PointReader> {
    let settings = &point.settings;
    let spec = catalog.point(point.point)?;
    let words = [("level", Reads::Level), ("count", Reads::Count), ("rate", Reads::Rate)];
    let reads = mistakes.choice(settings, "reads", &words);
    let line = line(settings, "a point of a pin", library, mistakes);
    let is_active_low = is_active_low(settings, mistakes);
    let bias = bias(settings, mistakes);
    library.check_input(bias, settings, mistakes);
    let debounce = mistakes.span(settings, "debounce", Span::ZERO);
    if debounce.is_some_and(|span| span > DEBOUNCE_MAX) {
        mistakes.add(settings.wrong("debounce", "no contact bounces for more than a minute"));
    }
    let zero_after = mistakes.span(settings, "zero_after", ZERO_AFTER);
    let reader = PointReader::new(point, catalog, mistakes);
    let worth = worth(settings, &spec.kind, reads?, mistakes);
    let (worth, reader) = (worth?, reader?);
    let is_counted = reads? != Reads::Level;
    let line = InputLine {
        line: line?,
        is_active_low: is_active_low?,
        bias: bias?,
        debounce: debounce?,
        is_counted,
    };
    let period = spec.period.unwrap_or(PERIOD).max(TICK_MIN);
    let place = input(settings, line, period, zero_after?, pins, mistakes)?;
    match (&mut pins.inputs.get_mut(place)?.sense, reads?) {
        (Sense::Pulses { counts, .. }, Reads::Count) => counts.push((slot, worth.0)),
        (Sense::Pulses { rates, .. }, Reads::Rate) => rates.push((slot, worth.0)),
        (Sense::Level(slots), _) => slots.push(slot),
        _ => return None,
    }
    Some(match worth.1 {
        Some(unit) => reader.in_unit(unit),
        None => reader,
    })
}

/// The place of the input with that line, which several points may share when they want the same of it.
fn input(
    settings: &Settings,
    line: InputLine,
    period: Span,
    zero_after: Span,
    pins: &mut Pins,
    mistakes: &mut Mistakes,
) -> Option<usize> {
    let Some(place) = pins.inputs.iter().position(|known| known.line.line == line.line) else {
        let sense = match line.is_counted {
            false => Sense::Level(Vec::new()),
            true => {
                let meter = Pulses::new(zero_after);
                Sense::Pulses { meter, counts: Vec::new(), rates: Vec::new() }
            }
        };
        pins.inputs.push(Input { line, period, sense });
        return Some(pins.inputs.len() - 1);
    };
    let known = pins.inputs.get_mut(place)?;
    if known.line != line {
        let wrong = settings.wrong("line", format!("another point reads {} in another way", line.line));
        mistakes.add(
            wrong.help("`reads` level or pulses, `active_low`, `bias` and `debounce` belong to the line"),
        );
        return None;
    }
    known.period = known.period.min(period);
    Some(place)
}

fn read_output(
    definition: &OutputDefinition,
    catalog: &Catalog,
    library: &Library,
    pins: &Pins,
    mistakes: &mut Mistakes,
) -> Option<Output> {
    let settings = &definition.settings;
    if let OutputKind::Setpoint(_) = catalog.output(definition.output)?.kind {
        let wrong = settings.wrong("line", "a pin is active or not, and cannot be set to a number");
        mistakes.add(
            wrong.help("make it `kind: contact`; what is set by a voltage needs a device that makes one"),
        );
    }
    let line = line(settings, "an output at a pin", library, mistakes);
    let is_active_low = is_active_low(settings, mistakes);
    let bias = bias(settings, mistakes);
    let drives = [
        ("push_pull", Drive::PushPull),
        ("open_drain", Drive::OpenDrain),
        ("open_source", Drive::OpenSource),
    ];
    let drive = mistakes.choice(settings, "drive", &drives);
    library.check_output(definition, bias, drive, mistakes);
    let contacts = [("open", Contact::Open), ("closed", Contact::Closed)];
    let at_rest = mistakes.choice(settings, "at_rest", &contacts);
    let line = OutputLine { line: line?, is_active_low: is_active_low?, bias: bias?, drive: drive? };
    let is_read = pins.inputs.iter().any(|input| input.line.line == line.line);
    if is_read || pins.outputs.iter().any(|output| output.line.line == line.line) {
        let wrong = settings.wrong("line", format!("{} belongs to somebody else already", line.line));
        mistakes.add(wrong.help("a line has one owner; what an output is, it says itself"));
        return None;
    }
    Some(Output { output: definition.output, line, at_rest: at_rest? })
}
