//! Beginning: from the saved state at a start, from the running thread at a reload.

use super::buses::Buses;
use super::carrier::{Awaiting, Carrier, FilesRefused, Handed, Place, Probation};
use super::changes::Changes;
use super::decision::Decision;
use super::field::Field;
use super::guard_process::GuardProcess;
use super::heartbeat::Heartbeat;
use super::link::Link;
use super::message::{Harm, Message, Occasion};
use super::recorder::Recorder;
use super::saving::Unkept;
use super::state::{RunningSet, Trial, decode};
use super::timed::Timed;
use super::told::Told;
use super::{beneath, reload, saving, shadowing, trial};
use crate::control::protocol::Answer;
use crate::egress::announced::Announced;
use crate::egress::correspondent::Means;
use crate::journal::{Limits, Ring};
use crate::report::language::{Language, Sentence};
use crate::report::{memory_words, process_words, reload_words};
use crate::shadow::handle::Shadows;
use crate::simulation::plant::{self, SharedPlant};
use crate::site::{Built, Running, Texts};
use ballast_engine::Engine;
use ballast_guard::{Guard, Replaced, Taken};
use ballast_history::{SavedState, Severity};
use ballast_host::Clock;
use ballast_host::link::mirror::NounSet;
use ballast_model::time::{Gap, Stamp, Wall};
use ballast_model::{Mono, Span};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

/// Who opens the buses of a set: the runtime of a program, or a simulation with its plant.
pub type OpenField = dyn FnMut(&mut Built, u32) -> Box<dyn Field> + Send;

/// What a start needs.
pub struct Start {
    /// The set that was built.
    pub built: Built,
    /// Its texts.
    pub texts: Texts,
    /// The nouns below it, while a person has not confirmed what it loosens.
    pub beneath: Vec<NounSet>,
    /// Why the site's files are another set.
    pub files_refused: Option<FilesRefused>,
    /// What the set still has to stand.
    pub trial: Option<Trial>,
    /// What the last run left.
    pub saved: Option<SavedState>,
    /// Why what it left cannot be read, where it left something.
    pub memory_lost: Option<String>,
    /// Says until when a run was seen.
    pub heartbeat: Heartbeat,
    /// Where things lie.
    pub place: Place,
    /// Time.
    pub clock: Arc<Clock>,
    /// Writes down what happens.
    pub recorder: Recorder,
    /// The channel.
    pub channel: (SyncSender<Message>, Receiver<Message>),
    /// Opens buses.
    pub open_field: Box<OpenField>,
    /// Where the guard listens, where it is a process of its own.
    pub sockets: Option<PathBuf>,
    /// Told when the decision thread has ended.
    pub ended: Option<tokio::sync::oneshot::Sender<()>>,
    /// Whether nobody asks afterwards what this run did: it keeps no journal and saves no state.
    pub is_fleeting: bool,
}

/// Begins: engine and guard go on from what the last run left, and every output begins at its `at_start`.
pub fn start(start: Start) -> Decision {
    let Start {
        mut built,
        texts,
        beneath,
        files_refused,
        trial,
        saved,
        mut memory_lost,
        heartbeat,
        place,
        clock,
        mut recorder,
        channel: (sender, inbox),
        mut open_field,
        sockets,
        ended,
        is_fleeting,
    } = start;
    if let Some(word) = saved.as_ref().and_then(|saved| decode(saved, "clock")).flatten() {
        clock.resume(word);
    }
    let (now, stamp) = (clock.now(), clock.stamp());
    recorder.set_zone(built.running.catalog().zone.clone());
    let (field, running) = (open_field(&mut built, 0), built.running);
    let process = begin_process(sockets.as_deref(), &place.state, &clock, &sender, &mut recorder);
    // What a guard elsewhere holds to and what it forgot is its own business.
    let beneath = if process.is_none() { beneath } else { Vec::new() };
    let mut guard = first_guard(&beneath, &running, &mut memory_lost, recorder.language(), now);
    let mut engine = Engine::new(Arc::clone(&running.plan), timed(built.bodies, &running), now);
    let outage = saved.as_ref().map(|saved| {
        remember((&mut guard, process.is_some()), &mut engine, saved, &stamp, now);
        heartbeat.outage(saved, decode(saved, "ended").unwrap_or(false), &stamp)
    });
    let lost_here = memory_lost.clone().filter(|_| process.is_none());
    let carrier = Carrier {
        inbox,
        sender,
        link: new_link(&clock, &running),
        clock,
        guard,
        process,
        field,
        recorder,
        ring: if is_fleeting { Ring::off() } else { Ring::new(Limits::DEFAULT) },
        wall: Wall::UNKNOWN,
        place,
        handed: None,
        open_field,
        texts,
        probation: trial.map(|trial| resumed(trial, now)),
        is_returning: false,
        awaiting: None,
        beneath: beneath.into_iter().map(|below| below.texts).collect(),
        files_refused,
        refused: refused_before(saved.as_ref()),
        epoch: 0,
        reloads: BTreeMap::new(),
        misheard: BTreeMap::new(),
        heartbeat,
        outage,
        dumped: None,
        loaded: now,
        standings: BTreeMap::new(),
        shadows: Shadows::after(saved.as_ref()),
        memory_lost: lost_here.or_else(|| decode(saved.as_ref()?, "memory").flatten()),
        ended,
    };
    first_words(Decision::new(engine, running, carrier, now), now, memory_lost)
}

