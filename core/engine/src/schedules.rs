//! `every` and `at`: bodies that run at moments.
//!
//! `every` counts on the monotonic clock from when it was first loaded, keeps its pace over outages whose length is known,
//! and does not care what time it is. `at` needs a trusted wall clock. A moment that a jump of the clock or an outage passed
//! over is made up for when it is not older than [`SCHEDULE_CATCH_UP`], else told and skipped; a moment that ran does not run
//! again when the clock goes back.

use crate::agenda::Task;
use crate::arbitrate::Claim;
use crate::bodies::{Asked, Bodies, BodyOutcome};
use crate::commands::Changer;
use crate::events::{Event, Output, Runner, Source};
use crate::limits::SCHEDULE_CATCH_UP;
use crate::machine::Core;
use crate::plan::{Plan, SCHEDULE_PRIORITY, SchedulePlan, Timing};
use crate::running::refused_by_kind;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ballast_model::time::Gap;
use ballast_model::{Authority, Mono, Span, Utc, almanac};

/// Where no next moment is in sight, as with `at "sunset"` near the poles, it is looked for again after this long: less
/// than the days that [`almanac::around`] looks ahead.
const LOOK_AGAIN: Span = Span::from_secs(86_400);

/// What the engine keeps of one schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ScheduleLife {
    /// `every`: when it runs next.
    pub(crate) next: Option<Mono>,
    /// `at`: when it runs next; `None` until the clock can be trusted.
    pub(crate) next_utc: Option<Utc>,
    /// `at`: the moment for which it ran last.
    pub(crate) last_utc: Option<Utc>,
    /// Failures in a row.
    pub(crate) failures: u32,
}

impl Core {
    /// Plans every schedule anew: at the start, and when the wall clock was set.
    pub(crate) fn plan_schedules(&mut self, plan: &Plan) {
        for index in 0..plan.schedules.len() as u32 {
            self.plan_schedule(plan, index);
        }
    }

    /// After an outage: what `every` was about to do, it does in its old pace.
    pub(crate) fn resume_schedules(&mut self, gap: Gap, saved_at: Mono) {
        let now = self.world.now;
        for (index, (life, schedule)) in self.schedules.iter_mut().zip(&self.plan.schedules).enumerate() {
            let Timing::Every(span) = schedule.timing else { continue };
            let found = life.next.and_then(|next| resumed(next, span, gap, saved_at, now));
            life.next = found.map(|resumed| resumed.next);
            if found.is_some_and(|resumed| resumed.is_one_missed) {
                self.news.push(Event::ScheduleMissed { schedule: index as u32 });
            }
        }
    }

    fn plan_schedule(&mut self, plan: &Plan, index: u32) {
        let place = index as usize;
        let (Some(schedule), Some(life)) = (plan.schedules.get(place), self.schedules.get_mut(place)) else {
            return;
        };
        let now = self.world.now;
        let moment = match &schedule.timing {
            Timing::Every(span) => *life.next.get_or_insert(now.after(*span)),
            Timing::At(_) | Timing::Daily(_) => match self.world.wall.utc(now) {
                None => Mono::MAX,
                Some(utc) => {
                    // One that has passed is due. One ahead is found anew: the clock may have gone back over others.
                    if life.next_utc.is_none_or(|next| next > utc) {
                        life.next_utc = next_after(plan, schedule, life.last_utc, utc);
                    }
                    life.next_utc.map_or(now.after(LOOK_AGAIN), |next| self.world.wall.mono(next))
                }
            },
        };
        self.agenda.set(Task::Schedule(index), moment);
    }

    /// Runs the schedules whose moment has come.
    pub(crate) fn run_schedules(
        &mut self,
        bodies: &mut dyn Bodies,
        plan: &Plan,
        due: &mut Vec<u32>,
        out: &mut Vec<Output>,
    ) {
        due.sort_unstable();
        for index in due.drain(..) {
            let place = index as usize;
            let (Some(schedule), Some(life)) = (plan.schedules.get(place), self.schedules.get_mut(place))
            else {
                continue;
            };
            let now = self.world.now;
            let is_time = match &schedule.timing {
                Timing::Every(span) => {
                    let is_time = life.next.is_some_and(|next| next <= now);
                    if is_time {
                        life.next = life.next.map(|next| following(next, *span, now));
                    }
                    is_time
                }
                Timing::At(_) | Timing::Daily(_) => match (self.world.wall.utc(now), life.next_utc) {
                    (Some(utc), Some(next)) if next <= utc => {
                        life.next_utc = None;
                        let is_fresh = utc.since(next) <= SCHEDULE_CATCH_UP;
                        if is_fresh {
                            life.last_utc = Some(next);
                        } else {
                            out.push(Output::Event(Event::ScheduleMissed { schedule: index }));
                        }
                        is_fresh
                    }
                    _ => false,
                },
            };
            self.plan_schedule(plan, index);
            if is_time {
                self.run_schedule(bodies, plan, index, out);
            }
        }
    }

