//! A step never allocates: counted by the allocator itself, on a site that uses every key, in every situation that the
//! guard knows.

#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod kit;
mod whole;
use ballast_guard::plan::Strength;
use ballast_guard::{Guard, GuardEvent, Input, OperatorCommand, Output, ResetWhat, SessionFault, Who};
use ballast_model::frame::Message;
use ballast_model::intent::Cause;
use ballast_model::time::Gap;
use ballast_model::{Authority, Intent, OutputId, PointId};
use kit::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use whole::*;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is handed to the system's allocator as it is; only a thread's own counter is touched beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

#[test]
fn a_step_never_allocates_whatever_comes() {
    let mut bench = whole().bench();
    bench.session = 5;
    let mut out: Vec<Output> = Vec::with_capacity(bench.guard.output_capacity());
    let mut inputs: Vec<Input> = Vec::with_capacity(1000);
    let mut seed = 1_u64;
    let (mut allocated, mut produced) = (0, 0);
    let outputs = u64::from(HOME + HOMES);
    for step in 0..20_000_u64 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = seed >> 33;
        if step % 100 == 0 {
            bench.session += 1;
            bench.counter = 0;
            let tables = bench.guard.table_hash();
            inputs.push(bench.frame(Message::Hello { tables }));
        }
        inputs.push(bench.frame(Message::Renew));
        let output = OutputId((pick % outputs) as u32);
        let wanted = match output {
            CHARGE => level((pick >> 8 & 0xFFF) as f64),
            _ if pick & 64 == 0 => OPEN,
            _ => CLOSED,
        };
        let authority = if pick & 0x300 == 0 { Authority::Shed } else { Authority::Rule(5) };
        let is_restoration = pick & 128 == 0;
        let intent = Intent { output, wanted, authority, request: pick, is_restoration };
        inputs.push(bench.frame(Message::Intent(intent)));
        // Low for ten seconds now and then; what was cut comes back in the thirty after them.
        let low = if step % 2_000 < 500 && pick & 0xF00 == 0 { 49.2 } else { 50.0 };
        for (place, point) in (0..).zip(HERTZ) {
            inputs.push(bench.sample(point, low + (step % (7 - place)) as f64 * 0.01));
        }
        let point = PointId(3 + (pick >> 4) as u32 % 10);
        let value = [0.0, 3.0, 20.0, 60.0, 8_000.0][(pick >> 9) as usize % 5];
        inputs.push(bench.sample(point, value));
        let who = Who::new("b");
        let wrong = if output == CHARGE { level(300.0) } else { wanted };
        match pick % 200 {
            0 => inputs.push(Input::LinkClosed),
            1..3 => inputs.push(Input::Actual { output, actual: wrong }),
            3 => inputs.push(Input::Operator { who, command: OperatorCommand::Now(None) }),
            4..6 => inputs.push(Input::Reach { output, is_there: pick & 1 == 0 }),
            6 => inputs.push(Input::Stop),
            7..20 => {
                inputs.push(Input::Operator { who, command: OperatorCommand::Reset(ResetWhat::All) });
            }
            _ => {}
        }
        bench.now = bench.now.after(ms(20));
        if step == 5_000 {
            // A copy has the same room.
            bench.guard = bench.guard.clone();
        }
        let before = allocations();
        bench.guard.step(bench.now, &inputs, &mut out);
        allocated += allocations() - before;
        inputs.clear();
        for output in out.drain(..) {
            if let Output::Permit(permit) = output {
                produced += 1;
                let ok = permit.counter() % 13 != 0;
                inputs.push(Input::Written { output: permit.output(), counter: permit.counter(), ok });
            }
        }
    }
    assert!(produced > 1_000, "only {produced} permits: the test does not reach much");
    assert_eq!(allocated, 0);
}

#[test]
fn writing_the_state_down_does_not_allocate_and_gives_the_same_bytes() {
    let mut bench = whole().bench();
    bench.hello();
    bench.pass(secs(30));
    let mut buffer = vec![0; 1 << 20];
    let before = allocations();
    let written = postcard::to_slice(&bench.guard.written(), &mut buffer).map(|written| written.len());
    assert_eq!(allocations() - before, 0);
    let copied = postcard::to_allocvec(&bench.guard.save()).unwrap();
    assert_eq!(&buffer[..written.unwrap()], copied);
}

