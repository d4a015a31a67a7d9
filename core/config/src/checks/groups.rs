//! The groups that shedding takes from hold loads that may be cut, each with a known size.

use std::collections::BTreeSet;

use ballast_model::{GroupId, OutputId, Wanted};

use crate::codes;
use crate::diagnostics::{Diagnostics, Placed};
use crate::safety::{EnvelopeDraft, SafetyDraft, SheddingDraft};
use crate::site::SiteDraft;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    let Some(draft) = &safety.shedding else { return };
    let mut seen: BTreeSet<GroupId> = BTreeSet::new();
    for group in draft.stages.iter().chain(&draft.bulk).flat_map(|stage| &stage.from) {
        if seen.insert(group.value) {
            check_never(site, draft, *group, out);
            check_sizes(site, *group, out);
        }
    }
    for stage in draft.stages.iter().chain(&draft.bulk) {
        check_overlap(site, &stage.from, out);
    }
    for kept in &draft.never {
        check_stays_closed(site, safety, *kept, out);
    }
}

/// What nobody but a limit opens is closed by the guard, also where its default is open.
fn check_stays_closed(
    site: &SiteDraft,
    safety: &SafetyDraft<'_>,
    kept: Placed<OutputId>,
    out: &mut Diagnostics,
) {
    let is_it = |draft: &&EnvelopeDraft<'_>| draft.envelope.output == kept.value;
    let Some(draft) = safety.envelopes.iter().find(is_it).filter(|draft| draft.has_safe) else { return };
    if draft.envelope.default != Wanted::OPEN {
        return;
    }
    let name = name(site, kept.value);
    let message = format!(
        "`{name}` is open when nobody asks, and on the list of what nobody but a limit opens: the guard closes it and \
         keeps it closed, whatever rules and people ask for"
    );
    let key = if draft.fields.get("default").is_some() { "default" } else { "safe" };
    let default = draft.fields.place(key);
    out.push(
        kept.place
            .warning(codes::SHEDDING_NEVER_OPEN, message)
            .also(default.file, default.span, "open when nobody asks")
            .help(
                "if it shall stay closed, write `default: closed` for it; if rules and people open it, take it off the \
                 list: what is in no group of `stages` and `bulk` is not shed either",
            ),
    );
}

/// A load that nobody but a limit may open is in no group that is shed.
fn check_never(site: &SiteDraft, draft: &SheddingDraft<'_>, group: Placed<GroupId>, out: &mut Diagnostics) {
    let Some(spec) = site.catalog.groups.get(group.value.index()) else { return };
    for kept in draft.never.iter().filter(|kept| spec.loads.contains(&kept.value)) {
        let message = format!(
            "`{}` is never shed, and is in the group `{}` that is shed",
            name(site, kept.value),
            spec.name
        );
        out.push(
            kept.place
                .mistake(codes::SHEDDING_NEVER, message)
                .also(group.place.file, group.place.span, "shed here")
                .help("take it out of the group, or off the list"),
        );
    }
}

/// Shedding counts watts: a load is measured, or its rated power is known.
fn check_sizes(site: &SiteDraft, group: Placed<GroupId>, out: &mut Diagnostics) {
    let Some(spec) = site.catalog.groups.get(group.value.index()) else { return };
    for output in spec.loads_of_unknown_size() {
        let name = name(site, output);
        let message = format!("nobody knows how much cutting `{name}` of the group `{}` helps", spec.name);
        let mut diagnostic = group.place.mistake(codes::SHEDDING_SIZE, message);
        if let Some(facts) = site.outputs.get(output.index()) {
            diagnostic = diagnostic.also(facts.place.file, facts.place.span, "this load");
        }
        out.push(diagnostic.help("give its device `rated: 2 kW`, or a measured point `power`"));
    }
    if spec.loads.is_empty() {
        let message = format!("the group `{}` has no load that could be cut", spec.name);
        out.push(
            group
                .place
                .mistake(codes::SHEDDING_SIZE, message)
                .help("its members need an output that is a contact"),
        );
    }
}

