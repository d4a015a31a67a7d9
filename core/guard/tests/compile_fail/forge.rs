//! A permit has no constructor and private fields.
use ballast_guard::Permit;
use ballast_model::{Mono, OutputId, Wanted};

fn main() {
    let _ = Permit {
        output: OutputId(0),
        wanted: Wanted::CLOSED,
        session: 1,
        counter: 1,
        valid_until: Mono::MAX,
    };
}
