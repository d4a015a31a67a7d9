//! The observer of the engine: rules that count on a clock of their own, nights, daily events, bodies that never fail.

use super::super::site::{LEVEL, Places, Set, TANK};
use super::nights::{Daily, is_night};
use super::readings::Readings;
use ballast_engine::{EndReason, Event, Input};
use ballast_model::time::{Gap, Wall};
use ballast_model::{Mono, Span};

/// An outage over which `for` goes on.
const BRIDGED: Span = Span::from_secs(3_600);
/// How long a rule that just ended may rest before it starts again, with room.
const REST: Span = Span::from_secs(2);
/// How long a clock must have been left alone before the instants of a night are held against it: longer than a value
/// may stay unknown.
const ALONE: Span = Span::from_secs(30);

/// When a rule starts and ends, as its text says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Text {
    point: usize,
    below: f64,
    hold: Span,
    above: f64,
    until_hold: Span,
    patience: Span,
}

const NAMES: [&str; 2] = ["warm up", "fill"];

fn text(rules: usize, index: usize) -> Text {
    let seconds = Span::from_secs;
    let warm = Text {
        point: TANK,
        below: 50.0,
        hold: seconds(20),
        above: 65.0,
        until_hold: seconds(5),
        patience: seconds(10),
    };
    let fill = Text {
        point: LEVEL,
        below: 40.0,
        hold: seconds(10),
        above: 80.0,
        until_hold: seconds(5),
        patience: seconds(5),
    };
    match (rules, index) {
        (1, 0) => Text { hold: seconds(40), ..warm },
        (1, _) => Text { above: 70.0, until_hold: seconds(8), ..fill },
        (_, 0) => warm,
        _ => fill,
    }
}

/// One rule, as it is seen from outside.
#[derive(Clone, Copy, Debug, Default)]
struct Life {
    index: Option<u32>,
    is_active: bool,
    when_since: Option<Mono>,
    until_since: Option<Mono>,
    unknown_since: Option<Mono>,
    rests_until: Mono,
    /// After an outage, progress waits for the first known value, until then.
    waits_until: Option<Mono>,
}

impl Life {
    fn look(&mut self, text: &Text, value: Option<f64>, now: Mono) {
        let has_progress = self.when_since.is_some() || self.until_since.is_some();
        if self.waits_until.is_some_and(|limit| value.is_none() && now < limit && has_progress) {
            // Nothing is known since the outage.
        } else {
            self.waits_until = None;
            let holds = |since: Option<Mono>, is_so: bool| is_so.then(|| since.unwrap_or(now));
            let is_below = value.is_some_and(|value| value < text.below);
            let is_above = value.is_some_and(|value| value > text.above);
            self.when_since = holds(self.when_since, is_below && !self.is_active);
            self.until_since = holds(self.until_since, is_above && self.is_active);
        }
        self.unknown_since = (value.is_none() && self.is_active).then(|| self.unknown_since.unwrap_or(now));
    }

    fn starts(&mut self, text: &Text, now: Mono) -> Result<(), &'static str> {
        let is_time = self.when_since.is_some_and(|since| now >= since.after(text.hold));
        let was_active = self.is_active;
        *self = Self { index: self.index, is_active: true, ..Self::default() };
        match (was_active, is_time) {
            (true, _) => Err("starts although it is active"),
            (_, false) => Err("starts before its time"),
            _ => Ok(()),
        }
    }

    fn ends(&mut self, text: &Text, reason: EndReason, now: Mono) -> Result<(), &'static str> {
        let was = *self;
        *self = Self { index: self.index, rests_until: now.after(REST), ..Self::default() };
        let is_time = match reason {
            EndReason::Until => was.until_since.is_some_and(|since| now >= since.after(text.until_hold)),
            EndReason::Unknown => was.unknown_since.is_some_and(|since| now >= since.after(text.patience)),
            EndReason::Removed => true,
            _ => return Err("ends for a reason that it cannot have"),
        };
        if !was.is_active {
            return Err("ends although it is not active");
        }
        if is_time { Ok(()) } else { Err("ends before its time") }
    }

    /// What must have happened by now.
    fn rest(&self, text: &Text, now: Mono) -> Result<(), &'static str> {
        let is_over = |since: Option<Mono>, hold: Span| since.is_some_and(|since| now > since.after(hold));
        if self.index.is_none() || self.waits_until.is_some() {
            return Ok(());
        }
        if !self.is_active && is_over(self.when_since, text.hold) && now > self.rests_until {
            return Err("did not start at its time");
        }
        if self.is_active && is_over(self.until_since, text.until_hold) {
            return Err("did not end at its time");
        }
        if self.is_active && is_over(self.unknown_since, text.patience) {
            return Err("did not end although it is unknown for too long");
        }
        Ok(())
    }
}

