//! The numbers of a few requests, in a fixed number of places.

use crate::bounds::REQUESTS_REMEMBERED;
use ballast_model::Authority;

/// Requests that are remembered, each with the authority it had. One whose authority is above that of the present winner has
/// ended, since it would have won.
///
/// Where there is no room for one more, everything up to the highest number counts as remembered, numbers rise with every
/// new request, until nobody asks any more: a request that is held back without need is better than one that gets its
/// longest time twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Requests {
    list: [Option<(u64, Authority)>; REQUESTS_REMEMBERED],
    up_to: u64,
}

impl Requests {
    /// Remembers one.
    pub fn add(&mut self, request: u64, authority: Authority) {
        if self.has(request) {
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
        self.up_to = self.up_to.max(other.up_to);
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
