//! Blocks of VE.Direct text frames: where they end, whether they came whole, and what is in them.
//!
//! Source: Victron Energy, "VE.Direct Protocol" 3.33. A field is `CR LF label TAB value`; the last one of a block is
//! `Checksum`, whose value is one byte that brings the sum of the block to 0 modulo 256. Frames of the HEX protocol (`:` to
//! LF) may come between any two bytes and do not count. Eight bits of checksum find every single changed byte, but only
//! 255 of 256 of the heavier damages: a block in which anything else is odd is thrown away as well.

/// Longest label, bytes. The protocol says 9.
const LABEL_MAX: usize = 9;

/// Longest value, bytes. The protocol says 33.
const VALUE_MAX: usize = 33;

/// Fields of a block. The protocol says 22.
const FIELDS_MAX: usize = 40;

/// Longest frame of the HEX protocol, digits.
const HEX_MAX: usize = 512;

/// What the bytes of a frame of the HEX protocol add up to.
const HEX_SUM: u8 = 0x55;

/// Why a block was thrown away: its sum is wrong, or something in it cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// One field, as the device wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    label: Vec<u8>,
    value: Vec<u8>,
}

impl Field {
    /// Its label.
    pub fn label(&self) -> &[u8] {
        &self.label
    }

    /// Its value.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Its value, if it is written in hexadecimal: `0xA042`.
    pub fn hexadecimal(&self) -> Option<u32> {
        let digits = std::str::from_utf8(self.value.strip_prefix(b"0x")?).ok()?;
        let is_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| is_digits)
    }
}

/// Finds blocks in a stream that is cut anywhere.
#[derive(Debug, Default)]
pub struct Decoder {
    place: Place,
    /// Where a frame of the HEX protocol began, inside of which the text waits.
    hex: Option<Hex>,
    sum: u8,
    fields: Vec<Field>,
    field: Field,
    is_odd: bool,
    /// The end of a block was seen: the next one is met from its beginning.
    is_in_step: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before a line feed.
    #[default]
    Between,
    Label,
    Value,
    /// The next byte is the checksum.
    Checksum,
}

/// A frame of the HEX protocol: a nibble, pairs of digits, and nothing else.
#[derive(Clone, Copy, Debug, Default)]
struct Hex {
    digits: usize,
    high: u8,
    sum: u8,
    is_odd: bool,
}

impl Hex {
    fn push(&mut self, byte: u8) {
        let Some(digit) = char::from(byte).to_digit(16) else {
            self.is_odd = true;
            return;
        };
        let digit = digit as u8;
        match self.digits {
            0 => self.sum = digit,
            digits if digits % 2 == 1 => self.high = digit << 4,
            _ => self.sum = self.sum.wrapping_add(self.high | digit),
        }
        self.digits += 1;
    }

    fn is_right(self) -> bool {
        !self.is_odd && self.digits % 2 == 1 && self.digits > 1 && self.sum == HEX_SUM
    }
}

impl Decoder {
    /// Takes bytes; every block that ends in them is told, whole or damaged. The rest of one that was met in its middle is
    /// not told.
    pub fn decode(&mut self, bytes: &[u8], mut tell: impl FnMut(Result<&[Field], Damaged>)) {
        for byte in bytes {
            if !self.take(*byte) {
                continue;
            }
            let is_whole = self.sum == 0 && !self.is_odd && !self.fields.is_empty();
            if is_whole {
                tell(Ok(&self.fields));
            } else if self.is_in_step {
                tell(Err(Damaged));
            }
            *self = Self { is_in_step: true, ..Self::default() };
        }
    }

    /// Forgets what was half heard.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// One byte. Whether a block has ended.
    fn take(&mut self, byte: u8) -> bool {
        if let Some(hex) = &mut self.hex {
            match byte {
                b'\n' => {
                    self.is_odd |= !hex.is_right();
                    self.hex = None;
                }
                _ if hex.digits >= HEX_MAX => hex.is_odd = true,
                byte => hex.push(byte),
            }
            return false;
        }
        if byte == b':' && self.place != Place::Checksum {
            self.hex = Some(Hex::default());
            return false;
        }
        self.sum = self.sum.wrapping_add(byte);
        match (self.place, byte) {
            (Place::Checksum, _) => return true,
            (Place::Between, b'\n') => self.place = Place::Label,
            (Place::Between, b'\r') => {}
            (Place::Between, _) => self.is_odd = true,
            (Place::Label, b'\t') => {
                let is_end = self.field.label == b"Checksum";
                self.is_odd |= self.field.label.is_empty();
                self.place = if is_end { Place::Checksum } else { Place::Value };
            }
            (Place::Label, b'!'..=b'~') if self.field.label.len() < LABEL_MAX => self.field.label.push(byte),
            (Place::Value, b'\n') => {
                self.place = Place::Label;
                self.end_field();
            }
            (Place::Value, b'\r') => {}
            (Place::Value, b' '..=b'~') if self.field.value.len() < VALUE_MAX => self.field.value.push(byte),
            (Place::Label, b'\n') => {
                self.is_odd = true;
                self.field = Field::default();
            }
            _ => self.is_odd = true,
        }
        false
    }

