//! The one place where the scripting engine is made.
//!
//! It starts from nothing: no package of the library is taken in, since those bring `sleep`, a clock, files and functions
//! whose bits differ between machines. What a script can call stands in [`REQUESTS`] and [`FUNCTIONS`]; everything else is
//! refused when a file is loaded, and would not be found at run time either. Every limit is set here, the same in debug
//! and release builds.

use crate::limits;
use crate::live::{Live, Pending};
use crate::syntax;
use ballast_engine::bodies::{ASKED_MAX, NoticeLevel};
use ballast_model::Finite;
use ballast_model::expr::Fault;
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, OptimizationLevel, Position};
use std::cell::RefCell;
use std::rc::Rc;

/// What a body can ask for: name and usage. They are checked at load and are no ordinary functions.
pub const REQUESTS: &[(&str, &str)] = &[
    ("alarm", "alarm(\"text\")"),
    ("close", "close(output)"),
    ("mode", "mode(\"word\")"),
    ("notify", "notify(\"text\")"),
    ("open", "open(output)"),
    ("record", "record(\"name\") or record(\"name\", [point, point])"),
    ("set", "set(output, value) or set(output, value, \"10min\")"),
    ("shed", "shed(\"group\"), shed(\"group\", \"25 %\") or shed(\"group\", \"4 kW\")"),
    ("start", "start(\"campaign\")"),
    ("stop", "stop(\"campaign\")"),
    ("warn", "warn(\"text\")"),
];

/// The functions on plain values that bodies and functions can call: name, the numbers of arguments, usage.
pub const FUNCTIONS: &[(&str, &[usize], &str)] = &[
    ("abs", &[1], "abs(x)"),
    ("ceil", &[1], "ceil(x)"),
    ("clamp", &[3], "clamp(x, lowest, highest)"),
    ("floor", &[1], "floor(x)"),
    ("int", &[1], "int(x)"),
    ("max", &[2, 3, 4], "max(a, b)"),
    ("min", &[2, 3, 4], "min(a, b)"),
    ("round", &[1], "round(x)"),
    ("sqrt", &[1], "sqrt(x)"),
];

type Failure = Box<EvalAltResult>;
type Shared = Rc<RefCell<Live>>;

/// Makes the engine, and what its functions share with the run of a body.
pub(crate) fn engine() -> (Engine, Shared) {
    let live: Shared = Rc::default();
    let mut engine = Engine::new_raw();
    set_limits(&mut engine);
    for symbol in
        ["eval", "import", "export", "curry", "Fn", "call", "print", "debug", "this", "**", "**=", "=>"]
    {
        if symbol != "=>" {
            engine.disable_symbol(symbol);
        }
    }
    syntax::register(&mut engine);
    register_requests(&mut engine, &live);
    register_functions(&mut engine);
    register_arithmetic(&mut engine);
    register_comparisons(&mut engine);
    engine.register_iterator::<core::ops::Range<i64>>();
    engine.register_iterator::<core::ops::RangeInclusive<i64>>();
    engine.register_iterator::<rhai::Array>();
    let names = Rc::clone(&live);
    #[expect(
        deprecated,
        reason = "the library marks it as open to change; the version of the library is pinned"
    )]
    engine.on_var(move |name, _, _| match names.try_borrow() {
        Ok(live) => live.value(name),
        Err(_) => Err(failure("a value was read while another was being asked for")),
    });
    (engine, live)
}

