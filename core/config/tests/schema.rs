//! The JSON Schemas are JSON, and accept what `ballast check` accepts.

use ballast_config::diagnostics::Diagnostics;
use ballast_config::schema;
use ballast_config::sources::Sources;
use ballast_config::tree::{Kind, Node, Style, parse};
use serde_json::Value;

const GOOD: &[(&str, &str, &str)] = &[
    ("site", "linky-home", include_str!("../../../examples/linky-home/site.yaml")),
    ("site", "village", include_str!("../../../examples/village/site.yaml")),
    ("safety", "linky-home", include_str!("../../../examples/linky-home/safety.yaml")),
    ("safety", "village", include_str!("../../../examples/village/safety.yaml")),
];

fn schema_of(kind: &str) -> Value {
    let text = match kind {
        "site" => schema::site(),
        "safety" => schema::safety(),
        _ => schema::device_file(),
    };
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// What a schema has against a node; nothing when it accepts it. Knows the words that our schemas use.
fn against(schema: &Value, node: &Node, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(any) = schema["anyOf"].as_array() {
        if any.iter().all(|one| !against(one, node, path).is_empty()) {
            found.push(format!("{path}: no alternative fits"));
        }
        return found;
    }
    let text = if let Kind::Scalar(scalar) = &node.kind { Some(scalar) } else { None };
    if let Some(words) = schema["enum"].as_array() {
        if !text.is_some_and(|scalar| words.iter().any(|word| word == scalar.text.as_str())) {
            found.push(format!("{path}: not one of {words:?}"));
        }
        return found;
    }
    // How an editor reads a plain scalar.
    let type_of = match &node.kind {
        Kind::Map(_) => "object",
        Kind::List(_) => "array",
        Kind::Scalar(scalar) if scalar.style != Style::Plain => "string",
        Kind::Scalar(scalar) if scalar.text.parse::<i64>().is_ok() => "integer",
        Kind::Scalar(scalar) if scalar.text.parse::<f64>().is_ok() => "number",
        Kind::Scalar(scalar) if matches!(scalar.text.as_str(), "true" | "false") => "boolean",
        _ => "string",
    };
    let allowed: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    let fits = allowed.contains(&type_of) || (type_of == "integer" && allowed.contains(&"number"));
    if !fits {
        found.push(format!("{path}: {type_of} is not {allowed:?}"));
    }
    if let (Some(pattern), Some(scalar)) = (schema["pattern"].as_str(), text) {
        let is_match = regex_lite::Regex::new(pattern).map(|regex| regex.is_match(&scalar.text));
        if is_match != Ok(true) {
            found.push(format!("{path}: {} does not match {pattern} ({is_match:?})", scalar.text));
        }
    }
    match &node.kind {
        Kind::Map(map) => {
            for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if map.get(required).is_none() {
                    found.push(format!("{path}: {required} is missing"));
                }
            }
            for entry in &map.entries {
                let known = &schema["properties"][&entry.key.text];
                let inner = if known.is_null() { &schema["additionalProperties"] } else { known };
                let path = format!("{path}.{}", entry.key.text);
                match inner {
                    Value::Bool(false) => found.push(format!("{path}: unknown key")),
                    inner => found.extend(against(inner, &entry.value, &path)),
                }
            }
        }
        Kind::List(list) => {
            for (index, item) in list.items.iter().enumerate() {
                found.extend(against(&schema["items"], item, &format!("{path}[{index}]")));
            }
        }
        _ => {}
    }
    found
}

fn check(kind: &str, text: &str) -> Vec<String> {
    let mut out = Diagnostics::new();
    let mut sources = Sources::new();
    let file = sources.add("a", text.as_bytes(), &mut out);
    let tree = parse(file, &sources, &mut out);
    assert!(out.is_empty());
    tree.root.map(|root| against(&schema_of(kind), &root, "")).unwrap_or_default()
}

#[test]
fn the_schemas_accept_the_files_of_the_project() {
    for (kind, name, text) in GOOD {
        assert!(schema_of(kind).is_object(), "{kind} is no JSON");
        let found = check(kind, text);
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

#[test]
fn the_schema_of_device_files_accepts_every_one_that_travels_inside_the_program() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/devices");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = check("device", &std::fs::read_to_string(&path).unwrap());
        assert!(found.is_empty(), "{}: {found:#?}", path.display());
        count += 1;
    }
    assert!(count > 40, "{count} files");
    // A word that is neither one of those that are meant nor a parameter is refused all the same.
    let wrong =
        "device: x\nlabel: X\ndriver: gpio\nsource: a\noutputs: { a: { kind: contact, unpowered: ajar } }\n";
    assert_eq!(check("device", wrong).len(), 1);
    assert_eq!(check("device", &wrong.replace("ajar", "\"${at_rest}\"")), Vec::<String>::new());
}

#[test]
fn the_schemas_refuse_what_is_wrong() {
    assert_eq!(check("site", "site: a\n"), [": time_zone is missing"]);
    let wrong = "site: a\ntime_zone: UTC\nbuses: { b: { driver: mqtt, url: x } }\ndevices: { m: { bus: b, rated: 5 V, colour: red } }\n";
    let found = check("site", wrong);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().any(|text| text.contains("colour: unknown key")));
    assert!(found.iter().any(|text| text.contains("5 V does not match")));
    assert_eq!(check("safety", "outputs: { a: { default: open } }\n").len(), 1, "safe is missing");
}
