//! Brokers that misbehave: they send garbage, refuse, or fall silent with the connection open.

use crate::permits::Leaves;
use crate::support::{Running, Site};
use ballast_drivers::{Clock, Report, WriteResult};
use ballast_model::Wanted;
use ballast_model::catalog::OutputKind;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const ACCEPTED: &[u8] = &[0x20, 2, 0, 0];

/// Serves one connection: waits for the introduction, sends `answer`, and goes on with `then`.
fn serve(answer: &'static [u8], then: impl FnOnce(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut introduction = [0; 256];
        assert!(stream.read(&mut introduction).unwrap() > 0);
        stream.write_all(answer).unwrap();
        then(stream);
    });
    format!("mqtt://{address}")
}

/// Reads until the other side ends.
fn read_on(mut stream: TcpStream) {
    while stream.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {}
}

fn start(url: &str, keys: &[(&str, &str)]) -> (Site, Running) {
    let keys: Vec<(&str, &str)> = [("url", url)].into_iter().chain(keys.iter().copied()).collect();
    let mut site = Site::new("mqtt", &keys);
    site.number("a.x", "W", &[("topic", "a/x")]);
    site.output("relay", OutputKind::Contact, &[("topic", "relay/set")]);
    let running = Running::start(site.open());
    (site, running)
}

/// The texts of the link, in order.
fn words(running: &Running, is_enough: impl Fn(&[(bool, String)]) -> bool) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    running.wait("word of the link", |heard| {
        let link = |report: &Report| match report {
            Report::Link { is_up, text, .. } => Some((*is_up, text.to_string())),
            _ => None,
        };
        found = heard.reports.iter().filter_map(link).collect();
        is_enough(&found)
    });
    found
}

#[test]
fn garbage_in_place_of_an_answer() {
    for (answer, part) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "closed the connection"),
        (&[0xff; 32], "does not speak MQTT"),
        (&[0x20, 2, 0, 77], "does not speak MQTT"),
        (&[0x20, 2, 0, 5], "not allowed"),
        (&[0x20, 2, 0, 1], "does not speak MQTT"),
        (&[0xd0, 0], "does not speak MQTT"),
        (&[0x20], "closed the connection"),
        (&[], "closed the connection"),
    ] {
        let (_site, running) = start(&serve(answer, |_| {}), &[]);
        let words = words(&running, |words| !words.is_empty());
        assert!(!words[0].0 && words[0].1.contains(part), "{words:?}");
    }
}

#[test]
fn garbage_after_the_introduction() {
    for garbage in [
        &[0x00, 0x00][..],
        &[0xff; 64],
        &[0x30, 0x05, 0x00, 0x09, b'a', b'b', b'c'], // a topic longer than its packet
        &[0x30, 0x04, 0x00, 0x02, 0xff, 0xfe],       // a topic that is no text
        &[0x32, 0x05, 0x00, 0x01, b'a', 0x00, 0x00], // packet id 0
        &[0x36, 0x03, 0x00, 0x01, b'a'],             // quality of service 3
        &[0x30, 0xff, 0xff, 0xff, 0xff, 0x01],       // a length of five bytes
        &[0x20, 0x02, 0x00, 0x00],                   // accepted twice
        &[0x82, 0x06, 0x00, 0x01, 0x00, 0x01, b'a', 0x00], // a subscription from the broker
    ] {
        let garbage: &'static [u8] = garbage;
        let url = serve(ACCEPTED, move |mut stream| {
            stream.write_all(garbage).unwrap();
            read_on(stream);
        });
        let (_site, running) = start(&url, &[]);
        let words = words(&running, |words| words.len() > 1);
        assert!(words[0].0 && !words[1].0, "{words:?}");
        assert!(words[1].1.contains("does not speak MQTT"), "{garbage:x?}: {words:?}");
    }
}

#[test]
fn a_subscription_that_is_refused_is_told() {
    let url = serve(ACCEPTED, |mut stream| {
        let mut subscription = [0; 256];
        assert!(stream.read(&mut subscription).unwrap() > 0);
        let [_, _, high, low, ..] = subscription;
        stream.write_all(&[0x90, 3, high, low, 0x80]).unwrap();
        read_on(stream);
    });
    let (_site, running) = start(&url, &[]);
    let words = words(&running, |words| words.len() > 1);
    assert_eq!(words[1], (true, "the broker does not let us read `a/x`".to_owned()));
    assert_eq!(running.handle.counters().subscriptions_refused, 1);
}

/// Takes as long as the patience of the bus, [`ballast_drivers::limits::STALL_MAX`].
#[test]
fn a_broker_that_falls_silent_is_given_up() {
    let (_site, asleep) = start(&serve(ACCEPTED, read_on), &[("keep_alive", "2 s")]);
    let (site, deaf) = start(&serve(ACCEPTED, read_on), &[("keep_alive", "60 s")]);
    deaf.wait_link(true, 0);
    let output = site.definition.outputs[0].output;
    let permit =
        Leaves::new(&site.catalog, deaf.clock.now()).permit(deaf.clock.now(), output, Wanted::CLOSED);
    let counter = permit.counter();
    deaf.handle.apply(permit).unwrap();
    assert_eq!(deaf.wait_written(counter), WriteResult::Unconfirmed);
    for running in [asleep, deaf] {
        let words = words(&running, |words| words.len() > 1);
        assert_eq!(words[1], (false, "the connection stalled".to_owned()));
    }
}