/// The sets that the last run refused.
fn refused_before(saved: Option<&SavedState>) -> BTreeSet<crate::site::SetId> {
    saved.and_then(|saved| decode::<RunningSet>(saved, "plan")).unwrap_or_default().refused
}

/// The guard of the set with those below it; where they do not go together, the memory of what was in force is lost.
fn first_guard(
    beneath: &[NounSet],
    running: &Running,
    memory_lost: &mut Option<String>,
    language: Language,
    now: Mono,
) -> Guard {
    beneath::guard(beneath, running, now).unwrap_or_else(|| {
        memory_lost.get_or_insert_with(|| reload_words::not_together(language).to_owned());
        Guard::new(Arc::clone(&running.plan.catalog), Arc::clone(&running.safety), now)
    })
}

/// Says that the site runs, and what was lost; then speaks to the guard and to others.
fn first_words(mut decision: Decision, now: Mono, lost: Option<String>) -> Decision {
    match lost {
        None => tell_start(&mut decision, now),
        Some(_) if decision.carrier.process.is_none() => hold_without_memory(&mut decision, now),
        Some(reason) => tell_lost(&mut decision, now, &reason),
    }
    shadowing::tell_left(&mut decision, now);
    crate::egress::begin(&mut decision, now, None);
    decision.greet();
    // A run may be shorter than the first pause between two saves; its first commands do not wait for the disk.
    decision.pace.soon(now);
    decision
}

/// A trial goes on where the last run left it.
fn resumed(trial: Trial, now: Mono) -> Probation {
    let Trial { last_good, changed, left } = trial;
    Probation { last_good, changed, until: now.after(left) }
}

/// Begins to look for a guard that is a process of its own.
fn begin_process(
    sockets: Option<&std::path::Path>,
    state: &std::path::Path,
    clock: &Clock,
    sender: &SyncSender<Message>,
    recorder: &mut Recorder,
) -> Option<GuardProcess> {
    let sockets = sockets?;
    match GuardProcess::begin((sockets, state), clock.stamp().boot, sender) {
        Ok(process) => Some(process),
        Err(error) => {
            recorder.complain(&Sentence::both(|language| {
                process_words::unreachable(&error.to_string(), language)
            }));
            None
        }
    }
}

/// Engine and guard go on from what the last run left. The mirror of a guard elsewhere, which went on meanwhile, is what it
/// was when that was heard last: so it is seen what happened since.
fn remember(
    (guard, is_mirror): (&mut Guard, bool),
    engine: &mut Engine<Timed>,
    saved: &SavedState,
    stamp: &Stamp,
    now: Mono,
) {
    // What happened since the last save nobody remembers: to the machines nothing ran since then.
    let gap = gap_of_restart(saved.gap(stamp));
    let saved_at = saved.stamp.mono;
    if let Some(state) = decode(saved, "guard") {
        match gap {
            Gap::SameBoot(_) if is_mirror => {
                guard.restore(state, Gap::SameBoot(Span::ZERO), saved_at, saved_at)
            }
            _ => guard.restore(state, gap, saved_at, now),
        }
    }
    if let Some(state) = decode(saved, "engine") {
        engine.restore(state, gap, saved_at, now);
    }
}

