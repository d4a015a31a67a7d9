//! Buses on which we ask, against a device in another process that is slow, dies, lies and answers late.

use crate::broker::find;
use crate::folder::Folder;
use crate::permits::Leaves;
use crate::polled_peer::{Lines, Peer, answer};
use crate::ports::free_port;
use crate::support::{Running, Site, base};
use ballast_drivers::http::{self, Response};
use ballast_drivers::point::{PointReader, Raw};
use ballast_drivers::readings::{Batch, Freshness, Readings};
use ballast_drivers::shape::{Answer, Heed, Job, Poller, Read, Roster, Told, Unit};
use ballast_drivers::{Clock, DriverSpec, OpenBus, Parity, Report, Wire, WriteResult};
use ballast_guard::plan::Strength;
use ballast_model::catalog::OutputKind;
use ballast_model::{Dimension, Mono, OutputId, PointId, Quality, Reason, Span, Wanted};
use nix::pty::openpty;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

const PERIOD: Span = Span::from_millis(20);
const TIMEOUT: Span = Span::from_millis(150);

static SPEC: DriverSpec = DriverSpec {
    name: "lines",
    about: "lines of the tests",
    is_experimental: true,
    is_network: true,
    is_shareable: false,
    exclusive_key: None,
    strength: Strength::Soft,
    reads_every: None,
    bus_keys: &[],
    point_keys: &[],
    output_keys: &[],
    open: |_, _| Err(Vec::new()),
};

/// A bus of these units, by their number, each with one point and one output; the points are in order of the units.
fn bus(wires: Vec<Wire>, units: &[(&str, usize)], timeout: Span) -> (Site, OpenBus) {
    bus_with(wires, units, PERIOD, timeout)
}

fn bus_with(wires: Vec<Wire>, units: &[(&str, usize)], period: Span, timeout: Span) -> (Site, OpenBus) {
    let mut site = Site::new("lines", &[]);
    let mut roster = Roster::default();
    for (place, (number, wire)) in units.iter().enumerate() {
        roster.units.push(Unit { name: (*number).into(), wire: *wire });
        roster.reads.push(Read { unit: place, period, timeout, slots: vec![place] });
        let output = site.output(&format!("relay_{place}"), OutputKind::Contact, &[]);
        roster.outputs.push(Told { output, unit: place, timeout, read_back: Some(place) });
    }
    let point = |place: usize| (PointId(place as u32), PointReader::of_unit(Dimension::Voltage.base()));
    let readings = Readings::new((0..units.len()).map(point));
    let bus = OpenBus::polled("bus", &SPEC, readings, wires, Box::new(Lines { roster }));
    (site, bus)
}

fn tcp(peer: &Peer) -> Wire {
    Wire::Tcp { host: "127.0.0.1".into(), port: peer.port }
}

/// How many good values of a point came, all of which must be those of its unit.
fn good(heard: &Batch, place: usize, number: &str) -> usize {
    let own = base(format!("{number}0{place}").parse().unwrap());
    let of_point = heard.samples.iter().filter(|sample| sample.point == PointId(place as u32));
    let values: Vec<_> =
        of_point.filter(|sample| sample.quality.is_good()).map(|sample| sample.value).collect();
    assert!(values.iter().all(|value| *value == own), "unit {number} has another's value: {values:?}");
    values.len()
}

fn is_offline(heard: &Batch, place: usize) -> bool {
    let last = heard.samples.iter().rev().find(|sample| sample.point == PointId(place as u32));
    last.is_some_and(|sample| sample.quality == Quality::Bad(Reason::Offline))
}

#[test]
fn bad_units_neither_slow_the_good_ones_nor_lend_them_their_answers() {
    let peer = Peer::start();
    let units = [("1", 0), ("2", 0), ("3", 0), ("4", 0), ("5", 0), ("6", 0), ("7", 0), ("8", 0)];
    let (_site, bus) = bus(vec![tcp(&peer)], &units, TIMEOUT);
    let running = Running::start(bus);
    let heard = running.wait("a hundred good values", |heard| {
        good(heard, 0, "1") >= 100 && good(heard, 6, "7") >= 100 && good(heard, 3, "4") >= 1
    });
    for place in [1, 2, 5, 7] {
        assert!(is_offline(&heard, place), "unit {}", units[place].0);
        assert_eq!(good(&heard, place, units[place].0), 0);
        let asked = peer.count(&format!("R{}", units[place].0));
        assert!((3..=12).contains(&asked), "unit {} was asked {asked} times", units[place].0);
    }
    let refused = heard.samples.iter().filter(|sample| sample.point == PointId(4));
    assert!(refused.clone().count() > 20, "a unit that says no is there");
    assert!(refused.clone().all(|sample| sample.quality == Quality::Bad(Reason::NotAValue)));
    let counters = running.handle.counters();
    assert!(counters.timeouts >= 6 && counters.strange >= 3, "{counters:?}");
    // A connection for every time-out, every strange and every double answer.
    assert!(counters.connects > counters.timeouts, "{counters:?}");
}

