//! The numbers of a few requests, in a fixed number of places: those of an output with a longest time, and none of others.

use crate::bounds::REQUESTS_REMEMBERED;
use alloc::boxed::Box;
use alloc::vec;
use ballast_model::Authority;

/// Requests that are remembered, each with the authority it had. One whose authority is above that of the present winner has
/// ended, since it would have won.
///
/// Where there is no room for one more, everything up to the highest number counts as remembered, numbers rise with every
/// new request, until nobody asks any more: a request that is held back without need is better than one that gets its
/// longest time twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Requests {
    list: Box<[Option<(u64, Authority)>]>,
    up_to: u64,
}

impl Requests {
    /// Room for requests, where they are to be remembered.
    pub fn new(are_remembered: bool) -> Self {
        let places = if are_remembered { REQUESTS_REMEMBERED } else { 0 };
        Self { list: vec![None; places].into(), up_to: 0 }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.list.fill(None);
        self.up_to = 0;
    }

    /// Remembers what another list does, as far as there is room.
    pub fn copy_from(&mut self, other: &Self) {
        self.clear();
        self.add_all(other);
    }

    /// Remembers one.
    pub fn add(&mut self, request: u64, authority: Authority) {
        if self.list.is_empty() || self.has(request) {
            return;
        }
        match self.list.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some((request, authority)),
            None => {
                self.up_to = self.list.iter().flatten().map(|(number, _)| *number).fold(request, u64::max)
            }
        }
    }

    /// Remembers all of another list as well.
    pub fn add_all(&mut self, other: &Self) {
        other.list.iter().flatten().for_each(|(request, authority)| self.add(*request, *authority));
        if !self.list.is_empty() {
            self.up_to = self.up_to.max(other.up_to);
        }
    }

    /// Whether one is remembered. "Nobody asks", zero, is so only by itself.
    pub fn has(&self, request: u64) -> bool {
        let is_early = request > 0 && request <= self.up_to;
        is_early || self.list.iter().flatten().any(|(number, _)| *number == request)
    }

    /// Forgets those that have ended, now that one of this authority wins.
    pub fn wins(&mut self, authority: Authority) {
        for place in &mut self.list {
            if place.is_some_and(|(_, other)| other > authority) {
                *place = None;
            }
        }
        if authority == Authority::Default {
            self.up_to = 0;
        }
    }

    /// Forgets one.
    pub fn forget(&mut self, request: u64) {
        for place in &mut self.list {
            if place.is_some_and(|(number, _)| number == request) {
                *place = None;
            }
        }
    }
}