/// Begins with every output held safe: what kept it there may be forgotten, and whoever looks at the site lets go.
fn hold_without_memory(decision: &mut Decision, now: Mono) {
    let reason = decision.carrier.memory_lost.clone().unwrap_or_default();
    // Before anything else is said, so that no output begins at its `at_start`.
    decision.guard_command(memory_words::WHO, ballast_guard::OperatorCommand::Now(None));
    let fingerprint = decision.carrier.guard.fingerprint();
    let site = &decision.running.catalog().site;
    let sentence = Sentence::both(|language| memory_words::running(site, language));
    let start = Told::info("start", "", sentence, json!({ "site": site, "memory": "lost" }));
    decision.carrier.recorder.tell(now, &start.severity(Severity::Notice));
    let sentence = Sentence::both(|language| memory_words::lost(&reason, fingerprint, language));
    let data = json!({ "reason": reason, "fingerprint": format!("{fingerprint:016x}") });
    let told = Told::info("memory", "guard", sentence, data).severity(Severity::Alarm);
    decision.carrier.recorder.tell(now, &told.of_start(true));
}

/// Begins without the program's own memory, beside a guard that has its own.
fn tell_lost(decision: &mut Decision, now: Mono, reason: &str) {
    let site = &decision.running.catalog().site;
    let sentence = Sentence::both(|language| memory_words::running(site, language));
    let start = Told::info("start", "", sentence, json!({ "site": site, "memory": "lost" }));
    decision.carrier.recorder.tell(now, &start.severity(Severity::Notice));
    let sentence = Sentence::both(|language| memory_words::lost_by_program(reason, language));
    let told = Told::info("memory", "", sentence, json!({ "reason": reason })).severity(Severity::Alarm);
    decision.carrier.recorder.tell(now, &told.of_start(true));
}

/// A program that begins is no reload, however quickly it came back: the guard in it begins anew, so the engine must not
/// remember what the last one answered, and the first value of a point is no change. No gap at all would say a reload.
fn gap_of_restart(gap: Gap) -> Gap {
    match gap {
        Gap::SameBoot(span) => Gap::SameBoot(span.max(Span::from_millis(1))),
        other => other,
    }
}

fn tell_start(decision: &mut Decision, now: Mono) {
    let outage = decision.carrier.outage;
    let catalog = decision.running.catalog();
    let is_within = decision.carrier.process.is_none();
    let counts = [catalog.points.len(), catalog.outputs.len(), decision.running.plan.rules.len()];
    let sentence =
        Sentence::both(|language| reload_words::running(&catalog.site, counts, outage, is_within, language));
    let data = json!({ "site": catalog.site, "set": decision.carrier.texts.id().to_string() });
    decision.carrier.recorder.tell(now, &Told::info("start", "", sentence, data).severity(Severity::Notice));
    if let Some(fingerprint) = decision.carrier.guard.waits_for() {
        let sentence = Sentence::both(|language| reload_words::still_waits(fingerprint, language));
        let data = json!({ "waits": true, "fingerprint": format!("{fingerprint:016x}") });
        let told = Told::info("reload", "", sentence, data).severity(Severity::Warning);
        decision.carrier.recorder.tell(now, &told);
    }
}

/// Goes on in place of the thread that handed over: with the new set, or with the running one where a person must
/// confirm first that its outputs or points become others.
pub fn take_over(built: Built, mut carrier: Carrier, now: Mono) -> Decision {
    let handed = carrier.handed.take();
    let running = &built.running;
    let fingerprint = running.safety.fingerprint;
    let is_this = |occasion: &Occasion| matches!(occasion, Occasion::Confirmed { fingerprint: of, .. } if *of == fingerprint);
    let confirmed = handed.as_ref().is_some_and(|handed| is_this(&handed.occasion));
    let catalog = Arc::clone(&running.plan.catalog);
    let replaced = match &carrier.process {
        None => carrier.guard.replace(catalog, Arc::clone(&running.safety), confirmed, now),
        // It has taken the set already, as far as it does.
        Some(process) => process.replaced(),
    };
    if replaced.taken == Taken::Nothing
        && let Ok(old) = crate::site::build(&carrier.texts, carrier.place.given())
    {
        return stay(old, carrier, handed, &replaced, now);
    }
    adopt(built, carrier, handed, &replaced, now)
}

