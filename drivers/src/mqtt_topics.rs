//! Who reads which MQTT topic: from messages to samples. Knows no socket.

use crate::mqtt_presence::{Announcement, Presences};
use crate::point::{PointReader, Raw};
use crate::pointer::{Found, Pointer};
use crate::readings::{Freshness, Readings, Report};
use crate::shape::{Heard, Heed, Listener};
use ballast_model::catalog::OutputId;
use ballast_model::{Finite, Mono, Quality, Reason, Value, Wanted};
use bytes::Bytes;
use std::collections::HashMap;

/// Who reads a topic. Exact topics only, so that one look-up finds them whatever their number.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    readers: HashMap<Box<[u8]>, Vec<Target>>,
    presences: Presences,
}

/// One reader of a topic.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) pointer: Option<Pointer>,
    pub(crate) to: To,
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
        let targets = self.readers.entry(topic.as_bytes().into()).or_default();
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
            self.add(&topic, Target { pointer, to: To::Presence(place) });
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
        let Some(targets) = self.readers.get(topic) else { return Heed { unknown: 1, ..heed } };
        for target in targets {
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
            if is_good { heed.good += 1 } else { heed.bad += 1 }
        }
        heed
    }

    fn reset(&mut self) {
        self.presences.reset();
    }
}

impl To {
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
