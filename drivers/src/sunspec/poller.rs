//! Asks devices for their models and then for what is wanted of them, register by register. Pure: the bus owns the wire.
//!
//! A device is walked through once for each connection, and again when another model stands where one stood: a new
//! firmware moves registers. While that goes on its points say nothing; they never say what stands in a wrong register.

use super::control::Write;
use super::image::{Block, Image, plan};
use super::round::{Lever, Round, find, tell};
use super::walk::Walk;
use super::who::{Found, Who};
use crate::limits::STEPS_MAX;
use crate::modbus::frame::{Framed, Framing};
use crate::modbus::pdu::{Reply, Request, Table};
use crate::modbus::sounding;
use crate::readings::{Readings, Report};
use crate::shape::{Answer, Heed, Job, Poller, Roster};
use ballast_model::{Mono, Quality, Reason};

/// One device.
#[derive(Debug)]
pub(crate) struct Device {
    /// Its address on the bus.
    pub(crate) address: u8,
    /// The way through its models.
    pub(crate) walk: Walk,
    /// Who it is.
    pub(crate) who: Who,
}

/// A write that is under way.
#[derive(Debug, Default)]
struct Telling {
    blocks: Vec<Block>,
    image: Image,
    writes: Vec<Write>,
    next: usize,
    is_read: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Head,
    Who,
    Block(Block),
    Write,
}

/// The devices of one wire.
pub(crate) struct SunSpec {
    pub(crate) roster: Roster,
    pub(crate) framing: Framing,
    pub(crate) devices: Vec<Device>,
    pub(crate) rounds: Vec<Round>,
    pub(crate) levers: Vec<Lever>,
    telling: Telling,
    transaction: u16,
    asked: Option<(Asked, Request)>,
    steps: usize,
    /// The next request belongs to the same job.
    goes_on: bool,
    /// When an answer came last.
    now: Mono,
}

/// Steps of one job that may go into the walk; the rest is for what the job is for.
const WALK_STEPS: usize = STEPS_MAX / 2;

/// What an exception means: the device does not know that register (Modbus Application Protocol V1.1b3, section 7).
const NOT_THERE: std::ops::RangeInclusive<u8> = 1..=3;

/// A gateway says that the device does not answer (the same).
const NOBODY: std::ops::RangeInclusive<u8> = 10..=11;

impl SunSpec {
    /// Asks nothing yet.
    pub(crate) fn new(
        roster: Roster,
        framing: Framing,
        devices: Vec<Device>,
        rounds: Vec<Round>,
        levers: Vec<Lever>,
    ) -> Self {
        let telling = Telling::default();
        let (transaction, steps) = (0, 0);
        Self {
            roster,
            framing,
            devices,
            rounds,
            levers,
            telling,
            transaction,
            asked: None,
            steps,
            goes_on: false,
            now: Mono::ZERO,
        }
    }

    fn device_of(&self, job: Job) -> Option<usize> {
        match job {
            Job::Read(read) => self.roster.reads.get(read).map(|read| read.unit),
            Job::Write { output, .. } => {
                self.levers.iter().find(|lever| lever.output == output).map(|lever| lever.device)
            }
        }
    }

    /// What is asked next; `None`: nothing is left.
    fn step(&mut self, job: Job) -> Option<(Asked, Request)> {
        let read =
            |block: Block| Request::Read { table: Table::Holding, first: block.address, count: block.count };
        let device = self.devices.get(self.device_of(job)?)?;
        if let Some(address) = device.walk.next() {
            return Some((Asked::Head, read(Block { address, count: 2 })));
        }
        let models = device.walk.models();
        if let Some(block) = device.who.due(models, self.now) {
            return Some((Asked::Who, read(block)));
        }
        match job {
            Job::Read(place) => {
                let round = self.rounds.get_mut(place)?;
                let found = round
                    .found
                    .get_or_insert_with(|| find(&round.wishes, &round.shows, &self.levers, models));
                let block = *found.blocks.get(round.next)?;
                Some((Asked::Block(block), read(block)))
            }
            Job::Write { output, wanted } => {
                let lever = self.levers.iter().find(|lever| lever.output == output)?;
                let seat = lever.control.seat(models)?;
                let telling = &mut self.telling;
                if !telling.is_read {
                    if telling.blocks.is_empty() {
                        telling.blocks = plan(&seat.parts());
                    }
                    if let Some(block) = telling.blocks.get(telling.next) {
                        return Some((Asked::Block(*block), read(*block)));
                    }
                    telling.is_read = true;
                    telling.next = 0;
                    if models.iter().any(|model| telling.image.has_moved(*model)) {
                        return None;
                    }
                    telling.writes = seat.writes(wanted, lever.timer, &telling.image)?;
                }
                let (address, registers) = telling.writes.get(telling.next)?.clone();
                Some((Asked::Write, Request::Registers(address, registers)))
            }
        }
    }

