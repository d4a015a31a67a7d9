//! The engine, driven by hand: plans built in Rust, bodies as closures, moments in milliseconds.

mod arbitration;
mod computed;
mod doubts;
mod lives;
mod machines;
mod patience;
mod properties;
mod resets;
mod restoring;
mod scale;
mod taking_over;
mod taking_over_loads;
mod words;

use crate::bodies::{Asked, Bodies, BodyContext, BodyOutcome, Request};
use crate::engine::Engine;
use crate::events::{Event, Output};
use crate::input::Input;
use crate::plan::{BodyId, Plan, RulePlan};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use ballast_model::catalog::{DeviceId, DeviceSpec, Kind, Origin, OutputKind, PointSpec};
use ballast_model::diagnostic::Span as Place;
use ballast_model::expr::{BinaryOp, Dialect, Expr, ExprKind, Program, Scope, check};
use ballast_model::intent::Cause;
use ballast_model::{
    Catalog, Finite, Intent, Mono, Outcome, OutputId, PointId, Reason, Sample, Span, Unit, Value, Verdict,
    Wanted,
};

pub(crate) fn ms(millis: u64) -> Mono {
    Mono::from_millis(millis)
}
pub(crate) fn secs(secs: u64) -> Span {
    Span::from_secs(secs)
}
pub(crate) fn number(value: f64) -> Value {
    Value::Number(Finite::new(value).unwrap())
}

pub(crate) fn spec(name: &str, unit: &str, max_age_s: Option<u64>) -> PointSpec {
    PointSpec {
        name: name.into(),
        label: "".into(),
        kind: Kind::Number(Unit::parse(unit).unwrap()),
        device: None,
        origin: Origin::Measured,
        max_age: max_age_s.map(Span::from_secs),
        period: None,
        resolution: None,
        valid: None,
        max_slew: None,
        stuck_after: None,
        is_counter: false,
        is_instantaneous: true,
    }
}

// Conditions, written short.
fn expr(kind: ExprKind) -> Expr {
    Expr { span: Place::new(0, 1), kind }
}
pub(crate) fn name(name: &str) -> Expr {
    expr(ExprKind::Name(name.into()))
}
pub(crate) fn text(text: &str) -> Expr {
    expr(ExprKind::Text(text.into()))
}
pub(crate) fn call(name: &str, args: Vec<Expr>) -> Expr {
    expr(ExprKind::Call { name: name.into(), name_span: Place::new(0, 1), args })
}
pub(crate) fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    expr(ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) })
}
pub(crate) fn below(point: &str, quantity: &str) -> Expr {
    binary(BinaryOp::Less, name(point), text(quantity))
}
pub(crate) fn above(point: &str, quantity: &str) -> Expr {
    binary(BinaryOp::Greater, name(point), text(quantity))
}

/// Three measured points (Hz, %, W), a flag, and outputs `a`, `b`, `c` (contacts) and `level` (W).
pub(crate) fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_point(spec("grid.frequency", "Hz", Some(5))).unwrap();
    catalog.add_point(spec("battery.soc", "%", Some(10))).unwrap();
    catalog.add_point(spec("site.load", "W", None)).unwrap();
    for device in ["a", "b", "c"] {
        add_output(&mut catalog, device, OutputKind::Contact, Wanted::OPEN);
    }
    let watts = Unit::parse("W").unwrap();
    add_output(&mut catalog, "level", OutputKind::Setpoint(watts), Wanted::Level(Finite::ZERO));
    catalog
}
pub(crate) fn add_output(catalog: &mut Catalog, name: &str, kind: OutputKind, default: Wanted) -> OutputId {
    let device = DeviceId(catalog.devices.len() as u32);
    catalog.devices.push(DeviceSpec { name: name.into(), label: "".into(), outputs: Vec::new() });
    catalog.add_output(name, "", device, kind, default).unwrap()
}

pub(crate) const SOC: PointId = PointId(1);
pub(crate) const LOAD: PointId = PointId(2);
pub(crate) const A: OutputId = OutputId(0);
pub(crate) const B: OutputId = OutputId(1);
pub(crate) const C: OutputId = OutputId(2);
pub(crate) const LEVEL: OutputId = OutputId(3);

