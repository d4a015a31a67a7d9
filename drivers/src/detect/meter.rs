//! Does a Linky meter speak on this line, and in which mode? Only whole groups with the right checksum count.

use tic_decoder::{Decoder, Event, Mode};

/// Groups that must be understood before a line is taken for a meter's: damage makes one in 64 by chance.
const GROUPS: u32 = 4;

/// What was heard on a line so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speech {
    /// Bytes.
    pub bytes: u64,
    /// The mode, once enough groups were understood.
    pub mode: Option<&'static str>,
}

/// Listens to a line.
#[derive(Debug, Default)]
pub struct Ear {
    decoder: Decoder,
    historical: u32,
    standard: u32,
    bytes: u64,
}

impl Ear {
    /// Takes what came.
    pub fn hear(&mut self, bytes: &[u8]) -> Speech {
        let (mut historical, mut standard) = (0, 0);
        self.decoder.decode(bytes, |event| {
            if let Event::Group(group) = event {
                match group.mode {
                    Mode::Historical => historical += 1,
                    Mode::Standard => standard += 1,
                }
            }
        });
        self.historical += historical;
        self.standard += standard;
        self.bytes += bytes.len() as u64;
        let mode = if self.standard >= GROUPS && self.standard > self.historical {
            Some("standard")
        } else if self.historical >= GROUPS && self.historical > self.standard {
            Some("historical")
        } else {
            None
        };
        Speech { bytes: self.bytes, mode }
    }
}
