//! Both nights of the clock change, and the sun from the equator to the far north.

use super::*;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const MINUTE_MS: i64 = 60_000;

fn at(text: &str) -> Utc {
    Utc::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn zone(name: &str) -> Zone {
    Zone::get(name).unwrap()
}

fn clock(text: &str) -> TimeOfDay {
    TimeOfDay::parse(text).unwrap()
}

fn place(latitude_deg: f64, longitude_deg: f64) -> Option<Place> {
    Some(Place { latitude_deg, longitude_deg })
}

/// What the clock on the wall shows at an instant, `2026-03-29 03:30`.
fn shown(zone: &Zone, utc: Utc) -> String {
    let stamp = jiff::Timestamp::from_millisecond(utc.millis()).unwrap();
    stamp.to_zoned(zone.jiff().clone()).strftime("%F %R").to_string()
}

/// When an interval begins and ends in the time from one instant to another, as a clock on the wall shows it, looked at
/// every minute.
fn edges(zone: &Zone, place: Option<Place>, times: (&str, &str), span: (&str, &str)) -> Vec<String> {
    let (from, to) = (clock(times.0), clock(times.1));
    let mut found = Vec::new();
    let (mut moment, end) = (at(span.0), at(span.1));
    let mut was_inside = false;
    while moment < end {
        let (is_inside, _) = between(zone, place, moment, from, to).unwrap();
        if is_inside != was_inside {
            let word = if is_inside { "from" } else { "to" };
            found.push(format!("{word} {}", shown(zone, moment)));
        }
        was_inside = is_inside;
        moment = Utc::from_millis(moment.millis() + MINUTE_MS);
    }
    found
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
fn what_the_clock_jumps_over_comes_at_the_jump() {
    // Each zone with the instant of its jump, and moments of the clock that do not exist that night.
    let nights = [
        ("Europe/Paris", "2026-03-29T01:00:00Z", [(2, 0), (2, 30), (2, 59)]),
        ("America/St_Johns", "2026-03-08T05:30:00Z", [(2, 0), (2, 30), (2, 59)]),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z", [(2, 0), (2, 15), (2, 29)]),
        // In Greenland the last hour of Saturday is left out.
        ("America/Nuuk", "2026-03-29T01:00:00Z", [(23, 0), (23, 30), (23, 59)]),
    ];
    for (name, jump, times) in nights {
        let zone = zone(name);
        let jump = at(jump);
        let before = zone.local(Utc::from_millis(jump.millis() - 1));
        for (hour, minute) in times {
            let found = zone.instant(before.day, hour * 3600 + minute * 60);
            assert_eq!(found, jump, "{name} {hour}:{minute}: {}", shown(&zone, found));
        }
        assert!(
            zone.instant(before.day, before.second) < jump,
            "{name}: what was before the jump stays there"
        );
    }
}

#[test]
fn in_the_short_night_an_interval_is_what_the_clock_shows() {
    // With a clock that only jumps forward, to be inside is to show a time inside: an independent way to say the same.
    let nights = [
        ("Europe/Paris", "2026-03-28T12:00:00Z"),
        ("America/St_Johns", "2026-03-07T16:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T01:30:00Z"),
    ];
    let times: Vec<u32> = (0..10).map(|half_hour| 3600 + half_hour * 900).chain([79_200, 86_399]).collect();
    for (name, start) in nights {
        let zone = zone(name);
        for (from, to) in times.iter().flat_map(|from| times.iter().map(move |to| (*from, *to))) {
            for quarter in 0..4 * 36 {
                let moment = Utc::from_millis(at(start).millis() + quarter * 15 * MINUTE_MS);
                let second = zone.local(moment).second;
                let is_shown = match from < to {
                    true => (from..to).contains(&second),
                    false => second >= from || second < to,
                };
                let found =
                    between(&zone, None, moment, TimeOfDay::Clock(from), TimeOfDay::Clock(to)).unwrap();
                let place = format!("{name}, {from} s to {to} s, at {}", shown(&zone, moment));
                assert_eq!(found.0, is_shown, "{place}");
                assert!(found.1.unwrap() > moment, "{place}");
            }
        }
    }
}

#[test]
fn the_short_night_has_no_interval_of_a_day() {
    let span = ("2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z");
    let paris = |from, to| edges(&zone("Europe/Paris"), None, (from, to), span);
    let usual = |day, from, to| [format!("from 2026-03-{day} {from}"), format!("to 2026-03-{day} {to}")];
    let around = |from, to| [usual(28, from, to), usual(30, from, to)].concat();
    assert_eq!(paris("02:00", "03:00"), around("02:00", "03:00"), "nothing is left of it that night");
    assert_eq!(paris("02:15", "02:45"), around("02:15", "02:45"));
    let mut half = around("02:30", "03:30");
    half.splice(2..2, usual(29, "03:00", "03:30"));
    assert_eq!(paris("02:30", "03:30"), half, "the half hour that there was");
    let lord_howe = zone("Australia/Lord_Howe");
    let found = edges(&lord_howe, None, ("02:00", "02:30"), ("2026-10-02T00:00:00Z", "2026-10-05T00:00:00Z"));
    let days =
        ["from 2026-10-03 02:00", "to 2026-10-03 02:30", "from 2026-10-05 02:00", "to 2026-10-05 02:30"];
    assert_eq!(found, days, "nothing on the fourth");
}

#[test]
fn in_the_long_night_each_boundary_comes_once() {
    let paris = zone("Europe/Paris");
    let inside =
        |utc: &str, from: &str, to: &str| between(&paris, None, at(utc), clock(from), clock(to)).unwrap();
    // Autumn 2026: 03:00 CEST becomes 02:00 CET at 01:00 UTC. The first 02:30 is 00:30 UTC.
    assert!(!inside("2026-10-25T00:29:00Z", "02:30", "06:00").0);
    assert_eq!(inside("2026-10-25T00:30:00Z", "02:30", "06:00"), (true, Some(at("2026-10-25T05:00:00Z"))));
    assert!(inside("2026-10-25T01:10:00Z", "02:30", "06:00").0, "the second 02:10 is still inside");
    assert!(!inside("2026-10-25T01:10:00Z", "01:00", "02:30").0, "the second 02:10 is no longer inside");
    let nights = [
        ("Europe/Paris", ("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z")),
        ("America/St_Johns", ("2026-10-31T14:00:00Z", "2026-11-01T14:00:00Z")),
        ("Australia/Lord_Howe", ("2026-04-04T02:00:00Z", "2026-04-05T02:00:00Z")),
    ];
    for (name, span) in nights {
        for times in [("01:00", "01:45"), ("01:45", "02:15"), ("02:00", "03:00"), ("22:00", "02:10")] {
            let found = edges(&zone(name), None, times, span);
            assert_eq!(found.len(), 2, "{name} {times:?}: {found:?}");
            assert!(
                found[0].starts_with("from") && found[0].ends_with(times.0),
                "{name} {times:?}: {found:?}"
            );
            assert!(found[1].ends_with(times.1), "{name} {times:?}: {found:?}");
        }
    }
}

#[test]
fn over_midnight() {
    let paris = zone("Europe/Paris");
    let inside = |utc: &str| between(&paris, None, at(utc), clock("22:00"), clock("06:00")).unwrap().0;
    assert!(inside("2026-06-01T21:00:00Z"));
    assert!(inside("2026-06-02T03:59:59Z"));
    assert!(!inside("2026-06-02T04:00:00Z"));
}

#[test]
fn the_last_sixteen_hours_are_found_over_the_change() {
    let found = around(&zone("Europe/Paris"), None, at("2026-10-25T12:00:00Z"), clock("16:00"));
    assert_eq!(found, (Some(at("2026-10-24T14:00:00Z")), Some(at("2026-10-25T15:00:00Z"))));
}

#[test]
fn the_sun_rises_and_sets_where_almanacs_say() {
    // Paris, 2026-06-21: sunrise 05:47, sunset 21:58 local summer time (published tables, to the minute).
    let here = place(48.8566, 2.3522);
    let paris = zone("Europe/Paris");
    let day = paris.local(at("2026-06-21T10:00:00Z")).day;
    let near = |found: Option<Utc>, text: &str| (found.unwrap().millis() - at(text).millis()).abs() < 90_000;
    assert!(near(moment(&paris, here, day, TimeOfDay::Sunrise), "2026-06-21T03:47:00Z"));
    assert!(near(moment(&paris, here, day, TimeOfDay::Sunset), "2026-06-21T19:58:00Z"));
    // Sydney, 2026-12-21: sunrise 05:41, sunset 20:05 local summer time; the same from a clock that shows UTC.
    let sydney = place(-33.87, 151.21);
    for name in ["Australia/Sydney", "UTC"] {
        let zone = zone(name);
        let day = zone.local(at("2026-12-21T02:00:00Z")).day;
        assert!(near(moment(&zone, sydney, day, TimeOfDay::Sunrise), "2026-12-20T18:41:00Z"), "{name}");
        assert!(near(moment(&zone, sydney, day, TimeOfDay::Sunset), "2026-12-21T09:05:00Z"), "{name}");
    }
    // Tromsø has no sunset in June.
    assert_eq!(moment(&paris, place(69.65, 18.96), day, TimeOfDay::Sunset), None);
}

#[test]
fn from_sunset_to_a_time_of_the_evening_is_over_before_it_begins_in_a_light_night() {
    let helsinki = zone("Europe/Helsinki");
    let jyvaskyla = place(62.24, 25.75);
    let evening = |span| edges(&helsinki, jyvaskyla, ("sunset", "22:30"), span);
    // The sun sets at about 22:55 there in June, and at 15:00 in December.
    assert_eq!(evening(("2026-06-18T00:00:00Z", "2026-06-26T00:00:00Z")), Vec::<String>::new());
    let december = evening(("2026-12-10T00:00:00Z", "2026-12-11T12:00:00Z"));
    assert_eq!(december.len(), 2, "{december:?}");
    assert!(
        december[0].starts_with("from 2026-12-10 14:") && december[1] == "to 2026-12-10 22:30",
        "{december:?}"
    );
    // And the other way round: the light that is left after 16:00.
    let afternoon = |span| edges(&helsinki, jyvaskyla, ("16:00", "sunset"), span);
    assert_eq!(afternoon(("2026-12-10T00:00:00Z", "2026-12-12T00:00:00Z")), Vec::<String>::new());
    assert_eq!(afternoon(("2026-06-20T00:00:00Z", "2026-06-21T00:00:00Z")).len(), 2);
    let morning = |span| edges(&helsinki, jyvaskyla, ("sunrise", "06:00"), span);
    assert_eq!(morning(("2026-12-10T00:00:00Z", "2026-12-12T12:00:00Z")), Vec::<String>::new());
    assert_eq!(morning(("2026-06-20T00:00:00Z", "2026-06-20T12:00:00Z")).len(), 2);
}

/// Every kind of interval with the sun in it, on every day of a year, from the equator to where the sun stays up and down:
/// never unknown, and never longer than the part of the day that its two times leave room for.
#[test]
fn intervals_with_the_sun_fit_their_day_at_every_latitude() {
    let cases = [
        ("sunset", "22:30", 12),
        ("sunset", "06:00", 19),
        ("22:00", "sunrise", 16),
        ("sunrise", "08:00", 9),
        ("04:00", "sunrise", 10),
        ("sunset", "00:00", 13),
        ("sunset", "12:00", 25),
        ("17:00", "sunset", 10),
        ("sunrise", "sunset", 25),
        ("sunset", "sunrise", 25),
    ];
    let places =
        [(0.0, 9.5), (48.86, 2.35), (62.24, 25.75), (66.56, 25.8), (70.0, 25.0), (-70.0, 2.0), (90.0, 0.0)];
    let paris = zone("Europe/Paris");
    for (latitude, longitude) in places {
        let here = place(latitude, longitude);
        for (from, to, hours_max) in cases {
            let times = (clock(from), clock(to));
            let mut before: Option<(Utc, Utc)> = None;
            for day in 20_454..20_454 + 366 {
                assert!(between(&paris, here, paris.instant(day, NOON), times.0, times.1).is_some());
                let Some((start, end)) = interval(&paris, here, day, times.0, times.1) else { continue };
                let name =
                    format!("{latitude}° {from} to {to}: {} to {}", shown(&paris, start), shown(&paris, end));
                assert!(end.since(start) <= crate::Span::from_secs(hours_max * 3600), "{name}");
                assert!(before.is_none_or(|(earlier, _)| earlier < start), "{name}: starts in order");
                before = Some((start, end));
            }
        }
    }
}

#[test]
fn where_the_sun_stays_up_there_is_no_night_and_where_it_stays_down_no_day() {
    let oslo = zone("Europe/Oslo");
    let nordkapp = place(71.17, 25.78);
    let june = ("2026-06-20T00:00:00Z", "2026-06-23T00:00:00Z");
    let december = ("2026-12-20T00:00:00Z", "2026-12-23T00:00:00Z");
    let all_of = |span: (&str, &str)| [format!("from {}", shown(&oslo, at(span.0)))];
    let found = |times, span| edges(&oslo, nordkapp, times, span);
    assert_eq!(found(("sunrise", "sunset"), june), all_of(june));
    assert_eq!(found(("sunset", "sunrise"), june), Vec::<String>::new());
    assert_eq!(found(("sunset", "sunrise"), december), all_of(december));
    assert_eq!(found(("sunrise", "sunset"), december), Vec::<String>::new());
    // The evening begins at the sun's noon in December, a quarter past eleven there.
    let evening = found(("sunset", "22:30"), ("2026-12-20T00:00:00Z", "2026-12-21T00:00:00Z"));
    assert_eq!(evening, ["from 2026-12-20 11:15", "to 2026-12-20 22:30"]);
    assert_eq!(found(("sunset", "22:30"), june), Vec::<String>::new());
    // The last sunset was weeks ago, and the next one is not within reach.
    assert_eq!(around(&oslo, nordkapp, at("2026-06-20T00:00:00Z"), TimeOfDay::Sunset), (None, None));
    assert_eq!(between(&oslo, None, at("2026-06-20T00:00:00Z"), TimeOfDay::Sunset, clock("06:00")), None);
}

#[test]
fn the_sun_of_a_year_crosses_polar_day_and_night_without_a_blink() {
    let oslo = zone("Europe/Oslo");
    let nordkapp = place(71.17, 25.78);
    let year = 20_454..20_454 + 365;
    let nights =
        year.clone().map(|day| interval(&oslo, nordkapp, day, TimeOfDay::Sunset, TimeOfDay::Sunrise));
    let nights: Vec<Option<(Utc, Utc)>> = nights.collect();
    // From mid-May to the end of July the sun does not set there, and from late November to late January it does not rise.
    let light = nights.iter().filter(|night| night.is_none()).count();
    assert!((78..=84).contains(&light), "{light}");
    for pair in nights.windows(2) {
        if let [Some((start, end)), Some((next, _))] = pair {
            assert!(end <= next, "the nights never overlap");
            assert!(end.since(*start) >= crate::Span::from_secs(60), "{}", shown(&oslo, *start));
        }
    }
    let dark =
        nights.windows(2).filter(|pair| matches!(pair, [Some((_, end)), Some((next, _))] if end == next));
    assert!((55..=65).contains(&dark.count()), "in winter one night follows the other without a gap");
}

#[test]
fn an_interval_that_never_comes_is_found_out() {
    let paris = zone("Europe/Paris");
    let here = place(48.86, 2.35);
    let never = |from: &str, to: &str| is_never_between(&paris, here, clock(from), clock(to));
    for (from, to) in [("sunset", "14:00"), ("sunrise", "02:00"), ("23:00", "sunset"), ("11:00", "sunrise")] {
        assert!(never(from, to), "{from} to {to}");
    }
    for (from, to) in [
        ("sunset", "17:00"),
        ("sunset", "12:00"),
        ("sunrise", "06:00"),
        ("12:00", "sunrise"),
        ("12:00", "sunset"),
        ("sunset", "sunset"),
        ("22:00", "22:00"),
        ("22:00", "06:00"),
    ] {
        assert!(!never(from, to), "{from} to {to}");
    }
}
