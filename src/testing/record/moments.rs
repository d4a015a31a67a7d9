//! Where a recorded test looks: when the recorded time begins, behind each change, and at its end.

use super::observe::{Change, Observed};
use ballast_model::{OutputId, Span, Wanted};
use std::collections::BTreeMap;

/// Changes that follow each other faster than this are looked at together.
const APART: Span = Span::from_secs(3);
/// What a test looks at a change after it: equipment of a test answers at once, that of a site does not.
const AFTER: Span = Span::from_secs(1);
/// Looks of one test; where there are more changes, the later ones are looked at together.
const LOOKS_MAX: usize = 300;

/// One look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Since the beginning of the test.
    pub at: Span,
    /// What outputs are.
    pub outputs: BTreeMap<OutputId, Wanted>,
    /// Which rules are active, and which are not.
    pub rules: BTreeMap<u32, bool>,
    /// Parts of the alarms since the look before; nothing where nothing is expected of them.
    pub alarms: Option<Vec<String>>,
    /// What was so, and a test does not bring about.
    pub dropped: Vec<Dropped>,
}

/// What was so, and a test does not bring about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// An output was in this state.
    Output(OutputId, Wanted),
    /// A rule was active, or was not.
    Rule(u32, bool),
    /// This alarm was raised.
    Alarm(String),
    /// None was.
    NoAlarm,
}

/// The looks at what was observed.
pub fn of(observed: &Observed) -> Vec<Moment> {
    let mut moments = vec![Moment { at: observed.from, ..Moment::default() }];
    if let Some(first) = moments.first_mut() {
        let outputs = (0..).map(OutputId).zip(&observed.first.outputs);
        first.outputs = outputs.filter_map(|(id, state)| Some((id, (*state)?))).collect();
        first.rules = (0..).zip(observed.first.rules.iter().copied()).collect();
    }
    let mut group = Moment::default();
    let mut alarms = Vec::new();
    for (index, (at, change)) in observed.changes.iter().enumerate() {
        match change {
            Change::Output(output, wanted) => drop(group.outputs.insert(*output, *wanted)),
            Change::Rule(rule, is_active) => drop(group.rules.insert(*rule, *is_active)),
            Change::Alarm(text) => alarms.push(text.clone()),
        }
        let next = observed.changes.get(index + 1).map(|(next, _)| *next);
        let is_last = next.is_none_or(|next| next >= at.plus(APART));
        let look = up_to_second(at.plus(AFTER));
        if is_last && look < observed.to && moments.len() < LOOKS_MAX {
            let alarms = Some(std::mem::take(&mut alarms));
            moments.push(Moment { at: look, alarms, ..std::mem::take(&mut group) });
        }
    }
    moments.push(last(observed, &moments, group, alarms));
    moments
}

/// At the end everything is looked at that moved, as it is then.
fn last(observed: &Observed, before: &[Moment], mut group: Moment, alarms: Vec<String>) -> Moment {
    for moment in before.iter().rev() {
        for (output, wanted) in &moment.outputs {
            group.outputs.entry(*output).or_insert(*wanted);
        }
        for (rule, is_active) in moment.rules.iter().filter(|(_, is_active)| **is_active) {
            let is_ended = before.iter().any(|other| other.at > moment.at && other.rules.contains_key(rule));
            if !is_ended {
                group.rules.entry(*rule).or_insert(*is_active);
            }
        }
    }
    Moment { at: observed.to, alarms: Some(alarms), ..group }
}

/// The next whole second.
fn up_to_second(at: Span) -> Span {
    Span::from_secs(at.nanos().div_ceil(1_000_000_000))
}

impl Moment {
    /// How much is expected.
    pub fn expected(&self) -> usize {
        let alarms = self.alarms.as_ref().map_or(0, |alarms| alarms.len().max(1));
        self.outputs.len() + self.rules.len() + alarms
    }

    /// Expects nothing of an output.
    pub fn drop_output(&mut self, output: OutputId) {
        let was = self.outputs.remove(&output);
        self.dropped.extend(was.map(|wanted| Dropped::Output(output, wanted)));
    }

    /// Expects nothing of a rule.
    pub fn drop_rule(&mut self, rule: u32) {
        let was = self.rules.remove(&rule);
        self.dropped.extend(was.map(|is_active| Dropped::Rule(rule, is_active)));
    }

    /// Expects less of an alarm: first what stands before its values, which may be others, then nothing.
    pub fn drop_alarm(&mut self, text: &str) {
        let Some(alarms) = &mut self.alarms else { return };
        let Some(place) = alarms.iter_mut().find(|alarm| *alarm == text) else { return };
        let is_value = |character: char| character == ':' || character.is_ascii_digit();
        let head = text.split(is_value).next().unwrap_or("").trim_end();
        if !head.is_empty() && head != text {
            head.clone_into(place);
            return;
        }
        alarms.retain(|alarm| alarm != text);
        self.dropped.push(Dropped::Alarm(text.to_owned()));
        if alarms.is_empty() {
            self.alarms = None;
        }
    }

    /// Does not expect that there was no alarm.
    pub fn drop_alarms(&mut self) {
        self.alarms = None;
        self.dropped.push(Dropped::NoAlarm);
    }
}
