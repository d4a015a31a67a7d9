//! What a set of rules takes over from the one before it: a file that did not change is not compiled again.
//!
//! That is so for a file of nothing but rules, constants and functions, whose bodies are complete at load, and of which
//! there was nothing to say. All others are cheap enough, or rare enough, to be compiled each time.

use crate::body::{Action, Ask, Runnable};
use crate::compile::Compiler;
use crate::compiled::Source;
use crate::conflicts::Asking;
use crate::file::{File, keyword};
use crate::limits::RULES_MAX;
use crate::literal::Literals;
use crate::run::Body;
use ballast_engine::plan::{BodyId, RulePlan};
use ballast_model::diagnostic::{Diagnostic, FileId, Span};
use ballast_model::expr::TrackerKey;
use rhai::{CustomExpr, Position};
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

/// The files of a compiled set that a later one may take over, by their names. Belongs to the rules of that set.
#[derive(Debug, Default)]
pub struct Kept {
    files: BTreeMap<Box<str>, KeptFile>,
}

/// One file.
#[derive(Clone, Debug)]
pub(crate) struct KeptFile {
    /// Index of its first rule.
    first: usize,
    /// What each of its rules asks for.
    bodies: Box<[Arc<[Action]>]>,
    /// A rule of it looks at its own past, which it names by its index.
    is_bound: bool,
}

/// A set that was compiled before, with the same nouns.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// What it lets take over.
    pub kept: &'a Kept,
    /// Its rules.
    pub rules: &'a [RulePlan],
    /// Whether a file of that name has the bytes that it had then.
    pub is_same: &'a dyn Fn(&Source<'_>) -> bool,
}

impl core::fmt::Debug for Before<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Before").field("kept", self.kept).finish_non_exhaustive()
    }
}

impl<'a> Before<'a> {
    /// What is taken over instead of compiling a file.
    pub(crate) fn file(&self, source: &Source<'_>) -> Option<&'a KeptFile> {
        self.kept.files.get(source.name).filter(|_| (self.is_same)(source))
    }
}

/// One file of a set while it is compiled.
pub(crate) enum Part<'a> {
    /// It is compiled.
    Read(Box<File<'a>>),
    /// It is taken over.
    Kept { source: Source<'a>, file: &'a KeptFile },
}

impl<'a> Part<'a> {
    /// The file, where it is compiled.
    pub(crate) fn file(&self) -> Option<&File<'a>> {
        match self {
            Self::Read(file) => Some(file),
            Self::Kept { .. } => None,
        }
    }

    /// Whether a diagnostic with this file speaks of one that was taken over.
    pub(crate) fn is_kept_as(&self, id: FileId) -> bool {
        matches!(self, Self::Kept { source, .. } if source.file == id)
    }
}

/// Whether a diagnostic shows a place in one of certain files.
pub(crate) fn speaks_of(found: &Diagnostic, is_it: impl Fn(FileId) -> bool) -> bool {
    is_it(found.primary.file) || found.secondary.iter().any(|place| is_it(place.file))
}

/// A part with the rules that came of it, and the statements that were compiled for it.
pub(crate) type Yield<'p, 's> = (&'p Part<'s>, Range<usize>, &'p [(&'p CustomExpr, Position)]);

impl Kept {
    /// What may be taken over of a set.
    pub(crate) fn of(
        parts: &[Yield<'_, '_>],
        rules: &[RulePlan],
        bodies: &[Body],
        diagnostics: &[Diagnostic],
    ) -> Self {
        let mut kept = Self::default();
        for (part, range, statements) in parts {
            let (name, file) = match part {
                Part::Kept { source, file } => {
                    (source.name, KeptFile { first: range.start, ..(*file).clone() })
                }
                Part::Read(file) => {
                    let is_silent = !diagnostics.iter().any(|found| speaks_of(found, |id| id == file.id));
                    let has_rules_only = statements.iter().all(|(custom, _)| keyword(custom) == "rule");
                    let rules = rules.get(range.clone()).unwrap_or_default();
                    let found = KeptFile::of(rules, bodies, range.start);
                    match found.filter(|_| is_silent && has_rules_only) {
                        Some(found) => (file.name, found),
                        None => continue,
                    }
                }
            };
            kept.files.insert(name.into(), file);
        }
        kept
    }
}

impl KeptFile {
    /// Nothing where a body must be compiled, or speaks of a campaign, which another file may take away.
    fn of(rules: &[RulePlan], bodies: &[Body], first: usize) -> Option<Self> {
        let complete = |rule: &RulePlan| match &bodies.get(rule.body.0 as usize)?.runnable {
            Runnable::Simple(actions) => {
                let is_of_campaign = actions.iter().any(|action| matches!(action, Action::Campaign(..)));
                (!is_of_campaign).then(|| Arc::clone(actions))
            }
            Runnable::Script { .. } => None,
        };
        let bodies: Option<Box<[_]>> = rules.iter().map(complete).collect();
        Some(Self { first, bodies: bodies?, is_bound: rules.iter().any(looks_at_itself) })
    }
}

