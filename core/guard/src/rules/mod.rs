//! The envelope of an output as an ordered row of small rules, one file each.
//!
//! Every review starts with what the program asks and hands it from rule to rule; each may leave it, hold the output
//! where it is, or put another state in its place. **Later rules win**: the order of [`RULES`] is the order of power,
//! from a mere request to the interlocks, which nothing gets past. A rule reads and never changes anything: what
//! follows from the outcome is done in one place, `commit` in `review.rs`.
//!
//! Terms: *told* is what the output was last told to be. *Engaged* is closed for a contact and away from safe for a
//! setpoint; minimum and maximum times and switchings count that. A move is *asked* (by a rule, a campaign, an operator,
//! the end of a request), the guard's *own* (a stage, a lease, the start, "now", ...) or a *limit's*.

pub(crate) mod armed;
pub(crate) mod asked;
pub(crate) mod at_start;
pub(crate) mod derate;
pub(crate) mod force;
pub(crate) mod interlock;
pub(crate) mod level;
pub(crate) mod max_closed;
pub(crate) mod max_switches;
pub(crate) mod min_interval;
pub(crate) mod min_times;
pub(crate) mod never;
pub(crate) mod operator_now;
pub(crate) mod outside;
pub(crate) mod ramp;
pub(crate) mod restoration;
pub(crate) mod shed_request;
pub(crate) mod shed_state;
pub(crate) mod silence;

use crate::plan::Envelope;
use crate::state::{Claim, Live, OutputState};
use crate::tables::Plan;
use ballast_model::intent::Cause;
use ballast_model::{Contact, Finite, Mono, Outcome, OutputId, PointId, Wanted};

/// Who makes a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Somebody asked: minimum times and budgets count.
    Asked,
    /// The guard itself, at once.
    Own,
    /// A limit, at once, by its index.
    Limit(u16),
}

/// What a rule may look at.
pub(crate) struct Question<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) live: &'a Live,
    pub(crate) now: Mono,
    pub(crate) id: OutputId,
    pub(crate) envelope: &'a Envelope,
    pub(crate) state: &'a OutputState,
}

impl Question<'_> {
    /// Closed, or away from safe.
    pub(crate) fn is_engaged(&self, wanted: Wanted) -> bool {
        is_engaged(self.envelope, wanted)
    }

    /// Whether going from what it is told to this counts as switching.
    pub(crate) fn is_switch(&self, wanted: Wanted) -> bool {
        is_switch(self.envelope, self.state.told, wanted)
    }
}

/// Closed, or away from safe.
pub(crate) fn is_engaged(envelope: &Envelope, wanted: Wanted) -> bool {
    match wanted {
        Wanted::Contact(contact) => contact == Contact::Closed,
        Wanted::Level(_) => wanted != envelope.safe,
    }
}

/// Whether going from one state to another counts as switching.
pub(crate) fn is_switch(envelope: &Envelope, from: Wanted, to: Wanted) -> bool {
    is_engaged(envelope, from) != is_engaged(envelope, to)
}

/// What the rules have made of a request so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proposal {
    /// What the output shall be told.
    pub(crate) wanted: Wanted,
    /// What became of the request.
    pub(crate) outcome: Outcome,
    /// Why.
    pub(crate) cause: Cause,
    /// Whose move it is.
    pub(crate) class: Class,
    /// The point that decided.
    pub(crate) witness: Option<PointId>,
    /// When it must be looked at again.
    pub(crate) wake: Mono,
    /// When the answer may change by itself, for people.
    pub(crate) next_change: Option<Mono>,
    /// It waits for a partner to leave.
    pub(crate) claim: Option<Claim>,
    /// It is on a ramp.
    pub(crate) ramp: Option<(Mono, Finite)>,
    /// It gives back a load.
    pub(crate) restores: bool,
    /// Nothing may be told to the output, not even again what it was told.
    pub(crate) is_mute: bool,
}

impl Proposal {
    /// Nothing stands against it.
    pub(crate) const fn granted(wanted: Wanted) -> Self {
        Self {
            wanted,
            outcome: Outcome::Granted,
            cause: Cause::Asked,
            class: Class::Asked,
            witness: None,
            wake: Mono::MAX,
            next_change: None,
            claim: None,
            ramp: None,
            restores: false,
            is_mute: false,
        }
    }

    /// The output stays as it is told, until `until` at least.
    pub(crate) fn hold(&mut self, told: Wanted, cause: Cause, until: Option<Mono>) {
        self.wanted = told;
        self.outcome = Outcome::Held;
        self.cause = cause;
        self.witness = None;
        self.ramp = None;
        self.restores = false;
        self.next_change = until;
        self.wake_at(until.unwrap_or(Mono::MAX));
    }

    /// The output is given another state.
    pub(crate) fn take(&mut self, wanted: Wanted, cause: Cause, class: Class) {
        self.outcome = Outcome::Changed;
        self.wanted = wanted;
        self.cause = cause;
        self.class = class;
        self.witness = None;
        self.next_change = None;
        self.ramp = None;
        self.restores = false;
    }

    /// Asks to be looked at again.
    pub(crate) fn wake_at(&mut self, moment: Mono) {
        self.wake = self.wake.min(moment);
    }
}

/// One rule.
pub(crate) type Rule = fn(&Question<'_>, &mut Proposal);

/// All rules, weakest first.
pub(crate) const RULES: [Rule; 19] = [
    // What was asked, and what an asked move must respect.
    asked::apply,
    never::apply,
    shed_request::apply,
    restoration::apply,
    level::apply,
    ramp::apply,
    min_interval::apply,
    max_closed::stay,
    min_times::apply,
    max_switches::apply,
    // What acts at once.
    outside::apply,
    silence::apply,
    at_start::apply,
    max_closed::apply,
    operator_now::apply,
    shed_state::apply,
    derate::apply,
    force::apply,
    // What always holds.
    interlock::apply,
];

/// Asks every rule in turn; what nobody armed is left out of it.
pub(crate) fn propose(question: &Question<'_>) -> Proposal {
    let mut proposal = weigh(question);
    armed::apply(question, &mut proposal);
    proposal
}

/// What the rules would do with an output that is armed.
pub(crate) fn weigh(question: &Question<'_>) -> Proposal {
    let mut proposal = Proposal::granted(question.state.told);
    for rule in RULES {
        rule(question, &mut proposal);
    }
    if proposal.outcome == Outcome::Changed && proposal.wanted == question.state.asked {
        proposal.outcome = Outcome::Granted;
    }
    proposal
}
