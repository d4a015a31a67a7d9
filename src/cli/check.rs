//! `ballast check`: all mistakes of a site at once; `ballast schema`.

use super::Exit;
use super::arguments::{Check, Format, SchemaFile};
use super::terminal::{BAD, GOOD, Output, styled};
use crate::report::counted;
use crate::site::{Running, Texts, build};
use serde_json::json;

/// Checks a site, or explains a code.
pub fn run(options: &Check, output: &Output) -> Exit {
    if let Some(code) = &options.code {
        return explain(code, output);
    }
    let texts = match Texts::read(&options.site) {
        Ok(texts) => texts,
        Err(error) => {
            output.complain(&format!("{} cannot be read: {error}", options.site.display()));
            return Exit::Mistakes;
        }
    };
    match build(&texts, &[]) {
        Ok(built) => {
            if output.format == Format::Json {
                output.line(&json!({ "ok": true, "found": built.data, "notes": built.notes }).to_string());
                return Exit::Done;
            }
            if !built.warnings.is_empty() {
                output.line(built.warnings.trim_end());
            }
            let running = &built.running;
            let catalog = running.catalog();
            let summary = format!(
                "{}: {}, {}, {}",
                catalog.site,
                counted(catalog.points.len(), "point"),
                counted(catalog.outputs.len(), "output"),
                counted(running.plan.rules.len(), "rule")
            );
            output.line(&format!("{} {summary}", styled(GOOD, "no mistakes.")));
            if options.explain {
                tell(running, &built.notes, output);
            }
            Exit::Done
        }
        Err(refused) => {
            match output.format {
                Format::Json => output.line(&json!({ "ok": false, "found": refused.data }).to_string()),
                Format::Text => output.complain(refused.coloured.trim_end()),
            }
            Exit::Mistakes
        }
    }
}

/// What was understood.
fn tell(running: &Running, notes: &[String], output: &Output) {
    for note in notes {
        output.line(note);
    }
    output.line("outputs:");
    for envelope in &running.safety.envelopes {
        let Some(spec) = running.catalog().output(envelope.output) else { continue };
        output.line(&format!(
            "  {:<28} nobody asks: {}; safe: {}; must be renewed every {}; strength: {}",
            spec.name,
            spec.show(envelope.default),
            spec.show(envelope.safe),
            envelope.lease,
            envelope.strength.word(),
        ));
    }
    output.line("points:");
    for spec in &running.catalog().points {
        let age =
            spec.max_age.map_or_else(|| "never grows old".to_owned(), |age| format!("unknown after {age}"));
        output.line(&format!("  {:<28} {:<8} {age}", spec.name, spec.unit().symbol()));
    }
    if !running.campaigns.is_empty() {
        output.line(&styled(
            BAD,
            &format!("campaigns are checked and do not run yet: {}", running.campaigns.join(", ")),
        ));
    }
}

fn explain(code: &str, output: &Output) -> Exit {
    let rule_code =
        || ballast_rules::codes::CODES.iter().find(|known| known.id == code).map(|known| known.explanation);
    match ballast_config::codes::explain(code).or_else(rule_code) {
        Some(text) => {
            output.answer(&format!("{code}\n{text}"), &json!({ "code": code, "text": text }));
            Exit::Done
        }
        None => {
            output.complain(&format!("there is no code `{code}`; the manual lists them all"));
            Exit::Failed
        }
    }
}

/// Prints the JSON Schema of a site file.
pub fn schema(file: SchemaFile, output: &Output) -> Exit {
    let text = match file {
        SchemaFile::Site => ballast_config::schema::site(),
        SchemaFile::Safety => ballast_config::schema::safety(),
        SchemaFile::Device => ballast_config::schema::device_file(),
    };
    output.line(&text);
    Exit::Done
}
