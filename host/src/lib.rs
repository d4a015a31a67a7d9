//! The machine that the programs run on, and the files of a site as both of them read them.
//!
//! The program and the guard are two processes that must understand the same files in the same way and live on the same
//! clock; what that takes is here, once.
//!
//! | module | holds |
//! |---|---|
//! | [`clock`] | the only place that reads time; who answers for the wall clock |
//! | [`confine`] | what a process gives up once it has begun |
//! | [`supervisor`] | what systemd is told |
//! | [`texts`] | the files of a site, read as they lie, within bounds |
//! | [`file_set`] | which files those are, and the hash that tells one set from another |
//! | [`definitions`] | whether what is open may go on under other texts |
//! | [`hold`] | which process holds the outputs of a site |
//! | [`link`] | how guard and program talk, and the guard's mirror |
//! | [`nouns`] | from the texts to devices, points, outputs and the safety set |
//! | [`ownership`] | which of both processes has which bus |
//! | [`process`] | who is behind a socket, and whether it runs at all |
//! | [`users`] | names of users of this machine |
//!
//! It must never decide anything.
#![forbid(unsafe_code)]

pub mod clock;
pub mod confine;
pub mod definitions;
pub mod file_set;
pub mod hold;
pub mod link;
pub mod nouns;
pub mod ownership;
pub mod process;
pub mod supervisor;
pub mod texts;
pub mod users;

pub use clock::Clock;
pub use file_set::SetHash;
pub use texts::Texts;
