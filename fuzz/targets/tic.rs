//! Any bytes on the meter's line: nothing may panic, and what comes out must be readable fields or nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tic_decoder::{Decoder, Event, fields};

fuzz_target!(|bytes: &[u8]| {
    let mut decoder = Decoder::default();
    decoder.decode(bytes, |event| {
        if let Event::Group(group) = event {
            let _ = fields::read(&group);
        }
    });
});
