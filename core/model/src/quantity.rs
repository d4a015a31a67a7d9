//! Units, dimensions and the text form of a quantity: `49.8 Hz`, `3 kWh`, `25 %`, `1h 30min`.
//!
//! Inside, every number is in the base unit of its dimension; other units exist only in texts and at devices.

use crate::finite::Finite;
use crate::time::Span;
use core::fmt;

/// What kind of thing a number counts. Numbers of different dimensions are never compared or added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "each variant is its own description; the base unit stands in UNITS")]
pub enum Dimension {
    Number,
    Ratio,
    Frequency,
    FrequencySlope,
    Voltage,
    VoltageSlope,
    Current,
    CurrentSlope,
    Power,
    PowerSlope,
    ApparentPower,
    ReactivePower,
    Energy,
    ApparentEnergy,
    ReactiveEnergy,
    Charge,
    Temperature,
    TemperatureSlope,
    Duration,
    Angle,
    Resistance,
    Irradiance,
    Illuminance,
    Pressure,
    Speed,
    Volume,
    Flow,
    CarbonIntensity,
    Price,
    Money,
    Mass,
}

impl Dimension {
    /// The unit in which numbers of this dimension are kept.
    pub fn base(self) -> Unit {
        let index =
            UNITS.iter().position(|unit| unit.dimension == self && unit.scale.to_bits() == 1f64.to_bits());
        Unit(index.unwrap_or(0) as u8)
    }

