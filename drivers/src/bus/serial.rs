//! A line on which a device speaks by itself: a serial port, a pseudo-terminal, a named pipe, or a recording in a file.
//!
//! The port is opened raw with eight data bits: a line with seven bits and even parity looks the same on the wire, and the
//! listener sees the parity. When the port disappears its points are offline at once, and it is tried again.

use super::backoff::{Backoff, seed};
use super::context::{Context, Stopped, deadline, duration};
use super::{SerialBus, doors};
use crate::limits::{FULL_RETRY, SERIAL_READ_MAX};
use crate::shape::Heard;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio_serial::{SerialPort, SerialPortBuilderExt, SerialStream};

/// What bytes come from.
enum Port {
    Line(SerialStream),
    Pipe(pipe::Receiver),
    /// A recording is played at the speed of its line.
    Record {
        file: File,
        byte_time: Duration,
    },
}

impl Port {
    fn open(path: &Path, speed: u32) -> io::Result<Self> {
        let kind = std::fs::metadata(path)?.file_type();
        if kind.is_fifo() {
            // Opened for writing as well, the pipe does not end when its writer does.
            return pipe::OpenOptions::new().read_write(true).open_receiver(path).map(Self::Pipe);
        }
        if kind.is_file() {
            // A start bit, eight bits, a stop bit.
            let byte_time = Duration::from_secs(10) / speed.max(1);
            return Ok(Self::Record { file: File::open(path)?, byte_time });
        }
        let line = tokio_serial::new(path.to_string_lossy(), speed).open_native_async();
        line.map(Self::Line).map_err(io::Error::from)
    }

    fn set_speed(&mut self, speed: u32) {
        if let Self::Line(line) = self {
            // A line that cannot change its speed is understood at its only one, or not at all.
            drop(line.set_baud_rate(speed));
        }
    }

    /// Waits for bytes; none means the end. Can be dropped at any moment without losing any.
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Line(line) => AsyncReadExt::read(line, buffer).await,
            Self::Pipe(pipe) => AsyncReadExt::read(pipe, buffer).await,
            Self::Record { file, byte_time } => {
                let few = buffer.len().min(RECORD_READ);
                tokio::time::sleep(*byte_time * few as u32).await;
                file.read(buffer.get_mut(..few).unwrap_or_default())
            }
        }
    }
}

/// Bytes of a recording that come at once.
const RECORD_READ: usize = 32;

/// Why listening ended.
enum End {
    Stopped,
    Lost(String),
}

/// Runs until the bus is ended.
pub(super) async fn run(mut bus: SerialBus, mut context: Context) {
    let mut backoff = Backoff::of_port(seed(&context.name, context.now()));
    let mut speeds = Speeds { all: bus.speeds.clone(), at: 0 };
    loop {
        let since = context.now();
        let end = match Port::open(&bus.port, speeds.now()) {
            Ok(port) => {
                context.counters.connects.add(1);
                context.link(true, &format!("listening to {}", bus.port.display()));
                bus.listener.reset();
                listen(port, &mut bus, &mut context, &mut speeds).await
            }
            Err(error) => End::Lost(format!("cannot open {}: {error}", bus.port.display())),
        };
        let End::Lost(text) = end else { return };
        context.counters.link_errors.add(1);
        context.link(false, &text);
        let now = context.now();
        context.readings.all_offline(now);
        if context.pause(backoff.next(now.since(since))).await == Err(Stopped) {
            return;
        }
    }
}

async fn listen(mut port: Port, bus: &mut SerialBus, context: &mut Context, speeds: &mut Speeds) -> End {
    let mut buffer = [0; SERIAL_READ_MAX];
    let mut taken = Vec::new();
    let mut doors = doors(std::iter::empty());
    let mut trial_ends = deadline(bus.patience);
    // Bytes since the last that were understood.
    let mut strange = 0usize;
    loop {
        let is_free = context.hand_over();
        let has_room = context.has_room();
        tokio::select! {
            biased;
            count = context.permits.recv_many(&mut taken, 16), if has_room => {
                if count == 0 {
                    return End::Stopped;
                }
                for permit in taken.drain(..) {
                    context.redeem(permit, &mut doors);
                }
            }
            count = port.read(&mut buffer), if is_free => match count {
                Ok(0) => return End::Lost(format!("{} ended", bus.port.display())),
                Err(error) => return End::Lost(format!("{} is gone: {error}", bus.port.display())),
                Ok(count) => {
                    let now = context.now();
                    let bytes = Heard::Bytes(buffer.get(..count).unwrap_or_default());
                    let heed = bus.listener.hear(bytes, now, &mut context.readings);
                    context.counters.bytes.add(count as u64);
                    context.counters.messages.add(u64::from(heed.good) + u64::from(heed.bad));
                    context.counters.good.add(u64::from(heed.good));
                    context.counters.bad.add(u64::from(heed.bad));
                    if heed.good > 0 {
                        trial_ends = deadline(bus.patience);
                        context.link(true, &format!("listening to {}", bus.port.display()));
                        strange = 0;
                    } else {
                        strange += count;
                    }
                }
            },
            () = tokio::time::sleep(duration(FULL_RETRY)), if !is_free => {}
            () = tokio::time::sleep_until(trial_ends) => {
                let port_name = bus.port.display();
                if strange > 0 {
                    let text = "bytes come and none is understood: check speed, mode and wiring";
                    context.link(false, &format!("{port_name}: {text}"));
                    strange = 0;
                } else {
                    context.link(false, &format!("{port_name} is silent: check the wiring"));
                }
                if speeds.all.len() > 1 {
                    context.counters.speed_trials.add(1);
                    port.set_speed(speeds.next());
                    bus.listener.reset();
                }
                trial_ends = deadline(bus.patience);
            }
        }
    }
}

/// The speeds of a line, tried in turn.
struct Speeds {
    all: Vec<u32>,
    at: usize,
}

impl Speeds {
    fn now(&self) -> u32 {
        self.all.get(self.at).copied().unwrap_or(9600)
    }

    fn next(&mut self) -> u32 {
        self.at = (self.at + 1) % self.all.len().max(1);
        self.now()
    }
}
