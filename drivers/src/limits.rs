//! Every named maximum of the buses, and what happens there.

use ballast_model::Span;

/// Permits waiting for one bus. The next one is refused and reported as not written: the guard decides again.
pub const PERMITS_MAX: usize = 4096;

/// Reports in one batch. At the limit no permit is taken until the shell has taken the batch.
pub const REPORTS_MAX: usize = 4096;

/// Samples in one batch. A full batch is handed over before the next byte is read.
pub const BATCH_MAX: usize = 256;

/// A flood begins with more than so many reads of a socket within [`FLOOD_WINDOW`]: more than 4,000 a second.
pub const FLOOD_READS: u32 = 8;

/// See [`FLOOD_READS`].
pub const FLOOD_WINDOW: Span = Span::from_millis(2);

/// How long a flood is let gather before the next read; the timer may make it two.
pub const FLOOD_PAUSE: Span = Span::from_millis(1);

/// A pause that gathered fewer bytes than these ends a flood; about ten short messages.
pub const FLOOD_BYTES: usize = 400;

/// How long answers of a polled bus are let gather in a flood before they are handed on; the timer may make it two.
pub const GATHER_MAX: Span = Span::from_millis(1);

/// Samples that are let gather; with so many they are handed on before that. The thread that decides takes as many in one turn.
pub const GATHER_SAMPLES: usize = 1024;

/// How long a batch that found the shell's queue full waits until it is offered again. Meanwhile nothing is read, so that
/// the other side feels the pressure, and permits are written as ever.
pub const FULL_RETRY: Span = Span::from_millis(2);

/// Largest MQTT packet that is read, bytes. A larger one is skipped as it comes, counted, and never held in memory.
pub const PACKET_MAX: usize = 256 * 1024;

/// Bytes that wait to be written to a socket. Above it no permit is redeemed.
pub const UNSENT_MAX: usize = 64 * 1024;

/// Acknowledged commands (quality of service 1) under way. At the limit permits wait in their queue and may expire there.
pub const UNCONFIRMED_MAX: usize = 1024;

/// Filters in one SUBSCRIBE packet; a site with more sends several packets.
pub const FILTERS_MAX: usize = 100;

/// Time for a connection with its handshakes. Then it counts as failed.
pub const CONNECT_MAX: Span = Span::from_secs(10);

/// Permits wait this long for the first connection of a run; after that they are refused while there is none. A broker in
/// the house answers in milliseconds.
pub const FIRST_LINK: Span = Span::from_secs(1);

/// Bytes that do not leave, or a command that is not confirmed, for this long: the connection is given up.
pub const STALL_MAX: Span = Span::from_secs(10);

/// First pause before a lost connection is tried again; it doubles up to [`BACKOFF_MAX`] (`tests/faults.yaml`, fault 14).
pub const BACKOFF_MIN: Span = Span::from_secs(1);

/// Longest pause before a lost connection is tried again.
pub const BACKOFF_MAX: Span = Span::from_secs(60);
/// Longest pause before a port of this machine is tried again.
pub const PORT_BACKOFF_MAX: Span = Span::from_secs(4);

/// A connection that lasted this long was a real one: the next pause is the first one again (`tests/faults.yaml`, fault 14).
pub const HOLD_DOWN: Span = Span::from_secs(60);

/// Bytes read from a serial port at once. A meter sends at most 960 in a second.
pub const SERIAL_READ_MAX: usize = 1024;

/// A line on which nothing was understood for this long is tried at its other speed. A historical frame takes two to
/// three seconds, and one may be met in its middle.
pub const SPEED_TRIAL: Span = Span::from_secs(7);

/// Largest table of a simulated bus, bytes.
pub const TABLE_MAX: u64 = 8 * 1024 * 1024;

/// Shortest period of a simulated point.
pub const TICK_MIN: Span = Span::from_millis(10);

/// Requests in a row that come to nothing before a polled device counts as gone (`tests/faults.yaml`, fault 16).
pub const TRIES: u32 = 3;

/// Once a polled device has been gone for so many tries more, it rests so many times as long as a try takes of the bus: its
/// neighbours lose less than one per cent of their rate to it.
pub const GONE_TRIES: u32 = 4;

/// See [`GONE_TRIES`].
pub const GONE_RESTS: u64 = 128;

/// However long a try takes, a device that is gone is tried again after this time.
pub const GONE_MAX: Span = Span::from_secs(600);

/// Bytes of one answer of a polled device. A longer one is strange, and the connection is given up.
pub const ANSWER_MAX: usize = 64 * 1024;

/// Requests of one job of a polled device.
pub const STEPS_MAX: usize = 16;

/// Bytes of the head of an HTTP response, and of a line in a chunked body.
pub const HEAD_MAX: usize = 16 * 1024;

/// Times a polled device may send a request elsewhere.
pub const REDIRECTS_MAX: u32 = 3;

/// Bytes of a file with a password or a token; what stands behind is not read.
pub const SECRET_MAX: u64 = 64 * 1024;

/// Letters for others that wait for one bus; who writes more waits, and what is worth telling by then is told.
pub const LETTERS_MAX: usize = 64;

/// Letters that a broker has not confirmed. At the limit no further one leaves: a command behind them waits for these at
/// most, however slow the broker is.
pub const LETTERS_UNCONFIRMED_MAX: usize = 16;

/// Permits taken at once by a bus of pins.
pub const PERMITS_AT_ONCE: usize = 64;

/// How often a line is tried again that somebody else has, or that is not there.
pub const PIN_RETRY: Span = Span::from_secs(1);

/// How long a bus of pins that begins waits for lines that the one before it may still have.
pub const PIN_TAKEOVER: Span = Span::from_millis(500);

/// How long a bus of pins that ends holds its outputs for the one that takes its place: a reload tells them anew within one
/// turn.
pub const PIN_HOLD: Span = Span::from_secs(2);

/// No device of a serial line answers later than this, nor later than four time-outs.
pub const LATE_MAX: Span = Span::from_secs(2);
