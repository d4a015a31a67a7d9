//! Which points the SunSpec information models have: read once out of `models.csv`, which names its source.

use super::value::Type;
use std::sync::LazyLock;

/// Models that are alike.
#[derive(Debug)]
pub(crate) struct Definition {
    /// Their numbers.
    pub(crate) ids: Vec<u16>,
    /// Points that stand once.
    pub(crate) head: Vec<Field>,
    /// Points that stand once for each module.
    pub(crate) module: Option<Module>,
    /// The curve in force.
    pub(crate) curve: Option<Curve>,
}

/// The first of the curves of a model, behind its head. Where the next one begins the device says, and nobody asks.
#[derive(Debug, Default)]
pub(crate) struct Curve {
    /// Its own points; their offsets count from its begin.
    pub(crate) fields: Vec<Field>,
    /// Before the number of one of its points: `Pt`.
    pub(crate) prefix: &'static str,
    /// Registers of one of its points.
    pub(crate) length: u16,
    /// Which of `fields` says how many of them are in use.
    pub(crate) count: &'static str,
    /// What stands in each; offsets count from the begin of that one.
    pub(crate) points: Vec<Field>,
}

/// The part of a model that repeats until its end.
#[derive(Debug)]
pub(crate) struct Module {
    /// Registers of one.
    pub(crate) length: u16,
    /// Its points; their offsets count from its begin.
    pub(crate) fields: Vec<Field>,
}

/// One point of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its name in the model.
    pub(crate) name: &'static str,
    /// Registers from the model's number on.
    pub(crate) offset: u16,
    /// How it is written.
    pub(crate) kind: Type,
    /// Its unit, as the model writes it; empty for a plain number.
    pub(crate) unit: &'static str,
    /// The point that holds its power of ten, or that power itself; empty where there is none.
    pub(crate) scale: &'static str,
    /// Whether it can be written.
    pub(crate) is_writable: bool,
    /// The words of an enumeration.
    pub(crate) words: Vec<(&'static str, u16)>,
    /// Where it is one of the points of a curve: which one, from 1, and the registers that say how many there are.
    pub(crate) one_of: Option<(u16, [u16; 2])>,
}

impl Definition {
    /// Where the first module begins.
    pub(crate) fn head_end(&self) -> u16 {
        end(&self.head).unwrap_or(2)
    }

    /// Where the next line of the table goes.
    fn fields(&mut self) -> &mut Vec<Field> {
        match (&mut self.curve, &mut self.module) {
            (Some(Curve { points, length: 1.., .. }), _) => points,
            (Some(Curve { fields, .. }), _) => fields,
            (None, Some(module)) => &mut module.fields,
            (None, None) => &mut self.head,
        }
    }

    /// The point of that name; its offset counts from the model's number. `module` counts from 1, 0 is the head.
    pub(crate) fn field(&self, module: u16, name: &str) -> Option<Field> {
        let Some(before) = module.checked_sub(1) else {
            return self.head.iter().find(|field| field.name == name).cloned();
        };
        if before == 0
            && let Some(curve) = &self.curve
        {
            return curve.field(name, self);
        }
        let repeated = self.module.as_ref()?;
        let mut field = repeated.fields.iter().find(|field| field.name == name)?.clone();
        let begin = before.checked_mul(repeated.length)?.checked_add(self.head_end())?;
        field.offset = field.offset.checked_add(begin)?;
        Some(field)
    }
}

impl Curve {
    /// A point of it, or of one of its points: `ActPt`, `Pt2.V`.
    fn field(&self, name: &str, model: &Definition) -> Option<Field> {
        let begin = model.head_end();
        if let Some(field) = self.fields.iter().find(|field| field.name == name) {
            return field.moved(begin);
        }
        let (number, name) = name.strip_prefix(self.prefix)?.split_once('.')?;
        let number: u16 = number.parse().ok().filter(|number| *number > 0)?;
        let count = self.fields.iter().find(|field| field.name == self.count)?;
        let most = model.head.iter().find(|field| field.name == "NPt")?;
        let points = begin.checked_add(end(&self.fields)?)?;
        let field = self.points.iter().find(|field| field.name == name)?;
        let mut field = field.moved((number - 1).checked_mul(self.length)?.checked_add(points)?)?;
        field.one_of = Some((number, [count.offset.checked_add(begin)?, most.offset]));
        Some(field)
    }
}

impl Field {
    fn moved(&self, by: u16) -> Option<Self> {
        Some(Self { offset: self.offset.checked_add(by)?, ..self.clone() })
    }
}

/// Behind the last of these.
fn end(fields: &[Field]) -> Option<u16> {
    fields.iter().map(|field| field.offset.saturating_add(field.kind.registers())).max()
}

static MODELS: LazyLock<Vec<Definition>> = LazyLock::new(|| parse(include_str!("models.csv")));

