//! Units, dimensions and the text form of a quantity: `49.8 Hz`, `3 kWh`, `25 %`, `1h 30min`.
//!
//! Inside, every number is in the base unit of its dimension; other units exist only in texts and at devices.

use crate::finite::Finite;
use crate::time::Span;
use core::fmt;

pub use crate::dimension::Dimension;

/// One row of the table of units.
#[derive(Debug)]
pub struct UnitRow {
    /// How it is printed.
    pub symbol: &'static str,
    /// What it counts.
    pub dimension: Dimension,
    /// Base units in one of it.
    pub scale: f64,
    /// Other spellings that are understood.
    pub aliases: &'static [&'static str],
}

const fn unit(
    symbol: &'static str,
    dimension: Dimension,
    scale: f64,
    aliases: &'static [&'static str],
) -> UnitRow {
    UnitRow { symbol, dimension, scale, aliases }
}

/// Every unit that is understood. The first row of scale 1 of a dimension is its base unit.
pub static UNITS: &[UnitRow] = &[
    unit("", Dimension::Number, 1.0, &["1"]),
    unit("%", Dimension::Ratio, 1.0, &["percent", "%RH"]),
    unit("Hz", Dimension::Frequency, 1.0, &[]),
    unit("mHz", Dimension::Frequency, 0.001, &[]),
    unit("kHz", Dimension::Frequency, 1e3, &[]),
    unit("Hz/s", Dimension::FrequencySlope, 1.0, &[]),
    unit("mHz/s", Dimension::FrequencySlope, 0.001, &[]),
    unit("V", Dimension::Voltage, 1.0, &[]),
    unit("mV", Dimension::Voltage, 0.001, &[]),
    unit("kV", Dimension::Voltage, 1000.0, &[]),
    unit("V/s", Dimension::VoltageSlope, 1.0, &[]),
    unit("A", Dimension::Current, 1.0, &[]),
    unit("mA", Dimension::Current, 0.001, &[]),
    unit("kA", Dimension::Current, 1e3, &[]),
    unit("A/s", Dimension::CurrentSlope, 1.0, &[]),
    unit("W", Dimension::Power, 1.0, &["Wc", "Wp"]),
    unit("mW", Dimension::Power, 0.001, &[]),
    unit("kW", Dimension::Power, 1e3, &["kWc", "kWp"]),
    unit("MW", Dimension::Power, 1e6, &["MWc", "MWp"]),
    unit("W/s", Dimension::PowerSlope, 1.0, &[]),
    unit("kW/s", Dimension::PowerSlope, 1e3, &[]),
    unit("VA", Dimension::ApparentPower, 1.0, &[]),
    unit("kVA", Dimension::ApparentPower, 1e3, &[]),
    unit("MVA", Dimension::ApparentPower, 1e6, &[]),
    unit("var", Dimension::ReactivePower, 1.0, &["VAr", "VAR"]),
    unit("kvar", Dimension::ReactivePower, 1e3, &["kVAr", "kVAR"]),
    unit("Mvar", Dimension::ReactivePower, 1e6, &["MVAr", "MVAR"]),
    unit("Wh", Dimension::Energy, 1.0, &[]),
    unit("kWh", Dimension::Energy, 1e3, &[]),
    unit("MWh", Dimension::Energy, 1e6, &[]),
    unit("GWh", Dimension::Energy, 1e9, &[]),
    unit("J", Dimension::Energy, 1.0 / 3600.0, &["Ws"]),
    unit("kJ", Dimension::Energy, 1e3 / 3600.0, &[]),
    unit("MJ", Dimension::Energy, 1e6 / 3600.0, &[]),
    unit("GJ", Dimension::Energy, 1e9 / 3600.0, &[]),
    // The calorie of heat meters, 4.1868 J (international table).
    unit("Mcal", Dimension::Energy, 1163.0, &[]),
    unit("Gcal", Dimension::Energy, 1_163_000.0, &[]),
    unit("VAh", Dimension::ApparentEnergy, 1.0, &[]),
    unit("kVAh", Dimension::ApparentEnergy, 1e3, &[]),
    unit("MVAh", Dimension::ApparentEnergy, 1e6, &[]),
    unit("varh", Dimension::ReactiveEnergy, 1.0, &["VArh"]),
    unit("kvarh", Dimension::ReactiveEnergy, 1e3, &["kVArh"]),
    unit("Mvarh", Dimension::ReactiveEnergy, 1e6, &["MVArh"]),
    unit("Ah", Dimension::Charge, 1.0, &[]),
    unit("mAh", Dimension::Charge, 0.001, &[]),
    unit("°C", Dimension::Temperature, 1.0, &["C", "degC", "℃"]),
    unit("K", Dimension::TemperatureDifference, 1.0, &[]),
    unit("K/s", Dimension::TemperatureSlope, 1.0, &["°C/s"]),
    unit("K/min", Dimension::TemperatureSlope, 1.0 / 60.0, &["°C/min"]),
    unit("s", Dimension::Duration, 1.0, &["sec", "second", "seconds"]),
    unit("ms", Dimension::Duration, 0.001, &[]),
    unit("min", Dimension::Duration, 60.0, &["minute", "minutes"]),
    unit("h", Dimension::Duration, 3600.0, &["hour", "hours"]),
    unit("d", Dimension::Duration, 86_400.0, &["day", "days"]),
    unit("deg", Dimension::Angle, 1.0, &["°"]),
    unit("Ω", Dimension::Resistance, 1.0, &["Ohm", "ohm", "\u{2126}"]),
    unit("mΩ", Dimension::Resistance, 0.001, &["mOhm", "mohm", "m\u{2126}"]),
    unit("kΩ", Dimension::Resistance, 1e3, &["kOhm", "kohm", "k\u{2126}"]),
    unit("MΩ", Dimension::Resistance, 1e6, &["MOhm", "Mohm", "M\u{2126}"]),
    unit("W/m²", Dimension::Irradiance, 1.0, &["W/m2", "W/m^2"]),
    unit("kW/m²", Dimension::Irradiance, 1e3, &["kW/m2", "kW/m^2"]),
    unit("Wh/m²", Dimension::Irradiation, 1.0, &["Wh/m2", "Wh/m^2"]),
    unit("kWh/m²", Dimension::Irradiation, 1e3, &["kWh/m2", "kWh/m^2"]),
    unit("MJ/m²", Dimension::Irradiation, 1e6 / 3600.0, &["MJ/m2", "MJ/m^2"]),
    unit("lx", Dimension::Illuminance, 1.0, &["lux"]),
    unit("hPa", Dimension::Pressure, 1.0, &["mbar"]),
    unit("Pa", Dimension::Pressure, 0.01, &[]),
    unit("kPa", Dimension::Pressure, 10.0, &[]),
    unit("MPa", Dimension::Pressure, 10_000.0, &[]),
    unit("bar", Dimension::Pressure, 1000.0, &[]),
    // A pound-force on a square inch is 6894.757 Pa.
    unit("psi", Dimension::Pressure, 68.947_57, &[]),
    unit("m/s", Dimension::Speed, 1.0, &[]),
    unit("km/h", Dimension::Speed, 1.0 / 3.6, &[]),
    unit("m", Dimension::Length, 1.0, &[]),
    unit("mm", Dimension::Length, 0.001, &[]),
    unit("cm", Dimension::Length, 0.01, &[]),
    unit("km", Dimension::Length, 1e3, &[]),
    unit("rpm", Dimension::RotationalSpeed, 1.0, &["r/min", "tr/min", "U/min"]),
    unit("L", Dimension::Volume, 1.0, &["l", "dm³", "dm3", "dm^3"]),
    unit("mL", Dimension::Volume, 0.001, &["ml"]),
    unit("hL", Dimension::Volume, 100.0, &["hl"]),
    // A meter that counts at normal conditions (Nm³) still counts cubic metres.
    unit("m³", Dimension::Volume, 1000.0, &["m3", "m^3", "Nm³", "Nm3", "Nm^3"]),
    unit("L/min", Dimension::Flow, 1.0, &["l/min"]),
    unit("L/s", Dimension::Flow, 60.0, &["l/s"]),
    unit("L/h", Dimension::Flow, 1.0 / 60.0, &["l/h"]),
    unit("m³/h", Dimension::Flow, 1000.0 / 60.0, &["m3/h", "m^3/h", "Nm³/h", "Nm3/h", "Nm^3/h"]),
    unit("m³/s", Dimension::Flow, 60_000.0, &["m3/s", "m^3/s"]),
    unit("kWh/m³", Dimension::HeatingValue, 1.0, &["kWh/m3", "kWh/m^3", "kWh/Nm³", "kWh/Nm3"]),
    unit("MJ/m³", Dimension::HeatingValue, 1.0 / 3.6, &["MJ/m3", "MJ/m^3", "MJ/Nm³", "MJ/Nm3"]),
    unit("ppm", Dimension::Concentration, 1.0, &[]),
    unit("ppb", Dimension::Concentration, 0.001, &[]),
    unit("dBm", Dimension::SignalStrength, 1.0, &[]),
    unit("gCO2eq/kWh", Dimension::CarbonIntensity, 1.0, &["g/kWh", "gCO2/kWh"]),
    unit("€/kWh", Dimension::Price, 1.0, &["EUR/kWh"]),
    unit("€/MWh", Dimension::Price, 0.001, &["EUR/MWh"]),
    unit("€/m³", Dimension::VolumePrice, 1.0, &["€/m3", "EUR/m³", "EUR/m3"]),
    unit("€", Dimension::Money, 1.0, &["EUR"]),
    unit("g", Dimension::Mass, 1.0, &[]),
    unit("kg", Dimension::Mass, 1000.0, &[]),
];