fn set_limits(engine: &mut Engine) {
    engine
        .set_max_operations(limits::OPERATIONS_MAX)
        .set_max_call_levels(limits::CALL_LEVELS_MAX)
        .set_max_expr_depths(limits::EXPRESSION_DEPTH_MAX, limits::FUNCTION_DEPTH_MAX)
        .set_max_string_size(limits::TEXT_BYTES_MAX)
        .set_max_array_size(limits::ARRAY_MAX)
        .set_max_map_size(1)
        .set_max_variables(limits::VARIABLES_MAX)
        .set_max_functions(limits::FUNCTIONS_MAX)
        .set_max_modules(0)
        .set_allow_anonymous_fn(false)
        .set_allow_looping(true)
        .set_allow_shadowing(true)
        // Built-in operators first would hide the comparisons that are refused below.
        .set_fast_operators(false)
        .set_fail_on_invalid_map_property(true)
        .set_optimization_level(OptimizationLevel::None);
}

pub(crate) fn failure(text: &str) -> Failure {
    Box::new(EvalAltResult::ErrorRuntime(text.into(), Position::NONE))
}

/// The requests of a body. Their first argument is the index of a checked entry that was put in at load.
fn register_requests(engine: &mut Engine, live: &Shared) {
    for name in ["close", "open", "set", "shed", "start", "stop", "mode", "record", "notify", "warn", "alarm"]
    {
        let to = Rc::clone(live);
        engine.register_fn(name, move |entry: i64| push(&to, Pending::Entry(entry)));
        let to = Rc::clone(live);
        engine.register_fn(name, move |entry: i64, value: Dynamic| push(&to, valued(name, entry, value)?));
        let to = Rc::clone(live);
        engine.register_fn(name, move |entry: i64, value: Dynamic, _: i64| {
            push(&to, valued(name, entry, value)?)
        });
    }
    let levels =
        [("notify", NoticeLevel::Notify), ("warn", NoticeLevel::Warn), ("alarm", NoticeLevel::Alarm)];
    for (name, level) in levels {
        let to = Rc::clone(live);
        engine.register_fn(name, move |text: ImmutableString| push(&to, Pending::Text(level, text)));
    }
}

fn valued(name: &str, entry: i64, value: Dynamic) -> Result<Pending, Failure> {
    if name != "set" {
        return Ok(Pending::Entry(entry));
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(Pending::Quantity(entry, text.clone()));
    }
    let number = number(&value)?;
    let finite = Finite::new(number).ok_or_else(|| failure("the value to set is not a finite number"))?;
    Ok(Pending::Level(entry, finite))
}

fn push(live: &Shared, pending: Pending) -> Result<(), Failure> {
    let mut live = live.try_borrow_mut().map_err(|_| failure("two requests at once"))?;
    if live.pending.len() >= ASKED_MAX {
        return Err(failure("the body asks for too many things in one run"));
    }
    live.pending.push(pending);
    Ok(())
}

fn number(value: &Dynamic) -> Result<f64, Failure> {
    if let Ok(number) = value.as_float() {
        return Ok(number);
    }
    match value.as_int() {
        Ok(number) => Ok(number as f64),
        Err(_) => Err(failure(&format!("a number is needed here, not {}", kind(value)))),
    }
}

fn kind(value: &Dynamic) -> &'static str {
    if value.is_string() {
        "a text"
    } else if value.is_bool() {
        "yes or no"
    } else if value.is_unit() {
        "nothing"
    } else {
        "a list"
    }
}

