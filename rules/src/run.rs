//! Runs bodies for the engine.
//!
//! A body that only makes literal requests is a list and never enters the scripting engine. All others run under the
//! limits of the sandbox; whatever a script does, the answer is one of the three outcomes.

use crate::body::{Action, Entry, Runnable, Slot};
use crate::failures::explain;
use crate::literal::Literals;
use crate::live::{Live, Pending, Slotted};
use crate::watch::Watched;
use ballast_engine::bodies::{ASKED_MAX, Notice, Record, Request};
use ballast_engine::plan::BodyId;
use ballast_engine::{Asked, Bodies, BodyContext, BodyOutcome};
use ballast_model::catalog::{Catalog, Kind};
use ballast_model::expr::{Seen, Type};
use ballast_model::quantity::parse_quantity;
use ballast_model::{Finite, Mono, PointId, Unit, Value, Wanted};
use rhai::{Dynamic, Engine, EvalAltResult, Scope};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// The point that is named in [`BodyOutcome::Unknown`] when no point is missing but the time of day.
pub const CLOCK: PointId = PointId(u32::MAX);

/// Where a body stands and what its file defines.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) runnable: Runnable,
    pub(crate) file: Rc<str>,
    pub(crate) constants: Rc<Literals>,
}

/// The bodies of a compiled site. Lives on the thread that compiled it.
pub struct RhaiBodies {
    pub(crate) engine: Engine,
    pub(crate) live: Rc<RefCell<Live>>,
    pub(crate) bodies: Vec<Body>,
    scope: Scope<'static>,
    /// Which branches are taken, where somebody watches.
    pub(crate) watched: Option<Watched>,
}

impl core::fmt::Debug for RhaiBodies {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RhaiBodies").field("bodies", &self.bodies.len()).finish_non_exhaustive()
    }
}

impl RhaiBodies {
    pub(crate) fn new(engine: Engine, live: Rc<RefCell<Live>>, bodies: Vec<Body>) -> Self {
        Self { engine, live, bodies, scope: Scope::new(), watched: None }
    }

    /// How many bodies run without the scripting engine, and how many there are.
    pub fn counts(&self) -> (usize, usize) {
        let simple = self.bodies.iter().filter(|body| matches!(body.runnable, Runnable::Simple(_))).count();
        (simple, self.bodies.len())
    }
}

impl Bodies for RhaiBodies {
    fn run(&mut self, body: BodyId, context: &BodyContext<'_>, asked: &mut Asked) -> BodyOutcome {
        let Some(body) = self.bodies.get_mut(body.0 as usize) else {
            return failed("this body does not belong to the plan", "".into());
        };
        match &mut body.runnable {
            Runnable::Simple(actions) => {
                actions.iter().for_each(|action| apply(action, context, asked));
                BodyOutcome::Done
            }
            Runnable::Script { ast, slots, entries } => {
                let Some(again) = prepare(&self.live, slots, &body.constants, context) else {
                    return failed("the scripting engine is in use", "".into());
                };
                asked.again_at = (again < Mono::MAX).then_some(again);
                self.scope.clear();
                let (engine, scope) = (&self.engine, &mut self.scope);
                let ended = catch_unwind(AssertUnwindSafe(|| engine.run_ast_with_scope(scope, ast)));
                match ended {
                    Ok(Ok(())) => hand_over(&self.live, entries, context, asked)
                        .unwrap_or_else(|message| failed(&message, (&*body.file).into())),
                    Ok(Err(error)) => outcome(*error, slots, &body.file, context),
                    Err(_) => failed("the scripting engine failed", (&*body.file).into()),
                }
            }
        }
    }
}

fn failed(message: &str, place: Box<str>) -> BodyOutcome {
    BodyOutcome::Failed { message: message.to_string(), place }
}

/// Reads every value the body may read. An unknown one only matters when it is really read. Says when one of them changes
/// although no point does.
fn prepare(
    live: &RefCell<Live>,
    slots: &mut [Slot],
    constants: &Rc<Literals>,
    context: &BodyContext<'_>,
) -> Option<Mono> {
    let mut live = live.try_borrow_mut().ok()?;
    live.pending.clear();
    live.values.clear();
    live.constants = Rc::clone(constants);
    let mut again = Mono::MAX;
    live.values.extend(slots.iter_mut().map(|slot| read(slot, context, &mut again)));
    Some(again)
}

