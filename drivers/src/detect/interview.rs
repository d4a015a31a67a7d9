//! Who is this Modbus unit? A short row of questions that only read.
//!
//! Source: SunSpec Device Information Model Specification (marker, models, model 1); Modbus Application Protocol V1.1b3,
//! section 6.21 (function 43/14); Victron CCGX Modbus TCP register list (unit 100, registers 800-805: serial number); Eastron
//! SDM Modbus protocol (input registers 0x0000 and 0x0046: voltage and frequency as floats).

use crate::modbus::frame::{Framed, Framing};
use crate::modbus::pdu::{Reply, Request, Table, code};
use crate::sunspec::walk::Walk;

/// A question. There is none that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Holding registers: the first one and how many.
    Holding(u16, u16),
    /// Input registers.
    Input(u16, u16),
    /// Who it says it is: maker, product, version.
    Identity,
}

/// What came back so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// More must come.
    Unfinished,
    /// Registers.
    Registers(Vec<u16>),
    /// Maker, product, version, as far as it says.
    Texts(Vec<String>),
    /// Somebody says no, with this exception code.
    Refused(u8),
    /// This answers something else.
    Strange,
}

/// Read device identification, basic, from the first object on.
const IDENTITY: [u8; 4] = [0x2B, 0x0E, 0x01, 0x00];
/// Exceptions that tell of nobody: a gateway does not reach the unit, or failed. Some gateways say the last one of every
/// address at which nobody is, and a unit that says nothing else is of no use either.
const NOBODY: [u8; 3] = [code::NO_PATH, code::NO_ANSWER, code::FAILURE];
/// Longest text that is kept, characters.
const TEXT_MAX: usize = 64;

impl Ask {
    /// The question to a unit. The number of the transaction is for [`Framing::Tcp`].
    pub fn write(self, framing: Framing, transaction: u16, unit: u8, out: &mut Vec<u8>) {
        let mut pdu = Vec::new();
        match self.request() {
            Some(request) => request.write(&mut pdu),
            None => pdu.extend_from_slice(&IDENTITY),
        }
        framing.write(transaction, unit, &pdu, out);
    }

    /// What came back to it.
    pub fn read(self, framing: Framing, transaction: u16, unit: u8, bytes: &[u8]) -> Answer {
        let length = |begin: &[u8]| match self.request() {
            Some(request) => request.answer_length(begin),
            None => identity_length(begin),
        };
        let pdu = match framing.read(transaction, unit, bytes, length) {
            Framed::Whole(pdu, _) => pdu,
            Framed::Unfinished => return Answer::Unfinished,
            Framed::Strange => return Answer::Strange,
        };
        let Some(request) = self.request() else { return identity(pdu) };
        match request.reply(pdu) {
            Reply::Data(data) => Answer::Registers(registers(data)),
            Reply::Exception(code) => Answer::Refused(code),
            Reply::Written | Reply::Strange => Answer::Strange,
        }
    }

    fn request(self) -> Option<Request> {
        let read = |table, first, count| Some(Request::Read { table, first, count });
        match self {
            Self::Holding(first, count) => read(Table::Holding, first, count),
            Self::Input(first, count) => read(Table::Input, first, count),
            Self::Identity => None,
        }
    }
}

fn registers(data: &[u8]) -> Vec<u16> {
    data.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect()
}

/// How long an identification that begins so is to be.
fn identity_length(begin: &[u8]) -> Option<usize> {
    match begin.first() {
        None => return Some(0),
        Some(0xAB) => return Some(2),
        Some(0x2B) => {}
        Some(_) => return None,
    }
    // Function, kind, code, level, more, next, number of objects.
    let Some(count) = begin.get(6) else { return Some(0) };
    let mut end = 7;
    for _ in 0..*count {
        let Some(length) = begin.get(end + 1) else { return Some(0) };
        end += 2 + usize::from(*length);
    }
    Some(end)
}

