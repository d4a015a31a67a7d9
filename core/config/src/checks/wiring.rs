//! The safe state is what the circuit does without power.

use ballast_model::Wanted;

use crate::codes;
use crate::diagnostics::Diagnostics;
use crate::safety::SafetyDraft;
use crate::site::SiteDraft;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for draft in safety.envelopes.iter().filter(|draft| draft.has_safe) {
        let unpowered = site.outputs.get(draft.envelope.output.index()).and_then(|facts| facts.unpowered);
        let (Some(unpowered), Wanted::Contact(safe)) = (unpowered, draft.envelope.safe) else { continue };
        if unpowered.value != safe {
            let (safe, wired) = (safe.word(), unpowered.value.word());
            let message = format!("the safe state is {safe}, but without power this circuit is {wired}");
            let help = "safe must hold when everything is gone: take the other contact of the relay (normally open or \
                        normally closed), or correct the file that is wrong";
            out.push(
                draft
                    .fields
                    .place("safe")
                    .mistake(codes::SAFETY_WIRING, message)
                    .also(unpowered.place.file, unpowered.place.span, "declared here")
                    .help(help),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_safety;

    #[test]
    fn fault_45_safe_against_the_wiring_is_refused() {
        check_safety(
            "\
outputs:
  battery: { safe: 0 W, values: [0 W, 200..2000 W] }
  charger: { safe: closed }
#            ^^^^ error[safety::wiring]: the safe state is closed, but without power this circuit is open
  mains: { safe: closed }
  genset.contactor: { safe: open }
  genset.run: { safe: open }
  home_1: { safe: closed }
  home_2: { safe: closed }
",
        );
    }
}