/// Runs the new set.
fn adopt(
    mut built: Built,
    mut carrier: Carrier,
    handed: Option<Handed>,
    replaced: &Replaced,
    now: Mono,
) -> Decision {
    let changed = handed.as_ref().map(|handed| trial::changed_rules(&handed.running.plan, &built));
    let last_good = carrier.texts.clone();
    if !carrier.field.fits(built.running.definitions) {
        carrier.epoch += 1;
        carrier.field = (carrier.open_field)(&mut built, carrier.epoch);
        if carrier.process.is_none() {
            carrier.guard.tell_again();
        }
        carrier.recorder.set_zone(built.running.catalog().zone.clone());
    }
    let running = Arc::clone(&built.running);
    let mut engine = Engine::new(Arc::clone(&running.plan), timed(built.bodies, &running), now);
    let mut reply = None;
    if let Some(Handed { state, at, texts, occasion, reply: waiting, running: before }) = handed {
        engine.restore(state, Gap::SameBoot(Span::ZERO), at, now);
        let below = std::mem::take(&mut carrier.beneath);
        carrier.beneath = match &carrier.process {
            None => beneath::below(below, &carrier.texts, &texts, replaced),
            Some(process) => process.beneath(),
        };
        if carrier.texts.files != texts.files {
            shadowing::overtaken(&mut carrier, now);
        }
        carrier.texts = texts;
        let probation = carrier.probation.take();
        carrier.files_refused = replaced.waits_for.map(|_| FilesRefused::Waits);
        if let Occasion::Guard { refused: Some(refused) } = &occasion {
            carrier.files_refused = Some(*refused);
        }
        if let Occasion::Return(Harm { set, .. }) = &occasion {
            carrier.refused.insert(*set);
            carrier.files_refused = Some(FilesRefused::Harm);
        } else {
            let changed = changed.unwrap_or_default();
            // A set that waited for the guard keeps the trial that was asked for with it, whatever it is taken up for then.
            let awaited =
                carrier.awaiting.as_ref().filter(|awaited| awaited.texts.files == carrier.texts.files);
            let asked = occasion.trial().or(awaited.and_then(|awaited| awaited.trial));
            carrier.probation = trial::trial(probation, last_good, changed, asked, now);
        }
        reply = Some((occasion, waiting, before));
    }
    carrier.awaiting = None;
    carrier.is_returning = false;
    carrier.loaded = now;
    carrier.link = new_link(&carrier.clock, &running);
    let mut decision = Decision::new(engine, running, carrier, now);
    decision.greet();
    decision.turn_after(now, |decision| {
        crate::egress::begin(decision, now, reply.as_ref().map(|(_, _, before)| &**before));
        if let Some((occasion, waiting, before)) = reply {
            tell_reload(decision, now, &occasion, waiting, &before, replaced, &built.warnings);
        }
    });
    // Saved at the end of the next turn, which comes at once: what arrived meanwhile does not wait for it.
    decision.pace.hurry(now);
    decision
}

/// Goes on with the running set; the new one waits for a person's word.
fn stay(
    built: Built,
    mut carrier: Carrier,
    handed: Option<Handed>,
    replaced: &Replaced,
    now: Mono,
) -> Decision {
    let mut engine = Engine::new(Arc::clone(&built.running.plan), timed(built.bodies, &built.running), now);
    let mut waiting = None;
    if let Some(Handed { state, at, texts, occasion, reply, .. }) = handed {
        engine.restore(state, Gap::SameBoot(Span::ZERO), at, now);
        let trial = occasion.trial();
        if !matches!(occasion, Occasion::Return(_)) {
            carrier.awaiting = replaced.waits_for.map(|fingerprint| Awaiting { fingerprint, texts, trial });
            carrier.files_refused = Some(FilesRefused::Waits);
        }
        waiting = Some((occasion, reply));
    }
    if carrier.is_returning && carrier.process.is_none() {
        // What waits for a person is what waited before.
        let (catalog, safety) = (Arc::clone(&built.running.plan.catalog), Arc::clone(&built.running.safety));
        carrier.guard.replace(catalog, safety, false, now);
    }
    carrier.link = new_link(&carrier.clock, &built.running);
    let mut decision = Decision::new(engine, built.running, carrier, now);
    decision.greet();
    decision.turn(now);
    decision.carrier.field.share(&decision.running);
    let (occasion, reply) = waiting.unwrap_or((Occasion::Saved, None));
    if let Occasion::Return(harm) = occasion {
        trial::stays(&mut decision, harm, trial::Stays::DoNotGo);
        return decision;
    }
    tell_waiting(&mut decision, &occasion, reply, replaced);
    decision
}

