//! Every code is explained, used, and shown by a test.

use std::path::{Path, PathBuf};

use ballast_config::codes::CODES;
use ballast_config::diagnostics::Diagnostics;
use ballast_config::load::{File, Files, load};
use ballast_config::site::DriverFacts;
use ballast_config::sources::Sources;
use ballast_guard::plan::Strength;

const DRIVERS: &[DriverFacts] = &[DriverFacts {
    name: "mqtt",
    is_network: true,
    strength: Strength::Soft,
    exclusive_key: None,
    is_experimental: false,
    carries_messages: true,
    reads_every: None,
}];

/// A site with one point, and below it what is wrong.
const SITE: &str = "site: a\ntime_zone: UTC\nbuses: { b: { driver: mqtt } }\ndevices: { m: { bus: b, points: { v: { unit: V }, w: { words: [x, y] } } } }\n";

/// Mistakes that are found below the level of keys, with a text that holds them.
const GALLERY: &[(&str, &str)] = &[
    ("expr::arguments", "derived: { a: { expression: max(m.v) } }\n"),
    (
        "expr::never",
        "location: { latitude: 48.8 deg, longitude: 2.3 deg }\nderived: { a: { expression: 'between(\"sunset\", \"14:00\")' } }\n",
    ),
    ("expr::no_place", "derived: { a: { expression: 'between(\"sunset\", \"06:00\")' } }\n"),
    ("expr::not_a_counter", "derived: { a: { expression: 'used(m.v, \"16:00\")' } }\n"),
    ("expr::not_finite", "derived: { a: { expression: 1 / 0 > 2 } }\n"),
    (
        "expr::out_of_range",
        "settings: { s: { value: 1 kW, range: 0..2 kW } }\nderived: { a: { expression: setting.s > 3 kW } }\n",
    ),
    ("expr::quantity", "derived: { a: { expression: 'm.v > \"5 parsecs\"' } }\n"),
    ("expr::time", "derived: { a: { expression: 'avg(m.v, \"often\")' } }\n"),
    (
        "expr::too_large",
        "derived: { a: { expression: ((((((((((((((((((((((((((((((((((m.v)))))))))))))))))))))))))))))))))) } }\n",
    ),
    ("expr::unknown_calendar", "derived: { a: { expression: 'calendar(\"holidays\")' } }\n"),
    ("expr::unknown_function", "derived: { a: { expression: mean(m.v) } }\n"),
    ("expr::unknown_word", "derived: { a: { expression: 'm.w == \"z\"' } }\n"),
    ("yaml::control", "label: a\u{7}b\n"),
    ("yaml::too_deep", "label: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n"),
];

/// Codes whose test needs bytes, lengths or numbers of files, by the file in which it stands.
const ELSEWHERE: &[(&str, &str)] = &[
    ("file::not_a_file", "sources.rs"),
    ("file::not_text", "sources.rs"),
    ("file::too_many", "sources.rs"),
    ("value::too_long", "decode/scalar.rs"),
    ("yaml::too_many_nodes", "tree/tests.rs"),
];

/// Codes of drivers, which say them about keys that only they understand; listed here for the manual.
const OF_DRIVERS: &[&str] =
    &["device::address", "device::bad_value", "device::missing_key", "device::shared", "device::unknown_key"];

/// Codes of files that the program reads beside those of a site, by where it says them and the test that shows them; listed here
/// for the manual.
const OF_THE_PROGRAM: &[(&str, &str, &str)] = &[
    ("backtest::table", "src/backtest/csv.rs", "tests/process_backtest.rs"),
    ("plant::file", "src/simulation/plant_file.rs", "src/simulation/plant_file_tests.rs"),
    ("scenario::file", "src/scenarios/file.rs", "src/scenarios/file.rs"),
    ("test::act", "src/testing/act.rs", "tests/process_testing.rs"),
    ("test::name", "src/testing/file.rs", "tests/process_testing.rs"),
    ("test::series", "src/testing/series.rs", "tests/process_testing.rs"),
    ("test::time", "src/testing/look.rs", "tests/process_testing.rs"),
];

/// A file of the program; nothing where there is none.
fn of_the_program(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap_or_default()
}

#[test]
fn the_gallery_shows_what_it_says() {
    for (code, text) in GALLERY {
        let mut out = Diagnostics::new();
        let site = format!("{SITE}{text}");
        let files = Files {
            site: File::Bytes(site.as_bytes()),
            safety: File::Bytes(b"outputs: {}\n"),
            devices: Vec::new(),
        };
        load(&files, DRIVERS, &mut Sources::new(), &mut out);
        let found: Vec<&str> = out.iter().map(|diagnostic| diagnostic.code).collect();
        assert!(found.contains(code), "{code}: found {found:?}");
    }
}

#[test]
fn every_code_is_explained_used_and_shown() {
    let files = source_files(&PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    assert!(files.len() > 30, "the crate's source is not where it was");
    let without_table: Vec<&(PathBuf, String)> =
        files.iter().filter(|(path, _)| !path.ends_with("src/codes.rs")).collect();
    for code in CODES {
        assert!(code.explanation.len() >= 50, "{} is not explained", code.id);
        let drawn = format!("[{}]", code.id);
        let quoted = format!("\"{}\"", code.id);
        let constant = code.id.replace("::", "_").to_uppercase();
        if let Some((_, place, test)) = OF_THE_PROGRAM.iter().find(|(known, ..)| *known == code.id) {
            assert!(
                of_the_program(place).contains(&format!("codes::{constant}")),
                "{} is never said",
                code.id
            );
            assert!(of_the_program(test).contains(code.id), "{test} does not show {}", code.id);
            continue;
        }
        let is_shown = without_table.iter().any(|(_, text)| text.contains(&drawn) || text.contains(&quoted));
        assert!(is_shown, "no test shows {}", code.id);
        if let Some((_, place)) = ELSEWHERE.iter().find(|(known, _)| *known == code.id) {
            let file = without_table.iter().find(|(path, _)| path.ends_with(place));
            let asserts = format!("codes::{constant}");
            assert!(
                file.is_some_and(|(_, text)| text.contains(&asserts)),
                "{place} does not test {}",
                code.id
            );
        }
        let is_of_others = code.id.starts_with("expr::") || OF_DRIVERS.contains(&code.id);
        let is_used = without_table.iter().any(|(_, text)| text.contains(&format!("codes::{constant}")));
        assert!(is_used || is_of_others, "{} is never said", code.id);
    }
}

fn source_files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(source_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.extend(std::fs::read_to_string(&path).ok().map(|text| (path, text)));
        }
    }
    found
}
