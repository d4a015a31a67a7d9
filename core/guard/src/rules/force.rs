//! What limits set, at once, above everybody's wish.
//!
//! Two limits that force different states on one output: the one that leads to `safe` wins, else the first in the order
//! of the file.

use super::{Class, Proposal, Question};
use crate::plan::{ForceStep, LimitAction, OnUnknown};
use ballast_model::intent::Cause;
use ballast_model::{Mono, Wanted};

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let mut chosen: Option<(u16, ForceStep)> = None;
    let list = question.plan.tables.forces.get(question.id.index()).map_or(&[][..], |list| list);
    for (limit, step) in list {
        let Some((step, due)) = active_step(question, *limit, *step) else { continue };
        if question.now < due {
            proposal.wake_at(due);
            continue;
        }
        let is_safe = step.wanted == question.envelope.safe;
        let beats = chosen.is_none_or(|(_, other)| is_safe && other.wanted != question.envelope.safe);
        if beats {
            chosen = Some((*limit, step));
        }
    }
    let Some((limit, step)) = chosen else { return };
    let is_latched = question.live.limits.get(usize::from(limit)).is_some_and(|state| state.is_latched);
    let cause = if is_latched { Cause::Latched } else { Cause::Limit(limit) };
    proposal.take(step.wanted, cause, Class::Limit(limit));
}

/// A step of a limit that acts, and when it does.
fn active_step(question: &Question<'_>, limit: u16, step: u16) -> Option<(ForceStep, Mono)> {
    let plan = question.plan.set.limits.get(usize::from(limit))?;
    let state = question.live.limits.get(usize::from(limit))?;
    let acted = state.acted?;
    let LimitAction::Force { force, .. } = &plan.action else { return None };
    let step = force.get(usize::from(step)).copied()?;
    // An unknown limit that derates caps its setpoints (rule `derate`) and forces its contacts.
    let caps = state.is_derating && matches!(plan.unknown, OnUnknown::Derate(_));
    if caps && matches!(step.wanted, Wanted::Level(_)) {
        return None;
    }
    Some((step, acted.after(step.after)))
}