#[test]
fn a_small_buffer_needs_more_steps_loses_no_permit_and_says_what_it_left_out() {
    let mut bench = whole().bench();
    bench.out = Vec::with_capacity(16);
    for _ in 0..200 {
        bench.step(&[]);
    }
    assert_eq!(bench.out.capacity(), 16);
    assert!((0..HOME + HOMES).map(OutputId).all(|output| bench.physical[output.index()].is_some()));
    assert!((0..HOMES).all(|index| bench.is(home(index)) == OPEN));
    assert!(bench.next > bench.now);
    // More events at once than there is room for: their number is told.
    bench.events.clear();
    let mut frames = Vec::new();
    for _ in 0..40 {
        frames.push(bench.frame(Message::Renew));
    }
    bench.step(&frames);
    bench.step(&[]);
    let told = bench.count(|event| matches!(event, GuardEvent::FrameRefused { .. })) as u32;
    let dropped = bench.events.iter().find_map(|event| match event {
        GuardEvent::Dropped { events } => Some(*events),
        _ => None,
    });
    assert_eq!(dropped.map(|dropped| dropped + told), Some(40), "{told} told");
}

/// The whole site while life goes on: every frequency source moves, nothing grows old.
struct Life {
    bench: Bench,
    turn: u64,
    hertz: f64,
}

impl Life {
    /// A site that was up for a while, every load given back.
    fn new() -> Self {
        let mut bench = whole().bench();
        bench.meter = allocations;
        bench.step(&[]);
        bench.settle();
        let mut life = Self { bench, turn: 0, hertz: 50.0 };
        life.saw(|cause| matches!(cause, Cause::AtStart), "the start");
        life.good();
        life.bench.hello();
        life.go(200);
        for index in 0..HOMES {
            life.bench.give_back(home(index));
        }
        life.bench.ask_as(CLINIC, CLOSED, Authority::Default, 0);
        life.bench.ask_as(MAINS, CLOSED, Authority::Default, 0);
        life.go(40_000);
        assert!((0..HOMES).all(|index| life.bench.is(home(index)) == CLOSED), "not given back");
        life
    }

    fn good(&mut self) {
        for point in WARMTH {
            self.bench.set(point, 20.0);
        }
        for (point, value) in [
            (SMOKE, 0.0),
            (CURRENT, 0.0),
            (VOLTAGE, 12.0),
            (ELEVATION, -10.0),
            (CAPACITY, 100_000.0),
            (LOAD, 10_000.0),
            (METER, 1000.0),
        ] {
            self.bench.set(point, value);
        }
    }

    /// Time passes, with a reading of every source each 20 ms.
    fn go(&mut self, millis: u64) {
        for _ in 0..millis.div_ceil(20) {
            self.turn += 1;
            let noise = (self.turn % 2) as f64 * 0.002;
            for point in HERTZ {
                self.bench.set(point, self.hertz + noise);
            }
            self.bench.pass(ms(20));
        }
    }

    fn saw(&self, wanted: impl Fn(&Cause) -> bool, what: &str) {
        assert!(self.bench.answers.iter().any(|answer| wanted(&answer.cause)), "never seen: {what}");
    }
}

