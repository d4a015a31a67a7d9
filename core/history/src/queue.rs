//! What waits for the disk, between the callers and the writer.
//!
//! Events leave in the order in which they came and only after they are durable. Where the queue was full, a record of
//! the loss stands in the place of the lost events. A state is replaced by a newer one. No call here waits for the disk
//! except [`Shared::wait_until`].

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Error;
use crate::events::{EVENTS_LOST, Event};
use crate::health::Health;
use crate::limits::{
    BATCH_EVENTS_MAX, EVENTS_ROOM_KEPT, EVENTS_WAITING_BYTES_MAX, EVENTS_WAITING_MAX, GATHER,
};
use crate::state::StatePart;
use ballast_model::Severity;
use ballast_model::time::Stamp;

/// A state on its way to the disk.
#[derive(Debug)]
pub(crate) struct Save {
    /// Counts the saves of this run, from 1.
    pub(crate) number: u64,
    pub(crate) parts: Vec<StatePart>,
    pub(crate) stamp: Stamp,
}

/// Events that were refused one after the other.
#[derive(Clone, Debug)]
struct Loss {
    count: u64,
    first: Stamp,
    last: Stamp,
    audit: bool,
}

#[derive(Clone, Debug)]
enum Waiting {
    Event(Arc<Event>),
    Loss(Loss),
}

/// What the writer has to do now.
#[derive(Debug)]
pub(crate) struct Work {
    /// Events in order; the first has the number `first`.
    pub(crate) events: Vec<Arc<Event>>,
    /// Number of the first event in this run, from 1.
    pub(crate) first: u64,
    /// The newest state, if it is not saved yet.
    pub(crate) state: Option<Arc<Save>>,
    /// The newest stamp known.
    pub(crate) latest: Stamp,
    /// Whether this is the last chance.
    pub(crate) is_last: bool,
}

#[derive(Debug, Default)]
struct Inner {
    events: VecDeque<Waiting>,
    /// Entries at the front that the writer holds; they do not change any more.
    in_flight: usize,
    /// Bytes of text in `events`.
    bytes: usize,
    /// Entries made durable in this run; the front entry has the next number.
    durable: u64,
    /// What to add to an entry's number to get its sequence number; known once the file was open.
    offset: Option<u64>,
    state: Option<Arc<Save>>,
    saves: u64,
    durable_save: u64,
    latest: Stamp,
    closing: bool,
    /// The next try comes at once, even in a pause after a failure.
    hurry: bool,
    /// What waits is not held back for more to come.
    urgent: bool,
    /// The writer was told that there is work since it last took some.
    told: bool,
    ended: bool,
    health: Health,
}

/// What a ticket waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// The entry with this number, and all before it.
    Event(u64),
    /// This save or a newer one.
    Save(u64),
    /// The entries and the saves up to these, and no trouble left.
    Both(u64, u64),
    /// The end of the writer.
    End,
}

/// The queue and the report, shared by the handle, its tickets and the writer.
#[derive(Debug)]
pub(crate) struct Shared {
    inner: Mutex<Inner>,
    /// Signalled when the writer has something to do.
    work: Condvar,
    /// Signalled when something became durable or the writer ended.
    done: Condvar,
}

impl Shared {
    /// An empty queue. `now` is the stamp of the opening; `trouble` what went wrong there; `offset` the newest sequence
    /// number in the file, if it is known.
    pub(crate) fn new(now: Stamp, trouble: Option<String>, offset: Option<u64>) -> Self {
        let health = Health {
            ok: trouble.is_none(),
            since: trouble.is_some().then_some(now),
            last_error: trouble,
            ..Health::default()
        };
        let inner = Inner { latest: now, offset, health, ..Inner::default() };
        Self { inner: Mutex::new(inner), work: Condvar::new(), done: Condvar::new() }
    }

