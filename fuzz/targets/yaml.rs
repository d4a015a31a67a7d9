//! Any bytes as a site's two YAML files: mistakes with places, never a panic, a hang or a heap of memory.
#![no_main]

use ballast_config::diagnostics::Diagnostics;
use ballast_config::load::{File, Files};
use ballast_config::render::{Style, render};
use ballast_config::sources::Sources;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (site, safety) = input;
    let files = Files { site: File::Bytes(site), safety: File::Bytes(safety), devices: Vec::new() };
    let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
    let loaded = ballast_config::load::load(&files, &[], &mut sources, &mut found);
    assert!(loaded.is_some() || found.has_mistakes());
    let _ = render(&found, &sources, Style::Plain);
});
