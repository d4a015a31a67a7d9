//! Random streams, random damage, random cuts.

use proptest::collection::vec;
use proptest::prelude::*;
use tic_decoder::encode::{Bit7, Writer};
use tic_decoder::{Cause, Decoder, Event, Mode, Parity, Settings, fields};

/// An event that outlives the decoder's buffer.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Start,
    Group { label: String, horodate: Option<String>, value: String },
    Damaged(Cause),
    End { complete: bool },
    EndOfText,
}

impl From<Event<'_>> for Seen {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::FrameStart => Self::Start,
            Event::Group(group) => Self::Group {
                label: group.label.into(),
                horodate: group.horodate.map(String::from),
                value: group.value.into(),
            },
            Event::Damaged { cause, .. } => Self::Damaged(cause),
            Event::FrameEnd { complete } => Self::End { complete },
            Event::EndOfText => Self::EndOfText,
        }
    }
}

fn seen_by(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Seen> {
    let mut seen = vec![];
    decoder.decode(bytes, |event| seen.push(Seen::from(event)));
    seen
}

fn groups(seen: &[Seen]) -> Vec<Seen> {
    seen.iter().filter(|event| matches!(event, Seen::Group { .. })).cloned().collect()
}

type RawGroup = (String, Option<String>, String);

fn raw_group(mode: Mode) -> impl Strategy<Value = RawGroup> {
    let (horodate, value) = match mode {
        Mode::Historical => (Just(None).boxed(), "[!-_]{1,20}"),
        Mode::Standard => (proptest::option::of("[EHeh ][0-9]{12}").boxed(), "[ -~]{0,98}"),
    };
    ("[A-Z][A-Z0-9+-]{0,8}", horodate, value)
}

fn frames() -> impl Strategy<Value = (Mode, Vec<Vec<RawGroup>>)> {
    prop_oneof![Just(Mode::Historical), Just(Mode::Standard)]
        .prop_flat_map(|mode| (Just(mode), vec(vec(raw_group(mode), 1..6), 1..4)))
}

#[expect(clippy::unwrap_used, reason = "the strategies make valid groups only")]
fn encoded(mode: Mode, frames: &[Vec<RawGroup>], bit_7: Bit7) -> Vec<u8> {
    let mut buffer = [0; 4096];
    let mut writer = Writer::new(&mut buffer, mode, bit_7);
    for frame in frames {
        writer.start_frame().unwrap();
        for (label, horodate, value) in frame {
            writer.group(label, horodate.as_deref(), value).unwrap();
        }
        writer.end_frame().unwrap();
    }
    writer.written().to_vec()
}

fn expected(frames: &[Vec<RawGroup>]) -> Vec<Seen> {
    let mut seen = vec![];
    for frame in frames {
        seen.push(Seen::Start);
        for (label, horodate, value) in frame.iter().cloned() {
            seen.push(Seen::Group { label, horodate, value });
        }
        seen.push(Seen::End { complete: true });
    }
    seen
}

/// Bytes that look like a stream more often than chance would have it.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => any::<u8>(),
        4 => prop::sample::select(b"\x02\x03\x04\n\r\t \x82\x8D\xA0".to_vec()),
        4 => prop::sample::select(b"PAPSINTH0123456789".to_vec()),
    ];
    vec(byte, 0..600)
}

fn settings() -> impl Strategy<Value = Settings> {
    let mode = prop::sample::select(vec![None, Some(Mode::Historical), Some(Mode::Standard)]);
    let parity = prop::sample::select(vec![Parity::Auto, Parity::Even, Parity::Stripped]);
    (mode, parity).prop_map(|(mode, parity)| Settings { mode, parity })
}

/// A frame that settles the parity before the damage.
fn settled(bit_7: Bit7) -> Decoder {
    let mut decoder = Decoder::default();
    let calm = [vec![("PAPP".into(), None, "00740".into())]];
    decoder.decode(&encoded(Mode::Historical, &calm, bit_7), |_| {});
    decoder
}

