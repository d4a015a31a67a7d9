//! What is said of devices that were found: who armed them, why that was refused, and what is left when nobody operates
//! them any more.
//!
//! Never that such an output is in a state because somebody asked for it.

use super::causes;
use super::language::{Language, say};
use ballast_guard::{GuardEvent, Left};
use ballast_model::{Catalog, OutputId};

/// The device of an output.
pub fn device_of(catalog: &Catalog, output: OutputId) -> &str {
    let device = catalog.output(output).and_then(|spec| catalog.devices.get(spec.device.index()));
    device.map_or("?", |device| &device.name)
}

/// Who did what, as an event tells it; `None` for other events. The text, and whether it deserves attention.
pub fn event(event: &GuardEvent, catalog: &Catalog, language: Language) -> Option<(String, bool)> {
    let name = |output: &OutputId| catalog.output(*output).map_or("?", |spec| &*spec.name);
    Some(match event {
        GuardEvent::Armed { who, output } => {
            let (by, name) = (who.as_str(), name(output));
            let text = say!(
                language,
                "{by} armed {name}: nothing was told to it, the next request moves it",
                "{by} a armé {name} : aucun ordre n'est parti, la prochaine demande agira"
            );
            (text, false)
        }
        GuardEvent::Disarmed { who, output, left } => {
            let (by, name) = (who.as_str(), name(output));
            let rest = left_as(catalog, *output, *left, language);
            let text = say!(language, "{by} disarmed {name}: {rest}", "{by} a désarmé {name} : {rest}");
            (text, !left.is_safe)
        }
        GuardEvent::ArmRefused { output, .. } => {
            let name = name(output);
            (say!(language, "{name} was not armed", "{name} n'a pas été armé"), true)
        }
        GuardEvent::DisarmRefused { output, .. } => {
            let name = name(output);
            (say!(language, "{name} was not disarmed", "{name} n'a pas été désarmé"), true)
        }
        _ => return None,
    })
}

/// That a device is armed.
pub fn armed(device: &str, language: Language) -> String {
    say!(
        language,
        "{device} is armed. Nothing was told to it: what is asked of it from now on moves it",
        "{device} est armé. Aucun ordre n'est parti : ce qui est demandé à partir de maintenant agira"
    )
}

/// What becomes of an output that is disarmed: the event and the answer to who disarmed it say the same.
pub fn left_as(catalog: &Catalog, output: OutputId, left: Left, language: Language) -> String {
    let show = |wanted| catalog.output(output).map_or_else(String::new, |spec| spec.show(wanted));
    let (told, says) = (left.told.map(show), left.says.map(show));
    self::left(told.as_deref(), says.as_deref(), left.is_safe, language)
}

/// The same of states as `site.yaml` writes them: what it was told last, and what its device says.
pub fn left(told: Option<&str>, says: Option<&str>, is_safe: bool, language: Language) -> String {
    let show = |state| causes::state(state, language);
    let is = match (says.map(show), told.map(show)) {
        (Some(says), _) => {
            say!(language, "its device says that it is {says}", "son appareil le dit {says}")
        }
        (None, Some(told)) => {
            say!(language, "it was last told to be {told}", "son dernier ordre était {told}")
        }
        (None, None) => language.say("its state is unknown here", "son état n'est pas connu ici").to_owned(),
    };
    let nothing_told = match told {
        Some(_) => language.say("nothing was told to it", "aucun ordre n'est parti"),
        None => language
            .say("nothing was told to it since it was armed", "aucun ordre n'est parti depuis son armement"),
    };
    if is_safe {
        return say!(language, "{nothing_told}; {is}", "{nothing_told} ; {is}");
    }
    say!(
        language,
        "{nothing_told}; {is}, and neither a limit nor a person moves it from here on",
        "{nothing_told} ; {is}, et plus aucune limite ni personne ne le manœuvre d'ici"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_model::Wanted;
    use ballast_model::catalog::{DeviceId, DeviceSpec, OutputKind};

    #[test]
    fn what_is_left_is_said_as_far_as_it_is_known() {
        let mut catalog = Catalog::default();
        catalog.devices.push(DeviceSpec { name: "pump".into(), label: "".into(), outputs: Vec::new() });
        let pump =
            catalog.add_output("pump", "", DeviceId(0), OutputKind::Contact, Wanted::OPEN).expect("its name");
        let said = |told, says, is_safe| {
            let left = Left { told, says, is_safe };
            [Language::En, Language::Fr].map(|language| left_as(&catalog, pump, left, language))
        };
        let (open, closed) = (Some(Wanted::OPEN), Some(Wanted::CLOSED));
        assert_eq!(
            said(open, open, true),
            [
                "nothing was told to it; its device says that it is open",
                "aucun ordre n'est parti ; son appareil le dit coupé"
            ]
        );
        assert_eq!(
            said(open, None, true),
            [
                "nothing was told to it; it was last told to be open",
                "aucun ordre n'est parti ; son dernier ordre était coupé"
            ]
        );
        let [english, _] = said(open, closed, false);
        assert!(english.contains("its device says that it is closed, and neither a limit"), "{english}");
        let [_, french] = said(closed, None, false);
        assert!(french.contains("son dernier ordre était connecté, et plus aucune limite"), "{french}");
        let [english, _] = said(None, None, false);
        assert!(
            english.starts_with("nothing was told to it since it was armed; its state is unknown"),
            "{english}"
        );
    }
}
