//! States that never exist together, with a dead time between one leaving and another entering. The last rule: nothing
//! gets past it.
//!
//! What counts is what the partner may physically be, not what it was told: until its device confirmed that it left, it
//! is taken to be there. A move that acts at once *claims* its state: the partner goes to safe first. A limit acts in
//! any case once the dead time after the partner was told is over, even if the partner never confirmed.

use super::{Class, Proposal, Question};
use crate::plan::Interlock;
use crate::state::{Arming, Claim, OutputState};
use ballast_model::intent::Cause;
use ballast_model::{Contact, Mono, OutputId, Wanted};

/// What stands between an output and a state.
enum Obstacle {
    /// A partner may be in its state.
    Partner,
    /// A partner left too short a time ago.
    DeadTime(Mono),
}

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let list = question.plan.tables.interlocks.get(question.id.index()).map_or(&[][..], |list| list);
    for (index, member) in list {
        let Some(interlock) = question.plan.set.interlocks.get(usize::from(*index)) else { continue };
        let Some((_, contact)) = interlock.members.get(usize::from(*member)) else { continue };
        if proposal.wanted == Wanted::Contact(*contact) {
            one(question, proposal, *index, interlock, *contact);
        } else if proposal.class == Class::Asked
            && question.state.physical.may_be(*contact)
            && is_claimed(question, interlock, *index, rank(proposal.class, question.id))
        {
            // Where somebody put it there, its envelope may leave that to a person: whoever claims the state does not.
            proposal.class = Class::Own;
        }
    }
}

/// Whether a partner that is stronger claims its state.
fn is_claimed(question: &Question<'_>, interlock: &Interlock, index: u16, rank: u32) -> bool {
    let partners = interlock.members.iter().filter(|(output, _)| *output != question.id);
    let mut claims = partners.filter_map(|(output, _)| question.live.output(*output)?.claim);
    claims.any(|claim| claim.interlock == index && claim.rank < rank)
}

fn one(
    question: &Question<'_>,
    proposal: &mut Proposal,
    index: u16,
    interlock: &Interlock,
    contact: Contact,
) {
    let rank = rank(proposal.class, question.id);
    let partners = || interlock.members.iter().filter(|(output, _)| *output != question.id);
    let claimed = is_claimed(question, interlock, index, rank);
    // After a restart nothing was told yet, but what was told before may be known to be so.
    let is_known_there = question.state.sent || !question.state.physical.may_be(contact.other());
    let is_there = is_known_there && question.state.told == Wanted::Contact(contact);
    let must_leave =
        claimed || (is_there && partners().any(|partner| intrudes(question, interlock, partner)));
    if must_leave {
        proposal.take(Wanted::Contact(contact.other()), Cause::Interlock(index), Class::Own);
        return;
    }
    if is_there {
        return;
    }
    let obstacle =
        partners().filter_map(|partner| obstacle(question, interlock, partner)).max_by_key(|obstacle| {
            match obstacle {
                Obstacle::Partner => Mono::MAX,
                Obstacle::DeadTime(until) => *until,
            }
        });
    let Some(obstacle) = obstacle else { return };
    let claimed_at = question.state.claim.filter(|claim| claim.interlock == index).map(|claim| claim.since);
    let since = claimed_at.unwrap_or(question.now);
    let is_limit = matches!(proposal.class, Class::Limit(_));
    let in_any_case = if is_limit { in_any_case(question, interlock, since) } else { None };
    if let (Obstacle::Partner, Some(_), Some(moment)) = (&obstacle, claimed_at, in_any_case)
        && question.now >= moment
    {
        return;
    }
    let acts_at_once =
        is_limit || (proposal.class == Class::Own && proposal.wanted == question.envelope.safe);
    let (cause, until) = match obstacle {
        Obstacle::Partner => (Cause::Interlock(index), in_any_case),
        Obstacle::DeadTime(until) => (Cause::DeadTime(index), Some(until)),
    };
    // Also one that was told nothing yet, and has no state to stay in, is kept out of this one.
    proposal.hold(Wanted::Contact(contact.other()), cause, until);
    proposal.claim = acts_at_once.then_some(Claim { interlock: index, since, rank });
}

/// When a limit gets its way although a partner never confirmed that it left: the dead time after the last of them was told
/// to, and after it was claimed. `None` while one is told to be there.
fn in_any_case(question: &Question<'_>, interlock: &Interlock, since: Mono) -> Option<Mono> {
    let mut told_at = since;
    for partner in interlock.members.iter().filter(|(output, _)| *output != question.id) {
        if is_told(question, partner) {
            return None;
        }
        told_at = told_at.max(question.live.output(partner.0)?.told_at);
    }
    Some(told_at.after(interlock.dead_time))
}

/// Limits go first, in the order of the file; then what the guard does itself; then what was asked.
fn rank(class: Class, output: OutputId) -> u32 {
    const OUTPUTS: u32 = 1 << 20;
    match class {
        Class::Limit(limit) => u32::from(limit),
        Class::Own => OUTPUTS.saturating_add(output.0),
        Class::Asked => u32::MAX,
    }
}

fn is_told(question: &Question<'_>, partner: &(OutputId, Contact)) -> bool {
    let state = question.live.output(partner.0);
    state.is_some_and(|state| state.sent && state.told == Wanted::Contact(partner.1))
}

/// Whether a partner stands beside an output that is already in its state: someone else put it there, or a new safety set
/// forbids what was allowed. Of two that were both told, the later member leaves.
fn intrudes(question: &Question<'_>, interlock: &Interlock, partner: &(OutputId, Contact)) -> bool {
    let Some(state) = question.live.output(partner.0) else { return false };
    let place = |output: OutputId| interlock.members.iter().position(|(member, _)| *member == output);
    if is_told(question, partner) {
        return place(partner.0) < place(question.id);
    }
    was_put_there(state, partner.1)
}

fn was_put_there(state: &OutputState, contact: Contact) -> bool {
    let says = state.outside.actual == Some(Wanted::Contact(contact));
    (state.settled || state.arming != Arming::Armed) && says && state.physical.may_be(contact)
}

fn obstacle(
    question: &Question<'_>,
    interlock: &Interlock,
    partner: &(OutputId, Contact),
) -> Option<Obstacle> {
    let state = question.live.output(partner.0)?;
    // One that was told to be there is on its way back, wherever somebody else put it.
    if state.physical.may_be(partner.1) || is_told(question, partner) {
        return Some(Obstacle::Partner);
    }
    let free_at = state.physical.left(partner.1).after(interlock.dead_time);
    (question.now < free_at).then_some(Obstacle::DeadTime(free_at))
}
