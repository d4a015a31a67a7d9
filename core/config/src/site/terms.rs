//! Under which terms a receiver is told: what for, and until when.
//!
//! Both are for people before they are for the program: who reads the file, or sees what leaves, shall know why it does and
//! when it stops.

use ballast_model::Utc;
use ballast_model::almanac::{TimeOfDay, Zone};

use super::calendars::day;
use crate::codes;
use crate::decode::scalar::text;
use crate::diagnostics::{Diagnostics, quote};
use crate::limits::PURPOSE_CHARS_MAX;
use crate::tree::Node;

/// `purpose:`: one line for people.
pub(super) fn purpose(node: &Node, out: &mut Diagnostics) -> Option<Box<str>> {
    let found = text(node, out)?;
    let words = found.value.trim();
    let message = if words.is_empty() {
        "the purpose is empty".to_owned()
    } else if words.chars().count() > PURPOSE_CHARS_MAX {
        format!("a purpose has at most {PURPOSE_CHARS_MAX} characters")
    } else if words.chars().any(char::is_control) {
        "a purpose is one line".to_owned()
    } else {
        return Some(words.into());
    };
    let help = "say in a few words what it is used for: `advice on saving energy`";
    out.push(found.place.mistake(codes::RECEIVER_PURPOSE, message).help(help));
    None
}

/// `until:`: the instant from which on nothing is told. A day is told to its end; an instant that the clocks show twice is the
/// first one.
pub(super) fn until(node: &Node, zone: &Zone, out: &mut Diagnostics) -> Option<Utc> {
    let found = text(node, out)?;
    if let Some(until) = instant(found.value, zone) {
        return Some(until);
    }
    let message = format!("{} is neither a day nor an instant", quote(found.value));
    let help = "write the last day, `2027-03-31`, or an instant in the site's time zone, `2027-03-31 18:00`";
    out.push(found.place.mistake(codes::RECEIVER_UNTIL, message).help(help));
    None
}

fn instant(text: &str, zone: &Zone) -> Option<Utc> {
    let Some((date, time)) = text.split_once([' ', 'T']) else {
        return Some(zone.instant(day(text)? + 1, 0));
    };
    match TimeOfDay::parse(time)? {
        TimeOfDay::Clock(second) => Some(zone.instant(day(date)?, second)),
        TimeOfDay::Sunrise | TimeOfDay::Sunset => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_told_to_its_end_and_an_instant_is_that_of_the_site() {
        let paris = Zone::get("Europe/Paris").unwrap();
        // Milliseconds since 1970 of `date --utc --date=... +%s`.
        for (text, seconds) in [
            ("2027-03-31", Some(1_806_530_400)),
            ("2027-03-31 18:00", Some(1_806_508_800)),
            ("2027-03-31T18:00:30", Some(1_806_508_830)),
            // The end of the day on which the clocks jump, and its beginning.
            ("2027-03-28", Some(1_806_271_200)),
            ("2027-03-27", Some(1_806_188_400)),
            // The clocks show it twice: the first time.
            ("2027-10-31 02:30", Some(1_824_942_600)),
            ("2027-02-29", None),
            ("2027-03-31 24:00", None),
            ("2027-03-31 sunset", None),
            ("2027-03-31 18", None),
            ("31.3.2027", None),
            ("", None),
        ] {
            let expected = seconds.map(|seconds: i64| Utc::from_millis(seconds * 1000));
            assert_eq!(instant(text, &paris), expected, "{text}");
        }
    }
}
