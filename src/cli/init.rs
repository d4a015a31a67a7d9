//! `ballast init`: a small commented site to start from.

use super::Exit;
use super::arguments::Init;
use super::terminal::Output;
use crate::report::language::{Language, say};
use ballast_config::diagnostics::Diagnostics;
use ballast_config::load::{File, Files, load};
use ballast_config::sources::Sources;
use include_dir::{Dir, include_dir};
use std::path::Path;

static TEMPLATE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/cli/template");
/// The same with French comments, labels and names of rules: who reads French reads the files too.
static TEMPLATE_FR: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/cli/template_fr");

/// Writes the site, unless something is already there.
pub fn run(options: &Init, output: &Output) -> Exit {
    let (directory, language) = (&options.directory, output.language_of_answers());
    if directory.join("site.yaml").exists() {
        let shown = directory.display();
        let text = say!(
            language,
            "{shown} already holds a site; nothing was written. Choose another directory.",
            "{shown} contient déjà un site ; rien n'a été écrit. Choisissez un autre dossier."
        );
        return output.refuse(Exit::Failed, &text);
    }
    let name = options.name.clone().unwrap_or_else(|| readable_id(directory));
    if !is_name(&name) {
        let text = say!(
            language,
            "`{name}` cannot be a site's id: a-z, 0-9 and `_`, beginning with a letter, 48 at most, and no word of the conditions; nothing was written. Give another with --name.",
            "`{name}` ne peut pas nommer un site : a-z, 0-9 et `_`, une lettre au début, 48 au plus, et aucun mot des conditions ; rien n'a été écrit. Donnez un autre nom avec --name."
        );
        return output.refuse(Exit::Failed, &text);
    }
    let template = match output.language {
        Language::En => &TEMPLATE,
        Language::Fr => &TEMPLATE_FR,
    };
    match write(template, directory, &name) {
        Ok(()) => {
            let (shown, typed) = (directory.display(), quoted(directory));
            let text = say!(
                output.language,
                "A site was written to {shown}. Next:\n  ballast check {typed}\n  ballast test {typed}\n  ballast run {typed}",
                "Un site a été écrit dans {shown}. Ensuite :\n  ballast check {typed}\n  ballast test {typed}\n  ballast run {typed}"
            );
            output.answer(&text, &serde_json::json!({ "directory": directory, "site": name }));
            Exit::Done
        }
        Err(error) => {
            let shown = directory.display();
            let text = say!(
                language,
                "the site cannot be written to {shown}: {error}",
                "le site ne peut pas être écrit dans {shown} : {error}"
            );
            output.refuse(Exit::Failed, &text)
        }
    }
}

/// Writes an embedded directory, with the site's name filled in.
pub fn write(embedded: &Dir<'_>, directory: &Path, name: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    for file in embedded.files() {
        let Some(file_name) = file.path().file_name() else { continue };
        let text = file.contents_utf8().unwrap_or_default().replace("SITE_NAME", name);
        std::fs::write(directory.join(file_name), text)?;
    }
    for inner in embedded.dirs() {
        let Some(inner_name) = inner.path().file_name() else { continue };
        write(inner, &directory.join(inner_name), name)?;
    }
    Ok(())
}

/// A path as it is typed in a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        return text;
    }
    // Behind a dash it would be an option.
    let dot = if text.starts_with('-') { "./" } else { "" };
    format!("'{dot}{}'", text.replace('\'', r"'\''"))
}

/// A readable id made of a directory's name: lower-case letters, digits and underscores.
fn readable_id(directory: &Path) -> String {
    let name = directory.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let id: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let id = id.trim_matches('_').to_owned();
    if is_name(&id) {
        return id;
    }
    // A digit at the beginning, a word of the conditions, nothing at all, or too long.
    let id: String = format!("my_{id}").chars().take(40).collect();
    if id == "my_" { "my_site".to_owned() } else { id }
}

/// Whether a site can be called that, by the judgement of those who will read it.
pub(crate) fn is_name(name: &str) -> bool {
    let quoted = serde_json::Value::from(name).to_string();
    let site = format!("site: {quoted}\ntime_zone: UTC\n");
    let files = Files {
        site: File::Bytes(site.as_bytes()),
        safety: File::Bytes(b"outputs: {}\n"),
        devices: Vec::new(),
    };
    let mut found = Diagnostics::new();
    // What else such a site lacks does not matter.
    let _ = load(&files, &[], &mut Sources::new(), &mut found);
    found.iter().all(|found| !found.code.starts_with("name::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_directory_gives_a_readable_id() {
        for (directory, id) in [
            ("my-site", "my_site"),
            ("/tmp/École 2", "cole_2"),
            ("42", "my_42"),
            ("/", "my_site"),
            ("site", "my_site"),
            ("until", "my_until"),
        ] {
            assert_eq!(readable_id(Path::new(directory)), id);
            assert!(is_name(id), "{id}");
        }
        assert!(is_name(&readable_id(Path::new(&"long".repeat(30)))));
    }

    #[test]
    fn a_path_is_printed_so_that_it_can_be_typed() {
        for (path, typed) in [
            ("my-site", "my-site"),
            ("/srv/île_2", "/srv/île_2"),
            ("my site", "'my site'"),
            ("l'île", r"'l'\''île'"),
            ("$HOME", "'$HOME'"),
            ("-x", "'./-x'"),
        ] {
            assert_eq!(quoted(Path::new(path)), typed);
        }
    }

    #[test]
    fn both_languages_begin_with_the_same_site() {
        let built = |template: &Dir<'_>, language: &str| {
            let own = format!("ballast-init-{}-{language}", std::process::id());
            let directory = std::env::temp_dir().join(own);
            let _ = std::fs::remove_dir_all(&directory);
            write(template, &directory, "trial").unwrap();
            let texts = crate::site::Texts::read(&directory).unwrap();
            std::fs::remove_dir_all(&directory).unwrap();
            crate::site::build(&texts, &[]).map_err(|refused| refused.text).unwrap()
        };
        let (english, french) = (built(&TEMPLATE, "en"), built(&TEMPLATE_FR, "fr"));
        let names = |built: &crate::site::Built| -> Vec<String> {
            built.running.catalog().names().map(|(name, _)| name.to_owned()).collect()
        };
        assert_eq!(names(&english), names(&french));
        assert_eq!(english.running.safety.limits.len(), french.running.safety.limits.len());
        assert_eq!(&*french.running.plan.rules[0].name, "garder au chaud");
    }

    #[test]
    fn what_the_reader_of_sites_would_refuse_is_no_name() {
        for name in ["", "a b", "Site", "7", "site", "a\nb: c", "\"", &"a".repeat(49)] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
