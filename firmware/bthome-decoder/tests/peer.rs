//! The recorded vectors, and random advertisements decoded by bthome-ble as well: both must tell the same.
//! What is not there is skipped, and says so.
#![cfg(test)]

use aes::Aes128;
use bthome_decoder::{Form, OBJECTS, Object, Receiver, Uuid, Value, event_word};
use ccm::aead::AeadInPlace;
use ccm::aead::generic_array::GenericArray;
use ccm::consts::{U4, U12, U13};
use ccm::{Ccm, KeyInit};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const ADDRESS: [u8; 6] = [0xA4, 0xC1, 0x38, 0x8D, 0x18, 0xB2];

/// What is told, in the words of the other implementation: a word that comes several times has its number behind it.
fn told(receiver: &mut Receiver, uuid: Uuid, data: &[u8], now: u64) -> Option<BTreeMap<String, Json>> {
    let mut all: Vec<(&'static Object, Json)> = Vec::new();
    let heard = receiver.receive(uuid, data, now, |measurement| {
        let value = match measurement.value {
            // The other one rounds a factor of 0.35 to one decimal.
            Value::Number(number) if measurement.object.factor == 35 => {
                let rounded = format!("{:.1}", (number / 0.35).round() * 0.35);
                json!(rounded.parse::<f64>().unwrap())
            }
            Value::Number(number) => json!(number),
            Value::Flag(flag) => json!(flag),
            Value::Event(event, _) => json!(event_word(measurement.object, event)),
            Value::Instant(seconds) => json!(f64::from(seconds)),
            Value::Text(text) => json!(text),
            Value::Bytes(bytes) => json!(hex(bytes)),
        };
        all.push((measurement.object, value));
    });
    heard.ok()?;
    // It counts objects of the same word and unit together, and numbers them by the word and unit.
    let key = |object: &Object| (object.word, object.unit, kind(object));
    let mut seen = BTreeSet::new();
    let doubled: BTreeSet<_> =
        all.iter().map(|(object, _)| key(object)).filter(|key| !seen.insert(*key)).collect();
    let mut counts = BTreeMap::new();
    let mut rows = BTreeMap::new();
    for (object, value) in all.iter().filter(|(object, _)| object.id < 0xF0) {
        let count = counts.entry(key(object)).or_insert(0);
        *count += 1;
        let number = if doubled.contains(&key(object)) { format!("_{count}") } else { String::new() };
        if !value.is_null() {
            rows.insert(format!("{} {}{number}", kind(object), object.word), value.clone());
        }
    }
    Some(rows)
}

fn kind(object: &Object) -> &'static str {
    match object.form {
        Form::Flag => "flag",
        Form::Event(_) | Form::Command => "event",
        _ => "number",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn is_same(own: &Json, other: &Json, tolerance: f64) -> bool {
    match (own.as_f64(), other.as_f64()) {
        (Some(own), Some(other)) => (own - other).abs() <= (1e-9 * own.abs()).max(tolerance),
        _ => own == other,
    }
}

/// The other one rounds to the decimals of the factor, which only the floating-point numbers of version 1 exceed: here voltages.
fn compare(what: &str, own: &BTreeMap<String, Json>, other: &BTreeMap<String, Json>) {
    let is_float = |key: &str| what.starts_with("181") && key.starts_with("number voltage");
    let tolerance = |key: &str| if is_float(key) { 0.000_501 } else { 1e-9 };
    let is_same = own.len() == other.len()
        && own
            .iter()
            .all(|(key, value)| other.get(key).is_some_and(|known| is_same(value, known, tolerance(key))));
    assert!(is_same, "{what}\nhere:  {own:?}\nthere: {other:?}");
}

#[test]
fn recorded_vectors() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/bthome/vectors_v2_plain.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let vectors: Vec<Json> = serde_json::from_str(&text).unwrap();
    assert!(vectors.len() > 50);
    // Of the one with rising packet numbers the list holds what was told in the middle.
    for vector in vectors.iter().filter(|vector| vector["test"] != "test_increasing_packet_id") {
        let mac = bytes(&vector["address"].as_str().unwrap().replace(':', ""));
        let mut receiver = Receiver::new(mac.try_into().unwrap(), None);
        let mut own = BTreeMap::new();
        let datas = vector["service_data_hex"].as_array().unwrap();
        for (place, data) in datas.iter().enumerate() {
            let data = bytes(data.as_str().unwrap());
            own.extend(told(&mut receiver, Uuid::Two, &data, place as u64).unwrap_or_default());
        }
        let mut expected = BTreeMap::new();
        for (kind, list) in [("number", "sensor_values"), ("flag", "binary_values")] {
            for row in vector[list].as_array().unwrap() {
                let key = row["device_key"].as_str().unwrap();
                if key != "signal_strength" {
                    expected.insert(format!("{kind} {key}"), row["native_value"].clone());
                }
            }
        }
        // The recorded list has its own form for events, and for times; those are compared with the living one.
        let own = own.into_iter().filter(|(key, _)| !key.starts_with("event") && !key.contains("timestamp"));
        expected.retain(|key, _| !key.contains("timestamp"));
        compare(vector["test"].as_str().unwrap(), &own.collect(), &expected);
    }
}

/// The bytes of one random object of version 2.
fn object_two() -> impl Strategy<Value = Vec<u8>> {
    (0..OBJECTS.len(), proptest::collection::vec(any::<u8>(), 8), "[ -~é]{1,6}").prop_map(
        |(at, random, text)| {
            let object = &OBJECTS[at];
            let mut part = vec![object.id];
            match object.form {
                Form::Unsigned(length) | Form::Signed(length) | Form::Event(length) | Form::Raw(length) => {
                    part.extend(&random[..usize::from(length)]);
                }
                Form::Flag => part.push(random[0] & 1),
                Form::Instant => part.extend(&random[..4]),
                Form::Command => part.extend([1, random[0] % 6, random[1]]),
                Form::Text => {
                    part.push(text.len() as u8);
                    part.extend(text.bytes());
                }
                Form::Bytes => part.extend([3, random[0], random[1], random[2]]),
            }
            part
        },
    )
}

/// The bytes of one random object of version 1.
fn object_one() -> impl Strategy<Value = Vec<u8>> {
    (0..OBJECTS.len(), 1usize..5, 0u8..2, proptest::collection::vec(any::<u8>(), 8)).prop_map(
        |(at, length, sign, random)| {
            let object = &OBJECTS[at];
            let (id, length, form) = match object.form {
                Form::Command => (0x3A, 1, 0),
                Form::Event(length) => (object.id, usize::from(length), 0),
                Form::Flag => (object.id, 1, 0),
                Form::Text | Form::Bytes => (object.id, length, 4),
                Form::Instant => (object.id, 4, 5),
                // Version 1 has no objects of the device, on which the other one trips.
                _ if object.id >= 0xF0 => (0x02, 4, sign),
                // A half, since every one of its bit patterns but those of infinity is a number.
                _ if object.id == 0x0C => (object.id, 2, 2),
                _ => (object.id, length, sign),
            };
            let mut part = vec![(form << 5) | (length as u8 + 1), id];
            part.extend(&random[..length]);
            if form == 2 {
                part[3] &= 0x3F;
            }
            part
        },
    )
}

fn seal(uuid: Uuid, payload: &[u8], key: &[u8; 16], counter: u32) -> Vec<u8> {
    let key = GenericArray::from_slice(key);
    let mut text = payload.to_vec();
    let counter = counter.to_le_bytes();
    if uuid == Uuid::Two {
        let nonce = [&ADDRESS[..], &[0xD2, 0xFC, 0x41], &counter].concat();
        let nonce = GenericArray::from_slice(&nonce);
        let tag = Ccm::<Aes128, U4, U13>::new(key).encrypt_in_place_detached(nonce, &[], &mut text).unwrap();
        [&[0x41][..], &text, &counter, &tag].concat()
    } else {
        let nonce = [&ADDRESS[..], &[0x1E, 0x18], &counter].concat();
        let nonce = GenericArray::from_slice(&nonce);
        let cipher = Ccm::<Aes128, U4, U12>::new(key);
        let tag = cipher.encrypt_in_place_detached(nonce, &[0x11], &mut text).unwrap();
        [&text[..], &counter, &tag].concat()
    }
}

#[test]
fn random_advertisements_are_read_as_bthome_ble_reads_them() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/python/bin/python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peer.py");
    let is_there = Command::new(&python).args(["-c", "import bthome_ble"]).output();
    if !is_there.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: bthome-ble is not there; scripts/setup.sh test gets it");
        return;
    }
    let mut peer = Command::new(&python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut questions = peer.stdin.take().unwrap();
    let mut answers = BufReader::new(peer.stdout.take().unwrap()).lines();
    let mut runner = TestRunner::deterministic();
    // The other one takes no encrypted payload of version 1 below four bytes: at least two objects.
    let objects_one = proptest::collection::vec(object_one(), 2..5);
    let objects_two = proptest::collection::vec(object_two(), 1..6);
    let mut measurements = 0;
    for counter in 1..2000u32 {
        let key: [u8; 16] = any::<[u8; 16]>().new_tree(&mut runner).unwrap().current();
        let (uuid, is_encrypted) =
            [(Uuid::PlainOne, false), (Uuid::EncryptedOne, true), (Uuid::Two, false), (Uuid::Two, true)]
                [counter as usize % 4];
        let mut parts = match uuid {
            Uuid::Two => objects_two.new_tree(&mut runner).unwrap().current(),
            _ => objects_one.new_tree(&mut runner).unwrap().current(),
        };
        parts.sort();
        let payload = parts.concat();
        let data = match (uuid, is_encrypted) {
            (_, true) => seal(uuid, &payload, &key, counter),
            (Uuid::Two, _) => [&[0x40][..], &payload].concat(),
            _ => payload,
        };
        let number = match uuid {
            Uuid::PlainOne => "181c",
            Uuid::EncryptedOne => "181e",
            Uuid::Two => "fcd2",
        };
        let key_text = if is_encrypted { hex(&key) } else { "-".to_owned() };
        writeln!(questions, "{key_text} {number} {}", hex(&data)).unwrap();
        let answer: Vec<(String, String, Json)> =
            serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        let other = answer.into_iter().map(|(kind, key, value)| (format!("{kind} {key}"), value)).collect();
        let mut receiver = Receiver::new(ADDRESS, is_encrypted.then_some(key));
        let own = told(&mut receiver, uuid, &data, 0);
        let own = own.unwrap_or_else(|| panic!("refused: {number} {}", hex(&data)));
        measurements += own.len();
        compare(&format!("{number} {}", hex(&data)), &own, &other);
    }
    assert!(measurements > 4000, "{measurements}");
    drop(questions);
    peer.wait().unwrap();
}
