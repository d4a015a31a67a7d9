//! When `every` and `at` run.
//!
//! `every` takes a length of time. `at` takes the five fields of a crontab, `every day 22:00`, `Sunday 10:00`, `sunrise` or
//! `sunset`. All local times are those of the site's zone: a moment that the clock jumps over in spring comes at the
//! jump, and one that the clock shows twice in autumn comes once, however it is written. A crontab with a pace (`*`, `/`
//! or `-` in minute or hour) has no such moments and goes on with the clock.

use crate::report::problem;
use ballast_engine::plan::{NextInstant, Timing};
use ballast_model::Utc;
use ballast_model::almanac::{TimeOfDay, Zone};
use ballast_model::catalog::Catalog;
use ballast_model::diagnostic::{Span, did_you_mean};
use ballast_model::expr::Problem;
use ballast_model::quantity::parse_span;
use ballast_model::time::Span as Duration;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use std::sync::Arc;

/// The shortest `every`: events are for people and settings, fast reactions are rules.
const EVERY_MIN: Duration = Duration::from_secs(1);
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Reads the time of `every`.
pub(crate) fn every(text: &str, span: Span) -> Result<Timing, Problem> {
    match parse_span(text) {
        Some(length) if length >= EVERY_MIN => Ok(Timing::Every(length)),
        Some(_) => {
            let message = format!("`every \"{text}\"` is too often: at least one second");
            Err(problem(span, "rules::schedule", message, "what must be fast is a rule"))
        }
        None => {
            let message = format!("\"{text}\" is no length of time");
            Err(problem(span, "rules::schedule", message, "write a time such as \"15min\" or \"1h\""))
        }
    }
}

/// Reads the time of `at`.
pub(crate) fn at(text: &str, span: Span, catalog: &Catalog) -> Result<Timing, Problem> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [time] => daily(time, text, span, catalog),
        ["every", "day", time] => daily(time, text, span, catalog),
        [day, time] | ["every", day, time] => weekly(day, time, text, span, catalog),
        [_, _, _, _, _] => crontab(text, span, catalog),
        _ => Err(strange(text, span)),
    }
}

fn strange(text: &str, span: Span) -> Problem {
    let message = format!("\"{text}\" is no time at which something can happen");
    let help = "write \"every day 22:00\", \"Sunday 10:00\", \"sunset\", or five crontab fields as in \"0 22 * * *\"";
    // `22h00`, `22.00`.
    let clock = text.replace(['h', 'H', '.'], ":");
    if matches!(TimeOfDay::parse(&clock), Some(TimeOfDay::Clock(_))) {
        return problem(span, "rules::schedule", message, format!("write \"{clock}\""));
    }
    // `6:00`, `Sunday 9:30`.
    let (day, time) = text.rsplit_once(' ').map_or(("", text), |(day, time)| (day, time));
    let padded = format!("0{time}");
    if TimeOfDay::parse(&padded).is_some() {
        let whole = format!("{day} {padded}");
        let help = format!("an hour has two digits: write \"{}\"", whole.trim_start());
        return problem(span, "rules::schedule", message, help);
    }
    problem(span, "rules::schedule", message, help)
}

fn daily(time: &str, text: &str, span: Span, catalog: &Catalog) -> Result<Timing, Problem> {
    let time = TimeOfDay::parse(time).ok_or_else(|| strange(text, span))?;
    if matches!(time, TimeOfDay::Sunrise | TimeOfDay::Sunset) && catalog.place.is_none() {
        let help = "add `location: { latitude: ..., longitude: ... }` to site.yaml";
        return Err(problem(span, "expr::no_place", "the sun needs to know where the site is", help));
    }
    Ok(Timing::Daily(time))
}

fn weekly(day: &str, time: &str, text: &str, span: Span, catalog: &Catalog) -> Result<Timing, Problem> {
    let Some(weekday) = DAYS.iter().position(|known| known.eq_ignore_ascii_case(day)) else {
        let near = did_you_mean(day, DAYS).map(|near| format!("did you mean `{near}`?"));
        let message = format!("`{day}` is not a day of the week");
        let help = near.unwrap_or_else(|| "the days are written in English: Monday to Sunday".to_string());
        return Err(problem(span, "rules::schedule", message, help));
    };
    match TimeOfDay::parse(time) {
        Some(TimeOfDay::Clock(second)) => {
            Ok(Timing::At(Arc::new(Weekly { zone: catalog.zone.clone(), weekday: weekday as u8, second })))
        }
        _ => Err(strange(text, span)),
    }
}

