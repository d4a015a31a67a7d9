//! A bench for the guard: a site in a few lines, an engine that speaks frames, devices that redeem permits.
#![allow(dead_code, unreachable_pub, reason = "every test file uses another part of the bench")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failing test is its own message"
)]

use ballast_guard::plan::{
    Envelope, ForceStep, Interlock, Level, Limit, LimitAction, Load, OnUnknown, Restore, SafetySet, Shedding,
};
use ballast_guard::{Door, Guard, GuardEvent, Input, OperatorCommand, Output, Redeem, State, Who};
use ballast_model::catalog::{Catalog, DeviceId, DeviceSpec, Kind, Noun, Origin, OutputKind, PointSpec};
use ballast_model::diagnostic::Span as Place;
use ballast_model::expr::{self, BinaryOp, Dialect, Expr, ExprKind, Program, Scope};
use ballast_model::frame::{Frame, Message};
use ballast_model::sample::{Reason, Sample, Value};
use ballast_model::time::Gap;
use ballast_model::{
    Authority, Contact, Finite, Intent, Mono, OutputId, PointId, Span, Unit, Verdict, Wanted,
};
use std::collections::BTreeMap;
use std::sync::Arc;

pub const OPEN: Wanted = Wanted::OPEN;
pub const CLOSED: Wanted = Wanted::CLOSED;

pub fn secs(secs: u64) -> Span {
    Span::from_secs(secs)
}
pub fn ms(millis: u64) -> Span {
    Span::from_millis(millis)
}
pub fn num(value: f64) -> Finite {
    Finite::new(value).unwrap()
}
pub fn level(value: f64) -> Wanted {
    Wanted::Level(num(value))
}

/// The nouns of a site under construction.
#[derive(Clone, Default)]
pub struct Site {
    pub catalog: Catalog,
    pub set: SafetySet,
}

impl Site {
    pub fn new() -> Self {
        let mut site = Self::default();
        site.set.fingerprint = 1;
        site
    }

    pub fn point(&mut self, name: &str, unit: &str, max_age: Option<Span>) -> PointId {
        let spec = PointSpec {
            name: name.into(),
            label: "".into(),
            kind: Kind::Number(Unit::parse(unit).unwrap()),
            device: None,
            origin: Origin::Measured,
            max_age,
            period: None,
            resolution: None,
            valid: None,
            max_slew: None,
            stuck_after: None,
            is_counter: false,
            is_instantaneous: true,
        };
        self.catalog.add_point(spec).unwrap()
    }

    fn output(&mut self, name: &str, kind: OutputKind, safe: Wanted) -> OutputId {
        let device = DeviceId(self.catalog.devices.len() as u32);
        self.catalog.devices.push(DeviceSpec { name: name.into(), label: "".into(), outputs: Vec::new() });
        let id = self.catalog.add_output(name, "", device, kind, safe).unwrap();
        self.set.envelopes.push(Envelope::new(id, safe));
        id
    }

    /// A contact, open when safe.
    pub fn contact(&mut self, name: &str) -> OutputId {
        self.output(name, OutputKind::Contact, OPEN)
    }

    /// A setpoint in W, 0 when safe.
    pub fn setpoint(&mut self, name: &str, ranges: &[(f64, f64)]) -> OutputId {
        let id = self.output(name, OutputKind::Setpoint(Unit::parse("W").unwrap()), level(0.0));
        self.envelope(id).level = Some(Box::new(Level {
            ranges: ranges.iter().map(|(low, high)| (num(*low), num(*high))).collect(),
            step: None,
            min_interval: Span::ZERO,
            ramp_away: None,
        }));
        id
    }

    pub fn envelope(&mut self, id: OutputId) -> &mut Envelope {
        &mut self.set.envelopes[id.index()]
    }

    pub fn level(&mut self, id: OutputId) -> &mut Level {
        self.envelope(id).level.as_mut().unwrap()
    }

    pub fn program(&self, expr: &Expr) -> Program {
        let constants = BTreeMap::new();
        let scope = Scope {
            catalog: &self.catalog,
            dialect: Dialect::Limit,
            each: None,
            rule: 0,
            constants: &constants,
        };
        expr::check(expr, &scope).unwrap()
    }

