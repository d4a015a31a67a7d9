//! What a set of rules has beside the one before it: which of its rules and events are new, gone, or written otherwise.

use ballast_engine::Plan;
use ballast_engine::plan::SchedulePlan;
use serde::Serialize;
use std::collections::BTreeMap;

/// What differs, each by that by which a person knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes<T> {
    /// Only the new set has it.
    pub added: Vec<T>,
    /// Only the old set had it.
    pub removed: Vec<T>,
    /// Both have it, and it is another one.
    pub changed: Vec<T>,
}

/// An event, as a person finds it: by its time and by its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EventName {
    /// `lights.rhai`.
    pub file: String,
    /// `every 15min`, numbered within its file.
    pub name: String,
}

impl<T: Ord> Changes<T> {
    fn between(old: &BTreeMap<T, u64>, new: &BTreeMap<T, u64>) -> Self
    where
        T: Clone,
    {
        let beyond = |one: &BTreeMap<T, u64>, other: &BTreeMap<T, u64>| -> Vec<T> {
            one.keys().filter(|name| !other.contains_key(name)).cloned().collect()
        };
        let is_other = |(name, hash): &(&T, &u64)| old.get(name).is_some_and(|known| known != *hash);
        Self {
            added: beyond(new, old),
            removed: beyond(old, new),
            changed: new.iter().filter(is_other).map(|(name, _)| name.clone()).collect(),
        }
    }
}

impl Changes<String> {
    /// Rules, by their names. One that reads a derived point that is computed otherwise now is another one too.
    pub fn of_rules(old: &Plan, new: &Plan) -> Self {
        let rules = |plan: &Plan| -> BTreeMap<String, u64> {
            plan.rules.iter().map(|rule| (rule.name.to_string(), rule.whole_hash())).collect()
        };
        Self::between(&rules(old), &rules(new))
    }
}

impl Changes<EventName> {
    /// `every` and `at`. One whose time is another is another event: nothing else says which of them it is.
    pub fn of_events(old: &Plan, new: &Plan) -> Self {
        let events = |plan: &Plan| -> BTreeMap<EventName, u64> {
            plan.schedules.iter().map(|event| (EventName::of(event), event.text_hash)).collect()
        };
        Self::between(&events(old), &events(new))
    }
}

