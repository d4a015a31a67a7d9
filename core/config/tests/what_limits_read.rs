//! What a person confirms is what the limits really read: an edit of anything behind them is named and waits.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

use ballast_config::diagnostics::Diagnostics;
use ballast_config::load::{File, Files, Site, load};
use ballast_config::site::DriverFacts;
use ballast_config::sources::Sources;
use ballast_guard::plan::Strength;
use ballast_guard::{Guard, Taken};
use ballast_model::Mono;
use std::sync::Arc;

const DRIVERS: &[DriverFacts] = &[DriverFacts {
    name: "mqtt",
    is_network: true,
    strength: Strength::Soft,
    is_experimental: false,
    carries_messages: true,
    reads_every: None,
    exclusive_key: None,
}];

const SITE: &str = "\
site: bench
time_zone: Europe/Paris
location: { latitude: 48 deg, longitude: -1.7 deg }
buses: { broker: { driver: mqtt, url: x } }
devices:
  p:
    bus: broker
    points:
      t: { unit: °C, max_age: 1 h }
      u: { unit: °C, max_age: 1 h }
      v: { unit: °C, max_age: 1 h }
      f: { unit: Hz, max_age: 1 s }
      g: { unit: Hz, max_age: 1 s }
      w: { words: [red, green], max_age: 1 h }
      spare: { unit: °C, max_age: 1 h }
  pv: { bus: broker, points: { power: { unit: W, max_age: 1 h } } }
  a: { bus: broker, rated: 1 kW, outputs: { relay: { kind: contact } } }
groups: { homes: { members: [a] } }
derived:
  twice: { expression: site.once + p.t }
  once: { expression: p.t, label: once }
  voted: { median: [p.t, site.middle, p.v] }
  middle: { expression: p.u }
  capacity: { expression: 5 kW }
  unread: { expression: p.spare * 2 }
";

const SAFETY: &str = "\
outputs:
  a: { safe: open }
limits:
  - { name: sum, when: site.twice > 50 °C, until: site.twice < 40 °C, force: [ { a: open } ] }
  - { name: vote, when: site.voted > 50 °C, until: site.voted < 40 °C, force: [ { a: open } ] }
  - { name: word, when: p.w == \"red\", force: [ { a: open } ], latch: true }
shedding:
  source: [p.f, p.g]
  stages: [ { below: 49 Hz, for: 60 ms, shed: 10 %, from: [homes] } ]
  restore_at_most: { keep_free: 15 % of site.capacity, settle: 20 s }
asleep: { pv.power: 0 W when sun.elevation < -2 deg }
";

fn read(site: &str, safety: &str) -> Site {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let files =
        Files { site: File::Bytes(site.as_bytes()), safety: File::Bytes(safety.as_bytes()), devices: vec![] };
    let read = load(&files, DRIVERS, &mut sources, &mut out);
    read.unwrap_or_else(|| {
        panic!("{}", ballast_config::render::render(&out, &sources, ballast_config::render::Style::Plain))
    })
}

/// What an edit of one of the files loosens, whose keys, and how much of it is in force.
fn edited(from: &str, to: &str) -> (Vec<String>, Taken) {
    let edit = |text: &str| text.replacen(from, to, 1);
    assert!(SITE.contains(from) || SAFETY.contains(from), "nothing to edit: {from}");
    let (old, new) = (read(SITE, SAFETY), read(&edit(SITE), &edit(SAFETY)));
    let mut guard = Guard::new(Arc::new(old.catalog), old.safety, Mono::from_millis(1_000_000));
    let before = guard.fingerprint();
    let replaced = guard.replace(Arc::new(new.catalog), new.safety, false, Mono::from_millis(1_000_001));
    let found = replaced
        .loosenings
        .iter()
        .map(|row| format!("{} {}: {} -> {}", row.subject, row.key, row.old, row.new));
    if let Some(waits) = replaced.waits_for {
        assert_ne!(waits, before, "nobody could tell the two sets apart");
    }
    (found.collect(), replaced.taken)
}

#[test]
fn an_expression_is_compared_as_if_it_stood_in_the_limit() {
    let (found, taken) = edited("site.once + p.t", "site.once - p.t");
    assert_eq!(
        found,
        [
            "sum when: p.t + p.t > 50 °C -> p.t - p.t > 50 °C",
            "sum until: p.t + p.t < 40 °C -> p.t - p.t < 40 °C"
        ]
    );
    assert_eq!(taken, Taken::Tightenings, "and the limit as it was is in force");
    let (found, _) = edited("once: { expression: p.t,", "once: { expression: p.u,");
    assert!(found.iter().any(|row| row.starts_with("sum when")), "{found:?}");
}

#[test]
fn what_the_program_computes_is_confirmed_with_all_behind_it() {
    for (from, to) in [
        ("[p.t, site.middle, p.v]", "[p.t, site.middle, p.u]"),
        ("middle: { expression: p.u }", "middle: { expression: p.u * 2 }"),
        ("v: { unit: °C, max_age: 1 h }", "v: { unit: °C, max_age: 2 h }"),
        ("expression: 5 kW", "expression: 50 kW"),
        ("latitude: 48 deg", "latitude: -48 deg"),
        ("words: [red, green]", "words: [green, red]"),
    ] {
        let (found, taken) = edited(from, to);
        assert_eq!(found.len(), 1, "{to}: {found:?}");
        assert!(found[0].starts_with("the definitions of outputs and points fingerprint"), "{to}: {found:?}");
        assert_eq!(taken, Taken::Nothing, "{to}");
    }
}

#[test]
fn how_long_the_frequency_must_be_good_is_a_bound_like_the_others() {
    assert_eq!(
        edited("settle: 20 s", "settle: 15 s"),
        (vec!["shedding settle: 20 s -> 15 s".into()], Taken::Tightenings)
    );
    assert_eq!(edited("settle: 20 s", "settle: 25 s"), (vec![], Taken::Whole));
}

#[test]
fn what_no_limit_reads_is_nobodys_business() {
    for (from, to) in [
        ("label: once", "label: the first"),
        ("expression: p.spare * 2", "expression: p.spare * 3"),
        ("spare: { unit: °C, max_age: 1 h }", "spare: { unit: °C, max_age: 2 h }"),
    ] {
        assert_eq!(edited(from, to), (vec![], Taken::Whole), "{to}");
    }
    let without = SAFETY.replace("asleep: { pv.power: 0 W when sun.elevation < -2 deg }\n", "");
    let (old, new) = (read(SITE, &without), read(&SITE.replace("latitude: 48", "latitude: 47"), &without));
    assert_eq!(old.safety.definitions, new.safety.definitions, "no limit looks at the sun");
}
