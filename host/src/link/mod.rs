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

use crate::hold::{self, Held};
use crate::texts::Texts;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The socket on which the program speaks, in the directory of sockets.
pub const LINK: &str = "link.sock";
/// The socket on which people speak.
pub const PEOPLE: &str = "people.sock";
/// Where sockets lie when a site says nothing: below it, one directory for each site.
pub const SOCKETS: &str = "/run/ballast-guard";

/// What a program sends besides frames: it wishes the files to be read again.
pub const REREAD: &[u8] = b"REREAD\n\n";

/// A guard that is there takes up whoever comes at once.
const ALIVE_WITHIN: std::time::Duration = std::time::Duration::from_secs(1);

/// In the state folder of a program: where it found its guard last.
const LAST_SOCKETS: &str = "guard.sockets";

/// Where the guard of a site listens, where it is a process of its own. Also of a site whose files have mistakes, and of one
/// whose files say nothing of a guard any more while it lives: taking it away waits for a person's word, which that guard
/// must be able to hear. `state` is the state folder of the program: a guard that does not listen in the usual place is
/// looked for where the program found it last.
pub fn sockets_of(site: &Path, state: &Path, asked: Option<&Path>) -> Option<PathBuf> {
    if let Some(asked) = asked {
        return Some(asked.to_owned());
    }
    named_or_usual(site).or_else(|| {
        // Where nobody holds the outputs of this site, whoever listens there is another one's guard.
        let last = last_sockets(state).filter(|_| hold::look(site) != Held::No)?;
        is_alive(&last).then_some(last)
    })
}

/// Keeps where a guard was found, for a start with files that say it no more. A disk that does not take it stops nobody: the
/// next start with such files is refused while the guard lives.
pub fn remember_sockets(state: &Path, sockets: &Path) {
    if last_sockets(state).is_some_and(|last| last == *sockets) {
        return;
    }
    let new = state.join(format!("{LAST_SOCKETS}.new"));
    let written = std::fs::write(&new, sockets.as_os_str().as_bytes());
    let _ = written.and_then(|()| std::fs::rename(&new, state.join(LAST_SOCKETS)));
}

fn last_sockets(state: &Path) -> Option<PathBuf> {
    let bytes = std::fs::read(state.join(LAST_SOCKETS)).ok()?;
    Some(PathBuf::from(OsString::from_vec(bytes))).filter(|path| path.is_absolute())
}

/// The place that the files say, or the usual one where a guard lives.
fn named_or_usual(site: &Path) -> Option<PathBuf> {
    let texts = Texts::read_heads(site).ok()?;
    let process = texts.files.get("safety.yaml").and_then(|text| ballast_config::safety::guard_process(text));
    let text = texts.files.get("site.yaml").map(|text| String::from_utf8_lossy(text).into_owned());
    let line = text.as_ref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("site:")));
    let name =
        line.and_then(|rest| rest.split('#').next()).unwrap_or_default().trim().trim_matches(['"', '\'']);
    let is_named = process.is_some();
    let usual = directory(&process.unwrap_or_default(), name, None);
    (is_named || (!name.is_empty() && is_alive(&usual))).then_some(usual)
}

/// Whether somebody listens to people in this directory.
fn is_alive(sockets: &Path) -> bool {
    socket::Socket::connect_within(&sockets.join(PEOPLE), ALIVE_WITHIN).is_ok()
}

/// The directory of the sockets of a site.
pub fn directory(process: &ballast_guard::plan::Process, site: &str, asked: Option<&Path>) -> PathBuf {
    match (asked, &process.sockets) {
        (Some(asked), _) => asked.to_owned(),
        (None, Some(named)) => PathBuf::from(&**named),
        (None, None) => Path::new(SOCKETS).join(site),
    }
}
