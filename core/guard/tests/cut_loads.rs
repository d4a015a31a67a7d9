//! What is said of loads that were cut, and of those that were asked to go.

#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod kit;
use ballast_guard::GuardEvent;
use ballast_guard::plan::Stage;
use ballast_model::intent::Cause;
use ballast_model::{Authority, Outcome, OutputId, PointId};
use kit::*;

/// Two loads that are closed, the first of which a stage below 49.5 Hz takes.
fn two_loads(change: impl Fn(&mut Site)) -> (Bench, [OutputId; 2], PointId) {
    let mut site = Site::new();
    let frequency = site.point("feeder.frequency", "Hz", None);
    let loads = ["pump", "home"].map(|load| site.contact(load));
    let rows = [(loads[0], "comfort", 1000.0), (loads[1], "homes", 1000.0)];
    site.shedding(&[frequency], &rows).stages =
        vec![Stage { below: num(49.5), hold: ms(60), share: num(50.0), from: vec!["comfort".into()] }];
    change(&mut site);
    let mut bench = site.bench();
    bench.hello();
    bench.set(frequency, 50.0);
    for load in loads {
        bench.give_back(load);
        bench.pass(secs(11));
    }
    assert_eq!(loads.map(|load| bench.is(load)), [CLOSED; 2]);
    (bench, loads, frequency)
}

fn answer(bench: &Bench, load: OutputId) -> (Outcome, Cause) {
    (bench.verdict(load).outcome, bench.verdict(load).cause)
}

const GRANTED: (Outcome, Cause) = (Outcome::Granted, Cause::Asked);

#[test]
fn a_load_that_was_cut_is_open_because_of_the_stage_only_while_somebody_wants_it_closed() {
    let (mut bench, [pump, _], frequency) = two_loads(|_| ());
    bench.set(frequency, 49.4);
    bench.pass(ms(100));
    assert_eq!((bench.is(pump), answer(&bench, pump)), (OPEN, (Outcome::Held, Cause::Stage(0))));
    bench.ask(pump, OPEN);
    assert_eq!((bench.is(pump), answer(&bench, pump)), (OPEN, GRANTED));
    assert!(bench.verdict(pump).awaits_restoration, "it waits to be given back all the same");
    bench.ask(pump, CLOSED);
    assert_eq!((bench.is(pump), answer(&bench, pump)), (OPEN, (Outcome::Held, Cause::Stage(0))));
}

#[test]
fn a_load_that_was_given_back_does_not_wait_for_its_turn_any_more() {
    let (mut bench, [pump, _], frequency) = two_loads(|_| ());
    bench.set(frequency, 49.4);
    bench.pass(ms(100));
    bench.set(frequency, 50.0);
    bench.pass(secs(11));
    bench.give_back(pump);
    assert_eq!((bench.is(pump), answer(&bench, pump)), (CLOSED, GRANTED));
    bench.pass(secs(1));
    bench.give_back(pump);
    assert_eq!(
        (bench.is(pump), answer(&bench, pump)),
        (CLOSED, GRANTED),
        "whoever asks for it again keeps it"
    );
}

#[test]
fn who_opened_before_shedding_was_found_not_to_help_is_not_told_that_it_may_not() {
    let (mut bench, [pump, home], frequency) =
        two_loads(|site| site.set.shedding.as_mut().unwrap().futile_after = Some(1));
    bench.ask_as(home, OPEN, Authority::Shed, 900);
    assert_eq!((bench.is(home), answer(&bench, home)), (OPEN, GRANTED));
    bench.set(frequency, 49.4);
    bench.pass(secs(2));
    assert!(bench.has(|event| *event == GuardEvent::Futile));
    assert_eq!(bench.is(pump), OPEN);
    assert_eq!((bench.is(home), answer(&bench, home)), (OPEN, GRANTED));
    bench.ask_as(home, OPEN, Authority::Shed, 901);
    assert_eq!((bench.is(home), answer(&bench, home)), (OPEN, GRANTED));
    bench.ask_as(home, CLOSED, Authority::Shed, 902);
    assert_eq!((bench.is(home), answer(&bench, home)), (CLOSED, GRANTED));
    bench.ask_as(home, OPEN, Authority::Shed, 903);
    assert_eq!((bench.is(home), answer(&bench, home)), (CLOSED, (Outcome::Held, Cause::Futile)));
}
