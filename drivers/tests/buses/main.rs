//! The buses against peers that were not written here: a real mosquitto with its own clients, a real pseudo-terminal.
//! What is not installed is skipped, and says so.
#![cfg(test)]
#![expect(clippy::print_stderr, reason = "what is skipped is said where a person sees it")]

mod broker;
mod checks;
mod mqtt_outputs;
mod mqtt_points;
mod mqtt_tls;
mod permits;
mod support;
mod tic;