/// Every model that is known.
pub(crate) fn models() -> &'static [Definition] {
    &MODELS
}

/// What is known of a model.
pub(crate) fn model(id: u16) -> Option<&'static Definition> {
    models().iter().find(|definition| definition.ids.contains(&id))
}

/// Lines that say nothing are left out; a test holds the file against the models themselves.
fn parse(text: &'static str) -> Vec<Definition> {
    let mut found: Vec<Definition> = Vec::new();
    for line in text.lines() {
        if let Some(ids) = line.strip_prefix("= ") {
            let ids = ids.split(' ').filter_map(|id| id.parse().ok()).collect();
            found.push(Definition { ids, head: Vec::new(), module: None, curve: None });
        }
        let Some(last) = found.last_mut() else { continue };
        if let Some(length) = line.strip_prefix("* ").and_then(|module| module.split_once(' ')) {
            last.module = length.1.parse().ok().map(|length| Module { length, fields: Vec::new() });
        } else if line.starts_with("+ ") {
            last.curve = Some(Curve::default());
        } else if let (Some(points), Some(curve)) = (line.strip_prefix("++ "), &mut last.curve) {
            let mut words = points.split(' ');
            let mut next = || words.next().unwrap_or_default();
            (curve.prefix, curve.length, curve.count) = (next(), next().parse().unwrap_or(0), next());
        } else if let Some(field) = field(line) {
            last.fields().push(field);
        }
    }
    found
}

