//! The metrics of a running site: points while fresh, outputs with who won, rules, the guard, the machine itself.
//!
//! Written when someone scrapes; between scrapes only counters move. A value that grew old is absent, not frozen.

mod shadow;

use crate::report::moment::Protection;
use crate::runtime::carrier::FilesRefused;
use crate::runtime::decision::Decision;
use crate::site::Running;
use crate::web::{Exposition, Histogram, Kind, metric_unit};
use ballast_engine::{Event as EngineEvent, Refusal, RuleState, Runner};
use ballast_guard::GuardEvent;
use ballast_guard::state::Arming;
use ballast_model::catalog::{Kind as PointKind, Origin};
use ballast_model::intent::Outcome;
use ballast_model::{Value, Verdict, Wanted};
use std::collections::BTreeMap;
use std::time::Instant;

/// Bounds of the histograms of durations, seconds.
const SECONDS: &[f64] = &[0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0];

/// A body that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failing {
    /// How often.
    pub times: u64,
    /// How the last time, in English.
    pub message: String,
    /// Where.
    pub place: String,
}

/// Numbers that move between scrapes.
#[derive(Debug)]
pub struct Figures {
    is_measured: bool,
    engine_steps: Histogram,
    guard_steps: Histogram,
    /// Verdicts that stood against what was asked, by cause.
    interventions: BTreeMap<&'static str, u64>,
    switches: Vec<u64>,
    states: Vec<Option<Wanted>>,
    coalesced: u64,
    rule_starts: Vec<u64>,
    /// Bodies that failed since the set was loaded.
    pub failing: BTreeMap<Runner, Failing>,
    /// Why the last command was refused, if it was.
    pub refusal: Option<Refusal>,
    /// Whether the guard refused the last word of a person.
    pub guard_refused: bool,
}

impl Figures {
    /// All zero.
    pub fn new(running: &Running, is_measured: bool) -> Self {
        let outputs = running.catalog().outputs.len();
        Self {
            is_measured,
            engine_steps: Histogram::new(SECONDS),
            guard_steps: Histogram::new(SECONDS),
            interventions: BTreeMap::new(),
            switches: vec![0; outputs],
            states: vec![None; outputs],
            coalesced: 0,
            rule_starts: vec![0; running.plan.rules.len()],
            failing: BTreeMap::new(),
            refusal: None,
            guard_refused: false,
        }
    }

    /// A step begins. Nobody asks how long those of a run took that is over at once.
    pub fn begins(&self) -> Option<Instant> {
        self.is_measured.then(Instant::now)
    }

    /// A step of the engine is done.
    pub fn engine_step(&mut self, began: Option<Instant>) {
        began.iter().for_each(|began| self.engine_steps.observe(began.elapsed().as_secs_f64()));
    }

    /// A step of the guard is done.
    pub fn guard_step(&mut self, began: Option<Instant>) {
        began.iter().for_each(|began| self.guard_steps.observe(began.elapsed().as_secs_f64()));
    }

    /// An event of the engine.
    pub fn engine_event(&mut self, event: &EngineEvent) {
        match event {
            EngineEvent::RuleStarted { rule, .. } => {
                if let Some(count) = self.rule_starts.get_mut(*rule as usize) {
                    *count += 1;
                }
            }
            EngineEvent::Coalesced { dropped, .. } => self.coalesced += u64::from(*dropped),
            EngineEvent::CommandRefused { refusal, .. } => self.refusal = Some(*refusal),
            EngineEvent::BodyFailed { runner, message, place, .. } => {
                let failing = self.failing.entry(*runner).or_default();
                failing.times += 1;
                message.as_str().clone_into(&mut failing.message);
                (**place).clone_into(&mut failing.place);
            }
            _ => {}
        }
    }

    /// An event of the guard.
    pub fn guard_event(&mut self, event: &GuardEvent) {
        if matches!(event, GuardEvent::ResetRefused { .. } | GuardEvent::ConfirmRefused { .. }) {
            self.guard_refused = true;
        }
    }

    /// A verdict of the guard.
    pub fn verdict(&mut self, verdict: &Verdict) {
        if verdict.outcome != Outcome::Granted {
            *self.interventions.entry(verdict.cause.word()).or_default() += 1;
        }
        let index = verdict.output.index();
        if let (Some(state), Some(count)) = (self.states.get_mut(index), self.switches.get_mut(index))
            && *state != Some(verdict.state)
        {
            *count += u64::from(state.is_some());
            *state = Some(verdict.state);
        }
    }
}

