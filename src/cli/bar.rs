//! How far long work is, on the terminal behind the error output.

use super::arguments::Format;
use super::terminal::{Output, width_of_errors};
use std::io::{IsTerminal, Write};
use std::sync::Mutex;

/// Columns of the bar.
const BAR: usize = 20;

/// A bar on the terminal behind the error output; nothing where there is none.
pub struct Bar {
    columns: Option<usize>,
    /// One draws at a time.
    turn: Mutex<()>,
}

impl Bar {
    /// A bar where people read the error output on a terminal.
    pub fn new(output: &Output) -> Self {
        let is_shown = output.format == Format::Text && std::io::stderr().is_terminal();
        Self { columns: width_of_errors().filter(|_| is_shown), turn: Mutex::default() }
    }

    /// Whether there is one.
    pub fn is_shown(&self) -> bool {
        self.columns.is_some()
    }

    /// Draws how much of all is done.
    pub fn show(&self, what: &str, done: usize, all: usize) {
        let Some(columns) = self.columns else { return };
        let full = (done.min(all) * BAR).checked_div(all).unwrap_or(BAR);
        let text = format!("[{}{}] {done}/{all} {what}", "#".repeat(full), " ".repeat(BAR - full));
        let shown: String = text.chars().take(columns.saturating_sub(1)).collect();
        if let Ok(_turn) = self.turn.lock() {
            // A terminal that went away sees no bar.
            let _ = write!(std::io::stderr(), "\r\x1b[K{shown}");
        }
    }

    /// Takes it away.
    pub fn clear(&self) {
        if self.is_shown() {
            // The same.
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
