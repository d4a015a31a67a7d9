//! Persons who wait for what becomes of their word. Each word goes into the audit log before its answer goes out.

use crate::keeper::Keeper;
use crate::limits::ANSWER_PATIENCE;
use crate::people::desk::Asked;
use crate::people::{self, Plan};
use ballast_guard::{Guard, OperatorCommand, Who};
use ballast_host::Clock;
use ballast_host::link::people::{Answer, Refusal};
use serde::Serialize;
use std::time::Instant;

/// Who waits.
#[derive(Default)]
pub(super) struct Talks {
    waiting: Vec<Waiting>,
    for_files: Vec<(Asked, Instant)>,
}

struct Waiting {
    asked: Asked,
    who: Who,
    plan: Plan,
    /// Commands that the guard has taken.
    done: usize,
    is_refused: bool,
    since: Instant,
}

/// A line of the audit log.
#[derive(Serialize)]
struct Line<'a> {
    /// Milliseconds since 1970, UTC.
    utc_ms: i64,
    /// Whether somebody answers for that clock.
    utc_is_trusted: bool,
    /// Nanoseconds on the monotonic clock.
    mono_ns: u64,
    user: &'a str,
    uid: u32,
    question: &'a ballast_host::link::people::Question,
    answer: &'a Answer,
}

impl Talks {
    /// One waits until the guard has taken his commands.
    pub(super) fn wait_for(&mut self, asked: Asked, who: Who, plan: Plan) {
        self.waiting.push(Waiting { asked, who, plan, done: 0, is_refused: false, since: Instant::now() });
    }

    /// One waits until the files were read.
    pub(super) fn wait_for_files(&mut self, asked: Asked) {
        self.for_files.push((asked, Instant::now()));
    }

    /// The guard has taken a command.
    pub(super) fn done(
        &mut self,
        guard: &Guard,
        keeper: &Keeper,
        clock: &Clock,
        who: Who,
        command: OperatorCommand,
        is_refused: bool,
    ) {
        let is_next = |talk: &Waiting| talk.who == who && talk.plan.commands.get(talk.done) == Some(&command);
        let Some(place) = self.waiting.iter().position(is_next) else { return };
        let Some(talk) = self.waiting.get_mut(place) else { return };
        talk.done += 1;
        talk.is_refused |= is_refused;
        if talk.done == talk.plan.commands.len() {
            let Waiting { asked, plan, is_refused, .. } = self.waiting.swap_remove(place);
            let answer = people::conclude(guard, &asked.question, plan, is_refused);
            self.answer(keeper, clock, asked, answer);
        }
    }

    /// The files were read.
    pub(super) fn reloaded(&mut self, keeper: &Keeper, clock: &Clock, answer: Answer) {
        for (asked, _) in std::mem::take(&mut self.for_files) {
            self.answer(keeper, clock, asked, answer.clone());
        }
    }

    /// Writes down who asked what and what became of it, and answers then.
    pub(super) fn answer(&self, keeper: &Keeper, clock: &Clock, asked: Asked, answer: Answer) {
        let stamp = clock.stamp();
        let line = serde_json::to_string(&Line {
            utc_ms: stamp.utc.millis(),
            utc_is_trusted: stamp.trusted,
            mono_ns: stamp.mono.nanos(),
            user: &asked.user,
            uid: asked.uid,
            question: &asked.question,
            answer: &answer,
        });
        let reply = asked.reply;
        let then = move |_written: std::io::Result<()>| {
            // Who went away does not matter. A disk that takes nothing was told in the log; the answer is true all the same.
            let _ = reply.try_send(answer);
        };
        keeper.audit(line.unwrap_or_default(), Box::new(then));
    }

    /// Who has waited too long is told so.
    pub(super) fn give_up(&mut self, now: Instant) {
        let is_late = |since: Instant| now.duration_since(since) > ANSWER_PATIENCE;
        let tell = |asked: &Asked| {
            // Who went away does not matter.
            let _ = asked.reply.try_send(Answer::Refused(Refusal::Late));
        };
        self.waiting.iter().filter(|talk| is_late(talk.since)).for_each(|talk| tell(&talk.asked));
        self.waiting.retain(|talk| !is_late(talk.since));
        self.for_files.iter().filter(|(_, since)| is_late(*since)).for_each(|(asked, _)| tell(asked));
        self.for_files.retain(|(_, since)| !is_late(*since));
    }
}
