//! By which library the pins are moved, and what of a definition only one of them can do.
//!
//! What a library cannot do is a mistake in the file and never left out in silence. Why there are two, and what rppal gives up:
//! docs/decisions/0018 and 0025.

use crate::bus::{Bias, Chip, Drive, KernelChip, LineName, RaspberryChip};
use crate::gpio::Pins;
use crate::spec::Mistakes;
use ballast_model::device::{BusDefinition, OutputDefinition, Settings};
use ballast_model::diagnostic::Diagnostic;

/// A library that moves pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Library {
    /// The kernel's character device, with the chip that is meant.
    Gpiocdev(Box<str>),
    /// The registers of a Raspberry Pi.
    Rppal,
}

impl Library {
    /// The one that a bus asks for.
    pub(super) fn of_bus(definition: &BusDefinition, mistakes: &mut Mistakes) -> Self {
        let settings = &definition.settings;
        let is_rppal = mistakes.choice(settings, "library", &[("gpiocdev", false), ("rppal", true)]);
        if is_rppal != Some(true) {
            let chip = mistakes.need(settings, "chip", "a bus of pins").unwrap_or_default();
            return Self::Gpiocdev(chip.into());
        }
        if settings.get("chip").is_some() {
            let wrong =
                settings.wrong("chip", "rppal has the pins of the Raspberry Pi itself and no other chip");
            mistakes.add(wrong.help("leave `chip` out, or `library`"));
        }
        Self::Rppal
    }

    /// A chip with these pins.
    pub(super) fn chip(&self, pins: &Pins) -> Box<dyn Chip> {
        let (inputs, outputs) = (pins.input_lines(), pins.output_lines());
        match self {
            Self::Gpiocdev(chip) => Box::new(KernelChip::new(chip, inputs, outputs)),
            Self::Rppal => Box::new(RaspberryChip::new(inputs, outputs)),
        }
    }

    /// A line under the name that this library has for it.
    pub(super) fn line(
        &self,
        name: LineName,
        settings: &Settings,
        mistakes: &mut Mistakes,
    ) -> Option<LineName> {
        let (Self::Rppal, LineName::Name(text)) = (self, &name) else { return Some(name) };
        let number = text.strip_prefix("GPIO").and_then(|number| number.parse().ok());
        if number.is_none() {
            let wrong =
                settings.wrong("line", format!("rppal knows lines by their numbers and not `{text}`"));
            mistakes.add(wrong.help("write the number of the Broadcom chip, `17` or `GPIO17`"));
        }
        number.map(LineName::Number)
    }

    /// What rppal would do with an input in another way than it is written.
    pub(super) fn check_input(&self, bias: Option<Bias>, settings: &Settings, mistakes: &mut Mistakes) {
        if *self == Self::Rppal && bias == Some(Bias::AsIs) {
            let wrong =
                settings.wrong("bias", "rppal cannot leave the resistor at a pin as the board has it");
            mistakes.add(wrong.help("say what shall hold the line: `disabled`, `pull_up` or `pull_down`"));
        }
    }

    /// What rppal cannot do with an output.
    pub(super) fn check_output(
        &self,
        definition: &OutputDefinition,
        bias: Option<Bias>,
        drive: Option<Drive>,
        mistakes: &mut Mistakes,
    ) {
        if *self != Self::Rppal {
            return;
        }
        let settings = &definition.settings;
        let mut refuse = |wrong: Diagnostic| {
            mistakes.add(wrong.help("leave `library: rppal` out at the bus, and name its `chip`"));
        };
        if bias.is_some_and(|bias| bias != Bias::AsIs) {
            refuse(settings.wrong("bias", "rppal sets no resistor at an output"));
        }
        if drive.is_some_and(|drive| drive != Drive::PushPull) {
            refuse(
                settings.wrong("drive", "rppal drives a line high and low, and cannot leave one of them out"),
            );
        }
        if definition.reverts_after.is_some() {
            let message = "`reverts_after` would be no truth here: a line that rppal drives stays as it is \
                 when the program dies, since nobody lets go of it";
            refuse(settings.wrong("line", message));
        }
    }
}
