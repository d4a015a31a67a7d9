//! The list of drivers: one explicit, sorted list, and every driver's file is on it.

use crate::rust;

/// Complaints about `DRIVERS` in the text of drivers/src/lib.rs. `modules` are the names of the files beside it that
/// describe a driver (they hold a `SPEC`). Nothing to say while there is no list.
pub fn complaints(list: &str, modules: &[String]) -> Vec<String> {
    let code = rust::blanked(list);
    // Behind the `=`, since the type in front of it has brackets of its own.
    let entries = code
        .split_once("DRIVERS:")
        .and_then(|(_, rest)| rest.split_once('='))
        .and_then(|(_, rest)| rest.split_once('['))
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(entries, _)| entries);
    let Some(entries) = entries else { return Vec::new() };
    let listed: Vec<&str> = entries
        .split(',')
        .map(|entry| entry.trim().trim_start_matches('&').trim_end_matches("::SPEC"))
        .filter(|name| !name.is_empty())
        .collect();
    let mut complaints: Vec<String> = listed
        .iter()
        .zip(listed.iter().skip(1))
        .filter(|(one, next)| one >= next)
        .map(|(one, next)| {
            format!("drivers/src/lib.rs: DRIVERS is sorted and unique: `{next}` comes before `{one}`")
        })
        .collect();
    let missing = modules.iter().filter(|module| !listed.contains(&module.as_str()));
    complaints.extend(missing.map(|module| format!("drivers/src/{module}.rs is not in DRIVERS")));
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "pub static DRIVERS: &[&Spec] = &[\n    &mqtt::SPEC,\n    &tic::SPEC, // Linky\n];";

    #[test]
    fn a_sorted_and_complete_list_passes() {
        assert_eq!(complaints(LIST, &["mqtt".to_owned(), "tic".to_owned()]), Vec::<String>::new());
        assert_eq!(complaints("//! No list yet.", &["mqtt".to_owned()]), Vec::<String>::new());
    }

    #[test]
    fn an_unsorted_list_and_a_forgotten_driver_are_told() {
        let unsorted = LIST.replace("&mqtt", "&zigbee");
        assert_eq!(complaints(&unsorted, &[]).len(), 1);
        assert_eq!(complaints(LIST, &["sim".to_owned()]), ["drivers/src/sim.rs is not in DRIVERS"]);
    }
}
