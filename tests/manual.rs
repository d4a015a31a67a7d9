//! Pages of the manual that are made from the program's own tables. `UPDATE_EXPECT=1 cargo test --test manual` writes
//! them anew; a page that differs from its table is a failure.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

use ballast_config::diagnostics::Diagnostics;
use ballast_config::sources::Sources;
use ballast_config::tree::{self, Kind, Map};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

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
        let trial =
            if driver.is_experimental { ". Experimental: its points cannot feed a limit." } else { "" };
        writeln!(text, "\n## Driver `{}`\n\n{}{trial}\n", driver.name, driver.about).unwrap();
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
    text.push_str("\n## Device files\n\n| `file:` | device | driver |\n|---|---|---|\n");
    for (name, file) in device_files() {
        let (label, driver) = (word(&file, "label"), word(&file, "driver"));
        writeln!(text, "| [`{name}`](device-files.md#{name}) | {label} | `{driver}` |").unwrap();
    }
    page("devices.md", &text);
}

/// Every device file by its name, as the program reads it.
fn device_files() -> BTreeMap<String, Map> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/devices");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let yaml = std::fs::read_to_string(&path).unwrap();
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let file = sources.add("device.yaml", yaml.as_bytes(), &mut out);
        let tree = tree::parse(file, &sources, &mut out);
        assert!(out.is_empty(), "{}", path.display());
        let Some(Kind::Map(map)) = tree.root.map(|root| root.kind) else { panic!("{}", path.display()) };
        (path.file_stem().unwrap().to_string_lossy().into_owned(), map)
    };
    paths.map(read).collect()
}

/// The remark with which a device file begins, as one paragraph.
fn remark(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("config/devices/{name}.yaml"));
    let yaml = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = yaml.lines().map_while(|line| line.strip_prefix('#')).map(str::trim).collect();
    lines.join(" ")
}

/// A text of a map; empty where it is absent.
fn word(map: &Map, key: &str) -> String {
    match map.get(key).map(|node| &node.kind) {
        Some(Kind::Scalar(scalar)) => scalar.text.replace('|', "\\|"),
        Some(Kind::List(list)) => {
            let items = list.items.iter().filter_map(|item| match &item.kind {
                Kind::Scalar(scalar) => Some(scalar.text.as_str()),
                _ => None,
            });
            items.collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    }
}

/// The maps under a key, by their names.
fn parts<'a>(map: &'a Map, key: &str) -> Vec<(&'a str, &'a Map)> {
    let Some(Kind::Map(parts)) = map.get(key).map(|node| &node.kind) else { return Vec::new() };
    let maps = parts.entries.iter().filter_map(|entry| match &entry.value.kind {
        Kind::Map(map) => Some((entry.key.text.as_str(), map)),
        _ => None,
    });
    maps.collect()
}

/// A table of what stands under a key; nothing where nothing does.
fn table(text: &mut String, file: &Map, key: &str, head: &str, row: impl Fn(&Map) -> Vec<String>) {
    let parts = parts(file, key);
    if parts.is_empty() {
        return;
    }
    writeln!(text, "\n{head}\n|{}", "---|".repeat(head.matches('|').count() - 1)).unwrap();
    for (name, part) in parts {
        writeln!(text, "| `{name}` | {} |", row(part).join(" | ")).unwrap();
    }
}

#[test]
fn every_device_file_has_its_entry() {
    let mut text = String::from(
        "# Device files\n\nWhat comes with Ballast, and what each file promises. `${name}` stands for a parameter. A file \
         of the same name in the\nsite's folder `devices/` takes its place.\nOne that is not here: [Add a device](add-a-device.md).\n\nThis page is made from the program.\n",
    );
    for (name, file) in device_files() {
        let (label, driver, source) = (word(&file, "label"), word(&file, "driver"), word(&file, "source"));
        let remark = remark(&name);
        assert!(!remark.is_empty(), "{name} begins with a remark for its readers");
        writeln!(
            text,
            "\n## `{name}`\n\n{label}. Driver [`{driver}`](devices.md#driver-{driver}).\n\n{remark}\n"
        )
        .unwrap();
        writeln!(text, "Source: {source}").unwrap();
        table(&mut text, &file, "parameters", "| parameter | meaning | if absent |", |part| {
            let default = part.get("default").map(|_| word(part, "default"));
            let default = match default.as_deref() {
                None => "has to be given".to_owned(),
                Some("") => "none".to_owned(),
                Some(default) => format!("`{default}`"),
            };
            vec![word(part, "about"), default]
        });
        table(
            &mut text,
            &file,
            "points",
            "| point | values | period | too old after | smallest step |",
            |part| {
                let unit = if part.get("flag").is_some() { "yes, no".to_owned() } else { word(part, "unit") };
                let values = if unit.is_empty() { word(part, "words") } else { unit };
                vec![values, word(part, "period"), word(part, "max_age"), word(part, "resolution")]
            },
        );
        table(&mut text, &file, "outputs", "| output | kind | unit | goes back by itself after |", |part| {
            vec![word(part, "kind"), word(part, "unit"), word(part, "reverts_after")]
        });
    }
    page("device-files.md", &text);
}

