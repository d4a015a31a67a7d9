//! The requests of bodies, checked at load: outputs, groups, campaigns and settings are named literally, and a value that
//! is known at load must fit its output.

use super::walk::Walker;
use super::{Action, Ask, BodyKind, Entry};
use crate::condition::dotted;
use crate::limits::{BODY_NAMES_MAX, RECORD_POINTS_MAX};
use crate::literal::{Literal, fold};
use crate::report::problem;
use crate::sandbox::REQUESTS;
use crate::template::Template;
use ballast_engine::bodies::{NoticeLevel, Request, ShedAmount, ShedRequest};
use ballast_model::catalog::{Kind, Noun, Origin, OutputKind};
use ballast_model::diagnostic::{Span, did_you_mean};
use ballast_model::expr::explain_quantity;
use ballast_model::quantity::{parse_quantity, parse_span};
use ballast_model::time::Span as Duration;
use ballast_model::{Dimension, Finite, GroupId, OutputId, PointId, Unit, Value, Wanted};
use rhai::{Expr, FnCallExpr, Position};

/// The word before the names of settings.
const SETTING: &str = "setting";

impl Walker<'_> {
    /// A request: its arguments are replaced by the index of what was found out about it.
    pub(super) fn request(&mut self, call: &mut FnCallExpr, span: Span) {
        let name = call.name.clone();
        if self.around.kind == BodyKind::Function {
            let help = "write the request in the body, so that everything a rule can move is seen in it";
            return self.refuse(span, "a function cannot ask for anything", help);
        }
        let before = self.asks.len();
        let entry = match name.as_str() {
            "close" => self.contact(call, Wanted::CLOSED, span),
            "open" => self.contact(call, Wanted::OPEN, span),
            "set" => self.set(call, span),
            "shed" => self.shed(call, span),
            "start" => self.campaign(call, true, span),
            "stop" => self.campaign(call, false, span),
            "notify" => self.notice(call, NoticeLevel::Notify, span),
            "warn" => self.notice(call, NoticeLevel::Warn, span),
            "alarm" => self.notice(call, NoticeLevel::Alarm, span),
            "mode" => self.mode(call, span),
            _ => self.record(call, span),
        };
        let scanned = &self.around.file.scanned;
        if self.around.file.is_damaged(Span::new(span.start, scanned.call_end(span))) {
            // What it asks was not read: another value stands there.
            self.asks.truncate(before);
        }
        let Some(entry) = entry else { return };
        if self.entries.len() >= BODY_NAMES_MAX {
            let message = "the body makes too many requests";
            return self.problems.push(problem(span, "rules::too_large", message, "split the rule"));
        }
        let is_computed = !matches!(entry, Entry::Fixed(_));
        let index = self.entries.len() as i64;
        self.entries.push(entry);
        for (place, arg) in call.args.iter_mut().enumerate() {
            // The second argument of a computed `set` is its value.
            if !(is_computed && place == 1) {
                *arg = Expr::IntegerConstant(if place == 0 { index } else { 0 }, Position::NONE);
            }
        }
    }

    fn usage(&mut self, name: &str, span: Span) -> Option<Entry> {
        let usage = REQUESTS.iter().find(|(known, _)| *known == name).map_or("", |(_, usage)| usage);
        self.refuse(span, "these are not the arguments of this request", format!("write `{usage}`"));
        None
    }

    /// The name in an argument and where it stands.
    fn named(&mut self, arg: &Expr, what: &str) -> Option<(String, Span)> {
        let found = dotted(arg, &self.around.file.scanned);
        let is_local = found.as_ref().is_some_and(|(name, _)| self.is_local(name));
        match found {
            Some(found) if !is_local => Some(found),
            _ => {
                let span = self.span(arg.start_position());
                let help = match arg {
                    Expr::StringConstant(name, _) if self.is_output(name) => {
                        format!("write `{name}`, without quotes")
                    }
                    _ => "so that everything a rule can move is known before it runs".to_string(),
                };
                self.refuse(span, format!("{what} is named literally"), help);
                None
            }
        }
    }

    fn output(&mut self, arg: &Expr) -> Option<OutputId> {
        let (name, span) = self.named(arg, "an output")?;
        let full = self.expand(&name);
        if self.around.catalog.is_lost(&full) {
            return None;
        }
        match self.around.catalog.resolve(&full) {
            Some(Noun::Output(output)) => Some(output),
            other => {
                let outputs = self.around.catalog.outputs.iter().map(|output| &*output.name);
                let (message, help) = match other {
                    Some(Noun::Device(device)) => {
                        let outputs =
                            self.around.catalog.devices.get(device.index()).map(|device| &device.outputs);
                        let names: Vec<String> = outputs
                            .into_iter()
                            .flatten()
                            .filter_map(|output| self.around.catalog.output(*output))
                            .map(|output| format!("`{}`", output.name))
                            .collect();
                        let help = if names.is_empty() {
                            "it has no output".to_string()
                        } else {
                            format!("name one of its outputs: {}", names.join(", "))
                        };
                        (format!("`{name}` is a device and not one output"), help)
                    }
                    Some(Noun::Group(_)) => {
                        let help = format!("write `shed(\"{name}\")`, or a rule with `each x in {name}`");
                        (format!("`{name}` is a group and not one output"), help)
                    }
                    Some(_) => {
                        (format!("`{name}` is a value and not an output"), "name an output".to_string())
                    }
                    None => {
                        let help = did_you_mean(&full, outputs).map_or_else(
                            || "`ballast check --explain` lists the outputs of the site".to_string(),
                            |near| format!("did you mean `{near}`?"),
                        );
                        (format!("there is no output `{name}`"), help)
                    }
                };
                self.problems.push(problem(span, "rules::unknown_output", message, help));
                None
            }
        }
    }

    /// The time of a timed request; `Some(None)` when there is none and none is needed.
    fn lasting(&mut self, arg: Option<&Expr>, name: &str, span: Span) -> Option<Option<Duration>> {
        let Some(arg) = arg else {
            if self.around.kind == BodyKind::Rule {
                return Some(None);
            }
            let help = format!("say how long, as in `{name}(..., \"10min\")`, or use a rule");
            let message = "`every` and `at` are moments: what they ask for needs a time";
            self.problems.push(problem(span, "rules::untimed", message, help));
            return None;
        };
        let text = fold(arg, &self.around.file.literals);
        let length = text.as_ref().and_then(Literal::text).and_then(parse_span);
        if let Some(length) = length.filter(|length| *length > Duration::ZERO) {
            return Some(Some(length));
        }
        let place = self.span(arg.start_position());
        let help = match text.as_ref().and_then(Literal::number) {
            Some(_) if name == "set" => "write it in quotes: \"10min\"; a number has a point, as in 6.5",
            _ => "write it in quotes: \"10min\"",
        };
        self.refuse(place, "a length of time is needed here", help);
        None
    }

    fn contact(&mut self, call: &FnCallExpr, wanted: Wanted, span: Span) -> Option<Entry> {
        let name = call.name.as_str();
        let (first, rest) = call.args.split_first().filter(|(_, rest)| rest.len() <= 1).or_else(|| {
            self.usage(name, span);
            None
        })?;
        let output = self.output(first);
        let lasting = self.lasting(rest.first(), name, span);
        let (output, lasting) = (output?, lasting?);
        let spec = self.around.catalog.output(output)?;
        if let OutputKind::Setpoint(unit) = spec.kind {
            let place = self.span(first.start_position());
            let message = format!("`{}` is a setpoint: it cannot be closed or opened", spec.name);
            let help = format!("write `set({}, \"... {unit}\")`", spec.name);
            self.problems.push(problem(place, "rules::output_kind", message, help));
            return None;
        }
        self.asks.push(Ask { output, wanted: Some(wanted), span });
        Some(Entry::Fixed(Action::Request(Request { output, wanted, lasting })))
    }

    fn set(&mut self, call: &mut FnCallExpr, span: Span) -> Option<Entry> {
        let (target, value, time) = match call.args.as_mut_slice() {
            [target, value] => (target, value, None),
            [target, value, time] => (target, value, Some(&*time)),
            _ => return self.usage("set", span),
        };
        if let Some(point) = self.point_of(target, Origin::Setting) {
            return self.set_setting(point, value, time.is_some(), span);
        }
        if self.point_of(target, Origin::Mode).is_some() {
            return self.refuse_setting_the_mode(target, value);
        }
        if self.is_unknown_setting(target) {
            return None;
        }
        let output = self.output(target);
        let lasting = self.lasting(time, "set", span);
        let place = self.span(value.start_position());
        let literal = fold(value, &self.around.file.literals);
        if literal.is_none() {
            self.expression(value);
        }
        let (output, lasting) = (output?, lasting?);
        let spec = self.around.catalog.output(output)?;
        let OutputKind::Setpoint(unit) = spec.kind else {
            let message = format!("`{}` is closed or opened: it takes no value", spec.name);
            let help = format!("write `close({0})` or `open({0})`", spec.name);
            self.problems.push(problem(place, "rules::output_kind", message, help));
            return None;
        };
        let Some(literal) = literal else {
            self.asks.push(Ask { output, wanted: None, span });
            return Some(Entry::Level { output, unit, lasting });
        };
        let level = self.level(&literal, unit, &spec.name, place)?;
        self.look_at_allowed(output, level, unit, place);
        let wanted = Wanted::Level(level);
        self.asks.push(Ask { output, wanted: Some(wanted), span });
        Some(Entry::Fixed(Action::Request(Request { output, wanted, lasting })))
    }

    /// A literal as a number of the base unit.
    fn level(&mut self, literal: &Literal, unit: Unit, name: &str, place: Span) -> Option<Finite> {
        let (message, help) = match literal {
            Literal::Flag(_) => (format!("`{name}` takes a number"), format!("write \"... {unit}\"")),
            Literal::Text(text) => match parse_quantity(text) {
                Ok(quantity) if quantity.dimension() == unit.dimension() => return Some(quantity.base),
                Ok(quantity) => (
                    format!("`{name}` is set in {unit}: {} is no value for it", quantity.unit),
                    format!("it takes {}, this is {}", unit.dimension().name(), quantity.dimension().name()),
                ),
                Err(error) => explain_quantity(text, &error),
            },
            number => {
                let base = number.number().and_then(|number| unit.to_base(number));
                if base.is_some() {
                    return base;
                }
                ("this number is too large".to_string(), "write a number that can be measured".to_string())
            }
        };
        self.problems.push(problem(place, "rules::value", message, help));
        None
    }

    /// The mode is no setting: it has a request of its own.
    fn refuse_setting_the_mode(&mut self, target: &Expr, value: &Expr) -> Option<Entry> {
        let span = dotted(target, &self.around.file.scanned)
            .map_or_else(|| self.span(target.start_position()), |(_, span)| span);
        if self.around.kind != BodyKind::Schedule {
            let help = "a rule asks for states of outputs; change the mode in `every` or `at`";
            self.refuse(span, "a rule cannot change the mode of the site", help);
            return None;
        }
        let help = match fold(value, &self.around.file.literals) {
            Some(Literal::Text(word)) => format!("write `mode(\"{word}\")`"),
            _ => "write `mode(\"...\")` with one of the site's modes".to_string(),
        };
        self.refuse(span, "the mode is not set: it has a request of its own", help);
        None
    }

    /// Says so where what shall be set was meant for a setting that does not exist.
    fn is_unknown_setting(&mut self, target: &Expr) -> bool {
        let Some((name, span)) = dotted(target, &self.around.file.scanned) else { return false };
        let catalog = self.around.catalog;
        let full = self.expand(&name);
        if catalog.resolve(&full).is_some() || catalog.is_lost(&full) || self.is_local(&name) {
            return false;
        }
        let settings = || {
            catalog.points.iter().filter(|point| point.origin == Origin::Setting).map(|point| &*point.name)
        };
        let (root, rest) = name.split_once('.').unwrap_or((SETTING, &name));
        let is_output = did_you_mean(&name, catalog.outputs.iter().map(|output| &*output.name)).is_some();
        if root != SETTING && (is_output || did_you_mean(root, [SETTING]).is_none()) {
            return false;
        }
        let own = || settings().filter_map(|known| known.split_once('.').map(|(_, own)| own));
        let near = own().find(|known| *known == rest).or_else(|| did_you_mean(rest, own()));
        // A single word may be an output as well as a setting.
        if near.is_none() && name == rest {
            return false;
        }
        let help = match near {
            Some(near) => format!("did you mean `{SETTING}.{near}`?"),
            None => {
                let known: Vec<String> = settings().take(8).map(|known| format!("`{known}`")).collect();
                match known.as_slice() {
                    [] => "the site has no settings: they stand under `settings:` in site.yaml".to_string(),
                    known => format!("the settings of site.yaml are {}", known.join(", ")),
                }
            }
        };
        self.problems.push(problem(
            span,
            "expr::unknown_name",
            format!("there is no setting `{name}`"),
            help,
        ));
        true
    }

    /// The point of this origin that an argument names, if it names one.
    fn point_of(&self, arg: &Expr, origin: Origin) -> Option<PointId> {
        let (name, _) = dotted(arg, &self.around.file.scanned)?;
        let Some(Noun::Point(point)) = self.around.catalog.resolve(&self.expand(&name)) else { return None };
        let spec = self.around.catalog.point(point)?;
        (spec.origin == origin).then_some(point)
    }

    fn set_setting(&mut self, point: PointId, value: &mut Expr, is_timed: bool, span: Span) -> Option<Entry> {
        let spec = self.around.catalog.point(point)?;
        if self.around.kind != BodyKind::Schedule {
            let help =
                "a rule asks for states of outputs; change a setting in `every` or `at`, or on the page";
            self.refuse(span, format!("a rule cannot change the setting `{}`", spec.name), help);
            return None;
        }
        if is_timed {
            let help = "leave the time out, and set it back with another `at`";
            self.refuse(span, "a setting keeps its value until it is changed again", help);
            return None;
        }
        let place = self.span(value.start_position());
        let literal = fold(value, &self.around.file.literals);
        let found = match (&spec.kind, literal) {
            (Kind::Number(unit), Some(literal)) => {
                let level = self.level(&literal, *unit, &spec.name, place)?;
                self.look_at_range(point, level, *unit, place);
                Value::Number(level)
            }
            (Kind::Number(unit), None) => {
                self.expression(value);
                return Some(Entry::Setting { point, unit: *unit });
            }
            (Kind::Flag, Some(Literal::Flag(flag))) => Value::Flag(flag),
            (Kind::Words(words), Some(Literal::Text(text))) => {
                Value::Word(self.word(&text, words, &spec.name, place)?)
            }
            (Kind::Flag, _) => {
                self.refuse(
                    place,
                    format!("`{}` is `true` or `false`", spec.name),
                    "write `true` or `false`, without quotes",
                );
                return None;
            }
            (Kind::Words(_), _) => {
                let quoted: Vec<String> = spec.words().iter().map(|word| format!("\"{word}\"")).collect();
                let help = format!("its words are {}", quoted.join(", "));
                self.refuse(place, format!("`{}` takes one of its words in quotes", spec.name), help);
                return None;
            }
        };
        Some(Entry::Fixed(Action::Setting(point, found)))
    }

    fn word(&mut self, text: &str, words: &[Box<str>], name: &str, place: Span) -> Option<u16> {
        if let Some(index) = words.iter().position(|word| **word == *text) {
            return u16::try_from(index).ok();
        }
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        let mut help = format!("its words are {}", quoted.join(", "));
        if let Some(near) = did_you_mean(text, words.iter().map(|word| &**word)) {
            help = format!("did you mean \"{near}\"? {help}");
        }
        self.problems.push(problem(
            place,
            "rules::unknown_word",
            format!("`{name}` is never \"{text}\""),
            help,
        ));
        None
    }

    /// A text argument that is known at load.
    fn text(&mut self, arg: &Expr, what: &str) -> Option<(String, Span)> {
        let span = self.span(arg.start_position());
        match fold(arg, &self.around.file.literals) {
            Some(Literal::Text(text)) => Some((text.to_string(), span)),
            _ => {
                let name = dotted(arg, &self.around.file.scanned);
                let help = name.map_or_else(String::new, |(name, _)| format!("write \"{name}\""));
                self.refuse(span, format!("{what} is written literally, in quotes"), help);
                None
            }
        }
    }

    fn shed(&mut self, call: &FnCallExpr, span: Span) -> Option<Entry> {
        let (first, amount) = match call.args.as_slice() {
            [first] => (first, None),
            [first, amount] => (first, Some(amount)),
            _ => return self.usage("shed", span),
        };
        if self.around.kind == BodyKind::Schedule {
            let message = "`every` and `at` are moments: shedding needs a rule that says when it ends";
            self.problems.push(problem(span, "rules::untimed", message, "write a rule with `between`"));
            return None;
        }
        let group = self.text(first, "a group");
        let place_of_amount = amount.map(|amount| self.span(amount.start_position()));
        let amount = match amount {
            Some(amount) => self.amount(amount),
            None => Some(ShedAmount::All),
        };
        let (name, place) = group?;
        let Some(Noun::Group(group)) = self.around.catalog.resolve(&name) else {
            if self.around.catalog.is_lost(&name) {
                return None;
            }
            let groups = self.around.catalog.groups.iter().map(|group| &*group.name);
            let help = did_you_mean(&name, groups).map_or_else(
                || "groups stand under `groups:` in site.yaml".to_string(),
                |near| format!("did you mean \"{near}\"?"),
            );
            let message = format!("there is no group \"{name}\"");
            self.problems.push(problem(place, "rules::unknown_group", message, help));
            return None;
        };
        if self.around.catalog.groups.get(group.index()).is_some_and(|spec| spec.loads.is_empty()) {
            let message = format!("the group \"{name}\" has no load that could be cut: this sheds nothing");
            let help = "in site.yaml, give it members that have an output of kind `contact`";
            self.warnings.push(problem(place, "rules::empty_group", message, help));
        }
        if let Some(place) = place_of_amount {
            self.look_at_sizes(group, place);
        }
        self.sheds.insert(group);
        Some(Entry::Fixed(Action::Shed(ShedRequest { group, amount: amount? })))
    }

    /// A share or a power is counted in watts: a load of unknown size counts as none. Of such loads a share is nothing, and
    /// for a power all of them are cut.
    fn look_at_sizes(&mut self, group: GroupId, place: Span) {
        let catalog = self.around.catalog;
        let Some(spec) = catalog.groups.get(group.index()) else { return };
        let unknown: Vec<String> = (spec.loads_of_unknown_size())
            .filter_map(|load| catalog.output(load))
            .map(|output| format!("`{}`", output.name))
            .collect();
        let Some(first) = unknown.first() else { return };
        let more = match unknown.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let name = &spec.name;
        let message = format!("nobody knows how much cutting {first}{more} of the group \"{name}\" helps");
        let help = format!(
            "in site.yaml, give the device of each such load `rated: 2 kW`, or a measured point `power`; `shed(\"{name}\")` cuts the whole group"
        );
        self.problems.push(problem(place, "rules::shed_size", message, help));
    }

    fn amount(&mut self, arg: &Expr) -> Option<ShedAmount> {
        let (text, place) = self.text(arg, "the amount to shed")?;
        let (message, help) = match parse_quantity(&text) {
            Ok(quantity) if quantity.base <= Finite::ZERO => (
                "the amount to shed is above zero".to_string(),
                "write how much, as in \"4 kW\" or \"25 %\"".to_string(),
            ),
            Ok(quantity) => match quantity.dimension() {
                Dimension::Ratio => return Some(ShedAmount::Share(quantity.base)),
                Dimension::Power => return Some(ShedAmount::Power(quantity.base)),
                other => (
                    format!("{} cannot be shed", other.name()),
                    "write a share, \"25 %\", or a power, \"4 kW\"".to_string(),
                ),
            },
            Err(error) => explain_quantity(&text, &error),
        };
        self.problems.push(problem(place, "rules::value", message, help));
        None
    }

    fn campaign(&mut self, call: &FnCallExpr, start: bool, span: Span) -> Option<Entry> {
        let [arg] = call.args.as_slice() else { return self.usage(&call.name, span) };
        let (name, place) = self.text(arg, "a campaign")?;
        if !self.around.campaigns.contains(name.as_str()) {
            let help = did_you_mean(&name, self.around.campaigns.iter().map(|known| &**known)).map_or_else(
                || "write `campaign \"NAME\" { }` in a rule file".to_string(),
                |near| format!("did you mean \"{near}\"?"),
            );
            let message = format!("there is no campaign \"{name}\"");
            self.problems.push(problem(place, "rules::unknown_campaign", message, help));
            return None;
        }
        Some(Entry::Fixed(Action::Campaign(name.into(), start)))
    }

    fn notice(&mut self, call: &mut FnCallExpr, level: NoticeLevel, span: Span) -> Option<Entry> {
        let [arg] = call.args.as_mut_slice() else { return self.usage(&call.name.clone(), span) };
        let Some(Literal::Text(text)) = fold(arg, &self.around.file.literals) else {
            // Put together by the body: the text itself is the argument.
            self.expression(arg);
            return None;
        };
        let place = self.span(arg.start_position());
        let written =
            self.around.file.scanned.text.get(place.start as usize..place.end as usize).unwrap_or("");
        let catalog = self.around.catalog;
        let mut problems = Vec::new();
        let template =
            Template::parse(&text, place, written, catalog, &|name| self.expand(name), &mut problems);
        self.problems.extend(problems);
        Some(Entry::Fixed(Action::Notice(level, template)))
    }

    fn mode(&mut self, call: &FnCallExpr, span: Span) -> Option<Entry> {
        let [arg] = call.args.as_slice() else { return self.usage("mode", span) };
        let (name, place) = self.text(arg, "a mode")?;
        if self.around.kind != BodyKind::Schedule {
            let help = "a rule asks for states of outputs; change the mode in `every` or `at`";
            self.refuse(span, "a rule cannot change the mode of the site", help);
            return None;
        }
        let mode = self.around.catalog.points.iter().find(|point| matches!(point.origin, Origin::Mode));
        let Some(mode) = mode else {
            if self.around.catalog.is_lost("site.mode") {
                return None;
            }
            self.refuse(span, "the site has no modes", "add `modes:` to site.yaml");
            return None;
        };
        let index = self.word(&name, mode.words(), &mode.name, place)?;
        Some(Entry::Fixed(Action::Mode(index)))
    }

    fn record(&mut self, call: &FnCallExpr, span: Span) -> Option<Entry> {
        let (arg, values) = match call.args.as_slice() {
            [arg] => (arg, &[][..]),
            [arg, Expr::Array(values, _)] => (arg, values.as_slice()),
            _ => return self.usage("record", span),
        };
        let (name, _) = self.text(arg, "the name of a record")?;
        if self.around.kind != BodyKind::Schedule {
            let help =
                "what a rule did is in the history anyway; `record` belongs to `every`, `at` and campaigns";
            self.refuse(span, "a rule cannot write records", help);
            return None;
        }
        if values.len() > RECORD_POINTS_MAX {
            let message = format!("a record keeps at most {RECORD_POINTS_MAX} values");
            self.problems.push(problem(span, "rules::too_large", message, "write a second record"));
            return None;
        }
        let points: Vec<Option<PointId>> = values.iter().map(|value| self.recorded(value)).collect();
        Some(Entry::Fixed(Action::Record(name.into(), points.into_iter().collect::<Option<_>>()?)))
    }

    /// A point whose value shall be kept: named, so that the history can say what the number is.
    fn recorded(&mut self, arg: &Expr) -> Option<PointId> {
        let found = dotted(arg, &self.around.file.scanned).filter(|(name, _)| !self.is_local(name));
        let Some((name, span)) = found else {
            let span = self.span(arg.start_position());
            let help = "give what is computed a name under `derived:` in site.yaml";
            self.refuse(span, "a record keeps the values of points", help);
            return None;
        };
        let full = self.expand(&name);
        match self.around.catalog.resolve(&full) {
            Some(Noun::Point(point)) => Some(point),
            _ if self.around.catalog.is_lost(&full) => None,
            _ => {
                let help = self.around.catalog.suggest_point(&full).map_or_else(
                    || "`ballast check --explain` lists the points of the site".to_string(),
                    |near| format!("did you mean `{near}`?"),
                );
                self.problems.push(problem(
                    span,
                    "expr::unknown_name",
                    format!("there is no point `{name}`"),
                    help,
                ));
                None
            }
        }
    }
}
