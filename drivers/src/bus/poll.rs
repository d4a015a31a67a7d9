//! A bus on which we ask: one request at a time, each with its own period and time-out.
//!
//! Writes go before reads. A device that does not answer is tried three times, not in a row, and then rests for longer and
//! longer, so that it costs the others next to nothing; its points are offline and its outputs out of reach meanwhile. On a
//! serial line, one that may still owe an answer is sounded first (`debts.rs`). Where answers come in a flood, they are handed
//! on together, after the next request has left (`gather.rs`).

use super::backoff::seed;
use super::context::{Context, duration};
use super::debts::{Debts, Manner};
use super::gather::Gather;
use super::queue::Closed;
use super::rounds::Rounds;
use super::wire::{Line, Wire};
use super::{PollBus, doors};
use crate::limits::{BACKOFF_MAX, FULL_RETRY, PORT_BACKOFF_MAX, STEPS_MAX};
use crate::readings::{Report, WriteResult};
use crate::shape::{Answer, Heed, Job, Poller, Roster, Told};
use ballast_guard::{Door, Permit};
use ballast_model::{Mono, OutputId, Quality, Reason, Span};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io;

/// A bus without reads looks this often.
const IDLE: Span = Span::from_secs(3600);

/// What became of a job.
enum Outcome {
    Done(Heed),
    Refused,
    /// Nothing was sent: it cannot be asked, or the permit may not be used any more.
    NotSent,
    /// Nothing was sent: the wire is not there.
    NoWire(io::Error),
    /// Nothing was sent: an old answer may still come, and the device does not say that it will not.
    Owing,
    /// Nothing was sent for the same reason, and it is not asked before then.
    Held(Mono),
    Silent,
    /// Who answers says that the device does not.
    Absent,
    Strange,
    Broken(io::Error),
}

struct Polled {
    poller: Box<dyn Poller>,
    roster: Roster,
    lines: Vec<(Line, bool)>,
    rounds: Rounds,
    debts: Debts,
    doors: BTreeMap<OutputId, Door>,
    context: Context,
    gather: Gather,
    /// The shell took what was offered last.
    is_free: bool,
    /// Somebody has answered since the start.
    has_answered: bool,
}

/// Runs until the bus is ended.
pub(super) async fn run(bus: PollBus, context: Context) {
    let mut polled = Polled::new(bus, context);
    loop {
        let now = polled.context.now();
        let next = polled.rounds.next();
        let is_due = next.is_some_and(|(_, at)| at <= now);
        let is_free = is_due && polled.may_go_on(now) || polled.hand_over();
        let has_room = polled.context.has_room();
        if has_room {
            match polled.context.permits.try_recv() {
                Ok(Some(permit)) => {
                    polled.write(permit).await;
                    continue;
                }
                Err(Closed) => return,
                Ok(None) => {}
            }
        }
        let pause = match next {
            _ if !is_free => FULL_RETRY,
            Some((read, _)) if is_due => {
                polled.read(read, now).await;
                continue;
            }
            Some((_, at)) => at.since(now),
            None => IDLE,
        };
        tokio::select! {
            biased;
            permit = polled.context.permits.recv(), if has_room => match permit {
                Some(permit) => polled.write(permit).await,
                None => return,
            },
            () = tokio::time::sleep(duration(pause)) => {}
        }
    }
}

impl Polled {
    fn new(bus: PollBus, context: Context) -> Self {
        let PollBus { poller, wires } = bus;
        let roster = poller.roster().clone();
        let now = context.now();
        Self {
            rounds: Rounds::new(&roster, seed(&context.name, now), now),
            debts: Debts::new(roster.units.len()),
            doors: doors(roster.outputs.iter().map(|told| told.output)),
            lines: wires.into_iter().map(|wire: Wire| (Line::new(wire), true)).collect(),
            gather: Gather::new(now),
            is_free: true,
            poller,
            roster,
            context,
            has_answered: false,
        }
    }

