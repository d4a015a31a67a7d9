//! One choice per output among all that is asked of it.
//!
//! Order: shed, operator, remote, campaign, rule by priority, default (the guard, above all of them, answers elsewhere).
//! Among rules of equal priority the one that stands first wins; the checker refuses those that could differ. What an event
//! asks yields to a rule of its priority, and to an event that came later. A silent output goes to its default, never to its
//! last value.

use crate::agenda::Task;
use crate::events::{Event, Output, Source, Winner};
use crate::machine::Core;
use crate::plan::Plan;
use crate::restoration::Return;
use crate::shedding::ShedMinutes;
use crate::world::Marks;
use alloc::boxed::Box;
use alloc::vec::Vec;
use ballast_model::catalog::Facet;
use ballast_model::{Authority, Intent, Mono, OutputId, Verdict, Wanted};
use core::cmp::Reverse;

/// One request for one output.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Claim {
    pub(crate) authority: Authority,
    pub(crate) source: Source,
    pub(crate) wanted: Wanted,
    /// Number of the activation it belongs to.
    pub(crate) request: u64,
    /// Since when it is asked.
    pub(crate) since: Mono,
    /// When it ends by itself.
    pub(crate) until: Option<Mono>,
    pub(crate) who: Option<Box<str>>,
}

impl Claim {
    pub(crate) fn winner(&self) -> Winner {
        Winner { authority: self.authority, source: self.source, who: self.who.clone() }
    }
}

/// What the engine knows of one output.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct OutputLife {
    /// Strongest first.
    pub(crate) claims: Vec<Claim>,
    /// What was last said to the guard.
    pub(crate) sent: Option<Intent>,
    /// Who won then.
    pub(crate) winner: Option<Winner>,
    /// Since when that one wins.
    pub(crate) winner_since: Mono,
    /// The guard's last answer.
    pub(crate) verdict: Option<Verdict>,
    /// Whether a device reports the output's real state itself.
    pub(crate) is_reported: bool,
    /// Where it is on its way back after shedding.
    pub(crate) back: Return,
    /// How long it was shed in the last days.
    pub(crate) shed: ShedMinutes,
}

/// All outputs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outputs {
    pub(crate) lives: Vec<OutputLife>,
    pub(crate) dirty: Marks,
    /// The last request number that was given out.
    pub(crate) requests: u64,
}

impl Outputs {
    pub(crate) fn new(plan: &Plan) -> Self {
        let count = plan.catalog.outputs.len();
        let mut dirty = Marks::new(count);
        dirty.mark_all();
        Self { lives: alloc::vec![OutputLife::default(); count], dirty, requests: 0 }
    }

    pub(crate) fn get(&self, output: OutputId) -> Option<&OutputLife> {
        self.lives.get(output.index())
    }

    /// A number for a new activation.
    pub(crate) fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Asks something; replaces what the same source asked of this output.
    pub(crate) fn claim(&mut self, output: OutputId, claim: Claim) {
        let Some(life) = self.lives.get_mut(output.index()) else { return };
        if life.claims.contains(&claim) {
            return;
        }
        life.claims.retain(|other| other.source != claim.source);
        let rank = |claim: &Claim| {
            let (kind, later) = match claim.source {
                Source::Schedule(index) => (Source::Schedule(0), (claim.since, index)),
                source => (source, (Mono::ZERO, 0)),
            };
            (Reverse(claim.authority), kind, Reverse(later))
        };
        let place = life.claims.partition_point(|other| rank(other) <= rank(&claim));
        life.claims.insert(place, claim);
        self.dirty.mark(output.0);
    }

    /// Stops asking; says whether there was something.
    pub(crate) fn unclaim(&mut self, output: OutputId, source: Source) -> bool {
        let Some(life) = self.lives.get_mut(output.index()) else { return false };
        let before = life.claims.len();
        life.claims.retain(|claim| claim.source != source);
        let is_less = life.claims.len() < before;
        if is_less {
            self.dirty.mark(output.0);
        }
        is_less
    }
}

impl OutputLife {
    /// The strongest request of anyone but the generator's own life-cycle.
    pub(crate) fn demand(&self) -> Option<&Claim> {
        self.claims.iter().find(|claim| !matches!(claim.source, Source::Generator(_)))
    }

    /// Whether the guard says that the contact is open.
    pub(crate) fn is_open(&self) -> bool {
        self.verdict.is_some_and(|verdict| verdict.state == Wanted::OPEN)
    }
}

impl Core {
    /// Drops the timed requests of an output that are over.
    pub(crate) fn expire(&mut self, output: OutputId, out: &mut Vec<Output>) {
        let now = self.world.now;
        let Some(life) = self.outputs.lives.get_mut(output.index()) else { return };
        let is_over = |claim: &Claim| claim.until.is_some_and(|until| until <= now);
        if life.claims.iter().any(is_over) {
            for claim in life.claims.iter().filter(|claim| is_over(claim)) {
                out.push(Output::Event(Event::RequestOver { output, winner: claim.winner() }));
            }
            life.claims.retain(|claim| !is_over(claim));
        }
        self.outputs.dirty.mark(output.0);
    }

    /// Decides every output whose requests changed.
    pub(crate) fn arbitrate(&mut self, plan: &Plan, out: &mut Vec<Output>) {
        let mut list = core::mem::take(&mut self.scratch);
        self.outputs.dirty.take(&mut list);
        for index in &list {
            self.decide(plan, OutputId(*index), out);
        }
        self.scratch = list;
    }

    fn decide(&mut self, plan: &Plan, output: OutputId, out: &mut Vec<Output>) {
        let Some(spec) = plan.catalog.output(output) else { return };
        let now = self.world.now;
        let Some(life) = self.outputs.lives.get_mut(output.index()) else { return };
        let next = life.claims.iter().filter_map(|claim| claim.until).min().unwrap_or(Mono::MAX);
        self.agenda.set(Task::Output(output.0), next);
        let mut intent = match life.claims.first() {
            Some(claim) => Intent {
                output,
                wanted: claim.wanted,
                authority: claim.authority,
                request: claim.request,
                is_restoration: false,
            },
            None => Intent {
                output,
                wanted: spec.default,
                authority: Authority::Default,
                request: 0,
                is_restoration: false,
            },
        };
        let asks_else = life.sent.is_none_or(|sent| {
            (sent.wanted, sent.authority, sent.request) != (intent.wanted, intent.authority, intent.request)
        });
        if asks_else && life.back == Return::Back {
            life.back = Return::Here;
        }
        intent.is_restoration = life.back.is_returning(intent.wanted);
        if life.sent == Some(intent) {
            return;
        }
        life.sent = Some(intent);
        if asks_else {
            let new = life.claims.first().map_or(Winner::DEFAULT, Claim::winner);
            let old = life.winner.replace(new.clone());
            life.winner_since = now;
            let (wanted, request) = (intent.wanted, intent.request);
            out.push(Output::Event(Event::Decision { output, wanted, old, new, request }));
        }
        out.push(Output::Intent(intent));
        self.outputs.note_shed(output, now);
        self.world.compute(spec.facet(Facet::Wanted), Some(intent.wanted.value()));
    }
}
