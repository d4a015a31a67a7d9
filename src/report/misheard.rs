//! What a device said that is no value, and no state of its output, where it has said nothing better since.

use super::bus_words;
use super::language::say;
use super::moment::Moment;
use ballast_model::catalog::Facet;
use ballast_model::{OutputId, PointId, Reason};

/// What came instead of a value of a point, as it is stored.
pub fn of_point<'a>(moment: &Moment<'a>, point: PointId) -> Option<&'a str> {
    let reason = moment.engine.snapshot().quality(point, moment.now).reason();
    let spec = moment.catalog().point(point).filter(|_| reason == Some(Reason::NotAValue))?;
    moment.misheard?.get(&spec.name).map(|said| &**said)
}

/// What came instead of a state of an output, as it is stored.
pub fn of_output<'a>(moment: &Moment<'a>, output: OutputId) -> Option<&'a str> {
    of_point(moment, moment.catalog().output(output)?.facet(Facet::Actual))
}

/// Says that the device of an output says what it is in words that are none of its states; empty where it does not. Begins
/// with a space.
pub fn sentence(moment: &Moment<'_>, output: OutputId) -> String {
    let Some(said) = of_output(moment, output) else { return String::new() };
    let said = bus_words::told(said, moment.language);
    say!(
        moment.language,
        " Its device is not understood: {said}.",
        " Son appareil n'est pas compris : {said}."
    )
}
