//! Values that are known at load and that what they are given to never takes.

use super::walk::Walker;
use crate::report::problem;
use ballast_model::diagnostic::Span;
use ballast_model::quantity::Shown;
use ballast_model::{Finite, OutputId, PointId, Unit};

impl Walker<'_> {
    /// The guard would bring such a value to the nearest that it allows: what is written would never be.
    pub(super) fn look_at_allowed(&mut self, output: OutputId, value: Finite, unit: Unit, place: Span) {
        let catalog = self.around.catalog;
        let (Some(spec), Some(ranges)) = (catalog.output(output), catalog.allowed.get(&output)) else {
            return;
        };
        let (name, allows) = (spec.name.clone(), "its `values` in safety.yaml allow");
        self.look_at_ranges((value, unit), ranges, (&name, allows), place);
    }

    /// A setting refuses such a value and keeps the one it has.
    pub(super) fn look_at_range(&mut self, setting: PointId, value: Finite, unit: Unit, place: Span) {
        let Some(spec) = self.around.catalog.point(setting) else { return };
        let Some(range) = spec.valid else { return };
        let name = spec.name.clone();
        self.look_at_ranges((value, unit), &[range], (&name, "its `range` in site.yaml allows"), place);
    }

    fn look_at_ranges(
        &mut self,
        (value, unit): (Finite, Unit),
        ranges: &[(Finite, Finite)],
        (name, allows): (&str, &str),
        place: Span,
    ) {
        if ranges.is_empty() || ranges.iter().any(|(low, high)| (*low..=*high).contains(&value)) {
            return;
        }
        let show = |base| Shown { base, unit }.to_string();
        let range = |(low, high): &(Finite, Finite)| {
            if low == high { show(*low) } else { format!("{} to {}", show(*low), show(*high)) }
        };
        let allowed: Vec<String> = ranges.iter().map(range).collect();
        let message = format!("{} is not a value that `{name}` may take", show(value));
        let help = format!("{allows} {}", allowed.join(", "));
        self.problems.push(problem(place, "rules::value", message, help));
    }
}
