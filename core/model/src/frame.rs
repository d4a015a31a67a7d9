//! Fixed frames between engine and guard.
//!
//! The same 64 bytes go through a queue in one process and through a socket between two. Little-endian:
//!
//! | bytes | field |
//! |---|---|
//! | 0..4 | magic `BLST` |
//! | 4 | version, 1 |
//! | 5 | kind: 1 hello, 2 intent, 3 renew, 4 bye, 5 reading |
//! | 6..8 | zero |
//! | 8..16 | session |
//! | 16..24 | counter, rises by one with every frame of a session |
//! | 24..28 | output; reading: point |
//! | 28 | contact 0 open, 1 closed, 2 a level; reading: 0 unknown, 1 a number, 2 a word, 3 no, 4 yes |
//! | 29 | authority |
//! | 30 | rule priority |
//! | 31 | flags: bit 0 restoration |
//! | 32..40 | level or number, bits of an f64; place of a word; else zero |
//! | 40..48 | request |
//! | 48..56 | hello: hash of the tables of outputs and told points |
//! | 56..60 | lease in ms |
//! | 60..64 | CRC-32 (IEEE) of bytes 0..60 |
//!
//! Anything unexpected is an error, and an error ends the session: then the leases run out.

use crate::catalog::{OutputId, PointId};
use crate::finite::Finite;
use crate::intent::{Authority, Intent, Wanted};
use crate::sample::Value;

/// Length of every frame.
pub const FRAME_BYTES: usize = 64;
/// Longest lease that a frame may ask for (networked outputs reach 90 s).
pub const LEASE_MS_MAX: u32 = 90_000;

const MAGIC: [u8; 4] = *b"BLST";
const VERSION: u8 = 1;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Message {
    /// A new session begins; the hash is that of the tables both sides must share.
    Hello {
        /// Hash of names, kinds and order of the outputs, and of the points that the sender tells.
        tables: u64,
    },
    /// What one output shall be from now on.
    Intent(Intent),
    /// Everything said so far still holds.
    Renew,
    /// The session ends on purpose.
    Bye,
    /// What a point is that the sender computes and the guard looks at: a derived point, a setting, the mode.
    Reading {
        /// Which point.
        point: PointId,
        /// Its value; `None` while it is unknown.
        value: Option<Value>,
    },
}

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Frame {
    /// Session of the sender.
    pub session: u64,
    /// Number of the frame in its session, from 1.
    pub counter: u64,
    /// How long the sender's word holds, ms.
    pub lease_ms: u32,
    /// What it says.
    pub message: Message,
}

/// Why a frame was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameError {
    /// Not 64 bytes.
    Length,
    /// Another protocol.
    Magic,
    /// Another version.
    Version,
    /// Damaged.
    Crc,
    /// A field holds what it cannot.
    Field,
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Length => "a frame is not 64 bytes long",
            Self::Magic => "a frame of another protocol",
            Self::Version => "a frame of another version",
            Self::Crc => "a damaged frame",
            Self::Field => "a frame with an impossible field",
        })
    }
}
impl core::error::Error for FrameError {}

impl Frame {
    /// The bytes on the wire.
    pub fn encode(&self) -> [u8; FRAME_BYTES] {
        let mut bytes = [0u8; FRAME_BYTES];
        put(&mut bytes, 0, &MAGIC);
        put(&mut bytes, 4, &[VERSION, self.kind()]);
        put(&mut bytes, 8, &self.session.to_le_bytes());
        put(&mut bytes, 16, &self.counter.to_le_bytes());
        match self.message {
            Message::Hello { tables } => put(&mut bytes, 48, &tables.to_le_bytes()),
            Message::Intent(intent) => put_intent(&mut bytes, &intent),
            Message::Reading { point, value } => put_reading(&mut bytes, point, value),
            Message::Renew | Message::Bye => {}
        }
        put(&mut bytes, 56, &self.lease_ms.to_le_bytes());
        let crc = crc32(bytes.get(..60).unwrap_or(&[]));
        put(&mut bytes, 60, &crc.to_le_bytes());
        bytes
    }

