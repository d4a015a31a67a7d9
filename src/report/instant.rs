//! Instants as people write and read them: local time for people, UTC in files.

use super::language::{Language, say};
use ballast_model::almanac::Zone;
use ballast_model::time::Wall;
use ballast_model::{Mono, Utc};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::AmbiguousOffset;
use jiff::{Timestamp, Zoned};

/// Reads what a person writes for an instant.
///
/// # Errors
/// A sentence that says what one looks like.
pub fn read(
    text: &str,
    (zone, now): (&Zone, Timestamp),
    meant: impl Fn(Twice) -> Option<Timestamp>,
    language: Language,
) -> Result<Timestamp, String> {
    parse(text, zone, now, meant).ok_or_else(|| {
        say!(
            language,
            "`{text}` is not an instant; write 06:30, 2026-11-20T06:30 or 2026-11-20T05:30:00Z",
            "`{text}` n'est pas un instant ; écrivez 06:30, 2026-11-20T06:30 ou 2026-11-20T05:30:00Z"
        )
    })
}

/// The two instants that a local time means in the night in which the clock is set back.
#[derive(Clone, Copy, Debug)]
pub struct Twice {
    /// Before the clock is set back.
    pub earlier: Timestamp,
    /// After it.
    pub later: Timestamp,
}

/// Reads `06:30` (the last one that is not after `now`), `2026-11-20T06:30` (local), `2026-11-20T05:30:00Z` or an offset in
/// the place of `Z`. Of two instants the one that is `meant`; where neither is, the later one that is not after `now`.
fn parse(
    text: &str,
    zone: &Zone,
    now: Timestamp,
    meant: impl Fn(Twice) -> Option<Timestamp>,
) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let today: Date = now.to_zoned(zone.jiff().clone()).date();
    let with_offset =
        |date: Date| format!("{date}T{text}").parse::<Timestamp>().ok().filter(|found| *found <= now);
    let days = [today.tomorrow().ok(), Some(today), today.yesterday().ok()];
    if let Some(found) = days.into_iter().flatten().find_map(with_offset) {
        return Some(found);
    }
    let chosen = |found: &[Timestamp]| match found {
        [later, earlier] => {
            let last = if *later > now && *earlier <= now { *earlier } else { *later };
            Some(meant(Twice { earlier: *earlier, later: *later }).unwrap_or(last))
        }
        one => one.first().copied(),
    };
    if let Ok(date_time) = text.parse::<DateTime>() {
        return chosen(&instants(date_time, zone));
    }
    let time = text.parse::<Time>().ok()?;
    let mut of_today = instants(today.to_datetime(time), zone);
    of_today.retain(|at| *at <= now);
    chosen(&of_today).or_else(|| chosen(&instants(today.yesterday().ok()?.to_datetime(time), zone)))
}

/// The instants at which a zone's clocks show this, the later one first: two where they are set back, and where they leave
/// it out the one that would have been it.
fn instants(shown: DateTime, zone: &Zone) -> Vec<Timestamp> {
    let found = zone.jiff().to_ambiguous_timestamp(shown);
    match found.offset() {
        AmbiguousOffset::Fold { .. } => [found.later(), found.earlier()].into_iter().flatten().collect(),
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => {
            found.compatible().into_iter().collect()
        }
    }
}

/// A local time in a form, with its offset where the clocks show the same once more in that night.
fn formed(zoned: &Zoned, form: &str) -> String {
    let shown = zoned.strftime(form);
    match zoned.time_zone().to_ambiguous_timestamp(zoned.datetime()).offset() {
        AmbiguousOffset::Fold { .. } => format!("{shown}{}", zoned.strftime("%:z")),
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => shown.to_string(),
    }
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
    formed(&at.to_zoned(zone.jiff().clone()), form)
}

/// An instant in local time for people, to the second.
pub fn local(utc: Utc, zone: &Zone) -> String {
    zoned(utc, zone).map_or_else(|| "?".to_owned(), |zoned| formed(&zoned, "%Y-%m-%d %H:%M:%S"))
}

