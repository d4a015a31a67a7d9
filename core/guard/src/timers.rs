//! What must be looked at again, and when: a heap in which every key has at most one moment.
//!
//! Never grows after it was made.

use alloc::vec;
use alloc::vec::Vec;
use ballast_model::Mono;
use core::ops::{Deref, DerefMut};

/// A list with room for everything that may ever be in it. A copy has the same room: that of a bare [`Vec`] has just enough
/// for what is in it now.
#[derive(Debug, Default)]
pub(crate) struct Room<T>(Vec<T>);

impl<T> Room<T> {
    pub(crate) fn new(places: usize) -> Self {
        Self(Vec::with_capacity(places))
    }
}

impl<T: Clone> Clone for Room<T> {
    fn clone(&self) -> Self {
        let mut list = Vec::with_capacity(self.0.capacity());
        list.extend_from_slice(&self.0);
        Self(list)
    }
}

impl<T> Deref for Room<T> {
    type Target = Vec<T>;
    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for Room<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

/// A key that waits for nothing.
const IDLE: u32 = u32::MAX;

/// One moment per key, the earliest first; equal moments in the order of their keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    heap: Room<u32>,
    place: Vec<u32>,
    due: Vec<Mono>,
}

impl Timers {
    pub(crate) fn new(keys: usize) -> Self {
        Self { heap: Room::new(keys), place: vec![IDLE; keys], due: vec![Mono::MAX; keys] }
    }

    /// Sets the moment of a key; [`Mono::MAX`] lets it wait for nothing.
    pub(crate) fn set(&mut self, key: u32, moment: Mono) {
        let (Some(place), Some(due)) =
            (self.place.get(key as usize).copied(), self.due.get_mut(key as usize))
        else {
            return;
        };
        if *due == moment {
            return;
        }
        *due = moment;
        if place == IDLE {
            self.put(self.heap.len(), key, true);
            self.rise(self.heap.len() - 1);
        } else if moment == Mono::MAX {
            self.remove(key, place as usize);
        } else {
            self.rise(place as usize);
            self.sink(self.place.get(key as usize).map_or(0, |place| *place as usize));
        }
    }

    /// The earliest moment.
    pub(crate) fn first(&self) -> Mono {
        self.heap.first().map_or(Mono::MAX, |key| self.due_of(*key))
    }

    /// Takes a key whose moment has come.
    pub(crate) fn take_due(&mut self, now: Mono) -> Option<u32> {
        let key = *self.heap.first()?;
        if self.due_of(key) > now {
            return None;
        }
        self.set(key, Mono::MAX);
        Some(key)
    }

    fn due_of(&self, key: u32) -> Mono {
        self.due.get(key as usize).copied().unwrap_or(Mono::MAX)
    }

    fn rank(&self, at: usize) -> Option<(Mono, u32)> {
        self.heap.get(at).map(|key| (self.due_of(*key), *key))
    }

    fn put(&mut self, at: usize, key: u32, is_new: bool) {
        if is_new {
            self.heap.push(key);
        } else if let Some(slot) = self.heap.get_mut(at) {
            *slot = key;
        }
        if let Some(place) = self.place.get_mut(key as usize) {
            *place = at as u32;
        }
    }

    fn swap(&mut self, one: usize, other: usize) {
        if let (Some(first), Some(second)) = (self.heap.get(one).copied(), self.heap.get(other).copied()) {
            self.put(one, second, false);
            self.put(other, first, false);
        }
    }

    fn rise(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.rank(at) >= self.rank(parent) {
                return;
            }
            self.swap(at, parent);
            at = parent;
        }
    }

    fn sink(&mut self, mut at: usize) {
        loop {
            let family = [at, 2 * at + 1, 2 * at + 2].into_iter().filter(|place| *place < self.heap.len());
            let Some(least) = family.min_by_key(|place| self.rank(*place)).filter(|place| *place != at)
            else {
                return;
            };
            self.swap(at, least);
            at = least;
        }
    }

    /// Takes a key out of its place, where the last one of the heap goes.
    fn remove(&mut self, key: u32, at: usize) {
        let Some(last) = self.heap.pop() else { return };
        if let Some(place) = self.place.get_mut(key as usize) {
            *place = IDLE;
        }
        if last != key {
            self.put(at, last, false);
            self.rise(at);
            self.sink(at);
        }
    }
}

/// Which of many things must be looked at, each once, in the order they were marked. Never grows after it was made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    flags: Vec<bool>,
    list: Room<u32>,
    head: usize,
}

impl Marks {
    pub(crate) fn new(things: usize) -> Self {
        Self { flags: vec![false; things], list: Room::new(things), head: 0 }
    }

