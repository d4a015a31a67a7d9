//! The program at the other end of the link: one at a time, known by its user, in frames of 64 bytes.
//!
//! Whatever is not expected ends the connection; then the leases run out. A reader and a writer of each connection run on
//! threads of their own, so that a program that sends too much or reads too little holds up nobody.

use crate::decision::Pulse;
use crate::limits::{
    AFTER_CUT, BETWEEN_CONNECTIONS, FRAMES_AT_ONCE, FRAMES_PER_SECOND, FRAMES_UNDER_WAY, OUTBOX_BYTES,
    SEND_PATIENCE, STRANGERS_TOLD,
};
use crate::log::{self, Weight};
use crate::news::News;
use ballast_host::link::REREAD;
use ballast_host::link::packet::{PIECE_BYTES_MAX, Packet};
use ballast_host::link::socket::{Listener, Peer, Socket};
use ballast_host::users;
use ballast_model::frame::{FRAME_BYTES, Frame};
use ballast_words::process::{self, LinkEnd};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// What the witness hears of connections.
#[derive(Debug)]
pub enum Caller {
    /// A program has connected.
    Came(Arc<Outbox>),
    /// It wishes the files to be read again.
    WantsReread(Arc<Outbox>),
}

/// What waits to be sent over one connection.
#[derive(Debug)]
pub struct Outbox {
    number: u64,
    socket: Socket,
    queue: Mutex<Queue>,
    news: Condvar,
    is_closed: AtomicBool,
    /// What came over it was not what the guard expects.
    is_cut: AtomicBool,
    /// Which definitions ids mean that are told here; zero: nothing is told yet.
    definitions: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    pieces: VecDeque<Box<[u8]>>,
    bytes: usize,
    /// Nothing more comes; what waits is still sent.
    is_ending: bool,
}

impl Outbox {
    pub(crate) fn new(number: u64, socket: Socket) -> Self {
        Self {
            number,
            socket,
            queue: Mutex::default(),
            news: Condvar::new(),
            is_closed: AtomicBool::new(false),
            is_cut: AtomicBool::new(false),
            definitions: AtomicU64::new(0),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Whoever held it last left it whole: nothing in there can fail half-way.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a packet after everything before it; a connection that lags too far behind is ended.
    pub fn send(&self, packet: &Packet<'_>) {
        if self.is_closed() {
            return;
        }
        let mut buffer = vec![0; PIECE_BYTES_MAX];
        let Some(bytes) = packet.write(&mut buffer) else {
            tell_end(LinkEnd::TooLong);
            return self.close();
        };
        let mut queue = self.queue();
        if queue.is_ending {
            return;
        }
        queue.bytes += bytes.len();
        queue.pieces.push_back(bytes.into());
        let is_too_much = queue.bytes > OUTBOX_BYTES;
        drop(queue);
        self.news.notify_one();
        if is_too_much {
            tell_end(LinkEnd::Unread);
            self.close();
        }
    }

    /// Ends the connection once everything was sent.
    pub fn finish(&self) {
        self.queue().is_ending = true;
        self.news.notify_one();
    }

    /// Ends the connection now.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.socket.close();
        self.news.notify_one();
    }

    /// Ends the connection now, since what came over it is not expected of a program.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::Release);
        self.close();
    }

    /// Whether it has ended.
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// From now on buses that are defined so may be told of.
    pub fn tell_of(&self, definitions: u64) {
        self.definitions.store(definitions, Ordering::Release);
    }

    /// Whether buses that are defined so may be told of.
    pub fn tells_of(&self, definitions: u64) -> bool {
        self.definitions.load(Ordering::Acquire) == definitions
    }

    /// Sends what waits until the connection ends.
    pub(crate) fn write_all(&self) {
        loop {
            let mut queue = self.queue();
            let piece = loop {
                if self.is_closed() {
                    return;
                }
                if let Some(piece) = queue.pieces.pop_front() {
                    queue.bytes -= piece.len();
                    break piece;
                }
                if queue.is_ending {
                    drop(queue);
                    return self.close();
                }
                queue = self.news.wait(queue).unwrap_or_else(PoisonError::into_inner);
            };
            drop(queue);
            if self.socket.send(&piece).is_err() {
                return self.close();
            }
        }
    }
}

/// The connection that counts now.
pub type Current = Arc<Mutex<Option<Arc<Outbox>>>>;

/// What it takes to serve a program.
pub struct Service {
    /// Who may connect: the number of a user, beside the guard's own.
    pub program: Arc<Mutex<Option<u32>>>,
    /// The way to the thread that decides.
    pub inbox: SyncSender<News>,
    /// The way to the witness.
    pub callers: SyncSender<Caller>,
    /// Woken for it.
    pub witness: Thread,
    /// How the thread that decides is.
    pub pulse: Arc<Pulse>,
    /// The connection that counts.
    pub current: Current,
    /// Nobody is taken up before this: the last one was cut off.
    pub not_before: Mutex<Option<Instant>>,
}

