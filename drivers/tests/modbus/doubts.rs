//! Numbers that cannot be, and devices that are not those of the file: a clear state, and never a wrong number.

use crate::peer::Peer;
use crate::permits::Leaves;
use crate::points::site;
use crate::support::{Running, Site, base};
use ballast_drivers::{Batch, Clock, Report, WriteResult};
use ballast_model::catalog::OutputKind;
use ballast_model::{OutputId, PointId, Quality, Reason, Span, Value, Wanted};

/// How often a text was said of the link.
fn said(heard: &Batch, words: &str) -> usize {
    let is_it = |report: &&Report| matches!(report, Report::Link { text, .. } if text.contains(words));
    heard.reports.iter().filter(is_it).count()
}

/// Every value that a point ever had.
fn values(heard: &Batch, point: PointId) -> Vec<Option<Value>> {
    let of_point = heard.samples.iter().filter(|sample| sample.point == point && sample.value.is_some());
    of_point.map(|sample| sample.value).collect()
}

/// Everything that was heard so far.
fn so_far(running: &Running) -> Batch {
    running.wait("nothing", |_| true)
}

#[test]
fn a_number_in_the_wrong_order_that_stands_alone_is_no_value_either() {
    let holds = "unit 1 input 0 FLOAT32 230.2\nunit 1 input 100 INT32 -1225\nunit 2 input 0 INT32 1225 40 0";
    let Some(mut peer) = Peer::tcp(holds) else { return };
    let mut site = site(&peer, &[("gap", "0")]);
    let input = |register: &'static str, form: &'static str| {
        [("table", "input"), ("register", register), ("type", form), ("order", "CDAB")]
    };
    let voltage = site.number("it.voltage", "V", &input("0", "f32"));
    let power = site.number("it.power", "W", &input("100", "i32"));
    let two = ["0", "2"].map(|register| {
        let keys = [&input(register, "i32")[..], &[("unit_id", "2")]].concat();
        site.number(&format!("it.p{register}"), "W", &keys)
    });
    let running = Running::start(site.open());
    for words in [
        "it (unit 1) tells floats that make sense in the order ABCD and not in CDAB: see its `order`",
        "it (unit 1) tells whole numbers that make sense in the order ABCD and not in CDAB: see its `order`",
        "it (unit 2) tells whole numbers that make sense in the order ABCD",
    ] {
        running.wait(words, |heard| said(heard, words) == 1);
    }
    for point in [voltage, power, two[0], two[1]] {
        running.wait_last(point, None, Quality::Bad(Reason::NotAValue));
    }
    let heard = running.wait("some more", |heard| heard.samples.len() > 100);
    for point in [voltage, power, two[0], two[1]] {
        assert_eq!(values(&heard, point), [], "never a wrong number");
    }
    // A device that is set to the order of the file is believed.
    peer.say("set 1 4 0 0x3333 0x4366");
    running.wait_last(voltage, base(f64::from(230.2_f32)), Quality::Good);
    peer.say("set 1 4 100 0xFB37 0xFFFF");
    running.wait_last(power, base(-1225.0), Quality::Good);
}

/// Four reads of one unit are in the wrong order: that is one sentence, and each point knows it.
#[test]
fn numbers_in_the_wrong_order_are_told_once_of_a_unit() {
    let holds =
        "unit 1 input 0 FLOAT32 230.2 5.5\nunit 1 input 100 FLOAT32 50.02\nunit 1 input 200 FLOAT32 1001.5";
    let Some(mut peer) = Peer::tcp(holds) else { return };
    let mut site = site(&peer, &[("gap", "0")]);
    let points = ["0", "2", "100", "200"].map(|register| {
        let keys = [("table", "input"), ("register", register), ("type", "f32"), ("order", "CDAB")];
        site.number(&format!("it.r{register}"), "W", &keys)
    });
    let running = Running::start(site.open());
    let words = "it (unit 1) tells floats that make sense in the order ABCD and not in CDAB: see its `order`";
    let why = |heard: &Batch, point: PointId| {
        heard.reports.iter().rev().find_map(|report| match report {
            Report::Unclear { points, text, .. } if points.contains(&point) => Some(text.clone()),
            _ => None,
        })
    };
    let knows = |heard: &Batch, point| why(heard, point) == Some(Some(words.into()));
    running.wait("every point", |heard| points.iter().all(|point| knows(heard, *point)));
    assert_eq!(said(&so_far(&running), words), 1, "once of a unit");
    for (address, value) in [("0", 230.2f32), ("2", 5.5), ("100", 50.02), ("200", 1001.5)] {
        let bits = value.to_bits();
        peer.say(&format!("set 1 4 {address} {:#x} {:#x}", bits & 0xFFFF, bits >> 16));
    }
    running.wait("nobody", |heard| points.iter().all(|point| why(heard, *point) == Some(None)));
    for point in points {
        running.wait("a value", |heard| !values(heard, point).is_empty());
    }
    let heard = so_far(&running);
    assert_eq!((said(&heard, words), said(&heard, "tells floats in their order")), (1, 1));
}

