//! What another safety set loosens, and the stricter of both.
//!
//! Whatever is not surely a tightening is a loosening: a person then reads one line more. What a person confirms is the
//! fingerprint of the new set, so that nobody confirms one set and gets another.

mod envelopes;
mod limits;
mod order;
mod shedding;
mod text;

use crate::bounds::LOOSENINGS_LISTED;
use crate::plan::{Interlock, Process, SafetySet};
use crate::tables::Plan;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use ballast_model::catalog::Catalog;
use ballast_model::{Contact, Finite, Span};
use core::fmt::Display;

/// One thing that another safety set loosens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loosening {
    /// The output, limit, interlock or part of shedding.
    pub subject: Box<str>,
    /// Which key of it, as in the file.
    pub key: &'static str,
    /// What is in force.
    pub old: String,
    /// What would be.
    pub new: String,
}

/// The list while it is made.
#[derive(Default)]
pub(crate) struct Found {
    list: Vec<Loosening>,
    more: usize,
}

impl Found {
    fn add(&mut self, subject: &str, key: &'static str, old: impl Display, new: impl Display) {
        if self.list.len() < LOOSENINGS_LISTED {
            self.list.push(Loosening {
                subject: subject.into(),
                key,
                old: old.to_string(),
                new: new.to_string(),
            });
        } else {
            self.more += 1;
        }
    }

    /// A loosening unless the new value is at least as strict.
    fn unless(
        &mut self,
        is_strict: bool,
        subject: &str,
        key: &'static str,
        old: impl Display,
        new: impl Display,
    ) {
        if !is_strict {
            self.add(subject, key, old, new);
        }
    }

    fn finish(mut self) -> Vec<Loosening> {
        if self.more > 0 {
            let new = format!("{} more", self.more);
            self.list.push(Loosening { subject: "and".into(), key: "more", old: String::new(), new });
        }
        self.list
    }
}

/// Everything that `new` loosens.
pub(crate) fn compare(old: &Plan, new: &Plan) -> Vec<Loosening> {
    let mut found = Found::default();
    if old.set.definitions != new.set.definitions {
        let hash = |set: &SafetySet| format!("{:016x}", set.definitions);
        found.add("the definitions of outputs and points", "fingerprint", hash(&old.set), hash(&new.set));
    }
    envelopes::compare(old, new, &mut found);
    limits::compare(old, new, &mut found);
    compare_interlocks(old, new, &mut found);
    shedding::compare(old, new, &mut found);
    compare_asleep(old, new, &mut found);
    compare_process(old.set.process.as_ref(), new.set.process.as_ref(), &mut found);
    found.finish()
}

/// The stricter of both, key by key, and of limits that cannot be ordered both;
/// `None` where their points or outputs differ, since conditions name those by place.
pub(crate) fn stricter(old: &Plan, new: &Plan) -> Option<Plan> {
    let is_same_site = old.catalog.points == new.catalog.points && old.catalog.outputs == new.catalog.outputs;
    if !is_same_site || old.set.definitions != new.set.definitions {
        return None;
    }
    let asleep = old.set.asleep.iter().filter(|asleep| new.set.asleep.contains(asleep)).cloned().collect();
    let set = SafetySet {
        envelopes: envelopes::stricter(old, new),
        limits: limits::stricter(old, new),
        interlocks: stricter_interlocks(&old.set.interlocks, &new.set.interlocks),
        shedding: shedding::stricter(old, new),
        asleep,
        process: stricter_process(old.set.process.as_ref(), new.set.process.as_ref()),
        fingerprint: old.set.fingerprint,
        definitions: old.set.definitions,
    };
    Some(Plan::new(Arc::clone(&old.catalog), Arc::new(set)))
}

fn compare_interlocks(old: &Plan, new: &Plan, found: &mut Found) {
    for interlock in &old.set.interlocks {
        let members = named_members(&old.catalog, interlock);
        let subject = members.join(", ");
        // A wider interlock forbids at least the same.
        let covers = |other: &&Interlock| {
            let theirs = named_members(&new.catalog, other);
            members.iter().all(|member| theirs.contains(member))
        };
        match new.set.interlocks.iter().filter(covers).max_by_key(|other| other.dead_time) {
            None => found.add(&subject, "never_together", &subject, "removed"),
            Some(other) => {
                let is_strict = other.dead_time >= interlock.dead_time;
                found.unless(is_strict, &subject, "dead_time", interlock.dead_time, other.dead_time);
            }
        }
    }
}

fn named_members(catalog: &Catalog, interlock: &Interlock) -> Vec<String> {
    let name = |(output, contact): &(ballast_model::OutputId, Contact)| {
        let name = catalog.output(*output).map_or("?", |spec| &spec.name);
        format!("{name}: {}", contact.word())
    };
    interlock.members.iter().map(name).collect()
}

fn stricter_interlocks(old: &[Interlock], new: &[Interlock]) -> Vec<Interlock> {
    let mut all: Vec<Interlock> = old.to_vec();
    for interlock in new {
        match all.iter_mut().find(|other| other.members == interlock.members) {
            Some(other) => other.dead_time = other.dead_time.max(interlock.dead_time),
            None => all.push(interlock.clone()),
        }
    }
    all
}

/// A device that may now sleep makes an unknown into a good value: that is a loosening.
fn compare_asleep(old: &Plan, new: &Plan, found: &mut Found) {
    for asleep in &new.set.asleep {
        let name = new.catalog.point(asleep.point).map_or("?", |spec| &spec.name);
        let is_old = old.set.asleep.iter().any(|other| {
            let same_point = old.catalog.point(other.point).is_some_and(|spec| *spec.name == *name);
            same_point
                && other.value == asleep.value
                && order::way((&other.when, old), (&asleep.when, new)) == order::Way::Same
        });
        found.unless(is_old, name, "asleep", "unknown while silent", "a good value while asleep");
    }
}

/// Who may speak to the guard: one more who may is a loosening, and so is a guard that is no process of its own any more.
fn compare_process(old: Option<&Process>, new: Option<&Process>, found: &mut Found) {
    let Some(old) = old else { return };
    let Some(new) = new else {
        return found.add("the guard", "guard", "a process of its own", "a part of the program");
    };
    for name in new.operators.iter().filter(|name| !old.operators.contains(name)) {
        found.add("the guard", "operators", "not an operator", name);
    }
    let user = |process: &Process| process.program.clone().unwrap_or_else(|| "the guard's own user".into());
    found.unless(old.program == new.program, "the guard", "program", user(old), user(new));
}

fn stricter_process(old: Option<&Process>, new: Option<&Process>) -> Option<Process> {
    let (Some(old), Some(new)) = (old, new) else { return old.cloned() };
    let operators = old.operators.iter().filter(|name| new.operators.contains(name)).cloned().collect();
    Some(Process { operators, ..old.clone() })
}

// Texts of optional values.

fn or_none(value: Option<Span>) -> String {
    value.map_or("none".to_string(), |span| span.to_string())
}

fn number_or_none(value: Option<Finite>) -> String {
    value.map_or("none".to_string(), |number| number.to_string())
}
