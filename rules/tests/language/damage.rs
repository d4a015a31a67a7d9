//! Files that are damaged: cut, mixed up, full of anything.

use crate::{compiled, site::site};
use ballast_model::diagnostic::{FileId, Severity};
use ballast_rules::{Source, compile};
use proptest::prelude::*;

const WHOLE: &str = include_str!("../golden/55-policy-use-the-surplus.rhai");
const ALL: [&str; 6] = [
    include_str!("../golden/33-constants-and-functions.rhai"),
    include_str!("../golden/32-settings-and-mode.rhai"),
    include_str!("../golden/37-switch-and-loops.rhai"),
    include_str!("../golden/52-policy-off-peak.rhai"),
    include_str!("../golden/53-policy-sun-to-car.rhai"),
    include_str!("../golden/56-policy-night-cap.rhai"),
];

#[test]
fn a_file_cut_anywhere_is_a_complete_parse_or_is_refused() {
    for text in ALL.iter().chain([&WHOLE]) {
        let mut last = 0;
        for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            let head = &text[..cut];
            let found = compiled(head);
            let rest = head.trim_end();
            let is_between = rest.is_empty() || rest.ends_with(['}', ';']);
            if !found.has_mistakes() {
                let is_comment = head.lines().next_back().is_some_and(|line| line.contains("//"));
                assert!(is_between || is_comment, "{head}");
            }
            let count = found.rules.len() + found.schedules.len();
            assert!(count >= last, "a longer file has no fewer statements: {head}");
            last = count;
        }
    }
}

/// The codes of what is said, mistakes and warnings apart.
fn codes(text: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    let found = compiled(text).diagnostics;
    let (wrong, doubtful): (Vec<_>, Vec<_>) =
        found.iter().partition(|found| found.severity == Severity::Mistake);
    (wrong.iter().map(|found| found.code).collect(), doubtful.iter().map(|found| found.code).collect())
}

#[test]
fn a_mistake_put_anywhere_into_a_right_file_is_the_only_one_that_is_told() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rhai") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let (_, before) = codes(&text);
        let is_comment = |at: usize| text[..at].lines().next_back().is_some_and(|line| line.contains("//"));
        for at in text.match_indices("; ").map(|(at, _)| at + 2).filter(|at| !is_comment(*at)) {
            let wrong = format!("{}let strange = |x| x; {}", &text[..at], &text[at..]);
            let (mistakes, warnings) = codes(&wrong);
            assert_eq!(mistakes.len(), 1, "{mistakes:?} {wrong}");
            assert!(warnings.iter().all(|code| before.contains(code)), "{warnings:?} {wrong}");
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn a_cut_inside_a_comment_is_refused_where_it_would_hide_something() {
    let found = compiled("rule \"a\" when genset.ready { close(lamp); }\n/* rule \"b\" when");
    assert!(found.has_mistakes());
}

#[test]
fn a_mistake_in_one_file_does_not_hide_those_of_another() {
    let texts =
        ["rule \"a\" when {", "rule \"b\" when gird.frequency < 3 { close(lmap); }", "rule \"c\" wen x { }"];
    let sources: Vec<Source<'_>> = (0u32..)
        .zip(texts)
        .map(|(index, text)| Source { file: FileId(index), name: "x.rhai", text })
        .collect();
    let compiled = compile(&sources, &site());
    let files: Vec<u32> = compiled.diagnostics.iter().map(|found| found.primary.file.0).collect();
    assert_eq!(files, [0, 1, 1, 2]);
}

#[test]
fn names_are_unique_over_all_files() {
    let text = "rule \"a\" when genset.ready { close(lamp); }";
    let sources = [0, 1].map(|index| Source { file: FileId(index), name: "x.rhai", text });
    let compiled = compile(&sources, &site());
    assert_eq!(compiled.diagnostics.len(), 1);
    assert_eq!(compiled.diagnostics[0].secondary[0].file, FileId(0));
}

#[test]
fn many_warnings_hide_no_mistake() {
    let mut text = String::new();
    for index in 0..300 {
        text += &format!("rule \"{index}\" when grid.voltage > \"250 V\" {{ close(lamp); }}\n");
    }
    text += "rule \"last\" when nothing_like_it { close(lamp); }\n";
    assert!(compiled(&text).has_mistakes());
}

#[test]
fn a_byte_order_mark_means_nothing_and_moves_no_place() {
    let rules = "rule \"a\" when gird.frequency < \"49 Hz\" until genset.ready { close(lamp); }\n";
    for count in [1, 80] {
        let plain = compiled(&rules.repeat(count).replace("\"a\"", "\"é\""));
        let marked = compiled(&format!("\u{feff}{}", rules.repeat(count).replace("\"a\"", "\"é\"")));
        assert!(plain.has_mistakes());
        let moved = |found: &ballast_model::diagnostic::Diagnostic| {
            (found.code, found.primary.span.start + 3, found.primary.span.end + 3)
        };
        let as_it_is = |found: &ballast_model::diagnostic::Diagnostic| {
            (found.code, found.primary.span.start, found.primary.span.end)
        };
        let plain: Vec<_> = plain.diagnostics.iter().map(moved).collect();
        assert_eq!(marked.diagnostics.iter().map(as_it_is).collect::<Vec<_>>(), plain, "{count}");
    }
    let whole: String =
        (0..80).map(|n| format!("rule \"{n}\" when genset.ready {{ close(lamp); }}\n")).collect();
    let found = compiled(&format!("\u{feff}{whole}"));
    assert!(!found.has_mistakes(), "{:#?}", found.diagnostics);
    assert_eq!((found.rules.len(), &*found.rules[79].place), (80, "test.rhai:80"));
}

#[test]
fn windows_line_ends_and_tabs_keep_places_right() {
    let text = "const A = 1;\r\n\trule \"é\" when gird.frequency < \"49 Hz\" { close(lamp); }\r\n";
    let found = compiled(text);
    let span = found.diagnostics[0].primary.span;
    assert_eq!(&text[span.start as usize..span.end as usize], "gird.frequency");
    let text = "\u{feff}// é\r\n\trule \"é\" when gird.frequency < 3 { /* é */ let f = |x| x;\r\n\tclose(lmap)\r\n\topen(pmup); }\r\n";
    let found = compiled(text);
    let spans = found.diagnostics.iter().map(|found| found.primary.span);
    let words: Vec<&str> = spans.map(|span| &text[span.start as usize..span.end as usize]).collect();
    assert_eq!(words, ["gird.frequency", "|", "lmap", "open", "pmup"]);
}

#[test]
fn the_corpus_is_answered() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        answered(&String::from_utf8_lossy(&bytes));
        count += 1;
    }
    assert!(count >= 10, "{count}");
}

