//! Who reads which MQTT topic: from messages to samples. Knows no socket.

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
pub(crate) struct Topics(HashMap<Box<[u8]>, Vec<Target>>);

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
    Contact { output: OutputId, open: Box<[u8]>, closed: Box<[u8]> },
    Level { output: OutputId, reader: PointReader },
}

impl Topics {
    /// Every topic, sorted.
    pub(crate) fn filters(&self) -> Vec<Bytes> {
        let mut filters: Vec<Bytes> = self.0.keys().map(|topic| Bytes::copy_from_slice(topic)).collect();
        filters.sort_unstable();
        filters
    }

    /// One more reader of a topic.
    pub(crate) fn add(&mut self, topic: &str, target: Target) {
        self.0.entry(topic.as_bytes().into()).or_default().push(target);
    }
}

impl Listener for Topics {
    fn hear(&mut self, heard: Heard<'_>, now: Mono, out: &mut Readings) -> Heed {
        let mut heed = Heed::default();
        let Heard::Message { topic, payload, is_kept } = heard else { return heed };
        let freshness = if is_kept { Freshness::Kept } else { Freshness::Live };
        let Some(targets) = self.0.get(topic) else { return Heed { unknown: 1, ..heed } };
        for target in targets {
            let understood = match &target.pointer {
                None => Some(target.to.tell(Some(Raw::Text(payload)), freshness, now, out)),
                Some(pointer) => match pointer.find(payload) {
                    // A document that does not speak of this value leaves it as it is; it ages.
                    Some(Found::Missing) => None,
                    Some(Found::Number(number)) => {
                        Some(target.to.tell(Some(Raw::Number(number)), freshness, now, out))
                    }
                    Some(Found::Text(text)) => {
                        Some(target.to.tell(Some(Raw::Text(text.as_bytes())), freshness, now, out))
                    }
                    Some(Found::Flag(flag)) => {
                        let text: &[u8] = if flag { b"true" } else { b"false" };
                        Some(target.to.tell(Some(Raw::Text(text)), freshness, now, out))
                    }
                    Some(Found::NoScalar) | None => Some(target.to.tell(None, freshness, now, out)),
                },
            };
            heed.good += u32::from(understood == Some(true));
            heed.bad += u32::from(understood == Some(false));
        }
        heed
    }

    fn reset(&mut self) {}
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
