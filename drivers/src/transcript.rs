//! Transcripts: what a device says and hears, line by line, played through the pure half of its driver to try a device file.
//!
//! | line | meaning |
//! |---|---|
//! | `with NAME = VALUE` | a parameter of the device file |
//! | `point NAME { KEYS }` | a point that the site gives, beside those of the file |
//! | `< TOPIC PAYLOAD`, `<kept TOPIC PAYLOAD` | a message comes, live or kept by the broker |
//! | `< BYTES` | bytes come, with `\n`, `\r`, `\t`, `\\` and `\x02` |
//! | `reset` | the link was made anew |
//! | `ask N` | the time has come for the Nth read (of one that asks) |
//! | `= POINT VALUE`, `= POINT bad: REASON`, `= OUTPUT is STATE` | what that tells, in order and nothing else |
//! | `! OUTPUT STATE` | a command is allowed |
//! | `> TOPIC PAYLOAD` | what is sent |
//! | `= refused`, `= absent`, `= strange`, `= unfinished` | what an answer is that is not what was asked for |
//!
//! Values are told as a site that runs takes them: what lies outside of the point's `valid:` is `bad: outside the valid
//! range`. What needs time between two values (`max_slew`, `stuck_after`) is not tried, since lines have no time.
//!
//! Of a chip with pins: `reset` takes the lines, `< LINE high|low SECONDS` is a change by the chip's clock, `at SECONDS` the
//! time at which every input is due, and `> LINE high|low` what an output's line is made.
//!
//! Of a simulated device: `< NAME VALUE` is what the plant says, `> NAME VALUE` what it is told.
//!
//! What comes and goes over Modbus is written in hexadecimal digits, as on a serial line; `crc` at the end stands for the two
//! bytes of the checksum. Over HTTP it is `METHOD PATH BODY` and `STATUS BODY`.
//!
//! Nothing here opens a connection, and no text makes it panic.

mod bytes;
mod play;
mod record;
mod stage;

use crate::bus::OpenBus;
use ballast_model::Catalog;
use std::collections::BTreeMap;

pub use record::{Recorder, recorded};

/// Lines of a transcript that are played; what comes behind is not read.
pub const LINES_MAX: usize = 20_000;

/// Whose transcript it is.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The nouns of a site with the device.
    pub catalog: &'a Catalog,
    /// The device's name there.
    pub device: &'a str,
    /// What the device file calls the output that bears the device's name, where it has only one.
    pub only_output: Option<&'a str>,
}

/// What was to be told or sent, and what was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Line of the transcript, from 1: that of what was wanted, else that of what led to it.
    pub line: usize,
    /// What the transcript wants, with `= ` or `> ` before it; `None`: nothing more.
    pub wanted: Option<String>,
    /// What came, in the same form; `None`: nothing.
    pub found: Option<String>,
}

impl Check {
    /// Whether what came is what was wanted.
    pub fn is_met(&self) -> bool {
        self.wanted.is_some() && self.wanted == self.found
    }
}

/// Why a line cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It is none of the lines above.
    #[error("this is no line of a transcript")]
    NotALine,
    /// What stands there is not hexadecimal.
    #[error("these are no bytes: write two hexadecimal digits for each, as `01 04 02 09 00 crc`")]
    NotBytes,
    /// An answer without a question.
    #[error("nobody asked: `ask` or `!` comes before an answer")]
    NotAsked,
    /// The device file asks fewer things.
    #[error("there is no read {0}; they count from 0")]
    NoRead(usize),
    /// The device file has no such output.
    #[error("there is no output `{0}`")]
    NoOutput(String),
    /// No output can be that.
    #[error("`{0}` is no state: write `open`, `closed` or a quantity")]
    NotAState(String),
    /// The output cannot be that.
    #[error("the output cannot be told that")]
    NotTold,
    /// A line for another kind of driver.
    #[error("the driver `{0}` has no use for this line")]
    NotHere(&'static str),
}

/// A value outside of the range that the device file calls valid: a site that runs does not believe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impossible {
    /// Line of the transcript that led to it, from 1.
    pub line: usize,
    /// The point, as the file calls it.
    pub point: String,
    /// What the device said, with its unit.
    pub value: String,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Every comparison, in the order of the transcript.
    pub checks: Vec<Check>,
    /// Lines that could not be played, each with its number from 1.
    pub troubles: Vec<(usize, Trouble)>,
    /// Values that are told as bad since they lie outside of `valid:`.
    pub impossible: Vec<Impossible>,
    /// The transcript with what was told in the place of what it wanted.
    pub filled: String,
}

impl Played {
    /// Whether everything was as wanted, and something was.
    pub fn is_met(&self) -> bool {
        self.troubles.is_empty() && !self.checks.is_empty() && self.checks.iter().all(Check::is_met)
    }
}

/// The parameters that a transcript gives, each with its line from 1.
pub fn parameters(text: &str) -> BTreeMap<String, (usize, String)> {
    let lines = text.lines().take(LINES_MAX).enumerate();
    let given = lines.filter_map(|(place, line)| {
        let (name, value) = line.strip_prefix("with ")?.split_once('=')?;
        Some((name.trim().to_owned(), (place + 1, value.trim().to_owned())))
    });
    given.collect()
}

/// The points that a transcript gives, in their order: line from 1, name, and keys as a map of YAML.
pub fn points(text: &str) -> Vec<(usize, String, String)> {
    let lines = text.lines().take(LINES_MAX).enumerate();
    let given = lines.filter_map(|(place, line)| {
        let (name, keys) = line.strip_prefix("point ")?.trim().split_once(' ')?;
        Some((place + 1, name.to_owned(), keys.trim().to_owned()))
    });
    given.collect()
}

/// Plays a transcript. The bus is used up: what it heard has changed it.
pub fn play(bus: OpenBus, subject: Subject<'_>, text: &str) -> Played {
    play::Play::new(bus, subject).play(text)
}

/// One thing that a driver asks again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The request, as a transcript writes it.
    pub request: String,
    /// How often.
    pub period: ballast_model::Span,
    /// The points that the answer brings, by their full names.
    pub points: Vec<String>,
}

/// What a bus asks, in the order of `ask N`; empty for one that only listens.
pub fn asked(mut bus: OpenBus, subject: Subject<'_>) -> Vec<Asked> {
    let style = bytes::Style::of(bus.spec().name);
    let Some((poller, readings)) = bus.poller() else { return Vec::new() };
    let reads = poller.roster().reads.clone();
    let of = |(place, read): (usize, crate::shape::Read)| {
        let mut request = Vec::new();
        poller.question(place, &mut request);
        let points = read.slots.iter().filter_map(|slot| readings.point(*slot));
        let names = points.filter_map(|point| subject.catalog.point(point)).map(|spec| spec.name.to_string());
        Asked { request: style.show(&request), period: read.period, points: names.collect() }
    };
    reads.into_iter().enumerate().map(of).collect()
}
