//! Relative links of the documents: the file is there, and so is the heading behind `#`.

use crate::files::File;
use std::collections::BTreeSet;

/// Complaints about the links of one document. `paths` are all files and folders of the project, `documents` the
/// Markdown files among them with their text.
pub fn complaints(document: &File, paths: &BTreeSet<String>, documents: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (line, target) in links(&document.text) {
        let (path, heading) = target.split_once('#').map_or((target.as_str(), None), |(p, h)| (p, Some(h)));
        let resolved =
            if path.is_empty() { Some(document.path.clone()) } else { resolve(&document.path, path) };
        let Some(found) = resolved.filter(|resolved| resolved.is_empty() || paths.contains(resolved)) else {
            complaints.push(format!("{}:{line}: the link `{target}` leads nowhere", document.path));
            continue;
        };
        let goal = documents.iter().find(|file| file.path == found);
        if let (Some(heading), Some(goal)) = (heading, goal)
            && !anchors(&goal.text).contains(heading)
        {
            complaints.push(format!("{}:{line}: {found} has no heading `#{heading}`", document.path));
        }
    }
    complaints
}

/// Relative link targets with their lines, outside of code.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if in_code {
            continue;
        }
        // Every second piece between back-quotes is code.
        let prose: String =
            line.split('`').enumerate().map(|(n, piece)| if n % 2 == 0 { piece } else { "`" }).collect();
        for (at, _) in prose.match_indices("](") {
            let target =
                prose.get(at + 2..).and_then(|rest| rest.split([')', ' ']).next()).unwrap_or_default();
            if !target.contains("://") && !target.starts_with("mailto:") {
                found.push((number + 1, target.to_owned()));
            }
        }
    }
    found
}

/// `target` as seen from the folder of `from`, as a path from the root. `None` when it leaves the project.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The anchors that a forge makes of a document's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings =
        text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let kept = heading
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .collect::<String>();
        kept.replace(' ', "-")
    };
    headings.map(anchor).collect()
}

/// All files of the project and every folder that holds one.
pub fn with_folders(paths: &[String]) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = paths.iter().cloned().collect();
    for path in paths {
        let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        all.extend(folders.map(str::to_owned));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Vec<String> {
        let document = File::new("docs/a/one.md", text);
        let other = File::new("docs/two.md", "# Two words, and more\n");
        let paths = with_folders(&[document.path.clone(), other.path.clone(), "src/main.rs".to_owned()]);
        complaints(&document, &paths, &[document.clone(), other])
    }

    #[test]
    fn links_to_files_folders_and_headings_that_exist_pass() {
        let text = "[a](../two.md#two-words-and-more) [b](../../src) [c](https://x.org/y) `[d](gone)`\n```\n[e](gone)\n```\n";
        assert_eq!(check(text), Vec::<String>::new());
    }

    #[test]
    fn a_link_that_leads_nowhere_is_named_with_its_line() {
        assert_eq!(check("x\n[a](../three.md)"), ["docs/a/one.md:2: the link `../three.md` leads nowhere"]);
        assert_eq!(check("[a](../../../up.md)").len(), 1);
        assert_eq!(check("[a](../two.md#three)"), ["docs/a/one.md:1: docs/two.md has no heading `#three`"]);
    }
}