/// A row of [`UNITS`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Unit(u8);

impl Unit {
    /// A plain number.
    pub const NONE: Self = Self(0);

    /// The unit in which numbers of a dimension are kept.
    pub(crate) fn base_of(dimension: Dimension) -> Self {
        let is_base = |row: &UnitRow| row.dimension == dimension && row.scale.to_bits() == 1f64.to_bits();
        Self(UNITS.iter().position(is_base).unwrap_or(0) as u8)
    }

    /// The unit of that spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let row = UNITS.iter().position(|row| row.symbol == text || row.aliases.contains(&text))?;
        u8::try_from(row).ok().map(Self)
    }

    fn row(self) -> &'static UnitRow {
        // A unit is only made from a row, so the first row (a plain number) is never really the fallback.
        UNITS.get(usize::from(self.0)).unwrap_or(&UNITS[0])
    }

    /// How it is printed.
    pub fn symbol(self) -> &'static str {
        self.row().symbol
    }

    /// What it counts.
    pub fn dimension(self) -> Dimension {
        self.row().dimension
    }

    /// A number of this unit in the base unit; `None` on overflow.
    pub fn to_base(self, value: f64) -> Option<Finite> {
        Finite::new(value * self.row().scale)
    }

    /// A number of the base unit in this unit.
    pub fn from_base(self, value: Finite) -> Finite {
        Finite::saturating(value.get() / self.row().scale)
    }

    /// The units of a dimension, base unit first, for messages.
    pub fn of(dimension: Dimension) -> impl Iterator<Item = Self> {
        UNITS
            .iter()
            .enumerate()
            .filter(move |(_, row)| row.dimension == dimension)
            .map(|(index, _)| Self(index as u8))
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unit({})", self.symbol())
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

/// A number with its unit, as a person wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// In the base unit of the dimension.
    pub base: Finite,
    /// The unit that was written.
    pub unit: Unit,
}

