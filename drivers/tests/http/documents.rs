//! Documents good and bad, and servers that are slow, die and send us elsewhere.

use crate::peer::{Peer, is_said};
use crate::support::{Running, Site, base};
use ballast_drivers::readings::{Batch, Report};
use ballast_model::{PointId, Quality, Reason};

fn good(heard: &Batch, point: PointId) -> usize {
    heard.samples.iter().filter(|sample| sample.point == point && sample.quality.is_good()).count()
}

fn is_bad(heard: &Batch, point: PointId) -> bool {
    let bad = Quality::Bad(Reason::NotAValue);
    heard.samples.iter().any(|sample| sample.point == point && sample.quality == bad)
}

#[test]
fn one_request_feeds_every_point_of_a_document() {
    for peer in [Peer::closing(), Peer::keeping()] {
        let Some(peer) = peer else { return };
        let mut site = Site::new("http", &[("url", &peer.url())]);
        let power = site.number("it.power", "W", &[("path", "/device"), ("pointer", "/power")]);
        let asked = site.number("it.asked", "1", &[("path", "/device"), ("pointer", "/asked")]);
        let chunks = site.number("it.chunks", "W", &[("path", "/chunks"), ("pointer", "/power")]);
        let text = site.number("it.text", "1", &[("path", "/base64/MjEuNQ==")]);
        let running = Running::start(site.open());
        running.wait_last(power, base(12.5), Quality::Good);
        running.wait_last(chunks, base(7.0), Quality::Good);
        running.wait_last(text, base(21.5), Quality::Good);
        let heard = running.wait("more values", |heard| good(heard, asked) >= 20);
        let counts = heard.samples.iter().filter(|sample| sample.point == asked);
        let counts: Vec<f64> = counts.map(|sample| sample.value.unwrap().number().unwrap().get()).collect();
        let expected: Vec<f64> = (1..=counts.len()).map(|count| count as f64).collect();
        assert_eq!(counts, expected, "one request for both points");
    }
}

#[test]
fn a_connection_is_kept_where_the_device_keeps_it() {
    let Some(peer) = Peer::files(&[("power", "12.5")]) else { return };
    let mut site = Site::new("http", &[("url", &peer.url())]);
    let power = site.number("it.power", "W", &[("path", "/power")]);
    let running = Running::start(site.open());
    running.wait("values", |heard| good(heard, power) >= 30);
    assert_eq!(running.handle.counters().connects, 1);
}

#[test]
fn what_is_no_data_is_said_in_words_and_is_no_value() {
    let Some(peer) = Peer::keeping() else { return };
    let root = peer.url();
    let mut site = Site::new("http", &[("url", &root)]);
    let mut add = |name: &str, path: &str, pointer: &str| {
        site.number(&format!("it.{name}"), "W", &[("path", path), ("pointer", pointer)])
    };
    let cases = [
        ("html", "/html", "/power", "/html answered a page, not data"),
        ("missing", "/status/404", "/power", "/status/404 is not there (404)"),
        ("broken", "/status/500", "/power", "/status/500 answered with status 500"),
        ("refused", "/basic-auth/u/p", "/power", "/basic-auth/u/p refuses us"),
        ("forbidden", "/status/403", "/power", "/status/403 refuses us"),
        ("loop", "/loop", "/power", "/loop sends us on and on"),
        ("elsewhere", "/elsewhere", "/power", "to another server (http://192.0.2.1:81)"),
        ("packed", "/gzip", "/gzipped", "/gzip answered packed data"),
        ("robots", "/robots.txt", "/power", "/robots.txt answered something that is not JSON"),
    ];
    let points: Vec<PointId> =
        cases.iter().map(|(name, path, pointer, _)| add(name, path, pointer)).collect();
    let wrong = add("wrong_type", "/device", "/ison");
    let no_place = add("no_place", "/device", "/nowhere");
    let moved = add("moved", "/moved", "/power");
    let running = Running::start(site.open());
    for ((name, _, _, said), point) in cases.iter().zip(&points) {
        let heard = running.wait(said, |heard| is_said(heard, said) && is_bad(heard, *point));
        assert_eq!(good(&heard, *point), 0, "{name}");
        assert!(!is_said(&heard, "secret"), "what stands behind a question mark is not shown");
    }
    running.wait_last(wrong, None, Quality::Bad(Reason::NotAValue));
    running.wait_last(no_place, None, Quality::Bad(Reason::NotAValue));
    running.wait_last(moved, base(12.5), Quality::Good);
    // Who asks for the point is told the same.
    let missing = points[cases.iter().position(|case| case.3.contains("/status/404")).unwrap()];
    running.wait("the point's own word", |heard| {
        let mut of_point = heard.reports.iter().filter_map(|report| match report {
            Report::Unclear { points, text: Some(text), .. } if points.contains(&missing) => Some(text),
            _ => None,
        });
        of_point.any(|text| text.contains("/status/404 is not there"))
    });
    // Said once, however often it is asked.
    let heard = running.wait("many answers", |heard| good(heard, moved) >= 10);
    let is_it =
        |report: &&Report| matches!(report, Report::Link { text, .. } if text.contains("/status/404 is not"));
    let times = heard.reports.iter().filter(is_it);
    assert_eq!(times.count(), 1);
}

#[test]
fn too_much_too_little_and_too_late_is_no_answer() {
    for (path, why) in [("/huge", "damaged"), ("/short", "damaged"), ("/slow", "does not answer")] {
        let Some(peer) = Peer::keeping() else { return };
        let mut site = Site::new("http", &[("url", &peer.url()), ("timeout", "500 ms")]);
        let point = site.number("it.power", "W", &[("path", path), ("pointer", "/power")]);
        let running = Running::start(site.open());
        let heard = running.wait(why, |heard| is_said(heard, why));
        running.wait_offline(point);
        assert_eq!(good(&heard, point), 0, "{path}");
    }
}

#[test]
fn a_device_that_dies_is_missed_alone_and_comes_back() {
    let (Some(mut peer), Some(other)) = (Peer::keeping(), Peer::closing()) else { return };
    let mut site = Site::new("http", &[("url", &other.url())]);
    let power = [("path", "/device"), ("pointer", "/power")];
    let here = site.number("it.here", "W", &power);
    let dies = site.number("it.dies", "W", &[&power[..], &[("url", &peer.url())]].concat());
    let running = Running::start(site.open());
    running.wait_last(dies, base(12.5), Quality::Good);
    peer.kill();
    running.wait_offline(dies);
    let heard = running.wait("the other one", |heard| good(heard, here) >= 5);
    let before = good(&heard, here);
    running.wait("the other one", |heard| good(heard, here) >= before + 20);
    peer.restart();
    running.wait_last(dies, base(12.5), Quality::Good);
}
