//! One run of a scenario, and many side by side.

use super::suite::{Suite, Who};
use super::truth::Recorder;
use super::watch::{Seen, Watch};
use crate::report::language::{Language, say};
use crate::simulation::lockstep::{NotBegun, Stopped};
use crate::simulation::plant_file::PlantFile;
use crate::simulation::report::words;
use crate::simulation::{Setup, Simulation};
use ballast_model::Span;
use ballast_plant::Village;
use ballast_plant::village::When;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// A site that begins takes its loads back one after the other; a scenario finds it at work. So long it runs before.
pub const LEAD: Span = Span::from_secs(180);

/// Which run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Play {
    /// The scenario, by its place in the suite.
    pub scenario: usize,
    /// From what its chance is drawn.
    pub seed: u64,
    /// Who acts.
    pub who: Who,
}

/// Why a run came to no end.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// The site or the village cannot be.
    NotBegun(String),
    /// It does not come to its end.
    Stopped(Stopped),
    /// A thread of this program panicked.
    Panicked,
}

impl From<Stopped> for Trouble {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl Trouble {
    /// A sentence.
    pub fn sentence(&self, language: Language) -> String {
        match self {
            Self::NotBegun(what) => {
                say!(language, "it does not begin: {what}", "elle ne commence pas : {what}")
            }
            Self::Stopped(Stopped::Diverged(error)) => words::diverged(error, language),
            Self::Stopped(Stopped::NeverQuiet) => language
                .say(
                    "the site is never quiet: turns without time going on",
                    "le site n'est jamais au repos : des tours sans que le temps avance",
                )
                .to_owned(),
            Self::Panicked => language.say("a run panicked", "une exécution a paniqué").to_owned(),
        }
    }
}

/// Runs it, and records its truth where that is wanted.
///
/// # Errors
/// Why it came to no end.
pub fn play(suite: &Suite, play: Play, mut recorder: Option<&mut Recorder>) -> Result<Seen, Trouble> {
    let Some(scenario) = suite.scenarios.get(play.scenario) else { return Err(Trouble::Panicked) };
    let PlantFile { spec, faults, commands } = earlier(scenario.plant.clone(), LEAD);
    let setup = Setup {
        texts: suite.texts(scenario, play.who),
        spec,
        seed: play.seed,
        faults,
        commands,
        cut_outputs: play.who == Who::Nobody,
        onlooker: None,
        language: Language::En,
    };
    let mut simulation = Simulation::begin(setup).map_err(|error| match error {
        NotBegun::Plant(error) => Trouble::NotBegun(error.to_string()),
        NotBegun::Site(refused) => Trouble::NotBegun(refused.text),
    })?;
    simulation.watch_until(LEAD, |_| {})?;
    simulation.plant().touch(Village::reset_extremes);
    let terms = suite.terms.clone().with_late(&scenario.plant.commands);
    let mut watch = Watch::new(&simulation, terms, scenario);
    if let Some(recorder) = &mut recorder {
        simulation.look(|village| recorder.begin(village));
    }
    simulation.watch_until(LEAD.plus(scenario.length), |simulation| {
        watch.see(simulation);
        if let Some(recorder) = &mut recorder {
            simulation.look(|village| recorder.see(village));
        }
    })?;
    Ok(watch.finish(&simulation))
}

/// A plant that begins so much earlier, and to which the same happens at the same time of its day.
fn earlier(mut plant: PlantFile, lead: Span) -> PlantFile {
    plant.spec.start_unix_s -= i64::try_from(lead.millis() / 1_000).unwrap_or(0);
    for disturbance in &mut plant.spec.disturbances {
        if let When::Once { after_start_s } = &mut disturbance.when {
            *after_start_s += lead.secs_f64();
        }
    }
    for fault in &mut plant.faults {
        fault.from_ms = fault.from_ms.saturating_add(lead.millis());
        fault.until_ms = fault.until_ms.saturating_add(lead.millis());
    }
    for command in &mut plant.commands {
        command.from_ms = command.from_ms.saturating_add(lead.millis());
        command.until_ms = command.until_ms.saturating_add(lead.millis());
    }
    plant
}

/// Runs all of them on so many threads, in their order the answers; the first trouble ends them. `tell` hears how many are
/// done, and `take` gets each run that has been recorded with what it came to.
///
/// # Errors
/// The first run that came to no end, and why.
pub fn all(
    suite: &Suite,
    plays: &[Play],
    threads: usize,
    records: bool,
    tell: &(dyn Fn(usize) + Sync),
    take: &(dyn Fn(Play, &Recorder, &Seen) + Sync),
) -> Result<Vec<Seen>, (Play, Trouble)> {
    let (next, done, is_over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let found: Mutex<Vec<(usize, Result<Seen, Trouble>)>> = Mutex::default();
    let work = || {
        while !is_over.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(which) = plays.get(index).copied() else { break };
            let length = suite.scenarios.get(which.scenario).map(|scenario| scenario.length);
            let wanted = length.filter(|_| records && which.who == Who::Nobody);
            let mut recorder = wanted.map(Recorder::new);
            let seen = play(suite, which, recorder.as_mut());
            match (&seen, &recorder) {
                (Ok(seen), Some(recorder)) => take(which, recorder, seen),
                (Ok(_), None) => {}
                (Err(_), _) => is_over.store(true, Ordering::Relaxed),
            }
            found.lock().unwrap_or_else(PoisonError::into_inner).push((index, seen));
            tell(done.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    let panicked = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().err()).count() > 0
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(index, _)| *index);
    let mut seen = Vec::with_capacity(found.len());
    for (index, one) in found {
        let which = plays.get(index).copied();
        match (one, which) {
            (Ok(one), _) => seen.push(one),
            (Err(trouble), Some(which)) => return Err((which, trouble)),
            (Err(_), None) => {}
        }
    }
    match plays.get(seen.len()) {
        Some(missing) if panicked || seen.len() < plays.len() => Err((*missing, Trouble::Panicked)),
        _ => Ok(seen),
    }
}
