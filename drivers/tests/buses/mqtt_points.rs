//! Points over a real broker, published by mosquitto's own client.

use crate::broker::Broker;
use crate::support::{Running, Site, base};
use ballast_model::{Quality, Reason, Value};

#[test]
fn a_retained_message_is_uncertain_until_a_live_one_comes() {
    let Some(broker) = Broker::start("retained", "") else { return };
    let mut site = Site::new("mqtt", &[("url", &broker.url())]);
    let point = site.number("meter.power", "kW", &[("topic", "meter/power")]);
    broker.publish("meter/power", b"1.5", &["-r", "-q", "1"]);
    let running = Running::start(site.open());
    running.wait_last(point, base(1500.0), Quality::Uncertain(Reason::Retained));
    broker.publish("meter/power", b"1.5", &[]);
    running.wait_last(point, base(1500.0), Quality::Good);
}

#[test]
fn values_come_out_of_json_documents_in_base_units() {
    let Some(broker) = Broker::start("json", "") else { return };
    let mut site = Site::new("mqtt", &[("url", &broker.url())]);
    let topic = ("topic", "tele/pow1/SENSOR");
    let power = site.number("plug.power", "W", &[topic, ("pointer", "/ENERGY/Power")]);
    let energy = site.number("plug.energy", "kWh", &[topic, ("pointer", "/ENERGY/Total")]);
    let on = site.kind("plug.on", ballast_model::catalog::Kind::Flag, &[topic, ("pointer", "/POWER")]);
    let running = Running::start(site.open());
    running.wait_link(true, 0);
    let document = br#"{"Time":"2018-02-15T17:37:10","ENERGY":{"Total":6.294,"Power":2635},"POWER":"ON"}"#;
    // The subscription stands once a retained message has come.
    broker.publish("tele/pow1/SENSOR", document, &["-r", "-q", "1"]);
    running.wait("the document", |heard| heard.samples.len() >= 3);
    broker.publish("tele/pow1/SENSOR", document, &["-q", "1"]);
    running.wait_last(power, base(2635.0), Quality::Good);
    running.wait_last(energy, base(6294.0), Quality::Good);
    running.wait_last(on, Some(Value::Flag(true)), Quality::Good);
    // A document without the value says nothing of it; null is not zero; half a document is nothing.
    broker.publish("tele/pow1/SENSOR", br#"{"ENERGY":{"Total":7.0}}"#, &["-q", "1"]);
    running.wait_last(energy, base(7000.0), Quality::Good);
    running.wait_last(power, base(2635.0), Quality::Good);
    broker.publish("tele/pow1/SENSOR", br#"{"ENERGY":{"Power":null}}"#, &["-q", "1"]);
    running.wait_last(power, None, Quality::Bad(Reason::NotAValue));
    running.wait_last(energy, base(7000.0), Quality::Good);
    broker.publish("tele/pow1/SENSOR", br#"{"ENERGY":{"Total":8.0"#, &["-q", "1"]);
    running.wait_last(energy, None, Quality::Bad(Reason::NotAValue));
}

#[test]
fn garbage_is_bad_and_a_huge_message_costs_only_itself() {
    let Some(broker) = Broker::start("garbage", "") else { return };
    let mut site = Site::new("mqtt", &[("url", &broker.url())]);
    let point = site.number("meter.power", "W", &[("topic", "meter/power")]);
    let running = Running::start(site.open());
    broker.publish("meter/power", b"1", &["-r", "-q", "1"]);
    running.wait("the subscription", |heard| !heard.samples.is_empty());
    for payload in [&b"\xff\xfe\x00"[..], b"", b"nan", b"1,5", b"12 W", b"1e999", &[b'9'; 100_000]] {
        broker.publish("meter/power", b"3", &["-q", "1"]);
        running.wait_last(point, base(3.0), Quality::Good);
        broker.publish("meter/power", payload, &["-q", "1"]);
        running.wait_last(point, None, Quality::Bad(Reason::NotAValue));
    }
    broker.publish("meter/power", &vec![b'7'; 3_000_000], &["-q", "1"]);
    broker.publish("meter/power", b"4", &["-q", "1"]);
    running.wait_last(point, base(4.0), Quality::Good);
    let counters = running.handle.counters();
    assert_eq!((counters.oversize, counters.connects, counters.link_errors), (1, 1, 0));
    assert_eq!(counters.bad, 7);
}

#[test]
fn ten_thousand_messages_come_all_and_in_order_past_a_full_queue() {
    let Some(broker) = Broker::start("flood", "") else { return };
    let mut site = Site::new("mqtt", &[("url", &broker.url())]);
    let point = site.number("meter.count", "", &[("topic", "meter/count")]);
    let running = Running::start(site.open());
    broker.publish("meter/count", b"0", &["-r", "-q", "1"]);
    running.wait("the subscription", |heard| !heard.samples.is_empty());
    running.set_full(true);
    let lines: String = (1..=10_000).map(|number| format!("{number}\n")).collect();
    broker.publish_lines("meter/count", &lines);
    running.set_full(false);
    let heard = running.wait("all of them", |heard| heard.samples.len() > 10_000);
    let expected: Vec<Option<Value>> = (1..=10_000).map(|number| base(f64::from(number))).collect();
    let found: Vec<Option<Value>> = heard.samples.iter().skip(1).map(|sample| sample.value).collect();
    assert!(found == expected);
    assert!(heard.samples.iter().all(|sample| sample.point == point));
    assert!(heard.samples.is_sorted_by(|one, next| one.sequence < next.sequence));
    assert_eq!(running.handle.counters().messages, 10_001);
}

#[test]
fn a_thousand_topics_are_read() {
    let Some(broker) = Broker::start("topics", "") else { return };
    let mut site = Site::new("mqtt", &[("url", &broker.url())]);
    let topics: Vec<String> = (0..1000).map(|number| format!("meter/{number}/power")).collect();
    for topic in &topics {
        site.number(&topic.replace('/', "_"), "W", &[("topic", topic)]);
    }
    // The last ones in the order of the subscriptions: once they are there, all are.
    broker.publish("meter/999/power", b"5", &["-r", "-q", "1"]);
    let running = Running::start(site.open());
    running.wait("the retained value", |heard| !heard.samples.is_empty());
    for number in [0, 500, 998] {
        broker.publish(&format!("meter/{number}/power"), b"6", &["-q", "1"]);
    }
    running.wait("three values", |heard| heard.samples.len() == 4);
    assert_eq!(running.handle.counters().subscriptions_refused, 0);
}

#[test]
fn a_broker_that_dies_and_comes_back() {
    let Some(mut broker) = Broker::start("restart", "") else { return };
    let mut site = Site::new("mqtt", &[("url", &broker.url())]);
    let point = site.number("meter.power", "W", &[("topic", "meter/power")]);
    broker.publish("meter/power", b"1", &["-r", "-q", "1"]);
    let running = Running::start(site.open());
    running.wait_last(point, base(1.0), Quality::Uncertain(Reason::Retained));
    let reports = running.wait_link(true, 0);
    broker.kill();
    let reports = running.wait_link(false, reports);
    running.wait_offline(point);
    broker.restart();
    running.wait_link(true, reports);
    // The new broker has kept nothing: whatever comes is live, once the subscription stands.
    broker.publish("meter/power", b"2", &["-r", "-q", "1"]);
    running.wait("a value", |heard| heard.samples.last().is_some_and(|sample| sample.value == base(2.0)));
    let counters = running.handle.counters();
    assert_eq!(counters.connects, 2);
}

#[test]
fn a_broker_that_is_absent_at_the_start() {
    let Some(mut broker) = Broker::start("absent", "") else { return };
    broker.kill();
    let mut site = Site::new("mqtt", &[("url", &broker.url())]);
    let point = site.number("meter.power", "W", &[("topic", "meter/power")]);
    let running = Running::start(site.open());
    running.wait_link(false, 0);
    running.wait_offline(point);
    broker.restart();
    running.wait_link(true, 0);
    assert_eq!(running.wait("nothing more", |_| true).samples.len(), 1, "offline is told once");
}

#[test]
fn what_waited_for_a_kept_session_is_not_live() {
    let Some(broker) = Broker::start("kept", "") else { return };
    let keys = [("url", &*broker.url()), ("client", "ballast-kept"), ("session", "persistent")];
    let mut site = Site::new("mqtt", &keys);
    let point = site.number("meter.power", "W", &[("topic", "meter/power")]);
    let first = Running::start(site.open());
    broker.publish("meter/power", b"1", &["-r", "-q", "1"]);
    first.wait("the subscription", |heard| !heard.samples.is_empty());
    drop(first);
    broker.publish("meter/power", b"2", &["-q", "1"]);
    let second = Running::start(site.open());
    second.wait("what waited", |heard| {
        heard
            .samples
            .iter()
            .any(|sample| sample.value == base(2.0) && sample.quality == Quality::Uncertain(Reason::Retained))
    });
    // The backlog is over a second after the subscriptions are confirmed.
    for _ in 0..40 {
        broker.publish("meter/power", b"3", &["-q", "1"]);
        let heard =
            second.wait("a value", |heard| heard.samples.iter().any(|sample| sample.value == base(3.0)));
        if heard.samples.iter().any(|sample| sample.point == point && sample.quality.is_good()) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("nothing was live");
}
