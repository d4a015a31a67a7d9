//! One test, from its start to its last look.

use super::act::{Act, Away};
use super::bounds::Bounds;
use super::coverage::{Branches, Reached};
use super::field::Script;
use super::file::Test;
use super::look::Expected;
use super::village::Behind;
use crate::cli::arguments::Format;
use crate::cli::terminal::Output;
use crate::report::language::Language;
use crate::report::moment::Moment;
use crate::report::{causes, retold, why_output, why_rule};
use crate::runtime::decision::Decision;
use crate::runtime::message::Occasion;
use crate::runtime::opening::{self, OpenField, Start};
use crate::runtime::recorder::{Heard, Listen, Recorder};
use crate::runtime::telling;
use crate::runtime::told::Told;
use crate::site::{Refused, Texts, build_after, build_unopened};
use ballast_config::diagnostics::Place;
use ballast_engine::RuleState;
use ballast_history::{SavedState, Severity};
use ballast_host::Clock;
use ballast_host::nouns::Given;
use ballast_model::time::BootId;
use ballast_model::{OutputId, PointId, Span, Utc};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Turns without time going on after which a site that is never quiet is given up.
const TURNS_MAX: u32 = 10_000;
/// Sentences that are kept between two looks; later ones are not looked at.
const SENTENCES_MAX: usize = 10_000;

/// What a look found that is not as expected.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Where the expectation stands.
    pub place: Place,
    /// When, since the beginning.
    pub at: Span,
    /// What the wall clock of the test shows then.
    pub utc: Utc,
    /// What was expected.
    pub expected: String,
    /// What is so instead.
    pub found: String,
    /// What `ballast why` says of it.
    pub why: String,
}

/// What came of a test.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was not as expected.
    pub differences: Vec<Difference>,
    /// What of the site the test reached.
    pub reached: Reached,
    /// Which branches of bodies and functions it took; none where nobody watched.
    branches: Branches,
}

/// Runs a test.
///
/// # Errors
/// The site has mistakes.
pub fn run(test: &Test, texts: &Texts, language: Language) -> Result<Outcome, Refused> {
    run_in(Session::begin(test, texts, language, false)?, test)
}

/// Runs a test to see which branches of bodies and functions it takes. What comes of the test itself is that of [`run`], in
/// which nothing is marked.
///
/// # Errors
/// The site has mistakes.
pub fn watch(test: &Test, texts: &Texts, language: Language) -> Result<Branches, Refused> {
    Ok(run_in(Session::begin(test, texts, language, true)?, test)?.branches)
}

fn run_in(mut session: Session, test: &Test) -> Result<Outcome, Refused> {
    for look in &test.looks {
        session.go_on_until(look.at);
        for (_, act) in &look.acts {
            session = session.act(act)?;
        }
        let decision = &session.decision;
        let compared = |(place, expected): &(Place, Expected)| {
            let (wanted, found, why) = session.compare(expected)?;
            let utc = decision.carrier.clock.wall().utc;
            Some(Difference { place: *place, at: look.at, utc, expected: wanted, found, why })
        };
        let mut differences: Vec<Difference> = look.expected.iter().filter_map(compared).collect();
        differences.sort_by_key(|difference| difference.place);
        session.differences.extend(differences);
        if !look.expected.is_empty() {
            session.diary().sentences.clear();
            session.script.look_anew();
        }
    }
    session.keep_branches();
    let reached = std::mem::take(&mut session.diary().reached);
    Ok(Outcome { differences: session.differences, reached, branches: session.branches })
}

/// What was written down and saved.
#[derive(Debug, Default)]
struct Diary {
    /// Since the last look: how grave, in English, in French.
    sentences: Vec<(Severity, String, Option<String>)>,
    /// What a restart finds.
    saved: Option<SavedState>,
    reached: Reached,
}

