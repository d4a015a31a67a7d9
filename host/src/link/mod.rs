//! How the guard and its program talk where they are two processes.
//!
//! ```text
//!   program                                   guard
//!     frames of 64 bytes  ───────────────────>  one session, fenced by its number
//!     <─── welcome, portrait, then every step    (link.sock, SOCK_SEQPACKET)
//!   person
//!     question ──> <── answer                   (people.sock, one JSON text each)
//! ```
//! The program never asks what the guard thinks: it has a mirror of it, a guard that is given the same inputs and so says the
//! same, bit for bit. Nothing that it says there reaches an output.

pub mod mirror;
pub mod packet;
pub mod people;
pub mod socket;

use std::path::{Path, PathBuf};

/// The socket on which the program speaks, in the directory of sockets.
pub const LINK: &str = "link.sock";
/// The socket on which people speak.
pub const PEOPLE: &str = "people.sock";
/// Where sockets lie when a site says nothing: below it, one directory for each site.
pub const SOCKETS: &str = "/run/ballast-guard";

/// The directory of the sockets of a site.
pub fn directory(process: &ballast_guard::plan::Process, site: &str, asked: Option<&Path>) -> PathBuf {
    match (asked, &process.sockets) {
        (Some(asked), _) => asked.to_owned(),
        (None, Some(named)) => PathBuf::from(&**named),
        (None, None) => Path::new(SOCKETS).join(site),
    }
}
