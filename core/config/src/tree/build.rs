//! From the parser's events to nodes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ballast_model::diagnostic::{Diagnostic, FileId, Span};
use saphyr_parser::{Event, Parser, ScalarStyle};

use super::offsets::Offsets;
use super::{Budget, Entry, Key, Kind, List, Map, Node, Scalar, Style, Tree, syntax};
use crate::codes;
use crate::diagnostics::{Diagnostics, quote};
use crate::limits;
use crate::sources::{floor_boundary, saturate};

/// Reads a text. After a mistake in the syntax it starts again at the next key at the start of a line.
pub(super) fn parse(file: FileId, text: &str, budget: Budget, out: &mut Diagnostics) -> Tree {
    let (text, has_tabs) = without_tabs(file, text, out);
    let mut builder = Builder::new(file, budget, out);
    let mut start = 0;
    for _ in 0..limits::SYNTAX_MISTAKES_MAX {
        match builder.read(&text, start) {
            Outcome::End => break,
            Outcome::Stop => {
                builder.break_off();
                break;
            }
            Outcome::Broken { offset, diagnostic } => {
                // With a tab in place of spaces, a complaint of the parser may be its echo.
                if !has_tabs {
                    builder.out.push(diagnostic);
                }
                builder.break_off();
                let section = builder.section.unwrap_or(start);
                let Some(next) = next_section(&text, section.max(start), offset) else { break };
                start = next;
            }
        }
    }
    let mut tree = builder.into_tree(!has_tabs);
    if let (true, Some(root)) = (has_tabs, &mut tree.root) {
        soften(root);
    }
    tree
}

/// Where tabs were taken for spaces, what stands in which map is a guess: nothing is missing, and no empty value is one.
fn soften(node: &mut Node) {
    let is_null = node.is_null();
    match &mut node.kind {
        Kind::Map(map) => {
            map.is_complete = false;
            map.entries.iter_mut().for_each(|entry| soften(&mut entry.value));
        }
        Kind::List(list) => {
            list.is_complete = false;
            list.items.iter_mut().for_each(soften);
        }
        _ if is_null => node.kind = Kind::Unreadable,
        Kind::Scalar(_) | Kind::Unreadable => {}
    }
}

/// How reading from one place on ended.
enum Outcome {
    /// The text is over.
    End,
    /// A budget is spent, or a second document starts; a mistake says so.
    Stop,
    /// The syntax is wrong at this byte.
    Broken { offset: usize, diagnostic: Diagnostic },
}

/// Quotation marks of word processors.
const CURVED: [char; 6] = ['“', '”', '„', '‘', '’', '‚'];

/// Keys of a map that are compared with each other.
const FEW_KEYS: usize = 16;

/// Collects nodes from events.
struct Builder<'o> {
    file: FileId,
    budget: Budget,
    nodes: usize,
    open: Vec<Open>,
    root: Option<Node>,
    /// The byte at which the last key of the root map starts.
    section: Option<usize>,
    is_broken: bool,
    out: &'o mut Diagnostics,
}

/// A map or list whose end has not come yet.
struct Open {
    span: Span,
    content: Content,
}

enum Content {
    Map { entries: Vec<Entry>, key: Expected },
    List { items: Vec<Node> },
}

/// What the next node of a map is.
enum Expected {
    /// A key.
    Key,
    /// The value of this key.
    ValueOf(Key),
    /// The value of a key that was refused: it is dropped.
    Dropped,
}

impl<'o> Builder<'o> {
    fn new(file: FileId, budget: Budget, out: &'o mut Diagnostics) -> Self {
        Self { file, budget, nodes: 0, open: Vec::new(), root: None, section: None, is_broken: false, out }
    }