fn identity(pdu: &[u8]) -> Answer {
    if let [0xAB, code] = pdu {
        return Answer::Refused(*code);
    }
    let mut texts = Vec::new();
    let mut rest = pdu.get(7..).unwrap_or_default();
    while let [_, length, behind @ ..] = rest {
        let length = usize::from(*length);
        texts.extend(text(behind.get(..length).unwrap_or_default()));
        rest = behind.get(length..).unwrap_or_default();
    }
    Answer::Texts(texts)
}

/// A text of a device: what can be shown of it, if anything.
fn text(bytes: &[u8]) -> Option<String> {
    let shown = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    let text: String =
        bytes.iter().take_while(|byte| shown(byte)).take(TEXT_MAX).map(|byte| char::from(*byte)).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn text_of_registers(registers: &[u16]) -> Option<String> {
    let bytes: Vec<u8> = registers.iter().flat_map(|register| register.to_be_bytes()).collect();
    text(&bytes)
}

/// What is known of a unit that answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unit {
    /// Maker, product and the like, as it says itself.
    pub texts: Vec<String>,
    /// Its SunSpec models, in their order, without the common one.
    pub models: Vec<u16>,
    /// Its registers look like those of a Victron GX: its serial number.
    pub victron: Option<String>,
    /// Its registers look like those of an Eastron SDM: voltage in V and frequency in Hz that it measures.
    pub eastron: Option<(f32, f32)>,
}

impl Unit {
    /// Whether both say the same of themselves. What they measure is another number a moment later.
    pub fn is_like(&self, other: &Self) -> bool {
        let unmeasured = |unit: &Self| Self { eastron: unit.eastron.map(|_| (0.0, 0.0)), ..unit.clone() };
        unmeasured(self) == unmeasured(other)
    }
}

/// Who was met at an address.
#[derive(Clone, Debug, PartialEq)]
pub enum Met {
    /// A unit.
    Unit(Unit),
    /// Nobody; the exception by which a gateway says so, or nothing came at all.
    Nobody(Option<u8>),
}

/// Where the questions to a unit stand.
#[derive(Clone, Debug)]
enum At {
    /// Is there anybody? By input register 0, where holding registers were not answered.
    There,
    Sunspec,
    /// The common model: maker, product, version, serial number.
    Common(u16, u16),
    Identity,
    Victron,
    Voltage,
    Frequency(f32),
    End,
}

/// The questions to one unit. Two where nothing comes, six where everything is answered by a failure, and some 70 to the
/// longest list of models.
#[derive(Clone, Debug)]
pub struct Interview {
    at: At,
    walk: Walk,
    is_there: bool,
    /// The first exception that tells of nobody.
    nobody: Option<u8>,
    unit: Unit,
}

impl Default for Interview {
    fn default() -> Self {
        Self { at: At::Sunspec, walk: Walk::new(), is_there: false, nobody: None, unit: Unit::default() }
    }
}

impl Interview {
    /// The next question; `None` at the end.
    pub fn next(&self) -> Option<Ask> {
        Some(match self.at {
            At::There => Ask::Input(0, 2),
            At::Sunspec => Ask::Holding(self.walk.next()?, 2),
            At::Common(first, count) => Ask::Holding(first, count),
            At::Identity => Ask::Identity,
            At::Victron => Ask::Holding(800, 6),
            At::Voltage => Ask::Input(0, 2),
            At::Frequency(_) => Ask::Input(0x46, 2),
            At::End => return None,
        })
    }

