//! What every bus task has: the clock, the way to the shell, the permits and the counters.

use super::queue::Receiver;
use super::{Clock, Sink};
use crate::counters::BusCounters;
use crate::limits::{FULL_RETRY, GATHER_SAMPLES, REPORTS_MAX};
use crate::readings::{Readings, Report, WriteResult};
use ballast_guard::{Door, Permit, Redeem, Write};
use ballast_model::{Mono, OutputId, Span};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Permits taken at once.
const TAKE_MAX: usize = 64;

/// The bus is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopped;

pub(super) struct Context {
    pub(super) name: Box<str>,
    pub(super) readings: Readings,
    pub(super) permits: Receiver<Permit>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) counters: Arc<BusCounters>,
    sink: Arc<dyn Sink>,
    /// What was said of the link last, so that it is said once.
    link: Option<(bool, Box<str>)>,
}

impl Context {
    pub(super) fn new(
        name: &str,
        readings: Readings,
        permits: Receiver<Permit>,
        clock: Arc<dyn Clock>,
        sink: Arc<dyn Sink>,
        counters: Arc<BusCounters>,
    ) -> Self {
        Self { name: name.into(), readings, permits, clock, counters, sink, link: None }
    }

    pub(super) fn now(&self) -> Mono {
        self.clock.now()
    }

    /// Offers what has gathered; whether there is nothing left.
    pub(super) fn hand_over(&mut self) -> bool {
        let batch = self.readings.batch();
        if batch.is_empty() {
            return true;
        }
        let count = batch.samples.len();
        let is_taken = self.sink.deliver(batch);
        if is_taken {
            batch.clear();
            // What was moved out left no room behind; the next batch is as large as this one, most likely.
            batch.samples.reserve(count.min(GATHER_SAMPLES));
        } else {
            self.counters.full_waits.add(1);
        }
        is_taken
    }

    /// Whether a permit may be taken: there is room for what becomes of it.
    pub(super) fn has_room(&mut self) -> bool {
        self.readings.batch().reports.len() < REPORTS_MAX
    }

    /// The link is there, or gone, for this reason. Said once.
    pub(super) fn link(&mut self, is_up: bool, text: &str) {
        let is_known = self.link.as_ref().is_some_and(|(up, known)| *up == is_up && **known == *text);
        if !is_known {
            self.link = Some((is_up, text.into()));
            let at = self.now();
            self.readings.report(Report::Link { is_up, text: text.into(), at });
        }
    }

    /// What became of a permit.
    pub(super) fn written(&mut self, output: OutputId, counter: u64, result: WriteResult) {
        let count = match result {
            WriteResult::Done => &self.counters.written,
            WriteResult::Expired | WriteResult::Impossible => &self.counters.permits_expired,
            WriteResult::Offline => &self.counters.permits_offline,
            WriteResult::Unconfirmed => &self.counters.unconfirmed,
        };
        count.add(1);
        let at = self.now();
        self.readings.report(Report::Written { output, counter, result, at });
    }

    /// Redeems a permit, now. `None`: it may not be used, and that is reported.
    pub(super) fn redeem(&mut self, permit: Permit, doors: &mut BTreeMap<OutputId, Door>) -> Option<Write> {
        let (output, counter) = (permit.output(), permit.counter());
        let now = self.now();
        match doors.get_mut(&output).map(|door| door.redeem(permit, now)) {
            Some(Ok(write)) => Some(write),
            Some(Err(_)) => {
                self.written(output, counter, WriteResult::Expired);
                None
            }
            None => {
                self.written(output, counter, WriteResult::Impossible);
                None
            }
        }
    }

    /// Waits for something while the bus is gone: permits are refused as they come.
    pub(super) async fn without_link<T>(&mut self, wait: impl Future<Output = T>) -> Result<T, Stopped> {
        tokio::pin!(wait);
        let mut taken = Vec::new();
        loop {
            let is_waiting = !self.hand_over();
            let has_room = self.has_room();
            tokio::select! {
                biased;
                count = self.permits.recv_many(&mut taken, TAKE_MAX), if has_room => {
                    if count == 0 {
                        return Err(Stopped);
                    }
                    for permit in taken.drain(..) {
                        self.written(permit.output(), permit.counter(), WriteResult::Offline);
                    }
                }
                done = &mut wait => return Ok(done),
                () = tokio::time::sleep(duration(FULL_RETRY)), if is_waiting => {}
            }
        }
    }

    /// Pauses; permits are refused as they come.
    pub(super) async fn pause(&mut self, span: Span) -> Result<(), Stopped> {
        self.without_link(tokio::time::sleep(duration(span))).await
    }
}

/// For the runtime's timers.
pub(super) fn duration(span: Span) -> Duration {
    Duration::from_nanos(span.nanos())
}

/// The moment `span` from now, for the runtime's timers.
pub(super) fn deadline(span: Span) -> Instant {
    Instant::now() + duration(span)
}
