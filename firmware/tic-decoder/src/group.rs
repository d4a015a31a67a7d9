//! The layout and checksum of one group. Everything here works on seven-bit characters, between LF and CR, both excluded.

use crate::encode::checksum;
use crate::event::Cause;
use crate::words::words;

/// Longest label. CPT_54E says eight characters in section 5.3.6 and lists `SMAXSN1-1` in section 6.2.2.
pub const MAX_LABEL: usize = 9;

words! {
    /// The two forms of the stream.
    Mode {
        /// Fields between spaces, 1200 baud.
        Historical = "historical",
        /// Fields between tabulations, some with the meter's time, 9600 baud.
        Standard = "standard",
    }
}

impl Mode {
    /// Speed of the line in bits per second.
    pub const fn baud(self) -> u32 {
        match self {
            Self::Historical => 1200,
            Self::Standard => 9600,
        }
    }

    pub(crate) const fn separator(self) -> u8 {
        match self {
            Self::Historical => b' ',
            Self::Standard => b'\t',
        }
    }

    /// Characters of a value. The historical mode has neither space nor lower case in its values; the standard
    /// mode allows 0x20 to 0x7E (CPT_54E, 6.2.1.2).
    pub(crate) const fn allows(self, character: u8) -> bool {
        match self {
            Self::Historical => matches!(character, 0x21..=0x5F),
            Self::Standard => matches!(character, 0x20..=0x7E),
        }
    }
}

/// A group as the meter sent it, without its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group<'a> {
    /// The mode it is written in.
    pub mode: Mode,
    /// One to [`MAX_LABEL`] characters out of A-Z, 0-9, + and -.
    pub label: &'a str,
    /// The meter's time of the value, untouched: see [`crate::fields::Horodate`]. Standard mode only.
    pub horodate: Option<&'a str>,
    /// The value, untouched: with its zeros and, in the standard mode, its padding. Empty for `DATE`.
    pub value: &'a str,
}

pub(crate) fn is_label(text: &[u8]) -> bool {
    (1..=MAX_LABEL).contains(&text.len())
        && text.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-'))
}

/// What stands before the first separator, if it has the form of a label.
pub(crate) fn label_of(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().position(|byte| matches!(byte, b' ' | b'\t'))?;
    let text = bytes.get(..end)?;
    if is_label(text) { core::str::from_utf8(text).ok() } else { None }
}

/// Reads a group, of the wanted mode if there is one. The last byte is the checksum, the one before it a separator.
pub(crate) fn parse(bytes: &[u8], wanted: Option<Mode>) -> Result<Group<'_>, Cause> {
    let mode = if bytes.contains(&b'\t') { Mode::Standard } else { Mode::Historical };
    if wanted.is_some_and(|wanted| wanted != mode) {
        return Err(Cause::Mode);
    }
    let (&sum, with_separator) = bytes.split_last().ok_or(Cause::Malformed)?;
    let fields = with_separator.strip_suffix(&[mode.separator()]).ok_or(Cause::Malformed)?;
    let group = layout(fields, mode).ok_or(Cause::Malformed)?;
    let checked = match mode {
        Mode::Historical => fields,
        Mode::Standard => with_separator,
    };
    if checksum(checked) == sum { Ok(group) } else { Err(Cause::Checksum) }
}

fn layout(fields: &[u8], mode: Mode) -> Option<Group<'_>> {
    let mut parts = fields.split(|&byte| byte == mode.separator());
    let label = parts.next().filter(|label| is_label(label))?;
    let first = parts.next()?;
    let second = parts.next();
    let allowed = |part: &[u8]| part.iter().all(|&byte| mode.allows(byte));
    if parts.next().is_some() || !allowed(first) || !second.is_none_or(allowed) {
        return None;
    }
    let (horodate, value) = match (mode, second) {
        (Mode::Historical, Some(_)) => return None,
        (Mode::Historical, None) if first.is_empty() => return None,
        (_, None) => (None, first),
        (Mode::Standard, Some(value)) => (Some(first), value),
    };
    Some(Group {
        mode,
        label: core::str::from_utf8(label).ok()?,
        horodate: horodate.map(core::str::from_utf8).transpose().ok()?,
        value: core::str::from_utf8(value).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Result<(&str, Option<&str>, &str), Cause>) {
        let found = parse(bytes, None).map(|group| (group.label, group.horodate, group.value));
        assert_eq!(found, expected, "{}", bytes.escape_ascii());
    }

    #[test]
    fn historical_groups() {
        check(b"PAPP 00740 ,", Ok(("PAPP", None, "00740")));
        check(b"BASE 010151175  ", Ok(("BASE", None, "010151175"))); // the checksum is a space
        check(b"PAPP 00741 ,", Err(Cause::Checksum));
        check(b"PAPP 0074 0 ,", Err(Cause::Malformed));
        check(b"PAPP  ,", Err(Cause::Malformed));
        check(b"PAPP 00740", Err(Cause::Malformed));
        check(b" 00740 ,", Err(Cause::Malformed));
    }

    #[test]
    fn standard_groups() {
        check(b"SINSTS\t00240\tL", Ok(("SINSTS", None, "00240")));
        check(b"DATE\tH230301091834\t\tC", Ok(("DATE", Some("H230301091834"), "")));
        check(b"SMAXSN\tH230301065253\t01024\t2", Ok(("SMAXSN", Some("H230301065253"), "01024")));
        check(
            b"MSG1\tPAS DE          MESSAGE         \t<",
            Ok(("MSG1", None, "PAS DE          MESSAGE         ")),
        );
        check(b"SINSTS\t00241\tL", Err(Cause::Checksum));
        check(b"SINSTS\tL", Err(Cause::Malformed));
        check(b"A\tB\tC\tD\tE", Err(Cause::Malformed));
        check(b"SINSTS\t00\x1240\tL", Err(Cause::Malformed));
        check(b"SMAXSN\tH230301065253\t01\x1224\t2", Err(Cause::Malformed));
    }

    #[test]
    fn nothing_and_nearly_nothing_are_malformed() {
        for bytes in [b"".as_slice(), b" ", b"\t", b"A", b"A ", b"A\t", b"  ", b"\t\t", b"A\t\t"] {
            check(bytes, Err(Cause::Malformed));
        }
    }

    #[test]
    fn wanted_mode_refuses_the_other() {
        assert_eq!(parse(b"PAPP 00740 ,", Some(Mode::Standard)), Err(Cause::Mode));
        assert_eq!(parse(b"SINSTS\t00240\tL", Some(Mode::Historical)), Err(Cause::Mode));
        assert!(parse(b"SINSTS\t00240\tL", Some(Mode::Standard)).is_ok());
    }

    #[test]
    fn label_of_nine_characters_is_the_longest() {
        assert_eq!(label_of(b"SMAXSN1-1\tx"), Some("SMAXSN1-1"));
        assert_eq!(label_of(b"SMAXSN1-11\tx"), None);
        assert_eq!(label_of(b"papp 1"), None);
        assert_eq!(label_of(b"PAPP"), None);
    }
}
