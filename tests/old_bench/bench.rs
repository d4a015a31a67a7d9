//! The same bench as a site of Ballast: its texts are read and checked, its rules compiled, engine and guard step on a made-up
//! clock. What the sensors publish goes through the real driver, and permits become the current of coils by the real driver
//! of pins; the relays of this file know nothing but coils.

use crate::{Act, Circuits, Controller, Moment, Sensors};
use ballast::cli::arguments::Format;
use ballast::cli::terminal::Output;
use ballast::control::protocol::{Call, Question};
use ballast::report::language::Language;
use ballast::runtime::carrier::Place;
use ballast::runtime::decision::Decision;
use ballast::runtime::field::Field;
use ballast::runtime::heartbeat::Heartbeat;
use ballast::runtime::message::channel;
use ballast::runtime::opening::{self, Start};
use ballast::runtime::questions;
use ballast::runtime::recorder::Recorder;
use ballast::site::{Built, Texts, build};
use ballast_drivers::shape::Heard;
use ballast_drivers::{Batch, OpenBus, Report, WriteResult};
use ballast_guard::{Door, Permit, Redeem};
use ballast_host::Clock;
use ballast_model::catalog::Noun;
use ballast_model::{Mono, OutputId, Span, Utc};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Lines 19, 13 and 6 drive the relays of the mains, the charger and the consumers.
const SITE: &str = r#"site: battery_bench
uuid: 5d2b2f0c-7a3e-5b57-9a55-0a4c1d2e3f40
time_zone: Europe/Paris
location: { latitude: 48.117 deg, longitude: -1.678 deg }
buses:
  broker: { driver: mqtt, url: "mqtt://127.0.0.1:1883", client: bench }
  board: { driver: gpio, chip: /dev/gpiochip0 }
devices:
  thermometer:
    file: mqtt-points
    bus: broker
    points:
      temperature: { topic: bench/temperature, unit: °C, period: 2 s, max_age: 10 s, resolution: 0.1 °C, valid: -40..80 °C, stuck_after: 5 min }
  battery:
    file: mqtt-points
    bus: broker
    points:
      voltage: { topic: bench/voltage, unit: V, period: 1 s, max_age: 10 s, resolution: 0.01 V, valid: 0..16 V }
      current: { topic: bench/current, unit: A, period: 1 s, max_age: 10 s, resolution: 0.1 A, valid: -10..10 A }
  mains: { file: gpio-relay, bus: board, with: { line: 19, at_rest: closed } }
  charger: { file: gpio-relay, bus: board, with: { line: 13, at_rest: open } }
  consumers: { file: gpio-relay, bus: board, with: { line: 6, at_rest: closed } }
modes: [observe, protect, conso, manual]
"#;

const SAFETY: &str = r"outputs:
  mains: { safe: closed, lease: 5 s }
  charger: { safe: open, lease: 5 s }
  consumers: { safe: closed, lease: 5 s }
limits:
  - name: battery too hot
    when: thermometer.temperature > 60 °C
    unknown: force
    force: [ { mains: closed }, { charger: open, after: 1 s } ]
    until: thermometer.temperature < 45 °C for 10 s
    latch: true
  - name: charged too fast
    when: battery.current > 3 A
    force: [ { charger: open } ]
    until: battery.current < 1 A for 10 s
";

const RULES: &str = r#"
rule "observe" when site.mode == "observe" { close(charger); }
rule "protect"
    when site.mode == "protect" && battery.voltage < "12.6 V"
    until site.mode != "protect" || battery.voltage > "12.8 V"
{
    close(charger);
}
rule "on battery"
    when site.mode == "conso" && battery.voltage > "12.4 V"
    until site.mode != "conso" || battery.voltage < "11.6 V"
{
    open(mains);
    close(charger);
}
rule "gives too much" priority 60
    when battery.current < "-4 A"
    until battery.current > "-1 A"
{
    close(mains);
}
"#;

fn texts(site: &str) -> Texts {
    let mut texts = Texts::default();
    for (name, text) in [("site.yaml", site), ("safety.yaml", SAFETY), ("rules/bench.rhai", RULES)] {
        texts.files.insert(name.to_owned(), text.as_bytes().into());
    }
    texts
}

/// What is wrong with the site where its charger is this device.
pub(crate) fn mistakes(charger: &str) -> String {
    let own = SITE.lines().find(|line| line.trim_start().starts_with("charger:")).unwrap();
    let site = SITE.replace(own, &format!("  {charger}"));
    build(&texts(&site), &[]).err().map(|refused| refused.text).unwrap_or_default()
}

/// What sensors say, and which coils have a current, by the number of their line.
#[derive(Debug, Default)]
struct Wires {
    says: Vec<(&'static str, String)>,
    coils: BTreeMap<String, bool>,
}

/// The buses, with nothing but [`Wires`] behind them.
struct BenchField {
    wires: Arc<Mutex<Wires>>,
    broker: OpenBus,
    board: OpenBus,
    doors: BTreeMap<OutputId, Door>,
    definitions: u64,
}

impl Field for BenchField {
    fn apply(&mut self, permit: Permit, now: Mono, batch: &mut Batch) {
        let (output, counter) = (permit.output(), permit.counter());
        let result = match self.doors.entry(output).or_insert_with(|| Door::new(output)).redeem(permit, now) {
            Ok(write) => {
                let (pins, _) = self.board.pins().unwrap();
                let (place, has_current) = pins.command(output, write.wanted()).unwrap();
                let line = pins.output_lines()[place].line.to_string();
                self.wires.lock().unwrap().coils.insert(line, has_current);
                WriteResult::Done
            }
            Err(_) => WriteResult::Expired,
        };
        batch.reports.push(Report::Written { output, counter, result, at: now });
    }

