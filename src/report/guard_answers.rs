//! What a person is answered whose word the guard refused: what is so, and what to do.

use super::language::{Language, say};

/// Why the guard refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused<'a> {
    /// Nothing of that waits in the guard: a limit, an output or shedding, as people call it; `None`: nothing at all does.
    NothingWaits(Option<&'a str>),
    /// A limit is still violated.
    StillViolated(&'a str),
    /// An output waits, but for the reset of this limit: the output, the limit.
    HeldByLimit(&'a str, &'a str),
    /// The safety set of this fingerprint is in force: nothing is to be confirmed.
    InForce(u64),
    /// No safety set waits for anybody's word, also not that of the fingerprint: it, the one in force.
    NoSetWaits(u64, u64),
    /// The safety set of another fingerprint waits: the given one, that one.
    OtherSetWaits(u64, u64),
}

impl Refused<'_> {
    /// The sentence.
    pub fn say(self, language: Language) -> String {
        match self {
            Self::NothingWaits(None) => {
                say!(language, "refused: nothing waits for a person", "refusé : rien n'attend une personne")
            }
            Self::NothingWaits(Some(name)) => say!(
                language,
                "refused: {name} does not wait for a person",
                "refusé : {name} n'attend pas une personne"
            ),
            Self::StillViolated(limit) => say!(
                language,
                "refused: the limit \"{limit}\" still acts; reset it once what it watches is well again",
                "refusé : la limite « {limit} » agit encore ; réarmez-la quand ce qu'elle surveille sera revenu à la normale"
            ),
            Self::HeldByLimit(output, limit) => say!(
                language,
                "refused: {output} waits for its limit; say `ballast guard reset \"{limit}\"`",
                "refusé : {output} attend sa limite ; dites `ballast guard reset \"{limit}\"`"
            ),
            Self::InForce(print) => say!(
                language,
                "refused: the safety set {print:016x} is in force already, nothing waits to be confirmed",
                "refusé : le jeu de sûreté {print:016x} est déjà en vigueur, rien n'attend de confirmation"
            ),
            Self::NoSetWaits(print, in_force) => say!(
                language,
                "refused: no safety set waits to be confirmed, neither {print:016x} nor another; {in_force:016x} is in force. \
                 `ballast reload` shows what would wait",
                "refusé : aucun jeu de sûreté n'attend de confirmation, ni {print:016x} ni un autre ; {in_force:016x} est en vigueur. \
                 `ballast reload` montre ce qui attendrait"
            ),
            Self::OtherSetWaits(print, waits) => say!(
                language,
                "refused: {print:016x} is not the safety set that waits; `ballast reload` shows what it would loosen, \
                 `ballast guard confirm {waits:016x}` accepts it",
                "refusé : {print:016x} n'est pas le jeu de sûreté qui attend ; `ballast reload` montre ce qu'il desserrerait, \
                 `ballast guard confirm {waits:016x}` l'accepte"
            ),
        }
    }
}
