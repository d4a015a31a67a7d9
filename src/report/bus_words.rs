//! What a bus says of itself, in French: the drivers speak English, as the libraries and the system below them do.
//!
//! What is not in the table stays as it was said: a reason that comes from far below is worth more than none.

use super::language::Language;
use std::borrow::Cow;

/// English and French; `{}` stands for what differs. The first that fits counts.
const WORDS: [(&str, &str); 60] = [
    ("simulated", "simulé"),
    ("connected to {}", "connecté à {}"),
    ("listening to {}", "à l'écoute de {}"),
    ("{} answers", "{} répond"),
    ("{} answers with data again", "{} répond de nouveau avec des données"),
    ("{} does not answer", "{} ne répond pas"),
    ("{} does not answer, says its gateway", "{} ne répond pas, dit sa passerelle"),
    (
        "{} answers what was not asked, or damaged",
        "{} répond ce qui n'était pas demandé, ou une réponse abîmée",
    ),
    ("{} breaks off: {}", "{} s'interrompt : {}"),
    ("{} is silent: check the wiring", "{} est muet : vérifiez le câblage"),
    (
        "{}: bytes come and none is understood: check speed, mode and wiring",
        "{} : des octets arrivent et aucun n'est compris : vérifiez vitesse, mode et câblage",
    ),
    ("cannot open {}", "impossible d'ouvrir {}"),
    ("cannot reach the broker: {}", "courtier injoignable : {}"),
    ("the broker did not answer in time", "le courtier n'a pas répondu à temps"),
    ("the broker refuses us: {}", "le courtier nous refuse : {}"),
    ("the broker closed the connection", "le courtier a fermé la connexion"),
    ("the broker does not speak MQTT 3.1.1: {}", "le courtier ne parle pas MQTT 3.1.1 : {}"),
    ("the broker does not let us read {}", "le courtier ne nous laisse pas lire {}"),
    ("the connection broke: {}", "la connexion s'est rompue : {}"),
    ("the connection stalled", "la connexion est figée"),
    ("cannot read the password: {}", "le mot de passe ne peut pas être lu : {}"),
    (
        "{} answered a page, not data: a login, a portal, or another path",
        "{} a répondu une page, pas des données : une connexion, un portail, ou un autre chemin",
    ),
    (
        "{} answered something that is not JSON, or not all of it",
        "{} a répondu autre chose que du JSON, ou pas tout",
    ),
    (
        "{} refuses us: password, token or rights (`auth` of the bus) are not right",
        "{} nous refuse : mot de passe, jeton ou droits (`auth` du bus) ne conviennent pas",
    ),
    ("{} refuses us, and we have nothing to show: {}", "{} nous refuse, et nous n'avons rien à montrer : {}"),
    (
        "{} sends us to another server ({}): write that as `url`",
        "{} nous envoie à un autre serveur ({}) : écrivez-le comme `url`",
    ),
    ("{} sends us on and on: is that the right path?", "{} nous renvoie sans fin : est-ce le bon chemin ?"),
    (
        "{} is not there (404): is that the right path for this firmware?",
        "{} n'est pas là (404) : est-ce le bon chemin pour ce micrologiciel ?",
    ),
    ("{} answered with status {}", "{} a répondu avec l'état {}"),
    (
        "{} tells floats that make sense in the order {} and not in {}: see its `order`",
        "{} donne des nombres qui ont un sens dans l'ordre {} et pas dans {} : voyez son `order`",
    ),
    (
        "{} fell from {} to {}: it was reset or ran over, and what went through meanwhile is not counted",
        "{} est tombé de {} à {} : remis à zéro ou dépassé, et ce qui est passé entre-temps n'est pas compté",
    ),
    (
        "{} is back at {}: it was not reset, and is counted on from {}",
        "{} est revenu à {} : il n'avait pas été remis à zéro, et le compte reprend à {}",
    ),
    (
        "{} says {}; a number with a decimal point is expected at {}",
        "{} dit {} ; un nombre à point décimal est attendu à {}",
    ),
    (
        "{} says {}; a number with a decimal point is expected",
        "{} dit {} ; un nombre à point décimal est attendu",
    ),
    ("{} says {}; a number is expected at {}", "{} dit {} ; un nombre est attendu à {}"),
    ("{} says {}; a number is expected", "{} dit {} ; un nombre est attendu"),
    ("{} says {}; one of {} is expected at {}", "{} dit {} ; l'un de {} est attendu à {}"),
    ("{} says {}; one of {} is expected", "{} dit {} ; l'un de {} est attendu"),
    ("{} says {}; a JSON document with {} is expected", "{} dit {} ; un document JSON avec {} est attendu"),
    ("{} tells floats in their order", "{} donne ses nombres dans l'ordre"),
    ("{} is out of reach ({})", "{} est hors d'atteinte ({})"),
    ("{} ended", "{} s'est terminé"),
    ("{} is gone: {}", "{} a disparu : {}"),
    (
        "{} answered packed data, which was not asked for",
        "{} a répondu des données compressées, ce qui n'était pas demandé",
    ),
    ("{} gave no token (status {}): {}", "{} n'a pas donné de jeton (état {}) : {}"),
    ("{} gave no token (status {})", "{} n'a pas donné de jeton (état {})"),
    (
        "{} answers that it failed (exception 4): it is out of order, or a gateway has nobody at this address; see `unit_id`",
        "{} répond qu'il a échoué (exception 4) : il est en panne, ou une passerelle n'a personne à cette adresse ; voyez `unit_id`",
    ),
    (
        "{} cannot be asked for the table `{}` (exception 1): see `table`",
        "{} n'a pas la table `{}` (exception 1) : voyez `table`",
    ),
    ("{} finds its own memory damaged (exception 8)", "{} trouve sa propre mémoire abîmée (exception 8)"),
    ("{} refuses to answer (exception {})", "{} refuse de répondre (exception {})"),
    ("{} answers with values again", "{} répond de nouveau avec des valeurs"),
    (
        "{} has no register {} in `{}` (exception {}): see `register` and `table`",
        "{} n'a pas de registre {} dans `{}` (exception {}) : voyez `register` et `table`",
    ),
    (
        "{} has no register {} in `{}` (exception {}): see `register` and `table`; registers count from 0 as on the wire: {}",
        "{} n'a pas de registre {} dans `{}` (exception {}) : voyez `register` et `table` ; les registres se comptent à partir de 0 comme sur le fil : {}",
    ),
    (
        "{} has no bit {} in `{}` (exception {}): see `register` and `table`",
        "{} n'a pas de bit {} dans `{}` (exception {}) : voyez `register` et `table`",
    ),
    (
        "{} does not say what it is: nothing of it is used",
        "{} ne dit pas ce qu'il est : rien de lui n'est utilisé",
    ),
    (
        "{} says that it is `{}`, for which its file is not: nothing of it is used",
        "{} dit être `{}`, pour lequel son fichier n'est pas fait : rien de lui n'est utilisé",
    ),
    ("{} is another device now: {}, and {} before", "{} est maintenant un autre appareil : {}, et {} avant"),
    ("{} is a device that its file is for", "{} est un appareil pour lequel son fichier est fait"),
    (
        "{} tells whole numbers that make sense in the order {} and not in {}: see its `order`",
        "{} donne des nombres entiers qui ont un sens dans l'ordre {} et pas dans {} : voyez son `order`",
    ),
    ("{} tells whole numbers in their order", "{} donne ses nombres entiers dans l'ordre"),
];