impl Quantity {
    /// What it counts.
    pub fn dimension(&self) -> Dimension {
        self.unit.dimension()
    }
}

/// What is wrong with the text of a quantity. Offsets are bytes in the text that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuantityError {
    /// No number at the start.
    NoNumber,
    /// A decimal comma; the point is meant.
    DecimalComma,
    /// The number is too large, or a word such as `nan` or `inf`.
    NotFinite,
    /// There is a number but no unit.
    NoUnit,
    /// The unit, from `start` on, is not known.
    UnknownUnit {
        /// First byte of the unit.
        start: usize,
    },
}

/// Splits a text into its leading number and the rest, trimmed. Spaces between groups of three digits are part of the
/// number (`15 000 kWc`); so are `_`, the no-break and the thin space.
pub fn split_number(text: &str) -> Result<(f64, usize), QuantityError> {
    let mut digits = [0u8; 40];
    let mut length = 0usize;
    let mut end = 0usize;
    for (at, c) in text.char_indices() {
        let rest = text.get(at + c.len_utf8()..).unwrap_or("");
        let after_digit = length > 0 && digits.get(length - 1).is_some_and(u8::is_ascii_digit);
        let is_group =
            matches!(c, ' ' | '_' | '\u{a0}' | '\u{202f}' | '\u{2009}') && after_digit && three_digits(rest);
        if is_group {
            continue;
        }
        let is_exponent = matches!(c, 'e' | 'E')
            && after_digit
            && rest.trim_start_matches(['+', '-']).starts_with(|d: char| d.is_ascii_digit());
        let sign_place = length == 0 || matches!(digits.get(length - 1), Some(b'e' | b'E'));
        let byte = match c {
            '0'..='9' | '.' => c as u8,
            '-' | '+' if sign_place => c as u8,
            '\u{2212}' if sign_place => b'-',
            ',' if after_digit && rest.starts_with(|d: char| d.is_ascii_digit()) => {
                return Err(QuantityError::DecimalComma);
            }
            'e' | 'E' if is_exponent => b'e',
            _ => break,
        };
        let Some(place) = digits.get_mut(length) else { return Err(QuantityError::NotFinite) };
        *place = byte;
        length += 1;
        end = at + c.len_utf8();
    }
    let number = core::str::from_utf8(digits.get(..length).unwrap_or(&[])).unwrap_or("");
    if !number.bytes().any(|b| b.is_ascii_digit()) {
        let word = text.trim_start_matches(['-', '+', '.']);
        let is_word =
            ["nan", "inf"].iter().any(|w| word.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(w)));
        return Err(if is_word { QuantityError::NotFinite } else { QuantityError::NoNumber });
    }
    let value: f64 = number.parse().map_err(|_| QuantityError::NoNumber)?;
    if !value.is_finite() {
        return Err(QuantityError::NotFinite);
    }
    Ok((value, end))
}

