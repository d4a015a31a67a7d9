//! JSON Schemas of the YAML files, for editors that complete and underline.
//!
//! They are made from the same tables as the readers, so they cannot promise a key that is not read. A schema knows less
//! than `ballast check`: it sees forms, not whether the names exist.

use ballast_model::Dimension;
use ballast_model::quantity::UNITS;

use crate::decode::shape::{Form, KeyShape, MapShape, Need, Others};
use crate::{safety, site};

/// The schema of `site.yaml`, as JSON text.
pub fn site() -> String {
    document("site.yaml", &site::shapes::SITE, Parameters::None)
}

/// The schema of `safety.yaml`, as JSON text.
pub fn safety() -> String {
    document("safety.yaml", &safety::shapes::SAFETY, Parameters::None)
}

/// The schema of device files, as JSON text.
pub fn device_file() -> String {
    document("device file", &site::shapes::DEVICE_FILE, Parameters::Anywhere)
}

/// In device files a value may be a parameter, or hold one.
const PARAMETER: &str = r".*\$\{.+\}.*";

const NAME: &str = "[a-z][a-z0-9_]*";

/// Where a value may be a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parameters {
    /// Nowhere, in a file that has none.
    None,
    /// In place of every value.
    Anywhere,
}

fn document(title: &str, shape: &MapShape, parameters: Parameters) -> String {
    let mut fields = vec![
        ("$schema".to_owned(), text("http://json-schema.org/draft-07/schema#")),
        ("title".to_owned(), text(&format!("Ballast {title}"))),
    ];
    fields.extend(map_fields(shape, parameters));
    let mut json = object(fields);
    json.push('\n');
    json
}

fn map_fields(shape: &MapShape, parameters: Parameters) -> Vec<(String, String)> {
    let properties = shape.keys.iter().map(|key| (key.name.to_owned(), described(key, parameters))).collect();
    let required: Vec<String> =
        shape.keys.iter().filter(|key| key.need != Need::Optional).map(|key| text(key.name)).collect();
    let others = match shape.others {
        Others::Refused => "false".to_owned(),
        Others::Driver => object(vec![types(&["string", "number", "boolean"])]),
        Others::Outputs => object(vec![types(&["string", "number"])]),
    };
    let mut fields = vec![
        ("type".to_owned(), text("object")),
        ("properties".to_owned(), object(properties)),
        ("additionalProperties".to_owned(), others),
    ];
    if !required.is_empty() {
        fields.push(("required".to_owned(), list(&required)));
    }
    fields
}

fn described(key: &KeyShape, parameters: Parameters) -> String {
    let mut fields = vec![("description".to_owned(), text(key.doc))];
    fields.extend(form(&key.form, parameters));
    object(fields)
}

/// A form of few values, beside which a parameter may stand.
fn or_parameter(fields: Vec<(String, String)>, parameters: Parameters) -> Vec<(String, String)> {
    if parameters == Parameters::None {
        return fields;
    }
    let parameter = vec![types(&["string"]), ("pattern".to_owned(), text(&format!("^{PARAMETER}$")))];
    vec![("anyOf".to_owned(), list(&[object(fields), object(parameter)]))]
}

fn form(form_of: &Form, parameters: Parameters) -> Vec<(String, String)> {
    match form_of {
        // Unquoted digits are a number to an editor and a text to us.
        Form::Text => vec![types(&["string", "number", "boolean"])],
        Form::Name => vec![types(&["string"]), pattern(NAME)],
        Form::PointName => vec![types(&["string"]), pattern(&format!(r"{NAME}(\.{NAME})*"))],
        Form::Flag => or_parameter(vec![types(&["boolean"])], parameters),
        Form::Integer => or_parameter(vec![types(&["integer"])], parameters),
        Form::Quantity(dimension) => vec![types(&["string"]), pattern(&quantity(*dimension))],
        Form::AnyQuantity => vec![types(&["string", "number"])],
        Form::Condition => vec![types(&["string"])],
        Form::Choice(words) => {
            let words: Vec<String> = words.iter().map(|word| text(word)).collect();
            or_parameter(vec![("enum".to_owned(), list(&words))], parameters)
        }
        Form::Pattern(expression) => vec![types(&["string"]), ("pattern".to_owned(), text(expression))],
        Form::Map(shape) => map_fields(shape, parameters),
        Form::Named(inner) => {
            vec![types(&["object"]), ("additionalProperties".to_owned(), object(form(inner, parameters)))]
        }
        Form::List(inner) => vec![types(&["array"]), ("items".to_owned(), object(form(inner, parameters)))],
        Form::OneOf(forms) => {
            let all: Vec<String> = forms.iter().map(|one| object(form(one, parameters))).collect();
            vec![("anyOf".to_owned(), list(&all))]
        }
        Form::Driver => {
            let values = object(vec![types(&["string", "number", "boolean"])]);
            vec![types(&["object"]), ("additionalProperties".to_owned(), values)]
        }
    }
}

/// `5 kW`, `15 000 Wc`, `1 h 30 min`.
fn quantity(dimension: Dimension) -> String {
    let spellings: Vec<String> = UNITS
        .iter()
        .filter(|row| row.dimension == dimension && !row.symbol.is_empty())
        .flat_map(|row| core::iter::once(&row.symbol).chain(row.aliases))
        .map(|spelling| spelling.replace('.', r"\.").replace('^', r"\^"))
        .collect();
    let one = format!(r"[-+\u2212]?[0-9.][0-9 _.eE+\-\u00a0\u202f\u2009]*({})", spellings.join("|"));
    if dimension == Dimension::Duration { format!("({one} ?)+") } else { one }
}

fn pattern(expression: &str) -> (String, String) {
    ("pattern".to_owned(), text(&format!("^({expression}|{PARAMETER})$")))
}

fn types(names: &[&str]) -> (String, String) {
    let value = match names {
        [one] => text(one),
        several => list(&several.iter().map(|name| text(name)).collect::<Vec<_>>()),
    };
    ("type".to_owned(), value)
}

fn object(fields: Vec<(String, String)>) -> String {
    let fields: Vec<String> =
        fields.into_iter().map(|(key, value)| format!("{}:{value}", text(&key))).collect();
    format!("{{{}}}", fields.join(","))
}

fn list(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

/// A JSON string.
fn text(plain: &str) -> String {
    let mut quoted = String::from("\"");
    for character in plain.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            control if control.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
