//! A whole site on a simulated village, as fast as it can, without files, threads or a terminal.

use super::field::{self, Onlooker};
use super::plant::SharedPlant;
use crate::cli::arguments::Format;
use crate::cli::terminal::Output;
use crate::report::language::Language;
use crate::runtime::decision::Decision;
use crate::runtime::opening::{self, Start};
use crate::runtime::recorder::{Heard, Listen, Recorder};
use crate::site::{Refused, Texts, build};
use ballast_history::Severity;
use ballast_host::Clock;
use ballast_model::frame::fnv1a;
use ballast_model::{Mono, Span, Utc};
use ballast_plant::commands::CommandWindow;
use ballast_plant::faults::FaultWindow;
use ballast_plant::{PlantError, Village, VillageSpec};
use include_dir::{Dir, include_dir};
use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};

/// The village of the demonstration travels inside the program.
pub static VILLAGE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/examples/village");

/// Turns without time going on after which a site that is never quiet is given up.
pub const TURNS_MAX: u32 = 10_000;
/// Lines of the log at most; later ones are not kept.
const LOG_LINES_MAX: usize = 100_000;
/// Alarms whose words are kept; later ones are only counted.
pub const ALARMS_MAX: usize = 500;

/// What a simulation is made of.
pub struct Setup {
    /// The site.
    pub texts: Texts,
    /// The village behind it; its start is the site's wall clock.
    pub spec: VillageSpec,
    /// Number from which the village's chance is drawn.
    pub seed: u64,
    /// Disturbed readings.
    pub faults: Vec<FaultWindow>,
    /// Disturbed commands.
    pub commands: Vec<CommandWindow>,
    /// The outputs lead nowhere.
    pub cut_outputs: bool,
    /// Looks at the village after each step.
    pub onlooker: Option<Onlooker>,
    /// In which language it is written down what happens.
    pub language: Language,
}

impl Setup {
    /// The demonstration's site and village with this seed, begun at this local time of its day, s after midnight.
    pub fn village(seed: u64, local_s: u64) -> Self {
        Self {
            texts: village_texts(),
            spec: village_at(local_s),
            seed,
            faults: Vec::new(),
            commands: Vec::new(),
            cut_outputs: false,
            onlooker: None,
            language: Language::En,
        }
    }
}

/// The demonstration's village, begun at this local time of its day, s after midnight.
pub fn village_at(local_s: u64) -> VillageSpec {
    let mut spec = VillageSpec::demo();
    let midnight_s = ballast_plant::sun::local_midnight_s(spec.start_unix_s, spec.utc_offset_s);
    spec.start_unix_s = midnight_s.saturating_add(i64::try_from(local_s.min(86_400)).unwrap_or(0));
    spec
}

/// The texts of the demonstration's site.
pub fn village_texts() -> Texts {
    let mut texts = Texts::default();
    for folder in [Some(&VILLAGE), VILLAGE.get_dir("rules"), VILLAGE.get_dir("devices")].into_iter().flatten()
    {
        for file in folder.files() {
            if let Some(name) = file.path().to_str() {
                texts.files.insert(name.to_owned(), file.contents().into());
            }
        }
    }
    texts
}

/// Why a simulation does not begin.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// The site has mistakes.
    #[error("the site has mistakes:\n{}", .0.text)]
    Site(Refused),
    /// The village cannot be.
    #[error("the village cannot be: {0}")]
    Plant(#[from] PlantError),
}

/// Why a run came to no end.
#[derive(Clone, Debug)]
pub enum Stopped {
    /// An equation of the plant gave no finite number any more.
    Diverged(PlantError),
    /// [`TURNS_MAX`] turns in which time did not go on.
    NeverQuiet,
}

/// Alarms of a run.
#[derive(Clone, Debug, Default)]
pub struct Alarms {
    /// How many there were.
    pub count: u64,
    /// The first [`ALARMS_MAX`]: when, and what was said.
    pub first: Vec<(Mono, String)>,
    /// Rules that were taken out of service.
    pub suspended: u64,
    /// The first [`ALARMS_MAX`] sources of the frequency that stood still: when, and which.
    pub stuck: Vec<(Mono, String)>,
}

/// The data of an alarm of the guard, where it is about a source that stands still.
#[derive(Deserialize)]
struct Stuck {
    stuck: String,
}

/// Counts alarms, and keeps the first of them.
fn listen(alarms: &Arc<Mutex<Alarms>>, language: Language) -> Listen {
    let alarms = Arc::clone(alarms);
    Box::new(move |heard| {
        let Heard::Told(at, told) = heard else { return };
        if told.severity < Severity::Alarm {
            return;
        }
        let mut alarms = alarms.lock().unwrap_or_else(PoisonError::into_inner);
        alarms.count += 1;
        alarms.suspended += u64::from(told.kind == "rule_suspended");
        if alarms.stuck.len() < ALARMS_MAX
            && let Ok(Stuck { stuck }) = serde_json::from_str(&told.data)
        {
            alarms.stuck.push((at, stuck));
        }
        if alarms.first.len() < ALARMS_MAX {
            let french = told.french.as_ref().filter(|_| language == Language::Fr);
            alarms.first.push((at, french.unwrap_or(&told.sentence).clone()));
        }
    })
}

