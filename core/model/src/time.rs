//! Time as the step sees it: given from outside, never read.
//!
//! Durations are measured on [`Mono`], which counts while the machine sleeps and never goes back. Wall time is an input
//! like any other and may be untrusted.

use core::fmt;

/// A length of time in nanoseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Longer than anything that is counted here.
    pub const MAX: Self = Self(u64::MAX);

    /// From nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }
    /// From milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }
    /// From seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }
    /// From seconds with a fraction, rounded to the nearest nanosecond; `None` when negative or not finite.
    pub fn from_secs_f64(secs: f64) -> Option<Self> {
        (0.0..1.8e10).contains(&secs).then(|| Self(libm::round(secs * 1e9) as u64))
    }
    /// In nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.0
    }
    /// In whole milliseconds, rounded down.
    pub const fn millis(self) -> u64 {
        self.0 / 1_000_000
    }
    /// In seconds.
    pub fn secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// The sum; stays at [`Span::MAX`] when it would be longer.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
    /// The difference; zero when `other` is longer.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
    /// `count` times as long.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }
    /// The `parts`th part; the whole when `parts` is zero.
    #[must_use]
    pub const fn divided(self, parts: u64) -> Self {
        match self.0.checked_div(parts) {
            Some(part) => Self(part),
            None => self,
        }
    }
}

impl fmt::Display for Span {
    /// `250 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: the two largest units that are not zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::MAX {
            return f.write_str("for ever");
        }
        let millis = self.millis();
        if millis < 10_000 && !millis.is_multiple_of(1000) {
            return if millis < 1000 {
                write!(f, "{millis} ms")
            } else {
                write!(f, "{} s", millis as f64 / 1000.0)
            };
        }
        let secs = millis / 1000;
        let parts =
            [(secs / 86_400, "d"), (secs / 3600 % 24, "h"), (secs / 60 % 60, "min"), (secs % 60, "s")];
        let Some(first) = parts.iter().position(|(count, _)| *count > 0) else { return f.write_str("0 s") };
        let mut space = "";
        for (count, unit) in parts.iter().skip(first).take(2).filter(|(count, _)| *count > 0) {
            write!(f, "{space}{count} {unit}")?;
            space = " ";
        }
        Ok(())
    }
}

/// How far before the boot the origin of [`Mono`] lies: ten years of 365 days.
pub const BOOT_ORIGIN: Span = Span::from_secs(315_360_000);

/// A moment on the monotonic clock of one boot (`CLOCK_BOOTTIME`), in nanoseconds.
///
/// The origin lies [`BOOT_ORIGIN`] before the boot, so that moments of an earlier boot, moved to this clock after a power
/// cut, can be written down as well.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Mono(u64);

impl Mono {
    /// The origin.
    pub const ZERO: Self = Self(0);
    /// Later than every moment.
    pub const MAX: Self = Self(u64::MAX);

    /// From nanoseconds since the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }
    /// From milliseconds since the origin.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }
    /// Nanoseconds since the origin.
    pub const fn nanos(self) -> u64 {
        self.0
    }
    /// The moment `span` later.
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
    /// The moment `span` earlier, not before the origin.
    #[must_use]
    pub const fn before(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
    /// How long ago `earlier` was; zero when it lies ahead.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

/// Wall time in milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Utc(i64);

impl Utc {
    /// From milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }
    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }
    /// The moment `span` later.
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.millis() as i64))
    }
    /// How long ago `earlier` was; zero when it lies ahead.
    pub const fn since(self, earlier: Self) -> Span {
        let millis = self.0.saturating_sub(earlier.0);
        Span::from_millis(if millis > 0 { millis as u64 } else { 0 })
    }
}

/// What the wall clock said, and whether to believe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Wall {
    /// When it was read.
    pub at: Mono,
    /// What it said.
    pub utc: Utc,
    /// Whether NTP, a battery clock, a meter's date or an operator vouches for it.
    pub trusted: bool,
}

impl Wall {
    /// A clock that nobody vouches for.
    pub const UNKNOWN: Self = Self { at: Mono::ZERO, utc: Utc(0), trusted: false };

    /// Wall time at `now` while trusted.
    pub fn utc(&self, now: Mono) -> Option<Utc> {
        self.trusted.then(|| self.utc_untrusted(now))
    }

