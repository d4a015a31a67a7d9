//! The `sunspec` driver against devices in memory, and against a server that somebody else wrote.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failing test is its own message"
)]

mod any;
mod device;
#[path = "../modbus/peer.rs"]
#[expect(dead_code, reason = "shared with the tests of Modbus, where units lie")]
mod peer;
#[path = "../buses/permits.rs"]
mod permits;
#[path = "../../../tests/common/ports.rs"]
mod ports;
mod pymodbus;
mod reads;
#[path = "../buses/support.rs"]
#[expect(dead_code, reason = "shared with the tests of the other buses")]
mod support;
mod tells;