/// What someone who scrapes gets.
#[derive(Clone, Debug, Default)]
pub struct Scrape {
    /// Everything, in the text format.
    pub metrics: String,
    /// Why the site is not controlled as its owner wrote it; empty when it is.
    pub not_ready: Vec<String>,
}

/// Looks at everything.
pub fn scrape(decision: &Decision) -> Scrape {
    let mut not_ready = Vec::new();
    if let Protection::Gone(_) = decision.carrier.protection() {
        not_ready.push("the guard does not answer".into());
    } else if !decision.carrier.guard.hears_engine() {
        not_ready.push("the guard does not listen to the rules".into());
    }
    let rules = decision.running.plan.rules.iter().zip(0u32..);
    let suspended =
        rules.filter(|(_, index)| matches!(decision.engine.rule(*index), Some(RuleState::Suspended)));
    not_ready.extend(suspended.map(|(rule, _)| format!("rule \"{}\" is suspended", rule.name)));
    not_ready.extend(decision.carrier.files_refused.map(|refused| not_as_written(decision, refused)));
    not_ready.extend(uncontrolled(decision));
    if decision.carrier.memory_lost.is_some() {
        not_ready.push("the memory of the guard is lost: a person must say `ballast guard reset all`".into());
    }
    Scrape { metrics: expose(decision), not_ready }
}

/// Why what runs is not what lies in the site's files.
fn not_as_written(decision: &Decision, refused: FilesRefused) -> String {
    match refused {
        FilesRefused::Mistakes => "the site's files have mistakes: the set before them runs".into(),
        FilesRefused::NoRules => "the site's files have mistakes: no rules run".into(),
        FilesRefused::Harm => "the site's files did harm: the last good rules run".into(),
        FilesRefused::Emptied => {
            "rules are gone from the site's files: a person must say `ballast reload --accept`".into()
        }
        FilesRefused::Waits => {
            let awaited = decision.carrier.awaiting.as_ref().map(|awaiting| awaiting.fingerprint);
            let print = awaited.or_else(|| decision.carrier.guard.waits_for());
            let print = print.map_or_else(String::new, |print| format!(" {print:016x}"));
            format!("what the site's files loosen waits for a person: `ballast guard confirm{print}`")
        }
    }
}

/// Outputs to which nothing was ever told, or for longer than their lease: one line for each bus.
fn uncontrolled(decision: &Decision) -> Vec<String> {
    let guard = &decision.carrier.guard;
    let now = decision.carrier.clock.now();
    let is_missed = |output: ballast_model::OutputId| {
        let (Some(state), Some(envelope)) = (guard.output(output), guard.envelope(output)) else {
            return false;
        };
        if state.arming != Arming::Armed {
            // Nobody operates it, or nothing was asked of it since: it is as its owner wants it.
            return false;
        }
        let is_away = |since| state.is_unreachable && now.since(since) > envelope.lease;
        state.confirmed.is_none() || state.unreachable_since.is_some_and(is_away)
    };
    let catalog = decision.running.catalog();
    let line = |bus: &ballast_model::device::BusDefinition| {
        let missed =
            bus.outputs.iter().map(|definition| definition.output).filter(|output| is_missed(*output));
        let names: Vec<&str> =
            missed.filter_map(|output| catalog.output(output)).map(|spec| &*spec.name).collect();
        (!names.is_empty()).then(|| format!("bus {} does not reach {}", bus.name, names.join(", ")))
    };
    decision.running.site.buses.iter().filter_map(line).collect()
}

fn expose(decision: &Decision) -> String {
    let mut out = Exposition::new();
    build_info(&mut out, decision);
    points(&mut out, decision);
    outputs(&mut out, decision);
    rules(&mut out, decision);
    guard(&mut out, decision);
    engine(&mut out, decision);
    buses(&mut out, decision);
    records(&mut out, decision);
    shadow::shadow(&mut out, decision);
    out.finish()
}

