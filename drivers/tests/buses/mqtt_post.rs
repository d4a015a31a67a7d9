//! Letters for others on a bus with commands, at a real broker, watched by mosquitto's own client.

use crate::broker::{Broker, Witness};
use crate::permits::Leaves;
use crate::support::{PATIENCE, Running, Site};
use ballast_drivers::limits::{LETTERS_MAX, LETTERS_UNCONFIRMED_MAX};
use ballast_drivers::{Clock, Ears, Letter, Office, Post, WriteResult};
use ballast_model::Wanted;
use ballast_model::catalog::OutputKind;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

fn letter(topic: &str, payload: &str, is_kept: bool) -> Letter {
    Letter {
        topic: topic.to_owned().into(),
        payload: payload.to_owned().into(),
        is_kept,
        receipt: None,
        until: None,
    }
}

/// Waits for the connection to be like this.
fn wait_office(post: &Post, what: &str, is_it: impl Fn(&Office) -> bool) -> Office {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let office = *post.office().borrow();
        if is_it(&office) {
            return office;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}: {office:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

#[test]
fn letters_leave_calls_come_and_commands_of_others_are_only_counted() {
    let Some(mut broker) = Broker::start("post", "") else { return };
    let mut site = Site::new("mqtt", &[("url", &broker.url()), ("status_topic", "b/status")]);
    site.number("meter.power", "W", &[("topic", "meter/power")]);
    let running = Running::start(site.open());
    let post = running.handle.post().unwrap().clone();
    assert_eq!(post.status_topic(), Some("b/status"));
    let open = wait_office(&post, "a connection", |office| office.is_open);
    let witness = Witness::listen(&broker, "letters/#");
    let ears = Ears {
        calls: BTreeSet::from([("ha/status".into(), "online".into())]),
        refused: BTreeSet::from(["letters/+/set".into()]),
    };
    block_on(async {
        post.listen(open.connection, ears).await.unwrap();
        // A letter for a connection that is gone is not told over this one.
        post.send(open.connection + 7, letter("letters/lost", "x", false)).await.unwrap();
        let late = Letter { until: Some(tokio::time::Instant::now()), ..letter("letters/late", "x", false) };
        post.send(open.connection, late).await.unwrap();
        let (receipt, confirmed) = tokio::sync::oneshot::channel();
        let kept = Letter { receipt: Some(receipt), ..letter("letters/kept", "a", true) };
        post.send(open.connection, kept).await.unwrap();
        tokio::time::timeout(PATIENCE, confirmed).await.unwrap().unwrap();
    });
    assert_eq!(witness.until_now(&broker), ["0 letters/kept a"]);
    assert_eq!(Witness::listen(&broker, "letters/#").until_now(&broker), ["1 letters/kept a"]);
    broker.publish("letters/kept/set", b"OFF", &["-q", "1"]);
    broker.publish("ha/status", b"online", &["-q", "1"]);
    let called = wait_office(&post, "a call", |office| office.calls == 1);
    let counters = running.handle.counters();
    assert_eq!((counters.commands_ignored, counters.letters, counters.letters_lost), (1, 1, 1));
    assert_eq!(counters.unknown, 0, "what is listened for is not called unknown");
    // Nothing is listened for over the next connection until somebody asks for it.
    broker.kill();
    broker.restart();
    let again = wait_office(&post, "the next connection", |office| office.connection > called.connection);
    assert_eq!(again.calls, called.calls);
    drop(running);
    assert!(
        block_on(async {
            // The task ends soon after its handle is gone.
            let deadline = Instant::now() + PATIENCE;
            while Instant::now() < deadline {
                if post.send(again.connection, letter("letters/end", "", false)).await.is_err() {
                    return true;
                }
            }
            false
        }),
        "the bus has ended"
    );
}

#[test]
fn a_slow_broker_holds_letters_back_and_a_command_passes_them() {
    let Some(broker) = Broker::start("slow-post", "") else { return };
    let mut site = Site::new("mqtt", &[("url", &broker.url())]);
    let keys = [("topic", "letters/command"), ("state_topic", "relay/1/state")];
    let output = site.output("relay", OutputKind::Contact, &keys);
    let running = Running::start(site.open());
    let post = running.handle.post().unwrap().clone();
    let open = wait_office(&post, "a connection", |office| office.is_open);
    let witness = Witness::listen(&broker, "letters/#");
    broker.signal("STOP");
    // More letters than may wait: who writes them has to wait, and nothing piles up.
    let all = LETTERS_MAX + 4 * LETTERS_UNCONFIRMED_MAX;
    let writer = std::thread::spawn(move || {
        block_on(async {
            for number in 0..all {
                let said = letter(&format!("letters/{number}"), "x", false);
                post.send(open.connection, said).await.unwrap();
            }
        });
    });
    let deadline = Instant::now() + PATIENCE;
    while (running.handle.counters().letters as usize) < LETTERS_UNCONFIRMED_MAX {
        assert!(Instant::now() < deadline, "letters leave");
        std::thread::yield_now();
    }
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    let permit = leaves.permit(running.clock.now(), output, Wanted::CLOSED);
    let counter = permit.counter();
    running.handle.apply(permit).unwrap();
    // Long enough for the task to take the permit; sooner would only be a weaker test.
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(running.handle.counters().letters as usize, LETTERS_UNCONFIRMED_MAX);
    assert!(!writer.is_finished(), "who writes waits");
    broker.signal("CONT");
    assert_eq!(running.wait_written(counter), WriteResult::Done);
    writer.join().unwrap();
    let lines: Vec<String> = (0..=all).map(|_| witness.line()).collect();
    let place = lines.iter().position(|line| line == "0 letters/command ON").unwrap();
    assert_eq!(place, LETTERS_UNCONFIRMED_MAX, "the command passed {} letters", all - place);
    assert_eq!(running.handle.counters().letters_lost, 0);
}
