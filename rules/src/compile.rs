//! From the texts of a site's rule files to what the engine runs.

use crate::body::{BodyKind, Surroundings, build, check_function};
use crate::campaign::{CampaignOutline, outline, pieces};
use crate::checks::{self, Checked};
use crate::compiled::{Compiled, Note, Source};
use crate::condition::{canonical, convert};
use crate::conflicts::{Asking, conflicts, yielding};
use crate::file::{File, Fnv, keyword};
use crate::kept::{Before, Kept, Part, speaks_of};
use crate::limits::{FILE_BYTES_MAX, FILES_MAX, RULES_MAX, SCHEDULES_MAX};
use crate::names;
use crate::report::{Report, TOO_MANY, problem};
use crate::run::{Body, RhaiBodies};
use crate::sandbox;
use crate::schedule;
use crate::syntax::rule;
use ballast_engine::plan::{BodyId, RulePlan, SCHEDULE_PRIORITY, SchedulePlan};
use ballast_model::catalog::Catalog;
use ballast_model::diagnostic::{Diagnostic, FileId, Severity, Span};
use ballast_model::expr::{Expr as Condition, Problem, Program, Type, check};
use ballast_model::time::Span as Duration;
use rhai::{ASTNode, CustomExpr, Engine, Expr, Position, Stmt, StmtBlock};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// How long the inputs of a rule may be unknown where it does not say so itself (LANGUAGE, "the life of a rule").
const UNKNOWN_DEFAULT: Duration = Duration::from_secs(10);

/// Compiles rule files against the nouns of a site. Nothing in them is executed. Never fails: what is wrong stands in the
/// diagnostics, all of it together.
pub fn compile(sources: &[Source<'_>], catalog: &Arc<Catalog>) -> Compiled {
    Compiler::new(catalog).run(sources, None).0
}

/// The same beside a set that was compiled with the same nouns: of a file that is the same, its rules are taken over where
/// they can be. What comes out is the same, except that nothing is assumed again for the files that were taken over.
pub fn compile_after(sources: &[Source<'_>], catalog: &Arc<Catalog>, before: &Before<'_>) -> Compiled {
    let (compiled, is_whole) = Compiler::new(catalog).run(sources, Some(before));
    if is_whole { compiled } else { compile(sources, catalog) }
}

/// A set while it is compiled.
pub(crate) struct Compiler<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) report: Report,
    pub(crate) rules: Vec<RulePlan>,
    schedules: Vec<SchedulePlan>,
    campaigns: Vec<CampaignOutline>,
    campaign_names: BTreeSet<Box<str>>,
    pub(crate) bodies: Vec<Body>,
    notes: Vec<Note>,
    pub(crate) names: BTreeMap<Box<str>, (FileId, Span)>,
    pub(crate) asks: Vec<Asking>,
    event_asks: Vec<Asking>,
    /// Something must be told of a file that was taken over, or it must be compiled differently: the whole set is compiled.
    pub(crate) is_outdated: bool,
}

/// A rule as it stands in its file.
struct Rule<'a> {
    file: &'a File<'a>,
    at: Position,
    name: Box<str>,
    priority: u8,
    /// `None` where it could not be read.
    when: Option<Condition>,
    when_hold: Duration,
    /// `Some(None)` where it could not be read.
    until: Option<Option<Condition>>,
    until_hold: Duration,
    unknown: Duration,
    block: &'a StmtBlock,
    text_hash: u64,
    when_text: Box<str>,
    until_text: Box<str>,
    /// Everything before its body could be read.
    is_head_read: bool,
}

impl<'a> Compiler<'a> {
    fn new(catalog: &'a Catalog) -> Self {
        Self {
            catalog,
            report: Report::default(),
            rules: Vec::new(),
            schedules: Vec::new(),
            campaigns: Vec::new(),
            campaign_names: BTreeSet::new(),
            bodies: Vec::new(),
            notes: Vec::new(),
            names: BTreeMap::new(),
            asks: Vec::new(),
            event_asks: Vec::new(),
            is_outdated: false,
        }
    }

