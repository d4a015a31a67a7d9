//! The test files of a site, `tests/*.yaml`, read and checked against its nouns. All mistakes at once, each with its place.

use super::look::{LOOK, Look, Timeline};
use super::series::{self, Series};
use super::table::{Folder, Table};
use super::village::Behind;
use crate::simulation::plant::WORLDS;
use crate::site::Running;
use ballast_config::codes;
use ballast_config::decode::fields::Fields;
use ballast_config::decode::quantity::positive_duration;
use ballast_config::decode::scalar::{self, text};
use ballast_config::decode::shape::{Form, MapShape, Others, optional, required};
use ballast_config::diagnostics::{Diagnostics, Place};
use ballast_config::sources::Sources;
use ballast_config::tree::{self, Entry, Kind as NodeKind, Node};
use ballast_model::catalog::{Noun, Origin};
use ballast_model::{Dimension, PointId, Span, Utc};
use jiff::Timestamp;

/// Readings of a point come so often where a test says nothing else.
const EVERY: Span = Span::from_secs(10);
/// A test begins at this local time where it says nothing else: a day without anything special.
const START: &str = "2026-03-04 12:00";

/// One test.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its name, for people.
    pub name: String,
    /// Where its name stands.
    pub place: Place,
    /// The wall clock at its beginning.
    pub start: Utc,
    /// Time between two readings of a point.
    pub every: Span,
    /// The village behind the readings, where there is one.
    pub behind: Option<Behind>,
    /// What each point reads; instead of the village, where there is one.
    pub points: Vec<(PointId, Series)>,
    /// What others read, in a table.
    pub table: Option<Table>,
    /// Where one looks, in the order of time.
    pub looks: Vec<Look>,
}

static FILE: MapShape = MapShape {
    what: "a test file",
    others: Others::Refused,
    keys: &[required("tests", Form::List(&Form::Map(&TEST)), "the tests, each of which begins anew.")],
};

static TEST: MapShape = MapShape {
    what: "a test",
    others: Others::Refused,
    keys: &[
        required("name", Form::Text, "what is shown, `the school is cut when the frequency falls`."),
        optional(
            "start",
            Form::Text,
            "local time at its beginning, `2026-03-30 19:00`; or `2026-03-30T17:00:00Z`.",
        ),
        optional(
            "every",
            Form::Quantity(Dimension::Duration),
            "time between two readings; `10 s` if absent.",
        ),
        optional("plant", Form::Choice(WORLDS), "what readings come of in place of `points`, `village`."),
        optional("seed", Form::Integer, "which of many such villages; `1` if absent."),
        optional("points", Form::Named(&Form::Text), "what each point reads: `50 49.7x10 _x3 stale nan`."),
        optional("series_from", Form::Text, "a table (CSV) beside the test file that says what points read."),
        required("expect", Form::List(&Form::Map(&LOOK)), "where one looks, in the order of time."),
    ],
};

