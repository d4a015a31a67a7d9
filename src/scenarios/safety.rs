//! What no policy may do, judged from the plant and not from anybody's word. One violation takes all points of a run.

use crate::report::language::{Language, say};
use crate::site::Running;
use ballast_model::catalog::OutputSpec;
use ballast_plant::Village;
use ballast_plant::commands::CommandWindow;
use ballast_plant::loads::LoadClass;
use std::collections::BTreeMap;

/// Violations of a run that are kept; later ones are only counted.
pub const VIOLATIONS_MAX: usize = 100;
/// Contacts move at whole milliseconds after their command; a little earlier than asked is no violation, ms. Where commands
/// come late on their way, neither is as much as that.
const PUNCTUAL_MS: u64 = 50;
/// No cell may be hotter, C.
const HOTTEST_CELL_C: f64 = 60.0;
/// Voltages that a cell of lithium iron phosphate must stay between, V.
const CELL_V: (f64, f64) = (2.5, 3.65);
/// No water may be hotter, C.
const HOTTEST_WATER_C: f64 = 65.0;
/// More than this share of its rating for so long breaks an inverter.
const OVERLOAD: (f64, u64) = (1.1, 10_000);
/// An inverter follows the limits of its cells with a lag: how far it may be beyond them, W, and for how long, ms.
const BEYOND: (f64, u64) = (500.0, 1_000);
/// Charging power below which the losses of an inverter lie, W.
const NO_CHARGE_W: f64 = 100.0;
/// Loads are given back one after the other: so long may a vital one wait for its turn, ms.
const TURN_MS: u64 = 2_000;
/// Number of the storage, which is no load.
const STORAGE: usize = usize::MAX;

/// The least times of each contact, ms.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Least time open and least time closed, by the device.
    pub least_ms: BTreeMap<String, (u64, u64)>,
    /// Two commands may arrive so much closer together than they were given.
    pub late_ms: u64,
}

impl Terms {
    /// Those of a site's safety file.
    pub fn of(running: &Running) -> Self {
        let envelopes = &running.safety.envelopes;
        let row = |(output, envelope): (&OutputSpec, &ballast_guard::plan::Envelope)| {
            (output.name.to_string(), (envelope.min_open.millis(), envelope.min_closed.millis()))
        };
        Self { least_ms: running.catalog().outputs.iter().zip(envelopes).map(row).collect(), late_ms: 0 }
    }

    /// For a plant to which commands come late.
    #[must_use]
    pub fn with_late(self, commands: &[CommandWindow]) -> Self {
        let late = commands.iter().filter_map(|window| window.late_ms);
        Self { late_ms: late.map(|(_, most_ms)| most_ms).max().unwrap_or(0), ..self }
    }
}

/// What was dangerous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Danger {
    /// A contact was open for a shorter time than its least.
    OpenTooShort,
    /// A contact was closed for a shorter time than its least.
    ClosedTooShort,
    /// Cells below freezing were charged.
    ChargedInTheCold,
    /// Cells were charged with more than they may take.
    ChargedTooFast,
    /// Cells were too hot.
    CellsTooHot,
    /// The voltage of the cells left its bounds.
    CellVoltage,
    /// Clinic or water pump were cut while something that matters less was supplied.
    VitalCut,
    /// The inverter was overloaded for too long.
    Overload,
    /// Water was scalding.
    WaterTooHot,
}

impl Danger {
    /// Its word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OpenTooShort => "open_too_short",
            Self::ClosedTooShort => "closed_too_short",
            Self::ChargedInTheCold => "charged_in_the_cold",
            Self::ChargedTooFast => "charged_too_fast",
            Self::CellsTooHot => "cells_too_hot",
            Self::CellVoltage => "cell_voltage",
            Self::VitalCut => "vital_cut",
            Self::Overload => "overload",
            Self::WaterTooHot => "water_too_hot",
        }
    }
}

/// One violation.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// When, after the start, ms.
    pub at_ms: u64,
    /// Of what.
    pub device: String,
    /// What.
    pub danger: Danger,
}

impl Violation {
    /// A sentence.
    pub fn sentence(&self, language: Language) -> String {
        let (at, device) = (self.at_ms as f64 / 1e3, &self.device);
        let what = match self.danger {
            Danger::OpenTooShort => language.say("closed again too soon", "refermé trop tôt"),
            Danger::ClosedTooShort => language.say("opened again too soon", "rouvert trop tôt"),
            Danger::ChargedInTheCold => language.say("charged below 0 °C", "chargée sous 0 °C"),
            Danger::ChargedTooFast => language.say(
                "charged beyond what its cells take",
                "chargée au-delà de ce que ses cellules acceptent",
            ),
            Danger::CellsTooHot => language.say("cells above 60 °C", "cellules au-dessus de 60 °C"),
            Danger::CellVoltage => {
                language.say("cells outside of their voltages", "cellules hors de leurs tensions")
            }
            Danger::VitalCut => language.say(
                "cut while lesser loads were supplied",
                "coupé alors que des charges moindres étaient servies",
            ),
            Danger::Overload => language.say("above 110 % for 10 s", "au-dessus de 110 % pendant 10 s"),
            Danger::WaterTooHot => language.say("water above 65 °C", "eau au-dessus de 65 °C"),
        };
        say!(language, "{device} after {at:.1} s: {what}", "{device} après {at:.1} s : {what}")
    }
}

/// Something that counts once it has lasted.
#[derive(Clone, Copy, Debug, Default)]
struct Lasting {
    since_ms: Option<u64>,
    is_told: bool,
}

