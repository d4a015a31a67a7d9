//! Rule files and what they do over time, in a real engine.
//!
//! A `.timeline` holds one moment per line: `t | points | active rules | outputs`. `?` is a point without a value, `!`
//! one that another device tells from now on, `-` is no active rule, an empty column asks nothing. `wall` gives the trusted
//! time of the start. The guard of these tests grants everything.

use crate::site::{output, point_id, site};
use ballast_engine::bodies::NoticeLevel;
use ballast_engine::events::{Event, Output};
use ballast_engine::{Command, Engine, Input, Plan, RuleState};
use ballast_model::catalog::{Catalog, Kind, Origin};
use ballast_model::diagnostic::FileId;
use ballast_model::intent::{Cause, Outcome};
use ballast_model::time::{BOOT_ORIGIN, Wall};
use ballast_model::{Mono, OutputId, PointId, Reason, Sample, Utc, Value, Verdict, Wanted};
use ballast_rules::{RhaiBodies, Source, compile};
use std::sync::Arc;

/// Steps at one moment; more means that the engine never comes to rest.
const STEPS_MAX: usize = 100;
const START: Mono = Mono::from_nanos(BOOT_ORIGIN.nanos());

struct Line {
    number: usize,
    at: Mono,
    points: Vec<(String, String)>,
    active: Option<Vec<String>>,
    expected: Vec<String>,
}

/// Splits at commas that stand outside quotes.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    for letter in text.chars() {
        is_quoted ^= letter == '"';
        if letter == ',' && !is_quoted {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(letter);
        }
    }
    parts.into_iter().map(|part| part.trim().to_string()).filter(|part| !part.is_empty()).collect()
}

fn line(number: usize, text: &str) -> Line {
    let mut columns = text.split('|').map(str::trim);
    let at = ballast_model::quantity::parse_span(columns.next().unwrap()).unwrap();
    let points = split(columns.next().unwrap_or(""));
    let points = points.iter().map(|part| part.split_once('=').unwrap());
    let points = points.map(|(name, value)| (name.trim().to_string(), value.trim().to_string())).collect();
    let active = columns.next().filter(|text| !text.is_empty());
    let active = active.map(|text| if text == "-" { Vec::new() } else { split(text) });
    Line { number, at: START.after(at), points, active, expected: split(columns.next().unwrap_or("")) }
}

fn value(catalog: &Catalog, point: PointId, text: &str) -> Option<Value> {
    if text == "?" || text == "!" {
        return None;
    }
    Some(match &catalog.point(point).unwrap().kind {
        Kind::Number(unit) => Value::Number(unit.to_base(text.parse().unwrap()).unwrap()),
        Kind::Flag => Value::Flag(text == "yes"),
        Kind::Words(words) => Value::Word(words.iter().position(|word| **word == *text).unwrap() as u16),
    })
}

struct Run {
    catalog: Arc<Catalog>,
    engine: Engine<RhaiBodies>,
    wake: Mono,
    sequence: u64,
    says: Vec<String>,
}

impl Run {
    fn new(catalog: &Arc<Catalog>, text: &str, settings: Vec<(PointId, Value)>) -> Self {
        let compiled = compile(&[Source { file: FileId(0), name: "golden.rhai", text }], catalog);
        assert!(!compiled.has_mistakes(), "{:#?}", compiled.diagnostics);
        let plan = Plan {
            catalog: Arc::clone(catalog),
            rules: compiled.rules,
            schedules: compiled.schedules,
            settings,
            ..Plan::default()
        };
        let engine = Engine::new(Arc::new(plan), compiled.bodies, START);
        Self { catalog: Arc::clone(catalog), engine, wake: START, sequence: 0, says: Vec::new() }
    }

    /// Steps at one moment until the engine has nothing more to do there; its intents are granted at once.
    fn settle(&mut self, now: Mono, inputs: Vec<Input>) {
        let mut inputs = inputs;
        for _ in 0..STEPS_MAX {
            let mut out = Vec::new();
            self.engine.step(now, &inputs, &mut out);
            inputs.clear();
            for found in out {
                match found {
                    Output::Intent(intent) => inputs.push(Input::Verdict(Verdict {
                        output: intent.output,
                        asked: intent.wanted,
                        state: intent.wanted,
                        since: now,
                        outcome: Outcome::Granted,
                        cause: Cause::Asked,
                        witness: None,
                        next_change: None,
                        awaits_restoration: false,
                    })),
                    Output::WakeAt(moment) => self.wake = moment,
                    Output::Event(Event::NoticeRaised { notice, .. }) => {
                        let level = match notice.level {
                            NoticeLevel::Notify => "notify",
                            NoticeLevel::Warn => "warn",
                            NoticeLevel::Alarm => "alarm",
                        };
                        self.says.push(format!("says {level} \"{}\"", notice.text));
                    }
                    Output::Event(_) => {}
                }
            }
            if inputs.is_empty() && self.wake > now {
                return;
            }
        }
        panic!("the engine does not come to rest");
    }

