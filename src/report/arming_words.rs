//! What is said of outputs whose device nobody armed, beside the events of it.
//!
//! Never that such an output is in a state because somebody asked for it.

use super::causes;
use super::language::{Language, say};
use super::moment::Moment;
use ballast_guard::Guard;
use ballast_guard::state::Arming;
use ballast_model::{Catalog, OutputId, Verdict, Wanted};

pub use ballast_words::arming::left_as;
pub use ballast_words::arming::{armed, device_of, left};

/// Whether nothing is told to an output because nobody armed its device.
pub fn is_unarmed(guard: &Guard, output: OutputId) -> bool {
    guard.output(output).is_some_and(|state| state.arming == Arming::Not)
}

/// What an output is as far as anybody knows: what the guard told it, and what its device says where nothing was told to it
/// since it was last not armed.
pub fn state(guard: &Guard, verdict: &Verdict) -> Option<Wanted> {
    match guard.output(verdict.output) {
        Some(output) if output.arming != Arming::Armed => output.confirmed,
        _ => Some(verdict.state),
    }
}

/// Says that a person's word is not told to the devices that nobody armed; `None` where there is none.
pub fn not_told(guard: &Guard, catalog: &Catalog, language: Language) -> Option<String> {
    let outputs = catalog.outputs.iter().zip((0..).map(OutputId));
    let names: Vec<&str> =
        outputs.filter(|(_, id)| is_unarmed(guard, *id)).map(|(spec, _)| &*spec.name).collect();
    (!names.is_empty()).then(|| left_alone(&names.join(", "), language))
}

/// The same of outputs by their names.
pub fn left_alone(names: &str, language: Language) -> String {
    say!(
        language,
        "not armed, told nothing and left as it is: {names}",
        "non armé, sans ordre et laissé comme il est : {names}"
    )
}

/// Says that an output is told nothing, and what its device says of it; `None` where it is told what is asked.
pub fn sentence(moment: &Moment<'_>, output: OutputId, name: &str) -> Option<String> {
    let (language, state) = (moment.language, moment.guard.output(output)?);
    let device = device_of(moment.catalog(), output);
    let shown = state.outside.actual.zip(moment.catalog().output(output));
    let is = shown.map(|(actual, spec)| spec.show(actual));
    let says = match &is {
        Some(is) => {
            let is = causes::state(is, language);
            say!(language, "its device says that it is {is}", "son appareil le dit {is}")
        }
        None => language.say("what it is nobody knows here", "son état n'est pas connu ici").to_owned(),
    };
    match state.arming {
        Arming::Armed => None,
        Arming::Not => Some(say!(
            language,
            "{name} is not armed: it is read and told nothing, and {says}; `ballast arm {device}` lets requests move it.",
            "{name} n'est pas armé : il est lu et ne reçoit aucun ordre ; {says} ; `ballast arm {device}` autorise les ordres."
        )),
        Arming::Fresh { .. } => Some(say!(
            language,
            "{name} is armed and was told nothing yet: the next request moves it; {says}.",
            "{name} est armé et n'a encore reçu aucun ordre : la prochaine demande agira ; {says}."
        )),
    }
}
