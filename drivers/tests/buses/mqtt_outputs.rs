//! Outputs over a real broker, watched by mosquitto's own client.

use crate::broker::{Broker, Witness};
use crate::permits::{LEASE, Leaves};
use crate::support::{Running, Site};
use ballast_drivers::{Clock, Report, WriteResult};
use ballast_model::catalog::OutputKind;
use ballast_model::{Finite, OutputId, Quality, Reason, Span, Unit, Value, Wanted};

const RELAY: [(&str, &str); 2] = [("topic", "relay/1/set"), ("state_topic", "relay/1/state")];

fn relay(broker: &Broker, keys: &[(&str, &str)]) -> (Site, OutputId) {
    let mut site = Site::new("mqtt", &[("url", &broker.url())]);
    let output = site.output("relay", OutputKind::Contact, keys);
    (site, output)
}

#[test]
fn a_permit_becomes_a_command_that_the_broker_confirms() {
    let Some(broker) = Broker::start("command", "") else { return };
    let (site, output) = relay(&broker, &RELAY);
    let witness = Witness::listen(&broker, "relay/#");
    let running = Running::start(site.open());
    running.wait_link(true, 0);
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    for (wanted, line) in [
        (Wanted::CLOSED, "0 relay/1/set ON"),
        (Wanted::OPEN, "0 relay/1/set OFF"),
        (Wanted::CLOSED, "0 relay/1/set ON"),
    ] {
        let permit = leaves.permit(running.clock.now(), output, wanted);
        let counter = permit.counter();
        running.handle.apply(permit).unwrap();
        assert_eq!(running.wait_written(counter), WriteResult::Done);
        assert_eq!(witness.line(), line);
    }
    assert_eq!(running.handle.counters().written, 3);
}

#[test]
fn setpoints_words_and_retention_are_those_of_the_definition() {
    let Some(broker) = Broker::start("setpoint", "") else { return };
    let mut site = Site::new("mqtt", &[("url", &broker.url())]);
    let kilowatts = Unit::parse("kW").unwrap();
    let keys = [("topic", "plant/battery"), ("payload", "{\"kw\":{}}"), ("qos", "0"), ("retain", "yes")];
    let level = site.output("charge", OutputKind::Setpoint(kilowatts), &keys);
    let keys = [("topic", "plant/valve"), ("closed", "1"), ("open", "0")];
    let valve = site.output("valve", OutputKind::Contact, &keys);
    let witness = Witness::listen(&broker, "plant/#");
    let running = Running::start(site.open());
    running.wait_link(true, 0);
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    let wanted = Wanted::Level(Finite::new(1250.0).unwrap());
    for (output, wanted, line) in
        [(level, wanted, "0 plant/battery {\"kw\":1.25}"), (valve, Wanted::CLOSED, "0 plant/valve 1")]
    {
        let permit = leaves.permit(running.clock.now(), output, wanted);
        running.handle.apply(permit).unwrap();
        assert_eq!(witness.line(), line);
    }
    let late = Witness::listen(&broker, "plant/battery");
    assert_eq!(late.until_now(&broker), ["1 plant/battery {\"kw\":1.25}"], "the broker keeps the last one");
}

#[test]
fn a_permit_that_was_kept_too_long_writes_nothing() {
    let Some(broker) = Broker::start("stale", "") else { return };
    let (site, output) = relay(&broker, &RELAY);
    let witness = Witness::listen(&broker, "relay/#");
    let running = Running::start(site.open());
    running.wait_link(true, 0);
    let now = running.clock.now();
    let mut leaves = Leaves::new(&site.catalog, now.before(LEASE.times(2)));
    let stale = leaves.permit(now.before(LEASE.plus(Span::from_secs(1))), output, Wanted::CLOSED);
    let counter = stale.counter();
    running.handle.apply(stale).unwrap();
    assert_eq!(running.wait_written(counter), WriteResult::Expired);
    assert!(witness.until_now(&broker).is_empty());
    assert_eq!(running.handle.counters().permits_expired, 1);
}

#[test]
fn after_a_reconnection_only_fresh_permits_are_written() {
    let Some(mut broker) = Broker::start("fresh", "") else { return };
    let (site, output) = relay(&broker, &RELAY);
    let running = Running::start(site.open());
    let reports = running.wait_link(true, 0);
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    broker.kill();
    let reports = running.wait_link(false, reports);
    // Still good for a minute when the broker is back; and yet it must not be written then.
    let permit = leaves.permit(running.clock.now(), output, Wanted::CLOSED);
    let counter = permit.counter();
    running.handle.apply(permit).unwrap();
    assert_eq!(running.wait_written(counter), WriteResult::Offline);
    broker.restart();
    let witness = Witness::listen(&broker, "relay/#");
    running.wait_link(true, reports);
    assert!(witness.until_now(&broker).is_empty(), "nothing is written by a reconnection");
    let permit = leaves.permit(running.clock.now(), output, Wanted::OPEN);
    let counter = permit.counter();
    running.handle.apply(permit).unwrap();
    assert_eq!(running.wait_written(counter), WriteResult::Done);
    assert_eq!(witness.until_now(&broker), ["0 relay/1/set OFF"]);
}

