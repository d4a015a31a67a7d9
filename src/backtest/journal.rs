//! The readings of a journal.

use super::source::{PastReading, SampleSource};
use crate::journal::Journal;
use crate::replay::Timeline;
use crate::runtime::saving::kind;
use crate::site::{Running, Texts, build_unopened};
use ballast_engine::Input;
use ballast_model::catalog::Noun;
use ballast_model::{PointId, Quality, Reason, Sample, Span, Utc};
use std::collections::BTreeMap;

/// The readings of a journal, by the clock of the wall.
#[derive(Debug)]
pub struct JournalSource {
    moments: Vec<(Utc, Vec<PastReading>)>,
}

impl JournalSource {
    /// Reads what points of a site were told in a journal; points that the site does not have are left out.
    ///
    /// # Errors
    /// A sentence: the texts of the journal do not load, or a record cannot be read.
    pub fn new(journal: &Journal, running: &Running) -> Result<Self, String> {
        let timeline = Timeline::of(journal);
        let mut moments: Vec<(Utc, Vec<PastReading>)> = Vec::new();
        for segment in &journal.segments {
            let texts = Texts { files: segment.plan().texts.iter().cloned().collect(), ..Texts::default() };
            let built = build_unopened(&texts)
                .map_err(|refused| format!("the journal's texts do not load: {}", refused.text))?;
            let here = places(&built.running, running);
            for record in segment.records().filter(|record| record.kind == kind::ENGINE) {
                let inputs: Vec<Input> = postcard::from_bytes(record.bytes)
                    .map_err(|error| format!("a record cannot be read: {error}"))?;
                let reading = |input: &Input| match input {
                    Input::Sample(sample) => Some(past(sample, *here.get(&sample.point)?)),
                    _ => None,
                };
                let readings: Vec<PastReading> = inputs.iter().filter_map(reading).collect();
                if readings.is_empty() {
                    continue;
                }
                let at = Utc::from_millis(timeline.instant(record.at).as_millisecond());
                // A clock that was set back stands still here until it is over.
                let at = moments.last().map_or(at, |(last, _)| at.max(*last));
                moments.push((at, readings));
            }
        }
        Ok(Self { moments })
    }
}

/// Where the measured points of the site that wrote the journal are in the site of now.
fn places(then: &Running, now: &Running) -> BTreeMap<PointId, PointId> {
    use ballast_model::catalog::Origin;
    let points = (0..).map(PointId).zip(&then.catalog().points);
    let measured = points.filter(|(_, spec)| spec.origin == Origin::Measured);
    let known = measured.filter_map(|(id, spec)| match now.catalog().resolve(&spec.name) {
        Some(Noun::Point(place)) => {
            let is_same = now.catalog().point(place).is_some_and(|own| own.kind == spec.kind);
            is_same.then_some((id, place))
        }
        _ => None,
    });
    known.collect()
}

fn past(sample: &Sample, point: PointId) -> PastReading {
    let value = match (sample.quality, sample.value) {
        (Quality::Bad(reason), _) => Err(reason),
        (_, Some(value)) => Ok(value),
        (_, None) => Err(Reason::NotAValue),
    };
    PastReading { point, value }
}

impl SampleSource for JournalSource {
    fn moments(&self) -> usize {
        self.moments.len()
    }

    fn at(&self, number: usize) -> Option<Utc> {
        self.moments.get(number).map(|(at, _)| *at)
    }

    fn read(&self, number: usize, out: &mut Vec<PastReading>) {
        out.extend(self.moments.get(number).into_iter().flat_map(|(_, readings)| readings));
    }

    fn step(&self) -> Span {
        Span::ZERO
    }
}
