//! Every file of `corpus/` goes through the decoder: hand-made streams, and whatever fuzzing finds later. None may panic, and
//! the events agree with the counters; for the hand-made ones the outcome is fixed too.

mod any;

use std::path::PathBuf;
use tic_decoder::Decoder;

/// File, good groups, damaged groups, complete frames.
const OUTCOMES: &[(&str, u64, u64, u64)] = &[
    ("degraded_clock", 4, 0, 1),
    ("ejp_short_frames", 17, 0, 4),
    ("empty", 0, 0, 0),
    ("end_of_text", 12, 1, 1),
    ("exactly_the_maximum", 1, 1, 0),
    ("flipped_bits", 15, 5, 1),
    ("historical_parity", 22, 0, 2),
    ("historical_stripped", 22, 0, 2),
    ("mode_change", 62, 4, 5),
    ("no_carriage_return", 20, 0, 2),
    ("no_end_of_frame", 33, 0, 0),
    ("only_controls", 0, 59, 0),
    ("oversize", 1, 1, 0),
    ("standard_parity", 20, 0, 2),
    ("standard_stripped", 20, 0, 2),
    ("tempo_historical", 9, 0, 1),
    ("truncated_everywhere", 144, 19, 2),
    ("wrong_speed", 0, 13, 0),
];

fn files() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, std::fs::read(entry.path()).ok()?)))
        .collect();
    files.sort();
    files
}

#[test]
fn every_file_is_decoded_under_every_setting() {
    for (name, bytes) in files() {
        any::check(&name, &bytes);
    }
}

#[test]
fn hand_made_files_give_what_they_were_made_for() {
    let files = files();
    for &(name, good, damaged, complete) in OUTCOMES {
        let bytes = files.iter().find(|(found, _)| found == name).map(|(_, bytes)| bytes);
        let mut decoder = Decoder::default();
        decoder.decode(bytes.unwrap_or_else(|| panic!("{name} is missing")), |_| {});
        let counters = decoder.counters();
        let found = (counters.groups_good(), counters.groups_damaged(), counters.frames_complete());
        assert_eq!(found, (good, damaged, complete), "{name}");
    }
}
