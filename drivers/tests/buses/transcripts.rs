//! Every device file against what its device says and hears, played through the pure half of its driver.
//!
//! | line | meaning |
//! |---|---|
//! | `with NAME = VALUE` | a parameter of the device file |
//! | `< TOPIC PAYLOAD`, `<kept TOPIC PAYLOAD` | a message comes, live or kept by the broker |
//! | `< BYTES` | bytes come, with `\n`, `\r`, `\t`, `\\` and `\x02` |
//! | `reset` | the link was made anew |
//! | `ask N` | the time has come for the Nth read (of one that asks) |
//! | `= POINT VALUE`, `= POINT bad: REASON`, `= OUTPUT is STATE` | what that tells, in order and nothing else |
//! | `! OUTPUT STATE` | a command is allowed |
//! | `> TOPIC PAYLOAD` | what is sent |
//! | `= refused`, `= absent`, `= strange`, `= unfinished` | what an answer is that is not what was asked for |
//!
//! Of a chip with pins: `reset` takes the lines, `< LINE high|low SECONDS` is a change by the chip's clock, `at SECONDS` the
//! time at which every input is due, and `> LINE high|low` what an output's line is made.
//!
//! What comes and goes over Modbus is written in hexadecimal digits; over HTTP as `METHOD PATH BODY` and `STATUS BODY`.

use crate::device_file::{self, Node};
use crate::support::Site;
use ballast_drivers::bus::Edge;
use ballast_drivers::shape::{Answer, Heard, Job};
use ballast_drivers::{Batch, OpenBus, Report};
use ballast_model::catalog::Noun;
use ballast_model::quantity::parse_quantity;
use ballast_model::{Mono, Quality, Wanted};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

#[test]
fn every_device_file_names_a_driver_and_its_source_and_has_a_transcript() {
    let files = device_file::all();
    assert!(files.len() >= 4);
    for (name, path) in &files {
        let file = device_file::read(path);
        let text = |key: &str| file.get(key).and_then(Node::text).unwrap_or_default();
        assert_eq!(text("device"), name);
        assert!(text("source").len() > 8, "{name} says where its numbers come from");
        assert!(ballast_drivers::find(text("driver")).is_some(), "{name}: no driver `{}`", text("driver"));
        // Nothing is spoken on a simulated bus.
        let has_transcript = folder().join(format!("{name}.txt")).is_file();
        assert!(has_transcript || text("driver") == "sim", "{name} has no transcript");
    }
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(files.contains_key(&name), "a transcript without a device file: {name}");
    }
}

#[test]
fn transcripts() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let file = device_file::read(&device_file::all()[&name]);
        let driver = ballast_drivers::find(file.get("driver").and_then(Node::text).unwrap()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let with: BTreeMap<String, String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("with ")?.split_once(" = "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let site = device_file::site(&file, driver, &with);
        let bus = site.open();
        Play { name, site, bus, news: Vec::new(), line: 0, job: None, pins: Pinned::default() }.play(&text);
    }
}

struct Play {
    name: String,
    site: Site,
    bus: OpenBus,
    /// What was told and is not yet expected, the first one last.
    news: Vec<String>,
    line: usize,
    /// What one who asks was asked for last.
    job: Option<Job>,
    pins: Pinned,
}

/// What a chip with pins knows: levels, and how often a line has changed since it was taken.
#[derive(Default)]
struct Pinned {
    is_low: BTreeMap<String, bool>,
    changes: BTreeMap<usize, u32>,
}

impl Play {
    fn play(&mut self, text: &str) {
        for (place, line) in text.lines().enumerate() {
            let is_pins = self.bus.pins().is_some();
            let is_new = line.starts_with(['<', '!'])
                || line.starts_with("ask ")
                || (is_pins && line.starts_with(['r', 'a']));
            if is_new {
                self.expect_nothing();
            }
            self.line = place + 1;
            if is_pins && (line == "reset" || line.starts_with("at ") || line.starts_with("< ")) {
                self.pins(line);
            } else if let Some(message) = line.strip_prefix("<kept ") {
                self.hear(message, true);
            } else if let Some(message) = line.strip_prefix("< ") {
                self.hear(message, false);
            } else if let Some(command) = line.strip_prefix("! ") {
                self.command(command);
            } else if let Some(read) = line.strip_prefix("ask ") {
                self.ask(Job::Read(read.parse().unwrap()));
                self.news.reverse();
            } else if line == "reset" {
                self.bus.listener().unwrap().0.reset();
            } else if let Some(expected) = line.strip_prefix("= ").or_else(|| line.strip_prefix("> ")) {
                let found = self.news.pop();
                assert_eq!(found.as_deref(), Some(expected), "{} line {}", self.name, self.line);
            } else {
                assert!(line.is_empty() || line.starts_with(['#']) || line.starts_with("with "), "{line}");
            }
        }
        self.expect_nothing();
    }

