//! What is so now, asked of the decision thread in pieces that cost it microseconds.

use crate::runtime::decision::Decision;
use ballast_model::catalog::Catalog;
use ballast_model::{Mono, OutputId, PointId, Value, Wanted};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Subjects of one inquiry at most: those behind it are not answered.
pub const SUBJECTS_MAX: usize = 128;

/// What can be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A point.
    Point(PointId),
    /// An output.
    Output(OutputId),
}

/// A question to the decision thread.
#[derive(Debug)]
pub struct Inquiry {
    /// Whose ids the subjects are: after a reload they may mean something else, and nothing is answered.
    pub catalog: Arc<Catalog>,
    /// What is asked about.
    pub subjects: Vec<Subject>,
    /// Where the answer goes, one fact for each subject; dropped where there is none.
    pub reply: oneshot::Sender<Vec<Fact>>,
}

/// What is so now. Only a [`super::gate::Gate`] makes something of it that may leave.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// Of a point.
    Point {
        /// Its value while it is known.
        value: Option<Value>,
        /// When its last reading came in.
        arrival: Mono,
    },
    /// Of an output.
    Output(OutputFact),
}

/// What is so of an output.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputFact {
    /// What its device or bus confirmed last.
    pub confirmed: Option<Wanted>,
    /// What is asked of it.
    pub asked: Option<Wanted>,
    /// Who asks.
    pub by: String,
    /// With which authority.
    pub authority: &'static str,
    /// What happens to it when everything else is gone.
    pub strength: &'static str,
    /// Whether something can be told to it.
    pub is_reachable: bool,
}

/// Answers on the decision thread; not at all where another set of files runs by now.
pub fn answer(decision: &Decision, inquiry: Inquiry) {
    let Inquiry { catalog, subjects, reply } = inquiry;
    if !Arc::ptr_eq(&catalog, &decision.running.plan.catalog) {
        return;
    }
    let now = decision.carrier.clock.now();
    let facts = subjects.into_iter().take(SUBJECTS_MAX).map(|subject| match subject {
        Subject::Point(point) => {
            let snapshot = decision.engine.snapshot();
            let arrival = snapshot.reading(point).arrival;
            let spec = decision.running.catalog().point(point);
            let value = snapshot.known(point, now).zip(spec).map(|(value, spec)| spec.read(value, now));
            Fact::Point { value, arrival }
        }
        Subject::Output(output) => Fact::Output(of_output(decision, output)),
    });
    // Who asked may have ended.
    let _ = reply.send(facts.collect());
}

fn of_output(decision: &Decision, output: OutputId) -> OutputFact {
    let state = decision.carrier.guard.output(output);
    let winner = decision.engine.winner(output).map(|(winner, _)| winner);
    OutputFact {
        confirmed: state.and_then(|state| state.confirmed),
        asked: decision.engine.intent(output).map(|intent| intent.wanted),
        by: winner.map(|winner| winner.name(&decision.running.plan)).unwrap_or_default(),
        authority: winner.map_or("", |winner| winner.authority.word()),
        strength: decision.carrier.guard.strength(output).map_or("", |strength| strength.word()),
        is_reachable: state.is_some_and(|state| !state.is_unreachable),
    }
}
