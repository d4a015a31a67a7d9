//! What reaches the thread that decides.

use crate::set::Change;
use ballast_guard::{Input, OperatorCommand, Who};
use ballast_model::Sample;
use ballast_model::frame::Frame;
use ballast_model::time::Wall;

/// One message.
#[derive(Debug)]
pub enum News {
    /// What a bus tells of points that the guard looks at and of its outputs.
    Field(Vec<Input>),
    /// A frame of the program, over a connection.
    Frame {
        /// Which connection.
        connection: u64,
        /// What it says.
        frame: Frame,
    },
    /// The program has connected anew; an older connection counts no more.
    Linked(u64),
    /// A connection is gone.
    Unlinked(u64),
    /// A person's word.
    Person {
        /// Who.
        who: Who,
        /// What.
        command: OperatorCommand,
    },
    /// The wall clock was set, or its trust changed.
    Wall(Wall),
    /// A reading of the guard's own making: the height of the sun.
    Own(Sample),
    /// Another safety set.
    Change(Box<Change>),
    /// Make every output safe and end.
    Stop,
}
