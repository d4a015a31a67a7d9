//! Times of an envelope that contradict each other.

use ballast_guard::plan::OnSilence;
use ballast_model::{Contact, Span as Duration, Wanted};

use crate::codes;
use crate::diagnostics::Diagnostics;
use crate::safety::{EnvelopeDraft, SafetyDraft};
use crate::site::SiteDraft;

/// The shortest rest after the longest time, where the default closes again. Own choice: long enough to be seen.
const REST_LEAST: Duration = Duration::from_secs(1);

/// The shortest lease: the program renews three times in it, and every renewal is a step. Own choice.
const LEASE_LEAST: Duration = Duration::from_millis(100);

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for draft in &safety.envelopes {
        check_order(draft, out);
        check_rest(site, draft, out);
        check_lease(draft, out);
        check_budgets(draft, out);
        check_timer(site, draft, out);
    }
}

fn check_order(draft: &EnvelopeDraft<'_>, out: &mut Diagnostics) {
    let envelope = &draft.envelope;
    if let Some(max_closed) = envelope.max_closed
        && envelope.min_closed > max_closed
    {
        let (least, most) = (draft.fields.place("min_closed"), draft.fields.place("max_closed"));
        let message = format!(
            "it may be closed for {max_closed} at most and must be for {} at least",
            envelope.min_closed
        );
        out.push(
            least
                .mistake(codes::SAFETY_TIMES, message)
                .label("longer than the longest")
                .also(most.file, most.span, "the longest time")
                .help("swap the two times, or lower `min_closed`"),
        );
    }
    if let OnSilence::Hold(hold) = envelope.on_silence
        && let Some(max_closed) = envelope.max_closed
        && hold > max_closed
    {
        let (hold_at, most) = (draft.fields.place("on_silence"), draft.fields.place("max_closed"));
        let message = format!("it would be held for {hold}, longer than `max_closed` ({max_closed}) lets it");
        out.push(
            hold_at
                .mistake(codes::SAFETY_TIMES, message)
                .also(most.file, most.span, "the longest time")
                .help("hold it for a shorter time"),
        );
    }
}

/// Where nobody's request held it, only its own rest ends what follows the longest time.
fn check_rest(site: &SiteDraft, draft: &EnvelopeDraft<'_>, out: &mut Diagnostics) {
    let envelope = &draft.envelope;
    let is_engaged = match envelope.default {
        Wanted::Contact(contact) => contact == Contact::Closed,
        Wanted::Level(_) => envelope.default != envelope.safe,
    };
    let Some(longest) = envelope.max_closed else { return };
    if envelope.safe == Wanted::CLOSED {
        let message = "it is safe while closed, so its longest time closed can never end";
        let help = "leave `max_closed` out, or say that it is safe while open";
        out.push(draft.fields.place("max_closed").mistake(codes::SAFETY_TIMES, message).help(help));
        return;
    }
    if !is_engaged || envelope.min_open >= REST_LEAST {
        return;
    }
    let (most, default) = (draft.fields.place("max_closed"), draft.fields.place("default"));
    let shown =
        site.catalog.output(envelope.output).map_or_else(String::new, |spec| spec.show(envelope.default));
    let message =
        format!("after {longest} it would rest for {} and then be {shown} again", envelope.min_open);
    out.push(
        most.mistake(codes::SAFETY_TIMES, message)
            .also(default.file, default.span, "since nobody asks for anything else")
            .help("say how long it rests: `min_open: 1 min`"),
    );
}

/// A word that must be renewed more often than this keeps the program busy with nothing else.
fn check_lease(draft: &EnvelopeDraft<'_>, out: &mut Diagnostics) {
    let lease = draft.envelope.lease;
    if lease < LEASE_LEAST {
        let message = format!(
            "a lease of {lease} would have to be renewed {} times a second",
            3_000_000_000 / lease.nanos().max(1)
        );
        let help = format!("write {LEASE_LEAST} or more: 3 s is usual, 90 s over a network");
        out.push(draft.fields.place("lease").mistake(codes::NUMBER_RANGE, message).help(help));
    }
}

