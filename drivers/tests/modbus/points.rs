//! Points of every kind, read from pymodbus, which puts the numbers into registers itself.

use crate::peer::Peer;
use crate::support::{Running, Site, base};
use ballast_drivers::{Batch, Report};
use ballast_model::catalog::Kind;
use ballast_model::{PointId, Quality, Reason, Value};

const HOLDS: &str = "
unit 1 input 0 FLOAT32 230.5 -5.25
unit 1 input 100 UINT16 65535 32768 0x8001
unit 1 holding 10 INT32 -2 70000
unit 1 holding 14 UINT64 4294967296
unit 1 holding 18 INT16 -300
unit 1 holding 19 FLOAT64 -0.125
unit 1 holding 40 INT16 2312 -1
unit 1 holding 50 STRING RUN
unit 1 holding 60 UINT16 3
unit 1 coil 3 BITS 1 0
unit 1 discrete 0 BITS 0 1
unit 7 input 0 FLOAT32 49.75 1
";

pub(crate) fn site(peer: &Peer, more: &[(&str, &str)]) -> Site {
    let (key, value) = peer.bus();
    let mut keys = vec![(key, value.as_str()), ("period", "20 ms")];
    if peer.line.is_some() {
        keys.push(("baud", "19200"));
    }
    keys.extend(more);
    // Behind those of the test, which hold.
    keys.push(("timeout", "300 ms"));
    Site::new("modbus", &keys)
}

fn everything(peer: &Peer) -> (Site, Vec<(PointId, Option<Value>)>) {
    let mut site = site(peer, &[]);
    let mut expected = Vec::new();
    for (unit, keys, value) in [
        ("V", &[("table", "input"), ("register", "0"), ("type", "f32")][..], 230.5),
        ("W", &[("table", "input"), ("register", "0x0002"), ("type", "f32"), ("scale", "-1")], 5.25),
        ("W", &[("register", "10"), ("type", "i32")], -2.0),
        ("W", &[("register", "12"), ("type", "i32")], 70_000.0),
        ("W", &[("register", "14"), ("type", "u64")], 4_294_967_296.0),
        ("V", &[("register", "18"), ("type", "i16"), ("scale", "0.5")], -150.0),
        ("V", &[("register", "19"), ("type", "f64")], -0.125),
        ("V", &[("register", "40"), ("type", "i16"), ("scale_register", "41")], 231.2),
        ("1", &[("table", "coil"), ("register", "3")], 1.0),
        ("1", &[("table", "discrete"), ("register", "0")], 0.0),
        ("Hz", &[("unit_id", "7"), ("table", "input"), ("register", "0"), ("type", "f32")], 49.75),
    ] {
        let point = site.number(&format!("it.p{}", expected.len()), unit, keys);
        expected.push((point, base(value)));
    }
    let text = [("register", "50"), ("type", "text"), ("length", "2"), ("map", "RUN = on, STOP = off")];
    expected.push((site.words("it.mode", &["off", "on"], &text), Some(Value::Word(1))));
    let number = [("register", "60"), ("map", "0 = off, 3 = on")];
    expected.push((site.words("it.state", &["off", "on"], &number), Some(Value::Word(1))));
    let bit = [("table", "input"), ("register", "102"), ("type", "bit"), ("bit", "15")];
    expected.push((site.kind("it.bit", Kind::Flag, &bit), Some(Value::Flag(true))));
    let nothing = [("table", "input"), ("register", "100"), ("no_value", "0xFFFF")];
    expected.push((site.number("it.none", "W", &nothing), None));
    let nothing = [("table", "input"), ("register", "101"), ("type", "i16"), ("no_value", "0x8000")];
    expected.push((site.number("it.none_signed", "W", &nothing), None));
    (site, expected)
}

fn all_come(peer: &Peer) {
    let (site, expected) = everything(peer);
    let running = Running::start(site.open());
    for (point, value) in expected {
        let quality = if value.is_some() { Quality::Good } else { Quality::Bad(Reason::NotAValue) };
        running.wait_last(point, value, quality);
    }
}

#[test]
fn values_of_every_kind_come_over_tcp() {
    if let Some(peer) = Peer::tcp(HOLDS) {
        all_come(&peer);
    }
}

#[test]
fn values_of_every_kind_come_over_a_serial_line() {
    if let Some(peer) = Peer::rtu(HOLDS) {
        all_come(&peer);
    }
}

/// The requests that were made of a unit, each once, in order of their address.
fn asked(peer: &Peer, begins: &str) -> Vec<String> {
    let mut lines = peer.lines(begins);
    lines.sort();
    lines.dedup();
    lines
}

#[test]
fn what_lies_near_is_asked_together_and_a_refused_request_is_split() {
    // Registers 3 to 5 do not exist, so that the server refuses whoever reads across them.
    let holds = "unit 1 holding 0 UINT16 10 11 12\nunit 1 holding 6 UINT16 16 17";
    let Some(peer) = Peer::tcp(holds) else { return };
    let mut site = site(&peer, &[]);
    let [first, missing, last] = ["0", "4", "7"]
        .map(|register| site.number(&format!("it.r{register}"), "W", &[("register", register)]));
    let running = Running::start(site.open());
    running.wait_last(first, base(10.0), Quality::Good);
    running.wait_last(last, base(17.0), Quality::Good);
    running.wait_last(missing, None, Quality::Bad(Reason::NotAValue));
    let lines = peer.lines("asked");
    assert_eq!(lines[0], "asked 1 3 0 8", "all at once at first");
    peer.wait("both parts", |lines| {
        let count = |of: &str| lines.iter().filter(|line| *line == of).count();
        count("asked 1 3 0 1") > 20 && count("asked 1 3 7 1") > 20
    });
    let alone = asked(&peer, "asked 1 3 4 1");
    assert_eq!(alone.len(), 1);
    assert!(peer.lines("asked 1 3 4 1").len() < 5, "who is refused alone is seldom asked again");
    assert_eq!(peer.lines("asked 1 3 0 8").len(), 1, "never the whole again");
}