    fn input(&mut self, name: &str, text: &str, now: Mono) -> Input {
        let point = point_id(&self.catalog, name);
        let value = value(&self.catalog, point, text);
        let who = Box::from("test");
        self.sequence += 1;
        match (self.catalog.point(point).unwrap().origin, value) {
            (Origin::Setting, Some(value)) => Input::Command(Command::Setting { point, value, who }),
            (Origin::Mode, Some(Value::Word(word))) => Input::Command(Command::Mode { word, who }),
            (_, Some(value)) => Input::Sample(Sample::good(point, value, now, self.sequence)),
            (_, None) => {
                let reason = if text == "!" { Reason::Replaced } else { Reason::Offline };
                Input::Sample(Sample::bad(point, reason, now, self.sequence))
            }
        }
    }

    fn active(&self) -> Vec<String> {
        let rules = self.engine.plan().rules.iter().enumerate();
        let is_active =
            |index: usize| matches!(self.engine.rule(index as u32), Some(RuleState::Active { .. }));
        rules.filter(|(index, _)| is_active(*index)).map(|(_, rule)| rule.name.to_string()).collect()
    }

    fn shown(&self, id: OutputId) -> String {
        let spec = self.catalog.output(id).unwrap();
        let wanted: Wanted = self.engine.intent(id).map_or(spec.default, |intent| intent.wanted);
        format!("{} {}", spec.name, spec.show(wanted))
    }

    fn check(&mut self, line: &Line, file: &str) {
        let place = format!("{file}:{}", line.number);
        if let Some(active) = &line.active {
            assert_eq!(&self.active(), active, "{place}: active rules");
        }
        for expected in &line.expected {
            if expected.starts_with("says ") {
                assert!(self.says.contains(expected), "{place}: {expected}, not {:?}", self.says);
            } else {
                let name = expected.split(' ').next().unwrap();
                assert_eq!(&self.shown(output(&self.catalog, name)), expected, "{place}");
            }
        }
        self.says.clear();
    }
}

fn run(name: &str, rules: &str, timeline: &str) {
    let catalog = site();
    let mut wall = None;
    let mut lines = Vec::new();
    for (index, text) in timeline.lines().enumerate() {
        match text.strip_prefix("wall ") {
            Some(moment) => wall = Some(moment.trim().parse::<jiff::Timestamp>().unwrap()),
            None if text.trim().is_empty() || text.starts_with('#') => {}
            None => lines.push(line(index + 1, text)),
        }
    }
    // Settings and mode have their first values before the start.
    let is_kept =
        |point: PointId| matches!(catalog.point(point).unwrap().origin, Origin::Setting | Origin::Mode);
    let first = lines[0].points.iter().map(|(name, text)| (point_id(&catalog, name), text));
    let settings = first.filter(|(point, _)| is_kept(*point));
    let settings =
        settings.filter_map(|(point, text)| Some((point, value(&catalog, point, text)?))).collect();
    lines[0].points.retain(|(name, _)| !is_kept(point_id(&catalog, name)));
    let mut run = Run::new(&catalog, rules, settings);
    let wall =
        wall.map(|wall| Wall { at: START, utc: Utc::from_millis(wall.as_millisecond()), trusted: true });
    let mut inputs: Vec<Input> = wall.into_iter().map(Input::Wall).collect();
    for line in &lines {
        while run.wake < line.at {
            let moment = run.wake;
            run.settle(moment, Vec::new());
        }
        let news: Vec<Input> =
            line.points.iter().map(|(name, text)| run.input(name, text, line.at)).collect();
        inputs.extend(news);
        run.settle(line.at, std::mem::take(&mut inputs));
        run.check(line, name);
    }
}

#[test]
fn rule_files_do_what_their_timelines_say() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "rhai"));
    files.sort();
    assert!(files.len() >= 55);
    let mut wrong = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().to_string();
        let rules = std::fs::read_to_string(&file).unwrap();
        let timeline = std::fs::read_to_string(file.with_extension("timeline")).unwrap();
        let ended = std::panic::catch_unwind(|| run(&name, &rules, &timeline));
        if ended.is_err() {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "wrong: {wrong:?}; what differs stands above");
}
