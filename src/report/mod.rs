//! What happened and why, in sentences for people, English and French, and as data for programs.
//!
//! What is told of a moment needs only a [`moment::Moment`], so that now and then are told by the same words. Each family
//! of sentences has one place, in which both languages stand side by side.

pub mod answers;
pub mod arming_words;
pub mod bus_words;
pub mod causes;
pub mod egress_words;
pub mod engine_words;
pub mod event;
pub mod guard_answers;
pub mod guard_people;
pub mod instant;
pub mod misheard;
pub mod moment;
pub mod names;
pub mod numbers;
pub mod output_words;
pub mod process_words;
pub mod reach_words;
pub mod reload_words;
pub mod retold;
pub mod shadow_words;
pub mod status;
pub mod table;
pub mod why_output;
pub mod why_rule;

pub use ballast_words::{guard as guard_words, language, memory as memory_words};