/// Whether exactly three digits stand at the start.
fn three_digits(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits == 3
}

/// Reads `49.8 Hz`. Several terms may follow each other when they are times: `1h 30min`.
pub fn parse_quantity(text: &str) -> Result<Quantity, QuantityError> {
    let trimmed = text.trim_start();
    let skipped = text.len() - trimmed.len();
    let (value, end) = split_number(trimmed)?;
    let rest = trimmed.get(end..).unwrap_or("");
    let symbol = rest.trim();
    let start = skipped + end + (rest.len() - rest.trim_start().len());
    if symbol.is_empty() {
        return Err(QuantityError::NoUnit);
    }
    if let Some(unit) = Unit::parse(symbol) {
        let base = unit.to_base(value).ok_or(QuantityError::NotFinite)?;
        return Ok(Quantity { base, unit });
    }
    // `1h30min`: the letters up to the next digit are a unit of time, and another time follows.
    let letters = symbol.find(|c: char| c.is_ascii_digit()).unwrap_or(symbol.len());
    let (first, more) = (symbol.get(..letters).unwrap_or(""), symbol.get(letters..).unwrap_or(""));
    let unit =
        Unit::parse(first.trim()).filter(|unit| unit.dimension() == Dimension::Duration && !more.is_empty());
    let Some(unit) = unit else { return Err(QuantityError::UnknownUnit { start }) };
    let rest = parse_quantity(more).map_err(|_| QuantityError::UnknownUnit { start })?;
    if rest.dimension() != Dimension::Duration {
        return Err(QuantityError::UnknownUnit { start });
    }
    let base = unit.to_base(value).and_then(|value| Finite::new(value.get() + rest.base.get()));
    Ok(Quantity { base: base.ok_or(QuantityError::NotFinite)?, unit })
}

/// Reads a length of time such as `2 s`, `1h 30min`, `7 d`; `None` where the text is none or is negative.
pub fn parse_span(text: &str) -> Option<Span> {
    let quantity =
        parse_quantity(text).ok().filter(|quantity| quantity.dimension() == Dimension::Duration)?;
    Span::from_secs_f64(quantity.base.get())
}

