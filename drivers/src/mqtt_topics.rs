//! Who reads which MQTT topic: from messages to samples. Knows no socket.

use crate::mqtt_misheard::{self, Complaints, Expected};
use crate::mqtt_presence::{Announcement, Presences};
use crate::point::{PointReader, Raw};
use crate::pointer::{Found, Pointer};
use crate::readings::{Freshness, Readings, Report};
use crate::shape::{Heard, Heed, Listener};
use ballast_model::catalog::{OutputId, PointId};
use ballast_model::{Finite, Mono, Quality, Reason, Value, Wanted};
use bytes::Bytes;
use std::collections::HashMap;

/// Who reads a topic. Exact topics only, so that one look-up finds them whatever their number.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    readers: HashMap<Box<[u8]>, Readers>,
    presences: Presences,
}

/// Everyone who reads a topic.
#[derive(Debug, Default)]
struct Readers {
    targets: Vec<Target>,
    /// Of payloads that are no documents, where one is expected: that is told once for all readers. Most topics need none.
    complaints: Option<Box<Complaints>>,
}

/// Who missed a document in a payload.
#[derive(Debug, Default)]
struct Without {
    pointer: Option<String>,
    points: Vec<PointId>,
    outputs: Vec<OutputId>,
}

/// One reader of a topic.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) pointer: Option<Pointer>,
    pub(crate) to: To,
    /// Most need none.
    complaints: Option<Box<Complaints>>,
}

impl Target {
    pub(crate) fn new(pointer: Option<Pointer>, to: To) -> Self {
        Self { pointer, to, complaints: None }
    }

    /// Says what came instead of a value, where that is news. A number by which the device says that it has none is a value.
    fn complain(
        &mut self,
        topic: &[u8],
        payload: &[u8],
        found: Option<&Found<'_>>,
        words: &[String],
        now: Mono,
        out: &mut Readings,
    ) {
        let is_said_to_be_none = || {
            let last = out.last_reason();
            matches!(self.to, To::Point(_)) && last != Some(Reason::NotAValue)
        };
        let said = mqtt_misheard::said(payload, found);
        if is_said_to_be_none() || !self.complaints.get_or_insert_default().is_news(said, now) {
            return;
        }
        let of_point = if let To::Point(slot) = self.to { out.reader(slot) } else { None };
        let of_point = of_point.map(PointReader::words).unwrap_or_default();
        let words: Vec<&str> = of_point.into_iter().chain(words.iter().map(String::as_str)).collect();
        let expected = if words.is_empty() { Expected::Number } else { Expected::OneOf(&words) };
        let pointer = self.pointer.as_ref().map(Pointer::text);
        let text = mqtt_misheard::text(topic, said, pointer.as_deref(), expected).into();
        let points = self.to.point(out).into_iter().collect();
        let outputs = self.to.output().into_iter().collect();
        out.report(Report::Misheard { points, outputs, text, at: now });
    }
}

/// What came was understood.
fn well(complaints: &mut Option<Box<Complaints>>) {
    if let Some(complaints) = complaints {
        complaints.well();
    }
}

impl Without {
    fn note(&mut self, target: &Target, out: &Readings) {
        self.pointer = self.pointer.take().or_else(|| target.pointer.as_ref().map(Pointer::text));
        self.points.extend(target.to.point(out));
        self.outputs.extend(target.to.output());
    }
}

impl Readers {
    fn complain(&mut self, topic: &[u8], payload: &[u8], without: Without, now: Mono, out: &mut Readings) {
        let Some(pointer) = &without.pointer else { return well(&mut self.complaints) };
        if self.complaints.get_or_insert_default().is_news(payload, now) {
            let text = mqtt_misheard::text(topic, payload, Some(pointer), Expected::Document).into();
            let Without { points, outputs, .. } = without;
            out.report(Report::Misheard { points, outputs, text, at: now });
        }
    }
}

/// What a value is for.
#[derive(Debug)]
pub(crate) enum To {
    Point(usize),
    Contact {
        output: OutputId,
        open: Box<[u8]>,
        closed: Box<[u8]>,
    },
    Level {
        output: OutputId,
        reader: PointReader,
    },
    /// Whether a device is there, by its place.
    Presence(usize),
}

impl Topics {
    /// Every topic, sorted.
    pub(crate) fn filters(&self) -> Vec<Bytes> {
        let mut filters: Vec<Bytes> =
            self.readers.keys().map(|topic| Bytes::copy_from_slice(topic)).collect();
        filters.sort_unstable();
        filters
    }

    /// One more reader of a topic.
    pub(crate) fn add(&mut self, topic: &str, target: Target) {
        let targets = &mut self.readers.entry(topic.as_bytes().into()).or_default().targets;
        if targets.is_empty() {
            // Most topics have one reader, and a list that grows makes room for four.
            targets.reserve_exact(1);
        }
        targets.push(target);
    }

