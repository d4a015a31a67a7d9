//! Devices that tell on a topic of their own whether they are there, most of them through a last will at the broker.
//!
//! A device that is gone has no values at once, long before they would be too old, and its outputs are out of reach. One
//! of which nothing was heard counts as there. Knows no socket.

use crate::point::Raw;
use crate::readings::{Readings, Report};
use crate::spec::{Key, Mistakes, key};
use ballast_model::catalog::OutputId;
use ballast_model::device::Settings;
use ballast_model::{Mono, Quality, Reason};
use std::collections::BTreeMap;

/// Keys of a point and of an output.
pub(crate) const KEYS: [Key; 4] = [
    key("availability", "topic on which the device says whether it is there; its last will"),
    key("availability_pointer", "JSON pointer to that word; absent for a payload that is the word"),
    key("available", "what it says when it is there (online)"),
    key("unavailable", "what it says, or the broker for it, when it is gone (offline)"),
];

/// How a device says that it is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Announcement {
    pub(crate) topic: Box<str>,
    pub(crate) pointer: Option<Box<str>>,
    there: Box<str>,
    gone: Box<str>,
}

impl Announcement {
    /// From the keys of a point or an output; `None` where it has none. Mistakes go to `mistakes`.
    pub(crate) fn read(settings: &Settings, mistakes: &mut Mistakes) -> Option<Self> {
        let word = |key: &str, default: &str| settings.get(key).unwrap_or(default).into();
        let topic = settings.get("availability")?;
        let announcement = Self {
            topic: topic.into(),
            pointer: settings.get("availability_pointer").map(Box::from),
            there: word("available", "online"),
            gone: word("unavailable", "offline"),
        };
        if announcement.there == announcement.gone {
            let text = format!("there and gone are both `{}`", announcement.gone);
            mistakes.add(settings.wrong("availability", text).help("the two need two words"));
        }
        Some(announcement)
    }
}

/// Who says so, and what belongs to each of them.
#[derive(Debug, Default)]
pub(crate) struct Presences {
    all: Vec<Presence>,
    by_announcement: BTreeMap<Announcement, usize>,
    of_slot: BTreeMap<usize, usize>,
    of_output: BTreeMap<OutputId, usize>,
}

#[derive(Debug)]
struct Presence {
    announcement: Announcement,
    slots: Vec<usize>,
    outputs: Vec<OutputId>,
    is_gone: bool,
}

impl Presences {
    /// The place of who announces so, and whether it is a new one.
    fn place(&mut self, announcement: Announcement) -> (usize, bool) {
        if let Some(place) = self.by_announcement.get(&announcement) {
            return (*place, false);
        }
        let place = self.all.len();
        self.by_announcement.insert(announcement.clone(), place);
        self.all.push(Presence { announcement, slots: Vec::new(), outputs: Vec::new(), is_gone: false });
        (place, true)
    }

    /// A point of such a device; gives its place where its topic must be read for the first time.
    pub(crate) fn add_slot(&mut self, announcement: Announcement, slot: usize) -> Option<usize> {
        let (place, is_new) = self.place(announcement);
        self.of_slot.insert(slot, place);
        if let Some(presence) = self.all.get_mut(place) {
            presence.slots.push(slot);
        }
        is_new.then_some(place)
    }

    /// An output of such a device; gives its place where its topic must be read for the first time.
    pub(crate) fn add_output(&mut self, announcement: Announcement, output: OutputId) -> Option<usize> {
        let (place, is_new) = self.place(announcement);
        self.of_output.insert(output, place);
        if let Some(presence) = self.all.get_mut(place) {
            presence.outputs.push(output);
        }
        is_new.then_some(place)
    }

    /// Whether the device of a point has said that it is gone.
    pub(crate) fn is_slot_gone(&self, slot: usize) -> bool {
        self.of_slot.get(&slot).is_some_and(|place| self.is_gone(*place))
    }

    /// Whether the device of an output has.
    pub(crate) fn is_output_gone(&self, output: OutputId) -> bool {
        self.of_output.get(&output).is_some_and(|place| self.is_gone(*place))
    }

    fn is_gone(&self, place: usize) -> bool {
        self.all.get(place).is_some_and(|presence| presence.is_gone)
    }

    /// What such a device says of itself.
    pub(crate) fn words(&self, place: usize) -> Vec<String> {
        let of = |presence: &Presence| {
            [&presence.announcement.there, &presence.announcement.gone].map(|word| word.to_string())
        };
        self.all.get(place).map(|presence| of(presence).into()).unwrap_or_default()
    }

    /// The connection was made anew: what was said before counts no longer.
    pub(crate) fn reset(&mut self) {
        self.all.iter_mut().for_each(|presence| presence.is_gone = false);
    }

    /// A device says something of itself. Returns whether it was understood.
    pub(crate) fn hear(&mut self, place: usize, raw: Option<Raw<'_>>, now: Mono, out: &mut Readings) -> bool {
        let (Some(presence), Some(Raw::Text(text))) = (self.all.get_mut(place), raw) else { return false };
        let text = text.trim_ascii();
        let is_gone = text == presence.announcement.gone.as_bytes();
        if !is_gone && text != presence.announcement.there.as_bytes() {
            return false;
        }
        if std::mem::replace(&mut presence.is_gone, is_gone) == is_gone {
            return true;
        }
        for output in &presence.outputs {
            out.report(Report::Reach { output: *output, is_there: !is_gone, at: now });
        }
        if is_gone {
            for slot in &presence.slots {
                out.bad(*slot, Reason::Offline, now);
            }
            for output in &presence.outputs {
                let quality = Quality::Bad(Reason::Offline);
                out.report(Report::Actual { output: *output, actual: None, quality, at: now });
            }
        }
        true
    }
}