    /// The lock. A panic of another thread while it held the lock leaves whole values behind, so poison is ignored.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an event and returns its number, or records its loss.
    pub(crate) fn push_event(&self, event: Event) -> Result<u64, Error> {
        let mut inner = self.lock();
        if inner.ended || inner.closing {
            return Err(Error::Closed);
        }
        inner.latest = event.stamp;
        let bytes = event.text_bytes();
        let waiting = inner.events.len();
        if waiting >= EVENTS_WAITING_MAX || inner.bytes + bytes > EVENTS_WAITING_BYTES_MAX {
            inner.lose(&event);
            return Err(Error::QueueFull { waiting, lost: inner.health.lost_events });
        }
        inner.bytes += bytes;
        let is_urgent = event.audit || event.severity >= Severity::Alarm;
        inner.events.push_back(Waiting::Event(Arc::new(event)));
        self.wake(&mut inner, is_urgent);
        Ok(inner.durable + inner.events.len() as u64)
    }

    /// Queues a state in the place of an older one and returns its number.
    pub(crate) fn push_state(&self, parts: Vec<StatePart>, stamp: Stamp) -> Result<u64, Error> {
        let mut inner = self.lock();
        if inner.ended || inner.closing {
            return Err(Error::Closed);
        }
        inner.latest = stamp;
        inner.saves += 1;
        let number = inner.saves;
        if inner.state.replace(Arc::new(Save { number, parts, stamp })).is_some() {
            inner.health.coalesced_states += 1;
        }
        // Whoever saves paces itself; what waits goes along.
        self.wake(&mut inner, true);
        Ok(number)
    }

    /// Tells the writer of something new, where it does not know that there is work, or has to do it now.
    fn wake(&self, inner: &mut Inner, is_urgent: bool) {
        let was_urgent = inner.is_urgent();
        inner.urgent |= is_urgent;
        if !std::mem::replace(&mut inner.told, true) || inner.is_urgent() != was_urgent {
            self.work.notify_one();
        }
    }

    /// Waits for work, then for [`GATHER`] unless it is urgent; after a failure for `pause` (unless somebody is in a
    /// hurry). `None` ends the writer: the store is closing and nothing is left, or the last chance is used up.
    pub(crate) fn take_work(&self, pause: Option<Duration>, had_last_chance: bool) -> Option<Work> {
        let mut inner = self.lock();
        // Only here: whoever asks for urgency while a batch is written may be the last one before a long idle time.
        inner.told = false;
        if let Some(pause) = pause {
            let impatient = |inner: &Inner| inner.closing || inner.hurry;
            inner = self
                .work
                .wait_timeout_while(inner, pause, |inner| !impatient(inner))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        } else {
            inner = self
                .work
                .wait_while(inner, |inner| inner.is_idle() && !inner.closing)
                .unwrap_or_else(PoisonError::into_inner);
            inner = self
                .work
                .wait_timeout_while(inner, GATHER, |inner| !inner.is_urgent())
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        inner.hurry = false;
        inner.urgent &= inner.events.len() > BATCH_EVENTS_MAX;
        if inner.closing && (inner.is_idle() || had_last_chance) {
            return None;
        }
        let events: Vec<_> = inner.events.iter().take(BATCH_EVENTS_MAX).map(Waiting::as_event).collect();
        inner.in_flight = events.len();
        Some(Work {
            first: inner.durable + 1,
            events,
            state: inner.state.clone(),
            latest: inner.latest,
            is_last: inner.closing,
        })
    }

    /// The first `count` entries are durable.
    pub(crate) fn events_durable(&self, count: usize) {
        let mut inner = self.lock();
        for _ in 0..count {
            if let Some(Waiting::Event(event)) = inner.events.pop_front() {
                inner.bytes = inner.bytes.saturating_sub(event.text_bytes());
            }
        }
        inner.in_flight = 0;
        // A start, or a disk that was full for long, leaves room that is hardly needed again.
        if inner.events.is_empty() {
            inner.events.shrink_to(EVENTS_ROOM_KEPT);
        }
        inner.durable += count as u64;
        inner.health.written_events += count as u64;
        self.done.notify_all();
    }

    /// Save `number` is durable.
    pub(crate) fn state_durable(&self, number: u64) {
        let mut inner = self.lock();
        match &inner.state {
            Some(save) if save.number == number => inner.state = None,
            // It was replaced while it was on its way, but it arrived.
            Some(_) => inner.health.coalesced_states = inner.health.coalesced_states.saturating_sub(1),
            None => {}
        }
        inner.durable_save = inner.durable_save.max(number);
        inner.health.written_states += 1;
        self.done.notify_all();
    }

    /// The last try went well.
    pub(crate) fn recovered(&self, pruned: u64) {
        let mut inner = self.lock();
        inner.health.ok = true;
        inner.health.since = None;
        inner.health.pruned_events += pruned;
        self.done.notify_all();
    }

    /// The last try failed; everything stays in the queue.
    pub(crate) fn failed(&self, error: &Error) {
        let mut inner = self.lock();
        inner.in_flight = 0;
        inner.health.failed_writes += 1;
        inner.health.last_error = Some(error.to_string());
        if inner.health.ok {
            inner.health.since = Some(inner.latest);
        }
        inner.health.ok = false;
    }

    /// A damaged file was set aside while running.
    pub(crate) fn quarantined(&self, to: PathBuf) {
        self.lock().health.quarantined = Some(to);
    }

    /// The offset between an entry's number and its sequence number.
    pub(crate) fn offset(&self) -> Option<u64> {
        self.lock().offset
    }

    /// Sets the offset.
    pub(crate) fn set_offset(&self, offset: u64) {
        self.lock().offset = Some(offset);
    }

    /// How many entries are durable in this run.
    pub(crate) fn durable(&self) -> u64 {
        self.lock().durable
    }

    /// Asks the writer to write what is left and to end.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_all();
    }