/// The same to the minute where it is a whole one, as ends are mostly written.
pub fn local_short(utc: Utc, zone: &Zone) -> String {
    let form = |zoned: &Zoned| if zoned.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
    zoned(utc, zone).map_or_else(|| "?".to_owned(), |zoned| formed(&zoned, form(&zoned)))
}

/// The time of day in local time for people, to the millisecond.
pub fn clock(utc: Utc, zone: &Zone) -> String {
    zoned(utc, zone).map_or_else(|| "?".to_owned(), |zoned| formed(&zoned, "%H:%M:%S%.3f"))
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
            assert_eq!(parse(text, &zone, now, |_| None), Some(expected), "{text}");
        }
        assert_eq!(parse("half past six", &zone, now, |_| None), None);
        let evening: Timestamp = "2026-11-21T22:15:00Z".parse().unwrap();
        assert_eq!(parse("23:15", &zone, now, |_| None), Some(evening), "that of today is still to come");
        assert_eq!(parse("13:00", &zone, now, |_| None), Some(now), "now is not to come");
        let utc = Utc::from_millis(expected.as_millisecond());
        assert_eq!(local(utc, &zone), "2026-11-22 06:30:00");
        assert_eq!(local_exact(expected, &zone), "2026-11-22 06:30:00");
        let later = expected.checked_add(jiff::SignedDuration::from_millis(250)).unwrap();
        assert_eq!(local_exact(later, &zone), "2026-11-22 06:30:00.250");
    }

    #[test]
    fn a_local_time_that_comes_twice_is_told_apart() {
        let zone = Zone::get("Europe/Paris").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (first, second) = (at("2026-10-25T00:30:01Z"), at("2026-10-25T01:30:01Z"));
        let between = at("2026-10-25T00:50:00Z");
        let after = at("2026-10-25T02:10:00Z");
        let read = |text: &str, now, meant: &[Timestamp]| {
            let is_meant = |at: &Timestamp| meant.contains(at);
            parse(text, &zone, now, |two| [two.later, two.earlier].into_iter().find(is_meant))
        };
        for text in ["02:30:01", "2026-10-25T02:30:01"] {
            assert_eq!(read(text, after, &[first]), Some(first), "{text}: what the journal covers");
            assert_eq!(read(text, after, &[second]), Some(second), "{text}");
            assert_eq!(read(text, after, &[first, second]), Some(second), "{text}: the later of both");
            assert_eq!(read(text, after, &[]), Some(second), "{text}");
            assert_eq!(read(text, between, &[]), Some(first), "{text}: the other is still to come");
        }
        for now in [between, after] {
            for text in ["02:30:01+02:00", "2026-10-25T02:30:01+02:00", "2026-10-25 02:30:01+02:00"] {
                assert_eq!(read(text, now, &[second]), Some(first), "{text}: what is said is meant");
            }
        }
        assert_eq!(read("2026-10-25T02:30+01:00", after, &[]), Some(at("2026-10-25T01:30:00Z")));
        assert_eq!(read("01:30:01Z", after, &[first]), Some(second));
        // What is printed leads back to the same instant.
        for (at, shown) in [(first, "2026-10-25 02:30:01+02:00"), (second, "2026-10-25 02:30:01+01:00")] {
            assert_eq!(local_exact(at, &zone), shown);
            assert_eq!(local(Utc::from_millis(at.as_millisecond()), &zone), shown);
            assert_eq!(read(shown, after, &[]), Some(at));
        }
        assert_eq!(clock(Utc::from_millis(second.as_millisecond()), &zone), "02:30:01.000+01:00");
        assert_eq!(local_exact(after, &zone), "2026-10-25 03:10:00");
        let whole = Utc::from_millis(at("2026-10-25T01:30:00Z").as_millisecond());
        assert_eq!(local_short(whole, &zone), "2026-10-25 02:30+01:00");
        // An hour that a night leaves out.
        let spring = at("2026-03-29T12:00:00Z");
        assert_eq!(read("02:30", spring, &[]), Some(at("2026-03-29T01:30:00Z")));
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