impl EventName {
    fn of(event: &SchedulePlan) -> Self {
        let file = event.place.rsplit_once(':').map_or("", |(file, _)| file);
        let name = event.identity.strip_prefix(file).unwrap_or(&event.identity).trim_start();
        Self { name: name.to_owned(), file: file.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::language::Language;
    use crate::report::reload_words;
    use crate::site::{Texts, build};
    use std::sync::Arc;

    const SITE: &str = "site: one\ntime_zone: Europe/Paris\nbuses: { broker: { driver: mqtt, url: \"mqtt://127.0.0.1:1883\" } }\n\
                        devices: { m: { bus: broker, points: { power: { topic: m, unit: W, max_age: 1 min } } } }\n";

    fn plan(files: &[(&str, &str)]) -> Arc<Plan> {
        plan_with("", files)
    }

    fn plan_with(derived: &str, files: &[(&str, &str)]) -> Arc<Plan> {
        let mut texts = Texts::default();
        let site = format!("{SITE}{derived}");
        let nouns = [("site.yaml", site.as_str()), ("safety.yaml", "outputs: {}\n")];
        texts.files.extend(
            nouns.iter().chain(files).map(|(name, text)| ((*name).to_owned(), Arc::from(text.as_bytes()))),
        );
        let built = build(&texts, &[]).unwrap_or_else(|refused| panic!("{}", refused.text));
        Arc::clone(&built.running.plan)
    }

    fn rule(name: &str, above: &str) -> String {
        format!("rule \"{name}\" when m.power > \"{above}\" until m.power < \"1 W\" {{ notify(\"x\"); }}\n")
    }

    #[test]
    fn rules_and_events_that_came_went_or_changed_are_named_in_both_languages() {
        let every = |time: &str, text: &str| format!("every \"{time}\" {{ record(\"{text}\"); }}\n");
        let old =
            [rule("kept", "2 W"), rule("gone", "2 W"), every("1h", "x"), every("1h", "y"), every("2h", "x")];
        let new =
            [rule("kept", "3 W"), rule("new", "2 W"), every("1h", "z"), every("1h", "y"), every("3h", "x")];
        let with_more = plan(&[("rules/a.rhai", &old.concat()), ("rules/b.rhai", &every("1h", "b"))]);
        let without = plan(&[("rules/a.rhai", &new.concat())]);
        let (rules, events) =
            (Changes::of_rules(&with_more, &without), Changes::of_events(&with_more, &without));
        let said = |language| reload_words::loaded(false, 2, &rules, &events, language);
        assert_eq!(
            said(Language::En),
            "the changed site runs: 2 rules, added \"new\", removed \"gone\", changed \"kept\"; events added \"every 3h\" (a.rhai), \
             removed \"every 2h\" (a.rhai), \"every 1h\" (b.rhai), changed \"every 1h\" (a.rhai)"
        );
        assert_eq!(
            said(Language::Fr),
            "le site changé tourne : 2 règles, nouvelles : « new », retirées : « gone », changées : « kept » ; événements : nouveaux : \
             « every 3h » (a.rhai), retirés : « every 2h » (a.rhai), « every 1h » (b.rhai), changés : « every 1h » (a.rhai)"
        );
        let data = serde_json::to_value(&events).unwrap();
        assert_eq!(data["added"], serde_json::json!([{ "name": "every 3h", "file": "a.rhai" }]), "{data}");
        // Nothing is said of what only moved to another line.
        let moved = plan(&[("rules/a.rhai", &format!("// moved\n\n{}", new.concat()))]);
        assert_eq!(Changes::of_events(&without, &moved), Changes::default());
        assert_eq!(Changes::of_rules(&without, &moved), Changes::default());
    }

    #[test]
    fn a_rule_that_reads_a_derived_point_is_another_one_when_that_is_computed_otherwise() {
        let reads = |name: &str, when: &str| format!("rule \"{name}\" when {when} {{ notify(\"x\"); }}\n");
        let body = "rule \"in its body\" when m.power > \"9 W\" until m.power < \"1 W\" { if site.a > \"1 W\" { notify(\"x\"); } }\n";
        let rules = [
            reads("through another", "site.b > \"5 W\" until site.b < \"4 W\""),
            reads("over time", "avg(site.a, \"5min\") > \"5 W\" until m.power < \"4 W\""),
            reads("another point", "site.c > \"5 W\" until site.c < \"4 W\""),
            reads("none", "m.power > \"5 W\" until m.power < \"4 W\""),
            body.to_owned(),
        ];
        let files = [("rules/a.rhai", rules.concat())];
        let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
        let with = |a: &str| {
            let derived = format!(
                "derived: {{ b: {{ expression: site.a + 1 W }}, a: {{ expression: {a} }}, c: {{ sum: [m.power] }} }}\n"
            );
            plan_with(&derived, &files)
        };
        let changed = |old: &Plan, new: &Plan| Changes::of_rules(old, new).changed;
        let old = with("m.power * 2");
        assert_eq!(changed(&old, &with("m.power * 3")), ["in its body", "over time", "through another"]);
        // Other places in the catalog change nothing.
        let moved = "derived: { c: { sum: [m.power] }, z: { sum: [m.power] }, a: { expression: m.power * 2 }, b: { expression: site.a + 1 W } }\n";
        assert_eq!(changed(&old, &plan_with(moved, &files)), Vec::<String>::new());
        assert!(old.rules.iter().all(|rule| (rule.reads_hash == 0) == (&*rule.name == "none")));
    }
}
