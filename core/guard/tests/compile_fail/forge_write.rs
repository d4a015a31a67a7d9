//! What reaches a device has no constructor either.
use ballast_guard::Write;
use ballast_model::{OutputId, Wanted};

fn main() {
    let _ = Write { output: OutputId(0), wanted: Wanted::CLOSED, counter: 1 };
}
