//! The files of a site, read as they lie, within bounds.

use crate::file_set::{RULE_BYTES_MAX, SITE_FILES, SetHash};
use ballast_config::limits::FILE_BYTES_MAX;
use ballast_model::almanac::Zone;
use std::collections::BTreeMap;
use std::fs::{File, FileType};
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
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
    /// What is named like a file of the site and is none: name and what it is. Only the check tells it.
    #[serde(skip)]
    pub not_files: BTreeMap<String, &'static str>,
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
        let mut texts = Self::read_heads(directory)?;
        for (folder, ending) in [("rules", "rhai"), ("devices", "yaml")] {
            texts.add_folder(&directory.join(folder), folder, ending)?;
        }
        Ok(texts)
    }

    /// Reads the files of one folder with an ending, as if it were the folder `named` of a site.
    ///
    /// # Errors
    /// When the folder or one of its files cannot be read; a missing folder is no error here.
    pub fn read_folder(folder: &Path, named: &str, ending: &str) -> std::io::Result<Self> {
        let mut texts = Self::default();
        texts.add_folder(folder, named, ending)?;
        Ok(texts)
    }

    /// Puts a rule file from elsewhere in the place of that of its name, or beside the others.
    ///
    /// # Errors
    /// When it is not named as a rule file or cannot be read.
    pub fn replace_rule(&mut self, path: &Path) -> std::io::Result<()> {
        let name = path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".rhai"));
        let unnamed =
            || std::io::Error::new(std::io::ErrorKind::InvalidInput, "a rule file is named NAME.rhai");
        let name = format!("rules/{}", name.ok_or_else(unnamed)?);
        self.too_large.remove(&name);
        self.take_in(open(path, &name)?, &name)
    }

    fn add_folder(&mut self, folder: &Path, named: &str, ending: &str) -> std::io::Result<()> {
        for file in self.list(folder, named, ending)? {
            self.read_file(&folder.join(&file), &format!("{named}/{file}"))?;
        }
        Ok(())
    }

    /// Reads `site.yaml` and `safety.yaml` alone.
    ///
    /// # Errors
    /// When one of them cannot be read; a missing file is no error here.
    pub fn read_heads(directory: &Path) -> std::io::Result<Self> {
        let mut texts = Self::default();
        for name in SITE_FILES {
            texts.read_file(&directory.join(name), name)?;
        }
        Ok(texts)
    }

    /// Whether there is a `site.yaml`, readable or not.
    pub fn has_site(&self) -> bool {
        let [site, _] = SITE_FILES;
        self.files.contains_key(site) || self.too_large.contains_key(site)
    }

    fn read_file(&mut self, path: &Path, name: &str) -> std::io::Result<()> {
        match open(path, name) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => self.take_in(other?, name),
        }
    }

    fn take_in(&mut self, file: File, name: &str) -> std::io::Result<()> {
        let length = file.metadata()?.len();
        let limit = if name.starts_with("rules/") { RULE_BYTES_MAX } else { FILE_BYTES_MAX };
        if length > limit {
            self.too_large.insert(name.to_owned(), length);
            return Ok(());
        }
        // One byte more than it has, by which its end is seen without asking for more room.
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default().saturating_add(1));
        // The file may grow while it is read.
        file.take(limit).read_to_end(&mut bytes)?;
        self.files.insert(name.to_owned(), bytes.into());
        Ok(())
    }

    /// The names of the files of a folder with an ending, sorted. What has the ending and is no file is noted.
    fn list(&mut self, folder: &Path, named: &str, ending: &str) -> std::io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if path.extension().is_none_or(|found| found != ending) || is_hidden {
                continue;
            }
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let noted = format!("{named}/{name}");
            match std::fs::metadata(&path) {
                Ok(about) if about.is_file() => names.push(name.to_owned()),
                Ok(about) => drop(self.not_files.insert(noted, what(about.file_type()))),
                Err(_) if path.is_symlink() => {
                    self.not_files.insert(noted, "a link that leads to nothing");
                }
                // Removed between listing and looking.
                Err(_) => {}
            }
        }
        if names.len() > FILES_MAX {
            let message = format!("{named} holds {} files; a site has at most {FILES_MAX}", names.len());
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
        }
        names.sort();
        Ok(names)
    }

    /// The rules of this set with all other files of another one.
    #[must_use]
    pub fn with_nouns_of(mut self, other: &Self) -> Self {
        let is_rule = |name: &str| name.starts_with("rules/");
        self.files.retain(|name, _| is_rule(name));
        self.too_large.retain(|name, _| is_rule(name));
        self.not_files.retain(|name, _| is_rule(name));
        let nouns = other.files.iter().filter(|(name, _)| !is_rule(name));
        self.files.extend(nouns.map(|(name, text)| (name.clone(), Arc::clone(text))));
        self
    }

    /// The names of the rule files.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .filter(|(name, _)| name.starts_with("rules/"))
            .map(|(name, bytes)| (&**name, &**bytes))
    }

    /// Identity of the set: any other byte gives another.
    pub fn id(&self) -> SetHash {
        SetHash::of_files(self.files.iter().map(|(name, bytes)| (name.as_str(), &**bytes)))
    }
}

