//! Asks units for their registers and makes samples of the answers.

use super::doubt::{self, Orders, Sort, Verdict};
use super::frame::{Framed, Framing};
use super::identity::{Change, Identities, NOTHING, Standing, words};
use super::output::Output;
use super::pdu::{Reply, Request, code};
use super::plan::{Block, Item, Place, To};
use super::refusals::{Refusals, missing};
use super::sounding;
use super::value::{Registers, Said};
use crate::limits::STEPS_MAX;
use crate::point::Raw;
use crate::readings::{Freshness, Readings, Report};
use crate::shape::{Answer, Heed, Job, Poller, Roster};
use ballast_model::{Mono, Quality, Reason, Wanted};

/// All units of one connection or line.
pub(super) struct Units {
    pub(super) roster: Roster,
    pub(super) framing: Framing,
    /// Address of each unit.
    pub(super) addresses: Vec<u8>,
    /// One for each read of the roster.
    pub(super) blocks: Vec<Block>,
    /// One for each output of the roster.
    pub(super) outputs: Vec<Output>,
    pub(super) refusals: Refusals,
    pub(super) identities: Identities,
    pub(super) now: Conversation,
}

/// Where a job stands.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Rises with every request and is never set back, so that what answers an old one is known by it.
    transaction: u16,
    /// What was asked last, with its first address.
    asked: Option<(Request, u16)>,
    /// The next request belongs to the same job.
    goes_on: bool,
    /// Part of a block, or step of a write.
    at: usize,
    /// Before that it is asked what the unit is: a read and its part.
    who: Option<(usize, usize)>,
    /// Requests of this job so far.
    steps: usize,
    heed: Heed,
}

impl Poller for Units {
    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn ask(&mut self, job: Job, request: &mut Vec<u8>) -> bool {
        if !std::mem::take(&mut self.now.goes_on) {
            let transaction = self.now.transaction;
            let at = match job {
                Job::Read(read) => self.blocks.get(read).map_or(0, Block::begin),
                Job::Write { .. } => 0,
            };
            self.now = Conversation { transaction, at, ..Conversation::default() };
        }
        self.now.who = self.asks_who(job);
        let asked = match (self.now.who, job) {
            (Some((read, part)), _) => self
                .blocks
                .get(read)
                .and_then(|block| block.request(part).map(|(request, first)| (block.unit, request, first))),
            (None, Job::Write { .. }) if self.is_stranger(job) => None,
            (None, Job::Read(read)) => self.blocks.get(read).and_then(|block| {
                block.request(self.now.at).map(|(request, first)| (block.unit, request, first))
            }),
            (None, Job::Write { output, wanted }) => self
                .outputs
                .iter_mut()
                .find(|known| known.output == output)
                .and_then(|output| Some((output.unit, output.request(wanted, self.now.at)?, 0))),
        };
        let Some((unit, asked, first)) = asked else { return false };
        self.now.transaction = self.now.transaction.wrapping_add(1);
        self.now.steps += 1;
        let is_written = self.write(unit, &asked, request);
        self.now.asked = is_written.then_some((asked, first));
        is_written
    }

    fn question(&mut self, read: usize, request: &mut Vec<u8>) -> bool {
        let Some(block) = self.blocks.get(read) else { return false };
        let first = block.request(block.begin());
        first.is_some_and(|(asked, _)| self.write(block.unit, &asked, request))
    }

    fn answer(&mut self, job: Job, bytes: &[u8], _is_end: bool, now: Mono, out: &mut Readings) -> Answer {
        let Some((asked, first)) = self.now.asked.clone() else { return Answer::Strange };
        let Some(address) = self.unit_of(job).and_then(|unit| self.addresses.get(unit)) else {
            return Answer::Strange;
        };
        let length = |begin: &[u8]| asked.answer_length(begin);
        let (pdu, used) = match self.framing.read(self.now.transaction, *address, bytes, length) {
            Framed::Unfinished => return Answer::Unfinished,
            Framed::Strange => return Answer::Strange,
            Framed::Whole(pdu, used) => (pdu, used),
        };
        let reply = asked.reply(pdu);
        if reply == Reply::Exception(code::NO_PATH) || reply == Reply::Exception(code::NO_ANSWER) {
            return Answer::Absent { used };
        }
        let answer = match (self.now.who, job) {
            (Some(who), _) => self.said_who(who, first, reply, used, now, out),
            (None, Job::Read(read)) => self.read(read, first, reply, used, now, out),
            (None, Job::Write { output, .. }) => {
                let told = self.outputs.iter().find(|known| known.output == output);
                let steps = told.map_or(0, |output| output.steps());
                self.written(steps, reply, used)
            }
        };
        // What comes behind an answer within a job could be taken for the next one.
        if answer == Answer::GoOn && used < bytes.len() { Answer::Strange } else { answer }
    }

