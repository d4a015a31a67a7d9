//! Samples and what is said of them.

use super::*;
use crate::spec::Mistakes;
use ballast_model::catalog::{Kind, Origin, PointSpec};
use ballast_model::device::{PointDefinition, Settings, Unsaid};
use ballast_model::diagnostic::{FileId, Span as Place};
use ballast_model::{Catalog, DeviceId, Dimension, Unit};

fn readings() -> Readings {
    Readings::new([(PointId(7), PointReader::of_unit(Dimension::Voltage.base()))])
}

#[test]
fn sequences_rise_and_follow_the_clock() {
    let mut readings = readings();
    for millis in [5, 5, 5, 9] {
        assert!(readings.put(0, Raw::Number(230.0), Freshness::Live, Mono::from_millis(millis)));
    }
    let sequences: Vec<u64> = readings.batch().samples.iter().map(|sample| sample.sequence).collect();
    assert_eq!(sequences, [5_000_000, 5_000_001, 5_000_002, 9_000_000]);
}

#[test]
fn what_is_kept_is_uncertain_and_what_is_no_number_is_bad() {
    let mut readings = readings();
    assert!(readings.put(0, Raw::Text(b" 231.5 "), Freshness::Kept, Mono::ZERO));
    assert!(!readings.put(0, Raw::Text(b"nan"), Freshness::Live, Mono::ZERO));
    assert!(!readings.put(0, Raw::Number(f64::INFINITY), Freshness::Live, Mono::ZERO));
    assert!(!readings.put(1, Raw::Number(1.0), Freshness::Live, Mono::ZERO));
    let found: Vec<_> =
        readings.batch().samples.iter().map(|sample| (sample.value, sample.quality)).collect();
    let value = ballast_model::Finite::new(231.5).map(Value::Number);
    let bad = (None, Quality::Bad(Reason::NotAValue));
    assert_eq!(found, [(value, Quality::Uncertain(Reason::Retained)), bad, bad]);
}

#[test]
fn a_counter_that_falls_is_told_and_not_again_and_again() {
    let mut spec = PointSpec::new("m.energy", Kind::Number(Unit::parse("kWh").unwrap()), Origin::Measured);
    spec.is_counter = true;
    let mut catalog = Catalog::default();
    let point = catalog.add_point(spec).unwrap();
    let settings = Settings::at([], FileId(0), Place::default());
    let definition = PointDefinition { point, device: DeviceId(0), settings, unsaid: Unsaid::Nothing };
    let reader = PointReader::new(&definition, &catalog, &mut Mistakes(Vec::new())).unwrap();
    let mut readings = Readings::new([(point, reader)]);
    let mut said = |kwh: f64, secs: u64| {
        readings.put(0, Raw::Number(kwh), Freshness::Live, Mono::from_millis(secs * 1000));
        let reports = std::mem::take(&mut readings.batch().reports);
        reports.iter().map(|report| format!("{report:?}")).collect::<Vec<String>>()
    };
    assert_eq!(said(1234.5, 0), [""; 0]);
    assert_eq!(said(1234.4, 1), [""; 0], "the last digit of a float");
    let told = said(3.2, 2);
    assert!(told[0].contains("m.energy fell from 1234.4 kWh to 3.2 kWh: it was reset or ran"), "{told:?}");
    assert_eq!(said(3.3, 3), [""; 0]);
    assert_eq!(said(0.1, 4), [""; 0], "said a moment ago");
    assert_eq!(said(500.0, 4000), [""; 0]);
    assert_eq!(said(0.0, 4001).len(), 1);
    let told = said(500.2, 4002);
    assert!(told[0].contains("is back at 500.2 kWh: it was not reset, and is counted on from 500 kWh"));
    assert_eq!(said(500.3, 4003), [""; 0]);
    // One that was reset, and whose last digit falls much later, is not back.
    assert_eq!(said(0.0, 8004).len(), 1);
    for (kwh, secs) in [(60.0, 8005), (59.9, 8006), (60.0, 8007), (600.0, 8008)] {
        assert_eq!(said(kwh, secs), [""; 0], "{kwh}");
    }
}

#[test]
fn offline_is_told_once() {
    let mut readings = readings();
    readings.all_offline(Mono::ZERO);
    readings.all_offline(Mono::ZERO);
    assert_eq!(readings.batch().samples.len(), 1);
    readings.put(0, Raw::Number(1.0), Freshness::Live, Mono::ZERO);
    readings.all_offline(Mono::ZERO);
    assert_eq!(readings.batch().samples.len(), 3);
}
