//! What is read of a device at once: where it stands on this one, and what it says.

use super::control::{Control, Seat};
use super::image::{Block, Image, plan};
use super::source::{Place, Said, Source, factor};
use super::value::NoValue;
use super::walk::Model;
use crate::point::Raw;
use crate::readings::{Freshness, Readings, Report};
use crate::shape::Heed;
use ballast_model::quantity::Dimension;
use ballast_model::{Mono, OutputId, Reason, Span};

/// One point of a read.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) slot: usize,
    pub(crate) source: Source,
    pub(crate) instance: usize,
    /// Of a number; `None` for words.
    pub(crate) dimension: Option<Dimension>,
}

/// What is read of one device at once.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) wishes: Vec<Wish>,
    /// Outputs whose state it shows, by their place.
    pub(crate) shows: Vec<usize>,
    /// Where it stands, once the device's models are known.
    pub(super) found: Option<Found>,
    /// What was read so far.
    pub(super) image: Image,
    /// The block that is read next.
    pub(super) next: usize,
}

/// Where everything stands on the device as it is.
#[derive(Debug)]
pub(super) struct Found {
    places: Vec<Vec<Place>>,
    seats: Vec<Option<Seat>>,
    /// Every model of the device.
    pub(super) models: Vec<Model>,
    /// What is read.
    pub(super) blocks: Vec<Block>,
}

/// One output.
#[derive(Debug)]
pub(crate) struct Lever {
    pub(crate) output: OutputId,
    pub(crate) device: usize,
    pub(crate) control: &'static Control,
    pub(crate) timer: Span,
}

/// Where everything that a round wants stands.
pub(super) fn find(wishes: &[Wish], shows: &[usize], levers: &[Lever], models: &[Model]) -> Found {
    let places: Vec<Vec<Place>> =
        wishes.iter().map(|wish| wish.source.places(models, wish.instance)).collect();
    let seats: Vec<Option<Seat>> =
        shows.iter().map(|lever| levers.get(*lever).and_then(|lever| lever.control.seat(models))).collect();
    let mut parts: Vec<_> = places.iter().flatten().flat_map(Place::parts).collect();
    parts.extend(seats.iter().flatten().flat_map(Seat::parts));
    Found { blocks: plan(&parts), places, seats, models: models.to_vec() }
}

/// Passes on what a whole round brought.
pub(super) fn tell(round: &Round, levers: &[Lever], now: Mono, out: &mut Readings) -> Heed {
    let mut heed = Heed::default();
    let Some(found) = &round.found else { return heed };
    for (wish, places) in round.wishes.iter().zip(&found.places) {
        let mut why = None;
        let said = places.iter().find_map(|place| match place.read(&round.image)? {
            Ok(said) => Some((place, said)),
            Err(no_value) => {
                why.get_or_insert(no_value);
                None
            }
        });
        let is_good = match (said, why) {
            (Some((place, Said::Number(number))), _) => {
                let factor = wish.dimension.map_or(Some(1.0), |dimension| factor(&place.field, dimension));
                factor.is_some_and(|factor| {
                    out.put(wish.slot, Raw::Number(number.get() * factor), Freshness::Live, now)
                })
            }
            (Some((_, Said::Word(word))), _) => {
                let word = word.to_ascii_lowercase().replace('-', "_");
                out.put(wish.slot, Raw::Text(word.as_bytes()), Freshness::Live, now)
            }
            (None, Some(NoValue::NotImplemented)) => {
                out.bad(wish.slot, Reason::OutOfRange, now);
                true
            }
            (None, Some(NoValue::NotAValue)) => {
                out.bad(wish.slot, Reason::NotAValue, now);
                false
            }
            // The device has no such model.
            (None, None) => continue,
        };
        if is_good { heed.good += 1 } else { heed.bad += 1 }
    }
    for (lever, seat) in round.shows.iter().zip(&found.seats) {
        if let (Some(lever), Some(seat)) = (levers.get(*lever), seat) {
            let (actual, quality) = lever.control.actual(seat, &round.image);
            out.report(Report::Actual { output: lever.output, actual, quality, at: now });
        }
    }
    heed
}
