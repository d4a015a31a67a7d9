//! Any registers behind the marker of a SunSpec device: models that overlap, lie about their length, or never end.
//! Nothing may panic, and every number is finite.
#![no_main]

#[path = "../../drivers/tests/corpora/site.rs"]
mod site;
#[path = "../../drivers/tests/corpora/sunspec.rs"]
mod sunspec;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    sunspec::any(bytes);
});