impl Diary {
    fn hear(&mut self, heard: Heard<'_>) {
        match heard {
            Heard::Saved(saved) => self.saved = Some(saved),
            Heard::Told(_, told) => {
                self.reached.told(told);
                if self.sentences.len() < SENTENCES_MAX {
                    // Where so much is told at once that nobody reads it, it comes without its French sentence.
                    let french = told.french.clone().or_else(|| Some(in_french(told)));
                    self.sentences.push((told.severity, told.sentence.clone(), french));
                }
            }
        }
    }
}

/// A test while it runs.
struct Session {
    decision: Decision,
    script: Script,
    diary: Arc<Mutex<Diary>>,
    language: Language,
    /// A moment of the clock, and how much of the test had passed by then.
    origin: (ballast_model::Mono, Span),
    boot: u128,
    differences: Vec<Difference>,
    /// Whether bodies are watched, and which branches those took that are gone by now.
    is_watched: bool,
    branches: Branches,
}

impl Session {
    fn begin(test: &Test, texts: &Texts, language: Language, is_watched: bool) -> Result<Self, Refused> {
        let clock = Arc::new(Clock::made_up(test.start));
        let begin = clock.now();
        let mut built = build_unopened(texts)?;
        if is_watched {
            built.bodies.watch();
        }
        // What the plant refuses was told when the test was read.
        let plant = |behind: &Behind| behind.plant(test.start, &test.looks, &built.running, begin).ok();
        let plant = test.behind.as_ref().and_then(plant);
        let script = Script::new(begin, test, plant, &built.running);
        let diary: Arc<Mutex<Diary>> = Arc::default();
        let open = script.opener(Arc::clone(&clock));
        let decision = start(built, texts, open, clock, write_into(&diary), None);
        let origin = (begin, Span::ZERO);
        let (differences, branches) = (Vec::new(), Branches::default());
        Ok(Self { decision, script, diary, language, origin, boot: 0, differences, is_watched, branches })
    }

    /// Keeps which branches were taken: these bodies go.
    fn keep_branches(&mut self) {
        self.branches.add(self.decision.engine.bodies().bodies().steps());
    }

    fn diary(&self) -> MutexGuard<'_, Diary> {
        // Whoever held it last left it whole.
        self.diary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much of the test has passed.
    fn passed(&self) -> Span {
        self.origin.1.plus(self.decision.carrier.clock.now().since(self.origin.0))
    }

    /// Lets everything happen up to then, and at that moment.
    fn go_on_until(&mut self, at: Span) {
        let stop = self.origin.0.after(at.minus(self.origin.1));
        self.script.go_on_until(stop);
        let mut turns = 0;
        while turns < TURNS_MAX {
            let before = self.decision.carrier.clock.now();
            self.decision.go_on();
            let now = self.decision.carrier.clock.now();
            turns = if now > before { 0 } else { turns + 1 };
            if now >= stop && self.decision.next_wake() > stop {
                break;
            }
        }
    }

    /// Lets something happen now.
    fn act(mut self, act: &Act) -> Result<Self, Refused> {
        match act {
            Act::Reload => {
                let texts = self.decision.carrier.texts.clone();
                let mut built = build_after(&texts, Given::default(), Some(&self.decision.running))?;
                self.keep_branches();
                if self.is_watched {
                    built.bodies.watch();
                }
                let occasion = Occasion::Asked {
                    who: "test".to_owned(),
                    accept: false,
                    trial: None,
                    language: self.language,
                };
                self.decision = self.decision.hand_over_to(built, texts, occasion);
            }
            Act::Restart => {
                self.decision.end();
                self = self.start_anew(Span::ZERO)?;
            }
            Act::PowerCut(span) => {
                self.script.power_goes();
                self = self.start_anew(*span)?;
            }
            Act::ClockJump(by_ms) => {
                self.decision.carrier.clock.set_later(*by_ms);
                self.decision.look_at_the_clock();
            }
            Act::Away(away) => self.set_away(away),
            Act::Stuck(point, is_stuck) => self.script.set_stuck(*point, *is_stuck),
            // It is in the script of the village since the beginning.
            Act::Village(_) => {}
        }
        let passed = self.passed();
        self.go_on_until(passed);
        Ok(self)
    }