    /// Whether the job has another request.
    fn has_more(&mut self, job: Job) -> bool {
        self.step(job).is_some()
    }

    /// The device is not as it was, or is none: it is walked through again.
    fn doubt(&mut self, job: Job, used: usize, now: Mono, out: &mut Readings) -> Answer {
        if let Some(device) = self.device_of(job) {
            self.forget(device);
        }
        if let Job::Read(place) = job
            && let Some(round) = self.rounds.get(place)
        {
            for wish in &round.wishes {
                out.bad(wish.slot, Reason::Device, now);
            }
        }
        Answer::Refused { used }
    }

    /// It said who it is, or does not. Of another one nothing is believed that was asked before, and its counters begin anew.
    fn hear_who(
        &mut self,
        job: Job,
        registers: Option<&[u16]>,
        used: usize,
        now: Mono,
        out: &mut Readings,
    ) -> Answer {
        let Some(place) = self.device_of(job) else { return Answer::Strange };
        let Some(device) = self.devices.get_mut(place) else { return Answer::Strange };
        let Found::Other(there, before) = device.who.hear(registers, now) else {
            return match job {
                _ if self.has_more(job) => self.go_on(),
                Job::Read(_) => Answer::Done { used, heed: Heed::default() },
                Job::Write { .. } => Answer::Refused { used },
            };
        };
        let address = device.address;
        self.forget(place);
        let text = format!("unit {address} is another device now: {there}, and {before} before");
        out.report(Report::Link { is_up: true, text: text.into(), at: now });
        for (round, _) in self.rounds.iter().zip(&self.roster.reads).filter(|(_, read)| read.unit == place) {
            for wish in &round.wishes {
                out.bad(wish.slot, Reason::Replaced, now);
            }
        }
        for lever in self.levers.iter().filter(|lever| lever.device == place) {
            let quality = Quality::Bad(Reason::Replaced);
            out.report(Report::Actual { output: lever.output, actual: None, quality, at: now });
        }
        Answer::Refused { used }
    }

    fn forget(&mut self, place: usize) {
        if let Some(device) = self.devices.get_mut(place) {
            device.walk = Walk::new();
            device.who.doubt();
        }
        for (round, read) in self.rounds.iter_mut().zip(&self.roster.reads) {
            if read.unit == place {
                round.found = None;
                round.image.clear();
                round.next = 0;
            }
        }
    }

    /// The registers of a model's head came, or there are none.
    fn hear_head(
        &mut self,
        job: Job,
        head: Option<[u16; 2]>,
        used: usize,
        now: Mono,
        out: &mut Readings,
    ) -> Answer {
        let Some(device) = self.device_of(job).and_then(|place| self.devices.get_mut(place)) else {
            return Answer::Strange;
        };
        device.walk.hear(head);
        let is_over = device.walk.next().is_none();
        if is_over && device.walk.models().is_empty() {
            return self.doubt(job, used, now, out);
        }
        match job {
            // The walk goes on with the next read; a write is asked for again.
            Job::Read(_) if !is_over && self.steps >= WALK_STEPS => {
                Answer::Done { used, heed: Heed::default() }
            }
            Job::Write { .. } if !is_over && self.steps >= WALK_STEPS => Answer::Refused { used },
            _ if self.has_more(job) => self.go_on(),
            Job::Read(_) => Answer::Done { used, heed: Heed::default() },
            Job::Write { .. } => Answer::Refused { used },
        }
    }

    fn go_on(&mut self) -> Answer {
        self.goes_on = true;
        Answer::GoOn
    }

