//! How it is told what came of tests: drawn into their files, as JSON, as JUnit's XML.

use crate::cli::arguments::Format;
use crate::cli::terminal::{BAD, FAINT, GOOD, Output, styled};
use crate::report::instant;
use crate::report::language::say;
use crate::testing::coverage::{self, Branches, Item};
use crate::testing::file::Test;
use crate::testing::trial::Difference;
use ballast_config::sources::{Position, Sources};
use ballast_model::Catalog;
use serde_json::{Value, json};

/// A test that was run.
pub(super) struct Done<'a> {
    /// Which.
    pub(super) test: &'a Test,
    /// What was not as expected.
    pub(super) differences: Vec<Difference>,
}

impl Done<'_> {
    /// Whether all was as expected.
    pub(super) fn has_passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// A test and what was not as expected, drawn into its file.
pub(super) fn tell(done: &Done<'_>, sources: &Sources, catalog: &Catalog, output: &Output) {
    let (style, word) = match done.has_passed() {
        true => (GOOD, output.say("passed", "réussi")),
        false => (BAD, output.say("FAILED", "ÉCHEC")),
    };
    output.line(&format!("{} {}", styled(style, word), done.test.name));
    for difference in &done.differences {
        draw(difference, sources, catalog, output);
    }
}

fn draw(difference: &Difference, sources: &Sources, catalog: &Catalog, output: &Output) {
    let place = difference.place;
    let text = sources.get(place.file).map_or("", |source| source.text());
    let Position { line, column } = sources.position(place.file, place.span.start);
    let (line, before) = (line as usize, (column as usize).saturating_sub(1));
    let written = text.lines().nth(line.saturating_sub(1)).unwrap_or("").trim_end();
    let (file, after, clock) =
        (sources.name(place.file), difference.at, instant::local(difference.utc, &catalog.zone));
    let margin = " ".repeat(line.to_string().len());
    let when = say!(output.language, "after {after}, {clock}", "après {after}, {clock}");
    output.line(&format!("{margin}--> {file}:{line}:{column}, {when}"));
    output.line(&format!("{line} | {written}"));
    let marked = text.get(place.span.start as usize..place.span.end as usize).unwrap_or("");
    // What goes over several lines is marked to the end of its first one.
    let room = written.chars().count().saturating_sub(before).max(1);
    let carets = "^".repeat(marked.chars().count().clamp(1, room));
    let (wanted, found) = (&difference.expected, &difference.found);
    let label =
        say!(output.language, "expected {wanted}, got {found}", "attendu : {wanted}, obtenu : {found}");
    output.line(&format!("{margin} | {}{}", " ".repeat(before), styled(BAD, &format!("{carets} {label}"))));
    for why in difference.why.lines() {
        output.line(&format!("{margin} = {}", styled(FAINT, why)));
    }
}

/// What came of all tests, and what they reached.
pub(super) fn sum_up(
    done: &[Done<'_>],
    sources: &Sources,
    site: &str,
    items: Option<(&[Item], &Branches)>,
    is_junit: bool,
    output: &Output,
) {
    let passed = done.iter().filter(|done| done.has_passed()).count();
    let failed = done.len() - passed;
    if is_junit {
        output.line(junit(done, sources, site).trim_end());
        return;
    }
    if output.format == Format::Json {
        let rows: Vec<Value> = done.iter().map(|done| row(done, sources)).collect();
        let mut data = json!({ "ok": failed == 0, "passed": passed, "failed": failed, "tests": rows });
        if let (Some((items, branches)), Some(data)) = (items, data.as_object_mut()) {
            data.insert("coverage".to_owned(), coverage::data(items));
            data.insert("branches".to_owned(), branches.data());
        }
        output.line(&data.to_string());
        return;
    }
    let sum = match (failed, output.is_french()) {
        (_, false) => format!("{passed} passed, {failed} failed"),
        (_, true) => format!("réussis : {passed}, échoués : {failed}"),
    };
    output.line(&styled(if failed == 0 { GOOD } else { BAD }, &sum));
    if let Some((items, branches)) = items {
        output.line(&coverage::text(items, output.language));
        let text = branches.text(output.language);
        if !text.is_empty() {
            output.line(&text);
        }
    }
}

fn row(done: &Done<'_>, sources: &Sources) -> Value {
    let differences: Vec<Value> = done
        .differences
        .iter()
        .map(|difference| {
            let at = sources.position(difference.place.file, difference.place.span.start);
            json!({
                "file": sources.name(difference.place.file), "line": at.line, "column": at.column,
                "after_s": difference.at.secs_f64(), "utc": instant::utc(difference.utc),
                "expected": difference.expected, "found": difference.found, "why": difference.why,
            })
        })
        .collect();
    let place = done.test.place;
    let (file, line) = (sources.name(place.file), sources.position(place.file, place.span.start).line);
    json!({
        "name": done.test.name, "file": file, "line": line, "passed": done.has_passed(), "differences": differences,
    })
}

/// As GitLab, Jenkins and others read it: a suite for each file.
fn junit(done: &[Done<'_>], sources: &Sources, site: &str) -> String {
    let failures = |of: &[&Done<'_>]| of.iter().filter(|done| !done.has_passed()).count();
    let all: Vec<&Done<'_>> = done.iter().collect();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text.push_str(&format!("<testsuites tests=\"{}\" failures=\"{}\">\n", all.len(), failures(&all)));
    // The tests of a file stand side by side.
    for suite in all.chunk_by(|one, other| one.test.place.file == other.test.place.file) {
        let file = suite.first().map_or("", |done| sources.name(done.test.place.file));
        let (file, tests, failed) = (escaped(file), suite.len(), failures(suite));
        text.push_str(&format!("  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failed}\">\n"));
        for done in suite {
            let (name, site) = (escaped(&done.test.name), escaped(site));
            let line = sources.position(done.test.place.file, done.test.place.span.start).line;
            let head =
                format!("    <testcase classname=\"{site}\" name=\"{name}\" file=\"{file}\" line=\"{line}\"");
            if done.has_passed() {
                text.push_str(&format!("{head}/>\n"));
                continue;
            }
            text.push_str(&format!("{head}>\n"));
            for difference in &done.differences {
                let Position { line, column } =
                    sources.position(difference.place.file, difference.place.span.start);
                let (after, wanted, found) = (difference.at, &difference.expected, &difference.found);
                let message = escaped(&format!("after {after}: expected {wanted}, got {found}"));
                let why = escaped(&difference.why);
                text.push_str(&format!(
                    "      <failure message=\"{message}\">{file}:{line}:{column}\n{why}</failure>\n"
                ));
            }
            text.push_str("    </testcase>\n");
        }
        text.push_str("  </testsuite>\n");
    }
    text + "</testsuites>\n"
}

/// A text as XML has it; a character that XML does not have is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            other if other.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_reads_as_its_own_is_escaped() {
        assert_eq!(escaped("a < b && \"c\"\u{1}\n> é"), "a &lt; b &amp;&amp; &quot;c&quot;\n&gt; é");
    }
}
