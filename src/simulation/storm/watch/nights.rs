//! Local time by a table of its own, and events at times of day over the nights in which the clocks change.

use ballast_model::Span;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;
/// When the clocks of Paris change, and how far ahead of UTC they are from then on: Directive 2000/84/EC, the last Sundays
/// of March and October at 01:00 UTC. Milliseconds since 1970.
pub(in crate::simulation::storm) const CHANGES: [(i64, i64); 4] = [
    (1_761_440_400_000, HOUR_MS),
    (1_774_746_000_000, 2 * HOUR_MS),
    (1_792_890_000_000, HOUR_MS),
    (1_806_195_600_000, 2 * HOUR_MS),
];

/// When the first of the daily events of the site, at half past two, is due from April to September: ms of a day in UTC.
pub(in crate::simulation::storm) const EVENTS_UTC_MS: i64 = 30 * MINUTE_MS;

fn offset(utc: i64) -> i64 {
    CHANGES.iter().rev().find(|(from, _)| utc >= *from).map_or(HOUR_MS, |(_, offset)| *offset)
}

/// Whether it is between ten in the evening and three in the morning. On the night in spring the clock never shows the
/// hour before three, and in autumn three comes once.
pub(super) fn is_night(utc: i64) -> bool {
    let hour = (utc + offset(utc)).rem_euclid(DAY_MS) / HOUR_MS;
    !(3..22).contains(&hour)
}

/// The last moment at or before `utc` at which a daily event of this minute of the day is due: once a night, at the jump
/// where the clock jumps over it, the first time where the clock shows it twice.
fn last_due(utc: i64, minute: i64) -> i64 {
    let day = (utc + offset(utc)).div_euclid(DAY_MS);
    let due = |day: i64| {
        let local = day * DAY_MS + minute * MINUTE_MS;
        // With the offset before a change of that day: its first showing.
        let early = local - offset(day * DAY_MS - HOUR_MS);
        let change = CHANGES
            .iter()
            .find(|(from, _)| early >= *from && early - *from < HOUR_MS && offset(*from) == 2 * HOUR_MS);
        match change {
            // Jumped over.
            Some((from, _)) => *from,
            None => local - offset(early),
        }
    };
    [day + 1, day, day - 1, day - 2].into_iter().map(due).find(|due| *due <= utc).unwrap_or(i64::MIN)
}

/// One daily event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Daily {
    minute: i64,
    /// The moment for which it ran last.
    ran: Option<i64>,
    /// The earliest that the clock showed since.
    lowest: i64,
}

/// How long a moment that was missed is made up for.
const CATCH_UP: Span = Span::from_secs(3_600);

impl Daily {
    pub(super) const fn new(minute: i64) -> Self {
        Self { minute, ran: None, lowest: i64::MAX }
    }

    /// The clock shows this.
    pub(super) fn see(&mut self, utc: i64) {
        self.lowest = self.lowest.min(utc);
    }

    /// It ran.
    ///
    /// # Errors
    /// It may not have.
    pub(super) fn run(&mut self, utc: i64) -> Result<(), String> {
        let due = last_due(utc, self.minute);
        if utc - due > CATCH_UP.millis() as i64 + 1_000 {
            return Err(format!("a daily event ran {} s after its moment", (utc - due) / 1_000));
        }
        // A clock that was set back by far begins another day.
        let is_again = self.ran == Some(due) && self.lowest > due - 2 * HOUR_MS + MINUTE_MS;
        (self.ran, self.lowest) = (Some(due), utc);
        if is_again { Err("a daily event ran twice for one moment".to_owned()) } else { Ok(()) }
    }

    /// Nothing disturbed the clock from `before` to `utc`, and it ran or did not.
    ///
    /// # Errors
    /// It should have.
    pub(super) fn is_due(&self, before: i64, utc: i64) -> Result<(), String> {
        let due = last_due(utc, self.minute);
        if due > before && self.ran != Some(due) {
            return Err("a daily event did not run at its moment".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_night_has_each_moment_once() {
        // Spring 2026: 02:30 does not exist and comes at 01:00 UTC, as does 03:00.
        assert_eq!(last_due(1_774_746_000_000, 150), 1_774_746_000_000);
        assert_eq!(last_due(1_774_746_000_000 - 1, 150), 1_774_746_000_000 - DAY_MS + 30 * MINUTE_MS);
        assert_eq!(last_due(1_774_746_000_000, 180), 1_774_746_000_000);
        // Autumn 2026: 02:30 is shown at 00:30 and at 01:30 UTC; 03:00 at 02:00 UTC.
        let change = 1_792_890_000_000;
        assert_eq!(last_due(change + HOUR_MS, 150), change - 30 * MINUTE_MS);
        assert_eq!(last_due(change + HOUR_MS, 180), change + HOUR_MS);
        assert!(is_night(change) && is_night(change + HOUR_MS - 1) && !is_night(change + HOUR_MS));
    }

    #[test]
    fn twice_is_told_and_so_is_never() {
        let due = 1_792_890_000_000 - 30 * MINUTE_MS;
        let mut daily = Daily::new(150);
        assert!(daily.is_due(due - 1, due).is_err());
        assert_eq!(daily.run(due), Ok(()));
        assert_eq!(daily.is_due(due - 1, due), Ok(()));
        assert!(daily.run(due + HOUR_MS).is_err());
        daily.see(due - 3 * HOUR_MS);
        assert_eq!(daily.run(due), Ok(()), "the clock was set back by far");
        assert!(daily.run(due + 2 * HOUR_MS).is_err(), "too late to be made up for");
    }
}
