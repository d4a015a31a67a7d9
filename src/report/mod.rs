//! What happened and why, in sentences for people, English and French, and as data for programs.
//!
//! What is told of a moment needs only a [`moment::Moment`], so that now and then are told by the same words.

pub mod causes;
pub mod event;
pub mod guard_words;
pub mod instant;
pub mod moment;
pub mod names;
pub mod status;
pub mod table;
pub mod why_output;
pub mod why_rule;

/// `1 rule`, `2 rules`: a count with its English noun.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_thing_is_not_several() {
        let counted = |count| super::counted(count, "rule");
        assert_eq!([counted(0), counted(1), counted(2)], ["0 rules", "1 rule", "2 rules"]);
    }
}
