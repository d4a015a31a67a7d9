//! Devices that are killed, slow or lie: no wrong number, and no harm to their neighbours.

use crate::peer::Peer;
use crate::points::site;
use crate::support::{Running, base};
use ballast_drivers::{Batch, Report};
use ballast_model::{PointId, Quality, Value};

/// How often a point had this value, which must be the only one it ever had.
fn count(heard: &Batch, point: PointId, only: Option<Value>) -> usize {
    let of_point = heard.samples.iter().filter(|sample| sample.point == point && sample.value.is_some());
    let values: Vec<_> = of_point.map(|sample| sample.value).collect();
    assert!(values.iter().all(|value| *value == only), "{values:?} and not {only:?}");
    values.len()
}

/// Unit 1 tells the truth and unit 2 lies in turn; each has values of its own.
fn all_lies(peer: &mut Peer, timeout: &str, lies: &[&str]) {
    for lie in lies {
        // A bus that is new: a unit that fails again and again would rest for longer and longer.
        let mut site = site(peer, &[("timeout", timeout)]);
        let good = site.number("it.good", "W", &[("register", "0")]);
        let bad = site.number("it.bad", "W", &[("register", "0"), ("unit_id", "2")]);
        // As long as the other one, so that nothing but what it says tells them apart.
        let other = site.number("it.other", "W", &[("register", "40"), ("unit_id", "2")]);
        let running = Running::start(site.open());
        let true_values = || {
            running.wait("true values", |heard| {
                let points = [(good, 11.0), (bad, 22.0), (other, 33.0)];
                points.iter().all(|(point, value)| count(heard, *point, base(*value)) > 0)
            })
        };
        true_values();
        peer.lie(2, lie);
        running.wait_offline(bad);
        let so_far = count(&true_values(), good, base(11.0));
        running.wait("the neighbour", |heard| count(heard, good, base(11.0)) > so_far + 20);
        peer.lie(2, "nothing");
        running.wait_last(bad, base(22.0), Quality::Good);
        true_values();
        drop(running);
        // What it was asked last is answered before the next bus asks over the same line.
        peer.holds(1, 3, 0, 1);
    }
}

const HOLDS: &str = "unit 1 holding 0 UINT16 11\nunit 2 holding 0 UINT16 22\nunit 2 holding 40 UINT16 33";

#[test]
fn fault_16_lies_over_tcp_are_never_values() {
    let Some(mut peer) = Peer::tcp(HOLDS) else { return };
    let lies = ["unit", "transaction", "short", "function", "length", "late", "slow", "silent"];
    all_lies(&mut peer, "250 ms", &lies);
}

#[test]
fn lies_on_a_serial_line_are_never_values() {
    let Some(mut peer) = Peer::rtu(HOLDS) else { return };
    all_lies(&mut peer, "250 ms", &["unit", "checksum", "function", "length"]);
}

#[test]
fn what_is_missing_or_late_on_a_serial_line_is_never_a_value() {
    let Some(mut peer) = Peer::rtu(HOLDS) else { return };
    all_lies(&mut peer, "250 ms", &["short", "silent"]);
    // 600 ms late: more than two time-outs after it was asked, when something else is under way.
    all_lies(&mut peer, "250 ms", &["slow"]);
}

#[test]
fn what_was_asked_before_the_line_was_opened_is_no_answer() {
    let Some(mut peer) = Peer::rtu(HOLDS) else { return };
    peer.lie(2, "slow");
    let mut before = site(&peer, &[("timeout", "1 s")]);
    before.number("it.before", "W", &[("register", "0"), ("unit_id", "2")]);
    let running = Running::start(before.open());
    peer.wait("the question", |lines| lines.iter().any(|line| line.starts_with("asked 2")));
    // The program ends while an answer is under way, and begins again at once.
    drop(running);
    let mut after = site(&peer, &[("timeout", "1 s")]);
    let point = after.number("it.after", "W", &[("register", "40"), ("unit_id", "2")]);
    let running = Running::start(after.open());
    running.wait("true values", |heard| count(heard, point, base(33.0)) > 0);
}

#[test]
fn a_device_that_knows_no_diagnostics_is_asked_again() {
    let Some(mut peer) = Peer::rtu(HOLDS) else { return };
    let mut site = site(&peer, &[("timeout", "250 ms")]);
    let point = site.number("it.bad", "W", &[("register", "0"), ("unit_id", "2")]);
    let running = Running::start(site.open());
    running.wait_last(point, base(22.0), Quality::Good);
    for way in ["refused", "deaf"] {
        peer.say(&format!("diagnostics {way}"));
        peer.say("lie 2 once");
        peer.wait("the one that was lost", |lines| lines.iter().any(|line| *line == format!("lost {way}")));
        let so_far = count(&running.wait("values", |_| true), point, base(22.0));
        running.wait("more of them", |heard| count(heard, point, base(22.0)) > so_far + 5);
    }
}

#[test]
fn an_answer_that_comes_twice_is_taken_once() {
    let Some(mut peer) = Peer::tcp(HOLDS) else { return };
    let mut site = site(&peer, &[]);
    let good = site.number("it.good", "W", &[("register", "0")]);
    let twice = site.number("it.twice", "W", &[("register", "0"), ("unit_id", "2")]);
    peer.say("lie 2 twice");
    let running = Running::start(site.open());
    running
        .wait("values", |heard| count(heard, good, base(11.0)) > 20 && count(heard, twice, base(22.0)) > 20);
}

/// A bus whose devices are killed and come back, which is seen.
fn missed_and_back(peer: &mut Peer) -> Running {
    let mut site = site(peer, &[]);
    let point = site.number("it.good", "W", &[("register", "0")]);
    let running = Running::start(site.open());
    running.wait_last(point, base(11.0), Quality::Good);
    peer.kill();
    running.wait_offline(point);
    peer.restart();
    running.wait_last(point, base(11.0), Quality::Good);
    running
}

#[test]
fn a_server_that_is_killed_is_missed_and_comes_back() {
    let Some(mut peer) = Peer::tcp(HOLDS) else { return };
    let running = missed_and_back(&mut peer);
    let heard = running
        .wait("word of it", |heard| matches!(heard.reports.last(), Some(Report::Link { is_up: true, .. })));
    let down = heard.reports.iter().filter(|report| matches!(report, Report::Link { is_up: false, .. }));
    assert_eq!(down.count(), 1);
}

#[test]
fn a_line_whose_devices_are_switched_off_is_missed_and_comes_back() {
    let Some(mut peer) = Peer::rtu(HOLDS) else { return };
    missed_and_back(&mut peer);
}