    /// Offers what has gathered; whether the shell has taken it.
    fn hand_over(&mut self) -> bool {
        self.is_free = self.context.hand_over();
        if self.is_free {
            self.gather.is_handed_on();
        }
        self.is_free
    }

    /// Whether what has gathered can wait until the next request has left. News that is not a reading does not.
    fn may_go_on(&mut self, now: Mono) -> bool {
        let batch = self.context.readings.batch();
        self.is_free && batch.reports.is_empty() && self.gather.may_wait_for_request(batch.samples.len(), now)
    }

    /// A request has left: the time until its answer is there for handing on.
    fn offer(&mut self) {
        let now = self.context.now();
        let batch = self.context.readings.batch();
        if !batch.reports.is_empty() || !self.gather.may_wait(batch.samples.len(), now) {
            self.hand_over();
        }
    }

    /// Waits for more bytes; what has gathered is handed on when it may not wait any longer. `false`: the other side has
    /// closed.
    async fn receive(&mut self, wire: usize) -> io::Result<bool> {
        loop {
            let left = self.gather.left(self.context.now());
            let Some((line, _)) = self.lines.get_mut(wire) else {
                return Err(io::ErrorKind::NotConnected.into());
            };
            let Some(left) = left else { return line.receive().await };
            let pause = if self.is_free { left } else { FULL_RETRY };
            match tokio::time::timeout(duration(pause), line.receive()).await {
                Ok(received) => return received,
                Err(_) => self.hand_over(),
            };
        }
    }

    /// Asks for what was due at this moment.
    async fn read(&mut self, place: usize, now: Mono) {
        let Some(read) = self.roster.reads.get(place) else { return };
        let (unit, timeout) = (read.unit, read.timeout);
        if !self.poller.wants(place, now) {
            self.rounds.done(place, now);
            return;
        }
        let outcome = self.exchange(unit, timeout, Job::Read(place), None).await;
        let (began, now) = (now, self.context.now());
        self.context.counters.messages.add(1);
        self.gather.answer(now);
        match &outcome {
            Outcome::Done(_) | Outcome::Refused | Outcome::NotSent => self.rounds.done(place, now),
            Outcome::NoWire(_)
            | Outcome::Owing
            | Outcome::Held(_)
            | Outcome::Silent
            | Outcome::Absent
            | Outcome::Strange
            | Outcome::Broken(_) => {
                self.rounds.put_back(place, now);
            }
        }
        self.judge(unit, &outcome, began, now);
    }

    async fn write(&mut self, permit: Permit) {
        let (output, counter, wanted) = (permit.output(), permit.counter(), permit.wanted());
        let told = self.roster.outputs.iter().find(|told| told.output == output);
        let Some(Told { unit, timeout, read_back, .. }) = told.cloned() else {
            self.context.written(output, counter, WriteResult::Impossible);
            return;
        };
        let began = self.context.now();
        if !self.rounds.may_ask(unit, began) {
            self.context.written(output, counter, WriteResult::Offline);
            return;
        }
        let outcome = self.exchange(unit, timeout, Job::Write { output, wanted }, Some(permit)).await;
        let now = self.context.now();
        let result = match &outcome {
            Outcome::Done(_) => Some(WriteResult::Done),
            Outcome::Refused => Some(WriteResult::Impossible),
            Outcome::NoWire(_) | Outcome::Owing | Outcome::Held(_) => Some(WriteResult::Offline),
            Outcome::Silent | Outcome::Absent | Outcome::Strange | Outcome::Broken(_) => {
                Some(WriteResult::Unconfirmed)
            }
            // Said already.
            Outcome::NotSent => None,
        };
        if let Some(result) = result {
            self.context.written(output, counter, result);
        }
        if let (Outcome::Done(_), Some(read)) = (&outcome, read_back) {
            self.rounds.hurry(read);
        }
        self.judge(unit, &outcome, began, now);
    }