/// Whether a rule has its own index in what it follows.
fn looks_at_itself(rule: &RulePlan) -> bool {
    let conditions = [Some(&rule.when), rule.until.as_ref()];
    let keys = conditions.into_iter().flatten().flat_map(|program| program.tracker_keys());
    keys.chain(&rule.body_follows).any(|key: &TrackerKey| key.rule().is_some())
}

impl Compiler<'_> {
    /// Takes over the rules of a file. Where something would have to be said of them, which only their text can show, the
    /// set is outdated as a whole.
    pub(crate) fn take_over(&mut self, source: &Source<'_>, file: &KeptFile, rules: &[RulePlan]) {
        let first = self.rules.len();
        let rules = rules.get(file.first..).and_then(|rest| rest.get(..file.bodies.len()));
        let Some(rules) = rules.filter(|rules| first + rules.len() <= RULES_MAX) else {
            self.is_outdated = true;
            return;
        };
        self.is_outdated |= file.is_bound && first != file.first;
        let (name, constants): (Rc<str>, _) = (source.name.into(), Rc::new(Literals::new()));
        for (rule, actions) in rules.iter().zip(&file.bodies) {
            self.remember_name(source.file, &rule.name);
            self.asks.push(Asking {
                name: rule.name.clone(),
                file: source.file,
                priority: rule.priority,
                asks: asks(actions),
            });
            let body = BodyId(self.bodies.len() as u32);
            let runnable = Runnable::Simple(Arc::clone(actions));
            self.bodies.push(Body { runnable, file: Rc::clone(&name), constants: Rc::clone(&constants) });
            self.rules.push(RulePlan { body, ..rule.clone() });
        }
    }

    /// A rule that `each` made is named `NAME [member]`, and its file names it NAME, in which no bracket can stand.
    fn remember_name(&mut self, file: FileId, name: &str) {
        let name = name.split_once(" [").map_or(name, |(name, _)| name);
        let (known, _) = *self.names.entry(format!("rule {name}").into()).or_insert((file, Span::new(0, 0)));
        self.is_outdated |= known != file;
    }
}