    /// The writer has ended; what still waits is lost.
    pub(crate) fn end(&self) {
        let mut inner = self.lock();
        inner.ended = true;
        if !inner.closing {
            inner.health.ok = false;
            inner.health.since = Some(inner.latest);
            inner.health.last_error = Some("the history's thread ended unexpectedly".to_owned());
        }
        self.done.notify_all();
    }

    /// All that waits now.
    pub(crate) fn everything(&self) -> Goal {
        let inner = self.lock();
        Goal::Both(inner.durable + inner.events.len() as u64, inner.saves)
    }

    /// Ends a pause after a failure, so that the next try comes at once.
    pub(crate) fn hurry(&self) {
        self.lock().hurry = true;
        self.work.notify_all();
    }

    /// Waits until `goal` is reached (`Some(true)`), cannot be reached any more (`Some(false)`), or `patience` is over.
    pub(crate) fn wait_until(&self, goal: Goal, patience: Duration) -> Option<bool> {
        let mut inner = self.lock();
        if !patience.is_zero() && inner.outcome(goal).is_none() {
            self.wake(&mut inner, true);
        }
        let waited = self.done.wait_timeout_while(inner, patience, |inner| inner.outcome(goal).is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.outcome(goal)
    }

    /// The snapshot for people.
    pub(crate) fn health(&self) -> Health {
        let inner = self.lock();
        Health {
            unsaved_events: inner.events.len(),
            unsaved_state: inner.state.is_some(),
            ..inner.health.clone()
        }
    }
}

impl Inner {
    fn is_idle(&self) -> bool {
        self.events.is_empty() && self.state.is_none()
    }

    /// Adds to the loss at the end of the queue, or opens one there.
    fn lose(&mut self, event: &Event) {
        self.health.lost_events += 1;
        let is_free = self.events.len() > self.in_flight;
        match self.events.back_mut() {
            Some(Waiting::Loss(loss)) if is_free => {
                loss.count += 1;
                loss.last = event.stamp;
                loss.audit |= event.audit;
            }
            _ => self.events.push_back(Waiting::Loss(Loss {
                count: 1,
                first: event.stamp,
                last: event.stamp,
                audit: event.audit,
            })),
        }
    }

    fn is_urgent(&self) -> bool {
        self.urgent || self.closing || self.hurry || self.events.len() >= BATCH_EVENTS_MAX
    }

