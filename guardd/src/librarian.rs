//! The files of the site, read again when somebody asks: on a thread of its own, since a disk may be slow.

use crate::log;
use crate::set::{self, Prepared};
use ballast_host::Texts;
use ballast_host::nouns::Given;
use ballast_words::process;
use std::path::Path;

/// What was found.
pub type Found = Result<Prepared, String>;

/// The files of a site without its rules, which are none of the guard's business.
///
/// # Errors
/// The directory or one of its files cannot be read.
pub fn nouns(site: &Path) -> Result<Texts, String> {
    let mut texts =
        Texts::read(site).map_err(|error| format!("{} cannot be read: {error}", site.display()))?;
    if !texts.has_site() {
        return Err(process::no_site(&site.display().to_string(), log::language()));
    }
    texts.files.retain(|name, _| !name.starts_with("rules/"));
    texts.too_large.retain(|name, _| !name.starts_with("rules/"));
    texts.not_files.clear();
    Ok(texts)
}

/// Reads and checks them.
///
/// # Errors
/// All mistakes, drawn.
pub fn read(site: &Path, overrides: &[String]) -> Found {
    set::read(nouns(site)?, Given::at(site, overrides))
}
