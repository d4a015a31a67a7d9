//! Instants as people write and read them: local time for people, UTC in files.

use super::language::{Language, say};
use ballast_model::almanac::Zone;
use ballast_model::time::Wall;
use ballast_model::{Mono, Utc};
use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, Zoned};

/// Reads `06:30` (the last one that is not after `now`), `2026-11-20T06:30` (local) or `2026-11-20T05:30:00Z`.
pub fn parse(text: &str, zone: &Zone, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let local =
        |date_time: DateTime| date_time.to_zoned(zone.jiff().clone()).ok().map(|zoned| zoned.timestamp());
    if let Ok(date_time) = text.parse::<DateTime>() {
        return local(date_time);
    }
    let today: Date = now.to_zoned(zone.jiff().clone()).date();
    let time = text.parse::<Time>().ok()?;
    let of_today = local(today.to_datetime(time))?;
    if of_today <= now { Some(of_today) } else { local(today.yesterday().ok()?.to_datetime(time)) }
}

/// The instant of a moment, to the nanosecond, so that it leads back to the same moment.
pub fn exact(wall: &Wall, moment: Mono) -> Timestamp {
    let base = i128::from(wall.utc.millis()) * 1_000_000;
    let nanos = base + i128::from(moment.nanos()) - i128::from(wall.at.nanos());
    Timestamp::from_nanosecond(nanos).unwrap_or(if nanos < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// How long something has lasted. What lasted over an outage of unknown length lies at the origin of the clock (longer
/// ago than every limit): nobody knows how long that is.
pub fn since(moment: Mono, now: Mono, language: Language) -> String {
    if moment == Mono::ZERO {
        return language.say("since before the outage", "depuis avant la coupure").to_owned();
    }
    let span = now.since(moment);
    say!(language, "for {span}", "depuis {span}")
}

/// The moment of an instant; the origin for one that lies before it.
pub fn mono(wall: &Wall, at: Timestamp) -> Mono {
    let base = i128::from(wall.utc.millis()) * 1_000_000;
    let nanos = at.as_nanosecond() - base + i128::from(wall.at.nanos());
    Mono::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
}

/// An instant in local time for people: to the second, or to the millisecond where it lies between two.
pub fn local_exact(at: Timestamp, zone: &Zone) -> String {
    let form = if at.subsec_nanosecond() == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.3f" };
    at.to_zoned(zone.jiff().clone()).strftime(form).to_string()
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

/// The same to the nanosecond.
pub fn exact_utc(at: Timestamp) -> String {
    at.to_string()
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
        let expected: Timestamp = "2026-11-22T05:30:00Z".parse().unwrap();
        for text in ["06:30", "2026-11-22T06:30", "2026-11-22T05:30:00Z", "2026-11-22 06:30:00"] {
            assert_eq!(parse(text, &zone, now), Some(expected), "{text}");
        }
        assert_eq!(parse("half past six", &zone, now), None);
        let evening: Timestamp = "2026-11-21T22:15:00Z".parse().unwrap();
        assert_eq!(parse("23:15", &zone, now), Some(evening), "that of today is still to come");
        assert_eq!(parse("13:00", &zone, now), Some(now), "now is not to come");
        let utc = Utc::from_millis(expected.as_millisecond());
        assert_eq!(local(utc, &zone), "2026-11-22 06:30:00");
        assert_eq!(local_exact(expected, &zone), "2026-11-22 06:30:00");
        let later = expected.checked_add(jiff::SignedDuration::from_millis(250)).unwrap();
        assert_eq!(local_exact(later, &zone), "2026-11-22 06:30:00.250");
    }

    #[test]
    fn a_moment_is_found_again_from_its_instant() {
        let wall =
            Wall { at: Mono::from_nanos(5_000_000_123), utc: Utc::from_millis(1_000_000), trusted: false };
        for nanos in [0, 1, 4_999_999_999, 5_000_000_123, 7_000_000_456] {
            let moment = Mono::from_nanos(nanos);
            assert_eq!(mono(&wall, exact(&wall, moment)), moment, "{nanos}");
        }
        assert_eq!(mono(&wall, Timestamp::MIN), Mono::ZERO);
        // An outage of unknown length is longer than every limit, and no number.
        let now = Mono::ZERO.after(ballast_model::time::BOOT_ORIGIN);
        assert_eq!(since(Mono::ZERO, now, Language::En), "since before the outage");
        assert_eq!(
            since(now.before(ballast_model::Span::from_secs(90)), now, Language::Fr),
            "depuis 1 min 30 s"
        );
    }
}
