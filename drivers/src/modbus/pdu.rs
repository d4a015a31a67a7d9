//! Functions of Modbus: what is asked, and whether an answer answers it.
//!
//! Source: Modbus Application Protocol V1.1b3, sections 6 and 7. Used: 1-6, 15 and 16.

/// One of the four address spaces of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    /// Bits that can be written.
    Coil,
    /// Bits that are read.
    Discrete,
    /// Registers that can be written.
    Holding,
    /// Registers that are read.
    Input,
}

impl Table {
    /// Whether it holds bits.
    pub(crate) fn is_bits(self) -> bool {
        matches!(self, Self::Coil | Self::Discrete)
    }

    /// As a site names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Coil => "coil",
            Self::Discrete => "discrete",
            Self::Holding => "holding",
            Self::Input => "input",
        }
    }

    fn function(self) -> u8 {
        match self {
            Self::Coil => 1,
            Self::Discrete => 2,
            Self::Holding => 3,
            Self::Input => 4,
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// So many coils or registers from an address on.
    Read {
        /// Where.
        table: Table,
        /// The first address, as on the wire.
        first: u16,
        /// How many.
        count: u16,
    },
    /// One coil.
    Coil(u16, bool),
    /// One coil, by the function for several.
    Coils(u16, bool),
    /// One register.
    Register(u16, u16),
    /// Registers from an address on.
    Registers(u16, Vec<u16>),
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply<'a> {
    /// Bits or registers, as they came.
    Data(&'a [u8]),
    /// It was written.
    Written,
    /// The device says no.
    Exception(u8),
    /// This answers something else.
    Strange,
}

/// Why a device says no (Modbus Application Protocol V1.1b3, section 7).
pub(crate) mod code {
    pub(crate) const FUNCTION: u8 = 1;
    pub(crate) const ADDRESS: u8 = 2;
    pub(crate) const VALUE: u8 = 3;
    pub(crate) const FAILURE: u8 = 4;
    pub(crate) const ACKNOWLEDGE: u8 = 5;
    pub(crate) const BUSY: u8 = 6;
    pub(crate) const PARITY: u8 = 8;
    pub(crate) const NO_PATH: u8 = 10;
    pub(crate) const NO_ANSWER: u8 = 11;
}

/// An exception.
const EXCEPTION: u8 = 0x80;
/// A coil that is closed.
const ON: u16 = 0xFF00;

impl Request {
    /// Writes function and data.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.function());
        let [first, second] = match self {
            Self::Read { first, count, .. } => [*first, *count],
            Self::Coil(address, is_on) => [*address, if *is_on { ON } else { 0 }],
            Self::Coils(address, _) => [*address, 1],
            Self::Register(address, value) => [*address, *value],
            Self::Registers(address, values) => [*address, u16::try_from(values.len()).unwrap_or(u16::MAX)],
        };
        out.extend_from_slice(&first.to_be_bytes());
        out.extend_from_slice(&second.to_be_bytes());
        match self {
            Self::Coils(_, is_on) => out.extend_from_slice(&[1, u8::from(*is_on)]),
            Self::Registers(_, values) => {
                out.push(u8::try_from(values.len() * 2).unwrap_or(u8::MAX));
                out.extend(values.iter().flat_map(|value| value.to_be_bytes()));
            }
            _ => {}
        }
    }

    fn function(&self) -> u8 {
        match self {
            Self::Read { table, .. } => table.function(),
            Self::Coil(..) => 5,
            Self::Register(..) => 6,
            Self::Coils(..) => 15,
            Self::Registers(..) => 16,
        }
    }

    /// Bytes of data that a read brings.
    fn data_length(&self) -> Option<usize> {
        let Self::Read { table, count, .. } = self else { return None };
        let count = usize::from(*count);
        Some(if table.is_bits() { count.div_ceil(8) } else { count * 2 })
    }

    /// How long an answer that begins so is to be; `None`: it is none to this, `Some(0)`: not known yet.
    pub(crate) fn answer_length(&self, begin: &[u8]) -> Option<usize> {
        let function = self.function();
        match begin.first() {
            None => Some(0),
            Some(found) if *found == function | EXCEPTION => Some(2),
            Some(found) if *found != function => None,
            Some(_) => match (self.data_length(), begin.get(1)) {
                // An echo: address and value or number.
                (None, _) => Some(5),
                (Some(_), None) => Some(0),
                (Some(length), Some(said)) => (usize::from(*said) == length).then_some(length + 2),
            },
        }
    }

    /// What an answer of the right length says.
    pub(crate) fn reply<'a>(&self, pdu: &'a [u8]) -> Reply<'a> {
        match pdu {
            [function, code] if *function == self.function() | EXCEPTION => Reply::Exception(*code),
            [function, rest @ ..] if *function == self.function() => match (self.data_length(), rest) {
                (Some(length), [_, data @ ..]) if data.len() == length => Reply::Data(data),
                (None, echo) => {
                    let mut request = Vec::with_capacity(5);
                    self.write(&mut request);
                    if request.get(1..5) == Some(echo) { Reply::Written } else { Reply::Strange }
                }
                _ => Reply::Strange,
            },
            _ => Reply::Strange,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(request: &Request) -> Vec<u8> {
        let mut out = Vec::new();
        request.write(&mut out);
        out
    }

    fn read(table: Table, first: u16, count: u16) -> Request {
        Request::Read { table, first, count }
    }

    /// The examples of the specification, sections 6.1 to 6.12.
    #[test]
    fn requests_are_those_of_the_specification() {
        for (request, expected) in [
            (read(Table::Coil, 0x0013, 0x0013), &[1, 0, 0x13, 0, 0x13][..]),
            (read(Table::Discrete, 0x00C4, 0x0016), &[2, 0, 0xC4, 0, 0x16]),
            (read(Table::Holding, 0x006B, 3), &[3, 0, 0x6B, 0, 3]),
            (read(Table::Input, 8, 1), &[4, 0, 8, 0, 1]),
            (Request::Coil(0x00AC, true), &[5, 0, 0xAC, 0xFF, 0]),
            (Request::Coil(0x00AC, false), &[5, 0, 0xAC, 0, 0]),
            (Request::Register(1, 3), &[6, 0, 1, 0, 3]),
            (Request::Coils(0x0013, true), &[15, 0, 0x13, 0, 1, 1, 1]),
            (Request::Registers(1, vec![0x000A, 0x0102]), &[16, 0, 1, 0, 2, 4, 0, 0x0A, 1, 2]),
        ] {
            assert_eq!(bytes(&request), expected);
        }
    }

    #[test]
    fn an_answer_must_be_that_of_its_request() {
        let coils = read(Table::Coil, 0x13, 0x13);
        let answer = [1, 3, 0xCD, 0x6B, 0x05];
        assert_eq!(coils.answer_length(&answer[..1]), Some(0));
        assert_eq!(coils.answer_length(&answer), Some(5));
        assert_eq!(coils.reply(&answer), Reply::Data(&[0xCD, 0x6B, 0x05]));
        assert_eq!(coils.answer_length(&[1, 4, 0, 0, 0, 0]), None, "more than was asked");
        assert_eq!(coils.answer_length(&[2, 3]), None, "another function");
        assert_eq!((coils.answer_length(&[0x81]), coils.reply(&[0x81, 2])), (Some(2), Reply::Exception(2)));
        let write = Request::Registers(1, vec![10, 20]);
        assert_eq!(write.answer_length(&[16]), Some(5));
        assert_eq!(write.reply(&[16, 0, 1, 0, 2]), Reply::Written);
        assert_eq!(write.reply(&[16, 0, 1, 0, 1]), Reply::Strange, "not all of it");
        assert_eq!(Request::Coil(1, true).reply(&[5, 0, 1, 0, 0]), Reply::Strange, "the opposite");
        assert_eq!(Request::Register(1, 3).reply(&[6, 0, 2, 0, 3]), Reply::Strange, "another register");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn any_answer_is_taken(pdu in proptest::collection::vec(any::<u8>(), 0..260), count in 1u16..126) {
            for request in [read(Table::Coil, 0, count), read(Table::Input, 0, count), Request::Coil(0, true)] {
                let length = request.answer_length(&pdu);
                if let (Reply::Data(data), Some(length)) = (request.reply(&pdu), length) {
                    prop_assert_eq!(data.len() + 2, length);
                }
            }
        }
    }
}
