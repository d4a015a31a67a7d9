//! Tests of the events table on a database in memory.

use proptest::prelude::*;

use super::*;
use crate::schema;

const DAY_MS: i64 = 86_400_000;

fn event(number: i64) -> Event {
    Event {
        stamp: Stamp {
            boot: BootId(7),
            mono: Mono::from_millis(number as u64),
            utc: Utc::from_millis(number * 1000),
            trusted: true,
        },
        kind: if number % 10 == 0 { "limit" } else { "switched" }.to_owned(),
        subject: if number % 2 == 0 { "pump" } else { "heater" }.to_owned(),
        severity: if number % 10 == 0 { Severity::Alarm } else { Severity::Info },
        audit: number % 25 == 0,
        who: (number % 25 == 0).then(|| "operator".to_owned()),
        payload: format!("{{\"n\":{number}}}"),
    }
}

fn filled(count: i64) -> Connection {
    let mut connection = schema::in_memory();
    let events: Vec<_> = (1..=count).map(event).collect();
    append(&mut connection, 1, events.iter()).unwrap();
    connection
}

fn sequences(connection: &Connection, query: &Query) -> Vec<u64> {
    select(connection, query).unwrap().iter().map(|found| found.sequence).collect()
}

#[test]
fn an_event_comes_back_as_it_was() {
    let connection = filled(50);
    let found = select(&connection, &Query { limit: 1, ..Query::default() }).unwrap().remove(0);
    assert_eq!(found, StoredEvent { sequence: 50, event: event(50), is_intact: true });
}

#[test]
fn queries_narrow_and_come_newest_first() {
    let connection = filled(100);
    let base = Query { limit: 3, ..Query::default() };
    let utc = |secs: i64| Some(Utc::from_millis(secs * 1000));
    let pump = || Some("pump".to_owned());
    let limit = || Some("limit".to_owned());
    for (query, expected) in [
        (base.clone(), vec![100, 99, 98]),
        (Query { subject: pump(), ..base.clone() }, vec![100, 98, 96]),
        (Query { kind: limit(), ..base.clone() }, vec![100, 90, 80]),
        (Query { severity_min: Some(Severity::Warning), ..base.clone() }, vec![100, 90, 80]),
        (Query { audit_only: true, ..base.clone() }, vec![100, 75, 50]),
        (Query { before: Some(50), ..base.clone() }, vec![49, 48, 47]),
        (Query { before: Some(u64::MAX), ..base.clone() }, vec![100, 99, 98]),
        (Query { until: utc(40), ..base.clone() }, vec![40, 39, 38]),
        (Query { from: utc(99), ..base.clone() }, vec![100, 99]),
        (Query { subject: pump(), until: utc(41), limit: 1, ..base.clone() }, vec![40]),
        (
            Query { subject: pump(), kind: limit(), from: utc(15), until: utc(35), ..base.clone() },
            vec![30, 20],
        ),
        (Query { subject: Some("nothing".to_owned()), ..base.clone() }, vec![]),
        (Query { limit: 0, ..base.clone() }, vec![]),
    ] {
        assert_eq!(sequences(&connection, &query), expected, "{query:?}");
    }
}

