//! Campaigns: their shape is checked and they are listed. They are not run.
//!
//! `wait until` reads variables of the campaign, so its condition is only checked where it names none.

use crate::body::{BodyKind, Surroundings};
use crate::condition::convert;
use crate::file::{File, keyword};
use crate::report::{Report, problem};
use crate::syntax::rule;
use ballast_model::catalog::Catalog;
use ballast_model::expr::{Problem, check};
use ballast_model::quantity::parse_span;
use rhai::{ASTNode, CustomExpr, Expr, ImmutableString, Position, Stmt};
use std::collections::{BTreeMap, BTreeSet};

/// A campaign as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignOutline {
    /// Its name.
    pub name: Box<str>,
    /// Where it stands, `battery.rhai:12`.
    pub place: Box<str>,
    /// The condition outside which it waits, as written; empty when absent.
    pub only: Box<str>,
    /// The text of the whole campaign.
    pub text: Box<str>,
}

/// The pieces of a statement by their letter.
pub(crate) fn pieces(custom: &CustomExpr) -> BTreeMap<char, &Expr> {
    let letters: ImmutableString = custom.state.clone().try_cast().unwrap_or_default();
    letters.chars().filter(|letter| !letter.is_uppercase()).zip(&custom.inputs).collect()
}

/// Checks the shape of a campaign.
pub(crate) fn outline(
    file: &File<'_>,
    catalog: &Catalog,
    custom: &CustomExpr,
    at: Position,
    report: &mut Report,
) -> Option<CampaignOutline> {
    let pieces = pieces(custom);
    let Some(Expr::StringConstant(name, _)) = pieces.get(&rule::NAME) else { return None };
    let chunk = file.chunk(at);
    let span = file.scanned.chunk_span(chunk);
    let nothing = BTreeSet::new();
    let around =
        Surroundings { file, catalog, each: None, rule: 0, kind: BodyKind::Schedule, campaigns: &nothing };
    let mut problems = Vec::new();
    if let Some(condition) = pieces.get(&rule::CONDITION)
        && let Some(condition) = convert(condition, &file.scanned, &mut problems)
        && let Err(found) = check(&condition, &around.scope())
    {
        problems.extend(found);
    }
    if let Some(Expr::Stmt(block)) = pieces.get(&rule::BLOCK) {
        check_steps(&around, block, &mut problems);
    }
    report.problems(file.id, problems);
    let only = pieces.get(&rule::CONDITION).map(|_| file.clause(chunk, "only")).unwrap_or_default();
    let text = file.scanned.text.get(span.start as usize..span.end as usize).unwrap_or("");
    Some(CampaignOutline { name: name.as_str().into(), place: file.place(at), only, text: text.into() })
}

fn check_steps(around: &Surroundings<'_>, block: &rhai::StmtBlock, problems: &mut Vec<Problem>) {
    let mut locals: BTreeSet<ImmutableString> = BTreeSet::new();
    for statement in block.statements() {
        statement.walk(&mut Vec::new(), &mut |path| {
            match path.last() {
                Some(ASTNode::Stmt(Stmt::Var(definition, _, _))) => {
                    locals.insert(definition.0.name.clone());
                }
                Some(ASTNode::Expr(Expr::Custom(custom, at))) => {
                    check_step(around, custom, *at, &locals, problems);
                }
                _ => {}
            }
            true
        });
    }
}

fn check_step(
    around: &Surroundings<'_>,
    custom: &CustomExpr,
    at: Position,
    locals: &BTreeSet<ImmutableString>,
    problems: &mut Vec<Problem>,
) {
    let scanned = &around.file.scanned;
    if !matches!(keyword(custom), "wait" | "rest") {
        let help = "put it at the left edge of the file";
        problems.push(problem(
            scanned.span_at(at),
            "rules::statement",
            "this cannot stand in a campaign",
            help,
        ));
        return;
    }
    let pieces = pieces(custom);
    if let Some(Expr::StringConstant(text, place)) = pieces.get(&rule::TIMEOUT)
        && parse_span(text).is_none()
    {
        let message = format!("\"{text}\" is no length of time");
        problems.push(problem(
            scanned.span_at(*place),
            "rules::time",
            message,
            "write a time such as \"12h\"",
        ));
    }
    let Some(condition) = pieces.get(&rule::CONDITION) else { return };
    let mut uses_locals = false;
    condition.walk(&mut Vec::new(), &mut |path| {
        if let Some(ASTNode::Expr(Expr::Variable(name, _, _))) = path.last() {
            uses_locals |= locals.contains(&name.1);
        }
        true
    });
    if !uses_locals
        && let Some(condition) = convert(condition, scanned, problems)
        && let Err(found) = check(&condition, &around.scope())
    {
        problems.extend(found);
    }
}
