//! Values in registers: types, the numbers by which a device says that it has none, and powers of ten.
//!
//! Source: SunSpec Device Information Model Specification, data types and unimplemented values. A number by which a device
//! says that it has no value never comes out as a value.

use ballast_model::Finite;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// Without sign, of so many registers; all ones is none.
    Unsigned(u16),
    /// With sign; the smallest is none.
    Signed(u16),
    /// A counter; zero is none.
    Accumulator(u16),
    /// IEEE 754 in two registers; what is not a number is none.
    Float,
    /// A word; all ones is none.
    Word,
    /// Single bits; all ones is none.
    Bits(u16),
    /// A power of ten between -10 and 10; the smallest is none.
    Scale,
    /// How often something repeats.
    Count,
    /// Characters.
    Text(u16),
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoValue {
    /// The device says that it has none.
    NotImplemented,
    /// What it says cannot be.
    NotAValue,
}

const POWERS: [f64; 11] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

impl Type {
    /// By its name in the models; a text has its length behind it.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "uint16" => Self::Unsigned(1),
            "uint32" => Self::Unsigned(2),
            "uint64" => Self::Unsigned(4),
            "int16" => Self::Signed(1),
            "int32" => Self::Signed(2),
            "acc32" => Self::Accumulator(2),
            "acc64" => Self::Accumulator(4),
            "float32" => Self::Float,
            "enum16" => Self::Word,
            "bitfield16" => Self::Bits(1),
            "bitfield32" => Self::Bits(2),
            "sunssf" => Self::Scale,
            "count" => Self::Count,
            _ => Self::Text(name.strip_prefix("string")?.parse().ok()?),
        })
    }

    /// How many registers it takes.
    pub(crate) fn registers(self) -> u16 {
        match self {
            Self::Unsigned(count)
            | Self::Signed(count)
            | Self::Accumulator(count)
            | Self::Bits(count)
            | Self::Text(count) => count,
            Self::Float => 2,
            Self::Word | Self::Scale | Self::Count => 1,
        }
    }

    /// The number in these registers, before scaling. Texts have none.
    pub(crate) fn number(self, registers: &[u16]) -> Result<Finite, NoValue> {
        if registers.len() != usize::from(self.registers()) || registers.len() > 4 {
            return Err(NoValue::NotAValue);
        }
        let bits = registers.iter().fold(0u64, |bits, register| bits << 16 | u64::from(*register));
        let width = 16 * u32::from(self.registers());
        let ones = u64::MAX >> (64 - width);
        let sign = 1u64 << (width - 1);
        let signed = (bits ^ sign).wrapping_sub(sign) as i64;
        let number = match self {
            Self::Unsigned(_) | Self::Word | Self::Bits(_) if bits == ones => {
                return Err(NoValue::NotImplemented);
            }
            Self::Signed(_) | Self::Scale if bits == sign => return Err(NoValue::NotImplemented),
            Self::Accumulator(_) | Self::Count if bits == 0 => return Err(NoValue::NotImplemented),
            Self::Signed(_) | Self::Scale => signed as f64,
            Self::Float => {
                let float = f32::from_bits(bits as u32);
                if float.is_nan() {
                    return Err(NoValue::NotImplemented);
                }
                f64::from(float)
            }
            Self::Text(_) => return Err(NoValue::NotAValue),
            Self::Unsigned(_) | Self::Word | Self::Bits(_) | Self::Accumulator(_) | Self::Count => {
                bits as f64
            }
        };
        Finite::new(number).ok_or(NoValue::NotAValue)
    }

    /// The registers for a number that was scaled already; `None` where it does not fit or would say that there is none.
    pub(crate) fn registers_of(self, number: f64) -> Option<Vec<u16>> {
        let number = number.round();
        let count = self.registers();
        let (low, high) = match self {
            Self::Unsigned(1) | Self::Word | Self::Bits(1) => (0.0, f64::from(u16::MAX - 1)),
            Self::Unsigned(2) => (0.0, f64::from(u32::MAX - 1)),
            Self::Signed(1) => (f64::from(-i16::MAX), f64::from(i16::MAX)),
            Self::Signed(2) => (f64::from(-i32::MAX), f64::from(i32::MAX)),
            _ => return None,
        };
        if !(low..=high).contains(&number) {
            return None;
        }
        let bits = number as i64;
        Some((0..count).rev().map(|place| (bits >> (16 * place)) as u16).collect())
    }
}

