//! What registers mean: numbers of several widths and orders, bits and texts, and what a device sends for "no value".
//!
//! It must never make a number of a pattern that says that there is none.

use std::borrow::Cow;

/// Registers as they came, from an address on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Registers<'a> {
    /// Address of the first one.
    pub(crate) first: u16,
    /// Two bytes each, high byte first.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Registers<'a> {
    /// The bytes of so many registers from an address on; `None` where one of them did not come.
    pub(crate) fn get(self, address: u16, count: u16) -> Option<&'a [u8]> {
        let start = usize::from(address.checked_sub(self.first)?) * 2;
        self.bytes.get(start..start + usize::from(count) * 2)
    }

    /// One register.
    pub(crate) fn word(self, address: u16) -> Option<u16> {
        let bytes = self.get(address, 1)?;
        Some(u16::from_be_bytes(bytes.try_into().ok()?))
    }
}

/// What stands in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A whole number, of so many registers.
    Unsigned(u16),
    /// A whole number in two's complement, of so many registers.
    Signed(u16),
    /// An IEEE 754 number of two or four registers.
    Float(u16),
    /// One bit of a register, the lowest is 0.
    Bit(u8),
    /// Letters, two in a register, filled up with zeros or blanks.
    Text(u16),
}

/// Words by which a file names a form.
pub(crate) const FORMS: [(&str, Form); 8] = [
    ("u16", Form::Unsigned(1)),
    ("i16", Form::Signed(1)),
    ("u32", Form::Unsigned(2)),
    ("i32", Form::Signed(2)),
    ("u64", Form::Unsigned(4)),
    ("i64", Form::Signed(4)),
    ("f32", Form::Float(2)),
    ("f64", Form::Float(4)),
];

impl Form {
    /// How many registers it takes.
    pub(crate) fn registers(self) -> u16 {
        match self {
            Self::Unsigned(count) | Self::Signed(count) | Self::Float(count) | Self::Text(count) => count,
            Self::Bit(_) => 1,
        }
    }
}

/// In which order the bytes of several registers come; `ABCD` is as the specification has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    /// The low register comes first: `CDAB`.
    pub(crate) is_low_first: bool,
    /// The low byte of each register comes first: `BADC`.
    pub(crate) is_swapped: bool,
}

/// Words by which a file names an order.
pub(crate) const ORDERS: [(&str, Order); 4] = [
    ("ABCD", Order { is_low_first: false, is_swapped: false }),
    ("CDAB", Order { is_low_first: true, is_swapped: false }),
    ("BADC", Order { is_low_first: false, is_swapped: true }),
    ("DCBA", Order { is_low_first: true, is_swapped: true }),
];

/// Smallest and largest power of ten in a scale register (SunSpec, `sunssf`).
const POWERS: std::ops::RangeInclusive<i16> = -10..=10;

/// How one value stands in registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Address of its first register.
    pub(crate) register: u16,
    /// What stands there.
    pub(crate) form: Form,
    /// In which order.
    pub(crate) order: Order,
    /// Patterns that say that there is no value, as the bits of the whole number.
    pub(crate) no_value: Box<[u64]>,
    /// A register with the power of ten by which the number is to be multiplied.
    pub(crate) scale_register: Option<u16>,
}

/// What a device says at a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said<'a> {
    /// A number.
    Number(f64),
    /// A text.
    Text(Cow<'a, [u8]>),
    /// That it has no value, or what cannot be one.
    Nothing,
}

impl Field {
    /// The registers that are needed for it: the first one, and the one behind the last.
    pub(crate) fn range(&self) -> (u32, u32) {
        let (first, count) = (u32::from(self.register), u32::from(self.form.registers()));
        let scale = self.scale_register.map_or(first, u32::from);
        (first.min(scale), (first + count).max(scale + 1))
    }

