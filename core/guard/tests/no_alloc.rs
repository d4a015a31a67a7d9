//! A step never allocates: counted by the allocator itself.

mod kit;
use ballast_guard::plan::{Stage, SwitchBudget};
use ballast_guard::{Input, OperatorCommand, Output, ResetWhat, Who};
use ballast_model::frame::Message;
use ballast_model::{Authority, Intent, OutputId};
use kit::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

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

/// A site with one of everything.
fn everything() -> (Site, Vec<OutputId>) {
    let mut site = Site::new();
    let frequency = site.point("feeder.frequency", "Hz", Some(secs(2)));
    let other = site.point("inverter.frequency", "Hz", Some(secs(2)));
    let hot = site.point("battery.temperature", "°C", Some(secs(30)));
    let outputs: Vec<OutputId> = (0..40).map(|index| site.contact(&format!("home{index}"))).collect();
    let charge = site.setpoint("charge", &[(0.0, 0.0), (200.0, 2000.0)]);
    site.level(charge).ramp_away = Some(num(200.0));
    for output in &outputs {
        site.envelope(*output).max_switches = vec![SwitchBudget { count: 30, per: secs(86_400) }];
        site.envelope(*output).min_open = secs(1);
    }
    let when = above("battery.temperature", "50 °C");
    site.limit("hot", &when, &[(outputs[0], CLOSED), (outputs[1], OPEN), (charge, level(0.0))]);
    site.interlock(&[outputs[0], outputs[2]], secs(2));
    let rows: Vec<(OutputId, &str, f64)> =
        outputs[10..].iter().map(|output| (*output, "homes", 1000.0)).collect();
    let shedding = site.shedding(&[frequency, other], &rows);
    shedding.cap = Some(SwitchBudget { count: 3, per: secs(10) });
    shedding.stages =
        vec![Stage { below: num(49.5), hold: ms(60), share: num(30.0), from: vec!["homes".into()] }];
    let _ = hot;
    (site, outputs)
}

#[test]
fn a_step_never_allocates() {
    let (site, outputs) = everything();
    let mut bench = site.bench();
    let (frequency, other) = (bench.resolve("feeder.frequency"), bench.resolve("inverter.frequency"));
    let hot = bench.resolve("battery.temperature");
    bench.session = 5;
    let mut out: Vec<Output> = Vec::with_capacity(bench.guard.output_capacity());
    let mut inputs: Vec<Input> = Vec::with_capacity(1000);
    let mut seed = 1_u64;
    let (mut allocated, mut produced) = (0, 0);
    for step in 0..20_000_u64 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = seed >> 33;
        if step % 2_000 == 0 {
            bench.session += 1;
            bench.counter = 0;
            let outputs = bench.guard.outputs_hash();
            inputs.push(bench.frame(Message::Hello { outputs }));
        }
        inputs.push(bench.frame(Message::Renew));
        let output = outputs[pick as usize % outputs.len()];
        let wanted = if pick & 64 == 0 { OPEN } else { CLOSED };
        let intent = Intent {
            output,
            wanted,
            authority: Authority::Rule(5),
            request: pick,
            is_restoration: pick & 128 == 0,
        };
        inputs.push(bench.frame(Message::Intent(intent)));
        let low = if pick & 0xF00 == 0 { 49.2 } else { 50.0 };
        inputs.push(bench.sample(frequency, low + (step % 7) as f64 * 0.01));
        inputs.push(bench.sample(other, low + (step % 5) as f64 * 0.01));
        inputs.push(bench.sample(hot, if pick & 0x7000 == 0 { 60.0 } else { 20.0 }));
        match pick % 200 {
            0 => inputs.push(Input::LinkClosed),
            1 => inputs.push(Input::Actual { output, actual: wanted }),
            2 => inputs.push(Input::Operator { who: Who::new("b"), command: OperatorCommand::Now(None) }),
            20..22 => inputs.push(Input::Reach { output, is_there: pick & 1 == 0 }),
            22 => inputs.push(Input::Stop),
            3..20 => inputs.push(Input::Operator {
                who: Who::new("b"),
                command: OperatorCommand::Reset(ResetWhat::All),
            }),
            _ => {}
        }
        bench.now = bench.now.after(ms(20));
        let before = ALLOCATIONS.with(Cell::get);
        bench.guard.step(bench.now, &inputs, &mut out);
        allocated += ALLOCATIONS.with(Cell::get) - before;
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
fn a_small_buffer_needs_more_steps_and_loses_no_permit() {
    let (site, outputs) = everything();
    let mut bench = site.bench();
    bench.out = Vec::with_capacity(16);
    for _ in 0..200 {
        bench.step(&[]);
    }
    assert_eq!(bench.out.capacity(), 16);
    assert!(outputs.iter().all(|output| bench.is(*output) == OPEN));
    assert!(bench.next > bench.now);
}
