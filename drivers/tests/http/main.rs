//! The HTTP driver against httpbin and Authlib, which were not written here, and against recorded answers of real devices.
//! What is not installed is skipped, and says so.
#![cfg(test)]

mod access;
#[path = "../buses/device_file.rs"]
mod device_file;
mod documents;
#[path = "../buses/folder.rs"]
mod folder;
mod mistakes;
mod outputs;
mod peer;
#[path = "../buses/permits.rs"]
mod permits;
#[path = "../../../tests/common/ports.rs"]
mod ports;
mod recorded;
#[expect(dead_code, reason = "the other buses need more of it")]
#[path = "../buses/support.rs"]
mod support;
