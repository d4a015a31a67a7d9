//! Any message at a broker: nothing may panic, and what is announced is bounded and names no topic of our own.
#![no_main]

#[path = "../../drivers/tests/corpora/announced.rs"]
mod announced;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    announced::any(bytes);
});
