//! What the door holds back is told: once when it begins, once when it is over.

use super::{LOAD, Run, SOC, Site, catalog, ms, number};
use crate::Event;
use alloc::string::String;
use alloc::vec::Vec;
use ballast_model::time::Gap;
use ballast_model::{Finite, Reason, Span};

fn site() -> Run {
    let mut catalog = catalog();
    catalog.points[SOC.index()].valid = Finite::new(0.0).zip(Finite::new(100.0));
    catalog.points[LOAD.index()].max_slew = Finite::new(100.0);
    let mut run = Site::of(catalog).start();
    run.step(ms(0), &[]);
    run
}

/// What is said of these readings of the point, one a second.
fn said(run: &mut Run, point: ballast_model::PointId, from_s: u64, values: &[f64]) -> Vec<String> {
    let mut said = Vec::new();
    for (value, second) in values.iter().zip(from_s..) {
        run.set(ms(second * 1000), point, *value);
        let plan = run.engine.plan().clone();
        said.extend(run.events.iter().map(|event| event.sentence(&plan)));
    }
    said
}

#[test]
fn a_value_outside_of_its_range_is_told_once_and_its_end_once() {
    let mut run = site();
    assert_eq!(said(&mut run, SOC, 1, &[50.0, 85.0]), [""; 0]);
    let bad = said(&mut run, SOC, 3, &[850.0; 60]);
    assert_eq!(bad, ["battery.soc tells 850 %, outside of 0 % to 100 %: held back"]);
    assert_eq!(run.engine.doubt(SOC).unwrap().value, number(850.0));
    assert_eq!(run.engine.counters().held_back[&(SOC, Reason::OutOfRange)], 60);
    // One that is wrong now and then is told once, too.
    let now_and_then = said(&mut run, SOC, 63, &[50.0, 851.0, 50.0, 50.0, 852.0, 50.0]);
    assert_eq!(now_and_then, [""; 0]);
    let good = said(&mut run, SOC, 69, &[51.0; 20]);
    assert_eq!(good, ["battery.soc is believed again: 51 % (62 readings were held back)"]);
    assert_eq!(run.engine.doubt(SOC), None);
    assert_eq!(said(&mut run, SOC, 90, &[-1.0]).len(), 1);
}

#[test]
fn a_jump_is_told_with_where_it_came_from() {
    let mut run = site();
    let jump = said(&mut run, LOAD, 1, &[200.0, 9000.0, 200.0]);
    let told =
        "site.load jumps from 200 W to 9000 W, faster than 100 W/s: held back until three in a row agree";
    assert_eq!(jump, [told]);
    assert_eq!(run.engine.counters().held_back[&(LOAD, Reason::Jump)], 1);
    assert_eq!(
        said(&mut run, LOAD, 20, &[210.0]),
        ["site.load is believed again: 210 W (1 reading was held back)"]
    );
}

#[test]
fn a_reload_tells_nothing_again_and_a_restart_does() {
    let mut run = site();
    assert_eq!(said(&mut run, SOC, 1, &[850.0]).len(), 1);
    let state = run.engine.save().into_owned();
    for (gap, times) in [(Gap::SameBoot(Span::ZERO), 0), (Gap::SameBoot(Span::from_secs(5)), 1)] {
        let mut next = site();
        next.engine.restore(state.clone(), gap, ms(1000), ms(1000));
        next.sequence = run.sequence;
        next.step(ms(1000), &[]);
        let told = said(&mut next, SOC, 2, &[850.0]);
        assert_eq!(told.iter().filter(|told| told.contains("held back")).count(), times, "{gap:?} {told:?}");
    }
}

#[test]
fn what_the_device_itself_calls_bad_is_no_doubt_of_ours() {
    let mut run = site();
    let bad = run.bad(SOC, ms(1000));
    run.step(ms(1000), &[bad]);
    assert!(!run.has_event(|event| matches!(event, Event::HeldBack { .. })));
    assert_eq!(run.engine.doubt(SOC), None);
}
