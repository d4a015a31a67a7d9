//! The buses against peers that were not written here: a real mosquitto with its own clients, a real pseudo-terminal.
//! What is not installed is skipped, and says so.

mod broker;
mod mqtt_points;
mod support;
