//! Recorded meters, byte for byte. The recordings lie beside the repository (`../shared/data/tic`); where they are absent
//! the tests say so and pass.

use std::path::PathBuf;

use tic_decoder::encode::{Bit7, Writer, with_parity};
use tic_decoder::fields::{self, Quantity, Tariff, TempoColour, Value};
use tic_decoder::{Cause, Counters, Decoder, Event, Group, Mode};

const STANDARD: &str = "continuous_linky_1P_standard_TIC_sample.bin";
const HISTORICAL: &str = "continuous_linky_3P_historical_TIC_sample.bin";
const EJP: &str = "historique_tri_ejp.bin";
const PRODUCER: &str = "standard_mono_producteur.bin";
const ALL: [&str; 4] = [STANDARD, HISTORICAL, EJP, PRODUCER];

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn recording(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/tic").join(name);
    let bytes = std::fs::read(&path);
    if let Err(error) = &bytes {
        eprintln!("SKIPPED: {}: {error}", path.display());
    }
    bytes.ok()
}

/// The bytes between the STX and the ETX of every complete frame, and the counters.
fn frames(bytes: &[u8]) -> (Vec<usize>, Counters) {
    let mut decoder = Decoder::default();
    let (mut start, mut lengths) = (0, vec![]);
    for (place, &byte) in bytes.iter().enumerate() {
        for event in decoder.push(byte) {
            match event {
                Event::FrameStart => start = place,
                Event::FrameEnd { complete: true } => lengths.push(place - start - 1),
                _ => {}
            }
        }
    }
    (lengths, *decoder.counters())
}

/// Label, horodate and value of every good group.
fn groups(bytes: &[u8]) -> Vec<(String, Option<String>, String)> {
    let mut groups = vec![];
    Decoder::default().decode(bytes, |event| {
        if let Event::Group(group) = event {
            groups.push((group.label.into(), group.horodate.map(String::from), group.value.into()));
        }
    });
    groups
}

