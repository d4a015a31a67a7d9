//! Writes down what happens: into the history, onto the terminal, into the counters.
//!
//! Control never waits for it: the history has its own thread and its own bounds, and so has the [`Screen`], which gets at most
//! [`LINES_PER_SECOND`] lines.

use super::screen::Screen;
use super::told::Told;
use crate::cli::arguments::Format;
use crate::cli::terminal::{BAD, FAINT, LOOK, Output, styled};
use crate::report::instant;
use crate::report::language::{Language, Sentence, say};
use ballast_history::{Event, SavedState, Severity, StatePart, Store, Ticket};
use ballast_host::Clock;
use ballast_model::almanac::Zone;
use ballast_model::time::Stamp;
use ballast_model::{Mono, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Lines on the terminal in one second; the rest are counted in one line.
pub const LINES_PER_SECOND: u32 = 100;

/// Takes the lines that people see.
pub type ShowLine = Box<dyn FnMut(&str) + Send>;

/// What one who listens hears.
pub enum Heard<'a> {
    /// Something happened then.
    Told(Mono, &'a Told),
    /// What a restart would find; only where there is no history that keeps it.
    Saved(SavedState),
}

/// Listens to everything that is told, whatever is shown of it.
pub type Listen = Box<dyn FnMut(Heard<'_>) + Send>;

/// Writes down what happens.
pub struct Recorder {
    store: Option<Store>,
    clock: Arc<Clock>,
    output: Output,
    screen: Option<Screen>,
    show_line: Option<ShowLine>,
    listen: Option<Listen>,
    zone: Zone,
    is_quiet: bool,
    line_second: Mono,
    lines: u32,
    /// How many events there were, by kind.
    pub counts: BTreeMap<&'static str, u64>,
    /// Events that the history could not take.
    pub lost: u64,
    /// Somebody has to act, and heard of it then: the journal of what led here shall be kept.
    pub alarmed: Option<Mono>,
    last_event: Option<Ticket>,
    last_save: Option<Ticket>,
}

impl Recorder {
    /// A recorder that writes into `store`, where there is one.
    pub fn new(store: Option<Store>, clock: Arc<Clock>, output: Output, is_quiet: bool) -> Self {
        Self {
            store,
            clock,
            output,
            screen: None,
            show_line: None,
            listen: None,
            zone: Zone::default(),
            is_quiet,
            line_second: Mono::ZERO,
            lines: 0,
            counts: BTreeMap::new(),
            lost: 0,
            alarmed: None,
            last_event: None,
            last_save: None,
        }
    }

    /// Lines for people go here instead of the standard output.
    pub fn show_through(&mut self, show_line: ShowLine) {
        self.show_line = Some(show_line);
    }

    /// Somebody listens.
    pub fn listen_through(&mut self, listen: Listen) {
        self.listen = Some(listen);
    }

    /// In which language people read on the terminal.
    pub fn language(&self) -> Language {
        self.output.language
    }

    /// Local time is that of this zone from now on.
    pub fn set_zone(&mut self, zone: Zone) {
        self.zone = zone;
    }

    /// Writes down one thing that happened at a moment: what another process saw may be told here much later. The ticket
    /// tells when it is durable.
    pub fn tell(&mut self, at: Mono, told: &Told) -> Option<Ticket> {
        *self.counts.entry(told.kind).or_default() += 1;
        if told.severity >= Severity::Alarm && !told.is_of_start {
            self.alarmed.get_or_insert_with(|| self.clock.now());
        }
        if let Some(listen) = &mut self.listen {
            listen(Heard::Told(at, told));
        }
        let stamp = self.clock.stamp_of(at);
        self.show(&stamp, told);
        let store = self.store.as_ref()?;
        let event = Event {
            stamp,
            kind: told.kind.to_owned(),
            severity: told.severity,
            audit: told.who.is_some(),
            payload: told.payload(),
            subject: told.subject.clone(),
            who: told.who.clone(),
        };
        match store.append(event) {
            Ok(ticket) => {
                self.last_event = Some(ticket.clone());
                Some(ticket)
            }
            Err(_) => {
                self.lost += 1;
                None
            }
        }
    }

    /// Receipts for everything told and saved so far; `None` where nothing is kept.
    pub fn pending(&self) -> Option<Vec<Ticket>> {
        let is_healthy = self.store.as_ref()?.health().ok;
        is_healthy.then(|| self.last_event.iter().chain(&self.last_save).cloned().collect())
    }

    /// Shows a text of several lines, mistakes drawn into their texts, say.
    pub fn complain(&mut self, text: &Sentence) {
        let text = text.in_language(self.output.language).trim_end();
        self.screen().complain(text);
    }

    fn screen(&mut self) -> &mut Screen {
        self.screen.get_or_insert_with(|| Screen::new(self.output))
    }

    /// Saves the state; the newest save wins where the disk is slow.
    pub fn save(&mut self, parts: Vec<StatePart>) {
        let stamp = self.clock.stamp();
        let Some(store) = &self.store else {
            if let Some(listen) = &mut self.listen {
                listen(Heard::Saved(SavedState { generation: 1, stamp, parts }));
            }
            return;
        };
        self.last_save = store.save_state(parts, stamp).ok().or(self.last_save.take());
    }

    /// The store, for its health and its readers.
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Waits for the last writes.
    pub fn close(self, patience: std::time::Duration) {
        if let Some(store) = self.store {
            store.close(patience);
        }
    }

    /// In which language the line of such an event will be read now; English where none will be shown.
    pub fn reader(&self, now: Mono, severity: Severity) -> Language {
        let is_for_people = self.output.format == Format::Text;
        let is_quiet = self.is_quiet && severity < Severity::Warning;
        let has_room = self.lines < LINES_PER_SECOND
            || severity >= Severity::Alarm
            || now.since(self.line_second) >= Span::from_secs(1);
        if is_for_people && !is_quiet && has_room { self.output.language } else { Language::En }
    }

    fn show(&mut self, stamp: &Stamp, told: &Told) {
        let now = stamp.mono;
        if self.is_quiet && told.severity < Severity::Warning {
            return;
        }
        if now.since(self.line_second) >= Span::from_secs(1) {
            if self.lines > LINES_PER_SECOND {
                let more = self.lines - LINES_PER_SECOND;
                let more = say!(
                    self.output.language,
                    "             ... and {more} more in that second",
                    "             ... et {more} autres dans cette seconde"
                );
                self.line(&styled(FAINT, &more));
            }
            self.line_second = now;
            self.lines = 0;
        }
        self.lines += 1;
        if self.lines > LINES_PER_SECOND && told.severity < Severity::Alarm {
            return;
        }
        match self.output.format {
            Format::Text => {
                let time = instant::clock(stamp.utc, &self.zone);
                let french = told.french.as_ref().filter(|_| self.output.is_french());
                let sentence = french.unwrap_or(&told.sentence);
                let sentence = match told.severity {
                    Severity::Alarm => styled(BAD, sentence),
                    Severity::Warning => styled(LOOK, sentence),
                    _ => sentence.clone(),
                };
                self.line(&format!("{} {sentence}", styled(FAINT, &time)));
            }
            Format::Json => {
                let data: serde_json::Value = serde_json::from_str(&told.data).unwrap_or_default();
                let line = serde_json::json!({
                    "at": instant::utc(stamp.utc),
                    "kind": told.kind,
                    "subject": told.subject,
                    "severity": format!("{:?}", told.severity).to_lowercase(),
                    "who": told.who,
                    "sentence": told.sentence,
                    "data": data,
                });
                self.line(&line.to_string());
            }
        }
    }

    fn line(&mut self, text: &str) {
        match &mut self.show_line {
            Some(show) => show(text),
            None => self.screen().line(text),
        }
    }
}