impl Lasting {
    /// True when it has just lasted long enough.
    fn see(&mut self, is_so: bool, now_ms: u64, least_ms: u64) -> bool {
        if !is_so {
            *self = Self::default();
            return false;
        }
        let since_ms = *self.since_ms.get_or_insert(now_ms);
        let is_new = !self.is_told && now_ms.saturating_sub(since_ms) >= least_ms;
        self.is_told |= is_new;
        is_new
    }
}

/// Looks for what no policy may do.
#[derive(Debug)]
pub(super) struct Overseer {
    terms: Terms,
    moved_ms: BTreeMap<String, u64>,
    /// By the number of the load; what is no load has [`STORAGE`].
    lasting: BTreeMap<(Danger, usize), Lasting>,
    pub(super) found: Vec<Violation>,
    pub(super) count: u64,
}

impl Overseer {
    pub(super) fn new(terms: Terms) -> Self {
        Self { terms, moved_ms: BTreeMap::new(), lasting: BTreeMap::new(), found: Vec::new(), count: 0 }
    }

    fn tell(&mut self, at_ms: u64, device: &str, danger: Danger) {
        self.count += 1;
        if self.found.len() < VIOLATIONS_MAX {
            self.found.push(Violation { at_ms, device: device.to_owned(), danger });
        }
    }

    fn hold(
        &mut self,
        village: &Village,
        (number, device): (usize, &str),
        danger: Danger,
        (is_so, least_ms): (bool, u64),
    ) {
        let now_ms = village.now_ms();
        if self.lasting.entry((danger, number)).or_default().see(is_so, now_ms, least_ms) {
            self.tell(now_ms, device, danger);
        }
    }

    /// A contact moved.
    pub(super) fn moved(&mut self, device: &str, is_closed: bool, at_ms: u64) {
        let before = self.moved_ms.insert(device.to_owned(), at_ms);
        let Some((before_ms, (open_ms, closed_ms))) = before.zip(self.terms.least_ms.get(device).copied())
        else {
            return;
        };
        let held_ms = at_ms.saturating_sub(before_ms) + PUNCTUAL_MS + self.terms.late_ms;
        // It is closed now, so it was open before.
        let (least_ms, danger) =
            if is_closed { (open_ms, Danger::OpenTooShort) } else { (closed_ms, Danger::ClosedTooShort) };
        if held_ms < least_ms {
            self.tell(at_ms, device, danger);
        }
    }

    /// Looks at the village; after each step.
    pub(super) fn see(&mut self, village: &Village) {
        self.see_storage(village);
        let is_live = village.frequency_hz().is_some();
        let least = village.consumers_now().filter(|one| one.is_supplied && one.demand_w > 0.0);
        let least = least.filter_map(|one| one.class).max();
        for (number, one) in village.consumers_now().enumerate() {
            if let Some(hottest_c) = one.hottest_water_c {
                let is_hot = hottest_c > HOTTEST_WATER_C;
                self.hold(village, (number, one.name), Danger::WaterTooHot, (is_hot, 0));
            }
            let Some(class) = one.class.filter(|class| *class <= LoadClass::WaterPump) else { continue };
            let is_cut = is_live && !one.is_closed && least.is_some_and(|least| least > class);
            self.hold(village, (number, one.name), Danger::VitalCut, (is_cut, TURN_MS));
        }
    }

    fn see_storage(&mut self, village: &Village) {
        let (Some(now), Some(spec)) = (village.storage_now(), &village.spec().storage) else { return };
        let (power_w, name) = (village.flows().storage_w, (STORAGE, spec.name.as_str()));
        let is_beyond = power_w < now.limits_w.0 - BEYOND.0;
        self.hold(village, name, Danger::ChargedTooFast, (is_beyond, BEYOND.1));
        let is_over = power_w.abs() > OVERLOAD.0 * now.rated_va;
        self.hold(village, name, Danger::Overload, (is_over, OVERLOAD.1));
        if let Some(cells_c) = now.cells_c {
            let in_the_cold = cells_c < 0.0 && power_w < -NO_CHARGE_W;
            self.hold(village, name, Danger::ChargedInTheCold, (in_the_cold, BEYOND.1));
            self.hold(village, name, Danger::CellsTooHot, (cells_c > HOTTEST_CELL_C, 0));
        }
        if let Some(volts) = now.cell_v {
            let is_out = volts < CELL_V.0 || volts > CELL_V.1;
            self.hold(village, name, Danger::CellVoltage, (is_out, BEYOND.1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_that_moves_too_soon_is_found() {
        let terms = Terms { least_ms: [("pump".to_owned(), (10_000, 60_000))].into(), late_ms: 0 };
        let mut overseer = Overseer::new(terms);
        for (is_closed, at_ms) in [(false, 1_000), (true, 11_000), (false, 70_000), (true, 75_000)] {
            overseer.moved("pump", is_closed, at_ms);
            overseer.moved("somebody else's", is_closed, at_ms);
        }
        let found: Vec<_> = overseer.found.iter().map(|one| (one.at_ms, one.danger)).collect();
        assert_eq!(found, [(70_000, Danger::ClosedTooShort), (75_000, Danger::OpenTooShort)]);
    }

    #[test]
    fn what_lasts_is_told_once_until_it_ends() {
        let mut lasting = Lasting::default();
        let told: Vec<u64> = (0..40)
            .filter(|second| lasting.see(!(20..22).contains(second), second * 1_000, 10_000))
            .collect();
        assert_eq!(told, [10, 32]);
    }
}