    fn set_away(&mut self, away: &Away) {
        let batch = self.script.set_away(&away.devices, away.is_away, self.decision.carrier.clock.now());
        let subject = away.device.as_deref().unwrap_or(&away.bus);
        let text = match (away.is_away, &away.device) {
            (true, Some(device)) => format!("{device} does not answer"),
            (false, Some(device)) => format!("{device} answers"),
            (true, None) => "the connection stalled".to_owned(),
            (false, None) => format!("connected to {subject}"),
        };
        telling::link(&mut self.decision, &away.bus, !away.is_away, &text);
        self.decision.hear(&away.bus, &batch);
    }

    /// The program begins with what was saved last: at once in the same boot, or after a power cut in another one.
    fn start_anew(mut self, dark: Span) -> Result<Self, Refused> {
        self.keep_branches();
        let passed = self.passed().plus(dark);
        let texts = self.decision.carrier.texts.clone();
        let (clock, boot) = if dark == Span::ZERO {
            (Arc::clone(&self.decision.carrier.clock), self.boot)
        } else {
            let start = self.decision.carrier.clock.wall().utc.after(dark);
            let boot = self.boot + 1;
            (Arc::new(Clock::made_up_in(BootId(boot), start)), boot)
        };
        let origin = (clock.now(), passed);
        self.script.begin_anew(passed, origin.0);
        let saved = self.diary().saved.clone();
        let mut built = build_unopened(&texts)?;
        if self.is_watched {
            built.bodies.watch();
        }
        let open = self.script.opener(Arc::clone(&clock));
        let decision = start(built, &texts, open, clock, write_into(&self.diary), saved);
        Ok(Self { decision, origin, boot, ..self })
    }

    /// What was expected, what is so instead, and why; `None` where it is as expected.
    fn compare(&self, expected: &Expected) -> Option<(String, String, String)> {
        let (decision, language) = (&self.decision, self.language);
        let moment = decision.moment(language);
        let catalog = decision.running.catalog();
        match expected {
            Expected::State(id, wanted) => {
                let state = decision.carrier.guard.verdict(*id).map(|verdict| verdict.state);
                if state == Some(*wanted) {
                    return None;
                }
                let spec = catalog.output(*id)?;
                let show = |state| causes::state(&spec.show(state), language).to_owned();
                let found = state.map_or_else(|| language.say("unknown", "inconnu").to_owned(), show);
                Some((show(*wanted), found, why(&moment, *id)))
            }
            Expected::Because(id, part) => {
                let both = [Language::En, Language::Fr].map(|language| Moment { language, ..moment });
                if both.iter().any(|moment| why_output::output(moment, *id).text.contains(part.as_str())) {
                    return None;
                }
                let other = language.say("another reason", "une autre raison").to_owned();
                Some((format!("`{part}`"), other, why(&moment, *id)))
            }
            Expected::Rule(rule, is_active) => {
                let found = matches!(decision.engine.rule(*rule), Some(RuleState::Active { .. }));
                let word = |is_active| match is_active {
                    true => language.say("active", "active").to_owned(),
                    false => language.say("not active", "inactive").to_owned(),
                };
                let why = || why_rule::rule(&moment, *rule).text.trim_end().to_owned();
                (found != *is_active).then(|| (word(*is_active), word(found), why()))
            }
            Expected::Reads(point, bounds, is_throughout, written) => {
                let found = self.compare_read(*point, bounds, *is_throughout)?;
                Some((written.clone(), found, String::new()))
            }
            Expected::Alarm(part) => self.compare_said(Some(part), Severity::Alarm),
            Expected::NoAlarm => self.compare_said(None, Severity::Alarm),
            Expected::Told(part) => self.compare_said(Some(part), Severity::Info),
        }
    }

