//! Streams of a meter, made from recorded ones by replacing groups.

use tic_decoder::encode::{Bit7, Writer};
use tic_decoder::{Decoder, Event, Mode};

/// A group as it was recorded: label, horodate, value.
pub type Group = (String, Option<String>, String);

/// The groups of the complete frames of a recording, and its mode.
pub fn frames(recorded: &[u8]) -> (Mode, Vec<Vec<Group>>) {
    let (mut mode, mut frames, mut open): (Option<Mode>, Vec<Vec<Group>>, Vec<Group>) = Default::default();
    let mut decoder = Decoder::default();
    decoder.decode(recorded, |event| match event {
        Event::FrameStart => open.clear(),
        Event::Group(group) => {
            mode = Some(group.mode);
            open.push((group.label.to_owned(), group.horodate.map(str::to_owned), group.value.to_owned()));
        }
        Event::FrameEnd { complete: true } => frames.push(std::mem::take(&mut open)),
        _ => {}
    });
    (mode.expect("a recording has good groups"), frames)
}

/// A frame with other values, its checksums made anew, parity in bit 7 as a pseudo-terminal passes it.
pub fn frame(mode: Mode, groups: &[Group], replaced: &[(&str, &str)]) -> Vec<u8> {
    for (label, _) in replaced {
        assert!(groups.iter().any(|(known, ..)| known == label), "the recording has no group {label}");
    }
    let mut buffer = vec![0u8; 4096];
    let mut writer = Writer::new(&mut buffer, mode, Bit7::Parity);
    writer.start_frame().expect("room");
    for (label, horodate, value) in groups {
        let value =
            replaced.iter().find(|(known, _)| known == label).map_or(value.as_str(), |(_, value)| value);
        writer.group(label, horodate.as_deref(), value).expect("room");
    }
    writer.end_frame().expect("room");
    writer.written().to_vec()
}
