//! The clocks of this machine, and a made-up one for simulations: the only place where time is read.

use ballast_history::{BootId, Stamp};
use ballast_model::time::{BOOT_ORIGIN, Wall};
use ballast_model::{Mono, Span, Utc};
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Monotonic and wall time.
#[derive(Debug)]
pub struct Clock {
    boot: BootId,
    /// Set by the site, an operator or a meter's date: trust beyond what the machine says of NTP.
    vouched_until: AtomicU64,
    /// When the machine was last asked whether its clock is set, and its answer: asking costs a call for every event.
    asked: AtomicU64,
    is_set: AtomicBool,
    made_up: Option<MadeUp>,
}

/// The machine is asked this often whether its clock is set, nanoseconds.
const ASK_PERIOD_NS: u64 = 1_000_000_000;

/// Time that moves when it is told to.
#[derive(Debug)]
struct MadeUp {
    nanos: AtomicU64,
    start: Utc,
}

impl Clock {
    /// The clock of this machine and boot.
    pub fn of_machine() -> Self {
        Self::new(boot_id(), false, None)
    }

    /// A clock that stands at `start` until it is moved; its wall time is trusted.
    pub fn made_up(start: Utc) -> Self {
        let made_up = MadeUp { nanos: AtomicU64::new(BOOT_ORIGIN.nanos()), start };
        Self::new(BootId(0), true, Some(made_up))
    }

    fn new(boot: BootId, vouched: bool, made_up: Option<MadeUp>) -> Self {
        let (asked, is_set) = (AtomicU64::new(0), AtomicBool::new(false));
        let vouched_until = AtomicU64::new(if vouched { u64::MAX } else { 0 });
        Self { boot, vouched_until, asked, is_set, made_up }
    }

    /// Whether this is a made-up clock.
    pub fn is_made_up(&self) -> bool {
        self.made_up.is_some()
    }

    /// Moves a made-up clock to `now`; it never goes back. The machine's clock moves by itself.
    pub fn advance(&self, now: Mono) {
        if let Some(made_up) = &self.made_up {
            made_up.nanos.fetch_max(now.nanos(), Ordering::Relaxed);
        }
    }

    /// Now, on the clock that counts while the machine sleeps.
    pub fn now(&self) -> Mono {
        match &self.made_up {
            Some(made_up) => Mono::from_nanos(made_up.nanos.load(Ordering::Relaxed)),
            None => Mono::ZERO.after(BOOT_ORIGIN).after(span(clock_gettime(ClockId::Boottime))),
        }
    }

    /// What the wall clock says now, and whether to believe it.
    pub fn wall(&self) -> Wall {
        let at = self.now();
        if let Some(made_up) = &self.made_up {
            let utc = made_up.start.after(at.since(Mono::ZERO.after(BOOT_ORIGIN)));
            return Wall { at, utc, trusted: true };
        }
        let time = clock_gettime(ClockId::Realtime);
        let millis = time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000);
        Wall { at, utc: Utc::from_millis(millis), trusted: self.is_trusted(at) }
    }

    /// Both clocks, for what is stored.
    pub fn stamp(&self) -> Stamp {
        let wall = self.wall();
        Stamp { boot: self.boot, mono: wall.at, utc: wall.utc, trusted: wall.trusted }
    }

    /// Somebody answers for the wall clock from now on (or no longer).
    pub fn vouch(&self, trusted: bool) {
        self.vouched_until.store(if trusted { u64::MAX } else { 0 }, Ordering::Relaxed);
    }

    /// Somebody answers for the wall clock for so long.
    pub fn vouch_for(&self, span: Span) {
        self.vouched_until.store(self.now().after(span).nanos(), Ordering::Relaxed);
    }

    fn is_trusted(&self, now: Mono) -> bool {
        if now.nanos() < self.vouched_until.load(Ordering::Relaxed) {
            return true;
        }
        let asked = self.asked.load(Ordering::Relaxed);
        // Time on this clock begins after zero, so that the first call asks.
        if asked == 0 || now.nanos().saturating_sub(asked) >= ASK_PERIOD_NS {
            self.is_set.store(is_synchronised() || has_battery(), Ordering::Relaxed);
            self.asked.store(now.nanos(), Ordering::Relaxed);
        }
        self.is_set.load(Ordering::Relaxed)
    }
}

impl ballast_drivers::Clock for Clock {
    fn now(&self) -> Mono {
        Self::now(self)
    }
}

fn span(time: Timespec) -> Span {
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    Span::from_secs(secs).plus(Span::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0)))
}

/// Whether a time service has set this clock since the boot: systemd-timesyncd leaves this file.
fn is_synchronised() -> bool {
    std::path::Path::new("/run/systemd/timesync/synchronized").exists()
}

/// Whether the kernel set its clock at the start from one with a battery (`rtcN/hctosys` is 1 for that one).
fn has_battery() -> bool {
    let Ok(clocks) = std::fs::read_dir("/sys/class/rtc") else { return false };
    let set_it = |clock: std::fs::DirEntry| std::fs::read_to_string(clock.path().join("hctosys"));
    clocks.flatten().any(|clock| set_it(clock).is_ok_and(|text| text.trim() == "1"))
}

/// The kernel's name for this boot. A kernel without one gives the second of its start, which is as good.
fn boot_id() -> BootId {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let started = || {
        let now = clock_gettime(ClockId::Realtime).tv_sec - clock_gettime(ClockId::Boottime).tv_sec;
        u128::try_from(now).unwrap_or(0)
    };
    BootId(u128::from_str_radix(&digits, 16).unwrap_or_else(|_| started()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_clock_stands_until_it_is_moved() {
        let clock = Clock::made_up(Utc::from_millis(1_000));
        let start = clock.now();
        assert_eq!(clock.now(), start);
        clock.advance(start.after(Span::from_secs(2)));
        clock.advance(start);
        assert_eq!(clock.wall().utc, Utc::from_millis(3_000));
        assert!(clock.wall().trusted);
    }

    #[test]
    fn the_machine_knows_its_boot_and_its_clock_runs() {
        let clock = Clock::of_machine();
        let first = clock.stamp();
        assert_ne!(first.boot, BootId(0));
        assert!(clock.now() >= first.mono);
        clock.vouch(true);
        assert!(clock.wall().trusted);
    }
}