fn build_info(out: &mut Exposition, decision: &Decision) {
    let site = &*decision.running.catalog().site;
    out.family("ballast_build_info", "The program and its site; always 1.", Kind::Gauge)
        .sample(&[("version", env!("CARGO_PKG_VERSION")), ("site", site)], 1.0);
    let now = decision.carrier.clock.now();
    let (where_is, is_there) = match decision.carrier.protection() {
        Protection::Program => ("program", true),
        Protection::Process(_) => ("process", true),
        Protection::Gone(_) => ("process", false),
    };
    out.family(
        "ballast_guard_up",
        "1 while the guard answers: in this program always, in a process of its own while that is there.",
        Kind::Gauge,
    )
    .sample(&[("in", where_is)], flag(is_there));
    out.family("ballast_set_age_seconds", "Time since the running rules were loaded.", Kind::Gauge)
        .sample(&[], now.since(decision.carrier.loaded).secs_f64());
    out.family("ballast_set_on_trial", "1 while the running rules are on trial.", Kind::Gauge)
        .sample(&[], flag(decision.carrier.probation.is_some()));
    out.family(
        "ballast_files_refused",
        "1 while the files of the site are not what runs: mistakes, harm done, or a person must confirm.",
        Kind::Gauge,
    )
    .sample(&[], flag(decision.carrier.files_refused.is_some()));
    let trusted = decision.carrier.wall.trusted;
    out.family("ballast_clock_trusted", "1 while the wall clock is trusted.", Kind::Gauge)
        .sample(&[], flag(trusted));
    let mut reloads = out.family("ballast_reloads_total", "Reloads, by outcome.", Kind::Counter);
    for outcome in ["loaded", "refused", "waiting"] {
        let count = decision.carrier.reloads.get(outcome).copied().unwrap_or(0);
        reloads.sample(&[("outcome", outcome)], count as f64);
    }
}

