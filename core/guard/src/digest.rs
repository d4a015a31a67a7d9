//! A short number that stands for everything a step said.

use crate::events::Output;
use core::hash::{Hash, Hasher};

/// Stands for what a step said: two guards that were given the same say the same, and their digests agree. Permits count by
/// what they allow, not by their session. The order does not count, nor when it wants to be woken, since a guard that was
/// restored looks at everything once more. Only for two processes of one machine: another machine may count otherwise.
pub fn digest(outputs: &[Output]) -> u64 {
    outputs.iter().map(of_one).fold(0, u64::wrapping_add)
}

fn of_one(output: &Output) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    match output {
        Output::Permit(permit) => {
            (1_u8, permit.output(), permit.wanted(), permit.valid_until()).hash(&mut hasher);
        }
        Output::Verdict(verdict) => (2_u8, verdict).hash(&mut hasher),
        Output::Event(event) => (3_u8, event).hash(&mut hasher),
        Output::WakeAt(_) => return 0,
    }
    hasher.finish()
}

/// FNV-1a, which needs no memory.
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