    fn sound(&mut self, unit: usize, token: u16, request: &mut Vec<u8>) -> bool {
        let address = self.addresses.get(unit).copied().filter(|_| self.framing == Framing::Rtu);
        if let Some(address) = address {
            sounding::write(address, token, request);
        }
        address.is_some()
    }

    fn sounded(&mut self, unit: usize, token: u16, bytes: &[u8]) -> Answer {
        self.addresses
            .get(unit)
            .copied()
            .map_or(Answer::Strange, |address| sounding::read(address, token, bytes))
    }

    fn reset(&mut self, _wire: usize) {
        self.now.goes_on = false;
        self.identities.doubt_all();
    }

    fn lost(&mut self, unit: usize) {
        self.identities.doubt(unit);
    }
}

impl Units {
    fn write(&self, unit: usize, asked: &Request, request: &mut Vec<u8>) -> bool {
        let Some(address) = self.addresses.get(unit) else { return false };
        let mut pdu = Vec::new();
        asked.write(&mut pdu);
        self.framing.write(self.now.transaction, *address, &pdu, request);
        true
    }

    fn unit_of(&self, job: Job) -> Option<usize> {
        match job {
            Job::Read(read) => self.blocks.get(read).map(|block| block.unit),
            Job::Write { output, .. } => {
                self.outputs.iter().find(|known| known.output == output).map(|output| output.unit)
            }
        }
    }

    fn is_stranger(&self, job: Job) -> bool {
        self.unit_of(job).is_some_and(|unit| self.identities.standing(unit) == Standing::Stranger)
    }

    /// What is asked before a job, while it is not known what the unit is: the read that shows it, and its part.
    fn asks_who(&self, job: Job) -> Option<(usize, usize)> {
        let unit = self.unit_of(job)?;
        let slot =
            (self.identities.standing(unit) == Standing::Unknown).then(|| self.identities.unsaid(unit))??;
        let shows = |(read, block): (usize, &Block)| Some((read, block.part_of(slot)?));
        let (read, part) = self.blocks.iter().enumerate().find_map(shows)?;
        (job != Job::Read(read)).then_some((read, part))
    }

    /// The answer to that.
    fn said_who(
        &mut self,
        (read, part): (usize, usize),
        first: u16,
        reply: Reply<'_>,
        used: usize,
        now: Mono,
        out: &mut Readings,
    ) -> Answer {
        let Some(block) = self.blocks.get(read) else { return Answer::Strange };
        let (unit, items) = (block.unit, block.part(part).to_vec());
        let came = match reply {
            Reply::Data(data) => Some((first, data)),
            // Who cannot be asked what it is, is not the device of the file. Who is busy or failed may be.
            Reply::Exception(code::FUNCTION | code::ADDRESS | code::VALUE) => None,
            Reply::Exception(_) => return Answer::Refused { used },
            Reply::Written | Reply::Strange => return Answer::Strange,
        };
        self.shows(unit, &items, came, now, out);
        if self.identities.standing(unit) == Standing::Stranger {
            return Answer::Refused { used };
        }
        self.now.goes_on = self.now.steps < STEPS_MAX;
        if self.now.goes_on { Answer::GoOn } else { Answer::Done { used, heed: self.now.heed } }
    }

    /// Takes what shows the identity of a unit, of everything that came. Of one that is another now nothing is believed.
    fn shows(
        &mut self,
        unit: usize,
        items: &[Item],
        came: Option<(u16, &[u8])>,
        now: Mono,
        out: &mut Readings,
    ) {
        let name = self.roster.units.get(unit).map_or("", |unit| &unit.name);
        for item in items {
            let To::Point(slot) = item.to else { continue };
            if !self.identities.is_shown_by(unit, slot) {
                continue;
            }
            let said = match (&item.place, came) {
                (Place::Field(field), Some((first, bytes))) => field.read(Registers { first, bytes }),
                _ => Said::Nothing,
            };
            let shown = match &said {
                Said::Number(number) => number.to_string(),
                Said::Text(text) => String::from_utf8_lossy(text).into_owned(),
                Said::Nothing => NOTHING.to_owned(),
            };
            let is_value = tell(item, came, &mut self.outputs, now, out);
            let count = if is_value { &mut self.now.heed.good } else { &mut self.now.heed.bad };
            *count += 1;
            let change = self.identities.hear(unit, slot, &shown, is_value);
            if let Some((is_up, text)) = words(name, &change) {
                out.report(Report::Link { is_up, text: text.into(), at: now });
            }
            if matches!(change, Change::Stranger(_) | Change::Other(..)) {
                let of_unit =
                    self.roster.reads.iter().filter(|read| read.unit == unit).flat_map(|read| &read.slots);
                for other in of_unit.filter(|other| !self.identities.is_shown_by(unit, **other)) {
                    out.bad(*other, Reason::Replaced, now);
                }
                for place in 0..self.outputs.len() {
                    if self.outputs.get(place).is_some_and(|output| output.unit == unit) {
                        bad(To::Output(place), Reason::Replaced, &self.outputs, now, out);
                    }
                }
            }
        }
    }

