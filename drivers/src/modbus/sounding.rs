//! A question whose answer bears a number of ours, for a serial line: its frames do not say which request they answer.
//!
//! Source: Modbus Application Protocol V1.1b3, section 6.8: diagnostics, return of what was sent. A device that does not know
//! it says so, which is as good: it answers in order, so that whatever it owed before has come or never will. It must never
//! take the answer to a register for one to this.

use super::frame::{Framed, Framing};
use crate::shape::Answer;

/// Diagnostics.
const FUNCTION: u8 = 8;
/// The same, refused.
const REFUSED: u8 = FUNCTION | 0x80;

/// Writes the question.
pub(crate) fn write(address: u8, token: u16, request: &mut Vec<u8>) {
    let [high, low] = token.to_be_bytes();
    Framing::Rtu.write(0, address, &[FUNCTION, 0, 0, high, low], request);
}

/// Reads what came since.
pub(crate) fn read(address: u8, token: u16, bytes: &[u8]) -> Answer {
    let length = |begin: &[u8]| match begin.first() {
        None => Some(0),
        Some(&FUNCTION) => Some(5),
        Some(&REFUSED) => Some(2),
        Some(_) => None,
    };
    match Framing::Rtu.read(0, address, bytes, length) {
        Framed::Unfinished => Answer::Unfinished,
        Framed::Strange => Answer::Strange,
        Framed::Whole([REFUSED, ..], used) => Answer::Refused { used },
        Framed::Whole([_, 0, 0, number @ ..], used) if *number == token.to_be_bytes() => {
            Answer::Done { used, heed: crate::shape::Heed::default() }
        }
        Framed::Whole(..) => Answer::Strange,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(pdu: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Framing::Rtu.write(0, 17, pdu, &mut out);
        out
    }

    #[test]
    fn the_number_must_come_back() {
        let mut asked = Vec::new();
        write(17, 0xA537, &mut asked);
        // The worked example of the source has this token, with its frame for unit 17.
        assert_eq!(asked[..6], [17, 8, 0, 0, 0xA5, 0x37]);
        assert_eq!(read(17, 0xA537, &asked), Answer::Done { used: 8, heed: crate::shape::Heed::default() });
        for bytes in [&asked[..0], &asked[..1], &asked[..7]] {
            assert_eq!(read(17, 0xA537, bytes), Answer::Unfinished);
        }
        // An older one, another unit's, a damaged one, and the late answer to a register.
        assert_eq!(read(17, 0xA538, &asked), Answer::Strange);
        assert_eq!(read(18, 0xA537, &asked), Answer::Strange);
        asked[5] ^= 1;
        assert_eq!(read(17, 0xA536, &asked), Answer::Strange);
        assert_eq!(read(17, 0xA537, &frame(&[3, 2, 0xA5, 0x37])), Answer::Strange);
        assert_eq!(read(17, 0xA537, &frame(&[0x83, 1])), Answer::Strange);
        assert_eq!(read(17, 0xA537, &frame(&[0x88, 1])), Answer::Refused { used: 5 });
    }
}
