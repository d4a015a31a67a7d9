//! What is said of outputs whose device cannot be reached: what it last confirmed, and who could not be told.
//!
//! Never that such an output is what it should be: nothing was carried out since it was lost.

use super::causes;
use super::language::{Language, say};
use super::moment::Moment;
use ballast_guard::Guard;
use ballast_guard::plan::Strength;
use ballast_guard::state::OutputState;
use ballast_model::{Catalog, OutputId};

/// What the guard knows of an output that cannot be reached; `None` where it can.
pub fn lost(guard: &Guard, output: OutputId) -> Option<&OutputState> {
    guard.output(output).filter(|state| state.is_unreachable)
}

/// The names of the outputs that cannot be reached now, in their order.
pub fn lost_names<'a>(guard: &Guard, catalog: &'a Catalog) -> Vec<&'a str> {
    let outputs = catalog.outputs.iter().zip((0..).map(OutputId));
    outputs.filter(|(_, id)| lost(guard, *id).is_some()).map(|(spec, _)| &*spec.name).collect()
}

/// Says that an output cannot be reached, since when, and what it was then; empty where it can. Begins with a space.
pub fn sentence(moment: &Moment<'_>, output: OutputId) -> String {
    let Some(state) = lost(moment.guard, output) else { return String::new() };
    let language = moment.language;
    let since = state.unreachable_since.map_or_else(String::new, |since| {
        let since = moment.now.since(since);
        say!(language, " (for {since} now)", " (depuis {since})")
    });
    let stays = match moment.guard.strength(output) {
        None | Some(Strength::Soft) => language.say("it stays as it was", "il reste comme il était"),
        _ => language.say(
            "what becomes of it is up to its own timer or wiring",
            "la suite dépend de son propre minuteur ou de son câblage",
        ),
    };
    let spec = moment.catalog().output(output);
    let confirmed = state.confirmed.zip(spec).map(|(wanted, spec)| spec.show(wanted));
    let last = match &confirmed {
        Some(shown) => {
            let shown = causes::state(shown, language);
            say!(language, "last confirmed: {shown}", "dernier état confirmé : {shown}")
        }
        None => language.say("nothing confirmed yet", "aucun état confirmé").to_owned(),
    };
    say!(
        language,
        " The device cannot be reached{since}: {stays} ({last}).",
        " L'appareil est injoignable{since} : {stays} ({last})."
    )
}

/// Says which outputs a person's word could not be told.
pub fn not_told(names: &[&str], language: Language) -> String {
    let all = names.join(", ");
    if names.len() == 1 {
        return say!(
            language,
            "{all} cannot be reached now: it is told as soon as it is back",
            "{all} est injoignable : l'ordre partira dès son retour"
        );
    }
    say!(
        language,
        "{all} cannot be reached now: they are told as soon as they are back",
        "{all} sont injoignables : l'ordre partira dès leur retour"
    )
}