#[test]
fn patterns_of_no_value_are_none_although_the_file_names_none() {
    let holds = "unit 1 holding 0 REGISTERS 65535 0x8000 0xFFFF 0xFFFF 0x8000 0 0x7FC0 0 0xFF80 0 0xFFFF 0x8000 65534 0x8001 0x8000 0x8000 0 1225";
    let Some(peer) = Peer::tcp(holds) else { return };
    let mut site = site(&peer, &[]);
    let mut number = |register: &str, form: &str, more: &[(&str, &str)]| {
        let keys = [&[("register", register), ("type", form)], more].concat();
        site.number(&format!("it.r{register}{form}{}", more.len()), "W", &keys)
    };
    let none = [
        number("0", "u16", &[]),
        number("1", "i16", &[]),
        number("2", "u32", &[]),
        number("4", "i32", &[]),
        number("6", "f32", &[]),
        number("8", "f32", &[]),
        // Not zero: nothing that is measured is so small.
        number("14", "f32", &[]),
        number("16", "f32", &[]),
    ];
    let numbers = [
        (number("0", "u16", &[("no_value", "none")]), 65_535.0),
        (number("1", "i16", &[("no_value", "0x7FFF")]), -32_768.0),
        (number("12", "u16", &[]), 65_534.0),
        (number("13", "i16", &[]), -32_767.0),
    ];
    // What stands for a word may be any number.
    let map = [("register", "10"), ("map", "65535 = off, 0 = on")];
    let word = site.words("it.word", &["off", "on"], &map);
    let running = Running::start(site.open());
    for point in none {
        running.wait_last(point, None, Quality::Bad(Reason::NotAValue));
    }
    for (point, value) in numbers {
        running.wait_last(point, base(value), Quality::Good);
    }
    running.wait_last(word, Some(Value::Word(0)), Quality::Good);
    let heard = so_far(&running);
    for point in none {
        assert_eq!(values(&heard, point), [], "never a wrong number");
    }
}

#[test]
fn a_counter_that_is_reset_or_runs_over_is_told_and_its_number_is_what_it_is() {
    let holds = "unit 1 holding 0 UINT16 65000\nunit 1 holding 10 UINT32 123456";
    let Some(mut peer) = Peer::tcp(holds) else { return };
    let mut site = site(&peer, &[("gap", "0")]);
    let short = site.number("it.short", "Wh", &[("register", "0")]);
    let long = site.number("it.long", "Wh", &[("register", "10"), ("type", "u32")]);
    for point in [short, long] {
        site.catalog.points[point.index()].is_counter = true;
    }
    let running = Running::start(site.open());
    running.wait_last(short, base(65_000.0), Quality::Good);
    running.wait_last(long, base(123_456.0), Quality::Good);
    peer.say("set 1 16 0 12");
    peer.say("set 1 16 10 0 3");
    running.wait_last(short, base(12.0), Quality::Good);
    running.wait_last(long, base(3.0), Quality::Good);
    let heard = so_far(&running);
    assert_eq!(said(&heard, "it.short fell from 65000 Wh to 12 Wh: it was reset or ran over"), 1);
    assert_eq!(said(&heard, "it.long fell from 123456 Wh to 3 Wh"), 1);
}

