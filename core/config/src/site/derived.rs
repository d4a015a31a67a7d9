//! Points that are computed from others.
//!
//! They may be written in any order and refer to each other; here they are put into the order in which they can be
//! computed, and circles are refused.

use std::collections::{BTreeMap, BTreeSet};

use ballast_model::catalog::{Kind, Origin, PointId, PointSpec};
use ballast_model::diagnostic::Span;
use ballast_model::expr::{BinaryOp, Dialect, Expr, ExprKind, Program, Steps, Type};
use ballast_model::{Dimension, Finite, Unit};

use super::points::{add_point, unit};
use super::settings::spec;
use super::{SiteDraft, shapes};
use crate::codes;
use crate::compile;
use crate::decode::fields::Fields;
use crate::decode::scalar::{check_name, list, text};
use crate::diagnostics::{Diagnostics, Placed};
use crate::expr::{Written, names, parse_value};
use crate::fingerprint::Fingerprint;
use crate::tree::{Entry, Kind as NodeKind, Node};

/// One derived point.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// The point, `site.NAME`.
    pub point: PointId,
    /// How it is computed.
    pub rule: DerivedRule,
    /// The points it is computed from, sorted, each once.
    pub reads: Vec<PointId>,
    /// Whether it looks back over time, so that it lags behind what it is computed from.
    pub is_smoothed: bool,
    /// Hash of how it is written; what it is computed from has one of its own.
    pub definition: u64,
}

/// How a derived point is computed.
#[derive(Clone, Debug, PartialEq)]
pub enum DerivedRule {
    /// By an expression.
    Program(Program),
    /// The middle one of those that are known, as long as they are more than half; of an even number the mean of two.
    Median(Vec<PointId>),
    /// The first that is known.
    FirstGood(Vec<PointId>),
    /// The sum; unknown while one is unknown.
    Sum(Vec<PointId>),
}

/// A derived point while its turn has not come.
struct Waiting<'t> {
    name: &'t str,
    entry: &'t Entry,
    fields: Fields<'t>,
    form: Form,
    needs: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Expression,
    Median,
    FirstGood,
    Sum,
}

const FORMS: [(&str, Form); 4] = [
    ("expression", Form::Expression),
    ("median", Form::Median),
    ("first_good", Form::FirstGood),
    ("sum", Form::Sum),
];

/// `derived:`.
pub(super) fn read(fields: &Fields<'_>, draft: &mut SiteDraft, out: &mut Diagnostics) {
    let Some(all) =
        fields.get("derived").and_then(|node| crate::decode::map(node, "a map of derived points", out))
    else {
        return;
    };
    draft.is_complete &= all.is_complete;
    let mut waiting: Vec<Waiting<'_>> = Vec::new();
    for entry in &all.entries {
        match declare(entry, draft, out) {
            Some(declared) => waiting.push(declared),
            // Its name is not known to the others, and it is not their mistake.
            None => draft.catalog.lose(&format!("site.{}", entry.key.text)),
        }
    }
    let names: BTreeSet<String> = waiting.iter().map(|one| format!("site.{}", one.name)).collect();
    for one in &mut waiting {
        one.needs.retain(|name| names.contains(name));
    }
    while !waiting.is_empty() {
        let Some(next) = waiting.iter().position(|one| one.needs.is_empty()) else {
            refuse_circle(&waiting, draft, out);
            return;
        };
        let one = waiting.remove(next);
        let full = format!("site.{}", one.name);
        if compute(&one, &full, draft, out).is_none() {
            draft.catalog.lose(&full);
        }
        for other in &mut waiting {
            other.needs.remove(&full);
        }
    }
}

fn declare<'t>(entry: &'t Entry, draft: &SiteDraft, out: &mut Diagnostics) -> Option<Waiting<'t>> {
    if !check_name(&entry.key.text, entry.key.place(), out) {
        return None;
    }
    let fields = Fields::read(&entry.value, &shapes::DERIVED, out)?;
    let given: Vec<(&str, Form)> = FORMS.into_iter().filter(|(key, _)| fields.get(key).is_some()).collect();
    let [(key, form)] = given.as_slice() else {
        if fields.is_complete() {
            let message = "a derived point is computed in exactly one way";
            let help = "write one of `expression`, `median`, `first_good`, `sum`";
            out.push(fields.head().mistake(codes::DERIVED_FORM, message).help(help));
        }
        return None;
    };
    let node = fields.get(key)?;
    let mut needs = BTreeSet::new();
    match &node.kind {
        NodeKind::Scalar(scalar) => {
            if let Ok(expr) = parse_value(&scalar.text) {
                needs.extend(names(&expr).into_iter().map(ToOwned::to_owned));
            }
        }
        NodeKind::List(list) => {
            for item in &list.items {
                if let NodeKind::Scalar(scalar) = &item.kind {
                    needs.insert(scalar.text.clone());
                }
            }
        }
        _ => {}
    }
    // A role stands for what it points at.
    let needs =
        needs.into_iter().map(|name| draft.catalog.roles.get(&*name).map_or(name, |to| to.to_string()));
    Some(Waiting { name: &entry.key.text, entry, fields, form: *form, needs: needs.collect() })
}