    fn expect_nothing(&self) {
        let rest: String = self.news.iter().rev().map(|news| format!("= {news}\n")).collect();
        assert!(rest.is_empty(), "{} line {} tells more:\n{rest}", self.name, self.line);
    }

    /// Adds what is sent for a job to the news.
    fn ask(&mut self, job: Job) {
        self.job = Some(job);
        let (poller, _) = self.bus.poller().unwrap();
        let mut request = Vec::new();
        assert!(poller.ask(job, &mut request), "{} line {} is not asked", self.name, self.line);
        self.news.push(self.show(&request));
    }

    fn show(&self, bytes: &[u8]) -> String {
        if matches!(self.bus.spec().name, "modbus" | "sunspec") {
            bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
        } else if self.bus.spec().name == "http" {
            let text = String::from_utf8_lossy(bytes);
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let line = head.lines().next().unwrap().strip_suffix(" HTTP/1.1").unwrap();
            format!("{line} {body}").trim_end().to_owned()
        } else {
            String::from_utf8_lossy(bytes).replace('\r', "\\r").replace('\n', "\\n")
        }
    }

    fn answered(&mut self, text: &str) {
        let bytes = if matches!(self.bus.spec().name, "modbus" | "sunspec") {
            text.split_whitespace().map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect()
        } else if self.bus.spec().name == "http" {
            let (status, body) = text.split_once(' ').unwrap_or((text, ""));
            format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
        } else {
            unescape(text)
        };
        let job = self.job.expect("an answer to nothing");
        let now = Mono::from_millis(self.line as u64);
        let (poller, readings) = self.bus.poller().unwrap();
        let answer = poller.answer(job, &bytes, false, now, readings);
        let batch = std::mem::take(readings.batch());
        self.news = self.tell(&batch);
        match answer {
            Answer::GoOn => self.ask(job),
            Answer::Done { used, .. } => assert_eq!(used, bytes.len(), "{} line {}", self.name, self.line),
            Answer::Refused { .. } => self.news.push("refused".to_owned()),
            Answer::Absent { .. } => self.news.push("absent".to_owned()),
            Answer::Strange => self.news.push("strange".to_owned()),
            Answer::Unfinished => self.news.push("unfinished".to_owned()),
        }
        self.news.reverse();
    }

    fn hear(&mut self, text: &str, is_kept: bool) {
        if self.job.is_some() {
            return self.answered(text);
        }
        let is_stream = matches!(self.bus.spec().name, "p1" | "tic" | "vedirect");
        let bytes = unescape(text);
        let split = bytes.iter().position(|byte| *byte == b' ').unwrap_or(bytes.len());
        let (topic, payload) = bytes.split_at(split);
        let heard = if is_stream {
            Heard::Bytes(&bytes)
        } else {
            Heard::Message { topic, payload: payload.get(1..).unwrap_or_default(), is_kept }
        };
        let (listener, readings) = self.bus.listener().unwrap();
        listener.hear(heard, Mono::from_millis(self.line as u64), readings);
        let batch = std::mem::take(readings.batch());
        self.news = self.tell(&batch);
        self.news.reverse();
    }

