//! Ports of loopback for the servers of tests, each given once.
#![allow(unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing test is its own message")]

use std::io::ErrorKind;
use std::net::{TcpStream, UdpSocket};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// They lie below those that the system gives to connections (Linux: from 32,768 on).
const FIRST: u16 = 10_000;
const PARTS: u16 = 220;
const PART: u16 = 100;

/// A port at which nobody listened a moment ago, and another one each time.
///
/// Tests of one file run side by side, and so do files, and a server that was told a port takes it a moment later only. So each
/// process gives ports of a part of its own. Which part is taken is known by a datagram socket at its first number, which ends
/// with the process however that ends. Nobody listens at a port to try it: a program that another thread starts at that moment
/// would listen too until it runs, and be taken for the server.
pub fn free_port() -> u16 {
    static OWN: OnceLock<(UdpSocket, u16)> = OnceLock::new();
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let (_, first) = OWN.get_or_init(|| {
        let start = (std::process::id() % u32::from(PARTS)) as u16;
        (0..PARTS)
            .map(|step| FIRST + (start + step) % PARTS * PART)
            .find_map(|first| UdpSocket::bind(("127.0.0.1", first)).ok().map(|socket| (socket, first)))
            .expect("a part of the ports is free")
    });
    loop {
        let port = first + GIVEN.fetch_add(1, Ordering::Relaxed) % PART;
        let answer = TcpStream::connect(("127.0.0.1", port));
        if answer.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
            return port;
        }
    }
}
