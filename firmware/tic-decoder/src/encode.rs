//! Makes streams: checksums, parity, groups and frames in a caller's buffer. For tests, simulators and the copying of
//! recorded streams with some groups replaced.

use core::fmt;

use crate::group::{self, Mode};
use crate::parity::{BIT_7, is_even};

/// The checksum character of these characters: six bits of their sum, plus 0x20, so 0x20..=0x5F. The caller picks the
/// checked zone: up to the last separator, which counts in the standard mode and not in the historical one.
pub fn checksum(characters: &[u8]) -> u8 {
    let sum = characters.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte & !BIT_7));
    (sum & 0x3F) + 0x20
}

/// The character with even parity in bit 7, as 7E1 sends it.
pub const fn with_parity(character: u8) -> u8 {
    let low = character & !BIT_7;
    if is_even(low) { low } else { low | BIT_7 }
}

/// What bit 7 of written bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bit7 {
    /// Even parity: what a raw line or a pseudo-terminal carries.
    Parity,
    /// Zero: what a UART set to 7E1 hands over.
    Zero,
}

/// Why something was not written. Nothing of it is in the buffer then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EncodeError {
    /// The buffer has no room for it.
    Full,
    /// Not a label: see [`crate::Group::label`].
    Label,
    /// A character of the value or the horodate that the mode has not, or an empty value in the historical mode.
    Value,
    /// The historical mode has no horodates.
    Horodate,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Full => "the buffer is too small",
            Self::Label => "the label needs 1 to 9 characters out of A-Z, 0-9, + and -",
            Self::Value => "the value has a character that the mode does not know, or none at all",
            Self::Horodate => "the historical mode has no horodates",
        })
    }
}

impl core::error::Error for EncodeError {}

/// Writes frames and groups, one after the other.
///
/// ```
/// use tic_decoder::Mode;
/// use tic_decoder::encode::{Bit7, Writer};
///
/// let mut buffer = [0; 64];
/// let mut writer = Writer::new(&mut buffer, Mode::Historical, Bit7::Zero);
/// writer.start_frame()?;
/// writer.group("PAPP", None, "00740")?;
/// writer.end_frame()?;
/// assert_eq!(writer.written(), b"\x02\nPAPP 00740 ,\r\x03");
/// # Ok::<(), tic_decoder::encode::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    length: usize,
    mode: Mode,
    bit_7: Bit7,
}

impl<'a> Writer<'a> {
    /// A writer at the start of the buffer.
    pub fn new(buffer: &'a mut [u8], mode: Mode, bit_7: Bit7) -> Self {
        Self { buffer, length: 0, mode, bit_7 }
    }

    /// Writes STX.
    ///
    /// # Errors
    /// [`EncodeError::Full`]
    pub fn start_frame(&mut self) -> Result<(), EncodeError> {
        self.put(&[&[0x02]])
    }

    /// Writes ETX.
    ///
    /// # Errors
    /// [`EncodeError::Full`]
    pub fn end_frame(&mut self) -> Result<(), EncodeError> {
        self.put(&[&[0x03]])
    }

    /// Writes EOT, the interruption of the historical mode.
    ///
    /// # Errors
    /// [`EncodeError::Full`]
    pub fn end_of_text(&mut self) -> Result<(), EncodeError> {
        self.put(&[&[0x04]])
    }

    /// Writes a group from LF to CR with its checksum. The value is written as it is: zeros in front and padding are
    /// the caller's.
    ///
    /// # Errors
    /// Any [`EncodeError`]; the buffer is then as before.
    pub fn group(&mut self, label: &str, horodate: Option<&str>, value: &str) -> Result<(), EncodeError> {
        let allowed = |text: &str| text.bytes().all(|byte| self.mode.allows(byte));
        if !group::is_label(label.as_bytes()) {
            return Err(EncodeError::Label);
        }
        if horodate.is_some() && self.mode == Mode::Historical {
            return Err(EncodeError::Horodate);
        }
        if !allowed(value)
            || !horodate.is_none_or(allowed)
            || (value.is_empty() && self.mode == Mode::Historical)
        {
            return Err(EncodeError::Value);
        }
        let start = self.length;
        self.fields(label, horodate, value).inspect_err(|_| self.length = start)
    }