/// Everything about switching by request: times, budgets, values, interlocks.
fn requests(life: &mut Life) {
    life.bench.set(CURRENT, 1.0);
    for (wanted, millis) in [(CLOSED, 1_000), (OPEN, 6_000), (CLOSED, 6_000), (OPEN, 6_000), (CLOSED, 6_000)]
    {
        life.bench.ask(CHARGER, wanted);
        life.bench.set(CURRENT, if wanted == CLOSED { 1.0 } else { 0.0 });
        life.go(millis);
    }
    for wanted in [OPEN, CLOSED, OPEN] {
        life.bench.ask(CHARGER, wanted);
        life.go(6_000);
    }
    life.bench.ask(CHARGER, OPEN);
    life.bench.set(CURRENT, 0.0);
    life.bench.ask(MAINS, OPEN);
    life.go(100);
    life.bench.ask(GENSET, CLOSED);
    life.go(3_000);
    assert_eq!(life.bench.is(GENSET), CLOSED);
    life.bench.ask(MAINS, CLOSED);
    life.go(100);
    life.bench.operator(OperatorCommand::Now(Some(MAINS)));
    life.go(3_000);
    assert_eq!((life.bench.is(MAINS), life.bench.is(GENSET)), (CLOSED, OPEN));
    life.bench.operator(OperatorCommand::Reset(ResetWhat::Output(MAINS)));
    life.bench.operator(OperatorCommand::Reset(ResetWhat::Output(MAINS)));
    life.bench.ask(HEATER, CLOSED);
    life.go(61_000);
    for asked in [1504.0, 300.0, 700.0] {
        life.bench.ask(CHARGE, level(asked));
        life.go(10_000);
    }
    life.bench.ask(CHARGE, CLOSED);
    life.bench.ask(CHARGE, level(500.0));
    life.bench.ask(CHARGE, level(490.0));
    life.bench.ask(CHARGE, level(480.0));
    life.go(31_000);
    life.bench.ask_as(CLINIC, OPEN, Authority::Operator, 900);
    life.bench.ask_as(CLINIC, CLOSED, Authority::Default, 0);
}

/// Devices that do not obey.
fn devices(life: &mut Life) {
    for (output, times) in [(PUMP, 1), (FAN, 4), (LAMP, 1)] {
        life.bench.ask(output, OPEN);
        life.go(5_000);
        for _ in 0..times {
            life.bench.actual(output, CLOSED);
            life.go(4_000);
        }
    }
    life.go(31_000);
    life.bench.broken[HEATER.index()] = true;
    life.bench.ask(HEATER, CLOSED);
    life.go(3_000);
    life.bench.broken[HEATER.index()] = false;
    life.bench.step(&[Input::Reach { output: HEATER, is_there: true }]);
    life.go(3_000);
    life.bench.ask(HEATER, OPEN);
    // An hour later the charger may switch again; its relay is told and nothing flows.
    life.bench.pass(secs(3600));
    life.go(100);
    life.bench.ask(CHARGER, CLOSED);
    life.go(50_000);
    life.bench.set(CURRENT, 1.0);
    life.bench.set(VOLTAGE, 14.0);
    // Nobody renews a setpoint for the whole time of its device's own timer.
    life.bench.ask(CHARGE, level(500.0));
    life.go(5_000);
    life.bench.now = life.bench.now.after(secs(31));
    let renew = life.bench.frame(Message::Renew);
    life.bench.step(&[renew, Input::Actual { output: CHARGE, actual: level(0.0) }]);
    life.good();
    life.go(1_000);
}

/// Limits of each kind, also unknown.
fn limits(life: &mut Life) {
    life.bench.set(ELEVATION, 10.0);
    life.bench.set(SUN, 100.0);
    life.bench.ask(CHARGE, level(2000.0));
    life.bench.ask(LAMP, CLOSED);
    life.go(9_000);
    life.bench.set(SUN, 100.0);
    life.go(3_000);
    life.bench.set(WARMTH[1], 47.5);
    assert_eq!(life.bench.is(CHARGE), level(1500.0));
    life.bench.lose(WARMTH[0]);
    assert_eq!(life.bench.is(CHARGE), level(200.0));
    life.go(5_000);
    assert_eq!(life.bench.is(CHARGER), OPEN, "unknown is violated");
    life.bench.set(WARMTH[0], 20.0);
    life.bench.set(WARMTH[1], 20.0);
    life.go(6_000);
    life.bench.set(SMOKE, 60.0);
    assert_eq!(life.bench.is(CLINIC), OPEN);
    life.bench.operator(OperatorCommand::Reset(ResetWhat::Limit(1)));
    life.bench.operator(OperatorCommand::Now(Some(CLINIC)));
    life.bench.operator(OperatorCommand::Reset(ResetWhat::Output(CLINIC)));
    life.bench.set(SMOKE, 0.0);
    life.bench.operator(OperatorCommand::Reset(ResetWhat::Limit(1)));
    assert_eq!(life.bench.is(CLINIC), CLOSED);
    // By day a silent inverter is unknown: the lamp is opened, the charge keeps a share.
    life.go(11_000);
    assert_eq!((life.bench.is(LAMP), life.bench.is(CHARGE)), (OPEN, level(400.0)));
    life.bench.set(SUN, 6_000.0);
    assert_eq!(life.bench.is(CHARGE), level(0.0));
    life.bench.set(ELEVATION, -10.0);
    life.go(12_000);
    assert_eq!(life.bench.is(LAMP), CLOSED, "at night it is asleep");
    // To and fro, sooner than a relay should.
    for _ in 0..12 {
        life.bench.operator(OperatorCommand::Now(Some(LAMP)));
        life.bench.operator(OperatorCommand::Reset(ResetWhat::Output(LAMP)));
        life.go(100);
    }
    life.go(11_000);
}

