//! The text of a recorded test, and the table of its readings.

use super::moments::{Dropped, Moment};
use super::observe::Observed;
use crate::report::instant;
use crate::testing::series::{READINGS_MAX, Reading};
use ballast_model::catalog::{Kind, OutputKind, PointSpec};
use ballast_model::{Finite, PointId, Reason, Span, Unit, Utc, Value, Wanted};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Words of one point that are still easy to read; where there are more, readings stand in a table.
const WORDS_MAX: usize = 16;
/// Characters of them.
const WIDTH_MAX: usize = 90;

/// How the readings of a test are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readings {
    /// The lines of the test that hold them or name their table.
    lines: String,
    /// The table beside the test, by its name.
    pub table: Option<(String, String)>,
}

/// What a point reads from a moment on.
type Said = Vec<(Span, Reading)>;

impl Readings {
    /// One word behind each point for every `every`; nothing where that would be many words.
    pub fn in_words(observed: &Observed, every: Span) -> Option<Self> {
        let catalog = observed.running.catalog();
        let mut lines = format!("    every: {}\n    points:\n", span(every));
        let moments = usize::try_from(observed.to.nanos().div_ceil(every.nanos()) + 1).ok()?;
        if moments > READINGS_MAX {
            return None;
        }
        for (point, said) in said(observed) {
            let spec = catalog.point(point)?;
            let words = words(&said, spec, every, moments)?;
            let _ = writeln!(lines, "      {}: {words}", spec.name);
        }
        Some(Self { lines, table: None })
    }

    /// A table beside the test with every reading at its time.
    ///
    /// # Errors
    /// A sentence: there are too many.
    pub fn in_a_table(observed: &Observed, name: &str) -> Result<Self, String> {
        let (catalog, said) = (observed.running.catalog(), said(observed));
        let mut rows: BTreeMap<u64, BTreeMap<PointId, Reading>> = BTreeMap::new();
        for (point, said) in &said {
            for (at, reading) in said {
                rows.entry(at.millis()).or_default().insert(*point, *reading);
            }
        }
        rows.entry(observed.to.nanos().div_ceil(1_000_000)).or_default();
        let specs: Vec<(PointId, &PointSpec)> =
            said.keys().filter_map(|point| Some((*point, catalog.point(*point)?))).collect();
        let mut text = String::from("t_s");
        specs.iter().for_each(|(_, spec)| _ = write!(text, ",{}", spec.name));
        text.push('\n');
        for (millis, row) in &rows {
            let _ = write!(text, "{}", *millis as f64 / 1000.0);
            for (point, spec) in &specs {
                let cell = row.get(point).map_or_else(String::new, |reading| word(*reading, spec));
                let _ = write!(text, ",{cell}");
            }
            text.push('\n');
        }
        if rows.len() > READINGS_MAX {
            return Err("there are too many readings for one test: record a shorter time".to_owned());
        }
        let name = format!("{name}.csv");
        Ok(Self { lines: format!("    series_from: {name}\n"), table: Some((name, text)) })
    }
}

/// What each point that read anything said, without what it said again, and with its silences.
fn said(observed: &Observed) -> BTreeMap<PointId, Said> {
    let mut points: BTreeMap<PointId, (Said, Span)> = BTreeMap::new();
    let silent = |said: &mut Said, last: Span, next: Span, age: Option<Span>| {
        let is_known = matches!(said.last(), Some((_, Reading::Value(_))));
        if is_known && age.is_some_and(|age| next > last.plus(age)) {
            // A test says a value again and again until something else comes.
            said.push((last.plus(Span::from_millis(1)), Reading::Nothing));
        }
    };
    let age = |point: PointId| observed.running.catalog().point(point).and_then(|spec| spec.max_age);
    for (at, point, reading) in &observed.readings {
        let (said, last) = points.entry(*point).or_default();
        silent(said, *last, *at, age(*point));
        *last = *at;
        if said.last().is_none_or(|(_, before)| before != reading) {
            said.push((*at, *reading));
        }
    }
    let mut all = BTreeMap::new();
    for (point, (mut said, last)) in points {
        silent(&mut said, last, observed.to, age(point));
        all.insert(point, said);
    }
    all
}

