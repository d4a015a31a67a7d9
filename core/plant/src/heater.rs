//! A water heater: one mixed tank with a thermostat, `C T' = P - UA (T - T_air) - q rho c (T - T_in)`.
//!
//! Between two switchings the equation is linear with constant inputs, so it is solved in closed form and the
//! thermostat's instants are exact.

/// Heat capacity of water, J/(l K), at the temperatures of a tank.
const WATER_J_PER_L_K: f64 = 4_144.14;

/// What a tank is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeaterSpec {
    /// Volume, l, > 0.
    pub volume_l: f64,
    /// Loss through the wall, W/K, > 0.
    pub loss_w_per_k: f64,
    /// Electrical power of the element, W.
    pub power_w: f64,
    /// Air around the tank, C.
    pub air_c: f64,
    /// Cold water, C.
    pub inlet_c: f64,
    /// The thermostat switches on below this, C.
    pub low_c: f64,
    /// The thermostat switches off above this, C; above `low_c`.
    pub high_c: f64,
}

/// A tank at an instant.
#[derive(Clone, Debug)]
pub struct Heater {
    spec: HeaterSpec,
    temperature_c: f64,
    calls: bool,
}

impl Heater {
    /// A tank at `temperature_c`, its thermostat open.
    pub fn new(spec: HeaterSpec, temperature_c: f64) -> Self {
        let calls = temperature_c < spec.low_c;
        Self { spec, temperature_c, calls }
    }

    /// Water temperature, C.
    pub fn temperature_c(&self) -> f64 {
        self.temperature_c
    }

    /// Power that it takes while it is energised, W.
    pub fn power_w(&self) -> f64 {
        if self.calls { self.spec.power_w } else { 0.0 }
    }

    /// Lets `duration_s` pass with `drawn_l_per_min` of hot water leaving, and returns the energy taken, J. Without
    /// supply (`energised` false) the thermostat still moves, but nothing heats.
    pub fn advance(&mut self, duration_s: f64, energised: bool, drawn_l_per_min: f64) -> f64 {
        let capacity = self.spec.volume_l * WATER_J_PER_L_K;
        let flow_w_per_k = drawn_l_per_min / 60.0 * WATER_J_PER_L_K;
        let conductance = self.spec.loss_w_per_k + flow_w_per_k;
        let time_constant_s = capacity / conductance;
        let (mut left_s, mut energy_j) = (duration_s, 0.0);
        while left_s > 0.0 {
            let heating_w = if energised { self.power_w() } else { 0.0 };
            let source_w =
                heating_w + self.spec.loss_w_per_k * self.spec.air_c + flow_w_per_k * self.spec.inlet_c;
            let end_c = source_w / conductance;
            let turn_c = if self.calls { self.spec.high_c } else { self.spec.low_c };
            let turn_s = self.time_to(turn_c, end_c, time_constant_s);
            let step_s = turn_s.map_or(left_s, |turn_s| turn_s.min(left_s));
            energy_j += heating_w * step_s;
            self.temperature_c = end_c + (self.temperature_c - end_c) * libm::exp(-step_s / time_constant_s);
            if turn_s.is_some_and(|turn_s| turn_s <= left_s) {
                (self.temperature_c, self.calls) = (turn_c, !self.calls);
            }
            left_s -= step_s;
        }
        energy_j
    }

    /// Time until the temperature passes `turn_c` on its way to `end_c`, s.
    fn time_to(&self, turn_c: f64, end_c: f64, time_constant_s: f64) -> Option<f64> {
        let passed = if self.calls { self.temperature_c >= turn_c } else { self.temperature_c <= turn_c };
        if passed {
            return Some(0.0);
        }
        let reaches = if self.calls { end_c > turn_c } else { end_c < turn_c };
        reaches.then(|| time_constant_s * libm::log((self.temperature_c - end_c) / (turn_c - end_c)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const TANK: HeaterSpec = HeaterSpec {
        volume_l: 150.0,
        loss_w_per_k: 1.6,
        power_w: 2_000.0,
        air_c: 20.0,
        inlet_c: 15.0,
        low_c: 52.0,
        high_c: 58.0,
    };

    /// A day of five draws, computed elsewhere: temperature, the eight switchings and the energy.
    #[test]
    fn the_reference_day_is_met() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared/reference/plant/r5_water_heater_day.csv");
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("skipped: no reference day at {}", path.display());
            return;
        };
        let draws = [
            (23_400, 480, 6.0),
            (26_100, 300, 6.0),
            (45_000, 240, 5.0),
            (68_400, 600, 6.0),
            (73_800, 480, 5.0),
        ];
        let mut tank = Heater::new(TANK, 57.0);
        let (mut energy_j, mut error_c, mut switchings) = (0.0, 0.0_f64, Vec::new());
        let mut rows = text
            .lines()
            .skip(1)
            .map(|line| line.split(',').map(|cell| cell.parse::<f64>().unwrap()).collect::<Vec<_>>());
        let mut row = rows.next();
        for second in 0..86_400_i32 {
            while let Some(cells) = row.as_ref().filter(|cells| cells[0] <= f64::from(second)) {
                if (cells[0] - f64::from(second)).abs() < 1e-9 {
                    error_c = error_c.max((tank.temperature_c() - cells[1]).abs());
                }
                row = rows.next();
            }
            let drawn = draws.iter().find(|(from, length, _)| (*from..from + length).contains(&second));
            let called = tank.calls;
            energy_j += tank.advance(1.0, true, drawn.map_or(0.0, |draw| draw.2));
            if called != tank.calls {
                switchings.push(second);
            }
        }
        assert_eq!(switchings, [23_510, 30_198, 45_209, 47_328, 68_553, 73_561, 74_068, 77_305]);
        assert!(error_c < 1e-4, "off by {error_c} K");
        assert!((energy_j / 3.6e6 - 9.474_059).abs() < 1e-4, "{} kWh", energy_j / 3.6e6);
    }

    #[test]
    fn without_supply_it_only_cools() {
        let mut tank = Heater::new(TANK, 50.0);
        assert!(tank.advance(3_600.0, false, 0.0) <= 0.0);
        assert!(tank.temperature_c() < 50.0);
        assert!(tank.advance(3_600.0, true, 0.0) > 0.0);
    }
}
