//! Bytes as a transcript writes them: in hexadecimal digits, as a request of HTTP, or as text with escapes.

use super::Trouble;
use crate::modbus::frame::crc;

/// How a driver's bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// In hexadecimal digits.
    Digits,
    /// A request line with its body; a status with its body.
    Http,
    /// As text.
    Text,
}

/// Stands for the checksum of the bytes before it.
const CHECKSUM: &str = "crc";

impl Style {
    pub(super) fn of(driver: &str) -> Self {
        match driver {
            "modbus" | "sunspec" => Self::Digits,
            "http" => Self::Http,
            _ => Self::Text,
        }
    }

    /// What is sent.
    pub(super) fn show(self, bytes: &[u8]) -> String {
        match self {
            Self::Digits => bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" "),
            Self::Http => {
                let text = String::from_utf8_lossy(bytes);
                let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
                let line = head.lines().next().unwrap_or_default();
                let line = line.strip_suffix(" HTTP/1.1").unwrap_or(line);
                format!("{line} {body}").trim_end().to_owned()
            }
            Self::Text => escape(bytes),
        }
    }

    /// What comes.
    pub(super) fn read(self, text: &str) -> Result<Vec<u8>, Trouble> {
        match self {
            Self::Digits => digits(text),
            Self::Http => {
                let (status, body) = text.split_once(' ').unwrap_or((text, ""));
                let length = body.len();
                Ok(format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes())
            }
            Self::Text => Ok(unescape(text)),
        }
    }

    /// What a transcript wants to be sent, as [`Style::show`] writes it.
    pub(super) fn wanted(self, text: &str) -> String {
        match self {
            Self::Digits => digits(text).map_or_else(|_| text.to_owned(), |bytes| self.show(&bytes)),
            Self::Http | Self::Text => text.to_owned(),
        }
    }
}

fn digits(text: &str) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    for word in text.split_whitespace() {
        if word == CHECKSUM {
            bytes.extend_from_slice(&crc(&bytes).to_le_bytes());
            continue;
        }
        let is_byte = word.len() == 2 && word.bytes().all(|digit| digit.is_ascii_hexdigit());
        let byte = u8::from_str_radix(word, 16).ok().filter(|_| is_byte);
        bytes.push(byte.ok_or(Trouble::NotBytes)?);
    }
    Ok(bytes)
}

/// Bytes as one line of text.
pub(super) fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for part in bytes.utf8_chunks() {
        for letter in part.valid().chars() {
            match letter {
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                '\\' => text.push_str("\\\\"),
                control if control.is_ascii_control() => text.push_str(&format!("\\x{:02x}", control as u32)),
                letter => text.push(letter),
            }
        }
        part.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

/// The bytes behind such a line.
pub(super) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let (byte, after) = match (byte, after) {
            (b'\\', [b'n', after @ ..]) => (b'\n', after),
            (b'\\', [b'r', after @ ..]) => (b'\r', after),
            (b'\\', [b't', after @ ..]) => (b'\t', after),
            (b'\\', [b'\\', after @ ..]) => (b'\\', after),
            (b'\\', [b'x', high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (*byte, rest.get(1..).unwrap_or_default()),
            },
            (byte, after) => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn every_line_of_bytes_is_read_back(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(unescape(&escape(&bytes)), bytes.clone());
            prop_assert_eq!(Style::Digits.read(&Style::Digits.show(&bytes)), Ok(bytes));
        }
    }

    #[test]
    fn a_checksum_need_not_be_computed_by_hand() {
        assert_eq!(Style::Digits.wanted("01 04 00 46 00 02 crc"), "01 04 00 46 00 02 90 1E");
        assert_eq!(Style::Digits.read("01 4"), Err(Trouble::NotBytes));
        assert_eq!(Style::Digits.read("+1"), Err(Trouble::NotBytes));
    }
}