    fn outcome(&self, goal: Goal) -> Option<bool> {
        let reached = match goal {
            Goal::Event(number) => self.durable >= number,
            Goal::Save(number) => self.durable_save >= number,
            Goal::Both(event, save) => self.durable >= event && self.durable_save >= save && self.health.ok,
            Goal::End => self.ended,
        };
        if reached { Some(true) } else { self.ended.then_some(false) }
    }
}

impl Waiting {
    /// The row to be written; for a loss, its record.
    fn as_event(&self) -> Arc<Event> {
        match self {
            Self::Event(event) => Arc::clone(event),
            Self::Loss(loss) => Arc::new(Event {
                stamp: loss.last,
                kind: EVENTS_LOST.to_owned(),
                subject: "history".to_owned(),
                severity: Severity::Alarm,
                audit: loss.audit,
                who: None,
                payload: format!(
                    "{{\"count\":{},\"first_utc_ms\":{},\"last_utc_ms\":{},\"first_mono_ns\":{},\"last_mono_ns\":{}}}",
                    loss.count,
                    loss.first.utc.millis(),
                    loss.last.utc.millis(),
                    loss.first.mono.nanos(),
                    loss.last.mono.nanos(),
                ),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_model::time::Mono;

    fn event(number: u64, bytes: usize) -> Event {
        Event {
            stamp: Stamp { mono: Mono::from_nanos(number), ..Stamp::default() },
            kind: "k".to_owned(),
            payload: "x".repeat(bytes),
            ..Event::default()
        }
    }

    fn queue() -> Shared {
        Shared::new(Stamp::default(), None, Some(0))
    }

    fn is_full(result: &Result<u64, Error>) -> bool {
        matches!(result, Err(Error::QueueFull { .. }))
    }

    /// Takes work that must be there; the writer's call would wait for it.
    fn take(queue: &Shared) -> Work {
        let health = queue.health();
        assert!(health.unsaved_events > 0 || health.unsaved_state, "nothing waits");
        queue.hurry();
        queue.take_work(None, false).unwrap()
    }

    #[test]
    fn losses_are_recorded_where_they_happened() {
        let queue = queue();
        for number in 0..EVENTS_WAITING_MAX as u64 {
            assert_eq!(queue.push_event(event(number, 0)).unwrap(), number + 1);
        }
        assert!((0..3).all(|extra| is_full(&queue.push_event(event(5000 + extra, 0)))));
        assert_eq!(queue.health().lost_events, 3);
        let mut seen = Vec::new();
        while queue.health().unsaved_events > 0 {
            let work = take(&queue);
            seen.extend(work.events.iter().map(|event| (event.kind.clone(), event.payload.clone())));
            queue.events_durable(work.events.len());
            if seen.len() == BATCH_EVENTS_MAX {
                queue.push_event(event(6000, 7)).unwrap();
            }
        }
        assert_eq!(seen.len(), EVENTS_WAITING_MAX + 2);
        assert_eq!(seen[EVENTS_WAITING_MAX].0, EVENTS_LOST);
        assert!(seen[EVENTS_WAITING_MAX].1.starts_with("{\"count\":3,"), "{:?}", seen[EVENTS_WAITING_MAX]);
        assert_eq!(seen[EVENTS_WAITING_MAX + 1].1.len(), 7);
    }

    #[test]
    fn a_record_of_losses_that_is_being_written_does_not_change() {
        let queue = queue();
        for number in 0..EVENTS_WAITING_MAX as u64 {
            queue.push_event(event(number, 0)).unwrap();
        }
        assert!(is_full(&queue.push_event(event(1, 0))));
        for _ in 0..EVENTS_WAITING_MAX / BATCH_EVENTS_MAX {
            let work = take(&queue);
            queue.events_durable(work.events.len());
        }
        let work = take(&queue);
        assert_eq!(work.events.len(), 1);
        let large = "x".repeat(EVENTS_WAITING_BYTES_MAX);
        assert!(is_full(&queue.push_event(Event { payload: large, ..event(2, 0) })));
        queue.events_durable(1);
        let work = take(&queue);
        assert!(work.events[0].payload.starts_with("{\"count\":1,"));
        assert_eq!(work.first, EVENTS_WAITING_MAX as u64 + 2);
    }

    #[test]
    fn bytes_are_bounded_and_given_back() {
        let queue = queue();
        let half = EVENTS_WAITING_BYTES_MAX / 2;
        queue.push_event(event(1, half)).unwrap();
        assert!(is_full(&queue.push_event(event(2, half))), "the kind counts as well");
        let work = take(&queue);
        queue.events_durable(work.events.len());
        queue.push_event(event(3, half)).unwrap();
    }

    #[test]
    fn the_newest_state_wins() {
        let queue = queue();
        let save =
            |version| queue.push_state(vec![StatePart::new("engine", version, vec![])], Stamp::default());
        assert_eq!((save(1).unwrap(), save(2).unwrap()), (1, 2));
        let work = take(&queue);
        save(3).unwrap();
        queue.state_durable(work.state.unwrap().number);
        assert_eq!(queue.wait_until(Goal::Save(1), Duration::ZERO), Some(true), "a newer one is as good");
        assert_eq!(queue.wait_until(Goal::Save(3), Duration::ZERO), None);
        assert_eq!(take(&queue).state.unwrap().number, 3);
        assert_eq!(queue.health().coalesced_states, 1);
    }

    /// How long the writer waits for the events that `push` files.
    fn gathering(push: impl FnOnce(&Shared)) -> Duration {
        let queue = queue();
        let started = std::time::Instant::now();
        push(&queue);
        assert!(queue.take_work(None, false).is_some());
        started.elapsed()
    }

    #[test]
    fn ordinary_events_wait_for_others_and_urgent_ones_do_not() {
        assert!(gathering(|queue| assert!(queue.push_event(event(1, 0)).is_ok())) >= GATHER);
        // Each of these comes at once; "at once" is told from `GATHER` by the queue itself, not by the clock.
        let is_urgent = |push: &dyn Fn(&Shared)| {
            let queue = queue();
            push(&queue);
            queue.lock().is_urgent()
        };
        assert!(!is_urgent(&|queue| drop(queue.push_event(event(1, 0)))));
        assert!(is_urgent(&|queue| drop(queue.push_state(vec![], Stamp::default()))));
        assert!(is_urgent(&|queue| drop(queue.push_event(Event { audit: true, ..event(1, 0) }))));
        assert!(is_urgent(&|queue| drop(
            queue.push_event(Event { severity: Severity::Alarm, ..event(1, 0) })
        )));
        assert!(is_urgent(&|queue| {
            let number = queue.push_event(event(1, 0)).unwrap();
            assert_eq!(queue.wait_until(Goal::Event(number), Duration::from_nanos(1)), None);
        }));
        assert!(is_urgent(&|queue| {
            (0..BATCH_EVENTS_MAX as u64).for_each(|number| drop(queue.push_event(event(number, 0))));
        }));
    }

    /// A word to the writer while it writes, about what it is writing, must not hide the work that comes after.
    #[test]
    fn work_that_comes_after_a_wait_for_what_is_being_written_is_told() {
        let queue = Arc::new(queue());
        let number = queue.push_event(event(1, 0)).unwrap();
        let work = take(&queue);
        assert_eq!(queue.wait_until(Goal::Event(number), Duration::from_nanos(1)), None);
        queue.events_durable(work.events.len());
        let writer = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.take_work(None, false).map(|work| work.events.len())
        });
        // The writer waits for work by now, or will find it.
        std::thread::sleep(Duration::from_millis(20));
        queue.push_event(event(2, 0)).unwrap();
        assert_eq!(writer.join().unwrap(), Some(1));
    }

    #[test]
    fn a_rest_that_somebody_waits_for_follows_at_once() {
        let queue = queue();
        for number in 0..=BATCH_EVENTS_MAX as u64 {
            queue.push_event(event(number, 0)).unwrap();
        }
        assert_eq!(queue.wait_until(queue.everything(), Duration::from_nanos(1)), None);
        let work = queue.take_work(None, false).unwrap();
        queue.events_durable(work.events.len());
        assert!(queue.lock().is_urgent());
    }

    #[test]
    fn what_waits_at_the_end_is_lost() {
        let queue = queue();
        let number = queue.push_event(event(1, 0)).unwrap();
        queue.close();
        queue.end();
        assert_eq!(queue.wait_until(Goal::Event(number), Duration::ZERO), Some(false));
        assert!(matches!(queue.push_event(event(2, 0)), Err(Error::Closed)));
    }
}