/// A number of the base unit of `unit`, printed in `unit` with at most `decimals` digits, trailing zeros dropped.
pub struct Shown {
    /// In the base unit.
    pub base: Finite,
    /// The unit to print.
    pub unit: Unit,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.unit.from_base(self.base).get();
        // Nine significant places hide the last bits of a binary fraction (0.1 + 0.2) and keep every meter's digits.
        let magnitude = libm::fabs(value);
        let places = if magnitude >= 1e5 {
            2
        } else if magnitude >= 100.0 {
            4
        } else {
            6
        };
        let rounded =
            libm::round(value * libm::pow(10.0, f64::from(places))) / libm::pow(10.0, f64::from(places));
        let rounded = if rounded.is_finite() { rounded + 0.0 } else { value };
        write!(f, "{rounded}")?;
        if self.unit == Unit::NONE { Ok(()) } else { write!(f, " {}", self.unit) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn reads_quantities_as_people_write_them() {
        for (text, base, symbol) in [
            ("49.8 Hz", 49.8, "Hz"),
            ("49.8Hz", 49.8, "Hz"),
            ("3 kWh", 3000.0, "kWh"),
            ("25 %", 25.0, "%"),
            ("-2 deg", -2.0, "deg"),
            ("50 mA", 0.05, "mA"),
            ("15 000 kWc", 15e6, "kW"),
            ("1 000 000 W", 1e6, "W"),
            ("1.5e3 W", 1500.0, "W"),
            ("50 °C", 50.0, "°C"),
            ("1.2 m3/h", 20.0, "m³/h"),
            ("1.2 Nm³/h", 20.0, "m³/h"),
            ("7 m^3", 7000.0, "m³"),
            ("90 l/h", 1.5, "L/h"),
            ("3.6 GJ", 1e6, "GJ"),
            ("3.6 MJ", 1000.0, "MJ"),
            ("1 Gcal", 1.163e6, "Gcal"),
            ("2 bar", 2000.0, "bar"),
            ("100 Pa", 1.0, "Pa"),
            ("5 K", 5.0, "K"),
            ("-71 dBm", -71.0, "dBm"),
            ("800 W/m2", 800.0, "W/m²"),
            ("1500 tr/min", 1500.0, "rpm"),
            ("36 MJ/m³", 10.0, "MJ/m³"),
            ("80 EUR/MWh", 0.08, "€/MWh"),
            ("1h30min", 5400.0, "h"),
            ("1 h 30 min", 5400.0, "h"),
        ] {
            let quantity = parse_quantity(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            assert!((quantity.base.get() - base).abs() < 1e-9, "{text}");
            assert_eq!(quantity.unit.symbol(), symbol, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_quantity() {
        assert_eq!(parse_quantity("Hz"), Err(QuantityError::NoNumber));
        assert_eq!(parse_quantity("49,8 Hz"), Err(QuantityError::DecimalComma));
        assert_eq!(parse_quantity("49.8"), Err(QuantityError::NoUnit));
        assert_eq!(parse_quantity("49.8 Herz"), Err(QuantityError::UnknownUnit { start: 5 }));
        assert_eq!(parse_quantity("nan Hz"), Err(QuantityError::NotFinite));
        assert_eq!(parse_quantity("1e999 Hz"), Err(QuantityError::NotFinite));
    }

    #[test]
    fn every_dimension_has_a_base_unit_and_every_spelling_one_meaning() {
        let mut seen = alloc::collections::BTreeSet::new();
        for row in UNITS {
            assert_eq!(row.dimension.base().dimension(), row.dimension, "{}", row.symbol);
            for spelling in core::iter::once(&row.symbol).chain(row.aliases) {
                assert!(seen.insert(*spelling), "{spelling} twice");
            }
        }
    }

    #[test]
    fn shows_what_was_measured_without_binary_dust() {
        let show = |value: f64, unit: &str| {
            Shown { base: Finite::saturating(value), unit: Unit::parse(unit).unwrap() }.to_string()
        };
        assert_eq!(show(0.1 + 0.2, "Hz"), "0.3 Hz");
        assert_eq!(show(3000.0, "kWh"), "3 kWh");
        assert_eq!(show(49.812, "Hz"), "49.812 Hz");
    }
}
