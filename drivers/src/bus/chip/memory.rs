//! A chip that exists in memory: for tests, which stand where the wires would go.
//!
//! It behaves as the kernel does where that matters: a line has one owner, an output is taken with its value, edges have
//! numbers, and what is not read in time is lost and leaves a gap.

use super::{Chip, Edge, InputLine, LineName, OutputLine, Trouble};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// Edges that wait to be read. One more, and the oldest is lost, as in the kernel.
const EDGES_MAX: usize = 64;

/// The other side of a [`MemoryChip`]: what is soldered to its pins. Cloned, it is the same one.
#[derive(Clone, Debug, Default)]
pub struct Pinboard(Arc<Mutex<Board>>);

#[derive(Debug, Default)]
struct Board {
    is_absent: bool,
    /// Physical levels: what is not in it is low.
    levels: BTreeMap<LineName, bool>,
    busy: BTreeMap<LineName, Box<str>>,
    edges: VecDeque<Edge>,
    sequences: BTreeMap<usize, u32>,
    /// The inputs that are taken.
    taken: BTreeMap<usize, InputLine>,
    /// Everything that outputs were made, in order: the line, whether it was taken with it, its physical level.
    history: Vec<(LineName, bool, bool)>,
    /// Which chip drives a line, by its number.
    driven: BTreeMap<LineName, usize>,
    /// Lines that are held for whoever drives them next.
    held: BTreeMap<LineName, OutputLine>,
    /// How many chips there were.
    chips: usize,
    waker: Option<Waker>,
}

impl Board {
    /// Whether a chip may have a line.
    fn free(&self, line: &LineName, chip: usize) -> Result<(), Trouble> {
        let other = self.driven.get(line).filter(|driver| **driver != chip).map(|_| "another bus");
        match self.busy.get(line).map(|owner| &**owner).or(other) {
            Some(owner) => Err(Trouble::Line(format!("{line} is in use by `{owner}`").into())),
            None => Ok(()),
        }
    }

    /// A chip drives nothing any more.
    fn let_go(&mut self, chip: usize) {
        self.driven.retain(|_, driver| *driver != chip);
    }
}

impl Pinboard {
    /// A chip on which nothing is connected: every line is there, low and free.
    pub fn new() -> Self {
        Self::default()
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        // What a test that failed half-way left is as good as anything.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A line goes high or low, at this moment of the chip's clock.
    pub fn set(&self, line: &LineName, is_high: bool, at: u64) {
        let mut board = self.board();
        if board.levels.insert(line.clone(), is_high).unwrap_or(false) == is_high {
            return;
        }
        let taken = board.taken.iter().filter(|(_, input)| input.line == *line);
        let told: Vec<(usize, bool)> = taken
            .map(|(place, input)| (*place, is_high != input.is_active_low, input.is_counted))
            .filter(|(_, is_active, is_counted)| *is_active || !is_counted)
            .map(|(place, is_active, _)| (place, is_active))
            .collect();
        for (input, is_active) in told {
            let sequence = board.sequences.entry(input).or_default();
            *sequence = sequence.wrapping_add(1);
            let edge = Edge { input, is_active, at, sequence: *sequence };
            if board.edges.len() >= EDGES_MAX {
                board.edges.pop_front();
            }
            board.edges.push_back(edge);
        }
        if let Some(waker) = board.waker.take() {
            waker.wake();
        }
    }

    /// The chip is pulled out, or plugged in again.
    pub fn set_absent(&self, is_absent: bool) {
        let mut board = self.board();
        board.is_absent = is_absent;
        if let Some(waker) = board.waker.take() {
            waker.wake();
        }
    }

    /// Somebody else has a line, or lets go of it.
    pub fn set_busy(&self, line: &LineName, owner: Option<&str>) {
        let mut board = self.board();
        match owner {
            Some(owner) => board.busy.insert(line.clone(), owner.into()),
            None => board.busy.remove(line),
        };
    }

    /// Everything that outputs were made: the line, whether it was taken with that value, whether it went high.
    pub fn history(&self) -> Vec<(LineName, bool, bool)> {
        self.board().history.clone()
    }

    /// Whether a line is high.
    pub fn is_high(&self, line: &LineName) -> bool {
        self.board().levels.get(line).copied().unwrap_or(false)
    }
}

/// A chip that exists in memory.
#[derive(Debug)]
pub struct MemoryChip {
    board: Pinboard,
    /// Which one it is of those of its board.
    number: usize,
    inputs: Vec<InputLine>,
    outputs: Vec<(OutputLine, bool)>,
}

impl MemoryChip {
    /// The chip of a board, with these lines.
    pub fn new(board: &Pinboard, inputs: Vec<InputLine>, outputs: Vec<OutputLine>) -> Self {
        let outputs = outputs.into_iter().map(|output| (output, false)).collect();
        let number = {
            let mut board = board.board();
            board.chips += 1;
            board.chips
        };
        Self { board: board.clone(), number, inputs, outputs }
    }

