//! Lines that a bus has driven and lets go of, held for a moment for the bus that takes its place.
//!
//! A reload that changes a site's devices opens every bus anew. Would the kernel be given the lines back in between, a board that
//! turns them into inputs would drop its relays. It must never hold a line longer than its [`Held`] lives.

use super::OutputLine;
use super::raspberry::RegisterLine;
use gpiocdev::Request;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What holds a line: dropped, it lets go of it.
pub(super) enum Grip {
    /// The kernel, for us.
    Kernel(Request),
    /// Its registers.
    Registers(RegisterLine),
}

/// One line.
struct Line {
    chip: PathBuf,
    number: u32,
    settings: OutputLine,
    grip: Mutex<Option<Grip>>,
}

/// Lines that somebody holds. Those that nobody holds any more are forgotten with the next ones.
static LINES: Mutex<Vec<Weak<Line>>> = Mutex::new(Vec::new());

/// As long as this lives, its lines stay as they are.
#[derive(Default)]
pub(super) struct Held(Vec<Arc<Line>>);

impl Held {
    /// Holds one more line.
    pub(super) fn add(&mut self, chip: &Path, number: u32, settings: OutputLine, grip: Grip) {
        let grip = Mutex::new(Some(grip));
        let line = Arc::new(Line { chip: chip.to_owned(), number, settings, grip });
        let mut lines = lock(&LINES);
        lines.retain(|known| known.strong_count() > 0);
        lines.push(Arc::downgrade(&line));
        self.0.push(line);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here can be half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn find(chip: &Path, number: u32) -> Option<Arc<Line>> {
    let lines = lock(&LINES);
    lines.iter().filter_map(Weak::upgrade).find(|line| line.chip == chip && line.number == number)
}

/// Whether a line is held for whoever asks.
pub(super) fn is_held(chip: &Path, number: u32) -> bool {
    find(chip, number).is_some_and(|line| lock(&line.grip).is_some())
}

/// The line as it was, where it is held and is to be driven in the same way. Held for another way, it is let go of.
pub(super) fn claim(chip: &Path, number: u32, settings: &OutputLine) -> Option<Grip> {
    let line = find(chip, number)?;
    let grip = lock(&line.grip).take()?;
    (line.settings == *settings).then_some(grip)
}
