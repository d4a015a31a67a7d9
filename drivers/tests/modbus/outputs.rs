//! Outputs, switched by permits of a real guard and observed in pymodbus's own store.

use crate::peer::Peer;
use crate::permits::Leaves;
use crate::points::site;
use crate::support::Running;
use ballast_drivers::{Batch, Clock, Report, WriteResult};
use ballast_model::catalog::OutputKind;
use ballast_model::{Catalog, Finite, OutputId, Unit, Wanted};

/// Tells an output, and waits for what became of it.
fn write(running: &Running, leaves: &mut Leaves, output: OutputId, wanted: Wanted) -> WriteResult {
    let from = so_far(running);
    let permit = leaves.permit(running.clock.now(), output, wanted);
    running.handle.apply(permit).unwrap();
    let of = |heard: &Batch| {
        heard.reports.iter().skip(from).find_map(|report| match report {
            Report::Written { output: of, result, .. } if *of == output => Some(*result),
            _ => None,
        })
    };
    of(&running.wait("what became of it", |heard| of(heard).is_some())).unwrap()
}

fn leaves(running: &Running, catalog: &Catalog) -> Leaves {
    Leaves::new(catalog, running.clock.now())
}

/// Waits until an output says that it is this, counting from the `from`th report.
fn wait_actual(running: &Running, output: OutputId, wanted: Option<Wanted>, from: usize) {
    let is_it = |report: &Report| matches!(report, Report::Actual { output: of, actual, .. } if *of == output && *actual == wanted);
    running.wait("what it is", |heard: &Batch| heard.reports.iter().skip(from).any(is_it));
}

fn so_far(running: &Running) -> usize {
    running.wait("nothing", |_| true).reports.len()
}

fn level(watts: f64) -> Wanted {
    Wanted::Level(Finite::new(watts).unwrap())
}

const HOLDS: &str = "
unit 1 coil 0 BITS 0 0 0
unit 1 holding 10 UINT16 0 0 0
unit 1 holding 20 INT32 0
unit 1 holding 30 UINT16 0
unit 1 holding 40 UINT16 0 0 0
unit 2 coil 5 BITS 0
";

fn contacts_are_switched(mut peer: Peer) {
    let mut site = site(&peer, &[]);
    let coil = site.output("it.coil", OutputKind::Contact, &[("register", "1")]);
    let coils = site.output("it.coils", OutputKind::Contact, &[("register", "2"), ("write", "multiple")]);
    let keys = [("table", "holding"), ("register", "10"), ("closed", "170"), ("open", "85")];
    let register = site.output("it.register", OutputKind::Contact, &keys);
    let other = site.output("it.other", OutputKind::Contact, &[("unit_id", "2"), ("register", "5")]);
    let running = Running::start(site.open());
    let mut leaves = leaves(&running, &site.catalog);
    wait_actual(&running, coil, Some(Wanted::OPEN), 0);
    wait_actual(&running, register, None, 0);
    for (closed, coils_hold, register_holds) in [(true, [0, 1, 1], 170), (false, [0, 0, 0], 85)] {
        let wanted = if closed { Wanted::CLOSED } else { Wanted::OPEN };
        for output in [coil, coils, register, other] {
            let from = so_far(&running);
            assert_eq!(write(&running, &mut leaves, output, wanted), WriteResult::Done);
            wait_actual(&running, output, Some(wanted), from);
        }
        assert_eq!(peer.holds(1, 1, 0, 3), coils_hold);
        assert_eq!(peer.holds(1, 3, 10, 1), [register_holds]);
        assert_eq!(peer.holds(2, 1, 5, 1), [u16::from(closed)]);
    }
    assert!(!peer.lines("asked 1 15 2").is_empty() && !peer.lines("asked 1 5 1").is_empty());
}

#[test]
fn contacts_are_switched_over_tcp() {
    if let Some(peer) = Peer::tcp(HOLDS) {
        contacts_are_switched(peer);
    }
}

#[test]
fn contacts_are_switched_on_a_serial_line() {
    if let Some(peer) = Peer::rtu(HOLDS) {
        contacts_are_switched(peer);
    }
}

