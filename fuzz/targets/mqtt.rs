//! Any payload on any topic of a site: nothing may panic, and no number that is none may come out.
#![no_main]

use ballast_drivers::shape::Heard;
use ballast_model::{Mono, Value};
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;

thread_local! {
    static BUS: RefCell<ballast_drivers::OpenBus> = RefCell::new(bus());
}

fn bus() -> ballast_drivers::OpenBus {
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/linky-home");
    let texts = ballast::site::Texts::read(&example).expect("the example is there");
    let built = ballast::site::build(&texts, &[]).unwrap_or_else(|refused| panic!("{}", refused.text));
    let is_broker = |(bus, _): &(ballast_drivers::OpenBus, _)| bus.name() == "broker";
    built.buses.into_iter().find(is_broker).expect("the example has a broker").0
}

fuzz_target!(|payload: &[u8]| {
    BUS.with_borrow_mut(|bus| {
        let Some((listener, readings)) = bus.listener() else { return };
        for topic in ["relay/water_heater/energy", "relay/water_heater/state", "elsewhere"] {
            for is_kept in [false, true] {
                let heard = Heard::Message { topic: topic.as_bytes(), payload, is_kept };
                listener.hear(heard, Mono::from_millis(1), readings);
            }
        }
        for sample in &readings.batch().samples {
            if let Some(Value::Number(number)) = sample.value {
                assert!(number.get().is_finite());
            }
        }
        readings.batch().clear();
    });
});