/// The observer of the engine.
#[derive(Clone, Debug)]
pub(in crate::simulation::storm) struct ProgramWatch {
    now: Mono,
    readings: Readings,
    rules: usize,
    lives: [Life; NAMES.len()],
    night: Option<u32>,
    is_night_active: bool,
    schedules: [(Option<u32>, Daily); 2],
    wall: Wall,
    /// Since when neither the clock nor the program was disturbed.
    alone_since: Mono,
    seen_utc: Option<i64>,
    pub(in crate::simulation::storm) checks: u64,
}

impl ProgramWatch {
    /// The engine begins and remembers nothing.
    pub(in crate::simulation::storm) fn new(now: Mono) -> Self {
        Self {
            now,
            readings: Readings::default(),
            rules: 0,
            lives: [Life::default(); NAMES.len()],
            night: None,
            is_night_active: false,
            schedules: [(None, Daily::new(150)), (None, Daily::new(180))],
            wall: Wall::UNKNOWN,
            alone_since: now,
            seen_utc: None,
            checks: 0,
        }
    }

    /// The engine runs this set from now on. Where a rule's condition is another one, its times begin anew.
    pub(in crate::simulation::storm) fn runs(&mut self, set: &Set, rules: usize, now: Mono) {
        for (place, life) in self.lives.iter_mut().enumerate() {
            life.index = NAMES.get(place).and_then(|name| set.rule(name));
            if text(rules, place) != text(self.rules, place) {
                (life.when_since, life.until_since) = (None, None);
            }
            if life.index.is_none() {
                *life = Life::default();
            }
        }
        self.rules = rules;
        self.night = set.rule("night");
        for ((index, _), name) in self.schedules.iter_mut().zip(["02:30", "03:00"]) {
            *index = set.schedule(name);
        }
        (self.alone_since, self.seen_utc) = (now, None);
    }

    /// The engine goes on from what was kept beside this memory.
    pub(in crate::simulation::storm) fn restart(mut self, gap: Gap, now: Mono) -> Self {
        self.now = now;
        self.readings.restart(gap.is_power_cut());
        if gap.is_power_cut() {
            self.wall = Wall::UNKNOWN;
        }
        for life in &mut self.lives {
            if gap.length() > BRIDGED {
                life.when_since = None;
            }
            if gap.is_power_cut() {
                life.until_since = None;
            }
            life.unknown_since = life.is_active.then_some(now);
            life.rests_until = now.after(REST);
            let has_progress = life.when_since.is_some() || life.until_since.is_some();
            life.waits_until = has_progress.then(|| now.after(BRIDGED.minus(gap.length())));
        }
        (self.alone_since, self.seen_utc) = (now, None);
        self
    }

