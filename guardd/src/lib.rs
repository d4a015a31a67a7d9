//! The guard as a process of its own, `ballast-guard`: it alone has the outputs and the sensors of its own limits.
//!
//! ```text
//!    buses (runtime) ──┐                      ┌──> buses: permits
//!    program (link) ───┼──> DECISION ─────────┤
//!    people ───────────┤    one thread        └──> tape ──> WITNESS ──> log, audit, memory, people, program
//!    clock ────────────┘
//! ```
//! The thread that decides takes what comes from one bounded channel, makes a step of the guard, hands permits over and writes
//! what it was given onto a tape. It never waits for a disk, a socket, a bus or a lock, and a step does not allocate. All
//! that may wait is done by the *witness*, a second guard that takes the same steps from the tape: it says what happened,
//! keeps it, answers people and shows the program a portrait.
//!
//! | module | holds |
//! |---|---|
//! | [`start`] | from files and memory to running threads, and the end |
//! | `watch` | whether the threads live; what the supervisor is told; signals |
//! | [`decision`], [`field`] | the thread that decides; the buses under it |
//! | [`tape`] | the way from there to the witness |
//! | [`witness`] | the second guard and everything that may wait |
//! | [`link`] | the program |
//! | [`manners`] | whether what it says is what is expected |
//! | [`relay`] | what buses tell, on to the program |
//! | [`people`] | questions of persons, and who may ask them |
//! | [`librarian`] | the files of the site, read again when asked |
//! | [`keeper`], [`memory`] | what is kept on the disk: two slots, each whole or not at all; the audit log |
//! | [`safe`] | `--make-safe` |
//!
//! It must never: run a rule; open what the program asks for; fall silent without its outputs going safe.
#![forbid(unsafe_code)]

pub mod arguments;
pub mod decision;
pub mod field;
pub mod keeper;
pub mod librarian;
pub mod limits;
pub mod link;
pub mod log;
pub mod manners;
pub mod memory;
pub mod news;
pub mod people;
pub mod relay;
pub mod safe;
pub mod set;
pub mod start;
pub mod tape;
pub mod timekeeper;
mod watch;
pub mod witness;
