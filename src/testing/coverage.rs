//! What of a site its tests reached: rules, schedules, limits and stages of shedding. It is read from what was written down.

use crate::report::language::{Language, say};
use crate::runtime::told::Told;
use crate::site::Running;
use ballast_guard::plan::LimitAction;
use ballast_rules::{Branch, Step};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What of a site a test reached: the kinds of what was told, each with what it was about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    told: BTreeSet<(&'static str, String)>,
}

impl Reached {
    /// Something was told.
    pub fn told(&mut self, told: &Told) {
        match told.kind {
            "rule_started" | "rule_ended" | "schedule_ran" | "limit" => self.note(told.kind, &told.subject),
            // `shedding stage 1 acted at 49.3 Hz: ...` names no subject.
            "shedding" => {
                if let Some((what, _)) = told.sentence.split_once(" acted") {
                    self.note(told.kind, what);
                }
            }
            // A limit that derates says nothing of its own: the outputs do.
            "output" => {
                let data: Value = serde_json::from_str(&told.data).unwrap_or_default();
                if data.get("cause").and_then(Value::as_str) == Some("limit")
                    && let Some(cause) = data.get("cause_en").and_then(Value::as_str)
                    && let Some(name) = cause.split('"').nth(1)
                {
                    self.note("limit", name);
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, kind: &'static str, subject: &str) {
        self.told.insert((kind, subject.to_owned()));
    }

    /// The same with what another test reached.
    pub fn add(&mut self, other: &Self) {
        self.told.extend(other.told.iter().cloned());
    }

    fn has(&self, kind: &'static str, subject: &str) -> bool {
        self.told.contains(&(kind, subject.to_owned()))
    }
}

/// Branches of bodies and of the functions that they call, and whether a test took them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branches(BTreeMap<Step, bool>);

impl Branches {
    /// The same with what other bodies took.
    pub fn add(&mut self, steps: impl IntoIterator<Item = (Step, bool)>) {
        for (step, is_taken) in steps {
            *self.0.entry(step).or_default() |= is_taken;
        }
    }

    /// The same with what another test took.
    pub fn add_all(&mut self, other: Self) {
        self.add(other.0);
    }

    /// What no test took, for people; empty where nothing has branches.
    pub fn text(&self, language: Language) -> String {
        let (all, missed) = (self.0.len(), self.0.values().filter(|taken| !**taken).count());
        if all == 0 {
            return String::new();
        }
        let taken = all - missed;
        let mut text = say!(
            language,
            "{taken} of {all} branches of bodies and functions were taken",
            "{taken} sur {all} branches des corps et des fonctions ont été prises"
        );
        for (step, _) in self.0.iter().filter(|(_, taken)| !**taken) {
            let what = match step.branch {
                Branch::If => {
                    language.say("the branch `if` was never taken", "la branche `if` n'a jamais été prise")
                }
                Branch::Else => language
                    .say("the branch `else` was never taken", "la branche `else` n'a jamais été prise"),
                Branch::NotIf => language
                    .say("what this `if` asks was never false", "ce que demande ce `if` n'a jamais été faux"),
                Branch::Loop => {
                    language.say("this loop was never entered", "cette boucle n'a jamais été suivie")
                }
                Branch::Arm => language.say(
                    "this arm of `switch` was never taken",
                    "cette branche de `switch` n'a jamais été prise",
                ),
            };
            let (file, line, colon) = (&step.file, step.line, language.colon());
            let within = match &step.function {
                Some(name) => say!(language, " in `{name}`,", " dans `{name}`,"),
                None => String::new(),
            };
            text.push_str(&format!("\n  rules/{file}:{line}{colon}{within} {what}"));
        }
        text
    }

    /// The same for programs.
    pub fn data(&self) -> Value {
        let word = |branch: Branch| match branch {
            Branch::If => "if",
            Branch::Else => "else",
            Branch::NotIf => "not_if",
            Branch::Loop => "loop",
            Branch::Arm => "arm",
        };
        let row = |(step, is_taken): (&Step, &bool)| {
            json!({
                "file": format!("rules/{}", step.file), "line": step.line, "column": step.column,
                "branch": word(step.branch), "function": step.function, "taken": is_taken,
            })
        };
        let missed = self.0.values().filter(|taken| !**taken).count();
        json!({ "branches": self.0.len(), "missed": missed, "all": self.0.iter().map(row).collect::<Vec<_>>() })
    }
}

/// Something of a site that a test can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is: a stable word for programs.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Where it stands, where that is known.
    pub place: String,
    /// What no test saw of it: a stable word for programs; `None`: all was seen.
    pub missing: Option<&'static str>,
}

/// All that tests of a site can reach, in the order of its files, and what they missed.
pub fn items(running: &Running, reached: &Reached) -> Vec<Item> {
    let mut items = Vec::new();
    for rule in &running.plan.rules {
        let missing = match (reached.has("rule_started", &rule.name), reached.has("rule_ended", &rule.name)) {
            (false, _) => Some("start"),
            (true, false) => Some("end"),
            (true, true) => None,
        };
        items.push(Item {
            kind: "rule",
            name: rule.name.to_string(),
            place: rule.place.to_string(),
            missing,
        });
    }
    for schedule in &running.plan.schedules {
        let missing = (!reached.has("schedule_ran", &schedule.name)).then_some("run");
        let (name, place) = (schedule.name.to_string(), schedule.place.to_string());
        items.push(Item { kind: "schedule", name, place, missing });
    }
    for limit in &running.safety.limits {
        let kind = if matches!(limit.action, LimitAction::Derate { .. }) { "derate" } else { "limit" };
        let missing = (!reached.has("limit", &limit.name)).then_some("act");
        items.push(Item { kind, name: limit.name.to_string(), place: "safety.yaml".to_owned(), missing });
    }
    let shedding = running.safety.shedding.iter();
    let stages = shedding
        .clone()
        .flat_map(|shedding| (1..=shedding.stages.len()).map(|at| format!("shedding stage {at}")));
    let bulk = shedding.filter(|shedding| shedding.bulk.is_some()).map(|_| "bulk shedding".to_owned());
    for name in stages.chain(bulk) {
        let missing = (!reached.has("shedding", &name)).then_some("act");
        items.push(Item { kind: "shedding", name, place: "safety.yaml".to_owned(), missing });
    }
    items
}

/// What tests missed, for people.
pub fn text(items: &[Item], language: Language) -> String {
    let (all, missed) = (items.len(), items.iter().filter(|item| item.missing.is_some()).count());
    let reached = all - missed;
    let mut text = say!(
        language,
        "{reached} of {all} rules, schedules, limits and stages were reached whole by these tests",
        "{reached} sur {all} règles, événements, limites et échelons ont été atteints en entier par ces essais"
    );
    for item in items {
        let Some(missing) = item.missing else { continue };
        let what = match missing {
            "start" => language.say("never active", "jamais active"),
            "end" => language.say("never ended", "jamais terminée"),
            "run" => language.say("never ran", "jamais passé"),
            _ => language.say("never acted", "jamais agi"),
        };
        let name = &item.name;
        let named = match (item.kind, language) {
            ("rule", _) => say!(language, "rule \"{name}\"", "règle « {name} »"),
            ("schedule", _) => format!("`{name}`"),
            ("shedding", Language::Fr) => name
                .replace("shedding stage", "délestage, échelon")
                .replace("bulk shedding", "délestage rapide"),
            ("shedding", Language::En) => name.clone(),
            _ => say!(language, "limit \"{name}\"", "limite « {name} »"),
        };
        text.push_str(&format!("\n  {what:<16} {named} ({})", item.place));
    }
    text
}

/// The same for programs.
pub fn data(items: &[Item]) -> Value {
    let row = |item: &Item| json!({ "kind": item.kind, "name": item.name, "place": item.place, "missing": item.missing });
    let missed = items.iter().filter(|item| item.missing.is_some()).count();
    json!({ "items": items.len(), "missed": missed, "all": items.iter().map(row).collect::<Vec<_>>() })
}
