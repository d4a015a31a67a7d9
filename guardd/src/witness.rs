//! The witness: a second guard that takes the same steps from the tape, and does everything that may wait.
//!
//! It writes the log and the audit trail, keeps the state, answers people and tells the program. It may be late by as much as
//! the tape holds; the guard itself never waits for it. Where its steps come out otherwise than the guard's, one of both has
//! a fault: that is said, and the witness begins anew from the guard's state.

mod sets;
mod talks;

pub use sets::Sets;

use crate::keeper::Keeper;
use crate::limits::{REREAD_PACE, STATE_PACE, STATE_PACE_MOST};
use crate::link::{Caller, Outbox};
use crate::log::{self, Weight};
use crate::manners::Manners;
use crate::memory::KeptState;
use crate::news::News;
use crate::people::desk::Asked;
use crate::relay::Relay;
use crate::set::Change;
use crate::tape::{Reader, Record};
use crate::timekeeper::Nouns;
use crate::{librarian, people};
use ballast_guard::plan::LimitAction;
use ballast_guard::{Guard, GuardEvent, Input, OperatorCommand, Output, ResetWhat, digest};
use ballast_host::Clock;
use ballast_host::link::packet::{Packet, Portrait, Reread, VERSION, Welcome};
use ballast_host::link::people::{Answer, Question, Refusal, Status};
use ballast_model::Mono;
use ballast_model::time::Gap;
use ballast_words::language::Language;
use ballast_words::{guard, process};
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use talks::Talks;

/// How long the witness sleeps where nothing wakes it.
const REST: Duration = Duration::from_millis(250);

/// What it takes.
pub struct Parts {
    /// The same guard as the one that decides.
    pub mirror: Guard,
    /// What is in force.
    pub sets: Sets,
    /// Where the files lie.
    pub site: PathBuf,
    /// Keys of buses with another value.
    pub overrides: Vec<String>,
    /// What the guard does.
    pub tape: Reader,
    /// What people ask.
    pub questions: Receiver<Asked>,
    /// Programs that come.
    pub callers: Receiver<Caller>,
    /// To the thread that decides.
    pub inbox: SyncSender<News>,
    /// To the disk.
    pub keeper: Keeper,
    /// The time.
    pub clock: Arc<Clock>,
    /// The nouns that the timekeeper looks at.
    pub nouns: Nouns,
    /// Which user's program may connect.
    pub program: Arc<Mutex<Option<u32>>>,
    /// Why the memory was lost, until a person resets all.
    pub memory_lost: Option<String>,
    /// What buses told last.
    pub relay: Arc<Relay>,
    /// The witness is to end once the tape is read.
    pub is_over: Arc<std::sync::atomic::AtomicBool>,
}

/// The witness while it runs.
struct Witness {
    parts: Parts,
    out: Vec<Output>,
    talks: Talks,
    /// The program that is told every step.
    program: Option<Arc<Outbox>>,
    /// Programs that wait until files were read.
    rereading: Vec<Arc<Outbox>>,
    /// When the files were read last.
    read: Option<Instant>,
    /// Files that are being read.
    reading: Option<Receiver<librarian::Found>>,
    /// It was asked for once more meanwhile.
    is_asked_again: bool,
    started: Mono,
    /// The state differs from the one that is kept, since then.
    dirty_since: Option<Instant>,
    kept: Instant,
    /// Must be kept at once.
    is_urgent: bool,
    is_astray: bool,
}

/// Runs until it is told to end.
pub fn run(parts: Parts) {
    let capacity = parts.mirror.output_capacity();
    let started = parts.clock.now();
    let mut witness = Witness {
        out: Vec::with_capacity(capacity),
        talks: Talks::default(),
        program: None,
        rereading: Vec::new(),
        read: None,
        reading: None,
        is_asked_again: false,
        started,
        dirty_since: None,
        kept: Instant::now(),
        is_urgent: false,
        is_astray: false,
        parts,
    };
    loop {
        let is_over = witness.parts.is_over.load(std::sync::atomic::Ordering::Acquire);
        let was_busy = witness.turn();
        if is_over && !was_busy {
            break;
        }
        if !was_busy {
            std::thread::park_timeout(REST);
        }
    }
    witness.keep();
    if let Some(program) = &witness.program {
        program.finish();
    }
}

