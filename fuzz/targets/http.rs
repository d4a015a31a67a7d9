//! Any response of a web server, and any document in a good one.
//! Nothing may panic, and every number is finite.
#![no_main]

#[path = "../../drivers/tests/corpora/http.rs"]
mod http;
#[path = "../../drivers/tests/corpora/site.rs"]
mod site;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    http::any(bytes);
});
