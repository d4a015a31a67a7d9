//! What the tree says about texts that are not what we read, and where it puts what it reads.

use ballast_model::diagnostic::Span;
use proptest::prelude::*;

use super::*;
use crate::carets;

fn check(drawn: &str) {
    carets::check(drawn, |sources, out| {
        parse(FileId(0), sources, out);
    });
}

fn read(text: &str) -> (Tree, Diagnostics) {
    let mut out = Diagnostics::new();
    let mut sources = Sources::new();
    let file = sources.add("site.yaml", text.as_bytes(), &mut out);
    (parse(file, &sources, &mut out), out)
}

/// The node at a path of keys and indices.
fn at<'t>(tree: &'t Tree, path: &[&str]) -> &'t Node {
    path.iter().fold(tree.root.as_ref().unwrap(), |node, step| match &node.kind {
        Kind::Map(map) => map.get(step).unwrap_or_else(|| panic!("no {step}")),
        Kind::List(list) => &list.items[step.parse::<usize>().unwrap()],
        _ => panic!("{step} of a scalar"),
    })
}

fn slice(text: &str, span: Span) -> &str {
    &text[usize::try_from(span.start).unwrap()..usize::try_from(span.end).unwrap()]
}

#[test]
fn every_node_knows_its_place() {
    let text = "outputs:\r\n  charger: # é\r\n    effect: { point: a.b, closed: \"> 50 mA\" }\r\n\r\n# °\r\n  x: [mains: closed, 45 °C: 100 %]\r\nlist:\r\n- 1\r\n- b: 2\r\n  c:\r\nz: |\r\n  one\r\n  two\r\n\r\n";
    let (tree, out) = read(text);
    assert!(out.is_empty() && tree.is_complete);
    let spans = |path: &[&str]| {
        let node = at(&tree, path);
        (slice(text, node.head), slice(text, node.span))
    };
    assert_eq!(spans(&["outputs", "charger", "effect"]), ("effect", "{ point: a.b, closed: \"> 50 mA\" }"));
    assert_eq!(spans(&["outputs", "charger", "effect", "closed"]), ("closed", "\"> 50 mA\""));
    assert_eq!(spans(&["outputs", "x"]), ("x", "[mains: closed, 45 °C: 100 %]"));
    assert_eq!(spans(&["outputs", "x", "1"]), ("45 °C", "45 °C: 100 %"));
    assert_eq!(spans(&["outputs", "charger"]).1, "effect: { point: a.b, closed: \"> 50 mA\" }");
    assert_eq!(spans(&["list", "1"]), ("b", "b: 2\r\n  c"));
    assert_eq!(spans(&["list", "1", "c"]), ("c", "c"), "an absent value points at its key");
    assert_eq!(spans(&["list", "0"]), ("1", "1"));
    assert!(spans(&["z"]).1.starts_with("one\r\n  two"));
    assert!(at(&tree, &["list", "1", "c"]).is_null());
}

#[test]
fn nothing_is_read_into_a_scalar() {
    let (tree, _) = read("a: no\nb: 012\nc: .nan\nd: ~\ne: '~'\nf: null\ng: 1e999\n");
    let text = |key: &str| match &at(&tree, &[key]).kind {
        Kind::Scalar(scalar) => (scalar.text.clone(), scalar.is_null()),
        _ => panic!("{key}"),
    };
    let expected = [
        ("a", "no", false),
        ("b", "012", false),
        ("c", ".nan", false),
        ("d", "~", true),
        ("e", "~", false),
        ("f", "null", true),
        ("g", "1e999", false),
    ];
    for (key, value, is_null) in expected {
        assert_eq!(text(key), (value.to_owned(), is_null));
    }
}

