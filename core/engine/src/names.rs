//! What the nouns of a plan are called, and how their values are shown: for whoever makes sentences, in any language.
//!
//! What is not in the plan is `?` or empty: a sentence never fails.

use crate::plan::Plan;
use alloc::string::String;
use ballast_model::{GroupId, OutputId, PointId, Value, Wanted};

impl Plan {
    /// The name of a rule.
    pub fn rule_name(&self, rule: u32) -> &str {
        self.rules.get(rule as usize).map_or("?", |rule| &rule.name)
    }

    /// The name of a schedule.
    pub fn schedule_name(&self, schedule: u32) -> &str {
        self.schedules.get(schedule as usize).map_or("?", |schedule| &schedule.name)
    }

    /// The name of a generator.
    pub fn generator_name(&self, generator: u32) -> &str {
        self.generators.get(generator as usize).map_or("?", |generator| &generator.name)
    }

    /// The name of an output.
    pub fn output_name(&self, output: OutputId) -> &str {
        self.catalog.output(output).map_or("?", |spec| &spec.name)
    }

    /// The name of a point.
    pub fn point_name(&self, point: PointId) -> &str {
        self.catalog.point(point).map_or("?", |spec| &spec.name)
    }

    /// The name of a group.
    pub fn group_name(&self, group: GroupId) -> &str {
        self.catalog.groups.get(group.index()).map_or("?", |group| &group.name)
    }

    /// What an output shall be, with the unit of a setpoint.
    pub fn shown(&self, output: OutputId, wanted: Wanted) -> String {
        self.catalog.output(output).map_or_else(String::new, |spec| spec.show(wanted))
    }

    /// A value of a point, with its unit.
    pub fn value(&self, point: PointId, value: Value) -> String {
        self.catalog.point(point).map_or_else(String::new, |spec| spec.show(value))
    }
}