/// What actions ask of outputs; their places are not known any more.
fn asks(actions: &[Action]) -> Vec<Ask> {
    let ask = |action: &Action| match action {
        Action::Request(request) => {
            Some(Ask { output: request.output, wanted: Some(request.wanted), span: Span::new(0, 0) })
        }
        _ => None,
    };
    actions.iter().filter_map(ask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Compiled, compile, compile_after};
    use ballast_model::catalog::{Catalog, DeviceSpec, GroupSpec, Kind, Noun, Origin, OutputKind, PointSpec};
    use ballast_model::{DeviceId, Finite, GroupId, OutputId, Unit, Wanted};

    /// Statements that a file is put together of, `@` being its number: most of them may be taken over, some never, and some
    /// are wrong beside others.
    const STATEMENTS: [&str; 19] = [
        "rule \"a@\" when grid.level < 3 until grid.level > 4 { open(o@); }\n",
        "rule \"b@\" when grid.level < 2 until grid.level > 4 { open(o@, \"10min\"); }\n",
        "rule \"c@\" priority 60 when grid.level < 2 until grid.level > 4 { close(o@); notify(\"now {grid.level}\"); }\n",
        "rule \"e@\" each d in pumps when d.flow < 1 until d.flow > 2 { shed(\"pumps\"); }\n",
        "campaign \"k\" { }\n",
        "rule \"l@\" when grid.level < 2 until grid.level > 4 { start(\"k\"); }\n",
        // Looks at its own past.
        "rule \"f@\" when starts(\"1h\") < 3 && grid.level < 3 until grid.level > 4 { open(o@); }\n",
        "rule \"g@\" when grid.level < 3 until active_for(\"5min\") || grid.level > 9 { open(o@); }\n",
        "rule \"h@\" when grid.level < 3 until grid.level > at_start(grid.level) + 1 { open(o@); }\n",
        // A body that is a script.
        "rule \"i@\" when grid.level < 3 until grid.level > 4 { if grid.level < 1 { open(o@); } }\n",
        // A warning: no hysteresis.
        "rule \"j@\" when grid.level < 3 { open(o@); }\n",
        "const LOW = 2; rule \"k@\" when grid.level < LOW until grid.level > 4 { open(o@); }\n",
        "fn twice@(x) { x * 2 }\n",
        "every \"15min\" { notify(\"still here\"); }\n",
        // Two of one name.
        "rule \"a0\" when grid.level < 3 until grid.level > 4 { open(o@); }\n",
        "rule \"e0\" when grid.level < 2 until grid.level > 4 { open(o@); }\n",
        // Asks something else than most.
        "rule \"m@\" when grid.level < 1 until grid.level > 5 { close(o0); }\n",
        // Yields to rules.
        "every \"20min\" { close(o0, \"1min\"); }\n",
        "rule \"n@\" when grid.leve < 3 { }\n",
    ];

    fn nouns() -> Arc<Catalog> {
        let mut catalog = Catalog::default();
        let number =
            |name: &str| PointSpec::new(name, Kind::Number(Unit::parse("").unwrap()), Origin::Measured);
        for name in ["grid.level", "p1.flow", "p2.flow"] {
            catalog.add_point(number(name)).unwrap();
        }
        let names =
            ["p1", "p2"].map(str::to_owned).into_iter().chain((0..9).map(|index| format!("o{index}")));
        for (index, name) in names.enumerate() {
            let spec = DeviceSpec { name: name.as_str().into(), label: "".into(), outputs: Vec::new() };
            catalog.devices.push(spec);
            let device = DeviceId(index as u32);
            catalog.add_output(&name, "", device, OutputKind::Contact, Wanted::OPEN).unwrap();
        }
        catalog.groups.push(GroupSpec {
            name: "pumps".into(),
            label: "".into(),
            members: vec![DeviceId(0), DeviceId(1)],
            loads: vec![OutputId(0), OutputId(1)],
            rated: vec![Finite::ZERO; 2],
            power: vec![None; 2],
        });
        catalog.name("pumps", Noun::Group(GroupId(0)));
        Arc::new(catalog)
    }

    fn sources(files: &BTreeMap<String, String>) -> Vec<Source<'_>> {
        let numbered = files.iter().enumerate();
        numbered.map(|(index, (name, text))| Source { file: FileId(index as u32), name, text }).collect()
    }

    /// Everything that a set comes to.
    fn shown(compiled: &Compiled) -> String {
        let bodies: Vec<_> = compiled.bodies.bodies.iter().map(|body| (&body.runnable, &body.file)).collect();
        let Compiled { rules, schedules, campaigns, diagnostics, .. } = compiled;
        format!("{rules:#?}\n{schedules:#?}\n{campaigns:#?}\n{diagnostics:#?}\n{bodies:#?}")
    }

    /// How many bodies of a set are those of another one.
    fn shared(one: &Compiled, other: &Compiled) -> usize {
        let simple = |compiled: &Compiled| -> Vec<Arc<[Action]>> {
            let bodies = compiled.bodies.bodies.iter();
            let actions = bodies.filter_map(|body| match &body.runnable {
                Runnable::Simple(actions) => Some(Arc::clone(actions)),
                Runnable::Script { .. } => None,
            });
            actions.collect()
        };
        let known = simple(one);
        simple(other).iter().filter(|body| known.iter().any(|known| Arc::ptr_eq(known, body))).count()
    }

    /// Numbers that look like chance and are the same in every run.
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % end
        }

        /// The text of a file; the first statements come more often than the last.
        fn text(&mut self, name: &str) -> String {
            let number = name.trim_end_matches(".rhai");
            let count = self.below(3);
            let one = |_| {
                let end = 1 + self.below(STATEMENTS.len());
                STATEMENTS[self.below(end)].replace('@', number)
            };
            (0..count).map(one).collect()
        }

        /// Changes one or two files, and sometimes takes one away or adds it.
        fn edit(&mut self, files: &mut BTreeMap<String, String>) {
            for _ in 0..=self.below(2) {
                let name = format!("{}.rhai", self.below(6));
                let text = self.text(&name);
                files.insert(name, text);
            }
            if self.below(8) == 0 {
                files.remove(&format!("{}.rhai", self.below(6)));
            }
        }
    }

    #[test]
    fn a_set_beside_another_one_is_as_if_it_were_compiled_alone() {
        let (catalog, mut chance) = (nouns(), Chance(7));
        let mut files = BTreeMap::new();
        let mut before = (files.clone(), compile(&[], &catalog));
        let mut taken = 0;
        for round in 0..1000 {
            chance.edit(&mut files);
            let sources = sources(&files);
            let (known, compiled) = &before;
            let is_same =
                |source: &Source<'_>| known.get(source.name).is_some_and(|text| text == source.text);
            let beside = Before { kept: &compiled.kept, rules: &compiled.rules, is_same: &is_same };
            let beside = compile_after(&sources, &catalog, &beside);
            assert_eq!(shown(&compile(&sources, &catalog)), shown(&beside), "round {round}: {files:#?}");
            taken += shared(compiled, &beside);
            before = (files.clone(), beside);
        }
        assert!(taken > 1000, "{taken} bodies were taken over");
    }

    #[test]
    fn an_event_is_the_same_whatever_other_files_come_and_go() {
        let catalog = nouns();
        let event = |output: &str| format!("every \"20s\" {{ close({output}, \"15s\"); }}\n");
        let identities = |files: &[(&str, String)]| -> Vec<Box<str>> {
            let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
            let compiled = compile(&sources(&files), &catalog);
            assert!(!compiled.has_mistakes(), "{:?}", compiled.diagnostics);
            compiled.schedules.iter().map(|schedule| schedule.identity.clone()).collect()
        };
        let (a, b) = (("a.rhai", event("o1")), ("b.rhai", format!("{}{}", event("o2"), event("o3"))));
        assert_eq!(identities(&[a, b.clone()])[1..], identities(&[b])[..]);
    }
}
