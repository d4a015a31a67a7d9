//! A journal comes back as it was written, or says what it lacks.

use super::super::ring::{Limits, Ring};
use super::*;
use ballast_model::Utc;
use proptest::prelude::*;

type Records = Vec<(u64, u8, Vec<u8>)>;

/// A directory of its own, which is taken away at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ballast-journal-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn header() -> Header {
    let written = Wall { at: Mono::from_millis(5), utc: Utc::from_millis(1_700_000_000_000), trusted: true };
    Header { site: "village".into(), program: "0.1.0".into(), reason: "command".into(), written }
}

fn plan(text: u8) -> Arc<Plan> {
    Arc::new(Plan {
        texts: vec![("site.yaml".into(), vec![text; 3].into()), ("rules/a.rhai".into(), vec![].into())],
    })
}

fn ring(segments: &[(u8, Vec<u8>, Records)]) -> Ring {
    let mut ring = Ring::new(Limits::DEFAULT);
    for (text, checkpoint, records) in segments {
        ring.begin(Mono::from_millis(7), &plan(*text), checkpoint.clone());
        for (at, kind, bytes) in records {
            ring.append(Mono::from_nanos(*at), *kind, bytes);
        }
    }
    ring
}

fn bytes(ring: &Ring) -> Vec<u8> {
    let mut out = Vec::new();
    ring.freeze().write(&header(), &mut out).unwrap();
    out
}

fn parse(bytes: &[u8]) -> Result<Journal, JournalError> {
    Reader { path: Path::new("a.journal"), rest: bytes }.journal()
}

fn content(journal: &Journal) -> Vec<(u8, Vec<u8>, Records)> {
    let segment = |segment: &Segment| {
        let text = segment.plan().texts[0].1[0];
        let records = segment.records().map(|r| (r.at.nanos(), r.kind, r.bytes.to_vec())).collect();
        (text, segment.checkpoint().to_vec(), records)
    };
    journal.segments.iter().map(segment).collect()
}

/// Whether `found` is the beginning of `written`: whole segments, then at most one with its first records.
fn is_beginning(found: &[(u8, Vec<u8>, Records)], written: &[(u8, Vec<u8>, Records)]) -> bool {
    found.len() <= written.len()
        && found.iter().zip(written).enumerate().all(|(index, (found_one, one))| {
            let is_last = index + 1 == found.len();
            found_one.0 == one.0
                && found_one.1 == one.1
                && if is_last { one.2.starts_with(&found_one.2) } else { one.2 == found_one.2 }
        })
}

