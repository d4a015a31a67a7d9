//! The tests, once for each change.

use crate::compile::Program;
use crate::list::Mutant;
use std::collections::BTreeSet;
use std::error::Error;
use std::io::IsTerminal;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A change that made a test wait for ever is noticed; so long it may take at least.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(20);
/// And so many times as long as without a change.
const PATIENCE: u32 = 8;
/// What a program may take of memory, KiB: a change can make it take without end.
const MEMORY: &str = "4194304";

/// How the changes are tried.
pub(crate) struct Trials<'a> {
    pub(crate) programs: &'a [Program],
    pub(crate) skip: &'a [String],
    pub(crate) jobs: usize,
}

/// What became of the changes.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) caught: BTreeSet<usize>,
    pub(crate) missed: BTreeSet<usize>,
    pub(crate) timeout: BTreeSet<usize>,
}

/// How one run of the tests ended.
#[derive(Clone, Copy, Eq, PartialEq)]
enum End {
    Passed,
    Failed,
    Late,
}

impl Trials<'_> {
    /// Tries them, some at the same time.
    ///
    /// # Errors
    /// A program cannot be started, or its tests fail without any change.
    pub(crate) fn run(&self, ids: &BTreeSet<usize>, mutants: &[Mutant]) -> Result<Found, Box<dyn Error>> {
        let begin = Instant::now();
        for program in self.programs {
            // As slow as beside the other jobs, at the least.
            if self.test(program, None, Duration::from_secs(3_600))? != End::Passed {
                return Err(format!("{} fails without a change", program.path.display()).into());
            }
        }
        let patience = SHORTEST_PATIENCE.max(begin.elapsed() * PATIENCE);
        eprintln!("without a change the tests take {:.1} s", begin.elapsed().as_secs_f64());
        let order: Vec<usize> = ids.iter().copied().collect();
        let (next, found, failure) =
            (AtomicUsize::new(0), Mutex::new(Found::default()), Mutex::new(None::<std::io::Error>));
        let begin = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    while let Some(id) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let end = match self.try_one(*id, patience) {
                            Ok(end) => end,
                            Err(error) => {
                                *failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
                                    Some(error);
                                return;
                            }
                        };
                        let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        found.note(*id, end);
                        found.tell(mutants.get(*id).filter(|_| end == End::Passed), order.len(), begin);
                    }
                });
            }
        });
        match failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(error) => Err(error.into()),
            None => Ok(found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)),
        }
    }

    fn try_one(&self, id: usize, patience: Duration) -> std::io::Result<End> {
        for program in self.programs {
            let end = self.test(program, Some(id), patience)?;
            if end != End::Passed {
                return Ok(end);
            }
        }
        Ok(End::Passed)
    }

    fn test(&self, program: &Program, id: Option<usize>, patience: Duration) -> std::io::Result<End> {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")]).arg(&program.path);
        command.args(self.skip.iter().map(|name| format!("--skip={name}")));
        command
            .args(["--quiet", "--test-threads=1"])
            .current_dir(&program.home)
            .env("CARGO_MANIFEST_DIR", &program.home);
        match id {
            Some(id) => command.env("BALLAST_MUTANT", id.to_string()),
            None => command.env_remove("BALLAST_MUTANT"),
        };
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let begin = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(if status.success() { End::Passed } else { End::Failed });
            }
            if begin.elapsed() > patience {
                child.kill()?;
                child.wait()?;
                return Ok(End::Late);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Found {
    fn note(&mut self, id: usize, end: End) {
        match end {
            End::Passed => self.missed.insert(id),
            End::Failed => self.caught.insert(id),
            End::Late => self.timeout.insert(id),
        };
    }

    /// Tells a change that was missed, and how far the trials are.
    fn tell(&self, missed: Option<&Mutant>, all: usize, begin: Instant) {
        let done = self.caught.len() + self.missed.len() + self.timeout.len();
        let is_terminal = std::io::stderr().is_terminal();
        if let Some(mutant) = missed {
            eprintln!("{}missed: {}", if is_terminal { "\r\x1b[K" } else { "" }, mutant.name);
        }
        let rest = begin.elapsed().as_secs_f64() / done as f64 * (all - done) as f64 / 60.0;
        let line = format!("{done} of {all} tried, {} missed, about {rest:.0} min left", self.missed.len());
        if is_terminal {
            eprint!("\r\x1b[K{line}");
        } else if done.is_multiple_of(100) || done == all {
            eprintln!("{line}");
        }
        if is_terminal && done == all {
            eprintln!();
        }
    }
}
