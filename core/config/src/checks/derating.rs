//! Only setpoints can be derated: half a contact does not exist.

use ballast_model::catalog::OutputKind;

use crate::codes;
use crate::diagnostics::Diagnostics;
use crate::safety::SafetyDraft;
use crate::site::SiteDraft;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for derated in safety.limits.iter().flat_map(|limit| &limit.derate) {
        let Some(spec) = site.catalog.output(derated.value) else { continue };
        if spec.kind == OutputKind::Contact {
            let message = format!("`{}` is a contact: it is closed or open and cannot be derated", spec.name);
            let help = "use `when` and `force` to open it, or derate a setpoint";
            out.push(derated.place.mistake(codes::LIMIT_DERATE, message).help(help));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn a_contact_is_not_derated() {
        check_rest(
            "\
limits:
  - name: warm
    of: battery.temperature_1
    derate: { charger: { 45 °C: 100 %, 55 °C: 0 % }, battery: { 45 °C: 100 %, 55 °C: 0 % } }
#             ^^^^^^^ error[limit::derate]: `charger` is a contact: it is closed or open and cannot be derated
",
        );
    }
}