    /// Reads `text` from byte `start` on.
    fn read(&mut self, text: &str, start: usize) -> Outcome {
        let Some(rest) = text.get(start..) else { return Outcome::End };
        let offsets = Offsets::new(rest);
        let base = saturate(start);
        let mut parser = Parser::new_from_str(rest);
        let mut documents = 0;
        loop {
            let (event, at) = match parser.next_event() {
                None => return Outcome::End,
                Some(Ok(found)) => found,
                Some(Err(error)) => {
                    let offset = offsets.byte(error.marker().index()).saturating_add(base);
                    let mut diagnostic = syntax::explain(self.file, text, offset, error.info());
                    if let Some(bracket) = self.unclosed_bracket(text, offset) {
                        diagnostic = syntax::unclosed(diagnostic, text, bracket);
                        self.lose_last_value();
                    }
                    return Outcome::Broken {
                        offset: usize::try_from(offset).unwrap_or(usize::MAX),
                        diagnostic,
                    };
                }
            };
            let span = Span::new(offsets.byte(at.start.index()), offsets.byte(at.end.index())).shift(base);
            let span = if let Event::Scalar(value, style, ..) = &event {
                trimmed(text, span, value.is_empty() && *style == ScalarStyle::Plain)
            } else {
                span
            };
            if matches!(event, Event::DocumentStart(_)) {
                documents += 1;
                if documents > 1 {
                    self.refuse(
                        codes::YAML_DOCUMENTS,
                        span,
                        "a second document starts here; only one is read",
                        "remove the line `---`, or put what follows it into a file of its own",
                    );
                    return Outcome::Stop;
                }
            }
            if let Some(outcome) = self.take(event, text, span) {
                return outcome;
            }
        }
    }

    /// The bracket that was opened on a line above and is still open, where the parser stumbled over that.
    fn unclosed_bracket(&self, text: &str, offset: u32) -> Option<Span> {
        let open = self.open.last()?.span.start;
        let between = text.get(floor_boundary(text, open)..floor_boundary(text, offset))?;
        let is_bracket = between.starts_with(['{', '[']) && between.contains('\n');
        is_bracket.then(|| Span::new(open, open.saturating_add(1)))
    }

    /// The last value before the end of an open bracket may have swallowed what stands on the lines below.
    fn lose_last_value(&mut self) {
        let last = match self.open.last_mut().map(|open| &mut open.content) {
            Some(Content::Map { entries, .. }) => entries.last_mut().map(|entry| &mut entry.value),
            Some(Content::List { items }) => items.last_mut(),
            None => None,
        };
        if let Some(last) = last.filter(|last| matches!(last.kind, Kind::Scalar(_))) {
            last.kind = Kind::Unreadable;
        }
    }

