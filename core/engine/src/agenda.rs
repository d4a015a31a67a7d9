//! Deadlines: who must look again at which moment although nothing arrives.

use alloc::vec::Vec;
use ballast_model::Mono;

/// Whose deadline it is. Every task has at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum Task {
    /// Conditions and body of a rule.
    Rule(u32),
    /// A derived point.
    Derived(u32),
    /// A device that may be asleep.
    Asleep(u32),
    /// A schedule.
    Schedule(u32),
    /// The end of a timed request of an output.
    Output(u32),
    /// A generator.
    Generator(u32),
    /// The restoration planner.
    Restoration,
}

impl Task {
    const KINDS: usize = 7;

    const fn place(self) -> (usize, u32) {
        match self {
            Self::Rule(index) => (0, index),
            Self::Derived(index) => (1, index),
            Self::Asleep(index) => (2, index),
            Self::Schedule(index) => (3, index),
            Self::Output(index) => (4, index),
            Self::Generator(index) => (5, index),
            Self::Restoration => (6, 0),
        }
    }
}

/// All deadlines of an engine.
///
/// Most deadlines are the ages of readings, and every reading puts its own off before it is reached. So a deadline that moves
/// to a later moment leaves its place in the queue as it is, and is put where it belongs when that place comes to the front.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agenda {
    /// A heap, the least first: where each task is looked for, never later than its deadline.
    queue: Vec<(Mono, Task)>,
    deadlines: [Vec<Deadline>; Task::KINDS],
}

/// The deadline of one task; [`Mono::MAX`] is none.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    at: Mono,
    /// Its place in the queue.
    place: Option<u32>,
}

impl Deadline {
    const NONE: Self = Self { at: Mono::MAX, place: None };
}

impl Agenda {
    /// Sets the deadline of a task; [`Mono::MAX`] means none.
    pub(crate) fn set(&mut self, task: Task, moment: Mono) {
        let (kind, index) = task.place();
        let Some(list) = self.deadlines.get_mut(kind) else { return };
        if list.len() <= index as usize {
            if moment == Mono::MAX {
                return;
            }
            list.resize(index as usize + 1, Deadline::NONE);
        }
        let Some(deadline) = list.get_mut(index as usize) else { return };
        deadline.at = moment;
        let queued = deadline.place.map(|place| place as usize);
        match queued.and_then(|place| Some((place, self.queue.get_mut(place)?))) {
            Some((place, entry)) if moment < entry.0 => {
                entry.0 = moment;
                self.rise(place);
            }
            None if moment < Mono::MAX => {
                self.queue.push((moment, task));
                self.rise(self.queue.len() - 1);
            }
            _ => {}
        }
    }

    /// The deadline of a task; [`Mono::MAX`] when it has none.
    pub(crate) fn get(&self, task: Task) -> Mono {
        let (kind, index) = task.place();
        let deadline = self.deadlines.get(kind).and_then(|list| list.get(index as usize));
        deadline.map_or(Mono::MAX, |deadline| deadline.at)
    }

    /// Takes the next task whose moment has come.
    pub(crate) fn take_due(&mut self, now: Mono) -> Option<Task> {
        if self.next() > now {
            return None;
        }
        let (_, task) = *self.queue.first()?;
        self.set(task, Mono::MAX);
        Some(task)
    }

    /// Every deadline, earliest first.
    pub(crate) fn entries(&self) -> Vec<(Mono, Task)> {
        let all = self.queue.iter().map(|(_, task)| (self.get(*task), *task));
        let mut entries: Vec<_> = all.filter(|(moment, _)| *moment != Mono::MAX).collect();
        entries.sort_unstable();
        entries
    }