/// Every field of the stream.
#[expect(clippy::panic, reason = "a recorded group that is not understood fails the test")]
fn values(bytes: &[u8], mut each: impl FnMut(Quantity, Value<'_>)) {
    Decoder::default().decode(bytes, |event| {
        if let Event::Group(group) = event {
            let field = fields::read(&group).unwrap_or_else(|error| panic!("{group:?}: {error}"));
            each(field.quantity, field.value);
        }
    });
}

fn check_frames(name: &str, groups: u64, length: usize, count: usize) {
    let Some(bytes) = recording(name) else { return };
    let (lengths, counters) = frames(&bytes);
    assert_eq!(lengths, vec![length; count], "{name}");
    assert_eq!((counters.groups_good(), counters.groups_damaged()), (groups, 0), "{name}");
    assert_eq!(counters.frames_complete(), count as u64, "{name}");
}

#[test]
fn standard_single_phase() {
    check_frames(STANDARD, 467, 863, 12);
}

#[test]
fn historical_three_phase() {
    check_frames(HISTORICAL, 102, 233, 6);
}

#[test]
fn historical_three_phase_ejp() {
    check_frames(EJP, 17, 239, 1);
}

#[test]
fn standard_producer() {
    check_frames(PRODUCER, 68, 1025, 1);
}

#[test]
fn ejp_values() {
    let Some(bytes) = recording(EJP) else { return };
    let mut seen = vec![];
    values(&bytes, |quantity, value| match value {
        Value::Number(number) => seen.push((quantity, number)),
        Value::Tariff(tariff) => assert_eq!(tariff, Tariff::EjpNormal),
        Value::Text("XXXXXXXXXX") => assert_eq!(quantity, Quantity::MeterAddress),
        Value::Text("EJP.") => assert_eq!(quantity, Quantity::Contract),
        other => assert_eq!((quantity, other), (Quantity::MeterState, Value::Text("000000"))),
    });
    let expected = [
        (Quantity::SubscribedCurrent, 30),
        (Quantity::EnergyIndex1, 1_111_111),
        (Quantity::EnergyIndex2, 2_222_222),
        (Quantity::Current1, 10),
        (Quantity::Current2, 5),
        (Quantity::Current3, 8),
        (Quantity::MaxCurrent1, 38),
        (Quantity::MaxCurrent2, 42),
        (Quantity::MaxCurrent3, 44),
        (Quantity::MaxApparentPowerYesterday, 17_480),
        (Quantity::ApparentPower, 5800),
        (Quantity::PhaseLoss, 0),
    ];
    assert_eq!(seen, expected, "and no PeakNotice, which the recording has not");
}

#[test]
fn producer_values() {
    let Some(bytes) = recording(PRODUCER) else { return };
    let mut last = std::collections::BTreeMap::new();
    values(&bytes, |quantity, value| {
        last.insert(quantity, format!("{value:?}"));
        match (quantity, value) {
            (Quantity::Status, Value::Status(status)) => {
                assert!(status.is_producer() && status.is_injecting());
                assert_eq!(status.colour_today(), TempoColour::None);
            }
            (Quantity::Clock, Value::Time(time)) => {
                // 2018-07-16 10:34:23 and :24 in summer time.
                assert!(time.is_trusted());
                assert!(matches!(time.unix_seconds(), Some(1_531_730_063..=1_531_730_064)));
            }
            _ => {}
        }
    });
    for (quantity, expected) in [
        (Quantity::MeterAddress, "Text(\"123456789012\")"),
        (Quantity::TicVersion, "Text(\"02\")"),
        (Quantity::Contract, "Text(\"PRODUCTEUR\")"),
        (Quantity::Tariff, "Tariff(Unknown)"), // INDEX NON CONSO
        (Quantity::EnergyTotal, "Number(0)"),
        (Quantity::EnergyIndex1, "Number(0)"),
        (Quantity::EnergyInjected, "Number(32781)"),
        (Quantity::SubscribedPower, "Number(3000)"),
        (Quantity::InjectedApparentPower, "Number(1253)"),
    ] {
        assert_eq!(last.get(&quantity).map(String::as_str), Some(expected), "{quantity}");
    }
}

#[test]
fn every_recorded_group_has_a_known_label_and_a_readable_value() {
    for bytes in ALL.into_iter().filter_map(recording) {
        values(&bytes, |_, _| {}); // panics with the group
    }
}

#[test]
fn parity_in_bit_7_changes_nothing() {
    for (name, bytes) in ALL.into_iter().filter_map(|name| Some((name, recording(name)?))) {
        let with_parity: Vec<u8> = bytes.iter().copied().map(with_parity).collect();
        assert_eq!(frames(&with_parity), frames(&bytes), "{name}");
        assert_eq!(groups(&with_parity), groups(&bytes), "{name}");
    }
}

#[test]
fn streams_without_carriage_return_or_end_of_frame_give_the_same_groups() {
    for (name, bytes) in ALL.into_iter().filter_map(|name| Some((name, recording(name)?))) {
        let expected = groups(&bytes);
        for missing in [b"\r".as_slice(), b"\x03", b"\r\x03", b"\r\x03\x02"] {
            let mut rest: Vec<u8> = bytes.iter().copied().filter(|byte| !missing.contains(byte)).collect();
            rest.push(b'\n'); // the next group begins
            assert_eq!(groups(&rest), expected, "{name} without {}", missing.escape_ascii());
        }
    }
}

/// Writes the stream anew with some groups replaced, parity in bit 7.
#[expect(clippy::panic, reason = "a recorded group that cannot be written fails the test")]
fn rewritten(bytes: &[u8], replace: impl Fn(&Group<'_>) -> Option<String>) -> Vec<u8> {
    let mut buffer = vec![0; bytes.len() * 2];
    let mode = groups_mode(bytes);
    let mut writer = Writer::new(&mut buffer, mode, Bit7::Parity);
    Decoder::default().decode(bytes, |event| {
        match event {
            Event::FrameStart => writer.start_frame(),
            Event::FrameEnd { .. } => writer.end_frame(),
            Event::Group(group) => {
                writer.group(group.label, group.horodate, replace(&group).as_deref().unwrap_or(group.value))
            }
            Event::Damaged { .. } | Event::EndOfText => Ok(()),
        }
        .unwrap_or_else(|error| panic!("{event:?}: {error}"));
    });
    writer.written().to_vec()
}

fn groups_mode(bytes: &[u8]) -> Mode {
    let mut decoder = Decoder::default();
    decoder.decode(bytes, |_| {});
    decoder.mode().unwrap_or(Mode::Historical)
}

#[test]
fn tariff_and_power_can_be_replaced_in_the_standard_recording() {
    let Some(bytes) = recording(STANDARD) else { return };
    let made = rewritten(&bytes, |group| match group.label {
        "LTARF" => Some("  HEURE CREUSE  ".into()),
        "SINSTS" => Some("04000".into()),
        _ => None,
    });
    assert_eq!(frames(&made).0, [863; 12]);
    let (mut power, mut subscribed) = (None, None);
    values(&made, |quantity, value| match quantity {
        Quantity::Tariff => assert_eq!(value, Value::Tariff(Tariff::OffPeak)),
        Quantity::ApparentPower => power = Some(format!("{value:?}")),
        Quantity::SubscribedPower => subscribed = Some(format!("{value:?}")),
        _ => {}
    });
    assert_eq!(power.as_deref(), Some("Number(4000)"));
    assert_eq!(power, subscribed);
}

#[test]
fn tariff_and_power_can_be_replaced_in_the_historical_recording() {
    let Some(bytes) = recording(HISTORICAL) else { return };
    let made = rewritten(&bytes, |group| match group.label {
        "PTEC" => Some("HCJR".into()),
        "PAPP" => Some("12000".into()),
        _ => None,
    });
    // 233 bytes of the recording begin with a CR that stands before the first LF.
    assert_eq!(frames(&made).0, [231; 6]);
    values(&made, |quantity, value| match quantity {
        Quantity::Tariff => assert_eq!(value, Value::Tariff(Tariff::TempoRedOffPeak)),
        Quantity::ApparentPower => assert_eq!(value, Value::Number(12_000)),
        _ => {}
    });
}

/// Every single flipped bit of a recording without parity: which groups come out that the meter did not send?
fn invented_by_one_flip(bytes: &[u8], mut each: impl FnMut(u32, &(String, Option<String>, String))) {
    let sent = groups(bytes);
    for place in 0..bytes.len() {
        for bit in 0..7 {
            let mut damaged = bytes.to_vec();
            if let Some(byte) = damaged.get_mut(place) {
                *byte ^= 1 << bit;
            }
            for group in groups(&damaged).iter().filter(|group| !sent.contains(group)) {
                each(bit, group);
            }
        }
    }
}

#[test]
fn without_parity_no_flipped_bit_invents_a_historical_group() {
    for bytes in [HISTORICAL, EJP].into_iter().filter_map(recording) {
        let frame = bytes.get(..260).unwrap_or(&bytes);
        invented_by_one_flip(frame, |bit, group| panic!("bit {bit} invents {group:?}"));
    }
}

#[test]
fn without_parity_a_flipped_bit_6_can_only_invent_texts_in_the_standard_mode() {
    for bytes in [STANDARD, PRODUCER].into_iter().filter_map(recording) {
        let frame = bytes.get(..1100).unwrap_or(&bytes);
        let mut invented = 0;
        invented_by_one_flip(frame, |bit, (label, horodate, value)| {
            assert_eq!(bit, 6, "{label} {value}");
            invented += 1;
            let group = Group { mode: Mode::Standard, label, horodate: horodate.as_deref(), value };
            if let Ok(field) = fields::read(&group) {
                let is_text = matches!(field.value, Value::Text(_) | Value::Tariff(Tariff::Unknown));
                let lost_its_time = horodate.is_some() && field.time.is_none();
                assert!(is_text || lost_its_time, "{field:?}");
            }
        });
        assert!(invented > 0, "the test tests nothing");
    }
}

#[test]
fn damage_in_a_recording_is_counted_by_cause() {
    let Some(bytes) = recording(STANDARD) else { return };
    let mut damaged: Vec<u8> = bytes.iter().copied().map(with_parity).collect();
    for place in (100..damaged.len()).step_by(1000) {
        if let Some(byte) = damaged.get_mut(place) {
            *byte ^= 0x40;
        }
    }
    let (lengths, counters) = frames(&damaged);
    assert_eq!(counters.groups_damaged(), 11);
    assert_eq!(counters.groups_damaged_by(Cause::Parity), 9);
    assert_eq!(counters.groups_damaged_by(Cause::Unopened), 2, "two of the hits are on a LF");
    assert_eq!(counters.groups_good(), 467 - 11);
    assert!(lengths.len() < 12);
}
