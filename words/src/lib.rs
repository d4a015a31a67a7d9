//! What the guard says, as sentences in English and French: for the program, and for the guard's own log where it is a process.
//!
//! | module | holds |
//! |---|---|
//! | [`language`] | the language in which people read; [`say!`], with both texts side by side |
//! | [`guard`] | each event of the guard: what it is about, how much it matters, the sentence |
//! | [`causes`] | why an output is not as it was asked to be |
//! | [`arming`] | devices that were found, and who armed them |
//! | [`memory`] | what is said when the guard's memory was lost |
//! | [`process`] | what the process of the guard says of its start and end, its disk and its links |
//!
//! It must never decide anything, and never read a clock.

pub mod arming;
pub mod causes;
pub mod guard;
pub mod language;
pub mod memory;
pub mod process;