/// The same in the language.
pub fn told(text: &str, language: Language) -> Cow<'_, str> {
    if language == Language::En {
        return text.into();
    }
    let found = WORDS.iter().find_map(|(english, french)| Some(filled(french, &parts(text, english)?)));
    found.map_or_else(|| text.into(), Into::into)
}

/// What stands in a text where a pattern has `{}`; `None` where the rest differs.
fn parts<'a>(text: &'a str, pattern: &str) -> Option<Vec<&'a str>> {
    let mut pieces = pattern.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut parts = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let end = match pieces.peek() {
            // The last piece ends the text.
            None => rest.len().checked_sub(piece.len()).filter(|end| rest.get(*end..) == Some(piece))?,
            Some(_) => rest.find(piece)?,
        };
        parts.push(rest.get(..end)?);
        rest = rest.get(end + piece.len()..)?;
    }
    rest.is_empty().then_some(parts)
}

fn filled(pattern: &str, parts: &[&str]) -> String {
    let mut parts = parts.iter();
    let mut text = String::new();
    for (place, piece) in pattern.split("{}").enumerate() {
        if place > 0 {
            text.push_str(parts.next().unwrap_or(&""));
        }
        text.push_str(piece);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_speaks_french_as_far_as_it_is_known() {
        for (english, french) in [
            ("simulated", "simulé"),
            ("connected to 127.0.0.1:1883", "connecté à 127.0.0.1:1883"),
            ("unit 3 answers", "unit 3 répond"),
            ("unit 3 breaks off: reset", "unit 3 s'interrompt : reset"),
            ("unit 3 does not answer, says its gateway", "unit 3 ne répond pas, dit sa passerelle"),
            ("cannot open /dev/ttyUSB0: no such file", "impossible d'ouvrir /dev/ttyUSB0: no such file"),
            (
                "plug sends us to another server (http://b): write that as `url`",
                "plug nous envoie à un autre serveur (http://b) : écrivez-le comme `url`",
            ),
            ("something new", "something new"),
        ] {
            assert_eq!(told(english, Language::Fr), french);
            assert_eq!(told(english, Language::En), english);
        }
    }

    /// Every sentence of a driver that a person meets when a device goes wrong.
    #[test]
    fn what_goes_wrong_is_said_in_french() {
        for english in [
            "m (unit 1) is out of reach (127.0.0.1:502: Connection refused (os error 111))",
            "/dev/ttyUSB0 ended",
            "/dev/ttyUSB0 is gone: Input/output error (os error 5)",
            "plug/status answered packed data, which was not asked for",
            "plug gave no token (status 400)",
            "plug gave no token (status 400): the file of the secret is empty",
            "m (unit 1) answers that it failed (exception 4): it is out of order, or a gateway has nobody at this address; see `unit_id`",
            "m (unit 1) cannot be asked for the table `input` (exception 1): see `table`",
            "m (unit 1) finds its own memory damaged (exception 8)",
            "m (unit 1) refuses to answer (exception 6)",
            "m (unit 1) answers with values again",
            "m (unit 100) has no register 860 in `holding` (exception 2): see `register` and `table`",
            "m (unit 1) has no register 40001 in `holding` (exception 2): see `register` and `table`; registers count from 0 as on the wire: 40001 is holding register 0 (`register: 0`)",
            "m (unit 17) has no bit 4 in `coil` (exception 2): see `register` and `table`",
            "m (unit 1) does not say what it is: nothing of it is used",
            "m (unit 1) says that it is `EM111`, for which its file is not: nothing of it is used",
            "m (unit 1) is another device now: `EM330`, and `EM340` before",
            "unit 3 is another device now: `Maker Inverter 5 No. 9`, and one without a name before",
            "m (unit 1) is a device that its file is for",
            "m (unit 1) tells floats that make sense in the order CDAB and not in ABCD: see its `order`",
            "m (unit 1) tells whole numbers that make sense in the order CDAB and not in ABCD: see its `order`",
            "m (unit 1) tells whole numbers in their order",
        ] {
            let french = told(english, Language::Fr);
            assert_ne!(french, english);
            let name = english.split(' ').next().unwrap_or_default();
            assert!(french.starts_with(&format!("{name} ")), "{french}");
        }
        let gone = "m (unit 1) is out of reach (127.0.0.1:502: Connection refused)";
        let dit = "m (unit 1) est hors d'atteinte (127.0.0.1:502: Connection refused)";
        assert_eq!(told(gone, Language::Fr), dit);
    }

    #[test]
    fn every_pattern_keeps_what_differs() {
        for (english, french) in WORDS {
            assert_eq!(english.matches("{}").count(), french.matches("{}").count(), "{english}");
            let text = english.replace("{}", "X");
            assert_eq!(told(&text, Language::Fr), french.replace("{}", "X"), "{english}");
        }
    }
}
