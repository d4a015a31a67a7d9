//! Any text as a rule file of the house behind a Linky meter: compiled, or refused with places inside the text; nothing is
//! executed.
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
    for found in &compiled.diagnostics {
        let span = found.primary.span;
        assert!(text.get(span.start as usize..span.end as usize).is_some(), "{}: {span:?}", found.message);
        assert!(!found.message.is_empty());
    }
    assert!(compiled.has_mistakes() || compiled.rules.iter().all(|rule| !rule.name.is_empty()));
});