    /// An answer to a read.
    fn read(
        &mut self,
        read: usize,
        first: u16,
        reply: Reply<'_>,
        used: usize,
        now: Mono,
        out: &mut Readings,
    ) -> Answer {
        let Some(unit) = self.blocks.get(read).map(|block| block.unit) else { return Answer::Strange };
        if let Reply::Data(data) = reply {
            self.data(unit, read, (first, data), now, out);
        }
        let Some(block) = self.blocks.get_mut(read) else { return Answer::Strange };
        let (at, who) = (self.now.at, (unit, read));
        let name = self.roster.units.get(unit).map_or("", |unit| &unit.name);
        match reply {
            Reply::Data(_) => self.refusals.answered(who, name, now, out),
            Reply::Exception(code @ (code::ADDRESS | code::VALUE)) => {
                self.refusals.answered(who, name, now, out);
                let is_split = block.refused(at);
                if is_split && self.now.steps < STEPS_MAX {
                    self.now.goes_on = true;
                    return Answer::GoOn;
                }
                if let ([item, ..], false, false) = (block.part(at), is_split, block.is_missed) {
                    let text = missing(name, item, block.table, code).into();
                    // It is there all the same.
                    out.report(Report::Link { is_up: true, text, at: now });
                    block.is_missed = true;
                }
            }
            Reply::Exception(code) => {
                if let Some(reason) = reason(code) {
                    self.refusals.refused(who, name, (code, block.table), now, out);
                    for item in block.items() {
                        bad(item.to, reason, &self.outputs, now, out);
                    }
                }
                return Answer::Refused { used };
            }
            Reply::Written | Reply::Strange => return Answer::Strange,
        }
        let next = block.next(at + 1);
        if let Some(next) = next.filter(|_| self.now.steps < STEPS_MAX) {
            (self.now.at, self.now.goes_on) = (next, true);
            return Answer::GoOn;
        }
        for to in block.end_round(next.unwrap_or(0)) {
            // What a unit does not have at the place that shows what it is, is another one's.
            if let To::Point(slot) = to
                && self.identities.is_shown_by(unit, slot)
            {
                self.identities.hear(unit, slot, NOTHING, false);
            }
            bad(to, Reason::NotAValue, &self.outputs, now, out);
            self.now.heed.bad += 1;
        }
        Answer::Done { used, heed: self.now.heed }
    }

    /// Numbers of a read are doubted now, or no longer. That is told once of a unit, and each point knows it.
    fn tell_order(&self, read: usize, sort: Sort, doubt: Option<Orders>, now: Mono, out: &mut Readings) {
        let Some(block) = self.blocks.get(read) else { return };
        let name = self.roster.units.get(block.unit).map_or("", |unit| &unit.name);
        let others = self.blocks.iter().enumerate().filter(|(at, one)| *at != read && one.unit == block.unit);
        let mut doubts = others.filter_map(|(_, one)| one.watches.doubt(sort));
        let is_told = doubts.any(|other| doubt.is_none_or(|doubt| doubt == other));
        let text: Box<str> = doubt::words(name, sort, doubt).into();
        let points = block.items().iter().filter(|item| sort.holds(item)).filter_map(|item| match item.to {
            To::Point(slot) => out.point(slot),
            To::Output(_) => None,
        });
        let points = points.collect();
        let why = doubt.map(|_| text.clone());
        out.report(Report::Unclear { points, outputs: Vec::new(), text: why, at: now });
        if !is_told {
            out.report(Report::Link { is_up: doubt.is_none(), text, at: now });
        }
    }