fn crontab(text: &str, span: Span, catalog: &Catalog) -> Result<Timing, Problem> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let Ok(cron) = parser.parse(text) else { return Err(strange_crontab(text, span, &parser)) };
    let is_plain = |field: &str| field.bytes().all(|byte| byte.is_ascii_digit() || byte == b',');
    let names_moments = text.split_whitespace().take(2).all(is_plain);
    let pattern = Crontab { cron, zone: catalog.zone.clone(), names_moments };
    // Any day will do: a pattern that fires at all fires within the cycle of leap years after it.
    if pattern.next_after(Utc::from_millis(0)).is_none() {
        let message = format!("\"{text}\" never happens");
        return Err(problem(span, "rules::schedule", message, "look at the day of the month and the month"));
    }
    Ok(Timing::At(Arc::new(pattern)))
}

/// What a field of a crontab stands for: its name, its least and greatest number, and what else it may be.
const FIELDS: [(&str, u32, u32, &str); 5] = [
    ("minute", 0, 59, ""),
    ("hour", 0, 23, ""),
    ("day of the month", 1, 31, ", `L` for the last one"),
    ("month", 1, 12, ", or JAN to DEC"),
    ("day of the week", 0, 7, ", 0 and 7 are Sunday, or SUN to SAT"),
];

/// The first field that cannot be, and what it may be.
fn strange_crontab(text: &str, span: Span, parser: &CronParser) -> Problem {
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.first().is_some_and(|first| first.starts_with(char::is_alphabetic)) {
        return strange(text, span);
    }
    for (index, (field, (name, low, high, also))) in fields.iter().zip(FIELDS).enumerate() {
        let alone: Vec<&str> = (0..FIELDS.len()).map(|at| if at == index { *field } else { "*" }).collect();
        if parser.parse(&alone.join(" ")).is_ok() {
            continue;
        }
        let range = field.split(',').find_map(|part| {
            let (from, to) = part.split('/').next()?.split_once('-')?;
            let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
            let are_known = (low..=high).contains(&from) && (low..=high).contains(&to);
            (from > to && are_known).then(|| format!("write `{from}-{high},{low}-{to}`"))
        });
        let can_be = format!("the {name} is a number from {low} to {high}{also}");
        let (message, help) = match range {
            Some(help) => (format!("`{field}` goes from a later {name} to an earlier one"), help),
            None if field.split(',').any(|part| part.ends_with("/0")) => (
                format!("`{field}` has a pace of 0, with which nothing ever comes"),
                format!(
                    "write after the `/` every how many it comes, as in `*/{}`",
                    if high > 12 { 15 } else { 2 }
                ),
            ),
            None if field.contains(':') => (
                format!("`{field}` is no {name}: the five fields are numbers"),
                "write a time of day alone, as in \"22:00\" or \"Sunday 10:00\"".to_string(),
            ),
            None => (
                format!("`{field}` is no {name}"),
                format!(
                    "{can_be}; `*` for any, `1,3` for some, `1-5` for a range, `*/2` for every second one"
                ),
            ),
        };
        return problem(span, "rules::schedule", message, help);
    }
    strange(text, span)
}

/// A time on a day of the week.
#[derive(Debug)]
struct Weekly {
    zone: Zone,
    /// Monday is 0.
    weekday: u8,
    second: u32,
}

impl NextInstant for Weekly {
    fn next_after(&self, utc: Utc) -> Option<Utc> {
        let today = self.zone.local(utc);
        let ahead = i32::from((7 + self.weekday - today.weekday) % 7);
        [ahead, ahead + 7]
            .into_iter()
            .map(|days| self.zone.instant(today.day + days, self.second))
            .find(|at| *at > utc)
    }
}

