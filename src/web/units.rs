//! How a unit is called in a metric's name, and how many of it make one of ours.
//!
//! Prometheus wants base units spelled out in the plural at the end of the name, and `promtool check metrics` complains
//! about others: it refuses `watt_hours` since it wants seconds instead of hours. So energies are joules and
//! charges coulombs there; the manual says how to show kWh in a panel (divide by 3.6e6).

use ballast_model::Dimension;

/// The end of a metric's name and what brings a value there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricUnit {
    /// With its underscore, `_watts`; empty for a plain number.
    pub suffix: &'static str,
    /// Times a value in the base unit of its dimension, as points are kept, gives the value to expose.
    pub scale: f64,
}

/// How values of a dimension are exposed.
pub const fn metric_unit(dimension: Dimension) -> MetricUnit {
    use Dimension as D;
    const HOUR: f64 = 3600.0;
    let (suffix, scale) = match dimension {
        D::Number => ("", 1.0),
        D::Ratio => ("_ratio", 0.01),
        D::Frequency => ("_hertz", 1.0),
        D::FrequencySlope => ("_hertz_per_second", 1.0),
        D::Voltage => ("_volts", 1.0),
        D::VoltageSlope => ("_volts_per_second", 1.0),
        D::Current => ("_amperes", 1.0),
        D::CurrentSlope => ("_amperes_per_second", 1.0),
        D::Power => ("_watts", 1.0),
        D::PowerSlope => ("_watts_per_second", 1.0),
        D::ApparentPower => ("_volt_amperes", 1.0),
        D::ReactivePower => ("_volt_amperes_reactive", 1.0),
        D::Energy => ("_joules", HOUR),
        D::ApparentEnergy => ("_volt_ampere_seconds", HOUR),
        D::ReactiveEnergy => ("_volt_ampere_reactive_seconds", HOUR),
        D::Charge => ("_coulombs", HOUR),
        D::Temperature => ("_celsius", 1.0),
        D::TemperatureSlope => ("_celsius_per_second", 1.0),
        D::Duration => ("_seconds", 1.0),
        D::Angle => ("_degrees", 1.0),
        D::Resistance => ("_ohms", 1.0),
        D::Irradiance => ("_watts_per_square_meter", 1.0),
        D::Illuminance => ("_lux", 1.0),
        // From hectopascals.
        D::Pressure => ("_pascals", 100.0),
        D::Speed => ("_meters_per_second", 1.0),
        // From litres.
        D::Volume => ("_cubic_meters", 0.001),
        // From litres per minute.
        D::Flow => ("_cubic_meters_per_second", 0.001 / 60.0),
        D::CarbonIntensity => ("_grams_per_kilowatt_hour", 1.0),
        D::Price => ("_euros_per_kilowatt_hour", 1.0),
        D::Money => ("_euros", 1.0),
        D::Mass => ("_grams", 1.0),
        // As `promtool` wants it: not in the plural.
        D::TemperatureDifference => ("_kelvin", 1.0),
        D::Length => ("_meters", 1.0),
        D::RotationalSpeed => ("_revolutions_per_minute", 1.0),
        D::Irradiation => ("_joules_per_square_meter", HOUR),
        // From kilowatt-hours per cubic metre.
        D::HeatingValue => ("_joules_per_cubic_meter", 1000.0 * HOUR),
        D::VolumePrice => ("_euros_per_cubic_meter", 1.0),
        D::Concentration => ("_parts_per_million", 1.0),
        D::SignalStrength => ("_dbm", 1.0),
    };
    MetricUnit { suffix, scale }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_model::Unit;
    use ballast_model::quantity::UNITS;
    use std::collections::BTreeMap;

    #[test]
    fn every_unit_has_a_suffix_of_its_own_dimension() {
        let mut seen = BTreeMap::new();
        for row in UNITS {
            let suffix = metric_unit(row.dimension).suffix;
            assert_eq!(suffix.is_empty(), row.dimension == Dimension::Number, "{}", row.symbol);
            let before = seen.insert(suffix, row.dimension);
            assert!(before.is_none_or(|dimension| dimension == row.dimension), "{suffix}");
        }
    }

    #[test]
    fn values_arrive_in_the_unit_that_the_name_says() {
        let exposed = |value: f64, symbol: &str| {
            let unit = Unit::parse(symbol).unwrap();
            let metric = metric_unit(unit.dimension());
            (unit.to_base(value).unwrap().get() * metric.scale, metric.suffix)
        };
        for (value, symbol, expected, suffix) in [
            (25.0, "%", 0.25, "_ratio"),
            (3.0, "kW", 3000.0, "_watts"),
            (1.0, "kWh", 3.6e6, "_joules"),
            (1.0, "Ah", 3600.0, "_coulombs"),
            (1013.0, "hPa", 101_300.0, "_pascals"),
            (60.0, "L/min", 0.001, "_cubic_meters_per_second"),
            (2.0, "m³", 2.0, "_cubic_meters"),
            (36.0, "km/h", 10.0, "_meters_per_second"),
            (1.0, "GJ", 1e9, "_joules"),
            (1.0, "Gcal", 4.1868e9, "_joules"),
            (3.6, "m³/h", 0.001, "_cubic_meters_per_second"),
            (1.0, "bar", 1e5, "_pascals"),
            (5.0, "K", 5.0, "_kelvin"),
            (1.0, "kWh/m²", 3.6e6, "_joules_per_square_meter"),
            (10.0, "kWh/m3", 3.6e7, "_joules_per_cubic_meter"),
            (36.0, "MJ/m³", 3.6e7, "_joules_per_cubic_meter"),
            (5.0, "cm", 0.05, "_meters"),
            (5.0, "min", 300.0, "_seconds"),
            (50.0, "mHz", 0.05, "_hertz"),
        ] {
            let (found, name) = exposed(value, symbol);
            assert!((found - expected).abs() <= expected * 1e-12, "{value} {symbol}: {found}");
            assert_eq!(name, suffix);
        }
    }
}
