//! What the proofs of the guard share: a site so small that everything which can happen to it can be tried, an oracle
//! that says what must come of it, and when two moments are the same.
//!
//! One tick is ten seconds, and every time of the site is a multiple of it: that is as long as the grace of a start and
//! as the window of the guard's own switchings, so that few ticks already are a whole life.
#![allow(dead_code, unreachable_pub, reason = "every proof uses another part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failing proof is its own message"
)]

pub mod charge;
pub mod loads;
pub mod oracle;
pub mod rig;
pub mod view;
pub mod world;

use ballast_model::Span;
use std::fmt::Debug;

/// One tick.
pub const TICK: Span = Span::from_secs(10);

/// So many ticks.
pub const fn ticks(count: u64) -> Span {
    TICK.times(count)
}

/// A number of the environment, for the long paths.
pub fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// A guard at one moment with everything around it, and an oracle beside it.
pub trait Life: Clone + Send + Sync + 'static {
    /// What can happen.
    type Act: Copy + Debug + PartialEq + Send + Sync + 'static;
    fn can(&self, act: Self::Act) -> bool;
    fn act(&mut self, act: Self::Act);
    /// Equal where nothing that may come of it differs.
    fn key(&self) -> u64;
    /// What the oracle found wrong.
    fn fault(&self) -> Option<&'static str>;
}

/// The four words of a life are functions of its type already.
macro_rules! is_life {
    ($life:ty, $act:ty, $key:expr) => {
        impl Life for $life {
            type Act = $act;
            fn can(&self, act: $act) -> bool {
                <$life>::can(self, act)
            }
            fn act(&mut self, act: $act) {
                <$life>::act(self, act);
            }
            fn key(&self) -> u64 {
                $key(self)
            }
            fn fault(&self) -> Option<&'static str> {
                self.fault
            }
        }
    };
}
is_life!(world::World, world::Act, view::key);
is_life!(charge::Charge, charge::Act, charge::Charge::key);
is_life!(loads::Loads, loads::Act, loads::Loads::key);

/// So are the words of a rig with an oracle.
macro_rules! is_watched {
    ($life:ty) => {
        impl rig::Watched for $life {
            fn rig(&mut self) -> &mut rig::Rig {
                &mut self.rig
            }
            fn follow(&mut self) {
                <$life>::follow(self);
            }
            fn settle(&mut self, inputs: &[ballast_guard::Input]) {
                <$life>::settle(self, inputs);
            }
            fn judge(&mut self) {
                <$life>::judge(self);
            }
        }
    };
}
is_watched!(charge::Charge);
is_watched!(loads::Loads);

/// A life after these acts, each of which must be possible.
pub fn after<L: Life>(mut life: L, acts: &[L::Act]) -> L {
    for act in acts {
        assert!(life.can(*act), "{act:?} of {acts:?}");
        life.act(*act);
        assert_eq!(life.fault(), None, "after {act:?} of {acts:?}");
    }
    life
}