fn read(slot: &mut Slot, context: &BodyContext<'_>, again: &mut Mono) -> Slotted {
    match slot {
        Slot::Point(point) => match (context.known(*point), context.catalog.point(*point)) {
            (Some(Value::Number(base)), Some(spec)) => {
                Slotted::Known(spec.unit().from_base(base).get().into())
            }
            (Some(Value::Flag(flag)), _) => Slotted::Known(flag.into()),
            (Some(Value::Word(word)), Some(spec)) => {
                let word = spec.words().get(usize::from(word)).map_or("", |word| word);
                Slotted::Known(word.to_string().into())
            }
            _ => Slotted::Unknown,
        },
        Slot::Computed { program, is_lenient } => {
            program.link_existing(context.trackers);
            let seen = Seen {
                snapshot: context.snapshot,
                trackers: context.trackers,
                now: context.now,
                changed: &[],
                active_since: context.active_since,
            };
            let mut next = Mono::MAX;
            let value = program.value(&seen, &mut next);
            // That points grow old is followed by the engine.
            if program.uses_time() {
                *again = (*again).min(next);
            }
            match (value, program.yields) {
                (Some(Value::Number(base)), Type::Number(_, unit)) => {
                    Slotted::Known(unit.from_base(base).get().into())
                }
                (Some(Value::Flag(flag)), _) => Slotted::Known(flag.into()),
                _ if *is_lenient => Slotted::Known(Dynamic::UNIT),
                _ => program.fault(&seen).map_or(Slotted::Unknown, Slotted::Fault),
            }
        }
    }
}

/// Turns what the script asked for into requests.
fn hand_over(
    live: &RefCell<Live>,
    entries: &[Entry],
    context: &BodyContext<'_>,
    asked: &mut Asked,
) -> Result<BodyOutcome, String> {
    let mut live = live.try_borrow_mut().map_err(|_| "the scripting engine is in use".to_string())?;
    if live.pending.len() > ASKED_MAX {
        return Err("the body asks for too many things in one run".to_string());
    }
    for pending in live.pending.drain(..) {
        let (index, value) = match pending {
            Pending::Text(level, text) => {
                asked.notices.push(Notice { level, text: text.to_string() });
                continue;
            }
            Pending::Entry(index) => (index, None),
            Pending::Level(index, number) => (index, Some(Computed::Number(number))),
            Pending::Quantity(index, text) => (index, Some(Computed::Text(text.to_string()))),
        };
        let entry = usize::try_from(index).ok().and_then(|index| entries.get(index));
        match (entry, value) {
            (Some(Entry::Fixed(action)), _) => apply(action, context, asked),
            (Some(Entry::Level { output, unit, lasting }), Some(value)) => {
                let wanted = Wanted::Level(in_base(&value, *unit)?);
                asked.requests.push(Request { output: *output, wanted, lasting: *lasting });
            }
            (Some(Entry::Setting { point, unit }), Some(value)) => {
                let number = Value::Number(in_base(&value, *unit)?);
                check_setting(context.catalog, *point)?;
                asked.settings.push((*point, number));
            }
            _ => return Err("a request was not prepared at load".to_string()),
        }
    }
    Ok(BodyOutcome::Done)
}

fn check_setting(catalog: &Catalog, point: PointId) -> Result<(), String> {
    match catalog.point(point).map(|spec| &spec.kind) {
        Some(Kind::Number(_)) => Ok(()),
        _ => Err("the setting takes no number".to_string()),
    }
}

enum Computed {
    Number(Finite),
    Text(String),
}

fn in_base(value: &Computed, unit: Unit) -> Result<Finite, String> {
    match value {
        Computed::Number(number) => {
            unit.to_base(number.get()).ok_or_else(|| "the value to set is too large".to_string())
        }
        Computed::Text(text) => match parse_quantity(text) {
            Ok(quantity) if quantity.dimension() == unit.dimension() => Ok(quantity.base),
            _ => Err(format!("\"{text}\" is no value in {unit}")),
        },
    }
}

