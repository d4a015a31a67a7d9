//! The buses against peers that were not written here: a real mosquitto with its own clients, a real pseudo-terminal.
//! What is not installed is skipped, and says so.
#![cfg(test)]

mod bad_broker;
mod broker;
mod checks;
mod device_file;
mod folder;
mod garbage;
mod gpio;
mod mqtt_outputs;
mod mqtt_points;
mod mqtt_post;
mod mqtt_tls;
mod p1;
mod permits;
mod polled;
mod polled_peer;
#[path = "../../../tests/common/ports.rs"]
mod ports;
mod recordings;
mod sim;
mod support;
mod tic;
mod transcripts;
mod vedirect;