/// Five fields of a crontab.
#[derive(Debug)]
struct Crontab {
    cron: Cron,
    zone: Zone,
    /// Minute and hour are numbers, `30 2 * * *`: moments of a day, and not a pace as `*/5 * * * *`.
    names_moments: bool,
}

/// How many moments of the clock are looked at to find one that lies ahead. The clock repeats or jumps over less than a
/// day's worth of minutes.
const MOMENTS_MAX: usize = 24 * 60;

impl Crontab {
    /// What is moments of a day is found as with the other spellings: once each, at the jump where they are jumped over.
    fn next_moment(&self, utc: Utc) -> Option<Utc> {
        let now = self.zone.local(utc);
        // What the clock showed a while ago may still lie ahead, at the end of a jump.
        let from =
            jiff::Timestamp::from_second(i64::from(now.day - 1) * 86_400 + i64::from(now.second)).ok()?;
        let mut shown = from.to_zoned(jiff::tz::TimeZone::UTC);
        for _ in 0..MOMENTS_MAX {
            shown = self.cron.find_next_occurrence(&shown, false).ok()?;
            let second = shown.timestamp().as_second();
            let day = i32::try_from(second.div_euclid(86_400)).ok()?;
            let found = self.zone.instant(day, u32::try_from(second.rem_euclid(86_400)).ok()?);
            if found > utc {
                return Some(found);
            }
        }
        None
    }
}

impl NextInstant for Crontab {
    fn next_after(&self, utc: Utc) -> Option<Utc> {
        if self.names_moments {
            return self.next_moment(utc);
        }
        let stamp = jiff::Timestamp::from_millisecond(utc.millis()).ok()?;
        let now = stamp.to_zoned(self.zone.jiff().clone());
        let next = self.cron.find_next_occurrence(&now, false).ok()?;
        Some(Utc::from_millis(next.timestamp().as_millisecond()))
    }
}

