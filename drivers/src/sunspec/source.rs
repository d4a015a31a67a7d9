//! Where a point's value stands: one of several models, whichever the device has.

use super::image::{Image, Part};
use super::table::{self, Field};
use super::value::{NoValue, Type, scale, scaled};
use super::walk::Model;
use ballast_model::quantity::Dimension;
use ballast_model::{Finite, Unit};

/// `701.W 101-103.W 160.2.DCW`: model or models, the module within it, and the model's own name of the point.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    choices: Vec<Choice>,
}

#[derive(Clone, Debug)]
struct Choice {
    low: u16,
    high: u16,
    module: u16,
    name: Box<str>,
}

/// Where one value stands on one device.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) model: Model,
    pub(crate) field: Field,
    power: Power,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    Fixed(i32),
    /// In the register at this offset.
    At(u16),
}

/// What a device says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Said {
    /// A number, in the unit of its field.
    Number(Finite),
    /// A word of an enumeration.
    Word(&'static str),
}

impl Source {
    /// Reads a list of choices.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let choices: Result<Vec<Choice>, String> = text.split_whitespace().map(Choice::parse).collect();
        let choices = choices?;
        if choices.is_empty() { Err("no model is named".to_owned()) } else { Ok(Self { choices }) }
    }

    /// Every field that is meant.
    pub(crate) fn fields(&self) -> Vec<Field> {
        let of = |choice: &Choice| -> Vec<Field> {
            let models = table::models().iter();
            let ids = models.flat_map(|model| model.ids.iter().map(move |id| (id, model)));
            ids.filter(|(id, _)| (choice.low..=choice.high).contains(id))
                .filter_map(|(_, model)| model.field(choice.module, &choice.name))
                .collect()
        };
        self.choices.iter().flat_map(of).collect()
    }

    /// Where the value stands on a device that has these models, the first choice first. `instance`: of several models
    /// of the same choice that many-th, from 1.
    pub(crate) fn places(&self, models: &[Model], instance: usize) -> Vec<Place> {
        let of = |choice: &Choice| {
            let mut fit = models.iter().filter(|model| (choice.low..=choice.high).contains(&model.id));
            place(*fit.nth(instance.checked_sub(1)?)?, choice.module, &choice.name)
        };
        self.choices.iter().filter_map(of).collect()
    }
}

impl Choice {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a point of a model");
        let (ids, rest) = text.split_once('.').ok_or_else(wrong)?;
        let (low, high) = ids.split_once('-').unwrap_or((ids, ids));
        let (low, high) = (low.parse().map_err(|_| wrong())?, high.parse().map_err(|_| wrong())?);
        let numbered = rest.split_once('.').and_then(|(number, name)| Some((number.parse().ok()?, name)));
        let (module, name) = numbered.unwrap_or((0, rest));
        let choice = Self { low, high, module, name: name.into() };
        let is_known = !Source { choices: vec![choice.clone()] }.fields().is_empty();
        if is_known { Ok(choice) } else { Err(format!("the model {ids} has no point `{rest}`")) }
    }
}

/// Where a field stands in a model; `None` where the model is too short for it.
pub(crate) fn place(model: Model, module: u16, name: &str) -> Option<Place> {
    let definition = table::model(model.id)?;
    let field = definition.field(module, name)?;
    let power = match field.scale {
        "" => Power::Fixed(0),
        written => match (written.parse(), definition.field(0, written)) {
            (Ok(power), _) => Power::Fixed(power),
            (_, Some(scale)) => Power::At(scale.offset),
            _ => return None,
        },
    };
    let is_there = model.holds(field.offset, field.kind.registers())
        && !matches!(power, Power::At(offset) if !model.holds(offset, 1));
    is_there.then_some(Place { model, field, power })
}

impl Place {
    /// The registers it needs.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let mut parts = vec![(self.model, self.field.offset, self.field.kind.registers())];
        let counts = self.field.one_of.iter().flat_map(|(_, counts)| counts);
        parts.extend(counts.map(|count| (self.model, *count, 1)));
        if let Power::At(offset) = self.power {
            parts.push((self.model, offset, 1));
        }
        parts
    }

    /// What the device says; `None` where it was not read.
    pub(crate) fn read(&self, image: &Image) -> Option<Result<Said, NoValue>> {
        let registers = image.get(self.model, self.field.offset, self.field.kind.registers())?;
        for (number, count) in
            self.field.one_of.iter().flat_map(|(number, counts)| counts.map(|at| (*number, at)))
        {
            let there = Type::Unsigned(1).number(image.get(self.model, count, 1)?);
            // Behind the last point of a curve stands something else.
            if there.is_err() || there.is_ok_and(|there| there.get() < f64::from(number)) {
                return Some(Err(NoValue::NotImplemented));
            }
        }
        Some(self.field.kind.number(registers).and_then(|number| {
            let is = |code: u16| Finite::new(f64::from(code)) == Some(number);
            if let Some((word, _)) = self.field.words.iter().find(|(_, code)| is(*code)) {
                return Ok(Said::Word(word));
            }
            let power = self.power(image).ok_or(NoValue::NotAValue)?;
            scaled(number, power).map(Said::Number).ok_or(NoValue::NotAValue)
        }))
    }

    /// The registers that would say this number; `None` where it cannot be said.
    pub(crate) fn registers_of(&self, number: Finite, image: &Image) -> Option<Vec<u16>> {
        let raw = scaled(number, -self.power(image)?)?;
        self.field.kind.registers_of(raw.get())
    }

    fn power(&self, image: &Image) -> Option<i32> {
        match self.power {
            Power::Fixed(power) => Some(power),
            Power::At(offset) => image.get(self.model, offset, 1).and_then(|registers| scale(registers).ok()),
        }
    }
}

/// The unit of a field in ours; the models spell them in several ways.
pub(crate) fn unit(field: &Field) -> Option<Unit> {
    let name = match field.unit {
        "" | "cos()" => "1",
        "Pct" | "VNomPct" | "WMaxPct" | "VarPct" | "DeptRef" => "%",
        "AH" => "Ah",
        "WH" => "Wh",
        "Var" => "var",
        "Varh" => "varh",
        "Secs" => "s",
        "ohms" => "Ω",
        share if share.starts_with('%') && !share.contains('/') => "%",
        other => other,
    };
    Unit::parse(name)
}

/// The factor from a field's number to the base unit of a point; `None` where it is of another kind.
pub(crate) fn factor(field: &Field, point: Dimension) -> Option<f64> {
    let unit = unit(field)?;
    let base = unit.to_base(1.0)?.get();
    match (unit.dimension(), point) {
        (one, other) if one == other => Some(base),
        (Dimension::Ratio, Dimension::Number) => Some(0.01),
        (Dimension::Number, Dimension::Ratio) => Some(100.0),
        _ => None,
    }
}
