//! Any answers to the questions by which a Modbus unit is asked who it is.

use ballast_drivers::detect::{Answer, Ask, Framing, Interview, Met};

/// Most questions to one unit: the marker at three places, 64 models, and what follows.
const QUESTIONS_MAX: usize = 80;
/// Longest text that is kept of a device, characters.
const TEXT_MAX: usize = 64;
/// Where SunSpec begins.
const BASE: usize = 40_000;

/// How bytes become answers.
#[derive(Clone, Copy)]
enum How {
    /// As they are: a length, and so many bytes.
    Raw,
    /// The same in a good frame.
    Framed,
    /// As registers from 40000 on, and as input registers from 0 on.
    Image,
}

/// The answer to a question; nothing: none comes.
fn answer(how: How, ask: Ask, question: &[u8], framing: Framing, rest: &mut &[u8]) -> Vec<u8> {
    let pdu = match how {
        How::Raw | How::Framed => {
            let Some((length, behind)) = rest.split_first() else { return Vec::new() };
            let (own, behind) = behind.split_at(usize::from(*length).min(behind.len()));
            *rest = behind;
            own.to_vec()
        }
        How::Image => image(ask, rest),
    };
    if matches!(how, How::Raw) || pdu.is_empty() {
        return pdu;
    }
    let mut frame = Vec::new();
    match framing {
        Framing::Tcp => {
            frame.extend_from_slice(&question[..4]);
            frame.extend(u16::try_from(pdu.len() + 1).unwrap_or(u16::MAX).to_be_bytes());
            frame.push(question[6]);
            frame.extend(pdu);
        }
        Framing::Rtu => {
            frame.push(question[0]);
            frame.extend(pdu);
            frame.extend(super::modbus::checksum(&frame));
        }
    }
    frame
}

fn image(ask: Ask, bytes: &[u8]) -> Vec<u8> {
    let (function, first, count) = match ask {
        Ask::Holding(first, count) => (3, usize::from(first).checked_sub(BASE), count),
        Ask::Input(first, count) => (4, Some(usize::from(first)), count),
        Ask::Identity => return [&[0x2B, 0x0E, 1, 1, 0, 0], bytes].concat(),
    };
    let range = first.and_then(|first| bytes.get(first * 2..(first + usize::from(count)) * 2));
    match range {
        Some(range) => [&[function, range.len() as u8], range].concat(),
        None => vec![function | 0x80, 2],
    }
}

/// Interviews whoever says that, over TCP and on a line. How much was learnt.
pub(crate) fn any(bytes: &[u8]) -> usize {
    let mut learnt = 0;
    for framing in [Framing::Tcp, Framing::Rtu] {
        for how in [How::Raw, How::Framed, How::Image] {
            let (mut interview, mut rest, mut count) = (Interview::default(), bytes, 0);
            while let Some(ask) = interview.next() {
                count += 1;
                assert!(count <= QUESTIONS_MAX, "it does not end");
                let mut question = Vec::new();
                ask.write(framing, 7, 3, &mut question);
                let function = question[if framing == Framing::Tcp { 7 } else { 1 }];
                assert!(matches!(function, 3 | 4 | 0x2B), "function {function}");
                let bytes = answer(how, ask, &question, framing, &mut rest);
                let heard = (!bytes.is_empty()).then(|| ask.read(framing, 7, 3, &bytes));
                if let (Some(Answer::Registers(registers)), Ask::Holding(_, wanted) | Ask::Input(_, wanted)) =
                    (&heard, ask)
                {
                    assert_eq!(registers.len(), usize::from(wanted));
                }
                interview.hear(heard.as_ref());
            }
            learnt += known(interview.finish());
        }
    }
    learnt
}

/// What is known of a unit can be shown on a terminal, and is bounded.
fn known(met: Met) -> usize {
    let Met::Unit(unit) = met else { return 0 };
    for text in unit.texts.iter().chain(&unit.victron) {
        assert!(!text.is_empty() && text.len() <= TEXT_MAX, "{text:?}");
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{text:?}");
    }
    assert!(unit.models.len() <= 64 && unit.texts.len() <= 255);
    if let Some((volts, hertz)) = unit.eastron {
        assert!((50.0..500.0).contains(&volts) && (44.0..66.0).contains(&hertz));
    }
    unit.texts.len() + unit.models.len() + usize::from(unit.victron.is_some() || unit.eastron.is_some())
}