    /// Wall time at `now`, believed or not; for people only.
    pub fn utc_untrusted(&self, now: Mono) -> Utc {
        if now >= self.at {
            self.utc.after(now.since(self.at))
        } else {
            Utc(self.utc.0.saturating_sub(self.at.since(now).millis() as i64))
        }
    }

    /// The monotonic moment at which wall time will be `utc`, if the clock runs on undisturbed.
    pub fn mono(&self, utc: Utc) -> Mono {
        let ahead = utc.0.saturating_sub(self.utc.0);
        if ahead >= 0 {
            self.at.after(Span::from_millis(ahead as u64))
        } else {
            self.at.before(Span::from_millis(ahead.unsigned_abs()))
        }
    }
}

/// How long nothing ran between a save and a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Gap {
    /// Same boot: the monotonic clock ran on, so moments stay valid and the length is exact. A reload is `None`-long.
    SameBoot(Span),
    /// Another boot, wall time trusted at both ends: a power cut of known length. Moments of the old boot are void.
    OtherBoot(Span),
    /// Another boot and no trusted time: longer than every limit.
    Unknown,
}

impl Gap {
    /// The length, [`Span::MAX`] when unknown.
    pub const fn length(self) -> Span {
        match self {
            Self::SameBoot(span) | Self::OtherBoot(span) => span,
            Self::Unknown => Span::MAX,
        }
    }

    /// Whether the power (or at least the kernel) was gone.
    pub const fn is_power_cut(self) -> bool {
        !matches!(self, Self::SameBoot(_))
    }
}

/// One run of the kernel, told apart from all others (`/proc/sys/kernel/random/boot_id` as a number).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct BootId(pub u128);

/// When something happened, on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Stamp {
    /// The boot that `mono` belongs to.
    pub boot: BootId,
    /// Monotonic moment of that boot.
    pub mono: Mono,
    /// What the wall clock said.
    pub utc: Utc,
    /// Whether somebody vouched for the wall clock then.
    pub trusted: bool,
}

impl Stamp {
    /// The time from here to `later`: exact within one boot, by wall time across boots if it was trusted at both ends
    /// and did not go back, else unknown.
    pub fn gap_to(&self, later: &Self) -> Gap {
        if self.boot == later.boot {
            Gap::SameBoot(later.mono.since(self.mono))
        } else if self.trusted && later.trusted && later.utc >= self.utc {
            Gap::OtherBoot(later.utc.since(self.utc))
        } else {
            Gap::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn spans_read_like_a_person_says_them() {
        for (millis, text) in [
            (0, "0 s"),
            (250, "250 ms"),
            (1500, "1.5 s"),
            (12_000, "12 s"),
            (200_000, "3 min 20 s"),
            (7_500_000, "2 h 5 min"),
            (273_600_000, "3 d 4 h"),
            (86_400_000, "1 d"),
        ] {
            assert_eq!(Span::from_millis(millis).to_string(), text);
        }
    }

    #[test]
    fn wall_time_runs_both_ways_from_its_reading() {
        let wall = Wall { at: Mono::from_millis(5_000), utc: Utc(1_000_000), trusted: true };
        assert_eq!(wall.utc(Mono::from_millis(6_500)), Some(Utc(1_001_500)));
        assert_eq!(wall.utc_untrusted(Mono::from_millis(4_000)), Utc(999_000));
        assert_eq!(wall.mono(Utc(1_001_500)), Mono::from_millis(6_500));
    }

    #[test]
    fn a_gap_is_known_only_where_a_clock_vouches_for_it() {
        let at = |boot, mono, utc, trusted| Stamp {
            boot: BootId(boot),
            mono: Mono::from_millis(mono),
            utc: Utc::from_millis(utc),
            trusted,
        };
        let saved = at(1, 5_000, 100_000, true);
        assert_eq!(saved.gap_to(&at(1, 7_500, 0, false)), Gap::SameBoot(Span::from_millis(2_500)));
        assert_eq!(saved.gap_to(&at(2, 10, 160_000, true)), Gap::OtherBoot(Span::from_millis(60_000)));
        assert_eq!(saved.gap_to(&at(2, 10, 160_000, false)), Gap::Unknown);
        assert_eq!(
            saved.gap_to(&at(2, 10, 99_999, true)),
            Gap::Unknown,
            "trusted time that went back is no measure"
        );
        assert_eq!(at(1, 5_000, 100_000, false).gap_to(&at(2, 10, 160_000, true)), Gap::Unknown);
    }
}