impl Service {
    fn not_before(&self) -> MutexGuard<'_, Option<Instant>> {
        self.not_before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves programs until the process ends.
///
/// # Errors
/// The machine has no more threads.
pub fn serve(listener: Listener, service: Service) -> io::Result<()> {
    std::thread::Builder::new().name("link".into()).spawn(move || {
        let service = Arc::new(service);
        let mut strangers = Strangers::default();
        for number in 1.. {
            match listener.accept() {
                Ok(socket) => take(number, socket, &service, &mut strangers),
                Err(error) => {
                    let error = error.to_string();
                    log::tell(Weight::Warning, |language| process::nobody_connects(true, &error, language));
                    std::thread::sleep(Duration::from_millis(200));
                }
            }
            std::thread::sleep(BETWEEN_CONNECTIONS);
        }
    })?;
    Ok(())
}

/// Those who are not the program: told of once in a while, however often they come.
#[derive(Default)]
struct Strangers {
    told: Option<Instant>,
    since: u32,
}

impl Strangers {
    fn turn_away(&mut self, peer: Peer) {
        self.since += 1;
        if self.told.is_some_and(|told| told.elapsed() < STRANGERS_TOLD) {
            return;
        }
        let (who, pid) = (users::name_of(peer.uid), peer.pid);
        let times = self.since;
        log::tell(Weight::Warning, |language| process::turned_away(&who, pid, times, language));
        *self = Self { told: Some(Instant::now()), since: 0 };
    }
}

fn take(number: u64, socket: Socket, service: &Arc<Service>, strangers: &mut Strangers) {
    let Ok(peer) = socket.peer() else { return };
    let program = *service.program.lock().unwrap_or_else(PoisonError::into_inner);
    let own = rustix::process::geteuid().as_raw();
    if peer.uid != program.unwrap_or(own) {
        return strangers.turn_away(peer);
    }
    if service.not_before().is_some_and(|until| Instant::now() < until) {
        return;
    }
    if socket.send_within(Some(SEND_PATIENCE)).is_err() {
        return;
    }
    log::tell(Weight::Info, |language| process::program_there(peer.pid, language));
    let outbox = Arc::new(Outbox::new(number, socket));
    let before = service.current.lock().unwrap_or_else(PoisonError::into_inner).replace(Arc::clone(&outbox));
    if let Some(before) = before {
        before.close();
    }
    if service.inbox.send(News::Linked(number)).is_err()
        || service.callers.send(Caller::Came(Arc::clone(&outbox))).is_err()
    {
        return;
    }
    service.witness.unpark();
    let writer = Arc::clone(&outbox);
    let written = std::thread::Builder::new().name("to program".into()).spawn(move || writer.write_all());
    let (reader, service) = (Arc::clone(&outbox), Arc::clone(service));
    let read = std::thread::Builder::new().name("from program".into()).spawn(move || {
        let end = match read_all(&reader, &service) {
            LinkEnd::Gone if reader.is_cut.load(Ordering::Acquire) => LinkEnd::Unexpected,
            end => end,
        };
        reader.close();
        if end != LinkEnd::Gone {
            *service.not_before() = Some(Instant::now() + AFTER_CUT);
        }
        tell_end(end);
        // A process that ends does not care.
        let _ = service.inbox.send(News::Unlinked(reader.number));
    });
    if written.is_err() || read.is_err() {
        outbox.close();
    }
}

/// Says why the link ended.
fn tell_end(end: LinkEnd) {
    let weight = match end {
        LinkEnd::Gone => Weight::Info,
        LinkEnd::Unread => Weight::Warning,
        LinkEnd::NotAFrame | LinkEnd::Unexpected | LinkEnd::Flood | LinkEnd::TooLong => Weight::Alarm,
    };
    log::tell(weight, |language| process::link_end(end, language).to_owned());
}

fn read_all(outbox: &Arc<Outbox>, service: &Service) -> LinkEnd {
    // One byte more than a frame, so that a longer piece is seen to be one.
    let mut buffer = [0; FRAME_BYTES + 1];
    let mut pace = Pace::new(Instant::now());
    loop {
        let length = match outbox.socket.receive(&mut buffer) {
            Ok(0) => return LinkEnd::Gone,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return LinkEnd::NotAFrame,
            Err(_) => return LinkEnd::Gone,
        };
        if !pace.allows(Instant::now()) {
            return LinkEnd::Flood;
        }
        let piece = buffer.get(..length).unwrap_or_default();
        if piece == REREAD {
            if service.callers.try_send(Caller::WantsReread(Arc::clone(outbox))).is_ok() {
                service.witness.unpark();
            }
            continue;
        }
        let Ok(frame) = Frame::decode(piece) else { return LinkEnd::NotAFrame };
        while service.pulse.frames_under_way.load(Ordering::Acquire) >= FRAMES_UNDER_WAY {
            if outbox.is_closed() {
                return LinkEnd::Gone;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        service.pulse.frames_under_way.fetch_add(1, Ordering::AcqRel);
        if service.inbox.send(News::Frame { connection: outbox.number, frame }).is_err() {
            return LinkEnd::Gone;
        }
    }
}

/// How fast frames may come.
#[derive(Debug)]
struct Pace {
    left: f64,
    since: Instant,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self { left: f64::from(FRAMES_AT_ONCE), since: now }
    }

    fn allows(&mut self, now: Instant) -> bool {
        let gained = now.duration_since(self.since).as_secs_f64() * f64::from(FRAMES_PER_SECOND);
        self.left = (self.left + gained).min(f64::from(FRAMES_AT_ONCE)) - 1.0;
        self.since = now;
        self.left >= 0.0
    }
}
