//! Running the bodies of rules, and taking up what they ask.
//!
//! A run either counts as a whole or not at all: what a failed or unknown run asked for is thrown away.

use crate::arbitrate::Claim;
use crate::bodies::{ASKED_MAX, Asked, Bodies, BodyContext, BodyOutcome, Notice, Request};
use crate::events::{EndReason, Event, Output, Runner, Source};
use crate::limits::FAILURES_IN_A_ROW_MAX;
use crate::lives::{Active, Held, LastRun};
use crate::machine::Core;
use crate::plan::{BodyId, Plan, RulePlan};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ballast_model::catalog::OutputKind;
use ballast_model::{Authority, Catalog, Mono, Wanted};

impl Core {
    /// Runs the body of an active rule.
    pub(crate) fn run_body(
        &mut self,
        bodies: &mut dyn Bodies,
        plan: &Plan,
        index: u32,
        out: &mut Vec<Output>,
    ) {
        let place = index as usize;
        let Some(rule) = plan.rules.get(place) else { return };
        let Some(active) = self.lives.get(place).and_then(|life| life.active) else { return };
        let mut asked = core::mem::take(&mut self.asked);
        let mut outcome = self.run(bodies, rule.body, Some(index), Some(active.since), &mut asked);
        if outcome == BodyOutcome::Done
            && let Some(message) = refused(rule, &plan.catalog, &asked)
        {
            outcome = BodyOutcome::Failed { message, place: rule.place.clone() };
        }
        self.counters.ran(index);
        match outcome {
            BodyOutcome::Done => {
                if let Some(life) = self.lives.get_mut(place) {
                    life.failures = 0;
                    life.run = LastRun::Done;
                }
                self.adopt(plan, index, active, &mut asked, out);
            }
            BodyOutcome::Unknown(point) => {
                if let Some(life) = self.lives.get_mut(place) {
                    life.run = LastRun::Unknown(point);
                }
            }
            BodyOutcome::Failed { message, place: at } => self.failed(plan, index, message, at, out),
        }
        let again = asked.again_at;
        self.asked = asked;
        let moments = rule.body_reads.iter().map(|point| self.world.next_expiry(*point));
        let next = moments.filter(|moment| *moment < Mono::MAX).min();
        if let Some(life) = self.lives.get_mut(place).filter(|life| life.active.is_some()) {
            (life.body_expiry, life.body_again) = (next, again);
        }
    }

    /// Runs any body; `asked` is emptied first.
    pub(crate) fn run(
        &mut self,
        bodies: &mut dyn Bodies,
        body: BodyId,
        rule: Option<u32>,
        active_since: Option<Mono>,
        asked: &mut Asked,
    ) -> BodyOutcome {
        empty(asked);
        let context = BodyContext {
            catalog: &self.world.catalog,
            snapshot: &self.world.snapshot,
            trackers: &self.world.trackers,
            now: self.world.now,
            rule,
            active_since,
        };
        bodies.run(body, &context, asked)
    }

    fn failed(&mut self, plan: &Plan, index: u32, message: String, place: Box<str>, out: &mut Vec<Output>) {
        let now = self.world.now;
        let Some(life) = self.lives.get_mut(index as usize) else { return };
        life.failures = life.failures.saturating_add(1);
        let in_a_row = life.failures;
        let since = if let LastRun::Failed { since, .. } = life.run { since } else { now };
        life.run = LastRun::Failed { since, message: message.clone(), place: place.clone() };
        self.counters.failed(index);
        let runner = Runner::Rule(index);
        out.push(Output::Event(Event::BodyFailed { runner, message, place, in_a_row }));
        if in_a_row >= FAILURES_IN_A_ROW_MAX {
            self.suspend(plan, index, EndReason::Suspended, out);
        }
    }

    /// Takes a rule out of service until a person resumes it or its text changes.
    pub(crate) fn suspend(&mut self, plan: &Plan, index: u32, reason: EndReason, out: &mut Vec<Output>) {
        let Some(life) = self.lives.get_mut(index as usize) else { return };
        life.is_suspended = true;
        if life.active.is_some() {
            self.end(plan, index, reason, out);
        }
        self.world.dirty.rules.mark(index);
        out.push(Output::Event(Event::RuleSuspended { rule: index, reason }));
    }

    /// Takes up what a good run asked for, in place of what the last one did.
    fn adopt(&mut self, plan: &Plan, index: u32, active: Active, asked: &mut Asked, out: &mut Vec<Output>) {
        let Some(rule) = plan.rules.get(index as usize) else { return };
        self.adopt_requests(rule, index, active, &asked.requests);
        let runner = Runner::Rule(index);
        let Some(life) = self.lives.get_mut(index as usize) else { return };
        replace_notices(&mut life.notices, &mut asked.notices, runner, out);
        for (campaign, start) in &asked.campaigns {
            if !life.campaigns.iter().any(|(name, was)| name == campaign && was == start) {
                let campaign = campaign.clone();
                out.push(Output::Event(Event::CampaignAsked { runner, campaign, start: *start }));
            }
        }
        core::mem::swap(&mut life.campaigns, &mut asked.campaigns);
        for record in &asked.records {
            if !life.records.contains(record) {
                out.push(Output::Event(Event::Record { runner, record: record.clone() }));
            }
        }
        core::mem::swap(&mut life.records, &mut asked.records);
        self.adopt_sheds(plan, index, active, &asked.sheds, out);
    }