fn segments() -> impl Strategy<Value = Vec<(u8, Vec<u8>, Records)>> {
    let content = || prop::collection::vec(any::<u8>(), 0..40);
    let record = (any::<u64>(), any::<u8>(), content());
    prop::collection::vec((0u8..3, content(), prop::collection::vec(record, 0..6)), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_dumped_is_read(written in segments()) {
        let journal = parse(&bytes(&ring(&written))).unwrap();
        prop_assert_eq!(content(&journal), written);
        prop_assert_eq!((journal.header, journal.cut), (header(), None));
    }

    #[test]
    fn a_file_cut_anywhere_yields_its_beginning_and_says_so(written in segments()) {
        let whole = bytes(&ring(&written));
        for end in 0..whole.len() {
            match parse(&whole[..end]) {
                Ok(journal) => {
                    let found = content(&journal);
                    prop_assert!(is_beginning(&found, &written), "{end}: {found:?}");
                    let cut = journal.cut.expect("a cut file was taken for a whole one");
                    prop_assert_eq!(cut.segments as usize, found.len());
                    prop_assert!(!cut.to_string().is_empty());
                }
                Err(error) => prop_assert!(
                    matches!(error, JournalError::HeaderCut { .. }) || end == 0,
                    "{end}: {error}"
                ),
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_found_and_a_cut_on_top_breaks_nothing(written in segments(), seed: u64) {
        let whole = bytes(&ring(&written));
        for index in 0..whole.len() {
            let mut bad = whole.clone();
            bad[index] ^= 1 << ((seed >> (index % 56)) & 7);
            prop_assert!(parse(&bad).is_err_and(|error| error.to_string().contains("a.journal")), "byte {index}");
            // The outcome is open here: what is cut off has no checksum.
            let _ = parse(&bad[..index + (whole.len() - index) / 2]);
        }
    }

    #[test]
    fn garbage_is_refused(garbage in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(parse(&garbage).is_err());
        prop_assert!(parse(&[MAGIC.as_slice(), &garbage].concat()).is_err());
    }
}

#[test]
fn a_cut_segment_gives_its_whole_records() {
    let records: Records = (0..10).map(|n| (n, 1, vec![n as u8; 20])).collect();
    let whole = bytes(&ring(&[(1, vec![9; 30], vec![]), (2, vec![8; 30], records.clone())]));
    // Four bytes of checksum, and two records and a half of 23 bytes.
    let journal = parse(&whole[..whole.len() - 4 - 57]).unwrap();
    assert_eq!(content(&journal)[1].2, records[..7]);
    assert_eq!(journal.cut, Some(Cut { segments: 2, segments_written: 2, records: Some((7, 10)) }));
    assert_eq!(
        journal.cut.unwrap().to_string(),
        "the file ends early: 2 of 2 segments are used, of the last one 7 of 10 records (their checksum is missing)"
    );
}

#[test]
fn segments_share_the_texts_that_they_share() {
    let one = bytes(&ring(&[(1, vec![], vec![]), (1, vec![], vec![]), (2, vec![], vec![])]));
    let journal = parse(&one).unwrap();
    assert!(Arc::ptr_eq(journal.segments[0].plan(), journal.segments[1].plan()));
    assert_ne!(journal.segments[0].plan(), journal.segments[2].plan());
    assert_eq!(journal.segments[0].started(), Mono::from_millis(7));
}

#[test]
fn what_was_lost_is_told() {
    let mut full = Ring::new(Limits { segment_bytes: 50, ..Limits::DEFAULT });
    full.begin(Mono::ZERO, &plan(1), vec![]);
    (0..10).for_each(|_| full.append(Mono::ZERO, 0, &[0; 27]));
    let journal = parse(&bytes(&full)).unwrap();
    assert_eq!((journal.segments[0].records().count(), journal.segments[0].lost()), (2, 8));
}

#[test]
fn a_file_is_there_whole_or_not_at_all() {
    let folder = Folder::new("whole");
    let path = folder.0.join("alarm.journal");
    let first = ring(&[(1, vec![1; 8], vec![(5, 6, b"seven".to_vec())])]);
    first.freeze().dump(&header(), &path).unwrap();
    assert_eq!(folder.names(), ["alarm.journal"]);
    let journal = read(&path).unwrap();
    assert_eq!(content(&journal), [(1, vec![1; 8], vec![(5, 6, b"seven".to_vec())])]);

    // A directory by that name cannot be replaced: the error names it, and nothing half done stays.
    let taken = folder.0.join("taken");
    fs::create_dir_all(taken.join("inside")).unwrap();
    let error = first.freeze().dump(&header(), &taken).unwrap_err().to_string();
    assert!(error.contains("taken"), "{error}");
    let mut names = folder.names();
    names.sort();
    assert_eq!(names, ["alarm.journal", "taken"]);

    // A second dump replaces the first.
    ring(&[]).freeze().dump(&header(), &path).unwrap();
    assert_eq!(read(&path).unwrap().segments, []);
}

#[test]
fn a_journal_in_pieces_is_the_file() {
    let ring = ring(&[(1, vec![1; 8], vec![(5, 6, b"seven".to_vec())]), (9, vec![2; 8], vec![])]);
    let frozen = Frozen { header: header(), tape: ring.freeze() };
    let pieces: Vec<Vec<u8>> = (0..).map_while(|index| frozen.piece(index).unwrap()).collect();
    assert_eq!(pieces.len(), 3);
    assert_eq!(pieces.concat(), bytes(&ring));
    let sent = pieces.concat();
    let journal = receive(sent.as_slice(), Path::new("socket")).unwrap();
    assert_eq!(content(&journal), content(&parse(&sent).unwrap()));
    // A talk that breaks off is told.
    let cut = receive(&sent[..sent.len() - 3], Path::new("socket")).unwrap();
    assert!(cut.cut.is_some());
}

#[test]
fn says_what_is_wrong_with_a_file() {
    let folder = Folder::new("wrong");
    let whole = bytes(&ring(&[(1, vec![1; 8], vec![(5, 6, b"seven".to_vec())])]));
    let with = |at: usize, byte: u8| {
        let mut bad = whole.clone();
        bad[at] = byte;
        bad
    };
    let cases = [
        (b"site: village\n".to_vec(), "is not a journal"),
        (vec![], "is not a journal"),
        (whole[..12].to_vec(), "ends within its header"),
        (with(8, 9), "has journal format 9, this program knows format 1"),
        (with(30, 0xFF), "damaged in its header"),
        (with(whole.len() - 6, 0xFF), "damaged in segment 1 of 1: the checksum of its records is wrong"),
        ([whole.as_slice(), b"x"].concat(), "goes on after its last segment"),
    ];
    let path = folder.0.join("bad.journal");
    for (bytes, expected) in cases {
        fs::write(&path, bytes).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("bad.journal") && error.contains(expected), "{error}");
    }
    let error = read(&folder.0.join("absent.journal")).unwrap_err().to_string();
    assert!(error.contains("absent.journal"), "{error}");
    // A huge file is not read at all.
    File::create(&path).unwrap().set_len(FILE_BYTES_MAX + 1).unwrap();
    assert!(matches!(read(&path), Err(JournalError::TooLong { .. })));
}
