//! What Home Assistant calls our units: the unit, the class of device and the class of state of a sensor.
//!
//! Source: the classes of sensors and their units in Home Assistant's developer documentation ("Sensor entity"), as of its
//! release 2024.3. A class with a unit that it does not know is refused there, so units that it lacks are told in the base unit
//! of their dimension.

use ballast_model::{Dimension, Unit};

/// How numbers of a point are shown there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The unit; `None` for a plain number.
    pub unit: Option<&'static str>,
    /// The class of device, where one fits.
    pub device_class: Option<&'static str>,
    /// The class of state: whether statistics are kept, and of what.
    pub state_class: Option<&'static str>,
}

/// The unit in which numbers of `unit` are told: the same, or the base unit where Home Assistant does not know it.
pub fn told_in(unit: Unit) -> Unit {
    match unit.symbol() {
        "kV" | "kA" | "mW" | "MW" | "kVA" | "MVA" | "kvar" | "Mvar" | "mHz" | "mHz/s" | "GWh" | "J"
        | "kJ" | "Mcal" | "Gcal" | "MPa" | "hL" | "L/s" | "L/h" | "m³/s" | "kW/m²" => {
            unit.dimension().base()
        }
        _ => unit,
    }
}

/// How a point with this unit is shown; `unit` is one that [`told_in`] gave.
pub fn shown(unit: Unit, is_counter: bool) -> Shown {
    use Dimension as D;
    let (measured, counted) = (Some("measurement"), Some("total_increasing"));
    let of_state = if is_counter { counted } else { measured };
    let (device_class, state_class) = match unit.dimension() {
        D::Frequency => (Some("frequency"), measured),
        D::Voltage => (Some("voltage"), measured),
        D::Current => (Some("current"), measured),
        D::Power => (Some("power"), measured),
        D::ApparentPower => (Some("apparent_power"), measured),
        D::ReactivePower => (Some("reactive_power"), measured),
        // One that does not only grow may be stored or counted since midnight: its class of state would be a guess.
        D::Energy => (Some("energy"), counted.filter(|_| is_counter)),
        // Not of class: there kelvins are a temperature, and 5 K would be shown as -268 °C.
        D::TemperatureDifference => (None, measured),
        D::Temperature => (Some("temperature"), measured),
        D::Length => (Some("distance"), measured),
        D::SignalStrength => (Some("signal_strength"), measured),
        D::Duration => (Some("duration"), of_state),
        D::Irradiance => (Some("irradiance"), measured),
        D::Illuminance => (Some("illuminance"), measured),
        D::Pressure => (Some("pressure"), measured),
        D::Speed => (Some("speed"), measured),
        D::Volume if is_counter => (Some("volume"), counted),
        D::Volume => (Some("volume_storage"), measured),
        D::Flow => (Some("volume_flow_rate"), measured),
        D::Mass => (Some("weight"), of_state),
        D::Money => (None, None),
        _ => (None, of_state),
    };
    let unit = match unit.symbol() {
        "" => None,
        "deg" => Some("°"),
        "€" => Some("EUR"),
        "€/kWh" => Some("EUR/kWh"),
        "€/MWh" => Some("EUR/MWh"),
        "€/m³" => Some("EUR/m³"),
        symbol => Some(symbol),
    };
    Shown { unit, device_class, state_class }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_model::quantity::UNITS;

    fn of(
        symbol: &str,
        is_counter: bool,
    ) -> (Option<&'static str>, Option<&'static str>, Option<&'static str>) {
        let Shown { unit, device_class, state_class } =
            shown(told_in(Unit::parse(symbol).unwrap()), is_counter);
        (unit, device_class, state_class)
    }

    #[test]
    fn units_have_the_classes_that_home_assistant_has_for_them() {
        assert_eq!(of("W", false), (Some("W"), Some("power"), Some("measurement")));
        assert_eq!(of("kVA", false), (Some("VA"), Some("apparent_power"), Some("measurement")));
        assert_eq!(of("Wh", true), (Some("Wh"), Some("energy"), Some("total_increasing")));
        assert_eq!(of("kWh", false), (Some("kWh"), Some("energy"), None));
        assert_eq!(of("mHz", false), (Some("Hz"), Some("frequency"), Some("measurement")));
        assert_eq!(of("°C", false), (Some("°C"), Some("temperature"), Some("measurement")));
        assert_eq!(of("K", false), (Some("K"), None, Some("measurement")), "kelvins are absolute there");
        assert_eq!(of("GJ", true), (Some("GJ"), Some("energy"), Some("total_increasing")));
        assert_eq!(of("m3", true), (Some("m³"), Some("volume"), Some("total_increasing")));
        assert_eq!(of("L/h", false), (Some("L/min"), Some("volume_flow_rate"), Some("measurement")));
        assert_eq!(of("dBm", false), (Some("dBm"), Some("signal_strength"), Some("measurement")));
        assert_eq!(of("rpm", false), (Some("rpm"), None, Some("measurement")));
        assert_eq!(of("%", false), (Some("%"), None, Some("measurement")));
        assert_eq!(of("varh", true), (Some("varh"), None, Some("total_increasing")));
        assert_eq!(of("1", false), (None, None, Some("measurement")));
    }

    #[test]
    fn a_class_has_only_units_that_home_assistant_knows_in_it() {
        // From the same documentation; `min` and `h` are units of time there as here.
        let known: &[(&str, &[&str])] = &[
            ("frequency", &["Hz", "kHz"]),
            ("voltage", &["V", "mV"]),
            ("current", &["A", "mA"]),
            ("power", &["W", "kW"]),
            ("apparent_power", &["VA"]),
            ("reactive_power", &["var"]),
            ("energy", &["Wh", "kWh", "MWh", "MJ", "GJ"]),
            ("temperature", &["°C"]),
            ("duration", &["s", "ms", "min", "h", "d"]),
            ("irradiance", &["W/m²"]),
            ("illuminance", &["lx"]),
            ("pressure", &["hPa", "Pa", "kPa", "bar", "psi"]),
            ("speed", &["m/s", "km/h"]),
            ("volume", &["L", "mL", "m³"]),
            ("volume_storage", &["L", "mL", "m³"]),
            ("volume_flow_rate", &["L/min", "m³/h"]),
            ("distance", &["m", "mm", "cm", "km"]),
            ("signal_strength", &["dBm"]),
            ("weight", &["g", "kg"]),
        ];
        for row in UNITS {
            let symbol = if row.symbol.is_empty() { "1" } else { row.symbol };
            for is_counter in [false, true] {
                let (unit, Some(class), _) = of(symbol, is_counter) else { continue };
                let units = known.iter().find(|(known, _)| *known == class).map(|(_, units)| *units);
                assert!(units.unwrap().contains(&unit.unwrap()), "{symbol}: {unit:?} in {class}");
            }
        }
    }
}
