//! Every output says what is safe.

use std::collections::BTreeSet;

use ballast_model::OutputId;

use crate::codes;
use crate::diagnostics::Diagnostics;
use crate::safety::SafetyDraft;
use crate::site::SiteDraft;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for draft in &safety.envelopes {
        if draft.fields.get("safe").is_some() || !draft.fields.is_complete() {
            continue;
        }
        let message = "this output has no safe state";
        let help = "write `safe:`, what the unpowered wiring does and where every alarm leads";
        out.push(draft.place.mistake(codes::SAFETY_NO_SAFE_STATE, message).help(help));
    }
    if !safety.is_complete {
        return;
    }
    let known: BTreeSet<OutputId> = safety.envelopes.iter().map(|draft| draft.envelope.output).collect();
    for ((output, facts), id) in site.catalog.outputs.iter().zip(&site.outputs).zip((0..).map(OutputId)) {
        if !known.contains(&id) {
            let message = format!("the output `{}` has no safe state", output.name);
            let help = format!("add `{}: {{ safe: open }}` under `outputs:` in safety.yaml", output.name);
            out.push(facts.place.mistake(codes::SAFETY_NO_SAFE_STATE, message).help(help));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::{SITE, check_safety, check_site};

    #[test]
    fn an_envelope_without_safe_is_refused() {
        check_safety(
            "\
outputs:
  battery: { safe: 0 W, values: [0 W, 200..2000 W] }
  charger: { default: closed }
# ^^^^^^^ error[safety::no_safe_state]: this output has no safe state
#   = help: write `safe:`, what the unpowered wiring does and where every alarm leads
  mains: { safe: closed }
  genset.contactor: { safe: open }
  genset.run: { safe: open }
  home_1: { safe: closed }
  home_2: { safe: closed }
",
        );
    }

    #[test]
    fn an_output_without_an_envelope_is_refused_where_it_is_declared() {
        let marked = SITE
            .lines()
            .map(|line| {
                let under = |name: &str, key: &str| {
                    let column = line.find(key).unwrap();
                    let marks = "^".repeat(key.len());
                    let say = format!("error[safety::no_safe_state]: the output `{name}` has no safe state");
                    format!("{line}\n#{}{marks} {say}\n", " ".repeat(column - 1))
                };
                match line.trim() {
                    text if text.starts_with("charge_power:") => under("battery", "charge_power"),
                    text if text.starts_with("relay: { kind: contact, pin: 17") => under("charger", "relay"),
                    text if text.starts_with("mains:") => under("mains", "relay"),
                    text if text.starts_with("home_1:") => under("home_1", "relay"),
                    text if text.starts_with("home_2:") => under("home_2", "relay"),
                    text if text.starts_with("genset:") => {
                        let first = under("genset.contactor", "contactor");
                        let second = under("genset.run", "run");
                        first + second.split_once('\n').unwrap().1
                    }
                    _ => format!("{line}\n"),
                }
            })
            .collect::<String>();
        check_site(&marked);
    }
}
