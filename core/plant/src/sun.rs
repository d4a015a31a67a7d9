//! Where the sun stands and what it gives under a clear sky.
//!
//! Position: J. W. Spencer, "Fourier series representation of the position of the sun", Search 2 (5), 1971.
//! Irradiance: B. Haurwitz, Journal of Meteorology 2, 1945: 1098 cos z exp(-0.057 / cos z) W/m2.

use core::f64::consts::PI;

const DAY_S: i64 = 86_400;

/// A place on the globe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Degrees north.
    pub latitude_deg: f64,
    /// Degrees east.
    pub longitude_deg: f64,
}

impl Place {
    /// Cosine of the sun's zenith angle at `unix_s` seconds UTC since 1970; negative below the horizon.
    pub fn zenith_cosine(self, unix_s: f64) -> f64 {
        let second_of_day = unix_s - (unix_s / 86_400.0).floor() * 86_400.0;
        let day = day_of_year(unix_s) as f64;
        let angle = 2.0 * PI * (day - 1.0 + (second_of_day / 3_600.0 - 12.0) / 24.0) / 365.0;
        let (sin_1, cos_1) = (libm::sin(angle), libm::cos(angle));
        let (sin_2, cos_2) = (libm::sin(2.0 * angle), libm::cos(2.0 * angle));
        let (sin_3, cos_3) = (libm::sin(3.0 * angle), libm::cos(3.0 * angle));
        let declination = 0.006918 - 0.399912 * cos_1 + 0.070257 * sin_1 - 0.006758 * cos_2
            + 0.000907 * sin_2
            - 0.002697 * cos_3
            + 0.00148 * sin_3;
        let equation_of_time_min =
            229.18 * (0.000075 + 0.001868 * cos_1 - 0.032077 * sin_1 - 0.014615 * cos_2 - 0.04089 * sin_2);
        let solar_min = second_of_day / 60.0 + equation_of_time_min + 4.0 * self.longitude_deg;
        let hour_angle = (solar_min / 4.0 - 180.0) * PI / 180.0;
        let latitude = self.latitude_deg * PI / 180.0;
        libm::sin(latitude) * libm::sin(declination)
            + libm::cos(latitude) * libm::cos(declination) * libm::cos(hour_angle)
    }

    /// Irradiance on a horizontal plane under a clear sky, W/m2, >= 0.
    pub fn clear_sky_w_m2(self, unix_s: f64) -> f64 {
        let cosine = self.zenith_cosine(unix_s);
        if cosine <= 0.0 { 0.0 } else { 1098.0 * cosine * libm::exp(-0.057 / cosine) }
    }
}

/// Day of the year, 1..=366, of an instant in UTC. The year comes from the civil calendar of 400-year eras that begin
/// on 1 March (H. Hinnant, "chrono-compatible low-level date algorithms").
fn day_of_year(unix_s: f64) -> i64 {
    let days = (unix_s / 86_400.0).floor() as i64;
    let since_era_zero = days + 719_468;
    let era = since_era_zero.div_euclid(146_097);
    let day_of_era = since_era_zero.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_from_march = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_year = year_of_era + era * 400;
    if day_from_march >= 306 {
        return day_from_march - 305;
    }
    let is_leap = (march_year % 4 == 0 && march_year % 100 != 0) || march_year % 400 == 0;
    day_from_march + 60 + i64::from(is_leap)
}

/// Seconds UTC since 1970 of midnight before `unix_s`, in a zone `utc_offset_s` east of Greenwich.
pub fn local_midnight_s(unix_s: i64, utc_offset_s: i64) -> i64 {
    (unix_s + utc_offset_s).div_euclid(DAY_S) * DAY_S - utc_offset_s
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn days_of_the_year() {
        for (unix_s, day) in [
            (0_i64, 1),
            (1_709_164_800, 60),  // 2024-02-29
            (1_709_251_200, 61),  // 2024-03-01
            (1_740_787_200, 60),  // 2025-03-01
            (1_735_603_200, 366), // 2024-12-31
            (1_767_139_200, 365), // 2025-12-31
            (1_773_964_800, 79),  // 2026-03-20
            (951_782_400, 60),    // 2000-02-29
            (4_107_542_400, 60),  // 2100-03-01
        ] {
            assert_eq!(day_of_year(unix_s as f64), day, "at {unix_s}");
            assert_eq!(day_of_year(unix_s as f64 + 86_399.0), day, "at the end of the day of {unix_s}");
        }
    }

    #[test]
    fn midnight_is_local() {
        assert_eq!(local_midnight_s(1_773_964_800 + 100, 0), 1_773_964_800);
        assert_eq!(local_midnight_s(1_773_964_800 - 100, 3_600), 1_773_964_800 - 3_600);
        assert_eq!(local_midnight_s(-5, 0), -86_400);
    }

    /// Three days at 13.5 N, 2.1 E every 5 minutes, computed elsewhere.
    #[test]
    fn the_reference_days_are_met() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared/reference/plant/r7_pv_spencer_haurwitz.csv");
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("skipped: no reference days at {}", path.display());
            return;
        };
        let midnights = [
            ("2026-03-20", 1_773_964_800.0),
            ("2026-06-21", 1_782_000_000.0),
            ("2026-12-21", 1_797_811_200.0),
        ];
        let niamey = Place { latitude_deg: 13.5, longitude_deg: 2.1 };
        let mut count = 0;
        for line in text.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            let midnight_s = midnights.iter().find(|(day, _)| *day == cells[0]).unwrap().1;
            let unix_s = midnight_s + cells[1].parse::<f64>().unwrap();
            let zenith_deg = libm::acos(niamey.zenith_cosine(unix_s)) * 180.0 / PI;
            assert!((zenith_deg - cells[2].parse::<f64>().unwrap()).abs() < 0.01, "{line}: {zenith_deg}");
            let irradiance = niamey.clear_sky_w_m2(unix_s);
            assert!((irradiance - cells[3].parse::<f64>().unwrap()).abs() < 0.05, "{line}: {irradiance}");
            count += 1;
        }
        assert_eq!(count, 3 * 288);
    }
}
