//! Outputs: told, confirmed, read back.

use crate::peer::Peer;
use crate::permits::Leaves;
use crate::support::{Running, Site, base};
use ballast_drivers::readings::Batch;
use ballast_drivers::{Clock, Report, WriteResult};
use ballast_model::catalog::OutputKind;
use ballast_model::{Finite, OutputId, Quality, Unit, Wanted};

fn wait_actual(running: &Running, output: OutputId, wanted: Option<Wanted>) {
    running.wait("the state", |heard| {
        let last = heard.reports.iter().rev().find_map(|report| match report {
            Report::Actual { output: of, actual, .. } if *of == output => Some(*actual),
            _ => None,
        });
        last == Some(wanted)
    });
}

const STATE: [(&str, &str); 3] =
    [("state_path", "/device"), ("state_pointer", "/ison"), ("state_period", "1 h")];

#[test]
fn a_relay_is_told_and_shows_at_once_what_it_is() {
    let get: &[(&str, &str)] =
        &[("closed", "/relay?turn=on"), ("open", "/relay?turn=off"), ("confirm", "/ison")];
    let post: &[(&str, &str)] = &[
        ("method", "post"),
        ("closed", "/relay"),
        ("open", "/relay"),
        ("closed_body", "{\"turn\":\"on\"}"),
        ("open_body", "{\"turn\":\"off\"}"),
    ];
    for peer in [Peer::closing(), Peer::keeping()] {
        let Some(peer) = peer else { return };
        for keys in [get, post] {
            let mut site = Site::new("http", &[("url", &peer.url())]);
            let output = site.output("it.contact", OutputKind::Contact, &[keys, &STATE].concat());
            let running = Running::start(site.open());
            wait_actual(&running, output, Some(Wanted::OPEN));
            let mut leaves = Leaves::new(&site.catalog, running.clock.now());
            for wanted in [Wanted::CLOSED, Wanted::OPEN] {
                let permit = leaves.permit(running.clock.now(), output, wanted);
                let counter = permit.counter();
                running.handle.apply(permit).unwrap();
                assert_eq!(running.wait_written(counter), WriteResult::Done);
                // Its state is asked for once in an hour, and after each command.
                wait_actual(&running, output, Some(wanted));
            }
        }
    }
}

#[test]
fn what_does_not_confirm_was_not_done() {
    let Some(peer) = Peer::keeping() else { return };
    let mut site = Site::new("http", &[("url", &peer.url())]);
    let mut output = |name: &str, closed: &str| {
        let keys = [("closed", closed), ("open", "/relay?turn=off"), ("confirm", "/ison")];
        site.output(name, OutputKind::Contact, &keys)
    };
    // An answer without the word, a page, an error, and one that sends us elsewhere after who knows what.
    let outputs = [
        (output("it.a", "/relay?turn=sideways"), WriteResult::Impossible),
        (output("it.b", "/html"), WriteResult::Impossible),
        (output("it.c", "/status/500"), WriteResult::Impossible),
        (output("it.d", "/moved"), WriteResult::Unconfirmed),
    ];
    let running = Running::start(site.open());
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    for (output, expected) in outputs {
        running.handle.apply(leaves.permit(running.clock.now(), output, Wanted::CLOSED)).unwrap();
        let result = |heard: &Batch| {
            heard.reports.iter().find_map(|report| match report {
                Report::Written { output: of, result, .. } if *of == output => Some(*result),
                _ => None,
            })
        };
        let heard = running.wait("the result", |heard| result(heard).is_some());
        assert_eq!(result(&heard), Some(expected));
    }
}

#[test]
fn a_setpoint_is_a_number_in_a_path() {
    let Some(peer) = Peer::keeping() else { return };
    let mut site = Site::new("http", &[("url", &peer.url())]);
    let keys = [("path", "/level?to={}"), ("state_path", "/device"), ("state_pointer", "/power")];
    let kilowatts = OutputKind::Setpoint(Unit::parse("kW").unwrap());
    let output = site.output("it.power", kilowatts, &keys);
    let power = site.number("it.read", "kW", &[("path", "/device"), ("pointer", "/power")]);
    let running = Running::start(site.open());
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    let wanted = Wanted::Level(Finite::new(1500.0).unwrap());
    let permit = leaves.permit(running.clock.now(), output, wanted);
    let counter = permit.counter();
    running.handle.apply(permit).unwrap();
    assert_eq!(running.wait_written(counter), WriteResult::Done);
    running.wait_last(power, base(1500.0), Quality::Good);
    wait_actual(&running, output, Some(wanted));
}