#[test]
fn the_last_word_on_a_subject_needs_no_sorting() {
    let connection = schema::in_memory();
    let utc = Some(Utc::from_millis(5));
    for query in [
        Query { subject: Some("pump".to_owned()), until: utc, ..Query::default() },
        Query { kind: Some("limit".to_owned()), until: utc, ..Query::default() },
        Query { until: utc, ..Query::default() },
    ] {
        let (sql, values) = statement(&query);
        let plan: Vec<String> = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap()
            .query_map(params_from_iter(values), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{query:?}: {plan:?}");
    }
}

#[test]
fn a_clock_that_was_set_back_does_not_change_the_order() {
    let mut connection = filled(3);
    let late = Event { stamp: Stamp { utc: Utc::from_millis(0), ..event(4).stamp }, ..event(4) };
    append(&mut connection, 4, [late].iter()).unwrap();
    assert_eq!(sequences(&connection, &Query::default()), [4, 3, 2, 1]);
}

#[test]
fn a_rotten_row_is_shown_and_marked() {
    for rot in [
        "payload = 'x'",
        "severity = 9",
        "boot = zeroblob(2)",
        "who = 'b'",
        "utc_ms = 1",
        "kind = CAST(x'ff' AS TEXT)",
    ] {
        let connection = filled(2);
        connection.execute(&format!("UPDATE events SET {rot} WHERE seq = 2"), []).unwrap();
        let found = select(&connection, &Query::default()).unwrap();
        let intact: Vec<_> = found.iter().map(|found| (found.sequence, found.is_intact)).collect();
        assert_eq!(intact, [(2, false), (1, true)], "{rot}");
    }
}

#[test]
fn writing_again_under_the_same_number_leaves_one_row() {
    let mut connection = filled(5);
    append(&mut connection, 4, [event(4), event(5), event(6)].iter()).unwrap();
    let found = select(&connection, &Query::default()).unwrap();
    assert_eq!(found.len(), 6);
    assert!(found.iter().all(|found| found.is_intact));
}

#[test]
fn what_the_table_cannot_hold_is_refused() {
    let fits = event(1);
    assert!(fits.check().is_ok());
    for refused in [
        Event { kind: String::new(), ..fits.clone() },
        Event { kind: "k".repeat(NAME_BYTES_MAX + 1), ..fits.clone() },
        Event { payload: "p".repeat(EVENT_BYTES_MAX), ..fits.clone() },
    ] {
        assert!(matches!(refused.check(), Err(Error::InvalidEvent { .. })));
    }
}

/// Runs the pruner until it has nothing left to do and returns what is left, oldest first, with the largest step.
fn prune(connection: &Connection, retention: &Retention, now: Option<Utc>) -> (Vec<u64>, u64) {
    let mut pruner = Pruner::default();
    let mut largest = 0;
    loop {
        let before = pruner.done;
        largest = largest.max(pruner.step(connection, retention, now).unwrap());
        if pruner.done == before {
            break;
        }
    }
    let mut left = sequences(connection, &Query { limit: QUERY_ROWS_MAX, ..Query::default() });
    left.reverse();
    (left, largest)
}

#[test]
fn only_the_newest_rows_and_the_audit_trail_are_kept() {
    let connection = filled(1000);
    let retention = Retention { rows_max: 10, rows_min: 5, ..Retention::default() };
    let (left, largest) = prune(&connection, &retention, None);
    let expected: Vec<u64> = (1..=1000).filter(|number| number % 25 == 0 || *number > 990).collect();
    assert_eq!(left, expected);
    assert!(largest <= PRUNE_STEP as u64, "a step deleted {largest} rows");
}

#[test]
fn old_rows_go_when_both_clocks_are_trusted() {
    let mut connection = schema::in_memory();
    let day = |day: i64, trusted| Event {
        stamp: Stamp { utc: Utc::from_millis(day * DAY_MS), trusted, ..Stamp::default() },
        kind: "switched".to_owned(),
        ..Event::default()
    };
    let filed = [day(1, true), day(1, false), day(2, true), day(3, false), day(800, true), day(801, true)];
    append(&mut connection, 1, filed.iter()).unwrap();
    let retention = Retention { rows_min: 1, ..Retention::default() };
    let now = Some(Utc::from_millis(802 * DAY_MS));

    assert_eq!(prune(&connection, &retention, None).0, [1, 2, 3, 4, 5, 6], "no trusted time, no age");
    let cautious = Retention { rows_min: 5, ..retention };
    assert_eq!(
        prune(&connection, &cautious, now).0,
        [2, 3, 4, 5, 6],
        "the newest rows stay whatever their age"
    );
    assert_eq!(prune(&connection, &retention, now).0, [4, 5, 6]);
}

/// What a query means, said without a database.
fn answer(events: &[Event], query: &Query) -> Vec<u64> {
    let matches = |sequence: u64, event: &Event| {
        query.subject.as_ref().is_none_or(|subject| *subject == event.subject)
            && query.kind.as_ref().is_none_or(|kind| *kind == event.kind)
            && query.severity_min.is_none_or(|least| event.severity >= least)
            && query.from.is_none_or(|from| event.stamp.utc >= from)
            && query.until.is_none_or(|until| event.stamp.utc <= until)
            && query.before.is_none_or(|before| sequence < before)
            && (event.audit || !query.audit_only)
    };
    let numbered = (1..).zip(events).filter(|(sequence, event)| matches(*sequence, event));
    let mut found: Vec<u64> = numbered.map(|(sequence, _)| sequence).collect();
    found.reverse();
    found.truncate(query.limit);
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever index serves it, a query gives what its conditions say, also when the wall clock jumped about.
    #[test]
    fn every_query_means_what_it_says(
        numbers in prop::collection::vec(0..60_i64, 0..60),
        subject in prop::option::of(prop::sample::select(vec!["pump", "heater", "other"])),
        kind in prop::option::of(prop::sample::select(vec!["limit", "switched"])),
        severe in any::<bool>(),
        from in prop::option::of(0..60_i64),
        until in prop::option::of(0..60_i64),
        before in prop::option::of(0..70_u64),
        audit_only in any::<bool>(),
        limit in 0..30_usize,
    ) {
        let events: Vec<Event> = numbers.into_iter().map(event).collect();
        let mut connection = schema::in_memory();
        append(&mut connection, 1, events.iter()).unwrap();
        let query = Query {
            subject: subject.map(str::to_owned),
            kind: kind.map(str::to_owned),
            severity_min: severe.then_some(Severity::Alarm),
            from: from.map(|secs| Utc::from_millis(secs * 1000)),
            until: until.map(|secs| Utc::from_millis(secs * 1000)),
            before,
            audit_only,
            limit,
        };
        prop_assert_eq!(sequences(&connection, &query), answer(&events, &query));
    }
}
