//! The truth of an instant for observers and scores, not for rules: contacts and wishes, sets, cells, what sun and wind offer.

use crate::genset::Phase;
use crate::loads::LoadClass;
use crate::village::Village;

/// One thing behind a contact at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConsumerNow<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is for; `None` for tanks and vehicles, which only wait.
    pub class: Option<LoadClass>,
    /// Homes, tanks, refrigerators or vehicles behind the contact.
    pub members: u32,
    /// Its contact is closed.
    pub is_closed: bool,
    /// When its contact moved last, ms; `None` before it ever did.
    pub moved_at_ms: Option<u64>,
    /// Contact and feeder lead to a bus that has voltage.
    pub is_supplied: bool,
    /// What people miss while it is not supplied, W; 0 where it can wait.
    pub wished_w: f64,
    /// What it takes at nominal frequency, W.
    pub demand_w: f64,
    /// Water of its hottest tank, C.
    pub hottest_water_c: Option<f64>,
}

/// One generating set at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SetNow<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its engine turns.
    pub is_running: bool,
    /// It is on the bus.
    pub is_on_line: bool,
    /// It is broken.
    pub is_failed: bool,
    /// The most that it could give, were it on the bus, W; 0 while it is broken or refuses to start.
    pub able_w: f64,
    /// What it is built for, VA.
    pub rated_va: f64,
}

/// The storage at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StorageNow {
    /// It is on the bus.
    pub is_on_line: bool,
    /// What its inverter is built for, VA.
    pub rated_va: f64,
    /// The least and the most that its limits let it deliver, W, into the bus positive.
    pub limits_w: (f64, f64),
    /// Temperature of the cells, C; `None` without cells.
    pub cells_c: Option<f64>,
    /// Voltage of one cell, V; `None` without cells.
    pub cell_v: Option<f64>,
}

impl Village {
    /// Everything behind a contact, in the order of the specification.
    pub fn consumers_now(&self) -> impl Iterator<Item = ConsumerNow<'_>> {
        self.spec.consumer_names().zip(&self.consumers).map(|(name, consumer)| ConsumerNow {
            name,
            class: consumer.class(),
            members: consumer.members(),
            is_closed: consumer.contact.is_closed(),
            moved_at_ms: consumer.contact.moved_at_ms(),
            is_supplied: self.live && consumer.is_connected(),
            wished_w: consumer.missed_w(),
            demand_w: consumer.demand_w(),
            hottest_water_c: consumer.hottest_water_c(),
        })
    }

    /// Every generating set, in the order of the specification.
    pub fn sets_now(&self) -> impl Iterator<Item = SetNow<'_>> {
        self.gensets.iter().map(|genset| {
            let machine = &genset.spec().machine;
            let is_able = genset.is_on_line() || genset.refuses_until_ms() <= self.now_ms;
            // One that its controller locked out could run.
            let is_failed = matches!(genset.phase(), Phase::Failed { .. });
            SetNow {
                name: &genset.spec().name,
                is_running: genset.is_running(),
                is_on_line: genset.is_on_line(),
                is_failed,
                able_w: if is_able && !is_failed { machine.rated_va * machine.power_max_pu } else { 0.0 },
                rated_va: machine.rated_va,
            }
        })
    }

    /// The storage.
    pub fn storage_now(&self) -> Option<StorageNow> {
        let storage = self.storage.as_ref()?;
        let in_series = storage.spec().cells.as_ref().map_or(1, |cells| cells.in_series.max(1));
        Some(StorageNow {
            is_on_line: self.storage_on_line,
            rated_va: storage.spec().inverter.rated_va,
            limits_w: storage.limits_w(),
            cells_c: storage.temperature_c(),
            cell_v: storage.voltage_v().map(|volts| volts / f64::from(in_series)),
        })
    }

    /// What sun and wind offer, whether it is taken or not, W.
    pub fn offered_w(&self) -> (f64, f64) {
        let of_sun = self.solar.as_ref().map_or(0.0, |solar| solar.available_w);
        let turbine = self.turbine.as_ref().zip(self.spec.wind.as_ref());
        (of_sun, turbine.map_or(0.0, |(turbine, spec)| spec.power_w(turbine.speed_m_s)))
    }
}
