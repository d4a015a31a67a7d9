//! The scripts.

use crate::End;

/// How deep the nested ones are nested: far deeper than any limit.
const DEEP: usize = 3_000;

/// Name, text and end of each.
pub(crate) fn all() -> Vec<(String, String, End)> {
    let mut all = Vec::new();
    for (name, body, end) in BODIES {
        all.push(((*name).to_string(), format!("rule \"x\" when plain.level > 3 {{ {body} }}"), *end));
    }
    for (name, text, end) in FILES {
        all.push(((*name).to_string(), (*text).to_string(), *end));
    }
    for (name, open, middle, close) in NESTED {
        let nested = format!("{}{middle}{}", open.repeat(DEEP), close.repeat(DEEP));
        let condition = format!("rule \"x\" when {nested} {{ close(lamp); }}");
        let body = format!("rule \"x\" when plain.level > 3 {{ let y = {nested}; }}");
        all.push((format!("{name} in a condition"), condition, End::Refused));
        all.push((format!("{name} in a body"), body, End::Refused));
    }
    all.extend(deep_recursions());
    all.extend(floods());
    all
}

/// Bodies of a rule.
const BODIES: &[(&str, &str, End)] = &[
    ("an endless loop", "loop { }", End::Fails),
    ("an endless while", "while true { let a = 1; }", End::Fails),
    ("an endless do", "do { } while true", End::Fails),
    ("an endless until", "do { } until false", End::Fails),
    ("loops in loops", "for i in 0..1000 { for j in 0..1000 { for k in 0..1000 { } } }", End::Fails),
    ("a range without end", "for i in 0..9223372036854775807 { }", End::Fails),
    ("a closed range without end", "for i in 0..=9223372036854775807 { }", End::Fails),
    ("a text that doubles", "let s = \"x\"; loop { s += s; }", End::Fails),
    ("a text that doubles, written out", "let s = \"x\"; loop { s = s + s; }", End::Fails),
    ("a text that doubles in a text", "let s = \"x\"; loop { s = `${s}${s}`; }", End::Fails),
    ("a list that doubles", "let a = [1]; loop { a = [a, a]; }", End::Fails),
    ("lists in lists", "let a = []; loop { a = [a]; }", End::Fails),
    (
        "a list of long texts",
        "let s = \"x\"; for i in 0..10 { s += s; } loop { s = [s, s, s, s]; }",
        End::Fails,
    ),
    ("a list that grows", "let a = [1]; loop { a += [1]; }", End::Fails),
    ("a list that is pushed", "let a = [1]; loop { a.push(1); }", End::Refused),
    ("an index far outside", "let a = [1]; a[1000000000000] = 2;", End::Fails),
    ("an index far below", "let a = [1]; a[-1000000000000] = 2;", End::Fails),
    ("a map by assignment", "let m = #{}; let i = 0; loop { m[`${i}`] = i; i += 1; }", End::Refused),
    ("a sum that overflows", "let x = 9223372036854775807; x += 1;", End::Fails),
    ("a product that overflows", "let x = 9223372036854775807; x *= 2;", End::Fails),
    ("a difference that overflows", "let x = -9223372036854775807; x -= 2;", End::Fails),
    ("a negation that overflows", "let x = -9223372036854775807 - 1; x = -x;", End::Fails),
    ("a division by zero", "let x = 0; x = 1 / x;", End::Fails),
    ("a remainder by zero", "let x = 0; x = 1 % x;", End::Fails),
    ("a remainder that overflows", "let x = -9223372036854775807 - 1; x = x % -1;", End::Fails),
    ("a remainder that overflows", "let x = -9223372036854775807 - 1; x = x % -1;", End::Fails),
    ("a shift far too wide", "let x = 1 << 1000000; ", End::Refused),
    ("a power", "let x = 9 ** 999999999;", End::Refused),
    ("an infinity as a setpoint", "let x = 0.0; set(pv.limit, 1.0 / x);", End::Fails),
    ("an infinity that is written", "set(pv.limit, 1.0 / 0.0);", End::Refused),
    ("no number as a setpoint", "let x = 0.0; set(pv.limit, x / x);", End::Fails),
    ("a setpoint that overflows its unit", "let x = 1e308; set(ev.current, x * 10.0);", End::Fails),
    ("a flood of requests", "loop { close(lamp); }", End::Fails),
    ("a flood of texts", "loop { notify(`x${1}`); }", End::Fails),
    ("a flood of sheds", "loop { shed(\"homes\"); }", End::Fails),
    ("a flood of setpoints", "loop { set(pv.limit, 3.0 * 2.0); }", End::Fails),
    ("a flood of variables", "loop { let a = 1; let b = 2; let c = 3; }", End::Fails),
    ("many variables", "let a = 1; let a = 2; for i in 0..10000 { let a = i; }", End::Harmless),
    ("throwing in a loop", "loop { throw \"x\"; }", End::Fails),
    ("throwing a list", "throw [1, 2, 3];", End::Fails),
    ("catching the limits", "loop { try { loop { } } catch { } }", End::Refused),
    ("eval", "eval(\"loop { }\");", End::Refused),
    ("eval of eval", "let s = \"eval(s)\"; eval(s);", End::Refused),
    ("eval by a pointer", "Fn(\"eval\").call(\"1\");", End::Refused),
    ("eval by call", "call(\"eval\", \"1\");", End::Refused),
    ("a pointer that curries itself", "let f = Fn(\"x\"); loop { f = f.curry(f); }", End::Refused),
    ("a closure that holds itself", "let a = 0; let f = || a; a = f;", End::Refused),
    ("closures in lists", "let a = [1].map(|x| x);", End::Refused),
    ("sleep", "sleep(3);", End::Refused),
    ("sleep with a point", "sleep(0.5);", End::Refused),
    ("sleep by a method", "3.sleep();", End::Refused),
    ("a clock", "let t = timestamp();", End::Refused),
    ("a file", "import \"/etc/passwd\" as p;", End::Refused),
    ("an export", "let x = 1; export x as y;", End::Refused),
    ("a blob of four gigabytes", "let b = blob(4000000000);", End::Refused),
    ("padding to four gigabytes", "let s = \"x\"; s.pad(4000000000, \"x\");", End::Refused),
    ("replacing by long texts", "let s = \"x\"; s.replace(\"x\", s);", End::Refused),
    ("sorting with a liar", "let a = [3, 1, 2]; a.sort(|x, y| 1);", End::Refused),
    ("parsing json", "let x = parse_json(\"[]\");", End::Refused),
    ("printing", "loop { print(\"x\"); }", End::Refused),
    ("debugging", "loop { debug(\"x\"); }", End::Refused),
    ("exit", "exit(1);", End::Refused),
    ("random numbers", "let x = rand();", End::Refused),
    ("this", "this = 3;", End::Refused),
    ("a constant of the outside", "let x = global::y;", End::Refused),
    ("a module", "let x = std::fs::read(\"x\");", End::Refused),
    ("a handle as a number", "close(0);", End::Refused),
    ("a handle made up", "let x = 3; close(x);", End::Refused),
    ("a value made up", "let x = `#0`; x;", End::Harmless),
    ("a list where a number belongs", "abs([1]);", End::Fails),
    ("a root of a negative number", "let x = sqrt(-1.0 * 4.0);", End::Fails),
    ("a whole number of an infinity", "let y = 0; let x = int(1.0 / y);", End::Fails),
    ("a long switch", "let x = 3; loop { switch x { 1 => x += 1, _ => x -= 1 } }", End::Fails),
    ("a text of an infinity", "let x = 0.0; notify(`${1.0 / x}`);", End::Fails),
];