    pub(crate) fn mark(&mut self, thing: usize) {
        let Some(flag) = self.flags.get_mut(thing) else { return };
        if core::mem::replace(flag, true) {
            return;
        }
        if self.list.len() == self.list.capacity() {
            self.list.drain(..self.head);
            self.head = 0;
        }
        self.list.push(thing as u32);
    }

    pub(crate) fn mark_all(&mut self) {
        (0..self.flags.len()).for_each(|thing| self.mark(thing));
    }

    pub(crate) fn take(&mut self) -> Option<usize> {
        let Some(thing) = self.list.get(self.head).copied() else {
            self.list.clear();
            self.head = 0;
            return None;
        };
        self.head += 1;
        if let Some(flag) = self.flags.get_mut(thing as usize) {
            *flag = false;
        }
        Some(thing as usize)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head >= self.list.len()
    }
}

/// Which of many things must be looked at, each once, the first in their own order first: who comes first among several
/// that want the same does then not depend on who was touched first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ordered {
    words: Vec<u64>,
    things: usize,
    /// No word before this one has a mark.
    first: usize,
}

impl Ordered {
    pub(crate) fn new(things: usize) -> Self {
        let words = vec![0; things.div_ceil(64)];
        Self { first: words.len(), words, things }
    }

    pub(crate) fn mark(&mut self, thing: usize) {
        if thing < self.things
            && let Some(word) = self.words.get_mut(thing / 64)
        {
            *word |= 1 << (thing % 64);
            self.first = self.first.min(thing / 64);
        }
    }

    pub(crate) fn mark_all(&mut self) {
        (0..self.things).for_each(|thing| self.mark(thing));
    }

    pub(crate) fn take(&mut self) -> Option<usize> {
        while let Some(word) = self.words.get_mut(self.first) {
            if *word == 0 {
                self.first += 1;
                continue;
            }
            let bit = word.trailing_zeros() as usize;
            *word &= *word - 1;
            return Some(self.first * 64 + bit);
        }
        None
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().skip(self.first).all(|word| *word == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    #[test]
    fn gives_keys_in_the_order_of_their_moments() {
        let mut timers = Timers::new(50);
        let mut model = BTreeMap::new();
        let mut seed = 7_u64;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (key, moment) = ((seed >> 33) as u32 % 50, seed >> 40 & 0xFF);
            if seed >> 60 == 0 {
                let now = Mono::from_nanos(moment);
                let expected =
                    model.iter().map(|(key, due)| (*due, *key)).min().filter(|(due, _)| *due <= now);
                assert_eq!(timers.take_due(now), expected.map(|(_, key)| key));
                if let Some((_, key)) = expected {
                    model.remove(&key);
                }
            } else if moment == 0 {
                timers.set(key, Mono::MAX);
                model.remove(&key);
            } else {
                timers.set(key, Mono::from_nanos(moment));
                model.insert(key, Mono::from_nanos(moment));
            }
            assert_eq!(timers.first(), model.values().min().copied().unwrap_or(Mono::MAX));
        }
    }

    #[test]
    fn marks_are_taken_once_and_in_order() {
        let mut marks = Marks::new(3);
        for thing in [2, 0, 2, 1] {
            marks.mark(thing);
        }
        assert_eq!(marks.take(), Some(2));
        marks.mark(2);
        marks.mark(9);
        assert!(!marks.is_empty());
        assert_eq!(
            [marks.take(), marks.take(), marks.take(), marks.take()],
            [Some(0), Some(1), Some(2), None]
        );
        assert!(marks.is_empty());
    }

    #[test]
    fn marks_never_need_more_room_than_there_are_things() {
        let mut marks = Marks::new(3);
        let room = marks.list.capacity();
        marks.mark_all();
        for round in 0..100 {
            let thing = marks.take().unwrap();
            assert_eq!(thing, round % 3, "the one that waits longest");
            marks.mark(thing);
            assert_eq!(marks.list.capacity(), room);
        }
    }

    #[test]
    fn ordered_marks_are_taken_once_and_lowest_first() {
        let mut marks = Ordered::new(130);
        assert!(marks.is_empty());
        marks.mark(70);
        assert!(!marks.is_empty());
        assert_eq!([marks.take(), marks.take()], [Some(70), None]);
        for thing in [129, 3, 64, 3, 130] {
            marks.mark(thing);
        }
        assert_eq!([marks.take(), marks.take()], [Some(3), Some(64)]);
        marks.mark(0);
        assert!(!marks.is_empty());
        assert_eq!([marks.take(), marks.take(), marks.take()], [Some(0), Some(129), None]);
        assert!(marks.is_empty());
    }
}
