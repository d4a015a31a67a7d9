//! Every label of both modes, what it stands for and how its value is read. Data only: one line per label.
//! Source: Enedis-NOI-CPT_54E, version 3: 6.1.1 and 6.1.2 (historical mode), 6.2.2 (standard mode).

use super::quantity::Quantity as Q;
use super::tariff::Tariff;

/// How a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Decimal digits, times `scale` to reach the quantity's unit.
    Number { scale: u32 },
    /// Hexadecimal digits.
    Hexadecimal,
    /// A padded text.
    Text,
    /// A code of `PTEC`.
    Period,
    /// A text of `LTARF`.
    TariffLabel,
    /// A word of `DEMAIN`.
    Colour,
    /// The group's horodate; the value is of no interest.
    Time,
    /// Eight hexadecimal digits.
    Status,
    /// Decimal, one bit per relay.
    Relays,
}

/// One label.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) label: &'static str,
    pub(super) quantity: Q,
    pub(super) reading: Reading,
    pub(super) counts: Option<Tariff>,
}

pub(super) fn find(label: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.label == label)
}

const NUMBER: Reading = Reading::Number { scale: 1 };
const THOUSANDS: Reading = Reading::Number { scale: 1000 };

const fn row(label: &'static str, quantity: Q, reading: Reading) -> Row {
    Row { label, quantity, reading, counts: None }
}

/// An energy index of the historical mode, which names its tariff.
const fn index(label: &'static str, quantity: Q, tariff: Tariff) -> Row {
    Row { label, quantity, reading: NUMBER, counts: Some(tariff) }
}

