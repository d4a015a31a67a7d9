//! Days, hours and the sun, for instants that are given.
//!
//! A boundary of local time is an instant of its day: where the clock jumps over it in spring, it is the instant of the
//! jump; where the clock shows it twice in autumn, it is the first time. So every night has each boundary exactly once,
//! and boundaries never change their order.

use crate::time::Utc;
use alloc::boxed::Box;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Milliseconds of a day without a change of clock.
const DAY_MS: i64 = 86_400_000;
/// Twelve o'clock, seconds since midnight.
const NOON: u32 = 43_200;

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

impl core::fmt::Display for TimeOfDay {
    /// As it is written in rules.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::Sunrise => f.write_str("sunrise"),
            Self::Sunset => f.write_str("sunset"),
            Self::Clock(seconds) => {
                write!(f, "{:02}:{:02}", seconds / 3600, seconds / 60 % 60)?;
                if seconds % 60 == 0 { Ok(()) } else { write!(f, ":{:02}", seconds % 60) }
            }
        }
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
        let found = self.zone.to_ambiguous_timestamp(TimeZone::UTC.to_datetime(naive));
        let is_jumped_over = matches!(found.offset(), AmbiguousOffset::Gap { .. });
        // In spring this is the instant of the jump and what was left, in autumn the first of both.
        let Ok(shown) = found.compatible() else { return Utc::from_millis(ms) };
        let jump = is_jumped_over.then(|| {
            let behind = shown.checked_add(jiff::SignedDuration::from_millis(1)).unwrap_or(shown);
            self.zone.preceding(behind).next().map(|jump| jump.timestamp())
        });
        Utc::from_millis(jump.flatten().unwrap_or(shown).as_millisecond())
    }
}

/// The instant of a time of day on a local day; `None` where the sun does not rise or set that day.
pub fn moment(zone: &Zone, place: Option<Place>, day: i32, time: TimeOfDay) -> Option<Utc> {
    match found(zone, place, day, time)? {
        Found::Real(utc) => Some(utc),
        Found::StandIn(_) => None,
    }
}

/// A moment of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Real(Utc),
    /// The sun does not cross the horizon that day. Where it stays down, rising and setting both shrink to its noon;
    /// where it stays up, it rose at the midnight before and sets at the midnight after.
    StandIn(Utc),
}

impl Found {
    const fn utc(self) -> Utc {
        let (Self::Real(utc) | Self::StandIn(utc)) = self;
        utc
    }
}

/// `None` where a place is needed and not known.
fn found(zone: &Zone, place: Option<Place>, day: i32, time: TimeOfDay) -> Option<Found> {
    match time {
        TimeOfDay::Clock(second) => Some(Found::Real(zone.instant(day, second))),
        TimeOfDay::Sunrise => place.map(|place| sun_crossing(place, zone.instant(day, NOON), true)),
        TimeOfDay::Sunset => place.map(|place| sun_crossing(place, zone.instant(day, NOON), false)),
    }
}

/// Whether the second time of an interval is one of the next day.
///
/// Two times of the clock: when the second is not the later one. With the sun in it, halves of the day decide, since
/// what comes first may differ from season to season: sunrise belongs to the morning and sunset to the evening, and only
/// from an evening to a morning does it go over midnight. Noon as a start is evening, noon as an end is morning.
fn is_over_midnight(from: TimeOfDay, to: TimeOfDay) -> bool {
    use TimeOfDay::{Clock, Sunrise, Sunset};
    if let (Clock(from), Clock(to)) = (from, to) {
        return to <= from;
    }
    let starts_in_the_evening = matches!(from, Sunset) || matches!(from, Clock(second) if second >= NOON);
    let ends_in_the_morning = matches!(to, Sunrise) || matches!(to, Clock(second) if second <= NOON);
    from == to || (starts_in_the_evening && ends_in_the_morning)
}

/// The interval that begins on a local day; `None` where it is empty that day.
fn interval(
    zone: &Zone,
    place: Option<Place>,
    day: i32,
    from: TimeOfDay,
    to: TimeOfDay,
) -> Option<(Utc, Utc)> {
    let start = found(zone, place, day, from)?.utc();
    let end = found(zone, place, day + i32::from(is_over_midnight(from, to)), to)?.utc();
    (start < end).then_some((start, end))
}