/// The readings of a point at so many moments, as short as they can be written; nothing where that is long.
fn words(said: &Said, spec: &PointSpec, every: Span, moments: usize) -> Option<String> {
    let mut runs: Vec<(String, usize)> = Vec::new();
    let (mut next, mut now) = (0, Reading::Nothing);
    for number in 0..moments {
        let passed = Span::from_nanos(every.nanos().saturating_mul(number as u64));
        let mut is_news = false;
        while let Some((_, reading)) = said.get(next).filter(|(at, _)| *at <= passed) {
            (now, is_news) = (*reading, true);
            next += 1;
        }
        // That there is no value is told once; what follows is silence.
        let reading = if is_news || matches!(now, Reading::Value(_)) { now } else { Reading::Nothing };
        let word = word(reading, spec);
        match runs.last_mut().filter(|(last, _)| *last == word) {
            Some((_, count)) => *count += 1,
            None => runs.push((word, 1)),
        }
        if runs.len() > WORDS_MAX {
            return None;
        }
    }
    let last = runs.len().saturating_sub(1);
    let run = |(index, (word, count)): (usize, &(String, usize))| match count {
        _ if index == last => format!("{word}x*"),
        1 => word.clone(),
        _ => format!("{word}x{count}"),
    };
    let text = runs.iter().enumerate().map(run).collect::<Vec<_>>().join(" ");
    (text.len() <= WIDTH_MAX).then_some(text)
}

/// A reading as a test writes it.
fn word(reading: Reading, spec: &PointSpec) -> String {
    match reading {
        Reading::Nothing => "_".to_owned(),
        Reading::Bad(Reason::Offline) => "offline".to_owned(),
        Reading::Bad(Reason::Stale) => "stale".to_owned(),
        Reading::Bad(_) => "nan".to_owned(),
        Reading::Value(Value::Flag(flag)) => flag.to_string(),
        Reading::Value(Value::Word(index)) => {
            spec.words().get(usize::from(index)).map_or_else(|| "_".to_owned(), ToString::to_string)
        }
        Reading::Value(Value::Number(base)) => match spec.kind {
            Kind::Number(unit) => measured(base, unit),
            _ => base.to_string(),
        },
    }
}

/// A number in a unit, with as few digits as lead back to it.
fn number(base: Finite, unit: Unit) -> String {
    short(base, unit, |found| found == base)
}

/// A reading in a unit; the last bits of a binary fraction are nothing that a device measured.
fn measured(base: Finite, unit: Unit) -> String {
    short(base, unit, |found| (found.get() - base.get()).abs() <= base.get().abs() * 1e-12)
}

fn short(base: Finite, unit: Unit, is_same: impl Fn(Finite) -> bool) -> String {
    let value = unit.from_base(base).get();
    let leads_back = |text: &String| {
        let found = text.parse::<f64>().ok().and_then(|value| unit.to_base(value));
        found.is_some_and(&is_same) && text != "-0"
    };
    let found = (0..=9).map(|digits| format!("{value:.digits$}")).find(leads_back);
    found.unwrap_or_else(|| value.to_string())
}

/// The test file.
pub fn file(observed: &Observed, readings: &Readings, moments: &[Moment]) -> String {
    let (catalog, zone) = (observed.running.catalog(), &observed.running.catalog().zone);
    let at = |since: Span| instant::local(observed.start.after(since), zone);
    let (from, to, site) = (at(observed.from), at(observed.to), &catalog.site);
    let mut text =
        format!("# Recorded by `ballast test --record` from a journal of {site}, {from} to {to}.\n");
    if observed.from > Span::ZERO {
        let lead = span(observed.from);
        let _ = writeln!(
            text,
            "# What was read in the {lead} before leads to it. What the site knew from earlier"
        );
    } else {
        text.push_str("# The journal begins there. What the site knew from earlier\n");
    }
    text.push_str("# is not in here: how long something had lasted, what was counted, what was held.\n");
    for setting in &observed.settings {
        let _ = writeln!(text, "# {setting} then; here it is what site.yaml says.");
    }
    if observed.commands > 0 {
        let count = observed.commands;
        let _ = writeln!(text, "# What people asked for meanwhile ({count} times) is not in here.");
    }
    if observed.is_clock_set {
        text.push_str("# The wall clock was read anew or set meanwhile; here it goes on.\n");
    }
    let start = start(observed.start, observed);
    let name = quoted(&format!("{site}, {from} to {to}"));
    let _ = write!(text, "tests:\n  - name: {name}\n    start: {start}\n{}", readings.lines);
    text.push_str("    expect:\n");
    for moment in moments {
        look(moment, observed, &mut text);
    }
    text
}

