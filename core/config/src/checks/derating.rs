//! Only setpoints can be derated: half a contact does not exist. And a derating leads towards safe: where safe is the most that
//! a setpoint may be, it leads to more.

use ballast_model::catalog::OutputKind;
use ballast_model::{OutputId, Wanted};

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
        } else if is_safe_at_most(derated.value, safety) {
            let name = &spec.name;
            let message = format!(
                "`{name}` is safe at the most that it may be: derating leads there, to more and not to less"
            );
            let help = "write `when` and `force` to bring it down";
            out.push(derated.place.warning(codes::LIMIT_DERATE, message).help(help));
        }
    }
}

fn is_safe_at_most(output: OutputId, safety: &SafetyDraft<'_>) -> bool {
    let of_output = safety.envelopes.iter().find(|draft| draft.envelope.output == output && draft.has_safe);
    let Some(envelope) = of_output.map(|draft| &draft.envelope) else { return false };
    let (Wanted::Level(safe), Some(level)) = (envelope.safe, &envelope.level) else { return false };
    let most = level.ranges.iter().map(|(_, high)| *high).max();
    let least = level.ranges.iter().map(|(low, _)| *low).min();
    most.is_some_and(|most| safe >= most) && least.is_some_and(|least| least < safe)
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::{OUTPUTS, check_rest, check_safety};

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

    #[test]
    fn a_setpoint_that_is_safe_at_its_most_is_not_brought_down() {
        let outputs = OUTPUTS.replace("battery: { safe: 0 W,", "battery: { safe: 2000 W,");
        let limit = "\
limits:
  - name: warm
    of: battery.temperature_1
    derate: { battery: { 45 °C: 100 %, 55 °C: 0 % } }
#             ^^^^^^^ warning[limit::derate]: `battery` is safe at the most that it may be: derating leads there, to more and not to less
";
        check_safety(&format!("{outputs}{limit}"));
        check_rest(&limit.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n"));
    }
}
