//! What happens around the machines and is written down: the wall clock, and the disk.

use super::decision::Decision;
use super::told::Told;
use crate::report::language::{Sentence, say};
use ballast_history::Severity;
use ballast_model::time::Wall;
use ballast_model::{Mono, Utc};
use serde_json::{Value, json};

/// A meter's date vouches for the wall clock when the two differ by less than this.
const CLOCK_AGREES_MS: u64 = 5 * 60 * 1000;

/// The wall clock was set, or its trust changed.
pub fn wall(decision: &mut Decision, now: Mono, before: Wall, after: Wall, drift_ms: u64) {
    if before == Wall::UNKNOWN {
        return;
    }
    let moved = ballast_model::Span::from_millis(drift_ms);
    let sentence = Sentence::both(|language| match (before.trusted, after.trusted) {
        (false, true) => {
            say!(language, "the wall clock is trusted now", "l'heure de la machine est maintenant sûre")
        }
        (true, false) => say!(
            language,
            "the wall clock is not trusted any more: rules by the time of day wait",
            "l'heure de la machine n'est plus sûre : les règles horaires attendent"
        ),
        _ => say!(
            language,
            "the wall clock was moved by {moved}",
            "l'heure de la machine a été décalée de {moved}"
        ),
    });
    let data = json!({ "trusted": after.trusted, "moved_ms": drift_ms });
    decision.carrier.recorder.tell(now, &Told::info("clock", "", sentence, data).severity(Severity::Notice));
}

/// A meter's own clock: where it agrees with the machine's, the machine's is believed.
pub fn device_clock(decision: &mut Decision, utc: Utc, at: Mono) {
    let machine = decision.carrier.clock.wall().utc_untrusted(at);
    if machine.millis().abs_diff(utc.millis()) < CLOCK_AGREES_MS {
        decision.carrier.clock.vouch(true);
    }
}

/// The disk failed, or is well again: control goes on either way, and people are told once.
pub fn disk(decision: &mut Decision, now: Mono) {
    let Some(health) = decision.carrier.recorder.store().map(ballast_history::Store::health) else { return };
    if health.ok == decision.memory.disk_is_well {
        return;
    }
    decision.memory.disk_is_well = health.ok;
    let why = health.last_error.as_ref().map_or_else(String::new, |error| format!(" ({error})"));
    let sentence = Sentence::both(|language| {
        if health.ok {
            say!(language, "the history is written again", "l'historique est de nouveau écrit")
        } else {
            say!(
                language,
                "the history cannot be written{why}: control goes on from memory",
                "l'historique ne peut pas être écrit{why} : la conduite continue de mémoire"
            )
        }
    });
    let severity = if health.ok { Severity::Notice } else { Severity::Alarm };
    let told = Told::info("history", "", sentence, Value::Null).severity(severity);
    decision.carrier.recorder.tell(now, &told);
}
