//! Any bytes on a line: nothing may panic, and however they are cut it is the same meter or none.
#![no_main]

#[path = "../../drivers/tests/corpora/meter.rs"]
mod meter;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    meter::any(bytes);
});
