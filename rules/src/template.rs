//! Texts for people with values in them: `"Battery at {battery.soc}"`.
//!
//! A placeholder is the name of a point and is filled with value and unit when the body runs. It does not make the body
//! run again, and an unknown value is shown as such instead of ending the run: the text is for a person. `{{` is a brace.

use crate::limits::TEMPLATE_PARTS_MAX;
use crate::report::problem;
use ballast_engine::bodies::BodyContext;
use ballast_model::PointId;
use ballast_model::catalog::{Catalog, Noun};
use ballast_model::diagnostic::Span;
use ballast_model::expr::Problem;

/// A text whose placeholders are resolved.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(Box<str>),
    Point(PointId),
}

impl Template {
    /// Reads a text that stands at `span`; `written` is the source there, in which placeholders are pointed at.
    pub(crate) fn parse(
        text: &str,
        span: Span,
        written: &str,
        catalog: &Catalog,
        expand: &dyn Fn(&str) -> String,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, after) = rest.split_at(open);
            plain.push_str(before);
            let after = after.get(1..).unwrap_or("");
            if let Some(behind) = after.strip_prefix('{') {
                plain.push('{');
                rest = behind;
                continue;
            }
            let Some(close) = after.find('}') else {
                let help = "close it with `}`, or write `{{` for a brace";
                problems.push(problem(span, "rules::template", "a `{` in this text is not closed", help));
                return Self(Vec::new());
            };
            let (name, behind) = after.split_at(close);
            rest = behind.get(1..).unwrap_or("");
            let full = expand(name.trim());
            match catalog.resolve(&full) {
                _ if catalog.is_lost(&full) => {}
                Some(Noun::Point(point)) => {
                    parts.push(Part::Text(core::mem::take(&mut plain).into()));
                    parts.push(Part::Point(point));
                }
                _ => problems.push(unknown(name, &full, span, written, catalog)),
            }
        }
        plain.push_str(&rest.replace("}}", "}"));
        parts.push(Part::Text(plain.into()));
        if parts.len() > TEMPLATE_PARTS_MAX {
            problems.push(problem(
                span,
                "rules::too_large",
                "this text has too many placeholders",
                "split it into several notices",
            ));
        }
        Self(parts)
    }

    /// The text with its values.
    pub(crate) fn fill(&self, context: &BodyContext<'_>) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Point(point) => match (context.known(*point), context.catalog.point(*point)) {
                    (Some(value), Some(spec)) => text.push_str(&spec.show(spec.read(value, context.now))),
                    _ => text.push_str("unknown"),
                },
            }
        }
        text
    }
}

fn unknown(name: &str, full: &str, span: Span, written: &str, catalog: &Catalog) -> Problem {
    let place = written.find(&format!("{{{name}}}")).map(|at| {
        let start = span.start + at as u32 + 1;
        Span::new(start, start + name.len() as u32)
    });
    let help = match catalog.suggest_point(full) {
        _ if matches!(catalog.resolve(full), Some(Noun::Output(_))) => {
            format!(
                "an output is no value: write `{{{name}.state}}`, `.actual`, `.wanted` or `.since`",
                name = name.trim()
            )
        }
        Some(near) => format!("did you mean `{{{near}}}`?"),
        None => "between braces stands the name of a point; `{{` is a brace".to_string(),
    };
    let message = format!("there is no point `{}` to show", name.trim());
    problem(place.unwrap_or(span), "rules::template", message, help)
}
