//! The functions of conditions: over time, of the day, on values.

use super::ast::{Expr, ExprKind};
use super::check::{Checker, Dialect, Problem, Typed};
use super::check_numbers::{Extreme, Operand};
use super::comparison::Steps;
use super::program::{Node, Statistic};
use super::range::Range;
use super::trackers::TrackerKey;
use crate::almanac::{self, TimeOfDay};
use crate::catalog::{CalendarId, Facet, Noun, OutputKind, PointId};
use crate::diagnostic::{Span, did_you_mean};
use crate::finite::Finite;
use crate::quantity::{Dimension, Unit, parse_span};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Every function a condition knows, with what it takes; for messages and the manual.
pub const FUNCTIONS: &[(&str, &str)] = &[
    ("active_for", "active_for(\"10min\")"),
    ("age", "age(point)"),
    ("at_start", "at_start(point)"),
    ("avg", "avg(point, \"5min\")"),
    ("between", "between(\"22:00\", \"06:00\")"),
    ("calendar", "calendar(\"name\")"),
    ("changed", "changed(point)"),
    ("highest", "highest(point, \"5min\")"),
    ("known", "known(point)"),
    ("lowest", "lowest(point, \"5min\")"),
    ("max", "max(a, b, ...)"),
    ("min", "min(a, b, ...)"),
    ("on_time", "on_time(output, \"24h\")"),
    ("or_else", "or_else(value, otherwise)"),
    ("rate", "rate(point, \"5min\")"),
    ("starts", "starts(\"24h\")"),
    ("used", "used(counter, \"16:00\")"),
    ("weekday", "weekday(\"sat\", \"sun\")"),
];

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Checker<'_> {
    pub(super) fn call(&mut self, name: &str, name_span: Span, args: &[Expr], span: Span) -> Option<Typed> {
        let Some((_, usage)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let help = match did_you_mean(name, FUNCTIONS.iter().map(|(known, _)| *known)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    let names: Vec<&str> = FUNCTIONS.iter().map(|(known, _)| *known).collect();
                    format!("conditions know {}", names.join(", "))
                }
            };
            let message = format!("there is no function `{name}` in conditions");
            return self.wrong(name_span, "expr::unknown_function", message, Some(help));
        };
        if !self.is_allowed(name) {
            let (message, help) = match self.scope.dialect {
                Dialect::Limit if matches!(name, "known" | "or_else" | "age" | "changed") => (
                    format!("`{name}` cannot stand in a limit: it would say what an unknown value means"),
                    "leave it out: unknown counts as violated, or as the `unknown:` of the limit says"
                        .to_string(),
                ),
                Dialect::Limit => (
                    format!("`{name}` cannot stand in a limit: a limit reads raw values, never long means"),
                    "use the point itself, with `for` if it must last".to_string(),
                ),
                _ => (
                    format!("`{name}` belongs to a rule and has no meaning here"),
                    "use it in `when` or `until` of a rule".to_string(),
                ),
            };
            return self.wrong(name_span, "expr::not_here", message, Some(help));
        }
        match name {
            "min" | "max" => self.extreme(name == "max", args, span, usage),
            "or_else" => self.or_else(args, span, usage),
            "known" | "changed" | "age" | "at_start" => self.of_point(name, args, span, usage),
            "avg" | "highest" | "lowest" | "rate" => self.over_time(name, args, span, usage),
            "used" => self.used(args, span, usage),
            "on_time" => self.on_time(args, span, usage),
            "active_for" | "starts" => self.of_rule(name, args, span, usage),
            "between" => self.between(args, span, usage),
            "weekday" => self.weekday(args, span, usage),
            _ => self.calendar(args, span, usage),
        }
    }

    fn is_allowed(&self, name: &str) -> bool {
        match self.scope.dialect {
            Dialect::Rule => true,
            Dialect::Limit => matches!(name, "min" | "max"),
            Dialect::Derived => !matches!(name, "active_for" | "at_start" | "starts" | "changed"),
        }
    }

    fn usage<T>(&mut self, span: Span, usage: &str) -> Option<T> {
        let message = "these are not the arguments of this function".to_string();
        self.wrong(span, "expr::arguments", message, Some(format!("write `{usage}`")))
    }

    fn extreme(&mut self, greatest: bool, args: &[Expr], span: Span, usage: &str) -> Option<Typed> {
        if args.len() < 2 {
            return self.usage(span, usage);
        }
        let walked: Vec<_> = args.iter().map(|arg| (self.walk(arg), arg.span)).collect();
        let mut rest = walked.into_iter().map(|(typed, span)| typed.map(|typed| (typed, span)));
        let mut all = rest.next()??;
        for next in rest {
            let next = next?;
            let joined = all.1.join(next.1);
            let (a, b) = self.unify(all, next, true)?;
            if a.dimension != b.dimension {
                let message = format!("{} and {} cannot be compared", a.dimension.name(), b.dimension.name());
                let help = format!(
                    "all of them are {}, or all of them are {}",
                    a.dimension.name(),
                    b.dimension.name()
                );
                return self.wrong(joined, "expr::dimension", message, Some(help));
            }
            let node = if greatest { Node::Greatest(a.node, b.node) } else { Node::Least(a.node, b.node) };
            let node = self.push(node);
            let word = if greatest { "max" } else { "min" };
            let unit = if a.constant.is_some() { b.unit } else { a.unit };
            let mut number = Operand::leaf(node, unit, format!("{word}({}, {})", a.text, b.text));
            number.dimension = a.dimension;
            number.is_smoothed = a.is_smoothed && b.is_smoothed;
            number.is_difference = a.is_difference && b.is_difference;
            let steps = Steps::widest([a.steps(), b.steps()]);
            number.points = a.points.iter().chain(&b.points).copied().collect();
            number.range = Range::extreme(&a, &b);
            number.extreme = Some(extreme(greatest, a, b));
            let number = Typed::Number(number.with_steps(steps));
            all = (number, joined);
        }
        Some(all.0)
    }

    fn or_else(&mut self, args: &[Expr], span: Span, usage: &str) -> Option<Typed> {
        let [first, second] = args else { return self.usage(span, usage) };
        let (a, b) = (self.walk(first), self.walk(second));
        match (a?, b?) {
            (Typed::Truth(a), Typed::Truth(b)) => Some(Typed::Truth(self.push(Node::OrElse(a, b)))),
            (a, b) => {
                let (a, b) = self.unify((a, first.span), (b, second.span), true)?;
                if a.dimension != b.dimension {
                    let message =
                        format!("{} cannot stand in for {}", b.dimension.name(), a.dimension.name());
                    let help = format!("write {} of the same kind", a.dimension.name());
                    return self.wrong(second.span, "expr::dimension", message, Some(help));
                }
                let node = self.push(Node::OrElse(a.node, b.node));
                let mut number = Operand::leaf(node, a.unit, format!("or_else({}, {})", a.text, b.text));
                number.dimension = a.dimension;
                number.is_smoothed = a.is_smoothed;
                number.is_difference = a.is_difference && b.is_difference;
                let steps = Steps::widest([a.steps(), b.steps()]);
                number.range = Range::extreme(&a, &b);
                number.points = a.points;
                Some(Typed::Number(number.with_steps(steps)))
            }
        }
    }

    /// The argument as the name of a point.
    fn point_argument(&mut self, arg: &Expr, usage: &str) -> Option<(String, PointId)> {
        let ExprKind::Name(name) = &arg.kind else {
            let help = Some(format!("write `{usage}` with the name of a point"));
            return self.wrong(arg.span, "expr::arguments", "the name of a point is needed here", help);
        };
        let (full, point) = self.resolve_point(name, arg.span)?;
        self.reads.push(point);
        Some((full, point))
    }

    fn of_point(&mut self, name: &str, args: &[Expr], span: Span, usage: &str) -> Option<Typed> {
        let [arg] = args else { return self.usage(span, usage) };
        let (full, point) = self.point_argument(arg, usage)?;
        match name {
            "known" => Some(Typed::Truth(self.push(Node::Known(point)))),
            "changed" => Some(Typed::Truth(self.push(Node::Changed(point)))),
            "age" => {
                let node = self.push(Node::Age(point));
                let unit = Dimension::Duration.base();
                Some(number(node, unit, format!("age({full})"), false))
            }
            _ => {
                let unit = self.numeric_unit(point, arg.span)?;
                let slot = self.slot(TrackerKey::AtStart { point, rule: self.scope.rule });
                let node = self.push(Node::Tracked { slot, statistic: Statistic::AtStart });
                let at_start = stepped(node, unit, format!("at_start({full})"), true, self.steps_of(point));
                Some(within(at_start, self.range_of(point)))
            }
        }
    }

    fn steps_of(&self, point: PointId) -> Option<Steps> {
        Steps::of_point(point, self.scope.catalog)
    }

    fn numeric_unit(&mut self, point: PointId, span: Span) -> Option<Unit> {
        let spec = self.scope.catalog.point(point)?;
        match &spec.kind {
            _ if spec.is_since() => {
                let message = format!("`{}` runs by itself and cannot be followed over time", spec.name);
                let help = Some(format!("compare it as it is, as in `{} > \"5min\"`", spec.name));
                self.wrong(span, "expr::type", message, help)
            }
            crate::catalog::Kind::Number(unit) => Some(*unit),
            _ => {
                let message = format!("`{}` is not a number", spec.name);
                let help = "only numbers are followed over time; a word is compared, as in `grid.mode == \"island\"`";
                self.wrong(span, "expr::type", message, Some(help.to_string()))
            }
        }
    }

    /// The text of an argument, written there or as a constant of the file.
    fn text_of<'b>(&'b self, arg: &'b Expr) -> Option<&'b str> {
        match &arg.kind {
            ExprKind::Text(text) => Some(text),
            ExprKind::Name(name) => match &self.scope.constants.get(name)?.kind {
                ExprKind::Text(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// A text argument that is a length of time above zero.
    fn span_argument(&mut self, arg: &Expr, usage: &str) -> Option<crate::time::Span> {
        let text = self.text_of(arg).and_then(parse_span);
        let Some(span) = text.filter(|span| *span > crate::time::Span::ZERO) else {
            let help = Some(format!("write a time such as \"5min\": `{usage}`"));
            return self.wrong(arg.span, "expr::time", "a length of time is needed here", help);
        };
        Some(span)
    }

    fn over_time(&mut self, name: &str, args: &[Expr], span: Span, usage: &str) -> Option<Typed> {
        let [arg, over] = args else { return self.usage(span, usage) };
        let (full, point) = self.point_argument(arg, usage)?;
        let unit = self.numeric_unit(point, arg.span)?;
        let is_active = self.text_of(over) == Some("active");
        if is_active && self.scope.dialect != Dialect::Rule {
            let message = "\"active\" has no meaning here".to_string();
            let help = Some("give a time such as \"5min\"".to_string());
            return self.wrong(over.span, "expr::time", message, help);
        }
        let key = if is_active {
            TrackerKey::SinceActive { point, rule: self.scope.rule }
        } else {
            TrackerKey::Window { point, span: self.span_argument(over, usage)? }
        };
        let of_point = self.steps_of(point);
        let (unit, statistic, steps) = match name {
            // A mean over time lies anywhere between two steps.
            "avg" => (unit, Statistic::Average, None),
            "highest" => (unit, Statistic::Highest, of_point),
            "lowest" => (unit, Statistic::Lowest, of_point),
            _ => {
                let Some((dimension, factor)) = unit.dimension().slope() else {
                    let message = format!("the change of {} has no unit here", unit.dimension().name());
                    let help = "a rate exists of powers, energies, voltages, currents, frequencies, temperatures and volumes";
                    return self.wrong(arg.span, "expr::dimension", message, Some(help.to_string()));
                };
                let steps = match key {
                    TrackerKey::Window { span, .. } => of_point.map(|steps| steps.over(span, factor)),
                    _ => None,
                };
                let is_counter = self.scope.catalog.point(point).is_some_and(|spec| spec.is_counter);
                let rate = if is_counter { Statistic::CounterRate } else { Statistic::Rate };
                (dimension.base(), rate(Finite::saturating(factor)), steps)
            }
        };
        let slot = self.slot(key);
        let node = self.push(Node::Tracked { slot, statistic });
        let range = self.range_of(point).filter(|_| name != "rate");
        Some(within(stepped(node, unit, format!("{name}({full})"), true, steps), range))
    }

    fn used(&mut self, args: &[Expr], span: Span, usage: &str) -> Option<Typed> {
        let [arg, since] = args else { return self.usage(span, usage) };
        let (full, point) = self.point_argument(arg, usage)?;
        let unit = self.numeric_unit(point, arg.span)?;
        let time = self.time_argument(since, usage)?;
        if !self.scope.catalog.point(point)?.is_counter {
            let help =
                Some("mark it `counter: true` in its device, or name the energy index instead".to_string());
            let message = format!("`{full}` is not a counter: what was used since cannot be told");
            return self.wrong(arg.span, "expr::not_a_counter", message, help);
        }
        let slot = self.slot(TrackerKey::Used { point, time });
        let node = self.push(Node::Tracked { slot, statistic: Statistic::Used });
        let steps = self.steps_of(point).map(Steps::counted_from_zero);
        Some(stepped(node, unit, format!("used({full})"), true, steps))
    }

    fn on_time(&mut self, args: &[Expr], span: Span, usage: &str) -> Option<Typed> {
        let [arg, over] = args else { return self.usage(span, usage) };
        let ExprKind::Name(name) = &arg.kind else { return self.usage(arg.span, usage) };
        let full = self.expand(name);
        if self.scope.catalog.is_lost(&full) {
            return None;
        }
        let output = match self.scope.catalog.resolve(&full) {
            Some(Noun::Output(output)) => self.scope.catalog.output(output),
            _ => None,
        };
        let Some(output) = output.filter(|output| output.kind == OutputKind::Contact) else {
            let message = format!("`{name}` is not an output that closes and opens");
            return self.wrong(arg.span, "expr::arguments", message, Some(format!("write `{usage}`")));
        };
        let point = output.facet(Facet::State);
        self.reads.push(point);
        let window = self.span_argument(over, usage)?;
        let slot = self.slot(TrackerKey::Window { point, span: window });
        let node = self.push(Node::Tracked { slot, statistic: Statistic::OnTime });
        let unit = Dimension::Duration.base();
        Some(number(node, unit, format!("on_time({full})"), true))
    }

    fn of_rule(&mut self, name: &str, args: &[Expr], span: Span, usage: &str) -> Option<Typed> {
        let [over] = args else { return self.usage(span, usage) };
        let length = self.span_argument(over, usage)?;
        if name == "active_for" {
            return Some(Typed::Truth(self.push(Node::ActiveFor(length.nanos()))));
        }
        let slot = self.slot(TrackerKey::Starts { rule: self.scope.rule, span: length });
        let node = self.push(Node::Tracked { slot, statistic: Statistic::Starts });
        Some(number(node, Unit::NONE, "starts()".to_string(), true))
    }

    fn time_argument(&mut self, arg: &Expr, usage: &str) -> Option<TimeOfDay> {
        let text = self.text_of(arg);
        let Some(time) = text.and_then(TimeOfDay::parse) else {
            let help = Some(format!("write \"22:00\", \"sunrise\" or \"sunset\": `{usage}`"));
            let message = match text {
                Some(text) => format!("\"{text}\" is no time of day"),
                None => "a time of day is needed here".to_string(),
            };
            return self.wrong(arg.span, "expr::time", message, help);
        };
        let needs_sun = matches!(time, TimeOfDay::Sunrise | TimeOfDay::Sunset);
        if needs_sun && self.scope.catalog.place.is_none() {
            if self.scope.catalog.is_lost("sun") {
                return None;
            }
            let help = Some("add `location: { latitude: ..., longitude: ... }` to site.yaml".to_string());
            return self.wrong(arg.span, "expr::no_place", "the sun needs to know where the site is", help);
        }
        Some(time)
    }

    fn between(&mut self, args: &[Expr], span: Span, usage: &str) -> Option<Typed> {
        let [from, to] = args else { return self.usage(span, usage) };
        let written = (from, to);
        let (from, to) = (self.time_argument(from, usage), self.time_argument(to, usage));
        let (from, to) = (from?, to?);
        self.doubt_never_between(from, to, written, span);
        let slot = self.slot(TrackerKey::Between { from, to });
        Some(Typed::Truth(self.push(Node::Clock { slot })))
    }

    /// An interval that is empty every day of the year is hardly meant.
    fn doubt_never_between(
        &mut self,
        from: TimeOfDay,
        to: TimeOfDay,
        (first, second): (&Expr, &Expr),
        span: Span,
    ) {
        let catalog = self.scope.catalog;
        let (Some(first), Some(second)) = (self.text_of(first), self.text_of(second)) else { return };
        if almanac::is_never_between(&catalog.zone, catalog.place, from, to) {
            let message =
                format!("here \"{second}\" comes before \"{first}\" on every day: this is never true");
            let help = format!(
                "all of the day but the time between the two is `!between(\"{second}\", \"{first}\")`"
            );
            self.doubts.push(Problem { span, code: "expr::never", message, help: Some(help) });
        }
    }

    fn weekday(&mut self, args: &[Expr], span: Span, usage: &str) -> Option<Typed> {
        let mut mask = 0u8;
        for arg in args {
            let day = self.text_of(arg).and_then(|text| WEEKDAYS.iter().position(|day| *day == text));
            let Some(day) = day else {
                let help = Some(
                    "the days are \"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"".to_string(),
                );
                return self.wrong(arg.span, "expr::arguments", "this is not a day of the week", help);
            };
            mask |= 1 << day;
        }
        if mask == 0 {
            return self.usage(span, usage);
        }
        let slot = self.slot(TrackerKey::Weekday(mask));
        Some(Typed::Truth(self.push(Node::Clock { slot })))
    }

    fn calendar(&mut self, args: &[Expr], span: Span, usage: &str) -> Option<Typed> {
        let [arg] = args else { return self.usage(span, usage) };
        let Some(name) = self.text_of(arg) else { return self.usage(arg.span, usage) };
        let calendars = &self.scope.catalog.calendars;
        let Some(index) = calendars.iter().position(|calendar| *calendar.name == *name) else {
            if self.scope.catalog.is_lost(&format!("calendar.{name}")) {
                return None;
            }
            let help = match did_you_mean(name, calendars.iter().map(|calendar| &*calendar.name)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "add it under `calendars:` in site.yaml".to_string(),
            };
            return self.wrong(
                arg.span,
                "expr::unknown_calendar",
                format!("there is no calendar \"{name}\""),
                Some(help),
            );
        };
        let slot = self.slot(TrackerKey::Calendar(CalendarId(index as u32)));
        Some(Typed::Truth(self.push(Node::Clock { slot })))
    }
}

/// The numbers of two numbers, of which one may be such a `max` or `min` already.
fn extreme(is_greatest: bool, mut a: Operand, b: Operand) -> Extreme {
    let mut of = match a.extreme.take() {
        Some(known) if known.is_greatest == is_greatest => known.of,
        other => alloc::vec![Operand { extreme: other, ..a }],
    };
    of.push(b);
    Extreme { is_greatest, of }
}

/// What a function yields; of steps that are not known.
fn number(node: u16, unit: Unit, text: String, is_smoothed: bool) -> Typed {
    stepped(node, unit, text, is_smoothed, None)
}

/// A number between these values.
fn within(typed: Typed, range: Option<Range>) -> Typed {
    match typed {
        Typed::Number(number) => Typed::Number(Operand { range, ..number }),
        other => other,
    }
}

fn stepped(node: u16, unit: Unit, text: String, is_smoothed: bool, steps: Option<Steps>) -> Typed {
    let number = Operand { is_smoothed, ..Operand::leaf(node, unit, text) };
    Typed::Number(number.with_steps(steps))
}
