//! What a process prints, kept line by line while it runs.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the last lines of an ended process may take to be read.
pub const LAST_WORDS: Duration = Duration::from_secs(20);

/// The lines of one process, in the order in which they came.
#[derive(Default)]
pub struct Printed {
    lines: Arc<Mutex<Vec<String>>>,
    listeners: Mutex<Vec<JoinHandle<()>>>,
}

impl Printed {
    /// Keeps what comes from a stream, until it ends.
    pub fn hear(&self, stream: impl Read + Send + 'static) {
        let lines = Arc::clone(&self.lines);
        let listener = std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                lines.lock().expect("no holder panics").push(line);
            }
        });
        self.listeners.lock().expect("no holder panics").push(listener);
    }

    /// Waits until everything that an ended process printed is among the lines: its end can be known before its last line.
    pub fn wait_end(&self, patience: Duration) {
        let start = Instant::now();
        let has_ended =
            || self.listeners.lock().expect("no holder panics").iter().all(JoinHandle::is_finished);
        while !has_ended() {
            assert!(start.elapsed() < patience, "somebody still holds what the ended process wrote to");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Everything so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no holder panics").clone()
    }

    /// Waits until there is a line with this text.
    pub fn wait_line(&self, text: &str, patience: Duration) -> String {
        let start = Instant::now();
        loop {
            let lines = self.lines();
            if let Some(line) = lines.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            assert!(start.elapsed() < patience, "no line with {text:?}; printed:\n{}", lines.join("\n"));
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
