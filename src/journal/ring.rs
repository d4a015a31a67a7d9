//! The segments of the last half hour, in memory.
//!
//! Bounded by time and by size, whichever is reached first; the oldest segment goes first. What is not kept is counted.

use super::segment::{Plan, Segment};
use ballast_model::{Mono, Span};
use std::collections::VecDeque;
use std::sync::Arc;

/// How much the ring holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How far back a replay can begin, while [`Limits::bytes`] allows.
    pub span: Span,
    /// All segments with their plans.
    pub bytes: usize,
    /// A segment that is older gets a successor.
    pub segment_span: Span,
    /// A segment whose records take more, and more than `RECORDS_PER_CHECKPOINT` allows, gets a successor.
    pub segment_bytes: usize,
}

impl Limits {
    /// Those of DESIGN §4: 30 minutes, 32 MB. A segment is small beside both, so that little goes at once.
    pub const DEFAULT: Self = Self {
        span: Span::from_secs(30 * 60),
        bytes: 32_000_000,
        segment_span: Span::from_secs(60),
        segment_bytes: 2_000_000,
    };
}

/// Segments at most. Only reloads make more than one a minute out of small ones.
const SEGMENTS_MAX: usize = 256;
/// The records of a segment may take so many times what its checkpoint takes, up to a quarter of the ring: saving the state
/// of a large site costs more than many records, and must not come more often for that.
const RECORDS_PER_CHECKPOINT: usize = 8;

/// What came in during the last half hour.
#[derive(Debug)]
pub struct Ring {
    limits: Limits,
    closed: VecDeque<Arc<Segment>>,
    current: Option<Segment>,
    /// What the records of the current segment may take before it gets a successor. While the caller owes the checkpoint,
    /// [`Limits::segment_bytes`] more are kept; then records are lost.
    room: usize,
    /// When a checkpoint was refused for its length.
    refused: Option<Mono>,
    lost: u64,
    is_off: bool,
}

impl Ring {
    /// An empty ring. Records are kept from the first [`Ring::begin`] on.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            closed: VecDeque::new(),
            current: None,
            room: limits.segment_bytes,
            refused: None,
            lost: 0,
            is_off: false,
        }
    }

    /// One that keeps nothing, for a run that nobody replays.
    pub fn off() -> Self {
        Self { is_off: true, ..Self::new(Limits::DEFAULT) }
    }

    /// Whether nothing is kept: records need not be made.
    pub fn is_off(&self) -> bool {
        self.is_off
    }

    /// Whether a new segment should begin: the caller saves the state and calls [`Ring::begin`].
    pub fn needs_checkpoint(&self, now: Mono) -> bool {
        if self.is_off {
            return false;
        }
        let old = |since: Mono| now.since(since) >= self.limits.segment_span;
        match &self.current {
            Some(segment) => segment.body.len() >= self.room || segment.lost > 0 || old(segment.started),
            // One that was too long will hardly be shorter at once.
            None => self.refused.is_none_or(old),
        }
    }

    /// Begins a segment with the state as it is `at` and the texts that are in force. Also to be called after a reload,
    /// whether or not a checkpoint is needed: a segment has one plan.
    ///
    /// A checkpoint that would take half the ring is refused, and the records until the next one are lost and counted.
    pub fn begin(&mut self, at: Mono, plan: &Arc<Plan>, checkpoint: Vec<u8>) {
        if let Some(mut done) = self.current.take() {
            done.body.shrink_to_fit();
            self.closed.push_back(Arc::new(done));
        }
        let is_too_long = checkpoint.len().saturating_add(plan.bytes()) > self.limits.bytes / 2;
        self.refused = is_too_long.then_some(at);
        if !is_too_long {
            let in_proportion = checkpoint.len().saturating_mul(RECORDS_PER_CHECKPOINT);
            self.room = in_proportion.min(self.limits.bytes / 4).max(self.limits.segment_bytes);
            // One allocation for the whole segment; the kernel gives the pages as they are written.
            let room = self.room.saturating_add(4096);
            self.current = Some(Segment::new(at, Arc::clone(plan), checkpoint, room));
        }
        self.forget(at);
    }

    /// Keeps a record. Does not allocate, unless a checkpoint is overdue.
    pub fn append(&mut self, at: Mono, kind: u8, bytes: &[u8]) {
        let most = self.most();
        let is_kept = self.current.as_mut().is_some_and(|segment| segment.push(at, kind, bytes, most));
        if !is_kept {
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// Records that were not kept, since the start: a metric. They are missing at the end of a segment, never inside.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// What the ring takes in memory.
    pub fn bytes(&self) -> usize {
        let mut plan: Option<&Arc<Plan>> = None;
        let mut bytes = 0usize;
        for segment in self.segments() {
            if !plan.is_some_and(|plan| Arc::ptr_eq(plan, &segment.plan)) {
                bytes = bytes.saturating_add(segment.plan.bytes());
            }
            plan = Some(&segment.plan);
            bytes = bytes.saturating_add(segment.bytes());
        }
        bytes
    }

    /// What the ring holds now, for writing it out elsewhere: shares all segments but the last, which is copied.
    pub fn freeze(&self) -> Tape {
        let last = self.current.iter().map(|segment| Arc::new(segment.clone()));
        Tape { segments: self.closed.iter().cloned().chain(last).collect() }
    }

    /// What the records of the current segment may take at the very most.
    fn most(&self) -> usize {
        self.room.saturating_add(self.limits.segment_bytes)
    }

    fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.closed.iter().map(AsRef::as_ref).chain(&self.current)
    }

    /// Drops from the oldest segment on what is not needed or has no room. The room of the current one is kept free.
    fn forget(&mut self, now: Mono) {
        let most = self.limits.bytes.saturating_sub(self.most());
        loop {
            // The ring stays covered while the segment after the oldest one is old enough itself.
            let is_covered =
                self.segments().nth(1).is_some_and(|next| now.since(next.started) >= self.limits.span);
            if !is_covered && self.bytes() <= most && self.closed.len() < SEGMENTS_MAX {
                return;
            }
            if self.closed.pop_front().is_none() {
                return;
            }
        }
    }
}

