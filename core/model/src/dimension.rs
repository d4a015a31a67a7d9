//! What kinds of things numbers count, and how they go together.
//!
//! A temperature and a difference of two temperatures are two kinds, as a date and a length of time are: `°C` is read from a
//! thermometer and `K` from a heat meter that tells how much the water cooled down. The difference that a condition computes
//! from two temperatures may be compared with either ([`crate::expr`]).

use crate::quantity::Unit;

/// What kind of thing a number counts. Numbers of different dimensions are never compared or added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "each variant is its own description; the base unit stands in UNITS")]
// Saved states hold the place of a dimension here: a new one stands last.
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
    TemperatureDifference,
    Length,
    RotationalSpeed,
    Irradiation,
    HeatingValue,
    VolumePrice,
    Concentration,
    SignalStrength,
}

impl Dimension {
    /// The unit in which numbers of this dimension are kept.
    pub fn base(self) -> Unit {
        Unit::base_of(self)
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
            Self::TemperatureDifference => "a temperature difference",
            Self::Length => "a length",
            Self::RotationalSpeed => "a speed of rotation",
            Self::Irradiation => "an irradiation",
            Self::HeatingValue => "an energy per volume",
            Self::VolumePrice => "a price per volume",
            Self::Concentration => "a concentration",
            Self::SignalStrength => "a signal strength",
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
            (ApparentPower, Duration) | (Duration, ApparentPower) => (ApparentEnergy, 1.0 / 3600.0),
            (ReactivePower, Duration) | (Duration, ReactivePower) => (ReactiveEnergy, 1.0 / 3600.0),
            (TemperatureSlope, Duration) | (Duration, TemperatureSlope) => (TemperatureDifference, 1.0),
            (Irradiance, Duration) | (Duration, Irradiance) => (Irradiation, 1.0 / 3600.0),
            (Flow, Duration) | (Duration, Flow) => (Volume, 1.0 / 60.0),
            (Speed, Duration) | (Duration, Speed) => (Length, 1.0),
            // A kilowatt-hour in a cubic metre is a watt-hour in a litre.
            (Volume, HeatingValue) | (HeatingValue, Volume) => (Energy, 1.0),
            (Volume, VolumePrice) | (VolumePrice, Volume) => (Money, 0.001),
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
            (ApparentEnergy, Duration) => (ApparentPower, 3600.0),
            (ReactiveEnergy, Duration) => (ReactivePower, 3600.0),
            (TemperatureDifference, Duration) => (TemperatureSlope, 1.0),
            (Irradiation, Duration) => (Irradiance, 3600.0),
            (Volume, Duration) => (Flow, 60.0),
            (Volume, Flow) => (Duration, 60.0),
            (Length, Duration) => (Speed, 1.0),
            (Length, Speed) => (Duration, 1.0),
            (Energy, Volume) => (HeatingValue, 1.0),
            (Energy, HeatingValue) => (Volume, 1.0),
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
            Temperature | TemperatureDifference => (TemperatureSlope, 1.0),
            Energy => (Power, 3600.0),
            ApparentEnergy => (ApparentPower, 3600.0),
            ReactiveEnergy => (ReactivePower, 3600.0),
            Irradiation => (Irradiance, 3600.0),
            Volume => (Flow, 60.0),
            Length => (Speed, 1.0),
            Charge => (Current, 3600.0),
            Number => (Number, 1.0),
            _ => return None,
        })
    }

    /// Above this magnitude (base unit) a value written by a person is more likely a slip of unit than meant: a house
    /// or a village has no 15 000 kWc roof and no 5 kV socket. Bounds are this project's own choice: several times what such a
    /// site has, and below a thousand times that, so that a slip of a prefix is found.
    pub const fn plausible_max(self) -> Option<f64> {
        match self {
            Self::Frequency => Some(1_000.0),
            Self::Voltage => Some(2_000.0),
            Self::Current => Some(5_000.0),
            Self::Power | Self::ApparentPower | Self::ReactivePower => Some(5_000_000.0),
            Self::Temperature | Self::TemperatureDifference => Some(500.0),
            // In clear sky at most 1.4 kW/m², a little more at the edge of a cloud; full sun is 130 000 lx.
            Self::Irradiance => Some(5_000.0),
            Self::Illuminance => Some(1_000_000.0),
            // 1000 bar, 60 000 m³/h, 150 m/s, 100 000 rpm.
            Self::Pressure => Some(1_000_000.0),
            Self::Flow => Some(1_000_000.0),
            Self::Speed => Some(150.0),
            Self::RotationalSpeed => Some(100_000.0),
            Self::Concentration => Some(1_000_000.0),
            Self::SignalStrength => Some(300.0),
            Self::Ratio => Some(1_000.0),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::{Quantity, parse_quantity};

    fn read(text: &str) -> Quantity {
        parse_quantity(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    /// Whether a number of base units is that quantity.
    fn is(dimension: Dimension, base: f64, expected: &str) {
        let expected = read(expected);
        assert_eq!(dimension, expected.dimension());
        let wanted = expected.base.get();
        assert!((base - wanted).abs() <= wanted.abs() * 1e-9, "{base} for {wanted} {}", dimension.base());
    }

    #[test]
    fn products_and_quotients_come_in_the_right_size() {
        for (a, b, product) in [
            ("2 m³/h", "30 min", "1 m³"),
            ("12 m³", "11 kWh/m³", "132 kWh"),
            ("12 m³", "4 €/m³", "48 €"),
            ("500 W/m²", "2 h", "1 kWh/m²"),
            ("36 km/h", "10 s", "100 m"),
            ("3 kVA", "2 h", "6 kVAh"),
            ("0.5 K/min", "10 min", "5 K"),
            ("200 kWh", "80 €/MWh", "16 €"),
        ] {
            let (a, b) = (read(a), read(b));
            for (one, other) in [(a, b), (b, a)] {
                let (dimension, factor) = one.dimension().times(other.dimension()).unwrap();
                is(dimension, one.base.get() * other.base.get() * factor, product);
            }
            // What was multiplied can be divided again.
            let (whole, part) = (read(product), b);
            if let Some((dimension, factor)) = whole.dimension().over(part.dimension()) {
                let back = whole.base.get() / part.base.get() * factor;
                assert_eq!(dimension, a.dimension(), "{product}");
                assert!((back - a.base.get()).abs() <= a.base.get() * 1e-9, "{product}: {back}");
            }
        }
        let (dimension, factor) = Dimension::Volume.over(Dimension::Flow).unwrap();
        is(dimension, read("1 m³").base.get() / read("2 m³/h").base.get() * factor, "30 min");
    }

    #[test]
    fn a_change_per_second_is_a_rate() {
        for (change, rate) in [
            ("1 L", "1 L/s"),
            ("1 kWh", "3600 kW"),
            ("1 VAh", "3600 VA"),
            ("1 K", "1 K/s"),
            ("1 °C", "1 K/s"),
            ("1 Wh/m²", "3600 W/m²"),
            ("1 m", "1 m/s"),
        ] {
            let change = read(change);
            let (dimension, factor) = change.dimension().slope().unwrap();
            is(dimension, change.base.get() * factor, rate);
        }
    }
}
