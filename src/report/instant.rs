//! Instants as people write and read them: local time for people, UTC in files.

use ballast_model::Utc;
use ballast_model::almanac::Zone;
use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, Zoned};

/// Reads `06:30` (today), `2026-11-20T06:30` (local) or `2026-11-20T05:30:00Z`.
pub fn parse(text: &str, zone: &Zone) -> Option<Utc> {
    parse_at(text, zone, Timestamp::now())
}

fn parse_at(text: &str, zone: &Zone, now: Timestamp) -> Option<Utc> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(Utc::from_millis(instant.as_millisecond()));
    }
    let local = |date_time: DateTime| {
        let zoned = date_time.to_zoned(zone.jiff().clone()).ok()?;
        Some(Utc::from_millis(zoned.timestamp().as_millisecond()))
    };
    if let Ok(date_time) = text.parse::<DateTime>() {
        return local(date_time);
    }
    let today: Date = now.to_zoned(zone.jiff().clone()).date();
    text.parse::<Time>().ok().and_then(|time| local(today.to_datetime(time)))
}

/// An instant in local time for people, to the second.
pub fn local(utc: Utc, zone: &Zone) -> String {
    zoned(utc, zone).map_or_else(|| "?".to_owned(), |zoned| zoned.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// The time of day in local time for people, to the millisecond.
pub fn clock(utc: Utc, zone: &Zone) -> String {
    zoned(utc, zone).map_or_else(|| "?".to_owned(), |zoned| zoned.strftime("%H:%M:%S%.3f").to_string())
}

/// An instant in UTC for files and programs.
pub fn utc(utc: Utc) -> String {
    Timestamp::from_millisecond(utc.millis()).map_or_else(|_| "?".to_owned(), |instant| instant.to_string())
}

/// An instant as part of a file name, UTC.
pub fn compact(utc: Utc) -> String {
    Timestamp::from_millisecond(utc.millis())
        .map_or_else(|_| "unknown".to_owned(), |instant| instant.strftime("%Y%m%dT%H%M%SZ").to_string())
}

fn zoned(utc: Utc, zone: &Zone) -> Option<Zoned> {
    Timestamp::from_millisecond(utc.millis()).ok().map(|instant| instant.to_zoned(zone.jiff().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_as_people_write_them() {
        let zone = Zone::get("Europe/Paris").unwrap();
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let expected =
            Utc::from_millis("2026-11-22T05:30:00Z".parse::<Timestamp>().unwrap().as_millisecond());
        for text in ["06:30", "2026-11-22T06:30", "2026-11-22T05:30:00Z", "2026-11-22 06:30:00"] {
            assert_eq!(parse_at(text, &zone, now), Some(expected), "{text}");
        }
        assert_eq!(parse_at("half past six", &zone, now), None);
        assert_eq!(local(expected, &zone), "2026-11-22 06:30:00");
    }
}
