//! `ballast sim`: a site on the simulated village, or storms over engine, rules, guard and link.

mod days;

use super::Exit;
use super::arguments::{Format, Sim};
use super::terminal::{BAD, GOOD, Output, styled};
use crate::report::instant;
use crate::report::language::say;
use crate::simulation::storm::{Fault, Findings, Tally, Violation, Wish, several};
use ballast_model::Span;
use serde_json::json;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

/// Who runs many storms is told how far they are so often.
const TOLD: Duration = Duration::from_secs(60);
/// The commit of the sources, where the build was told: `BALLAST_COMMIT=$(git rev-parse --short HEAD) cargo build`.
const COMMIT: Option<&str> = option_env!("BALLAST_COMMIT");

/// Runs a site, or blows the storms that are asked for.
pub fn run(options: &Sim, output: &Output) -> Exit {
    match &options.site {
        Some(site) => days::run(site, options, output),
        None => storms(options, output),
    }
}

fn storms(options: &Sim, output: &Output) -> Exit {
    let (first, last) = options.seeds.unwrap_or((options.seed, options.seed));
    let length = options.hours.map(|hours| Span::from_secs(u64::from(hours) * 3_600));
    let wishes: Vec<Wish> = (first..=last).map(|seed| Wish { seed, length }).collect();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = options.threads.map_or(cores, usize::from).min(wishes.len());
    let progress = Mutex::new((0_u64, Instant::now()));
    let count = wishes.len();
    let tell = |_: Wish, _: &Tally| {
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.0 += 1;
        if progress.1.elapsed() >= TOLD && output.format == Format::Text {
            progress.1 = Instant::now();
            let done = progress.0;
            output.complain(&say!(
                output.language,
                "{done} of {count} storms",
                "{done} tempêtes sur {count}"
            ));
        }
    };
    match several(&wishes, threads, &tell) {
        Ok(findings) => answer(&findings, options, output),
        Err(error) => output.refuse(Exit::Failed, &error),
    }
}

fn answer(findings: &Findings, options: &Sim, output: &Output) -> Exit {
    let tally = &findings.tally;
    let faults: serde_json::Map<_, _> =
        Fault::ALL.into_iter().map(|fault| (fault.word(), tally.hits(fault).into())).collect();
    let hashes: Vec<_> = findings
        .hashes
        .iter()
        .map(|(seed, hash)| json!({ "seed": seed, "hash": format!("{hash:016x}") }))
        .collect();
    let violation = findings.violation.as_ref().map(|violation| {
        json!({
            "seed": violation.wish.seed, "step": violation.step, "after_s": violation.after.secs_f64(),
            "utc": instant::utc(violation.utc), "what": violation.what, "again": again(violation, options),
        })
    });
    let data = json!({
        "storms": findings.storms, "engine_steps": tally.engine_steps, "guard_steps": tally.guard_steps,
        "twin_steps": tally.twin_steps, "permits": tally.permits, "checks": tally.checks, "faults": faults,
        "hashes": hashes, "violation": violation, "program": env!("CARGO_PKG_VERSION"), "commit": COMMIT,
    });
    let (storms, engine, guard) = (findings.storms, tally.engine_steps, tally.guard_steps);
    let (twins, permits, checks) = (tally.twin_steps, tally.permits, tally.checks);
    let mut text = say!(
        output.language,
        "{storms} storms, {engine} steps of the engine, {guard} of the guard, {twins} of their mirrors; {permits} permits, {checks} looks of the observer",
        "{storms} tempêtes, {engine} pas du moteur, {guard} du garde, {twins} de leurs miroirs ; {permits} permis, {checks} regards de l'observateur"
    );
    for fault in Fault::ALL {
        text.push_str(&format!("\n  {:<20} {:>10}", fault.word(), tally.hits(fault)));
    }
    let Some(violation) = &findings.violation else {
        let kept = output.say("every promise was kept", "chaque promesse a été tenue");
        text.push_str(&format!("\n{}", styled(GOOD, kept)));
        output.answer(&text, &data);
        return Exit::Done;
    };
    let told = failure(violation, options, output);
    text.push_str(&format!("\n{}", styled(BAD, &told)));
    output.answer(&text, &data);
    Exit::Failed
}

/// The broken promise, and how to see it again.
fn failure(violation: &Violation, options: &Sim, output: &Output) -> String {
    let Violation { wish, step, after, utc, what } = violation;
    let (seed, program, utc) = (wish.seed, env!("CARGO_PKG_VERSION"), instant::utc(*utc));
    let commit = COMMIT.map_or_else(String::new, |commit| format!(", commit {commit}"));
    let again = again(violation, options);
    say!(
        output.language,
        "seed {seed} at step {step} (ballast {program}{commit}): {what}\n  {after} after its beginning, the clock shows {utc}; again: {again}",
        "graine {seed} au pas {step} (ballast {program}{commit}) : {what}\n  {after} après son début, l'horloge montre {utc} ; à nouveau : {again}"
    )
}

fn again(violation: &Violation, options: &Sim) -> String {
    let hours = options.hours.map_or_else(String::new, |hours| format!(" --hours {hours}"));
    format!("ballast sim --storm --seed {}{hours}", violation.wish.seed)
}
