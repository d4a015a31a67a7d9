//! Plays a transcript, line by line.
//!
//! It must never stop at the first difference: a person sees all of them. What stands in another place than it was wanted is
//! told as missing there and as more here, so that one line too many does not spoil those behind it.

use super::bytes::{Style, escape, unescape};
use super::stage::Stage;
use super::{Check, Impossible, LINES_MAX, Played, Subject, Trouble};
use crate::bus::{Edge, InputLine, OpenBus};
use crate::readings::{Batch, Report};
use crate::shape::{Answer, Heard, Job};
use ballast_model::catalog::Noun;
use ballast_model::quantity::parse_quantity;
use ballast_model::{Mono, OutputId, Quality, Reason, Sample, Wanted};
use std::collections::{BTreeMap, VecDeque};

/// Questions that one answer may lead to.
const STEPS_MAX: usize = 32;

pub(super) struct Play<'a> {
    bus: OpenBus,
    style: Style,
    subject: Subject<'a>,
    /// What was told and sent and is not yet expected, each as a line.
    news: VecDeque<String>,
    line: usize,
    /// The line that led to the news.
    cause: usize,
    /// What one who asks was asked for last.
    job: Option<Job>,
    steps: usize,
    pins: Pinned,
    stage: Option<Stage>,
    played: Played,
}

/// What a chip with pins knows: levels, and how often a line has changed since it was taken.
#[derive(Default)]
struct Pinned {
    is_low: BTreeMap<String, bool>,
    changes: BTreeMap<usize, u32>,
}

impl<'a> Play<'a> {
    pub(super) fn new(mut bus: OpenBus, subject: Subject<'a>) -> Self {
        Self {
            stage: bus.take_sim().and_then(Stage::new),
            style: Style::of(bus.spec().name),
            bus,
            subject,
            news: VecDeque::new(),
            line: 0,
            cause: 0,
            job: None,
            steps: 0,
            pins: Pinned::default(),
            played: Played::default(),
        }
    }

    pub(super) fn play(mut self, text: &str) -> Played {
        for (place, line) in text.lines().take(LINES_MAX).enumerate() {
            let line = line.trim_end();
            self.line = place + 1;
            if line.starts_with("= ") || line.starts_with("> ") {
                self.expect(line);
                continue;
            }
            let is_passive =
                ["#", "with ", "point "].iter().any(|begin| line.starts_with(begin)) || line.is_empty();
            if !is_passive {
                self.expect_nothing();
                self.cause = self.line;
                if let Err(trouble) = self.act(line) {
                    self.played.troubles.push((self.line, trouble));
                }
            }
            self.fill(line);
            let news: Vec<String> = self.news.iter().filter(|_| !is_passive).cloned().collect();
            news.iter().for_each(|news| self.fill(news));
        }
        self.expect_nothing();
        self.played
    }

    fn fill(&mut self, line: &str) {
        self.played.filled.push_str(line);
        self.played.filled.push('\n');
    }

    fn act(&mut self, line: &str) -> Result<(), Trouble> {
        let is_pins = self.bus.pins().is_some();
        if is_pins && (line == "reset" || line.starts_with("at ") || line.starts_with("< ")) {
            self.pins(line)
        } else if let Some(message) = line.strip_prefix("<kept ") {
            self.hear(message, true)
        } else if let Some(message) = line.strip_prefix("< ") {
            self.hear(message, false)
        } else if let Some(command) = line.strip_prefix("! ") {
            self.command(command)
        } else if let Some(read) = line.strip_prefix("ask ") {
            let read: usize = read.trim().parse().map_err(|_| Trouble::NotALine)?;
            self.steps = 0;
            let name = self.bus_name();
            let count = self.bus.poller().ok_or(Trouble::NotHere(name))?.0.roster().reads.len();
            if read >= count {
                return Err(Trouble::NoRead(read));
            }
            self.ask(Job::Read(read))
        } else if line == "reset" {
            let name = self.bus_name();
            if let Some((poller, _)) = self.bus.poller() {
                poller.reset(0);
            } else {
                self.bus.listener().ok_or(Trouble::NotHere(name))?.0.reset();
            }
            Ok(())
        } else {
            Err(Trouble::NotALine)
        }
    }

