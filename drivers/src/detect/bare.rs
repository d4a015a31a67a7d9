//! Senders that announce nothing and publish under topics of their own: LinkyTop, and the clamps of Projet S8.
//!
//! Source: the senders' own code. Their topics are bare words that others could use as well, so that a value counts only in the
//! very form in which they write it.

use super::Found;

/// The device file of a LinkyTop.
const LINKYTOP: &str = "linkytop";
/// Words of PTEC, as LinkyTop cuts them out of the meter's group.
const PERIODS: [&[u8]; 3] = [b"TH", b"HC", b"HP"];

/// The sender, where a topic and what is said there are one's.
pub(super) fn sender(topic: &str, payload: &[u8]) -> Option<Found> {
    let is_digits = |range: core::ops::RangeInclusive<usize>| {
        range.contains(&payload.len()) && payload.iter().all(u8::is_ascii_digit)
    };
    let (name, file, about, is_its) = match topic {
        "PAPP" => (LINKYTOP, LINKYTOP, LINKY, is_digits(5..=5)),
        "HCHC" | "HCHP" => (LINKYTOP, LINKYTOP, LINKY, is_digits(9..=9)),
        "IINST" => (LINKYTOP, LINKYTOP, LINKY, is_digits(3..=3)),
        "PTEC" => (LINKYTOP, LINKYTOP, LINKY, PERIODS.contains(&payload)),
        "Projet_S8_Puiss1" | "Projet_S8_Puiss2" | "Projet_S8_Puiss3" => {
            ("clamps", "projet-s8", CLAMPS, is_digits(1..=5))
        }
        _ => return None,
    };
    let found = Found {
        key: format!("mqtt:{file}"),
        name: name.to_owned(),
        about: about.to_owned(),
        file,
        ..Found::default()
    };
    is_its.then_some(found)
}

const LINKY: &str = "LinkyTop reader of a Linky meter";
const CLAMPS: &str = "three current clamps of Projet S8";

#[cfg(test)]
mod tests {
    use crate::detect::announced;

    #[test]
    fn senders_are_known_by_their_topics_and_the_form_of_their_values() {
        for (topic, payload, file) in [
            ("PAPP", "00540", "linkytop"),
            ("HCHC", "004196915", "linkytop"),
            ("IINST", "002", "linkytop"),
            ("PTEC", "HP", "linkytop"),
            ("Projet_S8_Puiss1", "460", "projet-s8"),
            ("Projet_S8_Puiss3", "0", "projet-s8"),
        ] {
            let found = announced(topic, payload.as_bytes()).devices;
            assert_eq!(found.len(), 1, "{topic}");
            assert_eq!((found[0].file, &found[0].key), (file, &format!("mqtt:{file}")), "{topic}");
        }
        for (topic, payload) in [
            ("PAPP", "540"),
            ("PAPP", "hello"),
            ("HCHC", ""),
            ("PTEC", "HP.."),
            ("ERROR", "PAPP"),
            ("Projet_S8_TmStmp", "1700000000"),
            ("Projet_S8_Puiss4", "460"),
            ("Projet_S8_Puiss1", "-1"),
            ("house/PAPP", "00540"),
        ] {
            assert_eq!(announced(topic, payload.as_bytes()).devices, [], "{topic} {payload}");
        }
    }
}
