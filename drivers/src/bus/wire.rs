//! What a polled bus speaks over: a TCP or TLS connection or a serial line, opened when it is needed and given up when an answer
//! did not come.
//!
//! It must never let bytes that came before a request be taken for its answer. What comes on a serial line after a request and
//! still answers an older one, the line cannot know: `bus/poll.rs` sounds it.

use super::context::duration;
use super::mqtt::{Stream, dial};
use super::tls::{self, Tls};
use crate::limits::ANSWER_MAX;
use ballast_model::Span;
use bytes::{Bytes, BytesMut};
use std::io;
use std::path::PathBuf;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use tokio_serial::{SerialPortBuilderExt, StopBits};

pub use tokio_serial::Parity;

/// Where a polled device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wire {
    /// A connection to a host: Modbus TCP, HTTP.
    Tcp {
        /// Name or address.
        host: Box<str>,
        /// Port.
        port: u16,
    },
    /// The same inside TLS: HTTPS.
    Tls {
        /// Name or address, which the other side's certificate must bear.
        host: Box<str>,
        /// Port.
        port: u16,
        /// Whom to believe, and who we are.
        tls: Tls,
    },
    /// A serial line with eight data bits, which several devices may share.
    Serial {
        /// Its path.
        port: PathBuf,
        /// Bits per second.
        speed: u32,
        /// Parity.
        parity: Parity,
        /// Two stop bits instead of one.
        is_two_stop_bits: bool,
        /// Silence before a request: 3.5 characters of Modbus RTU.
        pause: Span,
    },
}

impl std::fmt::Display for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { host, port } | Self::Tls { host, port, .. } => write!(f, "{host}:{port}"),
            Self::Serial { port, .. } => write!(f, "{}", port.display()),
        }
    }
}

/// A wire with what is open on it.
pub(super) struct Line {
    wire: Wire,
    stream: Option<Box<dyn Stream>>,
    input: BytesMut,
    /// Until then an answer that nobody awaits any more may come.
    late_until: Instant,
    /// When the last byte came or left, on a serial line.
    last_byte: Instant,
}

impl Line {
    pub(super) fn new(wire: Wire) -> Self {
        let now = Instant::now();
        Self { wire, stream: None, input: BytesMut::new(), late_until: now, last_byte: now }
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Forgets what came, and gives up a connection on which something came unasked. Whether a request can leave at once.
    pub(super) async fn settle(&mut self) -> bool {
        self.input.clear();
        let (Wire::Tcp { .. } | Wire::Tls { .. }, Some(stream)) = (&self.wire, &mut self.stream) else {
            return false;
        };
        // Whatever comes unasked, also the other side's farewell: with a new connection it cannot be an answer.
        let is_quiet = tokio::select! {
            biased;
            _ = stream.read_buf(&mut self.input) => false,
            () = std::future::ready(()) => true,
        };
        if !is_quiet {
            self.stream = None;
            self.input.clear();
        }
        is_quiet
    }

    /// Makes the line ready for a request: open, quiet, with nothing old on it. Whether it was opened for that. On a serial
    /// line that was just opened, whoever had it before may have asked something: it is listened to for as long as an
    /// answer may take.
    pub(super) async fn prepare(&mut self, timeout: Span) -> io::Result<bool> {
        if self.settle().await {
            return Ok(false);
        }
        let is_new = self.stream.is_none();
        let stream = match &mut self.stream {
            Some(stream) => stream,
            empty => empty.insert(open(&self.wire).await?),
        };
        if let Wire::Serial { pause, .. } = &self.wire {
            if is_new {
                self.last_byte = Instant::now();
                self.late_until = self.late_until.max(self.last_byte + duration(timeout));
            }
            // A line cannot be hung up: what still comes is waited for and thrown away.
            let quiet = duration(*pause);
            loop {
                let until = self.late_until.max(self.last_byte + quiet);
                tokio::select! {
                    biased;
                    count = stream.read_buf(&mut self.input) => {
                        if count? == 0 {
                            return Err(io::ErrorKind::UnexpectedEof.into());
                        }
                        self.last_byte = Instant::now();
                        self.input.clear();
                    }
                    () = tokio::time::sleep_until(until) => break,
                }
            }
        }
        Ok(is_new)
    }

    /// How long [`Line::prepare`] may have to listen to what still comes.
    pub(super) fn is_late(&self, timeout: Span) -> Span {
        if self.stream.is_none() && self.is_shared() {
            return timeout;
        }
        let left = self.late_until.saturating_duration_since(Instant::now());
        Span::from_nanos(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Whether it is a line that cannot be hung up: an answer that nobody awaits any more still comes.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.wire, Wire::Serial { .. })
    }

    /// Sends a request.
    pub(super) async fn send(&mut self, mut request: Bytes) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Err(io::ErrorKind::NotConnected.into()) };
        stream.write_all_buf(&mut request).await?;
        stream.flush().await?;
        self.note_byte();
        Ok(())
    }

    /// Waits for more bytes; `false`: the other side has closed.
    pub(super) async fn receive(&mut self) -> io::Result<bool> {
        let Some(stream) = &mut self.stream else { return Err(io::ErrorKind::NotConnected.into()) };
        if self.input.len() >= ANSWER_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let count = stream.read_buf(&mut self.input).await?;
        self.note_byte();
        Ok(count > 0)
    }

    /// A byte came or left: of interest where a pause must follow it.
    fn note_byte(&mut self) {
        if self.is_shared() {
            self.last_byte = Instant::now();
        }
    }

    /// Everything that came since the request.
    pub(super) fn input(&self) -> &[u8] {
        &self.input
    }

    /// An answer did not come or was strange: what comes now is no answer to anything.
    pub(super) fn give_up(&mut self, timeout: Span) {
        self.input.clear();
        self.late_until = Instant::now() + duration(timeout);
        if matches!(self.wire, Wire::Tcp { .. } | Wire::Tls { .. }) {
            self.hang_up();
        }
    }

    /// Closes.
    pub(super) fn hang_up(&mut self) {
        self.stream = None;
    }
}

async fn open(wire: &Wire) -> io::Result<Box<dyn Stream>> {
    match wire {
        Wire::Tcp { host, port } => Ok(Box::new(dial(host, *port).await?)),
        Wire::Tls { host, port, tls } => {
            let tcp = dial(host, *port).await?;
            tls::connect(tls, host, tcp).await.map_err(|text| io::Error::other(format!("TLS: {text}")))
        }
        Wire::Serial { port, speed, parity, is_two_stop_bits, .. } => {
            let stop_bits = if *is_two_stop_bits { StopBits::Two } else { StopBits::One };
            let builder =
                tokio_serial::new(port.to_string_lossy(), *speed).parity(*parity).stop_bits(stop_bits);
            Ok(Box::new(builder.open_native_async()?))
        }
    }
}