impl Witness {
    /// Takes everything that waits; whether there was anything.
    fn turn(&mut self) -> bool {
        let mut was_busy = false;
        while let Some(record) = self.parts.tape.take_record() {
            was_busy = true;
            match record {
                Ok(record) => self.follow(record),
                Err(error) => self.go_astray(&format!("a record cannot be read ({error})")),
            }
        }
        while let Ok(caller) = self.parts.callers.try_recv() {
            was_busy = true;
            match caller {
                Caller::Came(outbox) => self.welcome(outbox),
                Caller::WantsReread(outbox) => self.reread_for(outbox),
            }
        }
        while let Ok(asked) = self.parts.questions.try_recv() {
            was_busy = true;
            self.hear(asked);
        }
        if let Some(found) = self.reading.as_ref().and_then(|reading| reading.try_recv().ok()) {
            was_busy = true;
            self.reading = None;
            self.take(found);
        }
        self.talks.give_up(Instant::now());
        self.keep_in_time();
        was_busy
    }

    /// What the guard did.
    fn follow(&mut self, record: Record<'_>) {
        match record {
            Record::Step { now, inputs, digest } => self.step(now, &inputs, digest),
            Record::Replaced { now, number, confirmed } => self.replace(now, number, confirmed),
            Record::Adopted { now } => self.adopt(now),
            Record::ToldAgain => self.parts.mirror.tell_again(),
            Record::State(state) => self.begin_anew(&state),
        }
    }

    fn step(&mut self, now: Mono, inputs: &[Input], expected: u64) {
        if self.is_astray {
            return;
        }
        let mut manners = Manners::before(&self.parts.mirror);
        self.parts.mirror.step(now, inputs, &mut self.out);
        if digest(&self.out) != expected {
            self.out.clear();
            return self.go_astray("a step came out otherwise");
        }
        if let Some(program) = &self.program {
            program.send(&Packet::Step { now, inputs: Cow::Borrowed(inputs), digest: expected });
        }
        let mut said = std::mem::take(&mut self.out);
        if said.iter().any(|said| !matches!(said, Output::WakeAt(_))) || !inputs.is_empty() {
            self.dirty_since.get_or_insert_with(Instant::now);
        }
        for said in &said {
            if let Output::Event(event) = said {
                manners.see(event);
                self.tell(event);
            }
        }
        if let Some(program) = self.program.take_if(|_| manners.is_broken()) {
            program.cut();
        }
        for input in inputs {
            if let Input::Operator { who, command } = input {
                self.is_urgent = true;
                let is_refused =
                    said.iter().any(|said| matches!(said, Output::Event(event) if refuses(event, *command)));
                self.talks.done(
                    &self.parts.mirror,
                    &self.parts.keeper,
                    &self.parts.clock,
                    *who,
                    *command,
                    is_refused,
                );
            }
        }
        said.clear();
        self.out = said;
    }

    /// Writes an event into the log.
    fn tell(&mut self, event: &GuardEvent) {
        match event {
            GuardEvent::LimitLatched { .. } | GuardEvent::MaxClosed { .. } | GuardEvent::NoEffect { .. } => {
                self.is_urgent = true;
            }
            // One that latches has begun to: a guard that dies now must find it again.
            GuardEvent::LimitActed { limit, .. } => self.is_urgent |= latches(&self.parts.mirror, *limit),
            GuardEvent::WasReset { what: ResetWhat::All, .. } => {
                self.parts.memory_lost = None;
                self.is_urgent = true;
            }
            _ => {}
        }
        let mirror = &self.parts.mirror;
        let said = guard::sentence(event, mirror.safety_set(), mirror.catalog(), log::language());
        log::line(said.severity.into(), &said.text);
    }

