//! What a piece of a journal holds: what points read, and what outputs, rules and alarms were meanwhile.
//!
//! The journal is run again, so that what was is that which the machines said then, and not what a test would say now.

use crate::journal::{Journal, Segment};
use crate::replay::{Machines, Place, Timeline};
use crate::report::{guard_words, language::Language};
use crate::runtime::saving::kind;
use crate::site::{Running, Texts};
use crate::testing::series::Reading;
use ballast_engine::{Input, Output as EngineOutput, RuleState};
use ballast_guard::Output as GuardOutput;
use ballast_history::Severity;
use ballast_model::catalog::Origin;
use ballast_model::{Mono, OutputId, PointId, Quality, Reason, Sample, Span, Utc, Value, Wanted};
use jiff::Timestamp;
use std::sync::Arc;

/// What changed at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An output is in this state.
    Output(OutputId, Wanted),
    /// A rule is active, or no longer.
    Rule(u32, bool),
    /// An alarm was raised.
    Alarm(String),
}

/// What a piece of a journal holds. Times count from its beginning.
#[derive(Debug)]
pub struct Observed {
    /// What ran.
    pub running: Arc<Running>,
    /// Of these texts.
    pub texts: Texts,
    /// The wall clock at the beginning.
    pub start: Utc,
    /// What is recorded begins then; what lies before it only leads to it.
    pub from: Span,
    /// And ends then.
    pub to: Span,
    /// What measured points read, in the order of time.
    pub readings: Vec<(Span, PointId, Reading)>,
    /// What outputs and rules were when the recorded time began.
    pub first: State,
    /// What changed after that.
    pub changes: Vec<(Span, Change)>,
    /// How often people, other sites or campaigns said something that a test does not repeat.
    pub commands: usize,
    /// Settings that were not as the site's file says.
    pub settings: Vec<String>,
    /// The wall clock was set in between.
    pub is_clock_set: bool,
}

/// What outputs and rules are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Nothing where the guard has not judged an output yet.
    pub outputs: Vec<Option<Wanted>>,
    /// Whether each rule is active.
    pub rules: Vec<bool>,
}

/// Why a piece cannot be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRecorded {
    /// The journal holds another time: from then to then.
    Holds(Timestamp, Timestamp),
    /// The site was loaded anew then.
    LoadedAnew(Timestamp),
    /// It cannot be run again; a sentence.
    Broken(String),
}

impl Observed {
    /// Runs a journal again up to `to`, and keeps what was since `from`, and what was read for a while before it.
    ///
    /// # Errors
    /// The journal does not hold that time, the site was loaded anew in it, or it does not run again.
    pub fn of(journal: &Journal, from: Timestamp, to: Timestamp, lead: Span) -> Result<Self, NotRecorded> {
        let timeline = Timeline::of(journal);
        let within = |at| match timeline.place(at) {
            Place::Within(moment) => Some(moment),
            Place::Before(_) | Place::After(_) => None,
        };
        let oldest = journal.segments.first().map_or(Mono::ZERO, Segment::started);
        let (Some(from), Some(to)) = (within(from), within(to)) else {
            let end = timeline.end().unwrap_or(Timestamp::MIN);
            return Err(NotRecorded::Holds(timeline.instant(oldest), end));
        };
        let begin = from.before(lead).max(oldest);
        let first = journal.segments.iter().rposition(|segment| segment.started() <= begin).unwrap_or(0);
        let segments = journal.segments.get(first..).unwrap_or_default();
        let segments = || segments.iter().take_while(|segment| segment.started() <= to);
        let texts = segments().next().map(|segment| &segment.plan().texts);
        if let Some(other) = segments().find(|segment| Some(&segment.plan().texts) != texts) {
            return Err(NotRecorded::LoadedAnew(timeline.instant(other.started())));
        }
        let mut watch = None;
        for segment in segments() {
            let mut machines = Machines::restore(segment).map_err(NotRecorded::Broken)?;
            let watch = watch.get_or_insert_with(|| Watch::new(&machines, begin, from, to));
            watch.run(segment, &mut machines).map_err(NotRecorded::Broken)?;
        }
        let nothing = || NotRecorded::Broken("the journal has no state before that".to_owned());
        let mut observed = watch.ok_or_else(nothing)?.observed;
        observed.start = Utc::from_millis(timeline.instant(begin).as_millisecond());
        observed.texts.files = texts.into_iter().flatten().cloned().collect();
        Ok(observed)
    }
}

/// Looks at machines that run again.
struct Watch {
    begin: Mono,
    from: Mono,
    to: Mono,
    state: State,
    /// What points read when the piece begins is still to be kept.
    is_begun: bool,
    is_from: bool,
    observed: Observed,
}

impl Watch {
    fn new(machines: &Machines, begin: Mono, from: Mono, to: Mono) -> Self {
        let observed = Observed {
            running: Arc::clone(&machines.running),
            texts: Texts::default(),
            start: Utc::from_millis(0),
            from: from.since(begin),
            to: to.since(begin),
            readings: Vec::new(),
            first: State::default(),
            changes: Vec::new(),
            commands: 0,
            settings: Vec::new(),
            is_clock_set: false,
        };
        let state = State::of(machines);
        Self { begin, from, to, state, is_begun: false, is_from: false, observed }
    }