fn field(line: &'static str) -> Option<Field> {
    let mut cells = line.split(',');
    let (name, offset, kind) = (cells.next()?, cells.next()?.parse().ok()?, Type::parse(cells.next()?)?);
    let mut rest = || cells.next().unwrap_or_default();
    let (unit, scale, access, words) = (rest(), rest(), rest(), rest());
    let word = |pair: &'static str| {
        let (word, code) = pair.split_once('=')?;
        Some((word, code.parse().ok()?))
    };
    let words = words.split(' ').filter_map(word).collect();
    Some(Field { name, offset, kind, unit, scale, is_writable: access == "rw", words, one_of: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;
    use std::path::Path;

    const KNOWN: [u16; 32] = [
        1, 101, 102, 103, 111, 112, 113, 120, 121, 122, 123, 124, 160, 201, 202, 203, 204, 701, 702, 703,
        704, 705, 706, 707, 708, 709, 710, 711, 712, 713, 714, 802,
    ];

    /// A line of the table or a point of a published model, with its offset: what is compared.
    type Line = (String, u16, String, String, String, bool, BTreeSet<(String, u16)>);

    fn ours(field: &Field) -> Line {
        let words = field.words.iter().map(|(word, code)| ((*word).to_owned(), *code)).collect();
        let kind = format!("{:?}", field.kind);
        let (name, unit, scale) = (field.name.to_owned(), field.unit.to_owned(), field.scale.to_owned());
        (name, field.offset, kind, unit, scale, field.is_writable, words)
    }

    /// The points of a published group from an offset on; tells the offset behind it.
    fn theirs(group: &Value, prefix: &str, mut offset: u16, lines: &mut Vec<Line>) -> u16 {
        let text = |point: &Value, key: &str| match &point[key] {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        for point in group["points"].as_array().unwrap() {
            let size = u16::try_from(point["size"].as_u64().unwrap()).unwrap();
            let mut kind = text(point, "type");
            if kind == "string" {
                kind = format!("string{size}");
            }
            let symbols = point["symbols"].as_array().filter(|_| kind.starts_with("enum"));
            let word = |symbol: &Value| {
                (
                    text(symbol, "name").replace(' ', "_"),
                    u16::try_from(symbol["value"].as_u64().unwrap()).unwrap(),
                )
            };
            let words = symbols.into_iter().flatten().map(word).collect();
            if kind != "pad" {
                let kind = Type::parse(&kind).unwrap_or_else(|| panic!("no type {kind}"));
                assert_eq!(kind.registers(), size, "{prefix}{}", text(point, "name"));
                let is_writable = point["access"] == "RW";
                let name = format!("{prefix}{}", text(point, "name"));
                let (unit, scale) = (text(point, "units"), text(point, "sf"));
                lines.push((name, offset, format!("{kind:?}"), unit, scale, is_writable, words));
            }
            offset += size;
        }
        offset
    }

    /// The first curve, up to its first points.
    fn is_the_curve(curve: &Curve, published: &Value) {
        let mut lines = Vec::new();
        let mut end = theirs(published, "", 0, &mut lines);
        let (mut group, mut prefix) = (&published["groups"][0], String::new());
        if group["count"].is_null() {
            prefix = format!("{}.", group["name"].as_str().unwrap());
            end = theirs(group, &prefix, end, &mut lines);
            group = &group["groups"][0];
        }
        assert_eq!(curve.fields.iter().map(ours).collect::<Vec<_>>(), lines);
        assert_eq!(end, super::end(&curve.fields).unwrap(), "the points follow");
        assert_eq!((group["count"].as_str(), curve.prefix), (Some("NPt"), &*format!("{prefix}Pt")));
        assert_eq!(curve.count, format!("{prefix}ActPt"));
        let mut points = Vec::new();
        assert_eq!(theirs(group, "", 0, &mut points), curve.length);
        assert_eq!(curve.points.iter().map(ours).collect::<Vec<_>>(), points);
    }

    #[test]
    fn every_point_is_where_the_published_model_has_it() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/sunspec/models");
        if !folder.is_dir() {
            eprintln!("SKIPPED: {} is not there", folder.display());
            return;
        }
        for id in KNOWN {
            let text = std::fs::read_to_string(folder.join(format!("model_{id}.json"))).unwrap();
            let published: Value = serde_json::from_str(&text).unwrap();
            let definition = model(id).unwrap_or_else(|| panic!("no model {id}"));
            let mut lines = Vec::new();
            let mut end = theirs(&published["group"], "", 0, &mut lines);
            let mut modules = Vec::new();
            for group in published["group"]["groups"].as_array().into_iter().flatten() {
                let is_deep = group["groups"].is_array();
                if group["count"].is_null() && !is_deep {
                    end = theirs(group, &format!("{}.", group["name"].as_str().unwrap()), end, &mut lines);
                } else if matches!(id, 160 | 711 | 714) {
                    let length = theirs(group, "", 0, &mut modules);
                    assert_eq!(definition.module.as_ref().map(|module| module.length), Some(length), "{id}");
                    assert_eq!(definition.head_end(), end, "{id}");
                }
            }
            // Number and length are the walk's.
            lines.drain(..2);
            assert_eq!(definition.head.iter().map(ours).collect::<Vec<_>>(), lines, "model {id}");
            let own: Vec<Line> =
                definition.module.iter().flat_map(|module| &module.fields).map(ours).collect();
            assert_eq!(own, modules, "model {id}");
            let curves = published["group"]["groups"].as_array().into_iter().flatten();
            let curve = curves.filter(|group| group["name"] == "Crv").collect::<Vec<_>>();
            assert_eq!(definition.curve.is_some(), !curve.is_empty(), "model {id}");
            for (ours, published) in definition.curve.iter().zip(curve) {
                assert_eq!(definition.head_end(), end, "{id}");
                is_the_curve(ours, published);
            }
        }
    }

    #[test]
    fn every_line_of_the_table_is_read_and_every_scale_is_there() {
        let text = include_str!("models.csv");
        let lines = text.lines().filter(|line| !line.starts_with(['#', '=', '*', '+'])).count();
        let fields = |model: &'static Definition| {
            let curve = model.curve.iter().flat_map(|curve| curve.fields.iter().chain(&curve.points));
            model.head.iter().chain(model.module.iter().flat_map(|module| &module.fields)).chain(curve)
        };
        assert_eq!(models().iter().map(|model| fields(model).count()).sum::<usize>(), lines);
        let mut ids: Vec<u16> = models().iter().flat_map(|model| model.ids.clone()).collect();
        ids.sort_unstable();
        assert_eq!(ids, KNOWN);
        for model in models() {
            for field in fields(model).filter(|field| !field.scale.is_empty()) {
                let scale = model.field(0, field.scale);
                let is_number = field.scale.parse::<i32>().is_ok();
                assert!(is_number || scale.is_some_and(|scale| scale.kind == Type::Scale), "{}", field.name);
            }
        }
    }

    #[test]
    fn the_curve_in_force_follows_the_head() {
        let volt_var = model(705).unwrap();
        assert_eq!(volt_var.field(1, "ActPt").unwrap().offset, 15);
        let second = volt_var.field(1, "Pt2.Var").unwrap();
        assert_eq!((second.offset, second.one_of), (15 + 10 + 2 + 1, Some((2, [15, 5]))));
        for name in ["Pt0.V", "Pt.V", "Pt2", "Pt65535.V", "Pt-1.V", "Pt2.W", "NPt"] {
            assert!(volt_var.field(1, name).is_none(), "{name}");
        }
        assert!(volt_var.field(2, "ActPt").is_none() && volt_var.field(0, "ActPt").is_none());
        assert_eq!(model(709).unwrap().field(1, "MustTrip.Pt1.Hz").unwrap().offset, 11);
    }

    #[test]
    fn modules_follow_the_head() {
        let mppt = model(160).unwrap();
        assert_eq!(mppt.field(1, "DCW").unwrap().offset + 20, mppt.field(2, "DCW").unwrap().offset);
        assert_eq!(mppt.field(1, "ID").unwrap().offset, 10);
        assert!(mppt.field(0, "DCW").is_none() && mppt.field(u16::MAX, "DCW").is_none());
        assert!(model(103).unwrap().field(1, "W").is_none());
    }
}
