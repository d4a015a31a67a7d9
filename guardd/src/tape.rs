//! The tape: what the thread that decides was given, step by step, on its way to the witness.
//!
//! One thread writes and one reads; neither waits for the other, and writing does not allocate. Where the tape is full the
//! writer goes on without it, and puts the whole state of the guard onto it as soon as there is room again.

use crate::limits::{RECORD_BYTES, STATE_BYTES_LEAST, STATE_ROOM, TAPE_BYTES};
use ballast_guard::{Guard, Input, Output, digest};
use ballast_model::Mono;
use rtrb::{Consumer, Producer, RingBuffer};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record<'a> {
    /// A step.
    Step {
        /// When.
        now: Mono,
        /// What came in.
        inputs: Cow<'a, [Input]>,
        /// Stands for what it said.
        digest: u64,
    },
    /// Another set, by its number, with a person's word for it or without.
    Replaced {
        /// When.
        now: Mono,
        /// Which set.
        number: u32,
        /// Whether a person confirmed it.
        confirmed: bool,
    },
    /// The set that waited was confirmed and is in force.
    Adopted {
        /// When.
        now: Mono,
    },
    /// The devices behind the outputs may be other ones.
    ToldAgain,
    /// Records are missing before this: the state as it is now, in the form of [`ballast_guard::State`].
    State(Cow<'a, [u8]>),
}

/// Makes a tape for a guard.
pub fn tape(guard: &Guard) -> (Writer, Reader) {
    // A state that cannot be written at all would have been refused when it was saved.
    let length = postcard::to_allocvec(&guard.written()).map_or(0, |state| state.len());
    let room = (length * STATE_ROOM).max(STATE_BYTES_LEAST);
    // A whole state must fit once everything before it was read.
    let (producer, consumer) = RingBuffer::new(TAPE_BYTES.max(room * 2));
    let wish = Arc::new(AtomicBool::new(false));
    let writer = Writer {
        producer,
        scratch: vec![0; RECORD_BYTES],
        state: vec![0; room],
        packed: vec![0; room + 64],
        owes_state: false,
        lost: 0,
        wish: Arc::clone(&wish),
        reader: None,
    };
    (writer, Reader { consumer, buffer: Vec::new(), wish })
}

/// The end of the thread that decides.
#[derive(Debug)]
pub struct Writer {
    producer: Producer<u8>,
    scratch: Vec<u8>,
    state: Vec<u8>,
    packed: Vec<u8>,
    /// Something was not written: the next thing is the state.
    owes_state: bool,
    /// Records that were not written.
    lost: u64,
    /// The reader wants the state.
    wish: Arc<AtomicBool>,
    /// Who is to be woken.
    reader: Option<Thread>,
}

impl Writer {
    /// Names the thread that reads.
    pub fn read_by(&mut self, reader: Thread) {
        self.reader = Some(reader);
    }

    /// Notes a step that the guard has made.
    pub fn step(&mut self, guard: &Guard, now: Mono, inputs: &[Input], said: &[Output]) {
        let digest = digest(said);
        self.write(guard, &Record::Step { now, inputs: Cow::Borrowed(inputs), digest });
    }

    /// Notes what was done; `guard` is what it is after that.
    pub fn write(&mut self, guard: &Guard, record: &Record<'_>) {
        if self.owes_state || self.wish.load(Ordering::Relaxed) {
            self.write_state(guard);
        } else {
            let mut scratch = std::mem::take(&mut self.scratch);
            let is_written =
                postcard::to_slice(record, &mut scratch).is_ok_and(|bytes| put(&mut self.producer, bytes));
            self.scratch = scratch;
            if !is_written {
                self.owes_state = true;
                self.lost += 1;
            }
        }
        if let Some(reader) = &self.reader {
            reader.unpark();
        }
    }

    /// Records that were not written.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The state as it is now stands for everything that was not written.
    fn write_state(&mut self, guard: &Guard) {
        let Ok(state) = postcard::to_slice(&guard.written(), &mut self.state) else {
            self.lost += 1;
            return;
        };
        let record = Record::State(Cow::Borrowed(&*state));
        let is_written =
            postcard::to_slice(&record, &mut self.packed).is_ok_and(|bytes| put(&mut self.producer, bytes));
        self.owes_state = !is_written;
        if is_written {
            self.wish.store(false, Ordering::Relaxed);
        } else {
            self.lost += 1;
        }
    }
}

/// Puts bytes with their length onto the ring, whole or not at all.
fn put(producer: &mut Producer<u8>, bytes: &[u8]) -> bool {
    let Ok(length) = u32::try_from(bytes.len()) else { return false };
    let head = length.to_le_bytes();
    let Ok(mut chunk) = producer.write_chunk(head.len() + bytes.len()) else { return false };
    let (first, second) = chunk.as_mut_slices();
    let places = first.iter_mut().chain(second);
    for (place, byte) in places.zip(head.iter().chain(bytes)) {
        *place = *byte;
    }
    chunk.commit_all();
    true
}

/// The end of the witness.
#[derive(Debug)]
pub struct Reader {
    consumer: Consumer<u8>,
    buffer: Vec<u8>,
    wish: Arc<AtomicBool>,
}

impl Reader {
    /// Takes the next record, where there is one.
    ///
    /// # Errors
    /// It cannot be read: the writer is another program. Ask for the state.
    pub fn take_record(&mut self) -> Option<Result<Record<'static>, postcard::Error>> {
        let mut head = [0; 4];
        self.take(&mut head)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(u32::from_le_bytes(head) as usize, 0);
        let is_whole = self.take(&mut buffer).is_some();
        let record = is_whole.then(|| postcard::from_bytes(&buffer));
        self.buffer = buffer;
        record
    }

    /// Asks for the state in place of the next record.
    pub fn ask_for_state(&self) {
        self.wish.store(true, Ordering::Relaxed);
    }

    fn take(&mut self, into: &mut [u8]) -> Option<()> {
        let chunk = self.consumer.read_chunk(into.len()).ok()?;
        let (first, second) = chunk.as_slices();
        for (place, byte) in into.iter_mut().zip(first.iter().chain(second)) {
            *place = *byte;
        }
        chunk.commit_all();
        Some(())
    }
}