    /// Without the guard's steps there is nothing to be said: its state is asked for.
    fn go_astray(&mut self, why: &str) {
        if !self.is_astray {
            log::tell(Weight::Alarm, |language| process::astray(why, language));
        }
        self.is_astray = true;
        self.parts.tape.ask_for_state();
    }

    /// The guard's state, where the witness was too late or had gone astray.
    fn begin_anew(&mut self, state: &[u8]) {
        let state: ballast_guard::State = match postcard::from_bytes(state) {
            Ok(state) => state,
            Err(error) => return self.go_astray(&format!("its state cannot be read ({error})")),
        };
        let at = state.saved_at;
        self.parts.mirror = self.parts.sets.guard(at);
        self.parts.mirror.restore(state, Gap::SameBoot(ballast_model::Span::ZERO), at, at);
        self.out = Vec::with_capacity(self.parts.mirror.output_capacity());
        self.is_astray = false;
        self.dirty_since.get_or_insert_with(Instant::now);
        // Steps are missing in what the program was told.
        self.show_anew();
    }

    /// The program is told anew how the guard is: what it was told until now leads no further.
    fn show_anew(&mut self) {
        if let Some(program) = self.program.take() {
            self.show(program);
        }
    }

    // ---- sets ----

    /// Another set, as far as it is in force.
    fn replace(&mut self, now: Mono, number: u32, confirmed: bool) {
        let Some(entry) = self.parts.sets.submitted(number) else {
            return self.go_astray("it took a set that nobody knows");
        };
        let replaced = entry.set.replace_in(&mut self.parts.mirror, confirmed, now);
        let answer = match (&replaced.taken, replaced.waits_for) {
            (ballast_guard::Taken::Whole, _) | (_, None) => {
                let print = self.parts.mirror.fingerprint();
                log::tell(Weight::Notice, |language| process::in_force(print, false, language));
                Answer::InForce { fingerprint: format!("{print:016x}") }
            }
            (_, Some(print)) => {
                log::tell(Weight::Warning, |language| process::waits(print, language));
                let loosenings = people::loosenings(&replaced.loosenings);
                Answer::Waits { fingerprint: format!("{print:016x}"), loosenings }
            }
        };
        self.parts.sets.took(entry, &replaced);
        self.talks.reloaded(&self.parts.keeper, &self.parts.clock, answer);
        self.changed();
    }

    fn adopt(&mut self, now: Mono) {
        if self.parts.mirror.adopt_confirmed(now).is_none() {
            return self.go_astray("it adopted a set that nobody confirmed");
        }
        self.parts.sets.confirmed();
        let print = self.parts.mirror.fingerprint();
        log::tell(Weight::Notice, |language| process::in_force(print, true, language));
        self.changed();
    }

    /// Other sets are in force or wait: they are kept, and the program is told anew.
    fn changed(&mut self) {
        self.out = Vec::with_capacity(self.parts.mirror.output_capacity());
        self.is_urgent = true;
        self.dirty_since.get_or_insert_with(Instant::now);
        if !self.parts.keeper.sets(self.parts.sets.kept()) {
            log::tell(Weight::Warning, |language| process::disk_slow(language).to_owned());
        }
        *self.parts.nouns.lock().unwrap_or_else(PoisonError::into_inner) = self.parts.sets.catalog();
        let program = self.parts.sets.program();
        *self.parts.program.lock().unwrap_or_else(PoisonError::into_inner) = program;
        for outbox in self.rereading.drain(..) {
            outbox.send(&Packet::Reread(Reread::Changed));
        }
        self.show_anew();
    }

