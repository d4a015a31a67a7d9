//! Any bytes on the meter's line, under every setting; `any/mod.rs` says what must hold.
#![no_main]

#[path = "../../firmware/tic-decoder/tests/any/mod.rs"]
mod any;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| any::check("fuzzed", bytes));
