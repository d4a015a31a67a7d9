//! The two shapes of a driver. Both are pure: no socket, no clock, no retry loop; those belong to the bus.

use crate::readings::Readings;
use ballast_model::{Mono, Span};

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

/// What a poller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The request is in the buffer: send it and wait so long for its answer.
    Send {
        /// Then [`Poller::answer`] is called with `None`.
        timeout: Span,
    },
    /// Nothing before this moment.
    Idle {
        /// When to ask again.
        until: Mono,
    },
}

/// A driver that asks and is answered.
///
/// One request is under way at a time. After a time-out the bus gives up the connection, so that a late answer is never taken
/// for that of the next request.
pub trait Poller: Send {
    /// What to do at `now`. `request` is empty; a request is written into it.
    fn ask(&mut self, now: Mono, request: &mut Vec<u8>) -> Ask;

    /// The answer to the last request, or `None` for a time-out; samples go to `out`. Returns how it was understood.
    fn answer(&mut self, answer: Option<&[u8]>, now: Mono, out: &mut Readings) -> Heed;

    /// The link was made anew.
    fn reset(&mut self);
}