    /// What came back; `None`: nothing in time.
    pub fn hear(&mut self, answer: Option<&Answer>) {
        let exception = if let Some(Answer::Refused(code)) = answer { Some(*code) } else { None };
        let nobody = exception.filter(|code| NOBODY.contains(code));
        self.nobody = self.nobody.or(nobody);
        let is_answer = matches!(answer, Some(Answer::Registers(_) | Answer::Texts(_) | Answer::Refused(_)));
        self.is_there |= is_answer && nobody.is_none();
        // A gateway without a way to it has none for the next question either.
        if exception == Some(code::NO_PATH) && !self.is_there {
            self.at = At::End;
            return;
        }
        // Who fails at this may not fail at everything: only a unit that stays silent twice is known to be none.
        let goes_on = self.is_there || exception == Some(code::FAILURE);
        let registers = match answer {
            Some(Answer::Registers(registers)) => registers.as_slice(),
            _ => &[],
        };
        self.at = match (&self.at, registers) {
            (At::Sunspec, _) if !goes_on => At::There,
            (At::There, _) if !goes_on => At::End,
            (At::There, _) => At::Identity,
            (At::Sunspec, found) => {
                self.walk.hear(<[u16; 2]>::try_from(found).ok());
                self.behind_walk()
            }
            (At::Common(..), found) => {
                self.common(found);
                At::End
            }
            (At::Identity, _) => {
                if let Some(Answer::Texts(texts)) = answer {
                    self.unit.texts.clone_from(texts);
                }
                At::Victron
            }
            (At::Victron, found) => {
                self.unit.victron = text_of_registers(found).filter(|serial| is_mac(serial));
                if self.unit.victron.is_some() { At::End } else { At::Voltage }
            }
            (At::Voltage, [high, low]) => match float(*high, *low) {
                volts if (50.0..500.0).contains(&volts) => At::Frequency(volts),
                _ => At::End,
            },
            (At::Frequency(volts), [high, low]) => {
                let hertz = float(*high, *low);
                self.unit.eastron = (44.0..66.0).contains(&hertz).then_some((*volts, hertz));
                At::End
            }
            _ => At::End,
        };
    }

    /// After the models: who made it, or by other means where there are none.
    fn behind_walk(&self) -> At {
        if self.walk.next().is_some() {
            return At::Sunspec;
        }
        match self.walk.models().iter().find(|model| model.id == 1) {
            Some(common) => At::Common(common.address + 2, common.length.clamp(1, 66)),
            None if self.walk.models().is_empty() => At::Identity,
            None => At::End,
        }
    }

    /// Maker, product, options, version and serial number have 16, 16, 8, 8 and 16 registers.
    fn common(&mut self, registers: &[u16]) {
        for place in [0..16, 16..32, 48..64] {
            self.unit.texts.extend(registers.get(place).and_then(text_of_registers));
        }
    }

    /// Who is there.
    pub fn finish(mut self) -> Met {
        self.unit.models = self.walk.models().iter().map(|model| model.id).filter(|id| *id != 1).collect();
        if self.is_there { Met::Unit(self.unit) } else { Met::Nobody(self.nobody) }
    }
}

