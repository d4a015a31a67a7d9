//! How a Modbus request and its answer are wrapped: with a header over TCP, with a checksum on a serial line.
//!
//! Source: Modbus Messaging on TCP/IP Implementation Guide V1.0b, section 3.1.3; Modbus over Serial Line V1.02, sections
//! 2.5.1 and 6.2.2 (CRC). An answer that is not the one to the request in every part of its wrapping is strange and never
//! read.

/// The wrapping of a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// With a header that numbers the request.
    Tcp,
    /// With a checksum behind.
    Rtu,
}

/// What came so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framed<'a> {
    /// More must come.
    Unfinished,
    /// The function with its data, and how many of the bytes all of it is.
    Whole(&'a [u8], usize),
    /// Somebody else's, of another request, or damaged.
    Strange,
}

/// Longest function with its data, bytes.
const PDU_MAX: usize = 253;
/// Header over TCP up to the unit: transaction, protocol, length; bytes.
const HEADER: usize = 6;

impl Framing {
    /// Wraps a request.
    pub(crate) fn write(self, transaction: u16, unit: u8, pdu: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Tcp => {
                out.extend_from_slice(&transaction.to_be_bytes());
                out.extend_from_slice(&[0, 0]);
                let length = u16::try_from(pdu.len() + 1).unwrap_or(u16::MAX);
                out.extend_from_slice(&length.to_be_bytes());
                out.push(unit);
                out.extend_from_slice(pdu);
            }
            Self::Rtu => {
                let start = out.len();
                out.push(unit);
                out.extend_from_slice(pdu);
                let sum = crc(out.get(start..).unwrap_or_default());
                out.extend_from_slice(&sum.to_le_bytes());
            }
        }
    }

    /// Unwraps what came. `length` tells from the first bytes of a function with its data how long it is to be; `None`:
    /// it is none that was asked for, `Some(0)`: not known yet.
    pub(crate) fn read(
        self,
        transaction: u16,
        unit: u8,
        bytes: &[u8],
        length: impl Fn(&[u8]) -> Option<usize>,
    ) -> Framed<'_> {
        match self {
            Self::Tcp => read_tcp(transaction, unit, bytes, length),
            Self::Rtu => read_rtu(unit, bytes, length),
        }
    }
}

fn read_tcp(transaction: u16, unit: u8, bytes: &[u8], length: impl Fn(&[u8]) -> Option<usize>) -> Framed<'_> {
    let [high, low] = transaction.to_be_bytes();
    let head = [high, low, 0, 0];
    if bytes.iter().zip(head).any(|(found, expected)| *found != expected) {
        return Framed::Strange;
    }
    let Some(said) = bytes.get(4..HEADER).and_then(|said| <[u8; 2]>::try_from(said).ok()) else {
        return Framed::Unfinished;
    };
    let said = usize::from(u16::from_be_bytes(said));
    if !(3..=PDU_MAX + 1).contains(&said) || bytes.get(HEADER).is_some_and(|found| *found != unit) {
        return Framed::Strange;
    }
    let end = HEADER + said;
    let Some(pdu) = bytes.get(HEADER + 1..end) else {
        let so_far = bytes.get(HEADER + 1..).unwrap_or_default();
        return if length(so_far).is_none() { Framed::Strange } else { Framed::Unfinished };
    };
    // The header and the function must agree on how long it is.
    if length(pdu) == Some(pdu.len()) { Framed::Whole(pdu, end) } else { Framed::Strange }
}

fn read_rtu(unit: u8, bytes: &[u8], length: impl Fn(&[u8]) -> Option<usize>) -> Framed<'_> {
    let Some((found, rest)) = bytes.split_first() else { return Framed::Unfinished };
    if *found != unit {
        return Framed::Strange;
    }
    let count = match length(rest) {
        None => return Framed::Strange,
        Some(0) => return Framed::Unfinished,
        Some(count) => count,
    };
    let (Some(pdu), Some(sum)) = (rest.get(..count), rest.get(count..count + 2)) else {
        return Framed::Unfinished;
    };
    let covered = bytes.get(..count + 1).unwrap_or_default();
    if sum == crc(covered).to_le_bytes() { Framed::Whole(pdu, count + 3) } else { Framed::Strange }
}

/// The checksum of a serial frame, sent low byte first.
pub(crate) fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xA001 } else { sum >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An answer of four bytes, or an exception of two.
    fn four(pdu: &[u8]) -> Option<usize> {
        match pdu {
            [] => Some(0),
            [3, ..] => Some(4),
            [0x83, ..] => Some(2),
            _ => None,
        }
    }

    #[test]
    fn the_example_of_the_serial_line_has_its_checksum() {
        // Modbus over Serial Line V1.02, 6.2.2: 02 07 gives 0x1241.
        assert_eq!(crc(&[0x02, 0x07]), 0x1241);
        let mut out = Vec::new();
        Framing::Rtu.write(7, 2, &[7], &mut out);
        assert_eq!(out, [2, 7, 0x41, 0x12]);
    }

    #[test]
    fn an_answer_is_whole_at_its_last_byte_and_only_for_its_own_request() {
        for framing in [Framing::Tcp, Framing::Rtu] {
            let mut frame = Vec::new();
            framing.write(0x0102, 17, &[3, 2, 9, 9], &mut frame);
            for cut in 0..frame.len() {
                assert_eq!(framing.read(0x0102, 17, &frame[..cut], four), Framed::Unfinished, "{cut}");
            }
            assert_eq!(framing.read(0x0102, 17, &frame, four), Framed::Whole(&[3, 2, 9, 9], frame.len()));
            let longer = [&frame[..], &[1, 2]].concat();
            assert_eq!(framing.read(0x0102, 17, &longer, four), Framed::Whole(&[3, 2, 9, 9], frame.len()));
            assert_eq!(framing.read(0x0102, 18, &frame, four), Framed::Strange, "another unit");
            for place in 0..frame.len() {
                let mut damaged = frame.clone();
                damaged[place] ^= 0x40;
                let found = framing.read(0x0102, 17, &damaged, four);
                let is_data_of_tcp = framing == Framing::Tcp && place >= 8;
                assert_eq!(matches!(found, Framed::Whole(..)), is_data_of_tcp, "{framing:?} {place}");
            }
        }
        let mut late = Vec::new();
        Framing::Tcp.write(0x0101, 17, &[3, 2, 9, 9], &mut late);
        assert_eq!(Framing::Tcp.read(0x0102, 17, &late, four), Framed::Strange);
        assert_eq!(Framing::Tcp.read(0x0102, 17, &late[..2], four), Framed::Strange, "as soon as it shows");
    }

    #[test]
    fn a_header_that_says_another_length_than_the_function_is_strange() {
        let mut frame = Vec::new();
        Framing::Tcp.write(1, 1, &[3, 2, 9, 9, 9], &mut frame);
        assert_eq!(Framing::Tcp.read(1, 1, &frame, four), Framed::Strange);
        let mut frame = Vec::new();
        Framing::Tcp.write(1, 1, &[3, 2, 9], &mut frame);
        assert_eq!(Framing::Tcp.read(1, 1, &frame, four), Framed::Strange);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..300), unit: u8) {
            for framing in [Framing::Tcp, Framing::Rtu] {
                if let Framed::Whole(pdu, used) = framing.read(0, unit, &bytes, four) {
                    prop_assert!(used <= bytes.len() && pdu.len() < used);
                }
            }
        }
    }
}
