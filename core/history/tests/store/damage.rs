//! Damaged files: control starts, what can be trusted is used, the rest is set aside and told.

use std::fs::{self, OpenOptions};
use std::path::Path;

use crate::support::{Folder, PATIENCE, all_events, assert_sound, event, number_of, parts, stamp};
use ballast_history::{Error, Found, Progress, Query, Reader, Store};

/// A closed store with five events and two states, 1 and 2.
fn small(folder: &Folder) -> Vec<u8> {
    let (store, _) = folder.open();
    for number in 1..=5 {
        store.append(event(number)).unwrap();
    }
    for number in 1..=2 {
        store.save_state(parts(number), stamp(number)).unwrap().wait(PATIENCE);
    }
    assert_eq!(store.close(PATIENCE).unsaved_events, 0);
    fs::read(folder.database()).unwrap()
}

/// Where `needle` stands in `bytes`; it must stand there once.
fn only_position(bytes: &[u8], needle: &[u8]) -> usize {
    let found: Vec<usize> = bytes
        .windows(needle.len())
        .enumerate()
        .filter(|(_, part)| *part == needle)
        .map(|(at, _)| at)
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

/// The store works: an event and a state become durable and are found again.
fn assert_works(store: Store, database: &Path) {
    assert_eq!(store.append(event(100)).unwrap().wait(PATIENCE), Progress::Durable);
    assert_eq!(store.save_state(parts(100), stamp(100)).unwrap().wait(PATIENCE), Progress::Durable);
    store.close(PATIENCE);
    let reader = Reader::open(database).unwrap();
    assert_eq!(reader.integrity_findings().unwrap(), Vec::<String>::new());
    assert_eq!(reader.events(&Query { limit: 1, ..Query::default() }).unwrap()[0].event, event(100));
    assert_eq!(number_of(&reader.state().unwrap().unwrap().parts), 100);
}

#[test]
fn a_bit_flipped_in_the_state_gives_the_state_before() {
    let folder = Folder::new();
    let mut bytes = small(&folder);
    let at = only_position(&bytes, &[2; 300]);
    bytes[at + 150] ^= 0x10;
    fs::write(folder.database(), bytes).unwrap();
    let (store, opened) = folder.open();
    assert_eq!((opened.found, opened.damaged_generations), (Found::Intact, 1));
    assert_eq!(number_of(&opened.state.unwrap().parts), 1);
    let outdated = "state 2 was kept, and the newest that can be read is 1";
    assert_eq!(opened.outdated.as_deref(), Some(outdated), "it is not the one that was acknowledged last");
    // The good generation outlives the next save, the rotten one does not.
    store.save_state(parts(3), stamp(3)).unwrap().wait(PATIENCE);
    store.close(PATIENCE);
    let mut bytes = fs::read(folder.database()).unwrap();
    let at = only_position(&bytes, &[3; 300]);
    bytes[at] ^= 1;
    fs::write(folder.database(), bytes).unwrap();
    let (_store, opened) = folder.open();
    assert_eq!((number_of(&opened.state.unwrap().parts), opened.damaged_generations), (1, 1));
}

#[test]
fn a_file_that_is_no_database_is_set_aside() {
    for (what, content) in [
        ("garbage", (0..5000_u32).map(|number| (number * 37 % 251) as u8).collect()),
        ("text", b"site: village\n".to_vec()),
        ("zeros", vec![0; 8192]),
    ] {
        let folder = Folder::new();
        fs::write(folder.database(), &content).unwrap();
        let (store, opened) = folder.open();
        let Found::Damaged { set_aside, reason } = opened.found else { panic!("{what}: {:?}", opened.found) };
        assert_eq!(set_aside.file_name().unwrap(), "ballast.db.corrupt-20261122T135638Z", "{what}");
        assert_eq!(fs::read(set_aside).unwrap(), content, "{what} is kept as it was");
        assert!(!reason.is_empty() && opened.trouble.is_none() && opened.state.is_none(), "{what}");
        assert_works(store, &folder.database());
    }
}

#[test]
fn a_truncated_file_is_set_aside_and_the_rest_is_used() {
    let folder = Folder::new();
    let whole = small(&folder);
    let mut set_aside = 0;
    for pages in 0..=whole.len() / 1024 {
        let cut = Folder::new();
        for length in [pages * 1024, pages * 1024 + 500] {
            fs::write(cut.database(), &whole[..length.min(whole.len())]).unwrap();
            let (store, opened) = cut.open();
            match opened.found {
                Found::Damaged { .. } => set_aside += 1,
                Found::Empty => assert_eq!(length, 0),
                _ => assert!(length >= whole.len(), "cut at {length}"),
            }
            assert_works(store, &cut.database());
            for name in cut.files() {
                fs::remove_file(cut.path().join(name)).unwrap();
            }
        }
    }
    assert!(set_aside > 10, "{set_aside}");
}

#[test]
fn fault_21_any_flipped_byte_gives_a_true_state_or_none() {
    let original = Folder::new();
    let whole = small(&original);
    let folder = Folder::new();
    // All of the header, then every 31st byte.
    for at in (0..100).chain((100..whole.len()).step_by(31)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(folder.database(), bytes).unwrap();
        match Store::open(&folder.database(), stamp(at as u64)) {
            Err(Error::NewerVersion { .. }) => {
                assert!((60..64).contains(&at), "byte {at} is not the version")
            }
            Err(error) => panic!("byte {at}: {error}"),
            Ok((store, opened)) => {
                assert_eq!(opened.trouble, None, "byte {at}");
                if let Some(state) = opened.state {
                    assert!([1, 2].contains(&number_of(&state.parts)), "byte {at}");
                }
                store.close(PATIENCE);
            }
        }
        let read = Reader::open(&folder.database()).and_then(|reader| reader.events(&Query::default()));
        for found in read.unwrap_or_default().iter().filter(|found| found.is_intact) {
            assert_eq!(found.event, event(found.sequence), "byte {at}");
        }
        for name in folder.files() {
            fs::remove_file(folder.path().join(name)).unwrap();
        }
    }
}

#[test]
fn a_state_is_saved_from_a_file_whose_events_are_damaged() {
    let folder = Folder::new();
    let mut bytes = small(&folder);
    // The page of the events table: the one that holds a payload.
    let page = only_position(&bytes, b"{\"n\":3}") / 1024 * 1024;
    bytes[page..page + 8].fill(0xFF);
    fs::write(folder.database(), bytes).unwrap();
    let (store, opened) = folder.open();
    assert!(matches!(opened.found, Found::Damaged { .. }), "{:?}", opened.found);
    assert_eq!(number_of(&opened.state.unwrap().parts), 2);
    store.close(PATIENCE);
    // It is in the fresh file at once, for the case that nobody saves before the next power cut.
    let (_store, opened) = folder.open();
    assert_eq!(opened.found, Found::Intact);
    let state = opened.state.unwrap();
    assert_eq!((number_of(&state.parts), state.stamp), (2, stamp(2)));
}

#[test]
fn a_newer_or_foreign_file_is_told_apart() {
    let folder = Folder::new();
    let mut bytes = small(&folder);
    // `user_version` is the big-endian number at byte 60 of the header, `application_id` the one at 68.
    bytes[63] = 2;
    fs::write(folder.database(), &bytes).unwrap();
    match Store::open(&folder.database(), stamp(0)) {
        Err(error @ Error::NewerVersion { found: 2, known: 1, .. }) => {
            assert!(error.to_string().contains("newer version of Ballast"));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(Reader::open(&folder.database()), Err(Error::NewerVersion { .. })));
    assert_eq!(fs::read(folder.database()).unwrap(), bytes, "it is left untouched");

    bytes[63] = 1;
    bytes[68..72].copy_from_slice(b"NOPE");
    fs::write(folder.database(), &bytes).unwrap();
    assert!(matches!(Reader::open(&folder.database()), Err(Error::Damaged { .. })));
    let (store, opened) = folder.open();
    assert!(matches!(opened.found, Found::Damaged { .. }));
    assert_works(store, &folder.database());
}

#[test]
fn only_a_few_damaged_files_are_kept() {
    let folder = Folder::new();
    for second in 0..6 {
        fs::write(folder.database(), format!("damaged {second}")).unwrap();
        let (store, _) = Store::open(&folder.database(), stamp(second / 2 * 1000)).unwrap();
        store.close(PATIENCE);
    }
    let kept: Vec<_> = folder.files().into_iter().filter(|name| name.contains("corrupt")).collect();
    assert_eq!(kept.len(), 3, "{kept:?}");
}

#[test]
fn damage_found_while_running_moves_the_store_to_a_fresh_file() {
    let folder = Folder::new();
    let (store, _) = folder.open();
    for number in 1..=3000 {
        store.append(event(number)).unwrap();
    }
    store.save_state(parts(8), stamp(8)).unwrap();
    assert!(store.flush(PATIENCE));
    store.close(PATIENCE);
    let (store, _) = folder.open();
    let half = fs::metadata(folder.database()).unwrap().len() / 2;
    OpenOptions::new().write(true).open(folder.database()).unwrap().set_len(half).unwrap();
    let ticket = store.append(event(3001)).unwrap();
    assert!(store.flush(PATIENCE));
    assert_eq!(ticket.sequence(), Some(3001), "no number is given twice in one run");
    let health = store.close(PATIENCE);
    assert!(health.ok && health.quarantined.unwrap().exists());
    assert_eq!(health.failed_writes, 1);
    let found = all_events(&folder.database());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].sequence, &found[0].event), (3001, &event(3001)));
    assert_eq!(number_of(&folder.open().1.state.unwrap().parts), 8, "the state came along");
}

