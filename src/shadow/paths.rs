//! Where a person has the files of a candidate: what is said of them names those, and not the places they would have in a site.

use std::collections::BTreeMap;
use std::path::Path;

/// Where the rule files of a site lie in it.
const RULES: &str = "rules/";

/// The path of each file of a candidate, by the name that it would have in the site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths(BTreeMap<String, String>);

impl Paths {
    /// Files of these names that lie in a folder.
    pub fn new<'a>(folder: &Path, names: impl IntoIterator<Item = &'a str>) -> Self {
        let path = |name: &str| Some(folder.join(name.strip_prefix(RULES)?).display().to_string());
        Self(names.into_iter().filter_map(|name| Some((name.to_owned(), path(name)?))).collect())
    }

    /// The path of a file; `None` for one of the site's own.
    pub fn of(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The same of a place in one: `main.rhai:3`.
    pub fn place(&self, place: &str) -> String {
        let found = self.0.iter().find_map(|(name, path)| {
            let rest = place.strip_prefix(name.strip_prefix(RULES)?)?;
            rest.starts_with(':').then(|| format!("{path}{rest}"))
        });
        found.unwrap_or_else(|| place.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_as_they_lie_and_those_of_the_site_as_ever() {
        let paths = Paths::new(Path::new("new"), ["rules/a.rhai", "rules/main.rhai"]);
        assert_eq!(paths.of("rules/main.rhai"), Some("new/main.rhai"));
        assert_eq!(paths.of("rules/other.rhai"), None);
        assert_eq!(paths.place("main.rhai:3:4"), "new/main.rhai:3:4");
        assert_eq!(paths.place("other.rhai:3"), "other.rhai:3");
        assert_eq!(paths.place("a.rhai.rhai:3"), "a.rhai.rhai:3");
        // One file in the folder one stands in.
        assert_eq!(Paths::new(Path::new(""), ["rules/a.rhai"]).of("rules/a.rhai"), Some("a.rhai"));
    }
}
