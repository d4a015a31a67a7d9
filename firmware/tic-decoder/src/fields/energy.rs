//! Energy drawn under all tariffs, one number in both modes. The standard mode sends it (`EAST`), and the historical mode's base
//! contract (`BASE`); for its other contracts it is the sum of all indexes of one frame.

use super::{Field, Quantity, Tariff};

/// Collects the indexes of one frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct DrawnEnergy {
    total: Option<u64>,
    sum: u64,
    seen: u16,
}

/// Which tariffs make up a contract; a sum that misses one of them is not told.
const CONTRACTS: &[&[Tariff]] = &[
    &[Tariff::OffPeak, Tariff::Peak],
    &[Tariff::EjpNormal, Tariff::EjpPeak],
    &[
        Tariff::TempoBlueOffPeak,
        Tariff::TempoBluePeak,
        Tariff::TempoWhiteOffPeak,
        Tariff::TempoWhitePeak,
        Tariff::TempoRedOffPeak,
        Tariff::TempoRedPeak,
    ],
];

impl DrawnEnergy {
    /// Takes a field into account; those that are not energy drawn are ignored.
    pub fn add(&mut self, field: &Field<'_>) {
        let Some(energy_wh) = field.number() else { return };
        if field.quantity == Quantity::EnergyTotal {
            self.total = Some(u64::from(energy_wh));
        } else if let Some(tariff) = field.counts
            && self.seen & bit(tariff) == 0
        {
            self.seen |= bit(tariff);
            self.sum += u64::from(energy_wh);
        }
    }

    /// The energy in Wh at the end of a frame, and forgets it; `None` if it was not sent or an index is missing.
    pub fn take(&mut self) -> Option<u64> {
        let done = core::mem::take(self);
        let is_whole =
            CONTRACTS.iter().any(|tariffs| done.seen == tariffs.iter().map(|&tariff| bit(tariff)).sum());
        done.total.or(is_whole.then_some(done.sum))
    }
}

const fn bit(tariff: Tariff) -> u16 {
    1 << tariff as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::read;
    use crate::group::{Group, Mode};

    fn drawn(groups: &[(&str, &str)]) -> Option<u64> {
        let mut energy = DrawnEnergy::default();
        for &(label, value) in groups {
            energy.add(&read(&Group { mode: Mode::Historical, label, horodate: None, value }).unwrap());
        }
        energy.take()
    }

    #[test]
    fn total_is_told_or_summed() {
        assert_eq!(drawn(&[("BASE", "010151175"), ("PAPP", "00740")]), Some(10_151_175));
        assert_eq!(drawn(&[("EAST", "011887649"), ("EASF01", "011887640")]), Some(11_887_649));
        assert_eq!(drawn(&[("HCHC", "004196915"), ("HCHP", "005146712")]), Some(9_343_627));
        assert_eq!(drawn(&[("EJPHN", "001111111"), ("EJPHPM", "002222222")]), Some(3_333_333));
        let repeated = [("HCHC", "000000001"), ("HCHP", "000000002"), ("HCHC", "000000001")];
        assert_eq!(drawn(&repeated), Some(3));
        let tempo = ["BBRHCJB", "BBRHPJB", "BBRHCJW", "BBRHPJW", "BBRHCJR", "BBRHPJR"]
            .map(|label| (label, "999999999"));
        assert_eq!(drawn(&tempo), Some(5_999_999_994));
        assert_eq!(drawn(tempo.split_last().unwrap().1), None);
    }

    #[test]
    fn missing_index_gives_nothing() {
        assert_eq!(drawn(&[]), None);
        assert_eq!(drawn(&[("HCHC", "004196915")]), None);
        assert_eq!(drawn(&[("HCHC", "004196915"), ("HCHC", "004196915")]), None);
        assert_eq!(drawn(&[("EASF01", "004196915"), ("EASF02", "004196915")]), None);
    }

    #[test]
    fn taking_starts_anew() {
        let mut energy = DrawnEnergy::default();
        energy.add(
            &read(&Group { mode: Mode::Historical, label: "BASE", horodate: None, value: "1" }).unwrap(),
        );
        assert_eq!((energy.take(), energy.take()), (Some(1), None));
    }
}