    /// What stands there; `Nothing` also where a register did not come.
    pub(crate) fn read<'a>(&self, registers: Registers<'a>) -> Said<'a> {
        let Some(bytes) = registers.get(self.register, self.form.registers()) else { return Said::Nothing };
        if let Form::Text(_) = self.form {
            let text = if self.order.is_swapped { Cow::Owned(swap(bytes)) } else { Cow::Borrowed(bytes) };
            return Said::Text(text_of(text));
        }
        let bits = self.order.join(bytes);
        if self.no_value.contains(&bits) {
            return Said::Nothing;
        }
        let number = match self.form {
            Form::Unsigned(_) => bits as f64,
            Form::Signed(1) => f64::from(bits as u16 as i16),
            Form::Signed(2) => f64::from(bits as u32 as i32),
            Form::Signed(_) => bits as i64 as f64,
            Form::Float(2) => f64::from(f32::from_bits(bits as u32)),
            Form::Float(_) => f64::from_bits(bits),
            Form::Bit(bit) => f64::from(u8::from(bits >> bit & 1 == 1)),
            Form::Text(_) => return Said::Nothing,
        };
        let power =
            self.scale_register.map_or(Some(0), |register| registers.word(register).map(|word| word as i16));
        match power.filter(|power| POWERS.contains(power)) {
            Some(power) if number.is_finite() => Said::Number(times_power_of_ten(number, power)),
            _ => Said::Nothing,
        }
    }

    /// Whether a float is so close to zero that nothing measures it: a whole number, or a pattern such as 0x8000, stands
    /// where the file says that a float does.
    pub(crate) fn is_too_small(&self, number: f64) -> bool {
        let is_float = matches!(self.form, Form::Float(_)) && self.scale_register.is_none();
        is_float && number != 0.0 && number.abs() < f64::from(f32::MIN_POSITIVE)
    }

    /// The registers for a number; `None` where it does not fit, or would say that there is no value.
    pub(crate) fn write(&self, number: f64) -> Option<Vec<u16>> {
        let count = self.form.registers();
        let bits = match self.form {
            Form::Float(2) => u64::from(finite_f32(number)?.to_bits()),
            Form::Float(_) => number.is_finite().then(|| number.to_bits())?,
            Form::Unsigned(_) | Form::Signed(_) => whole(number.round(), self.form)?,
            Form::Bit(_) | Form::Text(_) => return None,
        };
        if self.no_value.contains(&bits) { None } else { Some(self.order.split(bits, count)) }
    }
}

/// Exact where a division is: 2312 with -1 is 231.2.
fn times_power_of_ten(number: f64, power: i16) -> f64 {
    let factor = 10f64.powi(i32::from(power.unsigned_abs()));
    if power < 0 { number / factor } else { number * factor }
}

fn finite_f32(number: f64) -> Option<f32> {
    let small = number as f32;
    small.is_finite().then_some(small)
}

/// The bits of a whole number in its width.
fn whole(number: f64, form: Form) -> Option<u64> {
    let width = u32::from(form.registers()) * 16;
    let (least, most) = match form {
        Form::Signed(_) => (-(2f64.powi(width as i32 - 1)), 2f64.powi(width as i32 - 1)),
        _ => (0.0, 2f64.powi(width as i32)),
    };
    if !(number >= least && number < most) {
        return None;
    }
    let mask = u64::MAX >> (64 - width);
    Some(if number < 0.0 { number as i64 as u64 & mask } else { number as u64 })
}

impl Order {
    /// The bits of up to four registers.
    fn join(self, bytes: &[u8]) -> u64 {
        let (words, _) = bytes.as_chunks::<2>();
        let append = |bits: u64, word: &[u8; 2]| bits << 16 | u64::from(self.word(u16::from_be_bytes(*word)));
        if self.is_low_first { words.iter().rev().fold(0, append) } else { words.iter().fold(0, append) }
    }

    fn split(self, bits: u64, count: u16) -> Vec<u16> {
        let mut words: Vec<u16> =
            (0..count).rev().map(|place| self.word((bits >> (16 * u32::from(place))) as u16)).collect();
        if self.is_low_first {
            words.reverse();
        }
        words
    }

