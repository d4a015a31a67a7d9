//! What a limit sets does not contradict itself.

use crate::codes;
use crate::diagnostics::Diagnostics;
use crate::safety::SafetyDraft;
use crate::site::SiteDraft;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for limit in &safety.limits {
        for (index, step) in limit.force.iter().enumerate() {
            let (output, wanted) = step.value;
            let earlier = limit.force.iter().take(index).find(|earlier| earlier.value.0 == output);
            let Some(earlier) = earlier else { continue };
            let Some(spec) = site.catalog.output(output) else { continue };
            let message = if earlier.value.1 == wanted {
                format!("`{}` is set twice by one limit", spec.name)
            } else {
                format!(
                    "one limit sets `{}` to {} and to {}",
                    spec.name,
                    spec.show(earlier.value.1),
                    spec.show(wanted)
                )
            };
            out.push(
                step.place
                    .mistake(codes::LIMIT_FORCE, message)
                    .also(earlier.place.file, earlier.place.span, "first here")
                    .help("name each output once"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn an_output_is_set_once() {
        check_rest(
            "\
limits:
  - name: twice
    when: battery.soc > 50 %
    until: battery.soc < 40 %
    force: [ { charger: open }, { mains: closed }, { charger: closed, after: 1 s }, { mains: closed, after: 1 s } ]
#              ------- note: first here
#                                 ----- note: first here
#                                                    ^^^^^^^ error[limit::force]: one limit sets `charger` to open and to closed
#                                                                                     ^^^^^ error[limit::force]: `mains` is set twice by one limit
",
        );
    }
}
