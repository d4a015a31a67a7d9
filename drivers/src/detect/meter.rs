//! Which meter speaks on this line? Only what came whole counts: groups, telegrams and blocks whose check is right.

use crate::p1::telegram::{self, Code, Telegram};
use crate::vedirect::block::{self, Field};
use tic_decoder::{Event, Mode};

/// Groups that must be understood before a line is taken for a Linky meter's: damage makes one in 64 by chance.
const GROUPS: u32 = 4;
/// Blocks of VE.Direct: damage makes one in 256 by chance. A telegram of P1 has sixteen bits of check, and one is enough.
const BLOCKS: u32 = 2;

/// What every meter of electricity tells, one way or the other: a telegram without a CRC must have one of these.
const OF_ELECTRICITY: [Code; 3] = [Code([1, 0, 1, 8, 1]), Code([1, 0, 1, 8, 0]), Code([1, 0, 1, 7, 0])];
/// The version, as Belgian meters tell it (e-MUCS P1, section 6); Dutch ones tell it as 1-3:0.2.8.
const OF_BELGIUM: Code = Code([0, 0, 96, 1, 4]);

/// Fields that only one kind of device sends (VE.Direct Protocol 3.33, the table of fields), with its device file.
const OF_KINDS: [(&[u8], &str); 6] = [
    (b"VPV", "victron-vedirect-charger"),
    (b"PPV", "victron-vedirect-charger"),
    (b"AC_OUT_V", "victron-vedirect-inverter"),
    (b"SOC", "victron-vedirect-monitor"),
    (b"CE", "victron-vedirect-monitor"),
    (b"TTG", "victron-vedirect-monitor"),
];

/// A meter that speaks by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meter {
    /// A Linky, in this mode.
    Linky(&'static str),
    /// A smart meter on its customer port (P1), with its device file.
    P1(&'static str),
    /// A device of Victron on its VE.Direct port, with its device file.
    VeDirect(&'static str),
}

/// What was heard on a line so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speech {
    /// Bytes.
    pub bytes: u64,
    /// Who speaks, once enough was understood.
    pub meter: Option<Meter>,
}

/// Listens to a line.
#[derive(Debug, Default)]
pub struct Ear {
    tic: tic_decoder::Decoder,
    historical: u32,
    standard: u32,
    p1: telegram::Decoder,
    country: Option<&'static str>,
    vedirect: block::Decoder,
    blocks: u32,
    kind: Option<&'static str>,
    bytes: u64,
}

impl Ear {
    /// Takes what came.
    pub fn hear(&mut self, bytes: &[u8]) -> Speech {
        self.bytes += bytes.len() as u64;
        self.hear_tic(bytes);
        let country = &mut self.country;
        self.p1.decode(bytes, |telegram| {
            *country = country.or_else(|| telegram.ok().and_then(country_of));
        });
        let (blocks, kind) = (&mut self.blocks, &mut self.kind);
        self.vedirect.decode(bytes, |block| {
            if let Ok(fields) = block {
                *blocks += 1;
                *kind = kind.or_else(|| kind_of(fields));
            }
        });
        let kind = self.kind.filter(|_| self.blocks >= BLOCKS);
        let linky = self.mode().map(Meter::Linky);
        let meter = linky.or(self.country.map(Meter::P1)).or(kind.map(Meter::VeDirect));
        Speech { bytes: self.bytes, meter }
    }

    fn hear_tic(&mut self, bytes: &[u8]) {
        let (mut historical, mut standard) = (0, 0);
        self.tic.decode(bytes, |event| {
            if let Event::Group(group) = event {
                match group.mode {
                    Mode::Historical => historical += 1,
                    Mode::Standard => standard += 1,
                }
            }
        });
        self.historical += historical;
        self.standard += standard;
    }

    fn mode(&self) -> Option<&'static str> {
        if self.standard >= GROUPS && self.standard > self.historical {
            Some("standard")
        } else if self.historical >= GROUPS && self.historical > self.standard {
            Some("historical")
        } else {
            None
        }
    }
}

/// The device file for a telegram; `None` where it is of no meter of electricity.
fn country_of(telegram: Telegram<'_>) -> Option<&'static str> {
    OF_ELECTRICITY.iter().find_map(|code| telegram.read(*code))?;
    Some(if telegram.read(OF_BELGIUM).is_some() { "dsmr-belgium" } else { "dsmr-netherlands" })
}

/// The device file for a block; `None` where nothing in it says whose it is: the history of a monitor comes in a block of
/// its own.
fn kind_of(fields: &[Field]) -> Option<&'static str> {
    let is_there = |label: &[u8]| fields.iter().any(|field| field.label() == label);
    OF_KINDS.iter().find(|(label, _)| is_there(label)).map(|(_, file)| *file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(bytes: &[u8]) -> Option<Meter> {
        Ear::default().hear(bytes).meter
    }

    /// A block with its checksum.
    fn block(fields: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (label, value) in fields {
            bytes.extend(format!("\r\n{label}\t{value}").into_bytes());
        }
        bytes.extend(b"\r\nChecksum\t");
        let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        bytes.push(0u8.wrapping_sub(sum));
        bytes
    }

    /// A telegram with its CRC.
    fn telegram(objects: &str) -> Vec<u8> {
        let mut bytes = format!("/XXX5\\253\r\n\r\n{objects}!").into_bytes();
        let crc = telegram::crc16(&bytes);
        bytes.extend(format!("{crc:04X}\r\n").into_bytes());
        bytes
    }

    #[test]
    fn devices_of_vedirect_are_told_apart_by_what_only_they_send() {
        let start = b"\r\nV\t12800".to_vec();
        for (fields, file) in [
            (&[("PID", "0xA042"), ("V", "12800"), ("VPV", "15000"), ("PPV", "20")][..], "charger"),
            (&[("PID", "0x203"), ("V", "12800"), ("SOC", "1000")], "monitor"),
            (&[("PID", "0xA231"), ("V", "12800"), ("AC_OUT_V", "23000")], "inverter"),
        ] {
            let one = [start.clone(), block(fields)].concat();
            assert_eq!(heard(&one), None, "one block is not enough");
            let history = block(&[("H1", "-100"), ("H2", "0")]);
            let found = heard(&[one, history, block(fields)].concat());
            let Some(Meter::VeDirect(found)) = found else { panic!("{found:?}") };
            assert_eq!(found, format!("victron-vedirect-{file}"));
        }
        let nobody = block(&[("V", "12800"), ("I", "20")]);
        assert_eq!(heard(&[&start[..], &nobody, &nobody, &nobody].concat()), None);
    }

    #[test]
    fn a_telegram_counts_with_its_crc_and_as_one_of_electricity() {
        let objects = "1-3:0.2.8(50)\r\n1-0:1.8.1(000001.000*kWh)\r\n1-0:1.7.0(01.193*kW)\r\n";
        assert_eq!(heard(&telegram(objects)), Some(Meter::P1("dsmr-netherlands")));
        let belgian = objects.replace("1-3:0.2.8(50)", "0-0:96.1.4(50217)");
        assert_eq!(heard(&telegram(&belgian)), Some(Meter::P1("dsmr-belgium")));
        let mut damaged = telegram(objects);
        damaged[20] ^= 1;
        assert_eq!(heard(&damaged), None);
        // An old one has no CRC, and something else could look like one that is empty.
        assert_eq!(heard(b"/x\r\n\r\n!\r\n/x\r\n"), None);
        assert_eq!(heard(&telegram("0-1:24.1.0(003)\r\n")), None);
    }
}
