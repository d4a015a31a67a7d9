//! A checkpoint and the records that followed it.
//!
//! A record is packed as: the time since the record before it in nanoseconds (zigzag, since nothing forbids a step
//! back), its kind (one byte), its length, its bytes. Numbers are LEB128. A record of 30 bytes takes about 36.

use ballast_model::Mono;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A longer record is not kept.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// Time, kind and length of a record at most: two numbers of 64 bits take ten bytes each.
const FRAME_BYTES_MAX: usize = 21;

/// The texts that were in force: what a replay loads before it restores a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Each text's name, relative to the site, and its bytes.
    pub texts: Vec<(String, Arc<[u8]>)>,
}

impl Plan {
    /// What it takes in memory, without the vectors' own few bytes.
    pub(super) fn bytes(&self) -> usize {
        self.texts.iter().map(|(name, text)| name.len() + text.len()).sum()
    }
}

/// Something that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When it was taken in.
    pub at: Mono,
    /// What it is; the meaning is the writer's.
    pub kind: u8,
    /// Its content; the meaning is the writer's.
    pub bytes: &'a [u8],
}

/// A checkpoint and the records that followed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub(super) started: Mono,
    pub(super) plan: Arc<Plan>,
    pub(super) checkpoint: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) records: u32,
    pub(super) last: Mono,
    pub(super) lost: u32,
}

impl Segment {
    pub(super) fn new(started: Mono, plan: Arc<Plan>, checkpoint: Vec<u8>, room: usize) -> Self {
        let body = Vec::with_capacity(room);
        Self { started, plan, checkpoint, body, records: 0, last: started, lost: 0 }
    }

    /// When the state was saved.
    pub fn started(&self) -> Mono {
        self.started
    }

    /// The texts that were in force from there on.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The saved state with which a replay begins.
    pub fn checkpoint(&self) -> &[u8] {
        &self.checkpoint
    }

    /// What came in since, in order.
    pub fn records(&self) -> Records<'_> {
        Records { rest: &self.body, at: self.started, left: self.records }
    }

    /// Records that came after the last one of [`Segment::records`] and were not kept, since no checkpoint came in time
    /// or one was too long. A replay is exact up to there.
    pub fn lost(&self) -> u32 {
        self.lost
    }

    /// Keeps a record if it fits into `bytes_max`; after one that did not, none: a replay must not skip a record.
    pub(super) fn push(&mut self, at: Mono, kind: u8, bytes: &[u8], bytes_max: usize) -> bool {
        let is_room =
            self.body.len().saturating_add(bytes.len()).saturating_add(FRAME_BYTES_MAX) <= bytes_max;
        if self.lost > 0 || bytes.len() > RECORD_BYTES_MAX || !is_room || self.records == u32::MAX {
            self.lost = self.lost.saturating_add(1);
            return false;
        }
        let step = at.nanos().wrapping_sub(self.last.nanos()).cast_signed();
        self.number(((step << 1) ^ (step >> 63)).cast_unsigned());
        self.body.push(kind);
        self.number(bytes.len() as u64);
        self.body.extend_from_slice(bytes);
        self.last = at;
        self.records += 1;
        true
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.body.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.body.push(number as u8);
    }

    /// What it takes in memory, without its plan.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.checkpoint.len() + self.body.len()
    }
}

/// The records of a segment, in the order in which they came.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    at: Mono,
    left: u32,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (record, rest) = unpack(self.rest, self.at)?;
        self.rest = rest;
        self.at = record.at;
        Some(record)
    }
}

/// How many of the first `records` records of a body are whole, when the last one was taken in, and how many bytes they
/// take.
pub(super) fn whole_records(body: &[u8], started: Mono, records: u32) -> (u32, Mono, usize) {
    let mut all = Records { rest: body, at: started, left: records };
    let mut whole = 0;
    while all.next().is_some() {
        whole += 1;
    }
    (whole, all.at, body.len() - all.rest.len())
}

/// The first record and what follows it; `None` where there is no whole one.
fn unpack(from: &[u8], last: Mono) -> Option<(Record<'_>, &[u8])> {
    let (zigzag, from) = number(from)?;
    let step = (zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed());
    let at = Mono::from_nanos(last.nanos().wrapping_add(step.cast_unsigned()));
    let (&kind, from) = from.split_first()?;
    let (length, from) = number(from)?;
    let (bytes, from) = from.split_at_checked(usize::try_from(length).ok()?)?;
    Some((Record { at, kind, bytes }, from))
}

fn number(from: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0u64;
    for (index, byte) in from.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, from.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segment(started: u64) -> Segment {
        Segment::new(Mono::from_nanos(started), Arc::new(Plan { texts: vec![] }), vec![1, 2], 0)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn what_was_appended_comes_out(
            started: u64,
            records in prop::collection::vec((any::<u64>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..300)), 0..20),
        ) {
            let mut segment = segment(started);
            for (at, kind, bytes) in &records {
                prop_assert!(segment.push(Mono::from_nanos(*at), *kind, bytes, usize::MAX));
            }
            let out: Vec<_> = segment.records().map(|r| (r.at.nanos(), r.kind, r.bytes.to_vec())).collect();
            prop_assert_eq!(out, records);
        }

        #[test]
        fn garbage_ends_the_records_and_nothing_else(body in prop::collection::vec(any::<u8>(), 0..200), records: u32) {
            let (whole, _, used) = whole_records(&body, Mono::ZERO, records);
            prop_assert!(whole <= records && used <= body.len());
        }
    }

    #[test]
    fn an_ordinary_record_takes_six_bytes_more_than_its_content() {
        let mut segment = segment(0);
        segment.push(Mono::from_millis(1), 3, &[0; 30], usize::MAX);
        assert_eq!(segment.body.len(), 30 + 5);
        segment.push(Mono::from_millis(101), 3, &[0; 30], usize::MAX);
        assert_eq!(segment.body.len(), 35 + 30 + 6);
    }

    #[test]
    fn nothing_is_kept_after_a_record_that_was_not() {
        let mut segment = segment(0);
        assert!(segment.push(Mono::ZERO, 0, &[0; 10], 100));
        assert!(!segment.push(Mono::ZERO, 1, &[0; 100], 100));
        assert!(!segment.push(Mono::ZERO, 2, &[0; 1], 100));
        assert_eq!((segment.records().count(), segment.lost()), (1, 2));
        let mut other = super::tests::segment(0);
        assert!(!other.push(Mono::ZERO, 0, &vec![0; RECORD_BYTES_MAX + 1], usize::MAX));
    }
}