    /// The everyday name, for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "a plain number",
            Self::Ratio => "a share",
            Self::Frequency => "a frequency",
            Self::FrequencySlope => "a change of frequency",
            Self::Voltage => "a voltage",
            Self::VoltageSlope => "a change of voltage",
            Self::Current => "a current",
            Self::CurrentSlope => "a change of current",
            Self::Power => "an active power",
            Self::PowerSlope => "a change of power",
            Self::ApparentPower => "an apparent power",
            Self::ReactivePower => "a reactive power",
            Self::Energy => "an energy",
            Self::ApparentEnergy => "an apparent energy",
            Self::ReactiveEnergy => "a reactive energy",
            Self::Charge => "a charge",
            Self::Temperature => "a temperature",
            Self::TemperatureSlope => "a change of temperature",
            Self::Duration => "a time",
            Self::Angle => "an angle",
            Self::Resistance => "a resistance",
            Self::Irradiance => "an irradiance",
            Self::Illuminance => "an illuminance",
            Self::Pressure => "a pressure",
            Self::Speed => "a speed",
            Self::Volume => "a volume",
            Self::Flow => "a flow",
            Self::CarbonIntensity => "a carbon intensity",
            Self::Price => "a price of energy",
            Self::Money => "an amount of money",
            Self::Mass => "a mass",
        }
    }

    /// The dimension of a product, with the factor that brings base units to the base unit of the result.
    pub fn times(self, other: Self) -> Option<(Self, f64)> {
        use Dimension::*;
        Some(match (self, other) {
            (Number, any) | (any, Number) => (any, 1.0),
            (Ratio, any) | (any, Ratio) => (any, 0.01),
            (Resistance, Current) | (Current, Resistance) => (Voltage, 1.0),
            (Voltage, Current) | (Current, Voltage) => (ApparentPower, 1.0),
            (Power, Duration) | (Duration, Power) => (Energy, 1.0 / 3600.0),
            (Current, Duration) | (Duration, Current) => (Charge, 1.0 / 3600.0),
            (FrequencySlope, Duration) | (Duration, FrequencySlope) => (Frequency, 1.0),
            (PowerSlope, Duration) | (Duration, PowerSlope) => (Power, 1.0),
            (Energy, Price) | (Price, Energy) => (Money, 0.001),
            (Energy, CarbonIntensity) | (CarbonIntensity, Energy) => (Mass, 0.001),
            _ => return None,
        })
    }

    /// The dimension of a quotient, with the factor that brings base units to the base unit of the result.
    pub fn over(self, other: Self) -> Option<(Self, f64)> {
        use Dimension::*;
        Some(match (self, other) {
            (a, b) if a == b => (Number, 1.0),
            (any, Number) => (any, 1.0),
            (any, Ratio) => (any, 100.0),
            (Power | ApparentPower, Voltage) => (Current, 1.0),
            (Power | ApparentPower, Current) => (Voltage, 1.0),
            (Voltage, Current) => (Resistance, 1.0),
            (Voltage, Resistance) => (Current, 1.0),
            (Energy, Duration) => (Power, 3600.0),
            (Energy, Power) => (Duration, 3600.0),
            (Charge, Current) => (Duration, 3600.0),
            (Charge, Duration) => (Current, 3600.0),
            (Power, ApparentPower) => (Number, 1.0),
            _ => return None,
        })
    }

    /// The dimension of a change per second, with the factor from base unit per second.
    pub fn slope(self) -> Option<(Self, f64)> {
        use Dimension::*;
        Some(match self {
            Frequency => (FrequencySlope, 1.0),
            Voltage => (VoltageSlope, 1.0),
            Current => (CurrentSlope, 1.0),
            Power => (PowerSlope, 1.0),
            Temperature => (TemperatureSlope, 1.0),
            Energy => (Power, 3600.0),
            Charge => (Current, 3600.0),
            Number => (Number, 1.0),
            _ => return None,
        })
    }

    /// Above this magnitude (base unit) a value written by a person is more likely a slip of unit than meant: a house
    /// or a village has no 15 000 kWc roof and no 5 kV socket. Bounds are this project's own choice.
    pub const fn plausible_max(self) -> Option<f64> {
        match self {
            Self::Frequency => Some(1_000.0),
            Self::Voltage => Some(2_000.0),
            Self::Current => Some(5_000.0),
            Self::Power | Self::ApparentPower | Self::ReactivePower => Some(5_000_000.0),
            Self::Temperature => Some(500.0),
            Self::Ratio => Some(1_000.0),
            _ => None,
        }
    }
}

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
    unit("Hz/s", Dimension::FrequencySlope, 1.0, &[]),
    unit("mHz/s", Dimension::FrequencySlope, 0.001, &[]),
    unit("V", Dimension::Voltage, 1.0, &[]),
    unit("mV", Dimension::Voltage, 0.001, &[]),
    unit("kV", Dimension::Voltage, 1000.0, &[]),
    unit("V/s", Dimension::VoltageSlope, 1.0, &[]),
    unit("A", Dimension::Current, 1.0, &[]),
    unit("mA", Dimension::Current, 0.001, &[]),
    unit("A/s", Dimension::CurrentSlope, 1.0, &[]),
    unit("W", Dimension::Power, 1.0, &["Wc", "Wp"]),
    unit("mW", Dimension::Power, 0.001, &[]),
    unit("kW", Dimension::Power, 1e3, &["kWc", "kWp"]),
    unit("MW", Dimension::Power, 1e6, &["MWc", "MWp"]),
    unit("W/s", Dimension::PowerSlope, 1.0, &[]),
    unit("kW/s", Dimension::PowerSlope, 1e3, &[]),
    unit("VA", Dimension::ApparentPower, 1.0, &[]),
    unit("kVA", Dimension::ApparentPower, 1e3, &[]),
    unit("var", Dimension::ReactivePower, 1.0, &["VAr", "VAR"]),
    unit("kvar", Dimension::ReactivePower, 1e3, &["kVAr", "kVAR"]),
    unit("Wh", Dimension::Energy, 1.0, &[]),
    unit("kWh", Dimension::Energy, 1e3, &[]),
    unit("MWh", Dimension::Energy, 1e6, &[]),
    unit("VAh", Dimension::ApparentEnergy, 1.0, &[]),
    unit("varh", Dimension::ReactiveEnergy, 1.0, &["VArh"]),
    unit("kvarh", Dimension::ReactiveEnergy, 1e3, &["kVArh"]),
    unit("Ah", Dimension::Charge, 1.0, &[]),
    unit("mAh", Dimension::Charge, 0.001, &[]),
    unit("°C", Dimension::Temperature, 1.0, &["C", "degC", "℃"]),
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
    unit("W/m²", Dimension::Irradiance, 1.0, &["W/m2"]),
    unit("lx", Dimension::Illuminance, 1.0, &["lux"]),
    unit("hPa", Dimension::Pressure, 1.0, &["mbar"]),
    unit("bar", Dimension::Pressure, 1000.0, &[]),
    unit("m/s", Dimension::Speed, 1.0, &[]),
    unit("km/h", Dimension::Speed, 1.0 / 3.6, &[]),
    unit("L", Dimension::Volume, 1.0, &["l"]),
    unit("m³", Dimension::Volume, 1000.0, &["m3"]),
    unit("L/min", Dimension::Flow, 1.0, &["l/min"]),
    unit("gCO2eq/kWh", Dimension::CarbonIntensity, 1.0, &["g/kWh"]),
    unit("€/kWh", Dimension::Price, 1.0, &["EUR/kWh"]),
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
