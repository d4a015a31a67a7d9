//! Settings and the mode, which are kept over everything.

use super::{Clock, is_kept_for_ever};
use crate::commands::check_value;
use crate::events::Event;
use crate::machine::Core;
use crate::state::{SavedKind, State};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use ballast_model::catalog::{Kind, PointSpec};
use ballast_model::quantity::Shown;
use ballast_model::{PointId, Value};

impl Core {
    /// Settings and the mode are kept over everything, where they still fit. Else they are what their file says, and that
    /// is told.
    pub(super) fn take_up_settings(&mut self, state: &State, clock: Clock) {
        let catalog = Arc::clone(&self.world.catalog);
        let names: BTreeMap<&str, usize> =
            state.points.iter().enumerate().map(|(index, point)| (&*point.name, index)).collect();
        for (index, spec) in catalog.points.iter().enumerate().filter(|(_, spec)| is_kept_for_ever(spec)) {
            let Some(old) = names.get(&*spec.name) else { continue };
            let value = state.snapshot.known(PointId(*old as u32), clock.saved_at);
            let kind = state.points.get(*old).map(|point| &point.kind);
            let Some((value, kind)) = value.zip(kind) else { continue };
            let point = PointId(index as u32);
            match same_meaning(spec, kind, value).filter(|value| check_value(spec, *value).is_ok()) {
                Some(value) => self.world.compute(point, Some(value)),
                None => self.drop_setting(point, &shown(spec, kind, value)),
            }
        }
    }

    /// What a setting was is nothing that it can be any more.
    fn drop_setting(&mut self, point: PointId, old: &str) {
        let plan = Arc::clone(&self.plan);
        let Some((_, new)) = plan.settings.iter().find(|(setting, _)| *setting == point) else { return };
        self.world.compute(point, Some(*new));
        self.news.push(Event::SettingDropped { point, old: old.into(), new: *new });
    }
}

/// A value as people read it, of a point that looked otherwise.
fn shown(spec: &PointSpec, old: &SavedKind, value: Value) -> String {
    match (&spec.kind, old, value) {
        (_, SavedKind::Words(words), Value::Word(word)) => {
            words.get(usize::from(word)).map_or_else(|| "?".to_string(), ToString::to_string)
        }
        (Kind::Number(unit), SavedKind::Number(dimension), Value::Number(base)) => {
            let is_same = unit.dimension() == *dimension;
            Shown { base, unit: if is_same { *unit } else { dimension.base() } }.to_string()
        }
        (_, SavedKind::Number(dimension), Value::Number(base)) => {
            Shown { base, unit: dimension.base() }.to_string()
        }
        _ => spec.show(value),
    }
}

/// The value that means the same in a point whose words or unit may have changed.
fn same_meaning(spec: &PointSpec, old: &SavedKind, value: Value) -> Option<Value> {
    match (&spec.kind, old, value) {
        (Kind::Words(new), SavedKind::Words(old), Value::Word(word)) => {
            let word = old.get(usize::from(word))?;
            new.iter().position(|known| known == word).map(|index| Value::Word(index as u16))
        }
        (Kind::Number(unit), SavedKind::Number(dimension), Value::Number(_)) => {
            (unit.dimension() == *dimension).then_some(value)
        }
        (Kind::Flag, SavedKind::Flag, Value::Flag(_)) => Some(value),
        _ => None,
    }
}