    /// What came to a part of a read.
    fn data(&mut self, unit: usize, read: usize, came: (u16, &[u8]), now: Mono, out: &mut Readings) {
        let Some(block) = self.blocks.get_mut(read) else { return };
        let items = block.part(self.now.at).to_vec();
        let registers = Registers { first: came.0, bytes: came.1 };
        let mut changes = Vec::new();
        let verdicts = block.watches.judge(&items, registers, |sort, doubt| changes.push((sort, doubt)));
        for (sort, doubt) in changes {
            self.tell_order(read, sort, doubt, now, out);
        }
        self.shows(unit, &items, Some(came), now, out);
        let standing = self.identities.standing(unit);
        for item in &items {
            if self.is_shown_by(unit, item) {
                continue;
            }
            let reason = match (standing, verdicts.of(item)) {
                (Standing::Unknown, _) | (Standing::Known, Verdict::Hold) => continue,
                (Standing::Stranger, _) => Some(Reason::Replaced),
                (Standing::Known, Verdict::Doubt(_)) => Some(Reason::NotAValue),
                (Standing::Known, Verdict::Trust) => None,
            };
            let is_value = match reason {
                Some(reason) => {
                    bad(item.to, reason, &self.outputs, now, out);
                    false
                }
                None => tell(item, Some(came), &mut self.outputs, now, out),
            };
            let count = if is_value { &mut self.now.heed.good } else { &mut self.now.heed.bad };
            *count += 1;
        }
    }

    fn is_shown_by(&self, unit: usize, item: &Item) -> bool {
        matches!(item.to, To::Point(slot) if self.identities.is_shown_by(unit, slot))
    }

    /// An answer to one step of a write.
    fn written(&mut self, steps: usize, reply: Reply<'_>, used: usize) -> Answer {
        match reply {
            Reply::Written if self.now.at + 1 < steps => {
                (self.now.at, self.now.goes_on) = (self.now.at + 1, true);
                Answer::GoOn
            }
            Reply::Written => Answer::Done { used, heed: Heed { good: 1, ..Heed::default() } },
            Reply::Exception(_) => Answer::Refused { used },
            Reply::Data(_) | Reply::Strange => Answer::Strange,
        }
    }
}

/// What an exception means for the points that were asked for; `None` where the last value is not in doubt.
fn reason(code: u8) -> Option<Reason> {
    match code {
        code::ACKNOWLEDGE | code::BUSY => None,
        code::FAILURE => Some(Reason::Device),
        code::PARITY => Some(Reason::Damaged),
        code::FUNCTION => Some(Reason::NotAValue),
        _ => Some(Reason::NotAValue),
    }
}

/// Hands over what stands at an item; whether it is a value.
fn tell(
    item: &Item,
    came: Option<(u16, &[u8])>,
    outputs: &mut [Output],
    now: Mono,
    out: &mut Readings,
) -> bool {
    let said = match (&item.place, came) {
        (Place::Bit(address), Some((first, bits))) => bit(bits, address.wrapping_sub(first)),
        (Place::Field(field), Some((first, bytes))) => match field.read(Registers { first, bytes }) {
            Said::Number(number) if item.is_measured && field.is_too_small(number) => Said::Nothing,
            said => said,
        },
        (_, None) => Said::Nothing,
    };
    match item.to {
        To::Point(slot) => match &said {
            Said::Number(number) => out.put(slot, Raw::Number(*number), Freshness::Live, now),
            Said::Text(text) => out.put(slot, Raw::Text(text), Freshness::Live, now),
            Said::Nothing => {
                out.bad(slot, Reason::NotAValue, now);
                false
            }
        },
        To::Output(place) => {
            let Some(output) = outputs.get(place) else { return false };
            let actual = output.actual(&said);
            actual_is(output, actual, Reason::NotAValue, now, out);
            actual.is_some()
        }
    }
}

fn bad(to: To, reason: Reason, outputs: &[Output], now: Mono, out: &mut Readings) {
    match to {
        To::Point(slot) => out.bad(slot, reason, now),
        To::Output(place) => {
            if let Some(output) = outputs.get(place) {
                actual_is(output, None, reason, now, out);
            }
        }
    }
}

fn actual_is(output: &Output, actual: Option<Wanted>, reason: Reason, now: Mono, out: &mut Readings) {
    let quality = if actual.is_some() { Quality::Good } else { Quality::Bad(reason) };
    out.report(Report::Actual { output: output.output, actual, quality, at: now });
}

/// One bit, lowest of the first byte first.
fn bit(bits: &[u8], place: u16) -> Said<'_> {
    match bits.get(usize::from(place / 8)) {
        Some(byte) => Said::Number(f64::from(byte >> (place % 8) & 1)),
        None => Said::Nothing,
    }
}