#[test]
fn another_hand_is_seen() {
    let Some(mut peer) = Peer::tcp(HOLDS) else { return };
    let mut site = site(&peer, &[]);
    let coil = site.output("it.coil", OutputKind::Contact, &[("register", "1")]);
    let running = Running::start(site.open());
    let mut leaves = leaves(&running, &site.catalog);
    assert_eq!(write(&running, &mut leaves, coil, Wanted::CLOSED), WriteResult::Done);
    wait_actual(&running, coil, Some(Wanted::CLOSED), 0);
    let from = so_far(&running);
    peer.say("set 1 5 1 0");
    wait_actual(&running, coil, Some(Wanted::OPEN), from);
}

#[test]
fn setpoints_are_written_with_their_timer_and_read_back() {
    let Some(mut peer) = Peer::tcp(HOLDS) else { return };
    let mut site = site(&peer, &[]);
    let watts = Unit::parse("W").unwrap();
    let keys = [
        ("register", "20"),
        ("type", "i32"),
        ("scale", "-10"),
        ("before", "40 = 60, 0x0029 = -1"),
        ("after", "42 = 1"),
    ];
    let power = site.output("it.power", OutputKind::Setpoint(watts), &keys);
    let small =
        site.output("it.small", OutputKind::Setpoint(watts), &[("register", "30"), ("write", "multiple")]);
    let running = Running::start(site.open());
    let mut leaves = leaves(&running, &site.catalog);
    assert_eq!(write(&running, &mut leaves, power, level(1504.0)), WriteResult::Done);
    // -150.4 in steps of ten watts, and still what it was told.
    wait_actual(&running, power, Some(level(1504.0)), 0);
    assert_eq!(peer.holds(1, 3, 20, 2), [0xFFFF, 0xFF6A]);
    assert_eq!(peer.holds(1, 3, 40, 3), [60, 0xFFFF, 1]);
    let writes: Vec<String> =
        peer.lines("asked").into_iter().filter(|line| !line.starts_with("asked 1 3")).collect();
    let order: Vec<&str> =
        writes.iter().map(|line| &line[8..]).map(|line| line.rsplit_once(' ').unwrap().0).collect();
    let mut distinct = order.clone();
    distinct.dedup();
    assert_eq!(distinct, ["6 40", "6 41", "16 20", "6 42"], "{writes:?}");
    // Another hand moves it by one of its steps.
    let from = so_far(&running);
    peer.say("set 1 16 20 0xFFFF 0xFF69");
    wait_actual(&running, power, Some(level(1510.0)), from);
    assert_eq!(write(&running, &mut leaves, small, level(65_000.0)), WriteResult::Done);
    assert_eq!(peer.holds(1, 3, 30, 1), [65_000]);
    assert_eq!(write(&running, &mut leaves, small, level(65_536.0)), WriteResult::Impossible);
    assert_eq!(peer.holds(1, 3, 30, 1), [65_000], "what does not fit is not written");
}

#[test]
fn what_became_of_a_write_is_said() {
    let Some(mut peer) = Peer::tcp(HOLDS) else { return };
    let mut site = site(&peer, &[]);
    let coil = site.output("it.coil", OutputKind::Contact, &[("register", "1"), ("state_register", "none")]);
    let running = Running::start(site.open());
    let mut leaves = leaves(&running, &site.catalog);
    for (trouble, wanted, expected) in [
        ("refuse 1 4", Wanted::CLOSED, WriteResult::Impossible),
        ("refuse 1 0", Wanted::OPEN, WriteResult::Done),
        ("refuse 1 11", Wanted::CLOSED, WriteResult::Unconfirmed),
        ("refuse 1 0", Wanted::OPEN, WriteResult::Done),
        ("lie 1 transaction", Wanted::CLOSED, WriteResult::Unconfirmed),
        ("lie 1 nothing", Wanted::OPEN, WriteResult::Done),
        ("lie 1 silent", Wanted::CLOSED, WriteResult::Unconfirmed),
    ] {
        peer.say(trouble);
        // It has obeyed once it says something else.
        peer.holds(1, 1, 0, 1);
        assert_eq!(write(&running, &mut leaves, coil, wanted), expected, "{trouble}");
    }
}
