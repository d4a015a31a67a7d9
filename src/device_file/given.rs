//! What a person gave beside a device file, on the command line or in a transcript: written into the site around the file, and
//! found again where a mistake is about it. A person is never shown a place in a text that they did not write.

use ballast_config::diagnostics::Diagnostics;
use ballast_config::sources::Sources;
use ballast_model::diagnostic::{Diagnostic, FileId, Label, Span};

/// The site around the file, as [`ballast_config::load`] names it.
const SITE: &str = "site.yaml";
/// What the options together are called.
const COMMAND_LINE: &str = "command line";

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Where it stands.
    pub place: Where,
}

/// Where something stands that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// Behind this option.
    Option(&'static str),
    /// In this line of the transcript, from 1.
    Transcript(usize),
}

/// Where a key and its value stand in the text that the person wrote.
#[derive(Clone, Debug)]
struct Entry {
    /// Of the site.
    site: (Span, Span),
    /// Of the transcript, else of the command line.
    is_transcript: bool,
    /// There.
    own: (Span, Span),
    /// How many quotes stand in the site before what the person wrote, letter by letter; nothing where it is written
    /// otherwise there.
    quotes: Option<u32>,
}

/// Writes what was given, and finds it again.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    options: String,
    /// The first option for the bus.
    bus: Span,
    transcript: Option<(String, String)>,
    entries: Vec<Entry>,
}

impl Places {
    /// `transcript`: its path and its text.
    pub(super) fn new(transcript: Option<&(String, String)>) -> Self {
        Self { transcript: transcript.cloned(), ..Self::default() }
    }

    /// Writes `key: "value"` at the end of the site.
    pub(super) fn write(&mut self, given: &Given, site: &mut String) {
        let key = append(site, &quoted(&given.key));
        site.push_str(": ");
        let written = quoted(&given.value);
        let value = append(site, &written);
        let (is_transcript, own) = match given.place {
            Where::Option(option) => (false, self.option(option, given)),
            Where::Transcript(line) => (true, self.line(line, given, '=')),
        };
        let is_plain = written.get(1..written.len().saturating_sub(1)) == Some(given.value.as_str());
        self.entries.push(Entry { site: (key, value), is_transcript, own, quotes: is_plain.then_some(1) });
    }

    /// Writes `key: value` at the end of the site, as it stands in the transcript.
    pub(super) fn write_as_it_is(&mut self, given: &Given, site: &mut String) {
        let Where::Transcript(line) = given.place else { return };
        let key = append(site, &given.key);
        site.push_str(": ");
        let value = append(site, &given.value);
        let own = self.line(line, given, ' ');
        self.entries.push(Entry { site: (key, value), is_transcript: true, own, quotes: Some(0) });
    }

    /// A line of its own for every option.
    fn option(&mut self, option: &str, given: &Given) -> (Span, Span) {
        let start = length(&self.options);
        self.options.push_str(option);
        self.options.push(' ');
        let key = append(&mut self.options, &given.key);
        self.options.push('=');
        let value = append(&mut self.options, &given.value);
        if option == "--bus" && self.bus == Span::default() {
            self.bus = Span::new(start, value.end);
        }
        self.options.push('\n');
        (key, value)
    }

    fn line(&self, line: usize, given: &Given, between: char) -> (Span, Span) {
        let text = self.transcript.as_ref().map_or("", |(_, text)| text);
        let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = text.get(start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        // Behind `with ` or `point `.
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (before, behind) = rest.split_once(between).unwrap_or((rest, ""));
        let start = start + verb.len() + 1;
        let at = |text: &str, within: &str, from: usize| {
            let found = within.find(text).unwrap_or(0);
            let first = u32::try_from(start + from + found).unwrap_or(u32::MAX);
            Span::new(first, first.saturating_add(length(text)))
        };
        (at(&given.key, before, 0), at(&given.value, behind, before.len() + 1))
    }

    /// The same mistakes at the places where the person wrote what they are about.
    pub(super) fn of_person(&self, found: &Diagnostics, sources: &mut Sources) -> Diagnostics {
        let mut unused = Diagnostics::new();
        let options = sources.add(COMMAND_LINE, self.options.as_bytes(), &mut unused);
        let transcript = self
            .transcript
            .as_ref()
            .map(|(path, text)| sources.add(path.as_str(), text.as_bytes(), &mut unused));
        let is_site = |label: &Label| sources.name(label.file) == SITE;
        let mut moved = Diagnostics::new();
        for diagnostic in found.iter() {
            let mut diagnostic: Diagnostic = diagnostic.clone();
            if is_site(&diagnostic.primary) {
                let place = self.find(diagnostic.primary.span, options, transcript);
                // What was not given is missing from the options of the bus; without them, the points are what is odd.
                let elsewhere = || match (self.bus == Span::default(), self.entries.last(), transcript) {
                    (true, Some(entry), Some(transcript)) if entry.is_transcript => {
                        (transcript, entry.own.0.join(entry.own.1))
                    }
                    _ => (options, self.bus),
                };
                if place.is_none() && self.bus != Span::default() {
                    diagnostic.help = diagnostic.help.as_deref().map(as_options);
                }
                (diagnostic.primary.file, diagnostic.primary.span) = place.unwrap_or_else(elsewhere);
            }
            diagnostic.secondary.retain_mut(|label| {
                if !is_site(label) {
                    return true;
                }
                let place = self.find(label.span, options, transcript);
                if let Some((file, span)) = place {
                    (label.file, label.span) = (file, span);
                }
                place.is_some()
            });
            moved.push(diagnostic);
        }
        moved
    }

    fn find(&self, span: Span, options: FileId, transcript: Option<FileId>) -> Option<(FileId, Span)> {
        let within = |outer: Span| outer.start <= span.start && span.end <= outer.end;
        let (entry, is_key) = self.entries.iter().find_map(|entry| {
            let (key, value) = entry.site;
            if within(key) { Some((entry, true)) } else { within(value).then_some((entry, false)) }
        })?;
        let file = if entry.is_transcript { transcript? } else { options };
        if is_key {
            return Some((file, entry.own.0));
        }
        let (own, inner) = (entry.own.1, entry.site.1);
        // A part of a value is shown as that part where it was written as it is.
        let part = entry.quotes.and_then(|quotes| {
            let from = span.start.checked_sub(inner.start + quotes)?;
            let to = (span.end - inner.start).checked_sub(quotes)?;
            (own.start + to <= own.end).then(|| Span::new(own.start + from, own.start + to))
        });
        Some((file, part.unwrap_or(own)))
    }
}

/// `url: tcp://host` of a file is `--bus url=tcp://host` of a command line.
fn as_options(help: &str) -> String {
    let option = |(place, part): (usize, &str)| match part.split_once(": ") {
        // Every second part stands between backquotes.
        Some((key, value)) if place % 2 == 1 => format!("--bus {key}={value}"),
        _ => part.to_owned(),
    };
    help.split('`').enumerate().map(option).collect::<Vec<_>>().join("`")
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

fn append(text: &mut String, more: &str) -> Span {
    let start = length(text);
    text.push_str(more);
    Span::new(start, length(text))
}
