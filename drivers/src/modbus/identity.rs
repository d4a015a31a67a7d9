//! Whether a unit is the device that its file is for, where the file says by which points that shows (`identity: yes`).
//!
//! Until all of them have a value nothing of the unit is passed on and nothing is told to it; where one of them has none, another
//! device answers there, whose registers may mean something else.

use std::collections::BTreeMap;

/// What a unit says that does not say what it is.
pub(super) const NOTHING: &str = "";

/// What a unit is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The device of the file, or nobody wants to know.
    Known,
    /// It has not said so since it was away.
    Unknown,
    /// Another device.
    Stranger,
}

/// What has become of a unit with what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing new.
    None,
    /// It is none that the file is for: what it says of itself.
    Stranger(String),
    /// It is another one than before, which the file is for as well: what it says, and what was said before.
    Other(String, String),
    /// It is one that the file is for again.
    Right,
}

/// The units of a bus.
#[derive(Clone, Debug, Default)]
pub(super) struct Identities {
    units: Vec<Unit>,
}

#[derive(Clone, Debug, Default)]
struct Unit {
    /// The points by which it shows, with what was said since it was away: nothing yet, or what it is and whether that is a
    /// value.
    slots: BTreeMap<usize, Option<bool>>,
    /// What was said last that was a value.
    known: BTreeMap<usize, String>,
    is_stranger: bool,
}

impl Identities {
    /// The slots that show it, of each unit.
    pub(super) fn new(units: Vec<Vec<usize>>) -> Self {
        let unit = |slots: Vec<usize>| Unit {
            slots: slots.into_iter().map(|slot| (slot, None)).collect(),
            ..Unit::default()
        };
        Self { units: units.into_iter().map(unit).collect() }
    }

    /// Whether a point shows it.
    pub(super) fn is_shown_by(&self, unit: usize, slot: usize) -> bool {
        self.units.get(unit).is_some_and(|unit| unit.slots.contains_key(&slot))
    }

    /// A point that shows it and has not said anything since the unit was away.
    pub(super) fn unsaid(&self, unit: usize) -> Option<usize> {
        let slots = &self.units.get(unit)?.slots;
        slots.iter().find(|(_, said)| said.is_none()).map(|(slot, _)| *slot)
    }

    /// What a unit is taken for.
    pub(super) fn standing(&self, unit: usize) -> Standing {
        let Some(unit) = self.units.get(unit) else { return Standing::Known };
        match unit.slots.values().copied().reduce(|all, one| match (all, one) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (None, _) | (_, None) => None,
            (Some(true), Some(true)) => Some(true),
        }) {
            None | Some(Some(true)) => Standing::Known,
            Some(None) => Standing::Unknown,
            Some(Some(false)) => Standing::Stranger,
        }
    }

    /// A unit was away: who answers there next must say who it is.
    pub(super) fn doubt(&mut self, unit: usize) {
        if let Some(unit) = self.units.get_mut(unit) {
            unit.slots.values_mut().for_each(|said| *said = None);
        }
    }

    /// The same of all.
    pub(super) fn doubt_all(&mut self) {
        (0..self.units.len()).for_each(|unit| self.doubt(unit));
    }

    /// A point that shows it said something, which is a value of it or not.
    pub(super) fn hear(&mut self, unit: usize, slot: usize, said: &str, is_value: bool) -> Change {
        let Some(known) = self.units.get_mut(unit) else { return Change::None };
        if let Some(place) = known.slots.get_mut(&slot) {
            *place = Some(is_value);
        }
        if !is_value {
            return if std::mem::replace(&mut known.is_stranger, true) {
                Change::None
            } else {
                Change::Stranger(said.to_owned())
            };
        }
        let before = known.known.insert(slot, said.to_owned());
        let is_right = self.standing(unit) == Standing::Known;
        let Some(known) = self.units.get_mut(unit) else { return Change::None };
        match before {
            Some(before) if before != said => {
                known.is_stranger &= !is_right;
                Change::Other(said.to_owned(), before)
            }
            _ if is_right && std::mem::take(&mut known.is_stranger) => Change::Right,
            _ => Change::None,
        }
    }
}

/// What is said of a unit with that, and whether it is good news.
pub(super) fn words(name: &str, change: &Change) -> Option<(bool, String)> {
    Some(match change {
        Change::None => return None,
        Change::Stranger(said) if said == NOTHING => {
            (false, format!("{name} does not say what it is: nothing of it is used"))
        }
        Change::Stranger(said) => (
            false,
            format!("{name} says that it is `{said}`, for which its file is not: nothing of it is used"),
        ),
        Change::Other(said, before) => {
            (true, format!("{name} is another device now: `{said}`, and `{before}` before"))
        }
        Change::Right => (true, format!("{name} is a device that its file is for")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_known_once_it_has_said_all_of_it_and_a_stranger_once_a_part_is_wrong() {
        let mut units = Identities::new(vec![vec![3, 4], vec![]]);
        assert_eq!((units.standing(0), units.standing(1)), (Standing::Unknown, Standing::Known));
        assert!(units.is_shown_by(0, 4) && !units.is_shown_by(0, 5) && !units.is_shown_by(1, 4));
        assert_eq!(units.hear(0, 3, "EM340", true), Change::None);
        assert_eq!(units.standing(0), Standing::Unknown);
        assert_eq!(units.hear(0, 4, "2", true), Change::None);
        assert_eq!(units.standing(0), Standing::Known);
        assert_eq!(units.hear(0, 3, "EM111", false), Change::Stranger("EM111".to_owned()));
        assert_eq!(units.hear(0, 3, "EM111", false), Change::None, "said once");
        assert_eq!(units.standing(0), Standing::Stranger);
        assert_eq!(units.hear(0, 3, "EM340", true), Change::Right);
        units.doubt_all();
        assert_eq!(units.standing(0), Standing::Unknown, "it was away");
        let other = Change::Other("EM330".to_owned(), "EM340".to_owned());
        assert_eq!(units.hear(0, 3, "EM330", true), other);
        assert_eq!(units.hear(0, 4, "2", true), Change::None);
        assert_eq!(units.standing(0), Standing::Known);
    }
}
