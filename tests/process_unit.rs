//! What the units of systemd promise, carried out with the real processes: a guard that is frozen, a program that has no memory
//! left, a program that dies again and again. The test stands for systemd and does what the files of the units say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod common;

use common::guard::{Apart, ask, said};
use common::unit::{GuardUnit, setting, watchdog};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use std::time::{Duration, Instant};

/// The lease of output `a`, and what threads, the broker and the observer take beside it.
const LEASE: Duration = Duration::from_secs(2);
const SLACK: Duration = Duration::from_millis(500);

/// A guard that is frozen says no more that it lives; it is ended after `WatchdogSec`, and `ExecStopPost` makes everything safe.
/// One that is not frozen is never ended.
#[test]
fn fault_35_a_frozen_guard_falls_silent_is_ended_and_everything_is_made_safe() {
    let Some(site) = Apart::new("a frozen guard") else { return };
    let url = site.bench.url();
    let mut guard = GuardUnit::start(&site.bench.site.0, &site.places, &["--set", &url]);
    let _program = site.program();
    site.close();
    assert!(guard.lives_for(watchdog() + Duration::from_secs(1)), "it is ended although it lives");
    assert_eq!(site.bench.relays.last("relay/a").as_deref(), Some("ON"));
    site.bench.relays.clear();
    let frozen = Instant::now();
    kill_process(guard.pid(), Signal::STOP).unwrap();
    let silent = guard.until_hung();
    let took = site.bench.wait("a", "OFF").at.duration_since(frozen);
    println!("silent for {silent:?}, safe {took:?} after it was frozen");
    // To connect and to hear the broker confirm.
    assert!(took <= watchdog() + Duration::from_secs(2), "{took:?}");
    guard.restart();
    site.wait_ready();
    site.close();
}

/// A program that gets no more memory goes on with what it has, or ends; killed for it, as the kernel does, its outputs go safe
/// within their lease. The guard does not notice but for that.
#[test]
fn fault_22_a_program_without_memory_goes_on_or_ends_and_its_outputs_go_safe() {
    let Some(site) = Apart::new("a program without memory") else { return };
    let guard = site.guard();
    let mut program = site.program();
    site.close();
    // The memory of a group of processes is the machine's business; that of one is cut off here: every further page is refused.
    let none = Rlimit { current: Some(1 << 20), maximum: Some(1 << 20) };
    let pid = Pid::from_raw(i32::try_from(program.pid()).unwrap());
    prlimit(pid, Resource::As, none).unwrap();
    // It asks for some.
    let rules = std::fs::read_to_string(site.bench.site.0.join("rules/main.rhai")).unwrap();
    let many: String = (0..500).map(|number| rules.replace("much", &format!("much {number}"))).collect();
    site.bench.write_rules(&many);
    let reload = program.ask(&["reload"]);
    assert!(!reload.status.success(), "it had memory for it: {}", said(&reload));
    let goes_on = !program.has_ended();
    println!("without memory it {}: {}", if goes_on { "goes on" } else { "ends" }, said(&reload));
    if goes_on {
        site.bench.tell("meter/power", "10");
        site.bench.wait("a", "OFF");
        site.close();
    }
    site.bench.relays.clear();
    let killed = Instant::now();
    program.kill();
    let took = site.bench.wait("a", "OFF").at.saturating_duration_since(killed);
    println!("safe {took:?} after it was killed");
    assert!(took <= LEASE + SLACK, "{took:?}");
    let status = ask(&site.bench, &site.places, &["guard", "status"]);
    assert!(status.status.success(), "{}", said(&status));
    assert!(
        said(&status).contains(&format!("process {}", guard.pid().as_raw_nonzero().get())),
        "{}",
        said(&status)
    );
}

/// However often the program dies in the ten minutes of its unit: each time the outputs go safe within the lease, the guard stays
/// the same process, and what it is told by the last one counts as what the first one said.
#[test]
fn fault_36_the_guard_outlives_every_death_of_a_program_that_is_started_again() {
    let Some(site) = Apart::new("a program that dies again and again") else { return };
    let guard = site.guard();
    let starts: u32 = setting("ballast.service", "StartLimitBurst").unwrap().parse().unwrap();
    let mut worst = Duration::ZERO;
    for number in 0..starts {
        let mut program = site.program();
        site.close();
        site.bench.relays.clear();
        let killed = Instant::now();
        program.kill();
        let took = site.bench.wait("a", "OFF").at.duration_since(killed);
        assert!(took <= LEASE + SLACK, "death {number}: {took:?}");
        worst = worst.max(took);
    }
    println!("safe {worst:?} after a death at the worst of {starts}");
    // It is not started any more: nothing closes, whatever the meter says.
    site.bench.relays.clear();
    site.bench.tell("meter/power", "200");
    std::thread::sleep(LEASE);
    assert!(site.bench.told("a").iter().all(|word| word == "OFF"), "{:?}", site.bench.told("a"));
    let status = site.ask(&["guard", "status"]);
    assert!(status.contains(&format!("process {}", guard.pid().as_raw_nonzero().get())), "{status}");
}