    fn fits(&self, definitions: u64) -> bool {
        self.definitions == definitions
    }

    fn advance(&mut self, clock: &Clock, wake: Mono, batch: &mut Batch) {
        let now = clock.now();
        let says = std::mem::take(&mut self.wires.lock().unwrap().says);
        if says.is_empty() {
            clock.advance(wake.max(now.after(Span::from_millis(1))).min(now.after(Span::from_millis(100))));
            return;
        }
        let (listener, readings) = self.broker.listener().unwrap();
        for (topic, payload) in &says {
            let (topic, payload) = (topic.as_bytes(), payload.as_bytes());
            listener.hear(Heard::Message { topic, payload, is_kept: false }, now, readings);
        }
        let heard = std::mem::take(readings.batch());
        batch.samples.extend(heard.samples);
        batch.reports.extend(heard.reports);
    }
}

/// A site of Ballast that has the bench.
pub(crate) struct Ballast {
    decision: Decision,
    wires: Arc<Mutex<Wires>>,
    start: Mono,
    log: Arc<Mutex<Vec<String>>>,
}

impl Ballast {
    pub(crate) fn new() -> Self {
        let texts = texts(SITE);
        let built = build(&texts, &[]).unwrap_or_else(|refused| panic!("{}", refused.text));
        let clock = Arc::new(Clock::made_up(Utc::from_millis(1_700_000_000_000)));
        let mut recorder =
            Recorder::new(None, Arc::clone(&clock), Output::new(Format::Text, Some(Language::En)), false);
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let lines = Arc::clone(&log);
        recorder.show_through(Box::new(move |line| {
            lines.lock().unwrap().push(anstream::adapter::strip_str(line).to_string());
        }));
        let wires: Arc<Mutex<Wires>> = Arc::default();
        let behind = Arc::clone(&wires);
        let decision = opening::start(Start {
            built,
            texts,
            beneath: Vec::new(),
            files_refused: None,
            trial: None,
            saved: None,
            memory_lost: None,
            heartbeat: Heartbeat::default(),
            place: Place { site: PathBuf::new(), state: PathBuf::new(), overrides: Vec::new() },
            clock: Arc::clone(&clock),
            recorder,
            channel: channel(),
            open_field: Box::new(move |built: &mut Built, _epoch| {
                let mut buses: BTreeMap<String, OpenBus> = built
                    .take_buses(false)
                    .into_iter()
                    .map(|(bus, _)| (bus.name().to_owned(), bus))
                    .collect();
                Box::new(BenchField {
                    wires: Arc::clone(&behind),
                    broker: buses.remove("broker").unwrap(),
                    board: buses.remove("board").unwrap(),
                    doors: BTreeMap::new(),
                    definitions: built.running.definitions,
                })
            }),
            sockets: None,
            ended: None,
            is_fleeting: false,
        });
        Self { decision, wires, start: clock.now(), log }
    }

    /// Every line that a person would have seen.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The relays as they are wired: the mains and the consumers on normally closed contacts, the charger on a normally
    /// open one.
    fn circuits(coils: &BTreeMap<String, bool>) -> Circuits {
        let has_current = |line: &str| coils.get(line).copied().unwrap_or(false);
        Circuits {
            mains: !has_current("line 19"),
            charger: has_current("line 13"),
            consumers: !has_current("line 6"),
        }
    }

    fn moment(&self, second: u32) -> Moment {
        let catalog = self.decision.running.catalog();
        let now = self.decision.carrier.clock.now();
        let Some(Noun::Point(current)) = catalog.resolve("battery.current") else { panic!("no current") };
        let known = self.decision.engine.snapshot().known(current, now);
        Moment {
            second,
            circuits: Self::circuits(&self.wires.lock().unwrap().coils),
            current: known.and_then(|value| value.number()).map(|number| number.get()),
        }
    }

    fn ask(&mut self, question: Question) {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let call = Call { language: Language::En, question };
        questions::answer(&mut self.decision, "marie".to_owned(), call, reply);
        let answer = answer.blocking_recv().unwrap();
        assert!(answer.ok, "{}", answer.text);
    }
}

impl Controller for Ballast {
    fn second(&mut self, second: u32, sensors: Sensors) -> Vec<Moment> {
        let said = [
            ("bench/temperature", sensors.temperature),
            ("bench/voltage", sensors.voltage),
            ("bench/current", sensors.current),
        ];
        let said = said.into_iter().filter_map(|(topic, payload)| Some((topic, payload?.to_owned())));
        self.wires.lock().unwrap().says.extend(said);
        let end = self.start.after(Span::from_secs(u64::from(second) + 1));
        let mut moments = Vec::new();
        let mut before = None;
        while self.decision.carrier.clock.now() < end {
            self.decision.go_on();
            let moment = self.moment(second);
            if before.replace(moment.circuits) != Some(moment.circuits) {
                moments.push(moment);
            }
        }
        moments.push(self.moment(second));
        moments
    }

    fn person(&mut self, act: Act) {
        match act {
            Act::Mode(mode) => self.ask(Question::Mode { mode: Some(mode.to_owned()) }),
            Act::CloseCharger => self.ask(Question::Request {
                output: "charger".to_owned(),
                state: "closed".to_owned(),
                for_ms: 1_800_000,
            }),
            Act::Reset => self.ask(Question::GuardReset { name: "battery too hot".to_owned() }),
        }
    }

    fn switched_off(&self) -> Circuits {
        Self::circuits(&BTreeMap::new())
    }
}
