//! Sentences about those who are told something of the site.

use super::language::{Language, Noun, say};

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