/// What a parameter is given that has to be given. A line of a chip has one owner, and a topic one device.
fn given(name: &str, place: usize) -> String {
    match name {
        "unit" => "W".to_owned(),
        "path" => "/x".to_owned(),
        "line" | "id" | "topic" => format!("{}", 100 + place),
        _ => "1".to_owned(),
    }
}

/// A site with one device of each file, each driver on a bus of its own.
fn everything() -> (String, String) {
    let (mut buses, mut devices, mut outputs) = (BTreeMap::new(), String::new(), String::new());
    for (place, (name, file)) in device_files().iter().enumerate() {
        let driver = word(file, "driver");
        // Some leave everything to the site, and simulated ones have the names of the plant.
        let is_empty = parts(file, "points").is_empty() && parts(file, "outputs").is_empty();
        if is_empty || driver == "sim" {
            continue;
        }
        let keys = match driver.as_str() {
            "mqtt" => "url: \"mqtt://127.0.0.1\"",
            "modbus" | "sunspec" => "url: \"tcp://127.0.0.1\"",
            "http" => "url: \"http://127.0.0.1\"",
            "gpio" => "chip: gpiochip0",
            _ => "port: /dev/null",
        };
        buses.insert(driver.clone(), keys);
        let needed = parts(file, "parameters").into_iter().filter(|(_, part)| part.get("default").is_none());
        let with: Vec<String> =
            needed.map(|(name, _)| format!("{name}: \"{}\"", given(name, place))).collect();
        let with = with.join(", ");
        writeln!(devices, "  d{place}: {{ file: {name}, bus: b_{driver}, with: {{ {with} }} }}").unwrap();
        for (output, part) in parts(file, "outputs") {
            let unit = word(part, "unit").replace("${unit}", "W");
            let envelope = match unit.as_str() {
                "" => "safe: open".to_owned(),
                unit => format!("values: [0..100 {unit}], safe: 0 {unit}"),
            };
            writeln!(outputs, "  d{place}.{output}: {{ {envelope} }}").unwrap();
        }
    }
    let buses: String = buses
        .iter()
        .map(|(driver, keys)| format!("  b_{driver}: {{ driver: {driver}, {keys} }}\n"))
        .collect();
    let head = "site: everything\nuuid: 4be0643f-1d98-573b-97cd-ca98a65347dd\ntime_zone: Europe/Paris\n\
                location: { latitude: 48.117 deg, longitude: -1.678 deg }\n";
    (format!("{head}buses:\n{buses}devices:\n{devices}"), format!("outputs:\n{outputs}"))
}

#[test]
fn a_site_with_a_device_of_each_file_has_no_mistakes() {
    let folder = std::env::temp_dir().join(format!("ballast-device-files-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("rules")).unwrap();
    let (site, safety) = everything();
    std::fs::write(folder.join("site.yaml"), &site).unwrap();
    std::fs::write(folder.join("safety.yaml"), safety).unwrap();
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_ballast")).arg("check").arg(&folder).output().unwrap();
    std::fs::remove_dir_all(&folder).ok();
    let [errors, rest] = [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes));
    let said = format!("{errors}{rest}");
    let mistakes: Vec<&str> = said.split("\n\n").filter(|part| part.contains("error[")).collect();
    assert!(output.status.success() && mistakes.is_empty(), "{}", mistakes.join("\n\n"));
}
