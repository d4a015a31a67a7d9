//! One set of rules through the whole past, and what it did.

use super::field::{self, Past, Telling};
use super::source::SampleSource;
use crate::report::language::Language;
use crate::runtime::decision::Decision;
use crate::runtime::opening::OpenField;
use crate::runtime::recorder::Heard;
use crate::site::{Built, Refused, Texts, build_adapted, build_unopened};
use crate::testing::trial::start_fleeting;
use ballast_config::load::Site;
use ballast_history::Severity;
use ballast_host::Clock;
use ballast_model::{Finite, Mono, OutputId, Span, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Turns without time going on after which a set that is never quiet is given up.
const TURNS_MAX: u32 = 10_000;
/// Switchings of one output of which the reason is kept; later ones are only counted.
const REASONS_MAX: usize = 100_000;

/// An output was told something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switching {
    /// When.
    pub at: Mono,
    /// What.
    pub wanted: Wanted,
    /// The reason that `ballast why` gave then.
    pub why: String,
}

/// What one set did.
#[derive(Debug, Default)]
pub struct Account {
    /// Of each output, in the order of time.
    pub switchings: BTreeMap<OutputId, Vec<Switching>>,
    /// How often the guard did something else than it was asked for.
    pub interventions: u64,
    /// Alarms that were raised.
    pub alarms: u64,
    /// The first moment, and its last one.
    pub begin: Mono,
    /// The last moment.
    pub end: Mono,
}

impl Account {
    /// How long an output was closed, or away from `safe` where it is a setpoint.
    pub fn engaged(&self, output: OutputId, safe: Wanted) -> Span {
        let spans = self.spans(output).filter(|(wanted, _)| is_engaged(*wanted, safe));
        spans.fold(Span::ZERO, |sum, (_, span)| sum.plus(span))
    }

    /// How often an output closed, or left `safe`.
    pub fn cycles(&self, output: OutputId, safe: Wanted) -> usize {
        let states = self.spans(output).map(|(wanted, _)| is_engaged(wanted, safe));
        let mut was = false;
        states.filter(|is| !std::mem::replace(&mut was, *is) && *is).count()
    }

    /// Energy that went through an output, J: the rated power of a contact while it is closed, the amount of a setpoint in
    /// watts. `None` where no power is known.
    pub fn energy(&self, output: OutputId, rated: Option<Finite>) -> Option<f64> {
        self.spans(output)
            .map(|(wanted, span)| match wanted {
                Wanted::Contact(_) if wanted == Wanted::CLOSED => {
                    rated.map(|watts| watts.get() * span.secs_f64())
                }
                Wanted::Contact(_) => rated.map(|_| 0.0),
                Wanted::Level(watts) => Some(watts.get().abs() * span.secs_f64()),
            })
            .try_fold(0.0, |sum, joules| Some(sum + joules?))
    }

    fn spans(&self, output: OutputId) -> impl Iterator<Item = (Wanted, Span)> + '_ {
        let list = self.switchings.get(&output).map_or(&[][..], Vec::as_slice);
        let ends = list.iter().skip(1).map(|next| next.at).chain([self.end]);
        list.iter().zip(ends).map(|(one, end)| (one.wanted, end.since(one.at)))
    }
}

/// Whether an output is closed, or away from `safe` where it is a setpoint.
pub(crate) fn is_engaged(wanted: Wanted, safe: Wanted) -> bool {
    match wanted {
        Wanted::Contact(_) => wanted == Wanted::CLOSED,
        Wanted::Level(_) => wanted != safe,
    }
}

/// Takes a set through the past. `done` is set to the moments that have passed, for who waits.
///
/// # Errors
/// The set has mistakes.
pub fn run(
    texts: &Texts,
    source: &Arc<dyn SampleSource>,
    language: Language,
    done: &AtomicUsize,
) -> Result<Account, Refused> {
    let Some((first, last)) = source.range() else { return Ok(Account::default()) };
    let built = build_unopened(texts)?;
    let ages = built.running.plan.points_by_age();
    let settle = |site: &mut Site| field::settle(site, source.step(), |point| ages.contains(&point));
    let built = build_adapted(texts, &settle)?;
    let clock = Arc::new(Clock::made_up(first));
    let begin = clock.now();
    let Some(past) = Past::new(Arc::clone(source), begin, &built.running) else {
        return Ok(Account::default());
    };
    let length = u64::try_from(last.millis().saturating_sub(first.millis())).unwrap_or_default();
    let end = begin.after(Span::from_millis(length));
    let alarms = Arc::new(AtomicU64::new(0));
    let heard = Arc::clone(&alarms);
    let listen = Box::new(move |heard_now: Heard<'_>| {
        if matches!(heard_now, Heard::Told(_, told) if told.severity >= Severity::Alarm) {
            heard.fetch_add(1, Ordering::Relaxed);
        }
    });
    let opener = past.clone();
    let open: Box<OpenField> = Box::new(move |built: &mut Built, _| opener.field(built.running.definitions));
    let mut decision = start_fleeting(built, texts, open, clock, listen);
    // Nobody asks between two turns, and of what the engine makes only the guard looks at some.
    let others = decision.carrier.guard.reported().to_vec();
    decision.engine.let_wait(&others);
    decision.carrier.link.renew_seldom();
    let mut account = Account { begin, end, ..Account::default() };
    go(&mut decision, &past, end, language, &mut account, done);
    account.interventions = decision.carrier.guard.counters().interventions;
    account.alarms = alarms.load(Ordering::Relaxed);
    Ok(account)
}

fn go(
    decision: &mut Decision,
    past: &Past,
    end: Mono,
    language: Language,
    account: &mut Account,
    done: &AtomicUsize,
) {
    let mut tellings = Vec::new();
    let mut turns = 0;
    let mut now = decision.carrier.clock.now();
    while now < end && turns < TURNS_MAX {
        decision.go_on();
        past.take_tellings(&mut tellings);
        for telling in &tellings {
            note(decision, telling, language, account);
        }
        let before = std::mem::replace(&mut now, decision.carrier.clock.now());
        turns = if now > before { 0 } else { turns + 1 };
        done.store(past.done(), Ordering::Relaxed);
    }
}

fn note(decision: &Decision, telling: &Telling, language: Language, account: &mut Account) {
    let list = account.switchings.entry(telling.output).or_default();
    let why =
        if list.len() < REASONS_MAX { reason(decision, telling.output, language) } else { String::new() };
    list.push(Switching { at: telling.at, wanted: telling.wanted, why });
}

/// The reason that `ballast why` gives now for what an output is told; nothing where the guard has not judged it yet.
pub(crate) fn reason(decision: &Decision, output: OutputId, language: Language) -> String {
    let verdict = decision.carrier.guard.verdict(output);
    verdict.map(|verdict| decision.moment(language).reason(output, verdict)).unwrap_or_default()
}