/// A load that is in two groups of one stage is cut once, so the second group holds less than it seems.
fn check_overlap(site: &SiteDraft, from: &[Placed<GroupId>], out: &mut Diagnostics) {
    for (index, group) in from.iter().enumerate() {
        for earlier in from.iter().take(index) {
            let loads = |group: &Placed<GroupId>| {
                site.catalog.groups.get(group.value.index()).map_or(&[][..], |spec| &spec.loads[..])
            };
            let shared: Vec<String> = loads(group)
                .iter()
                .filter(|load| loads(earlier).contains(load))
                .map(|load| format!("`{}`", name(site, *load)))
                .collect();
            if !shared.is_empty() {
                let message = format!("these groups share {}", shared.join(", "));
                out.push(
                    group
                        .place
                        .warning(codes::SHEDDING_OVERLAP, message)
                        .also(earlier.place.file, earlier.place.span, "and this one")
                        .help("a load is cut once: name one of the groups only"),
                );
            }
        }
    }
}

fn name(site: &SiteDraft, output: OutputId) -> &str {
    site.catalog.output(output).map_or("?", |spec| &*spec.name)
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::{check_rest, check_safety};

    #[test]
    fn what_is_never_shed_is_in_no_group_that_is() {
        check_rest(
            "\
shedding:
  source: [feeder.frequency, feeder.frequency_2]
  never: [home_1]
#         ^^^^^^ error[shedding::never]: `home_1` is never shed, and is in the group `homes` that is shed
  stages: [ { below: 49.3 Hz, for: 60 ms, shed: 10 %, from: [homes] } ]
#                                                            ----- note: shed here
",
        );
    }

    #[test]
    fn what_would_be_kept_closed_against_its_default_is_warned_of() {
        check_safety(
            "\
outputs:
  battery: { safe: 0 W, values: [0 W, 200..2000 W] }
  charger: { safe: open }
#            ---- note: open when nobody asks
  mains: { safe: closed, default: open }
#                        ------- note: open when nobody asks
  genset.contactor: { safe: open, default: closed }
  genset.run: { safe: open }
  home_1: { safe: closed }
  home_2: { safe: closed }
shedding:
  source: [feeder.frequency, feeder.frequency_2]
  never: [charger, mains, genset.contactor, home_2]
#         ^^^^^^^ warning[shedding::never_open]: `charger` is open when nobody asks, and on the list of what nobody but a limit opens: the guard closes it and keeps it closed, whatever rules and people ask for
#                  ^^^^^ warning[shedding::never_open]: `mains` is open when nobody asks, and on the list of what nobody but a limit opens: the guard closes it and keeps it closed, whatever rules and people ask for
  stages: [ { below: 49.3 Hz, for: 60 ms, shed: 10 %, from: [homes] } ]
",
        );
    }

    #[test]
    fn a_load_of_unknown_size_is_refused() {
        check_rest(
            "\
shedding:
  source: [feeder.frequency, feeder.frequency_2]
  stages: [ { below: 49.3 Hz, for: 60 ms, shed: 10 %, from: [homes, rest] } ]
#                                                                   ^^^^ error[shedding::size]: nobody knows how much cutting `home_2` of the group `rest` helps
",
        );
    }

    #[test]
    fn groups_of_one_stage_do_not_overlap() {
        check_rest(
            "\
shedding:
  source: [feeder.frequency, feeder.frequency_2]
  bulk: { below: 49.7 Hz, falling: 3 Hz/s, shed: 40 %, from: [homes, both] }
#                                                             ----- note: and this one
#                                                                    ^^^^ error[shedding::size]: nobody knows how much cutting `home_2` of the group `both` helps
#                                                                    ^^^^ warning[shedding::overlap]: these groups share `home_1`
",
        );
    }
}
