//! What the guard tells its program, piece by piece.
//!
//! The program says everything in frames of 64 bytes (`ballast_model::frame`); this is the other direction. It begins with a
//! welcome and a *portrait*, the guard's sets and its state at one moment. From there on every step of the guard comes as the
//! inputs it was given: a guard in the program that takes the same steps is a mirror of the real one.

use crate::texts::Texts;
use ballast_drivers::Batch;
use ballast_guard::Input;
use ballast_model::Mono;
use ballast_model::time::BootId;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Version of everything here, and of the guard's state, of which a portrait is made; another one is not understood. A program
/// that is newer or older than its guard says so, instead of looking at a portrait that it cannot follow.
pub const VERSION: u16 = PACKETS << 8 | ballast_guard::STATE_VERSION;
/// Version of the packets.
const PACKETS: u16 = 4;
/// Longest piece, bytes.
pub const PIECE_BYTES_MAX: usize = 64 * 1024;
/// Of a portrait, bytes in one piece.
pub const PART_BYTES: usize = 32 * 1024;
/// Longest portrait: 64 MB. A site with 10,000 outputs has one of 4 MB.
pub const PORTRAIT_BYTES_MAX: usize = 64 << 20;
/// Readings and reports of a bus in one piece.
pub const BATCH_MAX: usize = 500;

/// One piece.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Packet<'a> {
    /// The first one.
    Welcome(Welcome),
    /// A part of the portrait.
    Part {
        /// Whether it is the last one.
        is_last: bool,
        /// Its bytes.
        bytes: Cow<'a, [u8]>,
    },
    /// A step of the guard.
    Step {
        /// When it was taken.
        now: Mono,
        /// What came in.
        inputs: Cow<'a, [Input]>,
        /// Stands for what it said ([`ballast_guard::digest`]).
        digest: u64,
    },
    /// What a bus of the guard tells.
    Field {
        /// Which bus.
        bus: Cow<'a, str>,
        /// What.
        batch: Cow<'a, Batch>,
    },
    /// What became of the wish to read the files again.
    Reread(Reread),
}

/// Who the guard is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// [`VERSION`].
    pub version: u16,
    /// The version of the guard's program.
    pub program: String,
    /// Its process.
    pub pid: u32,
    /// The boot to which its moments belong.
    pub boot: BootId,
    /// When it began.
    pub started: Mono,
}

impl Welcome {
    /// Why this program cannot follow that guard, with the numbers of both; `None` where it can. `boot` is the present one.
    pub fn refusal(&self, boot: BootId) -> Option<String> {
        if self.version != VERSION {
            return Some(format!(
                "it is Ballast {} and speaks version {} of the link, and this program is Ballast {} and speaks version {}",
                self.program,
                spoken(self.version),
                env!("CARGO_PKG_VERSION"),
                spoken(VERSION)
            ));
        }
        (self.boot != boot).then(|| "it counts its moments from another boot than this program".to_owned())
    }
}

/// A [`VERSION`] for people: that of the packets and that of the guard's state, `4.17`.
fn spoken(version: u16) -> String {
    format!("{}.{}", version >> 8, version & 0xff)
}

/// What became of the wish to read the files again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reread {
    /// They are those that the guard has, in force or waiting.
    Same,
    /// Another set is taken, or waits: the guard tells its portrait anew.
    Changed,
    /// The files have mistakes; what was in force is in force.
    Refused {
        /// All mistakes, drawn.
        report: String,
    },
}

/// The guard at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Portrait {
    /// The files of the set that a person confirmed, and of those after it of which only what tightens is in force.
    pub sets: Vec<Texts>,
    /// The files of a set that cannot be in force beside them and waits for a person.
    pub waiting: Option<Texts>,
    /// What keys of buses were given in the place of what the files say: `wire.period=5s`.
    pub overrides: Vec<String>,
    /// Its state.
    pub state: ballast_guard::State,
}

impl Packet<'_> {
    /// Writes it into a buffer and gives its bytes; `None` where it does not fit. Does not allocate.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        postcard::to_slice(self, buffer).ok().map(|written| &*written)
    }

    /// Reads what [`Packet::write`] wrote.
    ///
    /// # Errors
    /// Another version, or not a packet.
    pub fn read(bytes: &[u8]) -> Result<Packet<'static>, String> {
        postcard::from_bytes(bytes).map_err(|error| format!("the guard speaks another language: {error}"))
    }
}

impl Portrait {
    /// As bytes, to be told in parts.
    ///
    /// # Errors
    /// It is too long.
    pub fn write(&self) -> Result<Vec<u8>, String> {
        let bytes = postcard::to_allocvec(self).map_err(|error| error.to_string())?;
        if bytes.len() > PORTRAIT_BYTES_MAX {
            return Err(format!("the state of the guard takes {} bytes", bytes.len()));
        }
        Ok(bytes)
    }