fn apply(action: &Action, context: &BodyContext<'_>, asked: &mut Asked) {
    match action {
        Action::Request(request) => asked.requests.push(*request),
        Action::Shed(shed) => asked.sheds.push(*shed),
        Action::Notice(level, template) => {
            asked.notices.push(Notice { level: *level, text: template.fill(context) });
        }
        Action::Setting(point, value) => asked.settings.push((*point, *value)),
        Action::Mode(word) => asked.mode = Some(*word),
        Action::Campaign(name, start) => asked.campaigns.push((name.clone(), *start)),
        Action::Record(name, points) => {
            // What is unknown is kept as such: one silent meter must not cost the others their values.
            let read = |point: &PointId| {
                Some(context.catalog.point(*point)?.read(context.known(*point)?, context.now))
            };
            let values = points.iter().map(|point| (*point, read(point))).collect();
            asked.records.push(Record { name: name.to_string(), values });
        }
    }
}

/// How a run ended that did not come to its end.
fn outcome(error: EvalAltResult, slots: &[Slot], file: &str, context: &BodyContext<'_>) -> BodyOutcome {
    let mut error = error;
    while let EvalAltResult::ErrorInFunctionCall(_, _, inner, _) = error {
        error = *inner;
    }
    if let EvalAltResult::ErrorTerminated(index, _) = &error {
        let slot =
            index.as_int().ok().and_then(|index| usize::try_from(index).ok()).and_then(|at| slots.get(at));
        return BodyOutcome::Unknown(missing(slot, context));
    }
    let position = error.position();
    let place = match (position.line(), position.position()) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
        (Some(line), None) => format!("{file}:{line}"),
        _ => file.to_string(),
    };
    BodyOutcome::Failed { message: explain(error), place: place.into() }
}

/// The point that is unknown in a value.
fn missing(slot: Option<&Slot>, context: &BodyContext<'_>) -> PointId {
    match slot {
        Some(Slot::Point(point)) => *point,
        Some(Slot::Computed { program, .. }) => {
            let unknown = program.reads.iter().find(|point| context.known(**point).is_none());
            unknown.or(program.reads.first()).copied().unwrap_or(CLOCK)
        }
        None => CLOCK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, compile};
    use ballast_model::Snapshot;
    use ballast_model::catalog::{Origin, PointSpec};
    use ballast_model::diagnostic::FileId;
    use ballast_model::expr::Trackers;
    use std::sync::Arc;

    /// No function that a script can call panics; one is put in place of another here.
    #[test]
    fn fault_25_a_panic_under_a_body_fails_that_run_and_no_other() {
        let text = "rule \"breaks\" when plain.level > 3 { let n = 1; if floor(1.5) > 1.0 { n = 2; } notify(`${n}`); }\n\
                    rule \"works\" when plain.level > 3 { let n = 1; notify(`${n + 1}`); }\n";
        let mut catalog = Catalog::default();
        let level = PointSpec::new("plain.level", Kind::Number(Unit::parse("").unwrap()), Origin::Measured);
        catalog.add_point(level).unwrap();
        let catalog = Arc::new(catalog);
        let mut compiled = compile(&[Source { file: FileId(0), name: "panic.rhai", text }], &catalog);
        assert!(!compiled.has_mistakes(), "{:#?}", compiled.diagnostics);
        compiled.bodies.engine.register_fn("floor", |_: f64| -> f64 { panic!("a defect of ours") });
        let (snapshot, trackers) = (Snapshot::new(&catalog), Trackers::default());
        let context = BodyContext {
            catalog: &catalog,
            snapshot: &snapshot,
            trackers: &trackers,
            now: Mono::ZERO,
            rule: Some(0),
            active_since: Some(Mono::ZERO),
        };
        let [breaks, works] = [0, 1].map(|rule| compiled.rules[rule].body);
        for _ in 0..3 {
            let mut asked = Asked::default();
            let BodyOutcome::Failed { message, .. } = compiled.bodies.run(breaks, &context, &mut asked)
            else {
                panic!("it did not fail");
            };
            assert_eq!(message, "the scripting engine failed");
            assert!(asked.notices.is_empty());
            let outcome = compiled.bodies.run(works, &context, &mut asked);
            assert!(matches!(outcome, BodyOutcome::Done), "{outcome:?}");
            assert_eq!(asked.notices.len(), 1);
        }
    }
}
