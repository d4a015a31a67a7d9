//! The meter's groups in the same words for both modes.
//!
//! [`read`] turns a [`Group`] into a [`Field`]: which [`Quantity`], and its value with its unit. What cannot be read
//! is an error, never a default. Units and meanings: Enedis-NOI-CPT_54E, sections 6.1, 6.2.2 and 6.2.3.

mod energy;
mod horodate;
mod quantity;
mod status;
mod table;
mod tariff;

use core::fmt;

pub use energy::DrawnEnergy;
pub use horodate::{Horodate, Season};
pub use quantity::{Quantity, Unit};
pub use status::{CutOff, Relays, Status};
pub use tariff::{Period, Tariff, TempoColour};

use crate::group::Group;
use table::{Reading, Row};

/// One quantity as read from a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Field<'a> {
    /// Which.
    pub quantity: Quantity,
    /// Its value.
    pub value: Value<'a>,
    /// The meter's time of the value, where the group carries one that can be read.
    pub time: Option<Horodate>,
    /// For an energy index of the historical mode, the tariff it counts; the standard mode does not say.
    pub counts: Option<Tariff>,
}

impl Field<'_> {
    /// The number, if the value is one, in the unit of [`Quantity::unit`].
    pub const fn number(&self) -> Option<u32> {
        match self.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// A value; which kind belongs to which quantity is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value<'a> {
    /// A number >= 0 in the unit of [`Quantity::unit`].
    Number(u32),
    /// A text, without its padding.
    Text(&'a str),
    /// The tariff in force.
    Tariff(Tariff),
    /// A Tempo day's colour.
    Colour(TempoColour),
    /// An instant of the meter's clock.
    Time(Horodate),
    /// The status register.
    Status(Status),
    /// The relays' states.
    Relays(Relays),
}

/// Why a good group gives no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldError {
    /// The label is not in the table: another meter, or another edition of the specification.
    UnknownLabel,
    /// The value has not the form that the label asks for.
    Unreadable,
}

impl fmt::Display for FieldError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::UnknownLabel => "the label is not known",
            Self::Unreadable => "the value has not the form that its label asks for",
        })
    }
}

impl core::error::Error for FieldError {}

/// Reads a group.
///
/// # Errors
/// [`FieldError::UnknownLabel`] and [`FieldError::Unreadable`].
pub fn read<'a>(group: &Group<'a>) -> Result<Field<'a>, FieldError> {
    let row = table::find(group.label).ok_or(FieldError::UnknownLabel)?;
    let time = group.horodate.and_then(Horodate::parse);
    let value = value_of(row, group.value, time).ok_or(FieldError::Unreadable)?;
    Ok(Field { quantity: row.quantity, value, time, counts: row.counts })
}

/// The quantity that a label of either mode stands for.
pub fn quantity_of(label: &str) -> Option<Quantity> {
    table::find(label).map(|row| row.quantity)
}

/// The labels, of both modes, that stand for a quantity.
pub fn labels_of(quantity: Quantity) -> impl Iterator<Item = &'static str> {
    table::TABLE.iter().filter(move |row| row.quantity == quantity).map(|row| row.label)
}

/// The subscribed power in VA that a subscribed current in A stands for: 200 V per phase, by the rule that Linky
/// computes `ISOUSC` with (CPT_54E, 6.1.1 and 6.1.2). `phases` is 1 or 3.
pub const fn subscribed_power_va(current_a: u32, phases: u32) -> u32 {
    current_a.saturating_mul(200).saturating_mul(phases)
}

fn value_of<'a>(row: &Row, text: &'a str, time: Option<Horodate>) -> Option<Value<'a>> {
    Some(match row.reading {
        Reading::Number { scale } => Value::Number(digits(text)?.checked_mul(scale)?),
        Reading::Hexadecimal => Value::Number(hexadecimal(text)?),
        Reading::Text => Value::Text(text.trim_matches(' ')),
        Reading::Period => Value::Tariff(Tariff::from_period_code(text)?),
        Reading::TariffLabel => Value::Tariff(Tariff::from_label(text)),
        Reading::Colour => Value::Colour(TempoColour::from_demain(text)?),
        Reading::Time => Value::Time(time?),
        Reading::Status if text.len() == 8 => Value::Status(Status(hexadecimal(text)?)),
        Reading::Status => return None,
        Reading::Relays => Value::Relays(Relays(u8::try_from(digits(text)?).ok()?)),
    })
}

