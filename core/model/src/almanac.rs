//! Days, hours and the sun, for instants that are given.
//!
//! A boundary of local time is an instant of its day: where the clock jumps over it in spring, it is the instant of the
//! jump plus what was left; where the clock shows it twice in autumn, it is the first time. So every night has each
//! boundary exactly once.

use crate::time::Utc;
use alloc::boxed::Box;
use jiff::civil;
use jiff::tz::TimeZone;

/// Milliseconds of a day without a change of clock.
const DAY_MS: i64 = 86_400_000;

/// A time zone of the bundled database.
#[derive(Clone, Debug)]
pub struct Zone {
    name: Box<str>,
    zone: TimeZone,
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: "UTC".into(), zone: TimeZone::UTC }
    }
}

/// A local day and what the clock on the wall shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// Days since 1970-01-01.
    pub day: i32,
    /// Seconds since the clock showed 00:00:00.
    pub second: u32,
    /// Monday is 0, Sunday is 6.
    pub weekday: u8,
}

/// Where the site is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Degrees north of the equator.
    pub latitude_deg: f64,
    /// Degrees east of Greenwich.
    pub longitude_deg: f64,
}

/// A time of day as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum TimeOfDay {
    /// Seconds since midnight on the clock, below 86 400.
    Clock(u32),
    /// The sun rises.
    Sunrise,
    /// The sun sets.
    Sunset,
}

impl TimeOfDay {
    /// Reads `22:00`, `06:30:15`, `sunrise` or `sunset`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "sunrise" => return Some(Self::Sunrise),
            "sunset" => return Some(Self::Sunset),
            _ => {}
        }
        let mut seconds = 0u32;
        let mut parts = 0;
        for (part, (limit, weight)) in text.split(':').zip([(24, 3600), (60, 60), (60, 1)]) {
            let is_plain = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            let number: u32 = if is_plain { part.parse().ok()? } else { return None };
            if number >= limit {
                return None;
            }
            seconds += number * weight;
            parts += 1;
        }
        (parts >= 2 && text.split(':').count() == parts).then_some(Self::Clock(seconds))
    }
}