#[test]
fn a_mistake_in_the_syntax_costs_its_section_only() {
    check(
        r#"
site: one: two
#        ^ error[yaml::syntax]: this `:` makes a key of something that cannot be one
devices:
  a: "open
#    ^ error[yaml::syntax]: the quote that opens here is not closed
groups:
  homes: [a, b
points:
#     ^ error[yaml::syntax]: this `:` makes a key of something that cannot be one
  x: @y
#    ^ error[yaml::syntax]: a value cannot start with this character
when: "off_peak" == linky.period
#                ^ error[yaml::syntax]: the value goes on after its closing quote
limits:
  - when: > 5
#         ^ error[yaml::syntax]: a value that starts with `>` or `|` means a block of text to YAML
    c: 1
last: 1
"#,
    );
    let (tree, _) = read("a: 1\nb: [\nc: 2\nd:\n  e: \"x\" y\n  f: 1\ng: 3\n");
    assert!(!tree.is_complete);
    for key in ["a", "g"] {
        assert!(matches!(at(&tree, &[key]).kind, Kind::Scalar(_)), "{key}");
    }
    assert!(matches!(&at(&tree, &["d"]).kind, Kind::Map(map) if !map.is_complete));
}

#[test]
fn complaints_are_worded_for_people() {
    let cases = [
        ("a: \"\\q\"\n", "escape"),
        ("a: `x`\n", "cannot start"),
        ("a: @x\n", "cannot start"),
        ("a: -\n", "`-` starts a list"),
        ("a: 1\nbcd\ne: 1\n", "a key without `:`"),
        ("a: { 1\n", "this `{` is not closed"),
        ("a: [ 1 {\n", "closing bracket is missing"),
        ("a: }\n", "closing bracket without"),
        ("a: \u{1}b\n", "control character U+0001"),
        ("a: *x\n", "aliases are refused"),
        ("a:\n  - b: 1\n   c: 2\nd: 3\n", "belongs neither to the list item"),
        ("a: 1\n  b: 2\n", "makes a key"),
        ("a: '\n", "quote that opens here"),
        ("a: [\"x\n", "quote that opens here"),
        ("- a\nb: 1\n", "belongs neither to the list item"),
    ];
    for (text, expected) in cases {
        let (tree, out) = read(text);
        let first = out.iter().next().unwrap_or_else(|| panic!("{text:?} was taken"));
        assert!(first.message.contains(expected), "{text:?}: {}", first.message);
        assert!(first.help.is_some() && !tree.is_complete);
    }
}

#[test]
fn the_same_key_twice_shows_both_places() {
    check(
        "
a: 1
- note: first here
b: { c: 1, c: 2 }
#    - note: first here
#          ^ error[yaml::duplicate_key]: the key `c` stands twice (again here)
#   = help: remove one, or give it another name
a: 2
^ error[yaml::duplicate_key]: the key `a` stands twice (again here)
#   = help: remove one, or give it another name
",
    );
    let (tree, _) = read("a: 1\na: 2\n");
    assert!(matches!(&at(&tree, &["a"]).kind, Kind::Scalar(scalar) if scalar.text == "1"));
}

#[test]
fn the_same_key_in_two_sections_around_a_mistake_is_seen() {
    check(
        "
a: 1
- note: first here
b: ]
#  ^ error[yaml::syntax]: a closing bracket without an opening one
a: 2
^ error[yaml::duplicate_key]: the key `a` stands twice (again here)
",
    );
}

#[test]
fn tabs_are_named_and_the_rest_is_still_read() {
    check(
        "
a:
\tb: 1
^ error[yaml::tab]: this line is indented with a tab
\t# a comment may
\t
\tc: 2
^ error[yaml::tab]: this line is indented with a tab
  d: a\tb
",
    );
    let (tree, out) = read("a:\n\tb: 1\n\tc: 2\n");
    assert_eq!(out.mistakes(), 2);
    assert!(!tree.is_complete);
    assert!(matches!(at(&tree, &["a", "c"]).kind, Kind::Scalar(_)));
}

#[test]
fn aliases_anchors_tags_and_further_documents_are_refused() {
    check(
        "
a: &x 1
#  ^ error[yaml::alias]: a value that starts with `&` means an anchor to YAML, and anchors are refused
b: *x
#  ^^ error[yaml::alias]: an alias; aliases are refused
c: !known 1
#  ^^^^^^^^ error[yaml::tag]: `!known` means a tag to YAML, and tags are not used here
[d]: 1
^^^ error[yaml::key]: a key must be a word, not a map or a list
---
^^^ error[yaml::documents]: a second document starts here; only one is read
e: 1
",
    );
}

#[test]
fn fault_26_an_alias_bomb_is_refused_quickly() {
    let mut text = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
    for (name, of) in ('b'..='j').zip('a'..='i') {
        text.push_str(&format!("{name}: &{name} [*{of},*{of},*{of},*{of},*{of},*{of},*{of},*{of},*{of}]\n"));
    }
    let (tree, out) = read(&text);
    assert!(tree.root.is_some());
    assert_eq!(out.mistakes(), 10 + 9 * 9);
    assert!(out.iter().all(|found| found.code == crate::codes::YAML_ALIAS));
}

#[test]
fn deep_nesting_is_refused_with_its_place() {
    for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000)] {
        let (_, out) = read(&format!("a:\n  {text}\nb: 1\n"));
        let found = out.iter().next().unwrap();
        assert_eq!(found.code, crate::codes::YAML_TOO_DEEP);
        // The parser looks ahead over brackets that may be part of a key: up to 255 of them.
        assert!(found.primary.span.start < 2000);
    }
    let deepest = format!("a: {}{}\n", "[".repeat(limits::DEPTH_MAX - 1), "]".repeat(limits::DEPTH_MAX - 1));
    assert!(read(&deepest).1.is_empty());
    let deeper = format!("a: {}{}\n", "[".repeat(limits::DEPTH_MAX), "]".repeat(limits::DEPTH_MAX));
    assert!(read(&deeper).1.has_mistakes());
}

