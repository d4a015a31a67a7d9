//! Building the woven source, and which changes the compiler refuses.

use crate::list::Mutant;
use crate::weave::{self, Woven};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What can be tried.
pub(crate) struct Built {
    /// The changes that are in the programs.
    pub(crate) tried: BTreeSet<usize>,
    /// The compiler refuses these.
    pub(crate) unviable: BTreeSet<usize>,
    /// These cannot be woven.
    pub(crate) left: BTreeSet<usize>,
    /// The programs with the tests.
    pub(crate) programs: Vec<Program>,
}

/// A program with tests.
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// Where its tests expect to be run.
    pub(crate) home: PathBuf,
}

/// One line of what cargo prints.
#[derive(Deserialize)]
struct Line {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    executable: Option<PathBuf>,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    rendered: Option<String>,
    spans: Vec<MessageSpan>,
}

#[derive(Deserialize)]
struct MessageSpan {
    file_name: PathBuf,
    line_start: usize,
    is_primary: bool,
}

/// Weaves all changes into the source, takes out what the compiler refuses, and builds the tests.
///
/// # Errors
/// A file cannot be read or written, or the compiler refuses something that no change did.
pub(crate) fn weave_and_build(
    tree: &Path,
    package: &str,
    arguments: &[String],
    mutants: &[Mutant],
) -> Result<Built, Box<dyn Error>> {
    let sources = Sources::read(tree, mutants)?;
    let mut built = Built {
        tried: (0..mutants.len()).collect(),
        unviable: BTreeSet::new(),
        left: BTreeSet::new(),
        programs: Vec::new(),
    };
    loop {
        let woven = sources.weave(mutants, &built.tried)?;
        for file in woven.values() {
            built.tried.retain(|id| !file.left.contains(id));
            built.left.extend(&file.left);
        }
        // The types first: what they refuse is known before anything is built.
        let mut refused = Refused::default();
        for verb in [&["check"][..], &["test", "--no-run"][..]] {
            let (lines, is_built) = cargo(tree, package, verb, arguments)?;
            if is_built {
                built.programs = programs(&lines);
                continue;
            }
            refused = refused_by(&lines, &woven)?;
            break;
        }
        if refused.is_none() {
            return Ok(built);
        }
        eprintln!("{} changes do not build", refused.arms.len() + refused.heads.len());
        built.tried.retain(|id| !refused.arms.contains(id) && !refused.heads.contains(id));
        built.unviable.extend(refused.arms);
        built.left.extend(refused.heads);
    }
}

/// The files as they are without a change.
struct Sources<'a> {
    tree: &'a Path,
    texts: BTreeMap<&'a Path, String>,
    /// The root of the crate, which gets the choice.
    root: (PathBuf, String),
}

impl<'a> Sources<'a> {
    fn read(tree: &'a Path, mutants: &'a [Mutant]) -> Result<Self, Box<dyn Error>> {
        let mut texts = BTreeMap::new();
        for mutant in mutants {
            if !texts.contains_key(mutant.file.as_path()) {
                texts.insert(mutant.file.as_path(), fs::read_to_string(tree.join(&mutant.file))?);
            }
        }
        let first = texts.keys().next().ok_or("there is nothing to change")?;
        let source = first.ancestors().find(|path| path.ends_with("src")).ok_or("a file outside of src")?;
        let root = source.join("lib.rs");
        let text = fs::read_to_string(tree.join(&root))?;
        Ok(Self { tree, texts, root: (root, text) })
    }

    fn weave(
        &self,
        mutants: &[Mutant],
        ids: &BTreeSet<usize>,
    ) -> Result<BTreeMap<&Path, Woven>, Box<dyn Error>> {
        let mut files = BTreeMap::new();
        for (path, text) in &self.texts {
            let of_file = ids.iter().filter_map(|id| Some((*id, mutants.get(*id)?)));
            let changes = of_file.filter(|(_, mutant)| mutant.file == **path).collect();
            files.insert(*path, weave::weave(text, &changes)?);
        }
        let (root, plain) = &self.root;
        let text = files.get(root.as_path()).map_or(plain, |woven| &woven.text);
        fs::write(self.tree.join(root), format!("{text}{}", weave::CHOICE))?;
        for (path, woven) in files.iter().filter(|(path, _)| **path != root) {
            let path = self.tree.join(path);
            // An unchanged file keeps its time.
            if fs::read_to_string(&path)? != woven.text {
                fs::write(path, &woven.text)?;
            }
        }
        Ok(files)
    }
}

/// What a run of cargo printed, and whether it built everything.
fn cargo(
    tree: &Path,
    package: &str,
    verb: &[&str],
    arguments: &[String],
) -> Result<(Vec<Line>, bool), Box<dyn Error>> {
    let output = Command::new("cargo")
        .args(verb)
        .args(["--locked", "--message-format=json", "--package", package])
        .args(arguments)
        .current_dir(tree)
        // A change leaves things unused and conditions always true.
        .env("RUSTFLAGS", "--cap-lints=allow")
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let lines: Result<Vec<Line>, _> = text.lines().map(serde_json::from_str).collect();
    Ok((lines?, output.status.success()))
}

fn programs(lines: &[Line]) -> Vec<Program> {
    let artifacts = lines.iter().filter(|line| line.reason == "compiler-artifact");
    let program = |line: &Line| {
        let home = line.manifest_path.parent()?.to_owned();
        Some(Program { path: line.executable.clone()?, home })
    };
    artifacts.filter_map(program).collect()
}

/// Changes that the compiler refuses.
#[derive(Default)]
struct Refused {
    /// Their own text is wrong.
    arms: BTreeSet<usize>,
    /// Their function cannot choose.
    heads: BTreeSet<usize>,
}

impl Refused {
    fn is_none(&self) -> bool {
        self.arms.is_empty() && self.heads.is_empty()
    }
}

fn refused_by(lines: &[Line], woven: &BTreeMap<&Path, Woven>) -> Result<Refused, Box<dyn Error>> {
    let mut refused = Refused::default();
    let messages = lines.iter().filter_map(|line| line.message.as_ref());
    for message in messages.filter(|message| message.level == "error") {
        let mut is_placed = message.spans.is_empty();
        for span in message.spans.iter().filter(|span| span.is_primary) {
            let Some(file) = woven.get(span.file_name.as_path()) else { continue };
            let holds = |lines: &std::ops::Range<usize>| lines.contains(&span.line_start);
            if let Some((_, id)) = file.arms.iter().find(|(lines, _)| holds(lines)) {
                refused.arms.insert(*id);
                is_placed = true;
            } else if let Some((_, ids)) = file.heads.iter().find(|(lines, _)| holds(lines)) {
                refused.heads.extend(ids);
                is_placed = true;
            }
        }
        if !is_placed {
            return Err(message.rendered.clone().unwrap_or_default().into());
        }
    }
    if refused.is_none() {
        return Err("cargo failed, and no change is to blame".into());
    }
    Ok(refused)
}