    /// Reads a frame; nothing is assumed about the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let bytes: &[u8; FRAME_BYTES] = bytes.try_into().map_err(|_| FrameError::Length)?;
        if take::<4>(bytes, 0) != MAGIC {
            return Err(FrameError::Magic);
        }
        let [version, kind, zero_a, zero_b] = take::<4>(bytes, 4);
        if version != VERSION {
            return Err(FrameError::Version);
        }
        if u32::from_le_bytes(take(bytes, 60)) != crc32(bytes.get(..60).unwrap_or(&[])) {
            return Err(FrameError::Crc);
        }
        let lease_ms = u32::from_le_bytes(take(bytes, 56));
        if [zero_a, zero_b] != [0, 0] || lease_ms > LEASE_MS_MAX {
            return Err(FrameError::Field);
        }
        let message = match kind {
            1 => Message::Hello { tables: u64::from_le_bytes(take(bytes, 48)) },
            2 => Message::Intent(take_intent(bytes)?),
            3 => Message::Renew,
            4 => Message::Bye,
            5 => take_reading(bytes)?,
            _ => return Err(FrameError::Field),
        };
        Ok(Self {
            session: u64::from_le_bytes(take(bytes, 8)),
            counter: u64::from_le_bytes(take(bytes, 16)),
            lease_ms,
            message,
        })
    }

    const fn kind(&self) -> u8 {
        match self.message {
            Message::Hello { .. } => 1,
            Message::Intent(_) => 2,
            Message::Renew => 3,
            Message::Bye => 4,
            Message::Reading { .. } => 5,
        }
    }
}

fn put_intent(bytes: &mut [u8; FRAME_BYTES], intent: &Intent) {
    let (contact, level) = match intent.wanted {
        Wanted::OPEN => (0, 0.0),
        Wanted::CLOSED => (1, 0.0),
        Wanted::Level(level) => (2, level.get()),
    };
    let (authority, priority) = match intent.authority {
        Authority::Default => (0, 0),
        Authority::Rule(priority) => (1, priority),
        Authority::Campaign => (2, 0),
        Authority::Remote => (3, 0),
        Authority::Operator => (4, 0),
        Authority::Shed => (5, 0),
        Authority::Guard => (6, 0),
    };
    put(bytes, 24, &intent.output.0.to_le_bytes());
    put(bytes, 28, &[contact, authority, priority, u8::from(intent.is_restoration)]);
    put(bytes, 32, &level.to_bits().to_le_bytes());
    put(bytes, 40, &intent.request.to_le_bytes());
}

fn take_intent(bytes: &[u8; FRAME_BYTES]) -> Result<Intent, FrameError> {
    let [contact, authority, priority, flags] = take::<4>(bytes, 28);
    let level = f64::from_bits(u64::from_le_bytes(take(bytes, 32)));
    let wanted = match contact {
        0 => Wanted::OPEN,
        1 => Wanted::CLOSED,
        2 => Wanted::Level(Finite::new(level).ok_or(FrameError::Field)?),
        _ => return Err(FrameError::Field),
    };
    let authority = match (authority, priority) {
        (0, 0) => Authority::Default,
        (1, 0..=99) => Authority::Rule(priority),
        (2, 0) => Authority::Campaign,
        (3, 0) => Authority::Remote,
        (4, 0) => Authority::Operator,
        (5, 0) => Authority::Shed,
        // The guard does not take its own name from anyone.
        _ => return Err(FrameError::Field),
    };
    if flags > 1 {
        return Err(FrameError::Field);
    }
    Ok(Intent {
        output: OutputId(u32::from_le_bytes(take(bytes, 24))),
        wanted,
        authority,
        request: u64::from_le_bytes(take(bytes, 40)),
        is_restoration: flags == 1,
    })
}

fn put_reading(bytes: &mut [u8; FRAME_BYTES], point: PointId, value: Option<Value>) {
    let (kind, content) = match value {
        None => (0, 0),
        Some(Value::Number(number)) => (1, number.get().to_bits()),
        Some(Value::Word(word)) => (2, u64::from(word)),
        Some(Value::Flag(flag)) => (3 + u8::from(flag), 0),
    };
    put(bytes, 24, &point.0.to_le_bytes());
    put(bytes, 28, &[kind]);
    put(bytes, 32, &content.to_le_bytes());
}