/// Whole files.
const FILES: &[(&str, &str, End)] = &[
    ("recursion", "fn f(x) { f(x) }\nrule \"x\" when plain.level > 3 { f(1); }", End::Fails),
    (
        "recursion by two",
        "fn f(x) { g(x) }\nfn g(x) { f(x) }\nrule \"x\" when plain.level > 3 { f(1); }",
        End::Fails,
    ),
    (
        "recursion with ever longer texts",
        "fn f(x) { f(x + x) }\nrule \"x\" when plain.level > 3 { f(\"x\"); }",
        End::Fails,
    ),
    ("a loop at the top", "loop { }", End::Refused),
    ("a call at the top", "close(lamp);", End::Refused),
    ("an import at the top", "import \"/etc/passwd\" as p;", End::Refused),
    ("a constant of itself", "const A = A + A;", End::Refused),
    ("zeros", "\0\0\0\0", End::Refused),
    ("a mark of the byte order", "\u{feff}const A = 1;", End::Harmless),
    ("letters that look alike", "rulе \"x\" when plain.level > 3 { }", End::Refused),
    ("an open text", "rule \"x", End::Refused),
    ("an open comment", "/* /* */", End::Refused),
    ("an open backtick", "const A = `${", End::Refused),
    ("nothing", "", End::Harmless),
];

