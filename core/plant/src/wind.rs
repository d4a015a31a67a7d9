//! A wind turbine as its power curve, and the wind before it, drawn from a seed.
//!
//! **Power.** Nothing below the cut-in speed, the cube between it and the rated speed, the rated power up to the cut-out
//! speed, nothing above.
//!
//! **Wind.** The slow wind has two components at right angles, each a chain of normal numbers: its speed then follows
//! Rayleigh's distribution, by which small turbines are rated (IEC 61400-2), so that the mean of its cube is 6/pi = 1.91
//! times the cube of its mean. Gusts come on top, with the standard deviation of that standard's normal turbulence model,
//! `I15 (15 + 2 v) / 3`. Both are functions of time: nothing depends on how often the wind was asked for.

use crate::rng::Stream;
use crate::swing::SolarSpec;

/// Knots of the slow wind, s: weather changes over hours.
const SLOW_S: f64 = 7_200.0;

/// Knots of the gusts, s: shorter ones the rotor does not follow.
const GUST_S: f64 = 8.0;

/// Mean of a Rayleigh distribution whose two components have a standard deviation of 1: sqrt(pi / 2).
const RAYLEIGH_MEAN: f64 = 1.253_314_137_315_500_3;

/// What a turbine and its site are.
#[derive(Clone, Debug, PartialEq)]
pub struct TurbineSpec {
    /// Name of the device, the first part of its points.
    pub name: String,
    /// Power from the rated speed on, W, > 0.
    pub rated_w: f64,
    /// Below this it gives nothing, m/s.
    pub cut_in_m_s: f64,
    /// From this on it gives its rated power, m/s; above `cut_in_m_s`.
    pub rated_m_s: f64,
    /// From this on it stands still, m/s; above `rated_m_s`.
    pub cut_out_m_s: f64,
    /// Mean speed of the wind over the year at the hub, m/s, > 0.
    pub mean_m_s: f64,
    /// Intensity of the turbulence at 15 m/s (I15), 0..=1; 0.18 for small turbines.
    pub turbulence: f64,
    /// The inverter as the frequency sees it; its lag is mostly the rotor's.
    pub inverter: SolarSpec,
    /// It leaves the bus below the first and above the second frequency, Hz.
    pub trip_hz: (f64, f64),
    /// The bus must be live and inside `trip_hz` this long before it connects, ms.
    pub reconnect_ms: u64,
}

impl TurbineSpec {
    /// What the turbine gives at a speed of the wind, W.
    pub fn power_w(&self, wind_m_s: f64) -> f64 {
        let cube = |speed: f64| speed * speed * speed;
        if wind_m_s < self.cut_in_m_s || wind_m_s >= self.cut_out_m_s {
            return 0.0;
        }
        let from = cube(self.cut_in_m_s);
        let share = (cube(wind_m_s) - from) / (cube(self.rated_m_s) - from);
        self.rated_w * share.min(1.0)
    }
}

/// The wind at a site.
#[derive(Clone, Copy, Debug)]
pub struct Wind {
    east: Stream,
    north: Stream,
    gusts: Stream,
    mean_m_s: f64,
    turbulence: f64,
}

impl Wind {
    /// Wind with this mean over the year and this turbulence.
    pub fn new(stream: Stream, mean_m_s: f64, turbulence: f64) -> Self {
        Self { east: stream.fork(0), north: stream.fork(1), gusts: stream.fork(2), mean_m_s, turbulence }
    }

    /// Speed at `now_s` >= 0 without gusts, m/s.
    pub fn slow_m_s(&self, now_s: f64) -> f64 {
        let (east, north) = (chain(self.east, now_s, SLOW_S), chain(self.north, now_s, SLOW_S));
        self.mean_m_s / RAYLEIGH_MEAN * libm::sqrt(east * east + north * north)
    }

    /// Speed at `now_s` >= 0, m/s, >= 0.
    pub fn speed_m_s(&self, now_s: f64) -> f64 {
        let slow_m_s = self.slow_m_s(now_s);
        let deviation_m_s = self.turbulence * (15.0 + 2.0 * slow_m_s) / 3.0;
        // Calm air has no gusts, whatever the formula gives at 0.
        let deviation_m_s = deviation_m_s.min(0.5 * slow_m_s);
        (slow_m_s + deviation_m_s * chain(self.gusts, now_s, GUST_S)).max(0.0)
    }
}

/// Normal numbers at knots, joined so that their variance is 1 in between as well.
fn chain(stream: Stream, now_s: f64, knot_s: f64) -> f64 {
    let place = (now_s / knot_s).max(0.0);
    let knot = place.floor();
    let share = place - knot;
    let number = knot as u64;
    let (here, next) = (bell(stream, number), bell(stream, number + 1));
    (here * (1.0 - share) + next * share) / libm::sqrt((1.0 - share) * (1.0 - share) + share * share)
}