/// Reads one file of tests.
pub fn read(
    (name, bytes): (&str, &[u8]),
    folder: &Folder,
    running: &Running,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Vec<Test> {
    let file = sources.add(name, bytes, out);
    let tree = tree::parse(file, sources, out);
    let Some(root) = &tree.root else {
        if !out.has_mistakes() {
            let place = Place { file, span: ballast_model::diagnostic::Span::new(0, 0) };
            let help = "write `tests:` with a list of tests; `ballast test --help` shows one";
            out.push(place.mistake(codes::TEST_TIME, "this file has no test").help(help));
        }
        return Vec::new();
    };
    let Some(fields) = Fields::read(root, &FILE, out) else { return Vec::new() };
    let tests = fields.get("tests");
    let read = |node: &Node, out: &mut Diagnostics| test(node, folder, running, sources, out);
    tests.and_then(|node| scalar::list(node, "a list of tests", out, read)).unwrap_or_default()
}

fn test(
    node: &Node,
    folder: &Folder,
    running: &Running,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Test> {
    let fields = Fields::read(node, &TEST, out)?;
    let name = fields.get("name").and_then(|node| text(node, out));
    // Where it is not said, a table may say when the test begins.
    let said = fields.get("start").map(|node| start(node, running, out));
    let every = match fields.get("every") {
        None => Some(EVERY),
        Some(node) => positive_duration(node, out).map(|found| Span::from_nanos(found.value.nanos())),
    };
    let behind = Behind::read(&fields, running, out);
    let on_plant = fields.get("plant").is_some();
    let looks = fields.get("expect").and_then(|node| Timeline::new(running, on_plant).read(node, out));
    let end = looks.as_ref().and_then(|looks| looks.last()).map(|look| look.at);
    let points = points(&fields, running, every.zip(end), out);
    let from = |node| Table::read(node, said.flatten(), folder, running, sources, out);
    let table = fields.get("series_from").map(from);
    let start = match (said, &table) {
        (Some(said), _) => said,
        (None, Some(Some((_, Some(first))))) => Some(*first),
        (None, _) => instant(START, running),
    };
    let (name, start, looks, points) = (name?, start?, looks?, points?);
    let table = match table {
        None => None,
        Some(table) => Some(table?.0),
    };
    if let Some(table) = &table {
        table.check_end(end?, out);
        let is_double = |point: &PointId| points.iter().any(|(own, _)| own == point);
        for double in table.points().filter(is_double) {
            let spec = running.catalog().point(double).map_or("?", |spec| &*spec.name);
            let message = format!("`{spec}` has readings in this table and behind `points`");
            let help = "leave one of them out";
            out.push(table.place.mistake(codes::TEST_SERIES, message).help(help));
        }
    }
    if let Some(behind) = &behind {
        behind.check(start, &looks, running, out);
    }
    let (name, place) = (name.value.to_owned(), name.place);
    Some(Test { name, place, start, every: every?, points, table, behind, looks })
}

/// What points read, as it stands in the test itself.
fn points(
    fields: &Fields<'_>,
    running: &Running,
    times: Option<(Span, Span)>,
    out: &mut Diagnostics,
) -> Option<Vec<(PointId, Series)>> {
    match fields.get("points") {
        None => Some(Vec::new()),
        Some(Node { kind: NodeKind::Map(map), .. }) => {
            let readings = |entry: &Entry| point(entry, running, times, out);
            Some(map.entries.iter().filter_map(readings).collect())
        }
        Some(node) => {
            let message = "points with their readings are expected here";
            out.push(
                node.head_place().mistake(codes::TEST_SERIES, message).help("write `meter.power: 50 60x10`"),
            );
            None
        }
    }
}

fn start(node: &Node, running: &Running, out: &mut Diagnostics) -> Option<Utc> {
    let found = text(node, out)?;
    let exact = || found.value.parse::<Timestamp>().ok().map(|at| Utc::from_millis(at.as_millisecond()));
    let start = exact().or_else(|| instant(found.value, running));
    if start.is_none() {
        let message = format!("`{}` is no local time", found.value);
        let help = "write a day that there is and a time, `2026-03-30 19:00`";
        out.push(found.place.mistake(codes::TEST_TIME, message).help(help));
    }
    start
}

/// A local day and time of the site; none where the night in which clocks change skips it.
pub fn instant(text: &str, running: &Running) -> Option<Utc> {
    let local: jiff::civil::DateTime = text.parse().ok()?;
    let zone = running.catalog().zone.jiff().clone();
    let zoned = local.to_zoned(zone).ok().filter(|zoned| zoned.datetime() == local)?;
    Some(Utc::from_millis(zoned.timestamp().as_millisecond()))
}

/// A point and its readings, which must reach as far as one looks.
fn point(
    entry: &Entry,
    running: &Running,
    times: Option<(Span, Span)>,
    out: &mut Diagnostics,
) -> Option<(PointId, Series)> {
    let id = measured(&entry.key.text, entry.key.place(), running, out);
    let spec = running.catalog().point(id?)?;
    let series = series::read(&entry.value, spec, out)?;
    if let Some((every, end)) = times {
        let wanted = end.nanos() / every.nanos() + 1;
        if !series.covers(wanted) {
            let count = series.readings.len();
            let message = match count {
                1 => format!("this reading is for the beginning, and one looks until {end}"),
                _ => format!("these {count} readings end before {end}, where one looks last"),
            };
            let help = format!(
                "write {wanted} readings, one every {every}; `x*` behind the last goes on to the end, `_x*` is silence"
            );
            out.push(entry.value.place().mistake(codes::TEST_SERIES, message).help(help));
            return None;
        }
    }
    Some((id?, series))
}

/// A point that a device measures, by its name.
pub fn measured(name: &str, place: Place, running: &Running, out: &mut Diagnostics) -> Option<PointId> {
    let catalog = running.catalog();
    let Some(Noun::Point(id)) = catalog.resolve(name) else {
        let near = catalog.suggest_point(name).map(|near| format!("did you mean `{near}`?"));
        let help =
            near.unwrap_or_else(|| "`ballast check --explain` lists the points of the site".to_owned());
        out.push(place.mistake(codes::TEST_NAME, format!("there is no point `{name}`")).help(help));
        return None;
    };
    if catalog.point(id).is_some_and(|spec| spec.origin != Origin::Measured) {
        let message = format!("`{name}` is not measured: the site makes it itself");
        out.push(place.mistake(codes::TEST_NAME, message).help("give the readings of what it is made of"));
        return None;
    }
    Some(id)
}