impl Zone {
    /// A zone by its name, `Europe/Paris`.
    pub fn get(name: &str) -> Option<Self> {
        if name == "UTC" {
            return Some(Self::default());
        }
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(name).ok()?;
        Some(Self { name: name.into(), zone })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The zone itself, for crates that format dates or read cron patterns.
    pub fn jiff(&self) -> &TimeZone {
        &self.zone
    }

    /// What the clock on the wall shows at an instant.
    pub fn local(&self, utc: Utc) -> Local {
        let stamp = jiff::Timestamp::from_millisecond(utc.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let offset_ms = i64::from(self.zone.to_offset(stamp).seconds()) * 1000;
        let shown = stamp.as_millisecond() + offset_ms;
        let day = shown.div_euclid(DAY_MS);
        Local {
            day: day as i32,
            second: (shown.rem_euclid(DAY_MS) / 1000) as u32,
            weekday: (day + 3).rem_euclid(7) as u8,
        }
    }

    /// The instant at which the clock of a local day shows `second`; see the module for jumps.
    pub fn instant(&self, day: i32, second: u32) -> Utc {
        let ms = i64::from(day) * DAY_MS + i64::from(second) * 1000;
        let naive = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let date_time: civil::DateTime = TimeZone::UTC.to_datetime(naive);
        self.zone
            .to_ambiguous_timestamp(date_time)
            .compatible()
            .map_or(Utc::from_millis(ms), |stamp| Utc::from_millis(stamp.as_millisecond()))
    }
}

/// The instant of a time of day on a local day; `None` where the sun does not rise or set that day.
pub fn moment(zone: &Zone, place: Option<Place>, day: i32, time: TimeOfDay) -> Option<Utc> {
    match time {
        TimeOfDay::Clock(second) => Some(zone.instant(day, second)),
        TimeOfDay::Sunrise => place.and_then(|place| sun_crossing(place, zone.instant(day, 43_200), true)),
        TimeOfDay::Sunset => place.and_then(|place| sun_crossing(place, zone.instant(day, 43_200), false)),
    }
}

/// Whether `utc` lies between two times of day (the second one may be on the next day), and when that changes next.
/// Equal times mean the whole day.
pub fn between(
    zone: &Zone,
    place: Option<Place>,
    utc: Utc,
    from: TimeOfDay,
    to: TimeOfDay,
) -> Option<(bool, Option<Utc>)> {
    let today = zone.local(utc).day;
    let mut inside = false;
    let mut next: Option<Utc> = None;
    let mut any = false;
    for day in today - 2..=today + 2 {
        let Some(start) = moment(zone, place, day, from) else { continue };
        let end = moment(zone, place, day, to)
            .filter(|end| *end > start)
            .or_else(|| moment(zone, place, day + 1, to));
        let Some(end) = end else { continue };
        any = true;
        inside |= start <= utc && utc < end;
        for edge in [start, end] {
            if edge > utc && next.is_none_or(|earliest| edge < earliest) {
                next = Some(edge);
            }
        }
    }
    any.then_some((inside, next))
}

/// The last instant at or before `utc` at which the day had this time, and the next one after it.
pub fn around(zone: &Zone, place: Option<Place>, utc: Utc, time: TimeOfDay) -> Option<(Utc, Utc)> {
    let today = zone.local(utc).day;
    let mut last = None;
    for day in today - 3..=today + 3 {
        let Some(edge) = moment(zone, place, day, time) else { continue };
        if edge <= utc {
            last = Some(edge);
        } else {
            return last.map(|last| (last, edge));
        }
    }
    None
}

/// The first instant after `utc` at which another local day begins.
pub fn next_midnight(zone: &Zone, utc: Utc) -> Utc {
    zone.instant(zone.local(utc).day + 1, 0)
}

/// The point that tells the height of the sun. Nobody measures it: who has the wall clock and the place computes it.
pub const SUN_POINT: &str = "sun.elevation";

/// Height of the sun's centre above the horizon in degrees, without refraction.
///
/// Low-precision formulae of the Astronomical Almanac (page C5): within 0.02 degrees from 1950 to 2050.
pub fn sun_elevation_deg(place: Place, utc: Utc) -> f64 {
    let (declination, right_ascension, sidereal_deg) = sun_position(utc);
    let hour_angle = (sidereal_deg + place.longitude_deg).to_radians() - right_ascension;
    let latitude = place.latitude_deg.to_radians();
    let height = libm::sin(latitude) * libm::sin(declination)
        + libm::cos(latitude) * libm::cos(declination) * libm::cos(hour_angle);
    libm::asin(height.clamp(-1.0, 1.0)).to_degrees()
}

/// Declination (rad), right ascension (rad) and Greenwich mean sidereal time (degrees).
fn sun_position(utc: Utc) -> (f64, f64, f64) {
    let days = utc.millis() as f64 / DAY_MS as f64 - 10_957.5; // since 2000-01-01 12:00
    let mean_longitude = 280.460 + 0.985_647_4 * days;
    let anomaly = (357.528 + 0.985_600_3 * days).to_radians();
    let longitude =
        (mean_longitude + 1.915 * libm::sin(anomaly) + 0.020 * libm::sin(2.0 * anomaly)).to_radians();
    let obliquity = (23.439 - 0.000_000_4 * days).to_radians();
    let declination = libm::asin(libm::sin(obliquity) * libm::sin(longitude));
    let right_ascension = libm::atan2(libm::cos(obliquity) * libm::sin(longitude), libm::cos(longitude));
    let sidereal_deg = 280.460_618_37 + 360.985_647_366_29 * days;
    (declination, right_ascension, sidereal_deg)
}

/// The sun's centre at rising and setting: refraction and half its disc, by convention.
const HORIZON_DEG: f64 = -0.833;

/// The instant within twelve hours of local noon at which the sun crosses the horizon, to a second, by bisection.
fn sun_crossing(place: Place, noon: Utc, rising: bool) -> Option<Utc> {
    // The sun is highest within about an hour of clock noon plus the offset of the zone; look for that first.
    let mut highest = noon;
    for step in -16..=16 {
        let candidate = Utc::from_millis(noon.millis() + step * 900_000);
        if sun_elevation_deg(place, candidate) > sun_elevation_deg(place, highest) {
            highest = candidate;
        }
    }
    let half_day = if rising { -DAY_MS / 2 } else { DAY_MS / 2 };
    let (mut below, mut above) = (highest.millis() + half_day, highest.millis());
    let is_up = |ms: i64| sun_elevation_deg(place, Utc::from_millis(ms)) > HORIZON_DEG;
    if is_up(below) || !is_up(above) {
        return None;
    }
    while (above - below).abs() > 1000 {
        let middle = (above + below) / 2;
        if is_up(middle) { above = middle } else { below = middle }
    }
    Some(Utc::from_millis(above - above.rem_euclid(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Utc {
        Utc::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }
    fn clock(text: &str) -> TimeOfDay {
        TimeOfDay::parse(text).unwrap()
    }

    #[test]
    fn reads_times_of_day() {
        assert_eq!(TimeOfDay::parse("22:00"), Some(TimeOfDay::Clock(79_200)));
        assert_eq!(TimeOfDay::parse("06:30:15"), Some(TimeOfDay::Clock(23_415)));
        for wrong in ["24:00", "6:00", "06", "06:60", "06:00:00:00", "noon", ""] {
            assert_eq!(TimeOfDay::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn both_nights_of_the_clock_change_have_each_boundary_once() {
        let paris = Zone::get("Europe/Paris").unwrap();
        let inside =
            |utc: &str, from: &str, to: &str| between(&paris, None, at(utc), clock(from), clock(to)).unwrap();
        // Autumn 2026: 03:00 CEST becomes 02:00 CET at 01:00 UTC. The first 02:30 is 00:30 UTC.
        assert!(!inside("2026-10-25T00:29:00Z", "02:30", "06:00").0);
        assert_eq!(
            inside("2026-10-25T00:30:00Z", "02:30", "06:00"),
            (true, Some(at("2026-10-25T05:00:00Z")))
        );
        assert!(inside("2026-10-25T01:10:00Z", "02:30", "06:00").0, "the second 02:10 is still inside");
        // Spring 2026: 02:00 CET becomes 03:00 CEST at 01:00 UTC; 02:30 is 03:30 CEST.
        assert!(!inside("2026-03-29T01:29:00Z", "02:30", "06:00").0);
        assert!(inside("2026-03-29T01:30:00Z", "02:30", "06:00").0);
        // Over midnight.
        assert!(inside("2026-06-01T21:00:00Z", "22:00", "06:00").0);
        assert!(inside("2026-06-02T03:59:59Z", "22:00", "06:00").0);
        assert!(!inside("2026-06-02T04:00:00Z", "22:00", "06:00").0);
    }

    #[test]
    fn the_last_sixteen_hours_are_found_over_the_change() {
        let paris = Zone::get("Europe/Paris").unwrap();
        let (last, next) = around(&paris, None, at("2026-10-25T12:00:00Z"), clock("16:00")).unwrap();
        assert_eq!((last, next), (at("2026-10-24T14:00:00Z"), at("2026-10-25T15:00:00Z")));
    }

    #[test]
    fn the_sun_rises_and_sets_where_almanacs_say() {
        // Paris, 2026-06-21: sunrise 05:47, sunset 21:58 local summer time (published tables, to the minute).
        let paris = Place { latitude_deg: 48.8566, longitude_deg: 2.3522 };
        let zone = Zone::get("Europe/Paris").unwrap();
        let day = zone.local(at("2026-06-21T10:00:00Z")).day;
        let near =
            |found: Option<Utc>, text: &str| (found.unwrap().millis() - at(text).millis()).abs() < 90_000;
        assert!(near(moment(&zone, Some(paris), day, TimeOfDay::Sunrise), "2026-06-21T03:47:00Z"));
        assert!(near(moment(&zone, Some(paris), day, TimeOfDay::Sunset), "2026-06-21T19:58:00Z"));
        // Tromsø has no sunset in June.
        let tromso = Place { latitude_deg: 69.65, longitude_deg: 18.96 };
        assert_eq!(moment(&zone, Some(tromso), day, TimeOfDay::Sunset), None);
    }
}