    /// A limit that forces while a condition holds; change its parts through `force_mut`.
    pub fn limit(&mut self, name: &str, when: &Expr, force: &[(OutputId, Wanted)]) -> u16 {
        let force = force.iter().map(|(output, wanted)| ForceStep {
            output: *output,
            wanted: *wanted,
            after: Span::ZERO,
        });
        let action = LimitAction::Force {
            when: self.program(when),
            hold: Span::ZERO,
            force: force.collect(),
            until: None,
            until_hold: Span::ZERO,
            latch: false,
        };
        self.set.limits.push(Limit { name: name.into(), unknown: OnUnknown::Force, action });
        self.set.limits.len() as u16 - 1
    }

    pub fn until(&mut self, limit: u16, condition: &Expr, held: Span) {
        let program = self.program(condition);
        if let LimitAction::Force { until, until_hold, .. } = &mut self.set.limits[usize::from(limit)].action
        {
            (*until, *until_hold) = (Some(program), held);
        }
    }

    pub fn held(&mut self, limit: u16, span: Span) {
        if let LimitAction::Force { hold, .. } = &mut self.set.limits[usize::from(limit)].action {
            *hold = span;
        }
    }

    pub fn latched(&mut self, limit: u16) {
        if let LimitAction::Force { latch, .. } = &mut self.set.limits[usize::from(limit)].action {
            *latch = true;
        }
    }

    pub fn after(&mut self, limit: u16, step: usize, span: Span) {
        if let LimitAction::Force { force, .. } = &mut self.set.limits[usize::from(limit)].action {
            force[step].after = span;
        }
    }

    pub fn interlock(&mut self, members: &[OutputId], dead_time: Span) {
        let members = members.iter().map(|output| (*output, Contact::Closed)).collect();
        self.set.interlocks.push(Interlock { members, dead_time });
    }

    /// Shedding with these loads (output, group, rated W), without stages.
    pub fn shedding(&mut self, source: &[PointId], loads: &[(OutputId, &str, f64)]) -> &mut Shedding {
        let loads = loads.iter().map(|(output, group, rated)| Load {
            output: *output,
            groups: vec![(*group).into()],
            rated: num(*rated),
            power: None,
        });
        self.set.shedding.insert(Shedding {
            loads: loads.collect(),
            never: Vec::new(),
            source: source.to_vec(),
            source_tolerance: num(0.1),
            source_stuck_after: secs(5),
            stages: Vec::new(),
            bulk: None,
            cap: None,
            futile_after: None,
            restore: Restore {
                keep_free: num(15.0),
                capacity: None,
                one_per: secs(10),
                jitter: Span::ZERO,
                above: num(49.8),
                settle: Span::ZERO,
            },
            site_load: None,
        })
    }

    pub fn bench(&self) -> Bench {
        Bench::new(self)
    }
}

pub fn name(name: &str) -> Expr {
    Expr { span: Place::new(0, 1), kind: ExprKind::Name(name.into()) }
}
pub fn compare(left: Expr, op: BinaryOp, right: &str) -> Expr {
    let right = Expr { span: Place::new(0, 1), kind: ExprKind::Text(right.into()) };
    Expr {
        span: Place::new(0, 1),
        kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) },
    }
}
pub fn above(point: &str, limit: &str) -> Expr {
    compare(name(point), BinaryOp::Greater, limit)
}
pub fn below(point: &str, limit: &str) -> Expr {
    compare(name(point), BinaryOp::Less, limit)
}
pub fn call(function: &str, args: &[&str]) -> Expr {
    let args = args.iter().map(|arg| name(arg)).collect();
    Expr {
        span: Place::new(0, 1),
        kind: ExprKind::Call { name: function.into(), name_span: Place::new(0, 1), args },
    }
}

