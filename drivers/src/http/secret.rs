//! Passwords and tokens: from a file or the environment, never from a site file and never into a text.

use crate::limits::SECRET_MAX;
use crate::spec::Mistakes;
use ballast_model::device::Settings;
use std::fmt;
use std::io::Read;
use std::path::PathBuf;

/// A secret. It has no way into a text but [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(Box<str>);

impl Secret {
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// What it is; for a request and nothing else.
    pub(super) fn expose(&self) -> &str {
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
pub(super) enum Source {
    File(PathBuf),
    Variable(Box<str>),
}

impl Source {
    /// From the keys `NAME_file` or `NAME_env`, one of which must be there.
    pub(super) fn read(name: &str, settings: &Settings, what: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let (file, variable) = (format!("{name}_file"), format!("{name}_env"));
        match (settings.get(&file), settings.get(&variable)) {
            (Some(path), None) => Some(Self::File(path.into())),
            (None, Some(variable)) => Some(Self::Variable(variable.into())),
            (None, None) => {
                mistakes.add(settings.missing(&file, what));
                None
            }
            (Some(_), Some(_)) => {
                let wrong = settings.wrong(&variable, format!("both `{file}` and `{variable}`"));
                mistakes.add(wrong.help("a secret comes from one place: leave one of them out"));
                None
            }
        }
    }

    /// The secret as it is now, without the line's end; else why there is none, for people.
    pub(super) fn fetch(&self) -> Result<Secret, String> {
        let text = match self {
            Self::File(path) => {
                let mut text = String::new();
                let file = std::fs::File::open(path);
                let read = file.and_then(|file| file.take(SECRET_MAX).read_to_string(&mut text));
                read.map_err(|error| format!("{}: {error}", path.display()))?;
                text
            }
            Self::Variable(name) => std::env::var(&**name).map_err(|error| format!("{name}: {error}"))?,
        };
        Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
    }
}