/// What a body does; shared, so that the same bodies can be given to a second engine.
pub(crate) type Act = Arc<dyn Fn(&BodyContext<'_>, &mut Asked) -> BodyOutcome>;

#[derive(Clone, Default)]
pub(crate) struct Acts(pub(crate) Vec<Act>);

impl Bodies for Acts {
    fn run(&mut self, body: BodyId, context: &BodyContext<'_>, asked: &mut Asked) -> BodyOutcome {
        self.0[body.0 as usize](context, asked)
    }
}

pub(crate) fn ask(output: OutputId, wanted: Wanted) -> Act {
    Arc::new(move |_, asked| {
        asked.requests.push(Request { output, wanted, lasting: None });
        BodyOutcome::Done
    })
}

/// A plan and its bodies, while they are written.
pub(crate) struct Site {
    pub(crate) plan: Plan,
    pub(crate) acts: Acts,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::of(catalog())
    }
    pub(crate) fn of(catalog: Catalog) -> Self {
        Self { plan: Plan { catalog: Arc::new(catalog), ..Plan::default() }, acts: Acts::default() }
    }
    pub(crate) fn program(&self, expr: &Expr, rule: u32) -> Program {
        let constants = BTreeMap::new();
        let scope = Scope {
            catalog: &self.plan.catalog,
            dialect: Dialect::Rule,
            each: None,
            rule,
            constants: &constants,
        };
        check(expr, &scope).unwrap()
    }
    pub(crate) fn body(&mut self, act: Act) -> BodyId {
        self.acts.0.push(act);
        BodyId(self.acts.0.len() as u32 - 1)
    }
    /// Adds a rule; `change` may edit it.
    pub(crate) fn rule(
        &mut self,
        name: &str,
        when: &Expr,
        until: Option<&Expr>,
        act: Act,
        change: impl FnOnce(&mut RulePlan),
    ) -> u32 {
        let index = self.plan.rules.len() as u32;
        let body = self.body(act);
        let mut rule = RulePlan {
            name: name.into(),
            place: "test.rhai:1".into(),
            priority: 50,
            when: self.program(when, index),
            when_hold: Span::ZERO,
            until: until.map(|until| self.program(until, index)),
            until_hold: Span::ZERO,
            unknown: secs(10),
            body,
            body_reads: Vec::new(),
            body_follows: Vec::new(),
            writes: alloc::vec![A, B, C, LEVEL],
            sheds: (0..self.plan.catalog.groups.len() as u32).map(ballast_model::GroupId).collect(),
            condition_hash: 1,
            text_hash: 1,
            reads_hash: 0,
            when_text: "when".into(),
            until_text: "until".into(),
        };
        change(&mut rule);
        self.plan.rules.push(rule);
        index
    }
    pub(crate) fn start(self) -> Run {
        let plan = Arc::new(self.plan);
        let engine = Engine::new(Arc::clone(&plan), self.acts, ms(0));
        Run { engine, sequence: 0, wake: ms(0), intents: Vec::new(), events: Vec::new() }
    }
}

/// A running engine with what it said.
pub(crate) struct Run {
    pub(crate) engine: Engine<Acts>,
    pub(crate) sequence: u64,
    pub(crate) wake: Mono,
    /// Of the last call.
    pub(crate) intents: Vec<Intent>,
    pub(crate) events: Vec<Event>,
}

impl Run {
    pub(crate) fn sample(&mut self, point: PointId, value: Value, at: Mono) -> Input {
        self.sequence += 1;
        Input::Sample(Sample::good(point, value, at, self.sequence))
    }
    pub(crate) fn bad(&mut self, point: PointId, at: Mono) -> Input {
        self.sequence += 1;
        Input::Sample(Sample::bad(point, Reason::Offline, at, self.sequence))
    }
    /// One call of `step`, and as many more at the same moment as it asks for.
    pub(crate) fn step(&mut self, at: Mono, inputs: &[Input]) {
        self.intents.clear();
        self.events.clear();
        let mut inputs = inputs;
        for _ in 0..200 {
            let mut out = Vec::new();
            self.engine.step(at, inputs, &mut out);
            inputs = &[];
            let Some(Output::WakeAt(wake)) = out.pop() else { panic!("the last output is no deadline") };
            for output in out {
                match output {
                    Output::Intent(intent) => self.intents.push(intent),
                    Output::Event(event) => self.events.push(event),
                    Output::WakeAt(_) => panic!("a deadline that is not the last output"),
                }
            }
            self.wake = wake;
            if wake > at {
                return;
            }
        }
        panic!("the engine never comes to rest at {at:?}");
    }
    /// Follows the engine's own deadlines up to a moment.
    pub(crate) fn run_to(&mut self, at: Mono) {
        let mut intents = Vec::new();
        let mut events = Vec::new();
        while self.wake < at {
            self.step(self.wake, &[]);
            intents.append(&mut self.intents);
            events.append(&mut self.events);
        }
        self.step(at, &[]);
        intents.append(&mut self.intents);
        events.append(&mut self.events);
        (self.intents, self.events) = (intents, events);
    }
    /// A good sample at a moment, after everything that is due before.
    pub(crate) fn set(&mut self, at: Mono, point: PointId, value: f64) {
        self.run_to(at);
        let input = self.sample(point, number(value), at);
        self.step(at, &[input]);
    }
    pub(crate) fn wanted(&self, output: OutputId) -> Wanted {
        self.engine.intent(output).expect("every output has an intent after the first step").wanted
    }
    pub(crate) fn is_active(&self, rule: u32) -> bool {
        matches!(self.engine.rule(rule), Some(crate::RuleState::Active { .. }))
    }
    /// Says that the guard did what was asked, for every output.
    pub(crate) fn grant_all(&mut self, at: Mono) {
        let verdicts: Vec<Input> = self
            .engine
            .intents()
            .map(|intent| Input::Verdict(verdict(intent.output, intent.wanted, at)))
            .collect();
        self.step(at, &verdicts);
    }
    pub(crate) fn has_event(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(wanted)
    }
}

pub(crate) fn verdict(output: OutputId, state: Wanted, since: Mono) -> Verdict {
    Verdict {
        output,
        asked: state,
        state,
        since,
        outcome: Outcome::Granted,
        cause: Cause::Asked,
        witness: None,
        next_change: None,
        awaits_restoration: false,
    }
}