    /// What has been written so far.
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    fn fields(&mut self, label: &str, horodate: Option<&str>, value: &str) -> Result<(), EncodeError> {
        let separator = [self.mode.separator()];
        self.put(&[b"\n"])?;
        let checked_from = self.length;
        self.put(&[label.as_bytes(), &separator])?;
        if let Some(horodate) = horodate {
            self.put(&[horodate.as_bytes(), &separator])?;
        }
        self.put(&[value.as_bytes()])?;
        let historical_end = self.length;
        self.put(&[&separator])?;
        let checked_to = match self.mode {
            Mode::Historical => historical_end,
            Mode::Standard => self.length,
        };
        let sum = checksum(self.buffer.get(checked_from..checked_to).unwrap_or_default());
        self.put(&[&[sum], b"\r"])
    }

    fn put(&mut self, parts: &[&[u8]]) -> Result<(), EncodeError> {
        for &character in parts.iter().copied().flatten() {
            let place = self.buffer.get_mut(self.length).ok_or(EncodeError::Full)?;
            *place = match self.bit_7 {
                Bit7::Parity => with_parity(character),
                Bit7::Zero => character,
            };
            self.length += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    /// A historical group with parity, from LF to CR.
    pub(crate) fn group_with_parity(label: &str, value: &str) -> Vec<u8> {
        let mut buffer = [0; 64];
        let mut writer = Writer::new(&mut buffer, Mode::Historical, Bit7::Parity);
        writer.group(label, None, value).unwrap();
        writer.written().to_vec()
    }

    fn written(mode: Mode, label: &str, horodate: Option<&str>, value: &str) -> Result<Vec<u8>, EncodeError> {
        let mut buffer = [0; 64];
        let mut writer = Writer::new(&mut buffer, mode, Bit7::Zero);
        writer.group(label, horodate, value)?;
        Ok(writer.written().to_vec())
    }

    #[test]
    fn checksums_of_recorded_groups() {
        assert_eq!(checksum(b"PAPP 00740"), b',');
        assert_eq!(checksum(b"BASE 010151175"), b' ');
        assert_eq!(checksum(b"SINSTS\t00240\t"), b'L');
        assert_eq!(checksum(b"DATE\tH230301091834\t\t"), b'C');
    }

    #[test]
    fn parity_is_even_and_in_bit_7() {
        assert_eq!(
            [b' ', b'\r', 0x02, b'\n', 0x03, b'\t'].map(with_parity),
            [0xA0, 0x8D, 0x82, 0x0A, 0x03, 0x09]
        );
        assert!((0..=255).map(with_parity).all(is_even));
    }

    #[test]
    fn groups_are_written_as_the_meter_does() {
        assert_eq!(written(Mode::Historical, "PTEC", None, "TH..").unwrap(), b"\nPTEC TH.. $\r");
        assert_eq!(
            written(Mode::Standard, "SMAXSN", Some("H230301065253"), "01024").unwrap(),
            b"\nSMAXSN\tH230301065253\t01024\t2\r"
        );
        assert_eq!(
            written(Mode::Standard, "DATE", Some("H230301091834"), "").unwrap(),
            b"\nDATE\tH230301091834\t\tC\r"
        );
    }

    #[test]
    fn what_a_mode_has_not_is_refused() {
        assert_eq!(
            written(Mode::Historical, "PTEC", Some("H230301065253"), "TH.."),
            Err(EncodeError::Horodate)
        );
        assert_eq!(written(Mode::Historical, "PTEC", None, ""), Err(EncodeError::Value));
        assert_eq!(written(Mode::Historical, "PTEC", None, "th.."), Err(EncodeError::Value));
        assert_eq!(written(Mode::Standard, "MSG1", None, "A\rB"), Err(EncodeError::Value));
        assert_eq!(written(Mode::Standard, "ltarf", None, "BASE"), Err(EncodeError::Label));
        assert_eq!(written(Mode::Standard, "", None, "BASE"), Err(EncodeError::Label));
    }

    #[test]
    fn full_buffer_keeps_what_was_whole() {
        let mut buffer = [0; 20];
        let mut writer = Writer::new(&mut buffer, Mode::Historical, Bit7::Zero);
        writer.group("PAPP", None, "00740").unwrap();
        let before = writer.written().len();
        assert_eq!(writer.group("PAPP", None, "00740"), Err(EncodeError::Full));
        assert_eq!(writer.written().len(), before);
        writer.end_frame().unwrap();
        assert_eq!(writer.written(), b"\nPAPP 00740 ,\r\x03");
    }
}
