//! Devices that pymodbus serves, which was not written here, over TCP and over a line.

use crate::peer::Peer;
use crate::permits::Leaves;
use crate::reads;
use crate::support::{Running, Site};
use ballast_drivers::{Batch, Clock, Report, WriteResult};
use ballast_model::catalog::OutputKind;
use ballast_model::{Finite, PointId, Reason, Unit, Wanted};

/// The whole image of an inverter with its controls, as the server's block of registers.
fn holds() -> String {
    let mut models = vec![crate::tells::inverter_model()];
    let tail = reads::inverter(40_000).registers;
    models.push((103, (40_072..40_122).map(|address| tail[&address]).collect()));
    let registers = crate::device::device(40_000, &models).registers;
    let words: Vec<String> = registers.values().map(u16::to_string).collect();
    format!("unit 7 holding 40000 UINT16 {}", words.join(" "))
}

fn value(heard: &Batch, point: PointId) -> Option<String> {
    let last = heard.samples.iter().rev().find(|sample| sample.point == point)?;
    Some(last.value.map_or("-".to_owned(), |value| format!("{value:?}")))
}

fn is_read_and_told(mut peer: Peer) {
    let (key, place) = peer.bus();
    let mut site = Site::new("sunspec", &[(key, place.as_str()), ("timeout", "2 s")]);
    let keys = [("field", "701.Hz 101-103.Hz"), ("unit_id", "7")];
    let frequency = site.number("it.frequency", "Hz", &keys);
    let limit = site.output(
        "it.limit",
        OutputKind::Setpoint(Unit::parse("%").unwrap()),
        &[("control", "power_limit"), ("revert", "90 s"), ("unit_id", "7")],
    );
    let running = Running::start(site.open());
    running
        .wait("the frequency", |heard| value(heard, frequency).is_some_and(|value| value.contains("49.98")));

    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    let wanted = Wanted::Level(Finite::new(37.0).unwrap());
    running.handle.apply(leaves.permit(running.clock.now(), limit, wanted)).unwrap();
    let is_done = |report: &Report| matches!(report, Report::Written { result: WriteResult::Done, .. });
    running.wait("what became of it", |heard| heard.reports.iter().any(is_done));
    // Its own store: value, the timer, and that it holds.
    assert_eq!(peer.holds(7, 3, 40_007, 1), [370]);
    assert_eq!(peer.holds(7, 3, 40_009, 1), [90]);
    assert_eq!(peer.holds(7, 3, 40_011, 1), [1]);
    let is_so = |report: &Report| matches!(report, Report::Actual { actual, .. } if *actual == Some(wanted));
    running.wait("what it is", |heard| heard.reports.iter().any(is_so));

    // It refuses: no value, and none that is old.
    peer.say("refuse 7 2");
    let is_bad = |sample: &ballast_model::Sample| sample.quality.reason() == Some(Reason::Device);
    running.wait("no value", |heard| heard.samples.last().is_some_and(is_bad));
    peer.say("refuse 7 0");
    running.wait("the frequency again", |heard| {
        value(heard, frequency).is_some_and(|value| value.contains("49.98"))
    });
}

#[test]
fn an_inverter_of_pymodbus_is_found_read_and_told_over_tcp() {
    if let Some(peer) = Peer::tcp(&holds()) {
        is_read_and_told(peer);
    }
}

#[test]
fn an_inverter_of_pymodbus_is_found_read_and_told_over_a_line() {
    if let Some(peer) = Peer::rtu(&holds()) {
        is_read_and_told(peer);
    }
}

#[test]
fn an_inverter_that_was_exchanged_while_it_was_gone_is_told() {
    let registers = reads::inverter(40_000).registers;
    let words: Vec<String> = registers.values().map(u16::to_string).collect();
    let holds = format!("unit 7 holding 40000 UINT16 {}", words.join(" "));
    let Some(mut peer) = Peer::tcp(&holds) else { return };
    let (key, place) = peer.bus();
    let mut site = Site::new("sunspec", &[(key, place.as_str()), ("timeout", "200 ms")]);
    let energy = site.number("it.energy", "Wh", &[("field", "101-103.WH"), ("unit_id", "7")]);
    let running = Running::start(site.open());
    running.wait("the energy", |heard| value(heard, energy).is_some_and(|value| value != "-"));
    peer.say("lie 7 silent");
    running.wait_offline(energy);
    peer.say("set 7 16 40052 0x4E39 0");
    peer.say("lie 7 nothing");
    let is_replaced = |sample: &ballast_model::Sample| {
        sample.point == energy && sample.quality.reason() == Some(Reason::Replaced)
    };
    let heard = running.wait("another device", |heard| heard.samples.iter().any(is_replaced));
    let is_said = |report: &Report| matches!(report, Report::Link { text, .. } if text.contains("unit 7 is another device now"));
    assert!(heard.reports.iter().any(is_said), "{:?}", heard.reports);
    running
        .wait("the energy again", |heard| heard.samples.last().is_some_and(|sample| sample.value.is_some()));
}

#[test]
fn an_inverter_that_was_gone_is_read_again() {
    let Some(mut peer) = Peer::tcp(&holds()) else { return };
    let (key, place) = peer.bus();
    let mut site = Site::new("sunspec", &[(key, place.as_str())]);
    let frequency = site.number("it.frequency", "Hz", &[("field", "101-103.Hz"), ("unit_id", "7")]);
    let running = Running::start(site.open());
    running
        .wait("the frequency", |heard| value(heard, frequency).is_some_and(|value| value.contains("49.98")));
    peer.kill();
    running.wait("no value", |heard| value(heard, frequency).is_some_and(|value| value == "-"));
    peer.restart();
    running.wait("the frequency again", |heard| {
        value(heard, frequency).is_some_and(|value| value.contains("49.98"))
    });
}
