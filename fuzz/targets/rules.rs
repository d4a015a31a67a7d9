//! Any text as a rule file of the house behind a Linky meter: compiled or refused with places, nothing executed.
#![no_main]

use ballast_model::Catalog;
use ballast_model::diagnostic::FileId;
use ballast_rules::Source;
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

static CATALOG: LazyLock<Arc<Catalog>> = LazyLock::new(|| {
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/linky-home");
    let texts = ballast::site::Texts::read(&example).expect("the example is there");
    let built = ballast::site::build(&texts, &[]).unwrap_or_else(|refused| panic!("{}", refused.text));
    Arc::clone(&built.running.plan.catalog)
});

fuzz_target!(|text: &str| {
    let sources = [Source { file: FileId(0), name: "any.rhai", text }];
    let compiled = ballast_rules::compile(&sources, &CATALOG);
    assert!(compiled.has_mistakes() || compiled.rules.iter().all(|rule| !rule.name.is_empty()));
});
