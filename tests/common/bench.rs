//! A small site on a real broker: six relays, three measurements, a setting, modes, one limit with a latch and one
//! without. Its times are short, so that a test need not wait for minutes.

use super::Scratch;
use super::broker::{Broker, Observer};
use super::program::Program;
use std::time::Duration;

const SITE: &str = r#"site: bench
label: Bench of the tests
uuid: 2b1e0bb2-30c5-5d9f-8f5e-3c9d2f6b7a10
time_zone: Europe/Paris
location: { latitude: 48.117 deg, longitude: -1.678 deg }
buses:
  broker: { driver: mqtt, url: "mqtt://127.0.0.1:1883", client: bench }
devices:
  meter:
    file: mqtt-points
    bus: broker
    points:
      power:  { topic: meter/power, unit: W, max_age: 5 min, resolution: 1 W, valid: 0..20000 W }
      level:  { topic: meter/level, unit: "%", max_age: 5 min, resolution: 1 % }
      period: { topic: meter/period, words: [peak, off_peak], max_age: 5 min }
      ready:  { topic: meter/ready, words: ["yes", "no"], max_age: 5 min }
  a: { file: mqtt-relay, bus: broker, with: { topic: relay/a } }
  b: { file: mqtt-relay, bus: broker, with: { topic: relay/b } }
  c: { file: mqtt-relay, bus: broker, with: { topic: relay/c } }
  d: { file: mqtt-relay, bus: broker, with: { topic: relay/d } }
  e: { file: mqtt-relay, bus: broker, with: { topic: relay/e } }
  f: { file: mqtt-relay, bus: broker, with: { topic: relay/f } }
settings:
  wish: { label: What people want, unit: kW, value: 1 kW, range: 0..9 kW }
modes: [home, away]
"#;

const SAFETY: &str = r"outputs:
  a: { safe: open, at_start: open, on_silence: safe, lease: 90 s }
  b: { safe: open, at_start: open, on_silence: safe, lease: 90 s }
  c: { safe: open, at_start: open, on_silence: safe, lease: 90 s }
  d: { safe: open, at_start: open, on_silence: safe, lease: 90 s }
  e: { safe: open, at_start: open, on_silence: safe, lease: 90 s }
  f: { safe: open, at_start: open, on_silence: safe, lease: 90 s }
limits:
  - name: house full
    when: meter.power > 5 kW
    force: [ { e: open } ]
    until: meter.power < 4 kW
  - name: smoke
    when: meter.level > 90 %
    force: [ { d: open } ]
    until: meter.level < 80 %
    latch: true
";

/// The site with its broker and an independent client that watches the relays.
pub struct Bench {
    /// The broker.
    pub broker: Broker,
    /// Everything under `relay/`.
    pub relays: Observer,
    /// The site's directory.
    pub site: Scratch,
}

impl Bench {
    /// A site with these rules in `rules/main.rhai`, or a visible skip. Not running yet.
    pub fn new(what: &str, rules: &str) -> Option<Self> {
        let broker = Broker::start(what)?;
        let site = Scratch::new("bench");
        write_bench(&site, rules);
        let relays = broker.observe("relay/#");
        Some(Self { broker, relays, site })
    }

    /// Runs it, and waits until it hears the broker.
    pub fn run(&self) -> Program {
        let program = self.run_with(&[]);
        super::wait_for("the program to hear the broker", Duration::from_secs(20), || {
            self.tell("meter/ready", "yes");
            program
                .tell(&["status"])
                .lines()
                .any(|line| line.contains("meter.ready") && line.contains("old"))
                .then_some(())
        });
        program
    }

    /// Runs it with more arguments; the broker need not be there.
    pub fn run_with(&self, arguments: &[&str]) -> Program {
        let url = self.url();
        let mut all = vec!["--set", url.as_str(), "--trust-clock"];
        all.extend(arguments);
        Program::run(&self.site.0, &all)
    }

    /// The argument of `--set` that leads to the broker.
    pub fn url(&self) -> String {
        format!("broker.url=mqtt://127.0.0.1:{}", self.broker.port)
    }

    /// Publishes a measurement.
    pub fn tell(&self, topic: &str, payload: &str) {
        self.broker.publish(topic, payload, &["-q", "1"]);
    }

    /// Waits until the relay was told this last.
    pub fn wait(&self, relay: &str, word: &str) -> super::broker::Message {
        self.relays.wait_last(&format!("relay/{relay}"), word, Duration::from_secs(15))
    }

    /// Everything that the relay was told.
    pub fn told(&self, relay: &str) -> Vec<String> {
        let topic = format!("relay/{relay}");
        let seen = self.relays.seen();
        seen.into_iter().filter(|message| message.topic == topic).map(|message| message.payload).collect()
    }

    /// The audit trail, newest first, a line an event: who, and the sentence.
    pub fn audit(&self) -> Vec<String> {
        audit(&self.site.0.join(".ballast"))
    }

    /// Writes the rules as an editor does: at once, by a new file in place of the old one.
    pub fn write_rules(&self, text: &str) {
        let rules = self.site.0.join("rules");
        let other = rules.join(".main.rhai.new");
        std::fs::write(&other, text).expect("the rules can be written");
        std::fs::rename(other, rules.join("main.rhai")).expect("the rules can be replaced");
    }
}

/// The audit trail in a state directory, newest first.
pub fn audit(state: &std::path::Path) -> Vec<String> {
    let reader = ballast_history::Reader::open(&state.join("ballast.db")).expect("the history opens");
    let query = ballast_history::Query { audit_only: true, limit: 1000, ..Default::default() };
    let events = reader.events(&query).expect("the history can be read");
    events.into_iter().map(|stored| format!("{:?}: {}", stored.event.who, stored.event.payload)).collect()
}

/// Writes the site's files into a directory.
pub fn write_bench(site: &Scratch, rules: &str) {
    let write = |name: &str, text: &str| std::fs::write(site.0.join(name), text).expect("it can be written");
    std::fs::create_dir_all(site.0.join("rules")).expect("it can be made");
    write("site.yaml", SITE);
    write("safety.yaml", SAFETY);
    write("rules/main.rhai", rules);
}

/// A rule without hysteresis needs none of a test's lines to be understood: `NAME: OUTPUT while CONDITION`.
pub fn rule(name: &str, output: &str, on: &str, off: &str) -> String {
    format!("rule \"{name}\" when {on} until {off} {{ close({output}); }}\n")
}
