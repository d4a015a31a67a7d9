//! A SunSpec device in memory: registers, and the answers of Modbus over TCP.

use ballast_drivers::readings::Readings;
use ballast_drivers::shape::{Answer, Job, Poller};
use ballast_model::Mono;
use std::collections::BTreeMap;

/// Registers by their address; the others are not there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Device {
    pub(crate) registers: BTreeMap<u16, u16>,
    pub(crate) writes: Vec<(u16, Vec<u16>)>,
    /// Requests so far.
    pub(crate) asked: usize,
}

/// The marker, the models with what stands behind their heads, and the end.
pub(crate) fn device(base: u16, models: &[(u16, Vec<u16>)]) -> Device {
    let mut all = vec![0x5375, 0x6E53];
    for (id, rest) in models {
        all.extend([*id, rest.len() as u16]);
        all.extend(rest);
    }
    all.extend([0xFFFF, 0]);
    let registers =
        all.into_iter().enumerate().map(|(place, register)| (base + place as u16, register)).collect();
    Device { registers, ..Device::default() }
}

/// A model of that length without any value, with these registers; offsets count from its number.
pub(crate) fn model(id: u16, length: usize, set: &[(u16, u16)]) -> (u16, Vec<u16>) {
    let mut rest = vec![0x8000; length];
    for (offset, register) in set {
        rest[usize::from(*offset) - 2] = *register;
    }
    (id, rest)
}

impl Device {
    /// Answers one request.
    pub(crate) fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        self.asked += 1;
        let word = |at: usize| u16::from_be_bytes([request[at], request[at + 1]]);
        let (function, first, count) = (request[7], word(8), word(10));
        let range = || (0..count).map(|place| first.wrapping_add(place));
        let pdu = if range().any(|address| !self.registers.contains_key(&address)) {
            vec![function | 0x80, 2]
        } else if function == 3 {
            let registers = range().flat_map(|address| self.registers[&address].to_be_bytes());
            [3, (count * 2) as u8].into_iter().chain(registers).collect()
        } else {
            let written: Vec<u16> = (0..usize::from(count)).map(|place| word(13 + 2 * place)).collect();
            for (address, register) in range().zip(&written) {
                self.registers.insert(address, *register);
            }
            self.writes.push((first, written));
            request[7..12].to_vec()
        };
        let mut answer = request[..4].to_vec();
        answer.extend((pdu.len() as u16 + 1).to_be_bytes());
        answer.push(request[6]);
        answer.extend(pdu);
        answer
    }

    /// Plays a job to its end as the bus does; tells how it ended.
    pub(crate) fn play(&mut self, poller: &mut dyn Poller, job: Job, out: &mut Readings) -> Option<Answer> {
        for _ in 0..ballast_drivers::limits::STEPS_MAX {
            let mut request = Vec::new();
            if !poller.ask(job, &mut request) {
                return None;
            }
            let answer = self.answer(&request);
            match poller.answer(job, &answer, false, Mono::from_millis(self.asked as u64), out) {
                Answer::GoOn => {}
                answer => return Some(answer),
            }
        }
        panic!("a job without an end")
    }
}
