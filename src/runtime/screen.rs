//! The lines that people read while a site runs, printed by a thread of its own.
//!
//! Who reads may stop reading: a pager, a terminal that was halted with Ctrl-S, a log that does not take any more. Then the
//! system holds whoever prints, for as long as that lasts. That must never be the thread that decides.

use crate::cli::terminal::{FAINT, Output, styled};
use crate::report::language::say;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

/// Lines that wait for the reader. More are left out, and counted.
const WAITING_MAX: usize = 500;
/// How long the end of the program waits for a reader.
const CLOSING: Duration = Duration::from_secs(1);

/// One line.
enum Line {
    /// What happens.
    Said(String),
    /// What somebody should look at.
    Complaint(String),
}

/// Where lines go.
pub struct Screen {
    output: Output,
    /// Nothing where there is no thread to print.
    lines: Option<SyncSender<Line>>,
    /// Nobody ever sends on it: it closes when the last line is printed.
    is_done: Receiver<()>,
    left_out: u64,
}

impl Screen {
    /// A screen with its thread.
    pub fn new(output: Output) -> Self {
        Self::through(output, move |line| match line {
            Line::Said(text) => output.line(&text),
            Line::Complaint(text) => output.complain(&text),
        })
    }

    fn through(output: Output, print: impl FnMut(Line) + Send + 'static) -> Self {
        let (lines, waiting) = sync_channel(WAITING_MAX);
        let (done, is_done) = channel();
        let all = move || {
            waiting.into_iter().for_each(print);
            drop::<Sender<()>>(done);
        };
        let started = std::thread::Builder::new().name("screen".into()).spawn(all);
        Self { output, lines: started.is_ok().then_some(lines), is_done, left_out: 0 }
    }

    /// Prints a line on the standard output.
    pub fn line(&mut self, text: &str) {
        self.print(Line::Said(text.to_owned()));
    }

    /// Prints a text on the error output.
    pub fn complain(&mut self, text: &str) {
        self.print(Line::Complaint(text.to_owned()));
    }

    fn print(&mut self, line: Line) {
        if self.left_out > 0 {
            let count = self.left_out;
            let said = say!(
                self.output.language,
                "             ... {count} lines left out, which nobody read in time",
                "             ... {count} lignes omises, que personne n'a lues à temps"
            );
            if self.send(Line::Said(styled(FAINT, &said))) {
                self.left_out = 0;
            }
        }
        self.left_out += u64::from(!self.send(line));
    }

    fn send(&self, line: Line) -> bool {
        self.lines.as_ref().is_some_and(|lines| lines.try_send(line).is_ok())
    }
}

impl Drop for Screen {
    /// What was said is read before the program ends, if anybody reads.
    fn drop(&mut self) {
        drop(self.lines.take());
        // Either way it is over: all is printed, or nobody reads.
        let _ = self.is_done.recv_timeout(CLOSING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::Format;
    use crate::report::language::Language;
    use std::sync::{Arc, Mutex};

    #[test]
    fn a_reader_who_stops_holds_nobody_up_and_is_told_how_much_he_missed() {
        let printed = Arc::new(Mutex::new(Vec::new()));
        let reader = printed.lock().unwrap();
        let paper = Arc::clone(&printed);
        let output = Output::new(Format::Text, Some(Language::En));
        let (taken, is_taken) = std::sync::mpsc::channel();
        let mut screen = Screen::through(output, move |line| {
            let (Line::Said(text) | Line::Complaint(text)) = line;
            taken.send(()).unwrap();
            paper.lock().unwrap().push(text);
        });
        // The thread has one in its hand before the others come: they wait, as many as may.
        screen.line("0");
        is_taken.recv().unwrap();
        (1..=WAITING_MAX + 100).for_each(|number| screen.line(&number.to_string()));
        assert_eq!(screen.left_out, 100);
        drop(reader);
        while printed.lock().unwrap().len() <= WAITING_MAX {
            std::thread::yield_now();
        }
        screen.complain("and on");
        drop(screen);
        let printed = printed.lock().unwrap();
        assert_eq!(printed.first().map(String::as_str), Some("0"));
        let [.., told, last] = printed.as_slice() else { panic!("{printed:?}") };
        assert!(told.contains("100 lines left out"), "{told}");
        assert_eq!(last, "and on");
    }
}