fn flag(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

/// Fresh values, one family per unit; words as one series per word.
fn points(out: &mut Exposition, decision: &Decision) {
    let now = decision.carrier.clock.now();
    let snapshot = decision.engine.snapshot();
    let catalog = decision.running.catalog();
    let mut numbers: BTreeMap<&'static str, Vec<(&str, f64)>> = BTreeMap::new();
    let (mut words, mut flags, mut ages) = (Vec::new(), Vec::new(), Vec::new());
    for (index, spec) in catalog.points.iter().enumerate() {
        if matches!(spec.origin, Origin::Output(..)) {
            continue;
        }
        let point = ballast_model::PointId(index as u32);
        let reading = snapshot.reading(point);
        if reading.count > 0 && spec.max_age.is_some() {
            ages.push((&*spec.name, now.since(reading.arrival).secs_f64()));
        }
        match (snapshot.known(point, now), &spec.kind) {
            (Some(Value::Number(value)), PointKind::Number(unit)) => {
                let unit = metric_unit(unit.dimension());
                numbers.entry(unit.suffix).or_default().push((&spec.name, value.get() * unit.scale));
            }
            (Some(Value::Word(is)), PointKind::Words(all)) => {
                words.extend(
                    all.iter()
                        .enumerate()
                        .map(|(i, word)| (&*spec.name, &**word, flag(i == usize::from(is)))),
                );
            }
            (Some(Value::Flag(is)), _) => flags.push((&*spec.name, flag(is))),
            _ => {}
        }
    }
    for (suffix, samples) in &numbers {
        let name = format!("ballast_point{suffix}");
        let mut family = out.family(&name, "Fresh values of points, in base units.", Kind::Gauge);
        for (point, value) in samples {
            family.sample(&[("point", point)], *value);
        }
    }
    let mut family =
        out.family("ballast_point_word", "1 for the word that a text point is now.", Kind::Gauge);
    for (point, word, value) in words {
        family.sample(&[("point", point), ("word", word)], value);
    }
    let mut family = out.family("ballast_point_flag", "Fresh yes-or-no values, 1 for yes.", Kind::Gauge);
    for (point, value) in flags {
        family.sample(&[("point", point)], value);
    }
    let mut family =
        out.family("ballast_point_age_seconds", "Time since the last reading of a point.", Kind::Gauge);
    for (point, age) in ages {
        family.sample(&[("point", point)], age);
    }
}

fn outputs(out: &mut Exposition, decision: &Decision) {
    let catalog = decision.running.catalog();
    let all =
        || catalog.outputs.iter().zip(0u32..).map(|(spec, id)| (&*spec.name, ballast_model::OutputId(id)));
    let mut family = out.family(
        "ballast_output_state",
        "What an output last was, as its device or bus confirmed: 1 closed, 0 open; a setpoint in its base unit.",
        Kind::Gauge,
    );
    for (name, id) in all() {
        if let Some(confirmed) = decision.carrier.guard.output(id).and_then(|state| state.confirmed) {
            family.sample(&[("output", name)], level(confirmed));
        }
    }
    let mut family = out.family(
        "ballast_output_reachable",
        "1 while the device of an output can be reached, 0 while nothing can be told to it.",
        Kind::Gauge,
    );
    for (name, id) in all() {
        if let Some(state) = decision.carrier.guard.output(id) {
            family.sample(&[("output", name)], flag(!state.is_unreachable));
        }
    }
    let mut family = out.family(
        "ballast_output_armed",
        "1 while an output is told what is asked of it, 0 while its device was found and nobody armed it.",
        Kind::Gauge,
    );
    for (name, id) in all() {
        if let Some(state) = decision.carrier.guard.output(id) {
            family.sample(&[("output", name)], flag(state.arming != Arming::Not));
        }
    }
    let mut family =
        out.family("ballast_output_asked", "What is asked of an output, in the same form.", Kind::Gauge);
    for (name, id) in all() {
        if let Some(intent) = decision.engine.intent(id) {
            family.sample(&[("output", name)], level(intent.wanted));
        }
    }
    let mut family =
        out.family("ballast_output_winner", "1 for the one whose request won an output.", Kind::Gauge);
    for (name, id) in all() {
        if let Some((winner, _)) = decision.engine.winner(id) {
            let who = winner.name(&decision.running.plan);
            family.sample(&[("output", name), ("authority", winner.authority.word()), ("winner", &who)], 1.0);
        }
    }
    let mut family = out.family(
        "ballast_output_strength",
        "1 for what happens to an output when program and guard are gone: soft, timed or wired.",
        Kind::Gauge,
    );
    for (name, id) in all() {
        if let Some(strength) = decision.carrier.guard.strength(id) {
            family.sample(&[("output", name), ("strength", strength.word())], 1.0);
        }
    }
    let mut family =
        out.family("ballast_output_switches_total", "Changes of state since the start.", Kind::Counter);
    for (name, id) in all() {
        family.sample(
            &[("output", name)],
            decision.figures.switches.get(id.index()).copied().unwrap_or(0) as f64,
        );
    }
}

fn level(wanted: Wanted) -> f64 {
    match wanted {
        Wanted::Contact(contact) => flag(contact == ballast_model::Contact::Closed),
        Wanted::Level(level) => level.get(),
    }
}

fn rules(out: &mut Exposition, decision: &Decision) {
    let all = || decision.running.plan.rules.iter().zip(0u32..).map(|(rule, index)| (&*rule.name, index));
    let mut family = out.family("ballast_rule_active", "1 while a rule is active.", Kind::Gauge);
    for (name, index) in all() {
        let active = matches!(decision.engine.rule(index), Some(RuleState::Active { .. }));
        family.sample(&[("rule", name)], flag(active));
    }
    let mut family = out.family("ballast_rule_suspended", "1 while a rule waits for a person.", Kind::Gauge);
    for (name, index) in all() {
        let suspended = matches!(decision.engine.rule(index), Some(RuleState::Suspended));
        family.sample(&[("rule", name)], flag(suspended));
    }
    let mut family = out.family("ballast_rule_starts_total", "Times a rule became active.", Kind::Counter);
    for (name, index) in all() {
        family.sample(
            &[("rule", name)],
            decision.figures.rule_starts.get(index as usize).copied().unwrap_or(0) as f64,
        );
    }
    let mut family = out.family(
        "ballast_rule_duration_seconds_total",
        "Time that a rule's body has taken.",
        Kind::Counter,
    );
    for ((name, _), taken) in all().zip(decision.engine.bodies().taken()) {
        family.sample(&[("rule", name)], taken.as_secs_f64());
    }
    let counters = decision.engine.counters();
    let rows = [
        ("ballast_rule_evaluations_total", "Evaluations of a rule's condition."),
        ("ballast_rule_runs_total", "Runs of a rule's body."),
        ("ballast_rule_errors_total", "Runs of a rule's body that failed."),
    ];
    for (column, (metric, help)) in rows.into_iter().enumerate() {
        let mut family = out.family(metric, help, Kind::Counter);
        for ((name, _), rule) in all().zip(&counters.rules) {
            let value = [rule.evaluations, rule.runs, rule.failures].get(column).copied().unwrap_or(0);
            family.sample(&[("rule", name)], value as f64);
        }
    }
}

fn guard(out: &mut Exposition, decision: &Decision) {
    let mut family = out.family(
        "ballast_guard_interventions_total",
        "Verdicts that stood against what was asked, by cause.",
        Kind::Counter,
    );
    for (cause, count) in &decision.figures.interventions {
        family.sample(&[("cause", cause)], *count as f64);
    }
    let guard = &decision.carrier.guard;
    out.family("ballast_guard_hears_program", "1 while the guard listens to the rules.", Kind::Gauge)
        .sample(&[], flag(guard.hears_engine()));
    let mut family = out.family("ballast_limit_active", "1 while a limit acts.", Kind::Gauge);
    for limit in guard.limits() {
        family.sample(&[("limit", limit.name)], flag(limit.state.acted.is_some()));
    }
    let mut family = out.family(
        "ballast_output_awaits_restoration",
        "1 while a cut load waits to be given back.",
        Kind::Gauge,
    );
    for output in guard.awaiting_restoration() {
        let name = decision.running.catalog().output(output).map_or("?", |spec| &*spec.name);
        family.sample(&[("output", name)], 1.0);
    }
    out.family(
        "ballast_guard_memory_lost",
        "1 from a start without the guard's memory until a person resets all.",
        Kind::Gauge,
    )
    .sample(&[], flag(decision.carrier.memory_lost.is_some()));
    out.family("ballast_guard_permits_total", "Permits made by the guard.", Kind::Counter)
        .sample(&[], guard.counters().permits as f64);
}

fn engine(out: &mut Exposition, decision: &Decision) {
    out.family("ballast_step_duration_seconds", "Time that a step took, by machine.", Kind::Histogram)
        .histogram(&[("machine", "engine")], &decision.figures.engine_steps)
        .histogram(&[("machine", "guard")], &decision.figures.guard_steps);
    let counters = decision.engine.counters();
    for (name, help, value) in [
        ("ballast_samples_total", "Readings taken.", counters.samples),
        (
            "ballast_samples_repeated_total",
            "Readings dropped as repeated or out of order.",
            counters.duplicates,
        ),
        (
            "ballast_samples_coalesced_total",
            "Readings dropped because too many of one point waited.",
            counters.coalesced,
        ),
        ("ballast_commands_refused_total", "Commands that were refused.", counters.refused),
    ] {
        out.family(name, help, Kind::Counter).sample(&[], value as f64);
    }
    let mut family = out.family(
        "ballast_samples_held_back_total",
        "Readings that were not believed, by point and reason.",
        Kind::Counter,
    );
    for ((point, reason), count) in &counters.held_back {
        let point = decision.running.catalog().point(*point).map_or("?", |spec| &*spec.name);
        family.sample(&[("point", point), ("reason", reason.word())], *count as f64);
    }
    out.family("ballast_samples_waiting", "Readings that wait for their step.", Kind::Gauge)
        .sample(&[], decision.engine.waiting() as f64);
}

fn buses(out: &mut Exposition, decision: &Decision) {
    let mut by_counter: BTreeMap<&'static str, Vec<(String, u64)>> = BTreeMap::new();
    for (bus, counter, value) in decision.carrier.field.counters() {
        by_counter.entry(counter).or_default().push((bus, value));
    }
    for (counter, rows) in by_counter {
        let name = format!("ballast_bus_{counter}_total");
        let help = format!("Counter `{counter}` of each bus; the manual says what it counts.");
        let mut family = out.family(&name, &help, Kind::Counter);
        for (bus, value) in rows {
            family.sample(&[("bus", &bus)], value as f64);
        }
    }
}

fn records(out: &mut Exposition, decision: &Decision) {
    let recorder = &decision.carrier.recorder;
    let mut family = out.family("ballast_events_total", "Things that happened, by kind.", Kind::Counter);
    for (kind, count) in &recorder.counts {
        family.sample(&[("kind", kind)], *count as f64);
    }
    out.family("ballast_journal_bytes", "Memory of the journal.", Kind::Gauge)
        .sample(&[], decision.carrier.ring.bytes() as f64);
    let Some(store) = recorder.store() else { return };
    let health = store.health();
    out.family("ballast_history_healthy", "1 while the history can be written.", Kind::Gauge)
        .sample(&[], flag(health.ok));
    out.family("ballast_history_unsaved_events", "Events that wait for the disk.", Kind::Gauge)
        .sample(&[], health.unsaved_events as f64);
    for (name, help, value) in [
        ("ballast_history_events_written_total", "Events written.", health.written_events),
        (
            "ballast_history_events_lost_total",
            "Events that found no room.",
            health.lost_events + recorder.lost,
        ),
        ("ballast_history_states_written_total", "States written.", health.written_states),
    ] {
        out.family(name, help, Kind::Counter).sample(&[], value as f64);
    }
}
