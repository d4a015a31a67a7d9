//! Asks units for their registers and makes samples of the answers.

use super::doubt;
use super::frame::{Framed, Framing};
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
        let asked = match job {
            Job::Read(read) => self.blocks.get(read).and_then(|block| {
                block.request(self.now.at).map(|(request, first)| (block.unit, request, first))
            }),
            Job::Write { output, wanted } => self
                .outputs
                .iter_mut()
                .find(|known| known.output == output)
                .and_then(|output| Some((output.unit, output.request(wanted, self.now.at)?, 0))),
        };
        let Some((unit, asked, first)) = asked else { return false };
        let Some(address) = self.addresses.get(unit) else { return false };
        self.now.transaction = self.now.transaction.wrapping_add(1);
        self.now.steps += 1;
        let mut pdu = Vec::new();
        asked.write(&mut pdu);
        self.framing.write(self.now.transaction, *address, &pdu, request);
        self.now.asked = Some((asked, first));
        true
    }

    fn answer(&mut self, job: Job, bytes: &[u8], _is_end: bool, now: Mono, out: &mut Readings) -> Answer {
        let Some((asked, first)) = self.now.asked.clone() else { return Answer::Strange };
        let unit = match job {
            Job::Read(read) => self.blocks.get(read).map(|block| block.unit),
            Job::Write { output, .. } => {
                self.outputs.iter().find(|known| known.output == output).map(|output| output.unit)
            }
        };
        let Some(address) = unit.and_then(|unit| self.addresses.get(unit)) else { return Answer::Strange };
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
        let answer = match job {
            Job::Read(read) => self.read(read, first, reply, used, now, out),
            Job::Write { output, .. } => {
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
    }
}

impl Units {
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
        let Some(block) = self.blocks.get_mut(read) else { return Answer::Strange };
        let (at, who) = (self.now.at, (block.unit, read));
        let name = self.roster.units.get(block.unit).map_or("", |unit| &unit.name);
        match reply {
            Reply::Data(data) => {
                self.refusals.answered(who, name, now, out);
                let registers = Registers { first, bytes: data };
                let doubt = doubt::other_order(block.part(at), registers).filter(|_| !block.table.is_bits());
                doubted(block, name, doubt, now, out);
                for item in block.part(at) {
                    if doubt.is_some() && doubt::is_about(item) {
                        bad(item.to, Reason::NotAValue, &self.outputs, now, out);
                        self.now.heed.bad += 1;
                        continue;
                    }
                    let is_value = tell(item, Some((first, data)), &mut self.outputs, now, out);
                    let count = if is_value { &mut self.now.heed.good } else { &mut self.now.heed.bad };
                    *count += 1;
                }
            }
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
            bad(to, Reason::NotAValue, &self.outputs, now, out);
            self.now.heed.bad += 1;
        }
        Answer::Done { used, heed: self.now.heed }
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

/// Says once that floats come in another order than the file gives, and once that they no longer do.
fn doubted(block: &mut Block, name: &str, doubt: Option<(&str, &str)>, at: Mono, out: &mut Readings) {
    if std::mem::replace(&mut block.is_doubted, doubt.is_some()) == doubt.is_some() {
        return;
    }
    let text = match doubt {
        Some((own, other)) => {
            format!(
                "{name} tells floats that make sense in the order {other} and not in {own}: see its `order`"
            )
        }
        None => format!("{name} tells floats in their order"),
    };
    out.report(Report::Link { is_up: doubt.is_none(), text: text.into(), at });
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
        (Place::Field(field), Some((first, bytes))) => field.read(Registers { first, bytes }),
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