/// A number of one to nine digits and nothing else.
fn digits(text: &str) -> Option<u32> {
    let is_number = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// A number of one to eight hexadecimal digits in upper case and nothing else.
fn hexadecimal(text: &str) -> Option<u32> {
    let is_number =
        (1..=8).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    if is_number { u32::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Mode;

    fn field<'a>(label: &'a str, value: &'a str) -> Result<Field<'a>, FieldError> {
        read(&Group { mode: Mode::Standard, label, horodate: None, value })
    }

    fn check(label: &str, value: &str, quantity: Quantity, expected: Value<'_>) {
        let field = field(label, value).unwrap();
        assert_eq!((field.quantity, field.value), (quantity, expected), "{label} {value}");
    }

    #[test]
    fn both_modes_give_the_same_words() {
        check("PAPP", "05800", Quantity::ApparentPower, Value::Number(5800));
        check("SINSTS", "00240", Quantity::ApparentPower, Value::Number(240));
        check("IINST", "002", Quantity::Current1, Value::Number(2));
        check("IRMS1", "001", Quantity::Current1, Value::Number(1));
        check("IINST3", "008", Quantity::Current3, Value::Number(8));
        check("PTEC", "HC..", Quantity::Tariff, Value::Tariff(Tariff::OffPeak));
        check("LTARF", "  HEURE CREUSE  ", Quantity::Tariff, Value::Tariff(Tariff::OffPeak));
        check("ADCO", "056234673197", Quantity::MeterAddress, Value::Text("056234673197"));
        check("ADSC", "064468368739", Quantity::MeterAddress, Value::Text("064468368739"));
        check("BASE", "010151175", Quantity::EnergyTotal, Value::Number(10_151_175));
        check("EAST", "011887649", Quantity::EnergyTotal, Value::Number(11_887_649));
        check("HCHP", "005146712", Quantity::EnergyIndex2, Value::Number(5_146_712));
        check("EASF02", "000000007", Quantity::EnergyIndex2, Value::Number(7));
    }

    #[test]
    fn subscribed_power_is_in_va() {
        check("PREF", "04", Quantity::SubscribedPower, Value::Number(4000));
        check("PCOUP", "12", Quantity::CutOffPower, Value::Number(12_000));
        check("ISOUSC", "30", Quantity::SubscribedCurrent, Value::Number(30));
        assert_eq!(subscribed_power_va(30, 1), 6000);
        assert_eq!(subscribed_power_va(20, 3), 12_000);
    }

    #[test]
    fn what_has_not_the_form_is_unreadable() {
        for (label, value) in [
            ("PAPP", ""),
            ("PAPP", "0p240"),
            ("PAPP", "-0240"),
            ("PAPP", "+0240"),
            ("EAST", "0123456789"),
            ("PTEC", "ZZ.."),
            ("DEMAIN", "VERT"),
            ("STGE", "3A0001"),
            ("STGE", "003a0001"),
            ("RELAIS", "256"),
            ("DATE", ""),
        ] {
            assert_eq!(field(label, value), Err(FieldError::Unreadable), "{label} {value}");
        }
        assert_eq!(field("XYZ", "1"), Err(FieldError::UnknownLabel));
    }

    #[test]
    fn horodate_goes_with_the_value() {
        let group = Group { mode: Mode::Standard, label: "DATE", horodate: Some("e180716103423"), value: "" };
        let field = read(&group).unwrap();
        let Value::Time(time) = field.value else { panic!("a date is a time") };
        assert_eq!(field.time, Some(time));
        assert!(!time.is_trusted());
    }

    #[test]
    fn historical_indexes_say_what_they_count() {
        assert_eq!(field("HCHC", "004196915").unwrap().counts, Some(Tariff::OffPeak));
        assert_eq!(field("BBRHPJR", "004196915").unwrap().counts, Some(Tariff::TempoRedPeak));
        assert_eq!(field("EASF01", "004196915").unwrap().counts, None);
    }

    #[test]
    fn labels_of_a_quantity_are_those_of_both_modes() {
        assert!(labels_of(Quantity::ApparentPower).eq(["PAPP", "SINSTS"]));
        assert_eq!(quantity_of("SINSTS"), Some(Quantity::ApparentPower));
    }
}