    /// The next deadline; [`Mono::MAX`] when there is none.
    pub(crate) fn next(&mut self) -> Mono {
        while let Some((place, task)) = self.queue.first().copied() {
            let moment = self.get(task);
            if moment == place {
                return moment;
            }
            if moment < Mono::MAX {
                if let Some(first) = self.queue.first_mut() {
                    first.0 = moment;
                }
            } else {
                self.note(task, None);
                self.queue.swap_remove(0);
            }
            self.sink();
        }
        Mono::MAX
    }

    /// Keeps where a task is in the queue.
    fn note(&mut self, task: Task, place: Option<usize>) {
        let (kind, index) = task.place();
        if let Some(deadline) = self.deadlines.get_mut(kind).and_then(|list| list.get_mut(index as usize)) {
            deadline.place = place.map(|place| place as u32);
        }
    }

    /// Moves an entry that became less, or is new, to where it belongs.
    fn rise(&mut self, mut at: usize) {
        let Some(entry) = self.queue.get(at).copied() else { return };
        while at > 0 {
            let parent = (at - 1) / 2;
            let Some(above) = self.queue.get(parent).copied().filter(|above| entry < *above) else { break };
            self.put(at, above);
            at = parent;
        }
        self.put(at, entry);
    }

    /// Moves the first entry, which became greater, to where it belongs.
    fn sink(&mut self) {
        let Some(entry) = self.queue.first().copied() else { return };
        let mut at = 0;
        loop {
            let children = [2 * at + 1, 2 * at + 2].into_iter();
            let least = children.filter_map(|child| Some((*self.queue.get(child)?, child))).min();
            let Some((below, child)) = least.filter(|(below, _)| *below < entry) else { break };
            self.put(at, below);
            at = child;
        }
        self.put(at, entry);
    }

    fn put(&mut self, at: usize, entry: (Mono, Task)) {
        if let Some(slot) = self.queue.get_mut(at) {
            *slot = entry;
        }
        self.note(entry.1, Some(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    #[test]
    fn a_task_has_one_deadline_and_gives_it_once() {
        let mut agenda = Agenda::default();
        let at = Mono::from_millis;
        agenda.set(Task::Rule(3), at(50));
        agenda.set(Task::Rule(3), at(20));
        agenda.set(Task::Restoration, at(30));
        assert_eq!(agenda.next(), at(20));
        assert_eq!(agenda.take_due(at(10)), None);
        assert_eq!(agenda.take_due(at(30)), Some(Task::Rule(3)));
        assert_eq!(agenda.take_due(at(30)), Some(Task::Restoration));
        assert_eq!(agenda.take_due(at(99)), None);
        assert_eq!(agenda.next(), Mono::MAX);
    }

    #[test]
    fn gives_tasks_in_the_order_of_their_deadlines_however_they_moved() {
        let mut agenda = Agenda::default();
        let mut model = BTreeMap::new();
        let mut seed = 7_u64;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (index, moment) = ((seed >> 33) as u32 % 25, Mono::from_nanos(seed >> 40 & 0xFF));
            let task = if seed >> 39 & 1 == 0 { Task::Rule(index) } else { Task::Output(index) };
            let first = |model: &BTreeMap<Task, Mono>| model.iter().map(|(task, at)| (*at, *task)).min();
            if seed >> 60 == 0 {
                let expected = first(&model).filter(|(at, _)| *at <= moment).map(|(_, task)| task);
                assert_eq!(agenda.take_due(moment), expected);
                expected.map(|task| model.remove(&task));
            } else if moment == Mono::ZERO {
                agenda.set(task, Mono::MAX);
                model.remove(&task);
            } else {
                agenda.set(task, moment);
                model.insert(task, moment);
            }
            assert_eq!(agenda.next(), first(&model).map_or(Mono::MAX, |(at, _)| at));
            assert_eq!(agenda.get(task), model.get(&task).copied().unwrap_or(Mono::MAX));
            let mut entries: Vec<_> = model.iter().map(|(task, at)| (*at, *task)).collect();
            entries.sort_unstable();
            assert_eq!(agenda.entries(), entries);
        }
    }
}