    /// What the engine is given in a step.
    pub(in crate::simulation::storm) fn hear(&mut self, now: Mono, inputs: &[Input], places: &Places) {
        self.now = now;
        for input in inputs {
            match input {
                Input::Sample(sample) => {
                    if let Some(point) = places.measured(sample.point) {
                        self.readings.hear(point, sample);
                    }
                }
                Input::Wall(wall) => {
                    self.wall = *wall;
                    (self.alone_since, self.seen_utc) = (now, None);
                }
                Input::Verdict(_) | Input::Command(_) => {}
            }
        }
        for (place, life) in self.lives.iter_mut().enumerate().filter(|(_, life)| life.index.is_some()) {
            let text = text(self.rules, place);
            life.look(&text, self.readings.known(text.point, now), now);
        }
        if let Some(utc) = self.wall.utc(now) {
            self.schedules.iter_mut().for_each(|(_, daily)| daily.see(utc.millis()));
        }
    }

    /// Whether it is one of the daily events.
    pub(in crate::simulation::storm) fn is_daily(&self, event: &Event) -> bool {
        let Event::ScheduleRan { schedule } = event else { return false };
        self.schedules.iter().any(|(index, _)| *index == Some(*schedule))
    }

    /// The engine says that something happened.
    ///
    /// # Errors
    /// Which promise it breaks.
    pub(in crate::simulation::storm) fn event(&mut self, event: &Event) -> Result<(), String> {
        self.checks += 1;
        let now = self.now;
        match event {
            Event::RuleStarted { rule, .. } => {
                if Some(*rule) == self.night {
                    self.is_night_active = true;
                }
                self.life(*rule, |life, text| life.starts(text, now))
            }
            Event::RuleEnded { rule, reason, .. } => {
                if Some(*rule) == self.night {
                    self.is_night_active = false;
                }
                self.life(*rule, |life, text| life.ends(text, *reason, now))
            }
            Event::RuleSuspended { rule, .. } => Err(format!("rule {rule} is suspended")),
            Event::BodyFailed { message, place, .. } => Err(format!("a body failed at {place}: {message}")),
            Event::ScheduleRan { schedule } => {
                let Some(utc) = self.wall.utc(now) else { return Ok(()) };
                let found = self.schedules.iter_mut().find(|(index, _)| *index == Some(*schedule));
                found.map_or(Ok(()), |(_, daily)| daily.run(utc.millis()))
            }
            _ => Ok(()),
        }
    }

    fn life(
        &mut self,
        rule: u32,
        change: impl FnOnce(&mut Life, &Text) -> Result<(), &'static str>,
    ) -> Result<(), String> {
        let rules = self.rules;
        let found = self.lives.iter_mut().zip(0..).find(|(life, _)| life.index == Some(rule));
        let Some((life, place)) = found else { return Ok(()) };
        let name = NAMES.get(place).copied().unwrap_or("");
        let before = *life;
        change(life, &text(rules, place)).map_err(|why| format!("rule \"{name}\" {why}: {before:?}"))
    }

    /// What must have happened by now, whenever the engine has nothing left to do at this moment.
    ///
    /// # Errors
    /// Which promise is broken.
    pub(in crate::simulation::storm) fn rest(&mut self) -> Result<(), String> {
        self.checks += 1;
        for (place, life) in self.lives.iter().enumerate() {
            if let Err(why) = life.rest(&text(self.rules, place), self.now) {
                let name = NAMES.get(place).copied().unwrap_or("");
                return Err(format!("rule \"{name}\" {why}: {life:?}"));
            }
        }
        let Some(utc) = self.wall.utc(self.now).map(|utc| utc.millis()) else {
            self.seen_utc = None;
            return Ok(());
        };
        let before = self.seen_utc.replace(utc);
        if self.now < self.alone_since.after(ALONE) {
            return Ok(());
        }
        if self.night.is_some() && self.is_night_active != is_night(utc) {
            let word = if self.is_night_active { "active by day" } else { "not active at night" };
            return Err(format!("rule \"night\" is {word}"));
        }
        let Some(before) = before else { return Ok(()) };
        self.schedules.iter().try_for_each(|(_, daily)| daily.is_due(before, utc))
    }
}
