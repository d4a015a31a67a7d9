//! A permit is taken by value and gone after its use.
use ballast_guard::{Door, Permit, Redeem};
use ballast_model::{Mono, OutputId};

fn twice(permit: Permit, now: Mono) {
    let mut door = Door::new(OutputId(0));
    let _ = door.redeem(permit, now);
    let _ = door.redeem(permit, now);
}

fn main() {
    let _ = twice;
}
