//! What the decoder says.

use crate::group::Group;
use crate::words::words;

/// One thing found in the stream. Texts borrow the decoder's buffer and live until the next byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// STX: a frame begins.
    FrameStart,
    /// A group whose layout, parity and checksum are right.
    Group(Group<'a>),
    /// A group was dropped.
    Damaged {
        /// Why.
        cause: Cause,
        /// Its label, where it can be read. After [`Cause::Checksum`] it may be the label itself that is damaged.
        label: Option<&'a str>,
    },
    /// A frame ended: at ETX, at EOT, or because the next one began.
    FrameEnd {
        /// STX and ETX were there, at least one group between them, and none of the groups was damaged. A group that
        /// vanished with its LF and CR leaves no trace; whoever needs a certain group looks for it.
        complete: bool,
    },
    /// EOT: the meter interrupts its transmission (historical mode); a new frame follows in a while.
    EndOfText,
}

words! {
    /// Why a group was dropped.
    Cause {
        /// A byte fails the parity check: see [`crate::Parity`].
        Parity = "parity",
        /// The layout is right and the sum is wrong.
        Checksum = "checksum",
        /// Not the layout of a group: separators, label or characters.
        Malformed = "malformed",
        /// Longer than [`crate::MAX_GROUP`].
        Oversize = "oversize",
        /// Of the other mode than [`crate::Settings::mode`].
        Mode = "mode",
        /// EOT came in its middle.
        Interrupted = "interrupted",
        /// Bytes outside any group: its LF was lost.
        Unopened = "unopened",
    }
}

/// The events of one byte, at most [`Events::MAX`], in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Events<'a> {
    items: [Option<Event<'a>>; MAX_EVENTS],
}

const MAX_EVENTS: usize = 3;

impl<'a> Events<'a> {
    /// A STX that ends a group without CR in a frame without ETX gives this many.
    pub const MAX: usize = MAX_EVENTS;

    pub(crate) const fn new(items: [Option<Event<'a>>; MAX_EVENTS]) -> Self {
        Self { items }
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        self.items.iter_mut().find_map(Option::take)
    }
}