fn register_functions(engine: &mut Engine) {
    type One = fn(f64) -> f64;
    let ones: [(&str, One); 4] =
        [("abs", f64::abs), ("ceil", f64::ceil), ("floor", f64::floor), ("round", f64::round)];
    for (name, function) in ones {
        engine.register_fn(name, move |x: Dynamic| -> Result<f64, Failure> { Ok(function(number(&x)?)) });
    }
    engine.register_fn("sqrt", |x: Dynamic| -> Result<f64, Failure> {
        let x = number(&x)?;
        if x < 0.0 { Err(failure("a negative number has no square root")) } else { Ok(x.sqrt()) }
    });
    engine.register_fn("int", |x: Dynamic| -> Result<i64, Failure> {
        let x = number(&x)?;
        if x.abs() < 9e15 { Ok(x as i64) } else { Err(failure("this number is too large for `int`")) }
    });
    engine.register_fn("clamp", |x: Dynamic, low: Dynamic, high: Dynamic| -> Result<f64, Failure> {
        Ok(number(&x)?.min(number(&high)?).max(number(&low)?))
    });
    for (name, pick) in [("max", f64::max as fn(f64, f64) -> f64), ("min", f64::min)] {
        engine.register_fn(name, move |a: Dynamic, b: Dynamic| -> Result<f64, Failure> {
            Ok(pick(number(&a)?, number(&b)?))
        });
        engine.register_fn(name, move |a: Dynamic, b: Dynamic, c: Dynamic| -> Result<f64, Failure> {
            Ok(pick(pick(number(&a)?, number(&b)?), number(&c)?))
        });
        engine.register_fn(
            name,
            move |a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic| -> Result<f64, Failure> {
                Ok(pick(pick(number(&a)?, number(&b)?), pick(number(&c)?, number(&d)?)))
            },
        );
    }
    // The first argument is `()` while unknown: it was made so at load.
    engine.register_fn(
        "or_else",
        |first: Dynamic, otherwise: Dynamic| {
            if first.is_unit() { otherwise } else { first }
        },
    );
    // How values appear in texts with `${}`.
    engine.register_fn("to_string", |x: &mut f64| {
        let base = Finite::saturating(*x);
        ballast_model::quantity::Shown { base, unit: ballast_model::Unit::NONE }.to_string()
    });
    engine.register_fn("to_string", |x: &mut i64| x.to_string());
    engine.register_fn("to_string", |x: &mut bool| if *x { "yes" } else { "no" }.to_string());
}

/// Arithmetic that has no result is a failure: the library would go on with "infinity" and "not a number". Whole numbers
/// are divided as in conditions and constants, `1 / 2` is a half.
fn register_arithmetic(engine: &mut Engine) {
    type Operation = fn(f64, f64) -> f64;
    let operations: [(&str, Operation, bool); 5] = [
        ("+", |a, b| a + b, false),
        ("-", |a, b| a - b, false),
        ("*", |a, b| a * b, false),
        ("/", |a, b| a / b, true),
        ("%", |a, b| a % b, true),
    ];
    for (name, operation, divides) in operations {
        let checked = move |a: f64, b: f64| -> Result<f64, Failure> {
            let value = operation(a, b);
            Fault::of(value, divides.then_some(b)).map_or(Ok(value), |fault| Err(failure(fault.words())))
        };
        engine.register_fn(name, checked);
        engine.register_fn(name, move |a: f64, b: i64| checked(a, b as f64));
        engine.register_fn(name, move |a: i64, b: f64| checked(a as f64, b));
        if name == "/" {
            engine.register_fn(name, move |a: i64, b: i64| checked(a as f64, b as f64));
        }
        let assigned = format!("{name}=");
        let set = move |a: &mut f64, b: f64| checked(*a, b).map(|value| *a = value);
        engine.register_fn(&assigned, set);
        engine.register_fn(&assigned, move |a: &mut f64, b: i64| set(a, b as f64));
    }
    engine.register_fn("/=", |a: &mut Dynamic, b: i64| -> Result<(), Failure> {
        // What was a whole number may get a fraction.
        let value = number(a)? / b as f64;
        *a = Fault::of(value, Some(b as f64)).map_or(Ok(value), |fault| Err(failure(fault.words())))?.into();
        Ok(())
    });
    let rest = |a: i64, b: i64| a.checked_rem(b).ok_or_else(|| failure(Fault::DivisionByZero.words()));
    engine.register_fn("%", rest);
    engine.register_fn("%=", move |a: &mut i64, b: i64| rest(*a, b).map(|value| *a = value));
}

