//! What has gone well and badly since the decoder was made.

use crate::event::{Cause, Event};

/// Counts of bytes, groups and frames. 64 bits do not overflow in the life of a meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counters {
    pub(crate) bytes: u64,
    pub(crate) skipped: u64,
    good: u64,
    damaged: [u64; Cause::ALL.len()],
    started: u64,
    complete: u64,
    incomplete: u64,
    interruptions: u64,
}

impl Counters {
    /// Bytes received.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes before the first LF or STX, which are not judged.
    pub const fn bytes_skipped(&self) -> u64 {
        self.skipped
    }

    /// Groups handed out.
    pub const fn groups_good(&self) -> u64 {
        self.good
    }

    /// Groups dropped, for any cause.
    pub fn groups_damaged(&self) -> u64 {
        self.damaged.iter().sum()
    }

    /// Groups dropped for this cause.
    pub fn groups_damaged_by(&self, cause: Cause) -> u64 {
        self.damaged.get(cause as usize).copied().unwrap_or(0)
    }

    /// Frames begun by STX.
    pub const fn frames_started(&self) -> u64 {
        self.started
    }

    /// Frames from STX to ETX with at least one group and no damage.
    pub const fn frames_complete(&self) -> u64 {
        self.complete
    }

    /// Frame ends that were not of a complete frame.
    pub const fn frames_incomplete(&self) -> u64 {
        self.incomplete
    }

    /// EOT characters.
    pub const fn interruptions(&self) -> u64 {
        self.interruptions
    }

    pub(crate) fn count(&mut self, event: &Event<'_>) {
        match event {
            Event::FrameStart => self.started += 1,
            Event::Group(_) => self.good += 1,
            Event::Damaged { cause, .. } => {
                if let Some(count) = self.damaged.get_mut(*cause as usize) {
                    *count += 1;
                }
            }
            Event::FrameEnd { complete: true } => self.complete += 1,
            Event::FrameEnd { complete: false } => self.incomplete += 1,
            Event::EndOfText => self.interruptions += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_count() {
        let mut counters = Counters::default();
        for &cause in Cause::ALL {
            counters.count(&Event::Damaged { cause, label: None });
            assert_eq!(counters.groups_damaged_by(cause), 1, "{cause}");
        }
        assert_eq!(counters.groups_damaged(), Cause::ALL.len() as u64);
    }
}
