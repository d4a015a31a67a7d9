//! Unix sockets on which every send arrives as one piece (`SOCK_SEQPACKET`), with the user at the other end.

use crate::process;
use rustix::net::sockopt::{Timeout, set_socket_send_buffer_size, set_socket_timeout, socket_peercred};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, accept_with,
    bind, connect, listen, recv, send, shutdown, socket_with,
};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Connections that may wait to be taken up.
const BACKLOG: i32 = 4;
/// Room for what is on its way, bytes; the kernel gives as much as it allows.
const SEND_BUFFER: usize = 1 << 20;

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The number of its user.
    pub uid: u32,
    /// The number of its process.
    pub pid: i32,
}

/// A connection.
#[derive(Debug)]
pub struct Socket(OwnedFd);

impl Socket {
    /// Connects to who listens at a path.
    ///
    /// # Errors
    /// Nobody listens there, or the path may not be used.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let socket = make()?;
        connect(&socket, &SocketAddrUnix::new(path)?)?;
        Ok(Self(socket))
    }

    /// The same, where nobody may take up who comes: waits for room so long. Sends wait no longer either.
    ///
    /// # Errors
    /// As above; of the kind `WouldBlock` where there was no room in time.
    pub fn connect_within(path: &Path, patience: Duration) -> io::Result<Self> {
        process::connect_within(path, SocketType::SEQPACKET, patience).map(Self)
    }

    /// A pair that is connected: for tests.
    ///
    /// # Errors
    /// The machine has no more sockets.
    pub fn pair() -> io::Result<(Self, Self)> {
        let flags = SocketFlags::CLOEXEC;
        let (one, other) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self(one), Self(other)))
    }

    /// How long a send may wait for room; `None`: without end.
    ///
    /// # Errors
    /// The socket is closed.
    pub fn send_within(&self, patience: Option<Duration>) -> io::Result<()> {
        Ok(set_socket_timeout(&self.0, Timeout::Send, patience)?)
    }

    /// How long a receive may wait; `None`: without end.
    ///
    /// # Errors
    /// The socket is closed.
    pub fn receive_within(&self, patience: Option<Duration>) -> io::Result<()> {
        Ok(set_socket_timeout(&self.0, Timeout::Recv, patience)?)
    }

    /// Sends one piece.
    ///
    /// # Errors
    /// The other end is gone, or there was no room in time.
    pub fn send(&self, piece: &[u8]) -> io::Result<()> {
        let sent = send(&self.0, piece, SendFlags::NOSIGNAL)?;
        // A piece goes as a whole or not at all.
        if sent == piece.len() { Ok(()) } else { Err(ErrorKind::WriteZero.into()) }
    }

    /// Sends one piece, where there is room for it now.
    ///
    /// # Errors
    /// The other end is gone, or there is no room.
    pub fn try_send(&self, piece: &[u8]) -> io::Result<()> {
        let sent = send(&self.0, piece, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
        if sent == piece.len() { Ok(()) } else { Err(ErrorKind::WriteZero.into()) }
    }

    /// Receives one piece into a buffer and gives its length; zero: the other end is gone.
    ///
    /// # Errors
    /// The piece is longer than the buffer, or nothing came in time.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len();
        loop {
            match recv(&self.0, &mut *buffer, RecvFlags::TRUNC) {
                // With TRUNC the length is that of the whole piece.
                Ok((_, length)) if length > room => return Err(ErrorKind::InvalidData.into()),
                Ok((_, length)) => return Ok(length),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Who is at the other end, as the kernel knows it from the moment of connecting.
    ///
    /// # Errors
    /// The kernel does not say.
    pub fn peer(&self) -> io::Result<Peer> {
        let found = socket_peercred(&self.0)?;
        Ok(Peer { uid: found.uid.as_raw(), pid: found.pid.as_raw_nonzero().get() })
    }

    /// Ends the connection in both directions, also for who waits for it on another thread.
    pub fn close(&self) {
        // One that is closed already is as it should be.
        let _ = shutdown(&self.0, Shutdown::Both);
    }
}

/// A listening socket that takes its file away.
#[derive(Debug)]
pub struct Listener {
    socket: OwnedFd,
    path: PathBuf,
}

impl Listener {
    /// Listens at a path. `mode` is who may connect: 0o600 its owner, 0o660 its group as well, 0o666 everybody.
    ///
    /// # Errors
    /// Another process listens there, or the path cannot be used.
    pub fn bind(path: &Path, mode: u32) -> io::Result<Self> {
        if Socket::connect(path).is_ok() {
            let message = format!("another process listens on {}", path.display());
            return Err(io::Error::new(ErrorKind::AddrInUse, message));
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = make()?;
        bind(&socket, &SocketAddrUnix::new(path)?)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        listen(&socket, BACKLOG)?;
        Ok(Self { socket, path: path.to_owned() })
    }

    /// Waits for the next who connects.
    ///
    /// # Errors
    /// The listener is closed, or the machine has no more sockets.
    pub fn accept(&self) -> io::Result<Socket> {
        loop {
            match accept_with(&self.socket, SocketFlags::CLOEXEC) {
                Ok(socket) => {
                    // Less room means that a program that does not read is found out sooner.
                    let _ = set_socket_send_buffer_size(&socket, SEND_BUFFER);
                    return Ok(Socket(socket));
                }
                Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Nothing can be done about a file that is already gone.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn make() -> io::Result<OwnedFd> {
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_arrive_whole_and_a_long_one_is_refused() {
        let (one, other) = Socket::pair().unwrap();
        one.send(b"first").unwrap();
        one.send(&[7; 100]).unwrap();
        one.send(b"last").unwrap();
        let mut buffer = [0; 10];
        assert_eq!(other.receive(&mut buffer).unwrap(), 5);
        assert_eq!(&buffer[..5], b"first");
        assert_eq!(other.receive(&mut buffer).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(other.receive(&mut buffer).unwrap(), 4, "the rest of it is gone");
        drop(one);
        assert_eq!(other.receive(&mut buffer).unwrap(), 0);
    }

    #[test]
    fn who_connects_is_known_and_a_second_listener_is_refused() {
        let path = std::env::temp_dir().join(format!("ballast-socket-{}", std::process::id()));
        let listener = Listener::bind(&path, 0o600).unwrap();
        let client = Socket::connect(&path).unwrap();
        let served = listener.accept().unwrap();
        let peer = served.peer().unwrap();
        assert_eq!(peer.uid, rustix::process::getuid().as_raw());
        assert_eq!(u32::try_from(peer.pid).unwrap(), std::process::id());
        assert_eq!(Listener::bind(&path, 0o600).unwrap_err().kind(), ErrorKind::AddrInUse);
        client.receive_within(Some(Duration::from_millis(5))).unwrap();
        assert_eq!(client.receive(&mut [0; 9]).unwrap_err().kind(), ErrorKind::WouldBlock);
        served.close();
        assert_eq!(client.receive(&mut [0; 9]).unwrap(), 0);
        drop(listener);
        assert!(!path.exists());
    }
}