/// A longer period with no more switchings makes the shorter one pointless.
fn check_budgets(draft: &EnvelopeDraft<'_>, out: &mut Diagnostics) {
    let mut budgets = draft.envelope.max_switches.clone();
    budgets.sort_by_key(|budget| budget.per);
    for (short, long) in budgets.iter().zip(budgets.iter().skip(1)) {
        if long.count < short.count || long.per == short.per {
            let message = format!(
                "{} switchings in {} can never be reached with {} in {}",
                short.count, short.per, long.count, long.per
            );
            let place = draft.fields.place("max_switches");
            out.push(place.warning(codes::SAFETY_TIMES, message).help("allow more in the longer time"));
        }
    }
}

/// A device that goes back by itself sooner than the program's word ends is safe earlier than the file says: no harm.
/// The other way round its timer is no protection within the lease.
fn check_timer(site: &SiteDraft, draft: &EnvelopeDraft<'_>, out: &mut Diagnostics) {
    let Some(timer) = site.outputs.get(draft.envelope.output.index()).and_then(|facts| facts.reverts_after)
    else {
        return;
    };
    let lease = draft.envelope.lease;
    if draft.fields.get("lease").is_some() && timer < lease {
        let message =
            format!("the device goes back by itself after {timer}, before its lease of {lease} is over");
        let help = format!("a lease of {timer} or less says what happens");
        out.push(draft.fields.place("lease").warning(codes::SAFETY_TIMES, message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_safety;

    #[test]
    fn times_that_contradict_each_other_are_told() {
        check_safety(
            "\
outputs:
  battery: { safe: 0 W, values: [0 W, 200..2000 W] }
  charger: { safe: open, min_closed: 2 h, max_closed: 1 h }
#                        ^^^^^^^^^^ error[safety::times]: it may be closed for 1 h at most and must be for 2 h at least (longer than the longest)
#                                         ---------- note: the longest time
  mains: { safe: closed, max_closed: 5 min }
#                        ^^^^^^^^^^ error[safety::times]: it is safe while closed, so its longest time closed can never end
  genset.contactor: { safe: open, max_switches: \"6 per hour, 5 per day\" }
#                                 ^^^^^^^^^^^^ warning[safety::times]: 6 switchings in 1 h can never be reached with 5 in 1 d
  genset.run: { safe: open, on_silence: hold 10 min, max_closed: 5 min, max_switches: [6 per hour, 30 per day] }
#                           ^^^^^^^^^^ error[safety::times]: it would be held for 10 min, longer than `max_closed` (5 min) lets it
#                                                    ---------- note: the longest time
  home_1: { safe: closed, lease: 90 s }
#                         ^^^^^ warning[safety::times]: the device goes back by itself after 1 min, before its lease of 1 min 30 s is over
  home_2: { safe: closed }
",
        );
    }

    #[test]
    fn a_default_rests_and_a_lease_is_no_whirl() {
        check_safety(
            "\
outputs:
  battery: { safe: 0 W, default: 200 W, values: [0 W, 200..2000 W], max_closed: 1 h }
#                       ------- note: since nobody asks for anything else
#                                                                   ^^^^^^^^^^ error[safety::times]: after 1 h it would rest for 0 s and then be 200 W again
  charger: { safe: open, default: closed, max_closed: 4 s, min_open: 5 ms }
#                        ------- note: since nobody asks for anything else
#                                         ^^^^^^^^^^ error[safety::times]: after 4 s it would rest for 5 ms and then be closed again
  mains: { safe: closed }
  genset.contactor: { safe: open, max_closed: 4 s, lease: 1 ms }
#                                                  ^^^^^ error[number::range]: a lease of 1 ms would have to be renewed 3000 times a second
  genset.run: { safe: open, default: closed, max_closed: 4 s, min_open: 1 s, lease: 100 ms }
  home_1: { safe: closed }
  home_2: { safe: closed }
",
        );
    }
}