/// Opened, in the middle, closed.
const NESTED: &[(&str, &str, &str, &str)] = &[
    ("brackets", "(", "1", ")"),
    ("lists", "[", "1", "]"),
    ("minus signs", "- ", "1", ""),
    ("exclamation marks", "!", "true", ""),
    ("sums", "1 + ", "1", ""),
    ("sums in brackets", "1 + (", "1", ")"),
    ("and", "true && ", "true", ""),
    ("and in brackets", "true && (", "true", ")"),
    ("comparisons", "1 < ", "1", ""),
    ("calls", "abs(", "1", ")"),
    ("blocks", "{ ", "1", " }"),
    ("if", "if true { ", "1", " } else { 2 }"),
    ("else if", "if false { 1 } else ", "{ 2 }", ""),
    ("while", "while false { ", "1", " }"),
    ("try", "try { ", "1", " } catch { }"),
    ("switch", "switch 1 { 1 => ", "1", " }"),
    ("maps", "#{ a: ", "1", " }"),
    ("closures", "|x| ", "1", ""),
    ("parts", "a.", "b", ""),
    ("elements", "a[", "0", "]"),
    ("texts in texts", "`${", "1", "}`"),
    ("powers", "2 ** ", "2", ""),
    ("question marks", "1 ?? ", "1", ""),
    ("ranges", "0..(", "1", ")"),
    ("comments", "/*", "1", "*/"),
];

/// Functions that call themselves as deep in an expression as a function may go, and one level deeper.
fn deep_recursions() -> Vec<(String, String, End)> {
    let mut all = Vec::new();
    for depth in [1, 5, 10, 15, 18, 20, 22, 24, 30] {
        for (open, close) in [("1 + (", ")"), ("abs(", ")"), ("[", "][0]"), ("if true { ", " } else { 1 }")] {
            let inner = format!("{}f(x){}", open.repeat(depth), close.repeat(depth));
            let text = format!("fn f(x) {{ {inner} }}\nrule \"x\" when plain.level > 3 {{ f(1); }}");
            all.push((format!("recursion in {depth} of {open}"), text, End::FailsOrRefused));
        }
    }
    all
}

fn numbered(line: impl Fn(usize) -> String) -> String {
    (0..5_000).map(line).collect()
}

/// Texts that are long in one way.
fn floods() -> Vec<(String, String, End)> {
    let rule = "rule \"x\" when plain.level > 3 { close(lamp); }";
    let bodies = [
        ("eighteen megabytes", "x".repeat(18 * 1024 * 1024), End::Refused),
        ("spaces up to the limit", " ".repeat(256 * 1024), End::Refused),
        ("semicolons up to the limit", ";\n".repeat(10_000), End::Harmless),
        ("too many lines", "\n".repeat(200_000), End::Refused),
        ("a line that is too long", format!("// {}\n{rule}", "x".repeat(9_000)), End::Refused),
        ("a name that is too long", rule.replace('x', &"x".repeat(200)), End::Refused),
        (
            "a text that is too long",
            rule.replace("lamp", &format!("\"{}\"", "x".repeat(7_000))),
            End::Refused,
        ),
        ("an identifier that is too long", rule.replace("lamp", &"x".repeat(7_000)), End::Refused),
        ("a number that is too long", rule.replace('3', &"9".repeat(7_000)), End::Refused),
        ("functions", numbered(|at| format!("fn f{at}() {{ }}\n")), End::Refused),
        ("one name again and again", format!("{rule}\n").repeat(4_000), End::Refused),
        ("constants", numbered(|at| format!("const A{at} = 1;\n")), End::Harmless),
        ("mistakes", "rule \"x\" when nothing { nothing; }\n".repeat(7_000), End::Refused),
        ("statements that are cut", "rule \"x\" when\n".repeat(10_000), End::Refused),
        ("brackets that open", "{".repeat(7_000), End::Refused),
        ("brackets that close", "}".repeat(7_000), End::Refused),
        (
            "placeholders",
            format!("rule \"x\" when plain.level > 3 {{ notify(\"{}\"); }}", "{plain.level}".repeat(100)),
            End::Refused,
        ),
        (
            "requests",
            format!("rule \"x\" when plain.level > 3 {{ {} }}", "close(lamp);\n".repeat(2_000)),
            End::Refused,
        ),
        (
            "values",
            format!(
                "rule \"x\" when plain.level > 3 {{ {} }}",
                "avg(plain.level, \"1min\");\n".repeat(2_000)
            ),
            End::Refused,
        ),
    ];
    bodies.into_iter().map(|(name, text, end)| (name.to_string(), text, end)).collect()
}
