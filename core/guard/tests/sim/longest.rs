//! The longest time closed as the observer understands it: who was served by it, and who may not be again.
#![allow(unreachable_pub, reason = "part of a test")]

use super::observer::*;
use super::site::*;
use crate::kit::*;
use ballast_model::Authority;

impl Watched {
    pub fn is_spent(&self, request: u64) -> bool {
        self.spent.iter().any(|(spent, _)| *spent == request)
    }
}

impl Observer {
    /// DESIGN: after its longest time it stays safe until the requests that held it have ended. One has ended when a weaker
    /// one wins.
    pub fn hear_request(&mut self, index: usize, heard: Heard) {
        let watched = &mut self.outputs[index];
        let may_stand = |request: &(u64, Authority)| request.1 <= heard.authority;
        watched.served.retain(may_stand);
        watched.spent.retain(may_stand);
        watched.heard = Some(heard);
    }

    /// Who is served now, after a step.
    pub fn watch_served(&mut self) {
        for index in TIMED {
            let asked = self.word(index).filter(|heard| heard.wanted == CLOSED);
            let watched = &mut self.outputs[index];
            if let (Some(heard), Some(CLOSED)) = (asked, watched.told)
                && !watched.served.iter().any(|(request, _)| *request == heard.request)
            {
                watched.served.push((heard.request, heard.authority));
            }
        }
    }

    pub fn is_spent(&self, index: usize) -> bool {
        let watched = &self.outputs[index];
        let has_limit = TIMED.contains(&index);
        has_limit && watched.told == Some(CLOSED) && self.now >= watched.switched_at.after(LONGEST)
    }

    /// Whether nothing but a request that had its longest time keeps it closed.
    pub fn is_kept_by_spent(&self, index: usize) -> bool {
        let watched = &self.outputs[index];
        let rested = watched.switched_at.max(watched.confirmed_at).after(secs(5));
        let is_free = self.now >= rested && !self.is_starting(index) && !watched.device.is_followed(self.now);
        let asks = self.word(index).is_some_and(|heard| watched.is_spent(heard.request));
        TIMED.contains(&index) && watched.told == Some(CLOSED) && asks && is_free
    }
}
