//! Passwords and tokens: from a file, from what systemd hands over, or from the environment; never from a site file and
//! never into a text.

use crate::limits::SECRET_MAX;
use crate::spec::Mistakes;
use ballast_model::device::Settings;
use std::env::VarError;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A secret. It has no way into a text but [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Box<str>);

impl Secret {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// What it is; for a request and nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    File(PathBuf),
    Variable(Box<str>),
    /// The name of a credential of the service (`LoadCredential=` in its unit).
    Credential(Box<str>),
}

/// Where systemd tells a service the folder with its credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

impl Source {
    /// From the keys `NAME_file`, `NAME_credential` or `NAME_env`, one of which must be there.
    pub(crate) fn read(name: &str, settings: &Settings, what: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let found = Self::find(name, settings, mistakes)?;
        if found.is_none() {
            mistakes.add(settings.missing(&format!("{name}_file"), what));
        }
        found
    }

    /// The same where there may be none: `Some(None)`.
    pub(crate) fn find(name: &str, settings: &Settings, mistakes: &mut Mistakes) -> Option<Option<Self>> {
        let keys = ["file", "credential", "env"].map(|kind| format!("{name}_{kind}"));
        let mut given = keys.iter().zip(0..).filter_map(|(key, kind)| Some((key, kind, settings.get(key)?)));
        let Some((first, kind, text)) = given.next() else { return Some(None) };
        if let Some((second, ..)) = given.next() {
            let wrong = settings.wrong(second, format!("both `{first}` and `{second}`"));
            mistakes.add(wrong.help("a secret comes from one place: leave one of them out"));
            return None;
        }
        Some(Some(match kind {
            0 => Self::File(text.into()),
            1 if text.is_empty() || text.contains('/') || text == ".." => {
                let wrong = settings.wrong(first, format!("`{text}` is not the name of a credential"));
                mistakes.add(wrong.help("write the name that stands in `LoadCredential=` of the unit"));
                return None;
            }
            1 => Self::Credential(text.into()),
            _ => Self::Variable(text.into()),
        }))
    }

    /// The secret as it is now, without the line's end; else why there is none, for people.
    pub(crate) fn fetch(&self) -> Result<Secret, String> {
        let text = match self {
            Self::File(path) => from_file(path)?,
            Self::Credential(name) => {
                let folder = std::env::var_os(CREDENTIALS).ok_or_else(|| {
                    format!("{name}: there is no {CREDENTIALS}: it is not a service of systemd with `LoadCredential={name}:...`")
                })?;
                from_file(&Path::new(&folder).join(&**name))?
            }
            // The error of the library shows what a variable holds where that is no text.
            Self::Variable(name) => match std::env::var(&**name) {
                Ok(text) => text,
                Err(VarError::NotPresent) => return Err(format!("there is no variable {name}")),
                Err(VarError::NotUnicode(_)) => return Err(format!("the variable {name} is not a text")),
            },
        };
        Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
    }
}

fn from_file(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = std::fs::File::open(path);
    let read = file.and_then(|file| file.take(SECRET_MAX).read_to_string(&mut text));
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text)
}