    fn word(self, word: u16) -> u16 {
        if self.is_swapped { word.swap_bytes() } else { word }
    }
}

fn swap(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(2).flat_map(|word| word.iter().rev().copied()).collect()
}

/// A text ends at its first zero; blanks around it are none of it.
fn text_of(bytes: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(..end).unwrap_or_default().trim_ascii()),
        Cow::Owned(bytes) => Cow::Owned(bytes.get(..end).unwrap_or_default().trim_ascii().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(form: Form, order: &str) -> Field {
        let order = ORDERS.iter().find(|(word, _)| *word == order).unwrap().1;
        Field { register: 10, form, order, no_value: Box::default(), scale_register: None }
    }

    fn read(field: &Field, words: &[u16]) -> Option<f64> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        match field.read(Registers { first: 10, bytes: &bytes }) {
            Said::Number(number) => Some(number),
            Said::Text(text) => panic!("{text:?}"),
            Said::Nothing => None,
        }
    }

    #[test]
    fn numbers_of_every_width_and_order() {
        // 0x12345678 = 305419896; 230.2 as IEEE 754 is 0x43663333, the example of Eastron's own protocol sheets.
        for (form, order, words, expected) in [
            (Form::Unsigned(1), "ABCD", &[0xFFFE][..], 65534.0),
            (Form::Signed(1), "ABCD", &[0xFFFE], -2.0),
            (Form::Signed(1), "BADC", &[0xFEFF], -2.0),
            (Form::Unsigned(2), "ABCD", &[0x1234, 0x5678], 305_419_896.0),
            (Form::Unsigned(2), "CDAB", &[0x5678, 0x1234], 305_419_896.0),
            (Form::Unsigned(2), "BADC", &[0x3412, 0x7856], 305_419_896.0),
            (Form::Unsigned(2), "DCBA", &[0x7856, 0x3412], 305_419_896.0),
            (Form::Signed(2), "ABCD", &[0xFFFF, 0xFFFE], -2.0),
            (Form::Unsigned(4), "ABCD", &[0, 1, 0, 0], 4_294_967_296.0),
            (Form::Unsigned(4), "CDAB", &[0, 0, 1, 0], 4_294_967_296.0),
            (Form::Signed(4), "ABCD", &[0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE], -2.0),
            (Form::Float(2), "ABCD", &[0x4366, 0x3333], f64::from(230.2f32)),
            (Form::Float(2), "CDAB", &[0x3333, 0x4366], f64::from(230.2f32)),
            (Form::Float(2), "DCBA", &[0x3333, 0x6643], f64::from(230.2f32)),
            (Form::Float(4), "ABCD", &[0xC05E, 0xDD2F, 0x1A9F, 0xBE77], -123.456),
            (Form::Bit(0), "ABCD", &[0x0001], 1.0),
            (Form::Bit(15), "ABCD", &[0x8000], 1.0),
            (Form::Bit(15), "ABCD", &[0x7FFF], 0.0),
        ] {
            assert_eq!(read(&field(form, order), words), Some(expected), "{form:?} {order}");
            assert_eq!(read(&field(form, order), &words[1..]), None, "a register is missing");
        }
    }

    #[test]
    fn what_is_no_value_is_never_a_number() {
        for (form, pattern, words) in [
            (Form::Signed(1), 0x8000, &[0x8000][..]),
            (Form::Unsigned(1), 0xFFFF, &[0xFFFF]),
            (Form::Unsigned(2), 0xFFFF_FFFF, &[0xFFFF, 0xFFFF]),
            (Form::Signed(2), 0x8000_0000, &[0x8000, 0]),
            (Form::Unsigned(4), u64::MAX, &[0xFFFF; 4]),
            (Form::Float(2), 0x7FC0_0000, &[0x7FC0, 0]),
        ] {
            let mut field = field(form, "ABCD");
            field.no_value = [pattern].into();
            assert_eq!(read(&field, words), None, "{form:?}");
        }
        for words in [[0x7FC0, 0], [0xFFC0, 1], [0x7F80, 0], [0xFF80, 0]] {
            assert_eq!(
                read(&field(Form::Float(2), "ABCD"), &words),
                None,
                "no file need name NaN and infinity"
            );
        }
    }

    #[test]
    fn a_float_that_nothing_measures_is_too_small() {
        let float = field(Form::Float(2), "ABCD");
        // 0x8000 everywhere, and the whole number 1225.
        for bits in [0x8000_8000, 1225] {
            assert!(float.is_too_small(f64::from(f32::from_bits(bits))), "{bits:#x}");
        }
        for number in [0.0, -0.0, 1e-9, -230.2] {
            assert!(!float.is_too_small(number), "{number}");
        }
        assert!(!field(Form::Signed(2), "ABCD").is_too_small(1e-40), "its scale makes it small");
    }

    #[test]
    fn a_scale_register_is_a_power_of_ten_and_may_stand_on_either_side() {
        for (scale_at, words, expected) in [
            (12, &[2312, 0, 0xFFFF][..], Some(231.2)),
            (12, &[2312, 0, 1], Some(23120.0)),
            (12, &[2312, 0, 0], Some(2312.0)),
            (12, &[2312, 0, 0x8000], None),
            (12, &[2312, 0, 11], None),
            (12, &[2312, 0], None),
        ] {
            let field = Field { scale_register: Some(scale_at), ..field(Form::Unsigned(1), "ABCD") };
            assert_eq!((read(&field, words), field.range()), (expected, (10, 13)));
        }
        let field = Field { register: 11, scale_register: Some(10), ..field(Form::Signed(1), "ABCD") };
        assert_eq!((read(&field, &[0xFFFE, 0xFFFF]), field.range()), (Some(-0.01), (10, 12)));
    }

    #[test]
    fn texts_end_at_their_first_zero() {
        let read =
            |order, bytes: &[u8]| match field(Form::Text(3), order).read(Registers { first: 10, bytes }) {
                Said::Text(text) => text.into_owned(),
                other => panic!("{other:?}"),
            };
        assert_eq!(read("ABCD", b"SMA\0zz"), b"SMA");
        assert_eq!(read("ABCD", b" ABCD "), b"ABCD");
        assert_eq!(read("BADC", b"MS\0A\0\0"), b"SMA");
    }

    #[test]
    fn what_does_not_fit_is_not_written() {
        for (form, number, expected) in [
            (Form::Unsigned(1), 65535.4, Some(vec![0xFFFF])),
            (Form::Unsigned(1), 65535.5, None),
            (Form::Unsigned(1), -0.4, Some(vec![0])),
            (Form::Unsigned(1), -1.0, None),
            (Form::Signed(1), -32768.0, Some(vec![0x8000])),
            (Form::Signed(1), 32768.0, None),
            (Form::Signed(2), -2.0, Some(vec![0xFFFF, 0xFFFE])),
            (Form::Unsigned(4), 1e20, None),
            (Form::Float(2), 1e39, None),
            (Form::Float(2), f64::NAN, None),
            (Form::Bit(1), 1.0, None),
        ] {
            assert_eq!(field(form, "ABCD").write(number), expected, "{form:?} {number}");
        }
        let field = Field { no_value: [0x8000].into(), ..field(Form::Signed(1), "ABCD") };
        assert_eq!(field.write(-32768.0), None, "it would say that there is none");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read_again(number: i32, order in 0usize..4, form in 0usize..8) {
            let field = field(FORMS[form].1, ORDERS[order].0);
            if let Some(words) = field.write(f64::from(number)) {
                let again = read(&field, &words).unwrap();
                let expected = if form == 6 { f64::from(number as f32) } else { f64::from(number) };
                prop_assert!((again - expected).abs() < f64::EPSILON, "{} and not {}", again, expected);
            }
        }

        #[test]
        fn any_registers_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..20), first in 0u16..30, form in 0usize..8) {
            if let Said::Number(number) = field(FORMS[form].1, "ABCD").read(Registers { first, bytes: &bytes }) {
                prop_assert!(number.is_finite());
            }
        }
    }
}
