//! Nobody else can redeem a permit.
use ballast_guard::{Permit, Redeem, Stale, Write};
use ballast_model::Mono;

struct MyRelay;

impl Redeem for MyRelay {
    fn redeem(&mut self, _permit: Permit, _now: Mono) -> Result<Write, Stale> {
        Err(Stale::Expired)
    }
}

fn main() {}
