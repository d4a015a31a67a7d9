//! Deadlines: who must look again at which moment although nothing arrives.

use alloc::collections::BTreeSet;
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
#[derive(Clone, Debug, Default)]
pub(crate) struct Agenda {
    queue: BTreeSet<(Mono, Task)>,
    at: [Vec<Mono>; Task::KINDS],
}

impl Agenda {
    /// Sets the deadline of a task; [`Mono::MAX`] means none.
    pub(crate) fn set(&mut self, task: Task, moment: Mono) {
        let (kind, index) = task.place();
        let Some(list) = self.at.get_mut(kind) else { return };
        if list.len() <= index as usize {
            if moment == Mono::MAX {
                return;
            }
            list.resize(index as usize + 1, Mono::MAX);
        }
        let Some(place) = list.get_mut(index as usize) else { return };
        if *place == moment {
            return;
        }
        if *place != Mono::MAX {
            self.queue.remove(&(*place, task));
        }
        if moment != Mono::MAX {
            self.queue.insert((moment, task));
        }
        *place = moment;
    }

    /// The deadline of a task; [`Mono::MAX`] when it has none.
    pub(crate) fn get(&self, task: Task) -> Mono {
        let (kind, index) = task.place();
        self.at.get(kind).and_then(|list| list.get(index as usize)).copied().unwrap_or(Mono::MAX)
    }

    /// Takes the next task whose moment has come.
    pub(crate) fn take_due(&mut self, now: Mono) -> Option<Task> {
        let (moment, task) = *self.queue.first()?;
        if moment > now {
            return None;
        }
        self.set(task, Mono::MAX);
        Some(task)
    }

    /// Every deadline, earliest first.
    pub(crate) fn entries(&self) -> Vec<(Mono, Task)> {
        self.queue.iter().copied().collect()
    }

    /// The next deadline; [`Mono::MAX`] when there is none.
    pub(crate) fn next(&self) -> Mono {
        self.queue.first().map_or(Mono::MAX, |(moment, _)| *moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
