//! The end of a run that was told to end: outputs whose `on_silence` is `safe` go there before the program does.
//!
//! Not a word for it from rules: the guard alone decides, as it does when the program falls silent, and its permits are
//! carried out as ever. A reload or a hand-over is no end and must never come here.

use super::decision::Decision;
use super::message::Message;
use super::told::Told;
use crate::report::language::Sentence;
use crate::report::reload_words;
use ballast_guard::Input;
use ballast_guard::plan::{Envelope, OnSilence};
use ballast_guard::state::{Arming, OutputState};
use ballast_history::Severity;
use ballast_model::{Mono, Span};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long a device, or the broker for it, may take to confirm. A broker answers in milliseconds; one that has not
/// answered by then will not, and the machine may be about to lose its power.
const PATIENCE: Span = Span::from_secs(2);
/// The dead times of interlocks come on top of it, up to this in all: the program waits ten seconds for its end.
const PATIENCE_MOST: Span = Span::from_secs(4);

/// Falls silent towards the guard, and waits until what it makes of that is confirmed.
pub(super) fn make_safe(decision: &mut Decision) {
    if decision.carrier.clock.is_made_up() {
        // A simulated plant is gone with the program.
        return;
    }
    if decision.carrier.process.is_some() {
        // It hears that the program has ended, and does what each output's `on_silence` says.
        decision.say_goodbye();
        return;
    }
    decision.step_guard_alone(Some(Input::Stop));
    let set = decision.carrier.guard.safety_set();
    let dead_time = set.interlocks.iter().map(|interlock| interlock.dead_time).max().unwrap_or(Span::ZERO);
    let patience = PATIENCE.plus(dead_time).min(PATIENCE_MOST);
    let until = Instant::now() + Duration::from_nanos(patience.nanos());
    while envelopes(decision).any(|(envelope, state)| is_under_way(envelope, state)) {
        let left = until.saturating_duration_since(Instant::now());
        let wake = decision.carrier.guard.next_wake().since(decision.carrier.clock.now());
        match decision.carrier.inbox.recv_timeout(left.min(Duration::from_nanos(wake.nanos()))) {
            Ok(Message::Field { epoch, bus, batch }) if epoch == decision.carrier.epoch => {
                decision.hear(&bus, &batch);
            }
            // Who asks now is told that nobody answers.
            Ok(_) => {}
            Err(_) if left.is_zero() => break,
            Err(_) => {}
        }
        decision.step_guard_alone(None);
    }
    let now = decision.carrier.clock.now();
    tell_failures(decision, now);
}

fn envelopes(decision: &Decision) -> impl Iterator<Item = (&Envelope, &OutputState)> {
    let guard = &decision.carrier.guard;
    let envelopes = guard.safety_set().envelopes.iter();
    envelopes.filter_map(|envelope| Some((envelope, guard.output(envelope.output)?)))
}

/// Whether waiting helps: a write that may still be confirmed, or a state that waits for its partner to leave.
fn is_under_way(envelope: &Envelope, state: &OutputState) -> bool {
    let is_unanswered = state.sent && !state.settled && !state.is_unreachable;
    is_unanswered || (state.claim.is_some() && state.told != envelope.safe)
}

/// Says which outputs may not be safe.
fn tell_failures(decision: &mut Decision, now: Mono) {
    let catalog = decision.running.catalog();
    let failures: Vec<Told> = envelopes(decision)
        .filter(|(envelope, state)| {
            // What nobody armed was told nothing, and is left as it is.
            let is_armed = state.arming == Arming::Armed;
            is_armed && envelope.on_silence == OnSilence::Safe && (!state.settled || state.claim.is_some())
        })
        .filter_map(|(envelope, _)| {
            let spec = catalog.output(envelope.output)?;
            let safe = spec.show(envelope.safe);
            let sentence =
                Sentence::both(|language| reload_words::not_confirmed(&spec.name, &safe, language));
            let data = json!({ "output": *spec.name, "safe": safe });
            Some(Told::info("stop", &*spec.name, sentence, data).severity(Severity::Warning))
        })
        .collect();
    for told in failures {
        decision.carrier.recorder.tell(now, &told);
    }
}
