//! Who may be told what and until when: one gate for each receiver, made of what the site's file says and of nothing else.
//!
//! A gate knows the nouns of one set of files; after a reload there are others, and an answer for the old nouns is none for
//! the new ones.

use super::inquiry::{Fact, OutputFact, Subject};
use super::term::Standing;
use crate::report::numbers::twelve_digits;
use ballast_config::site::{Receiver, ReceiverKind};
use ballast_model::catalog::{Catalog, Kind, OutputKind};
use ballast_model::time::Wall;
use ballast_model::{Finite, PointId, Unit, Value, Wanted};
use std::sync::Arc;
use std::time::Duration;

/// What one receiver may be told.
#[derive(Clone, Debug)]
pub struct Gate {
    receiver: Receiver,
    catalog: Arc<Catalog>,
}

/// What a receiver may know of something now, in the form in which it may know it.
#[derive(Clone, Debug, PartialEq)]
pub enum Passed {
    /// Of a point: a number in the unit that people use for it, one of its words, or a flag; `None` while it is unknown.
    Point(Option<Plain>),
    /// Of an output.
    Output {
        /// What its device or bus confirmed last; `None` while nothing is known.
        state: Option<Plain>,
        /// What is asked of it.
        asked: Option<Plain>,
        /// Who asks, as people read it.
        by: String,
        /// With which authority.
        authority: &'static str,
        /// What happens to it when everything else is gone.
        strength: &'static str,
        /// Whether something can be told to it.
        is_reachable: bool,
    },
}

impl Passed {
    /// Whether nothing is known of what it mostly says.
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Point(None) | Self::Output { state: None, .. })
    }
}

/// A value as others read it.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    /// A number; finite.
    Number(f64),
    /// A word.
    Word(String),
    /// Yes or no.
    Flag(bool),
}

impl Gate {
    /// The gate of a receiver of the site with these nouns.
    pub fn new(receiver: &Receiver, catalog: &Arc<Catalog>) -> Self {
        Self { receiver: receiver.clone(), catalog: Arc::clone(catalog) }
    }

    /// Who is told.
    pub const fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// Whether it is told anything by a wall clock that was just read.
    pub fn standing(&self, wall: &Wall) -> Standing {
        Standing::of(self.receiver.until, wall)
    }

    /// How long after the wall clock was read nothing passes any more; `None`: without an end.
    pub fn left(&self, wall: &Wall) -> Option<Duration> {
        self.receiver.until.map(|until| Duration::from_millis(until.since(wall.utc).millis()))
    }

    /// The prefix under which it finds announcements.
    pub fn prefix(&self) -> &str {
        let ReceiverKind::HomeAssistant { prefix } = &self.receiver.kind;
        prefix
    }

    /// The nouns.
    pub const fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Everything that it may be told of, points first.
    pub fn subjects(&self) -> impl Iterator<Item = Subject> {
        let points = self.receiver.points.iter().copied().map(Subject::Point);
        points.chain(self.receiver.outputs.iter().copied().map(Subject::Output))
    }

    /// What it may know of a fact; `None` where it may know nothing of it.
    pub fn pass(&self, subject: Subject, fact: &Fact) -> Option<Passed> {
        match (subject, fact) {
            (Subject::Point(point), Fact::Point { value, .. }) if self.receiver.points.contains(&point) => {
                Some(Passed::Point(value.and_then(|value| self.point(point, value))))
            }
            (Subject::Output(output), Fact::Output(fact)) if self.receiver.outputs.contains(&output) => {
                let OutputFact { confirmed, asked, by, authority, strength, is_reachable } = fact;
                let kind = &self.catalog.output(output)?.kind;
                let plain = |wanted: &Option<Wanted>| wanted.map(|wanted| self.wanted(kind, wanted));
                Some(Passed::Output {
                    state: plain(confirmed).filter(|_| *is_reachable),
                    asked: plain(asked),
                    by: by.clone(),
                    authority,
                    strength,
                    is_reachable: *is_reachable,
                })
            }
            _ => None,
        }
    }