#[test]
fn a_file_says_how_much_may_be_asked_at_once() {
    let holds = "unit 1 holding 0 UINT16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19";
    let Some(peer) = Peer::tcp(holds) else { return };
    let mut site = site(&peer, &[("gap", "3")]);
    let points: Vec<PointId> = [0, 4, 8, 13, 17]
        .map(|register| {
            let text = register.to_string();
            let keys = [("register", text.as_str()), ("most", if register == 13 { "9" } else { "" })];
            site.number(&format!("it.r{register}"), "W", &keys)
        })
        .into();
    let running = Running::start(site.open());
    for (point, value) in points.into_iter().zip([0.0, 4.0, 8.0, 13.0, 17.0]) {
        running.wait_last(point, base(value), Quality::Good);
    }
    // What the peer says of a request may come after the answer to it.
    peer.wait("both requests", |lines| {
        ["0 9", "13 5"].iter().all(|part| lines.contains(&format!("asked 1 3 {part}")))
    });
    assert_eq!(asked(&peer, "asked"), ["asked 1 3 0 9", "asked 1 3 13 5"]);
}

/// How often a text was said of the link.
fn said(heard: &Batch, words: &str) -> usize {
    let is_it = |report: &&Report| matches!(report, Report::Link { text, .. } if text.contains(words));
    heard.reports.iter().filter(is_it).count()
}

#[test]
fn exceptions_are_states_of_their_own() {
    let Some(mut peer) = Peer::tcp("unit 1 holding 0 UINT16 7\nunit 2 holding 0 UINT16 8") else { return };
    let mut site = site(&peer, &[]);
    let one = site.number("it.one", "W", &[("register", "0")]);
    let two = site.number("it.two", "W", &[("register", "0"), ("unit_id", "2")]);
    let running = Running::start(site.open());
    for (code, quality) in [
        (1, Quality::Bad(Reason::NotAValue)),
        (4, Quality::Bad(Reason::Device)),
        (2, Quality::Bad(Reason::NotAValue)),
        (8, Quality::Bad(Reason::Damaged)),
        // The gateway says that nobody answers it there.
        (11, Quality::Bad(Reason::Offline)),
    ] {
        running.wait_last(one, base(7.0), Quality::Good);
        peer.say(&format!("refuse 1 {code}"));
        running.wait_last(one, None, quality);
        let count = |heard: &Batch| heard.samples.iter().filter(|sample| sample.point == two).count();
        let before = running.wait("the other one", |heard| count(heard) > 0);
        running.wait("the other one again", |heard| count(heard) > count(&before) + 5);
        running.wait_last(two, base(8.0), Quality::Good);
        peer.say("refuse 1 0");
    }
    running.wait_last(one, base(7.0), Quality::Good);
    // Each is said once, and once that it is over.
    let heard = running.wait("that it is over", |heard| said(heard, "answers with values again") == 3);
    for words in [
        "it (unit 1) cannot be asked for the table `holding` (exception 1): see `table`",
        "it (unit 1) answers that it failed (exception 4): it is out of order",
        "it (unit 1) has no register 0 in `holding` (exception 2): see `register` and `table`",
        "it (unit 1) finds its own memory damaged (exception 8)",
    ] {
        assert_eq!(said(&heard, words), 1, "{words}: {:?}", heard.reports);
    }
    assert_eq!(running.handle.counters().connects, 1, "no exception costs the connection");
}

#[test]
fn floats_in_the_wrong_order_are_no_values_and_said() {
    let holds = "unit 1 input 0 FLOAT32 230.2 5.25 1208.4 49.98\nunit 1 input 20 UINT16 7";
    let Some(mut peer) = Peer::tcp(holds) else { return };
    let mut site = site(&peer, &[]);
    let wrong = [("table", "input"), ("type", "f32"), ("order", "CDAB")];
    let voltage = site.number("it.voltage", "V", &[wrong[0], wrong[1], wrong[2], ("register", "0")]);
    let power = site.number("it.power", "W", &[wrong[0], wrong[1], wrong[2], ("register", "4")]);
    let whole = site.number("it.whole", "A", &[wrong[0], ("register", "20")]);
    let running = Running::start(site.open());
    // What is no float is not in doubt.
    running.wait_last(whole, base(7.0), Quality::Good);
    running.wait_last(voltage, None, Quality::Bad(Reason::NotAValue));
    let said = "it (unit 1) tells floats that make sense in the order ABCD and not in CDAB: see its `order`";
    let heard = running.wait("word of it", |heard| {
        heard
            .reports
            .iter()
            .any(|report| matches!(report, Report::Link { is_up: false, text, .. } if **text == *said))
    });
    assert!(heard.samples.iter().all(|sample| sample.point == whole || sample.value.is_none()), "{heard:?}");
    // The device is set to the order of the file.
    for (address, words) in [(0, "0x3333 0x4366"), (4, "0x0CCD 0x4497")] {
        peer.say(&format!("set 1 4 {address} {words}"));
    }
    running.wait_last(voltage, base(f64::from(230.2_f32)), Quality::Good);
    running.wait_last(power, base(f64::from(1208.4_f32)), Quality::Good);
    running.wait("word of it", |heard| {
        let is_it = |report: &Report| matches!(report, Report::Link { is_up: true, text, .. } if text.ends_with("in their order"));
        heard.reports.iter().any(is_it)
    });
}
