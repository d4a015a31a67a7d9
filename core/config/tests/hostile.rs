//! Texts that want to break the reader: a corpus that is replayed, and random ones.
//!
//! A text that once broke it is added to `corpus/`. Each is given to every role that it could play: site, safety file and
//! device file.

use std::path::{Path, PathBuf};

use ballast_config::diagnostics::Diagnostics;
use ballast_config::expr::{parse_comparison, parse_condition, parse_value};
use ballast_config::limits;
use ballast_config::load::{File, Files, load};
use ballast_config::render::{Style, flatten, render};
use ballast_config::site::DriverFacts;
use ballast_config::sources::Sources;
use ballast_guard::plan::Strength;
use proptest::prelude::*;

const DRIVERS: &[DriverFacts] = &[
    DriverFacts {
        name: "mqtt",
        is_network: true,
        strength: Strength::Soft,
        exclusive_key: None,
        is_experimental: false,
        carries_messages: true,
        reads_every: None,
    },
    DriverFacts {
        name: "sim",
        is_network: false,
        strength: Strength::Soft,
        exclusive_key: None,
        is_experimental: false,
        carries_messages: false,
        reads_every: None,
    },
    DriverFacts {
        name: "tic",
        is_network: false,
        strength: Strength::Soft,
        exclusive_key: None,
        is_experimental: false,
        carries_messages: false,
        reads_every: None,
    },
];

const SITE: &str = include_str!("../../../examples/village/site.yaml");
const SAFETY: &str = include_str!("../../../examples/village/safety.yaml");
const GENSET: &str = include_str!("../../../config/devices/sim-genset.yaml");
const LOAD: &str = include_str!("../../../config/devices/sim-load.yaml");
const STORAGE: &str = include_str!("../../../config/devices/sim-storage.yaml");

/// Reads a set of files and shows all that was found. Returns whether a site came out, and how much was found.
fn read(site: &[u8], safety: &[u8], genset: &[u8]) -> (bool, usize) {
    let mut out = Diagnostics::new();
    let mut sources = Sources::new();
    let devices = vec![
        ("sim-genset.yaml", File::Bytes(genset)),
        ("sim-load.yaml", File::Bytes(LOAD.as_bytes())),
        ("sim-storage.yaml", File::Bytes(STORAGE.as_bytes())),
    ];
    let files = Files { site: File::Bytes(site), safety: File::Bytes(safety), devices };
    let site = load(&files, DRIVERS, &mut sources, &mut out);
    out.sort();
    assert_eq!(site.is_none(), out.has_mistakes(), "a site comes out exactly when there is no mistake");
    let drawn = render(&out, &sources, Style::Plain);
    assert!(!drawn.contains('\u{1b}'), "an escape sequence reached the terminal");
    for (flat, found) in flatten(&out, &sources).iter().zip(&out) {
        assert!(flat.place.line >= 1 && flat.place.column >= 1);
        assert!(
            !found.message.is_empty() && ballast_config::codes::explain(found.code).is_some(),
            "{}",
            found.code
        );
    }
    (site.is_some(), out.iter().count())
}

fn read_in_every_role(bytes: &[u8]) {
    read(bytes, SAFETY.as_bytes(), GENSET.as_bytes());
    read(SITE.as_bytes(), bytes, GENSET.as_bytes());
    read(SITE.as_bytes(), SAFETY.as_bytes(), bytes);
}

#[test]
fn the_village_itself_is_read() {
    assert_eq!(read(SITE.as_bytes(), SAFETY.as_bytes(), GENSET.as_bytes()), (true, 0));
}

#[test]
fn the_corpus_of_files_is_survived() {
    let files = corpus("yaml");
    assert!(files.len() >= 30, "the corpus is not where it was");
    for (name, bytes) in files {
        let (is_site, _) = read(&bytes, SAFETY.as_bytes(), GENSET.as_bytes());
        assert!(!is_site, "{name} was taken for a site");
        read_in_every_role(&bytes);
    }
}

#[test]
fn the_corpus_of_conditions_is_survived() {
    let files = corpus("conditions");
    assert!(files.len() >= 15, "the corpus is not where it was");
    for (_, bytes) in files {
        let text = String::from_utf8_lossy(&bytes);
        _ = parse_condition(&text);
        _ = parse_value(&text);
        _ = parse_comparison(&text);
    }
}

