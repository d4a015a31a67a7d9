//! The clocks of this machine, and a made-up one for simulations: the only place where time is read.

use ballast_model::time::{BOOT_ORIGIN, BootId, Stamp, Wall};
use ballast_model::{Mono, Span, Utc};
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;
use trust::{Both, Machine, Trust, Word};

pub mod trust;

/// Monotonic and wall time.
#[derive(Debug)]
pub struct Clock {
    boot: BootId,
    trust: Mutex<Trust>,
    made_up: Option<MadeUp>,
}

/// A person's word for the wall clock, as it is kept over a restart of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeptWord {
    boot: u128,
    word: Word,
}

/// Time that moves when it is told to.
#[derive(Debug)]
struct MadeUp {
    nanos: AtomicU64,
    start: Utc,
    /// How far somebody set the wall clock, ms.
    set_by: AtomicI64,
}

impl Clock {
    /// The clock of this machine and boot.
    pub fn of_machine() -> Self {
        Self { boot: boot_id(), trust: Mutex::default(), made_up: None }
    }

    /// A clock that stands at `start` until it is moved; its wall time is trusted.
    pub fn made_up(start: Utc) -> Self {
        Self::made_up_in(BootId(0), start)
    }

    /// The same in another boot: its moments cannot be compared with those of the first.
    pub fn made_up_in(boot: BootId, start: Utc) -> Self {
        let (nanos, set_by) = (AtomicU64::new(BOOT_ORIGIN.nanos()), AtomicI64::new(0));
        Self { boot, trust: Mutex::default(), made_up: Some(MadeUp { nanos, start, set_by }) }
    }

    /// Sets the wall clock of a made-up clock so much later, ms. The machine's clock is set by others.
    pub fn set_later(&self, by_ms: i64) {
        if let Some(made_up) = &self.made_up {
            made_up.set_by.fetch_add(by_ms, Ordering::Relaxed);
        }
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
            let start = made_up.start.millis().saturating_add(made_up.set_by.load(Ordering::Relaxed));
            let utc = Utc::from_millis(start).after(at.since(Mono::ZERO.after(BOOT_ORIGIN)));
            return Wall { at, utc, trusted: true };
        }
        let now = Both { mono: at, utc: wall_now() };
        Wall { at, utc: now.utc, trusted: self.trust().is_trusted(now, ask_machine) }
    }

    /// Both clocks, for what is stored.
    pub fn stamp(&self) -> Stamp {
        let wall = self.wall();
        Stamp { boot: self.boot, mono: wall.at, utc: wall.utc, trusted: wall.trusted }
    }

    /// The same for what happened at another moment of this boot: with the wall time that the clock of now gives it.
    pub fn stamp_of(&self, at: Mono) -> Stamp {
        let wall = self.wall();
        Stamp { boot: self.boot, mono: at, utc: wall.utc_untrusted(at), trusted: wall.trusted }
    }

    /// The wall clock is to be believed whatever happens.
    pub fn trust_always(&self) {
        self.trust().is_given = true;
    }

    /// A device's date agrees with the wall clock now; or nobody but the machine answers for it any longer.
    pub fn vouch(&self, trusted: bool) {
        let now = self.both();
        if trusted { self.trust().device(now) } else { self.trust().withdraw() }
    }

    /// A person answers for the wall clock, for so long and until somebody sets it.
    pub fn vouch_for(&self, span: Span) {
        let now = self.both();
        self.trust().person(now, span);
    }

    /// A person's word, to be kept over a restart of the program; `None` when there is none.
    pub fn word(&self) -> Option<KeptWord> {
        Some(KeptWord { boot: self.boot.0, word: self.trust().word()? })
    }

    /// Takes up a person's word. One that was given in another boot is lost: nobody saw what the wall clock did between.
    pub fn resume(&self, kept: KeptWord) {
        if kept.boot == self.boot.0 {
            self.trust().resume(kept.word);
        }
    }

    fn both(&self) -> Both {
        Both { mono: self.now(), utc: wall_now() }
    }

    /// Whoever held it last left it whole: nothing in there can fail half-way.
    fn trust(&self) -> MutexGuard<'_, Trust> {
        self.trust.lock().unwrap_or_else(PoisonError::into_inner)
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

fn wall_now() -> Utc {
    let time = clock_gettime(ClockId::Realtime);
    Utc::from_millis(time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000))
}

fn ask_machine() -> Machine {
    // A kernel or a sandbox that does not answer says nothing for the clock.
    let is_kept = ballast_kernel_clock::discipline().is_ok_and(|answer| answer.is_kept);
    Machine { is_kept, was_set: last_set(), has_battery: has_battery() }
}

/// When systemd-timesyncd last set this clock since the boot: it touches this file then.
fn last_set() -> Option<Utc> {
    let touched = std::fs::metadata("/run/systemd/timesync/synchronized").ok()?.modified().ok()?;
    let millis = touched.duration_since(UNIX_EPOCH).ok()?.as_millis();
    Some(Utc::from_millis(i64::try_from(millis).ok()?))
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
    use crate::clock::trust::WORD_HOLDS;

    #[test]
    fn a_made_up_clock_stands_until_it_is_moved() {
        let clock = Clock::made_up(Utc::from_millis(1_000));
        let start = clock.now();
        assert_eq!(clock.now(), start);
        clock.advance(start.after(Span::from_secs(2)));
        clock.advance(start);
        assert_eq!(clock.wall().utc, Utc::from_millis(3_000));
        assert!(clock.wall().trusted);
        clock.set_later(-1_500);
        assert_eq!(clock.wall().utc, Utc::from_millis(1_500));
        let now = clock.now();
        assert_eq!(now, start.after(Span::from_secs(2)), "only the wall clock was set");
        let later = Clock::made_up_in(BootId(1), Utc::from_millis(9_000));
        assert!(clock.stamp().gap_to(&later.stamp()).is_power_cut());
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

    #[test]
    fn a_person_s_word_is_kept_within_a_boot_only() {
        let clock = Clock::of_machine();
        assert_eq!(clock.word(), None);
        clock.vouch_for(WORD_HOLDS);
        let kept = clock.word().unwrap();
        let (same, other) = (Clock::of_machine(), Clock::of_machine());
        same.resume(kept);
        assert!(same.wall().trusted && same.word() == Some(kept));
        other.resume(KeptWord { boot: kept.boot ^ 1, ..kept });
        assert_eq!(other.word(), None);
        same.vouch(false);
        assert_eq!(same.word(), None);
    }
}
