//! The thread that decides does not allocate: counted by the allocator itself, while frames come, outputs move, persons say "now"
//! and let go again, and the program breaks off.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

use ballast_drivers::Batch;
use ballast_guard::{OperatorCommand, ResetWhat, Who};
use ballast_guardd::decision::{self, Decision, Pulse};
use ballast_guardd::field::{Field, Forward, Means};
use ballast_guardd::limits::INBOX;
use ballast_guardd::news::News;
use ballast_guardd::{set, tape};
use ballast_host::nouns::Given;
use ballast_host::{Clock, Texts};
use ballast_model::frame::{Frame, LEASE_MS_MAX, Message};
use ballast_model::{Authority, Intent, OutputId, Wanted};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

struct Counting;

thread_local! {
    static IS_DECIDING: Cell<bool> = const { Cell::new(false) };
}

/// Allocations of the thread that decides.
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

fn count() {
    if IS_DECIDING.try_with(Cell::get).unwrap_or(false) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is handed to the system's allocator as it is; only a counter is touched beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SITE: &str = "site: farm
uuid: 3a3f7a50-3f4e-5c63-8a0b-4f5e9b1f2f80
time_zone: Europe/Paris
buses: { bench: { driver: sim } }
devices:
  tank: { bus: bench, points: { heat: { formula: \"50 + 10 * sine(1 s)\", unit: °C, period: 50 ms, max_age: 1 s, resolution: 0.1 °C } } }
  heater: { bus: bench, outputs: { heater: { kind: contact } } }
  pump: { bus: bench, outputs: { pump: { kind: contact } } }
";
const SAFETY: &str = "guard: {}
outputs: { heater: { safe: open, lease: 1 s }, pump: { safe: open, lease: 1 s, min_open: 10 ms } }
limits: [ { name: hot, when: tank.heat > 58 °C, until: tank.heat < 57 °C, force: [ { heater: open } ] } ]
interlocks: [ { never_together: [heater: closed, pump: closed], dead_time: 100 ms } ]
";

/// What a bus told is not told on here.
struct Nobody;

impl Forward for Nobody {
    fn opened(&self, _: u64) {}

    fn tell(&self, _: u64, _: &str, _: Batch) {}
}

/// The program, as the link would hand on what it says.
struct Program {
    inbox: SyncSender<News>,
    pulse: Arc<Pulse>,
    clock: Arc<Clock>,
    tables: u64,
    connection: u64,
    session: u64,
    counter: u64,
}

impl Program {
    fn connect(&mut self) {
        (self.connection, self.session, self.counter) = (self.connection + 1, self.clock.now().nanos(), 0);
        self.inbox.send(News::Linked(self.connection)).unwrap();
        self.say(Message::Hello { tables: self.tables });
    }

    fn say(&mut self, message: Message) {
        self.counter += 1;
        let frame = Frame { session: self.session, counter: self.counter, lease_ms: LEASE_MS_MAX, message };
        self.pulse.frames_under_way.fetch_add(1, Ordering::AcqRel);
        self.inbox.send(News::Frame { connection: self.connection, frame }).unwrap();
    }

    fn ask(&mut self, output: u32, wanted: Wanted) {
        let request = u64::from(output) + 1;
        let output = OutputId(output);
        let authority = Authority::Rule(1);
        self.say(Message::Intent(Intent { output, wanted, authority, request, is_restoration: false }));
    }

    /// Everything that happens to a guard, once.
    fn round(&mut self) {
        self.connect();
        let person = |command| News::Person { who: Who::new("marie"), command };
        for (heater, pump) in [(true, false), (false, true), (true, true), (false, false)] {
            self.ask(0, if heater { Wanted::CLOSED } else { Wanted::OPEN });
            self.ask(1, if pump { Wanted::CLOSED } else { Wanted::OPEN });
            self.say(Message::Renew);
            std::thread::sleep(Duration::from_millis(30));
        }
        self.inbox.send(person(OperatorCommand::Now(None))).unwrap();
        std::thread::sleep(Duration::from_millis(30));
        self.inbox.send(person(OperatorCommand::Reset(ResetWhat::All))).unwrap();
        self.counter += 1; // One is missing: the session is closed.
        self.say(Message::Renew);
        self.inbox.send(News::Unlinked(self.connection)).unwrap();
        std::thread::sleep(Duration::from_millis(30));
    }
}

#[test]
fn the_thread_that_decides_does_not_allocate() {
    let mut texts = Texts::default();
    texts.files.insert("site.yaml".into(), SITE.as_bytes().into());
    texts.files.insert("safety.yaml".into(), SAFETY.as_bytes().into());
    let prepared = set::read(texts, Given::default()).unwrap_or_else(|report| unreachable!("{report}"));
    let clock = Arc::new(Clock::of_machine());
    let guard = prepared.set.guard(clock.now());
    let tables = guard.table_hash();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (inbox, news) = sync_channel(INBOX);
    let means = Means {
        inbox: inbox.clone(),
        clock: Arc::clone(&clock),
        runtime: runtime.handle().clone(),
        forward: Arc::new(Nobody),
    };
    let field = Field::open(prepared.buses, prepared.definitions, &guard, &means);
    let (writer, mut reader) = tape::tape(&guard);
    let pulse: Arc<Pulse> = Arc::default();
    let (own, time) = (Arc::clone(&pulse), Arc::clone(&clock));
    let deciding = std::thread::spawn(move || {
        IS_DECIDING.with(|is| is.set(true));
        decision::run(Decision { guard, inbox: news, field, means, tape: writer, clock: time, pulse: own });
        IS_DECIDING.with(|is| is.set(false));
    });
    // The witness's end: it only takes what comes.
    let is_over = Arc::new(AtomicBool::new(false));
    let has_ended = Arc::clone(&is_over);
    let steps = std::thread::spawn(move || {
        let mut steps = 0_u64;
        while !has_ended.load(Ordering::Acquire) {
            while reader.take_record().is_some() {
                steps += 1;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        steps
    });
    let mut program =
        Program { inbox: inbox.clone(), pulse, clock, tables, connection: 0, session: 0, counter: 0 };
    // Whatever is made once and kept: the parking place of a thread, room for the first records.
    (0..2).for_each(|_| program.round());
    let (before, began) = (ALLOCATIONS.load(Ordering::Acquire), Instant::now());
    assert!(before > 0, "the count counts");
    (0..10).for_each(|_| program.round());
    let (after, took) = (ALLOCATIONS.load(Ordering::Acquire), began.elapsed());
    inbox.send(News::Stop).unwrap();
    deciding.join().unwrap();
    is_over.store(true, Ordering::Release);
    let steps = steps.join().unwrap();
    assert!(steps > 100, "{steps} records in {took:?}: nothing happened");
    assert_eq!(after - before, 0, "allocations of the thread that decides in {took:?}, {steps} records");
}