/// A running simulation.
pub struct Simulation {
    /// Engine, guard and everything around them.
    pub decision: Decision,
    plant: SharedPlant,
    start: Mono,
    log: Arc<Mutex<Vec<String>>>,
    alarms: Arc<Mutex<Alarms>>,
}

impl Simulation {
    /// Begins.
    ///
    /// # Errors
    /// The site has mistakes, or the village cannot be.
    pub fn begin(setup: Setup) -> Result<Self, NotBegun> {
        let clock = Arc::new(Clock::made_up(Utc::from_millis(setup.spec.start_unix_s.saturating_mul(1000))));
        let start = clock.now();
        let plant = SharedPlant::new(setup.spec, setup.seed, start)?;
        plant.disturb(setup.faults);
        plant.interfere(setup.commands);
        if setup.cut_outputs {
            plant.cut_outputs();
        }
        let built = build(&setup.texts, &[]).map_err(NotBegun::Site)?;
        let output = Output::new(Format::Text, Some(setup.language));
        let mut recorder = Recorder::new(None, Arc::clone(&clock), output, false);
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let lines = Arc::clone(&log);
        recorder.show_through(Box::new(move |line| {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() < LOG_LINES_MAX {
                lines.push(anstream::adapter::strip_str(line).to_string());
            }
        }));
        let alarms: Arc<Mutex<Alarms>> = Arc::default();
        recorder.listen_through(listen(&alarms, setup.language));
        let open_field = field::opener(plant.clone(), Arc::clone(&clock), None, setup.onlooker);
        let decision =
            opening::start(Start::in_made_up_time(built, setup.texts, clock, recorder, open_field));
        Ok(Self { decision, plant, start, log, alarms })
    }

    /// One step of plant, clock and decisions.
    pub fn step(&mut self) {
        self.decision.go_on();
    }

    /// Steps until so much time has passed since the beginning, or the plant is none any more ([`Self::diverged`]).
    pub fn run_until(&mut self, elapsed: Span) {
        while self.elapsed() < elapsed && self.diverged().is_none() {
            self.step();
        }
    }

    /// Steps until so much time has passed since the beginning, and looks after each step.
    ///
    /// # Errors
    /// Why it does not come so far.
    pub fn watch_until(&mut self, elapsed: Span, mut look: impl FnMut(&Self)) -> Result<(), Stopped> {
        let (mut passed, mut turns) = (self.elapsed(), 0);
        while passed < elapsed {
            self.step();
            if let Some(error) = self.diverged() {
                return Err(Stopped::Diverged(error));
            }
            look(self);
            let before = std::mem::replace(&mut passed, self.elapsed());
            turns = if passed > before { 0 } else { turns + 1 };
            if turns >= TURNS_MAX {
                return Err(Stopped::NeverQuiet);
            }
        }
        Ok(())
    }

    /// Which equation of the plant gave no finite number any more: nothing that is seen afterwards means anything.
    pub fn diverged(&self) -> Option<PlantError> {
        self.look(|village| village.diverged().cloned())
    }

    /// Alarms until now.
    pub fn alarms(&self) -> Alarms {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The instant of a moment of this run.
    pub fn utc(&self, at: Mono) -> Utc {
        let begin = self.plant.look(|village| village.spec().start_unix_s);
        Utc::from_millis(begin.saturating_mul(1000)).after(at.since(self.start))
    }

    /// The moment so long after the beginning.
    pub fn after_start(&self, elapsed: Span) -> Mono {
        self.start.after(elapsed)
    }

    /// Time since the beginning.
    pub fn elapsed(&self) -> Span {
        self.decision.carrier.clock.now().since(self.start)
    }

    /// The plant.
    pub fn plant(&self) -> &SharedPlant {
        &self.plant
    }

    /// Looks at the village.
    pub fn look<T>(&self, look: impl FnOnce(&Village) -> T) -> T {
        self.plant.look(look)
    }

    /// Every line that a person would have seen, with its local time.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The journal of the last half hour: when, of what kind, and a hash of every record.
    pub fn journal(&self) -> Vec<(Mono, u8, u64)> {
        let tape = self.decision.carrier.ring.freeze();
        let records = tape.segments().iter().flat_map(|segment| segment.records());
        records.map(|record| (record.at, record.kind, fnv1a(record.bytes.iter().copied()))).collect()
    }

    /// Everything that decides what happens next, as bytes: the states of engine and guard.
    pub fn state(&self) -> Vec<u8> {
        let state = (self.decision.engine.save(), self.decision.carrier.guard.save());
        postcard::to_allocvec(&state).unwrap_or_default()
    }
}