/// A file that is still being written is refused, or happens to be a whole one; it never half counts.
#[test]
fn a_file_cut_at_any_byte_is_refused_or_whole() {
    let site = "site: a\ntime_zone: UTC\nbuses: { b: { driver: mqtt } }\ndevices:\n  r: { bus: b, points: { v: { unit: V, \
                max_age: 5 s } }, outputs: { c: { kind: contact } } }\n";
    let safety = "outputs:\n  r: { safe: open, min_closed: 60 s }\nlimits:\n  - name: full\n    when: r.v > 14.4 V for 2 s\n    \
                  until: r.v < 13 V\n    force: [ { r: open } ]\n";
    for (text, is_site) in [(site, true), (safety, false)] {
        for end in 0..=text.len() {
            let cut = &text.as_bytes()[..end];
            let (site, safety) = if is_site { (cut, safety.as_bytes()) } else { (site.as_bytes(), cut) };
            let files = Files { site: File::Bytes(site), safety: File::Bytes(safety), devices: Vec::new() };
            let mut out = Diagnostics::new();
            let read = load(&files, DRIVERS, &mut Sources::new(), &mut out);
            assert_eq!(read.is_none(), out.has_mistakes());
            assert!(read.is_some() || end < text.trim_end().len(), "the whole file was refused: {out:?}");
        }
    }
}

#[test]
fn thousands_of_outputs_are_read() {
    let count = 4_000;
    let mut site = String::from("site: big\ntime_zone: UTC\nbuses: { b: { driver: mqtt } }\ndevices:\n");
    let mut safety = String::from("outputs:\n");
    let mut members = String::new();
    for index in 0..count {
        site.push_str(&format!(
            "  r{index}: {{ bus: b, rated: 1 kW, outputs: {{ c: {{ kind: contact }} }} }}\n"
        ));
        safety.push_str(&format!("  r{index}: {{ safe: open }}\n"));
        members.push_str(&format!("r{index}, "));
    }
    site.push_str(&format!("groups: {{ all: {{ members: [{}] }} }}\n", members.trim_end_matches(", ")));
    assert!((site.len() as u64) < limits::FILE_BYTES_MAX);
    let files = Files {
        site: File::Bytes(site.as_bytes()),
        safety: File::Bytes(safety.as_bytes()),
        devices: Vec::new(),
    };
    let mut out = Diagnostics::new();
    let read = load(&files, DRIVERS, &mut Sources::new(), &mut out);
    assert_eq!(read.map(|site| site.safety.envelopes.len()), Some(count));
}

/// Looking for a similar name costs the number of names, so it is not done for each of thousands.
#[test]
fn thousands_of_unknown_names_are_told_quickly() {
    let mut site = String::from("site: big\ntime_zone: UTC\nbuses: { b: { driver: mqtt } }\ndevices:\n");
    let mut safety = String::from("outputs:\n");
    for index in 0..3_000 {
        site.push_str(&format!("  relay_{index}: {{ bus: b, outputs: {{ c: {{ kind: contact }} }} }}\n"));
        safety.push_str(&format!("  rilay_{index}: {{ safe: open }}\n"));
    }
    let files = Files {
        site: File::Bytes(site.as_bytes()),
        safety: File::Bytes(safety.as_bytes()),
        devices: Vec::new(),
    };
    let mut out = Diagnostics::new();
    assert!(load(&files, DRIVERS, &mut Sources::new(), &mut out).is_none());
    assert_eq!(out.mistakes(), 3_000);
    let is_guessed = |help: &str| help.starts_with("did you mean");
    let guessed = out.iter().filter(|found| found.help.as_deref().is_some_and(is_guessed)).count();
    assert_eq!(guessed, limits::SUGGESTIONS_MAX);
    assert!(out.iter().all(|found| found.help.is_some()), "the others say where to look");
}

fn corpus(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).ok()?))
        })
        .collect();
    files.sort();
    files
}

/// A change to a good file: bytes cut out, doubled, exchanged or put in.
fn damage() -> impl Strategy<Value = Vec<(usize, u8, &'static str)>> {
    let pieces = prop::sample::select(vec![
        "", ":", "\n", "  ", "- ", "{", "}", "[", "]", "\"", "'", "#", "&a ", "*a", "!x ", "\t", "50 %",
        ".inf", "1e999", "safe", "closed", "\u{0}", "é", "---\n", "for 2 s", " and ", "(", "..", "${x}", "~",
        "5", "kW",
    ]);
    prop::collection::vec((0..20_000_usize, 0..4_u8, pieces), 1..6)
}

fn damaged(text: &str, changes: &[(usize, u8, &str)]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (at, kind, piece) in changes {
        let at = at % (bytes.len() + 1);
        let end = (at + 1 + piece.len() * 3).min(bytes.len());
        match kind {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, piece.bytes())),
            2 => drop(bytes.splice(at..end, piece.bytes())),
            _ => {
                let copy = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, copy));
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn damaged_sites_are_survived(changes in damage()) {
        read(&damaged(SITE, &changes), SAFETY.as_bytes(), GENSET.as_bytes());
    }

    #[test]
    fn damaged_safety_files_are_survived(changes in damage()) {
        read(SITE.as_bytes(), &damaged(SAFETY, &changes), GENSET.as_bytes());
    }

    #[test]
    fn damaged_device_files_are_survived(changes in damage()) {
        read(SITE.as_bytes(), SAFETY.as_bytes(), &damaged(GENSET, &changes));
    }

    #[test]
    fn random_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_in_every_role(&bytes);
    }
}
