//! The files of a site, read as they lie, within bounds.

use crate::watch::SetHash as SetId;
use ballast_config::limits::FILE_BYTES_MAX;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files of one site; more is not a site but a mistake.
const FILES_MAX: usize = 1000;

/// The texts of a site: name relative to its directory, content.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Texts {
    /// Sorted by name.
    #[serde(serialize_with = "whole")]
    pub files: BTreeMap<String, Arc<[u8]>>,
    /// Files that were left unread because they are too large: name and length.
    pub too_large: BTreeMap<String, u64>,
}

/// Writes each text in one piece. The saved form is the same as byte by byte, which takes far longer.
fn whole<S: serde::Serializer>(files: &BTreeMap<String, Arc<[u8]>>, to: S) -> Result<S::Ok, S::Error> {
    struct Whole<'a>(&'a [u8]);
    impl serde::Serialize for Whole<'_> {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.serialize_bytes(self.0)
        }
    }
    to.collect_map(files.iter().map(|(name, text)| (name, Whole(text))))
}

impl Texts {
    /// Reads `site.yaml`, `safety.yaml`, `rules/*.rhai` and `devices/*.yaml`.
    ///
    /// # Errors
    /// When the directory or one of its files cannot be read; a missing file is no error here, the check tells it.
    pub fn read(directory: &Path) -> std::io::Result<Self> {
        // A directory that is not there would look like a site without files.
        std::fs::read_dir(directory)?;
        let mut texts = Self::default();
        for name in ["site.yaml", "safety.yaml"] {
            texts.read_file(directory, name)?;
        }
        for (folder, ending) in [("rules", "rhai"), ("devices", "yaml")] {
            for name in list(directory, folder, ending)? {
                texts.read_file(directory, &name)?;
            }
        }
        Ok(texts)
    }

    fn read_file(&mut self, directory: &Path, name: &str) -> std::io::Result<()> {
        let file = match std::fs::File::open(directory.join(name)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let length = file.metadata()?.len();
        let limit = FILE_BYTES_MAX;
        if length > limit {
            self.too_large.insert(name.to_owned(), length);
            return Ok(());
        }
        let mut bytes = Vec::new();
        // The file may grow while it is read.
        file.take(limit).read_to_end(&mut bytes)?;
        self.files.insert(name.to_owned(), bytes.into());
        Ok(())
    }

    /// The names of the rule files.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .filter(|(name, _)| name.starts_with("rules/"))
            .map(|(name, bytes)| (&**name, &**bytes))
    }

    /// Identity of the set: any other byte gives another.
    pub fn id(&self) -> SetId {
        SetId::of_files(self.files.iter().map(|(name, bytes)| (name.as_str(), &**bytes)))
    }
}

/// Files of a folder with an ending, sorted, as names relative to the site.
fn list(directory: &Path, folder: &str, ending: &str) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(directory.join(folder)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension().is_some_and(|found| found == ending) && !is_hidden && path.is_file() {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            names.push(format!("{folder}/{name}"));
        }
    }
    if names.len() > FILES_MAX {
        let message = format!("{folder} holds {} files; a site has at most {FILES_MAX}", names.len());
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
    }
    names.sort();
    Ok(names)
}

/// Where a site's state lies when nothing else is said.
pub fn state_directory(site: &Path, asked: Option<&Path>) -> PathBuf {
    asked.map_or_else(|| site.join(".ballast"), Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_written_in_one_piece_is_read_back() {
        let text = "at \"12:00\" { mode(\"away\"); } // é".as_bytes();
        let files = [("rules/a.rhai".to_owned(), Arc::from(text)), ("site.yaml".to_owned(), Arc::from([]))];
        let texts = Texts { files: files.into(), too_large: [("site.yaml".to_owned(), 1 << 30)].into() };
        let written = postcard::to_allocvec(&texts).unwrap();
        assert_eq!(postcard::from_bytes::<Texts>(&written).unwrap(), texts);
        let byte_by_byte: BTreeMap<&str, Vec<u8>> =
            texts.files.iter().map(|(name, text)| (name.as_str(), text.to_vec())).collect();
        let earlier = postcard::to_allocvec(&(byte_by_byte, &texts.too_large)).unwrap();
        assert_eq!(written, earlier, "what an earlier program saved is read");
    }
}
