//! The clauses in the head of a rule that are no conditions.

use crate::compile::Compiler;
use crate::file::File;
use crate::report::problem;
use crate::scan::Chunk;
use crate::syntax::rule;
use ballast_model::catalog::Noun;
use ballast_model::diagnostic::did_you_mean;
use ballast_model::quantity::parse_span;
use ballast_model::time::Span as Duration;
use rhai::Expr;
use std::collections::BTreeMap;

const PRIORITY_DEFAULT: u8 = 50;

impl Compiler<'_> {
    pub(crate) fn priority(&mut self, file: &File<'_>, piece: Option<&Expr>) -> u8 {
        let Some(Expr::IntegerConstant(priority, at)) = piece else { return PRIORITY_DEFAULT };
        match u8::try_from(*priority) {
            Ok(priority) if priority <= 99 => priority,
            _ => {
                let message = format!("{priority} is no priority");
                let span = file.scanned.span_at(*at);
                self.wrong(
                    file.id,
                    problem(span, "rules::priority", message, "it goes from 0 to 99, higher wins"),
                );
                PRIORITY_DEFAULT
            }
        }
    }

    pub(crate) fn hold(&mut self, file: &File<'_>, piece: Option<&Expr>) -> Option<Duration> {
        let Some(Expr::StringConstant(text, at)) = piece else { return None };
        let length = parse_span(text);
        if length.is_none() {
            let message = format!("\"{text}\" is no length of time");
            let help = "write a number and a unit: \"2s\", \"10min\", \"1h 30min\"";
            self.wrong(file.id, problem(file.scanned.span_at(*at), "rules::time", message, help));
        }
        length
    }

    /// The members that a rule is made for, with its variable; one without a member where there is no `each`.
    pub(crate) fn members(
        &mut self,
        file: &File<'_>,
        pieces: &BTreeMap<char, &Expr>,
        chunk: Chunk,
    ) -> Vec<Option<(Box<str>, Box<str>)>> {
        let (Some(Expr::Variable(variable, _, _)), Some(Expr::Variable(group, _, group_at))) =
            (pieces.get(&rule::VARIABLE), pieces.get(&rule::GROUP))
        else {
            return vec![None];
        };
        let span = file.scanned.span_at(*group_at);
        let Some(Noun::Group(id)) = self.catalog.resolve(&group.1) else {
            // What the variable stands for is not known; everything else of the rule is.
            let places = file.scanned.places_of(&variable.1, file.scanned.chunk_span(chunk));
            if self.catalog.is_lost(&group.1) {
                self.report.lose(file.id, places);
                return vec![None];
            }
            let groups = self.catalog.groups.iter().map(|group| &*group.name);
            let help = did_you_mean(&group.1, groups).map_or_else(
                || "groups stand under `groups:` in site.yaml".to_string(),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("there is no group `{}`", group.1);
            self.wrong(file.id, problem(span, "rules::unknown_group", message, help));
            self.report.lose(file.id, places);
            return vec![None];
        };
        let members =
            self.catalog.groups.get(id.index()).map(|group| group.members.as_slice()).unwrap_or(&[]);
        if members.is_empty() {
            let message = format!("the group `{}` has no members: this rule does nothing", group.1);
            self.warn(
                file.id,
                vec![problem(span, "rules::empty_group", message, "add devices to it in site.yaml")],
            );
        }
        let name = |device: &ballast_model::DeviceId| self.catalog.devices.get(device.index());
        let devices = members.iter().filter_map(name);
        devices.map(|device| Some((variable.1.as_str().into(), device.name.clone()))).collect()
    }
}