/// A meter that says what it is in a text, and something that is measured and something that is told.
fn meter(peer: &Peer) -> (Site, PointId, PointId, OutputId) {
    let mut site = site(peer, &[("gap", "0")]);
    let text = [
        ("register", "50"),
        ("type", "text"),
        ("length", "3"),
        ("map", "EM340 = em340, EM330 = em330"),
        ("identity", "yes"),
    ];
    let model = site.words("it.model", &["em340", "em330"], &text);
    site.catalog.points[model.index()].period = Some(Span::from_millis(200));
    let power = site.number("it.power", "W", &[("register", "0")]);
    let relay = site.output("it.relay", OutputKind::Contact, &[("register", "3")]);
    (site, model, power, relay)
}

const METER: &str = "unit 1 holding 0 UINT16 420\nunit 1 holding 50 STRING EM340\nunit 1 coil 3 BITS 0";

/// What becomes of telling a contact.
fn tell(running: &Running, leaves: &mut Leaves, relay: OutputId, wanted: Wanted) -> WriteResult {
    let permit = leaves.permit(running.clock.now(), relay, wanted);
    let counter = permit.counter();
    running.handle.apply(permit).unwrap();
    running.wait_written(counter)
}

#[test]
fn a_device_that_is_not_that_of_the_file_is_neither_believed_nor_told() {
    let Some(mut peer) = Peer::tcp(METER) else { return };
    let (site, model, power, relay) = meter(&peer);
    let running = Running::start(site.open());
    running.wait_last(model, Some(Value::Word(0)), Quality::Good);
    running.wait_last(power, base(420.0), Quality::Good);
    // Another device answers there: EM111, with another meaning of its registers.
    peer.say("set 1 16 50 0x454D 0x3131 0x3100");
    running.wait_last(model, None, Quality::Bad(Reason::NotAValue));
    running.wait_last(power, None, Quality::Bad(Reason::Replaced));
    let words = "it (unit 1) says that it is `EM111`, for which its file is not: nothing of it is used";
    assert_eq!(said(&so_far(&running), words), 1);
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    assert_eq!(tell(&running, &mut leaves, relay, Wanted::CLOSED), WriteResult::Impossible);
    assert_eq!(peer.holds(1, 1, 3, 1), [0], "nothing was told to it");
    peer.say("set 1 16 0 9999");
    // One of the file's own again, and another one than before.
    peer.say("set 1 16 50 0x454D 0x3333 0x3000");
    running.wait_last(model, Some(Value::Word(1)), Quality::Good);
    running.wait_last(power, base(9999.0), Quality::Good);
    let heard = so_far(&running);
    assert_eq!(said(&heard, "it (unit 1) is another device now: `EM330`, and `EM340` before"), 1);
    for (wanted, held) in [(Wanted::OPEN, 0), (Wanted::CLOSED, 1)] {
        assert_eq!(tell(&running, &mut leaves, relay, wanted), WriteResult::Done);
        assert_eq!(peer.holds(1, 1, 3, 1), [held]);
    }
}

#[test]
fn a_device_that_was_exchanged_while_it_was_away_gives_no_number_before_it_says_what_it_is() {
    let Some(mut peer) = Peer::tcp(METER) else { return };
    let (site, model, power, _) = meter(&peer);
    let running = Running::start(site.open());
    running.wait_last(power, base(420.0), Quality::Good);
    peer.lie(1, "silent");
    running.wait_offline(power);
    peer.say("set 1 16 0 9999");
    peer.say("set 1 16 50 0x454D 0x3131 0x3100");
    // It has obeyed once it says something else.
    peer.holds(1, 3, 0, 1);
    peer.lie(1, "nothing");
    running.wait_last(model, None, Quality::Bad(Reason::NotAValue));
    running.wait_last(power, None, Quality::Bad(Reason::Replaced));
    assert!(!values(&so_far(&running), power).contains(&base(9999.0)), "never a wrong number");
}

#[test]
fn a_device_that_does_not_say_what_it_is_is_not_used() {
    let Some(peer) = Peer::tcp("unit 1 holding 0 UINT16 420\nunit 1 coil 3 BITS 0") else { return };
    let (site, model, power, _) = meter(&peer);
    let running = Running::start(site.open());
    running.wait_last(model, None, Quality::Bad(Reason::NotAValue));
    running.wait_last(power, None, Quality::Bad(Reason::Replaced));
    let heard = so_far(&running);
    assert_eq!(values(&heard, power), []);
    assert_eq!(said(&heard, "it (unit 1) does not say what it is: nothing of it is used"), 1);
}
