//! The byte machine: finds frames and groups, resynchronises, counts. It must never wait for a byte that may not come and
//! never hold more than one group.

use crate::counters::Counters;
use crate::event::{Cause, Event, Events};
use crate::group::{self, Group, Mode};
use crate::parity::{BIT_7, Line, Parity};

/// Most bytes between LF and CR. The longest group of CPT_54E, `PJOURF+1` with 98 characters, has 109; one with a horodate too
/// would have 123. What is longer is dropped as [`Cause::Oversize`] and counted.
pub const MAX_GROUP: usize = 128;

/// What the caller knows beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The mode, if only one is to be accepted.
    pub mode: Option<Mode>,
    /// What bit 7 is.
    pub parity: Parity,
}

/// Decodes a stream, byte by byte. See the crate's page for the format.
#[derive(Clone, Debug)]
pub struct Decoder {
    settings: Settings,
    line: Line,
    place: Place,
    buffer: Buffer,
    frame: Frame,
    mode: Option<Mode>,
    counters: Counters,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl Decoder {
    /// A decoder that has heard nothing.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            line: Line::new(settings.parity),
            place: Place::Unsynchronised,
            buffer: Buffer::default(),
            frame: Frame::default(),
            mode: None,
            counters: Counters::default(),
        }
    }

    /// Takes one byte; the events must be consumed before the next one.
    pub fn push(&mut self, byte: u8) -> Events<'_> {
        self.counters.bytes += 1;
        self.line.hear(byte);
        self.buffer.forget_judged();
        let Some(control) = Control::of(byte & !BIT_7).filter(|_| self.line.trusts_control(byte)) else {
            self.collect(byte);
            return Events::default();
        };
        let place = self.place;
        self.place = place.after(control);
        if place == Place::Unsynchronised && control == Control::GroupEnd {
            self.counters.skipped += 1;
        }
        let ended = match place {
            Place::Unsynchronised | Place::Between => None,
            Place::Stray => Some(Event::Damaged { cause: Cause::Unopened, label: None }),
            Place::Group => judge(&mut self.buffer, &self.line, self.settings.mode, control),
        };
        if let Some(Event::Group(group)) = &ended {
            self.mode = Some(group.mode);
        }
        let [frame_end, last] = self.frame.turn(control, ended.as_ref());
        let events = [ended, frame_end, last];
        for event in events.iter().flatten() {
            self.counters.count(event);
        }
        Events::new(events)
    }

    /// Takes many bytes and hands every event to `sink`, in order; the same as [`Self::push`] for each of them.
    pub fn decode(&mut self, bytes: &[u8], mut sink: impl FnMut(Event<'_>)) {
        for &byte in bytes {
            for event in self.push(byte) {
                sink(event);
            }
        }
    }

    /// Forgets the open group and frame, the mode and what was heard of the parity: the port was opened anew. An open group
    /// is not counted, for nothing can be said of it. The counters stay.
    pub fn reset(&mut self) {
        *self = Self { counters: self.counters, ..Self::new(self.settings) };
    }

    /// The mode of the last good group.
    pub const fn mode(&self) -> Option<Mode> {
        self.mode
    }

    /// Whether bit 7 carries parity, as set or as heard; `None` while that is open.
    pub const fn carries_parity(&self) -> Option<bool> {
        self.line.carries_parity()
    }

    /// Counts since the decoder was made.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Keeps a byte that is not a trusted control character.
    fn collect(&mut self, byte: u8) {
        match self.place {
            Place::Unsynchronised => self.counters.skipped += 1,
            Place::Between => self.place = Place::Stray,
            Place::Stray => {}
            Place::Group => self.buffer.put(byte),
        }
    }
}

/// Control characters of the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    FrameStart,
    FrameEnd,
    EndOfText,
    GroupStart,
    GroupEnd,
}

impl Control {
    const fn of(character: u8) -> Option<Self> {
        match character {
            0x02 => Some(Self::FrameStart),
            0x03 => Some(Self::FrameEnd),
            0x04 => Some(Self::EndOfText),
            b'\n' => Some(Self::GroupStart),
            b'\r' => Some(Self::GroupEnd),
            _ => None,
        }
    }
}

/// Where in the stream the decoder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first LF, STX, ETX or EOT.
    Unsynchronised,
    /// Outside a group.
    Between,
    /// Outside a group, and yet there were bytes.
    Stray,
    /// After LF.
    Group,
}

impl Place {
    const fn after(self, control: Control) -> Self {
        match (self, control) {
            (_, Control::GroupStart) => Self::Group,
            (Self::Unsynchronised, Control::GroupEnd) => Self::Unsynchronised,
            _ => Self::Between,
        }
    }
}

