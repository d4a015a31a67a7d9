//! Sentences about those who are told something of the site.

use super::instant;
use super::language::{Language, Noun, say};
use ballast_model::Utc;
use ballast_model::almanac::Zone;

/// A receiver is told something from now on.
pub fn told(receiver: &str, bus: &str, counts: [usize; 2], language: Language) -> String {
    let [points, outputs] = counts;
    let points = language.counted(points, Noun::Point);
    let outputs = language.counted(outputs, Noun::Output);
    say!(
        language,
        "{receiver} is told of {points} and {outputs} over bus {bus}",
        "{receiver} apprend l'état de {points} et {outputs} par le bus {bus}"
    )
}

/// A receiver is told nothing any more.
pub fn told_no_more(receiver: &str, language: Language) -> String {
    say!(language, "{receiver} is told nothing any more", "{receiver} n'apprend plus rien")
}

/// An end as people read it, in the zone of the site.
pub fn end(until: Utc, zone: &Zone) -> String {
    format!("{} ({})", instant::local_short(until, zone), zone.name())
}

/// What it is told for and until when, behind what it is told; empty where the file says neither.
pub fn terms(end: Option<&str>, purpose: Option<&str>, language: Language) -> String {
    let until = end.map(|end| say!(language, " until {end}", " jusqu'au {end}"));
    let purpose = purpose.map(|purpose| say!(language, ", for: {purpose}", ", pour : {purpose}"));
    [until, purpose].into_iter().flatten().collect()
}

/// A receiver is told nothing, since nobody can say whether its time is over.
pub fn unsure(receiver: &str, end: &str, language: Language) -> String {
    say!(
        language,
        "{receiver} is told nothing until the wall clock is trusted: its time ends at {end}",
        "{receiver} n'apprend rien tant que l'heure de la machine n'est pas sûre : son temps finit le {end}"
    )
}

/// The time of a receiver is over.
pub fn over(receiver: &str, end: &str, language: Language) -> String {
    say!(
        language,
        "{receiver} is told nothing any more: its time ended at {end}",
        "{receiver} n'apprend plus rien : son temps a fini le {end}"
    )
}