    fn hear_block(
        &mut self,
        job: Job,
        block: Block,
        registers: Vec<u16>,
        used: usize,
        now: Mono,
        out: &mut Readings,
    ) -> Answer {
        let Job::Read(place) = job else {
            self.telling.image.add(block, registers);
            self.telling.next += 1;
            return if self.has_more(job) { self.go_on() } else { Answer::Refused { used } };
        };
        let Some(round) = self.rounds.get_mut(place) else { return Answer::Strange };
        round.image.add(block, registers);
        round.next += 1;
        let Some(found) = &round.found else { return Answer::Strange };
        if found.blocks.len() > round.next {
            // What is left is read with the next round, if this job has taken all the steps that it may.
            let is_tired = self.steps >= STEPS_MAX;
            return if is_tired { Answer::Done { used, heed: Heed::default() } } else { self.go_on() };
        }
        if found.models.iter().any(|model| round.image.has_moved(*model)) {
            return self.doubt(job, used, now, out);
        }
        let heed = tell(round, &self.levers, now, out);
        Answer::Done { used, heed }
    }
}

impl Poller for SunSpec {
    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn ask(&mut self, job: Job, request: &mut Vec<u8>) -> bool {
        if !std::mem::take(&mut self.goes_on) {
            self.steps = 0;
            match job {
                Job::Write { .. } => self.telling = Telling::default(),
                Job::Read(place) => {
                    if let Some(round) = self.rounds.get_mut(place)
                        && round.found.as_ref().is_none_or(|found| round.next >= found.blocks.len())
                    {
                        round.image.clear();
                        round.next = 0;
                    }
                }
            }
        }
        self.asked = self.step(job);
        let Some((_, asked)) = &self.asked else { return false };
        let Some(device) = self.device_of(job).and_then(|place| self.devices.get(place)) else {
            return false;
        };
        self.steps += 1;
        self.transaction = self.transaction.wrapping_add(1);
        let mut pdu = Vec::new();
        asked.write(&mut pdu);
        self.framing.write(self.transaction, device.address, &pdu, request);
        true
    }

    fn answer(&mut self, job: Job, bytes: &[u8], is_end: bool, now: Mono, out: &mut Readings) -> Answer {
        let Some(device) = self.device_of(job).and_then(|place| self.devices.get(place)) else {
            return Answer::Strange;
        };
        let Some((asked, request)) = self.asked.clone() else { return Answer::Strange };
        self.now = now;
        let length = |begin: &[u8]| request.answer_length(begin);
        let (pdu, used) = match self.framing.read(self.transaction, device.address, bytes, length) {
            Framed::Unfinished if is_end => return Answer::Strange,
            Framed::Unfinished => return Answer::Unfinished,
            Framed::Strange => return Answer::Strange,
            Framed::Whole(pdu, used) => (pdu, used),
        };
        match (asked, request.reply(pdu)) {
            (Asked::Head, Reply::Data(&[a, b, c, d])) => {
                let head = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
                self.hear_head(job, Some(head), used, now, out)
            }
            (Asked::Head, Reply::Exception(code)) if NOT_THERE.contains(&code) => {
                self.hear_head(job, None, used, now, out)
            }
            (Asked::Who, Reply::Data(data)) => self.hear_who(job, Some(&words(data)), used, now, out),
            (Asked::Who, Reply::Exception(code)) if NOT_THERE.contains(&code) => {
                self.hear_who(job, None, used, now, out)
            }
            (Asked::Block(block), Reply::Data(data)) => {
                self.hear_block(job, block, words(data), used, now, out)
            }
            (Asked::Write, Reply::Written) => {
                self.telling.next += 1;
                if self.has_more(job) { self.go_on() } else { Answer::Done { used, heed: Heed::default() } }
            }
            (_, Reply::Exception(code)) if NOBODY.contains(&code) => Answer::Absent { used },
            (Asked::Write, Reply::Exception(_)) => Answer::Refused { used },
            (_, Reply::Exception(_)) => self.doubt(job, used, now, out),
            _ => Answer::Strange,
        }
    }

    fn sound(&mut self, unit: usize, token: u16, request: &mut Vec<u8>) -> bool {
        let address =
            self.devices.get(unit).map(|device| device.address).filter(|_| self.framing == Framing::Rtu);
        if let Some(address) = address {
            sounding::write(address, token, request);
        }
        address.is_some()
    }

    fn sounded(&mut self, unit: usize, token: u16, bytes: &[u8]) -> Answer {
        self.devices
            .get(unit)
            .map(|device| device.address)
            .map_or(Answer::Strange, |address| sounding::read(address, token, bytes))
    }

    fn reset(&mut self, _wire: usize) {
        for place in 0..self.devices.len() {
            self.forget(place);
        }
        self.goes_on = false;
    }

    fn lost(&mut self, unit: usize) {
        self.forget(unit);
    }
}

fn words(data: &[u8]) -> Vec<u16> {
    data.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect()
}