    /// Takes one event; says when reading must end.
    fn take(&mut self, event: Event<'_>, text: &str, span: Span) -> Option<Outcome> {
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                self.refuse_anchor(anchor, span);
                let written = text.get(floor_boundary(text, span.start)..floor_boundary(text, span.end));
                let scalar =
                    Scalar::new(value.into_owned(), known_style(style), written.unwrap_or(""), span.start);
                let kind = match tag {
                    Some(tag) => self.refuse_tag(&tag.to_string(), span),
                    None if style == ScalarStyle::Plain && scalar.text.starts_with(CURVED) => {
                        self.refuse_curved(span, &scalar.text)
                    }
                    None => Kind::Scalar(scalar),
                };
                self.attach(Node { file: self.file, span, head: span, kind });
                self.count(span)
            }
            Event::Alias(_) => {
                self.refuse(
                    codes::YAML_ALIAS,
                    span,
                    "an alias; aliases are refused",
                    "write the value itself, or put it into quotes",
                );
                self.attach(Node { file: self.file, span, head: span, kind: Kind::Unreadable });
                self.count(span)
            }
            Event::MappingStart(anchor, tag) => {
                let key = Expected::Key;
                let content = Content::Map { entries: Vec::new(), key };
                self.start(span, content, anchor, tag.map(|tag| tag.to_string()))
            }
            Event::SequenceStart(anchor, tag) => {
                let content = Content::List { items: Vec::new() };
                self.start(span, content, anchor, tag.map(|tag| tag.to_string()))
            }
            Event::MappingEnd | Event::SequenceEnd => {
                self.close(span, true);
                None
            }
            _ => None,
        }
    }

    fn start(&mut self, span: Span, content: Content, anchor: usize, tag: Option<String>) -> Option<Outcome> {
        self.refuse_anchor(anchor, span);
        if let Some(tag) = tag {
            self.refuse_tag(&tag, span);
        }
        if self.open.len() >= self.budget.depth {
            let message = format!("nested deeper than {} maps and lists", self.budget.depth);
            let diagnostic = Diagnostic::mistake(codes::YAML_TOO_DEEP, self.file, span, message)
                .help("no part of a site is nested as deep as this: is a bracket too many, or a line too far to the right?");
            return Some(Outcome::Broken {
                offset: usize::try_from(span.start).unwrap_or(usize::MAX),
                diagnostic,
            });
        }
        self.open.push(Open { span, content });
        self.count(span)
    }

    /// Counts one node against the budget.
    fn count(&mut self, span: Span) -> Option<Outcome> {
        self.nodes += 1;
        if self.nodes <= self.budget.nodes {
            return None;
        }
        let message = format!("more than {} values; reading stopped here", self.budget.nodes);
        self.refuse(codes::YAML_TOO_MANY_NODES, span, message, "put parts of it into device files");
        Some(Outcome::Stop)
    }

    /// Closes the innermost map or list and hands it to what holds it.
    fn close(&mut self, end: Span, is_complete: bool) {
        let Some(open) = self.open.pop() else { return };
        // A block map or list ends with its last value: the parser's end lies behind blank lines and comments.
        let is_flow = end.start < end.end;
        let (kind, head, last) = match open.content {
            Content::Map { mut entries, key } => {
                if let Expected::ValueOf(key) = key {
                    let kind = Kind::Unreadable;
                    let value = Node { file: self.file, span: key.span, head: key.span, kind };
                    entries.push(Entry { key, value });
                }
                self.leave_out_repeated(&mut entries);
                self.join_decimal_commas(&mut entries);
                let head = entries.first().map(|entry| entry.key.span);
                let last = entries.last().map(|entry| entry.value.span.join(entry.key.span));
                (Kind::Map(Map { entries, is_complete }), head, last)
            }
            Content::List { items } => {
                let last = items.last().map(|item| item.span);
                (Kind::List(List { items, is_complete }), None, last)
            }
        };
        let stop = if is_flow { end.start + 1 } else { last.map_or(open.span.end, |last| last.end) };
        let span = Span::new(open.span.start, stop.max(open.span.start));
        self.attach(Node { file: self.file, span, head: head.unwrap_or(span), kind });
    }

    /// Of the entries with one key the first stays; each further one is told.
    fn leave_out_repeated(&mut self, entries: &mut Vec<Entry>) {
        let mut known: BTreeMap<&str, Span> = BTreeMap::new();
        let mut repeated = BTreeSet::new();
        for (index, entry) in entries.iter().enumerate() {
            let key = entry.key.text.as_str();
            let before = entries.get(..index).unwrap_or_default();
            // Most maps have a few keys, for which a table would cost more than the comparisons.
            let first = if entries.len() <= FEW_KEYS {
                before.iter().find(|earlier| earlier.key.text == key).map(|earlier| earlier.key.span)
            } else {
                let first = *known.entry(key).or_insert(entry.key.span);
                Some(first).filter(|first| *first != entry.key.span)
            };
            if let Some(first) = first {
                self.out.push(twice(self.file, key, first, entry.key.span));
                repeated.insert(entry.key.span.start);
            }
        }
        if !repeated.is_empty() {
            entries.retain(|entry| !repeated.contains(&entry.key.span.start));
        }
    }

    /// `{ value: 49,5 °C }` is a value `49` and a key `5 °C` to YAML: said once, and neither is read.
    fn join_decimal_commas(&mut self, entries: &mut Vec<Entry>) {
        let mut index = 1;
        while let (Some(before), Some(entry)) = (entries.get(index - 1), entries.get(index)) {
            let number = match &before.value.kind {
                Kind::Scalar(scalar) if scalar.style == Style::Plain => scalar.text.as_str(),
                _ => "",
            };
            let is_cut = ends_in_digit(number)
                && entry.value.is_null()
                && entry.key.text.starts_with(|first: char| first.is_ascii_digit())
                && entry.key.span.start == before.value.span.end.saturating_add(1);
            if !is_cut {
                index += 1;
                continue;
            }
            let whole = before.value.span.join(entry.key.span);
            let message = format!("{} has a decimal comma", quote(&format!("{number},{}", entry.key.text)));
            let help = format!("write `{number}.{}`", entry.key.text);
            self.out.push(Diagnostic::mistake(codes::NUMBER_COMMA, self.file, whole, message).help(help));
            entries.remove(index);
            if let Some(before) = entries.get_mut(index - 1) {
                before.value.kind = Kind::Unreadable;
            }
        }
    }

    /// Hands a finished node to the map or list that is open, or makes it the root.
    fn attach(&mut self, mut node: Node) {
        let is_root_map = self.open.len() == 1;
        let Some(open) = self.open.last_mut() else {
            self.take_root(node);
            return;
        };
        let (entries, key) = match &mut open.content {
            Content::List { items } => {
                items.push(node);
                return;
            }
            Content::Map { entries, key } => (entries, key),
        };
        match core::mem::replace(key, Expected::Key) {
            Expected::Dropped => {}
            Expected::ValueOf(name) => {
                node.head = name.span;
                if node.is_null() && node.span.start >= node.span.end {
                    node.span = name.span;
                }
                entries.push(Entry { key: name, value: node });
            }
            Expected::Key => {
                if is_root_map {
                    self.section = usize::try_from(node.span.start).ok();
                }
                *key = match node.kind {
                    Kind::Scalar(scalar) => {
                        Expected::ValueOf(Key { text: scalar.text, file: self.file, span: node.span })
                    }
                    Kind::Unreadable => Expected::Dropped,
                    Kind::Map(_) | Kind::List(_) => {
                        let help = "write one word before the `:`";
                        let message = "a key must be a word, not a map or a list";
                        self.refuse(codes::YAML_KEY, node.span, message, help);
                        return self.drop_value();
                    }
                };
            }
        }
    }

    fn drop_value(&mut self) {
        if let Some(Open { content: Content::Map { key, .. }, .. }) = self.open.last_mut() {
            *key = Expected::Dropped;
        }
    }

    /// Takes the root of a text, or adds the keys of a further section to it.
    fn take_root(&mut self, node: Node) {
        let Some(mut root) = self.root.take() else {
            self.root = Some(node);
            return;
        };
        if let (Kind::Map(known), Kind::Map(more)) = (&mut root.kind, node.kind) {
            root.span = root.span.join(node.span);
            known.entries.extend(more.entries);
            self.leave_out_repeated(&mut known.entries);
        }
        self.root = Some(root);
    }

    /// Closes what is open, as incomplete.
    fn break_off(&mut self) {
        self.is_broken = true;
        while !self.open.is_empty() {
            self.close(Span::default(), false);
        }
        // A text that breaks before its first key has no root that means anything.
        if !matches!(self.root, Some(Node { kind: Kind::Map(_) | Kind::List(_), .. })) {
            self.root = None;
        }
    }

    fn into_tree(mut self, is_complete: bool) -> Tree {
        let is_complete = is_complete && !self.is_broken;
        if let (false, Some(Node { kind: Kind::Map(map), .. })) = (is_complete, &mut self.root) {
            map.is_complete = false;
        }
        Tree { file: self.file, root: self.root, is_complete }
    }

    fn refuse(&mut self, code: &'static str, span: Span, message: impl Into<String>, help: &str) {
        self.out.push(Diagnostic::mistake(code, self.file, span, message).help(help));
    }

    fn refuse_anchor(&mut self, anchor: usize, span: Span) {
        // The parser numbers anchors from 1; 0 is none.
        if anchor > 0 {
            let first = Span::new(span.start, span.start.saturating_add(1));
            let message = "a value that starts with `&` means an anchor to YAML, and anchors are refused";
            self.out.push(
                Diagnostic::mistake(codes::YAML_ALIAS, self.file, first, message)
                    .help("write the value where it is used, or put it into quotes"),
            );
        }
    }

    /// `“55 + 10”` is a text that begins with a letter like any other; what was meant are quotes.
    fn refuse_curved(&mut self, span: Span, text: &str) -> Kind {
        let length = text.chars().next().map_or(0, char::len_utf8);
        let first = Span::new(span.start, span.start.saturating_add(saturate(length)));
        let message = "this curved quotation mark is no quote to YAML";
        let help = "write the straight one, `\"`, before and behind the value; a word processor curves them";
        self.out.push(Diagnostic::mistake(codes::YAML_SYNTAX, self.file, first, message).help(help));
        Kind::Unreadable
    }

    fn refuse_tag(&mut self, tag: &str, span: Span) -> Kind {
        let message = format!("{} means a tag to YAML, and tags are not used here", quote(tag));
        self.out.push(
            Diagnostic::mistake(codes::YAML_TAG, self.file, span, message)
                .help("in a condition write `not`; or put the whole value into quotes"),
        );
        Kind::Unreadable
    }
}

