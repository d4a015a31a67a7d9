//! Any registers at all.

use crate::device::device;
use crate::reads::round;
use crate::support::Site;
use ballast_drivers::shape::Job;
use ballast_model::Mono;
use proptest::prelude::*;

/// Numbers by which a device says that there is none, beside any others.
fn register() -> impl Strategy<Value = u16> {
    prop_oneof![any::<u16>(), Just(0xFFFF), Just(0x8000), Just(0), Just(0x7FC0), 0u16..200]
}

fn site() -> Site {
    let mut site = Site::new("sunspec", &[("url", "tcp://127.0.0.1")]);
    site.number("it.power", "W", &[("field", "701.W 111-113.W 101-103.W 201-204.W 802.W")]);
    site.number("it.frequency", "Hz", &[("field", "701.Hz 111-113.Hz 101-103.Hz 201-204.Hz")]);
    site.number("it.energy", "Wh", &[("field", "701.TotWhInj 101-103.WH 122.ActWh")]);
    site.number("it.string", "W", &[("field", "714.2.DCW 160.2.DCW")]);
    site
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_device_gives_numbers_or_none(
        models in prop::collection::vec(
            (prop::sample::select(vec![1u16, 101, 103, 112, 122, 160, 203, 701, 714, 802]),
             prop::collection::vec(register(), 0..160)),
            0..12,
        ),
        lie in prop::option::of((0u16..400, register())),
    ) {
        let mut device = device(40_000, &models);
        if let Some((place, register)) = lie {
            device.registers.insert(40_002 + place, register);
        }
        let site = site();
        let mut bus = site.open();
        for _ in 0..4 {
            for sample in round(&mut bus, &mut device).1.samples {
                prop_assert_eq!(sample.value.is_some(), sample.quality.is_good());
            }
        }
    }

    /// The raw sentinel of each kind of integer, with any scale.
    #[test]
    fn a_sentinel_is_no_number_whatever_its_scale(scale in any::<u16>(), is_signed in any::<bool>()) {
        let (offset, at, field) = if is_signed { (14, 15, "103.W") } else { (16, 17, "103.Hz") };
        let sentinel = if is_signed { 0x8000 } else { 0xFFFF };
        let mut device = device(40_000, &[crate::device::model(103, 50, &[(offset, sentinel), (at, scale)])]);
        let mut site = Site::new("sunspec", &[("url", "tcp://127.0.0.1")]);
        site.number("it.value", if is_signed { "W" } else { "Hz" }, &[("field", field)]);
        let (_, batch) = round(&mut site.open(), &mut device);
        prop_assert_eq!(batch.samples.len(), 1);
        prop_assert_eq!(batch.samples[0].value, None);
    }

    #[test]
    fn any_bytes_are_an_answer_or_none(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let site = site();
        let mut bus = site.open();
        let (poller, readings) = bus.poller().unwrap();
        let mut request = Vec::new();
        prop_assert!(poller.ask(Job::Read(0), &mut request));
        poller.answer(Job::Read(0), &bytes, false, Mono::from_millis(1), readings);
        prop_assert!(readings.batch().samples.is_empty());
    }
}
