//! Limits that stand beside one of the same name while a changed set waits for a person.
//!
//! Where the old and the new limit cannot be ordered, both are in force: the old one under its name, the new one as
//! `NAME (2)`, so that events, figures and answers tell them apart. Nothing about safety hangs on such a name: a limit
//! that a file itself calls so is compared like any other.

use crate::state::LimitState;
use alloc::boxed::Box;
use alloc::format;
use ballast_model::expr::Hold;

/// The name of the limit beside which one of this name stands, if it is such a name.
pub(crate) fn base_of(name: &str) -> Option<&str> {
    let (base, number) = name.strip_suffix(')')?.rsplit_once(" (")?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(base)
}

/// The first name beside this one that nobody has.
pub(crate) fn free_name(base: &str, is_taken: impl Fn(&str) -> bool) -> Box<str> {
    let names = (2_u32..).map(|number| format!("{base} ({number})"));
    names.into_iter().find(|name| !is_taken(name)).unwrap_or_default().into()
}

/// What one limit remembers that takes over from two: it acts where either did, and counts its end anew; where neither acts
/// yet, it goes on with what was violated for longer.
pub(crate) fn joined(one: &LimitState, other: &LimitState) -> LimitState {
    let is_armed = one.is_armed || other.is_armed;
    let (Some(acted), Some(acted_too)) = (one.acted, other.acted) else {
        let acting = if other.acted.is_some() { other } else { one };
        return LimitState { is_armed, violated: longer(one.violated, other.violated), ..*acting };
    };
    LimitState {
        is_armed,
        acted: Some(acted.min(acted_too)),
        clear: Hold::IDLE,
        is_soft: one.is_soft && other.is_soft,
        is_derating: one.is_derating && other.is_derating,
        is_latched: one.is_latched && other.is_latched,
        ..*one
    }
}

/// The one that holds for longer.
fn longer(one: Hold, other: Hold) -> Hold {
    let holding = [one, other].into_iter().filter(|hold| hold.since().is_some());
    holding.min_by_key(Hold::since).unwrap_or(Hold::IDLE)
}