    /// From its bytes.
    ///
    /// # Errors
    /// Another version.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        postcard::from_bytes(bytes)
            .map_err(|error| format!("the guard's state is of another version: {error}"))
    }

    /// The parts of written bytes.
    pub fn parts(bytes: &[u8]) -> impl Iterator<Item = Packet<'_>> {
        let last = bytes.len().div_ceil(PART_BYTES).saturating_sub(1);
        bytes
            .chunks(PART_BYTES)
            .enumerate()
            .map(move |(index, part)| Packet::Part { is_last: index == last, bytes: Cow::Borrowed(part) })
    }
}

/// Cuts what a bus tells into pieces that fit, in its order.
pub fn pieces(bus: &str, mut batch: Batch) -> Vec<Packet<'_>> {
    let mut pieces = Vec::new();
    while !batch.is_empty() {
        let samples = batch.samples.len().min(BATCH_MAX);
        let reports = batch.reports.len().min(BATCH_MAX - samples);
        let rest =
            Batch { samples: batch.samples.split_off(samples), reports: batch.reports.split_off(reports) };
        pieces.push(Packet::Field { bus: Cow::Borrowed(bus), batch: Cow::Owned(batch) });
        batch = rest;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_drivers::Report;
    use ballast_guard::{OperatorCommand, Who};
    use ballast_model::frame::{Frame, Message};
    use ballast_model::{Authority, Finite, Intent, OutputId, PointId, Sample, Value, Wanted};

    fn sample(number: u64) -> Sample {
        Sample::good(PointId(u32::MAX), Value::Number(Finite::saturating(1e300)), Mono::MAX, number)
    }

    #[test]
    fn a_guard_of_another_version_is_told_with_both_numbers_and_one_of_another_boot_as_such() {
        let boot = BootId(7);
        let same = Welcome {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            pid: 1,
            boot,
            started: Mono::ZERO,
        };
        assert_eq!(same.refusal(boot), None);
        let (packets, state) = (PACKETS, ballast_guard::STATE_VERSION);
        let own = format!("this program is Ballast {} and speaks version {packets}.{state}", same.program);
        for (version, told) in [
            (VERSION + 1, format!("{packets}.{}", state + 1)),
            ((PACKETS + 1) << 8 | state, format!("{}.{state}", packets + 1)),
        ] {
            let other = Welcome { version, program: "9.8.7".to_owned(), ..same.clone() };
            let why = other.refusal(boot).unwrap();
            assert_eq!(
                why,
                format!("it is Ballast 9.8.7 and speaks version {told} of the link, and {own}"),
                "{version:#x}"
            );
        }
        let why = same.refusal(BootId(8)).unwrap();
        assert!(why.contains("another boot"), "{why}");
    }

    #[test]
    fn what_is_written_is_read_and_a_full_step_fits() {
        let intent = Intent {
            output: OutputId(u32::MAX),
            wanted: Wanted::Level(Finite::saturating(-1e300)),
            authority: Authority::Rule(99),
            request: u64::MAX,
            is_restoration: true,
        };
        let message = Message::Intent(intent);
        let frame = Frame { session: u64::MAX, counter: u64::MAX, lease_ms: 90_000, message };
        let who = Who::new(&"x".repeat(32));
        let person = Input::Operator { who, command: OperatorCommand::Confirm(u64::MAX) };
        let inputs: Vec<Input> = [Input::Frame(frame), person, Input::Sample(sample(u64::MAX))]
            .into_iter()
            .cycle()
            .take(500)
            .collect();
        let step = Packet::Step { now: Mono::MAX, inputs: Cow::Borrowed(&inputs), digest: u64::MAX };
        let mut buffer = vec![0; PIECE_BYTES_MAX];
        let written = step.write(&mut buffer).unwrap();
        assert_eq!(Packet::read(written).unwrap(), step);
        assert!(Packet::read(&written[..written.len() / 2]).is_err());
    }

    #[test]
    fn a_large_batch_comes_in_pieces_that_fit_and_in_order() {
        let text: Box<str> = "x".repeat(40).into();
        let report = |_| Report::Link { is_up: false, text: text.clone(), at: Mono::MAX };
        let batch =
            Batch { samples: (0..1203).map(sample).collect(), reports: (0..700).map(report).collect() };
        let pieces = pieces("broker", batch.clone());
        let mut buffer = vec![0; PIECE_BYTES_MAX];
        let mut joined = Batch::default();
        for piece in &pieces {
            let Packet::Field { bus, batch } = Packet::read(piece.write(&mut buffer).unwrap()).unwrap()
            else {
                panic!("{piece:?}")
            };
            assert_eq!(bus, "broker");
            joined.samples.extend_from_slice(&batch.samples);
            joined.reports.extend_from_slice(&batch.reports);
        }
        assert_eq!(joined, batch);
    }

    #[test]
    fn a_portrait_is_cut_and_joined() {
        let bytes: Vec<u8> = (0..PART_BYTES * 2 + 1).map(|byte| byte as u8).collect();
        let mut joined = Vec::new();
        let mut lasts = Vec::new();
        for part in Portrait::parts(&bytes) {
            let Packet::Part { is_last, bytes } = part else { panic!() };
            joined.extend_from_slice(&bytes);
            lasts.push(is_last);
        }
        assert_eq!((joined == bytes, &*lasts), (true, &[false, false, true][..]));
    }
}
