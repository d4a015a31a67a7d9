//! The ordinary course: write, acknowledge, close, open again.

use crate::support::{Folder, PATIENCE, all_events, assert_sound, event, number_of, parts, stamp};
use ballast_history::{Error, Found, Progress, Query, Reader, Retention, Store};
use ballast_model::time::{Gap, Span};

#[test]
fn what_was_acknowledged_is_there_after_opening_again() {
    let folder = Folder::new();
    let (store, opened) = folder.open();
    assert_eq!((opened.found, opened.state, opened.trouble), (Found::Absent, None, None));
    for number in 1..=20 {
        let ticket = store.append(event(number)).unwrap();
        assert_eq!(ticket.wait(PATIENCE), Progress::Durable);
        assert_eq!(ticket.sequence(), Some(number));
    }
    let saved = store.save_state(parts(7), stamp(500)).unwrap();
    assert_eq!((saved.wait(PATIENCE), saved.sequence()), (Progress::Durable, None));
    let health = store.close(PATIENCE);
    assert!(health.ok);
    assert_eq!((health.written_events, health.written_states, health.unsaved_events), (20, 1, 0));
    assert_eq!(folder.files(), ["ballast.db", "ballast.db-newest"], "a closed store leaves no log");

    let (store, opened) = folder.open();
    assert_eq!(opened.found, Found::Intact);
    let state = opened.state.unwrap();
    assert_eq!((number_of(&state.parts), state.generation), (7, 1));
    assert_eq!(state.gap(&stamp(2_000)), Gap::SameBoot(Span::from_millis(1_500)));
    assert_eq!(state.part("engine").unwrap().version, 1);
    assert_eq!(state.part("plan"), None);
    let next = store.append(event(21)).unwrap();
    next.wait(PATIENCE);
    assert_eq!(next.sequence(), Some(21), "numbers go on where they were");
    let events = assert_sound(&folder.database());
    assert!(events.iter().zip(1..).all(|(found, number)| found.event == event(number)));
}

#[test]
fn a_burst_is_written_in_order() {
    let folder = Folder::new();
    let (store, _) = folder.open();
    for number in 1..=3000 {
        store.append(event(number)).unwrap();
    }
    assert!(store.flush(PATIENCE));
    let events = assert_sound(&folder.database());
    assert_eq!(events.len(), 3000);
    assert!(events.iter().zip(1..).all(|(found, number)| found.event == event(number)));
}

#[test]
fn of_many_states_the_newest_stays_and_all_are_acknowledged() {
    let folder = Folder::new();
    let (store, _) = folder.open();
    let tickets: Vec<_> =
        (1..=200).map(|number| store.save_state(parts(number), stamp(number)).unwrap()).collect();
    assert!(tickets.iter().all(|ticket| ticket.wait(PATIENCE) == Progress::Durable));
    let health = store.close(PATIENCE);
    assert_eq!(health.written_states + health.coalesced_states, 200);
    let state = folder.open().1.state.unwrap();
    assert_eq!((number_of(&state.parts), state.stamp), (200, stamp(200)));
}

#[test]
fn readers_look_in_while_the_writer_writes() {
    let folder = Folder::new();
    let (store, _) = folder.open();
    let reader = store.reader().unwrap();
    assert_eq!(reader.newest_sequence().unwrap(), 0);
    for number in 1..=50 {
        store.append(event(number)).unwrap().wait(PATIENCE);
        assert_eq!(reader.newest_sequence().unwrap(), number);
    }
    store.save_state(parts(3), stamp(3)).unwrap().wait(PATIENCE);
    assert_eq!(number_of(&reader.state().unwrap().unwrap().parts), 3);
    let past = Query { until: Some(stamp(30).utc), limit: 1, ..Query::default() };
    let found = reader.events(&Query { subject: Some("output_1".to_owned()), ..past }).unwrap();
    assert_eq!(found[0].event, event(28));
    drop(store);
    assert_eq!(
        Reader::open(&folder.database()).unwrap().newest_sequence().unwrap(),
        50,
        "nobody writes any more"
    );
}

#[test]
fn a_site_has_one_writer() {
    let folder = Folder::new();
    let (store, _) = folder.open();
    assert!(matches!(Store::open(&folder.database(), stamp(1)), Err(Error::InUse { .. })));
    store.close(PATIENCE);
    assert!(Store::open(&folder.database(), stamp(1)).is_ok());
}

#[test]
fn the_folder_is_made_and_a_missing_file_is_no_database() {
    let folder = Folder::new();
    let deep = folder.path().join("a/b/ballast.db");
    assert!(matches!(Reader::open(&deep), Err(Error::Database { .. })));
    let (store, opened) = Store::open(&deep, stamp(0)).unwrap();
    assert_eq!(opened.found, Found::Absent);
    assert!(store.append(event(1)).unwrap().wait(PATIENCE) == Progress::Durable);
}

#[test]
fn retention_works_while_events_come() {
    let folder = Folder::new();
    let retention = Retention { rows_max: 100, rows_min: 10, ..Retention::default() };
    let (store, _) = Store::open_with(&folder.database(), stamp(0), retention).unwrap();
    for number in 1..=1500 {
        store.append(event(number)).unwrap();
        if number % 50 == 0 {
            assert!(store.flush(PATIENCE));
        }
    }
    let health = store.close(PATIENCE);
    let left = all_events(&folder.database());
    let ordinary = left.iter().filter(|found| !found.event.audit).count();
    let audited = left.iter().filter(|found| found.event.audit).count();
    assert!(ordinary <= 100 + 64 + 50, "{ordinary} rows are left");
    assert_eq!(audited, 1500 / 7, "the audit trail stays");
    assert_eq!(health.pruned_events, 1500 - left.len() as u64);
}

#[test]
fn what_cannot_be_stored_is_refused_at_the_door() {
    let folder = Folder::new();
    let (store, _) = folder.open();
    assert!(matches!(store.save_state(vec![], stamp(0)), Err(Error::InvalidState { .. })));
    let nameless = ballast_history::Event { kind: String::new(), ..event(1) };
    assert!(matches!(store.append(nameless), Err(Error::InvalidEvent { .. })));
    assert_eq!(store.health().unsaved_events, 0);
}
