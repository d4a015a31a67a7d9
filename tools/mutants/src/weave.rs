//! The source with the bodies of all changes in it.

use crate::list::{Mutant, Place, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write;
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::Visit;

/// Goes to the end of the root of the crate: which change is in force, for the life of the process.
pub(crate) const CHOICE: &str = r#"
extern crate std;
#[doc(hidden)]
pub fn ballast_mutant() -> usize {
    static CHOSEN: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| {
        std::env::var("BALLAST_MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(usize::MAX)
    })
}
"#;

/// A file with its changes.
pub(crate) struct Woven {
    pub(crate) text: String,
    /// The lines, from 1, that belong to one change alone.
    pub(crate) arms: Vec<(Range<usize>, usize)>,
    /// The lines in which a function chooses, and the changes of that function.
    pub(crate) heads: Vec<(Range<usize>, BTreeSet<usize>)>,
    /// Changes that are not in it: they stand in a function in which nothing can choose.
    pub(crate) left: BTreeSet<usize>,
}

/// A function of a file.
struct Body {
    /// What stands between its braces.
    inner: Range<usize>,
    /// It is no `const fn`, and does not return a type that only its body knows.
    may_choose: bool,
}

/// Puts changes of one file into it.
///
/// # Errors
/// The file is not Rust, or does not have a place that is to be changed.
pub(crate) fn weave(source: &str, changes: &BTreeMap<usize, &Mutant>) -> Result<Woven, Box<dyn Error>> {
    let mut functions = Functions { source, bodies: BTreeMap::new() };
    functions.visit_file(&syn::parse_file(source)?);
    let mut woven = Woven { text: String::new(), arms: Vec::new(), heads: Vec::new(), left: BTreeSet::new() };
    let mut by_body: BTreeMap<usize, (Range<usize>, BTreeMap<usize, &Mutant>)> = BTreeMap::new();
    for (id, mutant) in changes {
        let span = mutant.function.as_ref().map(|function| function.span);
        match span.and_then(|span| functions.bodies.get(&span)).filter(|body| body.may_choose) {
            Some(body) => {
                let (_, ids) =
                    by_body.entry(body.inner.start).or_insert_with(|| (body.inner.clone(), BTreeMap::new()));
                ids.insert(*id, mutant);
            }
            None => {
                woven.left.insert(*id);
            }
        }
    }
    let mut done = 0;
    for (inner, ids) in by_body.values() {
        // A function inside of another one that is woven already.
        if inner.start < done {
            woven.left.extend(ids.keys());
            continue;
        }
        woven.text.push_str(&source[done..inner.start]);
        weave_body(&mut woven, source, inner, ids)?;
        done = inner.end;
    }
    woven.text.push_str(&source[done..]);
    Ok(woven)
}

fn weave_body(
    woven: &mut Woven,
    source: &str,
    inner: &Range<usize>,
    ids: &BTreeMap<usize, &Mutant>,
) -> Result<(), Box<dyn Error>> {
    let first = line_of(&woven.text);
    woven.text.push_str("match crate::ballast_mutant() {\n");
    woven.heads.push((first..line_of(&woven.text), ids.keys().copied().collect()));
    for (id, mutant) in ids {
        let changed = mutant.span.bytes(source).filter(|at| inner.start <= at.start && at.end <= inner.end);
        let changed = changed.ok_or_else(|| format!("{}: there is no such place", mutant.name))?;
        let begin = line_of(&woven.text);
        let (before, after) = (&source[inner.start..changed.start], &source[changed.end..inner.end]);
        writeln!(woven.text, "{id} => {{{before} {} {after}", mutant.replacement)?;
        woven.text.push_str("}\n");
        woven.arms.push((begin..line_of(&woven.text), *id));
    }
    writeln!(woven.text, "_ => {{{}", &source[inner.clone()])?;
    woven.text.push_str("}}");
    Ok(())
}

/// The line that the next sign is in.
fn line_of(text: &str) -> usize {
    text.matches('\n').count() + 1
}

/// Finds every function with a body.
struct Functions<'a> {
    source: &'a str,
    bodies: BTreeMap<Span, Body>,
}