#[test]
fn a_file_that_was_removed_while_running_is_made_again() {
    let folder = Folder::new();
    let (store, _) = folder.open();
    store.append(event(1)).unwrap();
    store.save_state(parts(8), stamp(8)).unwrap();
    assert!(store.flush(PATIENCE));
    for name in folder.files() {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    let ticket = store.append(event(2)).unwrap();
    assert_eq!(ticket.wait(PATIENCE), Progress::Durable);
    assert_eq!(ticket.sequence(), Some(2));
    let health = store.close(PATIENCE);
    assert!(health.last_error.unwrap().contains("removed or replaced"));
    assert_eq!(all_events(&folder.database())[0].event, event(2));
    assert_eq!(number_of(&folder.open().1.state.unwrap().parts), 8);
}

#[test]
fn another_file_in_its_place_is_continued_not_overwritten() {
    let (folder, other) = (Folder::new(), Folder::new());
    small(&other);
    let (store, _) = folder.open();
    store.append(event(50)).unwrap().wait(PATIENCE);
    fs::rename(other.database(), folder.database()).unwrap();
    let _ = fs::remove_file(folder.path().join("ballast.db-wal"));
    let _ = fs::remove_file(folder.path().join("ballast.db-shm"));
    assert_eq!(store.append(event(6)).unwrap().wait(PATIENCE), Progress::Durable);
    store.close(PATIENCE);
    let stored = assert_sound(&folder.database());
    assert!(stored.iter().zip(1..).all(|(row, number)| row.event == event(number)), "{stored:?}");
    assert_eq!(stored.len(), 6);
}

/// What a killed program leaves: state 1 in the file, states 2 to 4 in the log, with an event between.
fn killed() -> Folder {
    let (folder, left) = (Folder::new(), Folder::new());
    let (store, _) = folder.open();
    store.save_state(parts(1), stamp(1)).unwrap().wait(PATIENCE);
    store.close(PATIENCE);
    let (store, _) = folder.open();
    for number in 2..=4 {
        store.append(event(number)).unwrap();
        let saved = store.save_state(parts(number), stamp(number)).unwrap();
        assert_eq!(saved.wait(PATIENCE), Progress::Durable);
    }
    for name in folder.files().iter().filter(|name| !name.ends_with("-shm")) {
        fs::copy(folder.path().join(name), left.path().join(name)).unwrap();
    }
    store.close(PATIENCE);
    left
}

/// Copies a folder, with other bytes in its log.
fn with_log(original: &Folder, log: &[u8]) -> Folder {
    let folder = Folder::new();
    for name in original.files() {
        fs::copy(original.path().join(&name), folder.path().join(&name)).unwrap();
    }
    fs::write(folder.path().join("ballast.db-wal"), log).unwrap();
    folder
}

#[test]
fn a_damaged_log_is_never_silently_an_older_state_or_none() {
    let original = killed();
    let log = fs::read(original.path().join("ballast.db-wal")).unwrap();
    assert_eq!(number_of(&with_log(&original, &log).open().1.state.unwrap().parts), 4);
    let garbage: Vec<u8> = (0..20_000_u32).map(|number| (number * 37 % 251) as u8).collect();
    let mut cases = vec![("garbage".to_owned(), garbage), ("no log".to_owned(), Vec::new())];
    // All of the log's header and of its first frame's, then some of the rest.
    for at in (0..56).chain((56..log.len()).step_by(97)) {
        let mut bytes = log.clone();
        bytes[at] ^= 1 << (at % 8);
        cases.push((format!("byte {at}"), bytes));
    }
    let mut found_out = 0;
    for (what, bytes) in cases {
        let folder = with_log(&original, &bytes);
        let (store, opened) = folder.open();
        let held = opened.state.as_ref().map_or(0, |state| number_of(&state.parts));
        assert_eq!(opened.outdated.is_some(), held != 4, "{what}: {held}, {:?}", opened.outdated);
        found_out += u32::from(held != 4);
        store.close(PATIENCE);
        // Until somebody saves again it stays so.
        assert_eq!(folder.open().1.outdated.is_some(), held != 4, "{what}");
    }
    assert!(found_out > 40, "{found_out}");
}

#[test]
fn after_an_older_state_the_next_one_counts_on_and_is_the_newest() {
    let original = killed();
    let folder = with_log(&original, b"");
    let (store, opened) = folder.open();
    assert_eq!(opened.state.unwrap().generation, 1);
    assert_eq!(store.save_state(parts(9), stamp(9)).unwrap().wait(PATIENCE), Progress::Durable);
    store.close(PATIENCE);
    let (_store, opened) = folder.open();
    let state = opened.state.unwrap();
    assert_eq!((state.generation, number_of(&state.parts), opened.outdated), (5, 9, None));
}

#[test]
fn a_database_that_was_removed_is_no_first_start_and_a_removed_folder_is() {
    let folder = Folder::new();
    small(&folder);
    fs::remove_file(folder.database()).unwrap();
    let (store, opened) = folder.open();
    assert_eq!((opened.found, opened.state), (Found::Absent, None));
    assert_eq!(opened.outdated.as_deref(), Some("state 2 was kept, and the database is gone"));
    assert_works(store, &folder.database());
    assert_eq!(folder.open().1.outdated, None);
    for name in folder.files() {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    assert_eq!(folder.open().1.outdated, None);
}

#[test]
fn a_damaged_note_of_the_newest_state_is_told() {
    let folder = Folder::new();
    small(&folder);
    let note = folder.path().join("ballast.db-newest");
    fs::write(&note, vec![0x5A; 8192]).unwrap();
    let (_store, opened) = folder.open();
    assert_eq!(opened.outdated.as_deref(), Some("what was noted of the newest state is damaged"));
    assert_eq!(number_of(&opened.state.unwrap().parts), 2);
    // A file of before there was such a note is taken as it is.
    let older = Folder::new();
    small(&older);
    fs::remove_file(older.path().join("ballast.db-newest")).unwrap();
    assert_eq!(older.open().1.outdated, None);
}

#[test]
fn only_its_owner_reads_what_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let (store, _) = folder.open();
    store.save_state(parts(1), stamp(1)).unwrap().wait(PATIENCE);
    for name in folder.files() {
        let mode = fs::metadata(folder.path().join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(folder.files().len() > 2, "the log is there: {:?}", folder.files());
}