fn back(life: &mut Life) {
    life.hertz = 50.0;
    life.go(12_000);
    for index in 0..HOMES {
        life.bench.give_back(home(index));
    }
    life.go(40_000);
}

/// Stages, bulk, cap, futility, sources.
fn frequency(life: &mut Life) {
    life.hertz = 49.4;
    life.go(1_200);
    assert!(life.bench.has(|event| matches!(event, GuardEvent::StageActed { stage: 0, .. })));
    life.hertz = 49.2;
    life.go(1_200);
    life.bench.ask_as(home(9), OPEN, Authority::Shed, 901);
    life.bench.operator(OperatorCommand::Reset(ResetWhat::Shedding));
    back(life);
    for index in 0..5 {
        life.bench.ask_as(home(index), OPEN, Authority::Shed, 910 + u64::from(index));
    }
    back(life);
    for step in 0..20 {
        life.hertz = 50.0 - 4.0 * 0.02 * f64::from(step);
        life.go(20);
    }
    back(life);
    // More is wanted than is left.
    for index in 0..HOMES {
        life.bench.set(LOAD, 60_000.0);
        life.bench.ask(home(index), OPEN);
    }
    life.hertz = 49.4;
    life.go(200);
    life.bench.set(LOAD, 10_000.0);
    back(life);
    for point in HERTZ {
        life.bench.lose(point);
    }
    life.go(1_000);
    for turn in 0..150 {
        for (place, point) in (0..).zip(HERTZ) {
            life.bench.set(point, 50.0 + f64::from(place) + f64::from(turn % 2) * 0.01);
        }
        life.bench.pass(ms(20));
    }
    life.go(1_000);
    for turn in 0..600 {
        life.bench.set(HERTZ[0], 50.0);
        life.bench.set(HERTZ[1], 50.0 + f64::from(turn % 3) * 0.01);
        life.bench.set(HERTZ[2], 50.0 + f64::from(turn % 2) * 0.01);
        life.bench.pass(ms(20));
    }
}

/// Sessions that end in every way; leases that run out.
fn sessions(life: &mut Life) {
    type Break = fn(&mut Bench) -> Input;
    let breaks: [(SessionFault, Break); 7] = [
        (SessionFault::Counter, |bench| {
            bench.counter += 1;
            bench.frame(Message::Renew)
        }),
        (SessionFault::UnknownOutput, |bench| bench.intent(OutputId(99), CLOSED, Authority::Rule(1), 1)),
        (SessionFault::Authority, |bench| bench.intent(MAINS, CLOSED, Authority::Guard, 1)),
        (SessionFault::Bye, |bench| bench.frame(Message::Bye)),
        (SessionFault::Link, |_| Input::LinkClosed),
        (SessionFault::Table, |bench| {
            (bench.session, bench.counter) = (bench.now.nanos(), 0);
            bench.frame(Message::Hello { tables: 1 })
        }),
        (SessionFault::Replaced, |bench| {
            (bench.session, bench.counter) = (bench.now.nanos(), 0);
            let tables = bench.guard.table_hash();
            bench.frame(Message::Hello { tables })
        }),
    ];
    for (fault, make) in breaks {
        life.go(100);
        life.bench.hello();
        life.bench.ask(HEATER, CLOSED);
        life.go(100);
        let input = make(&mut life.bench);
        life.bench.step(&[input]);
        let closed =
            |event: &GuardEvent| matches!(event, GuardEvent::SessionClosed { fault: is, .. } if *is == fault);
        assert!(life.bench.has(closed), "{fault:?}");
    }
    life.bench.hello();
    life.bench.ask(HEATER, CLOSED);
    life.bench.pass_in_silence(secs(20));
    assert_eq!(life.bench.is(HEATER), OPEN);
    let late = life.bench.frame(Message::Renew);
    life.bench.step(&[late]);
    life.bench.settle();
}

