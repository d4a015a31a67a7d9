//! One contact with what it supplies: a load group or a water heater.

use crate::contact::Contact;
use crate::heater::Heater;
use crate::loads::{Load, LoadClass, LoadSpec};
use crate::rng::Stream;
use crate::village::spec::{Draw, TankSpec};

#[derive(Clone, Debug)]
enum Demand {
    Group(Box<Load>),
    Tank { heater: Heater, draws: Vec<Draw> },
}

/// A consumer at an instant.
#[derive(Clone, Debug)]
pub(super) struct Consumer {
    pub(super) contact: Contact,
    demand: Demand,
    pub(super) served_wh: f64,
    pub(super) unserved_wh: f64,
}

impl Consumer {
    pub(super) fn group(spec: LoadSpec, stream: Stream, contact_delay_ms: u64) -> Self {
        let contact = Contact::new(spec.closed_at_start, contact_delay_ms);
        let demand = Demand::Group(Box::new(Load::new(spec, stream)));
        Self { contact, demand, served_wh: 0.0, unserved_wh: 0.0 }
    }

    pub(super) fn tank(spec: &TankSpec, contact_delay_ms: u64) -> Self {
        let contact = Contact::new(spec.closed_at_start, contact_delay_ms);
        let demand =
            Demand::Tank { heater: Heater::new(spec.heater, spec.start_c), draws: spec.draws.clone() };
        Self { contact, demand, served_wh: 0.0, unserved_wh: 0.0 }
    }

    /// Lets `elapsed_s` pass, supplied or not, and finds the demand from `now_s` on.
    pub(super) fn observe(&mut self, now_s: f64, local_s: f64, elapsed_s: f64, live: bool, added_w: f64) {
        let supplied = live && self.contact.is_closed();
        match &mut self.demand {
            Demand::Group(load) => {
                load.add(added_w);
                let (lit_s, dark_s) = if supplied { (elapsed_s, 0.0) } else { (0.0, elapsed_s) };
                load.observe(now_s, local_s, lit_s, dark_s);
            }
            Demand::Tank { heater, draws } => {
                let is_drawn = |draw: &&Draw| {
                    (draw.from_local_s..draw.from_local_s + draw.duration_s).contains(&local_s)
                };
                let drawn = draws.iter().find(is_drawn).map_or(0.0, |draw| draw.l_per_min);
                heater.advance(elapsed_s, supplied, drawn);
            }
        }
    }

    /// Power at nominal frequency if the bus is live, W.
    pub(super) fn demand_w(&self) -> f64 {
        if !self.contact.is_closed() {
            return 0.0;
        }
        match &self.demand {
            Demand::Group(load) => load.demand_w(),
            Demand::Tank { heater, .. } => heater.power_w(),
        }
    }

    /// Power that people miss while it is not supplied, W. A water heater can wait: it misses nothing.
    fn missed_w(&self) -> f64 {
        match &self.demand {
            Demand::Group(load) => load.wished_w(),
            Demand::Tank { .. } => 0.0,
        }
    }

    /// Books the energy of `duration_s`. `load_factor` is 0 on a dead bus.
    pub(super) fn account(&mut self, load_factor: f64, duration_s: f64) {
        let hours = duration_s / 3_600.0;
        if load_factor > 0.0 && self.contact.is_closed() {
            self.served_wh += self.demand_w() * load_factor * hours;
        } else {
            self.unserved_wh += self.missed_w() * hours;
        }
    }

    pub(super) fn class(&self) -> Option<LoadClass> {
        match &self.demand {
            Demand::Group(load) => Some(load.spec().class),
            Demand::Tank { .. } => None,
        }
    }

    pub(super) fn temperature_c(&self) -> Option<f64> {
        match &self.demand {
            Demand::Group(_) => None,
            Demand::Tank { heater, .. } => Some(heater.temperature_c()),
        }
    }
}
