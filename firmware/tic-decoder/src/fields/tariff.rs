//! Tariffs in the same words for both modes, the period they amount to, and the colours of Tempo.

use crate::words::words;

words! {
    /// The tariff in force.
    Tariff {
        /// The only tariff of a base contract.
        Base = "base",
        /// Off-peak hours.
        OffPeak = "off_peak",
        /// Peak hours.
        Peak = "peak",
        /// EJP, normal hours.
        EjpNormal = "ejp_normal",
        /// EJP, hours of mobile peak.
        EjpPeak = "ejp_peak",
        /// Tempo, blue day, off-peak hours.
        TempoBlueOffPeak = "tempo_blue_off_peak",
        /// Tempo, blue day, peak hours.
        TempoBluePeak = "tempo_blue_peak",
        /// Tempo, white day, off-peak hours.
        TempoWhiteOffPeak = "tempo_white_off_peak",
        /// Tempo, white day, peak hours.
        TempoWhitePeak = "tempo_white_peak",
        /// Tempo, red day, off-peak hours.
        TempoRedOffPeak = "tempo_red_off_peak",
        /// Tempo, red day, peak hours.
        TempoRedPeak = "tempo_red_peak",
        /// A tariff whose name is not known here: suppliers of the standard mode name theirs freely.
        Unknown = "unknown",
    }
}

words! {
    /// What a tariff amounts to for the choice of when to draw.
    Period {
        /// Neither cheap nor dear.
        Base = "base",
        /// Cheap.
        OffPeak = "off_peak",
        /// Dear.
        Peak = "peak",
    }
}

words! {
    /// Colour of a Tempo day.
    TempoColour {
        /// Cheap.
        Blue = "blue",
        /// Medium.
        White = "white",
        /// Dear.
        Red = "red",
        /// Not announced, or no Tempo contract.
        None = "none",
    }
}

/// Codes of `PTEC` (Enedis-NOI-CPT_02E).
const PERIOD_CODES: &[(&str, Tariff)] = &[
    ("TH..", Tariff::Base),
    ("HC..", Tariff::OffPeak),
    ("HP..", Tariff::Peak),
    ("HN..", Tariff::EjpNormal),
    ("PM..", Tariff::EjpPeak),
    ("HCJB", Tariff::TempoBlueOffPeak),
    ("HPJB", Tariff::TempoBluePeak),
    ("HCJW", Tariff::TempoWhiteOffPeak),
    ("HPJW", Tariff::TempoWhitePeak),
    ("HCJR", Tariff::TempoRedOffPeak),
    ("HPJR", Tariff::TempoRedPeak),
];

/// Texts of `LTARF`, word by word. They are the supplier's free choice (CPT_54E, 6.2.3.5); these are in common use. The
/// text of a producer without consumption, `INDEX NON CONSO`, names no tariff.
const LABELS: &[(&[&str], Tariff)] = &[
    (&["BASE"], Tariff::Base),
    (&["HEURE", "CREUSE"], Tariff::OffPeak),
    (&["HEURES", "CREUSES"], Tariff::OffPeak),
    (&["HEURE", "PLEINE"], Tariff::Peak),
    (&["HEURES", "PLEINES"], Tariff::Peak),
    (&["HEURE", "NORMALE"], Tariff::EjpNormal),
    (&["HEURE", "POINTE"], Tariff::EjpPeak),
    (&["HC", "BLEU"], Tariff::TempoBlueOffPeak),
    (&["HP", "BLEU"], Tariff::TempoBluePeak),
    (&["HC", "BLANC"], Tariff::TempoWhiteOffPeak),
    (&["HP", "BLANC"], Tariff::TempoWhitePeak),
    (&["HC", "ROUGE"], Tariff::TempoRedOffPeak),
    (&["HP", "ROUGE"], Tariff::TempoRedPeak),
];

impl Tariff {
    /// From a value of `PTEC`; `None` for a code that does not exist.
    pub fn from_period_code(code: &str) -> Option<Self> {
        PERIOD_CODES.iter().find(|(known, _)| *known == code).map(|&(_, tariff)| tariff)
    }

    /// From a value of `LTARF`, whatever its padding and spacing; [`Tariff::Unknown`] for other texts.
    pub fn from_label(text: &str) -> Self {
        let words = || text.split(' ').filter(|word| !word.is_empty());
        LABELS
            .iter()
            .find(|(known, _)| words().eq(known.iter().copied()))
            .map_or(Self::Unknown, |&(_, tariff)| tariff)
    }

