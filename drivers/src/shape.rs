//! The two shapes of a driver. Both are pure: no socket, no clock, no retry loop; those belong to the bus.

use crate::readings::Readings;
use ballast_model::{Mono, OutputId, Span, Wanted};

/// Something that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// Bytes of a stream, cut anywhere.
    Bytes(&'a [u8]),
    /// A whole message.
    Message {
        /// Its topic.
        topic: &'a [u8],
        /// Its payload.
        payload: &'a [u8],
        /// Whether it was kept for us by the broker.
        is_kept: bool,
    },
}

/// A driver to which bytes or messages come.
///
/// It must take anything without a panic and without growing; what it does not understand becomes a bad sample or
/// nothing.
pub trait Listener: Send {
    /// Takes what came in; samples go to `out`. Returns how many parts of it were understood and how many were not.
    fn hear(&mut self, heard: Heard<'_>, now: Mono, out: &mut Readings) -> Heed;

    /// The link was made anew: what was half heard is forgotten.
    fn reset(&mut self);
}

/// What a listener could do with what it heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heed {
    /// Values or groups understood.
    pub good: u32,
    /// Payloads or groups that were damaged or no values.
    pub bad: u32,
    /// Messages that nobody reads.
    pub unknown: u32,
}

/// Everything that a poller asks and can be told. It holds for the life of the bus.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// The devices.
    pub units: Vec<Unit>,
    /// What is asked again and again.
    pub reads: Vec<Read>,
    /// What can be told.
    pub outputs: Vec<Told>,
}

/// A device that can fall silent by itself: a slave of a line, a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its name, for people.
    pub name: Box<str>,
    /// The wire on which it is, by its place.
    pub wire: usize,
}

/// One thing that is asked again and again. Which points one request brings (a block of registers, a whole document) is the
/// poller's own business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Of which unit, by its place.
    pub unit: usize,
    /// How often.
    pub period: Span,
    /// How long an answer may take. While one is awaited nobody else is asked.
    pub timeout: Span,
    /// The points it brings, by their place in the [`Readings`].
    pub slots: Vec<usize>,
}

/// One output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub output: OutputId,
    /// On which unit, by its place.
    pub unit: usize,
    /// How long an answer may take.
    pub timeout: Span,
    /// The read that shows what it is, by its place: asked at once after a write.
    pub read_back: Option<usize>,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// A read of the roster, by its place.
    Read(usize),
    /// An output shall be this. Made from a used permit, and asked for once.
    Write {
        /// Which output.
        output: OutputId,
        /// What it shall be.
        wanted: Wanted,
    },
}

/// What a poller makes of the bytes that came since its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// More must come.
    Unfinished,
    /// The answer is whole and understood.
    Done {
        /// How many of the bytes it is. What comes behind it belongs to no request.
        used: usize,
        /// How it was understood.
        heed: Heed,
    },
    /// It is whole, and another request belongs to the same job: [`Poller::ask`] is called again. What came so far is
    /// forgotten, and a connection that the other side closed is made anew, without [`Poller::reset`].
    GoOn,
    /// The device is there and says no: an exception of Modbus, a 404. What that means for points is in `out`; of a write
    /// nothing was done.
    Refused {
        /// How many of the bytes it is.
        used: usize,
    },
    /// Who answers in its place says that the device is not there: a gateway of Modbus.
    Absent {
        /// How many of the bytes it is.
        used: usize,
    },
    /// This answers something else, or is damaged. Nothing may have been put into `out`.
    Strange,
}

/// A driver that asks and is answered. It makes requests of bytes and reads answers out of bytes; when, over what, how long
/// and how often again belongs to the bus.
///
/// One request is under way at a time. After a time-out, and after an answer that is strange, the bus gives up the
/// connection (a serial line: listens until it is quiet), so that a late answer is never taken for that of another
/// request. Like a [`Listener`], a poller takes any bytes without a panic and without growing.
pub trait Poller: Send {
    /// What there is to ask and to tell. Always the same.
    fn roster(&self) -> &Roster;

    /// Whether a read that is due makes sense now. `false`: it is passed over until it is due again, and its device is not
    /// even connected to; its points grow old.
    fn wants(&mut self, _read: usize, _now: Mono) -> bool {
        true
    }

    /// Writes the request for a job into `request`, which is empty. `false`: this cannot be asked or told, and nothing is
    /// sent.
    fn ask(&mut self, job: Job, request: &mut Vec<u8>) -> bool;

    /// Writes what a read asks for once nothing has to be found out before it, for people to see. The poller is used up.
    fn question(&mut self, read: usize, request: &mut Vec<u8>) -> bool {
        self.ask(Job::Read(read), request)
    }

    /// Reads everything that came since the request; samples, and what an output says it is, go to `out`. `is_end`: the
    /// other side has closed, and no more will come. Called again with more bytes after [`Answer::Unfinished`].
    fn answer(&mut self, job: Job, bytes: &[u8], is_end: bool, now: Mono, out: &mut Readings) -> Answer;

    /// Whether the connection ends behind the answer that was read last: the other side said so. Asked once after each.
    fn hangs_up(&mut self) -> bool {
        false
    }

    /// Writes a question whose answer bears `token`, for a device that may still owe an answer. `false`, which is right for
    /// everything whose answers name their requests or that has a connection to hang up: it needs none.
    fn sound(&mut self, _unit: usize, _token: u16, _request: &mut Vec<u8>) -> bool {
        false
    }

    /// Reads everything that came since that question.
    fn sounded(&mut self, _unit: usize, _token: u16, _bytes: &[u8]) -> Answer {
        Answer::Strange
    }

    /// The connection of a wire was made anew: what belonged to the old one is forgotten.
    fn reset(&mut self, wire: usize);

    /// A unit counts as gone: who answers there next may be another one.
    fn lost(&mut self, _unit: usize) {}
}