/// Says that a set waits for a person, and what it would loosen.
pub(super) fn tell_waiting(
    decision: &mut Decision,
    occasion: &Occasion,
    reply: Option<tokio::sync::oneshot::Sender<Answer>>,
    replaced: &Replaced,
) {
    let now = decision.carrier.clock.now();
    let language = occasion.language();
    let fingerprint = replaced.waits_for.map_or_else(String::new, |print| format!("{print:016x}"));
    let sentence = Sentence::both(|language| reload_words::set_waits(&fingerprint, language));
    let loosenings = |language| -> Vec<String> {
        replaced.loosenings.iter().map(|row| reload_words::loosening(row, language)).collect()
    };
    let text = reload_words::set_waits(&fingerprint, language);
    let text = format!("{text}\n  {}", loosenings(language).join("\n  "));
    let data = json!({ "loosenings": loosenings(Language::En), "fingerprint": fingerprint, "waits": true });
    *decision.carrier.reloads.entry("waiting").or_default() += 1;
    let mut told = Told::info("reload", "", sentence, data.clone()).severity(Severity::Warning);
    if let Occasion::Asked { who, .. } = occasion {
        told = told.by(who.clone());
    }
    decision.carrier.recorder.tell(now, &told);
    if let Some(reply) = reply {
        // An asker that went away does not matter.
        let _ = reply.send(Answer { ok: false, ..Answer::done(text, data) });
    }
}

/// Says what a reload changed: rules and events by name, loosenings that wait for a person.
fn tell_reload(
    decision: &mut Decision,
    now: Mono,
    occasion: &Occasion,
    waiting: Option<tokio::sync::oneshot::Sender<Answer>>,
    before: &Running,
    replaced: &Replaced,
    warnings: &str,
) {
    let outcome = if replaced.waits_for.is_some() { "waiting" } else { "loaded" };
    *decision.carrier.reloads.entry(outcome).or_default() += 1;
    let (old, new) = (Arc::clone(&before.plan), Arc::clone(&decision.running.plan));
    let (rules, events) = (Changes::of_rules(&old, &new), Changes::of_events(&old, &new));
    let trial = decision.carrier.probation.iter();
    let on_trial: Vec<String> = trial.flat_map(|probation| probation.changed.iter().cloned()).collect();
    let is_same = old.fingerprint == new.fingerprint;
    let is_return = matches!(occasion, Occasion::Return(_));
    let loaded = |language| {
        if is_same && !is_return {
            return reload_words::unchanged(new.rules.len(), language);
        }
        reload_words::loaded(is_return, new.rules.len(), &rules, &events, language)
    };
    let language = occasion.language();
    let mut text = loaded(language);
    let waits = replaced.waits_for.is_some();
    let rows = || replaced.loosenings.iter().filter(|_| waits);
    let loosenings: Vec<String> = rows().map(|row| reload_words::loosening(row, Language::En)).collect();
    if let Some(trial) = trial::tell_trial(decision, now, occasion) {
        text.push_str(&format!("\n{trial}"));
    }
    let fingerprint = format!("{:016x}", decision.running.safety.fingerprint);
    if waits {
        text.push_str(&format!("\n{}\n", reload_words::would_loosen(language)));
        for row in rows() {
            text.push_str(&format!("  {}\n", reload_words::loosening(row, language)));
        }
        text.push_str(&format!("  ballast guard confirm {fingerprint}"));
    }
    let sentence = Sentence::both(|language| {
        let looser = if waits { reload_words::looser_waits(&fingerprint, language) } else { String::new() };
        format!("{}{looser}", loaded(language))
    });
    if !warnings.is_empty() {
        text.push('\n');
        text.push_str(warnings);
    }
    let data = json!({
        "set": decision.carrier.texts.id().to_string(),
        "unchanged": is_same, "added": rules.added, "removed": rules.removed, "changed": on_trial, "events": events,
        "loosenings": loosenings, "waits": waits,
        "trial_seconds": trial::trial_left(decision, now).map(|left| left.millis() / 1000),
        "fingerprint": fingerprint,
    });
    let mut told = Told::info("reload", "", sentence, data.clone()).severity(Severity::Notice);
    if let Occasion::Asked { who, .. } = occasion {
        told = told.by(who.clone());
    }
    decision.carrier.recorder.tell(now, &told);
    if let Some(waiting) = waiting {
        // What was taken up holds over a restart from the moment of the answer.
        let unkept = Unkept { reply: waiting, answer: Answer::done(text, data), language };
        saving::acknowledge_soon(decision, now, unkept);
    }
}