    fn adopt_requests(&mut self, rule: &RulePlan, index: u32, active: Active, requests: &[Request]) {
        let now = self.world.now;
        let Some(life) = self.lives.get_mut(index as usize) else { return };
        let mut held: Vec<Held> = Vec::with_capacity(requests.len());
        for request in requests {
            let before = life.requests.iter().find(|before| before.request == *request);
            let until = match (before, request.lasting) {
                (Some(before), _) => before.until,
                (None, lasting) => lasting.map(|span| now.after(span)),
            };
            held.retain(|earlier| earlier.request.output != request.output);
            held.push(Held { request: *request, until });
        }
        let before = core::mem::replace(&mut life.requests, held);
        let source = Source::Rule(index);
        for gone in &before {
            if !requests.iter().any(|request| request.output == gone.request.output) {
                self.outputs.unclaim(gone.request.output, source);
            }
        }
        let Some(life) = self.lives.get(index as usize) else { return };
        for held in &life.requests {
            if held.until.is_some_and(|until| until <= now) {
                continue;
            }
            let claim = Claim {
                authority: Authority::Rule(rule.priority),
                source,
                wanted: held.request.wanted,
                request: active.request,
                since: active.since,
                until: held.until,
                who: None,
            };
            self.outputs.claim(held.request.output, claim);
        }
    }
}

/// What a run of a rule may not ask; `None` when all is well.
fn refused(rule: &RulePlan, catalog: &Catalog, asked: &Asked) -> Option<String> {
    if !asked.settings.is_empty() || asked.mode.is_some() {
        return Some("a rule cannot change settings or the mode: `every` and `at` can".to_string());
    }
    if let Some(request) = asked.requests.iter().find(|request| !rule.writes.contains(&request.output)) {
        let name = catalog.output(request.output).map_or("?", |spec| &spec.name);
        return Some(format!("it asks something of `{name}`, which its text does not name"));
    }
    if asked.sheds.iter().any(|shed| !rule.sheds.contains(&shed.group)) {
        return Some("it sheds from a group that its text does not name".to_string());
    }
    refused_by_kind(catalog, asked)
}

/// What no run may ask; `None` when all is well.
pub(crate) fn refused_by_kind(catalog: &Catalog, asked: &Asked) -> Option<String> {
    let count = asked.requests.len() + asked.sheds.len() + asked.notices.len();
    if count + asked.campaigns.len() + asked.records.len() + asked.settings.len() > ASKED_MAX {
        return Some(format!("it asks for more than {ASKED_MAX} things at once"));
    }
    for request in &asked.requests {
        let Some(spec) = catalog.output(request.output) else {
            return Some("it asks something of an output that does not exist".to_string());
        };
        if !takes(&spec.kind, request.wanted) {
            return Some(match spec.kind {
                OutputKind::Contact => format!("`{}` can be open or closed, not a number", spec.name),
                OutputKind::Setpoint(_) => format!("`{}` takes a number, not open or closed", spec.name),
            });
        }
    }
    None
}

/// Whether an output of this kind can be so.
pub(crate) const fn takes(kind: &OutputKind, wanted: Wanted) -> bool {
    matches!(
        (kind, wanted),
        (OutputKind::Contact, Wanted::Contact(_)) | (OutputKind::Setpoint(_), Wanted::Level(_))
    )
}

fn empty(asked: &mut Asked) {
    asked.requests.clear();
    asked.sheds.clear();
    asked.notices.clear();
    asked.settings.clear();
    asked.mode = None;
    asked.campaigns.clear();
    asked.records.clear();
    asked.again_at = None;
}

/// Puts the notices of a run in place of the last ones. A notice of the same level at the same place is the same one,
/// whatever values its text shows now: it is not told again.
fn replace_notices(held: &mut Vec<Notice>, new: &mut Vec<Notice>, runner: Runner, out: &mut Vec<Output>) {
    for (place, old) in held.iter().enumerate() {
        if new.get(place).is_none_or(|new| new.level != old.level) {
            out.push(Output::Event(Event::NoticeCleared { runner, notice: old.clone() }));
        }
    }
    for (place, notice) in new.iter().enumerate() {
        if held.get(place).is_none_or(|old| old.level != notice.level) {
            out.push(Output::Event(Event::NoticeRaised { runner, notice: notice.clone() }));
        }
    }
    core::mem::swap(held, new);
}