    fn point(&self, point: PointId, value: Value) -> Option<Plain> {
        let spec = self.catalog.point(point)?;
        Some(match (value, &spec.kind) {
            (Value::Number(base), Kind::Number(unit)) => Plain::Number(self.number(base, *unit)),
            (Value::Word(word), Kind::Words(words)) => Plain::Word(words.get(usize::from(word))?.to_string()),
            (Value::Flag(flag), _) => Plain::Flag(flag),
            _ => return None,
        })
    }

    fn wanted(&self, kind: &OutputKind, wanted: Wanted) -> Plain {
        match (wanted, kind) {
            (Wanted::Contact(contact), _) => Plain::Word(contact.word().to_owned()),
            (Wanted::Level(base), OutputKind::Setpoint(unit)) => Plain::Number(self.number(base, *unit)),
            (Wanted::Level(base), OutputKind::Contact) => Plain::Number(base.get()),
        }
    }

    /// A number in its steps and in the unit in which it is told.
    fn number(&self, base: Finite, unit: Unit) -> f64 {
        let unit = super::units::told_in(unit);
        let stepped = match self.receiver.steps.get(&unit.dimension()) {
            Some(step) => Finite::saturating((base.get() / step.get()).round() * step.get()),
            None => base,
        };
        twelve_digits(unit.from_base(stepped).get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_model::catalog::{Origin, PointSpec};
    use ballast_model::{Dimension, Span};
    use std::collections::{BTreeMap, BTreeSet};

    fn gate(unit: &str, step: Option<(Dimension, f64)>) -> Gate {
        let mut catalog = Catalog::default();
        let kind = Kind::Number(Unit::parse(unit).unwrap());
        for name in ["meter.shared", "meter.private"] {
            catalog.add_point(PointSpec::new(name, kind.clone(), Origin::Measured)).unwrap();
        }
        let receiver = Receiver {
            name: "home".into(),
            kind: ReceiverKind::HomeAssistant { prefix: "homeassistant".into() },
            bus: "broker".into(),
            points: BTreeSet::from([PointId(0)]),
            outputs: BTreeSet::new(),
            every: Span::from_secs(10),
            steps: step
                .into_iter()
                .map(|(of, step)| (of, Finite::new(step).unwrap()))
                .collect::<BTreeMap<_, _>>(),
            purpose: None,
            until: None,
        };
        Gate::new(&receiver, &Arc::new(catalog))
    }

    fn passed(gate: &Gate, point: u32, base: f64) -> Option<Passed> {
        let fact =
            Fact::Point { value: Finite::new(base).map(Value::Number), arrival: ballast_model::Mono::ZERO };
        gate.pass(Subject::Point(PointId(point)), &fact)
    }

    #[test]
    fn what_is_not_shared_does_not_pass() {
        let gate = gate("W", None);
        assert_eq!(passed(&gate, 0, 1234.5), Some(Passed::Point(Some(Plain::Number(1234.5)))));
        assert_eq!(passed(&gate, 1, 1234.5), None);
        let unknown = Fact::Point { value: None, arrival: ballast_model::Mono::ZERO };
        assert_eq!(gate.pass(Subject::Point(PointId(0)), &unknown), Some(Passed::Point(None)));
        assert_eq!(gate.pass(Subject::Point(PointId(1)), &unknown), None);
        assert_eq!(gate.pass(Subject::Output(ballast_model::OutputId(0)), &unknown), None);
    }

    #[test]
    fn numbers_are_told_in_steps_and_in_the_unit_of_people() {
        let number = |unit: &str, step, base| match passed(&gate(unit, step), 0, base) {
            Some(Passed::Point(Some(Plain::Number(number)))) => number.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(number("W", Some((Dimension::Power, 50.0)), 1234.5), "1250");
        assert_eq!(number("W", Some((Dimension::Power, 50.0)), -12.0), "0");
        assert_eq!(number("V", Some((Dimension::Voltage, 0.1)), 230.123), "230.1");
        assert_eq!(number("V", Some((Dimension::Power, 50.0)), 230.123), "230.123");
        assert_eq!(number("kWh", Some((Dimension::Energy, 100.0)), 12_345.6), "12.3");
        // Home Assistant knows no kVA.
        assert_eq!(number("kVA", None, 5750.0), "5750");
    }
}