    /// Has the files read; what is found comes later.
    fn reread(&mut self) -> Result<(), String> {
        if self.reading.is_some() {
            // What is being read may be what was there before.
            self.is_asked_again = true;
            return Ok(());
        }
        let (found, reading) = sync_channel(1);
        let (site, overrides) = (self.parts.site.clone(), self.parts.overrides.clone());
        let witness = std::thread::current();
        let pause = self.read.map_or(Duration::ZERO, |read| REREAD_PACE.saturating_sub(read.elapsed()));
        self.read = Some(Instant::now() + pause);
        std::thread::Builder::new()
            .name("librarian".into())
            .spawn(move || {
                std::thread::sleep(pause);
                // Nobody waits when the process ends.
                let _ = found.send(librarian::read(&site, &overrides));
                witness.unpark();
            })
            .map_err(|error| error.to_string())?;
        self.reading = Some(reading);
        Ok(())
    }

    /// The files were read.
    fn take(&mut self, found: librarian::Found) {
        if std::mem::take(&mut self.is_asked_again) && self.reread().is_ok() {
            return;
        }
        let (answer, reread) = match found {
            Err(report) => {
                log::tell(Weight::Warning, |language| process::not_taken(&report, language));
                (Answer::Refused(Refusal::Mistakes { report: report.clone() }), Reread::Refused { report })
            }
            Ok(prepared) if self.parts.sets.is_known(&prepared.set) => (Answer::Unchanged, Reread::Same),
            Ok(prepared) => match self.parts.sets.submit(&prepared) {
                Ok(number) => {
                    let change = News::Change(Box::new(Change { prepared, number }));
                    // The thread that decides takes it in its turn; the answer follows from what it makes of it.
                    if self.parts.inbox.send(change).is_ok() {
                        return;
                    }
                    (Answer::Refused(Refusal::Late), Reread::Same)
                }
                Err(count) => {
                    log::tell(Weight::Warning, |language| process::too_many_wait(count, language));
                    // The program and the audit log keep English.
                    let report = process::too_many_wait(count, Language::En);
                    (
                        Answer::Refused(Refusal::Mistakes { report: report.clone() }),
                        Reread::Refused { report },
                    )
                }
            },
        };
        self.talks.reloaded(&self.parts.keeper, &self.parts.clock, answer);
        for outbox in self.rereading.drain(..) {
            outbox.send(&Packet::Reread(reread.clone()));
        }
    }

    fn reread_for(&mut self, outbox: Arc<Outbox>) {
        match self.reread() {
            Ok(()) if self.rereading.iter().any(|other| Arc::ptr_eq(other, &outbox)) => {}
            Ok(()) => self.rereading.push(outbox),
            Err(report) => outbox.send(&Packet::Reread(Reread::Refused { report })),
        }
    }

    // ---- the program ----

    /// Takes up a program that has come; one that was there before is let go.
    fn welcome(&mut self, outbox: Arc<Outbox>) {
        if let Some(before) = self.program.take() {
            before.finish();
        }
        let stamp = self.parts.clock.stamp();
        outbox.send(&Packet::Welcome(Welcome {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            boot: stamp.boot,
            started: self.started,
        }));
        self.show(outbox);
    }

    /// Shows a program the guard as it is, and from then on every step.
    fn show(&mut self, outbox: Arc<Outbox>) {
        if self.is_astray {
            // It comes again.
            return outbox.finish();
        }
        let portrait = Portrait {
            sets: self.parts.sets.in_force(),
            waiting: self.parts.sets.waiting(),
            overrides: self.parts.overrides.clone(),
            state: self.parts.mirror.save(),
        };
        match portrait.write() {
            Ok(bytes) => Portrait::parts(&bytes).for_each(|part| outbox.send(&part)),
            Err(error) => {
                let error = error.to_string();
                log::tell(Weight::Alarm, |language| process::untellable(&error, language));
                return outbox.close();
            }
        }
        self.parts.relay.begin(&outbox, self.parts.sets.definitions());
        self.program = Some(outbox);
    }

    // ---- people ----

