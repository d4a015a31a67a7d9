//! What belongs to one device: its address, its key, and what it said last.

use crate::cipher::{self, DATA_MAX, Nonce};
use crate::payload::{Layout, Measurement, read};

/// The service under which an advertisement was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uuid {
    /// 0x181C: version 1, plain.
    PlainOne,
    /// 0x181E: version 1, encrypted.
    EncryptedOne,
    /// 0xFCD2: version 2, plain or encrypted.
    Two,
}

impl Uuid {
    /// The service of that 16-bit number, if it is one of BTHome's.
    pub const fn of(number: u16) -> Option<Self> {
        match number {
            0x181C => Some(Self::PlainOne),
            0x181E => Some(Self::EncryptedOne),
            0xFCD2 => Some(Self::Two),
            _ => None,
        }
    }
}

/// Why nothing is told of an advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It ends inside of an object, or holds what cannot be.
    Malformed,
    /// A version that is not known.
    Version,
    /// It names another device than the one it came from.
    OtherDevice,
    /// It is encrypted, and there is no key.
    NoKey,
    /// It is plain, and this device has a key: somebody else may have sent it.
    Downgrade,
    /// It is not from one who has the key, or was changed.
    Forged,
    /// It is the last one once more. Advertisements are sent several times.
    Repeated,
    /// Its counter is lower than the last one's: an old advertisement, sent again by somebody. A device that lost its counter
    /// (a new battery) looks the same; a person then calls [`Receiver::forget`].
    Replayed,
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the advertisement is damaged",
            Self::Version => "a version of BTHome that is not known",
            Self::OtherDevice => "the advertisement names another device",
            Self::NoKey => "the device encrypts, and its key is not known",
            Self::Downgrade => "the device has a key, and this advertisement is plain",
            Self::Forged => "the advertisement was not made with the device's key",
            Self::Repeated => "the last advertisement once more",
            Self::Replayed => "an old advertisement, sent again",
        })
    }
}

impl core::error::Error for Refusal {}

/// What an advertisement was, beside its measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The counter of an encrypted one: to be kept, so that a restart does not open the door to old ones.
    pub counter: Option<u32>,
    /// The device speaks only when something happens.
    pub is_sleepy: bool,
    /// Every object was known. If not, what stands behind the first unknown one was not read.
    pub is_complete: bool,
}

/// The ear for one device.
#[derive(Clone, Debug)]
pub struct Receiver {
    address: [u8; 6],
    key: Option<[u8; 16]>,
    counter: Option<u32>,
    packet: Option<(u8, u64)>,
}

/// A packet's number is compared with the last one's for so long, milliseconds (bthome.io/format: 4 s).
const PACKET_MEMORY: u64 = 4000;

/// Numbers so far ahead of the last one are newer, all others are older: they go round at 256.
const AHEAD_MAX: u8 = 63;

/// The first byte of the service data of version 2.
mod information {
    pub(super) const ENCRYPTED: u8 = 1;
    pub(super) const ADDRESS: u8 = 1 << 1;
    pub(super) const SLEEPY: u8 = 1 << 2;
    pub(super) const VERSION_SHIFT: u8 = 5;
}

impl Receiver {
    /// For the device of that address, in the order in which it is written. With a key, plain advertisements are refused.
    pub const fn new(address: [u8; 6], key: Option<[u8; 16]>) -> Self {
        Self { address, key, counter: None, packet: None }
    }

    /// The counter that was kept from before a restart: only higher ones are taken.
    #[must_use]
    pub const fn after(mut self, counter: u32) -> Self {
        self.counter = Some(counter);
        self
    }

    /// Forgets the counter: the next one is taken, whatever it is. For a person who changed the battery.
    pub const fn forget(&mut self) {
        self.counter = None;
    }

    /// Takes the service data of an advertisement at `now`, milliseconds of a clock that only rises. Either every measurement
    /// is told or none.
    ///
    /// # Errors
    /// Why nothing is told; what was remembered of the device stays as it was.
    pub fn receive(
        &mut self,
        uuid: Uuid,
        data: &[u8],
        now: u64,
        tell: impl FnMut(Measurement<'_>),
    ) -> Result<Heard, Refusal> {
        let (layout, nonce, payload, is_sleepy) = match uuid {
            Uuid::PlainOne => (Layout::One, None, data, false),
            Uuid::EncryptedOne => (Layout::One, Some(Nonce::One(self.address)), data, false),
            Uuid::Two => {
                let (first, rest) = data.split_first().ok_or(Refusal::Malformed)?;
                if first >> information::VERSION_SHIFT != 2 {
                    return Err(Refusal::Version);
                }
                let payload = self.without_address(*first, rest)?;
                let is_encrypted = first & information::ENCRYPTED != 0;
                let nonce = is_encrypted.then_some(Nonce::Two(self.address, *first));
                (Layout::Two, nonce, payload, first & information::SLEEPY != 0)
            }
        };
        let Some(nonce) = nonce else {
            if self.key.is_some() {
                return Err(Refusal::Downgrade);
            }
            let is_complete = self.tell(payload, layout, now, tell)?;
            return Ok(Heard { counter: None, is_sleepy, is_complete });
        };
        let key = self.key.ok_or(Refusal::NoKey)?;
        let counter = cipher::counter(payload).ok_or(Refusal::Malformed)?;
        let mut plain = [0; DATA_MAX];
        let length = cipher::open(payload, &key, &nonce, &mut plain).ok_or(Refusal::Forged)?;
        match self.counter {
            Some(last) if counter == last => return Err(Refusal::Repeated),
            Some(last) if counter < last => return Err(Refusal::Replayed),
            _ => {}
        }
        let payload = plain.get(..length).unwrap_or_default();
        let is_complete = self.tell(payload, layout, now, tell)?;
        self.counter = Some(counter);
        Ok(Heard { counter: Some(counter), is_sleepy, is_complete })
    }

    /// The payload of version 2. An address in it is the device's own, the low byte first.
    fn without_address<'a>(&self, first: u8, rest: &'a [u8]) -> Result<&'a [u8], Refusal> {
        if first & information::ADDRESS == 0 {
            return Ok(rest);
        }
        let (address, payload) = rest.split_at_checked(6).ok_or(Refusal::Malformed)?;
        let is_own = address.iter().rev().eq(self.address.iter());
        if is_own { Ok(payload) } else { Err(Refusal::OtherDevice) }
    }

    /// Tells every measurement of a payload that is right to its end and newer than the last one.
    fn tell(
        &mut self,
        payload: &[u8],
        layout: Layout,
        now: u64,
        tell: impl FnMut(Measurement<'_>),
    ) -> Result<bool, Refusal> {
        let mut packet = None;
        let mut look = |measurement: Measurement<'_>| {
            if let (0, crate::Value::Number(number)) = (measurement.object.id, measurement.value) {
                packet = Some(number as u8);
            }
        };
        read(payload, layout, &mut look).map_err(|_| Refusal::Malformed)?;
        if let (Some(new), Some((last, at))) = (packet, self.packet) {
            let is_newer = (1..=AHEAD_MAX).contains(&new.wrapping_sub(last));
            if !is_newer && now.saturating_sub(at) <= PACKET_MEMORY {
                return Err(Refusal::Repeated);
            }
        }
        let is_complete = read(payload, layout, tell).map_err(|_| Refusal::Malformed)?;
        self.packet = packet.map(|packet| (packet, now)).or(self.packet);
        Ok(is_complete)
    }
}
