//! Any frame on a line, any function in a good frame, and any registers in a good answer.
//! Nothing may panic, and every number is finite.
#![no_main]

#[path = "../../drivers/tests/corpora/modbus.rs"]
mod modbus;
#[path = "../../drivers/tests/corpora/site.rs"]
mod site;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    modbus::any(bytes);
});