    /// Compiles the files; says whether everything is as if all had been compiled anew.
    fn run(mut self, sources: &[Source<'_>], before: Option<&Before<'_>>) -> (Compiled, bool) {
        let (engine, live) = sandbox::engine();
        let parts = self.parse(&engine, sources, before);
        for file in parts.iter().filter_map(Part::file) {
            self.functions(file);
        }
        let statements: Vec<_> = parts
            .iter()
            .map(|part| part.file().map_or_else(Vec::new, |file| file.statements(&mut self.report)))
            .collect();
        for file in parts.iter().filter_map(Part::file) {
            self.unread(file);
        }
        for (part, statements) in parts.iter().zip(&statements) {
            part.file().into_iter().for_each(|file| self.campaigns(file, statements));
        }
        let mut yields = Vec::with_capacity(parts.len());
        for (part, statements) in parts.iter().zip(&statements) {
            let first = self.rules.len();
            match part {
                Part::Kept { source, file } => {
                    let rules = before.map_or(&[][..], |before| before.rules);
                    self.take_over(source, file, rules);
                }
                Part::Read(file) => self.statements(file, statements),
            }
            yields.push((part, first..self.rules.len(), statements.as_slice()));
        }
        for found in yielding(&self.asks, &self.event_asks, self.catalog) {
            self.report.push(found);
        }
        for found in conflicts(&self.asks, self.catalog) {
            self.report.push(found);
        }
        // They stay as long as the rules run.
        self.rules.shrink_to_fit();
        self.bodies.shrink_to_fit();
        let diagnostics = self.report.finish();
        let kept = Kept::of(&yields, &self.rules, &self.bodies, &diagnostics);
        let is_of_kept = |file: FileId| parts.iter().any(|part| part.is_kept_as(file));
        let is_told = |found: &Diagnostic| speaks_of(found, is_of_kept) || found.code == TOO_MANY;
        let is_whole = !self.is_outdated && !diagnostics.iter().any(is_told);
        let compiled = Compiled {
            rules: self.rules,
            schedules: self.schedules,
            campaigns: self.campaigns,
            bodies: RhaiBodies::new(engine, live, self.bodies),
            diagnostics,
            notes: self.notes,
            kept,
        };
        (compiled, is_whole)
    }

    fn statements(&mut self, file: &File<'_>, statements: &[(&CustomExpr, Position)]) {
        for (custom, at) in statements {
            if self.report.is_full() {
                break;
            }
            match keyword(custom) {
                "rule" => self.rule(file, custom, *at),
                "campaign" => {}
                word => self.event(file, word, custom, *at),
            }
        }
    }

    pub(crate) fn wrong(&mut self, file: FileId, found: Problem) {
        self.report.problems(file, [found]);
    }

    pub(crate) fn warn(&mut self, file: FileId, found: Vec<Problem>) {
        for found in found {
            let mut warning = crate::report::mistake(file, found);
            warning.severity = Severity::Warning;
            self.report.push(warning);
        }
    }

    fn parse<'s>(
        &mut self,
        engine: &Engine,
        sources: &[Source<'s>],
        before: Option<&Before<'s>>,
    ) -> Vec<Part<'s>> {
        if let Some(over) = sources.get(FILES_MAX) {
            let message = format!("there are {} rule files; at most {FILES_MAX} are read", sources.len());
            self.wrong(over.file, problem(Span::new(0, 0), "rules::too_large", message, "join some of them"));
        }
        let read: Vec<_> = sources.iter().take(FILES_MAX).filter(|source| self.is_small(source)).collect();
        for empty in read.iter().filter(|source| source.text.is_empty()) {
            let help = "write its rules again, or remove the file";
            let found = problem(Span::new(0, 0), "rules::empty_file", "this file holds nothing", help);
            self.warn(empty.file, vec![found]);
        }
        let part = |source: &&Source<'s>| match before.and_then(|before| before.file(source)) {
            Some(file) => Part::Kept { source: **source, file },
            None => {
                let file = File::new(engine, source.file, source.name, source.text, &mut self.report);
                Part::Read(Box::new(file))
            }
        };
        read.iter().map(part).collect()
    }

    /// A file that is too long is not even looked at.
    fn is_small(&mut self, source: &Source<'_>) -> bool {
        let size = source.text.len();
        if size > FILE_BYTES_MAX {
            let kib = FILE_BYTES_MAX >> 10;
            let message =
                format!("this file has {size} bytes; at most {FILE_BYTES_MAX} are read ({kib} KiB)");
            let help = "split it into several files";
            self.wrong(source.file, problem(Span::new(0, 0), "rules::too_large", message, help));
        }
        size <= FILE_BYTES_MAX
    }

    /// Functions know only their arguments.
    fn functions(&mut self, file: &File<'_>) {
        let names = BTreeSet::new();
        let around = Surroundings {
            file,
            catalog: self.catalog,
            each: None,
            rule: 0,
            kind: BodyKind::Function,
            campaigns: &names,
        };
        // A function is found again by the place of its statements.
        let mut statements: BTreeMap<usize, Vec<Stmt>> = BTreeMap::new();
        file.ast.clone_functions_only().walk(&mut |path| {
            if let [ASTNode::Stmt(statement)] = path {
                let chunk = file.chunk(statement.position());
                statements.entry(chunk.first).or_default().push((*statement).clone());
            }
            true
        });
        for (first, statements) in statements {
            let problems = check_function(around, &file.parameters(first), &statements);
            self.report.problems(file.id, problems);
        }
    }

    /// Statements of which nothing could be read keep their names: nothing else shall say that there is no such one.
    fn unread(&mut self, file: &File<'_>) {
        for (word, name, span) in file.unread() {
            if matches!(word, "rule" | "campaign") {
                self.names.entry(format!("{word} {name}").into()).or_insert((file.id, span));
            }
            if word == "campaign" {
                self.campaign_names.insert(name.into());
            }
        }
    }

    fn campaigns(&mut self, file: &File<'_>, statements: &[(&CustomExpr, Position)]) {
        for (custom, at) in statements.iter().filter(|(custom, _)| keyword(custom) == "campaign") {
            if self.campaigns.len() >= SCHEDULES_MAX {
                let message = format!("there are more than {SCHEDULES_MAX} campaigns");
                let span = file.scanned.span_at(*at);
                return self.wrong(file.id, problem(span, "rules::too_large", message, "leave some out"));
            }
            let Some(found) = outline(file, self.catalog, custom, *at, &mut self.report) else { continue };
            let span = custom
                .inputs
                .first()
                .map_or(Span::new(0, 0), |name| file.scanned.span_at(name.start_position()));
            self.check_name(file, "campaign", &found.name, span);
            let message = format!("campaigns do not run yet: \"{}\" is listed and nothing more", found.name);
            let help = "a rule or `every` can do parts of it";
            self.warn(file.id, vec![problem(span, "rules::campaign", message, help)]);
            self.campaign_names.insert(found.name.clone());
            if file.is_read(file.chunk(*at)) {
                self.campaigns.push(found);
            }
        }
    }

    /// A name must be there, fit on a line and be the only one of its kind.
    fn check_name(&mut self, file: &File<'_>, what: &str, name: &str, span: Span) {
        if let Some(found) = names::problem_of(what, name, span) {
            self.wrong(file.id, found);
        }
        let key: Box<str> = format!("{what} {name}").into();
        if let Some((other, earlier)) = self.names.get(&key) {
            let message = format!("there are two {what}s named \"{name}\"");
            let found = Diagnostic::mistake("rules::duplicate", file.id, span, message)
                .label("this one")
                .also(*other, *earlier, "the first one")
                .help("a rule is known by its name over reload and restart: choose another one");
            self.report.push(found);
        } else {
            self.names.insert(key, (file.id, span));
        }
    }

    fn rule(&mut self, file: &File<'_>, custom: &CustomExpr, at: Position) {
        let pieces = pieces(custom);
        let (Some(Expr::StringConstant(name, name_at)), Some(Expr::Stmt(block))) =
            (pieces.get(&rule::NAME), pieces.get(&rule::BLOCK))
        else {
            return;
        };
        let name_span = file.scanned.span_at(*name_at);
        self.check_name(file, "rule", name, name_span);
        let priority = self.priority(file, pieces.get(&rule::PRIORITY).copied());
        let mut problems = Vec::new();
        let when = pieces.get(&rule::WHEN).and_then(|when| convert(when, &file.scanned, &mut problems));
        let until = pieces.get(&rule::UNTIL).map(|until| convert(until, &file.scanned, &mut problems));
        self.report.problems(file.id, problems);
        let mut hold = |letter| self.hold(file, pieces.get(&letter).copied());
        let (when_hold, until_hold) = (hold(rule::WHEN_FOR), hold(rule::UNTIL_FOR));
        let unknown = hold(rule::UNKNOWN);
        let members = self.members(file, &pieces, file.chunk(at));
        let head = file.scanned.span_at(at).join(file.scanned.span_at(block.position()));
        let is_head_read = !file.is_damaged(head);
        if is_head_read && !pieces.contains_key(&rule::WHEN) {
            let message = "this rule has no condition: its `when` is missing";
            let help = "write when it starts, as in `when battery.soc < \"25 %\"`";
            self.wrong(file.id, problem(file.scanned.span_at(at), "rules::syntax", message, help));
        }
        let chunk = file.chunk(at);
        let rule = Rule {
            file,
            at,
            name: name.as_str().into(),
            priority,
            when,
            when_hold: when_hold.unwrap_or(Duration::ZERO),
            until,
            until_hold: until_hold.unwrap_or(Duration::ZERO),
            unknown: unknown.unwrap_or(UNKNOWN_DEFAULT),
            block,
            text_hash: file.text_hash(chunk),
            when_text: file.clause(chunk, "when"),
            until_text: file.clause(chunk, "until"),
            is_head_read,
        };
        for member in members {
            if self.rules.len() >= RULES_MAX {
                let message = format!("there are more than {RULES_MAX} rules, members of `each` counted");
                return self
                    .wrong(file.id, problem(name_span, "rules::too_large", message, "leave some out"));
            }
            self.member(&rule, member.as_ref().map(|(variable, device)| (&**variable, &**device)));
        }
    }

    /// One rule, for one member of its group where it has `each`.
    fn member(&mut self, rule: &Rule<'_>, each: Option<(&str, &str)>) {
        let file = rule.file;
        let index = self.rules.len() as u32;
        let campaigns = core::mem::take(&mut self.campaign_names);
        let kind = BodyKind::Rule;
        let around =
            Surroundings { file, catalog: self.catalog, each, rule: index, kind, campaigns: &campaigns };
        let when = rule.when.as_ref().and_then(|when| self.condition(&around, when));
        let until = rule.until.as_ref().map(|until| self.condition(&around, until.as_ref()?));
        let built = build(around, rule.block);
        self.campaign_names = campaigns;
        self.report.problems(file.id, built.problems);
        self.warn(file.id, built.warnings);
        let (Some(mut when), until) = (when, until) else { return };
        let mut until = match until {
            Some(None) => return,
            Some(until) => until,
            None => None,
        };
        self.suspicions(rule, &when, until.as_ref(), &built.asks);
        when.forget_checks();
        until.iter_mut().for_each(Program::forget_checks);
        let name: Box<str> = match each {
            Some((_, device)) => format!("{} [{device}]", rule.name).into(),
            None => rule.name.clone(),
        };
        let mut writes: Vec<_> = built.asks.iter().map(|ask| ask.output).collect();
        writes.sort_unstable();
        writes.dedup();
        self.asks.push(Asking {
            name: name.clone(),
            file: file.id,
            priority: rule.priority,
            asks: built.asks,
        });
        if !file.is_read(file.chunk(rule.at)) {
            return;
        }
        let body = BodyId(self.bodies.len() as u32);
        self.bodies.push(Body {
            runnable: built.runnable,
            file: file.name.into(),
            constants: Rc::clone(&file.literals),
        });
        self.rules.push(RulePlan {
            name,
            place: file.place(rule.at),
            priority: rule.priority,
            when,
            when_hold: rule.when_hold,
            until,
            until_hold: rule.until_hold,
            unknown: rule.unknown,
            body,
            body_reads: built.reads.into_iter().collect(),
            body_follows: built.follows.into_iter().collect(),
            writes,
            sheds: built.sheds.into_iter().collect(),
            condition_hash: condition_hash(rule, each),
            text_hash: rule.text_hash,
            reads_hash: 0,
            when_text: rule.when_text.clone(),
            until_text: rule.until_text.clone(),
        });
    }

    fn condition(&mut self, around: &Surroundings<'_>, condition: &Condition) -> Option<Program> {
        let file = around.file.id;
        match check(condition, &around.scope()) {
            Ok(program) if program.yields == Type::Truth => {
                self.warn(file, program.doubts().to_vec());
                for (span, text) in &program.notes {
                    let is_known =
                        self.notes.iter().rev().take(8).any(|note| note.file == file && note.span == *span);
                    if !is_known {
                        self.notes.push(Note { file, span: *span, text: text.clone() });
                    }
                }
                Some(program)
            }
            Ok(_) => {
                let help = "compare it with something, as in `battery.soc < \"25 %\"`";
                let message = "this is a number and no condition";
                self.wrong(file, problem(condition.span, "expr::type", message, help));
                None
            }
            Err(problems) => {
                self.report.problems(file, around.in_words_of_the_file(problems));
                None
            }
        }
    }

    fn suspicions(
        &mut self,
        rule: &Rule<'_>,
        when: &Program,
        until: Option<&Program>,
        asks: &[crate::body::Ask],
    ) {
        let (file, catalog) = (rule.file.id, self.catalog);
        let Some(when_expr) = &rule.when else { return };
        let when = Checked { program: when, expr: when_expr };
        let until =
            until.zip(rule.until.iter().flatten().next()).map(|(program, expr)| Checked { program, expr });
        let mut mistakes = checks::finer_than_resolution(when.program, catalog);
        let mut doubts = checks::always(when, until, &rule.file.constants);
        doubts.extend(checks::never_begins(when));
        match until {
            Some(until) => {
                mistakes.extend(checks::finer_than_resolution(until.program, catalog));
                let (inverted, narrow) = checks::inverted_hysteresis(when, until, rule.until_hold, catalog);
                mistakes.extend(inverted);
                if rule.until_hold == Duration::ZERO {
                    mistakes.extend(checks::never_starts(when, until));
                }
                let beside = checks::ends_beside(when.program, until.program, rule.until_hold, catalog);
                doubts.extend(narrow);
                doubts.extend(beside);
            }
            None if rule.is_head_read => doubts.extend(checks::missing_hysteresis(when, catalog)),
            None => {}
        }
        self.report.problems(file, mistakes);
        self.warn(file, doubts);
        self.warn(file, checks::waits_for_itself(until.unwrap_or(when), asks, catalog));
    }

    fn event(&mut self, file: &File<'_>, word: &str, custom: &CustomExpr, at: Position) {
        let pieces = pieces(custom);
        let (Some(Expr::StringConstant(text, text_at)), Some(Expr::Stmt(block))) =
            (pieces.get(&rule::NAME), pieces.get(&rule::BLOCK))
        else {
            return;
        };
        let span = file.scanned.span_at(*text_at);
        if self.schedules.len() >= SCHEDULES_MAX {
            let message = format!("there are more than {SCHEDULES_MAX} events");
            return self.wrong(file.id, problem(span, "rules::too_large", message, "leave some out"));
        }
        let timing = if word == "every" {
            schedule::every(text, span)
        } else {
            schedule::at(text, span, self.catalog)
        };
        let around = Surroundings {
            file,
            catalog: self.catalog,
            each: None,
            rule: 0,
            kind: BodyKind::Schedule,
            campaigns: &self.campaign_names,
        };
        let built = build(around, block);
        self.report.problems(file.id, built.problems);
        self.warn(file.id, built.warnings);
        if let Some(first) = built.asks.first() {
            let text = format!(
                "what an event asks has priority {SCHEDULE_PRIORITY}, and yields to rules of that priority or a higher one"
            );
            self.notes.push(Note { file: file.id, span: first.span, text });
        }
        let timing = match timing {
            Ok(timing) if file.is_read(file.chunk(at)) => timing,
            Ok(_) => return,
            Err(found) => return self.wrong(file.id, found),
        };
        let base = format!("{word} {text}");
        let identity = schedule::numbered(
            format!("{} {base}", file.name),
            self.schedules.iter().map(|other| &*other.identity),
        );
        let name = schedule::numbered(base, self.schedules.iter().map(|other| &*other.name));
        let body = BodyId(self.bodies.len() as u32);
        self.bodies.push(Body {
            runnable: built.runnable,
            file: file.name.into(),
            constants: Rc::clone(&file.literals),
        });
        let body_follows = built.follows.into_iter().collect();
        let asked = Asking {
            name: name.as_str().into(),
            file: file.id,
            priority: SCHEDULE_PRIORITY,
            asks: built.asks,
        };
        self.event_asks.push(asked);
        self.schedules.push(SchedulePlan {
            name: name.into(),
            identity: identity.into(),
            place: file.place(at),
            text_hash: file.text_hash(file.chunk(at)),
            timing,
            body,
            body_follows,
        });
    }
}

/// Hash over what makes a rule start and end, independent of spelling and place.
fn condition_hash(rule: &Rule<'_>, each: Option<(&str, &str)>) -> u64 {
    let mut hash = Fnv::new();
    let constants = &rule.file.constants;
    if let Some(when) = &rule.when {
        hash.text(&canonical(when, constants, each));
    }
    hash.text(&rule.when_hold.nanos().to_string());
    for until in rule.until.iter().flatten() {
        hash.text(&canonical(until, constants, each));
    }
    hash.text(&rule.until_hold.nanos().to_string());
    hash.0
}
