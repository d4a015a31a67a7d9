//! What the fuzzer begins from, and everything it found, played again through whole drivers: nothing may panic, a
//! sample has a value exactly where it is good, and every number is one. The same for what finds devices.
#![cfg(test)]

mod announced;
mod broker;
mod http;
mod interview;
mod meter;
mod modbus;
mod site;
mod sunspec;

use std::path::Path;

/// Every file of a corpus; some of them hold values, so that it is known to lead somewhere.
fn play(folder: &str, any: fn(&[u8]) -> usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
    let mut values = 0;
    for entry in std::fs::read_dir(path).unwrap() {
        values += any(&std::fs::read(entry.unwrap().path()).unwrap());
    }
    assert!(values > 0, "{folder}");
}

#[test]
fn responses_of_web_servers() {
    play("http", http::any);
}

#[test]
fn answers_of_modbus_devices() {
    play("modbus", modbus::any);
}

#[test]
fn models_of_sunspec_devices() {
    play("sunspec", sunspec::any);
}

#[test]
fn announcements_of_devices() {
    play("announced", announced::any);
}

#[test]
fn what_a_broker_says_to_who_listens() {
    play("broker", broker::any);
}

#[test]
fn answers_of_units_that_are_asked_who_they_are() {
    play("interview", interview::any);
}

#[test]
fn meters_on_a_line() {
    play("meter", meter::any);
}
