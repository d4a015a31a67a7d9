//! Any bytes from a broker: nothing may panic, and however they are cut the same messages come.
#![no_main]

#[path = "../../drivers/tests/corpora/broker.rs"]
mod broker;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    broker::any(bytes);
});
