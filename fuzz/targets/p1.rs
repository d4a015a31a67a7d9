//! Any bytes on the line of a smart meter: nothing may panic, and every object of a whole telegram can be read.
#![no_main]

use ballast_drivers::p1::telegram::{Decoder, instant, is_time};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut decoder = Decoder::default();
    decoder.decode(bytes, |telegram| {
        let Ok(telegram) = telegram else { return };
        for (code, _) in telegram.objects() {
            if let Some(time) = telegram.read(code).and_then(|reading| reading.time) {
                assert!(is_time(time) || instant(time).is_none());
            }
        }
    });
});