/// The library compares values of different kinds to `false` without a word; here that is an error.
fn register_comparisons(engine: &mut Engine) {
    fn differ(a: &str, b: &str) -> Result<bool, Failure> {
        Err(failure(&format!("{a} cannot be compared with {b}")))
    }
    for op in ["==", "!=", "<", "<=", ">", ">="] {
        engine.register_fn(op, |_: f64, _: ImmutableString| differ("a number", "a text"));
        engine.register_fn(op, |_: i64, _: ImmutableString| differ("a number", "a text"));
        engine.register_fn(op, |_: ImmutableString, _: f64| differ("a text", "a number"));
        engine.register_fn(op, |_: ImmutableString, _: i64| differ("a text", "a number"));
        engine.register_fn(op, |_: bool, _: f64| differ("yes or no", "a number"));
        engine.register_fn(op, |_: bool, _: i64| differ("yes or no", "a number"));
        engine.register_fn(op, |_: f64, _: bool| differ("a number", "yes or no"));
        engine.register_fn(op, |_: i64, _: bool| differ("a number", "yes or no"));
        engine.register_fn(op, |_: bool, _: ImmutableString| differ("yes or no", "a text"));
        engine.register_fn(op, |_: ImmutableString, _: bool| differ("a text", "yes or no"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that the engine would find for a script, without what it gives back.
    fn visible() -> String {
        let (engine, _) = engine();
        let signatures = engine.gen_fn_signatures(true);
        let short = |line: &String| {
            let taken = line.split(" -> ").next().unwrap_or("");
            taken.replace("_: ", "").replace("types::dynamic::Dynamic", "any").replace("&mut ", "")
        };
        let mut names: Vec<String> = signatures.iter().map(short).collect();
        names.sort();
        names.join("\n") + "\n"
    }

    #[test]
    fn a_script_sees_these_functions_and_no_others() {
        let visible = visible();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/visible_functions.txt");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(file, &visible).unwrap();
        }
        assert_eq!(visible, std::fs::read_to_string(file).unwrap());
    }

    #[test]
    fn every_function_that_can_be_called_is_visible_and_the_other_way_round() {
        let visible = visible();
        let names: std::collections::BTreeSet<&str> =
            visible.lines().filter_map(|line| line.split('(').next()).collect();
        let requests = REQUESTS.iter().map(|(name, _)| *name);
        let called: std::collections::BTreeSet<&str> =
            requests.chain(FUNCTIONS.iter().map(|(name, _, _)| *name)).collect();
        let operators = [
            "==",
            "!=",
            "<",
            "<=",
            ">",
            ">=",
            "+",
            "-",
            "*",
            "/",
            "%",
            "+=",
            "-=",
            "*=",
            "/=",
            "%=",
            "to_string",
            "or_else",
        ];
        let others: Vec<_> = names.difference(&called).filter(|name| !operators.contains(name)).collect();
        assert!(others.is_empty(), "visible and not known at load: {others:?}");
        let missing: Vec<_> = called.difference(&names).collect();
        assert!(missing.is_empty(), "known at load and not there: {missing:?}");
    }

    #[test]
    fn the_limits_are_set_and_none_is_left_open() {
        let (engine, _) = engine();
        assert_eq!(engine.max_operations(), limits::OPERATIONS_MAX);
        assert_eq!(engine.max_call_levels(), limits::CALL_LEVELS_MAX);
        assert_eq!(engine.max_expr_depth(), limits::EXPRESSION_DEPTH_MAX);
        assert_eq!(engine.max_function_expr_depth(), limits::FUNCTION_DEPTH_MAX);
        assert_eq!(engine.max_string_size(), limits::TEXT_BYTES_MAX);
        assert_eq!(engine.max_array_size(), limits::ARRAY_MAX);
        assert_eq!(engine.max_map_size(), 1);
        assert_eq!(engine.max_variables(), limits::VARIABLES_MAX);
        assert_eq!(engine.max_functions(), limits::FUNCTIONS_MAX);
        assert_eq!(engine.max_modules(), 0);
        assert!(!engine.allow_anonymous_fn());
    }
}