    fn there(&self) -> Result<MutexGuard<'_, Board>, Trouble> {
        let board = self.board.board();
        if board.is_absent { Err(Trouble::Chip("the chip is gone".into())) } else { Ok(board) }
    }
}

/// What is held until this is dropped. Then this board does what boards do that relays drop with.
struct Parted(Pinboard);

impl Drop for Parted {
    fn drop(&mut self) {
        let mut board = self.0.board();
        for line in std::mem::take(&mut board.held).into_keys() {
            board.levels.insert(line, false);
        }
    }
}

impl Drop for MemoryChip {
    fn drop(&mut self) {
        self.board.board().let_go(self.number);
    }
}

fn no_such() -> Trouble {
    Trouble::Line("there is no such line".into())
}

impl Chip for MemoryChip {
    fn open(&mut self) -> Result<String, Trouble> {
        self.outputs.iter_mut().for_each(|(_, is_taken)| *is_taken = false);
        let mut board = self.there()?;
        board.let_go(self.number);
        board.taken.clear();
        board.edges.clear();
        Ok("a chip in memory".to_owned())
    }

    fn take(&mut self, input: usize) -> Result<bool, Trouble> {
        let line = self.inputs.get(input).cloned().ok_or_else(no_such)?;
        let mut board = self.there()?;
        board.free(&line.line, self.number)?;
        let is_high = board.levels.get(&line.line).copied().unwrap_or(false);
        let is_active = is_high != line.is_active_low;
        board.sequences.insert(input, 0);
        board.taken.insert(input, line);
        Ok(is_active)
    }

    fn level(&mut self, input: usize) -> Result<bool, Trouble> {
        let line = self.inputs.get(input).ok_or_else(no_such)?;
        let board = self.there()?;
        Ok(board.levels.get(&line.line).copied().unwrap_or(false) != line.is_active_low)
    }

    fn look(&mut self, output: usize) -> Result<(), Trouble> {
        let (line, _) = self.outputs.get(output).ok_or_else(no_such)?;
        self.there()?.free(&line.line, self.number)
    }

    fn drive(&mut self, output: usize, is_active: bool) -> Result<(), Trouble> {
        let (line, is_taken) = self.outputs.get(output).cloned().ok_or_else(no_such)?;
        {
            let mut board = self.there()?;
            board.free(&line.line, self.number)?;
            let is_high = is_active != line.is_active_low;
            let is_held = board.held.remove(&line.line).is_some_and(|held| held == line);
            board.levels.insert(line.line.clone(), is_high);
            board.driven.insert(line.line.clone(), self.number);
            board.history.push((line.line, !is_taken && !is_held, is_high));
        }
        if let Some((_, is_taken)) = self.outputs.get_mut(output) {
            *is_taken = true;
        }
        Ok(())
    }

    fn driven(&mut self, output: usize) -> Result<Option<bool>, Trouble> {
        let (line, is_taken) = self.outputs.get(output).ok_or_else(no_such)?;
        let board = self.there()?;
        let is_high = board.levels.get(&line.line).copied().unwrap_or(false);
        Ok(is_taken.then_some(is_high != line.is_active_low))
    }

    fn part(&mut self) -> Box<dyn Send> {
        let mut board = self.board.board();
        board.taken.clear();
        board.let_go(self.number);
        let driven = self.outputs.iter_mut().filter(|(_, is_taken)| *is_taken);
        for (line, is_taken) in driven {
            *is_taken = false;
            board.held.insert(line.line.clone(), line.clone());
        }
        Box::new(Parted(self.board.clone()))
    }

    fn poll_edge(&mut self, context: &mut Context<'_>) -> Poll<Result<Edge, Trouble>> {
        let mut board = self.board.board();
        if board.is_absent {
            return Poll::Ready(Err(Trouble::Chip("the chip is gone".into())));
        }
        match board.edges.pop_front() {
            Some(edge) => Poll::Ready(Ok(edge)),
            None => {
                board.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
