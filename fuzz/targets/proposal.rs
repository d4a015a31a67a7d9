//! Any message at a broker: what is proposed for a site is text that `check` accepts, and no device is left out of it.
#![no_main]

#[allow(dead_code, reason = "the target of the announcements themselves needs it")]
#[path = "../../drivers/tests/corpora/announced.rs"]
mod announced;

use ballast::detect::{Bus, Findings, fragment::fragment};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let devices = announced::heard(bytes).devices;
    // What is built of many devices is built of few, and sooner.
    if devices.is_empty() || devices.len() > 8 {
        return;
    }
    let url = "mqtt://127.0.0.1:1883".to_owned();
    let bus = Bus { name: "broker".to_owned(), driver: "mqtt", keys: vec![("url", url)] };
    let devices = devices.into_iter().map(|device| (bus.clone(), device)).collect();
    let made = fragment(&Findings { devices, ..Findings::default() });
    assert_eq!(made.mistakes, "", "{}\n{}", made.site, made.safety);
    assert_eq!(made.left_out, [], "{}", made.site);
});