fn twice(file: FileId, key: &str, first: Span, again: Span) -> Diagnostic {
    Diagnostic::mistake(
        codes::YAML_DUPLICATE_KEY,
        file,
        again,
        format!("the key {} stands twice", quote(key)),
    )
    .label("again here")
    .also(file, first, "first here")
    .help("remove one, or give it another name")
}

fn ends_in_digit(text: &str) -> bool {
    text.ends_with(|last: char| last.is_ascii_digit())
}

fn known_style(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
    }
}

/// The parser gives a scalar the blanks behind it, and an absent value what follows it.
fn trimmed(text: &str, span: Span, is_absent: bool) -> Span {
    if is_absent {
        return Span::new(span.start, span.start);
    }
    let range = floor_boundary(text, span.start)..floor_boundary(text, span.end);
    let length = text.get(range).map_or(0, |value| value.trim_end().len());
    Span::new(span.start, span.start.saturating_add(saturate(length)))
}

/// The start of the next line that can be a key of the root map: at or after the line of the mistake, and after the key
/// in whose section the mistake was made.
fn next_section(text: &str, section: usize, mistake: usize) -> Option<usize> {
    let mistake = mistake.min(text.len());
    let line = text.get(..mistake)?.rfind('\n').map_or(0, |newline| newline + 1);
    let mut start = if line > section {
        line
    } else {
        let from = section.max(line);
        from + text.get(from..)?.find('\n')? + 1
    };
    loop {
        let rest = text.get(start..)?;
        let end = rest.find('\n');
        let candidate = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
        let starts_a_key = candidate.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        if starts_a_key && candidate.contains(':') {
            return Some(start);
        }
        start += end? + 1;
    }
}

