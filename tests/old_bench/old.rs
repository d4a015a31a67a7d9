//! The first program of the bench, as far as its defects go: a table of modes and a table of relays, looked at every second.

use crate::{Act, Circuits, Controller, Moment, Sensors};

/// What it put in place of every reading of its thermometer, °C.
const HARD_WIRED_C: f64 = 30.0;
/// Above this it cut, °C.
const HOTTEST_C: f64 = 60.0;
/// The battery is full, V.
const FULL_V: f64 = 12.8;

/// Its tables. A relay that is `true` is said to be closed.
pub(crate) struct Old {
    has_real_thermometer: bool,
    mode: &'static str,
    relays: [bool; 3],
    voltage: f64,
}

impl Old {
    /// As it was.
    pub(crate) fn as_it_was() -> Self {
        Self { has_real_thermometer: false, mode: "observe", relays: [true; 3], voltage: 0.0 }
    }

    /// With the readings of its thermometer, to show what else was wrong.
    pub(crate) fn with_a_real_thermometer() -> Self {
        Self { has_real_thermometer: true, ..Self::as_it_was() }
    }

    fn circuits(&self) -> Circuits {
        let [mains, charger, consumers] = self.relays;
        Circuits { mains, charger, consumers }
    }
}

impl Controller for Old {
    fn second(&mut self, second: u32, sensors: Sensors) -> Vec<Moment> {
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<f64>().ok());
        let temperature =
            if self.has_real_thermometer { number(sensors.temperature) } else { Some(HARD_WIRED_C) };
        // The sign went here.
        self.voltage = number(sensors.voltage).map_or(self.voltage, f64::abs);
        match self.mode {
            "observe" => self.relays = [true, true, self.relays[2]],
            "protect" => self.relays = [true, self.voltage < FULL_V, self.relays[2]],
            "conso" => self.relays = [false, true, self.relays[2]],
            // By hand: what the person wrote into the table.
            _ => {}
        }
        // Compared inside of the automatic modes only; no reading is not above anything.
        if self.mode != "manual" {
            let is_hot = temperature.is_some_and(|temperature| temperature > HOTTEST_C);
            self.relays = if is_hot { [false; 3] } else { [self.relays[0], self.relays[1], true] };
        }
        vec![Moment { second, circuits: self.circuits(), current: number(sensors.current).map(f64::abs) }]
    }

    fn person(&mut self, act: Act) {
        match act {
            Act::Mode("manual") => (self.mode, self.relays) = ("manual", [true, true, false]),
            Act::Mode(mode) => self.mode = mode,
            Act::CloseCharger => self.relays[1] = true,
            // There was nothing to reset.
            Act::Reset => {}
        }
    }

    fn switched_off(&self) -> Circuits {
        // Every relay was "closed" with a coil that has no current.
        Circuits { mains: true, charger: true, consumers: true }
    }
}
