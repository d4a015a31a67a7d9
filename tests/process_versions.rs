//! What another version of the program wrote is refused by its number, and both numbers are told: the state with which a
//! journal begins, and the program that wrote one which does not come out the same.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use ballast::journal::{Header, Journal, Limits, Ring, read};
use ballast::runtime::saving::{Checkpoint, Scribe, kind};
use common::Scratch;
use common::program::{Program, ballast};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

/// The village runs for a moment and its journal is written.
fn journal(site: &Scratch) -> PathBuf {
    let file = site.0.join("own.journal");
    let program = Program::run(&site.0, &[]);
    program.wait_point("grid.mode", "island");
    std::thread::sleep(Duration::from_millis(500));
    program.tell(&["journal", "--output", file.to_str().unwrap()]);
    file
}

/// The same journal by another program, with checkpoints and records that were changed.
fn write(
    journal: &Journal,
    program: &str,
    path: &Path,
    checkpoint: impl Fn(&[u8]) -> Vec<u8>,
    record: impl Fn(u8, &[u8]) -> Vec<u8>,
) {
    let mut ring = Ring::new(Limits::DEFAULT);
    for segment in &journal.segments {
        ring.begin(segment.started(), segment.plan(), checkpoint(segment.checkpoint()));
        for one in segment.records() {
            ring.append(one.at, one.kind, &record(one.kind, one.bytes));
        }
    }
    let header = Header { program: program.to_owned(), ..journal.header.clone() };
    ring.freeze().dump(&header, path).unwrap();
}

fn replay(path: &Path) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        ballast().args(["replay", path.to_str().unwrap(), "--language", "en"]).output().unwrap();
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn same(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

fn same_record(_: u8, bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// A checkpoint whose engine has the next version: that is its first number, and below 128 a byte of its own.
fn of_next_engine(packed: &[u8]) -> Vec<u8> {
    let mut bytes = lz4_flex::block::decompress_size_prepended(packed).unwrap();
    assert_eq!(u32::from(bytes[0]), ballast_engine::STATE_VERSION);
    bytes[0] += 1;
    // What follows may be anything in a version that nobody knows yet.
    bytes.truncate(40);
    lz4_flex::block::compress_prepend_size(&bytes)
}

fn of_next_guard(packed: &[u8]) -> Vec<u8> {
    let mut checkpoint = Checkpoint::unpack(packed).unwrap();
    checkpoint.guard.version += 1;
    checkpoint.pack(&mut Scribe::default()).unwrap()
}

#[test]
fn a_journal_of_another_version_is_refused_by_its_numbers() {
    let site = Scratch::with_example("versions", "village");
    let file = journal(&site);
    let own = read(&file).unwrap();
    let (version, other) = (env!("CARGO_PKG_VERSION"), site.0.join("other.journal"));
    let written = format!(
        "it was written by Ballast 9.8.7, and this is Ballast {version}: replay it with the one that wrote it"
    );

    // Another program that wrote what this one would have is no reason to say anything.
    write(&own, "9.8.7", &other, same, same_record);
    let (code, text) = replay(&other);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("every output the same") && !text.contains("9.8.7"), "{text}");

    let (engine, guard) = (ballast_engine::STATE_VERSION, ballast_guard::STATE_VERSION);
    let refused = |machine: &str, found: u32, known: u32| {
        format!(
            "it has a state of the {machine} of version {found}, and this program reads version {known}: \
             use the Ballast that wrote it"
        )
    };
    write(&own, "9.8.7", &other, of_next_engine, same_record);
    let (code, text) = replay(&other);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&refused("engine", engine + 1, engine)) && text.contains(&written), "{text}");

    write(&own, "9.8.7", &other, of_next_guard, same_record);
    let (code, text) = replay(&other);
    assert_eq!(code, Some(1), "{text}");
    let (next, known) = (u32::from(guard) + 1, u32::from(guard));
    assert!(text.contains(&refused("guard", next, known)) && text.contains(&written), "{text}");

    // What differs may be the program alone: who reads it is told, unless it was this very version.
    let turned = |of: u8, bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        if of == kind::ENGINE_OUT {
            bytes[0] ^= 1;
        }
        bytes
    };
    for (program, is_told) in [("9.8.7", true), (version, false)] {
        write(&own, program, &other, same, turned);
        let (code, text) = replay(&other);
        assert_eq!(code, Some(4), "{text}");
        assert!(text.contains("differs:") && text.contains(&written) == is_told, "{text}");
    }
}
