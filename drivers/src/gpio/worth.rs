//! What a pulse is worth to a point: `1000 per kWh` makes Wh of a count and W of a rate.

use crate::spec::Mistakes;
use ballast_model::catalog::Kind;
use ballast_model::device::Settings;
use ballast_model::{Dimension, Unit};

/// What a point shows of its line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    Level,
    Count,
    Rate,
}

/// What one pulse, or one pulse a second, is worth to a point, and the unit in which the reader must take that.
pub(super) fn worth(
    settings: &Settings,
    kind: &Kind,
    reads: Reads,
    mistakes: &mut Mistakes,
) -> Option<(f64, Option<Unit>)> {
    let unit = match (kind, reads) {
        (Kind::Number(_), Reads::Level) => {
            let wrong = settings.wrong("reads", "a level is no number");
            mistakes.add(
                wrong.help("make the point a flag or give it `words`, or let it read `count` or `rate`"),
            );
            return None;
        }
        (_, Reads::Level) => {
            if settings.get("pulses").is_some() {
                mistakes.add(
                    settings.wrong("pulses", "a level has no pulses").help("let it read `count` or `rate`"),
                );
            }
            return Some((1.0, None));
        }
        (Kind::Number(unit), _) => *unit,
        _ => {
            mistakes
                .add(settings.wrong("reads", "counts and rates are numbers").help("give the point a `unit`"));
            return None;
        }
    };
    let (per, of) = match settings.get("pulses") {
        None => (1.0, Dimension::Number.base()),
        Some(text) => match parse_pulses(text) {
            Some(found) => found,
            None => {
                let wrong = settings.wrong("pulses", format!("`{text}` does not say what a pulse is worth"));
                mistakes.add(wrong.help("write how many there are of something: `1000 per kWh`, `1 per L`"));
                return None;
            }
        },
    };
    let each = of.to_base(1.0 / per)?.get();
    let (dimension, worth) = match reads {
        Reads::Rate => rate_of(of.dimension()).map(|(rate, factor)| (rate, each * factor)),
        _ => Some((of.dimension(), each)),
    }
    .unwrap_or((Dimension::Frequency, each));
    if dimension != unit.dimension() {
        let found = unit.dimension().name();
        let text = format!("pulses make {} here, and the point is {found}", dimension.name());
        mistakes.add(settings.wrong("reads", text).help("say what a pulse is worth with `pulses`"));
        return None;
    }
    Some((worth, Some(dimension.base())))
}

/// `1000 per kWh`: how many, of what.
fn parse_pulses(text: &str) -> Option<(f64, Unit)> {
    let (number, unit) = text.split_once(" per ")?;
    let number =
        crate::point::parse_number(number.as_bytes()).filter(|number| *number >= f64::MIN_POSITIVE)?;
    Some((number, Unit::parse(unit.trim())?))
}

/// What something becomes per second, with the factor from base units.
fn rate_of(dimension: Dimension) -> Option<(Dimension, f64)> {
    match dimension {
        Dimension::Number => Some((Dimension::Frequency, 1.0)),
        other => other.slope(),
    }
}