    /// The period: the mobile peak of EJP is peak, its normal hours are base. `None` for an unknown tariff.
    pub const fn period(self) -> Option<Period> {
        Some(match self {
            Self::Base | Self::EjpNormal => Period::Base,
            Self::OffPeak | Self::TempoBlueOffPeak | Self::TempoWhiteOffPeak | Self::TempoRedOffPeak => {
                Period::OffPeak
            }
            Self::Peak | Self::EjpPeak => Period::Peak,
            Self::TempoBluePeak | Self::TempoWhitePeak | Self::TempoRedPeak => Period::Peak,
            Self::Unknown => return None,
        })
    }

    /// Today's colour, as far as the tariff tells it; `None` for an unknown tariff.
    pub const fn colour(self) -> Option<TempoColour> {
        Some(match self {
            Self::TempoBlueOffPeak | Self::TempoBluePeak => TempoColour::Blue,
            Self::TempoWhiteOffPeak | Self::TempoWhitePeak => TempoColour::White,
            Self::TempoRedOffPeak | Self::TempoRedPeak => TempoColour::Red,
            Self::Base | Self::OffPeak | Self::Peak | Self::EjpNormal | Self::EjpPeak => TempoColour::None,
            Self::Unknown => return None,
        })
    }
}

impl TempoColour {
    /// From a value of `DEMAIN` (Enedis-NOI-CPT_02E).
    pub fn from_demain(text: &str) -> Option<Self> {
        Some(match text {
            "BLEU" => Self::Blue,
            "BLAN" => Self::White,
            "ROUG" => Self::Red,
            "----" => Self::None,
            _ => return None,
        })
    }

    /// From two bits of the status register.
    pub(super) const fn from_bits(bits: u32) -> Self {
        match bits & 0b11 {
            1 => Self::Blue,
            2 => Self::White,
            3 => Self::Red,
            _ => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tariff_but_unknown_has_a_code_and_a_label() {
        for &tariff in Tariff::ALL {
            let expected = tariff != Tariff::Unknown;
            assert_eq!(PERIOD_CODES.iter().any(|&(_, known)| known == tariff), expected, "{tariff}");
            assert_eq!(LABELS.iter().any(|&(_, known)| known == tariff), expected, "{tariff}");
        }
    }

    #[test]
    fn labels_are_read_whatever_their_padding() {
        for text in ["HEURE CREUSE", "  HEURE CREUSE  ", "HEURE  CREUSE   ", "HEURES CREUSES"] {
            assert_eq!(Tariff::from_label(text), Tariff::OffPeak, "{text}");
        }
        assert_eq!(Tariff::from_label("      BASE      "), Tariff::Base);
        assert_eq!(Tariff::from_label("    HP  ROUGE   "), Tariff::TempoRedPeak);
        for text in ["", "INDEX NON CONSO ", "HEURE", "BASE 2", "HEURECREUSE", "HC"] {
            assert_eq!(Tariff::from_label(text), Tariff::Unknown, "{text}");
        }
    }

    #[test]
    fn periods_and_colours() {
        let check = |code, period, colour| {
            let tariff = Tariff::from_period_code(code).unwrap();
            assert_eq!((tariff.period(), tariff.colour()), (Some(period), Some(colour)), "{code}");
        };
        check("TH..", Period::Base, TempoColour::None);
        check("HC..", Period::OffPeak, TempoColour::None);
        check("HN..", Period::Base, TempoColour::None);
        check("PM..", Period::Peak, TempoColour::None);
        check("HCJW", Period::OffPeak, TempoColour::White);
        check("HPJR", Period::Peak, TempoColour::Red);
        assert_eq!((Tariff::Unknown.period(), Tariff::Unknown.colour()), (None, None));
        assert_eq!(Tariff::from_period_code("HC"), None);
    }

    #[test]
    fn words_of_the_lists() {
        assert_eq!(Tariff::WORDS.first().copied(), Some("base"));
        assert_eq!(Tariff::WORDS.last().copied(), Some("unknown"));
        assert_eq!(Period::WORDS, ["base", "off_peak", "peak"]);
        assert_eq!(TempoColour::WORDS, ["blue", "white", "red", "none"]);
        assert_eq!(TempoColour::from_demain("BLAN"), Some(TempoColour::White));
        assert_eq!(TempoColour::from_demain("----"), Some(TempoColour::None));
    }
}
