//! Pages of the manual that are made from the program's own tables. `UPDATE_EXPECT=1 cargo test --test manual` writes
//! them anew; a page that differs from its table is a failure.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

use std::fmt::Write;
use std::path::Path;

/// Compares a page with what the tables say, or writes it.
fn page(name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/manual/en").join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/manual/en/{name} is not what the program says: UPDATE_EXPECT=1 writes it anew"
    );
}

#[test]
fn every_code_is_in_the_manual() {
    let mut text = String::from(
        "# Diagnostics\n\nEvery message has a code that stays the same. It says what is wrong with the values, shows \
         the place, and tells\nwhat to do; `ballast check --code CODE` prints the paragraph below. All mistakes of a \
         site are shown at once. A mistake\nkeeps the site from being loaded; a warning does not.\n\nThis page is made \
         from the program.\n\n",
    );
    let config = ballast_config::codes::CODES.iter().map(|code| (code.id, code.explanation));
    let rules = ballast_rules::codes::CODES.iter().map(|code| (code.id, code.explanation));
    let mut codes: Vec<_> = config.chain(rules).collect();
    codes.sort_unstable();
    codes.dedup();
    for (id, explanation) in codes {
        writeln!(text, "## `{id}`\n\n{explanation}\n").unwrap();
    }
    page("diagnostics.md", &format!("{}\n", text.trim_end()));
}

#[test]
fn every_function_and_unit_is_in_the_manual() {
    let mut text = String::from(
        "# Words of the rule language\n\nThis page is made from the program.\n\n## In conditions and bodies\n\n\
         | function | written |\n|---|---|\n",
    );
    for (name, usage) in ballast_model::expr::FUNCTIONS {
        writeln!(text, "| `{name}` | `{usage}` |").unwrap();
    }
    text.push_str("\n## In bodies only\n\n| function | written |\n|---|---|\n");
    for (name, usage) in ballast_rules::REQUESTS {
        writeln!(text, "| `{name}` | `{usage}` |").unwrap();
    }
    text.push_str("\n## Units\n\nOther spellings are understood and never printed.\n\n");
    text.push_str("| unit | of what | other spellings |\n|---|---|---|\n");
    for row in ballast_model::quantity::UNITS.iter().filter(|row| !row.symbol.is_empty()) {
        let others: Vec<String> = row.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        writeln!(text, "| `{}` | {} | {} |", row.symbol, row.dimension.name(), others.join(" ")).unwrap();
    }
    page("words.md", &text);
}

#[test]
fn every_driver_and_device_file_is_in_the_manual() {
    let mut text = String::from("# Drivers and devices\n\nThis page is made from the program.\n");
    for driver in ballast_drivers::DRIVERS {
        let trial = if driver.is_experimental { " (experimental: cannot feed a limit)" } else { "" };
        writeln!(text, "\n## Driver `{}`{trial}\n\n{}\n", driver.name, driver.about).unwrap();
        for (what, keys) in
            [("a bus", driver.bus_keys), ("a point", driver.point_keys), ("an output", driver.output_keys)]
        {
            if keys.is_empty() {
                continue;
            }
            writeln!(text, "| key of {what} | meaning |\n|---|---|").unwrap();
            for key in keys {
                writeln!(text, "| `{}` | {} |", key.name, key.about.replace('|', "\\|")).unwrap();
            }
            text.push('\n');
        }
    }
    text.push_str("\n## Device files\n\n| `file:` | device | driver | source |\n|---|---|---|---|\n");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/devices");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let yaml = std::fs::read_to_string(&file).unwrap();
        let value = |key: &str| {
            let line = yaml.lines().find_map(|line| line.strip_prefix(&format!("{key}:")));
            line.unwrap_or_default().trim().trim_matches('"').to_owned()
        };
        writeln!(
            text,
            "| `{}` | {} | `{}` | {} |",
            value("device"),
            value("label"),
            value("driver"),
            value("source")
        )
        .unwrap();
    }
    page("devices.md", &text);
}
