//! What a process prints, kept line by line while it runs.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The lines of one process, in the order in which they came.
#[derive(Default)]
pub struct Printed(Arc<Mutex<Vec<String>>>);

impl Printed {
    /// Keeps what comes from a stream, until it ends.
    pub fn hear(&self, stream: impl Read + Send + 'static) {
        let lines = Arc::clone(&self.0);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                lines.lock().expect("no holder panics").push(line);
            }
        });
    }

    /// Everything so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no holder panics").clone()
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
