//! The house rules over every file of the project.

use ballast_tidy::files::{File, root, texts, tracked};
use ballast_tidy::{drivers, links, ratchet, text};

fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{} complaints:\n  {}", complaints.len(), complaints.join("\n  "));
}

#[test]
fn no_file_holds_what_it_should_not() {
    none(texts(&root()).unwrap().iter().flat_map(text::complaints).collect());
}

#[test]
fn no_file_function_or_line_grows_past_its_limit() {
    let sizes: Vec<_> = texts(&root()).unwrap().iter().flat_map(ratchet::sizes).collect();
    none(ratchet::complaints(&sizes, include_str!("../ratchet.txt")));
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let paths = links::with_folders(&tracked(&root()).unwrap());
    let documents: Vec<File> = texts(&root()).unwrap().into_iter().filter(|file| file.is(&[".md"])).collect();
    none(documents.iter().flat_map(|document| links::complaints(document, &paths, &documents)).collect());
}

#[test]
fn the_list_of_drivers_is_sorted_and_complete() {
    let project = texts(&root()).unwrap();
    let list =
        project.iter().find(|file| file.path == "drivers/src/lib.rs").map_or("", |file| file.text.as_str());
    let module = |file: &File| {
        let name = file.path.strip_prefix("drivers/src/")?.strip_suffix(".rs")?;
        (!name.contains('/') && file.text.contains(" SPEC: ")).then(|| name.to_owned())
    };
    let modules: Vec<String> = project.iter().filter_map(module).collect();
    none(drivers::complaints(list, &modules));
}
