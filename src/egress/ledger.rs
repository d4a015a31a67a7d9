//! What one receiver was told, and so what is worth a letter now.
//!
//! Only the newest value of a thing is ever told: where letters leave slowly, those between are never written, so nothing
//! piles up.

use super::gate::{Gate, Passed};
use super::home_assistant::{Entity, document};
use super::inquiry::{Fact, Subject};
use super::term::Standing;
use ballast_model::time::Wall;
use ballast_model::{Mono, Span};
use tokio::time::Instant;

/// Everything that a receiver is told of, in the order of its entities.
#[derive(Debug)]
pub struct Ledger {
    gate: Gate,
    entities: Vec<Entity>,
    told: Vec<Option<Told>>,
    every: Span,
    standing: Standing,
    ends: Option<Instant>,
}

/// What was told of one thing.
#[derive(Clone, Debug)]
struct Told {
    passed: Passed,
    at: Mono,
    /// When the reading came in that was told; nothing for what has no readings.
    reading: Option<Mono>,
}

/// A document that shall leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worth {
    /// Where it goes.
    pub topic: String,
    /// What it says.
    pub document: String,
}

impl Ledger {
    /// Nothing was told yet. A value is told every `every` at most.
    pub fn new(gate: Gate, entities: Vec<Entity>, every: Span) -> Self {
        let told = entities.iter().map(|_| None).collect();
        let standing = if gate.receiver().until.is_some() { Standing::Unsure } else { Standing::Told };
        Self { gate, entities, told, every, standing, ends: None }
    }

    /// Looks whether it is told anything by a wall clock that was just read; whether that is another answer than before.
    pub fn review(&mut self, wall: &Wall) -> bool {
        // An end that no clock of this machine can reach is none.
        self.ends = self.gate.left(wall).and_then(|left| Instant::now().checked_add(left));
        let standing = self.gate.standing(wall);
        std::mem::replace(&mut self.standing, standing) != standing
    }

    /// Whether it is told anything, as of the last review.
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether something may leave at this instant.
    pub fn is_open(&self, now: Instant) -> bool {
        self.standing == Standing::Told && self.ends.is_none_or(|ends| now < ends)
    }

    /// When what is said now must have left at the latest: a word that is still on its way at the end is not told.
    pub fn ends(&self) -> Option<Instant> {
        self.ends
    }

    /// The gate.
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Everything that is announced.
    pub fn entities(&self) -> &[Entity] {
        &self.entities
    }

    /// What to ask about, from this entity on.
    pub fn subjects(&self, from: usize, count: usize) -> Vec<Subject> {
        self.entities.iter().skip(from).take(count).map(|entity| entity.subject).collect()
    }

    /// Everything is worth telling again: who listens may know nothing.
    pub fn forget(&mut self) {
        self.told.fill(None);
    }

    /// What is worth telling of the fact about the entity with this index, at `now`; it counts as told then.
    pub fn consider(&mut self, index: usize, fact: &Fact, now: Mono) -> Option<Worth> {
        let entity = self.entities.get(index)?;
        let passed = self.gate.pass(entity.subject, fact)?;
        let reading = match fact {
            Fact::Point { arrival, .. } => Some(*arrival),
            Fact::Output(_) => None,
        };
        let told = self.told.get_mut(index)?;
        if told.as_ref().is_some_and(|told| !is_news(told, &passed, reading, entity, self.every, now)) {
            return None;
        }
        let age = reading.map(|arrival| now.since(arrival));
        let document = document(&passed, age);
        *told = Some(Told { passed, at: now, reading });
        Some(Worth { topic: entity.state_topic.clone(), document })
    }
}

/// Whether something else than what was told is worth a letter.
fn is_news(
    told: &Told,
    passed: &Passed,
    reading: Option<Mono>,
    entity: &Entity,
    every: Span,
    now: Mono,
) -> bool {
    let since = now.since(told.at);
    if *passed != told.passed {
        // What is not known any more must not be believed a moment longer.
        return since >= every || (passed.is_unknown() && !told.passed.is_unknown());
    }
    let is_newer = !entity.needs_reading || reading > told.reading;
    is_newer && since >= entity.again_after
}