fn refuse_circle(waiting: &[Waiting<'_>], draft: &mut SiteDraft, out: &mut Diagnostics) {
    for one in waiting {
        draft.catalog.lose(&format!("site.{}", one.name));
    }
    // Those that only wait for the circle are not in it: walk back along what is needed until a name comes again.
    let by_name: BTreeMap<String, &Waiting<'_>> =
        waiting.iter().map(|one| (format!("site.{}", one.name), one)).collect();
    let mut path: Vec<&str> = Vec::new();
    let mut current = by_name.keys().next().map(String::as_str);
    while let Some(name) = current {
        if let Some(start) = path.iter().position(|seen| *seen == name) {
            path.drain(..start);
            break;
        }
        path.push(name);
        current = by_name.get(name).and_then(|one| one.needs.first()).map(String::as_str);
    }
    let Some(first) = path.first().and_then(|name| by_name.get(*name)) else { return };
    let message = format!("these derived points need each other: {}", path.join(" needs "));
    let mut diagnostic = first.entry.key.place().mistake(codes::DERIVED_CYCLE, message);
    for name in path.iter().skip(1) {
        if let Some(one) = by_name.get(*name) {
            let place = one.entry.key.place();
            diagnostic = diagnostic.also(place.file, place.span, "in the same circle");
        }
    }
    out.push(diagnostic.help("compute one of them from measured points only"));
}

fn compute(one: &Waiting<'_>, full: &str, draft: &mut SiteDraft, out: &mut Diagnostics) -> Option<()> {
    let label = one.fields.get("label").and_then(|node| text(node, out)).map_or("", |found| found.value);
    let wanted = one.fields.get("unit").and_then(|node| unit(node, out));
    let computed = match one.form {
        Form::Expression => expression(one.fields.get("expression")?, draft, out)?,
        form => of_points(one, form, draft, out)?,
    };
    let Computed { rule, mut kind, mut reads, mut is_smoothed, expr } = computed;
    if let (Some(unit), Kind::Number(found)) = (wanted, &kind) {
        let is_difference = matches!(&rule, DerivedRule::Program(program) if program.is_difference);
        let fits = unit.dimension() == found.dimension()
            || is_difference && unit.dimension() == Dimension::TemperatureDifference;
        if !fits {
            let message = format!(
                "this is {}, and {unit} is a unit of {}",
                found.dimension().name(),
                unit.dimension().name()
            );
            let help = "write a unit that fits, or leave `unit` out";
            out.push(one.fields.place("unit").mistake(codes::UNIT_WRONG, message).help(help));
            return None;
        }
        kind = Kind::Number(unit);
    }
    reads.sort_unstable();
    reads.dedup();
    is_smoothed |= draft.derived.iter().any(|below| below.is_smoothed && reads.contains(&below.point));
    let place = one.entry.key.place();
    let mut point = spec(full, label, kind, Origin::Derived);
    point.resolution = widest_step(&rule, draft);
    let steps = steps(&rule, draft);
    let point = add_point(draft, point, place, out)?;
    draft.catalog.steps.extend(steps.map(|steps| (point, steps)));
    let definition = define(one, point, draft);
    if let Some(expr) = expr.filter(|_| !is_smoothed) {
        draft.written_out.insert(full.into(), Written { expr, place });
    }
    draft.derived.push(Derived { point, rule, reads, is_smoothed, definition });
    Some(())
}

/// The step of a point that chooses among others: the widest of theirs, since any of them may be the one.
fn widest_step(rule: &DerivedRule, draft: &SiteDraft) -> Option<Finite> {
    let (DerivedRule::Median(points) | DerivedRule::FirstGood(points)) = rule else { return None };
    points.iter().filter_map(|point| draft.catalog.point(*point)?.resolution).max()
}

/// The steps in which it moves.
fn steps(rule: &DerivedRule, draft: &SiteDraft) -> Option<Steps> {
    let of = |point: &PointId| Steps::of_point(*point, &draft.catalog);
    match rule {
        DerivedRule::Program(program) => program.steps(),
        DerivedRule::Median(points) | DerivedRule::FirstGood(points) => Steps::widest(points.iter().map(of)),
        DerivedRule::Sum(points) => Steps::sum(points.iter().map(of)),
    }
}

/// How it is computed; what it is computed from has definitions of its own.
fn define(one: &Waiting<'_>, point: PointId, draft: &mut SiteDraft) -> u64 {
    let mut print = Fingerprint::new();
    for (key, _) in FORMS {
        if let Some(node) = one.fields.get(key) {
            print.text(key);
            print.node(node);
        }
    }
    draft.define(point, &print);
    print.value()
}

/// What comes out of one form.
struct Computed {
    rule: DerivedRule,
    kind: Kind,
    reads: Vec<PointId>,
    is_smoothed: bool,
    /// What a limit may write in its place.
    expr: Option<Expr>,
}

fn expression(node: &Node, draft: &SiteDraft, out: &mut Diagnostics) -> Option<Computed> {
    let compiled = compile::value(node, &draft.nouns(), Dialect::Derived, out)?;
    let kind = match compiled.program.yields {
        Type::Truth => Kind::Flag,
        Type::Number(_, unit) => Kind::Number(unit),
    };
    let reads = compiled.program.reads.clone();
    let is_smoothed = !compiled.program.tracker_keys().is_empty();
    let rule = DerivedRule::Program(compiled.program);
    Some(Computed { rule, kind, reads, is_smoothed, expr: Some(compiled.expr) })
}

fn of_points(one: &Waiting<'_>, form: Form, draft: &SiteDraft, out: &mut Diagnostics) -> Option<Computed> {
    let nouns = draft.nouns();
    let key = FORMS.iter().find(|(_, known)| *known == form)?.0;
    let node = one.fields.get(key)?;
    let before = out.mistakes();
    let points = list(node, "a list of points", out, |item, out| nouns.point_at(item, out))?;
    if out.mistakes() > before || points.is_empty() {
        let is_empty =
            matches!(&node.kind, NodeKind::List(list) if list.items.is_empty() && list.is_complete);
        if is_empty {
            out.push(
                node.head_place()
                    .mistake(codes::DERIVED_FORM, "name at least one point")
                    .help("as in `[a.power, b.power]`"),
            );
        }
        return None;
    }
    let kind = common_kind(&points, form, draft, out)?;
    let reads: Vec<PointId> = points.iter().map(|point| point.value).collect();
    let rule = match form {
        Form::Median => DerivedRule::Median(reads.clone()),
        Form::FirstGood => DerivedRule::FirstGood(reads.clone()),
        Form::Sum | Form::Expression => DerivedRule::Sum(reads.clone()),
    };
    let expr = (form == Form::Sum).then(|| sum(&reads, draft)).flatten();
    Some(Computed { rule, kind, reads, is_smoothed: false, expr })
}

/// The sum as it would be written.
fn sum(points: &[PointId], draft: &SiteDraft) -> Option<Expr> {
    let names = points.iter().filter_map(|point| draft.catalog.point(*point)).map(|spec| &spec.name);
    let span = Span::default();
    let terms = names.map(|name| Expr { span, kind: ExprKind::Name(name.clone()) });
    terms.reduce(|left, right| {
        let kind = ExprKind::Binary { op: BinaryOp::Add, left: Box::new(left), right: Box::new(right) };
        Expr { span, kind }
    })
}

/// What all of the points look like; `first_good` takes every kind, the others take numbers.
fn common_kind(
    points: &[Placed<PointId>],
    form: Form,
    draft: &SiteDraft,
    out: &mut Diagnostics,
) -> Option<Kind> {
    let spec_of = |point: &Placed<PointId>| draft.catalog.point(point.value);
    if let Some(point) = points.iter().find(|point| spec_of(point).is_some_and(PointSpec::is_since)) {
        let message = "this point runs by itself and is no member of others";
        let help = "compute with it in an `expression`, as in `max(pump.since, lamp.since)`";
        out.push(point.place.mistake(codes::DERIVED_FORM, message).help(help));
        return None;
    }
    let kind_of = |point: &Placed<PointId>| spec_of(point).map(|spec| spec.kind.clone());
    let first = kind_of(points.first()?)?;
    let is_like = |kind: &Kind| match (&first, kind) {
        (Kind::Number(a), Kind::Number(b)) => a.dimension() == b.dimension(),
        (a, b) => form == Form::FirstGood && a == b,
    };
    for point in points {
        if kind_of(point).is_none_or(|kind| !is_like(&kind)) {
            let help = match &first {
                Kind::Number(unit) => format!("all of them must be {}", describe(*unit)),
                _ if form == Form::FirstGood => "all of them must have the same words".to_owned(),
                _ => "all of them must be numbers".to_owned(),
            };
            let message = "these points are not of the same kind";
            out.push(point.place.mistake(codes::DERIVED_FORM, message).help(help));
            return None;
        }
    }
    Some(first)
}

fn describe(unit: Unit) -> &'static str {
    let dimension: Dimension = unit.dimension();
    dimension.name()
}
