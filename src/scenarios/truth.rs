//! The truth of a run as a table, for who computes what perfect foresight would have come to.
//!
//! A table has one row for each second of a scenario of up to two hours, else one for the mean of each minute:
//!
//! | column | holds |
//! |---|---|
//! | `t_s` | the end of the second or minute, s after the start |
//! | `wished_NAME_w` | what people would take there if it were supplied, W: loads and refrigerators |
//! | `waits_NAME_w` | what takes power and can wait, W: tanks and vehicles, as they took it in the run without control |
//! | `solar_w`, `wind_w` | what sun and wind offer, taken or not |
//! | `able_SET_w` | the most that each set could give; 0 while it is broken or refuses to start |
//!
//! Beside it lies a file of JSON with what does not change: classes, priorities, the battery, the sets, and the penalty of
//! the run without control.

use super::file::Scenario;
use super::score::{self, PRIORITIES, penalty};
use super::table::vector;
use super::watch::Seen;
use crate::simulation::measures::class_word;
use ballast_model::Span;
use ballast_plant::{Village, VillageSpec};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Scenarios up to this length have a row for each second.
const FINE: Span = Span::from_secs(7_200);
const FINE_MS: u64 = 1_000;
const COARSE_MS: u64 = 60_000;

/// Collects the rows of one run.
pub struct Recorder {
    bin_ms: u64,
    from_ms: u64,
    stored_wh: f64,
    now_ms: u64,
    next_ms: u64,
    names: Vec<String>,
    sums: Vec<f64>,
    millis: f64,
    text: String,
    consumers: Vec<Value>,
}

impl Recorder {
    /// For a run of this length.
    pub fn new(length: Span) -> Self {
        let bin_ms = if length <= FINE { FINE_MS } else { COARSE_MS };
        Self {
            bin_ms,
            from_ms: 0,
            stored_wh: 0.0,
            now_ms: 0,
            next_ms: bin_ms,
            names: Vec::new(),
            sums: Vec::new(),
            millis: 0.0,
            text: String::new(),
            consumers: Vec::new(),
        }
    }

    /// Looks; after each step.
    pub fn see(&mut self, village: &Village) {
        let passed_ms = village.now_ms().saturating_sub(self.now_ms) as f64;
        self.now_ms = village.now_ms();
        let (sun_w, wind_w) = village.offered_w();
        let consumers =
            village.consumers_now().map(|one| if one.class.is_some() { one.wished_w } else { one.demand_w });
        let values = consumers.chain([sun_w, wind_w]).chain(village.sets_now().map(|set| set.able_w));
        for (sum, value) in self.sums.iter_mut().zip(values) {
            *sum += value * passed_ms;
        }
        self.millis += passed_ms;
        if self.now_ms >= self.next_ms {
            self.write();
        }
    }

    /// Begins here: its time is 0 now.
    pub fn begin(&mut self, village: &Village) {
        self.from_ms = village.now_ms();
        self.now_ms = self.from_ms;
        self.next_ms = self.from_ms + self.bin_ms;
        self.stored_wh = village.stored_wh();
        let column = |one: ballast_plant::village::ConsumerNow<'_>| {
            let kind = if one.class.is_some() { "wished" } else { "waits" };
            format!("{kind}_{}_w", one.name)
        };
        self.names = village.consumers_now().map(column).collect();
        self.names.extend(["solar_w".to_owned(), "wind_w".to_owned()]);
        self.names.extend(village.sets_now().map(|set| format!("able_{}_w", set.name)));
        self.sums = vec![0.0; self.names.len()];
        self.text = format!("t_s,{}\n", self.names.join(","));
        let about = |one: ballast_plant::village::ConsumerNow<'_>| {
            let class = one.class.map(|class| class_word(Some(class)));
            let priority = PRIORITIES.iter().find(|(word, _)| Some(*word) == class).map_or(0.0, |one| one.1);
            json!({ "name": one.name, "class": class, "priority": priority, "members": one.members })
        };
        self.consumers = village.consumers_now().map(about).collect();
    }

    fn write(&mut self) {
        // A step is never longer than a second; what lies beyond the edge of a row is counted in it.
        let _ = write!(self.text, "{}", (self.next_ms - self.from_ms) / 1_000);
        for sum in &mut self.sums {
            let _ = write!(self.text, ",{:.1}", *sum / self.millis.max(1.0));
            *sum = 0.0;
        }
        self.text.push('\n');
        self.millis = 0.0;
        while self.next_ms <= self.now_ms {
            self.next_ms += self.bin_ms;
        }
    }

    /// The table.
    pub fn table(&self) -> &str {
        &self.text
    }

    /// What does not change, and what the run without control came to.
    pub fn about(&self, scenario: &Scenario, seed: u64, seen: &Seen) -> Value {
        let spec = &scenario.plant.spec;
        json!({
            "scenario": scenario.number, "name": scenario.name, "title": scenario.titles.0, "seed": seed,
            "length_s": scenario.length.secs_f64(), "row_s": self.bin_ms as f64 / 1e3,
            "consumers": self.consumers, "battery": battery(spec, self.stored_wh), "sets": sets(spec),
            "keys": scenario.keys.iter().map(|key| json!({
                "measure": key.measure.word, "at_least": key.at_least, "at_most": key.at_most,
            })).collect::<Vec<_>>(),
            "weights": {
                "outside_49_51_per_s": score::NARROW_PER_S, "outside_47_5_52_per_s": score::WIDE_PER_S,
                "per_switching": score::PER_SWITCHING, "unevenness": score::UNEVENNESS,
            },
            "J_no_control": penalty(seen), "no_control": vector(seen),
        })
    }
}

fn battery(spec: &VillageSpec, stored_wh: f64) -> Value {
    let Some(storage) = spec.storage.as_ref().filter(|storage| !storage.is_absent) else {
        return Value::Null;
    };
    json!({
        "name": storage.name, "is_absent": storage.is_absent, "capacity_wh": storage.capacity_wh, "soc_min": storage.soc_min,
        "soc_at_start": stored_wh / storage.capacity_wh, "charge_max_w": storage.charge_max_w,
        "discharge_max_w": storage.discharge_max_w, "charge_efficiency": storage.charge_efficiency,
        "discharge_efficiency": storage.discharge_efficiency, "rated_va": storage.inverter.rated_va,
        "cells_at_start_c": storage.cells.as_ref().map(|cells| cells.start_c),
        "charge_by_c": storage.cells.as_ref().map(|cells| cells.charge_by_c.clone()),
        "discharge_by_c": storage.cells.as_ref().map(|cells| cells.discharge_by_c.clone()),
    })
}

fn sets(spec: &VillageSpec) -> Vec<Value> {
    let set = |set: &ballast_plant::genset::GensetSpec| {
        json!({
            "name": set.name, "rated_va": set.machine.rated_va, "on_line_at_start": set.on_line_at_start,
            "start_s": set.start_ms as f64 / 1e3, "warm_up_s": set.warm_up_ms as f64 / 1e3,
            "synchronise_s": set.synchronise_ms as f64 / 1e3,
        })
    };
    spec.gensets.iter().map(set).collect()
}
