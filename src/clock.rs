//! The clocks of this machine: the only place that reads them.

use ballast_history::{BootId, Stamp};
use ballast_model::time::{BOOT_ORIGIN, Wall};
use ballast_model::{Mono, Span, Utc};
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::sync::atomic::{AtomicBool, Ordering};

/// Reads monotonic and wall time, and knows whether the wall clock is vouched for.
#[derive(Debug)]
pub struct SystemClock {
    boot: BootId,
    /// Set by the site, an operator or a meter's date: trust beyond what the kernel says of NTP.
    vouched: AtomicBool,
}

impl SystemClock {
    /// The clock of this boot.
    pub fn new() -> Self {
        Self { boot: boot_id(), vouched: AtomicBool::new(false) }
    }

    /// Now, on the clock that counts while the machine sleeps.
    pub fn now(&self) -> Mono {
        Mono::ZERO.after(BOOT_ORIGIN).after(span(clock_gettime(ClockId::Boottime)))
    }

    /// What the wall clock says now, and whether to believe it.
    pub fn wall(&self) -> Wall {
        let time = clock_gettime(ClockId::Realtime);
        let millis = time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000);
        Wall { at: self.now(), utc: Utc::from_millis(millis), trusted: self.is_trusted() }
    }

    /// Both clocks, for what is stored.
    pub fn stamp(&self) -> Stamp {
        let wall = self.wall();
        Stamp { boot: self.boot, mono: wall.at, utc: wall.utc, trusted: wall.trusted }
    }

    /// Somebody answers for the wall clock from now on (or no longer).
    pub fn vouch(&self, trusted: bool) {
        self.vouched.store(trusted, Ordering::Relaxed);
    }

    fn is_trusted(&self) -> bool {
        self.vouched.load(Ordering::Relaxed) || is_synchronised()
    }
}

impl ballast_drivers::Clock for SystemClock {
    fn now(&self) -> Mono {
        SystemClock::now(self)
    }
}

fn span(time: Timespec) -> Span {
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    Span::from_secs(secs).plus(Span::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0)))
}

/// Whether a time service has set this clock since the boot: systemd-timesyncd leaves this file, chrony and ntpd tell
/// systemd's wait services, which leave it as well.
fn is_synchronised() -> bool {
    std::path::Path::new("/run/systemd/timesync/synchronized").exists()
}

/// The kernel's name for this boot; a kernel without one counts as a boot of its own kind, told by its start second.
fn boot_id() -> BootId {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let started = || {
        let now = clock_gettime(ClockId::Realtime).tv_sec - clock_gettime(ClockId::Boottime).tv_sec;
        u128::try_from(now).unwrap_or(0)
    };
    BootId(u128::from_str_radix(&digits, 16).unwrap_or_else(|_| started()))
}