/// Everything that is said points into the text.
fn answered(text: &str) {
    let compiled = compiled(text);
    for found in &compiled.diagnostics {
        let span = found.primary.span;
        assert!(span.start <= span.end && span.end as usize <= text.len());
        assert!(text.is_char_boundary(span.start as usize) && text.is_char_boundary(span.end as usize));
        assert!(!found.message.is_empty());
    }
    let is_wrong = compiled.diagnostics.iter().any(|found| found.severity == Severity::Mistake);
    assert_eq!(is_wrong, compiled.has_mistakes());
}

/// Pieces of the language, in any order.
const PIECES: [&str; 48] = [
    "rule ",
    "\"a\" ",
    "when ",
    "until ",
    "for ",
    "\"2s\" ",
    "unknown ",
    "each ",
    "home ",
    "in ",
    "homes ",
    "priority ",
    "60 ",
    "{ ",
    "} ",
    "close(lamp); ",
    "open(home); ",
    "set(pv.limit, ",
    "battery.soc ",
    "< ",
    "> ",
    "\"25 %\" ",
    "&& ",
    "|| ",
    "! ",
    "( ",
    ") ",
    "avg(",
    ", ",
    "\"5min\") ",
    "let x = ",
    "; ",
    "if ",
    "else ",
    "const A = ",
    "fn f(x) ",
    "every ",
    "at ",
    "campaign ",
    "only ",
    "wait until ",
    "timeout ",
    "`${",
    "}` ",
    "// ",
    "/* ",
    "\n",
    "#{",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        answered(&text);
    }

    #[test]
    fn pieces_in_any_order_are_answered(order in proptest::collection::vec(0usize..PIECES.len(), 0..60)) {
        let text: String = order.iter().map(|index| PIECES[*index]).collect();
        answered(&text);
    }

    #[test]
    fn damaged_files_are_answered(
        which in 0usize..ALL.len(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<char>(), 0u8..3), 1..6),
    ) {
        let mut letters: Vec<char> = ALL[which].chars().collect();
        for (place, letter, kind) in damage {
            let at = place.index(letters.len());
            match kind {
                0 => letters[at] = letter,
                1 => { letters.remove(at); }
                _ => letters.insert(at, letter),
            }
        }
        answered(&letters.into_iter().collect::<String>());
    }
}