pub(super) static TABLE: &[Row] = &[
    // Historical mode.
    row("ADCO", Q::MeterAddress, Reading::Text),
    row("OPTARIF", Q::Contract, Reading::Text),
    row("ISOUSC", Q::SubscribedCurrent, NUMBER),
    index("BASE", Q::EnergyTotal, Tariff::Base),
    index("HCHC", Q::EnergyIndex1, Tariff::OffPeak),
    index("HCHP", Q::EnergyIndex2, Tariff::Peak),
    index("EJPHN", Q::EnergyIndex1, Tariff::EjpNormal),
    index("EJPHPM", Q::EnergyIndex2, Tariff::EjpPeak),
    index("BBRHCJB", Q::EnergyIndex1, Tariff::TempoBlueOffPeak),
    index("BBRHPJB", Q::EnergyIndex2, Tariff::TempoBluePeak),
    index("BBRHCJW", Q::EnergyIndex3, Tariff::TempoWhiteOffPeak),
    index("BBRHPJW", Q::EnergyIndex4, Tariff::TempoWhitePeak),
    index("BBRHCJR", Q::EnergyIndex5, Tariff::TempoRedOffPeak),
    index("BBRHPJR", Q::EnergyIndex6, Tariff::TempoRedPeak),
    row("PEJP", Q::PeakNotice, NUMBER),
    row("PTEC", Q::Tariff, Reading::Period),
    row("DEMAIN", Q::TempoColourTomorrow, Reading::Colour),
    row("IINST", Q::Current1, NUMBER),
    row("IINST1", Q::Current1, NUMBER),
    row("IINST2", Q::Current2, NUMBER),
    row("IINST3", Q::Current3, NUMBER),
    row("ADPS", Q::OverCurrent1, NUMBER),
    row("ADIR1", Q::OverCurrent1, NUMBER),
    row("ADIR2", Q::OverCurrent2, NUMBER),
    row("ADIR3", Q::OverCurrent3, NUMBER),
    row("IMAX", Q::MaxCurrent1, NUMBER),
    row("IMAX1", Q::MaxCurrent1, NUMBER),
    row("IMAX2", Q::MaxCurrent2, NUMBER),
    row("IMAX3", Q::MaxCurrent3, NUMBER),
    row("PMAX", Q::MaxApparentPowerYesterday, NUMBER),
    row("PAPP", Q::ApparentPower, NUMBER),
    row("HHPHC", Q::OffPeakSchedule, Reading::Text),
    row("MOTDETAT", Q::MeterState, Reading::Text),
    row("PPOT", Q::PhaseLoss, Reading::Hexadecimal),
    // Standard mode.
    row("ADSC", Q::MeterAddress, Reading::Text),
    row("VTIC", Q::TicVersion, Reading::Text),
    row("DATE", Q::Clock, Reading::Time),
    row("NGTF", Q::Contract, Reading::Text),
    row("LTARF", Q::Tariff, Reading::TariffLabel),
    row("EAST", Q::EnergyTotal, NUMBER),
    row("EASF01", Q::EnergyIndex1, NUMBER),
    row("EASF02", Q::EnergyIndex2, NUMBER),
    row("EASF03", Q::EnergyIndex3, NUMBER),
    row("EASF04", Q::EnergyIndex4, NUMBER),
    row("EASF05", Q::EnergyIndex5, NUMBER),
    row("EASF06", Q::EnergyIndex6, NUMBER),
    row("EASF07", Q::EnergyIndex7, NUMBER),
    row("EASF08", Q::EnergyIndex8, NUMBER),
    row("EASF09", Q::EnergyIndex9, NUMBER),
    row("EASF10", Q::EnergyIndex10, NUMBER),
    row("EASD01", Q::EnergyDistributor1, NUMBER),
    row("EASD02", Q::EnergyDistributor2, NUMBER),
    row("EASD03", Q::EnergyDistributor3, NUMBER),
    row("EASD04", Q::EnergyDistributor4, NUMBER),
    row("EAIT", Q::EnergyInjected, NUMBER),
    row("ERQ1", Q::ReactiveEnergy1, NUMBER),
    row("ERQ2", Q::ReactiveEnergy2, NUMBER),
    row("ERQ3", Q::ReactiveEnergy3, NUMBER),
    row("ERQ4", Q::ReactiveEnergy4, NUMBER),
    row("IRMS1", Q::Current1, NUMBER),
    row("IRMS2", Q::Current2, NUMBER),
    row("IRMS3", Q::Current3, NUMBER),
    row("URMS1", Q::Voltage1, NUMBER),
    row("URMS2", Q::Voltage2, NUMBER),
    row("URMS3", Q::Voltage3, NUMBER),
    row("PREF", Q::SubscribedPower, THOUSANDS),
    row("PCOUP", Q::CutOffPower, THOUSANDS),
    row("SINSTS", Q::ApparentPower, NUMBER),
    row("SINSTS1", Q::ApparentPower1, NUMBER),
    row("SINSTS2", Q::ApparentPower2, NUMBER),
    row("SINSTS3", Q::ApparentPower3, NUMBER),
    row("SMAXSN", Q::MaxApparentPowerToday, NUMBER),
    row("SMAXSN1", Q::MaxApparentPowerToday1, NUMBER),
    row("SMAXSN2", Q::MaxApparentPowerToday2, NUMBER),
    row("SMAXSN3", Q::MaxApparentPowerToday3, NUMBER),
    row("SMAXSN-1", Q::MaxApparentPowerYesterday, NUMBER),
    row("SMAXSN1-1", Q::MaxApparentPowerYesterday1, NUMBER),
    row("SMAXSN2-1", Q::MaxApparentPowerYesterday2, NUMBER),
    row("SMAXSN3-1", Q::MaxApparentPowerYesterday3, NUMBER),
    row("SINSTI", Q::InjectedApparentPower, NUMBER),
    row("SMAXIN", Q::MaxInjectedApparentPowerToday, NUMBER),
    row("SMAXIN-1", Q::MaxInjectedApparentPowerYesterday, NUMBER),
    row("CCASN", Q::MeanPower, NUMBER),
    row("CCASN-1", Q::MeanPowerPrevious, NUMBER),
    row("CCAIN", Q::MeanInjectedPower, NUMBER),
    row("CCAIN-1", Q::MeanInjectedPowerPrevious, NUMBER),
    row("UMOY1", Q::MeanVoltage1, NUMBER),
    row("UMOY2", Q::MeanVoltage2, NUMBER),
    row("UMOY3", Q::MeanVoltage3, NUMBER),
    row("STGE", Q::Status, Reading::Status),
    row("DPM1", Q::PeakStart1, Reading::Time),
    row("DPM2", Q::PeakStart2, Reading::Time),
    row("DPM3", Q::PeakStart3, Reading::Time),
    row("FPM1", Q::PeakEnd1, Reading::Time),
    row("FPM2", Q::PeakEnd2, Reading::Time),
    row("FPM3", Q::PeakEnd3, Reading::Time),
    row("MSG1", Q::Message, Reading::Text),
    row("MSG2", Q::ShortMessage, Reading::Text),
    row("PRM", Q::UsagePoint, Reading::Text),
    row("RELAIS", Q::Relays, Reading::Relays),
    row("NTARF", Q::TariffIndex, NUMBER),
    row("NJOURF", Q::DayProfile, NUMBER),
    row("NJOURF+1", Q::DayProfileTomorrow, NUMBER),
    row("PJOURF+1", Q::DayScheduleTomorrow, Reading::Text),
    row("PPOINTE", Q::PeakDaySchedule, Reading::Text),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::is_label;

    #[test]
    fn every_label_is_one_and_stands_once() {
        for (position, row) in TABLE.iter().enumerate() {
            assert!(is_label(row.label.as_bytes()), "{}", row.label);
            let others = TABLE.iter().skip(position + 1);
            assert!(others.into_iter().all(|other| other.label != row.label), "{} stands twice", row.label);
        }
    }

    #[test]
    fn every_quantity_has_a_label_and_numbers_have_a_unit() {
        for &quantity in Q::ALL {
            let mut rows = TABLE.iter().filter(|row| row.quantity == quantity).peekable();
            assert!(rows.peek().is_some(), "{quantity} has no label");
            for row in rows {
                let is_number = matches!(row.reading, Reading::Number { .. } | Reading::Hexadecimal);
                assert_eq!(is_number, quantity.unit().is_some(), "{}", row.label);
            }
        }
    }

    #[test]
    fn number_in_a_label_is_the_number_of_its_quantity() {
        let mut compared = 0;
        for row in TABLE {
            let is_digit = |character: char| character.is_ascii_digit();
            let label = row.label.trim_end_matches("-1").trim_end_matches("+1");
            let in_label = label.trim_start_matches(|character| !is_digit(character)).parse::<u8>();
            let word = row.quantity.as_str();
            let in_word = word.trim_start_matches(|character| !is_digit(character)).parse::<u8>();
            if let (Ok(in_label), Ok(in_word)) = (in_label, in_word) {
                assert_eq!(in_label, in_word, "{}", row.label);
                compared += 1;
            }
        }
        assert_eq!(compared, 51);
    }

    #[test]
    fn units_of_the_specification() {
        for (start, unit) in [
            ("ISOUSC", "A"),
            ("BASE", "Wh"),
            ("HC", "Wh"),
            ("EJP", "Wh"),
            ("BBR", "Wh"),
            ("PEJP", "min"),
            ("IINST", "A"),
            ("ADPS", "A"),
            ("ADIR", "A"),
            ("IMAX", "A"),
            ("PAPP", "VA"),
            ("PMAX", "VA"),
            ("EA", "Wh"),
            ("ERQ", "varh"),
            ("IRMS", "A"),
            ("URMS", "V"),
            ("UMOY", "V"),
            ("PREF", "VA"),
            ("PCOUP", "VA"),
            ("SINST", "VA"),
            ("SMAX", "VA"),
            ("CC", "W"),
        ] {
            for row in TABLE.iter().filter(|row| row.label.starts_with(start)) {
                let found = row.quantity.unit().map(|unit| unit.as_str());
                assert_eq!(found, Some(unit), "{}", row.label);
            }
        }
    }

    #[test]
    fn words_are_unique_names() {
        for (position, word) in Q::WORDS.iter().enumerate() {
            let mut bytes = word.bytes();
            assert!(bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')), "{word}");
            assert!(!Q::WORDS.iter().skip(position + 1).any(|other| other == word), "{word} stands twice");
        }
    }
}
