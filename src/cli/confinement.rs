//! What the program gives up where the guard is a process of its own: devices, files and ports that are not its business.
//!
//! Without a process of its own the guard is in here and needs the devices; then nothing is given up.

use super::terminal::{LOOK, Output, styled};
use crate::report::language::{Language, say};
use crate::site::Texts;
use ballast_config::diagnostics::Diagnostics;
use ballast_config::sources::Sources;
use ballast_drivers::Reach;
use ballast_guard::Guard;
use ballast_host::confine::{Confined, Needs, Role, confine};
use ballast_host::nouns::{self, Given, settle};
use ballast_host::ownership;
use ballast_model::Mono;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Gives up everything that a program of this site does not need; before the first thread is started.
pub(super) fn give_up(site: &Path, state: &Path, overrides: &[String], metrics: &str, output: &Output) {
    let confined = confine(Role::Program, &needs(site, state, overrides, metrics));
    if !confined.is_whole() {
        output.complain(&styled(LOOK, &sentence(&confined, output.language)));
    }
}

/// What a program of this site needs beside a guard of its own process.
pub fn needs(site: &Path, state: &Path, overrides: &[String], metrics: &str) -> Needs {
    let mut needs = Needs::new();
    needs.reads.insert(site.to_owned());
    needs.writes.insert(state.to_owned());
    needs.listens = port_of(metrics).into_iter().collect::<BTreeSet<_>>();
    match reach(site, overrides) {
        Some(reach) => needs.reach(reach),
        // Which ports the set that runs instead needs is not known yet.
        None => needs.connects = None,
    }
    needs
}

/// What the program's own buses of the site must reach; `None` where its files have mistakes.
fn reach(folder: &Path, overrides: &[String]) -> Option<Reach> {
    let texts = Texts::read(folder).ok()?;
    let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
    let mut site = nouns::load(&texts, &mut sources, &mut found).site?;
    // What is unknown among these is told when the set is built.
    let _ = settle(&mut site.buses, Given::at(folder, overrides));
    let catalog = Arc::new(site.catalog.clone());
    let guard = Guard::new(Arc::clone(&catalog), Arc::clone(&site.safety), Mono::ZERO);
    let mut reach = Reach::default();
    for definition in &ownership::divide(&site, &catalog, &guard).program {
        reach.merge(Reach::of(definition, &ballast_drivers::open(definition, &catalog).ok()?));
    }
    Some(reach)
}

/// The port of an address; none for `off`.
fn port_of(address: &str) -> Option<u16> {
    address.rsplit_once(':')?.1.parse().ok()
}

fn sentence(confined: &Confined, language: Language) -> String {
    let kinds = [
        (confined.files, "files", "fichiers"),
        (confined.ports, "TCP ports", "ports TCP"),
        (confined.signals, "signals to others", "signaux aux autres"),
        (confined.calls, "system calls", "appels système"),
    ];
    let missing = kinds.iter().filter(|(has, ..)| !has);
    let missing: Vec<_> = missing.map(|(_, en, fr)| language.say(en, fr)).collect();
    let (missing, why) = (missing.join(", "), confined.lacks.join("; "));
    say!(
        language,
        "the program runs less confined than it could: {missing} ({why})",
        "le programme tourne moins confiné qu'il ne pourrait : {missing} ({why})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_the_metrics_is_known() {
        assert_eq!(port_of("127.0.0.1:9464"), Some(9464));
        assert_eq!(port_of("[::1]:0"), Some(0));
        assert_eq!(port_of("off"), None);
    }
}
