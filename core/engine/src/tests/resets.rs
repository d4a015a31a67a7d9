//! A person resets a generator that failed.

use super::machines::{RUN, genset};
use super::*;
use crate::Command;
use crate::Severity;
use crate::events::Phase;
use crate::input::Refusal;

fn reset(generator: u32) -> Input {
    Input::Command(Command::ResetGenerator { generator, who: "eva".into() })
}

fn refusals(run: &Run) -> Vec<Refusal> {
    let refused = |event: &Event| match event {
        Event::CommandRefused { refusal, .. } => Some(*refusal),
        _ => None,
    };
    run.events.iter().filter_map(refused).collect()
}

/// A generator whose two attempts came to nothing, at 51 s.
fn failed() -> Run {
    let (site, ..) = genset();
    let mut run = site.start();
    run.set(ms(0), LOAD, 0.0);
    run.set(ms(1000), SOC, 20.0);
    run.run_to(ms(51_000));
    assert_eq!(run.engine.generator(0), Some(Phase::Failed));
    run
}

#[test]
fn a_failed_generator_that_is_reset_has_all_its_attempts_again() {
    let mut run = failed();
    run.run_to(ms(60_000));
    assert_eq!(run.wanted(RUN), Wanted::OPEN, "it waits for a person");
    run.step(ms(60_000), &[reset(0)]);
    assert_eq!((run.wanted(RUN), run.engine.generator(0)), (Wanted::CLOSED, Some(Phase::Starting)));
    run.run_to(ms(80_000));
    assert_eq!(run.engine.generator(0), Some(Phase::Resting), "the first of two again");
    run.run_to(ms(110_000));
    assert_eq!(run.engine.generator(0), Some(Phase::Failed));
}

#[test]
fn a_reset_is_told_once_with_who_asked_and_belongs_to_the_audit_trail() {
    let mut run = failed();
    run.events.clear();
    run.step(ms(60_000), &[reset(0)]);
    let audit: Vec<&Event> = run.events.iter().filter(|event| event.is_audit()).collect();
    let [event] = audit.as_slice() else { panic!("{audit:?}") };
    let plan = run.engine.plan();
    assert_eq!((event.who(), &*event.subject(plan)), (Some("eva"), "genset"));
    assert_eq!((event.kind(), event.severity()), ("generator_reset", Severity::Notice));
    assert_eq!(&*event.sentence(plan), "eva lets generator genset try again");
}

#[test]
fn what_has_not_failed_or_is_not_there_is_refused_and_stays_as_it_is() {
    let (site, ..) = genset();
    let mut run = site.start();
    run.set(ms(0), LOAD, 0.0);
    run.step(ms(500), &[reset(0), reset(1)]);
    assert_eq!(refusals(&run), [Refusal::NothingWaits, Refusal::Unknown]);
    run.set(ms(1000), SOC, 20.0);
    run.run_to(ms(10_000));
    run.step(ms(10_000), &[reset(0)]);
    assert_eq!(run.engine.generator(0), Some(Phase::Starting));
    run.run_to(ms(21_000));
    assert_eq!(run.engine.generator(0), Some(Phase::Resting), "its attempt was not begun anew");
}