/// What a ring held at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Tape {
    pub(super) segments: Vec<Arc<Segment>>,
}

impl Tape {
    /// Its segments, the oldest first.
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits {
        span: Span::from_secs(30),
        bytes: 100_000,
        segment_span: Span::from_secs(1),
        segment_bytes: 1000,
    };

    fn plan(length: usize) -> Arc<Plan> {
        Arc::new(Plan { texts: vec![("rules/a.rhai".into(), vec![b' '; length].into())] })
    }

    fn starts(ring: &Ring) -> Vec<u64> {
        ring.segments().map(|segment| segment.started.nanos() / 1_000_000_000).collect()
    }

    #[test]
    fn stays_covered_for_its_span_and_no_longer() {
        let (mut ring, plan) = (Ring::new(SMALL), plan(10));
        for second in 0..100 {
            let now = Mono::from_millis(second * 1000);
            assert!(ring.needs_checkpoint(now), "{second}");
            ring.begin(now, &plan, vec![0; 8]);
            assert!(!ring.needs_checkpoint(now));
            assert_eq!(starts(&ring).first(), Some(&second.saturating_sub(30)));
        }
        assert_eq!(starts(&ring).len(), 31);
    }

    #[test]
    fn stays_below_its_size_at_every_record() {
        let (mut ring, plan) = (Ring::new(SMALL), plan(500));
        let mut appended = 0;
        for step in 0..20_000u64 {
            let now = Mono::from_millis(step / 100);
            if ring.needs_checkpoint(now) {
                ring.begin(now, &plan, vec![0; 700]);
            }
            ring.append(now, 1, &step.to_le_bytes());
            appended += 1;
            // The copies of a Segment's own fields are counted as well.
            assert!(ring.bytes() <= SMALL.bytes, "{} bytes", ring.bytes());
        }
        assert_eq!((ring.lost(), appended), (0, 20_000));
        // Most of the room is used.
        assert!(ring.bytes() > SMALL.bytes * 9 / 10, "{} bytes", ring.bytes());
        let last = ring.segments().last().and_then(|segment| segment.records().last());
        assert_eq!(last.map(|record| record.bytes.to_vec()), Some(19_999u64.to_le_bytes().to_vec()));
    }