impl Functions<'_> {
    fn add(&mut self, whole: proc_macro2::Span, signature: &syn::Signature, block: &syn::Block) {
        let (open, close) = (block.brace_token.span.open(), block.brace_token.span.close());
        let inner = Span { start: place(open.end()), end: place(close.start()) };
        let span = Span { start: place(whole.start()), end: place(whole.end()) };
        let mut hidden = HasImpl(false);
        hidden.visit_return_type(&signature.output);
        if let Some(inner) = inner.bytes(self.source) {
            let may_choose = signature.constness.is_none() && !hidden.0;
            self.bodies.insert(span, Body { inner, may_choose });
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(item.span(), &item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(item.span(), &item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(item.span(), &item.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}

struct HasImpl(bool);

impl<'ast> Visit<'ast> for HasImpl {
    fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
        self.0 = true;
    }
}

/// Columns of the parser count from 0.
fn place(at: proc_macro2::LineColumn) -> Place {
    Place { line: at.line, column: at.column + 1 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

    use super::*;
    use crate::list::Function;

    const SOURCE: &str = "\
/// Ü is one column and two bytes.
fn may_close(is_free: bool, is_armed: bool) -> bool {
    /* ü */ is_free && is_armed
}
const fn most() -> u32 { 1 + 1 }
fn all() -> impl Iterator<Item = u32> { 0..1 + 1 }
";

    fn mutant(lines: [(usize, usize); 2], place: (usize, usize), length: usize, by: &str) -> Mutant {
        let at = |(line, column)| Place { line, column };
        let span = Span { start: at(lines[0]), end: at(lines[1]) };
        let end = (place.0, place.1 + length);
        Mutant {
            file: "core/guard/src/lib.rs".into(),
            function: Some(Function { span }),
            span: Span { start: at(place), end: at(end) },
            replacement: by.to_owned(),
            name: format!("replace with {by}"),
        }
    }

    #[test]
    fn a_change_stands_beside_its_function_and_its_lines_are_known() {
        let change = mutant([(1, 1), (4, 2)], (3, 21), 2, "||");
        let woven = weave(SOURCE, &BTreeMap::from([(17, &change)])).unwrap();
        assert!(woven.left.is_empty());
        syn::parse_file(&woven.text).unwrap();
        let lines: Vec<&str> = woven.text.lines().collect();
        let (arm, id) = &woven.arms[0];
        assert_eq!(*id, 17);
        let text = lines[arm.start - 1..arm.end - 1].join("\n");
        assert!(text.starts_with("17 => {") && text.contains("is_free  ||  is_armed"), "{text}");
        assert_eq!(woven.text.matches("is_free && is_armed").count(), 1, "{}", woven.text);
        let (head, ids) = &woven.heads[0];
        assert!(lines[head.start - 1].contains("match crate::ballast_mutant()"), "{}", woven.text);
        assert_eq!(*ids, BTreeSet::from([17]));
    }

    #[test]
    fn a_function_that_cannot_choose_is_left_as_it_is() {
        let first = mutant([(5, 1), (5, 33)], (5, 28), 1, "-");
        let second = mutant([(6, 1), (6, 51)], (6, 46), 1, "-");
        let woven = weave(SOURCE, &BTreeMap::from([(1, &first), (2, &second)])).unwrap();
        assert_eq!(woven.left, BTreeSet::from([1, 2]));
        assert_eq!(woven.text, SOURCE);
    }

    #[test]
    fn a_place_that_is_not_there_is_an_error() {
        let change = mutant([(1, 1), (4, 2)], (9, 1), 2, "||");
        assert!(weave(SOURCE, &BTreeMap::from([(17, &change)])).is_err());
    }
}
