//! The moment that the caller gives to everything that is stored.

use ballast_model::time::{Gap, Mono, Utc};

/// One run of the kernel, told apart from all others (`/proc/sys/kernel/random/boot_id` as a number).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootId(pub u128);

/// When something happened, on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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

/// `utc` as `20261122T135638Z`, for file names; moments before 1970 read as 1970.
pub(crate) fn compact(utc: Utc) -> String {
    let secs = utc.millis().max(0) / 1000;
    let (year, month, day) = civil(secs / 86_400);
    let of_day = secs % 86_400;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Year, month and day of the Gregorian calendar, `days` (>= 0) after 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted from 1 March of year 0, so that the leap day is the last of its year: 719,468 days before 1970.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_model::time::Span;

    #[test]
    fn file_names_carry_the_right_day() {
        for (secs, text) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_709_251_199, "20240229T235959Z"),
            (1_795_355_798, "20261122T135638Z"),
            (4_107_542_400, "21000301T000000Z"),
            (-5, "19700101T000000Z"),
        ] {
            assert_eq!(compact(Utc::from_millis(secs * 1000)), text);
        }
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