    #[test]
    fn a_large_state_is_saved_less_often() {
        let (mut ring, plan) = (Ring::new(SMALL), plan(10));
        let mut between = |checkpoint: usize| {
            ring.begin(Mono::ZERO, &plan, vec![0; checkpoint]);
            let mut records = 0;
            while !ring.needs_checkpoint(Mono::ZERO) {
                ring.append(Mono::ZERO, 0, &[0; 97]);
                records += 1;
            }
            records
        };
        // 100 bytes each, in the 1,000 bytes of a small segment, eight times 2,000, and a quarter of 100,000.
        assert_eq!([10, 2_000, 40_000].map(&mut between), [10, 160, 250]);
        assert_eq!(ring.lost(), 0);
    }

    #[test]
    fn a_plan_counts_once_for_the_segments_that_share_it() {
        let (mut ring, first, second) = (Ring::new(SMALL), plan(20_000), plan(20_000));
        ring.begin(Mono::from_millis(0), &first, vec![]);
        ring.begin(Mono::from_millis(1), &first, vec![]);
        assert!((20_000..21_000).contains(&ring.bytes()));
        ring.begin(Mono::from_millis(2), &second, vec![]);
        assert!((40_000..41_000).contains(&ring.bytes()));
        // Many reloads with large texts push the old ones out.
        for millis in 3..50 {
            ring.begin(Mono::from_millis(millis), &plan(20_000), vec![]);
            assert!(ring.bytes() <= SMALL.bytes);
        }
        let mut many = Ring::new(Limits { bytes: 10_000_000, ..SMALL });
        for millis in 0..1000 {
            many.begin(Mono::from_millis(millis), &first, vec![]);
        }
        assert!(many.closed.len() <= SEGMENTS_MAX);
    }

    #[test]
    fn counts_what_it_cannot_keep() {
        let (mut ring, plan) = (Ring::new(SMALL), plan(10));
        ring.append(Mono::ZERO, 0, b"before the first checkpoint");
        assert_eq!(ring.lost(), 1);
        ring.begin(Mono::ZERO, &plan, vec![]);
        for _ in 0..100 {
            ring.append(Mono::ZERO, 0, &[0; 97]);
        }
        // 100 bytes each; 2,000 are kept while the caller owes a checkpoint, less the room for one frame.
        assert_eq!(ring.lost(), 1 + 81);
        assert_eq!(ring.segments().map(|s| (s.records().count(), s.lost())).collect::<Vec<_>>(), [(19, 81)]);
        assert!(ring.needs_checkpoint(Mono::ZERO));
    }

    #[test]
    fn a_checkpoint_that_is_too_long_is_asked_for_again_later() {
        let (mut ring, plan) = (Ring::new(SMALL), plan(10));
        ring.begin(Mono::ZERO, &plan, vec![0; 60_000]);
        ring.append(Mono::ZERO, 0, b"lost");
        assert_eq!((ring.lost(), starts(&ring).len()), (1, 0));
        assert!(!ring.needs_checkpoint(Mono::from_millis(999)));
        assert!(ring.needs_checkpoint(Mono::from_millis(1000)));
    }

    #[test]
    fn a_frozen_ring_does_not_change() {
        let (mut ring, plan) = (Ring::new(SMALL), plan(10));
        ring.begin(Mono::ZERO, &plan, vec![]);
        ring.append(Mono::ZERO, 0, b"first");
        ring.begin(Mono::ZERO, &plan, vec![]);
        let tape = ring.freeze();
        ring.append(Mono::ZERO, 0, b"second");
        let counts: Vec<_> = tape.segments.iter().map(|segment| segment.records().count()).collect();
        assert_eq!(counts, [1, 0]);
        assert!(Arc::ptr_eq(&tape.segments[0], &ring.closed[0]));
    }

    #[test]
    fn appending_does_not_allocate() {
        let (mut ring, plan) = (Ring::new(Limits::DEFAULT), plan(10));
        ring.begin(Mono::ZERO, &plan, vec![]);
        let room = ring.current.as_ref().map(|segment| segment.body.capacity());
        let place = ring.current.as_ref().map(|segment| segment.body.as_ptr());
        let mut now = Mono::ZERO;
        while !ring.needs_checkpoint(now) {
            now = now.after(Span::from_nanos(20_000));
            ring.append(now, 1, &[7; 30]);
        }
        assert_eq!(ring.current.as_ref().map(|segment| segment.body.capacity()), room);
        assert_eq!(ring.current.as_ref().map(|segment| segment.body.as_ptr()), place);
    }
}
