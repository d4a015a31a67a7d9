//! Named maxima of the plant, and what happens there.

/// Generating sets in one swing equation; a specification with more is refused.
pub const MACHINES_MAX: usize = 4;

/// Storage inverters in one swing equation; a specification with more is refused.
pub const INVERTERS_MAX: usize = 2;

/// Solar inverters in one swing equation; a specification with more is refused.
pub const SOLARS_MAX: usize = 2;

/// Frequencies watched at once by [`crate::swing::Swing::advance`]; the rest of a longer list is not watched.
pub const WATCHES_MAX: usize = 32;

/// Events located inside one integration step; past that the step is taken whole, so that equations which
/// chatter at a limit cost time but never hang.
pub const EVENTS_PER_STEP_MAX: u32 = 16;

/// Points of one feeder; a specification with more is refused.
pub const FEEDER_POINTS_MAX: usize = 64;

/// Load groups, water heaters, groups of refrigerators and vehicles of one village; a specification with more is refused.
pub const LOADS_MAX: usize = 256;

/// Members (homes, refrigerators ...) of one load group; a specification with more is refused.
pub const MEMBERS_MAX: u32 = 1_000;

/// Scripted disturbances of one village; a specification with more is refused.
pub const DISTURBANCES_MAX: usize = 256;

/// Late commands that [`crate::commands::Wires`] holds at once; past that the oldest is dropped and counted.
pub const LATE_COMMANDS_MAX: usize = 1_024;

/// Late readings that [`crate::faults::Faulty`] holds at once; past that the oldest is dropped and counted.
pub const LATE_READINGS_MAX: usize = 1_024;
