//! Any answers of a Modbus unit that is asked who it is: the questions end, all of them read, and what is learnt can be shown.
#![no_main]

#[path = "../../drivers/tests/corpora/interview.rs"]
mod interview;
#[path = "../../drivers/tests/corpora/modbus.rs"]
mod modbus;
#[path = "../../drivers/tests/corpora/site.rs"]
mod site;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    interview::any(bytes);
});
