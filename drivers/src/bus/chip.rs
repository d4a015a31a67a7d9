//! A chip with pins: what the task of a bus of pins needs of one, and who offers it.
//!
//! An output must never be taken before there is something to tell it, and must be taken with that value in one call: in
//! between it would show what nobody asked for.

mod held;
mod kernel;
mod memory;
mod raspberry;

pub use memory::{MemoryChip, Pinboard};

pub(crate) use kernel::KernelChip;
pub(crate) use raspberry::RaspberryChip;

use ballast_model::Span;
use std::task::{Context, Poll};

/// How a line is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineName {
    /// By its number on the chip.
    Number(u32),
    /// By the name that the board gave it.
    Name(Box<str>),
}

impl std::fmt::Display for LineName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "line {number}"),
            Self::Name(name) => write!(f, "line {name}"),
        }
    }
}

/// What holds a line where nothing drives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// As the board has it.
    AsIs,
    /// Nothing.
    Disabled,
    /// A resistor to the supply.
    PullUp,
    /// A resistor to ground.
    PullDown,
}

/// How an output is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// High and low.
    PushPull,
    /// Low only.
    OpenDrain,
    /// High only.
    OpenSource,
}

/// A line that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputLine {
    /// Which.
    pub line: LineName,
    /// Whether low is active.
    pub is_active_low: bool,
    /// What holds it.
    pub bias: Bias,
    /// How long a level must last before it counts; zero: at once.
    pub debounce: Span,
    /// Only the change to active is told, each one with its number: pulses.
    pub is_counted: bool,
}

/// A line that is driven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputLine {
    /// Which.
    pub line: LineName,
    /// Whether low is active.
    pub is_active_low: bool,
    /// What holds it.
    pub bias: Bias,
    /// How it is driven.
    pub drive: Drive,
}

/// A change of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Which input, by its place.
    pub input: usize,
    /// What it is now.
    pub is_active: bool,
    /// When, in nanoseconds of the chip's own clock.
    pub at: u64,
    /// Its number since the line was taken, from 1: a gap tells how many were lost.
    pub sequence: u32,
}

/// Why something with a chip or a line did not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The chip is not there, or not any more.
    #[error("{0}")]
    Chip(Box<str>),
    /// One line cannot be used; the others can.
    #[error("{0}")]
    Line(Box<str>),
}

/// A chip with its lines. Its calls may take as long as the chip does (one behind a slow bus: milliseconds, or a second when
/// that hangs), all but [`Chip::poll_edge`].
pub trait Chip: Send {
    /// Opens it, and lets go of every line before. What it is, for people.
    ///
    /// # Errors
    /// It is not there, or may not be used.
    fn open(&mut self) -> Result<String, Trouble>;

    /// Takes an input. Whether it is active.
    ///
    /// # Errors
    /// The line is not there, in use, or cannot do what is asked of it.
    fn take(&mut self, input: usize) -> Result<bool, Trouble>;

    /// Whether an input that was taken is active.
    ///
    /// # Errors
    /// It was not taken, or the chip does not answer.
    fn level(&mut self, input: usize) -> Result<bool, Trouble>;

    /// Whether an output could be taken. Changes nothing.
    ///
    /// # Errors
    /// The line is not there, or in use.
    fn look(&mut self, output: usize) -> Result<(), Trouble>;

    /// Makes an output active or inactive; the first time the line is taken with that value.
    ///
    /// # Errors
    /// The line is not there, in use, or the chip does not answer.
    fn drive(&mut self, output: usize, is_active: bool) -> Result<(), Trouble>;

    /// Whether an output is active; `None` for one that was never driven.
    ///
    /// # Errors
    /// The chip does not answer.
    fn driven(&mut self, output: usize) -> Result<Option<bool>, Trouble>;

    /// Lets go of everything, but leaves the outputs as they are for as long as what is returned lives: a chip of the same
    /// kind that drives them meanwhile goes on from there.
    fn part(&mut self) -> Box<dyn Send>;

    /// The next change of an input that was taken. Never blocks.
    fn poll_edge(&mut self, context: &mut Context<'_>) -> Poll<Result<Edge, Trouble>>;
}