    fn hear(&mut self, asked: Asked) {
        let guard = &self.parts.mirror;
        if asked.question == Question::Status {
            let _ = asked.reply.try_send(Answer::Status(Box::new(self.status())));
            return;
        }
        if self.is_astray {
            let _ = asked.reply.try_send(Answer::Refused(Refusal::Late));
            return;
        }
        if !people::may(guard, asked.uid, &asked.user) {
            let refusal = people::not_allowed(guard, &asked.user);
            return self.talks.answer(&self.parts.keeper, &self.parts.clock, asked, Answer::Refused(refusal));
        }
        if asked.question == Question::Reload {
            return match self.reread() {
                Ok(()) => self.talks.wait_for_files(asked),
                Err(report) => {
                    let refusal = Refusal::Mistakes { report };
                    self.talks.answer(&self.parts.keeper, &self.parts.clock, asked, Answer::Refused(refusal));
                }
            };
        }
        match people::plan(guard, &asked.question) {
            Err(refusal) => {
                self.talks.answer(&self.parts.keeper, &self.parts.clock, asked, Answer::Refused(refusal))
            }
            Ok(plan) => {
                let who = ballast_guard::Who::new(&asked.user);
                for command in &plan.commands {
                    if self.parts.inbox.try_send(News::Person { who, command: *command }).is_err() {
                        let late = Answer::Refused(Refusal::Late);
                        return self.talks.answer(&self.parts.keeper, &self.parts.clock, asked, late);
                    }
                }
                self.talks.wait_for(asked, who, plan);
            }
        }
    }

    fn status(&self) -> Status {
        let guard = &self.parts.mirror;
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            site: guard.catalog().site.to_string(),
            running_s: self.parts.clock.now().since(self.started).secs_f64(),
            fingerprint: format!("{:016x}", guard.fingerprint()),
            waits_for: guard.waits_for().map(|print| format!("{print:016x}")),
            loosenings: people::loosenings(self.parts.sets.loosenings()),
            has_session: guard.hears_engine(),
            memory_lost: self.parts.memory_lost.clone(),
            outputs: people::outputs(guard),
        }
    }

    // ---- what is kept ----

    fn keep_in_time(&mut self) {
        let pace = if self.is_urgent { Duration::ZERO } else { STATE_PACE };
        let is_due = self.dirty_since.is_some() && self.kept.elapsed() >= pace;
        if is_due || self.kept.elapsed() >= STATE_PACE_MOST {
            self.keep();
        }
    }

    fn keep(&mut self) {
        if self.is_astray {
            return;
        }
        let state = KeptState {
            stamp: self.parts.clock.stamp(),
            state: self.parts.mirror.save(),
            memory_lost: self.parts.memory_lost.clone(),
        };
        self.kept = Instant::now();
        if self.parts.keeper.state(state) {
            self.dirty_since = None;
            self.is_urgent = false;
        }
    }
}

/// Whether a person must reset this limit after it acted.
fn latches(guard: &Guard, limit: u16) -> bool {
    let limit = guard.safety_set().limits.get(usize::from(limit));
    limit.is_some_and(|limit| matches!(limit.action, LimitAction::Force { latch: true, .. }))
}

/// Whether an event says that the guard did not do what a person asked.
fn refuses(event: &GuardEvent, command: OperatorCommand) -> bool {
    match (event, command) {
        (GuardEvent::ResetRefused { what, .. }, OperatorCommand::Reset(asked)) => *what == asked,
        (GuardEvent::ConfirmRefused { fingerprint, .. }, OperatorCommand::Confirm(asked)) => {
            *fingerprint == asked
        }
        (GuardEvent::ArmRefused { output, .. }, OperatorCommand::Arm(asked)) => *output == asked,
        (GuardEvent::DisarmRefused { output, .. }, OperatorCommand::Disarm { output: asked, .. }) => {
            *output == asked
        }
        _ => false,
    }
}