    /// A point or an output belongs to a device that announces itself so.
    pub(crate) fn announce(&mut self, announcement: Announcement, pointer: Option<Pointer>, to: &To) {
        let topic = announcement.topic.clone();
        let place = match to {
            To::Point(slot) => self.presences.add_slot(announcement, *slot),
            To::Contact { output, .. } | To::Level { output, .. } => {
                self.presences.add_output(announcement, *output)
            }
            To::Presence(_) => None,
        };
        if let Some(place) = place {
            self.add(&topic, Target::new(pointer, To::Presence(place)));
        }
    }

    /// Whether the device of an output has said that it is gone.
    pub(crate) fn is_gone(&self, output: OutputId) -> bool {
        self.presences.is_output_gone(output)
    }
}

impl Listener for Topics {
    fn hear(&mut self, heard: Heard<'_>, now: Mono, out: &mut Readings) -> Heed {
        let mut heed = Heed::default();
        let Heard::Message { topic, payload, is_kept } = heard else { return heed };
        let freshness = if is_kept { Freshness::Kept } else { Freshness::Live };
        let Some(readers) = self.readers.get_mut(topic) else { return Heed { unknown: 1, ..heed } };
        let mut without_document = Without::default();
        for target in &mut readers.targets {
            let found = target.pointer.as_ref().map(|pointer| pointer.find(payload));
            let raw = match &found {
                None => Some(Raw::Text(payload)),
                // A document that does not speak of this value leaves it as it is; it ages.
                Some(Some(Found::Missing)) => continue,
                Some(Some(Found::Number(number))) => Some(Raw::Number(*number)),
                Some(Some(Found::Text(text))) => Some(Raw::Text(text.as_bytes())),
                Some(Some(Found::Flag(flag))) => Some(Raw::Text(if *flag { b"true" } else { b"false" })),
                Some(Some(Found::NoScalar) | None) => None,
            };
            let is_good = match &target.to {
                To::Presence(place) => self.presences.hear(*place, raw, now, out),
                // What the broker kept of a device that is gone says nothing new.
                To::Point(slot) if is_kept && self.presences.is_slot_gone(*slot) => true,
                to => to.tell(raw, freshness, now, out),
            };
            if is_good {
                heed.good += 1;
                well(&mut target.complaints);
                continue;
            }
            heed.bad += 1;
            match found {
                Some(None) => without_document.note(target, out),
                found => {
                    let words = target.to.words(&self.presences);
                    target.complain(topic, payload, found.flatten().as_ref(), &words, now, out);
                }
            }
        }
        readers.complain(topic, payload, without_document, now, out);
        heed
    }

    fn reset(&mut self) {
        self.presences.reset();
    }
}

impl To {
    /// The point that it is for, if it is one.
    fn point(&self, out: &Readings) -> Option<PointId> {
        if let Self::Point(slot) = self { out.point(*slot) } else { None }
    }

    /// The output whose state it is, if it is one's.
    const fn output(&self) -> Option<OutputId> {
        match self {
            Self::Contact { output, .. } | Self::Level { output, .. } => Some(*output),
            Self::Point(_) | Self::Presence(_) => None,
        }
    }

    /// The words that are understood; none where it is a number, or where the point itself knows.
    fn words(&self, presences: &Presences) -> Vec<String> {
        let shown = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
        match self {
            Self::Contact { open, closed, .. } => vec![shown(closed), shown(open)],
            Self::Presence(place) => presences.words(*place),
            Self::Point(_) | Self::Level { .. } => Vec::new(),
        }
    }

    /// Passes a value on; `None` for a payload that has none. Returns whether it was understood.
    fn tell(&self, raw: Option<Raw<'_>>, freshness: Freshness, now: Mono, out: &mut Readings) -> bool {
        let (output, actual) = match self {
            Self::Point(slot) => match raw {
                Some(raw) => return out.put(*slot, raw, freshness, now),
                None => {
                    out.bad(*slot, Reason::NotAValue, now);
                    return false;
                }
            },
            Self::Contact { output, open, closed } => (output, contact(raw, open, closed)),
            Self::Level { output, reader } => match raw.map(|raw| reader.read(raw)) {
                Some(Ok(Value::Number(level))) => (output, Some(Wanted::Level(level))),
                _ => (output, None),
            },
            Self::Presence(_) => return false,
        };
        let quality = match (actual, freshness) {
            (None, _) => Quality::Bad(Reason::NotAValue),
            (_, Freshness::Kept) => Quality::Uncertain(Reason::Retained),
            (_, Freshness::Live) => Quality::Good,
        };
        out.report(Report::Actual { output: *output, actual, quality, at: now });
        actual.is_some()
    }
}

fn contact(raw: Option<Raw<'_>>, open: &[u8], closed: &[u8]) -> Option<Wanted> {
    let is = |word: &[u8]| match raw {
        Some(Raw::Text(text)) => text.trim_ascii() == word,
        Some(Raw::Number(number)) => {
            crate::point::parse_number(word).and_then(Finite::new) == Finite::new(number)
        }
        None => false,
    };
    match (is(closed), is(open)) {
        (true, false) => Some(Wanted::CLOSED),
        (false, true) => Some(Wanted::OPEN),
        _ => None,
    }
}