/// A guard on the bench.
pub struct Bench {
    pub guard: Guard,
    pub now: Mono,
    pub catalog: Arc<Catalog>,
    pub set: SafetySet,
    doors: Vec<Door>,
    /// What every device physically is; `None` before the first write.
    pub physical: Vec<Option<Wanted>>,
    /// Devices that take no writes.
    pub broken: Vec<bool>,
    /// Devices that are told and do not move, but confirm.
    pub welded: Vec<bool>,
    /// Devices that do what they are told, and whose answers get lost.
    pub lost: Vec<bool>,
    /// Every permit: when, which output, what.
    pub permits: Vec<(Mono, OutputId, Wanted)>,
    pub verdicts: BTreeMap<OutputId, Verdict>,
    /// Every answer, in its order.
    pub answers: Vec<Verdict>,
    /// Reads a counter before and after every step of the guard; `counted` is the sum of the differences.
    pub meter: fn() -> u64,
    pub counted: u64,
    pub events: Vec<GuardEvent>,
    pub out: Vec<Output>,
    waiting: Vec<Input>,
    pub session: u64,
    pub counter: u64,
    sequence: u64,
    pub next: Mono,
    request: u64,
}

impl Bench {
    pub fn new(site: &Site) -> Self {
        let catalog = Arc::new(site.catalog.clone());
        let now = Mono::from_millis(1_000_000);
        let guard = Guard::new(Arc::clone(&catalog), site.set.clone(), now);
        let outputs = catalog.outputs.len();
        let out = Vec::with_capacity(guard.output_capacity());
        Self {
            guard,
            now,
            catalog,
            set: site.set.clone(),
            doors: (0..outputs).map(|index| Door::new(OutputId(index as u32))).collect(),
            physical: vec![None; outputs],
            broken: vec![false; outputs],
            welded: vec![false; outputs],
            lost: vec![false; outputs],
            permits: Vec::new(),
            verdicts: BTreeMap::new(),
            answers: Vec::new(),
            meter: || 0,
            counted: 0,
            events: Vec::new(),
            out,
            waiting: Vec::new(),
            session: 0,
            counter: 0,
            sequence: 0,
            next: Mono::MAX,
            request: 0,
        }
    }

    /// Another guard goes on at `now` from what one saved; it has taken no step yet.
    pub fn resume(&mut self, (state, saved_at): (State, Mono), gap: Gap, now: Mono) {
        self.now = now;
        self.guard = Guard::new(Arc::clone(&self.catalog), self.set.clone(), now);
        self.guard.restore(state, gap, saved_at, now);
    }

    /// The guard's process ends, and another one starts at `now`; nobody speaks to it yet.
    pub fn restart_at(&mut self, gap: Gap, now: Mono) {
        self.resume((through_text(&self.guard.save()), self.now), gap, now);
        self.session = 0;
        self.step(&[]);
        self.settle();
    }

    /// One step with these inputs and what the devices answered since.
    pub fn step(&mut self, inputs: &[Input]) {
        let mut all = std::mem::take(&mut self.waiting);
        all.extend_from_slice(inputs);
        let before = (self.meter)();
        self.guard.step(self.now, &all, &mut self.out);
        self.counted += (self.meter)() - before;
        self.next = Mono::MAX;
        let session = self.guard.session();
        for output in self.out.drain(..) {
            match output {
                Output::Permit(permit) => {
                    let (id, counter, wanted) = (permit.output(), permit.counter(), permit.wanted());
                    self.permits.push((self.now, id, wanted));
                    let index = id.index();
                    self.doors[index].enter_session(session);
                    let ok = !self.broken[index] && self.doors[index].redeem(permit, self.now).is_ok();
                    if ok && !self.welded[index] {
                        self.physical[index] = Some(wanted);
                    }
                    if !self.lost[index] {
                        self.waiting.push(Input::Written { output: id, counter, ok });
                    }
                }
                Output::Verdict(verdict) => {
                    self.verdicts.insert(verdict.output, verdict);
                    self.answers.push(verdict);
                }
                Output::Event(event) => self.events.push(event),
                Output::WakeAt(moment) => self.next = moment,
            }
        }
    }

    /// Steps until nobody has anything to say any more.
    pub fn settle(&mut self) {
        for _ in 0..50 {
            if self.waiting.is_empty() && self.next > self.now {
                return;
            }
            self.step(&[]);
        }
        panic!("the guard does not come to rest: next {:?} at {:?}", self.next, self.now);
    }

    /// Lets time pass, renewing the session twice a second, with every wake-up of the guard on the way.
    pub fn pass(&mut self, span: Span) {
        self.run(span, true);
    }

    /// Lets time pass while the program is silent.
    pub fn pass_in_silence(&mut self, span: Span) {
        self.run(span, false);
    }