/// Opens a file of a site, and nothing by its name that is no file: reading that could wait, or never end.
fn open(path: &Path, name: &str) -> std::io::Result<File> {
    // Asked before it is opened: opening a named pipe waits for somebody who writes into it.
    let about = std::fs::metadata(path)?;
    if !about.is_file() {
        let message = format!("{name} is {} and not a file", what(about.file_type()));
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
    }
    File::open(path)
}

/// The zone of a site, for reading a person's instants; UTC where the file cannot be read.
pub fn zone_of(directory: &Path) -> Zone {
    let mut text = String::new();
    let file = open(&directory.join("site.yaml"), "site.yaml");
    // What cannot be read to its end names no zone, or names it before that.
    let _ = file.and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
    let line = text.lines().find_map(|line| line.strip_prefix("time_zone:"));
    let name = line.map(|rest| rest.split('#').next().unwrap_or("").trim().trim_matches(['"', '\'']));
    name.and_then(Zone::get).unwrap_or_default()
}

/// What something is that is not a regular file.
fn what(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
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
        let texts = Texts {
            files: files.into(),
            too_large: [("site.yaml".to_owned(), 1 << 30)].into(),
            ..Texts::default()
        };
        let written = postcard::to_allocvec(&texts).unwrap();
        assert_eq!(postcard::from_bytes::<Texts>(&written).unwrap(), texts);
        let byte_by_byte: BTreeMap<&str, Vec<u8>> =
            texts.files.iter().map(|(name, text)| (name.as_str(), text.to_vec())).collect();
        let earlier = postcard::to_allocvec(&(byte_by_byte, &texts.too_large)).unwrap();
        assert_eq!(written, earlier, "what an earlier program saved is read");
    }
    #[test]
    fn what_is_named_like_a_rule_file_and_is_none_is_told_and_never_waited_for() {
        use std::os::unix::fs::symlink;
        let folder = std::env::temp_dir().join(format!("ballast-texts-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let rules = folder.join("rules");
        std::fs::create_dir_all(rules.join("folder.rhai")).unwrap();
        std::fs::write(rules.join("good.rhai"), "at \"12:00\" { record(\"noon\"); }").unwrap();
        symlink("good.rhai", rules.join("linked.rhai")).unwrap();
        symlink("nowhere", rules.join("dangling.rhai")).unwrap();
        symlink("/dev/zero", rules.join("zero.rhai")).unwrap();
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, rules.join("pipe.rhai"), fifo, 0o600.into(), 0).unwrap();
        std::fs::File::create(rules.join("long.rhai")).unwrap().set_len(RULE_BYTES_MAX + 1).unwrap();
        let texts = Texts::read(&folder).unwrap();
        assert_eq!(texts.files.keys().collect::<Vec<_>>(), ["rules/good.rhai", "rules/linked.rhai"]);
        assert_eq!(texts.too_large.keys().collect::<Vec<_>>(), ["rules/long.rhai"]);
        let expected = [
            ("rules/dangling.rhai", "a link that leads to nothing"),
            ("rules/folder.rhai", "a folder"),
            ("rules/pipe.rhai", "a named pipe"),
            ("rules/zero.rhai", "a device"),
        ];
        assert!(texts.not_files.iter().map(|(name, what)| (name.as_str(), *what)).eq(expected), "{texts:?}");
        rustix::fs::mknodat(rustix::fs::CWD, folder.join("site.yaml"), fifo, 0o600.into(), 0).unwrap();
        assert!(Texts::read(&folder).unwrap_err().to_string().contains("site.yaml is a named pipe"));
        assert_eq!(zone_of(&folder).name(), "UTC");
        std::fs::remove_file(folder.join("site.yaml")).unwrap();
        std::fs::write(folder.join("site.yaml"), "site: x\ntime_zone: \"Asia/Tokyo\" # far\n").unwrap();
        assert_eq!(zone_of(&folder).name(), "Asia/Tokyo");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
