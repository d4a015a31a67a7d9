//! Any bytes in the place of each YAML file of a site: mistakes with places, never a panic, a hang or a heap of memory.
#![no_main]

use ballast_config::diagnostics::Diagnostics;
use ballast_config::load::{File, Files};
use ballast_config::render::{Style, render};
use ballast_config::site::DriverFacts;
use ballast_config::sources::Sources;
use ballast_guard::plan::Strength;
use libfuzzer_sys::fuzz_target;

const DRIVERS: &[DriverFacts] = &[
    DriverFacts { name: "mqtt", is_network: true, strength: Strength::Soft, is_experimental: false, carries_messages: true },
    DriverFacts { name: "tic", is_network: false, strength: Strength::Soft, is_experimental: false, carries_messages: false },
];
const SITE: &[u8] = include_bytes!("../../examples/linky-home/site.yaml");
const SAFETY: &[u8] = include_bytes!("../../examples/linky-home/safety.yaml");
const METER: &[u8] = include_bytes!("../../config/devices/linky.yaml");
const RELAY: &[u8] = include_bytes!("../../config/devices/mqtt-relay.yaml");

/// Reads a set of files, draws what was found, and says whether a site came out.
fn read(site: &[u8], safety: &[u8], relay: &[u8]) -> bool {
    let devices = vec![("linky.yaml", File::Bytes(METER)), ("mqtt-relay.yaml", File::Bytes(relay))];
    let files = Files { site: File::Bytes(site), safety: File::Bytes(safety), devices };
    let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
    let loaded = ballast_config::load::load(&files, DRIVERS, &mut sources, &mut found);
    assert_eq!(loaded.is_none(), found.has_mistakes());
    let drawn = render(&found, &sources, Style::Plain);
    assert!(!drawn.contains('\u{1b}'), "an escape sequence reached the terminal");
    loaded.is_some()
}

fuzz_target!(
    // Were they not a site, every input would be refused for their sake.
    init: assert!(read(SITE, SAFETY, RELAY)),
    |bytes: &[u8]| {
        read(bytes, SAFETY, RELAY);
        read(SITE, bytes, RELAY);
        read(SITE, SAFETY, bytes);
    }
);