/// A normal number with longer tails than [`Stream::normal`]: storms belong to the distribution.
fn bell(stream: Stream, number: u64) -> f64 {
    let (first, second) = (stream.normal(2 * number), stream.normal(2 * number + 1));
    (first + second) * core::f64::consts::FRAC_1_SQRT_2
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURBINE: TurbineSpec = TurbineSpec {
        name: String::new(),
        rated_w: 5_000.0,
        cut_in_m_s: 3.0,
        rated_m_s: 11.0,
        cut_out_m_s: 25.0,
        mean_m_s: 5.0,
        turbulence: 0.18,
        inverter: SolarSpec { reduce_from_hz: 51.0, zero_at_hz: 52.0, lag_s: 2.0 },
        trip_hz: (47.0, 53.0),
        reconnect_ms: 60_000,
    };

    #[test]
    fn the_power_curve_has_its_four_parts() {
        for (wind_m_s, expected_w) in
            [(2.99, 0.0), (3.0, 0.0), (7.0, 1_211.656), (11.0, 5_000.0), (24.9, 5_000.0), (25.0, 0.0)]
        {
            let power_w = TURBINE.power_w(wind_m_s);
            assert!((power_w - expected_w).abs() < 0.01, "{power_w} W at {wind_m_s} m/s");
        }
    }

    /// Twenty years, every ten minutes.
    fn years() -> impl Iterator<Item = f64> {
        (0..20 * 52_560_u32).map(|step| f64::from(step) * 600.0)
    }

    /// Rayleigh: the mean of the cube is 6/pi times the cube of the mean, and half of the time it blows slower than
    /// 0.939 times the mean.
    #[test]
    fn the_slow_wind_is_rayleighs() {
        let wind = Wind::new(Stream::new(11), 5.0, 0.18);
        let (mut sum, mut cubes, mut slower, mut count) = (0.0, 0.0, 0.0, 0.0);
        for now_s in years() {
            let speed = wind.slow_m_s(now_s);
            sum += speed;
            cubes += speed * speed * speed;
            slower += if speed < 0.939_437 * 5.0 { 1.0 } else { 0.0 };
            count += 1.0;
        }
        let (mean, pattern) = (sum / count, cubes / count / 125.0);
        assert!((mean - 5.0).abs() < 0.05, "{mean} m/s");
        assert!((pattern - 1.909_86).abs() < 0.06, "{pattern}");
        assert!((slower / count - 0.5).abs() < 0.015, "{}", slower / count);
    }

    /// The energy of a year against the integral of the curve over Rayleigh's density.
    #[test]
    fn a_year_gives_what_curve_and_distribution_say() {
        let wind = Wind::new(Stream::new(12), 5.0, 0.0);
        let (sum_w, count) = years().fold((0.0, 0.0), |(sum_w, count), now_s| {
            (sum_w + TURBINE.power_w(wind.speed_m_s(now_s)), count + 1.0)
        });
        let density = |speed: f64| {
            let per = core::f64::consts::PI / 2.0 / 25.0;
            per * speed * libm::exp(-0.5 * per * speed * speed)
        };
        let expected_w: f64 = (0..30_000_u32)
            .map(|step| f64::from(step) * 0.001 + 0.000_5)
            .map(|speed| TURBINE.power_w(speed) * density(speed) * 0.001)
            .sum();
        let mean_w = sum_w / count;
        assert!((mean_w / expected_w - 1.0).abs() < 0.03, "{mean_w} W, not {expected_w} W");
    }

    /// IEC 61400-2 at 15 m/s: 0.18 of the speed.
    #[test]
    fn gusts_have_the_deviation_of_the_standard() {
        let wind = Wind::new(Stream::new(13), 15.0, 0.18);
        let (mut squares, mut count) = (0.0, 0.0);
        for second in 0..2_000_000_u32 {
            let now_s = f64::from(second);
            let slow = wind.slow_m_s(now_s);
            if (slow - 15.0).abs() < 1.0 {
                let off = (wind.speed_m_s(now_s) - slow) / slow;
                squares += off * off;
                count += 1.0;
            }
        }
        let intensity = libm::sqrt(squares / count);
        assert!(count > 10_000.0 && (intensity - 0.18).abs() < 0.006, "{intensity} in {count} s");
    }

    #[test]
    fn the_same_seed_blows_the_same() {
        let wind = |seed: u64| Wind::new(Stream::new(seed), 5.0, 0.18);
        let (first, again) = (wind(4), wind(4));
        assert_eq!(first.speed_m_s(1_234.5).to_bits(), again.speed_m_s(1_234.5).to_bits());
        assert_ne!(first.speed_m_s(1_234.5).to_bits(), wind(5).speed_m_s(1_234.5).to_bits());
    }
}