/// Reports control characters and lines that are indented with tabs, and puts spaces in their place: the text then reads
/// as it is meant in most cases, and no place moves.
fn without_tabs<'t>(file: FileId, text: &'t str, out: &mut Diagnostics) -> (Cow<'t, str>, bool) {
    if !text.bytes().any(|byte| byte < b' ' && byte != b'\n' && byte != b'\r' || byte == DELETE) {
        return (Cow::Borrowed(text), false);
    }
    let mut mended = String::with_capacity(text.len());
    let mut found = 0_usize;
    let mut refuse = |code, start: usize, length: usize, message: String, help: &str| {
        found += 1;
        if found <= limits::SYNTAX_MISTAKES_MAX {
            let span = Span::new(saturate(start), saturate(start.saturating_add(length)));
            out.push(Diagnostic::mistake(code, file, span, message).help(help));
        }
    };
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches([' ', '\t']);
        let indent = line.len() - content.len();
        let has_tab = line.get(..indent).is_some_and(|blank| blank.contains('\t'));
        let is_blank = content.trim_end().is_empty() || content.starts_with('#');
        if has_tab && !is_blank {
            let help = "use spaces; most editors can replace all tabs at once";
            refuse(
                codes::YAML_TAB,
                mended.len(),
                indent,
                "this line is indented with a tab".to_owned(),
                help,
            );
        }
        mended.extend(core::iter::repeat_n(' ', indent));
        for character in content.chars() {
            if character.is_ascii_control() && !matches!(character, '\t' | '\r' | '\n') {
                let message = format!("the control character U+{:04X}", u32::from(character));
                let help = "remove it; it may have come with a copy from elsewhere";
                refuse(codes::YAML_CONTROL, mended.len(), 1, message, help);
                mended.push(' ');
            } else {
                mended.push(character);
            }
        }
    }
    (Cow::Owned(mended), found > 0)
}

/// The one control character above the blank in ASCII.
const DELETE: u8 = 0x7F;