/// A power of ten out of its register.
pub(crate) fn scale(registers: &[u16]) -> Result<i32, NoValue> {
    let power = Type::Scale.number(registers)?.get();
    if power.abs() <= 10.0 { Ok(power as i32) } else { Err(NoValue::NotAValue) }
}

/// A number times a power of ten between -10 and 10. Divides where that is exact.
pub(crate) fn scaled(number: Finite, power: i32) -> Option<Finite> {
    let factor = POWERS.get(power.unsigned_abs() as usize)?;
    Finite::new(if power < 0 { number.get() / factor } else { number.get() * factor })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NUMBERS: [&str; 13] = [
        "uint16",
        "uint32",
        "uint64",
        "int16",
        "int32",
        "acc32",
        "acc64",
        "float32",
        "enum16",
        "bitfield16",
        "bitfield32",
        "sunssf",
        "count",
    ];

    #[test]
    fn what_says_that_there_is_none_is_none() {
        for (name, registers) in [
            ("uint16", &[0xFFFF][..]),
            ("uint32", &[0xFFFF, 0xFFFF]),
            ("uint64", &[0xFFFF; 4]),
            ("int16", &[0x8000]),
            ("int32", &[0x8000, 0]),
            ("acc32", &[0, 0]),
            ("acc64", &[0; 4]),
            ("float32", &[0x7FC0, 0]),
            ("enum16", &[0xFFFF]),
            ("bitfield16", &[0xFFFF]),
            ("bitfield32", &[0xFFFF, 0xFFFF]),
            ("sunssf", &[0x8000]),
            ("count", &[0]),
        ] {
            assert_eq!(Type::parse(name).unwrap().number(registers), Err(NoValue::NotImplemented), "{name}");
        }
    }

    #[test]
    fn numbers_are_read_with_their_sign_and_power() {
        let number =
            |name: &str, registers: &[u16]| Type::parse(name).unwrap().number(registers).map(Finite::get);
        assert_eq!(number("int16", &[0xFFFF]), Ok(-1.0));
        assert_eq!(number("int32", &[0xFFFF, 0xFFFE]), Ok(-2.0));
        assert_eq!(number("uint16", &[0x8000]), Ok(32768.0));
        assert_eq!(number("acc32", &[1, 2]), Ok(65538.0));
        assert_eq!(number("float32", &[0x4248, 0]), Ok(50.0));
        assert_eq!(number("float32", &[0x7F80, 0]), Err(NoValue::NotAValue));
        assert_eq!(number("uint16", &[1, 2]), Err(NoValue::NotAValue));
        let at = |value: f64, power| scaled(Finite::new(value).unwrap(), power).map(Finite::get);
        assert_eq!(at(4998.0, -2), Some(49.98));
        assert_eq!(at(12.0, 2), Some(1200.0));
        assert_eq!(at(12.0, 11), None);
        assert_eq!(scale(&[0xFFFE]), Ok(-2));
        assert_eq!(scale(&[11]), Err(NoValue::NotAValue));
        assert_eq!(scale(&[0x8000]), Err(NoValue::NotImplemented));
    }

    #[test]
    fn what_does_not_fit_is_not_written() {
        let registers = |name: &str, number| Type::parse(name).unwrap().registers_of(number);
        assert_eq!(registers("uint16", 65534.0), Some(vec![65534]));
        assert_eq!(registers("uint16", 65535.0), None);
        assert_eq!(registers("uint16", -1.0), None);
        assert_eq!(registers("int16", -32768.0), None);
        assert_eq!(registers("int32", -2.0), Some(vec![0xFFFF, 0xFFFE]));
        assert_eq!(registers("uint32", 65537.0), Some(vec![1, 1]));
        assert_eq!(registers("float32", 1.0), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_registers_are_a_number_or_none(name in 0..NUMBERS.len(), registers in prop::collection::vec(any::<u16>(), 0..6)) {
            let kind = Type::parse(NUMBERS[name]).unwrap();
            if let Ok(number) = kind.number(&registers) {
                prop_assert!(number.get().is_finite());
                if let Some(written) = kind.registers_of(number.get()) {
                    prop_assert_eq!(written, registers);
                }
            }
        }
    }
}
