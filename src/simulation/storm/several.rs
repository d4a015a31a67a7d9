//! Many storms, side by side.

use super::{Sets, Tally, Violation, Wish, run};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// What several storms found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Storms that came to their end.
    pub storms: usize,
    /// All counts together.
    pub tally: Tally,
    /// The hash of each storm, in the order of the wishes; of those that came to their end.
    pub hashes: Vec<(u64, u64)>,
    /// The broken promise of the first wish that has one.
    pub violation: Option<Violation>,
}

/// Runs storms on so many threads; the first broken promise ends them. `tell` hears of every storm that came to its end.
///
/// # Errors
/// The site of the storms has mistakes: a defect of this program.
pub fn several(
    wishes: &[Wish],
    threads: usize,
    tell: &(dyn Fn(Wish, &Tally) + Sync),
) -> Result<Findings, String> {
    let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let found = Mutex::new(Vec::new());
    let work = || -> Result<(), String> {
        // Scripts stay on the thread that read them.
        let mut sets = Sets::read()?;
        while !is_over.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(wish) = wishes.get(index).copied() else { break };
            let outcome = run(wish, &mut sets);
            if outcome.violation.is_some() {
                is_over.store(true, Ordering::Relaxed);
            }
            tell(wish, &outcome.tally);
            found.lock().unwrap_or_else(PoisonError::into_inner).push((index, wish.seed, outcome));
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err("a storm's thread panicked".to_owned()))
        })
    })?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(index, _, _)| *index);
    let mut findings = Findings::default();
    for (_, seed, outcome) in found {
        findings.storms += usize::from(outcome.violation.is_none());
        findings.tally.add(&outcome.tally);
        findings.hashes.push((seed, outcome.hash));
        findings.violation = findings.violation.or(outcome.violation);
    }
    Ok(findings)
}