    fn run(&mut self, span: Span, renew: bool) {
        let end = self.now.after(span);
        let renew = renew && self.session > 0;
        let mut renew_at = self.now;
        for turn in 0_u64.. {
            assert!(turn < 1_000_000, "the guard is not at rest: next {:?} at {:?}", self.next, self.now);
            let mut moment = end.min(self.next.max(self.now.after(Span::from_nanos(1))));
            if !self.waiting.is_empty() {
                moment = self.now;
            }
            let renews = renew && renew_at <= moment;
            if renews {
                moment = renew_at.max(self.now);
                renew_at = renew_at.after(ms(500));
            }
            self.now = moment;
            if renews {
                let frame = self.frame(Message::Renew);
                self.step(&[frame]);
            } else {
                self.step(&[]);
            }
            if self.now >= end
                && self.waiting.is_empty()
                && self.next > self.now
                && (!renew || renew_at > end)
            {
                return;
            }
        }
    }

    pub fn frame(&mut self, message: Message) -> Input {
        self.counter += 1;
        Input::Frame(Frame { session: self.session, counter: self.counter, lease_ms: 90_000, message })
    }

    pub fn hello(&mut self) {
        self.session = self.now.nanos();
        self.counter = 0;
        let tables = self.guard.table_hash();
        let frame = self.frame(Message::Hello { tables });
        self.step(&[frame]);
        self.settle();
    }

    pub fn intent(&mut self, output: OutputId, wanted: Wanted, authority: Authority, request: u64) -> Input {
        let intent = Intent { output, wanted, authority, request, is_restoration: false };
        self.frame(Message::Intent(intent))
    }

    /// A rule asks, with a new request.
    pub fn ask(&mut self, output: OutputId, wanted: Wanted) {
        self.request += 1;
        let request = self.request;
        self.ask_as(output, wanted, Authority::Rule(50), request);
    }

    pub fn ask_as(&mut self, output: OutputId, wanted: Wanted, authority: Authority, request: u64) {
        if self.session == 0 {
            self.hello();
        }
        let frame = self.intent(output, wanted, authority, request);
        self.step(&[frame]);
        self.settle();
    }

    /// The engine gives a load back.
    pub fn give_back(&mut self, output: OutputId) {
        self.request += 1;
        let authority = Authority::Rule(50);
        let intent =
            Intent { output, wanted: CLOSED, authority, request: self.request, is_restoration: true };
        let frame = self.frame(Message::Intent(intent));
        self.step(&[frame]);
        self.settle();
    }

    pub fn sample(&mut self, point: PointId, value: f64) -> Input {
        self.sequence += 1;
        Input::Sample(Sample::good(point, Value::Number(num(value)), self.now, self.sequence))
    }

    pub fn set(&mut self, point: PointId, value: f64) {
        let sample = self.sample(point, value);
        self.step(&[sample]);
        self.settle();
    }

    pub fn lose(&mut self, point: PointId) {
        self.sequence += 1;
        let sample = Sample::bad(point, Reason::Offline, self.now, self.sequence);
        self.step(&[Input::Sample(sample)]);
        self.settle();
    }

    pub fn operator(&mut self, command: OperatorCommand) {
        self.step(&[Input::Operator { who: Who::new("bench"), command }]);
        self.settle();
    }

    pub fn actual(&mut self, output: OutputId, actual: Wanted) {
        self.step(&[Input::Actual { output, actual }]);
        self.settle();
    }

    pub fn is(&self, output: OutputId) -> Wanted {
        self.physical[output.index()].expect("never written")
    }

    pub fn verdict(&self, output: OutputId) -> Verdict {
        self.verdicts[&output]
    }

    pub fn has(&self, wanted: impl Fn(&GuardEvent) -> bool) -> bool {
        self.events.iter().any(wanted)
    }

    pub fn count(&self, wanted: impl Fn(&GuardEvent) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(event)).count()
    }

    pub fn resolve(&self, name: &str) -> PointId {
        match self.catalog.resolve(name) {
            Some(Noun::Point(point)) => point,
            other => panic!("{name} is {other:?}"),
        }
    }
}

/// A state must survive being written down.
pub fn through_text(state: &State) -> State {
    let text = serde_json::to_string(state).unwrap();
    let read: State = serde_json::from_str(&text).unwrap();
    // Word by word: what is not saved on purpose is found out anew.
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    read
}
