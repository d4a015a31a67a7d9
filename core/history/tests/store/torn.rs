//! A power cut may leave the log at any length: what was acknowledged before that length was reached is there.

use crate::support::{Folder, PATIENCE, assert_sound, event, number_of, parts, stamp};
use ballast_history::Found;

#[test]
fn fault_20_a_log_cut_at_any_byte_keeps_what_was_acknowledged_by_then() {
    let folder = Folder::new();
    let (store, _) = folder.open();
    let log = folder.path().join("ballast.db-wal");
    // Length of the log, events and state acknowledged by then.
    let mut marks = vec![(0, 0, 0)];
    for number in 1..=12 {
        assert!(store.append(event(number)).is_ok() && store.flush(PATIENCE));
        marks.push((std::fs::metadata(&log).unwrap().len(), number, number - 1));
        assert!(store.save_state(parts(number), stamp(number)).is_ok() && store.flush(PATIENCE));
        marks.push((std::fs::metadata(&log).unwrap().len(), number, number));
    }
    let (file, log) = (std::fs::read(folder.database()).unwrap(), std::fs::read(&log).unwrap());
    drop(store);

    let mut lengths: Vec<u64> = (0..log.len() as u64).step_by(2311).collect();
    lengths.extend(marks.iter().flat_map(|(length, _, _)| [length.saturating_sub(1), *length]));
    for length in lengths {
        let cut = Folder::new();
        std::fs::write(cut.database(), &file).unwrap();
        std::fs::write(cut.path().join("ballast.db-wal"), &log[..length as usize]).unwrap();
        let (_, events, state) = marks.iter().rfind(|(reached, _, _)| *reached <= length).unwrap();
        let (store, opened) = cut.open();
        if length == 0 {
            // The tables themselves were still in the log.
            assert!(matches!(opened.found, Found::Intact), "{:?}", opened.found);
        }
        assert_eq!(opened.trouble, None, "cut at {length}");
        assert_eq!(opened.damaged_generations, 0, "cut at {length}");
        let found = opened.state.map_or(0, |state| number_of(&state.parts));
        assert!(
            found == *state || found == state + 1,
            "cut at {length}: state {found}, {state} acknowledged"
        );
        store.close(PATIENCE);
        let stored = assert_sound(&cut.database());
        assert!(stored.len() >= *events as usize, "cut at {length}: {} of {events}", stored.len());
        assert!(stored.iter().zip(1..).all(|(row, number)| row.event == event(number)));
    }
}
