//! Any bytes on the line of a Victron device: nothing may panic, and a whole block has fields, each of them once.
#![no_main]

use ballast_drivers::vedirect::block::Decoder;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;

fuzz_target!(|bytes: &[u8]| {
    let mut decoder = Decoder::default();
    decoder.decode(bytes, |block| {
        let Ok(fields) = block else { return };
        let labels: BTreeSet<&[u8]> = fields.iter().map(|field| field.label()).collect();
        assert_eq!(labels.len(), fields.len());
        assert!(!fields.is_empty());
    });
});