#[test]
fn an_output_says_what_it_is_and_is_unknown_without_its_broker() {
    let Some(mut broker) = Broker::start("actual", "") else { return };
    let (site, output) = relay(&broker, &RELAY);
    broker.publish("relay/1/state", b"ON", &["-r", "-q", "1"]);
    let running = Running::start(site.open());
    let said = |actual: Option<Wanted>, quality: Quality| {
        running.wait(&format!("{actual:?}"), |heard| {
            let last = heard.reports.iter().rev().find_map(|report| match report {
                Report::Actual { output: of, actual, quality, .. } if *of == output => {
                    Some((*actual, *quality))
                }
                _ => None,
            });
            last == Some((actual, quality))
        });
    };
    said(Some(Wanted::CLOSED), Quality::Uncertain(Reason::Retained));
    broker.publish("relay/1/state", b"OFF", &["-q", "1"]);
    said(Some(Wanted::OPEN), Quality::Good);
    broker.publish("relay/1/state", b"perhaps", &["-q", "1"]);
    said(None, Quality::Bad(Reason::NotAValue));
    broker.publish("relay/1/state", b"ON", &["-q", "1"]);
    said(Some(Wanted::CLOSED), Quality::Good);
    broker.kill();
    said(None, Quality::Bad(Reason::Offline));
}

#[test]
fn a_bus_that_ends_says_so() {
    let Some(broker) = Broker::start("end", "") else { return };
    let (site, output) = relay(&broker, &RELAY);
    let witness = Witness::listen(&broker, "relay/#");
    let running = Running::start(site.open());
    running.wait_link(true, 0);
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    running.handle.apply(leaves.permit(running.clock.now(), output, Wanted::CLOSED)).unwrap();
    // What was taken before the end is written; the task then leaves by itself.
    let (task, _rest) = running.stop();
    let deadline = std::time::Instant::now() + crate::support::PATIENCE;
    while !task.is_finished() {
        assert!(std::time::Instant::now() < deadline, "the task does not end");
        std::thread::yield_now();
    }
    assert_eq!(witness.until_now(&broker), ["0 relay/1/set ON"]);
}

#[test]
fn a_device_that_says_it_is_gone_is_written_nothing_until_it_is_back() {
    let Some(broker) = Broker::start("presence", "") else { return };
    let presence = ("availability", "relay/1/status");
    let (mut site, output) = relay(&broker, &[RELAY[0], RELAY[1], presence]);
    let power = site.number("relay.power", "W", &[("topic", "relay/1/power"), presence]);
    let other = site.number("other.power", "W", &[("topic", "other/power")]);
    let running = Running::start(site.open());
    let reach = |is_there: bool| {
        running.wait("word of the device", |heard| {
            let last = heard.reports.iter().rev().find_map(|report| match report {
                Report::Reach { output: of, is_there, .. } if *of == output => Some(*is_there),
                _ => None,
            });
            last == Some(is_there)
        });
    };
    // The link alone says so, before anything was tried.
    reach(true);
    broker.publish("other/power", b"7", &["-r", "-q", "1"]);
    running.wait("the subscription", |heard| !heard.samples.is_empty());
    broker.publish("relay/1/power", b"5", &["-q", "1"]);
    running.wait_last(power, ballast_model::Finite::new(5.0).map(Value::Number), Quality::Good);
    broker.publish("relay/1/status", b"offline", &["-q", "1", "-r"]);
    running.wait_offline(power);
    reach(false);
    let witness = Witness::listen(&broker, "relay/1/set");
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    let mut write = |wanted| {
        let permit = leaves.permit(running.clock.now(), output, wanted);
        let counter = permit.counter();
        running.handle.apply(permit).unwrap();
        running.wait_written(counter)
    };
    assert_eq!(write(Wanted::CLOSED), WriteResult::Offline);
    assert!(witness.until_now(&broker).is_empty());
    broker.publish("relay/1/status", b"online", &["-q", "1", "-r"]);
    reach(true);
    // Its word brings no value back: that comes with the next reading.
    running.wait_offline(power);
    broker.publish("relay/1/power", b"6", &["-q", "1"]);
    running.wait_last(power, crate::support::base(6.0), Quality::Good);
    assert_eq!(write(Wanted::OPEN), WriteResult::Done);
    assert_eq!(witness.until_now(&broker), ["0 relay/1/set OFF"]);
    let heard = running.wait("the end", |_| true);
    let mut of_other = heard.samples.iter().filter(|sample| sample.point == other);
    assert!(of_other.all(|sample| sample.value.is_some()), "another device is not touched");
}

#[test]
fn others_see_whether_we_are_there() {
    let Some(broker) = Broker::start("status", "") else { return };
    let (mut site, _) = relay(&broker, &RELAY);
    site.catalog.site = "home".into();
    let witness = Witness::listen(&broker, "ballast/#");
    let running = Running::start(site.open());
    assert_eq!(witness.line(), "0 ballast/home/bus/status online");
    let (task, rest) = running.stop();
    assert_eq!(witness.line(), "0 ballast/home/bus/status offline");
    drop((task, rest));
    // Without a farewell the broker says it for us: here because another client takes the name away.
    let running = Running::start(site.open());
    assert_eq!(witness.line(), "0 ballast/home/bus/status online");
    broker.publish("other", b"", &["-i", "ballast-bus"]);
    assert_eq!(witness.line(), "0 ballast/home/bus/status offline");
    drop(running);
    let late = Witness::listen(&broker, "ballast/home/bus/status");
    assert_eq!(
        late.until_now(&broker),
        ["1 ballast/home/bus/status offline"],
        "kept for those who come later"
    );
}