fn take_reading(bytes: &[u8; FRAME_BYTES]) -> Result<Message, FrameError> {
    let content = u64::from_le_bytes(take(bytes, 32));
    let value = match (take::<1>(bytes, 28), content) {
        ([0], 0) => None,
        ([1], bits) => Some(Value::Number(Finite::new(f64::from_bits(bits)).ok_or(FrameError::Field)?)),
        ([2], word) => Some(Value::Word(u16::try_from(word).map_err(|_| FrameError::Field)?)),
        ([flag @ (3 | 4)], 0) => Some(Value::Flag(flag == 4)),
        _ => return Err(FrameError::Field),
    };
    Ok(Message::Reading { point: PointId(u32::from_le_bytes(take(bytes, 24))), value })
}

fn put(bytes: &mut [u8; FRAME_BYTES], at: usize, part: &[u8]) {
    for (place, byte) in bytes.iter_mut().skip(at).zip(part) {
        *place = *byte;
    }
}

fn take<const N: usize>(bytes: &[u8; FRAME_BYTES], at: usize) -> [u8; N] {
    let mut part = [0u8; N];
    for (place, byte) in part.iter_mut().zip(bytes.iter().skip(at)) {
        *place = *byte;
    }
    part
}

/// The tables of CRC-32 for four bytes at a time (polynomial 0xEDB88320): what a byte does to the remainder when none, one,
/// two or three bytes follow it.
const CRC_TABLES: [[u32; 256]; 4] = {
    let mut tables = [[0u32; 256]; 4];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        tables[0][index] = crc;
        index += 1;
    }
    let mut following = 1;
    while following < 4 {
        let mut index = 0;
        while index < 256 {
            let crc = tables[following - 1][index];
            tables[following][index] = (crc >> 8) ^ tables[0][(crc & 0xFF) as usize];
            index += 1;
        }
        following += 1;
    }
    tables
};

/// CRC-32 as in IEEE 802.3. Every frame is checked twice, so four bytes are taken at a time.
pub fn crc32(bytes: &[u8]) -> u32 {
    let (fours, rest) = bytes.as_chunks::<4>();
    let crc = fours.iter().fold(u32::MAX, |crc, four| {
        let [a, b, c, d] = (crc ^ u32::from_le_bytes(*four)).to_le_bytes().map(usize::from);
        CRC_TABLES[3][a] ^ CRC_TABLES[2][b] ^ CRC_TABLES[1][c] ^ CRC_TABLES[0][d]
    });
    let step = |crc: u32, byte: &u8| (crc >> 8) ^ CRC_TABLES[0][((crc ^ u32::from(*byte)) & 0xFF) as usize];
    !rest.iter().fold(crc, step)
}

/// A 64-bit FNV-1a hash, for tables that both sides must share.
pub fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        let intent = Intent {
            output: OutputId(7),
            wanted: Wanted::Level(Finite::new(1500.5).unwrap()),
            authority: Authority::Rule(70),
            request: 42,
            is_restoration: false,
        };
        Frame { session: 3, counter: 9, lease_ms: 3000, message: Message::Intent(intent) }
    }

    #[test]
    fn what_is_sent_is_what_arrives() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        for message in [Message::Hello { tables: 5 }, frame().message, Message::Renew, Message::Bye] {
            let frame = Frame { message, ..frame() };
            assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
        }
        let number = Finite::new(-0.25).map(Value::Number);
        let values = [None, number, Some(Value::Word(7)), Some(Value::Flag(false)), Some(Value::Flag(true))];
        for value in values {
            let frame = Frame { message: Message::Reading { point: PointId(3), value }, ..frame() };
            assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let bytes = frame().encode();
        for bit in 0..FRAME_BYTES * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Frame::decode(&damaged).is_err(), "bit {bit}");
        }
        assert_eq!(Frame::decode(&bytes[..63]), Err(FrameError::Length));
    }

    #[test]
    fn nobody_speaks_for_the_guard() {
        let mut bytes = frame().encode();
        bytes[29] = 6;
        bytes[30] = 0;
        let crc = crc32(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(Frame::decode(&bytes), Err(FrameError::Field));
    }
}
