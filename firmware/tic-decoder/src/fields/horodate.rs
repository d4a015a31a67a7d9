//! The meter's time: French legal time with a season letter (Enedis-NOI-CPT_54E, 6.2.1.1). No time zone database is needed,
//! since the letter says which of the two offsets holds.

/// The season letter without its case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Season {
    /// `E`: summer time, UTC+02:00.
    Summer,
    /// `H`: winter time, UTC+01:00.
    Winter,
    /// A space: no season applies, as for the announced mobile peaks; the site's time zone decides.
    NotGiven,
}

/// An instant as the meter writes it. Its parts are always those of a date that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Horodate {
    /// Which offset from UTC holds.
    pub season: Season,
    /// The letter was lower case: the clock ran out of reserve and was not set since.
    pub is_degraded: bool,
    /// 2000 to 2099.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to the month's last day.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl Horodate {
    /// Reads `SYYMMDDhhmmss`; `None` for another form or a date that does not exist.
    pub fn parse(text: &str) -> Option<Self> {
        let (&letter, digits) = text.as_bytes().split_first()?;
        let (season, is_degraded) = match letter {
            b'E' => (Season::Summer, false),
            b'e' => (Season::Summer, true),
            b'H' => (Season::Winter, false),
            b'h' => (Season::Winter, true),
            b' ' => (Season::NotGiven, false),
            _ => return None,
        };
        let (pairs, rest) = digits.as_chunks::<2>();
        let &[year, month, day, hour, minute, second] = pairs else { return None };
        if !rest.is_empty() {
            return None;
        }
        let year = 2000 + u16::from(two_digits(year)?);
        let [month, day, hour] = [two_digits(month)?, two_digits(day)?, two_digits(hour)?];
        let [minute, second] = [two_digits(minute)?, two_digits(second)?];
        let exists =
            (1..=days_of_month(year, month)).contains(&day) && hour < 24 && minute < 60 && second < 60;
        exists.then_some(Self { season, is_degraded, year, month, day, hour, minute, second })
    }

    /// Whether the host may set its clock by it: the season is given and the meter trusts its own clock.
    pub const fn is_trusted(&self) -> bool {
        !self.is_degraded && !matches!(self.season, Season::NotGiven)
    }

    /// Minutes to subtract to reach UTC; `None` where no season is given.
    pub const fn utc_offset_minutes(&self) -> Option<i32> {
        match self.season {
            Season::Summer => Some(120),
            Season::Winter => Some(60),
            Season::NotGiven => None,
        }
    }

    /// Seconds since 1970-01-01T00:00:00 UTC, trusted or not; `None` where no season is given.
    pub fn unix_seconds(&self) -> Option<i64> {
        let offset_seconds = i64::from(self.utc_offset_minutes()?) * 60;
        let of_day = (i64::from(self.hour) * 60 + i64::from(self.minute)) * 60 + i64::from(self.second);
        Some(self.days_since_1970() * 86_400 + of_day - offset_seconds)
    }

    fn days_since_1970(&self) -> i64 {
        let years = i64::from(self.year) - 2000;
        let leap_days = (years + 3) / 4; // of the years 2000 to the one before, each fourth of this century
        let months = (1..self.month).map(|month| i64::from(days_of_month(self.year, month))).sum::<i64>();
        DAYS_1970_TO_2000 + years * 365 + leap_days + months + i64::from(self.day) - 1
    }
}

/// Days from 1970-01-01 to 2000-01-01: 30 years with 7 leap days.
const DAYS_1970_TO_2000: i64 = 30 * 365 + 7;

fn two_digits([tens, ones]: [u8; 2]) -> Option<u8> {
    let digit = |character: u8| character.is_ascii_digit().then(|| character - b'0');
    Some(digit(tens)? * 10 + digit(ones)?)
}

/// Days of a month of the years 2000 to 2099; 0 for a month that does not exist.
const fn days_of_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) => 29,
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_specification() {
        let winter = Horodate::parse("H081225223518").unwrap();
        assert_eq!((winter.season, winter.year, winter.month, winter.day), (Season::Winter, 2008, 12, 25));
        assert_eq!((winter.hour, winter.minute, winter.second), (22, 35, 18));
        assert_eq!(winter.unix_seconds(), Some(1_230_240_918)); // 2008-12-25T21:35:18Z
        let summer = Horodate::parse("E090714074553").unwrap();
        assert_eq!((summer.season, summer.is_trusted()), (Season::Summer, true));
        assert_eq!(summer.unix_seconds(), Some(1_247_550_353)); // 2009-07-14T05:45:53Z
    }

    #[test]
    fn lower_case_is_not_trusted() {
        let degraded = Horodate::parse("e090714074553").unwrap();
        assert!(degraded.is_degraded && !degraded.is_trusted());
        assert_eq!(degraded.season, Season::Summer);
        assert!(!Horodate::parse("h081225223518").unwrap().is_trusted());
    }

    #[test]
    fn without_a_season_there_is_no_utc() {
        let peak = Horodate::parse(" 230301070000").unwrap();
        assert_eq!((peak.season, peak.is_trusted(), peak.unix_seconds()), (Season::NotGiven, false, None));
    }

    #[test]
    fn both_sides_of_the_autumn_change() {
        let summer = Horodate::parse("E231029023000").unwrap().unix_seconds().unwrap();
        let winter = Horodate::parse("H231029023000").unwrap().unix_seconds().unwrap();
        assert_eq!(winter - summer, 3600);
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = DAYS_1970_TO_2000;
        for year in 2000..2100 {
            for month in 1..=12 {
                for day in 1..=days_of_month(year, month) {
                    let base = Horodate::parse("H000101000000").unwrap();
                    assert_eq!(Horodate { year, month, day, ..base }.days_since_1970(), expected);
                    expected += 1;
                }
            }
        }
        assert_eq!(expected, 47_482); // 2100-01-01
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        for text in [
            "",
            "H",
            "H2303010918",
            "H2303010918345",
            "X230301091834",
            "H23030109183p",
            "H231301091834",
            "H230001091834",
            "H230229091834",
            "H230300091834",
            "H230301241834",
            "H230301096034",
            "H230301091860",
        ] {
            assert_eq!(Horodate::parse(text), None, "{text}");
        }
        assert!(Horodate::parse("H240229091834").is_some());
    }
}
