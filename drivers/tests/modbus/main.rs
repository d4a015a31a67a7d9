//! The Modbus driver against pymodbus, which was not written here, and against published register lists.
//! What is not installed is skipped, and says so.
#![cfg(test)]

#[path = "../buses/device_file.rs"]
mod device_file;
mod doubts;
mod lies;
mod lists;
mod mistakes;
mod outputs;
mod peer;
#[path = "../buses/permits.rs"]
mod permits;
mod points;
#[path = "../../../tests/common/ports.rs"]
mod ports;
#[expect(dead_code, reason = "the other buses need more of it")]
#[path = "../buses/support.rs"]
mod support;