/// The local time of an instant as a test begins at, to the millisecond; in UTC where a local time comes twice.
fn start(at: Utc, observed: &Observed) -> String {
    let instant = Timestamp::from_millisecond(at.millis()).unwrap_or_default();
    let zoned = instant.to_zoned(observed.running.catalog().zone.jiff().clone());
    let is_once = zoned.time_zone().to_ambiguous_timestamp(zoned.datetime()).offset();
    match is_once {
        jiff::tz::AmbiguousOffset::Unambiguous { .. } => {
            let form = if at.millis() % 1000 == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.3f" };
            zoned.strftime(form).to_string()
        }
        _ => instant.to_string(),
    }
}

fn look(moment: &Moment, observed: &Observed, text: &mut String) {
    let (catalog, plan) = (observed.running.catalog(), &observed.running.plan);
    let mut parts = Vec::new();
    let outputs = moment.outputs.iter().filter_map(|(id, wanted)| {
        let spec = catalog.output(*id)?;
        Some(format!("{}: {}", spec.name, state(&spec.kind, *wanted)))
    });
    let outputs: Vec<String> = outputs.collect();
    if !outputs.is_empty() {
        parts.push(format!("outputs: {{ {} }}", outputs.join(", ")));
    }
    for (key, is_active) in [("active", true), ("idle", false)] {
        let rules = moment.rules.iter().filter(|(_, active)| **active == is_active);
        let names =
            rules.filter_map(|(index, _)| plan.rules.get(*index as usize)).map(|rule| quoted(&rule.name));
        let names: Vec<String> = names.collect();
        if !names.is_empty() {
            parts.push(format!("{key}: [{}]", names.join(", ")));
        }
    }
    if let Some(alarms) = &moment.alarms {
        let alarms: Vec<String> = alarms.iter().map(|alarm| quoted(alarm)).collect();
        parts.push(format!("alarms: [{}]", alarms.join(", ")));
    }
    for dropped in &moment.dropped {
        let _ = writeln!(
            text,
            "      # Was so, and is not brought about by this test: {}",
            was(dropped, observed)
        );
    }
    let (at, short) = (span(moment.at), parts.join(", "));
    match parts.is_empty() {
        // Where nothing is left to be expected, one does not look.
        true => text.push_str(&format!("      # ... at {at}\n")),
        false if short.len() + at.len() <= 100 => {
            let _ = writeln!(text, "      - {{ at: {at}, {short} }}");
        }
        false => {
            let _ = writeln!(text, "      - at: {at}\n        {}", parts.join("\n        "));
        }
    }
}

fn was(dropped: &Dropped, observed: &Observed) -> String {
    let name = |rule: &u32| {
        let rule = observed.running.plan.rules.get(*rule as usize);
        rule.map_or_else(String::new, |rule| rule.name.to_string())
    };
    match dropped {
        Dropped::Output(id, wanted) => {
            let spec = observed.running.catalog().output(*id);
            spec.map_or_else(String::new, |spec| format!("{} {}", spec.name, spec.show(*wanted)))
        }
        Dropped::Rule(rule, true) => format!("rule {} active", quoted(&name(rule))),
        Dropped::Rule(rule, false) => format!("rule {} not active", quoted(&name(rule))),
        Dropped::Alarm(text) => format!("alarm {}", quoted(text)),
        Dropped::NoAlarm => "no alarm".to_owned(),
    }
}

fn state(kind: &OutputKind, wanted: Wanted) -> String {
    match (wanted, kind) {
        (Wanted::Contact(contact), _) => contact.word().to_owned(),
        (Wanted::Level(base), OutputKind::Setpoint(unit)) => {
            format!("{} {}", number(base, *unit), unit.symbol()).trim_end().to_owned()
        }
        (Wanted::Level(base), OutputKind::Contact) => base.to_string(),
    }
}

/// A text as YAML reads it, whatever is in it: a JSON string is one.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

/// A length of time that is read as exactly this one.
fn span(span: Span) -> String {
    let millis = span.millis();
    if !millis.is_multiple_of(1000) {
        return format!("{millis} ms");
    }
    let seconds = millis / 1000;
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}
