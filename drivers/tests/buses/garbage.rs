//! Anything may come: no listener panics, and what is no value never becomes one.

use crate::support::Site;
use ballast_drivers::shape::Heard;
use ballast_drivers::{Batch, OpenBus, Report};
use ballast_model::catalog::{Kind, OutputKind};
use ballast_model::{Mono, Quality, Value};
use proptest::prelude::*;
use std::path::Path;
use tic_decoder::Mode;
use tic_decoder::encode::{Bit7, Writer};

/// A point or an output of every kind, all on one topic, as text and as a document.
fn everything() -> OpenBus {
    let mut site = Site::new("mqtt", &[("url", "mqtt://broker")]);
    let topic = ("topic", "t");
    site.number("a.number", "kW", &[topic]);
    site.number(
        "a.scaled",
        "W",
        &[topic, ("pointer", "/a/0/b"), ("scale", "-1e300"), ("sentinels", "65535")],
    );
    site.words("a.words", &["run", "stop"], &[topic, ("pointer", "/a")]);
    site.kind("a.flag", Kind::Flag, &[topic]);
    site.output("o", OutputKind::Contact, &[topic, ("state_topic", "t"), ("state_pointer", "/o")]);
    let unit = ballast_model::Unit::parse("W").unwrap();
    site.output("l", OutputKind::Setpoint(unit), &[topic, ("state_topic", "t")]);
    site.open()
}

fn meter(mode: &str) -> OpenBus {
    let mut site = Site::new("tic", &[("port", "/dev/null"), ("mode", mode)]);
    site.number("m.power", "VA", &[("field", "apparent_power")]);
    site.number("m.energy", "Wh", &[("field", "energy_total")]);
    site.number("m.subscribed", "VA", &[("field", "subscribed_power")]);
    site.words("m.period", &["base", "off_peak", "peak"], &[("field", "period")]);
    site.open()
}

fn hear(bus: &mut OpenBus, heard: Heard<'_>) -> Batch {
    let (listener, readings) = bus.listener().unwrap();
    listener.hear(heard, Mono::from_millis(1), readings);
    std::mem::take(readings.batch())
}

fn message(payload: &[u8]) -> Heard<'_> {
    Heard::Message { topic: b"t", payload, is_kept: false }
}

/// Whether nothing in it is believed.
fn is_all_bad(batch: &Batch) -> bool {
    batch.samples.iter().all(|sample| sample.value.is_none() && !sample.quality.is_good())
        && batch
            .reports
            .iter()
            .all(|report| matches!(report, Report::Actual { actual: None, .. } | Report::Misheard { .. }))
}

#[test]
fn corpus_of_payloads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/mqtt");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let payload = std::fs::read(&path).unwrap();
        let batch = hear(&mut everything(), message(&payload));
        assert!(is_all_bad(&batch), "{}: {batch:?}", path.display());
        count += 1;
    }
    assert!(count >= 20);
}

#[test]
fn corpus_of_payloads_would_be_heard_if_it_were_good() {
    let heard = |payload: &[u8]| is_all_bad(&hear(&mut everything(), message(payload)));
    assert!(!heard(b"1") && !heard(b"{\"a\":\"run\"}") && !heard(b"{\"o\":\"ON\"}"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_payload(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let batch = hear(&mut everything(), message(&payload));
        // The reference: the standard library's idea of a number, less its words.
        let text = std::str::from_utf8(&payload).ok().map(|text| text.trim_matches([' ', '\t', '\n', '\r', '\x0c']));
        let number = text.and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite());
        let has_number = batch.samples.first().unwrap().quality.is_good();
        prop_assert_eq!(has_number, number.is_some_and(|number| (number * 1000.0).is_finite()));
    }

    #[test]
    fn any_document(payload in "[{}\\[\\]\":,a-c0-9.eE+\\-nulltrf \\\\]{0,80}") {
        let batch = hear(&mut everything(), message(payload.as_bytes()));
        let valid = is_whole(&payload);
        for sample in batch.samples.iter().filter(|sample| sample.point.0 == 1 || sample.point.0 == 2) {
            prop_assert!(valid || !sample.quality.is_good());
        }
    }

    #[test]
    fn any_number_that_is_good_is_finite(payload in "-?[0-9]{1,400}(\\.[0-9]{0,20})?([eE][+-]?[0-9]{1,4})?") {
        for sample in hear(&mut everything(), message(payload.as_bytes())).samples {
            if let Some(Value::Number(number)) = sample.value {
                prop_assert!(number.get().is_finite());
            } else {
                prop_assert!(!matches!(sample.quality, Quality::Good) || sample.value.is_some());
            }
        }
    }

    #[test]
    fn any_bytes_on_a_meter_s_line(bytes in prop::collection::vec(any::<u8>(), 0..600), cut in 0usize..600) {
        for mode in ["auto", "historical", "standard"] {
            let mut bus = meter(mode);
            let (one, two) = bytes.split_at(cut.min(bytes.len()));
            prop_assert!(is_all_bad(&hear(&mut bus, Heard::Bytes(one))));
            prop_assert!(is_all_bad(&hear(&mut bus, Heard::Bytes(two))));
        }
    }

    #[test]
    fn a_flipped_bit_never_makes_another_value(place in 0usize..400, bit in 0u8..8, repeats in 1usize..3) {
        let mut buffer = [0; 512];
        let mut writer = Writer::new(&mut buffer, Mode::Historical, Bit7::Parity);
        for _ in 0..=repeats {
            writer.start_frame().unwrap();
            for (label, value) in [("ISOUSC", "30"), ("BASE", "010151175"), ("PTEC", "TH.."), ("IINST", "002"), ("PAPP", "00540")] {
                writer.group(label, None, value).unwrap();
            }
            writer.end_frame().unwrap();
        }
        let mut bytes = writer.written().to_vec();
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        let batch = hear(&mut meter("auto"), Heard::Bytes(&bytes));
        for sample in batch.samples {
            let expected = [540.0, 10_151_175.0, 6000.0].into_iter().any(|number| crate::support::base(number) == sample.value);
            prop_assert!(expected || sample.value == Some(Value::Word(0)), "{:?}", sample);
        }
    }
}

/// Whether it is a JSON document, by a reader that knows nothing of pointers: brackets and quotes that match are enough
/// to tell a document that was cut off.
fn is_whole(text: &str) -> bool {
    let (mut depth, mut is_quoted, mut is_escaped) = (0i32, false, false);
    for c in text.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '{' | '[' if !is_quoted => depth += 1,
            '}' | ']' if !is_quoted => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0 && !is_quoted
}