    /// Lines are taken, are due, or change.
    fn pins(&mut self, line: &str) {
        let (pins, readings) = self.bus.pins().unwrap();
        let inputs = pins.input_lines();
        let words: Vec<&str> = line.split(' ').collect();
        let seconds = words.last().and_then(|last| last.parse::<f64>().ok()).unwrap_or(0.0);
        let now = Mono::from_millis((seconds * 1000.0) as u64);
        for (place, input) in inputs.iter().enumerate() {
            // Nothing is connected yet: a line that is active when it is low is held up.
            let is_low = self.pins.is_low.entry(input.line.to_string()).or_insert(!input.is_active_low);
            match words.as_slice() {
                ["<", name, level, _] if input.line.to_string() == format!("line {name}") => {
                    *is_low = *level == "low";
                    let is_active = *is_low == input.is_active_low;
                    if input.is_counted && !is_active {
                        continue;
                    }
                    let sequence = self.pins.changes.entry(place).or_default();
                    *sequence += 1;
                    let at = (seconds * 1e9) as u64;
                    pins.edge(Edge { input: place, is_active, at, sequence: *sequence }, now, readings);
                }
                ["<", ..] => {}
                ["reset"] => {
                    self.pins.changes.clear();
                    pins.begin(place, *is_low == input.is_active_low, now, readings);
                }
                _ => pins.tell(place, *is_low == input.is_active_low, now, readings),
            }
        }
        let batch = std::mem::take(readings.batch());
        self.news = self.tell(&batch);
        self.news.reverse();
    }

    fn tell(&self, batch: &Batch) -> Vec<String> {
        let catalog = &self.site.catalog;
        let mark = |quality: Quality| match quality {
            Quality::Good => String::new(),
            Quality::Uncertain(reason) | Quality::Bad(reason) => format!(" ({})", reason.words()),
        };
        let samples = batch.samples.iter().map(|sample| {
            let spec = catalog.point(sample.point).unwrap();
            let name = spec.name.strip_prefix("it.").unwrap();
            match (sample.value, sample.quality) {
                (Some(value), quality) => format!("{name} {}{}", spec.show(value), mark(quality)),
                (None, quality) => format!("{name} bad: {}", quality.reason().unwrap().words()),
            }
        });
        let reports = batch.reports.iter().map(|report| match report {
            Report::Actual { output, actual, quality, .. } => {
                let spec = catalog.output(*output).unwrap();
                let state = actual.map_or("unknown".to_owned(), |actual| spec.show(actual));
                format!("{} is {state}{}", spec.name.strip_prefix("it.").unwrap(), mark(*quality))
            }
            Report::Reach { output, is_there, .. } => {
                let spec = catalog.output(*output).unwrap();
                let name = spec.name.strip_prefix("it.").unwrap();
                format!("{name} {}", if *is_there { "can be reached" } else { "is out of reach" })
            }
            Report::WallClock { utc, .. } => format!("clock {}", utc.millis() / 1000),
            Report::Link { text, .. } => text.to_string(),
            other => panic!("{other:?}"),
        });
        samples.chain(reports).collect()
    }

    fn command(&mut self, text: &str) {
        let (name, state) = text.split_once(' ').unwrap();
        let Some(Noun::Output(output)) = self.site.catalog.resolve(&format!("it.{name}")) else {
            panic!("{}: no output {name}", self.name)
        };
        let wanted = match state {
            "open" => Wanted::OPEN,
            "closed" => Wanted::CLOSED,
            level => Wanted::Level(parse_quantity(level).unwrap().base),
        };
        if self.bus.poller().is_some() {
            self.ask(Job::Write { output, wanted });
            return;
        }
        if let Some((pins, _)) = self.bus.pins() {
            let (place, is_active) = pins.command(output, wanted).unwrap();
            let line = &pins.output_lines()[place];
            let number = line.line.to_string().replace("line ", "");
            let level = if is_active == line.is_active_low { "low" } else { "high" };
            let actual = pins.actual(place, is_active);
            assert_eq!(actual, Some((output, wanted)));
            self.news = vec![format!("{number} {level}")];
            return;
        }
        let command = self.bus.command(output, wanted).unwrap();
        let [topic, payload] = [&command.topic, &command.payload].map(|bytes| String::from_utf8_lossy(bytes));
        self.news = vec![format!("{topic} {payload}")];
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let (byte, after) = match (byte, after) {
            (b'\\', [b'n', after @ ..]) => (b'\n', after),
            (b'\\', [b'r', after @ ..]) => (b'\r', after),
            (b'\\', [b't', after @ ..]) => (b'\t', after),
            (b'\\', [b'\\', after @ ..]) => (b'\\', after),
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digits = [*high, *low];
                (u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap(), after)
            }
            (byte, after) => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}