/// A name that none of the others has: the second of a kind is `NAME#2`.
pub(crate) fn numbered<'a>(base: String, others: impl Iterator<Item = &'a str>) -> String {
    let is_of_kind = |other: &&str| {
        other.strip_prefix(base.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
    };
    match others.filter(is_of_kind).count() {
        0 => base,
        others => format!("{base}#{}", others + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paris() -> Catalog {
        site_in("Europe/Paris")
    }

    fn site_in(zone: &str) -> Catalog {
        let mut catalog = Catalog::default();
        catalog.zone = Zone::get(zone).unwrap();
        catalog
    }

    fn instant(text: &str) -> Utc {
        Utc::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    /// The next moments after one, in UTC.
    fn next(pattern: &str, from: &str, count: usize) -> Vec<String> {
        next_in("Europe/Paris", pattern, from, count)
    }

    fn next_in(zone: &str, pattern: &str, from: &str, count: usize) -> Vec<String> {
        let timing = at(pattern, Span::new(0, 0), &site_in(zone));
        let Ok(Timing::At(pattern)) = timing else { panic!("{pattern}") };
        let mut moment = instant(from);
        let mut found = Vec::new();
        for _ in 0..count {
            moment = pattern.next_after(moment).unwrap();
            found.push(jiff::Timestamp::from_millisecond(moment.millis()).unwrap().to_string());
        }
        found
    }

    #[test]
    fn the_night_without_half_past_two_has_one_all_the_same() {
        // 2026-03-29: 02:00 becomes 03:00 in Paris, at 01:00 UTC.
        let found = next("30 2 * * *", "2026-03-28T12:00:00Z", 2);
        assert_eq!(found, ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    }

    #[test]
    fn the_night_with_two_half_past_twos_has_one() {
        // 2026-10-25: 03:00 becomes 02:00 in Paris, at 01:00 UTC.
        let found = next("30 2 * * *", "2026-10-24T12:00:00Z", 2);
        assert_eq!(found, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn all_spellings_of_one_moment_come_together_in_both_nights() {
        // Zone, a Sunday night in it, a time that the clock jumps over or shows twice, and when that comes.
        let nights = [
            ("Europe/Paris", "2026-03-28T12:00:00Z", (2, 30), "2026-03-29T01:00:00Z"),
            ("Europe/Paris", "2026-10-24T12:00:00Z", (2, 30), "2026-10-25T00:30:00Z"),
            ("America/St_Johns", "2026-03-07T12:00:00Z", (2, 30), "2026-03-08T05:30:00Z"),
            ("America/St_Johns", "2026-10-31T12:00:00Z", (1, 30), "2026-11-01T04:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T00:00:00Z", (2, 15), "2026-10-03T15:30:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T00:00:00Z", (1, 45), "2026-04-04T14:45:00Z"),
        ];
        for (zone, from, (hour, minute), comes) in nights {
            let catalog = site_in(zone);
            let daily =
                catalog.zone.instant(catalog.zone.local(instant(comes)).day, (hour * 60 + minute) * 60);
            assert_eq!(daily, instant(comes), "{zone}: every day");
            for written in [format!("{minute} {hour} * * *"), format!("Sunday {hour:02}:{minute:02}")] {
                let found = next_in(zone, &written, from, 2);
                assert_eq!(found[0], comes, "{zone}: {written}");
                let later = instant(&found[1]).since(instant(comes));
                assert!(
                    later >= Duration::from_secs(23 * 3600),
                    "{zone}: {written} comes once, not at {}",
                    found[1]
                );
            }
        }
    }

    #[test]
    fn a_list_of_hours_misses_none() {
        let found = next("0 2,14 * * *", "2026-03-28T23:00:00Z", 2);
        assert_eq!(found, ["2026-03-29T01:00:00Z", "2026-03-29T12:00:00Z"]);
        // Both lie in the hour that is left out, and come at its end together.
        assert_eq!(next("10,50 2 * * *", "2026-03-28T23:00:00Z", 1), ["2026-03-29T01:00:00Z"]);
        assert_eq!(next("10,50 2 * * *", "2026-03-29T01:00:00Z", 1), ["2026-03-30T00:10:00Z"]);
        // In Greenland the last hour of a Saturday is left out: it is Sunday when half past eleven comes.
        let found = next_in("America/Nuuk", "30 23 * * 6", "2026-03-28T12:00:00Z", 2);
        assert_eq!(found, ["2026-03-29T01:00:00Z", "2026-04-05T00:30:00Z"]);
        assert_eq!(found, next_in("America/Nuuk", "Saturday 23:30", "2026-03-28T12:00:00Z", 2));
    }

    #[test]
    fn a_pace_goes_on_through_both_nights() {
        let found = next("*/30 * * * *", "2026-03-29T00:20:00Z", 3);
        assert_eq!(found, ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]);
        let found = next("0 * * * *", "2026-10-24T23:30:00Z", 4);
        let hours = ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"];
        assert_eq!(found[..3], hours, "the hour that the clock shows twice is two hours");
    }

    #[test]
    fn sunday_at_ten_is_ten_on_the_wall_in_both_seasons() {
        let found = next("Sunday 10:00", "2026-10-17T00:00:00Z", 3);
        assert_eq!(found, ["2026-10-18T08:00:00Z", "2026-10-25T09:00:00Z", "2026-11-01T09:00:00Z"]);
    }

    #[test]
    fn words_and_lengths() {
        let span = Span::new(0, 0);
        let daily = |text: &str| at(text, span, &paris());
        assert!(matches!(daily("every day 22:00"), Ok(Timing::Daily(TimeOfDay::Clock(79_200)))));
        assert!(matches!(daily("22:00"), Ok(Timing::Daily(TimeOfDay::Clock(79_200)))));
        assert_eq!(daily("sunset").unwrap_err().code, "expr::no_place");
        assert!(daily("Sundy 10:00").unwrap_err().help.unwrap().contains("Sunday"));
        for wrong in ["", "noon", "0 22 * *", "61 * * * *", "0 0 30 2 *", "every day 25:00", "* * * * * *"] {
            assert_eq!(daily(wrong).unwrap_err().code, "rules::schedule", "{wrong}");
        }
        assert!(matches!(every("15min", span), Ok(Timing::Every(_))));
        assert!(every("15", span).is_err());
        assert!(every("100ms", span).is_err());
    }
}
