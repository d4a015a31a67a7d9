//! `--make-safe`: every output to its safe state, and out.
//!
//! For the moment after the guard has died: systemd runs it before it starts the guard again. It keeps nothing and asks
//! nobody; what it does, the guard would do at its start.

use crate::field::{Field, Forward, Means};
use crate::limits::{INBOX, MAKE_SAFE};
use crate::log::{self, Weight};
use crate::news::News;
use crate::set::Prepared;
use crate::witness::Sets;
use ballast_drivers::Batch;
use ballast_guard::{Guard, Input, OperatorCommand, Output, Who};
use ballast_host::Clock;
use ballast_model::OutputId;
use ballast_words::process;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

/// Who asks, in what the guard says.
const WHO: &str = "make-safe";

/// No program is told anything.
struct Nobody;

impl Forward for Nobody {
    fn opened(&self, _: u64) {}
    fn tell(&self, _: u64, _: &str, _: Batch) {}
}

/// Drives every output safe.
pub fn make_safe(prepared: Prepared, sets: &Sets) -> ExitCode {
    let clock = Arc::new(Clock::of_machine());
    let mut guard = sets.guard(clock.now());
    // The buses run on a runtime of their own thread, as they do under the guard.
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = error.to_string();
            log::tell(Weight::Alarm, |language| process::no_runtime(&error, language));
            return ExitCode::FAILURE;
        }
    };
    let (inbox, news) = sync_channel(INBOX);
    let means = Means {
        inbox,
        clock: Arc::clone(&clock),
        runtime: runtime.handle().clone(),
        forward: Arc::new(Nobody),
    };
    let field = Field::open(prepared.buses, prepared.definitions, &guard, &means);
    // Nobody watches afterwards: what a limit would hold away from safe goes there as well.
    let mut inputs =
        vec![Input::Operator { who: Who::new(WHO), command: OperatorCommand::Now(None) }, Input::Stop];
    let end = Instant::now() + MAKE_SAFE;
    loop {
        let wake = step(&mut guard, &field, &clock, &mut inputs);
        let left = end.saturating_duration_since(Instant::now());
        let missing = missing(&guard);
        if missing.is_empty() || left.is_zero() {
            return tell(&guard, &missing);
        }
        let pause = Duration::from_nanos(wake.since(clock.now()).nanos()).min(left);
        if let Ok(News::Field(more)) = news.recv_timeout(pause) {
            inputs.extend(more);
        }
    }
}

fn step(guard: &mut Guard, field: &Field, clock: &Clock, inputs: &mut Vec<Input>) -> ballast_model::Mono {
    let now = clock.now();
    let mut out = Vec::with_capacity(guard.output_capacity());
    guard.step(now, inputs, &mut out);
    inputs.clear();
    let mut wake = now;
    for said in out {
        match said {
            Output::Permit(permit) => inputs.extend(field.apply(permit)),
            Output::WakeAt(at) => wake = at,
            Output::Event(_) | Output::Verdict(_) => {}
        }
    }
    if inputs.is_empty() { wake } else { now }
}

/// Outputs that have not confirmed their safe state; those that nobody armed are none of our business.
fn missing(guard: &Guard) -> Vec<OutputId> {
    let is_missing = |id: &OutputId| {
        let (Some(state), Some(envelope)) = (guard.output(*id), guard.envelope(*id)) else { return false };
        !envelope.by_hand && state.confirmed != Some(envelope.safe)
    };
    (0..guard.catalog().outputs.len() as u32).map(OutputId).filter(is_missing).collect()
}

fn tell(guard: &Guard, missing: &[OutputId]) -> ExitCode {
    let count = guard.catalog().outputs.len();
    let names = missing.iter().filter_map(|id| guard.catalog().output(*id)).map(|spec| &*spec.name);
    let names: Vec<&str> = names.collect();
    let weight = if names.is_empty() { Weight::Notice } else { Weight::Alarm };
    log::tell(weight, |language| process::made_safe(count, &names, language));
    if names.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
