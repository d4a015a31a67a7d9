//! Chaos: program and guard are killed, frozen, restarted, cut apart and given bad disks, at random moments, while an
//! independent client watches the relay. Whatever happens, the relay is open within the lease and half a second, stays
//! open until everything is back, and then closes again.
//!
//! `BALLAST_CHAOS=200 BALLAST_CHAOS_SEED=7` makes more faults of another seed (`make chaos`). The wall clock is everybody's on
//! a machine, so it is stepped with `BALLAST_CHAOS_CLOCK=yes` only, by root (`make chaos CLOCK=yes`); the simulated storms
//! always step theirs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod common;

use ballast_host::link::LINK;
use ballast_host::link::socket::Socket;
use common::guard::{Apart, Guard};
use common::program::Program;
use common::wait_for;
use rustix::process::Signal;
use rustix::time::{ClockId, Timespec, clock_gettime, clock_settime};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The lease of output `a`.
const LEASE: Duration = Duration::from_secs(1);
/// Beside the lease: threads that wake up, the broker, the observer.
const SLACK: Duration = Duration::from_millis(500);
/// Until everything is back.
const PATIENCE: Duration = Duration::from_secs(30);
/// Faults in every run of the tests.
const FAULTS: u32 = 40;
/// Sites that are tormented side by side: they wait more than they compute.
const LANES: u32 = 4;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    ProgramKilled,
    ProgramFrozen,
    ProgramEnded,
    GuardKilled,
    GuardHeld,
    GuardEnded,
    BothKilled,
    LinkCut,
    DiskFull,
    DiskReadOnly,
    ClockStepped,
}

/// Those that trouble nobody else on the machine.
const ALWAYS: [Fault; 10] = [
    Fault::ProgramKilled,
    Fault::ProgramFrozen,
    Fault::ProgramEnded,
    Fault::GuardKilled,
    Fault::GuardHeld,
    Fault::GuardEnded,
    Fault::BothKilled,
    Fault::LinkCut,
    Fault::DiskFull,
    Fault::DiskReadOnly,
];

/// The faults of this run.
fn kinds() -> Vec<Fault> {
    let mut kinds = ALWAYS.to_vec();
    if std::env::var("BALLAST_CHAOS_CLOCK").is_ok_and(|word| word == "yes") {
        kinds.push(Fault::ClockStepped);
    }
    kinds
}

/// xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % most
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[test]
fn whatever_dies_the_relay_is_open_in_time() {
    let faults = number("BALLAST_CHAOS").map_or(FAULTS, |count| u32::try_from(count).unwrap());
    let seed = number("BALLAST_CHAOS_SEED").unwrap_or(1);
    println!("chaos: {faults} faults, seed {seed}");
    let lanes: Vec<_> = (0..LANES)
        .map(|lane| {
            let own = faults / LANES + u32::from(lane < faults % LANES);
            std::thread::spawn(move || torment(seed + u64::from(lane), lane, own))
        })
        .collect();
    let mut all = Vec::new();
    for lane in lanes {
        match lane.join() {
            Ok(Some(found)) => all.extend(found),
            Ok(None) => return,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    let mut times: Vec<Duration> = all.iter().filter_map(|(_, took)| *took).collect();
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!(
        "chaos: {} faults, {} that had to open the relay, with a lease of {LEASE:?}: median {:?}, p99 {:?}, worst {:?}",
        all.len(),
        times.len(),
        at(50),
        at(99),
        at(100)
    );
    for fault in kinds() {
        println!("chaos: {fault:?} {} times", all.iter().filter(|(made, _)| *made == fault).count());
    }
    assert!(at(100) <= LEASE + SLACK, "{:?}", all.iter().max_by_key(|(_, took)| *took));
}

/// What was done, and how long the relay took to open where it had to.
type Faults = Vec<(Fault, Option<Duration>)>;

fn torment(seed: u64, lane: u32, faults: u32) -> Option<Faults> {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut lane = Lane::start(lane)?;
    let (kinds, mut done) = (kinds(), Faults::new());
    for number in 0..faults {
        std::thread::sleep(Duration::from_millis(dice.roll(400)));
        // Every kind comes before any comes twice.
        let fault = match kinds.get(number as usize) {
            Some(fault) => *fault,
            None => kinds[dice.roll(kinds.len() as u64) as usize],
        };
        println!("chaos: lane {}, fault {number} of seed {seed}: {fault:?}", lane.number);
        done.push((fault, lane.suffer(fault, &mut dice)));
        lane.recover();
    }
    lane.end();
    Some(done)
}

/// One site with its two processes; they end, and the disk goes, before the folders that they use are removed.
struct Lane {
    number: u32,
    program: Option<Program>,
    guard: Option<Guard>,
    disk: Option<SmallDisk>,
    site: Apart,
}

impl Lane {
    fn start(number: u32) -> Option<Self> {
        let site = Apart::new("chaos")?;
        site.bench.site.edit("safety.yaml", "a: { safe: open, lease: 2 s }", "a: { safe: open, lease: 1 s }");
        std::fs::create_dir_all(site.places.state()).unwrap();
        let disk = SmallDisk::mount(&site.places.state());
        let guard = Some(site.guard());
        let program = Some(site.program());
        site.close();
        Some(Self { number, site, guard, program, disk })
    }

    /// Makes a fault; how long the relay took to open, where it had to.
    fn suffer(&mut self, fault: Fault, dice: &mut Dice) -> Option<Duration> {
        self.site.bench.relays.clear();
        let begin = Instant::now();
        match fault {
            Fault::ProgramKilled => {
                self.program.as_mut()?.kill();
                self.program = None;
            }
            Fault::ProgramFrozen => {
                self.program.as_ref()?.signal(Signal::STOP);
                let took = self.opens(begin);
                self.program.as_ref()?.signal(Signal::CONT);
                return Some(took);
            }
            Fault::ProgramEnded => {
                assert!(self.program.as_mut()?.stop().success());
                self.program = None;
            }
            Fault::GuardKilled => {
                self.guard.as_mut()?.kill();
                self.guard = None;
                self.make_safe();
            }
            Fault::GuardHeld => {
                // Shorter than the supervisor would wait: nothing has to open, and nothing may go wrong afterwards.
                let guard = self.guard.as_ref()?;
                guard.signal(Signal::STOP);
                std::thread::sleep(Duration::from_millis(100 + dice.roll(1500)));
                guard.signal(Signal::CONT);
                return None;
            }
            Fault::GuardEnded => {
                assert!(self.guard.as_mut()?.stop().success());
                self.guard = None;
            }
            Fault::BothKilled => {
                self.program.as_mut()?.kill();
                self.guard.as_mut()?.kill();
                (self.program, self.guard) = (None, None);
                self.make_safe();
            }
            Fault::LinkCut => {
                // The newest connection counts: the program's is ended, and it comes again.
                drop(Socket::connect(&self.site.places.sockets().join(LINK)));
                return None;
            }
            Fault::DiskFull | Fault::DiskReadOnly => {
                let Some(disk) = &self.disk else {
                    eprintln!("skipped: a bad disk under the guard: only root may mount a small one");
                    return None;
                };
                if fault == Fault::DiskFull {
                    disk.fill()
                } else {
                    disk.write_protect()
                }
                self.program.as_mut()?.kill();
                self.program = None;
            }
            Fault::ClockStepped => {
                // Durations do not see it: nothing has to open, and nothing may.
                let stepped = SteppedClock::step(dice);
                std::thread::sleep(Duration::from_millis(100 + dice.roll(2500)));
                drop(stepped);
                let told = self.site.bench.relays.seen();
                assert!(
                    told.iter().all(|told| told.payload != "OFF"),
                    "a step of the clock opened it: {told:?}"
                );
                return None;
            }
        }
        Some(self.opens(begin))
    }

    /// What the supervisor does after the guard has gone.
    fn make_safe(&self) {
        let (site, places) = (&self.site.bench.site.0, &self.site.places);
        let mut made = Guard::spawn(site, places, &["--set", &self.site.bench.url(), "--make-safe"]);
        assert!(made.wait(PATIENCE).success(), "{:?}", made.lines());
    }

    fn opens(&self, since: Instant) -> Duration {
        self.site.bench.wait("a", "OFF").at.duration_since(since)
    }

    /// Everything that is gone comes back, and with it what the rule wants. Until then nothing closes the relay.
    fn recover(&mut self) {
        if let Some(disk) = &self.disk {
            disk.mend();
        }
        if self.guard.is_none() || self.program.is_none() {
            let closed: Vec<_> =
                self.site.bench.relays.seen().into_iter().filter(|told| told.topic == "relay/a").collect();
            let opened = closed.iter().position(|told| told.payload == "OFF").unwrap_or(closed.len());
            let after = closed.get(opened..).unwrap_or_default();
            assert!(after.iter().all(|told| told.payload == "OFF"), "closed with nobody there: {closed:?}");
        }
        if self.guard.is_none() {
            self.guard = Some(self.site.guard());
        }
        if self.program.is_none() {
            self.program = Some(self.site.program());
        }
        let state = || self.site.bench.relays.last("relay/a");
        wait_for("the relay to close again", PATIENCE, || {
            self.site.bench.tell("meter/power", "200");
            self.site.bench.tell("meter/level", "10");
            let is_held = self.site.ask(&["guard", "status", "--format", "json"]);
            let status: serde_json::Value = serde_json::from_str(&is_held).ok()?;
            let a = status["outputs"].as_array()?.iter().find(|output| output["name"] == "a")?;
            // Where nothing had to open it, nothing is told again.
            (a["confirmed"] == "closed" && state().is_none_or(|last| last == "ON")).then_some(())
        });
    }

    fn end(mut self) {
        if let Some(program) = &mut self.program {
            assert!(program.stop().success());
        }
        if let Some(guard) = &mut self.guard {
            assert!(guard.stop().success(), "{:?}", guard.lines());
        }
        self.site.bench.wait("a", "OFF");
    }
}

/// The wall clock of the machine, stepped until this is dropped; one lane at a time.
struct SteppedClock {
    since: Instant,
    right: Timespec,
    _turn: MutexGuard<'static, ()>,
}

/// An hour as of a wrong time zone, a day, and the years of a clock whose battery is empty; seconds.
const STEPS: [i64; 6] = [3600, -3600, 86_400, -86_400, 10 * 31_557_600, -40 * 31_557_600];

impl SteppedClock {
    fn step(dice: &mut Dice) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let stepped = Self { since: Instant::now(), right: clock_gettime(ClockId::Realtime), _turn: turn };
        let step = STEPS[dice.roll(STEPS.len() as u64) as usize];
        println!("chaos: the wall clock steps by {step} s");
        let wrong = Timespec { tv_sec: stepped.right.tv_sec + step, ..stepped.right };
        clock_settime(ClockId::Realtime, wrong)
            .unwrap_or_else(|error| panic!("only root may step the wall clock: {error}"));
        stepped
    }
}

impl Drop for SteppedClock {
    fn drop(&mut self) {
        let passed = Timespec::try_from(self.since.elapsed()).unwrap_or_default();
        // A panic here would hide the failure that led here.
        if let Err(error) = clock_settime(ClockId::Realtime, self.right + passed) {
            eprintln!("the wall clock stays wrong: {error}");
        }
    }
}

/// A small file system under the guard's memory, which ends with the test.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(place: &Path) -> Option<Self> {
        let mut command = Command::new("mount");
        let mounted = command.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(place).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(place.to_owned()))
    }

    fn fill(&self) {
        // Until nothing more goes in.
        let _ = std::fs::write(self.0.join("full"), vec![0; 2 << 20]);
    }

    fn remount(&self, how: &str) {
        let mut command = Command::new("mount");
        let done = command.args(["-o", &format!("remount,{how}")]).arg(&self.0).status().unwrap();
        assert!(done.success(), "remount,{how}");
    }

    fn write_protect(&self) {
        self.remount("ro");
    }

    fn mend(&self) {
        self.remount("rw");
        let _ = std::fs::remove_file(self.0.join("full"));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
