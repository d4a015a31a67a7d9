//! The embedded store: engine state and events, durable when acknowledged.
//!
//! One file per site, `ballast.db`, and a small one beside it, `ballast.db-newest`. One [`Store`] writes it, on a plain
//! thread of its own; any number of [`Reader`]s look into it meanwhile.
//!
//! | module | holds |
//! |---|---|
//! | [`store`] | the handle: open, append, save, close; tickets; what was found when the file was opened |
//! | [`reader`] | a second, read-only connection: events newest first, the saved state, the integrity check |
//! | [`state`] | named, versioned blobs saved together; the last two generations are kept, each with its checksum |
//! | [`events`] | the append-only record, its queries and its retention |
//! | [`health`] | what the writer reports about the disk |
//! | `stamp` | the moment that the caller gives to everything that is stored |
//! | [`limits`] | every maximum, and what happens there |
//! | `schema` | pragmas, versions, migrations, the check at opening |
//! | `queue`, `writer` | what waits, and the thread that writes it |
//! | `mark` | which state was acknowledged last, beside the database: an older one is found out |
//! | `kept` | the last state, compressed, for the day its file is damaged |
//! | `quarantine` | setting a damaged file aside |
//!
//! **Acknowledged means durable**: a [`Ticket`] says [`Durable`](store::Progress::Durable) only after
//! the commit that holds its record has reached the disk.
//!
//! **The disk never stops control**: a full, read-only, failing or damaged disk makes the store wait in memory, retry
//! and report; no call of the handle waits for the disk except those that take a `patience`.
//!
//! This crate never reads a clock: every moment comes from the caller. It never interprets a blob or a payload.
#![forbid(unsafe_code)]

pub mod error;
pub mod events;
pub mod health;
mod kept;
pub mod limits;
mod mark;
mod quarantine;
mod queue;
pub mod reader;
mod schema;
mod stamp;
pub mod state;
pub mod store;
mod writer;

pub use ballast_model::Severity;
pub use error::Error;
pub use events::{Event, Query, Retention, StoredEvent};
pub use health::Health;
pub use reader::Reader;
pub use state::{SavedState, StatePart};
pub use store::{Found, Opened, Progress, Store, Ticket};
