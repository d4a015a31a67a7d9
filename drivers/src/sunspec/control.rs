//! What a device can be told, always with its own timer: not renewed in time, it goes back to its own mode.
//!
//! Source: the models 123, 124 and 704. The order of the writes is ours: what must hold first, the timer, the value, and
//! what makes it valid last, so that a chain that breaks off has moved nothing without a timer.

use super::image::{Image, Part};
use super::source::{Place, Said, place};
use super::walk::Model;
use ballast_model::{Contact, Finite, Quality, Reason, Span, Wanted};

/// One thing that a device can be told.
#[derive(Debug)]
pub(crate) struct Control {
    /// How a device file names it.
    pub(crate) name: &'static str,
    /// The unit of its setpoint; `None` for a contact.
    pub(crate) unit: Option<&'static str>,
    /// What holds while nothing is told, base unit.
    idle: Option<f64>,
    /// The models that can do it, the best one first.
    recipes: &'static [Recipe],
}

#[derive(Debug)]
struct Recipe {
    model: u16,
    /// Written first.
    before: &'static [(&'static str, u16)],
    timer: &'static str,
    value: &'static str,
    enable: Enable,
}

#[derive(Clone, Copy, Debug)]
enum Enable {
    /// The value holds at once.
    Nothing,
    /// This word makes it hold.
    Word(&'static str, u16),
    /// This bit of a register that others use too makes it hold.
    Bit(&'static str, u16),
}

/// What storage may take; what it may give has the same timer.
const CHARGE: Recipe = Recipe {
    model: 124,
    before: &[],
    timer: "InOutWRte_RvrtTms",
    value: "InWRte",
    enable: Enable::Bit("StorCtl_Mod", 0),
};

/// Everything that can be told.
pub(crate) static CONTROLS: &[Control] = &[
    Control {
        name: "power_limit",
        unit: Some("%"),
        idle: Some(100.0),
        recipes: &[
            Recipe {
                model: 704,
                // At the end of its time no other limit shall hold.
                before: &[("WMaxLimPctEnaRvrt", 0)],
                timer: "WMaxLimPctRvrtTms",
                value: "WMaxLimPct",
                enable: Enable::Word("WMaxLimPctEna", 1),
            },
            Recipe {
                model: 123,
                before: &[],
                timer: "WMaxLimPct_RvrtTms",
                value: "WMaxLimPct",
                enable: Enable::Word("WMaxLim_Ena", 1),
            },
        ],
    },
    Control {
        name: "power",
        unit: Some("W"),
        idle: None,
        recipes: &[Recipe {
            model: 704,
            before: &[("WSetEnaRvrt", 0), ("WSetMod", 1)],
            timer: "WSetRvrtTms",
            value: "WSet",
            enable: Enable::Word("WSetEna", 1),
        }],
    },
    Control { name: "charge_limit", unit: Some("%"), idle: Some(100.0), recipes: &[CHARGE] },
    Control {
        name: "discharge_limit",
        unit: Some("%"),
        idle: Some(100.0),
        recipes: &[Recipe { value: "OutWRte", enable: Enable::Bit("StorCtl_Mod", 1), ..CHARGE }],
    },
    Control {
        name: "connection",
        unit: None,
        idle: None,
        recipes: &[Recipe {
            model: 123,
            before: &[],
            timer: "Conn_RvrtTms",
            value: "Conn",
            enable: Enable::Nothing,
        }],
    },
];

/// Registers that are written, from an address on.
pub(crate) type Write = (u16, Vec<u16>);

/// A control on one device.
#[derive(Debug)]
pub(crate) struct Seat {
    recipe: &'static Recipe,
    model: Model,
    value: Place,
}

impl Control {
    /// Where it is on a device that has these models.
    pub(crate) fn seat(&self, models: &[Model]) -> Option<Seat> {
        self.recipes.iter().find_map(|recipe| {
            let model = *models.iter().find(|model| model.id == recipe.model)?;
            Some(Seat { recipe, model, value: place(model, 0, recipe.value)? })
        })
    }

    /// What holds now; `None` where the device says something that is no state, or was not asked.
    pub(crate) fn actual(&self, seat: &Seat, image: &Image) -> (Option<Wanted>, Quality) {
        let bad = (None, Quality::Bad(Reason::NotAValue));
        let said = match seat.is_enabled(image) {
            Some(true) => seat.value.read(image),
            Some(false) => self.idle.and_then(Finite::new).map(|idle| Ok(Said::Number(idle))),
            None => None,
        };
        let wanted = match (self.unit, said) {
            (Some(_), Some(Ok(Said::Number(level)))) => Wanted::Level(level),
            (None, Some(Ok(Said::Word("CONNECT")))) => Wanted::CLOSED,
            (None, Some(Ok(Said::Word("DISCONNECT")))) => Wanted::OPEN,
            _ => return bad,
        };
        (Some(wanted), Quality::Good)
    }
}

impl Seat {
    /// The registers that must be known before it can be told, and that show what it is.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let recipe = self.recipe;
        let enable = match recipe.enable {
            Enable::Nothing => None,
            Enable::Word(name, _) | Enable::Bit(name, _) => Some(name),
        };
        let names = recipe.before.iter().map(|(name, _)| *name).chain([recipe.timer]).chain(enable);
        let places = names.filter_map(|name| place(self.model, 0, name));
        places.flat_map(|place| place.parts()).chain(self.value.parts()).collect()
    }

    /// What is to be written, in order; `None` where the device has no timer for it or cannot be told that.
    pub(crate) fn writes(&self, wanted: Wanted, timer: Span, image: &Image) -> Option<Vec<Write>> {
        let recipe = self.recipe;
        let number = match wanted {
            Wanted::Level(level) => level,
            Wanted::Contact(contact) => Finite::new(f64::from(u8::from(contact == Contact::Closed)))?,
        };
        let mut writes = Vec::new();
        for (name, word) in recipe.before {
            // Without it the device does it in its own way.
            if let Some(word) = self.write(name, f64::from(*word), image) {
                writes.push(word);
            }
        }
        writes.push(self.write(recipe.timer, timer.secs_f64().floor(), image)?);
        let address = self.model.address.checked_add(self.value.field.offset)?;
        writes.push((address, self.value.registers_of(number, image)?));
        match recipe.enable {
            Enable::Nothing => {}
            Enable::Word(name, word) => writes.push(self.write(name, f64::from(word), image)?),
            Enable::Bit(name, bit) => {
                let bits = self.register(name, image)? | 1 << bit;
                writes.push(self.write(name, f64::from(bits), image)?);
            }
        }
        Some(writes)
    }

    /// `None` where the device does not have that point.
    fn write(&self, name: &str, number: f64, image: &Image) -> Option<Write> {
        let place = place(self.model, 0, name)?;
        place.read(image)?.ok()?;
        let address = self.model.address.checked_add(place.field.offset)?;
        Some((address, place.field.kind.registers_of(number)?))
    }

    fn register(&self, name: &str, image: &Image) -> Option<u16> {
        let place = place(self.model, 0, name)?;
        place.read(image)?.ok()?;
        image.get(self.model, place.field.offset, 1)?.first().copied()
    }

    fn is_enabled(&self, image: &Image) -> Option<bool> {
        Some(match self.recipe.enable {
            Enable::Nothing => true,
            Enable::Word(name, word) => self.register(name, image)? == word,
            Enable::Bit(name, bit) => self.register(name, image)? >> bit & 1 == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sunspec::table;

    #[test]
    fn every_point_of_a_recipe_is_in_its_model_and_can_be_written() {
        for control in CONTROLS {
            for recipe in control.recipes {
                let enable = match recipe.enable {
                    Enable::Nothing => None,
                    Enable::Word(name, _) | Enable::Bit(name, _) => Some(name),
                };
                let before = recipe.before.iter().map(|(name, _)| *name);
                for name in before.chain([recipe.timer, recipe.value]).chain(enable) {
                    let field = table::model(recipe.model).and_then(|model| model.field(0, name));
                    let is_writable = field.as_ref().is_some_and(|field| field.is_writable);
                    assert!(
                        is_writable,
                        "{} of {}: {name} of model {}",
                        control.name, recipe.model, recipe.model
                    );
                }
                let seconds =
                    table::model(recipe.model).and_then(|model| model.field(0, recipe.timer)).unwrap().unit;
                assert_eq!(seconds, "Secs", "{}", control.name);
            }
        }
    }
}
