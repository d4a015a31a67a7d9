//! What happened and why, in sentences for people, English and French, and as data for programs.

pub mod causes;
pub mod guard_words;
pub mod instant;
pub mod why;