#[test]
fn the_number_of_values_is_bounded() {
    let mut out = Diagnostics::new();
    let mut sources = Sources::new();
    let file = sources.add("site.yaml", b"a: [1, 2, 3]\nb: 4\n", &mut out);
    let tree = parse_within(file, &sources, Budget { depth: 4, nodes: 5 }, &mut out);
    let found: Vec<_> = out.iter().map(|d| (d.code, d.primary.span.start)).collect();
    assert_eq!(found, [(crate::codes::YAML_TOO_MANY_NODES, 10)]);
    assert!(!tree.is_complete);
}

#[test]
fn an_empty_file_has_no_root() {
    for text in ["", "# nothing\n", "---\n...\n"] {
        let (tree, out) = read(text);
        assert!(out.is_empty() && tree.is_complete, "{text:?}");
        assert!(tree.root.is_none_or(|root| root.is_null()), "{text:?}");
    }
}

#[test]
fn a_byte_order_mark_moves_nothing() {
    let text = "\u{feff}a: é\nb: 1\n";
    let (tree, out) = read(text);
    assert!(out.is_empty());
    assert_eq!(slice(text, at(&tree, &["a"]).span), "é");
}

/// A full file of the same odd piece: no piece may cost more than its length.
#[test]
fn full_files_of_odd_pieces_are_read_to_an_end() {
    let full = usize::try_from(limits::FILE_BYTES_MAX).unwrap();
    for piece in [
        "a: [\n", "a: \"\n", "- ", "? ", "a: }\n", "\t", "a: 1\n", "é", "!x ", "&a ", "''", "[],", "\n",
        "a: |\n",
    ] {
        let (_, _) = read(&piece.repeat(full / piece.len() / 8));
    }
}

/// Pieces from which the texts below are put together: what people write, and what breaks it.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a", "b.c", ":", ": ", " ", "  ", "\n", "\n  ", "\n- ", "- ", "[", "]", "{", "}", ",", "\"", "'",
        "\\", "#", "&x", "*x", "!t", "|", ">", "%", "@", "`", "?", "---", "...", "\t", "\r\n", "é", "°",
        "\u{feff}", "\0", "50 %", "1e9", "<<", "~", "\u{2028}", "0x1F",
    ])
}

/// Every span lies inside of the text, on character boundaries, and holds the spans of what it contains.
fn spans_hold(text: &str, node: &Node) {
    let holds = |span: Span| {
        let (start, end) = (usize::try_from(span.start).unwrap(), usize::try_from(span.end).unwrap());
        assert!(text.get(start..end).is_some(), "{span:?} of {text:?}");
    };
    holds(node.span);
    holds(node.head);
    match &node.kind {
        Kind::Map(map) => map.entries.iter().for_each(|entry| {
            holds(entry.key.span);
            spans_hold(text, &entry.value);
        }),
        Kind::List(list) => list.items.iter().for_each(|item| spans_hold(text, item)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_breaks_the_reader(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        let (tree, out) = read(&text);
        if let Some(root) = &tree.root {
            spans_hold(&text, root);
        }
        prop_assert!(tree.is_complete || out.has_mistakes(), "an incomplete tree without a mistake");
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        let file = sources.add("site.yaml", &bytes, &mut out);
        parse(file, &sources, &mut out);
        out.sort();
        crate::render::render(&out, &sources, crate::render::Style::Plain);
    }
}

#[test]
fn a_key_of_many_that_stands_twice_is_told_with_its_first_place() {
    let lines = |count: u32| (0..count).map(|index| format!("k{index}: {index}\n")).collect::<String>();
    let mut out = Diagnostics::new();
    let mut sources = Sources::new();
    let text = format!("{}k3: again\nk9: again\n", lines(40));
    let file = sources.add("many.yaml", text.as_bytes(), &mut out);
    let tree = parse(file, &sources, &mut out);
    let Some(Node { kind: Kind::Map(map), .. }) = &tree.root else { panic!("{tree:?}") };
    assert_eq!(map.entries.len(), 40);
    assert!(map.get("k3").is_some_and(|node| matches!(&node.kind, Kind::Scalar(found) if found.text == "3")));
    let drawn = crate::render::render(&out, &sources, crate::render::Style::Plain);
    assert!(drawn.contains("many.yaml:41:1") && drawn.contains("the key `k3` stands twice"), "{drawn}");
    assert!(drawn.contains("many.yaml:42:1") && drawn.contains("4 | k3: 3"), "{drawn}");
}