/// Whether `utc` lies between two times of day, and when that may change next; `is_over_midnight` says when the second
/// one is of the next day. Equal times mean the whole day. An interval whose second time comes first that day is empty.
/// `None` where the sun is needed and the place is not known.
pub fn between(
    zone: &Zone,
    place: Option<Place>,
    utc: Utc,
    from: TimeOfDay,
    to: TimeOfDay,
) -> Option<(bool, Option<Utc>)> {
    let needs_place = [from, to].iter().any(|time| !matches!(time, TimeOfDay::Clock(_)));
    if needs_place && place.is_none() {
        return None;
    }
    let today = zone.local(utc).day;
    let mut inside = false;
    let mut next: Option<Utc> = None;
    for day in today - 2..=today + 2 {
        let Some((start, end)) = interval(zone, place, day, from, to) else { continue };
        inside |= start <= utc && utc < end;
        for edge in [start, end] {
            if edge > utc && next.is_none_or(|earliest| edge < earliest) {
                next = Some(edge);
            }
        }
    }
    Some((inside, next))
}

/// Whether an interval is empty on every day of a year at this place, as from sunset to 14:00 of the same afternoon.
pub fn is_never_between(zone: &Zone, place: Option<Place>, from: TimeOfDay, to: TimeOfDay) -> bool {
    // Any year will do: the sun comes back to within minutes.
    let year = 20_454..20_454 + 365;
    year.into_iter().all(|day| interval(zone, place, day, from, to).is_none())
}

/// The last instant at or before `utc` at which a day had this time, and the next one after it; `None` where there is
/// none within three days, as for the sun near the poles.
pub fn around(zone: &Zone, place: Option<Place>, utc: Utc, time: TimeOfDay) -> (Option<Utc>, Option<Utc>) {
    let today = zone.local(utc).day;
    let mut last = None;
    for day in today - 3..=today + 3 {
        let Some(edge) = moment(zone, place, day, time) else { continue };
        if edge > utc {
            return (last, Some(edge));
        }
        last = Some(edge);
    }
    (last, None)
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

/// The instant at which the sun crosses the horizon before or after its noon, to a second, by bisection. Its noon is the
/// one next to noon of the clock.
fn sun_crossing(place: Place, clock_noon: Utc, rising: bool) -> Found {
    let is_up = |utc: Utc| sun_elevation_deg(place, utc) > HORIZON_DEG;
    let noon = sun_noon_near(place, clock_noon);
    let (highest, lowest) =
        (sun_turn(place, noon), sun_turn(place, if rising { noon - 1 } else { noon + 1 }));
    if !is_up(highest) {
        return Found::StandIn(highest);
    }
    if is_up(lowest) {
        return Found::StandIn(lowest);
    }
    let (mut below, mut above) = (lowest.millis(), highest.millis());
    while (above - below).abs() > 1000 {
        let middle = (above + below) / 2;
        if is_up(Utc::from_millis(middle)) { above = middle } else { below = middle }
    }
    Found::Real(Utc::from_millis(above - above.rem_euclid(1000)))
}

/// The noon of the sun next to an instant, as a number for [`sun_turn`].
fn sun_noon_near(place: Place, utc: Utc) -> i64 {
    let mean_ms = utc.millis() + longitude_ms(place);
    2 * mean_ms.div_euclid(DAY_MS) + 1
}

/// The noons (odd) and midnights (even) of the sun, counted from the midnight before 1970. A number, so that the midnight
/// after one day is the very same instant as the midnight before the next.
fn sun_turn(place: Place, number: i64) -> Utc {
    let mean_ms = number * (DAY_MS / 2) - longitude_ms(place);
    let (_, right_ascension, sidereal_deg) = sun_position(Utc::from_millis(mean_ms));
    let opposite_deg = if number.rem_euclid(2) == 0 { 180.0 } else { 0.0 };
    let ahead_deg = sidereal_deg + place.longitude_deg - right_ascension.to_degrees() - opposite_deg;
    // The sun runs at most a quarter of an hour ahead of its mean or behind it.
    let ahead_deg = ahead_deg - 360.0 * libm::round(ahead_deg / 360.0);
    Utc::from_millis(mean_ms - (ahead_deg / 360.0 * DAY_MS as f64) as i64)
}

/// How far the mean sun is ahead of Greenwich.
fn longitude_ms(place: Place) -> i64 {
    (place.longitude_deg / 360.0 * DAY_MS as f64) as i64
}

#[cfg(test)]
mod tests;
