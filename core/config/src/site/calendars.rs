//! Named sets of days.

use ballast_model::catalog::CalendarSpec;

use super::SiteDraft;
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::scalar::{check_name, list, text};
use crate::diagnostics::{Diagnostics, Placed, quote};
use crate::limits;

/// `calendars:`.
pub(super) fn read(fields: &Fields<'_>, draft: &mut SiteDraft, out: &mut Diagnostics) {
    let Some(calendars) =
        fields.get("calendars").and_then(|node| crate::decode::map(node, "a map of calendars", out))
    else {
        return;
    };
    for entry in &calendars.entries {
        if !check_name(&entry.key.text, entry.key.place(), out) {
            draft.catalog.lose(&format!("calendar.{}", entry.key.text));
            continue;
        }
        let expected = "a list of days such as `2026-12-24` or `2026-12-24..2027-01-02`";
        let ranges = list(&entry.value, expected, out, |item, out| days(text(item, out)?, out));
        let mut days: Vec<i32> = ranges.into_iter().flatten().flatten().collect();
        days.sort_unstable();
        days.dedup();
        draft.catalog.calendars.push(CalendarSpec { name: entry.key.text.as_str().into(), days });
    }
}

/// One day, or all days of a range with both ends.
fn days(found: Placed<&str>, out: &mut Diagnostics) -> Option<core::ops::RangeInclusive<i32>> {
    let (first, last) = found.value.split_once("..").unwrap_or((found.value, found.value));
    let (Some(first), Some(last)) = (day(first.trim()), day(last.trim())) else {
        let message = format!("{} is not a day", quote(found.value));
        let help = "write `2026-12-24`, or both ends of a range: `2026-12-24..2027-01-02`";
        out.push(found.place.mistake(codes::CALENDAR_DAY, message).help(help));
        return None;
    };
    if last < first {
        let message = "the range is the wrong way round";
        out.push(found.place.mistake(codes::CALENDAR_DAY, message).help("write the first day first"));
        return None;
    }
    if last - first >= limits::CALENDAR_RANGE_DAYS_MAX {
        let message = format!("a range has at most {} days", limits::CALENDAR_RANGE_DAYS_MAX);
        out.push(found.place.mistake(codes::CALENDAR_DAY, message).help("check the years"));
        return None;
    }
    Some(first..=last)
}

/// Days since 1970-01-01 of `2026-12-24`, between the years 1970 and 2200.
pub(super) fn day(text: &str) -> Option<i32> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let is_plain = [year.len(), month.len(), day.len()] == [4, 2, 2]
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if parts.next().is_some() || !is_plain {
        return None;
    }
    let (year, month, day): (i32, i32, i32) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if !(1970..=2200).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    // The year is counted from March, so that the day that comes and goes is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    Some(year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        assert_eq!(day("1970-01-01"), Some(0));
        assert_eq!(day("1970-12-31"), Some(364));
        assert_eq!(day("2000-02-29"), Some(11_016));
        assert_eq!(day("2026-11-22"), Some(20_779));
        assert_eq!(day("2100-03-01").unwrap() - day("2100-02-28").unwrap(), 1, "2100 has no 29 February");
        let mut before = day("2023-12-31").unwrap();
        for month in 1..=12 {
            let first = day(&format!("2024-{month:02}-01")).unwrap();
            assert!((28..=31).contains(&(first - before)) || month == 1, "{month}");
            before = first;
        }
        for text in [
            "2023-02-29",
            "2026-13-01",
            "2026-00-01",
            "26-01-01",
            "2026-1-1",
            "2026-01-01-01",
            "1969-12-31",
            "x",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