/// Twelve hexadecimal digits: the serial number of a GX is the address of its network card.
fn is_mac(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn float(high: u16, low: u16) -> f32 {
    f32::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Interviews somebody who holds these registers and refuses all others; everything that was asked, and who they are.
    fn meet(
        holding: &BTreeMap<u16, u16>,
        input: &BTreeMap<u16, u16>,
        texts: Option<&[&str]>,
    ) -> (Vec<Ask>, Met) {
        let mut interview = Interview::default();
        let mut asked = Vec::new();
        while let Some(ask) = interview.next() {
            asked.push(ask);
            assert!(asked.len() < 100, "{asked:?}");
            let of = |map: &BTreeMap<u16, u16>, first: u16, count: u16| {
                let all: Option<Vec<u16>> =
                    (0..count).map(|at| map.get(&first.checked_add(at)?).copied()).collect();
                all.map_or(Answer::Refused(code::ADDRESS), Answer::Registers)
            };
            let answer = match ask {
                Ask::Holding(first, count) => of(holding, first, count),
                Ask::Input(first, count) => of(input, first, count),
                Ask::Identity => match texts {
                    Some(texts) => Answer::Texts(texts.iter().map(|text| (*text).to_owned()).collect()),
                    None => Answer::Refused(code::FUNCTION),
                },
            };
            interview.hear(Some(&answer));
        }
        (asked, interview.finish())
    }

    fn unit(met: Met) -> Unit {
        match met {
            Met::Unit(unit) => unit,
            Met::Nobody(code) => panic!("nobody: {code:?}"),
        }
    }

    fn put(map: &mut BTreeMap<u16, u16>, first: u16, values: &[u16]) {
        map.extend(values.iter().zip(first..).map(|(value, at)| (at, *value)));
    }

    fn words(text: &str, count: usize) -> Vec<u16> {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(count * 2, 0);
        registers(&bytes)
    }

    #[test]
    fn a_sunspec_device_tells_its_models_and_its_name() {
        let mut holding = BTreeMap::new();
        put(&mut holding, 40_000, &[0x5375, 0x6E53, 1, 66]);
        let mut common = words("SMA", 16);
        common.extend(words("STP 10", 16));
        common.extend(words("", 8));
        common.extend(words("1.0", 8));
        common.extend(words("123", 16));
        common.resize(66, 0);
        put(&mut holding, 40_004, &common);
        put(&mut holding, 40_070, &[103, 50]);
        put(&mut holding, 40_122, &[123, 24]);
        put(&mut holding, 40_148, &[0xFFFF, 0]);
        let unit = unit(meet(&holding, &BTreeMap::new(), None).1);
        assert_eq!(unit.models, [103, 123]);
        assert_eq!(unit.texts, ["SMA", "STP 10", "123"]);
    }

    #[test]
    fn others_are_known_by_what_they_say_or_by_their_registers() {
        let mut holding = BTreeMap::new();
        put(&mut holding, 800, &words("0c1c57aabbcc", 6));
        let unit = unit(meet(&holding, &BTreeMap::new(), None).1);
        assert_eq!(unit.victron.as_deref(), Some("0c1c57aabbcc"));
        let mut input = BTreeMap::new();
        let float = |value: f32| [(value.to_bits() >> 16) as u16, value.to_bits() as u16];
        put(&mut input, 0, &float(231.5));
        put(&mut input, 0x46, &float(50.02));
        let known = self::unit(meet(&BTreeMap::new(), &input, Some(&["Eastron", "SDM630"])).1);
        assert_eq!(known.eastron, Some((231.5, 50.02)));
        assert_eq!(known.texts, ["Eastron", "SDM630"]);
        let later = Unit { eastron: Some((229.9, 49.98)), ..known.clone() };
        assert!(known.is_like(&later) && !known.is_like(&unit), "the same one, a moment later");
        // Somebody is there, and nothing is known of them.
        put(&mut input, 0, &[7, 7]);
        assert_eq!(meet(&BTreeMap::new(), &input, None).1, Met::Unit(Unit::default()));
    }

    /// What one says who always answers the same, and how many questions that took.
    fn meet_always(answer: Option<Answer>) -> (usize, Met) {
        let (mut interview, mut count) = (Interview::default(), 0);
        while interview.next().is_some() {
            interview.hear(answer.as_ref());
            count += 1;
        }
        (count, interview.finish())
    }

    #[test]
    fn nobody_costs_two_questions() {
        for silence in [None, Some(Answer::Strange)] {
            assert_eq!(meet_always(silence), (2, Met::Nobody(None)));
        }
        // A device behind a gateway may be silent where it has nothing, and answer the next question.
        assert_eq!(meet_always(Some(Answer::Refused(0x0B))), (2, Met::Nobody(Some(0x0B))));
        assert_eq!(
            meet_always(Some(Answer::Refused(0x0A))),
            (1, Met::Nobody(Some(0x0A))),
            "a gateway knows it at once"
        );
    }

    #[test]
    fn who_only_ever_fails_is_nobody_and_who_answers_once_is_somebody() {
        let (count, met) = meet_always(Some(Answer::Refused(4)));
        assert_eq!(met, Met::Nobody(Some(4)));
        // Any of the questions may be the one that is answered.
        for answered in 0..count {
            for answer in [Answer::Registers(vec![7, 7]), Answer::Refused(2), Answer::Refused(1)] {
                let (mut interview, mut place) = (Interview::default(), 0);
                while interview.next().is_some() {
                    interview.hear(Some(if place == answered { &answer } else { &Answer::Refused(4) }));
                    place += 1;
                }
                assert_eq!(interview.finish(), Met::Unit(Unit::default()), "{answered} {answer:?}");
            }
        }
        assert_eq!(meet_always(Some(Answer::Refused(6))).1, Met::Unit(Unit::default()), "busy is somebody");
    }

    #[test]
    fn an_identification_is_taken_apart() {
        let mut bytes = vec![0, 9, 0, 0, 0, 0, 3];
        bytes.extend([0x2B, 0x0E, 1, 1, 0, 0, 2, 0, 7, b'E', b'a', b's', b't', b'r', b'o', b'n']);
        bytes.extend([1, 3, b'S', b'D', b'M']);
        bytes[5] = (bytes.len() - 6) as u8;
        let read = |transaction, bytes: &[u8]| Ask::Identity.read(Framing::Tcp, transaction, 3, bytes);
        for end in 0..bytes.len() {
            assert_eq!(read(9, &bytes[..end]), Answer::Unfinished, "{end}");
        }
        let texts = || vec!["Eastron".to_owned(), "SDM".to_owned()];
        assert_eq!(read(9, &bytes), Answer::Texts(texts()));
        assert_eq!(read(8, &bytes), Answer::Strange, "of another question");
        assert_eq!(read(9, &[0, 9, 0, 0, 0, 3, 3, 0xAB, 1]), Answer::Refused(1));
        let refusal = [0, 9, 0, 0, 0, 3, 3, 0x83, 0x0B];
        assert_eq!(Ask::Holding(0, 1).read(Framing::Tcp, 9, 3, &refusal), Answer::Refused(0x0B));
        // The same on a line, behind a checksum.
        let mut line = Vec::new();
        Framing::Rtu.write(0, 3, &bytes[7..], &mut line);
        for end in 0..line.len() {
            assert_eq!(Ask::Identity.read(Framing::Rtu, 0, 3, &line[..end]), Answer::Unfinished, "{end}");
        }
        assert_eq!(Ask::Identity.read(Framing::Rtu, 0, 3, &line), Answer::Texts(texts()));
        assert_eq!(Ask::Identity.read(Framing::Rtu, 0, 4, &line), Answer::Strange, "of another unit");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

        /// Whatever a unit answers: the questions end, and on the wire every one of them reads.
        #[test]
        fn nothing_is_ever_written(answers in proptest::collection::vec(any::<(u8, u16, u16)>(), 100)) {
            let mut interview = Interview::default();
            for (kind, first, second) in answers {
                let Some(ask) = interview.next() else { return Ok(()) };
                for (framing, function) in [(Framing::Tcp, 7), (Framing::Rtu, 1)] {
                    let mut wire = Vec::new();
                    ask.write(framing, 7, 3, &mut wire);
                    prop_assert!(matches!(wire[function], 3 | 4 | 0x2B), "function {}", wire[function]);
                }
                let answer = match kind % 8 {
                    0 => None,
                    1 => Some(Answer::Refused(first as u8 % 12)),
                    2 => Some(Answer::Strange),
                    3 => Some(Answer::Texts(vec!["x".into()])),
                    4 => Some(Answer::Registers(vec![0x5375, 0x6E53])),
                    _ => Some(Answer::Registers(vec![first % 200, second % 80])),
                };
                interview.hear(answer.as_ref());
            }
            prop_assert!(interview.next().is_none(), "it does not end");
        }

        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for ask in [Ask::Identity, Ask::Holding(0, 2), Ask::Input(0, 66)] {
                for framing in [Framing::Tcp, Framing::Rtu] {
                    let _ = ask.read(framing, 1, 1, &bytes);
                    let mut framed = Vec::new();
                    framing.write(1, 1, &bytes, &mut framed);
                    let _ = ask.read(framing, 1, 1, &framed);
                }
            }
        }
    }
}
