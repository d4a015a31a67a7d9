//! The process at the other end of a socket: which one it is, and whether it runs at all.

use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_peercred};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect as connect_to, socket_with,
};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

/// Ticks in a second as the kernel tells them to programs, on every architecture of Linux (`USER_HZ`).
const TICKS: u64 = 100;
/// How long a connection may wait until there is room for it.
const ROOM: Duration = Duration::from_secs(2);

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(pub i32);

/// What the kernel says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// It was stopped by a signal or a debugger and does nothing.
    pub is_stopped: bool,
    /// How long ago it began; `None` where the kernel does not say.
    pub age: Option<Duration>,
}

/// Connects to the stream socket at a path.
///
/// # Errors
/// Nobody listens there, the path may not be used, or nobody takes up who comes.
pub fn connect(path: &Path) -> io::Result<OwnedFd> {
    connect_within(path, SocketType::STREAM, ROOM)
}

/// Connects where nobody may take up who comes: waits for room so long, and then for room to send. An error of the kind
/// `WouldBlock` where there was none in time.
pub(crate) fn connect_within(path: &Path, kind: SocketType, patience: Duration) -> io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&socket, Timeout::Send, Some(patience))?;
    connect_to(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

impl Process {
    /// The process that listens behind a connection; nothing where it lies beyond a container's bounds.
    pub fn behind(socket: &impl AsFd) -> Option<Self> {
        let pid = socket_peercred(socket).ok()?.pid.as_raw_nonzero().get();
        (pid > 0).then_some(Self(pid))
    }

    /// Looks at it.
    pub fn look(&self) -> Seen {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let stat = read(&format!("/proc/{}/stat", self.0)).unwrap_or_default();
        let uptime = read("/proc/uptime").unwrap_or_default();
        seen(&stat, &uptime)
    }
}

/// Reads `/proc/PID/stat`, see `proc_pid_stat(5)`, and `/proc/uptime`.
fn seen(stat: &str, uptime: &str) -> Seen {
    // The name stands in brackets and may hold anything, brackets too.
    let Some((_, rest)) = stat.rsplit_once(')') else { return Seen::default() };
    let mut fields = rest.split_whitespace();
    let is_stopped = matches!(fields.next(), Some("T" | "t"));
    // The state is the third field, and the start the 22nd.
    let started = fields.nth(18).and_then(|ticks| ticks.parse::<u64>().ok());
    let seconds = uptime.split('.').next().and_then(|text| text.parse::<u64>().ok());
    let age = started.zip(seconds).map(|(ticks, now)| Duration::from_secs(now.saturating_sub(ticks / TICKS)));
    Seen { is_stopped, age }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_is_understood() {
        let stat = |state: &str| {
            format!("4711 (a ) b) {state} 1 4711 4711 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 4 0 12345 1 2")
        };
        let age = Some(Duration::from_secs(1000 - 123));
        assert_eq!(seen(&stat("T"), "1000.51 3.2"), Seen { is_stopped: true, age });
        assert_eq!(seen(&stat("S"), "1000.51 3.2"), Seen { is_stopped: false, age });
        assert_eq!(seen("", ""), Seen::default());
        let own = Process(i32::try_from(std::process::id()).unwrap()).look();
        assert!(!own.is_stopped && own.age.is_some_and(|age| age < Duration::from_secs(3600)), "{own:?}");
    }
}
