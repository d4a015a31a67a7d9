//! Limits have different names: people, latches and messages know them by nothing else.

use std::collections::BTreeMap;

use crate::codes;
use crate::diagnostics::{Diagnostics, Place, quote};
use crate::safety::SafetyDraft;

pub(super) fn check(safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
    for draft in &safety.limits {
        let name = &*draft.limit.name;
        if let Some(first) = seen.get(name) {
            out.push(
                draft
                    .place
                    .mistake(codes::LIMIT_NAME, format!("two limits are called {}", quote(name)))
                    .also(first.file, first.span, "first here")
                    .help("give one of them another name"),
            );
        } else {
            seen.insert(name, draft.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn a_name_is_given_once() {
        check_rest(
            "\
limits:
  - { name: hot, when: battery.soc > 50 %, until: battery.soc < 40 %, force: [ { charger: open } ] }
#           --- note: first here
  - { name: hot, when: battery.soc > 60 %, until: battery.soc < 40 %, force: [ { charger: open } ] }
#           ^^^ error[limit::name]: two limits are called `hot`
",
        );
    }
}