/// A person confirmed a looser safety set: the guard adopts it, with the set of rules that it belongs to.
pub fn adopt_confirmed(decision: &mut Decision, fingerprint: u64) {
    if decision.carrier.process.is_some() {
        // It adopts the set itself, and the program hears of it by the next portrait.
        return;
    }
    let now = decision.carrier.clock.now();
    if let Some(awaited) = decision.carrier.awaiting.take_if(|awaited| awaited.fingerprint == fingerprint) {
        return reload::confirmed(decision, awaited);
    }
    if decision.carrier.guard.adopt_confirmed(now).is_some() {
        decision.checkpoint_due = true;
        decision.carrier.beneath.clear();
        let waits = |refused: &mut FilesRefused| *refused == FilesRefused::Waits;
        decision.carrier.files_refused.take_if(waits);
        decision.pace.hurry(now);
        let sentence = Sentence::both(|language| reload_words::in_force(fingerprint, language));
        let told = Told::info("guard", "", sentence, json!({})).severity(Severity::Notice);
        decision.carrier.recorder.tell(now, &told);
        decision.session_anew();
    }
}

fn timed(bodies: ballast_rules::RhaiBodies, running: &Running) -> Timed {
    Timed::new(bodies, running.plan.rules.len())
}

/// The engine's end of a new session.
pub(super) fn new_link(clock: &Clock, running: &Running) -> Link {
    Link::new(next_session(clock), shortest_lease(running))
}

/// Sessions rise with time, also over restarts.
fn next_session(clock: &Clock) -> u64 {
    clock.now().nanos()
}

/// The shortest lease of all outputs.
fn shortest_lease(running: &Running) -> Span {
    let leases = running.safety.envelopes.iter().map(|envelope| envelope.lease);
    leases.min().unwrap_or(Span::from_secs(3)).min(Span::from_secs(90))
}

/// Opens the buses of a set as tasks of a runtime; where the guard is a process of its own, those that are the program's.
pub fn field_of_buses(
    sender: SyncSender<Message>,
    clock: Arc<Clock>,
    runtime: tokio::runtime::Handle,
    state: &std::path::Path,
    has_process: bool,
) -> Box<OpenField> {
    let means = Means { sender, clock, announced: Arc::new(Announced::new(state)) };
    // One village for all buses that name it, over every reload.
    let mut village: Option<SharedPlant> = None;
    Box::new(move |built, epoch| {
        let mut buses = built.take_buses(has_process);
        for (bus, _) in buses.iter_mut().filter(|(bus, _)| bus.world().is_some()) {
            let seed = seed_of(built, bus.name());
            village = village.take().or_else(|| plant::live(seed, &means.clock));
            if let Some(village) = &village {
                // Names that the world does not have were told when the set was built.
                let _ = bus.join(village.world());
            }
        }
        Box::new(Buses::start(buses, built.running.definitions, epoch, &means, &runtime))
    })
}

/// The seed of a simulated world, as the bus that names it says.
fn seed_of(built: &Built, bus: &str) -> u64 {
    let definition = built.running.site.buses.iter().find(|definition| &*definition.name == bus);
    let seed = definition.and_then(|definition| definition.settings.get("seed"));
    seed.and_then(|seed| seed.parse().ok()).unwrap_or(1)
}