/// The open frame.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    is_open: bool,
    has_group: bool,
    has_damage: bool,
}

impl Frame {
    /// Takes in the group that a control character ended and the character itself; gives the frame's events.
    fn turn(&mut self, control: Control, ended: Option<&Event<'_>>) -> [Option<Event<'static>>; 2] {
        match ended {
            Some(Event::Group(_)) => self.has_group = true,
            Some(_) => self.has_damage = true,
            None => {}
        }
        let cut_short = self.is_open.then_some(Event::FrameEnd { complete: false });
        match control {
            Control::GroupStart | Control::GroupEnd => [None, None],
            Control::FrameStart => {
                *self = Self { is_open: true, ..Self::default() };
                [cut_short, Some(Event::FrameStart)]
            }
            Control::FrameEnd => {
                let complete = self.is_open && self.has_group && !self.has_damage;
                *self = Self::default();
                [Some(Event::FrameEnd { complete }), None]
            }
            Control::EndOfText => {
                *self = Self::default();
                [cut_short, Some(Event::EndOfText)]
            }
        }
    }
}

/// Bytes of the open group, bit 7 kept until they are judged.
#[derive(Clone, Debug)]
struct Buffer {
    bytes: [u8; MAX_GROUP],
    length: usize,
    is_oversize: bool,
    is_judged: bool,
}

impl Default for Buffer {
    fn default() -> Self {
        Self { bytes: [0; MAX_GROUP], length: 0, is_oversize: false, is_judged: false }
    }
}

impl Buffer {
    fn put(&mut self, byte: u8) {
        match self.bytes.get_mut(self.length) {
            Some(free) => {
                *free = byte;
                self.length += 1;
            }
            None => self.is_oversize = true,
        }
    }

    /// The last group's events borrowed the bytes; now they are free.
    fn forget_judged(&mut self) {
        if self.is_judged {
            self.length = 0;
            self.is_oversize = false;
            self.is_judged = false;
        }
    }