    fn end_field(&mut self) {
        let field = std::mem::take(&mut self.field);
        let is_known = self.fields.iter().any(|known| known.label == field.label);
        if is_known || self.fields.len() == FIELDS_MAX {
            self.is_odd = true;
        } else {
            self.fields.push(field);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(fields: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (label, value) in fields {
            bytes.extend(format!("\r\n{label}\t{value}").bytes());
        }
        bytes.extend(b"\r\nChecksum\t");
        let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        bytes.push(sum.wrapping_neg());
        bytes
    }

    const CHARGER: [(&str, &str); 5] =
        [("PID", "0xA042"), ("V", "12530"), ("I", "620"), ("CS", "3"), ("H19", "8272")];

    type Told = Vec<Result<Vec<(String, String)>, Damaged>>;

    fn told(decoder: &mut Decoder, bytes: &[u8]) -> Told {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut all = Vec::new();
        decoder.decode(bytes, |block| {
            all.push(block.map(|fields| {
                fields.iter().map(|field| (text(field.label()), text(field.value()))).collect()
            }));
        });
        all
    }

    fn expected() -> Told {
        vec![Ok(CHARGER.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect())]
    }

    #[test]
    fn a_block_whole_and_in_pieces() {
        let bytes = block(&CHARGER);
        assert_eq!(told(&mut Decoder::default(), &bytes), expected());
        let mut decoder = Decoder::default();
        let pieces: Told = bytes.chunks(1).flat_map(|piece| told(&mut decoder, piece)).collect();
        assert_eq!(pieces, expected());
    }

    #[test]
    fn a_block_met_in_its_middle_is_not_damage() {
        let bytes = block(&CHARGER);
        let stream = [&bytes[20..], &bytes[..]].concat();
        assert_eq!(told(&mut Decoder::default(), &stream), expected());
    }

    #[test]
    fn a_block_with_a_wrong_sum_a_lost_end_or_a_field_twice() {
        let whole = block(&CHARGER);
        let mut wrong = whole.clone();
        wrong[8] ^= 1;
        let lost = &whole[..whole.len() - 11];
        let twice = block(&[("V", "12530"), ("V", "12530")]);
        for damaged in [&[&wrong[..]].concat(), &[lost, &whole].concat(), &twice] {
            let mut decoder = Decoder::default();
            assert_eq!(told(&mut decoder, &whole), expected());
            assert_eq!(told(&mut decoder, damaged), [Err(Damaged)]);
            assert_eq!(told(&mut decoder, &whole), expected());
        }
    }

    #[test]
    fn frames_of_the_other_protocol_do_not_count() {
        // The answer to a ping, and a register, from the protocol's own examples.
        let whole = block(&CHARGER);
        for hex in [&b":51641F9\n"[..], b":4EAEA7D\n"] {
            for place in [0, 1, 9, 20, whole.len() - 2] {
                let stream = [&whole[..], &whole[..place], hex, &whole[place..]].concat();
                assert_eq!(
                    told(&mut Decoder::default(), &stream),
                    [expected(), expected()].concat(),
                    "{place}"
                );
                // One whose own sum is wrong may have swallowed text.
                let mut wrong = stream;
                wrong[whole.len() + place + 3] ^= 1;
                let found = told(&mut Decoder::default(), &wrong);
                assert_eq!(found, [expected(), vec![Err(Damaged)]].concat(), "{place}");
            }
        }
    }

    #[test]
    fn numbers_in_hexadecimal() {
        let field = |value: &[u8]| Field { label: b"PID".to_vec(), value: value.to_vec() };
        assert_eq!(field(b"0xA042").hexadecimal(), Some(0xA042));
        for value in [&b"A042"[..], b"0x", b"0x+1", b"0x1FFFFFFFF", b"12"] {
            assert_eq!(field(value).hexadecimal(), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            told(&mut Decoder::default(), &bytes);
        }

        #[test]
        fn any_fields(text in "(\r\n|\t|:|V|Checksum\t|[0-9A-F]){0,120}") {
            told(&mut Decoder::default(), text.as_bytes());
        }

        /// One changed byte never gives another value.
        #[test]
        fn damage_never_gives_another_value(at in 0usize..200, byte in any::<u8>()) {
            let whole = block(&CHARGER);
            let mut stream = [&whole[..], &whole[..], &whole[..]].concat();
            let place = at % stream.len();
            stream[place] = byte;
            let good = expected().remove(0);
            for found in told(&mut Decoder::default(), &stream).into_iter().filter(Result::is_ok) {
                prop_assert_eq!(&found, &good);
            }
        }
    }
}