#[test]
fn a_flood_of_answers_is_handed_on_together_and_never_waits_for_a_slow_device() {
    const WAITED: Duration = Duration::from_millis(1500);
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    // It answers at once, but for unit 2, which never does.
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                stream.set_nodelay(true).unwrap();
                for line in BufReader::new(&stream).lines().map_while(Result::ok) {
                    if let Some(bytes) = answer(&line) {
                        (&stream).write_all(&bytes).ok();
                    }
                }
            });
        }
    });
    let wire = Wire::Tcp { host: "127.0.0.1".into(), port };
    let mut units = vec![("1", 0); 20];
    units.push(("2", 0));
    let timeout = Span::from_nanos(WAITED.as_nanos() as u64);
    let (_site, bus) = bus_with(vec![wire], &units, Span::from_millis(1), timeout);
    let running = Running::start(bus);
    running.wait("the unit that never answers", |heard| is_offline(heard, 20));
    let samples = running.wait("samples", |heard| heard.samples.len() > 3000).samples.len();
    // Three times the bus waited for it, each time with what had come before; a busy machine has a margin.
    assert!(running.ear.longest() < Span::from_millis(750), "{}", running.ear.longest());
    // Each answer brings a reading of its point and of nothing else: alone, every delivery has one. How many come together
    // is told in `gather.rs`; on a busy machine only some answers come fast enough for a flood.
    let each = samples as f64 / running.ear.deliveries() as f64;
    assert!(each > 1.2, "{each} answers handed on at once");
}

#[test]
fn a_device_that_dies_is_missed_and_comes_back() {
    let mut peer = Peer::start();
    let mut other = Peer::start();
    let (_site, bus) = bus(vec![tcp(&peer), tcp(&other)], &[("1", 0), ("7", 1)], TIMEOUT);
    let running = Running::start(bus);
    running.wait("values", |heard| good(heard, 0, "1") > 3 && good(heard, 1, "7") > 3);
    peer.kill();
    let heard = running.wait("the loss", |heard| is_offline(heard, 0));
    let out_of_reach =
        |report: &&Report| matches!(report, Report::Reach { output: OutputId(0), is_there: false, .. });
    assert_eq!(heard.reports.iter().filter(out_of_reach).count(), 1);
    let before = good(&heard, 1, "7");
    running.wait("the other one", |heard| good(heard, 1, "7") > before + 20);
    peer.restart();
    running.wait("its return", |heard| {
        let last = heard.samples.iter().rev().find(|sample| sample.point == PointId(0));
        last.is_some_and(|sample| sample.quality.is_good())
    });
    running.wait("word of it", |heard| {
        let last = heard.reports.iter().rev().find_map(|report| match report {
            Report::Reach { output: OutputId(0), is_there, .. } => Some(*is_there),
            _ => None,
        });
        last == Some(true)
    });
    other.kill();
    running.wait("the other loss", |heard| is_offline(heard, 1));
}

#[test]
fn writes_go_first_and_say_what_became_of_them() {
    let peer = Peer::start();
    // Long enough for three permits, however busy the machine is.
    let (site, bus) = bus(vec![tcp(&peer)], &[("1", 0), ("2", 0), ("5", 0)], Span::from_secs(1));
    let running = Running::start(bus);
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    // While the silent unit is waited for, permits gather.
    peer.wait_asked("R2", 0);
    let from = peer.asked().len();
    let mut counters = Vec::new();
    for wanted in [Wanted::CLOSED, Wanted::OPEN, Wanted::CLOSED] {
        let permit = leaves.permit(running.clock.now(), OutputId(0), wanted);
        counters.push(permit.counter());
        running.handle.apply(permit).unwrap();
    }
    for counter in counters {
        assert_eq!(running.wait_written(counter), WriteResult::Done);
    }
    peer.wait_asked("R", from + 3);
    let asked = peer.asked();
    let first = asked.iter().position(|line| line.starts_with('W')).unwrap();
    assert_eq!(asked[first..first + 3], ["W1 0 1", "W1 0 0", "W1 0 1"], "{asked:?}");
    assert_eq!(asked[first + 3], "R1 0", "and then what shows it: {asked:?}");
    let mut write = |output: u32| {
        let permit = leaves.permit(running.clock.now(), OutputId(output), Wanted::CLOSED);
        running.handle.apply(permit).unwrap();
    };
    write(2);
    write(1);
    let result = |output: u32| {
        let of = |heard: &Batch| {
            heard.reports.iter().find_map(|report| match report {
                Report::Written { output: of, result, .. } if *of == OutputId(output) => Some(*result),
                _ => None,
            })
        };
        of(&running.wait("a result", |heard| of(heard).is_some())).unwrap()
    };
    assert_eq!(result(2), WriteResult::Impossible, "it said no");
    // Asked by now often enough to be gone, or the last try: nothing is known of it in either case.
    assert!(matches!(result(1), WriteResult::Offline | WriteResult::Unconfirmed));
}

