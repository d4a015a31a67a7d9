//! Which files the project consists of. Asks git and the disk; every other module only looks at text.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One tracked text file.
#[derive(Clone, Debug)]
pub struct File {
    /// Path from the root of the repository, with `/`.
    pub path: String,
    /// Its whole text.
    pub text: String,
}

impl File {
    /// A file made up by a test.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// True when the path ends in one of these, such as `.rs`.
    pub fn is(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }
}

/// The root of the repository: two folders above this package.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Every path that git tracks, sorted, with those that a commit would add; deleted ones are left out.
///
/// # Errors
/// When git cannot be asked, with its own words.
pub fn tracked(root: &Path) -> Result<Vec<String>, String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("git does not start: {error}"))?;
    if !listed.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&listed.stderr).trim()));
    }
    let mut paths: Vec<String> = String::from_utf8_lossy(&listed.stdout)
        .split('\0')
        .filter(|path| !path.is_empty() && root.join(path).is_file())
        .map(str::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// The tracked files that are text. Binary ones, recorded bytes for example, are left out.
///
/// # Errors
/// As [`tracked`].
pub fn texts(root: &Path) -> Result<Vec<File>, String> {
    let read = |path: String| {
        let bytes = std::fs::read(root.join(&path)).ok()?;
        let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))?;
        Some(File { path, text })
    };
    Ok(tracked(root)?.into_iter().filter_map(read).collect())
}