    fn raw(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Clears bit 7 everywhere and gives the characters.
    fn characters(&mut self) -> &[u8] {
        let bytes = self.bytes.get_mut(..self.length).unwrap_or_default();
        for byte in bytes.iter_mut() {
            *byte &= !BIT_7;
        }
        bytes
    }
}

/// Judges the group in the buffer; `None` if there was nothing in it, as between a LF and the ETX of some meters.
fn judge<'a>(
    buffer: &'a mut Buffer,
    line: &Line,
    wanted: Option<Mode>,
    control: Control,
) -> Option<Event<'a>> {
    buffer.is_judged = true;
    let is_oversize = buffer.is_oversize;
    let raw = buffer.raw();
    if raw.is_empty() {
        return None;
    }
    let is_intact = line.is_intact(raw);
    let label_length = raw.iter().take_while(|&&byte| !matches!(byte & !BIT_7, b' ' | b'\t')).count();
    let is_label_intact = raw.get(..=label_length).is_some_and(|label| line.is_intact(label));
    let characters = buffer.characters();
    let label = if is_label_intact { group::label_of(characters) } else { None };
    let damaged = |cause| Event::Damaged { cause, label };
    Some(if control == Control::EndOfText {
        damaged(Cause::Interrupted)
    } else if is_oversize {
        damaged(Cause::Oversize)
    } else if !is_intact {
        damaged(Cause::Parity)
    } else {
        let parsed: Result<Group<'a>, Cause> = group::parse(characters, wanted);
        parsed.map_or_else(damaged, Event::Group)
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::{String, ToString};
    use std::vec::Vec;
    use std::{format, vec};

    use super::*;

    /// One short word per event.
    fn words(decoder: &mut Decoder, bytes: &[u8]) -> Vec<String> {
        let mut words = vec![];
        decoder.decode(bytes, |event| {
            words.push(match event {
                Event::FrameStart => "start".to_string(),
                Event::Group(group) => format!("{}={}", group.label, group.value),
                Event::Damaged { cause, label } => format!("{cause}:{}", label.unwrap_or("?")),
                Event::FrameEnd { complete: true } => "complete".to_string(),
                Event::FrameEnd { complete: false } => "incomplete".to_string(),
                Event::EndOfText => "eot".to_string(),
            });
        });
        words
    }

    fn check(bytes: &[u8], expected: &[&str]) {
        assert_eq!(words(&mut Decoder::default(), bytes), expected, "{}", bytes.escape_ascii());
    }

    const PAPP: &[u8] = b"\nPAPP 00740 ,\r";

    fn joined(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn frame_of_two_groups_is_complete() {
        check(b"\x02\nPAPP 00740 ,\r\nHHPHC A ,\r\x03", &["start", "PAPP=00740", "HHPHC=A", "complete"]);
    }

    #[test]
    fn terminators_may_be_missing() {
        check(b"\x02\nPAPP 00740 ,\nHHPHC A ,\x03", &["start", "PAPP=00740", "HHPHC=A", "complete"]);
        check(
            b"\x02\nPAPP 00740 ,\nHHPHC A ,\x02\nPAPP 00740 ,\n",
            &["start", "PAPP=00740", "HHPHC=A", "incomplete", "start", "PAPP=00740"],
        );
    }

    #[test]
    fn stream_joined_in_the_middle_starts_without_complaint() {
        let mut decoder = Decoder::default();
        let bytes = joined(&[b"0740 ,\rno line feed here either\r", PAPP, b"\x03"]);
        assert_eq!(words(&mut decoder, &bytes), ["PAPP=00740", "incomplete"]);
        assert_eq!(decoder.counters().bytes_skipped(), 32);
        assert_eq!(decoder.counters().groups_damaged(), 0);
    }

    #[test]
    fn carriage_return_and_line_feed_around_the_frame_marks_are_harmless() {
        check(b"\x02\r\nPAPP 00740 ,\r\n\x03\x02\r\n", &["start", "PAPP=00740", "complete", "start"]);
    }

    #[test]
    fn damage_costs_one_group_and_the_frame() {
        check(b"\x02\nPAPP 00741 ,\r\nHHPHC A ,\r\x03", &["start", "checksum:PAPP", "HHPHC=A", "incomplete"]);
        check(b"\x02PAPP 00740 ,\r\nHHPHC A ,\r\x03", &["start", "unopened:?", "HHPHC=A", "incomplete"]);
        check(b"\x02\nPAPP\r\nHHPHC A ,\r\x03", &["start", "malformed:?", "HHPHC=A", "incomplete"]);
    }

    #[test]
    fn frame_without_a_group_is_not_complete() {
        check(b"\x02\x03", &["start", "incomplete"]);
    }

    #[test]
    fn oversize_group_is_dropped_and_the_next_is_not() {
        let long = joined(&[b"\x02\nMSG1\t", &[b'A'; MAX_GROUP], b"\t<\r", PAPP, b"\x03"]);
        check(&long, &["start", "oversize:MSG1", "PAPP=00740", "incomplete"]);
    }

    #[test]
    fn group_of_exactly_the_maximum_is_good() {
        let value = [b'A'; MAX_GROUP - 7];
        let checked = joined(&[b"MSG1\t", &value, b"\t"]);
        let bytes = joined(&[b"\n", &checked, &[crate::encode::checksum(&checked)], b"\r"]);
        assert_eq!(bytes.len(), MAX_GROUP + 2);
        let mut decoder = Decoder::default();
        words(&mut decoder, &bytes);
        assert_eq!(decoder.counters().groups_good(), 1);
    }

    #[test]
    fn end_of_text_drops_the_open_group_and_frame() {
        check(
            b"\x02\nPAPP 007\x04\x02\nHHPHC A ,\r\x03",
            &["start", "interrupted:PAPP", "incomplete", "eot", "start", "HHPHC=A", "complete"],
        );
        check(b"\x02\nHHPHC A ,\r\x04", &["start", "HHPHC=A", "incomplete", "eot"]);
    }

    #[test]
    fn label_is_told_only_where_its_own_bytes_are_intact() {
        let mut group = crate::encode::tests::group_with_parity("PAPP", "00740");
        if let Some(byte) = group.get_mut(8) {
            *byte ^= 0x01; // in the value
        }
        check(&group, &["parity:PAPP"]);
        if let Some(byte) = group.get_mut(1) {
            *byte ^= 0x01; // in the label: QAPP
        }
        check(&group, &["parity:?"]);
    }

    #[test]
    fn fixed_mode_drops_the_other() {
        let mut decoder = Decoder::new(Settings { mode: Some(Mode::Standard), ..Settings::default() });
        let found = words(&mut decoder, b"\nPAPP 00740 ,\r\nSINSTS\t00240\tL\r");
        assert_eq!(found, ["mode:PAPP", "SINSTS=00240"]);
        assert_eq!(decoder.mode(), Some(Mode::Standard));
    }

    #[test]
    fn reset_forgets_the_group_and_keeps_the_counters() {
        let mut decoder = Decoder::default();
        words(&mut decoder, &joined(&[PAPP, b"\nPAP"]));
        decoder.reset();
        assert_eq!(decoder.mode(), None);
        assert_eq!(words(&mut decoder, b"P 00740 ,\r\nHHPHC A ,\r"), ["HHPHC=A"]);
        assert_eq!(decoder.counters().groups_good(), 2);
        assert_eq!(decoder.counters().groups_damaged(), 0);
    }
}