    fn run(&mut self, segment: &Segment, machines: &mut Machines) -> Result<(), String> {
        if segment.lost() > 0 {
            return Err("more came in then than the journal could keep".to_owned());
        }
        for record in segment.records() {
            let is_of_guard = matches!(record.kind, kind::GUARD | kind::GUARD_OUT);
            if record.at > self.to {
                // What a guard elsewhere did may stand behind it, with the moment at which it did it.
                if is_of_guard || machines.running.safety.process.is_some() {
                    continue;
                }
                break;
            }
            self.pass(record.at, machines);
            if record.kind == kind::ENGINE && record.at >= self.begin {
                let inputs: Vec<Input> = postcard::from_bytes(record.bytes)
                    .map_err(|error| format!("a record cannot be read: {error}"))?;
                inputs.iter().for_each(|input| self.hear(input, record.at));
            }
            if let Some(difference) = machines.take(&record)? {
                return Err(format!("the journal does not run again as it ran: {difference}"));
            }
            match record.kind {
                kind::ENGINE => self.alarms(record.at, machines, false),
                kind::GUARD => self.alarms(record.at, machines, true),
                _ => continue,
            }
            self.compare(record.at, machines);
        }
        // Nothing came any more before the end.
        self.pass(self.to, machines);
        Ok(())
    }

    fn since(&self, at: Mono) -> Span {
        at.since(self.begin)
    }

    /// Time goes on up to the next record: the piece may begin meanwhile.
    fn pass(&mut self, next: Mono, machines: &Machines) {
        if !self.is_begun && next >= self.begin {
            self.is_begun = true;
            let catalog = machines.running.catalog();
            for (point, spec) in (0..).map(PointId).zip(&catalog.points) {
                let known = machines.engine.snapshot().known(point, self.begin);
                let value = known.filter(|_| spec.origin == Origin::Measured);
                self.observed.readings.extend(value.map(|value| (Span::ZERO, point, Reading::Value(value))));
            }
        }
        if !self.is_from && next >= self.from {
            self.is_from = true;
            self.observed.first = self.state.clone();
            self.observed.settings = settings(machines, self.from);
        }
    }

    fn hear(&mut self, input: &Input, at: Mono) {
        match input {
            Input::Sample(sample) => {
                let spec = self.observed.running.catalog().point(sample.point);
                if spec.is_some_and(|spec| spec.origin == Origin::Measured) {
                    self.observed.readings.push((self.since(at), sample.point, reading(sample)));
                }
            }
            Input::Wall(_) if at > self.begin => self.observed.is_clock_set = true,
            Input::Command(_) => self.observed.commands += 1,
            Input::Wall(_) | Input::Verdict(_) => {}
        }
    }

    fn alarms(&mut self, at: Mono, machines: &Machines, is_guard: bool) {
        if at <= self.from {
            return;
        }
        let (running, said) = (&machines.running, machines.said());
        let of_engine = said.0.iter().filter(|_| !is_guard).filter_map(|said| match said {
            EngineOutput::Event(event) if event.severity() >= Severity::Alarm => {
                Some(event.sentence(&running.plan))
            }
            _ => None,
        });
        let of_guard = said.1.iter().filter(|_| is_guard).filter_map(|said| match said {
            GuardOutput::Event(event) => {
                let (safety, catalog) = (machines.guard.safety_set(), running.catalog());
                let words = guard_words::sentence(event, safety, catalog, Language::En);
                (words.severity >= Severity::Alarm).then_some(words.text)
            }
            _ => None,
        });
        let (since, changes) = (at.since(self.begin), &mut self.observed.changes);
        changes.extend(of_engine.chain(of_guard).map(|text| (since, Change::Alarm(text))));
    }

    /// What is not as it was.
    fn compare(&mut self, at: Mono, machines: &Machines) {
        let (now, since) = (State::of(machines), self.since(at));
        if at > self.from {
            let outputs = (0..).map(OutputId).zip(now.outputs.iter().zip(&self.state.outputs));
            let moved = outputs.filter(|(_, (now, before))| now != before);
            let moved = moved.filter_map(|(id, (now, _))| Some((since, Change::Output(id, (*now)?))));
            self.observed.changes.extend(moved);
            let rules = (0..).zip(now.rules.iter().zip(&self.state.rules));
            let turned = rules.filter(|(_, (now, before))| now != before);
            self.observed.changes.extend(turned.map(|(index, (now, _))| (since, Change::Rule(index, *now))));
        }
        self.state = now;
    }
}

impl State {
    fn of(machines: &Machines) -> Self {
        let running = &machines.running;
        let outputs = (0..).map(OutputId).zip(&running.catalog().outputs);
        let rules = (0..).zip(&running.plan.rules);
        Self {
            outputs: outputs.map(|(id, _)| machines.guard.verdict(id).map(|verdict| verdict.state)).collect(),
            rules: rules
                .map(|(index, _)| matches!(machines.engine.rule(index), Some(RuleState::Active { .. })))
                .collect(),
        }
    }
}

/// What a point was told, as a test writes it.
fn reading(sample: &Sample) -> Reading {
    let reason = match (sample.quality, sample.value) {
        (Quality::Good, Some(value)) => return Reading::Value(value),
        (Quality::Bad(reason) | Quality::Uncertain(reason), _) => reason,
        (Quality::Good, None) => Reason::NotAValue,
    };
    Reading::Bad(match reason {
        Reason::Offline | Reason::Stale => reason,
        // A test has no words for what else can be wrong with a value; it is unknown all the same.
        _ => Reason::NotAValue,
    })
}

/// Settings and the mode that are not what the site's file says they are at first.
fn settings(machines: &Machines, at: Mono) -> Vec<String> {
    let (snapshot, catalog) = (machines.engine.snapshot(), machines.running.catalog());
    let first: &[(PointId, Value)] = &machines.running.plan.settings;
    let moved = first.iter().filter_map(|(point, value)| {
        let (spec, now) = (catalog.point(*point)?, snapshot.known(*point, at)?);
        (now != *value).then(|| format!("{} was {}", spec.name, spec.show(now)))
    });
    moved.collect()
}