    /// Makes a wire ready for a unit, whose old answers are done with. Otherwise nothing can be asked, for that reason.
    async fn ready(&mut self, wire: usize, unit: usize, timeout: Span) -> Result<(), Outcome> {
        let Some((line, _)) = self.lines.get_mut(wire) else { return Err(Outcome::NotSent) };
        if !line.settle().await {
            // What is to be opened first takes its time.
            self.hand_over();
        }
        let Some((line, is_there)) = self.lines.get_mut(wire) else { return Err(Outcome::NotSent) };
        let is_shared = line.is_shared();
        let manner = if is_shared { self.debts.manner(unit, self.context.now()) } else { Manner::Ask };
        if let Manner::Wait(until) = manner {
            return Err(Outcome::Held(until));
        }
        let patience = timeout.plus(line.is_late(timeout));
        let prepared = tokio::time::timeout(duration(patience), line.prepare(timeout)).await;
        let opened = match prepared.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(opened) => opened,
            Err(error) => {
                line.hang_up();
                *is_there = false;
                return Err(Outcome::NoWire(error));
            }
        };
        if opened {
            self.context.counters.connects.add(1);
            self.poller.reset(wire);
        }
        if opened && !std::mem::replace(is_there, true) {
            let units = self.roster.units.iter().enumerate().filter(|(_, unit)| unit.wire == wire);
            units.for_each(|(unit, _)| self.rounds.wake(unit));
        }
        let mut request = Vec::new();
        if let Manner::Sound(token) = manner
            && self.poller.sound(unit, token, &mut request)
            && !self.sound(wire, unit, token, timeout, request).await
        {
            return Err(Outcome::Owing);
        }
        Ok(())
    }

    /// Asks, and waits for the answer. A permit is used at the moment at which its request can leave.
    async fn exchange(&mut self, unit: usize, timeout: Span, job: Job, permit: Option<Permit>) -> Outcome {
        let Some(wire) = self.roster.units.get(unit).map(|unit| unit.wire) else { return Outcome::NotSent };
        if let Err(outcome) = self.ready(wire, unit, timeout).await {
            return outcome;
        }
        let mut request = Vec::new();
        if !self.poller.ask(job, &mut request) {
            if let Some(permit) = permit {
                self.context.written(permit.output(), permit.counter(), WriteResult::Impossible);
            }
            return Outcome::NotSent;
        }
        if let Some(permit) = permit
            && self.context.redeem(permit, &mut self.doors).is_none()
        {
            return Outcome::NotSent;
        }
        for _ in 0..STEPS_MAX {
            let step = self.step(wire, job, std::mem::take(&mut request).into());
            let outcome = match tokio::time::timeout(duration(timeout), step).await {
                Ok(Ok(Answer::GoOn)) => match self.go_on(wire, timeout).await {
                    Ok(()) if self.poller.ask(job, &mut request) => continue,
                    Ok(()) => return Outcome::Refused,
                    Err(error) => Outcome::Broken(error),
                },
                Ok(Ok(Answer::Done { used, heed })) => {
                    self.leave(wire, unit, timeout, used);
                    return Outcome::Done(heed);
                }
                Ok(Ok(Answer::Refused { used })) => {
                    self.leave(wire, unit, timeout, used);
                    return Outcome::Refused;
                }
                Ok(Ok(Answer::Absent { used })) => {
                    self.leave(wire, unit, timeout, used);
                    return Outcome::Absent;
                }
                Ok(Ok(Answer::Strange | Answer::Unfinished)) => Outcome::Strange,
                Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => Outcome::Strange,
                Ok(Err(error)) => Outcome::Broken(error),
                Err(_) => Outcome::Silent,
            };
            self.give_up(wire, unit, timeout, &outcome);
            return outcome;
        }
        self.give_up(wire, unit, timeout, &Outcome::Strange);
        Outcome::Strange
    }

    /// Asks a device that may still owe an answer for something that is no such answer; whether it has come.
    async fn sound(&mut self, wire: usize, unit: usize, token: u16, timeout: Span, request: Vec<u8>) -> bool {
        let answer = tokio::time::timeout(duration(timeout), async {
            let Some((line, _)) = self.lines.get_mut(wire) else { return Ok(Answer::Strange) };
            line.send(request.into()).await?;
            loop {
                let is_end = !line.receive().await?;
                match self.poller.sounded(unit, token, line.input()) {
                    Answer::Unfinished if is_end => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Answer::Unfinished => {}
                    answer => return Ok::<Answer, io::Error>(answer),
                }
            }
        });
        let outcome = match answer.await {
            Ok(Ok(Answer::Done { used, .. } | Answer::Refused { used })) => {
                self.debts.is_even(unit);
                self.leave(wire, unit, timeout, used);
                let is_ready = match self.lines.get_mut(wire) {
                    Some((line, _)) => tokio::time::timeout(duration(timeout), line.prepare(timeout)).await,
                    None => return false,
                };
                return matches!(is_ready, Ok(Ok(_)));
            }
            // It speaks: what it owed, most likely.
            Ok(Ok(_)) => {
                self.debts.is_alive(unit);
                Outcome::Strange
            }
            Ok(Err(error)) => Outcome::Broken(error),
            Err(_) => Outcome::Silent,
        };
        self.count(&outcome);
        if let Some((line, _)) = self.lines.get_mut(wire) {
            line.give_up(timeout);
        }
        false
    }

    /// One request and its answer.
    async fn step(&mut self, wire: usize, job: Job, request: Bytes) -> io::Result<Answer> {
        let Some((line, _)) = self.lines.get_mut(wire) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        line.send(request).await?;
        self.offer();
        loop {
            let is_end = !self.receive(wire).await?;
            let now = self.context.now();
            let Some((line, _)) = self.lines.get_mut(wire) else {
                return Err(io::ErrorKind::NotConnected.into());
            };
            let answer = self.poller.answer(job, line.input(), is_end, now, &mut self.context.readings);
            if is_end || (answer != Answer::Unfinished && self.poller.hangs_up()) {
                line.hang_up();
            }
            match answer {
                Answer::Unfinished if is_end => return Err(io::ErrorKind::UnexpectedEof.into()),
                Answer::Unfinished => {}
                answer => return Ok(answer),
            }
        }
    }

    /// An answer is through, and another request follows it: the line is made ready as for the first one.
    async fn go_on(&mut self, wire: usize, timeout: Span) -> io::Result<()> {
        let Some((line, _)) = self.lines.get_mut(wire) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        self.context.counters.bytes.add(line.input().len() as u64);
        let opened = tokio::time::timeout(duration(timeout), line.prepare(timeout)).await;
        if opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))? {
            self.context.counters.connects.add(1);
        }
        Ok(())
    }

    /// An answer is through: whatever came behind it belongs to no request.
    fn leave(&mut self, wire: usize, unit: usize, timeout: Span, used: usize) {
        let Some((line, _)) = self.lines.get_mut(wire) else { return };
        self.context.counters.bytes.add(line.input().len() as u64);
        self.debts.is_even(unit);
        if line.input().len() > used {
            self.context.counters.strange.add(1);
            // What was taken may have been owed, and this is the answer.
            self.debts.owes(unit, timeout, self.context.now());
            line.give_up(Span::ZERO);
        }
    }

    fn count(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Silent => self.context.counters.timeouts.add(1),
            Outcome::Strange => self.context.counters.strange.add(1),
            _ => self.context.counters.link_errors.add(1),
        }
    }

    fn give_up(&mut self, wire: usize, unit: usize, timeout: Span, outcome: &Outcome) {
        self.count(outcome);
        self.debts.owes(unit, timeout, self.context.now());
        if let Some((line, _)) = self.lines.get_mut(wire) {
            line.give_up(timeout);
            if matches!(outcome, Outcome::Broken(_)) {
                line.hang_up();
            }
        }
    }

    /// What an exchange says of its unit.
    fn judge(&mut self, unit: usize, outcome: &Outcome, began: Mono, now: Mono) {
        let spent = self.spent(unit, outcome, now.since(began));
        let why = match outcome {
            Outcome::Done(heed) => {
                self.context.counters.good.add(u64::from(heed.good));
                self.context.counters.bad.add(u64::from(heed.bad));
                self.answers(unit, now);
                return;
            }
            Outcome::Refused => {
                self.context.counters.bad.add(1);
                self.answers(unit, now);
                return;
            }
            Outcome::NotSent => return,
            Outcome::Held(until) => {
                self.rounds.hold(unit, *until);
                return;
            }
            Outcome::NoWire(error) => {
                self.context.counters.link_errors.add(1);
                self.wire_gone(unit, error, spent, now);
                return;
            }
            Outcome::Silent | Outcome::Owing => "does not answer".to_owned(),
            Outcome::Absent => "does not answer, says its gateway".to_owned(),
            Outcome::Strange => "answers what was not asked, or damaged".to_owned(),
            Outcome::Broken(error) => format!("breaks off: {error}"),
        };
        if self.rounds.failed(unit, spent, now) {
            self.gone(unit, &why, now);
        }
    }

    /// What an exchange that came to nothing took of the bus from other units.
    fn spent(&self, unit: usize, outcome: &Outcome, took: Span) -> Span {
        let wire = self.roster.units.get(unit).and_then(|unit| self.lines.get(unit.wire));
        let has_neighbours = match outcome {
            Outcome::NoWire(_) => self.lines.len() > 1,
            _ => self.roster.units.len() > 1,
        };
        match wire {
            _ if !has_neighbours => Span::ZERO,
            // What may still come is waited for as well.
            Some((line, _)) if line.is_shared() => took.plus(line.is_late(Span::ZERO)),
            _ => took,
        }
    }

    fn answers(&mut self, unit: usize, now: Mono) {
        let was_gone = self.rounds.answered(unit, now);
        let is_first = !std::mem::replace(&mut self.has_answered, true);
        if !was_gone && !is_first {
            return;
        }
        if let Some(spec) = self.roster.units.get(unit) {
            self.context.link(true, &format!("{} answers", spec.name));
        }
        for told in self.roster.outputs.iter().filter(|told| told.unit == unit) {
            self.context.readings.report(Report::Reach { output: told.output, is_there: true, at: now });
        }
    }

    /// The wire is not there: nobody on it can be asked.
    fn wire_gone(&mut self, unit: usize, error: &io::Error, spent: Span, now: Mono) {
        let Some(wire) = self.roster.units.get(unit).map(|unit| unit.wire) else { return };
        let Some((line, _)) = self.lines.get(wire) else { return };
        let name = line.wire().to_string();
        let longest = match line.wire() {
            Wire::Tcp { .. } | Wire::Tls { .. } => BACKOFF_MAX,
            // Nobody is disturbed by trying, and a plug that is back should be seen soon.
            Wire::Serial { .. } => PORT_BACKOFF_MAX,
        };
        let on_it = |(place, unit): (usize, &crate::shape::Unit)| (unit.wire == wire).then_some(place);
        let units: Vec<usize> = self.roster.units.iter().enumerate().filter_map(on_it).collect();
        for unit in units {
            if self.rounds.rest(unit, spent, now, longest) {
                self.gone(unit, &format!("is out of reach ({name}: {error})"), now);
            }
        }
    }

    /// A unit counts as gone from now on.
    fn gone(&mut self, unit: usize, why: &str, now: Mono) {
        self.poller.lost(unit);
        if let Some(spec) = self.roster.units.get(unit) {
            self.context.link(false, &format!("{} {why}", spec.name));
        }
        for slot in self.roster.reads.iter().filter(|read| read.unit == unit).flat_map(|read| &read.slots) {
            self.context.readings.bad(*slot, Reason::Offline, now);
        }
        for told in self.roster.outputs.iter().filter(|told| told.unit == unit) {
            let readings = &mut self.context.readings;
            readings.report(Report::Reach { output: told.output, is_there: false, at: now });
            if told.read_back.is_some() {
                let quality = Quality::Bad(Reason::Offline);
                readings.report(Report::Actual { output: told.output, actual: None, quality, at: now });
            }
        }
    }
}