#[test]
fn on_a_shared_line_a_late_answer_is_waited_out() {
    let line = openpty(None, None).unwrap();
    let port = nix::unistd::ttyname(&line.slave).unwrap();
    let mut device = File::from(line.master);
    let requests = BufReader::new(device.try_clone().unwrap());
    std::thread::spawn(move || {
        // The line ends with the test.
        for line in requests.lines().map_while(Result::ok) {
            let late = line.starts_with("R3").then(|| b"=302\n".to_vec());
            if late.is_some() {
                // The line is busy meanwhile: this one process is all devices. Longer than the time-out, which is 150 ms.
                std::thread::sleep(Duration::from_millis(200));
            }
            let Some(bytes) = late.or_else(|| answer(&line)) else { continue };
            if device.write_all(&bytes).is_err() {
                return;
            }
        }
    });
    let pause = Span::from_millis(2);
    let wire = Wire::Serial { port, speed: 9600, parity: Parity::None, is_two_stop_bits: false, pause };
    let (_site, bus) = bus(vec![wire], &[("1", 0), ("7", 0), ("3", 0)], TIMEOUT);
    let running = Running::start(bus);
    let heard = running.wait("good values", |heard| {
        good(heard, 0, "1") >= 30 && good(heard, 1, "7") >= 30 && is_offline(heard, 2)
    });
    assert_eq!(good(&heard, 2, "3"), 0);
    drop(line.slave);
}

/// Asks for one document and takes it for a number.
struct Page {
    roster: Roster,
    host: String,
}

impl Poller for Page {
    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn ask(&mut self, job: Job, request: &mut Vec<u8>) -> bool {
        let path = if job == Job::Read(0) { "/value" } else { "/nothing" };
        http::Request { method: "GET", host: &self.host, path, headers: &[], body: None }.write(request)
    }

    fn answer(&mut self, job: Job, bytes: &[u8], is_end: bool, now: Mono, out: &mut Readings) -> Answer {
        let Job::Read(read) = job else { return Answer::Strange };
        match http::read(bytes, is_end) {
            Response::Unfinished => Answer::Unfinished,
            Response::Damaged => Answer::Strange,
            Response::Whole { status: 200, body, used, .. } => {
                let good = u32::from(out.put(read, Raw::Text(&body), Freshness::Live, now));
                Answer::Done { used, heed: Heed { good, bad: 1 - good, unknown: 0 } }
            }
            Response::Whole { used, .. } => {
                out.bad(read, Reason::NotAValue, now);
                Answer::Refused { used }
            }
        }
    }

    fn reset(&mut self, _: usize) {}
}

#[test]
fn documents_of_a_web_server_are_read() {
    if find("python3").is_none() {
        return;
    }
    let port = free_port();
    let folder = Folder::new("documents");
    folder.write("value", "230.5\n");
    // A server that was not written here: it closes after every response.
    let mut server = Command::new("python3")
        .args(["-m", "http.server", &port.to_string(), "--bind", "127.0.0.1"])
        .current_dir(&folder.0)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let read = |slot| Read { unit: 0, period: PERIOD, timeout: Span::from_secs(5), slots: vec![slot] };
    let roster = Roster {
        units: vec![Unit { name: "server".into(), wire: 0 }],
        reads: vec![read(0), read(1)],
        outputs: Vec::new(),
    };
    let point = |place: u32| (PointId(place), PointReader::of_unit(Dimension::Voltage.base()));
    let page = Page { roster, host: format!("127.0.0.1:{port}") };
    let wire = Wire::Tcp { host: "127.0.0.1".into(), port };
    let readings = Readings::new([point(0), point(1)]);
    let running = Running::start(OpenBus::polled("web", &SPEC, readings, vec![wire], Box::new(page)));
    running.wait_last(PointId(0), base(230.5), Quality::Good);
    running.wait_last(PointId(1), None, Quality::Bad(Reason::NotAValue));
    folder.write("value", "231");
    running.wait_last(PointId(0), base(231.0), Quality::Good);
    server.kill().unwrap();
    server.wait().unwrap();
    running.wait_offline(PointId(0));
}
