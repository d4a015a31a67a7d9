//! Listens in on a bus that asks, and writes down what came and went, as a transcript.
//!
//! It changes nothing of what is asked. It must never write down what was not an answer to its question.

use super::bytes::Style;
use crate::bus::{Body, OpenBus};
use crate::modbus::frame::crc;
use crate::readings::Readings;
use crate::shape::{Answer, Job, Poller, Roster};
use ballast_model::Mono;
use std::sync::{Arc, Mutex};

/// Bytes before the unit in a frame over TCP: transaction, protocol, length.
const HEADER: usize = 6;

/// Request and answer of a read, as they would stand on a serial line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Exchange {
    request: String,
    answer: String,
}

/// A read from its first request to the end: it may ask first who is there, or in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Whole {
    read: usize,
    exchanges: Vec<Exchange>,
    is_refused: bool,
    /// How often the link had been made anew.
    link: usize,
}

/// What was written down: of each read the first time that it was answered, in the order of the answers. A later time would not
/// do: what was found out before, such as who is there, is not asked again, and a transcript begins where nothing is known.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    reads: Arc<Mutex<Vec<Whole>>>,
}

impl Recorder {
    /// What was heard so far, as lines of a transcript without values: [`super::play()`] fills them in.
    pub fn text(&self) -> String {
        let Ok(reads) = self.reads.lock() else { return String::new() };
        let line = |Exchange { request, answer }: &Exchange| format!("> {request}\n< {answer}\n");
        let mut known = reads.first().map_or(0, |first| first.link);
        let lines = reads.iter().map(|Whole { read, exchanges, link, .. }| {
            let anew = if std::mem::replace(&mut known, *link) == *link { "" } else { "reset\n" };
            format!("{anew}ask {read}\n{}", exchanges.iter().map(line).collect::<String>())
        });
        lines.collect()
    }

    /// One that was refused is no answer while a later one may be.
    fn write(&self, whole: Whole) {
        let Ok(mut reads) = self.reads.lock() else { return };
        match reads.iter().position(|known| known.read == whole.read) {
            Some(place) if reads.get(place).is_some_and(|known| known.is_refused) => {
                reads.remove(place);
                reads.push(whole);
            }
            Some(_) => {}
            None => reads.push(whole),
        }
    }
}

/// The same bus with somebody who listens in; `None` where its driver does not ask in frames of Modbus.
pub fn recorded(mut bus: OpenBus) -> (OpenBus, Option<Recorder>) {
    // SunSpec asks several times for one read, and what is left of a line are the last of them.
    let is_fit = bus.spec().name == crate::modbus::SPEC.name;
    let Body::Poll(poll) = &mut bus.body else { return (bus, None) };
    if !is_fit {
        return (bus, None);
    }
    let recorder = Recorder::default();
    let silent: Box<dyn Poller> = Box::new(Silent(Roster::default()));
    let inner = std::mem::replace(&mut poll.poller, silent);
    poll.poller = Box::new(Ear {
        inner,
        recorder: recorder.clone(),
        request: Vec::new(),
        exchanges: Vec::new(),
        goes_on: false,
        link: 0,
    });
    (bus, Some(recorder))
}

/// Stands in its place for a moment.
struct Silent(Roster);

impl Poller for Silent {
    fn roster(&self) -> &Roster {
        &self.0
    }

    fn ask(&mut self, _job: Job, _request: &mut Vec<u8>) -> bool {
        false
    }

    fn answer(&mut self, _: Job, _: &[u8], _: bool, _: Mono, _: &mut Readings) -> Answer {
        Answer::Strange
    }

    fn reset(&mut self, _wire: usize) {}
}

struct Ear {
    inner: Box<dyn Poller>,
    recorder: Recorder,
    request: Vec<u8>,
    /// What was said for the job that is under way.
    exchanges: Vec<Exchange>,
    /// The next request belongs to the same job.
    goes_on: bool,
    /// How often the link was made anew.
    link: usize,
}

/// A frame as it would stand on a serial line: one that ends with its checksum stands there already (or on a line over TCP).
fn serial(frame: &[u8]) -> String {
    let is_serial = frame.split_last_chunk().is_some_and(|(covered, sum)| crc(covered).to_le_bytes() == *sum);
    if is_serial {
        return Style::Digits.show(frame);
    }
    let mut bytes = frame.get(HEADER..).unwrap_or_default().to_vec();
    bytes.extend_from_slice(&crc(&bytes).to_le_bytes());
    Style::Digits.show(&bytes)
}

impl Poller for Ear {
    fn roster(&self) -> &Roster {
        self.inner.roster()
    }

    fn wants(&mut self, read: usize, now: Mono) -> bool {
        self.inner.wants(read, now)
    }

    fn question(&mut self, read: usize, request: &mut Vec<u8>) -> bool {
        self.inner.question(read, request)
    }

    fn ask(&mut self, job: Job, request: &mut Vec<u8>) -> bool {
        let is_asked = self.inner.ask(job, request);
        self.request.clone_from(request);
        if !std::mem::take(&mut self.goes_on) {
            self.exchanges.clear();
        }
        is_asked
    }

    fn answer(&mut self, job: Job, bytes: &[u8], is_end: bool, now: Mono, out: &mut Readings) -> Answer {
        let answer = self.inner.answer(job, bytes, is_end, now, out);
        let used = match answer {
            Answer::Done { used, .. } | Answer::Refused { used } => used,
            // Nothing may stand behind the answer then.
            Answer::GoOn => bytes.len(),
            _ => return answer,
        };
        if let (Job::Read(read), Some(frame)) = (job, bytes.get(..used)) {
            self.exchanges.push(Exchange { request: serial(&self.request), answer: serial(frame) });
            self.goes_on = answer == Answer::GoOn;
            if !self.goes_on {
                let is_refused = matches!(answer, Answer::Refused { .. });
                let exchanges = std::mem::take(&mut self.exchanges);
                self.recorder.write(Whole { read, exchanges, is_refused, link: self.link });
            }
        }
        answer
    }

    fn hangs_up(&mut self) -> bool {
        self.inner.hangs_up()
    }

    fn sound(&mut self, unit: usize, token: u16, request: &mut Vec<u8>) -> bool {
        self.inner.sound(unit, token, request)
    }

    fn sounded(&mut self, unit: usize, token: u16, bytes: &[u8]) -> Answer {
        self.inner.sounded(unit, token, bytes)
    }

    fn reset(&mut self, wire: usize) {
        self.goes_on = false;
        self.link += 1;
        self.inner.reset(wire);
    }

    fn lost(&mut self, unit: usize) {
        self.link += 1;
        self.inner.lost(unit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_over_tcp_is_written_as_on_a_line() {
        let line = [1, 4, 0, 0x46, 0, 2, 0x90, 0x1E];
        assert_eq!(serial(&line), "01 04 00 46 00 02 90 1E");
        let tcp = [0, 9, 0, 0, 0, 6, 1, 4, 0, 0x46, 0, 2];
        assert_eq!(serial(&tcp), "01 04 00 46 00 02 90 1E");
    }
}
