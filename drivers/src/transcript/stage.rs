//! A simulated device on the stage: a world that is what the transcript says, and that writes down what it is told.

use crate::bus::{Meaning, Moved, World};
use crate::counters::BusCounters;
use crate::readings::Readings;
use crate::sim::SimBus;
use ballast_model::quantity::parse_quantity;
use ballast_model::{Mono, OutputId, Span, Wanted};
use std::sync::{Arc, Mutex, PoisonError};

/// So much time goes by between two lines that everything is due.
const SCENE: Span = Span::from_secs(3600);

/// Who is on it.
pub(super) struct Stage {
    moved: Moved,
    counters: BusCounters,
    props: Arc<Mutex<Props>>,
    now: Mono,
}

/// What can be read and told there, by names.
#[derive(Default)]
struct Props {
    readings: Vec<(Box<str>, Meaning)>,
    /// What a reading became with this line, by its place.
    news: Option<(usize, f64)>,
    inputs: Vec<(Box<str>, Meaning)>,
    told: Vec<(usize, f64)>,
}

struct Scenery(Arc<Mutex<Props>>);

impl Stage {
    /// Puts a bus on the stage; `None` where it asks for what no stage has: words of a plant.
    pub(super) fn new(mut bus: SimBus) -> Option<Self> {
        let props = Props { readings: bus.readings(), inputs: bus.inputs(), ..Props::default() };
        let props = Arc::new(Mutex::new(props));
        bus.join(Box::new(Scenery(Arc::clone(&props)))).ok()?;
        let moved = Moved::new(bus, Mono::ZERO);
        Some(Self { moved, counters: BusCounters::default(), props, now: Mono::ZERO })
    }

    /// The plant says `NAME VALUE`; whether it can.
    pub(super) fn says(&mut self, text: &str, out: &mut Readings) -> Option<()> {
        let (name, value) = text.split_once(' ')?;
        {
            let mut props = self.props.lock().unwrap_or_else(PoisonError::into_inner);
            let place = props.readings.iter().position(|(known, _)| **known == *name)?;
            let value = number(value, props.readings.get(place)?.1)?;
            props.news = Some((place, value));
        }
        self.now = self.now.after(SCENE);
        self.moved.advance(self.now, out, &self.counters);
        self.props.lock().unwrap_or_else(PoisonError::into_inner).news = None;
        Some(())
    }

    /// An output is told something; what the plant is told with that, each as `NAME VALUE`.
    pub(super) fn tell(&mut self, output: OutputId, wanted: Wanted) -> Option<Vec<String>> {
        if !self.moved.tell(output, wanted) {
            return None;
        }
        let mut props = self.props.lock().unwrap_or_else(PoisonError::into_inner);
        let told = std::mem::take(&mut props.told);
        let shown = |(place, value): (usize, f64)| {
            let (name, meaning) = props.inputs.get(place)?;
            Some(match meaning {
                Meaning::Number(unit) => format!("{name} {value} {unit}"),
                Meaning::Words(_) | Meaning::Flag => {
                    format!("{name} {}", if value > 0.5 { "yes" } else { "no" })
                }
            })
        };
        Some(told.into_iter().filter_map(shown).collect())
    }
}

fn number(text: &str, meaning: Meaning) -> Option<f64> {
    match (meaning, text) {
        (Meaning::Flag, "yes") => Some(1.0),
        (Meaning::Flag, "no") => Some(0.0),
        (Meaning::Number(unit), text) => {
            let quantity = parse_quantity(text).ok()?;
            (quantity.unit.dimension() == unit.dimension()).then(|| unit.from_base(quantity.base).get())
        }
        (Meaning::Flag | Meaning::Words(_), _) => None,
    }
}

impl Scenery {
    fn find(props: &[(Box<str>, Meaning)], name: &str) -> Option<(usize, Meaning)> {
        let place = props.iter().position(|(known, _)| **known == *name)?;
        Some((place, props.get(place)?.1))
    }
}

impl World for Scenery {
    fn reading(&self, name: &str) -> Option<(usize, Meaning)> {
        Self::find(&self.0.lock().unwrap_or_else(PoisonError::into_inner).readings, name)
    }

    fn input(&self, name: &str) -> Option<(usize, Meaning)> {
        Self::find(&self.0.lock().unwrap_or_else(PoisonError::into_inner).inputs, name)
    }

    fn advance(&mut self, _now: Mono) {}

    /// Only what was just said: a line is about one thing.
    fn read(&mut self, reading: usize) -> Option<f64> {
        let props = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        props.news.filter(|(place, _)| *place == reading).map(|(_, value)| value)
    }

    fn set(&mut self, input: usize, value: f64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).told.push((input, value));
    }
}
