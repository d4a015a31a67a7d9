//! How an output is told over Modbus, and what its registers say of it.

use super::pdu::Request;
use super::value::{Field, Said};
use ballast_model::{Contact, OutputId, Unit, Wanted};

/// One output.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// Which.
    pub(crate) output: OutputId,
    /// On which unit, by its place.
    pub(crate) unit: usize,
    /// Where it is told.
    pub(crate) target: Target,
    /// By the functions for several coils and registers, even where it is one.
    pub(crate) is_multiple: bool,
    /// What its numbers mean.
    pub(crate) meaning: Meaning,
    /// Registers that are written before it: the device's own timer, a mode.
    pub(crate) before: Vec<(u16, u16)>,
    /// Registers that are written after it: what makes the device take it over.
    pub(crate) after: Vec<(u16, u16)>,
    /// What it was told last, with the number that went out for it.
    pub(crate) told: Option<(Wanted, f64)>,
}

/// Where an output is told.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A coil.
    Coil(u16),
    /// Registers.
    Field(Field),
}

/// What the numbers of an output mean.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meaning {
    /// Two numbers that are written, and two that are read.
    Contact {
        /// What connects the load.
        closed: f64,
        /// What cuts it.
        open: f64,
        /// What it says when it is connected.
        state_closed: f64,
        /// What it says when it is cut.
        state_open: f64,
    },
    /// A number in this unit after scaling.
    Level {
        /// The unit.
        unit: Unit,
        /// Factor between the device's number and the unit.
        scale: f64,
    },
}

/// A device that stores whole numbers may tell a number back this far from what it was told, in its own steps.
const HALF_STEP: f64 = 0.5;

impl Output {
    /// How many requests it takes to tell it something.
    pub(crate) fn steps(&self) -> usize {
        self.before.len() + 1 + self.after.len()
    }

    /// One of them; `None` where it cannot be told that.
    pub(crate) fn request(&mut self, wanted: Wanted, step: usize) -> Option<Request> {
        // Nothing is written for what cannot be written whole.
        let number = self.number(wanted)?;
        let own = self.own_request(number)?;
        let Some(behind) = step.checked_sub(self.before.len()) else {
            return self.before.get(step).map(|pair| self.register(*pair));
        };
        match behind.checked_sub(1) {
            None => {
                self.told = Some((wanted, number));
                Some(own)
            }
            Some(place) => self.after.get(place).map(|pair| self.register(*pair)),
        }
    }

    fn register(&self, (address, value): (u16, u16)) -> Request {
        if self.is_multiple {
            Request::Registers(address, vec![value])
        } else {
            Request::Register(address, value)
        }
    }

    fn own_request(&self, number: f64) -> Option<Request> {
        match &self.target {
            Target::Coil(address) => {
                let is_on = number > 0.5;
                Some(if self.is_multiple {
                    Request::Coils(*address, is_on)
                } else {
                    Request::Coil(*address, is_on)
                })
            }
            Target::Field(field) => {
                let words = field.write(number)?;
                match words.as_slice() {
                    [word] if !self.is_multiple => Some(Request::Register(field.register, *word)),
                    _ => Some(Request::Registers(field.register, words)),
                }
            }
        }
    }

    /// The device's number for what is wanted.
    fn number(&self, wanted: Wanted) -> Option<f64> {
        match (self.meaning, wanted) {
            (Meaning::Contact { closed, .. }, Wanted::Contact(Contact::Closed)) => Some(closed),
            (Meaning::Contact { open, .. }, Wanted::Contact(Contact::Open)) => Some(open),
            (Meaning::Level { unit, scale }, Wanted::Level(level)) => {
                Some(unit.from_base(level).get() / scale)
            }
            _ => None,
        }
    }

    /// What it is, by what its registers say; `None` where that is none of its states.
    pub(crate) fn actual(&self, said: &Said<'_>) -> Option<Wanted> {
        let Said::Number(number) = said else { return None };
        let is = |other: f64| (number + 0.0).to_bits() == (other + 0.0).to_bits();
        match self.meaning {
            Meaning::Contact { state_closed, .. } if is(state_closed) => Some(Wanted::CLOSED),
            Meaning::Contact { state_open, .. } if is(state_open) => Some(Wanted::OPEN),
            Meaning::Contact { .. } => None,
            Meaning::Level { unit, scale } => match self.told {
                // 1500.4 W told to a device of whole watts, which says 1500, is still what it was told.
                Some((wanted, told)) if (number - told).abs() <= HALF_STEP && self.is_whole() => Some(wanted),
                Some((wanted, told)) if is(f64::from(told as f32)) => Some(wanted),
                _ => unit.to_base(number * scale).map(Wanted::Level),
            },
        }
    }

    /// Whether only whole numbers can be told.
    fn is_whole(&self) -> bool {
        use super::value::Form;
        matches!(&self.target, Target::Field(field) if matches!(field.form, Form::Signed(_) | Form::Unsigned(_)))
    }
}
