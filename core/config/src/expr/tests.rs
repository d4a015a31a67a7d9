//! What a condition's text means, and what is said when it means nothing.

use proptest::prelude::*;

use super::*;
use ballast_model::expr::ExprKind;

/// The tree in brackets, so that precedence can be seen.
fn shown(expr: &Expr) -> String {
    match &expr.kind {
        // Written with all its zeros a large number is longer than what is read.
        ExprKind::Number(value) if value.abs() >= 1e15 => format!("{value:e}"),
        ExprKind::Number(value) => format!("{value}"),
        // A text in single quotes may hold a double one.
        ExprKind::Text(text) if text.contains('"') => format!("'{text}'"),
        ExprKind::Text(text) => format!("\"{text}\""),
        ExprKind::Flag(flag) => flag.to_string(),
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Not(inner) => format!("(! {})", shown(inner)),
        ExprKind::Negate(inner) => format!("(- {})", shown(inner)),
        ExprKind::Binary { op, left, right } => format!("({} {} {})", shown(left), op.symbol(), shown(right)),
        ExprKind::Call { name, args, .. } => {
            format!("{name}({})", args.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
    }
}

fn means(text: &str, expected: &str) {
    let condition = parse_condition(text).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
    let hold = condition.hold.map_or(String::new(), |(hold, _)| format!(" for {hold}"));
    assert_eq!(format!("{}{hold}", shown(&condition.expr)), expected, "{text}");
}

/// `marked` is a text with `⟦` and `⟧` around the place that must be blamed.
fn refused(marked: &str, message: &str) {
    let text = marked.replace(['⟦', '⟧'], "");
    let problem = parse_condition(&text).expect_err(&text);
    let start = marked.find('⟦').unwrap();
    let end = marked.find('⟧').unwrap() - '⟦'.len_utf8();
    let expected = Span::new(u32::try_from(start).unwrap(), u32::try_from(end).unwrap());
    assert_eq!((problem.span, problem.message.as_str()), (expected, message), "{text}");
    assert!(problem.help.is_some_and(|help| !help.is_empty()), "{text}: no word of what to do");
}

#[test]
fn the_examples_of_the_design_are_read() {
    means(
        "max(battery.temperature_1, battery.temperature_2) > 50 °C for 2 s",
        "(max(battery.temperature_1, battery.temperature_2) > \"50 °C\") for 2 s",
    );
    means("sun.elevation < -2 deg", "(sun.elevation < \"-2 deg\")");
    means("linky.period == \"off_peak\"", "(linky.period == \"off_peak\")");
    means("charger.current", "charger.current");
}

#[test]
fn operators_bind_as_people_expect() {
    means("a or b and c", "(a || (b && c))");
    means("a || b && !c", "(a || (b && (! c)))");
    means("not a > 1 and b", "((! (a > 1)) && b)");
    means("!a == b", "((! a) == b)");
    means("not not a", "(! (! a))");
    means("a + b * -c - 2", "((a + (b * (- c))) - 2)");
    means("a - -2 V", "(a - \"-2 V\")");
    means("-(a)", "(- a)");
    means("(a or b) and c", "((a || b) && c)");
    means("a ≥ 1 W and b ≠ c", "((a >= \"1 W\") && (b != c))");
    means("true and false", "(true && false)");
}

#[test]
fn a_unit_belongs_to_its_number() {
    means("a > 15 000 W", "(a > \"15 000 W\")");
    means("a > 15\u{202f}000 W", "(a > \"15\u{202f}000 W\")");
    means("a > 200 W/s", "(a > \"200 W/s\")");
    means("a > 200 W / b", "(a > (\"200 W\" / b))");
    means("a > 200 W/b", "(a > (\"200 W\" / b))");
    means("a>50% or b", "((a > \"50%\") || b)");
    means("a > 5 and b", "((a > 5) && b)");
    means("a > 5 for 1 h 30 min", "(a > 5) for 1 h 30 min");
    means("a > 5 for 1h30min", "(a > 5) for 1 h 30 min");
    means("a > 5 for \"2 s\"", "(a > 5) for 2 s");
    means("used(c, 06:00) < 3 kWh", "(used(c, \"06:00\") < \"3 kWh\")");
    means("a > .5 Hz", "(a > \".5 Hz\")");
    means("rate(a, 5 min) < -3 Hz/s", "(rate(a, \"5 min\") < \"-3 Hz/s\")");
    means("known()", "known()");
    for unit in ["m3", "m³", "m^3", "m3/h", "m³/h", "Nm3/h", "W/m2", "W/m^2", "kWh/m3", "dBm", "K", "GJ"] {
        means(&format!("a > 5 {unit} and b"), &format!("((a > \"5 {unit}\") && b)"));
        means(&format!("a > 5{unit}*b"), &format!("(a > (\"5{unit}\" * b))"));
    }
    means("a > 5 m / b2", "(a > (\"5 m\" / b2))");
}

#[test]
fn what_is_no_condition_is_refused_at_its_place() {
    refused("a ⟦=⟧ 1", "`=` has no meaning in a condition");
    refused("a > 1 ⟦<⟧ b", "two comparisons in a row");
    refused("a > ⟦(⟧b", "the bracket that opens here is not closed");
    refused("a > 1⟦)⟧", "a bracket is closed here that was never opened");
    refused("a >⟦⟧", "the condition breaks off; a value is expected");
    refused("⟦⟧", "the condition is empty; a value is expected");
    refused("a ⟦b⟧", "an operator or the end is expected here");
    refused("max(a ⟦b⟧)", "`,` or `)` is expected here");
    refused("(a > 1 ⟦for⟧ 2 s) or b", "`for` holds the whole condition, so it stands once, at its end");
    refused("a > 1 for 2 s ⟦for⟧ 3 s", "`for` holds the whole condition, so it stands once, at its end");
    refused("a > 1 for ⟦5⟧", "a length of time after `for` is expected here");
    refused("a > 1 for ⟦5 V⟧", "`5 V` is a voltage; a length of time is expected");
    refused("a > 1 for ⟦\"-5 s\"⟧", "`-5 s` is not a length of time");
    refused("a > ⟦1,5⟧ V", "`1,5` has a decimal comma");
    refused("a > ⟦1e999⟧ V", "`1e999` is not a finite number");
    refused("a > 5 ⟦kw⟧", "`kw` is not a unit that is known here");
    refused("a > 5 ⟦m3x⟧", "`m3x` is not a unit that is known here");
    refused("a > 5 ⟦m4⟧ and b", "`m4` is not a unit that is known here");
    refused("a == ⟦\"⟧b", "the quote that opens here is not closed");
    refused("a > ⟦#⟧", "`#` has no meaning in a condition");
}

#[test]
fn units_in_another_case_are_recognised() {
    let help = |text: &str| parse_condition(text).unwrap_err().help.unwrap();
    assert_eq!(help("a > 5 kw"), "did you mean `kW`?");
    assert_eq!(help("a > 5 HZ"), "did you mean `Hz`?");
    assert_eq!(help("a > 5 minuts"), "did you mean `minute`?");
    assert!(help("a > 5 q").starts_with("known units are V, A, W"));
}

#[test]
fn spans_cover_what_they_name() {
    let text = "max(a, b) > 50 °C for 2 s";
    let condition = parse_condition(text).unwrap();
    let slice = |span: Span| &text[usize::try_from(span.start).unwrap()..usize::try_from(span.end).unwrap()];
    assert_eq!(slice(condition.expr.span), "max(a, b) > 50 °C");
    assert_eq!(slice(condition.hold.unwrap().1), "2 s");
    let ExprKind::Binary { left, right, .. } = condition.expr.kind else { panic!() };
    assert_eq!((slice(left.span), slice(right.span)), ("max(a, b)", "50 °C"));
    let ExprKind::Call { name_span, .. } = left.kind else { panic!() };
    assert_eq!(slice(name_span), "max");
}

#[test]
fn a_comparison_may_stand_alone() {
    let comparison = parse_comparison("> 50 mA").unwrap();
    assert_eq!((comparison.op, shown(&comparison.right).as_str()), (BinaryOp::Greater, "\"50 mA\""));
    assert!(parse_comparison("50 mA").unwrap_err().message.contains("a comparison such as"));
    assert!(parse_comparison("> 50 mA for 2 s").is_err());
}

#[test]
fn size_and_depth_are_bounded() {
    let code = |text: &str| parse_condition(text).unwrap_err().code;
    assert_eq!(code(&"(".repeat(2000)), crate::codes::EXPR_TOO_LARGE);
    assert_eq!(code(&"f(".repeat(1000)), crate::codes::EXPR_TOO_LARGE);
    assert_eq!(code(&format!("a{}", "+a".repeat(1000))), crate::codes::EXPR_TOO_LARGE);
    assert_eq!(code(&format!("{}a", "!".repeat(1000))), crate::codes::EXPR_TOO_LARGE);
    assert_eq!(code(&" ".repeat(5000)), crate::codes::EXPR_TOO_LARGE);
    means(&format!("{}a{}", "(".repeat(31), ")".repeat(31)), "a");
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a", "b.c", "max", "(", ")", ",", " ", ">", "<", "==", "=", "!", "not ", " and ", " or ", " for ",
        "5", "1 000", " s", " °C", "%", "W/s", "-", "+", "*", "/", "\"", "'", "é", "06:00", "1e9", "1e999",
        ".", "\u{2212}", "nan", "&",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_text_breaks_the_parser(pieces in prop::collection::vec(piece(), 0..30)) {
        let text = pieces.concat();
        match parse_condition(&text) {
            Err(problem) => {
                let range = usize::try_from(problem.span.start).unwrap()..usize::try_from(problem.span.end).unwrap();
                prop_assert!(text.get(range).is_some(), "{text:?} {problem:?}");
            }
            Ok(condition) => {
                // What was read can be written and read again.
                let again = parse_condition(&shown(&condition.expr)).map(|again| shown(&again.expr));
                prop_assert_eq!(again, Ok(shown(&condition.expr)));
            }
        }
    }
}
