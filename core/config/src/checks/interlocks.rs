//! No state that the file itself prescribes breaks an interlock.

use ballast_model::{Contact, OutputId, Wanted};

use crate::codes;
use crate::diagnostics::{Diagnostics, Place};
use crate::safety::{InterlockDraft, SafetyDraft};
use crate::site::SiteDraft;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for interlock in &safety.interlocks {
        for key in ["safe", "at_start", "default"] {
            check_states(site, safety, interlock, key, out);
        }
        check_forced(site, safety, interlock, out);
    }
}

/// The members whose envelope prescribes the interlocked state under `key`.
fn check_states(
    site: &SiteDraft,
    safety: &SafetyDraft<'_>,
    interlock: &InterlockDraft,
    key: &str,
    out: &mut Diagnostics,
) {
    let mut held: Vec<(OutputId, Place)> = Vec::new();
    for (output, contact) in &interlock.interlock.members {
        let Some(draft) = safety.envelope(*output).filter(|draft| draft.has_safe) else { continue };
        let wanted = match key {
            "safe" => draft.envelope.safe,
            "at_start" => draft.envelope.at_start,
            _ => draft.envelope.default,
        };
        // A state that is absent is the safe one, about which is spoken once.
        let is_written = draft.fields.get(key).is_some();
        if wanted == Wanted::Contact(*contact) && (is_written || key != "safe") {
            held.push((*output, draft.fields.place(if is_written { key } else { "safe" })));
        }
    }
    let is_repeated =
        key != "safe" && held.iter().all(|(output, _)| is_safe_state(safety, interlock, *output));
    if held.len() < 2 || is_repeated {
        return;
    }
    let names: Vec<String> = held.iter().map(|(output, _)| format!("`{}`", name(site, *output))).collect();
    let message = match key {
        "safe" => format!("the safe states of {} break an interlock", names.join(" and ")),
        "at_start" => format!("at the start, {} would break an interlock", names.join(" and ")),
        _ => format!("when nobody asks, {} would break an interlock", names.join(" and ")),
    };
    let mut diagnostic = interlock.place.mistake(codes::INTERLOCK_STATES, message).label("never together");
    for (_, place) in held {
        diagnostic = diagnostic.also(place.file, place.span, "here");
    }
    let help = "give one of them another state, and the wiring that goes with it";
    out.push(diagnostic.help(help));
}

fn is_safe_state(safety: &SafetyDraft<'_>, interlock: &InterlockDraft, output: OutputId) -> bool {
    let contact =
        interlock.interlock.members.iter().find(|(member, _)| *member == output).map(|(_, contact)| *contact);
    let safe = safety.envelope(output).map(|draft| draft.envelope.safe);
    contact.map(Wanted::Contact) == safe
}

fn check_forced(
    site: &SiteDraft,
    safety: &SafetyDraft<'_>,
    interlock: &InterlockDraft,
    out: &mut Diagnostics,
) {
    let is_member = |output: OutputId, wanted: Wanted| {
        interlock.interlock.members.iter().any(|(member, contact): &(OutputId, Contact)| {
            *member == output && Wanted::Contact(*contact) == wanted
        })
    };
    for limit in &safety.limits {
        let forced: Vec<_> =
            limit.force.iter().filter(|step| is_member(step.value.0, step.value.1)).collect();
        let [first, second, ..] = forced.as_slice() else { continue };
        if first.value.0 == second.value.0 {
            continue;
        }
        let message = format!(
            "this limit sets `{}` and `{}` to states that an interlock forbids together",
            name(site, first.value.0),
            name(site, second.value.0)
        );
        out.push(
            second
                .place
                .mistake(codes::INTERLOCK_STATES, message)
                .also(first.place.file, first.place.span, "and this one")
                .also(interlock.place.file, interlock.place.span, "never together")
                .help("force only one of them"),
        );
    }
}

fn name(site: &SiteDraft, output: OutputId) -> &str {
    site.catalog.output(output).map_or("?", |spec| &*spec.name)
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_safety;

    #[test]
    fn states_that_break_an_interlock_are_refused() {
        check_safety(
            "\
outputs:
  battery: { safe: 0 W, values: [0 W, 200..2000 W] }
  charger: { safe: open, default: closed }
#                        ------- note: here
  mains: { safe: closed }
#          ---- note: here
#          ---- note: here
  genset.contactor: { safe: closed }
#                     ---- note: here
  genset.run: { safe: open }
  home_1: { safe: closed }
  home_2: { safe: closed }
interlocks:
  - { never_together: [mains: closed, genset.contactor: closed], dead_time: 2 s }
#     ^^^^^^^^^^^^^^ error[interlock::states]: the safe states of `mains` and `genset.contactor` break an interlock (never together)
  - never_together: [mains: closed, charger: closed]
#   ^^^^^^^^^^^^^^ error[interlock::states]: when nobody asks, `mains` and `charger` would break an interlock (never together)
#   -------------- note: never together
limits:
  - name: both
    when: battery.soc > 50 %
    until: battery.soc < 40 %
    force: [ { mains: closed }, { charger: closed } ]
#              ----- note: and this one
#                                 ^^^^^^^ error[interlock::states]: this limit sets `mains` and `charger` to states that an interlock forbids together
",
        );
    }
}
