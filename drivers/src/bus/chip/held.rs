//! Lines that a bus has driven and lets go of, held for a moment for the bus that takes its place.
//!
//! A reload that changes a site's devices opens every bus anew. Would the kernel be given the lines back in between, a board that
//! turns them into inputs would drop its relays. It must never hold a line longer than its [`Held`] lives.

use super::OutputLine;
use gpiocdev::Request;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// One line.
struct Line {
    chip: PathBuf,
    number: u32,
    settings: OutputLine,
    request: Mutex<Option<Request>>,
}

/// Lines that somebody holds. Those that nobody holds any more are forgotten with the next ones.
static LINES: Mutex<Vec<Weak<Line>>> = Mutex::new(Vec::new());

/// As long as this lives, its lines stay as they are.
#[derive(Default)]
pub(super) struct Held(Vec<Arc<Line>>);

impl Held {
    /// Holds one more line.
    pub(super) fn add(&mut self, chip: &Path, number: u32, settings: OutputLine, request: Request) {
        let request = Mutex::new(Some(request));
        let line = Arc::new(Line { chip: chip.to_owned(), number, settings, request });
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
    find(chip, number).is_some_and(|line| lock(&line.request).is_some())
}

/// The line as it was, where it is held and is to be driven in the same way. Held for another way, it is let go of.
pub(super) fn claim(chip: &Path, number: u32, settings: &OutputLine) -> Option<Request> {
    let line = find(chip, number)?;
    let request = lock(&line.request).take()?;
    (line.settings == *settings).then_some(request)
}
