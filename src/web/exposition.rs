//! The text format of Prometheus, version 0.0.4.
//!
//! One [`Exposition`] is one answer: families with their help, kind and samples. A name or a label set that would make a
//! collector refuse the whole answer is left out and counted; in a debug build it fails at once, since it is a mistake
//! of ours and not of the site's.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

/// Samples of one family at most; a histogram counts once. What is over is left out and counted.
const LABEL_SETS_MAX: usize = 20_000;
/// The gauge that tells how many samples an answer lacks.
const LEFT_OUT: &str = "ballast_metrics_left_out";

/// What a family's numbers mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows while the program runs; its name ends with `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often values fell below each bound.
    Histogram,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The metrics of one moment, being written.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
    families: BTreeSet<String>,
    left_out: u64,
}

impl Exposition {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a family. It appears with its first sample. `name` is in lower case with its unit at the end; `help` is
    /// one sentence.
    pub fn family<'a>(&'a mut self, name: &'a str, help: &'a str, kind: Kind) -> Family<'a> {
        let is_new = self.families.insert(name.to_owned());
        let is_good = is_new && is_family_name(name, kind);
        debug_assert!(is_new, "the family {name} is written twice");
        debug_assert!(is_good, "{name} is no name for a {}", kind.word());
        let seen = BTreeSet::new();
        Family { exposition: self, name, help, kind, is_good, samples: 0, seen }
    }

    /// The text, with one more family that says how many samples were left out.
    pub fn finish(mut self) -> String {
        let left_out = self.left_out as f64;
        let help = "Samples that this answer lacks: a family has at most 20000.";
        self.family(LEFT_OUT, help, Kind::Gauge).sample(&[], left_out);
        self.text
    }
}

/// A family being written.
#[derive(Debug)]
pub struct Family<'a> {
    exposition: &'a mut Exposition,
    name: &'a str,
    help: &'a str,
    kind: Kind,
    is_good: bool,
    samples: usize,
    /// Label sets so far, in debug builds only.
    seen: BTreeSet<String>,
}

impl Family<'_> {
    /// Adds a number. Labels are names and any texts; an empty text is as good as no label.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) -> &mut Self {
        debug_assert!(self.kind != Kind::Histogram, "{} takes histograms", self.name);
        if self.admit(labels) {
            self.line("", labels, None, value);
        }
        self
    }

    /// Adds a histogram.
    pub fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) -> &mut Self {
        debug_assert!(self.kind == Kind::Histogram, "{} takes numbers", self.name);
        if !self.admit(labels) {
            return self;
        }
        let mut below = 0u64;
        for (bound, count) in histogram.bounds.iter().zip(&histogram.counts) {
            below = below.saturating_add(*count);
            self.line("_bucket", labels, Some(*bound), below as f64);
        }
        let count = histogram.count() as f64;
        self.line("_bucket", labels, Some(f64::INFINITY), count);
        self.line("_sum", labels, None, histogram.sum);
        self.line("_count", labels, None, count);
        self
    }

    /// Whether a sample with these labels may be written; writes the head of the family before its first.
    fn admit(&mut self, labels: &[(&str, &str)]) -> bool {
        let names_are_good = labels.iter().all(|(name, _)| is_label_name(name, self.kind));
        debug_assert!(names_are_good, "{}: a label of {labels:?} has no good name", self.name);
        if cfg!(debug_assertions) {
            let is_new = self.seen.insert(format!("{labels:?}"));
            debug_assert!(is_new, "{}: {labels:?} is written twice", self.name);
        }
        if !self.is_good || !names_are_good || self.samples >= LABEL_SETS_MAX {
            self.exposition.left_out = self.exposition.left_out.saturating_add(1);
            return false;
        }
        if self.samples == 0 {
            let text = &mut self.exposition.text;
            text.extend(["# HELP ", self.name, " "]);
            escape(self.help, false, text);
            text.extend(["\n# TYPE ", self.name, " ", self.kind.word(), "\n"]);
        }
        self.samples += 1;
        true
    }

    fn line(&mut self, ending: &str, labels: &[(&str, &str)], bound: Option<f64>, value: f64) {
        let text = &mut self.exposition.text;
        text.extend([self.name, ending]);
        let mut before = '{';
        for (name, label) in labels {
            text.push(before);
            text.extend([*name, "=\""]);
            escape(label, true, text);
            text.push('"');
            before = ',';
        }
        // Writing into a text cannot fail.
        let _ = match bound {
            Some(bound) => write!(text, "{before}le=\"{}\"}} ", Number(bound)),
            None if labels.is_empty() => text.write_char(' '),
            None => text.write_str("} "),
        };
        let _ = writeln!(text, "{}", Number(value));
    }
}

/// How often values fell below each of some fixed bounds. Belongs to one thread; others get a clone.
#[derive(Clone, Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One for each bound and one for what lies above all, not added up.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty one. The bounds are finite and rising.
    pub fn new(bounds: &'static [f64]) -> Self {
        debug_assert!(bounds.is_sorted_by(|a, b| a < b) && bounds.iter().all(|bound| bound.is_finite()));
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// Counts a value. One that is not finite is none.
    pub fn observe(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        let place = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
        self.sum += value;
    }

    fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// A number as the format writes it.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_nan() {
            f.write_str("NaN")
        } else if self.0.is_infinite() {
            f.write_str(if self.0 > 0.0 { "+Inf" } else { "-Inf" })
        } else if self.0.abs() >= 1e15 || (self.0.abs() < 1e-6 && self.0.to_bits() << 1 != 0) {
            write!(f, "{:e}", self.0)
        } else {
            write!(f, "{}", self.0)
        }
    }
}

/// Help texts keep their quotes, labels do not.
fn escape(from: &str, quotes: bool, to: &mut String) {
    for c in from.chars() {
        match c {
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '"' if quotes => to.push_str("\\\""),
            other => to.push(other),
        }
    }
}

/// Stricter than the format: what promtool calls good, and no colons, which are for recording rules.
fn is_family_name(name: &str, kind: Kind) -> bool {
    let reserved = ["_bucket", "_count", "_sum"].iter().any(|ending| name.ends_with(ending));
    is_word(name) && !reserved && (name.ends_with("_total") == (kind == Kind::Counter))
}

fn is_label_name(name: &str, kind: Kind) -> bool {
    is_word(name) && !name.starts_with("__") && !(kind == Kind::Histogram && name == "le")
}

fn is_word(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && word.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

#[cfg(test)]
#[path = "exposition_tests.rs"]
mod tests;