    fn bus_name(&self) -> &'static str {
        self.bus.spec().name
    }

    fn check(&mut self, line: usize, wanted: Option<String>, found: Option<String>) {
        self.played.checks.push(Check { line, wanted, found });
    }

    fn expect(&mut self, line: &str) {
        let wanted = match line.strip_prefix("> ") {
            Some(sent) => format!("> {}", self.style.wanted(sent)),
            None => line.to_owned(),
        };
        // Of the same point or output, or sent as this is.
        let about =
            |text: &str| text.split(' ').take(if text.starts_with('>') { 1 } else { 2 }).collect::<String>();
        let wanted_about = about(&wanted);
        match self.news.iter().position(|news| about(news) == wanted_about) {
            Some(place) => {
                for more in self.news.drain(..place).collect::<Vec<_>>() {
                    self.check(self.cause, None, Some(more));
                }
                let found = self.news.pop_front();
                self.check(self.line, Some(wanted), found);
            }
            None => self.check(self.line, Some(wanted), None),
        }
    }

    fn expect_nothing(&mut self) {
        for more in std::mem::take(&mut self.news) {
            self.check(self.cause, None, Some(more));
        }
    }

    fn tell(&mut self, text: String) {
        self.news.push_back(format!("= {text}"));
    }

    /// Adds what is sent for a job to the news.
    fn ask(&mut self, job: Job) -> Result<(), Trouble> {
        let name = self.bus_name();
        let (poller, _) = self.bus.poller().ok_or(Trouble::NotHere(name))?;
        let mut request = Vec::new();
        if !poller.ask(job, &mut request) {
            return Err(Trouble::NotTold);
        }
        self.job = Some(job);
        self.news.push_back(format!("> {}", self.style.show(&request)));
        Ok(())
    }

    fn answered(&mut self, text: &str) -> Result<(), Trouble> {
        let job = self.job.ok_or(Trouble::NotAsked)?;
        let bytes = self.style.read(text)?;
        let (name, now) = (self.bus_name(), self.now());
        let (poller, readings) = self.bus.poller().ok_or(Trouble::NotHere(name))?;
        let answer = poller.answer(job, &bytes, false, now, readings);
        let batch = std::mem::take(readings.batch());
        self.take(&batch);
        match answer {
            Answer::GoOn if self.steps < STEPS_MAX => {
                self.steps += 1;
                self.ask(job)?;
            }
            Answer::Done { used, .. } if used == bytes.len() => {}
            Answer::Refused { .. } => self.tell("refused".to_owned()),
            Answer::Absent { .. } => self.tell("absent".to_owned()),
            Answer::Unfinished => self.tell("unfinished".to_owned()),
            // More came than the answer has.
            Answer::Done { .. } | Answer::Strange | Answer::GoOn => self.tell("strange".to_owned()),
        }
        Ok(())
    }

    fn now(&self) -> Mono {
        Mono::from_millis(self.line as u64)
    }

    fn hear(&mut self, text: &str, is_kept: bool) -> Result<(), Trouble> {
        if self.bus.poller().is_some() {
            return self.answered(text);
        }
        let (name, now) = (self.bus_name(), self.now());
        if let Some(stage) = &mut self.stage {
            stage.says(text, &mut self.bus.readings).ok_or(Trouble::NotHere(name))?;
            let batch = std::mem::take(self.bus.readings.batch());
            self.take(&batch);
            return Ok(());
        }
        let bytes = unescape(text);
        let split = bytes.iter().position(|byte| *byte == b' ').unwrap_or(bytes.len());
        let (topic, payload) = bytes.split_at_checked(split).unwrap_or((&bytes, &[]));
        let heard = if name == crate::mqtt::SPEC.name {
            Heard::Message { topic, payload: payload.get(1..).unwrap_or_default(), is_kept }
        } else {
            Heard::Bytes(&bytes)
        };
        let (listener, readings) = self.bus.listener().ok_or(Trouble::NotHere(name))?;
        listener.hear(heard, now, readings);
        let batch = std::mem::take(readings.batch());
        self.take(&batch);
        Ok(())
    }

    /// Lines are taken, are due, or change.
    fn pins(&mut self, line: &str) -> Result<(), Trouble> {
        let words: Vec<&str> = line.split(' ').collect();
        let seconds = words.last().and_then(|last| last.parse::<f64>().ok()).unwrap_or(0.0);
        let now = Mono::from_millis((seconds * 1000.0) as u64);
        let name = self.bus_name();
        let inputs = self.bus.pins().ok_or(Trouble::NotHere(name))?.0.input_lines();
        for (place, input) in inputs.iter().enumerate() {
            self.pin(place, input, &words, (seconds, now));
        }
        if let Some((_, readings)) = self.bus.pins() {
            let batch = std::mem::take(readings.batch());
            self.take(&batch);
        }
        Ok(())
    }

    fn pin(&mut self, place: usize, input: &InputLine, words: &[&str], (seconds, now): (f64, Mono)) {
        let Some((pins, readings)) = self.bus.pins() else { return };
        // Nothing is connected yet: a line that is active when it is low is held up.
        let is_low = self.pins.is_low.entry(input.line.to_string()).or_insert(!input.is_active_low);
        match words {
            ["<", name, level, _] if input.line.to_string() == format!("line {name}") => {
                *is_low = *level == "low";
                let is_active = *is_low == input.is_active_low;
                if input.is_counted && !is_active {
                    return;
                }
                let sequence = self.pins.changes.entry(place).or_default();
                *sequence = sequence.saturating_add(1);
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

    fn take(&mut self, batch: &Batch) {
        let mut told: Vec<String> = batch.samples.iter().filter_map(|sample| self.sample(sample)).collect();
        // What was no value stands in the line that was said, and its point is bad.
        let is_shown = |report: &&Report| !matches!(report, Report::Misheard { .. } | Report::Unclear { .. });
        told.extend(batch.reports.iter().filter(is_shown).map(|report| self.report(report)));
        told.into_iter().for_each(|text| self.tell(text));
    }

    /// What a site that runs makes of a sample: what the file calls impossible is no value there.
    fn sample(&mut self, sample: &Sample) -> Option<String> {
        let catalog = self.subject.catalog;
        let spec = catalog.point(sample.point)?;
        let mut sample = *sample;
        if let Some(value) = sample.value.filter(|value| sample.quality.is_good() && !spec.is_valid(*value)) {
            let impossible = Impossible {
                line: self.cause,
                point: self.short(&spec.name).to_owned(),
                value: spec.show(value),
            };
            self.played.impossible.push(impossible);
            (sample.value, sample.quality) = (None, Quality::Bad(Reason::OutOfRange));
        }
        let name = self.short(&spec.name);
        Some(match (sample.value, sample.quality) {
            (Some(value), quality) => format!("{name} {}{}", spec.show(value), mark(quality)),
            (None, quality) => {
                format!("{name} bad: {}", quality.reason().map_or("", |reason| reason.words()))
            }
        })
    }

    fn report(&self, report: &Report) -> String {
        match report {
            Report::Actual { output, actual, quality, .. } => {
                let spec = self.subject.catalog.output(*output);
                let state = actual
                    .zip(spec)
                    .map_or("unknown".to_owned(), |(actual, spec)| spec.show(actual).to_string());
                format!("{} is {state}{}", self.output(*output), mark(*quality))
            }
            Report::Reach { output, is_there, .. } => {
                let word = if *is_there { "can be reached" } else { "is out of reach" };
                format!("{} {word}", self.output(*output))
            }
            Report::WallClock { utc, .. } => format!("clock {}", utc.millis() / 1000),
            Report::Link { text, .. } | Report::Misheard { text, .. } => text.to_string(),
            Report::Unclear { text, .. } => text.as_deref().unwrap_or_default().to_owned(),
            Report::Written { output, result, .. } => format!("{} {result:?}", self.output(*output)),
        }
    }

    fn output(&self, output: OutputId) -> &str {
        self.subject.catalog.output(output).map_or("", |spec| self.short(&spec.name))
    }

    /// A name without that of the device.
    fn short<'b>(&'b self, name: &'b str) -> &'b str {
        match name.strip_prefix(self.subject.device) {
            Some("") => self.subject.only_output.unwrap_or(name),
            Some(rest) => rest.strip_prefix('.').unwrap_or(name),
            None => name,
        }
    }

    fn command(&mut self, text: &str) -> Result<(), Trouble> {
        let (name, state) = text.split_once(' ').ok_or(Trouble::NotALine)?;
        let full = format!("{}.{name}", self.subject.device);
        let Some(Noun::Output(output)) = self.subject.catalog.resolve(&full) else {
            return Err(Trouble::NoOutput(name.to_owned()));
        };
        let wanted = match state {
            "open" => Wanted::OPEN,
            "closed" => Wanted::CLOSED,
            level => match parse_quantity(level) {
                Ok(quantity) => Wanted::Level(quantity.base),
                Err(_) => return Err(Trouble::NotAState(level.to_owned())),
            },
        };
        if self.bus.poller().is_some() {
            self.steps = 0;
            return self.ask(Job::Write { output, wanted });
        }
        if let Some((pins, _)) = self.bus.pins() {
            let (place, is_active) = pins.command(output, wanted).ok_or(Trouble::NotTold)?;
            let lines = pins.output_lines();
            let line = lines.get(place).ok_or(Trouble::NotTold)?;
            let number = line.line.to_string().replace("line ", "");
            let level = if is_active == line.is_active_low { "low" } else { "high" };
            self.news.push_back(format!("> {number} {level}"));
            return Ok(());
        }
        if let Some(stage) = &mut self.stage {
            let told = stage.tell(output, wanted).ok_or(Trouble::NotTold)?;
            self.news.extend(told.into_iter().map(|told| format!("> {told}")));
            return Ok(());
        }
        let command = self.bus.command(output, wanted).ok_or(Trouble::NotTold)?;
        self.news.push_back(format!("> {} {}", escape(&command.topic), escape(&command.payload)));
        Ok(())
    }
}

/// How far a value is not to be believed.
fn mark(quality: Quality) -> String {
    match quality {
        Quality::Good => String::new(),
        Quality::Uncertain(reason) | Quality::Bad(reason) => format!(" ({})", reason.words()),
    }
}