/// Another safety set with a person's word, and the life of a guard that took over what was saved.
fn another_guard(life: &mut Life) {
    let mut looser = whole();
    looser.envelope(CHARGER).min_closed = secs(1);
    looser.set.fingerprint = 2;
    let catalog = Arc::new(looser.catalog.clone());
    let replaced = life.bench.guard.replace(Arc::clone(&catalog), looser.set.clone(), false, life.bench.now);
    assert_eq!(replaced.waits_for, Some(2));
    life.bench.operator(OperatorCommand::Confirm(3));
    life.bench.operator(OperatorCommand::Confirm(2));
    assert!(life.bench.guard.adopt_confirmed(life.bench.now).is_some());
    life.go(1_000);
    for gap in [Gap::SameBoot(secs(1)), Gap::OtherBoot(secs(3600)), Gap::Unknown] {
        let state = life.bench.guard.save();
        let saved_at = life.bench.now;
        life.bench.now = saved_at.after(secs(3600));
        life.bench.guard = Guard::new(Arc::clone(&catalog), looser.set.clone(), life.bench.now);
        life.bench.guard.restore(state, gap, saved_at, life.bench.now);
        life.bench.session = 0;
        life.good();
        life.bench.hello();
        life.go(5_000);
        life.bench.set(SMOKE, 60.0);
        life.bench.step(&[Input::Stop]);
        life.go(1_000);
    }
}

#[test]
fn a_step_never_allocates_in_any_situation() {
    let mut life = Life::new();
    type Situation = (&'static str, fn(&mut Life));
    let situations: [Situation; 6] = [
        ("requests", requests),
        ("devices", devices),
        ("limits", limits),
        ("frequency", frequency),
        ("sessions", sessions),
        ("another guard", another_guard),
    ];
    for (name, situation) in situations {
        situation(&mut life);
        assert_eq!(life.bench.counted, 0, "allocations while {name}");
    }
    let word = |debug: String| debug.split([' ', '(']).next().unwrap().to_owned();
    let causes: Vec<String> =
        life.bench.answers.iter().map(|answer| word(format!("{:?}", answer.cause))).collect();
    for cause in [
        "Asked",
        "Limit",
        "MinClosed",
        "MinOpen",
        "MaxClosed",
        "MaxSwitches",
        "Interlock",
        "DeadTime",
        "Stage",
        "Bulk",
        "Never",
        "ShedCap",
        "Futile",
        "AwaitsRestoration",
        "Silence",
        "AtStart",
        "Latched",
        "Value",
        "Ramp",
        "MinInterval",
        "OutsideChange",
        "NoEffect",
        "OperatorNow",
        "NotAllowed",
        "Unreachable",
        "Restless",
    ] {
        assert!(causes.iter().any(|seen| seen == cause), "the cause {cause} was never reached");
    }
    let events: Vec<String> = life.bench.events.iter().map(|event| word(format!("{event:?}"))).collect();
    for event in [
        "SessionOpened",
        "SessionClosed",
        "FrameRefused",
        "LeaseExpired",
        "LimitActed",
        "LimitReleased",
        "LimitLatched",
        "OperatorNow",
        "NowUnderLimit",
        "LimitLeft",
        "WasReset",
        "ResetRefused",
        "Confirmed",
        "ConfirmRefused",
        "MaxClosed",
        "SwitchesSpent",
        "Restless",
        "InterlockActed",
        "Unreachable",
        "Reachable",
        "OutsideChange",
        "NotCorrected",
        "TimerRanOut",
        "EffectRetried",
        "NoEffect",
        "EffectBack",
        "StageActed",
        "BulkActed",
        "ShedShort",
        "FrequencyUnknown",
        "FrequencyBack",
        "SourcesDisagree",
        "SourcesAgree",
        "SourceStuck",
        "EventOver",
        "Futile",
        "Restored",
    ] {
        assert!(events.iter().any(|seen| seen == event), "the event {event} was never reached");
    }
    assert_eq!(life.bench.guard.strength(CHARGE), Some(Strength::Timed));
}
