//! Who a device is: maker, model and serial number of its common model. Another one in its place is noticed, and never taken
//! for it.
//!
//! Source: SunSpec Device Information Model Specification, model 1: Mn, Md, Opt, Vr and SN have 16, 16, 8, 8 and 16 registers.
//! Options and version are left out: a device with a new firmware is the same one.

use super::image::Block;
use super::walk::Model;
use ballast_model::{Mono, Span};

/// How often it is asked while nothing else gives cause to.
const PERIOD: Span = Span::from_secs(30);
/// Registers from the maker to the end of the serial number, behind number and length of the model.
const COUNT: u16 = 64;
/// Where maker, model and serial number stand among them.
const PARTS: [std::ops::Range<usize>; 3] = [0..16, 16..32, 48..64];

/// What is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Who {
    known: Option<Vec<u16>>,
    /// When it was asked last; nothing since the connection was made.
    asked: Option<Mono>,
}

/// What became of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is who it was, or was never asked before.
    Same,
    /// It is another one: who it is, and who was there.
    Other(String, String),
}

impl Who {
    /// It must be asked before anything is believed: there is a new connection, or it was away.
    pub(super) fn doubt(&mut self) {
        self.asked = None;
    }

    /// Where it says who it is, if it is time to ask and it says so anywhere.
    pub(super) fn due(&self, models: &[Model], now: Mono) -> Option<Block> {
        if self.asked.is_some_and(|asked| now.since(asked) < PERIOD) {
            return None;
        }
        let common = models.iter().find(|model| model.id == 1 && model.holds(2, COUNT))?;
        Some(Block { address: common.address.checked_add(2)?, count: COUNT })
    }

    /// What it says; nothing where it does not let itself be asked.
    pub(super) fn hear(&mut self, registers: Option<&[u16]>, now: Mono) -> Found {
        self.asked = Some(now);
        let Some(registers) = registers else { return Found::Same };
        let parts = PARTS.iter().filter_map(|part| registers.get(part.clone()));
        let said: Vec<u16> = parts.flatten().copied().collect();
        match self.known.replace(said) {
            Some(before) if self.known.as_ref() != Some(&before) => {
                let now = self.known.as_deref().unwrap_or_default();
                Found::Other(shown(now), shown(&before))
            }
            _ => Found::Same,
        }
    }
}

/// As people read it.
fn shown(registers: &[u16]) -> String {
    let texts = registers.chunks(16).map(|part| {
        let bytes = part.iter().flat_map(|register| register.to_be_bytes());
        let letters = bytes.take_while(|byte| byte.is_ascii_graphic() || *byte == b' ');
        letters.map(char::from).collect::<String>().trim().to_owned()
    });
    let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    if texts.is_empty() { "one without a name".to_owned() } else { format!("`{}`", texts.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(serial: &str, version: u16) -> Vec<u16> {
        let mut registers = vec![0; usize::from(COUNT)];
        registers[40] = version;
        for (place, text) in [(0, "Maker"), (16, "Inverter 5"), (48, serial)] {
            for (place, pair) in (place..).zip(text.as_bytes().chunks(2)) {
                registers[place] = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
            }
        }
        registers
    }

    #[test]
    fn another_serial_number_is_another_device_and_another_version_is_not() {
        let mut who = Who::default();
        let models = [Model { id: 1, address: 40_002, length: 66 }];
        let block = Some(Block { address: 40_004, count: 64 });
        assert_eq!(who.due(&models, Mono::ZERO), block);
        assert_eq!(who.hear(Some(&common("No. 7", 1)), Mono::ZERO), Found::Same);
        assert_eq!(who.due(&models, Mono::from_millis(29_999)), None);
        assert_eq!(who.due(&models, Mono::from_millis(30_000)), block);
        assert_eq!(who.hear(Some(&common("No. 7", 2)), Mono::ZERO), Found::Same);
        who.doubt();
        assert_eq!(who.due(&models, Mono::ZERO), block, "after it was away");
        assert_eq!(who.hear(None, Mono::ZERO), Found::Same);
        let other = who.hear(Some(&common("No. 9", 2)), Mono::ZERO);
        let (now, before) = ("`Maker Inverter 5 No. 9`".to_owned(), "`Maker Inverter 5 No. 7`".to_owned());
        assert_eq!(other, Found::Other(now, before));
        // A common model that is too short, or none, says nothing.
        assert_eq!(Who::default().due(&[Model { id: 1, address: 40_002, length: 63 }], Mono::ZERO), None);
        assert_eq!(Who::default().due(&[], Mono::ZERO), None);
    }
}