/// Whether `part` is `whole` with some events left out, and how many.
fn left_out(part: &[Seen], whole: &[Seen]) -> Option<usize> {
    let mut rest = whole.iter();
    part.iter().all(|event| rest.any(|other| other == event)).then(|| whole.len() - part.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn noise_never_panics_and_the_counters_add_up(bytes in noise(), settings in settings()) {
        let mut decoder = Decoder::new(settings);
        let mut seen = vec![];
        decoder.decode(&bytes, |event| {
            if let Event::Group(group) = event {
                let _ = fields::read(&group);
            }
            seen.push(Seen::from(event));
        });
        let counters = decoder.counters();
        let count = |wanted: &dyn Fn(&Seen) -> bool| seen.iter().filter(|event| wanted(event)).count() as u64;
        prop_assert_eq!(counters.bytes(), bytes.len() as u64);
        prop_assert!(counters.bytes_skipped() <= counters.bytes());
        prop_assert_eq!(counters.groups_good(), groups(&seen).len() as u64);
        prop_assert_eq!(counters.groups_damaged(), count(&|event| matches!(event, Seen::Damaged(_))));
        for &cause in Cause::ALL {
            prop_assert_eq!(counters.groups_damaged_by(cause), count(&|event| *event == Seen::Damaged(cause)));
        }
        prop_assert_eq!(counters.frames_started(), count(&|event| *event == Seen::Start));
        prop_assert_eq!(counters.frames_complete(), count(&|event| *event == Seen::End { complete: true }));
        prop_assert_eq!(counters.frames_incomplete(), count(&|event| *event == Seen::End { complete: false }));
        prop_assert_eq!(counters.interruptions(), count(&|event| *event == Seen::EndOfText));
        prop_assert!(counters.frames_complete() <= counters.frames_started());
    }

    #[test]
    fn what_is_encoded_is_decoded((mode, frames) in frames(), parity in any::<bool>()) {
        let bit_7 = if parity { Bit7::Parity } else { Bit7::Zero };
        // A settled decoder: a first group of a stripped stream with fewer than two odd characters would be lost.
        let mut decoder = settled(bit_7);
        prop_assert_eq!(seen_by(&mut decoder, &encoded(mode, &frames, bit_7)), expected(&frames));
        prop_assert_eq!(decoder.mode(), Some(mode));
        prop_assert_eq!(decoder.carries_parity(), Some(parity));
    }

    #[test]
    fn a_stream_with_parity_is_decoded_from_its_first_byte((mode, frames) in frames()) {
        let bytes = encoded(mode, &frames, Bit7::Parity);
        prop_assert_eq!(seen_by(&mut Decoder::default(), &bytes), expected(&frames));
    }

    #[test]
    fn chunks_do_not_matter(bytes in noise(), settings in settings(), sizes in vec(1..50_usize, 1..40)) {
        let whole = seen_by(&mut Decoder::new(settings), &bytes);
        let mut decoder = Decoder::new(settings);
        let (mut pieces, mut rest, mut sizes) = (vec![], bytes.as_slice(), sizes.iter().cycle());
        while let Some(&size) = sizes.next() && !rest.is_empty() {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            pieces.extend(seen_by(&mut decoder, piece));
            rest = after;
        }
        prop_assert_eq!(pieces, whole);
    }

    #[test]
    fn fault_12_a_flipped_bit_never_gives_a_wrong_group_and_costs_one_at_most(
        (mode, frames) in frames(),
        place in any::<prop::sample::Index>(),
        bit in 0..8_u32,
        start in 0..3,
    ) {
        let mut bytes = encoded(mode, &frames, Bit7::Parity);
        *place.get_mut(&mut bytes) ^= 1 << bit;
        let mut decoder = match start {
            0 => Decoder::new(Settings { parity: Parity::Even, mode: None }),
            1 => settled(Bit7::Parity),
            _ => Decoder::default(),
        };
        let found = groups(&seen_by(&mut decoder, &bytes));
        let lost = left_out(&found, &groups(&expected(&frames)));
        prop_assert!(matches!(lost, Some(0 | 1)), "{:?}", found);
    }

    #[test]
    fn damage_in_a_group_does_not_lose_the_following_ones(
        (mode, frames) in frames(),
        parity in any::<bool>(),
        hits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let bit_7 = if parity { Bit7::Parity } else { Bit7::Zero };
        let damaged_group = [vec![("MSG1".to_string(), None, "IL-PLEUT-SUR-LA-VILLE".to_string())]];
        let mut bytes = encoded(Mode::Historical, &damaged_group, bit_7);
        for (place, byte) in hits {
            *place.get_mut(&mut bytes) = byte;
        }
        let mut decoder = settled(bit_7);
        decoder.decode(&bytes, |_| {});
        let found = seen_by(&mut decoder, &encoded(mode, &frames, bit_7));
        // At the seam the damaged group or its frame may end late.
        let after: Vec<_> = found.iter().skip_while(|event| **event != Seen::Start).cloned().collect();
        prop_assert_eq!(after, expected(&frames));
    }
}