    /// What a point reads, or read, instead of what is expected; `None` where it is as expected.
    fn compare_read(&self, point: PointId, bounds: &Bounds, is_throughout: bool) -> Option<String> {
        let (decision, language) = (&self.decision, self.language);
        let spec = decision.running.catalog().point(point)?;
        let unknown = || language.say("unknown", "inconnu").to_owned();
        if !is_throughout {
            let known = decision.engine.snapshot().known(point, decision.carrier.clock.now());
            return match known {
                Some(value) => (!bounds.holds(value)).then(|| spec.show(value)),
                None => Some(unknown()),
            };
        }
        let Some(seen) = self.script.seen(point) else {
            return Some(language.say("no reading", "aucune mesure").to_owned());
        };
        let wrong = [seen.low, seen.high].into_iter().flatten().find(|value| !bounds.holds(*value));
        wrong.map(|value| spec.show(value)).or_else(|| seen.was_bad.then(unknown))
    }

    /// Compares what was said since the last look.
    fn compare_said(&self, part: Option<&String>, gravity: Severity) -> Option<(String, String, String)> {
        let (diary, language) = (self.diary(), self.language);
        let said: Vec<_> = diary.sentences.iter().filter(|(severity, ..)| *severity >= gravity).collect();
        let has = |text: &str| part.is_some_and(|part| text.contains(part.as_str()));
        let is_there =
            said.iter().any(|(_, english, french)| has(english) || french.as_deref().is_some_and(has));
        if is_there || (part.is_none() && said.is_empty()) {
            return None;
        }
        let none = || match gravity {
            Severity::Alarm => language.say("no alarm", "aucune alarme").to_owned(),
            _ => language.say("nothing like it", "rien de tel").to_owned(),
        };
        let wanted = part.map_or_else(none, |part| format!("`{part}`"));
        let found =
            if said.is_empty() { none() } else { language.say("something else", "autre chose").to_owned() };
        let shown = |(_, english, french): &&(Severity, String, Option<String>)| match (language, french) {
            (Language::Fr, Some(french)) => french.clone(),
            _ => english.clone(),
        };
        let rows: Vec<String> = said.iter().rev().take(TOLD_MAX).rev().map(shown).collect();
        Some((wanted, found, rows.join("\n")))
    }
}

/// What was told, in French: a part of it may be expected in both languages, whoever reads the answer.
fn in_french(told: &Told) -> String {
    let payload = serde_json::from_str(&told.payload()).unwrap_or_default();
    retold::sentence(&told.subject, told.kind, &payload, Language::Fr)
}

/// Lines of what was said that are shown where something else was expected.
const TOLD_MAX: usize = 8;

/// Writes what is heard into a diary.
fn write_into(diary: &Arc<Mutex<Diary>>) -> Listen {
    let diary = Arc::clone(diary);
    Box::new(move |heard| diary.lock().unwrap_or_else(PoisonError::into_inner).hear(heard))
}

/// Starts the program of a test, which keeps nothing and shows nobody anything.
pub(crate) fn start(
    built: crate::site::Built,
    texts: &Texts,
    open_field: Box<OpenField>,
    clock: Arc<Clock>,
    listen: Listen,
    saved: Option<SavedState>,
) -> Decision {
    opening::start(prepare(built, texts, open_field, clock, listen, saved))
}

/// A decision thread of which nothing is kept: whoever runs it looks at it while it runs.
pub(crate) fn start_fleeting(
    built: crate::site::Built,
    texts: &Texts,
    open_field: Box<OpenField>,
    clock: Arc<Clock>,
    listen: Listen,
) -> Decision {
    let start = prepare(built, texts, open_field, clock, listen, None);
    opening::start(Start { is_fleeting: true, ..start })
}

fn prepare(
    built: crate::site::Built,
    texts: &Texts,
    open_field: Box<OpenField>,
    clock: Arc<Clock>,
    listen: Listen,
    saved: Option<SavedState>,
) -> Start {
    let output = Output::new(Format::Text, Some(Language::Fr));
    let mut recorder = Recorder::new(None, Arc::clone(&clock), output, false);
    recorder.show_through(Box::new(|_| {}));
    recorder.listen_through(listen);
    Start { saved, ..Start::in_made_up_time(built, texts.clone(), clock, recorder, open_field) }
}

/// What `ballast why` says of an output.
fn why(moment: &Moment<'_>, id: OutputId) -> String {
    why_output::output(moment, id).text.trim_end().to_owned()
}