#[cfg(test)]
mod tests {
    use super::super::home_assistant::{self, SiteNames};
    use super::*;
    use ballast_config::site::{Receiver, ReceiverKind};
    use ballast_model::catalog::{Catalog, Kind, Origin, PointSpec};
    use ballast_model::{Finite, PointId, Unit, Value};
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    const EVERY: Span = Span::from_secs(10);

    /// A meter that is old after a minute, and a setting.
    fn ledger() -> Ledger {
        let mut catalog = Catalog::default();
        let watts = Kind::Number(Unit::parse("W").unwrap());
        let meter = PointSpec {
            max_age: Some(Span::from_secs(60)),
            ..PointSpec::new("meter.power", watts.clone(), Origin::Measured)
        };
        catalog.add_point(meter).unwrap();
        catalog.add_point(PointSpec::new("setting.wish", watts, Origin::Setting)).unwrap();
        let receiver = Receiver {
            name: "home".into(),
            kind: ReceiverKind::HomeAssistant { prefix: "homeassistant".into() },
            bus: "broker".into(),
            points: BTreeSet::from([PointId(0), PointId(1)]),
            outputs: BTreeSet::new(),
            every: EVERY,
            steps: BTreeMap::new(),
            purpose: None,
            until: None,
        };
        let gate = Gate::new(&receiver, &Arc::new(catalog));
        let names = SiteNames { site: "a".into(), label: String::new() };
        let entities = home_assistant::entities(&gate, &names, Some("ballast/a/broker/status"), EVERY);
        Ledger::new(gate, entities, EVERY)
    }

    fn at(seconds: u64) -> Mono {
        Mono::from_millis(seconds * 1000)
    }

    fn power(watts: f64, arrival: u64) -> Fact {
        Fact::Point { value: Finite::new(watts).map(Value::Number), arrival: at(arrival) }
    }

    fn says(worth: Option<Worth>) -> String {
        worth.map(|worth| worth.document).unwrap_or_default()
    }

    #[test]
    fn a_value_is_told_when_it_changed_and_not_too_often() {
        let mut ledger = ledger();
        assert_eq!(says(ledger.consider(0, &power(5.0, 99), at(100))), r#"{"age":1.0,"value":5.0}"#);
        assert_eq!(ledger.consider(0, &power(6.0, 101), at(101)), None);
        assert_eq!(ledger.consider(0, &power(7.0, 109), at(109)), None);
        assert_eq!(says(ledger.consider(0, &power(8.0, 110), at(110))), r#"{"age":0.0,"value":8.0}"#);
        // Unchanged, with newer readings: again after a quarter of its longest age.
        assert_eq!(ledger.consider(0, &power(8.0, 120), at(120)), None);
        assert!(ledger.consider(0, &power(8.0, 125), at(125)).is_some());
        // The same reading is no news, however long ago it was told.
        assert_eq!(ledger.consider(0, &power(8.0, 125), at(180)), None);
    }

    #[test]
    fn what_is_not_known_any_more_is_told_at_once() {
        let mut ledger = ledger();
        let unknown = Fact::Point { value: None, arrival: at(100) };
        assert!(ledger.consider(0, &power(5.0, 100), at(100)).is_some());
        assert_eq!(says(ledger.consider(0, &unknown, at(101))), r#"{"value":null}"#);
        assert_eq!(ledger.consider(0, &unknown, at(500)), None);
        // What comes and goes is told at the pace of its values.
        assert!(ledger.consider(0, &power(5.0, 501), at(501)).is_some());
        assert!(ledger.consider(0, &unknown, at(502)).is_some());
        assert_eq!(ledger.consider(0, &power(5.0, 503), at(503)), None);
    }

    #[test]
    fn what_has_no_age_is_told_again_every_minute_and_everything_is_after_a_birth() {
        let mut ledger = ledger();
        let wish = power(1000.0, 0);
        assert!(ledger.consider(1, &wish, at(100)).is_some());
        assert_eq!(ledger.consider(1, &wish, at(159)), None);
        assert!(ledger.consider(1, &wish, at(160)).is_some());
        ledger.forget();
        assert!(ledger.consider(1, &wish, at(161)).is_some());
    }
}