    fn run_schedule(&mut self, bodies: &mut dyn Bodies, plan: &Plan, index: u32, out: &mut Vec<Output>) {
        let Some(schedule) = plan.schedules.get(index as usize) else { return };
        out.push(Output::Event(Event::ScheduleRan { schedule: index }));
        let mut asked = core::mem::take(&mut self.asked);
        let outcome = self.run(bodies, schedule.body, None, None, &mut asked);
        let failure = match outcome {
            BodyOutcome::Done => refused(plan, &asked).map(|message| (message, schedule.place.clone())),
            BodyOutcome::Unknown(point) => {
                let is_too_short = self.world.snapshot.known(point, self.world.now).is_some();
                let point = plan.catalog.point(point).map(|_| point);
                out.push(Output::Event(Event::ScheduleUnknown { schedule: index, point, is_too_short }));
                self.asked = asked;
                return;
            }
            BodyOutcome::Failed { message, place } => Some((message, place)),
        };
        let runner = Runner::Schedule(index);
        if let Some(life) = self.schedules.get_mut(index as usize) {
            life.failures = if failure.is_some() { life.failures.saturating_add(1) } else { 0 };
        }
        match failure {
            Some((message, place)) => {
                let in_a_row = self.schedules.get(index as usize).map_or(0, |life| life.failures);
                out.push(Output::Event(Event::BodyFailed { runner, message, place, in_a_row }));
            }
            None => self.carry_out(plan, index, &mut asked, out),
        }
        self.asked = asked;
    }

    /// Does what a schedule's body asked.
    fn carry_out(&mut self, plan: &Plan, index: u32, asked: &mut Asked, out: &mut Vec<Output>) {
        let runner = Runner::Schedule(index);
        for notice in asked.notices.drain(..) {
            out.push(Output::Event(Event::NoticeRaised { runner, notice }));
        }
        for record in asked.records.drain(..) {
            out.push(Output::Event(Event::Record { runner, record }));
        }
        for (campaign, start) in asked.campaigns.drain(..) {
            out.push(Output::Event(Event::CampaignAsked { runner, campaign, start }));
        }
        for (point, value) in asked.settings.drain(..) {
            let done = self.set_setting(plan, point, value, &Changer::Runner(runner), out);
            self.tell_refusal(plan, index, done, out);
        }
        if let Some(word) = asked.mode.take() {
            let done = self.set_mode(plan, word, &Changer::Runner(runner), out);
            self.tell_refusal(plan, index, done, out);
        }
        let request = self.outputs.next_request();
        let now = self.world.now;
        for asks in asked.requests.drain(..) {
            let claim = Claim {
                authority: Authority::Rule(SCHEDULE_PRIORITY),
                source: Source::Schedule(index),
                wanted: asks.wanted,
                request,
                since: now,
                until: asks.lasting.map(|span| now.after(span)),
                who: None,
            };
            self.outputs.claim(asks.output, claim);
        }
    }

    fn tell_refusal(
        &self,
        plan: &Plan,
        index: u32,
        done: Result<(), crate::input::Refusal>,
        out: &mut Vec<Output>,
    ) {
        let (Err(refusal), Some(schedule)) = (done, plan.schedules.get(index as usize)) else { return };
        out.push(Output::Event(Event::CommandRefused { who: schedule.name.clone(), refusal }));
    }
}

/// The next moment of `every` after `now`, in step with the ones before.
fn following(next: Mono, span: Span, now: Mono) -> Mono {
    let period = span.nanos().max(1);
    let missed = now.since(next).nanos() / period;
    next.after(Span::from_nanos(period).times(missed.saturating_add(1)))
}

/// How an `every` goes on after an outage.
#[derive(Clone, Copy)]
struct Resumed {
    next: Mono,
    /// The last moment within the outage is too old to be made up for.
    is_one_missed: bool,
}

/// An `every` after an outage, in its old pace. Of the moments within the outage the last one is made up for, if it is fresh
/// enough. `None` where nobody knows how long the outage was: then it begins anew.
fn resumed(next: Mono, span: Span, gap: Gap, saved_at: Mono, now: Mono) -> Option<Resumed> {
    let (late, ahead) = match gap {
        Gap::SameBoot(_) => (now.since(next), next.since(now)),
        Gap::OtherBoot(length) => (length.minus(next.since(saved_at)), next.since(saved_at).minus(length)),
        Gap::Unknown => return None,
    };
    if late == Span::ZERO {
        return Some(Resumed { next: now.after(ahead), is_one_missed: false });
    }
    let period = Span::from_nanos(span.nanos().max(1));
    let since_last = Span::from_nanos(late.nanos() % period.nanos());
    if since_last <= SCHEDULE_CATCH_UP {
        // A clock that began with the boot may be younger than that moment: it is due all the same.
        return Some(Resumed { next: now.before(since_last), is_one_missed: false });
    }
    Some(Resumed { next: now.after(period.minus(since_last)), is_one_missed: true })
}

/// The first moment of `at` after the present one, and after the one that ran last where the clock went back a little.
fn next_after(plan: &Plan, schedule: &SchedulePlan, last: Option<Utc>, now: Utc) -> Option<Utc> {
    let is_near = |last: &Utc| last.since(now) <= SCHEDULE_CATCH_UP.plus(SCHEDULE_CATCH_UP);
    let from = last.filter(is_near).map_or(now, |last| last.max(now));
    match &schedule.timing {
        Timing::Every(_) => None,
        Timing::At(pattern) => pattern.next_after(from),
        Timing::Daily(time) => almanac::around(&plan.catalog.zone, plan.catalog.place, from, *time).1,
    }
}

/// What a schedule may not ask; `None` when all is well.
fn refused(plan: &Plan, asked: &Asked) -> Option<String> {
    if asked.requests.iter().any(|request| request.lasting.is_none()) {
        return Some("a schedule can only ask for a time: `close(pump, \"10min\")`".to_string());
    }
    if !asked.sheds.is_empty() {
        return Some("a schedule cannot shed: a rule can".to_string());
    }
    refused_by_kind(&plan.catalog, asked)
}
